//! The batcher: one connection, one writer, many waiters.
//!
//! It takes what waits, opens one IMMEDIATE transaction, gives every job a savepoint of its own, and commits once: a commit is a
//! durable wait (WAL, `synchronous=FULL`), and a hundred letters can share it. A job that fails or panics is rolled back to its
//! savepoint and takes nobody with it; a full disk rolls the whole transaction back, and then every waiter gets the error.
//!
//! A job may be patient: a letter's outcome, say, which the next letter's intent follows within a millisecond. It begins no transaction by itself for
//! [`LINGER`], and is written with whatever comes meanwhile and is not patient.
//!
//! So patient jobs announce others. A batch with fewer jobs in a hurry than patient ones waits for more, for half as long as a commit takes at the
//! time: on a disk, more letters share a durable wait; where there is none to share, there is next to no wait.
//!
//! Whoever only asks does not stand in that line: a second connection answers on a thread named `asking`, from what is committed, while the disk
//! writes. Behind the writers, each question would wait for the disk.
//!
//! It runs on a thread named `ledger`, or inline on the caller's own thread for rehearsals and tests with a paused clock: there a
//! second thread would let paused time run away.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::LedgerError;
use crate::clock;

/// How many jobs one transaction takes at most: bounds how long the first of them waits.
const BATCH: usize = 512;
/// How long a patient job waits for company at most, in real time: what a crash meanwhile takes from it must be little.
const LINGER: Duration = Duration::from_millis(10);

type Value = Box<dyn Any + Send>;
type Outcome = Result<Value, LedgerError>;

pub(super) struct Job {
    run: Box<dyn FnOnce(&Connection) -> Outcome + Send>,
    reply: oneshot::Sender<Outcome>,
    is_patient: bool,
}

impl Job {
    fn of<T: Send + 'static>(job: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static) -> (Self, Receipt<T>) {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move |c: &Connection| job(c).map(|v| Box::new(v) as Value));
        (Self { run, reply, is_patient: false }, Receipt { answer, value: std::marker::PhantomData })
    }
}

/// Where the batcher runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a thread named `ledger`: for everything that meets the real world.
    Thread,
    /// On the caller's thread, one job a transaction: for virtual time.
    Inline,
}

/// Where jobs and questions are handed in.
#[derive(Clone)]
pub(super) struct Threads {
    jobs: mpsc::Sender<Job>,
    /// `None`: questions stand in line with the jobs.
    questions: Option<mpsc::Sender<Job>>,
}

/// A handle to the ledger's connections. Cheap to clone; the threads end when the last handle is gone.
#[derive(Clone)]
pub(super) enum Store {
    Threads(Threads),
    Inline(Arc<Mutex<Connection>>),
    /// A database in memory, which nobody else can see: one transaction that is never committed. Nothing is taken back: a job that fails after it
    /// changed something has broken the ledger, and every later one hears it.
    Memory(Arc<Mutex<Connection>>),
}

