//! Directories: statuses, pipelines, currencies, custom fields, people, departments, and who the
//! caller is.

use serde_json::{Value, json};

use crate::clock;
use crate::company::custom::UserField;
use crate::company::{Company, Status, User, time};

use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::condition::{Op, is_between, split_key};
use super::list::PAGE_ROWS;
use super::params::Params;
use super::php;

/// Keeps the rows that fit a filter of the form of crm.*.list; unknown names are ignored.
fn filtered(mut rows: Vec<Value>, filter: Option<&Value>) -> Vec<Value> {
    rows.retain(|row| fits(row, filter));
    rows
}

/// Whether a row of JSON fits a filter.
pub(crate) fn fits(row: &Value, filter: Option<&Value>) -> bool {
    let Some(filter) = filter else { return true };
    let conditions = php::entries(filter);
    conditions.iter().all(|(key, wanted)| {
        let (name, op) = split_key(key);
        let Some(have) = row.get(name) else {
            return true;
        };
        let have: Vec<String> = match have {
            Value::Array(list) => list.iter().filter_map(php::scalar).collect(),
            one => php::scalar(one).into_iter().collect(),
        };
        let wanted: Vec<String> = if php::is_array(wanted) {
            php::entries(wanted)
                .into_iter()
                .filter_map(|(_, v)| php::scalar(v))
                .collect()
        } else {
            php::scalar(wanted)
                .into_iter()
                .map(|text| yes_no(&text))
                .collect()
        };
        let number = |texts: &[String]| texts.first().map_or(0, |text| php::intval(text));
        match op {
            Op::Equal => have.iter().any(|text| wanted.contains(text)),
            Op::Unequal => !have.iter().any(|text| wanted.contains(text)),
            Op::Above => number(&have) > number(&wanted),
            Op::AtLeast => number(&have) >= number(&wanted),
            Op::Below => number(&have) < number(&wanted),
            Op::AtMost => number(&have) <= number(&wanted),
            Op::Like => have
                .iter()
                .any(|text| wanted.iter().any(|w| text.contains(w))),
            Op::Unlike => !have
                .iter()
                .any(|text| wanted.iter().any(|w| text.contains(w))),
            Op::Between | Op::Outside => {
                let ends: Vec<i64> = wanted.iter().map(|text| php::intval(text)).collect();
                is_between(&number(&have), &ends) == (op == Op::Between)
            }
        }
    })
}

/// `true` and `false` as PHP compares them with `1` and the empty text.
fn yes_no(text: &str) -> String {
    match text {
        "true" | "Y" => "1".to_owned(),
        "false" | "N" => String::new(),
        other => other.to_owned(),
    }
}

/// Sorts rows by a field, numbers by value.
fn sorted(mut rows: Vec<Value>, field: &str, down: bool) -> Vec<Value> {
    let key = |row: &Value| {
        let text = row.get(field).and_then(php::scalar).unwrap_or_default();
        (php::intval(&text), text)
    };
    rows.sort_by_key(key);
    if down {
        rows.reverse();
    }
    rows
}

pub(crate) fn statuses(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let filter = params.get("filter");
    if filter.is_some_and(|filter| !php::is_array(filter)) {
        return Err(Refusal::bad(
            "Invalid parameters.",
            "Incorrect parameters passed.",
        ));
    }
    let rows = company.statuses.iter().map(status).collect();
    let mut rows = filtered(rows, filter);
    for (field, way) in params
        .get("order")
        .map(php::entries)
        .unwrap_or_default()
        .iter()
        .rev()
    {
        let down = php::scalar(way).is_some_and(|way| way.eq_ignore_ascii_case("desc"));
        rows = sorted(rows, field, down);
    }
    let total = rows.len();
    Ok(Answer::list(&Value::Array(rows), total))
}

fn status(status: &Status) -> Value {
    let mut row = json!({
        "ID": status.id.to_string(),
        "ENTITY_ID": status.entity,
        "STATUS_ID": status.code,
        "NAME": status.name,
        "NAME_INIT": if status.system { status.name.as_str() } else { "" },
        "SORT": status.sort.to_string(),
        "SYSTEM": if status.system { "Y" } else { "N" },
        "CATEGORY_ID": status.category.map(|id| id.to_string()),
    });
    if !status.group.is_empty() {
        let color = match status.group.as_str() {
            "success" => "#7BD500",
            "failure" | "apology" => "#FF5752",
            _ => "#39A8EF",
        };
        row["COLOR"] = json!(color);
        row["SEMANTICS"] = json!(status.semantics.map(String::from));
        row["EXTRA"] = json!({"SEMANTICS": status.group, "COLOR": color});
    }
    row
}

