//! Content file → library, with every fault at once.

use std::collections::BTreeMap;
use std::path::Path;

use super::library::{Language, Library, Script, Topic};
use super::template::{Field, Piece, Slot, Template};
use crate::config::tree::{self, BadYaml, Entry, Node, Place, Tree};
use crate::words::{Finding, Source};

const FILE_KEYS: &[&str] =
    &["language", "replaces", "greetings", "farewells", "wishes", "attribution", "months", "slots", "topics", "answers", "follow_ups"];
const TOPIC_KEYS: &[&str] = &["name", "slots", "subjects", "openings", "bodies", "closings", "answers"];
const SCRIPT_KEYS: &[&str] = &["openings", "bodies", "closings"];

/// The slots that a template may name, by name.
type Scope = BTreeMap<String, usize>;

/// Adds a file to the library and returns what is wrong with it, in the order of its lines. With a finding, the library is not to be used.
pub(super) fn add_file(library: &mut Library, file: &Path, text: &str) -> Vec<Finding> {
    let mut reader = Reader { file, lines: text.lines().collect(), library, findings: Vec::new() };
    match tree::read(text) {
        Ok(root) => reader.file(&root),
        Err(BadYaml { at, what }) => reader.fault(at, format!("this is not YAML: {what}"), Some("put texts into double quotes".into())),
    }
    let mut findings = reader.findings;
    findings.sort_by_key(|(at, _)| *at);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

struct Reader<'a> {
    file: &'a Path,
    lines: Vec<&'a str>,
    library: &'a mut Library,
    findings: Vec<(Place, Finding)>,
}

/// What may stand in the texts of a list.
#[derive(Clone, Copy)]
struct Rules<'s> {
    /// Slots that may be named; `None`: no slots here.
    scope: Option<&'s Scope>,
    fields: &'static [(&'static str, Field)],
    line_breaks: bool,
}

impl Rules<'_> {
    const PLAIN: Self = Self { scope: None, fields: &[], line_breaks: false };
}

/// A read text with its place, for rules that look at several.
type Placed = (Place, Template);

