//! The token endpoint and access tokens: who is calling.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rand::TryRngCore;
use rand::rngs::OsRng;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Query, Reply, Request};
use super::oauth::Grants;

/// Seconds that an access token lives.
pub(crate) const TOKEN_SECONDS: i64 = 3600;
/// Bits of the service account's key.
const KEY_BITS: usize = 2048;
/// Google's own token addresses. Clients sign them in whatever address they talk to, and Google takes
/// each of them.
const AUDIENCES: [&str; 4] = [
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v3/token",
];
/// The prefix of tokens that stand for a person at a page.
pub(crate) const PERSON: &str = "person:";

/// The service account: its name and its key pair.
pub(crate) struct ServiceAccount {
    pub(crate) email: String,
    pub(crate) project: String,
    pub(crate) number: u64,
    key_id: String,
    private_pem: String,
    public_pem: String,
}

/// Random hexadecimal digits.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0_u8; bytes];
    if let Err(e) = OsRng.try_fill_bytes(&mut buffer) {
        tracing::error!(error = %e, "the system gives no random bytes");
    }
    buffer.iter().map(|b| format!("{b:02x}")).collect()
}

impl ServiceAccount {
    /// Makes a key pair; it lives in memory only.
    ///
    /// # Errors
    /// The key could not be made or written down.
    pub(crate) fn generate() -> Result<ServiceAccount, String> {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS)
            .map_err(|e| format!("no RSA key: {e}"))?;
        let private_pem = key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|e| format!("no PEM: {e}"))?
            .to_string();
        let public_pem = RsaPublicKey::from(&key)
            .to_public_key_pem(LineEnding::LF)
            .map_err(|e| format!("no PEM: {e}"))?;
        Ok(ServiceAccount {
            email: "planfact@planfact-sim.iam.gserviceaccount.com".to_owned(),
            project: "planfact-sim".to_owned(),
            number: 603_366_585_132,
            key_id: random_hex(20),
            private_pem,
            public_pem,
        })
    }

    /// The key file, as the cloud console gives it, with the simulator's addresses.
    pub(crate) fn key_file(&self, endpoint: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self.key_id,
            "private_key": self.private_pem,
            "client_email": self.email,
            "client_id": "108296748291012345678",
            "auth_uri": format!("{endpoint}/o/oauth2/auth"),
            "token_uri": format!("{endpoint}/token"),
            "auth_provider_x509_cert_url": format!("{endpoint}/oauth2/v1/certs"),
            "client_x509_cert_url": format!("{endpoint}/robot/v1/metadata/x509/{}", self.email),
            "universe_domain": "googleapis.com",
        })
    }
}

/// What an access token stands for.
#[derive(Clone, Debug)]
struct Token {
    email: String,
    scopes: Vec<String>,
    expires: DateTime<Utc>,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) email: String,
    /// The caller is a person at a page: no API quota, counted apart.
    pub(crate) person: bool,
    /// Scopes of the token; `None` means all.
    pub(crate) scopes: Option<Vec<String>>,
}

/// Access tokens that were given out.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    live: HashMap<String, Token>,
    /// Codes, devices and refresh tokens.
    pub(super) grants: Grants,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    sub: Option<String>,
    iat: i64,
    exp: i64,
}

pub(super) fn refused(error: &str, description: &str) -> Reply {
    Reply::json_with(
        400,
        &json!({"error": error, "error_description": description}),
    )
}

