//! `preheat sandbox`.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use rand::TryRngCore;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::pool::runtime;
use super::printer::Printer;
use super::{CliError, Exit};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::report::indented;
use crate::sandbox::folder::{Practice, PracticeOptions, open_practice, services_of};
use crate::sandbox::rig::{RigOptions, start_rig};
use crate::sandbox::{Sandbox, SandboxError};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The servers listen on this machine only, and end with SIGINT or SIGTERM. What they keep is gone then; the folder stays, and the next sandbox \
in it has the same passwords, key and ports.\n\n\
Where mail lands is decided by a model of spam filters: it is good for practice, and no forecast.\n\n\
Trouble on purpose (a wrong password, a provider that is down, a full mailbox): one JSON line into DIR/control.sock; see docs/sandbox.md."
)]
pub struct Args {
    /// Where preheat.yaml, key, passwords and CA go
    #[arg(long, value_name = "DIR", default_value = "sandbox")]
    dir: PathBuf,
    /// The seed of the world's draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A faster clock: `x60`, or an instant and a factor such as `2026-12-01T06:00:00Z x1200`
    #[arg(long, value_name = "[INSTANT ]xN")]
    clock: Option<String>,
    /// Where its ports begin: at this plus 143, 465, 587, 993, and 1000 and 2000 above
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1024..))]
    port_base: Option<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The test rig's population instead of the practice pool
    #[arg(long, hide = true, value_name = "DIR", requires = "port_base")]
    rig: Option<PathBuf>,
    /// The test rig's password
    #[arg(long, hide = true, env = "RIG_PASSWORD", default_value = "warm-secret-1", hide_env_values = true)]
    rig_password: String,
}

impl From<SandboxError> for CliError {
    fn from(e: SandboxError) -> Self {
        Self::new(format!("error: {e}")).hint(e.hint())
    }
}

pub fn sandbox(args: &Args, printer: Printer) -> Result<Exit, CliError> {
    let clock = clock_of(args.clock.as_deref())?;
    runtime()?.block_on(async {
        let failed = |e: io::Error| CliError::new(format!("error: signals cannot be watched: {e}"));
        // Before anything listens: whoever sees a port may send a signal.
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
        let sandbox = match (&args.rig, args.port_base) {
            (Some(dir), Some(port_base)) => {
                let (password, seed) = (args.rig_password.clone(), Seed(args.seed));
                let rig = start_rig(RigOptions { dir: dir.clone(), port_base, password, seed, clock }).await?;
                printer.say(format_args!("the rig's population is served; its facts are in {}", dir.join("rig.env").display()));
                rig
            }
            _ => practise(args, clock, printer).await?,
        };
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sandbox.stop().await;
        printer.say("the sandbox has ended; its mail is gone, its folder stays");
        Ok(Exit::Done)
    })
}

async fn practise(args: &Args, clock: Clock, printer: Printer) -> Result<Sandbox, CliError> {
    let options = PracticeOptions { dir: args.dir.clone(), clock, seed: Seed(args.seed), port_base: args.port_base };
    let mut random = |bytes: &mut [u8]| rand::rngs::OsRng.try_fill_bytes(bytes).map_err(io::Error::other);
    let practice = open_practice(options, &mut random).await?;
    if args.json {
        printer.json(&facts(&practice));
    } else {
        printer.data(to_text(&practice, printer.width()));
    }
    Ok(practice.sandbox)
}

/// `--clock` (from now on, where it names no instant), else the environment's, else the system's.
fn clock_of(text: Option<&str>) -> Result<Clock, CliError> {
    let Some(text) = text else { return Clock::from_env().map_err(|e| CliError::new(format!("error: {e}"))) };
    let now = Clock::System.now();
    let whole = if text.trim_start().starts_with('x') { format!("{now} {}", text.trim()) } else { text.to_owned() };
    Clock::parse(&whole, now).map_err(|_| {
        CliError::new("error: --clock cannot be read")
            .hint("write a factor from x1 to x100000, such as x60, perhaps behind an instant: \"2026-12-01T06:00:00Z x1200\"")
    })
}

