//! Before a day is run: who owns what, what the last run left behind, today's quotas, the agenda, and a late start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::RunError;
use super::context::{Context, Desk};
use super::guarding::Guarded;
use super::participants::{calendar_of, engagement_of, participant, window_of};
use super::progress::News;
use super::quotas::{NoQuotas, Standings, day_plan, standings};
use super::readiness::note_readiness;
use super::sending::Pace;
use super::suspending::{stop_letters_to, suspended_in_words, suspended_on};
use crate::agenda::{History, LateLetter, Participant, Shortfall, make, respread};
use crate::config::{Config, Mailbox};
use crate::engage::{answer_slots, window_on};
use crate::ledger::{DayPlan, Fence, Ledger, LedgerError, PastOf, PauseScope, Taken, VerdictRow};
use crate::words::{Address, LetterId, LetterState, LocalDate, Moment, Role, SkipReason};

/// A letter that is overdue by less than this is simply due: a cron job comes every few minutes.
const LATE_FROM: Duration = Duration::from_mins(15);

/// Whether a letter that is due at `due` is late, rather than just due. Under a scaled clock, a second of the real servers' is no lateness.
pub(super) fn is_late(cx: &Context, due: Moment) -> bool {
    due + LATE_FROM.max(cx.clock.plan_span(Duration::from_secs(1))) < cx.clock.now()
}

/// The local date that a run carries a mailbox through: today, or for a day's run the next date if today's window has ended.
pub fn date_of(config: &Config, mailbox: &Mailbox, now: Moment, pace: Pace) -> LocalDate {
    let today = now.local_date(mailbox.zone);
    let window = window_of(config, mailbox);
    let (_, end) = window_on(today, window.from, window.to, mailbox.zone);
    if pace == Pace::Day && now >= end { today.plus(1) } else { today }
}

/// The mailboxes whose work is ours, ready to be worked.
pub(super) fn desks(cx: &Context, taken: &Taken, pace: Pace) -> Vec<Desk> {
    let now = cx.clock.now();
    let owned = cx.config.mailboxes.values().filter_map(|m| taken.ours.get(&Fence::resource_of(&m.address)).map(|f| (m, f)));
    let mut desks = Vec::with_capacity(taken.ours.len());
    desks.extend(owned.map(|(mailbox, fence)| {
        let date = date_of(&cx.config, mailbox, now, pace);
        let pacing = window_of(&cx.config, mailbox);
        Desk {
            mailbox: mailbox.clone(),
            fence: fence.clone(),
            date,
            window: window_on(date, pacing.from, pacing.to, mailbox.zone),
            pacing,
            calendar: calendar_of(&cx.config, mailbox),
            engagement: engagement_of(&cx.config, mailbox),
            new_letters: Notify::new(),
            out: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            uncertain: AtomicBool::new(false),
            refused: Mutex::default(),
        }
    }));
    desks
}

/// Ends what came before: letters that a crash left handed over become uncertain, dates that are over are closed.
pub(super) async fn end_the_past(cx: &Context, desks: &[Desk]) -> Result<(), LedgerError> {
    let now = cx.clock.now();
    let reasons = Reasons::read(&cx.ledger).await?;
    let past_of = |desk: &Desk| {
        let through = desk.date.minus(1);
        let (mailbox, fence) = (desk.mailbox.address.clone(), desk.fence.clone());
        PastOf { reason: reasons.of(&mailbox), mailbox, fence, through, next: next_send_day(desk, through) }
    };
    let ended = cx.ledger.end_the_past(desks.iter().map(past_of).collect(), now).await?;
    for (desk, ended) in desks.iter().zip(ended) {
        let address = &desk.mailbox.address;
        if ended.lost > 0 {
            cx.tell(&News::Note(format!(
                "{address}: {} letter(s) may have been taken by the server when the last run broke off: looked for, not sent again",
                ended.lost
            )));
        }
        if ended.skipped > 0 {
            cx.tell(&News::Skipped(address.clone(), ended.skipped, reasons.of(address)));
        }
        desk.uncertain.store(ended.is_uncertain, Ordering::Relaxed);
        desk.out.store(reasons.out_until(address) > Some(now), Ordering::Relaxed);
    }
    Ok(())
}

