//! Scenarios by name, and their schedules: the user's own file wins over a shipped one.

use std::path::{Path, PathBuf};

use super::Scenario;
use super::read::own_scenarios;
use crate::config::findings::{Findings, quoted};
use crate::config::shipped::is_name;
use crate::config::{Config, ConfigError, Schedule, ScheduleOrigin, parse_schedule, schedule_by_name};
use crate::words::{Finding, Role};

/// Name and text, in the order in which they are shown.
fn texts() -> &'static [(&'static str, &'static str)] {
    macro_rules! shipped {
        ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../../../scenarios/", $name, ".yaml")))),+] };
    }
    shipped!(
        "healthy",
        "too-fast",
        "broken-dmarc",
        "provider-outage",
        "blocklisted",
        "account-locked",
        "flaky-network",
        "dead-partner",
        "full-mailbox",
        "complaint-storm",
        "holiday-gap",
        "laptop-sleeps",
        "killed",
    )
}

/// Schedules that nobody should send by: only scenarios know them.
const SCHEDULES: &[(&str, &str)] = &[("too-fast", include_str!("../../../scenarios/schedules/too-fast.yaml"))];

impl Scenario {
    /// The shipped scenarios: name and sentence.
    pub fn shipped() -> Vec<(String, String)> {
        let about = |name: &str| shipped(name).and_then(Result::ok).map(|s| s.about).unwrap_or_default();
        texts().iter().map(|(name, _)| ((*name).to_owned(), about(name))).collect()
    }

    /// The scenario of this name: from `scenarios/` in `folder` (the one that holds `preheat.yaml`), else a shipped one.
    ///
    /// # Errors
    /// A [`ConfigError`] with everything that is wrong with its file, or where there is none of this name.
    pub fn by_name(name: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        if is_name(name) {
            let own = folder.map(|f| own_scenarios(f).join(format!("{name}.yaml"))).filter(|path| path.exists());
            if let Some(found) = own.map(|path| Self::read(&path)).or_else(|| shipped(name)) {
                return found;
            }
        }
        let known = names(folder);
        let near = Findings::of(Path::new(""), "").nearest(name, known.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`? "));
        let hint = format!("{}there are {}; your own go into `scenarios/` beside the config", near.unwrap_or_default(), known.join(", "));
        Err(ConfigError { findings: vec![Finding::error("scenario", format!("unknown scenario {}", quoted(name))).hint(hint)] })
    }

    /// Puts the scenario's schedule, where it has one, into a config: every warming mailbox gets it.
    ///
    /// # Errors
    /// As [`Scenario::schedule`].
    pub fn put_schedule_into(&self, config: &mut Config) -> Result<(), ConfigError> {
        let folder = config.file.parent().map(Path::to_path_buf);
        let Some(schedule) = self.schedule(folder.as_deref())? else { return Ok(()) };
        for mailbox in config.mailboxes.values_mut().filter(|m| m.role == Role::Warming) {
            mailbox.schedule = Some(schedule.name.clone());
        }
        config.schedules = std::iter::once((schedule.name.clone(), schedule)).collect();
        Ok(())
    }

    /// The schedule that every warming mailbox gets; `None` where each keeps its own. Found in `scenarios/schedules/` and `schedules/` in `folder`,
    /// then among those that are shipped with the scenarios, then among the shipped.
    ///
    /// # Errors
    /// A [`ConfigError`] with everything that is wrong with its file, or where there is none of this name.
    pub fn schedule(&self, folder: Option<&Path>) -> Result<Option<Schedule>, ConfigError> {
        let Some(name) = &self.schedule else { return Ok(None) };
        let read = |text: &str, file: &Path, origin| {
            parse_schedule(name, text, file, origin).map(|read| Some(read.schedule)).map_err(|findings| ConfigError { findings })
        };
        let own = folder.filter(|_| is_name(name)).map(|f| own_scenarios(f).join("schedules").join(format!("{name}.yaml")));
        if let Some(path) = own.filter(|path| path.exists()) {
            let text = std::fs::read_to_string(&path).map_err(|e| {
                let what = format!("{} cannot be read: {e}", path.display());
                let finding = Finding::error(format!("schedule {name}"), what);
                ConfigError { findings: vec![finding.hint("it must be a UTF-8 file that you may read")] }
            })?;
            return read(&text, &path, ScheduleOrigin::File(path.clone()));
        }
        let beside = folder.filter(|f| is_name(name) && f.join("schedules").join(format!("{name}.yaml")).exists());
        match SCHEDULES.iter().find(|(shipped, _)| shipped == name) {
            Some((_, text)) if beside.is_none() => {
                read(text, &PathBuf::from(format!("scenarios/schedules/{name}.yaml")), ScheduleOrigin::Shipped)
            }
            _ => schedule_by_name(name, folder).map(|read| Some(read.schedule)),
        }
    }
}

fn shipped(name: &str) -> Option<Result<Scenario, ConfigError>> {
    let (_, text) = texts().iter().find(|(shipped, _)| *shipped == name)?;
    Some(Scenario::parse(name, text, &PathBuf::from(format!("scenarios/{name}.yaml"))))
}

/// Every name that there is: the user's own, then the shipped.
fn names(folder: Option<&Path>) -> Vec<String> {
    let entries = folder.and_then(|f| std::fs::read_dir(own_scenarios(f)).ok()).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|e| e.file_name().to_str().and_then(|n| n.strip_suffix(".yaml")).map(str::to_owned)).collect();
    names.sort();
    names.extend(texts().iter().map(|(n, _)| (*n).to_owned()).filter(|n| !names.contains(n)).collect::<Vec<_>>());
    names
}
