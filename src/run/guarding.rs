//! The guard at work: gathers what it judges by, asks it, and says what is to be written down.
//!
//! A date is judged when the next one is planned: the last day that a warming mailbox has behind it, with all that is known by then. What was said
//! of a date stays; what is seen of its letters later counts in the window of the dates after it.

mod describe;
mod facts;
mod in_force;
mod midday;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use super::room::RealMail;
use crate::config::{Config, Mailbox};
use crate::guard::{
    CheckFacts, DayFacts, Facts, PastRoute, PastVerdict, Quarter, Subject, judge, judge_routes, pause_on, pool_to_judge, with_routes,
};
use crate::ledger::{CheckedRow, DayRow, Ledger, LedgerError, TroubleRow, VerdictRow};
use crate::words::{Address, Domain, LocalDate, Moment, OutsideMail, Provider, Role};

pub use describe::{Described, describe, recipients_of};
pub use in_force::{WordInForce, words_in_force};
pub(super) use midday::{heed_rate, judge_now};
pub use said::{Paused, Said};

/// Dates of mail that a window may look at.
const WINDOW: u32 = 7;
/// The same where a week holds few letters.
const STRETCHED: u32 = 14;
/// Letters from which on a week is enough.
const ENOUGH: usize = 30;
/// Dates of verdicts that matter for the next: longer than any pause with what it rests on.
const REMEMBERED: u32 = 60;

/// What the guard says before a date is planned.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// What was said of each mailbox's last day.
    pub last: BTreeMap<Address, (LocalDate, Said)>,
    /// Mailboxes that are paused on the date.
    pub paused: BTreeMap<Address, Paused>,
    /// Receiving providers that get a quarter of their share from a domain on the date.
    pub quarters: BTreeMap<Domain, BTreeMap<Provider, Quarter>>,
    /// What is new, to be written down.
    pub new: Vec<VerdictRow>,
}

/// A warming mailbox with what is known of it.
struct Member<'a> {
    mailbox: &'a Mailbox,
    days: &'a [DayRow],
    facts: Facts,
    /// What was said of its days.
    past: Vec<VerdictRow>,
}

/// Judges what lies before `date`, for the domains of these mailboxes. `days`: every warming mailbox of those domains, with its days before `date`.
///
/// Reads only: what is new is given back, to be stored with what is planned on it.
///
/// # Errors
/// The ledger's.
pub async fn judge_before(
    config: &Config,
    ledger: &Ledger,
    date: LocalDate,
    days: &BTreeMap<Address, Vec<DayRow>>,
    now: Moment,
) -> Result<Guarded, LedgerError> {
    let mut guarded = Guarded::default();
    let troubles = ledger.troubles().await?;
    let domains: BTreeSet<Domain> = days.keys().map(Address::domain).collect();
    for domain in domains {
        let of_domain = days.iter().filter(|(address, _)| address.domain() == domain);
        let mut members = Vec::new();
        for (address, days) in of_domain {
            let Some(mailbox) = config.mailboxes.get(address).filter(|m| m.role == Role::Warming) else { continue };
            // Nothing is behind it yet.
            let Some(last) = days.last() else { continue };
            members.push(member(config, ledger, mailbox, days, last.plan.date, &troubles, now).await?);
        }
        let Some(judged) = members.iter().map(|m| m.facts.date).max() else { continue };
        judge_domain(ledger, &domain, judged, members, date, now, &mut guarded).await?;
    }
    Ok(guarded)
}

/// What is known of a mailbox on the date that is judged.
async fn member<'a>(
    config: &Config,
    ledger: &Ledger,
    mailbox: &'a Mailbox,
    days: &'a [DayRow],
    date: LocalDate,
    troubles: &[TroubleRow],
    now: Moment,
) -> Result<Member<'a>, LedgerError> {
    let address = &mailbox.address;
    let mut mail = ledger.judged_mail(address.clone(), date.minus(WINDOW - 1), date).await?;
    if mail.letters.len() < ENOUGH {
        mail = ledger.judged_mail(address.clone(), date.minus(STRETCHED - 1), date).await?;
    }
    let past = ledger.verdicts_of(Subject::Mailbox(address.clone()), date.minus(REMEMBERED)).await?;
    let lifted = ledger.lifted(address.clone()).await?;
    let checked = ledger.checked(address.domain()).await?;
    let sent = |d: &&DayRow| d.accepted > 0;
    let facts = Facts {
        days: with_campaign(facts::days_of(config, mailbox, &mail), mailbox.outside_mail, &RealMail::of(Some(ledger), mailbox).await?),
        send_days: days.iter().filter(|d| d.spent > 0 && d.plan.date > date.minus(REMEMBERED)).map(|d| d.plan.date).collect(),
        aged: facts::aged(&mail, now),
        troubles: facts::troubles(mailbox, &mail, troubles),
        history: history_of(&past, date),
        check: checked.map(|row| check_facts(row, mailbox)),
        lifted_on: lifted.map(|at| lifted_on(at, &past, mailbox)),
        last_sent_quota: days.iter().rev().find(sent).map(|d| d.plan.quota),
        ..Facts::new(Subject::Mailbox(address.clone()), date, now)
    };
    Ok(Member { mailbox, days, facts, past })
}

