//! What is known of a subject: counts by local date and receiving provider, and what was said of it before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::ruling::Until;
use crate::words::{Address, Domain, LocalDate, Moment, Provider, RefusalClass, SignalScope, Verdict, mailbox_word as word};

/// Whom a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One mailbox.
    Mailbox(Address),
    /// A domain: its warming mailboxes pooled.
    Domain(Domain),
    /// A domain's letters to one receiving provider.
    Route(Domain, Provider),
}

impl Subject {
    /// Reads back what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("mailbox", address) => Address::parse(address).ok().map(Self::Mailbox),
            ("domain", domain) => Domain::parse(domain).ok().map(Self::Domain),
            ("route", route) => {
                let (domain, provider) = route.split_once('/')?;
                Some(Self::Route(Domain::parse(domain).ok()?, Provider::parse(provider)?))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    /// `mailbox:anna@new.example`, `domain:new.example`, `route:new.example/gmail`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(address) => write!(f, "mailbox:{address}"),
            Self::Domain(domain) => write!(f, "domain:{domain}"),
            Self::Route(domain, provider) => write!(f, "route:{domain}/{provider}"),
        }
    }
}
impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Everything that the guard judges by. Dates are the subject's own local dates.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whom it is about.
    pub subject: Subject,
    /// The date that is judged; what later dates hold is not looked at.
    pub date: LocalDate,
    /// Plan time, for rests that are counted in hours.
    pub now: Moment,
    /// What became of each date's mail.
    pub days: BTreeMap<LocalDate, DayFacts>,
    /// Dates on which a letter was handed over.
    pub send_days: BTreeSet<LocalDate>,
    /// Letters that must have been seen by now.
    pub aged: Aged,
    /// What keeps the account from sending now, and its own limit's last word. Empty for a domain.
    pub troubles: Vec<AccountTrouble>,
    /// The verdicts that held on earlier dates: for a mailbox the harsher of its own and its domain's.
    pub history: BTreeMap<LocalDate, PastVerdict>,
    /// The last `check` of the domain's DNS and accounts; `None`: never checked.
    pub check: Option<CheckFacts>,
    /// When a person last lifted a pause of the guard by hand: none that began earlier is in force.
    pub lifted_on: Option<LocalDate>,
    /// The quota of the last day on which something was sent. `None` for a domain, and before the first letter.
    pub last_sent_quota: Option<u32>,
    /// For a route: the last date on which it was in breach, and what was said then. [`super::judge_routes`] sets it.
    pub breach: Option<(LocalDate, Verdict)>,
}

/// What became of the mail that was sent on one date. A signal counts on the date of the message it is about, else on the date it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFacts {
    /// Warmup letters by receiving provider.
    pub letters: BTreeMap<Provider, Letters>,
    /// Messages of others sent from the same mailbox; `None`: unknown. 0 is a claim, too.
    pub campaign_sent: Option<u32>,
    /// Bounces and refusals, of every class.
    pub bounces: Vec<Bounces>,
    /// Complaints.
    pub complaints: Vec<Complaints>,
    /// Replies of receiving providers that said "too fast" (Gmail's 4.7.28 and its like).
    pub rate_replies: BTreeMap<Provider, u32>,
}

/// Warmup letters of one date to one provider. Each letter is in one count at most, apart from `sent`, which has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Letters {
    /// Handed over.
    pub sent: u32,
    /// Seen in the inbox.
    pub inbox: u32,
    /// Seen in a tab of the inbox.
    pub category: u32,
    /// Seen in spam, rescued since or not.
    pub spam: u32,
    /// Not found in 24 hours though every folder was read.
    pub missing: u32,
    /// A person's own rule moved it: in no rate.
    pub filed: u32,
    /// Nobody knows whether it was taken: in no rate, but in a column of its own.
    pub unaccounted: u32,
}

impl Letters {
    /// Spam and missing.
    pub fn bad(&self) -> u64 {
        u64::from(self.spam) + u64::from(self.missing)
    }

    /// Inbox and its tabs.
    pub fn good(&self) -> u64 {
        u64::from(self.inbox) + u64::from(self.category)
    }

    /// What a rate is taken of: bad, inbox and category.
    pub fn n(&self) -> u64 {
        self.bad() + self.good()
    }

    /// All of them together.
    pub fn sum<'a>(letters: impl IntoIterator<Item = &'a Self>) -> Self {
        letters.into_iter().fold(Self::default(), |mut sum, more| {
            sum.add(more);
            sum
        })
    }

    /// Adds up; what does not fit stays at the largest number.
    pub fn add(&mut self, other: &Self) {
        let Self { sent, inbox, category, spam, missing, filed, unaccounted } = self;
        for (sum, more) in [
            (sent, other.sent),
            (inbox, other.inbox),
            (category, other.category),
            (spam, other.spam),
            (missing, other.missing),
            (filed, other.filed),
            (unaccounted, other.unaccounted),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Refusals of one date by one provider that were about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounces {
    /// Whose mail it was.
    pub scope: SignalScope,
    /// Who refused it.
    pub provider: Provider,
    /// What it was about.
    pub class: RefusalClass,
    /// How many messages.
    pub count: u32,
    /// To whom they were; needed for `authentication` only, may be empty for the others.
    pub recipients: BTreeSet<Address>,
}

/// Complaints of one date by people at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complaints {
    /// Whose mail it was.
    pub scope: SignalScope,
    /// Where the person reads mail.
    pub provider: Provider,
    /// How many.
    pub count: u32,
}

/// Letters accepted 24 to 96 hours ago: old enough to have been seen, young enough to matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aged {
    /// Accepted.
    pub accepted: u32,
    /// Of these: seen in the inbox, a category, spam, or filed. Missing is an end, not a placement.
    pub placed: u32,
}

