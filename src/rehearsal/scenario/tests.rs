//! Shipped scenarios, faulty files, and what becomes of faults in a pool.

use std::path::Path;

use super::*;
use crate::config::{Config, Nothing, ScheduleOrigin, parse};
use crate::words::{Address, Domain, LocalDate, Moment, Zone};
use crate::world::{By, Condition, Whom, Wrong};

const POOL: &str = "zone: Europe/Berlin\ndefaults: {smtp: mail.new.example, imap: mail.new.example, secret: 'env:P_{local}'}\nmailboxes:\n  \
    - anna@new.example\n  - bert@other.example\n  - {address: kim@plain.example, role: partner}\n";
const GMAIL: &str =
    "  - {address: lee@gmail.example, role: partner, provider: gmail}\n  - {address: mia@gmail.example, role: partner, provider: gmail}\n";

fn pool(more: &str) -> Config {
    parse(&format!("{POOL}{more}"), Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"))
}

fn scenario(text: &str) -> Scenario {
    Scenario::parse("mine", text, Path::new("mine.yaml")).unwrap_or_else(|e| panic!("{e}"))
}

fn fault(line: &str) -> Scenario {
    scenario(&format!("about: x\nfaults:\n  - {line}\n"))
}

fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}

fn moment(text: &str) -> Moment {
    Moment::parse_rfc3339(text).unwrap()
}

const BERLIN: Zone = chrono_tz::Europe::Berlin;

