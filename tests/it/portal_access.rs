//! Signing an application in and forgetting a company, with the real binary.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::world::{AS_OF, World};

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
