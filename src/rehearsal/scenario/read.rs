//! A scenario from its file, with the machinery that reads configs: every fault of it is found, each with its place and a hint.

use std::path::{Path, PathBuf};

use chrono::NaiveTime;

use super::keys::{ATS, SCENARIO};
use super::{At, Fault, Scenario, TO_THE_END, What};
use crate::config::fields::{Fields, Value};
use crate::config::findings::{Findings, quoted};
use crate::config::keys::PROVIDERS;
use crate::config::read::read_section;
use crate::config::table::listed;
use crate::config::{ConfigError, scalars, syntax, tree};
use crate::words::{Address, Domain, Finding};
use crate::world::By;

impl Scenario {
    /// Reads a scenario from a file.
    ///
    /// # Errors
    /// A [`ConfigError`] with everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|e| {
            let finding = Finding::error(format!("scenario {name}"), format!("{} cannot be read: {e}", path.display()));
            ConfigError { findings: vec![finding.hint("it must be a UTF-8 file that you may read")] }
        })?;
        Self::parse(&name, &text, path)
    }

    /// Reads a scenario from its text. `file` is what findings name.
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn parse(name: &str, text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut f = Findings::of(file, text);
        f.subject = format!("scenario {name}");
        let root = tree::read(text).map_err(|bad| ConfigError { findings: vec![syntax::finding(&bad, text, file)] })?;
        let scenario = read_section(&root, &SCENARIO, &mut f).map(|fields| scenario(name, &fields, &mut f));
        let (errors, _) = f.finish();
        scenario.filter(|_| errors.is_empty()).ok_or(ConfigError { findings: errors })
    }
}

fn scenario(name: &str, fields: &Fields, f: &mut Findings<'_>) -> Scenario {
    let sections = |key| {
        let list = fields.list(key).unwrap_or_default();
        list.into_iter().filter_map(|placed| if let Value::Fields(own) = placed.value { Some(own) } else { None }).collect::<Vec<_>>()
    };
    Scenario {
        name: name.to_owned(),
        about: fields.text("about").unwrap_or_default(),
        schedule: fields.text("schedule"),
        holidays: sections("holidays").iter().filter_map(|h| h.whole("from_day").zip(h.whole("days"))).collect(),
        faults: sections("faults").iter().filter_map(|own| fault(own, f)).collect(),
    }
}

/// The keys that a kind of fault has beside the common ones, each with an example where it must be there.
fn own_keys(what: &str) -> &'static [(&'static str, Option<&'static str>)] {
    match what {
        "gone" | "full" | "blocklisted" => &[("by", None)],
        "flaky" => &[("share", Some("share: 0.02"))],
        "complaints" => &[("a_day", Some("a_day: 5")), ("share", None)],
        "campaign" => &[("a_day", Some("a_day: 20"))],
        "killed" => &[("a_day", Some("a_day: 3"))],
        "greylisting" => &[("wait", Some("wait: 10m"))],
        "asleep" => &[("hours", Some("hours: 22:30-09:40"))],
        _ => &[],
    }
}

fn has_key(what: &str, key: &str) -> bool {
    own_keys(what).iter().any(|(own, _)| *own == key)
}

fn fault(fields: &Fields, f: &mut Findings<'_>) -> Option<Fault> {
    let at = fields.given("at").map(|_| whom(fields, f));
    let hours = fields.given("hours").map(|_| hours(fields, f));
    let word = fields.text("what")?;
    for key in ["share", "a_day", "wait", "hours", "by"] {
        if fields.has(key) && !has_key(&word, key) {
            let place = fields.place(key);
            let whose: Vec<&str> = super::keys::WHATS.iter().copied().filter(|w| has_key(w, key)).collect();
            f.error(place, format!("`{key}` says nothing of `{word}`"), format!("it is for {}; leave it out", listed(&whose)));
        }
    }
    for (key, example) in own_keys(&word) {
        if let Some(example) = example
            && !fields.has(key)
        {
            f.error(fields.at, format!("`{key}` is missing: `{word}` wants it"), format!("add `{example}`"));
        }
    }
    let by = || if fields.has("by") { fields.text("by").and_then(|word| By::parse(&word)) } else { Some(By::Report) };
    let of_letters = || if fields.has("share") { fields.share("share") } else { Some(0.0) };
    let what = match word.as_str() {
        "outage" => Some(What::Outage),
        "hangs" => Some(What::Hangs),
        "locked" => Some(What::Locked),
        "gone" => by().map(What::Gone),
        "full" => by().map(What::Full),
        "away" => Some(What::Away),
        "flaky" => fields.share("share").map(What::Flaky),
        "blocklisted" => by().map(What::Blocklisted),
        "broken-dmarc" => Some(What::FailsAuthentication),
        "complaints" => fields.whole("a_day").zip(of_letters()).map(|(a_day, share)| What::Complaints(a_day, share)),
        "campaign" => fields.whole("a_day").map(What::Campaign),
        "greylisting" => fields.duration("wait").map(What::Greylisting),
        "asleep" => hours.flatten().map(|(from, to)| What::Asleep(from, to)),
        _ => fields.whole("a_day").map(What::Killed),
    };
    let at = fits(&word, at, fields, f);
    Some(Fault {
        what: what?,
        at: at?,
        from_day: fields.whole("from_day")?,
        days: if fields.has("days") { fields.whole("days")? } else { TO_THE_END },
        source: f.source(fields.at),
    })
}

