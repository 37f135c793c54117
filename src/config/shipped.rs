//! Schedules by name: the user's own file wins over a shipped one.

use std::path::{Path, PathBuf};

use crate::words::Finding;

use super::beside::{Beside, Folder, Nothing};
use super::findings::quoted;
use super::load::ConfigError;
use super::model::ScheduleOrigin;
use super::schedule::{ReadSchedule, parse_schedule};

/// The shipped schedules: name and text, the default first.
pub fn shipped_schedules() -> &'static [(&'static str, &'static str)] {
    macro_rules! shipped {
        ($($name:literal),+) => { &[$(($name, include_str!(concat!("../../schedules/", $name, ".yaml")))),+] };
    }
    shipped!("standard-6w", "gentle-6w", "brisk-4w", "own-server", "maintain", "braze-conservative", "braze-moderate", "sendgrid-manual")
}

/// The schedule of this name: from `schedules/` in the folder `beside` (the one that holds `preheat.yaml`), else a shipped one.
///
/// # Errors
/// A [`ConfigError`] with everything that is wrong with its file, or where there is none of this name.
pub fn schedule_by_name(name: &str, beside: Option<&Path>) -> Result<ReadSchedule, ConfigError> {
    let folder = beside.map(|dir| Folder(dir.to_owned()));
    let beside: &dyn Beside = folder.as_ref().map_or(&Nothing, |f| f);
    let found = find(name, beside).unwrap_or_else(|| {
        let finding = Finding::error("config", format!("unknown schedule {}", quoted(name)));
        Err(vec![finding.hint(known_names_hint(beside))])
    });
    found.map_err(|findings| ConfigError { findings })
}

/// `None` where no schedule has this name.
pub(super) fn find(name: &str, beside: &dyn Beside) -> Option<Result<ReadSchedule, Vec<Finding>>> {
    if !is_name(name) {
        return None;
    }
    if let Some((path, text)) = beside.schedule(name) {
        return Some(match text {
            Ok(text) => parse_schedule(name, &text, &path, ScheduleOrigin::File(path.clone())),
            Err(e) => {
                let what = format!("{} cannot be read: {e}", path.display());
                Err(vec![Finding::error(format!("schedule {name}"), what).hint("it must be a UTF-8 file that you may read")])
            }
        });
    }
    let (_, text) = shipped_schedules().iter().find(|(shipped, _)| *shipped == name)?;
    let file = PathBuf::from(format!("schedules/{name}.yaml"));
    Some(parse_schedule(name, text, &file, ScheduleOrigin::Shipped))
}

/// A schedule's name is a file's name; it cannot lead into another folder.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && !name.starts_with('.')
}

/// Every name that [`find`] knows: the user's own, then the shipped.
pub(super) fn known_names(beside: &dyn Beside) -> Vec<String> {
    let mut names = beside.schedule_names();
    let shipped: Vec<String> = shipped_schedules().iter().map(|(n, _)| (*n).to_owned()).filter(|n| !names.contains(n)).collect();
    names.extend(shipped);
    names
}

pub(super) fn known_names_hint(beside: &dyn Beside) -> String {
    format!("there are {}; your own go into `schedules/` beside the config", known_names(beside).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{Curve, Schedule, StepUnit};

    fn shipped(name: &str) -> Schedule {
        schedule_by_name(name, None).unwrap_or_else(|e| panic!("{e}")).schedule
    }

    #[test]
    fn every_shipped_schedule_reads_and_says_what_it_is() {
        for (name, text) in shipped_schedules() {
            let schedule = shipped(name);
            assert_eq!((schedule.name.as_str(), &schedule.origin), (*name, &ScheduleOrigin::Shipped));
            assert!(schedule.about.ends_with('.'), "{name}: {}", schedule.about);
            let comments = text.lines().filter(|l| l.contains('#')).count();
            assert!(comments >= 8, "{name} explains itself");
            assert!(text.lines().all(|l| l.chars().count() <= 100), "{name} fits a terminal");
        }
    }

    #[test]
    fn the_ramps_are_those_of_the_design() {
        let of = |name| {
            let r = shipped(name).ramp;
            (r.start, r.target, r.weeks)
        };
        assert_eq!(of("standard-6w"), (4, 30, 6));
        assert_eq!(of("gentle-6w"), (3, 20, 6));
        assert_eq!(of("brisk-4w"), (5, 40, 4));
        assert_eq!(of("own-server"), (20, 300, 6));
        let maintain = shipped("maintain").ramp;
        assert_eq!(maintain.start, maintain.target);
    }

    #[test]
    fn published_ramps_are_as_published() {
        let steps = |name| match shipped(name).ramp.curve {
            Curve::Steps { volumes, per: StepUnit::Day } => volumes,
            other => panic!("{name}: {other:?}"),
        };
        let thrice = |volumes: &[u32]| volumes.iter().flat_map(|v| [*v; 3]).collect::<Vec<_>>();
        assert_eq!(steps("braze-conservative"), thrice(&[50, 100, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]));
        let moderate = [
            50, 100, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 35_000, 50_000, 75_000, 100_000, 150_000, 200_000, 275_000, 375_000,
            500_000, 650_000, 825_000, 1_000_000,
        ];
        assert_eq!(steps("braze-moderate"), moderate);
        let sendgrid = [
            50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000, 2_000_000,
            4_000_000,
        ];
        assert_eq!(steps("sendgrid-manual"), sendgrid);
    }

    #[test]
    fn a_mailbox_can_send_its_target_inside_the_window_by_its_own_gap() {
        for (name, _) in shipped_schedules() {
            let s = shipped(name);
            let room = (s.window.to - s.window.from).num_seconds();
            let most = room.checked_div(s.window.mailbox_gap.as_secs() as i64).map_or(i64::MAX, |n| n + 1);
            assert!(most >= i64::from(s.ramp.target), "{name}: {most} letters fit, the target is {}", s.ramp.target);
        }
    }

    #[test]
    fn the_users_file_wins_and_names_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("schedules");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("standard-6w.yaml"), "ramp: {start: 2, target: 9}\n").unwrap();
        std::fs::write(folder.join("mine.yaml"), "ramp: {start: 2, target: 1, wekks: 3}\n").unwrap();
        std::fs::write(dir.path().join("outside.yaml"), "ramp: {start: 2, target: 9}\n").unwrap();
        let own = schedule_by_name("standard-6w", Some(dir.path())).unwrap().schedule;
        assert_eq!((own.ramp.target, own.origin), (9, ScheduleOrigin::File(folder.join("standard-6w.yaml"))));
        assert_eq!(schedule_by_name("gentle-6w", Some(dir.path())).unwrap().schedule.origin, ScheduleOrigin::Shipped);
        let faults = schedule_by_name("mine", Some(dir.path())).unwrap_err().findings;
        assert_eq!(
            faults.iter().map(|f| f.what.as_str()).collect::<Vec<_>>(),
            ["target 1 is below start 2", "unknown key `wekks` in ramp"]
        );
        assert_eq!(faults[1].source.as_ref().unwrap().file, folder.join("mine.yaml"));
        for name in ["../outside", "nothing", "", "/etc/passwd", "a\0b", ".hidden"] {
            let unknown = schedule_by_name(name, Some(dir.path())).unwrap_err().findings;
            assert!(unknown[0].what.starts_with("unknown schedule"), "{name}");
            assert!(unknown[0].hint.as_ref().unwrap().contains("mine, standard-6w, gentle-6w, brisk-4w"), "{unknown:?}");
        }
    }
}
