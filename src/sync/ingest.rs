//! Wire to records: every row is parsed once; what cannot be read is set aside with its reason.

use std::collections::HashMap;

use crate::bitrix24::wire;
use crate::domain::calendar::Instant;
use crate::domain::crm::{
    Card, Category, Currency, CustomField, Deal, Department, Directory, Lead, Semantics, Status,
    User,
};
use crate::domain::money::Money;

mod phone;
#[cfg(test)]
mod tests;
mod trail;

pub use phone::PhoneKey;

/// A row set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// `lead`, `deal`, `user`, …
    pub entity: &'static str,
    /// Its id in the CRM, as far as it can be seen.
    pub id: String,
    /// Why it cannot be read.
    pub reason: String,
}

impl Reject {
    fn new(entity: &'static str, id: Option<&str>, reason: impl Into<String>) -> Reject {
        Reject {
            entity,
            id: id.unwrap_or_default().to_owned(),
            reason: reason.into(),
        }
    }
}

impl From<wire::Unreadable> for Reject {
    fn from(row: wire::Unreadable) -> Reject {
        Reject {
            entity: row.entity,
            id: row.id,
            reason: row.reason,
        }
    }
}

/// Reads records, given the directory that says what stages mean.
#[derive(Debug)]
pub struct Ingest {
    lead_statuses: HashMap<String, Semantics>,
    deal_stages: HashMap<String, Semantics>,
    invoice_stages: HashMap<String, Semantics>,
    base_currency: String,
    phone_key: PhoneKey,
}

/// The directory of lead statuses.
const LEAD_STATUSES: &str = "STATUS";
/// The directory of the default pipeline's stages; others end with the pipeline's id.
const DEAL_STAGES: &str = "DEAL_STAGE";
/// The directory of the stages of smart invoices; its name goes on with the pipeline's id.
const INVOICE_STAGES: &str = "SMART_INVOICE_STAGE";
/// The directory of sources.
const SOURCES: &str = "SOURCE";

impl Ingest {
    /// Prepares for rows that refer to this directory; phone numbers are marked with the key.
    pub fn new(directory: &Directory, phone_key: PhoneKey) -> Ingest {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let statuses = directory
                .statuses
                .iter()
                .filter(|status| wanted(&status.entity));
            statuses
                .filter_map(|s| Some((s.code.clone(), s.semantics?)))
                .collect()
        };
        let base = directory.currencies.iter().find(|currency| currency.base);
        Ingest {
            lead_statuses: of(&|entity| entity == LEAD_STATUSES),
            deal_stages: of(&is_deal_stages),
            invoice_stages: of(&|entity| entity.starts_with(INVOICE_STAGES)),
            base_currency: base
                .map(|currency| currency.code.clone())
                .unwrap_or_default(),
            phone_key,
        }
    }

    /// Reads a lead.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn lead(&self, row: &wire::Lead) -> Result<Lead, Reject> {
        let reject = |reason: String| Reject::new("lead", row.id.as_deref(), reason);
        let id = need_id(row.id.as_deref()).map_err(reject)?;
        let created = need_time(row.date_create.as_deref(), "DATE_CREATE").map_err(reject)?;
        let modified = time(row.date_modify.as_deref(), "DATE_MODIFY").map_err(reject)?;
        let closed = time(row.date_closed.as_deref(), "DATE_CLOSED").map_err(reject)?;
        let status = need(row.status_id.as_deref(), "STATUS_ID").map_err(reject)?;
        let told = row.status_semantic_id.as_deref();
        let semantics = semantics(told, status, &self.lead_statuses).map_err(reject)?;
        Ok(Lead {
            id,
            created,
            modified: modified.unwrap_or(created),
            closed: closed.filter(|_| semantics != Semantics::InWork),
            status: status.to_owned(),
            semantics,
            source: text(row.source_id.as_deref()),
            amount: amount(row.opportunity.as_deref()).map_err(reject)?,
            currency: self.currency(row.currency_id.as_deref()),
            responsible: row
                .assigned_by_id
                .as_deref()
                .and_then(wire::id)
                .unwrap_or(0),
        })
    }

    /// Reads a deal.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn deal(&self, row: &wire::Deal) -> Result<Deal, Reject> {
        let reject = |reason: String| Reject::new("deal", row.id.as_deref(), reason);
        let id = need_id(row.id.as_deref()).map_err(reject)?;
        let created = need_time(row.date_create.as_deref(), "DATE_CREATE").map_err(reject)?;
        let modified = time(row.date_modify.as_deref(), "DATE_MODIFY").map_err(reject)?;
        let closed = time(row.closedate.as_deref(), "CLOSEDATE").map_err(reject)?;
        let stage = need(row.stage_id.as_deref(), "STAGE_ID").map_err(reject)?;
        let told = row.stage_semantic_id.as_deref();
        let semantics = semantics(told, stage, &self.deal_stages).map_err(reject)?;
        Ok(Deal {
            id,
            lead: row.lead_id.as_deref().and_then(wire::id),
            category: category(row.category_id.as_deref()).map_err(reject)?,
            stage: stage.to_owned(),
            semantics,
            amount: amount(row.opportunity.as_deref()).map_err(reject)?,
            currency: self.currency(row.currency_id.as_deref()),
            responsible: row
                .assigned_by_id
                .as_deref()
                .and_then(wire::id)
                .unwrap_or(0),
            source: text(row.source_id.as_deref()),
            created,
            modified: modified.unwrap_or(created),
            closed,
        })
    }

    /// A record without a currency is in the base currency.
    fn currency(&self, code: Option<&str>) -> String {
        text(code).unwrap_or_else(|| self.base_currency.clone())
    }
}

