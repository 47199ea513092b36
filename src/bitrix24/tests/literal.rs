//! Literal answers, documented and recorded, through the client's own parsers.
//!
//! They are reference material beside the checkout, named by `PLANFACT_SHARED`; without it nothing
//! runs, and that is said.

#![allow(
    clippy::print_stderr,
    reason = "says how many answers were read, or that none was"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use crate::bitrix24::command::{Command, key};
use crate::bitrix24::envelope::{self, BatchAnswer};
use crate::bitrix24::error::{BitrixError, Kind};
use crate::bitrix24::sign_in::Tokens;
use crate::bitrix24::wire::{
    self, Category, Currency, Department, Entity, Record, Status, User, custom_fields,
    product_rows, read_all, record, rows, user_field,
};

/// The folder of fixtures, when it is there.
fn fixtures(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("PLANFACT_SHARED").map(PathBuf::from)?;
    let folder = shared.join("reference/bitrix24/fixtures").join(name);
    folder.is_dir().then_some(folder)
}

/// Every JSON file of a folder by name.
fn answers(folder: &std::path::Path) -> BTreeMap<String, Value> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            let is_answer = name.ends_with(".json") && name != "INDEX.json";
            is_answer.then(|| {
                let text = std::fs::read_to_string(&path).expect("a file");
                (name, serde_json::from_str(&text).expect("JSON"))
            })
        })
        .collect()
}

/// The result of a good answer, as the client takes it out of its envelope.
fn result(body: &Value, name: &str) -> Value {
    let text = body.to_string();
    match envelope::read(StatusCode::OK, text.as_bytes(), "calling") {
        Ok(envelope) => envelope.result,
        Err(refusal) => panic!("{name}: {}", refusal.error),
    }
}

/// Reads a list of records; every row must be readable. Returns how many there were.
fn records(entity: Entity, within: &str, answer: Value, name: &str) -> usize {
    let rows = rows(answer, within, "listing").unwrap_or_else(|e| panic!("{name}: {e}"));
    for row in &rows {
        match record(entity, row.clone()) {
            Ok(read) => assert!(read.id().is_some(), "{name}"),
            Err(unreadable) => panic!("{name}: {unreadable:?}"),
        }
    }
    rows.len()
}

/// Reads rows of a directory; none may be left out.
fn directory<T: serde::de::DeserializeOwned>(within: &str, answer: Value, name: &str) -> usize {
    let rows = rows(answer, within, "listing").unwrap_or_else(|e| panic!("{name}: {e}"));
    let count = rows.len();
    assert_eq!(read_all::<T>(rows).len(), count, "{name}");
    count
}

