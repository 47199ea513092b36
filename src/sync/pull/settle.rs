//! Once a night the store is held against the portal: what was deleted, what may not be seen any
//! more, and what was changed without a sign of it (N19).
//!
//! List methods say nothing of a row that is gone, and `DATE_MODIFY` stands still when a row is
//! written past the CRM. So the ids are cut into some dozens of ranges, and one request lets the
//! portal count each; where a count differs, the range is counted in parts until it is small, and
//! read again. What requests are left then go to reading the next stretch of all records, round and
//! round, so that after some nights everything was seen again; a portal of some thirty thousand ids
//! is seen whole every night.
//!
//! A row that does not come any more is asked for by its id: one that was deleted leaves the store,
//! one that is denied stays as it was last seen, and the report says so. Nothing leaves the store
//! because of what a list did not say.
//!
//! This file is about leads and deals; what happened to them follows in `sweep`, within the same
//! budget and beginning with the same request.

use chrono::{DateTime, FixedOffset};

use super::intake::{Intake, blocking, time_cursor};
use super::known::{Known, RANGES, RECORDS_A_COMMAND, absent, differing, joined, of};
use super::sweep::{Sweep, Terms};
use super::{PullError, PullWarning, Thrift, trail};
use crate::bitrix24::load::{self, Range};
use crate::bitrix24::wire::Entity;
use crate::bitrix24::{BitrixError, COMMANDS_MAX, Fate, Portal, fates, survey};
use crate::domain::crm::Card;
use crate::store::{PullBatch, Store, StoreError};

/// The portal's time when the store was last held against it.
pub(super) const SETTLED: &str = "crm:settled";
/// How many rows are there and may not be seen.
const HIDDEN: &str = "crm:hidden_rows";
/// Where the round stands: card and id.
const ROUND: &str = "crm:round";
/// Rows that are asked for by their ids in one night; of more, a sample speaks for all.
const FATES_MAX: usize = 500;
/// Such a sample.
const SAMPLE: usize = 100;
/// No record has a greater id.
const ID_MAX: u64 = (1 << 40) - 1;
/// The part of the budget that is kept for what happened to cards: one in so many.
const TRAIL_SHARE: usize = 4;

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

/// Holds the store against the portal when it is time; says whether it was.
pub(super) async fn settle(
    intake: &mut Intake<'_>,
    thrift: &Thrift,
    terms: &Terms,
    began: DateTime<FixedOffset>,
) -> Result<bool, PullError> {
    let last = time_cursor(intake.store, intake.company, SETTLED)?;
    if last.is_some_and(|last| began - last < thrift.settle_every) {
        return Ok(false);
    }
    let before = intake.requests();
    let mut sweep = Sweep::new(intake, terms)?;
    let kept = thrift.settle_requests / trail::payments::NIGHT_SHARE;
    let mut night = Night::new(intake, thrift.settle_requests - kept)?;
    let reserve = if sweep.is_empty() {
        0
    } else {
        night.budget / TRAIL_SHARE
    };
    night.budget -= reserve;
    let begun = survey(intake.portal, &Entity::CARDS, sweep.ranges()).await?;
    let left = night.cards(intake, begun.spans).await?;
    let budget = night.budget + reserve;
    let (mut batch, more) = sweep.run(intake, begun.counts, budget).await?;
    let records = left + more;
    if records > 0 {
        let warning = PullWarning::Unsettled { records };
        intake.summary.warnings.push(warning);
    }
    // Last of all, so that a night that is cut off is gone through again.
    let settled = (SETTLED.to_owned(), began.to_rfc3339());
    batch.cursors.push(settled);
    intake.summary.trail_gone += batch.trail.gone.len() as u64;
    intake.saved(&batch)?;
    intake.summary.settle_requests = intake.requests() - before;
    Ok(true)
}

