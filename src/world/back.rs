//! What comes back about a message: reports of servers, and a vacation answer. Who has to hear of it, after how long, in whose manner.

use std::time::Duration;

use super::assumptions::{No, Numbers, numbers};
use super::delivery::{Event, InTransit};
use super::reports::{About, Outcome, Server, VACATIONS, delivery_status, vacation};
use super::{By, CameBack, Inside, Message, Personality, Wrong, header};
use crate::words::{Address, FolderRole, LetterId, Moment, RefusalClass, Reply, SignalKind};

/// How long a sending server tries.
const TRIES_FOR: Duration = Duration::from_hours(5 * 24);

/// A message that the world writes itself, on its way into a mailbox.
#[derive(Debug)]
pub(super) struct Back {
    /// Whose mailbox.
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
    /// A server wrote it: it may be taken for spam.
    pub(super) by_server: bool,
    /// The tab of the inbox that it is put into, where the mailbox has tabs.
    pub(super) category: Option<&'static str>,
    /// As [`CameBack`] has them.
    pub(super) kind: Option<SignalKind>,
    pub(super) letter: Option<LetterId>,
    pub(super) who: Option<Address>,
    pub(super) class: Option<RefusalClass>,
}

impl Back {
    /// What a server reports.
    pub(super) fn report(to: &Address, bytes: Vec<u8>, kind: Option<SignalKind>, who: &Address, class: Option<RefusalClass>) -> Self {
        Self { to: to.clone(), bytes, by_server: true, category: None, kind, letter: None, who: Some(who.clone()), class }
    }

    /// What somebody answers, or somebody's machine.
    pub(super) fn answer(to: &Address, bytes: Vec<u8>, kind: SignalKind, who: &Address) -> Self {
        Self { by_server: false, ..Self::report(to, bytes, Some(kind), who, None) }
    }

    /// About this letter.
    pub(super) fn about(self, letter: Option<LetterId>) -> Self {
        Self { letter, ..self }
    }
}

impl Inside {
    /// A message comes in that the world wrote itself. One for a mailbox that is gone or full is lost: nobody reports on reports.
    pub(super) fn come_back(&mut self, back: Box<Back>, at: Moment) {
        let message_id = header::value(&back.bytes[..header::len(&back.bytes)], "Message-ID").unwrap_or_default();
        if let Some(later) = self.after_outage(&back.to, &message_id, at) {
            return self.plan(later, Event::ComesBack(back));
        }
        let Some(account) = self.accounts.get(&back.to) else { return };
        let (personality, spam) = (account.spec.personality, account.folder_of(FolderRole::Spam));
        if account.returns.is_some()
            || account.quota.is_some_and(|q| account.size() + back.bytes.len() as u64 > q)
            || self.wrongs(&back.to, at).any(|w| matches!(w, Wrong::Gone(_) | Wrong::Full(_)))
        {
            return;
        }
        let is_lost_among_spam = back.by_server
            && !self.at_once
            && self.seed.shares_of_words(&["report in spam", &message_id])[0] < numbers(personality).report_in_spam;
        let folder = spam.filter(|_| is_lost_among_spam).unwrap_or("INBOX").to_owned();
        let category = back.category.filter(|_| personality.traits().gmail);
        let message = self.message(back.bytes.into(), at, &folder);
        self.evidence.came_back.push(CameBack {
            at,
            account: back.to.clone(),
            folder: message.first_folder.clone(),
            message_id,
            kind: back.kind,
            letter: back.letter,
            who: back.who,
            class: back.class,
        });
        self.put(&back.to, &folder, Message { category, planted: true, ..message });
    }

    /// A message will not be delivered, and its sender is told (RFC 3464): by the sender's own server, which was refused at the door, or where the
    /// recipient's had taken it over, by either.
    pub(super) fn report_failure(&mut self, transit: &InTransit, said: &Reply, no: Option<No>, by: By, at: Moment) {
        let [delay, who] = self.seed.shares_of_words(&["report", &transit.key]);
        let n = numbers(self.habits_of(&transit.from));
        let (after, reporter) = match by {
            By::Refusal => (Duration::from_secs(3) + minutes(n.report_soon * delay * delay), &transit.from),
            By::Report => (taken_first(n, delay), if who < 0.5 { &transit.from } else { &transit.to }),
        };
        let at = at + if self.at_once { Duration::ZERO } else { after };
        let server = Server { habits: self.habits_of(reporter), of: reporter };
        let about = About { from: &transit.from, to: &transit.to, message: &transit.bytes };
        let bytes = delivery_status(server, about, Outcome::Failed(said), at);
        let back =
            Back::report(&transit.from, bytes, Some(SignalKind::Bounce), &transit.to, no.map(|no| no.class(self.habits_of(&transit.to))));
        self.plan(at, Event::ComesBack(Box::new(back.about(transit.letter))));
    }

