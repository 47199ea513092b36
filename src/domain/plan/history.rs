//! What became of plan numbers, and how a former state of the plan is brought back.
//!
//! [`changes`] tells which cells of a pass have another owner or another number in force than the
//! store remembered. It looks at exactly what is about to be stored, so a change that was stored is
//! never told a second time, wherever the program died.
//!
//! [`restore`] is the ordinary [`replan()`] on a desk on which the wanted cells stand already: a
//! person's number is there as his, a target or weight as the daemon's own, and what is generated
//! follows from them. Only then each wanted cell is compared with what the sheet really shows. So
//! `accept`, the batch and `confirm` work on it as on any other plan: before the batch each cell
//! remembers what it shows and what is `pending`, which is how the next pass finishes a restore that
//! died half way, and how it tells that from a person's edit.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::merge::{number_of, same};
use super::{BaseCell, CellKey, Cells, Merged, Owner, PlanInput, Replanned, Seen, replan};

/// Whose number a cell holds, and which number is in force (`None`: blank).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whose number it is.
    pub owner: Owner,
    /// The number in force.
    pub value: Option<Decimal>,
}

impl Held {
    /// A cell as the store remembers it.
    pub fn of(cell: &BaseCell) -> Held {
        Held {
            owner: cell.owner,
            value: cell.value,
        }
    }

    /// Whether it is the same number of the same owner, as far as a spreadsheet can tell.
    pub fn is_same(&self, other: &Held) -> bool {
        self.owner == other.owner && same(self.value, other.value)
    }
}

impl From<&Merged> for Held {
    fn from(cell: &Merged) -> Held {
        Held {
            owner: cell.owner,
            value: cell.value,
        }
    }
}

/// Where a change came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeSource {
    /// A person typed into the cell, or emptied it.
    Sheet,
    /// It was generated anew from targets, history or other cells.
    Targets,
    /// A scenario was taken over into the targets.
    Scenario,
    /// A person asked for a version, or for the state before the last change set.
    Restore,
}

impl ChangeSource {
    /// Its stable code: `sheet`, `targets`, `scenario`, `restore`.
    pub fn code(self) -> &'static str {
        match self {
            ChangeSource::Sheet => "sheet",
            ChangeSource::Targets => "targets",
            ChangeSource::Scenario => "scenario",
            ChangeSource::Restore => "restore",
        }
    }

    /// The source with this code.
    pub fn of_code(code: &str) -> Option<ChangeSource> {
        [
            ChangeSource::Sheet,
            ChangeSource::Targets,
            ChangeSource::Scenario,
            ChangeSource::Restore,
        ]
        .into_iter()
        .find(|source| source.code() == code)
    }
}

/// What became of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// The cell.
    pub cell: CellKey,
    /// What was in force; `None` for a cell that is met for the first time.
    pub before: Option<Held>,
    /// What is in force from now on.
    pub after: Held,
    /// Where it came from.
    pub source: ChangeSource,
}

/// What changes when `accepted` is stored over `base`, the store's memory now. `asked` are the cells
/// that a restore brings back. A blank cell that is met for the first time is no change.
pub fn changes(
    accepted: &Cells<BaseCell>,
    base: &Cells<BaseCell>,
    asked: &Cells<Held>,
) -> Vec<PlanChange> {
    let one = |(key, cell): (&CellKey, &BaseCell)| {
        let before = base.get(key).map(Held::of);
        let after = Held::of(cell);
        let is_same = match before {
            Some(before) => before.is_same(&after),
            None => after.owner == Owner::Daemon && after.value.is_none(),
        };
        (!is_same).then(|| PlanChange {
            cell: key.clone(),
            before,
            after,
            source: source_of(before, after, asked.get(key)),
        })
    };
    accepted.iter().filter_map(one).collect()
}

