//! Drive: files found by their properties, made, copied, shared, and followed by the change feed.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use google_drive3::api::{Change, File, Permission};
use google_drive3::common;
use hyper::body::Bytes;

use super::error::{GoogleError, Kind};
use super::limit::Budget;
use super::sign_in::SCOPES;
use super::{
    Call, ChangedFile, Changes, DriveFile, Editor, Effect, Google, Grant, Role, Watch, check_id,
};
use crate::retry::pause;

/// What Google Sheets files are to Drive.
const SPREADSHEET: &str = "application/vnd.google-apps.spreadsheet";
/// The property by which a file is found whose making had an unknown outcome.
const MAKING: &str = "planfact_making";
/// Fields of a file that we use.
const FILE_FIELDS: &str = "id,name,webViewLink,version,appProperties,parents,driveId";
/// The same, and what the account may do with it.
const OWN_FIELDS: &str = "id,name,webViewLink,version,appProperties,parents,driveId,trashed,capabilities(canAddChildren)";
/// Fields of a file that tell who changed it last.
const EDITOR_FIELDS: &str = "lastModifyingUser(me,displayName,emailAddress)";
/// Files or changes a page.
const PAGE: i32 = 1000;
/// Permissions a page (Drive's limit for files in shared drives).
const PERMISSIONS_PAGE: i32 = 100;
/// Pages after which a listing is taken for endless.
const PAGES_MAX: usize = 1000;
/// How often a file of unknown making is looked for before it is made again.
const LOOKS: u32 = 3;

