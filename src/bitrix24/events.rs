//! Offline events: a queue on the portal in which an application finds what was added, changed and
//! deleted; for deletions the only direct sign.
//!
//! Documentation: «Offline events», `event.bind`, `event.get`, `event.offline.get`, `.list`, `.clear`,
//! `feature.get`. They need an application whose user is an administrator. Where the feature
//! `rest_offline_extended` is there, records are reserved under a process and cleared once they have
//! been dealt with; elsewhere reading deletes them. A record names an object and nothing else.

use serde_json::Value;

use super::command::Command;
use super::error::{BitrixError, FORM, Kind};
use super::load::is_passing;
use super::portal::{COMMANDS_MAX, Portal};
use super::wire::{Entity, number, rows};

/// Events that are subscribed to. Of tasks and smart invoices (type 31 of `crm.item.*`) only deletions
/// are: their changes come by time in any case, and a portal whose tasks change all day would fill the
/// queue before the deletions in it. Of calls no event is documented; the nightly comparison finds those.
const EVENTS: [(&str, Entity, Happened); 9] = [
    ("ONCRMLEADADD", Entity::Lead, Happened::Touched),
    ("ONCRMLEADUPDATE", Entity::Lead, Happened::Touched),
    ("ONCRMLEADDELETE", Entity::Lead, Happened::Deleted),
    ("ONCRMDEALADD", Entity::Deal, Happened::Touched),
    ("ONCRMDEALUPDATE", Entity::Deal, Happened::Touched),
    ("ONCRMDEALDELETE", Entity::Deal, Happened::Deleted),
    ("ONCRMACTIVITYDELETE", Entity::Activity, Happened::Deleted),
    ("ONTASKDELETE", Entity::Task, Happened::Deleted),
    (
        "ONCRMDYNAMICITEMDELETE_31",
        Entity::Invoice,
        Happened::Deleted,
    ),
];
/// Where a record names its object: the CRM's in `FIELDS`. The documentation names the events of tasks
/// and does not show a record of theirs; what was deleted can only stand in what was before. A record
/// that names its object elsewhere tells nothing, and the nightly comparison finds what it meant.
const OBJECT_AT: [&str; 2] = ["/EVENT_DATA/FIELDS/ID", "/EVENT_DATA/FIELDS_BEFORE/ID"];
/// Records that are taken from the queue in one pass; what is left waits for the next one.
const TAKEN_MAX: usize = 1_000;
/// The portal's word for an event that it does not know.
const UNKNOWN_EVENT: &str = "ERROR_EVENT_NOT_FOUND";
/// Its word for a subscription that is there already.
const BOUND_ALREADY: &str = "ERROR_EVENT_BINDING_EXISTS";

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    /// It was added or changed.
    Touched,
    /// It was deleted.
    Deleted,
}

/// How the queue is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether records are reserved rather than taken.
    pub reserve: bool,
    /// Whether an earlier reading may have reserved records that it did not deal with.
    pub resume: bool,
}

/// The commands that read the queue; they may ride in any batch.
pub fn commands(reading: Reading) -> Vec<Command> {
    let take = Command::new("event.offline.get")
        .param("order[ID]", "ASC")
        .param("limit", TAKEN_MAX);
    let mut all = match reading.reserve {
        true => vec![take.param("clear", 0)],
        false => vec![take],
    };
    if reading.resume {
        // Behind the taking, so that this names what it has reserved, too.
        let list = Command::new("event.offline.list")
            .filter("!", "PROCESS_ID", "")
            .param("order[ID]", "ASC");
        all.push(list);
    }
    all
}

/// What the queue told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Processes under which records are reserved.
    pub processes: Vec<String>,
    /// What happened last to each object; records without an id are passed over.
    pub objects: Vec<(Entity, u64, Happened)>,
    /// Whether an earlier reading's records were seen to the last.
    pub resumed: bool,
    /// Whether a part of the queue could not be read.
    pub failed: bool,
}

