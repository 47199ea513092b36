//! How records are loaded: at first by windows of ids, then by what was changed or added.
//!
//! A window `(after, upto]` of 50 ids gives at most one page, so windows need no count and no
//! chain: they may be asked for in any order, several batches at once, and again after a failure.
//! Where ids are sparse, windows grow; a full page whose last id is below the window's end leaves
//! a remainder that is asked for again, so a window that was too wide loses nothing. Each kind of
//! record is a stream of its own, so that one whose method rests does not hold up the others.
//!
//! Changes are found by `>=DATE_MODIFY` page after page ([`Walk`]), rows that are only added by
//! `>ID`; in a batch each page begins behind the last id of the one before
//! (`$result[…][49][ID]`). Behind a short page that reference is empty and the portal begins anew,
//! so whatever follows a short page is dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, FuturesOrdered, Stream};
use serde_json::Value;

use super::command::Command;
use super::error::{BitrixError, FILTER_IGNORED, FORM, Kind};
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{Entity, Listing, Record, Unreadable, record, rows};

#[cfg(test)]
mod tests;
mod walk;

pub use walk::{Walk, changes};

/// A request longer than this is followed by smaller ones (the portal cuts off at 60 s).
const REQUEST_LONG: Duration = Duration::from_secs(40);
/// A request shorter than this may be followed by larger ones.
const REQUEST_SHORT: Duration = Duration::from_secs(20);
/// Below this share of ids in use, windows grow.
const DENSITY_FULL: f64 = 0.4;
/// Rows to aim at in a grown window: half a page, so that few windows overflow.
const ROWS_AIMED: f64 = 25.0;
/// A window is never wider: should ids become dense again, a batch stays below 100,000 rows.
const WIDTH_MAX: u64 = 2_000;

/// Records that arrived together.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Readable rows that satisfy what was asked for.
    pub records: Vec<Record>,
    /// Rows that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Rows that do not satisfy the filter, left out: the portal has ignored it.
    pub outside: u64,
    /// By windows: everything below this id is loaded once this chunk is stored.
    pub next: Vec<(Entity, u64)>,
    /// By windows: the ids about which this chunk tells everything. Whatever of them is not among
    /// its rows is not there, or not to be seen.
    pub covered: Vec<Range>,
    /// By windows: how many ids this chunk has settled.
    pub ids: u64,
}

/// Ids: from `next` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Whose ids.
    pub entity: Entity,
    /// The first id.
    pub next: u64,
    /// The last id.
    pub last: u64,
}

/// The ids `(after, upto]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    listing: Listing,
    after: u64,
    upto: u64,
}

impl Window {
    fn ids(self) -> u64 {
        self.upto.saturating_sub(self.after)
    }

    fn command(self) -> Command {
        let (listing, id) = (self.listing, self.listing.id);
        let command = listing.filter(listing.page(), ">", id, self.after);
        listing.filter(command, "<=", id, self.upto)
    }

    /// Windows of at most `width` ids that cover this one.
    fn split(self, width: u64) -> impl Iterator<Item = Window> {
        let mut after = self.after;
        std::iter::from_fn(move || {
            (after < self.upto).then(|| {
                let upto = after.saturating_add(width.max(1)).min(self.upto);
                let window = Window {
                    after,
                    upto,
                    ..self
                };
                after = upto;
                window
            })
        })
    }
}

/// How much to ask for at once, learnt from the answers about one kind of record.
#[derive(Debug)]
struct Pace {
    commands: AtomicUsize,
    /// Share of ids in use.
    density: Mutex<f64>,
}

impl Pace {
    fn new() -> Pace {
        Pace {
            commands: AtomicUsize::new(COMMANDS_MAX),
            density: Mutex::new(1.0),
        }
    }

    fn commands(&self) -> usize {
        self.commands.load(Ordering::Relaxed)
    }

    /// Takes note of how long a request of `sent` commands took.
    fn took(&self, sent: usize, time: Duration) {
        if time > REQUEST_LONG {
            self.too_long(sent);
        } else if time < REQUEST_SHORT {
            let now = self.commands();
            let more = (now + now.div_ceil(2)).min(COMMANDS_MAX);
            self.commands.store(more, Ordering::Relaxed);
        }
    }

