//! The authorisation server: codes of thirty seconds, access tokens of an hour, refresh tokens that
//! change at every use. It answers on the portal's own address under `/oauth/`, because a test has
//! one host; a real one is a host of its own.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::params::Params;

/// Seconds that a code lives.
const CODE_S: f64 = 30.0;

/// Seconds that an access token lives.
const ACCESS_S: f64 = 3_600.0;

/// Seconds that a refresh token lives: 180 days.
const REFRESH_S: f64 = 180.0 * 86_400.0;

/// Letters of a token and its length.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const TOKEN_LENGTH: usize = 32;

/// Something that lets a user in until an instant.
#[derive(Clone, Copy, Debug)]
struct Pass {
    user: u32,
    /// Unix seconds.
    until: f64,
}

/// What an access token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It speaks for this user.
    Of(u32),
    /// It has expired.
    Expired,
    /// It was never given, or it was revoked.
    Unknown,
}

/// One installed application and the tokens that it was given.
pub(crate) struct OAuth {
    random: StdRng,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The portal's id, which does not change when its address does.
    pub(crate) member_id: String,
    /// Where the browser returns with the code; nothing shows the code on a page.
    pub(crate) redirect_uri: Option<String>,
    /// Seconds that the next access tokens live.
    access_s: f64,
    /// The subscription has ended.
    unpaid: bool,
    codes: HashMap<String, Pass>,
    access: HashMap<String, Pass>,
    refresh: HashMap<String, Pass>,
}

/// Where the portal is, for the answers.
pub(crate) struct Place<'a> {
    /// `http://host:port`.
    pub(crate) base: &'a str,
    /// Scopes of the application.
    pub(crate) scope: &'a [String],
    /// Unix seconds.
    pub(crate) now: f64,
}

