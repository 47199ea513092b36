//! The first request of a pass, which asks for everything small at once, and the probe of
//! `doctor`.

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde_json::Value;

use super::command::Command;
use super::envelope::BatchAnswer;
use super::error::BitrixError;
use super::load::{Chunk, Walk, is_passing, pages_by_weight};
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{self, Entity, Listing, rows};

/// Pages of changes that ride in the opening request, for each of leads and deals: enough for
/// what a company changes in a quiet hour, few enough to waste little when nothing has changed.
const PAGES_OF_CHANGES: usize = 3;
/// The same for every other kind of record.
const PAGES_OF_TRAIL: usize = 1;
/// After so much time much has changed, and pages of changes fill the opening request.
const MUCH_CHANGED: TimeDelta = TimeDelta::hours(2);
/// Pages of users and of departments asked for at once when the opening's did not suffice.
const PAGES_MORE: usize = 20;
/// Pages of a first load that ride in the opening request. They fill what gaps in the ids leave of its
/// last requests; more would only be waited for, one after another, before anything else can be asked.
const HEAD_PAGES: usize = 8;

/// What to ask for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Users known from the pass before, so that all pages are asked for at once.
    pub users_known: usize,
    /// Departments known from the pass before.
    pub departments_known: usize,
    /// Which records, and what is known of them.
    pub starts: Vec<(Entity, Start)>,
    /// How long ago changes were asked for last.
    pub elapsed: TimeDelta,
    /// Commands of the caller's that ride along; a few.
    pub extra: Vec<Command>,
    /// A kind of which a first load begins, and the first id that is not loaded: its first pages fill
    /// what the request leaves free.
    pub head: Option<(Entity, u64)>,
}

/// Where the reading of a kind of record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing is known: the smallest and the largest ids are asked for.
    Span,
    /// Everything changed at this time or later.
    Since(DateTime<FixedOffset>),
    /// Everything above this id; for rows that are only added.
    Above(u64),
}

/// The ids in use, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Leads or deals.
    pub entity: Entity,
    /// The smallest.
    pub first: u64,
    /// The largest.
    pub last: u64,
    /// How many records there are; told for leads and deals.
    pub count: Option<u64>,
}

impl Span {
    /// Which share of its ids is in use, as far as that is told.
    pub fn density(&self) -> Option<f64> {
        let ids = self.last.saturating_sub(self.first).saturating_add(1);
        self.count.map(|count| count as f64 / ids as f64)
    }
}

/// What the opening request gave.
#[derive(Debug, Default)]
pub struct Opening {
    /// The portal's time at the beginning, with the server's offset.
    pub began: Option<DateTime<FixedOffset>>,
    /// Whether the webhook's user is an administrator; others may see less.
    pub admin: Option<bool>,
    /// The CRM's mode: 1 classic, 2 simple (without leads).
    pub mode: Option<u64>,
    /// Directories.
    pub directory: wire::Directory,
    /// What the webhook or the application may do; none where the portal did not tell.
    pub scopes: Option<Vec<String>>,
    /// Directories that the portal refuses to this webhook.
    pub refused: Vec<BitrixError>,
    /// Kinds of record that this portal does not have, or refuses; never leads and deals.
    pub unavailable: Vec<(Entity, BitrixError)>,
    /// Ids in use; none for an entity without records.
    pub spans: Vec<Span>,
    /// The first pages of the kind that was to begin.
    pub head: Option<Chunk>,
    /// The answers to the caller's commands.
    pub extra: Vec<Result<Value, BitrixError>>,
    /// Changes read so far …
    pub changes: Chunk,
    /// … and walks to go on with.
    pub walks: Vec<Walk>,
}

/// What a command of the opening asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Profile,
    Mode,
    ServerTime,
    Users,
    Departments,
    Statuses,
    Categories,
    Currencies,
    Scope,
    LeadFields,
    DealFields,
    FirstId(Entity),
    LastId(Entity),
    Head(Entity),
    Changes(Entity),
}

impl Slot {
    /// Without it the pass cannot go on.
    fn is_needed(self) -> bool {
        match self {
            Slot::Statuses => true,
            Slot::FirstId(entity) | Slot::LastId(entity) | Slot::Changes(entity) => {
                Entity::CARDS.contains(&entity)
            }
            _ => false,
        }
    }

