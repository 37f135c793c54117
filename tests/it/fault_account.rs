//! What days under faults came to: letters, breaches, and the table of many days.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use crate::fault_trial::{Kills, Trial, Wire, story_of};
use crate::rig_day::{count, said};
use crate::story::rows;
use crate::tally::tally;

/// What became of the letters of one day, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    /// The server said that it took them.
    pub sent: i64,
    /// It was uncertain whether the server took them, and they were found.
    pub found: i64,
    /// It was uncertain, and they were not found in 72 hours.
    pub unaccounted: i64,
    /// Not handed over when the fault struck: due again.
    pub again_due: i64,
    /// Skipped, or put off to another day: there was no room left in the window.
    pub late: i64,
}

impl Letters {
    /// As the ledger in `dir` has them; what was due again is known to whoever struck.
    pub fn count(dir: &Path, again_due: i64) -> Self {
        let with = |event: &str| format!("id IN (SELECT letter FROM step WHERE event = '{event}')");
        let n = |sql: &str| count(dir, &format!("SELECT count(*) FROM letter WHERE {sql}"));
        Self {
            sent: n(&with("accepted")),
            found: n(&format!("{} AND state IN ('seen', 'accepted')", with("uncertain"))),
            unaccounted: n("state = 'unaccounted'"),
            again_due,
            late: n("state = 'skipped' OR put_off > 0"),
        }
    }

    /// Letters whose time had come at `now`, and that were not handed over.
    pub fn overdue(dir: &Path, now: i64) -> i64 {
        let Ok(ledger) = rusqlite::Connection::open(dir.join("preheat.db")) else { return 0 };
        ledger
            .query_row("SELECT count(*) FROM letter WHERE state IN ('planned', 'deferred') AND due <= ?1", [now], |r| r.get(0))
            .unwrap_or(0)
    }

    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.found += other.found;
        self.unaccounted += other.unaccounted;
        self.again_due += other.again_due;
        self.late += other.late;
    }
}

/// What one trial came to.
pub struct Account {
    /// The fault and its step: a row of the table.
    pub row: (String, String),
    /// Times that preheat was killed.
    pub kills: u32,
    /// Times that the proxy struck.
    pub strikes: u32,
    pub letters: Letters,
    /// Copies beyond the one of each submission: the servers' own.
    pub copies: usize,
    /// Promises that were not kept, one sentence each.
    pub breaches: Vec<String>,
    is_kill: bool,
}

impl Account {
    /// Nothing has happened yet.
    pub fn of(trial: &Trial) -> Self {
        let step = match trial.wire {
            Wire::None => "anywhere".to_owned(),
            Wire::Both => "SMTP and IMAP".to_owned(),
            Wire::Smtp => format!("SMTP {}", trial.steps),
            Wire::Imap => format!("IMAP {}", trial.steps),
            Wire::BareImap => format!("IMAP without MOVE {}", trial.steps),
            Wire::SmtpStarttls => format!("SMTP, STARTTLS: {}", trial.steps),
            Wire::ImapStarttls => format!("IMAP, STARTTLS: {}", trial.steps),
            Wire::SmtpTls => "SMTP in TLS, bytes".to_owned(),
            Wire::ImapTls => "IMAP in TLS, bytes".to_owned(),
        };
        Self {
            row: (trial.name.to_owned(), step),
            kills: 0,
            strikes: 0,
            letters: Letters::default(),
            copies: 0,
            breaches: Vec::new(),
            is_kill: trial.kills != Kills::Never,
        }
    }

    /// A run ends by itself, with 0.
    pub fn ends_well(&mut self, what: &str, output: &Output) {
        if output.status.code() != Some(0) {
            self.breaches.push(format!("{what} did not end well: {}", story_of(output)));
        }
    }

    /// A command finds nothing wrong.
    pub fn is_clean(&mut self, what: &str, output: &Output) {
        if output.status.code() != Some(0) {
            self.breaches.push(format!("{what}: {}", story_of(output)));
        }
    }

    /// What the independent auditor says. Copies that servers made are not preheat's.
    pub fn audited(&mut self, output: &Output) {
        let text = said(output);
        self.copies += text.lines().filter(|line| line.starts_with("note") && line.ends_with("the servers' doing")).count();
        self.is_clean("the audit", output);
    }

    /// A line of the proxy: `struck KIND STEP`, or `met STEP COUNT`. A session of SMTP is opened for a letter: struck before its bytes, that is due again.
    pub fn note_of_proxy(&mut self, line: &str, is_smtp: bool) {
        const BEFORE_THE_BYTES: [&str; 7] = ["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data"];
        let Some((kind, step)) = line.strip_prefix("struck ").and_then(|struck| struck.split_once(' ')) else { return };
        self.strikes += 1;
        if !self.is_kill && is_smtp && kind != "trickle" && BEFORE_THE_BYTES.contains(&step) {
            self.letters.again_due += 1;
        }
    }

    /// After the last look, days later, nothing is in between. (What the ledger plans for later dates is the auditor's to judge.)
    pub fn all_is_settled(&mut self, dir: &Path) {
        let open = rows(dir, "SELECT id, sender, state FROM letter WHERE state IN ('handed', 'accepted', 'uncertain', 'missing')");
        self.breaches.extend(open.into_iter().map(|letter| format!("{letter}: has no end")));
        if self.letters.sent + self.letters.found == 0 {
            self.breaches.push("nothing was sent at all".to_owned());
        }
    }

