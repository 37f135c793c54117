//! The checked config: what the rest of preheat sees. Plain data; every value is inside its documented range.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{NaiveTime, Weekday};

use crate::words::{Address, Domain, LocalDate, OutsideMail, Provider, Role, Source, Zone};

/// A whole `preheat.yaml` with the schedules that it names.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read.
    pub file: PathBuf,
    /// The pool's name, shown in output.
    pub pool: String,
    /// The zone of mailboxes that name none.
    pub zone: Zone,
    /// The SQLite file; absolute, or relative to the config's folder and already joined to it.
    pub ledger: PathBuf,
    /// The 0600 file that holds the keys of `X-Preheat`; joined likewise.
    pub key_file: PathBuf,
    /// Every mailbox, keyed by address.
    pub mailboxes: BTreeMap<Address, Mailbox>,
    /// Settings of warming domains; a domain without any has the defaults.
    pub domains: BTreeMap<Domain, DomainSettings>,
    /// The schedules in use, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// Limits on who writes to whom.
    pub pairs: PairLimits,
    /// What becomes of finished warmup mail; `None`: it stays where it is.
    pub tidy: Option<Tidy>,
    /// The user's own content files and command.
    pub content: ContentSettings,
    /// Whether the guard moves the ramp. No file can switch it off: only a rehearsal does, to show what it is good for.
    pub guard: bool,
    /// What the reader found worth a word although nothing is wrong.
    pub warnings: Vec<crate::words::Finding>,
}

impl Config {
    /// The schedule of a warming mailbox; `None` for a partner.
    pub fn schedule_of(&self, mailbox: &Mailbox) -> Option<&Schedule> {
        mailbox.schedule.as_ref().and_then(|name| self.schedules.get(name))
    }

    /// The warming domains, in order.
    pub fn warming_domains(&self) -> BTreeSet<Domain> {
        self.mailboxes.values().filter(|m| m.role == Role::Warming).map(|m| m.address.domain()).collect()
    }

    /// The warming mailboxes of each domain, by address.
    pub fn warming_by_domain(&self) -> BTreeMap<Domain, Vec<&Mailbox>> {
        let mut domains: BTreeMap<Domain, Vec<&Mailbox>> = BTreeMap::new();
        for mailbox in self.mailboxes.values().filter(|m| m.role == Role::Warming) {
            domains.entry(mailbox.address.domain()).or_default().push(mailbox);
        }
        domains
    }
}

/// One mailbox of the pool.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its address, and its id everywhere.
    pub address: Address,
    /// Warming or partner.
    pub role: Role,
    /// Who runs it.
    pub provider: Provider,
    /// Mailboxes of one group (tenant, host) never write to each other.
    pub group: Option<String>,
    /// Its zone: decides its local date and its window.
    pub zone: Zone,
    /// The name beside its address in From and To; no controls.
    pub name: Option<String>,
    /// The languages it writes, best first: `en`, `de`, `fr`, `es`, or one of the user's own content files. Never empty.
    pub languages: Vec<String>,
    /// The schedule's name; `None` for partners.
    pub schedule: Option<String>,
    /// The first local date of its ramp; `None`: the first day that preheat runs.
    pub start_on: Option<LocalDate>,
    /// Messages a day at most, whatever the schedule says.
    pub daily_cap: Option<u32>,
    /// Letters it may receive on one local date; 20 by default.
    pub receive_limit: u32,
    /// Partners: letters it may send a day (12), answers included. Unused for warming mailboxes.
    pub send_limit: u32,
    /// Partners: threads it may start a day (3).
    pub start_limit: u32,
    /// How to send.
    pub smtp: SmtpAccess,
    /// How to look.
    pub imap: ImapAccess,
    /// The user to sign in as.
    pub user: String,
    /// Where its secret comes from.
    pub credential: CredentialSource,
    /// How the secret is used.
    pub auth: AuthKind,
    /// The config's word on the spam folder, where finding it by role and name fails.
    pub spam_folder: Option<String>,
    /// The same for Sent.
    pub sent_folder: Option<String>,
    /// How its real mail becomes known; `None`: nobody has said, so it is not known. Always `None` for partners.
    pub outside_mail: Option<OutsideMail>,
    /// Where it stands in the config, for findings.
    pub source: Source,
}

