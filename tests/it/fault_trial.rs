//! A trial: one day of a small pool on real servers while something is broken, again and again, at a step that is known or at moments that are
//! drawn from a seed. What it came to is an [`Account`].

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::fault_account::{Account, Letters};
use crate::rig::{Line, PoolOptions, Proxy, Rig};
use crate::rig_day::said;
use crate::rig_luck::seed as seed_ledger;
use crate::story::{WIDE_PAIRS, kill, rows, signal};

/// Six letters a mailbox, answers among them, and everything else that a recipient does, soon.
const BUSY_DAY: &str = "about: a short day on which everything is done soon
ramp: {start: 6, target: 6, weeks: 4, curve: linear}
window: {hours: 09:00-13:00}
engagement:
  open: 1
  answer: 0.5
  important: 0.5
  flag: 0.5
  rescue_delay: {median: 15m, p95: 25m, min: 10m, max: 30m}
  open_delay: {median: 5m, p95: 10m, min: 3m, max: 15m}
  answer_delay: {median: 15m, p95: 20m, min: 10m, max: 30m}
  hours: 07:00-16:00
";
/// Tuesday, ten minutes before the window opens in Berlin. In the past: see [`crate::rig_luck::TUESDAY`].
const MORNING: &str = "2025-12-02T07:50:00Z";
/// A quarter of an hour before the window ends: who starts the run again any later begins the next day.
const LAST_KILL: &str = "2025-12-02T11:45:00Z";
/// Saturday, four days later: nothing is sent, and what was uncertain is given up.
const SATURDAY: &str = "2025-12-06T09:00:00Z";
/// How many times faster than real time; an hour a second. The window is four seconds.
const FAST: u32 = 3600;
/// For days that are killed: each start takes its time, too.
const KILLED: u32 = 1800;
/// At this pace a wait between two looks is long enough in real time to be spent in IDLE.
const SLOW: u32 = 30;
/// How long a step may take, in real seconds.
const PATIENCE: &str = "1";

/// Lies in every inbox when the day begins. Whatever happens, nobody touches it.
const OTHERS_MAIL: &str = "From: A person <person@elsewhere.example>\r\nSubject: not preheat's\r\n\r\nHello.\r\n";

/// Which line is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// None: preheat is killed, the servers are well.
    None,
    /// SMTP that can be read.
    Smtp,
    /// IMAP that can be read.
    Imap,
    /// The same on the server without MOVE and UIDPLUS.
    BareImap,
    /// SMTP with STARTTLS: can be read up to there.
    SmtpStarttls,
    /// IMAP with STARTTLS.
    ImapStarttls,
    /// SMTP in TLS from the first byte.
    SmtpTls,
    /// IMAP in TLS from the first byte.
    ImapTls,
    /// SMTP and IMAP that can be read, both broken.
    Both,
}

/// When preheat is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kills {
    /// Never.
    Never,
    /// So many times, at moments that the seed says.
    AtRandom(u32),
    /// When the proxy strikes.
    AtStrikes,
}

/// What is broken on one day, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// What kind of fault it is called in the table.
    pub name: &'static str,
    /// The kinds that the proxy draws from, in `stepproxy.py`'s words.
    pub kinds: &'static str,
    /// The steps, likewise.
    pub steps: &'static str,
    pub wire: Wire,
    pub kills: Kills,
    /// How many of a hundred occasions are struck.
    pub share: u32,
    /// The most strikes of each proxy.
    pub times: u32,
    /// So many letters are delivered a second time after the day, as a server does that forgets what it has done.
    pub copies: usize,
}

impl Trial {
    /// Plays the day, with the mailboxes of the rig's slot emptied before, and gives the account of it.
    pub fn play(&self, rig: &mut Rig, seed: u64) -> Account {
        rig.reset_mail();
        let dir = tempfile::tempdir().unwrap();
        let mut account = Account::of(self);
        let proxies = self.write_pool(rig, dir.path(), seed);
        seed_ledger(dir.path(), seed);
        let users: Vec<String> = rig.warm_domains().into_iter().map(|d| rig.user(1, d)).collect();
        // Where rescues are struck there are many.
        rig.junk_share(if matches!(self.steps, "move" | "copy" | "expunge") { 200 } else { 85 }, &users);

        for user in &users {
            rig.plant(user, "INBOX", "before-it-all", OTHERS_MAIL);
        }

        let clock = SharedClock::starting(MORNING, self.pace());
        let ended = match self.kills {
            Kills::AtRandom(kills) => kill_at_random(rig, dir.path(), &clock, kills, seed, &mut account),
            Kills::AtStrikes => kill_at_strikes(rig, dir.path(), &clock, &proxies[0], &mut account),
            Kills::Never if self.is_idle() => listen_for_a_while(rig, dir.path(), &clock, &proxies[0], self.times, &mut account),
            Kills::Never => false,
        };
        if !ended {
            let clock = clock.going_on_at(FAST);
            account.ends_well("the day", &run(rig, dir.path(), &clock).wait_with_output().unwrap());
        }
        for (n, proxy) in proxies.into_iter().enumerate() {
            let is_smtp = n == 0 && !matches!(self.wire, Wire::Imap | Wire::BareImap | Wire::ImapStarttls | Wire::ImapTls);
            for line in proxy.finish() {
                account.note_of_proxy(&line, is_smtp);
            }
        }
        self.deliver_again(rig, dir.path());
        self.settle(rig, dir.path(), &mut account);
        if !account.breaches.is_empty() {
            account.keep(&dir.keep(), seed);
        }
        account
    }

