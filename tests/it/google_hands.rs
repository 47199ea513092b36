//! What people do to the files, and to the rights of the daemon's account, before each request of a
//! cycle: a number typed, a range protected, a tab or a file deleted, a right withdrawn.
//!
//! Nothing that stands is left half written, nothing is doubled, what stands in the way is said with
//! a remedy, and when a person has done as told the next pass puts everything right.
//!
//! `PLANFACT_FAULTS=all` tries every request; without it a sample, which `PLANFACT_SEED` moves.

use std::collections::BTreeMap;

use planfact::sync::copy;
use planfact::sync::mend;
use planfact::sync::outcome::{Outcome, SyncError};
use planfact::sync::pass::Reach;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Calm, HASTY, Shop, State, client, heals, is_tried};
use crate::world::{World, file_id};

/// Of so many pairs one is tried in a usual run: of an edit, of a hindrance, of a first cycle.
const SAMPLES: [u64; 3] = [3, 13, 29];
/// The hidden tab of the report that its visible tabs compute with.
const CALCULATIONS: i64 = 190;
/// The same of the plan.
const PLAN_CALCULATIONS: i64 = 309;
/// The numbers that June changes between, and those of July.
const JUNE: [f64; 2] = [1_300_000.0, 1_200_000.0];
const JULY: [f64; 2] = [1_450_000.0, 1_350_000.0];

/// A company that has been planned, and the two cells of its plan that people type into.
struct Desk<'a> {
    shop: Shop<'a>,
    plan: String,
    report: String,
    june: String,
    july: String,
}

impl Desk<'_> {
    async fn new<'a>(world: &'a World, id: &str) -> Desk<'a> {
        let mut shop = Shop::new(world, id);
        let first = shop.refresh("the first pass").await;
        let plan = file_id(&json!(first.files.plan.url));
        let month = async |key| world.find_cell(&plan, "plan_company", "revenue", key).await;
        let (june, july) = (month("2026-06").await, month("2026-07").await);
        Desk {
            shop,
            report: file_id(&json!(first.files.report.url)),
            plan,
            june,
            july,
        }
    }

    /// June is typed and the company refreshed; then July.
    async fn calm_turn(&mut self, turn: usize) -> Vec<BTreeMap<String, State>> {
        let mut states = vec![self.shop.state().await];
        let world = self.shop.world;
        for (cell, number) in [(&self.june, JUNE[turn]), (&self.july, JULY[turn])] {
            world.type_into(&self.plan, cell, &number.to_string()).await;
            self.shop.refresh("a calm pass").await;
            states.push(self.shop.state().await);
        }
        states
    }

    /// The requests of a pass after June was typed.
    async fn requests(&mut self, turn: usize) -> u64 {
        let world = self.shop.world;
        world
            .type_into(&self.plan, &self.june, &JUNE[turn].to_string())
            .await;
        let report = self.shop.refresh("a counted pass").await;
        report.google_requests.iter().map(|(_, n)| n).sum()
    }

    /// What `planfact copy --anew` does first.
    async fn let_go(&mut self, role: &str) -> Result<(), SyncError> {
        self.shop.engine.google = std::sync::Arc::new(client(self.shop.world, HASTY));
        copy::let_go(&self.shop.engine, &self.shop.company.profile, role).await
    }

    /// `planfact copy` reads both files whole, and must find nothing to put back.
    async fn expect_whole(&mut self, what: &str) {
        let shop = &mut self.shop;
        shop.engine.google = std::sync::Arc::new(client(shop.world, HASTY));
        let profile = &shop.company.profile;
        let files = copy::ensure(&shop.engine, profile, 2026, copy::Lay::Over).await;
        let mut files = files.unwrap();
        mend::check(&shop.engine, profile, 2026, &mut files)
            .await
            .unwrap();
        assert!(files.repaired.is_empty(), "{what}: {:?}", files.repaired);
    }

    /// A pass by a new client with one fault in its way.
    async fn pass(&mut self, fault: &Value) -> Result<(), SyncError> {
        let google = &self.shop.world.google;
        self.shop.engine.google = std::sync::Arc::new(client(self.shop.world, HASTY));
        google.queue_faults(fault).unwrap();
        let done = self.shop.pass(Reach::All).await;
        google.clear_faults();
        done.map(drop)
    }
}

