//! The store in one SQLite file, used by one process at a time.
//!
//! Owns the connection and what each call means as a transaction; how things are laid out is in
//! `migrations/`, and the SQL stands beside each kind of thing: [`records`], [`directory`],
//! [`ledger`], [`history`]. Opening, locking and migrating are in [`open`].
//!
//! The journal is a WAL and every commit is flushed to the disk (`synchronous = FULL`). A lost
//! commit would not corrupt anything, but a plan cell whose base had been lost after its publish
//! would look like a person's edit at the next pass, and that must not depend on a power cut.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    Binding, LoggedChange, Membership, PassRecord, PlanVersion, PullBatch, Saved, Store,
    StoreError, TrailKind,
};
use crate::domain::calendar::Instant;
use crate::domain::crm::{
    Activity, Call, Card, Directory, Invoice, Payer, Payment, ProductRow, RateTable, StageMove,
};
use crate::domain::fact::{Costs, DealRow, LeadRow, Symbols};
use crate::domain::plan::{BaseCell, CellKey, Cells, Held};

mod costs;
mod directory;
mod forget;
mod gone;
mod history;
mod ledger;
mod open;
mod payments;
mod rates;
mod records;
#[cfg(test)]
mod tests;
mod trail;

/// [`Store`] in a SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    connection: Mutex<Connection>,
    /// Held as long as the store is open; the operating system lets go of it however we end.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the file, creates it when it is absent, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open, [`StoreError::TooNew`] when a newer
    /// program made it, [`StoreError::NotAStore`] when it is something else.
    pub fn open(path: &Path) -> Result<Sqlite, StoreError> {
        let (connection, lock) = open::exclusive(path)?;
        Ok(Sqlite::new(connection, Some(lock)))
    }

    /// Opens an existing file only to look into it, beside a process that may be using it. Calls
    /// that would change it fail.
    ///
    /// # Errors
    /// As [`Sqlite::open`], save `InUse`; and when the file is absent or of an older schema.
    pub fn open_read_only(path: &Path) -> Result<Sqlite, StoreError> {
        Ok(Sqlite::new(open::read_only(path)?, None))
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Sqlite, StoreError> {
        Ok(Sqlite::new(open::in_memory()?, None))
    }

    fn new(connection: Connection, lock: Option<File>) -> Sqlite {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Sqlite {
            connection: Mutex::new(connection),
            _lock: lock,
        }
    }

    /// The connection. A panic elsewhere cannot have left it half way: transactions roll back when
    /// they are dropped.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` for a company that may be unknown yet, all or nothing.
    fn write<T>(
        &self,
        company: &str,
        doing: &str,
        work: impl FnOnce(&Connection, i64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(doing))?;
        let number = enrol(&transaction, company).map_err(failed(doing))?;
        let result = work(&transaction, number)?;
        transaction.commit().map_err(failed(doing))?;
        Ok(result)
    }

    /// Runs `work` for a known company; an unknown one has the empty answer.
    fn read<T: Default>(
        &self,
        company: &str,
        doing: &str,
        work: impl FnOnce(&Connection, i64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection();
        match company_number(&connection, company).map_err(failed(doing))? {
            Some(number) => work(&connection, number),
            None => Ok(T::default()),
        }
    }
}

/// Prepared statements that a connection keeps; more than the program has.
const STATEMENTS_KEPT: usize = 64;

fn company_number(connection: &Connection, company: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM company WHERE name = ?1")?
        .query_row([company], |row| row.get(0))
        .optional()
}

fn enrol(connection: &Connection, company: &str) -> rusqlite::Result<i64> {
    if let Some(number) = company_number(connection, company)? {
        return Ok(number);
    }
    connection.execute("INSERT INTO company (name) VALUES (?1)", params![company])?;
    Ok(connection.last_insert_rowid())
}

/// Wraps a cause with what was being attempted.
fn failed<E>(doing: impl Into<String>) -> impl FnOnce(E) -> StoreError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let doing = doing.into();
    move |source| StoreError::Database {
        doing,
        source: source.into(),
    }
}

