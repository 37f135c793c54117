//! A ruling in one sentence: the figures first, then what follows from them.

use serde_json::{Value, json};

use super::facts::Subject;
use super::limits::{FLOOR_SEND_DAYS, HELD_SEND_DAYS, OWN_QUOTA_HOURS, PAUSE_DAYS, QUARTER_SEND_DAYS};
use super::ruling::{Judgement, Measure, Rule, Ruling, Until};
use crate::ramp::STEP_BACK;
use crate::words::{Provider, SignalScope, Verdict};

impl Judgement {
    /// The ruling that decides, in one sentence.
    pub fn sentence(&self) -> String {
        self.decided_by().sentence()
    }

    /// What cannot be seen, in one sentence; `None` where everything could be.
    pub fn blind_spot(&self) -> Option<String> {
        let names: Vec<&str> = self.not_observable.iter().map(|provider| provider.as_str()).collect();
        (!names.is_empty()).then(|| format!("Complaints of people at {} are not observable: it reports none.", names.join(" and ")))
    }

    /// The judgement as JSON: `subject`, `date`, `verdict`, `rule`, `sentence`, `until` (null: for the day), `rulings[]`, the harshest first, each with its
    /// `sentence` and every figure of [`Ruling`], and `complaints_not_observable_at[]`.
    pub fn to_json(&self) -> Value {
        let decided = self.decided_by();
        json!({
            "subject": self.subject, "date": self.date, "verdict": decided.verdict, "rule": decided.rule, "sentence": decided.sentence(),
            "until": decided.until, "rulings": self.rulings().iter().map(Ruling::to_json).collect::<Vec<_>>(),
            "complaints_not_observable_at": self.not_observable,
        })
    }
}

impl Ruling {
    /// The ruling as JSON: its fields and its `sentence`.
    pub fn to_json(&self) -> Value {
        let mut json = json!(self);
        json["sentence"] = json!(self.sentence());
        json
    }

    /// What was seen, what that means, and what follows, in one sentence.
    pub fn sentence(&self) -> String {
        let (seen, then) = (self.seen(), self.then());
        match self.rule {
            Rule::Clear => format!("{seen}: {then}."),
            _ => format!("{seen}, so {then}."),
        }
    }

    fn seen(&self) -> String {
        let (from, span, provider) = (self.whose(), self.span(), self.provider.map_or("", Provider::as_str));
        match self.rule {
            Rule::Clear if self.denominator == Some(0) => format!("No letter{from} has been judged yet, and none is overdue"),
            Rule::Clear => self.placed(&span),
            Rule::PlacementHold | Rule::StepBack | Rule::Floor => self.placed(&span) + &self.compared(),
            Rule::SuddenFloor => self.placed("of the last 2 send-days") + &self.compared(),
            Rule::FloorWithoutRelief => {
                let placed = self.placed(&span);
                format!("{FLOOR_SEND_DAYS} send-days at the floor brought no relief: {}", lower_first(&placed))
            }
            Rule::Blind => {
                let (k, of) = (self.numerator, self.of());
                let seen = if k == 0 { format!("None of {of}") } else { format!("Only {k} of {of}") };
                format!("{seen} letters{from} accepted one to four days ago {} been seen anywhere, less than half", has(k))
            }
            Rule::TooFew => {
                let seen = match self.numerator {
                    0 => format!("No letter{from} has"),
                    1 => format!("Only 1 letter{from} has"),
                    n => format!("Only {n} letters{from} have"),
                };
                format!("{seen} been seen {span}, and {} are needed to judge by ({HELD_SEND_DAYS} send-days are waited at most)", self.of())
            }
            Rule::BounceHold | Rule::BouncePause => self.refused(&span) + &self.compared(),
            Rule::AuthenticationPause => {
                format!(
                    "{} recipients of {}{from} {span} refused the sender's authentication, which waiting does not mend",
                    self.numerator,
                    self.mail()
                )
            }
            Rule::ComplaintHold | Rule::ComplaintPause => self.complained(&span) + &self.compared(),
            Rule::PauseGoesOn => format!("The pause{from} of {} goes on", self.window.from),
            Rule::OwnQuota => "The account has reached its provider's own limit".to_owned(),
            Rule::SignIn => "The account cannot sign in".to_owned(),
            Rule::Suspended => "Its provider has suspended the account".to_owned(),
            Rule::InvalidGrant => "The provider wants a person's consent again (invalid_grant)".to_owned(),
            Rule::RateReplies => format!("{provider} said {} that letters{from} come too fast", times(self.numerator)),
            Rule::RouteCarries => {
                format!(
                    "{provider}, in breach since {}, carries {} of {} letters{from}, 30 % or more",
                    self.window.from,
                    self.numerator,
                    self.of()
                )
            }
        }
    }

