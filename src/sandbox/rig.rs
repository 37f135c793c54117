//! The population of the test rig, so that the tests that run on Postfix and Dovecot run on the sandbox too.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::doors::{BadPortBase, Door, Service};
use super::{Options, Sandbox, SandboxError};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::words::{Address, Reply};
use crate::world::{Account, AccountSpec, Personality};

/// The domains of the rig, of which each has the same users. Mail to those of the last four is odd; see [`begin`].
pub const DOMAINS: [&str; 8] =
    ["warm-a.test", "warm-b.test", "warm-c.test", "seeds.test", "away.test", "full.test", "grey.test", "late.test"];
/// Users of each: `u01` to `u380`.
pub const USERS: u32 = 380;

/// What a rig is made of.
#[derive(Clone, Debug)]
pub struct RigOptions {
    /// Its state directory.
    pub dir: PathBuf,
    /// Its ports are this plus the usual ones.
    pub port_base: u16,
    /// Everybody's password.
    pub password: String,
    /// The world's draws.
    pub seed: Seed,
    /// The world's time.
    pub clock: Clock,
}

/// Starts the rig's population without a spam filter, opens `control.sock`, and writes `tls/ca.crt` and, last, `rig.env`.
///
/// # Errors
/// [`SandboxError`].
pub async fn start_rig(options: RigOptions) -> Result<Sandbox, SandboxError> {
    let doors = doors(options.port_base)?;
    let RigOptions { dir, port_base, password, seed, clock } = options;
    let known_well = Vec::new();
    let mut sandbox = Sandbox::start(Options { accounts: accounts(&password), known_well, clock, seed, doors, filtered: false }).await?;
    let tls = dir.join("tls");
    fs::create_dir_all(&tls).map_err(|source| SandboxError::File { path: tls.clone(), source })?;
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(|source| SandboxError::File { path, source });
    write(tls.join("ca.crt"), sandbox.ca_pem())?;
    sandbox.open_control(&dir.join("control.sock")).await?;
    // Whoever waits for the rig waits for this file.
    write(dir.join("rig.env"), &facts(&dir, port_base, &password))?;
    Ok(sandbox)
}

/// What is odd about mail to an account of the rig, by its domain, as on Postfix and Dovecot: who is away has a machine answer; who is full has
/// room for nothing; a stranger's first try is put off; what is taken over comes back.
pub(super) fn begin(account: &mut Account) {
    match account.spec.address.domain().as_str() {
        "away.test" => account.away = Some("I am away until Monday. I will write back then.".to_owned()),
        "full.test" => account.quota = Some(1),
        "grey.test" => account.greylists = true,
        "late.test" => account.returns = Some(Reply::new(550, "5.1.1 rig: no such user here")),
        _ => {}
    }
}

fn accounts(password: &str) -> Vec<AccountSpec> {
    let users = DOMAINS.iter().flat_map(|domain| (1..=USERS).map(move |n| format!("u{n:02}@{domain}")));
    let account = |user: String| {
        let address = Address::parse(&user).ok()?;
        let receiver = address.domain().to_string();
        Some(AccountSpec { address, personality: Personality::Dovecot, receiver, user, secret: Some(password.to_owned()) })
    };
    users.filter_map(account).collect()
}

fn doors(base: u16) -> Result<Vec<Door>, SandboxError> {
    let door = |service: Service| {
        let port = base.checked_add(service.usual_port()).ok_or(BadPortBase(base))?;
        Ok(Door { personality: Personality::Dovecot, service, port })
    };
    Service::ALL.iter().map(|s| door(*s)).collect()
}

/// What a client needs to know: the keys of the Postfix and Dovecot rig, and which kind it is. The logs are named, but there are none.
fn facts(dir: &Path, base: u16, password: &str) -> String {
    let mut text = String::new();
    let dir = dir.display();
    for (key, value) in [
        ("RIG_KIND", "sandbox".to_owned()),
        ("RIG_DIR", dir.to_string()),
        ("RIG_HOST", "localhost".to_owned()),
        ("RIG_PORT_BASE", base.to_string()),
        ("RIG_CA", format!("{dir}/tls/ca.crt")),
        ("RIG_DOMAINS", DOMAINS.join(" ")),
        ("RIG_USERS", USERS.to_string()),
        ("RIG_PASSWORD", password.to_owned()),
        ("RIG_OWN_PASSWORDS", String::new()),
        ("RIG_MAIL", format!("{dir}/mail")),
        ("RIG_POSTFIX_LOG", format!("{dir}/log/postfix.log")),
        ("RIG_DELIVERY_LOG", format!("{dir}/log/dovecot-main.log")),
        ("RIG_CONTROL", format!("{dir}/control.sock")),
    ] {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_population_is_the_rigs() {
        let accounts = accounts("warm-secret-1");
        assert_eq!(accounts.len(), 3_040);
        let names = [accounts[0].user.as_str(), accounts[98].user.as_str(), accounts[3_039].user.as_str()];
        assert_eq!(names, ["u01@warm-a.test", "u99@warm-a.test", "u380@late.test"]);
        let script = include_str!("../../tests/rig/mailstack.sh");
        assert!(script.contains(&format!("RIG_DOMAINS:-{}}}", DOMAINS.join(" "))) && script.contains(&format!("RIG_USERS:-{USERS}}}")));
        let ports: Vec<u16> = doors(20_000).unwrap().iter().map(|d| d.port).collect();
        assert_eq!(ports, [20_465, 20_587, 20_993, 20_143, 21_587, 21_143, 22_143, 23_143]);
        assert!(doors(63_000).is_err());
    }

    #[test]
    fn the_facts_have_every_key_of_the_other_rig() {
        let facts = facts(Path::new("/tmp/r"), 20_000, "secret");
        let script = include_str!("../../tests/rig/mailstack.sh");
        let written = script.split("write_facts() {").nth(1).unwrap().split("END\n").nth(1).unwrap();
        for key in written.lines().filter_map(|l| l.split_once('=')).map(|x| x.0) {
            assert!(facts.lines().any(|l| l.starts_with(&format!("{key}="))), "{key}");
        }
        assert!(facts.contains("RIG_KIND=sandbox\n") && facts.contains("RIG_CONTROL=/tmp/r/control.sock\n"));
    }
}
