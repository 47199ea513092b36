//! Keyed tables: a cell is found by its row's key and its column's key, never by its address.
//!
//! A table is a block of cells that a named range of the table's own name finds. One of its rows,
//! normally the first, is the key row; some of its columns, normally the first, hold the row keys
//! and carry the key columns' names in the key row. Rows and columns without a key (labels,
//! headings, spacers) may stand anywhere inside. What cannot be found, or is found twice, is
//! reported and left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::a1;
use super::edit::{Grid, Observed};
use super::workbook::{Rect, Value};

/// What a table must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// The table's name, which is the name of its named range.
    pub name: String,
    /// The stable key of the tab that it stands on in the template, such as `data_months`.
    pub tab_key: String,
    /// The names of the key columns, in order; they stand in the key row too.
    pub key_columns: &'static [&'static str],
    /// The column keys besides the key columns, in the template's order.
    pub columns: Vec<String>,
    /// The row keys that must exist, for tables whose rows the template fixes; empty for tables
    /// that grow.
    pub rows: Vec<String>,
    /// Which of `columns` only repeat in words what a key says; an export leaves them out.
    pub labels: Vec<String>,
    /// Whether people own the cells (otherwise the whole tab is the daemon's).
    pub people: bool,
    /// In a people's table: which of `columns` the daemon fills (names, marks).
    pub own: Vec<String>,
    /// In a people's table: whether the daemon puts rows into it.
    pub grows: bool,
}

impl TableSpec {
    /// The named range of one column; characters that names cannot hold become `_`, so the column
    /// `2026-03` of `plan_company` is `plan_company__2026_03`.
    pub fn column_range(&self, column: &str) -> String {
        let column: String = column
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        format!("{}__{column}", self.name)
    }

    /// Every named range of the table: its own first, then key columns, then columns.
    pub fn ranges(&self) -> Vec<String> {
        let mut names = vec![self.name.clone()];
        names.extend(self.key_columns.iter().map(|key| self.column_range(key)));
        names.extend(self.columns.iter().map(|key| self.column_range(key)));
        names
    }
}

/// Why a cell, or a whole table, cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No named range of that name.
    #[error(
        "the named range `{table}` is gone, so its table cannot be found; name the block \
         `{table}` again (key row and key column included) or copy the template anew"
    )]
    TableMissing {
        /// The table.
        table: String,
    },
    /// No row of the block holds any of the column keys.
    #[error(
        "the table `{table}` has lost its key row ({place}); restore the hidden row that holds \
         {expected}"
    )]
    KeyRowMissing {
        /// The table.
        table: String,
        /// Where the block stands.
        place: String,
        /// Some of the keys that should stand there.
        expected: String,
    },
    /// A column key is nowhere in the key row.
    #[error(
        "the table `{table}` has lost its column `{column}` (key row {place}); restore the key in \
         the hidden key row or undo the deletion"
    )]
    ColumnMissing {
        /// The table.
        table: String,
        /// The column's key.
        column: String,
        /// Where the key row stands.
        place: String,
    },
    /// A column key stands there more than once.
    #[error(
        "the table `{table}` has the column key `{column}` at {place}; leave it in one column only"
    )]
    ColumnTwice {
        /// The table.
        table: String,
        /// The column's key.
        column: String,
        /// The cells that hold it.
        place: String,
    },
    /// A row key is nowhere in the key column.
    #[error(
        "the table `{table}` has lost its row `{row}` (block {place}); restore the key in the \
         hidden key column or undo the deletion"
    )]
    RowMissing {
        /// The table.
        table: String,
        /// The row's key.
        row: String,
        /// Where the block stands.
        place: String,
    },
    /// A row key stands there more than once.
    #[error("the table `{table}` has the row key `{row}` at {place}; leave it in one row only")]
    RowTwice {
        /// The table.
        table: String,
        /// The row's key.
        row: String,
        /// The cells that hold it.
        place: String,
    },
}

