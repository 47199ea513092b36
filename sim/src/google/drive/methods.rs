//! The methods of Drive v3.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Access, Drive, FOLDER, File, Permission, SHEET, new_id, permission_id, query};
use crate::clock::rfc3339_ms;
use crate::google::http::{Answer, ApiError, Request, decode_segment};
use crate::google::sheets::Mask;

/// A Drive method, recognised in verb and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The method's id in the discovery document.
    pub(crate) id: &'static str,
    pub(crate) file: String,
    /// Permission, revision or drive id.
    pub(crate) arg: String,
    pub(crate) reads: bool,
}

/// Recognises a path below `/drive/v3` or an upload path.
pub(crate) fn route(verb: &str, path: &str) -> Option<Route> {
    let make = |id, file: &str, arg: &str, reads| {
        Some(Route {
            id,
            file: decode_segment(file),
            arg: decode_segment(arg),
            reads,
        })
    };
    for (prefix, id) in [
        ("/upload/drive/v3/files/", "drive.files.update"),
        ("/upload/drive/v2/files/", "drive.v2.files.update"),
    ] {
        if let Some(file) = path.strip_prefix(prefix) {
            return matches!(verb, "PUT" | "PATCH")
                .then(|| make(id, file, "", false))
                .flatten();
        }
    }
    if path == "/upload/drive/v3/files" {
        return (verb == "POST")
            .then(|| make("drive.files.create", "", "", false))
            .flatten();
    }
    let rest = path.strip_prefix("/drive/v3/")?.trim_end_matches('/');
    let parts: Vec<&str> = rest.split('/').collect();
    match (verb, parts.as_slice()) {
        ("GET", ["about"]) => make("drive.about.get", "", "", true),
        ("GET", ["files"]) => make("drive.files.list", "", "", true),
        ("POST", ["files"]) => make("drive.files.create", "", "", false),
        ("GET", ["files", "generateIds"]) => make("drive.files.generateIds", "", "", true),
        ("GET", ["files", id]) => make("drive.files.get", id, "", true),
        ("PATCH", ["files", id]) => make("drive.files.update", id, "", false),
        ("DELETE", ["files", id]) => make("drive.files.delete", id, "", false),
        ("POST", ["files", id, "copy"]) => make("drive.files.copy", id, "", false),
        ("GET", ["files", id, "export"]) => make("drive.files.export", id, "", true),
        ("GET", ["files", id, "permissions"]) => make("drive.permissions.list", id, "", true),
        ("POST", ["files", id, "permissions"]) => make("drive.permissions.create", id, "", false),
        ("GET", ["files", id, "permissions", p]) => make("drive.permissions.get", id, p, true),
        ("PATCH", ["files", id, "permissions", p]) => {
            make("drive.permissions.update", id, p, false)
        }
        ("DELETE", ["files", id, "permissions", p]) => {
            make("drive.permissions.delete", id, p, false)
        }
        ("GET", ["files", id, "revisions"]) => make("drive.revisions.list", id, "", true),
        ("GET", ["files", id, "revisions", r]) => make("drive.revisions.get", id, r, true),
        ("GET", ["files", id, "comments"]) => make("drive.comments.list", id, "", true),
        ("GET", ["changes", "startPageToken"]) => {
            make("drive.changes.getStartPageToken", "", "", true)
        }
        ("GET", ["changes"]) => make("drive.changes.list", "", "", true),
        ("GET", ["drives"]) => make("drive.drives.list", "", "", true),
        ("GET", ["drives", id]) => make("drive.drives.get", "", id, true),
        _ => None,
    }
}

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
    /// Fill a spreadsheet from the request's CSV body.
    Import(String),
    Forget(Vec<String>),
    /// Answer the spreadsheet in that format instead of JSON.
    Export(String, String),
}

