//! What became of plan numbers, and named versions of the plan. Rows are only added, never changed.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ledger::{instant, instant_text, number, number_text, owner, owner_text, unreadable};
use crate::domain::calendar::Instant;
use crate::domain::plan::{CellKey, Cells, ChangeSource, Held, PlanChange};
use crate::store::{LoggedChange, PlanVersion};

/// The columns of a logged change, in the order in which [`change`] reads them.
const CHANGE: &str = "pass, at, person, tbl, row_key, col_key, old_owner, old_value, new_owner, \
                      new_value, source";

/// A source that this program does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown source of a change: {0}")]
struct UnknownSource(String);

pub(super) fn append(
    connection: &Connection,
    company: i64,
    year: i32,
    changes: &[LoggedChange],
) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO plan_change (company, year, pass, at, person, tbl, row_key, col_key,
             old_owner, old_value, new_owner, new_value, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for logged in changes {
        let change = &logged.change;
        add.execute(params![
            company,
            year,
            logged.pass,
            instant_text(logged.at),
            logged.person,
            change.cell.table,
            change.cell.row,
            change.cell.column,
            change.before.map(|held| owner_text(held.owner)),
            change.before.and_then(|held| number_text(held.value)),
            owner_text(change.after.owner),
            number_text(change.after.value),
            change.source.code(),
        ])?;
    }
    Ok(())
}

pub(super) fn newest(
    connection: &Connection,
    company: i64,
    year: i32,
    limit: usize,
) -> rusqlite::Result<Vec<LoggedChange>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(&format!(
            "SELECT {CHANGE} FROM plan_change WHERE company = ?1 AND year = ?2
             ORDER BY id DESC LIMIT ?3"
        ))?
        .query_map(params![company, year, limit], change)?
        .collect()
}

pub(super) fn newest_of(
    connection: &Connection,
    company: i64,
    year: i32,
    cell: &CellKey,
    limit: usize,
) -> rusqlite::Result<Vec<LoggedChange>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let CellKey { table, row, column } = cell;
    connection
        .prepare_cached(&format!(
            "SELECT {CHANGE} FROM plan_change
             WHERE company = ?1 AND year = ?2 AND tbl = ?3 AND row_key = ?4 AND col_key = ?5
             ORDER BY id DESC LIMIT ?6"
        ))?
        .query_map(params![company, year, table, row, column, limit], change)?
        .collect()
}

/// The changes of the newest pass in which somebody decided something, oldest first.
pub(super) fn last_set(
    connection: &Connection,
    company: i64,
    year: i32,
) -> rusqlite::Result<Vec<LoggedChange>> {
    let pass: Option<i64> = connection
        .prepare_cached(
            "SELECT max(pass) FROM plan_change
             WHERE company = ?1 AND year = ?2 AND source <> 'targets'",
        )?
        .query_row(params![company, year], |row| row.get(0))?;
    let Some(pass) = pass else {
        return Ok(Vec::new());
    };
    connection
        .prepare_cached(&format!(
            "SELECT {CHANGE} FROM plan_change
             WHERE company = ?1 AND year = ?2 AND pass = ?3 ORDER BY id"
        ))?
        .query_map(params![company, year, pass], change)?
        .collect()
}

fn change(row: &Row<'_>) -> rusqlite::Result<LoggedChange> {
    let old_owner: Option<String> = row.get(6)?;
    let old_value = number(7, row.get(7)?)?;
    let source: String = row.get(10)?;
    Ok(LoggedChange {
        pass: row.get(0)?,
        at: instant(1, &row.get::<_, String>(1)?)?,
        person: row.get(2)?,
        change: PlanChange {
            cell: cell_key(row, 3)?,
            before: old_owner.map(|text| Held {
                owner: owner(&text),
                value: old_value,
            }),
            after: Held {
                owner: owner(&row.get::<_, String>(8)?),
                value: number(9, row.get(9)?)?,
            },
            source: ChangeSource::of_code(&source)
                .ok_or_else(|| unreadable(10, UnknownSource(source)))?,
        },
    })
}

fn cell_key(row: &Row<'_>, first: usize) -> rusqlite::Result<CellKey> {
    Ok(CellKey {
        table: row.get(first)?,
        row: row.get(first + 1)?,
        column: row.get(first + 2)?,
    })
}

/// Adds a version; `None` when the year has one of that name.
pub(super) fn save_version(
    connection: &Connection,
    company: i64,
    year: i32,
    name: &str,
    made: Instant,
    cells: &Cells<Held>,
) -> rusqlite::Result<Option<u64>> {
    let count = cells.len() as u64;
    let added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO plan_version (company, year, name, made, cells)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![company, year, name, instant_text(made), count])?;
    if added == 0 {
        return Ok(None);
    }
    let id = connection.last_insert_rowid();
    let mut add = connection
        .prepare_cached("INSERT INTO plan_version_cell VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (key, held) in cells {
        add.execute(params![
            id,
            key.table,
            key.row,
            key.column,
            owner_text(held.owner),
            number_text(held.value),
        ])?;
    }
    Ok(Some(id.unsigned_abs()))
}

pub(super) fn versions(
    connection: &Connection,
    company: i64,
) -> rusqlite::Result<Vec<PlanVersion>> {
    connection
        .prepare_cached(
            "SELECT id, year, name, made, cells FROM plan_version WHERE company = ?1
             ORDER BY id DESC",
        )?
        .query_map([company], |row| {
            Ok(PlanVersion {
                id: row.get(0)?,
                year: row.get(1)?,
                name: row.get(2)?,
                made: instant(3, &row.get::<_, String>(3)?)?,
                cells: row.get(4)?,
            })
        })?
        .collect()
}

pub(super) fn version_cells(
    connection: &Connection,
    company: i64,
    version: u64,
    table: Option<&str>,
) -> rusqlite::Result<Cells<Held>> {
    let is_ours = connection
        .prepare_cached("SELECT 1 FROM plan_version WHERE company = ?1 AND id = ?2")?
        .query_row(params![company, version], |_| Ok(()))
        .optional()?;
    if is_ours.is_none() {
        return Ok(Cells::new());
    }
    let read = |row: &Row<'_>| {
        let held = Held {
            owner: owner(&row.get::<_, String>(3)?),
            value: number(4, row.get(4)?)?,
        };
        Ok((cell_key(row, 0)?, held))
    };
    const COLUMNS: &str = "SELECT tbl, row_key, col_key, owner, value FROM plan_version_cell";
    match table {
        Some(table) => connection
            .prepare_cached(&format!("{COLUMNS} WHERE version = ?1 AND tbl = ?2"))?
            .query_map(params![version, table], read)?
            .collect(),
        None => connection
            .prepare_cached(&format!("{COLUMNS} WHERE version = ?1"))?
            .query_map([version], read)?
            .collect(),
    }
}