impl Fault {
    /// A stable code, such as `row_missing`.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::TableMissing { .. } => "table_missing",
            Fault::KeyRowMissing { .. } => "key_row_missing",
            Fault::ColumnMissing { .. } => "column_missing",
            Fault::ColumnTwice { .. } => "column_twice",
            Fault::RowMissing { .. } => "row_missing",
            Fault::RowTwice { .. } => "row_twice",
        }
    }

    /// The table it is about.
    pub fn table(&self) -> &str {
        match self {
            Fault::TableMissing { table }
            | Fault::KeyRowMissing { table, .. }
            | Fault::ColumnMissing { table, .. }
            | Fault::ColumnTwice { table, .. }
            | Fault::RowMissing { table, .. }
            | Fault::RowTwice { table, .. } => table,
        }
    }
}

/// The daemon's own tables that a file does not have any more: their name or their cells are gone.
pub fn lacking<'a>(observed: &Observed, specs: &'a [TableSpec]) -> Vec<&'a str> {
    let stands = |spec: &TableSpec| observed.blocks.contains_key(&spec.name);
    let own = specs.iter().filter(|spec| !spec.people);
    own.filter(|spec| !stands(spec))
        .map(|spec| spec.name.as_str())
        .collect()
}

/// Where a table's keys stand in the sheet now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// The tab.
    pub tab: i64,
    /// The row of the column keys, zero-based.
    pub key_row: u32,
    /// Sheet columns of the key columns, in the spec's order.
    pub key_columns: Vec<u32>,
    /// Sheet row of each row key; a key found twice is absent.
    pub rows: BTreeMap<Vec<String>, u32>,
    /// Sheet column of each column key, key columns not counted; a key found twice is absent.
    pub columns: BTreeMap<String, u32>,
}

impl Located {
    /// Finds the keys in a block as read. What is missing or doubled comes back as faults; the
    /// rest is usable.
    pub fn find(grid: &Grid, spec: &TableSpec) -> (Located, Vec<Fault>) {
        let mut faults = Vec::new();
        let Some(offset) = key_row_of(grid, spec) else {
            let mut expected: Vec<&str> = spec.columns.iter().take(3).map(String::as_str).collect();
            expected.push("…");
            faults.push(Fault::KeyRowMissing {
                table: spec.name.clone(),
                place: block_place(grid),
                expected: expected.join(", "),
            });
            return (Located::default(), faults);
        };
        let mut found = Located {
            tab: grid.tab,
            key_row: grid.row + offset,
            ..Located::default()
        };
        found.find_columns(grid, spec, offset, &mut faults);
        found.find_rows(grid, spec, offset, &mut faults);
        faults.sort();
        (found, faults)
    }

    /// Finds a table in what was observed: by its named range, then by its keys.
    pub fn observe(observed: &Observed, spec: &TableSpec) -> (Located, Vec<Fault>) {
        match observed.blocks.get(&spec.name) {
            Some(grid) => Located::find(grid, spec),
            None => (
                Located::default(),
                vec![Fault::TableMissing {
                    table: spec.name.clone(),
                }],
            ),
        }
    }

    /// The address of a cell: row and column, zero-based.
    pub fn cell<K: AsRef<str>>(&self, row: &[K], column: &str) -> Option<(u32, u32)> {
        let row: Vec<String> = row.iter().map(|key| key.as_ref().to_owned()).collect();
        Some((*self.rows.get(&row)?, *self.columns.get(column)?))
    }

    fn find_columns(&mut self, grid: &Grid, spec: &TableSpec, offset: u32, out: &mut Vec<Fault>) {
        let row = grid.row + offset;
        let mut places: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (index, value) in grid.row_values(offset).iter().enumerate() {
            let key = key_text(value);
            if !key.is_empty() {
                places
                    .entry(key)
                    .or_default()
                    .push(grid.column + index as u32);
            }
        }
        for (index, key) in spec.key_columns.iter().enumerate() {
            match places.get(*key).map(Vec::as_slice) {
                Some([one]) => self.key_columns.push(*one),
                Some(many) if many.len() > 1 => {
                    out.push(column_twice(spec, key, row, many));
                    self.key_columns.push(many.first().copied().unwrap_or(0));
                }
                // The corner's text is a convenience; without it the first columns hold the keys.
                _ => self.key_columns.push(grid.column + index as u32),
            }
        }
        for key in &spec.columns {
            match places.get(key).map(Vec::as_slice) {
                Some([one]) => {
                    self.columns.insert(key.clone(), *one);
                }
                Some(many) if many.len() > 1 => out.push(column_twice(spec, key, row, many)),
                _ => out.push(Fault::ColumnMissing {
                    table: spec.name.clone(),
                    column: key.clone(),
                    place: format!("row {}", row + 1),
                }),
            }
        }
    }

