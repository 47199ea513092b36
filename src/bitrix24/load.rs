//! How records are loaded: at first by windows of ids, then by what was changed or added.
//!
//! A window `(after, upto]` of 50 ids gives at most one page, so windows need no count and no
//! chain: they may be asked for in any order, several batches at once, and again after a failure.
//! Where ids were deleted a page of 50 ids comes half empty, so there a window is as wide as so many
//! full pages are likely to be, and its pages are chained as those of a walk are. Pages that do not
//! suffice leave a remainder that is asked for again, so a window that was too wide loses nothing.
//! Which windows share a request, and how many requests are under way, is decided in `schedule`.
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

use super::command::{Command, key};
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
/// From this share of ids in use on, windows of one page each are as good as chained pages.
const DENSITY_FULL: f64 = 0.999;
/// How many standard deviations a chained window stays below what its pages hold, taking each id to be
/// gone by chance: what does not fit costs a command of its own later, so few windows should overflow.
const DEVIATIONS: f64 = 3.0;
/// A window is never wider than so many ids a page, so that a chunk's cursor comes soon.
const WIDTH_MAX: u64 = 2_000;
/// Weight of the newest answer in what is believed of the share of ids in use.
const NEWEST: f64 = 0.25;

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
    /// How many pages are asked for, each in a command of its own.
    pages: usize,
}

impl Window {
    fn ids(self) -> u64 {
        self.upto.saturating_sub(self.after)
    }

    /// The commands of its pages; they will be commands `first`, `first + 1`, … of the batch.
    fn commands(self, first: usize) -> Vec<Command> {
        let (listing, id) = (self.listing, self.listing.id);
        let base = || listing.filter(listing.page(), "<=", id, self.upto);
        chain(listing, first, self.pages, self.after, base)
    }

    /// What is left of it behind an id, when so many rows were read before that: windows of at most a
    /// request each.
    fn behind(self, last: u64, read: u64) -> Vec<Window> {
        let passed = last.saturating_sub(self.after);
        let ids = self.upto.saturating_sub(last);
        let pages = match read * ids {
            0 => self.pages as u64,
            rows => rows.div_ceil(passed.max(1)).div_ceil(PAGE_ROWS as u64),
        };
        let pages = pages.clamp(1, ids.div_ceil(PAGE_ROWS as u64).max(1));
        let parts = pages.div_ceil(COMMANDS_MAX as u64);
        let width = ids.div_ceil(parts).max(1);
        let mut after = last;
        let mut windows = Vec::new();
        while after < self.upto {
            let upto = after.saturating_add(width).min(self.upto);
            windows.push(Window {
                after,
                upto,
                pages: usize::try_from(pages.div_ceil(parts)).unwrap_or(COMMANDS_MAX),
                ..self
            });
            after = upto;
        }
        windows
    }

    /// Parts it so that the first part takes at most so many pages.
    fn parted(self, pages: usize) -> (Window, Option<Window>) {
        let pages = pages.max(1);
        if self.pages <= pages {
            return (self, None);
        }
        let share = self.ids() * pages as u64 / self.pages as u64;
        let middle = self.after + share.max(1);
        let first = Window {
            upto: middle.min(self.upto),
            pages,
            ..self
        };
        let second = Window {
            after: first.upto,
            pages: self.pages - pages,
            ..self
        };
        (first, (second.ids() > 0).then_some(second))
    }
}

