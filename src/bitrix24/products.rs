//! Product rows of many deals at once.

use std::collections::VecDeque;

use super::command::Command;
use super::error::{BitrixError, FILTER_IGNORED, Kind};
use super::load::is_passing;
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{ProductRow, id, product_rows};

/// Deals that one command asks for: few enough that their rows usually fit on a page.
const DEALS_A_COMMAND: usize = 20;
/// Deals that a command asks for at the least: fewer are not worth the command.
const DEALS_A_COMMAND_MIN: usize = 5;
/// Deals that one request asks for.
pub const DEALS_A_REQUEST: usize = DEALS_A_COMMAND * COMMANDS_MAX;

const METHOD: &str = "crm.item.productrow.list";

/// What is still to be asked: some deals, and the id of the last row that is known of them.
struct Question<'a> {
    deals: &'a [u64],
    after: u64,
}

impl Question<'_> {
    /// `=ownerType` and `=ownerId` are obligatory; the latter takes a list.
    fn command(&self) -> Command {
        let mut command = Command::new(METHOD).param("filter[=ownerType]", "D");
        for (place, deal) in self.deals.iter().enumerate() {
            command = command.param(&format!("filter[=ownerId][{place}]"), deal);
        }
        command
            .param("filter[>id]", self.after)
            .param("order[id]", "asc")
    }
}

/// The product rows of deals, in as many requests as that takes; usually one for
/// [`DEALS_A_REQUEST`] deals.
///
/// # Errors
/// The portal's, or when rows of other deals come.
pub async fn product_rows_of(
    portal: &Portal,
    deals: &[u64],
) -> Result<Vec<ProductRow>, BitrixError> {
    let doing = format!("calling {METHOD}");
    // As many commands as fit, so that their rows fit on a page each and nothing is asked again.
    let each = deals.len().div_ceil(COMMANDS_MAX);
    let mut todo: VecDeque<Question<'_>> = deals
        .chunks(each.clamp(DEALS_A_COMMAND_MIN, DEALS_A_COMMAND))
        .map(|deals| Question { deals, after: 0 })
        .collect();
    let mut all = Vec::new();
    while !todo.is_empty() {
        let asked: Vec<Question<'_>> = todo.drain(..todo.len().min(COMMANDS_MAX)).collect();
        let commands: Vec<Command> = asked.iter().map(Question::command).collect();
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
        for (question, answer) in asked.into_iter().zip(answers) {
            let rows = product_rows(answer?, &doing)?;
            let number = |text: &Option<String>| text.as_deref().and_then(id).unwrap_or(0);
            let foreign = rows.iter().any(|row| {
                !question.deals.contains(&number(&row.owner_id))
                    || number(&row.id) <= question.after
            });
            if foreign {
                let text = "product rows of other deals than those asked for came".to_owned();
                return Err(BitrixError::own(
                    Kind::Unreadable,
                    FILTER_IGNORED,
                    text,
                    &doing,
                ));
            }
            let last = rows.iter().map(|row| number(&row.id)).max();
            if rows.len() >= PAGE_ROWS
                && let Some(after) = last
            {
                todo.push_back(Question { after, ..question });
            }
            all.extend(rows);
        }
    }
    Ok(all)
}