/// Takes a batch's answer apart under our own keys: the recorded ones are others.
fn batch(body: &Value) -> Result<BatchAnswer, BitrixError> {
    let parts = [
        "result",
        "result_error",
        "result_total",
        "result_next",
        "result_time",
    ];
    let mut names: Vec<String> = Vec::new();
    for part in ["result", "result_error"] {
        for name in body["result"][part]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
        {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let mut renamed = Map::new();
    for part in parts {
        let value = match &body["result"][part] {
            Value::Object(map) => Value::Object(
                map.iter()
                    .filter_map(|(name, value)| {
                        let at = names.iter().position(|known| known == name)?;
                        Some((key(at), value.clone()))
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        renamed.insert(part.to_owned(), value);
    }
    let body = json!({"result": renamed, "time": body["time"]});
    let commands = vec![Command::new("recorded"); names.len()];
    let envelope = envelope::read(StatusCode::OK, body.to_string().as_bytes(), "calling");
    let envelope = envelope.map_err(|refusal| refusal.error)?;
    envelope::split(&commands, envelope, "calling")
}

/// The good results of a recorded batch, which must have a batch's form.
fn good(body: &Value, name: &str) -> Vec<Value> {
    let answer = batch(body).unwrap_or_else(|error| panic!("{name}: {error}"));
    answer.answers.into_iter().filter_map(Result::ok).collect()
}

/// How many rows a documented answer of a method of ours holds; none for other methods.
fn documented(method: &str, name: &str, body: &Value) -> Option<usize> {
    let answer = || result(body, name);
    let one = |read: bool| usize::from(read);
    Some(match method {
        "crm-lead-list" => records(Entity::Lead, "", answer(), name),
        "crm-deal-list" => records(Entity::Deal, "", answer(), name),
        "crm-lead-get" => records(Entity::Lead, "", json!([answer()]), name),
        "crm-deal-get" => records(Entity::Deal, "", json!([answer()]), name),
        "crm-item-list" => records(Entity::Lead, "items", answer(), name),
        "crm-item-get" => records(Entity::Lead, "", json!([answer()["item"]]), name),
        "crm-stage-history-list" => records(Entity::DealMove, "items", answer(), name),
        "crm-activity-list" => records(Entity::Activity, "", answer(), name),
        "voximplant-statistic-get" => records(Entity::Call, "", answer(), name),
        "tasks-task-list" => records(Entity::Task, "tasks", answer(), name),
        "user-get" => directory::<User>("", answer(), name),
        "department-get" => directory::<Department>("", answer(), name),
        "crm-status-list" => directory::<Status>("", answer(), name),
        "crm-category-list" => directory::<Category>("categories", answer(), name),
        "crm-currency-list" => directory::<Currency>("", answer(), name),
        "crm-lead-fields" | "crm-deal-fields" | "crm-item-fields" => {
            let answer = answer();
            let map = answer.get("fields").unwrap_or(&answer).clone();
            let fields = map.as_object().expect("a map").keys();
            let custom = fields
                .filter(|code| code.to_uppercase().starts_with("UF"))
                .count();
            assert_eq!(custom_fields(answer).len(), custom, "{name}");
            map.as_object().map_or(0, Map::len)
        }
        "crm-lead-userfield-list" => {
            let rows = rows(answer(), "", "listing").expect("a list");
            assert!(rows.iter().all(|row| user_field(row).is_some()), "{name}");
            rows.len()
        }
        "crm-deal-productrows-get" | "crm-lead-productrows-get" | "crm-item-productrow-list" => {
            let rows = product_rows(answer(), "listing").expect("rows");
            let whole = |row: &wire::ProductRow| row.id.is_some() && row.price.is_some();
            assert!(rows.iter().all(whole), "{name}");
            rows.len()
        }
        "crm-settings-mode-get" => one(matches!(wire::number(&answer()), Some(1 | 2))),
        "profile" => one(wire::profile(&answer()).admin.is_some()),
        "scope" => wire::scopes(&answer()).len(),
        "server-time" => one(answer().as_str().and_then(wire::time).is_some()),
        "app-info" => one(wire::is_enterprise(&answer())),
        "batch" => batch(body).expect(name).answers.len(),
        "auto-renewal" | "index" => {
            let tokens: Tokens = serde_json::from_value(body.clone()).expect(name);
            one(tokens.client_endpoint().ends_with("/rest/") && !tokens.member_id().is_empty())
        }
        _ => return None,
    })
}

/// Answers of the authorisation server, which the index files under another kind.
const SIGN_INS: [&str; 2] = ["auto-renewal", "index"];

#[test]
fn every_documented_answer_of_a_method_that_is_called_is_read() {
    let Some(folder) = fixtures("official-docs") else {
        eprintln!("literal answers of the documentation: not run, PLANFACT_SHARED names no folder");
        return;
    };
    let (mut good, mut bad, mut rows) = (0, 0, 0);
    for (name, body) in answers(&folder) {
        let mut parts = name.split('.');
        let method = parts.next().unwrap_or_default();
        let kind = parts.nth(1).unwrap_or_default();
        // The documentation files an answer of event.offline.error as an error by its name.
        if kind == "error" {
            let status = StatusCode::BAD_REQUEST;
            let refusal = envelope::read(status, body.to_string().as_bytes(), "calling");
            let error = refusal.expect_err(&name).error;
            assert_ne!(error.kind, Kind::Unreadable, "{name}: {error}");
            assert!(!error.remedy().is_empty(), "{name}");
            bad += 1;
        } else if kind == "other" && !SIGN_INS.contains(&method) {
            // Bodies of requests, and pieces of answers that are whole elsewhere.
        } else if let Some(count) = documented(method, &name, &body) {
            assert!(count > 0, "{name}: nothing was read");
            good += 1;
            rows += count;
        }
    }
    eprintln!("literal answers of the documentation: {good} with {rows} rows, {bad} errors");
    assert!(good >= 30 && bad >= 40, "{good} {bad}");
}

/// Recorded answers whose numeric keys have turned the errors into a list: which command failed is
/// lost, so such a batch must be refused as a whole, never read as "no rows". Ours have other keys.
const LOST_POSITIONS: [&str; 3] = [
    "crm_get_batch_mix_success_and_errors.json",
    "crm_get_batch_of_two_error.json",
    "crm_lead_get_batch_error.json",
];

/// How many rows a recorded answer holds; none for methods that are not called.
fn recorded(name: &str, file: &Value) -> Option<usize> {
    let pages: Vec<Value> = match &file["response"] {
        Value::Array(pages) => pages.clone(),
        one => vec![one.clone()],
    };
    // A list of several pages begins with a plain answer and goes on with batches.
    let listed = |entity: Entity, within: &str| -> usize {
        let lists = pages
            .iter()
            .flat_map(|page| match page["result"].get("result_error") {
                Some(_) => good(page, name),
                None => vec![result(page, name)],
            });
        lists.map(|list| records(entity, within, list, name)).sum()
    };
    let batched = |read: &dyn Fn(Value) -> usize| -> usize {
        pages
            .iter()
            .flat_map(|page| good(page, name))
            .map(read)
            .sum()
    };
    Some(match name {
        "crm_lead_list_one_page_success.json" | "crm_lead_list_several_pages_success.json" => {
            listed(Entity::Lead, "")
        }
        "crm_item_list.json" => listed(Entity::Invoice, "items"),
        "stagehistory.json" => listed(Entity::DealMove, "items"),
        "get_all_tasks.json" => listed(Entity::Task, "tasks"),
        "crm_category_list.json" => {
            directory::<Category>("categories", result(&pages[0], name), name)
        }
        "crm_lead_fields_success.json" => documented("crm-lead-fields", name, &pages[0])?,
        "crm_stagehistory_list.json" => {
            batched(&|answer| records(Entity::DealMove, "items", answer, name))
        }
        "crm_item_productrow_list.json" => {
            batched(&|answer| product_rows(answer, "listing").expect(name).len())
        }
        "call_single_success.json" | "call_several_success.json" => {
            batched(&|answer| match record(Entity::Lead, answer) {
                Ok(Record::Lead(lead)) => usize::from(lead.id.is_some()),
                other => panic!("{name}: {other:?}"),
            })
        }
        "batch_list_empty.json" => {
            assert_eq!(
                batched(&|answer| records(Entity::Lead, "", answer, name)),
                0
            );
            1
        }
        _ if LOST_POSITIONS.contains(&name) => {
            let error = batch(&pages[0]).expect_err(name);
            assert_eq!(error.kind, Kind::Unreadable, "{name}: {error}");
            1
        }
        _ => return None,
    })
}

#[test]
fn every_recorded_answer_of_a_method_that_is_called_is_read() {
    let Some(folder) = fixtures("fast_bitrix24_real") else {
        eprintln!("recorded answers: not run, PLANFACT_SHARED names no folder");
        return;
    };
    let (mut read, mut count) = (0, 0);
    for (name, file) in answers(&folder) {
        if let Some(rows) = recorded(&name, &file) {
            assert!(rows > 0, "{name}: nothing was read");
            read += 1;
            count += rows;
        }
    }
    eprintln!("recorded answers: {read} with {count} rows");
    assert!(read >= 13, "{read}");
}

#[test]
fn the_bodies_of_the_official_sdk_are_all_understood() {
    let Some(folder) = fixtures("official-docs") else {
        eprintln!("error bodies of the SDK: not run, PLANFACT_SHARED names no folder");
        return;
    };
    let path = folder.join("../error_bodies_b24pysdk.json");
    let text = std::fs::read_to_string(path).expect("the fixture");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    // The first is the base class, which has no body.
    let bodies = all["errors"].as_array().expect("a list").iter().skip(1);
    let mut count = 0;
    for body in bodies {
        let error = BitrixError::from_body(body, "calling");
        assert_ne!(error.kind, Kind::Permanent, "{body}");
        count += 1;
    }
    eprintln!("error bodies of the SDK: {count}");
    assert!(count >= 20, "{count}");
}
