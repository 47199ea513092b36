//! The Google client against single faults and against the simulator.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use planfact::clock::{Clock, System};
use planfact::google::{
    Google, GoogleError, Grant, Kind, Options, Patience, Role, sign_in_interactively,
};
use planfact::retry::Policy;
use planfact::sheet::edit::Edit;
use planfact::sheet::workbook::{
    Align, Area, Border, Cell, Chart, ChartKind, Color, Conditional, Format, NamedRange,
    NumberKind, Protection, Rect, Series, SeriesKind, Tab, Validation, Value, Workbook,
};
use serde_json::{Value as Json, json};
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Tries as in production, without the waits between them.
const HASTY: Patience = Patience {
    tries: Policy {
        attempts_max: 4,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(2),
        total_max: Duration::from_secs(30),
    },
    ..Patience::PRODUCTION
};

/// A Google that fails as told, and a client for it.
struct Faulty {
    server: MockServer,
    google: Google,
    _folder: tempfile::TempDir,
}

impl Faulty {
    /// With a token endpoint that works.
    async fn new() -> Faulty {
        let faulty = Faulty::signed_out().await;
        let token = json!({"access_token": "T-good", "expires_in": 3600, "token_type": "Bearer"});
        Mock::given(path("/token"))
            .and(body_string_contains("grant_type=refresh_token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(token))
            .with_priority(200)
            .mount(&faulty.server)
            .await;
        faulty
    }

    /// Without one.
    async fn signed_out() -> Faulty {
        Faulty::at(Box::new(System)).await
    }

    async fn at(clock: Box<dyn Clock>) -> Faulty {
        let server = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("user.json");
        let secret = json!({"type": "authorized_user", "client_id": "c", "client_secret": "S-secret",
            "refresh_token": "R-secret", "token_uri": format!("{}/token", server.uri())});
        std::fs::write(&credentials, secret.to_string()).unwrap();
        let options = Options {
            credentials,
            endpoint: Some(crate::relay::endpoint(&server.uri()).await.parse().unwrap()),
            subject: None,
        };
        let google = Google::with(&options, HASTY, clock).unwrap();
        Faulty {
            server,
            google,
            _folder: folder,
        }
    }

    /// Answers so many calls (all, if none is said) of a method and path.
    async fn answer(&self, verb: &str, at: &str, times: Option<u64>, answer: ResponseTemplate) {
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(answer);
        let mock = match times {
            Some(times) => mock.up_to_n_times(times).with_priority(1),
            None => mock.with_priority(100),
        };
        mock.mount(&self.server).await;
    }

    /// Requests that arrived at a path.
    async fn arrived(&self, at: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter()
            .filter(|request| request.url.path() == at)
            .collect()
    }
}

fn ok(body: Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn page(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw("<html><b>Error</b> oops</html>", "text/html")
}

fn sheets_error(status: u16, word: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"error": {"code": status, "message": "m", "status": word}}))
}

fn drive_error(status: u16, reason: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": {"code": status, "message": "m",
        "errors": [{"domain": "usageLimits", "reason": reason, "message": "m"}]}}))
}

fn write() -> Edit {
    Edit::Write {
        tab: 0,
        row: 0,
        column: 0,
        values: vec![vec![Value::Number(1.0)]],
    }
}

fn insert() -> Edit {
    Edit::InsertRows {
        tab: 0,
        row: 0,
        count: 1,
    }
}

const BATCH: &str = "/v4/spreadsheets/F:batchUpdate";
const FILE: &str = "/drive/v3/files/F";
const FILES: &str = "/drive/v3/files";

#[tokio::test]
async fn ten_calls_at_once_fetch_one_token() {
    let faulty = Faulty::new().await;
    faulty
        .answer("GET", FILE, None, ok(json!({"id": "F", "version": "3"})))
        .await;
    let calls = (0..10).map(|_| faulty.google.file("F"));
    for file in futures::future::join_all(calls).await {
        assert_eq!(file.unwrap().version, Some(3));
    }
    assert_eq!(faulty.arrived("/token").await.len(), 1);
    assert_eq!(
        faulty.google.requests(),
        [
            ("drive.files.get".to_string(), 10),
            ("oauth2.token".to_string(), 1)
        ],
        "every request is counted"
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let faulty = Faulty::new().await;
    let unauthorised = sheets_error(401, "UNAUTHENTICATED");
    faulty
        .answer("GET", FILE, Some(1), unauthorised.clone())
        .await;
    faulty
        .answer("GET", FILE, None, ok(json!({"id": "F"})))
        .await;
    assert_eq!(faulty.google.file("F").await.unwrap().id, "F");
    assert_eq!(faulty.arrived("/token").await.len(), 2);

    let faulty = Faulty::new().await;
    faulty.answer("GET", FILE, None, unauthorised).await;
    let error = faulty.google.file("F").await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::SignIn, Some(401)));
    assert_eq!(faulty.arrived(FILE).await.len(), 2);
}

