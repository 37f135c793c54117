//! Words to and from SQL: small readers that name what they could not read.

use rusqlite::Row;

use super::LedgerError;
use crate::words::{Address, LetterId, Moment};

/// Reads a column as a word by `parse`.
pub(super) fn word<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, LedgerError> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| LedgerError::Foreign(format!("{column} = {text}")))
}

/// Reads a word that was taken from a row.
pub(super) fn stored<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, LedgerError> {
    parse(text).ok_or_else(|| LedgerError::Foreign(text.to_owned()))
}

/// The same for a column that may be NULL.
pub(super) fn maybe<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, LedgerError> {
    let text: Option<String> = row.get(column)?;
    text.map(|t| parse(&t).ok_or_else(|| LedgerError::Foreign(format!("{column} = {t}")))).transpose()
}

pub(super) fn address(row: &Row<'_>, column: &str) -> Result<Address, LedgerError> {
    word(row, column, |t| Address::parse(t).ok())
}

pub(super) fn letter_id(row: &Row<'_>, column: &str) -> Result<LetterId, LedgerError> {
    word(row, column, |t| LetterId::parse(t).ok())
}

pub(super) fn moment(row: &Row<'_>, column: &str) -> Result<Moment, LedgerError> {
    Ok(Moment(row.get(column)?))
}

pub(super) fn maybe_moment(row: &Row<'_>, column: &str) -> Result<Option<Moment>, LedgerError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Moment))
}

/// Takes a row's columns one after the other.
pub(super) struct InOrder<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl<'r, 's> InOrder<'r, 's> {
    pub(super) fn of(row: &'r Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(super) fn get<T: rusqlite::types::FromSql>(&mut self) -> Result<T, LedgerError> {
        self.next += 1;
        Ok(self.row.get(self.next - 1)?)
    }

    /// The next column as a word by `parse`.
    pub(super) fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, LedgerError> {
        let place = self.next;
        self.maybe(parse)?.ok_or_else(|| LedgerError::Foreign(format!("column {place} = NULL")))
    }

    /// The same for a column that may be NULL.
    pub(super) fn maybe<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, LedgerError> {
        let place = self.next;
        self.next += 1;
        let foreign = |e| LedgerError::Foreign(format!("column {place}: {e}"));
        let Some(text) = self.row.get_ref(place)?.as_str_or_null().map_err(foreign)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| LedgerError::Foreign(format!("column {place} = {text}")))
    }

    /// The next column as a span in milliseconds.
    pub(super) fn span(&mut self) -> Result<std::time::Duration, LedgerError> {
        Ok(std::time::Duration::from_millis(u64::try_from(self.get::<i64>()?).unwrap_or(0)))
    }
}

/// Runs a cached query and reads every row.
pub(super) fn all<T>(
    c: &rusqlite::Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

/// Runs a cached query and reads its first row, if there is one.
pub(super) fn one<T>(
    c: &rusqlite::Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, LedgerError>,
) -> Result<Option<T>, LedgerError> {
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Runs a cached statement; gives the number of rows that it changed.
pub(super) fn execute(c: &rusqlite::Connection, sql: &str, params: impl rusqlite::Params) -> Result<usize, LedgerError> {
    Ok(c.prepare_cached(sql)?.execute(params)?)
}
