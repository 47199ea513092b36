//! Requests and answers of the Google simulator, and Google's error envelopes.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The two families of services, which wrap their errors differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Sheets,
    Drive,
    Other,
}

/// A request, read whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path without the query, still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: String,
    /// `Content-Range` of an upload's part.
    pub(crate) content_range: Option<String>,
    /// `Range` of a download.
    pub(crate) range: Option<String>,
    /// `X-Goog-Api-Key`, or the parameter `key`.
    pub(crate) api_key: Option<String>,
    /// `X-Upload-Content-Type` of an upload that begins.
    pub(crate) upload_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The body as a JSON object; an empty body is an empty object.
    pub(crate) fn json(&self) -> Result<Value, ApiError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Object(Map::new()));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            ApiError::invalid(format!(
                "Invalid JSON payload received. Unknown name or syntax. {e}"
            ))
        })
    }
}

/// Decoded query parameters, in order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Query {
        let decode = |s: &str| {
            percent_decode_str(&s.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        Query(
            raw.split('&')
                .filter(|p| !p.is_empty())
                .map(|p| match p.split_once('=') {
                    Some((k, v)) => (decode(k), decode(v)),
                    None => (decode(p), String::new()),
                })
                .collect(),
        )
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    /// Adds the parameters of another query.
    pub(crate) fn extend(&mut self, more: Query) {
        self.0.extend(more.0);
    }

    /// Gives parameters other names where `new` has one.
    pub(crate) fn rename(&mut self, new: impl Fn(&str) -> Option<String>) {
        for (name, _) in &mut self.0 {
            if let Some(other) = new(name) {
                *name = other;
            }
        }
    }

    /// Changes every value of a parameter.
    pub(crate) fn change(&mut self, key: &str, new: impl Fn(&str) -> String) {
        for (_, value) in self.0.iter_mut().filter(|(name, _)| name == key) {
            *value = new(value);
        }
    }

    /// The parameters' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(k, _)| k.as_str())
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1")
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|v| v.parse().ok())
    }
}

