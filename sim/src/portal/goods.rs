//! Product rows, payments and the catalogue with purchase prices.

use serde_json::{Map, Value, json};

use crate::company::ledger::{Invoice, Numbered};
use crate::company::{Company, NO_TIME, cents, goods, time};

use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::condition::split_key;
use super::directories::{fits, paged};
use super::field::Entity;
use super::params::Params;
use super::php;

/// The catalogue's information block.
const CATALOGUE_BLOCK: i64 = 23;

/// The only payment system.
const CASH: (u32, &str) = (6, "Cash");

/// crm.lead.productrows.get and crm.deal.productrows.get.
pub(crate) fn of_card(
    company: &Company,
    caller: &Caller,
    entity: Entity,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let id = params
        .number("id")
        .and_then(|id| u32::try_from(id).ok())
        .unwrap_or(0);
    if id == 0 {
        return Err(Refusal::plain(
            "The parameter id is invalid or not defined.",
        ));
    }
    let card = entity.table(company).get(id);
    let card = card.ok_or_else(|| Refusal::plain("Not found"))?;
    if !caller.sight.card(card, entity == Entity::Deal) {
        return Err(Refusal::plain("Access denied."));
    }
    let letter = if entity == Entity::Lead { "L" } else { "D" };
    let rows = company.product_rows(letter, id);
    Ok(Answer::of(&json!(rows)))
}

/// crm.item.productrow.list: the filter must name `=ownerType` and `=ownerId`.
pub(crate) fn product_row_list(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let filter = params.get("filter").cloned().unwrap_or(json!({}));
    let (mut kind, mut owners) = (String::new(), Vec::new());
    let mut rest = Map::new();
    for (key, value) in php::entries(&filter) {
        match split_key(&key).0 {
            "ownerType" => kind = php::scalar(value).unwrap_or_default(),
            "ownerId" if php::is_array(value) => {
                owners = php::entries(value)
                    .into_iter()
                    .filter_map(|(_, id)| php::scalar(id))
                    .collect();
            }
            "ownerId" => owners.extend(php::scalar(value)),
            _ => {
                rest.insert(key, value.clone());
            }
        }
    }
    let known = matches!(kind.as_str(), "L" | "D" | "SI");
    if !known || owners.is_empty() {
        let text = "Required filter keys: =ownerType, =ownerId";
        return Err(Refusal::bad("INVALID_ARG_VALUE", text));
    }
    let rest = Value::Object(rest);
    let mut rows = Vec::new();
    for owner in owners {
        let owner = u32::try_from(php::intval(&owner)).unwrap_or(0);
        if !may_see(company, caller, &kind, owner) {
            return Err(Refusal::bad("ACCESS_DENIED", "Access denied"));
        }
        let own = company.product_rows(&kind, owner);
        rows.extend(own.iter().map(native).filter(|row| fits(row, Some(&rest))));
    }
    rows.sort_by_key(|row| row["id"].as_u64());
    for (field, way) in params
        .get("order")
        .map(php::entries)
        .unwrap_or_default()
        .iter()
        .rev()
    {
        rows.sort_by_key(|row| row.get(field).and_then(Value::as_u64));
        if php::scalar(way).is_some_and(|way| way.eq_ignore_ascii_case("desc")) {
            rows.reverse();
        }
    }
    let answer = paged(rows, params.number("start").unwrap_or(0));
    Ok(wrapped(answer, "productRows"))
}

/// Puts a list under a key.
fn wrapped(mut answer: Answer, key: &str) -> Answer {
    let mut result = format!("{{\"{key}\":").into_bytes();
    result.append(&mut answer.result);
    result.push(b'}');
    Answer { result, ..answer }
}

fn may_see(company: &Company, caller: &Caller, kind: &str, owner: u32) -> bool {
    let sight = &caller.sight;
    match kind {
        "L" => company
            .leads
            .get(owner)
            .is_none_or(|card| sight.card(card, false)),
        "D" => company
            .deals
            .get(owner)
            .is_none_or(|card| sight.card(card, true)),
        _ => invoice(company, owner).is_none_or(|row| sight.person(row.assigned)),
    }
}

fn invoice(company: &Company, id: u32) -> Option<&Invoice> {
    let rows = company.invoices();
    rows.get(rows.binary_search_by_key(&id, Numbered::id).ok()?)
}

/// A product row with the keys and types of crm.item.*.
fn native(row: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    for (name, value) in row {
        if matches!(
            name.as_str(),
            "ORIGINAL_PRODUCT_NAME"
                | "PRODUCT_DESCRIPTION"
                | "RESERVE_ID"
                | "DATE_RESERVE_END"
                | "RESERVE_QUANTITY"
        ) {
            continue;
        }
        let number = |value: &Value| {
            let text = php::scalar(value).unwrap_or_default();
            text.parse::<f64>().map_or(json!(0), |number| {
                if number.fract() == 0.0 {
                    json!(number as i64)
                } else {
                    json!(number)
                }
            })
        };
        let value = match name.as_str() {
            "ID" | "OWNER_ID" | "PRICE_ACCOUNT" => number(value),
            _ => value.clone(),
        };
        out.insert(super::field::camel_of(name), value);
    }
    Value::Object(out)
}

