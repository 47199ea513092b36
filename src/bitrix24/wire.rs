//! Rows as the portal gives them: texts, nulls and numbers, nothing interpreted but ids and times.
//!
//! Old CRM methods give every scalar as a string, but fields may be missing when a right is
//! lacking, numbers come from some portals, and PHP writes an empty map as `[]` or `{}`.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::{BitrixError, FORM, Kind};

/// What is pulled record by record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// Leads.
    Lead,
    /// Deals.
    Deal,
}

impl Entity {
    /// Both, in the order in which they are loaded.
    pub const ALL: [Entity; 2] = [Entity::Lead, Entity::Deal];

    /// The word used for cursors and rejects.
    pub fn name(self) -> &'static str {
        match self {
            Entity::Lead => "lead",
            Entity::Deal => "deal",
        }
    }

    /// The list method.
    pub(super) fn list(self) -> &'static str {
        match self {
            Entity::Lead => "crm.lead.list",
            Entity::Deal => "crm.deal.list",
        }
    }

    /// The fields that reports need.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Entity::Lead => &[
                "ID",
                "DATE_CREATE",
                "DATE_MODIFY",
                "DATE_CLOSED",
                "STATUS_ID",
                "STATUS_SEMANTIC_ID",
                "SOURCE_ID",
                "OPPORTUNITY",
                "CURRENCY_ID",
                "ASSIGNED_BY_ID",
            ],
            Entity::Deal => &[
                "ID",
                "LEAD_ID",
                "CATEGORY_ID",
                "STAGE_ID",
                "STAGE_SEMANTIC_ID",
                "OPPORTUNITY",
                "CURRENCY_ID",
                "ASSIGNED_BY_ID",
                "SOURCE_ID",
                "DATE_CREATE",
                "DATE_MODIFY",
                "CLOSEDATE",
            ],
        }
    }
}

/// A row of `crm.lead.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct Lead {
    /// `ID`.
    #[serde(deserialize_with = "scalar")]
    pub id: Option<String>,
    /// `DATE_CREATE`, with the server's offset.
    #[serde(deserialize_with = "scalar")]
    pub date_create: Option<String>,
    /// `DATE_MODIFY`.
    #[serde(deserialize_with = "scalar")]
    pub date_modify: Option<String>,
    /// `DATE_CLOSED`, empty while open.
    #[serde(deserialize_with = "scalar")]
    pub date_closed: Option<String>,
    /// `STATUS_ID`.
    #[serde(deserialize_with = "scalar")]
    pub status_id: Option<String>,
    /// `STATUS_SEMANTIC_ID`: P, S or F.
    #[serde(deserialize_with = "scalar")]
    pub status_semantic_id: Option<String>,
    /// `SOURCE_ID`.
    #[serde(deserialize_with = "scalar")]
    pub source_id: Option<String>,
    /// `OPPORTUNITY`, a decimal.
    #[serde(deserialize_with = "scalar")]
    pub opportunity: Option<String>,
    /// `CURRENCY_ID`.
    #[serde(deserialize_with = "scalar")]
    pub currency_id: Option<String>,
    /// `ASSIGNED_BY_ID`.
    #[serde(deserialize_with = "scalar")]
    pub assigned_by_id: Option<String>,
}

