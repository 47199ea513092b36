//! The first stage of a pass: what changed in the CRM since the cursor, into the store.
//!
//! The first time, everything is loaded by windows of ids. What is created or changed meanwhile is
//! found by the next pull, because its changes are counted from the beginning of the load. Then
//! only what was changed is asked for, with an overlap, and put into the store by id, so that
//! pulling twice does no harm. Records and cursors are stored in one transaction; a pull that was
//! cut off goes on where the last stored chunk ended.

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::ingest::{self, Ingest};
use crate::bitrix24::load::{self, Chunk, Range};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{Ask, BitrixError, Opening, Portal, Span, open};
use crate::clock::Stopwatch;
use crate::domain::calendar::Instant;
use crate::store::{PullBatch, Store, StoreError};

/// By how much changes are asked for again: longer than any request of the portal may take, so
/// that a change stored late with an earlier time is not missed.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// The portal's time when the first load began; there while one is under way.
const STARTED: &str = "crm:load_started";
/// The portal's time up to which changes are known; there once the first load is complete.
const SINCE: &str = "crm:modified_since";

/// The cursor of a first load: the first id that is not stored yet.
fn next_id(entity: Entity) -> &'static str {
    match entity {
        Entity::Lead => "leads:next_id",
        Entity::Deal => "deals:next_id",
    }
}

/// What a pull did.
#[derive(Debug, Clone, PartialEq)]
pub struct PullSummary {
    /// Whether everything was loaded, rather than changes.
    pub first_load: bool,
    /// Leads stored; of changes, those inside the overlap are stored again.
    pub leads: u64,
    /// Deals stored.
    pub deals: u64,
    /// Rows set aside.
    pub rejects: u64,
    /// HTTP requests.
    pub requests: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long so many requests take at least under the portal's limit, in seconds.
    pub bound_seconds: f64,
    /// What the owner should know.
    pub warnings: Vec<PullWarning>,
}

/// What the owner should know though the pull went well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PullWarning {
    /// The user may not see all.
    #[error(
        "the webhook's user is not an administrator of the portal, so records he may not see are \
         missing; let an administrator make the webhook"
    )]
    NotAdmin,
    /// There are no leads.
    #[error("the CRM is in simple mode, without leads: figures of leads stay empty")]
    SimpleMode,
    /// Rows came that were not asked for.
    #[error(
        "the portal gave {rows} rows that its own filter should have left out; they were filtered \
         here"
    )]
    FilterIgnored {
        /// How many.
        rows: u64,
    },
    /// A directory is as it was at an earlier pass, or missing.
    #[error("a directory could not be read and stays as it was: {0}")]
    DirectoryRefused(BitrixError),
    /// The portal has another address now.
    #[error("the portal has moved to {host}; change webhook_url")]
    Moved {
        /// The new host.
        host: String,
    },
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullProgress {
    /// Whether everything is being loaded, rather than changes.
    pub first_load: bool,
    /// Ids settled so far; of changes, zero.
    pub done: u64,
    /// Ids to settle; of changes, zero, because their number is not known.
    pub total: u64,
    /// Leads stored so far.
    pub leads: u64,
    /// Deals stored so far.
    pub deals: u64,
    /// HTTP requests so far.
    pub requests: u64,
}

