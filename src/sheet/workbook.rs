//! The model of one spreadsheet file.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Characters that a cell holds, as Google counts them: UTF-16 code units.
pub const TEXT_MAX: usize = 50_000;
/// Cells that a spreadsheet holds, all tabs together, empty ones counted.
pub const FILE_CELLS_MAX: u64 = 10_000_000;
/// Ends a text that was cut.
const CUT: char = '…';

/// A text that a cell holds: one that is too long is cut and ends with a mark.
pub fn fitting(text: &str) -> Cow<'_, str> {
    // Never fewer bytes than code units.
    if text.len() <= TEXT_MAX || text.encode_utf16().count() <= TEXT_MAX {
        return Cow::Borrowed(text);
    }
    let mut left = TEXT_MAX - CUT.len_utf16();
    let fits = |c: &char| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push(CUT);
    Cow::Owned(cut)
}

/// What a cell holds or shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing. Blank is not zero.
    #[default]
    Blank,
    /// A number; dates and instants are serial days since 1899-12-30 with a number format.
    Number(f64),
    /// Text, kept as it is: a leading `=` does not make it a formula.
    Text(String),
    /// A truth value; with [`Validation::Checkbox`] it shows as a tick box.
    Bool(bool),
    /// A formula's error, such as `#REF!`.
    Error(String),
}

/// Rows `row_start..row_end` and columns `column_start..column_end`, zero-based, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rect {
    /// First row.
    pub row_start: u32,
    /// Row after the last.
    pub row_end: u32,
    /// First column.
    pub column_start: u32,
    /// Column after the last.
    pub column_end: u32,
}

/// A rectangle on a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// The tab's id (Google's sheetId), stable when the tab is renamed or the file copied.
    pub tab: i64,
    /// The rectangle.
    pub rect: Rect,
}

/// A colour, red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color(pub u8, pub u8, pub u8);

/// Horizontal alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Align {
    /// Left.
    Left,
    /// Centre.
    Center,
    /// Right.
    Right,
}

/// What kind of number a number format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// Number.
    Number,
    /// Percent.
    Percent,
    /// Currency.
    Currency,
    /// Date.
    Date,
    /// Date and time.
    DateTime,
    /// Text.
    Text,
}

/// Width of a column that nobody changed, pixels.
pub const COLUMN_WIDTH: u32 = 100;
/// Height of a row that nobody changed, pixels.
pub const ROW_HEIGHT: u32 = 21;

/// A line on one side of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Border {
    /// Its colour.
    pub color: Color,
    /// 1 thin, 2 medium, 3 thick.
    pub width: u8,
}

/// How a cell looks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Format {
    /// Number format and its pattern, such as `#,##0`.
    pub number: Option<(NumberKind, String)>,
    /// Background.
    pub background: Option<Color>,
    /// Text colour.
    pub color: Option<Color>,
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Font size, points.
    pub size: Option<u8>,
    /// Font family.
    pub font: Option<String>,
    /// Horizontal alignment.
    pub align: Option<Align>,
    /// Vertical alignment: true for the middle (the default is the bottom).
    pub middle: bool,
    /// Wrap long text (otherwise it overflows).
    pub wrap: bool,
    /// Left padding, pixels.
    pub indent: Option<u8>,
    /// Borders: top, right, bottom, left.
    pub borders: [Option<Border>; 4],
}

/// What may be typed into a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Validation {
    /// A tick box.
    Checkbox,
    /// One of these, shown as a drop-down.
    OneOf(Vec<String>),
    /// One of the cells of this range, in A1 or the name of a named range, as a drop-down.
    FromRange(String),
    /// A number of at least this; the message helps the person; never strict (the daemon judges).
    NumberAtLeast(f64, String),
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// The typed value, or for a formula cell the value it shows (blank in a template).
    pub value: Value,
    /// The formula with its leading `=`, English function names, `;` between arguments.
    pub formula: Option<String>,
    /// How it looks.
    pub format: Format,
    /// A note.
    pub note: Option<String>,
    /// What may be typed.
    pub validation: Option<Validation>,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesKind {
    /// Columns (or bars in a bar chart).
    Column,
    /// A line.
    Line,
}

/// One series of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its values; one column, the first cell being the header (the series' name).
    pub values: Area,
    /// How it is drawn.
    pub kind: SeriesKind,
    /// Its colour.
    pub color: Color,
    /// Dashed line.
    pub dashed: bool,
    /// A line of half the usual width.
    pub thin: bool,
    /// Points on the line.
    pub points: bool,
}

