//! The plan's history: looking before writing, undoing, versions, and where a number comes from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{AS_OF, World, field, file_id};

/// The tables whose numbers people may edit.
const TABLES: [&str; 4] = [
    "targets",
    "plan_company",
    "plan_department",
    "plan_employee",
];

/// What the people's tables of the plan hold, by table, row and column key.
async fn numbers(world: &World, plan: &str) -> BTreeMap<String, Value> {
    let mut cells = BTreeMap::new();
    for table in TABLES {
        let path =
            format!("/v4/spreadsheets/{plan}/values/{table}?valueRenderOption=UNFORMATTED_VALUE");
        let block = world.as_person(reqwest::Method::GET, &path, None).await;
        let rows = block["values"].as_array().unwrap();
        let header = rows[0].as_array().unwrap();
        for row in &rows[1..] {
            let key = row[0].as_str().unwrap_or_default();
            let values = header.iter().zip(row.as_array().unwrap()).skip(1);
            for (column, value) in values.filter(|_| !key.is_empty()) {
                let column = column.as_str().unwrap_or_default();
                let is_number = column.starts_with("20") || ["value", "of"].contains(&column);
                if is_number && value != "" {
                    cells.insert(format!("{table}/{key}/{column}"), value.clone());
                }
            }
        }
    }
    cells
}

async fn types(world: &World, plan: &str, cell: &str, text: &str) {
    let (table, rest) = cell.split_once('/').unwrap();
    let (row, column) = rest.rsplit_once('/').unwrap();
    let at = world.find_cell(plan, table, row, column).await;
    world.type_into(plan, &at, text).await;
}

async fn plan(world: &World, more: &[&str]) -> Value {
    let all = [&["plan", "--as-of", AS_OF], more].concat();
    world.json(&all).await[0].clone()
}

