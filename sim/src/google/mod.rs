//! Google on loopback: the token endpoint, Drive v3, Sheets v4 with formulas, and pages for people.
//!
//! Built from Google's discovery documents and from recorded traffic. Everything is in memory and
//! gone when the simulator stops.

mod auth;
mod bulk;
mod census;
mod conn;
mod drive;
mod http;
mod oauth;
mod pages;
mod quota;
mod sheets;
mod stage;
mod wire;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, Uri, header};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::auth::ServiceAccount;
use self::conn::{Cut, CuttingListener};
use self::http::Reply;
use self::world::{Fixed, Target, World};
use crate::clock;
use crate::fault::{FaultKind, wait_ms};

/// Bytes that a request may have.
const MAX_BODY: usize = 128 * 1024 * 1024;
/// Bytes of an answer's head, about: where a truncated answer is cut.
const HEAD_BYTES: usize = 150;

/// How the simulator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; loopback only, port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether the Sheets quotas hold (60 reads and 60 writes a minute and user).
    pub quotas: bool,
    /// Whether any bearer token is taken for the first person.
    pub accept_any_token: bool,
    /// E-mail addresses of the shared drive's human members.
    pub people: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            quotas: true,
            accept_any_token: false,
            people: vec!["owner@example.com".to_owned()],
        }
    }
}

type Shared = Arc<Mutex<World>>;

/// A running simulator. Dropping it stops it.
pub struct Google {
    /// Address without a slash at the end, such as `http://127.0.0.1:4040`.
    pub endpoint: String,
    /// Id of a folder in a shared drive that the service account may write to.
    pub folder: String,
    /// The service account's key file; its token address is the simulator's.
    pub credentials: Value,
    world: Shared,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is left out.
        f.debug_struct("Google")
            .field("endpoint", &self.endpoint)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Google {
    /// Starts the simulator.
    ///
    /// # Errors
    /// The address is not loopback or taken, or no key could be made.
    pub async fn start(options: Options) -> io::Result<Google> {
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the Google simulator listens on loopback only, not on {}; use 127.0.0.1",
                    options.listen
                ),
            ));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let account = tokio::task::spawn_blocking(ServiceAccount::generate)
            .await
            .map_err(io::Error::other)?
            .map_err(io::Error::other)?;
        let credentials = account.key_file(&endpoint);
        let fixed = Fixed {
            endpoint: endpoint.clone(),
            account,
            people: options.people,
            quotas: options.quotas,
            accept_any_token: options.accept_any_token,
        };
        let world = World::new(fixed, clock::now());
        let folder = world.folder.clone();
        let world: Shared = Arc::new(Mutex::new(world));
        let app = router(Arc::clone(&world)).into_make_service_with_connect_info::<Cut>();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let served = axum::serve(CuttingListener(listener), app)
                .with_graceful_shutdown(async move {
                    let _ = stopped.await;
                })
                .await;
            if let Err(e) = served {
                tracing::error!(error = %e, "the Google simulator stopped serving");
            }
        });
        Ok(Google {
            endpoint,
            folder,
            credentials,
            world,
            stop: Some(stop),
            task,
        })
    }

    /// Requests seen so far, as `GET /_sim/requests` tells them.
    #[must_use]
    pub fn requests(&self) -> Value {
        lock(&self.world).census.json()
    }

    /// Queues faults, a list as `POST /_sim/faults` takes it; tells how many.
    ///
    /// # Errors
    /// A sentence that says what is not a fault.
    pub fn queue_faults(&self, faults: &Value) -> Result<usize, String> {
        lock(&self.world).faults.push(faults)
    }

    /// Puts spreadsheets there as if they had been for long; a list as `POST /_sim/seed` takes it.
    ///
    /// # Errors
    /// A sentence that says which one cannot be made.
    pub fn seed(&self, list: &Value) -> Result<usize, String> {
        lock(&self.world).seed(list, clock::now())
    }

    /// Forgets the faults that are still queued.
    pub fn clear_faults(&self) {
        lock(&self.world).faults.clear();
    }

    /// Stops the simulator; open connections end with it.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // Idle keep-alive connections would hold a graceful end up.
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(world: Shared) -> Router {
    Router::new()
        .route("/_sim/requests", get(requests))
        .route("/_sim/reset", post(reset))
        .route("/_sim/faults", post(faults).delete(no_faults))
        .route("/_sim/seed", post(seed))
        .route("/_sim/oauth", post(sign_in))
        .merge(pages::router())
        .fallback(handle)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(world)
}

