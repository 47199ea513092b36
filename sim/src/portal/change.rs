//! Changes to leads and deals through the management door, with the side effects of a real card:
//! DATE_MODIFY moves, a final stage closes, a new row gets the next id.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::company::{Card, Company, NO_MONEY, NO_TIME, cents, flag, time};

use crate::company::ledger::{Owner, step};

use super::State;
use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::events::What;
use super::field::Entity;
use super::params::Params;
use super::{methods, php};

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) id: u32,
    /// What an event tells of it; nothing for a silent change.
    pub(crate) what: Option<What>,
}

/// Creates a row, or changes the one that `ID` names. The fields stand under `fields` or beside
/// `silent`.
pub(crate) fn put(
    company: &mut Company,
    entity: Entity,
    given: &Value,
    now: i64,
) -> Result<Changed, String> {
    let outer = given.as_object().ok_or("a row is an object of fields")?;
    let mut fields = outer
        .get("fields")
        .and_then(Value::as_object)
        .unwrap_or(outer)
        .clone();
    fields.remove("silent");
    if let Some(id) = outer.get("ID") {
        fields.insert("ID".to_owned(), id.clone());
    }
    let silent = outer
        .get("silent")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let table = entity.table(company);
    let id = match fields.remove("ID") {
        Some(id) => id_of(&id)?,
        None => table.last_id() + 1,
    };
    let known = table.get(id).cloned();
    let old = known.is_some();
    let mut card = match known {
        Some(card) => card,
        None => fresh(company, entity, id, now),
    };
    let before = (card.stage, card.category);
    if !silent {
        card.modified = now;
    }
    for (name, value) in &fields {
        set(company, entity, &mut card, name, value)?;
    }
    if card.stage != before.0 {
        moved(company, entity, &mut card, &fields, now);
    }
    note_history(company, entity, &card, old, before);
    let table = match entity {
        Entity::Lead => &mut company.leads,
        Entity::Deal => &mut company.deals,
    };
    table.put(card);
    company.adopt_unknown_codes_of(entity == Entity::Lead, id);
    let what = if old { What::Update } else { What::Add };
    Ok(Changed {
        id,
        what: (!silent).then_some(what),
    })
}

/// Writes the stage history of a change; the history so far is made before the card is replaced,
/// because afterwards the card no longer tells it.
fn note_history(
    company: &mut Company,
    entity: Entity,
    card: &Card,
    old: bool,
    (stage, category): (u32, u16),
) {
    let owner = methods::owner(entity);
    company.moves(owner);
    let ledgers = company.ledgers_mut();
    if !old {
        ledgers.moved(owner, step::CREATED, card.created, card);
        if card.semantic != b'P' {
            ledgers.moved(owner, step::FINAL, card.moved, card);
        }
    } else if card.category != category {
        ledgers.moved(owner, step::PIPELINE, card.moved, card);
    } else if card.stage != stage {
        let what = if card.semantic == b'P' {
            step::MOVED
        } else {
            step::FINAL
        };
        ledgers.moved(owner, what, card.moved, card);
    }
}

/// The ids that `ID` names, one or several.
fn ids_of(given: &Value) -> Result<Vec<u32>, String> {
    let ids = given
        .get("ID")
        .or_else(|| given.get("id"))
        .ok_or("ID is missing")?;
    if php::is_array(ids) {
        let all = php::entries(ids).into_iter();
        all.map(|(_, id)| id_of(id)).collect()
    } else {
        Ok(vec![id_of(ids)?])
    }
}

/// Deletes calls, activities, tasks or invoices; gives the ids of those that were there.
pub(crate) fn remove_from_ledger(
    company: &mut Company,
    of: &str,
    given: &Value,
) -> Result<Vec<u32>, String> {
    let ids = ids_of(given)?;
    // Made from the cards as they are, before anything is taken out.
    company.calls();
    company.activities();
    company.tasks();
    company.invoices();
    company.moves(Owner::Invoice);
    let gone = company.ledgers_mut().remove(of, &ids);
    gone.ok_or_else(|| format!("{of} is no ledger"))
}

