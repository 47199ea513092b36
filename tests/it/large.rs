//! A year with 5 departments, 200 employees and 8 indicators: planned from nothing in one batch, and
//! replanned after one edit by writing only what changes.

use std::time::Instant;

use planfact_sim::company::Company;
use serde_json::Value;

use crate::world::{AS_OF, World, file_id};

const DEPARTMENTS: u64 = 5;
const EMPLOYEES: u64 = 200;

fn company() -> Company {
    let data = tempfile::tempdir().unwrap();
    let mut users = "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n".to_owned();
    let mut departments = "ID,NAME,PARENT\n1,Компания,\n".to_owned();
    let mut leads = "ID,TITLE,STATUS_ID,STATUS_SEMANTIC_ID,SOURCE_ID,OPPORTUNITY,CURRENCY_ID,\
        ASSIGNED_BY_ID,DATE_CREATE,DATE_MODIFY,DATE_CLOSED\n"
        .to_owned();
    let mut deals =
        "ID,TITLE,LEAD_ID,CATEGORY_ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,CURRENCY_ID,\
        ASSIGNED_BY_ID,SOURCE_ID,DATE_CREATE,DATE_MODIFY,CLOSEDATE,CLOSED\n"
            .to_owned();
    for id in 2..2 + DEPARTMENTS {
        departments += &format!("{id},Отдел {id},1\n");
    }
    for index in 0..EMPLOYEES {
        let user = 100 + index;
        users += &format!(
            "{user},Имя{index},Фамилия{index},true,{}\n",
            2 + index % DEPARTMENTS
        );
        let at = "2026-02-05T10:00:00+03:00";
        leads += &format!("{},l,NEW,P,WEB,1000.00,RUB,{user},{at},{at},\n", index + 1);
        let sum = 10_000 + 700 * index;
        deals += &format!(
            "{},d,{},0,WON,S,{sum}.00,RUB,{user},WEB,{at},{at},{at},Y\n",
            index + 1,
            index + 1
        );
    }
    for (name, text) in [
        ("users.csv", users),
        ("departments.csv", departments),
        ("leads.csv", leads),
        ("deals.csv", deals),
        (
            "company.toml",
            "time_zone = \"Europe/Moscow\"\ncurrency = \"RUB\"\n".to_owned(),
        ),
    ] {
        std::fs::write(data.path().join(name), text).unwrap();
    }
    Company::load(data.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_company_is_planned_in_one_batch() {
    let world = World::of(company()).await;
    let first = world.refresh().await;
    let plan = file_id(&first["plan_url"]);
    // Stages are planned once their conversions are given: 8 indicators from now on.
    for (row, done, of) in [
        ("proposals", 15, 36),
        ("meetings", 36, 75),
        ("calls", 75, 1200),
    ] {
        for (column, number) in [("value", done), ("of", of)] {
            let cell = world.find_cell(&plan, "targets", row, column).await;
            world.type_into(&plan, &cell, &number.to_string()).await;
        }
    }
    world.refresh().await;
    let path =
        format!("/v4/spreadsheets/{plan}/values/plan_employee?valueRenderOption=UNFORMATTED_VALUE");
    let block = world.as_person(reqwest::Method::GET, &path, None).await;
    let rows = block["values"].as_array().unwrap();
    let of_people = rows
        .iter()
        .filter(|row| row[0].as_str().is_some_and(|key| key.starts_with("user:")));
    // Eight indicators and the weight.
    assert_eq!(of_people.count() as u64, EMPLOYEES * 9);

    // From nothing: another company's files, everything in one batch.
    world.configure("second.toml", "second", "");
    let before = world.google_seen();
    let began = Instant::now();
    let report = world
        .json(&["-c", "second.toml", "plan", "--as-of", AS_OF])
        .await[0]
        .clone();
    let seconds = began.elapsed().as_secs_f64();
    let batches = |seen: &std::collections::BTreeMap<String, u64>| {
        seen.get("sheets.spreadsheets.batchUpdate")
            .copied()
            .unwrap_or(0)
    };
    println!(
        "plan from nothing: {} cells, {} bytes, {} batches with the template's, {seconds:.1} s",
        report["plan_cells_written"],
        report["bytes_sent"],
        batches(&world.google_seen()) - batches(&before),
    );

    // One edit: only what changes is written.
    let cell = world
        .find_cell(&plan, "plan_employee", "user:150/revenue", "2026-06")
        .await;
    world.type_into(&plan, &cell, "123456").await;
    let before = batches(&world.google_seen());
    let next = world.refresh().await;
    let written = next["plan_cells_written"].as_u64().unwrap();
    // 39 colleagues, 8 indicators, a month and a year each, and the marks.
    assert!(written > 0 && written <= 40 * 8 * 2 + 16, "{written} cells");
    assert_eq!(
        batches(&world.google_seen()) - before,
        2,
        "one batch a file"
    );
    println!(
        "one edit: {written} cells written, {} bytes",
        next["bytes_sent"]
    );
    assert_eq!(world.refresh().await["plan_cells_written"], Value::from(0));
}