    /// Whoever delivers a letter again makes a copy: the auditor tells it from a submission, and preheat writes it down as one and leaves it alone.
    /// Nobody else makes any: a rescue that breaks off is ended, and not begun again.
    pub fn knows_the_copies(&mut self, dir: &Path, made: usize) {
        let noted = rows(dir, "SELECT DISTINCT letter FROM refused_mark WHERE why = 'duplicate'").len();
        if self.copies != made || noted < made {
            self.breaches.push(format!("{made} letters were delivered twice: the auditor counts {}, the ledger {noted}", self.copies));
        }
    }

    /// What was never found is called so where a person looks: in the day's agenda.
    pub fn shows_what_is_unaccounted(&mut self, agenda: &Output) {
        let shown = said(agenda).lines().filter(|line| line.ends_with("unaccounted")).count() as i64;
        if shown != self.letters.unaccounted {
            self.breaches.push(format!("{} letters are unaccounted, and `preheat agenda` shows {shown}", self.letters.unaccounted));
        }
    }

    /// Says where everything lies, and how it is played again.
    pub fn keep(&mut self, dir: &Path, seed: u64) {
        self.breaches.push(format!("seed {seed}; the ledger and the config are kept in {}", dir.display()));
    }
}

/// The days of a sweep, added up by fault and step.
#[derive(Default)]
pub struct Table {
    rows: BTreeMap<(String, String), Row>,
    /// All that was broken, for the end.
    breaches: Vec<String>,
}

#[derive(Default)]
struct Row {
    runs: u32,
    kills: u32,
    strikes: u32,
    letters: Letters,
    copies: usize,
    breaches: usize,
}

impl Row {
    fn line(&self, fault: &str, step: &str) -> String {
        let Letters { sent, found, unaccounted, again_due, late } = self.letters;
        format!(
            "{fault:<16} {step:<32} {:>5} {:>6} {:>6} {sent:>6} {found:>6} {unaccounted:>11} {again_due:>9} {late:>5} {:>6} {:>8}\n",
            self.runs, self.kills, self.strikes, self.copies, self.breaches
        )
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.kills += other.kills;
        self.strikes += other.strikes;
        self.letters.add(other.letters);
        self.copies += other.copies;
        self.breaches += other.breaches;
    }
}

impl Table {
    /// Adds a day.
    pub fn add(&mut self, account: Account) {
        let row = Row {
            runs: 1,
            kills: account.kills,
            strikes: account.strikes,
            letters: account.letters,
            copies: account.copies,
            breaches: account.breaches.len(),
        };
        let (fault, step) = account.row.clone();
        if !account.breaches.is_empty() {
            self.breaches.push(format!("{fault}, {step}:\n  {}", account.breaches.join("\n  ")));
        }
        self.rows.entry(account.row).or_default().add(&row);
    }

    /// A row of the table of faults and outcomes for each kind of fault.
    pub fn tally(&self, servers: &str) {
        for (fault, row) in self.by_fault() {
            let Letters { sent, found, unaccounted, again_due, .. } = row.letters;
            let breaches = row.breaches;
            tally(
                &format!("{fault}, {servers}"),
                u64::from(if row.kills > 0 { row.kills } else { row.strikes }),
                &format!(
                    "{sent} letters sent, {found} found again, {unaccounted} unaccounted and shown, {again_due} due again; {breaches} lost, sent twice or wrong"
                ),
            );
        }
    }

    fn by_fault(&self) -> BTreeMap<&str, Row> {
        let mut by_fault = BTreeMap::<&str, Row>::new();
        for ((fault, _), row) in &self.rows {
            by_fault.entry(fault).or_default().add(row);
        }
        by_fault
    }

    /// Times that preheat was killed, and that a line was struck.
    pub fn faults(&self) -> (u32, u32) {
        self.rows.values().fold((0, 0), |(kills, strikes), row| (kills + row.kills, strikes + row.strikes))
    }

    /// Rows in which nothing was broken: the step was never met.
    pub fn idle_rows(&self) -> Vec<String> {
        self.rows.iter().filter(|(_, row)| row.kills + row.strikes == 0).map(|((fault, step), _)| format!("{fault}, {step}")).collect()
    }

    /// Every promise that was not kept.
    pub fn breaches(&self) -> &[String] {
        &self.breaches
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<16} {:<32} {:>5} {:>6} {:>6} {:>6} {:>6} {:>11} {:>9} {:>5} {:>6} {:>8}\n",
            "fault", "step", "runs", "kills", "struck", "sent", "found", "unaccounted", "again due", "late", "copies", "breaches"
        );
        let mut all = Row::default();
        for ((fault, step), row) in &self.rows {
            text += &row.line(fault, step);
            all.add(row);
        }
        for (fault, row) in &self.by_fault() {
            text += &row.line(fault, "all steps");
        }
        text += &all.line("all", "all steps");
        writeln!(
            text,
            "sent: the server said so; found: its reply was lost, and the letter was seen; unaccounted: lost, and not seen in 72 hours; again due: not
handed over when the fault struck, and due again; late: skipped, or put off, because no room was left in the window; copies: letters of which a server made more than one"
        )
        .unwrap();
        text
    }
}
