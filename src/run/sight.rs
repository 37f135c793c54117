//! From the headers that a look found to what the ledger is to note: which messages are letters of ours, and which only pretend.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use mail_parser::{HeaderName, MessageParser};

use crate::config::Config;
use crate::engage::{self, Habits};
use crate::ledger::{LetterFacts, RefusedMark, Sighted};
use crate::letter::{BadMark, Keyring};
use crate::mail::{Header, Uid};
use crate::words::{Address, FolderRole, LetterId, MessageId, Moment, Placement};

/// Reads who wrote to whom under which id; every other header stays raw.
static HEADERS: LazyLock<MessageParser> = LazyLock::new(|| {
    let parser = MessageParser::new().header_id(HeaderName::MessageId);
    parser.header_address(HeaderName::From).header_address(HeaderName::To).default_header_ignore()
});

/// What a message's headers claim, before the ledger is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A mark that holds, on a letter from a pool address to this mailbox.
    Ours {
        /// Its UID.
        uid: Uid,
        /// The letter.
        letter: LetterId,
        /// From whom.
        from: Address,
    },
    /// No mark, but a Message-ID of our making: its header was stripped on the way. Seen at most, never acted on.
    Stripped {
        /// Its UID.
        uid: Uid,
        /// The letter that the Message-ID names.
        letter: LetterId,
    },
    /// A mark that does not hold.
    Refused(RefusedMark),
}

/// One message with what it claims and the Message-ID that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The claim.
    pub claim: Claim,
    /// The Message-ID that the server shows.
    pub message_id: Option<MessageId>,
    /// Its flags.
    pub flags: Vec<String>,
    /// Its bytes.
    pub size: u32,
    /// Whether the provider put it into a tab of the inbox.
    pub category: bool,
}

/// What the headers of a look are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Letters of ours, and what pretends to be one.
    pub claims: Vec<Claimed>,
    /// Messages that claim nothing: somebody else's, or a report. What this mailbox wrote itself is in neither.
    pub strangers: BTreeSet<Uid>,
}

/// Reads the headers that a look found.
pub fn read_claims(headers: &[Header], mailbox: &Address, config: &Config, keys: &Keyring) -> Shown {
    let mut shown = Shown::default();
    for header in headers {
        match read_claim(header, mailbox, config, keys) {
            Seen::Claims(claimed) => shown.claims.push(claimed),
            Seen::Stranger => drop(shown.strangers.insert(header.uid)),
            Seen::Own => {}
        }
    }
    shown
}

/// One header, read.
enum Seen {
    Claims(Claimed),
    Stranger,
    /// A copy of what this mailbox sent itself, kept in whatever folder: no letter to it.
    Own,
}

fn read_claim(header: &Header, mailbox: &Address, config: &Config, keys: &Keyring) -> Seen {
    let Some(message) = HEADERS.parse_headers(&header.raw[..]) else { return Seen::Stranger };
    let message_id = message.message_id().and_then(MessageId::parse);
    let mark = message.header_raw(HeaderName::Other("X-Preheat".into())).map(str::trim);
    let from = message.from().and_then(|a| a.first()).and_then(|a| a.address()).and_then(|a| Address::parse(a).ok());
    if from.as_ref() == Some(mailbox) {
        return Seen::Own;
    }
    let uid = header.uid;
    let refused = |why, letter| Claim::Refused(RefusedMark { uid, why, letter });
    let claim = match (mark, from) {
        (Some(value), Some(from)) if config.mailboxes.contains_key(&from) => match keys.verify(value, &from, mailbox) {
            Ok(mark) => Claim::Ours { uid, letter: mark.letter, from },
            Err(BadMark::UnknownKey) => refused("key", None),
            Err(BadMark::Signature) => refused("signature", None),
            Err(_) => refused("shape", None),
        },
        (Some(_), _) => refused("signature", None),
        (None, Some(from)) if config.mailboxes.contains_key(&from) => match message_id.as_ref().and_then(MessageId::letter) {
            Some(letter) => Claim::Stripped { uid, letter },
            None => return Seen::Stranger,
        },
        (None, _) => return Seen::Stranger,
    };
    let category = header.category.as_deref().is_some_and(|c| c != "primary");
    Seen::Claims(Claimed { claim, message_id, flags: header.flags.clone(), size: header.size, category })
}

