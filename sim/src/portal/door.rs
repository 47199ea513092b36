//! The management door `/_sim/`: what was asked, faults, and changes that make the CRM live.
//! It needs no secret, because the simulator listens on loopback only.

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};

use crate::clock;
use crate::company::time;

use super::field::Entity;
use super::http::Reply;
use super::{Manners, State, change, php};

/// Answers a request to the door.
pub(crate) fn open(state: &State, verb: &Method, room: &str, query: &str, body: &Bytes) -> Reply {
    let outcome = if body.is_empty() {
        Ok(php::parse_query(query))
    } else {
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))
    };
    let outcome = outcome.and_then(|given| act(state, verb, room.trim_end_matches('/'), &given));
    match outcome {
        Ok(Some(answer)) => Reply::json(200, answer.to_string().into_bytes()),
        Ok(None) => {
            let error = json!({"error": format!(
                "{verb} /_sim/{room} is not there; known are GET requests, POST reset, POST and \
                 DELETE faults, POST settings, POST and DELETE lead, POST and DELETE deal"
            )});
            Reply::json(404, error.to_string().into_bytes())
        }
        Err(error) => Reply::json(400, json!({"error": error}).to_string().into_bytes()),
    }
}

/// The answer; nothing for an address that is not there.
fn act(state: &State, verb: &Method, room: &str, given: &Value) -> Result<Option<Value>, String> {
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
            settings(state, given)?;
            json!({"result": true})
        }
        ("POST", "lead" | "deal") => {
            let now = clock::now().timestamp();
            let mut company = state.company_mut();
            match given {
                Value::Array(list) => {
                    let ids = list
                        .iter()
                        .map(|one| change::put(&mut company, entity, one, now));
                    json!({"result": ids.collect::<Result<Vec<_>, _>>()?})
                }
                one => json!({"result": change::put(&mut company, entity, one, now)?}),
            }
        }
        ("DELETE", "lead" | "deal") => {
            json!({"result": change::remove(&mut state.company_mut(), entity, given)?})
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
                "server_time": time::text(company.zone, clock::now().timestamp()),
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn settings(state: &State, given: &Value) -> Result<(), String> {
    let map = given.as_object().ok_or("settings are an object")?;
    let mut manners: Manners = state.manners();
    for (key, value) in map {
        match key.as_str() {
            "mode" => {
                let mode = value.as_u64().and_then(|mode| u8::try_from(mode).ok());
                manners.mode = mode
                    .filter(|mode| matches!(mode, 1 | 2))
                    .ok_or("mode is 1 or 2")?;
            }
            "admin" => manners.admin = value.as_bool().ok_or("admin is true or false")?,
            "scope" => {
                let scope = php::entries(value)
                    .into_iter()
                    .filter_map(|(_, v)| php::scalar(v));
                manners.scope = scope.collect();
            }
            _ => return Err(format!("{key}: unknown; known are mode, admin, scope")),
        }
    }
    *state
        .manners
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = manners;
    Ok(())
}
