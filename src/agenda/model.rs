//! What goes into an agenda and comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::letters::Letters;
use crate::config::{Calendar, Engagement, Window};
use crate::words::{Address, Domain, LetterId, LocalDate, Moment, Provider, Role, Zone};

/// A mailbox as the agenda sees it on one local date.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Its address.
    pub address: Address,
    /// Warming or partner.
    pub role: Role,
    /// Who runs it.
    pub provider: Provider,
    /// Its group, if any.
    pub group: Option<String>,
    /// Its zone.
    pub zone: Zone,
    /// Its window and gaps.
    pub window: Window,
    /// On which days it sends (partners: every day).
    pub calendar: Calendar,
    /// Messages that it may send on the date, answers included; 0: none (paused, suspended, no send-day). A partner's `send_limit`.
    pub quota: u32,
    /// Starts at most, where that is less than the quota: a partner's `start_limit`.
    pub start_limit: Option<u32>,
    /// Letters that it may receive on the date; 0 while it is suspended.
    pub receive_limit: u32,
    /// What it does with what it receives.
    pub engagement: Engagement,
}

/// An answer that an earlier agenda planned and that has come to fall on this date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The answer.
    pub id: LetterId,
    /// Who writes it.
    pub sender: Address,
    /// To whom.
    pub recipient: Address,
    /// How often it was put off already; after 3 send-days it lapses.
    pub put_off: u32,
}

/// What earlier agendas say.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Starts in the six days before the date, by directed pair.
    pub starts: BTreeMap<(Address, Address), u32>,
    /// Answers that fall on this date, oldest first.
    pub carried: Vec<Carried>,
    /// Letters that others, whose agenda of this date is made already, will have sent to each mailbox: they count against its `receive_limit`.
    pub received: BTreeMap<Address, u32>,
    /// Receiving providers of which a sending domain gets only a quarter of its share of starts: the guard says so.
    pub quarters: BTreeMap<Domain, BTreeSet<Provider>>,
}

/// Every draw about a letter, made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// Will be opened, if it is seen in the inbox. (From spam it is always rescued, and then opened.)
    pub open: bool,
    /// Will be answered, once opened or rescued.
    pub answer: bool,
    /// Will be marked important, once opened.
    pub important: bool,
    /// Will be flagged, once opened.
    pub flag: bool,
    /// From the first sighting in spam to the rescue.
    pub rescue_after: Duration,
    /// From the first sighting in the inbox, or from the rescue, to the open.
    pub open_after: Duration,
    /// From the open to the answer.
    pub answer_after: Duration,
    /// What decides its words.
    pub content: u64,
}

/// A letter on the agenda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLetter {
    /// Its id.
    pub id: LetterId,
    /// Who writes it.
    pub sender: Address,
    /// To whom.
    pub recipient: Address,
    /// The sender's local date whose quota it counts against.
    pub date: LocalDate,
    /// The letter that it answers; `None` for a start.
    pub parent: Option<LetterId>,
    /// 1 for a start, 2 for the answer to it, and so on.
    pub in_thread: u32,
    /// When it is due: starts at once; an answer only when its parent has been opened.
    pub due: Option<Moment>,
    /// When it is expected to be sent: for a start its due time, for an answer what the draws foretell.
    pub expected: Moment,
    /// Its draws: what its recipient will do with it.
    pub draws: Draws,
}

/// A mailbox whose quota could not be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The mailbox.
    pub mailbox: Address,
    /// Its quota.
    pub wanted: u32,
    /// The letters that it got, planned and carried answers included.
    pub planned: u32,
    /// What stood in the way, in words: `every recipient outside new.example has 3 letters from it already`.
    pub why: String,
}

/// The letters of one local date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// New letters, ordered by (sender, expected, id). Answers that are expected on a later date carry that date.
    pub letters: Letters,
    /// Carried answers that found no room: put off to this send-day.
    pub put_off: Vec<(LetterId, LocalDate)>,
    /// Carried answers that were put off three times already: they lapse.
    pub lapsed: Vec<LetterId>,
    /// Where the pool could not fill a quota.
    pub shortfalls: Vec<Shortfall>,
}
