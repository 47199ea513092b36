//! Every fault at every request to Google of a cycle: each tab is as it was or as it should be, with
//! its stamp; nothing is doubled; the next pass heals, and the one after it writes nothing.
//!
//! `PLANFACT_FAULTS=all` tries every pair of request and fault; without it a sample of them, which
//! `PLANFACT_SEED` moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use planfact::google::{BatchLimits, Kind, Patience};
use planfact::retry::Policy;
use planfact::sheet::edit::Edit;
use planfact::sync::outcome::SyncError;
use planfact::sync::pass::{PassReport, Reach};
use serde_json::{Value, json};

use crate::shop::{Calm, HASTY, ONCE, Shop, client, heals, is_tried, is_whole, marked};
use crate::world::{World, file_id};

/// Of so many pairs one is tried in a usual run: of a first cycle, of a changed plan, of publishing.
const SAMPLES: [u64; 3] = [89, 41, 79];
/// Gives a call up while Google is still at it.
const IMPATIENT: Patience = Patience {
    tries: Policy {
        attempts_max: 4,
        first_delay: Duration::from_millis(400),
        delay_max: Duration::from_secs(2),
        total_max: Duration::from_secs(60),
    },
    call_max: Duration::from_secs(2),
    ..HASTY
};

/// Sends so little at once that a pass has to be parted.
const PARTING: Patience = Patience {
    batch: BatchLimits {
        bytes: 1_000,
        requests: 90_000,
    },
    ..ONCE
};

/// What is done to a request, and how the program meets it.
struct Fault {
    name: &'static str,
    queued: Value,
    patience: Patience,
}

/// How many pairs were tried, by fault.
type Tally = BTreeMap<&'static str, u64>;

fn refusal(code: u16, status: &str) -> Value {
    json!({"error": {"code": code, "message": "m", "status": status,
        "errors": [{"domain": "global", "reason": "x", "message": "m"}]}})
}

