//! The methods of Drive v3: files.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::upload::{self, Media};
use super::{
    Access, Drive, FOLDER, File, Permission, Route, SHEET, SHORTCUT, feed, list, new_id,
    permission_id, shared, sharing, talk,
};
use crate::google::http::{Answer, ApiError, Request};
use crate::google::sheets::{Mask, XLSX};

/// What a call needs to know.
pub(crate) struct Call<'a> {
    pub(crate) route: &'a Route,
    pub(crate) request: &'a Request,
    pub(crate) email: &'a str,
    pub(crate) now: DateTime<Utc>,
}

/// What the spreadsheets have to do after a Drive method.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    None,
    /// Make an empty spreadsheet of that id and title.
    NewSheet(String, String),
    /// Copy one spreadsheet to another id with that title.
    CopySheet(String, String, String),
    Rename(String, String),
    /// Fill a spreadsheet from uploaded bytes.
    Import(String, Media),
    /// Make a spreadsheet of that id and title and fill it.
    NewFrom(String, String, Media),
    Forget(Vec<String>),
    /// Answer the spreadsheet in that format instead of JSON.
    Export(String, String),
    /// Answer bytes instead of JSON: their type and content.
    Bytes(String, Arc<Vec<u8>>),
}

pub(super) fn mask_of(call: &Call<'_>, default: &str) -> Answer<Mask> {
    let text = call
        .request
        .query
        .get("fields")
        .filter(|t| !t.is_empty())
        .unwrap_or(default);
    Mask::parse(text).map_err(|_| {
        let mut e = ApiError::invalid(format!("Invalid field selection {text}"));
        e.reason = "invalidParameter";
        e.location = Some(("parameter", "fields"));
        e
    })
}

pub(super) fn all_drives(call: &Call<'_>) -> bool {
    let q = &call.request.query;
    q.flag("supportsAllDrives") || q.flag("supportsTeamDrives")
}

/// The file of the route, if the caller may see it.
pub(super) fn target<'a>(drive: &'a Drive, call: &Call<'_>) -> Answer<&'a File> {
    let id = &call.route.file;
    let file = drive.visible(id, call.email)?;
    // Without the flag, files of shared drives do not exist for the methods that have it.
    let blind = file.drive.is_some() && !all_drives(call);
    let takes_flag = call.route.id.starts_with("drive.files.")
        || call.route.id.starts_with("drive.permissions.");
    let exempt = matches!(
        call.route.id,
        "drive.files.export" | "drive.files.listLabels" | "drive.files.modifyLabels"
    );
    if blind && takes_flag && !exempt {
        return Err(ApiError::file_not_found(id));
    }
    Ok(file)
}

pub(super) fn need(drive: &Drive, file: &File, call: &Call<'_>, least: Access) -> Answer<()> {
    if drive.access(file, call.email) >= least {
        Ok(())
    } else {
        Err(ApiError::insufficient_file_permissions())
    }
}

pub(super) const FILE_FIELDS: &str = "kind,id,name,mimeType,driveId,teamDriveId";

/// Answers a call.
///
/// # Errors
/// In Google's words.
pub(crate) fn answer(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let plain = |v: Value| Ok((Some(v), Effect::None));
    match call.route.id {
        "drive.files.create" => create(drive, call),
        "drive.files.copy" => copy(drive, call),
        "drive.files.update" | "drive.v2.files.update" => update(drive, call),
        "drive.files.delete" => delete(drive, call),
        "drive.files.get" => {
            let file = target(drive, call)?;
            if call.request.query.get("alt") == Some("media") {
                return media(file);
            }
            let json = drive.file_json(file, call.email);
            plain(mask_of(call, FILE_FIELDS)?.filter(json))
        }
        "drive.files.list" => plain(list::answer(drive, call)?),
        "drive.files.export" => {
            let file = target(drive, call)?;
            let mime = call.request.query.get("mimeType").unwrap_or("");
            if file.mime != SHEET {
                let mut e = ApiError::invalid("Export only supports Docs Editors files.");
                e.code = 403;
                e.reason = "fileNotExportable";
                return Err(e);
            }
            if mime.is_empty() {
                let mut e = ApiError::invalid("Required parameter: mimeType");
                e.reason = "required";
                e.location = Some(("parameter", "mimeType"));
                return Err(e);
            }
            Ok((None, Effect::Export(file.id.clone(), mime.to_owned())))
        }
        "drive.files.generateIds" => {
            let count = list::size_of(call, "count", 10)?;
            let ids: Vec<String> = (0..count).map(|_| new_id("1", 32)).collect();
            plain(json!({"kind": "drive#generatedIds", "space": "drive", "ids": ids}))
        }
        "drive.files.emptyTrash" => Ok((None, empty_trash(drive, call))),
        "drive.files.listLabels" => {
            target(drive, call)?;
            plain(json!({"kind": "drive#labelList", "labels": []}))
        }
        "drive.files.modifyLabels" => {
            let file = target(drive, call)?;
            need(drive, file, call, Access::Write)?;
            plain(json!({"kind": "drive#modifyLabelsResponse", "modifiedLabels": []}))
        }
        // Nobody asks for access or for approval here.
        "drive.accessproposals.list" | "drive.approvals.list" => {
            target(drive, call)?;
            plain(json!({}))
        }
        "drive.apps.list" => plain(json!({"kind": "drive#appList", "items": []})),
        "drive.files.watch" | "drive.changes.watch" | "drive.channels.stop" => {
            feed::watch(drive, call).map(|v| (v, Effect::None))
        }
        id if id.starts_with("drive.permissions.") => sharing::answer(drive, call),
        id if id.starts_with("drive.comments.") || id.starts_with("drive.replies.") => {
            talk::answer(drive, call).map(|v| (v, Effect::None))
        }
        id if id.starts_with("drive.revisions.") => {
            feed::revisions(drive, call).map(|v| (v, Effect::None))
        }
        id if id.starts_with("drive.changes.") => plain(feed::answer(drive, call)?),
        _ => shared::answer(drive, call),
    }
}