fn source_of(before: Option<Held>, after: Held, asked: Option<&Held>) -> ChangeSource {
    let is_asked = asked.is_some_and(|asked| match asked.owner {
        Owner::Person => asked.is_same(&after),
        Owner::Daemon => after.owner == Owner::Daemon,
    });
    if is_asked {
        return ChangeSource::Restore;
    }
    let was_a_persons = before.is_some_and(|before| before.owner == Owner::Person);
    if after.owner == Owner::Person || was_a_persons {
        ChangeSource::Sheet
    } else {
        ChangeSource::Targets
    }
}

/// What was in force before a change set: the state to give to [`restore`] to undo it. A cell that
/// the set met for the first time goes back to the daemon.
pub fn undo(set: &[PlanChange]) -> Cells<Held> {
    let handed_back = Held {
        owner: Owner::Daemon,
        value: None,
    };
    let mut before = Cells::new();
    for change in set {
        // The first change of a cell tells what was there before all of them.
        before
            .entry(change.cell.clone())
            .or_insert(change.before.unwrap_or(handed_back));
    }
    before
}

/// What is in force, cell by cell: what a version keeps.
pub fn held(plan: &Replanned) -> Cells<Held> {
    let cells = plan.cells.iter();
    cells
        .map(|(key, cell)| (key.clone(), cell.into()))
        .collect()
}

/// The plan with these cells brought back; all others stay as they are.
///
/// A person's number becomes the person's again, and is written even over another number of a
/// person or over something unreadable, because a person asked for it. Any other cell is handed
/// back: a target or weight takes the number that it had, everything else is generated. With the
/// same facts the numbers in force are those that were, save where a cell could not be read then.
///
/// An edit that the store has not met yet is newer than what was asked, and stays.
pub fn restore(input: &PlanInput<'_>, target: &Cells<Held>) -> Replanned {
    let newer = unmet(input, target);
    let wanted = target.iter().filter(|(key, _)| !newer.contains(key));
    let (mut seen, mut base) = (input.seen.clone(), input.base.clone());
    for (key, held) in wanted.clone() {
        if let Some(shown) = seen.get_mut(key) {
            *shown = held.value.map_or(Seen::Blank, Seen::Number);
        }
        // Somebody who was never met in this store has no rows to bring back.
        let is_known = input.seen.contains_key(key) || input.base.contains_key(key);
        if is_known {
            let cell = BaseCell {
                owner: held.owner,
                base: held.value,
                value: held.value,
                pending: None,
            };
            base.insert(key.clone(), cell);
        }
    }
    let mut plan = replan(&PlanInput {
        seen: &seen,
        base: &base,
        ..*input
    });
    for (key, _) in wanted {
        if let (Some(cell), Some(shown)) = (plan.cells.get_mut(key), input.seen.get(key)) {
            show(cell, shown);
        }
    }
    plan
}

/// The wanted cells that a person edited since the store last looked.
fn unmet<'a>(input: &PlanInput<'_>, target: &'a Cells<Held>) -> BTreeSet<&'a CellKey> {
    let now = replan(input);
    let is_newer = |key: &&CellKey| {
        let known = input.base.get(key).map(Held::of);
        match (now.cells.get(key).map(Held::from), known) {
            (Some(now), Some(known)) => {
                let is_a_persons = [now.owner, known.owner].contains(&Owner::Person);
                is_a_persons && !now.is_same(&known)
            }
            (Some(now), None) => now.owner == Owner::Person,
            (None, _) => false,
        }
    };
    target.keys().filter(is_newer).collect()
}

/// Holds a cell that was settled on the desk against what the sheet shows.
fn show(cell: &mut Merged, seen: &Seen) {
    if cell.problem.is_some() {
        // No longer a number that makes sense: it is in force and the sheet is left alone.
        cell.write = None;
        cell.shown = None;
        return;
    }
    match number_of(seen) {
        Ok(shown) => {
            cell.shown = Some(shown);
            cell.write = (!same(shown, cell.value)).then_some(cell.value);
        }
        Err(_) => {
            cell.shown = None;
            cell.write = Some(cell.value);
        }
    }
}

#[cfg(test)]
mod tests;
