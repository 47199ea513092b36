//! What can go wrong with Google: one error type, whose kind is decided by the reason in the
//! answer's envelope (sentences are localised and statuses ambiguous), with its remedy.

use std::fmt;
use std::time::Duration;

use google_sheets4::common;
use serde_json::Value;

/// Longest piece of a foreign text that an error repeats, characters.
const QUOTE_MAX: usize = 200;

/// What an error means for whoever has to decide what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Google or the network failed for the moment; the same call may succeed later.
    Transient,
    /// A quota is used up for the moment.
    RateLimited,
    /// The credentials are refused, expired or revoked.
    SignIn,
    /// A person must grant, enable or free something.
    NeedsHuman,
    /// The file does not exist, or the account may not see it (Google does not tell which).
    NotFound,
    /// The request is wrong, or does not fit the spreadsheet as it is now.
    Invalid,
    /// It cannot be told whether a change that must not be repeated was made.
    UnknownOutcome,
    /// An answer that cannot be understood.
    Unreadable,
}

/// A failed call to Google.
#[derive(Clone, PartialEq)]
pub struct GoogleError {
    /// What it means.
    pub kind: Kind,
    /// Google's own word for it, such as `storageQuotaExceeded`; empty when there is none.
    pub reason: String,
    /// What Google, the network or the file system said.
    pub message: String,
    /// What was being done, to what.
    pub doing: String,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// When Google asked to come back.
    pub(super) retry_after: Option<Duration>,
    /// The same call may be repeated: it is idempotent, or was certainly not carried out.
    pub(super) again: bool,
    /// The request never left: nothing can have been changed.
    pub(super) unsent: bool,
}

impl GoogleError {
    /// An error of a kind, with its reason, what was said, and what was being done.
    pub fn new(kind: Kind, reason: &str, message: &str, doing: &str) -> GoogleError {
        GoogleError {
            kind,
            reason: reason.to_string(),
            message: quote(message),
            doing: doing.to_string(),
            status: None,
            retry_after: None,
            again: false,
            unsent: false,
        }
    }

    /// A request that is refused before it is sent.
    pub(super) fn invalid(message: &str, doing: &str) -> GoogleError {
        let mut error = GoogleError::new(Kind::Invalid, "", message, doing);
        error.unsent = true;
        error
    }

    /// What a person can do about it, one or two sentences.
    pub fn remedy(&self) -> String {
        if let Some(remedy) = remedy_by_reason(self) {
            return remedy.to_string();
        }
        match self.kind {
            Kind::Transient => "Nothing to do: it is tried again at the next pass.",
            Kind::RateLimited => {
                "Nothing to do: it is tried again when the quota refills. If it lasts, ask for a \
                 higher quota of the Sheets API in the Google Cloud console."
            }
            Kind::SignIn => {
                "Check the credentials file: the key may be deleted or the consent withdrawn. \
                 Make a new key, or sign in again with `planfact init`."
            }
            Kind::NeedsHuman => {
                "Share the file or folder with the daemon's account as an editor (in a shared \
                 drive: as a content manager)."
            }
            Kind::NotFound => {
                "Check the id, and share the file or folder with the daemon's account as an \
                 editor: Google answers \"not found\" for files that the account may not see."
            }
            Kind::Invalid => {
                "If a range, a tab or a protection was changed by hand, the next pass reads the \
                 spreadsheet anew; if it stays, `planfact doctor` names what is missing."
            }
            Kind::UnknownOutcome => {
                "Nothing to do: the next pass reads what was really done and does the rest."
            }
            Kind::Unreadable => {
                "Check that nothing between this machine and Google (a proxy, a sign-in page of \
                 the network) changes answers, and that the endpoint's address is right."
            }
        }
        .to_string()
    }
}

