//! A letter's bytes: the ledger's facts, the content, and for an answer what was read of its parent.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::context::{Context, Desk};
use crate::clock::within;
use crate::compose::{Composed, Draft, Parent, Party, command_input, compose, compose_with, from_command_output};
use crate::config::Mailbox;
use crate::ledger::{LedgerError, LetterFacts};
use crate::words::Address;

/// How long the user's content program may take, in real time.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// What it may print.
const COMMAND_BYTES: u64 = 256 * 1024;

/// Why a letter has no words.
pub(super) enum Unwritten {
    /// It answers a letter that was never opened: it never will have any.
    ParentNotOpened,
    /// The content failed, in words for people: it may have some later.
    Failed(String),
}

/// Writes a letter.
pub(super) async fn bytes_of(cx: &Context, desk: &Desk, letter: &LetterFacts) -> Result<Result<Composed, Unwritten>, LedgerError> {
    let plan = &letter.plan;
    let parent = match plan.parent {
        None => None,
        Some(id) => match cx.ledger.opened_parent(id).await? {
            None => return Ok(Err(Unwritten::ParentNotOpened)),
            Some(p) => {
                let date = chrono::DateTime::parse_from_rfc3339(&p.date).unwrap_or_default();
                let from = Party { address: plan.recipient.clone(), name: p.from_name };
                Some(Parent { message_id: p.message_id, references: p.references, subject: p.subject, text: p.text, from, date })
            }
        },
    };
    let draft = Draft {
        id: plan.id,
        from: party(&desk.mailbox),
        to: cx.config.mailboxes.get(&plan.recipient).map_or_else(|| nameless(&plan.recipient), party),
        date: cx.clock.now().in_zone(desk.mailbox.zone),
        content: plan.draws.content,
        language: &language(cx, letter),
        parent,
    };
    let written = match &cx.config.content.command {
        None => compose(&draft, &cx.library, &cx.keys).map_err(|e| e.to_string()),
        Some(command) => match run_command(command, &command_input(&draft).to_string())
            .await
            .and_then(|out| from_command_output(&out).map_err(|e| e.to_string()))
        {
            Ok((subject, text)) => compose_with(&draft, &subject, &text, &cx.library, &cx.keys).map_err(|e| e.to_string()),
            Err(e) => Err(e),
        },
    };
    Ok(written.map_err(Unwritten::Failed))
}

fn party(mailbox: &Mailbox) -> Party {
    Party { address: mailbox.address.clone(), name: mailbox.name.clone() }
}

fn nameless(address: &Address) -> Party {
    Party { address: address.clone(), name: None }
}

/// The language of a thread: the first of its starter's that the other one writes too, else its starter's first. The same for all letters of a thread.
fn language(cx: &Context, letter: &LetterFacts) -> String {
    let plan = &letter.plan;
    let (starter, other) = if plan.in_thread % 2 == 1 { (&plan.sender, &plan.recipient) } else { (&plan.recipient, &plan.sender) };
    let languages = |a: &Address| cx.config.mailboxes.get(a).map(|m| m.languages.as_slice()).unwrap_or_default();
    let theirs = languages(other);
    let shared = languages(starter).iter().find(|l| theirs.contains(l)).or_else(|| languages(starter).first());
    shared.cloned().unwrap_or_else(|| "en".into())
}

/// Runs the user's content program: JSON in, JSON out, no shell.
async fn run_command(command: &[String], input: &str) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = command.split_first() else { return Err("`content: command:` is empty".into()) };
    let failed = |what: &str, e: &dyn std::fmt::Display| format!("the content program {program}: {what}: {e}");
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed("could not be started", &e))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut printed = Vec::new();
    let work = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input is free not to: a closed pipe is no error.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        if let Some(stdout) = stdout {
            stdout.take(COMMAND_BYTES + 1).read_to_end(&mut printed).await?;
        }
        child.wait().await
    };
    let status = within(COMMAND_LIMIT, work).await.map_err(|e| failed("took too long", &e))?.map_err(|e| failed("broke off", &e))?;
    if printed.len() as u64 > COMMAND_BYTES {
        return Err(failed("printed too much", &format!("over {COMMAND_BYTES} bytes")));
    }
    if !status.success() {
        return Err(failed("ended", &status));
    }
    Ok(printed)
}
