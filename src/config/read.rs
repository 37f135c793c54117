//! Reads a section by its table: every fault is found, none stops the reading.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::words::{Address, LocalDate, Zone};

use super::fields::{Fields, Placed, Value};
use super::findings::{Findings, quoted};
use super::keys::{CONFIG, DEFAULTS, MAILBOX};
use super::model::{CredentialSource, DayName};
use super::scalars;
use super::schedule_keys::{RAMP, SCHEDULE};
use super::table::{Key, Kind, Section, listed};
use super::tree::{Entry, Node, Place, Tree};

/// Reads a section. `None` where it is none at all; faults inside it leave the rest standing.
pub fn read_section(node: &Node, section: &'static Section, f: &mut Findings<'_>) -> Option<Fields> {
    let mut fields = Fields::none(section, node.at);
    match (&node.value, section.short.and_then(|short| section.key(short))) {
        (Tree::Map(entries), _) => read_entries(entries, &mut fields, f),
        (Tree::Null, _) => {}
        (_, Some(key)) => read_key(node, node.at, key, &mut fields, f),
        (_, None) => {
            f.error(node.at, format!("{} is a section, not {}", section.title, shown(node, f)), keys_hint(section));
            return None;
        }
    }
    for key in section.keys.iter().filter(|k| k.required && !fields.has(k.name)) {
        let form = if key.kind.example().is_empty() { key.kind.wanted() } else { key.kind.example().to_owned() };
        f.error(fields.at, format!("`{}` is missing", key.name), format!("add `{}:` with {form}", key.name));
    }
    Some(fields)
}

fn read_entries(entries: &[Entry], fields: &mut Fields, f: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for entry in entries {
        if let Some(first) = seen.get(entry.key.as_str()) {
            let hint = format!("it is set first at line {}; keep one of the two", first.line);
            f.error(entry.at, format!("{} is set twice", quoted(&entry.key)), hint);
            if scalars::names_a_secret(&entry.key) {
                f.hide(&entry.node);
            }
            continue;
        }
        seen.insert(&entry.key, entry.at);
        match fields.section.key(&entry.key) {
            Some(key) => read_key(&entry.node, entry.at, key, fields, f),
            None => unknown_key(entry, fields.section, f),
        }
    }
}

fn read_key(node: &Node, at: Place, key: &'static Key, fields: &mut Fields, f: &mut Findings<'_>) {
    if matches!(node.value, Tree::Null) && !takes_null(&key.kind) {
        if key.required {
            fields.keep(key, None);
            f.error(at, format!("`{}` is set to nothing", key.name), format!("it wants {}", key.kind.wanted()));
        }
        return;
    }
    let placed = read_value(node, key.name, &key.kind, f);
    fields.keep(key, placed);
}

/// `max_daily_growth: null` says `off`.
fn takes_null(kind: &Kind) -> bool {
    matches!(kind, Kind::WordOr(words, _) if words.contains(&"off"))
}

fn unknown_key(entry: &Entry, section: &'static Section, f: &mut Findings<'_>) {
    let near = f.nearest(&entry.key, section.keys.iter().map(|k| k.name));
    if scalars::names_a_secret(&entry.key) || near == Some("secret") {
        f.hide(&entry.node);
        if section.key("secret").is_some() && near.is_none_or(|n| n == "secret") {
            let what = format!("unknown key {}; a literal password is refused", quoted(&entry.key));
            f.error(entry.at, what, SECRET_HINT);
            return;
        }
    }
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if belongs_in_a_schedule(&entry.key, section) => format!("`{}` goes into a schedule file", entry.key),
        None => keys_hint(section),
    };
    f.error(entry.at, format!("unknown key {} in {}", quoted(&entry.key), section.title), hint);
}

fn belongs_in_a_schedule(key: &str, section: &Section) -> bool {
    let is_mailbox_or_file = [&MAILBOX, &DEFAULTS, &CONFIG].iter().any(|s| s.title == section.title);
    is_mailbox_or_file && (SCHEDULE.key(key).is_some() || RAMP.key(key).is_some())
}

fn keys_hint(section: &Section) -> String {
    let names: Vec<&str> = section.keys.iter().map(|k| k.name).collect();
    format!("known here: {}", names.join(", "))
}

const SECRET_HINT: &str =
    "write `secret: env:NAME`, `secret: file:PATH` or `secret: {command: [PROGRAM, ARGUMENT]}`; change a password that stood here";