/// One night's comparison of leads and deals.
struct Night {
    known: [Known; 2],
    /// Commands that reading again may still cost.
    budget: usize,
    /// Where the round goes on: a place among the ids of leads and then those of deals.
    round: Option<usize>,
    /// Cards that did not come.
    missing: Vec<(Entity, u64)>,
    hidden: u64,
}

impl Night {
    fn new(intake: &Intake<'_>, budget: u64) -> Result<Night, PullError> {
        let (store, company) = (intake.store, intake.company);
        let known = |card| -> Result<Known, PullError> {
            let ids = blocking(|| store.card_ids(company, card, 1, ID_MAX))?;
            let entity = entity(card);
            Ok(Known { entity, ids })
        };
        let round = blocking(|| store.cursor(company, ROUND))?;
        Ok(Night {
            known: [known(Card::Lead)?, known(Card::Deal)?],
            budget: usize::try_from(budget)
                .unwrap_or(usize::MAX)
                .saturating_mul(COMMANDS_MAX),
            round: round.and_then(|text| text.parse().ok()),
            missing: Vec::new(),
            hidden: 0,
        })
    }

    /// Puts leads and deals right in one transaction; says how many records differ beyond what may be
    /// read.
    async fn cards(
        &mut self,
        intake: &mut Intake<'_>,
        spans: Vec<Option<(u64, u64)>>,
    ) -> Result<u64, PullError> {
        let (ranges, left) = self.plan(intake, spans).await?;
        let changed_deals = std::mem::take(&mut intake.deals_seen);
        let mut batch = self.read_again(intake, &ranges).await?;
        self.ask_fates(intake, &mut batch).await?;
        batch.cursors = vec![(HIDDEN.to_owned(), self.hidden.to_string())];
        let round = self
            .round
            .map(|round| (ROUND.to_owned(), round.to_string()));
        batch.cursors.extend(round);
        let gone = batch.gone.len() as u64;
        let saved = intake.saved(&batch)?;
        // Most deals that were read again are as they were, and so are their product rows.
        intake.deals_seen = [changed_deals, saved.deals].concat();
        intake.summary.gone += gone;
        intake.summary.healed += saved.changed.saturating_sub(gone);
        Ok(left)
    }

    /// Commands that reading a range costs, about.
    fn cost(&self, range: Range) -> usize {
        of(&self.known, range.entity).map_or(0, |known| known.cost(range))
    }

    /// What to read again: the ranges that differ, then the next stretch of the round. Also says how
    /// many records differ beyond what may be read.
    async fn plan(
        &mut self,
        intake: &Intake<'_>,
        spans: Vec<Option<(u64, u64)>>,
    ) -> Result<(Vec<Range>, u64), PullError> {
        let whole: Vec<Range> = self
            .known
            .iter()
            .zip(spans)
            .filter_map(|(known, span)| known.whole(span))
            .collect();
        let cost = whole.iter().map(|range| self.cost(*range)).sum::<usize>();
        if cost <= self.budget {
            self.budget -= cost;
            return Ok((whole, 0));
        }
        let asked: Vec<Range> = whole
            .iter()
            .filter_map(|range| Some(of(&self.known, range.entity)?.parts(*range, RANGES)))
            .flatten()
            .collect();
        let found = differing(intake.portal, &self.known, asked).await?;
        let (mut ranges, left) = affordable(&self.known, found, &mut self.budget);
        ranges.extend(self.stretch());
        Ok((joined(ranges), left))
    }

