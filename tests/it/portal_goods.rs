//! Product rows and purchase prices: the margin of won deals, kept as it was when they were closed.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::Datelike;
use planfact::clock::{Clock, System};
use planfact::domain::calendar::{Calendar, Month};
use planfact::domain::crm::Homes;
use planfact::domain::fact::{Accumulator, FactSpec, Facts, Margin};
use planfact::store::Store;
use planfact::sync::pull::{PullSummary, PullWarning};
use serde_json::json;

use crate::portal_settle::{night, nightly};
use crate::pull::Scene;

const LEADS: &str = "ID,STATUS_ID,STATUS_SEMANTIC_ID,DATE_CREATE\n\
    1,NEW,P,2026-01-05T10:00:00+03:00\n";
const DEALS: &str = "ID,CATEGORY_ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,CURRENCY_ID,ASSIGNED_BY_ID,DATE_CREATE,DATE_MODIFY,CLOSEDATE,CLOSED
1,0,WON,S,1200.00,RUB,10,2026-01-20T10:00:00+03:00,2026-02-28T23:30:00+03:00,2026-02-28T23:30:00+03:00,Y
2,0,LOSE,F,300.00,RUB,11,2026-02-02T10:00:00+03:00,2026-02-20T10:00:00+03:00,2026-02-20T10:00:00+03:00,Y
3,0,WON,S,99.99,RUB,11,2026-02-03T10:00:00+03:00,2026-03-01T00:00:00+03:00,2026-03-01T00:00:00+03:00,Y
4,0,WON,S,50.00,RUB,11,2026-02-03T10:00:00+03:00,2026-03-02T00:00:00+03:00,2026-03-02T00:00:00+03:00,Y
5,0,WON,S,400.00,RUB,11,2026-02-03T10:00:00+03:00,2026-03-03T00:00:00+03:00,2026-03-03T00:00:00+03:00,Y
6,0,NEW,P,500.00,RUB,10,2026-02-03T10:00:00+03:00,2026-03-03T00:00:00+03:00,,N
";
/// Of two tables sold two were bought for 300 each; of the chair nobody knows what it cost.
const ROWS: &str =
    "ID,OWNER_ID,OWNER_TYPE,PRODUCT_ID,PRODUCT_NAME,PRICE,PRICE_BRUTTO,QUANTITY,PURCHASING_PRICE
1,1,D,10,table,500,550,2,300
2,1,D,11,lamp,200,200,1,120
3,2,D,10,table,300,550,1,300
4,3,D,12,chair,99.99,99.99,1,
5,5,D,10,table,400,400,1,300
6,6,D,10,table,500,500,1,300
";

fn write(folder: &Path, rows: &str) {
    let files = [
        ("leads.csv", LEADS),
        ("deals.csv", DEALS),
        ("productrows.csv", rows),
        (
            "company.toml",
            "time_zone = \"Europe/Moscow\"\ncurrency = \"RUB\"\n",
        ),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("written");
    }
}

/// The facts of what the store holds.
pub(crate) fn facts(scene: &Scene) -> Facts {
    let store = &scene.store;
    let calendar = Calendar::new(chrono_tz::Europe::Moscow);
    let symbols = store.symbols("acme").expect("symbols");
    let rates = store.rate_tables("acme").expect("rates");
    let spec = FactSpec {
        calendar: &calendar,
        symbols: &symbols,
        junk: &BTreeSet::new(),
        rates: &rates,
        base_currency: "RUB",
        pipelines: None,
        homes: &Homes::default(),
    };
    let today = System.now().with_timezone(&calendar.zone).date_naive();
    let mut facts = Accumulator::new(&spec, today);
    store
        .each_deal("acme", &mut |deal| facts.deal(&deal))
        .expect("deals");
    facts.costs(store.costs("acme").expect("costs"));
    store
        .each_product_row("acme", &mut |row| facts.product_row(&row))
        .expect("rows");
    store
        .each_payment("acme", &mut |row| facts.payment(&row))
        .expect("payments");
    store
        .each_invoice("acme", &mut |row| facts.invoice(&row))
        .expect("invoices");
    facts.finish()
}

/// Deals, cost, margin, discount and blank deals of a month.
fn shown(margin: &Margin) -> (u64, String, Option<String>, String, u64) {
    let amount = margin.amount().map(|amount| amount.to_string());
    let (cost, discount) = (margin.cost.to_string(), margin.discount.to_string());
    (margin.deals, cost, amount, discount, margin.blank_deals)
}

fn of(facts: &Facts, month: &str) -> (u64, String, Option<String>, String, u64) {
    shown(&facts.margins[&Month::parse(month).expect("a month")])
}

