//! The types of events and their fields, as data: the JSON's schema, the page in the docs and the tests are made from this table.

use std::fmt;

use crate::words::{Placement, Provider, RefusalClass, SignalScope, SkipReason, SuppressionCause, Tidied, Verdict};

/// A field of an event.
#[derive(Debug)]
pub struct Field {
    /// Its name in the JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may be null. It is always there.
    pub nullable: bool,
    /// One sentence.
    pub about: &'static str,
}

/// What a field holds.
#[derive(Debug)]
pub enum FieldKind {
    /// Text that preheat wrote.
    Text,
    /// Somebody else's words: data, never trusted; without controls, at most 500 characters.
    Foreign,
    /// A Message-ID, without angle brackets.
    MessageId,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
    /// RFC 3339 in UTC, with milliseconds.
    Time,
    /// A mailbox's local date.
    Date,
    /// A mail address.
    Address,
    /// A mail domain.
    Domain,
    /// A letter's id.
    Letter,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// Whom a report names, as `preheat inspect --json` has them.
    Recipients,
    /// What the guard's rules said, the harshest first.
    Rulings,
}

const fn field(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, kind, nullable: false, about }
}
const fn or_null(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, kind, nullable: true, about }
}

const LETTER: &[Field] = &[
    field("letter", FieldKind::Letter, "The letter; `mailbox` is its sender."),
    field("recipient", FieldKind::Address, "The mailbox of the pool to which it goes."),
    or_null("parent", FieldKind::Letter, "The letter that it answers."),
];
const REPLY: &[Field] = &[
    or_null("code", FieldKind::Whole, "The server's reply code."),
    or_null("enhanced", FieldKind::Text, "Its enhanced code, x.y.z (RFC 3463)."),
    or_null("text", FieldKind::Foreign, "Its words."),
];
const SIGNAL: &[Field] = &[
    field("message_id", FieldKind::MessageId, "The message's own Message-ID; without one, where it was found."),
    field(
        "scope",
        FieldKind::Word(|| SignalScope::ALL.iter().map(|w| w.as_str()).collect()),
        "`warmup`: about a letter of ours. `campaign`: about mail that others sent from the same mailbox.",
    ),
    or_null("letter", FieldKind::Letter, "The letter that it is about."),
    or_null("original_message_id", FieldKind::MessageId, "The Message-ID of what it is about."),
    field("date", FieldKind::Date, "The local date of what it is about; where that is unknown, of `at`."),
    or_null(
        "provider",
        FieldKind::Word(|| Provider::ALL.iter().map(|w| w.as_str()).collect()),
        "Who speaks, or where the person reads mail.",
    ),
    or_null("author", FieldKind::Foreign, "Who wrote it, as it says."),
    or_null("author_address", FieldKind::Address, "The address in that."),
    field("evidence", FieldKind::Foreign, "Why it is taken for what it is."),
];
const RECIPIENTS: &[Field] = &[field(
    "recipients",
    FieldKind::Recipients,
    "Whom it names: `address` (null where it is kept back), `status`, `reply`, `class`, `hard`, `diagnostic`, as `preheat inspect --json` has them.",
)];
const SUPPRESSION: &[Field] = &[field("address", FieldKind::Address, "The address, outside the pool.")];
const SCOPE: &[Field] = &[field("scope", FieldKind::Text, "What stops: `all`, `domain:<domain>`, `mailbox:<address>`.")];
const CHANNEL: &[Field] = &[field("channel", FieldKind::Text, "What does not work: `smtp`, `imap`, `spam_folder`, `content`, `tidy`.")];
const SINCE: &[Field] = &[field("since", FieldKind::Time, "When it began.")];

/// Makes the enum, its words, and the table.
macro_rules! kinds {
    ($($kind:ident = $name:literal, $about:literal, [$($fields:expr),* $(,)?];)+) => {
        /// What type of event it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventKind { $(#[doc = $about] $kind),+ }
        impl EventKind {
            /// Every type, in the order of the docs.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];
            /// The type as it stands in the JSON.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$kind => $name),+ } }
            /// What it means: a sentence or two.
            pub const fn about(self) -> &'static str { match self { $(Self::$kind => $about),+ } }
            fn groups(self) -> &'static [&'static [Field]] { match self { $(Self::$kind => const { &[$($fields),*] }),+ } }
        }
    };
}

