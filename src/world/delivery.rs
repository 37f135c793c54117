//! From a submission to a folder: how long it takes, and what the recipient's server makes of it. What is said at the door stands in `offer`, what
//! comes back in `back`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;

use super::account::special_use_of;
use super::assumptions::{No, numbers, reply};
use super::back::Back;
use super::header;
use super::life::{CampaignMail, Complaint};
use super::{Account, Arriving, Authentication, By, Condition, Inside, Judgement, Message, Submission, World, Wrong};
use crate::words::{Address, FolderRole, LetterId, Moment, Reply};

/// After an outage, mail comes in over this time.
const CATCH_UP: Duration = Duration::from_mins(30);

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A message arrives at its recipient's server.
    Deliver(Box<InTransit>),
    /// A delivered message is judged again, and moved to spam.
    CallSpam(Address, u64),
    /// A message that the world wrote itself comes in.
    ComesBack(Box<Back>),
    /// What a condition makes happen by itself, on this day and on those that follow.
    Daily(Box<Condition>),
    /// Somebody's complaint is reported.
    Complaint(Box<Complaint>),
    /// A campaign's message goes out.
    CampaignMail(Box<CampaignMail>),
    /// The nth message that has nothing to do with anything comes into a mailbox.
    Foreign(Address, u64),
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct InTransit {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Arc<[u8]>,
    pub(super) key: String,
    pub(super) letter: Option<LetterId>,
    pub(super) since: Moment,
    /// Which of the submissions in evidence it is.
    submission: usize,
    /// Whether its sender was told that it is late.
    pub(super) told: bool,
}

impl World {
    /// The final dot of a message that was offered. `word_comes`: false where the connection breaks before the server's last word; the message is
    /// taken over all the same.
    pub fn submit(&self, account: &Address, from: &Address, to: &[Address], bytes: &[u8], word_comes: bool, now: Moment) -> Reply {
        self.lock().submit(account, from, to, bytes, word_comes, now)
    }

    /// Carries out everything that became due up to `now`, in the order of its time.
    pub fn settle(&self, now: Moment) {
        let mut inside = self.lock();
        while let Some(entry) = inside.events.first_entry() {
            let at = entry.key().0;
            if at > now {
                break;
            }
            let event = entry.remove();
            inside.carry_out(event, at);
        }
    }

    /// When the next thing happens.
    pub fn next_event(&self) -> Option<Moment> {
        self.lock().events.keys().next().map(|(at, _)| *at)
    }

    /// Rings when something new is planned.
    pub fn plans(&self) -> watch::Receiver<u64> {
        self.lock().planned.subscribe()
    }

    /// Whether this command is one at which a flaky connection breaks. Draws: each question has its own answer, in the order in which they are asked.
    pub fn breaks_now(&self, account: &Address, now: Moment) -> bool {
        self.lock().breaks_now(account, now)
    }

    /// Whether a session of an account that there is ends at this command: its provider does not let it in any more, or the connection breaks. Draws, as
    /// [`World::breaks_now`] does.
    pub fn throws_out(&self, account: &Address, now: Moment) -> bool {
        let mut inside = self.lock();
        // Asked at every command; mostly all is well.
        !inside.conditions.is_empty() && (inside.may_sign_in(account, now).is_err() || inside.breaks_now(account, now))
    }
}

impl World {
    /// Heads or tails, anew at each question.
    pub fn coin(&self, account: &Address) -> bool {
        let mut inside = self.lock();
        let n = inside.next_serial().to_string();
        inside.seed.of_words(&["coin", account.as_str(), &n]).random()
    }
}

impl Inside {
    fn breaks_now(&mut self, account: &Address, now: Moment) -> bool {
        let share = self.flakiness(account, now);
        share > 0.0 && {
            let n = self.next_serial().to_string();
            self.seed.shares_of_words(&["flaky", account.as_str(), &n])[0] < share
        }
    }

