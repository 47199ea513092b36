//! Every method but `batch`: lists and single rows of the CRM, directories, people, the portal.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::company::{Company, Status, User, time};

use super::State;
use super::answer::{Answer, Refusal};
use super::field::{Entity, Style};
use super::list::{Op, PAGE_ROWS, Query, split_key};
use super::params::Params;
use super::php;

/// Methods and the scope that each needs.
const METHODS: [(&str, &str); 25] = [
    ("app.info", ""),
    ("batch", ""),
    ("crm.category.list", "crm"),
    ("crm.currency.base.get", "crm"),
    ("crm.currency.list", "crm"),
    ("crm.deal.fields", "crm"),
    ("crm.deal.get", "crm"),
    ("crm.deal.list", "crm"),
    ("crm.deal.productrows.get", "crm"),
    ("crm.item.list", "crm"),
    ("crm.lead.fields", "crm"),
    ("crm.lead.get", "crm"),
    ("crm.lead.list", "crm"),
    ("crm.lead.productrows.get", "crm"),
    ("crm.settings.mode.get", "crm"),
    ("crm.status.list", "crm"),
    ("department.get", "department"),
    ("method.get", ""),
    ("methods", ""),
    ("profile", ""),
    ("scope", ""),
    ("server.time", ""),
    ("user.admin", "user"),
    ("user.current", "user"),
    ("user.get", "user"),
];

/// A method's name as the portal reads it: any case, an optional `.json`.
pub(crate) fn name(text: &str) -> String {
    let name = text.trim().trim_matches('/').to_lowercase();
    name.strip_suffix(".json")
        .map_or(name.clone(), str::to_owned)
}

/// Carries out one call.
pub(crate) fn call(state: &State, method: &str, params: &Params<'_>) -> Result<Answer, Refusal> {
    let Some((_, scope)) = METHODS.iter().find(|(known, _)| *known == method) else {
        return Err(Refusal::new(
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        ));
    };
    let manners = state.manners();
    if !scope.is_empty() && !manners.scope.iter().any(|granted| granted == scope) {
        return Err(Refusal::new(
            401,
            "insufficient_scope",
            "The request requires higher privileges than provided by the webhook token",
        ));
    }
    let company = state.company();
    match method {
        "crm.lead.list" => list(&company, Entity::Lead, Style::Text, params),
        "crm.deal.list" => list(&company, Entity::Deal, Style::Text, params),
        "crm.item.list" => item_list(&company, params),
        "crm.lead.get" => get(&company, Entity::Lead, params),
        "crm.deal.get" => get(&company, Entity::Deal, params),
        "crm.lead.fields" => Ok(fields(&company, Entity::Lead)),
        "crm.deal.fields" => Ok(fields(&company, Entity::Deal)),
        "crm.status.list" => statuses(&company, params),
        "crm.category.list" => categories(&company, params),
        "crm.currency.list" => Ok(currencies(&company)),
        "crm.currency.base.get" => Ok(Answer::of(&json!(company.base_currency))),
        "crm.deal.productrows.get" => product_rows(&company, Entity::Deal, params),
        "crm.lead.productrows.get" => product_rows(&company, Entity::Lead, params),
        "crm.settings.mode.get" => Ok(Answer::of(&json!(manners.mode))),
        "user.get" => users(&company, params),
        "user.current" => Ok(Answer::of(&current_user(&company))),
        "user.admin" => Ok(Answer::of(&json!(manners.admin))),
        "department.get" => departments(&company, params),
        "profile" => Ok(Answer::of(&profile(&company, manners.admin))),
        "scope" => Ok(Answer::of(&json!(manners.scope))),
        "server.time" => {
            let now = time::text(company.zone, clock::now().timestamp());
            Ok(Answer::of(&json!(now)))
        }
        "methods" => {
            let names: Vec<&str> = METHODS.iter().map(|(name, _)| *name).collect();
            Ok(Answer::of(&json!(names)))
        }
        "method.get" => {
            let asked = name(&params.text("name").unwrap_or_default());
            let known = METHODS.iter().any(|(name, _)| *name == asked);
            Ok(Answer::of(
                &json!({"isExisting": known, "isAvailable": known}),
            ))
        }
        // app.info: a webhook is no application.
        _ => Err(Refusal::bad(
            "ACCESS_DENIED",
            "Access denied! Application context required",
        )),
    }
}

fn list(
    company: &Company,
    entity: Entity,
    style: Style,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    Ok(Query::read(company, entity, style, params)?.run(company))
}

fn item_list(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    match params.number("entityTypeId") {
        Some(1) => list(company, Entity::Lead, Style::Native, params),
        Some(2) => list(company, Entity::Deal, Style::Native, params),
        _ => Err(Refusal::bad("NOT_FOUND", "Smart process not found")),
    }
}

fn get(company: &Company, entity: Entity, params: &Params<'_>) -> Result<Answer, Refusal> {
    let id = params.number("id").unwrap_or(0);
    if id <= 0 {
        return Err(Refusal::plain("ID is not defined or invalid."));
    }
    let wanted = json!({"filter": {"=ID": id}, "start": -1});
    let answer = Query::read(company, entity, Style::Text, &Params::new(&wanted))?.run(company);
    let row = answer
        .result
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    match row {
        Some(row) if !row.is_empty() => Ok(Answer {
            result: row.to_vec(),
            ..Answer::default()
        }),
        _ => Err(Refusal::plain("Not found")),
    }
}

