//! Shared drives, and what Drive tells about the caller.

use serde_json::{Value, json};

use super::methods::{Call, Effect, mask_of};
use super::{Access, Drive, Permission, SharedDrive, new_id, permission_id};
use crate::clock::rfc3339_ms;
use crate::google::http::{Answer, ApiError};

const DRIVE_FIELDS: &str = "kind,id,name";

fn shared_json(drive: &Drive, id: &str, me: &str) -> Value {
    let Some(one) = drive.drives.get(id) else {
        return Value::Null;
    };
    let access = drive.member(id, me);
    json!({
        "kind": "drive#drive",
        "id": id,
        "name": one.name,
        "createdTime": rfc3339_ms(one.created),
        "hidden": one.hidden_from.iter().any(|e| e == me),
        "capabilities": {
            "canAddChildren": access >= Access::Write,
            "canEdit": access >= Access::Write,
            "canListChildren": access >= Access::Read,
            "canManageMembers": access >= Access::Organize,
            "canRenameDrive": access >= Access::Organize,
            "canDeleteDrive": access >= Access::Organize,
        },
    })
}

/// The shared drive of the route, if the caller may do so much there.
fn found<'a>(drive: &'a mut Drive, call: &Call<'_>, least: Access) -> Answer<&'a mut SharedDrive> {
    let id = &call.route.arg;
    let access = drive.member(id, call.email);
    if access < Access::Read {
        let mut e = ApiError::file_not_found(id);
        e.message = format!("Shared drive not found: {id}");
        e.location = Some(("parameter", "driveId"));
        return Err(e);
    }
    if access < least {
        return Err(ApiError::insufficient_file_permissions());
    }
    drive
        .drives
        .get_mut(id)
        .ok_or_else(|| ApiError::file_not_found(id))
}

fn name_of(body: &Value) -> Answer<String> {
    match body.get("name").and_then(Value::as_str).map(str::trim) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => {
            let mut e = ApiError::invalid("The name of a shared drive cannot be empty.");
            e.reason = "required";
            Err(e)
        }
    }
}

/// Answers the methods of shared drives, and `about`.
///
/// # Errors
/// In Google's words.
pub(super) fn answer(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let plain = |v: Value| Ok((Some(v), Effect::None));
    let me = call.email.to_owned();
    match call.route.id {
        "drive.about.get" => plain(about(drive, call)?),
        "drive.drives.list" => plain(list(drive, call)?),
        "drive.drives.create" => {
            let id = create(drive, call)?;
            plain(mask_of(call, DRIVE_FIELDS)?.filter(shared_json(drive, &id, &me)))
        }
        "drive.drives.delete" => {
            let id = call.route.arg.clone();
            found(drive, call, Access::Organize)?;
            let inside: Vec<String> = drive
                .files
                .values()
                .filter(|f| f.drive.as_deref() == Some(&id))
                .map(|f| f.id.clone())
                .collect();
            if !inside.is_empty() && !call.request.query.flag("allowItemDeletion") {
                let mut e =
                    ApiError::invalid("A shared drive with untrashed items cannot be deleted.");
                e.code = 403;
                e.reason = "cannotDeleteResourceWithChildren";
                return Err(e);
            }
            for file in &inside {
                drive.note(file, call.now);
                drive.files.remove(file);
            }
            drive.drives.remove(&id);
            Ok((None, Effect::Forget(inside)))
        }
        id => {
            let least = match id {
                "drive.drives.update" => Access::Organize,
                _ => Access::Read,
            };
            let one = found(drive, call, least)?;
            match id {
                "drive.drives.update" => one.name = name_of(&call.request.json()?)?,
                "drive.drives.hide" => one.hidden_from.push(me.clone()),
                "drive.drives.unhide" => one.hidden_from.retain(|e| *e != me),
                _ => {}
            }
            plain(mask_of(call, DRIVE_FIELDS)?.filter(shared_json(drive, &call.route.arg, &me)))
        }
    }
}

/// Makes a shared drive that the caller organises; answers its id.
fn create(drive: &mut Drive, call: &Call<'_>) -> Answer<String> {
    let name = name_of(&call.request.json()?)?;
    let request = call.request.query.get("requestId").unwrap_or("");
    if request.is_empty() {
        let mut e = ApiError::invalid("Required parameter: requestId");
        e.reason = "required";
        e.location = Some(("parameter", "requestId"));
        return Err(e);
    }
    let id = new_id("0A", 17);
    let organizer = Permission {
        id: permission_id(call.email),
        kind: "user".to_owned(),
        role: "organizer".to_owned(),
        email: Some(call.email.to_owned()),
        domain: None,
        pending: false,
    };
    let one = SharedDrive {
        name,
        members: vec![organizer],
        created: call.now,
        hidden_from: Vec::new(),
    };
    drive.drives.insert(id.clone(), one);
    Ok(id)
}

fn list(drive: &Drive, call: &Call<'_>) -> Answer {
    let q = &call.request.query;
    let size = q.number("pageSize").unwrap_or(10).clamp(1, 100) as usize;
    let start = match q.get("pageToken").filter(|t| !t.is_empty()) {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| super::list::bad_page())?,
    };
    let mine: Vec<&String> = drive
        .drives
        .keys()
        .filter(|id| drive.member(id, call.email) >= Access::Read)
        .collect();
    let page: Vec<Value> = mine
        .iter()
        .skip(start)
        .take(size)
        .map(|id| shared_json(drive, id, call.email))
        .collect();
    let mut out = json!({"kind": "drive#driveList", "drives": page});
    if let Some(map) = out.as_object_mut().filter(|_| start + size < mine.len()) {
        map.insert("nextPageToken".into(), (start + size).to_string().into());
    }
    Ok(mask_of(call, "kind,nextPageToken,drives(kind,id,name)")?.filter(out))
}

fn about(drive: &Drive, call: &Call<'_>) -> Answer {
    if call.request.query.get("fields").is_none_or(str::is_empty) {
        let mut e = ApiError::invalid("The 'fields' parameter is required for this method.");
        e.reason = "required";
        e.location = Some(("parameter", "fields"));
        return Err(e);
    }
    let robot = call.email == drive.robot;
    let formats: Vec<&str> = crate::google::sheets::FORMATS
        .iter()
        .map(|(_, mime)| *mime)
        .collect();
    let out = json!({
        "kind": "drive#about",
        "user": drive.user_json(call.email, call.email),
        "storageQuota": {
            "limit": if robot { "0" } else { "16106127360" },
            "usage": "0", "usageInDrive": "0", "usageInDriveTrash": "0",
        },
        "exportFormats": {super::SHEET: formats},
        "importFormats": {
            "text/csv": [super::SHEET], "text/tab-separated-values": [super::SHEET],
        },
        "canCreateDrives": !robot,
        "canCreateTeamDrives": !robot,
        "appInstalled": true,
        "maxUploadSize": "5242880000000",
        "folderColorPalette": ["#ac725e", "#d06b64", "#f83a22"],
    });
    Ok(mask_of(call, "*")?.filter(out))
}
