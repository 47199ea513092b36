//! Payments of deals and smart invoices. `crm.item.payment.list` wants to know whose payments, one
//! record a command; fifty records share a request.

use serde_json::Value;

use super::command::Command;
use super::error::BitrixError;
use super::load::is_passing;
use super::portal::{COMMANDS_MAX, Portal};
use super::wire::{self, Payment, rows};

const METHOD: &str = "crm.item.payment.list";
/// Records whose payments one request asks for.
pub const PAYERS_A_REQUEST: usize = COMMANDS_MAX;

/// What has payments, in the portal's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayerType {
    /// A deal.
    Deal,
    /// A smart invoice.
    Invoice,
}

/// A record in the portal's words.
fn command(of: PayerType, id: u64) -> Command {
    let entity_type = match of {
        PayerType::Deal => 2,
        PayerType::Invoice => 31,
    };
    Command::new(METHOD)
        .param("entityTypeId", entity_type)
        .param("entityId", id)
}

/// The payments of up to [`PAYERS_A_REQUEST`] records, in one request; each record has its own answer,
/// because the right to one may be missing.
///
/// # Errors
/// The last attempt's, when the request as a whole failed, or a record's failed in passing.
pub async fn payments_of(
    portal: &Portal,
    payers: &[(PayerType, u64)],
) -> Result<Vec<Result<Vec<Payment>, BitrixError>>, BitrixError> {
    let doing = format!("calling {METHOD}");
    let asked = payers.iter().take(PAYERS_A_REQUEST);
    let commands: Vec<Command> = asked.map(|(of, id)| command(*of, *id)).collect();
    let answers = portal
        .patiently(true, || async {
            let answers = portal.batch_once(&commands).await?.answers;
            let errors = answers.iter().filter_map(|one| one.as_ref().err());
            match errors.into_iter().find(|error| is_passing(error)) {
                Some(error) => Err(error.clone()),
                None => Ok(answers),
            }
        })
        .await?;
    let read = |answer: Result<Value, BitrixError>| {
        let rows = rows(answer?, "", &doing)?;
        Ok(wire::read_all(rows))
    };
    Ok(answers.into_iter().map(read).collect())
}