/// Ends a mailbox's date, if its window is over.
pub(super) async fn end_the_day(cx: &Context, desk: &Desk) -> Result<(), LedgerError> {
    if cx.clock.now() < desk.window.1 {
        return Ok(());
    }
    close(cx, desk, desk.date, &Reasons::read(&cx.ledger).await?).await
}

async fn close(cx: &Context, desk: &Desk, through: LocalDate, reasons: &Reasons) -> Result<(), LedgerError> {
    let address = &desk.mailbox.address;
    let (next, reason) = (next_send_day(desk, through), reasons.of(address));
    let n = cx.ledger.close_days(desk.fence.clone(), address.clone(), through, next, reason, cx.clock.now()).await?;
    if n > 0 {
        cx.tell(&News::Skipped(address.clone(), n, reason));
    }
    Ok(())
}

fn next_send_day(desk: &Desk, through: LocalDate) -> Option<LocalDate> {
    (1..=60).map(|n| through.plus(n)).find(|d| desk.calendar.is_send_day(*d))
}

/// Each desk's mailbox with its date.
pub(super) fn dates_of<'a>(desks: impl IntoIterator<Item = &'a Desk>) -> Vec<(Address, LocalDate)> {
    desks.into_iter().map(|desk| (desk.mailbox.address.clone(), desk.date)).collect()
}

/// Why letters of a mailbox were not sent.
struct Reasons {
    paused: BTreeSet<PauseScope>,
    signed_out: BTreeMap<Address, Moment>,
}

impl Reasons {
    async fn read(ledger: &Ledger) -> Result<Self, LedgerError> {
        let paused = ledger.pauses().await?.into_iter().map(|p| p.scope).collect();
        let troubles = ledger.troubles().await?.into_iter().filter(|t| t.sign_in);
        let mut signed_out: BTreeMap<Address, Moment> = BTreeMap::new();
        for t in troubles {
            let until = signed_out.entry(t.mailbox).or_insert(t.retry_at);
            *until = t.retry_at.max(*until);
        }
        Ok(Self { paused, signed_out })
    }

    /// Until when a mailbox is out because its sign-in was refused.
    fn out_until(&self, address: &Address) -> Option<Moment> {
        self.signed_out.get(address).copied()
    }

    fn of(&self, address: &Address) -> SkipReason {
        let scopes = [PauseScope::All, PauseScope::Domain(address.domain()), PauseScope::Mailbox(address.clone())];
        if scopes.iter().any(|s| self.paused.contains(s)) {
            SkipReason::Paused
        } else if self.signed_out.contains_key(address) {
            SkipReason::SignIn
        } else {
            SkipReason::Late
        }
    }
}

/// Makes the agendas of the desks' dates, for those mailboxes that have none yet. Needs the planner's lease.
pub(super) async fn make_agendas(cx: &Context, planner: &Fence, desks: &[Desk]) -> Result<(), RunError> {
    let mut by_date: BTreeMap<LocalDate, Vec<&Mailbox>> = BTreeMap::new();
    // A window that is over (`--once` in the evening) gets none: nothing of it could be sent.
    let now = cx.clock.now();
    let open: Vec<&Desk> = desks.iter().filter(|d| now < d.window.1).collect();
    let days = cx.ledger.days_of(dates_of(open.iter().copied())).await?;
    for (desk, _) in open.into_iter().zip(days).filter(|(_, day)| day.is_none()) {
        by_date.entry(desk.date).or_default().push(&desk.mailbox);
    }
    let (mut these, mut climbing) = (BTreeSet::new(), BTreeSet::new());
    for (date, mailboxes) in by_date {
        let plan = plan_date(cx, date, &mailboxes).await?;
        these.extend(mailboxes.iter().map(|m| m.address.clone()));
        climbing.extend(plan.climbing);
        for sentence in suspended_in_words(&plan.suspended, date).into_iter().chain(shortfalls_in_words(&plan.agenda.shortfalls, date)) {
            cx.tell(&News::Note(sentence));
        }
        cx.ledger.store_agenda(planner.clone(), plan.verdicts, plan.days, plan.agenda, cx.clock.now()).await?;
    }
    if these.is_empty() { Ok(()) } else { note_readiness(cx, planner, &these, &climbing).await }
}

