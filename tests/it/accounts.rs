//! Whose the files are and which language they speak: a person's My Drive, a domain's delegation, a
//! service account alone; spreadsheets in four locales.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::relay::Relay;
use crate::world::{AS_OF, World, file_id};

/// Changes the configuration's text.
fn reconfigure(world: &World, file: &str, changes: &[(&str, &str)]) {
    let path = world.folder.path().join(file);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    std::fs::write(path, text).unwrap();
}

/// The line of the configuration that names the shared drive's folder.
fn folder_line(world: &World) -> String {
    format!("folder = \"{}\"\n", world.google.folder)
}

/// Credentials of a person who has consented.
fn consent(world: &World, person: &str) {
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": format!("person:{person}"),
        "token_uri": format!("{}/token", world.google.endpoint)});
    std::fs::write(world.folder.path().join("user.json"), user.to_string()).unwrap();
}

/// Every check of `doctor` is passed.
async fn is_well(world: &World) {
    let doctor = world.json(&["doctor"]).await;
    let checks = doctor.as_array().unwrap();
    assert!(checks.iter().all(|one| one["ok"] == true), "{doctor}");
}

/// A file as its owner sees it.
async fn in_drive(world: &World, url: &Value) -> Value {
    let fields = "id,driveId,owners(emailAddress),permissions(emailAddress,role)";
    let path = format!(
        "/drive/v3/files/{}?supportsAllDrives=true&fields={fields}",
        file_id(url)
    );
    world.as_person(reqwest::Method::GET, &path, None).await
}

