//! CRM records → facts by slot. Facts are recomputed from all records, never incremented.
//!
//! One pass over the records fills small tallies by month, by month and source, and by month and
//! user ([`Accumulator`]); [`Facts`] are those tallies as rows of metrics. Each report family has
//! its file: `leads` says what a lead adds, `sales` what a deal adds, `deeds` what people did, `row` how a tally reads as
//! metrics. `rate` turns amounts into the company's currency.
//!
//! What counts as what (D2–D4): a *cohort* metric belongs to the month in which the lead was
//! created, whatever happened later; a *closing* metric belongs to the month in which the lead or
//! deal was closed. The two are never mixed in one ratio.
//!
//! Blank is not zero. A month inside the company's history in which nothing happened holds true
//! zeros. Months after the current one are blank, and so are all lead metrics of a company that
//! has no leads at all, and all deal metrics of one that has no deals.

mod accumulate;
mod deeds;
mod lead_index;
mod leads;
mod rate;
mod row;
mod sales;

use std::collections::{BTreeMap, BTreeSet};

pub use accumulate::Accumulator;
pub use row::{MetricRow, Number};

use super::calendar::{Calendar, Month};
use super::crm::{RateTable, Semantics};
use super::money::Money;

/// A lead as the accumulator wants it: compact, with codes replaced by the store's symbol numbers.
#[derive(Debug, Clone, Copy)]
pub struct LeadRow {
    /// The CRM's id.
    pub id: u64,
    /// Creation, Unix seconds.
    pub created: i64,
    /// Closing, Unix seconds; `None` while in work.
    pub closed: Option<i64>,
    /// What its status means.
    pub semantics: Semantics,
    /// Symbol of the status code.
    pub status: u32,
    /// Symbol of the source code; `None` when not chosen.
    pub source: Option<u32>,
    /// Amount in its own currency; `None` when not given.
    pub amount: Option<Money>,
    /// Symbol of the currency code.
    pub currency: u32,
    /// Who was responsible when it was first seen: to him its creation counts (D9).
    pub opener: u64,
    /// Who was responsible when it was closed, or is now while it is open.
    pub user: u64,
}

/// A deal as the accumulator wants it.
#[derive(Debug, Clone, Copy)]
pub struct DealRow {
    /// The CRM's id.
    pub id: u64,
    /// The lead it was made from.
    pub lead: Option<u64>,
    /// Creation, Unix seconds.
    pub created: i64,
    /// Closing, Unix seconds; meaningful only when the deal is closed.
    pub closed: Option<i64>,
    /// What its stage means.
    pub semantics: Semantics,
    /// The pipeline's id.
    pub category: u64,
    /// Symbol of the source code.
    pub source: Option<u32>,
    /// Amount in its own currency.
    pub amount: Option<Money>,
    /// Symbol of the currency code.
    pub currency: u32,
    /// Who was responsible when it was first seen: to him its creation counts (D9).
    pub opener: u64,
    /// Who was responsible when it was closed, or is now while it is open.
    pub user: u64,
}

/// The store's symbol table: the text behind each symbol number (number = index).
pub type Symbols = Vec<String>;

/// How a company's records are to be read.
#[derive(Debug, Clone, Copy)]
pub struct FactSpec<'a> {
    /// Where its days and months are cut.
    pub calendar: &'a Calendar,
    /// The text behind the rows' symbol numbers.
    pub symbols: &'a [String],
    /// Codes of the lead statuses that mean junk (D2).
    pub junk: &'a BTreeSet<String>,
    /// The portal's currency tables, oldest first: an amount is converted at the rate of its time, so
    /// that a new rate does not change what was earned before (D6).
    pub rates: &'a [RateTable],
    /// Code of the currency in which the company reports.
    pub base_currency: &'a str,
    /// Ids of the pipelines whose deals count; `None`: all.
    pub pipelines: Option<&'a BTreeSet<u64>>,
}

/// All facts of a company.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// By month, without a gap from the first record's month to December of the current year; the
    /// months after the current one are blank. A company without records has the current month
    /// and those after it, all blank.
    pub months: BTreeMap<Month, MetricRow>,
    /// By month and source code (`None`: not chosen). Only rows that hold something.
    pub sources: BTreeMap<(Month, Option<String>), MetricRow>,
    /// By month and user id. Only rows that hold something.
    pub managers: BTreeMap<(Month, u64), MetricRow>,
    /// Closed leads and deals without a closing instant: they are missing from the closing
    /// metrics, and only from those.
    pub undated: u64,
    /// Leads and deals whose amount is in a currency without a rate: the amount is left out.
    pub unconverted: u64,
    /// Creations and closings dated after the current month: left out.
    pub future: u64,
    /// Creations and closings dated before [`FIRST_YEAR`], which no CRM can have seen: left out.
    pub ancient: u64,
}

/// The first year whose records count; an older date is a typing error or an empty field.
pub const FIRST_YEAR: i32 = 1990;

#[cfg(test)]
mod tests;
