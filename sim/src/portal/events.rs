//! Offline events: subscriptions of the application and the queue of what changed, one record for
//! each object and event, only the latest.

use serde_json::{Value, json};

use crate::company::{Company, time};

use super::State;
use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::field::Entity;
use super::list::PAGE_ROWS;
use super::params::Params;
use super::php;

/// Records that event.offline.get gives at most when nobody says how many.
const DEFAULT_LIMIT: usize = 50;

/// Events that can be subscribed to, and the scope that each belongs to. The documented list has the
/// events of each type of `crm.item.*` twice, for all types and with the type's number; 31 is that of
/// smart invoices.
const KNOWN: [(&str, &str); 11] = [
    ("ONOFFLINEEVENT", ""),
    ("ONCRMLEADADD", "crm"),
    ("ONCRMLEADUPDATE", "crm"),
    ("ONCRMLEADDELETE", "crm"),
    ("ONCRMDEALADD", "crm"),
    ("ONCRMDEALUPDATE", "crm"),
    ("ONCRMDEALDELETE", "crm"),
    ("ONCRMACTIVITYADD", "crm"),
    ("ONCRMACTIVITYDELETE", "crm"),
    ("ONCRMDYNAMICITEMDELETE_31", "crm"),
    ("ONTASKDELETE", "task"),
];

/// What happened to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Add,
    Update,
    Delete,
}

/// The name of an event.
pub(crate) fn name(entity: Entity, what: What) -> &'static str {
    match (entity, what) {
        (Entity::Lead, What::Add) => "ONCRMLEADADD",
        (Entity::Lead, What::Update) => "ONCRMLEADUPDATE",
        (Entity::Lead, What::Delete) => "ONCRMLEADDELETE",
        (Entity::Deal, What::Add) => "ONCRMDEALADD",
        (Entity::Deal, What::Update) => "ONCRMDEALUPDATE",
        (Entity::Deal, What::Delete) => "ONCRMDEALDELETE",
    }
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Handler {
    event: String,
    handler: String,
    user: u32,
    offline: bool,
    connector: String,
}

/// A record of the queue.
#[derive(Clone, Debug)]
struct Record {
    id: u64,
    /// Unix seconds.
    at: i64,
    event: &'static str,
    object: u32,
    process: String,
    error: bool,
    connector: String,
}

/// Subscriptions and queue of the application.
#[derive(Default)]
pub(crate) struct Events {
    handlers: Vec<Handler>,
    queue: Vec<Record>,
    last_id: u64,
    last_process: u64,
}

impl Events {
    /// Notes that something happened to a row; kept for each offline subscription to it.
    pub(crate) fn happened(&mut self, entity: Entity, what: What, object: u32, at: i64) {
        self.tell(name(entity, what), object, at);
    }

    /// Notes that a row of a ledger was deleted; of calls no event tells.
    pub(crate) fn deleted(&mut self, ledger: &str, object: u32, at: i64) {
        match ledger {
            "activity" => self.tell("ONCRMACTIVITYDELETE", object, at),
            "task" => self.tell("ONTASKDELETE", object, at),
            "invoice" => self.tell("ONCRMDYNAMICITEMDELETE_31", object, at),
            _ => {}
        }
    }

    fn tell(&mut self, event: &'static str, object: u32, at: i64) {
        let connectors: Vec<String> = self
            .handlers
            .iter()
            .filter(|handler| handler.offline && handler.event == event)
            .map(|handler| handler.connector.clone())
            .collect();
        for connector in connectors {
            // Only the latest state of an object is kept; what a process has reserved is its own.
            self.queue.retain(|old| {
                !(old.event == event
                    && old.object == object
                    && old.connector == connector
                    && old.process.is_empty())
            });
            self.last_id += 1;
            self.queue.push(Record {
                id: self.last_id,
                at,
                event,
                object,
                process: String::new(),
                error: false,
                connector,
            });
        }
    }
}

fn denied(text: &str) -> Refusal {
    Refusal::new(403, "ACCESS_DENIED", text)
}

