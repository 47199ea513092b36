//! A Bitrix24 portal on loopback: the REST methods that planfact calls, `batch`, the literal
//! request limit, operating time, sign-in, offline events, real envelopes and errors, TLS, and a
//! management door for tests at `/_sim/`.

mod access;
mod answer;
mod batch;
mod bucket;
mod change;
mod condition;
mod directories;
mod door;
mod envelope;
mod events;
mod fault;
mod field;
mod goods;
mod http;
mod items;
mod journal;
mod list;
mod live;
mod methods;
mod oauth;
mod operating;
mod pace;
mod params;
mod php;
mod rows;
mod settings;
mod specs;
mod tables;
mod tls;
mod wire;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock;
use crate::company::Company;
use access::Caller;
use bucket::Buckets;
use events::{Events, What};
use fault::Faults;
use field::Entity;
use journal::Journal;
use oauth::OAuth;
pub use operating::{Billing, Operating};
use operating::{Meter, Reading};
use settings::Manners;

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
    /// How operating time is counted.
    pub operating: Operating,
    /// A second address that speaks TLS with a self-signed certificate.
    pub tls: Option<SocketAddr>,
    /// Events of the company's life a minute; 0 is none.
    pub live_per_minute: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            plan: Plan::Standard,
            page_ms: 0,
            secret: None,
            operating: Operating::default(),
            tls: None,
            live_per_minute: 0,
        }
    }
}

/// The portal's second address.
pub struct Secured {
    /// `https://127.0.0.1:PORT`.
    pub base: String,
    /// The webhook at this address.
    pub webhook_url: String,
    /// The self-signed certificate as PEM, for a client's file of trusted authorities.
    pub certificate: String,
}

/// A running portal; it stops when dropped.
pub struct Portal {
    /// Its address without a slash at the end: `http://127.0.0.1:PORT`.
    pub base: String,
    /// The webhook that a client is configured with: `{base}/rest/1/SECRET/`.
    pub webhook_url: String,
    /// The address that speaks TLS, when it was asked for.
    pub secured: Option<Secured>,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Portal {
    /// Starts a portal with this company behind it.
    ///
    /// # Errors
    /// When an address cannot be listened on, or the certificate cannot be made.
    pub async fn start(company: Company, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let secret = options.secret.clone().unwrap_or_else(random_secret);
        let webhook_url = format!("{base}/rest/1/{secret}/");
        let state = Arc::new(State::new(company, &options, secret.clone()));
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // Sent or dropped: both mean "stop".
            let _ = stopped.changed().await;
        };
        let door = wire::Door::new(listener, None)?;
        let served = http::serve(door, Arc::clone(&state), "http", until(stopped.clone()));
        let mut servers = vec![tokio::spawn(served)];
        let mut secured = None;
        if let Some(address) = options.tls {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            let identity = tls::identity(address.ip())?;
            let door = wire::Door::new(listener, Some(identity.acceptor))?;
            let served = http::serve(door, Arc::clone(&state), "https", until(stopped.clone()));
            servers.push(tokio::spawn(served));
            let base = format!("https://{address}");
            secured = Some(Secured {
                webhook_url: format!("{base}/rest/1/{secret}/"),
                base,
                certificate: identity.certificate,
            });
        }
        if options.live_per_minute > 0 {
            let state = Arc::clone(&state);
            servers.push(tokio::spawn(live_on(
                state,
                options.live_per_minute,
                stopped,
            )));
        }
        Ok(Self {
            base,
            webhook_url,
            secured,
            state,
            stop,
            servers,
        })
    }