/// The `PREHEAT_CLOCK` with which another process has the same time; `None` for the system's clock.
fn shared_clock(clock: &Clock) -> Option<String> {
    match clock {
        Clock::Scaled { start, origin_real, factor } => {
            let precise = |m: crate::words::Moment| m.utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            Some(format!("{} x{factor} since {}", precise(*start), precise(*origin_real)))
        }
        Clock::System | Clock::Virtual { .. } => None,
    }
}

fn facts(practice: &Practice) -> Value {
    let sandbox = &practice.sandbox;
    let users: Vec<Value> = practice
        .people
        .iter()
        .map(|person| {
            let [smtp, imap] = services_of(person.personality)
                .map(|(service, tls)| json!({ "host": "localhost", "port": sandbox.port(person.personality, service), "tls": tls }));
            json!({
                "address": person.address, "name": person.name, "role": person.role, "personality": person.personality, "user": person.address,
                "password_file": practice.dir.join("secrets").join(person.address.as_str()), "smtp": smtp, "imap": imap,
            })
        })
        .collect();
    json!({
        "modelled": true,
        "dir": practice.dir,
        "config": practice.dir.join("preheat.yaml"),
        "ca_file": practice.dir.join("ca.crt"),
        "control": practice.dir.join("control.sock"),
        "clock": shared_clock(sandbox.clock()),
        "users": users,
    })
}

fn to_text(practice: &Practice, width: usize) -> String {
    let (sandbox, dir) = (&practice.sandbox, practice.dir.display());
    let mut text = String::from("A mail world to practise in: real servers on localhost; where mail lands is modelled.\n\n");
    let longest = practice.people.iter().map(|p| p.address.as_str().len()).max().unwrap_or(0);
    let _ = writeln!(text, "{:longest$}  {:7}  {:14}  {:>14}  {:>14}", "user", "role", "servers", "smtp", "imap");
    for person in &practice.people {
        let [smtp, imap] = services_of(person.personality).map(|(service, tls)| {
            let tls = if tls == "implicit" { "tls" } else { tls };
            format!("{tls} {:>5}", sandbox.port(person.personality, service).unwrap_or(0))
        });
        let (address, role, servers) = (&person.address, person.role, person.personality);
        let _ = writeln!(text, "{address:longest$}  {role:7}  {servers:14}  {smtp:>14}  {imap:>14}");
    }
    let mut say = |line: &str| {
        text.push('\n');
        text.push_str(&indented(line, width, 0, 2));
    };
    say(&format!("Passwords: {dir}/secrets/ADDRESS. The CA to trust: {dir}/ca.crt. Trouble on purpose: {dir}/control.sock."));
    if practice.is_reused && !practice.wrote_config {
        say("The folder is an earlier sandbox's: same passwords, key and ports, and preheat.yaml as you left it. Its mail is gone.");
    } else if practice.is_reused {
        say("The folder is an earlier sandbox's: same passwords and key; preheat.yaml was written anew. Its mail is gone.");
    }
    text.push_str("\nTry, in another terminal:\n");
    if let Some(clock) = shared_clock(sandbox.clock()) {
        let _ = writeln!(text, "  export PREHEAT_CLOCK=\"{clock}\"");
    }
    for command in ["check", "run", "status"] {
        let _ = writeln!(text, "  preheat -c {dir}/preheat.yaml {command}");
    }
    text.push_str("\nIt stays up until Ctrl-C.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Moment;

    #[test]
    fn a_clock_is_shared_by_what_is_printed() {
        let clock = clock_of(Some("2026-12-01T06:00:00Z x1200")).unwrap();
        let line = shared_clock(&clock).unwrap();
        let Clock::Scaled { start, origin_real, factor } = Clock::parse(&line, Moment(0)).unwrap() else { panic!("{line}") };
        let Clock::Scaled { start: first, origin_real: origin, factor: 1_200 } = clock else { panic!("{clock:?}") };
        assert_eq!((start, origin_real, factor), (first, origin, 1_200));
        assert!(
            matches!(clock_of(Some("x60")).unwrap(), Clock::Scaled { start, origin_real, factor: 60 } if start.since(origin_real).is_zero())
        );
        for bad in ["60", "x0", "noon x2", "x2 x3"] {
            assert!(clock_of(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(shared_clock(&Clock::System), None);
    }
}
