//! Every fault at every request of a pull: the store is in a state that a calm pull passes through,
//! and the next pull puts it right.

use chrono::{DateTime, Utc};
use planfact::bitrix24::{Options, Portal, Secret};
use planfact::retry::Policy;
use planfact::store::Sqlite;
use planfact::sync::pull::{PullSummary, pull_with};
use serde_json::{Value, json};

use crate::portal_settle::{cards, nightly};
use crate::pull::{Files, Scene};

/// Faults as the simulator's door takes them.
fn faults() -> Vec<(&'static str, Value)> {
    vec![
        (
            "a web page",
            json!({"status": 200, "html": "<html>overload</html>"}),
        ),
        (
            "a bad gateway",
            json!({"status": 502, "html": "<html>bad gateway</html>"}),
        ),
        ("a reset connection", json!({"reset": true})),
        ("an answer cut off", json!({"truncate": 400})),
        (
            "an inner error",
            json!({"status": 500,
            "body": {"error": "INTERNAL_SERVER_ERROR", "error_description": "x"}}),
        ),
        (
            "a revoked webhook",
            json!({"status": 401,
            "body": {"error": "INVALID_CREDENTIALS", "error_description": "x"}}),
        ),
        (
            "too many requests",
            json!({"status": 503,
            "body": {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "x"}}),
        ),
        (
            "no operating time",
            json!({"status": 429,
            "body": {"error": "OPERATION_TIME_LIMIT", "error_description": "x"}}),
        ),
        ("an empty body", json!({"status": 200, "body": ""})),
        (
            "something else",
            json!({"status": 200, "body": {"total": 0}}),
        ),
    ]
}

/// A client that tries once.
fn hasty(scene: &Scene) -> Portal {
    // Enterprise, so that the bucket is not the one that the scene's own client keeps alive.
    let options = Options {
        webhook_url: Secret::new(scene.sim.webhook_url.as_str()),
        enterprise: Some(true),
        batches_in_flight: 1,
        ..Options::default()
    };
    Portal::new(&options)
        .expect("a portal")
        .with_policy(Policy::ONCE)
}

async fn pull(portal: &Portal, store: &Sqlite) -> Result<PullSummary, String> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let pulled = pull_with(portal, store, "acme", now, &nightly(20), &|_| {}).await;
    pulled.map_err(|error| error.to_string())
}

/// A store with what another holds: cards by a fresh read, cursors word for word.
async fn copy_of(folder: &std::path::Path, name: &str) -> Sqlite {
    let (from, to) = (folder.join("before.db"), folder.join(name));
    std::fs::copy(from, &to).expect("a copy");
    Sqlite::open(&to).expect("a store")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_request_leaves_the_old_state_or_the_new_one() {
    let files = Files::new(500, 60);
    let scene = Scene::under(files.path(), planfact_sim::portal::Plan::Unlimited).await;
    let folder = tempfile::tempdir().expect("a folder");
    let before = Sqlite::open(&folder.path().join("before.db")).expect("a store");
    pull(&hasty(&scene), &before).await.expect("the first load");
    let old = cards(&before);
    drop(before);
    // Some change, some are deleted, some are written past the CRM.
    let ids = &files.lead_ids;
    let changed: Value = ids[..180]
        .iter()
        .map(|id| json!({"ID": id, "STATUS_ID": "JUNK"}))
        .collect();
    scene.door("lead", &changed).await;
    scene.sim_delete("lead", &ids[200..220]).await;
    let silent: Value = ids[300..320]
        .iter()
        .map(|id| json!({"ID": id, "silent": true, "fields": {"OPPORTUNITY": "1.5"}}))
        .collect();
    scene.door("lead", &silent).await;

    // The states through which a calm pull passes, and how many requests it takes.
    let calm = copy_of(folder.path(), "calm.db").await;
    let portal = hasty(&scene);
    pull(&portal, &calm).await.expect("a calm pull");
    let requests = portal.requests_total();
    let new = cards(&calm);
    let increment = copy_of(folder.path(), "increment.db").await;
    let now = DateTime::<Utc>::UNIX_EPOCH;
    planfact::sync::pull::pull(&hasty(&scene), &increment, "acme", now, &|_| {})
        .await
        .expect("without holding against");
    let half_way = cards(&increment);
    assert!(old != half_way && half_way != new);

    let mut told = 0;
    for (name, fault) in faults() {
        for at in 0..requests {
            let store = copy_of(folder.path(), &format!("{told}.db")).await;
            let mut fault = fault.clone();
            fault["skip"] = json!(at);
            scene.sim.queue_faults(&fault).expect("queued");
            let failed = pull(&hasty(&scene), &store).await;
            let state = cards(&store);
            let known = state == old || state == half_way || state == new;
            assert!(
                known,
                "{name} at request {at}: neither the old state nor the new one"
            );
            assert!(failed.is_err() || state == new, "{name} at request {at}");
            // Nothing waits any more, and the next pull puts it right.
            scene.clear_faults().await;
            pull(&hasty(&scene), &store).await.expect("the next pull");
            assert_eq!(cards(&store), new, "{name} at request {at}");
            told += 1;
        }
    }
    println!(
        "{told} faults: {} kinds at each of {requests} requests",
        faults().len()
    );
}
