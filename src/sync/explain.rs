//! PURE: plan cells for people who ask about them: which cell is meant, where it stands, what would
//! be written into it and why.

use rust_decimal::Decimal;

use crate::domain::plan::{self, CellKey, Cells, Derivation, Held, Owner, Replanned};
use crate::sheet::a1;
use crate::sheet::audit::Ownership;
use crate::sheet::edit::{Edit, Observed};
use crate::sheet::table::{Located, TableSpec};
use crate::sheet::template::{self, TemplateKind};
use crate::sheet::workbook::{Area, Rect};

use super::render;
use super::words::Words;

/// A cell that the plan would write.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The cell.
    pub cell: CellKey,
    /// What it shows now (`Some(None)`: nothing); `None` when that is no number.
    pub old: Option<Option<Decimal>>,
    /// What would be written (`None`: a blank).
    pub new: Option<Decimal>,
    /// Where the number comes from; `None` for a blank.
    pub why: Option<Derivation>,
}

/// The cells of people's tables that the plan would write, in the order of their keys.
pub fn planned(plan: &Replanned) -> Vec<Planned> {
    plan.writes()
        .map(|(key, new)| Planned {
            cell: key.clone(),
            old: plan.cells.get(key).and_then(|cell| cell.shown),
            new,
            why: plan::explain(plan, key),
        })
        .collect()
}

/// A cell in which two states of the plan differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The cell.
    pub cell: CellKey,
    /// What the one holds; `None` when it does not have the cell.
    pub one: Option<Held>,
    /// What the other holds.
    pub other: Option<Held>,
}

/// Where two states of the plan differ, in the order of the keys. A cell that only one of them has
/// is a difference unless it is blank and the daemon's.
pub fn differences(one: &Cells<Held>, other: &Cells<Held>) -> Vec<Difference> {
    let blank = Held {
        owner: Owner::Daemon,
        value: None,
    };
    let more = other.keys().filter(|key| !one.contains_key(*key));
    let mut keys: Vec<&CellKey> = one.keys().chain(more).collect();
    keys.sort();
    let differs = |key: &&CellKey| {
        let held = |cells: &Cells<Held>| cells.get(*key).copied().unwrap_or(blank);
        !held(one).is_same(&held(other))
    };
    keys.into_iter()
        .filter(differs)
        .map(|key| Difference {
            cell: key.clone(),
            one: one.get(key).copied(),
            other: other.get(key).copied(),
        })
        .collect()
}

/// Why what somebody wrote names no cell of the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// Neither keys nor an address.
    #[error(
        "`{text}` names no cell; write its keys (plan_company/revenue/2026-03, \
         plan_employee/user:17/revenue/2026-03) or its address with the tab's title (План!D8)"
    )]
    Unreadable {
        /// The text.
        text: String,
    },
    /// The file has no tab of that title.
    #[error("the plan has no tab `{title}`; it has: {titles}")]
    NoTab {
        /// The title asked for.
        title: String,
        /// Those that there are.
        titles: String,
    },
    /// No key stands beside the cell or above it.
    #[error("{text} is no plan number: it is a heading, a formula or outside of the tables")]
    NoNumber {
        /// The text.
        text: String,
    },
    /// The plan has no such cell.
    #[error(
        "the plan has no cell {cell}; `planfact plan --dry-run` and the hidden key rows show keys"
    )]
    Unknown {
        /// The cell.
        cell: CellKey,
    },
}

/// The cell that is meant by its keys (`plan_company/revenue/2026-03`) or by its address with the
/// tab's title (`План!D8`).
///
/// # Errors
/// When the text names no cell that people may edit.
pub fn find(
    text: &str,
    year: i32,
    observed: &Observed,
    plan: &Replanned,
) -> Result<CellKey, CellError> {
    let cell = match text.contains('!') {
        true => by_address(text, year, observed)?,
        false => by_keys(text)?,
    };
    if plan.cells.contains_key(&cell) {
        Ok(cell)
    } else {
        Err(CellError::Unknown { cell })
    }
}

fn by_keys(text: &str) -> Result<CellKey, CellError> {
    let parts = text.split_once('/').and_then(|(table, rest)| {
        let (row, column) = rest.rsplit_once('/')?;
        let is_whole = [table, row, column]
            .iter()
            .all(|part| !part.trim().is_empty());
        is_whole.then(|| CellKey::new(table.trim(), row.trim(), column.trim()))
    });
    parts.ok_or_else(|| CellError::Unreadable {
        text: text.to_owned(),
    })
}

fn by_address(text: &str, year: i32, observed: &Observed) -> Result<CellKey, CellError> {
    let unreadable = || CellError::Unreadable {
        text: text.to_owned(),
    };
    let reference = a1::parse_reference(text).map_err(|_| unreadable())?;
    let title = reference.tab.ok_or_else(unreadable)?;
    if reference.rect.count() != 1 {
        return Err(unreadable());
    }
    let Some(tab) = observed.tabs.iter().find(|tab| tab.title == title) else {
        let titles: Vec<&str> = observed.tabs.iter().map(|tab| tab.title.as_str()).collect();
        return Err(CellError::NoTab {
            title,
            titles: titles.join(", "),
        });
    };
    let (row, column) = (reference.rect.row_start, reference.rect.column_start);
    let found = people_tables(year).into_iter().find_map(|spec| {
        let (located, _) = Located::observe(observed, &spec);
        observed
            .blocks
            .get(&spec.name)
            .filter(|grid| grid.tab == tab.id)?;
        let (row_keys, _) = located.rows.iter().find(|(_, at)| **at == row)?;
        let (column_key, _) = located.columns.iter().find(|(_, at)| **at == column)?;
        Some(CellKey::new(&spec.name, row_keys.first()?, column_key))
    });
    found.ok_or_else(|| CellError::NoNumber {
        text: text.to_owned(),
    })
}

