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
//! with each chunk. What a request leaves over of its windows rides in the next one, before anything
//! new, and its chunk waits for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};

use super::{Chunk, Gain, Pace, Plan, Range, Window, covered, is_passing, step};
use crate::bitrix24::error::BitrixError;
use crate::bitrix24::portal::{COMMANDS_MAX, Portal};
use crate::bitrix24::wire::Entity;

/// Fewer commands a request are not worth the request.
const COMMANDS_MIN: usize = 8;

/// One kind of record on its way.
struct Lane {
    plan: Plan,
    pace: Arc<Pace>,
    /// Requests under way that ask for it.
    running: usize,
    /// Windows that a request left over, and whose turn they are of.
    leftovers: VecDeque<(u64, Window)>,
    /// Turns begun, and those that were handed over.
    begun: u64,
    taken: u64,
    /// Turns that were begun and not handed over.
    open: BTreeMap<u64, Turn>,
    /// Refused for good: nothing more is asked for.
    refused: bool,
}

/// Windows that were begun together, whose rows make one chunk.
#[derive(Default)]
struct Turn {
    chunk: Chunk,
    /// Windows that are under way or left over.
    awaited: usize,
}

impl Lane {
    fn new(plan: Plan, commands: usize, density: f64) -> Lane {
        Lane {
            plan,
            pace: Arc::new(Pace::of(commands, density)),
            running: 0,
            leftovers: VecDeque::new(),
            begun: 0,
            taken: 0,
            open: BTreeMap::new(),
            refused: false,
        }
    }

    fn entity(&self) -> Entity {
        self.plan.listing.entity
    }

    /// The next chunk in order, if it has come whole.
    fn next(&mut self) -> Option<Chunk> {
        if self.open.get(&self.taken)?.awaited > 0 {
            return None;
        }
        let mut chunk = self.open.remove(&self.taken)?.chunk;
        self.taken += 1;
        if self.open.is_empty() && self.plan.is_done() && !self.refused {
            chunk.finished.push(self.entity());
        }
        Some(chunk)
    }

    /// What was left over and fits into so many commands, by turns.
    fn left_over(&mut self, most: usize) -> Vec<(u64, Vec<Window>)> {
        let mut turns: Vec<(u64, Vec<Window>)> = Vec::new();
        let mut left = most;
        while left > 0
            && let Some((turn, window)) = self.leftovers.pop_front()
        {
            let (window, rest) = window.parted(left);
            if let Some(rest) = rest {
                self.leftovers.push_front((turn, rest));
                if let Some(turn) = self.open.get_mut(&turn) {
                    turn.awaited += 1;
                }
            }
            left -= window.pages.min(left);
            match turns.iter_mut().find(|(known, _)| *known == turn) {
                Some((_, windows)) => windows.push(window),
                None => turns.push((turn, vec![window])),
            }
        }
        turns
    }

    /// Begins a turn of at most so many commands; none when nothing is left.
    fn begin(&mut self, most: usize) -> Option<(u64, Vec<Window>)> {
        let windows = self.plan.take(most, self.pace.density());
        let last = windows.last()?;
        let turn = self.begun;
        self.begun += 1;
        let chunk = Chunk {
            ids: windows.iter().map(|window| window.ids()).sum(),
            next: vec![(self.entity(), last.upto.saturating_add(1))],
            covered: covered(&windows),
            ..Chunk::default()
        };
        let awaited = windows.len();
        self.open.insert(turn, Turn { chunk, awaited });
        Some((turn, windows))
    }

    /// Takes what a request gave for some windows of a turn.
    fn take(&mut self, turn: u64, windows: usize, gain: Gain, requests: u64) {
        self.pace.seen(gain.passed.0, gain.passed.1);
        if let Some(open) = self.open.get_mut(&turn) {
            open.awaited = (open.awaited + gain.remaining.len()).saturating_sub(windows);
            open.chunk.records.extend(gain.records);
            open.chunk.unreadable.extend(gain.unreadable);
            open.chunk.outside += gain.outside;
            open.chunk.requests += requests;
        }
        if !self.refused {
            let left = gain.remaining.into_iter().map(|window| (turn, window));
            self.leftovers.extend(left);
        }
    }

    /// Gives up: nothing behind the gap can be stored with a cursor.
    fn give_up(&mut self) {
        self.refused = true;
        self.plan.ranges.clear();
        self.leftovers.clear();
    }
}

/// Windows of one turn of a lane within a request.
#[derive(Debug)]
struct Part {
    lane: usize,
    turn: u64,
    windows: Vec<Window>,
}

