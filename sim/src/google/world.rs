//! The simulator's state, and the way of a request through it.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::auth::{Identity, ServiceAccount, Tokens};
use super::census::{Census, Seen};
use super::drive::upload::Session;
use super::drive::{self, Access, Drive, Effect, FOLDER, File, SHEET};
use super::http::{Answer, ApiError, Family, Reply, Request};
use super::oauth::Step;
use super::quota::Quotas;
use super::sheets::protect::Caller;
use super::sheets::{self, Book, Held};
use super::wire;
use crate::fault::{Fault, FaultKind, Faults};

/// What does not change while the simulator runs.
pub(crate) struct Fixed {
    pub(crate) endpoint: String,
    pub(crate) account: ServiceAccount,
    pub(crate) people: Vec<String>,
    pub(crate) quotas: bool,
    pub(crate) accept_any_token: bool,
}

/// A request's method.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Sheets(sheets::Route),
    Drive(drive::Route),
    Token,
    /// The other addresses of sign-in.
    SignIn(Step),
    /// Several requests in one body.
    Bulk,
    /// A spreadsheet in another format, as the pages offer it: its id.
    Export(String),
    Unknown,
}

impl Target {
    pub(crate) fn of(verb: &str, path: &str) -> Target {
        if let Some(route) = sheets::route(verb, path) {
            return Target::Sheets(route);
        }
        if let Some(route) = drive::route(verb, path) {
            return Target::Drive(route);
        }
        let export = path
            .strip_prefix("/spreadsheets/d/")
            .and_then(|rest| rest.strip_suffix("/export"));
        match (verb, path) {
            ("POST", "/token") => Target::Token,
            ("GET", "/o/oauth2/auth" | "/o/oauth2/v2/auth") => Target::SignIn(Step::Consent),
            ("POST", "/device/code") => Target::SignIn(Step::Device),
            ("POST" | "GET", "/revoke") => Target::SignIn(Step::Revoke),
            ("GET" | "POST", "/tokeninfo") => Target::SignIn(Step::Info),
            ("POST", "/batch" | "/batch/drive/v3" | "/batch/sheets/v4") => Target::Bulk,
            ("GET", _) => export.map_or(Target::Unknown, |id| Target::Export(id.to_owned())),
            _ => Target::Unknown,
        }
    }

    /// The method's id in the discovery documents.
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Target::Sheets(r) => r.id,
            Target::Drive(r) => r.id,
            Target::Token => "token",
            Target::SignIn(step) => step.name(),
            Target::Bulk => "batch",
            Target::Export(_) => "export",
            Target::Unknown => "unknown",
        }
    }

    fn family(&self) -> Family {
        match self {
            Target::Sheets(_) => Family::Sheets,
            Target::Drive(_) => Family::Drive,
            _ => Family::Other,
        }
    }

    fn sheets_read(&self) -> Option<bool> {
        match self {
            Target::Sheets(r) => Some(r.reads),
            _ => None,
        }
    }
}

/// Everything that changes.
pub(crate) struct World {
    pub(crate) fixed: Fixed,
    pub(crate) drive: Drive,
    pub(super) books: HashMap<String, Held>,
    pub(crate) tokens: Tokens,
    pub(crate) census: Census,
    quotas: Quotas,
    pub(crate) faults: Faults,
    /// Resumable uploads that have begun.
    pub(super) uploads: Vec<Session>,
    /// The folder that is told to the client.
    pub(crate) folder: String,
}

impl World {
    pub(crate) fn new(fixed: Fixed, now: DateTime<Utc>) -> World {
        let mut drive = Drive::new(&fixed.account.email, &fixed.people, &fixed.endpoint, now);
        let folder = seed_folder(&mut drive, now);
        World {
            fixed,
            drive,
            books: HashMap::new(),
            tokens: Tokens::default(),
            census: Census::default(),
            quotas: Quotas::default(),
            faults: Faults::default(),
            uploads: Vec::new(),
            folder,
        }
    }

