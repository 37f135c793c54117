//! The story of a ramp by date: what was earned, what the guard saw, what it did about it, and how it went on.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::ledger::Unsent;
use crate::report::table::{Align, Table};
use crate::words::{LocalDate, RampDay, Verdict};

/// A day that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldDay {
    /// Its local date.
    pub date: LocalDate,
    /// What could be sent.
    pub quota: u32,
    /// The position before it.
    pub before: RampDay,
    /// The position after it.
    pub after: RampDay,
    /// What the fold says of it.
    pub why: String,
    /// What the guard said, with the sentence behind it.
    pub said: Option<(Verdict, String)>,
    /// Letters that did not go out, by reason.
    pub unsent: BTreeMap<Unsent, u32>,
}

/// Days that follow each other and of which the same is to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// The first date.
    pub from: LocalDate,
    /// The last date.
    pub to: LocalDate,
    /// What happened, and why.
    pub text: String,
}

/// What a day is in the story.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Earned,
    NotEarned,
    Lost,
    Said(Verdict),
}

/// Days after which everything has to be told anew.
const LONGEST_GAP: i64 = 7;

/// The chapters, the oldest first. Days without sending belong to what stands around them.
pub fn story(days: &[ToldDay]) -> Vec<Chapter> {
    let mut chapters: Vec<(Turn, Vec<&ToldDay>)> = Vec::new();
    for day in days {
        let Some(turn) = turn(day) else { continue };
        match chapters.last_mut() {
            Some((last, told)) if *last == turn && goes_on(turn, told, day) => told.push(day),
            _ => chapters.push((turn, vec![day])),
        }
    }
    let mut was_troubled = false;
    chapters
        .iter()
        .filter_map(|(turn, told)| {
            let (first, last) = (told.first()?, told.last()?);
            let text = told_as(*turn, told, was_troubled)?;
            was_troubled = !matches!(turn, Turn::Earned);
            Some(Chapter { from: first.date, to: last.date, text })
        })
        .collect()
}

/// The story as a table.
pub(super) fn to_text(chapters: &[Chapter], width: usize) -> String {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]).indent(2);
    for chapter in chapters {
        table.row([dates(chapter), chapter.text.clone()]);
    }
    table.to_text(width)
}

/// `Tue 12-01`, or `Tue 12-01 – Fri 12-11`.
fn dates(chapter: &Chapter) -> String {
    let short = |date: LocalDate| format!("{} {}", date.weekday(), date.0.format("%m-%d"));
    if chapter.from == chapter.to { short(chapter.from) } else { format!("{} – {}", short(chapter.from), short(chapter.to)) }
}

fn turn(day: &ToldDay) -> Option<Turn> {
    match &day.said {
        // A day on which nothing was to be sent is told where the guard is the reason for it.
        Some((verdict, _)) if *verdict != Verdict::Advance && (day.quota > 0 || verdict.harshness() >= Verdict::StepBack.harshness()) => {
            Some(Turn::Said(*verdict))
        }
        Some((Verdict::Hold, _)) => None,
        _ if day.after < day.before => Some(Turn::Lost),
        _ if day.quota == 0 => None,
        _ if day.after > day.before || day.why.starts_with("the ramp is done") => Some(Turn::Earned),
        _ => Some(Turn::NotEarned),
    }
}

/// Whether a day continues a chapter: each step back is one of its own, and so is what comes after a long silence.
fn goes_on(turn: Turn, told: &[&ToldDay], day: &ToldDay) -> bool {
    let is_near = told.last().is_some_and(|last| day.date.days_since(last.date) <= LONGEST_GAP);
    is_near && turn != Turn::Said(Verdict::StepBack) && turn != Turn::Lost
}

