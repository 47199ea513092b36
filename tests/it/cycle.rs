//! The main job: copy, fill, refresh, and a second pass that writes only the stamp.

use crate::world::{AS_OF, World, company, field, file_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cycle_gives_the_numbers_of_the_crm() {
    let world = World::small().await;
    let report = world.refresh().await;
    assert_eq!(report["leads_pulled"], 5);
    assert_eq!(report["deals_pulled"], 3);
    let tables = world.tables("planfact.toml").await;
    let months = &tables["months"];
    let cases = [
        ("2026-01", "leads_created", "3"),
        ("2026-01", "cohort_success", "1"),
        ("2026-01", "cohort_junk", "1"),
        ("2026-01", "cohort_failed", "0"),
        ("2026-01", "cohort_open", "1"),
        ("2026-01", "leads_success", "1"),
        ("2026-01", "leads_junk", "1"),
        ("2026-01", "potential_sum", "1500.5"),
        ("2026-01", "missing_sum", "1"),
        ("2026-01", "converted_money", "1200"),
        ("2026-01", "deals_created", "1"),
        ("2026-01", "deals_won", "0"),
        ("2026-01", "avg_check", ""),
        ("2026-02", "leads_created", "1"),
        ("2026-02", "cohort_failed", "1"),
        ("2026-02", "leads_failed", "1"),
        ("2026-02", "missing_sum", "1"),
        ("2026-02", "deals_won", "1"),
        ("2026-02", "deals_lost", "1"),
        ("2026-02", "revenue", "1200"),
        ("2026-02", "avg_check", "1200"),
        ("2026-03", "deals_won", "1"),
        ("2026-03", "revenue", "99.99"),
        // The rest of the year has a plan and no fact: blank, not zero.
        ("2026-04", "leads_created", ""),
        ("2026-04", "revenue", ""),
        ("2026-04", "plan_revenue", "1000000"),
        ("2026-12", "plan_deals_won", "40"),
        ("2026-12", "plan_leads_created", "800"),
        ("2026-12", "break_even", "1000000"),
    ];
    for (month, column, expected) in cases {
        assert_eq!(
            field(months, &[month], column),
            expected,
            "{month} {column}"
        );
    }
    assert_eq!(
        field(&tables["sources"], &["2026-01", "WEB"], "leads_created"),
        "2"
    );
    assert_eq!(
        field(&tables["sources"], &["2026-02", ""], "leads_created"),
        "1"
    );
    assert_eq!(
        field(&tables["managers"], &["2026-03", "11"], "revenue"),
        "99.99"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_refresh_writes_only_the_stamp() {
    let world = World::small().await;
    world.refresh().await;
    world.refresh().await;
    let before = world.tables("planfact.toml").await;
    let seen = world.google_seen();
    let second = world.refresh().await;
    let after = world.google_seen();
    let spent = |method: &str| {
        after.get(method).copied().unwrap_or(0) - seen.get(method).copied().unwrap_or(0)
    };
    let reads = spent("sheets.spreadsheets.get");
    let writes = spent("sheets.spreadsheets.batchUpdate");
    let all: u64 = after.values().sum::<u64>() - seen.values().sum::<u64>() - spent("token");
    assert!(reads <= 2, "{reads} reads");
    assert!(writes <= 1, "{writes} writes");
    assert_eq!(
        all,
        reads + writes,
        "no other request: {seen:?} → {after:?}"
    );
    assert_eq!(second["plan_cells_written"], 0);
    assert_eq!(world.tables("planfact.toml").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_refresh_leaves_nothing_for_the_second() {
    let world = World::small().await;
    world.refresh().await;
    let diff = world.json(&["diff", "--as-of", AS_OF]).await;
    assert_eq!(diff[0]["edits"]["plan"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn copying_twice_makes_one_copy() {
    let world = World::small().await;
    let first = world.json(&["copy", "--as-of", AS_OF]).await;
    let again = world.json(&["copy", "--as-of", AS_OF]).await;
    assert_eq!(first[0]["report_url"], again[0]["report_url"]);
    assert_eq!(again[0]["copied"], serde_json::json!([]));
    // Even when the store is lost: Drive knows the files.
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let lost = world.json(&["copy", "--as-of", AS_OF]).await;
    assert_eq!(first[0]["plan_url"], lost[0]["plan_url"]);
    assert_eq!(lost[0]["copied"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_number_stays_and_the_rest_follows() {
    let world = World::small().await;
    let report = world.refresh().await;
    let plan = file_id(&report["plan_url"]);
    let cell = world
        .find_cell(&plan, "plan_company", "revenue", "2026-06")
        .await;
    world.type_into(&plan, &cell, "1300000").await;
    world.refresh().await;
    let months = &world.tables("planfact.toml").await["months"];
    assert_eq!(field(months, &["2026-06"], "plan_revenue"), "1300000");
    assert_eq!(field(months, &["2026-06"], "plan_deals_won"), "52");
    assert_eq!(field(months, &["2026-06"], "plan_leads_created"), "1040");
    assert_eq!(field(months, &["2026-07"], "plan_revenue"), "1000000");
    let total = world
        .find_cell(&plan, "plan_company", "revenue", "2026")
        .await;
    assert_eq!(world.cell(&plan, &total).await, 12_300_000);
    let next = world.refresh().await;
    assert_eq!(next["plan_cells_written"], 0);
    assert_eq!(world.cell(&plan, &cell).await, 1_300_000);
    assert!(
        world.is_bold(&plan, &cell).await,
        "a taken-over cell is marked"
    );
    let free = world
        .find_cell(&plan, "plan_company", "revenue", "2026-07")
        .await;
    assert!(
        !world.is_bold(&plan, &free).await,
        "a generated cell is not marked"
    );
    // Emptied, the cell is handed back.
    world.type_into(&plan, &cell, "").await;
    world.refresh().await;
    assert_eq!(world.cell(&plan, &cell).await, 1_000_000);
    assert!(
        !world.is_bold(&plan, &cell).await,
        "a cell handed back is not marked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_a_plan_cell_is_left_and_reported() {
    let world = World::small().await;
    let report = world.refresh().await;
    let plan = file_id(&report["plan_url"]);
    let cell = world
        .find_cell(&plan, "plan_company", "leads_created", "2026-09")
        .await;
    world.type_into(&plan, &cell, "много").await;
    let next = world.refresh().await;
    assert_eq!(world.cell(&plan, &cell).await, "много");
    let notices = next["notices"].to_string();
    assert!(
        notices.contains("много") && notices.contains("800"),
        "{notices}"
    );
    let months = &world.tables("planfact.toml").await["months"];
    assert_eq!(field(months, &["2026-09"], "plan_leads_created"), "800");
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_and_sorted_plan_cells_are_found_by_their_keys() {
    let world = World::small().await;
    let report = world.refresh().await;
    let plan = file_id(&report["plan_url"]);
    let cell = world
        .find_cell(&plan, "plan_company", "revenue", "2026-06")
        .await;
    world.type_into(&plan, &cell, "777000").await;
    let fields = "?fields=namedRanges,sheets.properties";
    let book = world
        .as_person(
            reqwest::Method::GET,
            &format!("/v4/spreadsheets/{plan}{fields}"),
            None,
        )
        .await;
    let named = book["namedRanges"].as_array().unwrap();
    let block = &named
        .iter()
        .find(|range| range["name"] == "plan_company")
        .unwrap()["range"];
    let tab = block["sheetId"].as_i64().unwrap_or(0);
    let row = block["startRowIndex"].as_i64().unwrap_or(0);
    let column = block["startColumnIndex"].as_i64().unwrap_or(0);
    let range = |dimension: &str, at: i64| {
        serde_json::json!({"insertDimension": {"range": {"sheetId": tab, "dimension": dimension,
            "startIndex": at, "endIndex": at + 1}, "inheritFromBefore": true}})
    };
    let body = serde_json::json!({"requests": [
        range("ROWS", row + 2), range("COLUMNS", column + 4), range("ROWS", row),
        {"updateSheetProperties": {"properties": {"sheetId": tab, "title": "Наш план"}, "fields": "title"}},
    ]});
    world
        .as_person(
            reqwest::Method::POST,
            &format!("/v4/spreadsheets/{plan}:batchUpdate"),
            Some(body),
        )
        .await;
    world.refresh().await;
    let months = &world.tables("planfact.toml").await["months"];
    assert_eq!(field(months, &["2026-06"], "plan_revenue"), "777000");
    assert_eq!(field(months, &["2026-07"], "plan_revenue"), "1000000");
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
}

/// D8: what somebody did belongs to the department in which he was then.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_department_leaves_past_months_where_they_were() {
    let departments = "ID,NAME,SORT,PARENT,UF_HEAD\n1,Компания,1,,\n2,Север,2,1,\n3,Юг,3,1,\n";
    let living = |anna: u64, boris: u64| {
        let users = format!(
            "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n10,Анна,Иванова,true,{anna}\n\
             11,Борис,Петров,true,{boris}\n"
        );
        company(&users, Some(departments))
    };
    let mut world = World::of(living(2, 3)).await;
    world.refresh().await;
    world.later(living(3, 3)).await;
    let report = file_id(&world.refresh().await["report_url"]);
    let shown = async |table: &str| {
        let path = format!("/v4/spreadsheets/{report}/values/{table}");
        let block = world.as_person(reqwest::Method::GET, &path, None).await;
        block["values"].as_array().unwrap().clone()
    };
    let managers = shown("managers").await;
    let column = |rows: &[serde_json::Value], key: &str| {
        let header = rows[0].as_array().unwrap();
        header
            .iter()
            .position(|name| name == key)
            .expect("a column")
    };
    let at = ["month", "user", "department_name"].map(|key| column(&managers, key));
    for (month, user, department) in [
        ("2026-01", "10", "Север"),
        ("2026-02", "10", "Север"),
        ("2026-03", "10", "Север"),
        ("2026-01", "11", "Юг"),
    ] {
        let row = managers
            .iter()
            .find(|row| row[at[0]] == month && row[at[1]] == user);
        let row = row.unwrap_or_else(|| panic!("no row of {month} {user}: {managers:?}"));
        assert_eq!(row[at[2]], department, "{month} {user}");
    }
    // The year is not over, so it shows where she is now.
    let years = shown("manager_years").await;
    let at = ["user", "department_name"].map(|key| column(&years, key));
    let anna = years
        .iter()
        .find(|row| row[at[0]] == "10")
        .expect("a row of the year");
    assert_eq!(anna[at[1]], "Юг");
    // Those who plan divide among departments as they are.
    let again = world.refresh().await;
    assert_eq!(again["plan_cells_written"], 0, "{again}");
}