    /// Forgets files, tokens, counts and faults; the shared drive and its folder keep their ids.
    pub(crate) fn reset(&mut self, now: DateTime<Utc>) {
        let (shared, folder) = (self.drive.shared.clone(), self.folder.clone());
        let mut drive = Drive::new(
            &self.fixed.account.email,
            &self.fixed.people,
            &self.fixed.endpoint,
            now,
        );
        drive.rename_shared(&shared);
        let fresh = seed_folder(&mut drive, now);
        if let Some(mut file) = drive.files.remove(&fresh) {
            file.id.clone_from(&folder);
            drive.files.insert(folder, file);
        }
        drive.changes.clear();
        self.drive = drive;
        self.books.clear();
        self.uploads.clear();
        self.tokens.clear();
        self.census = Census::default();
        self.quotas = Quotas::default();
        self.faults.clear();
    }

    /// Who is calling.
    pub(crate) fn identify(&self, request: &Request, now: DateTime<Utc>) -> Option<Identity> {
        let anybody = self.fixed.accept_any_token.then(|| {
            self.fixed
                .people
                .first()
                .map_or("owner@example.com", String::as_str)
        });
        let parameter = request
            .query
            .get("access_token")
            .or_else(|| request.query.get("oauth_token"))
            .map(|t| format!("Bearer {t}"));
        let header = request.authorization.clone().or(parameter);
        let known = self.tokens.identify(header.as_deref(), now, anybody);
        if known.is_some() || header.is_some() {
            return known;
        }
        // A key names a project and no user: it reads what anybody may read.
        request.api_key.as_ref().map(|_| Identity {
            email: String::new(),
            person: false,
            scopes: None,
        })
    }

    /// Answers a request and counts it.
    pub(crate) fn serve(
        &mut self,
        request: &Request,
        target: &Target,
        fault: Option<&Fault>,
        now: DateTime<Utc>,
        began: Instant,
    ) -> Reply {
        if let Some(fault) = fault {
            self.spoil(request, target, fault, now);
        }
        let who = self.identify(request, now);
        let person = who.as_ref().is_some_and(|w| w.person);
        let reply = match fault.map(|f| (f.kind, f)) {
            Some((FaultKind::Status, fault)) => faulty(fault, target.family()),
            // Nothing is applied and nothing will be sent.
            Some((FaultKind::Reset | FaultKind::BeforeApply, _)) => Reply::text(0, "", ""),
            Some((FaultKind::Person, fault)) => {
                self.type_first(target, fault, now);
                self.answer(request, target, who, now)
            }
            Some((FaultKind::StatusAfter, fault)) => {
                self.answer(request, target, who, now);
                faulty(fault, target.family())
            }
            _ => self.answer(request, target, who, now),
        };
        self.census.record(&Seen {
            method_id: target.id(),
            verb: &request.method,
            path: &request.path,
            status: reply.status,
            ms: began.elapsed().as_secs_f64() * 1000.0,
            person,
            sheets_read: target.sheets_read(),
        });
        reply
    }

    pub(super) fn answer(
        &mut self,
        request: &Request,
        target: &Target,
        who: Option<Identity>,
        now: DateTime<Utc>,
    ) -> Reply {
        let family = target.family();
        let done: Answer<Reply> = match target {
            Target::Token => {
                let uri = format!("{}/token", self.fixed.endpoint);
                return self.tokens.grant(request, &self.fixed.account, &uri, now);
            }
            Target::Unknown => {
                return Reply::text(404, "text/html; charset=UTF-8", not_found(&request.path));
            }
            Target::SignIn(step) => {
                let person = self.fixed.people.first().cloned().unwrap_or_default();
                let endpoint = self.fixed.endpoint.clone();
                return self.tokens.step(*step, request, &endpoint, &person, now);
            }
            Target::Bulk => return self.bulk(request, now),
            Target::Export(id) => self
                .admit(request, who, false, true, now)
                .and_then(|who| self.export_page(request, id, &who, now)),
            Target::Sheets(route) => self
                .admit(request, who, true, route.reads, now)
                .and_then(|who| self.sheets(request, route, &who, now)),
            Target::Drive(route) => self
                .admit(request, who, false, route.reads, now)
                .and_then(|who| self.drive(request, route, &who, now)),
        };
        done.unwrap_or_else(|e| e.reply(family))
    }