    pub(super) fn plan(&mut self, at: Moment, event: Event) {
        let serial = self.next_serial();
        self.events.insert((at, serial), event);
        self.planned.send_modify(|n| *n += 1);
    }

    fn submit(&mut self, account: &Address, from: &Address, to: &[Address], bytes: &[u8], word_comes: bool, now: Moment) -> Reply {
        let header_len = header::len(bytes);
        let fields = &bytes[..header_len];
        let letter = header::letter(fields);
        let message_id = header::value(fields, "Message-ID");
        let date = header::value(fields, "Date");
        let queued = format!("{:010X}", self.next_serial() + 0x4_0000);
        let key = letter.map(|l| l.to_string()).or_else(|| message_id.clone()).unwrap_or_else(|| queued.clone());
        let Some(sender) = self.accounts.get_mut(account) else { return Reply::new(530, "5.7.0 Authentication required") };
        let (personality, traits) = (sender.spec.personality, sender.spec.personality.traits());
        sender.handed.push_back(now);
        while sender.handed.len() > 100 {
            sender.handed.pop_front();
        }
        let bytes: Arc<[u8]> = if traits.rewrites_message_id {
            with_other_message_id(bytes, header_len, message_id.as_deref(), &queued).into()
        } else {
            bytes.into()
        };
        for to in to {
            let code = if word_comes { 250 } else { 0 };
            let submission = Submission {
                at: now,
                account: account.clone(),
                from: from.clone(),
                to: to.clone(),
                letter,
                message_id: message_id.clone(),
                date: date.clone(),
                accepted: true,
                code,
                stored: None,
            };
            let submission_index = self.evidence.submissions.len();
            self.evidence.submissions.push(submission);
            let bytes = with_trace(&bytes, from, to, personality.as_str(), &queued, now);
            let transit = InTransit {
                from: from.clone(),
                to: to.clone(),
                bytes: bytes.into(),
                key: key.clone(),
                letter,
                since: now,
                submission: submission_index,
                told: false,
            };
            let at = now + self.transit(traits.transit_seconds, &key);
            self.plan(at, Event::Deliver(Box::new(transit)));
        }
        if traits.keeps_sent {
            let mut copy = self.message(bytes, now, "Sent");
            copy.flags.insert("\\Seen".into());
            if let Some(sender) = self.accounts.get_mut(account)
                && let Some(name) = sent_folder(sender)
                && let Some(folder) = sender.folders.get_mut(&name)
            {
                copy.first_folder = name.as_str().into();
                folder.append(copy);
                sender.bump();
            }
        }
        Reply::new(250, &format!("2.0.0 Ok: queued as {queued}"))
    }

    fn transit(&self, [from, to]: [u32; 2], key: &str) -> Duration {
        if self.at_once {
            return Duration::ZERO;
        }
        let share: f64 = self.seed.of_words(&["transit", key]).random();
        Duration::from_millis((f64::from(from) * 1000.0 + share * share * f64::from(to - from) * 1000.0) as u64)
    }

    fn carry_out(&mut self, event: Event, at: Moment) {
        match event {
            Event::Deliver(transit) => self.deliver(transit, at),
            Event::CallSpam(account, serial) => self.call_spam(&account, serial),
            Event::ComesBack(back) => self.come_back(back, at),
            Event::Daily(condition) => self.happen_today(&condition, at),
            Event::Complaint(complaint) => self.report_complaint(&complaint, at),
            Event::CampaignMail(mail) => self.send_campaign_mail(&mail, at),
            Event::Foreign(account, n) => self.bring_foreign_mail(&account, n, at),
        }
    }