fn is_deal_stages(entity: &str) -> bool {
    entity
        .strip_prefix(DEAL_STAGES)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// A text; null, `""` and `"0"` are none.
fn text(value: Option<&str>) -> Option<String> {
    let value = value?.trim();
    (!value.is_empty() && value != "0").then(|| value.to_owned())
}

fn need<'a>(value: Option<&'a str>, field: &str) -> Result<&'a str, String> {
    match value.map(str::trim) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("{field} is missing")),
    }
}

fn need_id(value: Option<&str>) -> Result<u64, String> {
    value
        .and_then(wire::id)
        .ok_or_else(|| "ID is not a positive whole number".to_owned())
}

/// An instant; null, `""` and `"0"` are none, anything else unreadable is an error.
fn time(value: Option<&str>, field: &str) -> Result<Option<Instant>, String> {
    let Some(value) = text(value) else {
        return Ok(None);
    };
    match wire::time(&value) {
        Some(time) => Ok(Some(time.to_utc())),
        None => Err(format!(
            "{field} is not a time with an offset: {}",
            shown(&value)
        )),
    }
}

fn need_time(value: Option<&str>, field: &str) -> Result<Instant, String> {
    time(value, field)?.ok_or_else(|| format!("{field} is missing"))
}

/// An amount; none and zero count as not given.
fn amount(value: Option<&str>) -> Result<Option<Money>, String> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match Money::parse(value) {
        Ok(money) => Ok(Some(money).filter(|money| *money != Money::ZERO)),
        Err(error) => Err(format!(
            "OPPORTUNITY {} is not an amount: {error}",
            shown(value)
        )),
    }
}

fn category(value: Option<&str>) -> Result<u64, String> {
    let Some(value) = text(value) else {
        return Ok(0);
    };
    let number = value.parse();
    number.map_err(|_| format!("CATEGORY_ID is not a whole number: {}", shown(&value)))
}

/// What a stage means: as told with the record, otherwise as its directory says.
fn semantics(
    told: Option<&str>,
    code: &str,
    directory: &HashMap<String, Semantics>,
) -> Result<Semantics, String> {
    match told.map(str::trim) {
        Some("P") => Ok(Semantics::InWork),
        Some("S") => Ok(Semantics::Success),
        Some("F") => Ok(Semantics::Failure),
        _ => directory.get(code).copied().ok_or_else(|| {
            format!(
                "what the stage {} means is told neither here nor in the directory",
                shown(code)
            )
        }),
    }
}

/// The beginning of a text from outside, for a reason that people read.
fn shown(value: &str) -> String {
    const CHARACTERS: usize = 40;
    let mut text: String = value.chars().take(CHARACTERS).collect();
    if value.chars().nth(CHARACTERS).is_some() {
        text.push('…');
    }
    format!("“{text}”")
}

/// Reads the directories. What the portal refused this time is taken from `before`.
pub fn directory(rows: wire::Directory, before: Directory) -> (Directory, Vec<Reject>) {
    let mut rejects = Vec::new();
    let mut read = Directory {
        users: part(rows.users, before.users, &mut rejects, user),
        departments: part(
            rows.departments,
            before.departments,
            &mut rejects,
            department,
        ),
        statuses: match rows.statuses {
            Some(rows) => rows.into_iter().filter_map(status).collect(),
            None => before.statuses,
        },
        categories: part(rows.categories, before.categories, &mut rejects, pipeline),
        currencies: part(rows.currencies, before.currencies, &mut rejects, currency),
        fields: fields(rows.lead_fields, rows.deal_fields, before.fields),
    };
    // A currency told twice counts once, and as the base one if it is that somewhere.
    read.currencies.sort_by_key(|currency| !currency.base);
    let mut known = Vec::new();
    read.currencies.retain(|currency| {
        let new = !known.contains(&currency.code);
        known.push(currency.code.clone());
        new
    });
    (read, rejects)
}

