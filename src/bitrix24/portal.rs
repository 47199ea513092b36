//! The portal over HTTP: one JSON POST a request, counted before it is sent.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use futures::Future;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use serde_json::{Map, Value, json};

use super::Options;
use super::address::Address;
use super::command::{Command, key};
use super::error::{
    BitrixError, CERTIFICATE, FORM, HTML, Kind, NETWORK, REDIRECT, TIMEOUT, TRUNCATED,
};
use super::limit::{Allowance, Bucket};
use super::wire::{form_of, time};
use crate::clock::{Clock, Stopwatch, System};
use crate::retry::{self, Decision, Policy};

/// Commands in one batch at most (the portal's limit).
pub const COMMANDS_MAX: usize = 50;
/// Rows on a page (the portal's, fixed).
pub const PAGE_ROWS: usize = 50;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The portal cuts a request off after 60 s.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(70);
/// Nothing the portal sends us is larger; 2,500 rows are about 1 MB.
const BODY_BYTES_MAX: usize = 64 << 20;
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

/// A connection to a portal.
#[derive(Debug)]
pub struct Portal {
    http: reqwest::Client,
    address: RwLock<Address>,
    bucket: Arc<Bucket>,
    policy: Policy,
    batches_in_flight: usize,
    requests: Mutex<BTreeMap<String, u64>>,
    /// When a method's operating time is given back, as last told.
    resets: Mutex<HashMap<String, DateTime<Utc>>>,
    moved: RwLock<Option<String>>,
}

/// The good answer to one request.
#[derive(Debug)]
struct Envelope {
    result: Value,
    /// When the portal began, by its own clock.
    began: Option<DateTime<FixedOffset>>,
    /// How long the request took, without the wait for its turn.
    took: Duration,
}

/// The answer to a batch, in the order of its commands.
#[derive(Debug)]
pub(super) struct BatchAnswer {
    /// The result of each command.
    pub(super) answers: Vec<Result<Value, BitrixError>>,
    /// The start of the next page, where the portal has told one.
    pub(super) nexts: Vec<Option<u64>>,
    /// When the portal began, by its own clock.
    pub(super) began: Option<DateTime<FixedOffset>>,
    /// How long the request took, without the wait for its turn.
    pub(super) took: Duration,
}

