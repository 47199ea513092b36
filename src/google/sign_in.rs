//! Signing in: a service account's key or a user's consent becomes an access token, fetched once
//! for all who need it and renewed before it ends.
//!
//! A daemon never asks a person: a refused refresh is an error with a remedy, not a login page.
//! Asking is [`sign_in_interactively`], which `init` calls.
//!
//! The two grants are made here and not by yup-oauth2: it writes tokens to the debug log, loses the
//! status of a refusal, cannot date a request back for a clock that runs ahead, pads the JWT (which
//! RFC 7515 forbids), knows one address for users, and asks a person when a refresh fails. The
//! dialogue of `init` is its own.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Shared};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use google_sheets4::common::GetToken;
use google_sheets4::yup_oauth2 as yup;
use http_body_util::BodyExt;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::RsaSigningKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;
use yup::storage::{TokenStorage, TokenStorageError};

use super::error::{self, GoogleError, Kind};
use super::transport::{self, Connector, TokenClient};
use crate::clock::Clock;

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
/// Longest wait for a token.
const FETCH_MAX: Duration = Duration::from_secs(30);
/// Lifetime of a token that does not tell its own.
const LIFETIME_DEFAULT: TimeDelta = TimeDelta::seconds(3600);
/// Longest wait for a person to consent.
const CONSENT_MAX: Duration = Duration::from_secs(600);
/// Where a user's refresh token is exchanged when the file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// A user's consent, as `gcloud` and `planfact init` write it.
#[derive(Clone, Serialize, Deserialize)]
struct UserSecret {
    #[serde(rename = "type")]
    kind: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
    #[serde(default = "default_token_uri")]
    token_uri: String,
}

fn default_token_uri() -> String {
    TOKEN_URI.to_string()
}

/// Reads a credentials file and says what is wrong with it.
fn read(path: &Path) -> Result<Who, GoogleError> {
    let doing = format!("reading Google credentials from {}", path.display());
    let refuse =
        |reason: &str, message: &str| Err(GoogleError::new(Kind::SignIn, reason, message, &doing));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return refuse("unreadable_credentials", &error.to_string()),
    };
    // Positions, never contents: the file is a secret.
    let json: serde_json::Value = match serde_json::from_str(&text) {
        Ok(json) => json,
        Err(error) => {
            let place = format!(
                "not JSON (line {}, column {})",
                error.line(),
                error.column()
            );
            return refuse("unreadable_credentials", &place);
        }
    };
    match json["type"].as_str() {
        Some("service_account") => service_key(json, &doing),
        Some("authorized_user") => match serde_json::from_value::<UserSecret>(json) {
            Ok(secret) => {
                check_token_uri(&secret.token_uri, &doing)?;
                Ok(Who::User(secret))
            }
            Err(error) => refuse("unreadable_credentials", &error.to_string()),
        },
        Some(other) => {
            let message = format!("credentials of type {other:?} are not supported");
            refuse("unknown_credentials", &message)
        }
        None if json.get("installed").is_some() || json.get("web").is_some() => refuse(
            "unknown_credentials",
            "this is an OAuth client without anybody's consent: sign in once with `planfact init`",
        ),
        None => refuse("unknown_credentials", "the file has no \"type\""),
    }
}

fn service_key(json: serde_json::Value, doing: &str) -> Result<Who, GoogleError> {
    let refuse =
        |message: &str| GoogleError::new(Kind::SignIn, "unreadable_credentials", message, doing);
    let file: yup::ServiceAccountKey =
        serde_json::from_value(json).map_err(|error| refuse(&error.to_string()))?;
    check_token_uri(&file.token_uri, doing)?;
    let private = PrivateKeyDer::from_pem_slice(file.private_key.as_bytes())
        .map_err(|_| refuse("`private_key` is not a PEM key"))?;
    let key =
        RsaSigningKey::new(&private).map_err(|_| refuse("`private_key` is not an RSA key"))?;
    Ok(Who::Service(Box::new(ServiceAccount {
        email: file.client_email,
        key_id: file.private_key_id,
        token_uri: file.token_uri,
        key: Box::new(key),
    })))
}

