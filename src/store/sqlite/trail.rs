//! What happened to cards: calls, activities, invoices, tasks, moves, product rows; one row each,
//! replaced by id.

use std::collections::BTreeSet;

use chrono::DateTime;
use rusqlite::{Connection, Row, params};

use super::records::{from_semantics_code, semantics_code};
use crate::domain::calendar::Instant;
use crate::domain::crm::{
    Activity, ActivityKind, Call, Direction, Directory, Invoice, MoveKind, Mover, Payer, PhoneMark,
    ProductRow, StageMove, Task,
};
use crate::domain::money::Money;
use crate::store::{Membership, Trail};

/// Kinds of row and their tables, for counts.
const KINDS: &[(&str, &str)] = &[
    ("calls", "call"),
    ("activities", "activity"),
    ("invoices", "invoice"),
    ("tasks", "task"),
    ("moves", "move"),
    ("product_rows", "product_row"),
    ("payments", "payment"),
];

pub(super) fn seconds(at: Instant) -> i64 {
    at.timestamp()
}

pub(super) fn instant(seconds: i64) -> Instant {
    // Stored by us; a spoilt one reads as the beginning of time rather than as a panic.
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn direction_code(direction: Direction) -> i64 {
    match direction {
        Direction::Other => 0,
        Direction::Out => 1,
        Direction::In => 2,
        Direction::Back => 3,
    }
}

fn direction(code: i64) -> Direction {
    match code {
        1 => Direction::Out,
        2 => Direction::In,
        3 => Direction::Back,
        _ => Direction::Other,
    }
}

fn kind_code(kind: ActivityKind) -> i64 {
    match kind {
        ActivityKind::Other => 0,
        ActivityKind::Meeting => 1,
        ActivityKind::Call => 2,
        ActivityKind::Task => 3,
        ActivityKind::Email => 4,
    }
}

fn kind(code: i64) -> ActivityKind {
    match code {
        1 => ActivityKind::Meeting,
        2 => ActivityKind::Call,
        3 => ActivityKind::Task,
        4 => ActivityKind::Email,
        _ => ActivityKind::Other,
    }
}

pub(super) fn mover_code(mover: Mover) -> i64 {
    match mover {
        Mover::Lead => 1,
        Mover::Deal => 2,
        Mover::Invoice => 31,
    }
}

fn mover(code: i64) -> Mover {
    match code {
        1 => Mover::Lead,
        2 => Mover::Deal,
        _ => Mover::Invoice,
    }
}

fn move_code(kind: MoveKind) -> i64 {
    match kind {
        MoveKind::Other => 0,
        MoveKind::Created => 1,
        MoveKind::Moved => 2,
        MoveKind::Ended => 3,
        MoveKind::Pipeline => 5,
    }
}

fn move_kind(code: i64) -> MoveKind {
    match code {
        1 => MoveKind::Created,
        2 => MoveKind::Moved,
        3 => MoveKind::Ended,
        5 => MoveKind::Pipeline,
        _ => MoveKind::Other,
    }
}

/// Stores the rows; `symbol` gives the number of a stage's code.
pub(super) fn save<E: From<rusqlite::Error>>(
    connection: &Connection,
    company: i64,
    trail: &Trail,
    mut symbol: impl FnMut(&str) -> Result<u32, E>,
) -> Result<(), E> {
    save_calls(connection, company, &trail.calls)?;
    save_activities(connection, company, &trail.activities)?;
    save_invoices(connection, company, &trail.invoices)?;
    save_tasks(connection, company, &trail.tasks)?;
    let mut add = connection.prepare_cached(
        "INSERT OR REPLACE INTO move VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in &trail.moves {
        let stage = symbol(&row.stage)?;
        add.execute(params![
            company,
            mover_code(row.mover),
            row.id,
            row.owner,
            move_code(row.kind),
            seconds(row.at),
            stage,
            semantics_code(row.semantics),
            row.category,
        ])?;
    }
    save_products(connection, company, trail)?;
    Ok(())
}

fn save_calls(connection: &Connection, company: i64, rows: &[Call]) -> rusqlite::Result<()> {
    let mut add = connection
        .prepare_cached("INSERT OR REPLACE INTO call VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for row in rows {
        add.execute(params![
            company,
            row.id,
            seconds(row.at),
            row.user,
            direction_code(row.direction),
            row.took_place,
            row.seconds,
            row.phone.map(|mark| mark.0),
        ])?;
    }
    Ok(())
}

fn save_activities(
    connection: &Connection,
    company: i64,
    rows: &[Activity],
) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT OR REPLACE INTO activity VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for row in rows {
        add.execute(params![
            company,
            row.id,
            kind_code(row.kind),
            direction_code(row.direction),
            row.completed,
            row.user,
            row.owner_kind,
            row.owner,
            seconds(row.created),
            row.starts.map(seconds),
            row.deadline.map(seconds),
        ])?;
    }
    Ok(())
}