/// A clock that is set by hand.
#[derive(Clone)]
struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_serves_to_its_end() {
    let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let hands = Hands(Arc::new(Mutex::new(began)));
    let faulty = Faulty::at(Box::new(hands.clone())).await;
    faulty
        .answer("GET", FILE, None, ok(json!({"id": "F"})))
        .await;
    let token = json!({"access_token": "T", "expires_in": 3600, "token_type": "Bearer"});
    faulty.answer("POST", "/token", Some(2), ok(token)).await;
    faulty.answer("POST", "/token", None, page(502)).await;
    // Second of the call, tokens asked for so far, whether the call succeeds.
    let life = [
        (0, 1, true),
        (3299, 1, true),
        (3301, 2, true),
        (3301 + 3299, 2, true),
        (3301 + 3400, 3, true),
        (3301 + 3601, 7, false),
    ];
    for (second, asked, succeeds) in life {
        *hands.0.lock().unwrap() = began + TimeDelta::seconds(second);
        assert_eq!(
            faulty.google.file("F").await.is_ok(),
            succeeds,
            "at {second} s"
        );
        assert_eq!(faulty.arrived("/token").await.len(), asked, "at {second} s");
    }
}

#[tokio::test]
async fn a_withdrawn_consent_stops_at_once_and_tells_the_remedy() {
    let faulty = Faulty::signed_out().await;
    let revoked = json!({"error": "invalid_grant", "error_description": "Token has been revoked."});
    let answer = ResponseTemplate::new(400).set_body_json(revoked);
    faulty.answer("POST", "/token", None, answer).await;
    let error = faulty.google.file("F").await.unwrap_err();
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (Kind::SignIn, "invalid_grant")
    );
    assert!(error.remedy().contains("sign in again"));
    assert_eq!(faulty.arrived("/token").await.len(), 1, "no storm");
    for text in [
        format!("{error}"),
        format!("{error:?}"),
        format!("{:?}", faulty.google),
    ] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_fails_for_the_moment_is_asked_again_even_for_a_copy() {
    let faulty = Faulty::new().await;
    faulty.answer("POST", "/token", Some(2), page(502)).await;
    faulty
        .answer(
            "POST",
            "/drive/v3/files/F/copy",
            None,
            ok(json!({"id": "C"})),
        )
        .await;
    assert_eq!(
        faulty.google.copy("F", "t", None, &[]).await.unwrap().id,
        "C"
    );
    assert_eq!(faulty.arrived("/drive/v3/files/F/copy").await.len(), 1);
}

#[tokio::test]
async fn only_what_may_be_repeated_is_repeated() {
    let cut = || ResponseTemplate::new(200).set_body_raw("{\"replies\": [", "application/json");
    for fault in [page(503), sheets_error(500, "INTERNAL"), cut()] {
        let faulty = Faulty::new().await;
        faulty.answer("POST", BATCH, Some(2), fault.clone()).await;
        faulty
            .answer("POST", BATCH, None, ok(json!({"spreadsheetId": "F"})))
            .await;
        let applied = faulty.google.apply("F", &[write()]).await.unwrap();
        assert_eq!((applied.cells, applied.requests), (1, 1));
        let sent = faulty.arrived(BATCH).await;
        assert_eq!(sent.len(), 3);
        assert_eq!(sent[2].body.len(), applied.bytes);

        let faulty = Faulty::new().await;
        faulty.answer("POST", BATCH, None, fault).await;
        let error = faulty
            .google
            .apply("F", &[write(), insert()])
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::UnknownOutcome);
        assert_eq!(faulty.arrived(BATCH).await.len(), 1);
    }
}

#[tokio::test]
async fn tries_have_an_end() {
    let faulty = Faulty::new().await;
    faulty.answer("GET", FILE, None, page(503)).await;
    let error = faulty.google.file("F").await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::Transient, Some(503)));
    assert!(error.message.contains("Error oops"), "{error}");
    assert_eq!(faulty.arrived(FILE).await.len(), 4);
}

#[tokio::test]
async fn quota_refusals_are_waited_out_and_storage_refusals_are_not() {
    let faulty = Faulty::new().await;
    let refusal = sheets_error(429, "RESOURCE_EXHAUSTED").insert_header("Retry-After", "0");
    faulty.answer("POST", BATCH, Some(1), refusal).await;
    faulty.answer("POST", BATCH, None, ok(json!({}))).await;
    faulty.google.apply("F", &[insert()]).await.unwrap();
    assert_eq!(faulty.arrived(BATCH).await.len(), 2);

    faulty
        .answer(
            "POST",
            "/drive/v3/files/F/copy",
            Some(1),
            drive_error(403, "rateLimitExceeded"),
        )
        .await;
    let full = drive_error(403, "storageQuotaExceeded");
    faulty
        .answer("POST", "/drive/v3/files/F/copy", None, full)
        .await;
    let error = faulty.google.copy("F", "t", None, &[]).await.unwrap_err();
    assert_eq!(error.kind, Kind::NeedsHuman);
    assert!(error.remedy().contains("shared drive"));
    assert_eq!(faulty.arrived("/drive/v3/files/F/copy").await.len(), 2);
}

