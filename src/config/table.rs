//! What a section of a file may hold, as data.
//!
//! The reader, the hints, `preheat schema` and the reference in the docs are all made from these tables, so that they cannot disagree.

/// A section: a mapping with known keys.
#[derive(Debug)]
pub struct Section {
    /// Its name in the reference.
    pub title: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// What it may hold, in the order of the reference.
    pub keys: &'static [Key],
    /// The key that a bare value stands for: `window: 08:30-17:30` is `window: {hours: 08:30-17:30}`.
    pub short: Option<&'static str>,
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it is set to.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What holds where it is not set, in the form of the file; empty where there is nothing to write, [`Key::about`] says the rest.
    pub default: &'static str,
    /// One sentence.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Kind {
    /// A line of text without control characters.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number of `unit`s.
    Whole {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
        /// Of what; empty for a bare number.
        unit: &'static str,
    },
    /// A number from 0 to `max`: a chance or a share.
    Share {
        /// 1 at most.
        max: f64,
    },
    /// A length of time with its unit: `90s`, `5m`, `1h30m`; from 0 to `max` seconds.
    Duration {
        /// In seconds.
        max: u64,
    },
    /// From and to on one day: `08:30-17:30`.
    Hours,
    /// A date: `2026-12-01`.
    Date,
    /// An IANA time zone: `Europe/Berlin`.
    Zone,
    /// A mail address.
    Address,
    /// A mail domain.
    Domain,
    /// A host name or an IP address.
    Host,
    /// A file, beside the file that names it or absolute.
    Path,
    /// Where a secret comes from; never the secret.
    Secret,
    /// A program and its arguments, run without a shell.
    Program,
    /// Weekdays: `mon-fri`, or a list.
    Weekdays,
    /// One value of this kind, or a list of them.
    OneOrMore(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// A section.
    Section(&'static Section),
    /// One of these words, or a section.
    WordOr(&'static [&'static str], &'static Section),
    /// Names of the first kind, each with a value of the second.
    Map(&'static Kind, &'static Kind),
}

impl Key {
    /// A key that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { name, kind, required: false, default, about }
    }

    /// A key that must be there.
    pub const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, required: true, default: "", about }
    }
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

impl Kind {
    /// What is wanted, for a message: "`x` wants …".
    pub fn wanted(&self) -> String {
        match self {
            Self::Text => "a line of text".into(),
            Self::Word(words) => format!("one of {}", listed(words)),
            Self::Whole { min, max, unit: "" } => format!("a whole number from {min} to {max}"),
            Self::Whole { min, max, unit } => format!("a whole number of {unit} from {min} to {max}"),
            Self::Share { max } => format!("a number from 0 to {max}"),
            Self::Duration { .. } => "a length of time with its unit".into(),
            Self::Hours => "two times of day, from-to".into(),
            Self::Date => "a date, year-month-day".into(),
            Self::Zone => "a time zone".into(),
            Self::Address => "a mail address".into(),
            Self::Domain => "a mail domain".into(),
            Self::Host => "a host name".into(),
            Self::Path => "the path of a file".into(),
            Self::Secret => "where the secret comes from".into(),
            Self::Program => "a program and its arguments".into(),
            Self::Weekdays => "weekdays".into(),
            Self::OneOrMore(kind) => format!("{}, or a list", kind.wanted()),
            Self::List(kind) => format!("a list, each {}", kind.wanted()),
            Self::Section(section) => format!("the keys of {}", section.title),
            Self::WordOr(words, section) => format!("{}, or the keys of {}", listed(words), section.title),
            Self::Map(name, value) => format!("names with values: {}, each with {}", name.wanted(), value.wanted()),
        }
    }

    /// An example of its form.
    pub fn example(&self) -> &'static str {
        match self {
            Self::Duration { .. } => "5m, 90s, 3h or 1h30m",
            Self::Hours => "08:30-17:30",
            Self::Date => "2026-12-01",
            Self::Zone => "Europe/Berlin",
            Self::Address => "anna@new.example",
            Self::Domain => "new.example",
            Self::Host => "mail.new.example",
            Self::Secret => "env:NAME, file:PATH or {command: [PROGRAM, ARGUMENT]}",
            Self::Program => "[pass, show, mail/anna]",
            Self::Weekdays => "mon-fri, or [mon, wed, fri]",
            _ => "",
        }
    }

    /// Short, for a column of the reference.
    pub fn short(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Word(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" · "),
            Self::Whole { min, max, unit } => format!("{min}–{max} {unit}").trim_end().to_owned(),
            Self::Share { max } => format!("0–{max}"),
            Self::Duration { .. } => "duration, `5m`".into(),
            Self::Hours => "`08:30-17:30`".into(),
            Self::Date => "date, `2026-12-01`".into(),
            Self::Zone => "zone, `Europe/Berlin`".into(),
            Self::Address => "address".into(),
            Self::Domain => "domain".into(),
            Self::Host => "host".into(),
            Self::Path => "path".into(),
            Self::Secret => "`env:NAME` · `file:PATH` · `{command: [PROGRAM, …]}`".into(),
            Self::Program => "program, `[prog, arg]`".into(),
            Self::Weekdays => "weekdays, `mon-fri`".into(),
            Self::OneOrMore(kind) => format!("{}, or a list", kind.short()),
            Self::List(kind) => format!("list of: {}", kind.short()),
            Self::Section(section) => section.link(),
            Self::WordOr(words, section) => {
                format!("{} · {}", words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" · "), section.link())
            }
            Self::Map(name, value) => format!("{} → {}", name.short(), value.short()),
        }
    }

    /// The section below it, if there is one.
    pub fn section(&self) -> Option<&'static Section> {
        match self {
            Self::Section(s) | Self::WordOr(_, s) => Some(s),
            Self::OneOrMore(k) | Self::List(k) | Self::Map(_, k) => k.section(),
            _ => None,
        }
    }
}

impl Section {
    fn link(&self) -> String {
        let kept = self.title.chars().filter(|c| c.is_ascii_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        format!("[{}](#{anchor})", self.title)
    }
}

/// Words for a message: `a`, `b` or `c`.
pub fn listed<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => "nothing".into(),
        [one] => format!("`{}`", one.as_ref()),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|w| format!("`{}`", w.as_ref())).collect();
            format!("{} or `{}`", most.join(", "), last.as_ref())
        }
    }
}
