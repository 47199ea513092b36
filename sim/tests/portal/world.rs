//! The portal as a world: rights, operating time, sign-in, offline events, a company that lives, an
//! address that moves, TLS.

use std::collections::BTreeSet;
use std::net::IpAddr;

use planfact_sim::portal::{Billing, Operating, Options, Plan, Portal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::client::{JSON, call, company, door, portal, send};

/// All rows of a list method, page by page.
async fn all(portal: &Portal, method: &str, params: Value, wrap: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    loop {
        let mut params = params.clone();
        params["start"] = json!(rows.len());
        let body = call(portal, method, params).await.json();
        let page = match wrap {
            "" => body["result"].clone(),
            key => body["result"][key].clone(),
        };
        rows.extend(page.as_array().unwrap().iter().cloned());
        if body["next"].is_null() {
            return rows;
        }
    }
}

#[tokio::test]
async fn a_role_hides_rows_and_pipelines() {
    let portal = portal(Plan::Unlimited).await;
    let leads = all(&portal, "crm.lead.list", json!({}), "").await;
    let deals = all(&portal, "crm.deal.list", json!({}), "").await;
    let own = leads
        .iter()
        .filter(|row| row["ASSIGNED_BY_ID"] == "7")
        .count();
    let wholesale = deals.iter().filter(|row| row["CATEGORY_ID"] == "1").count();
    assert!(own > 0 && own < leads.len() && wholesale > 0);
    let settings = json!({"admin": false, "rights": "own", "hidden_categories": [1]});
    door(&portal, "POST", "settings", settings).await;
    // The webhook's owner is the director: no lead is his.
    let total = |body: Value| body["total"].as_u64().unwrap();
    assert_eq!(
        total(call(&portal, "crm.lead.list", json!({})).await.json()),
        0
    );
    let hidden = call(&portal, "crm.lead.get", json!({"id": leads[0]["ID"]})).await;
    assert_eq!(
        (hidden.status, &hidden.json()["error_description"]),
        (400, &json!("Access denied."))
    );
    let moves = call(&portal, "crm.stagehistory.list", json!({"entityTypeId": 1}))
        .await
        .json();
    assert_eq!(total(moves), 0);
    door(&portal, "POST", "settings", json!({"rights": "all"})).await;
    assert_eq!(
        total(call(&portal, "crm.lead.list", json!({})).await.json()),
        leads.len() as u64
    );
    let seen = total(call(&portal, "crm.deal.list", json!({})).await.json());
    assert_eq!(seen, (deals.len() - wholesale) as u64);
    let pipelines = call(&portal, "crm.category.list", json!({"entityTypeId": 2}))
        .await
        .json();
    assert_eq!(
        pipelines["result"]["categories"].as_array().unwrap().len(),
        1
    );
    let profile = call(&portal, "profile", json!({})).await.json();
    assert_eq!(profile["result"]["ADMIN"], false);
    portal.stop().await;
}

async fn billed(billing: Billing) -> Portal {
    let options = Options {
        plan: Plan::Unlimited,
        secret: Some("secret".to_owned()),
        operating: Operating {
            billing,
            limit_s: 1.0,
            extra_ms: 400,
            ..Operating::default()
        },
        ..Options::default()
    };
    Portal::start(company(), options).await.unwrap()
}

#[tokio::test]
async fn operating_time_is_billed_to_the_methods() {
    let portal = billed(Billing::Methods).await;
    for wanted in [0.4, 0.8, 1.2] {
        let body = call(&portal, "crm.lead.list", json!({})).await.json();
        let spent = body["time"]["operating"].as_f64().unwrap();
        assert!((spent - wanted).abs() < 1e-6, "{spent}");
    }
    let refused = call(&portal, "crm.lead.list", json!({})).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"], "OPERATION_TIME_LIMIT");
    let cmd = json!({"cmd": {"a": "crm.lead.list", "b": "crm.deal.list", "c": "crm.deal.list"}});
    let batch = call(&portal, "batch", cmd).await.json();
    let inner = &batch["result"];
    assert_eq!(inner["result_error"]["a"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(inner["result_time"]["b"]["operating"], 0.4);
    assert_eq!(inner["result_time"]["c"]["operating"], 0.8);
    assert_eq!(batch["time"]["operating"], 0);
    // Ten minutes later the basket has been dropped.
    door(&portal, "POST", "settings", json!({"forward_s": 601})).await;
    assert_eq!(call(&portal, "crm.lead.list", json!({})).await.status, 200);
    portal.stop().await;
}

#[tokio::test]
async fn operating_time_is_billed_to_the_batch() {
    let portal = billed(Billing::Batch).await;
    let cmd = json!({"cmd": {"a": "crm.lead.list", "b": "crm.deal.list", "c": "profile"}});
    for wanted in [0.4, 0.8, 1.2] {
        let batch = call(&portal, "batch", cmd.clone()).await.json();
        for place in [
            &batch["time"],
            &batch["result"]["result_time"]["a"],
            &batch["result"]["result_time"]["c"],
        ] {
            let spent = place["operating"].as_f64().unwrap();
            assert!((spent - wanted).abs() < 1e-6, "{spent}");
        }
    }
    assert_eq!(call(&portal, "batch", cmd).await.status, 429);
    let single = call(&portal, "crm.lead.list", json!({})).await;
    assert_eq!(
        single.json()["time"]["operating"],
        0.4,
        "a method of its own"
    );
    portal.stop().await;
}

#[tokio::test]
async fn each_source_address_has_its_own_bucket() {
    let portal = portal(Plan::Standard).await;
    let target = portal.base.trim_start_matches("http://").parse().unwrap();
    let mut refused = Vec::new();
    for last in [1, 2] {
        let mut statuses = Vec::new();
        for _ in 0..55 {
            let socket = TcpSocket::new_v4().unwrap();
            socket
                .bind((IpAddr::from([127, 0, 0, last]), 0).into())
                .unwrap();
            let mut stream = socket.connect(target).await.unwrap();
            let head =
                "GET /rest/1/secret/profile HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            statuses.push(String::from_utf8_lossy(&bytes[9..12]).into_owned());
        }
        // 51 pass at once; a second may go by meanwhile and let two more through.
        let passed = statuses.iter().filter(|status| *status == "200").count();
        refused.push(55 - passed);
        assert!(passed >= 51, "{passed} from 127.0.0.{last}");
    }
    assert!(refused.iter().any(|count| *count > 0), "{refused:?}");
    portal.stop().await;
}

/// GET of a path with query; status, head and body.
async fn get(portal: &Portal, path: &str) -> super::client::Answer {
    send(portal, "GET", path, "", "").await
}

#[tokio::test]
async fn an_application_signs_in_and_renews() {
    let portal = portal(Plan::Unlimited).await;
    let app = portal.application();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (id, secret) = (text(&app["client_id"]), text(&app["client_secret"]));
    door(
        &portal,
        "POST",
        "oauth",
        json!({"redirect_uri": "http://127.0.0.1:9/back"}),
    )
    .await;
    let sent = get(
        &portal,
        &format!("/oauth/authorize/?client_id={id}&state=x"),
    )
    .await;
    assert_eq!(sent.status, 302);
    let code = sent
        .head
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        sent.head.contains("state=x") && sent.head.contains("member_id="),
        "{}",
        sent.head
    );
    let token =
        |fields: String| format!("/oauth/token/?client_id={id}&client_secret={secret}&{fields}");
    let first = get(
        &portal,
        &token(format!("grant_type=authorization_code&code={code}")),
    )
    .await;
    assert_eq!(
        first.status,
        200,
        "{}",
        String::from_utf8_lossy(&first.body)
    );
    let first = first.json();
    assert_eq!(
        first["client_endpoint"],
        json!(format!("{}/rest/", "http://portal"))
    );
    assert_eq!(first["member_id"], app["member_id"]);
    let access = text(&first["access_token"]);
    let profile = |access: String| format!("/rest/profile?auth={access}");
    assert_eq!(get(&portal, &profile(access.clone())).await.status, 200);
    let info = get(&portal, &format!("/rest/app.info?auth={access}"))
        .await
        .json();
    assert_eq!(info["result"]["CODE"], app["client_id"]);
    let unknown = get(&portal, &profile("nonsense".to_owned())).await;
    assert_eq!(
        (unknown.status, &unknown.json()["error"]),
        (401, &json!("invalid_token"))
    );
    let none = get(&portal, "/rest/profile").await;
    assert_eq!(
        (none.status, &none.json()["error"]),
        (401, &json!("NO_AUTH_FOUND"))
    );
    door(&portal, "POST", "oauth", json!({"expire": true})).await;
    let expired = get(&portal, &profile(access)).await;
    assert_eq!(
        (expired.status, &expired.json()["error"]),
        (401, &json!("expired_token"))
    );
    let renew = token(format!(
        "grant_type=refresh_token&refresh_token={}",
        text(&first["refresh_token"])
    ));
    let second = get(&portal, &renew).await.json();
    assert_eq!(second["user_id"], 1);
    assert_eq!(
        get(&portal, &profile(text(&second["access_token"])))
            .await
            .status,
        200
    );
    assert_eq!(
        get(&portal, &renew).await.status,
        400,
        "a refresh token is good once"
    );
    portal.stop().await;
}

/// An access token of the administrator.
async fn admitted(portal: &Portal) -> String {
    let app = portal.application();
    let code = door(portal, "POST", "oauth", json!({"code": 1})).await["result"].clone();
    let query = format!(
        "/oauth/token/?grant_type=authorization_code&client_id={}&client_secret={}&code={}",
        app["client_id"].as_str().unwrap(),
        app["client_secret"].as_str().unwrap(),
        code.as_str().unwrap()
    );
    get(portal, &query).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn with_token(portal: &Portal, token: &str, method: &str, mut params: Value) -> Value {
    params["auth"] = json!(token);
    let path = format!("/rest/{method}");
    send(portal, "POST", &path, JSON, &params.to_string())
        .await
        .json()
}

#[tokio::test]
async fn offline_events_keep_the_latest_of_each_object() {
    let portal = portal(Plan::Unlimited).await;
    let token = admitted(&portal).await;
    for event in ["ONCRMLEADADD", "ONCRMLEADUPDATE", "ONCRMLEADDELETE"] {
        let bound = with_token(
            &portal,
            &token,
            "event.bind",
            json!({"event": event, "event_type": "offline"}),
        )
        .await;
        assert_eq!(bound["result"], true, "{bound}");
    }
    let added = call(&portal, "crm.lead.add", json!({"fields": {"TITLE": "A"}}))
        .await
        .json();
    let id = added["result"].as_u64().unwrap();
    for title in ["B", "C"] {
        let given = json!({"id": id, "fields": {"TITLE": title}});
        assert_eq!(
            call(&portal, "crm.lead.update", given).await.json()["result"],
            true
        );
    }
    door(
        &portal,
        "POST",
        "lead",
        json!({"ID": id, "STATUS_ID": "JUNK", "silent": true}),
    )
    .await;
    let look = with_token(&portal, &token, "event.offline.list", json!({})).await;
    let names: Vec<&str> = look["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["EVENT_NAME"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["ONCRMLEADADD", "ONCRMLEADUPDATE"],
        "one row an object and event"
    );
    // Reserved, hidden from others, and there again for who knows the process.
    let taken = with_token(&portal, &token, "event.offline.get", json!({"clear": 0})).await;
    let process = taken["result"]["process_id"].as_str().unwrap().to_owned();
    assert_eq!(
        taken["result"]["events"][0]["EVENT_DATA"],
        json!({"FIELDS": {"ID": id.to_string()}})
    );
    let none = with_token(&portal, &token, "event.offline.get", json!({"clear": 0})).await;
    assert_eq!(none["result"]["events"], json!([]));
    let again = json!({"clear": 0, "process_id": process});
    let again = with_token(&portal, &token, "event.offline.get", again).await;
    assert_eq!(again["result"]["events"].as_array().unwrap().len(), 2);
    call(&portal, "crm.lead.delete", json!({"id": id})).await;
    let clear = json!({"process_id": process});
    assert_eq!(
        with_token(&portal, &token, "event.offline.clear", clear).await["result"],
        true
    );
    let rest = with_token(&portal, &token, "event.offline.get", json!({})).await;
    assert_eq!(rest["result"]["process_id"], Value::Null);
    assert_eq!(rest["result"]["events"][0]["EVENT_NAME"], "ONCRMLEADDELETE");
    let refused = call(&portal, "event.offline.get", json!({})).await;
    assert_eq!(
        refused.json()["error"],
        "ACCESS_DENIED",
        "a webhook is no application"
    );
    portal.stop().await;
}

#[tokio::test]
async fn a_seed_is_a_life() {
    let wish = json!({"events": 400, "seed": 9, "at": "2026-11-23T10:00:00+03:00", "step_s": 5});
    let mut lives = Vec::new();
    for _ in 0..2 {
        let portal = portal(Plan::Unlimited).await;
        let before = all(&portal, "crm.lead.list", json!({}), "").await;
        let lived = portal.live(&wish).unwrap();
        let leads = all(&portal, "crm.lead.list", json!({}), "").await;
        let history = all(
            &portal,
            "crm.stagehistory.list",
            json!({"entityTypeId": 1}),
            "items",
        )
        .await;
        let deals = all(&portal, "crm.deal.list", json!({}), "").await;
        check_life(&lived, &before, &leads, &history);
        lives.push((lived, leads, deals, history));
        portal.stop().await;
    }
    assert!(lives[0] == lives[1], "the same seed lived another life");
}

fn check_life(lived: &Value, before: &[Value], leads: &[Value], history: &[Value]) {
    for kind in [
        "lead_new",
        "lead_won",
        "lead_lost",
        "lead_deleted",
        "import",
        "lead_backdated",
    ] {
        assert!(
            lived["kinds"][kind].as_u64().unwrap_or(0) > 0,
            "{kind} in {lived}"
        );
    }
    let ids = |rows: &[Value]| -> BTreeSet<u64> {
        rows.iter()
            .map(|row| row["ID"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    let list = |name: &str| -> BTreeSet<u64> {
        lived["rows"][name]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_u64().unwrap())
            .collect()
    };
    let mut wanted = ids(before);
    wanted.extend(list("leads_added"));
    wanted.retain(|id| !list("leads_deleted").contains(id));
    assert_eq!(ids(leads), wanted);
    // Imported rows are older than the newest row before them, yet changed now.
    let old = leads.iter().filter(|row| {
        row["DATE_CREATE"].as_str() < Some("2026-11-01")
            && row["DATE_MODIFY"].as_str() >= Some("2026-11-23T10:00:00+03:00")
    });
    assert!(old.count() > 5);
    let owners: BTreeSet<u64> = history
        .iter()
        .map(|row| row["OWNER_ID"].as_u64().unwrap())
        .collect();
    assert_eq!(owners, ids(leads), "a history for each lead that is there");
    let last = history.last().unwrap()["CREATED_TIME"].as_str().unwrap();
    assert!(last >= "2026-11-23", "{last}");
}

#[tokio::test]
async fn a_fault_lets_something_happen_before_a_request() {
    let portal = portal(Plan::Unlimited).await;
    let fault =
        json!({"method": "crm.lead.list", "skip": 1, "live": {"events": 3, "only": ["lead_new"]}});
    door(&portal, "POST", "faults", fault).await;
    let mut totals = Vec::new();
    for _ in 0..3 {
        totals.push(call(&portal, "crm.lead.list", json!({})).await.json()["total"].clone());
    }
    assert_eq!(totals, [400, 403, 403]);
    let wrong = json!({"method": "*", "live": {"only": ["moonrise"]}});
    let path = "/_sim/faults";
    assert_eq!(
        send(&portal, "POST", path, JSON, &wrong.to_string())
            .await
            .status,
        400
    );
    portal.stop().await;
}

#[tokio::test]
async fn a_renamed_portal_sends_calls_to_its_new_address() {
    let portal = portal(Plan::Unlimited).await;
    door(
        &portal,
        "POST",
        "settings",
        json!({"renamed_to": "http://new.example:81/"}),
    )
    .await;
    let moved = call(&portal, "profile", json!({})).await;
    assert_eq!(moved.status, 302);
    assert!(
        moved
            .head
            .contains("location: http://new.example:81/rest/1/secret/profile"),
        "{}",
        moved.head
    );
    door(
        &portal,
        "POST",
        "settings",
        json!({"renamed_to": "http://portal"}),
    )
    .await;
    assert_eq!(
        call(&portal, "profile", json!({})).await.status,
        200,
        "this is the new address"
    );
    door(
        &portal,
        "POST",
        "settings",
        json!({"expired_licence": true}),
    )
    .await;
    assert_eq!(call(&portal, "profile", json!({})).await.status, 302);
    door(&portal, "POST", "reset", json!({})).await;
    door(&portal, "POST", "settings", json!({"https_required": true})).await;
    let refused = call(&portal, "profile", json!({})).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (400, &json!("INVALID_REQUEST"))
    );
    portal.stop().await;
}

#[tokio::test]
async fn the_server_stands_in_any_zone() {
    let portal = portal(Plan::Unlimited).await;
    let created = |body: Value| {
        body["result"][0]["DATE_CREATE"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ask = json!({"order": {"ID": "ASC"}, "select": ["DATE_CREATE"]});
    let moscow = created(call(&portal, "crm.lead.list", ask.clone()).await.json());
    door(
        &portal,
        "POST",
        "settings",
        json!({"time_zone": "Asia/Kathmandu"}),
    )
    .await;
    let body = call(&portal, "crm.lead.list", ask).await.json();
    assert!(
        body["time"]["date_start"]
            .as_str()
            .unwrap()
            .ends_with("+05:45")
    );
    let kathmandu = created(body);
    assert!(
        moscow.ends_with("+03:00") && kathmandu.ends_with("+05:45"),
        "{moscow} {kathmandu}"
    );
    // The same instant: a filter in one zone finds what was written in the other.
    let filter = json!({"filter": {"=DATE_CREATE": moscow}, "select": ["DATE_CREATE"]});
    assert_eq!(
        created(call(&portal, "crm.lead.list", filter).await.json()),
        kathmandu
    );
    portal.stop().await;
}

#[tokio::test]
async fn the_second_address_speaks_tls() {
    let options = Options {
        tls: Some("127.0.0.1:0".parse().unwrap()),
        secret: Some("secret".to_owned()),
        ..Options::default()
    };
    let portal = Portal::start(company(), options).await.unwrap();
    let secured = portal.secured.as_ref().unwrap();
    assert!(
        secured
            .certificate
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    assert!(secured.webhook_url.starts_with("https://127.0.0.1:"));
    // A server that speaks TLS answers a request in the clear with an alert (content type 21).
    let address: std::net::SocketAddr =
        secured.base.trim_start_matches("https://").parse().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /rest/1/secret/profile HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    assert_eq!(bytes.first(), Some(&21), "{bytes:?}");
    assert_eq!(call(&portal, "profile", json!({})).await.status, 200);
    portal.stop().await;
}

#[tokio::test]
async fn everything_that_hangs_on_leads_and_deals_is_served() {
    let portal = portal(Plan::Unlimited).await;
    let calls = all(
        &portal,
        "voximplant.statistic.get",
        json!({"SORT": "ID", "ORDER": "ASC"}),
        "",
    )
    .await;
    let activities = all(
        &portal,
        "crm.activity.list",
        json!({"order": {"ID": "ASC"}}),
        "",
    )
    .await;
    let ids: BTreeSet<&str> = activities
        .iter()
        .map(|row| row["ID"].as_str().unwrap())
        .collect();
    assert!(calls.len() > 200 && activities.len() > calls.len());
    for call in &calls {
        assert!(
            ids.contains(call["CRM_ACTIVITY_ID"].as_str().unwrap()),
            "{call}"
        );
    }
    let invoices = all(
        &portal,
        "crm.item.list",
        json!({"entityTypeId": 31}),
        "items",
    )
    .await;
    let paid = invoices
        .iter()
        .find(|row| row["stageId"] == "DT31_2:P")
        .unwrap();
    let payments = call(
        &portal,
        "crm.item.payment.list",
        json!({"entityTypeId": 31, "entityId": paid["id"]}),
    )
    .await
    .json();
    assert_eq!(payments["result"][0]["sum"], paid["opportunity"]);
    assert_eq!(payments["result"][0]["paid"], "Y");
    let given = json!({"filter": {"=ownerType": "D", "=ownerId": paid["parentId2"]}});
    let rows = call(&portal, "crm.item.productrow.list", given)
        .await
        .json();
    let product = rows["result"]["productRows"][0]["productId"].clone();
    let given = json!({"select": ["id", "iblockId", "purchasingPrice"], "filter": {"iblockId": 23, "id": product}});
    let goods = call(&portal, "catalog.product.list", given).await.json();
    assert_eq!(goods["result"]["products"][0]["id"], product);
    let custom = call(&portal, "crm.lead.userfield.list", json!({}))
        .await
        .json();
    assert_eq!(custom["result"][0]["LIST"].as_array().unwrap().len(), 4);
    portal.stop().await;
}
