//! ADAPTER: Google's sign-in, Drive and Sheets behind one door, [`Google`].
//!
//! The program's words go in (a [`Workbook`], a list of [`Edit`]s) and come out ([`Observed`],
//! [`DriveFile`]); Google's words, quotas, refusals and time-outs end here.
//!
//! How a call is made: a permit of its quota (`limit`), a token (`sign_in`), the hub's call under
//! a time-out with a delegate that sees the status the hub loses, and, if it failed, a decision by
//! the error's reason (`error`). Only what is idempotent, or certainly was not carried out, is
//! tried again.

mod blame;
mod drive;
mod error;
mod from_wire;
mod limit;
mod parts;
mod post;
mod sheets;
mod sign_in;
mod to_wire;
mod transport;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use google_drive3::DriveHub;
use google_sheets4::Sheets;
use google_sheets4::common;
use url::Url;

use crate::clock::{Clock, Stopwatch, System};
use crate::retry::{self, Decision, Policy};
use crate::sheet::edit::{Edit, Grid, Observed};
use crate::sheet::workbook::Workbook;

pub use error::{GoogleError, Kind};
pub use parts::BatchLimits;
pub use sign_in::{DevicePrompt, sign_in_by_device, sign_in_interactively};

use limit::{Budget, Limits};
use sign_in::{Counted, SignIn};
use transport::Connector;

/// How we call ourselves.
const AGENT: &str = concat!("planfact/", env!("CARGO_PKG_VERSION"));

/// How long a client waits for Google, how often, and how much it sends at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Tries of a call.
    pub tries: Policy,
    /// Longest a call may take.
    pub call_max: Duration,
    /// How long nobody sends after a refusal for quota that names no time.
    pub quota_pause: Duration,
    /// How much one batch carries before it is parted.
    pub batch: BatchLimits,
}

impl Patience {
    /// As a daemon is patient. Google ends its own work after 180 s (usage limits of the Sheets API);
    /// a quota refills within the minute; the tries have room for several such minutes.
    pub const PRODUCTION: Patience = Patience {
        tries: Policy {
            attempts_max: 6,
            first_delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(32),
            total_max: Duration::from_secs(600),
        },
        call_max: Duration::from_secs(190),
        quota_pause: limit::QUOTA_PAUSE,
        batch: BatchLimits::PRODUCTION,
    };
}

/// Where Google is and who we are to it.
#[derive(Debug, Clone)]
pub struct Options {
    /// JSON key of a service account, or a user's consent.
    pub credentials: PathBuf,
    /// Another Google than the real one: a simulator on loopback, where plain HTTP is allowed.
    pub endpoint: Option<Url>,
    /// The person in whose name a service account works (domain-wide delegation).
    pub subject: Option<String>,
}

/// A file in Drive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriveFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its page in a browser.
    pub url: String,
    /// A number that grows with each change, by anyone.
    pub version: Option<i64>,
    /// Its `appProperties`, seen by this application only.
    pub properties: BTreeMap<String, String>,
    /// Folders that hold it.
    pub parents: Vec<String>,
    /// Whether it lies in a shared drive, where a service account may make files.
    pub in_shared_drive: bool,
    /// Of a folder: whether the account may put files into it, if Drive tells.
    pub can_add: Option<bool>,
    /// Whether it lies in the bin, where programs can still read and write it.
    pub trashed: bool,
}

/// What a person may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read.
    Reader,
    /// Read and comment.
    Commenter,
    /// Change.
    Writer,
}

/// A person's access to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub email: String,
    /// What for.
    pub role: Role,
}

/// Who changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// The name that Drive shows; may be empty.
    pub name: String,
    /// The mail address; empty where Drive does not tell it.
    pub email: String,
}

impl std::fmt::Display for Editor {
    /// `Anna <anna@example.com>`, or the one that is known.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.name.as_str(), self.email.as_str()) {
            (name, "") => f.write_str(name),
            ("", email) => f.write_str(email),
            (name, email) => write!(f, "{name} <{email}>"),
        }
    }
}

