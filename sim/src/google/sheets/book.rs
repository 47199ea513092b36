//! The spreadsheet in memory: tabs, cells, and the objects that hang on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::a1::{GridRange, Rect, number_of};
use super::normal::default_theme;
pub(crate) use super::normal::{default_format, is_grid_like, normalise, number_json};
use crate::google::http::{Answer, ApiError};

/// Cells a workbook may have.
pub(crate) const MAX_CELLS: u64 = 10_000_000;
/// Characters a cell may have.
pub(crate) const MAX_CELL_CHARS: usize = 50_000;
/// Columns a tab may have.
pub(crate) const MAX_COLUMNS: u32 = 18_278;

/// What a person or a program put into a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entered {
    Number(f64),
    Text(String),
    Bool(bool),
    Formula(String),
}

/// An error value, in Google's type and words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellError {
    /// `DIVIDE_BY_ZERO` and its like.
    pub(crate) kind: &'static str,
    /// `#DIV/0!` and its like.
    pub(crate) shown: &'static str,
    pub(crate) message: String,
}

/// What a cell comes to.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) enum Effective {
    #[default]
    Blank,
    Number(f64),
    Text(String),
    Bool(bool),
    Error(CellError),
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) entered: Option<Entered>,
    pub(crate) effective: Effective,
    pub(crate) format: Option<Arc<Value>>,
    pub(crate) note: Option<String>,
    pub(crate) validation: Option<Arc<Value>>,
    /// Text runs, chips and other fields that are kept as they came.
    pub(crate) extra: Option<Arc<Value>>,
    /// Number format that the formula's result brings along.
    pub(crate) result_format: Option<(String, String)>,
    /// The target of a HYPERLINK formula.
    pub(crate) link: Option<String>,
}

impl Cell {
    pub(crate) fn is_empty(&self) -> bool {
        self.entered.is_none()
            && self.effective == Effective::Blank
            && self.format.is_none()
            && self.note.is_none()
            && self.validation.is_none()
            && self.extra.is_none()
    }

    /// Whether the cell shows a value.
    pub(crate) fn has_value(&self) -> bool {
        self.entered.is_some() || self.effective != Effective::Blank
    }

    /// Puts a value in and sets what a constant comes to at once.
    pub(crate) fn enter(&mut self, value: Option<Entered>) {
        self.result_format = None;
        self.link = None;
        self.effective = match &value {
            None => Effective::Blank,
            Some(Entered::Number(n)) => Effective::Number(*n),
            Some(Entered::Text(t)) => Effective::Text(t.clone()),
            Some(Entered::Bool(b)) => Effective::Bool(*b),
            // Until the engine has computed it.
            Some(Entered::Formula(_)) => Effective::Blank,
        };
        self.entered = value;
    }

    /// The number format's type and pattern that is in force, if any.
    pub(crate) fn number_format(&self) -> Option<(String, String)> {
        let own = self
            .format
            .as_ref()
            .and_then(|f| f.get("numberFormat"))
            .map(|nf| {
                let part = |k: &str| nf.get(k).and_then(Value::as_str).unwrap_or("").to_owned();
                (part("type"), part("pattern"))
            });
        own.or_else(|| self.result_format.clone())
    }
}

/// What is known of one row or column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dim {
    pub(crate) pixels: Option<u32>,
    pub(crate) hidden: bool,
}

/// A group of rows or columns that can be folded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) depth: u32,
    pub(crate) collapsed: bool,
}

/// One tab.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) id: i64,
    /// `SheetProperties` as answered.
    pub(crate) props: Value,
    pub(crate) cells: BTreeMap<(u32, u32), Cell>,
    pub(crate) row_dims: BTreeMap<u32, Dim>,
    pub(crate) col_dims: BTreeMap<u32, Dim>,
    pub(crate) merges: Vec<Rect>,
    pub(crate) charts: Vec<Value>,
    pub(crate) conditional: Vec<Value>,
    pub(crate) protected: Vec<Value>,
    pub(crate) banded: Vec<Value>,
    pub(crate) filter: Option<Value>,
    pub(crate) filter_views: Vec<Value>,
    pub(crate) slicers: Vec<Value>,
    pub(crate) tables: Vec<Value>,
    pub(crate) row_groups: Vec<Group>,
    pub(crate) col_groups: Vec<Group>,
}

