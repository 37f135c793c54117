//! From a submission to a folder: what the sender's server says, how long it takes, and what the recipient's server makes of it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;

use super::account::special_use_of;
use super::header;
use super::{Arriving, Authentication, Condition, Inside, Judgement, Lesson, Submission, World, Wrong};
use crate::words::{Address, FolderRole, Moment, Reply};

/// How long a sending server tries.
const TRIES_FOR: Duration = Duration::from_hours(5 * 24);
/// After an outage, mail comes in over this time.
const CATCH_UP: Duration = Duration::from_mins(30);

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A message arrives at its recipient's server.
    Deliver(Box<InTransit>),
    /// A delivered message is judged again, and moved to spam.
    CallSpam(Address, u64),
    /// People complain about a domain, on this day of a condition and on those that follow.
    Complaints(Box<Condition>),
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct InTransit {
    from: Address,
    to: Address,
    bytes: Arc<[u8]>,
    key: String,
    since: Moment,
    /// Which of the submissions in evidence it is. `None`: a bounce, which is not judged, and never bounced itself.
    submission: Option<usize>,
}

impl World {
    /// MAIL and RCPT of a signed-in account.
    ///
    /// # Errors
    /// The server's refusal: nothing was taken over.
    pub fn offer(&self, account: &Address, from: &Address, to: &Address, now: Moment) -> Result<(), Reply> {
        let mut inside = self.lock();
        inside.offer(account, from, to, now).inspect_err(|reply| {
            let submission = Submission {
                at: now,
                account: account.clone(),
                from: from.clone(),
                to: to.clone(),
                letter: None,
                message_id: None,
                date: None,
                accepted: false,
                code: reply.code,
                stored: None,
            };
            inside.evidence.submissions.push(submission);
        })
    }

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
        let mut inside = self.lock();
        let share = inside.flakiness(account, now);
        share > 0.0 && {
            let n = inside.next_serial().to_string();
            inside.seed.shares_of_words(&["flaky", account.as_str(), &n])[0] < share
        }
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
    fn plan(&mut self, at: Moment, event: Event) {
        let serial = self.next_serial();
        self.events.insert((at, serial), event);
        self.planned.send_modify(|n| *n += 1);
    }

    /// What a condition makes happen by itself.
    pub(super) fn plan_condition(&mut self, condition: &Condition) {
        if matches!(condition.wrong, Wrong::Complaints(..)) && condition.from < condition.until {
            self.plan(condition.from, Event::Complaints(Box::new(condition.clone())));
        }
    }

    /// A day's complaints, at every receiver that is concerned; then the next day's are planned, so that a condition may last for ever.
    fn complain(&mut self, condition: &Condition, at: Moment) {
        let Wrong::Complaints(domain, a_day) = &condition.wrong else { return };
        let concerned = self.accounts.values().filter(|a| condition.concerns(&a.spec.address, &a.spec.receiver, at));
        let receivers: BTreeSet<String> = concerned.map(|a| a.spec.receiver.clone()).collect();
        if let Ok(somebody) = Address::parse(&format!("campaign@{domain}")) {
            for receiver in &receivers {
                for _ in 0..*a_day {
                    self.filter.learn(&somebody, receiver, Lesson::Complaint, at);
                }
            }
        }
        let tomorrow = at + Duration::from_hours(24);
        if tomorrow < condition.until {
            self.plan(tomorrow, Event::Complaints(Box::new(condition.clone())));
        }
    }