impl ServiceAccount {
    /// A signed request for a token, valid for an hour, dated back a little.
    fn assertion(&self, now: DateTime<Utc>) -> Option<String> {
        let issued = now.timestamp() - BACKDATED.num_seconds();
        let mut head = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            head["kid"] = json!(id);
        }
        let claims = json!({"iss": self.email, "aud": self.token_uri, "scope": SCOPES.join(" "),
            "iat": issued, "exp": issued + LIFETIME_DEFAULT.num_seconds()});
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!(
            "{}.{}",
            encode(head.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let signer = self
            .key
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
        let signature = signer.sign(text.as_bytes()).ok()?;
        Some(format!("{text}.{}", encode(&signature)))
    }
}

fn check_token_uri(uri: &str, doing: &str) -> Result<(), GoogleError> {
    match Url::parse(uri) {
        Ok(url) => transport::check_address(&url, doing),
        Err(error) => {
            let message = format!("`token_uri` is not an address: {error}");
            Err(GoogleError::new(
                Kind::SignIn,
                "unreadable_credentials",
                &message,
                doing,
            ))
        }
    }
}

/// A service account that can sign.
struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    token_uri: String,
    key: Box<dyn SigningKey>,
}

/// Who signs in.
enum Who {
    Service(Box<ServiceAccount>),
    User(UserSecret),
}

/// A token and its life.
#[derive(Default)]
struct Held {
    token: Option<String>,
    renew_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

struct Inner {
    who: Who,
    client: TokenClient,
    clock: Box<dyn Clock>,
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
    /// Reads the credentials; no network.
    pub(super) fn new(
        path: &Path,
        connector: &Connector,
        clock: Box<dyn Clock>,
    ) -> Result<SignIn, GoogleError> {
        let who = read(path)?;
        Ok(SignIn(Arc::new(Inner {
            who,
            client: transport::token_client(connector),
            clock,
            held: Mutex::new(Held::default()),
            generation: AtomicU64::new(0),
        })))
    }

    /// The account's e-mail, if the credentials tell it.
    pub(super) fn email(&self) -> Option<&str> {
        match &self.0.who {
            Who::Service(account) => Some(&account.email),
            Who::User(_) => None,
        }
    }

    /// The account's e-mail, or "OAuth user".
    pub(super) fn account(&self) -> String {
        self.email().unwrap_or("OAuth user").to_string()
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
        if let Some(token) = held.token.as_ref().filter(|_| now < held.renew_at) {
            return Ok(token.clone());
        }
        match self.fetch().await {
            Ok((token, lifetime)) => {
                let lifetime = lifetime.unwrap_or(LIFETIME_DEFAULT);
                held.ends_at = now + lifetime;
                held.renew_at = held.ends_at - RENEW_BEFORE.min(lifetime / 2);
                held.token = Some(token.clone());
                self.0.generation.fetch_add(1, Ordering::AcqRel);
                Ok(token)
            }
            Err(error) => match held.token.as_ref().filter(|_| now < held.ends_at) {
                // The old one still serves; the next call asks again.
                Some(token) if error.kind == Kind::Transient => Ok(token.clone()),
                _ => Err(error),
            },
        }
    }

    async fn fetch(&self) -> Result<(String, Option<TimeDelta>), GoogleError> {
        let doing = format!("signing in to Google as {}", self.account());
        let (address, form) = self.request(&doing)?;
        let asked = self.ask(address, form, &doing);
        tokio::time::timeout(FETCH_MAX, asked)
            .await
            .unwrap_or_else(|_| {
                let message = format!("no answer within {} s", FETCH_MAX.as_secs());
                Err(GoogleError::new(
                    Kind::Transient,
                    "timeout",
                    &message,
                    &doing,
                ))
            })
    }

