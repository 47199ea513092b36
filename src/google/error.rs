//! What can go wrong with Google: one error type, whose kind is decided by the reason in the
//! answer's envelope (sentences are localised and statuses ambiguous), with its remedy.

use std::fmt;
use std::time::Duration;

use google_sheets4::common;
use serde_json::Value;

mod reasons;

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
    /// The answer says that it was not done (3xx, 4xx): nothing was changed.
    pub(super) refused: bool,
    /// What is behind it, as far as was found out.
    pub(super) cause: Option<Cause>,
}

/// What is behind an error, found out by looking and not by reading sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// This machine's clock differs from Google's by so many seconds; positive: it runs ahead.
    Clock(i64),
    /// The service account's key was deleted, or the account disabled.
    Key,
    /// The person in whose name the service account works: not of the domain, or not delegated.
    Subject(String),
    /// The consent ended after seven days, as those of applications in "Testing" do.
    SevenDays,
    /// The consent has ended: revoked, unused for long, or the password changed.
    Consent,
    /// Somebody protected cells that the daemon has to write.
    Protected,
    /// A tab that the daemon has to write was deleted.
    TabGone,
}

impl Cause {
    fn remedy(&self) -> String {
        let text = match self {
            Cause::Clock(seconds) => {
                let (by, how) = (seconds.abs(), if *seconds > 0 { "ahead" } else { "behind" });
                return format!(
                    "Set this machine's clock: it is {by} s {how} of Google's, and a request for a \
                     token must agree with it within a minute or so. Let it be kept by NTP."
                );
            }
            Cause::Subject(person) => {
                return format!(
                    "{person} must be a living account of the Workspace domain, and its administrator \
                     must let the service account work for people (Security → API controls → \
                     Domain-wide delegation: the account's numeric id with the scopes \
                     https://www.googleapis.com/auth/drive and \
                     https://www.googleapis.com/auth/spreadsheets)."
                );
            }
            Cause::Key => {
                "The clock agrees with Google's, so the key is not accepted: it was deleted or the \
                 account disabled. Make a new key for the service account in the Google Cloud console."
            }
            Cause::SevenDays => {
                "The consent ended 7 days after it was given: the application's consent screen is in \
                 \"Testing\". Publish it (Google Auth Platform → Audience → Publish app), then sign \
                 in again with `planfact init --google`."
            }
            Cause::Consent => {
                "The consent has ended (revoked by the person, unused for half a year, or the password \
                 changed): sign in again with `planfact init --google`. An application whose consent \
                 screen is in \"Testing\" loses it every 7 days: publish it."
            }
            Cause::Protected => {
                "Add the daemon's account to those who may edit the protected range (Data → Protect \
                 sheets and ranges), or remove the protection; the next pass writes what is missing."
            }
            Cause::TabGone => {
                "Bring the tab back (File → Version history), or make new files: the next pass says \
                 what is missing."
            }
        };
        text.to_string()
    }
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
            refused: false,
            cause: None,
        }
    }

    /// Notes the status of the answer, and what follows from it alone.
    pub(super) fn set_status(&mut self, status: Option<u16>) {
        self.status = status;
        // 408 and 499 are said by who got tired of waiting, not by who refused.
        self.refused = matches!(status, Some(300..=407 | 409..=498));
    }

    /// Decides whether the call may be made again. `adds` says that carrying it out twice is not the
    /// same as once: then only what was certainly not carried out is repeated, and what cannot be
    /// told becomes [`Kind::UnknownOutcome`].
    pub(super) fn settle(&mut self, adds: bool) {
        let harmless = !adds || self.unsent || self.refused;
        match self.kind {
            // A daily limit on sharing does not pass while one waits.
            Kind::RateLimited => self.again = self.reason != "sharingRateLimitExceeded",
            Kind::Transient if harmless => self.again = true,
            // Google may have done it all the same: 5xx and lost answers prove nothing.
            Kind::Transient | Kind::Unreadable if !harmless => self.kind = Kind::UnknownOutcome,
            _ => {}
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
        if let Some(cause) = &self.cause {
            return cause.remedy();
        }
        if let Some(remedy) = reasons::known(&self.reason).and_then(|known| known.remedy) {
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
                 Make a new key, or sign in again with `planfact init --google`."
            }
            Kind::NeedsHuman => {
                "Share the file or folder with the daemon's account as an editor (in a shared \
                 drive: as a content manager)."
            }
            Kind::NotFound => {
                "Check the id, and share the file or folder with the daemon's account as an \
                 editor: Google answers \"not found\" for files that the account may not see. If it \
                 was deleted, take it out of the bin in Drive; a report or plan that is gone for good \
                 is made anew by `planfact copy --anew report` (or `plan`, of next year with \
                 `--next-year`)."
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
    told.set_status(told.status.or(seen.status));
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

/// The error in a JSON envelope: of Sheets (`status`, `details`), of Drive (`errors`), or of the
/// token endpoint (`error` is a word). Some front ends wrap it in a list.
pub(super) fn from_envelope(body: &Value, status: Option<u16>, doing: &str) -> GoogleError {
    let body = body.get(0).unwrap_or(body);
    let error = &body["error"];
    let code = match &error["code"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let status = status.or(code.and_then(|code| u16::try_from(code).ok()));
    let words = words_of(error);
    let decisive = words.iter().find_map(|word| reasons::known(word));
    let kind = match decisive {
        Some(reason) => reason.kind,
        None => kind_of_status(status),
    };
    let reason = decisive.map_or_else(
        || words.first().copied().unwrap_or_default(),
        |reason| reason.word,
    );
    let message = error["message"]
        .as_str()
        .or(body["error_description"].as_str())
        .unwrap_or("no explanation given");
    let mut told = GoogleError::new(kind, reason, message, doing);
    told.set_status(status);
    told
}

/// The words of an envelope's error that may decide, the most particular first.
fn words_of(error: &Value) -> Vec<&str> {
    if let Some(word) = error.as_str() {
        return vec![word];
    }
    let mut words = Vec::new();
    for detail in error["details"].as_array().into_iter().flatten() {
        let kind = detail["@type"].as_str().unwrap_or_default();
        let is_info = kind.ends_with("ErrorInfo") || detail["domain"].is_string();
        let Some(reason) = detail["reason"].as_str().filter(|_| is_info) else {
            continue;
        };
        // The same word names the quota of a minute and that of a day.
        let unit = detail["metadata"]["quota_unit"].as_str();
        if unit.is_some_and(|unit| unit.starts_with(A_DAY)) {
            words.push("dailyLimitExceeded");
        }
        words.push(reason);
    }
    let listed = error["errors"].as_array().into_iter().flatten();
    words.extend(listed.filter_map(|one| one["reason"].as_str()));
    words.extend(error["status"].as_str());
    words
}

/// How `quota_unit` begins when a quota is refilled once a day and not each minute.
const A_DAY: &str = "1/d";

/// The kind when no word is known: the status is all there is.
fn kind_of_status(status: Option<u16>) -> Kind {
    match status {
        Some(401) => Kind::SignIn,
        Some(403) => Kind::NeedsHuman,
        Some(404) => Kind::NotFound,
        Some(429) => Kind::RateLimited,
        Some(400 | 405 | 409 | 410 | 412 | 413) => Kind::Invalid,
        Some(408 | 428 | 500..=599) => Kind::Transient,
        _ => Kind::Unreadable,
    }
}

/// The kind of a word, else of the status.
pub(super) fn kind_of(reason: &str, status: Option<u16>) -> Kind {
    reasons::known(reason).map_or_else(|| kind_of_status(status), |known| known.kind)
}

/// The error in an answer that is not JSON: an HTML page of a front end or a proxy.
pub(super) fn from_text(status: u16, body: &str, doing: &str) -> GoogleError {
    if (400..500).contains(&status) && body.trim_start().starts_with(['{', '[']) {
        // An envelope that broke off: Google refused, and the word that says why is lost. What was
        // refused was not done, so asking again is harmless and brings the word.
        let message = format!("the refusal broke off after {} bytes", body.len());
        let mut told = GoogleError::new(Kind::Transient, "truncated", &message, doing);
        if status == 429 {
            told.kind = Kind::RateLimited;
        }
        told.set_status(Some(status));
        return told;
    }
    let kind = match status {
        401 => Kind::SignIn,
        413 => Kind::Invalid,
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
    told.set_status(Some(status));
    told
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
mod tests;