impl Portal {
    /// Makes the connection ready; asks nothing yet.
    ///
    /// # Errors
    /// When the address or the CA file cannot be used.
    pub fn new(options: &Options) -> Result<Portal, BitrixError> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = Address::parse(&options.webhook_url)?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .gzip(true)
            .user_agent(concat!("planfact/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &options.ca_file {
            builder = builder.tls_certs_merge(certificates(file)?);
        } else if !address.is_encrypted() {
            // No certificate is ever looked at, so a machine without any must do as well.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            BitrixError::own(
                Kind::NeedsHuman,
                CERTIFICATE,
                chain(&error),
                "preparing encrypted connections",
            )
        })?;
        let allowance = if options.enterprise {
            Allowance::ENTERPRISE
        } else {
            Allowance::STANDARD
        };
        Ok(Portal {
            http,
            bucket: Bucket::of(&address.host(), allowance),
            address: RwLock::new(address),
            policy: POLICY,
            batches_in_flight: options.batches_in_flight.max(1),
            requests: Mutex::default(),
            resets: Mutex::default(),
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
        self.bucket.allowance()
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
        let decide = |error: &BitrixError| match &error.kind {
            Kind::Transient if error.is_timeout() && !whole => Decision::Stop,
            Kind::Transient => Decision::Retry,
            Kind::RateLimited => Decision::RetryAfter(RATE_PAUSE),
            Kind::OperationTime { reset_at } => {
                let until = reset_at.map(|at| (at - System.now()).to_std().unwrap_or_default());
                Decision::RetryAfter(until.unwrap_or(OPERATION_PAUSE) + RATE_PAUSE)
            }
            _ => Decision::Stop,
        };
        retry::retry(&self.policy, decide, op).await
    }

    /// One batch request, once.
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
        let envelope = self
            .send("batch", &json!({"halt": 0, "cmd": cmd}), &doing)
            .await?;
        self.split(commands, envelope, &doing)
    }

    /// Takes a batch's answer apart.
    fn split(
        &self,
        commands: &[Command],
        envelope: Envelope,
        doing: &str,
    ) -> Result<BatchAnswer, BitrixError> {
        let Value::Object(mut parts) = envelope.result else {
            return Err(unreadable("a batch's result is not a map", doing));
        };
        let mut part = |name: &str| php_map(parts.remove(name), name, doing);
        let (mut results, mut errors) = (part("result")?, part("result_error")?);
        let (nexts, times) = (part("result_next")?, part("result_time")?);
        let mut answer = BatchAnswer {
            answers: Vec::with_capacity(commands.len()),
            nexts: Vec::with_capacity(commands.len()),
            began: envelope.began,
            took: envelope.took,
        };
        for (n, command) in commands.iter().enumerate() {
            let key = key(n);
            if let Some(time) = times.get(&key) {
                self.note_reset(command.method(), time);
            }
            let doing = format!("calling {}", command.method());
            answer
                .answers
                .push(match (errors.remove(&key), results.remove(&key)) {
                    (Some(error), _) => {
                        let error = BitrixError::from_body(&wrapped(error), &doing);
                        Err(self.with_reset(error, command.method()))
                    }
                    (None, Some(result)) => Ok(result),
                    (None, None) => Err(BitrixError::own(
                        Kind::Transient,
                        TRUNCATED,
                        "the batch's answer leaves the command out".to_owned(),
                        &doing,
                    )),
                });
            answer.nexts.push(nexts.get(&key).and_then(whole));
        }
        Ok(answer)
    }

    /// Sends one request and reads its envelope; follows the portal once when it has moved.
    async fn send(&self, method: &str, body: &Value, doing: &str) -> Result<Envelope, BitrixError> {
        let mut followed = false;
        loop {
            self.bucket.take().await;
            let address = self
                .address
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            *self
                .requests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(method.to_owned())
                .or_default() += 1;
            let watch = Stopwatch::start();
            let answer = self
                .http
                .post(address.method(method))
                .json(body)
                .send()
                .await
                .map_err(|error| network(&address, error, doing))?;
            let status = answer.status();
            if !status.is_redirection() {
                let bytes = read_body(&address, answer, doing).await?;
                let mut envelope = self.read(&address, method, status, &bytes, doing)?;
                envelope.took = watch.elapsed();
                return Ok(envelope);
            }
            let location = answer
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            self.follow(&address, location, followed, doing)?;
            followed = true;
        }
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

    /// Reads a body: data, an error, or neither.
    fn read(
        &self,
        address: &Address,
        method: &str,
        status: StatusCode,
        bytes: &[u8],
        doing: &str,
    ) -> Result<Envelope, BitrixError> {
        let mut body: Value = match serde_json::from_slice(bytes) {
            Ok(body) => body,
            Err(error) => return Err(not_json(status, bytes, &error, doing)),
        };
        if let Some(time) = body.get("time") {
            self.note_reset(method, time);
        }
        if body.get("error").is_some() || !status.is_success() {
            let mut error = if body.get("error").is_some() {
                BitrixError::from_body(&body, doing)
            } else {
                let kind = if status.is_server_error() {
                    Kind::Transient
                } else {
                    Kind::Permanent
                };
                let text = format!("status {} without an error code", status.as_u16());
                BitrixError::own(kind, FORM, text, doing)
            };
            if error.kind == Kind::RateLimited {
                self.bucket.empty();
            }
            error.description = address.scrub(&error.description);
            return Err(self.with_reset(error, method));
        }
        let began = body
            .pointer("/time/date_start")
            .and_then(Value::as_str)
            .and_then(time);
        match body.get_mut("result") {
            Some(result) => Ok(Envelope {
                result: result.take(),
                began,
                took: Duration::ZERO,
            }),
            None => Err(unreadable(
                &format!("{} without result and error came", form_of(&body)),
                doing,
            )),
        }
    }

    /// Remembers when a method's operating time is given back.
    fn note_reset(&self, method: &str, time: &Value) {
        let reset = match time.get("operating_reset_at") {
            Some(Value::Number(seconds)) => seconds
                .as_i64()
                .and_then(|s| DateTime::from_timestamp(s, 0)),
            Some(Value::String(text)) => super::wire::time(text).map(|t| t.to_utc()),
            _ => None,
        };
        if let Some(reset) = reset {
            self.resets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(method.to_owned(), reset);
        }
    }

    /// Adds what is known about the end of a method's block.
    fn with_reset(&self, mut error: BitrixError, method: &str) -> BitrixError {
        if let Kind::OperationTime { reset_at } = &mut error.kind {
            let resets = self.resets.lock().unwrap_or_else(PoisonError::into_inner);
            *reset_at = resets.get(method).or_else(|| resets.get("batch")).copied();
        }
        error
    }
}