    fn pace(&self) -> u32 {
        match self.kills {
            Kills::Never if self.is_idle() => SLOW,
            Kills::Never => FAST,
            Kills::AtRandom(_) | Kills::AtStrikes => KILLED,
        }
    }

    fn is_idle(&self) -> bool {
        self.steps.split(',').any(|step| matches!(step, "idle" | "idling" | "done"))
    }

    /// Writes the config of three mailboxes behind the proxies of this trial, and starts those.
    fn write_pool(&self, rig: &Rig, dir: &Path, seed: u64) -> Vec<Proxy> {
        let (share, times, seed) = (self.share.to_string(), self.times.to_string(), seed.to_string());
        let args = ["--kinds", self.kinds, "--steps", self.steps, "--share", &share, "--times", &times, "--seed", &seed, "--span", "7000"];
        let before = |usual: u16| rig.step_proxy(rig.port(usual), &args);
        let (proxies, line) = match self.wire {
            Wire::None => (vec![], Line::Starttls),
            Wire::Smtp => behind(before(1587), |p| Line::Plain { smtp: Some(p), imap: None }),
            Wire::Imap => behind(before(1143), |p| Line::Plain { smtp: None, imap: Some(p) }),
            Wire::BareImap => behind(before(2143), |p| Line::Plain { smtp: None, imap: Some(p) }),
            Wire::SmtpStarttls => (vec![before(587)], Line::Starttls),
            Wire::ImapStarttls => (vec![before(143)], Line::Starttls),
            Wire::SmtpTls => (vec![before(465)], Line::Implicit),
            Wire::ImapTls => (vec![before(993)], Line::Implicit),
            Wire::Both => {
                let (smtp, imap) = (before(1587), before(1143));
                let line = Line::Plain { smtp: Some(smtp.port), imap: Some(imap.port) };
                (vec![smtp, imap], line)
            }
        };
        let yaml = rig.write_pool(dir, &three_mailboxes(line));
        let usual = match self.wire {
            Wire::SmtpStarttls => 587,
            Wire::ImapStarttls => 143,
            Wire::SmtpTls => 465,
            Wire::ImapTls => 993,
            _ => return proxies,
        };
        let (from, to) = (format!("port: {}, tls", rig.port(usual)), format!("port: {}, tls", proxies[0].port));
        let text = std::fs::read_to_string(&yaml).unwrap();
        assert!(text.contains(&from), "{from} is not in {text}");
        std::fs::write(yaml, text.replace(&from, &to)).unwrap();
        proxies
    }

    /// Delivers letters a second time, to where they lie: such as nobody has answered, for an answered one is told by its flags.
    fn deliver_again(&self, rig: &Rig, dir: &Path) {
        let lie_unanswered = format!(
            "SELECT id, recipient FROM letter l WHERE placement = 'inbox' AND NOT EXISTS (SELECT 1 FROM letter WHERE parent = l.id) ORDER BY id LIMIT {}",
            self.copies
        );
        let letters = rows(dir, &lie_unanswered);
        assert_eq!(letters.len(), self.copies, "too few letters were seen");
        for letter in letters {
            let (id, recipient) = letter.split_once(' ').unwrap();
            let message = rig.messages(recipient, "INBOX").into_iter().find(|m| m.contains(&format!("Message-ID: <{id}@"))).unwrap();
            rig.deliver(recipient, "INBOX", &message);
        }
    }

    /// The line is whole again, and it is Saturday: what is open is ended. Then everything is counted and compared.
    fn settle(&self, rig: &Rig, dir: &Path, account: &mut Account) {
        let line = if self.wire == Wire::BareImap {
            Line::Plain { smtp: None, imap: Some(rig.port(2143)) }
        } else {
            Line::Plain { smtp: None, imap: None }
        };
        rig.write_pool(dir, &three_mailboxes(line));
        let saturday = SharedClock::starting(SATURDAY, FAST);
        account.ends_well("Saturday", &run(rig, dir, &saturday).wait_with_output().unwrap());
        account.is_clean("ledger check", &rig.preheat(dir, &["ledger", "check"], &saturday.variable));
        account.audited(&rig.audit(dir, &[]));
        account.letters = Letters::count(dir, account.letters.again_due);
        account.all_is_settled(dir);
        account.knows_the_copies(dir, self.copies);
        account.shows_what_is_unaccounted(&rig.preheat(dir, &["agenda", "2025-12-02"], &saturday.variable));
    }
}