    /// The kind of record that it is about.
    fn entity(self) -> Option<Entity> {
        match self {
            Slot::FirstId(entity)
            | Slot::LastId(entity)
            | Slot::Head(entity)
            | Slot::Changes(entity) => Some(entity),
            _ => None,
        }
    }

    fn command(self, listing: impl Fn(Entity) -> Listing) -> Command {
        match self {
            Slot::Profile => Command::new("profile"),
            Slot::Mode => Command::new("crm.settings.mode.get"),
            Slot::ServerTime => Command::new("server.time"),
            Slot::Users => Command::new("user.get")
                .param("sort", "ID")
                .param("order", "ASC"),
            Slot::Departments => Command::new("department.get")
                .param("sort", "ID")
                .param("order", "ASC"),
            Slot::Statuses => Command::new("crm.status.list").param("order[SORT]", "ASC"),
            Slot::Categories => Command::new("crm.category.list").param("entityTypeId", 2),
            Slot::Currencies => Command::new("crm.currency.list"),
            Slot::Scope => Command::new("scope"),
            Slot::LeadFields => Command::new("crm.lead.fields"),
            Slot::DealFields => Command::new("crm.deal.fields"),
            Slot::LastId(entity) => listing(entity).ids("DESC"),
            // How many there are tells how full pages will be; a table of millions is slow to count.
            Slot::FirstId(entity) if Entity::CARDS.contains(&entity) => listing(entity).count(),
            Slot::FirstId(entity) | Slot::Head(entity) | Slot::Changes(entity) => {
                listing(entity).ids("ASC")
            }
        }
    }

    /// A page behind the first; each method has its own spelling, and only the one it knows
    /// counts.
    fn page(self, start: usize, listing: impl Fn(Entity) -> Listing) -> Command {
        let command = self.command(listing);
        match self {
            _ if start == 0 => command,
            Slot::Departments => command.param("START", start).param("start", start),
            _ => command.param("start", start),
        }
    }
}

/// The commands of the opening request and what each is about.
struct Questions {
    slots: Vec<Slot>,
    commands: Vec<Command>,
    walks: Vec<Walk>,
    /// A walk through the first pages of what begins to be loaded.
    head: Option<Walk>,
}

impl Questions {
    fn of(portal: &Portal, ask: &Ask) -> Questions {
        let listing = |entity| portal.listing(entity);
        let mut asked: Vec<(Slot, Command)> = [
            Slot::Profile,
            Slot::Mode,
            Slot::ServerTime,
            Slot::Statuses,
            Slot::Categories,
            Slot::Currencies,
            Slot::Scope,
            Slot::LeadFields,
            Slot::DealFields,
        ]
        .into_iter()
        .map(|slot| (slot, slot.command(listing)))
        .collect();
        for (slot, known) in [
            (Slot::Users, ask.users_known),
            (Slot::Departments, ask.departments_known),
        ] {
            // The page behind the last known row shows whether there are new ones.
            for page in 0..=(known / PAGE_ROWS).min(PAGES_MORE / 2) {
                asked.push((slot, slot.page(page * PAGE_ROWS, listing)));
            }
        }
        let mut walks = Vec::new();
        for (entity, start) in &ask.starts {
            let (since, after) = match start {
                Start::Since(since) => (Some(*since), 0),
                Start::Above(id) => (None, *id),
                Start::Span => {
                    let slots = [Slot::FirstId(*entity), Slot::LastId(*entity)];
                    asked.extend(slots.map(|slot| (slot, slot.command(listing))));
                    continue;
                }
            };
            walks.push(Walk::new(listing(*entity), since, after));
        }
        let (mut slots, mut commands): (Vec<Slot>, Vec<Command>) = asked.into_iter().unzip();
        let room = COMMANDS_MAX.saturating_sub(commands.len() + ask.extra.len());
        let pages = pages_of_changes(&walks, room, ask.elapsed >= MUCH_CHANGED);
        for (walk, pages) in walks.iter().zip(pages) {
            let first = commands.len();
            commands.extend(walk.commands(first, pages));
            slots.extend(std::iter::repeat_n(Slot::Changes(walk.entity()), pages));
        }
        let head = ask.head.map(|(entity, next)| {
            let walk = Walk::new(listing(entity), None, next.saturating_sub(1));
            let first = commands.len();
            let room = COMMANDS_MAX.saturating_sub(first + ask.extra.len());
            let pages = HEAD_PAGES.min(room);
            commands.extend(walk.commands(first, pages));
            slots.extend(std::iter::repeat_n(Slot::Head(entity), pages));
            walk
        });
        Questions {
            slots,
            commands,
            walks,
            head,
        }
    }
}