/// The roles of a file by person.
fn roles(file: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = file["permissions"].as_array().into_iter().flatten();
    all.map(|one| (text(&one["emailAddress"]), text(&one["role"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_drive_serves_and_is_shared_once() {
    let world = World::small().await;
    consent(&world, "owner@example.com");
    let relay = Relay::start(&world.google.endpoint).await;
    let shared = "share_with = [\"reader@example.com\", { email = \"writer@example.com\", role = \
                  \"writer\" }]\n";
    let changes = [
        ("key.json", "user.json"),
        (world.endpoint.as_str(), relay.endpoint.as_str()),
        (&folder_line(&world), shared),
    ];
    reconfigure(&world, "planfact.toml", &changes);
    is_well(&world).await;
    let report = world.refresh().await;
    for file in ["report_url", "plan_url"] {
        let file = in_drive(&world, &report[file]).await;
        assert_eq!(file["owners"][0]["emailAddress"], "owner@example.com");
        assert_eq!(file["driveId"], Value::Null);
        let roles = roles(&file);
        assert_eq!(roles["reader@example.com"], "reader");
        assert_eq!(roles["writer@example.com"], "writer");
        assert_eq!(roles.len(), 3, "{roles:?}");
    }
    let before = world.google_seen();
    let second = world.refresh().await;
    assert_eq!(second["plan_cells_written"], 0);
    // What a pass says it asked is what Google saw, tokens included.
    let mut told: BTreeMap<String, u64> =
        serde_json::from_value(second["google_requests"].clone()).unwrap();
    let tokens = told.remove("oauth2.token").unwrap();
    told.insert("token".to_owned(), tokens);
    let mut seen = world.google_seen();
    for (method, count) in before {
        *seen.get_mut(&method).unwrap() -= count;
    }
    seen.retain(|_, count| *count > 0);
    assert_eq!(told, seen);
    world.json(&["copy", "--as-of", AS_OF]).await;

    // Of all that was sent: every Drive request says that it knows shared drives, nobody gets a mail,
    // each person was added once a file, and no two changes of permissions overlapped.
    let mut added = 0;
    for exchange in relay.seen() {
        let path = exchange["path"].as_str().unwrap();
        if !path.starts_with("/drive/") {
            continue;
        }
        assert!(path.contains("supportsAllDrives=true"), "{path}");
        if exchange["method"] == "POST" && path.contains("/permissions") {
            assert!(path.contains("sendNotificationEmail=false"), "{path}");
            added += 1;
        }
    }
    assert_eq!(added, 4, "two people, two files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_works_in_the_name_of_a_person() {
    let world = World::small().await;
    let changes = [
        ("[google]\n", "[google]\nsubject = \"owner@example.com\"\n"),
        (&folder_line(&world), ""),
    ];
    reconfigure(&world, "planfact.toml", &changes);
    is_well(&world).await;
    let report = world.refresh().await;
    let file = in_drive(&world, &report["plan_url"]).await;
    assert_eq!(file["owners"][0]["emailAddress"], "owner@example.com");
    assert_eq!(world.refresh().await["plan_cells_written"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_alone_is_recognised_before_anything_is_written() {
    let world = World::small().await;
    reconfigure(&world, "planfact.toml", &[(&folder_line(&world), "")]);
    let ways = ["shared drive", "subject", "init --google"];
    let check = |doctor: &std::process::Output| {
        assert_eq!(doctor.status.code(), Some(4));
        let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
        let bad: Vec<&Value> = found
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["check"] == "drive folder" && one["ok"] == false)
            .collect();
        assert_eq!(bad.len(), 1, "{found}");
        let remedy = bad[0]["remedy"].as_str().unwrap();
        assert!(ways.iter().all(|way| remedy.contains(way)), "{remedy}");
    };
    check(&world.run(&["doctor", "--json"]).await);

    // A folder that a person shares from My Drive is no room of the account's own either.
    let folder = json!({"name": "F", "mimeType": "application/vnd.google-apps.folder"});
    let path = "/drive/v3/files?fields=id";
    let made = world
        .as_person(reqwest::Method::POST, path, Some(folder))
        .await;
    let id = made["id"].as_str().unwrap();
    let account = world.google.credentials["client_email"].clone();
    let grant = json!({"type": "user", "role": "writer", "emailAddress": account});
    let path = format!("/drive/v3/files/{id}/permissions?sendNotificationEmail=false");
    world
        .as_person(reqwest::Method::POST, &path, Some(grant))
        .await;
    let named = format!("currency = \"RUB\"\nfolder = \"{id}\"\n");
    reconfigure(&world, "planfact.toml", &[("currency = \"RUB\"\n", &named)]);
    check(&world.run(&["doctor", "--json"]).await);
    let seen = world.google_seen();
    let wrote = seen.keys().filter(|method| {
        ["create", "copy", "update", "batchUpdate"]
            .iter()
            .any(|verb| method.starts_with("sheets") && method.ends_with(verb))
    });
    assert_eq!(wrote.count(), 0, "doctor writes nothing: {seen:?}");

    // Who does not ask the doctor is told by the first pass, and nothing is tried again.
    let refresh = world.run(&["refresh", "--as-of", AS_OF]).await;
    assert_eq!(refresh.status.code(), Some(4));
    let told = String::from_utf8_lossy(&refresh.stderr).into_owned();
    assert!(ways.iter().all(|way| told.contains(way)), "{told}");
    assert_eq!(
        world.google_seen()["drive.files.create"],
        1,
        "one try, refused"
    );
}

/// Formulas of a file, and those of them that show an error.
async fn formulas(world: &World, url: &Value) -> (usize, Vec<String>) {
    let path = format!(
        "/v4/spreadsheets/{}?includeGridData=true&fields=properties.locale,sheets(properties.title,\
         data.rowData.values(userEnteredValue.formulaValue,effectiveValue))",
        file_id(url)
    );
    let book = world.as_person(reqwest::Method::GET, &path, None).await;
    let (mut count, mut broken) = (0, Vec::new());
    for sheet in book["sheets"].as_array().unwrap() {
        let rows = sheet["data"][0]["rowData"].as_array().into_iter().flatten();
        for cell in rows.flat_map(|row| row["values"].as_array().into_iter().flatten()) {
            let Some(formula) = cell["userEnteredValue"]["formulaValue"].as_str() else {
                continue;
            };
            count += 1;
            let error = &cell["effectiveValue"]["errorValue"];
            if !error.is_null() {
                broken.push(format!(
                    "{}: {formula}: {error}",
                    sheet["properties"]["title"]
                ));
            }
        }
    }
    (count, broken)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_locales_show_the_same_numbers_and_stay_quiet() {
    let world = World::small().await;
    let mut numbers = None;
    for locale in ["ru_RU", "en_US", "uk_UA", "de_DE"] {
        let (id, file) = (locale.to_lowercase(), format!("{locale}.toml"));
        world.configure(&file, &id, "");
        let spoken = format!("locale = \"{locale}\"");
        reconfigure(&world, &file, &[("locale = \"ru_RU\"", &spoken)]);
        let refresh = ["-c", &file, "refresh", "--as-of", AS_OF];
        let first = world.json(&refresh).await[0].clone();
        for url in ["report_url", "plan_url"] {
            let (count, broken) = formulas(&world, &first[url]).await;
            assert!(count > 50, "{locale}: {count} formulas");
            assert!(broken.is_empty(), "{locale}: {broken:?}");
        }
        let path = format!(
            "/v4/spreadsheets/{}?fields=properties.locale",
            file_id(&first["plan_url"])
        );
        let book = world.as_person(reqwest::Method::GET, &path, None).await;
        assert_eq!(book["properties"]["locale"], locale);
        // The same number, whatever sign is written between its digits.
        let tables = world.tables(&file).await;
        let months = tables["months"].clone();
        let first_months = numbers.get_or_insert_with(|| months.clone());
        assert_eq!(*first_months, months, "{locale}");

        let second = world.json(&refresh).await[0].clone();
        assert_eq!(second["plan_cells_written"], 0, "{locale}");
        // A person types a number with the decimal sign of the locale; it is read unformatted.
        let plan = file_id(&first["plan_url"]);
        let cell = world
            .find_cell(&plan, "plan_company", "revenue", "2026-06")
            .await;
        let typed = if locale == "en_US" {
            "1300000.5"
        } else {
            "1300000,5"
        };
        world.type_into(&plan, &cell, typed).await;
        world.json(&refresh).await;
        let months = &world.tables(&file).await["months"];
        let shown = crate::world::field(months, &["2026-06"], "plan_revenue");
        assert_eq!(shown, "1300000.5", "{locale}");
        assert_eq!(
            world.json(&refresh).await[0]["plan_cells_written"],
            0,
            "{locale}"
        );
    }
}
