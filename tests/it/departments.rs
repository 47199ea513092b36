//! Departments' results to the day of a move (D8), and margins and payments in the report: whole cycles
//! with the binary, down to the exported tables.

use std::collections::BTreeMap;
use std::path::Path;

use planfact::store::{PullBatch, Sqlite, Store};
use planfact_sim::company::{Company, Locale, Size, Spec};

use crate::world::{AS_OF, World, company, field};

const DEPARTMENTS: &str = "ID,NAME,PARENT\n1,Ромашка,\n2,Опт,1\n3,Розница,1\n";

/// The small company; Boris is in this department.
fn with_boris_in(department: u64) -> Company {
    let users = format!(
        "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n10,Анна,Иванова,true,2\n\
         11,Борис,Петров,true,{department}\n"
    );
    company(&users, Some(DEPARTMENTS))
}

/// What the store would hold had a pass of that moment seen Boris in another department.
fn moved(folder: &Path, department: u64, at: &str) {
    let store = Sqlite::open(&folder.join("romashka.db")).unwrap();
    let mut directory = store.directory("romashka").unwrap();
    for user in directory.users.iter_mut().filter(|user| user.id == 11) {
        user.departments = vec![department];
    }
    let at = chrono::DateTime::parse_from_rfc3339(at).unwrap().to_utc();
    let batch = PullBatch {
        directory: Some(directory),
        directory_at: Some(at),
        ..PullBatch::default()
    };
    store.save_pull("romashka", &batch).unwrap();
}

type Tables = BTreeMap<String, Vec<Vec<String>>>;

