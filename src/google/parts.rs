//! One batch or several: a file's edits go out as one atomic batch, unless that would be more than
//! Google takes well. Then they are parted at the borders of tabs, each part a batch of its own.
//!
//! A tab is never parted: a reader sees it as it was or as it is. The tab of the last edit goes last,
//! so that whoever makes the edits can put there what says that the file is whole. A tab that is too
//! large alone goes alone: Google names no greatest size (it recommends 2 MB and has taken 9 MB), and
//! half a tab would be worse than a slow request. Edits that change more than values (a template's
//! upgrade, a copy's repair) depend on each other and carry one mark: they are never parted.

use std::collections::BTreeMap;

use crate::sheet::edit::Edit;

/// How much one batch carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Bytes of its body.
    pub bytes: usize,
    /// Requests in it.
    pub requests: usize,
}

impl BatchLimits {
    /// Below what was seen to pass (9 MB) and below what is refused (100,000 requests).
    pub const PRODUCTION: BatchLimits = BatchLimits {
        bytes: 8_000_000,
        requests: 90_000,
    };

    /// Whether a batch may go out whole.
    pub(super) fn fits(&self, bytes: usize, requests: usize) -> bool {
        bytes <= self.bytes && requests <= self.requests
    }
}

/// The parts of the edits, if they can be parted.
pub(super) fn by_tab(edits: &[Edit]) -> Option<Vec<Vec<Edit>>> {
    let mut parts: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    for edit in edits {
        let tab = tab_of(edit)?;
        let next = places.len();
        let place = *places.entry(tab).or_insert(next);
        parts.entry(place).or_default().push(edit.clone());
    }
    let last = edits.last().and_then(tab_of)?;
    let closing = places.get(&last).and_then(|place| parts.remove(place));
    let mut parts: Vec<Vec<Edit>> = parts.into_values().collect();
    parts.extend(closing);
    (parts.len() > 1).then_some(parts)
}

/// The tab that an edit of values belongs to; `None` for other edits.
fn tab_of(edit: &Edit) -> Option<i64> {
    match edit {
        Edit::Write { tab, .. } | Edit::InsertRows { tab, .. } | Edit::DeleteRows { tab, .. } => {
            Some(*tab)
        }
        Edit::SetName(name) => Some(name.area.tab),
        Edit::SetNote { at, .. } => Some(at.tab),
        // It belongs to what is written over.
        Edit::Keep { from, .. } => Some(from.tab),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::{Area, NamedRange, Rect, Value};

    fn write(tab: i64, row: u32) -> Edit {
        Edit::Write {
            tab,
            row,
            column: 0,
            values: vec![vec![Value::Number(1.0)]],
        }
    }

    fn rect() -> Rect {
        Rect {
            row_start: 0,
            row_end: 1,
            column_start: 0,
            column_end: 1,
        }
    }

    #[test]
    fn tabs_stay_whole_in_order_and_the_last_edits_tab_goes_last() {
        let keep = Edit::Keep {
            from: Area {
                tab: 2,
                rect: rect(),
            },
            tab: 99,
            row: 0,
        };
        let name = Edit::SetName(NamedRange {
            id: "n".to_string(),
            name: "months".to_string(),
            area: Area {
                tab: 3,
                rect: rect(),
            },
        });
        let edits = [
            write(1, 0),
            keep.clone(),
            write(2, 0),
            write(3, 0),
            name.clone(),
            write(2, 5),
            write(1, 1),
        ];
        let parts = by_tab(&edits).unwrap();
        assert_eq!(
            parts,
            [
                vec![keep, write(2, 0), write(2, 5)],
                vec![write(3, 0), name],
                vec![write(1, 0), write(1, 1)],
            ]
        );
    }

    #[test]
    fn what_belongs_together_is_not_parted() {
        let structure = Edit::Merge {
            tab: 1,
            rect: rect(),
        };
        for edits in [
            vec![],
            vec![write(1, 0), write(1, 1)],
            vec![write(1, 0), write(2, 0), structure],
        ] {
            assert_eq!(by_tab(&edits), None, "{edits:?}");
        }
    }
}
