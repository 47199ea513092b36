//! Walks through what was changed or added, page after page in the order of ids.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::{Chunk, Pace, chain, ignored, stuck};
use crate::bitrix24::command::Command;
use crate::bitrix24::envelope::BatchAnswer;
use crate::bitrix24::error::BitrixError;
use crate::bitrix24::portal::{PAGE_ROWS, Portal};
use crate::bitrix24::wire::{Entity, Listing, Record, Unreadable, record, rows};

/// Commands of a batch that pages of changes may take; the rest is left to directories.
const CHANGE_COMMANDS: usize = 48;

/// A walk through what was changed, in the order of ids.
#[derive(Debug, Clone)]
pub struct Walk {
    listing: Listing,
    /// Changed at this time or later; none where rows are only added.
    since: Option<DateTime<FixedOffset>>,
    /// Everything up to this id is done.
    after: u64,
    /// Whether the last page was seen.
    ended: bool,
}

impl Walk {
    /// A walk behind an id (0: from the beginning). `since` is sent with its offset, which should
    /// be the portal's own: then even a portal that overlooks offsets takes it right.
    pub(in crate::bitrix24) fn new(
        listing: Listing,
        since: Option<DateTime<FixedOffset>>,
        after: u64,
    ) -> Walk {
        Walk {
            listing,
            since,
            after,
            ended: false,
        }
    }

    /// What it walks through.
    pub fn entity(&self) -> Entity {
        self.listing.entity
    }

    /// Whether the last page was seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The id up to which it has come.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Commands for the next pages; they will be commands `first`, `first + 1`, … of the batch.
    pub(in crate::bitrix24) fn commands(&self, first: usize, pages: usize) -> Vec<Command> {
        let listing = self.listing;
        let base = || match (listing.modified, self.since) {
            (Some(field), Some(since)) => {
                let since = since.format("%Y-%m-%dT%H:%M:%S%:z");
                listing.filter(listing.page(), ">=", field, since)
            }
            _ => listing.page(),
        };
        chain(listing, first, pages, self.after, base)
    }

    /// Reads the answers to [`Walk::commands`] into a chunk, up to the first short page. An error
    /// in the first answer is the caller's matter; a later one only ends the reading.
    pub(in crate::bitrix24) fn read(
        &mut self,
        answers: impl Iterator<Item = Result<Value, BitrixError>>,
        chunk: &mut Chunk,
    ) -> Result<(), BitrixError> {
        let doing = self.listing.doing();
        for (page, answer) in answers.enumerate() {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if page == 0 => return Err(error),
                Err(_) => return Ok(()),
            };
            let page_rows = rows(answer, self.listing.within, &doing)?;
            let full = page_rows.len() >= PAGE_ROWS;
            let read: Vec<Result<Record, Unreadable>> = page_rows
                .into_iter()
                .map(|row| record(self.listing.entity, row))
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
        let too_old = |record: &Record| match (record.modified(), self.since) {
            (Some(time), Some(since)) => time < since,
            _ => false,
        };
        match row {
            Ok(record) if too_old(&record) => chunk.outside += 1,
            Ok(record) => chunk.records.push(record),
            Err(unreadable) => chunk.unreadable.push(unreadable),
        }
    }
}

/// Walks to the end, all walks in the same batches, and hands the records over together with the
/// walks as they stand behind them.
///
/// # Errors
/// The portal's, or the one that `take` returns.
pub async fn changes<E: From<BitrixError>>(
    portal: &Portal,
    mut walks: Vec<Walk>,
    mut take: impl FnMut(Chunk, &[Walk]) -> Result<(), E>,
) -> Result<(), E> {
    let pace = Pace::new();
    loop {
        walks.retain(|walk| !walk.ended);
        if walks.is_empty() {
            return Ok(());
        }
        let pages = pages_by_weight(&walks, pace.commands().min(CHANGE_COMMANDS));
        let mut commands: Vec<Command> = Vec::new();
        for (walk, pages) in walks.iter().zip(&pages) {
            commands.extend(walk.commands(commands.len(), *pages));
        }
        let sent = commands.len();
        let is_least = sent == walks.len();
        let answer = portal
            .patiently(is_least, || walk_once(portal, &commands, &pages))
            .await;
        let answer = match answer {
            Err(error) if error.is_timeout() && !is_least => {
                pace.too_long(sent);
                continue;
            }
            other => other?,
        };
        pace.took(sent, answer.took);
        let mut chunk = Chunk::default();
        let mut answers = answer.answers.into_iter();
        for (walk, pages) in walks.iter_mut().zip(pages) {
            let own: Vec<_> = answers.by_ref().take(pages).collect();
            walk.read(own.into_iter(), &mut chunk)?;
        }
        take(chunk, &walks)?;
    }
}

/// One request of walks; an error when the first page of any of them failed.
async fn walk_once(
    portal: &Portal,
    commands: &[Command],
    pages: &[usize],
) -> Result<BatchAnswer, BitrixError> {
    let answer = portal.batch_once(commands).await?;
    let mut first = 0;
    let firsts = pages.iter().filter_map(|pages| {
        let answer = answer.answers.get(first);
        first += pages;
        answer
    });
    match firsts.filter_map(|first| first.as_ref().err()).next() {
        Some(error) => Err(error.clone()),
        None => Ok(answer),
    }
}

/// Pages of each walk when they share so many commands; one each at the least. What changes most gets
/// most.
pub(in crate::bitrix24) fn pages_by_weight(walks: &[Walk], commands: usize) -> Vec<usize> {
    let extra = commands.saturating_sub(walks.len());
    let all: usize = walks.iter().map(|walk| weight(walk.entity())).sum();
    walks
        .iter()
        .map(|walk| 1 + extra * weight(walk.entity()) / all.max(1))
        .collect()
}

/// How many rows of a kind a day brings, compared with the others: leads move about once for every
/// lead that is touched, deals are fewer.
fn weight(entity: Entity) -> usize {
    match entity {
        Entity::Lead | Entity::LeadMove => 4,
        Entity::Deal | Entity::DealMove | Entity::Call | Entity::Activity => 2,
        Entity::Invoice | Entity::Task | Entity::InvoiceMove => 1,
    }
}
