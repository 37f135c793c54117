//! The numbers of the modelled world, from `assumptions.yaml`: each with what it rests on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Deserialize;

use super::Personality;
use crate::words::{RefusalClass, Reply};

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    numbers: Assumed,
    replies: Replies,
}

/// One number, for everybody or for each personality, and what it rests on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assumption {
    all: Option<f64>,
    #[serde(rename = "gmail-like")]
    gmail: Option<f64>,
    #[serde(rename = "microsoft-like")]
    microsoft: Option<f64>,
    #[serde(rename = "dovecot-like")]
    dovecot: Option<f64>,
    unit: String,
    rests_on: String,
}

/// What receivers say, by receiver or personality.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replies {
    gone: BTreeMap<String, String>,
    full: BTreeMap<String, String>,
    blocklisted: BTreeMap<String, String>,
    unauthenticated: BTreeMap<String, String>,
    too_fast: BTreeMap<String, String>,
}

/// Why a receiver does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    Gone,
    Full,
    Blocklisted,
    Unauthenticated,
    TooFast,
}

impl No {
    /// What that is about, as servers of this kind say it: Gmail speaks of a reputation, never of a list.
    pub(super) const fn class(self, habits: Personality) -> RefusalClass {
        match self {
            Self::Blocklisted if matches!(habits, Personality::Gmail) => RefusalClass::Reputation,
            Self::Gone => RefusalClass::BadAddress,
            Self::Full => RefusalClass::Full,
            Self::Blocklisted => RefusalClass::Blocklist,
            Self::Unauthenticated => RefusalClass::Authentication,
            Self::TooFast => RefusalClass::Rate,
        }
    }

    #[cfg(test)]
    pub(super) const ALL: [Self; 5] = [Self::Gone, Self::Full, Self::Blocklisted, Self::Unauthenticated, Self::TooFast];
}

macro_rules! numbers {
    ($($name:ident),+ $(,)?) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Assumed { $($name: Assumption),+ }

        /// The numbers of one personality; what each is stands in `assumptions.yaml`.
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Numbers { $(pub(super) $name: f64),+ }

        impl Assumed {
            fn of(&self, personality: Personality) -> Numbers {
                Numbers { $($name: self.$name.of(personality)),+ }
            }

            fn each(&self) -> Vec<(&'static str, &Assumption)> {
                vec![$((stringify!($name), &self.$name)),+]
            }
        }
    };
}

numbers! {
    unknown, well_known,
    most_earned, pace, pace_messages, opened_worth, answered_worth, flagged_worth, spam_cost, rescued_worth, even_worth, worth_memory,
    domain_share,
    idle_grace, idle_keeps, volume_memory,
    free_volume_domain, free_volume_mailbox, growth_share, growth_messages, step_harm, distrust, distrust_harm, rate_limit, rate_wait,
    harm_half_life, most_harm, complaint_harm, bad_address_harm, harm_volume, blocklist_harm,
    dmarc_fails, one_of_two_fails, dmarc_refused,
    promotions, updates,
    report_soon, report_from, report_to, report_in_spam, delay_notice,
    complaints_reported, complaints_unnamed, away_again,
    campaign_unknown, campaign_full, campaign_refused, campaign_late, campaign_told, campaign_away, campaign_answered, campaign_unsubscribed,
    foreign_every,
}

impl Numbers {
    /// When a sender's server tries again.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs((self.rate_wait * 60.0) as u64)
    }
}

impl Assumption {
    /// NaN where the file has no number for it; a test looks for that.
    fn of(&self, personality: Personality) -> f64 {
        let own = match personality {
            Personality::Gmail => self.gmail,
            Personality::Microsoft => self.microsoft,
            Personality::Dovecot => self.dovecot,
        };
        own.or(self.all).unwrap_or(f64::NAN)
    }
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        serde_saphyr::from_str(include_str!("assumptions.yaml")).expect("assumptions.yaml is compiled in, and a test reads it")
    })
}

/// The numbers of a personality.
pub(super) fn numbers(personality: Personality) -> &'static Numbers {
    static ALL: OnceLock<[Numbers; 3]> = OnceLock::new();
    let [gmail, microsoft, dovecot] =
        ALL.get_or_init(|| [Personality::Gmail, Personality::Microsoft, Personality::Dovecot].map(|p| file().numbers.of(p)));
    match personality {
        Personality::Gmail => gmail,
        Personality::Microsoft => microsoft,
        Personality::Dovecot => dovecot,
    }
}

