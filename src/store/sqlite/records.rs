//! Leads and deals: packed into few integers on the way in, streamed on the way out.
//!
//! Codes (statuses, stages, sources, currencies) become small numbers, which share one integer
//! column, because reading a column costs more than unpacking it. The layout is written down in
//! the migration, whose generated columns undo it.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, Row, params};

use super::{StoreError, failed};
use crate::domain::crm::{Deal, Lead, Semantics};
use crate::domain::fact::{DealRow, LeadRow, Symbols};
use crate::domain::money::Money;
use crate::store::{ENTITY_DEAL, ENTITY_LEAD, PullBatch};

/// Bits of the CRM's id in a record's key; the company's number stands above them.
const ID_BITS: u32 = 40;
/// The greatest id that has room.
const ID_MAX: u64 = (1 << ID_BITS) - 1;
/// Bits of one symbol in `codes`.
const SYMBOL_BITS: u32 = 20;
/// The greatest symbol number; one less than fits, because a source is stored plus one.
const SYMBOL_MAX: u32 = (1 << SYMBOL_BITS) - 2;

/// Why a record cannot be stored.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("{field} {value} is above {max}, the greatest that the store holds")]
    TooLarge {
        field: &'static str,
        value: u64,
        max: u64,
    },
    #[error("more than {SYMBOL_MAX} different statuses, sources and currencies")]
    TooManySymbols,
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Stores the batch's records and rejects.
pub(super) fn save(
    connection: &Connection,
    company: i64,
    batch: &PullBatch,
) -> Result<(), StoreError> {
    let mut writer = Writer::new(connection, company).map_err(failed("preparing to store"))?;
    for lead in &batch.leads {
        let doing = || format!("storing lead {}", lead.id);
        writer.lead(lead).map_err(|e| failed(doing())(e))?;
    }
    for deal in &batch.deals {
        let doing = || format!("storing deal {}", deal.id);
        writer.deal(deal).map_err(|e| failed(doing())(e))?;
    }
    for (entity, record, reason) in &batch.rejects {
        writer
            .reject(entity, record, reason)
            .map_err(failed("storing rejects"))?;
    }
    Ok(())
}

