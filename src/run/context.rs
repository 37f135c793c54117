//! What the workers of one run share, and how they wait.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};

use super::progress::{News, Progress};
use crate::chance::Seed;
use crate::clock::{Clock, Noted};
use crate::compose::Library;
use crate::config::{Calendar, Config, Engagement, Mailbox, Window};
use crate::ledger::{Fence, Ledger, LedgerError, TroubleNote};
use crate::letter::Keyring;
use crate::mail::{Access, MailError, Trouble};
use crate::words::{Address, Domain, LocalDate, Moment};

/// Everything that the workers of a run share. Made once, never changed.
#[derive(Clone)]
pub struct Context {
    /// The config.
    pub config: Arc<Config>,
    /// The ledger.
    pub ledger: Ledger,
    /// Plan time.
    pub clock: Clock,
    /// The mail servers.
    pub access: Arc<dyn Access>,
    /// The keys of `X-Preheat`.
    pub keys: Arc<Keyring>,
    /// The content.
    pub library: Arc<Library>,
    /// The pool's seed.
    pub seed: Seed,
    /// Whoever watches.
    pub progress: Arc<dyn Progress>,
    /// Becomes true when the run shall end in good order.
    pub stop: watch::Receiver<bool>,
}

/// One mailbox of this run: what it owns, and how its two workers speak to each other.
pub struct Desk {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The proof that its work is ours.
    pub fence: Fence,
    /// The local date that this run carries it through.
    pub date: LocalDate,
    /// Its window on that date.
    pub window: (Moment, Moment),
    /// Its schedule's window, with the gaps; the default for partners.
    pub pacing: Window,
    /// On which days it sends.
    pub calendar: Calendar,
    /// What it does with letters.
    pub engagement: Engagement,
    /// Rings when a letter became due: an answer was placed on the agenda.
    pub new_letters: Notify,
    /// Set when its sign-in was refused: it is out both ways until a person acts.
    pub out: AtomicBool,
    /// Set when it has answered a letter, which is to be marked as answered.
    pub answered: AtomicBool,
    /// Whether an answer of its own may be uncertain: whoever finds that one makes it an action for this mailbox.
    pub uncertain: AtomicBool,
    /// What its IMAP server refuses at the moment, until the same goes well: a folder's role, or `action`.
    pub refused: StdMutex<BTreeSet<&'static str>>,
}

impl Desk {
    /// Whether its sign-in was refused in this run.
    pub fn is_out(&self) -> bool {
        self.out.load(Ordering::Relaxed)
    }

    /// Something was refused.
    pub fn refuses(&self, what: &'static str) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
    }

