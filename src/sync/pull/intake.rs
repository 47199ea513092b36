//! Chunks of rows → records → the store.

use chrono::{DateTime, FixedOffset};

use super::trail::payments::Fresh;
use super::{PullError, PullProgress, PullSummary, PullWarning, next_id};
use crate::bitrix24::load::{self, Chunk, Range};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{BitrixError, Portal, Span, secret_bytes};
use crate::clock::Stopwatch;
use crate::store::{PullBatch, Saved, Store, StoreError};
use crate::sync::ingest::{Ingest, PhoneKey, Reject};

/// The note that holds the company's secret for marks of phone numbers.
const PHONE_KEY: &str = "phone_key";

/// What is to be loaded by windows.
#[derive(Default)]
pub(super) struct FirstLoads {
    /// Ids that are not stored yet; the most pressing first.
    pub(super) ranges: Vec<Range>,
    /// Which share of a kind's ids is in use, where that is known.
    pub(super) densities: Vec<(Entity, f64)>,
    /// What is to be remembered when it is there.
    pub(super) endings: Vec<Ending>,
}

/// Cursors that are stored together with the last chunk of some kinds.
pub(super) struct Ending {
    /// The kinds; none: at once.
    pub(super) of: Vec<Entity>,
    pub(super) cursors: Vec<(String, String)>,
}

/// The cursors of endings that have come when some more kinds are finished.
fn ended(endings: &mut Vec<Ending>, finished: &[Entity]) -> Vec<(String, String)> {
    let mut cursors = Vec::new();
    endings.retain_mut(|ending| {
        ending.of.retain(|entity| !finished.contains(entity));
        let over = ending.of.is_empty();
        if over {
            cursors.append(&mut ending.cursors);
        }
        !over
    });
    cursors
}

/// Takes chunks into the store.
pub(super) struct Intake<'a> {
    pub(super) portal: &'a Portal,
    pub(super) store: &'a dyn Store,
    pub(super) company: &'a str,
    pub(super) progress: &'a (dyn Fn(PullProgress) + Sync),
    pub(super) ingest: Ingest,
    pub(super) requests_before: u64,
    pub(super) state: PullProgress,
    pub(super) summary: PullSummary,
    pub(super) outside: u64,
    /// Deals that came, whose product rows may have changed with them.
    pub(super) deals_seen: Vec<u64>,
    /// Records that came and may have been paid.
    pub(super) fresh: Fresh,
}