/// Reads the answers to [`commands`]; a queue that cannot be read told nothing.
pub fn told(answers: Vec<Result<Value, BitrixError>>) -> Told {
    let mut told = Told::default();
    let mut records: Vec<Value> = Vec::new();
    for (place, answer) in answers.into_iter().enumerate() {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "offline events cannot be read");
                told.failed = true;
                continue;
            }
        };
        let page = match place {
            0 => {
                let process = answer.get("process_id").and_then(Value::as_str);
                told.processes.extend(process.map(str::to_owned));
                let events = answer.get_mut("events").map(Value::take);
                rows(events.unwrap_or_default(), "", "reading events")
            }
            _ => rows(answer, "", "reading events"),
        };
        let Ok(page) = page else {
            told.failed = true;
            continue;
        };
        if place > 0 {
            told.resumed = page.len() < super::portal::PAGE_ROWS;
            let process = |row: &Value| Some(row.get("PROCESS_ID")?.as_str()?.to_owned());
            told.processes.extend(page.iter().filter_map(process));
        }
        records.extend(page);
    }
    told.processes.retain(|process| !process.is_empty());
    told.processes.sort_unstable();
    told.processes.dedup();
    // In the order of the queue, so that the last word counts.
    records.sort_by_key(|row| row.get("ID").and_then(number));
    for row in &records {
        let name = row.get("EVENT_NAME").and_then(Value::as_str);
        let known = name.and_then(|name| {
            let same = |known: &&(&str, Entity, Happened)| known.0.eq_ignore_ascii_case(name);
            EVENTS.iter().find(same)
        });
        let id = OBJECT_AT
            .iter()
            .find_map(|at| row.pointer(at).and_then(number));
        if let (Some((_, entity, what)), Some(id)) = (known, id.filter(|id| *id > 0)) {
            told.objects
                .retain(|(of, other, _)| (of, *other) != (entity, id));
            told.objects.push((*entity, id, *what));
        }
    }
    told
}

/// Clears what was reserved.
///
/// # Errors
/// The portal's.
pub async fn clear(portal: &Portal, processes: &[String]) -> Result<(), BitrixError> {
    for part in processes.chunks(COMMANDS_MAX) {
        let clear = |id: &String| Command::new("event.offline.clear").param("process_id", id);
        let commands: Vec<Command> = part.iter().map(clear).collect();
        every(portal, &commands).await?;
    }
    Ok(())
}

/// Calls commands and wants each of them to go well.
async fn every(portal: &Portal, commands: &[Command]) -> Result<Vec<Value>, BitrixError> {
    portal
        .patiently(true, || async {
            let answers = portal.batch_once(commands).await?.answers;
            answers.into_iter().collect::<Result<Vec<Value>, _>>()
        })
        .await
}

/// Subscribes to what is not subscribed to yet, and says whether records can be reserved. Doing it
/// again changes nothing. An event that the portal does not know, or not for this application's scopes,
/// is gone without.
///
/// # Errors
/// The portal's: offline events are not to be had, or the user is no administrator.
pub async fn bind(portal: &Portal) -> Result<bool, BitrixError> {
    let ask = [
        Command::new("feature.get").param("CODE", "rest_offline_extended"),
        Command::new("event.get"),
    ];
    let answers = every(portal, &ask).await?;
    let [feature, bound] = answers.as_slice() else {
        return Err(unreadable("feature.get and event.get"));
    };
    let reserve = feature.get("value").and_then(Value::as_str) == Some("Y");
    let bound = rows(bound.clone(), "", "calling event.get")?;
    let missing: Vec<&str> = EVENTS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !bound.iter().any(|row| is_bound(row, name)))
        .collect();
    if missing.is_empty() {
        return Ok(reserve);
    }
    let bind = |name: &&str| {
        Command::new("event.bind")
            .param("event", name)
            .param("event_type", "offline")
    };
    let commands: Vec<Command> = missing.iter().map(bind).collect();
    let answers = portal
        .patiently(true, || async {
            let answers = portal.batch_once(&commands).await?.answers;
            let passing = answers.iter().filter_map(|one| one.as_ref().err());
            match passing.into_iter().find(|error| is_passing(error)) {
                Some(error) => Err(error.clone()),
                None => Ok(answers),
            }
        })
        .await?;
    for answer in answers {
        match answer {
            Err(error) if error.code == UNKNOWN_EVENT || error.code == BOUND_ALREADY => {}
            answer => answer.map(drop)?,
        }
    }
    Ok(reserve)
}

