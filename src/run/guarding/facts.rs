//! From what the ledger holds of a mailbox's mail to the facts that the guard judges by. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::classify::{Recipient, classify, is_greylisting};
use crate::config::{Config, Mailbox, provider_facts};
use crate::guard::{AccountTrouble, Aged, Bounces, Complaints, DayFacts, Letters, TroubleKind};
use crate::ledger::{HeardSignal, JudgedLetter, JudgedMail, RefusedLetter, TroubleRow};
use crate::words::{Address, LetterState, LocalDate, Moment, Placement, Provider, RefusalClass, SignalKind, SignalScope};

/// Letters must have been seen after this …
const SEEN_WITHIN: Duration = Duration::from_hours(24);
/// … and say something of today until this.
const MATTERS_FOR: Duration = Duration::from_hours(96);

/// Who runs an address: the config knows its own, and consumer domains are known; any other is generic.
pub(super) fn provider_of(config: &Config, address: &Address) -> Provider {
    config.mailboxes.get(address).map_or_else(
        || {
            let domain = address.domain();
            let is_theirs = |p: &&Provider| provider_facts(**p).consumer_domains.iter().any(|d| d == domain.as_str());
            Provider::ALL.iter().find(is_theirs).copied().unwrap_or(Provider::Generic)
        },
        |mailbox| mailbox.provider,
    )
}

/// What became of each date's mail of a mailbox.
pub(super) fn days_of(config: &Config, mailbox: &Mailbox, mail: &JudgedMail) -> BTreeMap<LocalDate, DayFacts> {
    let mut days: BTreeMap<LocalDate, DayFacts> = BTreeMap::new();
    for letter in &mail.letters {
        let provider = provider_of(config, &letter.recipient);
        count(days.entry(letter.date).or_default().letters.entry(provider).or_default(), letter);
    }
    for refused in &mail.refused {
        note_refusal(days.entry(refused.date).or_default(), provider_of(config, &refused.recipient), mailbox.provider, refused);
    }
    for (signal, recipients) in &mail.signals {
        let day = days.entry(signal.date).or_default();
        note_signal(day, config, &(signal.clone(), recipients.clone()));
    }
    days
}

fn count(letters: &mut Letters, letter: &JudgedLetter) {
    letters.sent += u32::from(letter.handed_at.is_some());
    let place = match (letter.placement, letter.state) {
        (Some(Placement::Inbox), _) => &mut letters.inbox,
        (Some(Placement::Category), _) => &mut letters.category,
        (Some(Placement::Spam), _) => &mut letters.spam,
        (Some(Placement::Filed), _) => &mut letters.filed,
        (None, LetterState::Missing) => &mut letters.missing,
        (None, LetterState::Unaccounted) => &mut letters.unaccounted,
        (None, _) => return,
    };
    *place += 1;
}

/// A refusal while sending. What passes says nothing, but for "too fast".
fn note_refusal(day: &mut DayFacts, to: Provider, speaker: Provider, refused: &RefusedLetter) {
    match classify(speaker, &refused.reply) {
        RefusalClass::Rate if is_greylisting(&refused.reply) => {}
        RefusalClass::Rate => *day.rate_replies.entry(to).or_default() += 1,
        class if refused.reply.is_permanent() => {
            let recipients = BTreeSet::from([refused.recipient.clone()]);
            day.bounces.push(Bounces { scope: SignalScope::Warmup, provider: to, class, count: 1, recipients });
        }
        _ => {}
    }
}

fn note_signal(day: &mut DayFacts, config: &Config, (signal, recipients): &HeardSignal) {
    let provider_for = |r: &Recipient| {
        let address = r.address.as_deref().and_then(|a| Address::parse(a).ok());
        let known = address.as_ref().map(|a| provider_of(config, a)).filter(|p| *p != Provider::Generic);
        (address, known.or(signal.provider).unwrap_or(Provider::Generic))
    };
    match signal.kind {
        SignalKind::Bounce => {
            for recipient in recipients {
                let (address, provider) = provider_for(recipient);
                let recipients = address.into_iter().collect();
                day.bounces.push(Bounces { scope: signal.scope, provider, class: recipient.class, count: 1, recipients });
            }
        }
        SignalKind::Delay => {
            for recipient in recipients.iter().filter(|r| r.class == RefusalClass::Rate && signal.scope == SignalScope::Warmup) {
                *day.rate_replies.entry(provider_for(recipient).1).or_default() += 1;
            }
        }
        SignalKind::Complaint => {
            let provider = recipients.first().map(|r| provider_for(r).1).or(signal.provider).unwrap_or(Provider::Generic);
            day.complaints.push(Complaints { scope: signal.scope, provider, count: 1 });
        }
        SignalKind::AutoReply | SignalKind::Unsubscribe | SignalKind::Reply => {}
    }
}

/// Letters that were accepted 24 to 96 hours ago, and those of them that were seen. One that came back is no silence.
pub(super) fn aged(mail: &JudgedMail, now: Moment) -> Aged {
    let (old, young) = (now - MATTERS_FOR, now - SEEN_WITHIN);
    let is_aged = |l: &&JudgedLetter| l.accepted_at.is_some_and(|at| old < at && at <= young) && l.state != LetterState::Bounced;
    mail.letters.iter().filter(is_aged).fold(Aged::default(), |aged, letter| Aged {
        accepted: aged.accepted + 1,
        placed: aged.placed + u32::from(letter.placement.is_some()),
    })
}

/// What keeps the account from sending: its own limit, by what servers said, and what stands against its sign-in.
pub(super) fn troubles(mailbox: &Mailbox, mail: &JudgedMail, standing: &[TroubleRow]) -> Vec<AccountTrouble> {
    let own_quota = mail.refused.iter().filter(|r| classify(mailbox.provider, &r.reply) == RefusalClass::Quota).map(|r| r.at).max();
    let own_quota = own_quota.map(|at| AccountTrouble { kind: TroubleKind::OwnQuota, at });
    let signed_out = standing.iter().filter(|t| t.mailbox == mailbox.address && t.sign_in);
    let signed_out = signed_out.map(|t| AccountTrouble { kind: kind_of(t), at: t.at });
    own_quota.into_iter().chain(signed_out).collect()
}

fn kind_of(trouble: &TroubleRow) -> TroubleKind {
    let says = |word: &str| trouble.what.contains(word);
    if says("invalid_grant") {
        TroubleKind::InvalidGrant
    } else if says("5.7.700") || says("suspended") || says("disabled") {
        TroubleKind::Suspended
    } else {
        TroubleKind::SignIn
    }
}