fn told_as(turn: Turn, told: &[&ToldDay], was_troubled: bool) -> Option<String> {
    let (first, last) = (told.first()?, told.last()?);
    let sentence = |day: &ToldDay| day.said.as_ref().map(|(verdict, sentence)| evidence(*verdict, sentence)).unwrap_or_default();
    let ways = match turn {
        Turn::Earned => {
            let earned = earned(told);
            return Some(if was_troubled { format!("It goes on. {} {earned}", seen(first)).replace("  ", " ") } else { earned });
        }
        Turn::NotEarned => {
            let why = first.why.strip_prefix("not earned: ").unwrap_or(&first.why);
            let more = match told.len() {
                1 => "",
                2 => " The same on the send-day after it.",
                n => &format!(" The same on the {} send-days after it.", n - 1),
            };
            return Some(format!("Ramp day {} was not earned: {why}{}.{more}", first.before, reasons(&first.unsent)));
        }
        Turn::Lost => return Some(format!("From ramp day {} to {}: {}.", first.before, first.after, first.why)),
        Turn::Said(Verdict::Hold | Verdict::Advance) => format!("Held at ramp day {}", last.after),
        Turn::Said(Verdict::StepBack) if first.before == first.after => {
            format!("Stepped back, but stood at ramp day {} already", first.after)
        }
        Turn::Said(Verdict::StepBack) => format!("Stepped back from ramp day {} to {}", first.before, first.after),
        Turn::Said(Verdict::Floor) if first.before == first.after => "Kept on the floor".to_owned(),
        Turn::Said(Verdict::Floor) => format!("To the floor, from ramp day {}", first.before),
        Turn::Said(Verdict::Pause) if first.before == last.after => format!("Paused at ramp day {}", last.after),
        Turn::Said(Verdict::Pause) => format!("Paused; from ramp day {}, it will be in again at {}", first.before, last.after),
        Turn::Said(Verdict::Rest) => format!("Rested at ramp day {}", last.after),
    };
    let first_said = sentence(first);
    let last_said = sentence(last);
    let changed = told.len() > 1 && turn == Turn::Said(Verdict::Hold) && last_said != first_said;
    let more = if changed { format!(" In the end: {}", lower_first(&last_said)) } else { String::new() };
    Some(format!("{ways}. {first_said}{more}"))
}

/// The sentence without what its chapter's first words say already.
fn evidence(verdict: Verdict, sentence: &str) -> String {
    let said_already = match verdict {
        Verdict::Hold => sentence.strip_suffix(", so the position stays."),
        Verdict::StepBack => sentence.split_once(", so ").map(|(seen, _)| seen),
        Verdict::Advance | Verdict::Floor | Verdict::Pause | Verdict::Rest => None,
    };
    said_already.map_or_else(|| sentence.to_owned(), |seen| format!("{seen}."))
}

/// What let it go on, without what follows from it.
fn seen(day: &ToldDay) -> String {
    let sentence = day.said.as_ref().map(|(_, sentence)| sentence.as_str()).unwrap_or_default();
    sentence.strip_suffix(": nothing speaks against going on.").map(|seen| format!("{seen}.")).unwrap_or_default()
}

fn earned(told: &[&ToldDay]) -> String {
    let (first, last) = (told[0], told[told.len() - 1]);
    let volumes =
        if first.quota == last.quota { format!("{} a day", first.quota) } else { format!("{} to {} a day", first.quota, last.quota) };
    if last.why.starts_with("the ramp is done") && last.before == last.after {
        return format!("The ramp is done: {volumes}.");
    }
    match told.len() {
        1 => format!("Ramp day {} was earned, with {volumes}.", first.before),
        n => format!("{n} ramp days were earned, {} to {}, with {volumes}.", first.before, last.before),
    }
}

/// `; 4 were refused, and 2 not sent because the recipient is suspended`, the most frequent reason first. Empty where every letter went out.
fn reasons(unsent: &BTreeMap<Unsent, u32>) -> String {
    let mut by_number: Vec<(&Unsent, &u32)> = unsent.iter().collect();
    by_number.sort_by_key(|(_, n)| Reverse(**n));
    let clauses: Vec<String> = by_number
        .into_iter()
        .map(|(why, n)| {
            let were = if *n == 1 { "was" } else { "were" };
            match why {
                Unsent::Refused => format!("{n} {were} refused"),
                Unsent::Skipped(reason) => format!("{n} {were} not sent because {}", reason.in_words()),
            }
        })
        .collect();
    if clauses.is_empty() { String::new() } else { format!("; {}", clauses.join(", and ")) }
}