impl Sheet {
    pub(crate) fn new(id: i64, title: &str, rows: u32, cols: u32) -> Sheet {
        Sheet {
            id,
            props: json!({
                "sheetId": id, "title": title, "index": 0, "sheetType": "GRID",
                "gridProperties": {"rowCount": rows, "columnCount": cols},
            }),
            cells: BTreeMap::new(),
            row_dims: BTreeMap::new(),
            col_dims: BTreeMap::new(),
            merges: Vec::new(),
            charts: Vec::new(),
            conditional: Vec::new(),
            protected: Vec::new(),
            banded: Vec::new(),
            filter: None,
            filter_views: Vec::new(),
            slicers: Vec::new(),
            tables: Vec::new(),
            row_groups: Vec::new(),
            col_groups: Vec::new(),
        }
    }

    pub(crate) fn title(&self) -> &str {
        self.props
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or("")
    }

    fn grid_number(&self, key: &str) -> u32 {
        self.props
            .get("gridProperties")
            .and_then(|g| g.get(key))
            .and_then(number_of)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    }

    pub(crate) fn rows(&self) -> u32 {
        self.grid_number("rowCount")
    }

    pub(crate) fn cols(&self) -> u32 {
        self.grid_number("columnCount")
    }

    /// Whether the tab has cells; otherwise it holds one chart.
    pub(crate) fn is_grid(&self) -> bool {
        self.props.get("sheetType").and_then(Value::as_str) != Some("OBJECT")
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.props
            .get("hidden")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    pub(crate) fn set_size(&mut self, rows: u32, cols: u32) {
        if let Some(Value::Object(g)) = self.props.get_mut("gridProperties") {
            g.insert("rowCount".into(), rows.into());
            g.insert("columnCount".into(), cols.into());
        }
    }

    /// Makes the grid at least that large.
    pub(crate) fn grow(&mut self, rows: u32, cols: u32) {
        let (r, c) = (self.rows().max(rows), self.cols().max(cols));
        if (r, c) != (self.rows(), self.cols()) {
            self.set_size(r, c);
        }
    }

    /// The cells of a block, row by row.
    pub(crate) fn block(&self, rect: Rect) -> impl Iterator<Item = ((u32, u32), &Cell)> {
        self.cells
            .range((rect.r0, 0)..(rect.r1.max(rect.r0), 0))
            .filter(move |((_, c), _)| (rect.c0..rect.c1).contains(c))
            .map(|(at, cell)| (*at, cell))
    }

    /// The smallest block that holds every value of a block; `None` where there is none.
    pub(crate) fn filled(&self, rect: Rect) -> Option<Rect> {
        let mut found: Option<Rect> = None;
        for ((r, c), _) in self.block(rect).filter(|(_, cell)| cell.has_value()) {
            let seen = found.unwrap_or(Rect {
                r0: r,
                c0: c,
                r1: r + 1,
                c1: c + 1,
            });
            found = Some(Rect {
                r0: seen.r0.min(r),
                c0: seen.c0.min(c),
                r1: seen.r1.max(r + 1),
                c1: seen.c1.max(c + 1),
            });
        }
        found
    }

    /// Changes a cell, dropping it when nothing is left in it.
    pub(crate) fn edit(&mut self, at: (u32, u32), change: impl FnOnce(&mut Cell)) {
        let cell = self.cells.entry(at).or_default();
        change(cell);
        if cell.is_empty() {
            self.cells.remove(&at);
        }
    }

    /// The extent of cells that hold a value: rows and columns.
    pub(crate) fn used(&self) -> (u32, u32) {
        let mut rows = 0;
        let mut cols = 0;
        for ((r, c), cell) in &self.cells {
            if cell.has_value() {
                rows = rows.max(r + 1);
                cols = cols.max(c + 1);
            }
        }
        (rows, cols)
    }

    pub(crate) fn whole(&self) -> Rect {
        Rect {
            r0: 0,
            c0: 0,
            r1: self.rows(),
            c1: self.cols(),
        }
    }

    pub(crate) fn dims(&self, rows: bool) -> &BTreeMap<u32, Dim> {
        if rows { &self.row_dims } else { &self.col_dims }
    }

    pub(crate) fn dims_mut(&mut self, rows: bool) -> &mut BTreeMap<u32, Dim> {
        if rows {
            &mut self.row_dims
        } else {
            &mut self.col_dims
        }
    }

    pub(crate) fn groups_mut(&mut self, rows: bool) -> &mut Vec<Group> {
        if rows {
            &mut self.row_groups
        } else {
            &mut self.col_groups
        }
    }
}

/// A named range.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) range: GridRange,
}

