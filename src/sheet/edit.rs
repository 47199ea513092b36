//! What is to be done to a spreadsheet: the reconciler's product and the publisher's only input.

use super::workbook::{Area, Chart, Conditional, NamedRange, Protection, Tab, Value};

/// One step on one spreadsheet; all steps of a file go out as one atomic batch, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Write a rectangle of typed values, first row first; formats stay as they are.
    Write {
        /// The tab.
        tab: i64,
        /// The first row, zero-based.
        row: u32,
        /// The first column, zero-based.
        column: u32,
        /// The values; every row has the same length.
        values: Vec<Vec<Value>>,
    },
    /// Keep what a rectangle shows, as values, in a tab that nobody sees, before a later edit of the
    /// same batch writes over it. What was kept comes back with the batch's answer.
    Keep {
        /// The rectangle.
        from: Area,
        /// The tab that keeps it.
        tab: i64,
        /// The row there in which it begins, in the first column.
        row: u32,
    },
    /// Insert empty rows before `row`, inheriting the format of the row above.
    InsertRows {
        /// The tab.
        tab: i64,
        /// The row before which they appear.
        row: u32,
        /// How many.
        count: u32,
    },
    /// Delete rows.
    DeleteRows {
        /// The tab.
        tab: i64,
        /// The first row.
        row: u32,
        /// How many.
        count: u32,
    },
    /// Point an existing named range elsewhere (its id is known), or add it (its id is empty).
    SetName(NamedRange),
    /// Set the note of one cell, or remove it.
    SetNote {
        /// The cell.
        at: Area,
        /// The note; `None` removes it.
        note: Option<String>,
    },
    /// Add a whole tab with everything on it (repair after a copy lost it).
    AddTab(Box<Tab>),
    /// Add a chart to a tab.
    AddChart {
        /// The tab.
        tab: i64,
        /// The chart.
        chart: Box<Chart>,
    },
    /// Protect a part of a tab.
    AddProtection {
        /// The tab.
        tab: i64,
        /// The protection.
        protection: Protection,
    },
    /// Add conditional formats at the end of the tab's list.
    AddConditional {
        /// The tab.
        tab: i64,
        /// The format.
        conditional: Conditional,
    },
}

/// One block of cells as it stands in the sheet now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    /// The tab.
    pub tab: i64,
    /// The first row read, zero-based.
    pub row: u32,
    /// The first column read, zero-based.
    pub column: u32,
    /// Values as shown by formulas or as typed; trailing blanks may be missing.
    pub values: Vec<Vec<Value>>,
    /// Formulas at the same places, where a cell holds one (with its leading `=`).
    pub formulas: std::collections::BTreeMap<(u32, u32), String>,
}

/// What one read tells of a spreadsheet: its structure and the blocks asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// Tabs without their cells, charts and formats: id, title, grid size, hidden, frozen.
    pub tabs: Vec<Tab>,
    /// All named ranges.
    pub names: Vec<NamedRange>,
    /// The blocks, by the name of the named range that was asked for; one that does not exist
    /// (any more) is absent.
    pub blocks: std::collections::BTreeMap<String, Grid>,
}