/// What a receiver says: in its own words where the file has them, else in those of its personality.
pub(super) fn reply(no: No, receiver: &str, personality: Personality) -> Reply {
    let replies = match no {
        No::Gone => &file().replies.gone,
        No::Full => &file().replies.full,
        No::Blocklisted => &file().replies.blocklisted,
        No::Unauthenticated => &file().replies.unauthenticated,
        No::TooFast => &file().replies.too_fast,
    };
    let line = replies.get(receiver).or_else(|| replies.get(personality.as_str())).map_or("550 5.7.1 Refused", String::as_str);
    let (code, text) = line.split_once(' ').unwrap_or(("550", line));
    Reply::new(code.parse().unwrap_or(550), text)
}

/// The table of all numbers for `docs/model.md`, in Markdown.
pub fn assumptions_markdown() -> String {
    let mut out =
        String::from("| number | gmail-like | microsoft-like | dovecot-like | unit | rests on |\n| --- | --- | --- | --- | --- | --- |\n");
    for (name, assumed) in file().numbers.each() {
        let [gmail, microsoft, dovecot] = [Personality::Gmail, Personality::Microsoft, Personality::Dovecot].map(|p| assumed.of(p));
        let _ = writeln!(out, "| `{name}` | {gmail} | {microsoft} | {dovecot} | {} | {} |", assumed.unit, assumed.rests_on);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_there_for_every_personality_and_says_what_it_rests_on() {
        for (name, assumed) in file().numbers.each() {
            for personality in Personality::ALL {
                let number = assumed.of(*personality);
                assert!(number.is_finite() && number >= 0.0, "{name} of {personality}: {number}");
            }
            let own = [assumed.gmail, assumed.microsoft, assumed.dovecot];
            assert!(own.iter().all(Option::is_some) != assumed.all.is_some(), "{name}: one for all, or one each");
            assert!(["ours", "published: ", "preheat: "].iter().any(|on| assumed.rests_on.starts_with(on)), "{name}");
            assert!(!assumed.unit.is_empty(), "{name}");
        }
    }

    #[test]
    fn shares_are_shares() {
        for personality in Personality::ALL {
            let n = numbers(*personality);
            let campaign = [
                n.campaign_unknown,
                n.campaign_full,
                n.campaign_refused,
                n.campaign_late,
                n.campaign_told,
                n.campaign_away,
                n.campaign_answered,
                n.campaign_unsubscribed,
            ];
            let shares = [n.pace, n.worth_memory, n.domain_share, n.idle_keeps, n.dmarc_refused, n.promotions + n.updates];
            let shares = [&shares[..], &[n.report_in_spam, n.complaints_reported, n.complaints_unnamed, campaign.iter().sum()]].concat();
            assert!(shares.iter().all(|s| (0.0..=1.0).contains(s)), "{personality}: {shares:?}");
            assert!(n.free_volume_domain > 0.0 && n.free_volume_mailbox > 0.0 && n.harm_volume > 0.0 && n.harm_half_life > 0.0);
            assert!(n.report_from < n.report_to && n.report_from > 0.0 && n.foreign_every > 0.0, "{personality}");
        }
    }

    #[test]
    fn every_receiver_has_words_of_its_own_or_those_of_its_kind() {
        let said = |no, receiver| reply(no, receiver, Personality::Dovecot).to_string();
        assert!(said(No::Blocklisted, "yahoo").starts_with("553 5.7.1 [BL21] "));
        assert_eq!(said(No::Blocklisted, "new.example"), "554 5.7.1 Service unavailable; Sender address blocked using a domain blocklist");
        for personality in Personality::ALL {
            for no in No::ALL {
                let reply = reply(no, "nobody", *personality);
                // Gmail tries a full mailbox again, the others do not.
                let passes = no == No::TooFast || no == No::Full && *personality == Personality::Gmail;
                assert!(reply.enhanced.is_some() && reply.is_permanent() != passes && reply.is_transient() == passes, "{reply}");
            }
        }
    }

    #[test]
    fn what_receivers_say_is_understood_as_what_they_mean() {
        use crate::classify::classify;
        use crate::words::Provider;
        let receivers = [
            ("gmail", Personality::Gmail, Provider::Gmail),
            ("microsoft", Personality::Microsoft, Provider::Microsoft),
            ("yahoo", Personality::Dovecot, Provider::Yahoo),
            ("icloud", Personality::Dovecot, Provider::Icloud),
            ("new.example", Personality::Dovecot, Provider::Generic),
        ];
        for (receiver, personality, provider) in receivers {
            for no in No::ALL {
                let reply = reply(no, receiver, personality);
                let class = classify(provider, &reply);
                // A full mailbox that may be emptied says nothing final.
                let passes = no == No::Full && reply.is_transient();
                assert_eq!(class, if passes { RefusalClass::Temporary } else { no.class(personality) }, "{receiver}: {reply}");
            }
        }
    }

    #[test]
    fn the_page_on_the_model_shows_the_numbers_that_are_in_use() {
        let page = include_str!("../../docs/model.md");
        let table = assumptions_markdown();
        assert!(page.contains(&table), "docs/model.md must hold this table:\n{table}");
    }
}
