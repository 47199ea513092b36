//! A Bitrix24 portal on loopback: the REST methods that planfact calls, `batch`, the literal
//! request limit, real envelopes and errors, and a management door for tests at `/_sim/`.

mod answer;
mod batch;
mod bucket;
mod change;
mod door;
mod envelope;
mod fault;
mod field;
mod http;
mod journal;
mod list;
mod methods;
mod pace;
mod params;
mod php;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::company::Company;
use bucket::Bucket;
use fault::Faults;
use journal::Journal;

/// How long a stopping portal waits for answers under way.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Letters of a webhook's code.
const SECRET_LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Length of a webhook's code.
const SECRET_LENGTH: usize = 16;

/// The portal's tariff, as far as its request limit goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// Blocks while the counter exceeds 50; 2 a second drain.
    #[default]
    Standard,
    /// Blocks while the counter exceeds 250; 5 a second drain.
    Enterprise,
    /// No limit.
    Unlimited,
}

/// How to start a portal.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The tariff.
    pub plan: Plan,
    /// Milliseconds that the server works on one list page.
    pub page_ms: u64,
    /// The webhook's code; a random one when not given.
    pub secret: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            plan: Plan::Standard,
            page_ms: 0,
            secret: None,
        }
    }
}

/// A running portal; it stops when dropped.
pub struct Portal {
    /// Its address without a slash at the end: `http://127.0.0.1:PORT`.
    pub base: String,
    /// The webhook that a client is configured with: `{base}/rest/1/SECRET/`.
    pub webhook_url: String,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Portal {
    /// Starts a portal with this company behind it.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(company: Company, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let secret = options.secret.unwrap_or_else(random_secret);
        let webhook_url = format!("{base}/rest/1/{secret}/");
        let state = Arc::new(State {
            company: RwLock::new(company),
            manners: RwLock::new(Manners::default()),
            bucket: Mutex::new(Bucket::new(options.plan)),
            faults: Mutex::default(),
            journal: Mutex::default(),
            plan: options.plan,
            page_ms: options.page_ms,
            secret,
            begun: Instant::now(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = http::serve(listener, Arc::clone(&state), async move {
            // Sent or dropped: both mean "stop".
            let _ = stopped.await;
        });
        let server = tokio::spawn(server);
        Ok(Self {
            base,
            webhook_url,
            state,
            stop,
            server,
        })
    }

    /// What was asked since the start or the last reset: `total`, `by_method`, `by_status`,
    /// `commands` (methods inside batches) and a `log` of the last thousand requests.
    #[must_use]
    pub fn requests(&self) -> Value {
        self.state.journal().json()
    }

    /// The last day on which something happened in the company, in its zone.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.state.company().last_day()
    }

    /// Queues faults, one object or a list, as `POST /_sim/faults` takes them.
    ///
    /// # Errors
    /// A sentence about the first key that is unknown or wrong.
    pub fn queue_faults(&self, faults: &Value) -> Result<usize, String> {
        self.state.faults().add(faults)
    }

    /// Stops listening; answers under way get two seconds.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        // The server may already be gone.
        let _ = stop.send(());
        let abort = server.abort_handle();
        if tokio::time::timeout(STOP_WAIT, server).await.is_err() {
            abort.abort();
        }
    }
}

fn random_secret() -> String {
    let mut random = StdRng::from_os_rng();
    let letters = (0..SECRET_LENGTH).map(|_| {
        let at = random.random_range(0..SECRET_LETTERS.len());
        char::from(SECRET_LETTERS[at])
    });
    letters.collect()
}

/// What a test can change about the portal besides its rows.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// crm.settings.mode.get: 1 classic, 2 simple (no leads).
    mode: u8,
    /// Whether the webhook's owner is an administrator.
    admin: bool,
    /// Scopes of the webhook.
    scope: Vec<String>,
}

impl Default for Manners {
    fn default() -> Self {
        let scope = ["crm", "department", "user"].map(str::to_owned).to_vec();
        Self {
            mode: 1,
            admin: true,
            scope,
        }
    }
}

/// Everything that requests share.
pub(crate) struct State {
    company: RwLock<Company>,
    manners: RwLock<Manners>,
    bucket: Mutex<Bucket>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    plan: Plan,
    page_ms: u64,
    secret: String,
    begun: Instant,
}

impl State {
    fn company(&self) -> RwLockReadGuard<'_, Company> {
        self.company.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn company_mut(&self) -> RwLockWriteGuard<'_, Company> {
        self.company.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn manners(&self) -> Manners {
        self.manners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_command(&self, method: &str) {
        self.journal().command(method);
    }

    fn zone(&self) -> Tz {
        self.company().zone
    }

    /// Seconds that the server works on so many list pages.
    fn page_time(&self, pages: u32) -> f64 {
        self.page_ms as f64 * f64::from(pages) / 1e3
    }

    /// Asks the bucket for one request.
    fn admit(&self) -> bool {
        let second = self.begun.elapsed().as_secs();
        self.bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(second)
    }

    /// Forgets requests and faults, empties the bucket, restores the manners.
    fn reset(&self) {
        *self.journal() = Journal::default();
        self.faults().clear();
        *self.bucket.lock().unwrap_or_else(PoisonError::into_inner) = Bucket::new(self.plan);
        *self.manners.write().unwrap_or_else(PoisonError::into_inner) = Manners::default();
    }
}
