//! YAML read once into a tree in which every key and value knows its place: configs, schedules, and the content files of compose.
//!
//! Nothing is judged here but the YAML itself: repeated keys are kept, so that the reader can name both places.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The bytes of the file that it covers; empty where that is not known.
    pub bytes: (usize, usize),
}

impl Place {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1, bytes: (0, 0) };
}

impl From<Location> for Place {
    fn from(at: Location) -> Self {
        let from = at.span().byte_offset().unwrap_or(0) as usize;
        let len = at.span().byte_len().unwrap_or(0) as usize;
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        Self { line: count(at.line()), column: count(at.column()), bytes: (from, from.saturating_add(len)) }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it is used.
    pub at: Place,
    /// Where it is written: elsewhere for a YAML alias.
    pub defined: Place,
    /// What it is.
    pub value: Tree,
}

/// A YAML value.
#[derive(Clone, Debug)]
pub enum Tree {
    /// `~`, `null`, or nothing after the colon.
    Null,
    /// `true` or `false`; `yes` and `no` are text.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction, or one too large for [`Tree::Whole`].
    Number(f64),
    /// Anything else that is one value.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file, repeated keys included.
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Place,
    /// What it is set to.
    pub node: Node,
}

/// Why a text is not YAML: the one fault that stops alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadYaml {
    /// Where reading stopped.
    pub at: Place,
    /// In the parser's words, one line, without the file's text.
    pub what: String,
}

/// How deep a file may nest; ours nest six deep.
const MAX_DEPTH: usize = 24;

/// Reads a text.
///
/// The budget holds 100,000 mailboxes with every key set; an alias bomb ends at the parser's own million of replayed events.
///
/// # Errors
/// [`BadYaml`] where the text is not YAML, holds a second document, nests deeper than 24, or has a key that is not text.
pub fn read(text: &str) -> Result<Node, BadYaml> {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_events: 60_000_000,
        max_nodes: 30_000_000,
        max_total_scalar_bytes: 1 << 30,
        max_aliases: 1_000_000,
        max_merge_keys: 1_000_000,
        // One anchor with ten thousand uses is how people avoid repeating themselves; replay has a bound of its own.
        enforce_alias_anchor_ratio: false,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        emit_comments: false,
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|e| {
        let at = e.location().map_or(Place::START, Place::from);
        let shown = e.without_snippet().to_string();
        let first = shown.lines().next().unwrap_or_default();
        // The place is said by the finding, and advice to the parser's callers is not for people.
        let what = first.split(" at line ").next().and_then(|w| w.split("; use ").next()).unwrap_or_default().trim();
        BadYaml { at, what: if what.is_empty() { "it cannot be read".to_owned() } else { what.to_owned() } }
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(from)?;
        Ok(Self { at: spanned.referenced.into(), defined: spanned.defined.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> de::Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        Tree::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or(Tree::Number(value as f64), Tree::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element()? {
            list.push(node);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push(Entry { key: key.value, at: key.referenced.into(), node });
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<String> {
        let Tree::Map(map) = read(text).unwrap().value else { panic!("a mapping") };
        map.iter().map(|e| format!("{}={:?}@{}:{}", e.key, e.node.value, e.node.at.line, e.node.at.column)).collect()
    }

    #[test]
    fn values_keep_their_kind_and_place() {
        let got = scalars("a: 08:30\nb: yes\nc: 1_000\nd: 2026-12-01\ne: 1.50\nf: ~\ng: \"12\"\nh: 0755\ni: -3\nj: .nan\nk: true\nl:\n");
        let want = [
            "a=Text(\"08:30\")@1:4",
            "b=Text(\"yes\")@2:4",
            "c=Text(\"1_000\")@3:4",
            "d=Text(\"2026-12-01\")@4:4",
            "e=Number(1.5)@5:4",
            "f=Null@6:4",
            "g=Text(\"12\")@7:4",
            "h=Text(\"0755\")@8:4",
            "i=Whole(-3)@9:4",
            "j=Text(\".nan\")@10:4",
            "k=Bool(true)@11:4",
        ];
        assert_eq!(got[..want.len()], want);
        assert!(got[11].starts_with("l=Null@"), "{}", got[11]);
    }

    #[test]
    fn repeated_keys_are_all_kept() {
        assert_eq!(scalars("a: 1\na: 2\n"), ["a=Whole(1)@1:4", "a=Whole(2)@2:4"]);
    }

    #[test]
    fn places_cover_the_bytes_of_a_value_even_over_several_lines() {
        let text = "é: \"x\ny\"\nb: |\n  one\n  two\nc: z\n";
        let Tree::Map(map) = read(text).unwrap().value else { panic!("a mapping") };
        let covered: Vec<&str> = map.iter().map(|e| &text[e.node.at.bytes.0..e.node.at.bytes.1]).collect();
        assert_eq!(covered[0], "\"x\ny\"");
        assert!(covered[1].contains("one") && covered[1].contains("two"), "{covered:?}");
    }

    #[test]
    fn a_syntax_error_says_where() {
        let bad = read("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(bad.at.line >= 2, "{bad:?}");
        assert!(!bad.what.contains('\n') && !bad.what.is_empty(), "{bad:?}");
    }

    #[test]
    fn depth_and_alias_bombs_are_refused() {
        assert!(read(&"[".repeat(50_000)).is_err());
        assert!(read(&format!("{}1{}", "[".repeat(40), "]".repeat(40))).is_err());
        assert!(read(&(0..60).map(|i| " ".repeat(2 * i) + "- \n").collect::<String>()).is_err());
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for i in 1..40 {
            use std::fmt::Write;
            let _ = writeln!(bomb, "a{i}: &a{i} [*a{}, *a{}]", i - 1, i - 1);
        }
        assert!(read(&bomb).is_err());
    }
}