impl OAuth {
    /// A new application on a new portal.
    pub(crate) fn new() -> Self {
        let mut random = StdRng::from_os_rng();
        let digits: String = (0..8)
            .map(|_| char::from(random.random_range(b'0'..=b'9')))
            .collect();
        let client_id = format!("local.{}.{digits}", hex(&mut random, 14));
        let client_secret = token(&mut random, 50);
        let member_id = hex(&mut random, 32);
        Self {
            random,
            client_id,
            client_secret,
            member_id,
            redirect_uri: None,
            access_s: ACCESS_S,
            unpaid: false,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    /// A code for a user, as his browser would bring it back.
    pub(crate) fn code(&mut self, user: u32, now: f64) -> String {
        let code = token(&mut self.random, TOKEN_LENGTH);
        self.codes.insert(
            code.clone(),
            Pass {
                user,
                until: now + CODE_S,
            },
        );
        code
    }

    /// What an access token is worth at an instant.
    pub(crate) fn worth(&self, token: &str, now: f64) -> Worth {
        match self.access.get(token) {
            None => Worth::Unknown,
            Some(pass) if pass.until <= now => Worth::Expired,
            Some(pass) => Worth::Of(pass.user),
        }
    }

    /// Answers `/oauth/token/`: status and body.
    pub(crate) fn token(&mut self, params: &Params<'_>, place: &Place<'_>) -> (u16, Value) {
        match self.exchange(params, place) {
            Ok(body) => (200, body),
            Err(refusal) => {
                let mut body = json!({"error": refusal.code});
                if !refusal.description.is_empty() {
                    body["error_description"] = json!(refusal.description);
                }
                (refusal.status, body)
            }
        }
    }

    fn exchange(&mut self, params: &Params<'_>, place: &Place<'_>) -> Result<Value, Refusal> {
        let need = |name: &str| {
            let missing = format!("No \"{name}\" parameter found");
            let given = params.text(name).filter(|text| !text.is_empty());
            given.ok_or_else(|| Refusal::bad("invalid_request", &missing))
        };
        let grant = need("grant_type")?;
        // A client id that nobody registered is told with a status of 200.
        if need("client_id")? != self.client_id {
            return Err(Refusal::new(200, "wrong_client", ""));
        }
        if need("client_secret")? != self.client_secret {
            return Err(Refusal::bad("invalid_client", ""));
        }
        let (found, renewed) = match grant.as_str() {
            "authorization_code" => (self.codes.remove(&need("code")?), false),
            "refresh_token" => {
                let given = need("refresh_token")?;
                if self.unpaid {
                    let text = "Subscription has been ended";
                    return Err(Refusal::new(401, "PAYMENT_REQUIRED", text));
                }
                (self.refresh.remove(&given), true)
            }
            _ => return Err(Refusal::bad("invalid_request", "Unknown grant_type")),
        };
        let pass = found.filter(|pass| pass.until > place.now);
        let pass = pass.ok_or_else(|| Refusal::bad("invalid_grant", ""))?;
        Ok(self.issue(pass.user, renewed, place))
    }

    /// A fresh pair of tokens.
    fn issue(&mut self, user: u32, renewed: bool, place: &Place<'_>) -> Value {
        let access = token(&mut self.random, TOKEN_LENGTH);
        let refresh = token(&mut self.random, TOKEN_LENGTH);
        let until = place.now + self.access_s;
        self.access.insert(access.clone(), Pass { user, until });
        let lives = Pass {
            user,
            until: place.now + REFRESH_S,
        };
        self.refresh.insert(refresh.clone(), lives);
        let host = place
            .base
            .split_once("://")
            .map_or(place.base, |(_, host)| host);
        let mut body = json!({
            "access_token": access,
            "client_endpoint": format!("{}/rest/", place.base),
            "domain": host,
            "expires_in": self.access_s as i64,
            "member_id": self.member_id,
            "refresh_token": refresh,
            "scope": place.scope.join(","),
            "server_endpoint": format!("{}/rest/", place.base),
            "status": "L",
        });
        if renewed {
            body["expires"] = json!(until as i64);
            body["user_id"] = json!(user);
        }
        body
    }

    /// Where the browser goes from `/oauth/authorize/`: an address, or a page with the code. A client
    /// id that is not installed gives a page without one, because a real portal shows the error to
    /// the user and tells the application nothing.
    pub(crate) fn authorize(
        &mut self,
        params: &Params<'_>,
        place: &Place<'_>,
    ) -> Result<String, String> {
        if params.text("client_id").as_deref() != Some(&self.client_id) {
            return Err("Application not installed".to_owned());
        }
        let user = params
            .number("user_id")
            .and_then(|id| u32::try_from(id).ok());
        let code = self.code(user.unwrap_or(1), place.now);
        let Some(target) = &self.redirect_uri else {
            return Err(format!(
                "Authorization code: <code id=\"code\">{code}</code>"
            ));
        };
        let host = place
            .base
            .split_once("://")
            .map_or(place.base, |(_, host)| host);
        let state = params.text("state").unwrap_or_default();
        let fields = [
            ("code", code.as_str()),
            ("state", &state),
            ("domain", host),
            ("member_id", &self.member_id),
            ("scope", &place.scope.join(",")),
            ("server_domain", host),
        ];
        let mut address = target.clone();
        for (at, (name, value)) in fields.into_iter().enumerate() {
            address.push(if at == 0 && !target.contains('?') {
                '?'
            } else {
                '&'
            });
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            address.push_str(&format!("{name}={value}"));
        }
        Ok(address)
    }

    /// Changes by the management door: `expire`, `revoke`, `unpaid`, `access_s`, `redirect_uri`,
    /// `code` (a user's id; the answer is a code).
    pub(crate) fn change(&mut self, given: &Value, now: f64) -> Result<Value, String> {
        let map = given.as_object().ok_or("an object is wanted")?;
        let mut answer = json!(true);
        for (name, value) in map {
            let yes = || {
                value
                    .as_bool()
                    .ok_or_else(|| format!("{name} is true or false"))
            };
            match name.as_str() {
                "expire" if yes()? => {
                    for pass in self.access.values_mut() {
                        pass.until = now;
                    }
                }
                "revoke" if yes()? => {
                    self.access.clear();
                    self.refresh.clear();
                }
                "expire" | "revoke" => {}
                "unpaid" => self.unpaid = yes()?,
                "access_s" => {
                    self.access_s = value.as_f64().ok_or("access_s is a number of seconds")?;
                }
                "redirect_uri" => self.redirect_uri = value.as_str().map(str::to_owned),
                "code" => {
                    let user = value.as_u64().and_then(|id| u32::try_from(id).ok());
                    answer = json!(self.code(user.ok_or("code is a user's id")?, now));
                }
                _ => {
                    return Err(format!(
                        "{name}: unknown; known are expire, revoke, unpaid, access_s, \
                         redirect_uri, code"
                    ));
                }
            }
        }
        Ok(answer)
    }
}

fn token(random: &mut StdRng, length: usize) -> String {
    let letters = (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]));
    letters.collect()
}

