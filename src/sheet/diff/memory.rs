//! The same edits on a workbook in memory: what an export without Google and the tests run on.

use std::collections::BTreeMap;

use crate::sheet::edit::{Edit, Grid, Observed};
use crate::sheet::workbook::{Cell, Rect, Tab, Value, Workbook};

/// What one read of these named ranges would tell of the workbook.
pub fn observe(workbook: &Workbook, blocks: &[&str]) -> Observed {
    let tabs = workbook
        .tabs
        .iter()
        .map(|tab| Tab {
            id: tab.id,
            title: tab.title.clone(),
            rows: tab.rows,
            columns: tab.columns,
            hidden: tab.hidden,
            frozen_rows: tab.frozen_rows,
            frozen_columns: tab.frozen_columns,
            ..Tab::default()
        })
        .collect();
    let mut observed = Observed {
        tabs,
        names: workbook.names.clone(),
        blocks: BTreeMap::new(),
    };
    for name in blocks {
        let range = workbook.names.iter().find(|range| range.name == *name);
        let Some(range) = range else { continue };
        let Some(tab) = workbook.tabs.iter().find(|tab| tab.id == range.area.tab) else {
            continue;
        };
        observed
            .blocks
            .insert((*name).to_owned(), grid(tab, range.area.rect));
    }
    observed
}

/// Executes edits in order. A named range that is added gets its name as its id; edits of tabs that
/// do not exist are ignored.
pub fn apply(workbook: &mut Workbook, edits: &[Edit]) {
    for edit in edits {
        match edit {
            Edit::Write {
                tab,
                row,
                column,
                values,
            } => write(workbook, *tab, (*row, *column), values),
            Edit::InsertRows { tab, row, count } => insert_rows(workbook, *tab, *row, *count),
            // What is kept is only for the batch's answer.
            Edit::Keep { .. } => {}
            Edit::DeleteRows { tab, row, count } => delete_rows(workbook, *tab, *row, *count),
            Edit::SetName(range) => {
                let known = workbook.names.iter_mut().find(|n| n.name == range.name);
                match known {
                    Some(known) => known.area = range.area,
                    None => workbook.names.push(range.clone()),
                }
            }
            Edit::SetNote { at, note } => {
                if let Some(tab) = find(workbook, at.tab) {
                    let place = (at.rect.row_start, at.rect.column_start);
                    tab.cells.entry(place).or_default().note.clone_from(note);
                }
            }
            Edit::AddTab(tab) => workbook.tabs.push((**tab).clone()),
            Edit::AddChart { tab, chart } => {
                if let Some(tab) = find(workbook, *tab) {
                    tab.charts.push((**chart).clone());
                }
            }
            Edit::AddProtection { tab, protection } => {
                if let Some(tab) = find(workbook, *tab) {
                    tab.protections.push(protection.clone());
                }
            }
            Edit::AddConditional { tab, conditional } => {
                if let Some(tab) = find(workbook, *tab) {
                    tab.conditional.push(conditional.clone());
                }
            }
            // An upgrade of the template: formulas would have to follow, which only a real sheet does.
            _ => {}
        }
    }
}

fn find(workbook: &mut Workbook, id: i64) -> Option<&mut Tab> {
    workbook.tabs.iter_mut().find(|tab| tab.id == id)
}

fn grid(tab: &Tab, rect: Rect) -> Grid {
    let mut grid = Grid {
        tab: tab.id,
        row: rect.row_start,
        column: rect.column_start,
        ..Grid::default()
    };
    for row in rect.row_start..rect.row_end {
        let mut line = Vec::new();
        for column in rect.column_start..rect.column_end {
            let cell = tab.cells.get(&(row, column));
            line.push(cell.map_or(Value::Blank, |cell| cell.value.clone()));
            if let Some(formula) = cell.and_then(|cell| cell.formula.clone()) {
                grid.formulas.insert((row, column), formula);
            }
        }
        grid.values.push(line);
    }
    grid
}

fn write(workbook: &mut Workbook, id: i64, (row, column): (u32, u32), values: &[Vec<Value>]) {
    let Some(tab) = find(workbook, id) else {
        return;
    };
    for (r, line) in values.iter().enumerate() {
        for (c, value) in line.iter().enumerate() {
            let cell = tab
                .cells
                .entry((row + r as u32, column + c as u32))
                .or_default();
            cell.value = value.clone();
            cell.formula = None;
        }
    }
}

fn insert_rows(workbook: &mut Workbook, id: i64, at: u32, count: u32) {
    let Some(tab) = find(workbook, id) else {
        return;
    };
    tab.rows += count;
    let above: Vec<(u32, Cell)> = at
        .checked_sub(1)
        .map(|above| tab.cells.range((above, 0)..(at, 0)))
        .into_iter()
        .flatten()
        .map(|(place, cell)| {
            let format = cell.format.clone();
            let cell = Cell {
                format,
                ..Cell::default()
            };
            (place.1, cell)
        })
        .collect();
    let moved = tab.cells.split_off(&(at, 0));
    for ((row, column), cell) in moved {
        tab.cells.insert((row + count, column), cell);
    }
    for row in at..at + count {
        for (column, cell) in &above {
            tab.cells.insert((row, *column), cell.clone());
        }
    }
    shift_names(workbook, id, |row, is_end| {
        // An end exactly at the inserted row stays: rows after a range do not widen it.
        if row > at || (row == at && !is_end) {
            row + count
        } else {
            row
        }
    });
}

fn delete_rows(workbook: &mut Workbook, id: i64, at: u32, count: u32) {
    let Some(tab) = find(workbook, id) else {
        return;
    };
    tab.rows = tab.rows.saturating_sub(count);
    let moved = tab.cells.split_off(&(at, 0));
    for ((row, column), cell) in moved {
        if row >= at + count {
            tab.cells.insert((row - count, column), cell);
        }
    }
    shift_names(workbook, id, |row, _| {
        if row <= at {
            row
        } else {
            row.saturating_sub(count).max(at)
        }
    });
}

fn shift_names(workbook: &mut Workbook, id: i64, shift: impl Fn(u32, bool) -> u32) {
    let names = workbook.names.iter_mut();
    for range in names.filter(|range| range.area.tab == id) {
        let rect = &mut range.area.rect;
        rect.row_start = shift(rect.row_start, false);
        rect.row_end = shift(rect.row_end, true);
    }
}
