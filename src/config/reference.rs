//! The reference of the docs, made from the tables.

use std::fmt::Write;

use super::keys::CONFIG;
use super::schedule_keys::SCHEDULE;
use super::table::{Key, Section};

/// The reference of `preheat.yaml` and of schedule files, as Markdown: what `docs/config.md` holds.
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "# Every key\n\n\
         This page is made from the tables that the reader itself uses; a test holds it to them. `preheat schema` prints the same as a\n\
         JSON Schema for editors.\n\n\
         Durations have units, the larger first: `5m`, `90s`, `3h`, `1h30m`. Shares and chances are numbers from 0 to 1. Paths are beside\n\
         `preheat.yaml` unless they are absolute. A key that is set twice, or not known, is an error, and all errors are shown at once.\n",
    );
    out.push_str(&file_reference(&CONFIG));
    out.push_str(&file_reference(&SCHEDULE));
    out
}

/// The reference of one kind of file: its own section, then those below it.
pub(crate) fn file_reference(file: &'static Section) -> String {
    let mut out = String::new();
    let mut sections: Vec<&'static Section> = vec![file];
    let mut at = 0;
    while let Some(section) = sections.get(at).copied() {
        write_section(&mut out, section, at == 0);
        for below in section.keys.iter().filter_map(|k| k.kind.section()) {
            if !sections.iter().any(|s| s.title == below.title) {
                sections.push(below);
            }
        }
        at += 1;
    }
    out
}

fn write_section(out: &mut String, section: &Section, is_file: bool) {
    let level = if is_file { "##" } else { "###" };
    let _ = write!(out, "\n{level} {}\n\n{}", section.title, section.about);
    if let Some(short) = section.short {
        let _ = write!(out, " A bare value is its `{short}`.");
    }
    out.push_str("\n\n| key | value | default | what it is |\n| --- | --- | --- | --- |\n");
    for key in section.keys {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", key.name, key.kind.short(), default(key), key.about);
    }
}

fn default(key: &Key) -> String {
    match key {
        Key { required: true, .. } => "**required**".to_owned(),
        Key { default: "", .. } => "–".to_owned(),
        Key { default, .. } => format!("`{default}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a change of the tables: `PREHEAT_WRITE_DOCS=1 cargo test reference` writes the page anew.
    #[test]
    fn the_page_in_the_docs_is_what_the_tables_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.md");
        if std::env::var_os("PREHEAT_WRITE_DOCS").is_some() {
            std::fs::write(path, reference_markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), reference_markdown());
    }

    #[test]
    fn every_link_leads_to_a_heading() {
        let page = reference_markdown();
        let anchor = |title: &str| -> String {
            title
                .chars()
                .map(|c| if c == ' ' { '-' } else { c })
                .filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                .collect::<String>()
                .to_lowercase()
        };
        let headings: Vec<String> =
            page.lines().filter_map(|l| l.strip_prefix("### ").or_else(|| l.strip_prefix("## "))).map(anchor).collect();
        let links: Vec<&str> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() >= 15, "{links:?}");
        for link in links {
            assert!(headings.iter().any(|h| h == link), "#{link} in {headings:?}");
        }
    }
}
