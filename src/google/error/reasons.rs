//! Google's reasons as one table: what each means, and what a person can do about it.
//!
//! Words come from the service's error pages (Sheets and Drive v3 "resolve errors", Drive's list of
//! `errors[].reason`), from `google.rpc.Code` and `google.api.ErrorReason`, and from RFC 6749 (§5.2)
//! and RFC 8628 (§3.5) for sign-in. Sentences are localised and statuses ambiguous (403 is a rate
//! limit, a full drive and a missing right); only these words decide.

use super::Kind;

/// One word of Google's.
pub(super) struct Reason {
    /// As it stands in the envelope.
    pub(super) word: &'static str,
    /// What it means.
    pub(super) kind: Kind,
    /// What to do about it, where the kind's own remedy is too general.
    pub(super) remedy: Option<&'static str>,
}

/// The meaning of a word; `None` for one that is not in the table.
pub(super) fn known(word: &str) -> Option<&'static Reason> {
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|reason| reason.word == word)
}

const TABLES: [&[Reason]; 5] = [PASSING, SIGN_IN, RIGHTS, LIMITS, REQUESTS];

const fn plain(word: &'static str, kind: Kind) -> Reason {
    Reason {
        word,
        kind,
        remedy: None,
    }
}

const fn with(word: &'static str, kind: Kind, remedy: &'static str) -> Reason {
    Reason {
        word,
        kind,
        remedy: Some(remedy),
    }
}

const CLIENT: &str = "The OAuth client or key in the credentials file is not accepted: download it \
                      anew from the Google Cloud console.";
const SCOPES: &str = "The sign-in lacks a scope: it needs `spreadsheets` and `drive`. Sign in again \
                      with `planfact init --google` and tick every box.";
const ENABLE: &str = "Enable the Google Sheets API and the Google Drive API for the project in the \
                      Google Cloud console, and wait a few minutes.";
const ORGANISATION: &str = "The organisation's rules forbid it: ask the Workspace administrator.";
const DAILY: &str =
    "The daily quota of the Google Cloud project is used up: raise it in the console.";
const PROJECT: &str = "The Google Cloud project is suspended, deleted or without billing: put it \
                       right in the console, or use the key of another project.";
const FULL_FOLDER: &str = "The folder holds as many files, or lies as deep, as Drive allows: name \
                           another `folder`.";
const COPYING: &str = "The owner of the template forbids copying: allow it in the sharing settings, \
                       or name another template.";
const NO_ACCOUNT: &str =
    "Only addresses that have a Google account can be added without a mail: correct `share_with`.";
const CREDENTIALS: &str = "Set `[google] credentials` to the JSON key of a service account, or to \
                           the file that `planfact init --google` wrote after signing in.";
const AGAIN: &str = "Start the sign-in again with `planfact init --google`, and agree in time.";

/// What passes by itself.
const PASSING: &[Reason] = &[
    plain("backendError", Kind::Transient),
    plain("internalError", Kind::Transient),
    plain("transientError", Kind::Transient),
    plain("conflict", Kind::Transient),
    plain("INTERNAL", Kind::Transient),
    plain("UNAVAILABLE", Kind::Transient),
    plain("DEADLINE_EXCEEDED", Kind::Transient),
    plain("ABORTED", Kind::Transient),
    plain("CANCELLED", Kind::Transient),
    plain("UNKNOWN", Kind::Transient),
    plain("DATA_LOSS", Kind::Transient),
    plain("internal_failure", Kind::Transient),
    plain("temporarily_unavailable", Kind::Transient),
    plain("server_error", Kind::Transient),
    plain("authorization_pending", Kind::Transient),
    plain("RATE_LIMIT_EXCEEDED", Kind::RateLimited),
    plain("RESOURCE_EXHAUSTED", Kind::RateLimited),
    plain("rateLimitExceeded", Kind::RateLimited),
    plain("userRateLimitExceeded", Kind::RateLimited),
    plain("rate_limit_exceeded", Kind::RateLimited),
    plain("slow_down", Kind::RateLimited),
    with(
        "sharingRateLimitExceeded",
        Kind::RateLimited,
        "Google limits how many shares a day one account makes: it is tried again at the next pass.",
    ),
];

/// Who we are is refused.
const SIGN_IN: &[Reason] = &[
    plain("authError", Kind::SignIn),
    plain("UNAUTHENTICATED", Kind::SignIn),
    plain("required", Kind::SignIn),
    plain("invalidCredentials", Kind::SignIn),
    plain("ACCESS_TOKEN_EXPIRED", Kind::SignIn),
    plain("ACCESS_TOKEN_TYPE_UNSUPPORTED", Kind::SignIn),
    plain("ACCOUNT_STATE_INVALID", Kind::SignIn),
    plain("CREDENTIALS_MISSING", Kind::SignIn),
    plain("OVERLOADED_CREDENTIALS", Kind::SignIn),
    // What is behind it is told by `Cause`.
    plain("invalid_grant", Kind::SignIn),
    plain("invalid_token", Kind::SignIn),
    with("invalid_client", Kind::SignIn, CLIENT),
    with("unauthorized_client", Kind::SignIn, CLIENT),
    with("deleted_client", Kind::SignIn, CLIENT),
    with("disabled_client", Kind::SignIn, CLIENT),
    with("redirect_uri_mismatch", Kind::SignIn, CLIENT),
    with("invalid_scope", Kind::SignIn, SCOPES),
    with("insufficient_scope", Kind::SignIn, SCOPES),
    with("access_denied", Kind::SignIn, AGAIN),
    with("expired_token", Kind::SignIn, AGAIN),
    with("admin_policy_enforced", Kind::SignIn, ORGANISATION),
    with("org_internal", Kind::SignIn, ORGANISATION),
    with("restricted_client", Kind::SignIn, ORGANISATION),
    with(
        "invalid_rapt",
        Kind::SignIn,
        "The organisation asks people to sign in again from time to time: exempt the application, or \
         use a service account.",
    ),
    plain("unsupported_grant_type", Kind::SignIn),
    plain("invalid_request", Kind::SignIn),
    with("unreadable_credentials", Kind::SignIn, CREDENTIALS),
    with("unknown_credentials", Kind::SignIn, CREDENTIALS),
    with(
        "unwritable_credentials",
        Kind::SignIn,
        "Google has replaced the refresh token and the credentials file must keep the new one: make \
         the file and its folder writable for the daemon.",
    ),
];

