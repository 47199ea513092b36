//! Which windows are asked for when: the scheduler of a load by windows.
//!
//! Each kind of record is a [`Lane`]. Lanes are served in their order: a later one is asked for when
//! nothing is left to ask of the earlier ones, and begins in the same request where that has room, so
//! that no request goes half empty. Requests are sent as long as the portal's bucket lets them, up to
//! `Options::batches_in_flight` at once; a lane whose method rests is passed over and counts for
//! nothing meanwhile. A load that is small enough to be asked for at once is spread evenly over the
//! requests that may be under way, because the portal works through one request's commands in turn and
//! through several requests side by side.
//!
//! What arrives is handed over lane by lane in the order of its ids, so that a cursor may be stored
//! with each chunk.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};

use super::{Chunk, Pace, Plan, Range, Window, covered, is_passing, step};
use crate::bitrix24::error::BitrixError;
use crate::bitrix24::portal::{COMMANDS_MAX, Portal};
use crate::bitrix24::wire::Entity;

/// Fewer commands a request are not worth the request.
const COMMANDS_MIN: usize = 8;

/// One kind of record on its way.
struct Lane {
    plan: Plan,
    pace: Arc<Pace>,
    /// Batches asked for, those that were answered and those that were handed over.
    sent: u64,
    answered: u64,
    taken: u64,
    /// Answers that came before their turn.
    early: BTreeMap<u64, Chunk>,
}

impl Lane {
    fn entity(&self) -> Entity {
        self.plan.listing.entity
    }

    /// Batches under way.
    fn running(&self) -> usize {
        usize::try_from(self.sent - self.answered).unwrap_or(usize::MAX)
    }

    /// The next chunk in order, if it has come.
    fn next(&mut self) -> Option<Chunk> {
        let mut chunk = self.early.remove(&self.taken)?;
        self.taken += 1;
        if self.taken == self.sent && self.plan.is_done() {
            chunk.finished.push(self.entity());
        }
        Some(chunk)
    }
}

/// Windows of one lane within a request.
#[derive(Debug)]
struct Part {
    lane: usize,
    /// The lane's batches in order.
    turn: u64,
    windows: Vec<Window>,
}

/// What became of a part.
struct Outcome {
    lane: usize,
    turn: u64,
    chunk: Result<Chunk, BitrixError>,
}