fn behind(proxy: Proxy, line: impl Fn(u16) -> Line) -> (Vec<Proxy>, Line) {
    let line = line(proxy.port);
    (vec![proxy], line)
}

fn three_mailboxes(line: Line) -> PoolOptions {
    PoolOptions {
        per_domain: 1,
        window: ["09:00", "13:00"],
        schedule: "busy",
        schedule_text: Some(BUSY_DAY),
        line,
        receive_limit: 40,
        more: WIDE_PAIRS,
        ..PoolOptions::default()
    }
}

/// A scaled clock that all processes of a trial share: what is killed loses time.
struct SharedClock {
    /// For `PREHEAT_CLOCK`.
    variable: String,
    start: preheat::words::Moment,
    since: chrono::DateTime<chrono::Utc>,
    factor: u32,
}

#[expect(clippy::disallowed_methods, reason = "several processes share one scaled clock: it has to begin at a real instant")]
impl SharedClock {
    fn starting(at: &str, factor: u32) -> Self {
        let since = chrono::Utc::now();
        let start = preheat::words::Moment::parse_rfc3339(at).unwrap();
        let variable = format!("{at} x{factor} since {}", since.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        Self { variable, start, since, factor }
    }

    /// The same time, at another pace from now on.
    fn going_on_at(self, factor: u32) -> Self {
        if factor == self.factor {
            return self;
        }
        let now = chrono::DateTime::from_timestamp_millis(self.now()).unwrap();
        Self::starting(&now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), factor)
    }

    fn is_past(&self, moment: &str) -> bool {
        self.now() > preheat::words::Moment::parse_rfc3339(moment).unwrap().0
    }

    /// Plan time, in milliseconds UTC.
    fn now(&self) -> i64 {
        self.start.0 + (chrono::Utc::now() - self.since).num_milliseconds() * i64::from(self.factor)
    }
}

fn run(rig: &Rig, dir: &Path, clock: &SharedClock) -> Child {
    let mut command = rig.command(dir, &["run"], &clock.variable);
    command.env("PREHEAT_PATIENCE", PATIENCE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a run has ended by itself, or something else is so. True: it has ended.
fn ended_before(run: &mut Child, limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    const STEP: Duration = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while waited < limit {
        if run.try_wait().unwrap().is_some() {
            return true;
        }
        if is_so() {
            return false;
        }
        std::thread::sleep(STEP);
        waited += STEP;
    }
    false
}

/// Starts the day again and again, and kills it after a time that the seed says, from its first breath to most of a second later. True: it has ended.
fn kill_at_random(rig: &Rig, dir: &Path, clock: &SharedClock, kills: u32, seed: u64, account: &mut Account) -> bool {
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..kills {
        let delay = Duration::from_millis(draws.random_range(5..700));
        if clock.is_past(LAST_KILL) {
            break;
        }
        let mut killed = run(rig, dir, clock);
        if ended_before(&mut killed, delay, || false) {
            account.ends_well("the day", &killed.wait_with_output().unwrap());
            return true;
        }
        strike_down(dir, clock, killed, account);
    }
    false
}

/// Kills the day each time that the proxy strikes, until it does no more. True: it has ended.
fn kill_at_strikes(rig: &Rig, dir: &Path, clock: &SharedClock, proxy: &Proxy, account: &mut Account) -> bool {
    loop {
        let mut killed = run(rig, dir, clock);
        if ended_before(&mut killed, Duration::from_mins(1), || proxy.has_struck() && !clock.is_past(LAST_KILL)) {
            account.ends_well("the day", &killed.wait_with_output().unwrap());
            return true;
        }
        strike_down(dir, clock, killed, account);
    }
}

fn strike_down(dir: &Path, clock: &SharedClock, run: Child, account: &mut Account) {
    let now = clock.now();
    let output = kill(run);
    if output.status.code().is_some() {
        account.ends_well("the day", &output); // it was quicker
        return;
    }
    account.kills += 1;
    account.letters.again_due += Letters::overdue(dir, now);
}

/// Lets the day run slowly until IDLE was struck so often, and then ends it in good order.
fn listen_for_a_while(rig: &Rig, dir: &Path, clock: &SharedClock, proxy: &Proxy, times: u32, account: &mut Account) -> bool {
    let mut listening = run(rig, dir, clock);
    let mut left = times;
    let ended = ended_before(&mut listening, Duration::from_mins(1), || {
        if left > 0 && proxy.has_struck() {
            left -= 1;
            account.strikes += 1;
        }
        left == 0
    });
    if !ended {
        std::thread::sleep(Duration::from_millis(300)); // what was struck last is felt
        signal(&listening, "TERM");
    }
    account.ends_well("a morning of listening", &listening.wait_with_output().unwrap());
    false
}

/// What a program said, for a breach.
pub fn story_of(output: &Output) -> String {
    format!("exit {:?}: {}", output.status.code(), said(output))
}