struct Writer<'c> {
    connection: &'c Connection,
    company: i64,
    symbols: HashMap<String, u32>,
    insert_lead: CachedStatement<'c>,
    insert_deal: CachedStatement<'c>,
    /// Absent when the company has no rejects, as is usual.
    forgive: Option<CachedStatement<'c>>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection, company: i64) -> rusqlite::Result<Writer<'c>> {
        let symbols = (0_u32..).zip(symbols(connection, company)?);
        let rejects = count_rejects(connection, company)?;
        let forgive = "DELETE FROM reject WHERE company = ?1 AND entity = ?2 AND record = ?3";
        Ok(Writer {
            connection,
            company,
            symbols: symbols.map(|(number, text)| (text, number)).collect(),
            insert_lead: connection.prepare_cached(
                "INSERT OR REPLACE INTO lead
                 (key, created, closed, codes, amount, responsible, modified)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            insert_deal: connection.prepare_cached(
                "INSERT OR REPLACE INTO deal
                 (key, lead, created, closed, codes, category, amount, responsible, modified)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            forgive: match rejects {
                0 => None,
                _ => Some(connection.prepare_cached(forgive)?),
            },
        })
    }

    fn lead(&mut self, lead: &Lead) -> Result<(), Unfit> {
        let codes = self.codes(lead.semantics, &lead.status, &lead.source, &lead.currency)?;
        self.insert_lead.execute(params![
            key(self.company, lead.id)?,
            lead.created.timestamp(),
            lead.closed.map(|at| at.timestamp()),
            codes,
            lead.amount.map(Money::units),
            integer("responsible", lead.responsible)?,
            lead.modified.timestamp(),
        ])?;
        self.forgive(ENTITY_LEAD, lead.id)
    }

    fn deal(&mut self, deal: &Deal) -> Result<(), Unfit> {
        let codes = self.codes(deal.semantics, &deal.stage, &deal.source, &deal.currency)?;
        self.insert_deal.execute(params![
            key(self.company, deal.id)?,
            deal.lead.map(|id| integer("lead", id)).transpose()?,
            deal.created.timestamp(),
            deal.closed.map(|at| at.timestamp()),
            codes,
            integer("category", deal.category)?,
            deal.amount.map(Money::units),
            integer("responsible", deal.responsible)?,
            deal.modified.timestamp(),
        ])?;
        self.forgive(ENTITY_DEAL, deal.id)
    }

    fn forgive(&mut self, entity: &str, id: u64) -> Result<(), Unfit> {
        if let Some(forgive) = &mut self.forgive {
            forgive.execute(params![self.company, entity, id.to_string()])?;
        }
        Ok(())
    }

    fn reject(&self, entity: &str, record: &str, reason: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO reject VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.company, entity, record, reason])?;
        Ok(())
    }

    fn codes(
        &mut self,
        semantics: Semantics,
        state: &str,
        source: &Option<String>,
        currency: &str,
    ) -> Result<i64, Unfit> {
        let state = self.symbol(state)?;
        let source = source
            .as_deref()
            .map(|code| self.symbol(code))
            .transpose()?;
        let currency = self.symbol(currency)?;
        Ok(Codes {
            semantics,
            state,
            source,
            currency,
        }
        .pack())
    }

    /// The number of a text, given now when it is new.
    fn symbol(&mut self, text: &str) -> Result<u32, Unfit> {
        if let Some(&number) = self.symbols.get(text) {
            return Ok(number);
        }
        let number = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        if number > SYMBOL_MAX {
            return Err(Unfit::TooManySymbols);
        }
        self.connection
            .prepare_cached("INSERT INTO symbol (company, number, text) VALUES (?1, ?2, ?3)")?
            .execute(params![self.company, number, text])?;
        self.symbols.insert(text.to_owned(), number);
        Ok(number)
    }
}

/// What the column `codes` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Codes {
    semantics: Semantics,
    /// Status or stage.
    state: u32,
    source: Option<u32>,
    currency: u32,
}

impl Codes {
    fn pack(self) -> i64 {
        let source = self.source.map_or(0, |number| number + 1);
        i64::from(semantics_code(self.semantics))
            | i64::from(self.state) << 2
            | i64::from(source) << (2 + SYMBOL_BITS)
            | i64::from(self.currency) << (2 + 2 * SYMBOL_BITS)
    }

    fn unpack(codes: i64) -> Codes {
        const MASK: i64 = (1 << SYMBOL_BITS) - 1;
        // Masked to 20 bits, so that it fits.
        let symbol = |shift: u32| ((codes >> shift) & MASK) as u32;
        Codes {
            semantics: match codes & 3 {
                1 => Semantics::Success,
                2 => Semantics::Failure,
                _ => Semantics::InWork,
            },
            state: symbol(2),
            source: symbol(2 + SYMBOL_BITS).checked_sub(1),
            currency: symbol(2 + 2 * SYMBOL_BITS),
        }
    }
}

/// How [`Semantics`] is stored.
pub(super) fn semantics_code(semantics: Semantics) -> u8 {
    match semantics {
        Semantics::InWork => 0,
        Semantics::Success => 1,
        Semantics::Failure => 2,
    }
}

fn key(company: i64, id: u64) -> Result<i64, Unfit> {
    if id > ID_MAX {
        return Err(Unfit::TooLarge {
            field: "id",
            value: id,
            max: ID_MAX,
        });
    }
    Ok(company << ID_BITS | integer("id", id)?)
}

fn integer(field: &'static str, value: u64) -> Result<i64, Unfit> {
    i64::try_from(value).map_err(|_| Unfit::TooLarge {
        field,
        value,
        max: i64::MAX as u64,
    })
}

