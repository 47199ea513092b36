//! Observed × desired → ordered edits: the fewest rectangles that make a table what it should be.

pub mod memory;

use std::collections::BTreeMap;

use super::edit::{Edit, Grid, Observed};
use super::table::{Fault, Located, TableSpec, key_text};
use super::workbook::{Area, NamedRange, Rect, Value};
use crate::domain::plan::CellKey;

/// One row of a data table as it should be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DesiredRow {
    /// Its keys, one a key column.
    pub keys: Vec<String>,
    /// Its values, in the order of [`TableSpec::columns`]; a missing tail is blank.
    pub values: Vec<Value>,
}

/// A data table as it should be: all rows, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DesiredTable {
    /// The rows.
    pub rows: Vec<DesiredRow>,
}

impl DesiredTable {
    /// The table as it stands in the sheet: rows with a key, in the sheet's order; columns that
    /// cannot be found are blank.
    pub fn read(grid: &Grid, spec: &TableSpec) -> DesiredTable {
        let (located, _) = Located::find(grid, spec);
        let mut rows: Vec<(u32, &Vec<String>)> = located
            .rows
            .iter()
            .map(|(keys, row)| (*row, keys))
            .collect();
        rows.sort();
        let value = |row: u32, key: &String| match located.columns.get(key) {
            Some(column) => grid.at(row, *column).clone(),
            None => Value::Blank,
        };
        let rows = rows
            .into_iter()
            .map(|(row, keys)| DesiredRow {
                keys: keys.clone(),
                values: spec.columns.iter().map(|key| value(row, key)).collect(),
            })
            .collect();
        DesiredTable { rows }
    }
}

/// Makes a data table (the daemon's own) what it should be. Columns are found by key, so their
/// order and foreign columns between them do not matter; rows are put in the desired order, which
/// also repairs rows that somebody sorted, doubled or deleted. Nothing to change gives no edit.
///
/// The order of the edits is: rows inserted or deleted at the block's end, values, named ranges.
pub fn diff_data_table(
    observed: &Observed,
    spec: &TableSpec,
    desired: &DesiredTable,
) -> Result<Vec<Edit>, Fault> {
    let missing = || Fault::TableMissing {
        table: spec.name.clone(),
    };
    let grid = observed.blocks.get(&spec.name).ok_or_else(missing)?;
    let name = find_name(observed, &spec.name).ok_or_else(missing)?;
    let (located, faults) = Located::find(grid, spec);
    // Only columns matter: rows are rewritten in place.
    if let Some(fault) = faults.into_iter().find(is_column_fault) {
        return Err(fault);
    }
    let block = name.area.rect;
    let first = located.key_row + 1;
    // A table without rows keeps one blank row, so that its named ranges never lose their extent.
    let wanted = (desired.rows.len() as u32).max(1);
    let present = block.row_end.saturating_sub(first);
    let tab = name.area.tab;

    let mut edits = Vec::new();
    if present < wanted {
        edits.push(Edit::InsertRows {
            tab,
            row: first + present,
            count: wanted - present,
        });
    } else if present > wanted {
        edits.push(Edit::DeleteRows {
            tab,
            row: first + wanted,
            count: present - wanted,
        });
    }
    let resized = !edits.is_empty();
    let kept = present.min(wanted);
    let changes = changed_cells(grid, spec, &located, desired, (first, kept, wanted));
    edits.extend(rectangles(tab, &changes));
    edits.extend(names(
        observed,
        spec,
        &located,
        block,
        (first, first + wanted),
        resized,
    ));
    Ok(edits)
}

/// Writes single cells of a people's table, found by their keys. A cell that already holds the
/// value is left alone; a cell that cannot be found is a fault, and the others are still written.
pub fn write_cells(
    observed: &Observed,
    spec: &TableSpec,
    cells: &BTreeMap<CellKey, Value>,
) -> (Vec<Edit>, Vec<Fault>) {
    let (located, mut faults) = Located::observe(observed, spec);
    let Some(grid) = observed.blocks.get(&spec.name) else {
        return (Vec::new(), faults);
    };
    let mut changes = BTreeMap::new();
    for (key, value) in cells.iter().filter(|(key, _)| key.table == spec.name) {
        match located.cell(&[&key.row], &key.column) {
            Some(at) => {
                // A formula that shows the right number is still a person's formula.
                let formula = grid.formulas.contains_key(&at);
                if formula || !same(grid.at(at.0, at.1), value) {
                    changes.insert(at, value.clone());
                }
            }
            None => {
                let fault = cell_fault(spec, &located, key);
                if !faults.iter().any(|known| covers(known, &fault)) {
                    faults.push(fault);
                }
            }
        }
    }
    (rectangles(grid.tab, &changes), faults)
}

