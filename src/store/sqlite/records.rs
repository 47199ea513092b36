//! Leads and deals: packed into blocks of fixed width on the way in, streamed on the way out.
//!
//! Facts are computed from all records at each pass, so reading them all is what must be fast, and
//! most of what a row costs in SQLite is the row. A block holds neighbours by id and fills about
//! one page (the migration says why). Within a record every number is little-endian:
//!
//! | bytes | lead | deal |
//! |---|---|---|
//! | 1 | place in the block | place in the block |
//! | 8 | created, Unix seconds | created |
//! | 8 | closed | closed |
//! | 8 | modified | modified |
//! | 8 | codes | codes |
//! | 8 | amount, 1/10 000 | amount |
//! | 8 | responsible | responsible |
//! | 8 | | lead |
//! | 4 | | pipeline |
//! | 8 | responsible at first | responsible at first |
//!
//! Who was responsible when (D9) cannot be asked of the portal, so it is what the store has seen: who
//! was responsible at first never changes, and who was when a record was closed does not change as
//! long as it stays closed as it was. What is absent is [`NONE`]. Codes are four small numbers in one: see [`Codes`].

use std::collections::{BTreeMap, HashMap};

use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{StoreError, failed};
use crate::domain::crm::{Card, Deal, Lead, Payer, Semantics};
use crate::domain::fact::{DealRow, LeadRow, Symbols};
use crate::domain::money::Money;
use crate::store::{ENTITY_DEAL, ENTITY_LEAD, PullBatch, Saved};

/// Bits of a block's number in its key; the company's number stands above them.
const BLOCK_BITS: u32 = 40;
/// The greatest id that is stored.
const ID_MAX: u64 = (1 << BLOCK_BITS) - 1;
/// Stands for an absent number.
const NONE: i64 = i64::MIN;

/// A kind of record: its table and the shape of its blocks.
struct Kind<const WIDTH: usize> {
    table: &'static str,
    /// Ids that share a block; they fill a page of 8192 bytes, and a place fits into a byte.
    per_block: u64,
}

const LEADS: Kind<57> = Kind {
    table: "lead",
    per_block: 140,
};
const DEALS: Kind<69> = Kind {
    table: "deal",
    per_block: 116,
};

// A leaf page of 8192 bytes holds one row of up to 8157 bytes; a longer one takes a second page.
const _: () = assert!(57 * LEADS.per_block <= 8100 && LEADS.per_block <= 256);
const _: () = assert!(69 * DEALS.per_block <= 8100 && DEALS.per_block <= 256);

/// Records to be stored: by block, then by place in it.
type Blocks<const WIDTH: usize> = BTreeMap<u64, BTreeMap<u8, [u8; WIDTH]>>;
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
    #[error("{0} is {NONE}, which stands for an absent one")]
    Reserved(&'static str),
    #[error("more than {SYMBOL_MAX} different statuses, sources and currencies")]
    TooManySymbols,
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Stores the batch's cards and rejects, takes out those that are gone, and says how many cards
/// differ from what was there.
pub(super) fn save(
    connection: &Connection,
    company: i64,
    batch: &PullBatch,
) -> Result<Saved, StoreError> {
    let mut writer = Writer::new(connection, company).map_err(failed("preparing to store"))?;
    let mut leads = Blocks::new();
    for lead in &batch.leads {
        let place = |error| failed(format!("storing lead {}", lead.id))(error);
        let record = writer.lead(lead).map_err(place)?;
        LEADS.put(&mut leads, lead.id, record).map_err(place)?;
    }
    let mut deals = Blocks::new();
    for deal in &batch.deals {
        let place = |error| failed(format!("storing deal {}", deal.id))(error);
        let record = writer.deal(deal).map_err(place)?;
        DEALS.put(&mut deals, deal.id, record).map_err(place)?;
    }
    let leads = LEADS
        .save(connection, company, leads)
        .map_err(failed("storing leads"))?;
    let deals = DEALS
        .save(connection, company, deals)
        .map_err(failed("storing deals"))?;
    super::payments::changed(connection, company, Payer::Deal, &deals)
        .map_err(failed("noting deals that changed"))?;
    let mut changed = (leads.len() + deals.len()) as u64;
    for (card, doing) in [
        (Card::Lead, "taking out leads"),
        (Card::Deal, "taking out deals"),
    ] {
        let gone = batch.gone.iter().filter(|(of, _)| *of == card);
        let ids: Vec<u64> = gone.map(|(_, id)| *id).collect();
        changed += match card {
            Card::Lead => LEADS.remove(connection, company, &ids),
            Card::Deal => DEALS.remove(connection, company, &ids),
        }
        .map_err(failed(doing))?;
        for id in &ids {
            writer
                .forgive(entity_of(card), *id)
                .map_err(failed(doing))?;
        }
    }
    super::trail::save(connection, company, &batch.trail, |code| {
        writer.symbol(code)
    })
    .map_err(failed("storing what happened to cards"))?;
    for card in [Card::Lead, Card::Deal] {
        let gone = batch.gone.iter().filter(|(of, _)| *of == card);
        let ids: Vec<u64> = gone.map(|(_, id)| *id).collect();
        super::gone::follow(connection, company, card, &ids)
            .map_err(failed("taking out what hung on cards"))?;
    }
    super::gone::remove(connection, company, &batch.trail.gone)
        .map_err(failed("taking out what happened to cards"))?;
    for (entity, record, reason) in &batch.rejects {
        writer
            .reject(entity, record, reason)
            .map_err(failed("storing rejects"))?;
    }
    Ok(Saved { changed, deals })
}

fn entity_of(card: Card) -> &'static str {
    match card {
        Card::Lead => ENTITY_LEAD,
        Card::Deal => ENTITY_DEAL,
    }
}

