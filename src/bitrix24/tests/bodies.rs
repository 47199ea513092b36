//! The table of bad answers: status and body → kind, wait and remedy.
//!
//! Codes are those of the REST documentation (limits, system errors, error answers of the methods
//! called) and of the official SDK; the sentences are theirs in short. Statuses differ between
//! documentation and SDK, so each code stands under every status it was seen with.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bitrix24::envelope;
use crate::bitrix24::error::{BitrixError, Kind};
use crate::bitrix24::portal::decision;
use crate::retry::Decision;

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Trying again is no use.
    Never,
    /// Again after the policy's own wait.
    Soon,
    /// Again after so many seconds.
    Seconds(u64),
}

struct Case {
    statuses: &'static [u16],
    error: Value,
    description: &'static str,
    kind: Kind,
    wait: Wait,
    /// A word of the remedy.
    remedy: &'static str,
}

fn case(
    statuses: &'static [u16],
    error: Value,
    description: &'static str,
    kind: Kind,
    wait: Wait,
    remedy: &'static str,
) -> Case {
    Case {
        statuses,
        error,
        description,
        kind,
        wait,
        remedy,
    }
}

fn human(
    statuses: &'static [u16],
    error: &str,
    description: &'static str,
    remedy: &'static str,
) -> Case {
    case(
        statuses,
        json!(error),
        description,
        Kind::NeedsHuman,
        Wait::Never,
        remedy,
    )
}

fn permanent(statuses: &'static [u16], error: Value, description: &'static str) -> Case {
    case(
        statuses,
        error,
        description,
        Kind::Permanent,
        Wait::Never,
        "report",
    )
}

/// Limits, sign-in and rights.
fn of_the_portal() -> Vec<Case> {
    let blocked = Kind::OperationTime { reset_at: None };
    let again = "next pass";
    vec![
        case(
            &[503, 429],
            json!("QUERY_LIMIT_EXCEEDED"),
            "Too many requests",
            Kind::RateLimited,
            Wait::Seconds(2),
            again,
        ),
        case(
            &[429],
            json!("OPERATION_TIME_LIMIT"),
            "Method is blocked",
            blocked,
            Wait::Seconds(62),
            "less often",
        ),
        human(
            &[503],
            "OVERLOAD_LIMIT",
            "blocked due to overload",
            "support",
        ),
        human(
            &[401],
            "authorization_error",
            "Unable to authorize user",
            "webhook",
        ),
        human(
            &[401],
            "APPLICATION_NOT_FOUND",
            "Application not found",
            "webhook",
        ),
        human(
            &[401],
            "ERROR_OAUTH",
            "Application not installed",
            "webhook",
        ),
        human(&[401], "expired_token", "has expired", "expired"),
        human(
            &[401],
            "invalid_token",
            "Unable to get application",
            "new one",
        ),
        human(
            &[401],
            "NO_AUTH_FOUND",
            "Wrong authorization data",
            "new one",
        ),
        human(
            &[401, 403],
            "insufficient_scope",
            "higher privileges",
            "scopes",
        ),
        human(
            &[401, 403],
            "INVALID_CREDENTIALS",
            "Invalid request credentials",
            "administrator",
        ),
        human(
            &[401],
            "METHOD_CONFIRM_WAITING",
            "Waiting for confirmation",
            "confirm",
        ),
        human(
            &[401, 200],
            "PAYMENT_REQUIRED",
            "Subscription has been ended",
            "renew",
        ),
        human(
            &[403, 400],
            "ACCESS_DENIED",
            "Access denied!",
            "administrator",
        ),
        human(&[403], "ACCESS_DENIED", "only on extended plans", "plan"),
        human(
            &[403],
            "ACCESS_DENIED",
            "Current user can't be authorized",
            "administrator",
        ),
        human(
            &[403],
            "ACCESS_DENIED",
            "only on commercial plans.",
            "commercial plan",
        ),
        human(
            &[403],
            "user_access_error",
            "no access to the application",
            "administrator",
        ),
        human(
            &[410, 500],
            "PORTAL_DELETED",
            "Portal was deleted",
            "closed or deleted",
        ),
        human(
            &[404],
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
            "webhook_url",
        ),
        human(&[400], "INVALID_REQUEST", "Https required", "https"),
        human(
            &[400],
            "invalid_grant",
            "Invalid refresh token",
            "sign in again",
        ),
        human(
            &[401],
            "invalid_client",
            "Client authentication failed",
            "client_secret",
        ),
        human(&[400], "invalid_scope", "Invalid scope", "scopes"),
        case(
            &[500],
            json!("INTERNAL_SERVER_ERROR"),
            "Internal server error",
            Kind::Transient,
            Wait::Soon,
            again,
        ),
        case(
            &[500],
            json!("ERROR_UNEXPECTED_ANSWER"),
            "unexpected response",
            Kind::Transient,
            Wait::Soon,
            again,
        ),
    ]
}

