//! What the guard says: a judgement, and the rulings that it rests on, each with its figures.

use std::collections::BTreeMap;
use std::fmt;

use super::facts::Subject;
use super::window::Window;
use crate::words::{LocalDate, Moment, Provider, RefusalClass, SignalScope, Verdict, mailbox_word as word};

word! {
    /// The rule that spoke.
    Rule {
        /// No rule had anything to say.
        Clear = "clear",
        /// More than a tenth of the letters was bad.
        PlacementHold = "placement_hold",
        /// Of most letters nobody knows where they are.
        Blind = "blind",
        /// The window began anew, and holds too few letters to judge by.
        TooFew = "too_few",
        /// More than a fifth was bad, with 90 % confidence.
        StepBack = "step_back",
        /// More than two fifths were bad, with 95 % confidence.
        Floor = "floor",
        /// Three quarters of the last two send-days were bad.
        SuddenFloor = "sudden_floor",
        /// Seven send-days at the floor did not help.
        FloorWithoutRelief = "floor_without_relief",
        /// Bounces that are about the sender: more than 3 %.
        BounceHold = "bounce_hold",
        /// Bounces that are about the sender: more than 5 %, with 95 % confidence.
        BouncePause = "bounce_pause",
        /// Two recipients refused the sender's authentication.
        AuthenticationPause = "authentication_pause",
        /// Complaints from 0.1 % on.
        ComplaintHold = "complaint_hold",
        /// Complaints from 0.3 % on.
        ComplaintPause = "complaint_pause",
        /// An earlier pause has not ended.
        PauseGoesOn = "pause_goes_on",
        /// The sending account's own limit was reached.
        OwnQuota = "own_quota",
        /// The account cannot sign in.
        SignIn = "sign_in",
        /// The account is suspended by its provider.
        Suspended = "suspended",
        /// The provider wants the person's consent again.
        InvalidGrant = "invalid_grant",
        /// A receiving provider said "too fast".
        RateReplies = "rate_replies",
        /// A receiving provider in breach carries too much of the domain's mail.
        RouteCarries = "route_carries",
    }
}

word! {
    /// What is compared with a limit.
    Measure {
        /// The share itself.
        Share = "share",
        /// Wilson's lower bound, one-sided 90 %.
        Lower90 = "lower_90",
        /// Wilson's lower bound, two-sided 95 %.
        Lower95 = "lower_95",
    }
}

/// What was compared with what, both from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Bound {
    /// What was compared.
    pub measure: Measure,
    /// Its value; `None` where nobody knows of how many.
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// Whether the limit itself is enough; else only what is above it.
    pub or_equal: bool,
}

/// Until when something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The first date on which it holds no more.
    Date(LocalDate),
    /// A point in time.
    Moment(Moment),
    /// Until a later `check` finds no error.
    CheckIsClean,
    /// Until a person does something about the account.
    PersonActs,
}

impl fmt::Display for Until {
    /// `2026-12-16`, `2026-12-09T08:00:00Z`, `check_is_clean`, `person_acts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Moment(moment) => write!(f, "{moment}"),
            Self::CheckIsClean => f.write_str("check_is_clean"),
            Self::PersonActs => f.write_str("person_acts"),
        }
    }
}
impl Until {
    /// Reads back what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "check_is_clean" => Some(Self::CheckIsClean),
            "person_acts" => Some(Self::PersonActs),
            _ => LocalDate::parse(text).map(Self::Date).or_else(|| Moment::parse_rfc3339(text).map(Self::Moment)),
        }
    }
}
impl serde::Serialize for Until {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What one rule said, with everything that it rests on.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Ruling {
    /// Whom it is about: of a mailbox's judgement it may be its domain.
    pub subject: Subject,
    /// The date that was judged.
    pub date: LocalDate,
    /// What it said.
    pub verdict: Verdict,
    /// The rule.
    pub rule: Rule,
    /// Whose mail it looked at.
    pub scope: SignalScope,
    /// So many …
    pub numerator: u64,
    /// … of so many; `None`: unknown.
    pub denominator: Option<u64>,
    /// What was compared with which limit; `None` for rules that only count.
    pub bound: Option<Bound>,
    /// The dates that it looked at.
    pub window: Window,
    /// Until when it holds; `None`: for the day.
    pub until: Option<Until>,
    /// Bounces by class, for the rules about them; else empty.
    pub classes: BTreeMap<RefusalClass, u64>,
    /// The receiving provider, for the rules about one; else `None`.
    pub provider: Option<Provider>,
    /// Half of the last sent quota: where a pause lets the ramp in again. `None` where nothing was sent, and for all but pauses.
    pub reentry_quota: Option<u32>,
}

/// The guard's word on a subject's date, with every rule that spoke.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Whom it is about.
    pub subject: Subject,
    /// The date.
    pub date: LocalDate,
    /// What was said, the harshest first; never empty.
    rulings: Vec<Ruling>,
    /// Receiving providers of the window's letters that report no complaints: there their number is not 0 but not observable.
    pub not_observable: Vec<Provider>,
}

impl Judgement {
    /// `first` holds where no other ruling is harsher.
    pub(super) fn new(first: Ruling, others: impl IntoIterator<Item = Ruling>, not_observable: Vec<Provider>) -> Self {
        let (subject, date) = (first.subject.clone(), first.date);
        let mut judgement = Self { subject, date, rulings: vec![first], not_observable };
        judgement.add(others);
        judgement
    }

    /// Adds rulings in their order; among equals those that were there go first.
    pub(super) fn add(&mut self, rulings: impl IntoIterator<Item = Ruling>) {
        self.rulings.extend(rulings);
        self.rulings.sort_by_key(|ruling| std::cmp::Reverse(ruling.verdict.harshness()));
        // "Nothing speaks against it" is said only where it is so.
        if self.rulings.iter().any(|ruling| ruling.rule != Rule::Clear) {
            self.rulings.retain(|ruling| ruling.rule != Rule::Clear);
        }
    }

    /// The ruling that decides.
    ///
    /// # Panics
    /// Never: there is one from the beginning, and none is taken away without another.
    pub fn decided_by(&self) -> &Ruling {
        &self.rulings[0]
    }

    /// The verdict: the word that the ramp folds.
    pub fn verdict(&self) -> Verdict {
        self.decided_by().verdict
    }

    /// All that was said, the harshest first.
    pub fn rulings(&self) -> &[Ruling] {
        &self.rulings
    }

    /// Whether the mailbox stands still today: it pauses or rests.
    pub fn stops_sending(&self) -> bool {
        matches!(self.verdict(), Verdict::Pause | Verdict::Rest)
    }

    /// What is to be remembered of it for the days to come.
    pub fn as_past(&self) -> super::facts::PastVerdict {
        super::facts::PastVerdict { verdict: self.verdict(), until: self.decided_by().until }
    }

    /// A mailbox's judgement with its domain's: the harsher wins, and what both said is kept.
    #[must_use]
    pub fn harsher(mut self, domain: &Self) -> Self {
        self.add(domain.rulings.iter().cloned());
        for provider in &domain.not_observable {
            if !self.not_observable.contains(provider) {
                self.not_observable.push(*provider);
            }
        }
        self
    }
}