/// Commands for pages in the order of ids, each behind the last id of the one before, the first one
/// behind `after`; they will be commands `first`, `first + 1`, … of the batch. `base` is what all share.
fn chain(
    listing: Listing,
    first: usize,
    pages: usize,
    after: u64,
    base: impl Fn() -> Command,
) -> Vec<Command> {
    let command = |page: usize| match page {
        0 => listing.filter(base(), ">", listing.id, after),
        _ => {
            let last = listing.last_id_of(&key(first + page - 1), PAGE_ROWS - 1);
            listing.filter(base(), ">", listing.id, last)
        }
    };
    (0..pages).map(command).collect()
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
        Pace::of(COMMANDS_MAX, 1.0)
    }

    /// A pace that begins with so many commands a request, for such a share of ids in use.
    fn of(commands: usize, density: f64) -> Pace {
        Pace {
            commands: AtomicUsize::new(commands.clamp(1, COMMANDS_MAX)),
            last_ms: AtomicU64::new(0),
            density: Mutex::new(density.clamp(0.0, 1.0)),
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

    fn density(&self) -> f64 {
        *self.density.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of how many rows a span of ids held.
    fn seen(&self, ids: u64, rows: u64) {
        if ids > 0 {
            let mut density = self.density.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = (rows as f64 / ids as f64).min(1.0);
            *density += (newest - *density) * NEWEST;
        }
    }
}

/// How many ids so many full pages are likely to hold for a share of ids in use.
fn width_for(pages: usize, density: f64) -> u64 {
    let rows = (pages * PAGE_ROWS) as f64;
    if density >= 1.0 {
        return rows as u64;
    }
    let sure = rows - DEVIATIONS * (rows * (1.0 - density)).sqrt();
    // Bounded before the cast, which is therefore exact enough.
    (sure.max(1.0) / density.max(1e-6)).min(pages as f64 * WIDTH_MAX as f64) as u64
}

/// What is left to load of one kind of record.
#[derive(Debug)]
struct Plan {
    listing: Listing,
    ranges: VecDeque<Range>,
}

impl Plan {
    /// The next windows, at most so many pages of them, for a share of ids in use.
    fn take(&mut self, most: usize, density: f64) -> Vec<Window> {
        let mut windows = Vec::new();
        let mut left = most;
        while left > 0
            && let Some(range) = self.ranges.front_mut()
        {
            if range.next > range.last {
                self.ranges.pop_front();
                continue;
            }
            let pages = if density >= DENSITY_FULL { 1 } else { left };
            let after = range.next.saturating_sub(1);
            let upto = after
                .saturating_add(width_for(pages, density))
                .min(range.last);
            // The end of a range takes no more pages than it is likely to fill.
            let pages = (1..pages)
                .find(|fewer| width_for(*fewer, density) >= upto - after)
                .unwrap_or(pages);
            windows.push(Window {
                listing: self.listing,
                after,
                upto,
                pages,
            });
            left -= pages;
            range.next = upto.saturating_add(1);
        }
        windows
    }

    /// Whether nothing is left to ask for.
    fn is_done(&self) -> bool {
        self.ranges.iter().all(|range| range.next > range.last)
    }

    /// How many pages are left for a share of ids in use.
    fn pages_left(&self, density: f64) -> u64 {
        let pages = |range: &Range| {
            let ids = (range.last + 1).saturating_sub(range.next);
            (ids as f64 * density / PAGE_ROWS as f64).ceil() as u64
        };
        self.ranges.iter().map(pages).sum()
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

/// What one request gave for some windows of one kind.
#[derive(Debug, Default)]
struct Gain {
    records: Vec<Record>,
    unreadable: Vec<Unreadable>,
    /// Rows that do not satisfy the filter.
    outside: u64,
    /// Windows that failed for now, and remainders of those whose pages did not suffice.
    remaining: Vec<Window>,
    /// How many ids were passed, and how many rows they held.
    passed: (u64, u64),
    /// The windows failed for good.
    refused: Option<BitrixError>,
}

/// One request for groups of windows, each group of one kind; a gain for each group, and how long it
/// took. An error only when nothing was gained.
async fn step(portal: &Portal, groups: &[&[Window]]) -> Result<(Vec<Gain>, Duration), BitrixError> {
    let mut commands: Vec<Command> = Vec::new();
    for window in groups.iter().copied().flatten() {
        commands.extend(window.commands(commands.len()));
    }
    let answer = portal.batch_once(&commands).await?;
    let took = answer.took;
    let mut answers = answer.answers.into_iter();
    let mut failed = None;
    let mut gained = false;
    let mut gains = Vec::with_capacity(groups.len());
    for windows in groups {
        let mut gain = Gain::default();
        for window in *windows {
            let pages: Vec<_> = answers.by_ref().take(window.pages).collect();
            match read_window(*window, pages, &mut gain) {
                Ok(None) => gained = true,
                Ok(Some(error)) => failed = failed.or(Some(error)),
                Err(error) => {
                    gained = true;
                    gain.refused = gain.refused.or(Some(error));
                }
            }
        }
        gains.push(gain);
    }
    match failed {
        Some(error) if !gained => Err(error),
        _ => Ok((gains, took)),
    }
}

/// Whether an error may pass by itself.
pub(super) fn is_passing(error: &BitrixError) -> bool {
    matches!(
        error.kind,
        Kind::Transient | Kind::RateLimited | Kind::OperationTime { .. }
    )
}

/// Reads a window's pages. Gives the error of the first page where that may pass by itself.
///
/// # Errors
/// What will not pass: the portal refuses the method, or ignores the filter.
fn read_window(
    window: Window,
    pages: impl IntoIterator<Item = Result<Value, BitrixError>>,
    gain: &mut Gain,
) -> Result<Option<BitrixError>, BitrixError> {
    let mut last = window.after;
    let mut count = 0;
    for (place, page) in pages.into_iter().enumerate() {
        let read = match page {
            Ok(page) => read_page(window, page)?,
            Err(error) if !is_passing(&error) => return Err(error),
            Err(error) if place == 0 => {
                gain.remaining.push(window);
                return Ok(Some(error));
            }
            Err(_) => break,
        };
        let ids = || read.iter().flatten().filter_map(Record::id);
        if let Some(id) = ids().find(|id| *id <= last) {
            if place == 0 {
                return Err(ignored(id, last, &window.listing.doing()));
            }
            // The reference to the page before led nowhere; go on from here with a number.
            break;
        }
        let full = read.len() >= PAGE_ROWS;
        match ids().max() {
            Some(id) => last = id,
            None if full => return Err(stuck(&window.listing.doing())),
            None => {}
        }
        count += read.len() as u64;
        for row in read {
            match row {
                Ok(record) if record.id().is_some_and(|id| id > window.upto) => gain.outside += 1,
                Ok(record) => gain.records.push(record),
                Err(unreadable) => gain.unreadable.push(unreadable),
            }
        }
        if !full {
            last = window.upto;
        }
        if last >= window.upto {
            gain.passed.0 += window.ids();
            gain.passed.1 += count;
            return Ok(None);
        }
    }
    gain.passed.0 += last - window.after;
    gain.passed.1 += count;
    gain.remaining.extend(window.behind(last, count));
    Ok(None)
}

/// The rows of a window's page.
fn read_page(window: Window, page: Value) -> Result<Vec<Result<Record, Unreadable>>, BitrixError> {
    let listing = window.listing;
    let page = rows(page, listing.within, &listing.doing())?;
    let read = page.into_iter().map(|row| record(listing.entity, row));
    Ok(read.collect())
}

fn ignored(id: u64, after: u64, doing: &str) -> BitrixError {
    let text = format!("rows above id {after} were asked for, id {id} came");
    BitrixError::own(Kind::Unreadable, FILTER_IGNORED, text, doing)
}

fn stuck(doing: &str) -> BitrixError {
    let text = "a full page without a single readable id came".to_owned();
    BitrixError::own(Kind::Unreadable, FORM, text, doing)
}
