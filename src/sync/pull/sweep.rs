//! Once a night, too: which calls, activities, invoices, tasks and moves between stages are no more in
//! the portal.
//!
//! The request with which the night begins also counts each kind as far as the store knows it. Where
//! the counts agree nothing more is asked; otherwise the ids are counted in parts, and the parts that
//! differ are read again, within what the night may cost. Of a kind with very many rows a stretch is
//! counted each night, round and round.
//!
//! What does not come any more was deleted, or the right to it was lost. Of invoices and activities the
//! portal tells which ([`tells_fates`]). Of calls, tasks and moves it does not: an administrator sees
//! all of them, so what he misses was deleted; for anybody else it stays as it was last seen, and the
//! report says so. Should nothing at all be left of such a kind, that is a lost right even then.

use super::intake::{Intake, blocking};
use super::known::{Known, RANGES, RECORDS_READ, absent, differing, joined, of};
use super::settle::{affordable, fates_of};
use super::{PullError, trail};
use crate::bitrix24::load::{self, Range};
use crate::bitrix24::wire::Entity;
use crate::bitrix24::{Fate, tells_fates};
use crate::domain::crm::Mover;
use crate::store::{PullBatch, Store, StoreError, TrailKind};

/// How many rows of these kinds did not come the last time and were not known to be deleted.
const HIDDEN: &str = "trail:hidden_rows";
/// Rows of a kind that are counted in one night.
const COUNTED_MAX: usize = 200_000;
/// So many rows of a kind do not vanish in one day but by a right that was lost.
const ALL_GONE_MIN: usize = 50;

/// What the pass knows of the user's rights.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Whether he is an administrator, as far as told.
    pub(super) admin: Option<bool>,
    /// Kinds that the portal refuses to him.
    pub(super) refused: Vec<Entity>,
}

/// The store's name of a kind; none for cards.
pub(super) fn kind(entity: Entity) -> Option<TrailKind> {
    Some(match entity {
        Entity::Lead | Entity::Deal => return None,
        Entity::Call => TrailKind::Call,
        Entity::Activity => TrailKind::Activity,
        Entity::Invoice => TrailKind::Invoice,
        Entity::Task => TrailKind::Task,
        Entity::LeadMove => TrailKind::Move(Mover::Lead),
        Entity::DealMove => TrailKind::Move(Mover::Deal),
        Entity::InvoiceMove => TrailKind::Move(Mover::Invoice),
    })
}

/// Where the counting of a large kind goes on: an id.
fn next_of(entity: Entity) -> String {
    format!("{}s:sweep_next", entity.name())
}