    fn admit(
        &mut self,
        request: &Request,
        who: Option<Identity>,
        sheets: bool,
        reads: bool,
        now: DateTime<Utc>,
    ) -> Answer<Identity> {
        let sent = request.authorization.is_some()
            || request.query.get("access_token").is_some()
            || request.query.get("oauth_token").is_some();
        let who = match who {
            Some(who) => who,
            None if sent => return Err(ApiError::unauthenticated()),
            None => return Err(ApiError::unregistered()),
        };
        if who.email.is_empty() && !reads {
            let mut e = ApiError::unauthenticated();
            e.message = "API keys are not supported by this API. Expected OAuth2 access token or \
                other authentication credentials that assert a principal. See \
                https://cloud.google.com/docs/authentication"
                .to_owned();
            return Err(e);
        }
        if !who.may(sheets, reads) {
            return Err(ApiError::insufficient_scopes());
        }
        if sheets && self.fixed.quotas && !who.person {
            self.quotas
                .spend(&who.email, reads, now, self.fixed.account.number)?;
        }
        Ok(who)
    }

    fn url(&self, id: &str) -> String {
        format!("{}/spreadsheets/d/{id}/edit", self.fixed.endpoint)
    }

    fn caller(&self, file: &File, email: &str) -> Caller {
        let member = file.drive.is_some() && email != self.fixed.account.email;
        let owner = file.owner.as_deref() == Some(email)
            || (member && self.drive.access(file, email) >= Access::Organize);
        Caller {
            email: email.to_owned(),
            owner,
        }
    }

    fn sheets(
        &mut self,
        request: &Request,
        route: &sheets::Route,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        if route.id == "sheets.spreadsheets.create" {
            return self.create_sheet(request, who, now);
        }
        let file = self
            .drive
            .files
            .get(&route.book)
            .filter(|f| f.mime == SHEET)
            .ok_or_else(ApiError::entity_not_found)?;
        let access = self.drive.access(file, &who.email);
        let least = if route.reads {
            Access::Read
        } else {
            Access::Write
        };
        if access < least {
            return Err(ApiError::permission_denied());
        }
        let caller = self.caller(file, &who.email);
        if route.id == "sheets.spreadsheets.sheets.copyTo" {
            return self.copy_tab(request, route, who, now);
        }
        let url = self.url(&route.book);
        let held = self
            .books
            .get_mut(&route.book)
            .ok_or_else(ApiError::entity_not_found)?;
        let call = sheets::Call {
            route,
            request,
            caller: &caller,
            url,
            now,
        };
        let (value, written) = sheets::answer(held, &call)?;
        if written {
            let title = held.book.title().to_owned();
            if let Some(file) = self.drive.files.get_mut(&route.book) {
                file.name = title;
            }
            self.drive.touch(&route.book, &who.email, now);
        }
        Ok(Reply::json(&value))
    }

