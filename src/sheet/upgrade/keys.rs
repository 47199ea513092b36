//! Tabs whose lines cannot be matched: what their tables lack is added by key, everything else stays.

use std::collections::BTreeSet;

use super::lines::{Lines, get};
use super::{File, Mode, Sheet, area, locate};
use crate::sheet::edit::Edit;
use crate::sheet::table::{Located, TableSpec};
use crate::sheet::workbook::{Area, NamedRange, Rect};

/// Lines of the new template that stand in the company's file, found by key, and those to put in.
#[derive(Default)]
struct Found {
    new_now: Vec<Option<u32>>,
    wanted: BTreeSet<u32>,
}

impl Found {
    fn put(&mut self, new: u32, now: u32) {
        let taken = self.new_now.contains(&Some(now));
        if let Some(place) = self.new_now.get_mut(new as usize)
            && place.is_none()
            && !taken
        {
            *place = Some(now);
        }
    }

    fn lines(&self, now: u32) -> Lines {
        let mut lines = Lines::by_keys(now, &self.new_now);
        lines.settle(|_| false, |line| !self.wanted.contains(&line));
        lines
    }
}

impl File<'_> {
    /// Lines of a tab by the keys of its tables only.
    pub(super) fn settle_keys(&mut self, id: i64) {
        let Some(sheet) = self.sheets.get(&id) else {
            return;
        };
        let Some(now) = sheet.now else { return };
        let found = |count: u32| Found {
            new_now: vec![None; count as usize],
            ..Found::default()
        };
        let (mut rows, mut columns) = (found(sheet.new.rows), found(sheet.new.columns));
        for spec in self.editions.specs {
            let (Some(new), Some(is)) = (
                locate(self.editions.new, spec),
                locate(self.editions.now, spec),
            ) else {
                continue;
            };
            if new.tab != id || is.tab != id {
                continue;
            }
            self.by_keys(spec, &new, &is, &mut rows, &mut columns);
        }
        let (rows, columns) = (rows.lines(now.rows), columns.lines(now.columns));
        let title = sheet.title.clone();
        if let Some(sheet) = self.sheets.get_mut(&id) {
            (sheet.rows, sheet.columns) = (rows, columns);
        }
        // Without the former template nothing can be said of what was moved; that is told once.
        if self.editions.base.is_some() {
            self.out.left.push(format!(
                "{title}: its blocks were moved or sorted; only what its tables lack is added"
            ));
        }
    }

    fn by_keys(
        &self,
        spec: &TableSpec,
        new: &Located,
        is: &Located,
        rows: &mut Found,
        columns: &mut Found,
    ) {
        let was = self.editions.base.and_then(|base| locate(base, spec));
        rows.put(new.key_row, is.key_row);
        for (new, now) in new.key_columns.iter().zip(&is.key_columns) {
            columns.put(*new, *now);
        }
        for (key, line) in &new.columns {
            match is.columns.get(key) {
                Some(now) => columns.put(*line, *now),
                // What the company threw out stays out.
                None if was
                    .as_ref()
                    .is_some_and(|was| was.columns.contains_key(key)) => {}
                None => drop(columns.wanted.insert(*line)),
            }
        }
        for (key, line) in &new.rows {
            match is.rows.get(key) {
                Some(now) => rows.put(*line, *now),
                None if was.as_ref().is_some_and(|was| was.rows.contains_key(key)) => {}
                None => drop(rows.wanted.insert(*line)),
            }
        }
        // Headings follow the key row, labels the key column, as far as nothing has a key there.
        let keyed: BTreeSet<u32> = is.rows.values().copied().collect();
        let first = new.rows.values().min().copied().unwrap_or(new.key_row + 1);
        for (new, now) in (new.key_row + 1..first).zip(is.key_row + 1..) {
            if keyed.contains(&now) {
                break;
            }
            rows.put(new, now);
        }
        let keyed: BTreeSet<u32> = is
            .columns
            .values()
            .chain(&is.key_columns)
            .copied()
            .collect();
        if let Some((new_key, is_key)) = new.key_columns.last().zip(is.key_columns.last()) {
            let first = new
                .columns
                .values()
                .filter(|column| *column > new_key)
                .min();
            for (new, now) in (new_key + 1..first.copied().unwrap_or(new_key + 1)).zip(is_key + 1..)
            {
                if keyed.contains(&now) {
                    break;
                }
                columns.put(new, now);
            }
        }
    }

    /// Names of tables on such tabs: what was put in belongs to them.
    pub(super) fn names_by_keys(&mut self) {
        let mut edits = Vec::new();
        for spec in self.editions.specs {
            let (Some(new), Some(is)) = (
                locate(self.editions.new, spec),
                area(self.editions.now, &spec.name),
            ) else {
                continue;
            };
            let Some(sheet) = self
                .sheets
                .get(&new.tab)
                .filter(|sheet| sheet.mode == Mode::Keys && is.tab == new.tab)
            else {
                continue;
            };
            let Some(mut block) =
                super::through(&is.rect, &sheet.rows.now_after, &sheet.columns.now_after)
            else {
                continue;
            };
            let shifted = block;
            stretch(&mut block, sheet, &new);
            let key_row = get(&sheet.rows.new_after, new.key_row).unwrap_or(block.row_start);
            let mut name = |name: String, rect: Rect| {
                let known = self
                    .editions
                    .now
                    .names
                    .iter()
                    .find(|other| other.name == name);
                edits.push(Edit::SetName(NamedRange {
                    id: known.map(|known| known.id.clone()).unwrap_or_default(),
                    name,
                    area: Area { tab: new.tab, rect },
                }));
            };
            if block != shifted {
                name(spec.name.clone(), block);
            }
            for (key, column) in &new.columns {
                let Some(column) = get(&sheet.columns.new_after, *column) else {
                    continue;
                };
                let known = self
                    .editions
                    .now
                    .names
                    .iter()
                    .any(|other| other.name == spec.column_range(key));
                if !known || block.row_end != shifted.row_end {
                    let rect = Rect {
                        row_start: key_row + 1,
                        column_start: column,
                        column_end: column + 1,
                        ..block
                    };
                    name(spec.column_range(key), rect);
                }
            }
        }
        self.out.edits.extend(edits);
    }
}

/// Makes a block reach all rows and columns of its table.
fn stretch(block: &mut Rect, sheet: &Sheet<'_>, new: &Located) {
    for row in new
        .rows
        .values()
        .filter_map(|row| get(&sheet.rows.new_after, *row))
    {
        block.row_end = block.row_end.max(row + 1);
    }
    let columns = new.columns.values().chain(&new.key_columns);
    for column in columns.filter_map(|column| get(&sheet.columns.new_after, *column)) {
        block.column_end = block.column_end.max(column + 1);
    }
}
