//! A schedule from its file.

use std::collections::BTreeSet;
use std::path::Path;

use crate::words::Finding;

use super::fields::{Fields, Value};
use super::findings::Findings;
use super::model::{AfterRamp, Calendar, Curve, Delay, Engagement, Growth, Ramp, Schedule, ScheduleOrigin, StepUnit, Window};
use super::read::read_section;
use super::schedule_keys::SCHEDULE;
use super::syntax;
use super::table::listed;
use super::tree;

/// The weeks that need no word of warning.
const USUAL_WEEKS: std::ops::RangeInclusive<u32> = 4..=6;
/// The least that `share` may be.
const LEAST_SHARE: f64 = 0.01;
/// The longest ramp, in weeks.
const MOST_WEEKS: u32 = 26;

/// A schedule that was read, and what is worth a word about it.
#[derive(Clone, Debug)]
pub struct ReadSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// Warnings with their places.
    pub warnings: Vec<Finding>,
}

/// Reads a schedule. `file` is what findings name.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn parse_schedule(name: &str, text: &str, file: &Path, origin: ScheduleOrigin) -> Result<ReadSchedule, Vec<Finding>> {
    let mut f = Findings::of(file, text);
    f.subject = format!("schedule {name}");
    let root = tree::read(text).map_err(|bad| vec![syntax::finding(&bad, text, file)])?;
    let schedule = read_section(&root, &SCHEDULE, &mut f).and_then(|fields| schedule(name, &fields, origin, &mut f));
    let has_errors = f.has_errors();
    let (errors, warnings) = f.finish();
    match schedule {
        Some(schedule) if !has_errors => Ok(ReadSchedule { schedule, warnings }),
        _ => Err(errors),
    }
}

fn schedule(name: &str, fields: &Fields, origin: ScheduleOrigin, f: &mut Findings<'_>) -> Option<Schedule> {
    // Each part is looked at before any failure ends the reading, so that all faults are reported.
    let calendar = calendar(&fields.fields("calendar"), f);
    let window = window(&fields.fields("window"));
    let engagement = engagement(&fields.fields("engagement"), f);
    let send_days = calendar.as_ref().map_or(7, send_days_a_week);
    let ramp = fields.given("ramp").and_then(|_| ramp(&fields.fields("ramp"), send_days, f))?;
    let share = share(fields, f);
    let (calendar, window, engagement) = (calendar?, window?, engagement?);
    let after = match fields.given("after").map(|p| &p.value) {
        Some(Value::Text(_)) => AfterRamp::Stop,
        Some(Value::Fields(after)) => AfterRamp::Maintain(after.whole("maintain")?),
        _ => AfterRamp::Maintain(ramp.target.div_ceil(2)),
    };
    let about = fields.text("about").unwrap_or_default();
    Some(Schedule { name: name.to_owned(), origin, about, ramp, calendar, window, engagement, after, share: share? })
}

/// Warmup's share of a day's total.
fn share(fields: &Fields, f: &mut Findings<'_>) -> Option<f64> {
    let share = fields.share("share")?;
    if share >= LEAST_SHARE {
        return Some(share);
    }
    let what = format!("`share` is {share}, out of its range");
    f.error(fields.place("share"), what, format!("it wants a number from {LEAST_SHARE} to 1"));
    None
}

fn ramp(fields: &Fields, send_days_a_week: u32, f: &mut Findings<'_>) -> Option<Ramp> {
    // A faulty jitter has its finding; the rest is still to be looked at.
    let jitter = fields.share("jitter").unwrap_or_default();
    let named = fields.given("curve").and_then(|_| fields.text("curve"));
    let has_steps = fields.has("steps");
    match named.as_deref() {
        Some("steps") if !has_steps => {
            f.error(fields.place("curve"), "`curve: steps` has no `steps`", "add `steps: [50, 100, 500]`, or name another curve");
            None
        }
        Some(other) if has_steps && other != "steps" => {
            let what = format!("`steps` are set, and the curve is `{other}`");
            f.error(fields.place("steps"), what, "set `curve: steps`, or leave the `steps` out");
            None
        }
        _ if has_steps => stepped_ramp(fields, send_days_a_week, jitter, f),
        _ => curved_ramp(fields, jitter, f),
    }
}

