//! What can go wrong with a portal, decided by its error code, not by status or sentence.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// What an error means for whoever called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It may go well the next time.
    Transient,
    /// Too many requests; the client's own bucket is emptied.
    RateLimited,
    /// The method has used up its time of execution.
    OperationTime {
        /// When it may be called again, if the portal has told.
        reset_at: Option<DateTime<Utc>>,
    },
    /// Nothing but a person can put it right.
    NeedsHuman,
    /// The record does not exist.
    NotFound,
    /// It will go wrong again in the same way.
    Permanent,
    /// The answer has not the documented form.
    Unreadable,
}

/// An error of the portal or of the way to it. Never contains the webhook's secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Bitrix24, {doing}: {description} [{code}]; {}", self.remedy())]
pub struct BitrixError {
    /// What it means.
    pub kind: Kind,
    /// The portal's code, or one of ours (`TIMEOUT`, `HTML`, …) when the portal sent none.
    pub code: String,
    /// What the portal or the network said.
    pub description: String,
    /// What was being done, such as `calling crm.lead.list`.
    pub doing: String,
    /// Whether a signed-in application had asked, rather than a webhook.
    pub by_application: bool,
}

/// The request took longer than allowed: a smaller one may pass.
pub(super) const TIMEOUT: &str = "TIMEOUT";
/// A web page came instead of data.
pub(super) const HTML: &str = "HTML";
/// The answer ended early.
pub(super) const TRUNCATED: &str = "TRUNCATED";
/// The network failed.
pub(super) const NETWORK: &str = "NETWORK";
/// The portal's certificate is not trusted.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";
/// A redirect that is not followed.
pub(super) const REDIRECT: &str = "REDIRECT";
/// The answer has not the documented form.
pub(super) const FORM: &str = "FORM";
/// A filter by id had no effect.
pub(super) const FILTER_IGNORED: &str = "FILTER_IGNORED";

impl BitrixError {
    /// An error of the client's own finding.
    pub(super) fn own(kind: Kind, code: &str, description: String, doing: &str) -> BitrixError {
        BitrixError {
            kind,
            code: code.to_owned(),
            description,
            doing: doing.to_owned(),
            by_application: false,
        }
    }

    /// Reads `{"error": …, "error_description": …}`; `error` may be a string, a number or, in
    /// REST 3.0, an object.
    pub(super) fn from_body(body: &Value, doing: &str) -> BitrixError {
        let error = body.get("error").unwrap_or(body);
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let (code, mut description) = match error {
            Value::Object(map) => (text(map.get("code")), text(map.get("message"))),
            other => (text(Some(other)), text(body.get("error_description"))),
        };
        if description.is_empty() {
            "no description".clone_into(&mut description);
        }
        let kind = kind_of(&code, &description);
        BitrixError {
            kind,
            code,
            description,
            doing: doing.to_owned(),
            by_application: false,
        }
    }

    /// Whether a smaller request may pass where this one did not.
    pub(super) fn is_timeout(&self) -> bool {
        self.code == TIMEOUT
    }

    /// Whether the right to a single record is missing, as old methods say by a sentence alone.
    pub(super) fn is_denied(&self) -> bool {
        self.code.eq_ignore_ascii_case("ACCESS_DENIED")
            || (self.code.is_empty() || self.code == "0")
    }

    /// What to do about it, one sentence for people.
    pub fn remedy(&self) -> &'static str {
        let application = || remedy_of_application(&self.code);
        let told = self.by_application.then(application).flatten();
        told.or_else(|| remedy_of(&self.code))
            .unwrap_or(match self.kind {
                Kind::Transient | Kind::RateLimited => "it is tried again at the next pass",
                Kind::OperationTime { .. } => {
                    "the method may be called again later; run the pass less often or narrow it"
                }
                Kind::NeedsHuman => "check the rights of the webhook and of the user who made it",
                Kind::NotFound => {
                    "the record was deleted, or the user has lost the right to see it"
                }
                Kind::Permanent => "report it with the log of this run",
                Kind::Unreadable => {
                    "check that the address leads to a Bitrix24 portal; if it does, report it"
                }
            })
    }
}

