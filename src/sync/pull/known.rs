//! The ids that the store holds of one kind of record, cut into ranges and held against the portal's
//! counts.

use std::collections::BTreeSet;

use super::PullError;
use crate::bitrix24::load::{Chunk, Range};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{Portal, counts};

/// Ranges in which the ids of a kind are counted at first: those of two kinds together are one request.
pub(super) const RANGES: usize = 25;
/// Parts into which a range that differs is cut.
const PARTS: usize = 8;
/// A range of no more records is read rather than counted in parts: about one request.
pub(super) const RECORDS_READ: usize = 2_000;
/// Records that a command brings where few ids are missing; the largest number would be 50.
pub(super) const RECORDS_A_COMMAND: usize = 40;
/// How often ranges are cut; enough for a million records.
const CUTS_MAX: usize = 4;

/// The ids of one kind of record that the store holds, in order.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) entity: Entity,
    pub(super) ids: Vec<u64>,
}

impl Known {
    /// How many of them are in a range.
    pub(super) fn count(&self, range: Range) -> usize {
        let from = self.ids.partition_point(|id| *id < range.next);
        let to = self.ids.partition_point(|id| *id <= range.last);
        to.saturating_sub(from)
    }

    /// A range in parts of about as many records each, without a gap between them.
    pub(super) fn parts(&self, range: Range, parts: usize) -> Vec<Range> {
        let from = self.ids.partition_point(|id| *id < range.next);
        let count = self.count(range);
        let mut out = Vec::with_capacity(parts);
        let mut next = range.next;
        for part in 1..=parts {
            let border = self.ids.get(from + count * part / parts);
            let last = match border {
                Some(id) if part < parts => id.saturating_sub(1).min(range.last),
                _ => range.last,
            };
            if next <= last {
                let entity = range.entity;
                out.push(Range { entity, next, last });
                next = last + 1;
            }
        }
        out
    }

    /// The range that holds all ids that are in the store or, from `span`, in the portal.
    pub(super) fn whole(&self, span: Option<(u64, u64)>) -> Option<Range> {
        let own = self.ids.first().copied().zip(self.ids.last().copied());
        let (next, last) = match (own, span) {
            (Some(own), Some(span)) => (own.0.min(span.0), own.1.max(span.1)),
            (own, span) => own.or(span)?,
        };
        let entity = self.entity;
        Some(Range { entity, next, last })
    }

    /// Commands that reading a range costs, about.
    pub(super) fn cost(&self, range: Range) -> usize {
        self.count(range) / RECORDS_A_COMMAND + 1
    }
}

/// Those of one kind; none when they are not among all.
pub(super) fn of(all: &[Known], entity: Entity) -> Option<&Known> {
    all.iter().find(|known| known.entity == entity)
}

/// Ranges whose count is not the portal's, each small enough to be read, and by how many rows. A kind
/// that the portal does not count is passed over.
pub(super) async fn differing(
    portal: &Portal,
    all: &[Known],
    mut asked: Vec<Range>,
) -> Result<Vec<(Range, u64)>, PullError> {
    let mut found = Vec::new();
    for cut in 0..=CUTS_MAX {
        if asked.is_empty() {
            break;
        }
        let told = counts(portal, &asked).await?;
        let mut next = Vec::new();
        for (range, told) in asked.into_iter().zip(told) {
            let (Some(known), Some(told)) = (of(all, range.entity), told) else {
                continue;
            };
            let ours = known.count(range);
            let by = told.abs_diff(ours as u64);
            if by == 0 {
                continue;
            }
            if ours <= RECORDS_READ || cut == CUTS_MAX {
                found.push((range, by));
            } else {
                next.extend(known.parts(range, PARTS));
            }
        }
        asked = next;
    }
    Ok(found)
}

/// Records of the covered ids that the store holds and the chunk does not.
pub(super) fn absent(all: &[Known], chunk: &Chunk) -> Vec<(Entity, u64)> {
    let readable = chunk.records.iter().filter_map(Record::id);
    let unreadable = chunk
        .unreadable
        .iter()
        .filter_map(|row| row.id.parse().ok());
    let came: BTreeSet<u64> = readable.chain(unreadable).collect();
    let mut out = Vec::new();
    for range in &chunk.covered {
        let Some(known) = of(all, range.entity) else {
            continue;
        };
        let from = known.ids.partition_point(|id| *id < range.next);
        let rest = known.ids.iter().skip(from);
        let inside = rest.take_while(|id| **id <= range.last);
        let missing = inside.filter(|id| !came.contains(id));
        out.extend(missing.map(|id| (known.entity, *id)));
    }
    out
}

/// Ranges in order, those that overlap or touch put together.
pub(super) fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by_key(|range| (range.entity, range.next));
    let mut out: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last)
                if last.entity == range.entity && range.next <= last.last.saturating_add(1) =>
            {
                last.last = last.last.max(range.last);
            }
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_meet_are_read_once() {
        let range = |next, last| Range {
            entity: Entity::Lead,
            next,
            last,
        };
        let deal = Range {
            entity: Entity::Deal,
            ..range(1, 5)
        };
        let out = joined(vec![
            range(50, 60),
            deal,
            range(1, 10),
            range(11, 20),
            range(15, 55),
        ]);
        let shown: Vec<_> = out.iter().map(|r| (r.entity, r.next, r.last)).collect();
        assert_eq!(shown, [(Entity::Lead, 1, 60), (Entity::Deal, 1, 5)]);
    }

    proptest! {
        #[test]
        fn parts_cover_a_range_without_gap_or_overlap(
            ids in proptest::collection::btree_set(1u64..5_000, 0..400),
            next in 1u64..2_000,
            length in 0u64..4_000,
            parts in 1usize..30,
        ) {
            let known = Known { entity: Entity::Lead, ids: ids.into_iter().collect() };
            let range = Range { entity: Entity::Lead, next, last: next + length };
            let cut = known.parts(range, parts);
            prop_assert!(cut.len() <= parts);
            let mut at = range.next;
            for part in &cut {
                prop_assert_eq!(part.next, at);
                prop_assert!(part.last >= part.next);
                at = part.last + 1;
            }
            prop_assert_eq!(at, range.last + 1);
            let sum: usize = cut.iter().map(|part| known.count(*part)).sum();
            prop_assert_eq!(sum, known.count(range));
            let most = known.count(range).div_ceil(parts) + 1;
            prop_assert!(cut.iter().all(|part| known.count(*part) <= most));
        }
    }
}