    fn offer(&mut self, account: &Address, from: &Address, to: &Address, now: Moment) -> Result<(), Reply> {
        if from != account {
            return Err(Reply::new(553, "5.7.1 Sender address rejected: not owned by user"));
        }
        if !self.accounts.contains_key(to) {
            let domain_is_here = self.accounts.keys().any(|a| a.domain() == to.domain());
            let text = if domain_is_here {
                "5.1.1 Recipient address rejected: User unknown"
            } else {
                "5.7.1 Relay access denied: this world has no way out"
            };
            return Err(Reply::new(if domain_is_here { 550 } else { 554 }, text));
        }
        let per_minute = self.accounts.get(account).and_then(|a| a.spec.personality.traits().per_minute);
        if let (Some(most), Some(sender)) = (per_minute, self.accounts.get_mut(account)) {
            while sender.handed.front().is_some_and(|at| now.since(*at) >= Duration::from_mins(1)) {
                sender.handed.pop_front();
            }
            if sender.handed.len() >= most as usize {
                return Err(Reply::new(432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"));
            }
        }
        let mut greylisted: Option<Duration> = None;
        for wrong in self.wrongs(to, now) {
            match wrong {
                Wrong::Gone => return Err(Reply::new(550, "5.1.1 The email account that you tried to reach does not exist")),
                Wrong::Greylists(wait) => greylisted = greylisted.max(Some(*wait)),
                _ => {}
            }
        }
        match greylisted {
            Some(wait) if !self.tried_before(from, to, wait, now) => Err(Reply::new(450, "4.2.0 Greylisted, please try again later")),
            _ => Ok(()),
        }
    }

    /// Whether the pair was tried at least `wait` ago; remembers that it was tried.
    fn tried_before(&mut self, from: &Address, to: &Address, wait: Duration, now: Moment) -> bool {
        let first = self.first_tries.entry((from.clone(), to.clone())).or_insert(now);
        now.since(*first) >= wait
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
            let submission = Some(submission_index);
            let transit = InTransit { from: from.clone(), to: to.clone(), bytes: bytes.into(), key: key.clone(), since: now, submission };
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
            Event::Deliver(transit) => self.deliver(*transit, at),
            Event::CallSpam(account, serial) => self.call_spam(&account, serial),
            Event::Complaints(condition) => self.complain(&condition, at),
        }
    }

    fn deliver(&mut self, transit: InTransit, at: Moment) {
        let outage_ends = |c: &Condition| matches!(c.wrong, Wrong::Outage).then_some(c.until);
        let Some(account) = self.accounts.get(&transit.to) else { return };
        let (receiver, personality) = (account.spec.receiver.clone(), account.spec.personality);
        let concerns = |c: &&Condition| c.concerns(&transit.to, &receiver, at);
        if let Some(until) = self.conditions.iter().filter(concerns).filter_map(outage_ends).max() {
            let share: f64 = self.seed.of_words(&["catch-up", &transit.key]).random();
            return self.plan(until + CATCH_UP.mul_f64(share), Event::Deliver(Box::new(transit)));
        }
        if transit.submission.is_none() {
            return self.put(&transit, "INBOX", None, at);
        }
        if self.wrongs(&transit.to, at).any(|w| matches!(w, Wrong::Gone)) {
            return self.bounce(&transit, &Reply::new(550, "5.1.1 The email account that you tried to reach does not exist"), at);
        }
        if account.quota.is_some_and(|q| account.size() + transit.bytes.len() as u64 > q) {
            return self.bounce(&transit, &Reply::new(552, "5.2.2 The recipient's mailbox is full"), at);
        }
        if let Some((share, folder)) = account.filed.clone() {
            let is_letter = crate::words::LetterId::parse(&transit.key).is_ok();
            let digits = transit.key.get(22..).filter(|_| is_letter).and_then(|d| u32::from_str_radix(d, 16).ok());
            let folder = if digits.is_some_and(|d| d < share) { folder } else { "INBOX".into() };
            return self.put(&transit, &folder, None, at);
        }
        let domain = transit.from.domain();
        let fails = self.conditions.iter().filter(concerns).any(|c| matches!(&c.wrong, Wrong::FailsAuthentication(d) if *d == domain));
        let blocklisted = self.conditions.iter().filter(concerns).any(|c| matches!(&c.wrong, Wrong::Blocklists(d) if *d == domain));
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
            Judgement::Inbox(category) => self.put(&transit, "INBOX", category, at),
            Judgement::Spam => {
                let spam = self.accounts.get(&transit.to).and_then(|a| a.folder_of(FolderRole::Spam)).unwrap_or("INBOX").to_owned();
                self.put(&transit, &spam, None, at);
            }
            Judgement::Refused(reply) => self.bounce(&transit, &reply, at),
            Judgement::Deferred(reply, _) if at.since(transit.since) > TRIES_FOR => self.bounce(&transit, &reply, at),
            Judgement::Deferred(_, wait) => self.plan(at + wait, Event::Deliver(Box::new(transit))),
        }
    }