impl Tokens {
    /// Answers `POST /token`.
    pub(crate) fn grant(
        &mut self,
        request: &Request,
        account: &ServiceAccount,
        token_uri: &str,
        now: DateTime<Utc>,
    ) -> Reply {
        let body = String::from_utf8_lossy(&request.body);
        let form = Query::parse(&body);
        match form.get("grant_type") {
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
                self.by_assertion(form.get("assertion").unwrap_or(""), account, token_uri, now)
            }
            Some("refresh_token") => self.by_refresh(&form, now),
            Some("authorization_code") => self.by_code(&form, now),
            Some("urn:ietf:params:oauth:grant-type:device_code") => self.by_device(&form, now),
            Some(_) => refused("unsupported_grant_type", "Invalid grant_type"),
            None => refused(
                "invalid_request",
                "Required parameter is missing: grant_type",
            ),
        }
    }

    fn by_assertion(
        &mut self,
        assertion: &str,
        account: &ServiceAccount,
        token_uri: &str,
        now: DateTime<Utc>,
    ) -> Reply {
        let mut validation = Validation::new(Algorithm::RS256);
        let mut audiences = AUDIENCES.to_vec();
        audiences.push(token_uri);
        validation.set_audience(&audiences);
        // The times are checked below, against the simulator's own clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let Ok(key) = DecodingKey::from_rsa_pem(account.public_pem.as_bytes()) else {
            return refused("invalid_grant", "Invalid key.");
        };
        let claims = match decode::<Claims>(assertion, &key, &validation) {
            Ok(data) => data.claims,
            Err(e) => {
                use jsonwebtoken::errors::ErrorKind;
                let words = match e.kind() {
                    ErrorKind::InvalidSignature => "Invalid JWT Signature.",
                    ErrorKind::InvalidAudience => {
                        "Invalid JWT: Failed audience check. The right audience is the token URI."
                    }
                    _ => "Invalid JWT: it cannot be read.",
                };
                return refused("invalid_grant", words);
            }
        };
        if claims.iss != account.email {
            return refused("invalid_grant", "Invalid grant: account not found");
        }
        // A little skew is forgiven, as Google does.
        let (skew, at) = (30, now.timestamp());
        if claims.exp - claims.iat > TOKEN_SECONDS + skew
            || claims.iat > at + skew
            || claims.exp < at - skew
        {
            return refused(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                 timeframe. Check your iat and exp values in the JWT claim.",
            );
        }
        if claims.scope.trim().is_empty() {
            return refused("invalid_scope", "Empty or missing scope not allowed.");
        }
        let email = claims.sub.unwrap_or(claims.iss);
        self.issue(&email, &claims.scope, now, None)
    }

    pub(super) fn issue(
        &mut self,
        email: &str,
        scope: &str,
        now: DateTime<Utc>,
        refresh: Option<String>,
    ) -> Reply {
        let token = format!("ya29.{}", random_hex(32));
        self.live.retain(|_, t| t.expires > now);
        self.live.insert(
            token.clone(),
            Token {
                email: email.to_owned(),
                scopes: scope.split_whitespace().map(str::to_owned).collect(),
                expires: now + TimeDelta::seconds(TOKEN_SECONDS),
            },
        );
        // The real endpoint says 3599 for a token of an hour.
        let mut out = json!({
            "access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer",
        });
        if let (Some(map), Some(refresh)) = (out.as_object_mut(), refresh) {
            map.insert("refresh_token".into(), refresh.into());
            map.insert("scope".into(), scope.into());
        }
        Reply::json(&out)
    }

    /// Who an `Authorization` header stands for, if anybody.
    pub(crate) fn identify(
        &self,
        header: Option<&str>,
        now: DateTime<Utc>,
        anybody: Option<&str>,
    ) -> Option<Identity> {
        let bearer = header?.strip_prefix("Bearer ")?.trim();
        if let Some(email) = bearer.strip_prefix(PERSON).filter(|e| e.contains('@')) {
            return Some(Identity {
                email: email.to_owned(),
                person: true,
                scopes: None,
            });
        }
        if let Some(token) = self.live.get(bearer).filter(|t| t.expires > now) {
            return Some(Identity {
                email: token.email.clone(),
                person: false,
                scopes: Some(token.scopes.clone()),
            });
        }
        anybody.map(|email| Identity {
            email: email.to_owned(),
            person: false,
            scopes: None,
        })
    }

    /// Forgets an access token, given as a header or bare; tells whether it was known.
    pub(crate) fn revoke_access(&mut self, token: &str) -> bool {
        let bare = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        self.live.remove(bare).is_some()
    }

    /// Forgets the access tokens of an account.
    pub(super) fn revoke_account(&mut self, email: &str) {
        self.live.retain(|_, t| t.email != email);
    }

    /// Account, scopes and seconds that an access token has left.
    pub(super) fn about(&self, token: &str, now: DateTime<Utc>) -> Option<(String, String, i64)> {
        let t = self.live.get(token).filter(|t| t.expires > now)?;
        let left = (t.expires - now).num_seconds();
        Some((t.email.clone(), t.scopes.join(" "), left))
    }

    /// Lets every access token expire at once.
    pub(super) fn expire(&mut self) {
        self.live.clear();
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.live.clear();
        self.grants = Grants::default();
    }
}

