//! How records are loaded: at first by windows of ids, then by what was changed.
//!
//! A window `(after, upto]` of 50 ids gives at most one page, so windows need no count and no
//! chain: they may be asked for in any order, several batches at once, and again after a failure.
//! Where ids are sparse, windows grow; a full page whose last id is below the window's end leaves
//! a remainder that is asked for again, so a window that was too wide loses nothing.
//!
//! Changes are found by `>=DATE_MODIFY` page after page; in a batch each page begins behind the
//! last id of the one before (`$result[…][49][ID]`). Behind a short page that reference is empty
//! and the portal begins anew, so whatever follows a short page is dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use serde_json::Value;

use super::command::{Command, key};
use super::error::{BitrixError, FILTER_IGNORED, FORM, Kind};
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{Entity, Record, Unreadable, record, rows};

/// A request longer than this is followed by smaller ones (the portal cuts off at 60 s).
const REQUEST_LONG: Duration = Duration::from_secs(40);
/// A request shorter than this may be followed by larger ones.
const REQUEST_SHORT: Duration = Duration::from_secs(20);
/// Below this share of ids in use, windows grow.
const DENSITY_FULL: f64 = 0.4;
/// Rows to aim at in a grown window: half a page, so that few windows overflow.
const ROWS_AIMED: f64 = 25.0;
/// A window is never wider: should ids become dense again, a batch stays below 50,000 rows.
const WIDTH_MAX: u64 = 1_000;
/// Commands of a batch that pages of changes may take; the rest is left to directories.
const CHANGE_COMMANDS: usize = 48;

/// Records that arrived together.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Readable rows that satisfy what was asked for.
    pub records: Vec<Record>,
    /// Rows that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Rows that do not satisfy the filter, left out: the portal has ignored it.
    pub outside: u64,
    /// First load: everything below this id is loaded once this chunk is stored.
    pub next: Vec<(Entity, u64)>,
    /// First load: how many ids this chunk has settled.
    pub ids: u64,
}

/// Ids still to load: from `next` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Leads or deals.
    pub entity: Entity,
    /// The first id.
    pub next: u64,
    /// The last id.
    pub last: u64,
}

/// The ids `(after, upto]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    entity: Entity,
    after: u64,
    upto: u64,
}

impl Window {
    fn ids(self) -> u64 {
        self.upto.saturating_sub(self.after)
    }

