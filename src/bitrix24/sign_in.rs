//! Signing in as a local application: a person's consent becomes a pair of tokens, and the pair is
//! renewed when the portal says that it has expired, never before.
//!
//! The refresh token rotates: whoever renews gets a new one and the old one is spent. So the new
//! pair is on the disk before it is used, written beside the old one and put in its place, readable
//! by its owner only; and only one of those who find the pair expired renews it. The secrets go to
//! the authorisation server alone, never to the portal (the documentation's rule: a portal may be
//! anybody's machine).
//!
//! Protocol: `settings/oauth` of the REST documentation. The server's address is configuration; the
//! vendor has moved it before.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::address::{Address, Secret, is_loopback};
use super::error::{BitrixError, Kind};
use super::transport;
use crate::private_file;

/// Where tokens are issued unless told otherwise.
pub const SERVER_DEFAULT: &str = "https://oauth.bitrix.info/";
/// Seconds for which an authorisation code is good.
pub const CODE_SECONDS: u64 = 30;

/// A local application of a portal.
#[derive(Debug, Clone)]
pub struct Application {
    /// The portal as people open it, such as `https://acme.bitrix24.ru/`.
    pub portal: Url,
    /// `client_id`, which may be shown.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: Secret,
    /// Where the pair of tokens is kept.
    pub token_file: PathBuf,
    /// The authorisation server.
    pub server: Url,
    /// A PEM file with a certificate authority to trust besides the public ones.
    pub ca_file: Option<PathBuf>,
}

/// A pair of tokens as it is kept on the disk.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Tokens {
    access_token: String,
    refresh_token: String,
    /// Where methods are called.
    client_endpoint: String,
    /// The portal's identity, which no move changes.
    member_id: String,
    /// What the application may do, with commas between.
    #[serde(default)]
    scope: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("client_endpoint", &self.client_endpoint)
            .field("member_id", &self.member_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Where methods are called.
    pub fn client_endpoint(&self) -> &str {
        &self.client_endpoint
    }

    /// The portal's identity.
    pub fn member_id(&self) -> &str {
        &self.member_id
    }

    /// The token for the one place that sends it.
    pub(super) fn access(&self) -> &str {
        &self.access_token
    }
}

/// An error of the sign-in; `code` is the server's or one of ours.
fn refuse(kind: Kind, code: &str, text: String, doing: &str) -> BitrixError {
    BitrixError::own(kind, code, text, doing)
}

/// No pair of tokens yet.
pub(super) const NOT_SIGNED_IN: &str = "NOT_SIGNED_IN";
/// The pair belongs to another portal.
const OTHER_PORTAL: &str = "OTHER_PORTAL";
/// The file of tokens cannot be written or read.
const TOKEN_FILE: &str = "TOKEN_FILE";

impl Application {
    /// The address at which a person gives consent; `state` comes back with the code.
    pub fn consent_url(&self, state: &str) -> Result<Url, BitrixError> {
        let doing = "preparing the sign-in";
        let wrong = |error: url::ParseError| {
            refuse(Kind::NeedsHuman, "PORTAL_URL", error.to_string(), doing)
        };
        let mut url = self.portal.join("oauth/authorize/").map_err(wrong)?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("state", state);
        Ok(url)
    }

    /// Takes the code out of what a person pasted: the code itself, or the whole address to which
    /// the portal led him back.
    ///
    /// # Errors
    /// When the address carries no code, an error, or another `state` than ours.
    pub fn code_of(pasted: &str, state: &str) -> Result<Secret, BitrixError> {
        let doing = "reading the authorisation code";
        let pasted = pasted.trim();
        let wrong =
            |code: &str, text: &str| Err(refuse(Kind::NeedsHuman, code, text.to_owned(), doing));
        if pasted.is_empty() {
            return wrong("NO_CODE", "nothing was given");
        }
        let Ok(url) = Url::parse(pasted) else {
            return Ok(Secret::new(pasted));
        };
        let of = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        if let Some(error) = of("error") {
            return wrong(&error, "the portal refused the sign-in");
        }
        match (of("code"), of("state")) {
            (Some(_), Some(other)) if other != state => {
                wrong("STATE", "the address belongs to another sign-in")
            }
            (Some(code), _) if !code.is_empty() => Ok(Secret::new(code)),
            _ => wrong("NO_CODE", "the address carries no code"),
        }
    }