    /// Where to ask for a token, and the form to post there.
    fn request(&self, doing: &str) -> Result<(&str, String), GoogleError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let address = match &self.0.who {
            Who::Service(account) => {
                let assertion = account.assertion(self.now()).ok_or_else(|| {
                    let message = "`private_key` cannot sign";
                    GoogleError::new(Kind::SignIn, "unreadable_credentials", message, doing)
                })?;
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &assertion);
                &account.token_uri
            }
            Who::User(secret) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("client_id", &secret.client_id);
                form.append_pair("client_secret", &secret.client_secret);
                form.append_pair("refresh_token", &secret.refresh_token);
                &secret.token_uri
            }
        };
        Ok((address, form.finish()))
    }

    /// Posts a form to the token endpoint.
    async fn ask(
        &self,
        address: &str,
        form: String,
        doing: &str,
    ) -> Result<(String, Option<TimeDelta>), GoogleError> {
        let request = hyper::Request::post(address)
            .header(
                hyper::header::CONTENT_TYPE,
                "application/x-www-form-urlencoded",
            )
            .body(form)
            .map_err(|error| GoogleError::invalid(&error.to_string(), doing))?;
        let network = |error: &dyn std::error::Error| {
            GoogleError::new(Kind::Transient, "network", &error::chain(error), doing)
        };
        let answer = self
            .0
            .client
            .request(request)
            .await
            .map_err(|error| network(&error))?;
        let (head, body) = answer.into_parts();
        let date = head
            .headers
            .get(hyper::header::DATE)
            .and_then(|date| date.to_str().ok());
        let skew = date
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map(|date| self.now() - date.to_utc());
        let body = body.collect().await.map_err(|error| network(&error))?;
        read_token(head.status.as_u16(), &body.to_bytes(), doing).map_err(|mut error| {
            if let Some(skew) = skew.filter(|skew| skew.abs() > SKEW_TOLD) {
                error.message +=
                    &format!("; this machine's clock is off by {} s", skew.num_seconds());
            }
            error
        })
    }
}

fn no_token(doing: &str) -> GoogleError {
    GoogleError::new(Kind::SignIn, "", "the answer holds no access token", doing)
}

/// The token endpoint's answer.
fn read_token(
    status: u16,
    body: &[u8],
    doing: &str,
) -> Result<(String, Option<TimeDelta>), GoogleError> {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else {
        let mut told = error::from_text(status, &String::from_utf8_lossy(body), doing);
        if told.status == Some(200) {
            told.kind = Kind::Transient;
        }
        return Err(told);
    };
    if let Some(reason) = answer["error"].as_str() {
        let said = answer["error_description"]
            .as_str()
            .unwrap_or("no explanation given");
        return Err(refusal(reason, said, Some(status), doing));
    }
    if status != 200 {
        return Err(error::from_envelope(&answer, Some(status), doing));
    }
    let lifetime = answer["expires_in"].as_i64().map(TimeDelta::seconds);
    match answer["access_token"].as_str() {
        Some(token) => Ok((token.to_string(), lifetime)),
        None => Err(no_token(doing)),
    }
}

/// A refusal of the token endpoint: anything not known to pass is for a person.
fn refusal(reason: &str, said: &str, status: Option<u16>, doing: &str) -> GoogleError {
    let kind = match error::kind_of(reason, status) {
        kind @ (Kind::Transient | Kind::RateLimited) => kind,
        _ => Kind::SignIn,
    };
    let mut told = GoogleError::new(kind, reason, said, doing);
    told.status = status;
    told
}

fn from_yup(error: &yup::Error, doing: &str) -> GoogleError {
    match error {
        yup::Error::AuthError(refused) => {
            let said = refused
                .error_description
                .as_deref()
                .unwrap_or("no explanation given");
            refusal(refused.error.as_str(), said, None, doing)
        }
        yup::Error::HttpError(_) | yup::Error::HttpClientError(_) => {
            GoogleError::new(Kind::Transient, "network", &error::chain(error), doing)
        }
        yup::Error::JSONError(_) => {
            let message = "the token endpoint's answer is not JSON";
            GoogleError::new(Kind::Transient, "", message, doing)
        }
        other => GoogleError::new(Kind::SignIn, "", &other.to_string(), doing),
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

/// Keeps the refresh token that the consent brought.
#[derive(Clone, Default)]
struct Caught(Arc<Shared<Option<String>>>);

impl TokenStorage for Caught {
    fn set<'a, 'b, 'c, 'd>(
        &'a self,
        _scopes: &'b [&'c str],
        token: yup::storage::TokenInfo,
    ) -> Pin<Box<dyn Future<Output = Result<(), TokenStorageError>> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        Box::pin(async move {
            if let Ok(mut caught) = self.0.lock() {
                *caught = token.refresh_token;
            }
            Ok(())
        })
    }

    fn get<'a, 'b, 'c, 'd>(
        &'a self,
        _scopes: &'b [&'c str],
    ) -> Pin<Box<dyn Future<Output = Option<yup::storage::TokenInfo>> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        Box::pin(async { None })
    }
}

