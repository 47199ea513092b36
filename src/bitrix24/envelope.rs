//! What comes back: an envelope with a result, an error, or neither.
//!
//! A web page, an empty body and one that ends early are never "no rows": they are errors that pass.
//! `result` decides nothing while `error` is there, and a batch's answer is taken apart by our keys,
//! because PHP turns its maps into lists and empty ones into `[]`.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::command::{Command, key};
use super::error::{BitrixError, FORM, HTML, Kind, TIMEOUT, TRUNCATED};
use super::wire::{form_of, number, time};

/// The good answer to one request.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) result: Value,
    /// The `time` block, `null` when it is missing.
    pub(super) time: Value,
    /// How long the request took, without the wait for its turn.
    pub(super) took: Duration,
}

/// A bad answer: the error, and the `time` block that may come with it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: BitrixError,
    pub(super) time: Value,
}

/// The answer to a batch, in the order of its commands.
#[derive(Debug)]
pub(super) struct BatchAnswer {
    /// The result of each command.
    pub(super) answers: Vec<Result<Value, BitrixError>>,
    /// The start of the next page, where the portal has told one.
    pub(super) nexts: Vec<Option<u64>>,
    /// The count of all rows, where the portal has told one.
    pub(super) totals: Vec<Option<u64>>,
    /// The `time` block of each command, `null` where it is missing.
    pub(super) times: Vec<Value>,
    /// When the portal began, by its own clock.
    pub(super) began: Option<DateTime<FixedOffset>>,
    /// How long the request took, without the wait for its turn.
    pub(super) took: Duration,
}

/// Reads a body.
///
/// # Errors
/// The portal's error by its code, whatever the status says; else what is wrong with the body.
pub(super) fn read(
    status: StatusCode,
    bytes: &[u8],
    doing: &str,
) -> Result<Envelope, Box<Refusal>> {
    let refuse = |error, time| Err(Box::new(Refusal { error, time }));
    let mut body: Value = match serde_json::from_slice(bytes) {
        Ok(body) => body,
        Err(error) => return refuse(not_json(status, bytes, &error, doing), Value::Null),
    };
    let time = body.get_mut("time").map(Value::take).unwrap_or_default();
    if body.get("error").is_some() {
        return refuse(BitrixError::from_body(&body, doing), time);
    }
    if !status.is_success() {
        let kind = if status.is_server_error() {
            Kind::Transient
        } else {
            Kind::Permanent
        };
        let text = format!("status {} without an error code", status.as_u16());
        return refuse(BitrixError::own(kind, FORM, text, doing), time);
    }
    match body.get_mut("result") {
        Some(result) => Ok(Envelope {
            result: result.take(),
            time,
            took: Duration::ZERO,
        }),
        None => {
            let what = format!("{} without result and error came", form_of(&body));
            refuse(unreadable(&what, doing), time)
        }
    }
}

/// Takes a batch's answer apart.
///
/// # Errors
/// When it has not a batch's form; what went wrong with single commands is told with each.
pub(super) fn split(
    commands: &[Command],
    envelope: Envelope,
    doing: &str,
) -> Result<BatchAnswer, BitrixError> {
    let Value::Object(mut parts) = envelope.result else {
        return Err(unreadable("a batch's result is not a map", doing));
    };
    let mut part = |name: &str| php_map(parts.remove(name), name, doing);
    let (mut results, mut errors) = (part("result")?, part("result_error")?);
    let (nexts, totals) = (part("result_next")?, part("result_total")?);
    let mut times = part("result_time")?;
    let mut answer = BatchAnswer {
        answers: Vec::with_capacity(commands.len()),
        nexts: Vec::with_capacity(commands.len()),
        totals: Vec::with_capacity(commands.len()),
        times: Vec::with_capacity(commands.len()),
        began: began(&envelope.time),
        took: envelope.took,
    };
    for (n, command) in commands.iter().enumerate() {
        let key = key(n);
        answer.times.push(times.remove(&key).unwrap_or_default());
        answer.nexts.push(nexts.get(&key).and_then(number));
        answer.totals.push(totals.get(&key).and_then(number));
        let doing = format!("calling {}", command.method());
        answer
            .answers
            .push(match (errors.remove(&key), results.remove(&key)) {
                (Some(error), _) => Err(BitrixError::from_body(&wrapped(error), &doing)),
                (None, Some(result)) => Ok(result),
                (None, None) => Err(BitrixError::own(
                    Kind::Transient,
                    TRUNCATED,
                    "the batch's answer leaves the command out".to_owned(),
                    &doing,
                )),
            });
    }
    Ok(answer)
}

/// When the portal began to work on it, by its own clock.
fn began(block: &Value) -> Option<DateTime<FixedOffset>> {
    block
        .get("date_start")
        .and_then(Value::as_str)
        .and_then(time)
}

/// What to think of a body that is not JSON. Its text is not shown: it may be anything.
fn not_json(
    status: StatusCode,
    bytes: &[u8],
    error: &serde_json::Error,
    doing: &str,
) -> BitrixError {
    let status_number = status.as_u16();
    if matches!(
        status,
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT
    ) {
        let text = format!("the portal ran out of time (status {status_number})");
        return BitrixError::own(Kind::Transient, TIMEOUT, text, doing);
    }
    let begins_with = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins_with == Some(&b'<') || status.is_server_error() {
        let text = format!("a web page came instead of data (status {status_number})");
        return BitrixError::own(Kind::Transient, HTML, text, doing);
    }
    if error.is_eof() {
        let text = format!("the answer ended early (status {status_number})");
        return BitrixError::own(Kind::Transient, TRUNCATED, text, doing);
    }
    unreadable(
        &format!("the answer is not JSON (status {status_number})"),
        doing,
    )
}

pub(super) fn unreadable(what: &str, doing: &str) -> BitrixError {
    BitrixError::own(Kind::Unreadable, FORM, what.to_owned(), doing)
}

/// A map as PHP writes it: an empty one is `[]`.
fn php_map(
    value: Option<Value>,
    name: &str,
    doing: &str,
) -> Result<Map<String, Value>, BitrixError> {
    match value {
        Some(Value::Object(map)) => Ok(map),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Some(other) => Err(unreadable(
            &format!("a batch's {name} is {}", form_of(&other)),
            doing,
        )),
    }
}

/// An entry of `result_error` is usually a map, sometimes only the code.
fn wrapped(error: Value) -> Value {
    if error.is_object() {
        error
    } else {
        json!({"error": error})
    }
}
