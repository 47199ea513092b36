//! What products cost, as it was from when on, and which of them are to be asked for.

use rusqlite::{Connection, params};

use super::trail::seconds;
use crate::domain::crm::ProductCost;
use crate::domain::fact::{Cost, Costs};
use crate::domain::money::Money;
use crate::store::CostReading;

/// Notes prices that differ from the last known ones. A blank at the beginning of a product's history
/// is replaced by the first price that is filled in: that is what blank ones are listed for.
pub(super) fn note(
    connection: &Connection,
    company: i64,
    reading: &CostReading,
) -> rusqlite::Result<()> {
    let mut asked =
        connection.prepare_cached("INSERT OR REPLACE INTO product VALUES (?1, ?2, ?3)")?;
    for id in &reading.asked {
        asked.execute(params![company, id, seconds(reading.at)])?;
    }
    let mut last = connection.prepare_cached(
        "SELECT since, price, currency FROM cost WHERE company = ?1 AND product = ?2
         ORDER BY since DESC LIMIT 1",
    )?;
    let mut add =
        connection.prepare_cached("INSERT OR REPLACE INTO cost VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for ProductCost {
        product,
        price,
        currency,
    } in &reading.found
    {
        let price = price.map(Money::units);
        let mut rows = last.query(params![company, product])?;
        let known: Option<(i64, Option<i64>, String)> = rows
            .next()?
            .map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(2)?)))
            .transpose()?;
        drop(rows);
        let since = match known {
            None | Some((0, None, _)) => 0,
            // Blank is blank in any currency.
            Some((_, None, _)) if price.is_none() => continue,
            Some((_, old, old_currency)) if old == price && old_currency == *currency => continue,
            Some(_) => seconds(reading.at),
        };
        add.execute(params![company, product, since, price, currency])?;
    }
    Ok(())
}

/// All prices.
pub(super) fn all(connection: &Connection, company: i64) -> rusqlite::Result<Costs> {
    let mut read = connection.prepare_cached(
        "SELECT product, since, price, currency FROM cost WHERE company = ?1
         ORDER BY product, since",
    )?;
    let rows = read.query_map([company], |row| {
        let cost = Cost {
            since: row.get(1)?,
            price: row.get::<_, Option<i64>>(2)?.map(Money::from_units),
            currency: row.get(3)?,
        };
        Ok((row.get(0)?, cost))
    })?;
    let rows: Vec<(u64, Cost)> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Costs::of(rows))
}

/// Products that stand in rows of deals and were never asked for, in order.
pub(super) fn unknown(connection: &Connection, company: i64) -> rusqlite::Result<Vec<u64>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT product FROM product_row WHERE company = ?1 AND product IS NOT NULL
             EXCEPT SELECT id FROM product WHERE company = ?1 ORDER BY 1",
        )?
        .query_map([company], |row| row.get(0))?
        .collect()
}

/// The products that were asked for longest ago.
pub(super) fn stale(
    connection: &Connection,
    company: i64,
    limit: usize,
) -> rusqlite::Result<Vec<u64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached("SELECT id FROM product WHERE company = ?1 ORDER BY asked, id LIMIT ?2")?
        .query_map(params![company, limit], |row| row.get(0))?
        .collect()
}