impl<const WIDTH: usize> Kind<WIDTH> {
    /// Puts a record at its place; a later one of the same id replaces it.
    fn put(
        &self,
        blocks: &mut Blocks<WIDTH>,
        id: u64,
        mut record: [u8; WIDTH],
    ) -> Result<(), Unfit> {
        check_max("id", id, ID_MAX)?;
        // Less than `per_block`, which is below 256.
        let place = (id % self.per_block) as u8;
        record[0] = place;
        blocks
            .entry(id / self.per_block)
            .or_default()
            .insert(place, record);
        Ok(())
    }

    /// Merges the blocks into those that are there; says which records differ.
    fn save(
        &self,
        connection: &Connection,
        company: i64,
        blocks: Blocks<WIDTH>,
    ) -> rusqlite::Result<Vec<u64>> {
        let mut differing = Vec::new();
        let table = self.table;
        let mut read =
            connection.prepare_cached(&format!("SELECT records FROM {table} WHERE key = ?1"))?;
        let mut write = connection
            .prepare_cached(&format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2)"))?;
        for (block, changed) in blocks {
            // Ids were checked, so that block numbers fit.
            let key = company << BLOCK_BITS | block as i64;
            let stored: Option<Vec<u8>> = read.query_row([key], |row| row.get(0)).optional()?;
            let mut merged = BTreeMap::new();
            for record in records(stored.as_deref().unwrap_or_default())? {
                merged.insert(record[0], *record);
            }
            let before = differing.len();
            for (place, mut record) in changed {
                let old = merged.get(&place);
                if let Some(old) = old {
                    keep_responsible(old, &mut record);
                }
                if old != Some(&record) {
                    differing.push(block * self.per_block + u64::from(place));
                }
                merged.insert(place, record);
            }
            if differing.len() > before {
                let bytes: Vec<u8> = merged.into_values().flatten().collect();
                write.execute(params![key, bytes])?;
            }
        }
        Ok(differing)
    }

    /// Takes records out; says how many were there.
    fn remove(&self, connection: &Connection, company: i64, ids: &[u64]) -> rusqlite::Result<u64> {
        let mut blocks: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for id in ids.iter().filter(|id| **id <= ID_MAX) {
            let places = blocks.entry(id / self.per_block).or_default();
            places.push((id % self.per_block) as u8);
        }
        let (table, mut removed) = (self.table, 0);
        let mut read =
            connection.prepare_cached(&format!("SELECT records FROM {table} WHERE key = ?1"))?;
        let mut write = connection
            .prepare_cached(&format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2)"))?;
        let mut delete =
            connection.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?;
        for (block, places) in blocks {
            let key = company << BLOCK_BITS | block as i64;
            let stored: Option<Vec<u8>> = read.query_row([key], |row| row.get(0)).optional()?;
            let Some(stored) = stored else { continue };
            let all = records::<WIDTH>(&stored)?;
            let kept: Vec<u8> = all
                .iter()
                .filter(|record| !places.contains(&record[0]))
                .flatten()
                .copied()
                .collect();
            removed += (all.len() - kept.len() / WIDTH) as u64;
            match kept.is_empty() {
                true => delete.execute([key])?,
                false => write.execute(params![key, kept])?,
            };
        }
        Ok(removed)
    }

