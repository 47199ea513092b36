//! Signing in as an application, against a small authorisation server.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{QUICK, data};
use crate::bitrix24::error::Kind;
use crate::bitrix24::{Application, Options, Portal, Secret};

/// An authorisation server and a portal in one: the tokens in force, and what was asked.
struct Server {
    access: String,
    refresh: String,
    issued: u32,
    member: &'static str,
    /// Set when the server refuses with this code.
    refuses: Option<&'static str>,
    /// What stood in the file of tokens when each renewed token was used first.
    used: Vec<String>,
}

impl Server {
    fn token(&mut self, request: &Request, root: &str) -> ResponseTemplate {
        let query: std::collections::HashMap<_, _> =
            request.url.query_pairs().into_owned().collect();
        if let Some(code) = self.refuses {
            return data(
                400,
                &json!({"error": code, "error_description": "no s3cr3t-refresh-0"}),
            );
        }
        let good = query.get("client_id").map(String::as_str) == Some("local.1")
            && query.get("client_secret").map(String::as_str) == Some("client-s3cr3t");
        let granted = match query.get("grant_type").map(String::as_str) {
            Some("authorization_code") => query.get("code").map(String::as_str) == Some("c0de"),
            Some("refresh_token") => query.get("refresh_token") == Some(&self.refresh),
            _ => false,
        };
        if !good || !granted {
            return data(
                400,
                &json!({"error": "invalid_grant", "error_description": "spent"}),
            );
        }
        self.issued += 1;
        self.access = format!("s3cr3t-access-{}", self.issued);
        self.refresh = format!("s3cr3t-refresh-{}", self.issued);
        let body = json!({
            "access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600,
            "client_endpoint": format!("{root}/rest/"), "member_id": self.member,
            "scope": "crm,user", "status": "L", "user_id": 1, "domain": "oauth.example"
        });
        data(200, &body)
    }

    fn call(&mut self, request: &Request, file: &PathBuf) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap_or_default();
        if body["auth"] != json!(self.access) {
            let error = json!({"error": "expired_token",
                "error_description": "The access token provided has expired."});
            return data(401, &error);
        }
        self.used
            .push(std::fs::read_to_string(file).unwrap_or_default());
        data(200, &json!({"result": {"ID": "1", "ADMIN": true}}))
    }
}

struct Scene {
    _server: MockServer,
    state: Arc<Mutex<Server>>,
    application: Application,
    _folder: tempfile::TempDir,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.json");
    let server = MockServer::start().await;
    let state = Arc::new(Mutex::new(Server {
        access: "s3cr3t-access-0".to_owned(),
        refresh: "s3cr3t-refresh-0".to_owned(),
        issued: 0,
        member: "m1",
        refuses: None,
        used: Vec::new(),
    }));
    let (asked, root) = (Arc::clone(&state), server.uri());
    Mock::given(method("GET"))
        .and(path("/oauth/token/"))
        .respond_with(move |r: &Request| asked.lock().expect("a server").token(r, &root))
        .mount(&server)
        .await;
    let (called, kept) = (Arc::clone(&state), file.clone());
    Mock::given(method("POST"))
        .and(path("/rest/profile"))
        .respond_with(move |r: &Request| called.lock().expect("a server").call(r, &kept))
        .mount(&server)
        .await;
    let root = Url::parse(&format!("{}/", server.uri())).expect("an address");
    Scene {
        application: Application {
            portal: root.clone(),
            client_id: "local.1".to_owned(),
            client_secret: Secret::new("client-s3cr3t"),
            token_file: file,
            server: root,
            ca_file: None,
        },
        _server: server,
        state,
        _folder: folder,
    }
}

impl Scene {
    fn portal(&self) -> Portal {
        let options = Options {
            application: Some(self.application.clone()),
            ..Options::default()
        };
        Portal::new(&options).expect("a portal").with_policy(QUICK)
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.state.lock().expect("a server")
    }

    fn expire(&self) {
        self.server().access = "other".to_owned();
    }
}