    fn create_sheet(
        &mut self,
        request: &Request,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        // A new spreadsheet goes to the creator's My Drive, which the robot does not have.
        if who.email == self.fixed.account.email {
            return Err(ApiError::permission_denied());
        }
        let body = request.json()?;
        let id = drive::new_id("1", 43);
        let caller = Caller {
            email: who.email.clone(),
            owner: true,
        };
        let book = sheets::create(&id, &body, &caller)?;
        let mut file = File::new(&id, book.title(), SHEET, now);
        file.parents = vec![Drive::root_of(&who.email)];
        file.owner = Some(who.email.clone());
        file.permissions.push(drive::Permission {
            id: drive::permission_id(&who.email),
            kind: "user".to_owned(),
            role: "owner".to_owned(),
            email: Some(who.email.clone()),
            domain: None,
            pending: false,
        });
        self.drive.files.insert(id.clone(), file);
        self.drive.touch(&id, &who.email, now);
        let mut held = Held::new(book);
        let route = sheets::Route {
            id: "sheets.spreadsheets.get",
            book: id.clone(),
            arg: String::new(),
            reads: true,
        };
        let call = sheets::Call {
            route: &route,
            request,
            caller: &caller,
            url: self.url(&id),
            now,
        };
        let (value, _) = sheets::answer(&mut held, &call)?;
        self.books.insert(id, held);
        Ok(Reply::json(&value))
    }

    fn copy_tab(
        &mut self,
        request: &Request,
        route: &sheets::Route,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        let body = request.json()?;
        let to = body
            .get("destinationSpreadsheetId")
            .and_then(Value::as_str)
            .unwrap_or("");
        let file = self
            .drive
            .files
            .get(to)
            .ok_or_else(ApiError::entity_not_found)?;
        if self.drive.access(file, &who.email) < Access::Write {
            return Err(ApiError::permission_denied());
        }
        let tab = route
            .arg
            .parse()
            .map_err(|_| ApiError::invalid("Invalid sheet id."))?;
        let source = self
            .books
            .get(&route.book)
            .ok_or_else(ApiError::entity_not_found)?
            .book
            .clone();
        let held = self
            .books
            .get_mut(to)
            .ok_or_else(ApiError::entity_not_found)?;
        let mut copy = held.book.clone();
        let props = sheets::copy_tab(&source, tab, &mut copy)?;
        held.book = copy;
        self.drive.touch(to, &who.email, now);
        Ok(Reply::json(&props))
    }

    fn drive(
        &mut self,
        request: &Request,
        route: &drive::Route,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        if let Some(reply) = self.resumable(request, route, who, now)? {
            return Ok(reply);
        }
        self.drive_once(request, route, who, now)
    }

    pub(super) fn drive_once(
        &mut self,
        request: &Request,
        route: &drive::Route,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        let call = drive::Call {
            route,
            request,
            email: &who.email,
            now,
        };
        let (value, effect) = drive::answer(&mut self.drive, &call)?;
        match effect {
            Effect::None => {}
            Effect::NewSheet(id, title) => {
                self.books.insert(
                    id.clone(),
                    Held::new(Book::new(&id, &title, "en_US", "Etc/GMT")),
                );
            }
            Effect::NewFrom(id, title, media) => {
                let mut held = Held::new(Book::new(&id, &title, "en_US", "Etc/GMT"));
                if let Err(e) = sheets::import(&mut held.book, &media.bytes, &media.mime) {
                    self.drive.files.remove(&id);
                    return Err(e);
                }
                self.books.insert(id, held);
            }
            Effect::CopySheet(from, to, title) => {
                if let Some(held) = self.books.get_mut(&from) {
                    held.compute(now);
                    let copy = held.book.copy(&to, &title);
                    self.books.insert(to, Held::new(copy));
                }
            }
            Effect::Rename(id, title) => {
                if let Some(held) = self.books.get_mut(&id) {
                    held.book.set_title(&title);
                }
            }
            Effect::Import(id, media) => {
                if let Some(held) = self.books.get_mut(&id) {
                    sheets::import(&mut held.book, &media.bytes, &media.mime)?;
                }
            }
            Effect::Forget(ids) => {
                for id in ids {
                    self.books.remove(&id);
                }
            }
            Effect::Export(id, mime) => return self.export(&id, &mime, None, now),
            Effect::Bytes(mime, bytes) => {
                let whole = Reply::text(200, &mime, bytes.as_ref().clone());
                return Ok(wire::part(whole, request.range.as_deref()));
            }
        }
        Ok(value.map_or_else(Reply::no_content, |v| Reply::json(&v)))
    }