    /// The ids from `first` to `last`, both included, in order.
    fn ids(
        &self,
        connection: &Connection,
        company: i64,
        first: u64,
        last: u64,
    ) -> rusqlite::Result<Vec<u64>> {
        let base = key_range(company).0;
        let block = |id: u64| base | (id.min(ID_MAX) / self.per_block) as i64;
        let mut statement = connection.prepare_cached(&format!(
            "SELECT key, records FROM {} WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
            self.table
        ))?;
        let mut rows = statement.query((block(first), block(last)))?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            let start = (row.get::<_, i64>(0)? - base) as u64 * self.per_block;
            let bytes = row.get_ref(1)?;
            let all = records::<WIDTH>(bytes.as_blob()?)?;
            let found = all.iter().map(|record| start + u64::from(record[0]));
            ids.extend(found.filter(|id| (first..=last).contains(id)));
        }
        Ok(ids)
    }

    /// Calls `f` for each record of the company with its id, in order of id.
    fn each(
        &self,
        connection: &Connection,
        company: i64,
        mut f: impl FnMut(u64, &[u8; WIDTH]),
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT key, records FROM {} WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
            self.table
        ))?;
        let (first, last) = key_range(company);
        let mut rows = statement.query((first, last))?;
        while let Some(row) = rows.next()? {
            // The company's part is taken off, so that what stays is not negative.
            let block = (row.get::<_, i64>(0)? - first) as u64;
            let bytes = row.get_ref(1)?;
            for record in records(bytes.as_blob()?)? {
                f(block * self.per_block + u64::from(record[0]), record);
            }
        }
        Ok(())
    }

    fn count(&self, connection: &Connection, company: i64) -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT coalesce(sum(length(records)), 0) / {WIDTH} FROM {} WHERE key BETWEEN ?1 AND ?2",
            self.table
        );
        connection
            .prepare_cached(&sql)?
            .query_row(key_range(company), |row| row.get(0))
    }
}

/// Carries over who was responsible (D9) from what was stored to what comes now.
fn keep_responsible<const WIDTH: usize>(old: &[u8; WIDTH], new: &mut [u8; WIDTH]) {
    // Who was responsible at first stands at the end of either kind.
    new[WIDTH - 8..].copy_from_slice(&old[WIDTH - 8..]);
    let means = |record: &[u8; WIDTH]| Codes::unpack(word(record, 25)).semantics;
    let closed = |record: &[u8; WIDTH]| word(record, 9);
    if means(old) != Semantics::InWork && means(old) == means(new) && closed(old) == closed(new) {
        new[41..49].copy_from_slice(&old[41..49]);
    }
}

/// The records of a block.
fn records<const WIDTH: usize>(bytes: &[u8]) -> rusqlite::Result<&[[u8; WIDTH]]> {
    match bytes.as_chunks() {
        (records, []) => Ok(records),
        (_, rest) => {
            let what = format!("a block of records ends with {} bytes too many", rest.len());
            Err(rusqlite::Error::FromSqlConversionFailure(
                1,
                Type::Blob,
                what.into(),
            ))
        }
    }
}

/// The number at `at`, which is within the record by the layout.
fn word(record: &[u8], at: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&record[at..at + 8]);
    i64::from_le_bytes(bytes)
}

fn option(number: i64) -> Option<i64> {
    (number != NONE).then_some(number)
}

