//! crm.item.* over leads, deals and smart invoices, stage history, tasks, and the descriptions of
//! fields.

use serde_json::{Map, Value, json};

use crate::company::Company;
use crate::company::custom::UserField;
use crate::company::ledger::{Invoice, Move, Numbered, Owner, Task};

use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::field::{Entity, Spec, Style};
use super::list::Query;
use super::params::Params;
use super::php;
use super::rows::Shape;
use super::tables;

/// Fields of crm.item.get of a lead that nothing here fills in: key and JSON.
const LEAD_REST: [(&str, &str); 25] = [
    ("dateCreateShort", "null"),
    ("dateModifyShort", "null"),
    ("isConvert", "null"),
    ("productId", "null"),
    ("shortName", "null"),
    ("address", "null"),
    ("webformId", "0"),
    ("login", "null"),
    ("searchContent", "null"),
    ("phoneMobile", "\"\""),
    ("phoneWork", "\"\""),
    ("phoneMailing", "\"\""),
    ("emailHome", "\"\""),
    ("emailWork", "\"\""),
    ("emailMailing", "\"\""),
    ("skype", "null"),
    ("icq", "null"),
    ("imol", "\"\""),
    ("email", "\"\""),
    ("phone", "\"\""),
    ("fm", "[]"),
    ("parentId2", "null"),
    ("observers", "[]"),
    ("contactIds", "[]"),
    ("entityTypeId", "1"),
];

fn unknown_type() -> Refusal {
    Refusal::bad("NOT_FOUND", "Smart process not found")
}

/// The type that a call is about.
enum Kind {
    Card(Entity),
    Invoice,
}

fn kind(params: &Params<'_>) -> Result<Kind, Refusal> {
    match params.number("entityTypeId") {
        Some(1) => Ok(Kind::Card(Entity::Lead)),
        Some(2) => Ok(Kind::Card(Entity::Deal)),
        Some(31) => Ok(Kind::Invoice),
        // Invoices of the old kind have left the universal methods.
        Some(5) => Err(Refusal::bad(
            "ENTITY_TYPE_NOT_SUPPORTED",
            "Entity type `Invoice` is not supported",
        )),
        None => Err(Refusal::bad(
            "100",
            "Could not find value for parameter {entityTypeId}",
        )),
        Some(_) => Err(unknown_type()),
    }
}

/// crm.item.list.
pub(crate) fn list(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    match kind(params)? {
        Kind::Card(entity) => {
            let query = Query::read(company, &caller.sight, entity, Style::Native, params)?;
            Ok(query.run(company))
        }
        Kind::Invoice => {
            let seen = |row: &Invoice| caller.sight.person(row.assigned);
            tables::INVOICES.list(company, company.invoices(), &seen, params)
        }
    }
}

/// crm.item.get.
pub(crate) fn get(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let kind = kind(params)?;
    let id = params
        .number("id")
        .and_then(|id| u32::try_from(id).ok())
        .unwrap_or(0);
    let missing = || Refusal::bad("NOT_FOUND", "Элемент не найден");
    let denied = || Refusal::bad("ACCESS_DENIED", "Доступ запрещен.");
    let row = match kind {
        Kind::Card(entity) => {
            let card = entity.table(company).get(id).ok_or_else(missing)?;
            if !caller.sight.card(card, entity == Entity::Deal) {
                return Err(denied());
            }
            card_item(company, caller, entity, id, params)?
        }
        Kind::Invoice => {
            let rows = company.invoices();
            let at = rows.binary_search_by_key(&id, Numbered::id);
            let row = at.ok().and_then(|at| rows.get(at)).ok_or_else(missing)?;
            if !caller.sight.person(row.assigned) {
                return Err(denied());
            }
            tables::INVOICES.one(company, row)
        }
    };
    let mut result = b"{\"item\":".to_vec();
    result.extend_from_slice(&row);
    result.push(b'}');
    Ok(Answer {
        result,
        ..Answer::default()
    })
}

/// crm.activity.get.
pub(crate) fn activity(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let id = params.number("id").and_then(|id| u32::try_from(id).ok());
    let rows = company.activities();
    let at = id.and_then(|id| rows.binary_search_by_key(&id, Numbered::id).ok());
    let row = at.and_then(|at| rows.get(at));
    let row = row.ok_or_else(|| Refusal::plain("Activity is not found"))?;
    if !caller.sight.person(row.responsible) {
        return Err(Refusal::plain("Access denied."));
    }
    Ok(Answer {
        result: tables::ACTIVITIES.one(company, row),
        ..Answer::default()
    })
}

/// A lead or a deal with every field.
fn card_item(
    company: &Company,
    caller: &Caller,
    entity: Entity,
    id: u32,
    params: &Params<'_>,
) -> Result<Vec<u8>, Refusal> {
    let names = params.text("useOriginalUfNames").unwrap_or_default();
    let wanted = json!({"filter": {"=id": id}, "start": -1, "useOriginalUfNames": names});
    let query = Query::read(
        company,
        &caller.sight,
        entity,
        Style::Native,
        &Params::new(&wanted),
    )?;
    let answer = query.run(company);
    let row = answer
        .result
        .strip_prefix(b"{\"items\":[")
        .and_then(|rest| rest.strip_suffix(b"}]}"));
    let mut row = row.unwrap_or(b"{").to_vec();
    let rest: &[(&str, &str)] = match entity {
        Entity::Lead => &LEAD_REST,
        Entity::Deal => &[
            ("observers", "[]"),
            ("contactIds", "[]"),
            ("entityTypeId", "2"),
        ],
    };
    let known: Vec<&str> = entity.specs().iter().map(|spec| spec.camel).collect();
    for (name, json) in rest.iter().filter(|(name, _)| !known.contains(name)) {
        row.push(b',');
        php::write_text(&mut row, name);
        row.push(b':');
        row.extend_from_slice(json.as_bytes());
    }
    row.push(b'}');
    Ok(row)
}