/// Reads one value of a kind. `name` is the key's, for messages.
pub fn read_value(node: &Node, name: &str, kind: &'static Kind, f: &mut Findings<'_>) -> Option<Placed> {
    if is_secret_in_the_wrong_place(node, kind) {
        f.hide(node);
        f.error(
            node.at,
            format!("`{name}` looks as if a password stood in it"),
            "a space belongs behind the colon of a key; a password never stands in this file",
        );
        return None;
    }
    let value = match kind {
        Kind::Section(section) => Value::Fields(read_section(node, section, f)?),
        Kind::List(item) => Value::List(read_list(node, name, item, kind, f)?),
        Kind::OneOrMore(item) => match &node.value {
            Tree::List(_) => Value::List(read_list(node, name, item, kind, f)?),
            _ => Value::List(vec![read_value(node, name, item, f)?]),
        },
        Kind::WordOr(words, section) => match &node.value {
            Tree::Map(_) => Value::Fields(read_section(node, section, f)?),
            Tree::Null if takes_null(kind) => Value::Text("off".to_owned()),
            _ => Value::Text(read_word(node, name, words, kind, f)?),
        },
        Kind::Map(names, values) => Value::Map(read_map(node, name, names, values, kind, f)?),
        Kind::Secret => Value::Secret(read_secret(node, f)?),
        Kind::Program => Value::Program(read_program(node, name, kind, f)?),
        Kind::Weekdays => Value::Weekdays(read_weekdays(node, name, kind, f)?),
        _ => read_scalar(node, name, kind, f)?,
    };
    Some(Placed { at: node.at, value })
}

/// `password:hunter2` without the space is one text to YAML, and `user:hunter2@host` is one to a person: no message may repeat them.
fn is_secret_in_the_wrong_place(node: &Node, kind: &Kind) -> bool {
    let (Tree::Text(text), false) = (&node.value, matches!(kind, Kind::Secret | Kind::Program | Kind::Path)) else {
        return false;
    };
    let names_one = text.match_indices(':').any(|(i, _)| text.get(..i).is_some_and(scalars::names_a_secret));
    names_one || (matches!(kind, Kind::Host) && text.contains('@'))
}

fn read_list(node: &Node, name: &str, item: &'static Kind, kind: &Kind, f: &mut Findings<'_>) -> Option<Vec<Placed>> {
    let Tree::List(items) = &node.value else {
        return wrong(node, name, kind, f);
    };
    // A wrong item is left out; its finding stands. A list of nothing but wrong ones is wrong, not empty.
    let read: Vec<Placed> = items.iter().filter_map(|n| read_value(n, name, item, f)).collect();
    (items.is_empty() || !read.is_empty()).then_some(read)
}

fn read_map(
    node: &Node,
    name: &str,
    names: &'static Kind,
    values: &'static Kind,
    kind: &Kind,
    f: &mut Findings<'_>,
) -> Option<Vec<(Placed, Placed)>> {
    let Tree::Map(entries) = &node.value else {
        return wrong(node, name, kind, f);
    };
    let mut map = Vec::new();
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.key.to_ascii_lowercase(), entry.at) {
            let hint = format!("it is set first at line {}; keep one of the two", first.line);
            f.error(entry.at, format!("{} is set twice", quoted(&entry.key)), hint);
            continue;
        }
        let key = Node { at: entry.at, defined: entry.at, value: Tree::Text(entry.key.clone()) };
        let key = read_value(&key, name, names, f);
        let value = read_value(&entry.node, &entry.key, values, f);
        map.extend(key.zip(value));
    }
    Some(map)
}