/// A row of `crm.deal.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct Deal {
    /// `ID`.
    #[serde(deserialize_with = "scalar")]
    pub id: Option<String>,
    /// `LEAD_ID`, the lead it was made from.
    #[serde(deserialize_with = "scalar")]
    pub lead_id: Option<String>,
    /// `CATEGORY_ID`, the pipeline.
    #[serde(deserialize_with = "scalar")]
    pub category_id: Option<String>,
    /// `STAGE_ID`.
    #[serde(deserialize_with = "scalar")]
    pub stage_id: Option<String>,
    /// `STAGE_SEMANTIC_ID`: P, S or F.
    #[serde(deserialize_with = "scalar")]
    pub stage_semantic_id: Option<String>,
    /// `OPPORTUNITY`, a decimal.
    #[serde(deserialize_with = "scalar")]
    pub opportunity: Option<String>,
    /// `CURRENCY_ID`.
    #[serde(deserialize_with = "scalar")]
    pub currency_id: Option<String>,
    /// `ASSIGNED_BY_ID`.
    #[serde(deserialize_with = "scalar")]
    pub assigned_by_id: Option<String>,
    /// `SOURCE_ID`.
    #[serde(deserialize_with = "scalar")]
    pub source_id: Option<String>,
    /// `DATE_CREATE`.
    #[serde(deserialize_with = "scalar")]
    pub date_create: Option<String>,
    /// `DATE_MODIFY`.
    #[serde(deserialize_with = "scalar")]
    pub date_modify: Option<String>,
    /// `CLOSEDATE`: the closing, or the expected one of an open deal.
    #[serde(deserialize_with = "scalar")]
    pub closedate: Option<String>,
}

/// A lead or a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A lead.
    Lead(Lead),
    /// A deal.
    Deal(Deal),
}

impl Record {
    fn read(entity: Entity, row: Value) -> Result<Record, serde_json::Error> {
        Ok(match entity {
            Entity::Lead => Record::Lead(serde_json::from_value(row)?),
            Entity::Deal => Record::Deal(serde_json::from_value(row)?),
        })
    }

    /// The id, when it is one.
    pub fn id(&self) -> Option<u64> {
        let text = match self {
            Record::Lead(lead) => lead.id.as_deref(),
            Record::Deal(deal) => deal.id.as_deref(),
        };
        text.and_then(id)
    }

    /// When it was last changed, as far as told.
    pub fn modified(&self) -> Option<DateTime<FixedOffset>> {
        let text = match self {
            Record::Lead(lead) => lead.date_modify.as_deref(),
            Record::Deal(deal) => deal.date_modify.as_deref(),
        };
        text.and_then(time)
    }
}

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

/// A row of `user.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct User {
    /// `ID`.
    #[serde(deserialize_with = "scalar")]
    pub id: Option<String>,
    /// `ACTIVE`: a real boolean here; `true` when missing.
    #[serde(deserialize_with = "scalar")]
    pub active: Option<String>,
    /// `NAME`.
    #[serde(deserialize_with = "scalar")]
    pub name: Option<String>,
    /// `LAST_NAME`.
    #[serde(deserialize_with = "scalar")]
    pub last_name: Option<String>,
    /// `UF_DEPARTMENT`.
    #[serde(deserialize_with = "scalars")]
    pub uf_department: Vec<String>,
}

/// A row of `department.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct Department {
    /// `ID`.
    #[serde(deserialize_with = "scalar")]
    pub id: Option<String>,
    /// `NAME`.
    #[serde(deserialize_with = "scalar")]
    pub name: Option<String>,
    /// `PARENT`.
    #[serde(deserialize_with = "scalar")]
    pub parent: Option<String>,
    /// `UF_HEAD`.
    #[serde(deserialize_with = "scalar")]
    pub uf_head: Option<String>,
}

/// A row of `crm.status.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct Status {
    /// `ENTITY_ID`: which directory.
    #[serde(deserialize_with = "scalar")]
    pub entity_id: Option<String>,
    /// `STATUS_ID`: the code.
    #[serde(deserialize_with = "scalar")]
    pub status_id: Option<String>,
    /// `NAME`.
    #[serde(deserialize_with = "scalar")]
    pub name: Option<String>,
    /// `SORT`.
    #[serde(deserialize_with = "scalar")]
    pub sort: Option<String>,
    /// `SEMANTICS`: null, S or F.
    #[serde(deserialize_with = "scalar")]
    pub semantics: Option<String>,
    /// `EXTRA`.
    #[serde(deserialize_with = "extra")]
    pub extra: StatusExtra,
}