/// How many pages of each walk ride in the opening request, which has room for so many commands. One
/// page each always finds room.
fn pages_of_changes(walks: &[Walk], room: usize, much: bool) -> Vec<usize> {
    if much {
        return pages_by_weight(walks, room);
    }
    let mut left = room.saturating_sub(walks.len());
    let pages = |walk: &Walk| {
        let few = match Entity::CARDS.contains(&walk.entity()) {
            true => PAGES_OF_CHANGES - 1,
            false => PAGES_OF_TRAIL - 1,
        };
        let more = few.min(left);
        left -= more;
        1 + more
    };
    walks.iter().map(pages).collect()
}

/// Sends the opening request; a second one when there are more users or departments than known.
///
/// # Errors
/// The portal's, when the request or something indispensable in it failed.
pub async fn open(portal: &Portal, ask: &Ask) -> Result<Opening, BitrixError> {
    let Questions {
        slots,
        mut commands,
        walks,
        head,
    } = Questions::of(portal, ask);
    commands.extend(ask.extra.iter().cloned());
    let mut answer = portal
        .patiently(true, || ask_once(portal, &slots, &commands))
        .await?;
    let extra = answer
        .answers
        .split_off(slots.len().min(answer.answers.len()));
    let (mut opening, more) = read(&slots, answer, walks, head)?;
    opening.extra = extra;
    for (slot, start) in more {
        fetch_rest(portal, slot, start, &mut opening).await?;
    }
    Ok(opening)
}

/// Sends the commands once; an error when a command failed that may pass the next time, or one
/// that is needed.
async fn ask_once(
    portal: &Portal,
    slots: &[Slot],
    commands: &[Command],
) -> Result<BatchAnswer, BitrixError> {
    let answer = portal.batch_once(commands).await?;
    let mut before = None;
    for (slot, result) in slots.iter().zip(&answer.answers) {
        // Pages of changes behind the first may fail: their walk goes on later. So may a load's.
        let behind = matches!(slot, Slot::Changes(_)) && before == Some(*slot)
            || matches!(slot, Slot::Head(_));
        before = Some(*slot);
        if let Err(error) = result
            && !behind
            && (slot.is_needed() || is_passing(error))
        {
            return Err(error.clone());
        }
    }
    Ok(answer)
}

/// Reads the opening's answers; also says which directories have more pages, and from where.
fn read(
    slots: &[Slot],
    answer: BatchAnswer,
    walks: Vec<Walk>,
    head: Option<Walk>,
) -> Result<(Opening, Vec<(Slot, usize)>), BitrixError> {
    let mut opening = Opening {
        began: answer.began,
        ..Opening::default()
    };
    let mut more: Vec<(Slot, usize)> = Vec::new();
    let mut ids: Vec<(Slot, u64, Option<u64>)> = Vec::new();
    let mut pages: Vec<(Entity, Result<Value, BitrixError>)> = Vec::new();
    let mut head_pages: Vec<Result<Value, BitrixError>> = Vec::new();
    let told = answer.nexts.into_iter().zip(answer.totals);
    for ((slot, result), (next, total)) in slots.iter().zip(answer.answers).zip(told) {
        match slot {
            Slot::Changes(entity) => {
                pages.push((*entity, result));
                continue;
            }
            Slot::Head(_) => {
                head_pages.push(result);
                continue;
            }
            _ => {}
        }
        let value = match result {
            Ok(value) => value,
            Err(error) if slot.entity().is_some() => {
                note_unavailable(&mut opening, *slot, error);
                continue;
            }
            Err(error) => {
                note_refused(&mut opening, error);
                continue;
            }
        };
        if matches!(slot, Slot::Users | Slot::Departments) {
            more.retain(|(known, _)| known != slot);
            more.extend(
                next.and_then(|start| usize::try_from(start).ok())
                    .map(|s| (*slot, s)),
            );
        }
        if let Some(id) = read_one(*slot, value, &mut opening)? {
            ids.push((*slot, id, total));
        }
    }
    opening.spans = spans_of(&ids);
    opening.head = head.and_then(|walk| head_of(walk, head_pages, &opening.spans));
    for mut walk in walks {
        let (own, others): (Vec<_>, Vec<_>) = pages
            .into_iter()
            .partition(|(entity, _)| *entity == walk.entity());
        pages = others;
        let own = own.into_iter().map(|(_, page)| page);
        match walk.read(own, &mut opening.changes) {
            Ok(()) => opening.walks.push(walk),
            Err(error) if Entity::CARDS.contains(&walk.entity()) => return Err(error),
            Err(error) => note_unavailable(&mut opening, Slot::Changes(walk.entity()), error),
        }
    }
    Ok((opening, more))
}

