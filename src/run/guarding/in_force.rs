//! The guard's last word of a mailbox or a domain, where it keeps the ramp from going on. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use super::{Said, check_facts, history_of, lifted_on};
use crate::config::{Config, Mailbox};
use crate::guard::{Facts, Subject, Until, pause_on};
use crate::ledger::{Ledger, LedgerError, VerdictRow};
use crate::words::{Address, Domain, LocalDate, Moment, Role, Verdict};

/// A word of the guard that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordInForce {
    /// Of whom: a mailbox or a domain.
    pub subject: Subject,
    /// The local date that was judged.
    pub date: LocalDate,
    /// What was said; never `advance`.
    pub verdict: Verdict,
    /// Until when it holds; `None`: until the next date is judged.
    pub until: Option<Until>,
    /// The ruling that decided, in one sentence.
    pub sentence: String,
}

/// The last word of each of these mailboxes and of their domains, as it was written down when the last date was planned: those that hold, step back, put on
/// the floor, pause or rest, and are not over. Domains first, then mailboxes; partners are passed over.
///
/// # Errors
/// The ledger's.
pub async fn words_in_force(
    config: &Config,
    ledger: &Ledger,
    mailboxes: &[&Mailbox],
    now: Moment,
) -> Result<Vec<WordInForce>, LedgerError> {
    let warming: Vec<&Mailbox> = mailboxes.iter().copied().filter(|m| m.role == Role::Warming && config.guard).collect();
    let of_mailboxes = warming.iter().map(|m| Subject::Mailbox(m.address.clone())).collect();
    let signed_out: BTreeSet<Address> = ledger.troubles().await?.into_iter().filter(|t| t.sign_in).map(|t| t.mailbox).collect();
    let mut words = BTreeMap::new();
    for row in ledger.last_words(of_mailboxes).await? {
        let Subject::Mailbox(address) = &row.subject else { continue };
        let Some(mailbox) = config.mailboxes.get(address) else { continue };
        let holds = match row.verdict {
            Verdict::Advance => false,
            Verdict::Hold | Verdict::StepBack | Verdict::Floor => true,
            Verdict::Pause => is_paused(ledger, mailbox, &row, now).await?,
            Verdict::Rest => rests(&row, signed_out.contains(address), now),
        };
        if holds {
            words.insert(row.subject.clone(), word(&row));
        }
    }
    let domains: BTreeSet<Domain> = warming.iter().map(|m| m.address.domain()).collect();
    let of_domains = ledger.last_words(domains.into_iter().map(Subject::Domain).collect()).await?;
    let is_of = |subject: &Subject, domain: &Domain| matches!(subject, Subject::Mailbox(a) if a.domain() == *domain);
    let holds = |row: &&VerdictRow| match (&row.subject, row.verdict) {
        (_, Verdict::Advance) => false,
        // A domain is paused in its mailboxes, each of which may have been let go by hand.
        (Subject::Domain(domain), Verdict::Pause) => words.values().any(|w| w.verdict == Verdict::Pause && is_of(&w.subject, domain)),
        _ => true,
    };
    let mut all: Vec<WordInForce> = of_domains.iter().filter(holds).map(word).collect();
    all.extend(words.into_values());
    Ok(all)
}

fn word(row: &VerdictRow) -> WordInForce {
    let sentence = Said::of_row(row).sentence().to_owned();
    WordInForce { subject: row.subject.clone(), date: row.date, verdict: row.verdict, until: row.until, sentence }
}

/// Whether the pause that was said last is not over, by date, `check` or hand.
async fn is_paused(ledger: &Ledger, mailbox: &Mailbox, row: &VerdictRow, now: Moment) -> Result<bool, LedgerError> {
    let today = now.local_date(mailbox.zone);
    // One that was said in mid-day of today holds from then on, for the days to come.
    let date = today.max(row.date.plus(1));
    let said = std::slice::from_ref(row);
    let lifted = ledger.lifted(mailbox.address.clone()).await?;
    let checked = ledger.checked(mailbox.address.domain()).await?;
    let facts = Facts {
        history: history_of(said, date),
        check: checked.map(|row| check_facts(row, mailbox)),
        lifted_on: lifted.map(|at| lifted_on(at, said, mailbox)),
        ..Facts::new(row.subject.clone(), date, now)
    };
    Ok(pause_on(&facts).is_some())
}

/// Whether a rest is not over: its hours, or what a person has to mend.
fn rests(row: &VerdictRow, is_signed_out: bool, now: Moment) -> bool {
    match row.until {
        Some(Until::Moment(end)) => now < end,
        Some(Until::PersonActs) => is_signed_out,
        Some(Until::Date(_) | Until::CheckIsClean) | None => true,
    }
}
