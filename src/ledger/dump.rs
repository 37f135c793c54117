//! The whole ledger as text, ordered by key: what two runs of one seed must have in common.

use std::fmt::Write;

use rusqlite::types::ValueRef;

use super::rows::all;
use super::{Ledger, LedgerError};

/// Tables with what was decided and what happened. Leases are about processes, not about the pool.
const TABLES: [&str; 12] =
    ["pool", "mailbox", "day", "letter", "step", "folder", "sighting", "refused_mark", "action", "opened", "pause", "suspension"];

impl Ledger {
    /// Every row of every table but `lease` and `trouble`, as `table|column=value|…` lines in the order of their keys.
    pub async fn dump(&self) -> Result<String, LedgerError> {
        self.store
            .run(|c| {
                let mut out = String::new();
                for table in TABLES {
                    // Names come from the constant above; the first columns of every table are its key.
                    let sql = format!("SELECT * FROM {table}");
                    let columns: Vec<String> = c.prepare_cached(&sql)?.column_names().into_iter().map(str::to_owned).collect();
                    let mut lines = all(c, &sql, [], |r| {
                        let mut line = table.to_owned();
                        for (i, column) in columns.iter().enumerate() {
                            let _ = match r.get_ref(i)? {
                                ValueRef::Null => write!(line, "|{column}="),
                                ValueRef::Integer(n) => write!(line, "|{column}={n}"),
                                ValueRef::Real(x) => write!(line, "|{column}={x}"),
                                ValueRef::Text(t) if t.iter().all(|b| b.is_ascii_graphic() && !b"\\'\"".contains(b)) => {
                                    write!(line, "|{column}={}", String::from_utf8_lossy(t))
                                }
                                ValueRef::Text(t) => write!(line, "|{column}={}", String::from_utf8_lossy(t).escape_debug()),
                                ValueRef::Blob(b) => write!(line, "|{column}={} bytes", b.len()),
                            };
                        }
                        Ok(line)
                    })?;
                    lines.sort();
                    for line in lines {
                        out.push_str(&line);
                        out.push('\n');
                    }
                }
                Ok(out)
            })
            .await
    }
}