fn curved_ramp(fields: &Fields, jitter: f64, f: &mut Findings<'_>) -> Option<Ramp> {
    for key in ["start", "target"] {
        if !fields.has(key) {
            f.error(fields.at, format!("`{key}` is missing in ramp"), format!("add `{key}:` with messages a day"));
        }
    }
    if fields.has("per") {
        f.error(fields.place("per"), "`per` is for `steps`, and there are none", "leave it out");
    }
    let (start, target) = (fields.whole("start")?, fields.whole("target")?);
    if target < start {
        let what = format!("target {target} is below start {start}");
        f.error(fields.place("target"), what, "a ramp goes up: swap the two, or set both to the same for a constant volume");
        return None;
    }
    let weeks = fields.whole("weeks")?;
    // A constant volume is no ramp that could be too steep.
    if !USUAL_WEEKS.contains(&weeks) && start < target {
        f.warning(
            fields.place("weeks"),
            format!("the ramp takes {}", weeks_text(weeks)),
            "4 to 6 weeks are usual; shorter ramps are steeper than receivers like",
        );
    }
    let curve = match fields.text("curve")?.as_str() {
        "linear" => Curve::Linear,
        "logistic" => Curve::Logistic,
        _ => Curve::Exponential,
    };
    Some(Ramp { start, target, weeks, curve, max_daily_growth: growth(fields)?, jitter })
}

/// `None` where it is faulty; `Some(None)` where it is off.
#[expect(clippy::option_option, reason = "faulty, off and on are three things")]
fn growth(fields: &Fields) -> Option<Option<Growth>> {
    if let Some(Value::Text(_)) = fields.given("max_daily_growth").map(|p| &p.value) {
        return Some(None);
    }
    let growth = fields.fields("max_daily_growth");
    Some(Some(Growth { messages: growth.whole("messages")?, share: growth.share("share")? }))
}

fn stepped_ramp(fields: &Fields, send_days_a_week: u32, jitter: f64, f: &mut Findings<'_>) -> Option<Ramp> {
    let volumes: Vec<u32> =
        fields.list("steps")?.iter().filter_map(|p| if let Value::Whole(n) = p.value { Some(n) } else { None }).collect();
    let (Some(start), Some(target)) = (volumes.first().copied(), volumes.iter().max().copied()) else {
        f.error(fields.place("steps"), "`steps` is empty", "add volumes, such as [50, 100, 500]");
        return None;
    };
    for (key, own, word) in [("start", start, "first"), ("target", target, "largest")] {
        if let Some(Value::Whole(given)) = fields.given(key).map(|p| &p.value)
            && *given != own
        {
            f.error(
                fields.place(key),
                format!("{key} is {given}, and the {word} of the steps is {own}"),
                format!("leave `{key}` out: the steps say it"),
            );
        }
    }
    if let Some(Value::Fields(_)) = fields.given("max_daily_growth").map(|p| &p.value) {
        f.error(
            fields.place("max_daily_growth"),
            "`max_daily_growth` does not bound `steps`",
            "leave it out: the steps are taken as they are",
        );
    }
    let per = if fields.text("per")? == "week" { StepUnit::Week } else { StepUnit::Day };
    let count = u32::try_from(volumes.len()).unwrap_or(u32::MAX);
    let weeks = match per {
        StepUnit::Week => count,
        StepUnit::Day => count.div_ceil(send_days_a_week),
    };
    if weeks > MOST_WEEKS {
        f.error(fields.place("steps"), format!("the steps take {}", weeks_text(weeks)), format!("a ramp takes {MOST_WEEKS} weeks at most"));
        return None;
    }
    if let Some(Value::Whole(given)) = fields.given("weeks").map(|p| &p.value)
        && *given != weeks
    {
        f.error(
            fields.place("weeks"),
            format!("weeks is {given}, and the steps take {}", weeks_text(weeks)),
            "leave `weeks` out: the steps say it",
        );
    }
    if !USUAL_WEEKS.contains(&weeks) {
        f.warning(
            fields.place("steps"),
            format!("the steps take {}", weeks_text(weeks)),
            "4 to 6 weeks are usual; shorter ramps are steeper than receivers like",
        );
    }
    Some(Ramp { start, target, weeks, curve: Curve::Steps { volumes, per }, max_daily_growth: None, jitter })
}

