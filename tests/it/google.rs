//! The Google client against single faults and against the simulator.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use planfact::clock::{Clock, System};
use planfact::google::{Google, GoogleError, Grant, Kind, Options, Role, sign_in_interactively};
use planfact::retry::Policy;
use planfact::sheet::edit::Edit;
use planfact::sheet::workbook::{Tab, Value, Workbook};
use serde_json::{Value as Json, json};
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Tries as in production, without its waits.
const HASTY: Policy = Policy {
    attempts_max: 4,
    first_delay: Duration::from_millis(1),
    delay_max: Duration::from_millis(2),
    total_max: Duration::from_secs(30),
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
            endpoint: Some(server.uri().parse().unwrap()),
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
        [("drive.files.get".to_string(), 10)]
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

/// A browser that consents: it follows the address to where the consent leads back.
fn consent(url: &str) {
    let url: url::Url = url.parse().unwrap();
    let asked: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(asked["access_type"], "offline");
    assert!(asked["scope"].contains("spreadsheets") && asked["scope"].contains("auth/drive"));
    let back: url::Url = asked["redirect_uri"].parse().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let at = (back.host_str().unwrap().to_string(), back.port().unwrap());
        let mut stream = std::net::TcpStream::connect(at).unwrap();
        write!(
            stream,
            "GET /?code=the-code HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        .unwrap();
        let _ = stream.read(&mut [0; 1024]);
    });
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
    let (client, kept) = (
        folder.path().join("client.json"),
        folder.path().join("user.json"),
    );
    let token_uri = format!("{}/token", faulty.server.uri());
    let secret = json!({"installed": {"client_id": "c", "client_secret": "s",
        "auth_uri": format!("{}/auth", faulty.server.uri()), "token_uri": token_uri,
        "redirect_uris": ["http://localhost"]}});
    std::fs::write(&client, secret.to_string()).unwrap();
    sign_in_interactively(&client, &kept, consent)
        .await
        .unwrap();
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
    })
    .unwrap();
    assert_eq!(google.account(), "OAuth user");
    assert_eq!(google.file("F").await.unwrap().id, "F");
}
