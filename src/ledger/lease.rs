//! Leases: who owns a resource's work, and the fence that makes a stale owner's write fail.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::rows::{all, execute, one};
use super::{Ledger, LedgerError, ms};
use crate::words::{Address, Moment};

/// How long a lease lasts after its last renewal, in real time.
pub const LEASE_TTL: Duration = Duration::from_mins(2);

/// A process that owns work: host, process id, and when that process started (so that a reused id is not mistaken for it).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Its start, in whatever unit the system counts; equal only for the same process.
    pub started: u64,
}

impl Holder {
    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ' ');
        let started = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        Some(Self { host: parts.next()?.to_owned(), pid, started })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.host, self.pid, self.started)
    }
}

/// A part of a larger question: when a lease was renewed last; NULL where it is not held under the fence any more whose [`Fence::key`] the first two
/// parameters are.
macro_rules! renewed_at {
    () => {
        "(SELECT renewed_at FROM lease WHERE resource = ?1 AND fence = ?2 AND holder <> '')"
    };
}
pub(super) use renewed_at;

/// Proof of ownership that every write carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    resource: String,
    number: i64,
}

impl Fence {
    /// The resource of a mailbox's work.
    pub fn resource_of(mailbox: &Address) -> String {
        format!("mailbox:{mailbox}")
    }

    /// The resource of making agendas.
    pub const PLANNER: &'static str = "planner";

    /// Whether it is the fence of `resource`.
    pub fn is_of(&self, resource: &str) -> bool {
        self.resource == resource
    }

    /// Fails where the lease is not held under this fence any more.
    pub(super) fn check(&self, c: &Connection) -> Result<(), LedgerError> {
        let held =
            one(c, "SELECT 1 FROM lease WHERE resource = ?1 AND fence = ?2 AND holder <> ''", params![self.resource, self.number], |_| {
                Ok(())
            })?;
        held.ok_or_else(|| LedgerError::Stale(self.resource.clone()))
    }

    /// What it is known by in the ledger.
    pub(super) fn key(&self) -> (&str, i64) {
        (&self.resource, self.number)
    }

    /// Whether the last renewal, by [`renewed_at`], is younger than half of the expiry: what a worker must know before it sends. One that lies ahead says
    /// nothing about how long ago it was: the clock was set back since.
    ///
    /// # Errors
    /// As [`Fence::check`].
    pub(super) fn is_fresh(&self, renewed_at: Option<i64>, real_now: Moment) -> Result<bool, LedgerError> {
        let renewed_at = renewed_at.map(Moment).ok_or_else(|| LedgerError::Stale(self.resource.clone()))?;
        Ok((real_now - LEASE_TTL / 2..=real_now + LEASE_TTL / 2).contains(&renewed_at))
    }
}

/// A lease that somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The resource.
    pub resource: String,
    /// Who holds it.
    pub holder: Holder,
    /// Until when, unless it is renewed; real time.
    pub expires_at: Moment,
}

/// What came of asking for leases.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Those that are ours now, by resource.
    pub ours: BTreeMap<String, Fence>,
    /// Those that somebody else holds.
    pub held: Vec<HeldLease>,
}