fn lower_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ramp::fixtures::date;

    fn day(date_text: &str, quota: u32, (before, after): (u32, u32), said: Option<(Verdict, &str)>) -> ToldDay {
        let why = if after > before { format!("earned: {quota} of {quota} accepted") } else { "the position stays".to_owned() };
        let said = said.map(|(verdict, sentence)| (verdict, sentence.to_owned()));
        ToldDay { date: date(date_text), quota, before: RampDay(before), after: RampDay(after), why, said, unsent: BTreeMap::new() }
    }

    const CLEAR: &str = "1 of 24 letters of the last 7 days was in spam or missing: nothing speaks against going on.";
    const HELD: &str = "3 of 22 letters of the last 7 days were in spam or missing: 13.64 %, more than 10 %, so the position stays.";
    const LATER: &str = "5 of 26 letters of the last 7 days were in spam or missing: 19.23 %, more than 10 %, so the position stays.";
    const BACK: &str = "9 of 27 letters of the last 7 days were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.";
    const FEW: &str = "Only 4 letters have been seen since the step back of 2026-12-10, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.";

    #[test]
    fn a_ramp_that_was_held_stepped_back_and_went_on_reads_as_a_story() {
        use Verdict::{Advance, Hold, StepBack};
        let days = [
            day("2026-12-01", 4, (1, 2), Some((Advance, CLEAR))),
            day("2026-12-02", 5, (2, 3), Some((Advance, CLEAR))),
            day("2026-12-07", 7, (6, 7), Some((Advance, CLEAR))),
            day("2026-12-08", 7, (7, 7), Some((Hold, HELD))),
            day("2026-12-09", 7, (7, 7), Some((Hold, LATER))),
            day("2026-12-10", 7, (7, 2), Some((StepBack, BACK))),
            day("2026-12-11", 5, (2, 2), Some((Hold, FEW))),
            day("2026-12-12", 0, (2, 2), Some((Hold, FEW))),
            day("2026-12-14", 5, (2, 3), Some((Advance, CLEAR))),
            day("2026-12-15", 5, (3, 4), Some((Advance, CLEAR))),
        ];
        insta::assert_snapshot!(to_text(&story(&days), 100), @"
        Tue 12-01 – Mon 12-07  3 ramp days were earned, 1 to 6, with 4 to 7 a day.
        Tue 12-08 – Wed 12-09  Held at ramp day 7. 3 of 22 letters of the last 7 days were in spam or
                               missing: 13.64 %, more than 10 %. In the end: 5 of 26 letters of the last 7
                               days were in spam or missing: 19.23 %, more than 10 %.
        Thu 12-10              Stepped back from ramp day 7 to 2. 9 of 27 letters of the last 7 days were
                               in spam or missing; with 90 % confidence that is more than 20 %.
        Fri 12-11              Held at ramp day 2. Only 4 letters have been seen since the step back of
                               2026-12-10, and 10 are needed to judge by (3 send-days are waited at most).
        Mon 12-14 – Tue 12-15  It goes on. 1 of 24 letters of the last 7 days was in spam or missing. 2
                               ramp days were earned, 2 to 3, with 5 a day.
        ");
    }

    #[test]
    fn days_without_sending_tell_nothing_and_a_pause_is_one_chapter() {
        let pause = "4 complaints about 300 letters, so nothing is sent for 7 days, until 2026-12-11.";
        let on = "The pause of 2026-12-03 goes on, so nothing is sent before 2026-12-11.";
        let mut days = vec![day("2026-12-03", 9, (8, 4), Some((Verdict::Pause, pause)))];
        days.extend((4..=10).map(|d| day(&format!("2026-12-{d:02}"), 0, (4, 4), Some((Verdict::Pause, on)))));
        days.push(day("2026-12-12", 0, (4, 4), None));
        let chapters = story(&days);
        assert_eq!(chapters.len(), 1);
        assert_eq!((chapters[0].from, chapters[0].to), (date("2026-12-03"), date("2026-12-10")));
        assert_eq!(chapters[0].text, format!("Paused; from ramp day 8, it will be in again at 4. {pause}"));
        assert_eq!(story(&[]), []);
    }

    #[test]
    fn a_day_that_was_not_earned_says_what_became_of_its_letters() {
        let short = |date: &str, accepted: u32| {
            let why = format!("not earned: {accepted} of 22 accepted");
            ToldDay { why, ..day(date, 22, (6, 6), None) }
        };
        let mut days = vec![short("2026-12-07", 13), short("2026-12-08", 14), short("2026-12-09", 9)];
        let rests = Unsent::Skipped(crate::words::SkipReason::Rests);
        days[0].unsent = BTreeMap::from([(rests, 8), (Unsent::Refused, 1)]);
        assert_eq!(
            story(&days)[0].text,
            "Ramp day 6 was not earned: 13 of 22 accepted; 8 were not sent because the recipient's provider had said \"too fast\", and 1 was refused. \
             The same on the 2 send-days after it."
        );
        assert_eq!(story(&days[1..])[0].text, "Ramp day 6 was not earned: 14 of 22 accepted. The same on the send-day after it.");
    }
}
