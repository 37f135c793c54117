//! One file per word. What every other module speaks in; imports nothing of ours.

mod address;
mod finding;
mod letter_id;
mod letter_state;
mod mailbox_kind;
mod moment;
mod outside_mail;
mod placement;
mod reply;
mod signal_class;
mod signal_kind;
mod signal_scope;
mod tidied;
mod verdict;

pub use address::{Address, BadAddress, Domain};
pub use finding::{Finding, Severity, Source};
pub use letter_id::{BadLetterId, LetterId, MessageId, StartIds};
pub use letter_state::{LetterState, SkipReason};
pub(crate) use mailbox_kind::word as mailbox_word;
pub use mailbox_kind::{Provider, Role};
pub use moment::{LocalDate, Moment, RampDay, Zone};
pub use outside_mail::OutsideMail;
pub use placement::{FolderRole, Placement};
pub(crate) use reply::is_unseen;
pub use reply::{Enhanced, Reply};
pub use signal_class::RefusalClass;
pub use signal_kind::{SignalKind, SuppressionCause};
pub use signal_scope::SignalScope;
pub use tidied::Tidied;
pub use verdict::Verdict;
