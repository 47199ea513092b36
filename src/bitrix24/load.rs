//! How records are loaded: at first by windows of ids, then by what was changed or added.
//!
//! A window `(after, upto]` of 50 ids gives at most one page, so windows need no count and no
//! chain: they may be asked for in any order, several batches at once, and again after a failure.
//! Where ids are sparse, windows grow; a full page whose last id is below the window's end leaves
//! a remainder that is asked for again, so a window that was too wide loses nothing. Which windows
//! share a request, and how many requests are under way, is decided in `schedule`.
//!
//! Changes are found by `>=DATE_MODIFY` page after page ([`Walk`]), rows that are only added by
//! `>ID`; in a batch each page begins behind the last id of the one before
//! (`$result[…][49][ID]`). Behind a short page that reference is empty and the portal begins anew,
//! so whatever follows a short page is dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::command::Command;
use super::error::{BitrixError, FILTER_IGNORED, FORM, Kind};
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{Entity, Listing, Record, Unreadable, record, rows};

mod schedule;
#[cfg(test)]
mod tests;
mod walk;

pub use schedule::by_windows;
pub(super) use walk::pages_by_weight;
pub use walk::{Walk, changes};

/// A request longer than this is followed by smaller ones (the portal cuts off at 60 s).
const REQUEST_LONG: Duration = Duration::from_secs(40);
/// A request shorter than this may be followed by larger ones.
const REQUEST_SHORT: Duration = Duration::from_secs(20);
/// Time of execution that requests under way may add to a method's counter. A method rests at 360
/// seconds (`operating`), and a portal on premises refuses above 420.
const OPERATING_UNDER_WAY: Duration = Duration::from_secs(60);
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
    /// By windows: how many requests it took; those that it shared count for the first kind in them.
    pub requests: u64,
    /// By windows: kinds of which nothing is left once this chunk is stored.
    pub finished: Vec<Entity>,
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
    /// How long the last request took, in milliseconds.
    last_ms: AtomicU64,
    /// Share of ids in use.
    density: Mutex<f64>,
}

impl Pace {
    fn new() -> Pace {
        Pace::of(COMMANDS_MAX)
    }

    /// A pace that begins with so many commands a request.
    fn of(commands: usize) -> Pace {
        Pace {
            commands: AtomicUsize::new(commands.clamp(1, COMMANDS_MAX)),
            last_ms: AtomicU64::new(0),
            density: Mutex::new(1.0),
        }
    }

    fn commands(&self) -> usize {
        self.commands.load(Ordering::Relaxed)
    }

    /// Takes note of how long a request of `sent` commands took.
    fn took(&self, sent: usize, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(millis, Ordering::Relaxed);
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

    /// How many requests may be under way: all of them together may use up only as much operating
    /// time as the portal grants beyond the point at which we rest.
    fn at_once(&self, most: usize) -> usize {
        let last = self.last_ms.load(Ordering::Relaxed).max(1);
        let fit = OPERATING_UNDER_WAY.as_millis() as u64 / last;
        usize::try_from(fit)
            .unwrap_or(usize::MAX)
            .clamp(1, most.max(1))
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
    /// The next windows, at most so many, each of `width` ids.
    fn take(&mut self, most: usize, width: u64) -> Vec<Window> {
        let mut windows = Vec::new();
        while windows.len() < most
            && let Some(range) = self.ranges.front_mut()
        {
            if range.next > range.last {
                self.ranges.pop_front();
                continue;
            }
            let after = range.next.saturating_sub(1);
            let upto = after.saturating_add(width).min(range.last);
            windows.push(Window {
                listing: self.listing,
                after,
                upto,
            });
            range.next = upto.saturating_add(1);
        }
        windows
    }

    /// Whether nothing is left to ask for.
    fn is_done(&self) -> bool {
        self.ranges.iter().all(|range| range.next > range.last)
    }

    /// How many windows of full density are left.
    fn windows_left(&self) -> u64 {
        let ids = |range: &Range| (range.last + 1).saturating_sub(range.next);
        let windows = self
            .ranges
            .iter()
            .map(|range| ids(range).div_ceil(PAGE_ROWS as u64));
        windows.sum()
    }
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
    /// Rows that cannot be read, and their kind.
    unreadable: Vec<(Entity, Unreadable)>,
    /// Rows that do not satisfy the filter, by kind.
    outside: Vec<Entity>,
    /// Windows that failed for now, and remainders of those that overflowed.
    remaining: Vec<Window>,
    /// Kinds whose windows failed for good.
    refused: Vec<(Entity, BitrixError)>,
    took: Duration,
}

impl Step {
    fn refuse(&mut self, entity: Entity, error: BitrixError) {
        if !self.refused.iter().any(|(known, _)| *known == entity) {
            self.refused.push((entity, error));
        }
    }
}

/// One request for windows. An error only when nothing was gained.
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
        let entity = window.listing.entity;
        match answer {
            Ok(page) => {
                if let Err(error) = read_window(*window, page, &mut step) {
                    step.refuse(entity, error);
                }
            }
            Err(error) if is_passing(&error) => {
                step.remaining.push(*window);
                failed.get_or_insert(error);
                failures += 1;
            }
            Err(error) => step.refuse(entity, error),
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
                    step.outside.push(window.listing.entity);
                }
            }
            Err(unreadable) => step.unreadable.push((window.listing.entity, unreadable)),
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
