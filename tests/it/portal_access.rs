//! Signing an application in and forgetting a company, with the real binary.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use planfact_sim::portal;

use crate::world::{AS_OF, USERS, World, company};

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_company_is_gone_and_its_spreadsheets_stay() {
    let world = World::small().await;
    world.configure("calm.toml", "calm", "");
    world
        .json(&["-c", "calm.toml", "refresh", "--as-of", AS_OF])
        .await;
    let written = world.google_seen();
    // Nobody is forgotten by accident.
    for arguments in [
        &["-c", "calm.toml", "forget", "--yes"][..],
        &["-c", "calm.toml", "forget", "--company", "calm"],
    ] {
        let output = world.run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let forget = ["-c", "calm.toml", "forget", "--company", "calm", "--yes"];
    assert_eq!(
        world.json(&forget).await,
        json!({"company": "calm", "forgotten": true})
    );
    assert_eq!(
        world.json(&forget).await,
        json!({"company": "calm", "forgotten": false})
    );
    assert_eq!(world.google_seen(), written);
    let bytes = std::fs::read(world.folder.path().join("calm.db")).unwrap();
    let name = "Иванова".as_bytes();
    assert!(
        !bytes.windows(name.len()).any(|part| part == name),
        "a name is left in the file"
    );
    // Whoever comes back begins anew and finds his files.
    let again = world
        .json(&["-c", "calm.toml", "refresh", "--as-of", AS_OF])
        .await;
    assert_eq!(again[0]["leads_pulled"], 5, "{again}");
    assert_eq!(again[0]["copied"], json!([]), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_signed_in_by_pasting_the_answer() {
    let server = MockServer::start().await;
    let tokens = json!({
        "access_token": "s3cr3t-access", "refresh_token": "s3cr3t-refresh", "member_id": "m1",
        "client_endpoint": format!("{}/rest/", server.uri()), "scope": "crm"
    });
    Mock::given(method("GET"))
        .and(path("/oauth/token/"))
        .and(query_param("grant_type", "authorization_code"))
        .and(query_param("code", "c0de"))
        .and(query_param("client_secret", "client-s3cr3t"))
        .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
        .mount(&server)
        .await;
    let world = World::small().await;
    world.configure("app.toml", "app", "");
    let file = world.folder.path().join("app.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("webhook_url = ").unwrap();
    let rest = after.split_once('\n').unwrap().1;
    let root = server.uri();
    let application = format!(
        "portal = \"{root}\"\noauth_server = \"{root}\"\nclient_id = \"local.1\"\n\
         client_secret = \"client-s3cr3t\"\n"
    );
    std::fs::write(&file, format!("{before}{application}{rest}")).unwrap();

    // Until somebody has agreed, that is what has to be done.
    let output = world
        .run(&["-c", "app.toml", "refresh", "--as-of", AS_OF])
        .await;
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--sign-in"));

    let mut command = world.command(&["-c", "app.toml", "init", "--sign-in", "--json"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"c0de\n").unwrap();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{err}");
    assert!(
        err.contains("/oauth/authorize/?client_id=local.1&state="),
        "{err}"
    );
    assert!(out.contains("\"member_id\""), "{out}");
    assert!(!format!("{out}{err}").contains("s3cr3t"));
    let kept = world.folder.path().join("app.tokens.json");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        std::fs::read_to_string(&kept)
            .unwrap()
            .contains("s3cr3t-refresh")
    );
}

/// Replaces the webhook in a configuration by other lines.
fn reach(world: &World, file: &str, lines: &str) {
    let file = world.folder.path().join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("webhook_url = ").unwrap();
    let rest = after.split_once('\n').unwrap().1;
    std::fs::write(&file, format!("{before}{lines}\n{rest}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_on_premises_is_trusted_by_the_authority_in_a_named_file_only() {
    let mut world = World::small().await;
    let options = portal::Options {
        plan: portal::Plan::Unlimited,
        tls: Some("127.0.0.1:0".parse().unwrap()),
        ..portal::Options::default()
    };
    let portal = portal::Portal::start(company(USERS, None), options)
        .await
        .unwrap();
    let secured = portal.secured.as_ref().unwrap();
    let webhook = format!("webhook_url = \"{}\"", secured.webhook_url);
    std::fs::write(world.folder.path().join("portal.pem"), &secured.certificate).unwrap();
    world.portal = portal;
    for (file, id, lines) in [
        ("without.toml", "without", webhook.clone()),
        (
            "named.toml",
            "named",
            format!("{webhook}\nca_file = \"portal.pem\""),
        ),
    ] {
        world.configure(file, id, "");
        reach(&world, file, &lines);
    }
    let refresh = |file| ["-c", file, "refresh", "--as-of", AS_OF];
    let output = world.run(&refresh("without.toml")).await;
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{err}");
    assert!(err.contains("ca_file"), "the remedy is named: {err}");
    let report = world.json(&refresh("named.toml")).await;
    assert_eq!(report[0]["leads_pulled"], 5, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_works_on_when_its_tokens_expire_and_stops_when_they_are_withdrawn() {
    let world = World::small().await;
    let application = world.portal.application();
    let root = world.portal.base.clone();
    let lines = format!(
        "portal = \"{root}\"\noauth_server = \"{root}\"\nclient_id = {}\nclient_secret = {}",
        application["client_id"], application["client_secret"]
    );
    reach(&world, "planfact.toml", &lines);
    let door = |body: serde_json::Value| {
        let address = format!("{root}/_sim/oauth");
        async move {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let answer = reqwest::Client::new()
                .post(address)
                .json(&body)
                .send()
                .await;
            let answer: serde_json::Value = answer.unwrap().json().await.unwrap();
            answer["result"].clone()
        }
    };
    let code = door(json!({"code": 1})).await;
    let mut command = world.command(&["init", "--sign-in"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let code = format!("{}\n", code.as_str().unwrap());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(code.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kept = || {
        let file = world.folder.path().join("romashka.tokens.json");
        std::fs::read_to_string(file).unwrap()
    };
    let first = kept();
    assert_eq!(world.refresh().await["leads_pulled"], 5);
    assert_eq!(kept(), first, "a good token is not renewed");

    door(json!({"expire": true})).await;
    assert_eq!(world.refresh().await["leads_pulled"], 0);
    let second = kept();
    assert_ne!(second, first, "the rotated token is kept");
    door(json!({"expire": true})).await;
    world.refresh().await;
    assert_ne!(kept(), second);

    door(json!({"revoke": true})).await;
    let output = world.run(&["refresh", "--as-of", AS_OF]).await;
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{err}");
    assert!(err.contains("--sign-in"), "{err}");
}