/// Whether every month's departments add up to the company, in every metric that is a sum; how many cells
/// were compared.
fn adds_up(tables: &Tables) -> usize {
    let (months, departments) = (&tables["months"], &tables["departments"]);
    let number = |text: &str| match text {
        "" => rust_decimal::Decimal::ZERO,
        text => text.parse().unwrap(),
    };
    let sums = departments[0].iter();
    let sums = sums.filter(|column| {
        !["month", "department", "department_name", "avg_check"].contains(&column.as_str())
    });
    let mut compared = 0;
    for column in sums {
        let at = departments[0]
            .iter()
            .position(|name| name == column)
            .unwrap();
        for month in &months[1..] {
            let own = departments[1..].iter().filter(|row| row[0] == month[0]);
            let parts: rust_decimal::Decimal = own.map(|row| number(&row[at])).sum();
            let whole = field(months, &[&month[0]], column);
            assert_eq!(parts, number(whole), "{} {column}", month[0]);
            compared += usize::from(!whole.is_empty());
        }
    }
    compared
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_within_a_month_divides_its_results() {
    let mut world = World::of(with_boris_in(2)).await;
    world.refresh().await;
    let tables = world.tables("planfact.toml").await;
    let departments = &tables["departments"];
    // Everything was the wholesale department's as long as both were in it.
    assert_eq!(field(departments, &["2026-02", "2"], "deals_lost"), "1");
    assert!(departments[1..].iter().all(|row| row[1] == "2"));
    adds_up(&tables);

    // Boris moves at the very instant at which he closes a lead; February's other results of his come
    // ten days later, and he is back before March.
    moved(world.folder.path(), 3, "2026-02-10T10:00:00+03:00");
    moved(world.folder.path(), 2, "2026-02-25T00:00:00+03:00");
    world.later(with_boris_in(2)).await;
    let report = world.refresh().await;
    let tables = world.tables("planfact.toml").await;
    let departments = &tables["departments"];
    for (month, department, column, expected) in [
        ("2026-02", "2", "leads_created", "1"),
        ("2026-02", "2", "leads_failed", "0"),
        ("2026-02", "2", "deals_created", "2"),
        ("2026-02", "2", "deals_lost", "0"),
        ("2026-02", "2", "revenue", "1200"),
        ("2026-02", "3", "leads_created", "0"),
        ("2026-02", "3", "leads_failed", "1"),
        ("2026-02", "3", "deals_created", "0"),
        ("2026-02", "3", "deals_lost", "1"),
        ("2026-02", "3", "revenue", "0"),
        ("2026-03", "2", "revenue", "99.99"),
    ] {
        let told = field(departments, &[month, department], column);
        assert_eq!(told, expected, "{month} {department} {column}");
    }
    // Fifteen sums of three months.
    assert_eq!(adds_up(&tables), 45);
    // A person's row is his whole month's.
    let managers = &tables["managers"];
    assert_eq!(field(managers, &["2026-02", "11"], "deals_lost"), "1");
    // The tab shows the year's departments by revenue.
    let file = crate::world::file_id(&report["report_url"]);
    let shown = seen(&world, &file, "Отделы", "B23:J25").await;
    let told: Vec<String> = shown
        .iter()
        .map(|row| [1, 2, 5, 6, 8].map(|at| row[at].to_string()).join(" "))
        .collect();
    assert_eq!(
        told,
        [
            "\"Итого\" 5 2 1 1299.99",
            "\"Опт\" 5 2 0 1299.99",
            "\"Розница\" 0 0 1 0",
        ]
    );

    // And again nothing changes.
    let again = world.refresh().await;
    assert_eq!(again["plan_cells_written"], 0);
    assert_eq!(world.tables("planfact.toml").await, tables);
    let diff = world.json(&["diff", "--as-of", AS_OF]).await;
    let edits = diff[0]["edits"]["report"].as_array().unwrap();
    let touched = edits.iter().filter_map(|edit| edit.as_str());
    // Tab 206 is that of the status.
    let touched: Vec<&str> = touched
        .filter(|edit| !edit.ends_with("of tab 206"))
        .collect();
    assert!(!edits.is_empty());
    assert_eq!(touched, [""; 0], "{diff}");
}

/// What people see of a report tab: its texts and numbers.
async fn seen(world: &World, file: &str, tab: &str, range: &str) -> Vec<Vec<serde_json::Value>> {
    let range = format!("{tab}!{range}");
    let encoded: String = range.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path =
        format!("/v4/spreadsheets/{file}/values/{encoded}?valueRenderOption=UNFORMATTED_VALUE");
    let answer = world.as_person(reqwest::Method::GET, &path, None).await;
    let rows = answer["values"].as_array().cloned().unwrap_or_default();
    rows.into_iter()
        .map(|row| row.as_array().cloned().unwrap_or_default())
        .collect()
}

/// The row of a tab's block whose first field is this.
fn row_of<'a>(rows: &'a [Vec<serde_json::Value>], first: &str) -> &'a [serde_json::Value] {
    rows.iter()
        .find(|row| row.first().is_some_and(|field| field == first))
        .unwrap_or_else(|| panic!("no row {first}: {rows:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_shows_margins_and_payments_where_there_are_any() {
    let spec = Spec {
        seed: 7,
        size: Size::Small,
        leads: Some(1_500),
        deals: Some(200),
        today: AS_OF.parse().unwrap(),
        locale: Locale::Ru,
    };
    let world = World::of(Company::generate(&spec)).await;
    let report = world.refresh().await;
    let tables = world.tables("planfact.toml").await;
    let months = &tables["months"];
    assert!(adds_up(&tables) > 200);
    let number = |text: &str| -> rust_decimal::Decimal { text.parse().unwrap() };
    let year = |column: &str| -> rust_decimal::Decimal {
        let own = months[1..].iter().filter(|row| row[0].starts_with("2026"));
        let own = own.map(|row| field(months, &[&row[0]], column));
        own.filter(|text| !text.is_empty()).map(number).sum()
    };
    for column in [
        "margin",
        "margin_revenue",
        "unknown_cost",
        "paid_count",
        "paid_sum",
    ] {
        assert!(year(column) > 0.into(), "{column}");
    }
    assert!(year("margin") < year("margin_revenue"));

    // The tabs show what the tables hold.
    let file = crate::world::file_id(&report["report_url"]);
    let sales = seen(&world, &file, "Продажи", "B59:R73").await;
    assert_eq!(sales[0][0], "Месяц");
    let total = row_of(&sales, "С нач. года");
    let shown = |field: &serde_json::Value| {
        rust_decimal::Decimal::from_f64_retain(field.as_f64().unwrap())
            .unwrap()
            .round_dp(2)
    };
    for (at, column) in [
        (1, "margin"),
        (3, "margin_revenue"),
        (9, "unknown_cost"),
        (12, "paid_sum"),
        (13, "paid_count"),
    ] {
        assert_eq!(
            shown(&total[at]),
            year(column).round_dp(2),
            "{column}: {total:?}"
        );
    }
    let people = seen(&world, &file, "Менеджеры", "C23:S23").await;
    assert_eq!(
        shown(&people[0][11]),
        year("margin").round_dp(2),
        "{people:?}"
    );
    assert_eq!(
        shown(&people[0][15]),
        year("paid_sum").round_dp(2),
        "{people:?}"
    );
    let departments = seen(&world, &file, "Отделы", "C23:N26").await;
    assert_eq!(
        shown(&departments[0][7]),
        year("revenue").round_dp(2),
        "{departments:?}"
    );
    assert_eq!(
        shown(&departments[0][9]),
        year("margin").round_dp(2),
        "{departments:?}"
    );
    let parts: rust_decimal::Decimal = departments[1..].iter().map(|row| shown(&row[7])).sum();
    assert_eq!(parts, year("revenue").round_dp(2), "{departments:?}");
    // What lacks a cost is told where warnings stand.
    let today = seen(&world, &file, "Сегодня", "A1:T60").await;
    let warned = today.iter().flatten().filter_map(|field| field.as_str());
    let warned = warned.filter(|text| text.contains("неизвестной себестоимостью"));
    assert_eq!(warned.count(), 1, "{today:?}");
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
    assert_eq!(world.tables("planfact.toml").await, tables);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_purchase_prices_and_payments_nothing_is_zero() {
    let world = World::small().await;
    let report = world.refresh().await;
    let tables = world.tables("planfact.toml").await;
    let columns = [
        "margin",
        "margin_revenue",
        "discount",
        "unknown_cost",
        "paid_count",
        "paid_sum",
    ];
    for table in ["months", "managers", "departments"] {
        let rows = &tables[table];
        for column in columns {
            let at = rows[0].iter().position(|name| name == column).unwrap();
            assert!(
                rows[1..].iter().all(|row| row[at].is_empty()),
                "{table} {column}"
            );
        }
    }
    assert!(
        !tables["sources"][0]
            .iter()
            .any(|name| columns.contains(&name.as_str()))
    );
    let file = crate::world::file_id(&report["report_url"]);
    let sales = seen(&world, &file, "Продажи", "B60:R73").await;
    for row in &sales[..13] {
        let numbers = row[1..].iter().filter(|field| field.is_number());
        assert_eq!(numbers.count(), 0, "{row:?}");
    }
    let note = sales[13][0].as_str().unwrap();
    assert!(
        note.contains("Закупочных цен нет") && note.contains("Оплат в CRM нет"),
        "{note}"
    );
}
