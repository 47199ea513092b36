//! What the products cost that stand in product rows: new ones in the pass that finds them, all others
//! round and round, one request a night.
//!
//! A pass never fails because of the catalogue: where the webhook lacks the scope `catalog`, or the user
//! the right, the report says so and the prices stay as they were last seen.

use chrono::{DateTime, FixedOffset};

use super::super::intake::{Intake, blocking, time_cursor};
use super::super::{PullError, PullWarning, SINCE};
use super::is_final;
use crate::bitrix24::wire::Block;
use crate::bitrix24::{blocks, products, products_a_request};
use crate::store::{CostReading, PullBatch, Store, StoreError};

/// The catalogue's information blocks as last told: ids with commas between, `o` behind those of
/// variations.
const BLOCKS: &str = "catalogue:blocks";
/// The portal's time when it refused the catalogue; empty when it did not.
const REFUSED: &str = "catalogue:refused";
/// Requests for new products in one pass; what is left waits for the next one.
const REQUESTS_MAX: usize = 10;

/// Whether purchase prices could not be read the last time.
pub(in crate::sync::pull) fn is_refused(
    store: &dyn Store,
    company: &str,
) -> Result<bool, StoreError> {
    Ok(time_cursor(store, company, REFUSED)?.is_some())
}

/// Reads what is due. `rows_came` says that product rows were read in this pass, so that there may be
/// new products; once a night the ones that were seen longest ago are read again.
pub(in crate::sync::pull) async fn load(
    intake: &mut Intake<'_>,
    rows_came: bool,
    is_night: bool,
) -> Result<(), PullError> {
    let (store, company) = (intake.store, intake.company);
    let refused = is_refused(store, company)?;
    if !(is_night || rows_came && !refused) {
        return Ok(());
    }
    let Some(now) = time_cursor(store, company, SINCE)? else {
        return Ok(());
    };
    let mut ids = blocking(|| store.unknown_products(company))?;
    let known = blocks_kept(intake)?;
    let request = products_a_request(known.len().max(1));
    ids.truncate(request.saturating_mul(REQUESTS_MAX));
    if is_night {
        // Up to the end of the request that the new ones have begun.
        let room = request - ids.len() % request;
        let room = if ids.is_empty() {
            request
        } else {
            room % request
        };
        ids.extend(blocking(|| store.stale_products(company, room))?);
    }
    if ids.is_empty() {
        return Ok(());
    }
    match read(intake, known, &ids, now).await {
        Ok(()) => Ok(()),
        Err(PullError::Portal(error)) if is_final(&error) => {
            tracing::debug!(%error, "purchase prices cannot be read");
            let cursors = vec![(REFUSED.to_owned(), now.to_rfc3339())];
            intake.saved(&PullBatch {
                cursors,
                ..PullBatch::default()
            })?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Reads some products and stores them; learns the blocks first where they are not known, and again
/// where products are in none of them.
async fn read(
    intake: &mut Intake<'_>,
    mut known: Vec<Block>,
    ids: &[u64],
    now: DateTime<FixedOffset>,
) -> Result<(), PullError> {
    let portal = intake.portal;
    let mut cursors = vec![(REFUSED.to_owned(), String::new())];
    if known.is_empty() {
        known = blocks(portal).await?;
        cursors.push((BLOCKS.to_owned(), shown(&known)));
    }
    let rows = match products(portal, &known, ids).await {
        // A block that has been deleted since is no lost right.
        Err(error) if is_final(&error) => {
            let now = blocks(portal).await?;
            if now == known {
                return Err(error.into());
            }
            cursors.push((BLOCKS.to_owned(), shown(&now)));
            products(portal, &now, ids).await?
        }
        told => told?,
    };
    let mut batch = PullBatch {
        cursors,
        ..PullBatch::default()
    };
    let (mut found, mut rejects) = (Vec::new(), Vec::new());
    for row in &rows {
        match intake.ingest.product_cost(row) {
            Ok(cost) => found.push(cost),
            Err(reject) => rejects.push(reject),
        }
    }
    intake.set_aside(&mut batch, rejects);
    batch.costs = Some(CostReading {
        at: now.to_utc(),
        asked: ids.to_vec(),
        found,
    });
    intake.saved(&batch)?;
    Ok(())
}

/// The blocks as they were told last.
fn blocks_kept(intake: &Intake<'_>) -> Result<Vec<Block>, PullError> {
    let text = blocking(|| intake.store.cursor(intake.company, BLOCKS))?;
    Ok(text.as_deref().map(parsed).unwrap_or_default())
}

fn shown(blocks: &[Block]) -> String {
    let one = |block: &Block| format!("{}{}", block.id, if block.of_offers { "o" } else { "" });
    blocks.iter().map(one).collect::<Vec<_>>().join(",")
}

fn parsed(text: &str) -> Vec<Block> {
    let one = |part: &str| {
        let of_offers = part.ends_with('o');
        let id = part.trim_end_matches('o').parse().ok()?;
        Some(Block { id, of_offers })
    };
    text.split(',').filter_map(one).collect()
}

/// What is told as long as purchase prices cannot be read.
pub(in crate::sync::pull) fn warning(
    store: &dyn Store,
    company: &str,
) -> Result<Option<PullWarning>, StoreError> {
    Ok(is_refused(store, company)?.then_some(PullWarning::CostsRefused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_from_their_text() {
        let blocks = [(23, false), (24, true), (9, false)];
        let blocks = blocks.map(|(id, of_offers)| Block { id, of_offers });
        assert_eq!(shown(&blocks), "23,24o,9");
        assert_eq!(parsed("23,24o,9"), blocks);
        assert_eq!(parsed(""), []);
        assert_eq!(
            parsed("x,7"),
            [Block {
                id: 7,
                of_offers: false
            }]
        );
    }
}