impl Ledger {
    /// Whether one of these leases has run out under a holder that is not known to be dead. It may be alive: the clock was set forward, or the machine
    /// slept, and the holder has not renewed it yet.
    pub async fn has_run_out(
        &self,
        resources: Vec<String>,
        me: Holder,
        real_now: Moment,
        is_dead: impl Fn(&Holder) -> bool + Send + 'static,
    ) -> Result<bool, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT resource, holder FROM lease WHERE holder <> '' AND expires_at <= ?1 ORDER BY resource";
                let run_out = all(c, sql, [ms(real_now)], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
                let may_live = |text: &str| Holder::parse(text).is_some_and(|holder| holder != me && !is_dead(&holder));
                Ok(run_out.iter().any(|(resource, holder)| resources.contains(resource) && may_live(holder)))
            })
            .await
    }

    /// Takes every lease of `resources` that is free, has run out, or whose holder `is_dead` (a process of this machine that is gone).
    ///
    /// One that would last longer than any renewal gives it was renewed before the clock was set back: from now on it lasts as long as a fresh one. Its
    /// holder renews it, if it lives.
    pub async fn take_leases(
        &self,
        resources: Vec<String>,
        me: Holder,
        real_now: Moment,
        is_dead: impl Fn(&Holder) -> bool + Send + 'static,
    ) -> Result<Taken, LedgerError> {
        self.store
            .run(move |c| {
                let mut taken = Taken::default();
                for resource in resources {
                    let row = one(c, "SELECT holder, fence, expires_at FROM lease WHERE resource = ?1", [&resource], |r| {
                        Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?, Moment(r.get(2)?)))
                    })?;
                    if let Some((text, _, expires_at)) = &row
                        && *expires_at > real_now
                        && let Some(holder) = Holder::parse(text)
                        && holder != me
                        && !is_dead(&holder)
                    {
                        let expires_at = (*expires_at).min(real_now + LEASE_TTL);
                        execute(
                            c,
                            "UPDATE lease SET expires_at = ?2 WHERE resource = ?1 AND expires_at > ?2",
                            params![resource, ms(expires_at)],
                        )?;
                        taken.held.push(HeldLease { resource, holder, expires_at });
                        continue;
                    }
                    let number = row.map_or(0, |r| r.1) + 1;
                    execute(
                        c,
                        "INSERT INTO lease (resource, holder, fence, renewed_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT (resource) DO UPDATE SET holder = ?2, fence = ?3, renewed_at = ?4, expires_at = ?5",
                        params![resource, me.to_string(), number, ms(real_now), ms(real_now + LEASE_TTL)],
                    )?;
                    taken.ours.insert(resource.clone(), Fence { resource, number });
                }
                Ok(taken)
            })
            .await
    }

    /// Renews leases; all or none.
    ///
    /// # Errors
    /// [`LedgerError::Stale`] where one is not ours any more. One that had run out (a laptop slept) and that nobody took is ours still: the fence,
    /// which every taker raises, is the proof.
    pub async fn renew_leases(&self, fences: Vec<Fence>, real_now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                for fence in fences {
                    let sql = "UPDATE lease SET renewed_at = ?3, expires_at = ?4 WHERE resource = ?1 AND fence = ?2 AND holder <> ''";
                    if execute(c, sql, params![fence.resource, fence.number, ms(real_now), ms(real_now + LEASE_TTL)])? == 0 {
                        return Err(LedgerError::Stale(fence.resource));
                    }
                }
                Ok(())
            })
            .await
    }

    /// Who holds a lease, each once; also one that has run out, whose holder may be about to renew it.
    pub async fn holders(&self) -> Result<Vec<Holder>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT DISTINCT holder FROM lease WHERE holder <> '' ORDER BY holder";
                let holders = all(c, sql, [], |r| Ok(r.get::<_, String>(0)?))?;
                Ok(holders.iter().filter_map(|text| Holder::parse(text)).collect())
            })
            .await
    }

    /// Gives leases back. Those that are not ours any more are left alone.
    pub async fn release_leases(&self, fences: Vec<Fence>) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                for fence in fences {
                    execute(
                        c,
                        "UPDATE lease SET holder = '', expires_at = 0 WHERE resource = ?1 AND fence = ?2",
                        params![fence.resource, fence.number],
                    )?;
                }
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32) -> Holder {
        Holder { host: "a host".into(), pid, started: 7 }
    }

    #[tokio::test]
    async fn a_story_of_two_processes() {
        let l = Ledger::in_memory().unwrap();
        let resources = || vec![Fence::PLANNER.to_owned()];
        let t = |s: u64| Moment(0) + Duration::from_secs(s);
        let first = l.take_leases(resources(), holder(1), t(0), |_| false).await.unwrap();
        assert_eq!(first.ours.len(), 1);

        // The second finds nothing to own, and hears who does.
        let second = l.take_leases(resources(), holder(2), t(60), |_| false).await.unwrap();
        assert!(second.ours.is_empty());
        assert_eq!((second.held[0].holder.pid, second.held[0].expires_at), (1, t(120)));

        // Renewed, it lasts; run out, it is taken over, and the first one's fence holds no longer.
        let fence = first.ours[Fence::PLANNER].clone();
        l.renew_leases(vec![fence.clone()], t(100)).await.unwrap();
        assert!(l.take_leases(resources(), holder(2), t(200), |_| false).await.unwrap().ours.is_empty());
        let second = l.take_leases(resources(), holder(2), t(221), |_| false).await.unwrap();
        assert_eq!(second.ours.len(), 1);
        assert!(matches!(l.renew_leases(vec![fence.clone()], t(222)).await, Err(LedgerError::Stale(_))));
        let stale = fence.clone();
        assert!(matches!(l.store.run(move |c| stale.check(c)).await, Err(LedgerError::Stale(_))));
        l.release_leases(vec![fence]).await.unwrap(); // harmless

        // A holder that is dead is not waited for; a lease that was given back is free.
        let third = l.take_leases(resources(), holder(3), t(230), |h| h.pid == 2).await.unwrap();
        assert_eq!(third.ours.len(), 1);
        l.release_leases(third.ours.into_values().collect()).await.unwrap();
        assert_eq!(l.take_leases(resources(), holder(4), t(231), |_| false).await.unwrap().ours.len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_sent_on_a_lease_that_was_not_renewed_for_half_of_its_time() {
        let l = Ledger::in_memory().unwrap();
        let taken = l.take_leases(vec!["mailbox:a@x.test".into()], holder(1), Moment(0), |_| false).await.unwrap();
        let fence = taken.ours.into_values().next().unwrap();
        let fresh_at = |real_now| {
            let f = fence.clone();
            l.store.run(move |c| {
                let renewed_at = one(c, concat!("SELECT ", renewed_at!()), params![f.resource, f.number], |r| Ok(r.get(0)?))?;
                f.is_fresh(renewed_at.flatten(), real_now)
            })
        };
        assert!(fresh_at(Moment(60_000)).await.unwrap());
        assert!(!fresh_at(Moment(60_001)).await.unwrap());
        // The clock was set back: how long ago it was renewed cannot be known.
        assert!(!fresh_at(Moment(-60_001)).await.unwrap());
        // After a long sleep it is renewed, because nobody else took it.
        l.renew_leases(vec![fence.clone()], Moment(500_000)).await.unwrap();
        assert!(fresh_at(Moment(500_001)).await.unwrap());
        l.store.run(move |c| fence.check(c)).await.unwrap(); // but what happened may still be written down
    }

    #[tokio::test]
    async fn a_clock_that_is_set_neither_robs_the_living_nor_lets_the_dead_keep_a_lease_for_hours() {
        let l = Ledger::in_memory().unwrap();
        let resources = || vec!["mailbox:a@x.test".to_owned()];
        let t = |s: u64| Moment(0) + Duration::from_secs(s);
        let noon = 12 * 3_600;
        let first = l.take_leases(resources(), holder(1), t(noon), |_| false).await.unwrap();
        let fence = first.ours.into_values().next().unwrap();

        // Three hours forward: it has run out, but its holder may live; not if it is known to be dead, or is the one that asks.
        let run_out = |me, now, dead: u32| l.has_run_out(resources(), holder(me), t(now), move |h| h.pid == dead);
        assert!(!run_out(2, noon + 60, 0).await.unwrap());
        assert!(run_out(2, noon + 3 * 3_600, 0).await.unwrap());
        assert!(!run_out(2, noon + 3 * 3_600, 1).await.unwrap());
        assert!(!run_out(1, noon + 3 * 3_600, 0).await.unwrap());
        assert!(!l.has_run_out(vec![Fence::PLANNER.into()], holder(2), t(noon + 3 * 3_600), |_| false).await.unwrap());
        l.renew_leases(vec![fence.clone()], t(noon + 3 * 3_600 + 5)).await.unwrap();
        assert!(!run_out(2, noon + 3 * 3_600 + 20, 0).await.unwrap());

        // Five hours back: it would last for five hours. It lasts for two minutes from when somebody asks, unless it is renewed.
        let back = noon - 2 * 3_600;
        let asked = l.take_leases(resources(), holder(2), t(back), |_| false).await.unwrap();
        assert_eq!(asked.held[0].expires_at, t(back + 120));
        l.renew_leases(vec![fence.clone()], t(back + 15)).await.unwrap();
        assert!(l.take_leases(resources(), holder(2), t(back + 130), |_| false).await.unwrap().ours.is_empty());
        assert_eq!(l.take_leases(resources(), holder(2), t(back + 135), |_| false).await.unwrap().ours.len(), 1);
        assert!(matches!(l.renew_leases(vec![fence], t(back + 136)).await, Err(LedgerError::Stale(_))));
    }

    #[test]
    fn holders_are_read_back() {
        assert_eq!(Holder::parse(&holder(5).to_string()), Some(holder(5)));
        assert_eq!(Holder::parse(""), None);
    }
}