/// What a batch of edits came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// Cells written.
    pub cells: usize,
    /// Size of the requests' bodies, bytes.
    pub bytes: usize,
    /// Batches sent: one, none when there was nothing to do, several when one would be too large.
    pub requests: usize,
    /// What the batch's [`Edit::Keep`]s found, as it stands in the tab that keeps it.
    pub kept: Option<Grid>,
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its id.
    pub id: String,
    /// Deleted, put into the bin, or no longer shared with the account.
    pub removed: bool,
    /// When it was last modified, by anyone.
    pub modified: Option<DateTime<Utc>>,
    /// The last change was made by the daemon's own account.
    pub by_me: bool,
    /// See [`DriveFile::version`].
    pub version: Option<i64>,
}

/// What changed since a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Changed files, each once, in the order of its last change.
    pub files: Vec<ChangedFile>,
    /// The token for the next question.
    pub next_token: String,
}

/// The door to Google.
pub struct Google {
    sheets: Sheets<Connector>,
    drive: DriveHub<Connector>,
    sheets_base: String,
    drive_base: String,
    sign_in: SignIn,
    limits: Limits,
    patience: Patience,
    counted: Counted,
    /// Permission changes of one file must not overlap: one at a time for all.
    sharing: tokio::sync::Mutex<()>,
    /// Tells apart the files that this process makes.
    made: AtomicU64,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Google({})", self.account())
    }
}

impl Google {
    /// Reads the credentials and prepares the connections; no network.
    ///
    /// # Errors
    /// When the credentials cannot be read or are of an unknown kind, or when the endpoint is
    /// neither https nor on loopback.
    pub fn new(options: &Options) -> Result<Google, GoogleError> {
        Google::with(options, Patience::PRODUCTION, Box::new(System))
    }

    /// The same with another patience and clock.
    ///
    /// # Errors
    /// Those of [`Google::new`].
    pub fn with(
        options: &Options,
        patience: Patience,
        clock: Box<dyn Clock>,
    ) -> Result<Google, GoogleError> {
        let connector = transport::connector()?;
        let counted = Counted::default();
        let sign_in = SignIn::new(
            &options.credentials,
            options.subject.as_deref(),
            &connector,
            clock,
            Arc::clone(&counted),
        )?;
        let client = transport::hub_client(&connector);
        let mut sheets = Sheets::new(client.clone(), sign_in.clone());
        let mut drive = DriveHub::new(client, sign_in.clone());
        sheets.user_agent(AGENT.to_string());
        drive.user_agent(AGENT.to_string());
        let mut sheets_base = "https://sheets.googleapis.com/".to_string();
        let mut drive_base = "https://www.googleapis.com/drive/v3/".to_string();
        if let Some(endpoint) = &options.endpoint {
            transport::check_address(endpoint, "reading the endpoint of Google")?;
            let root = format!("{}/", endpoint.as_str().trim_end_matches('/'));
            drive_base = format!("{root}drive/v3/");
            sheets_base.clone_from(&root);
            sheets.base_url(root.clone());
            sheets.root_url(root.clone());
            drive.root_url(root);
        }
        drive.base_url(drive_base.clone());
        Ok(Google {
            sheets,
            drive,
            sheets_base,
            drive_base,
            sign_in,
            limits: Limits::with_pause(patience.quota_pause),
            patience,
            counted,
            sharing: tokio::sync::Mutex::default(),
            made: AtomicU64::new(0),
        })
    }

    /// The account's e-mail, whom it works for, or "OAuth user".
    pub fn account(&self) -> String {
        self.sign_in.account()
    }

    /// Whether files can be made in shared drives only: a service account that works in its own name
    /// owns no storage.
    pub fn is_without_storage(&self) -> bool {
        self.sign_in.is_without_storage()
    }

    /// Requests sent so far by method id, such as `sheets.spreadsheets.batchUpdate`; those for tokens
    /// are `oauth2.token`.
    pub fn requests(&self) -> Vec<(String, u64)> {
        self.counted.lock().map_or_else(
            |_| Vec::new(),
            |counted| counted.iter().map(|(id, n)| (id.clone(), *n)).collect(),
        )
    }