    fn find_rows(&mut self, grid: &Grid, spec: &TableSpec, offset: u32, out: &mut Vec<Fault>) {
        let mut places: BTreeMap<Vec<String>, Vec<u32>> = BTreeMap::new();
        for index in 0..grid.values.len() as u32 {
            if index == offset {
                continue;
            }
            let keys = grid.row_keys(index, &self.key_columns);
            if keys.first().is_some_and(|key| !key.is_empty()) {
                places.entry(keys).or_default().push(grid.row + index);
            }
        }
        let column = self.key_columns.first().copied().unwrap_or(0);
        for (keys, at) in places {
            if let [one] = at.as_slice() {
                self.rows.insert(keys, *one);
            } else {
                let cells: Vec<String> = at.iter().map(|row| a1::cell(*row, column)).collect();
                out.push(Fault::RowTwice {
                    table: spec.name.clone(),
                    row: keys.join(" / "),
                    place: cells.join(", "),
                });
            }
        }
        let doubled: BTreeSet<String> = out
            .iter()
            .filter_map(|fault| match fault {
                Fault::RowTwice { row, .. } => Some(row.clone()),
                _ => None,
            })
            .collect();
        for key in &spec.rows {
            let known = self.rows.contains_key(std::slice::from_ref(key));
            if !known && !doubled.contains(key) {
                out.push(Fault::RowMissing {
                    table: spec.name.clone(),
                    row: key.clone(),
                    place: block_place(grid),
                });
            }
        }
    }
}

impl Grid {
    /// The value at a sheet position; blank outside of what was read.
    pub fn at(&self, row: u32, column: u32) -> &Value {
        static BLANK: Value = Value::Blank;
        let inside = row
            .checked_sub(self.row)
            .zip(column.checked_sub(self.column))
            .and_then(|(r, c)| self.values.get(r as usize)?.get(c as usize));
        inside.unwrap_or(&BLANK)
    }

    fn row_values(&self, offset: u32) -> &[Value] {
        self.values
            .get(offset as usize)
            .map_or(&[], |row| row.as_slice())
    }

    fn row_keys(&self, offset: u32, key_columns: &[u32]) -> Vec<String> {
        key_columns
            .iter()
            .map(|column| key_text(self.at(self.row + offset, *column)))
            .collect()
    }
}

/// A key as text: `Text` trimmed, whole numbers without a point; anything else is no key.
pub fn key_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        _ => String::new(),
    }
}

/// The key row is the row that holds most of the column keys; a person who sorted the block with
/// its head moved it. Two rows with equally many are settled by the key columns' names, then by
/// the first.
fn key_row_of(grid: &Grid, spec: &TableSpec) -> Option<u32> {
    let wanted: BTreeSet<&str> = spec.columns.iter().map(String::as_str).collect();
    let mut best: Option<((usize, usize), u32)> = None;
    for (index, row) in grid.values.iter().enumerate() {
        let keys: BTreeSet<String> = row.iter().map(key_text).collect();
        let hits = keys
            .iter()
            .filter(|key| wanted.contains(key.as_str()))
            .count();
        let corners = spec
            .key_columns
            .iter()
            .filter(|key| keys.contains(**key))
            .count();
        if hits > 0 && best.is_none_or(|(score, _)| (hits, corners) > score) {
            best = Some(((hits, corners), index as u32));
        }
    }
    best.map(|(_, index)| index)
}

fn column_twice(spec: &TableSpec, key: &str, row: u32, at: &[u32]) -> Fault {
    let cells: Vec<String> = at.iter().map(|column| a1::cell(row, *column)).collect();
    Fault::ColumnTwice {
        table: spec.name.clone(),
        column: key.to_owned(),
        place: cells.join(", "),
    }
}

