//! Once a night the store is held against the portal: what was deleted, what may not be seen any
//! more, and what was changed without a sign of it (N19).
//!
//! List methods say nothing of a row that is gone, and `DATE_MODIFY` stands still when a row is
//! written past the CRM. So the ids are cut into some dozens of ranges, and one request lets the
//! portal count each; where a count differs, the range is counted in parts until it is small, and
//! read again. What requests are left then go to reading the next stretch of all records, round and
//! round, so that after some nights everything was seen again; a portal of up to fifty thousand ids
//! is seen whole every night.
//!
//! A row that does not come any more is asked for by its id: one that was deleted leaves the store,
//! one that is denied stays as it was last seen, and the report says so. Nothing leaves the store
//! because of what a list did not say.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};

use super::intake::{Intake, blocking, time_cursor};
use super::{PullError, PullWarning, Thrift};
use crate::bitrix24::load::{self, Chunk, Range};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{COMMANDS_MAX, Fate, counts, fates, spans};
use crate::domain::crm::Card;
use crate::store::{PullBatch, Store, StoreError};

/// The portal's time when the store was last held against it.
pub(super) const SETTLED: &str = "crm:settled";
/// How many rows are there and may not be seen.
const HIDDEN: &str = "crm:hidden_rows";
/// Where the round stands: card and id.
const ROUND: &str = "crm:round";
/// Ranges in which the ids of leads and of deals are counted at first: together one request.
const RANGES: usize = 25;
/// Parts into which a range that differs is cut.
const PARTS: usize = 8;
/// A range of no more records is read rather than counted in parts: about one request.
const RECORDS_READ: usize = 2_000;
/// Records that a command brings where few ids are missing; the largest number would be 50.
const RECORDS_A_COMMAND: usize = 40;
/// How often ranges are cut; enough for a million records.
const CUTS_MAX: usize = 4;
/// Rows that are asked for by their ids in one night; of more, a sample speaks for all.
const FATES_MAX: usize = 500;
/// Such a sample.
const SAMPLE: usize = 100;
/// No record has a greater id.
const ID_MAX: u64 = (1 << 40) - 1;

fn entity(card: Card) -> Entity {
    match card {
        Card::Lead => Entity::Lead,
        Card::Deal => Entity::Deal,
    }
}