pub(crate) fn categories(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    match params.number("entityTypeId") {
        Some(2) => {}
        Some(31) => return Ok(invoice_pipeline()),
        Some(1) => {
            let text = "Категории не поддерживаются";
            return Err(Refusal::bad("ENTITY_TYPE_NOT_SUPPORTED", text));
        }
        None => {
            return Err(Refusal::bad(
                "100",
                "Could not find value for parameter {entityTypeId}",
            ));
        }
        Some(_) => return Err(Refusal::bad("NOT_FOUND", "Smart process not found")),
    }
    // Pipelines that the caller may not read are not there at all.
    let seen = company
        .categories
        .iter()
        .filter(|category| caller.sight.pipeline(category.id));
    let mut all: Vec<_> = seen.collect();
    all.sort_by_key(|category| (category.sort, category.id));
    let rows: Vec<Value> = all
        .into_iter()
        .map(|category| {
            let mut row = json!({
                "id": category.id,
                "name": category.name,
                "sort": category.sort,
                "entityTypeId": 2,
                "isDefault": if category.id == 0 { "Y" } else { "N" },
            });
            // The default pipeline lacks both keys, as observed.
            if category.id != 0 {
                row["originId"] = json!("");
                row["originatorId"] = json!("");
            }
            row
        })
        .collect();
    let total = rows.len();
    Ok(Answer::list(&json!({"categories": rows}), total))
}

pub(crate) fn currencies(company: &Company) -> Answer {
    let rows: Vec<Value> = company
        .currencies
        .iter()
        .map(|currency| {
            let base = currency.code == company.base_currency;
            json!({
                "CURRENCY": currency.code,
                "AMOUNT_CNT": currency.count,
                "AMOUNT": currency.amount,
                "SORT": currency.sort.to_string(),
                "BASE": if base { "Y" } else { "N" },
                "FULL_NAME": currency.name,
                "LID": "ru",
                "FORMAT_STRING": format!("# {}", currency.code),
                "DEC_POINT": ".",
                "THOUSANDS_SEP": "&nbsp;",
                "DECIMALS": "2",
                "DATE_UPDATE": time::text(company.zone, clock::now().timestamp() - 86_400),
            })
        })
        .collect();
    // The total of this method is always 0.
    Answer::list(&Value::Array(rows), 0)
}

/// A page of directory rows, with total and next.
pub(crate) fn paged(rows: Vec<Value>, start: i64) -> Answer {
    let total = rows.len();
    let from = usize::try_from(start).unwrap_or(0);
    let page: Vec<Value> = rows.into_iter().skip(from).take(PAGE_ROWS).collect();
    let counted = start >= 0;
    Answer {
        next: (counted && from + PAGE_ROWS < total).then_some(from + PAGE_ROWS),
        ..Answer::list(&Value::Array(page), if counted { total } else { 0 })
    }
}

pub(crate) fn users(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let rows = company.users.iter().map(user).collect();
    let mut rows = filtered(rows, params.get("filter"));
    // The old form: conditions beside the other parameters.
    for name in [
        "ID",
        "ACTIVE",
        "UF_DEPARTMENT",
        "USER_TYPE",
        "NAME",
        "LAST_NAME",
        "EMAIL",
    ] {
        if let Some(value) = params.get(name) {
            rows = filtered(rows, Some(&json!({ name: value })));
        }
    }
    let field = params.text("sort").unwrap_or_else(|| "ID".to_owned());
    let down = params
        .text("order")
        .is_some_and(|way| way.eq_ignore_ascii_case("desc"));
    let rows = sorted(rows, &field, down);
    Ok(paged(rows, params.number("start").unwrap_or(0)))
}

fn user(user: &User) -> Value {
    json!({
        "ID": user.id.to_string(),
        "ACTIVE": user.active,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "SECOND_NAME": user.second_name,
        "EMAIL": user.email,
        "LAST_LOGIN": "",
        "DATE_REGISTER": user.registered,
        "TIME_ZONE": "",
        "IS_ONLINE": "N",
        "TIMESTAMP_X": {},
        "LAST_ACTIVITY_DATE": {},
        "PERSONAL_GENDER": user.gender,
        "PERSONAL_WWW": "",
        "PERSONAL_BIRTHDAY": "",
        "PERSONAL_MOBILE": "",
        "PERSONAL_CITY": "",
        "WORK_PHONE": "",
        "WORK_POSITION": user.position,
        "UF_EMPLOYMENT_DATE": "",
        "UF_DEPARTMENT": user.departments,
        "USER_TYPE": "employee",
    })
}

/// The caller as a person; an integrator when the company has nobody of that id.
fn person(company: &Company, id: u32) -> User {
    let known = company.users.iter().find(|user| user.id == id).cloned();
    known.unwrap_or_else(|| User {
        id,
        name: "Admin".to_owned(),
        active: true,
        departments: vec![1],
        ..User::default()
    })
}

/// user.current.
pub(crate) fn current_user(company: &Company, caller: &Caller) -> Value {
    let mut row = user(&person(company, caller.user));
    // A text here, an empty map in user.get: both are documented.
    let local = clock::now().with_timezone(&company.zone);
    row["LAST_ACTIVITY_DATE"] = json!(local.format("%Y-%m-%d %H:%M:%S").to_string());
    row
}

/// profile.
pub(crate) fn profile(company: &Company, caller: &Caller) -> Value {
    let person = person(company, caller.user);
    json!({
        "ID": person.id.to_string(),
        "ADMIN": caller.admin,
        "NAME": person.name,
        "LAST_NAME": person.last_name,
        "PERSONAL_GENDER": person.gender,
        "TIME_ZONE": "",
    })
}

