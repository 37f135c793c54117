//! The status: where pool, domains and mailboxes stand.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::health::whom;
use super::table::{Align, Table, indented};
use super::{space, suspended};
use crate::guard::Subject;
use crate::ledger::{MailboxStatus, PauseRow, PlacementCounts, Space, SuspensionRow, TroubleRow};
use crate::run::WordInForce;
use crate::words::{Address, Domain, LocalDate, Moment, Role};

/// What `status` shows.
#[derive(Clone, Debug, Default)]
pub struct StatusReport {
    /// The pool's name.
    pub pool: String,
    /// Named where the clock is not the system's.
    pub clock_name: Option<String>,
    /// Plan time.
    pub now: Moment,
    /// Whether there is a ledger yet.
    pub began: bool,
    /// The mailboxes, in order.
    pub mailboxes: Vec<MailboxLine>,
    /// The health of domains of which there is a number.
    pub health: BTreeMap<Domain, u32>,
    /// What the guard said last of mailboxes and domains that do not go on for it.
    pub words: Vec<WordInForce>,
    /// Pauses in force.
    pub pauses: Vec<PauseRow>,
    /// Mailboxes to which nobody writes for a while.
    pub suspensions: Vec<SuspensionRow>,
    /// What does not work.
    pub troubles: Vec<TroubleRow>,
}

/// One mailbox.
#[derive(Clone, Debug)]
pub struct MailboxLine {
    /// Its address.
    pub address: Address,
    /// Its role.
    pub role: Role,
    /// Its local date.
    pub date: LocalDate,
    /// Its schedule.
    pub schedule: Option<String>,
    /// What the ledger says of it; `None` before its first agenda.
    pub status: Option<MailboxStatus>,
    /// Its health, from 0 to 100; `None` for partners, and where too little is known for a number.
    pub health: Option<u32>,
    /// The room that warmup mail takes in it.
    pub space: Space,
}

/// Sums of some mailboxes.
#[derive(Clone, Copy, Default)]
struct Sums {
    quota: u32,
    sent: u32,
    to_send: u32,
    week: PlacementCounts,
}

impl MailboxLine {
    fn sums(&self) -> Sums {
        let Some(s) = &self.status else { return Sums::default() };
        let (quota, sent) = s.day.as_ref().map_or((0, 0), |d| (d.plan.quota, d.spent));
        Sums { quota, sent, to_send: s.to_send, week: s.week }
    }

    fn ramp_day(&self) -> Option<u32> {
        self.status.as_ref().and_then(|s| s.day.as_ref()).map(|d| d.plan.ramp_day.0).filter(|d| *d > 0)
    }
}

impl Sums {
    fn add(&mut self, o: Self) {
        self.quota += o.quota;
        self.sent += o.sent;
        self.to_send += o.to_send;
        let (a, b) = (&mut self.week, o.week);
        a.inbox += b.inbox;
        a.spam += b.spam;
        a.filed += b.filed;
        a.waiting += b.waiting;
        a.missing += b.missing;
        a.bounced += b.bounced;
        a.rejected += b.rejected;
        a.uncertain += b.uncertain;
        a.unaccounted += b.unaccounted;
        a.rescued += b.rescued;
    }

    fn cells(&self, name: String, ramp_day: String, health: Option<u32>) -> Row {
        let n = |n: u32| if n == 0 { "·".to_owned() } else { n.to_string() };
        let w = &self.week;
        [
            name,
            ramp_day,
            if self.sent + self.quota == 0 { n(0) } else { format!("{}/{}", self.sent, self.quota) },
            n(self.to_send),
            n(w.inbox),
            n(w.spam),
            n(w.rescued),
            n(w.waiting),
            n(w.missing),
            n(w.uncertain + w.unaccounted),
            n(w.rejected + w.bounced),
            health.map(|score| score.to_string()).unwrap_or_default(),
        ]
    }
}

/// Columns that are there on every terminal: up to and with `spam`.
const ALWAYS: usize = 6;
/// From this width on all columns are there.
const FULL: usize = 96;

/// The cells of a line.
type Row = [String; COLUMNS.len()];

const COLUMNS: [(&str, Align); 12] = [
    ("", Align::Left),
    ("day", Align::Right),
    ("sent", Align::Right),
    ("left", Align::Right),
    ("inbox", Align::Right),
    ("spam", Align::Right),
    ("rescued", Align::Right),
    ("waiting", Align::Right),
    ("missing", Align::Right),
    ("unsure", Align::Right),
    ("refused", Align::Right),
    ("health", Align::Right),
];
/// The column of the health.
const HEALTH: usize = COLUMNS.len() - 1;