fn block_place(grid: &Grid) -> String {
    let width = grid.values.iter().map(Vec::len).max().unwrap_or(0).max(1) as u32;
    a1::range(Rect {
        row_start: grid.row,
        row_end: grid.row + (grid.values.len() as u32).max(1),
        column_start: grid.column,
        column_end: grid.column + width,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec() -> TableSpec {
        TableSpec {
            name: "plan_company".into(),
            tab_key: "plan".into(),
            key_columns: &["key"],
            columns: vec!["2026-01".into(), "2026-02".into(), "2026".into()],
            rows: vec!["revenue".into(), "deals_won".into()],
            labels: vec![],
            people: true,
            own: Vec::new(),
            grows: false,
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// Key row, a heading without key, two rows with values that name their place.
    fn block() -> Vec<Vec<Value>> {
        vec![
            vec![
                text("key"),
                Value::Blank,
                text("2026-01"),
                text("2026-02"),
                Value::Number(2026.0),
            ],
            vec![
                Value::Blank,
                text("Показатель"),
                text("янв"),
                text("фев"),
                text("Год"),
            ],
            vec![
                text("revenue"),
                text("Выручка"),
                text("r1"),
                text("r2"),
                text("ry"),
            ],
            vec![
                text("deals_won"),
                text("Сделки"),
                text("d1"),
                text("d2"),
                text("dy"),
            ],
        ]
    }

    fn grid(values: Vec<Vec<Value>>) -> Grid {
        Grid {
            tab: 7,
            row: 3,
            column: 2,
            values,
            ..Grid::default()
        }
    }

    fn read(grid: &Grid) -> (Vec<String>, Vec<Fault>) {
        let (located, faults) = Located::find(grid, &spec());
        let mut seen = Vec::new();
        for row in ["revenue", "deals_won"] {
            for column in ["2026-01", "2026-02", "2026"] {
                seen.push(match located.cell(&[row], column) {
                    Some((r, c)) => key_text(grid.at(r, c)),
                    None => "-".into(),
                });
            }
        }
        (seen, faults)
    }

    #[test]
    fn finds_cells_by_keys_with_labels_inside_the_block() {
        let grid = grid(block());
        let (seen, faults) = read(&grid);
        assert_eq!(seen, ["r1", "r2", "ry", "d1", "d2", "dy"]);
        assert!(faults.is_empty());
        let (located, _) = Located::find(&grid, &spec());
        assert_eq!(located.cell(&["revenue"], "2026-01"), Some((5, 4)));
        assert_eq!(located.key_row, 3);
    }

    #[test]
    fn doubled_and_vanished_keys_are_reported_never_guessed() {
        let mut rows = block();
        rows.push(rows[2].clone());
        rows[0][3] = text("2026-01");
        let (seen, faults) = read(&grid(rows));
        assert_eq!(seen, ["-", "-", "-", "-", "-", "dy"]);
        let codes: Vec<&str> = faults.iter().map(Fault::code).collect();
        assert_eq!(codes, ["column_missing", "column_twice", "row_twice"]);

        let mut rows = block();
        rows.remove(3);
        let (_, faults) = read(&grid(rows));
        assert!(
            matches!(&faults[..], [Fault::RowMissing { row, .. }] if row == "deals_won"),
            "{faults:?}"
        );

        let mut rows = block();
        rows.remove(0);
        let (_, faults) = read(&grid(rows));
        assert_eq!(faults[0].code(), "key_row_missing");
    }

    proptest! {
        #[test]
        fn inserts_and_permutations_do_not_misplace_a_cell(
            row_order in Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(),
            column_order in Just((0..5usize).collect::<Vec<_>>()).prop_shuffle(),
            blank_rows in prop::collection::vec(0usize..6, 0..4),
            blank_columns in prop::collection::vec(0usize..7, 0..4),
            (row, column) in (0u32..50, 0u32..50),
        ) {
            let source = block();
            let mut values: Vec<Vec<Value>> = row_order
                .iter()
                .map(|r| column_order.iter().map(|c| source[*r][*c].clone()).collect())
                .collect();
            for at in blank_rows {
                let at = at.min(values.len());
                values.insert(at, vec![Value::Blank; 5]);
            }
            for at in blank_columns {
                for line in &mut values {
                    let at = at.min(line.len());
                    line.insert(at, Value::Blank);
                }
            }
            let grid = Grid { tab: 7, row, column, values, ..Grid::default() };
            let (seen, faults) = read(&grid);
            prop_assert_eq!(seen, vec!["r1", "r2", "ry", "d1", "d2", "dy"]);
            prop_assert!(faults.is_empty());
        }
    }
}