/// Whether `at` can be said of this kind of fault. `None`: nothing is given; `Some(None)`: what is given is faulty.
#[expect(clippy::option_option, reason = "not given, faulty and given are three things")]
fn fits(word: &str, at: Option<Option<At>>, fields: &Fields, f: &mut Findings<'_>) -> Option<At> {
    let is_about_a_domain = matches!(word, "blocklisted" | "broken-dmarc" | "complaints" | "campaign");
    match (word, at) {
        ("asleep" | "killed", Some(_)) => {
            f.error(fields.place("at"), format!("`at` says nothing of `{word}`"), "it is the machine of preheat; leave `at` out");
            None
        }
        ("outage" | "hangs" | "locked" | "gone" | "full" | "away", None) if !fields.has("at") => {
            f.error(fields.at, format!("`at` is missing: `{word}` wants it"), format!("add `at:` with {}", whom_is_wanted()));
            None
        }
        (_, None) => (!fields.has("at")).then_some(At::All),
        (_, Some(Some(At::FirstWarming | At::FirstPartner))) if is_about_a_domain => {
            let hint = "say at which receiver (`gmail`), or which warming domain (`first-domain`)";
            f.error(fields.place("at"), format!("`{word}` is about a domain, not about one mailbox"), hint);
            None
        }
        (_, Some(Some(At::Named(name)))) if is_about_a_domain && name.contains('@') => {
            let hint = "say at which receiver (`gmail`), or which warming domain (`first-domain`)";
            f.error(fields.place("at"), format!("`{word}` is about a domain, not about one mailbox"), hint);
            None
        }
        (_, Some(at)) => at,
    }
}

fn whom_is_wanted() -> String {
    let words: Vec<&str> = ATS.iter().copied().chain(["gmail", "anna@new.example"]).collect();
    listed(&words)
}

fn whom(fields: &Fields, f: &mut Findings<'_>) -> Option<At> {
    let text = fields.text("at")?;
    let folded = text.to_lowercase();
    match folded.as_str() {
        "all" => return Some(At::All),
        "biggest-receiver" => return Some(At::BiggestReceiver),
        "first-domain" => return Some(At::FirstDomain),
        "first-warming" => return Some(At::FirstWarming),
        "first-partner" => return Some(At::FirstPartner),
        "generic" => {
            let hint = "mailboxes without a provider are received by their own domains: name the domain";
            f.error(fields.place("at"), "`generic` is no receiver", hint);
            return None;
        }
        provider if PROVIDERS.contains(&provider) => return Some(At::Provider(folded)),
        _ => {}
    }
    if Address::parse(&text).is_ok() || Domain::parse(&text).is_ok() {
        return Some(At::Named(folded));
    }
    let near = f.nearest(&text, ATS.iter().chain(PROVIDERS).copied());
    let hint = near.map_or_else(|| format!("write {}", whom_is_wanted()), |n| format!("did you mean `{n}`?"));
    f.error(fields.place("at"), format!("`at` cannot be {}", quoted(&text)), hint);
    None
}

fn hours(fields: &Fields, f: &mut Findings<'_>) -> Option<(NaiveTime, NaiveTime)> {
    let text = fields.text("hours")?;
    let read = scalars::hours(&text).filter(|(from, to)| from != to);
    if read.is_none() {
        let hint = "for example 22:30-09:40";
        f.error(fields.place("hours"), format!("`hours` wants two times of day, from-to, not {}", quoted(&text)), hint);
    }
    read
}

/// Where the scenarios of the folder that holds `preheat.yaml` lie.
pub(super) fn own_scenarios(folder: &Path) -> PathBuf {
    folder.join("scenarios")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_read() {
        for word in super::super::keys::WHATS {
            let extra: Vec<&str> = own_keys(word).iter().filter_map(|(_, example)| *example).collect();
            let at = if matches!(*word, "asleep" | "killed") { "" } else { ", at: all" };
            let text =
                format!("about: x\nfaults: [{{what: {word}{at}{}}}]\n", extra.iter().fold(String::new(), |all, one| all + ", " + one));
            let scenario = Scenario::parse("s", &text, Path::new("s.yaml")).unwrap_or_else(|e| panic!("{word}: {e}"));
            assert_eq!((scenario.faults.len(), scenario.faults[0].days), (1, TO_THE_END), "{word}");
        }
        assert_eq!(super::super::keys::FAULT.keys.len(), 9, "a new key has its place in `own_keys` or among the common ones");
    }
}
