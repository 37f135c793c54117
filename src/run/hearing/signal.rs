//! From what a message is to the signal that is stored, and to what follows from it: who gets no mail again, and who is suspended. Pure.

use super::behind::{Behind, By};
use crate::classify::{Incoming, Kind, Recipient, speaker_in};
use crate::config::{Config, Mailbox, provider_of_domain};
use crate::ledger::{LetterFacts, NewSignal, SignalRow, Suppress};
use crate::letter::can_bounce;
use crate::words::{Address, LocalDate, Moment, Provider, Reply, SignalKind, SignalScope, SuppressionCause};

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Its own Message-ID, or what stands for it.
    pub(super) id: String,
    /// Who wrote it, as it says.
    pub(super) author: Option<String>,
    /// When it came.
    pub(super) came: Moment,
    /// What it is.
    pub(super) incoming: Incoming,
}

/// What a message says, ready to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) signal: NewSignal,
    /// A letter of ours that came back, and what is said of its recipient: gone, full or switched off.
    pub(super) suspends: Option<(LetterFacts, Recipient)>,
}

/// What a message says to the mailbox that received it; `None` where it is no signal.
pub(super) fn heard(config: &Config, mailbox: &Mailbox, message: Message, behind: Option<&Behind>, now: Moment) -> Option<Heard> {
    let kind = kind_of(&message.incoming)?;
    let Message { id, author, came, incoming } = message;
    let told = behind.filter(|_| kind == SignalKind::Bounce).and_then(|b| of_its_recipient(&incoming, b));
    let in_flight = behind.filter(|b| can_bounce(b.letter.state));
    let suspends = in_flight.zip(told).filter(|(_, told)| told.class.is_about_recipient());
    let suspends = suspends.map(|(b, told)| (b.letter.clone(), told.clone()));
    // A letter ends with its bounce. One that says nothing of the letter's recipient leaves it as it is: what was sent on from there may have come
    // back, and the letter itself is still to be seen.
    let is_about = |b: &&Behind| kind != SignalKind::Bounce || told.is_some() || !can_bounce(b.letter.state);
    let (suppress, soft) = (suppressed(config, kind, &incoming), soft_bounces(config, kind, &incoming));
    let row = SignalRow {
        mailbox: mailbox.address.clone(),
        message_id: id,
        kind,
        scope: if behind.is_some() { SignalScope::Warmup } else { SignalScope::Campaign },
        at: now,
        date: date_of(mailbox, behind, came, now),
        provider: provider(config, kind, &incoming, behind, author.as_deref()),
        letter: behind.filter(is_about).map(|b| b.letter.plan.id),
        original: incoming.original.message_ids.first().cloned(),
        author,
        feedback: incoming.feedback_type.clone(),
        evidence: evidence(&incoming, behind),
    };
    Some(Heard { signal: NewSignal { row, recipients: incoming.recipients, suppress, soft }, suspends })
}

fn kind_of(incoming: &Incoming) -> Option<SignalKind> {
    match incoming.kind {
        Kind::Bounce => Some(SignalKind::Bounce),
        Kind::Delay => Some(SignalKind::Delay),
        Kind::Complaint => match incoming.feedback_type.as_deref() {
            // RFC 6430: somebody took it out of spam. RFC 6591: a signature failed. Nobody complained.
            Some("not-spam" | "auth-failure") => None,
            Some("opt-out" | "opt-out-list") => Some(SignalKind::Unsubscribe),
            _ => Some(SignalKind::Complaint),
        },
        Kind::AutoReply => Some(SignalKind::AutoReply),
        Kind::Unsubscribe => Some(SignalKind::Unsubscribe),
        Kind::Reply => Some(SignalKind::Reply),
        Kind::Letter | Kind::Delivered | Kind::Other => None,
    }
}

/// What a report says of the recipient of a letter. Where it keeps addresses back, a mark that holds is enough: a letter has one recipient.
fn of_its_recipient<'a>(incoming: &'a Incoming, behind: &Behind) -> Option<&'a Recipient> {
    let recipient = behind.letter.plan.recipient.as_str();
    let by_address = incoming.recipients.iter().find(|r| r.address.as_deref() == Some(recipient));
    let kept_back = || incoming.recipients.first().filter(|_| incoming.recipients.iter().all(|r| r.address.is_none()));
    by_address.or_else(|| kept_back().filter(|_| behind.by == By::Mark))
}

/// The date on which a letter counts; else the one on which the message came, in the mailbox's zone.
fn date_of(mailbox: &Mailbox, behind: Option<&Behind>, came: Moment, now: Moment) -> LocalDate {
    behind.map_or_else(|| came.min(now).local_date(mailbox.zone), |b| b.letter.plan.date)
}

/// Addresses outside the pool that a message names, each once.
fn outside<'a>(config: &Config, recipients: impl Iterator<Item = &'a Recipient>) -> Vec<(Address, &'a Recipient)> {
    let mut found: Vec<(Address, &Recipient)> = recipients
        .filter_map(|r| Some((Address::parse(r.address.as_deref()?).ok()?, r)))
        .filter(|(address, _)| !config.mailboxes.contains_key(address))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}

