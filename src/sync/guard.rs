//! PURE: the edit during the write. Sheets has no compare-and-set; this is ours.
//!
//! Before a batch writes over people's cells it copies what they hold at that very moment into a
//! hidden tab, and the batch's answer brings it back. A batch is atomic, so what was kept is exactly
//! what was overwritten. A cell that held something else than what the decision was based on had been
//! edited between the last read and the batch: the person's number is put back at once and taken for
//! what it is at the next look. No request is added unless that happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::plan::CellKey;
use crate::sheet::diff::{rectangles, same};
use crate::sheet::edit::{Edit, Grid, Observed};
use crate::sheet::table::{Located, TableSpec};
use crate::sheet::template::{KEEPER_COLUMNS, KEEPER_RANGES, KEEPER_ROWS, KEEPER_TAB};
use crate::sheet::workbook::{Area, Rect, Value};

/// One cell that a batch writes over.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// The plan cell.
    pub key: CellKey,
    /// Its tab, row and column when the batch is through.
    at: (i64, u32, u32),
    /// Its row and column in the tab that keeps what it held.
    kept: (u32, u32),
    /// What it held when the decision was made.
    expected: Value,
    /// What the batch writes.
    written: Value,
}

/// A person's edit that a batch wrote over.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// The plan cell.
    pub key: CellKey,
    at: (i64, u32, u32),
    value: Value,
}

/// Puts an [`Edit::Keep`] before each write over rows that people may be typing into, and tells what
/// is kept where. Without the tab that keeps, the edits stay as they are.
pub(super) fn guard(
    edits: Vec<Edit>,
    observed: &Observed,
    specs: &[TableSpec],
) -> (Vec<Edit>, Vec<Guarded>) {
    let stands = |(wanted, _): &(&str, u32)| {
        let mut names = observed.names.iter();
        names.any(|name| name.name == *wanted && name.area.tab == KEEPER_TAB)
    };
    if !KEEPER_RANGES.iter().all(stands) {
        return (edits, Vec::new());
    }
    let cells = cells_of(observed, specs);
    let inserted = inserted_rows(&edits);
    let mut guarded = Vec::new();
    let mut out = Vec::with_capacity(edits.len());
    let mut next = 0;
    for edit in edits {
        if let Edit::Write {
            tab,
            row,
            column,
            values,
        } = &edit
        {
            let block = Block {
                tab: *tab,
                row: *row,
                column: *column,
                values,
            };
            for run in block.standing_runs(&inserted) {
                let fits =
                    next + run.len() as u32 <= KEEPER_ROWS && block.width() <= KEEPER_COLUMNS;
                if !fits {
                    tracing::warn!("more is written than can be kept; the rest is unguarded");
                    break;
                }
                let found = block.guard_run(&run, next, &cells, &inserted);
                if !found.is_empty() {
                    out.push(block.keep(&run, next));
                    next += run.len() as u32;
                    guarded.extend(found);
                }
            }
        }
        out.push(edit);
    }
    (out, guarded)
}

/// The edits that a batch wrote over, from what it kept.
pub(super) fn lost(guarded: &[Guarded], kept: Option<&Grid>) -> Vec<Lost> {
    let Some(kept) = kept else {
        return Vec::new();
    };
    let differs = |one: &&Guarded| {
        let held = kept.at(one.kept.0, one.kept.1);
        // A batch that was sent twice finds its own numbers the second time.
        !same(held, &one.expected) && !same(held, &one.written)
    };
    let lost = guarded.iter().filter(differs);
    lost.map(|one| Lost {
        key: one.key.clone(),
        at: one.at,
        value: kept.at(one.kept.0, one.kept.1).clone(),
    })
    .collect()
}

/// The edits that give people back what was written over.
pub(super) fn give_back(lost: &[Lost]) -> Vec<Edit> {
    let mut by_tab: BTreeMap<i64, BTreeMap<(u32, u32), Value>> = BTreeMap::new();
    for one in lost {
        let (tab, row, column) = one.at;
        by_tab
            .entry(tab)
            .or_default()
            .insert((row, column), one.value.clone());
    }
    by_tab
        .iter()
        .flat_map(|(tab, cells)| rectangles(*tab, cells))
        .collect()
}