/// The bytes of a file; what Google's editors hold can only be exported.
fn media(file: &File) -> Answer<(Option<Value>, Effect)> {
    match &file.content {
        Some(content) => Ok((None, Effect::Bytes(file.mime.clone(), Arc::clone(content)))),
        None => {
            let mut e = ApiError::invalid(
                "Only files with binary content can be downloaded. Use Export with Docs Editors \
                 files.",
            );
            e.code = 403;
            e.reason = "fileNotDownloadable";
            e.location = Some(("parameter", "alt"));
            Err(e)
        }
    }
}

fn empty_trash(drive: &mut Drive, call: &Call<'_>) -> Effect {
    let of = call.request.query.get("driveId");
    let gone: Vec<String> = drive
        .files
        .values()
        .filter(|f| f.trashed && f.drive.as_deref() == of)
        .filter(|f| drive.access(f, call.email) >= Access::Organize)
        .map(|f| f.id.clone())
        .collect();
    for id in &gone {
        drive.note(id, call.now);
        drive.files.remove(id);
    }
    Effect::Forget(gone)
}

/// Where a new file goes: its parents, the shared drive, the owner.
fn place(
    drive: &Drive,
    call: &Call<'_>,
    parents: Vec<String>,
    takes_storage: bool,
) -> Answer<(Vec<String>, Option<String>, Option<String>)> {
    let root = Drive::root_of(call.email);
    if parents.len() > 1 {
        let mut e = ApiError::invalid("A file cannot be created in more than one folder.");
        e.reason = "cannotAddParent";
        return Err(e);
    }
    let parent = match parents.into_iter().next() {
        None => root.clone(),
        Some(p) if p == "root" => root.clone(),
        Some(p) => p,
    };
    let robot = call.email == drive.robot;
    if parent == root {
        if robot && takes_storage {
            return Err(ApiError::storage_quota());
        }
        return Ok((vec![parent], None, Some(call.email.to_owned())));
    }
    if drive.drives.contains_key(&parent) {
        if drive.member(&parent, call.email) < Access::Write || !all_drives(call) {
            return Err(ApiError::file_not_found(&parent));
        }
        return Ok((vec![parent.clone()], Some(parent), None));
    }
    let folder = drive.visible(&parent, call.email)?;
    if folder.mime != FOLDER {
        let mut e = ApiError::invalid("The specified parent is not a folder.");
        e.code = 403;
        e.reason = "parentNotAFolder";
        return Err(e);
    }
    if folder.drive.is_some() && !all_drives(call) {
        return Err(ApiError::file_not_found(&parent));
    }
    need(drive, folder, call, Access::Write)?;
    match &folder.drive {
        Some(shared) => Ok((vec![parent], Some(shared.clone()), None)),
        // In a person's shared folder the file still belongs to who made it.
        None if robot && takes_storage => Err(ApiError::storage_quota()),
        None => Ok((vec![parent], None, Some(call.email.to_owned()))),
    }
}