#[tokio::test]
async fn a_protected_cell_is_named_whatever_language_google_speaks() {
    let faulty = Faulty::new().await;
    let sentence = "Datos no válidos: estás intentando editar una celda u objeto protegidos.";
    let refusal = ResponseTemplate::new(400).set_body_json(json!({"error": {"code": 400,
        "message": sentence, "status": "INVALID_ARGUMENT"}}));
    faulty.answer("POST", BATCH, None, refusal).await;
    let now = json!({"sheets": [{"properties": {"sheetId": 0, "title": "План",
            "gridProperties": {"rowCount": 50, "columnCount": 9}},
        "protectedRanges": [{"range": {"endRowIndex": 3}, "description": "не трогать"}]}]});
    faulty
        .answer("GET", "/v4/spreadsheets/F", None, ok(now))
        .await;
    let error = faulty.google.apply("F", &[write()]).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::NeedsHuman, Some(400)));
    assert!(
        error
            .message
            .contains("«План»!A1:I3 is protected («не трогать»)"),
        "{error}"
    );
    assert!(
        error.remedy().contains("protected range"),
        "{}",
        error.remedy()
    );
    assert_eq!(faulty.arrived(BATCH).await.len(), 1);
    let elsewhere = Edit::Write {
        tab: 5,
        row: 0,
        column: 0,
        values: vec![vec![Value::Number(1.0)]],
    };
    let error = faulty.google.apply("F", &[elsewhere]).await.unwrap_err();
    assert!(error.message.contains("id 5 is gone"), "{error}");
}

#[tokio::test]
async fn a_copy_with_a_lost_answer_is_found_and_not_made_twice() {
    let faulty = Faulty::new().await;
    faulty
        .answer("POST", "/drive/v3/files/F/copy", None, page(503))
        .await;
    faulty
        .answer(
            "GET",
            FILES,
            None,
            ok(json!({"files": [{"id": "C", "name": "t",
            "appProperties": {"kind": "plan", "planfact_making": "x"}}]})),
        )
        .await;
    let copy = faulty
        .google
        .copy("F", "t", Some("D"), &[("kind", "plan")])
        .await
        .unwrap();
    assert_eq!(copy.id, "C");
    assert_eq!(copy.properties.len(), 1, "the mark is ours alone");
    let sent = faulty.arrived("/drive/v3/files/F/copy").await;
    assert_eq!(sent.len(), 1);
    let body: Json = serde_json::from_slice(&sent[0].body).unwrap();
    let mark = body["appProperties"]["planfact_making"].as_str().unwrap();
    let search = faulty.arrived(FILES).await;
    let q = search[0]
        .url
        .query_pairs()
        .find(|(key, _)| key == "q")
        .unwrap()
        .1
        .into_owned();
    assert!(q.contains(mark) && q.contains("'D' in parents"), "{q}");
}