/// Remedies of reasons that have one of their own.
fn remedy_by_reason(error: &GoogleError) -> Option<&'static str> {
    Some(match error.reason.as_str() {
        "storageQuotaExceeded" => {
            "A service account owns no storage. Use a folder of a shared drive where the account \
             is a content manager, or sign in as an OAuth user; or free space in that drive."
        }
        "teamDriveFileLimitExceeded" => "The shared drive is full: delete files from it.",
        "SERVICE_DISABLED" | "accessNotConfigured" => {
            "Enable the Google Sheets API and the Google Drive API for the project in the Google \
             Cloud console, and wait a few minutes."
        }
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT" | "insufficientPermissions" | "insufficientScopes" => {
            "The sign-in lacks a scope: it needs `spreadsheets` and `drive`. Sign in again with \
             `planfact init` and tick both."
        }
        "invalid_grant" if error.message.contains("JWT") => {
            "Set this machine's clock (it must agree with Google's within minutes); if the clock \
             is right, make a new key for the service account."
        }
        "invalid_grant" => {
            "The consent has ended: sign in again with `planfact init`. An application whose \
             consent screen is in \"Testing\" loses it every 7 days: publish it."
        }
        "invalid_client" | "unauthorized_client" | "deleted_client" => {
            "The OAuth client or key in the credentials file is not accepted: download it anew \
             from the Google Cloud console."
        }
        "invalidSharingRequest" => {
            "Only addresses that have a Google account can be added without a mail: correct \
             `share_with`."
        }
        "sharingRateLimitExceeded" => {
            "Google limits how many shares a day one account makes: it is tried again at the next \
             pass."
        }
        "domainPolicy" | "publishOutNotPermitted" | "shareOutNotPermitted" => {
            "The organisation's rules forbid it: ask the Workspace administrator."
        }
        "dailyLimitExceeded" | "quotaExceeded" => {
            "The daily quota of the Google Cloud project is used up: raise it in the console."
        }
        "cannotCopyFile" | "copyRequiresWriterPermission" => {
            "The owner of the template forbids copying: allow it in the sharing settings, or name \
             another template."
        }
        "unreadable_credentials" | "unknown_credentials" => {
            "Set `[google] credentials` to the JSON key of a service account, or to the file \
             that `planfact init` wrote after signing in."
        }
        _ => return None,
    })
}

impl fmt::Display for GoogleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.message)?;
        match (self.reason.as_str(), self.status) {
            ("", None) => Ok(()),
            ("", Some(status)) => write!(f, " (HTTP {status})"),
            (reason, None) => write!(f, " ({reason})"),
            (reason, Some(status)) => write!(f, " ({reason}, HTTP {status})"),
        }
    }
}

impl fmt::Debug for GoogleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl std::error::Error for GoogleError {}

/// Status and wait of an answer that the hub loses on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The HTTP status of a refusal.
    pub(super) status: Option<u16>,
    /// `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// The request was handed to the network.
    pub(super) sent: bool,
    /// Which token went with it.
    pub(super) generation: u64,
}

/// The error of one call: from what the hub says and what the delegate saw.
pub(super) async fn from_hub(error: common::Error, seen: Seen, doing: &str) -> GoogleError {
    let mut told = match error {
        common::Error::BadRequest(body) => from_envelope(&body, seen.status, doing),
        common::Error::Failure(response) => {
            let status = response.status().as_u16();
            let body = common::to_bytes(response.into_body()).await;
            from_text(
                status,
                &String::from_utf8_lossy(&body.unwrap_or_default()),
                doing,
            )
        }
        common::Error::MissingToken(error) => match error.downcast::<GoogleError>() {
            Ok(ours) => *ours,
            Err(other) => GoogleError::new(Kind::SignIn, "", &other.to_string(), doing),
        },
        common::Error::HttpError(error) => {
            let mut told = GoogleError::new(Kind::Transient, "network", &chain(&error), doing);
            told.unsent = error.is_connect();
            told
        }
        common::Error::Io(error) => {
            GoogleError::new(Kind::Transient, "network", &error.to_string(), doing)
        }
        common::Error::JsonDecodeError(text, error) => undecodable(&text, &error, doing),
        other => GoogleError::new(Kind::Unreadable, "", &other.to_string(), doing),
    };
    told.status = told.status.or(seen.status);
    told.retry_after = seen.retry_after;
    told.unsent |= !seen.sent;
    told
}

/// A 2xx answer that is not the JSON it should be.
pub(super) fn undecodable(text: &str, error: &serde_json::Error, doing: &str) -> GoogleError {
    if error.is_eof() {
        let message = format!("the answer broke off after {} bytes", text.len());
        GoogleError::new(Kind::Transient, "truncated", &message, doing)
    } else {
        let message = format!("the answer is not understood: {error}");
        GoogleError::new(Kind::Unreadable, "", &message, doing)
    }
}