async fn requests(State(world): State<Shared>) -> Response<Body> {
    let json = lock(&world).census.json();
    response(Reply::json(&json))
}

async fn reset(State(world): State<Shared>) -> Response<Body> {
    lock(&world).reset(clock::now());
    response(Reply::json(&json!({"reset": true})))
}

async fn faults(State(world): State<Shared>, body: Bytes) -> Response<Body> {
    managed(&body, |value| {
        let queued = lock(&world).faults.push(value)?;
        Ok(json!({ "queued": queued }))
    })
}

async fn no_faults(State(world): State<Shared>) -> Response<Body> {
    lock(&world).faults.clear();
    response(Reply::json(&json!({"queued": 0})))
}

async fn seed(State(world): State<Shared>, body: Bytes) -> Response<Body> {
    managed(&body, |value| {
        let seeded = lock(&world).seed(value, clock::now())?;
        Ok(json!({ "seeded": seeded }))
    })
}

async fn sign_in(State(world): State<Shared>, body: Bytes) -> Response<Body> {
    managed(&body, |value| {
        let mut world = lock(&world);
        let first = world.fixed.people.first().cloned().unwrap_or_default();
        world.tokens.manage(value, &first)?;
        Ok(json!({"done": true}))
    })
}

/// Answers a management request with JSON, or with 400 and what is wrong.
fn managed(body: &[u8], act: impl FnOnce(&Value) -> Result<Value, String>) -> Response<Body> {
    let done = serde_json::from_slice(body)
        .map_err(|e| format!("not JSON: {e}"))
        .and_then(|value| act(&value));
    response(match done {
        Ok(value) => Reply::json(&value),
        Err(error) => Reply::json_with(400, &json!({ "error": error })),
    })
}

/// Every request that is neither a page nor management.
async fn handle(
    State(world): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let began = Instant::now();
    let mut request = match wire::read(&method, &uri, &headers, &body, MAX_BODY) {
        Ok(request) => request,
        Err(refusal) => return response(*refusal),
    };
    let target = Target::of(&request.method, &request.path);
    wire::spell(&mut request, &target);
    let fault = lock(&world).faults.take(target.id());
    if let Some(fault) = fault.as_ref().filter(|f| f.kind == FaultKind::SlowMs) {
        wait_ms(fault.ms).await;
    }
    let kind = fault.as_ref().map(|f| f.kind);
    // A recalculation takes its time: keep it off the threads that serve connections.
    let served = tokio::task::spawn_blocking(move || {
        lock(&world).serve(&request, &target, fault.as_ref(), clock::now(), began)
    })
    .await;
    let reply = served.unwrap_or_else(|e| {
        tracing::error!(error = %e, "a request made the simulator fail");
        Reply::json_with(
            500,
            &json!({"error": {
                "code": 500, "message": "Internal error encountered.", "status": "INTERNAL",
            }}),
        )
    });
    match kind {
        Some(FaultKind::Reset | FaultKind::BeforeApply | FaultKind::AfterApply) => cut.after(0),
        Some(FaultKind::Truncate) => cut.after(HEAD_BYTES + reply.body.len() / 2),
        _ => {}
    }
    response(reply)
}

fn response(reply: Reply) -> Response<Body> {
    let status = if reply.status == 0 { 503 } else { reply.status };
    let mut builder = Response::builder().status(status);
    if !reply.content_type.is_empty() {
        builder = builder.header(header::CONTENT_TYPE, reply.content_type);
    }
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    builder
        .header(header::CACHE_CONTROL, "private")
        .header(header::VARY, "Origin, X-Origin, Referer")
        .body(Body::from(reply.body))
        .unwrap_or_else(|_| Response::new(Body::empty()))
}
