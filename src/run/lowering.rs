//! Caps that were lowered since a date's agenda was made hold at once: that date's quotas follow them down, and never up.

use std::collections::BTreeMap;

use super::context::{Context, Desk};
use super::progress::News;
use crate::config::Mailbox;
use crate::ledger::{DayRow, Fence, LedgerError};
use crate::ramp::domain_shares;
use crate::words::{Address, LocalDate, Role};

/// Lowers the quotas of the desks' dates to what the config allows now, never below what is spent. What has no place any more is skipped when it is due.
pub(super) async fn lower_quotas(cx: &Context, planner: &Fence, desks: &[Desk]) -> Result<(), LedgerError> {
    let mut days: BTreeMap<LocalDate, Vec<(&Desk, DayRow)>> = BTreeMap::new();
    for desk in desks {
        if let Some(day) = cx.ledger.day(desk.mailbox.address.clone(), desk.date).await? {
            days.entry(desk.date).or_default().push((desk, day));
        }
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
    Ok(())
}

fn own_cap(mailbox: &Mailbox) -> u32 {
    match mailbox.role {
        Role::Warming => mailbox.daily_cap.unwrap_or(u32::MAX),
        Role::Partner => mailbox.send_limit,
    }
}
