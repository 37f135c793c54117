//! The finding for a text that is not YAML: shown with its line, but never with what may be a secret on it.

use std::path::Path;

use crate::words::Finding;

use super::findings::Findings;
use super::scalars::names_a_secret;
use super::tree::{BadYaml, Place};

/// The one finding of a file that cannot be read as YAML.
pub fn finding(bad: &BadYaml, text: &str, file: &Path) -> Finding {
    let mut findings = Findings::of(file, text);
    hide_possible_secret(text, bad.at, &mut findings);
    let hint = "this is YAML: spaces for indentation (no tabs), `key: value`, and quotes around text that holds `: ` or ` #`";
    Finding::error("config", format!("not YAML: {}", bad.what)).at(findings.source(bad.at)).hint(hint)
}

/// Where the tree is broken nobody knows which value belongs to which key: what follows a key that names a secret is hidden, on its
/// own line and on lines below it that have no key.
fn hide_possible_secret(text: &str, at: Place, findings: &mut Findings<'_>) {
    let lines: Vec<&str> = text.split_inclusive('\n').take(at.line as usize).collect();
    let mut nearest_key = None;
    for line in lines.iter().rev().take(200) {
        nearest_key = key_end(line);
        if nearest_key.is_some() {
            break;
        }
    }
    let secret = |line: &str, end: usize| line.get(..end).is_some_and(names_a_secret);
    let Some(line) = lines.last() else { return };
    let hidden_from = match (key_end(line), nearest_key) {
        (Some(end), _) if secret(line, end) => end,
        (None, Some(_)) => {
            let owner = lines.iter().rev().find_map(|l| key_end(l).map(|end| secret(l, end)));
            if owner != Some(true) {
                return;
            }
            0
        }
        _ => return,
    };
    let column = line.get(..hidden_from).map_or(0, |before| before.chars().count()) as u32;
    findings.hide_place(Place { line: at.line, column: column + 1, bytes: (0, 0) });
}

/// The byte behind the last `name:` in a line that names a secret, else behind the first `name:`; `None` where the line has no key.
fn key_end(line: &str) -> Option<usize> {
    let ends: Vec<usize> = line.match_indices(':').map(|(i, _)| i + 1).collect();
    let naming = ends.iter().find(|end| line.get(..**end).is_some_and(names_a_secret));
    naming.or(ends.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    fn shown(text: &str) -> String {
        finding(&tree::read(text).unwrap_err(), text, Path::new("p.yaml")).to_string()
    }

    #[test]
    fn the_line_and_a_caret_are_shown() {
        let text = shown("pool: x\nzone: [Europe/Berlin\nmailboxes: 3\n");
        assert!(text.starts_with("p.yaml:"), "{text}");
        assert!(text.contains("error: not YAML: ") && text.contains("^\n  hint: "), "{text}");
    }

    #[test]
    fn a_password_on_a_broken_line_is_not_shown() {
        for text in [
            "a: 1\nsecret: \"hunter2\n",
            "a: 1\nsecret: file: hunter2\n",
            "b: {user: x, password: hunter2: y}\n",
            "password:\n  'hunter2\n",
            "a: 1\npassword: @hunter2\n",
            "a: 1\npassword: *hunter2\n",
            "a: 1\npassword: !!int hunter2\n",
            "a: 1\npassword: hunter2\n  - hunter2\n x: [\n",
            "secret: |\n  hunter2\n hunter2\n",
        ] {
            let shown = shown(text);
            assert!(!shown.contains("hunter2"), "{text}\n{shown}");
        }
    }
}