/// Where the pool could not fill quotas: a sentence for each reason, however many mailboxes share it.
pub fn shortfalls_in_words(shortfalls: &[Shortfall], date: LocalDate) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<&Shortfall>> = BTreeMap::new();
    for s in shortfalls {
        by_reason.entry(&s.why).or_default().push(s);
    }
    let sum = |all: &[&Shortfall], of: fn(&Shortfall) -> u32| all.iter().map(|s| of(s)).sum::<u32>();
    by_reason
        .into_iter()
        .map(|(why, all)| {
            let who = match all.as_slice() {
                [one] => one.mailbox.to_string(),
                [first, ..] => format!("{} and {} more", first.mailbox, all.len() - 1),
                [] => String::new(),
            };
            format!("{who}: {} of {} letters on {date}: {why}", sum(&all, |s| s.planned), sum(&all, |s| s.wanted))
        })
        .collect()
}

/// A date's quotas and letters, not written down yet.
pub struct DatePlan {
    /// What the guard says of the days before, to be written down with it.
    pub verdicts: Vec<VerdictRow>,
    /// The same by mailbox and route.
    pub guarded: Guarded,
    /// Warming mailboxes that have ramp days to earn yet.
    pub climbing: BTreeSet<Address>,
    /// The quotas.
    pub days: Vec<DayPlan>,
    /// The letters.
    pub agenda: crate::agenda::Agenda,
    /// Who is suspended and gets none of them, and until when.
    pub suspended: BTreeMap<Address, Moment>,
}

/// Plans a date for `mailboxes`; the others of the pool only receive.
///
/// # Errors
/// [`RunError::Infeasible`] where the pool cannot work at all, or the ledger's.
pub async fn plan_date(cx: &Context, date: LocalDate, mailboxes: &[&Mailbox]) -> Result<DatePlan, RunError> {
    let warming: Vec<&Mailbox> = mailboxes.iter().copied().filter(|m| m.role == Role::Warming).collect();
    let standings = standings(&cx.config, Some(&cx.ledger), cx.seed, date, &warming, cx.clock.now()).await.map_err(|e| match e {
        NoQuotas::Infeasible(findings) => RunError::Infeasible(findings),
        NoQuotas::Ledger(e) => RunError::Ledger(e),
    })?;
    let Standings { of: standings, guarded } = standings;
    let climbing = standings.iter().filter(|(_, s)| !s.position.done).map(|(address, _)| address.clone()).collect();
    let days: Vec<DayPlan> = mailboxes.iter().map(|m| day_plan(&cx.config, m, date, standings.get(&m.address))).collect();
    let quotas: BTreeMap<&Address, u32> = days.iter().map(|d| (&d.mailbox, d.quota)).collect();
    let mut participants: Vec<Participant> =
        cx.config.mailboxes.values().map(|m| participant(&cx.config, m, quotas.get(&m.address).copied().unwrap_or(0))).collect();
    let suspended = suspended_on(&cx.config, &cx.ledger, date, cx.clock.now()).await?;
    stop_letters_to(&suspended, &mut participants);
    let senders: Vec<Address> = mailboxes.iter().map(|m| m.address.clone()).collect();
    // Only where some agendas of the date are made already: a mailbox was added since, or it is the date elsewhere.
    let partly = mailboxes.len() < cx.config.mailboxes.len();
    let recipients = if partly { cx.config.mailboxes.keys().cloned().collect() } else { Vec::new() };
    let history = History {
        received: cx.ledger.received_from_others(recipients, senders.clone(), date).await?,
        starts: cx.ledger.starts_between(senders.clone(), date.minus(6), date).await?,
        carried: cx.ledger.carried_on(senders, date).await?,
        quarters: guarded.quarters.iter().map(|(domain, routes)| (domain.clone(), routes.keys().copied().collect())).collect(),
    };
    let agenda = make(cx.seed, date, &participants, &cx.config.pairs, &history);
    Ok(DatePlan { verdicts: guarded.new.clone(), guarded, climbing, days, agenda, suspended })
}

