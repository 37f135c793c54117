//! The whole ledger as text, ordered by key: what two runs of one seed must have in common.

use std::fmt::Write;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use super::{Ledger, LedgerError};

/// Tables with what was decided and what happened, each with its key. Leases are about processes, not about the pool.
const TABLES: [(&str, &str); 30] = [
    ("pool", "id"),
    ("mailbox", "address"),
    ("day", "mailbox, date"),
    ("letter", "id"),
    ("day_sum", "mailbox, date, provider"),
    ("step", "letter, n"),
    ("moved", "at, letter, event"),
    ("stray", "at, letter"),
    ("folder", "mailbox, name"),
    ("sighting", "mailbox, letter"),
    ("refused_mark", "mailbox, folder, uid_validity, uid"),
    ("action", "letter, kind"),
    ("opened", "letter"),
    ("pause", "scope, since"),
    ("suspension", "mailbox, since"),
    ("signal", "mailbox, message_id"),
    ("signal_recipient", "mailbox, message_id, n"),
    ("suppression", "address, since"),
    ("verdict", "subject, date"),
    ("lifted", "scope"),
    ("checked", "domain"),
    ("ready", "domain, since"),
    ("outside", "mailbox, date, source"),
    ("outside_message", "mailbox, message_id"),
    ("outside_cursor", "mailbox"),
    ("tidy", "mailbox"),
    ("pruned", "id"),
    ("pruned_sum", "mailbox, date, state, detail"),
    ("pruned_signal", "mailbox, date, scope, kind"),
    ("pruned_space", "mailbox"),
];

impl Ledger {
    /// Every row of every table but `lease`, `space` and those of troubles, as `table|column=value|…` lines in the order of their keys.
    pub async fn dump(&self) -> Result<String, LedgerError> {
        self.store
            .run(|c| {
                let mut out = String::new();
                each_line(c, &mut |line| out.push_str(line))?;
                Ok(out)
            })
            .await
    }

    /// The SHA-256 of [`Ledger::dump`], as 64 hex digits, without holding the whole of it.
    pub async fn fingerprint(&self) -> Result<String, LedgerError> {
        self.store
            .run(|c| {
                let mut hash = Sha256::new();
                each_line(c, &mut |line| hash.update(line))?;
                Ok(hash.finalize().iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                }))
            })
            .await
    }
}

/// Gives every line of the dump to `take`, with its line end.
fn each_line(c: &Connection, take: &mut dyn FnMut(&str)) -> Result<(), LedgerError> {
    let mut line = String::new();
    for (table, key) in TABLES {
        // Names come from the constant above.
        let mut statement = c.prepare(&format!("SELECT * FROM {table} ORDER BY {key}"))?;
        let columns: Vec<String> = statement.column_names().into_iter().map(|name| format!("|{name}=")).collect();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            line.clear();
            line.push_str(table);
            write_row(&mut line, row, &columns)?;
            line.push('\n');
            take(&line);
        }
    }
    Ok(())
}

/// Whether a text is what [`str::escape_debug`] would make of it. All bytes are looked at, without a branch for each.
fn stands_for_itself(text: &[u8]) -> bool {
    text.iter().fold(true, |holds, b| holds & matches!(b, b' '..=b'~') & !matches!(b, b'\\' | b'\'' | b'"'))
}

fn write_row(line: &mut String, row: &Row<'_>, columns: &[String]) -> Result<(), LedgerError> {
    for (i, column) in columns.iter().enumerate() {
        line.push_str(column);
        match row.get_ref(i)? {
            ValueRef::Null => {}
            ValueRef::Integer(n) => line.push_str(&n.to_string()),
            ValueRef::Real(x) => line.push_str(&x.to_string()),
            ValueRef::Text(t) => match std::str::from_utf8(t) {
                Ok(text) if stands_for_itself(t) => line.push_str(text),
                _ => line.extend(String::from_utf8_lossy(t).escape_debug()),
            },
            ValueRef::Blob(b) => {
                line.push_str(&b.len().to_string());
                line.push_str(" bytes");
            }
        }
    }
    Ok(())
}