/// crm.item.fields.
pub(crate) fn fields(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let mut all = Map::new();
    match kind(params)? {
        Kind::Card(entity) => {
            for spec in entity.specs() {
                let mut field = described(spec);
                field["upperName"] = json!(spec.name);
                all.insert(spec.camel.to_owned(), field);
            }
            let original = params.text("useOriginalUfNames").as_deref() == Some("Y");
            let lead = entity == Entity::Lead;
            for custom in company
                .user_fields
                .iter()
                .filter(|field| field.lead == lead)
            {
                let name = if original {
                    custom.name.clone()
                } else {
                    super::field::camel(&custom.name)
                };
                let mut field = described_custom(custom);
                field["upperName"] = json!(custom.name);
                all.insert(name, field);
            }
        }
        Kind::Invoice => {
            for column in tables::INVOICES.columns {
                let kind = match (column.name, column.shape) {
                    ("opportunity" | "taxValue", _) => "double",
                    (name, _) if name.ends_with("Time") => "datetime",
                    ("begindate" | "closedate", _) => "date",
                    ("stageId" | "previousStageId" | "sourceId", _) => "crm_status",
                    ("currencyId", _) => "crm_currency",
                    (_, Shape::Number) => "integer",
                    (_, Shape::Text) => "string",
                };
                let field = described_as(kind, column.name, false, false);
                let mut field = field;
                field["upperName"] = json!(column.ask);
                all.insert(column.name.to_owned(), field);
            }
        }
    }
    Ok(Answer::of(&json!({"fields": all})))
}

fn described_as(kind: &str, title: &str, read_only: bool, dynamic: bool) -> Value {
    json!({
        "type": kind,
        "isRequired": false,
        "isReadOnly": read_only,
        "isImmutable": false,
        "isMultiple": false,
        "isDynamic": dynamic,
        "title": title,
    })
}

/// A field of leads or deals as crm.*.fields describes it.
pub(crate) fn described(spec: &Spec) -> Value {
    let directory = match spec.name {
        "SOURCE_ID" => Some("SOURCE"),
        "STATUS_ID" => Some("STATUS"),
        "STAGE_ID" => Some("DEAL_STAGE"),
        "HONORIFIC" => Some("HONORIFIC"),
        "TYPE_ID" => Some("DEAL_TYPE"),
        _ => None,
    };
    let mut field = described_as(spec.kind, spec.title, spec.read_only, false);
    if let Some(directory) = directory {
        field["statusType"] = json!(directory);
    }
    match spec.name {
        "CONTACT_ID" => field["isDeprecated"] = json!(true),
        "COMPANY_ID" => field["settings"] = json!({"parentEntityTypeId": 4}),
        _ => {}
    }
    field
}

/// A custom field, with its dictionary.
pub(crate) fn described_custom(custom: &UserField) -> Value {
    let mut field = described_as(custom.kind, &custom.name, false, true);
    field["isMultiple"] = json!(custom.multiple);
    field["listLabel"] = json!(custom.label);
    field["formLabel"] = json!(custom.label);
    field["filterLabel"] = json!(custom.label);
    if custom.kind == "enumeration" {
        let items = custom
            .list
            .iter()
            .map(|(id, value)| json!({"ID": id.to_string(), "VALUE": value}));
        field["items"] = Value::Array(items.collect());
    }
    field["settings"] = match custom.kind {
        "string" => json!({"SIZE": 20, "ROWS": 1, "REGEXP": "", "DEFAULT_VALUE": ""}),
        _ => json!({"DEFAULT_VALUE": ""}),
    };
    field
}

/// crm.stagehistory.list.
pub(crate) fn stage_history(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let of = match params.number("entityTypeId") {
        Some(1) => Owner::Lead,
        Some(2) => Owner::Deal,
        Some(31) => Owner::Invoice,
        Some(5) => return Ok(Answer::list(&json!({"items": []}), 0)),
        // The number 0, as the documents show it.
        other => {
            let text = format!("{} entity is not supported", other.unwrap_or(0));
            return Err(Refusal::zero(&text));
        }
    };
    let sight = &caller.sight;
    let seen = |row: &Move| {
        let card = |card: Option<&crate::company::Card>, deal| {
            card.is_some_and(|card| sight.card(card, deal))
        };
        if sight.users.is_none() && sight.hidden.is_empty() {
            return true;
        }
        match of {
            Owner::Lead => card(company.leads.get(row.owner), false),
            Owner::Deal => card(company.deals.get(row.owner), true),
            Owner::Invoice => {
                let found = company
                    .invoices()
                    .iter()
                    .find(|invoice| invoice.id == row.owner);
                found.is_some_and(|invoice| sight.person(invoice.assigned))
            }
        }
    };
    let table = if of == Owner::Lead {
        &tables::LEAD_MOVES
    } else {
        &tables::MOVES
    };
    table.list(company, company.moves(of), &seen, params)
}

/// tasks.task.list.
pub(crate) fn tasks(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    if let Some(order) = params.get("order") {
        for (name, _) in php::entries(order) {
            if !tables::TASKS
                .columns
                .iter()
                .any(|column| column.ask == name)
            {
                return Err(Refusal::bad("0", "Invalid sorting key (internal error)"));
            }
        }
    }
    let seen = |task: &Task| caller.sight.person(task.responsible);
    tables::TASKS.list(company, company.tasks(), &seen, params)
}
