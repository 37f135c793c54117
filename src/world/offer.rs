//! What a server says to MAIL and RCPT: what is refused, put off or taken.

use std::time::Duration;

use super::assumptions::{No, reply};
use super::{By, Inside, Lesson, Submission, World, Wrong};
use crate::words::{Address, Moment, Reply};

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
}

impl Inside {
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
        self.at_the_door(from, to, now)?;
        let greylisted = self.greylisting(to, now);
        match greylisted {
            Some(wait) if !self.tried_before(from, to, wait, now) => Err(Reply::new(450, "4.2.0 Greylisted, please try again later")),
            _ => Ok(()),
        }
    }

    /// What the recipient's server would say of the recipient and the sender, where the sender's server asks before it takes a message over.
    fn at_the_door(&mut self, from: &Address, to: &Address, now: Moment) -> Result<(), Reply> {
        let Some(account) = self.accounts.get(to) else { return Ok(()) };
        let (receiver, personality) = (account.spec.receiver.as_str(), account.spec.personality);
        let refused = self.wrongs(to, now).find_map(|wrong| match wrong {
            Wrong::Gone(By::Refusal) => Some(No::Gone),
            Wrong::Full(By::Refusal) => Some(No::Full),
            Wrong::Blocklists(domain, By::Refusal) if *domain == from.domain() => Some(No::Blocklisted),
            _ => None,
        });
        match refused {
            Some(no) => {
                let reply = reply(no, receiver, personality);
                self.refuse(no, from, to, now);
                Err(reply)
            }
            None => self.filter.too_fast(from, receiver, now).map_or(Ok(()), Err),
        }
    }

    /// What a receiver learns of a sender whose message it does not take.
    pub(super) fn refuse(&mut self, no: No, from: &Address, to: &Address, at: Moment) {
        let Some(receiver) = self.accounts.get(to).map(|a| a.spec.receiver.as_str()) else { return };
        let lesson = match no {
            No::Gone => Lesson::UnknownRecipient,
            No::Blocklisted => Lesson::Listed,
            No::Full | No::Unauthenticated | No::TooFast => return,
        };
        self.filter.learn(from, receiver, lesson, at);
    }

    /// How long the recipient's server puts off somebody whom it does not know yet.
    fn greylisting(&self, to: &Address, now: Moment) -> Option<Duration> {
        let own = self.accounts.get(to).filter(|a| a.greylists).map(|_| Duration::from_millis(1));
        let waits = self.wrongs(to, now).filter_map(|wrong| if let Wrong::Greylists(wait) = wrong { Some(*wait) } else { None });
        waits.chain(own).max()
    }

    /// Whether the pair was tried at least `wait` ago; remembers that it was tried.
    fn tried_before(&mut self, from: &Address, to: &Address, wait: Duration, now: Moment) -> bool {
        let first = self.first_tries.entry((from.clone(), to.clone())).or_insert(now);
        now.since(*first) >= wait
    }
}
