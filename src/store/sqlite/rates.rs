//! The portal's currency tables, as they were from when on.

use rusqlite::{Connection, params};

use crate::domain::calendar::Instant;
use crate::domain::crm::{Currency, RateTable};
use crate::domain::money::Money;

/// Notes a table that differs from the last one. The first is that of all times before, too; an empty
/// one tells nothing.
pub(super) fn note(
    connection: &Connection,
    company: i64,
    currencies: &[Currency],
    at: Instant,
) -> rusqlite::Result<()> {
    let mut now = currencies.to_vec();
    now.sort_by(|a, b| a.code.cmp(&b.code));
    now.dedup_by(|a, b| a.code == b.code);
    let known = tables(connection, company)?;
    let since = match known.last() {
        Some(last) if last.currencies == now => return Ok(()),
        Some(_) => at.timestamp(),
        None => 0,
    };
    let mut add =
        connection.prepare_cached("INSERT OR REPLACE INTO rate VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for one in now {
        add.execute(params![
            company,
            since,
            one.code,
            one.amount.units(),
            one.count,
            one.base
        ])?;
    }
    Ok(())
}

/// All tables, oldest first, each in the order of its codes.
pub(super) fn tables(connection: &Connection, company: i64) -> rusqlite::Result<Vec<RateTable>> {
    let mut read = connection.prepare_cached(
        "SELECT since, code, amount, count, base FROM rate WHERE company = ?1 ORDER BY since, code",
    )?;
    let rows = read.query_map([company], |row| {
        let currency = Currency {
            code: row.get(1)?,
            amount: Money::from_units(row.get(2)?),
            count: row.get(3)?,
            base: row.get(4)?,
        };
        Ok((row.get::<_, i64>(0)?, currency))
    })?;
    let mut tables: Vec<RateTable> = Vec::new();
    for row in rows {
        let (since, currency) = row?;
        match tables.last_mut() {
            Some(table) if table.since == since => table.currencies.push(currency),
            _ => tables.push(RateTable {
                since,
                currencies: vec![currency],
            }),
        }
    }
    Ok(tables)
}
