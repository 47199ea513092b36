//! CRM records → facts by slot. Facts are recomputed from all records, never incremented.
//!
//! One pass over the records fills small tallies (`strips`) by month, by month and source, and by month
//! and seat, a person in a department (`seats`); the pass is the [`Accumulator`], and [`Facts`] are
//! those tallies as rows of metrics. Each report family has its file: `leads` says what a lead adds,
//! `sales` what a deal adds, `deeds` what people did, `call_goal` how many people they talked to in a day,
//! `margin` what was earned on won deals, `paid` what came in, `earned` how those two read as metrics,
//! `row` how a tally does. `rate` turns amounts into the company's currency.
//!
//! What counts as what (D2–D4): a *cohort* metric belongs to the month in which the lead was
//! created, whatever happened later; a *closing* metric belongs to the month in which the lead or
//! deal was closed. The two are never mixed in one ratio.
//!
//! Blank is not zero. A month inside the company's history in which nothing happened holds true
//! zeros. Months after the current one are blank, and so are all lead metrics of a company that
//! has no leads at all, and all deal metrics of one that has no deals.

mod accumulate;
mod call_goal;
mod deeds;
mod earned;
mod lead_index;
mod leads;
mod margin;
mod paid;
mod rate;
mod row;
mod sales;
mod seats;
mod strips;

use std::collections::{BTreeMap, BTreeSet};

pub use accumulate::Accumulator;
pub use call_goal::{CallDays, CallGoal};
pub use margin::{BLANK_LISTED_MAX, Cost, Costs, Margin};
pub use paid::Paid;
pub use row::{MetricRow, Number};

use super::calendar::{Calendar, Month};
use super::crm::{Homes, RateTable, Semantics};
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
    /// Who was in which department when (D8).
    pub homes: &'a Homes,
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
    /// By month and user id, whatever department he was in. Only rows that hold something.
    pub managers: BTreeMap<(Month, u64), MetricRow>,
    /// By month and department (`None`: whoever was in none), what its own people did while they were
    /// in it, to the instant (D8); those of the departments below it have their own rows. The rows of a
    /// month add up to the company's. Only rows that hold something.
    ///
    /// These are sums of their own and not those of `managers` by where each is at the month's end:
    /// somebody who moves within a month has one row among people and brings something to two
    /// departments.
    pub departments: BTreeMap<(Month, Option<u64>), MetricRow>,
    /// Margins of the deals won by month; empty for a company whose deals have no product rows.
    pub margins: BTreeMap<Month, Margin>,
    /// Margins by month and user id.
    pub manager_margins: BTreeMap<(Month, u64), Margin>,
    /// Ids of won deals whose margin is not known, the newest first, at most [`BLANK_LISTED_MAX`].
    pub blank_costs: Vec<u64>,
    /// What was paid by month. Only rows that hold something.
    pub paid: BTreeMap<Month, Paid>,
    /// What was paid by month and user id.
    pub manager_paid: BTreeMap<(Month, u64), Paid>,
    /// Closed leads and deals without a closing instant: they are missing from the closing
    /// metrics, and only from those.
    pub undated: u64,
    /// Leads, deals and payments whose amount is in a currency without a rate: the amount is left out.
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
