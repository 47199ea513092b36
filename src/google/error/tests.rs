//! Error bodies → kind, retry, wait, remedy.
#![allow(
    clippy::print_stdout,
    reason = "a check that was skipped says so, one that ran says how much"
)]

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::google::limit::{Budget, Limits};

mod bodies;

/// A refusal as the client reads it off the wire.
fn read(status: u16, body: &str) -> GoogleError {
    match serde_json::from_str(body) {
        Ok(json) => from_envelope(&json, Some(status), "writing"),
        Err(_) => from_text(status, body, "writing"),
    }
}

/// Whether the call is made again when repeating it is harmless, and when it would add something.
fn again(error: &GoogleError) -> (bool, bool, Kind) {
    let (mut harmless, mut adding) = (error.clone(), error.clone());
    harmless.settle(false);
    adding.settle(true);
    (harmless.again, adding.again, adding.kind)
}

/// What a row of the table says about repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Never.
    No,
    /// After the policy's own wait, whatever the call does.
    Always,
    /// After the policy's own wait, unless the call adds something: then it must be read first.
    ReadFirst,
    /// After the quota's minute.
    Quota,
}

struct Row {
    name: &'static str,
    status: u16,
    body: String,
    kind: Kind,
    again: Again,
    remedy: &'static str,
}

#[tokio::test(start_paused = true)]
async fn every_body_has_a_kind_a_wait_and_a_remedy() {
    let table = bodies::table();
    assert!(table.len() >= 60, "{} bodies", table.len());
    for row in &table {
        let error = read(row.status, &row.body);
        let name = row.name;
        assert_eq!(error.kind, row.kind, "{name}: {error}");
        assert_eq!(error.status, Some(row.status), "{name}");
        assert!(
            error.remedy().contains(row.remedy),
            "{name}: {}",
            error.remedy()
        );
        let (harmless, adding, kind) = again(&error);
        let wanted = match row.again {
            Again::No => (false, false),
            Again::Always | Again::Quota => (true, true),
            Again::ReadFirst => (true, false),
        };
        assert_eq!((harmless, adding), wanted, "{name}");
        let unknown = row.again == Again::ReadFirst;
        assert_eq!(kind == Kind::UnknownOutcome, unknown, "{name}");
        // The wait is the bucket's: the whole minute for a quota, nothing for the rest.
        if error.kind == Kind::RateLimited {
            let limits = Limits::new();
            let wait = limits.refused(Budget::SheetsWrite, error.retry_after);
            assert!((61..=65).contains(&wait.as_secs()), "{name}: {wait:?}");
            let asked = limits.refused(Budget::SheetsWrite, Some(Duration::from_secs(7)));
            assert_eq!(asked.as_secs(), 7, "{name}");
        }
        // Foreign text is repeated shortly and on one line.
        assert!(error.message.chars().count() <= QUOTE_MAX + 1 && !error.message.contains('\n'));
    }
    println!("{} error bodies", table.len());
}

#[test]
fn the_sentence_decides_nothing() {
    for row in bodies::table() {
        let Ok(mut body) = serde_json::from_str::<Value>(&row.body) else {
            continue;
        };
        if !body["error"]["message"].is_string() {
            continue;
        }
        body["error"]["message"] = "Se ha superado la cuota; no existe; permiso denegado".into();
        let error = from_envelope(&body, Some(row.status), "writing");
        assert_eq!(error.kind, row.kind, "{}", row.name);
        assert!(error.remedy().contains(row.remedy), "{}", row.name);
    }
}

/// Answers that never came whole, or never came.
#[test]
fn what_was_never_answered_is_read_before_it_is_written_again() {
    let eof = serde_json::from_str::<Value>("{\"replies\": [").unwrap_err();
    let cut = undecodable("{\"replies\": [", &eof, "writing");
    assert_eq!(again(&cut), (true, false, Kind::UnknownOutcome));
    let other = serde_json::from_str::<Value>("<html>").unwrap_err();
    let page = undecodable("<html>", &other, "writing");
    assert_eq!(page.kind, Kind::Unreadable);
    assert_eq!(again(&page), (false, false, Kind::UnknownOutcome));
    let network = GoogleError::new(Kind::Transient, "network", "connection reset", "writing");
    assert_eq!(again(&network), (true, false, Kind::UnknownOutcome));
    let mut unsent = network;
    unsent.unsent = true;
    assert_eq!(again(&unsent), (true, true, Kind::Transient));
}