impl Google {
    pub(super) async fn list(
        &self,
        properties: &[(&str, &str)],
        folder: Option<&str>,
    ) -> Result<Vec<DriveFile>, GoogleError> {
        let doing = "looking for files by their properties";
        if let Some(folder) = folder {
            check_id(folder, doing)?;
        }
        let q = query(properties, folder);
        let fields = format!("nextPageToken,incompleteSearch,files({FILE_FIELDS})");
        let mut files = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let call = Call {
                budget: Budget::Drive,
                effect: Effect::Idempotent,
                doing,
            };
            let (q, fields, token) = (&q, &fields, &page);
            let answer = self
                .run(call, |mut watch| async move {
                    let mut call = self.drive.files().list().q(q).page_size(PAGE);
                    if let Some(token) = token {
                        call = call.page_token(token);
                    }
                    call.supports_all_drives(true)
                        .include_items_from_all_drives(true)
                        .corpora("allDrives")
                        .order_by("createdTime")
                        .param("fields", fields)
                        .delegate(&mut watch)
                        .clear_scopes()
                        .add_scopes(SCOPES)
                        .doit()
                        .await
                        .map(|(_, list)| list)
                })
                .await?;
            files.extend(answer.files.unwrap_or_default().into_iter().map(drive_file));
            page = answer.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                if answer.incomplete_search == Some(true) && files.is_empty() {
                    // Taking "none seen" for "none there" would make a second file.
                    let message = "Drive could not search everywhere";
                    return Err(GoogleError::new(Kind::Transient, "", message, doing));
                }
                return Ok(files);
            }
        }
        Err(endless(doing))
    }

    /// An empty spreadsheet with nothing but its title.
    pub(super) async fn create(
        &self,
        title: &str,
        folder: Option<&str>,
    ) -> Result<DriveFile, GoogleError> {
        let doing = format!("creating the spreadsheet {title:?}");
        let mut wanted = File {
            mime_type: Some(SPREADSHEET.to_string()),
            ..File::default()
        };
        self.name(&mut wanted, title, folder, &[], &doing)?;
        let mut body = serde_json::to_value(&wanted)
            .map_err(|error| GoogleError::invalid(&error.to_string(), &doing))?;
        common::remove_json_null_values(&mut body);
        let body = body.to_string();
        self.make(&wanted, &doing, |watch| self.post_file(body.clone(), watch))
            .await
    }

    pub(super) async fn copy_file(
        &self,
        source: &str,
        title: &str,
        folder: Option<&str>,
        properties: &[(&str, &str)],
    ) -> Result<DriveFile, GoogleError> {
        let doing = format!("copying file {source} as {title:?}");
        check_id(source, &doing)?;
        let mut wanted = File::default();
        self.name(&mut wanted, title, folder, properties, &doing)?;
        let wanted = &wanted;
        self.make(wanted, &doing, |mut watch| async move {
            self.drive
                .files()
                .copy(wanted.clone(), source)
                .supports_all_drives(true)
                .param("fields", FILE_FIELDS)
                .delegate(&mut watch)
                .clear_scopes()
                .add_scopes(SCOPES)
                .doit()
                .await
                .map(|(_, file)| file)
        })
        .await
    }

    /// Fills in title, folder and properties, with a mark of its own for each making.
    fn name(
        &self,
        file: &mut File,
        title: &str,
        folder: Option<&str>,
        properties: &[(&str, &str)],
        doing: &str,
    ) -> Result<(), GoogleError> {
        if let Some(folder) = folder {
            check_id(folder, doing)?;
            file.parents = Some(vec![folder.to_string()]);
        }
        let nth = self.made.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{:016x}-{nth}", fastrand::u64(..));
        let mut all: HashMap<String, String> = owned(properties);
        all.insert(MAKING.to_string(), mark);
        file.name = Some(title.to_string());
        file.app_properties = Some(all);
        Ok(())
    }

    /// Makes a file; when the outcome is unknown, looks for it by its mark before trying again.
    async fn make<F, Fut>(
        &self,
        wanted: &File,
        doing: &str,
        op: F,
    ) -> Result<DriveFile, GoogleError>
    where
        F: Fn(Watch) -> Fut,
        Fut: Future<Output = common::Result<File>>,
    {
        let call = || Call {
            budget: Budget::Drive,
            effect: Effect::Adds,
            doing,
        };
        let error = match self.run(call(), &op).await {
            Ok(file) => return Ok(drive_file(file)),
            Err(error) if error.kind == Kind::UnknownOutcome => error,
            Err(error) => return Err(error),
        };
        let mark = wanted
            .app_properties
            .as_ref()
            .and_then(|all| all.get(MAKING));
        let Some(mark) = mark else { return Err(error) };
        let folder = wanted.parents.iter().flatten().next().map(String::as_str);
        for look in 1..=LOOKS {
            // The search follows the making after a moment.
            pause(self.patience.tries.first_delay * look).await;
            if let Some(file) = self
                .list(&[(MAKING, mark)], folder)
                .await?
                .into_iter()
                .next()
            {
                tracing::info!(doing, "the file was made although the answer was lost");
                return Ok(file);
            }
        }
        self.run(call(), &op).await.map(drive_file)
    }

    /// `files.create` without content. The crate has it with an upload only, which would turn the
    /// file into a converted import.
    async fn post_file(&self, body: String, mut watch: Watch) -> common::Result<File> {
        watch.id = "drive.files.create";
        let url = format!(
            "{}files?supportsAllDrives=true&alt=json&fields=",
            self.drive_base
        ) + &FILE_FIELDS.replace(',', "%2C");
        self.post(url, Bytes::from(body), watch).await
    }

    pub(super) async fn set_properties(
        &self,
        id: &str,
        properties: &[(&str, &str)],
    ) -> Result<DriveFile, GoogleError> {
        let change = File {
            app_properties: Some(owned(properties)),
            ..File::default()
        };
        self.update(id, change, &format!("setting the properties of file {id}"))
            .await
    }

    /// Moves an unfinished file to the bin, if it can.
    pub(super) async fn discard(&self, id: &str) {
        let change = File {
            trashed: Some(true),
            ..File::default()
        };
        if let Err(error) = self
            .update(id, change, "moving an unfinished file to the bin")
            .await
        {
            tracing::warn!(id, %error, "an unfinished file stays in Drive");
        }
    }

    async fn update(&self, id: &str, change: File, doing: &str) -> Result<DriveFile, GoogleError> {
        check_id(id, doing)?;
        let call = Call {
            budget: Budget::Drive,
            effect: Effect::Idempotent,
            doing,
        };
        let change = &change;
        self.run(call, |mut watch| async move {
            self.drive
                .files()
                .update(change.clone(), id)
                .supports_all_drives(true)
                .param("fields", FILE_FIELDS)
                .delegate(&mut watch)
                .clear_scopes()
                .add_scopes(SCOPES)
                .doit_without_upload()
                .await
                .map(|(_, file)| file)
        })
        .await
        .map(drive_file)
    }

    pub(super) async fn get_file(&self, id: &str) -> Result<DriveFile, GoogleError> {
        let doing = format!("reading file {id} in Drive");
        check_id(id, &doing)?;
        let call = Call {
            budget: Budget::Drive,
            effect: Effect::Idempotent,
            doing: &doing,
        };
        self.run(call, |mut watch| async move {
            self.drive
                .files()
                .get(id)
                .supports_all_drives(true)
                .param("fields", OWN_FIELDS)
                .delegate(&mut watch)
                .clear_scopes()
                .add_scopes(SCOPES)
                .doit()
                .await
                .map(|(_, file)| file)
        })
        .await
        .map(drive_file)
    }

    pub(super) async fn get_last_editor(&self, id: &str) -> Result<Option<Editor>, GoogleError> {
        let doing = format!("asking Drive who changed file {id} last");
        check_id(id, &doing)?;
        let call = Call {
            budget: Budget::Drive,
            effect: Effect::Idempotent,
            doing: &doing,
        };
        let file = self
            .run(call, |mut watch| async move {
                self.drive
                    .files()
                    .get(id)
                    .supports_all_drives(true)
                    .param("fields", EDITOR_FIELDS)
                    .delegate(&mut watch)
                    .clear_scopes()
                    .add_scopes(SCOPES)
                    .doit()
                    .await
                    .map(|(_, file)| file)
            })
            .await?;
        Ok(editor(file, self.sign_in.email()))
    }

    pub(super) async fn add_permissions(
        &self,
        file: &str,
        grants: &[Grant],
    ) -> Result<usize, GoogleError> {
        let doing = format!("sharing file {file}");
        check_id(file, &doing)?;
        if grants.is_empty() {
            return Ok(0);
        }
        let mut held = held_roles(&self.permissions(file, &doing).await?);
        let mut added = 0;
        for grant in grants {
            let email = grant.email.trim().to_lowercase();
            let wanted = rank(role_word(grant.role));
            if held.get(&email).is_some_and(|rank| *rank >= wanted) {
                continue;
            }
            self.add_permission(file, &email, role_word(grant.role), &doing)
                .await?;
            held.insert(email, wanted);
            added += 1;
        }
        Ok(added)
    }

    async fn permissions(&self, file: &str, doing: &str) -> Result<Vec<Permission>, GoogleError> {
        let mut all = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let call = Call {
                budget: Budget::Drive,
                effect: Effect::Idempotent,
                doing,
            };
            let token = &page;
            let answer = self
                .run(call, |mut watch| async move {
                    let mut call = self.drive.permissions().list(file);
                    if let Some(token) = token {
                        call = call.page_token(token);
                    }
                    call.supports_all_drives(true)
                        .page_size(PERMISSIONS_PAGE)
                        .param(
                            "fields",
                            "nextPageToken,permissions(id,type,role,emailAddress,deleted)",
                        )
                        .delegate(&mut watch)
                        .clear_scopes()
                        .add_scopes(SCOPES)
                        .doit()
                        .await
                        .map(|(_, list)| list)
                })
                .await?;
            all.extend(answer.permissions.unwrap_or_default());
            page = answer.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return Ok(all);
            }
        }
        Err(endless(doing))
    }

    async fn add_permission(
        &self,
        file: &str,
        email: &str,
        role: &str,
        doing: &str,
    ) -> Result<(), GoogleError> {
        let permission = Permission {
            type_: Some("user".to_string()),
            role: Some(role.to_string()),
            email_address: Some(email.to_string()),
            ..Permission::default()
        };
        // Granting twice grants once.
        let call = Call {
            budget: Budget::Drive,
            effect: Effect::Idempotent,
            doing,
        };
        let permission = &permission;
        self.run(call, |mut watch| async move {
            self.drive
                .permissions()
                .create(permission.clone(), file)
                .supports_all_drives(true)
                .send_notification_email(false)
                .param("fields", "id")
                .delegate(&mut watch)
                .clear_scopes()
                .add_scopes(SCOPES)
                .doit()
                .await
                .map(drop)
        })
        .await
    }

    pub(super) async fn first_token(&self) -> Result<String, GoogleError> {
        let doing = "asking where Drive's change feed begins";
        let call = Call {
            budget: Budget::Drive,
            effect: Effect::Idempotent,
            doing,
        };
        let answer = self
            .run(call, |mut watch| async move {
                self.drive
                    .changes()
                    .get_start_page_token()
                    .supports_all_drives(true)
                    .delegate(&mut watch)
                    .clear_scopes()
                    .add_scopes(SCOPES)
                    .doit()
                    .await
                    .map(|(_, token)| token)
            })
            .await?;
        answer
            .start_page_token
            .ok_or_else(|| GoogleError::new(Kind::Unreadable, "", "the answer has no token", doing))
    }

    pub(super) async fn changed_since(&self, token: &str) -> Result<Changes, GoogleError> {
        let doing = "reading Drive's change feed";
        let fields = "nextPageToken,newStartPageToken,changes(changeType,fileId,removed,time,\
                      file(id,trashed,modifiedTime,version,lastModifyingUser(me,emailAddress)))";
        let mut files = Vec::new();
        let mut page = token.to_string();
        for _ in 0..PAGES_MAX {
            let call = Call {
                budget: Budget::Drive,
                effect: Effect::Idempotent,
                doing,
            };
            let token = &page;
            let answer = self
                .run(call, |mut watch| async move {
                    self.drive
                        .changes()
                        .list(token)
                        .supports_all_drives(true)
                        .include_items_from_all_drives(true)
                        .include_removed(true)
                        .page_size(PAGE)
                        .param("fields", fields)
                        .delegate(&mut watch)
                        .clear_scopes()
                        .add_scopes(SCOPES)
                        .doit()
                        .await
                        .map(|(_, list)| list)
                })
                .await?;
            let mine = self.sign_in.email();
            let changes = answer.changes.unwrap_or_default();
            files.extend(
                changes
                    .into_iter()
                    .filter_map(|change| changed_file(change, mine)),
            );
            if let Some(next_token) = answer.new_start_page_token.filter(|t| !t.is_empty()) {
                return Ok(Changes {
                    files: last_of_each(files),
                    next_token,
                });
            }
            match answer.next_page_token.filter(|token| !token.is_empty()) {
                Some(next) => page = next,
                None => {
                    let message = "the answer has neither a next page nor a new token";
                    return Err(GoogleError::new(Kind::Unreadable, "", message, doing));
                }
            }
        }
        Err(endless(doing))
    }
}