/// A CA file's certificates.
fn certificates(file: &std::path::Path) -> Result<Vec<reqwest::Certificate>, BitrixError> {
    let refuse = |why: String| {
        let text = format!("{}: {why}", file.display());
        BitrixError::own(Kind::NeedsHuman, CERTIFICATE, text, "reading the CA file")
    };
    let pem = std::fs::read(file).map_err(|error| refuse(error.to_string()))?;
    let all = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| refuse(chain(&e)))?;
    if all.is_empty() {
        return Err(refuse("it holds no certificate in PEM form".to_owned()));
    }
    Ok(all)
}

/// Reads a body up to a limit.
async fn read_body(
    address: &Address,
    mut answer: reqwest::Response,
    doing: &str,
) -> Result<Vec<u8>, BitrixError> {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_BYTES_MAX => {
                return Err(unreadable(
                    "the answer is larger than any of a portal's",
                    doing,
                ));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(network(address, error, doing)),
        }
    }
}

/// An error of the way to the portal.
fn network(address: &Address, error: reqwest::Error, doing: &str) -> BitrixError {
    let error = error.without_url();
    let text = address.scrub(&chain(&error));
    let (kind, code) = if text.contains("certificate") {
        (Kind::NeedsHuman, CERTIFICATE)
    } else if error.is_timeout() {
        (Kind::Transient, TIMEOUT)
    } else if error.is_builder() {
        (Kind::Permanent, FORM)
    } else {
        (Kind::Transient, NETWORK)
    };
    BitrixError::own(kind, code, text, doing)
}

/// What to think of a body that is not JSON. Its text is not shown: it may be anything.
fn not_json(
    status: StatusCode,
    bytes: &[u8],
    error: &serde_json::Error,
    doing: &str,
) -> BitrixError {
    let status_number = status.as_u16();
    if matches!(
        status,
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT
    ) {
        let text = format!("the portal ran out of time (status {status_number})");
        return BitrixError::own(Kind::Transient, TIMEOUT, text, doing);
    }
    let begins_with = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins_with == Some(&b'<') || status.is_server_error() {
        let text = format!("a web page came instead of data (status {status_number})");
        return BitrixError::own(Kind::Transient, HTML, text, doing);
    }
    if error.is_eof() {
        let text = format!("the answer ended early (status {status_number})");
        return BitrixError::own(Kind::Transient, TRUNCATED, text, doing);
    }
    unreadable(
        &format!("the answer is not JSON (status {status_number})"),
        doing,
    )
}

fn unreadable(what: &str, doing: &str) -> BitrixError {
    BitrixError::own(Kind::Unreadable, FORM, what.to_owned(), doing)
}

/// A map as PHP writes it: an empty one is `[]`.
fn php_map(
    value: Option<Value>,
    name: &str,
    doing: &str,
) -> Result<Map<String, Value>, BitrixError> {
    match value {
        Some(Value::Object(map)) => Ok(map),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Some(other) => Err(unreadable(
            &format!("a batch's {name} is {}", form_of(&other)),
            doing,
        )),
    }
}

/// An entry of `result_error` is usually a map, sometimes only the code.
fn wrapped(error: Value) -> Value {
    if error.is_object() {
        error
    } else {
        json!({"error": error})
    }
}

fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// An error with its causes, which often say more than the error itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text: &dyn Display = &cause;
        let cause_text = cause_text.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
