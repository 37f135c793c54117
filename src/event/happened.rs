//! What an event says: the facts of its type, and their JSON.

use serde_json::{Value, json};

use super::kind::EventKind;
use crate::classify::Recipient;
use crate::words::{
    Address, Domain, LetterId, LocalDate, MessageId, Moment, Placement, Provider, RefusalClass, Reply, SignalKind, SignalScope, SkipReason,
    SuppressionCause, Tidied, Verdict,
};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A step of a letter's life.
    Letter(LetterNews),
    /// The world said something back.
    Signal(SignalNews),
    /// The guard judged.
    Verdict(VerdictNews),
    /// A domain is warm.
    Ready {
        /// The domain.
        domain: Domain,
        /// The local date on which it was found so.
        date: LocalDate,
    },
    /// An outside address gets no mail again.
    Suppressed {
        /// The address.
        address: Address,
        /// Why.
        cause: SuppressionCause,
        /// The evidence, or what a person said.
        note: String,
        /// The signal that caused it.
        message_id: Option<String>,
    },
    /// It may get mail again.
    Unsuppressed {
        /// The address.
        address: Address,
        /// Since when it was on the list.
        since: Moment,
    },
    /// Nobody writes to a mailbox of the pool.
    Suspended {
        /// Until when.
        until: Moment,
        /// What the refusal says of it.
        class: RefusalClass,
        /// The letter that was refused.
        letter: Option<LetterId>,
        /// The server's words.
        said: Said,
    },
    /// That is over.
    Released {
        /// Since when.
        since: Moment,
    },
    /// Sending stops.
    Paused {
        /// `all`, `domain:<domain>`, `mailbox:<address>`.
        scope: String,
        /// Why.
        reason: String,
    },
    /// It goes on.
    Resumed {
        /// As above.
        scope: String,
        /// Since when it was paused.
        since: Moment,
    },
    /// Something does not work.
    TroubleBegan {
        /// `smtp`, `imap`, `spam_folder`, `content`, `tidy`.
        channel: String,
        /// The step that failed.
        step: String,
        /// What happened.
        what: String,
        /// What to do.
        hint: String,
        /// Whether a person has to act.
        sign_in: bool,
    },
    /// It works again.
    TroubleEnded {
        /// As above.
        channel: String,
        /// Since when it had not worked.
        since: Moment,
    },
}

/// A step of a letter's life. The event's mailbox is its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterNews {
    /// The letter.
    pub letter: LetterId,
    /// To whom it goes.
    pub recipient: Address,
    /// The letter that it answers.
    pub parent: Option<LetterId>,
    /// What happened to it.
    pub step: Step,
}

/// What happened to a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The intent is durable.
    Handed {
        /// The Message-ID that it goes out with; empty in a ledger that somebody edited.
        message_id: String,
    },
    /// The server took it.
    Accepted(Said),
    /// The server said: not now.
    Deferred(Said),
    /// The server refused it.
    Rejected(Said),
    /// No final reply came.
    Uncertain(Said),
    /// It had been taken.
    Found,
    /// It was seen for the first time.
    Seen(Placement),
    /// It lies in spam now.
    MovedToSpam,
    /// It is back in the inbox.
    Rescued,
    /// It was opened.
    Opened,
    /// It was marked as important.
    Important,
    /// It was flagged.
    Flagged,
    /// A server took the answer to it.
    Answered {
        /// The letter that answers it.
        answer: LetterId,
    },
    /// It is finished, and its recipient put it away.
    Tidied(Tidied),
    /// It was not seen for 24 hours.
    Missing,
    /// It came back.
    Bounced(Said),
    /// It was found nowhere.
    Unaccounted,
    /// It will not be sent.
    Skipped(SkipReason),
}

/// A server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Its reply code; below 200 it gave none.
    pub code: Option<u16>,
    /// Its enhanced code.
    pub enhanced: Option<String>,
    /// Its text.
    pub text: Option<String>,
}

