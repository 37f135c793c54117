//! `preheat sandbox` as a program: what it prints, that it serves, and that it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A running sandbox; killed where a test fails before it has ended.
pub struct Running(pub Child);

impl Running {
    /// Starts it in `dir` with these arguments.
    pub fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
        command.current_dir(dir).arg("sandbox").args(args).env_remove("PREHEAT_CLOCK").env("NO_COLOR", "1");
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The JSON that it prints when everything is up.
    pub fn facts(&mut self) -> Value {
        let reader = BufReader::new(self.0.stdout.as_mut().unwrap());
        serde_json::Deserializer::from_reader(reader).into_iter().next().expect("it printed nothing").unwrap()
    }

    /// Asks it to end: the exit code, and what it said meanwhile.
    pub fn end(mut self) -> (Option<i32>, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let code = self.0.wait().unwrap().code();
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn greeting(port: &Value) -> String {
    let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port.as_u64().unwrap()).unwrap())).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// One request on a control socket.
pub fn ask(socket: &Path, request: &Value) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    writeln!(stream, "{request}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn it_says_where_everything_is_and_ends_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut sandbox = Running::start(dir.path(), &["--dir", "world", "--json", "--clock", "2026-12-01T06:00:00Z x600"]);
    let facts = sandbox.facts();
    assert_eq!(facts["modelled"], true);
    let users = facts["users"].as_array().unwrap();
    assert_eq!(users.len(), 12);
    let anna = &users[0];
    assert_eq!(
        (&anna["user"], &anna["personality"], &anna["smtp"]["tls"]),
        (&json!("anna@nordwind.test"), &json!("microsoft-like"), &json!("starttls"))
    );
    assert!(greeting(&anna["smtp"]["port"]).starts_with("220 localhost ESMTP preheat sandbox, microsoft-like"));
    let password = fs::read_to_string(dir.path().join(anna["password_file"].as_str().unwrap())).unwrap();
    assert!(password.trim().len() >= 20);
    assert!(facts["clock"].as_str().unwrap().contains(" x600 since "));
    let control = dir.path().join(facts["control"].as_str().unwrap());
    assert_eq!(ask(&control, &json!({ "do": "kick", "user": "anna@nordwind.test" })), json!({ "ok": true }));

    // Its config is found in a folder below, secrets and all.
    let check =
        Command::new(env!("CARGO_BIN_EXE_preheat")).current_dir(dir.path()).args(["-c", "world/preheat.yaml", "check"]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(said.contains("anna@nordwind.test") && !said.contains("reading the secret"), "{said}");

    // A second one in the same folder is told so, and harms nobody.
    let second = Command::new(env!("CARGO_BIN_EXE_preheat")).current_dir(dir.path()).args(["sandbox", "--dir", "world"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("hint: "), "{second:?}");
    assert!(greeting(&anna["smtp"]["port"]).starts_with("220 "));

    let (code, said) = sandbox.end();
    assert_eq!((code, control.exists()), (Some(0), false), "{said}");
    assert!(said.contains("its mail is gone, its folder stays"), "{said}");
}

#[test]
fn a_folder_of_somebody_elses_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "all of it").unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_preheat")).current_dir(dir.path()).args(["sandbox", "--dir", "."]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a sandbox's; nothing was written"), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_rigs_population_is_served_on_request() {
    let dir = tempfile::tempdir().unwrap();
    // Below the ports that the kernel hands out; another test run may have taken one.
    for base in [11_000, 14_300, 17_600, 25_900, 28_200] {
        let mut rig = Running::start(dir.path(), &["--rig", ".", "--port-base", &base.to_string()]);
        for _ in 0..1_200 {
            if dir.path().join("rig.env").exists() || rig.0.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if rig.0.try_wait().unwrap().is_some() {
            continue;
        }
        let facts = fs::read_to_string(dir.path().join("rig.env")).unwrap();
        assert!(facts.contains(&format!("RIG_PORT_BASE={base}\n")) && facts.contains("RIG_KIND=sandbox\n"), "{facts}");
        assert!(dir.path().join("tls/ca.crt").exists());
        assert!(greeting(&json!(base + 1_587)).starts_with("220 localhost ESMTP preheat sandbox, dovecot-like"));
        let dump = ask(&dir.path().join("control.sock"), &json!({ "do": "dump", "users": ["u190@seeds.test"] }));
        assert!(dump["accounts"]["u190@seeds.test"]["folders"]["INBOX"].is_object(), "{dump}");
        assert_eq!(rig.end().0, Some(0));
        return;
    }
    panic!("no port base is free");
}
