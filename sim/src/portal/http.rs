//! HTTP: addresses, credentials, parameters, the limit, faults, redirects, compression.

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

use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::envelope::{Stopwatch, wrap};
use super::fault::Fault;
use super::oauth::{Place, Worth};
use super::operating::Reading;
use super::params::Params;
use super::wire::{Door, Peer};
use super::{State, batch, door, live, methods, pace, php};

/// Longest request body in bytes.
const MAX_BODY: usize = 64 << 20;

/// Shortest body in bytes that is worth compressing.
const MIN_GZIP: usize = 1_024;

/// What a server's requests share: the portal and the scheme of its address.
#[derive(Clone)]
struct Desk {
    state: Arc<State>,
    scheme: &'static str,
}

/// Serves until `stop` is ready.
pub(crate) async fn serve(
    door: Door,
    state: Arc<State>,
    scheme: &'static str,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Desk { state, scheme })
        .into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(door, router).with_graceful_shutdown(stop).await;
    if let Err(error) = served {
        tracing::error!(%error, "the portal's server ended");
    }
}

/// An answer before it is sent.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    /// Where the client is sent.
    pub(crate) location: Option<String>,
}

impl Reply {
    /// A JSON answer.
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            kind: "application/json; charset=utf-8",
            body,
            location: None,
        }
    }

    /// A page for a browser.
    fn page(status: u16, html: &str) -> Self {
        Self {
            status,
            kind: "text/html; charset=utf-8",
            body: html.into(),
            location: None,
        }
    }

    /// A redirect.
    fn moved(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::page(302, "")
        }
    }

    fn refusal(refusal: &Refusal) -> Self {
        Self::json(refusal.status, refusal.json())
    }
}

async fn handle(
    Shared(Desk { state, scheme }): Shared<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    verb: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let query = uri.query().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("127.0.0.1");
    let base = format!("{scheme}://{host}");
    let reply = if let Some(room) = path.strip_prefix("/_sim/") {
        door::open(&state, &verb, (&base, room), query, &body)
    } else if let Some(rest) = path.strip_prefix("/oauth/") {
        sign_in(&state, &base, rest, &parameters(query, &headers, &body))
    } else if let Some(rest) = path.strip_prefix("/rest/") {
        match elsewhere(&state, host, &uri) {
            Some(moved) => moved,
            None => {
                let asked = Asked {
                    scheme,
                    query,
                    headers: &headers,
                    body: &body,
                };
                call(&state, &peer, rest, &asked).await
            }
        }
    } else {
        let page =
            "<!DOCTYPE html><html><head><title>Bitrix24</title></head><body>404</body></html>";
        Reply::page(404, page)
    };
    respond(reply, &headers)
}

/// What a request brings besides its path.
struct Asked<'a> {
    scheme: &'static str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a Bytes,
}