struct Writer<'c> {
    connection: &'c Connection,
    company: i64,
    symbols: HashMap<String, u32>,
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
            forgive: match rejects {
                0 => None,
                _ => Some(connection.prepare_cached(forgive)?),
            },
        })
    }

    fn lead(&mut self, lead: &Lead) -> Result<[u8; 57], Unfit> {
        let codes = self.codes(lead.semantics, &lead.status, &lead.source, &lead.currency)?;
        self.forgive(ENTITY_LEAD, lead.id)?;
        let mut record = [0; 57];
        let numbers = [
            lead.created.timestamp(),
            lead.closed.map_or(NONE, |at| at.timestamp()),
            lead.modified.timestamp(),
            codes,
            amount(lead.amount)?,
            integer("responsible", lead.responsible)?,
            integer("responsible", lead.responsible)?,
        ];
        fill(&mut record[1..], &numbers);
        Ok(record)
    }

    fn deal(&mut self, deal: &Deal) -> Result<[u8; 69], Unfit> {
        let codes = self.codes(deal.semantics, &deal.stage, &deal.source, &deal.currency)?;
        self.forgive(ENTITY_DEAL, deal.id)?;
        check_max("category", deal.category, u64::from(u32::MAX))?;
        let mut record = [0; 69];
        let numbers = [
            deal.created.timestamp(),
            deal.closed.map_or(NONE, |at| at.timestamp()),
            deal.modified.timestamp(),
            codes,
            amount(deal.amount)?,
            integer("responsible", deal.responsible)?,
            deal.lead.map_or(Ok(NONE), |id| integer("lead", id))?,
        ];
        fill(&mut record[1..], &numbers);
        record[57..61].copy_from_slice(&(deal.category as u32).to_le_bytes());
        fill(
            &mut record[61..],
            &[integer("responsible", deal.responsible)?],
        );
        Ok(record)
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
            // Two bits, so that it fits.
            semantics: from_semantics_code((codes & 3) as u8),
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

/// What [`semantics_code`] has made.
pub(super) fn from_semantics_code(code: u8) -> Semantics {
    match code {
        1 => Semantics::Success,
        2 => Semantics::Failure,
        _ => Semantics::InWork,
    }
}

fn check_max(field: &'static str, value: u64, max: u64) -> Result<(), Unfit> {
    match value <= max {
        true => Ok(()),
        false => Err(Unfit::TooLarge { field, value, max }),
    }
}

fn integer(field: &'static str, value: u64) -> Result<i64, Unfit> {
    let max = i64::MAX as u64;
    check_max(field, value, max)?;
    Ok(value as i64)
}

fn amount(amount: Option<Money>) -> Result<i64, Unfit> {
    match amount.map(Money::units) {
        Some(NONE) => Err(Unfit::Reserved("amount")),
        units => Ok(units.unwrap_or(NONE)),
    }
}

/// Writes the numbers one after another.
fn fill(bytes: &mut [u8], numbers: &[i64]) {
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

/// The first and the last key that a company's blocks may have.
fn key_range(company: i64) -> (i64, i64) {
    let first = company << BLOCK_BITS;
    (first, first | ID_MAX as i64)
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
    LEADS.each(connection, company, |id, record| {
        let codes = Codes::unpack(word(record, 25));
        f(LeadRow {
            id,
            created: word(record, 1),
            closed: option(word(record, 9)),
            semantics: codes.semantics,
            status: codes.state,
            source: codes.source,
            amount: option(word(record, 33)).map(Money::from_units),
            currency: codes.currency,
            opener: word(record, 49) as u64,
            user: word(record, 41) as u64,
        });
    })
}

pub(super) fn each_deal(
    connection: &Connection,
    company: i64,
    f: &mut dyn FnMut(DealRow),
) -> rusqlite::Result<()> {
    DEALS.each(connection, company, |id, record| {
        let codes = Codes::unpack(word(record, 25));
        let mut category = [0; 4];
        category.copy_from_slice(&record[57..61]);
        f(DealRow {
            id,
            lead: option(word(record, 49)).map(|id| id as u64),
            created: word(record, 1),
            closed: option(word(record, 9)),
            semantics: codes.semantics,
            category: u64::from(u32::from_le_bytes(category)),
            source: codes.source,
            amount: option(word(record, 33)).map(Money::from_units),
            currency: codes.currency,
            opener: word(record, 61) as u64,
            user: word(record, 41) as u64,
        });
    })
}

/// The ids of cards from `first` to `last`, both included, in order.
pub(super) fn ids(
    connection: &Connection,
    company: i64,
    card: Card,
    first: u64,
    last: u64,
) -> rusqlite::Result<Vec<u64>> {
    match card {
        Card::Lead => LEADS.ids(connection, company, first, last),
        Card::Deal => DEALS.ids(connection, company, first, last),
    }
}

/// Leads, deals, rejects.
pub(super) fn counts(connection: &Connection, company: i64) -> rusqlite::Result<(u64, u64, u64)> {
    Ok((
        LEADS.count(connection, company)?,
        DEALS.count(connection, company)?,
        count_rejects(connection, company)?,
    ))
}

/// Takes out all blocks of a company.
pub(super) fn forget(connection: &Connection, company: i64) -> rusqlite::Result<()> {
    for table in [LEADS.table, DEALS.table] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE key BETWEEN ?1 AND ?2"))?
            .execute(key_range(company))?;
    }
    Ok(())
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
        assert_eq!(last + 1, key_range(8).0);
        assert_eq!(first, key_range(6).1 + 1);
        for per_block in [LEADS.per_block, DEALS.per_block] {
            assert!(first + ((ID_MAX / per_block) as i64) < last);
        }
    }
}