/// A plan cell with what it shows, by tab, row and column.
type Shown = BTreeMap<(i64, u32, u32), (CellKey, Value)>;

/// Rows inserted by the edits: by tab, the row before which (as it stands now) and how many.
type Inserted = BTreeMap<i64, BTreeMap<u32, u32>>;

fn cells_of(observed: &Observed, specs: &[TableSpec]) -> Shown {
    let mut cells = Shown::new();
    for spec in specs.iter().filter(|spec| spec.people) {
        let (located, _) = Located::observe(observed, spec);
        let Some(grid) = observed.blocks.get(&spec.name) else {
            continue;
        };
        for (keys, row) in &located.rows {
            let Some(row_key) = keys.first() else {
                continue;
            };
            for (column, at) in &located.columns {
                if !spec.own.contains(column) {
                    let key = CellKey::new(&spec.name, row_key, column);
                    let value = grid.at(*row, *at).clone();
                    cells.insert((grid.tab, *row, *at), (key, value));
                }
            }
        }
    }
    cells
}

/// The edits insert from below, so each names a row as it stands before all of them.
fn inserted_rows(edits: &[Edit]) -> Inserted {
    let mut inserted = Inserted::new();
    for edit in edits {
        if let Edit::InsertRows { tab, row, count } = edit {
            *inserted.entry(*tab).or_default().entry(*row).or_default() += count;
        }
    }
    inserted
}

/// Where a row stood before the rows were inserted; `None` for an inserted one.
fn row_before(inserted: &Inserted, tab: i64, row: u32) -> Option<u32> {
    let mut shift = 0;
    for (at, count) in inserted.get(&tab).into_iter().flatten() {
        if row < at + shift {
            break;
        }
        if row < at + shift + count {
            return None;
        }
        shift += count;
    }
    Some(row - shift)
}

struct Block<'a> {
    tab: i64,
    row: u32,
    column: u32,
    values: &'a [Vec<Value>],
}

impl Block<'_> {
    fn width(&self) -> u32 {
        self.values.iter().map(Vec::len).max().unwrap_or_default() as u32
    }

    /// The block's rows that stand in the sheet already, in runs, as offsets into the block.
    fn standing_runs(&self, inserted: &Inserted) -> Vec<Vec<u32>> {
        let mut runs: Vec<Vec<u32>> = Vec::new();
        for offset in 0..self.values.len() as u32 {
            if row_before(inserted, self.tab, self.row + offset).is_none() {
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.last() == Some(&offset.wrapping_sub(1)) => run.push(offset),
                _ => runs.push(vec![offset]),
            }
        }
        runs
    }

    fn guard_run(
        &self,
        run: &[u32],
        keeper: u32,
        cells: &Shown,
        inserted: &Inserted,
    ) -> Vec<Guarded> {
        let mut out = Vec::new();
        for (index, offset) in (keeper..).zip(run) {
            let row = self.row + offset;
            let Some(before) = row_before(inserted, self.tab, row) else {
                continue;
            };
            let line = self.values.get(*offset as usize).into_iter().flatten();
            for (at, written) in (0..).zip(line) {
                let column = self.column + at;
                if let Some((key, expected)) = cells.get(&(self.tab, before, column)) {
                    out.push(Guarded {
                        key: key.clone(),
                        at: (self.tab, row, column),
                        kept: (index, at),
                        expected: expected.clone(),
                        written: written.clone(),
                    });
                }
            }
        }
        out
    }

    fn keep(&self, run: &[u32], keeper: u32) -> Edit {
        let width = self.width();
        let first = self.row + run.first().copied().unwrap_or_default();
        Edit::Keep {
            from: Area {
                tab: self.tab,
                rect: Rect {
                    row_start: first,
                    row_end: first + run.len() as u32,
                    column_start: self.column,
                    column_end: self.column + width,
                },
            },
            tab: KEEPER_TAB,
            row: keeper,
        }
    }
}

