//! Header-like fields: those of a message, of a delivery status (RFC 3464) and of a feedback report (RFC 5965).

use super::text::head;

/// Most fields of one group: what is beyond it says nothing new.
const MOST_FIELDS: usize = 400;
/// Most bytes of one value.
const MOST_BYTES: usize = 8_000;
/// Most groups: a report may name many recipients.
const MOST_GROUPS: usize = 2_000;

/// Fields in their order; names in lower case, values unfolded and trimmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads one group: until the first empty line.
    pub fn read(text: &str) -> Self {
        groups(text).into_iter().next().unwrap_or_default()
    }

    /// The first value of a name (in lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All values of a name (in lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of these names, in any case.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(n, _)| names.iter().any(|name| name.eq_ignore_ascii_case(n)));
        self
    }

    /// The same fields as several groups: a name of these that comes again begins the next.
    pub fn parted_at(self, names: &[&str]) -> Vec<Self> {
        let mut groups = vec![Self::default()];
        for (name, value) in self.0 {
            let Some(group) = groups.last_mut() else { break };
            if names.contains(&name.as_str()) && group.has(&name) {
                groups.push(Self(vec![(name, value)]));
            } else {
                group.0.push((name, value));
            }
        }
        groups
    }

    fn push(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.0.last_mut().filter(|(_, v)| v.len() < MOST_BYTES) {
                // Lines stay lines: a status code is told by what begins one.
                value.push('\n');
                value.push_str(head(line.trim(), MOST_BYTES));
            }
        } else if let Some((name, value)) = field(line)
            && self.0.len() < MOST_FIELDS
        {
            self.0.push((name, head(value, MOST_BYTES).to_owned()));
        } else if let Some((_, value)) = self.0.last_mut().filter(|(_, v)| v.len() < MOST_BYTES) {
            // Some programs fold without a space.
            value.push('\n');
            value.push_str(head(line.trim(), MOST_BYTES));
        }
    }
}

/// A line's name, lower case, and value; `None` where it is no field.
pub fn field(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let is_name = (1..=76).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    is_name.then(|| (name.to_ascii_lowercase(), value.trim()))
}

/// Reads groups of fields, which empty lines part.
pub fn groups(text: &str) -> Vec<Fields> {
    let mut found: Vec<Fields> = Vec::new();
    let mut group = Fields::default();
    for line in text.lines() {
        if !line.trim().is_empty() {
            group.push(line);
        } else if !group.is_empty() {
            found.push(std::mem::take(&mut group));
            if found.len() >= MOST_GROUPS {
                return found;
            }
        }
    }
    if !group.is_empty() {
        found.push(group);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_parted_by_empty_lines_and_values_unfolded() {
        let text = "\r\nA: 1\r\nB : two\r\n  lines\r\nnot a field\r\n\r\n \r\nA: 2\r\nA:3\r\n";
        let read = groups(text);
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].get("a"), read[0].get("b")), (Some("1"), Some("two\nlines\nnot a field")));
        assert_eq!(read[1].all("a").collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(Fields::read("").get("a"), None);
    }

    #[test]
    fn nothing_grows_without_bound() {
        assert_eq!(groups(&"A: 1\n\n".repeat(5_000)).len(), 2_000);
        let long = format!("A: 1\n{}", " more and more\n".repeat(100_000));
        assert!(Fields::read(&long).get("a").unwrap().len() < 9_000);
    }
}
