//! The tests' own small HTTP client and a portal with a small company.

use std::net::SocketAddr;

use planfact_sim::company::{Company, Locale, Size, Spec};
use planfact_sim::portal::{Options, Plan, Portal};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came over the wire.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// One request on a connection of its own. The test has its own small client, so that no crate
/// decides for it what an answer means.
pub(crate) async fn send(
    portal: &Portal,
    verb: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> Answer {
    let address: SocketAddr = portal.base.trim_start_matches("http://").parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is an answer too: an empty one.
    let _ = stream.read_to_end(&mut bytes).await;
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Answer {
            status: 0,
            head: String::new(),
            body: Vec::new(),
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";
pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// POST of JSON to a method of the webhook.
pub(crate) async fn call(portal: &Portal, method: &str, params: Value) -> Answer {
    let path = format!("/rest/1/secret/{method}");
    send(portal, "POST", &path, JSON, &params.to_string()).await
}

pub(crate) async fn door(portal: &Portal, verb: &str, room: &str, body: Value) -> Value {
    let answer = send(
        portal,
        verb,
        &format!("/_sim/{room}"),
        JSON,
        &body.to_string(),
    )
    .await;
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()
}

/// A small made-up company.
pub(crate) fn company() -> Company {
    Company::generate(&Spec {
        seed: 3,
        size: Size::Small,
        leads: Some(400),
        deals: Some(60),
        today: "2026-11-22".parse().unwrap(),
        locale: Locale::Ru,
    })
}

/// A portal with that company.
pub(crate) async fn portal(plan: Plan) -> Portal {
    let options = Options {
        plan,
        secret: Some("secret".to_owned()),
        ..Options::default()
    };
    Portal::start(company(), options).await.unwrap()
}

pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}
