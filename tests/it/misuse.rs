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