fn weeks_text(weeks: u32) -> String {
    format!("{weeks} {}", if weeks == 1 { "week" } else { "weeks" })
}

/// From 1 to 7.
fn send_days_a_week(calendar: &Calendar) -> u32 {
    if calendar.weekend_factor > 0.0 { 7 } else { (calendar.weekdays.len() as u32).max(1) }
}

fn calendar(fields: &Fields, f: &mut Findings<'_>) -> Option<Calendar> {
    let weekdays = fields.weekdays("weekdays")?;
    let weekend_factor = fields.share("weekend_factor")?;
    if weekdays.is_empty() && weekend_factor == 0.0 {
        f.error(
            fields.place("weekdays"),
            "there is no day on which anything is sent",
            "name weekdays, such as mon-fri, or set a `weekend_factor`",
        );
        return None;
    }
    let mut holidays = BTreeSet::new();
    for day in fields.list("holidays").unwrap_or_default() {
        if let Value::Date(date) = day.value
            && !holidays.insert(date)
        {
            f.warning(day.at, format!("the holiday {date} is listed twice"), "leave one out");
        }
    }
    Some(Calendar { weekdays, weekend_factor, holidays })
}

fn window(fields: &Fields) -> Option<Window> {
    let (from, to) = fields.hours("hours")?;
    Some(Window { from, to, mailbox_gap: fields.duration("mailbox_gap")?, domain_gap: fields.duration("domain_gap")? })
}

fn engagement(fields: &Fields, f: &mut Findings<'_>) -> Option<Engagement> {
    let (from, to) = fields.hours("hours")?;
    let delays = ["rescue_delay", "open_delay", "answer_delay"].map(|key| delay(key, &fields.fields(key), f));
    let [rescue_delay, open_delay, answer_delay] = delays;
    Some(Engagement {
        open: fields.share("open")?,
        answer: fields.share("answer")?,
        important: fields.share("important")?,
        flag: fields.share("flag")?,
        rescue_delay: rescue_delay?,
        open_delay: open_delay?,
        answer_delay: answer_delay?,
        from,
        to,
    })
}