    /// When a mailbox's server, which cannot be reached now, takes mail again: spread by what `key` draws. `None`: it does now.
    pub(super) fn after_outage(&self, to: &Address, key: &str, at: Moment) -> Option<Moment> {
        if self.conditions.is_empty() {
            return None;
        }
        let receiver = self.accounts.get(to).map_or("", |a| a.spec.receiver.as_str());
        let concerns = |c: &&Condition| c.concerns(to, receiver, at);
        let outage_ends = |c: &Condition| matches!(c.wrong, Wrong::Outage).then_some(c.until);
        let until = self.conditions.iter().filter(concerns).filter_map(outage_ends).max()?;
        let share: f64 = self.seed.of_words(&["catch-up", key]).random();
        Some(until + CATCH_UP.mul_f64(share))
    }

    fn deliver(&mut self, transit: Box<InTransit>, at: Moment) {
        if let Some(later) = self.after_outage(&transit.to, &transit.key, at) {
            return self.plan(later, Event::Deliver(transit));
        }
        let Some(account) = self.accounts.get(&transit.to) else { return };
        let (receiver, personality) = (account.spec.receiver.clone(), account.spec.personality);
        if let Some(said) = account.returns.clone() {
            return self.report_failure(&transit, &said, None, By::Report, at);
        }
        if let Some((no, by)) = self.not_taken(account, &transit, at) {
            let reply = reply(no, &receiver, personality);
            if reply.is_transient() {
                return self.try_again(transit, &reply, no, numbers(personality).wait(), at);
            }
            self.refuse(no, &transit.from, &transit.to, at);
            return self.report_failure(&transit, &reply, Some(no), by, at);
        }
        if let Some((share, folder)) = account.filed.clone() {
            let is_letter = crate::words::LetterId::parse(&transit.key).is_ok();
            let digits = transit.key.get(22..).filter(|_| is_letter).and_then(|d| u32::from_str_radix(d, 16).ok());
            let folder = if digits.is_some_and(|d| d < share) { folder } else { "INBOX".into() };
            return self.store(&transit, &folder, None, at);
        }
        let domain = transit.from.domain();
        let fails = self.wrongs(&transit.to, at).any(|w| matches!(w, Wrong::FailsAuthentication(d) if *d == domain));
        let blocklisted = self.wrongs(&transit.to, at).any(|w| matches!(w, Wrong::Blocklists(d, _) if *d == domain));
        let authentication = if fails { Authentication { spf: false, dkim: false, dmarc: false } } else { Authentication::default() };
        let judgement = self.filter.judge(&Arriving {
            from: &transit.from,
            to: &transit.to,
            receiver: &receiver,
            personality,
            authentication,
            blocklisted,
            key: &transit.key,
            at,
        });
        match judgement {
            Judgement::Inbox(category) => self.store(&transit, "INBOX", category, at),
            Judgement::Spam => {
                let spam = self.accounts.get(&transit.to).and_then(|a| a.folder_of(FolderRole::Spam)).unwrap_or("INBOX").to_owned();
                self.store(&transit, &spam, None, at);
            }
            Judgement::Refused(reply) => {
                let no = if blocklisted { No::Blocklisted } else { No::Unauthenticated };
                self.report_failure(&transit, &reply, Some(no), By::Refusal, at);
            }
            Judgement::Deferred(reply, wait) => self.try_again(transit, &reply, No::TooFast, wait, at),
        }
    }

    /// Why the recipient's mailbox does not take a message, and how the sender comes to hear of it.
    fn not_taken(&self, account: &Account, transit: &InTransit, at: Moment) -> Option<(No, By)> {
        let wrong = self.wrongs(&transit.to, at).find_map(|wrong| match wrong {
            Wrong::Gone(by) => Some((No::Gone, *by)),
            Wrong::Full(by) => Some((No::Full, *by)),
            _ => None,
        });
        let over = || account.quota.is_some_and(|q| account.size() + transit.bytes.len() as u64 > q);
        wrong.or_else(|| over().then_some((No::Full, By::Refusal)))
    }