/// What the world said back. The event's mailbox received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalNews {
    /// Its own Message-ID; without one, where it was found.
    pub message_id: String,
    /// What it says.
    pub kind: SignalKind,
    /// Whose mail it is about.
    pub scope: SignalScope,
    /// The local date of what it is about.
    pub date: LocalDate,
    /// Who speaks.
    pub provider: Option<Provider>,
    /// The letter that it is about.
    pub letter: Option<LetterId>,
    /// The Message-ID of what it is about.
    pub original: Option<MessageId>,
    /// Who wrote it.
    pub author: Option<String>,
    /// A complaint's feedback type.
    pub feedback: Option<String>,
    /// Why it is taken for what it is.
    pub evidence: String,
    /// Whom it names.
    pub recipients: Vec<Recipient>,
}

/// What the guard said. The event's mailbox is the subject where that is one.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictNews {
    /// `mailbox:<address>`, `domain:<domain>`, `route:<domain>/<provider>`.
    pub subject: String,
    /// The local date that was judged.
    pub date: LocalDate,
    /// What it said.
    pub verdict: Verdict,
    /// Until when; `None`: for the day.
    pub until: Option<String>,
    /// What each rule said, as the ledger keeps it.
    pub rulings: Value,
}

impl Happened {
    /// Its type.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Letter(news) => news.step.kind(),
            Self::Signal(news) => kind_of_signal(news.kind),
            Self::Verdict(_) => EventKind::VerdictGiven,
            Self::Ready { .. } => EventKind::DomainReady,
            Self::Suppressed { .. } => EventKind::AddressSuppressed,
            Self::Unsuppressed { .. } => EventKind::AddressUnsuppressed,
            Self::Suspended { .. } => EventKind::MailboxSuspended,
            Self::Released { .. } => EventKind::MailboxReleased,
            Self::Paused { .. } => EventKind::SendingPaused,
            Self::Resumed { .. } => EventKind::SendingResumed,
            Self::TroubleBegan { .. } => EventKind::TroubleBegan,
            Self::TroubleEnded { .. } => EventKind::TroubleEnded,
        }
    }

    /// The fields of its type, in the order of [`EventKind::fields`].
    pub fn fields(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Letter(news) => news.fields(),
            Self::Signal(news) => news.fields(),
            Self::Verdict(news) => vec![
                ("subject", json!(news.subject)),
                ("date", json!(news.date)),
                ("verdict", json!(news.verdict)),
                ("until", json!(news.until)),
                ("rulings", news.rulings.clone()),
            ],
            Self::Ready { domain, date } => vec![("domain", json!(domain)), ("date", json!(date))],
            Self::Suppressed { address, cause, note, message_id } => {
                vec![("address", json!(address)), ("cause", json!(cause)), ("note", foreign(note)), ("message_id", json!(message_id))]
            }
            Self::Unsuppressed { address, since } => vec![("address", json!(address)), ("since", json!(time(*since)))],
            Self::Suspended { until, class, letter, said } => {
                let mut fields = vec![("until", json!(time(*until))), ("class", json!(class)), ("letter", json!(letter))];
                fields.extend(said.fields());
                fields
            }
            Self::Released { since } => vec![("since", json!(time(*since)))],
            Self::Paused { scope, reason } => vec![("scope", json!(scope)), ("reason", foreign(reason))],
            Self::Resumed { scope, since } => vec![("scope", json!(scope)), ("since", json!(time(*since)))],
            Self::TroubleBegan { channel, step, what, hint, sign_in } => vec![
                ("channel", json!(channel)),
                ("step", json!(step)),
                ("what", foreign(what)),
                ("hint", json!(hint)),
                ("sign_in", json!(sign_in)),
            ],
            Self::TroubleEnded { channel, since } => vec![("channel", json!(channel)), ("since", json!(time(*since)))],
        }
    }
}

/// The type of a signal's event.
pub fn kind_of_signal(kind: SignalKind) -> EventKind {
    match kind {
        SignalKind::Bounce => EventKind::BounceReceived,
        SignalKind::Delay => EventKind::DelayReceived,
        SignalKind::Complaint => EventKind::ComplaintReceived,
        SignalKind::AutoReply => EventKind::AutoReplyReceived,
        SignalKind::Unsubscribe => EventKind::UnsubscribeReceived,
        SignalKind::Reply => EventKind::ReplyReceived,
    }
}

