//! The portal over HTTP, held against the shapes of real answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod client;
mod world;

use planfact_sim::portal::Plan;
use serde_json::json;

use client::{FORM, JSON, call, door, keys, portal, send};

#[tokio::test]
async fn a_lead_has_the_fields_and_types_of_a_real_answer() {
    let portal = portal(Plan::Unlimited).await;
    let answer = call(&portal, "crm.lead.list", json!({})).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .head
            .contains("content-type: application/json; charset=utf-8")
    );
    let body = answer.json();
    assert_eq!(keys(&body), ["result", "next", "total", "time"]);
    assert_eq!((&body["next"], &body["total"]), (&json!(50), &json!(400)));
    let wanted = [
        "start",
        "finish",
        "duration",
        "processing",
        "date_start",
        "date_finish",
        "operating_reset_at",
        "operating",
    ];
    assert_eq!(keys(&body["time"]), wanted);
    assert!(
        body["time"]["date_start"]
            .as_str()
            .unwrap()
            .ends_with("+03:00")
    );
    let rows = body["result"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    for row in rows {
        for (name, value) in row.as_object().unwrap() {
            assert!(value.is_string() || value.is_null(), "{name}: {value}");
        }
        // The documented fields and the company's own one.
        assert_eq!(row.as_object().unwrap().len(), 51 + 1);
        let sum = &row["OPPORTUNITY"];
        assert!(sum.is_null() || sum.as_str().unwrap().rsplit_once('.').unwrap().1.len() == 2);
        let open = row["STATUS_SEMANTIC_ID"] == "P";
        assert_eq!(open, row["DATE_CLOSED"] == "", "{row}");
        assert_eq!(row["DATE_CREATE"].as_str().unwrap().len(), 25);
    }
    portal.stop().await;
}

#[tokio::test]
async fn parameters_come_as_json_form_or_address() {
    let portal = portal(Plan::Unlimited).await;
    let all = call(
        &portal,
        "crm.lead.list",
        json!({"select": ["ID"], "start": -1}),
    )
    .await
    .json();
    let tenth = all["result"][9]["ID"].as_str().unwrap().to_owned();
    let query = format!("select[]=ID&start=-1&filter[%3E%3DID]={tenth}&order[ID]=ASC");
    let path = "/rest/1/secret/crm.lead.list.json";
    let answers = [
        send(&portal, "GET", &format!("{path}?{query}"), "", "").await,
        send(&portal, "POST", path, FORM, &query).await,
        call(
            &portal,
            "crm.lead.list",
            json!({"select": ["ID"], "start": -1, "filter": {">=ID": tenth}}),
        )
        .await,
    ];
    for answer in answers {
        let body = answer.json();
        assert_eq!(body["result"][0], json!({"ID": tenth}));
        assert_eq!(body["total"], 0);
        assert!(body.get("next").is_none());
    }
    // PHP cuts the key at its own "=": the filter is gone and every row comes.
    let trap = format!("{path}?filter[%3E=ID]={tenth}");
    let body = send(&portal, "GET", &trap, "", "").await.json();
    assert_eq!(
        (&body["total"], &body["result"][0]["ID"]),
        (&json!(400), &all["result"][0]["ID"])
    );
}

#[tokio::test]
async fn errors_have_the_statuses_and_bodies_of_the_documents() {
    let portal = portal(Plan::Unlimited).await;
    let cases = [
        (
            "/rest/1/wrong/profile",
            401,
            "INVALID_CREDENTIALS",
            "Invalid request credentials",
        ),
        (
            "/rest/2/secret/profile",
            401,
            "INVALID_CREDENTIALS",
            "Invalid request credentials",
        ),
        (
            "/rest/secret/profile",
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        ),
        (
            "/rest/profile",
            401,
            "NO_AUTH_FOUND",
            "Wrong authorization data",
        ),
        (
            "/rest/1/secret/crm.lead.lists",
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        ),
        (
            "/rest/1/secret/crm.lead.get?id=99999999",
            400,
            "",
            "Not found",
        ),
        (
            "/rest/1/secret/crm.deal.get",
            400,
            "",
            "ID is not defined or invalid.",
        ),
        (
            "/rest/1/secret/crm.deal.list?filter=x",
            400,
            "",
            "Parameter 'filter' must be array.",
        ),
        (
            "/rest/1/secret/app.info",
            400,
            "ACCESS_DENIED",
            "Access denied! Application context required",
        ),
    ];
    for (path, status, error, description) in cases {
        let answer = send(&portal, "GET", path, "", "").await;
        assert_eq!(answer.status, status, "{path}");
        let wanted = json!({"error": error, "error_description": description});
        assert_eq!(answer.json(), wanted, "{path}");
    }
    let log = portal.requests().to_string();
    assert!(!log.contains("secret") && !log.contains("wrong"), "{log}");
}