/// Where a secret comes from. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// An environment variable.
    Env(String),
    /// The first line of a file that others cannot read.
    File(PathBuf),
    /// What a program prints: first line of its standard output. Program and arguments, run without a shell.
    Command(Vec<String>),
}

/// How a secret signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// A password: the best of PLAIN and LOGIN that the server offers.
    Password,
    /// An OAuth2 access token by XOAUTH2.
    Xoauth2,
}

/// TLS on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// TLS from the first byte (465, 993).
    Implicit,
    /// STARTTLS; an error where it is not offered.
    Starttls,
    /// None. Only to loopback; the reader refuses anything else.
    Plain,
}

/// Host, port and TLS of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, checked against the certificate.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// How TLS begins.
    pub tls: TlsMode,
    /// A PEM file with the CA to trust for this server, beside none of the system's.
    pub ca_file: Option<PathBuf>,
}

/// How a mailbox sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpAccess {
    /// Where.
    pub server: Server,
    /// The name in EHLO; the mailbox's domain by default.
    pub ehlo: String,
}

/// How a mailbox is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImapAccess {
    /// Where.
    pub server: Server,
}

/// Settings of one warming domain.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DomainSettings {
    /// Messages a day over all of its mailboxes.
    pub daily_cap: Option<u32>,
}

/// Limits on who writes to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct PairLimits {
    /// Starts a day from one mailbox to another; 3.
    pub max_per_pair: u32,
    /// Starts in 7 days from one mailbox to another; 12.
    pub max_per_pair_week: u32,
    /// Letters in a thread; 4.
    pub thread_length: u32,
    /// Wanted share of letters by the recipient's provider, each 0–1, together at most 1; empty: as the pool is made up.
    pub provider_mix: BTreeMap<Provider, f64>,
}

/// What becomes of finished warmup mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tidy {
    /// From a letter's hand-over until it is put away; 14 days, from 2 to 366.
    pub after: Duration,
    /// The folder that it is moved into, on one level and as people see it; `None`: it is deleted.
    pub into: Option<String>,
}

/// The user's content.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ContentSettings {
    /// Content files beside the shipped ones.
    pub files: Vec<PathBuf>,
    /// A program that gets JSON on standard input and answers JSON: subject and text.
    pub command: Option<Vec<String>>,
}

/// A schedule: a ramp plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its name: the file's name without `.yaml`.
    pub name: String,
    /// Where it was read from.
    pub origin: ScheduleOrigin,
    /// One sentence for people.
    pub about: String,
    /// The ramp.
    pub ramp: Ramp,
    /// On which days.
    pub calendar: Calendar,
    /// At which times.
    pub window: Window,
    /// What recipients do.
    pub engagement: Engagement,
    /// What comes after the ramp.
    pub after: AfterRamp,
    /// The most of a day's total that warmup takes, 0.01 to 1; 1 by default.
    pub share: f64,
}

/// Where a schedule came from; `plan` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleOrigin {
    /// Compiled in.
    Shipped,
    /// The user's file, which wins over a shipped one of the same name.
    File(PathBuf),
}

/// The ramp of a schedule: messages a day per mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    /// The first day's volume; 1 or more.
    pub start: u32,
    /// The volume that the ramp reaches; `start` or more.
    pub target: u32,
    /// Calendar weeks, 1 to 26; the curve runs over the send-days in them.
    pub weeks: u32,
    /// Its shape.
    pub curve: Curve,
    /// The bound on every step; `None` for `steps`.
    pub max_daily_growth: Option<Growth>,
    /// How far chance may lower a day, 0 to 0.5 of its volume.
    pub jitter: f64,
}

