use super::*;
use crate::report::markup::checks::unbalanced;
use crate::report::rehearsal::fixtures::{broken, demo, small};

#[test]
fn the_page_is_whole_and_loads_nothing() {
    let html = page(&demo("Nothing goes wrong."));
    assert_eq!(unbalanced(&html), None);
    for foreign in ["http", "src=", "href=", "url(", "@import", "<script", "<link", " id=", "javascript:"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.len() < 400_000, "{} bytes", html.len());
}

#[test]
fn no_text_becomes_markup() {
    let mut demo = demo("<script>alert(1)</script>");
    demo.ramp.scenario = "\"><img onerror=x>".into();
    demo.scenarios[0].rehearsed.scenario = "<b>\"'&".into();
    demo.scenarios[1].rehearsed = broken();
    demo.day.mailboxes[0].provider = "</table><script>".into();
    demo.day.zone = "Mars/<i>".into();
    demo.ramp.fingerprint = "<u>".repeat(20);
    demo.ramp
        .troubles
        .extend(small().troubles.into_iter().map(|t| crate::rehearsal::Trouble { what: "* BYE <script>\u{1b}[2J".into(), ..t }));
    let html = page(&demo);
    assert_eq!(unbalanced(&html), None);
    for markup in ["<script", "<img", "<i>", "<u>", "<b>\"", "\u{1b}"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn the_numbers_of_the_day_are_those_of_its_letters() {
    let demo = demo("");
    let html = page(&demo);
    let n = |fate| demo.day.letters.iter().filter(|l| l.fate == fate).count();
    let (rescued, spam) = (n(DemoFate::Rescued), n(DemoFate::Rescued) + n(DemoFate::Spam));
    assert!(rescued > 0 && spam > rescued);
    for (what, n) in [("sent", 34), ("to spam", spam), ("rescued", rescued), ("to the inbox", n(DemoFate::Inbox))] {
        assert!(html.contains(&format!("<dt>{what}</dt><dd>{n}</dd>")), "{what}: {n}");
    }
}

#[test]
fn every_section_of_the_model_says_so() {
    let html = page(&demo("Nothing goes wrong."));
    let sections: Vec<&str> = html.split("<section>").skip(1).collect();
    assert_eq!(sections.len(), 4);
    assert!(sections[..3].iter().all(|s| s.contains(MODELLED)), "the day, the weeks, the scenarios");
}

#[test]
fn a_demo_without_letters_and_scenarios_is_still_a_page() {
    let mut demo = demo("");
    demo.day.letters.clear();
    demo.day.mailboxes.clear();
    demo.scenarios.clear();
    demo.ramp = crate::rehearsal::Rehearsed { days: vec![], reputation: vec![], verdicts: vec![], troubles: vec![], ..small() };
    assert_eq!(unbalanced(&page(&demo)), None);
}

#[test]
fn a_breach_stands_on_the_page() {
    let mut demo = demo("");
    demo.ramp = broken();
    assert!(page(&demo).contains("1 invariant did not hold: a bug in preheat."));
}