/// `EXTRA` of a status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct StatusExtra {
    /// `SEMANTICS`: process, success, failure or apology.
    #[serde(deserialize_with = "scalar")]
    pub semantics: Option<String>,
}

/// A row of `crm.category.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Category {
    /// `id`; 0 is the default pipeline.
    #[serde(deserialize_with = "scalar")]
    pub id: Option<String>,
    /// `name`.
    #[serde(deserialize_with = "scalar")]
    pub name: Option<String>,
}

/// A row of `crm.currency.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub struct Currency {
    /// `CURRENCY`: the ISO code.
    #[serde(deserialize_with = "scalar")]
    pub currency: Option<String>,
    /// `AMOUNT_CNT`.
    #[serde(deserialize_with = "scalar")]
    pub amount_cnt: Option<String>,
    /// `AMOUNT`, a decimal.
    #[serde(deserialize_with = "scalar")]
    pub amount: Option<String>,
    /// `BASE`: Y or N.
    #[serde(deserialize_with = "scalar")]
    pub base: Option<String>,
}

/// All directories; none where the portal refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Users.
    pub users: Option<Vec<User>>,
    /// Departments.
    pub departments: Option<Vec<Department>>,
    /// Statuses, stages, sources.
    pub statuses: Option<Vec<Status>>,
    /// Pipelines.
    pub categories: Option<Vec<Category>>,
    /// Currencies.
    pub currencies: Option<Vec<Currency>>,
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
pub(super) fn rows(answer: Value, within: &str, doing: &str) -> Result<Vec<Value>, BitrixError> {
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
pub(super) fn read_all<T: serde::de::DeserializeOwned>(rows: Vec<Value>) -> Vec<T> {
    rows.into_iter()
        .filter_map(|row| serde_json::from_value(row).ok())
        .collect()
}

/// Reads a row of leads or deals.
pub(super) fn record(entity: Entity, row: Value) -> Result<Record, Unreadable> {
    let id = row
        .get("ID")
        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let refuse = |id: Option<String>, reason: String| Unreadable {
        entity: entity.name(),
        id: id.unwrap_or_default(),
        reason,
    };
    if !row.is_object() {
        return Err(refuse(
            id,
            format!("a row was expected, {} came", form_of(&row)),
        ));
    }
    let record = Record::read(entity, row).map_err(|e| refuse(id.clone(), e.to_string()))?;
    match record.id() {
        Some(_) => Ok(record),
        None => Err(refuse(id, "ID is not a positive whole number".to_owned())),
    }
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

/// `EXTRA` may be missing, `[]` or null.
fn extra<'de, D: Deserializer<'de>>(input: D) -> Result<StatusExtra, D::Error> {
    let value = Value::deserialize(input)?;
    if value.is_object() {
        serde_json::from_value(value).map_err(serde::de::Error::custom)
    } else {
        Ok(StatusExtra::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_lead_row_of_the_documentation_is_read() {
        let row = json!({
            "ID": "5", "TITLE": "Lead 1", "COMPANY_ID": "0", "SOURCE_ID": "CALL",
            "STATUS_ID": "CONVERTED", "CURRENCY_ID": "USD", "OPPORTUNITY": "15000.00",
            "ASSIGNED_BY_ID": "1", "DATE_CREATE": "2021-05-31T15:10:16+02:00",
            "DATE_MODIFY": "2021-11-26T18:56:13+02:00", "DATE_CLOSED": "",
            "STATUS_SEMANTIC_ID": "S", "UTM_SOURCE": null, "UF_CRM_1708952993785": false
        });
        let Ok(Record::Lead(lead)) = record(Entity::Lead, row) else {
            panic!("not read")
        };
        assert_eq!(
            lead,
            Lead {
                id: some("5"),
                date_create: some("2021-05-31T15:10:16+02:00"),
                date_modify: some("2021-11-26T18:56:13+02:00"),
                date_closed: None,
                status_id: some("CONVERTED"),
                status_semantic_id: some("S"),
                source_id: some("CALL"),
                opportunity: some("15000.00"),
                currency_id: some("USD"),
                assigned_by_id: some("1"),
            }
        );
    }

    #[test]
    fn numbers_nulls_and_missing_fields_are_taken() {
        let row = json!({
            "ID": 37, "CATEGORY_ID": 1, "STAGE_ID": "C1:NEW", "OPPORTUNITY": 19999.99,
            "LEAD_ID": null, "DATE_MODIFY": "2024-09-02T18:37:18+0200", "CLOSEDATE": {}
        });
        let record = record(Entity::Deal, row).expect("read");
        assert_eq!(record.id(), Some(37));
        assert_eq!(
            record.modified().map(|t| t.to_rfc3339()),
            some("2024-09-02T18:37:18+02:00")
        );
        let Record::Deal(deal) = record else {
            panic!("a deal")
        };
        assert_eq!(
            (deal.opportunity, deal.category_id),
            (some("19999.99"), some("1"))
        );
        assert_eq!(
            (deal.lead_id, deal.closedate, deal.currency_id),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_no_row_is_set_aside_with_its_reason() {
        for (row, id) in [
            (json!(7), ""),
            (json!([]), ""),
            (json!({"TITLE": "x"}), ""),
            (json!({"ID": "0"}), "0"),
            (json!({"ID": "5a"}), "5a"),
        ] {
            let unreadable = record(Entity::Lead, row.clone()).expect_err("not a row");
            assert_eq!(
                (unreadable.entity, unreadable.id.as_str()),
                ("lead", id),
                "{row}"
            );
            assert!(!unreadable.reason.is_empty());
        }
    }

    #[test]
    fn lists_come_in_several_forms() {
        let row = json!({"id": 0, "name": "General"});
        for (answer, within, count) in [
            (json!([row]), "", 1),
            (json!([]), "", 0),
            (json!({}), "", 0),
            (json!(null), "", 0),
            (json!({"categories": [row, row]}), "categories", 2),
            (json!({"categories": []}), "categories", 0),
            (json!([]), "categories", 0),
            (json!({"0": row, "2": row}), "", 2),
        ] {
            let rows = rows(answer.clone(), within, "listing").expect("a list");
            assert_eq!(rows.len(), count, "{answer}");
        }
        for answer in [json!("<html>"), json!(false), json!({"a": 1}), json!(3)] {
            let error = rows(answer.clone(), "", "listing").expect_err("no list");
            assert_eq!(error.kind, Kind::Unreadable, "{answer}");
        }
    }

    #[test]
    fn directories_are_read() {
        let users: Vec<User> = read_all(vec![json!({
            "ID": "1", "ACTIVE": true, "NAME": "Vadim", "LAST_NAME": "Valeev",
            "TIMESTAMP_X": {}, "UF_DEPARTMENT": [1, "2"]
        })]);
        assert_eq!(users[0].uf_department, ["1", "2"]);
        assert_eq!(users[0].active.as_deref(), Some("true"));
        let users: Vec<User> = read_all(vec![json!({"ID": 2, "UF_DEPARTMENT": false}), json!(1)]);
        assert_eq!(users.len(), 1);
        let statuses: Vec<Status> = read_all(vec![
            json!({"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "APOLOGY", "NAME": "x", "SORT": "80",
                   "SEMANTICS": "F", "EXTRA": {"SEMANTICS": "apology", "COLOR": "#FF5752"}}),
            json!({"ENTITY_ID": "SOURCE", "STATUS_ID": "CALL", "NAME": "Call", "EXTRA": []}),
            json!({"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB", "NAME": "Web"}),
        ]);
        assert_eq!(statuses.len(), 3);
        assert_eq!(statuses[0].extra.semantics.as_deref(), Some("apology"));
    }
}