/// A cell's coordinates for a batch, from its address with the tab.
async fn grid(world: &World, file: &str, cell: &str) -> Value {
    let (title, address) = cell.split_once('!').unwrap();
    let title = title.trim_matches('\'');
    let path = format!("/v4/spreadsheets/{file}?fields=sheets.properties(sheetId,title)");
    let book = world.as_person(Method::GET, &path, None).await;
    let all = book["sheets"].as_array().unwrap().iter();
    let tab = all
        .map(|sheet| &sheet["properties"])
        .find(|tab| tab["title"] == title)
        .unwrap();
    let letters: String = address
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let row: u64 = address[letters.len()..].parse().unwrap();
    let column = letters
        .bytes()
        .fold(0, |sum, byte| sum * 26 + u64::from(byte - b'A') + 1);
    json!({"sheetId": tab["sheetId"], "rowIndex": row - 1, "columnIndex": column - 1})
}

/// Only the report of a company's files: in the plan people write too.
fn report_of(state: BTreeMap<String, State>) -> BTreeMap<String, State> {
    state
        .into_iter()
        .filter(|(role, _)| role == "report")
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_before_any_request_is_kept_and_followed() {
    let world = World::small().await;
    let mut desk = Desk::new(&world, "desk").await;
    let mut calms = Vec::new();
    // The way from the generated numbers is not used.
    for turn in [1, 0, 1] {
        calms.push(desk.calm_turn(turn).await);
    }
    let calms: Vec<Calm> = [calms.remove(1), calms.remove(1)]
        .into_iter()
        .map(|states| Calm {
            states,
            requests: 0,
        })
        .collect();
    let requests = desk.requests(0).await;
    desk.calm_turn(1).await;
    let at = grid(&world, &desk.plan, &desk.july).await;
    let mut tried = 0;
    for index in (0..requests).filter(|index| is_tried(*index, SAMPLES[0])) {
        let turn = tried % 2;
        tried += 1;
        let what = format!("July typed before request {index}");
        let june = JUNE[turn].to_string();
        world.type_into(&desk.plan, &desk.june, &june).await;
        let value = json!({"userEnteredValue": {"numberValue": JULY[turn]}});
        let body = json!({"requests": [{"updateCells": {"start": at,
            "fields": "userEnteredValue", "rows": [{"values": [value]}]}}]});
        let fault = json!({"kind": "person", "skip": index, "file": desk.plan, "body": body});
        let done = desk.pass(&fault).await;
        assert!(done.is_ok(), "{what}: {done:?}");
        let seen = world.cell(&desk.plan, &desk.july).await;
        assert_eq!(seen.as_f64(), Some(JULY[turn]), "{what}: the edit is lost");
        calms[turn].check(&report_of(desk.shop.state().await), &what);
        heals(&mut desk.shop, &calms[turn], &what).await;
    }
    println!("{tried} of {requests} pairs of request and a person's edit; none lost, all followed");
    assert!(tried > 0);
}

/// What is in a pass's way, and what a person does about it afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hindrance {
    Protected,
    DataDeleted,
    CalculationsDeleted,
    PlanDataDeleted,
    PlanCalculationsDeleted,
    FileDeleted,
    WithdrawnFromReport,
    WithdrawnFromPlan,
    TokenRevoked,
}

impl Hindrance {
    const ALL: [Hindrance; 9] = [
        Hindrance::Protected,
        Hindrance::DataDeleted,
        Hindrance::CalculationsDeleted,
        Hindrance::PlanDataDeleted,
        Hindrance::PlanCalculationsDeleted,
        Hindrance::FileDeleted,
        Hindrance::WithdrawnFromReport,
        Hindrance::WithdrawnFromPlan,
        Hindrance::TokenRevoked,
    ];

