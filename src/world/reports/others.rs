//! Mail of others, which is nobody's to touch: what a campaign sends, and what comes in by itself.

use super::draft::Draft;
use super::status::{Outcome, delivery_status};
use super::{About, Personality, Server};
use crate::words::{Address, Moment, Reply};

/// What comes in by itself, and has nothing to do with anything that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A person's message.
    Ordinary,
    /// A newsletter, with List-Id and List-Unsubscribe.
    Newsletter,
    /// A receipt of a shop.
    Receipt,
    /// A vacation answer to a message that this mailbox never sent.
    AutoReply,
    /// A bounce of a message that this mailbox never sent: somebody used its address.
    Bounce,
}

impl Foreign {
    /// Which one a number from 0 to 1 draws: mostly ordinary mail and newsletters.
    pub fn drawn(share: f64) -> Self {
        match share {
            s if s < 0.45 => Self::Ordinary,
            s if s < 0.75 => Self::Newsletter,
            s if s < 0.87 => Self::Receipt,
            s if s < 0.95 => Self::AutoReply,
            _ => Self::Bounce,
        }
    }
}

/// From whom, subject, text.
const ORDINARY: [(&str, &str, &str); 6] = [
    ("Aunt May <may@family.example>", "Sunday", "Are you coming on Sunday? Bring the blue dish, please.\n"),
    ("Tom Becker <tom@chess.example>", "Re: the game", "Knight to f6. Your move.\n"),
    ("Lena <lena@school.example>", "Elternabend", "Am Dienstag um acht, in der Aula. Kommt ihr?\n"),
    ("Dr. Weiss <praxis@teeth.example>", "Your appointment", "We look forward to seeing you on the 14th at half past nine.\n"),
    ("Paul <paul@allotment.example>", "potatoes", "There are far too many again. Take some.\n"),
    ("Inès <ines@voisins.example>", "les clés", "J'ai laissé les clés chez la gardienne.\n"),
];
const NEWSLETTERS: [(&str, &str); 4] = [
    ("Garden Weekly <news@garden.example>", "What to plant in this weather"),
    ("Bahnreisen <brief@trains.example>", "Neue Nachtzüge, und was sie kosten"),
    ("The Loaf <hello@bread.example>", "Rye, and how to be patient with it"),
    ("Cine Club <programa@cine.example>", "La semana en la sala pequeña"),
];

/// A message that came by itself. `n` makes it another one; `somebody` is whom a bounce names.
pub fn foreign(what: Foreign, to: &Address, somebody: &Address, n: u64, at: Moment) -> Vec<u8> {
    let pick = |len: usize| usize::try_from(n).unwrap_or_default() % len;
    let begun = |from: &str, subject: &str| {
        let address = from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>'));
        let mut draft = Draft::to(to, address, from, at);
        draft.field("Subject", subject);
        draft.id(address.rsplit('@').next().unwrap_or_default(), &["foreign", to.as_str(), &n.to_string(), &at.0.to_string()]);
        draft
    };
    match what {
        Foreign::Ordinary => {
            let (from, subject, text) = ORDINARY[pick(ORDINARY.len())];
            begun(from, subject).text(text)
        }
        Foreign::Newsletter => {
            let (from, subject) = NEWSLETTERS[pick(NEWSLETTERS.len())];
            let mut draft = begun(from, subject);
            draft.field("List-Id", "<weekly.list.example>");
            draft.field("List-Unsubscribe", &format!("<mailto:leave@list.example?subject={n}>"));
            draft.field("Precedence", "bulk");
            draft.text("Good morning! Here is what you need to know this week.\n\nTo unsubscribe, click here: https://list.example/leave\n")
        }
        Foreign::Receipt => {
            let mut draft = begun("Paper & Ink <orders@paper.example>", &format!("Your order {} is on its way", 40_000 + n % 9_999));
            draft.field("Auto-Submitted", "auto-generated");
            draft.text("Thank you for your order. Ten envelopes and a pen are on their way to you.\n")
        }
        Foreign::AutoReply => {
            let mut draft = begun("Kim Larsen <kim@fjord.example>", "Automatic reply: your question");
            draft.field("Auto-Submitted", "auto-replied");
            draft.text("I am out of the office until the 9th.\n")
        }
        Foreign::Bounce => {
            let never_sent = campaign(to, somebody, &format!("never-sent-{n}"), at);
            let said = Reply::new(550, "5.1.1 Recipient address rejected: User unknown");
            let by = Server { habits: Personality::Dovecot, of: somebody };
            delivery_status(by, About { from: to, to: somebody, message: &never_sent }, Outcome::Failed(&said), at)
        }
    }
}

/// A message of a campaign that some other tool sends from a mailbox; `key` makes it another one.
pub fn campaign(from: &Address, to: &Address, key: &str, at: Moment) -> Vec<u8> {
    let mut draft = Draft::to(to, from.as_str(), &format!("<{from}>"), at);
    draft.field("Subject", "An offer for your team");
    draft.id(from.domain().as_str(), &["campaign", from.as_str(), to.as_str(), key]);
    draft.field("List-Unsubscribe", &format!("<mailto:{from}?subject=unsubscribe>"));
    draft.text("Good morning,\n\nwe make desks that can be moved up and down. Would you like to see one?\n\nKind regards\n")
}
