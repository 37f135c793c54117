//! The plain dialogue up to STARTTLS (RFC 3207, RFC 9051 §6.2.1), by hand and byte by byte.
//!
//! Nothing of it is trusted, and nothing of it is kept but the greeting. Reading single bytes leaves whatever stands behind the
//! server's go-ahead in the kernel, where it can be seen: a buffered reader would carry it over into the encrypted session.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::smtp_scan::{SmtpScan, WireReply};
use super::{Deadlines, Fault};
use crate::clock;
use crate::mail::{Step, Trouble};
use crate::words::Reply;

/// Bytes of a line of the IMAP dialogue before TLS.
const IMAP_LINE: usize = 8_192;
/// Untagged lines before an IMAP server answers.
const IMAP_LINES: usize = 100;

/// Takes an SMTP server up to its go-ahead for TLS; gives the greeting as it came.
///
/// # Errors
/// [`Trouble::NoStarttls`], [`Trouble::EarlyData`], refusals and broken connections, with their step.
pub(super) async fn smtp(stream: &mut TcpStream, ehlo: &str, deadlines: &Deadlines) -> Result<Vec<u8>, Fault> {
    let (greeting, raw) = smtp_reply(stream, Step::Greeting, deadlines.greeting).await?;
    greeting.expect(220, Step::Greeting)?;
    send(stream, Step::Ehlo, format!("EHLO {ehlo}\r\n").as_bytes(), deadlines.greeting).await?;
    let (offers, _) = smtp_reply(stream, Step::Ehlo, deadlines.greeting).await?;
    offers.expect(250, Step::Ehlo)?;
    if !offers.lines.iter().skip(1).any(|l| l.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Fault::new(Step::Starttls, Trouble::NoStarttls));
    }
    send(stream, Step::Starttls, b"STARTTLS\r\n", deadlines.command).await?;
    let (go, _) = smtp_reply(stream, Step::Starttls, deadlines.command).await?;
    go.expect(220, Step::Starttls)?;
    nothing_pending(stream)?;
    Ok(raw)
}

async fn smtp_reply(stream: &mut TcpStream, step: Step, limit: Duration) -> Result<(WireReply, Vec<u8>), Fault> {
    let read = async {
        let (mut scan, mut raw) = (SmtpScan::new(), Vec::new());
        loop {
            let byte = stream.read_u8().await.map_err(|e| Fault::io(step, &e))?;
            raw.push(byte);
            scan.byte(byte).map_err(|trip| Fault::new(step, trip.trouble()))?;
            if let Some(reply) = scan.take_reply() {
                return Ok((reply, raw));
            }
        }
    };
    clock::within(limit, read).await.map_err(|_| Fault::new(step, Trouble::TimedOut(limit.as_secs())))?
}

/// Takes an IMAP server up to its go-ahead for TLS; gives a greeting for the session inside TLS: the words of the real one without
/// its response code, because capabilities that were announced in the clear may be anybody's (RFC 9051 §6.2.1).
///
/// # Errors
/// As [`smtp`]; a PREAUTH greeting is refused, for STARTTLS cannot follow it.
pub(super) async fn imap(stream: &mut TcpStream, deadlines: &Deadlines) -> Result<Vec<u8>, Fault> {
    let greeting = imap_line(stream, Step::Greeting, deadlines.greeting).await?;
    let words = imap_greeting(&greeting)?;
    let mut offered = false;
    imap_command(stream, Step::Starttls, "w1", "CAPABILITY", deadlines, |line| {
        let mut tokens = line.split_ascii_whitespace();
        let is_capability = tokens.next() == Some("*") && tokens.next().is_some_and(|t| t.eq_ignore_ascii_case("CAPABILITY"));
        offered |= is_capability && tokens.any(|t| t.eq_ignore_ascii_case("STARTTLS"));
    })
    .await?;
    if !offered {
        return Err(Fault::new(Step::Starttls, Trouble::NoStarttls));
    }
    imap_command(stream, Step::Starttls, "w2", "STARTTLS", deadlines, |_| ()).await?;
    nothing_pending(stream)?;
    Ok(format!("* OK {words}\r\n").into_bytes())
}

