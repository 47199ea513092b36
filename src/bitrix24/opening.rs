//! The first request of a pass, which asks for everything small at once, and the probe of
//! `doctor`.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::command::Command;
use super::error::BitrixError;
use super::load::{Chunk, Walk, is_passing};
use super::portal::{BatchAnswer, PAGE_ROWS, Portal};
use super::wire::{self, Entity, rows};

/// Pages of changes that ride in the opening request, for each of leads and deals: enough for
/// what a company changes in a quiet hour, few enough to waste little when nothing has changed.
const PAGES_OF_CHANGES: usize = 3;
/// Pages of users and of departments asked for at once when the opening's did not suffice.
const PAGES_MORE: usize = 20;

/// What to ask for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Users known from the pass before, so that all pages are asked for at once.
    pub users_known: usize,
    /// Departments known from the pass before.
    pub departments_known: usize,
    /// Changes since this time; without it, the smallest and largest ids are asked for.
    pub changed_since: Option<DateTime<FixedOffset>>,
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
    /// Directories that the portal refuses to this webhook.
    pub refused: Vec<BitrixError>,
    /// Ids in use; none for an entity without records.
    pub spans: Vec<Span>,
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
    FirstId(Entity),
    LastId(Entity),
    Changes(Entity),
}

impl Slot {
    /// Without it the pass cannot go on.
    fn is_needed(self) -> bool {
        matches!(
            self,
            Slot::Statuses | Slot::FirstId(_) | Slot::LastId(_) | Slot::Changes(_)
        )
    }

    fn command(self) -> Command {
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
            Slot::FirstId(entity) | Slot::LastId(entity) | Slot::Changes(entity) => {
                let order = if matches!(self, Slot::LastId(_)) {
                    "DESC"
                } else {
                    "ASC"
                };
                Command::new(entity.list())
                    .select(&["ID"])
                    .param("order[ID]", order)
                    .param("start", -1)
            }
        }
    }

    /// A page behind the first; each method has its own spelling, and only the one it knows
    /// counts.
    fn page(self, start: usize) -> Command {
        let command = self.command();
        match self {
            _ if start == 0 => command,
            Slot::Departments => command.param("START", start).param("start", start),
            _ => command.param("start", start),
        }
    }
}