fn faults() -> Vec<Fault> {
    let page = "<html><body>Sorry</body></html>";
    let with = |code: u16, status: &str| json!({"status": code, "body": refusal(code, status)});
    let unheard = json!({"kind": "status_after", "status": 503,
        "body": refusal(503, "UNAVAILABLE")});
    let list: [(&'static str, Value); 16] = [
        ("429", with(429, "RESOURCE_EXHAUSTED")),
        ("429, a page", json!({"status": 429, "body": page})),
        ("500", with(500, "INTERNAL")),
        ("502, a page", json!({"status": 502, "body": page})),
        ("503 before it is applied", with(503, "UNAVAILABLE")),
        ("503 after it is applied", unheard),
        ("a token revoked", json!({"kind": "revoke_token"})),
        ("a slow answer", json!({"kind": "slow_ms", "ms": 20})),
        (
            "a reset before it is applied",
            json!({"kind": "before_apply"}),
        ),
        (
            "a reset after it is applied",
            json!({"kind": "after_apply"}),
        ),
        ("an answer that breaks off", json!({"kind": "truncate"})),
        ("a token that ended", with(401, "UNAUTHENTICATED")),
        ("a withdrawn permission", with(403, "PERMISSION_DENIED")),
        ("a file out of sight", with(404, "NOT_FOUND")),
        ("a refused request", with(400, "INVALID_ARGUMENT")),
        (
            "a time-out, applied later",
            json!({"kind": "slow_ms", "ms": 2_500}),
        ),
    ];
    let mut all = Vec::new();
    for (name, queued) in list {
        let patience = match (&queued["kind"], &queued["status"]) {
            // Slower than the program waits, or only slow.
            (kind, _) if kind == "slow_ms" && queued["ms"] == 20 => vec![HASTY],
            (kind, _) if kind == "slow_ms" => vec![IMPATIENT],
            // Never tried again, however patient one is.
            (_, status) if [400, 403, 404].iter().any(|code| status == code) => vec![ONCE],
            _ => vec![ONCE, HASTY],
        };
        for patience in patience {
            all.push(Fault {
                name,
                queued: queued.clone(),
                patience,
            });
        }
    }
    all
}

/// The fault at that request, counted from the first of the cycle.
fn at(fault: &Fault, index: u64) -> Value {
    let mut queued = fault.queued.clone();
    queued["skip"] = json!(index);
    queued
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_cycle_survives_any_fault_at_any_request() {
    let world = World::small().await;
    // The templates are published by somebody before.
    Shop::new(&world, "first").cycle(HASTY).await.unwrap();
    let mut shop = Shop::new(&world, "calm");
    shop.engine.google = Arc::new(client(&world, HASTY));
    shop.copy().await.unwrap();
    let mut states = vec![shop.state().await];
    for reach in [Reach::Plan, Reach::All] {
        shop.pass(reach).await.unwrap();
        states.push(shop.state().await);
    }
    let calm = Calm {
        states,
        requests: shop.requests(),
    };
    let (mut tried, mut ended_well) = (0, 0);
    let mut tally = Tally::new();
    for (kind, fault) in (0..).zip(faults()) {
        for index in 0..calm.requests {
            if !is_tried(kind * calm.requests + index, SAMPLES[0]) {
                continue;
            }
            tried += 1;
            *tally.entry(fault.name).or_default() += 1;
            let what = format!("{} at request {index} ({tried})", fault.name);
            let mut shop = Shop::new(&world, &format!("trial{tried}"));
            world.google.queue_faults(&at(&fault, index)).unwrap();
            let done = shop.cycle(fault.patience).await;
            world.google.clear_faults();
            ended_well += u64::from(done.is_ok());
            let seen = shop.state().await;
            calm.check(&seen, &what);
            heals(&mut shop, &calm, &what).await;
        }
    }
    println!(
        "{tried} of {} pairs of {} requests and {} faults of a first cycle; {ended_well} cycles ended \
         well, all others were healed by the next pass; {tally:?}",
        calm.requests * faults().len() as u64,
        calm.requests,
        faults().len()
    );
    assert!(tried > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_plan_survives_any_fault_at_any_request() {
    let world = World::small().await;
    let mut shop = Shop::new(&world, "desk");
    let first = shop.refresh("the first pass").await;
    let plan = file_id(&json!(first.files.plan.url));
    let cell = world
        .find_cell(&plan, "plan_company", "revenue", "2026-06")
        .await;
    // Two states that the company changes between, and the calm way from each to the other.
    let numbers = ["1300000", "1200000"];
    let mut calms = Vec::new();
    for number in [numbers[1], numbers[0], numbers[1]] {
        world.type_into(&plan, &cell, number).await;
        let before = shop.state().await;
        let report = shop.refresh("a calm pass").await;
        let states = vec![before, shop.state().await];
        let requests = report.google_requests.iter().map(|(_, n)| n).sum();
        calms.push(Calm { states, requests });
    }
    // To the first number and to the second; the way from the generated number is not used.
    let calms = [calms.remove(1), calms.remove(1)];
    let mut trial = 0;
    let mut pairs = 0;
    let mut tally = Tally::new();
    for (kind, fault) in (0..).zip(faults()) {
        let most = calms.iter().map(|calm| calm.requests).max().unwrap();
        for index in 0..most {
            pairs += 1;
            if !is_tried(kind * most + index, SAMPLES[1]) {
                continue;
            }
            let turn = trial % 2;
            trial += 1;
            *tally.entry(fault.name).or_default() += 1;
            let what = format!("{} at request {index} ({trial})", fault.name);
            world.type_into(&plan, &cell, numbers[turn]).await;
            shop.engine.google = Arc::new(client(&world, fault.patience));
            world.google.queue_faults(&at(&fault, index)).unwrap();
            let _ = shop.pass(Reach::All).await;
            world.google.clear_faults();
            calms[turn].check(&shop.state().await, &what);
            heals(&mut shop, &calms[turn], &what).await;
        }
    }
    println!(
        "{trial} of {pairs} pairs of request and fault of a changed plan; all healed; {tally:?}"
    );
    assert!(trial > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_published_once_whatever_happens() {
    let calm = World::small().await;
    let mut shop = Shop::new(&calm, "calm");
    shop.engine.google = Arc::new(client(&calm, HASTY));
    shop.copy().await.unwrap();
    let publishing = shop.requests();
    let mut tried = 0;
    let mut tally = Tally::new();
    for (kind, fault) in (0..).zip(faults()) {
        for index in 0..publishing {
            // Each needs a Google of its own.
            if !is_tried(kind * publishing + index, SAMPLES[2]) {
                continue;
            }
            tried += 1;
            *tally.entry(fault.name).or_default() += 1;
            let what = format!("{} at request {index} of publishing", fault.name);
            let world = World::small().await;
            let mut shop = Shop::new(&world, "desk");
            shop.engine.google = Arc::new(client(&world, fault.patience));
            world.google.queue_faults(&at(&fault, index)).unwrap();
            let _ = shop.copy().await;
            world.google.clear_faults();
            shop.refresh(&what).await;
            let templates = marked(&world, "planfact_kind", "template", "planfact_template").await;
            assert_eq!(templates.len(), 2, "{what}");
            assert!(
                templates.values().all(|ids| ids.len() == 1),
                "{what}: {templates:?}"
            );
            let files = shop.files().await;
            assert!(
                files.len() == 2 && files.values().all(|ids| ids.len() == 1),
                "{what}"
            );
            let idle = shop.refresh(&what).await;
            assert_eq!(idle.cells_written.0, 0, "{what}");
        }
    }
    println!("{tried} pairs of request and fault while the templates were published; {tally:?}");
}

/// A pass that is too large for one batch: tab by tab, each whole with its stamp, the file's own stamp
/// last; and the same when it dies between two of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_parted_pass_leaves_each_tab_whole() {
    let world = World::small().await;
    let mut shop = Shop::new(&world, "calm");
    shop.engine.google = Arc::new(client(&world, HASTY));
    shop.copy().await.unwrap();
    let before = shop.state().await;
    shop.refresh("a calm pass").await;
    let calm = Calm {
        states: vec![before, shop.state().await],
        requests: 0,
    };

    let mut parted = Shop::new(&world, "parted");
    parted.copy().await.unwrap();
    parted.engine.google = Arc::new(client(&world, PARTING));
    let report = parted.pass(Reach::All).await.unwrap();
    let batches = |report: &PassReport| {
        let sent = report.google_requests.iter();
        sent.filter(|(id, _)| id == "sheets.spreadsheets.batchUpdate")
            .map(|(_, n)| *n)
            .sum::<u64>()
    };
    let all = batches(&report);
    assert!(all > 4, "{all} batches");
    calm.check_last(&parted.state().await, "parted");
    let tabs = |report: &PassReport| -> Vec<i64> {
        let edits = report.change.report.iter();
        edits
            .filter_map(|edit| match edit {
                Edit::Write { tab, .. } => Some(*tab),
                _ => None,
            })
            .collect()
    };
    let last = tabs(&report).pop();

    // It dies after each of its batches in turn; in a usual run after the first, one amid, the last.
    let usual = [1, all / 2, all - 1];
    let mut tried = 0;
    for died in (1..all).filter(|died| usual.contains(died) || is_whole()) {
        tried += 1;
        let mut shop = Shop::new(&world, &format!("died{died}"));
        shop.copy().await.unwrap();
        shop.engine.google = Arc::new(client(&world, PARTING));
        let fault = json!({"match": "sheets.spreadsheets.batchUpdate", "skip": died, "status": 503,
            "body": refusal(503, "UNAVAILABLE")});
        world.google.queue_faults(&fault).unwrap();
        let what = format!("dead after {died} of {all} batches");
        shop.pass(Reach::All).await.expect_err(&what);
        world.google.clear_faults();
        calm.check(&shop.state().await, &what);
        heals(&mut shop, &calm, &what).await;
        let idle = shop.refresh(&what).await;
        assert_eq!(tabs(&idle).pop(), last, "the file's stamp goes last");
    }
    println!("{all} batches of a parted pass, dead after {tried} of them");
}

/// A person gets in the way between the read and the batch: what stands there is named, and when it
/// is gone the next pass writes what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_put_in_the_way_is_named() {
    let world = World::small().await;
    let mut shop = Shop::new(&world, "desk");
    let report = shop.refresh("the first pass").await;
    let id = file_id(&json!(report.files.report.url));
    let fields = "?fields=sheets.properties(sheetId,title),namedRanges(name,range)";
    let path = format!("/v4/spreadsheets/{id}{fields}");
    let book = world.as_person(reqwest::Method::GET, &path, None).await;
    let names = book["namedRanges"].as_array().unwrap();
    let months = names.iter().find(|name| name["name"] == "months").unwrap();
    let tab = months["range"]["sheetId"].clone();
    let batch = format!("/v4/spreadsheets/{id}:batchUpdate");
    let person = |requests: Value| {
        let body = json!({ "requests": requests });
        json!({"kind": "person", "match": "sheets.spreadsheets.batchUpdate", "body": body})
    };
    let plan = file_id(&json!(report.files.plan.url));
    let cell = world
        .find_cell(&plan, "plan_company", "revenue", "2026-06")
        .await;
    world.type_into(&plan, &cell, "1300000").await;

    // The report's batch is the second one of that pass.
    let mut wall = person(json!([{"addProtectedRange": {"protectedRange": {
        "range": {"sheetId": tab}, "description": "годовой отчёт",
        "editors": {"users": ["owner@example.com"]}}}}]));
    wall["skip"] = json!(1);
    world.google.queue_faults(&wall).unwrap();
    shop.engine.google = Arc::new(client(&world, HASTY));
    let error = shop.pass(Reach::All).await.unwrap_err();
    world.google.clear_faults();
    let SyncError::Google(told) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(told.kind, Kind::NeedsHuman, "{told}");
    assert!(told.message.contains("годовой отчёт"), "{told}");
    assert!(told.remedy().contains("protected range"));
    let path = format!("/v4/spreadsheets/{id}?fields=sheets.protectedRanges");
    let book = world.as_person(reqwest::Method::GET, &path, None).await;
    let all = book["sheets"].as_array().unwrap().iter();
    let protections =
        all.flat_map(|sheet| sheet["protectedRanges"].as_array().into_iter().flatten());
    let ours = protections
        .filter(|one| one["description"] == "годовой отчёт")
        .map(|one| json!({"deleteProtectedRange": {"protectedRangeId": one["protectedRangeId"]}}));
    let body = json!({"requests": ours.collect::<Vec<_>>()});
    world
        .as_person(reqwest::Method::POST, &batch, Some(body))
        .await;
    let healed = shop.refresh("without the protection").await;
    assert!(healed.cells_written.1 > 0);

    // The tab is deleted at the same moment.
    world.type_into(&plan, &cell, "1200000").await;
    let mut gone = person(json!([{"deleteSheet": {"sheetId": tab}}]));
    gone["skip"] = json!(1);
    world.google.queue_faults(&gone).unwrap();
    shop.engine.google = Arc::new(client(&world, HASTY));
    let error = shop.pass(Reach::All).await.unwrap_err();
    world.google.clear_faults();
    let text = format!("{error:?}");
    assert!(text.contains(&format!("id {tab} is gone")), "{text}");
}
