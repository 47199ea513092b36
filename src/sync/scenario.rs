//! PURE: a scenario that a person ticks becomes the company's targets (R52).
//!
//! The tick is read as if the person had typed the scenario's numbers into «Цели» himself; the batch
//! that writes them there takes the tick away. Should the pass die before its batch, the tick still
//! stands and the next pass does it again.

use std::collections::BTreeMap;

use crate::domain::plan::{
    CellKey, Cells, Seen, TARGETS_TABLE, TargetCell, read_number, target_cells,
};
use crate::sheet::workbook::Value;

use super::reconcile::number;

const SCENARIO: &str = "scenario";
const ACCEPT: &str = "accept";

/// What of a scenario was accepted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Scenario {
    taken: BTreeMap<CellKey, rust_decimal::Decimal>,
    unreadable: Vec<CellKey>,
    tick: Option<CellKey>,
}

impl Scenario {
    /// The targets that were taken over, and the tick that goes away.
    pub(super) fn writes(&self) -> impl Iterator<Item = (CellKey, Value)> {
        let tick = self
            .tick
            .iter()
            .map(|key| (key.clone(), Value::Bool(false)));
        let taken = self.taken.iter();
        taken
            .map(|(key, value)| (key.clone(), number(Some(*value))))
            .chain(tick)
    }

    /// The scenario's cells that cannot be taken over.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = &CellKey> {
        self.unreadable.iter()
    }

    /// Whether a target was taken over from the scenario.
    pub(super) fn took(&self, key: &CellKey) -> bool {
        self.taken.contains_key(key)
    }
}

/// Takes over a ticked scenario: its numbers stand in `seen` as the targets then. One that cannot be
/// read is not taken over at all.
pub(super) fn accept(seen: &mut Cells<Seen>) -> Scenario {
    let tick = CellKey::new(SCENARIO, ACCEPT, "value");
    let is_ticked = seen.get(&tick) == Some(&Seen::Bool(true));
    if !is_ticked {
        return Scenario::default();
    }
    let mut scenario = Scenario::default();
    for cell in target_cells() {
        let TargetCell { key, range, .. } = cell;
        let tried = CellKey::new(SCENARIO, &key.row, &key.column);
        let read = match seen.get(&tried) {
            None | Some(Seen::Blank) => Ok(None),
            Some(Seen::Number(number)) => Ok(Some(*number)),
            Some(Seen::Text(text)) => read_number(text).map_err(drop),
            Some(Seen::Bool(_) | Seen::Error(_)) => Err(()),
        };
        match read {
            Ok(None) => {}
            Ok(Some(number)) if range.check(number).is_ok() => {
                scenario.taken.insert(key, number);
            }
            _ => scenario.unreadable.push(tried),
        }
    }
    if !scenario.unreadable.is_empty() {
        scenario.taken.clear();
        return scenario;
    }
    scenario.tick = Some(tick);
    for (key, number) in &scenario.taken {
        debug_assert_eq!(key.table, TARGETS_TABLE);
        seen.insert(key.clone(), Seen::Number(*number));
    }
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn seen(cells: &[(&str, &str, Seen)]) -> Cells<Seen> {
        let cell = |(row, column, seen): &(&str, &str, Seen)| {
            (CellKey::new(SCENARIO, row, column), seen.clone())
        };
        let mut seen: Cells<Seen> = cells.iter().map(cell).collect();
        seen.insert(CellKey::target("margin"), Seen::Number(Decimal::ONE));
        seen
    }

    #[test]
    fn a_ticked_scenario_stands_in_the_targets() {
        let half: Decimal = "0.5".parse().unwrap();
        let mut cells = seen(&[
            ("accept", "value", Seen::Bool(true)),
            ("margin", "value", Seen::Number(half)),
            ("profit", "value", Seen::Text("1 200 000".to_owned())),
            ("avg_check", "value", Seen::Blank),
        ]);
        let scenario = accept(&mut cells);
        assert_eq!(cells[&CellKey::target("margin")], Seen::Number(half));
        assert!(scenario.took(&CellKey::target("profit")));
        assert!(!scenario.took(&CellKey::target("avg_check")));
        let writes: BTreeMap<CellKey, Value> = scenario.writes().collect();
        assert_eq!(writes.len(), 3);
        let tick = CellKey::new(SCENARIO, "accept", "value");
        assert_eq!(writes[&tick], Value::Bool(false));
    }

    #[test]
    fn an_unreadable_or_unticked_scenario_changes_nothing() {
        for cells in [
            seen(&[
                ("accept", "value", Seen::Bool(false)),
                ("margin", "value", Seen::Blank),
            ]),
            seen(&[
                ("accept", "value", Seen::Bool(true)),
                ("margin", "value", Seen::Number(Decimal::from(50))),
                ("profit", "value", Seen::Number(Decimal::from(5))),
            ]),
        ] {
            let mut after = cells.clone();
            let scenario = accept(&mut after);
            assert_eq!(after, cells);
            assert_eq!(scenario.writes().count(), 0);
        }
    }
}