/// Decodes one path segment.
pub(crate) fn decode_segment(raw: &str) -> String {
    percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Reply {
        Reply::json_with(200, value)
    }

    pub(crate) fn json_with(status: u16, value: &Value) -> Reply {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Reply {
            status,
            content_type: "application/json; charset=UTF-8".to_owned(),
            body,
            headers: Vec::new(),
        }
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            status,
            content_type: content_type.to_owned(),
            body: body.into(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn no_content() -> Reply {
        Reply {
            status: 204,
            content_type: String::new(),
            body: Vec::new(),
            headers: Vec::new(),
        }
    }
}

/// A refusal in Google's words; boxed, because it is rare and large.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Refusal>);

impl std::ops::Deref for ApiError {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl std::ops::DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

/// The parts of a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) message: String,
    /// Canonical status of the Sheets family.
    pub(crate) status: &'static str,
    /// Reason and domain of the Drive family.
    pub(crate) reason: &'static str,
    pub(crate) domain: &'static str,
    /// `locationType` and `location` of the Drive family.
    pub(crate) location: Option<(&'static str, &'static str)>,
    pub(crate) details: Option<Value>,
}

pub(crate) type Answer<T = Value> = Result<T, ApiError>;

impl ApiError {
    fn new(code: u16, status: &'static str, reason: &'static str, message: String) -> ApiError {
        ApiError(Box::new(Refusal {
            code,
            message,
            status,
            reason,
            domain: "global",
            location: None,
            details: None,
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "INVALID_ARGUMENT", "invalid", message.into())
    }

    /// A field of the body has the wrong type.
    pub(crate) fn field(field: &str, description: String) -> ApiError {
        let mut e = ApiError::invalid(description.clone());
        e.details = Some(json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": description}],
        }]));
        e
    }

    /// A `fields` parameter names something that does not exist.
    pub(crate) fn bad_mask(path: &str) -> ApiError {
        let mut e = ApiError::invalid("Request contains an invalid argument.");
        let description = format!(
            "Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
        );
        e.details = Some(json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": path, "description": description}],
        }]));
        e
    }

    pub(crate) fn entity_not_found() -> ApiError {
        let message = "Requested entity was not found.".to_owned();
        ApiError::new(404, "NOT_FOUND", "notFound", message)
    }

    pub(crate) fn file_not_found(id: &str) -> ApiError {
        let mut e = ApiError::new(
            404,
            "NOT_FOUND",
            "notFound",
            format!("File not found: {id}."),
        );
        e.location = Some(("parameter", "fileId"));
        e
    }

    pub(crate) fn permission_denied() -> ApiError {
        let message = "The caller does not have permission".to_owned();
        ApiError::new(403, "PERMISSION_DENIED", "forbidden", message)
    }

    pub(crate) fn insufficient_file_permissions() -> ApiError {
        let message = "The user does not have sufficient permissions for this file.".to_owned();
        ApiError::new(
            403,
            "PERMISSION_DENIED",
            "insufficientFilePermissions",
            message,
        )
    }

    pub(crate) fn insufficient_scopes() -> ApiError {
        let message = "Request had insufficient authentication scopes.".to_owned();
        let mut e = ApiError::new(403, "PERMISSION_DENIED", "insufficientPermissions", message);
        e.details = Some(json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
        }]));
        e
    }

    pub(crate) fn storage_quota() -> ApiError {
        let message = "Service Accounts do not have storage quota. Leverage shared drives \
            (https://developers.google.com/workspace/drive/api/guides/about-shareddrives), or \
            use OAuth delegation (http://support.google.com/a/answer/7281227) instead.";
        let mut e = ApiError::new(
            403,
            "PERMISSION_DENIED",
            "storageQuotaExceeded",
            message.to_owned(),
        );
        e.domain = "usageLimits";
        e
    }

    /// Nobody signed in and no key was sent.
    pub(crate) fn unregistered() -> ApiError {
        let message = "Method doesn't allow unregistered callers (callers without established \
            identity). Please use API Key or other form of API identity to call this API.";
        ApiError::new(403, "PERMISSION_DENIED", "forbidden", message.to_owned())
    }

    pub(crate) fn unauthenticated() -> ApiError {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access \
            token, login cookie or other valid authentication credential. See \
            https://developers.google.com/identity/sign-in/web/devconsole-project.";
        let mut e = ApiError::new(401, "UNAUTHENTICATED", "authError", message.to_owned());
        e.location = Some(("header", "Authorization"));
        e
    }

    pub(crate) fn protected() -> ApiError {
        ApiError::invalid(
            "You are trying to edit a protected cell or object. Please contact the spreadsheet \
             owner to remove protection if you need to edit.",
        )
    }

    /// The literal 429 body of a quota that is used up.
    pub(crate) fn quota(reads: bool, per_user: bool, limit: usize, project: u64) -> ApiError {
        let (word, key) = if reads {
            ("Read", "read")
        } else {
            ("Write", "write")
        };
        let scope = if per_user { " per user" } else { "" };
        let mut e = ApiError::new(
            429,
            "RESOURCE_EXHAUSTED",
            "rateLimitExceeded",
            format!(
                "Quota exceeded for quota metric '{word} requests' and limit '{word} requests \
                 per minute{scope}' of service 'sheets.googleapis.com' for consumer \
                 'project_number:{project}'."
            ),
        );
        let per = if per_user { "PerUser" } else { "PerProject" };
        let unit = if per_user {
            "1/min/{project}/{user}"
        } else {
            "1/min/{project}"
        };
        e.details = Some(json!([
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "RATE_LIMIT_EXCEEDED",
                "domain": "googleapis.com",
                "metadata": {
                    "quota_limit_value": limit.to_string(),
                    "service": "sheets.googleapis.com",
                    "consumer": format!("projects/{project}"),
                    "quota_unit": unit,
                    "quota_location": "global",
                    "quota_metric": format!("sheets.googleapis.com/{key}_requests"),
                    "quota_limit": format!("{word}RequestsPerMinute{per}"),
                },
            },
            {
                "@type": "type.googleapis.com/google.rpc.Help",
                "links": [{
                    "description": "Request a higher quota limit.",
                    "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                }],
            },
        ]));
        e
    }

    /// The same error with `prefix: ` before its sentence.
    pub(crate) fn at(mut self, prefix: &str) -> ApiError {
        self.message = format!("{prefix}: {}", self.message);
        self
    }

    /// The envelope that the family of services uses.
    pub(crate) fn reply(&self, family: Family) -> Reply {
        let mut error = Map::new();
        if family == Family::Drive {
            let mut item = Map::new();
            item.insert("message".into(), self.message.clone().into());
            item.insert("domain".into(), self.domain.into());
            item.insert("reason".into(), self.reason.into());
            if let Some((kind, location)) = self.location {
                item.insert("location".into(), location.into());
                item.insert("locationType".into(), kind.into());
            }
            error.insert("errors".into(), json!([item]));
            error.insert("code".into(), self.code.into());
            error.insert("message".into(), self.message.clone().into());
        } else {
            error.insert("code".into(), self.code.into());
            error.insert("message".into(), self.message.clone().into());
            error.insert("status".into(), self.status.into());
            if let Some(details) = &self.details {
                error.insert("details".into(), details.clone());
            }
        }
        Reply::json_with(self.code, &json!({ "error": error }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_repeat() {
        let q = Query::parse("ranges=%27S%27%21A1&ranges=B+2&flag=True&n=7");
        assert_eq!(q.all("ranges"), ["'S'!A1", "B 2"]);
        assert!(q.flag("flag"));
        assert_eq!(q.number("n"), Some(7));
        assert_eq!(q.get("absent"), None);
    }

    #[test]
    fn envelopes_differ_by_family() {
        let body = |f| -> Value {
            serde_json::from_slice(&ApiError::file_not_found("x").reply(f).body).unwrap()
        };
        let drive = body(Family::Drive);
        assert_eq!(drive["error"]["errors"][0]["reason"], "notFound");
        assert!(drive["error"].get("status").is_none());
        let sheets = body(Family::Sheets);
        assert_eq!(sheets["error"]["status"], "NOT_FOUND");
        assert!(sheets["error"].get("errors").is_none());
    }
}