/// Deletes the rows that `ID` names; gives the ids of those that were there.
pub(crate) fn remove(
    company: &mut Company,
    entity: Entity,
    given: &Value,
) -> Result<Vec<u32>, String> {
    let mut ids = ids_of(given)?;
    let table = match entity {
        Entity::Lead => &mut company.leads,
        Entity::Deal => &mut company.deals,
    };
    ids.retain(|id| table.remove(*id));
    let owner = methods::owner(entity);
    for id in &ids {
        company.ledgers_mut().card_gone(owner, *id);
    }
    Ok(ids)
}

/// Answers crm.lead.* and crm.deal.* that write; nothing for any other method.
pub(crate) fn by_method(
    state: &State,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
) -> Option<Result<Answer, Refusal>> {
    let (entity, verb) = match method.strip_prefix("crm.")?.split_once('.')? {
        ("lead", verb) => (Entity::Lead, verb),
        ("deal", verb) => (Entity::Deal, verb),
        _ => return None,
    };
    matches!(verb, "add" | "update" | "delete").then(|| write(state, caller, entity, verb, params))
}

fn write(
    state: &State,
    caller: &Caller,
    entity: Entity,
    verb: &str,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let now = state.now().timestamp();
    let mut company = state.company_mut();
    let mut given = Map::new();
    if verb != "add" {
        let id = params
            .number("id")
            .and_then(|id| u32::try_from(id).ok())
            .unwrap_or(0);
        if id == 0 {
            return Err(Refusal::plain("ID is not defined or invalid."));
        }
        let card = entity.table(&company).get(id);
        let card = card.ok_or_else(|| Refusal::plain("Not found"))?;
        if !caller.sight.card(card, entity == Entity::Deal) {
            return Err(Refusal::plain("Access denied."));
        }
        given.insert("ID".to_owned(), id.into());
    }
    if verb == "delete" {
        let gone =
            remove(&mut company, entity, &Value::Object(given)).map_err(|e| Refusal::plain(&e))?;
        drop(company);
        for id in gone {
            state.announce(entity, Some(What::Delete), id);
        }
        return Ok(Answer::of(&Value::Bool(true)));
    }
    let fields = params.get("fields").filter(|fields| php::is_array(fields));
    let fields = fields.ok_or_else(|| Refusal::plain("Parameter 'fields' must be array."))?;
    for (name, value) in php::entries(fields) {
        // What a method does not know or may not write it ignores.
        let own = |spec: &super::field::Spec| spec.name == name && !spec.read_only;
        if entity.specs().iter().any(own) || name.starts_with("UF_") {
            given.insert(name, value.clone());
        }
    }
    let by = if verb == "add" {
        "CREATED_BY_ID"
    } else {
        "MODIFY_BY_ID"
    };
    given.insert(by.to_owned(), caller.user.into());
    let changed = put(&mut company, entity, &Value::Object(given), now);
    drop(company);
    let changed = changed.map_err(|error| Refusal::plain(&error))?;
    state.announce(entity, changed.what, changed.id);
    Ok(if verb == "add" {
        Answer::of(&changed.id.into())
    } else {
        Answer::of(&Value::Bool(true))
    })
}

fn id_of(value: &Value) -> Result<u32, String> {
    let text = php::scalar(value).unwrap_or_default();
    let id = text.parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| format!("ID {value} is no id"))
}

fn fresh(company: &mut Company, entity: Entity, id: u32, now: i64) -> Card {
    let mut card = Card::new(id, now);
    card.currency = company.pool.intern(&company.base_currency.clone());
    card.stage = company.pool.intern("NEW");
    card.title = company.pool.intern(if entity == Entity::Lead {
        "Лид №"
    } else {
        "Сделка №"
    });
    card.set(flag::TITLE_ID, true);
    if entity == Entity::Deal {
        card.begun = now;
        card.closed = now + 7 * 86_400;
        card.set(flag::NEW, true);
    }
    card
}

