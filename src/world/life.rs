//! What goes on by itself: people complain, somebody sends a campaign, and mail comes in that has nothing to do with anything.

use std::collections::BTreeMap;
use std::time::Duration;

use super::assumptions::{No, numbers, reply};
use super::back::{Back, taken_first};
use super::delivery::{Event, sent_folder};
use super::reports::{About, Foreign, Outcome, REPLIES, Server, UNSUBSCRIBES, VACATIONS, Wish};
use super::reports::{campaign, complaint, delivery_status, foreign, unsubscribe, vacation};
use super::{Condition, Inside, Lesson, Message, Personality, World, Wrong, reports};
use crate::words::{Address, Domain, LetterId, Moment, Reply, SignalKind};

const DAY: Duration = Duration::from_hours(24);
/// People complain about what came in the last days.
const COMPLAIN_ABOUT: Duration = Duration::from_hours(3 * 24);
/// People do things between these hours of the day that a condition is on.
const HOURS: [f64; 2] = [8.0, 20.0];

/// Somebody calls mail of a domain spam, and the provider tells.
#[derive(Debug)]
pub(super) struct Complaint {
    domain: Domain,
    receiver: String,
    personality: Personality,
    /// Whether a letter of the pool is meant, or a campaign's message.
    of_letter: bool,
    key: String,
}

/// A message as somebody complains about it: from whom, to whom, its bytes, and which letter it is.
type ComplainedAbout = (Address, Address, Vec<u8>, Option<LetterId>);

/// A message of a campaign.
#[derive(Debug)]
pub(super) struct CampaignMail {
    from: Address,
    /// Where its recipient reads mail.
    receiver: String,
    personality: Personality,
    key: String,
}

impl World {
    /// From `from` on, mail that has nothing to do with anything comes into every mailbox now and then.
    pub fn live(&self, from: Moment) {
        let mut inside = self.lock();
        let accounts: Vec<Address> = inside.accounts.keys().cloned().collect();
        for account in accounts {
            inside.plan_foreign_mail(&account, 0, from);
        }
    }
}

impl Inside {
    /// What a condition makes happen by itself.
    pub(super) fn plan_condition(&mut self, condition: &Condition) {
        if matches!(condition.wrong, Wrong::Complaints { .. } | Wrong::Campaign(..)) && condition.from < condition.until {
            self.plan(condition.from, Event::Daily(Box::new(condition.clone())));
        }
    }

    /// What happens on one day; then the next day's is planned, so that a condition may last for ever.
    pub(super) fn happen_today(&mut self, condition: &Condition, at: Moment) {
        match &condition.wrong {
            Wrong::Complaints { domain, a_day, of_letters } => self.complain(condition, domain, *a_day, *of_letters, at),
            Wrong::Campaign(domain, a_day) => self.plan_campaign(condition, domain, *a_day, at),
            _ => return,
        }
        let tomorrow = at + DAY;
        if tomorrow < condition.until {
            self.plan(tomorrow, Event::Daily(Box::new(condition.clone())));
        }
    }

    /// The receivers that a condition is about.
    fn receivers(&self, condition: &Condition, at: Moment) -> BTreeMap<String, Personality> {
        let concerned = self.accounts.values().filter(|a| condition.concerns(&a.spec.address, &a.spec.receiver, at));
        concerned.map(|a| (a.spec.receiver.clone(), a.spec.personality)).collect()
    }

    /// A day's complaints: every receiver learns from them at once, and some of them are reported in the course of the day.
    fn complain(&mut self, condition: &Condition, domain: &Domain, a_day: u32, of_letters: f64, at: Moment) {
        let Ok(somebody) = Address::parse(&format!("campaign@{domain}")) else { return };
        for (receiver, personality) in self.receivers(condition, at) {
            for n in 0..a_day {
                self.filter.learn(&somebody, &receiver, Lesson::Complaint, at);
                let key = format!("{domain} {receiver} {at} {n}");
                let [reported, letter] = self.seed.shares_of_words(&["complaint", &key]);
                if reported < numbers(personality).complaints_reported {
                    let later = at + self.time_of_day(&key);
                    let (domain, receiver, of_letter) = (domain.clone(), receiver.clone(), letter < of_letters);
                    let complaint = Complaint { domain, receiver, personality, of_letter, key };
                    self.plan(later, Event::Complaint(Box::new(complaint)));
                }
            }
        }
    }