/// Where a request is sent when the portal has moved, or its licence has run out.
fn elsewhere(state: &State, host: &str, uri: &Uri) -> Option<Reply> {
    let manners = state.manners();
    if manners.expired_licence {
        return Some(Reply::moved("/bitrix/coupon.php".to_owned()));
    }
    let target = manners.renamed_to?;
    let there = target
        .split_once("://")
        .map_or(target.as_str(), |(_, there)| there);
    if there == host {
        return None;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some(Reply::moved(format!("{target}{path}")))
}

/// The authorisation server.
fn sign_in(state: &State, base: &str, room: &str, params: &Value) -> Reply {
    let scope = state.manners().scope;
    let place = Place {
        base,
        scope: &scope,
        now: state.seconds(),
    };
    let params = Params::new(params);
    match room.trim_end_matches('/') {
        "token" => {
            let (status, body) = state.oauth().token(&params, &place);
            state
                .journal()
                .note("oauth.token", "/oauth/token/".to_owned(), status, 0, 0);
            Reply::json(status, body.to_string().into_bytes())
        }
        "authorize" => match state.oauth().authorize(&params, &place) {
            Ok(address) => Reply::moved(address),
            Err(page) => Reply::page(
                200,
                &format!("<!DOCTYPE html><html><body>{page}</body></html>"),
            ),
        },
        _ => Reply::page(404, "<!DOCTYPE html><html><body>404</body></html>"),
    }
}

/// One REST request, from its path after `/rest/`.
async fn call(state: &State, peer: &Peer, path: &str, asked: &Asked<'_>) -> Reply {
    let watch = Stopwatch::new(state.ahead());
    let parts: Vec<&str> = path.trim_end_matches('/').splitn(3, '/').collect();
    let method = methods::name(parts.last().copied().unwrap_or_default());
    let fault = state.faults().take(&method);
    if let Some(wish) = fault.as_ref().and_then(|fault| fault.live.as_ref()) {
        // It was read when the fault was queued.
        if let Err(error) = live::happen(state, wish) {
            tracing::warn!(%error, "a queued event could not happen");
        }
    }
    let reply = match &fault {
        Some(fault) if fault.status.is_some() || fault.body.is_some() => spoilt(fault),
        _ => {
            let params = parameters(asked.query, asked.headers, asked.body);
            if state.manners().https_required && asked.scheme == "http" {
                Reply::refusal(&Refusal::bad("INVALID_REQUEST", "Https required"))
            } else if state.admit(peer.source()) {
                serve_call(state, &parts, &method, &params, asked, &watch).await
            } else {
                let text = "Too many requests";
                Reply::refusal(&Refusal::new(503, "QUERY_LIMIT_EXCEEDED", text))
            }
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
            location: None,
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

/// Credentials, the method itself, and the time that it takes.
async fn serve_call(
    state: &State,
    parts: &[&str],
    method: &str,
    params: &Value,
    asked: &Asked<'_>,
    watch: &Stopwatch,
) -> Reply {
    let params = Params::new(params);
    let outcome = authorise(state, parts, &params, asked.headers)
        .and_then(|caller| answered(state, &caller, method, &params, watch));
    match outcome {
        Ok((answer, reading)) => {
            let extra = state.page_time(answer.pages);
            let body = wrap(&answer, state.zone(), watch, extra, reading);
            let Answer { pages, .. } = answer;
            pace::work(Duration::from_millis(state.page_ms * u64::from(pages))).await;
            Reply::json(200, body)
        }
        Err(refusal) => Reply::refusal(&refusal),
    }
}

/// Carries out a call and bills it.
fn answered(
    state: &State,
    caller: &Caller,
    method: &str,
    params: &Params<'_>,
    watch: &Stopwatch,
) -> Result<(Answer, Option<Reading>), Refusal> {
    if method == "batch" {
        return batch::run(state, caller, params, watch);
    }
    if state.blocked(caller, method) {
        return Err(Refusal::operating());
    }
    let answer = methods::call(state, caller, method, params)?;
    let reading = state.bill(caller, method, state.cost(answer.pages));
    Ok((answer, reading))
}

/// `{user}/{code}/{method}` with the right code, or a method with an application's token. Without a
/// user the portal takes the code for a method.
fn authorise(
    state: &State,
    parts: &[&str],
    params: &Params<'_>,
    headers: &HeaderMap,
) -> Result<Caller, Refusal> {
    let caller = |user, app| Caller::new(&state.company(), &state.manners(), user, app);
    match parts[..] {
        [user, code, _] if user == "1" && code == state.secret => Ok(caller(1, false)),
        [_, _, _] => {
            let text = "Invalid request credentials";
            Err(Refusal::new(401, "INVALID_CREDENTIALS", text))
        }
        [_, _] => Err(Refusal::new(
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        )),
        _ => {
            let bearer = headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok());
            let bearer = bearer
                .and_then(|text| text.strip_prefix("Bearer "))
                .map(str::to_owned);
            let token = params
                .text("auth")
                .or(bearer)
                .filter(|token| !token.is_empty());
            let Some(token) = token else {
                let text = "Wrong authorization data";
                return Err(Refusal::new(401, "NO_AUTH_FOUND", text));
            };
            match state.oauth().worth(&token, state.seconds()) {
                Worth::Of(user) => Ok(caller(user, true)),
                Worth::Expired => {
                    let text = "The access token provided has expired.";
                    Err(Refusal::new(401, "expired_token", text))
                }
                Worth::Unknown => {
                    let text = "Unable to get application by token";
                    Err(Refusal::new(401, "invalid_token", text))
                }
            }
        }
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
    if let Some(location) = reply
        .location
        .and_then(|to| HeaderValue::from_str(&to).ok())
    {
        into.insert(header::LOCATION, location);
    }
    into.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn pack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