/// A request for parts, and what came of it.
struct Answered {
    parts: Vec<Part>,
    /// How often it was sent.
    requests: u64,
    /// A gain for each part.
    gains: Result<Vec<Gain>, BitrixError>,
}

/// Loads all records of the ranges, several batches at once, and hands them over, those of one kind
/// in the order of its ranges, so that each chunk's `next` may be stored together with its records.
/// Kinds are asked for in the order in which they first stand among the ranges. `densities` says which
/// share of a kind's ids is in use, where that is known. Returns the kinds that
/// the portal refuses for good though a pass can do without them ([`Entity::TRAIL`]).
///
/// # Errors
/// The portal's, or the one that `take` returns; chunks handed over before stay valid.
pub async fn by_windows<E: From<BitrixError>>(
    portal: &Portal,
    ranges: &[Range],
    densities: &[(Entity, f64)],
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<Vec<(Entity, BitrixError)>, E> {
    let mut lanes = lanes(portal, ranges, densities);
    let mut refused: Vec<(Entity, BitrixError)> = Vec::new();
    let mut running = FuturesUnordered::new();
    loop {
        while let Some(parts) = next_batch(portal, &mut lanes, running.is_empty()) {
            let paces = paces(&lanes, &parts);
            running.push(fetch(portal, paces, parts));
        }
        // A method that begins to rest lets others go in its stead.
        let answered = match select(running.next(), pin!(portal.rest_begun())).await {
            Either::Left((Some(answered), _)) => answered,
            Either::Left((None, _)) => return Ok(refused),
            Either::Right(_) => continue,
        };
        let asked: BTreeSet<usize> = answered.parts.iter().map(|part| part.lane).collect();
        for place in &asked {
            if let Some(lane) = lanes.get_mut(*place) {
                lane.running -= 1;
            }
        }
        for (entity, error) in settle(&mut lanes, answered) {
            if Entity::CARDS.contains(&entity) || is_passing(&error) {
                return Err(error.into());
            }
            if !refused.iter().any(|(known, _)| *known == entity) {
                refused.push((entity, error));
            }
        }
        for place in asked {
            while let Some(chunk) = lanes.get_mut(place).and_then(Lane::next) {
                take(chunk)?;
            }
        }
    }
}

/// Gives each lane what came for it. Returns the kinds that the portal refused.
fn settle(lanes: &mut [Lane], answered: Answered) -> Vec<(Entity, BitrixError)> {
    let mut refused = Vec::new();
    let gains = match answered.gains {
        Ok(gains) => gains,
        Err(error) => {
            let whole = |_: &Part| Gain {
                refused: Some(error.clone()),
                ..Gain::default()
            };
            answered.parts.iter().map(whole).collect()
        }
    };
    let mut requests = answered.requests;
    for (part, gain) in answered.parts.iter().zip(gains) {
        let Some(lane) = lanes.get_mut(part.lane) else {
            continue;
        };
        match gain.refused {
            Some(error) => {
                lane.give_up();
                refused.push((lane.entity(), error));
            }
            None => lane.take(part.turn, part.windows.len(), gain, requests),
        }
        requests = 0;
    }
    refused
}

/// A lane for each kind, in order.
fn lanes(portal: &Portal, ranges: &[Range], densities: &[(Entity, f64)]) -> Vec<Lane> {
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
    let density = |plan: &Plan| {
        let known = densities.iter().find(|(of, _)| *of == plan.listing.entity);
        known.map_or(1.0, |(_, density)| *density)
    };
    let pages: u64 = plans
        .iter()
        .map(|plan| plan.pages_left(density(plan)))
        .sum();
    // Half of what may go at once; the other half is for whoever else asks this portal.
    let burst = usize::try_from(portal.allowance().threshold / 2).unwrap_or(1);
    let commands = spread(pages, portal.batches_in_flight().min(burst));
    let lane = |plan: Plan| {
        let density = density(&plan);
        Lane::new(plan, commands, density)
    };
    plans.into_iter().map(lane).collect()
}

/// Commands a request when so many pages are to be asked for by so many requests at once.
fn spread(pages: u64, requests: usize) -> usize {
    let each = pages.div_ceil(requests.max(1) as u64);
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
    let under_way: usize = awake.map(|(lane, _)| lane.running).sum();
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

/// Takes windows for one request from the lanes that may be asked, in order; of each lane first what was
/// left over.
fn fill(lanes: &mut [Lane], most: usize, may: impl Fn(usize) -> bool) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut room: Option<usize> = None;
    for (place, lane) in lanes.iter_mut().enumerate() {
        if !may(place) {
            continue;
        }
        let at_once = lane.pace.at_once(most);
        if lane.running >= at_once {
            continue;
        }
        let own = lane.pace.commands();
        let mut left = room.map_or(own, |room| room.min(own));
        let mut turns = lane.left_over(left);
        left -= pages(&turns).min(left);
        // Turns that wait for what was left over hold their rows in memory.
        if left > 0 && lane.open.len() < at_once {
            turns.extend(lane.begin(left));
            left -= turns
                .last()
                .map_or(0, |last| pages(std::slice::from_ref(last)))
                .min(left);
        }
        if turns.is_empty() {
            continue;
        }
        lane.running += 1;
        parts.extend(turns.into_iter().map(|(turn, windows)| Part {
            lane: place,
            turn,
            windows,
        }));
        room = Some(left);
        if left == 0 {
            break;
        }
    }
    parts
}

/// How many pages windows are asked for.
fn pages(turns: &[(u64, Vec<Window>)]) -> usize {
    let windows = turns.iter().flat_map(|(_, windows)| windows);
    windows.map(|window| window.pages).sum()
}

/// The paces of the lanes that a request asks for.
fn paces(lanes: &[Lane], parts: &[Part]) -> Vec<Arc<Pace>> {
    let asked: BTreeSet<usize> = parts.iter().map(|part| part.lane).collect();
    let lanes = asked.into_iter().filter_map(|place| lanes.get(place));
    lanes.map(|lane| Arc::clone(&lane.pace)).collect()
}

/// Sends one request for the parts, again as long as that may help. One that the portal ran out of time
/// with gains nothing, and its lanes ask for less from then on.
async fn fetch(portal: &Portal, paces: Vec<Arc<Pace>>, parts: Vec<Part>) -> Answered {
    let groups: Vec<&[Window]> = parts.iter().map(|part| part.windows.as_slice()).collect();
    let sent: usize = groups.iter().copied().flatten().map(|w| w.pages).sum();
    let mut requests = 0;
    let once = || {
        requests += 1;
        step(portal, &groups)
    };
    let gains = match portal.patiently(sent == 1, once).await {
        Ok((gains, took)) => {
            paces.iter().for_each(|pace| pace.took(sent, took));
            Ok(gains)
        }
        Err(error) if error.is_timeout() && sent > 1 => {
            paces.iter().for_each(|pace| pace.too_long(sent));
            let nothing = |windows: &&[Window]| Gain {
                remaining: windows.to_vec(),
                ..Gain::default()
            };
            Ok(groups.iter().map(nothing).collect())
        }
        Err(error) => Err(error),
    };
    Answered {
        parts,
        requests,
        gains,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::{FORM, PAGE_ROWS, read_window};
    use super::*;
    use crate::bitrix24::error::Kind;
    use crate::bitrix24::wire::{Face, Record};

    #[test]
    fn a_small_load_is_spread_and_a_large_one_is_not() {
        for (pages, requests, commands) in [
            (1, 16, 8),
            (128, 16, 8),
            (404, 16, 26),
            (800, 16, 50),
            (20_000, 16, 50),
            (400, 1, 50),
            (0, 0, 8),
        ] {
            assert_eq!(spread(pages, requests), commands, "{pages} {requests}");
        }
    }

    /// A lane for leads.
    fn lane(first: u64, last: u64, commands: usize, density: f64) -> Lane {
        let plan = Plan {
            listing: Entity::Lead.listing(Face::Classic),
            ranges: VecDeque::from([Range {
                entity: Entity::Lead,
                next: first,
                last,
            }]),
        };
        Lane::new(plan, commands, density)
    }

    /// A portal's answers to a window over a table: behind a short page it begins anew.
    fn pages_of(table: &[u64], window: Window) -> Vec<Value> {
        let mut after = window.after;
        let mut pages = Vec::new();
        for _ in 0..window.pages {
            let from = table.partition_point(|id| *id <= after);
            let inside = table.iter().skip(from).take_while(|id| **id <= window.upto);
            let ids: Vec<u64> = inside.take(PAGE_ROWS).copied().collect();
            after = ids.get(PAGE_ROWS - 1).copied().unwrap_or(0);
            pages.push(ids.iter().map(|id| json!({"ID": id.to_string()})).collect());
        }
        pages
    }

    /// Loads a table, with so many requests at once; of the first pages some fail. Gives the chunks and the
    /// number of requests.
    fn load(lane: Lane, table: &[u64], at_once: usize, failing: &[bool]) -> (Vec<Chunk>, u64) {
        let mut lanes = [lane];
        let mut failing = failing.iter();
        let (mut chunks, mut requests) = (Vec::new(), 0);
        let mut under_way: VecDeque<Vec<Part>> = VecDeque::new();
        loop {
            while under_way.len() < at_once {
                let parts = fill(&mut lanes, at_once, |_| true);
                if parts.is_empty() {
                    break;
                }
                under_way.push_back(parts);
            }
            // The newest is answered first, so that turns come in the wrong order.
            let Some(parts) = under_way.pop_back() else {
                return (chunks, requests);
            };
            requests += 1;
            let gain = |part: &Part| {
                let mut gain = Gain::default();
                for window in &part.windows {
                    let fails = || BitrixError::own(Kind::Transient, FORM, String::new(), "x");
                    let pages = pages_of(table, *window).into_iter();
                    let pages = pages.map(|page| match failing.next() {
                        Some(true) => Err(fails()),
                        _ => Ok(page),
                    });
                    read_window(*window, pages.collect::<Vec<_>>(), &mut gain).expect("read");
                }
                gain
            };
            let gains = parts.iter().map(gain).collect();
            lanes[0].running -= 1;
            let answered = Answered {
                parts,
                requests: 1,
                gains: Ok(gains),
            };
            assert_eq!(settle(&mut lanes, answered), []);
            while let Some(chunk) = lanes[0].next() {
                chunks.push(chunk);
            }
        }
    }

    fn ids_of(chunks: &[Chunk]) -> Vec<u64> {
        let records = chunks.iter().flat_map(|chunk| &chunk.records);
        let mut ids: Vec<u64> = records.filter_map(Record::id).collect();
        ids.sort_unstable();
        ids
    }

    /// So many ids, of which one in `every` is followed by a gap, the same ones every time.
    fn with_gaps(rows: usize, every: u64) -> Vec<u64> {
        let (mut id, mut seed) = (0u64, 2_026u64);
        let next = |_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            id += 1 + u64::from((seed >> 33).is_multiple_of(every));
            id
        };
        (0..rows).map(next).collect()
    }

    #[test]
    fn two_hundred_thousand_rows_take_eighty_requests_and_few_more_where_much_is_gone() {
        // Windows of 50 ids would take 81, 84, 100 and 119.
        for (every, most) in [(100, 80), (20, 81), (4, 82), (2, 83)] {
            // 35 pages ride in the opening request.
            let table = with_gaps(200_000, every).split_off(35 * PAGE_ROWS);
            let (first, last) = (table[0], table[table.len() - 1]);
            let density = table.len() as f64 / (last - first + 1) as f64;
            let (chunks, requests) = load(lane(first, last, 50, density), &table, 16, &[]);
            assert_eq!(ids_of(&chunks), table, "{every}");
            assert!(
                requests <= most,
                "one id in {every} is gone: {requests} requests"
            );
        }
    }

    proptest! {
        #[test]
        fn no_row_is_lost_or_doubled_whatever_the_gaps(
            gaps in proptest::collection::vec(prop_oneof![9 => 1u64..3, 1 => 1u64..2_000], 0..1_500),
            commands in 1usize..=50,
            at_once in 1usize..6,
            believed in 0.0f64..1.0,
            failing in proptest::collection::vec(proptest::bool::weighted(0.1), 0..400),
        ) {
            let table: Vec<u64> = gaps
                .iter()
                .scan(0u64, |id, gap| {
                    *id += gap;
                    Some(*id)
                })
                .collect();
            let last = table.last().copied().unwrap_or_default();
            let (chunks, _) = load(lane(1, last, commands, believed), &table, at_once, &failing);
            prop_assert_eq!(ids_of(&chunks), table);
            // Chunks come in the order of ids and tell of every id once.
            let mut next = 1;
            for chunk in &chunks {
                for range in &chunk.covered {
                    prop_assert_eq!(range.next, next);
                    next = range.last + 1;
                }
                prop_assert_eq!(&chunk.next, &vec![(Entity::Lead, next)]);
                let ids = chunk.records.iter().filter_map(Record::id);
                prop_assert!(ids.max().is_none_or(|id| id < next));
            }
            prop_assert_eq!(next, last + 1);
            let finished = chunks.iter().filter(|chunk| !chunk.finished.is_empty()).count();
            prop_assert_eq!(finished, usize::from(last > 0));
        }
    }
}
