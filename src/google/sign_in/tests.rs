//! Sign-in against a token endpoint that answers as told: causes, rotation, delegation, devices.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

/// A clock that stands still.
struct Still(DateTime<Utc>);

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// The day of these tests.
fn today() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A key that was made for this run; it belongs to nobody.
async fn private_key() -> String {
    static KEY: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let make = || async {
        let options = planfact_sim::google::Options::default();
        let sim = planfact_sim::google::Google::start(options).await.unwrap();
        sim.credentials["private_key"].as_str().unwrap().to_string()
    };
    KEY.get_or_init(make).await.clone()
}

struct Scene {
    server: MockServer,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Scene {
        Scene {
            server: MockServer::start().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn token_uri(&self) -> String {
        format!("{}/token", self.server.uri())
    }

    async fn answer(&self, at: &str, times: Option<u64>, status: u16, body: Value) {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        let date = today().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mock = Mock::given(path(at)).respond_with(answer.insert_header("Date", date));
        match times {
            Some(times) => mock.up_to_n_times(times).with_priority(1),
            None => mock.with_priority(9),
        }
        .mount(&self.server)
        .await;
    }

    async fn service(&self) -> PathBuf {
        let key = json!({"type": "service_account", "client_email": "robot@x.iam",
            "private_key": private_key().await, "private_key_id": "k1", "token_uri": self.token_uri()});
        std::fs::write(self.path("key.json"), key.to_string()).unwrap();
        self.path("key.json")
    }

    fn user(&self, more: &Value) -> PathBuf {
        let mut user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
            "refresh_token": "R-old", "token_uri": self.token_uri()});
        for (key, value) in more.as_object().unwrap() {
            user[key] = value.clone();
        }
        std::fs::write(self.path("user.json"), user.to_string()).unwrap();
        self.path("user.json")
    }

    /// A client's file for the dialogues.
    fn client(&self) -> PathBuf {
        let client = json!({"installed": {"client_id": "c", "client_secret": "s",
            "token_uri": self.token_uri()}});
        std::fs::write(self.path("client.json"), client.to_string()).unwrap();
        self.path("client.json")
    }

    async fn forms(&self, at: &str) -> Vec<HashMap<String, String>> {
        let all = self.server.received_requests().await.unwrap();
        let form = |request: &Request| {
            url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect()
        };
        all.iter()
            .filter(|request| request.url.path() == at)
            .map(form)
            .collect()
    }
}

fn sign_in(file: &Path, subject: Option<&str>, now: DateTime<Utc>) -> SignIn {
    let connector = transport::connector().unwrap();
    SignIn::new(
        file,
        subject,
        &connector,
        Box::new(Still(now)),
        Counted::default(),
    )
    .unwrap()
}

fn granted(more: &Value) -> Value {
    let mut tokens = json!({"access_token": "T", "expires_in": 3600, "token_type": "Bearer"});
    for (key, value) in more.as_object().unwrap() {
        tokens[key] = value.clone();
    }
    tokens
}