    fn then(&self) -> String {
        if let (Subject::Route(_, provider), true) = (&self.subject, self.rule != Rule::RateReplies) {
            return format!("{provider} gets a quarter of its share for {QUARTER_SEND_DAYS} send-days");
        }
        match self.verdict {
            Verdict::Advance => "nothing speaks against going on".to_owned(),
            Verdict::Hold => "the position stays".to_owned(),
            Verdict::StepBack => format!("{STEP_BACK} ramp days are taken back"),
            Verdict::Floor => "it sends the start volume, and rescues go on".to_owned(),
            Verdict::Pause => format!("nothing is sent {}{}", self.pause_end(), self.reentry()),
            Verdict::Rest => match self.until {
                Some(Until::Moment(end)) => format!("it rests for {OWN_QUOTA_HOURS} hours, until {end}"),
                Some(Until::Date(date)) => format!("nothing more goes there before {date}"),
                Some(Until::CheckIsClean | Until::PersonActs) | None => "it rests until a person acts".to_owned(),
            },
        }
    }

    fn pause_end(&self) -> String {
        match self.until {
            Some(Until::Date(date)) if self.rule == Rule::PauseGoesOn => format!("before {date}"),
            Some(Until::Date(date)) => format!("for {PAUSE_DAYS} days, until {date}"),
            Some(Until::Moment(end)) => format!("until {end}"),
            Some(Until::CheckIsClean) => "until `preheat check` finds no error".to_owned(),
            Some(Until::PersonActs) | None => "until a person acts".to_owned(),
        }
    }

    fn reentry(&self) -> String {
        self.reentry_quota.map_or_else(String::new, |quota| {
            format!(", and then the ramp goes on where it has {quota} a day, half of the last quota, or at its first day")
        })
    }

    /// `7 of 20 letters of the last 7 days were in spam or missing`.
    fn placed(&self, span: &str) -> String {
        let (k, n) = (self.numerator, self.of());
        let letters = if n == 1 { "letter" } else { "letters" };
        let head = if k == 0 { "None".to_owned() } else { k.to_string() };
        let was = if k <= 1 { "was" } else { "were" };
        format!("{head} of {n} {letters}{} {span} {was} in spam or missing", self.whose())
    }

    fn refused(&self, span: &str) -> String {
        let (from, mail, k) = (self.whose(), self.mail(), self.numerator);
        let classes: Vec<String> = self.classes.iter().map(|(class, count)| format!("{count} {class}")).collect();
        let of = self.denominator.map_or_else(|| format!("{k} {mail}"), |n| format!("{k} of {n} {mail}"));
        let was = if k == 1 { "was" } else { "were" };
        format!("{of}{from} {span} {was} refused for what the sender is or does ({})", classes.join(", "))
    }

    fn complained(&self, span: &str) -> String {
        let (from, mail) = (self.whose(), self.mail());
        let complaints = counted(self.numerator, "complaint", "complaints");
        let of = self.denominator.map_or_else(String::new, |n| format!("{n} "));
        format!("{complaints} came about {of}{mail}{from} {span}")
    }

    /// What was compared with what: `: 15 %, more than 10 %`, `; with 90 % confidence that is more than 20 %`.
    fn compared(&self) -> String {
        let Some(bound) = self.bound else { return String::new() };
        let limit = percent(bound.limit);
        match (bound.measure, bound.value) {
            (_, None) => "; how many were sent is not known, and the number alone is enough".to_owned(),
            (Measure::Share, Some(value)) if bound.or_equal => format!(": {} %, and from {limit} % on it is too much", percent(value)),
            (Measure::Share, Some(value)) => format!(": {} %, more than {limit} %", percent(value)),
            (Measure::Lower90, Some(_)) => format!("; with 90 % confidence that is more than {limit} %"),
            (Measure::Lower95, Some(_)) => format!("; with 95 % confidence that is more than {limit} %"),
        }
    }

    /// `of the last 7 days`, `since the step back of 2026-12-03`.
    fn span(&self) -> String {
        if let Some(restart) = self.window.restarted_by {
            let what = match (&self.subject, restart.verdict) {
                (Subject::Route(..), _) | (_, Verdict::Advance | Verdict::Hold | Verdict::Rest) => {
                    return format!("since {}", restart.date);
                }
                (_, Verdict::StepBack) => "step back",
                (_, Verdict::Floor) => "fall to the floor",
                (_, Verdict::Pause) => return format!("since the pause that ended on {}", restart.date),
            };
            return format!("since the {what} of {}", restart.date);
        }
        match self.window.length() {
            ..=1 => format!("of {}", self.window.to),
            days => format!("of the last {days} days"),
        }
    }

    fn of(&self) -> u64 {
        self.denominator.unwrap_or(0)
    }

    fn mail(&self) -> &'static str {
        match self.scope {
            SignalScope::Warmup => "warmup letters",
            SignalScope::Campaign => "campaign messages",
        }
    }

    /// Of a mailbox's own nothing need be said.
    fn whose(&self) -> String {
        match &self.subject {
            Subject::Mailbox(_) => String::new(),
            Subject::Domain(domain) => format!(" from {domain}"),
            Subject::Route(domain, provider) if self.rule != Rule::RateReplies => format!(" from {domain} to {provider}"),
            Subject::Route(domain, _) => format!(" from {domain}"),
        }
    }
}

pub(super) fn counted(n: u64, one: &str, more: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {more}") }
}

fn has(n: u64) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

/// `15`, `0.1`, `3.33`.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