#[test]
fn causes_have_remedies_of_their_own() {
    let cases = [
        (Cause::Clock(400), "400 s ahead"),
        (Cause::Clock(-90), "90 s behind"),
        (Cause::Key, "new key"),
        (
            Cause::Subject("boss@x.ru".to_string()),
            "Domain-wide delegation",
        ),
        (Cause::SevenDays, "Publish"),
        (Cause::Consent, "7 days"),
        (Cause::Protected, "Protect"),
        (Cause::TabGone, "Version history"),
    ];
    for (cause, wanted) in cases {
        let mut error = GoogleError::new(Kind::SignIn, "invalid_grant", "m", "d");
        error.cause = Some(cause);
        assert!(error.remedy().contains(wanted), "{}", error.remedy());
    }
}

/// Every recorded answer of Google that is an error, when the recordings are at hand: what it means
/// by its status and its words is written down here, not taken from the code under test.
#[test]
fn recorded_refusals_are_understood() {
    let Some(shared) = std::env::var_os("PLANFACT_SHARED") else {
        println!("skipped: PLANFACT_SHARED does not name the recorded answers");
        return;
    };
    let folder = PathBuf::from(shared).join("reference/google/recorded");
    let mut read_so_far = 0;
    for (file, status, body) in recorded(&folder) {
        let (kind, wanted) = match (status, file.as_str()) {
            (429, _) => (Kind::RateLimited, "quota"),
            (403, file) if file.contains("disabled") || file.contains("not-enabled") => {
                (Kind::NeedsHuman, "Enable the Google Sheets API")
            }
            // A scope is missing: a service of Google that we do not use, in our envelope.
            (403, file) if file.contains("scope") => (Kind::NeedsHuman, "scope"),
            (403, _) => (Kind::NeedsHuman, "Share"),
            (404, file) if file.contains("bad-path") => (Kind::Unreadable, "endpoint"),
            (404, _) => (Kind::NotFound, "Check the id"),
            (400, _) => (Kind::Invalid, "doctor"),
            other => panic!("a recorded refusal that nobody looked at: {other:?}"),
        };
        let error = read(status, &body);
        assert_eq!(error.kind, kind, "{file}: {error}");
        assert!(
            error.remedy().contains(wanted),
            "{file}: {}",
            error.remedy()
        );
        let (harmless, adding, _) = again(&error);
        assert_eq!((harmless, adding), (status == 429, status == 429), "{file}");
        read_so_far += 1;
    }
    println!("{read_so_far} recorded refusals");
    assert!(read_so_far >= 18, "{read_so_far}");
}

/// File, status and body of every recorded exchange that was refused.
fn recorded(folder: &std::path::Path) -> Vec<(String, u16, String)> {
    let mut found = Vec::new();
    for set in ["gargle", "gspread"] {
        for entry in std::fs::read_dir(folder.join(set)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let Ok(recorded) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            let as_text = |body: &Value| body.as_str().map_or(body.to_string(), str::to_string);
            let status = |code: &Value| u16::try_from(code.as_u64().unwrap_or(0)).unwrap();
            if recorded["status"].is_u64() {
                found.push((
                    name,
                    status(&recorded["status"]),
                    as_text(&recorded["body"]),
                ));
                continue;
            }
            for exchange in recorded["interactions"].as_array().into_iter().flatten() {
                let answer = &exchange["response"];
                let body = as_text(&answer["body"]["string"]);
                found.push((name.clone(), status(&answer["status"]["code"]), body));
            }
        }
    }
    found.retain(|(_, status, _)| *status >= 400);
    found
}

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
}
