//! Payments of deals and invoices.
//!
//! The portal tells of payments record by record, fifty a request, so a pass asks only for records that
//! it has just seen to be won or paid, one request of them, and leaves all else to the night: what
//! requests the night's comparison has left over go to records whose payments were never read or that
//! have changed since, paid invoices first, then won deals, then deals in work, the newest first. Of
//! deals that were lost nothing is asked. A portal without payments goes without; a pass never fails
//! because of them.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};

use super::super::intake::{Intake, blocking, time_cursor};
use super::super::{PullError, PullWarning, SINCE, Thrift};
use super::is_final;
use crate::bitrix24::{PAYERS_A_REQUEST, PayerType, payments_of};
use crate::domain::crm::{Invoice, Payer, Semantics};
use crate::domain::fact::DealRow;
use crate::store::{PaymentReading, PullBatch, Store, StoreError};

/// The portal's time when it refused payments; empty when it did not.
const REFUSED: &str = "payments:refused";
/// The part of a night's requests that is kept for payments: one in so many.
pub(in crate::sync::pull) const NIGHT_SHARE: u64 = 10;

/// A record whose payments are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    payer: Payer,
    id: u64,
    /// Who is responsible for it.
    user: u64,
    /// The deal of an invoice.
    deal: Option<u64>,
    /// How little it presses.
    rank: u8,
}

/// Whose payments are worth asking for, and how pressing that is.
fn of_deal(row: &DealRow) -> Option<Due> {
    let rank = match row.semantics {
        Semantics::Success => 1,
        Semantics::InWork => 2,
        Semantics::Failure => return None,
    };
    Some(Due {
        payer: Payer::Deal,
        id: row.id,
        user: row.user,
        deal: Some(row.id),
        rank,
    })
}

fn of_invoice(row: &Invoice) -> Option<Due> {
    (row.semantics == Semantics::Success).then_some(Due {
        payer: Payer::Invoice,
        id: row.id,
        user: row.responsible,
        deal: row.deal,
        rank: 0,
    })
}

/// Records that came in a pass and may have been paid.
#[derive(Debug, Default)]
pub(in crate::sync::pull) struct Fresh {
    seen: BTreeSet<(Payer, u64)>,
}

impl Fresh {
    /// Notes records that are about to be stored.
    pub(in crate::sync::pull) fn note(&mut self, batch: &PullBatch) {
        let deals = batch.deals.iter();
        let won = deals.filter(|deal| deal.semantics == Semantics::Success);
        self.seen.extend(won.map(|deal| (Payer::Deal, deal.id)));
        let invoices = batch.trail.invoices.iter();
        let paid = invoices.filter(|row| row.semantics == Semantics::Success);
        self.seen.extend(paid.map(|row| (Payer::Invoice, row.id)));
    }
}

/// Reads what is due; `is_night` says that the store was held against the portal in this pass.
pub(in crate::sync::pull) async fn load(
    intake: &mut Intake<'_>,
    thrift: &Thrift,
    is_night: bool,
) -> Result<(), PullError> {
    let fresh = std::mem::take(&mut intake.fresh);
    let (store, company) = (intake.store, intake.company);
    let is_refused = time_cursor(store, company, REFUSED)?.is_some();
    let Some(now) = time_cursor(store, company, SINCE)? else {
        return Ok(());
    };
    let requests = match is_night {
        true => {
            let spent = intake.summary.settle_requests;
            let left = thrift.settle_requests.saturating_sub(spent);
            left.max(thrift.settle_requests / NIGHT_SHARE)
        }
        false if is_refused || fresh.seen.is_empty() => 0,
        false => 1,
    };
    let most = usize::try_from(requests).unwrap_or(usize::MAX);
    let most = most.saturating_mul(PAYERS_A_REQUEST);
    if most == 0 {
        return Ok(());
    }
    let mut due = due(store, company, (!is_night).then_some(&fresh.seen))?;
    due.truncate(most);
    let before = intake.requests();
    for group in due.chunks(PAYERS_A_REQUEST) {
        if !read(intake, group, now).await? {
            break;
        }
    }
    let spent = intake.requests() - before;
    match is_night {
        true => intake.summary.settle_requests += spent,
        false => intake.summary.trail_requests += spent,
    }
    Ok(())
}

/// Records whose payments were not read since they changed, the most pressing first; of those given,
/// or of all.
fn due(
    store: &dyn Store,
    company: &str,
    only: Option<&BTreeSet<(Payer, u64)>>,
) -> Result<Vec<Due>, StoreError> {
    blocking(|| {
        let read = store.payments_read(company)?;
        let mut due = Vec::new();
        let mut keep = |one: Option<Due>| {
            due.extend(one.filter(|one| {
                let key = (one.payer, one.id);
                !read.contains(&key) && only.is_none_or(|only| only.contains(&key))
            }));
        };
        store.each_invoice(company, &mut |row| keep(of_invoice(&row)))?;
        store.each_deal(company, &mut |row| keep(of_deal(&row)))?;
        due.sort_unstable_by_key(|one| (one.rank, std::cmp::Reverse(one.id)));
        Ok(due)
    })
}

/// Reads the payments of some records and stores them; false when the portal refuses payments
/// altogether.
async fn read(
    intake: &mut Intake<'_>,
    group: &[Due],
    now: DateTime<FixedOffset>,
) -> Result<bool, PullError> {
    let asked: Vec<(PayerType, u64)> = group
        .iter()
        .map(|due| match due.payer {
            Payer::Deal => (PayerType::Deal, due.id),
            Payer::Invoice => (PayerType::Invoice, due.id),
        })
        .collect();
    let answers = match payments_of(intake.portal, &asked).await {
        Ok(answers) => answers,
        Err(error) if is_final(&error) => vec![Err(error)],
        Err(error) => return Err(error.into()),
    };
    if let Some(error) = answers.iter().find_map(|one| one.as_ref().err())
        && answers.iter().all(Result::is_err)
    {
        tracing::debug!(%error, "payments cannot be read");
        let cursors = vec![(REFUSED.to_owned(), now.to_rfc3339())];
        intake.saved(&PullBatch {
            cursors,
            ..PullBatch::default()
        })?;
        return Ok(false);
    }
    let mut reading = PaymentReading::default();
    let mut batch = PullBatch {
        cursors: vec![(REFUSED.to_owned(), String::new())],
        ..PullBatch::default()
    };
    let mut rejects = Vec::new();
    for (due, answer) in group.iter().zip(answers) {
        let key = (due.payer, due.id);
        let Ok(rows) = answer else {
            reading.refused.push(key);
            continue;
        };
        reading.read.push(key);
        for row in &rows {
            let invoice = (due.payer == Payer::Invoice).then_some(due.id);
            match intake.ingest.payment(row, due.deal, invoice, due.user) {
                Ok(payment) => reading.payments.push(payment),
                Err(reject) => rejects.push(reject),
            }
        }
    }
    intake.set_aside(&mut batch, rejects);
    batch.payments = Some(reading);
    intake.saved(&batch)?;
    Ok(true)
}

/// What is told of payments that could be read before and cannot any more.
pub(in crate::sync::pull) fn warning(
    store: &dyn Store,
    company: &str,
) -> Result<Option<PullWarning>, StoreError> {
    if time_cursor(store, company, REFUSED)?.is_none() {
        return Ok(None);
    }
    let counts = blocking(|| store.trail_counts(company))?;
    let had_some = counts
        .iter()
        .any(|(name, count)| *name == "payments" && *count > 0);
    Ok(had_some.then_some(PullWarning::PaymentsRefused))
}
