//! Questions by which the store is held against the portal: how many rows there are, and what
//! became of a row that is not to be seen any more.

use serde_json::Value;

use super::command::Command;
use super::envelope::{BatchAnswer, unreadable};
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

/// How many rows the portal counts in each range of ids; `None` for a kind that it refuses though a
/// pass can do without it ([`Entity::TRAIL`]). Counting is the portal's dearest work, but a range of
/// ids is counted on its primary key; fifty ranges cost a request.
///
/// # Errors
/// The portal's, or when it does not count cards.
pub async fn counts(portal: &Portal, ranges: &[Range]) -> Result<Vec<Option<u64>>, BitrixError> {
    let mut all = Vec::with_capacity(ranges.len());
    for part in ranges.chunks(COMMANDS_MAX) {
        let commands: Vec<Command> = part.iter().map(|range| count(portal, *range)).collect();
        let answer = portal
            .patiently(true, || passing(portal, &commands))
            .await?;
        let told = answer.answers.into_iter().zip(answer.totals);
        for (range, (answer, total)) in part.iter().zip(told) {
            all.push(counted(portal, *range, answer, total)?);
        }
    }
    Ok(all)
}

/// A batch; an error when one of its commands failed that may pass the next time.
async fn passing(portal: &Portal, commands: &[Command]) -> Result<BatchAnswer, BitrixError> {
    let answer = portal.batch_once(commands).await?;
    let errors = answer.answers.iter().filter_map(|one| one.as_ref().err());
    match errors.into_iter().find(|error| is_passing(error)) {
        Some(error) => Err(error.clone()),
        None => Ok(answer),
    }
}

/// What the answer to a count says.
fn counted(
    portal: &Portal,
    range: Range,
    answer: Result<Value, BitrixError>,
    total: Option<u64>,
) -> Result<Option<u64>, BitrixError> {
    let doing = portal.listing(range.entity).doing();
    let total =
        answer.and_then(|_| total.ok_or_else(|| unreadable("no total came with a page", &doing)));
    match total {
        Ok(total) => Ok(Some(total)),
        Err(error) if Entity::CARDS.contains(&range.entity) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What a night begins with, in one request: the ends of some kinds' ids, and counts of some ranges.
#[derive(Debug, Default)]
pub struct Survey {
    /// The smallest and the largest id of each kind that was asked for; `None` for one without
    /// records.
    pub spans: Vec<Option<(u64, u64)>>,
    /// How many rows the portal counts in each range, as [`counts`] gives them.
    pub counts: Vec<Option<u64>>,
}

/// Asks for the ends of the cards' ids and for counts of some ranges together.
///
/// # Errors
/// As [`counts`].
pub async fn survey(
    portal: &Portal,
    cards: &[Entity],
    ranges: &[Range],
) -> Result<Survey, BitrixError> {
    let mut commands: Vec<Command> = cards
        .iter()
        .flat_map(|entity| ["ASC", "DESC"].map(|order| portal.listing(*entity).ids(order)))
        .collect();
    let room = COMMANDS_MAX.saturating_sub(commands.len());
    let (here, later) = ranges.split_at(ranges.len().min(room));
    commands.extend(here.iter().map(|range| count(portal, *range)));
    let answer = portal
        .patiently(true, || passing(portal, &commands))
        .await?;
    let mut told = answer.answers.into_iter().zip(answer.totals);
    let pages: Vec<Value> = told
        .by_ref()
        .take(2 * cards.len())
        .map(|(page, _)| page)
        .collect::<Result<_, _>>()?;
    let mut survey = Survey {
        spans: ends(portal, cards, &pages)?,
        counts: Vec::with_capacity(ranges.len()),
    };
    for (range, (answer, total)) in here.iter().zip(told) {
        survey.counts.push(counted(portal, *range, answer, total)?);
    }
    survey.counts.extend(counts(portal, later).await?);
    Ok(survey)
}

/// The ends that two pages of each kind tell.
fn ends(
    portal: &Portal,
    entities: &[Entity],
    pages: &[Value],
) -> Result<Vec<Option<(u64, u64)>>, BitrixError> {
    let mut out = Vec::with_capacity(entities.len());
    for (entity, pages) in entities.iter().zip(pages.chunks(2)) {
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

/// Whether the portal tells a row of this kind that was deleted from one that may not be seen. Calls
/// and moves cannot be asked for one by one, and `tasks.task.get` documents no such difference.
pub fn tells_fates(entity: Entity) -> bool {
    matches!(
        entity,
        Entity::Lead | Entity::Deal | Entity::Invoice | Entity::Activity
    )
}

/// What became of rows of a kind of which [`tells_fates`], asked one by one, fifty a request. The
/// documentation tells the cases apart by their sentences: a deleted record is not found, one without
/// the right is denied.
///
/// # Errors
/// The portal's, when it is about something else than the single record.
pub async fn fates(portal: &Portal, entity: Entity, ids: &[u64]) -> Result<Vec<Fate>, BitrixError> {
    let is_item = portal.listing(entity).is_item();
    let item = |entity_type: u32| Command::new("crm.item.get").param("entityTypeId", entity_type);
    let command = |id: &u64| {
        let command = match entity {
            Entity::Deal if is_item => item(2),
            Entity::Deal => Command::new("crm.deal.get"),
            Entity::Invoice => item(31),
            Entity::Activity => Command::new("crm.activity.get"),
            _ if is_item => item(1),
            _ => Command::new("crm.lead.get"),
        };
        command.param("id", id)
    };
    let mut all = Vec::with_capacity(ids.len());
    for part in ids.chunks(COMMANDS_MAX) {
        let commands: Vec<Command> = part.iter().map(command).collect();
        let answers = portal
            .patiently(true, || passing(portal, &commands))
            .await?
            .answers;
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