    fn fault(self, desk: &Desk<'_>, tabs: &[Value; 2], index: u64) -> Value {
        let [tab, plan_tab] = tabs;
        let wall = json!([{"addProtectedRange": {"protectedRange": {
            "range": {"sheetId": tab}, "description": "wall",
            "editors": {"users": ["owner@example.com"]}}}}]);
        let gone = |tab: &Value| json!([{"deleteSheet": {"sheetId": tab}}]);
        let person = |file: &str, requests: Value| json!({"kind": "person", "file": file, "body": {"requests": requests}});
        let mut fault = match self {
            Hindrance::Protected => person(&desk.report, wall),
            Hindrance::DataDeleted => person(&desk.report, gone(tab)),
            Hindrance::CalculationsDeleted => person(&desk.report, gone(&json!(CALCULATIONS))),
            Hindrance::PlanDataDeleted => person(&desk.plan, gone(plan_tab)),
            Hindrance::PlanCalculationsDeleted => {
                person(&desk.plan, gone(&json!(PLAN_CALCULATIONS)))
            }
            Hindrance::FileDeleted => json!({"kind": "delete_file", "file": desk.report}),
            Hindrance::WithdrawnFromReport => json!({"kind": "withdraw", "file": desk.report}),
            Hindrance::WithdrawnFromPlan => json!({"kind": "withdraw", "file": desk.plan}),
            Hindrance::TokenRevoked => json!({"kind": "revoke_token"}),
        };
        fault["skip"] = json!(index);
        fault
    }

    /// What a person does who was told what stands in the way.
    async fn undo(self, desk: &mut Desk<'_>) {
        let world = desk.shop.world;
        match self {
            Hindrance::Protected => unprotect(world, &desk.report).await,
            Hindrance::WithdrawnFromReport => let_in(world, &desk.report).await,
            Hindrance::WithdrawnFromPlan => let_in(world, &desk.plan).await,
            Hindrance::FileDeleted => desk.let_go("report").await.unwrap(),
            // The daemon puts back by itself what it misses.
            Hindrance::DataDeleted
            | Hindrance::CalculationsDeleted
            | Hindrance::PlanDataDeleted
            | Hindrance::PlanCalculationsDeleted
            | Hindrance::TokenRevoked => {}
        }
    }

    /// Whether the daemon helps itself.
    fn is_mended(self) -> bool {
        matches!(
            self,
            Hindrance::DataDeleted
                | Hindrance::CalculationsDeleted
                | Hindrance::PlanDataDeleted
                | Hindrance::PlanCalculationsDeleted
                | Hindrance::TokenRevoked
        )
    }
}

async fn unprotect(world: &World, file: &str) {
    let path = format!("/v4/spreadsheets/{file}?fields=sheets.protectedRanges");
    let book = world.as_person(Method::GET, &path, None).await;
    let sheets = book["sheets"].as_array().unwrap().iter();
    let all = sheets.flat_map(|sheet| sheet["protectedRanges"].as_array().into_iter().flatten());
    let ours = all
        .filter(|one| one["description"] == "wall")
        .map(|one| json!({"deleteProtectedRange": {"protectedRangeId": one["protectedRangeId"]}}));
    let body = json!({"requests": ours.collect::<Vec<_>>()});
    let batch = format!("/v4/spreadsheets/{file}:batchUpdate");
    world.as_person(Method::POST, &batch, Some(body)).await;
}

/// A person shares a file with the daemon's account anew.
async fn let_in(world: &World, file: &str) {
    let mail = world.google.credentials["client_email"].clone();
    let path = format!(
        "/drive/v3/files/{file}/permissions?supportsAllDrives=true&sendNotificationEmail=false"
    );
    let body = json!({"type": "user", "role": "writer", "emailAddress": mail});
    world.as_person(Method::POST, &path, Some(body)).await;
}

