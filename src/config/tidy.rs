//! What becomes of finished warmup mail, from its section.

use std::time::Duration;

use super::fields::{Fields, Value};
use super::findings::{Findings, quoted};
use super::model::Tidy;
use super::scalars::duration_text;

/// Before that a letter's placement is not final: providers move delivered mail for 48 hours.
const SOONEST: Duration = Duration::from_hours(48);
/// The longest name of a folder, in characters.
const LONGEST_NAME: usize = 60;
/// What would name a folder below another one on some server, or several folders, or nothing that can be written in a command.
const UNFIT: [char; 8] = ['/', '.', '\\', '*', '%', '"', '~', '#'];
/// Folders that are for something else.
const TAKEN: [&str; 9] = ["inbox", "sent", "junk", "spam", "trash", "drafts", "archive", "outbox", "all mail"];

/// The section `tidy`; `None` where it is off, or faulty.
pub fn tidy(fields: &Fields, f: &mut Findings<'_>) -> Option<Tidy> {
    if let Some(Value::Text(_)) = fields.given("tidy").map(|p| &p.value) {
        return None;
    }
    let tidy = fields.fields("tidy");
    let after = tidy.duration("after")?;
    if after < SOONEST {
        let what = format!("`after` is {}, out of its range", duration_text(after));
        f.error(tidy.place("after"), what, "it wants 2d to 366d: until then a provider may still move a letter");
    }
    if tidy.text("how")? == "delete" {
        if tidy.has("into") {
            f.error(tidy.place("into"), "`into` is for `how: move`, and mail is deleted", "leave one of the two out");
        }
        return Some(Tidy { after, into: None });
    }
    let into = tidy.text("into")?.trim().to_owned();
    let fault = if into.contains(UNFIT) {
        Some("it wants a name on one level, without / . \\ * % \" ~ #")
    } else if into.chars().count() > LONGEST_NAME {
        Some("it wants a name of 60 characters at most")
    } else if TAKEN.contains(&into.to_lowercase().as_str()) {
        Some("that folder is for something else; it wants one of its own, such as Warmup")
    } else {
        None
    };
    if let Some(hint) = fault {
        f.error(tidy.place("into"), format!("`into` cannot be {}", quoted(&into)), hint);
    }
    Some(Tidy { after, into: Some(into) })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Nothing, parse};
    use super::*;

    const POOL: &str = "zone: UTC\ndefaults: {secret: env:P, smtp: m.x.test, imap: m.x.test}\nmailboxes: [a@x.test, b@y.test]\n";

    fn read(section: &str) -> Result<Option<Tidy>, String> {
        let config = parse(&format!("{POOL}{section}"), Path::new("preheat.yaml"), &Nothing);
        config.map(|c| c.tidy).map_err(|e| e.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn days(n: u64) -> Duration {
        Duration::from_hours(24 * n)
    }

    #[test]
    fn finished_mail_goes_to_warmup_after_a_fortnight_unless_a_person_says_otherwise() {
        let warmup = || Some("Warmup".to_owned());
        assert_eq!(read(""), Ok(Some(Tidy { after: days(14), into: warmup() })));
        assert_eq!(read("tidy: {after: 3d}"), Ok(Some(Tidy { after: days(3), into: warmup() })));
        assert_eq!(read("tidy: {into: Aufgewärmt}"), Ok(Some(Tidy { after: days(14), into: Some("Aufgewärmt".into()) })));
        assert_eq!(read("tidy: {how: delete, after: 30d}"), Ok(Some(Tidy { after: days(30), into: None })));
        for off in ["tidy: off", "tidy: null"] {
            assert_eq!(read(off), Ok(None), "{off}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_with_what_can() {
        let fault = |section: &str| read(section).unwrap_err();
        assert!(fault("tidy: {after: 47h}").contains("`after` is 1d23h, out of its range"), "{}", fault("tidy: {after: 47h}"));
        assert!(fault("tidy: {after: 367d}").contains("`after`"));
        assert!(fault("tidy: {how: burn}").contains("`how` cannot be `burn`"));
        assert!(fault("tidy: {how: delete, into: Old}").contains("`into` is for `how: move`"));
        for name in ["Mail/Old", "INBOX.Old", "a*", "Sent", "inbox", "100%", "~x"] {
            assert!(fault(&format!("tidy: {{into: \"{name}\"}}")).contains("`into` cannot be"), "{name}");
        }
        assert!(fault(&format!("tidy: {{into: {}}}", "x".repeat(61))).contains("60 characters"));
        assert!(fault("tidy: yes").contains("tidy"), "{}", fault("tidy: yes"));
    }
}