fn fields(company: &Company, entity: Entity) -> Answer {
    let mut all = Map::new();
    for spec in entity.specs() {
        let directory = match spec.name {
            "SOURCE_ID" => Some("SOURCE"),
            "STATUS_ID" => Some("STATUS"),
            "STAGE_ID" => Some("DEAL_STAGE"),
            "HONORIFIC" => Some("HONORIFIC"),
            "TYPE_ID" => Some("DEAL_TYPE"),
            _ => None,
        };
        let mut field = json!({
            "type": spec.kind,
            "isRequired": false,
            "isReadOnly": spec.read_only,
            "isImmutable": false,
            "isMultiple": false,
            "isDynamic": false,
        });
        if let Some(directory) = directory {
            field["statusType"] = json!(directory);
        }
        field["title"] = json!(spec.title);
        all.insert(spec.name.to_owned(), field);
    }
    for code in &entity.table(company).custom {
        let name = company.pool.text(*code);
        let field = json!({
            "type": "string",
            "isRequired": false,
            "isReadOnly": false,
            "isImmutable": false,
            "isMultiple": false,
            "isDynamic": true,
            "title": name,
            "listLabel": name,
            "formLabel": name,
            "filterLabel": name,
            "settings": {"SIZE": 20, "ROWS": 1, "REGEXP": "", "DEFAULT_VALUE": ""},
        });
        all.insert(name.to_owned(), field);
    }
    Answer::of(&Value::Object(all))
}

/// Keeps the rows that fit a filter of the form of crm.*.list; unknown names are ignored.
fn filtered(rows: Vec<Value>, filter: Option<&Value>) -> Vec<Value> {
    let Some(filter) = filter else { return rows };
    let conditions = php::entries(filter);
    let fits = |row: &Value| {
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
            }
        })
    };
    rows.into_iter().filter(|row| fits(row)).collect()
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

fn statuses(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
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

fn categories(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    if params.number("entityTypeId") != Some(2) {
        return Err(Refusal::bad("NOT_FOUND", "Smart process not found"));
    }
    let mut all: Vec<_> = company.categories.iter().collect();
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

fn currencies(company: &Company) -> Answer {
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

fn product_rows(company: &Company, entity: Entity, params: &Params<'_>) -> Result<Answer, Refusal> {
    let id = params
        .number("id")
        .and_then(|id| u32::try_from(id).ok())
        .unwrap_or(0);
    if id == 0 {
        return Err(Refusal::plain(
            "The parameter id is invalid or not defined.",
        ));
    }
    if entity.table(company).get(id).is_none() {
        return Err(Refusal::plain("Not found"));
    }
    let letter = if entity == Entity::Lead { 'L' } else { 'D' };
    let numbers = company.products.by_owner.get(&(letter, id));
    let rows: Vec<Value> = numbers
        .into_iter()
        .flatten()
        .filter_map(|number| company.products.rows.get(*number as usize))
        .map(|cells| product_row(&company.products.columns, cells))
        .collect();
    Ok(Answer::of(&Value::Array(rows)))
}

/// One product row: what the file has over what the portal fills in.
fn product_row(columns: &[String], cells: &[Box<str>]) -> Value {
    let mut row = json!({
        "ID": "0",
        "OWNER_ID": "0",
        "OWNER_TYPE": "D",
        "PRODUCT_ID": 0,
        "PRODUCT_NAME": "",
        "PRODUCT_DESCRIPTION": null,
        "PRICE": 0,
        "QUANTITY": 1,
        "DISCOUNT_TYPE_ID": 2,
        "DISCOUNT_RATE": 0,
        "DISCOUNT_SUM": 0,
        "TAX_RATE": null,
        "TAX_INCLUDED": "N",
        "CUSTOMIZED": "Y",
        "MEASURE_CODE": 796,
        "MEASURE_NAME": "шт",
        "SORT": 10,
        "TYPE": 1,
    });
    for (column, cell) in columns.iter().zip(cells) {
        let text = matches!(
            column.as_str(),
            "ID" | "OWNER_ID" | "OWNER_TYPE" | "PRODUCT_NAME" | "ORIGINAL_PRODUCT_NAME"
        );
        let number = serde_json::from_str::<Value>(cell)
            .ok()
            .filter(Value::is_number);
        row[column.as_str()] = match number {
            Some(number) if !text => number,
            _ => json!(cell),
        };
    }
    row
}

/// A page of directory rows, with total and next.
fn paged(rows: Vec<Value>, start: i64) -> Answer {
    let total = rows.len();
    let from = usize::try_from(start).unwrap_or(0);
    let page: Vec<Value> = rows.into_iter().skip(from).take(PAGE_ROWS).collect();
    let counted = start >= 0;
    Answer {
        next: (counted && from + PAGE_ROWS < total).then_some(from + PAGE_ROWS),
        ..Answer::list(&Value::Array(page), if counted { total } else { 0 })
    }
}

fn users(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
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

/// The webhook's owner: user 1; an integrator when the company has none.
fn owner(company: &Company) -> User {
    let known = company.users.iter().find(|user| user.id == 1).cloned();
    known.unwrap_or_else(|| User {
        id: 1,
        name: "Admin".to_owned(),
        active: true,
        departments: vec![1],
        ..User::default()
    })
}

fn current_user(company: &Company) -> Value {
    user(&owner(company))
}

fn profile(company: &Company, admin: bool) -> Value {
    let owner = owner(company);
    json!({
        "ID": owner.id.to_string(),
        "ADMIN": admin,
        "NAME": owner.name,
        "LAST_NAME": owner.last_name,
        "PERSONAL_GENDER": owner.gender,
        "TIME_ZONE": "",
    })
}

fn departments(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
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
