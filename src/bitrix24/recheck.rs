//! Questions by which the store is held against the portal: how many rows there are, and what
//! became of a row that is not to be seen any more.

use serde_json::Value;

use super::command::Command;
use super::envelope::unreadable;
use super::error::{BitrixError, Kind};
use super::load::{Range, is_passing};
use super::portal::{COMMANDS_MAX, Portal};
use super::wire::{Entity, number, rows};

/// What became of a row that a list does not give any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is there after all: it came, or came back, between two questions.
    There,
    /// It was deleted.
    Deleted,
    /// It is there, and we may not see it.
    Hidden,
}

/// How many rows the portal counts in each range of ids. Counting is the portal's dearest work, but
/// a range of ids is counted on its primary key; fifty ranges cost a request.
///
/// # Errors
/// The portal's, or when it does not count.
pub async fn counts(portal: &Portal, ranges: &[Range]) -> Result<Vec<u64>, BitrixError> {
    let mut all = Vec::with_capacity(ranges.len());
    for part in ranges.chunks(COMMANDS_MAX) {
        let commands: Vec<Command> = part.iter().map(|range| count(portal, *range)).collect();
        let answer = portal
            .patiently(true, || async {
                let answer = portal.batch_once(&commands).await?;
                match answer.answers.iter().find_map(|one| one.as_ref().err()) {
                    Some(error) => Err(error.clone()),
                    None => Ok(answer),
                }
            })
            .await?;
        for (range, total) in part.iter().zip(answer.totals) {
            let doing = portal.listing(range.entity).doing();
            all.push(total.ok_or_else(|| unreadable("no total came with a page", &doing))?);
        }
    }
    Ok(all)
}

/// The smallest and the largest id of each kind of record; `None` for a kind without records.
///
/// # Errors
/// The portal's.
pub async fn spans(
    portal: &Portal,
    entities: &[Entity],
) -> Result<Vec<Option<(u64, u64)>>, BitrixError> {
    let commands: Vec<Command> = entities
        .iter()
        .flat_map(|entity| ["ASC", "DESC"].map(|order| portal.listing(*entity).ids(order)))
        .collect();
    let answers = portal
        .patiently(true, || async {
            let answers = portal.batch_once(&commands).await?.answers;
            answers
                .into_iter()
                .collect::<Result<Vec<Value>, BitrixError>>()
        })
        .await?;
    let mut out = Vec::with_capacity(entities.len());
    for (entity, pages) in entities.iter().zip(answers.chunks(2)) {
        let listing = portal.listing(*entity);
        let mut ids = Vec::new();
        for page in pages {
            let rows = rows(page.clone(), listing.within, &listing.doing())?;
            ids.extend(
                rows.iter()
                    .filter_map(|row| row.get(listing.id).and_then(number)),
            );
        }
        out.push(ids.iter().min().copied().zip(ids.iter().max().copied()));
    }
    Ok(out)
}

fn count(portal: &Portal, range: Range) -> Command {
    let listing = portal.listing(range.entity);
    let after = range.next.saturating_sub(1);
    let command = listing.filter(listing.count(), ">", listing.id, after);
    listing.filter(command, "<=", listing.id, range.last)
}

/// What became of leads or deals, asked one by one, fifty a request. The documentation tells the
/// cases apart by their sentences: a deleted record is not found, one without the right is denied.
///
/// # Errors
/// The portal's, when it is about something else than the single record.
pub async fn fates(portal: &Portal, entity: Entity, ids: &[u64]) -> Result<Vec<Fate>, BitrixError> {
    let method = match entity {
        Entity::Deal => "crm.deal.get",
        _ => "crm.lead.get",
    };
    let is_item = portal.listing(entity).is_item();
    let entity_type = if entity == Entity::Deal { 2 } else { 1 };
    let command = |id: &u64| match is_item {
        true => Command::new("crm.item.get")
            .param("entityTypeId", entity_type)
            .param("id", id),
        false => Command::new(method).param("id", id),
    };
    let mut all = Vec::with_capacity(ids.len());
    for part in ids.chunks(COMMANDS_MAX) {
        let commands: Vec<Command> = part.iter().map(command).collect();
        let answers = portal
            .patiently(true, || async {
                let answers = portal.batch_once(&commands).await?.answers;
                let passing = |error: &&BitrixError| is_passing(error);
                match answers
                    .iter()
                    .filter_map(|one| one.as_ref().err())
                    .find(passing)
                {
                    Some(error) => Err(error.clone()),
                    None => Ok(answers),
                }
            })
            .await?;
        for answer in answers {
            all.push(fate(answer)?);
        }
    }
    Ok(all)
}

fn fate(answer: Result<Value, BitrixError>) -> Result<Fate, BitrixError> {
    match answer {
        Ok(_) => Ok(Fate::There),
        Err(error) => match error.kind {
            Kind::NotFound => Ok(Fate::Deleted),
            Kind::NeedsHuman if error.is_denied() => Ok(Fate::Hidden),
            _ => Err(error),
        },
    }
}
