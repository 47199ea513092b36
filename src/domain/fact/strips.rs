//! Tallies by month, of the company, of sources, of seats: small arrays, no allocation a record.

use std::collections::HashMap;

use super::deeds::DeedTally;
use super::leads::LeadTally;
use super::sales::SalesTally;

/// Ids below this are looked up in an array, the rest in a hash table.
const SMALL_IDS: u64 = 1 << 16;
/// Marks an id that has no index yet.
const NO_INDEX: u32 = u32::MAX;

/// Sums of one month (and source, or seat).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Tally {
    pub(super) leads: LeadTally,
    pub(super) sales: SalesTally,
    pub(super) deeds: DeedTally,
}

/// Tallies of consecutive months, from the first one that was touched.
#[derive(Debug, Default)]
pub(super) struct Strip {
    first: usize,
    tallies: Vec<Tally>,
}

impl Strip {
    /// The tally of a month.
    pub(super) fn at(&mut self, month: usize) -> &mut Tally {
        if self.tallies.is_empty() {
            self.first = month;
        }
        if month < self.first {
            let missing = self.first - month;
            self.tallies
                .splice(0..0, std::iter::repeat_n(Tally::default(), missing));
            self.first = month;
        }
        let index = month - self.first;
        if index >= self.tallies.len() {
            self.tallies.resize(index + 1, Tally::default());
        }
        &mut self.tallies[index]
    }

    /// The first month; none while nothing happened.
    pub(super) fn first(&self) -> Option<usize> {
        (!self.tallies.is_empty()).then_some(self.first)
    }

    /// The tally of a month; none outside.
    pub(super) fn get(&self, month: usize) -> Option<&Tally> {
        self.tallies.get(month.checked_sub(self.first)?)
    }

    /// The months in which something happened.
    pub(super) fn touched(&self) -> impl Iterator<Item = (usize, &Tally)> {
        let all = self.tallies.iter().enumerate();
        all.filter(|(_, tally)| **tally != Tally::default())
            .map(|(index, tally)| (self.first + index, tally))
    }
}

/// Ids and the order in which they appeared.
#[derive(Debug, Default)]
pub(super) struct Ids {
    small: Vec<u32>,
    large: HashMap<u64, u32>,
    count: u32,
}

impl Ids {
    /// The place of an id, and whether it appeared just now.
    pub(super) fn place(&mut self, id: u64) -> (u32, bool) {
        let slot = if id < SMALL_IDS {
            let id = id as usize;
            if id >= self.small.len() {
                self.small.resize(id + 1, NO_INDEX);
            }
            &mut self.small[id]
        } else {
            self.large.entry(id).or_insert(NO_INDEX)
        };
        let is_new = *slot == NO_INDEX;
        if is_new {
            *slot = self.count;
            self.count += 1;
        }
        (*slot, is_new)
    }
}

/// Ids in order of appearance, each with its strip.
#[derive(Debug, Default)]
pub(super) struct Strips {
    places: Ids,
    strips: Vec<(u64, Strip)>,
}

impl Strips {
    /// The place of an id.
    pub(super) fn index(&mut self, id: u64) -> u32 {
        let (place, is_new) = self.places.place(id);
        if is_new {
            self.strips.push((id, Strip::default()));
        }
        place
    }

    /// The tally of a place and month.
    pub(super) fn at(&mut self, index: u32, month: usize) -> &mut Tally {
        self.strips[index as usize].1.at(month)
    }

    /// Every id with its strip.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Strip)> {
        self.strips.iter().map(|(id, strip)| (*id, strip))
    }
}
