//! What was found: all of it counted, some of it kept, and the stories of the letters concerned.

use super::super::Breach;
use super::case::Case;
use crate::ledger::{LetterFacts, LetterStep};
use crate::words::LetterId;

/// Breaches that are reported with their stories.
const REPORTED: usize = 20;
/// Of each invariant first, so that a flood of one does not hide another.
const OF_EACH: usize = 3;

/// Breaches so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first of each invariant, in the order in which they were found.
    kept: [Vec<(Option<LetterId>, String)>; 6],
    counts: [usize; 6],
}

impl Found {
    /// Invariant `invariant` (1 to 6) does not hold: `what` says how.
    pub fn add(&mut self, invariant: u8, letter: Option<LetterId>, what: impl FnOnce() -> String) {
        let Some(i) = usize::from(invariant).checked_sub(1).filter(|i| *i < 6) else { return };
        self.counts[i] += 1;
        if self.kept[i].len() < REPORTED {
            self.kept[i].push((letter, what()));
        }
    }

    /// What is told of it.
    pub fn into_breaches(self, case: &Case<'_>) -> Vec<Breach> {
        let all: usize = self.counts.iter().sum();
        // A few of each first; what room they leave is filled in order.
        let mut take = self.kept.each_ref().map(|kept| kept.len().min(OF_EACH));
        let mut room = REPORTED - take.iter().sum::<usize>();
        for (taken, kept) in take.iter_mut().zip(&self.kept) {
            let more = room.min(kept.len() - *taken);
            (*taken, room) = (*taken + more, room - more);
        }
        let numbered = (1_u8..).zip(self.kept).zip(take);
        let mut breaches: Vec<Breach> = numbered
            .flat_map(|((invariant, kept), take)| {
                kept.into_iter().take(take).map(move |(letter, what)| Breach {
                    invariant,
                    what,
                    letter,
                    story: letter.map(|id| story(case, id)).unwrap_or_default(),
                })
            })
            .collect();
        let told = breaches.len();
        if all > told {
            let by_number = (1..).zip(self.counts).filter(|(_, n)| *n > 0).map(|(i, n)| format!("{n} of invariant {i}"));
            let what = format!("{} more were found: in all {}", all - told, by_number.collect::<Vec<_>>().join(", "));
            let invariant = breaches.last().map_or(1, |b| b.invariant);
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
        case.submissions_of(id).map(|s| format!("world: taken over at {} from {} to {} (signed in as {}), code {}", s.at, s.from, s.to, s.account, s.code)),
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