/// The first and the last key that a company's records may have.
fn key_range(company: i64) -> (i64, i64) {
    let first = company << ID_BITS;
    (first, first | ID_MAX as i64)
}

fn id_of(key: i64) -> u64 {
    key as u64 & ID_MAX
}

pub(super) fn symbols(connection: &Connection, company: i64) -> rusqlite::Result<Symbols> {
    connection
        .prepare_cached("SELECT text FROM symbol WHERE company = ?1 ORDER BY number")?
        .query_map([company], |row| row.get(0))?
        .collect()
}

pub(super) fn each_lead(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(LeadRow),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT key, created, closed, codes, amount, responsible
         FROM lead WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    )?;
    let mut rows = statement.query(key_range(company))?;
    while let Some(row) = rows.next()? {
        f(lead_row(row)?);
    }
    Ok(())
}

fn lead_row(row: &Row<'_>) -> rusqlite::Result<LeadRow> {
    let codes = Codes::unpack(row.get(3)?);
    Ok(LeadRow {
        id: id_of(row.get(0)?),
        created: row.get(1)?,
        closed: row.get(2)?,
        semantics: codes.semantics,
        status: codes.state,
        source: codes.source,
        amount: row.get::<_, Option<i64>>(4)?.map(Money::from_units),
        currency: codes.currency,
        user: row.get::<_, i64>(5)? as u64,
    })
}

pub(super) fn each_deal(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(DealRow),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT key, lead, created, closed, codes, category, amount, responsible
         FROM deal WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    )?;
    let mut rows = statement.query(key_range(company))?;
    while let Some(row) = rows.next()? {
        f(deal_row(row)?);
    }
    Ok(())
}

fn deal_row(row: &Row<'_>) -> rusqlite::Result<DealRow> {
    let codes = Codes::unpack(row.get(4)?);
    Ok(DealRow {
        id: id_of(row.get(0)?),
        lead: row.get::<_, Option<i64>>(1)?.map(|id| id as u64),
        created: row.get(2)?,
        closed: row.get(3)?,
        semantics: codes.semantics,
        category: row.get::<_, i64>(5)? as u64,
        source: codes.source,
        amount: row.get::<_, Option<i64>>(6)?.map(Money::from_units),
        currency: codes.currency,
        user: row.get::<_, i64>(7)? as u64,
    })
}

/// Leads, deals, rejects.
pub(super) fn counts(connection: &Connection, company: i64) -> rusqlite::Result<(u64, u64, u64)> {
    let count = |sql: &str| -> rusqlite::Result<u64> {
        let count: i64 = connection
            .prepare_cached(sql)?
            .query_row(key_range(company), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    };
    Ok((
        count("SELECT count(*) FROM lead WHERE key BETWEEN ?1 AND ?2")?,
        count("SELECT count(*) FROM deal WHERE key BETWEEN ?1 AND ?2")?,
        count_rejects(connection, company)?,
    ))
}

fn count_rejects(connection: &Connection, company: i64) -> rusqlite::Result<u64> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM reject WHERE company = ?1")?
        .query_row([company], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn codes_come_out_as_they_went_in(
            semantics in prop_oneof![
                Just(Semantics::InWork), Just(Semantics::Success), Just(Semantics::Failure)
            ],
            state in 0..=SYMBOL_MAX,
            source in proptest::option::of(0..=SYMBOL_MAX),
            currency in 0..=SYMBOL_MAX,
        ) {
            let codes = Codes { semantics, state, source, currency };
            prop_assert_eq!(Codes::unpack(codes.pack()), codes);
            prop_assert!(codes.pack() >= 0);
        }
    }

    #[test]
    fn keys_of_companies_do_not_meet() {
        let (first, last) = key_range(7);
        assert_eq!(key(7, 0).expect("fits"), first);
        assert_eq!(key(7, ID_MAX).expect("fits"), last);
        assert_eq!(last + 1, key_range(8).0);
        assert!(matches!(key(7, ID_MAX + 1), Err(Unfit::TooLarge { .. })));
    }
}