    /// Files that carry all of the properties, in one folder or anywhere the account sees; not
    /// those in the bin; the oldest first.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn find(
        &self,
        properties: &[(&str, &str)],
        folder: Option<&str>,
    ) -> Result<Vec<DriveFile>, GoogleError> {
        self.list(properties, folder).await
    }

    /// Creates a spreadsheet that is exactly the workbook. One atomic batch builds everything, and
    /// the properties are set last, so that a half-built file is never found by them.
    ///
    /// # Errors
    /// Of Drive and Sheets; an unfinished file is moved to the bin where possible.
    pub async fn publish_workbook(
        &self,
        workbook: &Workbook,
        folder: Option<&str>,
        properties: &[(&str, &str)],
    ) -> Result<DriveFile, GoogleError> {
        to_wire::check(workbook)?;
        let file = self.create(&workbook.title, folder).await?;
        let finished = match self.build(&file.id, workbook).await {
            Ok(()) => self.set_properties(&file.id, properties).await,
            Err(error) => Err(error),
        };
        if finished.is_err() {
            self.discard(&file.id).await;
        }
        finished
    }

    /// Copies a file. Permissions are not copied.
    ///
    /// # Errors
    /// Of Drive; [`Kind::UnknownOutcome`] when it cannot be told whether a copy was made.
    pub async fn copy(
        &self,
        source: &str,
        title: &str,
        folder: Option<&str>,
        properties: &[(&str, &str)],
    ) -> Result<DriveFile, GoogleError> {
        self.copy_file(source, title, folder, properties).await
    }

    /// Sets properties of a file; others stay.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn mark(
        &self,
        id: &str,
        properties: &[(&str, &str)],
    ) -> Result<DriveFile, GoogleError> {
        self.set_properties(id, properties).await
    }

    /// One file.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn file(&self, id: &str) -> Result<DriveFile, GoogleError> {
        self.get_file(id).await
    }

    /// Who changed a file last; `None` when it was the daemon's own account, or when Drive does not
    /// tell. One request.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn last_editor(&self, id: &str) -> Result<Option<Editor>, GoogleError> {
        self.get_last_editor(id).await
    }

    /// Gives people access; who has it or more already is left alone; nobody gets a mail. Returns
    /// how many were added.
    ///
    /// # Errors
    /// Of Drive; those added before the error stay.
    pub async fn share(&self, file: &str, grants: &[Grant]) -> Result<usize, GoogleError> {
        let _one_at_a_time = self.sharing.lock().await;
        self.add_permissions(file, grants).await
    }

    /// The whole spreadsheet: values, formulas, formats, charts, names, protections, and so on.
    /// Formula cells have the value they show. A chart's `axis_format` is empty: Google takes it
    /// from the source cells.
    ///
    /// # Errors
    /// Of Sheets.
    pub async fn read_workbook(&self, file: &str) -> Result<Workbook, GoogleError> {
        self.read_all(file).await
    }

    /// The structure and the blocks under these named ranges, by one request (by up to three when
    /// a name does not exist: Google then refuses the whole request). With names, the tabs are
    /// those that hold one of the blocks; without names, all. Formulas of a block are keyed by
    /// row and column of the tab.
    ///
    /// # Errors
    /// Of Sheets; a name that does not exist is no error, its block is absent.
    pub async fn observe(&self, file: &str, names: &[&str]) -> Result<Observed, GoogleError> {
        self.read_blocks(file, names).await
    }

    /// Carries out all edits as one atomic batch, or none of them. More than [`BatchLimits`] is
    /// parted at the borders of tabs: then each tab is changed wholly or not at all, the tab of the
    /// last edit last, and after an error the tabs before it are changed.
    ///
    /// # Errors
    /// Of Sheets; [`Kind::UnknownOutcome`] when it cannot be told whether edits that must not be
    /// repeated (inserting, deleting, adding) were made: read anew before trying again.
    pub async fn apply(&self, file: &str, edits: &[Edit]) -> Result<Applied, GoogleError> {
        self.write_edits(file, edits).await
    }

    /// The token from which [`Google::changes`] tells what changes from now on.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn start_page_token(&self) -> Result<String, GoogleError> {
        self.first_token().await
    }

    /// What changed since the token, in all files that the account sees.
    ///
    /// # Errors
    /// Of Drive.
    pub async fn changes(&self, token: &str) -> Result<Changes, GoogleError> {
        self.changed_since(token).await
    }
}