/// Tells the person where to consent.
struct Shown<F>(F);

impl<F: Fn(&str) + Send + Sync> yup::authenticator_delegate::InstalledFlowDelegate for Shown<F> {
    fn present_user_url<'a>(
        &'a self,
        url: &'a str,
        _need_code: bool,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>> {
        (self.0)(url);
        Box::pin(async { Ok(String::new()) })
    }
}

/// Signs a person in by the browser: `client` is the OAuth client's file from the Google Cloud
/// console ("Desktop app"), `show` presents the address to open, and the consent is kept in
/// `save_to` (readable by its owner only), which then serves as `[google] credentials`.
///
/// # Errors
/// When the client's file is not one, the person does not consent within ten minutes, or the file
/// cannot be written.
pub async fn sign_in_interactively<F>(
    client: &Path,
    save_to: &Path,
    show: F,
) -> Result<(), GoogleError>
where
    F: Fn(&str) + Send + Sync + 'static,
{
    let doing = format!("signing in with the OAuth client of {}", client.display());
    let refuse =
        |reason: &str, message: String| GoogleError::new(Kind::SignIn, reason, &message, &doing);
    let text = std::fs::read_to_string(client)
        .map_err(|error| refuse("unreadable_credentials", error.to_string()))?;
    let parsed: yup::ConsoleApplicationSecret = serde_json::from_str(&text).map_err(|error| {
        refuse(
            "unknown_credentials",
            format!("not an OAuth client: {error}"),
        )
    })?;
    let secret = parsed.installed.or(parsed.web).ok_or_else(|| {
        refuse(
            "unknown_credentials",
            "not an OAuth client of kind \"Desktop app\"".to_string(),
        )
    })?;
    check_token_uri(&secret.token_uri, &doing)?;
    let caught = Caught::default();
    let http = transport::token_client(&transport::connector()?);
    let flow = yup::InstalledFlowAuthenticator::with_client(
        secret.clone(),
        yup::InstalledFlowReturnMethod::HTTPRedirect,
        yup::CustomHyperClientBuilder::from(http),
    )
    .with_storage(Box::new(caught.clone()))
    .flow_delegate(Box::new(Shown(show)))
    // Google gives a refresh token only with an explicit consent.
    .force_account_selection(true)
    .build()
    .await
    .map_err(|error| refuse("", error.to_string()))?;
    match tokio::time::timeout(CONSENT_MAX, flow.token(&SCOPES)).await {
        Ok(answer) => answer.map(drop).map_err(|error| from_yup(&error, &doing))?,
        Err(_) => {
            return Err(refuse(
                "timeout",
                "nobody consented within 10 minutes".to_string(),
            ));
        }
    }
    let refresh_token = caught.0.lock().ok().and_then(|mut caught| caught.take());
    let refresh_token = refresh_token.ok_or_else(|| {
        refuse(
            "",
            "Google gave no refresh token with the consent".to_string(),
        )
    })?;
    let kept = UserSecret {
        kind: "authorized_user".to_string(),
        client_id: secret.client_id,
        client_secret: secret.client_secret,
        refresh_token,
        token_uri: secret.token_uri,
    };
    keep(&kept, save_to).map_err(|error| {
        let doing = format!("writing {}", save_to.display());
        GoogleError::new(Kind::SignIn, "", &error.to_string(), &doing)
    })
}

/// Writes a secret that only its owner may read.
fn keep(secret: &UserSecret, path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(serde_json::to_string_pretty(secret)?.as_bytes())?;
    file.write_all(b"\n")
}
