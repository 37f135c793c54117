//! What is known of mailboxes and domains for describing them: the mail of the last 14 days, punished or not. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use super::{STRETCHED, check_facts, facts};
use crate::config::{Config, Mailbox};
use crate::guard::{Facts, Subject, pool_to_describe};
use crate::ledger::{CheckedRow, Ledger, LedgerError};
use crate::words::{Address, Domain, Moment, Role};

/// A domain's warming mailboxes as they stand now.
#[derive(Clone, Debug)]
pub struct Described {
    /// Each mailbox's facts, up to its own local date of now: the mail of the last 14 days, and the last `check`.
    pub members: BTreeMap<Address, Facts>,
    /// All of them pooled, up to the latest of their dates. What the guard said is not in it: health does not ask.
    pub pooled: Facts,
    /// To how many mailboxes those letters went.
    pub recipients: u32,
}

/// Describes these mailboxes and, pooled, what of each domain is among them; partners are passed over. One pass over each mailbox's mail.
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
    let (mut members, mut recipients) = (Vec::new(), BTreeSet::new());
    for mailbox in mailboxes {
        members.push(facts_of(config, ledger, mailbox, checked, now, &mut recipients).await?);
    }
    // A domain without mailboxes has no zone, and nothing to date.
    let date = members.iter().map(|facts| facts.date).max().unwrap_or_else(|| now.local_date(config.zone));
    let pooled = pool_to_describe(domain.clone(), date, now, &members, BTreeMap::new());
    let members = mailboxes.iter().map(|m| m.address.clone()).zip(members).collect();
    Ok(Described { members, pooled, recipients: recipients.len() as u32 })
}

/// What is known of one mailbox. Those to whom its letters went are added to `recipients`.
async fn facts_of(
    config: &Config,
    ledger: Option<&Ledger>,
    mailbox: &Mailbox,
    checked: Option<CheckedRow>,
    now: Moment,
    recipients: &mut BTreeSet<Address>,
) -> Result<Facts, LedgerError> {
    let date = now.local_date(mailbox.zone);
    let unknown = Facts::new(Subject::Mailbox(mailbox.address.clone()), date, now);
    let Some(ledger) = ledger else { return Ok(unknown) };
    let mail = ledger.judged_mail(mailbox.address.clone(), date.minus(STRETCHED - 1), date).await?;
    let days = facts::days_of(config, mailbox, &mail);
    recipients.extend(mail.letters.into_iter().filter(|l| l.handed_at.is_some()).map(|l| l.recipient));
    Ok(Facts { days, check: checked.map(|row| check_facts(row, mailbox)), ..unknown })
}