/// A day begun late is spread over what is left of the window; what does not fit is skipped, and says so.
pub(super) async fn respread_late(cx: &Context, desks: &[Desk]) -> Result<(), LedgerError> {
    let mut domains: BTreeMap<_, Vec<&Desk>> = BTreeMap::new();
    let mut late = BTreeSet::new();
    let due = cx.ledger.next_due_of(dates_of(desks)).await?;
    for (desk, due) in desks.iter().zip(due) {
        let place = (desk.mailbox.address.domain(), desk.date);
        if due.is_some_and(|due| is_late(cx, due)) {
            late.insert(place.clone());
        }
        domains.entry(place).or_default().push(desk);
    }
    // Mostly none is: then no domain need be asked about again.
    for ((_, date), desks) in domains.into_iter().filter(|(place, _)| late.contains(place)) {
        respread_domain(cx, date, &desks).await?;
    }
    Ok(())
}

pub(super) async fn respread_domain(cx: &Context, date: LocalDate, desks: &[&Desk]) -> Result<(), LedgerError> {
    let now = cx.clock.now();
    let due = cx.ledger.next_due_of(desks.iter().map(|desk| (desk.mailbox.address.clone(), date)).collect()).await?;
    let first_due = due.into_iter().flatten().min();
    if !first_due.is_some_and(|due| is_late(cx, due)) {
        return Ok(());
    }
    let (mut letters, mut taken, mut answers) = (Vec::new(), Vec::new(), BTreeSet::new());
    for desk in desks {
        for l in cx.ledger.letters_on(desk.mailbox.address.clone(), date).await? {
            if let Some(at) = l.handed_at {
                taken.push((l.plan.sender.clone(), at));
            }
            let waits = matches!(l.state, LetterState::Planned | LetterState::Deferred);
            if let Some(due) = l.plan.due.filter(|_| waits) {
                if l.plan.parent.is_some() {
                    answers.insert(l.plan.id);
                }
                letters.push(LateLetter {
                    id: l.plan.id,
                    sender: l.plan.sender,
                    due,
                    window_start: desk.window.0,
                    window_end: desk.window.1,
                    mailbox_gap: desk.pacing.mailbox_gap,
                });
            }
        }
    }
    let gap = desks.iter().map(|d| d.pacing.domain_gap).max().unwrap_or_default();
    let owner: BTreeMap<_, _> = letters.iter().map(|l| (l.id, l.sender.clone())).collect();
    // The first that is overdue of each mailbox goes now: whoever comes by only once an hour gets on, too.
    for desk in desks.iter().filter(|d| (d.window.0..d.window.1).contains(&now)) {
        let overdue = letters.iter().filter(|l| l.sender == desk.mailbox.address && l.due < now);
        if let Some(first) = overdue.min_by_key(|l| (l.due, l.id)).map(|l| l.id) {
            letters.retain(|l| l.id != first);
            taken.push((desk.mailbox.address.clone(), now));
            cx.ledger.retime(desk.fence.clone(), vec![(first, now)], Vec::new(), now).await?;
        }
    }
    let spread = respread(cx.seed, date, now, gap, &taken, &letters);
    for desk in desks {
        let ours = |id: &LetterId| owner.get(id).is_some_and(|s| *s == desk.mailbox.address);
        let retimed: Vec<_> = spread.retimed.iter().filter(|(id, _)| ours(id)).copied().collect();
        let (late_answers, late): (Vec<_>, Vec<_>) = spread.late.iter().copied().filter(|id| ours(id)).partition(|id| answers.contains(id));
        let n = late.len() as u32;
        cx.ledger.retime(desk.fence.clone(), retimed, late, now).await?;
        if n > 0 {
            cx.tell(&News::Skipped(desk.mailbox.address.clone(), n, SkipReason::Late));
        }
        let next = answer_slots(desk.window.1 + Duration::from_millis(1), &desk.pacing, &desk.calendar, desk.mailbox.zone, 1);
        for id in late_answers {
            match next.first() {
                Some((date, due)) => cx.ledger.put_off_answer(desk.fence.clone(), id, *date, *due, now).await?,
                None => cx.ledger.skip_letter(desk.fence.clone(), id, SkipReason::Late, now).await?,
            }
        }
    }
    Ok(())
}