/// Who is written to no more, at once: there is no such address; its owner called mail spam, or wants no more.
fn suppressed(config: &Config, kind: SignalKind, incoming: &Incoming) -> Vec<Suppress> {
    let cause = match kind {
        SignalKind::Bounce => SuppressionCause::HardBounce,
        SignalKind::Complaint => SuppressionCause::Complaint,
        SignalKind::Unsubscribe => SuppressionCause::Unsubscribe,
        SignalKind::Delay | SignalKind::AutoReply | SignalKind::Reply => return Vec::new(),
    };
    let counts = |r: &&Recipient| r.hard || cause != SuppressionCause::HardBounce;
    let note = |r: &Recipient| if r.diagnostic.is_empty() { incoming.evidence.clone() } else { r.diagnostic.clone() };
    let named = outside(config, incoming.recipients.iter().filter(counts));
    named.into_iter().map(|(address, r)| Suppress { note: Reply::clean(&note(r)), address, cause }).collect()
}

/// Whose mail came back, though not for good, and not because of its sender.
fn soft_bounces(config: &Config, kind: SignalKind, incoming: &Incoming) -> Vec<Address> {
    let is_soft = |r: &&Recipient| kind == SignalKind::Bounce && !r.hard && r.class.counts_against_recipient();
    outside(config, incoming.recipients.iter().filter(is_soft)).into_iter().map(|(address, _)| address).collect()
}

/// Whose server refused, or where the person reads mail, as far as that is known.
fn provider(config: &Config, kind: SignalKind, incoming: &Incoming, behind: Option<&Behind>, author: Option<&str>) -> Option<Provider> {
    let letters = behind.and_then(|b| config.mailboxes.get(&b.letter.plan.recipient)).map(|m| m.provider);
    let named = || incoming.recipients.iter().find_map(|r| of_address(config, r.address.as_deref()?));
    let spoke = || incoming.recipients.iter().find_map(|r| speaker_in(&r.diagnostic));
    // A report's author is the server that gave up, not the one that refused.
    let is_report = matches!(kind, SignalKind::Bounce | SignalKind::Delay);
    letters.or_else(named).or_else(spoke).or_else(|| of_address(config, author.filter(|_| !is_report)?))
}

/// Who runs the mail of an address: as the pool's mailboxes of that domain have it, or the providers' own domains.
fn of_address(config: &Config, address: &str) -> Option<Provider> {
    let (_, domain) = address.rsplit_once('@')?;
    let in_pool = config.mailboxes.values().find(|m| m.address.domain().as_str() == domain).map(|m| m.provider);
    in_pool.or_else(|| provider_of_domain(domain))
}

/// Why it is taken for what it is, and what is known of the letter behind it.
fn evidence(incoming: &Incoming, behind: Option<&Behind>) -> String {
    let why = &incoming.evidence;
    let text = match (behind, incoming.original.letter) {
        (Some(Behind { letter, by: By::Mark }), _) => format!("{why}; the mark of letter {} came back with it, and holds", letter.plan.id),
        (Some(Behind { letter, by: By::MessageId }), _) => format!("{why}; it names letter {} by its Message-ID", letter.plan.id),
        (None, Some(claimed)) => format!("{why}; it claims to be about letter {claimed}, and no such letter of ours is behind it"),
        (None, None) => why.clone(),
    };
    Reply::clean(&text)
}

/// A signal in a clause, without the mailbox that received it.
pub(super) fn in_words(signal: &NewSignal) -> String {
    let row = &signal.row;
    let author = row.author.as_deref().unwrap_or("somebody");
    let mail = match row.scope {
        SignalScope::Warmup => "a letter of the pool",
        SignalScope::Campaign => "mail",
    };
    let (named, said) = (named(signal), said(signal));
    Reply::clean(&match row.kind {
        SignalKind::Bounce => format!("{mail} to {named} came back{said}"),
        SignalKind::Delay => format!("{mail} to {named} is late{said}"),
        SignalKind::Complaint => format!("{named} called {mail} spam{said}"),
        SignalKind::AutoReply => format!("a machine answered {mail} for {author}"),
        SignalKind::Unsubscribe => format!("{named} wants no more mail"),
        SignalKind::Reply => format!("{author} answered {mail}"),
    })
}

/// Whom it names: the first, and how many more.
fn named(signal: &NewSignal) -> String {
    let first = signal.recipients.first().and_then(|r| r.address.as_deref()).unwrap_or("somebody who is not named");
    match signal.recipients.len() {
        0 | 1 => first.to_owned(),
        n => format!("{first} and {} more", n - 1),
    }
}

/// What is said of the first.
fn said(signal: &NewSignal) -> String {
    let said = signal.recipients.first().and_then(|r| Some(r.diagnostic.as_str()).filter(|d| !d.is_empty()).or(r.status.as_deref()));
    said.map_or_else(String::new, |said| format!(" ({said})"))
}