    /// The application that is installed on the portal: `client_id`, `client_secret`, `member_id`,
    /// and where to sign in.
    #[must_use]
    pub fn application(&self) -> Value {
        self.state.application(&self.base)
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

    /// Lets the company live for a while, as `POST /_sim/live` does.
    ///
    /// # Errors
    /// A sentence about the first key that is unknown or wrong.
    pub fn live(&self, wish: &Value) -> Result<Value, String> {
        live::happen(&self.state, wish)
    }

    /// Stops listening; answers under way get two seconds.
    pub async fn stop(self) {
        let Self { stop, servers, .. } = self;
        // The servers may already be gone.
        let _ = stop.send(true);
        for server in servers {
            let abort = server.abort_handle();
            if tokio::time::timeout(STOP_WAIT, server).await.is_err() {
                abort.abort();
            }
        }
    }
}

/// Lets one thing happen after another until the portal stops.
async fn live_on(state: Arc<State>, per_minute: u32, mut stopped: watch::Receiver<bool>) {
    let pause = Duration::from_secs(60) / per_minute;
    for seed in 1_u64.. {
        tokio::select! {
            () = pace::work(pause) => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = live::happen(&state, &json!({"seed": seed})) {
            tracing::warn!(%error, "the company's life stumbled");
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

/// Everything that requests share.
pub(crate) struct State {
    company: RwLock<Company>,
    manners: RwLock<Manners>,
    buckets: Mutex<Buckets>,
    meter: Mutex<Meter>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    oauth: Mutex<OAuth>,
    events: Mutex<Events>,
    /// The plan and the rules of operating time at the start, for a reset.
    born: (Plan, Operating),
    page_ms: u64,
    secret: String,
    begun: Instant,
    /// Seconds that the portal's clock goes ahead of the real one.
    ahead_s: AtomicI64,
}

/// A lock, whoever held it before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn new(company: Company, options: &Options, secret: String) -> Self {
        Self {
            company: RwLock::new(company),
            manners: RwLock::new(Manners::new(options.operating)),
            buckets: Mutex::new(Buckets::new(options.plan)),
            meter: Mutex::default(),
            faults: Mutex::default(),
            journal: Mutex::default(),
            oauth: Mutex::new(OAuth::new()),
            events: Mutex::default(),
            born: (options.plan, options.operating),
            page_ms: options.page_ms,
            secret,
            begun: Instant::now(),
            ahead_s: AtomicI64::new(0),
        }
    }

    fn company(&self) -> RwLockReadGuard<'_, Company> {
        self.company.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn company_mut(&self) -> RwLockWriteGuard<'_, Company> {
        self.company.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn manners(&self) -> Manners {
        let manners = self.manners.read();
        manners.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_manners(&self, manners: Manners) {
        *self.manners.write().unwrap_or_else(PoisonError::into_inner) = manners;
    }

    fn operating(&self) -> Operating {
        let manners = self.manners.read();
        manners.unwrap_or_else(PoisonError::into_inner).operating
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    fn oauth(&self) -> MutexGuard<'_, OAuth> {
        locked(&self.oauth)
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        locked(&self.events)
    }

    fn note_command(&self, method: &str) {
        self.journal().command(method);
    }

    fn zone(&self) -> Tz {
        self.company().zone
    }

    fn plan(&self) -> Plan {
        locked(&self.buckets).plan()
    }

    fn set_plan(&self, plan: Plan) {
        *locked(&self.buckets) = Buckets::new(plan);
    }

    /// The portal's clock.
    fn now(&self) -> DateTime<Utc> {
        clock::now() + TimeDelta::seconds(self.ahead())
    }

    /// The same in Unix seconds with a fraction.
    fn seconds(&self) -> f64 {
        self.now().timestamp_micros() as f64 / 1e6
    }

    fn ahead(&self) -> i64 {
        self.ahead_s.load(Ordering::Relaxed)
    }

    /// Puts the portal's clock forward.
    fn forward(&self, seconds: u32) {
        self.ahead_s.fetch_add(seconds.into(), Ordering::Relaxed);
    }

    /// Seconds that the server works on so many list pages.
    fn page_time(&self, pages: u32) -> f64 {
        self.page_ms as f64 * f64::from(pages) / 1e3
    }

    /// Seconds that so many list pages are billed with.
    fn cost(&self, pages: u32) -> f64 {
        let each = self.page_ms + self.operating().extra_ms;
        each as f64 * f64::from(pages) / 1e3
    }

    /// Whether a method has used up its operating time.
    fn blocked(&self, caller: &Caller, method: &str) -> bool {
        let (rules, now) = (self.operating(), self.seconds());
        locked(&self.meter).blocked(rules, &caller.key, method, now)
    }

    /// Bills operating time; what the answer says about it, nothing where nobody counts.
    fn bill(&self, caller: &Caller, method: &str, seconds: f64) -> Option<Reading> {
        let (rules, now) = (self.operating(), self.seconds());
        if rules.billing == Billing::Off {
            return None;
        }
        Some(locked(&self.meter).bill(rules, &caller.key, method, now, seconds))
    }

    /// What the answer says about a method's operating time.
    fn reading(&self, caller: &Caller, method: &str) -> Option<Reading> {
        let (rules, now) = (self.operating(), self.seconds());
        if rules.billing == Billing::Off {
            return None;
        }
        Some(locked(&self.meter).read(rules, &caller.key, method, now))
    }

    /// Asks the bucket of an address for one request.
    fn admit(&self, source: IpAddr) -> bool {
        let ahead = u64::try_from(self.ahead()).unwrap_or(0);
        let second = self.begun.elapsed().as_secs() + ahead;
        locked(&self.buckets).admit(source, second)
    }

    /// Tells the subscribers of offline events; a silent change is told to nobody.
    fn announce(&self, entity: Entity, what: Option<What>, id: u32) {
        if let Some(what) = what {
            let at = self.now().timestamp();
            self.events().happened(entity, what, id, at);
        }
    }

    /// The installed application, as the ready line and the door show it.
    fn application(&self, base: &str) -> Value {
        let oauth = self.oauth();
        json!({
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret,
            "member_id": oauth.member_id,
            "authorize_url": format!("{base}/oauth/authorize/"),
            "token_url": format!("{base}/oauth/token/"),
        })
    }

    /// Forgets requests, faults and operating time, empties the buckets, restores the manners.
    fn reset(&self) {
        let (plan, operating) = self.born;
        *self.journal() = Journal::default();
        self.faults().clear();
        self.set_plan(plan);
        *locked(&self.meter) = Meter::default();
        self.set_manners(Manners::new(operating));
    }
}