pub(super) fn strings(v: Option<&Value>) -> Vec<String> {
    v.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

pub(super) fn owner_permission(email: &str) -> Permission {
    Permission {
        id: permission_id(email),
        kind: "user".to_owned(),
        role: "owner".to_owned(),
        email: Some(email.to_owned()),
        domain: None,
        pending: false,
    }
}

fn set_properties(file: &mut File, body: &Value) {
    for key in ["appProperties", "properties"] {
        let Some(Value::Object(given)) = body.get(key) else {
            continue;
        };
        let map = if key == "appProperties" {
            &mut file.app_properties
        } else {
            &mut file.properties
        };
        for (k, v) in given {
            match v {
                Value::Null => {
                    map.remove(k);
                }
                Value::String(s) => {
                    map.insert(k.clone(), s.clone());
                }
                other => {
                    map.insert(k.clone(), other.to_string());
                }
            }
        }
    }
    if let Some(text) = body.get("description").and_then(Value::as_str) {
        file.description = (!text.is_empty()).then(|| text.to_owned());
    }
    if let Some(starred) = body.get("starred").and_then(Value::as_bool) {
        file.starred = starred;
    }
}

/// What a shortcut leads to, of a file that is made.
///
/// # Errors
/// A shortcut without a target, or with one that the caller does not see.
fn shortcut(drive: &Drive, call: &Call<'_>, body: &Value, mime: &str) -> Answer<Option<String>> {
    if mime != SHORTCUT {
        return Ok(None);
    }
    let to = body
        .pointer("/shortcutDetails/targetId")
        .and_then(Value::as_str);
    let Some(to) = to else {
        let mut e = ApiError::invalid("The shortcut target ID is missing.");
        e.reason = "invalid";
        e.location = Some(("parameter", "shortcutDetails.targetId"));
        return Err(e);
    };
    drive.visible(to, call.email)?;
    Ok(Some(to.to_owned()))
}

/// Types that become a spreadsheet when a spreadsheet is asked for.
const CONVERTED: [&str; 4] = ["text/csv", "text/tab-separated-values", "text/plain", XLSX];

fn create(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let upload = upload::read(call.request)?;
    let body = upload.metadata;
    let sent = upload.media.as_ref().map(|m| m.mime.as_str());
    let mime = body
        .get("mimeType")
        .and_then(Value::as_str)
        .or(sent.filter(|m| !m.is_empty()))
        .unwrap_or("application/octet-stream")
        .to_owned();
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("Untitled");
    let converts = mime == SHEET && upload.media.is_some();
    let plain_kind = |m: &str| m.split(';').next().unwrap_or("").trim().to_owned();
    if converts && !CONVERTED.contains(&plain_kind(sent.unwrap_or("")).as_str()) {
        let mut e = ApiError::invalid("Bad Request");
        e.reason = "badRequest";
        return Err(e);
    }
    let (parents, shared, owner) =
        place(drive, call, strings(body.get("parents")), mime != FOLDER)?;
    let id = fresh_id(drive, &body, &mime)?;
    let mut file = File::new(&id, name, &mime, call.now);
    file.shortcut = shortcut(drive, call, &body, &mime)?;
    file.parents = parents;
    file.drive = shared;
    file.permissions = owner.iter().map(|o| owner_permission(o)).collect();
    file.owner = owner;
    file.last_user = call.email.to_owned();
    set_properties(&mut file, &body);
    let effect = match upload.media {
        Some(media) if mime == SHEET => Effect::NewFrom(id.clone(), name.to_owned(), media),
        _ if mime == SHEET => Effect::NewSheet(id.clone(), name.to_owned()),
        media => {
            if !mime.starts_with("application/vnd.google-apps.") {
                file.content = Some(Arc::new(media.map(|m| m.bytes).unwrap_or_default()));
            }
            Effect::None
        }
    };
    drive.files.insert(id.clone(), file);
    drive.touch(&id, call.email, call.now);
    let json = drive
        .files
        .get(&id)
        .map(|f| drive.file_json(f, call.email))
        .unwrap_or_default();
    Ok((Some(mask_of(call, FILE_FIELDS)?.filter(json)), effect))
}

/// The id that the request brings, or a new one. Files of Google's editors take none.
fn fresh_id(drive: &Drive, body: &Value, mime: &str) -> Answer<String> {
    let Some(asked) = body.get("id").and_then(Value::as_str) else {
        return Ok(new_id("1", if mime == FOLDER { 32 } else { 43 }));
    };
    let editors = mime.starts_with("application/vnd.google-apps.") && mime != FOLDER;
    let mut e = if editors || asked.is_empty() {
        ApiError::invalid("Generated IDs are not supported for Docs Editors formats.")
    } else if drive.files.contains_key(asked) {
        let mut e = ApiError::invalid("A file already exists with the provided ID.");
        e.code = 409;
        e.reason = "fileIdInUse";
        return Err(e);
    } else {
        return Ok(asked.to_owned());
    };
    e.reason = "invalid";
    e.location = Some(("parameter", "id"));
    Err(e)
}

fn copy(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let source = target(drive, call)?.clone();
    if source.mime == FOLDER {
        let mut e = ApiError::invalid("This file cannot be copied by the user.");
        e.code = 403;
        e.reason = "cannotCopyFile";
        return Err(e);
    }
    let body = upload::read(call.request)?.metadata;
    let mut parents = strings(body.get("parents"));
    if parents.is_empty() {
        // Beside the original where the caller may write, otherwise in the own root.
        let beside = source.drive.is_some() || source.owner.as_deref() == Some(call.email);
        if beside {
            parents = source.parents.clone();
        }
    }
    let (parents, shared, owner) = place(drive, call, parents, true)?;
    let name = match body.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => format!("Copy of {}", source.name),
    };
    let id = new_id("1", 43);
    let mut file = File::new(&id, &name, &source.mime, call.now);
    file.parents = parents;
    file.drive = shared;
    file.permissions = owner.iter().map(|o| owner_permission(o)).collect();
    file.owner = owner;
    file.last_user = call.email.to_owned();
    file.app_properties = source.app_properties.clone();
    file.properties = source.properties.clone();
    file.description = source.description.clone();
    file.content = source.content.clone();
    file.shortcut = source.shortcut.clone();
    set_properties(&mut file, &body);
    drive.files.insert(id.clone(), file);
    drive.touch(&id, call.email, call.now);
    let json = drive
        .files
        .get(&id)
        .map(|f| drive.file_json(f, call.email))
        .unwrap_or_default();
    let effect = if source.mime == SHEET {
        Effect::CopySheet(source.id, id, name)
    } else {
        Effect::None
    };
    Ok((Some(mask_of(call, FILE_FIELDS)?.filter(json)), effect))
}