/// What methods say of what they were asked; `error` may be empty, `"0"` or 0.
fn of_methods() -> Vec<Case> {
    let deleted = "deleted";
    vec![
        case(
            &[400, 200],
            json!(""),
            "Not found",
            Kind::NotFound,
            Wait::Never,
            deleted,
        ),
        case(
            &[400],
            json!("0"),
            "Not found",
            Kind::NotFound,
            Wait::Never,
            deleted,
        ),
        case(
            &[400],
            json!(0),
            "Not found.",
            Kind::NotFound,
            Wait::Never,
            deleted,
        ),
        case(
            &[404],
            json!("NOT_FOUND"),
            "Smart process not found",
            Kind::NotFound,
            Wait::Never,
            deleted,
        ),
        case(
            &[400],
            json!("ERROR_NOT_FOUND"),
            "Not found",
            Kind::NotFound,
            Wait::Never,
            deleted,
        ),
        human(&[400], "", "Access denied.", "rights"),
        case(
            &[400],
            json!(0),
            "Access denied",
            Kind::NeedsHuman,
            Wait::Never,
            "rights",
        ),
        permanent(&[400], json!(""), "Parameter 'filter' must be array."),
        permanent(&[400], json!(0), "entity is not supported"),
        permanent(&[400], json!("0"), "Invalid sorting key (internal error)"),
        permanent(
            &[400],
            json!("INVALID_ARG_VALUE"),
            "field is not allowed in filter",
        ),
        permanent(&[400], json!("ENTITY_TYPE_NOT_SUPPORTED"), "not supported"),
        permanent(
            &[400],
            json!("ERROR_BATCH_LENGTH_EXCEEDED"),
            "Max batch length exceeded",
        ),
        permanent(
            &[405],
            json!("ERROR_BATCH_METHOD_NOT_ALLOWED"),
            "not allowed for batch",
        ),
        permanent(&[400], json!("ERROR_CORE"), "Not found"),
        permanent(
            &[400],
            json!({"code": "BITRIX_REST_V3_EXCEPTION_UNKNOWNDTOPROPERTYEXCEPTION",
                   "message": "Unknown field"}),
            "",
        ),
        case(
            &[403],
            json!({"code": "ACCESS_DENIED", "message": "no"}),
            "",
            Kind::NeedsHuman,
            Wait::Never,
            "administrator",
        ),
    ]
}

fn check(error: &BitrixError, kind: &Kind, wait: Wait, remedy: &str, what: &str) {
    assert_eq!(error.kind, *kind, "{what}");
    let decided = match wait {
        Wait::Never => Decision::Stop,
        Wait::Soon => Decision::Retry,
        Wait::Seconds(seconds) => Decision::RetryAfter(Duration::from_secs(seconds)),
    };
    assert_eq!(decision(error, true), decided, "{what}");
    assert!(
        error.remedy().contains(remedy),
        "{what}: {}",
        error.remedy()
    );
    assert!(!error.description.is_empty(), "{what}");
}

#[test]
fn every_error_body_has_its_kind_its_wait_and_its_remedy() {
    let cases: Vec<Case> = of_the_portal().into_iter().chain(of_methods()).collect();
    for case in &cases {
        let body = json!({"error": case.error, "error_description": case.description});
        for status in case.statuses {
            let status = StatusCode::from_u16(*status).expect("a status");
            let text = body.to_string();
            let refusal = envelope::read(status, text.as_bytes(), "calling").expect_err("refused");
            let what = format!("{status} {body}");
            check(&refusal.error, &case.kind, case.wait, case.remedy, &what);
        }
    }
}

#[test]
fn what_is_no_json_is_never_no_rows() {
    let page = "<!DOCTYPE html><html><body>Too many requests</body></html>";
    for (status, body, kind, wait) in [
        (200, page, Kind::Transient, Wait::Soon),
        (403, page, Kind::Transient, Wait::Soon),
        (503, page, Kind::Transient, Wait::Soon),
        (504, page, Kind::Transient, Wait::Soon),
        (502, "Bad gateway", Kind::Transient, Wait::Soon),
        (200, "", Kind::Transient, Wait::Soon),
        (200, " \n <html>", Kind::Transient, Wait::Soon),
        (200, "{\"result\": [", Kind::Transient, Wait::Soon),
        (200, "null", Kind::Unreadable, Wait::Never),
        (200, "[]", Kind::Unreadable, Wait::Never),
        (200, "{\"total\": 0}", Kind::Unreadable, Wait::Never),
        (200, "no rows", Kind::Unreadable, Wait::Never),
        (500, "{}", Kind::Transient, Wait::Soon),
        (404, "{}", Kind::Permanent, Wait::Never),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let refusal = envelope::read(status, body.as_bytes(), "calling").expect_err("refused");
        check(&refusal.error, &kind, wait, "", &format!("{status} {body}"));
    }
}