#[tokio::test]
async fn directories_have_the_types_of_real_answers() {
    let portal = portal(Plan::Unlimited).await;
    let stages = call(
        &portal,
        "crm.status.list",
        json!({"filter": {"ENTITY_ID": "STATUS"}}),
    )
    .await;
    let stages = stages.json();
    assert_eq!(stages["total"], 10);
    let junk = stages["result"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["STATUS_ID"] == "JUNK");
    let junk = junk.unwrap();
    assert_eq!(
        (&junk["SEMANTICS"], &junk["EXTRA"]["SEMANTICS"]),
        (&json!("F"), &json!("failure"))
    );
    assert!(junk["ID"].is_string() && junk["SORT"].is_string());
    let pipelines = call(&portal, "crm.category.list", json!({"entityTypeId": 2}))
        .await
        .json();
    let wanted = json!({
        "id": 0, "name": "Продажи", "sort": 300, "entityTypeId": 2, "isDefault": "Y"
    });
    assert_eq!(pipelines["result"]["categories"][0], wanted);
    assert_eq!(pipelines["result"]["categories"][1]["originId"], "");
    let money = call(&portal, "crm.currency.list", json!({})).await.json();
    assert_eq!(
        (&money["total"], &money["result"][0]["BASE"]),
        (&json!(0), &json!("Y"))
    );
    assert_eq!(
        call(&portal, "crm.currency.base.get", json!({}))
            .await
            .json()["result"],
        "RUB"
    );
}

#[tokio::test]
async fn people_the_webhook_and_the_portal_itself() {
    let portal = portal(Plan::Unlimited).await;
    let users = call(&portal, "user.get", json!({"FILTER": {"ACTIVE": false}}))
        .await
        .json();
    assert_eq!(users["total"], 1);
    assert_eq!(users["result"][0]["ACTIVE"], false);
    assert_eq!(users["result"][0]["TIMESTAMP_X"], json!({}));
    assert!(users["result"][0]["UF_DEPARTMENT"][0].is_u64());
    let departments = call(&portal, "department.get", json!({"PARENT": 1}))
        .await
        .json();
    assert_eq!(departments["total"], 3);
    assert!(departments["result"][0]["PARENT"].is_string());
    let profile = call(&portal, "profile", json!({})).await.json();
    assert_eq!(
        (&profile["result"]["ID"], &profile["result"]["ADMIN"]),
        (&json!("1"), &json!(true))
    );
    assert!(profile.get("total").is_none());
    assert_eq!(
        call(&portal, "crm.settings.mode.get", json!({}))
            .await
            .json()["result"],
        1
    );
    let scope = call(&portal, "scope", json!({})).await.json();
    assert_eq!(
        scope["result"],
        json!(["catalog", "crm", "department", "task", "telephony", "user"])
    );
    door(
        &portal,
        "POST",
        "settings",
        json!({"mode": 2, "admin": false, "scope": ["crm"]}),
    )
    .await;
    assert_eq!(
        call(&portal, "crm.settings.mode.get", json!({}))
            .await
            .json()["result"],
        2
    );
    let refused = call(&portal, "user.get", json!({})).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("insufficient_scope"))
    );
    let fields = call(&portal, "crm.deal.fields", json!({})).await.json();
    assert_eq!(fields["result"]["STAGE_ID"]["statusType"], "DEAL_STAGE");
    let time = call(&portal, "server.time", json!({})).await.json();
    assert!(time["result"].as_str().unwrap().ends_with("+03:00"));
    let items = json!({"entityTypeId": 2, "select": ["id", "opportunity"], "start": -1});
    let items = call(&portal, "crm.item.list", items).await.json();
    assert!(items["result"]["items"][0]["opportunity"].is_number());
}

