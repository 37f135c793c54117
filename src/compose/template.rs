//! Templates: text with slots, and what fills them.

use std::collections::BTreeMap;

use super::Party;

/// Which row each slot of a letter has.
pub(super) type Bound = BTreeMap<usize, usize>;

/// All slots of a library, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Vec<Slot>);

/// A slot: rows of which a letter takes one, each in the same forms (`the` and `a`, or cases). Plain rows have one form without a name.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub name: String,
    pub forms: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Slots {
    pub fn add(&mut self, slot: Slot) -> usize {
        self.0.push(slot);
        self.0.len() - 1
    }

    pub fn name(&self, slot: usize) -> &str {
        self.0.get(slot).map_or("", |s| &s.name)
    }

    pub fn rows(&self, slot: usize) -> usize {
        self.0.get(slot).map_or(0, |s| s.rows.len())
    }

    pub fn forms(&self, slot: usize) -> &[String] {
        self.0.get(slot).map_or(&[], |s| &s.forms)
    }

    pub fn value(&self, slot: usize, row: usize, form: usize) -> &str {
        self.0.get(slot).and_then(|s| s.rows.get(row)).and_then(|r| r.get(form)).map_or("", String::as_str)
    }
}

/// What a template may name besides its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The recipient's name as the config has it.
    To,
    /// The recipient's first name, where it can be told.
    ToGiven,
    /// Who wrote the parent.
    From,
    /// The day of the month of the parent's date.
    Day,
    /// Its month: a name, or two digits.
    Month,
    /// Its year.
    Year,
    /// Its hour and minute.
    Time,
}

impl Field {
    /// For greetings.
    pub const GREETING: &[(&str, Self)] = &[("to", Self::To), ("to_given", Self::ToGiven)];
    /// For the line above a quote.
    pub const ATTRIBUTION: &[(&str, Self)] =
        &[("from", Self::From), ("day", Self::Day), ("month", Self::Month), ("year", Self::Year), ("time", Self::Time)];
}

/// Values of fields.
#[derive(Default, Debug)]
pub(super) struct Fields(Vec<(Field, String)>);

impl Fields {
    /// The names by which a recipient can be greeted.
    pub fn of_recipient(to: &Party) -> Self {
        let mut fields = Self::default();
        if let Some(name) = to.greeting_name() {
            if let Some(given) = given_name(&name, to.address.local()) {
                fields.set(Field::ToGiven, given);
            }
            fields.set(Field::To, name);
        }
        fields
    }

    pub fn set(&mut self, field: Field, value: String) {
        self.0.push((field, value));
    }

    fn get(&self, field: Field) -> Option<&str> {
        self.0.iter().find(|(f, _)| *f == field).map(|(_, value)| value.as_str())
    }
}

/// The first name, where the address proves that it is one: `Anna Lee` at `anna.lee@…`, but not `Sales Team` at `sales@…`.
fn given_name(name: &str, local: &str) -> Option<String> {
    let (given, family) = name.split_once(' ')?;
    let mut parts = local.split(['.', '-', '_']);
    let first = parts.next()?;
    let last = parts.next()?;
    let same = |a: &str, b: &str| fold(a) == fold(b);
    (same(given, first) && family.split(' ').any(|f| same(f, last))).then(|| given.to_owned())
}

/// A name as people write it in an address: without marks, in lower case.
fn fold(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let spelled = name.to_lowercase().replace('ß', "ss").replace('ä', "ae").replace('ö', "oe").replace('ü', "ue");
    spelled.nfd().filter(char::is_ascii_alphabetic).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// A slot in one of its forms; `upper`: with a capital, at the start of a sentence.
    Slot {
        slot: usize,
        form: usize,
        upper: bool,
    },
    Field(Field),
}

/// Text with slots and fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(pub Vec<Piece>);

impl Template {
    /// The slots in it, in order; one that stands twice is named twice.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.uses().map(|(slot, _)| slot)
    }

    /// The slots in it with their forms.
    pub fn uses(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot { slot, form, .. } => Some((*slot, *form)),
            _ => None,
        })
    }

    /// The text, with every slot's bound row. A slot that is not bound, or a field without a value, leaves nothing.
    pub fn render(&self, slots: &Slots, bound: &Bound, fields: &Fields) -> String {
        self.0.iter().fold(String::new(), |mut out, piece| {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot { slot, form, upper } => {
                    let value = bound.get(slot).map_or("", |row| slots.value(*slot, *row, *form));
                    out.push_str(&cased(value, *upper));
                }
                Piece::Field(field) => out.push_str(fields.get(*field).unwrap_or_default()),
            }
            out
        })
    }

    /// How well a greeting names the recipient: 0 without a name, 1 by full name, 2 by first name. `None` where the name is not known.
    pub fn name_rank(&self, fields: &Fields) -> Option<u8> {
        self.0.iter().try_fold(0, |rank, piece| match piece {
            Piece::Field(field) => fields.get(*field).map(|_| rank.max(if *field == Field::ToGiven { 2 } else { 1 })),
            _ => Some(rank),
        })
    }

    /// Which rows give exactly this text, if any do: how an answer learns what its parent spoke of.
    pub fn read_back(&self, text: &str, slots: &Slots) -> Option<Bound> {
        read_pieces(&self.0, text, slots, Bound::new())
    }
}