/// Requests that change something at Google.
fn writes(world: &World) -> u64 {
    let seen = world.google_seen();
    let reading = ["get", "list", "token", "getStartPageToken"];
    let is_write = |method: &str| !reading.iter().any(|end| method.ends_with(end));
    seen.iter()
        .filter(|(method, _)| is_write(method))
        .map(|(_, count)| count)
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lists_exactly_what_the_plan_writes() {
    let world = World::small().await;
    let report = world.refresh().await;
    let file = file_id(&report["plan_url"]);
    types(&world, &file, "targets/avg_check/value", "50000").await;
    types(&world, &file, "plan_company/revenue/2026-06", "1300000").await;
    let before = numbers(&world, &file).await;
    let sent = writes(&world);

    let listed = plan(&world, &["--dry-run"]).await;
    assert_eq!(writes(&world), sent, "a dry run sends no write request");
    assert_eq!(numbers(&world, &file).await, before);
    let cells = listed["cells"].as_array().unwrap();
    let deals = cells
        .iter()
        .find(|cell| cell["cell"] == "plan_company/deals_won/2026-06");
    let deals = deals.unwrap();
    assert_eq!((&deals["old"], &deals["new"]), (&json!("40"), &json!("26")));
    assert_eq!(deals["formula"], "26 = 1300000 ÷ 50000");
    assert_eq!(deals["place"], "«План», сделки, июнь 2026");

    plan(&world, &[]).await;
    let after = numbers(&world, &file).await;
    let keys = before.keys().chain(after.keys());
    let mut changed: Vec<&str> = keys
        .filter(|key| before.get(*key) != after.get(*key))
        .map(String::as_str)
        .collect();
    changed.sort_unstable();
    changed.dedup();
    let mut named: Vec<&str> = cells
        .iter()
        .map(|cell| cell["cell"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(changed, named);
    for cell in cells {
        let value = after.get(cell["cell"].as_str().unwrap());
        let wanted: f64 = cell["new"].as_str().unwrap().parse().unwrap();
        assert_eq!(value.and_then(Value::as_f64), Some(wanted), "{cell}");
    }
    assert_eq!(plan(&world, &["--dry-run"]).await["cells"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_brings_back_what_stood_there() {
    let world = World::small().await;
    let report = world.refresh().await;
    let file = file_id(&report["plan_url"]);
    let refused = world.run(&["plan", "--undo", "--as-of", AS_OF]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing to undo"));

    types(&world, &file, "plan_company/revenue/2026-06", "1300000").await;
    plan(&world, &[]).await;
    let before = numbers(&world, &file).await;
    types(&world, &file, "plan_company/revenue/2026-06", "").await;
    types(&world, &file, "targets/avg_check/value", "50000").await;
    types(&world, &file, "targets/split_by/value", "1").await;
    types(&world, &file, "plan_employee/user:10/revenue/2026-07", "1").await;
    plan(&world, &[]).await;
    let changed = numbers(&world, &file).await;
    assert_ne!(changed, before);

    plan(&world, &["--undo"]).await;
    assert_eq!(numbers(&world, &file).await, before);
    let quiet = world.refresh().await;
    assert_eq!(quiet["plan_cells_written"], 0);
    plan(&world, &["--undo"]).await;
    assert_eq!(
        numbers(&world, &file).await,
        changed,
        "undone twice is done again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_no_pass_has_seen_is_what_undo_takes_back() {
    let world = World::small().await;
    let report = world.refresh().await;
    let file = file_id(&report["plan_url"]);
    let before = numbers(&world, &file).await;
    types(&world, &file, "plan_company/deals_won/2026-06", "77").await;
    plan(&world, &["--undo"]).await;
    assert_eq!(numbers(&world, &file).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_kept_compared_shown_and_restored() {
    let world = World::small().await;
    let report = world.refresh().await;
    let file = file_id(&report["plan_url"]);
    let months = &world.tables("planfact.toml").await["months"];
    assert_eq!(field(months, &["2026-06"], "approved_revenue"), "");

    types(&world, &file, "plan_company/revenue/2026-06", "1300000").await;
    let saved = plan(&world, &["--save", "утверждён"]).await;
    assert!(saved["cells"].as_u64().unwrap() > 100);
    let approved = numbers(&world, &file).await;
    types(&world, &file, "plan_company/revenue/2026-06", "900000").await;
    world.refresh().await;
    let months = &world.tables("planfact.toml").await["months"];
    let june = |column| field(months, &["2026-06"], column);
    assert_eq!(
        (june("plan_revenue"), june("approved_revenue")),
        ("900000", "1300000")
    );
    assert_eq!(
        (june("plan_deals_won"), june("approved_deals_won")),
        ("36", "52")
    );
    assert_eq!(june("approved_leads_created"), "1040");

    let listed = plan(&world, &["--versions"]).await;
    assert_eq!(listed["versions"][0]["name"], "утверждён");
    let compared = plan(&world, &["--compare", "утверждён"]).await;
    let cells = compared["cells"].as_array().unwrap();
    let revenue = cells
        .iter()
        .find(|cell| cell["cell"] == "plan_company/revenue/2026-06");
    let revenue = revenue.unwrap();
    assert_eq!(
        revenue["version"],
        json!({"owner": "person", "value": "1300000"})
    );
    assert_eq!(
        revenue["now"],
        json!({"owner": "person", "value": "900000"})
    );

    plan(&world, &["--restore", "утверждён"]).await;
    assert_eq!(numbers(&world, &file).await, approved);
    assert_eq!(
        plan(&world, &["--compare", "утверждён"]).await["cells"],
        json!([])
    );
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_explained_with_its_history() {
    let world = World::small().await;
    let report = world.refresh().await;
    let file = file_id(&report["plan_url"]);
    types(&world, &file, "plan_company/deals_won/2026-06", "50").await;
    world.refresh().await;
    let typed = [
        "explain",
        "plan_company/deals_won/2026-06",
        "--as-of",
        AS_OF,
    ];
    let typed = world.json(&typed).await;
    assert_eq!(
        (&typed["owner"], &typed["value"]),
        (&json!("person"), &json!("50"))
    );
    let edit = &typed["history"][0];
    assert_eq!(
        (&edit["source"], &edit["before"]["value"]),
        (&json!("sheet"), &json!("40"))
    );
    assert!(
        edit["person"]
            .as_str()
            .unwrap()
            .contains("owner@example.com"),
        "{edit}"
    );

    // The leads that follow from them, by the address at which they stand.
    let at = world
        .find_cell(&file, "plan_company", "leads_created", "2026-06")
        .await;
    let leads = world
        .json(&["explain", &at, "--note", "--as-of", AS_OF])
        .await;
    assert_eq!(leads["cell"], "plan_company/leads_created/2026-06");
    assert_eq!(leads["formula"], "1000 = 50 ÷ 5/100");
    assert_eq!(leads["rule"], "chain");
    assert_eq!(leads["history"][0]["source"], "targets");
    let path = format!("/v4/spreadsheets/{file}?fields=sheets.data.rowData.values.note");
    let book = world.as_person(reqwest::Method::GET, &path, None).await;
    assert!(
        book.to_string().contains("1000 = 50 ÷ 5/100"),
        "the note is in the sheet"
    );
    assert_eq!(
        world.refresh().await["plan_cells_written"],
        0,
        "a note is no edit"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_with_its_code() {
    let world = World::small().await;
    let cases: [(&[&str], i32, &str); 3] = [
        (&["plan", "--dry-run"], 1, "planfact copy"),
        (&["plan", "--undo", "--dry-run"], 2, "cannot be used"),
        (&["plan", "--restore", "nowhere"], 2, "no versions"),
    ];
    for (arguments, code, told) in cases {
        refused(&world, arguments, code, told).await;
    }
    world.refresh().await;
    plan(&world, &["--save", "one"]).await;
    let cases: [(&[&str], i32, &str); 5] = [
        (&["plan", "--save", "one"], 2, "another name"),
        (&["plan", "--restore", "two"], 2, "it has: one"),
        (&["explain", "revenue"], 2, "names no cell"),
        (&["explain", "plan_company/revenue/2031-01"], 2, "no cell"),
        (&["explain", "Nowhere!A1"], 2, "no tab"),
    ];
    for (arguments, code, told) in cases {
        refused(&world, arguments, code, told).await;
    }
}

async fn refused(world: &World, arguments: &[&str], code: i32, told: &str) {
    let output = world.run(&[arguments, &["--as-of", AS_OF]].concat()).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(told), "{arguments:?}: {stderr}");
}