#[tokio::test]
async fn a_batch_chains_pages_by_references() {
    let portal = portal(Plan::Unlimited).await;
    let mut cmd = serde_json::Map::new();
    cmd.insert(
        "c00".into(),
        json!("crm.lead.list?select[]=ID&start=-1&order[ID]=ASC&filter[>ID]=0"),
    );
    for page in 1..10 {
        let from = page - 1;
        let command = format!(
            "crm.lead.list?select[]=ID&start=-1&order[ID]=ASC&filter[%3EID]=$result[c{from:02}][49][ID]"
        );
        cmd.insert(format!("c{page:02}"), json!(command));
    }
    let body = call(&portal, "batch", json!({"halt": 0, "cmd": cmd}))
        .await
        .json();
    assert_eq!(keys(&body), ["result", "time"]);
    let parts = &body["result"];
    let wanted = [
        "result",
        "result_error",
        "result_total",
        "result_next",
        "result_time",
    ];
    assert_eq!(keys(parts), wanted);
    assert_eq!(
        (&parts["result_error"], &parts["result_next"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(parts["result_total"]["c03"], 0);
    assert!(parts["result_time"]["c03"]["date_start"].is_string());
    let ids = |key: &str| -> Vec<i64> {
        let rows = parts["result"][key].as_array().unwrap();
        rows.iter()
            .map(|row| row["ID"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    let pages: Vec<Vec<i64>> = (0..10).map(|page| ids(&format!("c{page:02}"))).collect();
    assert_eq!(pages[..8].iter().map(Vec::len).sum::<usize>(), 400);
    assert!(pages[..8].concat().is_sorted_by(|a, b| a < b));
    // The eighth page is full, the ninth empty; the tenth hangs on nothing and starts again.
    assert!(pages[8].is_empty());
    assert_eq!(pages[9], pages[0]);
    let commands = &portal.requests()["commands"]["crm.lead.list"];
    assert_eq!(commands, 10);
}

#[tokio::test]
async fn a_batch_is_a_php_array_of_results_and_errors() {
    let portal = portal(Plan::Unlimited).await;
    let lead = call(&portal, "crm.lead.list", json!({"select": ["ID"]}))
        .await
        .json();
    let id = lead["result"][0]["ID"].as_str().unwrap().to_owned();
    // Numeric keys: 0 and 2 are errors, so neither part is a list.
    let cmd = json!([
        "crm.lead.get?id=x",
        format!("crm.lead.get?id={id}"),
        "batch?cmd[]=profile"
    ]);
    let parts = call(&portal, "batch", json!({"cmd": cmd})).await.json()["result"].clone();
    assert_eq!(parts["result"]["1"]["ID"], json!(id));
    assert_eq!(
        parts["result_error"],
        json!({
            "0": {"error": "", "error_description": "ID is not defined or invalid."},
            "2": {
                "error": "ERROR_BATCH_METHOD_NOT_ALLOWED",
                "error_description": "Method is not allowed for batch usage"
            },
        })
    );
    let halted = json!({"halt": 1, "cmd": {"a": "nothing.here", "b": "profile"}});
    let parts = call(&portal, "batch", halted).await.json()["result"].clone();
    assert_eq!(
        (&parts["result"], &parts["result_time"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(keys(&parts["result_error"]), ["a"]);
    let many: Vec<&str> = vec!["server.time"; 52];
    let answer = call(&portal, "batch", json!({"cmd": many})).await;
    assert_eq!(answer.status, 200);
    let parts = answer.json()["result"].clone();
    assert_eq!(parts["result"].as_array().unwrap().len(), 50);
    assert_eq!(
        parts["result_error"]["51"]["error"],
        "ERROR_BATCH_LENGTH_EXCEEDED"
    );
    // In a form the command is encoded twice; once is the trap.
    let form = "cmd[a]=crm.lead.list%3Fselect%5B%5D%3DID%26filter%255B%253C%253DID%255D%3D0";
    let parts = send(&portal, "POST", "/rest/1/secret/batch", FORM, form)
        .await
        .json();
    assert_eq!(parts["result"]["result_total"]["a"], 0);
    let form = "cmd[a]=crm.lead.list%3Fselect%5B%5D%3DID%26filter%5B%3C%3DID%5D%3D0";
    let parts = send(&portal, "POST", "/rest/1/secret/batch", FORM, form)
        .await
        .json();
    assert_eq!(parts["result"]["result_total"]["a"], 400);
}

#[tokio::test]
async fn the_bucket_refuses_with_the_real_body() {
    let portal = portal(Plan::Standard).await;
    let mut refused = None;
    for number in 0..200 {
        let answer = call(&portal, "profile", json!({})).await;
        if answer.status != 200 {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, answer) = refused.expect("200 requests passed a bucket of 50");
    assert!(number >= 51, "refused after {number}");
    assert_eq!(answer.status, 503);
    let wanted = json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
    assert_eq!(answer.json(), wanted);
    assert!(!answer.head.contains("retry-after"));
    let seen = portal.requests();
    assert_eq!(seen["by_status"]["503"], 1);
    door(&portal, "POST", "reset", json!({})).await;
    assert_eq!(call(&portal, "profile", json!({})).await.status, 200);
    assert_eq!(portal.requests()["total"], 1);
}

#[tokio::test]
async fn queued_faults_spoil_answers() {
    let portal = portal(Plan::Unlimited).await;
    let faults = json!([
        {"method": "profile", "status": 429},
        {"method": "profile", "html": "<html>503</html>", "status": 200},
        {"method": "profile", "truncate": 20},
        {"method": "profile", "reset": true},
    ]);
    assert_eq!(door(&portal, "POST", "faults", faults).await["result"], 4);
    let limited = call(&portal, "profile", json!({})).await;
    assert_eq!(
        (limited.status, &limited.json()["error"]),
        (429, &json!("OPERATION_TIME_LIMIT"))
    );
    let page = call(&portal, "profile", json!({})).await;
    assert!(page.head.contains("text/html"));
    assert_eq!(page.body, b"<html>503</html>");
    let cut = call(&portal, "profile", json!({})).await;
    assert_eq!((cut.status, cut.body.len()), (200, 20));
    assert_eq!(call(&portal, "profile", json!({})).await.status, 0);
    assert_eq!(call(&portal, "profile", json!({})).await.status, 200);
    let wrong = send(&portal, "POST", "/_sim/faults", JSON, "{\"colour\":1}").await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        send(&portal, "GET", "/_sim/nothing", "", "").await.status,
        404
    );
}

#[tokio::test]
async fn rows_change_through_the_door() {
    let portal = portal(Plan::Unlimited).await;
    let lead = json!({"fields": {"TITLE": "Новый", "OPPORTUNITY": "1500.5", "SOURCE_ID": "WEB"}});
    let id = door(&portal, "POST", "lead", lead).await["result"].clone();
    let row = call(&portal, "crm.lead.get", json!({"id": id}))
        .await
        .json()["result"]
        .clone();
    assert_eq!(
        (&row["TITLE"], &row["OPPORTUNITY"]),
        (&json!("Новый"), &json!("1500.50"))
    );
    let since = row["DATE_MODIFY"].clone();
    let changed = json!({"filter": {">=DATE_MODIFY": since}, "select": ["ID"]});
    let found = call(&portal, "crm.lead.list", changed).await.json();
    assert_eq!(
        (&found["total"], &found["result"][0]["ID"]),
        (&json!(1), &row["ID"])
    );
    let deal = json!({"LEAD_ID": id, "STAGE_ID": "WON", "OPPORTUNITY": 100});
    let deal = door(&portal, "POST", "deal", deal).await["result"].clone();
    let row = call(&portal, "crm.deal.get", json!({"ID": deal}))
        .await
        .json()["result"]
        .clone();
    assert_eq!(row["STAGE_SEMANTIC_ID"], "S");
    assert_eq!(
        (&row["CLOSED"], &row["LEAD_ID"]),
        (&json!("Y"), &json!(id.to_string()))
    );
    assert_eq!(
        door(&portal, "DELETE", "lead", json!({"ID": id})).await["result"],
        1
    );
    assert_eq!(
        call(&portal, "crm.lead.get", json!({"id": id}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn long_answers_are_compressed_on_request() {
    let portal = portal(Plan::Unlimited).await;
    let path = "/rest/1/secret/crm.lead.list";
    let packed = send(
        &portal,
        "GET",
        path,
        "Accept-Encoding: gzip, deflate\r\n",
        "",
    )
    .await;
    assert!(packed.head.contains("content-encoding: gzip"));
    assert_eq!(packed.body[..2], [0x1f, 0x8b]);
    let plain = send(&portal, "GET", path, "", "").await;
    assert!(!plain.head.contains("content-encoding"));
    assert!(plain.body.len() > 5 * packed.body.len());
}