/// The tab that a table stands on.
async fn tab_of(world: &World, file: &str, table: &str) -> Value {
    let path = format!("/v4/spreadsheets/{file}?fields=namedRanges(name,range)");
    let book = world.as_person(Method::GET, &path, None).await;
    let names = book["namedRanges"].as_array().unwrap();
    let named = names.iter().find(|name| name["name"] == table).unwrap();
    named["range"]["sheetId"].clone()
}

/// The states of the two turns, once the way there does not depend on where it began.
async fn turns(desk: &mut Desk<'_>) -> [Calm; 2] {
    let mut calms = Vec::new();
    for turn in [1, 0, 1] {
        let june = JUNE[turn].to_string();
        let world = desk.shop.world;
        world.type_into(&desk.plan, &desk.june, &june).await;
        let before = desk.shop.state().await;
        let requests = desk.requests(turn).await;
        let states = vec![before, desk.shop.state().await];
        calms.push(Calm { states, requests });
    }
    [calms.remove(1), calms.remove(1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_before_any_request_is_told_and_healed() {
    let world = World::small().await;
    let mut desk = Desk::new(&world, "desk").await;
    let calms = turns(&mut desk).await;
    let requests = calms.iter().map(|calm| calm.requests).max().unwrap();
    let mut tally: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut trial = 0;
    for (kind, hindrance) in (0..).zip(Hindrance::ALL) {
        for index in 0..requests {
            if !is_tried(kind * requests + index, SAMPLES[1]) {
                continue;
            }
            let turn = trial % 2;
            trial += 1;
            let what = format!("{hindrance:?} before request {index} ({trial})");
            let june = JUNE[turn].to_string();
            world.type_into(&desk.plan, &desk.june, &june).await;
            let tabs = [
                tab_of(&world, &desk.report, "months").await,
                tab_of(&world, &desk.plan, "plan_status").await,
            ];
            let fault = hindrance.fault(&desk, &tabs, index);
            let done = desk.pass(&fault).await;
            let told = tally.entry(format!("{hindrance:?}")).or_default();
            told.0 += 1;
            told.1 += u64::from(done.is_err());
            stands(&desk, hindrance, &calms[turn], &what).await;
            if hindrance == Hindrance::TokenRevoked {
                assert!(done.is_ok(), "{what}: {done:?}");
            } else if !hindrance.is_mended() {
                told_to_a_person(&mut desk, hindrance, &what).await;
            }
            hindrance.undo(&mut desk).await;
            let again = desk.shop.refresh(&what).await;
            desk.report = file_id(&json!(again.files.report.url));
            assert_eq!(file_id(&json!(again.files.plan.url)), desk.plan, "{what}");
            heals(&mut desk.shop, &calms[turn], &what).await;
            if hindrance.is_mended() {
                desk.expect_whole(&what).await;
            }
        }
    }
    println!(
        "{trial} pairs of request and hindrance of {requests} requests; by kind the pairs and \
        how many passes ended early: {tally:?}; all were told and healed"
    );
    assert!(trial > 0);
}

/// What can be seen right after the disturbed pass is whole.
async fn stands(desk: &Desk<'_>, hindrance: Hindrance, calm: &Calm, what: &str) {
    let mut seen = desk.shop.state().await;
    match hindrance {
        Hindrance::FileDeleted => assert!(!seen.contains_key("report"), "{what}: a second report"),
        // A tab less, which is the person's doing.
        Hindrance::DataDeleted | Hindrance::CalculationsDeleted => drop(seen.remove("report")),
        Hindrance::PlanDataDeleted | Hindrance::PlanCalculationsDeleted => {
            drop(seen.remove("plan:2026"));
        }
        _ => {}
    }
    calm.check(&seen, what);
}

/// The next pass, with the hindrance still there, writes nothing that is refused and says what to do.
async fn told_to_a_person(desk: &mut Desk<'_>, hindrance: Hindrance, what: &str) {
    let world = desk.shop.world;
    // So that it has something to write.
    desk.shop.engine.google = std::sync::Arc::new(client(world, HASTY));
    let done = desk.shop.pass(Reach::All).await;
    let Err(error) = done else {
        // Nothing but what is fresh is written behind a protection that came after everything else.
        assert_eq!(hindrance, Hindrance::Protected, "{what}: nobody is told");
        return;
    };
    let Outcome::Human(remedy) = error.outcome() else {
        panic!("{what}: {error:?}");
    };
    assert!(remedy.len() > 20, "{what}: {remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_deleted_is_made_anew_with_peoples_numbers() {
    let world = World::small().await;
    let mut desk = Desk::new(&world, "desk").await;
    let year = world
        .find_cell(&desk.plan, "plan_company", "deals_won", "2026")
        .await;
    world.type_into(&desk.plan, &year, "777").await;
    desk.calm_turn(1).await;
    let before = desk.shop.state().await;
    let refused = desk.let_go("plan:2026").await.unwrap_err();
    assert!(refused.to_string().contains("is not deleted"), "{refused}");
    let path = format!("/drive/v3/files/{}?supportsAllDrives=true", desk.plan);
    let body = Some(json!({"trashed": true}));
    world.as_person(Method::PATCH, &path, body).await;
    desk.let_go("plan:2026").await.unwrap();
    let again = desk.shop.refresh("the plan is made anew").await;
    assert_ne!(file_id(&json!(again.files.plan.url)), desk.plan);
    let calm = Calm {
        states: vec![before],
        requests: 0,
    };
    calm.check_last(&desk.shop.state().await, "people's numbers are back");
    heals(&mut desk.shop, &calm, "after the plan came back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_cycle_survives_what_people_do_before_any_request() {
    let world = World::small().await;
    Shop::new(&world, "first").cycle(HASTY).await.unwrap();
    let mut shop = Shop::new(&world, "calm");
    shop.cycle(HASTY).await.unwrap();
    let calm = Calm {
        states: vec![shop.state().await],
        requests: shop.requests(),
    };
    let mut tally: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let kinds = ["delete_file", "withdraw", "revoke_token"];
    for (number, kind) in (0..).zip(kinds) {
        for index in 0..calm.requests {
            if !is_tried(number * calm.requests + index, SAMPLES[2]) {
                continue;
            }
            let what = format!("{kind} before request {index} of a first cycle");
            let mut shop = Shop::new(&world, &format!("{kind}{index}"));
            let fault = json!({"kind": kind, "skip": index});
            world.google.queue_faults(&fault).unwrap();
            let done = shop.cycle(HASTY).await;
            world.google.clear_faults();
            let told = tally.entry(kind).or_default();
            told.0 += 1;
            told.1 += u64::from(done.is_err());
            // Nothing is doubled, whatever happened: `state` looks.
            shop.state().await;
            match kind {
                "withdraw" => {
                    for file in everything(&world).await {
                        let_in(&world, &file).await;
                    }
                }
                "delete_file" => {
                    for role in ["report", "plan:2026"] {
                        // What stands is kept.
                        let _ = copy::let_go(&shop.engine, &shop.company.profile, role).await;
                    }
                }
                _ => assert!(done.is_ok(), "{what}: {done:?}"),
            }
            heals(&mut shop, &calm, &what).await;
        }
    }
    println!("{tally:?}: pairs of a first cycle, and how many cycles ended early; all healed");
}

/// Every file of the world.
async fn everything(world: &World) -> Vec<String> {
    let path = "/drive/v3/files?supportsAllDrives=true&includeItemsFromAllDrives=true\
        &pageSize=1000&fields=files(id)";
    let answer = world.as_person(Method::GET, path, None).await;
    let all = answer["files"].as_array().unwrap().iter();
    all.map(|file| file["id"].as_str().unwrap().to_owned())
        .collect()
}
