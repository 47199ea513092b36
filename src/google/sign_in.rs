//! Signing in: a service account's key or a user's consent becomes an access token, fetched once
//! for all who need it and renewed before it ends.
//!
//! A daemon never asks a person: a refused refresh is an error with a remedy, not a login page.
//! Asking is [`consent`]'s, which only `planfact init --google` calls.
//!
//! Nothing of yup-oauth2 runs here, only its type for a key file is used: it writes tokens to the
//! debug log, loses the status of a refusal, cannot date a request back for a clock that runs ahead,
//! pads the JWT (which RFC 7515 forbids), knows one address for users, asks a person when a refresh
//! fails, and its dialogue has neither PKCE nor `state`.

mod consent;
mod credentials;
mod endpoint;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Shared};

use chrono::{DateTime, TimeDelta, Utc};
use google_sheets4::common::GetToken;
use tokio::sync::Mutex;

use super::error::{Cause, GoogleError, Kind};
use super::transport::{self, Connector, TokenClient};
use crate::clock::Clock;

pub use consent::{DevicePrompt, sign_in_by_device, sign_in_interactively};

use credentials::Who;
use endpoint::Tokens;

/// What the daemon asks for: its spreadsheets' cells, and files to find, copy and share.
pub(super) const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/spreadsheets",
];
/// A token is renewed so long before it ends.
const RENEW_BEFORE: TimeDelta = TimeDelta::seconds(300);
/// A request for a token is dated back by this, for a clock that runs ahead.
const BACKDATED: TimeDelta = TimeDelta::seconds(10);
/// A clock that differs from Google's by more is named as a cause.
const SKEW_TOLD: TimeDelta = TimeDelta::seconds(60);
/// Lifetime of a token that does not tell its own.
const LIFETIME_DEFAULT: TimeDelta = TimeDelta::seconds(3600);
/// A consent to an application in "Testing" ends after seven days; found out up to a day later.
const SEVEN_DAYS: std::ops::Range<TimeDelta> = TimeDelta::days(7)..TimeDelta::days(8);
/// What requests for tokens are counted under.
pub(super) const TOKEN_ID: &str = "oauth2.token";

/// Requests sent, by method id.
pub(super) type Counted = Arc<Shared<BTreeMap<String, u64>>>;

/// One more request of a method.
pub(super) fn count(counted: &Counted, id: &str) {
    if let Ok(mut counted) = counted.lock() {
        *counted.entry(id.to_string()).or_default() += 1;
    }
}

/// A token and its life.
#[derive(Default)]
struct Held {
    token: Option<String>,
    renew_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// The refresh token was replaced and the file does not say so yet.
    unsaved: bool,
}

struct Inner {
    who: Who,
    path: PathBuf,
    client: TokenClient,
    clock: Box<dyn Clock>,
    counted: Counted,
    /// Its lock is the single flight: who comes while a token is fetched waits for that one.
    held: Mutex<Held>,
    /// How many tokens were fetched.
    generation: AtomicU64,
}

/// The source of access tokens for both hubs.
#[derive(Clone)]
pub(super) struct SignIn(Arc<Inner>);

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignIn({})", self.account())
    }
}

impl SignIn {
    /// Reads the credentials; no network. `subject` is the person in whose name a service account
    /// is to work.
    pub(super) fn new(
        path: &Path,
        subject: Option<&str>,
        connector: &Connector,
        clock: Box<dyn Clock>,
        counted: Counted,
    ) -> Result<SignIn, GoogleError> {
        let who = credentials::read(path, subject)?;
        Ok(SignIn(Arc::new(Inner {
            who,
            path: path.to_path_buf(),
            client: transport::token_client(connector),
            clock,
            counted,
            held: Mutex::new(Held::default()),
            generation: AtomicU64::new(0),
        })))
    }

    /// The e-mail that Google knows us by, if the credentials tell it.
    pub(super) fn email(&self) -> Option<&str> {
        match &self.0.who {
            Who::Service(account) => Some(account.subject.as_deref().unwrap_or(&account.email)),
            Who::User(_) => None,
        }
    }

    /// Whether a service account works in its own name, and so owns no storage.
    pub(super) fn is_without_storage(&self) -> bool {
        matches!(&self.0.who, Who::Service(account) if account.subject.is_none())
    }

    /// The account's e-mail, whom it works for, or "OAuth user".
    pub(super) fn account(&self) -> String {
        match &self.0.who {
            Who::Service(account) => match &account.subject {
                Some(subject) => format!("{subject} (by {})", account.email),
                None => account.email.clone(),
            },
            Who::User(_) => "OAuth user".to_string(),
        }
    }

    /// The present instant.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Which token is in use; given back to [`SignIn::forget`] when Google refuses it.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Google refused the token of that generation: the next call fetches another, unless somebody
    /// already did.
    pub(super) async fn forget(&self, generation: u64) {
        let mut held = self.0.held.lock().await;
        if self.generation() == generation {
            held.token = None;
        }
    }