/// A right that somebody has to give.
const RIGHTS: &[Reason] = &[
    plain("PERMISSION_DENIED", Kind::NeedsHuman),
    plain("forbidden", Kind::NeedsHuman),
    plain("insufficientFilePermissions", Kind::NeedsHuman),
    plain("insufficientParentPermissions", Kind::NeedsHuman),
    plain("appNotAuthorizedToFile", Kind::NeedsHuman),
    plain("teamDriveMembershipRequired", Kind::NeedsHuman),
    plain("userAccess", Kind::NeedsHuman),
    plain("fileNotDownloadable", Kind::NeedsHuman),
    with("ACCESS_TOKEN_SCOPE_INSUFFICIENT", Kind::NeedsHuman, SCOPES),
    with("insufficientPermissions", Kind::NeedsHuman, SCOPES),
    with("insufficientScopes", Kind::NeedsHuman, SCOPES),
    with("SERVICE_DISABLED", Kind::NeedsHuman, ENABLE),
    with("accessNotConfigured", Kind::NeedsHuman, ENABLE),
    with("BILLING_DISABLED", Kind::NeedsHuman, PROJECT),
    with("CONSUMER_INVALID", Kind::NeedsHuman, PROJECT),
    with("CONSUMER_SUSPENDED", Kind::NeedsHuman, PROJECT),
    with("USER_PROJECT_DENIED", Kind::NeedsHuman, PROJECT),
    with("SECURITY_POLICY_VIOLATED", Kind::NeedsHuman, ORGANISATION),
    with("LOCATION_POLICY_VIOLATED", Kind::NeedsHuman, ORGANISATION),
    with("domainPolicy", Kind::NeedsHuman, ORGANISATION),
    with("publishOutNotPermitted", Kind::NeedsHuman, ORGANISATION),
    with("shareOutNotPermitted", Kind::NeedsHuman, ORGANISATION),
    with("shareInNotPermitted", Kind::NeedsHuman, ORGANISATION),
    with("cannotCopyFile", Kind::NeedsHuman, COPYING),
    with("copyRequiresWriterPermission", Kind::NeedsHuman, COPYING),
    with("invalidSharingRequest", Kind::NeedsHuman, NO_ACCOUNT),
    with(
        "cannotShareTeamDriveWithNonGoogleAccounts",
        Kind::NeedsHuman,
        NO_ACCOUNT,
    ),
    plain("notFound", Kind::NotFound),
    plain("NOT_FOUND", Kind::NotFound),
];

/// A limit that does not pass while one waits.
const LIMITS: &[Reason] = &[
    with(
        "storageQuotaExceeded",
        Kind::NeedsHuman,
        "A service account owns no storage. Use a folder of a shared drive where the account is a \
         content manager, or let it work for a person of the domain (`[google] subject`), or sign in \
         as an OAuth user with `planfact init --google`. If you did: free space there.",
    ),
    with(
        "teamDriveFileLimitExceeded",
        Kind::NeedsHuman,
        "The shared drive is full: delete files from it.",
    ),
    with(
        "activeItemCreationLimitExceeded",
        Kind::NeedsHuman,
        "The account has made as many files as Drive allows: delete some, or use another account.",
    ),
    with(
        "numChildrenInNonRootLimitExceeded",
        Kind::NeedsHuman,
        FULL_FOLDER,
    ),
    with("teamDriveHierarchyTooDeep", Kind::NeedsHuman, FULL_FOLDER),
    with(
        "myDriveHierarchyDepthLimitExceeded",
        Kind::NeedsHuman,
        FULL_FOLDER,
    ),
    with("dailyLimitExceeded", Kind::NeedsHuman, DAILY),
    with("dailyLimitExceededUnreg", Kind::NeedsHuman, DAILY),
    with("quotaExceeded", Kind::NeedsHuman, DAILY),
    with("RESOURCE_QUOTA_EXCEEDED", Kind::NeedsHuman, DAILY),
];

/// The request does not fit.
const REQUESTS: &[Reason] = &[
    plain("INVALID_ARGUMENT", Kind::Invalid),
    plain("FAILED_PRECONDITION", Kind::Invalid),
    plain("OUT_OF_RANGE", Kind::Invalid),
    plain("ALREADY_EXISTS", Kind::Invalid),
    plain("UNIMPLEMENTED", Kind::Invalid),
    plain("badRequest", Kind::Invalid),
    plain("invalid", Kind::Invalid),
    plain("invalidParameter", Kind::Invalid),
    plain("invalidQuery", Kind::Invalid),
    plain("parseError", Kind::Invalid),
    plain("failedPrecondition", Kind::Invalid),
    plain("conditionNotMet", Kind::Invalid),
    plain("methodNotAllowed", Kind::Invalid),
    plain("httpMethodNotAllowed", Kind::Invalid),
    plain("uploadTooLarge", Kind::Invalid),
    plain("responseTooLarge", Kind::Invalid),
    plain("cannotAddParent", Kind::Invalid),
    plain("API_KEY_INVALID", Kind::Invalid),
];
