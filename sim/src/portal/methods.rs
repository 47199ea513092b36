//! Every method but `batch`: which there are, what each needs, who answers it.

use serde_json::{Map, Value, json};

use crate::company::ledger::Owner;
use crate::company::{Company, time};

use super::State;
use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::field::{Entity, Style};
use super::list::Query;
use super::params::Params;
use super::{change, directories, events, goods, items, tables};

/// A method needs an application, not a webhook.
const APP: bool = true;
/// A method is for both.
const ANY: bool = false;

/// Methods, the scope that each needs (any of several), and whether it needs an application.
const METHODS: [(&str, &str, bool); 56] = [
    ("app.info", "", APP),
    ("batch", "", ANY),
    ("catalog.catalog.list", "catalog", ANY),
    ("catalog.product.list", "catalog", ANY),
    ("crm.activity.get", "crm", ANY),
    ("crm.activity.list", "crm", ANY),
    ("crm.category.list", "crm", ANY),
    ("crm.currency.base.get", "crm", ANY),
    ("crm.currency.list", "crm", ANY),
    ("crm.deal.add", "crm", ANY),
    ("crm.deal.delete", "crm", ANY),
    ("crm.deal.fields", "crm", ANY),
    ("crm.deal.get", "crm", ANY),
    ("crm.deal.list", "crm", ANY),
    ("crm.deal.productrows.get", "crm", ANY),
    ("crm.deal.update", "crm", ANY),
    ("crm.deal.userfield.list", "crm", ANY),
    ("crm.item.fields", "crm", ANY),
    ("crm.item.get", "crm", ANY),
    ("crm.item.list", "crm", ANY),
    ("crm.item.payment.list", "crm", ANY),
    ("crm.item.productrow.list", "crm", ANY),
    ("crm.lead.add", "crm", ANY),
    ("crm.lead.delete", "crm", ANY),
    ("crm.lead.fields", "crm", ANY),
    ("crm.lead.get", "crm", ANY),
    ("crm.lead.list", "crm", ANY),
    ("crm.lead.productrows.get", "crm", ANY),
    ("crm.lead.update", "crm", ANY),
    ("crm.lead.userfield.list", "crm", ANY),
    ("crm.settings.mode.get", "crm", ANY),
    ("crm.stagehistory.list", "crm", ANY),
    ("crm.status.entity.items", "crm", ANY),
    ("crm.status.list", "crm", ANY),
    ("crm.type.list", "crm", ANY),
    ("department.fields", "department", ANY),
    ("department.get", "department", ANY),
    ("event.bind", "", APP),
    ("event.get", "", APP),
    ("event.offline.clear", "", APP),
    ("event.offline.error", "", APP),
    ("event.offline.get", "", APP),
    ("event.offline.list", "", APP),
    ("event.unbind", "", APP),
    ("events", "", APP),
    ("feature.get", "", ANY),
    ("method.get", "", ANY),
    ("methods", "", ANY),
    ("profile", "", ANY),
    ("scope", "", ANY),
    ("server.time", "", ANY),
    ("tasks.task.list", "task|tasks", ANY),
    ("user.admin", "user|user_brief|user_basic", ANY),
    ("user.current", "user|user_brief|user_basic", ANY),
    ("user.get", "user|user_brief|user_basic", ANY),
    ("voximplant.statistic.get", "telephony", ANY),
];

/// A method's name as the portal reads it: any case, an optional `.json`.
pub(crate) fn name(text: &str) -> String {
    let name = text.trim().trim_matches('/').to_lowercase();
    name.strip_suffix(".json")
        .map_or(name.clone(), str::to_owned)
}

/// Carries out one call.
pub(crate) fn call(
    state: &State,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let Some((_, scope, app)) = METHODS.iter().find(|(known, ..)| *known == method) else {
        return Err(Refusal::new(
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        ));
    };
    caller.need_scope(scope)?;
    if *app {
        caller.need_app()?;
    }
    if let Some(outcome) = change::by_method(state, caller, method, params) {
        return outcome;
    }
    let company = state.company();
    match method.split('.').next() {
        Some("crm") => crm(state, &company, caller, method, params),
        Some("event" | "events") => event(state, &company, caller, method, params),
        _ => other(state, &company, caller, method, params),
    }
}