#[tokio::test]
async fn a_code_becomes_tokens_that_only_their_owner_may_read() {
    let scene = scene().await;
    let consent = scene.application.consent_url("st4te").expect("an address");
    assert!(
        consent
            .as_str()
            .ends_with("/oauth/authorize/?client_id=local.1&state=st4te")
    );
    for (pasted, code) in [
        ("c0de", Ok("c0de")),
        (
            " https://app.example/?code=c0de&state=st4te&domain=x ",
            Ok("c0de"),
        ),
        ("https://app.example/?code=c0de&state=other", Err("STATE")),
        (
            "https://app.example/?error=access_denied&state=st4te",
            Err("access_denied"),
        ),
        ("https://app.example/", Err("NO_CODE")),
        ("", Err("NO_CODE")),
    ] {
        let read = Application::code_of(pasted, "st4te");
        let read = read
            .as_ref()
            .map(Secret::expose)
            .map_err(|error| error.code.as_str());
        assert_eq!(read, code, "{pasted}");
    }
    let tokens = scene
        .application
        .sign_in(&Secret::new("c0de"))
        .await
        .expect("signed in");
    assert_eq!(tokens.member_id(), "m1");
    assert!(!format!("{tokens:?} {:?}", scene.application).contains("s3cr3t"));
    let file = &scene.application.token_file;
    let mode = std::fs::metadata(file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let portal = scene.portal();
    portal.call("profile", &json!({})).await.expect("called");
    assert_eq!((portal.requests_total(), scene.server().issued), (1, 1));
    let error = scene
        .application
        .sign_in(&Secret::new("sp3nt"))
        .await
        .expect_err("spent");
    assert_eq!(
        (error.kind, error.code.as_str()),
        (Kind::NeedsHuman, "invalid_grant")
    );
}

#[tokio::test]
async fn tokens_are_renewed_when_they_have_expired_once_for_all_and_kept_before_they_are_used() {
    let scene = scene().await;
    scene
        .application
        .sign_in(&Secret::new("c0de"))
        .await
        .expect("signed in");
    let portal = scene.portal();
    for _ in 0..3 {
        portal.call("profile", &json!({})).await.expect("called");
    }
    assert_eq!(scene.server().issued, 1, "never renewed on a timer");
    scene.expire();
    let none = json!({});
    let calls = (0..8).map(|_| portal.call("profile", &none));
    for result in futures::future::join_all(calls).await {
        result.expect("called");
    }
    let server = scene.server();
    assert_eq!(
        server.issued, 2,
        "one renewal for eight that found the pair expired"
    );
    let last = server.used.last().expect("used");
    assert!(last.contains("s3cr3t-refresh-2") && last.contains("s3cr3t-access-2"));
    assert!(
        server.used[3..]
            .iter()
            .all(|kept| kept.contains("s3cr3t-refresh-2"))
    );
}

#[tokio::test]
async fn a_renewal_that_cannot_be_kept_is_not_used() {
    let scene = scene().await;
    scene
        .application
        .sign_in(&Secret::new("c0de"))
        .await
        .expect("signed in");
    let portal = scene.portal();
    scene.expire();
    // A folder stands where the new pair would be written.
    let mut beside = scene.application.token_file.clone().into_os_string();
    beside.push(".new");
    std::fs::create_dir(&beside).expect("a folder");
    let error = portal
        .call("profile", &json!({}))
        .await
        .expect_err("not kept");
    assert_eq!(
        (error.kind, error.code.as_str()),
        (Kind::NeedsHuman, "TOKEN_FILE")
    );
    assert_eq!(scene.server().used.len(), 0);
}

#[tokio::test]
async fn a_refused_renewal_needs_a_human_and_shows_no_secret() {
    for (code, remedy) in [
        ("invalid_grant", "sign in again"),
        ("invalid_client", "client_secret"),
        ("PAYMENT_REQUIRED", "renew"),
    ] {
        let scene = scene().await;
        scene
            .application
            .sign_in(&Secret::new("c0de"))
            .await
            .expect("signed in");
        let portal = scene.portal();
        scene.expire();
        scene.server().refuses = Some(code);
        scene.server().refresh = "s3cr3t-refresh-0".to_owned();
        let error = portal
            .call("profile", &json!({}))
            .await
            .expect_err("refused");
        assert_eq!(
            (&error.kind, error.code.as_str()),
            (&Kind::NeedsHuman, code)
        );
        assert!(error.remedy().contains(remedy), "{error}");
        assert_eq!(portal.requests_total(), 1);
    }
}

#[tokio::test]
async fn tokens_of_another_portal_are_refused() {
    let scene = scene().await;
    scene
        .application
        .sign_in(&Secret::new("c0de"))
        .await
        .expect("signed in");
    let portal = scene.portal();
    scene.expire();
    scene.server().member = "m2";
    let error = portal
        .call("profile", &json!({}))
        .await
        .expect_err("another");
    assert_eq!(error.code, "OTHER_PORTAL");
}

#[tokio::test]
async fn nobody_signed_in_is_told_how() {
    let scene = scene().await;
    let options = Options {
        application: Some(scene.application.clone()),
        ..Options::default()
    };
    let error = Portal::new(&options).expect_err("nobody");
    assert_eq!(
        (error.kind.clone(), error.code.as_str()),
        (Kind::NeedsHuman, "NOT_SIGNED_IN")
    );
    assert!(error.remedy().contains("--sign-in"));
}