fn endless(doing: &str) -> GoogleError {
    let message = format!("no end after {PAGES_MAX} pages");
    GoogleError::new(Kind::Unreadable, "", &message, doing)
}

fn owned(properties: &[(&str, &str)]) -> HashMap<String, String> {
    properties
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

/// Drive's search expression.
fn query(properties: &[(&str, &str)], folder: Option<&str>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut terms = vec!["trashed = false".to_string()];
    for (key, value) in properties {
        terms.push(format!(
            "appProperties has {{ key={} and value={} }}",
            quoted(key),
            quoted(value)
        ));
    }
    if let Some(folder) = folder {
        terms.push(format!("{} in parents", quoted(folder)));
    }
    terms.join(" and ")
}

fn drive_file(file: File) -> DriveFile {
    let id = file.id.unwrap_or_default();
    let url = file
        .web_view_link
        .unwrap_or_else(|| format!("https://docs.google.com/spreadsheets/d/{id}/edit"));
    let mut properties: std::collections::BTreeMap<_, _> = file
        .app_properties
        .unwrap_or_default()
        .into_iter()
        .collect();
    properties.remove(MAKING);
    DriveFile {
        name: file.name.unwrap_or_default(),
        url,
        version: file.version,
        properties,
        parents: file.parents.unwrap_or_default(),
        in_shared_drive: file.drive_id.is_some(),
        can_add: file.capabilities.and_then(|can| can.can_add_children),
        trashed: file.trashed == Some(true),
        id,
    }
}

/// Who changed a file last; `None` for ourselves and for somebody whom Drive does not name.
fn editor(file: File, mine: Option<&str>) -> Option<Editor> {
    let user = file.last_modifying_user?;
    let email = user.email_address.unwrap_or_default();
    if user.me == Some(true) || mine.is_some_and(|mine| mine.eq_ignore_ascii_case(&email)) {
        return None;
    }
    let name = user.display_name.unwrap_or_default();
    (!name.is_empty() || !email.is_empty()).then_some(Editor { name, email })
}

fn changed_file(change: Change, mine: Option<&str>) -> Option<ChangedFile> {
    let id = change.file_id?;
    let file = change.file.unwrap_or_default();
    let by_me = file.last_modifying_user.is_some_and(|user| {
        user.me.unwrap_or_else(|| {
            user.email_address.is_some() && user.email_address.as_deref() == mine
        })
    });
    Some(ChangedFile {
        id,
        removed: change.removed == Some(true) || file.trashed == Some(true),
        modified: file.modified_time.or(change.time),
        by_me,
        version: file.version,
    })
}

/// A file that changed several times counts once, at its last change.
fn last_of_each(files: Vec<ChangedFile>) -> Vec<ChangedFile> {
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<_> = files
        .into_iter()
        .rev()
        .filter(|file| seen.insert(file.id.clone()))
        .collect();
    kept.reverse();
    kept
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Commenter => "commenter",
        Role::Writer => "writer",
    }
}

/// Roles in growing order; unknown ones count as the least.
fn rank(role: &str) -> u8 {
    match role {
        "commenter" => 2,
        "writer" => 3,
        "fileOrganizer" => 4,
        "organizer" => 5,
        "owner" => 6,
        _ => 1,
    }
}

/// The best role of each person, by e-mail in lower case.
fn held_roles(permissions: &[Permission]) -> HashMap<String, u8> {
    let mut held = HashMap::new();
    for permission in permissions {
        let person = matches!(permission.type_.as_deref(), Some("user" | "group") | None);
        if let (true, Some(email), Some(role)) = (
            person && permission.deleted != Some(true),
            &permission.email_address,
            &permission.role,
        ) {
            let best = held.entry(email.to_lowercase()).or_insert(0);
            *best = (*best).max(rank(role));
        }
    }
    held
}
