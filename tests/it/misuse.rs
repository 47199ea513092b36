//! Bad input: one clear error with its place and remedy, the exit code of the contract, and
//! nothing written that was right before.

use crate::world::{AS_OF, World};

async fn fails(world: &World, arguments: &[&str], code: i32, words: &[&str]) {
    let output = world.run(arguments).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    for word in words {
        assert!(
            stderr.contains(word),
            "{arguments:?} should say {word:?}: {stderr}"
        );
    }
}

fn change(world: &World, from: &str, to: &str) {
    let path = world.folder.path().join("planfact.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in the configuration");
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_names_the_nearest_known_one() {
    let world = World::small().await;
    change(&world, "currency =", "curency =");
    fails(
        &world,
        &["refresh"],
        2,
        &["planfact.toml", "curency", "currency"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_configuration_is_named() {
    let world = World::small().await;
    fails(
        &world,
        &["-c", "nowhere.toml", "refresh"],
        2,
        &["nowhere.toml", "init"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_credentials_are_named() {
    let world = World::small().await;
    std::fs::write(
        world.folder.path().join("key.json"),
        "{\"type\": \"service_account\"}",
    )
    .unwrap();
    fails(&world, &["refresh"], 4, &["key.json"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_webhook_asks_for_a_human() {
    let world = World::small().await;
    world.json(&["refresh", "--as-of", AS_OF]).await;
    let before = world.tables("planfact.toml").await;
    let secret = world
        .portal
        .webhook_url
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap();
    change(&world, secret, "0000revoked0000");
    fails(&world, &["refresh", "--as-of", AS_OF], 4, &["webhook"]).await;
    let output = world.run(&["refresh", "--as-of", AS_OF]).await;
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("0000revoked0000"),
        "the secret leaks"
    );
    assert_eq!(world.tables("planfact.toml").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_share_a_store() {
    let world = World::small().await;
    let store = planfact::store::Sqlite::open(&world.folder.path().join("romashka.db")).unwrap();
    fails(
        &world,
        &["refresh"],
        4,
        &["romashka.db", "another planfact process"],
    )
    .await;
    drop(store);
    world.json(&["refresh", "--as-of", AS_OF]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_csv_line_has_its_place() {
    let world = World::small().await;
    let data = world.folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(
        data.join("leads.csv"),
        "ID,DATE_CREATE\n1,2026-01-01T10:00:00+03:00\n2,yesterday\n",
    )
    .unwrap();
    fails(
        &world,
        &["demo", "--once", "--data", "data"],
        2,
        &["leads.csv", "3", "DATE_CREATE"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_without_its_tables_is_refused_before_anything_is_copied() {
    let world = World::small().await;
    let body = serde_json::json!({
        "name": "Our own report",
        "mimeType": "application/vnd.google-apps.spreadsheet",
        "parents": [world.google.folder],
    });
    let path = "/drive/v3/files?supportsAllDrives=true";
    let made = world
        .as_person(reqwest::Method::POST, path, Some(body))
        .await;
    let template = made["id"].as_str().unwrap();
    world.configure(
        "own.toml",
        "own",
        &format!("report_template = \"{template}\"\n"),
    );
    let before = world.google_seen();
    fails(
        &world,
        &["-c", "own.toml", "refresh"],
        4,
        &["named ranges", "months", "template"],
    )
    .await;
    assert_eq!(
        before.get("drive.files.copy"),
        world.google_seen().get("drive.files.copy")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_without_leads_is_told_and_deals_are_counted() {
    let world = World::small().await;
    let settings = format!("{}/_sim/settings", world.portal.base);
    let simple = serde_json::json!({"mode": 2});
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::Client::new()
        .post(settings)
        .json(&simple)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    let report = world.refresh().await;
    assert!(
        report["notices"].to_string().contains("простом режиме"),
        "{}",
        report["notices"]
    );
    let tables = world.tables("planfact.toml").await;
    assert_eq!(
        crate::world::field(&tables["months"], &["2026-02"], "deals_won"),
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_what_is_wrong_and_writes_nothing() {
    let world = World::small().await;
    let output = world.run(&["doctor"]).await;
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    change(&world, &world.google.folder, "no-such-folder");
    let secret = world
        .portal
        .webhook_url
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap();
    change(&world, secret, "0000revoked0000");
    let before = world.google_seen();
    let output = world.run(&["doctor"]).await;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{stdout}");
    assert!(stdout.contains("BAD  romashka: drive folder"), "{stdout}");
    assert!(stdout.contains("BAD  romashka: portal"), "{stdout}");
    assert!(
        !stdout.contains("0000revoked0000"),
        "the secret leaks: {stdout}"
    );
    let after = world.google_seen();
    for method in [
        "drive.files.copy",
        "drive.files.create",
        "sheets.spreadsheets.batchUpdate",
    ] {
        assert_eq!(before.get(method), after.get(method), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_configuration_that_loads_and_keeps_an_existing_one() {
    let world = World::small().await;
    let made = world.run(&["-c", "fresh.toml", "init", "--defaults"]).await;
    assert_eq!(
        made.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let text = std::fs::read_to_string(world.folder.path().join("fresh.toml")).unwrap();
    assert!(text.contains("[[company]]") && text.contains("[company.targets]"));
    fails(
        &world,
        &["-c", "fresh.toml", "init", "--defaults"],
        2,
        &["fresh.toml", "exists"],
    )
    .await;
}
