//! What an application is told by the portal's offline events.
//!
//! The queue is read in the opening request. A deletion that it tells of leaves the store in the
//! transaction in which the changes of the pass are stored, with no request more; what it calls changed
//! and the changes did not bring is read by its id. Only when all that is stored are the records that
//! were reserved cleared.
//!
//! Whoever dies in between reads them again: while a reading is under way a cursor says so, and the next
//! pass then lists what is reserved under any process. The cursor also stays when the opening was asked
//! more than once, because an answer that was lost may have reserved records. Where the portal's tariff
//! has no reservations, reading deletes; a deletion that is lost that way is found by the nightly
//! comparison, a change by its time. A webhook has no events, and none are asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::intake::{Intake, blocking};
use super::{PullError, trail};
use crate::bitrix24::events::{self, Happened, Reading, Told};
use crate::bitrix24::load::{self, Range};
use crate::bitrix24::wire::Entity;
use crate::bitrix24::{BitrixError, Command, Portal};
use crate::domain::crm::Card;
use crate::store::{PullBatch, Store, StoreError, TrailKind};

/// `reserve` or `take` once events are subscribed to; empty when the portal refused.
const BOUND: &str = "events:bound";
/// `1` while records may be reserved that were not dealt with.
const OPEN: &str = "events:open";

/// How the queue is to be read in this pass; none for a webhook, or before events were subscribed to.
pub(super) fn reading(
    portal: &Portal,
    store: &dyn Store,
    company: &str,
) -> Result<Option<Reading>, StoreError> {
    if !portal.is_application() {
        return Ok(None);
    }
    let bound = blocking(|| store.cursor(company, BOUND))?.unwrap_or_default();
    if bound.is_empty() {
        return Ok(None);
    }
    let open = blocking(|| store.cursor(company, OPEN))?.unwrap_or_default();
    let reading = Reading {
        reserve: bound == "reserve",
        resume: open == "1",
    };
    if reading.reserve && !reading.resume {
        note(store, company, OPEN, "1")?;
    }
    Ok(Some(reading))
}

/// The commands of an application's reading that ride in the opening request, its question for the
/// tariff behind them.
pub(super) fn commands(portal: &Portal, reading: Option<Reading>) -> Vec<Command> {
    let mut all = reading.map(events::commands).unwrap_or_default();
    all.extend(portal.tariff_command());
    all
}

fn note(store: &dyn Store, company: &str, name: &str, text: &str) -> Result<(), StoreError> {
    let batch = PullBatch {
        cursors: vec![(name.to_owned(), text.to_owned())],
        ..PullBatch::default()
    };
    blocking(|| store.save_pull(company, &batch)).map(drop)
}

/// Cards that came in this pass, and so were there.
#[derive(Debug, Default)]
pub(super) struct Alive {
    cards: BTreeSet<(Entity, u64)>,
}

impl Alive {
    /// Notes what a batch holds.
    pub(super) fn note(&mut self, batch: &PullBatch) {
        let leads = batch.leads.iter().map(|lead| (Entity::Lead, lead.id));
        let deals = batch.deals.iter().map(|deal| (Entity::Deal, deal.id));
        let rows = batch.trail.activities.iter();
        let activities = rows.map(|row| (Entity::Activity, row.id));
        let tasks = batch.trail.tasks.iter().map(|row| (Entity::Task, row.id));
        let rows = batch.trail.invoices.iter();
        let invoices = rows.map(|row| (Entity::Invoice, row.id));
        let trail = activities.chain(tasks).chain(invoices);
        self.cards.extend(leads.chain(deals).chain(trail));
    }
}

/// What an application heard in the opening request.
#[derive(Debug)]
pub(super) struct Heard {
    reading: Option<Reading>,
    told: Told,
    /// How many requests the opening took.
    tries: u64,
}

impl Heard {
    /// Reads the answers to [`commands`].
    pub(super) fn of(
        portal: &Portal,
        reading: Option<Reading>,
        mut answers: Vec<Result<Value, BitrixError>>,
        tries: u64,
    ) -> Heard {
        if portal.tariff_command().is_some()
            && let Some(answer) = answers.pop()
        {
            portal.learn_tariff(&answer);
        }
        Heard {
            reading,
            told: events::told(answers),
            tries,
        }
    }

