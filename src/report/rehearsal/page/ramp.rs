//! The weeks rehearsed, and the same weeks in other scenarios.

use super::model::DemoScenario;
use super::{MODELLED, picture};
use crate::rehearsal::{Day, Rehearsed};
use crate::report::markup::{cut, escaped, with_code};
use crate::report::rehearsal::draw::{Canvas, Sample};
use crate::report::rehearsal::panels::{PLACEMENTS, events, placement, reputation, volume, volume_with_spam};
use crate::report::rehearsal::weeks::weeks;
use crate::report::rehearsal::wording::{
    GUARD_AT_WORK, begins_at_target, capitalised, cast, counted, invariant, outcome, people, percent_or_dash, span, target, time, verdict,
    weeks_in_words,
};

/// Sentences of verdicts and troubles that are shown.
const SENTENCES: usize = 10;
const STYLES: [&str; 5] = ["way l0", "way l1", "way l2", "way l3", "way l4"];

/// The section of the ramp.
pub(super) fn section(r: &Rehearsed) -> String {
    let title = format!("{} rehearsed", capitalised(&weeks_in_words(r)));
    format!(
        "<section>\n<h2>{title} {MODELLED}</h2>\n<p>The same code in virtual time, over a model of mail servers and spam filters: {}, {}. \
         <strong>{}.</strong></p>\n{}<div class=\"pair\">\n{}{}</div>\n{}{}</section>\n",
        escaped(&time(r)),
        escaped(&cast(r)),
        escaped(&capitalised(&outcome(r))),
        picture("Letters a day <span>bars are sent, steps are planned</span>", &volume_svg(r, 860.0), &volume_svg(r, 340.0)),
        half("Where they were seen first <span>shares, by week</span>", &placement_svg(r)),
        half("What receivers think <span>of the domains, 0 to 1</span>", &reputation_svg(r)),
        sentences(r),
        broken(r)
    )
}

fn half(caption: &str, svg: &str) -> String {
    format!("<figure>\n<figcaption>{caption}</figcaption>\n{svg}</figure>\n")
}

fn volume_svg(r: &Rehearsed, width: f64) -> String {
    let wide = width > 500.0;
    let mut canvas = Canvas::default();
    let across = (if wide { 72.0 } else { 40.0 }, width - 8.0);
    let bottom = if wide { 250.0 } else { 190.0 };
    volume(&mut canvas, (across, (24.0, bottom)), &r.days, r.target_day, 0);
    // The rows' names need the wide picture's margin; below the narrow one the sentences say the same.
    let y = if wide { events(&mut canvas, across, bottom + 28.0, r) } else { bottom + 26.0 };
    let y = canvas.legend(across.0, across.1, y + 16.0, &[(Sample::Fill("sent"), "sent"), (Sample::Line("goal"), "planned")]);
    canvas.inline(if wide { "wide" } else { "narrow" }, "Letters a day, planned and sent (modelled)", width, y - 8.0)
}

fn placement_svg(r: &Rehearsed) -> String {
    let sums: Vec<Day> = weeks(&r.days).into_iter().map(|w| w.sum).collect();
    let mut canvas = Canvas::default();
    placement(&mut canvas, ((48.0, 412.0), (10.0, 190.0)), &sums, false);
    let y = canvas.legend(48.0, 420.0, 232.0, &PLACEMENTS);
    canvas.inline("", "Where letters were seen first, by week (modelled)", 420.0, y.max(252.0) - 6.0)
}

fn reputation_svg(r: &Rehearsed) -> String {
    let mut canvas = Canvas::default();
    let names = reputation(&mut canvas, ((48.0, 412.0), (10.0, 190.0)), r);
    let names: Vec<String> = names.iter().map(|n| cut(n, 20)).collect();
    let entries: Vec<(Sample, &str)> = names.iter().zip(STYLES).map(|(name, style)| (Sample::Line(style), name.as_str())).collect();
    let y = canvas.legend(48.0, 420.0, 232.0, &entries);
    canvas.inline("", "What each receiver thinks of the domains (modelled)", 420.0, y.max(252.0) - 6.0)
}