    /// A message that was submitted is there.
    fn store(&mut self, transit: &InTransit, folder: &str, category: Option<&'static str>, at: Moment) {
        let message = self.message(transit.bytes.clone(), at, folder);
        if let Some(submission) = self.evidence.submissions.get_mut(transit.submission) {
            submission.stored = Some(message.first_folder.clone());
        }
        let (serial, mut again) = (message.serial, None);
        self.put(&transit.to, folder, Message { category, ..message });
        let Some(account) = self.accounts.get(&transit.to) else { return };
        let traits = account.spec.personality.traits();
        if folder == "INBOX" && traits.moves_later > 0.0 && account.filed.is_none() {
            let mut draw = self.seed.of_words(&["judged again", &transit.key]);
            if draw.random::<f64>() < traits.moves_later {
                again = Some(at + Duration::from_mins(draw.random_range(120..40 * 60)));
            }
        }
        if let Some(later) = again {
            self.plan(later, Event::CallSpam(transit.to.clone(), serial));
        }
        if folder == "INBOX" {
            self.answer_if_away(transit, at);
        }
    }

    /// Puts a message into a folder, which is made.
    pub(super) fn put(&mut self, to: &Address, folder: &str, message: Message) {
        let uid_validity = self.next_serial() as u32 + 1_000;
        let Some(account) = self.accounts.get_mut(to) else { return };
        let personality = account.spec.personality;
        let new = || super::Folder::new(special_use_of(personality, folder), uid_validity);
        account.folders.entry(folder.to_owned()).or_insert_with(new).append(message);
        account.bump();
    }

    fn call_spam(&mut self, who: &Address, serial: u64) {
        let Some(account) = self.accounts.get_mut(who) else { return };
        let Some(spam) = account.folder_of(FolderRole::Spam).map(str::to_owned) else { return };
        let Some(inbox) = account.folders.get_mut("INBOX") else { return };
        let Some(uid) = inbox.messages.iter().find(|(_, m)| m.serial == serial).map(|(uid, _)| *uid) else { return };
        if let Some(message) = inbox.messages.remove(&uid)
            && let Some(target) = account.folders.get_mut(&spam)
        {
            target.append(message);
            account.bump();
        }
    }
}

pub(super) fn sent_folder(account: &super::Account) -> Option<String> {
    let by_role = account.folder_of(FolderRole::Sent).map(str::to_owned);
    by_role.or_else(|| account.folders.keys().find(|n| n.as_str() == "Sent Items").cloned())
}

/// The message with the lines that servers put on top of it.
fn with_trace(bytes: &[u8], from: &Address, to: &Address, by: &str, queued: &str, at: Moment) -> Vec<u8> {
    let mut top = String::new();
    let date = header::date(at);
    let _ = write!(
        top,
        "Return-Path: <{from}>\r\nReceived: from {} by {by} with ESMTPSA id {queued}\r\n\tfor <{to}>; {date}\r\n",
        from.domain()
    );
    let mut out = Vec::with_capacity(top.len() + bytes.len());
    out.extend_from_slice(top.as_bytes());
    out.extend_from_slice(bytes);
    out
}

/// What Outlook.com does: a Message-ID of its own, and the original one in a field of its own.
fn with_other_message_id(bytes: &[u8], header_len: usize, original: Option<&str>, queued: &str) -> Vec<u8> {
    let mut out = format!("Message-ID: <{queued}@prod.outlook.test>\r\n").into_bytes();
    if let Some(original) = original {
        out.extend_from_slice(format!("X-Microsoft-Original-Message-ID: {original}\r\n").as_bytes());
    }
    let mut skipping = false;
    for line in bytes[..header_len].split_inclusive(|b| *b == b'\n') {
        let folded = line.first().is_some_and(|b| *b == b' ' || *b == b'\t');
        skipping = if folded { skipping } else { line.len() > 11 && line[..11].eq_ignore_ascii_case(b"Message-ID:") };
        if !skipping {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(&bytes[header_len..]);
    out
}
