//! The day that just ran: its numbers, its letters by the hour, who wrote to whom.

use std::collections::BTreeMap;

use chrono::Timelike;

use super::model::{DemoDay, DemoFate, DemoLetter};
use super::{MODELLED, picture};
use crate::report::markup::{cut, escaped};
use crate::report::rehearsal::draw::{Anchor, Canvas, Plot, Sample};
use crate::report::rehearsal::wording::counted;
use crate::words::{Address, Role};

/// Lanes that the timeline has at most; senders beyond them share the last.
const LANES: usize = 16;

/// The section of the day.
pub(super) fn section(day: &DemoDay) -> String {
    let date = escaped(&day.date.0.format("%A, %-d %B %Y").to_string());
    let kinds: std::collections::BTreeSet<&str> = day.mailboxes.iter().map(|m| m.provider.as_str()).collect();
    let warming = day.mailboxes.iter().filter(|m| m.role == Role::Warming).count();
    let mailboxes = counted(day.mailboxes.len() as u64, "mailbox", "mailboxes");
    let kinds = counted(kinds.len() as u64, "kind", "kinds");
    format!(
        "<section>\n<h2>The day that just ran</h2>\n\
         <p>{date}, over real sockets: {mailboxes} ({warming} warming) on {kinds} of servers inside this process, on a clock that ran \
         {} times faster. It took {}. The letters, SMTP, IMAP and TLS were real; whether a letter went to spam was <span class=\"whole\">{MODELLED}.</span></p>\n{}<p class=\"note\">{}</p>\n{}{}</section>\n",
        day.faster,
        took(day.took),
        numbers(day),
        servers_word(day),
        timeline(day),
        matrix(day)
    )
}

fn took(took: std::time::Duration) -> String {
    format!("{:.0} seconds", took.as_secs_f64().ceil())
}

fn numbers(day: &DemoDay) -> String {
    let is = |fate: DemoFate| move |l: &DemoLetter| l.fate == fate;
    let spam = day.count(is(DemoFate::Spam)) + day.count(is(DemoFate::Rescued));
    let mut all = vec![
        (day.count(|_| true), "sent"),
        (day.count(is(DemoFate::Inbox)), "to the inbox"),
        (spam, "to spam"),
        (day.count(is(DemoFate::Rescued)), "rescued"),
        (day.count(|l| l.is_opened), "opened"),
        (day.count(|l| l.is_answer), "answers"),
    ];
    let others = day.count(is(DemoFate::Waiting)) + day.count(is(DemoFate::Lost));
    if others > 0 {
        all.push((others, "not seen"));
    }
    let cells = all.iter().map(|(n, what)| format!("<div><dt>{what}</dt><dd>{n}</dd></div>")).collect::<Vec<_>>().concat();
    format!("<dl class=\"numbers\">{cells}</dl>\n")
}

/// The day by the servers' own count: `all 96 are in the ledger`.
fn servers_word(day: &DemoDay) -> String {
    let (taken, known) = (day.taken, day.in_ledger);
    let known = if taken == known { format!("all {taken} are in the ledger") } else { format!("the ledger has {known}") };
    format!("By their own count the servers took {taken} messages; {known}, each handed over once.")
}

/// Every letter as a dot at its time in its sender's lane.
fn timeline(day: &DemoDay) -> String {
    let zone = escaped(day.zone.rsplit('/').next().unwrap_or_default());
    let caption = format!("Each letter at its time, by sender <span>{} time; small dots are answers</span>", zone.replace('_', " "));
    picture(&caption, &timeline_svg(day, true), &timeline_svg(day, false))
}

