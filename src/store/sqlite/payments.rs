//! Payments of deals and invoices, and of which records they were read.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::gone::list;
use super::trail::{instant, seconds};
use crate::domain::crm::{Payer, Payment};
use crate::domain::money::Money;
use crate::store::PaymentReading;

/// The CRM's number of a kind of record, and its column.
fn place(payer: Payer) -> (i64, &'static str) {
    match payer {
        Payer::Deal => (2, "deal"),
        Payer::Invoice => (31, "invoice"),
    }
}

/// Stores what was read: of the records read, what is not among the payments is not there any more.
/// Who was responsible when a payment was first seen stays (D9).
pub(super) fn save(
    connection: &Connection,
    company: i64,
    reading: &PaymentReading,
) -> rusqlite::Result<()> {
    for payer in [Payer::Deal, Payer::Invoice] {
        let own = |all: &[(Payer, u64)]| -> Vec<u64> {
            let own = all.iter().filter(|(of, _)| *of == payer);
            own.map(|(_, id)| *id).collect()
        };
        let read = own(&reading.read);
        detach(connection, company, payer, &read)?;
        let mut add =
            connection.prepare_cached("INSERT OR REPLACE INTO payment_read VALUES (?1, ?2, ?3)")?;
        for id in read.iter().chain(&own(&reading.refused)) {
            add.execute(params![company, place(payer).0, id])?;
        }
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO payment VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (company, id) DO UPDATE SET
             deal = coalesce(excluded.deal, deal), invoice = coalesce(excluded.invoice, invoice),
             paid = excluded.paid, amount = excluded.amount, currency = excluded.currency",
    )?;
    for row in &reading.payments {
        put.execute(params![
            company,
            row.id,
            row.deal,
            row.invoice,
            row.paid.map(seconds),
            row.amount.units(),
            row.currency,
            row.responsible,
        ])?;
    }
    sweep(connection, company)
}

/// Takes payments off records.
fn detach(
    connection: &Connection,
    company: i64,
    payer: Payer,
    ids: &[u64],
) -> rusqlite::Result<()> {
    let (_, column) = place(payer);
    let sql = format!(
        "UPDATE payment SET {column} = NULL
         WHERE company = ?1 AND {column} IN (SELECT value FROM json_each(?2))"
    );
    connection
        .prepare_cached(&sql)?
        .execute(params![company, list(ids)])?;
    Ok(())
}

/// Takes out payments that belong to nothing any more.
fn sweep(connection: &Connection, company: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM payment WHERE company = ?1 AND deal IS NULL AND invoice IS NULL",
        )?
        .execute([company])?;
    Ok(())
}

/// Notes that records have changed, so that their payments are read again.
pub(super) fn changed(
    connection: &Connection,
    company: i64,
    payer: Payer,
    ids: &[u64],
) -> rusqlite::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "DELETE FROM payment_read WHERE company = ?1 AND owner_kind = ?2
             AND owner IN (SELECT value FROM json_each(?3))",
        )?
        .execute(params![company, place(payer).0, list(ids)])?;
    Ok(())
}

/// Records that are gone take their payments along; of a payment that an invoice and its deal have both
/// told of, the other one is asked again.
pub(super) fn follow(
    connection: &Connection,
    company: i64,
    payer: Payer,
    ids: &[u64],
) -> rusqlite::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    changed(connection, company, payer, ids)?;
    let (other, told) = match payer {
        Payer::Deal => (
            Payer::Invoice,
            "SELECT invoice FROM payment WHERE company = ?1 AND deal",
        ),
        Payer::Invoice => (
            Payer::Deal,
            "SELECT deal FROM payment WHERE company = ?1 AND invoice",
        ),
    };
    let sql = format!(
        "DELETE FROM payment_read WHERE company = ?1 AND owner_kind = ?2
         AND owner IN ({told} IN (SELECT value FROM json_each(?3)))"
    );
    connection
        .prepare_cached(&sql)?
        .execute(params![company, place(other).0, list(ids)])?;
    detach(connection, company, payer, ids)?;
    sweep(connection, company)
}

/// The records whose payments were read since they changed.
pub(super) fn read(
    connection: &Connection,
    company: i64,
) -> rusqlite::Result<BTreeSet<(Payer, u64)>> {
    connection
        .prepare_cached("SELECT owner_kind, owner FROM payment_read WHERE company = ?1")?
        .query_map([company], |row| {
            let payer = match row.get::<_, i64>(0)? {
                2 => Payer::Deal,
                _ => Payer::Invoice,
            };
            Ok((payer, row.get(1)?))
        })?
        .collect()
}

/// Calls `f` for each payment, in order of id.
pub(super) fn each(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(Payment),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, deal, invoice, paid, amount, currency, user FROM payment WHERE company = ?1
         ORDER BY id",
    )?;
    let mut rows = statement.query([company])?;
    while let Some(row) = rows.next()? {
        f(Payment {
            id: row.get(0)?,
            deal: row.get(1)?,
            invoice: row.get(2)?,
            paid: row.get::<_, Option<i64>>(3)?.map(instant),
            amount: Money::from_units(row.get(4)?),
            currency: row.get(5)?,
            responsible: row.get(6)?,
        });
    }
    Ok(())
}