/// The keys of lost edits.
pub(super) fn keys(lost: &[Lost]) -> BTreeSet<&CellKey> {
    lost.iter().map(|one| &one.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::NamedRange;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn spec() -> TableSpec {
        TableSpec {
            name: "people".to_owned(),
            tab_key: "people".to_owned(),
            key_columns: &["key"],
            columns: vec!["a".to_owned(), "b".to_owned(), "marks".to_owned()],
            rows: Vec::new(),
            labels: Vec::new(),
            people: true,
            own: vec!["marks".to_owned()],
            grows: true,
        }
    }

    fn observed() -> Observed {
        let row = |key: &str, a: f64, b: f64| {
            vec![text(key), Value::Number(a), Value::Number(b), Value::Blank]
        };
        let head = vec![text("key"), text("a"), text("b"), text("marks")];
        let grid = Grid {
            tab: 7,
            row: 5,
            column: 1,
            values: vec![head, row("x", 1.0, 2.0), row("y", 3.0, 4.0)],
            formulas: BTreeMap::new(),
        };
        let keepers = KEEPER_RANGES.map(|(name, row_end)| NamedRange {
            id: name.to_owned(),
            name: name.to_owned(),
            area: Area {
                tab: KEEPER_TAB,
                rect: Rect {
                    row_start: 0,
                    row_end,
                    column_start: 0,
                    column_end: 24,
                },
            },
        });
        Observed {
            tabs: Vec::new(),
            names: keepers.to_vec(),
            blocks: BTreeMap::from([("people".to_owned(), grid)]),
        }
    }

    fn write(row: u32, column: u32, values: &[&[f64]]) -> Edit {
        let line = |line: &&[f64]| line.iter().copied().map(Value::Number).collect();
        Edit::Write {
            tab: 7,
            row,
            column,
            values: values.iter().map(line).collect(),
        }
    }

    fn kept(rows: &[&[f64]]) -> Grid {
        let line = |line: &&[f64]| line.iter().copied().map(Value::Number).collect();
        Grid {
            tab: KEEPER_TAB,
            values: rows.iter().map(line).collect(),
            ..Grid::default()
        }
    }

    #[test]
    fn an_edit_between_the_read_and_the_batch_is_given_back() {
        let edits = vec![write(6, 2, &[&[10.0, 20.0], &[30.0, 40.0]])];
        let (edits, guarded) = guard(edits, &observed(), &[spec()]);
        assert!(matches!(
            edits[0],
            Edit::Keep {
                row: 0,
                tab: KEEPER_TAB,
                ..
            }
        ));
        assert_eq!(guarded.len(), 4);
        // What was expected, and what a batch sent twice finds.
        assert_eq!(lost(&guarded, Some(&kept(&[&[1.0, 2.0], &[3.0, 4.0]]))), []);
        assert_eq!(
            lost(&guarded, Some(&kept(&[&[10.0, 2.0], &[30.0, 40.0]]))),
            []
        );
        let gone = lost(&guarded, Some(&kept(&[&[1.0, 2.0], &[3.0, 99.0]])));
        assert_eq!(gone[0].key, CellKey::new("people", "y", "b"));
        assert_eq!(give_back(&gone), [write(7, 3, &[&[99.0]])]);
        assert_eq!(keys(&gone).len(), 1);
    }

    #[test]
    fn rows_that_the_batch_itself_inserts_need_no_guard() {
        let insert = Edit::InsertRows {
            tab: 7,
            row: 7,
            count: 2,
        };
        let edits = vec![insert, write(6, 2, &[&[1.5], &[0.0], &[0.0], &[3.5]])];
        let (edits, guarded) = guard(edits, &observed(), &[spec()]);
        let keeps = edits
            .iter()
            .filter(|edit| matches!(edit, Edit::Keep { .. }));
        assert_eq!(
            keeps.count(),
            2,
            "x and y, which moved from row 8 to row 10"
        );
        let of_y = guarded.iter().find(|one| one.key.row == "y").unwrap();
        assert_eq!((of_y.at, of_y.kept), ((7, 9, 2), (1, 0)));
        assert_eq!(of_y.expected, Value::Number(3.0));
    }

    #[test]
    fn without_the_keeper_the_edits_stay_as_they_are() {
        let now = Observed {
            names: Vec::new(),
            ..observed()
        };
        let (edits, guarded) = guard(vec![write(6, 2, &[&[9.0]])], &now, &[spec()]);
        assert_eq!((edits.len(), guarded.len()), (1, 0));
    }
}
