//! Rows that are no more in the portal: which ids are stored, and taking them out together with what
//! hangs on them.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::payments;
use super::trail::mover_code;
use crate::domain::crm::{Card, Mover, Payer};
use crate::store::TrailKind;

/// A table and the condition that tells its kind; both are words of ours.
fn place(kind: TrailKind) -> (&'static str, String) {
    match kind {
        TrailKind::Call => ("call", String::new()),
        TrailKind::Activity => ("activity", String::new()),
        TrailKind::Invoice => ("invoice", String::new()),
        TrailKind::Task => ("task", String::new()),
        TrailKind::Move(mover) => ("move", format!(" AND owner_kind = {}", mover_code(mover))),
    }
}

/// The ids of all rows of a kind, in order; those that were set aside among them, because the portal
/// counts them too.
pub(super) fn ids(
    connection: &Connection,
    company: i64,
    kind: TrailKind,
) -> rusqlite::Result<Vec<u64>> {
    let (table, which) = place(kind);
    let sql = format!("SELECT id FROM {table} WHERE company = ?1{which} ORDER BY id");
    let mut stored: Vec<u64> = connection
        .prepare_cached(&sql)?
        .query_map([company], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let rejected: Vec<String> = connection
        .prepare_cached("SELECT record FROM reject WHERE company = ?1 AND entity = ?2")?
        .query_map(params![company, kind.name()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if !rejected.is_empty() {
        stored.extend(rejected.iter().filter_map(|id| id.parse::<u64>().ok()));
        stored.sort_unstable();
        stored.dedup();
    }
    Ok(stored)
}

/// Ids as the text that `json_each` takes.
pub(super) fn list(ids: &[u64]) -> String {
    let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
    format!("[{}]", texts.join(","))
}

/// Takes out rows, and the moves and payments of invoices that are gone.
pub(super) fn remove(
    connection: &Connection,
    company: i64,
    gone: &[(TrailKind, u64)],
) -> rusqlite::Result<()> {
    let mut left: Vec<(TrailKind, u64)> = gone.to_vec();
    while let Some((kind, _)) = left.first().copied() {
        let own = left.iter().filter(|(of, _)| *of == kind);
        let ids: BTreeSet<u64> = own.map(|(_, id)| *id).collect();
        left.retain(|(of, _)| *of != kind);
        let ids: Vec<u64> = ids.into_iter().collect();
        let (table, which) = place(kind);
        let sql = format!(
            "DELETE FROM {table} WHERE company = ?1{which}
             AND id IN (SELECT value FROM json_each(?2))"
        );
        connection
            .prepare_cached(&sql)?
            .execute(params![company, list(&ids)])?;
        connection
            .prepare_cached(
                "DELETE FROM reject WHERE company = ?1 AND entity = ?2
                 AND record IN (SELECT CAST(value AS TEXT) FROM json_each(?3))",
            )?
            .execute(params![company, kind.name(), list(&ids)])?;
        if kind == TrailKind::Invoice {
            moves_of(connection, company, Mover::Invoice, &ids)?;
            payments::follow(connection, company, Payer::Invoice, &ids)?;
        }
    }
    Ok(())
}

fn moves_of(
    connection: &Connection,
    company: i64,
    mover: Mover,
    owners: &[u64],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM move WHERE company = ?1 AND owner_kind = ?2
             AND owner IN (SELECT value FROM json_each(?3))",
        )?
        .execute(params![company, mover_code(mover), list(owners)])?;
    Ok(())
}

/// Takes out what hangs on cards that are gone. The portal deletes it with them; an activity that
/// lives on because it also belongs to somebody else comes back with the night's count.
pub(super) fn follow(
    connection: &Connection,
    company: i64,
    card: Card,
    ids: &[u64],
) -> rusqlite::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let (mover, owner_kind) = match card {
        Card::Lead => (Mover::Lead, 1),
        Card::Deal => (Mover::Deal, 2),
    };
    moves_of(connection, company, mover, ids)?;
    connection
        .prepare_cached(
            "DELETE FROM activity WHERE company = ?1 AND owner_kind = ?2
             AND owner IN (SELECT value FROM json_each(?3))",
        )?
        .execute(params![company, owner_kind, list(ids)])?;
    if card == Card::Deal {
        super::trail::clear_products(connection, company, ids.iter().copied())?;
        payments::follow(connection, company, Payer::Deal, ids)?;
    }
    Ok(())
}
