//! The files that say who we are: a service account's key, a user's consent, an OAuth client.
//!
//! Their contents are secrets: a message tells a place in a file, never what stands there. A file
//! that is written is readable by its owner only, whatever it was before, and is put in the place of
//! the old one whole.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use google_sheets4::yup_oauth2 as yup;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::RsaSigningKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{BACKDATED, LIFETIME_DEFAULT, SCOPES};
use crate::google::error::{GoogleError, Kind};
use crate::google::transport;
use crate::private_file;

/// Where tokens are issued when the file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// Where people consent when the file does not say.
const AUTH_URI: &str = "https://accounts.google.com/o/oauth2/v2/auth";

/// Who signs in.
pub(super) enum Who {
    /// A service account.
    Service(Box<ServiceAccount>),
    /// A person; the refresh token may be replaced by Google.
    User(Box<std::sync::Mutex<Consent>>),
}

/// A user's consent, as `gcloud` and `planfact init --google` write it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Consent {
    #[serde(rename = "type")]
    kind: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
    #[serde(default = "default_token_uri")]
    pub(super) token_uri: String,
    /// When the person consented, if we asked; tells why a consent ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consented_at: Option<DateTime<Utc>>,
    /// What others wrote into the file.
    #[serde(flatten)]
    other: Map<String, Value>,
}

fn default_token_uri() -> String {
    TOKEN_URI.to_string()
}

fn default_auth_uri() -> String {
    AUTH_URI.to_string()
}

/// A service account that can sign.
pub(super) struct ServiceAccount {
    pub(super) email: String,
    key_id: Option<String>,
    pub(super) token_uri: String,
    key: Box<dyn SigningKey>,
    /// The person in whose name it works (domain-wide delegation).
    pub(super) subject: Option<String>,
}

/// An OAuth client, as the Google Cloud console gives it ("Desktop app" or "TVs and Limited Input
/// devices").
#[derive(Clone, Deserialize)]
pub(super) struct Client {
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) client_secret: String,
    #[serde(default = "default_auth_uri")]
    pub(super) auth_uri: String,
    #[serde(default = "default_token_uri")]
    pub(super) token_uri: String,
}

fn unreadable(message: &str, doing: &str) -> GoogleError {
    GoogleError::new(Kind::SignIn, "unreadable_credentials", message, doing)
}

fn unknown(message: &str, doing: &str) -> GoogleError {
    GoogleError::new(Kind::SignIn, "unknown_credentials", message, doing)
}

/// A file's JSON; what is wrong with it is told by its place.
fn read_json(path: &Path, doing: &str) -> Result<Value, GoogleError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| unreadable(&error.to_string(), doing))?;
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        unreadable(&format!("not JSON (line {line}, column {column})"), doing)
    })
}

/// Reads `[google] credentials` and says what is wrong with it. `subject` is the person in whose
/// name a service account is to work.
pub(super) fn read(path: &Path, subject: Option<&str>) -> Result<Who, GoogleError> {
    let doing = format!("reading Google credentials from {}", path.display());
    let json = read_json(path, &doing)?;
    match json["type"].as_str() {
        Some("service_account") => service_key(json, subject, &doing),
        Some("authorized_user") if subject.is_some() => Err(unknown(
            "`subject` is for a service account; these are a person's own credentials",
            &doing,
        )),
        Some("authorized_user") => {
            let consent: Consent = serde_json::from_value(json)
                .map_err(|error| unreadable(&error.to_string(), &doing))?;
            check_token_uri(&consent.token_uri, &doing)?;
            Ok(Who::User(Box::new(std::sync::Mutex::new(consent))))
        }
        Some(other) => {
            let message = format!("credentials of type {other:?} are not supported");
            Err(unknown(&message, &doing))
        }
        None if json.get("installed").is_some() || json.get("web").is_some() => Err(unknown(
            "this is an OAuth client without anybody's consent: sign in once with \
             `planfact init --google THIS_FILE`",
            &doing,
        )),
        None => Err(unknown("the file has no \"type\"", &doing)),
    }
}

fn service_key(json: Value, subject: Option<&str>, doing: &str) -> Result<Who, GoogleError> {
    let file: yup::ServiceAccountKey =
        serde_json::from_value(json).map_err(|error| unreadable(&error.to_string(), doing))?;
    check_token_uri(&file.token_uri, doing)?;
    let private = PrivateKeyDer::from_pem_slice(file.private_key.as_bytes())
        .map_err(|_| unreadable("`private_key` is not a PEM key", doing))?;
    let key = RsaSigningKey::new(&private)
        .map_err(|_| unreadable("`private_key` is not an RSA key", doing))?;
    Ok(Who::Service(Box::new(ServiceAccount {
        email: file.client_email,
        key_id: file.private_key_id,
        token_uri: file.token_uri,
        key: Box::new(key),
        subject: subject.map(str::to_string),
    })))
}

/// Reads an OAuth client's file.
pub(super) fn read_client(path: &Path, doing: &str) -> Result<Client, GoogleError> {
    let mut json = read_json(path, doing)?;
    let kind = ["installed", "web"]
        .into_iter()
        .find(|kind| json.get(kind).is_some());
    let Some(kind) = kind else {
        return Err(unknown(
            "not an OAuth client of kind \"Desktop app\" or \"TVs and Limited Input devices\"",
            doing,
        ));
    };
    let client: Client = serde_json::from_value(json[kind].take())
        .map_err(|error| unknown(&format!("not an OAuth client: {error}"), doing))?;
    check_token_uri(&client.token_uri, doing)?;
    Ok(client)
}

fn check_token_uri(uri: &str, doing: &str) -> Result<(), GoogleError> {
    match Url::parse(uri) {
        Ok(url) => transport::check_address(&url, doing),
        Err(error) => {
            let message = format!("`token_uri` is not an address: {error}");
            Err(unreadable(&message, doing))
        }
    }
}

impl ServiceAccount {
    /// A signed request for a token, valid for an hour, dated back a little (RFC 7523; Google's
    /// "Using OAuth 2.0 for server to server applications" for `sub`).
    pub(super) fn assertion(&self, now: DateTime<Utc>) -> Option<String> {
        let issued = now.timestamp() - BACKDATED.num_seconds();
        let mut head = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            head["kid"] = json!(id);
        }
        let mut claims = json!({"iss": self.email, "aud": self.token_uri,
            "scope": SCOPES.join(" "),
            "iat": issued, "exp": issued + LIFETIME_DEFAULT.num_seconds()});
        if let Some(subject) = &self.subject {
            claims["sub"] = json!(subject);
        }
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

impl Consent {
    /// A consent that a person has just given.
    pub(super) fn new(client: &Client, refresh_token: String, now: DateTime<Utc>) -> Consent {
        Consent {
            kind: "authorized_user".to_string(),
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.clone(),
            refresh_token,
            token_uri: client.token_uri.clone(),
            consented_at: Some(now),
            other: Map::new(),
        }
    }

    /// Puts it into the place of the file that it was read from.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub(super) fn keep(&self, path: &Path) -> Result<(), GoogleError> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::from);
        text.and_then(|text| private_file::put(path, &text))
            .map_err(|error| {
                let doing = format!("keeping the sign-in in {}", path.display());
                let reason = "unwritable_credentials";
                GoogleError::new(Kind::SignIn, reason, &error.to_string(), &doing)
            })
    }
}
