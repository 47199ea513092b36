//! Targets → plan numbers, and what people's edits do to them.
//!
//! `targets` says what the plan starts from, `decompose` and `split` turn it into numbers, `merge`
//! decides whose number a cell holds, and [`replan()`] puts all of it together for one year's file.
//! [`accept`] and [`confirm`] say what the store must remember before and after publishing, and
//! [`explain()`] tells where a number comes from, [`changes()`] what became of it, and [`restore()`]
//! brings a former state back. Exact fractions all the way; one rounding at the
//! end of a chain (D12).

mod allocate;
mod decompose;
mod explain;
mod history;
mod merge;
mod need;
mod remember;
mod replan;
mod spelling;
mod split;
mod targets;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use num_rational::BigRational;
use rust_decimal::Decimal;

pub use decompose::{
    Chain, Contradiction, Decomposition, Rounding, break_even_revenue, check_for, contradiction,
    conversion_for, decompose, profit_of,
};
pub use explain::{Derivation, explain};
pub use history::{ChangeSource, Held, PlanChange, changes, held, restore, undo};
pub use merge::{Range, merge};
pub use need::{Channel, Check, Light, a_day, channels, check, headcount};
pub use remember::{accept, confirm};
pub use replan::{PLAN_ROWS, replan};
pub use spelling::read_number;
pub use split::{over_workdays, seasonality};
pub use targets::{History, TargetCell, Targets, season_row, target_cells};
pub use tree::{DEPARTMENT_TABLE, EMPLOYEE_TABLE, Member, SplitBy, TreeRow, WEIGHT};

use super::calendar::{Calendar, Month};
use super::crm::Directory;
use super::slot::{Metric, Period};

/// The table of targets in the plan file.
pub const TARGETS_TABLE: &str = targets::TABLE;
/// The table of the company's plan in the plan file.
pub const PLAN_TABLE: &str = "plan_company";

/// The address of a cell that people may edit: the table and its two keys, never A1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// The table, such as `plan_company` or `targets`.
    pub table: String,
    /// The row's key, such as `revenue` or `conversion`.
    pub row: String,
    /// The column's key, such as `2026-03`, `2026` (the year's total) or `value`.
    pub column: String,
}

impl CellKey {
    /// The cell of this table, row and column.
    pub fn new(table: &str, row: &str, column: &str) -> CellKey {
        CellKey {
            table: table.to_owned(),
            row: row.to_owned(),
            column: column.to_owned(),
        }
    }

    /// The number of a target, such as `margin`.
    pub fn target(row: &str) -> CellKey {
        CellKey::new(TARGETS_TABLE, row, targets::VALUE)
    }

    /// The company's plan of a metric for a month or a year.
    pub fn plan(metric: Metric, period: Period) -> CellKey {
        CellKey::new(PLAN_TABLE, metric.key(), &period.to_string())
    }
}

impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.table, self.row, self.column)
    }
}

/// Whose number a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Generated; a new generated value replaces it.
    Daemon,
    /// A person typed it: locked, never overwritten.
    Person,
}

/// What the store remembers of a cell (the base of the three-way merge).
#[derive(Debug, Clone, PartialEq)]
pub struct BaseCell {
    /// Whose number it is.
    pub owner: Owner,
    /// What both sides held after the last confirmed publish; `None` is a blank cell.
    pub base: Option<Decimal>,
    /// The number in force (differs from `base` while a cell holds something unreadable).
    pub value: Option<Decimal>,
    /// What the daemon set out to write and has not seen confirmed (`Some(None)`: a blank); a cell
    /// that shows it is still the daemon's, because it may have died between writing and confirming.
    pub pending: Option<Option<Decimal>>,
}

/// What a cell shows now, read typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nothing.
    Blank,
    /// A number, typed or computed by a formula without error.
    Number(Decimal),
    /// Text as typed.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A formula that errs, with the error shown, such as `#REF!`.
    Error(String),
}

impl Seen {
    /// A cell that shows a number, as a spreadsheet keeps it: to 15 significant digits, so that
    /// the last bits of a formula's result (40.00000000000001 deals) are not rounded up to one
    /// more. What is not finite or beyond any plan is an error.
    pub fn of_f64(number: f64) -> Seen {
        // The shortest text that names this double, never with an exponent.
        let shortest = number.to_string().parse::<Decimal>().ok();
        match shortest.and_then(merge::shortened) {
            Some(exact) => Seen::Number(exact),
            None => Seen::Error(number.to_string()),
        }
    }
}

/// What is to become of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Whose number it is from now on.
    pub owner: Owner,
    /// The number in force.
    pub value: Option<Decimal>,
    /// `Some(x)`: write `x` (blank when `x` is `None`) into the cell; `None`: leave the cell alone.
    pub write: Option<Option<Decimal>>,
    /// Why the cell could not be read, when it could not.
    pub problem: Option<CellProblem>,
    /// What the cell shows now, as a number (`Some(None)`: blank); `None` when it cannot be read
    /// or is not in the sheet.
    pub shown: Option<Option<Decimal>>,
}

