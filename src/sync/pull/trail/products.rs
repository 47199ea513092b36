//! Product rows of deals: those of deals that changed, and bit by bit those of all others.
//!
//! `crm.item.productrow.list` wants to know whose rows; it takes a list of deals, so that one request
//! serves a thousand of them.

use std::pin::pin;

use chrono::{DateTime, FixedOffset};
use futures::stream::{self, StreamExt};

use super::super::intake::{Intake, blocking, time_cursor};
use super::super::{PullError, SINCE, Thrift};
use super::is_final;
use crate::bitrix24::wire::ProductRow;
use crate::bitrix24::{BitrixError, DEALS_A_REQUEST, Portal, product_rows_of};
use crate::domain::crm::Card;
use crate::store::PullBatch;

/// The first deal whose product rows were never read.
const NEXT_DEAL: &str = "product_rows:next_deal";
/// When the portal refused them last; it is asked again when it may have changed its mind.
const REFUSED: &str = "product_rows:refused";
/// Requests for product rows under way at once.
const REQUESTS_AT_ONCE: usize = 4;
/// No deal has a greater id.
const ID_MAX: u64 = 1 << 40;

/// Reads what is due, within what it may cost; says whether any rows came.
pub(in crate::sync::pull) async fn load(
    intake: &mut Intake<'_>,
    thrift: &Thrift,
) -> Result<bool, PullError> {
    let (store, company) = (intake.store, intake.company);
    // Told by the portal's own clock, as everything that is compared with it.
    let Some(now) = time_cursor(store, company, SINCE)? else {
        return Ok(false);
    };
    let refused = time_cursor(store, company, REFUSED)?;
    if refused.is_some_and(|at| now - at < thrift.settle_every) {
        return Ok(false);
    }
    let next = blocking(|| store.cursor(company, NEXT_DEAL))?;
    let next: u64 = next.and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut changed = std::mem::take(&mut intake.deals_seen);
    changed.retain(|id| *id < next);
    changed.sort_unstable();
    changed.dedup();
    let most = usize::try_from(thrift.trail_requests).unwrap_or(usize::MAX);
    let mut waiting = blocking(|| store.card_ids(company, Card::Deal, next, ID_MAX))?;
    waiting.truncate(most.saturating_mul(DEALS_A_REQUEST));
    // Together, so that a night's few hundred of each share a request.
    let deals = [changed, waiting].concat();
    read(intake, &deals, next, now).await
}

/// Reads the rows of some deals, several requests at once, and stores them in order; behind those that
/// were never read the cursor moves on from `next`. Stops when the portal refuses. Says
/// whether any rows came.
async fn read(
    intake: &mut Intake<'_>,
    deals: &[u64],
    next: u64,
    now: DateTime<FixedOffset>,
) -> Result<bool, PullError> {
    let mut came = false;
    let portal = intake.portal;
    let groups: Vec<Vec<u64>> = deals.chunks(DEALS_A_REQUEST).map(<[u64]>::to_vec).collect();
    let asked = stream::iter(groups).map(|group| asked(portal, group));
    let mut answers = pin!(asked.buffered(REQUESTS_AT_ONCE));
    while let Some((group, rows)) = answers.next().await {
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) if is_final(&error) => {
                tracing::debug!(%error, "product rows cannot be read");
                let cursors = vec![(REFUSED.to_owned(), now.to_rfc3339())];
                intake.saved(&PullBatch {
                    cursors,
                    ..PullBatch::default()
                })?;
                return Ok(came);
            }
            Err(error) => return Err(error.into()),
        };
        came |= !rows.is_empty();
        let mut batch = PullBatch::default();
        let mut rejects = Vec::new();
        batch.trail.product_deals.clone_from(&group);
        for row in &rows {
            match intake.ingest.product_row(row) {
                Ok(row) => batch.trail.product_rows.push(row),
                Err(reject) => rejects.push(reject),
            }
        }
        intake.set_aside(&mut batch, rejects);
        let last = group.last().filter(|last| **last >= next);
        let cursor = last.map(|last| (NEXT_DEAL.to_owned(), (last + 1).to_string()));
        batch.cursors.extend(cursor);
        intake.saved(&batch)?;
    }
    Ok(came)
}

/// Some deals and their rows.
async fn asked(
    portal: &Portal,
    group: Vec<u64>,
) -> (Vec<u64>, Result<Vec<ProductRow>, BitrixError>) {
    let rows = product_rows_of(portal, &group).await;
    (group, rows)
}
