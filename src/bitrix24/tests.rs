//! The portal client against single faults of a loopback server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::command::Command;
use super::error::{BitrixError, Kind};
use super::opening::{Ask, Start, open, probe};
use super::portal::Portal;
use super::wire::Entity;
use super::{Options, Secret};
use crate::retry::Policy;

mod bodies;
mod literal;
mod operating;
mod sign_in;

/// Three attempts, hardly any wait.
const QUICK: Policy = Policy {
    attempts_max: 3,
    first_delay: Duration::from_millis(1),
    delay_max: Duration::from_millis(1),
    total_max: Duration::from_secs(1),
};

fn portal_at(root: &str) -> Portal {
    let webhook_url = Secret::new(format!("{root}/rest/1/s3cr3t/"));
    let options = Options {
        webhook_url,
        ..Options::default()
    };
    Portal::new(&options).expect("a portal").with_policy(QUICK)
}

/// A server that gives one answer to everything.
async fn server(answer: ResponseTemplate) -> (MockServer, Portal) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let portal = portal_at(&server.uri());
    (server, portal)
}

fn data(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn page(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "text/html")
}

async fn failure(portal: &Portal) -> BitrixError {
    portal
        .call("profile", &json!({}))
        .await
        .expect_err("an error")
}

/// Calls through one answer and checks what comes of it.
async fn check(answer: ResponseTemplate, kind: &Kind, code: &str, attempts: usize) {
    let (server, portal) = server(answer).await;
    let error = failure(&portal).await;
    assert_eq!((&error.kind, error.code.as_str()), (kind, code), "{error}");
    let seen = server.received_requests().await.expect("recorded").len();
    assert_eq!(seen, attempts, "{error}");
    assert_eq!(portal.requests_total(), attempts as u64);
    assert!(!format!("{error} {error:?} {portal:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn what_is_no_answer_has_its_kind_and_its_number_of_attempts() {
    let html = "<!DOCTYPE html><html><body>503</body></html>";
    for (status, body, kind, code, attempts) in [
        (200, html, Kind::Transient, "HTML", 3),
        (401, html, Kind::Transient, "HTML", 3),
        (502, "Bad gateway", Kind::Transient, "HTML", 3),
        (504, html, Kind::Transient, "TIMEOUT", 3),
        (
            200,
            r#"{"result": [{"ID": "1"#,
            Kind::Transient,
            "TRUNCATED",
            3,
        ),
        (200, "", Kind::Transient, "TRUNCATED", 3),
        (200, "no json", Kind::Unreadable, "FORM", 1),
        (200, "[]", Kind::Unreadable, "FORM", 1),
        (200, r#"{"total": 0}"#, Kind::Unreadable, "FORM", 1),
        (500, r#"{"x": 0}"#, Kind::Transient, "FORM", 3),
        (418, r#"{"x": 0}"#, Kind::Permanent, "FORM", 1),
    ] {
        check(page(status, body), &kind, code, attempts).await;
    }
}

#[tokio::test]
async fn what_the_portal_refuses_has_its_kind_and_its_number_of_attempts() {
    for (status, code, kind, attempts) in [
        (401, "NO_AUTH_FOUND", Kind::NeedsHuman, 1),
        (401, "expired_token", Kind::NeedsHuman, 1),
        (403, "INVALID_CREDENTIALS", Kind::NeedsHuman, 1),
        (403, "insufficient_scope", Kind::NeedsHuman, 1),
        (404, "ERROR_METHOD_NOT_FOUND", Kind::NeedsHuman, 1),
        (200, "ACCESS_DENIED", Kind::NeedsHuman, 1),
        (500, "INTERNAL_SERVER_ERROR", Kind::Transient, 3),
        (503, "OVERLOAD_LIMIT", Kind::NeedsHuman, 1),
        // Its pause is longer than this policy's patience, so it is not tried again here.
        (503, "QUERY_LIMIT_EXCEEDED", Kind::RateLimited, 1),
    ] {
        let body = json!({"error": code, "error_description": "what it says"});
        check(data(status, &body), &kind, code, attempts).await;
    }
}

#[tokio::test]
async fn a_passing_fault_is_survived() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(page(200, "<html>"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/rest/1/s3cr3t/profile"))
        .and(body_json(json!({"a": 1})))
        .respond_with(data(200, &json!({"result": {"ID": "1"}})))
        .mount(&server)
        .await;
    let portal = portal_at(&server.uri());
    let result = portal
        .call("profile", &json!({"a": 1}))
        .await
        .expect("survived");
    assert_eq!(result, json!({"ID": "1"}));
    assert_eq!(
        portal.requests().into_iter().collect::<Vec<_>>(),
        [("profile".to_owned(), 3)]
    );
}

#[tokio::test]
async fn a_block_for_operating_time_tells_its_end() {
    let server = MockServer::start().await;
    let good =
        json!({"result": [], "time": {"operating": 481.5, "operating_reset_at": 1_778_747_792}});
    Mock::given(method("POST"))
        .respond_with(data(200, &good))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let blocked = json!({"error": "OPERATION_TIME_LIMIT", "error_description": "blocked"});
    Mock::given(method("POST"))
        .respond_with(data(429, &blocked))
        .mount(&server)
        .await;
    let portal = portal_at(&server.uri());
    portal
        .call("crm.lead.list", &json!({}))
        .await
        .expect("good");
    let error = portal
        .call("crm.lead.list", &json!({}))
        .await
        .expect_err("blocked");
    let reset_at = chrono::DateTime::from_timestamp(1_778_747_792, 0);
    assert_eq!(error.kind, Kind::OperationTime { reset_at });
}

/// A server that reads one request a connection and answers with raw bytes.
fn raw_server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let root = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(answer);
        }
    });
    root
}

#[tokio::test]
async fn a_broken_connection_is_transient() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    for root in [
        raw_server(b""),
        raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"result\": [{\"ID\":"),
        refused,
    ] {
        let portal = portal_at(&root);
        let error = failure(&portal).await;
        assert_eq!(
            (&error.kind, error.code.as_str()),
            (&Kind::Transient, "NETWORK"),
            "{error}"
        );
        assert_eq!(portal.requests_total(), 3);
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn a_moved_portal_is_followed_once_with_method_and_body() {
    let (new, _) = server(data(200, &json!({"result": 7}))).await;
    let to_new = ResponseTemplate::new(302)
        .insert_header("Location", format!("{}/rest/1/s3cr3t/profile", new.uri()));
    let (old, portal) = server(to_new).await;
    for _ in 0..2 {
        assert_eq!(
            portal
                .call("profile", &json!({"a": 1}))
                .await
                .expect("moved"),
            json!(7)
        );
    }
    assert_eq!(old.received_requests().await.expect("recorded").len(), 1);
    let seen = new.received_requests().await.expect("recorded");
    let bodies: Vec<Value> = seen.iter().filter_map(|r| r.body_json().ok()).collect();
    assert_eq!(bodies, [json!({"a": 1}), json!({"a": 1})]);
    assert_eq!(portal.moved_to(), Some(new.address().to_string()));
}

#[tokio::test]
async fn other_redirects_are_refused() {
    let itself = MockServer::start().await;
    let to_itself = ResponseTemplate::new(302).insert_header(
        "Location",
        format!("{}/rest/1/s3cr3t/profile", itself.uri()),
    );
    Mock::given(method("POST"))
        .respond_with(to_itself)
        .mount(&itself)
        .await;
    let coupon = ResponseTemplate::new(302).insert_header("Location", "https://b.example/coupon");
    let (_other, elsewhere) = server(coupon).await;
    for portal in [portal_at(&itself.uri()), elsewhere] {
        let error = failure(&portal).await;
        assert_eq!(
            (&error.kind, error.code.as_str()),
            (&Kind::NeedsHuman, "REDIRECT")
        );
        assert_eq!(portal.requests_total(), 1);
    }
}

#[tokio::test]
async fn a_batch_is_taken_apart_in_all_forms_of_php() {
    let body = json!({"result": {
        "result": {"c00": [], "c02": [{"ID": "1"}]},
        "result_error": {"c01": {"error": "", "error_description": "Not found"},
                         "c03": "insufficient_scope"},
        "result_total": [], "result_next": {"c02": 50}, "result_time": []
    }});
    let (server, portal) = server(data(200, &body)).await;
    let commands = [
        "crm.lead.list",
        "crm.lead.get",
        "user.get",
        "department.get",
        "scope",
    ]
    .map(|name| Command::new(name).param("filter[>=ID]", "а"));
    let answers = portal.batch(&commands).await.expect("a batch");
    let kinds: Vec<Result<Value, Kind>> = answers
        .into_iter()
        .map(|answer| answer.map_err(|error| error.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            Ok(json!([])),
            Err(Kind::NotFound),
            Ok(json!([{"ID": "1"}])),
            Err(Kind::NeedsHuman),
            Err(Kind::Transient),
        ]
    );
    let seen = server.received_requests().await.expect("recorded");
    let sent: Value = seen[0].body_json().expect("JSON");
    assert_eq!(sent["halt"], 0);
    assert_eq!(
        sent["cmd"]["c00"],
        "crm.lead.list?filter%5B%3E%3DID%5D=%D0%B0"
    );

    let all_refused = json!({"result": {"result": [], "result_error": {"c00": {"error": "X"}}}});
    let (_server, portal) = self::server(data(200, &all_refused)).await;
    let answers = portal.batch(&commands[..1]).await.expect("a batch");
    assert_eq!(answers[0].as_ref().expect_err("refused").code, "X");

    for wrong in [json!({"result": []}), json!({"result": {"result": [1]}})] {
        let (_server, portal) = self::server(data(200, &wrong)).await;
        let error = portal.batch(&commands[..1]).await.expect_err("not a batch");
        assert_eq!(error.kind, Kind::Unreadable, "{wrong}");
    }
}

/// Answers each command of a batch by `answer(method, query)`; an error is a map with `error`, a
/// page that is followed by another one a map with `rows` and `next`.
fn batch_answer(request: &Request, answer: impl Fn(&str, &str) -> Value) -> ResponseTemplate {
    let body: Value = request.body_json().unwrap_or_default();
    let [mut results, mut errors, mut nexts] = [(); 3].map(|()| serde_json::Map::new());
    for (key, text) in body["cmd"].as_object().into_iter().flatten() {
        let text = text.as_str().unwrap_or_default();
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let mut value = answer(name, query);
        if let Some(next) = value.get("next").cloned() {
            nexts.insert(key.clone(), next);
            value = value["rows"].take();
        }
        let into = if value.get("error").is_some() {
            &mut errors
        } else {
            &mut results
        };
        into.insert(key.clone(), value);
    }
    let time = json!({"date_start": "2026-03-01T12:00:00+03:00"});
    let parts = json!({"result": results, "result_error": errors, "result_next": nexts});
    data(200, &json!({"result": parts, "time": time}))
}

fn usual(name: &str, query: &str) -> Value {
    let ids = |first: u64, last: u64| -> Value {
        (first..=last)
            .map(|id| json!({"ID": id.to_string()}))
            .collect()
    };
    match name {
        "profile" => json!({"ID": "1", "ADMIN": false}),
        "scope" => json!(["crm", "user_basic"]),
        "crm.settings.mode.get" => json!(2),
        "server.time" => json!("2026-03-01T12:00:01+03:00"),
        "crm.category.list" => json!({"categories": [{"id": 0, "name": "General"}]}),
        "crm.lead.list" if query.contains("DESC") => ids(901, 950),
        "crm.lead.list" => ids(7, 56),
        "department.get" => json!({"error": "insufficient_scope", "error_description": ""}),
        "crm.currency.list" => json!([{"CURRENCY": "RUB", "BASE": "Y"}]),
        "user.get" => json!([{"ID": "1"}, {"ID": "2"}]),
        _ => json!([]),
    }
}

async fn batch_server(
    answer: impl Fn(&str, &str) -> Value + Send + Sync + 'static,
) -> (MockServer, Portal) {
    let server = MockServer::start().await;
    Mock::given(path("/rest/1/s3cr3t/batch"))
        .respond_with(move |request: &Request| batch_answer(request, &answer))
        .mount(&server)
        .await;
    let portal = portal_at(&server.uri());
    (server, portal)
}

fn first() -> Ask {
    Ask {
        starts: Entity::CARDS.map(|entity| (entity, Start::Span)).into(),
        ..Ask::default()
    }
}

#[tokio::test]
async fn the_opening_asks_for_everything_small_at_once() {
    let (_server, portal) = batch_server(usual).await;
    let opening = open(&portal, &first()).await.expect("open");
    assert_eq!(portal.requests_total(), 1);
    assert_eq!((opening.admin, opening.mode), (Some(false), Some(2)));
    assert_eq!(
        opening.began.map(|t| t.to_rfc3339()).as_deref(),
        Some("2026-03-01T12:00:01+03:00")
    );
    let spans: Vec<_> = opening
        .spans
        .iter()
        .map(|s| (s.entity, s.first, s.last))
        .collect();
    assert_eq!(spans, [(Entity::Lead, 7, 950)]);
    assert_eq!(opening.directory.users.map(|users| users.len()), Some(2));
    assert_eq!(opening.directory.departments, None);
    let refused: Vec<_> = opening
        .refused
        .iter()
        .map(|error| error.doing.as_str())
        .collect();
    assert_eq!(refused, ["calling department.get"]);
}

#[tokio::test]
async fn the_first_pages_of_a_load_ride_in_the_opening() {
    let leads = |rows: std::ops::RangeInclusive<u64>| -> Value {
        rows.map(|id| json!({"ID": id.to_string()})).collect()
    };
    let table = |full: usize| {
        move |name: &str, query: &str| {
            if name != "crm.lead.list" || query.contains("DESC") || query.contains("start=0") {
                return usual(name, query);
            }
            let page = query.split_once("%5Bc").map_or(0, |(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits
                    .parse::<usize>()
                    .unwrap_or_default()
                    .saturating_sub(14)
            });
            let first = 50 * page as u64;
            match page {
                page if page < full => leads(first + 101..=first + 150),
                page if page == full => leads(first + 101..=first + 110),
                _ => leads(101..=150),
            }
        }
    };
    for (full, read, next) in [(2, 110, 951), (100, 8 * 50, 101 + 8 * 50)] {
        let (_server, portal) = batch_server(table(full)).await;
        let ask = Ask {
            head: Some((Entity::Lead, 101)),
            ..first()
        };
        let opening = open(&portal, &ask).await.expect("open");
        assert_eq!(portal.requests_total(), 1);
        let head = opening.head.expect("first pages");
        assert_eq!(
            (head.records.len(), head.next),
            (read, vec![(Entity::Lead, next)])
        );
        assert_eq!(head.ids, next - 101);
    }
}

#[tokio::test]
async fn a_second_opening_request_is_sent_only_for_more_pages() {
    let users = |name: &str, query: &str| {
        if name != "user.get" {
            return usual(name, query);
        }
        let start: u64 = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("start="))
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let end = (start + 50).min(120);
        let rows: Value = (start + 1..=end)
            .map(|id| json!({"ID": id.to_string()}))
            .collect();
        if end < 120 {
            json!({"rows": rows, "next": end})
        } else {
            rows
        }
    };
    for (users_known, requests) in [(119, 1), (120, 1), (100, 1), (99, 2), (0, 2)] {
        let (_server, portal) = batch_server(users).await;
        let opening = open(
            &portal,
            &Ask {
                users_known,
                ..first()
            },
        )
        .await
        .expect("open");
        let ids: Vec<String> = opening
            .directory
            .users
            .into_iter()
            .flatten()
            .filter_map(|user| user.id)
            .collect();
        assert!(
            ids.into_iter().eq((1..=120).map(|id| id.to_string())),
            "{users_known}"
        );
        assert_eq!(portal.requests_total(), requests, "{users_known}");
    }
}

#[tokio::test]
async fn a_refused_list_of_leads_stops_the_opening() {
    let (_server, portal) = batch_server(|name, query| match name {
        "crm.lead.list" => json!({"error": "", "error_description": "Access denied."}),
        _ => usual(name, query),
    })
    .await;
    let error = open(&portal, &first()).await.expect_err("refused");
    assert_eq!(
        (error.kind, error.doing.as_str()),
        (Kind::NeedsHuman, "calling crm.lead.list")
    );
}

#[tokio::test]
async fn the_probe_tells_what_is_missing() {
    let (_server, portal) = batch_server(usual).await;
    let probe = probe(&portal).await.expect("a probe");
    assert_eq!((probe.admin, probe.mode), (Some(false), Some(2)));
    assert_eq!(probe.scopes, ["crm", "user_basic"]);
    assert!(probe.server_time.is_some());
    let missing: Vec<_> = probe
        .missing
        .iter()
        .map(|m| (m.method, m.error.kind.clone()))
        .collect();
    assert_eq!(missing, [("department.get", Kind::NeedsHuman)]);
}