fn read_pieces(pieces: &[Piece], text: &str, slots: &Slots, bound: Bound) -> Option<Bound> {
    let Some((piece, rest)) = pieces.split_first() else {
        return text.is_empty().then_some(bound);
    };
    match piece {
        Piece::Text(own) => read_pieces(rest, text.strip_prefix(own.as_str())?, slots, bound),
        Piece::Slot { slot, form, upper } => (0..slots.rows(*slot)).find_map(|row| {
            if bound.get(slot).is_some_and(|taken| *taken != row) {
                return None;
            }
            let after = strip_cased(text, slots.value(*slot, row, *form), *upper)?;
            let mut bound = bound.clone();
            bound.insert(*slot, row);
            read_pieces(rest, after, slots, bound)
        }),
        Piece::Field(_) => None,
    }
}

/// What follows `cased(value, upper)` at the start of a text, where it stands there. Asked of every row of every slot.
fn strip_cased<'t>(text: &'t str, value: &str, upper: bool) -> Option<&'t str> {
    let mut chars = value.chars();
    match chars.next() {
        Some(first) if upper => first.to_uppercase().try_fold(text, |rest, c| rest.strip_prefix(c))?.strip_prefix(chars.as_str()),
        _ => text.strip_prefix(value),
    }
}

fn cased(value: &str, upper: bool) -> String {
    let mut chars = value.chars();
    match chars.next() {
        Some(first) if upper => first.to_uppercase().chain(chars).collect(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Address;

    fn greeted(name: &str, address: &str) -> (Option<String>, Option<String>) {
        let to = Party { address: Address::parse(address).unwrap(), name: Some(name.into()) };
        let fields = Fields::of_recipient(&to);
        (fields.get(Field::To).map(str::to_owned), fields.get(Field::ToGiven).map(str::to_owned))
    }

    #[test]
    fn a_first_name_is_used_where_the_address_proves_it() {
        let given = |name: &str, address: &str| greeted(name, address).1;
        assert_eq!(given("Anna Lee", "anna.lee@x.test"), Some("Anna".into()));
        assert_eq!(given("Jürgen Groß", "juergen-gross@x.test"), Some("Jürgen".into()));
        assert_eq!(given("Zoé du Lac", "zoe.lac@x.test"), Some("Zoé".into()));
        assert_eq!(given("Sales Team", "sales@x.test"), None);
        assert_eq!(given("Anna Lee", "al@x.test"), None);
        assert_eq!(given("Anna", "anna@x.test"), None);
    }

    #[test]
    fn names_that_are_none_greet_nobody() {
        for name in ["", "Lee, Anna", "a@x.test", "x\r\nBcc: y", "www.x.test", "=?utf-8?q?x?=", "12345", &"x".repeat(80)] {
            assert_eq!(greeted(name, "a@x.test"), (None, None), "{name:?}");
        }
        assert_eq!(greeted("Anna-Maria O'Neil", "a@x.test").0, Some("Anna-Maria O'Neil".into()));
    }

    #[test]
    fn a_subject_is_read_back_to_its_rows() {
        let mut slots = Slots::default();
        let rows = |list: &[&str]| list.iter().map(|t| vec![(*t).to_owned()]).collect();
        let plan = slots.add(Slot { name: String::new(), forms: vec![String::new()], rows: rows(&["the plan", "the plan for May"]) });
        let day = slots.add(Slot { name: String::new(), forms: vec![String::new()], rows: rows(&["Monday", "May"]) });
        let piece = |slot, upper| Piece::Slot { slot, form: 0, upper };
        let t = Template(vec![piece(plan, true), Piece::Text(" for ".into()), piece(day, false)]);
        assert_eq!(t.read_back("The plan for Monday", &slots), Some(Bound::from([(plan, 0), (day, 0)])));
        assert_eq!(t.read_back("The plan for May for May", &slots), Some(Bound::from([(plan, 1), (day, 1)])));
        assert_eq!(t.read_back("the plan for Monday", &slots), None);
        assert_eq!(t.read_back("The plan for Monday!", &slots), None);
        assert_eq!(t.render(&slots, &Bound::from([(plan, 0), (day, 0)]), &Fields::default()), "The plan for Monday");
    }
}