/// The meaning of a code; the sentence decides only where old methods send no code at all.
fn kind_of(code: &str, description: &str) -> Kind {
    match code.to_ascii_uppercase().as_str() {
        "QUERY_LIMIT_EXCEEDED" => Kind::RateLimited,
        "OPERATION_TIME_LIMIT" => Kind::OperationTime { reset_at: None },
        "INTERNAL_SERVER_ERROR" | "ERROR_UNEXPECTED_ANSWER" => Kind::Transient,
        "NOT_FOUND" | "ERROR_NOT_FOUND" => Kind::NotFound,
        "OVERLOAD_LIMIT"
        | "EXPIRED_TOKEN"
        | "INVALID_TOKEN"
        | "NO_AUTH_FOUND"
        | "INVALID_CREDENTIALS"
        | "INSUFFICIENT_SCOPE"
        | "USER_ACCESS_ERROR"
        | "ACCESS_DENIED"
        | "PAYMENT_REQUIRED"
        | "PORTAL_DELETED"
        | "AUTHORIZATION_ERROR"
        | "APPLICATION_NOT_FOUND"
        | "ERROR_OAUTH"
        | "INVALID_GRANT"
        | "INVALID_CLIENT"
        | "INVALID_SCOPE"
        | "METHOD_CONFIRM_WAITING"
        | "ERROR_METHOD_NOT_FOUND"
        | "INVALID_REQUEST" => Kind::NeedsHuman,
        "" | "0" => match description
            .trim_end_matches(['.', '!'])
            .to_ascii_lowercase()
            .as_str()
        {
            "not found" | "activity is not found" => Kind::NotFound,
            "access denied" => Kind::NeedsHuman,
            _ => Kind::Permanent,
        },
        _ => Kind::Permanent,
    }
}

/// Where an application's remedy is another than a webhook's.
fn remedy_of_application(code: &str) -> Option<&'static str> {
    Some(match code.to_ascii_uppercase().as_str() {
        "EXPIRED_TOKEN"
        | "INVALID_TOKEN"
        | "NO_AUTH_FOUND"
        | "AUTHORIZATION_ERROR"
        | "APPLICATION_NOT_FOUND"
        | "ERROR_OAUTH"
        | "INVALID_CREDENTIALS" => {
            "the application was removed from the portal or its consent withdrawn; see that it is \
             installed, then sign in again: planfact init --sign-in"
        }
        "INSUFFICIENT_SCOPE" => {
            "edit the application in the portal and give it the scopes crm, user_basic and \
             department, then sign in again: planfact init --sign-in"
        }
        "USER_ACCESS_ERROR" | "ACCESS_DENIED" => {
            "let an administrator sign in; REST also needs a commercial plan of Bitrix24"
        }
        "METHOD_CONFIRM_WAITING" => "an administrator of the portal has to confirm the application",
        _ => return None,
    })
}