    /// The next stretch of all records that the budget allows for, and moves the round behind it.
    fn stretch(&mut self) -> Vec<Range> {
        let lengths = self.known.each_ref().map(|known| known.ids.len());
        let total: usize = lengths.iter().sum();
        let most = self.budget.saturating_mul(RECORDS_A_COMMAND).min(total);
        if most == 0 {
            return Vec::new();
        }
        self.budget -= most.div_ceil(RECORDS_A_COMMAND);
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
                    entity: known.entity,
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
        load::by_windows(portal, ranges, &[], |chunk| {
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
            let entity = entity(card);
            let missing = self.missing.iter().filter(|(of, _)| *of == entity);
            let ids: Vec<u64> = missing.map(|(_, id)| *id).collect();
            let fates = fates_of(intake.portal, entity, &ids).await?;
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

/// Of ranges that differ, those that may be read, the smallest first; takes what they cost from the
/// budget, and says how many records differ beyond it.
pub(super) fn affordable(
    all: &[Known],
    mut found: Vec<(Range, u64)>,
    budget: &mut usize,
) -> (Vec<Range>, u64) {
    let count = |range: Range| of(all, range.entity).map_or(0, |known| known.count(range));
    found.sort_by_key(|(range, _)| count(*range));
    let (mut ranges, mut left) = (Vec::new(), 0);
    for (range, by) in found {
        let cost = of(all, range.entity).map_or(0, |known| known.cost(range));
        if cost > *budget {
            left += by;
            continue;
        }
        *budget -= cost;
        ranges.push(range);
    }
    (ranges, left)
}

/// The fate of each id. When there are very many and a sample of them is of one mind, it speaks for
/// all; otherwise as many as are asked for in a night, and the others count as being there.
pub(super) async fn fates_of(
    portal: &Portal,
    entity: Entity,
    ids: &[u64],
) -> Result<Vec<Fate>, BitrixError> {
    if ids.len() <= FATES_MAX {
        return fates(portal, entity, ids).await;
    }
    let sample: Vec<u64> = ids
        .iter()
        .step_by(ids.len().div_ceil(SAMPLE))
        .copied()
        .collect();
    let told = fates(portal, entity, &sample).await?;
    if let Some(first) = told.first()
        && told.iter().all(|fate| fate == first)
    {
        return Ok(vec![*first; ids.len()]);
    }
    let some = ids.get(..FATES_MAX).unwrap_or(ids);
    let mut all = fates(portal, entity, some).await?;
    all.resize(ids.len(), Fate::There);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(leads: u64, deals: u64, budget: usize, round: Option<usize>) -> Night {
        let known = |entity, count: u64| Known {
            entity,
            ids: (1..=count).collect(),
        };
        Night {
            known: [known(Entity::Lead, leads), known(Entity::Deal, deals)],
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
        let mut one = night(6_000, 1_000, 50, None);
        assert_eq!(shown(&one.stretch()), [(Entity::Lead, 1, 2_000)]);
        assert_eq!((one.round, one.budget), (Some(2_000), 0));
        one.budget = 50;
        one.stretch();
        one.budget = 100;
        assert_eq!(
            shown(&one.stretch()),
            [
                (Entity::Lead, 4_001, 6_000),
                (Entity::Deal, 1, 1_000),
                (Entity::Lead, 1, 1_000)
            ]
        );
        assert_eq!(one.round, Some(1_000));
        assert_eq!(shown(&night(0, 0, 50, None).stretch()), []);
        assert_eq!(shown(&night(9, 0, 0, None).stretch()), []);
        // Records may have become fewer since the round was noted.
        assert_eq!(shown(&night(9, 0, 1, Some(77)).stretch()).len(), 2);
    }

    #[test]
    fn what_differs_is_read_as_far_as_the_budget_goes_the_smallest_first() {
        let all = [Known {
            entity: Entity::Lead,
            ids: (1..=10_000).collect(),
        }];
        let range = |next, last| Range {
            entity: Entity::Lead,
            next,
            last,
        };
        let found = vec![(range(1, 4_000), 7), (range(5_000, 5_100), 2)];
        for (budget, expected, left, spare) in [
            (2, vec![], 9, 2),
            (3, vec![range(5_000, 5_100)], 7, 0),
            (103, vec![range(5_000, 5_100)], 7, 100),
            (104, vec![range(5_000, 5_100), range(1, 4_000)], 0, 0),
        ] {
            let mut budget = budget;
            let told = affordable(&all, found.clone(), &mut budget);
            assert_eq!((told, budget), ((expected, left), spare));
        }
    }
}
