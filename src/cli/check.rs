//! `preheat check`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::check::{MailboxCheck, check_mailbox, check_pool};
use crate::config::Mailbox;
use crate::credentials::load_keyring;
use crate::ledger::{CheckedRow, SuspensionRow};
use crate::report::{indented, suspended};
use crate::run::whole_pool;
use crate::words::{Address, Domain, Finding, Role, Severity};

/// How many mailboxes are checked at once.
const AT_ONCE: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A mailbox or a domain; the whole pool by default
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Only the config and the pool: no server is asked
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn check(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let chosen = pool.chosen(args.who.as_deref())?;
    // The config's own warnings were said when it was read; only JSON has them again.
    let mut findings = if args.json { pool.config.warnings.clone() } else { Vec::new() };
    findings.extend(check_pool(&pool.config, &whole_pool(&pool.config)));
    findings.push(match load_keyring(&pool.config.key_file) {
        Ok(_) => Finding::note("key", format!("the key of X-Preheat is in {}", pool.config.key_file.display())),
        Err(e) => Finding::error("key", e.to_string()).hint(e.hint()),
    });
    if let Err(e) = pool.library() {
        findings.push(Finding::error("content", e.to_string()));
    }
    findings.extend(runtime()?.block_on(suspended(&pool, &chosen))?);
    let mut spam_unknown = false;
    if !args.offline {
        let mailboxes: Vec<Mailbox> = chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).cloned().collect();
        let checks = runtime()?.block_on(ask_servers(&pool, &mailboxes, printer))?;
        for check in checks {
            spam_unknown |= check.signs_in && !check.spam_folder_known;
            findings.extend(check.findings);
        }
        runtime()?.block_on(remember(&pool, &chosen, &findings))?;
    }
    let worst = findings.iter().filter(|f| !f.what.starts_with("spam folder unknown")).map(|f| f.severity).max();
    show(&findings, args.json, printer);
    Ok(match worst {
        Some(Severity::Error) => Exit::Problems,
        _ if spam_unknown => Exit::SpamFolderUnknown,
        _ => Exit::Done,
    })
}

/// Who gets no letters for a while, of those that are chosen.
async fn suspended(pool: &Pool, chosen: &[Address]) -> Result<Vec<Finding>, CliError> {
    let Some(ledger) = pool.look_into_ledger()? else { return Ok(Vec::new()) };
    let rows = ledger.suspensions(pool.clock.now()).await?;
    let in_words = |row: &SuspensionRow| {
        let what = format!("suspended: nobody writes to it until {}: {}", row.until, suspended::why(row));
        Finding::warning(row.mailbox.to_string(), what).hint(suspended::hint(row))
    };
    Ok(rows.iter().filter(|row| chosen.contains(&row.mailbox)).map(in_words).collect())
}

/// Writes down what was found of each domain whose warming mailboxes were all asked: a pause for refused authentication ends with a clean check.
async fn remember(pool: &Pool, chosen: &[Address], findings: &[Finding]) -> Result<(), CliError> {
    let Some(ledger) = pool.look_into_ledger()? else { return Ok(()) };
    let mut members: BTreeMap<Domain, Vec<&Address>> = BTreeMap::new();
    for mailbox in pool.config.mailboxes.values().filter(|m| m.role == Role::Warming) {
        members.entry(mailbox.address.domain()).or_default().push(&mailbox.address);
    }
    let found = members.into_iter().filter(|(_, members)| members.iter().all(|m| chosen.contains(m))).map(|(domain, members)| {
        let concerns = |f: &&Finding| f.subject == domain.as_str() || members.iter().any(|m| f.subject == m.as_str());
        let count = |severity| findings.iter().filter(concerns).filter(|f| f.severity == severity).count() as u32;
        let row = CheckedRow { at: pool.clock.now(), errors: count(Severity::Error), warnings: count(Severity::Warning) };
        (domain.clone(), row)
    });
    Ok(ledger.note_checked(found.collect()).await?)
}

/// Asks the servers of mailboxes, some at a time. What signs in is let in again, where a refused sign-in had put it out.
async fn ask_servers(pool: &Pool, mailboxes: &[Mailbox], printer: Printer) -> Result<Vec<MailboxCheck>, CliError> {
    let access = Arc::new(pool.access()?);
    let total = mailboxes.len();
    let mut checks = Vec::with_capacity(total);
    let mut running = stream::iter(mailboxes.iter().enumerate())
        .map(|(n, mailbox)| {
            let access = access.clone();
            async move { (n, check_mailbox(access.as_ref(), mailbox).await) }
        })
        .buffer_unordered(AT_ONCE);
    while let Some((n, check)) = running.next().await {
        if printer.is_watched() {
            printer.say(format_args!("checked {} of {total}", checks.len() + 1));
        }
        checks.push((n, check));
    }
    drop(running);
    checks.sort_by_key(|c| c.0);
    if let Some(ledger) = pool.look_into_ledger()? {
        for (n, check) in &checks {
            let Some(mailbox) = mailboxes.get(*n) else { continue };
            let mended = [("smtp", check.signs_in), ("imap", check.signs_in), ("spam_folder", check.spam_folder_known)];
            for (channel, _) in mended.iter().filter(|m| m.1) {
                ledger.clear_trouble(mailbox.address.clone(), channel, pool.clock.now()).await?;
            }
        }
    }
    Ok(checks.into_iter().map(|c| c.1).collect())
}

fn show(findings: &[Finding], as_json: bool, printer: Printer) {
    let count = |s: Severity| findings.iter().filter(|f| f.severity == s).count();
    if as_json {
        printer.json(&json!({ "findings": findings, "errors": count(Severity::Error), "warnings": count(Severity::Warning) }));
        return;
    }
    // What is well about one subject stands on one line; findings about a subject follow one another.
    for about in findings.chunk_by(|a, b| a.subject == b.subject) {
        let well: Vec<&str> = about.iter().filter(|f| f.severity == Severity::Note).map(|f| f.what.as_str()).collect();
        if let (Some(first), false) = (about.first(), well.is_empty()) {
            printer.data(indented(&format!("ok: {}: {}", first.subject, well.join("; ")), printer.width(), 0, 4));
        }
        let ill: Vec<&Finding> = about.iter().filter(|f| f.severity != Severity::Note).collect();
        for (n, finding) in ill.iter().enumerate() {
            // One hint for several findings of a subject stands below the last of them.
            let again = ill.get(n + 1).is_some_and(|next| next.hint == finding.hint);
            let text = if again { Finding { hint: None, ..(*finding).clone() }.to_string() } else { finding.to_string() };
            // What shows lines of a file is set as it is: the carets point into them.
            printer.data(if finding.what.contains('\n') { text } else { indented(&text, printer.width(), 0, 4) });
        }
    }
    let some = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    printer.data(format_args!("\n{}, {}", some(errors, "error"), some(warnings, "warning")));
}