fn part<W, R>(
    rows: Option<Vec<W>>,
    before: Vec<R>,
    rejects: &mut Vec<Reject>,
    read: impl Fn(W) -> Result<R, Reject>,
) -> Vec<R> {
    let Some(rows) = rows else { return before };
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(record) => records.push(record),
            Err(reject) => rejects.push(reject),
        }
    }
    records
}

/// Custom fields of both cards; where the portal refused those of one, they stay as they were.
fn fields(
    leads: Option<Vec<wire::CustomField>>,
    deals: Option<Vec<wire::CustomField>>,
    before: Vec<CustomField>,
) -> Vec<CustomField> {
    let mut all = Vec::new();
    for (card, rows) in [(Card::Lead, leads), (Card::Deal, deals)] {
        match rows {
            Some(rows) => all.extend(rows.into_iter().filter_map(|row| field(card, row))),
            None => all.extend(before.iter().filter(|field| field.card == card).cloned()),
        }
    }
    all
}

fn field(card: Card, row: wire::CustomField) -> Option<CustomField> {
    let code = row.field.code?;
    let values = row.values.into_iter();
    Some(CustomField {
        card,
        name: text(row.field.list_label.as_deref()).unwrap_or_else(|| code.clone()),
        code,
        kind: row.field.r#type.unwrap_or_default(),
        multiple: row.field.is_multiple.as_deref() == Some("true"),
        values: values
            .filter_map(|value| Some((value.id?, value.value.unwrap_or_default())))
            .collect(),
    })
}

fn user(row: wire::User) -> Result<User, Reject> {
    let reject = |reason: String| Reject::new("user", row.id.as_deref(), reason);
    let id = need_id(row.id.as_deref()).map_err(reject)?;
    let parts = [row.name.as_deref(), row.last_name.as_deref()];
    let parts: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let name = if parts.is_empty() {
        format!("#{id}")
    } else {
        parts.join(" ")
    };
    Ok(User {
        id,
        name,
        active: !matches!(row.active.as_deref(), Some("false" | "N" | "0")),
        departments: row
            .uf_department
            .iter()
            .filter_map(|text| wire::id(text))
            .collect(),
    })
}

fn department(row: wire::Department) -> Result<Department, Reject> {
    let id = need_id(row.id.as_deref())
        .map_err(|reason| Reject::new("department", row.id.as_deref(), reason))?;
    Ok(Department {
        id,
        name: text(row.name.as_deref()).unwrap_or_else(|| format!("#{id}")),
        parent: row.parent.as_deref().and_then(wire::id),
        head: row.uf_head.as_deref().and_then(wire::id),
    })
}

/// Keeps lead statuses, deal stages and sources; the portal has many more directories.
fn status(row: wire::Status) -> Option<Status> {
    let entity = row.entity_id?;
    let has_semantics =
        entity == LEAD_STATUSES || is_deal_stages(&entity) || entity.starts_with(INVOICE_STAGES);
    if !has_semantics && entity != SOURCES {
        return None;
    }
    let code = row.status_id?;
    let told = row.extra.semantics.as_deref().or(row.semantics.as_deref());
    let semantics = match told {
        Some("success" | "S") => Semantics::Success,
        Some("failure" | "apology" | "F") => Semantics::Failure,
        _ => Semantics::InWork,
    };
    Some(Status {
        entity,
        name: row
            .name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| code.clone()),
        code,
        semantics: has_semantics.then_some(semantics),
        sort: row
            .sort
            .as_deref()
            .and_then(|sort| sort.parse().ok())
            .unwrap_or_default(),
    })
}

fn pipeline(row: wire::Category) -> Result<Category, Reject> {
    // Zero is a good id here: the default pipeline's.
    let Some(id) = row.id.as_deref().and_then(|id| id.parse().ok()) else {
        return Err(Reject::new(
            "category",
            row.id.as_deref(),
            "id is not a whole number",
        ));
    };
    Ok(Category {
        id,
        name: text(row.name.as_deref()).unwrap_or_else(|| format!("#{id}")),
    })
}

fn currency(row: wire::Currency) -> Result<Currency, Reject> {
    let reject = |reason: String| Reject::new("currency", row.currency.as_deref(), reason);
    let code = need(row.currency.as_deref(), "CURRENCY")
        .map_err(reject)?
        .to_owned();
    let amount = need(row.amount.as_deref(), "AMOUNT").map_err(reject)?;
    let amount = Money::parse(amount).map_err(|error| {
        reject(format!(
            "AMOUNT {} is not an amount: {error}",
            shown(amount)
        ))
    })?;
    let count = row.amount_cnt.as_deref().unwrap_or("1");
    let count = wire::id(count).ok_or_else(|| {
        reject(format!(
            "AMOUNT_CNT is not a positive number: {}",
            shown(count)
        ))
    })?;
    Ok(Currency {
        code,
        amount,
        count,
        base: row.base.as_deref() == Some("Y"),
    })
}
