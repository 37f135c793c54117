//! From what the ledger holds of a mailbox's mail to the facts that the guard judges by. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::classify::{Recipient, classify, is_greylisting};
use crate::config::{Config, Mailbox, provider_of_domain};
use crate::guard::{AccountTrouble, Aged, Bounces, Complaints, DayFacts, Letters, TroubleKind};
use crate::ledger::{DescribedMail, HeardSignal, JudgedLetter, JudgedMail, RefusedLetter, TroubleRow};
use crate::words::{Address, LetterState, LocalDate, Moment, Placement, Provider, RefusalClass, SignalKind, SignalScope};

/// Letters must have been seen after this …
const SEEN_WITHIN: Duration = Duration::from_hours(24);
/// … and say something of today until this.
const MATTERS_FOR: Duration = Duration::from_hours(96);

/// Who runs an address: the config knows its own, and consumer domains are known; any other is generic.
pub(super) fn provider_of(config: &Config, address: &Address) -> Provider {
    config
        .mailboxes
        .get(address)
        .map_or_else(|| provider_of_domain(address.domain().as_str()).unwrap_or(Provider::Generic), |mailbox| mailbox.provider)
}

/// What became of each date's mail of a mailbox.
pub(super) fn days_of(config: &Config, mailbox: &Mailbox, mail: &JudgedMail) -> BTreeMap<LocalDate, DayFacts> {
    let mut days: BTreeMap<LocalDate, DayFacts> = BTreeMap::new();
    for letter in &mail.letters {
        let provider = provider_of(config, &letter.recipient);
        count(days.entry(letter.date).or_default().letters.entry(provider).or_default(), letter);
    }
    note_words(&mut days, config, mailbox, &mail.refused, &mail.signals);
    days
}

/// The same from sums, whose receiving providers are those that the config named at the last run.
pub(super) fn days_of_sums(config: &Config, mailbox: &Mailbox, mail: &DescribedMail) -> BTreeMap<LocalDate, DayFacts> {
    let mut days: BTreeMap<LocalDate, DayFacts> = BTreeMap::new();
    for sum in &mail.sums {
        days.entry(sum.date).or_default().letters.entry(sum.provider).or_default().add(&sum.letters);
    }
    note_words(&mut days, config, mailbox, &mail.refused, &mail.signals);
    days
}

/// Adds what servers and people said of the mail.
fn note_words(
    days: &mut BTreeMap<LocalDate, DayFacts>,
    config: &Config,
    mailbox: &Mailbox,
    refused: &[RefusedLetter],
    signals: &[HeardSignal],
) {
    for refused in refused {
        note_refusal(days.entry(refused.date).or_default(), provider_of(config, &refused.recipient), mailbox.provider, refused);
    }
    for heard in signals {
        note_signal(days.entry(heard.0.date).or_default(), config, heard);
    }
}

fn count(letters: &mut Letters, letter: &JudgedLetter) {
    letters.sent += u32::from(letter.handed_at.is_some());
    let place = match (letter.placement, letter.state) {
        (Some(Placement::Inbox), _) => &mut letters.inbox,
        (Some(Placement::Category), _) => &mut letters.category,
        (Some(Placement::Spam), _) => &mut letters.spam,
        (Some(Placement::Filed), _) => &mut letters.filed,
        (None, LetterState::Missing) => &mut letters.missing,
        (None, LetterState::Unaccounted) => &mut letters.unaccounted,
        (None, _) => return,
    };
    *place += 1;
}

/// A refusal while sending. What passes says nothing, but for "too fast".
fn note_refusal(day: &mut DayFacts, to: Provider, speaker: Provider, refused: &RefusedLetter) {
    match classify(speaker, &refused.reply) {
        RefusalClass::Rate if is_greylisting(&refused.reply) => {}
        RefusalClass::Rate => *day.rate_replies.entry(to).or_default() += 1,
        class if refused.reply.is_permanent() => {
            let recipients = BTreeSet::from([refused.recipient.clone()]);
            day.bounces.push(Bounces { scope: SignalScope::Warmup, provider: to, class, count: 1, recipients });
        }
        _ => {}
    }
}