fn mask_of(call: &Call<'_>, default: &str) -> Answer<Mask> {
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

fn all_drives(call: &Call<'_>) -> bool {
    let q = &call.request.query;
    q.flag("supportsAllDrives") || q.flag("supportsTeamDrives")
}

/// The file of the route, if the caller may see it.
fn target<'a>(drive: &'a Drive, call: &Call<'_>) -> Answer<&'a File> {
    let id = &call.route.file;
    let file = drive.visible(id, call.email)?;
    // Without the flag, files of shared drives do not exist; an export has no such flag.
    let blind = file.drive.is_some() && !all_drives(call);
    if blind
        && !matches!(
            call.route.id,
            "drive.files.export"
                | "drive.revisions.list"
                | "drive.revisions.get"
                | "drive.comments.list"
        )
    {
        return Err(ApiError::file_not_found(id));
    }
    Ok(file)
}

fn need(drive: &Drive, file: &File, call: &Call<'_>, least: Access) -> Answer<()> {
    if drive.access(file, call.email) >= least {
        Ok(())
    } else {
        Err(ApiError::insufficient_file_permissions())
    }
}

const FILE_FIELDS: &str = "kind,id,name,mimeType,driveId,teamDriveId";

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
            let json = drive.file_json(file, call.email);
            plain(mask_of(call, FILE_FIELDS)?.filter(json))
        }
        "drive.files.list" => plain(list(drive, call)?),
        "drive.files.export" => {
            let file = target(drive, call)?;
            let mime = call.request.query.get("mimeType").unwrap_or("");
            if file.mime != SHEET {
                let mut e = ApiError::invalid("Export only supports Docs Editors files.");
                e.code = 403;
                e.reason = "fileNotExportable";
                return Err(e);
            }
            if !matches!(mime, "text/csv" | "text/tab-separated-values") {
                let mut e = ApiError::invalid("The requested conversion is not supported.");
                e.reason = "badRequest";
                return Err(e);
            }
            Ok((None, Effect::Export(file.id.clone(), mime.to_owned())))
        }
        "drive.files.generateIds" => {
            let count = call
                .request
                .query
                .number("count")
                .unwrap_or(10)
                .clamp(1, 1000);
            let ids: Vec<String> = (0..count).map(|_| new_id("1", 32)).collect();
            plain(json!({"kind": "drive#generatedIds", "space": "drive", "ids": ids}))
        }
        id if id.starts_with("drive.permissions.") => permissions(drive, call),
        _ => plain(others(drive, call)?),
    }
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
    if parent == drive.shared {
        if drive.member(call.email) < Access::Write || !all_drives(call) {
            return Err(ApiError::file_not_found(&parent));
        }
        return Ok((vec![parent], Some(drive.shared.clone()), None));
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

fn strings(v: Option<&Value>) -> Vec<String> {
    v.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Metadata of an upload: the JSON part of a multipart body, or the whole body.
fn metadata_of(call: &Call<'_>) -> Answer {
    let request = call.request;
    if request.path.starts_with("/upload/") {
        if request.content_type.starts_with("multipart/") {
            let text = String::from_utf8_lossy(&request.body);
            let (start, end) = (
                text.find('{'),
                text.find("}\r\n").or_else(|| text.find("}\n")),
            );
            if let (Some(s), Some(e)) = (start, end)
                && let Some(part) = text.get(s..=e)
                && let Ok(v) = serde_json::from_str(part)
            {
                return Ok(v);
            }
        }
        return Ok(json!({}));
    }
    let body = request.json()?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(ApiError::invalid("Invalid JSON payload."))
    }
}

fn owner_permission(email: &str) -> Permission {
    Permission {
        id: permission_id(email),
        kind: "user".to_owned(),
        role: "owner".to_owned(),
        email: Some(email.to_owned()),
        domain: None,
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

fn create(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let body = metadata_of(call)?;
    let mime = body
        .get("mimeType")
        .and_then(Value::as_str)
        .unwrap_or("application/octet-stream");
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("Untitled");
    let (parents, shared, owner) =
        place(drive, call, strings(body.get("parents")), mime != FOLDER)?;
    let id = new_id("1", if mime == FOLDER { 32 } else { 43 });
    let mut file = File::new(&id, name, mime, call.now);
    file.parents = parents;
    file.drive = shared;
    file.permissions = owner.iter().map(|o| owner_permission(o)).collect();
    file.owner = owner;
    file.last_user = call.email.to_owned();
    set_properties(&mut file, &body);
    let effect = if mime == SHEET {
        Effect::NewSheet(id.clone(), name.to_owned())
    } else {
        Effect::None
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

fn copy(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let source = target(drive, call)?.clone();
    if source.mime == FOLDER {
        let mut e = ApiError::invalid("This file cannot be copied by the user.");
        e.code = 403;
        e.reason = "cannotCopyFile";
        return Err(e);
    }
    let body = metadata_of(call)?;
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
    let body = metadata_of(call)?;
    let q = &call.request.query;
    let split = |key: &str| -> Vec<String> {
        q.get(key)
            .unwrap_or("")
            .split(',')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (add, remove) = (split("addParents"), split("removeParents"));
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
    if call.request.path.starts_with("/upload/") && q.get("uploadType") == Some("media") {
        effect = Effect::Import(id.clone());
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

fn in_scope(drive: &Drive, file: &File, call: &Call<'_>) -> bool {
    let q = &call.request.query;
    let everywhere = q.flag("includeItemsFromAllDrives") || q.flag("includeTeamDriveItems");
    if let Some(id) = q.get("driveId") {
        return file.drive.as_deref() == Some(id) && everywhere;
    }
    (file.drive.is_none() || everywhere) && drive.access(file, call.email) >= Access::Read
}

fn list(drive: &Drive, call: &Call<'_>) -> Answer {
    let q = &call.request.query;
    let expr = match q.get("q").filter(|t| !t.trim().is_empty()) {
        None => None,
        Some(text) => Some(query::parse(text).ok_or_else(bad_query)?),
    };
    if q.get("driveId").is_some_and(|d| d != drive.shared) {
        return Err(ApiError::file_not_found(q.get("driveId").unwrap_or("")));
    }
    let root = Drive::root_of(call.email);
    let mut found: Vec<&File> = Vec::new();
    for file in drive.files.values() {
        if !in_scope(drive, file, call) {
            continue;
        }
        let holds = match &expr {
            None => true,
            Some(e) => e.holds(file, &root).ok_or_else(bad_query)?,
        };
        if holds {
            found.push(file);
        }
    }
    order(&mut found, q.get("orderBy"));
    let size = q.number("pageSize").unwrap_or(100).clamp(1, 1000) as usize;
    let start = match q.get("pageToken").filter(|t| !t.is_empty()) {
        None => 0,
        Some(t) => t
            .strip_prefix("~!!~")
            .and_then(|n| n.parse().ok())
            .ok_or_else(bad_page)?,
    };
    let page: Vec<Value> = found
        .iter()
        .skip(start)
        .take(size)
        .map(|f| drive.file_json(f, call.email))
        .collect();
    let mut out = Map::new();
    if start + size < found.len() {
        out.insert(
            "nextPageToken".into(),
            format!("~!!~{}", start + size).into(),
        );
    }
    out.insert("kind".into(), "drive#fileList".into());
    out.insert("incompleteSearch".into(), false.into());
    out.insert("files".into(), page.into());
    let default = format!("kind,nextPageToken,incompleteSearch,files({FILE_FIELDS})");
    Ok(mask_of(call, &default)?.filter(Value::Object(out)))
}

fn bad_query() -> ApiError {
    let mut e = ApiError::invalid("Invalid Value");
    e.location = Some(("parameter", "q"));
    e
}

fn bad_page() -> ApiError {
    let mut e = ApiError::invalid("Invalid Value");
    e.location = Some(("parameter", "pageToken"));
    e
}

fn order(files: &mut [&File], by: Option<&str>) {
    // Without an order, what changed last comes first.
    files.sort_by_key(|f| std::cmp::Reverse(f.modified));
    for key in by.unwrap_or("").split(',').rev() {
        let (name, down) = match key.trim().split_once(' ') {
            Some((name, "desc")) => (name, true),
            _ => (key.trim(), false),
        };
        match name {
            "name" | "name_natural" => files.sort_by_key(|f| f.name.to_lowercase()),
            "createdTime" => files.sort_by_key(|f| f.created),
            "modifiedTime" | "recency" | "modifiedByMeTime" => files.sort_by_key(|f| f.modified),
            "folder" => files.sort_by_key(|f| f.mime != FOLDER),
            _ => continue,
        }
        if down {
            files.reverse();
        }
    }
}

const PERMISSION_FIELDS: &str = "kind,id,type,role";

fn permissions(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let id = call.route.file.clone();
    // The shared drive itself has permissions too.
    let on_drive = id == drive.shared && drive.member(call.email) >= Access::Read;
    if !on_drive {
        target(drive, call)?;
    }
    let current: Vec<Permission> = if on_drive {
        drive.members.clone()
    } else {
        let file = target(drive, call)?;
        let inherited = file
            .drive
            .iter()
            .flat_map(|_| drive.members.iter())
            .cloned();
        file.permissions.iter().cloned().chain(inherited).collect()
    };
    let found = |p: &str| {
        current.iter().find(|x| x.id == p).cloned().ok_or_else(|| {
            let mut e = ApiError::entity_not_found();
            e.message = format!("Permission not found: {p}.");
            e.location = Some(("parameter", "permissionId"));
            e
        })
    };
    let mask = |default: &str| mask_of(call, default);
    match call.route.id {
        "drive.permissions.list" => {
            let all: Vec<Value> = current.iter().map(Drive::permission_json).collect();
            let out = json!({"kind": "drive#permissionList", "permissions": all});
            let default = format!("kind,nextPageToken,permissions({PERMISSION_FIELDS})");
            return Ok((Some(mask(&default)?.filter(out)), Effect::None));
        }
        "drive.permissions.get" => {
            let one = Drive::permission_json(&found(&call.route.arg)?);
            return Ok((Some(mask(PERMISSION_FIELDS)?.filter(one)), Effect::None));
        }
        _ => {}
    }
    if !on_drive {
        let file = target(drive, call)?;
        need(drive, file, call, Access::Write)?;
    }
    change_permission(drive, call, &id, found)
}

/// Creates, changes or removes a permission of a file or of the shared drive.
fn change_permission(
    drive: &mut Drive,
    call: &Call<'_>,
    id: &str,
    found: impl Fn(&str) -> Answer<Permission>,
) -> Answer<(Option<Value>, Effect)> {
    let shared = drive.shared.clone();
    let changed = match call.route.id {
        "drive.permissions.create" => Some(new_permission(call)?),
        "drive.permissions.update" => {
            let mut one = found(&call.route.arg)?;
            if let Some(role) = call.request.json()?.get("role").and_then(Value::as_str) {
                one.role = role.to_owned();
            }
            Some(one)
        }
        _ => {
            found(&call.route.arg)?;
            None
        }
    };
    let list = if id == shared {
        Some(&mut drive.members)
    } else {
        drive.files.get_mut(id).map(|f| &mut f.permissions)
    };
    if let Some(list) = list {
        let key = changed
            .as_ref()
            .map_or_else(|| call.route.arg.clone(), |p| p.id.clone());
        let was_owner = list.iter().any(|p| p.id == key && p.role == "owner");
        if !was_owner || call.route.id == "drive.permissions.update" {
            list.retain(|p| p.id != key);
            list.extend(changed.clone());
        }
    }
    drive.note(id, call.now);
    match changed {
        Some(p) => {
            let one = Drive::permission_json(&p);
            Ok((
                Some(mask_of(call, PERMISSION_FIELDS)?.filter(one)),
                Effect::None,
            ))
        }
        None => Ok((None, Effect::None)),
    }
}

fn new_permission(call: &Call<'_>) -> Answer<Permission> {
    let body = call.request.json()?;
    let text = |k: &str| body.get(k).and_then(Value::as_str).map(str::to_owned);
    let bad = |field: &'static str| {
        let mut e = ApiError::invalid(format!("The permission's {field} is missing or invalid."));
        e.reason = "badRequest";
        e
    };
    let role = text("role").ok_or_else(|| bad("role"))?;
    let kind = text("type").ok_or_else(|| bad("type"))?;
    let known = [
        "owner",
        "organizer",
        "fileOrganizer",
        "writer",
        "commenter",
        "reader",
    ];
    if !known.contains(&role.as_str()) {
        return Err(bad("role"));
    }
    let (email, domain) = (text("emailAddress"), text("domain"));
    let id = match kind.as_str() {
        "user" | "group" => permission_id(email.as_deref().ok_or_else(|| bad("emailAddress"))?),
        "domain" => permission_id(domain.as_deref().ok_or_else(|| bad("domain"))?),
        "anyone" => "anyoneWithLink".to_owned(),
        _ => return Err(bad("type")),
    };
    Ok(Permission {
        id,
        kind,
        role,
        email,
        domain,
    })
}

fn others(drive: &Drive, call: &Call<'_>) -> Answer {
    match call.route.id {
        "drive.about.get" => {
            let out = json!({
                "kind": "drive#about",
                "user": drive.user_json(call.email, call.email),
                "storageQuota": {
                    "limit": if call.email == drive.robot { "0" } else { "16106127360" },
                    "usage": "0", "usageInDrive": "0", "usageInDriveTrash": "0",
                },
                "canCreateDrives": false,
                "maxUploadSize": "5242880000000",
            });
            if call.request.query.get("fields").is_none_or(str::is_empty) {
                let mut e =
                    ApiError::invalid("The 'fields' parameter is required for this method.");
                e.reason = "required";
                e.location = Some(("parameter", "fields"));
                return Err(e);
            }
            Ok(mask_of(call, "*")?.filter(out))
        }
        "drive.drives.list" => {
            let mine = drive.member(call.email) >= Access::Read;
            let all: Vec<Value> = mine.then(|| shared_json(drive)).into_iter().collect();
            let out = json!({"kind": "drive#driveList", "drives": all});
            Ok(mask_of(call, "kind,nextPageToken,drives(kind,id,name)")?.filter(out))
        }
        "drive.drives.get" => {
            if call.route.arg != drive.shared || drive.member(call.email) < Access::Read {
                let mut e = ApiError::file_not_found(&call.route.arg);
                e.message = format!("Shared drive not found: {}", call.route.arg);
                e.location = Some(("parameter", "driveId"));
                return Err(e);
            }
            Ok(mask_of(call, "kind,id,name")?.filter(shared_json(drive)))
        }
        "drive.changes.getStartPageToken" => Ok(json!({
            "kind": "drive#startPageToken",
            "startPageToken": (drive.changes.len() + 1).to_string(),
        })),
        "drive.changes.list" => changes(drive, call),
        "drive.comments.list" => {
            target(drive, call)?;
            let out = json!({"kind": "drive#commentList", "comments": []});
            Ok(mask_of(call, "*")?.filter(out))
        }
        _ => revisions(drive, call),
    }
}

fn shared_json(drive: &Drive) -> Value {
    json!({
        "kind": "drive#drive",
        "id": drive.shared,
        "name": drive.shared_name,
        "createdTime": rfc3339_ms(drive.created),
        "hidden": false,
    })
}

fn revisions(drive: &Drive, call: &Call<'_>) -> Answer {
    let file = target(drive, call)?;
    let one = |r: &super::Revision| {
        json!({
            "kind": "drive#revision",
            "id": r.id.to_string(),
            "mimeType": file.mime,
            "modifiedTime": rfc3339_ms(r.at),
            "lastModifyingUser": drive.user_json(&r.user, call.email),
            "published": false,
        })
    };
    if call.route.id == "drive.revisions.get" {
        let found = file
            .revisions
            .iter()
            .find(|r| r.id.to_string() == call.route.arg);
        let found = found.ok_or_else(|| {
            let mut e = ApiError::entity_not_found();
            e.message = format!("Revision not found: {}.", call.route.arg);
            e
        })?;
        return Ok(mask_of(call, "kind,id,mimeType,modifiedTime")?.filter(one(found)));
    }
    let all: Vec<Value> = file.revisions.iter().map(one).collect();
    let out = json!({"kind": "drive#revisionList", "revisions": all});
    let default = "kind,nextPageToken,revisions(kind,id,mimeType,modifiedTime)";
    Ok(mask_of(call, default)?.filter(out))
}

fn changes(drive: &Drive, call: &Call<'_>) -> Answer {
    let q = &call.request.query;
    let start = q
        .get("pageToken")
        .and_then(|t| t.parse::<usize>().ok())
        .filter(|t| *t >= 1 && *t <= drive.changes.len() + 1)
        .ok_or_else(bad_page)?;
    let size = q.number("pageSize").unwrap_or(100).clamp(1, 1000) as usize;
    let everywhere = q.flag("includeItemsFromAllDrives") || q.flag("includeTeamDriveItems");
    let with_removed = q
        .get("includeRemoved")
        .is_none_or(|v| v.eq_ignore_ascii_case("true"));
    let fresh = drive.changes.get(start - 1..).unwrap_or_default();
    let mut page = Vec::new();
    let mut next = drive.changes.len() + 1;
    for (i, change) in fresh.iter().enumerate() {
        // Only a file's latest change is told.
        let later = fresh.get(i + 1..).unwrap_or_default();
        if later.iter().any(|c| c.file == change.file) {
            continue;
        }
        if page.len() == size {
            next = start + i;
            break;
        }
        let file = drive.files.get(&change.file);
        let may = match file {
            Some(f) => in_scope(drive, f, call),
            None => {
                let mine = match &change.drive {
                    Some(_) => everywhere && drive.member(call.email) >= Access::Read,
                    None => change
                        .seen_by
                        .iter()
                        .any(|e| e.eq_ignore_ascii_case(call.email)),
                };
                mine && with_removed
            }
        };
        if !may {
            continue;
        }
        let mut one = json!({
            "kind": "drive#change", "type": "file", "changeType": "file",
            "time": rfc3339_ms(change.at), "removed": file.is_none(), "fileId": change.file,
        });
        if let (Some(map), Some(f)) = (one.as_object_mut(), file) {
            map.insert("file".into(), drive.file_json(f, call.email));
        }
        page.push(one);
    }
    let mut out = Map::new();
    out.insert("kind".into(), "drive#changeList".into());
    if next <= drive.changes.len() {
        out.insert("nextPageToken".into(), next.to_string().into());
    } else {
        out.insert("newStartPageToken".into(), next.to_string().into());
    }
    out.insert("changes".into(), page.into());
    let default = format!(
        "kind,nextPageToken,newStartPageToken,\
         changes(kind,type,changeType,time,removed,fileId,file({FILE_FIELDS}))"
    );
    Ok(mask_of(call, &default)?.filter(Value::Object(out)))
}