/// Why a person's cell is not used as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellProblem {
    /// Not a number; holds the text as typed.
    NotANumber(String),
    /// A spelling with more than one reading, such as `1,200`; holds the text.
    Ambiguous(String),
    /// Below zero.
    Negative,
    /// A formula that errs; holds the error shown.
    FormulaError(String),
    /// A number where only another range makes sense (a share above 1, a conversion of 0, …);
    /// holds the rule broken, as a stable code such as `margin_range`.
    OutOfRange(String),
}

impl CellProblem {
    /// The stable code under which people are told.
    pub fn code(&self) -> &'static str {
        match self {
            CellProblem::NotANumber(_) => "not_a_number",
            CellProblem::Ambiguous(_) => "ambiguous",
            CellProblem::Negative => "negative",
            CellProblem::FormulaError(_) => "formula_error",
            CellProblem::OutOfRange(_) => "out_of_range",
        }
    }
}

/// Cells by key.
pub type Cells<T> = BTreeMap<CellKey, T>;

/// The targets that a company gives before its «Цели» tab exists (`[company.targets]`); they seed
/// the tab once, afterwards the sheet is where targets live.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSeeds {
    /// Costs to be earned each month, in margin terms (payroll included).
    pub break_even: Option<crate::domain::money::Money>,
    /// Profit above it, a month.
    pub profit: Option<crate::domain::money::Money>,
    /// Share of revenue that is left after the cost of sale, above 0 up to 1.
    pub margin: Decimal,
    /// Average check; by default from the last six closed months.
    pub avg_check: Option<crate::domain::money::Money>,
    /// Lead → won deal, as an integer pair such as (5, 100); by default from history.
    pub conversion: Option<(u64, u64)>,
    /// Growth a month, such as 0.02.
    pub growth: Decimal,
    /// How the year's months differ.
    pub seasonality: Seasonality,
}

/// Month coefficients of the plan (R29).
#[derive(Debug, Clone, PartialEq)]
pub enum Seasonality {
    /// All months alike.
    Flat,
    /// From the company's own history, when it spans two full calendar years; else flat.
    History,
    /// Twelve coefficients, January first; normalised to a sum of 12.
    Months([Decimal; 12]),
}

/// What [`replan()`] works from.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The year of the plan file.
    pub year: i32,
    /// The first month that is not over yet; history is what lies before it.
    pub current: Month,
    /// The company's workdays.
    pub calendar: &'a Calendar,
    /// The company's facts.
    pub facts: &'a crate::domain::fact::Facts,
    /// The company's people and departments.
    pub directory: &'a Directory,
    /// Configured targets, used for cells of «Цели» that were never filled.
    pub seeds: &'a TargetSeeds,
    /// What people's cells show now; a cell that is not found in the sheet is absent.
    pub seen: &'a Cells<Seen>,
    /// The row keys that stand in the tables which grow (departments, employees), doubled ones
    /// included; a table that cannot be found is absent, and then nothing is put into it.
    pub standing: &'a BTreeMap<String, BTreeSet<String>>,
    /// What the weights of a row were made from, as the sheet says ([`TreeRow::basis`]), by row key.
    pub basis: &'a BTreeMap<String, String>,
    /// What the store remembers.
    pub base: &'a Cells<BaseCell>,
}

/// What is worth telling a person about the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The cell it is about.
    pub cell: Option<CellKey>,
    /// Stable code, such as `not_a_number`, `locks_do_not_add_up`, `cell_missing`.
    pub code: String,
    /// Values that the sentence names (text as typed, the number in force, …), in order.
    pub values: Vec<String>,
    /// The cells that the sentence names besides, such as those that people locked.
    pub cells: Vec<CellKey>,
}

/// The plan as it should be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replanned {
    /// Every cell of the year's plan file that people may edit.
    pub cells: Cells<Merged>,
    /// What to tell.
    pub notices: Vec<Notice>,
    /// The rows that the tables of departments and employees should have, in reading order.
    pub rows: Vec<TreeRow>,
    /// The proportion in which each member shares in an indicator, January first; within a family
    /// they matter relative to each other.
    pub shares: BTreeMap<(Metric, Member), Vec<BigRational>>,
    /// Who is above a member (none: the company), and all members directly below that one.
    pub families: BTreeMap<Member, (Option<Member>, Vec<Member>)>,
}

impl Replanned {
    /// The company's plan in force; `None` when it is blank or not planned at all.
    pub fn plan(&self, metric: Metric, period: Period) -> Option<Decimal> {
        self.cells.get(&CellKey::plan(metric, period))?.value
    }

    /// The company's plan in force for a month.
    pub fn plan_of_month(&self, metric: Metric, month: Month) -> Option<Decimal> {
        self.plan(metric, Period::Month(month))
    }

    /// The targets in force.
    pub fn targets(&self) -> Targets {
        Targets::of(&self.cells)
    }

    /// The cells to write, with what to write into them (`None`: a blank).
    pub fn writes(&self) -> impl Iterator<Item = (&CellKey, Option<Decimal>)> {
        self.cells
            .iter()
            .filter_map(|(key, cell)| Some((key, cell.write?)))
    }
}

#[cfg(test)]
mod desk;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod laws;