/// The claims of the assertion that was posted.
async fn claims(scene: &Scene) -> Value {
    let forms = scene.forms("/token").await;
    let part = forms[0]["assertion"].split('.').nth(1).unwrap().to_string();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_service_account_asks_for_itself_or_for_a_person() {
    for subject in [None, Some("boss@x.ru")] {
        let scene = Scene::new().await;
        scene.answer("/token", None, 200, granted(&json!({}))).await;
        let signed = sign_in(&scene.service().await, subject, today());
        assert_eq!(signed.token().await.unwrap(), "T");
        let claims = claims(&scene).await;
        assert_eq!(claims["sub"].as_str(), subject);
        assert_eq!(claims["iss"], "robot@x.iam");
        assert_eq!(claims["iat"], today().timestamp() - 10, "dated back");
        assert_eq!(claims["exp"], today().timestamp() - 10 + 3600);
        assert_eq!(signed.email(), subject.or(Some("robot@x.iam")));
        assert_eq!(signed.is_without_storage(), subject.is_none());
        assert_eq!(signed.0.counted.lock().unwrap()[TOKEN_ID], 1);
    }
    let scene = Scene::new().await;
    let file = scene.user(&json!({}));
    let wrong = credentials::read(&file, Some("boss@x.ru")).err().unwrap();
    assert_eq!(wrong.reason, "unknown_credentials");
}

#[tokio::test]
async fn the_same_refusal_has_several_causes() {
    let day = TimeDelta::days(1);
    let consented = |days: i32| json!({"consented_at": (today() - day * days).to_rfc3339()});
    // Who, in whose name, how far the clock is ahead, word → what is told.
    let service = |ahead: i64, subject: Option<&'static str>, word: &'static str| {
        (None, subject, ahead, word)
    };
    let user = |more: Value| (Some(more), None, 0, "invalid_grant");
    let cases = [
        (service(400, None, "invalid_grant"), "400 s ahead"),
        (
            service(-400, Some("b@x.ru"), "invalid_grant"),
            "400 s behind",
        ),
        (service(30, None, "invalid_grant"), "new key"),
        (
            service(0, Some("b@x.ru"), "invalid_grant"),
            "b@x.ru must be a living account",
        ),
        (
            service(0, Some("b@x.ru"), "unauthorized_client"),
            "Domain-wide delegation",
        ),
        (
            service(0, None, "unauthorized_client"),
            "OAuth client or key",
        ),
        (user(json!({})), "7 days"),
        (user(consented(3)), "revoked by the person"),
        (user(consented(7)), "Publish it (Google Auth Platform"),
        (user(consented(60)), "revoked by the person"),
    ];
    for ((user, subject, ahead, word), remedy) in cases {
        let scene = Scene::new().await;
        // The sentence says nothing: it is localised, and differs from year to year.
        let body = json!({"error": word, "error_description": "Petición incorrecta"});
        scene.answer("/token", None, 400, body).await;
        let file = match &user {
            Some(more) => scene.user(more),
            None => scene.service().await,
        };
        let signed = sign_in(&file, subject, today() + TimeDelta::seconds(ahead));
        let error = signed.token().await.unwrap_err();
        assert_eq!((error.kind, error.reason.as_str()), (Kind::SignIn, word));
        assert!(
            error.remedy().contains(remedy),
            "{remedy}: {}",
            error.remedy()
        );
        let mut settled = error.clone();
        settled.settle(false);
        assert!(!settled.again, "no storm");
    }
}

#[tokio::test]
async fn a_replaced_refresh_token_is_kept_before_it_is_used() {
    let scene = Scene::new().await;
    let rotated = granted(&json!({"refresh_token": "R-new", "expires_in": 0}));
    scene.answer("/token", Some(1), 200, rotated).await;
    scene.answer("/token", None, 200, granted(&json!({}))).await;
    let file = scene.user(&json!({"quota_project_id": "p"}));
    // Whoever made the file gave it wide rights.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let signed = sign_in(&file, None, today());
    signed.token().await.unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept["refresh_token"], "R-new");
    assert_eq!(kept["quota_project_id"], "p", "what others wrote stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    signed.token().await.unwrap();
    let sent: Vec<String> = scene
        .forms("/token")
        .await
        .into_iter()
        .map(|form| form["refresh_token"].clone())
        .collect();
    assert_eq!(sent, ["R-old", "R-new"]);
}

#[tokio::test]
async fn a_refresh_token_that_cannot_be_kept_stops_and_is_not_lost() {
    let scene = Scene::new().await;
    let rotated = granted(&json!({"refresh_token": "R-new"}));
    scene.answer("/token", None, 200, rotated).await;
    let file = scene.user(&json!({}));
    let signed = sign_in(&file, None, today());
    // The place of the new file is taken by a folder.
    let beside = scene.path("user.json.new");
    std::fs::create_dir(&beside).unwrap();
    let error = signed.token().await.unwrap_err();
    assert_eq!(error.reason, "unwritable_credentials");
    assert!(error.remedy().contains("writable"));
    assert!(!format!("{error:?}").contains("R-new"));
    std::fs::remove_dir(&beside).unwrap();
    assert_eq!(signed.token().await.unwrap(), "T");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("R-new"));
    assert_eq!(scene.forms("/token").await[1]["refresh_token"], "R-new");
}

/// The device flow with no waits but those that are counted.
async fn device(scene: &Scene) -> (Result<(), GoogleError>, Vec<DevicePrompt>) {
    let shown = Shared::new(Vec::new());
    let http = transport::token_client(&transport::connector().unwrap());
    let show = |prompt: &DevicePrompt| shown.lock().unwrap().push(prompt.clone());
    let (client, kept) = (scene.client(), scene.path("kept.json"));
    let slower = Duration::from_millis(1);
    let done = consent::by_device(&http, &client, &kept, show, slower).await;
    (done, shown.into_inner().unwrap())
}

fn device_code() -> Value {
    json!({"device_code": "D-secret", "user_code": "GQVQ-JKEC", "expires_in": 1800,
        "verification_url": "https://www.google.com/device", "interval": 0})
}

