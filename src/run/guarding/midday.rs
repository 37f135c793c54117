//! What does not wait for tomorrow's plan: a pause that follows from what came back just now, and "too fast".

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::context::{Context, Desk};
use super::super::progress::News;
use super::facts::provider_of;
use super::judge_before;
use crate::classify::{classify, is_greylisting};
use crate::guard::{Subject, Until};
use crate::ledger::{LedgerError, LetterFacts, VerdictRow};
use crate::words::{Address, LocalDate, Provider, RefusalClass, Reply, Role, Verdict};

/// Judges a mailbox and its domain as they stand now. Where that is a pause, it holds at once: what is left of today is not sent.
///
/// # Errors
/// The ledger's.
pub async fn judge_now(cx: &Context, desk: &Desk) -> Result<(), LedgerError> {
    let domain = desk.mailbox.address.domain();
    if !cx.config.guard || desk.mailbox.role != Role::Warming {
        return Ok(());
    }
    let now = cx.clock.now();
    let (mut days, mut today) = (BTreeMap::new(), BTreeMap::new());
    for mailbox in cx.config.mailboxes.values().filter(|m| m.role == Role::Warming && m.address.domain() == domain) {
        let date = if mailbox.address == desk.mailbox.address { desk.date } else { now.local_date(mailbox.zone) };
        days.insert(mailbox.address.clone(), cx.ledger.days_before(mailbox.address.clone(), date.plus(1)).await?);
        today.insert(mailbox.address.clone(), date);
    }
    let guarded = judge_before(&cx.config, &cx.ledger, desk.date.plus(1), &days, now).await?;
    let is_today = |subject: &Subject, date: LocalDate| match subject {
        Subject::Mailbox(address) => today.get(address) == Some(&date),
        Subject::Domain(_) => date == desk.date,
        Subject::Route(..) => false,
    };
    let pauses: Vec<VerdictRow> = guarded.new.into_iter().filter(|v| v.verdict == Verdict::Pause && is_today(&v.subject, v.date)).collect();
    let stop: Vec<(Address, LocalDate)> = pauses
        .iter()
        .filter_map(|v| match &v.subject {
            Subject::Mailbox(address) => Some((address.clone(), v.date)),
            Subject::Domain(_) | Subject::Route(..) => None,
        })
        .collect();
    if stop.is_empty() {
        return Ok(());
    }
    for (mailbox, left) in cx.ledger.stop_today(desk.fence.clone(), pauses, stop).await? {
        if let Some(pause) = guarded.paused.get(&mailbox) {
            cx.tell(&News::Note(format!("{mailbox} is {pause}; {left} of today's letters are not sent")));
        }
    }
    Ok(())
}

/// A server said "too fast" of a letter: nothing more of its domain goes to that receiving provider today. Greylisting is no such word: it is how some
/// servers greet every stranger.
///
/// # Errors
/// The ledger's.
pub async fn heed_rate(cx: &Context, desk: &Desk, letter: &LetterFacts, reply: &Reply) -> Result<(), LedgerError> {
    let said = classify(desk.mailbox.provider, reply);
    if said != RefusalClass::Rate || is_greylisting(reply) || !cx.config.guard || desk.mailbox.role != Role::Warming {
        return Ok(());
    }
    let provider = provider_of(&cx.config, &letter.plan.recipient);
    let (domain, date, now) = (desk.mailbox.address.domain(), desk.date, cx.clock.now());
    let senders = cx.config.mailboxes.keys().filter(|a| a.domain() == domain).cloned().collect();
    let recipients = of_provider(cx, provider);
    let subject = Subject::Route(domain.clone(), provider);
    let sentence =
        format!("{provider} said that letters from {domain} come too fast ({reply}), so nothing more goes there before {}.", date.plus(1));
    let ruling = serde_json::json!({
        "subject": subject, "date": date, "verdict": Verdict::Rest, "rule": "rate_replies", "sentence": sentence,
        "until": Until::Date(date.plus(1)), "numerator": 1, "provider": provider,
    });
    let row = VerdictRow {
        subject,
        date,
        at: now,
        verdict: Verdict::Rest,
        until: Some(Until::Date(date.plus(1))),
        rulings: Value::from(vec![ruling]).to_string(),
    };
    let rested = cx.ledger.rest_route(desk.fence.clone(), row, senders, recipients).await?;
    if rested > 0 {
        cx.tell(&News::Note(format!("{sentence} {rested} of today's letters wait or are skipped")));
    }
    Ok(())
}

fn of_provider(cx: &Context, provider: Provider) -> Vec<Address> {
    cx.config.mailboxes.values().filter(|m| m.provider == provider).map(|m| m.address.clone()).collect()
}
