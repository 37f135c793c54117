//! An event as one line for people.

use std::fmt;

use serde_json::Value;

use super::happened::{LetterNews, Said, SignalNews, Step, VerdictNews};
use super::{Event, Happened};
use crate::words::{Placement, Reply, SignalKind, SignalScope};

impl Event {
    /// Time, type, and what happened, on one line; what servers and other people wrote is stripped of controls and bounded.
    pub fn line(&self) -> String {
        let who = self.mailbox.as_ref().map(ToString::to_string);
        let words = self.happened.words(who.as_deref());
        format!("{}  {:<21}  {words}", self.id.at(), self.kind())
    }
}

impl Happened {
    /// What happened, to `who`.
    fn words(&self, who: Option<&str>) -> String {
        let who = who.unwrap_or("the pool");
        match self {
            Self::Letter(news) => format!("{who} to {}: {}", news.recipient, news.words()),
            Self::Signal(news) => format!("{who}: {}", news.words()),
            Self::Verdict(news) => news.words(),
            Self::Ready { domain, .. } => format!("{domain} is warm"),
            Self::Suppressed { address, cause, note, .. } => format!("{address} gets no mail again: {cause}{}", bracketed(note)),
            Self::Unsuppressed { address, since } => format!("{address} may get mail again; it was on the list since {since}"),
            Self::Suspended { until, class, said, .. } => format!("{who} gets no letters until {until}: {class}{}", said.bracketed()),
            Self::Released { since } => format!("{who} may be written to again; it was suspended since {since}"),
            Self::Paused { scope, reason } => format!("{} sends nothing{}", named(scope), bracketed(reason)),
            Self::Resumed { scope, since } => format!("{} may send again; it was paused since {since}", named(scope)),
            Self::TroubleBegan { channel, step, what, .. } => format!("{who}: {channel} fails at {step}{}", bracketed(what)),
            Self::TroubleEnded { channel, since } => format!("{who}: {channel} works again; it had not since {since}"),
        }
    }
}

impl LetterNews {
    fn words(&self) -> String {
        match &self.step {
            Step::Handed { .. } => "being handed over".to_owned(),
            Step::Accepted(said) => format!("accepted{}", said.bracketed()),
            Step::Deferred(said) => format!("put off by the server{}", said.bracketed()),
            Step::Rejected(said) => format!("refused{}", said.bracketed()),
            Step::Uncertain(said) => format!("no final reply, looked for{}", said.bracketed()),
            Step::Found => "found in Sent: it had been taken".to_owned(),
            Step::Seen(placement) => format!("seen {}", place(*placement)),
            Step::MovedToSpam => "lies in spam now".to_owned(),
            Step::Rescued => "back in the inbox from spam".to_owned(),
            Step::Opened => "opened".to_owned(),
            Step::Important => "marked as important".to_owned(),
            Step::Flagged => "flagged".to_owned(),
            Step::Answered { .. } => "answered".to_owned(),
            Step::Tidied(how) => format!("finished, and {how}"),
            Step::Missing => "not seen within 24 hours".to_owned(),
            Step::Bounced(said) => format!("came back{}", said.bracketed()),
            Step::Unaccounted => "found nowhere within 72 hours".to_owned(),
            Step::Skipped(reason) => format!("not sent: {}", reason.in_words()),
        }
    }
}

fn place(placement: Placement) -> &'static str {
    match placement {
        Placement::Inbox => "in the inbox",
        Placement::Category => "in a tab of the inbox",
        Placement::Spam => "in spam",
        Placement::Filed => "filed by a rule",
    }
}

impl SignalNews {
    fn words(&self) -> String {
        let author = self.author.as_deref().map_or_else(|| "somebody".to_owned(), Reply::clean);
        let what = match self.kind {
            SignalKind::Bounce => format!("mail to {} came back{}", self.named(), self.told()),
            SignalKind::Delay => format!("mail to {} is late{}", self.named(), self.told()),
            SignalKind::Complaint => {
                format!("{} called mail spam{}", self.named(), bracketed(self.feedback.as_deref().unwrap_or_default()))
            }
            SignalKind::AutoReply => format!("a machine answers for {author}"),
            SignalKind::Unsubscribe => format!("{author} wants no more mail"),
            SignalKind::Reply => format!("{author} answered"),
        };
        match self.scope {
            SignalScope::Warmup => format!("{what}; about a letter of the pool"),
            SignalScope::Campaign => what,
        }
    }

    /// Whom it names: the first, and how many more.
    fn named(&self) -> String {
        let Some(first) = self.recipients.first() else { return "somebody".to_owned() };
        let name = first.address.as_deref().map_or_else(|| "somebody".to_owned(), Reply::clean);
        match self.recipients.len() - 1 {
            0 => name,
            more => format!("{name} and {more} more"),
        }
    }

    /// What the first report says.
    fn told(&self) -> String {
        let Some(first) = self.recipients.first() else { return String::new() };
        let hard = if first.hard { ", permanent" } else { "" };
        format!(": {}{hard}{}", first.class.coarse(), bracketed(&first.diagnostic))
    }
}

impl VerdictNews {
    fn words(&self) -> String {
        let until = self.until.as_deref().map(|until| format!(" until {until}")).unwrap_or_default();
        let why = self.rulings.get(0).map(ruling).unwrap_or_default();
        format!("{} on {}: {}{until}{}", named(&self.subject), self.date, self.verdict, bracketed(&why))
    }
}

/// The rule that decided and its figures, as the ledger keeps them.
fn ruling(ruling: &Value) -> String {
    let rule = ruling.get("rule").and_then(Value::as_str).unwrap_or_default();
    match (ruling.get("numerator").and_then(Value::as_u64), ruling.get("denominator").and_then(Value::as_u64)) {
        (Some(n), Some(of)) => format!("{rule}: {n} of {of}"),
        (Some(n), None) => format!("{rule}: {n}"),
        _ => rule.to_owned(),
    }
}

/// `all` and `mailbox:anna@new.example` as people say it.
fn named(subject: &str) -> &str {
    if subject == "all" { "the whole pool" } else { subject.split_once(':').map_or(subject, |(_, name)| name) }
}

impl Said {
    fn bracketed(&self) -> String {
        let code = self.code().map(|code| format!("{code} ")).unwrap_or_default();
        bracketed(&format!("{code}{}", self.text.as_deref().unwrap_or_default()))
    }
}

/// Somebody else's words, cleaned, in brackets; nothing where there are none.
fn bracketed(text: &str) -> String {
    let clean = Reply::clean(text);
    if clean.is_empty() { clean } else { format!(" ({clean})") }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}