    /// A valid token.
    pub(super) async fn token(&self) -> Result<String, GoogleError> {
        let mut held = self.0.held.lock().await;
        let now = self.0.clock.now();
        if held.unsaved {
            self.save()?;
            held.unsaved = false;
        }
        if let Some(token) = held.token.as_ref().filter(|_| now < held.renew_at) {
            return Ok(token.clone());
        }
        match self.fetch(&mut held.unsaved).await {
            Ok(tokens) => {
                let lifetime = tokens.lifetime.unwrap_or(LIFETIME_DEFAULT);
                held.ends_at = now + lifetime;
                held.renew_at = held.ends_at - RENEW_BEFORE.min(lifetime / 2);
                held.token = Some(tokens.access.clone());
                self.0.generation.fetch_add(1, Ordering::AcqRel);
                Ok(tokens.access)
            }
            Err(error) => match held.token.as_ref().filter(|_| now < held.ends_at) {
                // The old one still serves; the next call asks again.
                Some(token) if error.kind == Kind::Transient => Ok(token.clone()),
                _ => Err(error),
            },
        }
    }

    /// Asks for a token; one that comes with a new refresh token is used only when that is kept.
    async fn fetch(&self, unsaved: &mut bool) -> Result<Tokens, GoogleError> {
        let doing = format!("signing in to Google as {}", self.account());
        let (address, form) = self.request(&doing)?;
        count(&self.0.counted, TOKEN_ID);
        let answer = endpoint::post(&self.0.client, &address, form, self.now(), &doing).await?;
        let tokens = answer.tokens(&doing).map_err(|mut error| {
            error.cause = self.cause(&error.reason, answer.skew);
            error
        })?;
        if let (Some(new), Who::User(consent)) = (&tokens.refresh, &self.0.who) {
            let rotated = consent
                .lock()
                .map(|mut consent| {
                    let rotated = consent.refresh_token != *new;
                    consent.refresh_token.clone_from(new);
                    rotated
                })
                .unwrap_or(false);
            if rotated {
                // Google may have ended the old one already: what is not on the disk is lost with
                // this process. Should the file not take it, the next call tries again.
                *unsaved = true;
                self.save()?;
                *unsaved = false;
                tracing::info!("the refresh token was replaced and kept");
            }
        }
        Ok(tokens)
    }

    /// Writes the consent with its present refresh token.
    fn save(&self) -> Result<(), GoogleError> {
        let Who::User(consent) = &self.0.who else {
            return Ok(());
        };
        let consent = consent.lock().map(|consent| consent.clone());
        consent.map_or(Ok(()), |consent| consent.keep(&self.0.path))
    }

    /// Where to ask for a token, and the form to post there.
    fn request(&self, doing: &str) -> Result<(String, String), GoogleError> {
        let broken =
            |message| GoogleError::new(Kind::SignIn, "unreadable_credentials", message, doing);
        match &self.0.who {
            Who::Service(account) => {
                let assertion = account
                    .assertion(self.now())
                    .ok_or_else(|| broken("`private_key` cannot sign"))?;
                let form = endpoint::form(&[
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ]);
                Ok((account.token_uri.clone(), form))
            }
            Who::User(consent) => {
                let consent = consent
                    .lock()
                    .map_err(|_| broken("the consent is lost to a failed thread"))?;
                let form = endpoint::form(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", &consent.client_id),
                    ("client_secret", &consent.client_secret),
                    ("refresh_token", &consent.refresh_token),
                ]);
                Ok((consent.token_uri.clone(), form))
            }
        }
    }

    /// What is behind a refusal: the word is the same for a wrong clock, a deleted key, an ended
    /// consent and a person who is not of the domain, so the rest is looked at.
    fn cause(&self, reason: &str, skew: Option<TimeDelta>) -> Option<Cause> {
        match (&self.0.who, reason) {
            (Who::Service(account), "unauthorized_client" | "invalid_grant" | "access_denied") => {
                let skewed = skew.filter(|skew| skew.abs() > SKEW_TOLD);
                match (skewed, &account.subject, reason) {
                    (Some(skew), _, "invalid_grant") => Some(Cause::Clock(skew.num_seconds())),
                    (_, Some(subject), _) => Some(Cause::Subject(subject.clone())),
                    (_, None, "invalid_grant") => Some(Cause::Key),
                    _ => None,
                }
            }
            (Who::User(consent), "invalid_grant") => {
                let given = consent.lock().ok().and_then(|consent| consent.consented_at);
                let age = given.map(|given| self.now() - given);
                Some(match age {
                    Some(age) if SEVEN_DAYS.contains(&age) => Cause::SevenDays,
                    _ => Cause::Consent,
                })
            }
            _ => None,
        }
    }
}

impl GetToken for SignIn {
    fn get_token<'a>(
        &'a self,
        _scopes: &'a [&str],
    ) -> Pin<
        Box<
            dyn Future<Output = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>>
                + Send
                + 'a,
        >,
    > {
        Box::pin(async move { Ok(Some(self.token().await?)) })
    }
}
