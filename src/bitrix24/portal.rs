//! The portal over HTTP: one JSON POST a request, counted before it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::Future;
use reqwest::header::LOCATION;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, Semaphore};

use super::address::Address;
use super::command::{Command, key};
use super::envelope::{self, BatchAnswer, Envelope};
use super::error::{BitrixError, Kind, REDIRECT};
use super::limit::{Allowance, Bucket};
use super::operating::Meter;
use super::sign_in::{SignIn, Tokens};
use super::wire::{Entity, Face, Listing, is_enterprise};
use super::{Options, transport};
use crate::clock::{Clock, Stopwatch, System};
use crate::retry::{self, Decision, Policy};

/// Commands in one batch at most (the portal's limit).
pub const COMMANDS_MAX: usize = 50;
/// Rows on a page (the portal's, fixed).
pub const PAGE_ROWS: usize = 50;

/// After a refusal for too many requests.
const RATE_PAUSE: Duration = Duration::from_secs(2);
/// When the portal does not say when a method's time of execution is given back.
const OPERATION_PAUSE: Duration = Duration::from_secs(60);
/// Operating time comes back within ten minutes, so the total leaves room for that.
const POLICY: Policy = Policy {
    attempts_max: 6,
    first_delay: Duration::from_secs(1),
    delay_max: Duration::from_secs(30),
    total_max: Duration::from_secs(900),
};
/// The portal's code for an access token whose hour is over.
const EXPIRED: &str = "expired_token";

/// A connection to a portal.
#[derive(Debug)]
pub struct Portal {
    http: reqwest::Client,
    address: RwLock<Address>,
    /// Present where an application is signed in; a webhook needs nothing of the kind.
    sign_in: Option<SignIn>,
    bucket: RwLock<Arc<Bucket>>,
    /// Whether the portal itself says what its tariff allows: of an application, where nothing else is
    /// said.
    asks_tariff: bool,
    meter: Meter,
    policy: Policy,
    face: Face,
    batches_in_flight: usize,
    /// Requests under way; held while one is sent, not while it waits for its method's rest.
    flights: Semaphore,
    /// Told when a method's rest begins, or a request begins to wait for it.
    rest_begun: Notify,
    requests: Mutex<BTreeMap<String, u64>>,
    moved: RwLock<Option<String>>,
}

impl Portal {
    /// Makes the connection ready; asks nothing yet.
    ///
    /// # Errors
    /// When the address, the CA file or the kept sign-in cannot be used.
    pub fn new(options: &Options) -> Result<Portal, BitrixError> {
        let mut sign_in = match &options.application {
            Some(application) => Some(SignIn::load(application.clone())?),
            None => None,
        };
        let address = match &mut sign_in {
            Some(sign_in) => sign_in.address()?,
            None => Address::parse(&options.webhook_url)?,
        };
        let http = transport::client(options.ca_file.as_deref(), address.is_encrypted())?;
        let allowance = allowance_of(options.enterprise == Some(true));
        let batches_in_flight = options.batches_in_flight.max(1);
        Ok(Portal {
            http,
            bucket: RwLock::new(Bucket::of(&address.host(), allowance)),
            asks_tariff: sign_in.is_some() && options.enterprise.is_none(),
            address: RwLock::new(address),
            sign_in,
            meter: Meter::default(),
            policy: POLICY,
            face: options.face,
            batches_in_flight,
            flights: Semaphore::new(batches_in_flight),
            rest_begun: Notify::new(),
            requests: Mutex::default(),
            moved: RwLock::default(),
        })
    }