/// What repeating a call would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing, or the same once more.
    Idempotent,
    /// A second file, row or chart.
    Adds,
}

/// One call: its quota, its effect, and what it is for.
struct Call<'a> {
    budget: Budget,
    effect: Effect,
    doing: &'a str,
}

/// The delegate of a call: counts what is sent and keeps what the hub loses.
struct Watch {
    id: &'static str,
    seen: Arc<Mutex<error::Seen>>,
    counted: Counted,
    sign_in: SignIn,
}

impl Watch {
    /// A request of that method goes out.
    fn count(&self) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.sent = true;
            // Which token goes with it: the hub has just asked for one.
            seen.generation = self.sign_in.generation();
        }
        sign_in::count(&self.counted, self.id);
    }
}

impl common::Delegate for Watch {
    fn begin(&mut self, info: common::MethodInfo) {
        self.id = info.id;
    }

    fn pre_request(&mut self) {
        self.count();
    }

    fn http_failure(
        &mut self,
        response: &common::Response,
        _body: Option<&serde_json::Value>,
    ) -> common::Retry {
        if let Ok(mut seen) = self.seen.lock() {
            seen.status = Some(response.status().as_u16());
            seen.retry_after = response
                .headers()
                .get(hyper::header::RETRY_AFTER)
                .and_then(|value| retry_after(value.to_str().ok()?, self.sign_in.now()));
        }
        common::Retry::Abort
    }
}

/// `Retry-After`: seconds, or a date.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(
        (date.with_timezone(&Utc) - now)
            .to_std()
            .unwrap_or_default(),
    )
}