impl StatusReport {
    /// Tables for a terminal, at most `width` columns wide (60 at least), without colour.
    pub fn to_text(&self, width: usize) -> String {
        let mut out = format!("{} · {}\n", self.pool, self.now);
        if let Some(clock) = &self.clock_name {
            let _ = writeln!(out, "{clock}");
        }
        if !self.began {
            out += "\nNothing has been sent yet: there is no ledger. `preheat check`, then `preheat run`.\n";
            return out;
        }
        for p in &self.pauses {
            out += &indented(&format!("PAUSED: {}, since {}: {}", p.scope, p.since, p.reason), width, 0, 8);
        }
        for s in &self.suspensions {
            out += &indented(&format!("SUSPENDED: {}", suspended::suspended_in_words(s)), width, 0, 8);
            out += &indented(&format!("hint: {}", suspended::hint(s)), width, 8, 8);
        }
        out += "\nRamp day, today's letters, and where those of the last 7 days were seen\n\n";
        out += &self.table(width);
        out += &self.said(width);
        out += &self.not_sent(width);
        out += &space::to_text(&self.mailboxes.iter().map(|m| (&m.address, m.space)).collect::<Vec<_>>(), width);
        if !self.troubles.is_empty() {
            out += "\nWhat does not work\n";
        }
        for (n, t) in self.troubles.iter().enumerate() {
            let times = if t.count > 1 { format!(", {} times since {}", t.count, t.since) } else { String::new() };
            out += &indented(&format!("{} ({}): {}: {}{times}", t.mailbox, t.channel, t.step, t.what), width, 2, 4);
            // One hint for several mailboxes stands below the last of them.
            if self.troubles.get(n + 1).is_none_or(|next| next.hint != t.hint) {
                out += &indented(&format!("hint: {}", t.hint), width, 4, 4);
            }
        }
        out
    }

    /// What the guard said of those that do not go on. What a domain's word says is not said again for each of its mailboxes.
    fn said(&self, width: usize) -> String {
        let of_domains: BTreeMap<&Domain, &WordInForce> = self
            .words
            .iter()
            .filter_map(|word| if let Subject::Domain(domain) = &word.subject { Some((domain, word)) } else { None })
            .collect();
        let is_said = |word: &WordInForce| match &word.subject {
            Subject::Mailbox(address) => {
                of_domains.get(&address.domain()).is_some_and(|w| w.verdict == word.verdict && w.sentence == word.sentence)
            }
            Subject::Domain(_) | Subject::Route(..) => false,
        };
        let mut out = String::new();
        for word in self.words.iter().filter(|word| !is_said(word)) {
            let verdict = word.verdict.as_str().replace('_', " ");
            out += &indented(&format!("{}: {verdict} on {}: {}", whom(&word.subject), word.date, word.sentence), width, 2, 4);
        }
        if out.is_empty() { out } else { format!("\nWhat the guard says; `preheat explain MAILBOX` tells how it came to that\n{out}") }
    }

    /// What was on today's agenda and stays unsent, and why: a day that fell short is seen at once.
    fn not_sent(&self, width: usize) -> String {
        let mut out = String::new();
        for line in &self.mailboxes {
            let Some(status) = line.status.as_ref().filter(|s| !s.not_sent.is_empty()) else { continue };
            if out.is_empty() {
                out += "\nToday's letters that are not sent\n";
            }
            let reasons: Vec<String> = status.not_sent.iter().map(|(reason, n)| format!("{n} because {}", reason.in_words())).collect();
            out += &indented(&format!("{}: {}", line.address, reasons.join(", ")), width, 2, 4);
        }
        out
    }

