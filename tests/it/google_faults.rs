//! Every fault at every request to Google of a cycle: each tab is as it was or as it should be, with
//! its stamp; nothing is doubled; the next pass heals, and the one after it writes nothing.
//!
//! `PLANFACT_FAULTS=all` tries every pair of request and fault; without it a sample of them, which
//! `PLANFACT_SEED` moves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use planfact::google::{BatchLimits, Google, Kind, Options, Patience};
use planfact::retry::Policy;
use planfact::sheet::edit::Edit;
use planfact::sheet::template::KEEPER_TAB;
use planfact::store::Sqlite;
use planfact::sync::copy::{self, Lay};
use planfact::sync::outcome::SyncError;
use planfact::sync::pass::{self, Ask, PassReport, Reach};
use planfact::sync::{Company, Engine};
use serde_json::{Value, json};

use crate::histories::{connect, profile};
use crate::world::{World, file_id};

/// Of so many pairs one is tried in a usual run: of a first cycle, of a changed plan, of publishing.
const SAMPLES: [u64; 3] = [89, 41, 79];
/// The year of the plan.
const YEAR: i32 = 2026;
/// Rows of the status tables that tell of the pass and not of the company.
const OF_THE_PASS: [&str; 8] = [
    "refreshed_at",
    "refreshed_at_text",
    "requests_portal",
    "requests_google",
    "pass_number",
    "seconds",
    "as_of_text",
    "next_run_text",
];

/// Patient as a daemon, with nothing to wait for.
const HASTY: Patience = Patience {
    tries: Policy {
        attempts_max: 4,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(2),
        total_max: Duration::from_secs(30),
    },
    quota_pause: Duration::from_millis(20),
    ..Patience::PRODUCTION
};
/// Tries once, so that a fault is where the program dies.
const ONCE: Patience = Patience {
    tries: Policy::ONCE,
    ..HASTY
};
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

fn refusal(code: u16, status: &str) -> Value {
    json!({"error": {"code": code, "message": "m", "status": status,
        "errors": [{"domain": "global", "reason": "x", "message": "m"}]}})
}

fn faults() -> Vec<Fault> {
    let page = "<html><body>Sorry</body></html>";
    let with = |code: u16, status: &str| json!({"status": code, "body": refusal(code, status)});
    let list: [(&'static str, Value); 13] = [
        ("429", with(429, "RESOURCE_EXHAUSTED")),
        ("429, a page", json!({"status": 429, "body": page})),
        ("500", with(500, "INTERNAL")),
        ("502, a page", json!({"status": 502, "body": page})),
        ("503 before it is applied", with(503, "UNAVAILABLE")),
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

/// A company with its memory, whose Google client is made anew for each pass.
struct Shop<'a> {
    world: &'a World,
    engine: Engine,
    company: Company,
}

impl Shop<'_> {
    fn new<'a>(world: &'a World, id: &str) -> Shop<'a> {
        let path = world.folder.path().join(format!("{id}.db"));
        let mut profile = profile(&world.google.folder);
        profile.id = id.to_owned();
        Shop {
            engine: Engine {
                google: Arc::new(client(world, HASTY)),
                store: Arc::new(Sqlite::open(&path).unwrap()),
                clock: Arc::new(planfact::clock::System),
            },
            company: Company {
                profile,
                portal: connect(&world.portal),
            },
            world,
        }
    }

    async fn pass(&self, reach: Reach) -> Result<PassReport, SyncError> {
        let ask = Ask {
            reach,
            ..Ask::REFRESH
        };
        pass::run(&self.engine, &self.company, &ask, &|_| {}).await
    }

    /// A refresh by a client of its own that must end well.
    async fn refresh(&mut self, what: &str) -> PassReport {
        self.engine.google = Arc::new(client(self.world, HASTY));
        let done = self.pass(Reach::All).await;
        done.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Copy, plan, refresh by one client; how many requests they took, when they end well. Between
    /// them `look` is called.
    async fn cycle(&mut self, patience: Patience) -> Result<(), SyncError> {
        self.engine.google = Arc::new(client(self.world, patience));
        self.copy().await?;
        self.pass(Reach::Plan).await?;
        self.pass(Reach::All).await.map(drop)
    }

    async fn copy(&self) -> Result<(), SyncError> {
        let profile = &self.company.profile;
        copy::ensure(&self.engine, profile, YEAR, Lay::Over)
            .await
            .map(drop)
    }

    fn requests(&self) -> u64 {
        self.engine.google.requests().iter().map(|(_, n)| n).sum()
    }

    /// The company's files by role, as Drive has them.
    async fn files(&self) -> BTreeMap<String, Vec<String>> {
        let id = &self.company.profile.id;
        marked(self.world, "planfact_company", id, "planfact_role").await
    }

    /// What each of the company's files shows.
    async fn state(&self) -> BTreeMap<String, State> {
        let mut all = BTreeMap::new();
        for (role, ids) in self.files().await {
            assert_eq!(ids.len(), 1, "{role} is there {} times", ids.len());
            all.insert(role, State::read(self.world, &ids[0]).await);
        }
        all
    }
}