/// A job that was handed in: await it to learn that it is durable.
pub struct Receipt<T> {
    answer: oneshot::Receiver<Outcome>,
    value: std::marker::PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Receipt<T> {
    /// Whether there is nothing more to wait for.
    pub fn is_here(&self) -> bool {
        !self.answer.is_empty() || self.answer.is_terminated()
    }

    /// Waits until the job's transaction is committed.
    ///
    /// # Errors
    /// What the job or the commit said.
    pub async fn durable(self) -> Result<T, LedgerError> {
        let value = self.answer.await.map_err(|_| LedgerError::Gone)??;
        value.downcast::<T>().map(|v| *v).map_err(|_| LedgerError::Gone)
    }
}

impl Store {
    /// A database in memory.
    pub(super) fn in_memory(connection: Connection) -> Result<Self, LedgerError> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self::Memory(Arc::new(Mutex::new(connection))))
    }

    pub(super) fn start(connection: Connection, place: Place, behaviour: TransactionBehavior) -> Result<Self, LedgerError> {
        match place {
            Place::Inline => Ok(Self::Inline(Arc::new(Mutex::new(connection)))),
            Place::Thread => {
                let jobs = on_a_thread("ledger", move |inbox| serve(connection, behaviour, inbox))?;
                Ok(Self::Threads(Threads { jobs, questions: None }))
            }
        }
    }

    /// The same, and a connection of their own for those who only ask. Inline there is none: nobody waits for the disk in virtual time.
    pub(super) fn with_questions(self, ask: impl FnOnce() -> Result<Connection, LedgerError>) -> Result<Self, LedgerError> {
        let Self::Threads(Threads { jobs, .. }) = self else { return Ok(self) };
        let connection = ask()?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        let questions = Some(on_a_thread("asking", move |inbox| answer(connection, inbox))?);
        Ok(Self::Threads(Threads { jobs, questions }))
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Hands a job in and returns at once. Jobs are carried out in the order in which they were handed in.
    pub(super) fn submit<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static) -> Receipt<T> {
        let (job, receipt) = Job::of(job);
        self.hand_in(job);
        receipt
    }

    /// The same for a job that may wait a moment for company. [`Store::hurry`] ends its patience.
    pub(super) fn submit_patiently<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Receipt<T> {
        let (job, receipt) = Job::of(job);
        self.hand_in(Job { is_patient: true, ..job });
        receipt
    }

    /// What was handed in before is not to wait for a job in a hurry any longer.
    pub(super) fn hurry(&self) {
        if let Self::Threads(_) = self {
            drop(self.submit(|_| Ok(())));
        }
    }

    fn hand_in(&self, job: Job) {
        match self {
            // Where the thread is gone the reply is dropped with the job, and the waiter hears `Gone`.
            Self::Threads(Threads { jobs, .. }) => drop(jobs.send(job)),
            Self::Memory(connection) => {
                let _ = job.reply.send(in_memory(&connection.lock().unwrap_or_else(PoisonError::into_inner), job.run));
            }
            Self::Inline(connection) => alone(&mut connection.lock().unwrap_or_else(PoisonError::into_inner), job),
        }
    }

    /// Hands a job in and waits until it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Memory(connection) => in_memory(&connection.lock().unwrap_or_else(PoisonError::into_inner), job),
            Self::Threads(_) | Self::Inline(_) => self.submit(job).durable().await,
        }
    }

    /// Asks what only reads: everything whose receipt was awaited is in the answer, and what was handed in and not awaited may be. Inline it needs no
    /// transaction: nobody else has the connection meanwhile.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Threads(Threads { questions: Some(questions), .. }) => {
                let (question, receipt) = Job::of(question);
                drop(questions.send(question));
                receipt.durable().await
            }
            Self::Threads(_) => self.run(question).await,
            Self::Memory(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                if connection.is_autocommit() { Err(LedgerError::Gone) } else { question(&connection) }
            }
            Self::Inline(connection) => question(&connection.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// One job in a database in memory. Where it failed halfway, the transaction is ended: a rehearsal must not go on with half a fact.
fn in_memory<T>(connection: &Connection, job: impl FnOnce(&Connection) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
    if connection.is_autocommit() {
        return Err(LedgerError::Gone);
    }
    let before = connection.total_changes();
    let result = catch_unwind(AssertUnwindSafe(|| job(connection))).unwrap_or(Err(LedgerError::Panicked));
    if result.is_err() && connection.total_changes() != before {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

/// One job in a transaction of its own, which needs no savepoint: where the job fails, all of it is taken back.
fn alone(connection: &mut Connection, job: Job) {
    let transaction = match Transaction::new(connection, TransactionBehavior::Immediate) {
        Ok(t) => t,
        Err(e) => return refuse_all(std::iter::once(job.reply), &e.into()),
    };
    let result = catch_unwind(AssertUnwindSafe(|| (job.run)(&transaction))).unwrap_or(Err(LedgerError::Panicked));
    let ended = if result.is_ok() && !transaction.is_autocommit() { transaction.commit() } else { transaction.finish() };
    match ended {
        Ok(()) => drop(job.reply.send(result)),
        Err(e) => refuse_all(std::iter::once(job.reply), &e.into()),
    }
}

/// A thread with an inbox; it ends when nobody can hand anything in any more.
fn on_a_thread(name: &str, work: impl FnOnce(&mpsc::Receiver<Job>) + Send + 'static) -> Result<mpsc::Sender<Job>, LedgerError> {
    let (hand_in, inbox) = mpsc::channel();
    std::thread::Builder::new().name(name.into()).spawn(move || work(&inbox)).map_err(LedgerError::Thread)?;
    Ok(hand_in)
}

/// Each question in a transaction of its own, which sees one state from its first statement to its last.
fn answer(mut connection: Connection, inbox: &mpsc::Receiver<Job>) {
    while let Ok(Job { run, reply, .. }) = inbox.recv() {
        let answer = Transaction::new(&mut connection, TransactionBehavior::Deferred)
            .map_err(LedgerError::from)
            .and_then(|transaction| catch_unwind(AssertUnwindSafe(|| run(&transaction))).unwrap_or(Err(LedgerError::Panicked)));
        drop(reply.send(answer));
    }
}

fn serve(mut connection: Connection, behaviour: TransactionBehavior, inbox: &mpsc::Receiver<Job>) {
    let mut usual_commit = Duration::ZERO;
    while let Ok(first) = inbox.recv() {
        let batch = batch_of(first, inbox, LINGER, company_of(usual_commit));
        let commit = carry_out(&mut connection, behaviour, batch);
        usual_commit = (usual_commit * 7 + commit) / 8;
    }
}

/// How long a batch waits for company. Less than the kernel's timers can tell apart (50 µs on Linux) is not worth the way to sleep and back.
fn company_of(usual_commit: Duration) -> Duration {
    let company = usual_commit / 2;
    if company < Duration::from_micros(50) { Duration::ZERO } else { company }
}

/// The first job and all that wait behind it. Where all of them are patient, it waits for one that is not; where most of them are, for company as long
/// as `company`; never for longer than `linger`.
fn batch_of(first: Job, inbox: &mpsc::Receiver<Job>, linger: Duration, company: Duration) -> Vec<Job> {
    let waited = clock::stopwatch();
    let mut hurried_since = (!first.is_patient).then_some(Duration::ZERO);
    let mut patient = usize::from(first.is_patient);
    let mut batch = vec![first];
    while batch.len() < BATCH {
        let until = match hurried_since {
            None => linger,
            Some(since) if batch.len() < 2 * patient => (since + company).min(linger),
            Some(_) => Duration::ZERO,
        };
        let Some(job) = inbox.try_recv().ok().or_else(|| inbox.recv_timeout(until.checked_sub(waited())?).ok()) else { break };
        if !job.is_patient && hurried_since.is_none() {
            hurried_since = Some(waited());
        }
        patient += usize::from(job.is_patient);
        batch.push(job);
    }
    batch
}

/// One transaction for the whole batch: IMMEDIATE, so that a writer waits at its beginning and nowhere else; DEFERRED for those who only look, so
/// that they never keep a run from writing.
fn carry_out(connection: &mut Connection, behaviour: TransactionBehavior, batch: Vec<Job>) -> Duration {
    let transaction = match Transaction::new(connection, behaviour) {
        Ok(t) => t,
        Err(e) => {
            refuse_all(batch.into_iter().map(|j| j.reply), &e.into());
            return Duration::ZERO;
        }
    };
    let mut done = Vec::with_capacity(batch.len());
    let mut broken = None;
    let mut waiting = batch.into_iter();
    for job in waiting.by_ref() {
        let result = in_savepoint(&transaction, job.run);
        // SQLITE_FULL, an I/O error and the like end the whole transaction, whatever savepoint we were in.
        if transaction.is_autocommit() {
            broken = Some(result.err().unwrap_or(LedgerError::Gone));
            done.push((job.reply, Err(LedgerError::Gone)));
            break;
        }
        done.push((job.reply, result));
    }
    let committing = clock::stopwatch();
    let committed = match broken {
        Some(e) => Err(e),
        None => transaction.commit().map_err(LedgerError::from),
    };
    let commit = committing();
    match committed {
        Ok(()) => done.into_iter().for_each(|(reply, result)| drop(reply.send(result))),
        Err(e) => refuse_all(done.into_iter().map(|(reply, _)| reply).chain(waiting.map(|j| j.reply)), &e),
    }
    commit
}

fn refuse_all(replies: impl Iterator<Item = oneshot::Sender<Outcome>>, e: &LedgerError) {
    let text = e.to_string();
    for reply in replies {
        let _ = reply.send(Err(LedgerError::NotWritten(text.clone())));
    }
}

fn in_savepoint(transaction: &Connection, run: Box<dyn FnOnce(&Connection) -> Outcome + Send>) -> Outcome {
    transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = catch_unwind(AssertUnwindSafe(|| run(transaction))).unwrap_or(Err(LedgerError::Panicked));
    if transaction.is_autocommit() {
        return result;
    }
    if result.is_err() {
        transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE job")?.execute([])?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(place: Place) -> Store {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT").unwrap();
        Store::start(c, place, TransactionBehavior::Immediate).unwrap()
    }
    fn insert(n: i64) -> impl FnOnce(&Connection) -> Result<(), LedgerError> + Send {
        move |c| Ok(c.execute("INSERT INTO t (n) VALUES (?1)", [n]).map(|_| ())?)
    }
    async fn numbers(s: &Store) -> Vec<i64> {
        s.run(|c| Ok(c.prepare("SELECT n FROM t ORDER BY n")?.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)).await.unwrap()
    }

    #[tokio::test]
    async fn a_job_that_fails_or_panics_takes_nobody_with_it() {
        for place in [Place::Inline, Place::Thread] {
            let s = store(place);
            let receipts = [s.submit(insert(1)), s.submit(insert(1)), s.submit(insert(2))];
            let panics: Receipt<()> = s.submit(|c| {
                c.execute("INSERT INTO t (n) VALUES (9)", [])?;
                panic!("a bug in a job")
            });
            let after = s.submit(insert(3));
            let mut results = Vec::new();
            for r in receipts {
                results.push(r.durable().await.is_ok());
            }
            assert_eq!(results, [true, false, true]);
            assert!(matches!(panics.durable().await, Err(LedgerError::Panicked)));
            assert!(after.durable().await.is_ok());
            assert_eq!(numbers(&s).await, [1, 2, 3], "{place:?}");
        }
    }

    #[tokio::test]
    async fn whoever_asks_sees_what_was_awaited_and_does_not_wait_for_the_writers() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let c = Connection::open(dir.path().join("t.db")).unwrap();
            c.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
            c
        };
        let c = open();
        c.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT").unwrap();
        let s = Store::start(c, Place::Thread, TransactionBehavior::Immediate).unwrap().with_questions(|| Ok(open())).unwrap();
        let count = |c: &Connection| Ok(c.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0))?);
        for n in 1..=20 {
            s.run(insert(n)).await.unwrap();
            assert_eq!(s.ask(count).await.unwrap(), n);
        }
        // A writer that is held up, in the middle of its transaction.
        let (go_on, wait) = mpsc::channel::<()>();
        let held = s.submit(move |c| {
            insert(99)(c)?;
            wait.recv().map_err(|_| LedgerError::Gone)
        });
        assert_eq!(s.ask(count).await.unwrap(), 20);
        go_on.send(()).unwrap();
        held.durable().await.unwrap();
        assert_eq!(s.ask(count).await.unwrap(), 21);
        assert!(s.ask(insert(100)).await.is_err(), "a question writes nothing");
        let panics: Result<(), _> = s.ask(|_| panic!("a bug in a question")).await;
        assert!(matches!(panics, Err(LedgerError::Panicked)));
        assert_eq!(s.ask(count).await.unwrap(), 21);
    }

    #[tokio::test]
    async fn a_patient_job_is_written_with_the_next_that_is_not_and_by_itself_where_none_comes() {
        let (hand_in, inbox) = mpsc::channel();
        let job = |is_patient| Job { is_patient, ..Job::of(|_| Ok(())).0 };
        let batch =
            |linger, company| batch_of(inbox.recv().unwrap(), &inbox, linger, company).iter().map(|j| j.is_patient).collect::<Vec<_>>();
        let hand_in_all = |jobs: &[bool]| jobs.iter().for_each(|&is_patient| hand_in.send(job(is_patient)).unwrap());
        hand_in_all(&[true, true, false, true]);
        assert_eq!(batch(LINGER, Duration::ZERO), [true, true, false, true], "all that is there goes together");
        hand_in_all(&[true]);
        assert_eq!(batch(LINGER, Duration::ZERO), [true], "nobody came");

        let hour = Duration::from_hours(1);
        hand_in_all(&[true, false]);
        assert_eq!(batch(hour, hour), [true, false], "nobody else was announced: nobody is waited for");
        hand_in_all(&[true, true, false]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                hand_in.clone().send(job(false)).unwrap();
            });
            assert_eq!(batch(hour, hour), [true, true, false, false], "one was announced, and came later");
        });
        hand_in_all(&[true, true, false]);
        assert_eq!(batch(hour, LINGER), [true, true, false], "one was announced, and never came");
        hand_in_all(&[true, true, false]);
        assert_eq!(batch(LINGER, hour), [true, true, false], "nor then");

        let s = store(Place::Thread);
        s.submit_patiently(insert(1)).durable().await.unwrap();
        let (later, hurried) = (s.submit_patiently(insert(2)), s.submit_patiently(insert(3)));
        s.hurry();
        later.durable().await.unwrap();
        hurried.durable().await.unwrap();
        let outcome = s.submit_patiently(insert(4));
        let intent = s.run(|c| Ok(c.query_row("SELECT count(*) FROM t WHERE n = 4", [], |r| r.get::<_, i64>(0))?)).await.unwrap();
        assert_eq!(intent, 1, "jobs keep their order, patient or not");
        outcome.durable().await.unwrap();
        assert_eq!(numbers(&s).await, [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn when_the_disk_is_full_everybody_in_the_transaction_hears_it_and_later_jobs_work() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch("CREATE TABLE t (x TEXT NOT NULL) STRICT; PRAGMA max_page_count = 40").unwrap();
        let s = Store::start(c, Place::Inline, TransactionBehavior::Immediate).unwrap();
        let big = s.run(|c| Ok(c.execute("INSERT INTO t (x) VALUES (?1)", ["x".repeat(1_000_000)])?)).await;
        assert!(big.unwrap_err().is_disk_full());
        assert_eq!(s.run(|c| Ok(c.execute("INSERT INTO t (x) VALUES ('y')", [])?)).await.unwrap(), 1);
    }
}
