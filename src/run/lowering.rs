//! Caps that were lowered since a date's agenda was made hold at once: that date's quotas follow them down, and never up.

use std::collections::BTreeMap;

use super::context::{Context, Desk};
use super::prepare::dates_of;
use super::progress::News;
use crate::config::Mailbox;
use crate::ledger::{DayRow, Fence, LedgerError};
use crate::ramp::domain_shares;
use crate::words::{Address, LocalDate, Role};

/// Lowers the quotas of the desks' dates to what the config allows now, never below what is spent. What has no place any more is skipped when it is due.
pub(super) async fn lower_quotas(cx: &Context, planner: &Fence, desks: &[Desk]) -> Result<(), LedgerError> {
    let mut days: BTreeMap<LocalDate, Vec<(&Desk, DayRow)>> = BTreeMap::new();
    let known = cx.ledger.days_of(dates_of(desks)).await?;
    for (desk, day) in desks.iter().zip(known).filter_map(|(desk, day)| Some((desk, day?))) {
        days.entry(desk.date).or_default().push((desk, day));
    }
    for (date, days) in days {
        lower_date(cx, planner, date, &days).await?;
    }
    Ok(())
}

async fn lower_date(cx: &Context, planner: &Fence, date: LocalDate, days: &[(&Desk, DayRow)]) -> Result<(), LedgerError> {
    // What each may still send: its quota under its own cap, less what it has sent.
    let left = |desk: &Desk, day: &DayRow| day.plan.quota.min(own_cap(&desk.mailbox)).saturating_sub(day.spent);
    let mut left: BTreeMap<Address, u32> = days.iter().map(|(desk, day)| (desk.mailbox.address.clone(), left(desk, day))).collect();
    let capped: Vec<_> = cx.config.domains.iter().filter_map(|(domain, settings)| Some((domain, settings.daily_cap?))).collect();
    if !capped.is_empty() {
        let others = cx.ledger.quotas_of_others(date, left.keys().cloned().collect()).await?;
        for (domain, cap) in capped {
            let spent: u32 = days.iter().filter(|(desk, _)| desk.mailbox.address.domain() == *domain).map(|(_, day)| day.spent).sum();
            let cap = cap.saturating_sub(spent).saturating_sub(others.get(domain).copied().unwrap_or(0));
            let wanted = left.iter().filter(|(a, _)| a.domain() == *domain).map(|(a, n)| (a.clone(), *n)).collect();
            left.extend(domain_shares(cap, &wanted));
        }
    }
    for (desk, day) in days {
        let address = &desk.mailbox.address;
        let quota = day.spent + left.get(address).copied().unwrap_or(0);
        if quota < day.plan.quota {
            let holds = cx.ledger.lower_quota(planner.clone(), address.clone(), date, quota).await?;
            cx.tell(&News::Note(format!(
                "{address}: its quota of {date} is lowered from {} to {holds}: a cap was lowered",
                day.plan.quota
            )));
        }
    }
    lower_totals(cx, planner, date, days).await
}

/// What is left for real mail under the caps of now, once the quotas are lowered.
async fn lower_totals(cx: &Context, planner: &Fence, date: LocalDate, days: &[(&Desk, DayRow)]) -> Result<(), LedgerError> {
    let mut lowered = Vec::new();
    for (desk, _) in days.iter().filter(|(_, day)| day.plan.total > day.plan.quota) {
        lowered.extend(cx.ledger.day(desk.mailbox.address.clone(), date).await?.map(|day| (*desk, day)));
    }
    let room = |desk: &Desk, day: &DayRow| day.plan.total.min(own_cap(&desk.mailbox)).saturating_sub(day.plan.quota);
    let mut rooms: BTreeMap<Address, u32> = lowered.iter().map(|(d, day)| (d.mailbox.address.clone(), room(d, day))).collect();
    for (domain, settings) in &cx.config.domains {
        let Some(cap) = settings.daily_cap.filter(|_| !rooms.is_empty()) else { continue };
        let others = cx.ledger.quotas_of_others(date, rooms.keys().cloned().collect()).await?.get(domain).copied().unwrap_or(0);
        let ours = lowered.iter().filter(|(d, _)| d.mailbox.address.domain() == *domain);
        let warmup = ours.map(|(_, day)| day.plan.quota).fold(others, u32::saturating_add);
        let wanted = rooms.iter().filter(|(a, _)| a.domain() == *domain).map(|(a, n)| (a.clone(), *n)).collect();
        rooms.extend(domain_shares(cap.saturating_sub(warmup), &wanted));
    }
    for (desk, day) in lowered {
        let address = &desk.mailbox.address;
        let total = day.plan.quota.saturating_add(rooms.get(address).copied().unwrap_or(0));
        if total < day.plan.total {
            cx.ledger.lower_total(planner.clone(), address.clone(), date, total).await?;
        }
    }
    Ok(())
}

fn own_cap(mailbox: &Mailbox) -> u32 {
    match mailbox.role {
        Role::Warming => mailbox.daily_cap.unwrap_or(u32::MAX),
        Role::Partner => mailbox.send_limit,
    }
}