fn imap_greeting(line: &str) -> Result<String, Fault> {
    let upper = line.to_ascii_uppercase();
    if let Some(text) = upper.starts_with("* OK").then(|| line.get(4..).unwrap_or_default().trim()) {
        let words = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
            Some((_, words)) => words,
            None => text,
        };
        let words: String = Reply::clean(words).chars().filter(|c| c.is_ascii() && !"[]".contains(*c)).collect();
        return Ok(if words.trim().is_empty() { "ready".to_owned() } else { words.trim().to_owned() });
    }
    let trouble = if upper.starts_with("* PREAUTH") {
        Trouble::Protocol("the server calls the session signed in before TLS began".to_owned())
    } else if upper.starts_with("* BYE") {
        Trouble::Closed(Reply::clean(line.get(5..).unwrap_or_default()))
    } else {
        Trouble::Protocol("the greeting is not IMAP".to_owned())
    };
    Err(Fault::new(Step::Greeting, trouble))
}

/// Sends a command and reads up to its tagged answer, all within the deadline for one command: a server that sends a line now and then must not hold
/// up the sign-in for ever. `untagged` sees each line before that.
async fn imap_command(
    stream: &mut TcpStream,
    step: Step,
    tag: &str,
    command: &str,
    deadlines: &Deadlines,
    untagged: impl FnMut(&str),
) -> Result<(), Fault> {
    let limit = deadlines.command;
    let answered = clock::within(limit, imap_answer(stream, step, tag, command, limit, untagged));
    answered.await.map_err(|_| Fault::new(step, Trouble::TimedOut(limit.as_secs())))?
}

async fn imap_answer(
    stream: &mut TcpStream,
    step: Step,
    tag: &str,
    command: &str,
    limit: Duration,
    mut untagged: impl FnMut(&str),
) -> Result<(), Fault> {
    send(stream, step, format!("{tag} {command}\r\n").as_bytes(), limit).await?;
    for _ in 0..IMAP_LINES {
        let line = imap_line(stream, step, limit).await?;
        let Some(answer) = line.strip_prefix(tag).and_then(|l| l.strip_prefix(' ')) else {
            if line.get(..5).is_some_and(|l| l.eq_ignore_ascii_case("* BYE")) {
                return Err(Fault::new(step, Trouble::Closed(Reply::clean(&line))));
            }
            untagged(&line);
            continue;
        };
        let (status, text) = answer.split_once(' ').unwrap_or((answer, ""));
        return match status.to_ascii_uppercase().as_str() {
            "OK" => Ok(()),
            // Like SMTP's 454 (RFC 3207 §4): TLS is not available just now.
            "NO" => Err(Fault::new(step, Trouble::Refused(Reply::new(Reply::PASSING_NO, &format!("NO {text}"))))),
            "BAD" => Err(Fault::new(step, Trouble::Refused(Reply::new(Reply::BAD, &format!("BAD {text}"))))),
            _ => Err(Fault::new(step, Trouble::Protocol("the answer is not IMAP".to_owned()))),
        };
    }
    Err(Fault::new(step, Trouble::OverLimit(format!("more than {IMAP_LINES} lines before an answer"))))
}

async fn imap_line(stream: &mut TcpStream, step: Step, limit: Duration) -> Result<String, Fault> {
    let read = async {
        let mut line = Vec::new();
        loop {
            match stream.read_u8().await.map_err(|e| Fault::io(step, &e))? {
                b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()),
                byte => line.push(byte),
            }
            if line.len() > IMAP_LINE {
                return Err(Fault::new(step, Trouble::OverLimit(format!("a line of more than {IMAP_LINE} bytes"))));
            }
        }
    };
    clock::within(limit, read).await.map_err(|_| Fault::new(step, Trouble::TimedOut(limit.as_secs())))?
}

async fn send(stream: &mut TcpStream, step: Step, bytes: &[u8], limit: Duration) -> Result<(), Fault> {
    clock::within(limit, stream.write_all(bytes))
        .await
        .map_err(|_| Fault::new(step, Trouble::TimedOut(limit.as_secs())))?
        .map_err(|e| Fault::io(step, &e))
}

/// Refuses what the kernel holds already: a server that said "go ahead" has nothing to say before TLS. What comes later is read by
/// the TLS library, which takes nothing but TLS.
fn nothing_pending(stream: &TcpStream) -> Result<(), Fault> {
    match stream.try_read(&mut [0; 1]) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(e) => Err(Fault::io(Step::Starttls, &e)),
        Ok(0) => Err(Fault::new(Step::Starttls, Trouble::Closed("the connection ended".to_owned()))),
        Ok(_) => Err(Fault::new(Step::Starttls, Trouble::EarlyData)),
    }
}
