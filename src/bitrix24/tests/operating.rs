//! Operating time: a method that is used up rests, and others go on.
//!
//! The portal here gives its oldest basket back at once, so a rest is as short as it can be: the
//! margin for clocks that do not tick together.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{Command, QUICK, data};
use crate::bitrix24::load::{Range, by_windows};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{BitrixError, Options, Portal, Secret};
use crate::retry::Policy;

/// What the portal was asked, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// A portal that answers a batch, told by its first command's method, by `answer(method, asked before)`.
async fn portal(answer: fn(&str, &[String]) -> Value) -> (MockServer, Portal, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let server = MockServer::start().await;
    let respond = move |request: &Request| -> ResponseTemplate {
        let body: Value = request.body_json().unwrap_or_default();
        let text = body["cmd"]["c00"].as_str().unwrap_or_default();
        let method = text.split('?').next().unwrap_or_default();
        let mut asked = seen.lock().expect("a list");
        let mut answer = answer(method, &asked);
        asked.push(method.to_owned());
        for key in body["cmd"]
            .as_object()
            .into_iter()
            .flat_map(|cmd| cmd.keys().skip(1))
        {
            let parts = &mut answer["result"];
            match parts["result_error"]["c00"].clone() {
                Value::Null => parts["result"][key] = json!([]),
                error => parts["result_error"][key] = error,
            }
        }
        data(200, &answer)
    };
    Mock::given(path("/rest/1/s3cr3t/batch"))
        .respond_with(respond)
        .mount(&server)
        .await;
    let options = Options {
        webhook_url: Secret::new(format!("{}/rest/1/s3cr3t/", server.uri())),
        batches_in_flight: 1,
        ..Options::default()
    };
    let patient = Policy {
        total_max: std::time::Duration::from_secs(60),
        ..QUICK
    };
    let portal = Portal::new(&options)
        .expect("a portal")
        .with_policy(patient);
    (server, portal, asked)
}

/// A command's `time` block whose oldest basket is emptied at once.
fn time(operating: f64) -> Value {
    json!({"c00": {"operating": operating, "operating_reset_at": 1_700_000_000,
                   "finish": 1_700_000_000.0}})
}

/// Whatever is asked for first is blocked until the other kind has come.
fn blocks_the_first(method: &str, asked: &[String]) -> Value {
    let first = asked.first().map_or(method, String::as_str);
    if method == first && asked.iter().all(|one| one == first) {
        let error = json!({"error": "OPERATION_TIME_LIMIT", "error_description": "blocked"});
        let parts = json!({"result": {}, "result_error": {"c00": error}, "result_time": time(0.0)});
        return json!({ "result": parts });
    }
    json!({"result": {"result": {"c00": [{"ID": "5"}]}, "result_error": {}}})
}

#[tokio::test]
async fn a_blocked_method_does_not_stop_another() {
    let (_server, portal, asked) = portal(blocks_the_first).await;
    // As many as a request holds, so that each kind has one of its own.
    let range = |entity| Range {
        entity,
        next: 1,
        last: 50 * 50,
    };
    let ranges = [range(Entity::Lead), range(Entity::Deal)];
    let mut came = Vec::new();
    let loaded = by_windows(&portal, &ranges, &[], |chunk| {
        came.extend(chunk.records.iter().map(Record::entity));
        Ok::<(), BitrixError>(())
    });
    loaded.await.expect("loaded");
    let asked = asked.lock().expect("a list");
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0] == asked[2] && asked[0] != asked[1], "{asked:?}");
    came.sort_unstable();
    assert_eq!(came, [Entity::Lead, Entity::Deal]);
}

fn nearly_used_up(_: &str, asked: &[String]) -> Value {
    let operating = if asked.is_empty() { 470.5 } else { 0.5 };
    json!({"result": {"result": {"c00": []}, "result_error": [], "result_time": time(operating)}})
}

#[tokio::test]
async fn a_full_counter_is_heeded_before_it_is_refused() {
    let (_server, portal, asked) = portal(nearly_used_up).await;
    let leads = [Command::new("crm.lead.list")];
    let deals = [Command::new("crm.deal.list")];
    portal.batch(&leads).await.expect("the first");
    // The one that rests was first in the queue.
    let (again, other) = futures::join!(portal.batch(&leads), portal.batch(&deals));
    again.expect("after its rest");
    other.expect("at once");
    let asked = asked.lock().expect("a list");
    assert_eq!(*asked, ["crm.lead.list", "crm.deal.list", "crm.lead.list"]);
}
