//! Which events somebody wants.

use std::collections::BTreeSet;

use super::kind::EventKind;
use super::{Event, Happened};
use crate::words::{Address, Domain};

/// Types of events: of one name, or of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(pub Vec<EventKind>);

impl Kinds {
    /// Reads a type (`letter.seen`) or what comes before its dot (`letter`, `letter.*`).
    ///
    /// # Errors
    /// The nearest name, or all families.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = EventKind::ALL.iter().copied();
        let family = text.strip_suffix(".*").unwrap_or(text);
        let named: Vec<EventKind> = all.clone().filter(|kind| kind.as_str() == text || kind.family() == family).collect();
        if !named.is_empty() {
            return Ok(Self(named));
        }
        let near = all.clone().map(|kind| (strsim::damerau_levenshtein(kind.as_str(), text), kind)).filter(|(far, _)| *far <= 4).min();
        if let Some((_, kind)) = near {
            return Err(format!("there is no such type; did you mean {kind}?"));
        }
        let families: BTreeSet<&str> = all.map(EventKind::family).collect();
        let families: Vec<&str> = families.into_iter().collect();
        Err(format!("there is no such type; all of one kind are {}", families.join(", ")))
    }
}

/// Which events somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    kinds: Option<BTreeSet<EventKind>>,
    mailboxes: Option<Mailboxes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mailboxes {
    addresses: BTreeSet<Address>,
    domains: BTreeSet<Domain>,
}

impl EventFilter {
    /// Only these types; all of them where none is named.
    #[must_use]
    pub fn of_kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        let kinds: BTreeSet<EventKind> = kinds.into_iter().collect();
        self.kinds = (!kinds.is_empty()).then_some(kinds);
        self
    }

    /// Only what concerns these mailboxes: letters from and to them, what they received, what holds for them, for their domains, or for the whole pool,
    /// and the list of suppressed addresses, which is one for all.
    #[must_use]
    pub fn of_mailboxes(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        let addresses: BTreeSet<Address> = addresses.into_iter().collect();
        let domains = addresses.iter().map(Address::domain).collect();
        self.mailboxes = Some(Mailboxes { addresses, domains });
        self
    }

    /// Whether events of a type are wanted at all.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Whether an event is wanted.
    pub fn takes(&self, event: &Event) -> bool {
        self.wants(event.kind()) && self.mailboxes.as_ref().is_none_or(|these| these.concerned_by(event))
    }
}

impl Mailboxes {
    fn concerned_by(&self, event: &Event) -> bool {
        if event.mailbox.as_ref().is_some_and(|mailbox| self.addresses.contains(mailbox)) {
            return true;
        }
        match &event.happened {
            Happened::Letter(news) => self.addresses.contains(&news.recipient),
            Happened::Verdict(news) => self.named_by(&news.subject),
            Happened::Paused { scope, .. } | Happened::Resumed { scope, .. } => self.named_by(scope),
            Happened::Ready { domain, .. } => self.domains.contains(domain),
            Happened::Suppressed { .. } | Happened::Unsuppressed { .. } => true,
            Happened::Signal(_)
            | Happened::Suspended { .. }
            | Happened::Released { .. }
            | Happened::TroubleBegan { .. }
            | Happened::TroubleEnded { .. } => false,
        }
    }

    /// `all`, `domain:new.example`, `route:new.example/gmail`. That of a mailbox is the event's own.
    fn named_by(&self, subject: &str) -> bool {
        match subject.split_once(':') {
            None => subject == "all",
            Some(("domain" | "route", rest)) => {
                let domain = rest.split('/').next().unwrap_or_default();
                self.domains.iter().any(|d| d.as_str() == domain)
            }
            Some(_) => false,
        }
    }
}