/// crm.item.payment.list: the payments of a deal or an invoice. A paid invoice has one payment; its
/// deal has the payments of all its invoices.
pub(crate) fn payments(
    company: &Company,
    caller: &Caller,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let (Some(owner), Some(kind)) = (params.number("entityId"), params.number("entityTypeId"))
    else {
        return Err(Refusal::bad(
            "100",
            "Could not find value for parameter {entityId}",
        ));
    };
    let owner = u32::try_from(owner).unwrap_or(0);
    let letter = match kind {
        1 => "L",
        2 => "D",
        _ => "SI",
    };
    if !may_see(company, caller, letter, owner) {
        return Err(Refusal::zero("Insufficient permissions"));
    }
    let own = company.invoices().iter().filter(|row| match kind {
        31 => row.id == owner,
        2 => row.deal == owner,
        _ => false,
    });
    let rows = own.filter(|row| row.stage != 0).map(|row| {
        let paid = row.paid != NO_TIME;
        json!({
            "id": row.id,
            "accountNumber": format!("{}/1", row.id),
            "paid": if paid { "Y" } else { "N" },
            "datePaid": paid.then(|| time::text(company.zone, row.paid)),
            "empPaidId": paid.then_some(row.assigned),
            "paySystemId": CASH.0,
            "sum": goods::units(row.opportunity),
            "currency": company.pool.text(row.currency),
            "paySystemName": CASH.1,
        })
    });
    let rows: Vec<Value> = rows.filter(|row| fits(row, params.get("filter"))).collect();
    Ok(Answer::of(&Value::Array(rows)))
}

/// catalog.catalog.list, for administrators: one catalogue, without variations.
pub(crate) fn catalogues(caller: &Caller) -> Result<Answer, Refusal> {
    if !caller.admin {
        return Err(Refusal::bad("200040300010", "Access Denied"));
    }
    let one = json!({
        "iblockId": CATALOGUE_BLOCK,
        "iblockTypeId": 0,
        "id": CATALOGUE_BLOCK,
        "lid": "s1",
        "name": "CRM",
        "productIblockId": null,
        "skuPropertyId": null,
        "subscription": "N",
        "vatId": null,
        "yandexExport": "N",
    });
    Ok(Answer::list(&json!({"catalogs": [one]}), 1))
}

/// Sets the purchase price of a product, or takes it away with null; nothing else of it changes.
pub(crate) fn price(company: &mut Company, given: &Value) -> Result<(), String> {
    let id = given.get("ID").and_then(php::scalar).unwrap_or_default();
    let product = company
        .catalogue
        .iter_mut()
        .find(|product| product.id.to_string() == id)
        .ok_or_else(|| format!("no product {id:?}"))?;
    let price = given.get("purchasingPrice").unwrap_or(&Value::Null);
    product.cost = match php::scalar(price) {
        None => None,
        Some(text) => {
            Some(cents(&text).ok_or_else(|| format!("purchasingPrice: {text:?} is no sum"))?)
        }
    };
    Ok(())
}

/// catalog.product.list: `select` must name id and iblockId, `filter` the iblockId.
pub(crate) fn catalogue(company: &Company, params: &Params<'_>) -> Result<Answer, Refusal> {
    let select = params.get("select").map(php::entries).unwrap_or_default();
    let select: Vec<String> = select
        .into_iter()
        .filter_map(|(_, name)| php::scalar(name))
        .collect();
    let filter = params.get("filter");
    let named = |name: &str| select.iter().any(|known| known == name);
    if !named("id") || !named("iblockId") {
        return Err(Refusal::bad(
            "200040300010",
            "Required select fields: id, iblockId",
        ));
    }
    let block = filter.map(php::entries).unwrap_or_default();
    if !block.iter().any(|(key, _)| split_key(key).0 == "iblockId") {
        return Err(Refusal::bad(
            "200040300010",
            "Required filter fields: iblockId",
        ));
    }
    let rows = company.catalogue.iter().map(|product| {
        json!({
            "id": product.id,
            "iblockId": CATALOGUE_BLOCK,
            "name": product.name,
            "active": "Y",
            "available": "Y",
            "purchasingPrice": product.cost.map(goods::units),
            "purchasingCurrency": product.cost.map(|_| company.base_currency.clone()),
            "quantity": 0,
            "type": 1,
        })
    });
    let mut rows: Vec<Value> = rows.filter(|row| fits(row, filter)).collect();
    if let Some(("id", way)) = params
        .get("order")
        .map(php::entries)
        .unwrap_or_default()
        .first()
        .map(|(name, way)| (name.as_str(), php::scalar(way).unwrap_or_default()))
        && way.eq_ignore_ascii_case("desc")
    {
        rows.reverse();
    }
    for row in &mut rows {
        if let Some(map) = row.as_object_mut() {
            map.retain(|name, _| named(name));
        }
    }
    Ok(wrapped(
        paged(rows, params.number("start").unwrap_or(0)),
        "products",
    ))
}