/// The payments of an invoice that is new or other are read again.
fn save_invoices(connection: &Connection, company: i64, rows: &[Invoice]) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO invoice VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (company, id) DO UPDATE SET
             deal = excluded.deal, stage = excluded.stage, semantics = excluded.semantics,
             amount = excluded.amount, currency = excluded.currency, user = excluded.user,
             created = excluded.created, paid = excluded.paid
         WHERE (deal, stage, semantics, amount, currency, user, created, paid) IS NOT
             (excluded.deal, excluded.stage, excluded.semantics, excluded.amount,
              excluded.currency, excluded.user, excluded.created, excluded.paid)",
    )?;
    let mut changed = Vec::new();
    for row in rows {
        let differs = add.execute(params![
            company,
            row.id,
            row.deal,
            row.stage,
            semantics_code(row.semantics),
            row.amount.map(Money::units),
            row.currency,
            row.responsible,
            seconds(row.created),
            row.paid.map(seconds),
        ])?;
        if differs > 0 {
            changed.push(row.id);
        }
    }
    super::payments::changed(connection, company, Payer::Invoice, &changed)
}

fn save_tasks(connection: &Connection, company: i64, rows: &[Task]) -> rusqlite::Result<()> {
    let mut add = connection
        .prepare_cached("INSERT OR REPLACE INTO task VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for row in rows {
        add.execute(params![
            company,
            row.id,
            row.state,
            row.responsible,
            seconds(row.created),
            row.deadline.map(seconds),
            row.closed.map(seconds),
        ])?;
    }
    Ok(())
}

/// Takes out the product rows of deals.
pub(super) fn clear_products(
    connection: &Connection,
    company: i64,
    deals: impl IntoIterator<Item = u64>,
) -> rusqlite::Result<()> {
    let mut clear =
        connection.prepare_cached("DELETE FROM product_row WHERE company = ?1 AND deal = ?2")?;
    for deal in deals {
        clear.execute(params![company, deal])?;
    }
    Ok(())
}

/// A deal's product rows are replaced as a whole: those that were taken out leave no trace.
fn save_products(connection: &Connection, company: i64, trail: &Trail) -> rusqlite::Result<()> {
    let deals: BTreeSet<u64> = trail.product_deals.iter().copied().collect();
    clear_products(connection, company, deals)?;
    let mut add = connection
        .prepare_cached("INSERT OR REPLACE INTO product_row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for ProductRow {
        id,
        deal,
        product,
        price,
        list_price,
        quantity,
    } in &trail.product_rows
    {
        let list_price = list_price.map(Money::units);
        add.execute(params![
            company,
            deal,
            id,
            product,
            price.units(),
            list_price,
            quantity.units(),
        ])?;
    }
    Ok(())
}

/// Reads every row of a table in the order of its key.
fn each<T>(
    connection: &Connection,
    company: i64,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    f: &mut dyn FnMut(T),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([company])?;
    while let Some(row) = rows.next()? {
        f(read(row)?);
    }
    Ok(())
}

pub(super) fn each_call(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(Call),
) -> rusqlite::Result<()> {
    let sql = "SELECT id, at, user, direction, took, seconds, phone FROM call WHERE company = ?1";
    let read = |row: &Row<'_>| {
        Ok(Call {
            id: row.get(0)?,
            at: instant(row.get(1)?),
            user: row.get(2)?,
            direction: direction(row.get(3)?),
            took_place: row.get(4)?,
            seconds: row.get(5)?,
            phone: row.get::<_, Option<[u8; 16]>>(6)?.map(PhoneMark),
        })
    };
    each(connection, company, sql, read, f)
}

pub(super) fn each_activity(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(Activity),
) -> rusqlite::Result<()> {
    let sql = "SELECT id, kind, direction, completed, user, owner_kind, owner, created, starts, \
               deadline FROM activity WHERE company = ?1";
    let read = |row: &Row<'_>| {
        Ok(Activity {
            id: row.get(0)?,
            kind: kind(row.get(1)?),
            direction: direction(row.get(2)?),
            completed: row.get(3)?,
            user: row.get(4)?,
            owner_kind: row.get(5)?,
            owner: row.get(6)?,
            created: instant(row.get(7)?),
            starts: row.get::<_, Option<i64>>(8)?.map(instant),
            deadline: row.get::<_, Option<i64>>(9)?.map(instant),
        })
    };
    each(connection, company, sql, read, f)
}