    fn export(
        &mut self,
        id: &str,
        mime: &str,
        tab: Option<i64>,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        let held = self
            .books
            .get_mut(id)
            .ok_or_else(|| ApiError::file_not_found(id))?;
        let made = sheets::export(held, mime, tab, now)?;
        Ok(Reply::text(200, made.mime, made.bytes))
    }

    /// `/spreadsheets/d/ID/export?format=…&gid=…`, which a signed-in browser and some clients use.
    fn export_page(
        &mut self,
        request: &Request,
        id: &str,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Reply> {
        let id = super::http::decode_segment(id);
        self.drive.visible(&id, &who.email)?;
        let format = request.query.get("format").unwrap_or("xlsx");
        let mime = sheets::FORMATS
            .iter()
            .find(|(name, _)| *name == format)
            .map(|(_, mime)| *mime)
            .ok_or_else(|| ApiError::invalid(format!("Unknown format {format}.")))?;
        let tab = request.query.get("gid").and_then(|g| g.parse().ok());
        let mut reply = self.export(&id, mime, tab, now)?;
        let name = format!("attachment; filename=\"export.{format}\"");
        reply.headers.push(("content-disposition", name));
        Ok(reply)
    }
}

/// A folder in the shared drive, where the client may work.
fn seed_folder(drive: &mut Drive, now: DateTime<Utc>) -> String {
    let id = drive::new_id("1", 32);
    let mut folder = File::new(&id, "Reports", FOLDER, now);
    folder.parents = vec![drive.shared.clone()];
    folder.drive = Some(drive.shared.clone());
    folder.last_user.clone_from(&drive.robot);
    drive.files.insert(id.clone(), folder);
    id
}

/// The answer of a fault that is a status.
fn faulty(fault: &Fault, family: Family) -> Reply {
    match &fault.body {
        Some(Value::String(text)) => {
            Reply::text(fault.status, "text/html; charset=UTF-8", text.as_bytes())
        }
        Some(body) => Reply::json_with(fault.status, body),
        None => Reply::json_with(fault.status, &standard_body(fault.status, family)),
    }
}

/// Google's own words for a status.
fn standard_body(status: u16, family: Family) -> Value {
    let (canonical, reason, message) = match status {
        401 => ("UNAUTHENTICATED", "authError", "Invalid Credentials"),
        403 => (
            "PERMISSION_DENIED",
            "forbidden",
            "The caller does not have permission",
        ),
        404 => ("NOT_FOUND", "notFound", "Requested entity was not found."),
        429 => ("RESOURCE_EXHAUSTED", "rateLimitExceeded", "Quota exceeded."),
        500 => ("INTERNAL", "internalError", "Internal error encountered."),
        503 => (
            "UNAVAILABLE",
            "backendError",
            "The service is currently unavailable.",
        ),
        504 => (
            "DEADLINE_EXCEEDED",
            "backendError",
            "Deadline expired before operation could complete.",
        ),
        _ => (
            "INVALID_ARGUMENT",
            "badRequest",
            "Request contains an invalid argument.",
        ),
    };
    if family == Family::Drive {
        json!({"error": {
            "errors": [{"domain": "global", "reason": reason, "message": message}],
            "code": status, "message": message,
        }})
    } else {
        json!({"error": {"code": status, "message": message, "status": canonical}})
    }
}

/// Google's page for an address that does not exist.
fn not_found(path: &str) -> String {
    let safe = path.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not \
         Found)!!1</title>\n  <p><b>404.</b> <ins>That’s an error.</ins>\n  <p>The requested URL \
         <code>{safe}</code> was not found on this server.  <ins>That’s all we know.</ins>\n"
    )
}
