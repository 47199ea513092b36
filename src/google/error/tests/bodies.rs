//! The table: bodies in the shapes that Google documents, each with what it means.

use serde_json::{Value, json};

use super::super::Kind;
use super::{Again, Row};

use Again::{Always, No, Quota, ReadFirst};
use Kind::{Invalid, NeedsHuman, NotFound, RateLimited, SignIn, Transient, Unreadable};

fn row(
    name: &'static str,
    status: u16,
    body: impl ToString,
    kind: Kind,
    again: Again,
    remedy: &'static str,
) -> Row {
    Row {
        name,
        status,
        body: body.to_string(),
        kind,
        again,
        remedy,
    }
}

/// The Sheets envelope.
fn sheets(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status}})
}

/// The same with a reason among its details.
fn info(code: u16, status: &str, reason: &str) -> Value {
    let mut body = sheets(code, status, "m");
    body["error"]["details"] = json!([
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://x"}]},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
         "domain": "googleapis.com", "metadata": {"service": "sheets.googleapis.com"}}]);
    body
}

/// A quota's refusal by its unit.
fn quota(unit: &str) -> Value {
    let mut body = info(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED");
    body["error"]["details"][1]["metadata"]["quota_unit"] = unit.into();
    body
}

/// The Drive envelope.
fn drive(code: u16, domain: &str, reason: &str) -> Value {
    json!({"error": {"errors": [{"domain": domain, "reason": reason, "message": "m"}],
        "code": code, "message": "m"}})
}

/// The token endpoint's.
fn oauth(error: &str, description: &str) -> Value {
    json!({"error": error, "error_description": description})
}

pub(super) fn table() -> Vec<Row> {
    let mut rows = quotas();
    rows.extend(passing());
    rows.extend(rights());
    rows.extend(requests());
    rows.extend(sign_in());
    rows.extend(broken());
    rows
}

fn quotas() -> Vec<Row> {
    let full = "A service account owns no storage";
    let localised = "Se superó la cuota de la métrica 'Write requests'.";
    vec![
        row(
            "a user's minute",
            429,
            quota("1/min/{project}/{user}"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "a project's minute",
            429,
            quota("1/min/{project}"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "a project's day",
            429,
            quota("1/d/{project}"),
            NeedsHuman,
            No,
            "daily quota",
        ),
        row(
            "no details",
            429,
            sheets(429, "RESOURCE_EXHAUSTED", localised),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "a word of tomorrow beside a known status",
            429,
            info(429, "RESOURCE_EXHAUSTED", "BUDGET_OF_TOMORROW"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "Drive, a user's",
            403,
            drive(403, "usageLimits", "userRateLimitExceeded"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "Drive, all",
            403,
            drive(403, "usageLimits", "rateLimitExceeded"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "Drive, 429",
            429,
            drive(429, "usageLimits", "rateLimitExceeded"),
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "shares of a day",
            403,
            drive(403, "usageLimits", "sharingRateLimitExceeded"),
            RateLimited,
            No,
            "next pass",
        ),
        row(
            "storage, of the same domain",
            403,
            drive(403, "usageLimits", "storageQuotaExceeded"),
            NeedsHuman,
            No,
            full,
        ),
        row(
            "a day, of the same domain",
            403,
            drive(403, "usageLimits", "dailyLimitExceeded"),
            NeedsHuman,
            No,
            "daily quota",
        ),
        row(
            "a shared drive",
            403,
            drive(403, "usageLimits", "teamDriveFileLimitExceeded"),
            NeedsHuman,
            No,
            "shared drive is full",
        ),
        row(
            "files made",
            403,
            drive(403, "usageLimits", "activeItemCreationLimitExceeded"),
            NeedsHuman,
            No,
            "as many files",
        ),
        row(
            "children",
            403,
            drive(403, "global", "numChildrenInNonRootLimitExceeded"),
            NeedsHuman,
            No,
            "another `folder`",
        ),
    ]
}

fn passing() -> Vec<Row> {
    let nothing = "Nothing to do";
    let gone = "The service is currently unavailable.";
    let mut old = sheets(503, "UNAVAILABLE", gone);
    old["error"]["errors"] =
        json!([{"domain": "global", "reason": "backendError", "message": gone}]);
    vec![
        row(
            "503",
            503,
            sheets(503, "UNAVAILABLE", gone),
            Transient,
            ReadFirst,
            nothing,
        ),
        row("503 as it was", 503, old, Transient, ReadFirst, nothing),
        row(
            "500",
            500,
            sheets(500, "INTERNAL", "Internal error"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "unknown",
            500,
            sheets(500, "UNKNOWN", "?"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "504",
            504,
            sheets(504, "DEADLINE_EXCEEDED", "m"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "cancelled",
            499,
            sheets(499, "CANCELLED", "m"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "Drive 500",
            500,
            drive(500, "global", "internalError"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "Drive 503",
            503,
            drive(503, "global", "backendError"),
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "Drive, passing",
            503,
            drive(503, "g", "transientError"),
            Transient,
            ReadFirst,
            nothing,
        ),
        // Refused with a 4xx: certainly not done, so even what adds is asked again.
        row(
            "aborted",
            409,
            sheets(409, "ABORTED", "concurrent"),
            Transient,
            Always,
            nothing,
        ),
        row(
            "Drive, 409",
            409,
            drive(409, "global", "conflict"),
            Transient,
            Always,
            nothing,
        ),
        row(
            "an unknown word, 500",
            500,
            info(500, "NEW", "NEW"),
            Transient,
            ReadFirst,
            nothing,
        ),
    ]
}

fn rights() -> Vec<Row> {
    let share = "Share the file";
    let enable = "Enable the Google Sheets API";
    let denied = "El usuario que llama no tiene permiso";
    let scope = "lacks a scope";
    vec![
        row(
            "denied",
            403,
            sheets(403, "PERMISSION_DENIED", denied),
            NeedsHuman,
            No,
            share,
        ),
        row(
            "the interface is off",
            403,
            info(403, "PERMISSION_DENIED", "SERVICE_DISABLED"),
            NeedsHuman,
            No,
            enable,
        ),
        row(
            "the same in Drive",
            403,
            drive(403, "usageLimits", "accessNotConfigured"),
            NeedsHuman,
            No,
            enable,
        ),
        row(
            "a scope",
            403,
            info(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            NeedsHuman,
            No,
            scope,
        ),
        row(
            "Drive scope",
            403,
            drive(403, "g", "insufficientPermissions"),
            NeedsHuman,
            No,
            scope,
        ),
        row(
            "a file",
            403,
            drive(403, "global", "insufficientFilePermissions"),
            NeedsHuman,
            No,
            share,
        ),
        row(
            "a parent",
            403,
            drive(403, "global", "insufficientParentPermissions"),
            NeedsHuman,
            No,
            share,
        ),
        row(
            "drive.file",
            403,
            drive(403, "g", "appNotAuthorizedToFile"),
            NeedsHuman,
            No,
            share,
        ),
        row(
            "an organisation",
            403,
            drive(403, "global", "domainPolicy"),
            NeedsHuman,
            No,
            "Workspace administrator",
        ),
        row(
            "copying",
            403,
            drive(403, "global", "cannotCopyFile"),
            NeedsHuman,
            No,
            "forbids copying",
        ),
        row(
            "sharing",
            400,
            drive(400, "global", "invalidSharingRequest"),
            NeedsHuman,
            No,
            "share_with",
        ),
        row(
            "no billing",
            403,
            info(403, "PERMISSION_DENIED", "BILLING_DISABLED"),
            NeedsHuman,
            No,
            "without billing",
        ),
        row(
            "suspended",
            403,
            info(403, "PERMISSION_DENIED", "CONSUMER_SUSPENDED"),
            NeedsHuman,
            No,
            "suspended",
        ),
        row(
            "a word of tomorrow",
            403,
            drive(403, "g", "somethingNew"),
            NeedsHuman,
            No,
            share,
        ),
        row(
            "not there",
            404,
            sheets(404, "NOT_FOUND", "m"),
            NotFound,
            No,
            "Check the id",
        ),
        row(
            "not there, Drive",
            404,
            drive(404, "global", "notFound"),
            NotFound,
            No,
            "Check the id",
        ),
    ]
}

fn requests() -> Vec<Row> {
    let doctor = "planfact doctor";
    let protected = "Datos no válidos: estás intentando editar una celda protegida.";
    let mut violation = sheets(400, "INVALID_ARGUMENT", "Invalid value at 'data.values'");
    violation["error"]["details"] = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "data.values", "description": "m"}]}]);
    let batch = |message: &str| sheets(400, "INVALID_ARGUMENT", message);
    vec![
        row(
            "a range",
            400,
            batch("Unable to parse range: X!A1"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "one of a batch",
            400,
            batch("Invalid requests[2].updateCells: m"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "no such tab",
            400,
            batch("No grid with id: 999999"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "a protected cell, in Spanish",
            400,
            batch(protected),
            Invalid,
            No,
            doctor,
        ),
        row(
            "cells",
            400,
            batch("limit of 10000000 cells"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "metadata",
            400,
            batch("exceed the allowed storage limit."),
            Invalid,
            No,
            doctor,
        ),
        row("a type", 400, violation, Invalid, No, doctor),
        row(
            "a state",
            400,
            sheets(400, "FAILED_PRECONDITION", "m"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "off the end",
            400,
            sheets(400, "OUT_OF_RANGE", "m"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "there already",
            409,
            sheets(409, "ALREADY_EXISTS", "m"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "not made",
            501,
            sheets(501, "UNIMPLEMENTED", "m"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "Drive, invalid",
            400,
            drive(400, "global", "invalid"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "Drive, page token",
            400,
            drive(400, "global", "invalidParameter"),
            Invalid,
            No,
            doctor,
        ),
        row(
            "too large",
            413,
            drive(413, "global", "uploadTooLarge"),
            Invalid,
            No,
            doctor,
        ),
    ]
}

fn sign_in() -> Vec<Row> {
    let again = "sign in again";
    let client = "OAuth client or key";
    vec![
        row(
            "a dead token",
            401,
            sheets(401, "UNAUTHENTICATED", "m"),
            SignIn,
            No,
            again,
        ),
        row(
            "the same in Drive",
            401,
            drive(401, "global", "authError"),
            SignIn,
            No,
            again,
        ),
        row(
            "expired",
            401,
            info(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
            SignIn,
            No,
            again,
        ),
        row(
            "invalid_grant",
            400,
            oauth("invalid_grant", "Bad Request"),
            SignIn,
            No,
            again,
        ),
        row(
            "invalid_client",
            401,
            oauth("invalid_client", "m"),
            SignIn,
            No,
            client,
        ),
        row(
            "unauthorized_client",
            401,
            oauth("unauthorized_client", "m"),
            SignIn,
            No,
            client,
        ),
        row(
            "deleted_client",
            401,
            oauth("deleted_client", "m"),
            SignIn,
            No,
            client,
        ),
        row(
            "invalid_scope",
            400,
            oauth("invalid_scope", "m"),
            SignIn,
            No,
            "lacks a scope",
        ),
        row(
            "access_denied",
            403,
            oauth("access_denied", "m"),
            SignIn,
            No,
            "again",
        ),
        row(
            "a policy",
            400,
            oauth("admin_policy_enforced", "m"),
            SignIn,
            No,
            "administrator",
        ),
        row(
            "a re-authentication",
            400,
            oauth("invalid_rapt", "m"),
            SignIn,
            No,
            "exempt",
        ),
        row(
            "the endpoint is ill",
            500,
            oauth("internal_failure", "m"),
            Transient,
            ReadFirst,
            "",
        ),
        row(
            "the endpoint is busy",
            429,
            oauth("rate_limit_exceeded", "m"),
            RateLimited,
            Quota,
            "",
        ),
        row(
            "no error at all",
            400,
            json!({"error_description": "m"}),
            Invalid,
            No,
            "doctor",
        ),
    ]
}

fn broken() -> Vec<Row> {
    let nothing = "Nothing to do";
    let way = "nothing between this machine and Google";
    let page = "<!DOCTYPE html><html><title>Error</title><p><b>Error.</b> <ins>Sorry.</ins></html>";
    let cut = "{\"error\": {\"code\": 403, \"mess";
    let listed = json!([sheets(429, "RESOURCE_EXHAUSTED", "m")]);
    let textual = json!({"error": {"code": "503", "status": "UNAVAILABLE", "new": {"a": [1]}}});
    let odd = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": "none",
        "errors": {"reason": "x"}, "commentUpdateState": "NO_UPDATES_REQUESTED"}});
    vec![
        row("a page, 429", 429, page, RateLimited, Quota, "quota"),
        row("a page, 500", 500, page, Transient, ReadFirst, nothing),
        row("a page, 502", 502, page, Transient, ReadFirst, nothing),
        row("a page, 503", 503, page, Transient, ReadFirst, nothing),
        row("a page, 404", 404, page, Unreadable, No, way),
        row("a page, 403", 403, page, Unreadable, No, way),
        row("a page, 413", 413, page, Invalid, No, "doctor"),
        row("a page, 408", 408, page, Transient, ReadFirst, nothing),
        row("empty, 503", 503, "", Transient, ReadFirst, nothing),
        row("empty, 401", 401, "", SignIn, No, "credentials"),
        row(
            "a proxy's redirect",
            302,
            "<html>Sign in to the network</html>",
            Unreadable,
            No,
            way,
        ),
        row(
            "a refusal that broke off",
            403,
            cut,
            Transient,
            Always,
            nothing,
        ),
        row(
            "a quota that broke off",
            429,
            cut,
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "a 503 that broke off",
            503,
            cut,
            Transient,
            ReadFirst,
            nothing,
        ),
        row("a list of one", 429, listed, RateLimited, Quota, "quota"),
        row(
            "a code as text, unknown fields",
            503,
            textual,
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "details of another type",
            429,
            odd,
            RateLimited,
            Quota,
            "quota",
        ),
        row(
            "an empty envelope",
            503,
            "{}",
            Transient,
            ReadFirst,
            nothing,
        ),
        row(
            "an error of null",
            404,
            json!({"error": null}),
            NotFound,
            No,
            "Check the id",
        ),
        row("a number", 500, "42", Transient, ReadFirst, nothing),
    ]
}