/// A chart's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChartKind {
    /// Columns and lines over categories.
    Combo,
    /// Horizontal bars.
    Bar,
}

/// A chart floating over a tab.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Google's chart id; set in a template so that a second publish can name it.
    pub id: i64,
    /// Kind.
    pub kind: ChartKind,
    /// Title.
    pub title: String,
    /// Subtitle.
    pub subtitle: String,
    /// Category labels; one column, the first cell being the header.
    pub categories: Area,
    /// Series in drawing order.
    pub series: Vec<Series>,
    /// Number pattern of the value axis, such as `#,##0`; empty: from the source.
    pub axis_format: String,
    /// The cell whose corner it hangs on: row, column.
    pub anchor: (u32, u32),
    /// Offset from that corner, pixels: x, y.
    pub offset: (u32, u32),
    /// Size, pixels: width, height.
    pub size: (u32, u32),
}

/// A format that applies while a formula holds. Read from a sheet, a rule of another kind (a colour
/// scale, a built-in condition) is one without ranges and formula: it keeps its place in the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conditional {
    /// Where; the formula is relative to the first cell of the first rectangle.
    pub ranges: Vec<Rect>,
    /// Custom formula with its leading `=`, `;` between arguments.
    pub formula: String,
    /// The format; only colours, bold and italic count.
    pub format: Format,
}

/// A protected part of a tab, or the whole tab.
#[derive(Debug, Clone, PartialEq)]
pub struct Protection {
    /// Google's id; 0 in a template.
    pub id: i64,
    /// The rectangle; none for the whole tab.
    pub rect: Option<Rect>,
    /// What it is for, shown to people and used to find it again.
    pub description: String,
    /// Only warn, never refuse.
    pub warning_only: bool,
}

/// The tab of a named range whose cells were all deleted: the name stands and names nothing.
pub const NOWHERE: i64 = -1;

/// A named range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRange {
    /// Google's id; empty in a template.
    pub id: String,
    /// The name, such as `months__revenue`.
    pub name: String,
    /// What it names.
    pub area: Area,
}

/// One tab.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tab {
    /// Google's sheetId; fixed by the template and kept by copies.
    pub id: i64,
    /// The title that people see.
    pub title: String,
    /// Rows of the grid.
    pub rows: u32,
    /// Columns of the grid.
    pub columns: u32,
    /// Frozen rows at the top.
    pub frozen_rows: u32,
    /// Frozen columns at the left.
    pub frozen_columns: u32,
    /// Hidden from readers.
    pub hidden: bool,
    /// Gridlines are not drawn.
    pub no_gridlines: bool,
    /// Colour of the tab's handle.
    pub color: Option<Color>,
    /// Cells that differ from empty, by row and column.
    pub cells: BTreeMap<(u32, u32), Cell>,
    /// Column widths that differ from the default, pixels.
    pub column_widths: BTreeMap<u32, u32>,
    /// Row heights that differ from the default, pixels.
    pub row_heights: BTreeMap<u32, u32>,
    /// Hidden columns.
    pub hidden_columns: Vec<u32>,
    /// Hidden rows.
    pub hidden_rows: Vec<u32>,
    /// Merged cells.
    pub merges: Vec<Rect>,
    /// Charts.
    pub charts: Vec<Chart>,
    /// Conditional formats, the first that holds wins.
    pub conditional: Vec<Conditional>,
    /// Protections.
    pub protections: Vec<Protection>,
    /// Developer metadata bound to the tab: key, value.
    pub metadata: Vec<(String, String)>,
}

/// One spreadsheet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workbook {
    /// The file's title.
    pub title: String,
    /// Locale such as `ru_RU`.
    pub locale: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Tabs from left to right.
    pub tabs: Vec<Tab>,
    /// Named ranges.
    pub names: Vec<NamedRange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_with_a_mark() {
        let units = |text: &str| text.encode_utf16().count();
        for (character, most) in [("я", 50_000), ("a", 50_000), ("😀", 25_000)] {
            let whole = character.repeat(most);
            assert!(matches!(fitting(&whole), Cow::Borrowed(_)), "{character}");
            let cut = fitting(&character.repeat(most + 1)).into_owned();
            assert!(cut.ends_with('…') && units(&cut) <= TEXT_MAX, "{character}");
            assert!(units(&cut) >= TEXT_MAX - 1, "{character}");
            assert!(
                matches!(fitting(&cut), Cow::Borrowed(_)),
                "cut once, it fits"
            );
        }
    }
}