fn hex(random: &mut StdRng, length: usize) -> String {
    let digits = (0..length).map(|_| {
        char::from(
            LETTERS[26..]
                .iter()
                .chain(&LETTERS[..6])
                .copied()
                .nth(random.random_range(0..16))
                .unwrap_or(b'0'),
        )
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_700_000_000.0;

    fn ask(oauth: &mut OAuth, given: Value, now: f64) -> (u16, Value) {
        let scope = ["crm".to_owned(), "user".to_owned()];
        let place = Place {
            base: "http://127.0.0.1:1",
            scope: &scope,
            now,
        };
        oauth.token(&Params::new(&given), &place)
    }

    fn grant(oauth: &OAuth, kind: &str, name: &str, value: &str) -> Value {
        json!({
            "grant_type": kind,
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret,
            name: value,
        })
    }

    #[test]
    fn a_code_is_good_once_and_for_thirty_seconds() {
        let mut oauth = OAuth::new();
        for (wait, wanted) in [(29.0, 200), (31.0, 400)] {
            let code = oauth.code(7, NOW);
            let given = grant(&oauth, "authorization_code", "code", &code);
            let (status, body) = ask(&mut oauth, given.clone(), NOW + wait);
            assert_eq!(status, wanted, "{body}");
            let (again, body) = ask(&mut oauth, given, NOW + wait);
            assert_eq!((again, &body["error"]), (400, &json!("invalid_grant")));
        }
    }

    #[test]
    fn a_refresh_token_changes_at_every_use() {
        let mut oauth = OAuth::new();
        let code = oauth.code(7, NOW);
        let given = grant(&oauth, "authorization_code", "code", &code);
        let (_, first) = ask(&mut oauth, given, NOW);
        let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
        let token = text(&first, "access_token");
        assert_eq!(oauth.worth(&token, NOW + 3_599.0), Worth::Of(7));
        assert_eq!(oauth.worth(&token, NOW + 3_600.0), Worth::Expired);
        assert_eq!(oauth.worth("other", NOW), Worth::Unknown);
        let given = grant(
            &oauth,
            "refresh_token",
            "refresh_token",
            &text(&first, "refresh_token"),
        );
        let (status, second) = ask(&mut oauth, given.clone(), NOW + 4_000.0);
        assert_eq!((status, &second["user_id"]), (200, &json!(7)));
        assert_ne!(
            text(&first, "refresh_token"),
            text(&second, "refresh_token")
        );
        let (status, body) = ask(&mut oauth, given, NOW + 4_000.0);
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
        let given = grant(
            &oauth,
            "refresh_token",
            "refresh_token",
            &text(&second, "refresh_token"),
        );
        let late = NOW + 4_000.0 + REFRESH_S + 1.0;
        assert_eq!(ask(&mut oauth, given, late).0, 400);
    }

    #[test]
    fn wrong_requests_have_the_errors_of_the_server() {
        let mut oauth = OAuth::new();
        let good = grant(&oauth, "refresh_token", "refresh_token", "none");
        let cases = [
            ("client_id", json!("app.other"), 200, "wrong_client"),
            ("client_secret", json!("other"), 400, "invalid_client"),
            ("refresh_token", json!(""), 400, "invalid_request"),
            ("grant_type", json!("password"), 400, "invalid_request"),
            ("refresh_token", json!("other"), 400, "invalid_grant"),
        ];
        for (name, value, status, error) in cases {
            let mut given = good.clone();
            given[name] = value;
            let (got, body) = ask(&mut oauth, given, NOW);
            assert_eq!((got, &body["error"]), (status, &json!(error)), "{name}");
        }
        oauth.change(&json!({"unpaid": true}), NOW).unwrap();
        let (status, body) = ask(&mut oauth, good, NOW);
        assert_eq!((status, &body["error"]), (401, &json!("PAYMENT_REQUIRED")));
        assert!(oauth.change(&json!({"colour": 1}), NOW).is_err());
    }
}