#[tokio::test]
async fn a_copy_that_was_not_made_is_made_again() {
    let faulty = Faulty::new().await;
    faulty
        .answer("POST", "/drive/v3/files/F/copy", Some(1), page(503))
        .await;
    faulty
        .answer(
            "POST",
            "/drive/v3/files/F/copy",
            None,
            ok(json!({"id": "C"})),
        )
        .await;
    faulty
        .answer("GET", FILES, None, ok(json!({"files": []})))
        .await;
    assert_eq!(
        faulty.google.copy("F", "t", None, &[]).await.unwrap().id,
        "C"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_built_is_discarded_and_never_carries_its_properties() {
    let faulty = Faulty::new().await;
    faulty
        .answer("POST", FILES, None, ok(json!({"id": "N"})))
        .await;
    let born = json!({"sheets": [{"properties": {"sheetId": 0, "title": "Sheet1"}}]});
    faulty
        .answer("GET", "/v4/spreadsheets/N", None, ok(born))
        .await;
    let refusal = sheets_error(400, "INVALID_ARGUMENT");
    faulty
        .answer("POST", "/v4/spreadsheets/N:batchUpdate", None, refusal)
        .await;
    faulty
        .answer("PATCH", "/drive/v3/files/N", None, ok(json!({"id": "N"})))
        .await;
    let tab = Tab {
        id: 1,
        title: "a".to_string(),
        rows: 1,
        columns: 1,
        ..Tab::default()
    };
    let book = Workbook {
        title: "T".to_string(),
        tabs: vec![tab],
        ..Workbook::default()
    };
    let error = faulty
        .google
        .publish_workbook(&book, None, &[("kind", "plan")])
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    let created: Json = serde_json::from_slice(&faulty.arrived(FILES).await[0].body).unwrap();
    assert_eq!(created["appProperties"]["kind"], Json::Null);
    let patches = faulty.arrived("/drive/v3/files/N").await;
    assert_eq!(patches.len(), 1);
    assert_eq!(
        serde_json::from_slice::<Json>(&patches[0].body).unwrap(),
        json!({"trashed": true})
    );
}

#[tokio::test]
async fn one_missing_name_does_not_hide_the_others() {
    let faulty = Faulty::new().await;
    let at = "/v4/spreadsheets/F";
    let structure = json!({
        "namedRanges": [{"name": "here", "namedRangeId": "1",
            "range": {"endRowIndex": 1, "endColumnIndex": 1}}],
        "sheets": [{"properties": {"sheetId": 0, "gridProperties": {"rowCount": 9,
            "columnCount": 9}}}]});
    let mut block = structure.clone();
    block["sheets"][0]["data"] =
        json!([{"rowData": [{"values": [{"effectiveValue": {"numberValue": 5}}]}]}]);
    Mock::given(path(at))
        .and(query_param("ranges", "gone"))
        .respond_with(sheets_error(400, "INVALID_ARGUMENT"))
        .with_priority(1)
        .mount(&faulty.server)
        .await;
    Mock::given(path(at))
        .and(query_param("ranges", "here"))
        .respond_with(ok(block))
        .with_priority(2)
        .mount(&faulty.server)
        .await;
    faulty.answer("GET", at, None, ok(structure)).await;
    let seen = faulty.google.observe("F", &["gone", "here"]).await.unwrap();
    assert_eq!(seen.blocks.keys().collect::<Vec<_>>(), ["here"]);
    assert_eq!(seen.blocks["here"].values, vec![vec![Value::Number(5.0)]]);
    assert_eq!(faulty.arrived(at).await.len(), 3);
    let seen = faulty.google.observe("F", &["gone"]).await.unwrap();
    assert!(seen.blocks.is_empty());
    assert_eq!(seen.names.len(), 1);
}

#[tokio::test]
async fn the_change_feed_is_read_to_its_end() {
    let faulty = Faulty::new().await;
    let at = "/drive/v3/changes";
    let first = json!({"nextPageToken": "2", "changes": [
        {"fileId": "a", "file": {"version": "1"}}, {"fileId": "b", "removed": true}]});
    let last = json!({"newStartPageToken": "9", "changes": [
        {"fileId": "a", "file": {"version": "4", "lastModifyingUser": {"me": true}}}]});
    for (token, answer) in [("1", first), ("2", last)] {
        Mock::given(path(at))
            .and(query_param("pageToken", token))
            .and(query_param("includeItemsFromAllDrives", "true"))
            .respond_with(ok(answer))
            .mount(&faulty.server)
            .await;
    }
    let changes = faulty.google.changes("1").await.unwrap();
    assert_eq!(changes.next_token, "9");
    let told: Vec<_> = changes
        .files
        .iter()
        .map(|f| (f.id.as_str(), f.removed, f.by_me, f.version))
        .collect();
    assert_eq!(
        told,
        [("b", true, false, None), ("a", false, true, Some(4))]
    );
}

#[tokio::test]
async fn people_are_added_once_and_get_no_mail() {
    let faulty = Faulty::new().await;
    let at = "/drive/v3/files/F/permissions";
    let held = json!({"permissions": [
        {"id": "1", "type": "user", "role": "writer", "emailAddress": "Boss@x.ru"},
        {"id": "2", "type": "user", "role": "reader", "emailAddress": "up@x.ru"}]});
    faulty.answer("GET", at, None, ok(held)).await;
    Mock::given(method("POST"))
        .and(path(at))
        .and(query_param("sendNotificationEmail", "false"))
        .and(header("authorization", "Bearer T-good"))
        .respond_with(ok(json!({"id": "3"})))
        .mount(&faulty.server)
        .await;
    let grant = |email: &str, role| Grant {
        email: email.to_string(),
        role,
    };
    let grants = [
        grant("boss@x.ru", Role::Reader),
        grant("up@x.ru", Role::Writer),
        grant("new@x.ru", Role::Commenter),
        grant("NEW@x.ru", Role::Reader),
    ];
    assert_eq!(faulty.google.share("F", &grants).await.unwrap(), 2);
}

#[test]
fn credentials_of_the_wrong_kind_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |text: Option<&str>, endpoint: Option<&str>| -> GoogleError {
        let credentials: PathBuf = folder.path().join("c.json");
        let _ = std::fs::remove_file(&credentials);
        if let Some(text) = text {
            std::fs::write(&credentials, text).unwrap();
        }
        let endpoint = endpoint.map(|url| url.parse().unwrap());
        Google::new(&Options {
            credentials,
            endpoint,
            subject: None,
        })
        .unwrap_err()
    };
    let user = r#"{"type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": "r", "token_uri": "TOKEN"}"#;
    let key = r#"{"type": "service_account", "client_email": "a@b.c", "private_key": "hush",
        "token_uri": "https://oauth2.googleapis.com/token"}"#;
    let cases = [
        (None, "c.json"),
        (Some("not json"), "not JSON (line 1"),
        (Some("{}"), "no \"type\""),
        (Some(r#"{"installed": {}}"#), "planfact init"),
        (Some(r#"{"type": "external_account"}"#), "external_account"),
        (Some(r#"{"type": "authorized_user"}"#), "client_id"),
        (Some(r#"{"type": "service_account"}"#), "private_key"),
        (Some(key), "not a PEM key"),
    ];
    for (text, wanted) in cases {
        let error = open(text, None);
        assert!(error.to_string().contains(wanted), "{error} for {text:?}");
        assert!(error.to_string().contains("c.json") && !error.to_string().contains("hush"));
        assert_eq!(error.kind, Kind::SignIn);
        assert!(error.remedy().contains("credentials"));
    }
    let foreign = user.replace("TOKEN", "http://example.com/token");
    assert_eq!(open(Some(&foreign), None).kind, Kind::Invalid);
    let good = user.replace("TOKEN", "https://oauth2.googleapis.com/token");
    assert_eq!(
        open(Some(&good), Some("http://sheets.googleapis.com")).kind,
        Kind::Invalid
    );
}

/// A browser that consents: pranks first, then the address to which the consent leads back.
fn consent(url: &str, told: Vec<(&'static str, &'static str)>) {
    let url: url::Url = url.parse().unwrap();
    let asked: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(asked["access_type"], "offline");
    assert!(asked["scope"].contains("spreadsheets") && asked["scope"].contains("auth/drive"));
    assert_eq!(asked["code_challenge_method"], "S256");
    let back: url::Url = asked["redirect_uri"].parse().unwrap();
    let state = asked["state"].clone();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let at = (back.host_str().unwrap().to_string(), back.port().unwrap());
        for (target, wanted) in told {
            let mut stream = std::net::TcpStream::connect(&at).unwrap();
            let target = target.replace("STATE", &state);
            write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut page = String::new();
            let _ = stream.read_to_string(&mut page);
            assert!(page.contains(wanted), "{target}: {page}");
        }
    });
}

/// The file of an OAuth client whose token endpoint is the faulty one.
fn client_file(folder: &std::path::Path, faulty: &Faulty) -> PathBuf {
    let uri = faulty.server.uri();
    let secret = json!({"installed": {"client_id": "c", "client_secret": "s",
        "auth_uri": format!("{uri}/auth"), "token_uri": format!("{uri}/token"),
        "redirect_uris": ["http://localhost"]}});
    let client = folder.join("client.json");
    std::fs::write(&client, secret.to_string()).unwrap();
    client
}

#[tokio::test]
async fn a_person_who_refuses_is_understood() {
    let faulty = Faulty::signed_out().await;
    let folder = tempfile::tempdir().unwrap();
    let client = client_file(folder.path(), &faulty);
    let kept = folder.path().join("user.json");
    let told = vec![("/?state=STATE&error=access_denied", "Not signed in")];
    let error = sign_in_interactively(&client, &kept, |url| consent(url, told.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (Kind::SignIn, "access_denied")
    );
    assert!(!kept.exists());
}

#[tokio::test]
async fn a_consent_by_the_browser_becomes_credentials_for_the_daemon() {
    let faulty = Faulty::new().await;
    let tokens = json!({"access_token": "T", "refresh_token": "R-new", "expires_in": 3600,
        "token_type": "Bearer"});
    Mock::given(path("/token"))
        .and(body_string_contains("code=the-code"))
        .respond_with(ok(tokens))
        .with_priority(1)
        .mount(&faulty.server)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let client = client_file(folder.path(), &faulty);
    let kept = folder.path().join("user.json");
    // An older consent stands there, readable by all.
    std::fs::write(&kept, "{}").unwrap();
    let told = vec![
        ("/favicon.ico", "404"),
        ("/?state=other&code=stolen", "404"),
        ("/?state=STATE&code=the-code", "Signed in"),
    ];
    sign_in_interactively(&client, &kept, |url| consent(url, told.clone()))
        .await
        .unwrap();
    let exchanged = &faulty.arrived("/token").await[0];
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(&exchanged.body)
        .into_owned()
        .collect();
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["code_verifier"].len(), 43, "256 bits (RFC 7636 §4.1)");
    assert!(form["redirect_uri"].starts_with("http://127.0.0.1:"));
    let written: Json = serde_json::from_str(&std::fs::read_to_string(&kept).unwrap()).unwrap();
    assert_eq!(written["type"], "authorized_user");
    assert_eq!(written["refresh_token"], "R-new");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    faulty
        .answer("GET", FILE, None, ok(json!({"id": "F"})))
        .await;
    let endpoint = Some(faulty.server.uri().parse().unwrap());
    let google = Google::new(&Options {
        credentials: kept,
        endpoint,
        subject: None,
    })
    .unwrap();
    assert_eq!(google.account(), "OAuth user");
    assert_eq!(google.file("F").await.unwrap().id, "F");
}

/// The simulator, and a client for it. `PLANFACT_GOOGLE_ENDPOINT`, `_CREDENTIALS` and `_FOLDER`
/// name another one, such as one behind a recording proxy.
struct Sim {
    google: Google,
    folder: String,
    _running: Option<planfact_sim::google::Google>,
    _credentials: tempfile::TempDir,
}

impl Sim {
    async fn new() -> Sim {
        let kept = tempfile::tempdir().unwrap();
        let var = |name: &str| std::env::var(format!("PLANFACT_GOOGLE_{name}")).ok();
        let (running, credentials, endpoint, folder) =
            match (var("ENDPOINT"), var("CREDENTIALS"), var("FOLDER")) {
                (Some(endpoint), Some(credentials), Some(folder)) => {
                    (None, PathBuf::from(credentials), endpoint, folder)
                }
                _ => {
                    let options = planfact_sim::google::Options::default();
                    let sim = planfact_sim::google::Google::start(options).await.unwrap();
                    let credentials = kept.path().join("key.json");
                    std::fs::write(&credentials, sim.credentials.to_string()).unwrap();
                    let (endpoint, folder) = (sim.endpoint.clone(), sim.folder.clone());
                    (Some(sim), credentials, endpoint, folder)
                }
            };
        let endpoint = Some(crate::relay::endpoint(&endpoint).await.parse().unwrap());
        let google = Google::new(&Options {
            credentials,
            endpoint,
            subject: None,
        })
        .unwrap();
        Sim {
            google,
            folder,
            _running: running,
            _credentials: kept,
        }
    }

    /// Requests of a method that the client sent.
    fn count(&self, id: &str) -> u64 {
        self.google
            .requests()
            .iter()
            .filter(|(sent, _)| sent == id)
            .map(|(_, n)| n)
            .sum()
    }
}

/// A workbook that says everything the model can say.
fn rich() -> Workbook {
    let rect = |row_start, row_end, column_start, column_end| Rect {
        row_start,
        row_end,
        column_start,
        column_end,
    };
    let look = Format {
        number: Some((NumberKind::Number, "#,##0".to_string())),
        background: Some(Color(240, 246, 255)),
        color: Some(Color(17, 34, 51)),
        bold: true,
        italic: true,
        size: Some(14),
        font: Some("Roboto".to_string()),
        align: Some(Align::Right),
        middle: true,
        wrap: true,
        indent: Some(12),
        borders: [
            Some(Border {
                color: Color(1, 2, 3),
                width: 1,
            }),
            None,
            Some(Border {
                color: Color(200, 0, 0),
                width: 2,
            }),
            Some(Border {
                color: Color(0, 0, 0),
                width: 3,
            }),
        ],
    };
    let typed = |value| Cell {
        value,
        ..Cell::default()
    };
    let text = |text: &str| typed(Value::Text(text.to_string()));
    let formula = |text: &str| Cell {
        formula: Some(text.to_string()),
        ..Cell::default()
    };
    let ruled = |rule| Cell {
        validation: Some(rule),
        ..Cell::default()
    };
    let mut report = Tab {
        id: 101,
        title: "Лиды".to_string(),
        rows: 60,
        columns: 12,
        frozen_rows: 2,
        frozen_columns: 1,
        no_gridlines: true,
        color: Some(Color(0, 128, 255)),
        column_widths: [(0, 40), (1, 180), (2, 180), (5, 60)].into(),
        row_heights: [(0, 44), (1, 30)].into(),
        hidden_columns: vec![10, 11],
        hidden_rows: vec![50],
        merges: vec![rect(0, 1, 0, 4)],
        metadata: vec![("planfact".to_string(), "report/leads".to_string())],
        ..Tab::default()
    };
    let cells = [
        (
            (0, 0),
            Cell {
                format: look.clone(),
                ..text("Лиды: план и факт")
            },
        ),
        ((3, 0), text("=1+1")),
        ((3, 1), text("0042")),
        ((3, 2), typed(Value::Number(1234.56))),
        ((3, 3), typed(Value::Bool(true))),
        (
            (3, 4),
            Cell {
                note: Some("почему".to_string()),
                ..typed(Value::Number(46_000.0))
            },
        ),
        (
            (4, 1),
            formula("=IFERROR(INDEX(months__revenue;2)/0;\"—\")"),
        ),
        ((4, 2), formula("=SUM(data_months!B2:B4)")),
        (
            (5, 0),
            Cell {
                value: Value::Bool(false),
                ..ruled(Validation::Checkbox)
            },
        ),
        (
            (5, 1),
            ruled(Validation::OneOf(vec![
                "2025".to_string(),
                "2026".to_string(),
            ])),
        ),
        (
            (5, 2),
            ruled(Validation::FromRange("data_months!$A$2:$A$4".to_string())),
        ),
        (
            (5, 3),
            ruled(Validation::NumberAtLeast(0.0, "Не меньше нуля".to_string())),
        ),
        (
            (9, 7),
            Cell {
                format: look,
                ..Cell::default()
            },
        ),
    ];
    report.cells.extend(cells);
    report.conditional = vec![
        Conditional {
            ranges: vec![rect(3, 9, 2, 3), rect(3, 9, 4, 5)],
            formula: "=$C4<0".to_string(),
            format: Format {
                color: Some(Color(200, 0, 0)),
                bold: true,
                ..Format::default()
            },
        },
        Conditional {
            ranges: vec![rect(3, 9, 2, 3)],
            formula: "=AND($C4>0;$D4)".to_string(),
            format: Format {
                background: Some(Color(220, 255, 220)),
                italic: true,
                ..Format::default()
            },
        },
    ];
    report.protections = vec![Protection {
        id: 0,
        rect: Some(rect(0, 3, 0, 12)),
        description: "header".to_string(),
        warning_only: true,
    }];
    let column = |column| Area {
        tab: 202,
        rect: rect(0, 4, column, column + 1),
    };
    let series = |at, kind, dashed, points| Series {
        values: column(at),
        kind,
        color: Color(31, 119, 180),
        dashed,
        thin: dashed,
        points,
    };
    let chart = Chart {
        id: 9001,
        kind: ChartKind::Combo,
        title: "Выручка".to_string(),
        subtitle: "факт и план".to_string(),
        categories: column(0),
        series: vec![
            series(1, SeriesKind::Column, false, false),
            series(2, SeriesKind::Line, true, true),
        ],
        axis_format: String::new(),
        anchor: (10, 1),
        offset: (5, 7),
        size: (640, 320),
    };
    let bars = Chart {
        id: 9002,
        kind: ChartKind::Bar,
        series: vec![series(1, SeriesKind::Column, false, false)],
        anchor: (30, 0),
        offset: (0, 0),
        ..chart.clone()
    };
    report.charts = vec![chart, bars];
    let mut data = Tab {
        id: 202,
        title: "data_months".to_string(),
        rows: 30,
        columns: 4,
        hidden: true,
        protections: vec![Protection {
            id: 0,
            rect: None,
            description: "planfact data".to_string(),
            warning_only: false,
        }],
        ..Tab::default()
    };
    for (row, line) in [
        ("key", "revenue", "plan"),
        ("2026-01", "1", "2"),
        ("2026-02", "3", "4"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = u32::try_from(row).unwrap();
        let cell = |text: &str| match text.parse::<f64>() {
            Ok(number) => typed(Value::Number(number)),
            Err(_) => typed(Value::Text(text.to_string())),
        };
        data.cells.insert((row, 0), text(line.0));
        data.cells.insert((row, 1), cell(line.1));
        data.cells.insert((row, 2), cell(line.2));
    }
    let name = |name: &str, at, rows| NamedRange {
        id: String::new(),
        name: name.to_string(),
        area: Area {
            tab: 202,
            rect: rect(rows, 4, at, at + 1),
        },
    };
    Workbook {
        title: "Отчёт «Ромашка»".to_string(),
        locale: "ru_RU".to_string(),
        time_zone: "Europe/Moscow".to_string(),
        tabs: vec![report, data],
        names: vec![
            name("months__key", 0, 0),
            name("months__revenue", 1, 0),
            name("months__plan_revenue", 2, 0),
        ],
    }
}

/// What publishing adds by its nature: ids of names, values of formulas; lists without an order
/// sorted.
fn as_template(mut book: Workbook) -> Workbook {
    for name in &mut book.names {
        name.id.clear();
    }
    book.names.sort_by(|a, b| a.name.cmp(&b.name));
    for tab in &mut book.tabs {
        tab.charts.sort_by_key(|chart| chart.id);
        for protection in &mut tab.protections {
            protection.id = 0;
        }
        for cell in tab.cells.values_mut().filter(|cell| cell.formula.is_some()) {
            cell.value = Value::Blank;
        }
    }
    book
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_workbook_reads_back_as_it_was() {
    let sim = Sim::new().await;
    let book = rich();
    let file = sim
        .google
        .publish_workbook(&book, Some(&sim.folder), &[("kind", "r")])
        .await
        .unwrap();
    assert_eq!(file.name, book.title);
    assert_eq!(file.parents, std::slice::from_ref(&sim.folder));
    let read = sim.google.read_workbook(&file.id).await.unwrap();
    let shown = &read.tabs[0].cells[&(4, 2)].value;
    assert_eq!(*shown, Value::Number(4.0), "formulas are computed");
    let (read, wanted) = (as_template(read), as_template(book));
    for (read, wanted) in read.tabs.iter().zip(&wanted.tabs) {
        for (at, cell) in &wanted.cells {
            assert_eq!(read.cells.get(at), Some(cell), "{} {at:?}", wanted.title);
        }
        assert_eq!(read, wanted);
    }
    assert_eq!(read, wanted);
    let found = sim
        .google
        .find(&[("kind", "r")], Some(&sim.folder))
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|file| &file.id).collect::<Vec<_>>(),
        [&file.id]
    );
    assert_eq!(
        found[0].properties,
        [("kind".to_string(), "r".to_string())].into()
    );
    let writes = sim.count("sheets.spreadsheets.batchUpdate");
    assert_eq!(writes, 1, "one atomic batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_keeps_tabs_names_and_charts() {
    let sim = Sim::new().await;
    let book = rich();
    let file = sim
        .google
        .publish_workbook(&book, Some(&sim.folder), &[("kind", "t")])
        .await
        .unwrap();
    let copy = sim
        .google
        .copy(&file.id, "Копия", Some(&sim.folder), &[("kind", "c")])
        .await
        .unwrap();
    assert_eq!(copy.properties["kind"], "c");
    let mut read = as_template(sim.google.read_workbook(&copy.id).await.unwrap());
    assert_eq!(read.title, "Копия");
    read.title.clone_from(&book.title);
    assert_eq!(read, as_template(book));
    assert_eq!(
        sim.google.find(&[("kind", "c")], None).await.unwrap().len(),
        1
    );
    assert_eq!(sim.google.file(&copy.id).await.unwrap().name, "Копия");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_observed_and_edits_applied_as_one() {
    let sim = Sim::new().await;
    let file = sim
        .google
        .publish_workbook(&rich(), Some(&sim.folder), &[])
        .await
        .unwrap()
        .id;
    let asked = ["months__revenue", "no_such_name", "months__key"];
    let seen = sim.google.observe(&file, &asked).await.unwrap();
    assert_eq!(seen.blocks.len(), 2);
    let block = &seen.blocks["months__revenue"];
    assert_eq!((block.tab, block.row, block.column), (202, 0, 1));
    assert_eq!(block.values[1], [Value::Number(1.0)]);
    let name = seen
        .names
        .iter()
        .find(|name| name.name == "months__key")
        .unwrap()
        .clone();

    let mut moved = name.clone();
    moved.area.rect.row_end = 20;
    let at = Area {
        tab: 202,
        rect: Rect {
            row_start: 1,
            row_end: 2,
            column_start: 1,
            column_end: 2,
        },
    };
    let added = Tab {
        id: 303,
        title: "data_new".to_string(),
        rows: 5,
        columns: 2,
        ..Tab::default()
    };
    let rule = rich().tabs[0].conditional[0].clone();
    let chart = Box::new(Chart {
        id: 9100,
        anchor: (0, 1),
        ..rich().tabs[0].charts[0].clone()
    });
    let edits = [
        Edit::InsertRows {
            tab: 202,
            row: 2,
            count: 2,
        },
        Edit::Write {
            tab: 202,
            row: 2,
            column: 0,
            values: vec![
                vec![Value::Text("=new".to_string()), Value::Number(0.1)],
                vec![Value::Bool(true), Value::Blank],
            ],
        },
        Edit::SetName(moved),
        Edit::SetNote {
            at,
            note: Some("проверено".to_string()),
        },
        Edit::AddTab(Box::new(added.clone())),
        Edit::SetName(NamedRange {
            id: String::new(),
            name: "fresh".to_string(),
            area: name.area,
        }),
        Edit::AddChart { tab: 303, chart },
        Edit::AddProtection {
            tab: 303,
            protection: rich().tabs[1].protections[0].clone(),
        },
        Edit::AddConditional {
            tab: 101,
            conditional: rule.clone(),
        },
    ];
    let applied = sim.google.apply(&file, &edits).await.unwrap();
    assert_eq!((applied.cells, applied.requests), (4, 1));
    let read = sim.google.read_workbook(&file).await.unwrap();
    let data = &read.tabs[1];
    assert_eq!(data.rows, 32);
    assert_eq!(data.cells[&(2, 0)].value, Value::Text("=new".to_string()));
    assert_eq!(data.cells[&(2, 1)].value, Value::Number(0.1));
    assert_eq!(data.cells[&(3, 0)].value, Value::Bool(true));
    assert_eq!(
        data.cells
            .get(&(3, 1))
            .map_or(Value::Blank, |cell| cell.value.clone()),
        Value::Blank
    );
    assert_eq!(
        data.cells[&(4, 0)].value,
        Value::Text("2026-02".to_string())
    );
    assert_eq!(data.cells[&(1, 1)].note.as_deref(), Some("проверено"));
    assert_eq!(read.tabs[0].conditional.len(), 3);
    assert_eq!(read.tabs[0].conditional[2], rule);
    assert_eq!(read.tabs[2].title, added.title);
    assert_eq!(
        (read.tabs[2].charts.len(), read.tabs[2].protections.len()),
        (1, 1)
    );
    let named = |name: &str| read.names.iter().find(|have| have.name == name).unwrap();
    assert_eq!(named("months__key").area.rect.row_end, 20);
    assert_eq!(
        named("months__revenue").area.rect.row_end,
        6,
        "it grew with the rows"
    );
    assert!(!named("fresh").id.is_empty());

    let wrong = [
        Edit::Write {
            tab: 202,
            row: 0,
            column: 0,
            values: vec![vec![Value::Number(9.0)]],
        },
        Edit::DeleteRows {
            tab: 777,
            row: 0,
            count: 1,
        },
    ];
    let error = sim.google.apply(&file, &wrong).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    let seen = sim.google.observe(&file, &["months__key"]).await.unwrap();
    assert_eq!(
        seen.blocks["months__key"].values[0],
        [Value::Text("key".to_string())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_and_people_added_once() {
    let sim = Sim::new().await;
    let token = sim.google.start_page_token().await.unwrap();
    let file = sim
        .google
        .publish_workbook(&rich(), Some(&sim.folder), &[])
        .await
        .unwrap();
    let changes = sim.google.changes(&token).await.unwrap();
    let mine = changes
        .files
        .iter()
        .find(|changed| changed.id == file.id)
        .unwrap();
    assert!(mine.by_me && !mine.removed && mine.version.is_some() && mine.modified.is_some());
    assert!(
        sim.google
            .changes(&changes.next_token)
            .await
            .unwrap()
            .files
            .is_empty()
    );
    let edit = Edit::Write {
        tab: 202,
        row: 1,
        column: 1,
        values: vec![vec![Value::Number(5.0)]],
    };
    sim.google.apply(&file.id, &[edit]).await.unwrap();
    let later = sim.google.changes(&changes.next_token).await.unwrap();
    assert_eq!(later.files.len(), 1);
    assert!(later.files[0].version > mine.version);

    let grants = [
        Grant {
            email: "boss@example.com".to_string(),
            role: Role::Writer,
        },
        Grant {
            email: "seller@example.com".to_string(),
            role: Role::Reader,
        },
    ];
    assert_eq!(sim.google.share(&file.id, &grants).await.unwrap(), 2);
    assert_eq!(sim.google.share(&file.id, &grants).await.unwrap(), 0);
    let error = sim.google.file("no-such-file").await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound, "{error}");
}