fn read_word(node: &Node, name: &str, words: &[&'static str], kind: &Kind, f: &mut Findings<'_>) -> Option<String> {
    let Some(text) = scalar_text(node, f) else {
        return wrong(node, name, kind, f);
    };
    let folded = text.to_lowercase();
    if let Some(word) = words.iter().find(|w| **w == folded) {
        return Some((*word).to_owned());
    }
    let near = f.nearest(&text, words.iter().copied());
    let hint = near.map_or_else(|| format!("one of {}", listed(words)), |n| format!("did you mean `{n}`?"));
    f.error(node.at, format!("`{name}` cannot be {}", quoted(&text)), hint);
    None
}

fn read_secret(node: &Node, f: &mut Findings<'_>) -> Option<CredentialSource> {
    let secret = match &node.value {
        Tree::Text(text) => scalars::secret(text),
        Tree::Map(entries) => match entries.as_slice() {
            [Entry { key, node, .. }] => match (key.as_str(), &node.value) {
                ("env", Tree::Text(name)) => scalars::secret_env(name),
                ("file", Tree::Text(path)) => scalars::secret_file(path),
                ("command", Tree::Text(line)) => scalars::secret_command(line.split_whitespace().map(str::to_owned).collect()),
                ("command", Tree::List(items)) => {
                    items.iter().map(|n| scalar_text(n, f)).collect::<Option<Vec<_>>>().and_then(scalars::secret_command)
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    if secret.is_none() {
        f.hide(node);
        f.error(node.at, "a literal password is refused: `secret` says where the secret comes from", SECRET_HINT);
    }
    secret
}

fn read_program(node: &Node, name: &str, kind: &Kind, f: &mut Findings<'_>) -> Option<Vec<String>> {
    let parts = match &node.value {
        Tree::List(items) => items.iter().map(|n| scalar_text(n, f)).collect::<Option<Vec<_>>>(),
        _ => scalar_text(node, f).map(|line| line.split_whitespace().map(str::to_owned).collect()),
    };
    match parts {
        Some(parts) if parts.first().is_some_and(|p| !p.is_empty()) && parts.iter().all(|p| !p.contains(char::is_control)) => Some(parts),
        _ => wrong(node, name, kind, f),
    }
}

fn read_weekdays(node: &Node, name: &str, kind: &Kind, f: &mut Findings<'_>) -> Option<BTreeSet<DayName>> {
    let items = match &node.value {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut days = Some(BTreeSet::new());
    for item in items {
        let Some(text) = scalar_text(item, f) else {
            return wrong(item, name, kind, f);
        };
        match scalars::weekdays(&text) {
            Ok(more) => days.iter_mut().for_each(|d| d.extend(&more)),
            Err(word) => {
                let near = f.nearest(&word, scalars::WEEKDAYS);
                let hint =
                    near.map_or_else(|| format!("the weekdays are {}", scalars::WEEKDAYS.join(", ")), |n| format!("did you mean `{n}`?"));
                f.error(item.at, format!("{} is not a weekday", quoted(&word)), hint);
                days = None;
            }
        }
    }
    days
}

fn read_scalar(node: &Node, name: &str, kind: &Kind, f: &mut Findings<'_>) -> Option<Value> {
    match kind {
        Kind::Whole { min, max, .. } => return read_whole(node, name, *min, *max, kind, f),
        Kind::Share { max } => return read_share(node, name, *max, kind, f),
        _ => {}
    }
    let Some(text) = scalar_text(node, f) else {
        return wrong(node, name, kind, f);
    };
    if text.chars().any(is_unfit) {
        let hint = "write it on one line, without line breaks, tabs or direction marks";
        f.error(node.at, format!("`{name}` holds a control character"), hint);
        return None;
    }
    let value = match kind {
        Kind::Text => (!text.trim().is_empty() && text.chars().count() <= 200).then_some(Value::Text(text)),
        Kind::Word(words) => return read_word(node, name, words, kind, f).map(Value::Text),
        Kind::Duration { max } => scalars::duration(&text).filter(|d| d.as_secs() <= *max).map(Value::Duration),
        Kind::Hours => return read_hours(node, &text, name, kind, f),
        Kind::Date => LocalDate::parse(&text).map(Value::Date),
        Kind::Zone => return read_zone(node, &text, f),
        Kind::Address => return read_address(node, &text, f),
        Kind::Domain => scalars::domain(&text).map(Value::Domain),
        Kind::Host => scalars::is_host(&text).then_some(Value::Text(text)),
        Kind::Path if text.starts_with("~/") => {
            f.error(node.at, format!("`{name}` begins with `~`, which only a shell understands"), "write the path out");
            return None;
        }
        Kind::Path => (!text.is_empty()).then_some(Value::Text(text)),
        _ => None,
    };
    value.or_else(|| wrong(node, name, kind, f))
}

fn read_whole(node: &Node, name: &str, min: u32, max: u32, kind: &Kind, f: &mut Findings<'_>) -> Option<Value> {
    let number = match &node.value {
        Tree::Whole(n) => *n,
        Tree::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => *n as i64,
        _ => return wrong(node, name, kind, f),
    };
    match u32::try_from(number) {
        Ok(n) if (min..=max).contains(&n) => Some(Value::Whole(n)),
        _ => {
            f.error(node.at, format!("`{name}` is {number}, out of its range"), format!("it wants {}", kind.wanted()));
            None
        }
    }
}

fn read_share(node: &Node, name: &str, max: f64, kind: &Kind, f: &mut Findings<'_>) -> Option<Value> {
    let number = match &node.value {
        Tree::Whole(n) => *n as f64,
        Tree::Number(n) => *n,
        Tree::Text(text) if text.trim_end().ends_with('%') => {
            let share = text.trim_end().trim_end_matches('%').trim().parse::<f64>().ok().map(|p| format!("{}", p / 100.0));
            let hint = share.map_or_else(|| format!("it wants {}", kind.wanted()), |s| format!("write it as a share: {s}"));
            f.error(node.at, format!("`{name}` is a share, not a percentage"), hint);
            return None;
        }
        _ => return wrong(node, name, kind, f),
    };
    if number.is_finite() && (0.0..=max).contains(&number) {
        return Some(Value::Share(number));
    }
    f.error(node.at, format!("`{name}` is {number}, out of its range"), format!("it wants {}", kind.wanted()));
    None
}

fn read_hours(node: &Node, text: &str, name: &str, kind: &Kind, f: &mut Findings<'_>) -> Option<Value> {
    let Some((from, to)) = scalars::hours(text) else {
        return wrong(node, name, kind, f);
    };
    if from < to {
        return Some(Value::Hours(from, to));
    }
    let what = if from == to { "ends as it begins" } else { "ends before it begins" };
    let hint = format!("a window lies within one day, such as {}-{}", to.min(from).format("%H:%M"), from.max(to).format("%H:%M"));
    let hint = if from == to { "a window lies within one day, such as 08:30-17:30".to_owned() } else { hint };
    f.error(node.at, format!("the window {} {what}", quoted(text)), hint);
    None
}

fn read_zone(node: &Node, text: &str, f: &mut Findings<'_>) -> Option<Value> {
    if let Ok(zone) = text.parse::<Zone>() {
        return Some(Value::Zone(zone));
    }
    let near = f.nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()));
    let hint = near
        .map_or_else(|| "zones have IANA names, such as Europe/Berlin or America/New_York".to_owned(), |n| format!("did you mean `{n}`?"));
    f.error(node.at, format!("unknown zone {}", quoted(text)), hint);
    None
}

fn read_address(node: &Node, text: &str, f: &mut Findings<'_>) -> Option<Value> {
    match Address::parse(text) {
        Ok(address) => Some(Value::Address(address)),
        Err(bad) => {
            let hint = "write it bare, such as anna@new.example; a name goes into `name`";
            f.error(node.at, format!("{} is not an address: {bad}", quoted(text)), hint);
            None
        }
    }
}

/// Controls, and the marks that turn the direction of text around.
fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text of a single value; a number keeps the form in which it is written.
fn scalar_text(node: &Node, f: &Findings<'_>) -> Option<String> {
    let written = |fallback: String| {
        let raw = f.raw(node.defined);
        if raw.is_empty() { fallback } else { raw.to_owned() }
    };
    match &node.value {
        Tree::Text(text) => Some(text.clone()),
        Tree::Whole(n) => Some(written(n.to_string())),
        Tree::Number(n) => Some(written(n.to_string())),
        Tree::Bool(b) => Some(written(b.to_string())),
        Tree::Null | Tree::List(_) | Tree::Map(_) => None,
    }
}

/// What stands there, for a message.
fn shown(node: &Node, f: &Findings<'_>) -> String {
    match &node.value {
        Tree::Null => "nothing".to_owned(),
        Tree::List(_) => "a list".to_owned(),
        Tree::Map(_) => "a mapping".to_owned(),
        _ => quoted(&scalar_text(node, f).unwrap_or_default()),
    }
}

fn wrong<T>(node: &Node, name: &str, kind: &Kind, f: &mut Findings<'_>) -> Option<T> {
    let hint = match (kind, &node.value) {
        (Kind::Duration { max }, Tree::Text(text)) if scalars::duration(text).is_some() => {
            format!("at most {}", scalars::duration_text(Duration::from_secs(*max)))
        }
        (Kind::Duration { .. }, Tree::Whole(n)) => format!("say of what: `{n}s`, `{n}m` or `{n}h`"),
        (Kind::Host, Tree::Text(text))
            if text.rsplit_once(':').is_some_and(|(host, port)| scalars::is_host(host) && port.parse::<u16>().is_ok()) =>
        {
            let (host, port) = text.rsplit_once(':').unwrap_or_default();
            format!("the port is a key of its own: {{host: {host}, port: {port}}}")
        }
        (Kind::Whole { .. }, _) => "write the number alone: digits, no unit".to_owned(),
        _ if kind.example().is_empty() => format!("write {}", kind.wanted()),
        _ => format!("for example {}", kind.example()),
    };
    let shown = shown(node, f);
    f.error(node.at, format!("`{name}` wants {}, not {shown}", kind.wanted()), hint);
    None
}