fn conditions(line: &str, pool: &Config) -> Vec<Condition> {
    fault(line).conditions(pool, date("2026-11-30"), BERLIN).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_shipped_scenario_reads_says_what_it_is_and_fits_any_pool() {
    let shipped = Scenario::shipped();
    let names: Vec<&str> = shipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "healthy",
            "too-fast",
            "broken-dmarc",
            "provider-outage",
            "blocklisted",
            "account-locked",
            "flaky-network",
            "dead-partner",
            "full-mailbox",
            "complaint-storm",
            "holiday-gap",
            "laptop-sleeps",
            "killed"
        ]
    );
    let pools = [pool(""), pool(GMAIL), parse(&POOL.replace(", role: partner", ""), Path::new("p.yaml"), &Nothing).unwrap()];
    for (name, about) in &shipped {
        let scenario = Scenario::by_name(name, None).unwrap_or_else(|e| panic!("{e}"));
        assert!(about.ends_with('.') && scenario.about == *about && scenario.name == *name, "{name}");
        assert!(scenario.schedule(None).unwrap_or_else(|e| panic!("{e}")).is_some() == (name == "too-fast"), "{name}");
        for pool in &pools {
            scenario.conditions(pool, date("2026-11-30"), BERLIN).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

#[test]
fn every_shipped_file_tells_what_a_person_should_see() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for (name, _) in Scenario::shipped() {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        assert!(text.contains("# What to see: "), "{name}");
        assert!(text.lines().all(|l| l.chars().count() <= 100), "{name} fits a terminal");
    }
}

#[test]
fn the_kinds_of_faults_are_those_of_the_shipped_files() {
    let faults = |name: &str| {
        let scenario = Scenario::by_name(name, None).unwrap();
        scenario.faults.into_iter().map(|f| (f.what, f.at, f.from_day, f.days)).collect::<Vec<_>>()
    };
    assert_eq!(faults("healthy"), []);
    assert_eq!(faults("provider-outage"), [(What::Outage, At::BiggestReceiver, 15, 2)]);
    assert_eq!(faults("broken-dmarc"), [(What::FailsAuthentication, At::All, 1, TO_THE_END)]);
    assert_eq!(faults("flaky-network"), [(What::Flaky(0.02), At::All, 1, TO_THE_END)]);
    assert_eq!(faults("complaint-storm"), [(What::Complaints(5, 0.2), At::All, 22, 3), (What::Campaign(20), At::All, 22, 3)]);
    assert_eq!(faults("dead-partner"), [(What::Gone(By::Report), At::FirstPartner, 8, TO_THE_END)]);
    assert_eq!(faults("full-mailbox"), [(What::Full(By::Report), At::FirstPartner, 8, 5)]);
    assert_eq!(faults("holiday-gap"), [(What::Away, At::BiggestReceiver, 20, 14)]);
    assert_eq!(faults("blocklisted"), [(What::Blocklisted(By::Report), At::All, 15, 5)]);
    assert_eq!(Scenario::by_name("killed", None).unwrap().kills(40), 3);
}

#[test]
fn a_faulty_file_gives_every_fault_at_once() {
    let text = "abuot: A typo.
schedule: too-fast
holidays:
  - {from_day: 0, days: 3}
  - {from_day: 9}
faults:
  - {what: outgae, at: gmail}
  - {what: outage}
  - {what: outage, at: gmial, from_day: 3, days: two}
  - {what: flaky, wait: 5m}
  - {what: flaky, share: 2%}
  - {what: asleep, at: all, hours: 22:30}
  - {what: blocklisted, at: first-partner}
  - {what: locked, at: generic}
  - {what: killed}
  - {what: full, at: all, by: mail}
  - {what: campaign, by: report}
";
    let error = Scenario::parse("mine", text, Path::new("scenarios/mine.yaml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        r"scenarios/mine.yaml:1:1: error: unknown key `abuot` in scenarios/NAME.yaml
    abuot: A typo.
    ^
  hint: did you mean `about`?
scenarios/mine.yaml:1:1: error: `about` is missing
    abuot: A typo.
    ^
  hint: add `about:` with a line of text
scenarios/mine.yaml:4:16: error: `from_day` is 0, out of its range
      - {from_day: 0, days: 3}
                   ^
  hint: it wants a whole number from 1 to 3650
scenarios/mine.yaml:5:5: error: `days` is missing
      - {from_day: 9}
        ^
  hint: add `days:` with a whole number of days from 1 to 3650
scenarios/mine.yaml:7:12: error: `what` cannot be `outgae`
      - {what: outgae, at: gmail}
               ^
  hint: did you mean `outage`?
scenarios/mine.yaml:8:5: error: `at` is missing: `outage` wants it
      - {what: outage}
        ^
  hint: add `at:` with `all`, `biggest-receiver`, `first-domain`, `first-warming`, `first-partner`, `gmail` or `anna@new.example`
scenarios/mine.yaml:9:24: error: `at` cannot be `gmial`
      - {what: outage, at: gmial, from_day: 3, days: two}
                           ^
  hint: did you mean `gmail`?
scenarios/mine.yaml:9:50: error: `days` wants a whole number of days from 1 to 3650, not `two`
      - {what: outage, at: gmial, from_day: 3, days: two}
                                                     ^
  hint: write the number alone: digits, no unit
scenarios/mine.yaml:10:5: error: `share` is missing: `flaky` wants it
      - {what: flaky, wait: 5m}
        ^
  hint: add `share: 0.02`
scenarios/mine.yaml:10:25: error: `wait` says nothing of `flaky`
      - {what: flaky, wait: 5m}
                            ^
  hint: it is for `greylisting`; leave it out
scenarios/mine.yaml:11:26: error: `share` is a share, not a percentage
      - {what: flaky, share: 2%}
                             ^
  hint: write it as a share: 0.02
scenarios/mine.yaml:12:24: error: `at` says nothing of `asleep`
      - {what: asleep, at: all, hours: 22:30}
                           ^
  hint: it is the machine of preheat; leave `at` out
scenarios/mine.yaml:12:36: error: `hours` wants two times of day, from-to, not `22:30`
      - {what: asleep, at: all, hours: 22:30}
                                       ^
  hint: for example 22:30-09:40
scenarios/mine.yaml:13:29: error: `blocklisted` is about a domain, not about one mailbox
      - {what: blocklisted, at: first-partner}
                                ^
  hint: say at which receiver (`gmail`), or which warming domain (`first-domain`)
scenarios/mine.yaml:14:24: error: `generic` is no receiver
      - {what: locked, at: generic}
                           ^
  hint: mailboxes without a provider are received by their own domains: name the domain
scenarios/mine.yaml:15:5: error: `a_day` is missing: `killed` wants it
      - {what: killed}
        ^
  hint: add `a_day: 3`
scenarios/mine.yaml:16:31: error: `by` cannot be `mail`
      - {what: full, at: all, by: mail}
                                  ^
  hint: one of `refusal` or `report`
scenarios/mine.yaml:17:5: error: `a_day` is missing: `campaign` wants it
      - {what: campaign, by: report}
        ^
  hint: add `a_day: 20`
scenarios/mine.yaml:17:26: error: `by` says nothing of `campaign`
      - {what: campaign, by: report}
                             ^
  hint: it is for `gone`, `full` or `blocklisted`; leave it out"
    );
}

#[test]
fn what_is_no_yaml_and_what_is_no_scenario_stop_alone() {
    let faults = |text: &str| {
        let found = Scenario::parse("mine", text, Path::new("m.yaml")).unwrap_err().findings;
        found.iter().map(|f| f.what.clone()).collect::<Vec<_>>()
    };
    assert_eq!(faults("about: [x\n").len(), 1);
    assert_eq!(faults("- a\n"), ["scenarios/NAME.yaml is a section, not a list"]);
    assert_eq!(faults(""), ["`about` is missing"]);
}

#[test]
fn faults_become_conditions_at_local_midnights_across_a_change_of_the_clock() {
    let scenario = fault("{what: outage, at: gmail, from_day: 6, days: 2}");
    let held = |first: &str, zone| {
        let conditions = scenario.conditions(&pool(GMAIL), date(first), zone).unwrap();
        let [condition] = conditions.as_slice() else { panic!("{conditions:?}") };
        assert_eq!((&condition.wrong, &condition.whom), (&Wrong::Outage, &Whom::Receiver("gmail".into())));
        (condition.from.to_string(), condition.until.to_string())
    };
    // Berlin's clock goes back on 2026-10-25 and forward on 2027-03-28: one day of 25 hours, one of 23.
    assert_eq!(held("2026-10-19", BERLIN), ("2026-10-23T22:00:00Z".into(), "2026-10-25T23:00:00Z".into()));
    assert_eq!(held("2027-03-22", BERLIN), ("2027-03-26T23:00:00Z".into(), "2027-03-28T22:00:00Z".into()));
    // In Beirut the clock goes forward at midnight: the day of 2027-03-28 begins at 01:00.
    assert_eq!(held("2027-03-23", chrono_tz::Asia::Beirut), ("2027-03-27T22:00:00Z".into(), "2027-03-29T21:00:00Z".into()));
    assert_eq!(held("2026-12-01", chrono_tz::UTC), ("2026-12-06T00:00:00Z".into(), "2026-12-08T00:00:00Z".into()));
}

#[test]
fn whom_a_fault_concerns() {
    let (plain, gmail) = (pool(""), pool(GMAIL));
    let whom = |line: &str, pool: &Config| conditions(line, pool).into_iter().map(|c| c.whom).collect::<Vec<_>>();
    let mailbox = |text: &str| vec![Whom::Mailbox(Address::parse(text).unwrap())];
    assert_eq!(whom("{what: locked, at: first-warming}", &gmail), mailbox("anna@new.example"));
    assert_eq!(whom("{what: gone, at: first-partner}", &gmail), mailbox("kim@plain.example"));
    assert_eq!(whom("{what: gone, at: Mia@gmail.example}", &gmail), mailbox("mia@gmail.example"));
    assert_eq!(whom("{what: full, at: first-partner}", &gmail), mailbox("kim@plain.example"));
    assert_eq!(whom("{what: away, at: gmail}", &gmail), [Whom::Receiver("gmail".into())]);
    assert_eq!(whom("{what: outage, at: gmail.example}", &gmail), [Whom::Domain(Domain::parse("gmail.example").unwrap())]);
    assert_eq!(whom("{what: outage, at: first-domain}", &gmail), [Whom::Domain(Domain::parse("new.example").unwrap())]);
    assert_eq!(whom("{what: outage, at: biggest-receiver}", &gmail), [Whom::Receiver("gmail".into())]);
    assert_eq!(whom("{what: outage, at: biggest-receiver}", &plain), [Whom::Receiver("plain.example".into())]);
    assert_eq!(whom("{what: greylisting, wait: 10m}", &plain), [Whom::All]);
    let no_partner = parse(&POOL.replace(", role: partner", ""), Path::new("p.yaml"), &Nothing).unwrap();
    assert_eq!(whom("{what: gone, at: first-partner}", &no_partner), mailbox("kim@plain.example"));
}

#[test]
fn faults_of_domains_are_of_every_warming_domain_or_of_one() {
    let pool = pool(GMAIL);
    let told = |line: &str| conditions(line, &pool).into_iter().map(|c| (c.wrong, c.whom)).collect::<Vec<_>>();
    let [new, other] = ["new.example", "other.example"].map(|d| Domain::parse(d).unwrap());
    let listed = |domain: &Domain, by| (Wrong::Blocklists(domain.clone(), by), Whom::All);
    assert_eq!(told("{what: blocklisted}"), [listed(&new, By::Report), listed(&other, By::Report)]);
    assert_eq!(told("{what: blocklisted, by: refusal, at: first-domain}"), [listed(&new, By::Refusal)]);
    let gmail = || Whom::Receiver("gmail".into());
    assert_eq!(
        told("{what: complaints, a_day: 4, at: gmail}"),
        [&new, &other].map(|d| (Wrong::Complaints { domain: d.clone(), a_day: 4, of_letters: 0.0 }, gmail()))
    );
    assert_eq!(
        told("{what: complaints, a_day: 1, share: 0.5, at: first-domain}"),
        [(Wrong::Complaints { domain: new.clone(), a_day: 1, of_letters: 0.5 }, Whom::All)]
    );
    assert_eq!(told("{what: campaign, a_day: 9, at: other.example}"), [(Wrong::Campaign(other.clone(), 9), Whom::All)]);
    assert_eq!(told("{what: broken-dmarc, at: first-domain}"), [(Wrong::FailsAuthentication(new), Whom::All)]);
    assert_eq!(told("{what: broken-dmarc, at: other.example}"), [(Wrong::FailsAuthentication(other), Whom::All)]);
}

#[test]
fn a_fault_of_nobody_in_the_pool_says_who_there_is() {
    let text = "about: x\nfaults:\n  - {what: outage, at: yahoo}\n  - {what: locked, at: nobody@new.example}\n  - {what: blocklisted, at: plain.example}\n  - {what: gone, at: new.exmaple}\n";
    let error = scenario(text).conditions(&pool(GMAIL), date("2026-12-01"), BERLIN).unwrap_err();
    assert_eq!(
        error.to_string(),
        r"mine.yaml:3:5: error: no mailbox of this pool is at yahoo
      - {what: outage, at: yahoo}
        ^
  hint: its mailboxes are received by gmail, new.example, other.example, plain.example; `biggest-receiver` fits every pool
mine.yaml:4:5: error: nobody@new.example is not in this pool
      - {what: locked, at: nobody@new.example}
        ^
  hint: name an address of the pool, or say `first-warming` or `first-partner`
mine.yaml:5:5: error: plain.example is no warming domain of this pool
      - {what: blocklisted, at: plain.example}
        ^
  hint: warming domains are new.example, other.example
mine.yaml:6:5: error: new.exmaple is not in this pool
      - {what: gone, at: new.exmaple}
        ^
  hint: its domains are gmail.example, new.example, other.example, plain.example"
    );
}

#[test]
fn nights_end_on_the_days_that_they_belong_to() {
    let night = fault("{what: asleep, hours: 22:30-09:40, from_day: 2, days: 2}");
    let told = |s: &Scenario, first: &str, days| s.asleep(date(first), BERLIN, days);
    assert_eq!(
        told(&night, "2026-10-24", 9),
        [
            (moment("2026-10-24T20:30:00Z"), moment("2026-10-25T08:40:00Z")),
            (moment("2026-10-25T21:30:00Z"), moment("2026-10-26T08:40:00Z"))
        ]
    );
    assert_eq!(told(&night, "2026-10-24", 1), []);
    let noon = fault("{what: asleep, hours: 12:00-13:00}");
    assert_eq!(told(&noon, "2026-12-01", 1), [(moment("2026-12-01T11:00:00Z"), moment("2026-12-01T12:00:00Z"))]);
    assert_eq!(told(&noon, "2026-12-01", 42).len(), 42);
}

#[test]
fn kills_and_holidays_are_counted_in_days() {
    let s = scenario(
        "about: x\nholidays: [{from_day: 30, days: 3}, {from_day: 1, days: 1}]\nfaults: [{what: killed, a_day: 3, from_day: 2, days: 2}, {what: killed, a_day: 1}]\n",
    );
    assert_eq!([1, 2, 3, 4].map(|day| s.kills(day)), [1, 4, 4, 1]);
    let dates: Vec<String> = s.holidays(date("2026-12-01")).iter().map(ToString::to_string).collect();
    assert_eq!(dates, ["2026-12-01", "2026-12-30", "2026-12-31", "2027-01-01"]);
    assert!(s.conditions(&pool(""), date("2026-12-01"), BERLIN).unwrap().is_empty());
}

#[test]
fn the_users_file_wins_and_names_cannot_leave_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("scenarios");
    std::fs::create_dir_all(own.join("schedules")).unwrap();
    std::fs::write(own.join("healthy.yaml"), "about: Mine.\nschedule: slow\n").unwrap();
    std::fs::write(own.join("storm.yaml"), "about: Own.\nschedule: too-fast\n").unwrap();
    std::fs::write(own.join("bad.yaml"), "about: Bad.\nfaults: 3\n").unwrap();
    std::fs::write(own.join("schedules/slow.yaml"), "ramp: {start: 1, target: 2}\n").unwrap();
    let named = |name: &str| Scenario::by_name(name, Some(dir.path()));
    let healthy = named("healthy").unwrap();
    assert_eq!(healthy.about, "Mine.");
    assert_eq!(healthy.schedule(Some(dir.path())).unwrap().unwrap().ramp.target, 2);
    assert!(healthy.schedule(None).unwrap_err().to_string().contains("unknown schedule `slow`"));
    let storm = named("storm").unwrap().schedule(Some(dir.path())).unwrap().unwrap();
    assert_eq!((storm.ramp.start, storm.ramp.target, storm.origin), (50, 400, ScheduleOrigin::Shipped));
    assert!(named("bad").unwrap_err().to_string().contains("bad.yaml:2:9: error: `faults` wants a list"));
    assert_eq!(named("killed").unwrap().faults.len(), 1);
    for name in ["../healthy", "", "sotrm", "/etc/passwd"] {
        let error = named(name).unwrap_err().to_string();
        assert!(error.contains("unknown scenario") && error.contains("there are bad, healthy, storm, too-fast, "), "{error}");
        assert!(name != "sotrm" || error.contains("did you mean `storm`?"), "{error}");
    }
    // A schedule of the user's own beside the config wins over that of the scenarios.
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    std::fs::write(dir.path().join("schedules/too-fast.yaml"), "ramp: {start: 7, target: 9}\n").unwrap();
    assert_eq!(named("storm").unwrap().schedule(Some(dir.path())).unwrap().unwrap().ramp.start, 7);
}

/// After a change of the tables: `PREHEAT_WRITE_DOCS=1 cargo test the_page_on_scenarios` writes that part of the page anew.
#[test]
fn the_page_on_scenarios_holds_every_key_and_every_shipped_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scenarios.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (prose, _) = page.split_once("\n## scenarios/NAME.yaml").unwrap();
    let whole = format!("{prose}{}", crate::config::reference::file_reference(&super::keys::SCENARIO));
    if std::env::var_os("PREHEAT_WRITE_DOCS").is_some() {
        std::fs::write(path, &whole).unwrap();
    }
    assert_eq!(page, whole);
    for (name, about) in Scenario::shipped() {
        assert!(page.contains(&format!("| `{name}` | {about} |")), "{name}: {about}");
    }
    let (_, example) = prose.split_once("```yaml\n").unwrap();
    let example = scenario(example.split_once("```").unwrap().0);
    assert_eq!((example.faults.len(), example.holidays.len()), (5, 1));
    example.conditions(&pool(GMAIL), date("2026-11-30"), BERLIN).unwrap_or_else(|e| panic!("{e}"));
}