pub(super) const ALL_SCOPES: &str =
    "https://www.googleapis.com/auth/spreadsheets https://www.googleapis.com/auth/drive";

impl Identity {
    /// Whether the token's scopes allow the family of methods.
    pub(crate) fn may(&self, sheets: bool, reads: bool) -> bool {
        let Some(scopes) = &self.scopes else {
            return true;
        };
        scopes.iter().any(|s| {
            let name = s
                .strip_prefix("https://www.googleapis.com/auth/")
                .unwrap_or(s);
            match name {
                "drive" | "drive.file" => true,
                "spreadsheets" => sheets,
                "spreadsheets.readonly" => sheets && reads,
                "drive.readonly" => reads,
                "drive.metadata.readonly" | "drive.metadata" => !sheets && reads,
                _ => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header, encode};

    fn post(body: String) -> Request {
        Request {
            method: "POST".into(),
            path: "/token".into(),
            content_type: "application/x-www-form-urlencoded".into(),
            body: body.into_bytes(),
            ..Request::default()
        }
    }

    fn assertion(pem: &str, claims: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
    }

    #[test]
    fn assertions_are_judged() {
        let account = ServiceAccount::generate().unwrap();
        let other = ServiceAccount::generate().unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let uri = "http://127.0.0.1:1/token";
        let good = json!({
            "iss": account.email, "scope": "https://www.googleapis.com/auth/drive", "aud": uri,
            "iat": now.timestamp(), "exp": now.timestamp() + 3600,
        });
        let with = |key: &str, v: Value| {
            let mut claims = good.clone();
            claims[key] = v;
            claims
        };
        let old = now.timestamp() - 9000;
        let cases = [
            (&account, good.clone(), 200, ""),
            (&other, good.clone(), 400, "Invalid JWT Signature."),
            (
                &account,
                with("aud", "https://else".into()),
                400,
                "audience",
            ),
            (
                &account,
                with("exp", (now.timestamp() + 9000).into()),
                400,
                "short-lived",
            ),
            (&account, with("iat", old.into()), 400, "short-lived"),
            (
                &account,
                with("iss", "x@y".into()),
                400,
                "account not found",
            ),
        ];
        for (signer, claims, status, words) in cases {
            let mut tokens = Tokens::default();
            let jwt = assertion(&signer.private_pem, &claims);
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
            let body = format!("grant_type={}&assertion={jwt}", grant.replace(':', "%3A"));
            let reply = tokens.grant(&post(body), &account, uri, now);
            let json: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(reply.status, status, "{claims}");
            if status == 400 {
                assert_eq!(json["error"], "invalid_grant");
                assert!(
                    json["error_description"].as_str().unwrap().contains(words),
                    "{json}"
                );
                continue;
            }
            let header = format!("Bearer {}", json["access_token"].as_str().unwrap());
            let who = tokens.identify(Some(&header), now, None).unwrap();
            assert_eq!(who.email, account.email);
            assert!(who.may(true, false));
            let later = now + TimeDelta::seconds(3600);
            assert_eq!(
                tokens.identify(Some(&header), later, None),
                None,
                "it expires"
            );
        }
    }

    #[test]
    fn people_come_by_name_and_refresh() {
        let mut tokens = Tokens::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let anna = tokens
            .identify(Some("Bearer person:anna@example.com"), now, None)
            .unwrap();
        assert!(anna.person);
        assert_eq!(tokens.identify(Some("Bearer nonsense"), now, None), None);
        let account = ServiceAccount::generate().unwrap();
        let body = "grant_type=refresh_token&client_id=c&refresh_token=person:o@x.y";
        let reply = tokens.grant(&post(body.into()), &account, "u", now);
        assert_eq!(reply.status, 200);
        let body = "grant_type=refresh_token&client_id=c&refresh_token=gone";
        assert_eq!(
            tokens.grant(&post(body.into()), &account, "u", now).status,
            400
        );
    }
}