fn delay(key: &str, fields: &Fields, f: &mut Findings<'_>) -> Option<Delay> {
    let names = ["min", "median", "p95", "max"];
    let mut given = [std::time::Duration::ZERO; 4];
    for (length, name) in given.iter_mut().zip(names) {
        *length = fields.duration(name)?;
    }
    if !given.is_sorted() {
        let shown: Vec<String> = names.iter().zip(given).map(|(n, d)| format!("{n} {}", super::scalars::duration_text(d))).collect();
        let what = format!("the lengths of `{key}` are out of order: {}", shown.join(", "));
        f.error(fields.at, what, format!("each is at least the one before it: {}", listed(&names)));
        return None;
    }
    let [min, median, p95, max] = given;
    if median.is_zero() {
        f.error(fields.place("median"), format!("the median of `{key}` is zero"), "give it a second at least: `1s`");
        return None;
    }
    Some(Delay { median, p95, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ReadSchedule, String> {
        parse_schedule("s", text, Path::new("s.yaml"), ScheduleOrigin::Shipped)
            .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn fault(text: &str) -> String {
        let found = parse_schedule("s", text, Path::new("s.yaml"), ScheduleOrigin::Shipped).unwrap_err();
        found
            .iter()
            .map(|f| {
                let s = f.source.as_ref().unwrap();
                format!("{}:{} {} | {}", s.line, s.column, f.what, f.hint.as_deref().unwrap_or("-"))
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn what_is_not_set_is_as_the_design_says() {
        let s = read("ramp: {start: 4, target: 30}\n").unwrap();
        assert!(s.warnings.is_empty());
        let s = s.schedule;
        assert_eq!((s.ramp.start, s.ramp.target, s.ramp.weeks, s.ramp.jitter), (4, 30, 6, 0.0));
        assert_eq!(s.ramp.max_daily_growth, Some(Growth { messages: 2, share: 0.20 }));
        assert_eq!(s.calendar.weekdays.iter().map(|d| d.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!((s.calendar.weekend_factor, s.calendar.holidays.len()), (0.0, 0));
        assert_eq!(format!("{}-{}", s.window.from, s.window.to), "08:30:00-17:30:00");
        assert_eq!((s.window.mailbox_gap.as_secs(), s.window.domain_gap.as_secs()), (300, 90));
        assert_eq!(s.engagement, Engagement::default());
        assert_eq!(s.after, AfterRamp::Maintain(15));
    }

    #[test]
    fn everything_can_be_said() {
        let s = read(
            "about: Mine.\nramp: {start: 5, target: 40, weeks: 4, curve: logistic, max_daily_growth: {share: 0.1}, jitter: 0.2}\n\
             calendar: {weekdays: [mon, wed-fri], weekend_factor: 0.25, holidays: [2026-12-24, 2026-12-25]}\n\
             window: {hours: 09:00-12:30, mailbox_gap: 1m30s, domain_gap: 10s}\n\
             engagement: {open: 0.7, answer_delay: {median: 2h}, hours: 06:00-23:00}\nafter: stop\n",
        )
        .unwrap()
        .schedule;
        assert_eq!((s.about.as_str(), s.after), ("Mine.", AfterRamp::Stop));
        assert_eq!(s.ramp.max_daily_growth, Some(Growth { messages: 2, share: 0.1 }));
        assert_eq!(s.calendar.weekdays.iter().map(|d| d.0).collect::<Vec<_>>(), [0, 2, 3, 4]);
        assert_eq!(s.calendar.holidays.len(), 2);
        assert_eq!(s.window.mailbox_gap.as_secs(), 90);
        assert_eq!((s.engagement.open, s.engagement.answer_delay.median.as_secs()), (0.7, 7_200));
        assert_eq!(
            read("ramp: {start: 1, target: 1, max_daily_growth: null}\nwindow: 10:00-11:00\n").unwrap().schedule.ramp.max_daily_growth,
            None
        );
        assert_eq!(read("ramp: {start: 1, target: 1, max_daily_growth: off}\n").unwrap().schedule.ramp.max_daily_growth, None);
    }

    #[test]
    fn steps_say_start_target_and_weeks() {
        let s = read("ramp: {steps: [50, 100, 500, 200]}\ncalendar: {weekdays: mon-sun}\n").unwrap();
        assert_eq!((s.schedule.ramp.start, s.schedule.ramp.target, s.schedule.ramp.weeks), (50, 500, 1));
        assert_eq!(s.schedule.ramp.max_daily_growth, None);
        assert_eq!(s.warnings[0].what, "the steps take 1 week");
        let s = read("ramp: {curve: steps, per: week, steps: [5, 10, 20, 40]}\n").unwrap();
        assert_eq!((s.schedule.ramp.weeks, s.warnings.len()), (4, 0));
        assert_eq!(s.schedule.ramp.curve, Curve::Steps { volumes: vec![5, 10, 20, 40], per: StepUnit::Week });
    }

    #[test]
    fn faults_of_a_ramp() {
        assert_eq!(
            fault("ramp: {start: 30, target: 4}\n"),
            "1:27 target 4 is below start 30 | a ramp goes up: swap the two, or set both to the same for a constant volume"
        );
        assert_eq!(fault("ramp: {start: 3}\n"), "1:7 `target` is missing in ramp | add `target:` with messages a day");
        assert_eq!(fault("about: x\n"), "1:1 `ramp` is missing | add `ramp:` with the keys of ramp");
        assert_eq!(
            fault("ramp: {start: 0, target: many, weeks: 27, jitter: 0.6}\n"),
            "1:15 `start` is 0, out of its range | it wants a whole number of messages a day from 1 to 10000000\n\
             1:26 `target` wants a whole number of messages a day from 1 to 10000000, not `many` | write the number alone: digits, no unit\n\
             1:39 `weeks` is 27, out of its range | it wants a whole number of weeks from 1 to 26\n\
             1:51 `jitter` is 0.6, out of its range | it wants a number from 0 to 0.5"
        );
    }

    #[test]
    fn faults_between_curve_and_steps() {
        assert_eq!(
            fault("ramp: {curve: steps}\n"),
            "1:15 `curve: steps` has no `steps` | add `steps: [50, 100, 500]`, or name another curve"
        );
        assert_eq!(
            fault("ramp: {curve: linear, steps: [1, 2]}\n"),
            "1:30 `steps` are set, and the curve is `linear` | set `curve: steps`, or leave the `steps` out"
        );
        assert_eq!(
            fault("ramp: {start: 2, target: 9, weeks: 3, steps: [1, 2], max_daily_growth: {share: 0.1}}\n"),
            "1:15 start is 2, and the first of the steps is 1 | leave `start` out: the steps say it\n\
             1:26 target is 9, and the largest of the steps is 2 | leave `target` out: the steps say it\n\
             1:36 weeks is 3, and the steps take 1 week | leave `weeks` out: the steps say it\n\
             1:72 `max_daily_growth` does not bound `steps` | leave it out: the steps are taken as they are"
        );
        assert_eq!(fault("ramp: {steps: []}\n"), "1:15 `steps` is empty | add volumes, such as [50, 100, 500]");
        assert_eq!(fault("ramp: {start: 1, target: 2, per: week}\n"), "1:34 `per` is for `steps`, and there are none | leave it out");
    }

    #[test]
    fn faults_of_calendar_and_window() {
        assert_eq!(
            fault(
                "ramp: {start: 1, target: 2}\ncalendar:\n  weekdays: [mon, tus]\n  holidays: [2026-02-30]\n  weekend_factor: 50%\nwindow:\n  hours: 17:30-08:30\n  mailbox_gap: 5\n  domain_gap: 5 apples\n"
            ),
            "3:19 `tus` is not a weekday | did you mean `tue`?\n\
             4:14 `holidays` wants a date, year-month-day, not `2026-02-30` | for example 2026-12-01\n\
             5:19 `weekend_factor` is a share, not a percentage | write it as a share: 0.5\n\
             7:10 the window `17:30-08:30` ends before it begins | a window lies within one day, such as 08:30-17:30\n\
             8:16 `mailbox_gap` wants a length of time with its unit, not `5` | say of what: `5s`, `5m` or `5h`\n\
             9:15 `domain_gap` wants a length of time with its unit, not `5 apples` | for example 5m, 90s, 3h or 1h30m"
        );
        assert_eq!(
            fault("ramp: {start: 1, target: 2}\ncalendar: {weekdays: []}\n"),
            "2:22 there is no day on which anything is sent | name weekdays, such as mon-fri, or set a `weekend_factor`"
        );
        assert!(
            fault("ramp: {start: 1, target: 2}\nengagement: {open_delay: {median: 9h}, answer: 1.5}\n")
                .contains("out of order: min 3m, median 9h, p95 8h, max 1d")
        );
    }

    #[test]
    fn weeks_outside_4_to_6_are_warned_of_at_their_place() {
        let s = read("ramp:\n  start: 4\n  target: 30\n  weeks: 3\n").unwrap();
        let at = s.warnings[0].source.as_ref().unwrap();
        assert_eq!((s.warnings[0].what.as_str(), at.line, at.column), ("the ramp takes 3 weeks", 4, 10));
        assert!(read("ramp: {start: 9, target: 9, weeks: 1}\n").unwrap().warnings.is_empty());
    }

    #[test]
    fn a_syntax_error_stops_alone() {
        let text = fault("ramp: {start: 4\nabout: x\n  y: [\n");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
