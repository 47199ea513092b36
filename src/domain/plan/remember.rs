//! What the store must remember of plan cells, before and after publishing.
//!
//! 1. Before the batch goes out, store [`accept`]: people's numbers are adopted, and each cell that
//!    is about to be written remembers what it shows now (`base`) and what is going to be written
//!    (`pending`).
//! 2. After the batch was confirmed, store [`confirm`]: the pending numbers become the base.
//!
//! Die before the batch: the cells still show the base, and the next pass writes again. Die after
//! it: the cells show what was pending, and the next pass takes them for the daemon's own.

use std::collections::BTreeSet;

use super::merge::same;
use super::{BaseCell, CellKey, Cells, Merged, Owner, Replanned, TARGETS_TABLE};

/// What to store before publishing: the cells that differ from `base`, the store's memory now.
pub fn accept(replanned: &Replanned, base: &Cells<BaseCell>) -> Cells<BaseCell> {
    remembered(replanned, base, |_| false)
}

/// What to store after a confirmed publish: the cells that differ from `base`, which is the
/// store's memory now or that before [`accept`] (either will do). `skipped` are the cells that
/// were left out of the batch because they had changed under the daemon's hands; they stay
/// unconfirmed.
pub fn confirm(
    replanned: &Replanned,
    base: &Cells<BaseCell>,
    skipped: &BTreeSet<CellKey>,
) -> Cells<BaseCell> {
    remembered(replanned, base, |key| !skipped.contains(key))
}

fn remembered(
    replanned: &Replanned,
    base: &Cells<BaseCell>,
    is_published: impl Fn(&CellKey) -> bool,
) -> Cells<BaseCell> {
    let mut changed = Cells::new();
    for (key, merged) in &replanned.cells {
        let prior = base.get(key);
        let next = memory(key, merged, prior, is_published(key));
        if let Some(next) = next.filter(|next| prior != Some(next)) {
            changed.insert(key.clone(), next);
        }
    }
    changed
}

fn memory(
    key: &CellKey,
    merged: &Merged,
    prior: Option<&BaseCell>,
    is_published: bool,
) -> Option<BaseCell> {
    let Some(shown) = merged.shown else {
        if let Some(written) = merged.write {
            // A restore writes over what cannot be read.
            let agreed = prior.and_then(|prior| prior.base);
            return Some(BaseCell {
                owner: merged.owner,
                base: if is_published { written } else { agreed },
                value: merged.value,
                pending: (!is_published).then_some(written),
            });
        }
        return match prior {
            // Unreadable or not in the sheet: what was agreed on stays agreed on.
            Some(prior) => Some(BaseCell {
                owner: merged.owner,
                value: merged.value,
                ..prior.clone()
            }),
            // A target without a cell lives in the store alone; anything else was never agreed on.
            None if key.table == TARGETS_TABLE && merged.problem.is_none() => {
                merged.value.map(|value| BaseCell {
                    owner: Owner::Daemon,
                    base: None,
                    value: Some(value),
                    pending: None,
                })
            }
            None => None,
        };
    };
    // Keep the exact number where the sheet shows the same one with a double's digits.
    let base = match prior {
        Some(prior) if same(prior.base, shown) => prior.base,
        Some(BaseCell {
            pending: Some(pending),
            ..
        }) if same(*pending, shown) => *pending,
        _ => shown,
    };
    let (base, pending) = match merged.write {
        Some(written) if is_published => (written, None),
        Some(written) => (base, Some(written)),
        None => (base, None),
    };
    Some(BaseCell {
        owner: merged.owner,
        base,
        value: merged.value,
        pending,
    })
}