/// What a portal does when a card comes to another stage.
fn moved(
    company: &Company,
    entity: Entity,
    card: &mut Card,
    fields: &Map<String, Value>,
    now: i64,
) {
    let said = |name: &str| fields.contains_key(name);
    if !said("MOVED_TIME") {
        card.moved = now;
    }
    if !said("STATUS_SEMANTIC_ID") && !said("STAGE_SEMANTIC_ID") {
        let code = company.pool.text(card.stage);
        let found = company.statuses.iter().find(|status| {
            status.code == code && (status.entity == "STATUS") == (entity == Entity::Lead)
        });
        card.semantic = match found.and_then(|status| status.semantics) {
            Some('S') => b'S',
            Some(_) => b'F',
            None => b'P',
        };
    }
    let closed = card.semantic != b'P';
    match entity {
        Entity::Lead if !said("DATE_CLOSED") => card.closed = if closed { now } else { NO_TIME },
        Entity::Deal => {
            if !said("CLOSEDATE") && closed {
                card.closed = now;
            }
            if !said("CLOSED") {
                card.set(flag::CLOSED, closed);
            }
            card.set(flag::NEW, false);
        }
        Entity::Lead => {}
    }
}

/// Sets one field.
fn set(
    company: &mut Company,
    entity: Entity,
    card: &mut Card,
    name: &str,
    value: &Value,
) -> Result<(), String> {
    let text = php::scalar(value).unwrap_or_default();
    match name {
        "TITLE" => {
            card.title = company.pool.keep(&text);
            card.set(flag::TITLE_ID, false);
        }
        "NAME" => card.name = company.pool.intern(&text),
        "LAST_NAME" => card.last_name = company.pool.intern(&text),
        "STATUS_ID" | "STAGE_ID" => card.stage = company.pool.intern(&text),
        "STATUS_SEMANTIC_ID" | "STAGE_SEMANTIC_ID" => match text.as_str() {
            "P" | "S" | "F" => card.semantic = text.bytes().next().unwrap_or(b'P'),
            _ => return Err(format!("{name}: {text:?} is not P, S or F")),
        },
        "SOURCE_ID" => card.source = company.pool.intern(&text),
        "CURRENCY_ID" => card.currency = company.pool.intern(&text),
        "OPPORTUNITY" if text.is_empty() => card.opportunity = NO_MONEY,
        "OPPORTUNITY" => {
            let sum = cents(&text).ok_or_else(|| format!("{name}: {text:?} is no sum"))?;
            card.opportunity = sum;
        }
        "OPENED" => card.set(flag::OPENED, is_yes(&text)),
        "CLOSED" => card.set(flag::CLOSED, is_yes(&text)),
        "IS_RETURN_CUSTOMER" => card.set(flag::RETURN, is_yes(&text)),
        _ => {
            if let Some(at) = MARKS.iter().position(|mark| *mark == name) {
                let mut marks = company.pool.utm(card.marks);
                marks[at] = company.pool.intern(&text);
                card.marks = company.pool.marks(marks);
            } else if !set_number(card, name, &text)?
                && !set_instant(company.zone, card, name, &text)?
            {
                set_other(company, entity, card, name, value)?;
            }
        }
    }
    Ok(())
}

/// Names of the UTM marks in their order.
const MARKS: [&str; 5] = [
    "UTM_SOURCE",
    "UTM_MEDIUM",
    "UTM_CAMPAIGN",
    "UTM_CONTENT",
    "UTM_TERM",
];

fn is_yes(text: &str) -> bool {
    matches!(text, "Y" | "1")
}