/// Methods of the CRM that only read.
fn crm(
    state: &State,
    company: &Company,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    match method {
        "crm.lead.list" => list(company, caller, Entity::Lead, Style::Text, params),
        "crm.deal.list" => list(company, caller, Entity::Deal, Style::Text, params),
        "crm.item.list" => items::list(company, caller, params),
        "crm.item.get" => items::get(company, caller, params),
        "crm.item.fields" => items::fields(company, params),
        "crm.item.productrow.list" => goods::product_row_list(company, caller, params),
        "crm.item.payment.list" => goods::payments(company, caller, params),
        "crm.lead.get" => get(company, caller, Entity::Lead, params),
        "crm.deal.get" => get(company, caller, Entity::Deal, params),
        "crm.lead.fields" => Ok(fields(company, Entity::Lead)),
        "crm.deal.fields" => Ok(fields(company, Entity::Deal)),
        "crm.lead.userfield.list" => directories::user_fields(company, true, params),
        "crm.deal.userfield.list" => directories::user_fields(company, false, params),
        "crm.status.list" => directories::statuses(company, params),
        "crm.status.entity.items" => directories::entity_items(company, params),
        "crm.category.list" => directories::categories(company, caller, params),
        "crm.currency.list" => Ok(directories::currencies(company)),
        "crm.currency.base.get" => Ok(Answer::of(&json!(company.base_currency))),
        "crm.deal.productrows.get" => goods::of_card(company, caller, Entity::Deal, params),
        "crm.lead.productrows.get" => goods::of_card(company, caller, Entity::Lead, params),
        "crm.settings.mode.get" => Ok(Answer::of(&json!(state.manners().mode))),
        "crm.stagehistory.list" => items::stage_history(company, caller, params),
        "crm.activity.get" => items::activity(company, caller, params),
        "crm.activity.list" => {
            let seen =
                |row: &crate::company::ledger::Activity| caller.sight.person(row.responsible);
            tables::ACTIVITIES.list(company, company.activities(), &seen, params)
        }
        // No smart process is defined here.
        _ => Ok(Answer::list(&json!({"types": []}), 0)),
    }
}

/// Events; the caller is an application.
fn event(
    state: &State,
    company: &Company,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    match method {
        "event.bind" => events::bind(state, caller, params),
        "event.unbind" => events::unbind(state, caller, params),
        "event.get" => Ok(events::handlers(state, caller)),
        "event.offline.get" => events::take(state, company, caller, params),
        "event.offline.list" => events::look(state, company, caller, params),
        "event.offline.clear" => events::settle(state, caller, params, false),
        "event.offline.error" => events::settle(state, caller, params, true),
        _ => Ok(events::known(caller)),
    }
}

/// People, tasks, calls, goods and the portal itself.
fn other(
    state: &State,
    company: &Company,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    match method {
        "user.get" => directories::users(company, params),
        "user.current" => Ok(Answer::of(&directories::current_user(company, caller))),
        "user.admin" => Ok(Answer::of(&json!(caller.admin))),
        "department.get" => directories::departments(company, params),
        "department.fields" => Ok(Answer::of(&json!({
            "ID": "ID",
            "NAME": "Department name",
            "SORT": "Sorting",
            "PARENT": "Parent department",
            "UF_HEAD": "Head",
        }))),
        "profile" => Ok(Answer::of(&directories::profile(company, caller))),
        "scope" => Ok(Answer::of(&json!(caller.scope))),
        "server.time" => {
            let now = time::text(company.zone, state.now().timestamp());
            Ok(Answer::of(&json!(now)))
        }
        "methods" => Ok(Answer::of(&json!(available(caller)))),
        "method.get" => {
            let asked = name(&params.text("name").unwrap_or_default());
            let existing = METHODS.iter().any(|(name, ..)| *name == asked);
            let available = available(caller).contains(&asked.as_str());
            Ok(Answer::of(
                &json!({"isExisting": existing, "isAvailable": available}),
            ))
        }
        "feature.get" => feature(params),
        "tasks.task.list" => items::tasks(company, caller, params),
        "voximplant.statistic.get" => {
            let seen = |call: &crate::company::ledger::Call| caller.sight.person(call.user);
            tables::CALLS.list(company, company.calls(), &seen, params)
        }
        "catalog.catalog.list" => goods::catalogues(caller),
        "catalog.product.list" => goods::catalogue(company, params),
        _ => Ok(Answer::of(&app_info(state))),
    }
}