/// Whether two values are the same to the last bit; blank and empty text are the same.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            // −0 is shown as 0 and read back as 0.
            (a + 0.0).to_bits() == (b + 0.0).to_bits()
        }
        (Value::Text(text), Value::Blank) | (Value::Blank, Value::Text(text)) => text.is_empty(),
        _ => a == b,
    }
}

/// Merges cells to write into rectangles: runs along a row, then equal runs down the rows.
pub fn rectangles(tab: i64, cells: &BTreeMap<(u32, u32), Value>) -> Vec<Edit> {
    // Runs of neighbouring cells: (row, first column, values).
    let mut runs: Vec<(u32, u32, Vec<Value>)> = Vec::new();
    for (&(row, column), value) in cells {
        match runs.last_mut() {
            Some((r, c, values)) if *r == row && *c + values.len() as u32 == column => {
                values.push(value.clone());
            }
            _ => runs.push((row, column, vec![value.clone()])),
        }
    }
    struct Open {
        row: u32,
        column: u32,
        values: Vec<Vec<Value>>,
    }
    let mut open: BTreeMap<(u32, usize), Open> = BTreeMap::new();
    let mut done: Vec<Open> = Vec::new();
    for (row, column, values) in runs {
        let key = (column, values.len());
        match open.get_mut(&key) {
            Some(block) if block.row + block.values.len() as u32 == row => {
                block.values.push(values);
            }
            _ => {
                let fresh = Open {
                    row,
                    column,
                    values: vec![values],
                };
                done.extend(open.insert(key, fresh));
            }
        }
    }
    done.extend(open.into_values());
    done.sort_by_key(|block| (block.row, block.column));
    done.into_iter()
        .map(|block| Edit::Write {
            tab,
            row: block.row,
            column: block.column,
            values: block.values,
        })
        .collect()
}

/// The cells of the data rows that differ; `extent` is first row, rows kept, rows wanted.
fn changed_cells(
    grid: &Grid,
    spec: &TableSpec,
    located: &Located,
    desired: &DesiredTable,
    (first, kept, wanted): (u32, u32, u32),
) -> BTreeMap<(u32, u32), Value> {
    let blank = DesiredRow::default();
    let columns: Vec<(usize, u32)> = spec
        .columns
        .iter()
        .enumerate()
        .filter_map(|(index, key)| Some((index, *located.columns.get(key)?)))
        .collect();
    let mut changes = BTreeMap::new();
    for index in 0..wanted {
        let row = first + index;
        let fresh = index >= kept;
        let target = desired.rows.get(index as usize).unwrap_or(&blank);
        let mut put = |column: u32, value: &Value, equal: bool| {
            let formula = !fresh && grid.formulas.contains_key(&(row, column));
            let is_blank = same(value, &Value::Blank);
            if formula || (fresh && !is_blank) || (!fresh && !equal) {
                changes.insert((row, column), value.clone());
            }
        };
        for (key_index, column) in located.key_columns.iter().enumerate() {
            let key = target.keys.get(key_index).map_or("", String::as_str);
            let value = match key {
                "" => Value::Blank,
                key => Value::Text(key.to_owned()),
            };
            put(*column, &value, key_text(grid.at(row, *column)) == key);
        }
        for (value_index, column) in &columns {
            let value = target.values.get(*value_index).unwrap_or(&Value::Blank);
            put(*column, value, same(grid.at(row, *column), value));
        }
    }
    changes
}