/// What the rules said and what went wrong, in the order of dates.
fn sentences(r: &Rehearsed) -> String {
    let said = r.verdicts.iter().map(|s| (s.date, span(s.date, s.until), format!("{}: {}", s.whom, verdict(&s.verdict)), s.why.clone()));
    let troubles = r.troubles.iter().map(|t| {
        let whom = t.mailbox.as_ref().map_or_else(|| "the pool".to_owned(), ToString::to_string);
        let times = if t.times > 1 { format!(" ({} times)", t.times) } else { String::new() };
        (t.date, span(t.date, t.until), whom, format!("{}{times}", t.what))
    });
    let mut all: Vec<_> = said.chain(troubles).collect();
    all.sort();
    if all.is_empty() {
        return "<p class=\"note\">No rule spoke against a day, and nothing went wrong.</p>\n".to_owned();
    }
    let more = all.len().saturating_sub(SENTENCES);
    let items = all
        .iter()
        .take(SENTENCES)
        .map(|(_, when, whom, what)| {
            format!("<li><time>{}</time> <b>{}</b> {}</li>\n", escaped(when), escaped(whom), escaped(&cut(what, 300)))
        })
        .collect::<Vec<_>>()
        .concat();
    let more = if more > 0 { format!("<li>and {more} more</li>\n") } else { String::new() };
    format!("<h3>What the rules said, and what went wrong</h3>\n<ul class=\"said\">\n{items}{more}</ul>\n")
}

/// Invariants that did not hold, loudly.
fn broken(r: &Rehearsed) -> String {
    let Some(first) = r.breaches.first() else { return String::new() };
    format!(
        "<p class=\"broken\"><strong>{} not hold: a bug in preheat.</strong> Scenario {}, seed {}: {}. {}</p>\n",
        counted(r.breaches.len() as u64, "invariant did", "invariants did"),
        escaped(&r.scenario),
        r.seed,
        escaped(invariant(first.invariant)),
        escaped(&first.what)
    )
}

/// The section of the other scenarios: small pictures to one scale.
pub(super) fn scenarios(all: &[DemoScenario]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let most = all.iter().flat_map(|s| &s.rehearsed.days).map(|d| d.planned.max(d.sent)).max().unwrap_or(0);
    let cards: String = all.iter().map(|s| card(s, most)).collect();
    format!(
        "<section>\n<h2>The same weeks, when things go wrong {MODELLED}</h2>\n\
         <p>A pool of {}, one seed, one scale. Bars are sent, their upper part, in red, was first seen in spam; steps are planned. {}</p>\n\
         <div class=\"cards\">\n{cards}</div>\n</section>\n",
        escaped(&people(&first.rehearsed).replacen(", ", " and ", 1)),
        with_code(&escaped(GUARD_AT_WORK))
    )
}

/// A scenario's name as a heading.
fn title_of(name: &str) -> String {
    capitalised(&name.replace('-', " ").replace("dmarc", "DMARC"))
}

fn card(scenario: &DemoScenario, most: u32) -> String {
    let r = &scenario.rehearsed;
    let mut canvas = Canvas::default();
    volume_with_spam(&mut canvas, ((28.0, 236.0), (20.0, 118.0)), &r.days, r.target_day.filter(|_| !begins_at_target(r)), most);
    let title = format!("{}: letters a day (modelled)", r.scenario);
    let all = weeks(&r.days);
    let rates: Vec<f64> = all.iter().filter_map(super::super::weeks::Week::inbox_rate).collect();
    let worst = rates.iter().copied().reduce(f64::min);
    let sent: u64 = r.days.iter().map(|d| u64::from(d.sent)).sum();
    let planned: u64 = r.days.iter().map(|d| u64::from(d.planned)).sum();
    let facts = [
        ("target", target(r)),
        ("sent of planned", percent_or_dash((planned > 0).then(|| sent as f64 / planned as f64))),
        ("inbox, worst week", percent_or_dash(worst)),
        ("inbox, last week", percent_or_dash(rates.last().copied())),
    ];
    let facts =
        facts.iter().map(|(what, value)| format!("<div><dt>{what}</dt><dd>{}</dd></div>", escaped(value))).collect::<Vec<_>>().concat();
    format!(
        "<article>\n<h3>{}</h3>\n<p>{}</p>\n{}<dl>{facts}</dl>\n{}</article>\n",
        escaped(&title_of(&r.scenario)),
        escaped(&scenario.about),
        canvas.inline("", &title, 240.0, 140.0),
        broken(r)
    )
}