/// Whether a subscription of `event.get` is the offline one to an event.
fn is_bound(row: &Value, name: &str) -> bool {
    let event = row.get("event").and_then(Value::as_str).unwrap_or_default();
    let offline = row.get("offline").and_then(number).unwrap_or(0);
    event.eq_ignore_ascii_case(name) && offline == 1
}

/// Gives all subscriptions up.
///
/// # Errors
/// The portal's.
pub async fn unbind(portal: &Portal) -> Result<(), BitrixError> {
    let unbind = |(name, ..): &(&str, Entity, Happened)| {
        Command::new("event.unbind")
            .param("event", name)
            .param("event_type", "offline")
    };
    let commands: Vec<Command> = EVENTS.iter().map(unbind).collect();
    let answers = portal.batch(&commands).await?;
    for answer in answers {
        match answer {
            Err(error) if error.code == UNKNOWN_EVENT => {}
            answer => answer.map(drop)?,
        }
    }
    Ok(())
}

fn unreadable(what: &str) -> BitrixError {
    let text = format!("not every answer to {what} came");
    BitrixError::own(Kind::Unreadable, FORM, text, "subscribing to events")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: u64, event: &str, object: &str, process: &str) -> Value {
        json!({"ID": id.to_string(), "EVENT_NAME": event, "PROCESS_ID": process,
            "EVENT_DATA": {"FIELDS": {"ID": object}}, "MESSAGE_ID": id.to_string()})
    }

    #[test]
    fn the_last_word_of_each_object_counts() {
        let taken = json!({"process_id": "p2", "events": [
            record(5, "ONCRMLEADADD", "7", ""),
            record(3, "ONCRMLEADDELETE", "7", ""),
            record(6, "OnCrmDealDelete", "7", ""),
            record(7, "ONCRMCOMPANYADD", "8", ""),
            record(8, "ONCRMACTIVITYDELETE", "0", ""),
            json!({"ID": "9", "EVENT_NAME": "ONCRMLEADADD", "EVENT_DATA": false}),
            json!({"ID": "10", "EVENT_NAME": "ONTASKDELETE", "EVENT_DATA":
                {"FIELDS_BEFORE": {"ID": 31}, "FIELDS_AFTER": "undefined"}}),
            record(11, "ONCRMDYNAMICITEMDELETE_31", "12", ""),
            record(12, "ONCRMDYNAMICITEMDELETE_147", "13", ""),
            json!({"ID": "13", "EVENT_NAME": "ONTASKDELETE", "EVENT_DATA": {"ID": 32}}),
        ]});
        let listed = json!([
            record(1, "ONCRMLEADUPDATE", "9", "p1"),
            record(5, "ONCRMLEADADD", "7", "p2")
        ]);
        let told = told(vec![Ok(taken), Ok(listed)]);
        assert_eq!(told.processes, ["p1", "p2"]);
        assert!(told.resumed);
        assert_eq!(
            told.objects,
            [
                (Entity::Lead, 9, Happened::Touched),
                (Entity::Lead, 7, Happened::Touched),
                (Entity::Deal, 7, Happened::Deleted),
                (Entity::Task, 31, Happened::Deleted),
                (Entity::Invoice, 12, Happened::Deleted),
            ]
        );
    }

    #[test]
    fn an_empty_or_refused_queue_tells_nothing() {
        let empty = json!({"process_id": null, "events": []});
        assert_eq!(told(vec![Ok(empty)]), Told::default());
        let error = BitrixError::own(Kind::NeedsHuman, "ACCESS_DENIED", "no".into(), "reading");
        for answer in [Err(error), Ok(json!({"events": "x"}))] {
            let failed = Told {
                failed: true,
                ..Told::default()
            };
            assert_eq!(told(vec![answer]), failed);
        }
    }

    #[test]
    fn records_are_reserved_where_that_can_be_had() {
        let shown = |reserve, resume| -> Vec<String> {
            let all = commands(Reading { reserve, resume });
            all.iter().map(Command::text).collect()
        };
        let take = "event.offline.get?order%5BID%5D=ASC&limit=1000";
        let list = "event.offline.list?filter%5B%21PROCESS_ID%5D=&order%5BID%5D=ASC";
        assert_eq!(shown(false, false), [take]);
        assert_eq!(
            shown(true, true),
            [format!("{take}&clear=0"), list.to_owned()]
        );
    }
}
