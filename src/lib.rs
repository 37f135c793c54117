//! preheat warms new sending domains: a planner builds a gradual ramp of daily volume for each mailbox, an executor carries it out
//! between mailboxes that the operator owns, and everything that happens is written down in one SQLite file.
//!
//! This page is the architecture. The modules stand in the order of the data, and import upward only:
//!
//! ```text
//! preheat.yaml, schedules/*.yaml
//!    → words        one file per word of the design; imports nothing of ours
//!    → config       checked types, every error at once, with file:line:col
//!    → chance       one seed for the pool, streams derived from it
//!    → clock        system, scaled, virtual: the only place that knows the time
//!    → ramp         schedule + history of days → today's quota, and the reason in words   ┐
//!    → agenda       quotas → letters: pairs, times, draws                                 │ pure: no async,
//!    → letter       next_state: a letter's life, live and at replay                       │ no clock, no I/O
//!    → compose      letter → RFC 5322 bytes                                               │
//!    → classify     message bytes or a server's reply → what it is                        │
//!    → engage       sighting + draws → actions with due times                             │
//!    → guard        signals and placements → verdict, health, ready                       ┘
//!    → event        what happened → the event stream: its types, JSON and words
//!    → ledger       SQLite: what is true; migrations are numbered .sql files
//!    → credentials  where secrets come from
//!    → mail         the ports (Access, Outbox, Inbox) and their adapters: wire, smtp, imap
//!    → run          the executor: takes a pool through a day; the only place that orders side effects
//!    → report       ledger and plan → model → text, JSON, CSV, SVG
//!    → check        logins, folders, feasibility
//!    → world        a modelled mail world: accounts, servers' habits, a model of spam filters, what comes back
//!    → sandbox      the world served on loopback sockets: real SMTP and IMAP
//!    → rehearsal    the world behind the ports: the same executor in virtual time
//!    → cli          one file a subcommand; one printer
//! ```

pub mod agenda;
pub mod chance;
pub mod check;
pub mod classify;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod credentials;
pub mod engage;
pub mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod guard;
pub mod ledger;
pub mod letter;
pub mod mail;
pub mod ramp;
pub mod rehearsal;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod words;
pub mod world;
