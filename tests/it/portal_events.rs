//! Offline events of a signed-in application: deletions told leave the store in the same pass, nothing
//! is lost at a fault of any request, and a webhook goes on without them.

use std::path::Path;

use chrono::{DateTime, Utc};
use planfact::bitrix24::limit::Allowance;
use planfact::bitrix24::{Application, Options, Portal, Secret, events};
use planfact::retry::Policy;
use planfact::store::{Sqlite, Store, TrailKind};
use planfact::sync::pull::{PullSummary, pull};
use serde_json::{Value, json};

use crate::portal_settle::cards;
use crate::pull::{QUICK, Scene};

/// Signs the simulator's application in for a user.
async fn sign_in(scene: &Scene, folder: &Path, user: u64) -> Application {
    let given = scene.sim.application();
    let text = |name: &str| given[name].as_str().expect("a text").to_owned();
    let root = reqwest::Url::parse(&scene.sim.base).expect("an address");
    let application = Application {
        portal: root.clone(),
        client_id: text("client_id"),
        client_secret: Secret::new(text("client_secret")),
        token_file: folder.join(format!("tokens-{user}.json")),
        server: root,
        ca_file: None,
    };
    let answer = reqwest::Client::new()
        .post(format!("{}/_sim/oauth", scene.sim.base))
        .json(&json!({"code": user}))
        .send()
        .await
        .expect("the door");
    let answer: Value = answer.json().await.expect("JSON");
    let code = answer["result"].as_str().expect("a code");
    application
        .sign_in(&Secret::new(code))
        .await
        .expect("signed in");
    application
}

fn client(application: &Application, policy: Policy) -> Portal {
    let options = Options {
        application: Some(application.clone()),
        batches_in_flight: 4,
        ..Options::default()
    };
    Portal::new(&options).expect("a portal").with_policy(policy)
}

async fn pulled(portal: &Portal, store: &Sqlite) -> Result<PullSummary, String> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let pulled = pull(portal, store, "acme", now, &|_| {}).await;
    pulled.map_err(|error| error.to_string())
}

