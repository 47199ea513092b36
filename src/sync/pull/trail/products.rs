//! Product rows of deals: those of deals that changed, and bit by bit those of all others.
//!
//! `crm.item.productrow.list` wants to know whose rows; it takes a list of deals, so that one request
//! serves a thousand of them.

use chrono::{DateTime, FixedOffset};

use super::super::intake::{Intake, blocking, time_cursor};
use super::super::{PullError, SINCE, Thrift};
use super::is_final;
use crate::bitrix24::{DEALS_A_REQUEST, product_rows_of};
use crate::domain::crm::Card;
use crate::store::PullBatch;

/// The first deal whose product rows were never read.
const NEXT_DEAL: &str = "product_rows:next_deal";
/// When the portal refused them last; it is asked again when it may have changed its mind.
const REFUSED: &str = "product_rows:refused";
/// No deal has a greater id.
const ID_MAX: u64 = 1 << 40;

/// Reads what is due, within what it may cost.
pub(super) async fn load(intake: &mut Intake<'_>, thrift: &Thrift) -> Result<(), PullError> {
    let (store, company) = (intake.store, intake.company);
    // Told by the portal's own clock, as everything that is compared with it.
    let Some(now) = time_cursor(store, company, SINCE)? else {
        return Ok(());
    };
    let refused = time_cursor(store, company, REFUSED)?;
    if refused.is_some_and(|at| now - at < thrift.settle_every) {
        return Ok(());
    }
    let next = blocking(|| store.cursor(company, NEXT_DEAL))?;
    let next: u64 = next.and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut changed = std::mem::take(&mut intake.deals_seen);
    changed.retain(|id| *id < next);
    changed.sort_unstable();
    changed.dedup();
    read(intake, &changed, None, now).await?;

    let waiting = blocking(|| store.card_ids(company, Card::Deal, next, ID_MAX))?;
    let most = usize::try_from(thrift.trail_requests).unwrap_or(usize::MAX);
    let groups = waiting.chunks(DEALS_A_REQUEST).take(most);
    for group in groups {
        let after = group.last().map(|id| id + 1);
        if !read(intake, group, after, now).await? {
            break;
        }
    }
    Ok(())
}

/// Reads the rows of some deals and stores them; `next` moves the cursor. False when the portal
/// refuses.
async fn read(
    intake: &mut Intake<'_>,
    deals: &[u64],
    next: Option<u64>,
    now: DateTime<FixedOffset>,
) -> Result<bool, PullError> {
    for group in deals.chunks(DEALS_A_REQUEST) {
        let rows = match product_rows_of(intake.portal, group).await {
            Ok(rows) => rows,
            Err(error) if is_final(&error) => {
                tracing::debug!(%error, "product rows cannot be read");
                let cursors = vec![(REFUSED.to_owned(), now.to_rfc3339())];
                intake.saved(&PullBatch {
                    cursors,
                    ..PullBatch::default()
                })?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let mut batch = PullBatch::default();
        let mut rejects = Vec::new();
        batch.trail.product_deals = group.to_vec();
        for row in &rows {
            match intake.ingest.product_row(row) {
                Ok(row) => batch.trail.product_rows.push(row),
                Err(reject) => rejects.push(reject),
            }
        }
        intake.set_aside(&mut batch, rejects);
        let cursor = next.map(|next| (NEXT_DEAL.to_owned(), next.to_string()));
        batch.cursors.extend(cursor);
        intake.saved(&batch)?;
    }
    Ok(true)
}