/// Why a pull stopped. What it had stored stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// The portal.
    #[error(transparent)]
    Portal(#[from] BitrixError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the store up to date with the portal. `now` serves only where the portal does not tell
/// its own time.
///
/// # Errors
/// The portal's after the retries that make sense, or the store's.
pub async fn pull(
    portal: &Portal,
    store: &dyn Store,
    company: &str,
    now: Instant,
    progress: &(dyn Fn(PullProgress) + Sync),
) -> Result<PullSummary, PullError> {
    let watch = Stopwatch::start();
    let requests_before = portal.requests_total();
    let known = blocking(|| store.directory(company))?;
    let since = time_cursor(store, company, SINCE)?;
    let ask = Ask {
        users_known: known.users.len(),
        departments_known: known.departments.len(),
        changed_since: since.map(|since| since - OVERLAP),
    };
    let mut opening = open(portal, &ask).await?;
    let began = opening.began.unwrap_or_else(|| now.fixed_offset());
    let mut warnings = warnings_of(&mut opening);

    let (directory, rejects) = ingest::directory(std::mem::take(&mut opening.directory), known);
    let mut intake = Intake {
        portal,
        store,
        company,
        progress,
        ingest: Ingest::new(&directory),
        requests_before,
        outside: 0,
        state: PullProgress {
            first_load: since.is_none(),
            done: 0,
            total: 0,
            leads: 0,
            deals: 0,
            requests: 0,
        },
        rejects: 0,
    };
    let mut first = PullBatch {
        directory: Some(directory),
        ..PullBatch::default()
    };
    intake.set_aside(&mut first, rejects);
    if since.is_none() {
        load_all(&mut intake, first, &opening.spans, began).await?;
    } else {
        load_changes(&mut intake, first, opening, began).await?;
    }

    if intake.outside > 0 {
        warnings.push(PullWarning::FilterIgnored {
            rows: intake.outside,
        });
    }
    warnings.extend(portal.moved_to().map(|host| PullWarning::Moved { host }));
    let requests = portal.requests_total() - requests_before;
    Ok(PullSummary {
        first_load: intake.state.first_load,
        leads: intake.state.leads,
        deals: intake.state.deals,
        rejects: intake.rejects,
        requests,
        seconds: watch.elapsed().as_secs_f64(),
        bound_seconds: portal.allowance().bound_seconds(requests),
        warnings,
    })
}

/// Loads everything from where an earlier load stopped.
async fn load_all(
    intake: &mut Intake<'_>,
    mut first: PullBatch,
    spans: &[Span],
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    let (store, company) = (intake.store, intake.company);
    // Changes count from the first attempt: what it stored may have been changed since.
    let started = match time_cursor(store, company, STARTED)? {
        Some(started) => started,
        None => began,
    };
    first
        .cursors
        .push((STARTED.to_owned(), started.to_rfc3339()));
    let mut ranges = Vec::new();
    for span in spans {
        let stored = blocking(|| store.cursor(company, next_id(span.entity)))?;
        let next = stored
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
            .max(span.first);
        if next <= span.last {
            ranges.push(Range {
                entity: span.entity,
                next,
                last: span.last,
            });
            intake.state.total += span.last - next + 1;
        }
    }
    intake.save(&first)?;
    let portal = intake.portal;
    load::first_load(portal, &ranges, |chunk| {
        let cursors = chunk
            .next
            .iter()
            .map(|(entity, next)| (next_id(*entity).to_owned(), next.to_string()))
            .collect();
        intake.take(
            chunk,
            PullBatch {
                cursors,
                ..PullBatch::default()
            },
        )
    })
    .await?;
    let cursors = vec![(SINCE.to_owned(), started.to_rfc3339())];
    intake.save(&PullBatch {
        cursors,
        ..PullBatch::default()
    })
}

/// Loads what was changed. The cursor moves last.
async fn load_changes(
    intake: &mut Intake<'_>,
    mut first: PullBatch,
    opening: Opening,
    began: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    let cursor = (SINCE.to_owned(), began.to_rfc3339());
    // A quiet pass ends with the opening request, and with one transaction.
    let quiet = opening.walks.iter().all(load::Walk::ended);
    if quiet {
        first.cursors.push(cursor.clone());
    }
    intake.take(opening.changes, first)?;
    if quiet {
        return Ok(());
    }
    let portal = intake.portal;
    load::changes(portal, opening.walks, |chunk| {
        intake.take(chunk, PullBatch::default())
    })
    .await?;
    intake.save(&PullBatch {
        cursors: vec![cursor],
        ..PullBatch::default()
    })
}

/// What the opening shows that the owner should know.
fn warnings_of(opening: &mut Opening) -> Vec<PullWarning> {
    let mut warnings = Vec::new();
    if opening.admin == Some(false) {
        warnings.push(PullWarning::NotAdmin);
    }
    if opening.mode == Some(2) {
        warnings.push(PullWarning::SimpleMode);
    }
    let refused = std::mem::take(&mut opening.refused);
    warnings.extend(refused.into_iter().map(PullWarning::DirectoryRefused));
    warnings
}

/// Takes chunks into the store.
struct Intake<'a> {
    portal: &'a Portal,
    store: &'a dyn Store,
    company: &'a str,
    progress: &'a (dyn Fn(PullProgress) + Sync),
    ingest: Ingest,
    requests_before: u64,
    outside: u64,
    state: PullProgress,
    rejects: u64,
}

impl Intake<'_> {
    /// Reads a chunk's rows into the batch and stores it.
    fn take(&mut self, chunk: Chunk, mut batch: PullBatch) -> Result<(), PullError> {
        self.outside += chunk.outside;
        let mut rejects: Vec<ingest::Reject> =
            chunk.unreadable.into_iter().map(Into::into).collect();
        for record in &chunk.records {
            match record {
                Record::Lead(row) => match self.ingest.lead(row) {
                    Ok(lead) => batch.leads.push(lead),
                    Err(reject) => rejects.push(reject),
                },
                Record::Deal(row) => match self.ingest.deal(row) {
                    Ok(deal) => batch.deals.push(deal),
                    Err(reject) => rejects.push(reject),
                },
            }
        }
        self.set_aside(&mut batch, rejects);
        self.state.done += chunk.ids;
        self.save(&batch)
    }

    fn set_aside(&mut self, batch: &mut PullBatch, rejects: Vec<ingest::Reject>) {
        self.rejects += rejects.len() as u64;
        let rejects = rejects.into_iter();
        batch
            .rejects
            .extend(rejects.map(|r| (r.entity.to_owned(), r.id, r.reason)));
    }

    fn save(&mut self, batch: &PullBatch) -> Result<(), PullError> {
        blocking(|| self.store.save_pull(self.company, batch))?;
        self.state.leads += batch.leads.len() as u64;
        self.state.deals += batch.deals.len() as u64;
        self.state.requests = self.portal.requests_total() - self.requests_before;
        (self.progress)(self.state);
        Ok(())
    }
}

/// Runs a blocking section without holding up other tasks, where the runtime has other threads.
fn blocking<T>(section: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(section),
        _ => section(),
    }
}

/// A cursor that holds a time; an unreadable one counts as none, so that everything is loaded
/// anew.
fn time_cursor(
    store: &dyn Store,
    company: &str,
    name: &str,
) -> Result<Option<DateTime<FixedOffset>>, StoreError> {
    let text = blocking(|| store.cursor(company, name))?;
    Ok(text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()))
}
