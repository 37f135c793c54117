//! The demo's page: one HTML file with its style and its pictures inside. It runs no script and loads nothing.

mod day;
mod model;
mod ramp;
mod style;
#[cfg(test)]
mod tests;

pub use model::{DemoDay, DemoFate, DemoLetter, DemoMailbox, DemoPage, DemoScenario};

use super::draw::STYLE as CHARTS;
use super::wording::weeks_in_words;
use crate::report::markup::escaped;

/// What a visitor does next: what it is for, and the command.
const NEXT: [(&str, &str); 3] = [
    ("Write a commented config and a key, then fill in your mailboxes.", "preheat init"),
    ("Sign in everywhere, find the spam folders, and hear what is wrong, before anything is sent.", "preheat check"),
    ("Look at your ramp by calendar date, and at what your pool can carry.", "preheat plan"),
];

/// The page. Whatever comes out of the model is marked *modelled* on it; every text is escaped.
pub fn page(demo: &DemoPage) -> String {
    let weeks = weeks_in_words(&demo.ramp);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>preheat: a day that ran, and {weeks} rehearsed</title>\n<style>\n{}\n{CHARTS}\n</style>\n</head>\n<body>\n<main>\n\
         {}{}{}{}{}</main>\n{}</body>\n</html>\n",
        style::PAGE,
        head(&weeks),
        day::section(&demo.day),
        ramp::section(&demo.ramp),
        ramp::scenarios(&demo.scenarios),
        next(),
        foot(demo)
    )
}

fn head(weeks: &str) -> String {
    format!(
        "<header>\n<p class=\"mark\">preheat</p>\n<h1>A day that ran, and {weeks} rehearsed</h1>\n\
         <p class=\"lead\">preheat warms new sending domains: it raises the daily volume of each mailbox by a gradual ramp, with mail between \
         mailboxes that you own. It pulls letters out of spam, opens and answers them, and writes down why today&#8217;s number is what it is.</p>\n\
         </header>\n"
    )
}

fn next() -> String {
    let items =
        NEXT.map(|(what, command)| format!("<li><p>{}</p><pre><code>{}</code></pre></li>\n", escaped(what), escaped(command))).concat();
    format!(
        "<section>\n<h2>What to do next</h2>\n<ol class=\"next\">\n{items}</ol>\n\
         <p class=\"note\"><code>preheat rehearse</code> then plays your own six weeks, as above, and <code>preheat run</code>, once a day by cron, carries them out.</p>\n</section>\n"
    )
}

fn foot(demo: &DemoPage) -> String {
    let mark: String = demo.ramp.fingerprint.chars().take(16).collect();
    format!(
        "<footer><p>preheat {}, seed {}, fingerprint {}. Where a letter lands, what receivers think and what goes wrong is modelled here, not measured. \
         This page is one file and loads nothing.</p></footer>\n",
        escaped(env!("CARGO_PKG_VERSION")),
        demo.ramp.seed,
        escaped(&mark)
    )
}

/// A picture at two sizes, of which the style shows the one that fits.
fn picture(caption: &str, wide: &str, narrow: &str) -> String {
    format!("<figure>\n<figcaption>{caption}</figcaption>\n{wide}{narrow}</figure>\n")
}

/// The mark of what comes out of the model.
const MODELLED: &str = "<span class=\"modelled\">modelled</span>";
