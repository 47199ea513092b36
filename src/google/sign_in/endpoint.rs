//! The token endpoint: one form posted, one answer read (RFC 6749 §5, Google's own words for it).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::google::error::{self, GoogleError, Kind};
use crate::google::transport::TokenClient;

/// Longest wait for an answer.
const FETCH_MAX: Duration = Duration::from_secs(30);

/// What came back.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
    /// How much this machine's clock is ahead of the endpoint's, by its `Date`.
    pub(super) skew: Option<TimeDelta>,
}

/// Tokens that were given.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) lifetime: Option<TimeDelta>,
    /// A refresh token that replaces the one that was used, or the first one.
    pub(super) refresh: Option<String>,
    /// What was granted, separated by blanks, when the endpoint says so.
    pub(super) scope: Option<String>,
}

/// A form of these fields.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// Posts a form. `now` is this machine's time when it is sent.
pub(super) async fn post(
    client: &TokenClient,
    address: &str,
    form: String,
    now: DateTime<Utc>,
    doing: &str,
) -> Result<Answer, GoogleError> {
    tokio::time::timeout(FETCH_MAX, send(client, address, form, now, doing))
        .await
        .unwrap_or_else(|_| {
            let message = format!("no answer within {} s", FETCH_MAX.as_secs());
            Err(GoogleError::new(
                Kind::Transient,
                "timeout",
                &message,
                doing,
            ))
        })
}

async fn send(
    client: &TokenClient,
    address: &str,
    form: String,
    now: DateTime<Utc>,
    doing: &str,
) -> Result<Answer, GoogleError> {
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
    let answer = client
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
        .map(|date| now - date.to_utc());
    let body = body.collect().await.map_err(|error| network(&error))?;
    Ok(Answer {
        status: head.status.as_u16(),
        body: body.to_bytes().to_vec(),
        skew,
    })
}

impl Answer {
    /// The JSON of an answer that grants; a refusal is an error.
    pub(super) fn granted(&self, doing: &str) -> Result<Value, GoogleError> {
        let Ok(answer) = serde_json::from_slice::<Value>(&self.body) else {
            let text = String::from_utf8_lossy(&self.body);
            let mut told = error::from_text(self.status, &text, doing);
            if self.status == 200 {
                told.kind = Kind::Transient;
            }
            return Err(told);
        };
        if let Some(reason) = answer["error"].as_str() {
            let said = answer["error_description"]
                .as_str()
                .unwrap_or("no explanation given");
            return Err(refusal(reason, said, self.status, doing));
        }
        if self.status != 200 {
            return Err(error::from_envelope(&answer, Some(self.status), doing));
        }
        Ok(answer)
    }

    /// The tokens of an answer that grants.
    pub(super) fn tokens(&self, doing: &str) -> Result<Tokens, GoogleError> {
        let answer = self.granted(doing)?;
        let text = |key: &str| {
            let text = answer[key].as_str().filter(|text| !text.is_empty());
            text.map(str::to_string)
        };
        let access = text("access_token").ok_or_else(|| {
            let message = "the answer holds no access token";
            GoogleError::new(Kind::SignIn, "", message, doing)
        })?;
        Ok(Tokens {
            access,
            lifetime: answer["expires_in"].as_i64().map(TimeDelta::seconds),
            refresh: text("refresh_token"),
            scope: text("scope"),
        })
    }
}

/// A refusal of the token endpoint: anything not known to pass is for a person.
fn refusal(reason: &str, said: &str, status: u16, doing: &str) -> GoogleError {
    let kind = match error::kind_of(reason, Some(status)) {
        kind @ (Kind::Transient | Kind::RateLimited) => kind,
        _ => Kind::SignIn,
    };
    let mut told = GoogleError::new(kind, reason, said, doing);
    told.set_status(Some(status));
    told
}