/// The only pipeline of smart invoices.
fn invoice_pipeline() -> Answer {
    let row = json!({
        "id": crate::company::chronicle::INVOICE_PIPELINE,
        "name": "Общая",
        "sort": 500,
        "entityTypeId": 31,
        "isDefault": "Y",
    });
    Answer::list(&json!({"categories": [row]}), 1)
}

/// crm.status.entity.items: one directory in its order.
pub(crate) fn entity_items(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let entity = params.text("entityId").unwrap_or_default();
    let mut rows: Vec<&Status> = company
        .statuses
        .iter()
        .filter(|status| status.entity == entity)
        .collect();
    if rows.is_empty() {
        return Err(Refusal::bad(
            "The parameter entityId is not defined or invalid.",
            "The directory ID is not specified or is incorrect.",
        ));
    }
    rows.sort_by_key(|status| (status.sort, status.id));
    let items: Vec<Value> = rows
        .into_iter()
        .map(|status| json!({"NAME": status.name, "SORT": status.sort, "STATUS_ID": status.code}))
        .collect();
    Ok(Answer::of(&Value::Array(items)))
}

/// crm.lead.userfield.list and crm.deal.userfield.list.
pub(crate) fn user_fields(
    company: &Company,
    lead: bool,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let filter = params.get("filter");
    if filter.is_some_and(|filter| !php::is_array(filter)) {
        return Err(Refusal::plain("Parameter 'filter' must be array."));
    }
    let own = company
        .user_fields
        .iter()
        .filter(|field| field.lead == lead);
    let mut rows = filtered(own.map(user_field).collect(), filter);
    for (field, way) in params
        .get("order")
        .map(php::entries)
        .unwrap_or_default()
        .iter()
        .rev()
    {
        let down = php::scalar(way).is_some_and(|way| way.eq_ignore_ascii_case("desc"));
        rows = sorted(rows, field, down);
    }
    Ok(paged(rows, params.number("start").unwrap_or(0)))
}

/// A custom field as its list shows it. Labels come only when a LANG is asked for on a real portal;
/// here they always do, because the documented answer has them.
fn user_field(field: &UserField) -> Value {
    let settings = match field.kind {
        "enumeration" => json!({
            "DISPLAY": "LIST", "LIST_HEIGHT": 1, "CAPTION_NO_VALUE": "", "SHOW_NO_VALUE": "Y",
        }),
        "string" => json!({
            "SIZE": 20, "ROWS": 1, "REGEXP": "", "MIN_LENGTH": 0, "MAX_LENGTH": 0,
            "DEFAULT_VALUE": "",
        }),
        _ => json!({"DEFAULT_VALUE": ""}),
    };
    let mut row = json!({
        "ID": field.id.to_string(),
        "ENTITY_ID": if field.lead { "CRM_LEAD" } else { "CRM_DEAL" },
        "FIELD_NAME": field.name,
        "USER_TYPE_ID": field.kind,
        "XML_ID": null,
        "SORT": "150",
        "MULTIPLE": if field.multiple { "Y" } else { "N" },
        "MANDATORY": "N",
        "SHOW_FILTER": "E",
        "SHOW_IN_LIST": "Y",
        "EDIT_IN_LIST": "Y",
        "IS_SEARCHABLE": "N",
        "SETTINGS": settings,
        "EDIT_FORM_LABEL": field.label,
        "LIST_COLUMN_LABEL": field.label,
        "LIST_FILTER_LABEL": field.label,
        "ERROR_MESSAGE": null,
        "HELP_MESSAGE": null,
    });
    if field.kind == "enumeration" {
        let entries = (1..).zip(&field.list).map(|(at, (id, value))| {
            json!({
                "ID": id.to_string(),
                "SORT": (at * 10).to_string(),
                "VALUE": value,
                "DEF": "N",
                "XML_ID": format!("{id:032x}"),
            })
        });
        row["LIST"] = Value::Array(entries.collect());
    }
    row
}

/// department.get.
pub(crate) fn departments(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let mut rows = Vec::new();
    for department in &company.departments {
        let mut row = json!({
            "ID": department.id.to_string(),
            "NAME": department.name,
            "SORT": department.sort,
        });
        if let Some(parent) = department.parent {
            row["PARENT"] = json!(parent.to_string());
        }
        if let Some(head) = department.head {
            row["UF_HEAD"] = json!(head.to_string());
        }
        rows.push(row);
    }
    for name in ["ID", "NAME", "PARENT", "UF_HEAD"] {
        if let Some(value) = params.get(name) {
            rows.retain(|row| row.get(name).is_some());
            rows = filtered(rows, Some(&json!({ name: value })));
        }
    }
    let field = params.text("sort").unwrap_or_else(|| "SORT".to_owned());
    let down = params
        .text("order")
        .is_some_and(|way| way.eq_ignore_ascii_case("desc"));
    let rows = sorted(rows, &field, down);
    Ok(paged(rows, params.number("start").unwrap_or(0)))
}
