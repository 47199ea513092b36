//! Leads found by id: what a deal needs to know of the lead that it was made from.
//!
//! A million leads, looked up in no order, would cost a binary search twenty cache misses each. A
//! coarse index over the ids, four bytes for every few leads, leaves one or two.

/// How many leads share an entry of the coarse index, on average.
const LEADS_PER_BUCKET: usize = 8;

/// Where a lead's converted money is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeadSlot {
    /// The CRM's id.
    pub(super) id: u64,
    /// Index of its source.
    pub(super) source: u32,
    /// Index of the seat of who was responsible when it was first seen.
    pub(super) seat: u32,
    /// Index of the month in which it was created.
    pub(super) month: u16,
}

/// Leads by id.
#[derive(Debug, Default)]
pub(super) struct LeadIndex {
    slots: Vec<LeadSlot>,
    /// Where the ids from `bucket << shift` on begin in `slots`; one more entry than buckets.
    /// Empty until the first search.
    buckets: Vec<u32>,
    shift: u32,
}

impl LeadIndex {
    /// Adds a lead.
    pub(super) fn push(&mut self, slot: LeadSlot) {
        self.slots.push(slot);
        self.buckets.clear();
    }

    /// The lead with this id.
    pub(super) fn find(&mut self, id: u64) -> Option<LeadSlot> {
        if self.buckets.is_empty() {
            self.build();
        }
        let bucket = usize::try_from(id >> self.shift).ok()?;
        let start = *self.buckets.get(bucket)? as usize;
        let end = *self.buckets.get(bucket + 1)? as usize;
        let near = self.slots.get(start..end)?;
        let found = near.binary_search_by_key(&id, |slot| slot.id).ok()?;
        near.get(found).copied()
    }

    fn build(&mut self) {
        if !self.slots.is_sorted_by_key(|slot| slot.id) {
            self.slots.sort_unstable_by_key(|slot| slot.id);
        }
        let largest = self.slots.last().map_or(0, |slot| slot.id);
        let wanted = (self.slots.len() / LEADS_PER_BUCKET + 1) as u64;
        self.shift = 0;
        while largest >> self.shift > wanted {
            self.shift += 1;
        }
        let last = (largest >> self.shift) as usize;
        self.buckets.reserve_exact(last + 2);
        for (index, slot) in self.slots.iter().enumerate() {
            let bucket = (slot.id >> self.shift) as usize;
            if self.buckets.len() <= bucket {
                self.buckets.resize(bucket + 1, index as u32);
            }
        }
        self.buckets.resize(last + 2, self.slots.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot(id: u64) -> LeadSlot {
        LeadSlot {
            id,
            source: 0,
            seat: id as u32,
            month: 0,
        }
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        let mut index = LeadIndex::default();
        assert_eq!(index.find(0), None);
        assert_eq!(index.find(u64::MAX), None);
        index.push(slot(0));
        assert_eq!(index.find(0), Some(slot(0)));
    }

    proptest! {
        #[test]
        fn every_id_is_found_and_no_other(
            ids in prop::collection::btree_set(
                prop_oneof![0_u64..300, 1_000_000_u64..1_000_050, any::<u64>()], 0..200),
            others in prop::collection::vec(any::<u64>(), 20),
            turn in any::<bool>(),
        ) {
            let mut index = LeadIndex::default();
            let mut order: Vec<u64> = ids.iter().copied().collect();
            if turn {
                order.reverse();
            }
            order.iter().for_each(|id| index.push(slot(*id)));
            for id in ids.iter().chain(&others).copied().chain(0..300) {
                prop_assert_eq!(index.find(id), ids.contains(&id).then(|| slot(id)));
            }
        }
    }
}
