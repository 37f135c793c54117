//! The two sides, laid out so that each check finds what it needs without a search.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::offset::LocalResult;
use chrono::{NaiveDate, NaiveTime, Offset, TimeZone};

use super::Facts;
use crate::chance::Seed;
use crate::config::{Calendar, Config, Engagement, Mailbox, Schedule, Window};
use crate::ledger::{ActionRow, DayRow, History, LetterFacts, LetterStep};
use crate::words::{Address, Domain, FolderRole, LetterId, LocalDate, Moment, Role, Zone};
use crate::world::{Evidence, Submission};

/// Everything that a check may ask.
pub(super) struct Case<'a> {
    pub config: &'a Config,
    pub seed: Seed,
    pub facts: &'a Facts<'a>,
    pub history: &'a History,
    /// What was offered to servers, taken or refused, as it came.
    pub offered: &'a [Submission],
    /// What servers took over, in the order of time.
    pub taken: Vec<&'a Submission>,
    /// Members of the pool.
    pub members: BTreeMap<&'a Address, Member<'a>>,
    /// What the world took of each mailbox on each of its local dates.
    pub sent: BTreeMap<(&'a Address, LocalDate), Sent>,
    by_letter: Vec<(LetterId, usize)>,
    copies: Vec<(LetterId, LetterCopy)>,
    days: BTreeMap<(&'a Address, LocalDate), &'a DayRow>,
}

/// A mailbox with what its schedule says of it; a partner has the defaults.
pub(super) struct Member<'a> {
    pub mailbox: &'a Mailbox,
    pub schedule: Option<&'a Schedule>,
    pub domain: Domain,
    pub window: Window,
    pub engagement: Engagement,
}

/// Messages of one mailbox on one local date.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub all: u32,
    pub answers: u32,
    /// The last of them: where there is one too many, that one.
    pub last: Option<LetterId>,
}

/// A message with a letter's id that lies in somebody's folder.
#[derive(Clone, Debug)]
pub(super) struct LetterCopy {
    pub account: Address,
    pub folder: String,
    pub role: FolderRole,
    pub received: Moment,
}

impl<'a> Case<'a> {
    pub fn new(config: &'a Config, seed: Seed, facts: &'a Facts<'a>, history: &'a History, evidence: &'a Evidence) -> Self {
        let mut taken: Vec<&Submission> = evidence.submissions.iter().filter(|s| s.accepted).collect();
        taken.sort_by_key(|s| s.at);
        let mut by_letter: Vec<(LetterId, usize)> = taken.iter().enumerate().filter_map(|(i, s)| Some((s.letter?, i))).collect();
        by_letter.sort_unstable();
        let members = config.mailboxes.values().map(|m| (&m.address, Member::new(config, m))).collect();
        let days = history.days.iter().map(|d| ((&d.plan.mailbox, d.plan.date), d)).collect();
        let sent = BTreeMap::new();
        let mut case = Self {
            config,
            seed,
            facts,
            history,
            offered: &evidence.submissions,
            taken,
            members,
            sent,
            by_letter,
            copies: copies(facts),
            days,
        };
        case.sent = case.count_sent();
        case
    }

    fn count_sent(&self) -> BTreeMap<(&'a Address, LocalDate), Sent> {
        let mut counts: BTreeMap<(&Address, LocalDate), Sent> = BTreeMap::new();
        for s in &self.taken {
            let Some(member) = self.members.get(&s.from) else { continue };
            let count = counts.entry((&s.from, date_in(s.at, member.mailbox.zone))).or_default();
            count.all += 1;
            count.last = s.letter;
            count.answers += u32::from(s.letter.and_then(|id| self.letter(id)).is_some_and(|l| l.plan.parent.is_some()));
        }
        counts
    }