/// Where developer metadata is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Spreadsheet,
    Sheet(i64),
    /// One row or column.
    Line {
        sheet: i64,
        rows: bool,
        at: u32,
    },
}

/// A piece of developer metadata.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) id: i64,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) visibility: String,
    pub(crate) place: Place,
}

/// A comment thread, as answered, and the cell that it is anchored at.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) body: Value,
    pub(crate) place: GridRange,
}

impl Thread {
    fn text(&self, key: &str) -> &str {
        self.body.get(key).and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn id(&self) -> &str {
        self.text("commentId")
    }

    pub(crate) fn anchor(&self) -> &str {
        self.text("anchorId")
    }
}

/// What the engine has to be told after a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty {
    /// The structure changed: read everything anew.
    pub(crate) all: bool,
    /// Values changed: sheet id, row, column.
    pub(crate) cells: Vec<(i64, u32, u32)>,
}

/// A spreadsheet.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) id: String,
    /// `SpreadsheetProperties` as answered.
    pub(crate) props: Value,
    pub(crate) sheets: Vec<Arc<Sheet>>,
    pub(crate) named: Vec<Named>,
    pub(crate) metadata: Vec<Metadata>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) dirty: Dirty,
    /// Source of ids that look random and repeat from run to run.
    seed: u64,
}

impl Book {
    pub(crate) fn new(id: &str, title: &str, locale: &str, time_zone: &str) -> Book {
        let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Book {
            id: id.to_owned(),
            props: json!({
                "title": title, "locale": locale, "autoRecalc": "ON_CHANGE",
                "timeZone": time_zone, "defaultFormat": default_format(),
                "spreadsheetTheme": default_theme(),
            }),
            sheets: vec![Arc::new(Sheet::new(0, "Sheet1", 1000, 26))],
            named: Vec::new(),
            metadata: Vec::new(),
            threads: Vec::new(),
            dirty: Dirty::default(),
            seed,
        }
    }

    /// A copy under another id and title.
    pub(crate) fn copy(&self, id: &str, title: &str) -> Book {
        let mut copy = self.clone();
        copy.id = id.to_owned();
        copy.set_title(title);
        // Comments are not copied unless asked for.
        copy.threads.clear();
        copy.seed ^= 0x9e37_79b9_7f4a_7c15;
        copy.dirty = Dirty {
            all: true,
            cells: Vec::new(),
        };
        copy
    }

    pub(crate) fn set_title(&mut self, title: &str) {
        if let Some(m) = self.props.as_object_mut() {
            m.insert("title".into(), title.into());
        }
    }