    fn command(self) -> Command {
        list(self.entity)
            .filter(">", "ID", self.after)
            .filter("<=", "ID", self.upto)
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

/// A page of a list in the order of ids, without a count.
fn list(entity: Entity) -> Command {
    Command::new(entity.list())
        .select(entity.fields())
        .param("order[ID]", "ASC")
        .param("start", -1)
}

/// How much to ask for at once, learnt from the answers.
#[derive(Debug)]
struct Pace {
    commands: AtomicUsize,
    /// Share of ids in use, leads and deals.
    density: Mutex<[f64; 2]>,
}

impl Pace {
    fn new() -> Pace {
        Pace {
            commands: AtomicUsize::new(COMMANDS_MAX),
            density: Mutex::new([1.0; 2]),
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

    fn width(&self, entity: Entity) -> u64 {
        let density = self.density.lock().unwrap_or_else(PoisonError::into_inner)[slot(entity)];
        width_for(density)
    }

    /// Takes note of how many rows a span of ids held.
    fn seen(&self, entity: Entity, ids: u64, rows: u64) {
        if ids > 0 {
            let new = rows as f64 / ids as f64;
            let mut all = self.density.lock().unwrap_or_else(PoisonError::into_inner);
            let density = &mut all[slot(entity)];
            *density = (*density + new) / 2.0;
        }
    }
}

fn slot(entity: Entity) -> usize {
    match entity {
        Entity::Lead => 0,
        Entity::Deal => 1,
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

/// What is left of a first load.
#[derive(Debug)]
struct Plan {
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
            let upto = after
                .saturating_add(pace.width(range.entity))
                .min(range.last);
            batch.push(Window {
                entity: range.entity,
                after,
                upto,
            });
            range.next = upto.saturating_add(1);
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// Loads all records of the ranges, several batches at once, and hands them over in the order of
/// ids, so that each chunk's `next` may be stored together with its records.
///
/// # Errors
/// The portal's, or the one that `take` returns; chunks handed over before stay valid.
pub async fn first_load<E: From<BitrixError>>(
    portal: &Portal,
    ranges: &[Range],
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<(), E> {
    let pace = Pace::new();
    let mut plan = Plan {
        ranges: ranges.iter().copied().collect(),
    };
    let mut running = FuturesOrdered::new();
    loop {
        while running.len() < portal.batches_in_flight()
            && let Some(windows) = plan.next_batch(&pace)
        {
            running.push_back(fetch(portal, &pace, windows));
        }
        match running.next().await {
            Some(chunk) => take(chunk?)?,
            None => return Ok(()),
        }
    }
}

/// Loads windows to the last row, in as many requests as that takes; usually one.
async fn fetch(portal: &Portal, pace: &Pace, windows: Vec<Window>) -> Result<Chunk, BitrixError> {
    let mut chunk = Chunk::default();
    for entity in Entity::ALL {
        let own = windows.iter().filter(|window| window.entity == entity);
        if let Some(last) = own.map(|window| window.upto).max() {
            chunk.next.push((entity, last.saturating_add(1)));
        }
    }
    let ids_of = |entity: Entity| -> u64 {
        windows
            .iter()
            .filter(|w| w.entity == entity)
            .map(|w| w.ids())
            .sum()
    };
    let ids = Entity::ALL.map(ids_of);
    chunk.ids = ids.iter().sum();
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
    for (entity, ids) in Entity::ALL.into_iter().zip(ids) {
        let of_entity = |record: &&Record| {
            matches!(
                (record, entity),
                (Record::Lead(_), Entity::Lead) | (Record::Deal(_), Entity::Deal)
            )
        };
        pace.seen(
            entity,
            ids,
            chunk.records.iter().filter(of_entity).count() as u64,
        );
    }
    Ok(chunk)
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
    let doing = format!("calling {}", window.entity.list());
    let page = rows(page, "", &doing)?;
    let full = page.len() >= PAGE_ROWS;
    let mut last = window.after;
    for row in page {
        match record(window.entity, row) {
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

/// A walk through what was changed, in the order of ids.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Leads or deals.
    pub entity: Entity,
    /// Changed at this time or later.
    since: DateTime<FixedOffset>,
    /// Everything up to this id is done.
    after: u64,
    /// Whether the last page was seen.
    ended: bool,
}

impl Walk {
    /// A walk from the beginning. `since` is sent with its offset, which should be the portal's
    /// own: then even a portal that overlooks offsets takes it right.
    pub(super) fn new(entity: Entity, since: DateTime<FixedOffset>) -> Walk {
        Walk {
            entity,
            since,
            after: 0,
            ended: false,
        }
    }

    /// Whether the last page was seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Commands for the next pages; they will be commands `first`, `first + 1`, … of the batch.
    pub(super) fn commands(&self, first: usize, pages: usize) -> Vec<Command> {
        (0..pages)
            .map(|page| {
                let command = list(self.entity).filter(
                    ">=",
                    "DATE_MODIFY",
                    self.since.format("%Y-%m-%dT%H:%M:%S%:z"),
                );
                if page == 0 {
                    command.filter(">", "ID", self.after)
                } else {
                    let before = key(first + page - 1);
                    let last = PAGE_ROWS - 1;
                    command.filter(">", "ID", format!("$result[{before}][{last}][ID]"))
                }
            })
            .collect()
    }

    /// Reads the answers to [`Walk::commands`] into a chunk, up to the first short page. An error
    /// in the first answer is the caller's matter; a later one only ends the reading.
    pub(super) fn read(
        &mut self,
        answers: impl Iterator<Item = Result<Value, BitrixError>>,
        chunk: &mut Chunk,
    ) -> Result<(), BitrixError> {
        let doing = format!("calling {}", self.entity.list());
        for (page, answer) in answers.enumerate() {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if page == 0 => return Err(error),
                Err(_) => return Ok(()),
            };
            let page_rows = rows(answer, "", &doing)?;
            let full = page_rows.len() >= PAGE_ROWS;
            let read: Vec<Result<Record, Unreadable>> = page_rows
                .into_iter()
                .map(|row| record(self.entity, row))
                .collect();
            let ids = || read.iter().flatten().filter_map(Record::id);
            if let Some(id) = ids().find(|id| *id <= self.after) {
                if page == 0 {
                    return Err(ignored(id, self.after, &doing));
                }
                // The reference to the page before led nowhere; go on from here with a number.
                return Ok(());
            }
            match ids().max() {
                Some(last) => self.after = last,
                None if full => return Err(stuck(&doing)),
                None => {}
            }
            for row in read {
                self.keep(row, chunk);
            }
            if !full {
                self.ended = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps a row if it satisfies the filter. One without a time of change is kept.
    fn keep(&self, row: Result<Record, Unreadable>, chunk: &mut Chunk) {
        match row {
            Ok(record) if record.modified().is_some_and(|time| time < self.since) => {
                chunk.outside += 1;
            }
            Ok(record) => chunk.records.push(record),
            Err(unreadable) => chunk.unreadable.push(unreadable),
        }
    }
}

/// Walks to the end, all walks in the same batches, and hands the records over.
///
/// # Errors
/// The portal's, or the one that `take` returns.
pub async fn changes<E: From<BitrixError>>(
    portal: &Portal,
    mut walks: Vec<Walk>,
    mut take: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<(), E> {
    let pace = Pace::new();
    loop {
        walks.retain(|walk| !walk.ended);
        if walks.is_empty() {
            return Ok(());
        }
        let pages = (pace.commands().min(CHANGE_COMMANDS) / walks.len()).max(1);
        let sent = pages * walks.len();
        let commands: Vec<Command> = walks
            .iter()
            .enumerate()
            .flat_map(|(n, walk)| walk.commands(n * pages, pages))
            .collect();
        let answer = portal
            .patiently(pages == 1, || walk_once(portal, &commands, pages))
            .await;
        let answer = match answer {
            Err(error) if error.is_timeout() && pages > 1 => {
                pace.too_long(sent);
                continue;
            }
            other => other?,
        };
        pace.took(sent, answer.took);
        let mut chunk = Chunk::default();
        let mut answers = answer.answers.into_iter();
        for walk in &mut walks {
            let own: Vec<_> = answers.by_ref().take(pages).collect();
            walk.read(own.into_iter(), &mut chunk)?;
        }
        take(chunk)?;
    }
}

/// One request of walks; an error when the first page of any of them failed.
async fn walk_once(
    portal: &Portal,
    commands: &[Command],
    pages: usize,
) -> Result<super::portal::BatchAnswer, BitrixError> {
    let answer = portal.batch_once(commands).await?;
    let firsts = answer.answers.iter().step_by(pages.max(1));
    match firsts.filter_map(|first| first.as_ref().err()).next() {
        Some(error) => Err(error.clone()),
        None => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn plan(ranges: &[(Entity, u64, u64)]) -> Plan {
        let ranges = ranges
            .iter()
            .map(|&(entity, next, last)| Range { entity, next, last });
        Plan {
            ranges: ranges.collect(),
        }
    }

    #[test]
    fn a_batch_settles_2500_dense_ids() {
        let pace = Pace::new();
        let mut plan = plan(&[(Entity::Lead, 1, 200_000)]);
        let mut batches = 0;
        let mut after = 0;
        while let Some(batch) = plan.next_batch(&pace) {
            for window in batch {
                assert_eq!((window.after, window.ids()), (after, 50));
                after = window.upto;
            }
            batches += 1;
        }
        assert_eq!((batches, after), (80, 200_000));
    }

    #[test]
    fn leads_and_deals_share_batches() {
        let pace = Pace::new();
        let mut plan = plan(&[(Entity::Lead, 101, 230), (Entity::Deal, 7, 7)]);
        let windows = plan.next_batch(&pace).expect("a batch");
        let spans: Vec<_> = windows
            .iter()
            .map(|w| (w.entity, w.after, w.upto))
            .collect();
        assert_eq!(
            spans,
            [
                (Entity::Lead, 100, 150),
                (Entity::Lead, 150, 200),
                (Entity::Lead, 200, 230),
                (Entity::Deal, 6, 7)
            ]
        );
        assert_eq!(plan.next_batch(&pace), None);
    }

    #[test]
    fn windows_grow_where_ids_are_sparse() {
        for (density, width) in [
            (1.0, 50),
            (0.4, 50),
            (0.25, 100),
            (0.1, 250),
            (0.01, 1_000),
            (0.0, 1_000),
        ] {
            assert_eq!(width_for(density), width, "{density}");
        }
    }

    #[test]
    fn long_requests_are_followed_by_smaller_ones() {
        let pace = Pace::new();
        pace.took(50, Duration::from_secs(41));
        assert_eq!(pace.commands(), 25);
        pace.took(25, Duration::from_secs(30));
        assert_eq!(pace.commands(), 25);
        pace.took(25, Duration::from_secs(3));
        assert_eq!(pace.commands(), 38);
        pace.took(38, Duration::from_secs(3));
        assert_eq!(pace.commands(), 50);
        pace.too_long(1);
        assert_eq!(pace.commands(), 1);
    }

    fn page(ids: impl IntoIterator<Item = u64>) -> Value {
        ids.into_iter()
            .map(|id| json!({"ID": id.to_string()}))
            .collect()
    }

    fn got(step: &Step) -> Vec<u64> {
        step.records.iter().filter_map(Record::id).collect()
    }

    #[test]
    fn a_full_page_below_the_end_leaves_a_remainder() {
        let window = Window {
            entity: Entity::Lead,
            after: 100,
            upto: 350,
        };
        let mut step = Step::default();
        read_window(window, page(101..=150), &mut step).expect("read");
        let rest: Vec<_> = step.remaining.iter().map(|w| (w.after, w.upto)).collect();
        assert_eq!(rest, [(150, 200), (200, 250), (250, 300), (300, 350)]);
        for complete in [page([]), page([101, 350]), page(301..=350)] {
            let mut step = Step::default();
            read_window(window, complete, &mut step).expect("read");
            assert_eq!(step.remaining, []);
        }
    }

    #[test]
    fn rows_beyond_the_window_are_left_out_and_rows_before_it_are_an_error() {
        let window = Window {
            entity: Entity::Deal,
            after: 100,
            upto: 150,
        };
        let mut step = Step::default();
        read_window(window, page([101, 150, 151]), &mut step).expect("read");
        assert_eq!((got(&step), step.outside), (vec![101, 150], 1));
        let error = read_window(window, page([1, 2]), &mut Step::default()).expect_err("ignored");
        assert_eq!(error.code, FILTER_IGNORED);
    }

    /// A portal's table, asked with the arithmetic of windows.
    fn answer(table: &[u64], window: Window) -> Value {
        let inside = table
            .iter()
            .copied()
            .filter(|id| *id > window.after && *id <= window.upto);
        page(inside.take(PAGE_ROWS))
    }

    proptest! {
        #[test]
        fn no_row_is_lost_or_doubled_whatever_the_gaps(
            gaps in proptest::collection::vec(prop_oneof![4 => 1u64..3, 1 => 1u64..2_000], 0..600),
            commands in 1usize..=50,
        ) {
            let table: Vec<u64> = gaps
                .iter()
                .scan(0u64, |id, gap| {
                    *id += gap;
                    Some(*id)
                })
                .collect();
            let pace = Pace::new();
            pace.commands.store(commands, Ordering::Relaxed);
            let last = table.last().copied().unwrap_or_default();
            let mut plan = plan(&[(Entity::Lead, 1, last)]);
            let mut seen = Vec::new();
            while let Some(batch) = plan.next_batch(&pace) {
                let ids = batch.iter().map(|w| w.ids()).sum();
                let mut todo: VecDeque<Window> = batch.into();
                let mut rows = 0;
                while let Some(window) = todo.pop_front() {
                    let mut step = Step::default();
                    read_window(window, answer(&table, window), &mut step).expect("read");
                    rows += step.records.len() as u64;
                    seen.extend(got(&step));
                    todo.extend(step.remaining);
                }
                pace.seen(Entity::Lead, ids, rows);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, table);
        }
    }

    fn walk() -> Walk {
        let since = DateTime::parse_from_rfc3339("2026-03-01T10:00:00+03:00").expect("a time");
        Walk::new(Entity::Lead, since)
    }

    fn changed(ids: impl IntoIterator<Item = u64>, at: &str) -> Value {
        ids.into_iter()
            .map(|id| json!({"ID": id.to_string(), "DATE_MODIFY": at}))
            .collect()
    }

    const LATER: &str = "2026-03-01T10:00:00+03:00";
    const EARLIER: &str = "2026-03-01T09:59:59+03:00";

    #[test]
    fn pages_of_changes_are_chained() {
        let texts: Vec<String> = walk().commands(7, 2).iter().map(Command::text).collect();
        let since = "filter%5B%3E%3DDATE_MODIFY%5D=2026-03-01T10%3A00%3A00%2B03%3A00";
        assert!(texts.iter().all(|text| text.contains(since)), "{texts:?}");
        assert!(texts[0].ends_with("&filter%5B%3EID%5D=0"), "{}", texts[0]);
        assert!(
            texts[1].ends_with("&filter%5B%3EID%5D=%24result%5Bc07%5D%5B49%5D%5BID%5D"),
            "{}",
            texts[1]
        );
    }

    #[test]
    fn reading_stops_at_the_first_short_page_and_drops_the_rest() {
        let (mut walk, mut chunk) = (walk(), Chunk::default());
        let pages = [
            changed(1..=50, LATER),
            changed(51..=60, LATER),
            changed(1..=50, LATER),
        ];
        walk.read(pages.into_iter().map(Ok), &mut chunk)
            .expect("read");
        assert!(walk.ended());
        assert_eq!(chunk.records.len(), 60);
    }

    #[test]
    fn a_chain_that_begins_anew_is_continued_by_number() {
        let (mut walk, mut chunk) = (walk(), Chunk::default());
        let pages = [changed(1..=50, LATER), changed(1..=50, LATER)];
        walk.read(pages.into_iter().map(Ok), &mut chunk)
            .expect("read");
        assert_eq!(
            (walk.ended(), walk.after, chunk.records.len()),
            (false, 50, 50)
        );
        let pages = [changed(51..=52, LATER)];
        walk.read(pages.into_iter().map(Ok), &mut chunk)
            .expect("read");
        assert_eq!((walk.ended(), chunk.records.len()), (true, 52));
    }

    #[test]
    fn an_error_behind_the_first_page_ends_the_reading_only() {
        let (mut walk, mut chunk) = (walk(), Chunk::default());
        let failed = || Err(BitrixError::own(Kind::Transient, FORM, String::new(), "x"));
        let pages = [Ok(changed(1..=50, LATER)), failed()];
        walk.read(pages.into_iter(), &mut chunk).expect("read");
        assert_eq!((walk.ended(), walk.after), (false, 50));
        assert!(walk.read([failed()].into_iter(), &mut chunk).is_err());
    }

    #[test]
    fn rows_that_the_filter_should_have_left_out_are_counted_and_dropped() {
        let (mut walk, mut chunk) = (walk(), Chunk::default());
        let Value::Array(mut rows) = changed(1..=3, EARLIER) else {
            panic!("a list")
        };
        rows.push(json!({"ID": "4", "DATE_MODIFY": LATER}));
        rows.push(json!({"ID": "5"}));
        walk.read([Ok(Value::Array(rows))].into_iter(), &mut chunk)
            .expect("read");
        let ids: Vec<_> = chunk.records.iter().filter_map(Record::id).collect();
        assert_eq!((ids, chunk.outside), (vec![4, 5], 3));
    }

    #[test]
    fn a_portal_that_ignores_the_id_is_refused() {
        let (mut walk, mut chunk) = (walk(), Chunk::default());
        walk.after = 50;
        let error = walk
            .read([Ok(changed(1..=50, LATER))].into_iter(), &mut chunk)
            .expect_err("ignored");
        assert_eq!(error.code, FILTER_IGNORED);
    }
}