/// The error in a JSON envelope: of Sheets (`status`, `details`) or of Drive (`errors`).
pub(super) fn from_envelope(body: &Value, status: Option<u16>, doing: &str) -> GoogleError {
    let error = &body["error"];
    let code = error["code"]
        .as_u64()
        .and_then(|code| u16::try_from(code).ok());
    let status = status.or(code);
    let info = error["details"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|detail| {
            let is_info = detail["@type"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("ErrorInfo"));
            detail["reason"]
                .as_str()
                .filter(|_| is_info || detail["domain"].is_string())
        });
    let listed = error["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|e| e["reason"].as_str());
    let reason = info
        .or(listed)
        .or(error["status"].as_str())
        .unwrap_or_default();
    let message = error["message"].as_str().unwrap_or("no explanation given");
    let mut told = GoogleError::new(kind_of(reason, status), reason, message, doing);
    told.status = status;
    told
}

/// The error in an answer that is not JSON: an HTML page of a front end or a proxy.
pub(super) fn from_text(status: u16, body: &str, doing: &str) -> GoogleError {
    let kind = match status {
        401 => Kind::SignIn,
        429 => Kind::RateLimited,
        408 | 500..=599 => Kind::Transient,
        _ => Kind::Unreadable,
    };
    let text = strip_tags(body);
    let message = if text.is_empty() {
        "an empty answer"
    } else {
        &text
    };
    let mut told = GoogleError::new(kind, "", message, doing);
    told.status = Some(status);
    told
}

/// The kind of a reason; the status decides only when the reason is unknown.
pub(super) fn kind_of(reason: &str, status: Option<u16>) -> Kind {
    match reason {
        "RATE_LIMIT_EXCEEDED"
        | "RESOURCE_EXHAUSTED"
        | "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "sharingRateLimitExceeded" => Kind::RateLimited,
        "backendError"
        | "internalError"
        | "transientError"
        | "INTERNAL"
        | "UNAVAILABLE"
        | "DEADLINE_EXCEEDED"
        | "ABORTED"
        | "internal_failure"
        | "temporarily_unavailable"
        | "server_error"
        | "conflict" => Kind::Transient,
        "authError"
        | "UNAUTHENTICATED"
        | "required"
        | "invalidCredentials"
        | "ACCESS_TOKEN_EXPIRED"
        | "CREDENTIALS_MISSING"
        | "invalid_grant"
        | "invalid_client"
        | "unauthorized_client"
        | "deleted_client"
        | "access_denied"
        | "invalid_scope"
        | "unsupported_grant_type"
        | "invalid_request" => Kind::SignIn,
        "storageQuotaExceeded"
        | "teamDriveFileLimitExceeded"
        | "dailyLimitExceeded"
        | "quotaExceeded"
        | "SERVICE_DISABLED"
        | "accessNotConfigured"
        | "PERMISSION_DENIED"
        | "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        | "insufficientPermissions"
        | "insufficientScopes"
        | "insufficientFilePermissions"
        | "appNotAuthorizedToFile"
        | "forbidden"
        | "domainPolicy"
        | "publishOutNotPermitted"
        | "shareOutNotPermitted"
        | "cannotCopyFile"
        | "copyRequiresWriterPermission"
        | "invalidSharingRequest"
        | "fileNotDownloadable" => Kind::NeedsHuman,
        "NOT_FOUND" | "notFound" => Kind::NotFound,
        "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "OUT_OF_RANGE"
        | "badRequest"
        | "invalid"
        | "invalidParameter"
        | "invalidQuery"
        | "ALREADY_EXISTS" => Kind::Invalid,
        _ => match status {
            Some(401) => Kind::SignIn,
            Some(403) => Kind::NeedsHuman,
            Some(404) => Kind::NotFound,
            Some(429) => Kind::RateLimited,
            Some(400 | 409 | 410 | 412 | 413) => Kind::Invalid,
            Some(408 | 500..=599) => Kind::Transient,
            _ => Kind::Unreadable,
        },
    }
}

/// An error with its causes, which hyper keeps apart.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// The beginning of a foreign text on one line.
fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= QUOTE_MAX {
        return line;
    }
    line.chars().take(QUOTE_MAX).chain("…".chars()).collect()
}