    /// The same connection with another patience.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Portal {
        self.policy = policy;
        self
    }

    /// HTTP requests sent so far, by method; a batch is one.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// HTTP requests sent so far.
    pub fn requests_total(&self) -> u64 {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }

    /// What the portal allows.
    pub fn allowance(&self) -> Allowance {
        self.bucket().allowance()
    }

    fn bucket(&self) -> Arc<Bucket> {
        let bucket = self.bucket.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&bucket)
    }

    /// The command by which a portal is asked for its tariff; none where that is settled.
    pub fn tariff_command(&self) -> Option<Command> {
        self.asks_tariff.then(|| Command::new("app.info"))
    }

    /// Takes the answer to [`Portal::tariff_command`]: from the next request on, as many go as the
    /// tariff allows. An answer that cannot be read changes nothing.
    pub fn learn_tariff(&self, answer: &Result<Value, BitrixError>) {
        let Ok(info) = answer else { return };
        if !self.asks_tariff || !info.is_object() {
            return;
        }
        let allowance = allowance_of(is_enterprise(info));
        if allowance != self.allowance() {
            tracing::info!(
                per_second = allowance.per_second,
                "the portal's tariff allows so much"
            );
            let bucket = Bucket::of(&self.host(), allowance);
            *self.bucket.write().unwrap_or_else(PoisonError::into_inner) = bucket;
        }
    }

    /// The portal's host, which may be shown.
    pub fn host(&self) -> String {
        self.address
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .host()
    }

    /// The host to which the portal has redirected us, if it has.
    pub fn moved_to(&self) -> Option<String> {
        self.moved
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn batches_in_flight(&self) -> usize {
        self.batches_in_flight
    }

    /// Whether a method's time of execution is used up for now.
    pub(super) fn rests(&self, method: &str) -> bool {
        self.meter.rest([method, "batch"]).is_some()
    }

    /// Waits until a method's rest begins or a request begins to wait for it.
    pub(super) async fn rest_begun(&self) {
        self.rest_begun.notified().await;
    }

    /// How a kind of record is listed here.
    pub(super) fn listing(&self, entity: Entity) -> Listing {
        entity.listing(self.face)
    }

    /// Whether an application is signed in; it knows its tariff and the portal's events.
    pub fn is_application(&self) -> bool {
        self.sign_in.is_some()
    }

    /// Calls a method and gives its `result`, trying again when that may help.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn call(&self, method: &str, params: &Value) -> Result<Value, BitrixError> {
        let doing = format!("calling {method}");
        self.patiently(true, || async {
            Ok(self.send(method, params, &doing).await?.result)
        })
        .await
    }

    /// Calls up to 50 commands in one request, trying the request again when that may help. Each
    /// command has its own result.
    ///
    /// # Errors
    /// The last attempt's, when the request as a whole failed.
    pub async fn batch(
        &self,
        commands: &[Command],
    ) -> Result<Vec<Result<Value, BitrixError>>, BitrixError> {
        let answer = self.patiently(true, || self.batch_once(commands)).await?;
        Ok(answer.answers)
    }

    /// Tries an operation again as long as its error says that this may help. With `whole`, a
    /// time-out is tried again too; without, the caller will try something smaller.
    pub(super) async fn patiently<T, F, Fut>(&self, whole: bool, op: F) -> Result<T, BitrixError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, BitrixError>>,
    {
        retry::retry(&self.policy, |error| decision(error, whole), op).await
    }

    /// One batch request, once. Waits first as long as one of its methods rests.
    pub(super) async fn batch_once(
        &self,
        commands: &[Command],
    ) -> Result<BatchAnswer, BitrixError> {
        let cmd: Map<String, Value> = commands
            .iter()
            .enumerate()
            .map(|(n, command)| (key(n), Value::String(command.text())))
            .collect();
        let doing = match commands {
            [one] => format!("calling {}", one.method()),
            [first, ..] => format!("calling {} and {} more", first.method(), commands.len() - 1),
            [] => "calling nothing".to_owned(),
        };
        let methods: BTreeSet<&str> = commands.iter().map(Command::method).collect();
        while let Some(rest) = self.meter.rest(methods.iter().copied().chain(["batch"])) {
            let seconds = rest.as_secs();
            tracing::info!(seconds, "the portal's operating time is used up; waiting");
            self.rest_begun.notify_one();
            retry::pause(rest).await;
        }
        let envelope = {
            // Never closed, so that this waits and does not fail.
            let _flight = self.flights.acquire().await;
            self.send("batch", &json!({"halt": 0, "cmd": cmd}), &doing)
                .await?
        };
        let mut answer = envelope::split(commands, envelope, &doing)?;
        let told = commands.iter().zip(&answer.times);
        for (command, time) in told {
            self.meter.note(command.method(), time);
        }
        for (command, result) in commands.iter().zip(&mut answer.answers) {
            if let Err(error) = result {
                error.by_application = self.sign_in.is_some();
                self.note_refusal(error, command.method());
            }
        }
        Ok(answer)
    }

    /// Sends one request and reads its envelope; follows the portal once when it has moved, and
    /// renews an application's tokens once when they have expired.
    async fn send(&self, method: &str, body: &Value, doing: &str) -> Result<Envelope, BitrixError> {
        let (mut followed, mut renewed) = (false, false);
        loop {
            let bucket = self.bucket();
            bucket.take().await;
            let tokens = match &self.sign_in {
                Some(sign_in) => Some(sign_in.tokens().await),
                None => None,
            };
            let address = self
                .address
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            self.count(method);
            let watch = Stopwatch::start();
            let mut request = self.http.post(address.method(method));
            request = match &tokens {
                Some(tokens) => request.json(&with_token(body, tokens)),
                None => request.json(body),
            };
            let scrub = |text: &str| match &tokens {
                Some(tokens) => SignIn::scrub(text, tokens),
                None => address.scrub(text),
            };
            let answer = request
                .send()
                .await
                .map_err(|error| transport::failed(error, scrub, doing))?;
            let status = answer.status();
            if status.is_redirection() {
                let location = answer.headers().get(LOCATION);
                let location = location.and_then(|to| to.to_str().ok());
                self.follow(&address, location, followed, doing)?;
                followed = true;
                continue;
            }
            let bytes = transport::body(&address, answer, doing).await?;
            match envelope::read(status, &bytes, doing) {
                Ok(mut envelope) => {
                    self.meter.note(method, &envelope.time);
                    envelope.took = watch.elapsed();
                    return Ok(envelope);
                }
                Err(refusal) => {
                    self.meter.note(method, &refusal.time);
                    let mut error = refusal.error;
                    error.by_application = tokens.is_some();
                    error.description = scrub(&error.description);
                    let expired = error.code.eq_ignore_ascii_case(EXPIRED);
                    if let (Some(sign_in), Some(used), true, false) =
                        (&self.sign_in, &tokens, expired, renewed)
                    {
                        let new = sign_in.renew(used).await?;
                        self.turn_to(&new)?;
                        renewed = true;
                        continue;
                    }
                    self.note_refusal(&mut error, method);
                    return Err(error);
                }
            }
        }
    }

    /// Counts a request.
    fn count(&self, method: &str) {
        *self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(method.to_owned())
            .or_default() += 1;
    }

    /// Takes note of a refusal that concerns a limit, and adds what is known of its end.
    fn note_refusal(&self, error: &mut BitrixError, method: &str) {
        match &mut error.kind {
            Kind::RateLimited => self.bucket().fill(),
            Kind::OperationTime { reset_at } => {
                self.meter.refused(method);
                self.rest_begun.notify_one();
                *reset_at = self.meter.reset_at(method);
            }
            _ => {}
        }
    }

    /// Turns to the REST address of new tokens: a portal may have been renamed.
    fn turn_to(&self, tokens: &Tokens) -> Result<(), BitrixError> {
        let address = Address::of_endpoint(tokens.client_endpoint())?;
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = address;
        Ok(())
    }

    /// Turns to the host of a redirect, or refuses to.
    fn follow(
        &self,
        address: &Address,
        location: Option<&str>,
        followed: bool,
        doing: &str,
    ) -> Result<(), BitrixError> {
        let moved = location
            .filter(|_| !followed)
            .and_then(|to| address.moved_to(to));
        let Some(moved) = moved else {
            return Err(BitrixError::own(
                Kind::NeedsHuman,
                REDIRECT,
                "the portal redirects to somewhere that is no portal".to_owned(),
                doing,
            ));
        };
        tracing::warn!(
            from = address.host(),
            to = moved.host(),
            "the portal has moved"
        );
        *self.moved.write().unwrap_or_else(PoisonError::into_inner) = Some(moved.host());
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = moved;
        Ok(())
    }
}

fn allowance_of(is_enterprise: bool) -> Allowance {
    if is_enterprise {
        Allowance::ENTERPRISE
    } else {
        Allowance::STANDARD
    }
}

/// Whether to try again, and when. A batch whose methods rest waits for that by itself, so the wait
/// for operating time is only what a single call has to wait.
pub(super) fn decision(error: &BitrixError, whole: bool) -> Decision {
    match &error.kind {
        Kind::Transient if error.is_timeout() && !whole => Decision::Stop,
        Kind::Transient => Decision::Retry,
        Kind::RateLimited => Decision::RetryAfter(RATE_PAUSE),
        Kind::OperationTime { reset_at } => {
            let until = reset_at.map(|at| (at - System.now()).to_std().unwrap_or_default());
            Decision::RetryAfter(until.unwrap_or(OPERATION_PAUSE) + RATE_PAUSE)
        }
        _ => Decision::Stop,
    }
}

/// The parameters of a method with the token of whoever calls it.
fn with_token(body: &Value, tokens: &Tokens) -> Value {
    let mut body = body.clone();
    if let Value::Object(map) = &mut body {
        map.insert("auth".to_owned(), json!(tokens.access()));
    }
    body
}
