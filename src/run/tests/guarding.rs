//! Days on which the guard stops a domain, a route or an account, and lets it go on.

use super::*;
use crate::guard::Subject;
use crate::ledger::{CheckedRow, PauseScope, VerdictRow};
use crate::words::{LetterState, Provider, SkipReason, Verdict};

const UNAUTHENTICATED: &str = "5.7.26 this mail has been blocked because the sender is unauthenticated: SPF and DKIM did not pass";
const TOO_FAST: &str = "4.7.28 our system has detected an unusual rate of unsolicited mail from you";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn december(day: u32) -> LocalDate {
    LocalDate::ymd(2026, 12, day).unwrap()
}

fn of_a() -> Subject {
    Subject::Mailbox(address("a@x.test"))
}

impl Day {
    /// Runs a day of December from seven o'clock on, and gives the letters that x.test had on its agendas.
    async fn letters_of_x_on(&self, day: u32) -> Vec<LetterFacts> {
        self.cx.clock.sleep_until(Moment::parse_rfc3339(&format!("2026-12-{day:02}T07:00:00Z")).unwrap()).await;
        self.run(Pace::Day).await.unwrap();
        let letters = self.cx.ledger.agenda_on(december(day)).await.unwrap();
        letters.into_iter().filter(|l| l.plan.sender.domain().as_str() == "x.test").collect()
    }

    async fn quota_of_a_on(&self, day: u32) -> u32 {
        self.cx.ledger.day(address("a@x.test"), december(day)).await.unwrap().unwrap().plan.quota
    }

    async fn said_of(&self, subject: Subject) -> Vec<VerdictRow> {
        self.cx.ledger.verdicts_of(subject, LocalDate::EPOCH).await.unwrap()
    }

    fn refuse(&self, recipient: &str, code: u16, text: &str) {
        self.servers.faults.at_rcpt.lock().unwrap().insert(address(recipient), Reply::new(code, text));
    }
}

fn with_three_partners(dir: &Path, time: &str) -> Day {
    day_with(dir, &["a", "b"], &["p@y.test, provider: gmail", "q@z.test", "r@w.test"], 0, time)
}