/// The words of an HTML page, without tags, styles and scripts.
fn strip_tags(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        let tag = rest[open..].to_ascii_lowercase();
        let end = ["style", "script"]
            .iter()
            .find(|name| tag[1..].starts_with(**name))
            .and_then(|name| tag.find(&format!("</{name}")))
            .unwrap_or(0);
        rest = match rest[open + end..].find('>') {
            Some(close) => &rest[open + end + close + 1..],
            None => "",
        };
    }
    text.push_str(rest);
    quote(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sheets_envelopes_are_decided_by_their_reason() {
        let quota = json!({"error": {"code": 429, "message": "Quota exceeded for quota metric",
            "status": "RESOURCE_EXHAUSTED", "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                 "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com"},
                {"@type": "type.googleapis.com/google.rpc.Help", "links": []}]}});
        let error = from_envelope(&quota, Some(429), "writing");
        assert_eq!(
            (error.kind, error.reason.as_str()),
            (Kind::RateLimited, "RATE_LIMIT_EXCEEDED")
        );

        let disabled = json!({"error": {"code": 403, "message": "has not been used",
            "status": "PERMISSION_DENIED", "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED",
                 "domain": "googleapis.com"}]}});
        let error = from_envelope(&disabled, Some(403), "reading");
        assert_eq!(error.kind, Kind::NeedsHuman);
        assert!(error.remedy().contains("Enable the Google Sheets API"));

        let missing = json!({"error": {"code": 404, "message": "Requested entity was not found.",
            "status": "NOT_FOUND"}});
        assert_eq!(
            from_envelope(&missing, None, "reading").kind,
            Kind::NotFound
        );
        let bad = json!({"error": {"code": 400, "message": "Unable to parse range: X!A1",
            "status": "INVALID_ARGUMENT"}});
        let error = from_envelope(&bad, Some(400), "reading");
        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(
            error.to_string(),
            "reading: Unable to parse range: X!A1 (INVALID_ARGUMENT, HTTP 400)"
        );
    }

    #[test]
    fn drive_reasons_of_one_domain_and_status_differ() {
        let drive = |reason: &str| {
            json!({"error": {"errors": [{"domain": "usageLimits", "reason": reason,
                "message": "m"}], "code": 403, "message": "m"}})
        };
        let cases = [
            ("userRateLimitExceeded", Kind::RateLimited),
            ("rateLimitExceeded", Kind::RateLimited),
            ("storageQuotaExceeded", Kind::NeedsHuman),
            ("accessNotConfigured", Kind::NeedsHuman),
            ("backendError", Kind::Transient),
            ("notFound", Kind::NotFound),
            ("somethingNew", Kind::NeedsHuman),
        ];
        for (reason, kind) in cases {
            assert_eq!(
                from_envelope(&drive(reason), Some(403), "x").kind,
                kind,
                "{reason}"
            );
        }
    }

    #[test]
    fn pages_are_quoted_without_markup() {
        let page = "<!DOCTYPE html><html><style>p{color:red}</style><body><b>429.</b> <p>That’s an \
                    error.</p></body></html>";
        let error = from_text(429, page, "writing");
        assert_eq!(error.kind, Kind::RateLimited);
        assert_eq!(error.message, "429. That’s an error.");
        assert_eq!(from_text(404, "<html>nothing", "x").kind, Kind::Unreadable);
        assert_eq!(from_text(502, "", "x").kind, Kind::Transient);
        assert_eq!(
            from_text(500, &"я".repeat(500), "x")
                .message
                .chars()
                .count(),
            201
        );
    }

    #[test]
    fn every_kind_and_reason_has_a_remedy() {
        for kind in [
            Kind::Transient,
            Kind::RateLimited,
            Kind::SignIn,
            Kind::NeedsHuman,
            Kind::NotFound,
            Kind::Invalid,
            Kind::UnknownOutcome,
            Kind::Unreadable,
        ] {
            assert!(GoogleError::new(kind, "", "m", "d").remedy().len() > 20);
        }
        let clock = GoogleError::new(Kind::SignIn, "invalid_grant", "Invalid JWT: Token", "d");
        assert!(clock.remedy().contains("clock"));
        let ended = GoogleError::new(Kind::SignIn, "invalid_grant", "Token revoked", "d");
        assert!(ended.remedy().contains("7 days"));
    }
}
