//! What is to be done to a spreadsheet: the reconciler's product and the publisher's only input.

use std::collections::BTreeMap;

use super::workbook::{Area, Cell, Chart, Conditional, NamedRange, Protection, Rect, Tab, Value};

/// One side of a cell, set without touching the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Its value or formula.
    Content,
    /// Its format, as far as the model knows it.
    Look,
    /// Its note.
    Note,
    /// What may be typed.
    Input,
}

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
    /// Insert empty columns before `column`, inheriting the format of the column to the left.
    InsertColumns {
        /// The tab.
        tab: i64,
        /// The column before which they appear.
        column: u32,
        /// How many.
        count: u32,
    },
    /// Delete columns.
    DeleteColumns {
        /// The tab.
        tab: i64,
        /// The first column.
        column: u32,
        /// How many.
        count: u32,
    },
    /// Set one facet of single cells, from a template.
    Paint {
        /// The tab.
        tab: i64,
        /// Which facet.
        facet: Facet,
        /// The cells by row and column.
        cells: BTreeMap<(u32, u32), Cell>,
    },
    /// Set the spreadsheet's locale or time zone.
    SetFile {
        /// Locale such as `ru_RU`.
        locale: Option<String>,
        /// IANA time zone.
        time_zone: Option<String>,
    },
    /// Set a tab's title, frozen lines, visibility, gridlines and colour; nothing else of the tab counts.
    SetTab(Box<Tab>),
    /// Set widths or heights, pixels.
    SetSizes {
        /// The tab.
        tab: i64,
        /// Columns, or rows.
        columns: bool,
        /// Pixels by line.
        sizes: BTreeMap<u32, u32>,
    },
    /// Hide or show rows or columns.
    SetHidden {
        /// The tab.
        tab: i64,
        /// Columns, or rows.
        columns: bool,
        /// Whether hidden, by line.
        lines: BTreeMap<u32, bool>,
    },
    /// Merge cells; the first one's value stays.
    Merge {
        /// The tab.
        tab: i64,
        /// The cells.
        rect: Rect,
    },
    /// Take merged cells apart.
    Unmerge {
        /// The tab.
        tab: i64,
        /// The cells.
        rect: Rect,
    },
    /// Remove one conditional format of a tab.
    DropConditional {
        /// The tab.
        tab: i64,
        /// Its place in the tab's list.
        index: u32,
    },
    /// Put a conditional format at a place of the tab's list.
    PutConditional {
        /// The tab.
        tab: i64,
        /// The place.
        index: u32,
        /// The format.
        conditional: Conditional,
    },
    /// Draw a chart that stands (found by its id) anew, where it hangs.
    SetChart(Box<Chart>),
    /// Hang a chart that stands somewhere else.
    MoveChart {
        /// The tab.
        tab: i64,
        /// The chart; its id, anchor, offset and size count.
        chart: Box<Chart>,
    },
    /// Remove a chart.
    DropChart {
        /// Its id.
        chart: i64,
    },
    /// Protect another part of the tab by a protection that stands (found by its id).
    SetProtection {
        /// The tab.
        tab: i64,
        /// The protection.
        protection: Protection,
    },
    /// Remove a protection.
    DropProtection {
        /// Its id.
        protection: i64,
    },
    /// Bind developer metadata to a tab.
    AddMetadata {
        /// The tab.
        tab: i64,
        /// The key.
        key: String,
        /// The value.
        value: String,
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
    pub formulas: BTreeMap<(u32, u32), String>,
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
    pub blocks: BTreeMap<String, Grid>,
}