/// Named ranges that do not name what they should: the table's own and one a column.
fn names(
    observed: &Observed,
    spec: &TableSpec,
    located: &Located,
    block: Rect,
    (first, end): (u32, u32),
    resized: bool,
) -> Vec<Edit> {
    let mut wanted = vec![(
        spec.name.clone(),
        Rect {
            row_end: end,
            ..block
        },
    )];
    let column_rect = |column: u32| Rect {
        row_start: first,
        row_end: end,
        column_start: column,
        column_end: column + 1,
    };
    for (key, column) in spec.key_columns.iter().zip(&located.key_columns) {
        wanted.push((spec.column_range(key), column_rect(*column)));
    }
    for key in &spec.columns {
        if let Some(column) = located.columns.get(key) {
            wanted.push((spec.column_range(key), column_rect(*column)));
        }
    }
    let mut edits = Vec::new();
    for (name, rect) in wanted {
        let area = Area {
            tab: located.tab,
            rect,
        };
        let known = find_name(observed, &name);
        if resized || known.is_none_or(|known| known.area != area) {
            edits.push(Edit::SetName(NamedRange {
                id: known.map(|known| known.id.clone()).unwrap_or_default(),
                name,
                area,
            }));
        }
    }
    edits
}

fn find_name<'a>(observed: &'a Observed, name: &str) -> Option<&'a NamedRange> {
    observed.names.iter().find(|range| range.name == name)
}

fn is_column_fault(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::TableMissing { .. }
            | Fault::KeyRowMissing { .. }
            | Fault::ColumnMissing { .. }
            | Fault::ColumnTwice { .. }
    )
}

fn cell_fault(spec: &TableSpec, located: &Located, key: &CellKey) -> Fault {
    let place = format!("key row {}", located.key_row + 1);
    if located.columns.contains_key(&key.column) {
        Fault::RowMissing {
            table: spec.name.clone(),
            row: key.row.clone(),
            place,
        }
    } else {
        Fault::ColumnMissing {
            table: spec.name.clone(),
            column: key.column.clone(),
            place,
        }
    }
}

