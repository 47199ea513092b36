//! Rows that the daemon puts into a people's table: one for each department, person, source.
//!
//! A missing row is put below the row that precedes it in reading order, so that the rows of one
//! person stay together, and takes the format of the row above. Rows that stand there are never
//! moved, doubled rows never repaired: the table is people's.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{rectangles, same};
use super::edit::{Edit, Grid, Observed};
use super::table::{Fault, Located, TableSpec, key_text};
use super::workbook::{Area, NamedRange, Rect, Value};
use crate::domain::plan::CellKey;

/// The row keys that stand in a table's key column, doubled ones included; `None` when the table, its
/// key row or one of its columns cannot be found, so that nothing may be put into it.
pub fn standing(observed: &Observed, spec: &TableSpec) -> Option<BTreeSet<String>> {
    let grid = observed.blocks.get(&spec.name)?;
    let (located, faults) = Located::find(grid, spec);
    let is_whole = faults
        .iter()
        .all(|fault| matches!(fault, Fault::RowTwice { .. } | Fault::RowMissing { .. }));
    let column = *located.key_columns.first()?;
    if !is_whole {
        return None;
    }
    let rows = (grid.row..).take(grid.values.len());
    let keys = rows
        .filter(|row| *row != located.key_row)
        .map(|row| key_text(grid.at(row, column)));
    Some(keys.filter(|key| !key.is_empty()).collect())
}

/// Puts the rows of `order` that are missing into a people's table and writes `cells`, those of the
/// new rows and others. Nothing to change gives no edit.
pub fn write_rows(
    observed: &Observed,
    spec: &TableSpec,
    order: &[String],
    cells: &BTreeMap<CellKey, Value>,
) -> Vec<Edit> {
    let (Some(grid), Some(standing)) = (observed.blocks.get(&spec.name), standing(observed, spec))
    else {
        return Vec::new();
    };
    let (located, _) = Located::find(grid, spec);
    let Some(key_column) = located.key_columns.first().copied() else {
        return Vec::new();
    };
    let gaps = gaps(grid, &located, &standing, order);
    let mut edits: Vec<Edit> = gaps
        .iter()
        .rev()
        .map(|(row, keys)| Edit::InsertRows {
            tab: grid.tab,
            row: *row,
            count: keys.len() as u32,
        })
        .collect();

    let places = Places::of(&located, &gaps);
    let mut changes = BTreeMap::new();
    for (row, key) in &places.fresh {
        changes.insert((*row, key_column), Value::Text((*key).to_owned()));
    }
    for (key, value) in cells.iter().filter(|(key, _)| key.table == spec.name) {
        let row = places.rows.get(key.row.as_str());
        let Some((row, column)) = row.zip(located.columns.get(&key.column)) else {
            continue;
        };
        let is_due = match places.back.get(row) {
            Some(old) => {
                grid.formulas.contains_key(&(*old, *column)) || !same(grid.at(*old, *column), value)
            }
            None => !same(&Value::Blank, value),
        };
        if is_due {
            changes.insert((*row, *column), value.clone());
        }
    }
    edits.extend(rectangles(grid.tab, &changes));
    if !places.fresh.is_empty() {
        let added = places.fresh.len() as u32;
        edits.extend(names(observed, spec, &located, added));
    }
    edits
}

/// Where everything stands once the rows are in.
struct Places<'a> {
    /// The row of each key.
    rows: BTreeMap<&'a str, u32>,
    /// The new rows.
    fresh: BTreeMap<u32, &'a str>,
    /// Where each row that was there stood before.
    back: BTreeMap<u32, u32>,
}

