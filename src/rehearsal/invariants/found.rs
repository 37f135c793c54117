//! What was found: all of it counted, some of it kept, and the stories of the letters concerned.

use std::collections::BTreeMap;
use std::panic::Location;

use super::super::Breach;
use super::case::Case;
use crate::ledger::{LetterFacts, LetterStep};
use crate::words::LetterId;

/// Breaches that are reported with their stories.
const REPORTED: usize = 20;

/// A breach without its story.
type Short = (Option<LetterId>, String);

/// Breaches so far: by invariant and by the place in the code that found them, so that a flood of one kind hides no other.
#[derive(Debug, Default)]
pub(super) struct Found {
    kept: BTreeMap<(u8, &'static str, u32), Vec<Short>>,
    counts: BTreeMap<u8, usize>,
}

impl Found {
    /// Invariant `invariant` (1 to 6) does not hold: `what` says how.
    #[track_caller]
    pub fn add(&mut self, invariant: u8, letter: Option<LetterId>, what: impl FnOnce() -> String) {
        let place = Location::caller();
        *self.counts.entry(invariant).or_default() += 1;
        let kept = self.kept.entry((invariant, place.file(), place.line())).or_default();
        if kept.len() < REPORTED {
            kept.push((letter, what()));
        }
    }

    /// What is told of it: one of each kind, then a second of each, as far as there is room; in the order of the invariants.
    pub fn into_breaches(self, case: &Case<'_>) -> Vec<Breach> {
        let in_turn = |((invariant, file, line), kept): (_, Vec<Short>)| {
            (0_usize..).zip(kept).map(move |(turn, short)| (turn, (invariant, file, line), short))
        };
        let mut told: Vec<(usize, (u8, &str, u32), Short)> = self.kept.into_iter().flat_map(in_turn).collect();
        told.sort_by_key(|(turn, kind, _)| (*turn, *kind));
        told.truncate(REPORTED);
        told.sort_by_key(|(turn, kind, _)| (*kind, *turn));
        let breach = |(_, (invariant, ..), (letter, what)): (_, (u8, _, _), Short)| {
            let story = letter.map(|id: LetterId| story(case, id)).unwrap_or_default();
            Breach { invariant, what, letter, story }
        };
        let mut breaches: Vec<Breach> = told.into_iter().map(breach).collect();
        let more = self.counts.values().sum::<usize>() - breaches.len();
        if let Some(invariant) = breaches.last().map(|b| b.invariant).filter(|_| more > 0) {
            let by_number: Vec<String> = self.counts.iter().map(|(i, n)| format!("{n} of invariant {i}")).collect();
            let what = format!("{more} more were found: in all {}", by_number.join(", "));
            breaches.push(Breach { invariant, what, letter: None, story: Vec::new() });
        }
        breaches
    }
}

/// A letter's plan, its steps in the ledger, and what the world knows of it; a line each.
fn story(case: &Case<'_>, id: LetterId) -> Vec<String> {
    let mut lines = match case.letter(id) {
        Some(letter) => vec![plan_in_words(letter), draws_in_words(letter)],
        None => vec![format!("the ledger knows no letter {id}")],
    };
    lines.extend(case.steps(id).iter().map(step_in_words));
    lines.extend(case.actions(id).iter().map(|a| {
        let result = a.result.as_deref().unwrap_or("open");
        let done = a.done_at.map(|at| format!(" at {at}")).unwrap_or_default();
        format!("ledger: {} by {}, due {}: {result}{done}", a.kind, a.mailbox, a.due)
    }));
    lines.extend(
        case.submissions_of(id)
            .map(|s| format!("world: taken over at {} from {} to {} (signed in as {}), code {}", s.at, s.from, s.to, s.account, s.code)),
    );
    let copies = case.copies(id);
    lines.extend(copies.iter().map(|(_, c)| format!("world: lies in {} of {} since {}", c.folder, c.account, c.received)));
    if copies.is_empty() {
        lines.push("world: no copy lies at anybody's".into());
    }
    lines
}

fn plan_in_words(l: &LetterFacts) -> String {
    let p = &l.plan;
    let kind = p.parent.map_or_else(|| "start".to_owned(), |parent| format!("answer to {parent}, letter {} of its thread", p.in_thread));
    let due = p.due.map_or_else(|| "waits for its parent".to_owned(), |due| format!("due {due}"));
    let put_off = if l.put_off > 0 { format!(", put off {} time(s)", l.put_off) } else { String::new() };
    format!("plan: {} → {}, {kind}, on {}, expected {}, {due}{put_off}; it is {}", p.sender, p.recipient, p.date, p.expected, l.state)
}

fn draws_in_words(l: &LetterFacts) -> String {
    let d = &l.plan.draws;
    let yes = |b: bool| if b { "yes" } else { "no" };
    format!(
        "draws: open {}, answer {}, important {}, flag {}; rescue after {:?}, open after {:?}, answer after {:?}; seen {}",
        yes(d.open),
        yes(d.answer),
        yes(d.important),
        yes(d.flag),
        d.rescue_after,
        d.open_after,
        d.answer_after,
        l.placement.map_or("nowhere", |p| p.as_str()),
    )
}

fn step_in_words(s: &LetterStep) -> String {
    let code = s.code.filter(|c| *c >= 200).map(|c| format!(" {c}")).unwrap_or_default();
    let text = s.text.as_ref().map(|t| format!(" {t}")).unwrap_or_default();
    format!("ledger: {} {}{code}{text}", s.at, s.event)
}