fn client(world: &World, patience: Patience) -> Google {
    let options = Options {
        credentials: world.folder.path().join("key.json"),
        endpoint: Some(world.endpoint.parse().unwrap()),
        subject: None,
    };
    Google::with(&options, patience, Box::new(planfact::clock::System)).unwrap()
}

/// Files that carry a mark, by another mark.
async fn marked(world: &World, key: &str, value: &str, by: &str) -> BTreeMap<String, Vec<String>> {
    let query =
        format!("appProperties has {{ key='{key}' and value='{value}' }} and trashed=false");
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!(
        "/drive/v3/files?q={query}&supportsAllDrives=true&includeItemsFromAllDrives=true\
         &fields=files(id,appProperties)"
    );
    let answer = world.as_person(reqwest::Method::GET, &path, None).await;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in answer["files"].as_array().into_iter().flatten() {
        let by = file["appProperties"][by].as_str().unwrap_or_default();
        let id = file["id"].as_str().unwrap().to_owned();
        found.entry(by.to_owned()).or_default().push(id);
    }
    found
}

/// One tab: what was entered, without what tells of the pass; its stamp; how many charts hang there.
#[derive(Debug, Clone, PartialEq)]
struct Tab {
    cells: Vec<String>,
    stamp: Option<String>,
    charts: usize,
}

/// One file: its tabs by title, and its names.
#[derive(Debug, Clone, PartialEq)]
struct State {
    tabs: BTreeMap<String, Tab>,
    names: BTreeSet<String>,
}

impl State {
    async fn read(world: &World, file: &str) -> State {
        let path = format!(
            "/v4/spreadsheets/{file}?includeGridData=true&fields=namedRanges.name,\
             sheets(properties(sheetId,title),charts.chartId,\
             data.rowData.values(userEnteredValue,note))"
        );
        let book = world.as_person(reqwest::Method::GET, &path, None).await;
        let names: Vec<String> = book["namedRanges"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name["name"].as_str().unwrap().to_owned())
            .collect();
        let set: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(set.len(), names.len(), "a name stands twice");
        let mut tabs = BTreeMap::new();
        for sheet in book["sheets"].as_array().unwrap() {
            if sheet["properties"]["sheetId"] == KEEPER_TAB {
                continue;
            }
            let title = sheet["properties"]["title"].as_str().unwrap().to_owned();
            assert!(
                tabs.insert(title.clone(), Tab::read(sheet)).is_none(),
                "{title} is doubled"
            );
        }
        State { tabs, names: set }
    }
}

impl Tab {
    fn read(sheet: &Value) -> Tab {
        let mut cells = Vec::new();
        let rows = sheet["data"][0]["rowData"].as_array();
        for (row, line) in rows.into_iter().flatten().enumerate() {
            let values = line["values"].as_array().map_or(&[][..], Vec::as_slice);
            let entered = |value: &Value| value["userEnteredValue"].clone();
            let key = values
                .iter()
                .map(entered)
                .find_map(|value| value["stringValue"].as_str().map(str::to_owned));
            if key.is_some_and(|key| OF_THE_PASS.contains(&key.as_str())) {
                continue;
            }
            for (column, value) in values.iter().enumerate() {
                let value = entered(value);
                if !value.is_null() {
                    cells.push(format!("{row},{column}: {value}"));
                }
            }
        }
        let notes = rows.into_iter().flatten().flat_map(|line| {
            let values = line["values"].as_array().into_iter().flatten();
            values.filter_map(|value| value["note"].as_str())
        });
        // A stamp is a moment and the number of the pass.
        let mut stamps = notes.filter(|note| note.contains(" #") && note.starts_with("20"));
        Tab {
            cells,
            stamp: stamps.next().map(str::to_owned),
            charts: sheet["charts"].as_array().map_or(0, Vec::len),
        }
    }
}

/// The states that a calm cycle passes through, and the last of them.
struct Calm {
    /// By role; the older first.
    states: Vec<BTreeMap<String, State>>,
    requests: u64,
}

impl Calm {
    fn last(&self) -> &BTreeMap<String, State> {
        self.states.last().unwrap()
    }