    /// A provider tells a sender of a complaint (RFC 5965): about one of the letters that came in lately where one is meant and there is one, else
    /// about mail that somebody else sent.
    pub(super) fn report_complaint(&mut self, what: &Complaint, at: Moment) {
        let [which, unnamed] = self.seed.shares_of_words(&["complaint about", &what.key]);
        let named = unnamed >= numbers(what.personality).complaints_unnamed;
        let letter = if what.of_letter { self.letter_complained_about(what, which, at) } else { None };
        let Some((from, to, message, letter)) = letter.or_else(|| self.campaign_complained_about(what, which, at)) else { return };
        let about = About { from: &from, to: &to, message: &message };
        let bytes = complaint(Server { habits: what.personality, of: &to }, about, named, at);
        let back = Back::report(&from, bytes, Some(SignalKind::Complaint), &to, None);
        self.plan(at, Event::ComesBack(Box::new(back.about(letter))));
    }

    /// One of the domain's letters that the receiver's people got lately, as it lies there.
    fn letter_complained_about(&self, what: &Complaint, which: f64, at: Moment) -> Option<ComplainedAbout> {
        let lately = self.evidence.submissions.iter().rev().take_while(|s| at.since(s.at) <= COMPLAIN_ABOUT);
        let is_there = |a: &Address| self.accounts.get(a).is_some_and(|a| a.spec.receiver == what.receiver);
        let came: Vec<_> = lately.filter(|s| s.stored.is_some() && s.from.domain() == what.domain && is_there(&s.to)).collect();
        let chosen = picked(&came, which)?;
        let letter = chosen.letter?;
        let folders = self.accounts.get(&chosen.to)?.folders.values();
        let message = folders.flat_map(|f| f.messages.values()).find(|m| m.letter == Some(letter))?;
        Some((chosen.from.clone(), chosen.to.clone(), message.bytes.to_vec(), Some(letter)))
    }

    /// A message that somebody else sent from one of the domain's mailboxes, to somebody outside.
    fn campaign_complained_about(&self, what: &Complaint, which: f64, at: Moment) -> Option<ComplainedAbout> {
        let senders: Vec<&Address> = self.accounts.keys().filter(|a| a.domain() == what.domain).collect();
        let from = (*picked(&senders, which)?).clone();
        let to = reader(&what.receiver, which)?;
        let message = campaign(&from, &to, &what.key, at - Duration::from_hours(5));
        Some((from, to, message, None))
    }

    /// A day of a campaign: so many messages from each mailbox of its domain.
    fn plan_campaign(&mut self, condition: &Condition, domain: &Domain, a_day: u32, at: Moment) {
        let senders: Vec<Address> = self.accounts.keys().filter(|a| a.domain() == *domain).cloned().collect();
        let receivers: Vec<(String, Personality)> = self.receivers(condition, at).into_iter().collect();
        for from in &senders {
            for n in 0..a_day {
                let key = format!("{from} {at} {n}");
                let [which, _] = self.seed.shares_of_words(&["campaign to", &key]);
                let Some((receiver, personality)) = picked(&receivers, which).cloned() else { return };
                let mail = CampaignMail { from: from.clone(), receiver, personality, key };
                self.plan(at + self.time_of_day(&mail.key), Event::CampaignMail(Box::new(mail)));
            }
        }
    }

    /// A campaign's message goes out: a copy is kept where the server keeps one, and what comes of it is drawn.
    pub(super) fn send_campaign_mail(&mut self, mail: &CampaignMail, at: Moment) {
        let [who, fate] = self.seed.shares_of_words(&["campaign", &mail.key]);
        let Some(to) = reader(&mail.receiver, who) else { return };
        let message = campaign(&mail.from, &to, &mail.key, at);
        self.keep_copy(&mail.from, &message, at);
        let [delay, words] = self.seed.shares_of_words(&["campaign answer", &mail.key]);
        let later = at + taken_first(numbers(mail.personality), delay);
        if let Some(back) = self.answer_to_campaign(mail, &to, &message, fate, words, later) {
            self.plan(later, Event::ComesBack(Box::new(back)));
        }
    }