fn update(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let file = target(drive, call)?;
    need(drive, file, call, Access::Write)?;
    let id = file.id.clone();
    let upload = upload::read(call.request)?;
    let body = upload.metadata;
    let q = &call.request.query;
    let (add, remove) = (
        list::parts(q.get("addParents")),
        list::parts(q.get("removeParents")),
    );
    if !add.is_empty() {
        need(drive, file, call, Access::Organize)?;
        let (parents, shared, owner) = place(drive, call, add, true)?;
        if let Some(f) = drive.files.get_mut(&id) {
            f.parents = parents;
            if f.drive != shared {
                f.drive = shared;
                f.owner = owner.or_else(|| f.owner.take().filter(|_| f.drive.is_none()));
                f.permissions
                    .retain(|p| p.role != "owner" || f.owner.is_some());
            }
        }
    } else if !remove.is_empty()
        && let Some(f) = drive.files.get_mut(&id)
    {
        f.parents.retain(|p| !remove.contains(p));
    }
    let trashes = body.get("trashed").and_then(Value::as_bool);
    if let (Some(_), Some(f)) = (trashes, drive.files.get(&id)) {
        need(drive, f, call, Access::Organize)?;
    }
    let mut effect = Effect::None;
    if let Some(f) = drive.files.get_mut(&id) {
        if let Some(name) = body.get("name").and_then(Value::as_str) {
            f.name = name.to_owned();
            if f.mime == SHEET {
                effect = Effect::Rename(id.clone(), name.to_owned());
            }
        }
        set_properties(f, &body);
        if let Some(trashed) = trashes {
            f.trashed = trashed;
        }
    }
    if let (Some(media), Some(f)) = (upload.media, drive.files.get_mut(&id)) {
        if f.mime == SHEET {
            effect = Effect::Import(id.clone(), media);
        } else {
            if !media.mime.is_empty() && body.get("mimeType").is_none() {
                f.mime.clone_from(&media.mime);
            }
            f.content = Some(Arc::new(media.bytes));
        }
    }
    drive.touch(&id, call.email, call.now);
    let json = drive
        .files
        .get(&id)
        .map(|f| drive.file_json(f, call.email))
        .unwrap_or_default();
    if call.route.id == "drive.v2.files.update" {
        return Ok((Some(second_version(&json)), effect));
    }
    Ok((Some(mask_of(call, FILE_FIELDS)?.filter(json)), effect))
}

/// A file in the words of Drive v2.
fn second_version(file: &Value) -> Value {
    let get = |k: &str| file.get(k).cloned().unwrap_or(Value::Null);
    json!({
        "kind": "drive#file", "id": get("id"), "title": get("name"),
        "mimeType": get("mimeType"), "createdDate": get("createdTime"),
        "modifiedDate": get("modifiedTime"), "version": get("version"),
        "alternateLink": get("webViewLink"), "editable": true,
    })
}

fn delete(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let file = target(drive, call)?;
    need(drive, file, call, Access::Organize)?;
    let mut gone = vec![file.id.clone()];
    // A folder takes what is in it along.
    let mut at = 0;
    while let Some(id) = gone.get(at).cloned() {
        gone.extend(
            drive
                .files
                .values()
                .filter(|f| f.parents.contains(&id))
                .map(|f| f.id.clone()),
        );
        at += 1;
    }
    for id in &gone {
        drive.note(id, call.now);
        drive.files.remove(id);
    }
    Ok((None, Effect::Forget(gone)))
}