    /// Takes what was deleted out with the batch that is about to be stored. What came in this pass is
    /// there.
    pub(super) fn take_out(&self, alive: &Alive, batch: &mut PullBatch) {
        for (entity, id, what) in &self.told.objects {
            if *what != Happened::Deleted || alive.cards.contains(&(*entity, *id)) {
                continue;
            }
            match entity {
                Entity::Lead => batch.gone.push((Card::Lead, *id)),
                Entity::Deal => batch.gone.push((Card::Deal, *id)),
                Entity::Activity => batch.trail.gone.push((TrailKind::Activity, *id)),
                Entity::Task => batch.trail.gone.push((TrailKind::Task, *id)),
                Entity::Invoice => batch.trail.gone.push((TrailKind::Invoice, *id)),
                // Of these no event tells.
                Entity::Call | Entity::LeadMove | Entity::DealMove | Entity::InvoiceMove => {}
            }
        }
    }

    /// Reads what was touched and did not come with the changes, then clears what was reserved.
    pub(super) async fn finish(
        &self,
        intake: &mut Intake<'_>,
        alive: &Alive,
    ) -> Result<(), PullError> {
        let Some(reading) = self.reading else {
            return Ok(());
        };
        self.read_touched(intake, alive).await?;
        if !reading.reserve {
            return Ok(());
        }
        if !self.told.processes.is_empty() {
            match events::clear(intake.portal, &self.told.processes).await {
                Ok(()) => {}
                // What stays reserved is read again, which does no harm.
                Err(error) if trail::is_final(&error) => {
                    tracing::debug!(%error, "offline events cannot be cleared");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let is_whole = !self.told.failed && (!reading.resume || self.told.resumed);
        let open = if is_whole && self.tries <= 1 { "" } else { "1" };
        note(intake.store, intake.company, OPEN, open)?;
        Ok(())
    }

    async fn read_touched(&self, intake: &mut Intake<'_>, alive: &Alive) -> Result<(), PullError> {
        let touched = self.told.objects.iter().filter(|(entity, id, what)| {
            *what == Happened::Touched && !alive.cards.contains(&(*entity, *id))
        });
        let ranges: Vec<Range> = touched
            .map(|(entity, id, _)| Range {
                entity: *entity,
                next: *id,
                last: *id,
            })
            .collect();
        if ranges.is_empty() {
            return Ok(());
        }
        let portal = intake.portal;
        let mut batch = PullBatch::default();
        load::by_windows(portal, &ranges, &[], |chunk| {
            intake.read(chunk, &mut batch);
            Ok::<(), PullError>(())
        })
        .await?;
        intake.save(&batch)
    }
}

/// Subscribes, for an application of an administrator: after its first load, and again each night,
/// because updating an application takes its subscriptions away.
pub(super) async fn subscribe(
    intake: &Intake<'_>,
    admin: Option<bool>,
    is_night: bool,
) -> Result<(), PullError> {
    let (store, company, portal) = (intake.store, intake.company, intake.portal);
    if !portal.is_application() || admin != Some(true) {
        return Ok(());
    }
    let bound = blocking(|| store.cursor(company, BOUND))?;
    // An empty one was refused, and is tried again at night only.
    if bound.is_some() && !is_night {
        return Ok(());
    }
    let how = match events::bind(portal).await {
        Ok(true) => "reserve",
        Ok(false) => "take",
        Err(error) if trail::is_final(&error) => {
            tracing::debug!(%error, "offline events cannot be subscribed to");
            ""
        }
        Err(error) => return Err(error.into()),
    };
    if bound.as_deref() != Some(how) {
        note(store, company, BOUND, how)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_leaves_unless_it_came() {
        let told = Told {
            objects: vec![
                (Entity::Lead, 1, Happened::Deleted),
                (Entity::Lead, 2, Happened::Touched),
                (Entity::Deal, 1, Happened::Deleted),
                (Entity::Deal, 3, Happened::Deleted),
                (Entity::Activity, 4, Happened::Deleted),
                (Entity::Task, 5, Happened::Deleted),
                (Entity::Invoice, 6, Happened::Deleted),
                (Entity::Invoice, 7, Happened::Deleted),
            ],
            ..Told::default()
        };
        let mut alive = Alive::default();
        alive.cards.insert((Entity::Deal, 3));
        alive.cards.insert((Entity::Invoice, 7));
        let mut batch = PullBatch::default();
        let heard = Heard {
            reading: None,
            told,
            tries: 1,
        };
        heard.take_out(&alive, &mut batch);
        assert_eq!(batch.gone, [(Card::Lead, 1), (Card::Deal, 1)]);
        let gone = [
            (TrailKind::Activity, 4),
            (TrailKind::Task, 5),
            (TrailKind::Invoice, 6),
        ];
        assert_eq!(batch.trail.gone, gone);
    }
}
