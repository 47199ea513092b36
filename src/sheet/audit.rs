//! The last look at a change set before it leaves: refuses what the daemon must never do.

use std::collections::BTreeSet;

use super::a1;
use super::edit::Edit;
use super::workbook::{FILE_CELLS_MAX, Tab, Value};

/// The most cells that one change set of one file may write: twice the largest company we know
/// (ten years, two hundred managers, twenty columns), well below Google's ten million a file.
pub const EDIT_CELLS_MAX: u64 = 2_000_000;

/// What the daemon may touch in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Tabs that are wholly the daemon's.
    pub tabs: BTreeSet<i64>,
    /// Single cells elsewhere that it may write in this change set: tab, row, column.
    pub cells: BTreeSet<(i64, u32, u32)>,
    /// Tabs of people into which it may put rows.
    pub grows: BTreeSet<i64>,
    /// Named ranges that it may set.
    pub names: BTreeSet<String>,
    /// Whether it repairs a copy: only then may it add tabs, charts, protections and conditional
    /// formats.
    pub repair: bool,
}

/// Bounds of one change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most cells written.
    pub cells: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            cells: EDIT_CELLS_MAX,
        }
    }
}

/// Why a change set is refused. Each is a defect of the program or a damaged file; nothing was
/// written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A cell outside of what the daemon owns.
    #[error(
        "refused to write {cell} of tab {tab}: the cell belongs to people; nothing was written. \
         Run `planfact copy` to check the file, and report this if it stays"
    )]
    ForeignCell {
        /// The tab's id.
        tab: i64,
        /// The cell in A1.
        cell: String,
    },
    /// Rows of a tab that is not the daemon's.
    #[error(
        "refused to insert or delete rows of tab {tab} at row {row}: the tab belongs to people; \
         nothing was written"
    )]
    ForeignRows {
        /// The tab's id.
        tab: i64,
        /// The row, from 1.
        row: u64,
    },
    /// A named range that is not one of its tables'.
    #[error(
        "refused to set the named range `{name}`: no table of ours has it; nothing was written"
    )]
    ForeignName {
        /// The name.
        name: String,
    },
    /// Tabs, charts, protections or conditional formats outside of a repair.
    #[error("refused to add a {what} to tab {tab} outside of a repair; nothing was written")]
    NotARepair {
        /// What.
        what: &'static str,
        /// The tab's id.
        tab: i64,
    },
    /// Too much at once.
    #[error(
        "refused a change set of {cells} cells, the most allowed is {limit}; nothing was written. \
         If the company is really that large, raise the limit in the program"
    )]
    TooLarge {
        /// Cells in it.
        cells: u64,
        /// The limit.
        limit: u64,
    },
    /// More cells than a file holds.
    #[error(
        "refused a change set after which the file would have {cells} cells, Google holds {limit}; \
         nothing was written. Delete empty rows and columns of the company's own tabs, or start a new \
         file"
    )]
    FileFull {
        /// Cells that it would have.
        cells: u64,
        /// The limit.
        limit: u64,
    },
    /// A value that no sheet can hold.
    #[error(
        "refused to write {what} into {cell} of tab {tab}: only blanks, finite numbers, text and \
         truth values are written; nothing was written"
    )]
    BadValue {
        /// The tab's id.
        tab: i64,
        /// The cell in A1.
        cell: String,
        /// What the value was.
        what: String,
    },
    /// Rows of different lengths in one rectangle.
    #[error("refused a ragged rectangle at {cell} of tab {tab}; nothing was written")]
    Ragged {
        /// The tab's id.
        tab: i64,
        /// Its first cell in A1.
        cell: String,
    },
}

/// Checks a whole change set of one file; the first breach is the answer.
pub fn audit(changes: &[Edit], ownership: &Ownership, limits: Limits) -> Result<(), AuditError> {
    let mut cells: u64 = 0;
    for edit in changes {
        cells += audit_edit(edit, ownership)?;
        if cells > limits.cells {
            return Err(AuditError::TooLarge {
                cells,
                limit: limits.cells,
            });
        }
    }
    Ok(())
}

