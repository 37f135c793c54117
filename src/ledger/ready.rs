//! When domains were ready, each time with the evidence. Rows are never deleted.

use rusqlite::{Connection, Row, params};

use super::rows::{InOrder, all, execute};
use super::{Fence, Ledger, LedgerError, ms};
use crate::words::{Domain, Moment};

/// A time in which a domain was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyRow {
    /// Which domain.
    pub domain: Domain,
    /// When it became ready.
    pub since: Moment,
    /// When it was so no more; `None`: it still is.
    pub until: Option<Moment>,
    /// The evidence of then, as JSON: [`crate::guard::Ready`].
    pub evidence: String,
}

impl Ledger {
    /// The domains that are ready, as it was written down last, by name.
    pub async fn ready_domains(&self) -> Result<Vec<ReadyRow>, LedgerError> {
        self.store
            .ask(|c| all(c, "SELECT domain, since, until, evidence FROM ready WHERE until IS NULL ORDER BY domain", [], read_ready))
            .await
    }

    /// Writes down whether domains are ready: with the evidence where they are, `None` where they are not. One that is ready already keeps its time and its
    /// evidence; one that is ready no more gets its end.
    pub async fn note_ready(&self, planner: Fence, said: Vec<(Domain, Option<String>)>, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                for (domain, evidence) in &said {
                    match evidence {
                        Some(evidence) => begin(c, domain, evidence, now)?,
                        None => end(c, domain, now)?,
                    }
                }
                Ok(())
            })
            .await
    }
}

fn begin(c: &Connection, domain: &Domain, evidence: &str, now: Moment) -> Result<(), LedgerError> {
    let sql = "INSERT INTO ready (domain, since, until, evidence) SELECT ?1, ?2, NULL, ?3
               WHERE NOT EXISTS (SELECT 1 FROM ready WHERE domain = ?1 AND until IS NULL)
               -- It began and ended in this very millisecond.
               ON CONFLICT (domain, since) DO UPDATE SET until = NULL, evidence = ?3";
    execute(c, sql, params![domain.as_str(), ms(now), evidence]).map(drop)
}

fn end(c: &Connection, domain: &Domain, now: Moment) -> Result<(), LedgerError> {
    // A clock that was set back does not end it before it began.
    let sql = "UPDATE ready SET until = max(since, ?2) WHERE domain = ?1 AND until IS NULL";
    execute(c, sql, params![domain.as_str(), ms(now)]).map(drop)
}

fn read_ready(r: &Row<'_>) -> Result<ReadyRow, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(ReadyRow {
        domain: c.word(|t| Domain::parse(t).ok())?,
        since: Moment(c.get()?),
        until: c.get::<Option<i64>>()?.map(Moment),
        evidence: c.get()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Holder;

    #[tokio::test]
    async fn a_time_of_readiness_begins_once_and_ends_once() {
        let l = Ledger::in_memory().unwrap();
        let me = Holder { host: "h".into(), pid: 1, started: 1 };
        let mut taken = l.take_leases(vec![Fence::PLANNER.into()], me, Moment(0), |_| false).await.unwrap();
        let planner = taken.ours.remove(Fence::PLANNER).unwrap();
        let (x, y) = (Domain::parse("x.test").unwrap(), Domain::parse("y.test").unwrap());
        let note = |domain: &Domain, evidence: Option<&str>, at| {
            l.note_ready(planner.clone(), vec![(domain.clone(), evidence.map(str::to_owned))], Moment(at))
        };
        note(&x, None, 5).await.unwrap();
        assert_eq!(l.ready_domains().await.unwrap(), []);
        note(&x, Some("{}"), 10).await.unwrap();
        note(&x, Some("later"), 20).await.unwrap();
        note(&y, Some("{}"), 20).await.unwrap();
        let row = ReadyRow { domain: x.clone(), since: Moment(10), until: None, evidence: "{}".into() };
        assert_eq!(l.ready_domains().await.unwrap()[0], row, "the first evidence stays");
        note(&x, None, 3).await.unwrap(); // the clock was set back
        note(&x, None, 40).await.unwrap();
        assert_eq!(l.ready_domains().await.unwrap().len(), 1);
        note(&x, Some("again"), 10).await.unwrap();
        note(&y, None, 50).await.unwrap();
        let open = l.ready_domains().await.unwrap();
        assert_eq!(open, [ReadyRow { evidence: "again".into(), ..row }], "in the millisecond in which it was ready before");
        let dump = l.dump().await.unwrap();
        assert!(dump.contains("ready|domain=y.test|since=20|until=50|evidence={}\n"), "{dump}");
    }
}