/// Subscriptions and records of the queue, as the application sees them.
async fn queue(portal: &Portal) -> (usize, usize) {
    let bound = portal.call("event.get", &json!({})).await.expect("events");
    let queue = portal
        .call("event.offline.list", &json!({}))
        .await
        .expect("the queue");
    (
        bound.as_array().expect("a list").len(),
        queue.as_array().expect("a list").len(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_leaves_in_the_same_pass_without_a_sweep() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::made_up(1_200, 150).await;
    let application = sign_in(&scene, folder.path(), 1).await;
    let portal = client(&application, QUICK);
    let store = Sqlite::in_memory().expect("a store");
    pulled(&portal, &store).await.expect("the first load");
    assert_eq!(queue(&portal).await, (9, 0));

    let ids = store.card_ids("acme", planfact::domain::crm::Card::Lead, 1, 1 << 30);
    let leads = ids.expect("ids");
    let ids = store.card_ids("acme", planfact::domain::crm::Card::Deal, 1, 1 << 30);
    let deals = ids.expect("ids");
    let activities = store.trail_ids("acme", TrailKind::Activity).expect("ids");
    scene.sim_delete("lead", &leads[10..20]).await;
    scene.sim_delete("deal", &deals[5..8]).await;
    let tasks = store.trail_ids("acme", TrailKind::Task).expect("ids");
    let invoices = store.trail_ids("acme", TrailKind::Invoice).expect("ids");
    scene.sim_delete("activity", &activities[30..32]).await;
    scene.sim_delete("task", &tasks[5..9]).await;
    scene.sim_delete("invoice", &invoices[3..6]).await;
    let moved: Value = leads[30..35]
        .iter()
        .map(|id| json!({"ID": id, "STATUS_ID": "JUNK"}))
        .collect();
    scene.door("lead", &moved).await;
    let summary = pulled(&portal, &store).await.expect("a pull");
    assert_eq!((summary.gone, summary.settle_requests), (13, 0));
    assert_eq!((summary.leads, summary.trail_gone), (5, 9));
    // The opening, and one that clears what was reserved.
    assert!(summary.requests <= 2, "{}", summary.requests);
    assert_eq!(queue(&portal).await, (9, 0));
    let fresh = Sqlite::in_memory().expect("a store");
    pulled(&portal, &fresh).await.expect("a full read");
    assert_eq!(cards(&store), cards(&fresh));
    for kind in [TrailKind::Activity, TrailKind::Task, TrailKind::Invoice] {
        let left = store.trail_ids("acme", kind).expect("ids");
        assert_eq!(
            left,
            fresh.trail_ids("acme", kind).expect("ids"),
            "{kind:?}"
        );
    }

    let quiet = pulled(&portal, &store).await.expect("a pull");
    assert_eq!((quiet.gone, quiet.requests), (0, 1));
    // The subscriptions are given up, twice as well as once.
    for _ in 0..2 {
        events::unbind(&portal).await.expect("given up");
        assert_eq!(queue(&portal).await.0, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_and_users_without_rights_go_on_without_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::made_up(600, 50).await;
    scene.pulled().await;
    scene.pulled().await;
    let admin = client(&sign_in(&scene, folder.path(), 1).await, QUICK);
    assert_eq!(
        queue(&admin).await,
        (0, 0),
        "a webhook subscribes to nothing"
    );
    let user = client(&sign_in(&scene, folder.path(), 2).await, QUICK);
    let store = Sqlite::in_memory().expect("a store");
    for _ in 0..2 {
        pulled(&user, &store).await.expect("a pull");
    }
    assert_eq!(
        queue(&admin).await,
        (0, 0),
        "nor does who is no administrator"
    );
}

/// Without the scope of tasks there are no events of theirs, and the others go on; the nightly comparison
/// subscribes once it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_scope_that_is_lacking_is_gone_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::made_up(600, 50).await;
    let scopes = ["crm", "department", "telephony", "user", "catalog", "task"];
    scene.door("settings", &json!({"scope": scopes[..5]})).await;
    let application = sign_in(&scene, folder.path(), 1).await;
    let portal = client(&application, QUICK);
    let store = Sqlite::in_memory().expect("a store");
    pulled(&portal, &store).await.expect("the first load");
    assert_eq!(queue(&portal).await, (8, 0));
    let kind = TrailKind::Invoice;
    let invoices = store.trail_ids("acme", kind).expect("ids");
    scene.sim_delete("invoice", &invoices[..1]).await;
    pulled(&portal, &store).await.expect("a pull");
    assert_eq!(store.trail_ids("acme", kind).expect("ids"), invoices[1..]);

    scene.door("settings", &json!({"scope": scopes})).await;
    for _ in 0..2 {
        assert!(events::bind(&portal).await.expect("subscribed"));
        assert_eq!(queue(&portal).await, (9, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tariff_is_the_portals_own_word_where_nothing_is_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::made_up(600, 50).await;
    let application = sign_in(&scene, folder.path(), 1).await;
    for (plan, configured, is_application, expected) in [
        ("enterprise", None, true, Allowance::ENTERPRISE),
        ("standard", None, true, Allowance::STANDARD),
        ("enterprise", Some(false), true, Allowance::STANDARD),
        ("standard", Some(true), true, Allowance::ENTERPRISE),
        ("enterprise", None, false, Allowance::STANDARD),
        ("standard", Some(true), false, Allowance::ENTERPRISE),
    ] {
        scene.door("settings", &json!({"plan": plan})).await;
        let options = Options {
            webhook_url: Secret::new(scene.sim.webhook_url.as_str()),
            application: is_application.then(|| application.clone()),
            enterprise: configured,
            ..Options::default()
        };
        let portal = Portal::new(&options).expect("a portal").with_policy(QUICK);
        let store = Sqlite::in_memory().expect("a store");
        for _ in 0..2 {
            pulled(&portal, &store).await.expect("a pull");
            let case = (plan, configured, is_application);
            assert_eq!(portal.allowance(), expected, "{case:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_request_loses_no_deletion() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::made_up(600, 50).await;
    let application = sign_in(&scene, folder.path(), 1).await;
    let store = Sqlite::in_memory().expect("a store");
    let calm = client(&application, QUICK);
    pulled(&calm, &store).await.expect("the first load");
    let ids = store.card_ids("acme", planfact::domain::crm::Card::Lead, 1, 1 << 30);
    let mut leads = ids.expect("ids").into_iter();
    let hasty = client(&application, Policy::ONCE);
    let faults = [
        json!({"reset": true}),
        json!({"truncate": 400}),
        json!({"status": 502, "html": "<html>bad gateway</html>"}),
        json!({"status": 200, "html": "<html>overload</html>"}),
    ];
    let mut told = 0;
    for fault in &faults {
        for at in 0..3 {
            for (patient, portal) in [(false, &hasty), (true, &calm)] {
                let gone = leads.next().expect("a lead");
                scene.sim_delete("lead", &[gone]).await;
                let mut fault = fault.clone();
                fault["skip"] = json!(at);
                scene.sim.queue_faults(&fault).expect("queued");
                let before = cards(&store);
                let outcome = pulled(portal, &store).await;
                let state = cards(&store);
                let lives = state.0.contains_key(&gone);
                assert!(state == before || !lives, "{fault} at {at}");
                // Asked again at once, the queue hides what the lost answer has reserved.
                let may_wait = outcome.is_err() || patient;
                assert!(may_wait || !lives, "{fault} at {at}");
                scene.clear_faults().await;
                // At most two passes later, and by nothing but events.
                for _ in 0..2 {
                    let summary = pulled(&calm, &store).await.expect("a pull");
                    assert_eq!(summary.settle_requests, 0);
                }
                assert!(!cards(&store).0.contains_key(&gone), "{fault} at {at}");
                assert_eq!(queue(&calm).await, (9, 0), "{fault} at {at}");
                told += 1;
            }
        }
    }
    println!(
        "{told} faults: {} kinds at each of 3 requests, with and without patience",
        faults.len()
    );
}
