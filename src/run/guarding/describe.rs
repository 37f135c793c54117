//! What is known of mailboxes and domains for describing them: the mail of the last 14 days, punished or not. Reads only.

use std::collections::BTreeMap;

use super::{STRETCHED, check_facts, facts};
use crate::config::{Config, Mailbox};
use crate::guard::{Facts, Subject, pool_to_describe};
use crate::ledger::{DescribedMail, Ledger, LedgerError};
use crate::words::{Address, Domain, LocalDate, Moment, Role};

/// A domain's warming mailboxes as they stand now.
#[derive(Clone, Debug)]
pub struct Described {
    /// Each mailbox's facts, up to its own local date of now: the mail of the last 14 days, and the last `check`.
    pub members: BTreeMap<Address, Facts>,
    /// All of them pooled, up to the latest of their dates. What the guard said is not in it: health does not ask.
    pub pooled: Facts,
}

/// Describes these mailboxes and, pooled, what of each domain is among them; partners are passed over. One question a domain.
///
/// `ledger`: none before the first run; then nothing is known.
///
/// # Errors
/// The ledger's.
pub async fn describe(
    config: &Config,
    ledger: Option<&Ledger>,
    mailboxes: &[&Mailbox],
    now: Moment,
) -> Result<BTreeMap<Domain, Described>, LedgerError> {
    let mut by_domain: BTreeMap<Domain, Vec<&Mailbox>> = BTreeMap::new();
    for mailbox in mailboxes.iter().filter(|m| m.role == Role::Warming) {
        by_domain.entry(mailbox.address.domain()).or_default().push(mailbox);
    }
    let mut described = BTreeMap::new();
    for (domain, mailboxes) in by_domain {
        let one = describe_domain(config, ledger, &domain, &mailboxes, now).await?;
        described.insert(domain, one);
    }
    Ok(described)
}

async fn describe_domain(
    config: &Config,
    ledger: Option<&Ledger>,
    domain: &Domain,
    mailboxes: &[&Mailbox],
    now: Moment,
) -> Result<Described, LedgerError> {
    let checked = match ledger {
        Some(ledger) => ledger.checked(domain.clone()).await?,
        None => None,
    };
    let fortnights: Vec<_> = mailboxes.iter().map(|mailbox| fortnight(mailbox, now)).collect();
    let mails = match ledger {
        Some(ledger) => ledger.described_mail(fortnights.clone()).await?,
        None => vec![DescribedMail::default(); mailboxes.len()],
    };
    let facts = mailboxes.iter().zip(&fortnights).zip(&mails).map(|((mailbox, (address, _, date)), mail)| Facts {
        days: facts::days_of_sums(config, mailbox, mail),
        check: checked.map(|row| check_facts(row, mailbox)),
        ..Facts::new(Subject::Mailbox(address.clone()), *date, now)
    });
    let members: Vec<Facts> = facts.collect();
    // A domain without mailboxes has no zone, and nothing to date.
    let date = members.iter().map(|facts| facts.date).max().unwrap_or_else(|| now.local_date(config.zone));
    let pooled = pool_to_describe(domain.clone(), date, now, &members, BTreeMap::new());
    let members = mailboxes.iter().map(|m| m.address.clone()).zip(members).collect();
    Ok(Described { members, pooled })
}

/// To how many mailboxes the letters of the last 14 days went, of all these together.
///
/// # Errors
/// The ledger's.
pub async fn recipients_of(ledger: Option<&Ledger>, mailboxes: &[&Mailbox], now: Moment) -> Result<u32, LedgerError> {
    match ledger {
        Some(ledger) => ledger.recipients_on(mailboxes.iter().map(|mailbox| fortnight(mailbox, now)).collect()).await,
        None => Ok(0),
    }
}

/// The dates that are looked at: the last 14, by the mailbox's own clock.
fn fortnight(mailbox: &Mailbox, now: Moment) -> (Address, LocalDate, LocalDate) {
    let date = now.local_date(mailbox.zone);
    (mailbox.address.clone(), date.minus(STRETCHED - 1), date)
}