fn remedy_of(code: &str) -> Option<&'static str> {
    Some(match code.to_ascii_uppercase().as_str() {
        "NOT_SIGNED_IN" => "sign the application in: planfact init --sign-in",
        "OTHER_PORTAL" | "INVALID_GRANT" => {
            "the kept sign-in is spent or belongs to another portal; sign in again: planfact init \
             --sign-in"
        }
        "INVALID_CLIENT" => "check client_id and client_secret against the application's form",
        "INVALID_SCOPE" => {
            "give the application the scopes that planfact needs, then sign in again"
        }
        "TOKEN_FILE" => "let the program's user read and write that file and its folder",
        "WEBHOOK_URL" => {
            "copy the address of an inbound webhook from the portal (Developer resources, Other, \
             Inbound webhook) into webhook_url"
        }
        "OVERLOAD_LIMIT" => "Bitrix24 has blocked the portal's REST by hand; write to its support",
        "EXPIRED_TOKEN"
        | "INVALID_TOKEN"
        | "NO_AUTH_FOUND"
        | "AUTHORIZATION_ERROR"
        | "APPLICATION_NOT_FOUND"
        | "ERROR_OAUTH" => {
            "the webhook is wrong, expired or deleted; make a new one and put its address into \
             webhook_url"
        }
        "INVALID_CREDENTIALS" => {
            "the webhook was revoked or its user has lost his rights; make a new one as an \
             administrator"
        }
        "INSUFFICIENT_SCOPE" => {
            "edit the webhook in the portal and give it the scopes crm, user_basic and department"
        }
        "USER_ACCESS_ERROR" | "ACCESS_DENIED" => {
            "let an administrator make the webhook; REST also needs a commercial plan of Bitrix24"
        }
        "PAYMENT_REQUIRED" => "the portal's subscription has ended; renew it",
        "PORTAL_DELETED" => "the portal is closed or deleted; check the address with its owner",
        "METHOD_CONFIRM_WAITING" => "an administrator of the portal has to confirm the webhook",
        "ERROR_METHOD_NOT_FOUND" => {
            "check that webhook_url has the form https://<portal>/rest/<user id>/<code>/ and that \
             the portal has the CRM"
        }
        "INVALID_REQUEST" => "use https:// in webhook_url",
        HTML => "if it lasts, check that webhook_url leads to the portal itself",
        TIMEOUT | NETWORK => "check the network and that the portal opens in a browser",
        CERTIFICATE => "for a portal with a certificate of its own, name its CA file in ca_file",
        REDIRECT => {
            "open the portal in a browser: it has moved (change webhook_url) or its licence has \
             expired"
        }
        FILTER_IGNORED => {
            "the portal ignores filters by ID, so it cannot be read safely; report it"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MEANINGS: &[(&str, Kind)] = &[
        ("QUERY_LIMIT_EXCEEDED", Kind::RateLimited),
        ("OVERLOAD_LIMIT", Kind::NeedsHuman),
        (
            "OPERATION_TIME_LIMIT",
            Kind::OperationTime { reset_at: None },
        ),
        ("expired_token", Kind::NeedsHuman),
        ("invalid_token", Kind::NeedsHuman),
        ("NO_AUTH_FOUND", Kind::NeedsHuman),
        ("INVALID_CREDENTIALS", Kind::NeedsHuman),
        ("insufficient_scope", Kind::NeedsHuman),
        ("user_access_error", Kind::NeedsHuman),
        ("ACCESS_DENIED", Kind::NeedsHuman),
        ("PAYMENT_REQUIRED", Kind::NeedsHuman),
        ("PORTAL_DELETED", Kind::NeedsHuman),
        ("ERROR_OAUTH", Kind::NeedsHuman),
        ("METHOD_CONFIRM_WAITING", Kind::NeedsHuman),
        ("ERROR_METHOD_NOT_FOUND", Kind::NeedsHuman),
        ("INVALID_REQUEST", Kind::NeedsHuman),
        ("INTERNAL_SERVER_ERROR", Kind::Transient),
        (" ERROR_UNEXPECTED_ANSWER ", Kind::Transient),
        ("NOT_FOUND", Kind::NotFound),
        ("ERROR_BATCH_LENGTH_EXCEEDED", Kind::Permanent),
        ("ERROR_BATCH_METHOD_NOT_ALLOWED", Kind::Permanent),
    ];

    fn read(code: &Value, description: &str) -> BitrixError {
        let body = json!({"error": code, "error_description": description});
        BitrixError::from_body(&body, "calling a method")
    }

    #[test]
    fn the_code_decides() {
        for (code, kind) in MEANINGS {
            for description in ["", "Not found", "Access denied."] {
                let error = read(&json!(code), description);
                assert_eq!(error.kind, *kind, "{code}");
                assert!(
                    !error.remedy().is_empty() && !error.description.is_empty(),
                    "{code}"
                );
            }
        }
    }

    #[test]
    fn the_sentence_decides_only_without_a_code() {
        for code in [json!(""), json!("0"), json!(0), json!(null)] {
            for sentence in ["Not found", "Activity is not found."] {
                assert_eq!(read(&code, sentence).kind, Kind::NotFound, "{code}");
            }
            assert_eq!(
                read(&code, "Access denied.").kind,
                Kind::NeedsHuman,
                "{code}"
            );
            let other = read(&code, "Parameter 'filter' must be array.");
            assert_eq!(other.kind, Kind::Permanent, "{code}");
        }
        assert_eq!(
            read(&json!("ERROR_CORE"), "Not found").kind,
            Kind::Permanent
        );
        let object = json!({"code": "ACCESS_DENIED", "message": "no"});
        let error = read(&object, "");
        assert_eq!(
            (error.kind, error.description.as_str()),
            (Kind::NeedsHuman, "no")
        );
    }

    #[test]
    fn the_text_says_what_happened_and_the_remedy() {
        let body = json!({"error": "insufficient_scope", "error_description": "more privileges"});
        assert_eq!(
            BitrixError::from_body(&body, "calling user.get").to_string(),
            "Bitrix24, calling user.get: more privileges [insufficient_scope]; edit the webhook \
             in the portal and give it the scopes crm, user_basic and department"
        );
    }
}
