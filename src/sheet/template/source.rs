//! The language of the template sources: what the TOML files under `templates/` may say.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `templates/style.toml`: colours, styles, chart roles, macros.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StyleFile {
    /// The font of every cell.
    pub(super) font: String,
    /// Colours by name, `#rrggbb`.
    pub(super) colors: BTreeMap<String, String>,
    /// Styles by name; a cell names one or more, later ones win.
    pub(super) styles: BTreeMap<String, StyleDef>,
    /// How a chart's series look, by what they mean.
    pub(super) roles: BTreeMap<String, RoleDef>,
    /// Pieces of formulas by name: `@name(a;b)` becomes the text with `{1}`, `{2}` replaced.
    pub(super) macros: BTreeMap<String, String>,
}

/// A style.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StyleDef {
    pub(super) size: Option<u8>,
    pub(super) bold: Option<bool>,
    pub(super) italic: Option<bool>,
    pub(super) color: Option<String>,
    pub(super) background: Option<String>,
    /// `left`, `center`, `right`.
    pub(super) align: Option<String>,
    pub(super) middle: Option<bool>,
    pub(super) wrap: Option<bool>,
    pub(super) indent: Option<u8>,
    /// Name of a number format: `count`, `money`, `percent`, …
    pub(super) number: Option<String>,
    /// Borders as `"bottom line"` or `"top right line 2"`: sides, colour, width.
    pub(super) border: Vec<String>,
}

/// A chart role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleDef {
    pub(super) color: String,
    /// `column` or `line`.
    pub(super) kind: String,
    #[serde(default)]
    pub(super) dashed: bool,
    #[serde(default)]
    pub(super) thin: bool,
    #[serde(default)]
    pub(super) points: bool,
}

/// One tab.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TabFile {
    pub(super) id: i64,
    /// The stable key; the title is the text `tab_{key}`, or the key itself without such a text.
    pub(super) key: String,
    pub(super) rows: u32,
    pub(super) columns: u32,
    #[serde(default)]
    pub(super) frozen_rows: u32,
    #[serde(default)]
    pub(super) frozen_columns: u32,
    #[serde(default)]
    pub(super) hidden: bool,
    #[serde(default)]
    pub(super) gridlines: bool,
    #[serde(default)]
    pub(super) color: Option<String>,
    /// Column widths in pixels: `"B:D" = 80`.
    #[serde(default)]
    pub(super) widths: BTreeMap<String, u32>,
    /// Row heights in pixels: `"3" = 30`, `"5:9" = 24`.
    #[serde(default)]
    pub(super) heights: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) hide_columns: Vec<String>,
    #[serde(default)]
    pub(super) hide_rows: Vec<String>,
    /// Named ranges on this tab: `leads_year = "R4"`.
    #[serde(default)]
    pub(super) names: BTreeMap<String, String>,
    /// Named ranges of the tables on this tab are derived from the block's key row and column.
    #[serde(default)]
    pub(super) tables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) fill: Vec<FillDef>,
    #[serde(default)]
    pub(super) cell: Vec<CellDef>,
    #[serde(default)]
    pub(super) rows_of: Vec<RowsDef>,
    #[serde(default)]
    pub(super) card: Vec<CardDef>,
    #[serde(default)]
    pub(super) chart: Vec<ChartDef>,
    #[serde(default)]
    pub(super) when: Vec<WhenDef>,
    #[serde(default)]
    pub(super) protect: Vec<ProtectDef>,
}

/// A style over ranges.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FillDef {
    pub(super) at: Vec<String>,
    pub(super) style: String,
}

/// One cell, or one merged range.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CellDef {
    /// The cell, or a range that is merged.
    pub(super) at: String,
    /// `=formula`, or text in which `{t:key}` stands for the text of that key.
    #[serde(default)]
    pub(super) is: String,
    #[serde(default)]
    pub(super) number: Option<f64>,
    #[serde(default)]
    pub(super) style: String,
    /// A note's text.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// A drop-down of a named range.
    #[serde(default)]
    pub(super) choice: Option<String>,
    /// A tick box, not ticked.
    #[serde(default)]
    pub(super) checkbox: bool,
}

/// Rows alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsDef {
    /// The first row, from 1.
    pub(super) from: u32,
    #[serde(default)]
    pub(super) count: u32,
    /// What the rows stand for, one a row; `{each}` is the row's own, inside other placeholders too.
    /// With it `count` may be left out.
    #[serde(default)]
    pub(super) each: Vec<String>,
    /// Rows per step (an item may take more than one row).
    #[serde(default = "one")]
    pub(super) step: u32,
    /// The first row of the rows that these show; `{src}` counts on from it.
    #[serde(default)]
    pub(super) src: u32,
    /// Cells by column; `{row}`, `{i}`, `{mm}` and `{prev}` stand for numbers.
    #[serde(default)]
    pub(super) cells: BTreeMap<String, String>,
    /// Styles by column or columns.
    #[serde(default)]
    pub(super) styles: BTreeMap<String, String>,
    /// Columns merged in each row, such as `"B:F"`.
    #[serde(default)]
    pub(super) merge: Vec<String>,
    /// Height of each row, pixels.
    #[serde(default)]
    pub(super) height: Option<u32>,
    /// Columns in which a number of at least 0 is expected.
    #[serde(default)]
    pub(super) at_least_zero: Vec<String>,
}

fn one() -> u32 {
    1
}

/// A card: a label, a large figure, a line under it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardDef {
    /// Columns and first row: `"B6:C"`; the card takes three rows.
    pub(super) at: String,
    pub(super) label: String,
    pub(super) value: String,
    #[serde(default)]
    pub(super) sub: String,
    /// Style of the figure, such as `money`.
    pub(super) style: String,
    /// A cell with a ratio that colours the figure: met, near, missed.
    #[serde(default)]
    pub(super) ratio: Option<String>,
}

/// A chart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChartDef {
    pub(super) id: i64,
    /// `combo` or `bar`.
    pub(super) kind: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) subtitle: String,
    pub(super) at: String,
    #[serde(default)]
    pub(super) offset: (u32, u32),
    pub(super) size: (u32, u32),
    pub(super) categories: String,
    /// Name of the axis' number format.
    #[serde(default)]
    pub(super) axis: String,
    pub(super) series: Vec<SeriesDef>,
}

/// A series.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesDef {
    pub(super) values: String,
    pub(super) role: String,
}

/// A conditional format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenDef {
    pub(super) at: Vec<String>,
    pub(super) formula: String,
    pub(super) style: String,
}

/// A protection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProtectDef {
    /// A range; the whole tab without one.
    #[serde(default)]
    pub(super) at: Option<String>,
    pub(super) why: String,
    #[serde(default)]
    pub(super) warning_only: bool,
}