    /// Exchanges a code for the first pair of tokens and keeps it. A code is good for
    /// [`CODE_SECONDS`].
    ///
    /// # Errors
    /// The authorisation server's, or the file's.
    pub async fn sign_in(&self, code: &Secret) -> Result<Tokens, BitrixError> {
        let http = self.http()?;
        let doing = "exchanging the authorisation code";
        let given = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
        ];
        let tokens = self.ask(&http, &given, doing).await?;
        keep(&self.token_file, &tokens)?;
        Ok(tokens)
    }

    fn http(&self) -> Result<reqwest::Client, BitrixError> {
        transport::client(self.ca_file.as_deref(), self.server.scheme() == "https")
    }

    /// Asks the authorisation server for a pair of tokens.
    async fn ask(
        &self,
        http: &reqwest::Client,
        given: &[(&str, &str)],
        doing: &str,
    ) -> Result<Tokens, BitrixError> {
        let safe = self.server.scheme() == "https" || is_loopback(&self.server);
        if !safe {
            let text = "the authorisation server's address does not begin with https://";
            return Err(refuse(
                Kind::NeedsHuman,
                "OAUTH_SERVER",
                text.to_owned(),
                doing,
            ));
        }
        let mut url = self
            .server
            .join("oauth/token/")
            .map_err(|error| refuse(Kind::NeedsHuman, "OAUTH_SERVER", error.to_string(), doing))?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose())
            .extend_pairs(given);
        let scrub = |text: &str| {
            let mut text = text.replace(self.client_secret.expose(), "***");
            for (name, value) in given {
                if *name != "grant_type" {
                    text = text.replace(value, "***");
                }
            }
            text
        };
        let failed = |error| transport::failed(error, scrub, doing);
        let answer = http.get(url).send().await.map_err(failed)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(failed)?;
        let body: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let text = format!(
                "the authorisation server gave no JSON (status {})",
                status.as_u16()
            );
            refuse(Kind::Transient, super::error::HTML, text, doing)
        })?;
        if body.get("error").is_some() {
            let mut error = BitrixError::from_body(&body, doing);
            error.description = scrub(&error.description);
            return Err(error);
        }
        serde_json::from_value(body).map_err(|error| {
            // The parser names fields, not values.
            let text = format!("the authorisation server's answer lacks something: {error}");
            refuse(Kind::Unreadable, super::error::FORM, text, doing)
        })
    }
}

/// A signed-in application: the pair in force.
#[derive(Debug)]
pub(super) struct SignIn {
    application: Application,
    http: reqwest::Client,
    held: Mutex<Tokens>,
}

impl SignIn {
    /// Reads the pair that was kept.
    ///
    /// # Errors
    /// When nobody has signed in yet, or the file cannot be read.
    pub(super) fn load(application: Application) -> Result<SignIn, BitrixError> {
        let doing = "reading the kept sign-in";
        let path = &application.token_file;
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                let text = format!("there is no {}", path.display());
                refuse(Kind::NeedsHuman, NOT_SIGNED_IN, text, doing)
            }
            _ => {
                let text = format!("{}: {error}", path.display());
                refuse(Kind::NeedsHuman, TOKEN_FILE, text, doing)
            }
        })?;
        let tokens = serde_json::from_str(&text).map_err(|error: serde_json::Error| {
            // Positions, never contents: the file is a secret.
            let (line, column) = (error.line(), error.column());
            let text = format!("{}: not a sign-in ({line}:{column})", path.display());
            refuse(Kind::NeedsHuman, NOT_SIGNED_IN, text, doing)
        })?;
        Ok(SignIn {
            http: application.http()?,
            application,
            held: Mutex::new(tokens),
        })
    }

    /// Where methods are called.
    pub(super) fn address(&mut self) -> Result<Address, BitrixError> {
        Address::of_endpoint(&self.held.get_mut().client_endpoint)
    }

    /// The pair in force.
    pub(super) async fn tokens(&self) -> Tokens {
        self.held.lock().await.clone()
    }

    /// Renews the pair, unless somebody has done so since `used` was taken.
    ///
    /// # Errors
    /// The authorisation server's, or the file's: a pair that cannot be kept is not used.
    pub(super) async fn renew(&self, used: &Tokens) -> Result<Tokens, BitrixError> {
        let mut held = self.held.lock().await;
        if *held != *used {
            return Ok(held.clone());
        }
        let doing = "renewing the sign-in";
        let given = [
            ("grant_type", "refresh_token"),
            ("refresh_token", held.refresh_token.as_str()),
        ];
        let new = self.application.ask(&self.http, &given, doing).await?;
        if new.member_id != held.member_id {
            let text = "the new tokens belong to another portal".to_owned();
            return Err(refuse(Kind::NeedsHuman, OTHER_PORTAL, text, doing));
        }
        keep(&self.application.token_file, &new)?;
        tracing::info!("the portal's tokens were renewed");
        *held = new.clone();
        Ok(new)
    }

    /// Takes the tokens out of a text, should they have crept in.
    pub(super) fn scrub(text: &str, tokens: &Tokens) -> String {
        text.replace(&tokens.access_token, "***")
            .replace(&tokens.refresh_token, "***")
    }
}

/// Bytes that nobody can guess: a `state`, a key.
///
/// # Panics
/// Never in practice: when the operating system has no randomness at all.
pub fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let provider = rustls::crypto::ring::default_provider();
    assert!(
        provider.secure_random.fill(&mut bytes).is_ok(),
        "the operating system gives no random bytes"
    );
    bytes
}

/// Keeps a pair in the place of the old one.
fn keep(path: &Path, tokens: &Tokens) -> Result<(), BitrixError> {
    let text = serde_json::to_string_pretty(tokens).map_err(std::io::Error::from);
    text.and_then(|text| private_file::put(path, &text))
        .map_err(|error| {
            let text = format!("{}: {error}", path.display());
            refuse(Kind::NeedsHuman, TOKEN_FILE, text, "keeping the sign-in")
        })
}