    fn put(&mut self, transit: &InTransit, folder: &str, category: Option<&'static str>, at: Moment) {
        let mut message = self.message(transit.bytes.clone(), at, folder);
        message.category = category;
        if let Some(submission) = transit.submission.and_then(|n| self.evidence.submissions.get_mut(n)) {
            submission.stored = Some(message.first_folder.clone());
        }
        let (serial, mut again) = (message.serial, None);
        let uid_validity = self.next_serial() as u32 + 1_000;
        let Some(account) = self.accounts.get_mut(&transit.to) else { return };
        let (personality, traits) = (account.spec.personality, account.spec.personality.traits());
        let new = || super::Folder::new(special_use_of(personality, folder), uid_validity);
        account.folders.entry(folder.to_owned()).or_insert_with(new).append(message);
        account.bump();
        if folder == "INBOX" && traits.moves_later > 0.0 && account.filed.is_none() && transit.submission.is_some() {
            let mut draw = self.seed.of_words(&["judged again", &transit.key]);
            if draw.random::<f64>() < traits.moves_later {
                again = Some(at + Duration::from_mins(draw.random_range(120..40 * 60)));
            }
        }
        if let Some(later) = again {
            self.plan(later, Event::CallSpam(transit.to.clone(), serial));
        }
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

    /// The sender's own server tells it that a message could not be delivered (RFC 3464).
    fn bounce(&mut self, transit: &InTransit, reply: &Reply, at: Moment) {
        if reply.code == 550 && reply.enhanced.is_some_and(|e| (e.subject, e.detail) == (1, 1)) {
            let receiver = self.accounts.get(&transit.to).map(|a| a.spec.receiver.clone()).unwrap_or_default();
            self.filter.learn(&transit.from, &receiver, Lesson::UnknownRecipient, at);
        }
        let bytes = delivery_report(transit, reply, at);
        let bounce = InTransit {
            from: transit.to.clone(),
            to: transit.from.clone(),
            bytes: bytes.into(),
            key: format!("bounce of {}", transit.key),
            since: at,
            submission: None,
        };
        self.plan(at + Duration::from_secs(3), Event::Deliver(Box::new(bounce)));
    }
}

fn sent_folder(account: &super::Account) -> Option<String> {
    let by_role = account.folder_of(FolderRole::Sent).map(str::to_owned);
    by_role.or_else(|| account.folders.keys().find(|n| n.as_str() == "Sent Items").cloned())
}

fn rfc5322_date(at: Moment) -> String {
    at.utc().format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// The message with the lines that servers put on top of it.
fn with_trace(bytes: &[u8], from: &Address, to: &Address, by: &str, queued: &str, at: Moment) -> Vec<u8> {
    let mut top = String::new();
    let date = rfc5322_date(at);
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

/// A delivery status notification, with the original's header (RFC 3464, RFC 6522).
fn delivery_report(transit: &InTransit, reply: &Reply, at: Moment) -> Vec<u8> {
    let header_len = header::len(&transit.bytes);
    let (from, to, date) = (&transit.from, &transit.to, rfc5322_date(at));
    let status = reply.enhanced.map_or_else(|| "5.0.0".to_owned(), |e| e.to_string());
    let boundary = format!("=_report_{}", transit.key.chars().filter(char::is_ascii_alphanumeric).take(30).collect::<String>());
    let mut out = format!(
        "From: Mail Delivery System <MAILER-DAEMON@{domain}>\r\nTo: <{from}>\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: {date}\r\n\
         Message-ID: <{boundary}@{domain}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nYour message could not be delivered to <{to}>:\r\n{reply}\r\n\r\n\
         --{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.{domain}\r\nArrival-Date: {date}\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {reply}\r\n\r\n\
         --{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n",
        domain = from.domain()
    )
    .into_bytes();
    out.extend_from_slice(&transit.bytes[..header_len]);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}
