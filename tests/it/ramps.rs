//! Every shipped schedule through `preheat plan --json`, day by day, against numbers that this test computes for itself.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

/// Tuesday.
const CLOCK: &str = "2026-12-01T06:00:00Z x1";

/// What a schedule's file says, typed in here once more.
struct Shape {
    name: &'static str,
    start: f64,
    target: f64,
    send_days: usize,
    logistic: bool,
    /// Messages, share.
    growth: (u64, f64),
    weekend: bool,
    after: u64,
    /// The date of the last ramp day, counted on a calendar from Tuesday, 2026-12-01.
    done_on: &'static str,
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "standard-6w",
        start: 4.0,
        target: 30.0,
        send_days: 30,
        logistic: false,
        growth: (2, 0.20),
        weekend: false,
        after: 15,
        done_on: "2027-01-11",
    },
    Shape {
        name: "gentle-6w",
        start: 3.0,
        target: 20.0,
        send_days: 30,
        logistic: true,
        growth: (2, 0.20),
        weekend: false,
        after: 10,
        done_on: "2027-01-11",
    },
    Shape {
        name: "brisk-4w",
        start: 5.0,
        target: 40.0,
        send_days: 20,
        logistic: false,
        growth: (2, 0.20),
        weekend: false,
        after: 20,
        done_on: "2026-12-28",
    },
    Shape {
        name: "own-server",
        start: 20.0,
        target: 300.0,
        send_days: 42,
        logistic: false,
        growth: (5, 0.15),
        weekend: true,
        after: 100,
        done_on: "2027-01-11",
    },
];

/// One warming mailbox and some partners.
fn plan(schedule: &str, partners: usize) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let mut yaml = String::from(
        "zone: Europe/Berlin\nledger: none.db\ndefaults: {secret: 'env:NOBODY', smtp: mail.new.example, imap: mail.new.example}\nmailboxes:\n  - anna@new.example\n",
    );
    for n in 0..partners {
        writeln!(yaml, "  - {{address: p{n}@host-{}.example, role: partner}}", n % 7).unwrap();
    }
    let config = dir.path().join("preheat.yaml");
    std::fs::write(&config, yaml).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_preheat"))
        .args(["--quiet", "plan", "--json", "--schedule", schedule, "--config"])
        .arg(&config)
        .env("PREHEAT_CLOCK", CLOCK)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{schedule}: {e}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Recipients that carry the target: at most twelve starts a week for a pair, whose week may have seven send-days; and some to spare.
fn partners(shape: &Shape) -> usize {
    (shape.target * 7.0 / 12.0) as usize + 10
}

fn days(plan: &Value) -> &Vec<Value> {
    plan["mailboxes"][0]["days"].as_array().unwrap()
}

/// The days that have a ramp day, with `field` of each.
fn on_ramp(plan: &Value, field: &str) -> Vec<u64> {
    days(plan).iter().filter(|d| !d["ramp_day"].is_null()).map(|d| d[field].as_u64().unwrap()).collect()
}

/// The shape in real numbers: `start·(target/start)^x`, or an S that is cut from eight units of the logistic function.
fn real_curve(shape: &Shape) -> Vec<f64> {
    let last = (shape.send_days - 1) as f64;
    let s = |x: f64| 1.0 / (1.0 + (-8.0 * (x - 0.5)).exp());
    let way = |x: f64| {
        if shape.logistic {
            shape.start + (shape.target - shape.start) * (s(x) - s(0.0)) / (s(1.0) - s(0.0))
        } else {
            shape.start * (shape.target / shape.start).powf(x)
        }
    };
    (0..shape.send_days).map(|day| way(day as f64 / last)).collect()
}

