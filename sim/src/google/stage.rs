//! What the management door sets up: spreadsheets that were there before, and what happens to a token
//! or a file a moment before a request is served.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::auth::Identity;
use super::drive::{self, Drive, File, SHEET};
use super::http::Request;
use super::sheets::protect::Caller;
use super::sheets::{self, Held};
use super::world::{Target, World};
use crate::fault::{Fault, FaultKind};

impl World {
    /// What happens to the token or the file a moment before a request is served.
    pub(super) fn spoil(
        &mut self,
        request: &Request,
        target: &Target,
        fault: &Fault,
        now: DateTime<Utc>,
    ) {
        let file = file_of(fault, target);
        match fault.kind {
            FaultKind::RevokeToken => {
                let header = request.authorization.as_deref().unwrap_or("");
                self.tokens.revoke_access(header);
            }
            FaultKind::DeleteFile if self.drive.files.contains_key(&file) => {
                self.drive.note(&file, now);
                self.drive.files.remove(&file);
                self.books.remove(&file);
            }
            FaultKind::Withdraw => {
                if let Some(who) = self.identify(request, now) {
                    self.drive.note(&file, now);
                    if let Some(file) = self.drive.files.get_mut(&file) {
                        file.denied.push(who.email);
                    }
                }
            }
            _ => {}
        }
    }

    /// Puts spreadsheets there as if they had been for long: a list of `{"spreadsheet": …, "owner":
    /// "…"}`, each spreadsheet as `spreadsheets.get` answers it; without an owner the first person
    /// has it. Answers how many.
    ///
    /// # Errors
    /// A sentence that says which spreadsheet cannot be made, and why.
    pub(crate) fn seed(&mut self, list: &Value, now: DateTime<Utc>) -> Result<usize, String> {
        let all = list.as_array().ok_or("a seed is a list of spreadsheets")?;
        for (i, one) in all.iter().enumerate() {
            let text = |key: &str| one.get(key).and_then(Value::as_str).map(str::to_owned);
            let body = one.get("spreadsheet").cloned().unwrap_or_default();
            let id = body.get("spreadsheetId").and_then(Value::as_str);
            let id = id.ok_or_else(|| format!("seed[{i}] has no spreadsheet.spreadsheetId"))?;
            let first = self.fixed.people.first().cloned();
            let owner = text("owner").or(first).unwrap_or_default();
            let caller = Caller {
                email: owner.clone(),
                owner: true,
            };
            let book = sheets::create(id, &body, &caller)
                .map_err(|e| format!("seed[{i}]: {}", e.message))?;
            let mut file = File::new(id, book.title(), SHEET, now);
            file.parents = vec![Drive::root_of(&owner)];
            file.last_user.clone_from(&owner);
            file.permissions.push(drive::Permission {
                id: drive::permission_id(&owner),
                kind: "user".to_owned(),
                role: "owner".to_owned(),
                email: Some(owner.clone()),
                domain: None,
                pending: false,
            });
            file.owner = Some(owner);
            self.drive.files.insert(id.to_owned(), file);
            self.books.insert(id.to_owned(), Held::new(book));
        }
        Ok(all.len())
    }

    /// A person's batch on a spreadsheet, a moment before a request is served.
    pub(super) fn type_first(&mut self, target: &Target, fault: &Fault, now: DateTime<Utc>) {
        let body = fault
            .body
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default();
        let typed = Request {
            method: "POST".to_owned(),
            path: format!("/v4/spreadsheets/{}:batchUpdate", file_of(fault, target)),
            content_type: "application/json".to_owned(),
            body: body.into_bytes(),
            ..Request::default()
        };
        let person = Identity {
            email: self.fixed.people.first().cloned().unwrap_or_default(),
            person: true,
            scopes: None,
        };
        let target = Target::of(&typed.method, &typed.path);
        let reply = self.answer(&typed, &target, Some(person), now);
        if reply.status != 200 {
            tracing::warn!(status = reply.status, "the person's batch was refused");
        }
    }
}

/// The file that a fault is about.
fn file_of(fault: &Fault, target: &Target) -> String {
    let own = || match target {
        Target::Sheets(route) => route.book.clone(),
        Target::Drive(route) => route.file.clone(),
        _ => String::new(),
    };
    fault.file.clone().unwrap_or_else(own)
}