impl Store for Sqlite {
    fn save_pull(&self, company: &str, batch: &PullBatch) -> Result<Saved, StoreError> {
        let doing = format!("storing records of {company}");
        self.write(company, &doing, |connection, number| {
            let saved = records::save(connection, number, batch)?;
            if let Some(directory) = &batch.directory {
                directory::replace(connection, number, directory).map_err(failed(&doing))?;
                if let Some(at) = batch.directory_at {
                    trail::note_memberships(connection, number, directory, at)
                        .map_err(failed(&doing))?;
                    rates::note(connection, number, &directory.currencies, at)
                        .map_err(failed(&doing))?;
                }
            }
            if let Some(reading) = &batch.payments {
                payments::save(connection, number, reading).map_err(failed(&doing))?;
            }
            if let Some(reading) = &batch.costs {
                costs::note(connection, number, reading).map_err(failed(&doing))?;
            }
            ledger::save_cursors(connection, number, &batch.cursors).map_err(failed(&doing))?;
            Ok(saved)
        })
    }

    fn card_ids(
        &self,
        company: &str,
        card: Card,
        first: u64,
        last: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let doing = format!("reading ids of {company}");
        self.read(company, &doing, |connection, number| {
            records::ids(connection, number, card, first, last).map_err(failed(&doing))
        })
    }