/// event.bind.
pub(crate) fn bind(state: &State, caller: &Caller, params: &Params<'_>) -> Result<Answer, Refusal> {
    let event = params.text("event").unwrap_or_default().to_uppercase();
    let known = KNOWN.iter().find(|(name, _)| *name == event);
    if known.is_none_or(|(_, scope)| caller.need_scope(scope).is_err()) {
        return Err(Refusal::bad("ERROR_EVENT_NOT_FOUND", "Event not found"));
    }
    let offline = params.text("event_type").as_deref() == Some("offline");
    if offline && !caller.admin {
        return Err(denied(
            "Access denied! Offline events binding requires administrator access rights",
        ));
    }
    let user = params
        .number("auth_type")
        .and_then(|id| u32::try_from(id).ok())
        .unwrap_or(0);
    if user != 0 && user != caller.user && !caller.admin {
        return Err(denied(
            "Access denied! Event binding with AUTH_TYPE requires administrator access rights",
        ));
    }
    let handler = Handler {
        event,
        handler: params.text("handler").unwrap_or_default(),
        user,
        offline,
        connector: params.text("auth_connector").unwrap_or_default(),
    };
    let mut events = state.events();
    if events.handlers.contains(&handler) {
        let text = "Handler already binded";
        return Err(Refusal::bad("ERROR_EVENT_BINDING_EXISTS", text));
    }
    events.handlers.push(handler);
    Ok(Answer::of(&json!(true)))
}

/// event.unbind.
pub(crate) fn unbind(
    state: &State,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let event = params.text("event").unwrap_or_default().to_uppercase();
    let offline = params.text("event_type").as_deref() == Some("offline");
    if offline && !caller.admin {
        return Err(denied(
            "Access denied! Offline events unbinding requires administrator access rights",
        ));
    }
    let target = params.text("handler");
    let mut events = state.events();
    let before = events.handlers.len();
    events.handlers.retain(|handler| {
        let same = handler.event == event && handler.offline == offline;
        !(same
            && target
                .as_ref()
                .is_none_or(|target| offline || *target == handler.handler))
    });
    Ok(Answer::of(
        &json!({"count": before - events.handlers.len()}),
    ))
}

/// event.get.
pub(crate) fn handlers(state: &State, caller: &Caller) -> Answer {
    let events = state.events();
    let seen = events
        .handlers
        .iter()
        .filter(|handler| caller.admin || handler.user == caller.user);
    let rows: Vec<Value> = seen
        .map(|handler| {
            json!({
                "event": handler.event,
                "handler": handler.handler,
                "auth_type": handler.user.to_string(),
                "offline": i32::from(handler.offline),
            })
        })
        .collect();
    Answer::of(&Value::Array(rows))
}

/// events: those of the caller's scopes.
pub(crate) fn known(caller: &Caller) -> Answer {
    let own = KNOWN
        .iter()
        .filter(|(_, scope)| caller.need_scope(scope).is_ok());
    Answer::of(&own.map(|(name, _)| json!(name)).collect())
}

/// event.offline.get: takes records from the queue, or reserves them with `clear=0`.
pub(crate) fn take(
    state: &State,
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    need_admin(caller)?;
    let limit = params.number("limit").and_then(|n| usize::try_from(n).ok());
    let limit = limit.filter(|n| *n > 0).unwrap_or(DEFAULT_LIMIT);
    let clear = params.text("clear").is_none_or(|text| text != "0");
    let asked = params.text("process_id").unwrap_or_default();
    let errors = params.text("error").as_deref() == Some("1");
    let plain = !state.manners().event_data;
    let mut events = state.events();
    let connector = params.text("auth_connector").unwrap_or_default();
    let mut chosen = events.found(company, params, |record| {
        record.process == asked && record.error == errors && record.connector == connector
    });
    if params.get("order").is_none() {
        chosen.sort_by_key(|record| (record.at, record.id));
    }
    chosen.truncate(limit);
    let ids: Vec<u64> = chosen.iter().map(|record| record.id).collect();
    let rows: Vec<Value> = chosen
        .iter()
        .map(|record| shown(company, record, plain, false))
        .collect();
    let process = if clear {
        events.queue.retain(|record| !ids.contains(&record.id));
        Value::Null
    } else if ids.is_empty() {
        Value::Null
    } else {
        let process = if asked.is_empty() {
            events.last_process += 1;
            format!("{:032x}", events.last_process)
        } else {
            asked
        };
        for record in events
            .queue
            .iter_mut()
            .filter(|record| ids.contains(&record.id))
        {
            record.process.clone_from(&process);
        }
        json!(process)
    };
    Ok(Answer::of(&json!({"process_id": process, "events": rows})))
}