impl Intake<'_> {
    /// Loads by windows, and stores each chunk together with the cursors behind it. Returns the kinds
    /// that the portal refuses though a pass can do without them.
    pub(super) async fn load(
        &mut self,
        loads: FirstLoads,
    ) -> Result<Vec<(Entity, BitrixError)>, PullError> {
        let FirstLoads {
            ranges,
            densities,
            mut endings,
        } = loads;
        let ready = ended(&mut endings, &[]);
        if !ready.is_empty() {
            self.saved(&PullBatch {
                cursors: ready,
                ..PullBatch::default()
            })?;
        }
        let ids = ranges.iter().map(|range| range.last - range.next + 1);
        self.state.total += ids.sum::<u64>();
        let portal = self.portal;
        load::by_windows(portal, &ranges, &densities, |chunk| {
            let next = chunk.next.iter();
            let mut cursors: Vec<(String, String)> = next
                .map(|(entity, next)| (next_id(*entity), next.to_string()))
                .collect();
            cursors.extend(ended(&mut endings, &chunk.finished));
            let trail = |(entity, _): &(Entity, u64)| Entity::TRAIL.contains(entity);
            if chunk.next.iter().all(trail) {
                self.summary.trail_requests += chunk.requests;
            }
            let mut batch = PullBatch {
                cursors,
                ..PullBatch::default()
            };
            self.read(chunk, &mut batch);
            self.save(&batch)
        })
        .await
    }

    /// Reads a chunk's rows into the batch.
    pub(super) fn read(&mut self, chunk: Chunk, batch: &mut PullBatch) {
        self.outside += chunk.outside;
        self.state.done += chunk.ids;
        let mut rejects: Vec<Reject> = chunk.unreadable.into_iter().map(Into::into).collect();
        for record in &chunk.records {
            if let Err(reject) = self.read_one(record, batch) {
                rejects.push(reject);
            }
        }
        self.set_aside(batch, rejects);
    }

    fn read_one(&mut self, record: &Record, batch: &mut PullBatch) -> Result<(), Reject> {
        let ingest = &self.ingest;
        match record {
            Record::Lead(row) => batch.leads.push(ingest.lead(row)?),
            Record::Deal(row) => {
                let deal = ingest.deal(row)?;
                self.deals_seen.push(deal.id);
                batch.deals.push(deal);
            }
            Record::Call(row) => batch.trail.calls.push(ingest.call(row)?),
            Record::Activity(row) => batch.trail.activities.push(ingest.activity(row)?),
            Record::Invoice(row) => batch.trail.invoices.push(ingest.invoice(row)?),
            Record::Task(row) => batch.trail.tasks.push(ingest.task(row)?),
            Record::Move(entity, row) => {
                batch.trail.moves.push(ingest.stage_move(*entity, row)?);
            }
        }
        Ok(())
    }

    pub(super) fn set_aside(&mut self, batch: &mut PullBatch, rejects: Vec<Reject>) {
        self.summary.rejects += rejects.len() as u64;
        let rejects = rejects.into_iter();
        batch
            .rejects
            .extend(rejects.map(|r| (r.entity.to_owned(), r.id, r.reason)));
    }

    pub(super) fn save(&mut self, batch: &PullBatch) -> Result<(), PullError> {
        self.saved(batch)?;
        self.state.leads += batch.leads.len() as u64;
        self.state.deals += batch.deals.len() as u64;
        self.tell();
        Ok(())
    }

    /// Stores a batch without counting its cards as pulled.
    pub(super) fn saved(&mut self, batch: &PullBatch) -> Result<Saved, PullError> {
        let saved = blocking(|| self.store.save_pull(self.company, batch))?;
        self.fresh.note(batch);
        self.summary.trail += batch.trail.len() as u64;
        Ok(saved)
    }

    pub(super) fn tell(&mut self) {
        self.state.requests = self.requests();
        (self.progress)(self.state);
    }

    /// Requests of this pull so far.
    pub(super) fn requests(&self) -> u64 {
        self.portal.requests_total() - self.requests_before
    }

    /// What of a span is not loaded yet.
    pub(super) fn range_left(&self, span: &Span) -> Result<Option<Range>, PullError> {
        let stored = next_stored(self.store, self.company, span.entity)?;
        let next = stored.max(span.first);
        Ok((next <= span.last).then_some(Range {
            entity: span.entity,
            next,
            last: span.last,
        }))
    }

    pub(super) fn into_summary(self, warnings: Vec<PullWarning>, watch: Stopwatch) -> PullSummary {
        let requests = self.requests();
        PullSummary {
            first_load: self.state.first_load,
            leads: self.state.leads,
            deals: self.state.deals,
            requests,
            seconds: watch.elapsed().as_secs_f64(),
            bound_seconds: self.portal.allowance().bound_seconds(requests),
            warnings,
            ..self.summary
        }
    }
}

/// Runs a blocking section without holding up other tasks, where the runtime has other threads.
pub(super) fn blocking<T>(section: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(section),
        _ => section(),
    }
}

/// Where a load by windows goes on: every id below it is stored. 0 where none has begun.
pub(super) fn next_stored(
    store: &dyn Store,
    company: &str,
    entity: Entity,
) -> Result<u64, StoreError> {
    let text = blocking(|| store.cursor(company, &next_id(entity)))?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// A cursor that holds a time; an unreadable one counts as none, so that everything is loaded
/// anew.
pub(super) fn time_cursor(
    store: &dyn Store,
    company: &str,
    name: &str,
) -> Result<Option<DateTime<FixedOffset>>, StoreError> {
    let text = blocking(|| store.cursor(company, name))?;
    Ok(text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()))
}

/// The company's secret for marks of phone numbers, made when there is none yet.
pub(super) fn phone_key(store: &dyn Store, company: &str) -> Result<PhoneKey, StoreError> {
    let kept = blocking(|| store.note(company, PHONE_KEY))?;
    if let Some(key) = kept.as_deref().and_then(PhoneKey::parse) {
        return Ok(key);
    }
    let key = PhoneKey::of(secret_bytes());
    blocking(|| store.set_note(company, PHONE_KEY, &key.text()))?;
    Ok(key)
}