fn timeline_svg(day: &DemoDay, wide: bool) -> String {
    let senders = senders(day);
    let (width, left, lane) = if wide { (860.0, 220.0, 26.0) } else { (340.0, 16.0, 40.0) };
    let hours = || day.sent().filter_map(|l| l.at).map(|t| t.hour());
    let (first, last) = (hours().min().unwrap_or(8), hours().max().unwrap_or(17) + 1);
    let top = 10.0;
    let bottom = top + lane * senders.len().max(1) as f64;
    let plot = Plot::new((left, width - 20.0), (top, bottom), (last - first) as usize, 1.0);
    let mut canvas = Canvas::default();
    let every = if wide { 1 } else { 3 };
    for hour in first..=last {
        let x = plot.left + f64::from(hour - first) * plot.column();
        canvas.line("grid", (x, top), (x, bottom));
        if (hour - first) % every == 0 {
            canvas.text("", (x, bottom + 17.0), Anchor::Middle, &format!("{hour}:00"));
        }
    }
    for (n, sender) in senders.iter().enumerate() {
        let y = top + lane * n as f64;
        let middle = if wide { y + lane / 2.0 } else { y + lane - 11.0 };
        canvas.line("grid", (plot.left, middle), (plot.right, middle));
        let shared = n + 1 == LANES && senders.len() == LANES && all_senders(day) > LANES;
        let name = if shared { "others".to_owned() } else { sender.to_string() };
        if wide {
            canvas.text("", (plot.left - 14.0, middle + 4.0), Anchor::End, &cut(&name, 30));
        } else {
            canvas.text("halo", (plot.left, y + 14.0), Anchor::Start, &cut(&name, 46));
        }
        for letter in day.sent().filter(|l| l.from == *sender || (shared && !senders.contains(&l.from))) {
            let Some(at) = letter.at else { continue };
            let x = plot.left + (f64::from(at.num_seconds_from_midnight()) / 3600.0 - f64::from(first)) * plot.column();
            let title = format!("{} {} → {}: {}", at.format("%H:%M"), letter.from, letter.to, fate_in_words(letter));
            canvas.dot(class_of(letter.fate), (x, middle), if letter.is_answer { 3.5 } else { 5.5 }, &title);
        }
    }
    let all = [("inbox", "inbox"), ("rescued", "spam, rescued"), ("spam", "spam"), ("lost", "not seen")];
    let occurs = |class: &str| day.sent().any(|l| class_of(l.fate) == class);
    let legend: Vec<(Sample, &str)> =
        all.into_iter().filter(|(class, _)| occurs(class)).map(|(class, name)| (Sample::Fill(class), name)).collect();
    let end = canvas.legend(if wide { left } else { 6.0 }, width, bottom + 42.0, &legend);
    canvas.inline(if wide { "wide" } else { "narrow" }, "The day's letters by time and sender", width, end - 6.0)
}

fn all_senders(day: &DemoDay) -> usize {
    day.sent().map(|l| &l.from).collect::<std::collections::BTreeSet<_>>().len()
}

/// Who sent anything, in the pool's order: a lane each.
fn senders(day: &DemoDay) -> Vec<Address> {
    let mut senders: Vec<Address> = Vec::new();
    let in_order = day.mailboxes.iter().map(|m| &m.address).filter(|a| day.sent().any(|l| l.from == **a));
    for address in in_order.chain(day.sent().map(|l| &l.from)) {
        if senders.len() < LANES && !senders.contains(address) {
            senders.push(address.clone());
        }
    }
    senders
}

fn class_of(fate: DemoFate) -> &'static str {
    match fate {
        DemoFate::Inbox => "inbox",
        DemoFate::Rescued => "rescued",
        DemoFate::Spam => "spam",
        DemoFate::Waiting | DemoFate::Lost => "lost",
    }
}

fn fate_in_words(letter: &DemoLetter) -> String {
    let fate = match letter.fate {
        DemoFate::Inbox => "inbox",
        DemoFate::Rescued => "spam, rescued",
        DemoFate::Spam => "spam",
        DemoFate::Waiting => "not seen yet",
        DemoFate::Lost => "lost",
    };
    let what = if letter.is_answer { "an answer, " } else { "" };
    format!("{what}{fate}{}", if letter.is_opened { ", opened" } else { "" })
}

/// Who wrote to whom, by kind of server: how many letters, and how many of them went to spam.
fn matrix(day: &DemoDay) -> String {
    let mut counts: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
    for letter in day.sent() {
        let cell = counts.entry((day.provider_of(&letter.from), day.provider_of(&letter.to))).or_default();
        cell.0 += 1;
        cell.1 += u32::from(matches!(letter.fate, DemoFate::Spam | DemoFate::Rescued));
    }
    let most = counts.values().map(|(n, _)| *n).max().unwrap_or(1).max(1);
    let names: std::collections::BTreeSet<&String> = counts.keys().flat_map(|(from, to)| [from, to]).collect();
    let heads = names.iter().map(|to| format!("<th scope=\"col\">{}</th>", escaped(to))).collect::<Vec<_>>().concat();
    let cell = |from: &String, to: &String| match counts.get(&(from.clone(), to.clone())) {
        None => "<td class=\"none\">&#183;</td>".to_owned(),
        Some((n, spam)) => {
            let spam = if *spam > 0 { format!(" <small>{spam} to spam</small>") } else { String::new() };
            format!("<td style=\"--n:{}%\"><b>{n}</b>{spam}</td>", n * 45 / most)
        }
    };
    let row = |from: &&String| {
        let cells = names.iter().map(|to| cell(from, to)).collect::<Vec<_>>().concat();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escaped(from))
    };
    let rows = names.iter().map(row).collect::<Vec<_>>().concat();
    format!(
        "<figure>\n<figcaption>Who wrote to whom <span>letters, from the row to the column, by kind of server</span></figcaption>\n\
         <div class=\"scroll\"><table class=\"matrix\">\n<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</figure>\n"
    )
}