    /// It goes well again.
    pub fn grants(&self, what: &'static str) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }

    /// Whether nothing is refused.
    pub fn is_granted_all(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Keeps the letters of a domain apart, over all of its mailboxes.
#[derive(Default)]
pub struct Pacer {
    last: Mutex<BTreeMap<Domain, Noted>>,
    /// By domain: its mailboxes, each with the end of the window through which this run carries it, if it does.
    mailboxes: BTreeMap<Domain, Vec<(Address, Option<Moment>)>>,
}

impl Pacer {
    /// For a run with these desks.
    pub fn new(config: &Config, desks: &[Desk]) -> Self {
        let carried: BTreeMap<&Address, Moment> = desks.iter().map(|d| (&d.mailbox.address, d.window.1)).collect();
        let mut mailboxes: BTreeMap<Domain, Vec<(Address, Option<Moment>)>> = BTreeMap::new();
        for address in config.mailboxes.keys() {
            mailboxes.entry(address.domain()).or_default().push((address.clone(), carried.get(address).copied()));
        }
        Self { last: Mutex::default(), mailboxes }
    }

    /// The mailboxes of a domain that another run may be carrying at `now`: those that this one has not, or not any more.
    pub fn of_other_runs(&self, domain: &Domain, now: Moment) -> Vec<Address> {
        let all = self.mailboxes.get(domain).into_iter().flatten();
        all.filter(|(_, until)| until.is_none_or(|until| until <= now)).map(|(address, _)| address.clone()).collect()
    }

    /// What another run handed over, or this one at another time than was taken, counts too.
    pub async fn went_before(&self, domain: &Domain, noted: Noted) {
        let mut last = self.last.lock().await;
        let known = last.entry(domain.clone()).or_insert(noted);
        if noted.at() > known.at() {
            *known = noted;
        }
    }

    /// The next moment at which a letter of `domain` may go, now or later; it is taken for the caller.
    pub async fn take(&self, domain: &Domain, gap: Duration, clock: &Clock) -> Moment {
        let mut last = self.last.lock().await;
        let now = clock.now();
        let at = last.get(domain).map_or(now, |l| now.max(clock.after(*l, gap)));
        last.insert(domain.clone(), clock.note_ahead(at));
        at
    }
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The time came.
    Time,
    /// Somebody rang.
    Rung,
    /// The run shall end.
    Stop,
}

impl Context {
    /// Whether the run shall end.
    pub fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until plan time is `at`, or the run shall end.
    pub async fn wait_until(&self, at: Moment) -> Woken {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => Woken::Stop,
            () = self.clock.sleep_until(at) => Woken::Time,
        }
    }

    /// The same, or until `bell` rings.
    pub async fn wait_or_bell(&self, at: Moment, bell: &Notify) -> Woken {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => Woken::Stop,
            () = bell.notified() => Woken::Rung,
            () = self.clock.sleep_until(at) => Woken::Time,
        }
    }

    /// What `work` comes to; `None`: the run shall end first, and it is dropped where it stands.
    pub async fn unless_stopped<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => None,
            came = work => Some(came),
        }
    }

    /// A moment as mail servers date their messages: in real time, even where a scaled clock is ahead of it.
    pub fn server_time(&self, at: Moment) -> Moment {
        at.min(self.clock.real_now())
    }

    /// Asks the ledger until it answers: a full disk, or a file that another process holds, passes. `None`: the run shall end.
    pub async fn patiently<T, F: Future<Output = Result<T, LedgerError>>>(
        &self,
        who: &Address,
        ask: impl Fn() -> F,
    ) -> Result<Option<T>, LedgerError> {
        loop {
            match ask().await {
                Ok(answer) => return Ok(Some(answer)),
                Err(e) if e.may_pass() => {
                    self.tell(&News::Note(format!("{who}: waits: {e} (hint: {})", e.hint())));
                    if self.wait_until(self.clock.now() + Duration::from_mins(1)).await == Woken::Stop {
                        return Ok(None);
                    }
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Tells whoever watches.
    pub fn tell(&self, news: &News) {
        self.progress.news(self.clock.now(), news);
    }

    /// Notes an error of a mail server in the ledger and tells it. A ledger that cannot be written is told too, not hidden behind it.
    pub async fn note_trouble(&self, channel: &'static str, error: &MailError, retry_at: Moment) {
        let note = TroubleNote {
            channel,
            step: error.step.to_string(),
            what: error.trouble.to_string(),
            hint: error.hint(),
            sign_in: error.is_sign_in(),
            retry_at,
        };
        self.tell(&News::Trouble(error.clone()));
        if let Err(e) = self.ledger.note_trouble(error.mailbox.clone(), note, self.clock.now()).await {
            self.tell(&News::Note(format!("{}: the error could not be written down: {e}", error.mailbox)));
        }
    }

    /// Lets a mailbox in again whose sign-in was refused: when `check` has found it well, or when its rest is over.
    pub async fn look_whether_in_again(&self, desk: &Desk) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let troubles = self.ledger.troubles().await?;
        let still = troubles.iter().any(|t| t.mailbox == desk.mailbox.address && t.sign_in && t.retry_at > now);
        desk.out.store(still, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that a channel of a mailbox works.
    pub async fn clear_trouble(&self, mailbox: &Address, channel: &'static str) {
        if let Err(e) = self.ledger.clear_trouble(mailbox.clone(), channel, self.clock.now()).await {
            self.tell(&News::Note(format!("{mailbox}: could not be written down: {e}")));
        }
    }
}

/// Completes when the run shall end; never, if whoever could say so is gone.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|s| *s).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A refused sign-in is not tried again for this long, unless `check` finds it well before: a wrong password, tried often, locks an account.
const SIGN_IN_REST: Duration = Duration::from_hours(12);

/// How long to wait after the `n`th failure in a row, from 0: 1, 2, 4, 8, 15 minutes of plan time, and up to a quarter more (`share`, 0 to 1): mailboxes that
/// failed together come back one by one.
fn back_off(n: u32, share: f64) -> Duration {
    let least = Duration::from_mins(1) * (1u32 << n.min(4)).min(15);
    least.mul_f64(1.0 + share.clamp(0.0, 1.0) / 4.0)
}

/// How one channel of a mailbox (`smtp`, `imap`) fares: what went wrong in a row, and when it may be tried again.
pub struct Attempts {
    channel: &'static str,
    in_a_row: u32,
    /// Whether its server was down the last time, so that nobody connected.
    turned_away: bool,
    /// Whether the ledger may hold a trouble of this channel: this run's, or an earlier one's.
    troubled: bool,
    not_before: Moment,
}

impl Attempts {
    /// None yet; the first at `from`.
    pub fn from(channel: &'static str, from: Moment) -> Self {
        Self { channel, in_a_row: 0, turned_away: false, troubled: true, not_before: from }
    }

    /// When it may be tried again.
    pub fn not_before(&self) -> Moment {
        self.not_before
    }

    /// Whether the last try failed, and the one before it did not.
    pub fn failed_once(&self) -> bool {
        self.in_a_row == 1
    }

    /// Waits until `at` at least, for a reason that is no failure.
    pub fn wait_until(&mut self, at: Moment) {
        self.not_before = self.not_before.max(at);
    }

    /// Whether the last try failed, or its server was down.
    pub fn failing(&self) -> bool {
        self.in_a_row > 0 || self.turned_away
    }

    /// Backs off, one step further each time.
    pub fn back_off(&mut self, cx: &Context, desk: &Desk) {
        let now = cx.clock.now();
        let words = ["back-off", desk.mailbox.address.as_str(), self.channel, &now.to_string()];
        let [share, _] = cx.seed.shares_of_words(&words);
        // An account that rests for a day is not tried in a minute.
        self.wait_until(now + back_off(self.in_a_row, share));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.turned_away = false;
    }

    /// A failure of the mail server: backs off and notes it. One that is down, or has just come back, says itself when to come again. A refused sign-in puts the mailbox out, both ways.
    pub async fn failed(&mut self, cx: &Context, desk: &Desk, error: &MailError) {
        let now = cx.clock.now();
        if let Some(turn) = error.turn() {
            // Nobody has connected: it is told when to come again, and that is no failure of its own.
            self.wait_until(turn);
            self.turned_away = true;
            if matches!(error.trouble, Trouble::InLine { .. }) {
                // In a minute or two, and no trouble of its own.
                return;
            }
        } else {
            self.back_off(cx, desk);
        }
        self.troubled = true;
        if error.is_sign_in() {
            self.not_before = now + SIGN_IN_REST;
            desk.out.store(true, Ordering::Relaxed);
            desk.new_letters.notify_one();
        }
        cx.note_trouble(self.channel, error, self.not_before).await;
    }

    /// It works: what the ledger holds against it is cleared.
    pub async fn worked(&mut self, cx: &Context, desk: &Desk) {
        (self.in_a_row, self.turned_away) = (0, false);
        if std::mem::take(&mut self.troubled) {
            cx.clear_trouble(&desk.mailbox.address, self.channel).await;
        }
    }

    /// Something on the channel was refused although it works: the trouble stays until a turn goes well.
    pub fn still_troubled(&mut self) {
        (self.in_a_row, self.turned_away) = (0, false);
        self.troubled = true;
    }

    /// A person has acted: it may be tried at once.
    pub fn afresh(&mut self, now: Moment) {
        self.not_before = self.not_before.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_off_grows_to_a_quarter_of_an_hour_and_chance_makes_it_only_longer() {
        let minutes = |share| (0..7).map(|n| back_off(n, share).as_secs_f64() / 60.0).collect::<Vec<_>>();
        assert_eq!(minutes(0.0), [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]);
        assert_eq!(minutes(1.0), [1.25, 2.5, 5.0, 10.0, 18.75, 18.75, 18.75]);
        assert_eq!(back_off(u32::MAX, 2.0), Duration::from_secs(1125));
    }
}
