//! The Google simulator over HTTP: sign-in, a copied template, formulas, protections, quotas,
//! faults.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected should stop there, and says its seed"
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use planfact_sim::google::{Google, Options};
use serde_json::{Value, json};

/// A blocking client, one connection a request.
struct Client {
    address: String,
    token: String,
}

impl Client {
    fn raw(&self, verb: &str, path: &str, kind: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{verb} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or_else(|| std::io::Error::other("the connection ended before an answer"))?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        let length = head
            .lines()
            .find_map(|l| {
                l.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            })
            .and_then(|n| n.parse::<usize>().ok());
        if length.is_some_and(|n| n > body.len()) {
            return Err(std::io::Error::other("the answer is cut off"));
        }
        let json = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
        Ok((status, json))
    }

    fn call(&self, verb: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.raw(verb, path, "application/json", &text).unwrap()
    }

    fn get(&self, path: &str) -> Value {
        let (status, json) = self.call("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, json) = self.call("POST", path, body);
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    fn batch(&self, book: &str, requests: &Value) -> Value {
        self.post(
            &format!("/v4/spreadsheets/{book}:batchUpdate"),
            &json!({"requests": requests}),
        )
    }

    fn shown(&self, book: &str, range: &str) -> Value {
        self.get(&format!("/v4/spreadsheets/{book}/values/{range}"))["values"].clone()
    }

    fn sheet_in(&self, folder: &str, name: &str) -> String {
        let body = json!({"name": name, "mimeType": "application/vnd.google-apps.spreadsheet",
            "parents": [folder]});
        let file = self.post("/drive/v3/files?supportsAllDrives=true", &body);
        file["id"].as_str().unwrap().to_owned()
    }
}

fn person(google: &Google, email: &str) -> Client {
    let address = google.endpoint.trim_start_matches("http://").to_owned();
    Client {
        address,
        token: format!("person:{email}"),
    }
}

/// Signs in as the service account.
fn robot(google: &Google) -> Client {
    let mut client = person(google, "nobody@example.com");
    let key = &google.credentials;
    let now = chrono::DateTime::<chrono::Utc>::from(
        std::time::SystemTime::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().unwrap(),
    )
    .timestamp();
    let claims = json!({
        "iss": key["client_email"], "aud": key["token_uri"], "iat": now - 10, "exp": now + 3500,
        "scope": "https://www.googleapis.com/auth/drive https://www.googleapis.com/auth/spreadsheets",
    });
    let pem = key["private_key"].as_str().unwrap();
    let signer = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let jwt = encode(&Header::new(Algorithm::RS256), &claims, &signer).unwrap();
    let form =
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={jwt}");
    let (status, json) = client
        .raw("POST", "/token", "application/x-www-form-urlencoded", &form)
        .unwrap();
    assert_eq!(status, 200, "{json}");
    client.token = json["access_token"].as_str().unwrap().to_owned();
    client
}

async fn start(quotas: bool) -> Google {
    Google::start(Options {
        quotas,
        ..Options::default()
    })
    .await
    .unwrap()
}

fn cell(value: Value) -> Value {
    json!({"userEnteredValue": value})
}

#[tokio::test(flavor = "multi_thread")]
async fn only_loopback_is_listened_on() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = Google::start(Options {
        listen,
        ..Options::default()
    })
    .await;
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::InvalidInput
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_robot_works_in_the_shared_drive_and_owns_no_storage() {
    let google = start(true).await;
    let robot = robot(&google);
    let (status, json) = robot.call(
        "POST",
        "/drive/v3/files",
        &json!({"name": "x", "mimeType": "application/vnd.google-apps.spreadsheet"}),
    );
    assert_eq!(status, 403);
    assert_eq!(json["error"]["errors"][0]["reason"], "storageQuotaExceeded");
    let (status, json) = robot.call("POST", "/v4/spreadsheets", &json!({}));
    assert_eq!(
        (status, &json["error"]["status"]),
        (403, &json!("PERMISSION_DENIED"))
    );

    let book = robot.sheet_in(&google.folder, "Template");
    let copy = robot.post(
        &format!("/drive/v3/files/{book}/copy?supportsAllDrives=true&fields=id,name,parents"),
        &json!({"name": "Report", "parents": [google.folder],
            "appProperties": {"planfact": "acme"}}),
    );
    assert_eq!(copy["parents"], json!([google.folder]));
    let q = "appProperties+has+%7B+key%3D%27planfact%27+and+value%3D%27acme%27+%7D\
        +and+trashed%3Dfalse";
    let found = robot.get(&format!(
        "/drive/v3/files?q={q}&supportsAllDrives=true&includeItemsFromAllDrives=true"
    ));
    assert_eq!(found["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["files"][0]["id"], copy["id"]);
    // Without the flag, a shared drive's file does not exist.
    assert_eq!(
        robot
            .call("GET", &format!("/drive/v3/files/{book}"), &Value::Null)
            .0,
        404
    );
    let seen = google.requests();
    assert_eq!(seen["by_method"]["drive.files.copy"], 1);
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_follow_edits_names_and_structure() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Formulas");
    robot.batch(&book, &json!([
        {"updateSpreadsheetProperties": {"properties": {"locale": "ru_RU",
            "timeZone": "Europe/Moscow"}, "fields": "locale,timeZone"}},
        {"addSheet": {"properties": {"sheetId": 7, "title": "data months",
            "gridProperties": {"rowCount": 20, "columnCount": 5}}}},
        {"updateCells": {"start": {"sheetId": 7}, "fields": "userEnteredValue", "rows": [
            {"values": [cell(json!({"stringValue": "2026-01"})), cell(json!({"numberValue": 10}))]},
            {"values": [cell(json!({"stringValue": "2026-02"})), cell(json!({"numberValue": 32.5}))]},
            {"values": [cell(json!({"stringValue": "=1+1"}))]},
        ]}},
        {"addNamedRange": {"namedRange": {"name": "months__leads", "range": {"sheetId": 7,
            "startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 1, "endColumnIndex": 2}}}},
        {"updateCells": {"start": {"sheetId": 0}, "fields": "userEnteredValue", "rows": [
            {"values": [cell(json!({"formulaValue": "=SUM(months__leads)"}))]},
            {"values": [cell(json!({"formulaValue":
                "=IFERROR(SUMIFS('data months'!B:B;'data months'!A:A;\"2026-02\")*1,5;\"—\")"}))]},
            {"values": [cell(json!({"formulaValue": "=A1/0"}))]},
            {"values": [cell(json!({"formulaValue": "=TEXT(A1;\"#,##0.0\")"}))]},
            {"values": [cell(json!({"formulaValue": "=SUM(A1,A2)"}))]},
            {"values": [cell(json!({"formulaValue": "=INDEX('data months'!A:A;2)"}))]},
            {"values": [cell(json!({"formulaValue": "=Z9"}))]},
        ]}},
        {"repeatCell": {"range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 2,
            "startColumnIndex": 0, "endColumnIndex": 1}, "fields": "userEnteredFormat.numberFormat",
            "cell": {"userEnteredFormat": {"numberFormat": {"type": "NUMBER",
                "pattern": "#,##0.00 ₽"}}}}},
    ]));
    // The fifth has a comma where the locale has a decimal comma.
    assert_eq!(
        robot.shown(&book, "Sheet1!A1:A7"),
        json!([
            ["42,50 ₽"],
            ["48,75 ₽"],
            ["#DIV/0!"],
            ["42,5"],
            ["#ERROR!"],
            ["2026-02"],
            [""]
        ]),
    );
    assert_eq!(robot.shown(&book, "'data%20months'!A3"), json!([["=1+1"]]));

    // A row in the middle of the name, and a value in it.
    robot.batch(&book, &json!([
        {"insertDimension": {"range": {"sheetId": 7, "dimension": "ROWS", "startIndex": 1,
            "endIndex": 2}}},
        {"updateCells": {"start": {"sheetId": 7, "rowIndex": 1, "columnIndex": 1},
            "fields": "userEnteredValue", "rows": [{"values": [cell(json!({"numberValue": 7}))]}]}},
        {"updateSheetProperties": {"properties": {"sheetId": 7, "title": "Месяцы"},
            "fields": "title"}},
    ]));
    assert_eq!(robot.shown(&book, "A1"), json!([["49,50 ₽"]]));
    let formula = robot.get(&format!(
        "/v4/spreadsheets/{book}/values/A6?valueRenderOption=FORMULA"
    ));
    assert_eq!(formula["values"], json!([["=INDEX('Месяцы'!A:A;2)"]]));
    let json = robot.get(&format!("/v4/spreadsheets/{book}?fields=namedRanges"));
    assert_eq!(json["namedRanges"][0]["range"]["endRowIndex"], 3);
    // Deleting the name's first row keeps the name.
    robot.batch(
        &book,
        &json!([{"deleteDimension": {"range": {"sheetId": 7, "dimension": "ROWS",
        "startIndex": 0, "endIndex": 1}}}]),
    );
    assert_eq!(robot.shown(&book, "A1"), json!([["39,50 ₽"]]));
    // One plain edit, computed without reading everything anew.
    robot.batch(
        &book,
        &json!([{"updateCells": {"start": {"sheetId": 7, "columnIndex": 1},
        "fields": "userEnteredValue", "rows": [{"values": [cell(json!({"numberValue": 1}))]}]}}]),
    );
    assert_eq!(robot.shown(&book, "A1"), json!([["33,50 ₽"]]));
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_spill_and_shrink() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Arrays");
    robot.batch(
        &book,
        &json!([{"updateCells": {"start": {"sheetId": 0},
        "fields": "userEnteredValue", "rows": [
            {"values": [cell(json!({"numberValue": 3})),
                cell(json!({"formulaValue": "=SORT(FILTER(A1:A3;A1:A3>1);1;FALSE)"}))]},
            {"values": [cell(json!({"numberValue": 5}))]},
            {"values": [cell(json!({"numberValue": 1}))]},
        ]}}]),
    );
    assert_eq!(robot.shown(&book, "B1:B3"), json!([["5"], ["3"]]));
    robot.batch(
        &book,
        &json!([{"updateCells": {"start": {"sheetId": 0, "rowIndex": 1},
        "fields": "userEnteredValue",
        "rows": [{"values": [cell(json!({"numberValue": 0}))]}]}}]),
    );
    assert_eq!(robot.shown(&book, "B1:B3"), json!([["3"]]));
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_request_applies_nothing() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Atomic");
    let write = |n: u32| {
        json!({"updateCells": {"start": {"sheetId": 0}, "fields": "userEnteredValue",
            "rows": [{"values": [cell(json!({"numberValue": n}))]}]}})
    };
    robot.batch(&book, &json!([write(1)]));
    let bad = json!({"requests": [write(2), {"updateCells": {"start": {"sheetId": 999_999},
        "fields": "note", "rows": [{"values": [{"note": "x"}]}]}}]});
    let (status, json) = robot.call(
        "POST",
        &format!("/v4/spreadsheets/{book}:batchUpdate"),
        &bad,
    );
    assert_eq!(status, 400);
    assert_eq!(
        json["error"]["message"],
        "Invalid requests[1].updateCells: No grid with id: 999999",
    );
    assert_eq!(robot.shown(&book, "A1"), json!([["1"]]));
    let data = json!({"valueInputOption": "RAW", "data": [
        {"range": "A1", "values": [[5]]}, {"range": "NoSuchTab!A1", "values": [[5]]}]});
    let path = format!("/v4/spreadsheets/{book}/values:batchUpdate");
    let (status, json) = robot.call("POST", &path, &data);
    assert_eq!(
        (status, &json["error"]["message"]),
        (
            400,
            &json!("Invalid data[1]: Unable to parse range: NoSuchTab!A1")
        ),
    );
    assert_eq!(robot.shown(&book, "A1"), json!([["1"]]));
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protections_hold_for_each_user_and_changes_name_them() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Protected");
    robot.post(
        &format!("/drive/v3/files/{book}/permissions?supportsAllDrives=true"),
        &json!({"type": "user", "role": "writer", "emailAddress": "anna@example.com"}),
    );
    robot.batch(
        &book,
        &json!([{"addProtectedRange": {"protectedRange": {
        "range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1},
        "editors": {"users": [google.credentials["client_email"]]}}}}]),
    );
    let anna = person(&google, "anna@example.com");
    let start = robot.get("/drive/v3/changes/startPageToken?supportsAllDrives=true");
    let write = |range: &str| {
        let path = format!("/v4/spreadsheets/{book}/values/{range}?valueInputOption=USER_ENTERED");
        anna.call("PUT", &path, &json!({"values": [["7"]]}))
    };
    let (status, json) = write("A1");
    assert_eq!(status, 400);
    assert!(
        json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("protected cell or object")
    );
    assert_eq!(write("A2").0, 200);
    let token = start["startPageToken"].as_str().unwrap();
    let changes = robot.get(&format!(
        "/drive/v3/changes?pageToken={token}&supportsAllDrives=true\
         &includeItemsFromAllDrives=true&fields=newStartPageToken,changes(fileId,file(\
         lastModifyingUser/emailAddress,version))"
    ));
    assert_eq!(changes["changes"].as_array().map(Vec::len), Some(1));
    let file = &changes["changes"][0]["file"];
    assert_eq!(
        file["lastModifyingUser"]["emailAddress"],
        "anna@example.com"
    );
    let stranger = person(&google, "eve@example.com");
    assert_eq!(
        stranger
            .call("GET", &format!("/v4/spreadsheets/{book}"), &Value::Null)
            .0,
        403
    );
    let seen = google.requests();
    assert_eq!(
        seen["people"]["by_method"]["sheets.spreadsheets.values.update"],
        2
    );
    assert_eq!(
        seen["by_method"].get("sheets.spreadsheets.values.update"),
        None
    );
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_answers_429_with_the_literal_body() {
    let google = start(true).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Quota");
    let path = format!("/v4/spreadsheets/{book}?fields=spreadsheetId");
    let refused = (0..61)
        .map(|_| robot.call("GET", &path, &Value::Null))
        .find(|(status, _)| *status != 200)
        .unwrap();
    assert_eq!(refused.0, 429);
    let metadata = &refused.1["error"]["details"][0]["metadata"];
    assert_eq!(metadata["quota_limit"], "ReadRequestsPerMinutePerUser");
    assert_eq!(google.requests()["by_status"]["429"], 1);
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_served_in_order() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Faults");
    let get = "sheets.spreadsheets.get";
    let update = "sheets.spreadsheets.values.update";
    robot.post(
        "/_sim/faults",
        &json!([
            {"match": get, "status": 503},
            {"match": get, "kind": "truncate"},
            {"match": update, "kind": "before_apply"},
            {"match": update, "kind": "after_apply"},
        ]),
    );
    let path = format!("/v4/spreadsheets/{book}");
    let (status, json) = robot.call("GET", &path, &Value::Null);
    assert_eq!(
        (status, &json["error"]["status"]),
        (503, &json!("UNAVAILABLE"))
    );
    assert!(
        robot.raw("GET", &path, "application/json", "").is_err(),
        "cut in the middle"
    );
    let put = format!("{path}/values/A1?valueInputOption=RAW");
    let body = json!({"values": [["x"]]}).to_string();
    assert!(robot.raw("PUT", &put, "application/json", &body).is_err());
    assert_eq!(robot.shown(&book, "A1"), Value::Null, "nothing was applied");
    assert!(robot.raw("PUT", &put, "application/json", &body).is_err());
    assert_eq!(
        robot.shown(&book, "A1"),
        json!([["x"]]),
        "it was applied, unheard"
    );
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_rights_and_files_go_a_moment_before_a_request() {
    let google = start(false).await;
    let first = robot(&google);
    let book = first.sheet_in(&google.folder, "Spoilt");
    let path = format!("/v4/spreadsheets/{book}");
    let spoil = |client: &Client, kind: &str| {
        let fault = json!([{"match": "sheets.spreadsheets.get", "kind": kind}]);
        client.post("/_sim/faults", &fault);
    };
    let status = |client: &Client| client.call("GET", &path, &Value::Null).0;

    spoil(&first, "revoke_token");
    assert_eq!(status(&first), 401);
    assert_eq!(status(&first), 401, "it stays revoked");
    let second = robot(&google);
    assert_eq!(status(&second), 200, "a new one is good");

    spoil(&second, "withdraw");
    assert_eq!(status(&second), 403);
    assert_eq!(status(&second), 403, "the right stays withdrawn");
    assert_eq!(
        status(&robot(&google)),
        403,
        "of whoever it was, not of a token"
    );
    let owner = person(&google, "owner@example.com");
    assert_eq!(status(&owner), 200, "others keep theirs");

    spoil(&owner, "delete_file");
    assert_eq!(status(&owner), 404);
    let drive = format!("/drive/v3/files/{book}?supportsAllDrives=true");
    assert_eq!(owner.call("GET", &drive, &Value::Null).0, 404);
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_requests_fails_and_the_same_seed_fails_the_same() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Dice");
    let path = format!("/v4/spreadsheets/{book}");
    let run = |seed: u64| -> Vec<u16> {
        let fault = json!([{"match": "sheets.spreadsheets.get", "status": 503, "percent": 40,
            "seed": seed, "count": 1_000}]);
        robot.post("/_sim/faults", &fault);
        let statuses = (0..60).map(|_| robot.call("GET", &path, &Value::Null).0);
        let statuses = statuses.collect();
        assert_eq!(robot.call("DELETE", "/_sim/faults", &Value::Null).0, 200);
        statuses
    };
    let seen = run(7);
    let failed = seen.iter().filter(|status| **status == 503).count();
    assert!((10..=40).contains(&failed), "{failed} of 60: {seen:?}");
    assert_eq!(run(7), seen);
    assert_ne!(run(8), seen);
    google.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_asked_for_its_values_tells_the_results_of_formulas() {
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Told");
    let values = format!("/v4/spreadsheets/{book}/values");
    let asked = "valueInputOption=USER_ENTERED&includeValuesInResponse=true&\
                 responseValueRenderOption=UNFORMATTED_VALUE";
    let wanted = json!([[2, 5]]);
    let (_, one) = robot.call(
        "PUT",
        &format!("{values}/A1:B1?{asked}&fields=updatedData.values"),
        &json!({"values": [[2, "=A1*2.5"]]}),
    );
    assert_eq!(one, json!({"updatedData": {"values": wanted}}));
    let (_, added) = robot.call(
        "POST",
        &format!("{values}/A1:append?{asked}"),
        &json!({"values": [[2, "=SUM(B1:B1)"]]}),
    );
    assert_eq!(added["updates"]["updatedData"]["values"], wanted, "{added}");
    let body = json!({"valueInputOption": "USER_ENTERED", "includeValuesInResponse": true,
        "responseValueRenderOption": "FORMULA", "data": [
            {"range": "C1", "values": [["=A1+1"]]}, {"range": "D1", "values": [["=C1+1"]]}]});
    let (_, many) = robot.call("POST", &format!("{values}:batchUpdate"), &body);
    assert_eq!(
        many["responses"][1]["updatedData"]["values"],
        json!([["=C1+1"]])
    );
    let mut body = body;
    body["responseValueRenderOption"] = json!("UNFORMATTED_VALUE");
    let (_, many) = robot.call("POST", &format!("{values}:batchUpdate"), &body);
    let told: Vec<&Value> = many["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["updatedData"]["values"][0][0])
        .collect();
    assert_eq!(told, [&json!(3), &json!(4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doubles_come_back_to_the_last_digit() {
    const SEED: u64 = 20_261_123;
    println!("seed {SEED}");
    let google = start(false).await;
    let robot = robot(&google);
    let book = robot.sheet_in(&google.folder, "Doubles");
    let mut state = SEED;
    let mut next = || {
        // Steele and Vigna's SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let numbers: Vec<f64> = std::iter::repeat_with(|| f64::from_bits(next()))
        .filter(|n| n.is_normal())
        .take(900)
        .chain([
            0.1 + 0.2,
            1.0 / 3.0,
            9_007_199_254_740_993.0,
            0.0009441000225164595,
        ])
        .collect();
    let path = format!("/v4/spreadsheets/{book}/values/A1:A{}", numbers.len());
    let rows: Vec<Value> = numbers.iter().map(|n| json!([n])).collect();
    let write = format!("{path}?valueInputOption=RAW");
    let (status, answer) = robot.call("PUT", &write, &json!({"values": rows}));
    assert_eq!(status, 200, "{answer}");
    let read = robot.get(&format!("{path}?valueRenderOption=UNFORMATTED_VALUE"));
    let seen: Vec<f64> = read["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].as_f64().unwrap())
        .collect();
    for (sent, came) in numbers.iter().zip(&seen) {
        assert_eq!(
            sent.to_bits(),
            came.to_bits(),
            "{sent:e} came back as {came:e}"
        );
    }
    assert_eq!(seen.len(), numbers.len());
}