/// How many rows are kept though they did not come, as last found.
pub(super) fn hidden_rows(store: &dyn Store, company: &str) -> Result<u64, StoreError> {
    let text = blocking(|| store.cursor(company, HIDDEN))?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// One night's comparison of what happened to cards.
pub(super) struct Sweep {
    known: Vec<Known>,
    /// What of each kind is counted tonight.
    ranges: Vec<Range>,
    /// Where the counting of large kinds goes on.
    cursors: Vec<(String, String)>,
    sees_all: bool,
}

impl Sweep {
    /// The kinds whose first load is complete, and that may be read.
    pub(super) fn new(intake: &Intake<'_>, terms: &Terms) -> Result<Sweep, PullError> {
        let mut sweep = Sweep {
            known: Vec::new(),
            ranges: Vec::new(),
            cursors: Vec::new(),
            sees_all: terms.admin == Some(true),
        };
        for entity in Entity::TRAIL {
            if terms.refused.contains(&entity) || !trail::is_loaded(intake, entity)? {
                continue;
            }
            let Some(known) = stored(intake, entity)? else {
                continue;
            };
            let name = next_of(entity);
            let next = blocking(|| intake.store.cursor(intake.company, &name))?;
            let next = next.and_then(|text| text.parse().ok()).unwrap_or(0);
            let Some((range, goes_on)) = stretch(&known, next, COUNTED_MAX) else {
                continue;
            };
            if known.ids.len() > COUNTED_MAX {
                sweep.cursors.push((name, goes_on.to_string()));
            }
            sweep.ranges.push(range);
            sweep.known.push(known);
        }
        Ok(sweep)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// What is to be counted first.
    pub(super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Reads again what differs, given the counts of [`Sweep::ranges`], and gives what is to be stored;
    /// also says how many rows differ beyond what may be read.
    pub(super) async fn run(
        &mut self,
        intake: &mut Intake<'_>,
        counts: Vec<Option<u64>>,
        mut budget: usize,
    ) -> Result<(PullBatch, u64), PullError> {
        // Cards that have just left the store have taken rows along.
        for known in &mut self.known {
            if let Some(now) = stored(intake, known.entity)? {
                *known = now;
            }
        }
        let mut asked = Vec::new();
        let mut vanished = Vec::new();
        for (range, told) in self.ranges.iter().zip(counts) {
            let (Some(known), Some(told)) = (of(&self.known, range.entity), told) else {
                continue;
            };
            let ours = known.count(*range);
            if told == ours as u64 {
                continue;
            }
            if told == 0 && ours >= ALL_GONE_MIN && !tells_fates(range.entity) {
                vanished.push((range.entity, ours as u64));
                continue;
            }
            match ours <= RECORDS_READ {
                true => asked.push(*range),
                false => asked.extend(known.parts(*range, RANGES)),
            }
        }
        let found = differing(intake.portal, &self.known, asked).await?;
        let (ranges, left) = affordable(&self.known, found, &mut budget);
        let (mut batch, missing) = self.read_again(intake, joined(ranges)).await?;
        let hidden = self.judge(intake, &missing, &mut batch).await?;
        let hidden = hidden + vanished.iter().map(|(_, rows)| rows).sum::<u64>();
        batch.cursors = std::mem::take(&mut self.cursors);
        batch.cursors.push((HIDDEN.to_owned(), hidden.to_string()));
        Ok((batch, left))
    }

    async fn read_again(
        &self,
        intake: &mut Intake<'_>,
        ranges: Vec<Range>,
    ) -> Result<(PullBatch, Vec<(Entity, u64)>), PullError> {
        let mut batch = PullBatch::default();
        let mut missing = Vec::new();
        let portal = intake.portal;
        // A kind that is refused in between covers nothing and loses nothing.
        load::by_windows(portal, &ranges, &[], |chunk| {
            missing.extend(absent(&self.known, &chunk));
            intake.read(chunk, &mut batch);
            intake.tell();
            Ok::<(), PullError>(())
        })
        .await?;
        Ok((batch, missing))
    }

    /// Decides what became of rows that did not come; says how many are kept as they were.
    async fn judge(
        &self,
        intake: &Intake<'_>,
        missing: &[(Entity, u64)],
        batch: &mut PullBatch,
    ) -> Result<u64, PullError> {
        let mut hidden = 0;
        for entity in Entity::TRAIL {
            let own = missing.iter().filter(|(of, _)| *of == entity);
            let ids: Vec<u64> = own.map(|(_, id)| *id).collect();
            let Some(kind) = kind(entity).filter(|_| !ids.is_empty()) else {
                continue;
            };
            let fates = match tells_fates(entity) {
                true => match fates_of(intake.portal, entity, &ids).await {
                    Ok(fates) => fates,
                    Err(error) if trail::is_final(&error) => vec![Fate::Hidden; ids.len()],
                    Err(error) => return Err(error.into()),
                },
                false if self.sees_all => vec![Fate::Deleted; ids.len()],
                false => vec![Fate::Hidden; ids.len()],
            };
            hidden += fates.iter().filter(|fate| **fate == Fate::Hidden).count() as u64;
            let told = ids.into_iter().zip(fates);
            let deleted = told.filter(|(_, fate)| *fate == Fate::Deleted);
            batch.trail.gone.extend(deleted.map(|(id, _)| (kind, id)));
        }
        Ok(hidden)
    }
}

/// What the store holds of a kind.
fn stored(intake: &Intake<'_>, entity: Entity) -> Result<Option<Known>, PullError> {
    let Some(kind) = kind(entity) else {
        return Ok(None);
    };
    let ids = blocking(|| intake.store.trail_ids(intake.company, kind))?;
    Ok(Some(Known { entity, ids }))
}

/// The ids that are counted tonight, from `next` on, and where the next night goes on; none when
/// there is nothing to count. All of them when there are no more than `most`.
fn stretch(known: &Known, next: u64, most: usize) -> Option<(Range, u64)> {
    let entity = known.entity;
    let (first, last) = (*known.ids.first()?, *known.ids.last()?);
    if known.ids.len() <= most {
        let range = Range {
            entity,
            next: first,
            last,
        };
        return Some((range, 0));
    }
    let from = known.ids.partition_point(|id| *id < next);
    let from = if from < known.ids.len() { from } else { 0 };
    let begin = *known.ids.get(from)?;
    // The next stretch begins behind the last id of this one, and takes what lies between them.
    let end = known.ids.get(from + most).map(|id| id.saturating_sub(1));
    let range = Range {
        entity,
        next: if from == 0 { first } else { begin },
        last: end.unwrap_or(last),
    };
    Some((range, end.map_or(0, |end| end.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_name_in_the_store_and_for_the_portal() {
        for entity in Entity::ALL {
            let is_card = Entity::CARDS.contains(&entity);
            match kind(entity) {
                Some(kind) => assert_eq!((kind.name(), is_card), (entity.name(), false)),
                None => assert!(is_card),
            }
        }
    }

    #[test]
    fn a_large_kind_is_counted_stretch_by_stretch_without_a_gap() {
        let known = Known {
            entity: Entity::Call,
            ids: vec![10, 11, 20, 30, 40, 50, 60],
        };
        for (next, most, expected) in [
            (0, 7, Some((10, 60, 0))),
            (44, 7, Some((10, 60, 0))),
            (0, 3, Some((10, 29, 30))),
            (30, 3, Some((30, 59, 60))),
            (60, 3, Some((60, 60, 0))),
            // Rows may have left since the place was noted.
            (99, 3, Some((10, 29, 30))),
        ] {
            let told = stretch(&known, next, most);
            let told = told.map(|(range, goes_on)| (range.next, range.last, goes_on));
            assert_eq!(told, expected, "{next} {most}");
        }
        let none = Known {
            entity: Entity::Call,
            ids: vec![],
        };
        assert!(stretch(&none, 0, 3).is_none());
    }
}
