//! Days on which somebody sets the clock, or the machine sleeps past the end of its date.

use super::*;
use crate::clock::Setting;
use crate::words::{LetterState, SkipReason};

const HOUR: i64 = 3_600_000;

/// A pool of two mailboxes that begins at seven on the first of December, and whose clock is set so many hours after.
fn day_set(dir: &Path, settings: &[(u64, i64)]) -> Day {
    let d = day(dir, &["a", "b"], 0, "07:00");
    let settings = settings.iter().map(|(after, by)| Setting { after: Duration::from_hours(*after), by: *by }).collect();
    Day { cx: Context { clock: d.cx.clock.clone().with_settings(settings), ..d.cx }, ..d }
}

impl Day {
    async fn letters_on(&self, day: u32) -> Vec<LetterFacts> {
        self.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, day).unwrap()).await.unwrap()
    }

    /// When letters of x.test were handed over, by the time that nobody sets: watched once a second for thirty hours.
    async fn watch_hand_overs(&self) -> Vec<Moment> {
        let truth = Clock::paused_at(at("07:00"));
        let (mut seen, mut times) = (0, Vec::new());
        while truth.now() < at("07:00") + Duration::from_hours(30) {
            truth.wait(Duration::from_secs(1)).await;
            let handed = self.servers.offered.lock().unwrap().iter().filter(|to| to.as_str() == "p@y.test").count();
            times.extend((seen..handed).map(|_| truth.now()));
            seen = handed;
        }
        times
    }

    /// Nothing was handed over twice, too much, or outside of its window; gaps hold by the wall clock as it was read.
    async fn assert_kept(&self, day: u32) {
        let letters = self.letters_on(day).await;
        let mut handed: Vec<Moment> =
            letters.iter().filter(|l| l.plan.sender.domain().as_str() == "x.test").filter_map(|l| l.handed_at).collect();
        handed.sort_unstable();
        assert!(handed.windows(2).all(|w| w[1].since(w[0]) >= Duration::from_secs(90)), "{handed:?}");
        for at in handed {
            let time = at.in_zone(Zone::UTC).format("%d %H:%M").to_string();
            assert!((format!("{day:02} 08:30")..format!("{day:02} 17:30")).contains(&time), "{time}");
        }
        for mailbox in self.cx.config.mailboxes.keys() {
            let row = self.cx.ledger.day(mailbox.clone(), LocalDate::ymd(2026, 12, day).unwrap()).await.unwrap().unwrap();
            assert!(row.spent <= row.plan.quota, "{row:?}");
        }
        self.assert_whole().await;
    }
}

