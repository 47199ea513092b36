//! CRM records → facts by slot. Facts are recomputed from all records, never incremented.

use std::collections::BTreeMap;

use super::calendar::Month;
use super::crm::Semantics;
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
    /// The responsible user's id.
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
    /// The responsible user's id.
    pub user: u64,
}

/// The store's symbol table: the text behind each symbol number (number = index).
pub type Symbols = Vec<String>;

/// One number of each metric for one row of a data table; `None` is blank, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MetricRow {
    // filled by the owner of this room
}

/// All facts of a company. `months` has no gap from the first record's month to the last month.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// By month.
    pub months: BTreeMap<Month, MetricRow>,
    /// By month and source code (`None`: not chosen). Only rows that hold something.
    pub sources: BTreeMap<(Month, Option<String>), MetricRow>,
    /// By month and user id. Only rows that hold something.
    pub managers: BTreeMap<(Month, u64), MetricRow>,
}
