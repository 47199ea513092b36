//! Calls, activities, invoices, tasks, moves between stages and product rows.
//!
//! Each kind is loaded by windows of ids a first time, some requests a pass so that it never holds
//! a report up, and by what was changed or added from then on. A portal that lacks a kind, or
//! refuses it, goes without; the owner is told only when it was there before.

use chrono::{DateTime, FixedOffset};

use super::intake::{Intake, blocking, time_cursor};
use super::{OVERLAP, PullError, PullWarning, Thrift};
use crate::bitrix24::load::{self, Walk};
use crate::bitrix24::wire::{Entity, Face};
use crate::bitrix24::{BitrixError, Kind, Opening, Span, Start};
use crate::store::{PullBatch, Store};

mod products;

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
    pub(super) fn of(opening: &Opening) -> Trail {
        let is_trail = |entity: &Entity| Entity::TRAIL.contains(entity);
        let spans: Vec<Span> = opening
            .spans
            .iter()
            .filter(|span| is_trail(&span.entity))
            .copied()
            .collect();
        let told = |entity: &Entity| {
            spans.iter().any(|span| span.entity == *entity)
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

/// Goes on with first loads, within what they may cost.
pub(super) async fn load(
    intake: &mut Intake<'_>,
    trail: Trail,
    thrift: &Thrift,
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    refused(intake, &trail.unavailable)?;
    let mut done: Vec<(String, String)> = trail
        .empty
        .iter()
        .map(|entity| complete(*entity, 0, began))
        .collect();
    for span in &trail.spans {
        match load_kind(intake, span, thrift, began).await {
            Ok(true) => {
                let from = time_cursor(intake.store, intake.company, &started(span.entity))?;
                done.push(complete(span.entity, span.last, from.unwrap_or(began)));
            }
            Ok(false) => {}
            // It was there a moment ago; whatever it is, leads and deals are stored.
            Err(PullError::Portal(error)) if is_final(&error) => {
                refused(intake, &[(span.entity, error)])?;
            }
            Err(error) => return Err(error),
        }
    }
    if !done.is_empty() {
        intake.saved(&PullBatch {
            cursors: done,
            ..PullBatch::default()
        })?;
    }
    products::load(intake, thrift).await
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
fn is_final(error: &BitrixError) -> bool {
    !matches!(
        error.kind,
        Kind::Transient | Kind::RateLimited | Kind::OperationTime { .. }
    )
}

/// Loads some of a kind; true when that was the rest.
async fn load_kind(
    intake: &mut Intake<'_>,
    span: &Span,
    thrift: &Thrift,
    began: DateTime<FixedOffset>,
) -> Result<bool, PullError> {
    let (store, company) = (intake.store, intake.company);
    let name = started(span.entity);
    if time_cursor(store, company, &name)?.is_none() {
        intake.saved(&PullBatch {
            cursors: vec![(name, began.to_rfc3339())],
            ..PullBatch::default()
        })?;
    }
    let Some(mut range) = intake.range_left(span)? else {
        return Ok(true);
    };
    let most = thrift.trail_requests.saturating_mul(IDS_A_REQUEST);
    let whole = range.last - range.next < most;
    if !whole {
        range.last = range.next.saturating_add(most).saturating_sub(1);
    }
    if most == 0 {
        return Ok(false);
    }
    let portal = intake.portal;
    load::by_windows(portal, &[range], |chunk| intake.take_windows(chunk)).await?;
    Ok(whole)
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