impl Google {
    /// Makes a call, and makes it again where that is right.
    async fn run<T, F, Fut>(&self, call: Call<'_>, op: F) -> Result<T, GoogleError>
    where
        F: Fn(Watch) -> Fut,
        Fut: Future<Output = common::Result<T>>,
    {
        let renewed = AtomicBool::new(false);
        let decide = |error: &GoogleError| match error.retry_after {
            _ if !error.again => Decision::Stop,
            Some(wait) => Decision::RetryAfter(wait),
            None => Decision::Retry,
        };
        retry::retry(&self.patience.tries, decide, || {
            self.attempt(&call, &op, &renewed)
        })
        .await
    }

    /// One attempt; its error says whether another is right.
    async fn attempt<T, F, Fut>(
        &self,
        call: &Call<'_>,
        op: &F,
        renewed: &AtomicBool,
    ) -> Result<T, GoogleError>
    where
        F: Fn(Watch) -> Fut,
        Fut: Future<Output = common::Result<T>>,
    {
        self.limits.acquire(call.budget).await;
        let seen = Arc::new(Mutex::new(error::Seen::default()));
        let watch = Watch {
            id: "",
            seen: Arc::clone(&seen),
            counted: Arc::clone(&self.counted),
            sign_in: self.sign_in.clone(),
        };
        let took = Stopwatch::start();
        let answer = tokio::time::timeout(self.patience.call_max, op(watch)).await;
        let seen = seen
            .lock()
            .map_or_else(|_| error::Seen::default(), |seen| *seen);
        let mut error = match answer {
            Ok(Ok(value)) => {
                tracing::debug!(doing = call.doing, took = ?took.elapsed(), "Google answered");
                return Ok(value);
            }
            Ok(Err(error)) => error::from_hub(error, seen, call.doing).await,
            Err(_) => {
                let message = format!("no answer within {:?}", self.patience.call_max);
                let mut told = GoogleError::new(Kind::Transient, "timeout", &message, call.doing);
                told.unsent = !seen.sent;
                told
            }
        };
        if error.kind == Kind::SignIn && error.status == Some(401) && !error.unsent {
            self.sign_in.forget(seen.generation).await;
            error.again = !renewed.swap(true, Ordering::AcqRel);
        }
        self.judge(call, &mut error);
        tracing::debug!(doing = call.doing, took = ?took.elapsed(), %error, "Google refused");
        Err(error)
    }

    /// Whether the failed call may be made again, and what it means if not; a refusal for quota closes
    /// the bucket for everybody.
    fn judge(&self, call: &Call<'_>, error: &mut GoogleError) {
        if error.kind == Kind::RateLimited {
            self.limits.refused(call.budget, error.retry_after);
        }
        let renewed = error.again;
        error.settle(call.effect == Effect::Adds);
        // A refused token that was replaced: decided above.
        error.again |= renewed;
    }
}

/// Refuses what cannot be a file's id before it is put into an address.
fn check_id(id: &str, doing: &str) -> Result<(), GoogleError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !id.is_empty() && id.chars().all(plain) {
        return Ok(());
    }
    let message = format!(
        "{id:?} is not the id of a file or folder (give the part of its address after /d/ or \
         /folders/)"
    );
    Err(GoogleError::invalid(&message, doing))
}

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "a check that was skipped says so")]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T13:00:00Z")
            .unwrap()
            .to_utc();
        let cases = [
            ("30", Some(30)),
            (" 7 ", Some(7)),
            ("Sun, 22 Nov 2026 13:01:00 GMT", Some(60)),
            ("Sun, 22 Nov 2026 12:00:00 GMT", Some(0)),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(
                retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_is_not_an_id() {
        assert!(check_id("1AbC_d-9", "x").is_ok());
        for id in [
            "",
            "https://docs.google.com/spreadsheets/d/1",
            "a/b",
            "a?b",
            "папка",
        ] {
            assert_eq!(check_id(id, "x").unwrap_err().kind, Kind::Invalid, "{id}");
        }
    }

    #[test]
    fn calls_may_be_spawned() {
        fn sent<T: Send>(_: T) {}
        fn all(google: &Google, workbook: &Workbook) {
            sent(google.find(&[], None));
            sent(google.publish_workbook(workbook, None, &[]));
            sent(google.copy("a", "b", None, &[]));
            sent(google.share("a", &[]));
            sent(google.read_workbook("a"));
            sent(google.observe("a", &[]));
            sent(google.apply("a", &[]));
            sent(google.changes("1"));
            sent(google.last_editor("a"));
        }
        let _ = all;
    }

    /// Real answers of Google, when they are at hand.
    #[test]
    fn recorded_answers_are_understood() {
        let Some(shared) = std::env::var_os("PLANFACT_SHARED") else {
            println!("skipped: PLANFACT_SHARED does not name the recorded answers");
            return;
        };
        let folder = PathBuf::from(shared).join("reference/google/recorded/gspread");
        let (mut books, mut refusals) = (0, 0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let Ok(recorded) = serde_json::from_str::<serde_json::Value>(&text) else {
                continue;
            };
            for exchange in recorded["interactions"].as_array().into_iter().flatten() {
                let uri = exchange["request"]["uri"].as_str().unwrap_or_default();
                let status = exchange["response"]["status"]["code"].as_u64().unwrap_or(0);
                let body = exchange["response"]["body"]["string"]
                    .as_str()
                    .unwrap_or_default();
                let path = uri.split('?').next().unwrap_or_default();
                let get = exchange["request"]["method"] == "GET";
                let is_book = path.rsplit('/').nth(1) == Some("spreadsheets") && get;
                if status == 200 && is_book {
                    let answer = serde_json::from_str(body).unwrap();
                    let book = from_wire::workbook(answer);
                    assert_eq!(book.tabs.is_empty(), !body.contains("\"sheets\""), "{uri}");
                    books += 1;
                } else if let (400.., Ok(body)) = (status, serde_json::from_str(body)) {
                    let told = error::from_envelope(&body, u16::try_from(status).ok(), "x");
                    let wanted = match status {
                        400 => Kind::Invalid,
                        403 => Kind::NeedsHuman,
                        404 => Kind::NotFound,
                        _ => told.kind,
                    };
                    assert_eq!(told.kind, wanted, "{body}");
                    refusals += 1;
                }
            }
        }
        println!("{books} spreadsheets and {refusals} refusals understood");
        assert!(books > 100 && refusals > 0);
    }
}
