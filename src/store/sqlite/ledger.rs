//! What the engine remembers besides records: cursors, files, plan cells, passes, notes.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use rust_decimal::Decimal;

use crate::domain::calendar::Instant;
use crate::domain::plan::{BaseCell, CellKey, Cells, Owner};
use crate::store::{Binding, PassRecord};

/// Passes kept of each company; older ones are forgotten.
const PASSES_KEPT: i64 = 1000;

pub(super) fn save_cursors(
    connection: &Connection,
    company: i64,
    cursors: &[(String, String)],
) -> rusqlite::Result<()> {
    let mut save =
        connection.prepare_cached("INSERT OR REPLACE INTO cursor VALUES (?1, ?2, ?3)")?;
    for (name, text) in cursors {
        save.execute(params![company, name, text])?;
    }
    Ok(())
}

pub(super) fn cursor(
    connection: &Connection,
    company: i64,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT text FROM cursor WHERE company = ?1 AND name = ?2")?
        .query_row(params![company, name], |row| row.get(0))
        .optional()
}

pub(super) fn bindings(connection: &Connection, company: i64) -> rusqlite::Result<Vec<Binding>> {
    connection
        .prepare_cached(
            "SELECT role, file, template, url FROM binding WHERE company = ?1 ORDER BY role",
        )?
        .query_map([company], |row| {
            Ok(Binding {
                role: row.get(0)?,
                file: row.get(1)?,
                template: row.get(2)?,
                url: row.get(3)?,
            })
        })?
        .collect()
}

pub(super) fn save_binding(
    connection: &Connection,
    company: i64,
    binding: &Binding,
) -> rusqlite::Result<()> {
    let Binding {
        role,
        file,
        template,
        url,
    } = binding;
    connection
        .prepare_cached("INSERT OR REPLACE INTO binding VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![company, role, file, template, url])
        .map(drop)
}

pub(super) fn drop_binding(
    connection: &Connection,
    company: i64,
    role: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM binding WHERE company = ?1 AND role = ?2")?
        .execute(params![company, role])
        .map(drop)
}

pub(super) fn plan_cells(
    connection: &Connection,
    company: i64,
    year: i32,
) -> rusqlite::Result<Cells<BaseCell>> {
    connection
        .prepare_cached(
            "SELECT tbl, row_key, col_key, owner, base, value, pending
             FROM plan_cell WHERE company = ?1 AND year = ?2",
        )?
        .query_map(params![company, year], plan_cell)?
        .collect()
}

fn plan_cell(row: &Row<'_>) -> rusqlite::Result<(CellKey, BaseCell)> {
    let key = CellKey {
        table: row.get(0)?,
        row: row.get(1)?,
        column: row.get(2)?,
    };
    let pending: Option<String> = row.get(6)?;
    let cell = BaseCell {
        owner: owner(&row.get::<_, String>(3)?),
        base: number(4, row.get(4)?)?,
        value: number(5, row.get(5)?)?,
        pending: match pending {
            None => None,
            Some(text) if text.is_empty() => Some(None),
            text => Some(number(6, text)?),
        },
    };
    Ok((key, cell))
}

pub(super) fn owner(text: &str) -> Owner {
    match text {
        "person" => Owner::Person,
        _ => Owner::Daemon,
    }
}

pub(super) fn owner_text(owner: Owner) -> &'static str {
    match owner {
        Owner::Daemon => "daemon",
        Owner::Person => "person",
    }
}

pub(super) fn number_text(number: Option<Decimal>) -> Option<String> {
    number.map(|number| number.to_string())
}

pub(super) fn number(column: usize, text: Option<String>) -> rusqlite::Result<Option<Decimal>> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error: rust_decimal::Error| unreadable(column, error))
}

pub(super) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

