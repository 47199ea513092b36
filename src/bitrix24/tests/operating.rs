//! Operating time: a method that is used up rests, and others go on.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request};

use super::{QUICK, batch_answer, data};
use crate::bitrix24::load::{Range, by_windows};
use crate::bitrix24::wire::{Entity, Record};
use crate::bitrix24::{BitrixError, Options, Portal, Secret};
use crate::retry::Policy;

/// Leads are refused until deals have come.
#[derive(Default)]
struct Blocked {
    deals: usize,
    refused: usize,
    order: Vec<&'static str>,
}

#[tokio::test]
async fn a_blocked_method_does_not_stop_another() {
    let state = Arc::new(Mutex::new(Blocked::default()));
    let seen = Arc::clone(&state);
    let server = MockServer::start().await;
    let answer = move |request: &Request| {
        let state = Arc::clone(&seen);
        batch_answer(request, move |name, _| {
            let mut state = state.lock().expect("a state");
            if name == "crm.deal.list" {
                state.deals += 1;
                state.order.push("deal");
                return json!([{"ID": "7"}]);
            }
            if state.deals == 0 {
                state.refused += 1;
                return json!({"error": "OPERATION_TIME_LIMIT", "error_description": "blocked"});
            }
            state.order.push("lead");
            json!([{"ID": "5"}])
        })
    };
    Mock::given(path("/rest/1/s3cr3t/batch"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let options = Options {
        webhook_url: Secret::new(format!("{}/rest/1/s3cr3t/", server.uri())),
        batches_in_flight: 1,
        ..Options::default()
    };
    // Patient enough for a rest of a minute, which is spent on tokio's paused clock.
    let patient = Policy {
        total_max: std::time::Duration::from_secs(900),
        ..QUICK
    };
    let portal = Portal::new(&options)
        .expect("a portal")
        .with_policy(patient);
    let range = |entity, id| Range {
        entity,
        next: id,
        last: id,
    };
    let ranges = [range(Entity::Lead, 5), range(Entity::Deal, 7)];
    let mut came = Vec::new();
    tokio::time::pause();
    let loaded = by_windows(&portal, &ranges, |chunk| {
        came.extend(chunk.records.iter().map(Record::entity));
        Ok::<(), BitrixError>(())
    });
    loaded.await.expect("loaded");
    came.sort_unstable();
    assert_eq!(came, [Entity::Lead, Entity::Deal]);
    let state = state.lock().expect("a state");
    assert_eq!(
        (state.refused, state.order.clone()),
        (1, vec!["deal", "lead"])
    );
}

#[tokio::test]
async fn a_full_counter_is_heeded_before_it_is_refused() {
    let server = MockServer::start().await;
    let body = json!({"result": {
        "result": {"c00": []}, "result_error": [],
        "result_time": {"c00": {"operating": 470.5, "operating_reset_at": 1_700_000_300,
                                "finish": 1_700_000_000.5}}
    }});
    Mock::given(path("/rest/1/s3cr3t/batch"))
        .respond_with(data(200, &body))
        .mount(&server)
        .await;
    let portal = super::portal_at(&server.uri());
    let leads = [super::Command::new("crm.lead.list")];
    portal.batch(&leads).await.expect("the first");
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    portal
        .batch(&[super::Command::new("crm.deal.list")])
        .await
        .expect("another");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    portal.batch(&leads).await.expect("the second");
    assert!(began.elapsed().as_secs() >= 299, "{:?}", began.elapsed());
    assert_eq!(portal.requests().values().sum::<u64>(), 3);
    let _: Value = body;
}
