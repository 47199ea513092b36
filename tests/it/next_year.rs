//! The plan of the year to come: made on demand, kept true while this year runs, and in force on
//! 1 January with everything that people typed into it.

use serde_json::{Value, json};

use crate::world::{AS_OF, World, field, file_id, read_tables};

/// A day of the year that was planned.
const NEXT: &str = "2027-01-12";

async fn ask(world: &World, arguments: &[&str]) -> Value {
    world.json(arguments).await[0].clone()
}

async fn planned_next(world: &World) -> Value {
    ask(world, &["plan", "--next-year", "--as-of", AS_OF]).await
}

async fn types(world: &World, plan: &str, row: &str, column: &str, text: &str) {
    let at = world.find_cell(plan, "plan_company", row, column).await;
    world.type_into(plan, &at, text).await;
}

async fn shows(world: &World, plan: &str, row: &str, column: &str) -> Value {
    let at = world.find_cell(plan, "plan_company", row, column).await;
    world.cell(plan, &at).await
}

async fn exported(world: &World) -> std::collections::BTreeMap<String, Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    world.json(&["export", "--as-of", NEXT, "--out", out]).await;
    read_tables(folder.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_year_to_come_is_planned_ahead_and_taken_over_on_its_first_day() {
    let world = World::small().await;
    let this = world.refresh().await;
    assert_eq!(this["next_year"], Value::Null, "nobody has asked for it");
    let made = planned_next(&world).await;
    assert_eq!(made["copied"], json!(["plan:2027"]));
    assert_ne!(made["plan_url"], this["plan_url"]);
    let plan = file_id(&made["plan_url"]);
    let again = planned_next(&world).await;
    assert_eq!(again["plan_cells_written"], 0);
    assert_eq!(again["bytes_sent"], 0);

    types(&world, &plan, "revenue", "2027-03", "777000").await;
    let refreshed = world.refresh().await;
    let next = &refreshed["next_year"];
    assert_eq!(next["plan_url"], made["plan_url"]);
    assert_ne!(next["plan_cells_written"], 0, "the chain follows the edit");
    assert_eq!(refreshed["plan_cells_written"], 0, "this year's stays");
    let deals = shows(&world, &plan, "deals_won", "2027-03").await;
    let second = world.refresh().await;
    assert_eq!(second["next_year"]["plan_cells_written"], 0);
    assert_eq!(second["next_year"]["bytes_sent"], 0);

    let came = ask(&world, &["refresh", "--as-of", NEXT]).await;
    assert_eq!(came["plan_url"], made["plan_url"], "the same file");
    assert_eq!(came["copied"], json!([]));
    assert_eq!(came["next_year"], Value::Null);
    let shown = shows(&world, &plan, "revenue", "2027-03").await;
    assert_eq!(shown, json!(777_000));
    assert_eq!(shows(&world, &plan, "deals_won", "2027-03").await, deals);
    let tables = exported(&world).await;
    let march = field(&tables["months"], &["2027-03"], "plan_revenue");
    assert_eq!(march, "777000");
    let idle = ask(&world, &["refresh", "--as-of", NEXT]).await;
    assert_eq!(idle["plan_cells_written"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_year_to_come_has_its_own_history() {
    let world = World::small().await;
    world.refresh().await;
    let early = ["plan", "--next-year", "--dry-run", "--as-of", AS_OF];
    let refused = world.run(&early).await;
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("no plan of 2027 yet"), "{told}");
    assert!(told.contains("`planfact plan --next-year`"), "{told}");

    let made = planned_next(&world).await;
    let plan = file_id(&made["plan_url"]);
    let before = shows(&world, &plan, "revenue", "2027-03").await;
    types(&world, &plan, "revenue", "2027-03", "777000").await;
    let cell = "plan_company/revenue/2027-03";
    let explained = ["explain", "--next-year", cell, "--as-of", AS_OF];
    planned_next(&world).await;
    let explained = world.json(&explained).await;
    assert_eq!(explained["owner"], "person", "{explained}");

    let undo = ["plan", "--next-year", "--undo", "--as-of", AS_OF];
    ask(&world, &undo).await;
    assert_eq!(shows(&world, &plan, "revenue", "2027-03").await, before);
    let nothing = ["plan", "--undo", "--as-of", AS_OF];
    let refused = world.run(&nothing).await;
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("plan of 2026"), "{told}");

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let export = ["export", "--next-year", "--out", out, "--as-of", AS_OF];
    assert!(world.run(&export).await.status.success());
    assert!(folder.path().join("plan.xlsx").exists());
}
