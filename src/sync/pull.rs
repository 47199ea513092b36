//! The first stage of a pass: what changed in the CRM since the cursors, into the store.
//!
//! The first time, everything is loaded by windows of ids. What is created or changed meanwhile is
//! found by the next pull, because its changes are counted from the beginning of the load. Then
//! only what was changed is asked for, with an overlap, and put into the store by id, so that
//! pulling twice does no harm. Records and cursors are stored in one transaction; a pull that was
//! cut off goes on where the last stored chunk ended.
//!
//! What the time of change does not tell (deletions, lost rights, rows written past the CRM) is
//! found once a night by holding the store against the portal (`settle`). Calls, activities and
//! the like follow the cards (`trail`): a portal may lack them, and they never hold a report up.

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::ingest::{self, Ingest};
use crate::bitrix24::load;
use crate::bitrix24::wire::Entity;
use crate::bitrix24::{Ask, BitrixError, Opening, Portal, Start, open};
use crate::clock::Stopwatch;
use crate::domain::calendar::Instant;
use crate::domain::crm::Directory;
use crate::store::{PullBatch, Store, StoreError};

mod events;
mod hidden;
mod intake;
mod known;
mod settle;
mod sweep;
#[cfg(test)]
mod tests;
mod trail;

use intake::{Ending, FirstLoads, Intake, blocking, phone_key, time_cursor};

/// By how much changes are asked for again: longer than any request of the portal may take, so
/// that a change stored late with an earlier time is not missed.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// Changed records that are held until all of them have come: some 50 MB.
const CHANGES_HELD_MAX: usize = 100_000;

/// The portal's time when the first load began; there while one is under way.
const STARTED: &str = "crm:load_started";
/// The portal's time up to which changes are known; there once the first load is complete.
const SINCE: &str = "crm:modified_since";

/// The cursor of a first load: the first id that is not stored yet.
fn next_id(entity: Entity) -> String {
    format!("{}s:next_id", entity.name())
}

/// How much a pull may spend on what is not pressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thrift {
    /// The store is held against the portal when so much time has passed since the last time.
    pub settle_every: TimeDelta,
    /// Requests that may be spent on reading records again then, each covers up to 2,500 ids; what is
    /// left of them goes to payments, fifty records each.
    pub settle_requests: u64,
    /// Requests that a pull may spend on the first load of each kind of call, activity, … ; with none,
    /// kinds whose first load is not complete are not asked for.
    pub trail_requests: u64,
}

impl Default for Thrift {
    fn default() -> Thrift {
        Thrift {
            // Once a night, whatever hour the night's pass happens to begin at.
            settle_every: TimeDelta::hours(20),
            settle_requests: 20,
            trail_requests: 40,
        }
    }
}