#[tokio::test(start_paused = true)]
async fn two_recipients_that_refuse_the_authentication_stop_the_domain_at_once_until_a_check_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let d = with_three_partners(dir.path(), "07:00");
    d.refuse("p@y.test", 550, UNAUTHENTICATED);
    d.refuse("q@z.test", 550, UNAUTHENTICATED);
    let first = d.letters_of_x_on(1).await;
    let rejected = first.iter().filter(|l| l.state == LetterState::Rejected).count();
    assert!((2..=3).contains(&rejected), "{rejected} before it was noticed");
    let skipped: Vec<_> = first.iter().filter(|l| l.state == LetterState::Skipped && l.plan.parent.is_none()).collect();
    assert!(!skipped.is_empty() && skipped.iter().all(|l| l.skip_reason == Some(SkipReason::Quota)), "{skipped:?}");
    let said = d.said_of(of_a()).await;
    let [pause] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((pause.date, pause.verdict, pause.until), (december(1), Verdict::Pause, Some(crate::guard::Until::CheckIsClean)));
    assert!(pause.rulings.contains("refused the sender's authentication"), "{}", pause.rulings);

    assert_eq!(d.letters_of_x_on(2).await, []);
    assert_eq!(d.quota_of_a_on(2).await, 0);
    // What is mended says so in a check; from the next day on it is believed.
    d.servers.faults.at_rcpt.lock().unwrap().clear();
    let clean = CheckedRow { at: d.cx.clock.now(), errors: 0, warnings: 0 };
    d.cx.ledger.note_checked([(address("a@x.test").domain(), clean)].into()).await.unwrap();
    assert!(!d.letters_of_x_on(3).await.is_empty());
    // Half of the last quota of three: the ramp's first day, for it begins above that.
    assert_eq!(d.quota_of_a_on(3).await, 3);
    assert_eq!(d.cx.ledger.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_person_lifts_a_pause_and_the_next_day_is_planned_again() {
    let dir = tempfile::tempdir().unwrap();
    let d = with_three_partners(dir.path(), "07:00");
    d.refuse("p@y.test", 550, UNAUTHENTICATED);
    d.refuse("q@z.test", 550, UNAUTHENTICATED);
    d.letters_of_x_on(1).await;
    d.servers.faults.at_rcpt.lock().unwrap().clear();
    d.cx.ledger.lift(PauseScope::Domain(address("a@x.test").domain()), d.cx.clock.now()).await.unwrap();
    assert!(!d.letters_of_x_on(2).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_fast_rests_the_route_for_the_day_and_greylisting_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let d = with_three_partners(dir.path(), "07:00");
    d.refuse("p@y.test", 421, TOO_FAST);
    d.refuse("q@z.test", 450, "4.7.1 greylisted, try again in 300 seconds");
    let first = d.letters_of_x_on(1).await;
    let to = |who: &str| first.iter().filter(|l| l.plan.recipient == address(who) && l.plan.parent.is_none()).collect::<Vec<_>>();
    assert!(!to("p@y.test").is_empty() && to("p@y.test").iter().all(|l| l.skip_reason == Some(SkipReason::Rests)), "{:?}", to("p@y.test"));
    assert!(to("q@z.test").iter().all(|l| l.skip_reason != Some(SkipReason::Rests)), "{:?}", to("q@z.test"));
    assert!(to("r@w.test").iter().all(|l| l.state == LetterState::Seen), "{:?}", to("r@w.test"));
    let route = |provider| Subject::Route(address("a@x.test").domain(), provider);
    let said = d.said_of(route(Provider::Gmail)).await;
    assert_eq!(said.iter().map(|v| (v.date, v.verdict)).collect::<Vec<_>>(), [(december(1), Verdict::Rest)]);
    assert_eq!(d.said_of(route(Provider::Generic)).await, []);
    // Tomorrow is another day.
    d.servers.faults.at_rcpt.lock().unwrap().clear();
    let second = d.letters_of_x_on(2).await;
    assert!(second.iter().any(|l| l.plan.recipient == address("p@y.test") && l.state == LetterState::Seen), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_at_its_own_limit_rests_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let d = with_three_partners(dir.path(), "07:00");
    let limit = "5.4.5 Daily user sending limit exceeded. For more information on SMTP sending limits";
    for partner in ["p@y.test", "q@z.test", "r@w.test"] {
        d.refuse(partner, 550, limit);
    }
    let first = d.letters_of_x_on(1).await;
    let rejected = first.iter().filter(|l| l.state == LetterState::Rejected).count();
    assert!((1..=2).contains(&rejected), "each mailbox asked once: {rejected}");
    d.servers.faults.at_rcpt.lock().unwrap().clear();
    let second = d.letters_of_x_on(2).await;
    let said = d.said_of(of_a()).await;
    assert_eq!(said[0].verdict, Verdict::Rest, "{said:?}");
    let asked = first.iter().find(|l| l.state == LetterState::Rejected && l.plan.sender == address("a@x.test")).unwrap();
    // The ledger keeps the end of a rest to the second.
    let rest = asked.plan.due.unwrap() + Duration::from_hours(24) - Duration::from_secs(1);
    let handed: Vec<Moment> = second.iter().filter(|l| l.plan.sender == address("a@x.test")).filter_map(|l| l.handed_at).collect();
    assert!(handed.iter().all(|at| *at >= rest), "{handed:?} before {rest}");
}

#[tokio::test(start_paused = true)]
async fn an_account_at_its_own_limit_rests_for_a_day_also_where_it_says_so_at_mail_from() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    *d.servers.faults.at_mail.lock().unwrap() =
        Some(Reply::new(550, "5.4.5 Daily user sending limit exceeded. For more information on SMTP sending limits"));
    d.run(Pace::Day).await.unwrap();
    let offered = d.servers.offered.lock().unwrap().len();
    // One of each of the two mailboxes, and nothing more on that day.
    assert_eq!(offered, 2, "{:?}", d.told.0.lock().unwrap());
}