    /// A request of `sent` commands took too long.
    fn too_long(&self, sent: usize) {
        self.commands
            .fetch_min((sent / 2).max(1), Ordering::Relaxed);
    }

    fn width(&self) -> u64 {
        width_for(*self.density.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of how many rows a span of ids held.
    fn seen(&self, ids: u64, rows: u64) {
        if ids > 0 {
            let mut density = self.density.lock().unwrap_or_else(PoisonError::into_inner);
            *density = f64::midpoint(*density, rows as f64 / ids as f64);
        }
    }
}

/// The width of a window for a share of ids in use.
fn width_for(density: f64) -> u64 {
    if density >= DENSITY_FULL {
        PAGE_ROWS as u64
    } else {
        // Bounded before the cast, which is therefore exact enough.
        (ROWS_AIMED / density.max(1e-6)).min(WIDTH_MAX as f64) as u64
    }
}

/// What is left to load of one kind of record.
#[derive(Debug)]
struct Plan {
    listing: Listing,
    ranges: VecDeque<Range>,
}

impl Plan {
    /// The windows of the next batch.
    fn next_batch(&mut self, pace: &Pace) -> Option<Vec<Window>> {
        let mut batch = Vec::new();
        let most = pace.commands();
        while batch.len() < most
            && let Some(range) = self.ranges.front_mut()
        {
            if range.next > range.last {
                self.ranges.pop_front();
                continue;
            }
            let after = range.next.saturating_sub(1);
            let upto = after.saturating_add(pace.width()).min(range.last);
            batch.push(Window {
                listing: self.listing,
                after,
                upto,
            });
            range.next = upto.saturating_add(1);
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// Loads all records of the ranges, several batches at once, and hands them over, those of one kind
/// in the order of its ranges, so that each chunk's `next` may be stored together with its records.
///
/// # Errors
/// The portal's, or the one that `take` returns; chunks handed over before stay valid.
pub async fn by_windows<E: From<BitrixError>>(
    portal: &Portal,
    ranges: &[Range],
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<(), E> {
    let mut plans: Vec<Plan> = Vec::new();
    for range in ranges {
        let listing = portal.listing(range.entity);
        match plans.iter_mut().find(|p| p.listing.entity == range.entity) {
            Some(plan) => plan.ranges.push_back(*range),
            None => plans.push(Plan {
                listing,
                ranges: VecDeque::from([*range]),
            }),
        }
    }
    let streams = plans.into_iter().map(|plan| Box::pin(chunks(portal, plan)));
    let mut all = stream::select_all(streams);
    while let Some(chunk) = all.next().await {
        take(chunk?)?;
    }
    Ok(())
}

/// The chunks of one kind of record, in order, some batches ahead of who takes them.
fn chunks(portal: &Portal, plan: Plan) -> impl Stream<Item = Result<Chunk, BitrixError>> + '_ {
    let pace = Arc::new(Pace::new());
    let running = FuturesOrdered::new();
    stream::unfold(
        (plan, pace, running),
        move |(mut plan, pace, mut running)| async move {
            while running.len() < portal.batches_in_flight()
                && let Some(windows) = plan.next_batch(&pace)
            {
                running.push_back(fetch(portal, Arc::clone(&pace), windows));
            }
            let chunk = running.next().await?;
            Some((chunk, (plan, pace, running)))
        },
    )
}

/// Loads windows of one kind to the last row, in as many requests as that takes; usually one.
async fn fetch(
    portal: &Portal,
    pace: Arc<Pace>,
    windows: Vec<Window>,
) -> Result<Chunk, BitrixError> {
    let ids = windows.iter().map(|window| window.ids()).sum();
    let mut chunk = Chunk {
        ids,
        ..Chunk::default()
    };
    if let Some(last) = windows.iter().max_by_key(|window| window.upto) {
        let entity = last.listing.entity;
        chunk.next.push((entity, last.upto.saturating_add(1)));
    }
    chunk.covered = covered(&windows);
    let mut todo: VecDeque<Window> = windows.into();
    while !todo.is_empty() {
        let sent = todo.len().min(pace.commands());
        let asked: Vec<Window> = todo.drain(..sent).collect();
        match portal.patiently(sent == 1, || step(portal, &asked)).await {
            Ok(step) => {
                pace.took(sent, step.took);
                chunk.records.extend(step.records);
                chunk.unreadable.extend(step.unreadable);
                chunk.outside += step.outside;
                todo.extend(step.remaining);
            }
            Err(error) if error.is_timeout() && sent > 1 => {
                pace.too_long(sent);
                todo.extend(asked);
            }
            Err(error) => return Err(error),
        }
    }
    pace.seen(ids, chunk.records.len() as u64);
    Ok(chunk)
}

/// The ids of windows, neighbours put together.
fn covered(windows: &[Window]) -> Vec<Range> {
    let mut out: Vec<Range> = Vec::new();
    for window in windows {
        let next = window.after.saturating_add(1);
        match out.last_mut() {
            Some(range) if range.last.saturating_add(1) == next => range.last = window.upto,
            _ => out.push(Range {
                entity: window.listing.entity,
                next,
                last: window.upto,
            }),
        }
    }
    out
}

/// What one request for windows gave.
#[derive(Debug, Default)]
struct Step {
    records: Vec<Record>,
    unreadable: Vec<Unreadable>,
    outside: u64,
    /// Windows that failed for now, and remainders of those that overflowed.
    remaining: Vec<Window>,
    took: Duration,
}

/// One request for windows. An error only when nothing was gained, or when trying again is no use.
async fn step(portal: &Portal, windows: &[Window]) -> Result<Step, BitrixError> {
    let commands: Vec<Command> = windows.iter().map(|window| window.command()).collect();
    let answer = portal.batch_once(&commands).await?;
    let mut step = Step {
        took: answer.took,
        ..Step::default()
    };
    let mut failed = None;
    let mut failures = 0;
    for (window, answer) in windows.iter().zip(answer.answers) {
        match answer {
            Ok(page) => read_window(*window, page, &mut step)?,
            Err(error) if is_passing(&error) => {
                step.remaining.push(*window);
                failed.get_or_insert(error);
                failures += 1;
            }
            Err(error) => return Err(error),
        }
    }
    match failed {
        Some(error) if failures == windows.len() => Err(error),
        _ => Ok(step),
    }
}

/// Whether an error may pass by itself.
pub(super) fn is_passing(error: &BitrixError) -> bool {
    matches!(
        error.kind,
        Kind::Transient | Kind::RateLimited | Kind::OperationTime { .. }
    )
}

/// Reads a window's page.
fn read_window(window: Window, page: Value, step: &mut Step) -> Result<(), BitrixError> {
    let doing = window.listing.doing();
    let page = rows(page, window.listing.within, &doing)?;
    let full = page.len() >= PAGE_ROWS;
    let mut last = window.after;
    for row in page {
        match record(window.listing.entity, row) {
            Ok(record) => {
                let id = record.id().unwrap_or_default();
                if id <= window.after {
                    return Err(ignored(id, window.after, &doing));
                }
                last = last.max(id);
                if id <= window.upto {
                    step.records.push(record);
                } else {
                    step.outside += 1;
                }
            }
            Err(unreadable) => step.unreadable.push(unreadable),
        }
    }
    if full && last == window.after {
        return Err(stuck(&doing));
    }
    if full && last < window.upto {
        let density = PAGE_ROWS as f64 / (last - window.after) as f64;
        let rest = Window {
            after: last,
            ..window
        };
        step.remaining.extend(rest.split(width_for(density)));
    }
    Ok(())
}

fn ignored(id: u64, after: u64, doing: &str) -> BitrixError {
    let text = format!("rows above id {after} were asked for, id {id} came");
    BitrixError::own(Kind::Unreadable, FILTER_IGNORED, text, doing)
}

fn stuck(doing: &str) -> BitrixError {
    let text = "a full page without a single readable id came".to_owned();
    BitrixError::own(Kind::Unreadable, FORM, text, doing)
}