/// The letters that claims name, to be asked of the ledger.
pub fn letters_named(claims: &[Claimed]) -> Vec<LetterId> {
    let ids: BTreeSet<LetterId> = claims
        .iter()
        .filter_map(|c| match &c.claim {
            Claim::Ours { letter, .. } | Claim::Stripped { letter, .. } => Some(*letter),
            Claim::Refused(_) => None,
        })
        .collect();
    ids.into_iter().collect()
}

/// What a folder's role makes of a letter that lies in it.
pub fn placement_of(role: FolderRole, category: bool) -> Placement {
    match role {
        FolderRole::Inbox if category => Placement::Category,
        FolderRole::Inbox => Placement::Inbox,
        FolderRole::Spam => Placement::Spam,
        _ => Placement::Filed,
    }
}

/// What claims turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Letters of ours.
    pub sighted: Vec<Sighted>,
    /// Messages with our header that are not acted on.
    pub refused: Vec<RefusedMark>,
    /// Messages that only look like letters of ours: somebody at a mailbox of the pool wrote them, or a machine there.
    pub strangers: BTreeSet<Uid>,
}

/// Holds the claims against what the ledger knows. `still_elsewhere`: letters whose earlier copy is still where it was, so that this one is a second.
pub fn judge(
    claims: Vec<Claimed>,
    known: &BTreeMap<LetterId, LetterFacts>,
    still_elsewhere: &BTreeSet<LetterId>,
    mailbox: &Address,
    role: FolderRole,
    habits: Habits<'_>,
    now: Moment,
) -> Judged {
    let mut judged = Judged::default();
    let Judged { sighted, refused, strangers } = &mut judged;
    for Claimed { claim, message_id, flags, size, category } in claims {
        let placement = placement_of(role, category);
        match claim {
            Claim::Refused(mark) => refused.push(mark),
            Claim::Ours { uid, letter, from } => {
                let mark = |why| RefusedMark { uid, why, letter: Some(letter) };
                match known.get(&letter) {
                    None => refused.push(mark("unknown_letter")),
                    Some(l) if l.plan.sender != from || l.plan.recipient != *mailbox => refused.push(mark("not_for_us")),
                    Some(_) if still_elsewhere.contains(&letter) => refused.push(mark("duplicate")),
                    Some(l) => sighted.push(Sighted {
                        letter,
                        uid,
                        flags,
                        size,
                        marked: true,
                        placement,
                        message_id,
                        actions: engage::on_first_sighting(placement, &l.plan.draws, now, habits),
                        after_rescue: engage::after_rescue(&l.plan.draws, now, habits),
                    }),
                }
            }
            Claim::Stripped { uid, letter } => {
                // Only a letter that was sent to this mailbox under exactly this Message-ID; anything else is somebody's mail.
                let is_it = known
                    .get(&letter)
                    .is_some_and(|l| l.plan.recipient == *mailbox && message_id.is_some() && l.message_id_sent == message_id);
                if !is_it {
                    strangers.insert(uid);
                } else if !still_elsewhere.contains(&letter) {
                    sighted.push(Sighted {
                        letter,
                        uid,
                        flags,
                        size,
                        marked: false,
                        placement,
                        message_id,
                        actions: Vec::new(),
                        after_rescue: Vec::new(),
                    });
                }
            }
        }
    }
    judged
}

/// The letter of `sender`'s own that a message of its Sent folder is, by its mark.
pub fn own_letter(header: &Header, sender: &Address, keys: &Keyring) -> Option<LetterId> {
    let message = HEADERS.parse_headers(&header.raw[..])?;
    let mark = message.header_raw(HeaderName::Other("X-Preheat".into()))?.trim();
    let to = message.to().and_then(|a| a.first()).and_then(|a| a.address()).and_then(|a| Address::parse(a).ok())?;
    keys.verify(mark, sender, &to).ok().map(|m| m.letter)
}