/// The methods whose scope the caller has.
fn available(caller: &Caller) -> Vec<&'static str> {
    let seen = METHODS
        .iter()
        .filter(|(_, scope, app)| caller.need_scope(scope).is_ok() && (!*app || caller.app));
    seen.map(|(name, ..)| *name).collect()
}

fn feature(params: &Params<'_>) -> Result<Answer, Refusal> {
    let code = params.text("CODE").unwrap_or_default();
    if code.is_empty() {
        return Err(Refusal::bad("CODE_EMPTY", "CODE can't be empty"));
    }
    let known = matches!(
        code.as_str(),
        "rest_offline_extended" | "rest_auth_connector"
    );
    Ok(Answer::of(&json!({"value": if known { "Y" } else { "N" }})))
}

fn app_info(state: &State) -> Value {
    let enterprise = state.plan() == super::Plan::Enterprise;
    let (plan, family) = if enterprise {
        ("ent10000", "ent")
    } else {
        ("std", "std")
    };
    json!({
        "ID": 5,
        "CODE": state.oauth().client_id,
        "VERSION": 1,
        "STATUS": "L",
        "INSTALLED": true,
        "PAYMENT_EXPIRED": "N",
        "DAYS": null,
        "LANGUAGE_ID": "ru",
        "LICENSE": format!("ru_{plan}"),
        "LICENSE_TYPE": plan,
        "LICENSE_FAMILY": family,
    })
}

fn list(
    company: &Company,
    caller: &Caller,
    entity: Entity,
    style: Style,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    Ok(Query::read(company, &caller.sight, entity, style, params)?.run(company))
}

/// One lead or deal. A row that the caller may not see is told apart from one that is not there.
fn get(
    company: &Company,
    caller: &Caller,
    entity: Entity,
    params: &Params<'_>,
) -> Result<Answer, Refusal> {
    let id = params.number("id").unwrap_or(0);
    if id <= 0 {
        return Err(Refusal::plain("ID is not defined or invalid."));
    }
    let card = u32::try_from(id)
        .ok()
        .and_then(|id| entity.table(company).get(id));
    let card = card.ok_or_else(|| Refusal::plain("Not found"))?;
    if !caller.sight.card(card, entity == Entity::Deal) {
        return Err(Refusal::plain("Access denied."));
    }
    let wanted = json!({"filter": {"=ID": id}, "start": -1});
    let query = Query::read(
        company,
        &caller.sight,
        entity,
        Style::Text,
        &Params::new(&wanted),
    )?;
    let answer = query.run(company);
    let row = answer
        .result
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    Ok(Answer {
        result: row.unwrap_or_default().to_vec(),
        ..Answer::default()
    })
}

fn fields(company: &Company, entity: Entity) -> Answer {
    let mut all = Map::new();
    for spec in entity.specs() {
        all.insert(spec.name.to_owned(), items::described(spec));
    }
    let lead = entity == Entity::Lead;
    for field in company
        .user_fields
        .iter()
        .filter(|field| field.lead == lead)
    {
        all.insert(field.name.clone(), items::described_custom(field));
    }
    Answer::of(&Value::Object(all))
}

/// The history that belongs to an entity.
pub(crate) fn owner(entity: Entity) -> Owner {
    match entity {
        Entity::Lead => Owner::Lead,
        Entity::Deal => Owner::Deal,
    }
}
