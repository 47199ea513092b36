//! Sign-in of people: consent with PKCE, devices without a browser, refreshing, rotation, revocation.
//!
//! Nobody clicks: a consent is given at once by the account in `login_hint` (the first person without
//! one), a device is confirmed or denied by the management door `/_sim/oauth`.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::auth::{ALL_SCOPES, PERSON, Tokens, random_hex, refused};
use super::http::{Query, Reply, Request};

/// Seconds that an authorization code lives.
const CODE_SECONDS: i64 = 600;
/// Seconds that a device's code lives.
const DEVICE_SECONDS: i64 = 1800;
/// Seconds between two questions of a device.
const DEVICE_INTERVAL: i64 = 5;

/// An address of sign-in beside `/token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Consent,
    Device,
    Revoke,
    Info,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Step::Consent => "oauth2.auth",
            Step::Device => "device.code",
            Step::Revoke => "revoke",
            Step::Info => "tokeninfo",
        }
    }
}

#[derive(Debug)]
struct Code {
    email: String,
    scope: String,
    redirect: String,
    challenge: Option<(String, bool)>,
    expires: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Waiting,
    Given(String),
    Denied,
}

#[derive(Debug)]
struct Device {
    user_code: String,
    scope: String,
    word: Word,
    expires: DateTime<Utc>,
    asked: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
struct Refresh {
    email: String,
    scope: String,
}

/// Codes, devices and refresh tokens that were given out.
#[derive(Debug)]
pub(crate) struct Grants {
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
    refresh: HashMap<String, Refresh>,
    /// Refresh tokens that were used up or withdrawn, also those that name a person.
    dead: Vec<String>,
    /// Whether a refresh brings a new refresh token, and the old one dies.
    rotates: bool,
    /// Seconds between two questions of a device.
    interval: i64,
}

impl Default for Grants {
    fn default() -> Grants {
        Grants {
            codes: HashMap::new(),
            devices: HashMap::new(),
            refresh: HashMap::new(),
            dead: Vec::new(),
            rotates: false,
            interval: DEVICE_INTERVAL,
        }
    }
}

/// A refusal with another status than 400.
fn refused_with(status: u16, error: &str, description: &str) -> Reply {
    Reply::json_with(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn form_of(request: &Request) -> Query {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    match request.method.as_str() {
        "POST" if !body.is_empty() => Query::parse(&body),
        _ => request.query.clone(),
    }
}

impl Tokens {
    /// Answers the addresses of sign-in beside `/token`.
    pub(crate) fn step(
        &mut self,
        step: Step,
        request: &Request,
        endpoint: &str,
        first: &str,
        now: DateTime<Utc>,
    ) -> Reply {
        match step {
            Step::Consent => self.consent(&request.query, first, now),
            Step::Device => self.begin_device(&form_of(request), endpoint, now),
            Step::Revoke => self.revoke(&form_of(request), &request.query),
            Step::Info => self.info(request, now),
        }
    }

    /// The consent page: it says yes at once, unless the management door said otherwise.
    fn consent(&mut self, q: &Query, first: &str, now: DateTime<Utc>) -> Reply {
        let page = |words: &str| {
            let text = format!("<!DOCTYPE html><title>Error 400</title><p>{words}\n");
            Reply::text(400, "text/html; charset=UTF-8", text)
        };
        let Some(redirect) = q.get("redirect_uri").filter(|r| !r.is_empty()) else {
            return page("Access blocked: missing required parameter: redirect_uri");
        };
        if q.get("client_id").is_none_or(str::is_empty) {
            return page("Access blocked: missing required parameter: client_id");
        }
        if q.get("response_type") != Some("code") {
            return page("Access blocked: invalid response_type");
        }
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        if !loopback.iter().any(|l| redirect.starts_with(l)) {
            return page("Error 400: redirect_uri_mismatch");
        }
        let email = q.get("login_hint").unwrap_or(first).to_owned();
        let code = format!("4/0{}", random_hex(24));
        let challenge = q.get("code_challenge").map(|c| {
            let hashed = q.get("code_challenge_method") == Some("S256");
            (c.to_owned(), hashed)
        });
        let scope = q.get("scope").unwrap_or(ALL_SCOPES).to_owned();
        let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut target = format!(
            "{redirect}{}code={}&scope={}",
            if redirect.contains('?') { '&' } else { '?' },
            escape(&code),
            escape(&scope)
        );
        if let Some(state) = q.get("state") {
            target.push_str(&format!("&state={}", escape(state)));
        }
        self.grants.codes.insert(
            code,
            Code {
                email,
                scope,
                redirect: redirect.to_owned(),
                challenge,
                expires: now + TimeDelta::seconds(CODE_SECONDS),
            },
        );
        let mut reply = Reply::text(302, "text/html; charset=UTF-8", "");
        reply.headers.push(("location", target));
        reply
    }

    fn begin_device(&mut self, form: &Query, endpoint: &str, now: DateTime<Utc>) -> Reply {
        if form.get("client_id").is_none_or(str::is_empty) {
            return refused_with(401, "invalid_client", "The OAuth client was not found.");
        }
        let Some(scope) = form.get("scope").filter(|s| !s.trim().is_empty()) else {
            return refused("invalid_scope", "Missing required parameter: scope");
        };
        let device = format!("AH-1Ng{}", random_hex(20));
        let digits = random_hex(4).to_uppercase();
        let (left, right) = digits.split_at(4);
        let user_code = format!("{left}-{right}");
        self.grants.devices.insert(
            device.clone(),
            Device {
                user_code: user_code.clone(),
                scope: scope.to_owned(),
                word: Word::Waiting,
                expires: now + TimeDelta::seconds(DEVICE_SECONDS),
                asked: None,
            },
        );
        Reply::json(&json!({
            "device_code": device, "user_code": user_code, "expires_in": DEVICE_SECONDS,
            "interval": self.grants.interval, "verification_url": format!("{endpoint}/device"),
        }))
    }

    /// A device asks whether its person has said yes.
    pub(super) fn by_device(&mut self, form: &Query, now: DateTime<Utc>) -> Reply {
        let code = form.get("device_code").unwrap_or("").to_owned();
        let interval = self.grants.interval;
        let Some(device) = self.grants.devices.get_mut(&code) else {
            return refused("invalid_grant", "Malformed device code.");
        };
        if device.expires <= now {
            self.grants.devices.remove(&code);
            return refused("expired_token", "The device code has expired.");
        }
        let early = device
            .asked
            .is_some_and(|at| now - at < TimeDelta::seconds(interval - 1));
        device.asked = Some(now);
        match device.word.clone() {
            Word::Denied => {
                self.grants.devices.remove(&code);
                refused_with(403, "access_denied", "Forbidden")
            }
            Word::Given(email) => {
                let scope = device.scope.clone();
                self.grants.devices.remove(&code);
                let refresh = self.new_refresh(&email, &scope);
                self.issue(&email, &scope, now, Some(refresh))
            }
            Word::Waiting if early => refused_with(403, "slow_down", "Forbidden"),
            Word::Waiting => refused_with(428, "authorization_pending", "Precondition Required"),
        }
    }

    fn new_refresh(&mut self, email: &str, scope: &str) -> String {
        let token = format!("1//0{}", random_hex(24));
        self.grants.refresh.insert(
            token.clone(),
            Refresh {
                email: email.to_owned(),
                scope: scope.to_owned(),
            },
        );
        token
    }

    /// A refresh token that was given out, or `person:EMAIL`, which needs no sign-in before.
    pub(super) fn by_refresh(&mut self, form: &Query, now: DateTime<Utc>) -> Reply {
        if form.get("client_id").is_none_or(str::is_empty) {
            return refused(
                "invalid_request",
                "Could not determine client ID from request.",
            );
        }
        let token = form.get("refresh_token").unwrap_or("").to_owned();
        let dead = || refused("invalid_grant", "Token has been expired or revoked.");
        if token.is_empty() {
            return refused(
                "invalid_request",
                "Missing required parameter: refresh_token",
            );
        }
        if self.grants.dead.contains(&token) {
            return dead();
        }
        let known = self.grants.refresh.get(&token).cloned().or_else(|| {
            token.strip_prefix(PERSON).map(|email| Refresh {
                email: email.to_owned(),
                scope: ALL_SCOPES.to_owned(),
            })
        });
        let Some(Refresh { email, scope }) = known else {
            return dead();
        };
        let next = self.grants.rotates.then(|| {
            self.grants.refresh.remove(&token);
            self.grants.dead.push(token);
            self.new_refresh(&email, &scope)
        });
        self.issue(&email, &scope, now, next)
    }

    /// An authorization code, used once; `person:EMAIL` needs no consent before.
    pub(super) fn by_code(&mut self, form: &Query, now: DateTime<Utc>) -> Reply {
        let text = form.get("code").unwrap_or("");
        if let Some(email) = text.strip_prefix(PERSON) {
            let email = email.to_owned();
            return self.issue(&email, ALL_SCOPES, now, Some(format!("{PERSON}{email}")));
        }
        let Some(code) = self.grants.codes.remove(text) else {
            return refused("invalid_grant", "Malformed auth code.");
        };
        if code.expires <= now {
            return refused("invalid_grant", "Bad Request");
        }
        if form.get("redirect_uri") != Some(code.redirect.as_str()) {
            return refused("redirect_uri_mismatch", "Bad Request");
        }
        match (&code.challenge, form.get("code_verifier")) {
            (None, _) => {}
            (Some(_), None) => return refused("invalid_grant", "Missing code verifier."),
            (Some((challenge, hashed)), Some(verifier)) => {
                let shown = if *hashed {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
                } else {
                    verifier.to_owned()
                };
                if shown != *challenge {
                    return refused("invalid_grant", "Invalid code verifier.");
                }
            }
        }
        let refresh = self.new_refresh(&code.email, &code.scope);
        self.issue(&code.email, &code.scope, now, Some(refresh))
    }

    /// An access token goes alone; a refresh token takes the account's access tokens along.
    fn revoke(&mut self, form: &Query, query: &Query) -> Reply {
        let token = form.get("token").or_else(|| query.get("token"));
        let token = token.unwrap_or("").to_owned();
        if let Some(grant) = self.grants.refresh.remove(&token) {
            self.revoke_account(&grant.email);
            self.grants.dead.push(token);
            return Reply::json(&json!({}));
        }
        if let Some(email) = token.strip_prefix(PERSON) {
            self.revoke_account(email);
            self.grants.dead.push(token.clone());
            return Reply::json(&json!({}));
        }
        if self.revoke_access(&token) {
            return Reply::json(&json!({}));
        }
        refused("invalid_token", "Token expired or revoked")
    }

    /// What a token is good for; it is sent as a parameter or, by newer clients, as a header.
    fn info(&self, request: &Request, now: DateTime<Utc>) -> Reply {
        let form = form_of(request);
        let header = request.authorization.as_deref().unwrap_or("");
        let token = form
            .get("access_token")
            .or_else(|| header.strip_prefix("Bearer "));
        match self.about(token.unwrap_or(""), now) {
            Some((email, scope, left)) => Reply::json(&json!({
                "azp": "planfact-sim", "aud": "planfact-sim", "scope": scope,
                "exp": (now.timestamp() + left).to_string(), "expires_in": left.to_string(),
                "email": email, "email_verified": "true", "access_type": "offline",
            })),
            None => refused("invalid_token", "Invalid Value"),
        }
    }

    /// The management door: `{"approve": "USER-CODE", "email": "…"}`, `{"deny": "USER-CODE"}`,
    /// `{"rotate": true}`, `{"expire": true}` (every access token), `{"revoke": "EMAIL"}`,
    /// `{"interval": SECONDS}` between two questions of a device.
    ///
    /// # Errors
    /// A sentence that says what is not known.
    pub(crate) fn manage(&mut self, body: &Value, first: &str) -> Result<(), String> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let word = match (text("approve"), text("deny")) {
            (Some(code), _) => {
                let email = text("email").unwrap_or(first).to_owned();
                Some((code, Word::Given(email)))
            }
            (None, Some(code)) => Some((code, Word::Denied)),
            (None, None) => None,
        };
        if let Some((code, word)) = word {
            let device = self.grants.devices.values_mut();
            let device = device
                .into_iter()
                .find(|d| d.user_code == code)
                .ok_or_else(|| format!("no device shows the code {code}"))?;
            device.word = word;
        }
        if let Some(rotates) = body.get("rotate").and_then(Value::as_bool) {
            self.grants.rotates = rotates;
        }
        if let Some(seconds) = body.get("interval").and_then(Value::as_i64) {
            self.grants.interval = seconds.clamp(1, DEVICE_SECONDS);
        }
        if body.get("expire").and_then(Value::as_bool) == Some(true) {
            self.expire();
        }
        if let Some(email) = text("revoke") {
            self.revoke_account(email);
            let own: Vec<String> = self
                .grants
                .refresh
                .iter()
                .filter(|(_, r)| r.email == email)
                .map(|(token, _)| token.clone())
                .collect();
            for token in own {
                self.grants.refresh.remove(&token);
                self.grants.dead.push(token);
            }
            self.grants.dead.push(format!("{PERSON}{email}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn json_of(reply: &Reply) -> Value {
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    fn code_of(tokens: &mut Tokens, challenge: &str) -> String {
        let q = format!(
            "client_id=c&response_type=code&redirect_uri=http://127.0.0.1:9/&state=s%2B1&\
             code_challenge={challenge}&code_challenge_method=S256&login_hint=ann@x.y"
        );
        let reply = tokens.consent(&Query::parse(&q), "first@x.y", at(0));
        assert_eq!(reply.status, 302);
        let target = &reply.headers[0].1;
        let back = Query::parse(target.split_once('?').unwrap().1);
        assert_eq!(back.get("state"), Some("s+1"));
        back.get("code").unwrap().to_owned()
    }

    #[test]
    fn a_code_is_good_once_and_for_who_began() {
        let verifier = "v".repeat(43);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let right = "http://127.0.0.1:9/";
        let cases = [
            (Some(&*verifier), right, 1, "", "twice the same code"),
            (Some("other"), right, 1, "Invalid code verifier.", ""),
            (None, right, 1, "Missing code verifier.", ""),
            (
                Some(&*verifier),
                "http://127.0.0.1:8/",
                1,
                "Bad Request",
                "",
            ),
            (Some(&*verifier), right, CODE_SECONDS + 1, "Bad Request", ""),
        ];
        for (verifier, redirect, later, words, again) in cases {
            let mut tokens = Tokens::default();
            let code = code_of(&mut tokens, &challenge);
            let mut form = format!("code={code}&redirect_uri={redirect}");
            if let Some(v) = verifier {
                form.push_str(&format!("&code_verifier={v}"));
            }
            let form = Query::parse(&form);
            let reply = tokens.by_code(&form, at(later));
            let told = json_of(&reply);
            assert_eq!(told["error_description"].as_str().unwrap_or(""), words);
            if !again.is_empty() {
                let refresh = told["refresh_token"].as_str().unwrap();
                let form_r = Query::parse(&format!("client_id=c&refresh_token={refresh}"));
                assert_eq!(tokens.by_refresh(&form_r, at(2)).status, 200);
                assert_eq!(tokens.by_code(&form, at(2)).status, 400, "{again}");
            }
        }
    }

    #[test]
    fn a_device_waits_until_its_person_says_a_word() {
        for (word, last, status) in [("approve", "", 200), ("deny", "access_denied", 403)] {
            let mut tokens = Tokens::default();
            let form = Query::parse("client_id=c&scope=s");
            let begun = json_of(&tokens.begin_device(&form, "http://x", at(0)));
            let code = begun["device_code"].as_str().unwrap();
            let form = Query::parse(&format!("client_id=c&device_code={code}"));
            let errors: Vec<Value> = [0, 1, 6]
                .iter()
                .map(|s| json_of(&tokens.by_device(&form, at(*s)))["error"].clone())
                .collect();
            assert_eq!(
                errors,
                [
                    "authorization_pending",
                    "slow_down",
                    "authorization_pending"
                ]
            );
            let user = begun["user_code"].clone();
            assert!(tokens.manage(&json!({word: "none"}), "a@x.y").is_err());
            assert_eq!(tokens.manage(&json!({word: user}), "a@x.y"), Ok(()));
            let reply = tokens.by_device(&form, at(20));
            assert_eq!(reply.status, status);
            assert_eq!(json_of(&reply)["error"].as_str().unwrap_or(""), last);
        }
    }

    #[test]
    fn refresh_tokens_rotate_and_are_withdrawn() {
        let mut tokens = Tokens::default();
        let first = tokens.new_refresh("ann@x.y", "s");
        let ask = |t: &str| Query::parse(&format!("client_id=c&refresh_token={t}"));
        let same = json_of(&tokens.by_refresh(&ask(&first), at(0)));
        assert_eq!(same.get("refresh_token"), None);
        tokens.manage(&json!({"rotate": true}), "").unwrap();
        let turned = json_of(&tokens.by_refresh(&ask(&first), at(0)));
        let second = turned["refresh_token"].as_str().unwrap().to_owned();
        let gone = json_of(&tokens.by_refresh(&ask(&first), at(0)));
        assert_eq!(
            gone,
            json!({"error": "invalid_grant",
            "error_description": "Token has been expired or revoked."})
        );
        let access = turned["access_token"].as_str().unwrap().to_owned();
        let asked = [
            Request {
                query: Query::parse(&format!("access_token={access}")),
                ..Request::default()
            },
            Request {
                authorization: Some(format!("Bearer {access}")),
                ..Request::default()
            },
        ];
        let [info, again] = asked.map(|asked| json_of(&tokens.info(&asked, at(9))));
        assert_eq!(info, again);
        assert_eq!(info["expires_in"], "3591");
        let form = Query::parse(&format!("token={second}"));
        assert_eq!(tokens.revoke(&form, &Query::default()).status, 200);
        assert_eq!(tokens.revoke(&form, &Query::default()).status, 400);
        assert_eq!(tokens.by_refresh(&ask(&second), at(0)).status, 400);
        assert_eq!(
            tokens.about(&access, at(0)),
            None,
            "its access tokens went along"
        );
    }
}