/// The shape of a ramp.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// The same number of messages more each day.
    Linear,
    /// The same factor each day.
    Exponential,
    /// Slow, fast, slow: an S.
    Logistic,
    /// An explicit list.
    Steps {
        /// Volumes in order; `start` and `target` are its first and its largest.
        volumes: Vec<u32>,
        /// Whether each stands for a send-day or for a calendar week.
        per: StepUnit,
    },
}

/// What one entry of `steps` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUnit {
    /// One send-day.
    Day,
    /// The send-days of one calendar week.
    Week,
}

/// The larger of the two bounds a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Messages; 2 by default.
    pub messages: u32,
    /// Share of yesterday's; 0.20 by default.
    pub share: f64,
}

/// On which days mail is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// The weekdays with full volume.
    pub weekdays: BTreeSet<DayName>,
    /// The share of a day's volume on the other days, 0 to 1; 0 by default: no sending.
    pub weekend_factor: f64,
    /// Dates without any sending.
    pub holidays: BTreeSet<LocalDate>,
}

/// A weekday that can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayName(pub u8);

impl From<Weekday> for DayName {
    /// Monday is 0.
    fn from(w: Weekday) -> Self {
        Self(w.num_days_from_monday() as u8)
    }
}

impl Calendar {
    /// The share of a full day's volume on `date`: 1, the weekend factor, or 0.
    pub fn factor(&self, date: LocalDate) -> f64 {
        if self.holidays.contains(&date) {
            0.0
        } else if self.weekdays.contains(&date.weekday().into()) {
            1.0
        } else {
            self.weekend_factor
        }
    }

    /// Whether anything may be sent on `date`.
    pub fn is_send_day(&self, date: LocalDate) -> bool {
        self.factor(date) > 0.0
    }
}

/// At which times of the sender's day mail is sent, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// 08:30 by default.
    pub from: NaiveTime,
    /// 17:30 by default; after `from`.
    pub to: NaiveTime,
    /// Between two letters of one mailbox; 5 minutes.
    pub mailbox_gap: Duration,
    /// Between two letters of one domain; 90 seconds.
    pub domain_gap: Duration,
}

/// What recipients do with letters: chances and delays. Taken from the *recipient's* schedule, or the default for partners.
#[derive(Clone, Debug, PartialEq)]
pub struct Engagement {
    /// Chance that a letter is opened; 0.60.
    pub open: f64,
    /// Chance that an opened or rescued letter is answered; 0.30.
    pub answer: f64,
    /// Chance that it is marked important; 0.15.
    pub important: f64,
    /// Chance that it is flagged; 0.05.
    pub flag: f64,
    /// From the first sighting in spam to the rescue (always done): median and bounds 45 min (10 min – 6 h).
    pub rescue_delay: Delay,
    /// From the first sighting to the open; 60 min, 95 % within 8 h.
    pub open_delay: Delay,
    /// From the open to the answer; 3 h, 95 % within 26 h.
    pub answer_delay: Delay,
    /// From when recipients read; 07:00.
    pub from: NaiveTime,
    /// Until when; 22:00.
    pub to: NaiveTime,
}

/// A heavy-tailed (log-normal) delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Half of the draws are below it.
    pub median: Duration,
    /// 95 % of the draws are below it.
    pub p95: Duration,
    /// No draw is below it.
    pub min: Duration,
    /// No draw is above it.
    pub max: Duration,
}

impl Default for Engagement {
    fn default() -> Self {
        let min = |m: u64| Duration::from_secs(m * 60);
        let time = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or_default();
        Self {
            open: 0.60,
            answer: 0.30,
            important: 0.15,
            flag: 0.05,
            rescue_delay: Delay { median: min(45), p95: min(240), min: min(10), max: min(360) },
            open_delay: Delay { median: min(60), p95: min(480), min: min(3), max: min(1440) },
            answer_delay: Delay { median: min(180), p95: min(26 * 60), min: min(15), max: min(48 * 60) },
            from: time(7),
            to: time(22),
        }
    }
}

/// What comes after the ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRamp {
    /// Goes on with this many messages a day.
    Maintain(u32),
    /// Nothing more is sent.
    Stop,
}
