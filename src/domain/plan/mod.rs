//! Targets → plan numbers, and what people's edits do to them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

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
    /// What was being written when the last publish began; cleared when it is confirmed.
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

/// What [`replan`] works from.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The year of the plan file.
    pub year: i32,
    /// The first month that is not over yet; history is what lies before it.
    pub current: crate::domain::calendar::Month,
    /// The company's facts.
    pub facts: &'a crate::domain::fact::Facts,
    /// Configured targets, used for cells of «Цели» that were never filled.
    pub seeds: &'a TargetSeeds,
    /// What the cells of `targets` and `plan_company` show now; a cell that is not found in the
    /// sheet is absent.
    pub seen: &'a Cells<Seen>,
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
}

/// The plan as it should be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replanned {
    /// Every cell of `targets` and `plan_company` of the year.
    pub cells: Cells<Merged>,
    /// What to tell.
    pub notices: Vec<Notice>,
}