impl Step {
    fn kind(&self) -> EventKind {
        match self {
            Self::Handed { .. } => EventKind::LetterHanded,
            Self::Accepted(_) => EventKind::LetterAccepted,
            Self::Deferred(_) => EventKind::LetterDeferred,
            Self::Rejected(_) => EventKind::LetterRejected,
            Self::Uncertain(_) => EventKind::LetterUncertain,
            Self::Found => EventKind::LetterFound,
            Self::Seen(_) => EventKind::LetterSeen,
            Self::MovedToSpam => EventKind::LetterMovedToSpam,
            Self::Rescued => EventKind::LetterRescued,
            Self::Opened => EventKind::LetterOpened,
            Self::Important => EventKind::LetterImportant,
            Self::Flagged => EventKind::LetterFlagged,
            Self::Answered { .. } => EventKind::LetterAnswered,
            Self::Tidied(_) => EventKind::LetterTidied,
            Self::Missing => EventKind::LetterMissing,
            Self::Bounced(_) => EventKind::LetterBounced,
            Self::Unaccounted => EventKind::LetterUnaccounted,
            Self::Skipped(_) => EventKind::LetterSkipped,
        }
    }
}

impl LetterNews {
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("letter", json!(self.letter)), ("recipient", json!(self.recipient)), ("parent", json!(self.parent))];
        match &self.step {
            Step::Handed { message_id } => fields.push(("message_id", json!(message_id))),
            Step::Accepted(said) | Step::Deferred(said) | Step::Rejected(said) | Step::Bounced(said) => {
                fields.extend(said.fields());
            }
            Step::Uncertain(said) => fields.push(("text", said.text_field())),
            Step::Seen(placement) => fields.push(("placement", json!(placement))),
            Step::Answered { answer } => fields.push(("answer", json!(answer))),
            Step::Skipped(reason) => fields.push(("reason", json!(reason))),
            Step::Tidied(how) => fields.push(("how", json!(how))),
            Step::Found
            | Step::MovedToSpam
            | Step::Rescued
            | Step::Opened
            | Step::Important
            | Step::Flagged
            | Step::Missing
            | Step::Unaccounted => {}
        }
        fields
    }
}

impl Said {
    /// The reply code, where the server gave one.
    pub(super) fn code(&self) -> Option<u16> {
        self.code.filter(|code| *code >= 200)
    }

    fn text_field(&self) -> Value {
        self.text.as_deref().map_or(Value::Null, foreign)
    }

    fn fields(&self) -> [(&'static str, Value); 3] {
        [("code", json!(self.code())), ("enhanced", json!(self.enhanced)), ("text", self.text_field())]
    }
}

impl SignalNews {
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let or_null = |text: &Option<String>| text.as_deref().map_or(Value::Null, foreign);
        let mut fields = vec![
            ("message_id", json!(self.message_id)),
            ("scope", json!(self.scope)),
            ("letter", json!(self.letter)),
            ("original_message_id", json!(self.original)),
            ("date", json!(self.date)),
            ("provider", json!(self.provider)),
            ("author", or_null(&self.author)),
            ("author_address", json!(self.author.as_deref().and_then(address_in))),
            ("evidence", foreign(&self.evidence)),
        ];
        if matches!(self.kind, SignalKind::Bounce | SignalKind::Delay | SignalKind::Complaint) {
            fields.push(("recipients", self.recipients.iter().map(|r| json!(r.row())).collect()));
        }
        if self.kind == SignalKind::Complaint {
            fields.push(("feedback_type", or_null(&self.feedback)));
        }
        fields
    }
}

/// The address in what a From header says: `ben@out.test`, `Ben <ben@out.test>`.
fn address_in(author: &str) -> Option<Address> {
    let in_brackets = author.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    Address::parse(in_brackets.unwrap_or(author).trim()).ok()
}

/// A time as it stands in the JSON: RFC 3339 in UTC, with milliseconds.
pub(super) fn time(at: Moment) -> String {
    at.utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Somebody else's words: without controls, bounded.
fn foreign(text: &str) -> Value {
    Value::String(Reply::clean(text))
}
