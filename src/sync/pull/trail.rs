//! Calls, activities, invoices, tasks, moves between stages and product rows.
//!
//! Each kind is loaded by windows of ids a first time, some requests a pass so that it never holds
//! a report up, and by what was changed or added from then on. A portal that lacks a kind, or
//! refuses it, goes without; the owner is told only when it was there before.

use chrono::{DateTime, FixedOffset};

use super::intake::{Ending, FirstLoads, Intake, blocking, time_cursor};
use super::{OVERLAP, PullError, PullWarning, Thrift};
use crate::bitrix24::load::Walk;
use crate::bitrix24::wire::{Entity, Face};
use crate::bitrix24::{Ask, BitrixError, Kind, Opening, Span, Start};
use crate::store::{PullBatch, Store};

pub(super) mod costs;
pub(super) mod payments;
pub(super) mod products;

/// Rows that are only added are asked for again from so many ids below the last one: a row that was
/// written by a slow transaction may appear below one that is known already.
const IDS_AGAIN: u64 = 25;
/// Ids that a request covers by windows where none is missing.
const IDS_A_REQUEST: u64 = 2_500;

/// The cursor behind which changes are asked for: a time, or an id for what is only added. There
/// once the first load of the kind is complete.
fn since(entity: Entity) -> String {
    format!("{}s:since", entity.name())
}

/// The portal's time when the first load of a kind began.
fn started(entity: Entity) -> String {
    format!("{}s:load_started", entity.name())
}

/// Where the reading of a kind begins.
pub(super) fn start(store: &dyn Store, company: &str, entity: Entity) -> Result<Start, PullError> {
    if entity.is_only_added() {
        let text = blocking(|| store.cursor(company, &since(entity)))?;
        let id = text.and_then(|text| text.parse::<u64>().ok());
        return Ok(id.map_or(Start::Span, |id| Start::Above(id.saturating_sub(IDS_AGAIN))));
    }
    let time = time_cursor(store, company, &since(entity))?;
    Ok(time.map_or(Start::Span, |time| Start::Since(time - OVERLAP)))
}

/// Whether the first load of a kind is complete.
pub(super) fn is_loaded(intake: &Intake<'_>, entity: Entity) -> Result<bool, PullError> {
    let text = blocking(|| intake.store.cursor(intake.company, &since(entity)))?;
    Ok(text.is_some())
}

/// The cursors of walks that have begun, as they are to stand when all of them have ended.
pub(super) fn cursors(walks: &[Walk], began: DateTime<FixedOffset>) -> Vec<(String, String)> {
    let trail = walks
        .iter()
        .filter(|walk| !Entity::CARDS.contains(&walk.entity()));
    trail
        .map(|walk| {
            let entity = walk.entity();
            let text = match entity.is_only_added() {
                true => walk.after().to_string(),
                false => began.to_rfc3339(),
            };
            (since(entity), text)
        })
        .collect()
}

/// Moves the cursors of what is only added to where the walks have come.
pub(super) fn advance(cursors: &mut [(String, String)], walks: &[Walk]) {
    for walk in walks.iter().filter(|walk| walk.entity().is_only_added()) {
        let name = since(walk.entity());
        if let Some((_, text)) = cursors.iter_mut().find(|(known, _)| *known == name) {
            *text = walk.after().to_string();
        }
    }
}

/// What the opening says of these kinds.
pub(super) struct Trail {
    /// Kinds whose first load is not complete.
    spans: Vec<Span>,
    /// Kinds that were asked for a first time and have no rows.
    empty: Vec<Entity>,
    unavailable: Vec<(Entity, BitrixError)>,
}

impl Trail {
    pub(super) fn of(ask: &Ask, opening: &Opening) -> Trail {
        let is_trail = |entity: &Entity| Entity::TRAIL.contains(entity);
        let spans: Vec<Span> = opening
            .spans
            .iter()
            .filter(|span| is_trail(&span.entity))
            .copied()
            .collect();
        let told = |entity: &Entity| {
            !ask.starts.iter().any(|(asked, _)| asked == entity)
                || spans.iter().any(|span| span.entity == *entity)
                || opening.walks.iter().any(|walk| walk.entity() == *entity)
                || opening.unavailable.iter().any(|(known, _)| known == entity)
        };
        Trail {
            empty: Entity::TRAIL
                .into_iter()
                .filter(|entity| !told(entity))
                .collect(),
            spans,
            unavailable: opening.unavailable.clone(),
        }
    }
}

/// Goes on with first loads, those given and behind them those of these kinds, within what they may
/// cost.
pub(super) async fn load(
    intake: &mut Intake<'_>,
    mut loads: FirstLoads,
    trail: Trail,
    thrift: &Thrift,
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    refused(intake, &trail.unavailable)?;
    for entity in trail.empty {
        loads.endings.push(Ending {
            of: Vec::new(),
            cursors: vec![complete(entity, 0, began)],
        });
    }
    for span in &trail.spans {
        add_kind(intake, &mut loads, span, thrift, began)?;
    }
    // What is refused now was there a moment ago; whatever it is, leads and deals are stored.
    let errors = intake.load(loads).await?;
    refused(intake, &errors)
}

/// The cursor of a kind whose first load is complete.
fn complete(entity: Entity, last: u64, began: DateTime<FixedOffset>) -> (String, String) {
    let text = match entity.is_only_added() {
        true => last.to_string(),
        false => began.to_rfc3339(),
    };
    (since(entity), text)
}

/// Whether trying again at the next pass would be no use.
pub(super) fn is_final(error: &BitrixError) -> bool {
    !matches!(
        error.kind,
        Kind::Transient | Kind::RateLimited | Kind::OperationTime { .. }
    )
}

/// Adds to the loads as much of a kind as a pull may spend on it.
fn add_kind(
    intake: &mut Intake<'_>,
    loads: &mut FirstLoads,
    span: &Span,
    thrift: &Thrift,
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    let name = started(span.entity);
    let from = time_cursor(intake.store, intake.company, &name)?;
    if from.is_none() {
        intake.saved(&PullBatch {
            cursors: vec![(name, began.to_rfc3339())],
            ..PullBatch::default()
        })?;
    }
    let whole = Ending {
        of: vec![span.entity],
        cursors: vec![complete(span.entity, span.last, from.unwrap_or(began))],
    };
    let Some(mut range) = intake.range_left(span)? else {
        loads.endings.push(Ending {
            of: Vec::new(),
            ..whole
        });
        return Ok(());
    };
    let most = thrift.trail_requests.saturating_mul(IDS_A_REQUEST);
    if range.last - range.next < most {
        loads.endings.push(whole);
    } else {
        range.last = range.next.saturating_add(most).saturating_sub(1);
    }
    if most > 0 {
        loads.ranges.push(range);
    }
    Ok(())
}

/// Tells of kinds that were there before and are refused now.
fn refused(intake: &mut Intake<'_>, all: &[(Entity, BitrixError)]) -> Result<(), PullError> {
    for (entity, error) in all {
        let name = since(*entity);
        let known = blocking(|| intake.store.cursor(intake.company, &name))?;
        let method = entity.listing(Face::Classic).method;
        tracing::debug!(method, %error, "a kind of record cannot be read");
        if known.is_some() {
            intake.summary.warnings.push(PullWarning::TrailRefused {
                what: method,
                error: error.clone(),
            });
        }
    }
    Ok(())
}
