//! The management door `/_sim/`: what was asked, faults, and changes that make the CRM live.
//! It needs no secret, because the simulator listens on loopback only.

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};

use crate::company::time;

use super::events::What;
use super::field::Entity;
use super::http::Reply;
use super::{State, change, live, php, settings};

/// Answers a request to the door.
pub(crate) fn open(
    state: &State,
    verb: &Method,
    (base, room): (&str, &str),
    query: &str,
    body: &Bytes,
) -> Reply {
    let outcome = if body.is_empty() {
        Ok(php::parse_query(query))
    } else {
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))
    };
    let outcome =
        outcome.and_then(|given| act(state, verb, (base, room.trim_end_matches('/')), &given));
    match outcome {
        Ok(Some(answer)) => Reply::json(200, answer.to_string().into_bytes()),
        Ok(None) => {
            let error = json!({"error": format!(
                "{verb} /_sim/{room} is not there; known are GET requests, GET company, POST reset, \
                 POST and DELETE faults, POST settings, POST live, GET and POST oauth, POST and \
                 DELETE lead, POST and DELETE deal, DELETE call, activity, task and invoice, \
                 POST product"
            )});
            Reply::json(404, error.to_string().into_bytes())
        }
        Err(error) => Reply::json(400, json!({"error": error}).to_string().into_bytes()),
    }
}

/// The answer; nothing for an address that is not there.
fn act(
    state: &State,
    verb: &Method,
    (base, room): (&str, &str),
    given: &Value,
) -> Result<Option<Value>, String> {
    let entity = match room {
        "lead" => Entity::Lead,
        _ => Entity::Deal,
    };
    let answer = match (verb.as_str(), room) {
        ("GET", "requests") => state.journal().json(),
        ("POST", "reset") => {
            state.reset();
            json!({"result": true})
        }
        ("POST", "faults") => json!({"result": state.faults().add(given)?}),
        ("DELETE", "faults") => {
            state.faults().clear();
            json!({"result": true})
        }
        ("POST", "settings") => {
            settings::apply(state, given)?;
            json!({"result": true})
        }
        ("POST", "live") => json!({"result": live::happen(state, given)?}),
        ("GET", "oauth") => state.application(base),
        ("POST", "oauth") => json!({"result": state.oauth().change(given, state.seconds())?}),
        ("POST", "lead" | "deal") => match given {
            Value::Array(list) => {
                let ids = list.iter().map(|one| put(state, entity, one));
                json!({"result": ids.collect::<Result<Vec<_>, _>>()?})
            }
            one => json!({"result": put(state, entity, one)?}),
        },
        ("DELETE", "lead" | "deal") => {
            let gone = change::remove(&mut state.company_mut(), entity, given)?;
            for id in &gone {
                state.announce(entity, Some(What::Delete), *id);
            }
            json!({"result": gone.len()})
        }
        ("POST", "product") => {
            super::goods::price(&mut state.company_mut(), given)?;
            json!({"result": true})
        }
        ("DELETE", "call" | "activity" | "task" | "invoice") => {
            json!({"result": remove(state, room, given)?})
        }
        ("GET", "company") => {
            let company = state.company();
            let (leads, deals) = company.size();
            json!({
                "name": company.name(),
                "time_zone": company.zone().name(),
                "currency": company.base_currency,
                "leads": leads,
                "deals": deals,
                "last_day": company.last_day().to_string(),
                "server_time": time::text(company.zone, state.now().timestamp()),
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

/// Deletes calls, activities, tasks or invoices; how many were there.
fn remove(state: &State, room: &str, given: &Value) -> Result<usize, String> {
    let gone = change::remove_from_ledger(&mut state.company_mut(), room, given)?;
    let at = state.now().timestamp();
    for id in &gone {
        state.events().deleted(room, *id, at);
    }
    Ok(gone.len())
}

/// Creates or changes a row; its id.
fn put(state: &State, entity: Entity, given: &Value) -> Result<u32, String> {
    let now = state.now().timestamp();
    let changed = change::put(&mut state.company_mut(), entity, given, now)?;
    state.announce(entity, changed.what, changed.id);
    Ok(changed.id)
}