    /// A letter of the ledger.
    pub fn letter(&self, id: LetterId) -> Option<&'a LetterFacts> {
        let letters = &self.history.letters;
        letters.binary_search_by_key(&id, |l| l.plan.id).ok().and_then(|i| letters.get(i))
    }

    /// A letter's steps, in their order.
    pub fn steps(&self, id: LetterId) -> &'a [LetterStep] {
        of_key(&self.history.steps, |s| s.letter, id)
    }

    /// What is, or was, to be done with a letter.
    pub fn actions(&self, id: LetterId) -> &'a [ActionRow] {
        of_key(&self.history.actions, |a| a.letter, id)
    }

    /// At which mailboxes the ledger sighted a letter.
    pub fn sighted(&self, id: LetterId) -> &'a [(LetterId, Address)] {
        of_key(&self.history.sighted, |s| s.0, id)
    }

    /// A day of the ledger.
    pub fn day(&self, mailbox: &Address, date: LocalDate) -> Option<&'a DayRow> {
        self.days.get(&(mailbox, date)).copied()
    }

    /// What was taken over with a letter's id, in the order of time.
    pub fn submissions_of(&self, id: LetterId) -> impl Iterator<Item = &'a Submission> + '_ {
        of_key(&self.by_letter, |e| e.0, id).iter().map(|(_, i)| self.taken[*i])
    }

    /// Every letter id with what was taken over under it.
    pub fn by_letter(&self) -> impl Iterator<Item = (LetterId, usize)> + '_ {
        self.by_letter.chunk_by(|a, b| a.0 == b.0).filter_map(|all| all.first().map(|(id, _)| (*id, all.len())))
    }

    /// The copies of a letter that lie in folders, planted ones apart.
    pub fn copies(&self, id: LetterId) -> &[(LetterId, LetterCopy)] {
        of_key(&self.copies, |c| c.0, id)
    }

    /// Every copy of every letter, by letter.
    pub fn all_copies(&self) -> &[(LetterId, LetterCopy)] {
        &self.copies
    }

    /// How long ago something was.
    pub fn age(&self, at: Moment) -> Duration {
        self.facts.until.since(at)
    }

    /// Whether a mailbox could be signed in to all the time from `from` to `to`, as far as an hourly look can tell.
    pub fn could_sign_in(&self, mailbox: &Address, from: Moment, to: Moment) -> bool {
        let hours = to.since(from).as_secs() / 3600;
        (0..=hours).map(|n| to - Duration::from_hours(n)).all(|at| self.facts.world.may_sign_in(mailbox, at).is_ok())
    }
}

impl<'a> Member<'a> {
    fn new(config: &'a Config, mailbox: &'a Mailbox) -> Self {
        let schedule = mailbox.schedule.as_ref().and_then(|name| config.schedules.get(name));
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap_or_default();
        let minutes = Duration::from_mins;
        let partners = Window { from: time(8, 30), to: time(17, 30), mailbox_gap: minutes(5), domain_gap: Duration::ZERO };
        Self {
            mailbox,
            schedule,
            domain: mailbox.address.domain(),
            window: schedule.map_or(partners, |s| s.window),
            engagement: schedule.map_or_else(Engagement::default, |s| s.engagement.clone()),
        }
    }

    pub fn is_warming(&self) -> bool {
        self.mailbox.role == Role::Warming
    }
}

/// The entries of one key in a list that is ordered by it.
fn of_key<T, K: Ord + Copy>(list: &[T], key: impl Fn(&T) -> K, wanted: K) -> &[T] {
    let from = list.partition_point(|e| key(e) < wanted);
    let rest = list.get(from..).unwrap_or_default();
    let n = rest.iter().take_while(|e| key(e) == wanted).count();
    rest.get(..n).unwrap_or_default()
}

fn copies(facts: &Facts<'_>) -> Vec<(LetterId, LetterCopy)> {
    let mut all = Vec::new();
    for account in facts.world.addresses() {
        facts.world.with_account(&account, |a| {
            for (name, folder) in &a.folders {
                for message in folder.messages.values().filter(|m| !m.planted) {
                    let Some(letter) = message.letter else { continue };
                    let (role, received) = (folder.role(name), message.received);
                    all.push((letter, LetterCopy { account: account.clone(), folder: name.clone(), role, received }));
                }
            }
        });
    }
    all.sort_by_key(|(letter, copy)| (*letter, copy.received));
    all
}

/// The date on the calendar of `zone`.
pub(super) fn date_in(at: Moment, zone: Zone) -> LocalDate {
    LocalDate(zone.timestamp_millis_opt(at.0).single().map(|t| t.date_naive()).unwrap_or_default())
}

/// The moment at which the wall clock of `zone` shows `time`: the earlier of two; where there is none, later by as much as the clock jumps.
pub(super) fn wall_clock(date: LocalDate, time: NaiveTime, zone: Zone) -> Moment {
    let naive = date.0.and_time(time);
    match zone.from_local_datetime(&naive) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Moment(t.timestamp_millis()),
        LocalResult::None => {
            let day_before = naive - chrono::TimeDelta::days(1);
            let offset = zone.offset_from_utc_datetime(&day_before).fix().local_minus_utc();
            Moment(naive.and_utc().timestamp_millis() - i64::from(offset) * 1000)
        }
    }
}

/// The wall clock of `zone`.
pub(super) fn time_in(at: Moment, zone: Zone) -> NaiveTime {
    zone.timestamp_millis_opt(at.0).single().map(|t| t.time()).unwrap_or_default()
}

/// The share of a full day that is sent on a date: 0 on holidays and days without sending. Partners send every day.
pub(super) fn share_of_day(calendar: Option<&Calendar>, date: LocalDate) -> f64 {
    let Some(calendar) = calendar else { return 1.0 };
    let weekday = weekday(date.0);
    match (calendar.holidays.contains(&date), calendar.weekdays.iter().any(|d| d.0 == weekday)) {
        (true, _) => 0.0,
        (false, true) => 1.0,
        (false, false) => calendar.weekend_factor.clamp(0.0, 1.0),
    }
}

/// Monday is 0.
fn weekday(date: NaiveDate) -> u8 {
    use chrono::Datelike;
    date.weekday().num_days_from_monday() as u8
}
