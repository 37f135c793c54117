use super::super::limits::{BOUNCES, COMPLAINTS, PLACEMENT, RateRule, SUDDEN};
use super::*;

const PAGE: &str = include_str!("../../../docs/guard.md");

fn asks_for(rule: &RateRule) -> String {
    let mut asks = Vec::new();
    match (rule.hits, rule.of) {
        (0, of) => asks.push(format!("at least {of}")),
        (hits, 0) => asks.push(format!("{hits} or more")),
        (hits, of) => asks.push(format!("{hits} or more of at least {of}")),
    }
    let what = match rule.measure {
        Measure::Share => "share",
        Measure::Lower90 => "one-sided 90 % lower bound",
        Measure::Lower95 => "two-sided 95 % lower bound",
    };
    asks.push(format!("{what} {} {} %", if rule.or_equal { '≥' } else { '>' }, rule.limit as f64 / 10.0));
    asks.join(", ")
}

#[test]
fn the_page_says_what_the_tables_say() {
    for rule in PLACEMENT.iter().chain(BOUNCES).chain(COMPLAINTS).chain([&SUDDEN]) {
        let begins = format!("| `{}` | {}", rule.rule, asks_for(rule));
        let row = PAGE.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("{begins}"));
        assert!(row.ends_with(&format!(" | {} |", rule.verdict)), "{row}");
    }
    for rule in Rule::ALL.iter().filter(|rule| !matches!(rule, Rule::Clear | Rule::PauseGoesOn)) {
        assert!(PAGE.contains(&format!("`{rule}`")), "{rule}");
    }
    for part in &health(&anna()).parts {
        assert!(PAGE.contains(&format!("| {} | {} |", part.name, part.weight)), "{}", part.name);
    }
    for verdict in Verdict::ALL {
        assert!(PAGE.contains(&format!("| `{verdict}` |")), "{verdict}");
    }
}