word! {
    /// What keeps an account from sending.
    TroubleKind {
        /// The account's own limit was reached.
        OwnQuota = "own_quota",
        /// The password or token was not taken.
        SignIn = "sign_in",
        /// Its provider has suspended the account.
        Suspended = "suspended",
        /// A refresh was answered `invalid_grant`: the person has to consent again.
        InvalidGrant = "invalid_grant",
    }
}

/// Something that keeps an account from sending. All but the own limit are listed for as long as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTrouble {
    /// What.
    pub kind: TroubleKind,
    /// When it was last said.
    pub at: Moment,
}

/// What was said of an earlier date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// Until when it holds, where it said so.
    pub until: Option<Until>,
}

/// What the last `check` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// On which date.
    pub date: LocalDate,
    /// What does not work.
    pub errors: u32,
    /// What works worse than it could.
    pub warnings: u32,
}

impl Facts {
    /// Facts of which nothing is known yet.
    pub fn new(subject: Subject, date: LocalDate, now: Moment) -> Self {
        Self {
            subject,
            date,
            now,
            days: BTreeMap::new(),
            send_days: BTreeSet::new(),
            aged: Aged::default(),
            troubles: Vec::new(),
            history: BTreeMap::new(),
            check: None,
            lifted_on: None,
            last_sent_quota: None,
            breach: None,
        }
    }

    /// The last earlier date after which the window begins anew, with its verdict.
    pub(super) fn restart(&self) -> Option<(LocalDate, Verdict)> {
        let earlier = self.history.range(..self.date).rev().map(|(date, past)| (*date, past.verdict));
        let restarting = earlier.into_iter().find(|(_, verdict)| verdict.restarts_window());
        let breach = self.breach.filter(|(date, _)| *date < self.date);
        [restarting, breach].into_iter().flatten().max_by_key(|(date, _)| *date)
    }

    /// Send-days after `date`, up to the one that is judged.
    pub(super) fn send_days_since(&self, date: LocalDate) -> usize {
        self.send_days.iter().filter(|day| **day > date && **day <= self.date).count()
    }
}

/// A domain's facts for [`super::judge`]: those of its warming mailboxes, pooled.
///
/// Of each mailbox only what its own window still holds is taken, so that a mailbox which was taken back for some letters is not taken back
/// with its domain for the same ones. `history` is the domain's own.
pub fn pool_to_judge(domain: Domain, date: LocalDate, now: Moment, members: &[Facts], history: BTreeMap<LocalDate, PastVerdict>) -> Facts {
    pool(domain, date, now, members, history, |member, date| member.restart().is_none_or(|(restart, _)| date > restart))
}

/// A domain's facts for [`super::health`] and [`super::ready`]: every letter of its warming mailboxes, punished or not.
pub fn pool_to_describe(
    domain: Domain,
    date: LocalDate,
    now: Moment,
    members: &[Facts],
    history: BTreeMap<LocalDate, PastVerdict>,
) -> Facts {
    pool(domain, date, now, members, history, |_, _| true)
}

fn pool(
    domain: Domain,
    date: LocalDate,
    now: Moment,
    members: &[Facts],
    history: BTreeMap<LocalDate, PastVerdict>,
    counts: impl Fn(&Facts, LocalDate) -> bool,
) -> Facts {
    let mut pooled = Facts { history, ..Facts::new(Subject::Domain(domain), date, now) };
    for member in members {
        pooled.send_days.extend(&member.send_days);
        pooled.aged.accepted = pooled.aged.accepted.saturating_add(member.aged.accepted);
        pooled.aged.placed = pooled.aged.placed.saturating_add(member.aged.placed);
        pooled.check = later(pooled.check, member.check);
        pooled.lifted_on = pooled.lifted_on.max(member.lifted_on);
        for (date, day) in member.days.iter().filter(|(date, _)| counts(member, **date)) {
            pooled.days.entry(*date).and_modify(|sum| sum.add(day)).or_insert_with(|| day.clone());
        }
    }
    pooled
}

/// The later of two checks; of one date, the worse.
fn later(a: Option<CheckFacts>, b: Option<CheckFacts>) -> Option<CheckFacts> {
    [a, b].into_iter().flatten().max_by_key(|check| (check.date, check.errors, check.warnings))
}

impl DayFacts {
    /// Adds another mailbox's day. What is unknown of one is unknown of both.
    fn add(&mut self, other: &Self) {
        for (provider, letters) in &other.letters {
            self.letters.entry(*provider).or_default().add(letters);
        }
        self.campaign_sent = self.campaign_sent.zip(other.campaign_sent).map(|(a, b)| a.saturating_add(b));
        self.bounces.extend(other.bounces.iter().cloned());
        self.complaints.extend(&other.complaints);
        for (provider, count) in &other.rate_replies {
            let sum = self.rate_replies.entry(*provider).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// All its letters.
    pub(super) fn all_letters(&self) -> Letters {
        Letters::sum(self.letters.values())
    }
}