    /// A heading for each domain, its mailboxes by their local parts, and the sums.
    fn table(&self, width: usize) -> String {
        let mut headings = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        let mut total = Sums::default();
        for ((role, domain), lines) in self.by_domain() {
            let health = self.health.get(&domain).copied().filter(|_| role == Role::Warming);
            headings.push(if role == Role::Partner { format!("{domain}, partners") } else { domain.to_string() });
            rows.push(Default::default());
            let mut sums = Sums::default();
            for line in &lines {
                let day = line.ramp_day().map_or_else(|| "·".into(), |d| d.to_string());
                rows.push(line.sums().cells(format!("  {}", line.address.local()), day, line.health));
                sums.add(line.sums());
            }
            if lines.len() > 1 {
                rows.push(sums.cells("  all".into(), String::new(), health));
            }
            total.add(sums);
        }
        rows.push(total.cells("pool".into(), String::new(), None));
        let shown = shown(&rows, width);
        let mut table = Table::new(&shown.iter().map(|c| COLUMNS[*c]).collect::<Vec<_>>());
        for row in &rows {
            table.row(shown.iter().map(|c| row[*c].as_str()));
        }
        // A heading is not a cell: it may be as wide as the table. Its row is the empty one.
        let mut headings = headings.iter();
        let text = table.to_text(width);
        let lines = text.lines().map(|line| if line.is_empty() { headings.next().map_or("", String::as_str) } else { line });
        lines.fold(String::new(), |out, line| out + line + "\n")
    }

    /// Warming domains first, then the partners'.
    fn by_domain(&self) -> BTreeMap<(Role, Domain), Vec<&MailboxLine>> {
        let mut domains: BTreeMap<(Role, Domain), Vec<&MailboxLine>> = BTreeMap::new();
        for line in &self.mailboxes {
            domains.entry((line.role, line.address.domain())).or_default().push(line);
        }
        domains
    }

    /// The status as JSON: `pool`, `clock`, `at`, `pauses[]` (`scope`, `since`, `reason`), `suspensions[]` (see [`suspended::to_json`]), `troubles[]`, `mailboxes[]`: `address`, `domain`, `role`,
    /// `date`, `schedule`, `ramp_day` (null for partners and before the first agenda), `quota`, `sent`, `to_send`, `accepted`, `not_sent` (a count for each
    /// reason), `health` (null where there is no number), `last_7_days` with a count for each placement and end, and `space`: `messages` and `bytes` of warmup
    /// mail where it came in and in Sent, `put_away` and `put_away_bytes` of what was tidied; `space` of all; `domains[]` of the warming ones: `domain`,
    /// `health`; `guard[]`: `subject`, `date`, `verdict`, `until` (null: until the next date is judged), `sentence`.
    pub fn to_json(&self) -> Value {
        let mailboxes: Vec<Value> = self
            .mailboxes
            .iter()
            .map(|m| {
                let s = m.sums();
                let not_sent = m.status.as_ref().map(|s| &s.not_sent);
                let not_sent: serde_json::Map<String, Value> = not_sent.into_iter().flatten().map(|(r, n)| (r.to_string(), json!(n))).collect();
                let accepted = m.status.as_ref().and_then(|s| s.day.as_ref()).map_or(0, |d| d.accepted);
                json!({
                    "address": m.address, "domain": m.address.domain(), "role": m.role, "date": m.date, "schedule": m.schedule,
                    "ramp_day": m.ramp_day(), "quota": s.quota, "sent": s.sent, "to_send": s.to_send, "accepted": accepted, "not_sent": not_sent,
                    "health": m.health, "last_7_days": s.week, "space": m.space,
                })
            })
            .collect();
        let pauses: Vec<Value> =
            self.pauses.iter().map(|p| json!({ "scope": p.scope.to_string(), "since": p.since, "reason": p.reason })).collect();
        let troubles: Vec<Value> = self
            .troubles
            .iter()
            .map(|t| {
                json!({
                    "mailbox": t.mailbox, "channel": t.channel, "since": t.since, "at": t.at, "count": t.count,
                    "step": t.step, "what": t.what, "hint": t.hint, "needs_a_person": t.sign_in,
                })
            })
            .collect();
        let suspensions: Vec<Value> = self.suspensions.iter().map(suspended::to_json).collect();
        let domains: Vec<Value> = self
            .by_domain()
            .into_keys()
            .filter(|(role, _)| *role == Role::Warming)
            .map(|(_, domain)| json!({ "domain": domain, "health": self.health.get(&domain) }))
            .collect();
        let guard: Vec<Value> = self
            .words
            .iter()
            .map(|w| json!({ "subject": w.subject, "date": w.date, "verdict": w.verdict, "until": w.until, "sentence": w.sentence }))
            .collect();
        json!({
            "pool": self.pool, "clock": self.clock_name, "at": self.now, "began": self.began,
            "mailboxes": mailboxes, "space": space::total(self.mailboxes.iter().map(|m| &m.space)), "domains": domains, "guard": guard, "pauses": pauses, "suspensions": suspensions, "troubles": troubles,
        })
    }
}