    /// A message is not taken now: the sender's server tries again, says after a while that it is late, and gives it up in the end.
    pub(super) fn try_again(&mut self, mut transit: Box<InTransit>, said: &Reply, no: No, wait: Duration, at: Moment) {
        let late = at.since(transit.since);
        if late > TRIES_FOR {
            return self.report_failure(&transit, said, Some(no), By::Refusal, at);
        }
        let habits = self.habits_of(&transit.from);
        let notice = numbers(habits).delay_notice;
        if !transit.told && notice > 0.0 && late.as_secs_f64() >= notice * 3_600.0 {
            transit.told = true;
            let about = About { from: &transit.from, to: &transit.to, message: &transit.bytes };
            let bytes = delivery_status(Server { habits, of: &transit.from }, about, Outcome::Delayed(said), at);
            let back =
                Back::report(&transit.from, bytes, Some(SignalKind::Delay), &transit.to, Some(no.class(self.habits_of(&transit.to))));
            self.plan(at, Event::ComesBack(Box::new(back.about(transit.letter))));
        }
        self.plan(at + wait, Event::Deliver(transit));
    }

    /// Who is away has a machine answer: each sender once in a while, never another machine, and where the server heeds that, nobody who asked not to be.
    pub(super) fn answer_if_away(&mut self, transit: &InTransit, at: Moment) {
        let Some(account) = self.accounts.get(&transit.to) else { return };
        let habits = account.spec.personality;
        // Whoever was told to be away, by a person or a test, answers letters, too.
        let spares_letters = account.away.is_none() && habits.traits().heeds_suppress;
        let is_away = account.away.is_some() || self.wrongs(&transit.to, at).any(|w| matches!(w, Wrong::Away));
        if !is_away || !may_be_answered(&transit.bytes, spares_letters) {
            return;
        }
        let n = numbers(habits);
        let pair = (transit.to.clone(), transit.from.clone());
        let again = Duration::from_secs_f64(n.away_again * 86_400.0);
        if self.answered.get(&pair).is_some_and(|last| at.since(*last) < again) {
            return;
        }
        let [words, delay] = self.seed.shares_of_words(&["away", &transit.key]);
        let words = account.away.clone().unwrap_or_else(|| VACATIONS[(words * VACATIONS.len() as f64) as usize].to_owned());
        let at = at + if self.at_once { Duration::ZERO } else { Duration::from_secs_f64(2.0 + 58.0 * delay) };
        let about = About { from: &transit.from, to: &transit.to, message: &transit.bytes };
        let bytes = vacation(Server { habits, of: &transit.to }, about, &words, at);
        let back = Back::answer(&transit.from, bytes, SignalKind::AutoReply, &transit.to).about(transit.letter);
        self.answered.insert(pair, at);
        self.plan(at, Event::ComesBack(Box::new(back)));
    }

    /// How the server of a mailbox behaves; plainly, where it is not of this world.
    pub(super) fn habits_of(&self, mailbox: &Address) -> Personality {
        self.accounts.get(mailbox).map_or(Personality::Dovecot, |a| a.spec.personality)
    }
}

/// After how long comes back what a server had taken first; as likely within the first half hour as after it.
pub(super) fn taken_first(n: &Numbers, share: f64) -> Duration {
    minutes(n.report_from * (n.report_to / n.report_from).powf(share))
}

fn minutes(minutes: f64) -> Duration {
    Duration::from_millis((minutes * 60_000.0) as u64)
}

/// RFC 3834 §2: no machine, no list; and where that is heeded, nobody who asked for no answer.
fn may_be_answered(message: &[u8], heeds_suppress: bool) -> bool {
    let fields = &message[..header::len(message)];
    let value = |name| header::value(fields, name).unwrap_or_default().to_ascii_lowercase();
    let (submitted, precedence, suppress) = (value("Auto-Submitted"), value("Precedence"), value("X-Auto-Response-Suppress"));
    let is_a_persons = matches!(submitted.as_str(), "" | "no") && !["bulk", "list", "junk"].contains(&precedence.as_str());
    let asks_for_none = suppress.split(',').any(|word| matches!(word.trim(), "all" | "oof"));
    is_a_persons && value("List-Id").is_empty() && !(asks_for_none && heeds_suppress)
}