pub(super) fn plan_years(connection: &Connection, company: i64) -> rusqlite::Result<Vec<i32>> {
    connection
        .prepare_cached("SELECT DISTINCT year FROM plan_cell WHERE company = ?1 ORDER BY year")?
        .query_map([company], |row| row.get(0))?
        .collect()
}

pub(super) fn save_plan_cells(
    connection: &Connection,
    company: i64,
    year: i32,
    cells: &Cells<BaseCell>,
) -> rusqlite::Result<()> {
    let mut save = connection.prepare_cached(
        "INSERT OR REPLACE INTO plan_cell VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (key, cell) in cells {
        let pending = cell
            .pending
            .map(|blank| number_text(blank).unwrap_or_default());
        save.execute(params![
            company,
            year,
            key.table,
            key.row,
            key.column,
            owner_text(cell.owner),
            number_text(cell.base),
            number_text(cell.value),
            pending,
        ])?;
    }
    Ok(())
}

/// Opens the next pass. One that still runs was left by a dead process, because a store has one
/// process and a company one pass at a time.
pub(super) fn begin_pass(
    connection: &Connection,
    company: i64,
    started: Instant,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "UPDATE pass SET state = 'failed', message = 'cut off: the program ended before it'
             WHERE company = ?1 AND state = 'running'",
        )?
        .execute([company])?;
    let number: i64 = connection
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM pass WHERE company = ?1")?
        .query_row([company], |row| row.get(0))?;
    connection
        .prepare_cached("INSERT INTO pass VALUES (?1, ?2, ?3, NULL, 'running', '', '[]')")?
        .execute(params![company, number, instant_text(started)])?;
    connection
        .prepare_cached("DELETE FROM pass WHERE company = ?1 AND number <= ?2")?
        .execute(params![company, number - PASSES_KEPT])?;
    Ok(number.unsigned_abs())
}

/// Closes a pass; false when there is none of that number.
pub(super) fn end_pass(
    connection: &Connection,
    company: i64,
    pass: &PassRecord,
) -> rusqlite::Result<bool> {
    let counts = serde_json::to_string(&pass.counts)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let changed = connection
        .prepare_cached(
            "UPDATE pass SET started = ?3, ended = ?4, state = ?5, message = ?6, counts = ?7
             WHERE company = ?1 AND number = ?2",
        )?
        .execute(params![
            company,
            pass.number,
            instant_text(pass.started),
            pass.ended.map(instant_text),
            pass.state,
            pass.message,
            counts,
        ])?;
    Ok(changed == 1)
}

pub(super) fn passes(
    connection: &Connection,
    company: i64,
    limit: usize,
) -> rusqlite::Result<Vec<PassRecord>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT number, started, ended, state, message, counts
             FROM pass WHERE company = ?1 ORDER BY number DESC LIMIT ?2",
        )?
        .query_map(params![company, limit], pass)?
        .collect()
}

fn pass(row: &Row<'_>) -> rusqlite::Result<PassRecord> {
    let ended: Option<String> = row.get(2)?;
    let counts: String = row.get(5)?;
    Ok(PassRecord {
        number: row.get(0)?,
        started: instant(1, &row.get::<_, String>(1)?)?,
        ended: ended.map(|text| instant(2, &text)).transpose()?,
        state: row.get(3)?,
        message: row.get(4)?,
        counts: serde_json::from_str(&counts).map_err(|error| unreadable(5, error))?,
    })
}

pub(super) fn instant_text(instant: Instant) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(super) fn instant(column: usize, text: &str) -> rusqlite::Result<Instant> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .map_err(|error| unreadable(column, error))
}

pub(super) fn note(
    connection: &Connection,
    company: i64,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT text FROM note WHERE company = ?1 AND name = ?2")?
        .query_row(params![company, name], |row| row.get(0))
        .optional()
}

pub(super) fn set_note(
    connection: &Connection,
    company: i64,
    name: &str,
    text: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO note VALUES (?1, ?2, ?3)")?
        .execute(params![company, name, text])
        .map(drop)
}
