//! IDLE (RFC 2177).

use std::io;
use std::time::Duration;

use super::answer::Done;
use super::session::{Next, Session};
use super::wire::{Heard, Wire};
use crate::clock::within;

/// How often an idle session looks whether its server is still there, in real time.
const GLANCE: Duration = Duration::from_secs(1);
/// How many glances an IDLE lasts: half an hour.
const GLANCES: u32 = 1_800;
/// The longest line that can be a DONE.
const LONGEST_LINE: usize = 100;

/// What ended a wait.
enum Woken {
    Bell,
    Said(Heard),
}

impl Session {
    pub async fn idle(&mut self, wire: &mut Wire<'_>) -> io::Result<(Option<Done>, Next)> {
        if !self.offers(|t| t.idle) {
            return Ok((Some(Done::bad("that is not offered here")), Next::Command));
        }
        self.out.line("+ idling");
        let mut glances = 0;
        loop {
            if !self.tell_changes(true) {
                return self.idled_out(wire, "the selected folder is not what it was").await;
            }
            if !self.out.0.is_empty() {
                wire.send(&mut self.out.0).await?;
            }
            let Some(signed_in) = &mut self.signed_in else { return Ok((None, Next::Close)) };
            let woken = within(GLANCE, async {
                tokio::select! {
                    biased;
                    said = wire.line(LONGEST_LINE) => said.map(Woken::Said),
                    rang = signed_in.bell.changed() => Ok(if rang.is_ok() { Woken::Bell } else { Woken::Said(Heard::Gone) }),
                }
            });
            match woken.await {
                Ok(Ok(Woken::Bell)) => signed_in.bell.mark_changed(),
                Ok(Ok(Woken::Said(Heard::Command(line)))) => {
                    let is_done = line.trim_ascii().eq_ignore_ascii_case(b"DONE");
                    return Ok((Some(if is_done { Done::ok("idled") } else { Done::bad("only DONE ends an IDLE") }), Next::Command));
                }
                Ok(Ok(Woken::Said(Heard::Stopped))) => return self.idled_out(wire, "the sandbox stops").await,
                Ok(Ok(Woken::Said(Heard::Over(why)))) => return self.idled_out(wire, why).await,
                Ok(Ok(Woken::Said(_))) => return Ok((None, Next::Close)),
                Ok(Err(e)) => return Err(e),
                Err(_) => glances += 1,
            }
            if glances > GLANCES {
                return self.idled_out(wire, "idle for too long").await;
            }
            // An outage ends open sessions without a word.
            if self.is_cut_off(self.now()) {
                return Ok((None, Next::Close));
            }
        }
    }

    async fn idled_out(&mut self, wire: &mut Wire<'_>, why: &str) -> io::Result<(Option<Done>, Next)> {
        Ok((None, self.bye(wire, why).await?))
    }
}