    fn each_call(&self, company: &str, f: &mut dyn FnMut(Call)) -> Result<(), StoreError> {
        let doing = format!("reading calls of {company}");
        self.read(company, &doing, |connection, number| {
            trail::each_call(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_activity(&self, company: &str, f: &mut dyn FnMut(Activity)) -> Result<(), StoreError> {
        let doing = format!("reading activities of {company}");
        self.read(company, &doing, |connection, number| {
            trail::each_activity(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_move(&self, company: &str, f: &mut dyn FnMut(StageMove)) -> Result<(), StoreError> {
        let doing = format!("reading moves of {company}");
        self.read(company, &doing, |connection, number| {
            trail::each_move(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_product_row(
        &self,
        company: &str,
        f: &mut dyn FnMut(ProductRow),
    ) -> Result<(), StoreError> {
        let doing = format!("reading product rows of {company}");
        self.read(company, &doing, |connection, number| {
            trail::each_product_row(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_invoice(&self, company: &str, f: &mut dyn FnMut(Invoice)) -> Result<(), StoreError> {
        let doing = format!("reading invoices of {company}");
        self.read(company, &doing, |connection, number| {
            trail::each_invoice(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_payment(&self, company: &str, f: &mut dyn FnMut(Payment)) -> Result<(), StoreError> {
        let doing = format!("reading payments of {company}");
        self.read(company, &doing, |connection, number| {
            payments::each(connection, number, f).map_err(failed(&doing))
        })
    }

    fn payments_read(&self, company: &str) -> Result<BTreeSet<(Payer, u64)>, StoreError> {
        let doing = format!("looking for payments of {company}");
        self.read(company, &doing, |connection, number| {
            payments::read(connection, number).map_err(failed(&doing))
        })
    }

    fn costs(&self, company: &str) -> Result<Costs, StoreError> {
        let doing = format!("reading purchase prices of {company}");
        self.read(company, &doing, |connection, number| {
            costs::all(connection, number).map_err(failed(&doing))
        })
    }

    fn unknown_products(&self, company: &str) -> Result<Vec<u64>, StoreError> {
        let doing = format!("looking for unknown products of {company}");
        self.read(company, &doing, |connection, number| {
            costs::unknown(connection, number).map_err(failed(&doing))
        })
    }

    fn stale_products(&self, company: &str, limit: usize) -> Result<Vec<u64>, StoreError> {
        let doing = format!("looking for products of {company}");
        self.read(company, &doing, |connection, number| {
            costs::stale(connection, number, limit).map_err(failed(&doing))
        })
    }

    fn trail_ids(&self, company: &str, kind: TrailKind) -> Result<Vec<u64>, StoreError> {
        let doing = format!("reading ids of each {} of {company}", kind.name());
        self.read(company, &doing, |connection, number| {
            gone::ids(connection, number, kind).map_err(failed(&doing))
        })
    }

    fn trail_counts(&self, company: &str) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let doing = format!("counting what happened at {company}");
        self.read(company, &doing, |connection, number| {
            trail::counts(connection, number).map_err(failed(&doing))
        })
    }

    fn memberships(&self, company: &str) -> Result<Vec<Membership>, StoreError> {
        let doing = format!("reading departments of people of {company}");
        self.read(company, &doing, |connection, number| {
            trail::memberships(connection, number).map_err(failed(&doing))
        })
    }

    fn rate_tables(&self, company: &str) -> Result<Vec<RateTable>, StoreError> {
        let doing = format!("reading currency rates of {company}");
        self.read(company, &doing, |connection, number| {
            rates::tables(connection, number).map_err(failed(&doing))
        })
    }

    fn forget(&self, company: &str) -> Result<bool, StoreError> {
        let doing = format!("forgetting {company}");
        let mut connection = self.connection();
        let known = company_number(&connection, company).map_err(failed(&doing))?;
        let Some(number) = known else {
            return Ok(false);
        };
        let forgotten = forget::company(&mut connection, number);
        forgotten.map(|()| true).map_err(failed(&doing))
    }

    fn cursor(&self, company: &str, name: &str) -> Result<Option<String>, StoreError> {
        let doing = format!("reading cursor {name} of {company}");
        self.read(company, &doing, |connection, number| {
            ledger::cursor(connection, number, name).map_err(failed(&doing))
        })
    }

    fn directory(&self, company: &str) -> Result<Directory, StoreError> {
        let doing = format!("reading the directory of {company}");
        self.read(company, &doing, |connection, number| {
            directory::read(connection, number).map_err(failed(&doing))
        })
    }

    fn symbols(&self, company: &str) -> Result<Symbols, StoreError> {
        let doing = format!("reading symbols of {company}");
        self.read(company, &doing, |connection, number| {
            records::symbols(connection, number).map_err(failed(&doing))
        })
    }

    fn each_lead(&self, company: &str, f: &mut dyn FnMut(LeadRow)) -> Result<(), StoreError> {
        let doing = format!("reading leads of {company}");
        self.read(company, &doing, |connection, number| {
            records::each_lead(connection, number, f).map_err(failed(&doing))
        })
    }

    fn each_deal(&self, company: &str, f: &mut dyn FnMut(DealRow)) -> Result<(), StoreError> {
        let doing = format!("reading deals of {company}");
        self.read(company, &doing, |connection, number| {
            records::each_deal(connection, number, f).map_err(failed(&doing))
        })
    }

    fn counts(&self, company: &str) -> Result<(u64, u64, u64), StoreError> {
        let doing = format!("counting records of {company}");
        self.read(company, &doing, |connection, number| {
            records::counts(connection, number).map_err(failed(&doing))
        })
    }

    fn bindings(&self, company: &str) -> Result<Vec<Binding>, StoreError> {
        let doing = format!("reading files of {company}");
        self.read(company, &doing, |connection, number| {
            ledger::bindings(connection, number).map_err(failed(&doing))
        })
    }

    fn save_binding(&self, company: &str, binding: &Binding) -> Result<(), StoreError> {
        let doing = format!("storing file {} of {company}", binding.role);
        self.write(company, &doing, |connection, number| {
            ledger::save_binding(connection, number, binding).map_err(failed(&doing))
        })
    }

    fn drop_binding(&self, company: &str, role: &str) -> Result<(), StoreError> {
        let doing = format!("forgetting file {role} of {company}");
        self.write(company, &doing, |connection, number| {
            ledger::drop_binding(connection, number, role).map_err(failed(&doing))
        })
    }

    fn plan_cells(&self, company: &str, year: i32) -> Result<Cells<BaseCell>, StoreError> {
        let doing = format!("reading plan cells of {company} for {year}");
        self.read(company, &doing, |connection, number| {
            ledger::plan_cells(connection, number, year).map_err(failed(&doing))
        })
    }

    fn plan_years(&self, company: &str) -> Result<Vec<i32>, StoreError> {
        let doing = format!("reading plan years of {company}");
        self.read(company, &doing, |connection, number| {
            ledger::plan_years(connection, number).map_err(failed(&doing))
        })
    }

    fn save_plan_cells(
        &self,
        company: &str,
        year: i32,
        cells: &Cells<BaseCell>,
    ) -> Result<(), StoreError> {
        let doing = format!("storing plan cells of {company} for {year}");
        self.write(company, &doing, |connection, number| {
            ledger::save_plan_cells(connection, number, year, cells).map_err(failed(&doing))
        })
    }

    fn accept_plan(
        &self,
        company: &str,
        year: i32,
        cells: &Cells<BaseCell>,
        changes: &[LoggedChange],
    ) -> Result<(), StoreError> {
        let doing = format!("storing plan changes of {company} for {year}");
        self.write(company, &doing, |connection, number| {
            ledger::save_plan_cells(connection, number, year, cells)
                .and_then(|()| history::append(connection, number, year, changes))
                .map_err(failed(&doing))
        })
    }

    fn plan_changes(
        &self,
        company: &str,
        year: i32,
        cell: Option<&CellKey>,
        limit: usize,
    ) -> Result<Vec<LoggedChange>, StoreError> {
        let doing = format!("reading plan changes of {company} for {year}");
        self.read(company, &doing, |connection, number| {
            match cell {
                Some(cell) => history::newest_of(connection, number, year, cell, limit),
                None => history::newest(connection, number, year, limit),
            }
            .map_err(failed(&doing))
        })
    }

    fn last_change_set(&self, company: &str, year: i32) -> Result<Vec<LoggedChange>, StoreError> {
        let doing = format!("reading the last plan changes of {company} for {year}");
        self.read(company, &doing, |connection, number| {
            history::last_set(connection, number, year).map_err(failed(&doing))
        })
    }

    fn save_plan_version(
        &self,
        company: &str,
        year: i32,
        name: &str,
        made: Instant,
        cells: &Cells<Held>,
    ) -> Result<Option<u64>, StoreError> {
        let doing = format!("storing version {name} of the plan of {company} for {year}");
        self.write(company, &doing, |connection, number| {
            history::save_version(connection, number, year, name, made, cells)
                .map_err(failed(&doing))
        })
    }

    fn plan_versions(&self, company: &str) -> Result<Vec<PlanVersion>, StoreError> {
        let doing = format!("reading plan versions of {company}");
        self.read(company, &doing, |connection, number| {
            history::versions(connection, number).map_err(failed(&doing))
        })
    }

    fn plan_version_cells(
        &self,
        company: &str,
        version: u64,
        table: Option<&str>,
    ) -> Result<Cells<Held>, StoreError> {
        let doing = format!("reading plan version {version} of {company}");
        self.read(company, &doing, |connection, number| {
            history::version_cells(connection, number, version, table).map_err(failed(&doing))
        })
    }

    fn begin_pass(&self, company: &str, started: Instant) -> Result<u64, StoreError> {
        let doing = format!("opening a pass of {company}");
        self.write(company, &doing, |connection, number| {
            ledger::begin_pass(connection, number, started).map_err(failed(&doing))
        })
    }

    fn end_pass(&self, company: &str, pass: &PassRecord) -> Result<(), StoreError> {
        let doing = format!("closing pass {} of {company}", pass.number);
        self.write(company, &doing, |connection, number| {
            if ledger::end_pass(connection, number, pass).map_err(failed(&doing))? {
                Ok(())
            } else {
                Err(failed(&doing)("that pass was never opened"))
            }
        })
    }

    fn passes(&self, company: &str, limit: usize) -> Result<Vec<PassRecord>, StoreError> {
        let doing = format!("reading passes of {company}");
        self.read(company, &doing, |connection, number| {
            ledger::passes(connection, number, limit).map_err(failed(&doing))
        })
    }

    fn note(&self, company: &str, name: &str) -> Result<Option<String>, StoreError> {
        let doing = format!("reading note {name}");
        self.read(company, &doing, |connection, number| {
            ledger::note(connection, number, name).map_err(failed(&doing))
        })
    }

    fn set_note(&self, company: &str, name: &str, text: &str) -> Result<(), StoreError> {
        let doing = format!("storing note {name}");
        self.write(company, &doing, |connection, number| {
            ledger::set_note(connection, number, name, text).map_err(failed(&doing))
        })
    }
}
