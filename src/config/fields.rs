//! What a section of a file holds, once it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveTime;

use crate::words::{Address, Domain, LocalDate, Zone};

use super::findings::Findings;
use super::model::{CredentialSource, DayName};
use super::read::read_value;
use super::table::{Key, Section};
use super::tree::{Node, Place, Tree};

/// A checked value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, a word, a host or a path.
    Text(String),
    /// A whole number in its range.
    Whole(u32),
    /// A chance or a share in its range.
    Share(f64),
    /// A length of time.
    Duration(Duration),
    /// From and to; from is earlier.
    Hours(NaiveTime, NaiveTime),
    /// A date.
    Date(LocalDate),
    /// A time zone.
    Zone(Zone),
    /// A mail address.
    Address(Address),
    /// A mail domain.
    Domain(Domain),
    /// Where a secret comes from; placeholders are still in it.
    Secret(CredentialSource),
    /// A program and its arguments.
    Program(Vec<String>),
    /// Weekdays.
    Weekdays(BTreeSet<DayName>),
    /// A list.
    List(Vec<Placed>),
    /// A section.
    Fields(Fields),
    /// Names with values.
    Map(Vec<(Placed, Placed)>),
}

/// A checked value and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Where.
    pub at: Place,
    /// What.
    pub value: Value,
}

/// What a section of the file holds.
#[derive(Clone, Debug)]
pub struct Fields {
    /// Where the section begins.
    pub at: Place,
    /// By which table it was read.
    pub section: &'static Section,
    given: BTreeMap<&'static str, Placed>,
    /// Keys that are there and wrong, so that no second fault is made of their absence.
    faulty: BTreeSet<&'static str>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $type:ty;)+) => {
        impl Fields {
            $($(#[$doc])* pub fn $name(&self, key: &str) -> Option<$type> {
                match self.get(key) { Some(Value::$variant(v)) => Some(v), _ => None }
            })+
        }
    };
}
getters! {
    /// A text that is given, or its default.
    text: Text -> String;
    /// A whole number that is given, or its default.
    whole: Whole -> u32;
    /// A share that is given, or its default.
    share: Share -> f64;
    /// A length of time that is given, or its default.
    duration: Duration -> Duration;
    /// A date that is given.
    date: Date -> LocalDate;
    /// A zone that is given.
    zone: Zone -> Zone;
    /// An address that is given.
    address: Address -> Address;
    /// Where a secret comes from, as given.
    secret: Secret -> CredentialSource;
    /// A program that is given.
    program: Program -> Vec<String>;
    /// Weekdays that are given, or their default.
    weekdays: Weekdays -> BTreeSet<DayName>;
    /// A list that is given; a single value where that is allowed is a list of one.
    list: List -> Vec<Placed>;
    /// Names with values that are given.
    map: Map -> Vec<(Placed, Placed)>;
}

impl Fields {
    /// Nothing given: every value is its default.
    pub fn none(section: &'static Section, at: Place) -> Self {
        Self { at, section, given: BTreeMap::new(), faulty: BTreeSet::new() }
    }

    /// Keeps a key's value; `None`: the key is there, and wrong.
    pub fn keep(&mut self, key: &'static Key, placed: Option<Placed>) {
        match placed {
            Some(placed) => drop(self.given.insert(key.name, placed)),
            None => drop(self.faulty.insert(key.name)),
        }
    }

    /// The value that is given for a key, or its default by the table.
    fn get(&self, key: &str) -> Option<Value> {
        if let Some(placed) = self.given.get(key) {
            return Some(placed.value.clone());
        }
        let key = self.section.key(key);
        debug_assert!(key.is_some(), "a key that is not in the table of {}", self.section.title);
        key.filter(|k| !self.faulty.contains(k.name)).and_then(default_value)
    }

    /// From and to, given or by default.
    pub fn hours(&self, key: &str) -> Option<(NaiveTime, NaiveTime)> {
        match self.get(key) {
            Some(Value::Hours(from, to)) => Some((from, to)),
            _ => None,
        }
    }

    /// A section; one with nothing given where it is not there.
    pub fn fields(&self, key: &'static str) -> Fields {
        match self.given.get(key).map(|p| &p.value) {
            Some(Value::Fields(fields)) => fields.clone(),
            _ => match self.section.key(key).and_then(|k| k.kind.section()) {
                Some(section) => Fields::none(section, self.place(key)),
                None => Fields::none(self.section, self.at),
            },
        }
    }

    /// What is given in the file, defaults left aside.
    pub fn given(&self, key: &str) -> Option<&Placed> {
        debug_assert!(self.section.key(key).is_some(), "a key that is not in the table of {}", self.section.title);
        self.given.get(key)
    }

    /// Whether a key is in the file, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.given(key).is_some() || self.faulty.contains(key)
    }

    /// Where a key's value stands; where the section begins if it is not given.
    pub fn place(&self, key: &str) -> Place {
        self.given.get(key).map_or(self.at, |p| p.at)
    }
}

/// The default of a key, read from the table's text.
fn default_value(key: &'static Key) -> Option<Value> {
    if key.default.is_empty() {
        return None;
    }
    let tree = match (key.default.parse(), key.default.parse()) {
        (Ok(whole), _) => Tree::Whole(whole),
        (_, Ok(number)) => Tree::Number(number),
        _ => Tree::Text(key.default.to_owned()),
    };
    let node = Node { at: Place::START, defined: Place::START, value: tree };
    let mut findings = Findings::of(std::path::Path::new(""), "");
    let value = read_value(&node, key.name, &key.kind, &mut findings);
    debug_assert!(!findings.has_errors(), "the default of `{}` is not of its kind", key.name);
    value.map(|p| p.value)
}
