//! PURE: what the store remembers of a plan, held against a file into which it was never written.
//!
//! A plan file that was made anew (the former was deleted) shows blank cells where people's numbers
//! stood. Nobody emptied them: they are still to be written, as a restore that died is.

use rust_decimal::Decimal;

use crate::domain::plan::{BaseCell, CellKey, Cells, Owner, Seen};
use crate::sheet::edit::Observed;
use crate::sheet::table::{Located, TableSpec};
use crate::sheet::template::{self, TemplateKind};
use crate::sheet::workbook::Value;

/// Whether the daemon has never filled this plan file: the banner, which goes out with the first
/// batch, is blank, and so is every cell that it wrote.
pub(super) fn is_fresh(
    plan: &Observed,
    specs: &[TableSpec],
    base: &Cells<BaseCell>,
    seen: &Cells<Seen>,
) -> bool {
    let status = template::status_table(TemplateKind::Plan);
    let spec = specs.iter().find(|spec| spec.name == status);
    let Some((spec, grid)) = spec.zip(plan.blocks.get(status)) else {
        return false;
    };
    let (located, _) = Located::observe(plan, spec);
    let rows = located.rows.values();
    let mut banner = rows.flat_map(|row| located.columns.values().map(|column| (*row, *column)));
    let is_written = |(key, cell): (&CellKey, &BaseCell)| {
        cell.owner == Owner::Daemon
            && cell.base.is_some()
            && matches!(seen.get(key), Some(Seen::Number(_)))
    };
    banner.all(|(row, column)| *grid.at(row, column) == Value::Blank)
        && !base.iter().any(is_written)
}

/// The memory with which people's numbers go into a fresh file again. What somebody typed into the
/// fresh file already is newer and stays.
pub(super) fn refilled(base: &Cells<BaseCell>, seen: &Cells<Seen>) -> Cells<BaseCell> {
    let wanted = |cell: &BaseCell| cell.value.filter(|_| cell.owner == Owner::Person);
    let refill = |cell: &BaseCell, value: Decimal| BaseCell {
        base: None,
        pending: Some(Some(value)),
        ..cell.clone()
    };
    let mut refilled = base.clone();
    for (key, cell) in &mut refilled {
        if let (Some(value), Some(Seen::Blank)) = (wanted(cell), seen.get(key)) {
            *cell = refill(cell, value);
        }
    }
    refilled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(owner: Owner, number: i64) -> BaseCell {
        BaseCell {
            owner,
            base: Some(number.into()),
            value: Some(number.into()),
            pending: None,
        }
    }

    #[test]
    fn only_peoples_numbers_over_blank_cells_are_written_again() {
        let key = |row: &str| CellKey::new("plan_company", row, "2026-06");
        let base: Cells<BaseCell> = [
            (key("typed"), cell(Owner::Person, 7)),
            (key("typed anew"), cell(Owner::Person, 8)),
            (key("no row"), cell(Owner::Person, 9)),
            (key("generated"), cell(Owner::Daemon, 10)),
        ]
        .into();
        let seen: Cells<Seen> = [
            (key("typed"), Seen::Blank),
            (key("typed anew"), Seen::Number(80.into())),
            (key("generated"), Seen::Blank),
        ]
        .into();
        let refilled = refilled(&base, &seen);
        let changed: Vec<&CellKey> = refilled
            .iter()
            .filter(|(key, cell)| base.get(*key) != Some(*cell))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(changed, [&key("typed")]);
        let typed = refilled.get(&key("typed")).cloned();
        assert_eq!(
            typed,
            Some(BaseCell {
                base: None,
                pending: Some(Some(7.into())),
                ..cell(Owner::Person, 7)
            })
        );
    }
}