    /// What comes back of a campaign's message, mostly nothing. `fate` decides; the shares stand in `assumptions.yaml`.
    fn answer_to_campaign(&self, mail: &CampaignMail, to: &Address, message: &[u8], fate: f64, words: f64, at: Moment) -> Option<Back> {
        let (from, n) = (&mail.from, numbers(mail.personality));
        let about = About { from, to, message };
        let (own, theirs) = (Server { habits: self.habits_of(from), of: from }, Server { habits: mail.personality, of: to });
        let failed = |no: No| {
            let said = reply(no, &mail.receiver, mail.personality);
            Back::report(
                from,
                delivery_status(own, about, Outcome::Failed(&said), at),
                Some(SignalKind::Bounce),
                to,
                Some(no.class(mail.personality)),
            )
        };
        let mut left = fate;
        let mut is = |share: f64| {
            left -= share;
            left < 0.0
        };
        if is(n.campaign_unknown) {
            Some(failed(No::Gone))
        } else if is(n.campaign_full) {
            Some(failed(No::Full))
        } else if is(n.campaign_refused) {
            Some(failed(No::Blocklisted))
        } else if is(n.campaign_late) {
            let said = reply(No::TooFast, &mail.receiver, mail.personality);
            let bytes = delivery_status(own, about, Outcome::Delayed(&said), at);
            Some(Back::report(from, bytes, Some(SignalKind::Delay), to, Some(No::TooFast.class(mail.personality))))
        } else if is(n.campaign_told) {
            let said = Reply::new(250, "2.0.0 Ok: taken over");
            Some(Back::report(from, delivery_status(own, about, Outcome::Delivered(&said), at), None, to, None))
        } else if is(n.campaign_away) {
            let bytes = vacation(theirs, about, picked(&VACATIONS, words)?, at);
            Some(Back::answer(from, bytes, SignalKind::AutoReply, to))
        } else if is(n.campaign_answered) {
            Some(Back::answer(from, reports::reply(about, picked(&REPLIES, words)?, at), SignalKind::Reply, to))
        } else if is(n.campaign_unsubscribed) {
            let wish = picked(&UNSUBSCRIBES, words * 1.25).map_or(Wish::Header, |words| Wish::Words(words));
            Some(Back::answer(from, unsubscribe(about, wish, at), SignalKind::Unsubscribe, to))
        } else {
            None
        }
    }

    /// A copy of what others sent from a mailbox, where its server keeps one.
    fn keep_copy(&mut self, of: &Address, bytes: &[u8], at: Moment) {
        let Some(account) = self.accounts.get(of).filter(|a| a.spec.personality.traits().keeps_sent) else { return };
        let Some(folder) = sent_folder(account) else { return };
        let mut copy = self.message(bytes.into(), at, &folder);
        copy.flags.insert("\\Seen".into());
        self.put(of, &folder, Message { planted: true, ..copy });
    }

    /// When in the day something happens.
    fn time_of_day(&self, key: &str) -> Duration {
        let [share, _] = self.seed.shares_of_words(&["time of day", key]);
        Duration::from_secs_f64((HOURS[0] + (HOURS[1] - HOURS[0]) * share) * 3_600.0)
    }

    fn plan_foreign_mail(&mut self, account: &Address, n: u64, after: Moment) {
        let [wait, _] = self.seed.shares_of_words(&["foreign when", account.as_str(), &n.to_string()]);
        let days = numbers(self.habits_of(account)).foreign_every * if n == 0 { wait } else { 0.5 + wait };
        self.plan(after + DAY.mul_f64(days), Event::Foreign(account.clone(), n));
    }

    /// A message that has nothing to do with anything comes in, and the next is planned.
    pub(super) fn bring_foreign_mail(&mut self, to: &Address, n: u64, at: Moment) {
        self.plan_foreign_mail(to, n + 1, at);
        let [what, who] = self.seed.shares_of_words(&["foreign", to.as_str(), &n.to_string()]);
        let everybody: Vec<&Address> = self.accounts.keys().collect();
        let Some(somebody) = picked(&everybody, who) else { return };
        let what = Foreign::drawn(what);
        let bytes = foreign(what, to, somebody, n, at);
        let kind = match what {
            Foreign::AutoReply => Some(SignalKind::AutoReply),
            Foreign::Bounce => Some(SignalKind::Bounce),
            Foreign::Ordinary | Foreign::Newsletter | Foreign::Receipt => None,
        };
        let category = (what == Foreign::Newsletter).then_some("promotions");
        let by_server = what == Foreign::Bounce;
        let back = Back { to: to.clone(), bytes, by_server, category, kind, letter: None, who: None, class: None };
        self.come_back(Box::new(back), at);
    }
}

/// Somebody outside the pool who reads mail at a receiver.
fn reader(receiver: &str, share: f64) -> Option<Address> {
    let label: String = receiver.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Address::parse(&format!("reader-{}@{label}.example", (share * 10_000.0) as u32)).ok()
}

/// The entry that a number from 0 to 1 picks; `None` where there is none, or the number is larger.
fn picked<T>(all: &[T], share: f64) -> Option<&T> {
    all.get((share * all.len() as f64) as usize)
}