    fn text_prop(&self, key: &str) -> &str {
        self.props.get(key).and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn title(&self) -> &str {
        self.text_prop("title")
    }

    pub(crate) fn locale(&self) -> &str {
        self.text_prop("locale")
    }

    pub(crate) fn time_zone(&self) -> &str {
        self.text_prop("timeZone")
    }

    /// A new positive 31-bit id that nothing in the book has.
    pub(crate) fn fresh_id(&mut self) -> i64 {
        loop {
            self.seed = self
                .seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let id = i64::from((self.seed >> 33) as u32 & 0x7fff_ffff);
            if id > 0 && !self.id_is_taken(id) {
                return id;
            }
        }
    }

    pub(crate) fn id_is_taken(&self, id: i64) -> bool {
        let has = |list: &[Value], key: &str| {
            list.iter()
                .any(|o| o.get(key).and_then(number_of) == Some(id))
        };
        self.metadata.iter().any(|m| m.id == id)
            || self.named.iter().any(|n| n.id == id.to_string())
            || self.sheets.iter().any(|s| {
                s.id == id
                    || has(&s.charts, "chartId")
                    || has(&s.protected, "protectedRangeId")
                    || has(&s.banded, "bandedRangeId")
                    || has(&s.filter_views, "filterViewId")
                    || has(&s.slicers, "slicerId")
                    || s.tables
                        .iter()
                        .any(|t| t.get("tableId").and_then(Value::as_str) == Some(&*id.to_string()))
            })
    }

    pub(crate) fn sheet(&self, id: i64) -> Answer<&Arc<Sheet>> {
        self.sheets
            .iter()
            .find(|s| s.id == id)
            .ok_or_else(|| ApiError::invalid(format!("No grid with id: {id}")))
    }

    pub(crate) fn sheet_mut(&mut self, id: i64) -> Answer<&mut Sheet> {
        self.sheets
            .iter_mut()
            .find(|s| s.id == id)
            .map(Arc::make_mut)
            .ok_or_else(|| ApiError::invalid(format!("No grid with id: {id}")))
    }

    pub(crate) fn sheet_by_title(&self, title: &str) -> Option<&Arc<Sheet>> {
        self.sheets.iter().find(|s| s.title() == title).or_else(|| {
            let lower = title.to_lowercase();
            self.sheets
                .iter()
                .find(|s| s.title().to_lowercase() == lower)
        })
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Named> {
        self.named
            .iter()
            .find(|n| n.name.eq_ignore_ascii_case(name))
    }

    /// Numbers the tabs from zero again.
    pub(crate) fn renumber(&mut self) {
        for (i, sheet) in self.sheets.iter_mut().enumerate() {
            let index = Value::from(i);
            if sheet.props.get("index") != Some(&index)
                && let Some(m) = Arc::make_mut(sheet).props.as_object_mut()
            {
                m.insert("index".into(), index);
            }
        }
    }

    /// The block of a grid range.
    ///
    /// # Errors
    /// The tab does not exist, or the range lies outside of the grid.
    pub(crate) fn rect(&self, range: &GridRange) -> Answer<Rect> {
        let sheet = self.sheet(range.sheet)?;
        let rect = range.bound(sheet.rows(), sheet.cols());
        let beyond = range.r0.is_some_and(|r| r >= sheet.rows())
            || range.c0.is_some_and(|c| c >= sheet.cols())
            || range.r1.is_some_and(|r| r > sheet.rows())
            || range.c1.is_some_and(|c| c > sheet.cols());
        if beyond {
            return Err(ApiError::invalid(format!(
                "GridRange ({}) exceeds grid limits. Max rows: {}, max columns: {}",
                sheet.title(),
                sheet.rows(),
                sheet.cols()
            )));
        }
        if rect.rows() == 0 || rect.cols() == 0 {
            return Err(ApiError::invalid("Range must not be empty."));
        }
        Ok(rect)
    }

    /// Notes that a cell's value changed.
    pub(crate) fn touch(&mut self, sheet: i64, at: (u32, u32)) {
        self.dirty.cells.push((sheet, at.0, at.1));
    }

    pub(crate) fn touch_all(&mut self) {
        self.dirty.all = true;
    }

    /// Cells of all grids together.
    pub(crate) fn cell_budget(&self) -> u64 {
        self.sheets
            .iter()
            .map(|s| u64::from(s.rows()) * u64::from(s.cols()))
            .sum()
    }

    /// # Errors
    /// The grids together have more cells than a workbook may have.
    pub(crate) fn check_budget(&self) -> Answer<()> {
        if self.cell_budget() > MAX_CELLS {
            return Err(ApiError::invalid(
                "This action would increase the number of cells in the workbook above the limit \
                 of 10000000 cells.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_fresh_and_repeatable() {
        let ids = |b: &mut Book| (0..3).map(|_| b.fresh_id()).collect::<Vec<_>>();
        let first = ids(&mut Book::new("x", "t", "en_US", "Etc/GMT"));
        assert_eq!(first, ids(&mut Book::new("x", "t", "en_US", "Etc/GMT")));
        assert_ne!(first, ids(&mut Book::new("y", "t", "en_US", "Etc/GMT")));
    }
}