fn sums(
    deals: u64,
    cost: &str,
    margin: Option<&str>,
    discount: &str,
    blank: u64,
) -> (u64, String, Option<String>, String, u64) {
    (
        deals,
        cost.into(),
        margin.map(Into::into),
        discount.into(),
        blank,
    )
}

/// Whether the report says that purchase prices cannot be read.
fn is_told(summary: &PullSummary) -> bool {
    summary.warnings.contains(&PullWarning::CostsRefused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_margin_of_a_deal_is_that_of_the_prices_of_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), ROWS);
    let scene = Scene::new(folder.path()).await;
    let first = scene.pulled().await;
    assert_eq!((first.rejects, first.warnings), (0, vec![]));
    let february = sums(1, "720", Some("480"), "100", 0);
    let march = sums(1, "300", Some("100"), "0", 2);
    let told = facts(&scene);
    assert_eq!(of(&told, "2026-02"), february);
    assert_eq!(of(&told, "2026-03"), march);
    assert_eq!(told.blank_costs, [4, 3]);
    let quiet = scene.pulled().await;
    assert_eq!(quiet.requests, 1, "nothing is asked of the catalogue again");

    // The table becomes dearer and somebody fills in what the chair cost; one request a night finds it.
    for (id, price) in [(10, "350"), (12, "60")] {
        let price = json!({"ID": id, "purchasingPrice": price});
        scene.door("product", &price).await;
    }
    let before = scene.portal.requests()["batch"];
    let changed = night(&scene, &nightly(20)).await;
    assert_eq!(changed.warnings, []);
    let spent = scene.portal.requests()["batch"] - before;
    println!("a night with 3 products in use: {spent} requests");
    // A deal that is won now is won at the new price.
    scene
        .door("deal", &json!({"ID": 6, "STAGE_ID": "WON"}))
        .await;
    scene.pulled().await;
    let told = facts(&scene);
    assert_eq!(of(&told, "2026-02"), february, "the past stays");
    assert_eq!(of(&told, "2026-03"), sums(2, "360", Some("139.99"), "0", 1));
    assert_eq!(told.blank_costs, [4]);
    let now = System.now().with_timezone(&chrono_tz::Europe::Moscow);
    let now = format!("{:04}-{:02}", now.year(), now.month());
    assert_eq!(of(&told, &now), sums(1, "350", Some("150"), "0", 0));
    // And again nothing changes.
    night(&scene, &nightly(20)).await;
    assert_eq!(facts(&scene).margins, told.margins);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_scope_the_report_says_so_and_nothing_costs_zero() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), ROWS);
    let scene = Scene::new(folder.path()).await;
    let scopes = ["crm", "department", "task", "telephony", "user", "catalog"];
    scene.door("settings", &json!({"scope": scopes[..5]})).await;
    let summary = scene.pulled().await;
    assert!(is_told(&summary), "{summary:?}");
    let told = facts(&scene);
    assert_eq!(of(&told, "2026-02"), sums(0, "0", None, "0", 1));
    let quiet = scene.pulled().await;
    assert_eq!(
        (quiet.requests, is_told(&quiet)),
        (1, true),
        "not asked at every pass"
    );
    // The scope is given, and the next night reads everything.
    scene.door("settings", &json!({"scope": scopes})).await;
    let summary = night(&scene, &nightly(20)).await;
    assert_eq!(summary.warnings, []);
    assert_eq!(
        of(&facts(&scene), "2026-02"),
        sums(1, "720", Some("480"), "100", 0)
    );
    // Taken away again, the prices stay as they were seen.
    scene.door("settings", &json!({"scope": scopes[..5]})).await;
    let summary = night(&scene, &nightly(20)).await;
    assert!(is_told(&summary), "{summary:?}");
    assert_eq!(
        of(&facts(&scene), "2026-02"),
        sums(1, "720", Some("480"), "100", 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_company_has_margins_and_a_night_asks_little() {
    let scene = Scene::made_up(3_000, 400).await;
    let first = scene.pulled().await;
    assert_eq!(first.warnings, []);
    let told = facts(&scene);
    let (known, blank) = told
        .margins
        .values()
        .fold((0, 0), |(known, blank), margin| {
            (known + margin.deals, blank + margin.blank_deals)
        });
    let won = scene
        .deals()
        .iter()
        .filter(|deal| deal.closed.is_some())
        .count();
    println!("{known} deals with a margin, {blank} without, of {won} closed ones");
    assert!(known > 50 && blank > 10, "{known} {blank}");
    let quiet = night(&scene, &nightly(20)).await;
    assert_eq!(facts(&scene).margins, told.margins);
    let rest = quiet.requests - quiet.settle_requests;
    assert_eq!(rest, 2, "the opening and the products in their turn");
}