#[test]
fn no_step_is_above_the_bound_every_day_is_the_curves_and_the_target_is_reached_on_its_day() {
    for shape in &SHAPES {
        let plan = plan(shape.name, partners(shape));
        let quotas = on_ramp(&plan, "quota");
        assert_eq!(quotas, on_ramp(&plan, "curve"), "{}: this pool carries the whole ramp", shape.name);
        assert_eq!((quotas.len(), quotas[0]), (shape.send_days, shape.start as u64), "{}", shape.name);
        for step in quotas.windows(2) {
            let bound = shape.growth.0.max((shape.growth.1 * step[0] as f64 + 1e-9) as u64);
            assert!(step[0] <= step[1] && step[1] - step[0] <= bound, "{}: {} → {} in {quotas:?}", shape.name, step[0], step[1]);
        }
        let done_on = plan["mailboxes"][0]["done_on"].as_str();
        assert_eq!((done_on, quotas.last()), (Some(shape.done_on), Some(&(shape.target as u64))), "{}", shape.name);
        for (quota, real) in quotas.iter().zip(real_curve(shape)) {
            assert!((*quota as f64 - real).abs() < 1.0, "{}: {quota} where the curve is at {real}", shape.name);
        }
        let after: Vec<u64> = days(&plan)
            .iter()
            .filter(|d| d["date"].as_str().unwrap() > shape.done_on)
            .map(|d| d["quota"].as_u64().unwrap())
            .filter(|q| *q > 0)
            .collect();
        assert!(!after.is_empty() && after.iter().all(|q| *q == shape.after), "{}: {after:?}", shape.name);
    }
}

#[test]
fn totals_are_within_one_message_of_the_real_curves() {
    for shape in &SHAPES {
        let plan = plan(shape.name, partners(shape));
        let (total, real) = (on_ramp(&plan, "quota").iter().sum::<u64>() as f64, real_curve(shape).iter().sum::<f64>());
        assert!((total - real).abs() <= 1.0, "{}: {total} messages, the curve's sum is {real}", shape.name);
    }
}

#[test]
fn weekends_are_as_the_schedule_says() {
    for shape in &SHAPES {
        let plan = plan(shape.name, partners(shape));
        for day in days(&plan) {
            let weekend = matches!(day["weekday"].as_str(), Some("Sat" | "Sun"));
            let sends = day["quota"].as_u64().unwrap() > 0;
            assert_eq!(sends, !weekend || shape.weekend, "{}: {}", shape.name, day["date"]);
        }
        let dates: Vec<&str> = days(&plan).iter().map(|d| d["date"].as_str().unwrap()).collect();
        assert!(dates[0] == "2026-12-01" && dates.windows(2).all(|d| d[0] < d[1]), "{}: {dates:?}", shape.name);
    }
}

#[test]
fn published_ramps_are_the_numbers_that_were_published() {
    let braze_conservative: Vec<u64> =
        [50, 100, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000].into_iter().flat_map(|n| [n; 3]).collect();
    let braze_moderate = vec![
        50, 100, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 35_000, 50_000, 75_000, 100_000, 150_000, 200_000, 275_000, 375_000,
        500_000, 650_000, 825_000, 1_000_000,
    ];
    let sendgrid = vec![
        50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000, 2_000_000,
        4_000_000,
    ];
    for (name, numbers) in [("braze-conservative", braze_conservative), ("braze-moderate", braze_moderate), ("sendgrid-manual", sendgrid)] {
        let plan = plan(name, 30);
        assert_eq!(on_ramp(&plan, "curve"), numbers, "{name}");
        // Every day counts, and what the pool cannot carry is a cap with the fix in words, not a refusal.
        assert!(days(&plan).iter().take(numbers.len()).all(|d| !d["ramp_day"].is_null()), "{name}");
        let carried = on_ramp(&plan, "quota");
        assert!(
            carried.iter().zip(&numbers).all(|(quota, wanted)| quota <= wanted) && carried.last() < numbers.last(),
            "{name}: {carried:?}"
        );
        assert!(plan["carries"].as_array().unwrap().iter().any(|s| s.as_str().unwrap().contains("more recipients")), "{}", plan["carries"]);
    }
}

#[test]
fn maintain_is_level() {
    let plan = plan("maintain", 12);
    let quotas: Vec<u64> = days(&plan)
        .iter()
        .filter(|d| !matches!(d["weekday"].as_str(), Some("Sat" | "Sun")))
        .map(|d| d["quota"].as_u64().unwrap())
        .collect();
    assert!(quotas.len() >= 5 && quotas.iter().all(|q| *q == 15), "{quotas:?}");
}