/// What a pull did; the default one did nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PullSummary {
    /// Whether everything was loaded, rather than changes.
    pub first_load: bool,
    /// Leads stored; of changes, those inside the overlap are stored again.
    pub leads: u64,
    /// Deals stored.
    pub deals: u64,
    /// Calls, activities, invoices, tasks, moves and product rows stored.
    pub trail: u64,
    /// Rows set aside.
    pub rejects: u64,
    /// Leads and deals that had been deleted in the CRM.
    pub gone: u64,
    /// Calls, activities, invoices, tasks and moves that had been deleted in the portal and left the
    /// store by themselves, not with their card.
    pub trail_gone: u64,
    /// Leads and deals that had been changed without a sign of it.
    pub healed: u64,
    /// HTTP requests.
    pub requests: u64,
    /// Those of them by which the store was held against the portal, and a night's payments were read.
    pub settle_requests: u64,
    /// Those of them by which first loads of calls, activities, histories … went on and product rows
    /// were read.
    pub trail_requests: u64,
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
    #[error("the CRM is in simple mode, without leads: deals are counted instead")]
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
    /// Records are still there and may not be seen any more.
    #[error(
        "{rows} leads and deals can no longer be read, because the user has lost the right to \
         them; they are counted as last seen; give the right back"
    )]
    HiddenRows {
        /// How many.
        rows: u64,
    },
    /// Rows of what happened to cards did not come, and the portal does not tell why.
    #[error(
        "{rows} calls, activities, invoices, tasks or moves between stages no longer come, and the \
         portal does not say that they were deleted; they are counted as last seen; let an \
         administrator make the webhook, or give the rights back"
    )]
    HiddenTrail {
        /// How many.
        rows: u64,
    },
    /// Pipelines have stages, or deals, but are not in the list of pipelines.
    #[error(
        "the pipelines {} cannot be read by the webhook's user, so their deals are missing; give \
         him the right to them", .ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    )]
    HiddenPipelines {
        /// Their ids.
        ids: Vec<u64>,
    },
    /// A kind of record that was there before cannot be read any more.
    #[error("{what} can no longer be read and stay as they were: {error}")]
    TrailRefused {
        /// Its name.
        what: &'static str,
        /// What the portal said.
        error: BitrixError,
    },
    /// The catalogue cannot be read.
    #[error(
        "purchase prices cannot be read, so the margin of deals with new products is unknown; give \
         the webhook or the application the scope catalog, and its user the right to see the \
         catalogue and purchase prices"
    )]
    CostsRefused,
    /// Payments cannot be read any more.
    #[error(
        "payments can no longer be read and stay as they were; give the webhook's user the right to \
         deals and invoices, or check that the portal still has payments"
    )]
    PaymentsRefused,
    /// Differences are left for the next night.
    #[error(
        "the portal and the store still differ in {records} records; the next nights put it right"
    )]
    Unsettled {
        /// How many at least.
        records: u64,
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

impl PullProgress {
    /// At the beginning.
    fn begun(first_load: bool) -> PullProgress {
        PullProgress {
            first_load,
            done: 0,
            total: 0,
            leads: 0,
            deals: 0,
            requests: 0,
        }
    }
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
    pull_with(portal, store, company, now, &Thrift::default(), progress).await
}

/// As [`pull`], spending more or less on what is not pressing.
///
/// # Errors
/// As [`pull`].
pub async fn pull_with(
    portal: &Portal,
    store: &dyn Store,
    company: &str,
    now: Instant,
    thrift: &Thrift,
    progress: &(dyn Fn(PullProgress) + Sync),
) -> Result<PullSummary, PullError> {
    let watch = Stopwatch::start();
    let requests_before = portal.requests_total();
    let known = blocking(|| store.directory(company))?;
    let since = time_cursor(store, company, SINCE)?;
    let reading = events::reading(portal, store, company)?;
    let ask = Ask {
        extra: events::commands(portal, reading),
        users_known: known.users.len(),
        departments_known: known.departments.len(),
        starts: starts(store, company, since, thrift)?,
        elapsed: since.map_or_else(TimeDelta::zero, |since| now.fixed_offset() - since),
        head: head(store, company, since)?,
    };
    let mut opening = open(portal, &ask).await?;
    let tries = portal.requests_total() - requests_before;
    let answers = std::mem::take(&mut opening.extra);
    let heard = events::Heard::of(portal, reading, answers, tries);
    let began = opening.began.unwrap_or_else(|| now.fixed_offset());
    let mut warnings = warnings_of(&mut opening);

    let rows = std::mem::take(&mut opening.directory);
    let (directory, rejects) = ingest::directory(rows, known);
    let mut intake = Intake {
        portal,
        store,
        company,
        progress,
        ingest: Ingest::new(&directory, phone_key(store, company)?),
        requests_before,
        state: PullProgress::begun(since.is_none()),
        summary: PullSummary::default(),
        outside: 0,
        deals_seen: Vec::new(),
        fresh: trail::payments::Fresh::default(),
    };
    let mut first = PullBatch {
        directory: Some(directory.clone()),
        directory_at: Some(began.to_utc()),
        ..PullBatch::default()
    };
    intake.set_aside(&mut first, rejects);
    let trail = trail::Trail::of(&ask, &opening);
    let mut is_night = false;
    let terms = sweep::Terms {
        admin: opening.admin,
        refused: opening.unavailable.iter().map(|(of, _)| *of).collect(),
    };
    if since.is_none() {
        load_all(&mut intake, first, opening, trail, thrift, began).await?;
    } else {
        let alive = load_changes(&mut intake, first, opening, &heard, began).await?;
        heard.finish(&mut intake, &alive).await?;
        is_night = settle::settle(&mut intake, thrift, &terms, began).await?;
        trail::load(&mut intake, FirstLoads::default(), trail, thrift, began).await?;
    }
    load_goods(&mut intake, thrift, since.is_none(), is_night).await?;
    events::subscribe(&intake, terms.admin, is_night).await?;
    warnings.extend(intake.standing_warnings(&directory)?);
    Ok(intake.into_summary(warnings, watch))
}

/// What hangs on deals and invoices: product rows, what the products cost, payments.
async fn load_goods(
    intake: &mut Intake<'_>,
    thrift: &Thrift,
    is_first: bool,
    is_night: bool,
) -> Result<(), PullError> {
    let before = intake.requests();
    let rows_came = trail::products::load(intake, thrift).await?;
    trail::costs::load(intake, rows_came, is_night).await?;
    intake.summary.trail_requests += intake.requests() - before;
    if is_first {
        // It brings the records; their payments follow in the nights after it.
        return Ok(());
    }
    trail::payments::load(intake, thrift, is_night).await
}

/// Where the reading of each kind of record begins.
fn starts(
    store: &dyn Store,
    company: &str,
    since: Option<DateTime<FixedOffset>>,
    thrift: &Thrift,
) -> Result<Vec<(Entity, Start)>, PullError> {
    let mut starts = Vec::new();
    for entity in Entity::CARDS {
        starts.push((
            entity,
            since.map_or(Start::Span, |s| Start::Since(s - OVERLAP)),
        ));
    }
    for entity in Entity::TRAIL {
        let start = trail::start(store, company, entity)?;
        if start != Start::Span || thrift.trail_requests > 0 {
            starts.push((entity, start));
        }
    }
    Ok(starts)
}

/// The kind whose first pages ride in the opening request of a first load, and the first id that is not
/// stored yet.
fn head(
    store: &dyn Store,
    company: &str,
    since: Option<DateTime<FixedOffset>>,
) -> Result<Option<(Entity, u64)>, PullError> {
    match since {
        Some(_) => Ok(None),
        None => {
            let next = intake::next_stored(store, company, Entity::Lead)?;
            Ok(Some((Entity::Lead, next.max(1))))
        }
    }
}

/// Loads all leads and deals from where an earlier load stopped, and behind them, in what their
/// requests leave free and in more of them, as much of the rest as a pull may spend on it.
async fn load_all(
    intake: &mut Intake<'_>,
    mut first: PullBatch,
    mut opening: Opening,
    trail: trail::Trail,
    thrift: &Thrift,
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
    if let Some(head) = opening.head.take() {
        intake.state.total += head.ids;
        let next = head.next.iter();
        first
            .cursors
            .extend(next.map(|(entity, next)| (next_id(*entity), next.to_string())));
        intake.read(head, &mut first);
    }
    intake.save(&first)?;
    let mut loads = FirstLoads::default();
    let cards = |span: &&crate::bitrix24::Span| Entity::CARDS.contains(&span.entity);
    for span in opening.spans.iter().filter(cards) {
        loads.ranges.extend(intake.range_left(span)?);
        let density = span.density().map(|density| (span.entity, density));
        loads.densities.extend(density);
    }
    loads.endings.push(Ending {
        of: loads.ranges.iter().map(|range| range.entity).collect(),
        // A whole load is as good as holding everything against the portal.
        cursors: vec![
            (SINCE.to_owned(), started.to_rfc3339()),
            (settle::SETTLED.to_owned(), started.to_rfc3339()),
        ],
    });
    trail::load(intake, loads, trail, thrift, began).await
}

/// Loads what was changed and stores it together with the cursors, and without what events say was
/// deleted, in one transaction, so that a pull that fails half way leaves the store as it was. Says what
/// came. Only changes beyond [`CHANGES_HELD_MAX`] are stored
/// on the way; the cursors move last all the same.
async fn load_changes(
    intake: &mut Intake<'_>,
    mut first: PullBatch,
    opening: Opening,
    heard: &events::Heard,
    began: DateTime<FixedOffset>,
) -> Result<events::Alive, PullError> {
    let mut alive = events::Alive::default();
    let mut cursors = vec![(SINCE.to_owned(), began.to_rfc3339())];
    cursors.extend(trail::cursors(&opening.walks, began));
    intake.read(opening.changes, &mut first);
    let portal = intake.portal;
    load::changes(portal, opening.walks, |chunk, walks| {
        trail::advance(&mut cursors, walks);
        intake.read(chunk, &mut first);
        if first.leads.len() + first.deals.len() + first.trail.len() > CHANGES_HELD_MAX {
            alive.note(&first);
            intake.save(&std::mem::take(&mut first))?;
        }
        Ok::<(), PullError>(())
    })
    .await?;
    first.cursors.extend(cursors);
    alive.note(&first);
    heard.take_out(&alive, &mut first);
    intake.summary.gone += first.gone.len() as u64;
    intake.summary.trail_gone += first.trail.gone.len() as u64;
    intake.save(&first)?;
    Ok(alive)
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

/// What stands to be told at every pass as long as it is so.
impl Intake<'_> {
    fn standing_warnings(&self, directory: &Directory) -> Result<Vec<PullWarning>, PullError> {
        let mut warnings = Vec::new();
        if self.outside > 0 {
            warnings.push(PullWarning::FilterIgnored { rows: self.outside });
        }
        let ids = hidden::pipelines(directory);
        if !ids.is_empty() {
            warnings.push(PullWarning::HiddenPipelines { ids });
        }
        let rows = settle::hidden_rows(self.store, self.company)?;
        if rows > 0 {
            warnings.push(PullWarning::HiddenRows { rows });
        }
        let rows = sweep::hidden_rows(self.store, self.company)?;
        if rows > 0 {
            warnings.push(PullWarning::HiddenTrail { rows });
        }
        warnings.extend(trail::costs::warning(self.store, self.company)?);
        warnings.extend(trail::payments::warning(self.store, self.company)?);
        warnings.extend(self.summary.warnings.iter().cloned());
        let moved = self.portal.moved_to();
        warnings.extend(moved.map(|host| PullWarning::Moved { host }));
        Ok(warnings)
    }
}