#[tokio::test]
async fn a_person_consents_by_a_code_on_another_device() {
    let scene = Scene::new().await;
    scene.answer("/device/code", None, 200, device_code()).await;
    // Not yet, too fast, ill for the moment, then the consent: RFC 8628 §3.5, Google's statuses.
    let pending = json!({"error": "authorization_pending", "error_description": "Precondition"});
    scene.answer("/token", Some(2), 428, pending).await;
    scene
        .answer("/token", Some(1), 403, json!({"error": "slow_down"}))
        .await;
    scene.answer("/token", Some(1), 502, json!({})).await;
    let scope = "https://www.googleapis.com/auth/drive.file";
    let tokens = granted(&json!({"refresh_token": "R-device", "scope": scope}));
    scene.answer("/token", None, 200, tokens).await;
    let (done, shown) = device(&scene).await;
    done.unwrap();
    let prompt = DevicePrompt {
        url: "https://www.google.com/device".to_string(),
        code: "GQVQ-JKEC".to_string(),
        seconds: 1800,
    };
    assert_eq!(shown, [prompt]);
    let asked = &scene.forms("/device/code").await[0];
    assert_eq!(
        (asked["client_id"].as_str(), asked["scope"].as_str()),
        ("c", scope)
    );
    let polls = scene.forms("/token").await;
    assert_eq!(polls.len(), 5);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    assert!(
        polls
            .iter()
            .all(|form| form["grant_type"] == grant && form["device_code"] == "D-secret")
    );
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(scene.path("kept.json")).unwrap()).unwrap();
    assert_eq!(kept["refresh_token"], "R-device");
    assert_eq!(kept["type"], "authorized_user");
    assert!(kept["consented_at"].is_string());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(scene.path("kept.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_device_that_gets_no_consent_says_why() {
    let cases = [
        (403, "access_denied", "agree in time"),
        (400, "expired_token", "agree in time"),
        (401, "invalid_client", "OAuth client"),
        (400, "invalid_grant", "sign in again"),
    ];
    for (status, word, remedy) in cases {
        let scene = Scene::new().await;
        scene.answer("/device/code", None, 200, device_code()).await;
        scene
            .answer("/token", None, status, json!({"error": word}))
            .await;
        let (done, _) = device(&scene).await;
        let error = done.unwrap_err();
        assert_eq!((error.kind, error.reason.as_str()), (Kind::SignIn, word));
        assert!(
            error.remedy().contains(remedy),
            "{word}: {}",
            error.remedy()
        );
        assert!(!format!("{error:?}").contains("D-secret"));
        assert!(!scene.path("kept.json").exists());
    }
    // The code runs out while nobody types it.
    let scene = Scene::new().await;
    let mut brief = device_code();
    brief["expires_in"] = json!(0);
    scene.answer("/device/code", None, 200, brief).await;
    scene
        .answer(
            "/token",
            None,
            428,
            json!({"error": "authorization_pending"}),
        )
        .await;
    assert_eq!(device(&scene).await.0.unwrap_err().reason, "expired_token");
    // The client is not of that kind, or asks for more than this flow may have.
    let scene = Scene::new().await;
    scene
        .answer(
            "/device/code",
            None,
            401,
            json!({"error": "invalid_client"}),
        )
        .await;
    assert_eq!(device(&scene).await.0.unwrap_err().reason, "invalid_client");
    // An answer without its parts is no prompt.
    let scene = Scene::new().await;
    scene
        .answer("/device/code", None, 200, json!({"device_code": "D"}))
        .await;
    assert_eq!(device(&scene).await.0.unwrap_err().kind, Kind::Unreadable);
}

#[tokio::test]
async fn a_consent_without_all_boxes_is_not_kept() {
    let scene = Scene::new().await;
    scene.answer("/device/code", None, 200, device_code()).await;
    let tokens = granted(&json!({"refresh_token": "R", "scope": "openid"}));
    scene.answer("/token", None, 200, tokens).await;
    let error = device(&scene).await.0.unwrap_err();
    assert_eq!(error.reason, "insufficient_scope");
    assert!(error.remedy().contains("tick every box"));
    let scene = Scene::new().await;
    scene.answer("/device/code", None, 200, device_code()).await;
    Mock::given(body_string_contains("device_code"))
        .respond_with(ResponseTemplate::new(200).set_body_json(granted(&json!({}))))
        .mount(&scene.server)
        .await;
    let error = device(&scene).await.0.unwrap_err();
    assert!(error.message.contains("no refresh token"));
    assert!(!scene.path("kept.json").exists());
}