/// Which columns are shown. Health is there where there is any. Where there is no room, columns in which nothing stands make some for the names; on a narrow
/// terminal health itself does, too.
fn shown(rows: &[Row], width: usize) -> Vec<usize> {
    let is_empty = |column: &usize| rows.iter().all(|row| matches!(row[*column].as_str(), "" | "·"));
    let wide = |column: &usize| rows.iter().map(|row| row[*column].chars().count()).max().unwrap_or(0).max(COLUMNS[*column].0.len());
    let fits = |shown: &[usize]| shown.iter().map(wide).sum::<usize>() + 2 * shown.len().saturating_sub(1) <= width;
    let mut shown: Vec<usize> = (0..COLUMNS.len()).filter(|c| *c != HEALTH || !is_empty(c)).collect();
    let has_health = shown.contains(&HEALTH);
    if width < FULL || (has_health && !fits(&shown)) {
        shown.retain(|c| *c < ALWAYS || !is_empty(c));
    }
    if width < FULL && !fits(&shown) {
        shown.retain(|c| *c != HEALTH);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::SuspensionRow;
    use crate::words::{RefusalClass, Reply};

    #[test]
    fn a_suspended_mailbox_is_shown_with_its_time_the_reason_and_what_to_do() {
        let at = |text| Moment::parse_rfc3339(text).unwrap();
        let row = SuspensionRow {
            mailbox: Address::parse("p@y.example").unwrap(),
            since: at("2026-12-01T09:00:00Z"),
            until: at("2026-12-08T09:00:00Z"),
            class: RefusalClass::Full,
            reply: Reply::new(552, "5.2.2 over quota"),
            letter: None,
        };
        let report = StatusReport { began: true, suspensions: vec![row], ..StatusReport::default() };
        let text = report.to_text(200);
        assert!(
            text.contains("SUSPENDED: p@y.example gets no letters until 2026-12-08T09:00:00Z: it is full (552 5.2.2 over quota)\n"),
            "{text}"
        );
        assert!(text.contains("hint: make room in it. It is tried again then; `preheat resume p@y.example` tries at once\n"), "{text}");
        let json = &report.to_json()["suspensions"][0];
        assert_eq!((&json["class"], &json["code"], &json["enhanced"]), (&json!("mailbox_full"), &json!(552), &json!("5.2.2")));
        assert_eq!((&json["until"], &json["letter"]), (&json!("2026-12-08T09:00:00Z"), &Value::Null));
    }

    #[test]
    fn health_is_a_column_where_there_is_any_and_room_for_it() {
        let line = |address: &str, role, health| MailboxLine {
            space: Space::default(),
            address: Address::parse(address).unwrap(),
            role,
            date: LocalDate::EPOCH,
            schedule: None,
            status: None,
            health,
        };
        let mailboxes = vec![line("anna@new.example", Role::Warming, Some(97)), line("ben@new.example", Role::Warming, None)];
        let partner = line("eva@one.example", Role::Partner, None);
        let mut report = StatusReport { began: true, mailboxes, ..StatusReport::default() };
        report.mailboxes.push(partner);
        report.health.insert(Domain::parse("new.example").unwrap(), 64);
        let healths = |report: &StatusReport, width| -> Vec<String> {
            let text = report.to_text(width);
            let table = || text.lines().filter(|l| l.starts_with("  "));
            assert!(table().all(|l| l.chars().count() <= width), "{text}");
            table().filter_map(|l| l.split_whitespace().last()).map(str::to_owned).collect()
        };
        // The titles; then anna, ben, both together, and eva.
        assert_eq!(healths(&report, 100), ["health", "97", "·", "64", "·"]);
        assert_eq!(healths(&report, 60), ["health", "97", "·", "64", "·"], "the empty columns make room");
        report.mailboxes[1].address = Address::parse(&format!("{}@new.example", "b".repeat(40))).unwrap();
        assert!(!report.to_text(60).contains("health"), "a long name wants it more");
        assert!(report.to_text(100).contains("health"));
        report.mailboxes[0].health = None;
        report.health.clear();
        assert!(!report.to_text(100).contains("health"), "nobody has any");
    }
}