fn kept_apart(times: &[Moment]) {
    assert!(times.windows(2).all(|w| w[1] >= w[0] + Duration::from_secs(89)), "by the time that nobody sets: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn what_piles_up_when_the_clock_is_set_forward_is_spread_and_keeps_its_distance_in_truth_too() {
    let dir = tempfile::tempdir().unwrap();
    for after in [2, 3, 4, 5, 6] {
        let d = in_memory(day_set(dir.path(), &[(after, 3 * HOUR)]));
        let (result, times) = tokio::join!(d.run(Pace::Day), d.watch_hand_overs());
        result.unwrap();
        d.assert_kept(1).await;
        kept_apart(&times);
        let letters = d.starts().await;
        let of_x = |l: &&LetterFacts| l.plan.sender.domain().as_str() == "x.test";
        let sent = letters.iter().filter(of_x).filter(|l| l.handed_at.is_some()).count();
        let late = letters.iter().filter(of_x).filter(|l| l.skip_reason == Some(SkipReason::Late)).count();
        assert_eq!(sent + late, letters.iter().filter(of_x).count(), "set after {after} h: {letters:?}");
        assert!(sent >= 4, "set after {after} h: {sent} sent, {late} late");
    }
}

#[tokio::test(start_paused = true)]
async fn two_letters_of_a_mailbox_keep_their_gap_however_the_clock_is_set_between_them() {
    let dir = tempfile::tempdir().unwrap();
    // One second after nine: fourteen minutes forward, so that nothing counts as late.
    let set = Setting { after: Duration::from_hours(2) + Duration::from_secs(1), by: 14 * 60_000 };
    let d = day(dir.path(), &["a"], 0, "07:00");
    let d = Day { cx: Context { clock: d.cx.clock.clone().with_settings([set].into()), ..d.cx }, ..d };
    // All of its letters are due at nine.
    d.run(Pace::Once).await.unwrap();
    let c = rusqlite::Connection::open(dir.path().join("preheat.db")).unwrap();
    c.execute("UPDATE letter SET due = ?1 WHERE parent IS NULL AND sender = 'a@x.test'", [at("09:00").0]).unwrap();
    let (result, times) = tokio::join!(d.run(Pace::Day), d.watch_hand_overs());
    result.unwrap();
    assert!(times.len() >= 2, "{times:?}");
    assert!(times.windows(2).all(|w| w[1] >= w[0] + Duration::from_secs(299)), "five minutes apart: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_clock_is_set_back_nothing_is_sent_again_and_the_run_goes_on_when_it_has_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    for after in [1, 3, 5, 8] {
        let d = in_memory(day_set(dir.path(), &[(after, -2 * HOUR)]));
        let run = async {
            d.run(Pace::Day).await.unwrap();
            d.now()
        };
        let (ended, times) = tokio::join!(run, d.watch_hand_overs());
        d.assert_kept(1).await;
        kept_apart(&times);
        // Nothing is lost by it: all is sent, once, and seen.
        let letters = d.starts().await;
        assert!(letters.len() >= 6 && letters.iter().all(|l| l.seen_at.is_some()), "set back after {after} h: {letters:?}");
        let offered = d.servers.offered.lock().unwrap().len();
        assert_eq!(offered, letters.iter().filter(|l| l.handed_at.is_some()).count());
        assert!(ended.as_str() < "01 22:10", "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn over_midnight_forward_and_back_dates_neither_come_again_nor_get_more_than_their_quota() {
    let dir = tempfile::tempdir().unwrap();
    // At noon it becomes one in the morning of the next day; after a day of 24 hours, at noon of the second, it is yesterday's eleven at night.
    let d = in_memory(day_set(dir.path(), &[(5, 13 * HOUR), (16, -13 * HOUR)]));
    d.run(Pace::Day).await.unwrap();
    assert_eq!(d.now().get(..2), Some("02"), "it ends as soon as its date is over");
    assert!(d.cx.clock.now() < at("07:00") + Duration::from_hours(18 + 1), "{}", d.now());
    let skipped = d.starts().await.iter().filter(|l| l.skip_reason == Some(SkipReason::Late)).count();
    assert!(skipped > 0, "half of the day was lost, and is said to be");
    assert!(d.starts().await.iter().all(|l| !matches!(l.state, LetterState::Planned | LetterState::Deferred)));

    // The second is begun at once, and the clock goes back in the middle of it: what is due waits until it has caught up.
    d.run(Pace::Day).await.unwrap();
    let (first, second) = (d.starts().await, d.letters_on(2).await);
    d.assert_kept(1).await;
    d.assert_kept(2).await;
    assert!(second.iter().filter(|l| l.plan.parent.is_none()).all(|l| l.handed_at.is_some()), "{second:?}");
    let offered = d.servers.offered.lock().unwrap().len();
    assert_eq!(offered, first.iter().chain(&second).filter(|l| l.handed_at.is_some()).count(), "none twice");

    // A run that begins when it is the first of December again, whose letters were skipped, sends nothing for it.
    let truth = Clock::paused_at(at("07:00"));
    let d = in_memory(day_set(dir.path(), &[(5, 13 * HOUR), (6, -13 * HOUR)]));
    d.run(Pace::Day).await.unwrap();
    let offered = d.servers.offered.lock().unwrap().len();
    truth.sleep_until(at("13:30")).await;
    assert_eq!(d.now(), "01 13:30");
    d.run(Pace::Day).await.unwrap();
    d.assert_kept(1).await;
    let again = d.servers.offered.lock().unwrap().len();
    assert_eq!(again, offered, "nothing of the first of December again");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_before_the_window_while_a_letter_is_offered_does_not_cost_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let slow = |settings: Vec<Setting>| {
        let d = in_memory(day(dir.path(), &["a"], 0, "07:00"));
        *d.servers.faults.slow_offers.lock().unwrap() = Duration::from_mins(1);
        Day { cx: Context { clock: d.cx.clock.clone().with_settings(settings.into()), ..d.cx }, ..d }
    };
    // The day as it goes by itself, to know when its first letter is offered.
    let d = slow(vec![]);
    d.run(Pace::Day).await.unwrap();
    let first = d.starts().await.iter().filter_map(|l| l.handed_at).min().unwrap();

    // It takes a minute to offer it; in the middle of that the clock goes back to before the window.
    let set = Setting { after: (first - Duration::from_secs(30)).since(at("07:00")), by: -5 * HOUR };
    let d = slow(vec![set]);
    d.run(Pace::Day).await.unwrap();
    let letters = d.starts().await;
    assert!(letters.iter().all(|l| l.handed_at.is_some()), "{letters:?}");
    assert_eq!(d.servers.offered.lock().unwrap().len(), letters.len() + 1, "one of them was offered, let go, and offered again");
    d.assert_kept(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_slept_past_its_date_gives_its_mailboxes_to_the_next_one_which_waits_for_that() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day(dir.path(), &["a", "b"], 1, "07:00"));
    // The lid is closed at four in the afternoon, and opened at seven on the next morning, when cron starts a run.
    let asleep = (at("16:00"), at("07:00") + Duration::from_hours(24));
    let d = Day { cx: Context { clock: d.cx.clock.clone().with_sleep([asleep].into()), ..d.cx }, ..d };
    let lid = async {
        d.cx.clock.sleep_until(at("15:59")).await;
        d.servers.opened.lock().unwrap().len()
    };
    let cron = async {
        d.cx.clock.sleep_until(asleep.1).await;
        run(d.cx.clone(), Pace::Day, Holder { host: "h".into(), pid: 2, started: 1 }, |_| false).await.unwrap();
    };
    // The old run wakes, too, and reads nothing more: what is left of its date is for the new one.
    let old = async {
        d.run(Pace::Day).await.unwrap();
        d.servers.opened.lock().unwrap().len()
    };
    let (before, ended, ()) = tokio::join!(lid, old, cron);
    let after = d.servers.opened.lock().unwrap().len();
    assert!(
        ended == before && after > ended,
        "{before} letters opened before the lid was closed, {ended} when the old run ended, {after} in all"
    );
    for mailbox in ["a@x.test", "b@x.test", "p@y.test"] {
        let day = d.cx.ledger.day(address(mailbox), LocalDate::ymd(2026, 12, 2).unwrap()).await.unwrap();
        assert!(day.is_some_and(|day| day.plan.quota == 0 || day.accepted > 0), "{mailbox} has its second of December");
    }
    d.assert_kept(2).await;
}
