//! Payments: read of records that changed, never twice for the same money, within what a night may cost.

use std::collections::BTreeMap;

use planfact::domain::crm::{Invoice, Semantics};
use planfact::store::Store;
use planfact::sync::pull::PullWarning;
use serde_json::json;

use crate::portal_goods::facts;
use crate::portal_settle::{night, nightly};
use crate::pull::Scene;

/// Count and sum of everything that was paid.
fn paid(scene: &Scene) -> (u64, String) {
    let facts = facts(scene);
    let count = facts.paid.values().map(|paid| paid.count).sum();
    let sums = facts.paid.values().map(|paid| paid.amount);
    let sum = planfact::domain::money::Money::checked_sum(sums).expect("a sum");
    (count, sum.to_string())
}

fn invoices(scene: &Scene) -> Vec<Invoice> {
    let mut rows = Vec::new();
    let each = &mut |row: Invoice| rows.push(row);
    scene.store.each_invoice("acme", each).expect("invoices");
    rows
}

fn payments(scene: &Scene) -> u64 {
    let counts: BTreeMap<_, _> = scene
        .store
        .trail_counts("acme")
        .expect("counts")
        .into_iter()
        .collect();
    counts["payments"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paid_invoices_become_payments_and_the_sum_stays() {
    let scene = Scene::made_up(3_000, 400).await;
    scene.pulled().await;
    let own = invoices(&scene);
    let success = own.iter().filter(|row| row.semantics == Semantics::Success);
    let expected = success.count() as u64;
    assert!(expected > 60, "{expected}");
    // Before any payment was read, the paid invoices themselves are counted.
    let before = paid(&scene);
    assert_eq!((before.0, payments(&scene)), (expected, 0));
    let quiet = scene.pulled().await;
    assert_eq!(quiet.requests, 1);

    let mut nights = 0;
    loop {
        let known = payments(&scene);
        let summary = night(&scene, &nightly(20)).await;
        assert!(summary.settle_requests <= 20, "{}", summary.settle_requests);
        assert_eq!(paid(&scene), before, "after night {nights}");
        if payments(&scene) == known {
            break;
        }
        nights += 1;
        assert!(nights < 20, "not read after {nights} nights");
    }
    let told = facts(&scene);
    let (count, sum) = before;
    println!("{count} payments of {sum} in {nights} nights of 20 requests");
    assert!(payments(&scene) >= expected);
    assert_eq!(told.unconverted, 0);
    let by_user: u64 = told.manager_paid.values().map(|paid| paid.count).sum();
    assert_eq!(by_user, count);
    // Everything was asked once: the next night asks for no payment again.
    let calm = night(&scene, &nightly(20)).await;
    println!("a calm night: {} requests", calm.settle_requests);
    assert!(calm.settle_requests <= 6, "{}", calm.settle_requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_won_and_paid_is_asked_for_in_the_same_pass() {
    let scene = Scene::made_up(1_500, 200).await;
    scene.pulled().await;
    while {
        let known = payments(&scene);
        night(&scene, &nightly(20)).await;
        payments(&scene) > known
    } {}
    let (before, known) = (paid(&scene), payments(&scene));
    let won = json!({"events": 3, "seed": 5, "only": ["deal_won"]});
    scene.door("live", &won).await;
    let summary = scene.pulled().await;
    assert!(payments(&scene) > known);
    let after = paid(&scene);
    assert_eq!(after.0, before.0 + 3, "{before:?} {after:?}");
    println!("3 deals won and paid: {} requests", summary.requests);
    // The opening, what it found, their product rows, their payments.
    assert!(summary.requests <= 4, "{}", summary.requests);
    // The overlap brings the deals again, and their product rows with them, but no payment.
    let again = scene.pulled().await;
    assert_eq!((again.requests, paid(&scene)), (2, after.clone()));

    // A deleted invoice takes its payment along, though the deal had told of it too.
    let invoice = invoices(&scene).into_iter().rev();
    let gone: Vec<u64> = invoice
        .filter(|row| row.semantics == Semantics::Success)
        .take(1)
        .map(|row| row.id)
        .collect();
    scene.sim_delete("invoice", &gone).await;
    let summary = night(&scene, &nightly(20)).await;
    assert_eq!(paid(&scene).0, after.0 - 1);
    assert!(!summary.warnings.contains(&PullWarning::PaymentsRefused));
}