/// Whether a fault already told covers another about the same row or column.
fn covers(known: &Fault, fault: &Fault) -> bool {
    match (known, fault) {
        (Fault::KeyRowMissing { .. } | Fault::TableMissing { .. }, _) => true,
        (
            Fault::RowMissing { row: a, .. } | Fault::RowTwice { row: a, .. },
            Fault::RowMissing { row: b, .. },
        ) => a == b,
        (
            Fault::ColumnMissing { column: a, .. } | Fault::ColumnTwice { column: a, .. },
            Fault::ColumnMissing { column: b, .. },
        ) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sheet::workbook::Tab;

    const TAB: i64 = 201;

    fn spec() -> TableSpec {
        TableSpec {
            name: "sources".into(),
            tab_key: "data_sources".into(),
            key_columns: &["month", "source"],
            columns: vec!["leads".into(), "money".into(), "name".into()],
            rows: vec![],
            labels: vec!["name".into()],
            people: false,
            own: Vec::new(),
            grows: false,
        }
    }

    /// A sheet of one tab as Google would hold it, with just what the diff needs.
    #[derive(Clone, Debug)]
    struct Sheet {
        cells: Vec<Vec<Value>>,
        names: Vec<NamedRange>,
    }

    impl Sheet {
        fn new(header: &[&str]) -> Sheet {
            let mut cells = vec![vec![Value::Blank; header.len()]; 5];
            for (index, key) in header.iter().enumerate() {
                if !key.is_empty() {
                    cells[0][index] = Value::Text((*key).into());
                }
            }
            let rect = Rect {
                row_start: 0,
                row_end: 2,
                column_start: 0,
                column_end: header.len() as u32,
            };
            let names = vec![NamedRange {
                id: "n0".into(),
                name: "sources".into(),
                area: Area { tab: TAB, rect },
            }];
            Sheet { cells, names }
        }

        fn observe(&self) -> Observed {
            let rect = self.names[0].area.rect;
            let values = self.cells[rect.row_start as usize..rect.row_end as usize].to_vec();
            let grid = Grid {
                tab: TAB,
                values,
                ..Grid::default()
            };
            Observed {
                tabs: vec![Tab {
                    id: TAB,
                    rows: self.cells.len() as u32,
                    ..Tab::default()
                }],
                names: self.names.clone(),
                blocks: BTreeMap::from([("sources".to_owned(), grid)]),
            }
        }

        fn apply(&mut self, edits: &[Edit]) {
            let width = self.cells[0].len();
            for edit in edits {
                match edit {
                    Edit::InsertRows { row, count, .. } => {
                        for _ in 0..*count {
                            self.cells.insert(*row as usize, vec![Value::Blank; width]);
                        }
                    }
                    Edit::DeleteRows { row, count, .. } => {
                        self.cells.drain(*row as usize..(*row + *count) as usize);
                    }
                    Edit::Write {
                        row,
                        column,
                        values,
                        ..
                    } => {
                        for (r, line) in values.iter().enumerate() {
                            for (c, value) in line.iter().enumerate() {
                                self.cells[*row as usize + r][*column as usize + c] = value.clone();
                            }
                        }
                    }
                    Edit::SetName(range) => {
                        match self.names.iter_mut().find(|n| n.name == range.name) {
                            Some(known) => {
                                assert_eq!(known.id, range.id);
                                known.area = range.area;
                            }
                            None => {
                                assert_eq!(range.id, "");
                                let id = format!("n{}", self.names.len());
                                self.names.push(NamedRange {
                                    id,
                                    ..range.clone()
                                });
                            }
                        }
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
    }

    fn row(month: &str, source: &str, leads: f64, money: f64) -> DesiredRow {
        DesiredRow {
            keys: vec![month.into(), source.into()],
            values: vec![
                Value::Number(leads),
                Value::Number(money),
                Value::Text(format!("name of {source}")),
            ],
        }
    }

    fn table(rows: Vec<DesiredRow>) -> DesiredTable {
        DesiredTable { rows }
    }

    #[test]
    fn fills_grows_shrinks_and_then_rests() {
        let mut sheet = Sheet::new(&["month", "source", "leads", "money", "name"]);
        let two = table(vec![
            row("2026-01", "WEB", 1.0, 2.5),
            row("2026-01", "CALL", 3.0, 4.0),
        ]);
        let edits = diff_data_table(&sheet.observe(), &spec(), &two).unwrap();
        assert!(matches!(
            edits[0],
            Edit::InsertRows {
                row: 2,
                count: 1,
                ..
            }
        ));
        assert!(matches!(&edits[1], Edit::Write { values, .. } if values.len() == 2));
        assert_eq!(edits.len(), 2 + 6, "one rectangle, six names");
        sheet.apply(&edits);
        assert!(
            diff_data_table(&sheet.observe(), &spec(), &two)
                .unwrap()
                .is_empty()
        );

        let mut changed = two.clone();
        changed.rows[1].values[0] = Value::Number(3.5);
        let edits = diff_data_table(&sheet.observe(), &spec(), &changed).unwrap();
        assert_eq!(
            edits,
            [Edit::Write {
                tab: TAB,
                row: 2,
                column: 2,
                values: vec![vec![Value::Number(3.5)]]
            }]
        );

        let none = table(vec![]);
        let edits = diff_data_table(&sheet.observe(), &spec(), &none).unwrap();
        assert!(matches!(
            edits[0],
            Edit::DeleteRows {
                row: 2,
                count: 1,
                ..
            }
        ));
        sheet.apply(&edits);
        assert!(
            diff_data_table(&sheet.observe(), &spec(), &none)
                .unwrap()
                .is_empty()
        );
        assert_eq!(sheet.names[0].area.rect.row_end, 2);
    }

    #[test]
    fn lost_anchors_are_faults() {
        let sheet = Sheet::new(&["month", "source", "leads", "", "name"]);
        let fault = diff_data_table(&sheet.observe(), &spec(), &table(vec![])).unwrap_err();
        assert_eq!(fault.code(), "column_missing");
        let fault = diff_data_table(&Observed::default(), &spec(), &table(vec![])).unwrap_err();
        assert_eq!(fault.code(), "table_missing");
        assert!(fault.to_string().contains("copy the template"));
    }

    #[test]
    fn people_cells_are_written_by_keys_and_faults_named() {
        let spec = TableSpec {
            name: "targets".into(),
            tab_key: "targets".into(),
            key_columns: &["key"],
            columns: vec!["value".into(), "of".into()],
            rows: vec!["profit".into(), "conversion".into()],
            labels: vec![],
            people: true,
            own: Vec::new(),
            grows: false,
        };
        let text = |t: &str| Value::Text(t.into());
        let grid = Grid {
            tab: 301,
            row: 4,
            column: 1,
            values: vec![
                vec![text("key"), text("value"), text("of")],
                vec![text("conversion"), Value::Number(5.0), Value::Number(100.0)],
            ],
            formulas: BTreeMap::from([((5, 2), "=2+3".to_owned())]),
        };
        let observed = Observed {
            blocks: BTreeMap::from([("targets".to_owned(), grid)]),
            ..Observed::default()
        };
        let key = |row: &str, column: &str| CellKey {
            table: "targets".into(),
            row: row.into(),
            column: column.into(),
        };
        let cells = BTreeMap::from([
            (key("conversion", "of"), Value::Number(100.0)),
            (key("conversion", "value"), Value::Number(5.0)),
            (key("profit", "value"), Value::Number(9.0)),
        ]);
        let (edits, faults) = write_cells(&observed, &spec, &cells);
        // `of` holds the value already; `value` shows it by a formula, so it is written.
        assert_eq!(
            edits,
            [Edit::Write {
                tab: 301,
                row: 5,
                column: 2,
                values: vec![vec![Value::Number(5.0)]]
            }]
        );
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].code(), "row_missing");
    }

    fn any_table() -> impl Strategy<Value = DesiredTable> {
        prop::collection::btree_map(
            (1u32..=12, "[A-Z]{1,3}"),
            (prop::option::of(-1e6f64..1e6), any::<bool>()),
            0..12,
        )
        .prop_map(|rows| DesiredTable {
            rows: rows
                .into_iter()
                .map(|((month, source), (number, named))| DesiredRow {
                    keys: vec![format!("2026-{month:02}"), source.clone()],
                    values: vec![
                        number.map_or(Value::Blank, Value::Number),
                        Value::Number(f64::from(month) / 3.0),
                        if named {
                            Value::Text(source)
                        } else {
                            Value::Blank
                        },
                    ],
                })
                .collect(),
        })
    }

    proptest! {
        #[test]
        fn a_diff_applied_leaves_nothing_to_do(
            before in any_table(),
            after in any_table(),
            order in Just(vec!["month", "source", "leads", "money", "name", ""]).prop_shuffle(),
            swaps in prop::collection::vec((1usize..12, 1usize..12), 0..4),
            blank_at in prop::option::of(1usize..6),
        ) {
            let mut sheet = Sheet::new(&order);
            let edits = diff_data_table(&sheet.observe(), &spec(), &before).unwrap();
            sheet.apply(&edits);
            // Somebody sorts rows and inserts an empty one inside the block.
            let mut end = sheet.names[0].area.rect.row_end as usize;
            for (a, b) in swaps {
                if a < end && b < end {
                    sheet.cells.swap(a, b);
                }
            }
            if let Some(at) = blank_at.filter(|at| *at < end) {
                sheet.cells.insert(at, vec![Value::Blank; 6]);
                end += 1;
                sheet.names[0].area.rect.row_end = end as u32;
            }
            let edits = diff_data_table(&sheet.observe(), &spec(), &after).unwrap();
            sheet.apply(&edits);
            prop_assert_eq!(
                diff_data_table(&sheet.observe(), &spec(), &after).unwrap(),
                vec![]
            );
            let place = |key: &str| order.iter().position(|k| *k == key).unwrap();
            for (index, wanted) in after.rows.iter().enumerate() {
                let line = &sheet.cells[index + 1];
                prop_assert_eq!(&line[place("month")], &Value::Text(wanted.keys[0].clone()));
                prop_assert_eq!(&line[place("source")], &Value::Text(wanted.keys[1].clone()));
                for (value, key) in wanted.values.iter().zip(["leads", "money", "name"]) {
                    prop_assert!(same(&line[place(key)], value));
                }
            }
            for name in spec().ranges() {
                prop_assert!(sheet.names.iter().any(|n| n.name == name), "{}", name);
            }
        }

        #[test]
        fn rectangles_cover_each_cell_once(
            cells in prop::collection::btree_map((0u32..8, 0u32..8), -9f64..9.0, 0..40),
        ) {
            let cells: BTreeMap<_, _> =
                cells.into_iter().map(|(at, n)| (at, Value::Number(n))).collect();
            let mut seen = BTreeMap::new();
            for edit in rectangles(1, &cells) {
                let Edit::Write { row, column, values, .. } = edit else { panic!() };
                for (r, line) in values.into_iter().enumerate() {
                    for (c, value) in line.into_iter().enumerate() {
                        let at = (row + r as u32, column + c as u32);
                        prop_assert!(seen.insert(at, value).is_none());
                    }
                }
            }
            prop_assert_eq!(seen, cells);
        }
    }
}