impl<'a> Places<'a> {
    fn of(located: &'a Located, gaps: &'a BTreeMap<u32, Vec<String>>) -> Places<'a> {
        let mut places = Places {
            rows: BTreeMap::new(),
            fresh: BTreeMap::new(),
            back: BTreeMap::new(),
        };
        for (keys, row) in &located.rows {
            let above = gaps.range(..=*row);
            let moved = row + above.map(|(_, keys)| keys.len() as u32).sum::<u32>();
            places.back.insert(moved, *row);
            if let Some(key) = keys.first() {
                places.rows.insert(key, moved);
            }
        }
        let mut before = 0;
        for (gap, keys) in gaps {
            for (row, key) in (gap + before..).zip(keys) {
                places.rows.insert(key, row);
                places.fresh.insert(row, key);
            }
            before += keys.len() as u32;
        }
        places
    }
}

/// The missing rows by the row before which they are inserted, in reading order.
fn gaps(
    grid: &Grid,
    located: &Located,
    standing: &BTreeSet<String>,
    order: &[String],
) -> BTreeMap<u32, Vec<String>> {
    // Blank rows at the block's end stay below the new ones: a name whose last row is moved would
    // shrink with it.
    let is_blank = |row: &Vec<Value>| row.iter().all(|value| same(value, &Value::Blank));
    let filled = grid.values.iter().rposition(|row| !is_blank(row));
    let end = grid.row + filled.map_or(0, |index| index as u32 + 1);
    let first_row = located.rows.values().min().copied();
    // Above the first row that has a key; in an empty table below the row that carries the formats.
    let mut at = first_row.unwrap_or_else(|| end.max(located.key_row + 1));
    let mut gaps: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    for key in order {
        if let Some(row) = located.rows.get(std::slice::from_ref(key)) {
            at = row + 1;
        } else if !standing.contains(key) && asked.insert(key) {
            gaps.entry(at).or_default().push(key.clone());
        }
    }
    gaps
}