/// Puts the real mail of each date beside its letters, where it is known: as nobody's guess, 0 is said only where somebody says so.
fn with_campaign(
    mut days: BTreeMap<LocalDate, DayFacts>,
    outside_mail: Option<OutsideMail>,
    real_mail: &RealMail,
) -> BTreeMap<LocalDate, DayFacts> {
    for (date, day) in &mut days {
        day.campaign_sent = match outside_mail {
            Some(OutsideMail::Nothing) => Some(0),
            Some(_) if real_mail.since.is_some_and(|since| since <= *date) => Some(real_mail.by_date.get(date).copied().unwrap_or(0)),
            Some(_) | None => None,
        };
    }
    days
}

/// The first date on which a pause is lifted: that of the word, or the next where the pause was said earlier on the same date.
fn lifted_on(at: Moment, past: &[VerdictRow], mailbox: &Mailbox) -> LocalDate {
    let date = at.local_date(mailbox.zone);
    if past.iter().any(|v| v.date == date && v.at <= at) { date.plus(1) } else { date }
}

fn check_facts(row: CheckedRow, mailbox: &Mailbox) -> CheckFacts {
    CheckFacts { date: row.at.local_date(mailbox.zone), errors: row.errors, warnings: row.warnings }
}

fn history_of(past: &[VerdictRow], before: LocalDate) -> BTreeMap<LocalDate, PastVerdict> {
    past.iter().filter(|v| v.date < before).map(|v| (v.date, PastVerdict { verdict: v.verdict, until: v.until })).collect()
}

/// Judges a domain and its mailboxes, each of which gets the harsher of its own word and the domain's.
async fn judge_domain(
    ledger: &Ledger,
    domain: &Domain,
    judged: LocalDate,
    members: Vec<Member<'_>>,
    date: LocalDate,
    now: Moment,
    guarded: &mut Guarded,
) -> Result<(), LedgerError> {
    let subject = Subject::Domain(domain.clone());
    let past = ledger.verdicts_of(subject.clone(), judged.minus(REMEMBERED)).await?;
    let breaches = past_breaches(ledger, domain, judged.minus(REMEMBERED)).await?;
    let known: Vec<Facts> = members.iter().map(|m| m.facts.clone()).collect();
    let pooled = pool_to_judge(domain.clone(), judged, now, &known, history_of(&past, judged));
    let routes = judge_routes(&pooled, &breaches);
    let quarters = routes.iter().filter_map(|route| Some((route.provider, route.quarter?)));
    guarded.quarters.insert(domain.clone(), quarters.collect());
    let of_domain = if let Some(row) = past.iter().find(|v| v.date == judged) {
        // A mailbox of another zone was planned before, and the domain judged with it.
        Said::of_row(row)
    } else {
        let said = Said::of(&with_routes(judge(&pooled), &pooled, &routes));
        guarded.new.push(said.row(subject, judged, now));
        guarded.new.extend(routes.iter().filter_map(|route| said::of_route(domain, route, judged, now)));
        said
    };
    for Member { mailbox, days, facts, mut past } in members {
        let (address, of_date) = (mailbox.address.clone(), facts.date);
        if !past.iter().any(|v| v.date == of_date) {
            let said = Said::of(&judge(&facts)).harsher(&of_domain);
            past.push(said.row(Subject::Mailbox(address.clone()), of_date, now));
            guarded.new.extend(past.last().cloned());
        }
        let Some(said) = past.iter().find(|v| v.date == of_date).map(Said::of_row) else { continue };
        let mut after = facts;
        after.history.insert(of_date, PastVerdict { verdict: said.verdict, until: said.until });
        after.date = date;
        if let Some((since, until)) = pause_on(&after) {
            let why = past.iter().find(|v| v.date == since).and_then(|v| Said::of_row(v).why_paused());
            guarded.paused.insert(address.clone(), Paused { since, until, why });
        }
        debug_assert!(days.last().is_some_and(|d| d.plan.date == of_date), "the last day is the one that is judged");
        guarded.last.insert(address, (of_date, said));
    }
    Ok(())
}

/// The breaches of a domain's routes, by provider and date.
async fn past_breaches(
    ledger: &Ledger,
    domain: &Domain,
    from: LocalDate,
) -> Result<BTreeMap<Provider, BTreeMap<LocalDate, PastRoute>>, LedgerError> {
    let mut breaches: BTreeMap<Provider, BTreeMap<LocalDate, PastRoute>> = BTreeMap::new();
    for &provider in Provider::ALL {
        for row in ledger.verdicts_of(Subject::Route(domain.clone(), provider), from).await? {
            if let Some(breach) = said::breach_of(&row) {
                breaches.entry(provider).or_default().insert(row.date, breach);
            }
        }
    }
    Ok(breaches)
}