impl Reader<'_> {
    fn fault(&mut self, at: Place, what: impl Into<String>, hint: Option<String>) {
        let text = self.lines.get(at.line as usize - 1).copied().unwrap_or_default().to_owned();
        let mut finding = Finding::error("content", what).at(Source { file: self.file.to_owned(), line: at.line, column: at.column, text });
        finding.hint = hint;
        self.findings.push((at, finding));
    }

    fn file(&mut self, root: &Node) {
        let Some(map) = self.map(root, FILE_KEYS) else { return };
        let Some(tag) = self.required(root, map, "language").and_then(|node| self.language_tag(node)) else { return };
        let replaces = find(map, "replaces").is_some_and(|node| self.flag(node));
        let mut language = if replaces { None } else { self.library.languages.remove(&tag) }.unwrap_or_default();

        let mut scope = Scope::new();
        if let Some(node) = find(map, "slots") {
            self.slots(node, &mut scope);
        }
        let greeting = Rules { fields: Field::GREETING, ..Rules::PLAIN };
        language.greetings.extend(self.templates(map, "greetings", greeting));
        language.farewells.extend(self.templates(map, "farewells", Rules::PLAIN));
        language.wishes.extend(self.templates(map, "wishes", Rules::PLAIN));
        if let Some(node) = find(map, "attribution") {
            let rules = Rules { fields: Field::ATTRIBUTION, ..Rules::PLAIN };
            language.attribution = self.template(node, rules).or(language.attribution);
        }
        if let Some(node) = find(map, "months") {
            language.months = self.months(node);
        }
        if let Some(node) = find(map, "answers") {
            let script = self.script(node, SCRIPT_KEYS, &scope);
            append(&mut language.answers, script);
        }
        if let Some(node) = find(map, "follow_ups") {
            let script = self.script(node, SCRIPT_KEYS, &scope);
            append(&mut language.follow_ups, script);
        }
        if let Some(node) = find(map, "topics") {
            for topic in self.list(node) {
                if let Some(topic) = self.topic(topic, &scope) {
                    language.topics.push(topic);
                }
            }
        }
        self.completeness(root.at, &language, map);
        self.library.languages.insert(tag, language);
    }

    /// A language needs a file, or files together, that can write every kind of letter.
    fn completeness(&mut self, at: Place, language: &Language, map: &[Entry]) {
        let wants = [
            ("greetings", !language.greetings.iter().any(|g| g.name_rank(&super::Fields::default()).is_some())),
            ("farewells", language.farewells.is_empty()),
            ("attribution", language.attribution.is_none()),
            ("topics", language.topics.is_empty()),
            ("answers", language.answers.is_empty()),
            ("follow_ups", language.follow_ups.is_empty()),
        ];
        for (key, wanting) in wants {
            // A section that is there but faulty has its own finding.
            if wanting && find(map, key).is_none() {
                self.fault(
                    at,
                    format!("`{key}` is missing"),
                    Some("a file may leave it out only for a language that has it already".into()),
                );
            } else if wanting && key == "greetings" && self.findings.is_empty() {
                let hint = "add one such as \"Hello,\" for recipients whose name is not known";
                self.fault(at, "every greeting needs a name", Some(hint.into()));
            }
        }
    }

    fn language_tag(&mut self, node: &Node) -> Option<String> {
        let tag = self.text(node)?;
        let holds = (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !holds {
            self.fault(node.at, "this is not a language tag", Some("such as `en`, `pt-br` or `nl`".into()));
        }
        holds.then(|| tag.to_ascii_lowercase())
    }

    fn months(&mut self, node: &Node) -> Vec<String> {
        let names: Vec<String> = self.list(node).iter().filter_map(|n| self.text(n).map(str::to_owned)).collect();
        if names.len() != 12 {
            self.fault(node.at, format!("{} months instead of 12", names.len()), None);
        }
        names
    }

    fn topic(&mut self, node: &Node, file_scope: &Scope) -> Option<Topic> {
        let map = self.map(node, TOPIC_KEYS)?;
        let mut scope = file_scope.clone();
        if let Some(slots) = find(map, "slots") {
            self.slots(slots, &mut scope);
        }
        let rules = Rules { scope: Some(&scope), fields: &[], line_breaks: false };
        let subjects = match self.required(node, map, "subjects") {
            Some(_) => self.templates(map, "subjects", rules),
            None => Vec::new(),
        };
        let start = self.script(node, TOPIC_KEYS, &scope);
        let answers = find(map, "answers").map(|answers| {
            let script = self.script(answers, SCRIPT_KEYS, &scope);
            self.answers_know(answers, &script, &subjects, &start);
            script
        });
        (!subjects.is_empty() && !start.is_empty()).then_some(Topic { subjects, start, answers })
    }

    /// An answer learns a slot's value from the parent's subject only: one that it could not learn, it would contradict.
    fn answers_know(&mut self, node: &Node, answers: &Script, subjects: &[Template], start: &Script) {
        let in_start = |slot: usize| subjects.iter().chain(texts(start)).any(|t| t.slots().any(|s| s == slot));
        let in_every_subject = |slot: usize| subjects.iter().all(|t| t.slots().any(|s| s == slot));
        let unknown: Vec<usize> = texts(answers).flat_map(Template::slots).filter(|s| in_start(*s) && !in_every_subject(*s)).collect();
        for slot in std::collections::BTreeSet::from_iter(unknown) {
            let name = self.library.slots.name(slot).to_owned();
            self.fault(
                node.at,
                format!("the answers speak of `{{{name}}}`, which a letter of this topic may have otherwise"),
                Some(format!("put {{{name}}} into every subject of the topic, or give the answers a slot of their own")),
            );
        }
    }

    fn script(&mut self, node: &Node, keys: &'static [&'static str], scope: &Scope) -> Script {
        // A topic's own map was checked by its reader; a second look would say everything twice.
        let map = if keys == SCRIPT_KEYS { self.map(node, keys) } else { as_map(node) };
        let Some(map) = map else { return Script::default() };
        let rules = Rules { scope: Some(scope), fields: &[], line_breaks: true };
        let mut read = |key| match self.required(node, map, key) {
            Some(_) => self.templates(map, key, rules),
            None => Vec::new(),
        };
        Script { openings: read("openings"), bodies: read("bodies"), closings: read("closings") }
    }

    /// Reads a mapping of slots into the scope.
    fn slots(&mut self, node: &Node, scope: &mut Scope) {
        let Tree::Map(map) = &node.value else {
            self.fault(node.at, "a mapping of slot names is needed here", None);
            return;
        };
        for Entry { key: name, at, node: rows } in map {
            let holds = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !holds {
                self.fault(*at, format!("`{name}` cannot name a slot"), Some("lower-case letters, digits and _".into()));
            } else if scope.contains_key(name) {
                self.fault(*at, format!("slot `{name}` is set twice"), Some("topics see the file's slots: give it another name".into()));
            }
            if let Some(slot) = self.slot(name, rows) {
                scope.insert(name.clone(), self.library.slots.add(slot));
            }
        }
    }

    fn slot(&mut self, name: &str, node: &Node) -> Option<Slot> {
        let mut slot = Slot { name: name.to_owned(), forms: Vec::new(), rows: Vec::new() };
        for row in self.list(node) {
            let cells: Vec<(&str, &Node)> = match &row.value {
                Tree::Map(map) => map.iter().map(|e| (e.key.as_str(), &e.node)).collect(),
                _ => vec![("", row)],
            };
            let forms: Vec<String> = cells.iter().map(|(form, _)| (*form).to_owned()).collect();
            let values: Vec<String> = cells.iter().filter_map(|(_, cell)| self.value(cell)).collect();
            if slot.forms.is_empty() {
                slot.forms.clone_from(&forms);
            }
            if forms != slot.forms {
                let hint = format!("every row: {}", if slot.forms == [""] { "plain text".to_owned() } else { slot.forms.join(", ") });
                self.fault(row.at, "this row has other forms than the first, or in another order", Some(hint));
            } else if slot.rows.contains(&values) {
                self.fault(row.at, "this row stands twice", None);
            } else if values.len() == forms.len() {
                slot.rows.push(values);
            }
        }
        (!slot.rows.is_empty()).then_some(slot)
    }

    /// A slot's value: plain text without slots of its own.
    fn value(&mut self, node: &Node) -> Option<String> {
        match self.template(node, Rules::PLAIN)?.0.as_slice() {
            [Piece::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    fn templates(&mut self, map: &[Entry], key: &str, rules: Rules<'_>) -> Vec<Template> {
        let Some(node) = find(map, key) else { return Vec::new() };
        let mut read: Vec<Placed> = Vec::new();
        for item in self.list(node) {
            if let Some(template) = self.template(item, rules) {
                if let Some((first, _)) = read.iter().find(|(_, t)| *t == template) {
                    let hint = format!("it stands in line {} already", first.line);
                    self.fault(item.at, "this text stands twice", Some(hint));
                }
                read.push((item.at, template));
            }
        }
        read.into_iter().map(|(_, template)| template).collect()
    }

    fn template(&mut self, node: &Node, rules: Rules<'_>) -> Option<Template> {
        let text = self.text(node)?.trim();
        if text.is_empty() {
            self.fault(node.at, "this text is empty", None);
            return None;
        }
        if text.chars().any(|c| c.is_control() && !(c == '\n' && rules.line_breaks)) {
            self.fault(node.at, "this text has a line break or a control character in it", None);
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, from_open) = rest.split_at(open);
            let Some((name, after)) = from_open.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
                self.fault(node.at, "a { without its }, or the other way round", None);
                return None;
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(self.named(node.at, name, rules)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Some(Template(pieces))
    }

    /// What stands between braces: `slot`, `slot.form`, `Slot.form`, or a field.
    fn named(&mut self, at: Place, name: &str, rules: Rules<'_>) -> Option<Piece> {
        if let Some((_, field)) = rules.fields.iter().find(|(field, _)| *field == name) {
            return Some(Piece::Field(*field));
        }
        let (slot_name, form_name) = name.split_once('.').unwrap_or((name, ""));
        let lower = slot_name.to_lowercase();
        let Some(&slot) = rules.scope.and_then(|scope| scope.get(&lower)) else {
            let known = rules.scope.into_iter().flat_map(Scope::keys).map(String::as_str).chain(rules.fields.iter().map(|(f, _)| *f));
            let hint = Some(nearest(&lower, known));
            self.fault(at, format!("there is no `{{{name}}}` here"), hint);
            return None;
        };
        let forms = self.library.slots.forms(slot);
        let Some(form) = forms.iter().position(|f| f == form_name) else {
            let hint = if forms == [""] { format!("it has no forms: {{{lower}}}") } else { format!("its forms: {}", forms.join(", ")) };
            self.fault(at, format!("slot `{lower}` has no form `{form_name}`"), Some(hint));
            return None;
        };
        Some(Piece::Slot { slot, form, upper: slot_name.starts_with(|c: char| c.is_uppercase()) })
    }

    /// The mapping, once its keys are checked.
    fn map<'n>(&mut self, node: &'n Node, keys: &[&'static str]) -> Option<&'n [Entry]> {
        let Some(map) = as_map(node) else {
            self.fault(node.at, "a mapping is needed here", Some(format!("with the keys {}", keys.join(", "))));
            return None;
        };
        for (i, Entry { key, at, .. }) in map.iter().enumerate() {
            if !keys.contains(&key.as_str()) {
                let hint = Some(nearest(key, keys.iter().copied()));
                self.fault(*at, format!("unknown key `{key}`"), hint);
            } else if let Some(first) = map[..i].iter().find(|e| e.key == *key) {
                let hint = format!("it is set in line {} already", first.at.line);
                self.fault(*at, format!("`{key}` is set twice"), Some(hint));
            }
        }
        Some(map)
    }

    fn required<'n>(&mut self, node: &Node, map: &'n [Entry], key: &str) -> Option<&'n Node> {
        let found = find(map, key);
        if found.is_none() {
            self.fault(node.at, format!("`{key}` is missing"), None);
        }
        found
    }

    fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Tree::List(list) if !list.is_empty() => list,
            _ => {
                self.fault(node.at, "a list with at least one entry is needed here", None);
                &[]
            }
        }
    }

    fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        if let Tree::Text(text) = &node.value {
            return Some(text);
        }
        self.fault(node.at, "text is needed here", Some("put it into double quotes".into()));
        None
    }

    fn flag(&mut self, node: &Node) -> bool {
        if let Tree::Bool(flag) = node.value {
            return flag;
        }
        self.fault(node.at, "true or false is needed here", None);
        false
    }
}

fn as_map(node: &Node) -> Option<&[Entry]> {
    if let Tree::Map(map) = &node.value { Some(map) } else { None }
}

fn find<'n>(map: &'n [Entry], key: &str) -> Option<&'n Node> {
    map.iter().find(|e| e.key == key).map(|e| &e.node)
}

fn texts(script: &Script) -> impl Iterator<Item = &Template> {
    script.openings.iter().chain(&script.bodies).chain(&script.closings)
}

fn append(to: &mut Script, from: Script) {
    to.openings.extend(from.openings);
    to.bodies.extend(from.bodies);
    to.closings.extend(from.closings);
}

/// The known name nearest to a misspelt one, or all of them.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, name), *k)).min().filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "plain text only".to_owned(),
        None => format!("one of: {}", known.join(", ")),
    }
}