    /// Each tab is one of those that the calm cycle knows, and its stamp goes with it.
    fn check(&self, seen: &BTreeMap<String, State>, what: &str) {
        for (role, state) in seen {
            let known: Vec<&State> = self.states.iter().filter_map(|one| one.get(role)).collect();
            let last = &self.last()[role];
            assert_eq!(state.names, last.names, "{what}: names of {role}");
            let titles = |state: &State| state.tabs.keys().cloned().collect::<Vec<_>>();
            assert_eq!(titles(state), titles(last), "{what}: tabs of {role}");
            for (title, tab) in &state.tabs {
                let place = format!("{what}: {role} «{title}»");
                assert_eq!(tab.charts, last.tabs[title].charts, "{place}: charts");
                let same: Vec<&Tab> = known
                    .iter()
                    .filter_map(|state| state.tabs.get(title))
                    .filter(|calm| calm.cells == tab.cells)
                    .collect();
                assert!(
                    !same.is_empty(),
                    "{place} is neither as it was nor as it should be"
                );
                // A stamp stands there where the calm one has one, and only there.
                let stamped = |tab: &Tab| tab.stamp.is_some();
                let fits = same.iter().any(|calm| stamped(calm) == stamped(tab));
                assert!(fits, "{place}: its stamp {:?} is not its own", tab.stamp);
            }
        }
    }

    /// Everything is as after the calm cycle.
    fn check_last(&self, seen: &BTreeMap<String, State>, what: &str) {
        let roles = |state: &BTreeMap<String, State>| state.keys().cloned().collect::<Vec<_>>();
        assert_eq!(roles(seen), roles(self.last()), "{what}: files");
        for (role, state) in seen {
            for (title, tab) in &state.tabs {
                let calm = &self.last()[role].tabs[title];
                assert_eq!(tab.cells, calm.cells, "{what}: {role} «{title}»");
                assert_eq!(tab.charts, calm.charts, "{what}: {role} «{title}»");
                assert_eq!(
                    tab.stamp.is_some(),
                    calm.stamp.is_some(),
                    "{what}: {role} «{title}» {:?}",
                    tab.stamp
                );
            }
        }
    }
}

/// What follows a faulted cycle: a pass that puts everything right, and one that has nothing to do.
async fn heals(shop: &mut Shop<'_>, calm: &Calm, what: &str) {
    shop.world.google.clear_faults();
    shop.refresh(what).await;
    calm.check_last(&shop.state().await, what);
    let idle = shop.refresh(what).await;
    assert_eq!(idle.cells_written.0, 0, "{what}: the plan is written again");
    // Of the report only what says how fresh it is: a handful of cells of one tab.
    let tabs: BTreeSet<i64> = idle.change.report.iter().filter_map(tab_of).collect();
    assert!(
        tabs.len() <= 1 && idle.cells_written.1 <= 10,
        "{what}: {:?}",
        idle.change.report
    );
    let asked = |method: &str| {
        let asked = idle.google_requests.iter();
        asked
            .filter(|(id, _)| id == method)
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    assert!(asked("sheets.spreadsheets.batchUpdate") <= 1, "{what}");
    assert_eq!(
        asked("drive.files.copy") + asked("drive.files.create"),
        0,
        "{what}"
    );
}

/// The tab whose values an edit changes; `-1` for any other edit.
fn tab_of(edit: &Edit) -> Option<i64> {
    match edit {
        Edit::Write { tab, .. } => Some(*tab),
        _ => Some(-1),
    }
}

/// Whether every pair is tried in this run.
fn is_whole() -> bool {
    std::env::var("PLANFACT_FAULTS").is_ok_and(|which| which == "all")
}

/// Whether a pair is tried in this run, when one of `sample` is.
fn is_tried(pair: u64, sample: u64) -> bool {
    let seed: u64 = std::env::var("PLANFACT_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2026);
    is_whole() || pair % sample == seed % sample
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
    for (kind, fault) in (0..).zip(faults()) {
        for index in 0..calm.requests {
            if !is_tried(kind * calm.requests + index, SAMPLES[0]) {
                continue;
            }
            tried += 1;
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
         well, all others were healed by the next pass",
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
    for (kind, fault) in (0..).zip(faults()) {
        let most = calms.iter().map(|calm| calm.requests).max().unwrap();
        for index in 0..most {
            pairs += 1;
            if !is_tried(kind * most + index, SAMPLES[1]) {
                continue;
            }
            let turn = trial % 2;
            trial += 1;
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
    println!("{trial} of {pairs} pairs of request and fault of a changed plan; all healed");
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
    for (kind, fault) in (0..).zip(faults()) {
        for index in 0..publishing {
            // Each needs a Google of its own.
            if !is_tried(kind * publishing + index, SAMPLES[2]) {
                continue;
            }
            tried += 1;
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
    println!("{tried} pairs of request and fault while the templates were published");
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