/// The first pages of a load, as far as they can be read; whatever is wrong with them, the load by
/// windows meets it again and tells it.
fn head_of(
    mut walk: Walk,
    pages: Vec<Result<Value, BitrixError>>,
    spans: &[Span],
) -> Option<Chunk> {
    let entity = walk.entity();
    let before = walk.after();
    let last = spans.iter().find(|span| span.entity == entity)?.last;
    let mut chunk = Chunk::default();
    walk.read(pages.into_iter(), &mut chunk).ok()?;
    let upto = if walk.ended() {
        walk.after().max(last)
    } else {
        walk.after()
    };
    chunk.ids = upto.saturating_sub(before);
    chunk.next.push((entity, upto.saturating_add(1)));
    (upto > before).then_some(chunk)
}

/// The spans whose both ends were told.
fn spans_of(ids: &[(Slot, u64, Option<u64>)]) -> Vec<Span> {
    let last_of = |entity: Entity| {
        let mut ends = ids
            .iter()
            .filter(|(slot, ..)| *slot == Slot::LastId(entity));
        ends.next().map(|(_, id, _)| *id)
    };
    ids.iter()
        .filter_map(|(slot, first, count)| match slot {
            Slot::FirstId(entity) => Some(Span {
                entity: *entity,
                first: *first,
                last: last_of(*entity)?,
                count: count.filter(|_| Entity::CARDS.contains(entity)),
            }),
            _ => None,
        })
        .collect()
}

/// Takes note of a directory that is refused, once.
fn note_refused(opening: &mut Opening, error: BitrixError) {
    let mut refused = opening.refused.iter();
    if !refused.any(|known| known.doing == error.doing) {
        opening.refused.push(error);
    }
}

/// Takes note of a kind of record that cannot be read, once.
fn note_unavailable(opening: &mut Opening, slot: Slot, error: BitrixError) {
    if let Some(entity) = slot.entity()
        && !opening
            .unavailable
            .iter()
            .any(|(known, _)| *known == entity)
    {
        opening.unavailable.push((entity, error));
    }
}

/// Reads one answer; for pages of ids, gives the smallest or the largest of them.
fn read_one(slot: Slot, value: Value, opening: &mut Opening) -> Result<Option<u64>, BitrixError> {
    let method = slot.command(|entity| entity.listing(wire::Face::Classic));
    let doing = format!("calling {}", method.method());
    let directory = &mut opening.directory;
    match slot {
        Slot::Profile => opening.admin = wire::profile(&value).admin,
        Slot::Mode => opening.mode = wire::number(&value),
        Slot::Scope => opening.scopes = Some(wire::scopes(&value)),
        Slot::LeadFields => directory.lead_fields = Some(wire::custom_fields(value)),
        Slot::DealFields => directory.deal_fields = Some(wire::custom_fields(value)),
        Slot::ServerTime => {
            opening.began = value.as_str().and_then(wire::time).or(opening.began);
        }
        Slot::Users => {
            let list = directory.users.get_or_insert_default();
            append(list, wire::read_all(rows(value, "", &doing)?), |user| {
                &user.id
            });
        }
        Slot::Departments => {
            let list = directory.departments.get_or_insert_default();
            append(
                list,
                wire::read_all(rows(value, "", &doing)?),
                |department| &department.id,
            );
        }
        Slot::Statuses => {
            directory.statuses = Some(wire::read_all(rows(value, "", &doing)?));
        }
        Slot::Categories => {
            directory.categories = Some(wire::read_all(rows(value, "categories", &doing)?));
        }
        Slot::Currencies => {
            directory.currencies = Some(wire::read_all(rows(value, "", &doing)?));
        }
        Slot::FirstId(entity) | Slot::LastId(entity) => {
            let within = ["items", "tasks"]
                .into_iter()
                .find(|key| value.get(*key).is_some());
            let page = match rows(value, within.unwrap_or_default(), &doing) {
                Ok(page) => page,
                Err(error) if Entity::CARDS.contains(&entity) => return Err(error),
                Err(error) => {
                    note_unavailable(opening, slot, error);
                    return Ok(None);
                }
            };
            let id_of = |row: &Value| {
                row.get("ID")
                    .or_else(|| row.get("id"))
                    .and_then(wire::number)
            };
            let ids = page.iter().filter_map(id_of);
            let ids = ids.filter(|id| *id > 0);
            return Ok(if matches!(slot, Slot::FirstId(_)) {
                ids.min()
            } else {
                ids.max()
            });
        }
        Slot::Head(_) | Slot::Changes(_) => {}
    }
    Ok(None)
}