fn note_signal(day: &mut DayFacts, config: &Config, (signal, recipients): &HeardSignal) {
    let provider_for = |r: &Recipient| {
        let address = r.address.as_deref().and_then(|a| Address::parse(a).ok());
        let known = address.as_ref().map(|a| provider_of(config, a)).filter(|p| *p != Provider::Generic);
        (address, known.or(signal.provider).unwrap_or(Provider::Generic))
    };
    match signal.kind {
        SignalKind::Bounce => {
            for recipient in recipients {
                let (address, provider) = provider_for(recipient);
                let recipients = address.into_iter().collect();
                day.bounces.push(Bounces { scope: signal.scope, provider, class: recipient.class, count: 1, recipients });
            }
        }
        SignalKind::Delay => {
            for recipient in recipients.iter().filter(|r| r.class == RefusalClass::Rate && signal.scope == SignalScope::Warmup) {
                *day.rate_replies.entry(provider_for(recipient).1).or_default() += 1;
            }
        }
        SignalKind::Complaint => {
            let provider = recipients.first().map(|r| provider_for(r).1).or(signal.provider).unwrap_or(Provider::Generic);
            day.complaints.push(Complaints { scope: signal.scope, provider, count: 1 });
        }
        SignalKind::AutoReply | SignalKind::Unsubscribe | SignalKind::Reply => {}
    }
}

/// Letters that were accepted 24 to 96 hours ago, and those of them that were seen. One that came back is no silence.
pub(super) fn aged(mail: &JudgedMail, now: Moment) -> Aged {
    let (old, young) = (now - MATTERS_FOR, now - SEEN_WITHIN);
    let is_aged = |l: &&JudgedLetter| l.accepted_at.is_some_and(|at| old < at && at <= young) && l.state != LetterState::Bounced;
    mail.letters.iter().filter(is_aged).fold(Aged::default(), |aged, letter| Aged {
        accepted: aged.accepted + 1,
        placed: aged.placed + u32::from(letter.placement.is_some()),
    })
}

/// What keeps the account from sending: its own limit, by what servers said, and what stands against its sign-in.
pub(super) fn troubles(mailbox: &Mailbox, mail: &JudgedMail, standing: &[TroubleRow]) -> Vec<AccountTrouble> {
    let own_quota = mail.refused.iter().filter(|r| classify(mailbox.provider, &r.reply) == RefusalClass::Quota).map(|r| r.at).max();
    let own_quota = own_quota.map(|at| AccountTrouble { kind: TroubleKind::OwnQuota, at });
    let signed_out = standing.iter().filter(|t| t.mailbox == mailbox.address && t.sign_in);
    let signed_out = signed_out.map(|t| AccountTrouble { kind: kind_of(t), at: t.at });
    own_quota.into_iter().chain(signed_out).collect()
}