pub(super) fn each_move(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(StageMove),
) -> rusqlite::Result<()> {
    let sql = "SELECT move.id, owner_kind, owner, kind, at, text, semantics, category FROM move \
               JOIN symbol ON symbol.company = move.company AND symbol.number = move.stage \
               WHERE move.company = ?1";
    let read = |row: &Row<'_>| {
        Ok(StageMove {
            id: row.get(0)?,
            mover: mover(row.get(1)?),
            owner: row.get(2)?,
            kind: move_kind(row.get(3)?),
            at: instant(row.get(4)?),
            stage: row.get(5)?,
            semantics: from_semantics_code(row.get(6)?),
            category: row.get(7)?,
        })
    };
    each(connection, company, sql, read, f)
}

pub(super) fn each_invoice(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(Invoice),
) -> rusqlite::Result<()> {
    let sql = "SELECT id, deal, stage, semantics, amount, currency, user, created, paid \
               FROM invoice WHERE company = ?1 ORDER BY id";
    let read = |row: &Row<'_>| {
        Ok(Invoice {
            id: row.get(0)?,
            deal: row.get(1)?,
            stage: row.get(2)?,
            semantics: from_semantics_code(row.get(3)?),
            amount: row.get::<_, Option<i64>>(4)?.map(Money::from_units),
            currency: row.get(5)?,
            responsible: row.get(6)?,
            created: instant(row.get(7)?),
            paid: row.get::<_, Option<i64>>(8)?.map(instant),
        })
    };
    each(connection, company, sql, read, f)
}

pub(super) fn each_product_row(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(ProductRow),
) -> rusqlite::Result<()> {
    let sql = "SELECT id, deal, product, price, list_price, quantity FROM product_row \
               WHERE company = ?1 ORDER BY deal, id";
    let read = |row: &Row<'_>| {
        Ok(ProductRow {
            id: row.get(0)?,
            deal: row.get(1)?,
            product: row.get(2)?,
            price: Money::from_units(row.get(3)?),
            list_price: row.get::<_, Option<i64>>(4)?.map(Money::from_units),
            quantity: Money::from_units(row.get(5)?),
        })
    };
    each(connection, company, sql, read, f)
}

/// How many rows of each kind are stored.
pub(super) fn counts(
    connection: &Connection,
    company: i64,
) -> rusqlite::Result<Vec<(&'static str, u64)>> {
    let count = |table: &str| {
        connection
            .prepare_cached(&format!("SELECT count(*) FROM {table} WHERE company = ?1"))?
            .query_row([company], |row| row.get(0))
    };
    KINDS
        .iter()
        .map(|(name, table)| Ok((*name, count(table)?)))
        .collect()
}

/// Notes who changed his department since the directory was read last.
pub(super) fn note_memberships(
    connection: &Connection,
    company: i64,
    directory: &Directory,
    at: Instant,
) -> rusqlite::Result<()> {
    let mut latest = connection.prepare_cached(
        "SELECT department FROM membership WHERE company = ?1 AND user = ?2
         ORDER BY since DESC LIMIT 1",
    )?;
    let mut add =
        connection.prepare_cached("INSERT OR REPLACE INTO membership VALUES (?1, ?2, ?3, ?4)")?;
    for user in &directory.users {
        let now = user.departments.first().copied().unwrap_or(0);
        let mut rows = latest.query(params![company, user.id])?;
        let known: Option<u64> = rows.next()?.map(|row| row.get(0)).transpose()?;
        drop(rows);
        let since = match known {
            Some(known) if known == now => continue,
            Some(_) => seconds(at),
            // Whoever is seen for the first time has always been where he is.
            None => 0,
        };
        add.execute(params![company, user.id, since, now])?;
    }
    Ok(())
}

/// Who was where from when on, by user and time.
pub(super) fn memberships(
    connection: &Connection,
    company: i64,
) -> rusqlite::Result<Vec<Membership>> {
    connection
        .prepare_cached(
            "SELECT user, since, department FROM membership WHERE company = ?1
             ORDER BY user, since",
        )?
        .query_map([company], |row| {
            Ok(Membership {
                user: row.get(0)?,
                since: row.get(1)?,
                department: row.get::<_, u64>(2).map(|id| (id > 0).then_some(id))?,
            })
        })?
        .collect()
}