/// event.offline.list: looks without taking.
pub(crate) fn look(
    state: &State,
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    need_admin(caller)?;
    let plain = !state.manners().event_data;
    let connector = params.text("auth_connector").unwrap_or_default();
    let events = state.events();
    let found = events.found(company, params, |record| record.connector == connector);
    let total = found.len();
    let start = usize::try_from(params.number("start").unwrap_or(0)).unwrap_or(0);
    let rows: Vec<Value> = found
        .iter()
        .skip(start)
        .take(PAGE_ROWS)
        .map(|record| shown(company, record, plain, true))
        .collect();
    Ok(Answer {
        next: (start + PAGE_ROWS < total).then_some(start + PAGE_ROWS),
        ..Answer::list(&Value::Array(rows), total)
    })
}

/// event.offline.clear, and event.offline.error with `mark`.
pub(crate) fn settle(
    state: &State,
    caller: &Caller,
    params: &Params<'_>,
    mark: bool,
) -> Result<Answer, Refusal> {
    need_admin(caller)?;
    let process = params.text("process_id").filter(|text| !text.is_empty());
    let process = process.ok_or_else(|| Refusal::bad("PROCESS_ID_EMPTY", "Empty process_id"))?;
    let listed = |name: &str| -> Option<Vec<String>> {
        let list = params.get(name)?;
        Some(
            php::entries(list)
                .into_iter()
                .filter_map(|(_, v)| php::scalar(v))
                .collect(),
        )
    };
    let (ids, messages) = (listed("id"), listed("message_id"));
    let named = |record: &Record| {
        let id = record.id.to_string();
        match (&ids, &messages) {
            (Some(ids), _) => ids.contains(&id),
            (None, Some(messages)) => messages.contains(&id),
            (None, None) => true,
        }
    };
    let mut events = state.events();
    if mark {
        for record in &mut events.queue {
            record.error |= record.process == process && named(record);
        }
    } else {
        events
            .queue
            .retain(|record| !(record.process == process && named(record)));
    }
    Ok(Answer::of(&json!(true)))
}

fn need_admin(caller: &Caller) -> Result<(), Refusal> {
    if caller.admin {
        Ok(())
    } else {
        Err(denied("Access denied!"))
    }
}

impl Events {
    /// Records that fit the filter, ordered as asked, by id otherwise.
    fn found(
        &self,
        company: &Company,
        params: &Params<'_>,
        fits: impl Fn(&Record) -> bool,
    ) -> Vec<Record> {
        let all = self.queue.iter().filter(|record| fits(record));
        let rows = all.map(|record| {
            let mut row = shown(company, record, false, true);
            // Instants compare as numbers, whatever zone the operand is written in.
            row["TIMESTAMP_X"] = json!(record.at);
            (record.clone(), row)
        });
        let mut rows: Vec<(Record, Value)> = rows.collect();
        if let Some(filter) = params.get("filter") {
            let mut filter = filter.clone();
            if let Some(map) = filter.as_object_mut() {
                for (key, value) in map
                    .iter_mut()
                    .filter(|(key, _)| key.ends_with("TIMESTAMP_X"))
                {
                    let seconds = value
                        .as_str()
                        .and_then(|text| time::parse(company.zone, text));
                    tracing::trace!(key, ?seconds, "an instant of a filter");
                    *value = json!(seconds.unwrap_or(0));
                }
            }
            rows.retain(|(_, row)| super::directories::fits(row, Some(&filter)));
        }
        if let Some(order) = params.get("order") {
            for (field, way) in php::entries(order).into_iter().rev() {
                let key = |row: &Value| {
                    let text = row.get(&field).and_then(php::scalar).unwrap_or_default();
                    (php::intval(&text), text)
                };
                rows.sort_by_key(|(_, row)| key(row));
                if php::scalar(way).is_some_and(|way| way.eq_ignore_ascii_case("desc")) {
                    rows.reverse();
                }
            }
        }
        rows.into_iter().map(|(record, _)| record).collect()
    }
}

fn shown(company: &Company, record: &Record, plain: bool, whole: bool) -> Value {
    let id = record.object.to_string();
    let data = if plain {
        json!(false)
    } else if record.event.starts_with("ONTASK") {
        json!({"FIELDS_BEFORE": {"ID": id}, "FIELDS_AFTER": "undefined"})
    } else {
        json!({"FIELDS": {"ID": id}})
    };
    let mut row = json!({
        "ID": record.id.to_string(),
        "TIMESTAMP_X": time::text(company.zone, record.at),
        "EVENT_NAME": record.event,
        "EVENT_DATA": data,
        "EVENT_ADDITIONAL": false,
        "MESSAGE_ID": record.id.to_string(),
    });
    if whole {
        row["PROCESS_ID"] = json!(record.process);
        row["ERROR"] = json!(if record.error { "1" } else { "0" });
    }
    row
}
