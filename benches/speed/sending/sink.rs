//! Postfix's `smtp-sink`: takes letters and forgets them.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One that runs until it is dropped.
pub struct Sink {
    child: Child,
    pub port: u16,
}

impl Sink {
    /// On a free port of loopback; `None` where it is not installed, or does not answer.
    pub fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        // As root it wants to be told who to be.
        let child = ["/usr/sbin/smtp-sink", "smtp-sink"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "512"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        })?;
        let sink = Self { child, port };
        let answers = (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        answers.then_some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