fn kind_of(trouble: &TroubleRow) -> TroubleKind {
    let says = |word: &str| trouble.what.contains(word);
    if says("invalid_grant") {
        TroubleKind::InvalidGrant
    } else if says("5.7.700") || says("suspended") || says("disabled") {
        TroubleKind::Suspended
    } else {
        TroubleKind::SignIn
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Nothing, parse};
    use crate::ledger::SignalRow;
    use crate::words::{LetterId, Reply};

    const POOL: &str = "zone: UTC
defaults: {secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test}
mailboxes:
  - {address: a@x.test, provider: gmail}
  - {address: p@y.test, role: partner, provider: gmail}
  - {address: q@z.test, role: partner}
";

    fn config() -> Config {
        parse(POOL, Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn date(day: u32) -> LocalDate {
        LocalDate::ymd(2026, 12, day).unwrap()
    }

    fn at(day: u32, hour: u32) -> Moment {
        Moment::parse_rfc3339(&format!("2026-12-{day:02}T{hour:02}:00:00Z")).unwrap()
    }

    fn letter(n: u32, to: &str, state: LetterState, placement: Option<Placement>) -> JudgedLetter {
        let handed = !matches!(state, LetterState::Rejected);
        let accepted = handed && state != LetterState::Unaccounted;
        JudgedLetter {
            id: LetterId::of_start(&address("a@x.test"), date(1), n),
            recipient: address(to),
            date: date(1),
            state,
            placement,
            handed_at: handed.then(|| at(1, 9)),
            accepted_at: accepted.then(|| at(1, 9)),
        }
    }

    fn mail() -> JudgedMail {
        use LetterState::{Accepted, Bounced, Missing, Rejected, Seen, Unaccounted};
        JudgedMail {
            letters: vec![
                letter(1, "p@y.test", Seen, Some(Placement::Inbox)),
                letter(2, "p@y.test", Seen, Some(Placement::Category)),
                letter(3, "p@y.test", Seen, Some(Placement::Spam)),
                letter(4, "q@z.test", Missing, None),
                letter(5, "q@z.test", Seen, Some(Placement::Filed)),
                letter(6, "q@z.test", Unaccounted, None),
                letter(7, "q@z.test", Bounced, None),
                letter(8, "q@z.test", Accepted, None),
                letter(9, "q@z.test", Rejected, None),
            ],
            ..JudgedMail::default()
        }
    }

    fn refused(to: &str, hour: u32, code: u16, text: &str) -> RefusedLetter {
        let letter = LetterId::of_start(&address("a@x.test"), date(1), 9);
        RefusedLetter { letter, recipient: address(to), date: date(1), at: at(1, hour), reply: Reply::new(code, text) }
    }

    fn signal(kind: SignalKind, scope: SignalScope, class: RefusalClass, to: &str) -> HeardSignal {
        let row = SignalRow {
            mailbox: address("a@x.test"),
            message_id: "m@y.test".into(),
            kind,
            scope,
            at: at(2, 1),
            date: date(1),
            provider: None,
            letter: None,
            original: None,
            author: None,
            feedback: None,
            evidence: String::new(),
        };
        let recipient = Recipient { address: Some(to.into()), status: None, reply: None, diagnostic: String::new(), class, hard: false };
        (row, vec![recipient])
    }

    #[test]
    fn each_letter_is_counted_once_by_its_receiving_provider() {
        let config = config();
        let days = days_of(&config, &config.mailboxes[&address("a@x.test")], &mail());
        let day = &days[&date(1)];
        let gmail = Letters { sent: 3, inbox: 1, category: 1, spam: 1, ..Letters::default() };
        let generic = Letters { sent: 5, missing: 1, filed: 1, unaccounted: 1, ..Letters::default() };
        assert_eq!(day.letters, BTreeMap::from([(Provider::Gmail, gmail), (Provider::Generic, generic)]));
        assert_eq!(day.campaign_sent, None);
    }

    #[test]
    fn what_must_have_been_seen_by_now_is_a_day_old_and_did_not_come_back() {
        // Accepted on the 1st at nine: 1, 2, 3 and 5 were seen, 4 and 8 were not; 6 was never accepted, 7 came back.
        assert_eq!(aged(&mail(), at(2, 8)), Aged::default());
        assert_eq!(aged(&mail(), at(2, 9)), Aged { accepted: 6, placed: 4 });
        assert_eq!(aged(&mail(), at(5, 8)), Aged { accepted: 6, placed: 4 });
        assert_eq!(aged(&mail(), at(5, 9)), Aged::default());
    }

    #[test]
    fn refusals_and_reports_are_bounces_of_their_class_and_too_fast_is_none() {
        let config = config();
        let mut mail = JudgedMail {
            refused: vec![
                refused("q@z.test", 9, 550, "5.7.26 unauthenticated: DMARC"),
                refused("p@y.test", 10, 421, "4.7.28 unusual rate of unsolicited mail"),
                refused("q@z.test", 11, 450, "4.7.1 greylisted, come back later"),
                refused("q@z.test", 12, 451, "4.3.0 mail server temporarily out of order"),
            ],
            ..JudgedMail::default()
        };
        mail.signals = vec![
            signal(SignalKind::Bounce, SignalScope::Warmup, RefusalClass::Blocklist, "p@y.test"),
            signal(SignalKind::Delay, SignalScope::Warmup, RefusalClass::Rate, "q@z.test"),
            signal(SignalKind::Bounce, SignalScope::Campaign, RefusalClass::BadAddress, "somebody@gmail.com"),
            signal(SignalKind::Complaint, SignalScope::Campaign, RefusalClass::Complaint, "somebody@outlook.com"),
            signal(SignalKind::Reply, SignalScope::Campaign, RefusalClass::Other, "somebody@outlook.com"),
        ];
        let days = days_of(&config, &config.mailboxes[&address("a@x.test")], &mail);
        let day = &days[&date(1)];
        let told: Vec<_> = day.bounces.iter().map(|b| (b.scope, b.provider, b.class, b.count, b.recipients.len())).collect();
        assert_eq!(
            told,
            [
                (SignalScope::Warmup, Provider::Generic, RefusalClass::Authentication, 1, 1),
                (SignalScope::Warmup, Provider::Gmail, RefusalClass::Blocklist, 1, 1),
                (SignalScope::Campaign, Provider::Gmail, RefusalClass::BadAddress, 1, 1),
            ]
        );
        assert_eq!(day.rate_replies, BTreeMap::from([(Provider::Gmail, 1), (Provider::Generic, 1)]));
        assert_eq!(day.complaints, [Complaints { scope: SignalScope::Campaign, provider: Provider::Microsoft, count: 1 }]);
    }

    #[test]
    fn the_accounts_own_limit_counts_from_when_it_was_said_last() {
        let config = config();
        let mailbox = &config.mailboxes[&address("a@x.test")];
        let limit = "5.4.5 Daily user sending limit exceeded";
        let mail =
            JudgedMail { refused: vec![refused("q@z.test", 9, 550, limit), refused("p@y.test", 14, 550, limit)], ..JudgedMail::default() };
        assert_eq!(troubles(mailbox, &mail, &[]), [AccountTrouble { kind: TroubleKind::OwnQuota, at: at(1, 14) }]);
        assert_eq!(troubles(mailbox, &JudgedMail::default(), &[]), []);
    }
}