/// Checks that a file has room for a change set. `tabs` are those that were read: what the others
/// hold is not counted, so the sum is what the file has at least.
pub fn room(tabs: &[Tab], changes: &[Edit]) -> Result<(), AuditError> {
    let size = |tab: &Tab| u64::from(tab.rows) * u64::from(tab.columns);
    let mut cells: u64 = tabs.iter().map(size).sum();
    let columns = |tab: &i64| {
        let found = tabs.iter().find(|have| have.id == *tab);
        found.map_or(0, |have| u64::from(have.columns))
    };
    let rows = |tab: &i64| {
        let found = tabs.iter().find(|have| have.id == *tab);
        found.map_or(0, |have| u64::from(have.rows))
    };
    let mut grows = false;
    for edit in changes {
        let (more, less) = match edit {
            Edit::InsertRows { tab, count, .. } => (u64::from(*count) * columns(tab), 0),
            Edit::DeleteRows { tab, count, .. } => (0, u64::from(*count) * columns(tab)),
            Edit::InsertColumns { tab, count, .. } => (u64::from(*count) * rows(tab), 0),
            Edit::DeleteColumns { tab, count, .. } => (0, u64::from(*count) * rows(tab)),
            Edit::AddTab(tab) => (size(tab), 0),
            _ => (0, 0),
        };
        grows |= more > 0;
        cells = cells.saturating_add(more).saturating_sub(less);
    }
    // What is too large already is not made larger, and may still be written to.
    if grows && cells > FILE_CELLS_MAX {
        return Err(AuditError::FileFull {
            cells,
            limit: FILE_CELLS_MAX,
        });
    }
    Ok(())
}

/// Checks one edit and says how many cells it writes.
fn audit_edit(edit: &Edit, ownership: &Ownership) -> Result<u64, AuditError> {
    let repair = |what, tab| match ownership.repair {
        true => Ok(0),
        false => Err(AuditError::NotARepair { what, tab }),
    };
    match edit {
        Edit::Write {
            tab,
            row,
            column,
            values,
        } => audit_write(*tab, (*row, *column), values, ownership),
        Edit::InsertRows { tab, count, .. } if ownership.grows.contains(tab) => {
            Ok(u64::from(*count))
        }
        Edit::InsertRows { tab, row, count } | Edit::DeleteRows { tab, row, count } => {
            if !ownership.tabs.contains(tab) {
                return Err(AuditError::ForeignRows {
                    tab: *tab,
                    row: u64::from(*row) + 1,
                });
            }
            Ok(u64::from(*count))
        }
        Edit::Keep { from, tab, row } => {
            let (rect, columns) = (from.rect, from.rect.column_end - from.rect.column_start);
            for line in *row..row.saturating_add(rect.row_end - rect.row_start) {
                for column in 0..columns {
                    audit_cell(*tab, line, column, ownership)?;
                }
            }
            Ok(0)
        }
        Edit::SetName(range) if ownership.names.contains(&range.name) => Ok(0),
        Edit::SetName(range) => Err(AuditError::ForeignName {
            name: range.name.clone(),
        }),
        Edit::SetNote { at, .. } => {
            for (row, column) in at.rect.cells() {
                audit_cell(at.tab, row, column, ownership)?;
            }
            Ok(at.rect.count())
        }
        Edit::AddTab(tab) => repair("tab", tab.id),
        Edit::AddChart { tab, .. } => repair("chart", *tab),
        Edit::AddProtection { tab, .. } | Edit::SetProtection { tab, .. } => {
            repair("protection", *tab)
        }
        Edit::DropProtection { protection } => repair("protection", *protection),
        Edit::AddConditional { tab, .. } | Edit::PutConditional { tab, .. } => {
            repair("conditional format", *tab)
        }
        // What an upgrade of the template does besides: `sheet::upgrade` touches what the company left
        // as the former template had it, and nothing else.
        Edit::InsertColumns { tab, .. } | Edit::DeleteColumns { tab, .. } => repair("column", *tab),
        Edit::Paint { tab, cells, .. } => {
            repair("cell of a template", *tab).map(|_| cells.len() as u64)
        }
        Edit::SetFile { .. } => repair("setting of the file", 0),
        Edit::SetTab(tab) => repair("tab's property", tab.id),
        Edit::SetSizes { tab, .. } | Edit::SetHidden { tab, .. } => repair("size", *tab),
        Edit::Merge { tab, .. } | Edit::Unmerge { tab, .. } => repair("merge", *tab),
        Edit::DropConditional { tab, .. } => repair("conditional format", *tab),
        Edit::SetChart(chart) => repair("chart", chart.categories.tab),
        Edit::DropChart { chart } => repair("chart", *chart),
        Edit::MoveChart { tab, .. } => repair("chart", *tab),
        Edit::AddMetadata { tab, .. } => repair("metadata", *tab),
    }
}

fn audit_write(
    tab: i64,
    (row, column): (u32, u32),
    values: &[Vec<Value>],
    ownership: &Ownership,
) -> Result<u64, AuditError> {
    let width = values.first().map_or(0, Vec::len);
    let mut count = 0;
    for (r, line) in values.iter().enumerate() {
        if line.len() != width {
            return Err(AuditError::Ragged {
                tab,
                cell: a1::cell(row, column),
            });
        }
        for (c, value) in line.iter().enumerate() {
            let at = (row + r as u32, column + c as u32);
            audit_cell(tab, at.0, at.1, ownership)?;
            let bad = match value {
                Value::Error(error) => Some(format!("the error {error}")),
                Value::Number(number) if !number.is_finite() => {
                    Some(format!("the number {number}"))
                }
                _ => None,
            };
            if let Some(what) = bad {
                return Err(AuditError::BadValue {
                    tab,
                    cell: a1::cell(at.0, at.1),
                    what,
                });
            }
            count += 1;
        }
    }
    Ok(count)
}

