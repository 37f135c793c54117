//! `preheat inspect`: what messages are.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::printer::Printer;
use super::{CliError, Exit};
use crate::classify::{Incoming, read_message};

/// Most bytes of a file or of standard input that are read: more than mail servers take.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Messages, mbox files, Maildirs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON, one line a message
    #[arg(long)]
    json: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has the same signature")]
/// Reads what is named, and says of each message what it is. A file that cannot be read is told, and the others go on.
pub fn inspect(args: &Args, printer: Printer) -> Result<Exit, CliError> {
    let mut all_read = true;
    for file in &args.files {
        for source in sources(file) {
            match read(&source) {
                Ok(bytes) => say_messages(&source, &bytes, args.json, printer),
                Err(e) => {
                    printer.error(format_args!("error: {} could not be read: {e}", source.display()));
                    all_read = false;
                }
            }
        }
    }
    Ok(if all_read { Exit::Done } else { Exit::Failed })
}

/// The files behind a name: those of a Maildir (`cur`, then `new`), or of a plain folder, in the order of their names; else the name itself.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.as_os_str() == "-" || !path.is_dir() {
        return vec![path.to_owned()];
    }
    let is_maildir = path.join("cur").is_dir() || path.join("new").is_dir();
    let folders = if is_maildir { vec![path.join("cur"), path.join("new")] } else { vec![path.to_owned()] };
    let mut files = Vec::new();
    for folder in folders {
        // A folder that cannot be listed is told as a file that cannot be read.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            if folder == path {
                files.push(folder);
            }
            continue;
        };
        let mut found: Vec<PathBuf> = entries.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.is_file() && is_message(p)).collect();
        found.sort();
        files.append(&mut found);
    }
    files
}

/// In a folder, hidden files and what goes with messages are none.
fn is_message(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    !name.starts_with('.') && !["jsonl", "json", "md", "txt"].iter().any(|e| path.extension().is_some_and(|x| x == *e)) && name != "LICENSE"
}

fn read(source: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if source.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(source)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn say_messages(source: &Path, bytes: &[u8], json: bool, printer: Printer) {
    let file = source.display().to_string();
    let messages = messages(bytes);
    let one = messages.len() == 1;
    for (n, message) in messages.into_iter().enumerate() {
        let name = if one { file.clone() } else { format!("{file}#{}", n + 1) };
        let incoming = read_message(message);
        if json {
            match serde_json::to_string(&incoming.row(&name)) {
                Ok(line) => printer.data(line),
                Err(e) => printer.error(format_args!("the JSON could not be written: {e}")),
            }
        } else {
            printer.data(in_words(&name, &incoming));
        }
    }
}

/// The messages in a file: an mbox has many, parted by lines that begin with "From " after an empty line and end in a year or a time (RFC 4155).
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    if !bytes.starts_with(b"From ") {
        return vec![bytes];
    }
    let mut starts = vec![0];
    let mut line = 0;
    let mut after_empty = false;
    while line < bytes.len() {
        let end = bytes[line..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| line + at + 1);
        if line > 0 && after_empty && is_from_line(&bytes[line..end]) {
            starts.push(line);
        }
        after_empty = bytes[line..end].trim_ascii().is_empty();
        line = end;
    }
    let ends = starts.iter().copied().skip(1).chain([bytes.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &bytes[start..end]).collect()
}

/// "From address Mon Jan  1 00:00:00 2026": a sentence that begins so has no time of day.
fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    rest.split(u8::is_ascii_whitespace).any(|w| w.len() >= 5 && w.contains(&b':') && w[0].is_ascii_digit())
}

fn in_words(name: &str, incoming: &Incoming) -> String {
    let mut text = format!("{name}: {}", incoming.kind);
    if let Some(t) = &incoming.feedback_type {
        let _ = write!(text, " ({t})");
    }
    for r in &incoming.recipients {
        let _ = write!(text, "\n  {}", r.address.as_deref().unwrap_or("(nobody named)"));
        let _ = write!(text, "  {}{}", r.class.coarse(), if r.hard { ", permanent" } else { "" });
        for code in [r.reply.map(|c| c.to_string()), r.status.clone()].into_iter().flatten() {
            let _ = write!(text, "  {code}");
        }
        if !r.diagnostic.is_empty() {
            let _ = write!(text, "\n    {}", r.diagnostic);
        }
    }
    if let Some(id) = incoming.original.message_ids.first() {
        let _ = write!(text, "\n  about <{id}>");
    }
    if let Some(letter) = incoming.original.letter {
        let _ = write!(text, "\n  letter {letter}");
    }
    let _ = write!(text, "\n  because of {}", incoming.evidence);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_has_many_messages_and_a_sentence_begins_none() {
        let mbox = b"From a@x.test Mon Jan  1 00:00:00 2026\nSubject: 1\n\nx\n\nFrom now on, we write.\n\nFrom b@x.test Mon Jan  1 00:00:01 2026\nSubject: 2\n\ny\n";
        let found = messages(mbox);
        assert_eq!(found.len(), 2);
        assert!(found[0].ends_with(b"we write.\n\n") && found[1].starts_with(b"From b@"));
        assert_eq!(messages(b"Subject: x\n\nFrom a Mon 00:00\n").len(), 1);
        assert_eq!(messages(b"").len(), 1);
    }
}