/// The table's named ranges, once `added` rows are in: Google stretches a range only for rows that
/// are inserted inside it.
fn names(observed: &Observed, spec: &TableSpec, located: &Located, added: u32) -> Vec<Edit> {
    let find = |name: &str| observed.names.iter().find(|range| range.name == name);
    let Some(block) = find(&spec.name).map(|range| range.area.rect) else {
        return Vec::new();
    };
    let row_end = block.row_end + added;
    let whole = Rect { row_end, ..block };
    let column_rect = |column: u32| Rect {
        row_start: located.key_row + 1,
        row_end,
        column_start: column,
        column_end: column + 1,
    };
    let keys = spec.key_columns.iter().zip(&located.key_columns);
    let keys = keys.map(|(key, column)| (spec.column_range(key), column_rect(*column)));
    let columns = spec.columns.iter().filter_map(|key| {
        let column = located.columns.get(key)?;
        Some((spec.column_range(key), column_rect(*column)))
    });
    std::iter::once((spec.name.clone(), whole))
        .chain(keys)
        .chain(columns)
        .map(|(name, rect)| {
            Edit::SetName(NamedRange {
                id: find(&name)
                    .map(|known| known.id.clone())
                    .unwrap_or_default(),
                name,
                area: Area {
                    tab: located.tab,
                    rect,
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::Tab;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn spec() -> TableSpec {
        TableSpec {
            name: "people".to_owned(),
            tab_key: "people".to_owned(),
            key_columns: &["key"],
            columns: vec!["a".to_owned(), "name".to_owned()],
            rows: Vec::new(),
            labels: Vec::new(),
            people: true,
            own: vec!["name".to_owned()],
            grows: true,
        }
    }

    /// A block at B6 whose first row holds the column keys and whose others hold these keys.
    fn observed(rows: &[(&str, f64)]) -> Observed {
        let mut values = vec![vec![text("key"), text("a"), text("name")]];
        for (key, number) in rows {
            let key = if key.is_empty() {
                Value::Blank
            } else {
                text(key)
            };
            values.push(vec![key, Value::Number(*number), Value::Blank]);
        }
        let rect = Rect {
            row_start: 5,
            row_end: 5 + values.len() as u32,
            column_start: 1,
            column_end: 4,
        };
        let grid = Grid {
            tab: 7,
            row: 5,
            column: 1,
            values,
            formulas: BTreeMap::new(),
        };
        Observed {
            tabs: vec![Tab::default()],
            names: vec![NamedRange {
                id: "n1".to_owned(),
                name: "people".to_owned(),
                area: Area { tab: 7, rect },
            }],
            blocks: BTreeMap::from([("people".to_owned(), grid)]),
        }
    }

    fn order(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn cell(row: &str, number: f64) -> (CellKey, Value) {
        (CellKey::new("people", row, "a"), Value::Number(number))
    }

    fn written(edits: &[Edit]) -> Vec<(u32, u32, Vec<Vec<Value>>)> {
        let write = |edit: &Edit| match edit {
            Edit::Write {
                row,
                column,
                values,
                ..
            } => Some((*row, *column, values.clone())),
            _ => None,
        };
        edits.iter().filter_map(write).collect()
    }

    fn inserted(edits: &[Edit]) -> Vec<(u32, u32)> {
        let insert = |edit: &Edit| match edit {
            Edit::InsertRows { row, count, .. } => Some((*row, *count)),
            _ => None,
        };
        edits.iter().filter_map(insert).collect()
    }

    #[test]
    fn an_empty_table_is_filled_below_its_format_row() {
        let cells = BTreeMap::from([cell("x", 1.0), cell("y", 2.0)]);
        let edits = write_rows(
            &observed(&[("", 0.0)]),
            &spec(),
            &order(&["x", "y"]),
            &cells,
        );
        assert_eq!(inserted(&edits), [(7, 2)]);
        let rows = vec![
            vec![text("x"), Value::Number(1.0)],
            vec![text("y"), Value::Number(2.0)],
        ];
        assert_eq!(written(&edits), [(7, 1, rows)]);
        let ranges = edits.iter().filter_map(|edit| match edit {
            Edit::SetName(range) => Some((range.name.as_str(), range.area.rect.row_end)),
            _ => None,
        });
        let ranges: Vec<_> = ranges.collect();
        assert_eq!(ranges[0], ("people", 9));
        assert_eq!(ranges.len(), 4, "its own, its key column, two columns");
    }

    #[test]
    fn rows_join_their_predecessor_and_the_others_are_found_where_they_moved() {
        let now = observed(&[("", 0.0), ("x", 1.0), ("mine", 5.0), ("z", 3.0)]);
        let cells = BTreeMap::from([
            cell("w", 9.0),
            cell("x", 1.0),
            cell("y", 2.0),
            cell("z", 4.0),
            cell("end", 6.0),
        ]);
        let edits = write_rows(&now, &spec(), &order(&["w", "x", "y", "z", "end"]), &cells);
        assert_eq!(inserted(&edits), [(10, 1), (8, 1), (7, 1)], "from below");
        let put = written(&edits);
        assert_eq!(
            put,
            [
                (7, 1, vec![vec![text("w"), Value::Number(9.0)]]),
                (9, 1, vec![vec![text("y"), Value::Number(2.0)]]),
                (11, 2, vec![vec![Value::Number(4.0)]]),
                (12, 1, vec![vec![text("end"), Value::Number(6.0)]]),
            ]
        );
    }

    #[test]
    fn nothing_missing_gives_no_edit_and_doubled_rows_are_left_alone() {
        let now = observed(&[("", 0.0), ("x", 1.0), ("y", 2.0), ("y", 8.0)]);
        let cells = BTreeMap::from([cell("x", 1.0), cell("y", 3.0)]);
        assert_eq!(write_rows(&now, &spec(), &order(&["x", "y"]), &cells), []);
    }

    #[test]
    fn a_table_without_its_keys_takes_no_rows() {
        let mut now = observed(&[("", 0.0)]);
        if let Some(grid) = now.blocks.get_mut("people") {
            grid.values[0][1] = Value::Blank;
        }
        assert_eq!(standing(&now, &spec()), None);
        assert_eq!(
            write_rows(&now, &spec(), &order(&["x"]), &BTreeMap::new()),
            []
        );
    }
}