/// How many rows are there and may not be seen, as last found.
pub(super) fn hidden_rows(store: &dyn Store, company: &str) -> Result<u64, StoreError> {
    let text = blocking(|| store.cursor(company, HIDDEN))?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Holds the store against the portal when it is time.
pub(super) async fn settle(
    intake: &mut Intake<'_>,
    thrift: &Thrift,
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    let last = time_cursor(intake.store, intake.company, SETTLED)?;
    if last.is_some_and(|last| began - last < thrift.settle_every) {
        return Ok(());
    }
    let before = intake.requests();
    let mut survey = Survey::new(intake, thrift.settle_requests)?;
    let (ranges, left) = survey.plan(intake).await?;
    let changed_deals = std::mem::take(&mut intake.deals_seen);
    let mut batch = survey.read_again(intake, &ranges).await?;
    survey.ask_fates(intake, &mut batch).await?;
    if left > 0 {
        let records = left;
        let warning = PullWarning::Unsettled { records };
        intake.summary.warnings.push(warning);
    }
    batch.cursors = vec![
        (SETTLED.to_owned(), began.to_rfc3339()),
        (HIDDEN.to_owned(), survey.hidden.to_string()),
    ];
    let round = survey
        .round
        .map(|round| (ROUND.to_owned(), round.to_string()));
    batch.cursors.extend(round);
    let gone = batch.gone.len() as u64;
    let saved = intake.saved(&batch)?;
    // Most deals that were read again are as they were, and so are their product rows.
    intake.deals_seen = [changed_deals, saved.deals].concat();
    intake.summary.gone += gone;
    intake.summary.healed += saved.changed.saturating_sub(gone);
    intake.summary.settle_requests = intake.requests() - before;
    Ok(())
}

/// The ids of one kind of card that the store holds, in order.
struct Known {
    card: Card,
    ids: Vec<u64>,
}

impl Known {
    /// How many of them are in a range.
    fn count(&self, range: Range) -> usize {
        let from = self.ids.partition_point(|id| *id < range.next);
        let to = self.ids.partition_point(|id| *id <= range.last);
        to.saturating_sub(from)
    }

    /// A range in parts of about as many records each, without a gap between them.
    fn parts(&self, range: Range, parts: usize) -> Vec<Range> {
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
    fn whole(&self, span: Option<(u64, u64)>) -> Option<Range> {
        let own = self.ids.first().copied().zip(self.ids.last().copied());
        let (next, last) = match (own, span) {
            (Some(own), Some(span)) => (own.0.min(span.0), own.1.max(span.1)),
            (own, span) => own.or(span)?,
        };
        let entity = entity(self.card);
        Some(Range { entity, next, last })
    }
}

/// One night's comparison.
struct Survey {
    known: [Known; 2],
    /// Commands that reading again may still cost.
    budget: usize,
    /// Where the round goes on: a place among the ids of leads and then those of deals.
    round: Option<usize>,
    /// Cards that did not come.
    missing: Vec<(Card, u64)>,
    hidden: u64,
}

impl Survey {
    fn new(intake: &Intake<'_>, budget: u64) -> Result<Survey, PullError> {
        let (store, company) = (intake.store, intake.company);
        let known = |card| -> Result<Known, PullError> {
            let ids = blocking(|| store.card_ids(company, card, 1, ID_MAX))?;
            Ok(Known { card, ids })
        };
        let round = blocking(|| store.cursor(company, ROUND))?;
        Ok(Survey {
            known: [known(Card::Lead)?, known(Card::Deal)?],
            budget: usize::try_from(budget)
                .unwrap_or(usize::MAX)
                .saturating_mul(COMMANDS_MAX),
            round: round.and_then(|text| text.parse().ok()),
            missing: Vec::new(),
            hidden: 0,
        })
    }

    fn known(&self, of: Entity) -> &Known {
        let [leads, deals] = &self.known;
        if of == Entity::Deal { deals } else { leads }
    }

    /// What to read again: the ranges that differ, then the next stretch of the round. Also says how
    /// many records differ beyond what may be read.
    async fn plan(&mut self, intake: &Intake<'_>) -> Result<(Vec<Range>, u64), PullError> {
        let told = spans(intake.portal, &Entity::CARDS).await?;
        let whole: Vec<Range> = self
            .known
            .iter()
            .zip(told)
            .filter_map(|(known, span)| known.whole(span))
            .collect();
        if whole.iter().map(|range| self.cost(*range)).sum::<usize>() <= self.budget {
            return Ok((whole, 0));
        }
        let mut differing = self.differing(intake, &whole).await?;
        let mut ranges = Vec::new();
        let mut left = 0;
        differing.sort_by_key(|(range, _)| self.known(range.entity).count(*range));
        for (range, by) in differing {
            let cost = self.cost(range);
            if cost > self.budget {
                left += by;
                continue;
            }
            self.budget -= cost;
            ranges.push(range);
        }
        ranges.extend(self.stretch());
        Ok((joined(ranges), left))
    }

    /// Commands that reading a range costs, about.
    fn cost(&self, range: Range) -> usize {
        self.known(range.entity).count(range) / RECORDS_A_COMMAND + 1
    }

    /// Ranges whose count is not the portal's, each small enough to be read, and by how many rows.
    async fn differing(
        &self,
        intake: &Intake<'_>,
        whole: &[Range],
    ) -> Result<Vec<(Range, u64)>, PullError> {
        let mut asked: Vec<Range> = whole
            .iter()
            .flat_map(|range| self.known(range.entity).parts(*range, RANGES))
            .collect();
        let mut found = Vec::new();
        for cut in 0..=CUTS_MAX {
            let told = counts(intake.portal, &asked).await?;
            let mut next = Vec::new();
            for (range, told) in asked.into_iter().zip(told) {
                let ours = self.known(range.entity).count(range);
                let by = told.abs_diff(ours as u64);
                if by == 0 {
                    continue;
                }
                if ours <= RECORDS_READ || cut == CUTS_MAX {
                    found.push((range, by));
                } else {
                    next.extend(self.known(range.entity).parts(range, PARTS));
                }
            }
            if next.is_empty() {
                break;
            }
            asked = next;
        }
        Ok(found)
    }

    /// The next stretch of all records that the budget allows for, and moves the round behind it.
    fn stretch(&mut self) -> Vec<Range> {
        let lengths = self.known.each_ref().map(|known| known.ids.len());
        let total: usize = lengths.iter().sum();
        let most = self.budget.saturating_mul(RECORDS_A_COMMAND).min(total);
        if most == 0 {
            return Vec::new();
        }
        let start = self.round.unwrap_or(0).min(total - 1);
        let mut out = Vec::new();
        let mut at = start;
        let mut left = most;
        while left > 0 {
            let (known, from) = match at < lengths[0] {
                true => (&self.known[0], at),
                false => (&self.known[1], at - lengths[0]),
            };
            let count = left.min(known.ids.len() - from);
            let (first, last) = (known.ids.get(from), known.ids.get(from + count - 1));
            if let (Some(first), Some(last)) = (first, last) {
                out.push(Range {
                    entity: entity(known.card),
                    next: *first,
                    last: *last,
                });
            }
            left -= count;
            at = (at + count) % total;
        }
        self.round = Some(at);
        out
    }

    /// Reads ranges again and notes what did not come. All of it goes into one batch, so that a
    /// night that is cut off leaves the store as it was; the budget keeps it small.
    async fn read_again(
        &mut self,
        intake: &mut Intake<'_>,
        ranges: &[Range],
    ) -> Result<PullBatch, PullError> {
        let portal = intake.portal;
        let missing = &mut self.missing;
        let known = &self.known;
        let mut batch = PullBatch::default();
        load::by_windows(portal, ranges, |chunk| {
            missing.extend(absent(known, &chunk));
            intake.read(chunk, &mut batch);
            intake.tell();
            Ok::<(), PullError>(())
        })
        .await?;
        Ok(batch)
    }

    /// Asks what became of the cards that did not come; those that were deleted leave the store.
    async fn ask_fates(
        &mut self,
        intake: &Intake<'_>,
        batch: &mut PullBatch,
    ) -> Result<(), PullError> {
        for card in [Card::Lead, Card::Deal] {
            let missing = self.missing.iter().filter(|(of, _)| *of == card);
            let ids: Vec<u64> = missing.map(|(_, id)| *id).collect();
            let fates = fates_of(intake, card, &ids).await?;
            self.hidden += fates.iter().filter(|fate| **fate == Fate::Hidden).count() as u64;
            let deleted = ids
                .iter()
                .zip(&fates)
                .filter(|(_, fate)| **fate == Fate::Deleted);
            batch.gone.extend(deleted.map(|(id, _)| (card, *id)));
        }
        Ok(())
    }
}

/// Cards of the covered ids that the store holds and the chunk does not.
fn absent(known: &[Known; 2], chunk: &Chunk) -> Vec<(Card, u64)> {
    let readable = chunk.records.iter().filter_map(Record::id);
    let unreadable = chunk
        .unreadable
        .iter()
        .filter_map(|row| row.id.parse().ok());
    let came: BTreeSet<u64> = readable.chain(unreadable).collect();
    let mut out = Vec::new();
    for range in &chunk.covered {
        let [leads, deals] = known;
        let of = if range.entity == Entity::Deal {
            deals
        } else {
            leads
        };
        let from = of.ids.partition_point(|id| *id < range.next);
        let inside = of.ids.iter().skip(from).take_while(|id| **id <= range.last);
        out.extend(
            inside
                .filter(|id| !came.contains(id))
                .map(|id| (of.card, *id)),
        );
    }
    out
}

/// The fate of each id. When there are very many and a sample of them is of one mind, it speaks for
/// all; otherwise as many as are asked for in a night, and the others count as being there.
async fn fates_of(intake: &Intake<'_>, card: Card, ids: &[u64]) -> Result<Vec<Fate>, PullError> {
    let portal = intake.portal;
    if ids.len() <= FATES_MAX {
        return Ok(fates(portal, entity(card), ids).await?);
    }
    let sample: Vec<u64> = ids
        .iter()
        .step_by(ids.len().div_ceil(SAMPLE))
        .copied()
        .collect();
    let told = fates(portal, entity(card), &sample).await?;
    if let Some(first) = told.first()
        && told.iter().all(|fate| fate == first)
    {
        return Ok(vec![*first; ids.len()]);
    }
    let some = ids.get(..FATES_MAX).unwrap_or(ids);
    let mut all = fates(portal, entity(card), some).await?;
    all.resize(ids.len(), Fate::There);
    Ok(all)
}

/// Ranges in order, those that overlap or touch put together.
fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
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

    fn known(ids: Vec<u64>) -> Known {
        Known {
            card: Card::Lead,
            ids,
        }
    }

    fn survey(leads: u64, deals: u64, budget: usize, round: Option<usize>) -> Survey {
        let deals = Known {
            card: Card::Deal,
            ids: (1..=deals).collect(),
        };
        Survey {
            known: [known((1..=leads).collect()), deals],
            budget,
            round,
            missing: Vec::new(),
            hidden: 0,
        }
    }

    fn shown(ranges: &[Range]) -> Vec<(Entity, u64, u64)> {
        ranges.iter().map(|r| (r.entity, r.next, r.last)).collect()
    }

    #[test]
    fn the_round_goes_on_where_it_stood_and_begins_anew_behind_the_last() {
        let mut night = survey(6_000, 1_000, 50, None);
        assert_eq!(shown(&night.stretch()), [(Entity::Lead, 1, 2_000)]);
        assert_eq!(night.round, Some(2_000));
        night.stretch();
        night.budget = 100;
        assert_eq!(
            shown(&night.stretch()),
            [
                (Entity::Lead, 4_001, 6_000),
                (Entity::Deal, 1, 1_000),
                (Entity::Lead, 1, 1_000)
            ]
        );
        assert_eq!(night.round, Some(1_000));
        assert_eq!(shown(&survey(0, 0, 50, None).stretch()), []);
        assert_eq!(shown(&survey(9, 0, 0, None).stretch()), []);
        // Records may have become fewer since the round was noted.
        assert_eq!(shown(&survey(9, 0, 1, Some(77)).stretch()).len(), 2);
    }

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
        assert_eq!(shown(&out), [(Entity::Lead, 1, 60), (Entity::Deal, 1, 5)]);
    }

    proptest! {
        #[test]
        fn parts_cover_a_range_without_gap_or_overlap(
            ids in proptest::collection::btree_set(1u64..5_000, 0..400),
            next in 1u64..2_000,
            length in 0u64..4_000,
            parts in 1usize..30,
        ) {
            let known = known(ids.into_iter().collect());
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