/// Appends the rows whose id is new; a portal that knows no further page may give an earlier one
/// again.
fn append<T>(list: &mut Vec<T>, page: Vec<T>, id: impl Fn(&T) -> &Option<String>) {
    for row in page {
        if !list.iter().any(|known| id(known) == id(&row)) {
            list.push(row);
        }
    }
}

/// Fetches the pages of a directory from `start` on.
async fn fetch_rest(
    portal: &Portal,
    slot: Slot,
    mut start: usize,
    opening: &mut Opening,
) -> Result<(), BitrixError> {
    let count = |opening: &Opening| match slot {
        Slot::Users => opening.directory.users.as_ref().map_or(0, Vec::len),
        _ => opening.directory.departments.as_ref().map_or(0, Vec::len),
    };
    loop {
        let commands: Vec<Command> = (0..PAGES_MORE)
            .map(|page| slot.page(start + page * PAGE_ROWS, |entity| portal.listing(entity)))
            .collect();
        let slots = [slot; PAGES_MORE];
        let answer = portal
            .patiently(true, || ask_once(portal, &slots, &commands))
            .await?;
        for result in answer.answers {
            let before = count(opening);
            read_one(slot, result?, opening)?;
            if count(opening) < before + PAGE_ROWS {
                return Ok(());
            }
        }
        start += PAGES_MORE * PAGE_ROWS;
    }
}

/// A method that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The method.
    pub method: &'static str,
    /// What the portal said.
    pub error: BitrixError,
    /// Whether a pass goes on without it: the telephony, tasks and the like may be absent.
    pub optional: bool,
}

/// What `doctor` wants to know of a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whether the webhook's user is an administrator; others may see less.
    pub admin: Option<bool>,
    /// What the webhook may do.
    pub scopes: Vec<String>,
    /// The CRM's mode: 1 classic, 2 simple (without leads).
    pub mode: Option<u64>,
    /// The portal's time with the server's offset.
    pub server_time: Option<DateTime<FixedOffset>>,
    /// Methods that planfact calls and this webhook cannot, each once.
    pub missing: Vec<Missing>,
}

/// Asks a portal, in one request, for all that may be wrong with it.
///
/// # Errors
/// When the portal cannot be reached or refuses the webhook.
pub async fn probe(portal: &Portal) -> Result<Probe, BitrixError> {
    let mut slots = vec![
        Slot::Profile,
        Slot::Scope,
        Slot::Mode,
        Slot::ServerTime,
        Slot::Statuses,
        Slot::Categories,
        Slot::Currencies,
        Slot::Users,
        Slot::Departments,
    ];
    slots.extend(Entity::ALL.map(Slot::Changes));
    let commands: Vec<Command> = slots
        .iter()
        .map(|slot| slot.command(|entity| portal.listing(entity)))
        .collect();
    let answers = portal.batch(&commands).await?;
    let mut probe = Probe {
        admin: None,
        scopes: Vec::new(),
        mode: None,
        server_time: None,
        missing: Vec::new(),
    };
    for ((slot, command), answer) in slots.iter().zip(&commands).zip(answers) {
        match (command.method(), answer) {
            (method, Err(error)) => {
                let optional = slot.entity().is_some() && !slot.is_needed();
                let known = probe
                    .missing
                    .iter_mut()
                    .find(|known| known.method == method);
                match known {
                    Some(known) => known.optional &= optional,
                    None => probe.missing.push(Missing {
                        method,
                        error,
                        optional,
                    }),
                }
            }
            ("profile", Ok(value)) => probe.admin = wire::profile(&value).admin,
            ("scope", Ok(value)) => probe.scopes = wire::scopes(&value),
            ("crm.settings.mode.get", Ok(value)) => probe.mode = wire::number(&value),
            ("server.time", Ok(value)) => {
                probe.server_time = value.as_str().and_then(wire::time);
            }
            _ => {}
        }
    }
    Ok(probe)
}
