//! What happened to cards and is no more in the portal: deleted rows leave the store in one night, rows
//! that may not be seen any more stay.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use planfact::bitrix24::wire::Face;
use planfact::domain::crm::Mover;
use planfact::store::{Sqlite, Store, TrailKind};
use planfact::sync::pull::{PullSummary, PullWarning, Thrift, pull_with};
use serde_json::json;

use crate::portal_settle::{cards, night, nightly, read_anew};
use crate::pull::Scene;

const KINDS: [TrailKind; 7] = [
    TrailKind::Call,
    TrailKind::Activity,
    TrailKind::Invoice,
    TrailKind::Task,
    TrailKind::Move(Mover::Lead),
    TrailKind::Move(Mover::Deal),
    TrailKind::Move(Mover::Invoice),
];

/// The ids of every kind.
fn ids(store: &Sqlite) -> BTreeMap<&'static str, Vec<u64>> {
    let of = |kind: TrailKind| store.trail_ids("acme", kind).expect("ids");
    KINDS.map(|kind| (kind.name(), of(kind))).into()
}

/// Every n-th of the ids of a kind.
fn some(store: &Sqlite, kind: TrailKind, every: usize) -> Vec<u64> {
    let all = store.trail_ids("acme", kind).expect("ids");
    all.into_iter().skip(2).step_by(every).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_leaves_the_store_in_one_night() {
    let scene = Scene::made_up(3_000, 400).await;
    let summary = scene.pulled().await;
    assert_eq!(summary.warnings, []);
    let before = ids(&scene.store);
    assert!(before.values().all(|ids| ids.len() > 40), "{before:?}");

    // The first night's spare requests go to payments.
    night(&scene, &nightly(20)).await;
    assert_eq!(ids(&scene.store), before);
    // A quiet night reads the cards, spread over four requests, and counts all else in the first.
    let quiet = night(&scene, &nightly(20)).await;
    assert_eq!((quiet.gone, quiet.trail_gone), (0, 0));
    assert_eq!(ids(&scene.store), before);
    println!(
        "a quiet night over {} cards and {} rows of 7 kinds: {} requests",
        3_400,
        before.values().map(Vec::len).sum::<usize>(),
        quiet.settle_requests
    );
    assert!(quiet.settle_requests <= 5, "{}", quiet.settle_requests);

    let mut deleted = 0;
    for (room, kind, every) in [
        ("call", TrailKind::Call, 40),
        ("activity", TrailKind::Activity, 50),
        ("invoice", TrailKind::Invoice, 20),
        ("task", TrailKind::Task, 10),
    ] {
        let gone = some(&scene.store, kind, every);
        deleted += gone.len() as u64;
        scene.sim_delete(room, &gone).await;
    }
    // With a card goes what hung on it.
    let leads: Vec<u64> = scene
        .leads()
        .iter()
        .step_by(300)
        .map(|row| row.id)
        .collect();
    let deals: Vec<u64> = scene
        .deals()
        .iter()
        .step_by(100)
        .map(|row| row.id)
        .collect();
    scene.sim_delete("lead", &leads).await;
    scene.sim_delete("deal", &deals).await;
    let summary = night(&scene, &nightly(20)).await;
    assert_eq!(summary.gone, (leads.len() + deals.len()) as u64);
    assert!(summary.trail_gone >= deleted, "{summary:?}");
    assert_eq!(summary.warnings, []);
    let anew = read_anew(&scene, Face::Classic).await;
    assert_eq!(ids(&scene.store), ids(&anew));
    assert_eq!(cards(&scene.store), cards(&anew));
    println!(
        "{deleted} rows of 4 kinds and {} cards deleted: found with {} requests",
        leads.len() + deals.len(),
        summary.settle_requests
    );
    assert!(summary.settle_requests <= 20, "{}", summary.settle_requests);
    let calm = night(&scene, &nightly(20)).await;
    assert_eq!((calm.gone, calm.trail_gone), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_without_the_right_to_them_stay_and_are_told_of() {
    // Few enough that each row that does not come is asked for by itself.
    let scene = Scene::made_up(400, 30).await;
    scene.pulled().await;
    let before = ids(&scene.store);
    assert!(
        (100..500).contains(&before["activity"].len()),
        "{}",
        before["activity"].len()
    );
    // Some are deleted while nobody may say so: a task cannot be told from one without a right, an
    // activity can.
    let (tasks, activities) = (
        some(&scene.store, TrailKind::Task, 4),
        some(&scene.store, TrailKind::Activity, 60),
    );
    scene.sim_delete("task", &tasks).await;
    scene.sim_delete("activity", &activities).await;
    let own = json!({"admin": false, "rights": "department"});
    scene.door("settings", &own).await;
    let summary = night(&scene, &nightly(20)).await;
    let after = ids(&scene.store);
    for (name, ids) in &before {
        let expected: Vec<u64> = match *name {
            "activity" => {
                let lives = |id: &&u64| !activities.contains(*id);
                ids.iter().filter(lives).copied().collect()
            }
            _ => ids.clone(),
        };
        assert_eq!(after[name], expected, "{name}");
    }
    let told = summary.warnings.iter().find_map(|warning| match warning {
        PullWarning::HiddenTrail { rows } => Some(*rows),
        _ => None,
    });
    assert!(told >= Some(tasks.len() as u64), "{summary:?}");

    // The right comes back, and the portal's own picture with it.
    scene
        .door("settings", &json!({"admin": true, "rights": "all"}))
        .await;
    let summary = night(&scene, &nightly(20)).await;
    assert_eq!(summary.warnings, []);
    let anew = read_anew(&scene, Face::Classic).await;
    assert_eq!(ids(&scene.store), ids(&anew));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_vanishes_altogether_is_a_lost_right() {
    let scene = Scene::made_up(1_500, 200).await;
    scene.pulled().await;
    let before = ids(&scene.store);
    scene.sim_delete("call", &before["call"]).await;
    let summary = night(&scene, &nightly(20)).await;
    let rows = before["call"].len() as u64;
    assert_eq!(summary.warnings, [PullWarning::HiddenTrail { rows }]);
    assert_eq!(ids(&scene.store)["call"], before["call"]);
    // A kind that is refused is not counted at all.
    let scope = json!({"scope": ["catalog", "crm", "department", "user", "task"]});
    scene.door("settings", &scope).await;
    let summary = night(&scene, &nightly(20)).await;
    assert!(
        matches!(summary.warnings[..], [PullWarning::TrailRefused { .. }]),
        "{summary:?}"
    );
    assert_eq!(ids(&scene.store)["call"], before["call"]);
}

/// A pull of a company whose night has come only for as much as fits into so many requests.
async fn thrifty(scene: &Scene, requests: u64) -> PullSummary {
    let thrift = Thrift {
        settle_every: TimeDelta::zero(),
        settle_requests: requests,
        ..Thrift::default()
    };
    let now = DateTime::<Utc>::UNIX_EPOCH;
    pull_with(&scene.portal, &scene.store, "acme", now, &thrift, &|_| {})
        .await
        .expect("a pull")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_night_may_not_cost_is_left_to_the_next_ones() {
    let scene = Scene::made_up(3_000, 400).await;
    scene.pulled().await;
    let gone = some(&scene.store, TrailKind::Call, 7);
    scene.sim_delete("call", &gone).await;
    let left = |scene: &Scene| {
        let calls = scene.store.trail_ids("acme", TrailKind::Call).expect("ids");
        calls.iter().filter(|id| gone.contains(id)).count()
    };
    let mut nights = 0;
    while left(&scene) > 0 {
        let before = left(&scene);
        let summary = thrifty(&scene, 1).await;
        let unsettled = summary
            .warnings
            .iter()
            .any(|warning| matches!(warning, PullWarning::Unsettled { .. }));
        assert_eq!(unsettled, left(&scene) > 0, "{summary:?}");
        assert!(left(&scene) < before, "night {nights} found nothing");
        nights += 1;
    }
    println!(
        "{} calls deleted, 12 commands a night: {nights} nights",
        gone.len()
    );
    assert!(nights > 1);
}