/// Sets a field that holds an id; false when the name is another field's.
fn set_number(card: &mut Card, name: &str, text: &str) -> Result<bool, String> {
    let number = || -> Result<u32, String> {
        if text.is_empty() {
            return Ok(0);
        }
        text.parse()
            .map_err(|_| format!("{name}: {text:?} is no whole number"))
    };
    match name {
        "ASSIGNED_BY_ID" => card.assigned = number()?,
        "CREATED_BY_ID" => card.created_by = number()?,
        "MODIFY_BY_ID" => card.modified_by = number()?,
        "CONTACT_ID" => card.contact = number()?,
        "COMPANY_ID" => card.company = number()?,
        "LEAD_ID" => card.lead = number()?,
        "CATEGORY_ID" => {
            card.category = u16::try_from(number()?).map_err(|_| format!("{name}: too large"))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Sets a field that holds an instant; false when the name is another field's.
fn set_instant(zone: Tz, card: &mut Card, name: &str, text: &str) -> Result<bool, String> {
    let wrong = || format!("{name}: {text:?} is no date and time");
    let instant = || time::parse(zone, text).ok_or_else(wrong);
    let optional = || {
        if text.is_empty() {
            Ok(NO_TIME)
        } else {
            instant()
        }
    };
    match name {
        "DATE_CREATE" => card.created = instant()?,
        "DATE_MODIFY" => card.modified = instant()?,
        "MOVED_TIME" => card.moved = instant()?,
        "LAST_ACTIVITY_TIME" => card.active = instant()?,
        "DATE_CLOSED" | "CLOSEDATE" => card.closed = optional()?,
        "BEGINDATE" => card.begun = optional()?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Keeps a field that has no column.
fn set_other(
    company: &mut Company,
    entity: Entity,
    card: &mut Card,
    name: &str,
    value: &Value,
) -> Result<(), String> {
    let known = entity.specs().iter().any(|spec| spec.name == name);
    let custom = name.starts_with("UF_");
    if !known && !custom {
        return Err(format!("{name}: no such field"));
    }
    let code = company.pool.intern(name);
    let table = match entity {
        Entity::Lead => &mut company.leads,
        Entity::Deal => &mut company.deals,
    };
    if custom && !table.custom.contains(&code) {
        table.custom.push(code);
    }
    card.put_extra(code, &value.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::testing;
    use serde_json::json;

    #[test]
    fn a_changed_lead_moves_its_dates_and_closes() {
        let mut company = testing::company(3);
        let given = json!({"ID": 20, "fields": {"STATUS_ID": "JUNK", "OPPORTUNITY": 12.5}});
        assert_eq!(
            put(&mut company, Entity::Lead, &given, 2_000_000_000),
            Ok(Changed {
                id: 20,
                what: Some(What::Update)
            })
        );
        let lead = company.leads.get(20).unwrap();
        assert_eq!(
            (lead.modified, lead.closed, lead.moved),
            (2_000_000_000, 2_000_000_000, 2_000_000_000)
        );
        assert_eq!((lead.semantic, lead.opportunity), (b'F', 1_250));
        assert_eq!(
            company.leads.by_modified().last(),
            Some(&(2_000_000_000, 20))
        );
        let again = json!({"ID": "20", "STATUS_ID": "IN_PROCESS", "silent": true});
        assert_eq!(
            put(&mut company, Entity::Lead, &again, 2_000_000_500),
            Ok(Changed { id: 20, what: None })
        );
        let lead = company.leads.get(20).unwrap();
        assert_eq!(
            (lead.modified, lead.closed, lead.semantic),
            (2_000_000_000, NO_TIME, b'P')
        );
    }

    #[test]
    fn new_rows_take_the_next_id_and_unknown_codes_join_the_directory() {
        let mut company = testing::company(3);
        let given = json!({"fields": {"SOURCE_ID": "UC_TV", "UF_CRM_X": [1, 2], "TITLE": "=1+1"}});
        assert_eq!(
            put(&mut company, Entity::Lead, &given, 2_000_000_000),
            Ok(Changed {
                id: 31,
                what: Some(What::Add)
            })
        );
        assert!(
            company
                .statuses
                .iter()
                .any(|status| status.code == "UC_TV" && status.id > 0)
        );
        let code = company.pool.find("UF_CRM_X").unwrap();
        assert_eq!(company.leads.get(31).unwrap().extra(code), Some("[1,2]"));
        assert_eq!(
            remove(&mut company, Entity::Lead, &json!({"ID": [31, 10, 99]})),
            Ok(vec![31, 10])
        );
        assert_eq!(company.leads.last_id(), 30);
    }

    #[test]
    fn what_is_no_field_or_no_value_is_refused_and_changes_nothing() {
        let mut company = testing::company(1);
        for wrong in [
            json!([]),
            json!({"COLOUR": "red"}),
            json!({"OPPORTUNITY": "much"}),
            json!({"DATE_CREATE": "once"}),
            json!({"ID": 0}),
            json!({"STATUS_SEMANTIC_ID": "W"}),
        ] {
            assert!(
                put(&mut company, Entity::Lead, &wrong, 1).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(company.size(), (1, 0));
    }
}