fn people_tables(year: i32) -> Vec<TableSpec> {
    let mut specs = template::tables(TemplateKind::Plan, year);
    specs.retain(|spec| spec.people);
    specs
}

/// Where a cell stands in the sheet now; `None` when it is not there, or there twice.
pub fn place(cell: &CellKey, year: i32, observed: &Observed) -> Option<Area> {
    let specs = people_tables(year);
    let spec = specs.iter().find(|spec| spec.name == cell.table)?;
    let (located, _) = Located::observe(observed, spec);
    let (row, column) = located.cell(&[&cell.row], &cell.column)?;
    Some(Area {
        tab: located.tab,
        rect: Rect::cell(row, column),
    })
}

/// The edit that writes a note on a cell, and what it may touch.
pub fn note(at: Area, text: String) -> (Vec<Edit>, Ownership) {
    let cells = at.rect.cells().map(|(row, column)| (at.tab, row, column));
    let ownership = Ownership {
        cells: cells.collect(),
        ..Ownership::default()
    };
    let note = Some(text);
    (vec![Edit::SetNote { at, note }], ownership)
}

/// A number as people read it; a dash for a blank.
pub fn number(words: Words, value: Option<Decimal>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| render::plain(words, value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::plan::Merged;
    use crate::sheet::edit::Grid;
    use crate::sheet::workbook::{Tab, Value};

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn merged(value: i64, write: bool) -> Merged {
        let value = Some(Decimal::from(value));
        Merged {
            owner: Owner::Daemon,
            value,
            write: write.then_some(value),
            problem: None,
            shown: Some(None),
        }
    }

    fn plan() -> Replanned {
        let cell = |row: &str, column: &str| CellKey::new("plan_company", row, column);
        Replanned {
            cells: Cells::from([
                (cell("revenue", "2026-01"), merged(5, true)),
                (cell("revenue", "2026-02"), merged(6, false)),
            ]),
            ..Replanned::default()
        }
    }

    /// `plan_company` at B6 of the tab «План», with one row and two months.
    fn observed() -> Observed {
        let grid = Grid {
            tab: 7,
            row: 5,
            column: 1,
            values: vec![
                vec![text("key"), text("2026-01"), text("2026-02")],
                vec![text("revenue"), Value::Number(5.0), Value::Number(6.0)],
            ],
            formulas: BTreeMap::new(),
        };
        Observed {
            tabs: vec![Tab {
                id: 7,
                title: "План".to_owned(),
                ..Tab::default()
            }],
            names: Vec::new(),
            blocks: BTreeMap::from([("plan_company".to_owned(), grid)]),
        }
    }

    #[test]
    fn a_cell_is_found_by_its_keys_and_by_its_address() {
        let (seen, plan) = (observed(), plan());
        let found = |text: &str| find(text, 2026, &seen, &plan).map(|cell| cell.to_string());
        let cell = || Ok("plan_company/revenue/2026-02".to_owned());
        assert_eq!(found("plan_company/revenue/2026-02"), cell());
        assert_eq!(found("План!D7"), cell());
        assert_eq!(found("'План'!$D$7"), cell());
        let cases = [
            ("D7", "names no cell"),
            ("План!D7:E8", "names no cell"),
            ("plan_company//2026", "names no cell"),
            ("Plan!D7", "it has: План"),
            ("План!D6", "no plan number"),
            ("План!Z99", "no plan number"),
            (
                "plan_employee/user:1/revenue/2026-02",
                "no cell plan_employee",
            ),
        ];
        for (text, told) in cases {
            let error = found(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        let at = place(
            &CellKey::new("plan_company", "revenue", "2026-02"),
            2026,
            &seen,
        );
        assert_eq!(
            at.map(|at| (at.tab, a1::range(at.rect))),
            Some((7, "D7".to_owned()))
        );
    }

    #[test]
    fn exactly_the_cells_to_be_written_are_listed() {
        let listed = planned(&plan());
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].cell.column, "2026-01");
        assert_eq!(
            (listed[0].old, listed[0].new),
            (Some(None), Some(Decimal::from(5)))
        );
    }

    #[test]
    fn states_differ_where_a_number_or_its_owner_differs() {
        let held = |owner, value: Option<i64>| Held {
            owner,
            value: value.map(Decimal::from),
        };
        let key = |row: &str| CellKey::new("plan_company", row, "2026");
        let (ours, theirs) = (Owner::Daemon, Owner::Person);
        let one = Cells::from([
            (key("a"), held(ours, Some(1))),
            (key("b"), held(ours, Some(1))),
            (key("c"), held(ours, None)),
            (key("d"), held(ours, Some(4))),
        ]);
        let other = Cells::from([
            (key("a"), held(ours, Some(1))),
            (key("b"), held(theirs, Some(1))),
            (key("e"), held(ours, Some(5))),
        ]);
        let rows: Vec<String> = differences(&one, &other)
            .into_iter()
            .map(|difference| difference.cell.row)
            .collect();
        assert_eq!(rows, ["b", "d", "e"]);
    }
}
