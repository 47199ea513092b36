//! HTTP: addresses, parameters, the limit, faults, compression.

use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use super::answer::{Answer, Refusal};
use super::envelope::{Stopwatch, wrap};
use super::fault::Fault;
use super::params::Params;
use super::wire::{Door, Peer};
use super::{State, batch, door, methods, pace, php};

/// Longest request body in bytes.
const MAX_BODY: usize = 64 << 20;

/// Shortest body in bytes that is worth compressing.
const MIN_GZIP: usize = 1_024;

/// Serves until `stop` is ready.
pub(crate) async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state)
        .into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(Door::new(listener), router)
        .with_graceful_shutdown(stop)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the portal's server ended");
    }
}

/// An answer before it is sent.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A JSON answer.
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            kind: "application/json; charset=utf-8",
            body,
        }
    }

    fn refusal(refusal: &Refusal) -> Self {
        Self::json(refusal.status, refusal.json())
    }
}

async fn handle(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    verb: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let reply = if let Some(room) = path.strip_prefix("/_sim/") {
        door::open(&state, &verb, room, uri.query().unwrap_or_default(), &body)
    } else if let Some(rest) = path.strip_prefix("/rest/") {
        call(
            &state,
            &peer,
            rest,
            uri.query().unwrap_or_default(),
            &headers,
            &body,
        )
        .await
    } else {
        let page =
            "<!DOCTYPE html><html><head><title>Bitrix24</title></head><body>404</body></html>";
        Reply {
            status: 404,
            kind: "text/html; charset=utf-8",
            body: page.into(),
        }
    };
    respond(reply, &headers)
}

/// One REST request, from its path after `/rest/`.
async fn call(
    state: &State,
    peer: &Peer,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Reply {
    let watch = Stopwatch::new();
    let parts: Vec<&str> = path.trim_end_matches('/').splitn(3, '/').collect();
    let method = methods::name(parts.last().copied().unwrap_or_default());
    let fault = state.faults().take(&method);
    let reply = match &fault {
        Some(fault) if fault.status.is_some() || fault.body.is_some() => spoilt(fault),
        _ => {
            let params = parameters(query, headers, body);
            serve_call(state, &parts, &method, &params, &watch).await
        }
    };
    if let Some(fault) = &fault {
        pace::work(Duration::from_millis(fault.slow_ms)).await;
        if let Some(bytes) = fault.truncate {
            peer.cut(bytes);
        }
        if fault.reset {
            peer.reset();
        }
    }
    let shown = match parts[..] {
        [user, _, _] => format!("/rest/{user}/***/{method}"),
        _ => format!("/rest/***/{method}"),
    };
    state
        .journal()
        .note(&method, shown, reply.status, watch.ms(), reply.body.len());
    reply
}

fn spoilt(fault: &Fault) -> Reply {
    let status = fault.status.unwrap_or(200);
    match &fault.body {
        Some((kind, text)) => Reply {
            status,
            kind,
            body: text.clone().into_bytes(),
        },
        None => {
            let (code, text) = match status {
                401 => ("expired_token", "The access token provided has expired."),
                403 => (
                    "ACCESS_DENIED",
                    "REST is available only on commercial plans.",
                ),
                429 => (
                    "OPERATION_TIME_LIMIT",
                    "Method is blocked due to operation time limit.",
                ),
                503 => ("QUERY_LIMIT_EXCEEDED", "Too many requests"),
                _ => ("INTERNAL_SERVER_ERROR", "Internal server error"),
            };
            Reply::refusal(&Refusal::new(status, code, text))
        }
    }
}

/// Limit, credentials, the method itself, and the time that it takes.
async fn serve_call(
    state: &State,
    parts: &[&str],
    method: &str,
    params: &Value,
    watch: &Stopwatch,
) -> Reply {
    if !state.admit() {
        let refusal = Refusal::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests");
        return Reply::refusal(&refusal);
    }
    if let Err(refusal) = authorise(state, parts) {
        return Reply::refusal(&refusal);
    }
    let params = Params::new(params);
    let outcome = if method == "batch" {
        Ok(batch::run(state, &params, watch))
    } else {
        methods::call(state, method, &params)
    };
    match outcome {
        Ok(answer) => {
            let extra = state.page_time(answer.pages);
            let body = wrap(&answer, state.zone(), watch, extra);
            let Answer { pages, .. } = answer;
            pace::work(Duration::from_millis(state.page_ms * u64::from(pages))).await;
            Reply::json(200, body)
        }
        Err(refusal) => Reply::refusal(&refusal),
    }
}

/// `{user}/{code}/{method}` with the right code. Without a user the portal takes the code for a
/// method; without both it wants a token.
fn authorise(state: &State, parts: &[&str]) -> Result<(), Refusal> {
    match parts[..] {
        [user, code, _] => {
            if user == "1" && code == state.secret {
                return Ok(());
            }
            Err(Refusal::new(
                401,
                "INVALID_CREDENTIALS",
                "Invalid request credentials",
            ))
        }
        [_, _] => Err(Refusal::new(
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        )),
        _ => Err(Refusal::new(
            401,
            "NO_AUTH_FOUND",
            "Wrong authorization data",
        )),
    }
}

/// Parameters of the address, with those of the body over them.
fn parameters(query: &str, headers: &HeaderMap, body: &Bytes) -> Value {
    let mut params = php::parse_query(query);
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let posted = if kind.is_some_and(|kind| kind.starts_with("application/json")) {
        // A body that is no JSON brings no parameters.
        serde_json::from_slice(body).unwrap_or(Value::Null)
    } else {
        php::parse_query(&String::from_utf8_lossy(body))
    };
    if let (Value::Object(params), Value::Object(posted)) = (&mut params, posted) {
        merge(params, posted);
    }
    params
}

fn merge(params: &mut Map<String, Value>, posted: Map<String, Value>) {
    for (key, value) in posted {
        params.insert(key, value);
    }
}

fn respond(reply: Reply, headers: &HeaderMap) -> Response {
    let accepts = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let gzip = accepts.is_some_and(|value| value.contains("gzip")) && reply.body.len() >= MIN_GZIP;
    let packed = if gzip { pack(&reply.body).ok() } else { None };
    let encoded = packed.is_some();
    let mut response = Response::new(Body::from(packed.unwrap_or(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let into = response.headers_mut();
    into.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    if encoded {
        into.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    into.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn pack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
