//! Rows of the directories: people, departments, statuses, pipelines, currencies, fields.
//!
//! Shapes: `user.get`, `department.get`, `crm.status.list`, `crm.category.list`,
//! `crm.currency.list`, `crm.lead.fields`, `crm.deal.fields` of the REST documentation.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{scalar, scalar_text, scalars};

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
    /// Custom fields of leads.
    pub lead_fields: Option<Vec<CustomField>>,
    /// Custom fields of deals.
    pub deal_fields: Option<Vec<CustomField>>,
}

row! {
    /// A field of a card (`crm.lead.fields`, `crm.deal.fields`, `crm.item.fields`); only custom ones
    /// (`UF_…`) are kept.
    "camelCase" Field {
        /// The code, which is the key of the answer's map.
        code,
        /// `type`: `string`, `enumeration`, `money`, `employee`, …
        r#type,
        /// `listLabel`, the name that people see; `title` is the code again for custom fields.
        list_label,
        /// `isMultiple`.
        is_multiple,
    }
}

row! {
    /// A value that an enumeration field may hold.
    "SCREAMING_SNAKE_CASE" FieldValue {
        /// `ID`, which records hold.
        id,
        /// `VALUE`, which people see.
        value,
    }
}

/// A custom field with its dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomField {
    /// Itself.
    pub field: Field,
    /// What it may hold, when it is an enumeration.
    pub values: Vec<FieldValue>,
}

/// The custom fields of a map of fields; `crm.item.fields` wraps it in `fields` and names each
/// field's code in `upperName`.
pub fn custom_fields(answer: Value) -> Vec<CustomField> {
    let Value::Object(mut map) = answer else {
        return Vec::new();
    };
    if let Some(Value::Object(inner)) = map.remove("fields") {
        map = inner;
    }
    map.into_iter()
        .filter_map(|(code, field)| custom_field(code, field))
        .collect()
}

fn custom_field(code: String, field: Value) -> Option<CustomField> {
    let upper = field.get("upperName").and_then(Value::as_str);
    let code = upper.map_or(code, str::to_owned);
    if !code.to_ascii_uppercase().starts_with("UF_") {
        return None;
    }
    let items = field.get("items").cloned().unwrap_or_default();
    let mut read: Field = serde_json::from_value(field).ok()?;
    read.code = Some(code);
    let values = match items {
        Value::Array(items) => super::read_all(items),
        _ => Vec::new(),
    };
    Some(CustomField {
        field: read,
        values,
    })
}

/// A row of `crm.lead.userfield.list`, which tells the same of leads alone.
pub fn user_field(row: &Value) -> Option<CustomField> {
    let text = |key: &str| row.get(key).cloned().and_then(scalar_text);
    let field = Field {
        code: text("FIELD_NAME"),
        r#type: text("USER_TYPE_ID"),
        list_label: text("LIST_COLUMN_LABEL").or_else(|| text("EDIT_FORM_LABEL")),
        is_multiple: text("MULTIPLE").map(|flag| (flag == "Y").to_string()),
    };
    field.code.as_ref()?;
    let values = match row.get("LIST") {
        Some(Value::Array(items)) => super::read_all(items.clone()),
        _ => Vec::new(),
    };
    Some(CustomField { field, values })
}

/// `profile`: who the portal takes us for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// The user's id.
    pub id: Option<u64>,
    /// Whether he is an administrator.
    pub admin: Option<bool>,
}

/// Reads `profile`.
pub fn profile(answer: &Value) -> Profile {
    Profile {
        id: answer
            .get("ID")
            .cloned()
            .and_then(scalar_text)
            .and_then(|text| super::id(&text)),
        admin: answer.get("ADMIN").and_then(Value::as_bool),
    }
}

/// Reads `scope`: what the webhook or the application may do.
pub fn scopes(answer: &Value) -> Vec<String> {
    let list = answer.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A whole number, however it is written.
pub fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

/// Whether the tariff of `app.info` is Enterprise (`LICENSE_FAMILY`, or `LICENSE` of older portals).
pub fn is_enterprise(answer: &Value) -> bool {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    text("LICENSE_FAMILY") == "ent" || text("LICENSE").contains("_ent")
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