fn audit_cell(tab: i64, row: u32, column: u32, ownership: &Ownership) -> Result<(), AuditError> {
    if ownership.tabs.contains(&tab) || ownership.cells.contains(&(tab, row, column)) {
        return Ok(());
    }
    Err(AuditError::ForeignCell {
        tab,
        cell: a1::cell(row, column),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::{Area, NamedRange};

    fn ownership() -> Ownership {
        Ownership {
            tabs: BTreeSet::from([201]),
            cells: BTreeSet::from([(302, 7, 3), (302, 7, 4)]),
            grows: BTreeSet::new(),
            names: BTreeSet::from(["months".to_owned()]),
            repair: false,
        }
    }

    fn write(tab: i64, row: u32, column: u32, values: Vec<Vec<Value>>) -> Edit {
        Edit::Write {
            tab,
            row,
            column,
            values,
        }
    }

    fn one() -> Value {
        Value::Number(1.0)
    }

    #[test]
    fn what_is_owned_passes() {
        let changes = [
            Edit::InsertRows {
                tab: 201,
                row: 5,
                count: 2,
            },
            write(201, 5, 0, vec![vec![one(), Value::Blank]; 2]),
            write(302, 7, 3, vec![vec![one(), one()]]),
            Edit::SetName(NamedRange {
                id: String::new(),
                name: "months".into(),
                area: Area::cell(201, 0, 0),
            }),
        ];
        assert_eq!(audit(&changes, &ownership(), Limits::default()), Ok(()));
    }

    #[test]
    fn breaches_are_refused_by_name() {
        let cases: Vec<(Edit, &str)> = vec![
            (
                write(302, 7, 3, vec![vec![one(); 3]]),
                "write F8 of tab 302",
            ),
            (write(302, 8, 3, vec![vec![one()]]), "write D9 of tab 302"),
            (
                Edit::DeleteRows {
                    tab: 302,
                    row: 0,
                    count: 1,
                },
                "rows of tab 302 at row 1",
            ),
            (
                Edit::SetName(NamedRange {
                    id: String::new(),
                    name: "theirs".into(),
                    area: Area::cell(201, 0, 0),
                }),
                "`theirs`",
            ),
            (Edit::AddTab(Box::default()), "add a tab"),
            (
                write(201, 0, 0, vec![vec![Value::Error("#REF!".into())]]),
                "the error #REF! into A1",
            ),
            (
                write(201, 0, 0, vec![vec![Value::Number(f64::NAN)]]),
                "the number NaN",
            ),
            (
                write(201, 0, 0, vec![vec![one()], vec![one(), one()]]),
                "ragged",
            ),
            (
                Edit::SetNote {
                    at: Area::cell(302, 0, 0),
                    note: None,
                },
                "write A1 of tab 302",
            ),
        ];
        for (edit, expected) in cases {
            let error = audit(&[edit], &ownership(), Limits::default()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error} / {expected}");
        }
        let big = write(201, 0, 0, vec![vec![one(); 10]]);
        let error = audit(&[big], &ownership(), Limits { cells: 9 }).unwrap_err();
        assert_eq!(
            error,
            AuditError::TooLarge {
                cells: 10,
                limit: 9
            }
        );
    }

    #[test]
    fn a_file_that_would_be_too_large_is_refused_before_it_is() {
        let tab = |id: i64, rows: u32| Tab {
            id,
            rows,
            columns: 20,
            ..Tab::default()
        };
        let tabs = [tab(1, 400_000), tab(2, 99_990)];
        let insert = |tab: i64, count: u32| Edit::InsertRows { tab, row: 5, count };
        let delete = |tab: i64, count: u32| Edit::DeleteRows { tab, row: 5, count };
        let cases = [
            (vec![insert(1, 10)], true),
            (vec![insert(1, 11)], false),
            (vec![insert(1, 11), delete(2, 1)], true),
            (vec![Edit::AddTab(Box::new(tab(3, 11)))], false),
            (vec![write(1, 0, 0, vec![vec![one()]])], true),
        ];
        for (edits, fits) in cases {
            let told = room(&tabs, &edits);
            assert_eq!(told.is_ok(), fits, "{edits:?}");
            if let Err(error) = told {
                assert!(error.to_string().contains("10000020 cells"), "{error}");
            }
        }
        let full = [tab(1, 600_000)];
        assert_eq!(room(&full, &[write(1, 0, 0, vec![vec![one()]])]), Ok(()));
    }
}