/// Sends the opening request; a second one when there are more users or departments than known.
///
/// # Errors
/// The portal's, when the request or something indispensable in it failed.
pub async fn open(portal: &Portal, ask: &Ask) -> Result<Opening, BitrixError> {
    let (mut slots, mut commands) = (Vec::new(), Vec::new());
    let mut add = |slot: Slot, command: Command| {
        slots.push(slot);
        commands.push(command);
    };
    for slot in [
        Slot::Profile,
        Slot::Mode,
        Slot::ServerTime,
        Slot::Statuses,
        Slot::Categories,
        Slot::Currencies,
    ] {
        add(slot, slot.command());
    }
    for (slot, known) in [
        (Slot::Users, ask.users_known),
        (Slot::Departments, ask.departments_known),
    ] {
        // The page behind the last known row shows whether there are new ones.
        for page in 0..=(known / PAGE_ROWS).min(PAGES_MORE / 2) {
            add(slot, slot.page(page * PAGE_ROWS));
        }
    }
    let mut walks = Vec::new();
    for entity in Entity::ALL {
        match ask.changed_since {
            Some(since) => walks.push(Walk::new(entity, since)),
            None => {
                for slot in [Slot::FirstId(entity), Slot::LastId(entity)] {
                    add(slot, slot.command());
                }
            }
        }
    }
    for walk in &walks {
        let first = commands.len();
        commands.extend(walk.commands(first, PAGES_OF_CHANGES));
        slots.extend([Slot::Changes(walk.entity); PAGES_OF_CHANGES]);
    }
    let answer = portal
        .patiently(true, || ask_once(portal, &slots, &commands))
        .await?;
    let (mut opening, more) = read(&slots, answer, walks)?;
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
        // Pages of changes behind the first may fail: their walk goes on later.
        let behind = matches!(slot, Slot::Changes(_)) && before == Some(*slot);
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
    mut walks: Vec<Walk>,
) -> Result<(Opening, Vec<(Slot, usize)>), BitrixError> {
    let mut opening = Opening {
        began: answer.began,
        ..Opening::default()
    };
    let mut more: Vec<(Slot, usize)> = Vec::new();
    let mut ids: Vec<(Slot, u64)> = Vec::new();
    let mut pages: Vec<(Entity, Result<Value, BitrixError>)> = Vec::new();
    for ((slot, result), next) in slots.iter().zip(answer.answers).zip(answer.nexts) {
        if let Slot::Changes(entity) = slot {
            pages.push((*entity, result));
            continue;
        }
        let value = match result {
            Ok(value) => value,
            Err(error) => {
                if !opening
                    .refused
                    .iter()
                    .any(|known| known.doing == error.doing)
                {
                    opening.refused.push(error);
                }
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
            ids.push((*slot, id));
        }
    }
    let id = |slot: Slot| {
        ids.iter()
            .find(|(known, _)| *known == slot)
            .map(|(_, id)| *id)
    };
    for entity in Entity::ALL {
        if let (Some(first), Some(last)) = (id(Slot::FirstId(entity)), id(Slot::LastId(entity))) {
            opening.spans.push(Span {
                entity,
                first,
                last,
            });
        }
    }
    for walk in &mut walks {
        let (own, others) = pages
            .into_iter()
            .partition(|(entity, _)| *entity == walk.entity);
        let own: Vec<(Entity, _)> = own;
        pages = others;
        walk.read(own.into_iter().map(|(_, page)| page), &mut opening.changes)?;
    }
    opening.walks = walks;
    Ok((opening, more))
}

/// Reads one answer; for pages of ids, gives the smallest or the largest of them.
fn read_one(slot: Slot, value: Value, opening: &mut Opening) -> Result<Option<u64>, BitrixError> {
    let doing = format!("calling {}", slot.command().method());
    let directory = &mut opening.directory;
    match slot {
        Slot::Profile => opening.admin = value.get("ADMIN").and_then(Value::as_bool),
        Slot::Mode => opening.mode = number(&value),
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
        Slot::FirstId(_) | Slot::LastId(_) => {
            let page = rows(value, "", &doing)?;
            let ids = page.iter().filter_map(|row| row.get("ID").and_then(number));
            let ids = ids.filter(|id| *id > 0);
            return Ok(if matches!(slot, Slot::FirstId(_)) {
                ids.min()
            } else {
                ids.max()
            });
        }
        Slot::Changes(_) => {}
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
            .map(|page| slot.page(start + page * PAGE_ROWS))
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

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

/// A method that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The method.
    pub method: &'static str,
    /// What the portal said.
    pub error: BitrixError,
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
    /// Methods that planfact calls and this webhook cannot.
    pub missing: Vec<Missing>,
}

/// Asks a portal, in one request, for all that may be wrong with it.
///
/// # Errors
/// When the portal cannot be reached or refuses the webhook.
pub async fn probe(portal: &Portal) -> Result<Probe, BitrixError> {
    let mut commands = vec![
        Command::new("profile"),
        Command::new("scope"),
        Slot::Mode.command(),
        Slot::ServerTime.command(),
    ];
    let slots = [
        Slot::Changes(Entity::Lead),
        Slot::Changes(Entity::Deal),
        Slot::Statuses,
        Slot::Categories,
        Slot::Currencies,
        Slot::Users,
        Slot::Departments,
    ];
    commands.extend(slots.map(Slot::command));
    let answers = portal.batch(&commands).await?;
    let mut probe = Probe {
        admin: None,
        scopes: Vec::new(),
        mode: None,
        server_time: None,
        missing: Vec::new(),
    };
    for (command, answer) in commands.iter().zip(answers) {
        match (command.method(), answer) {
            (method, Err(error)) => probe.missing.push(Missing { method, error }),
            ("profile", Ok(value)) => probe.admin = value.get("ADMIN").and_then(Value::as_bool),
            ("scope", Ok(Value::Array(scopes))) => {
                let texts = scopes.iter().filter_map(Value::as_str);
                probe.scopes = texts.map(str::to_owned).collect();
            }
            ("crm.settings.mode.get", Ok(value)) => probe.mode = number(&value),
            ("server.time", Ok(value)) => {
                probe.server_time = value.as_str().and_then(wire::time);
            }
            _ => {}
        }
    }
    Ok(probe)
}