kinds! {
    LetterHanded = "letter.handed", "The intent to send a letter is written down; its bytes go out now.",
        [LETTER, &[field("message_id", FieldKind::MessageId, "The Message-ID under which it goes out.")]];
    LetterAccepted = "letter.accepted", "The sender's server took it.", [LETTER, REPLY];
    LetterDeferred = "letter.deferred", "The sender's server said: not now. It is tried again inside the window.", [LETTER, REPLY];
    LetterRejected = "letter.rejected", "The sender's server refused it.", [LETTER, REPLY];
    LetterUncertain = "letter.uncertain", "No final reply came: it may have been taken. It is looked for, and never sent again.",
        [LETTER, &[or_null("text", FieldKind::Foreign, "What cut it short.")]];
    LetterFound = "letter.found", "An uncertain letter was found in Sent: it had been taken.", [LETTER];
    LetterSeen = "letter.seen", "It was seen at its recipient for the first time.",
        [LETTER, &[field("placement", FieldKind::Word(|| Placement::ALL.iter().map(|w| w.as_str()).collect()), "Where it lay then.")]];
    LetterMovedToSpam = "letter.moved_to_spam", "It had been seen elsewhere, and lies in spam now: providers do that, hours later.", [LETTER];
    LetterRescued = "letter.rescued", "It lay in spam, and is back in the inbox.", [LETTER];
    LetterOpened = "letter.opened", "Its recipient opened it.", [LETTER];
    LetterImportant = "letter.important", "Its recipient marked it as important.", [LETTER];
    LetterFlagged = "letter.flagged", "Its recipient flagged it.", [LETTER];
    LetterAnswered = "letter.answered", "A server took its recipient's answer.",
        [LETTER, &[field("answer", FieldKind::Letter, "The letter that answers it.")]];
    LetterTidied = "letter.tidied", "It is finished, and its recipient put it away. Copies in Sent are not told.",
        [LETTER, &[field("how", FieldKind::Word(|| vec![Tidied::Moved.as_str(), Tidied::Deleted.as_str()]), "Into the folder for finished mail, or for good.")]];
    LetterMissing = "letter.missing", "It was taken, and not seen for 24 hours although every folder was read.", [LETTER];
    LetterBounced = "letter.bounced", "It came back.", [LETTER, REPLY];
    LetterUnaccounted = "letter.unaccounted", "It was uncertain for 72 hours and found nowhere. It may still turn up.", [LETTER];
    LetterSkipped = "letter.skipped", "It was planned, and will not be sent.",
        [LETTER, &[field("reason", FieldKind::Word(|| SkipReason::ALL.iter().map(|w| w.as_str()).collect()), "Why.")]];
    BounceReceived = "bounce.received", "A message could not be delivered, and a report of it came to `mailbox`.", [SIGNAL, RECIPIENTS];
    DelayReceived = "delay.received", "A message is late and still tried. Nobody is to be dropped for it.", [SIGNAL, RECIPIENTS];
    ComplaintReceived = "complaint.received", "Somebody called a message spam, and a report of it came to `mailbox`.",
        [SIGNAL, RECIPIENTS, &[or_null("feedback_type", FieldKind::Foreign, "`abuse`, `opt-out`, `fraud` …")]];
    AutoReplyReceived = "auto_reply.received", "A machine answered for its owner. That is no reply.", [SIGNAL];
    UnsubscribeReceived = "unsubscribe.received", "Somebody wants no more mail.", [SIGNAL];
    ReplyReceived = "reply.received", "A person answered, whoever the mail was from: follow-ups to `author_address` stop here.", [SIGNAL];
    AddressSuppressed = "address.suppressed", "An outside address is to get no mail again. `mailbox` got the signal that caused it; null: a person did.",
        [SUPPRESSION, &[
            field("cause", FieldKind::Word(|| SuppressionCause::ALL.iter().map(|w| w.as_str()).collect()), "Why."),
            field("note", FieldKind::Foreign, "The evidence, or what a person said; may be empty."),
            or_null("message_id", FieldKind::MessageId, "The signal that caused it: its `message_id`."),
        ]];
    AddressUnsuppressed = "address.unsuppressed", "A person took an address off the list: it may get mail again.", [SUPPRESSION, SINCE];
    VerdictGiven = "verdict.given", "The guard judged a mailbox, a domain or a route. `mailbox` is null but for the first.",
        [&[
            field("subject", FieldKind::Text, "`mailbox:<address>`, `domain:<domain>`, `route:<domain>/<provider>`."),
            field("date", FieldKind::Date, "The local date that was judged."),
            field("verdict", FieldKind::Word(|| Verdict::ALL.iter().map(|w| w.as_str()).collect()), "What it said."),
            or_null("until", FieldKind::Text, "A date, a time, `check_is_clean` or `person_acts`; null: for the day."),
            field("rulings", FieldKind::Rulings, "What each rule said, the harshest first, with `rule`, `numerator`, `denominator`, `bound` and the rest."),
        ]];
    DomainReady = "domain.ready", "A domain is warm.",
        [&[
            field("domain", FieldKind::Domain, "The domain."),
            field("date", FieldKind::Date, "The local date on which it was found so."),
        ]];
    MailboxSuspended = "mailbox.suspended", "A server called a mailbox of the pool gone, full or switched off: nobody writes to it for a while.",
        [&[
            field("until", FieldKind::Time, "When it is tried again, unless a person resumes it before."),
            field("class", FieldKind::Word(|| RefusalClass::ALL.iter().map(|w| w.as_str()).collect()), "What the refusal says of it."),
            or_null("letter", FieldKind::Letter, "The letter that was refused."),
        ], REPLY];
    MailboxReleased = "mailbox.released", "A suspension is over: the others may write to the mailbox again.", [SINCE];
    SendingPaused = "sending.paused", "Sending stops; looking and rescuing go on.", [SCOPE, &[field("reason", FieldKind::Foreign, "Why.")]];
    SendingResumed = "sending.resumed", "Sending may go on.", [SCOPE, SINCE];
    TroubleBegan = "trouble.began", "Something does not work for a mailbox. Repeats are no events.",
        [CHANNEL, &[
            field("step", FieldKind::Text, "The step that failed."),
            field("what", FieldKind::Foreign, "What happened."),
            field("hint", FieldKind::Text, "What to do."),
            field("sign_in", FieldKind::Flag, "Whether a person has to act before it can sign in."),
        ]];
    TroubleEnded = "trouble.ended", "It works again.", [CHANNEL, SINCE];
}

impl EventKind {
    /// Reads the type's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// What comes before the dot: `letter`, `bounce`, `address` …
    pub fn family(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }

    /// Its fields beside `id`, `at`, `type` and `mailbox`, in the order of the JSON.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        self.groups().iter().copied().flatten()
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