/// Loads all records of the ranges, several batches at once, and hands them over, those of one kind
/// in the order of its ranges, so that each chunk's `next` may be stored together with its records.
/// Kinds are asked for in the order in which they first stand among the ranges. Returns the kinds that
/// the portal refuses for good though a pass can do without them ([`Entity::TRAIL`]).
///
/// # Errors
/// The portal's, or the one that `take` returns; chunks handed over before stay valid.
pub async fn by_windows<E: From<BitrixError>>(
    portal: &Portal,
    ranges: &[Range],
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<Vec<(Entity, BitrixError)>, E> {
    let mut lanes = lanes(portal, ranges);
    let mut refused: Vec<(Entity, BitrixError)> = Vec::new();
    let mut running = FuturesUnordered::new();
    loop {
        while let Some(parts) = next_batch(portal, &mut lanes, running.is_empty()) {
            let pace = parts.first().and_then(|part| lanes.get(part.lane));
            let pace = pace.map_or_else(|| Arc::new(Pace::new()), |lane| Arc::clone(&lane.pace));
            running.push(fetch(portal, pace, parts));
        }
        // A method that begins to rest lets others go in its stead.
        let outcomes = match select(running.next(), pin!(portal.rest_begun())).await {
            Either::Left((Some(outcomes), _)) => outcomes,
            Either::Left((None, _)) => return Ok(refused),
            Either::Right(_) => continue,
        };
        for outcome in outcomes {
            let Some(lane) = lanes.get_mut(outcome.lane) else {
                continue;
            };
            lane.answered += 1;
            let entity = lane.entity();
            match outcome.chunk {
                Ok(chunk) => {
                    lane.pace.seen(chunk.ids, chunk.records.len() as u64);
                    lane.early.insert(outcome.turn, chunk);
                }
                Err(error) if Entity::CARDS.contains(&entity) || is_passing(&error) => {
                    return Err(error.into());
                }
                Err(error) => {
                    // Nothing behind the gap can be stored with a cursor.
                    lane.plan.ranges.clear();
                    if !refused.iter().any(|(known, _)| *known == entity) {
                        refused.push((entity, error));
                    }
                }
            }
            while let Some(chunk) = lane.next() {
                take(chunk)?;
            }
        }
    }
}

/// A lane for each kind, in order.
fn lanes(portal: &Portal, ranges: &[Range]) -> Vec<Lane> {
    let mut plans: Vec<Plan> = Vec::new();
    for range in ranges {
        match plans.iter_mut().find(|p| p.listing.entity == range.entity) {
            Some(plan) => plan.ranges.push_back(*range),
            None => plans.push(Plan {
                listing: portal.listing(range.entity),
                ranges: VecDeque::from([*range]),
            }),
        }
    }
    let windows: u64 = plans.iter().map(Plan::windows_left).sum();
    // Half of what may go at once; the other half is for whoever else asks this portal.
    let burst = usize::try_from(portal.allowance().threshold / 2).unwrap_or(1);
    let commands = spread(windows, portal.batches_in_flight().min(burst));
    let lane = |plan| Lane {
        plan,
        pace: Arc::new(Pace::of(commands)),
        sent: 0,
        answered: 0,
        taken: 0,
        early: BTreeMap::new(),
    };
    plans.into_iter().map(lane).collect()
}

/// Commands a request when so many windows are to be asked for by so many requests at once.
fn spread(windows: u64, requests: usize) -> usize {
    let each = windows.div_ceil(requests.max(1) as u64);
    usize::try_from(each)
        .unwrap_or(COMMANDS_MAX)
        .clamp(COMMANDS_MIN, COMMANDS_MAX)
}

/// The next request, if one may be sent now. With `idle`, nothing is under way, so even a lane whose
/// method rests is asked: its request waits for that.
fn next_batch(portal: &Portal, lanes: &mut [Lane], idle: bool) -> Option<Vec<Part>> {
    let most = portal.batches_in_flight();
    let rests: Vec<bool> = lanes
        .iter()
        .map(|lane| portal.rests(lane.plan.listing.method))
        .collect();
    let awake = lanes.iter().zip(&rests).filter(|(_, rests)| !**rests);
    let under_way: usize = awake.map(|(lane, _)| lane.running()).sum();
    if under_way >= most {
        return None;
    }
    let parts = fill(lanes, most, |place| rests.get(place) == Some(&false));
    if parts.is_empty() && idle {
        let parts = fill(lanes, most, |_| true);
        return (!parts.is_empty()).then_some(parts);
    }
    (!parts.is_empty()).then_some(parts)
}

/// Takes windows for one request from the lanes that may be asked, in order.
fn fill(lanes: &mut [Lane], most: usize, may: impl Fn(usize) -> bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut room: Option<usize> = None;
    for (place, lane) in lanes.iter_mut().enumerate() {
        let waiting = lane.running() + lane.early.len();
        if !may(place) || waiting >= lane.pace.at_once(most) {
            continue;
        }
        let own = lane.pace.commands();
        let commands = room.map_or(own, |room| room.min(own));
        let windows = lane.plan.take(commands, lane.pace.width());
        if windows.is_empty() {
            continue;
        }
        room = Some(commands - windows.len());
        parts.push(Part {
            lane: place,
            turn: lane.sent,
            windows,
        });
        lane.sent += 1;
        if room == Some(0) {
            break;
        }
    }
    parts
}

/// Loads a request's windows to the last row, in as many requests as that takes; usually one.
async fn fetch(portal: &Portal, pace: Arc<Pace>, parts: Vec<Part>) -> Vec<Outcome> {
    let mut chunks: BTreeMap<Entity, Chunk> = BTreeMap::new();
    let mut failed: BTreeMap<Entity, BitrixError> = BTreeMap::new();
    let mut todo: VecDeque<Window> = parts.iter().flat_map(|p| p.windows.clone()).collect();
    let mut requests = 0;
    while !todo.is_empty() {
        let sent = todo.len().min(pace.commands());
        let asked: Vec<Window> = todo.drain(..sent).collect();
        let once = || {
            requests += 1;
            step(portal, &asked)
        };
        match portal.patiently(sent == 1, once).await {
            Ok(step) => {
                pace.took(sent, step.took);
                sort(step, &mut chunks, &mut failed, &mut todo);
            }
            Err(error) if error.is_timeout() && sent > 1 => {
                pace.too_long(sent);
                todo.extend(asked);
            }
            Err(error) => {
                for window in asked.iter().chain(&todo) {
                    failed.insert(window.listing.entity, error.clone());
                }
                break;
            }
        }
    }
    let outcome = |(place, part): (usize, Part)| {
        let entity = part.windows.first().map(|window| window.listing.entity);
        let chunk = match entity.and_then(|entity| failed.remove(&entity)) {
            Some(error) => Err(error),
            None => {
                let mut chunk = entity.and_then(|e| chunks.remove(&e)).unwrap_or_default();
                close(&mut chunk, &part.windows);
                chunk.requests = if place == 0 { requests } else { 0 };
                Ok(chunk)
            }
        };
        Outcome {
            lane: part.lane,
            turn: part.turn,
            chunk,
        }
    };
    parts.into_iter().enumerate().map(outcome).collect()
}

/// Gives what a request brought to the kinds that it is of.
fn sort(
    step: super::Step,
    chunks: &mut BTreeMap<Entity, Chunk>,
    failed: &mut BTreeMap<Entity, BitrixError>,
    todo: &mut VecDeque<Window>,
) {
    for record in step.records {
        let chunk = chunks.entry(record.entity()).or_default();
        chunk.records.push(record);
    }
    for (entity, row) in step.unreadable {
        chunks.entry(entity).or_default().unreadable.push(row);
    }
    for entity in step.outside {
        chunks.entry(entity).or_default().outside += 1;
    }
    todo.extend(step.remaining);
    for (entity, error) in step.refused {
        todo.retain(|window| window.listing.entity != entity);
        failed.insert(entity, error);
    }
}

/// Adds to a chunk what its windows say.
fn close(chunk: &mut Chunk, windows: &[Window]) {
    chunk.ids = windows.iter().map(|window| window.ids()).sum();
    if let Some(last) = windows.iter().max_by_key(|window| window.upto) {
        let entity = last.listing.entity;
        chunk.next.push((entity, last.upto.saturating_add(1)));
    }
    chunk.covered = covered(windows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_load_is_spread_and_a_large_one_is_not() {
        for (windows, requests, commands) in [
            (1, 16, 8),
            (128, 16, 8),
            (404, 16, 26),
            (800, 16, 50),
            (20_000, 16, 50),
            (400, 1, 50),
            (0, 0, 8),
        ] {
            assert_eq!(spread(windows, requests), commands, "{windows} {requests}");
        }
    }
}
