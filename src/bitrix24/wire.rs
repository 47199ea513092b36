//! Rows as the portal gives them: texts, nulls and numbers, nothing interpreted but ids and times.
//!
//! Old CRM methods give every scalar as a string, but fields may be missing when a right is
//! lacking, numbers come from some portals, and PHP writes an empty map as `[]` or `{}`. So every
//! scalar is read as a text, whatever it came as, and every field may be absent. What a row means
//! is told where it becomes a record (`sync/ingest.rs`).
//!
//! `list` says how each kind of record is listed, `card` holds leads, deals and invoices,
//! `trail` what happened to them, `catalogue` what products cost, `directory` what they refer to.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::{BitrixError, FORM, Kind};

/// A row whose fields are all scalars: a text each, none where it is absent, null or empty. The
/// literal is serde's name for the spelling of the portal's keys.
macro_rules! row {
    ($(#[$doc:meta])* $case:literal $name:ident {
        $($(#[$field_doc:meta])* $field:ident,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = $case, default)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[serde(deserialize_with = "crate::bitrix24::wire::scalar")]
                pub $field: Option<String>,
            )*
        }
    };
}

mod card;
mod catalogue;
mod directory;
mod list;
#[cfg(test)]
mod tests;
mod trail;

pub use card::{Deal, Invoice, Lead};
pub use catalogue::{Block, Product, blocks};
pub use directory::{
    Category, Currency, CustomField, Department, Directory, Field, FieldValue, Profile, Status,
    StatusExtra, User, custom_fields, is_enterprise, number, profile, scopes, user_field,
};
pub(super) use list::Listing;
pub use list::{Entity, Face, Record, record};
pub use trail::{Activity, Call, Payment, ProductRow, StageMove, Task, product_rows};

/// A row that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// `lead`, `deal`, `user`, …
    pub entity: &'static str,
    /// Its id as far as it can be seen.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// A positive whole number; `None` for everything else, zero included.
pub fn id(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|id| *id > 0)
}

/// A time with its offset.
pub fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"))
        .ok()
}

/// The rows of a list's answer; an empty PHP map counts as an empty list. `within` names the key
/// under which newer methods wrap the list.
///
/// # Errors
/// When it is no list: a web page's text, `false`, a map of something else.
pub fn rows(answer: Value, within: &str, doing: &str) -> Result<Vec<Value>, BitrixError> {
    let list = match answer {
        Value::Object(mut map) if !within.is_empty() => match map.remove(within) {
            Some(list) => list,
            None if map.is_empty() => return Ok(Vec::new()),
            None => Value::Object(map),
        },
        other => other,
    };
    match list {
        Value::Array(rows) => Ok(rows),
        Value::Null => Ok(Vec::new()),
        // PHP makes a map of a list whose keys have gaps.
        Value::Object(map) if map.values().all(Value::is_object) => {
            Ok(map.into_iter().map(|(_, row)| row).collect())
        }
        other => Err(BitrixError::own(
            Kind::Unreadable,
            FORM,
            format!("a list was expected, {} came", form_of(&other)),
            doing,
        )),
    }
}

/// Reads rows of a directory, leaving out what is not a row.
pub fn read_all<T: serde::de::DeserializeOwned>(rows: Vec<Value>) -> Vec<T> {
    rows.into_iter()
        .filter_map(|row| serde_json::from_value(row).ok())
        .collect()
}

/// Names the form of a value without its content, which may be personal.
pub(super) fn form_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// A scalar as text; null, an empty text, a list and a map are none.
fn scalar_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn scalar<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(input).map(scalar_text)
}

fn scalars<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Array(values) => values.into_iter().filter_map(scalar_text).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter_map(|(_, v)| scalar_text(v))
            .collect(),
        other => scalar_text(other).into_iter().collect(),
    })
}
