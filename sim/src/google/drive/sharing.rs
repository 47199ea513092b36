//! Permissions of files and of shared drives.

use serde_json::{Value, json};

use super::list::{page_start, size_of};
use super::methods::{Call, Effect, mask_of, need, target};
use super::{Access, Drive, Permission, permission_id};
use crate::google::http::{Answer, ApiError};

const PERMISSION_FIELDS: &str = "kind,id,type,role";

/// Answers the methods of permissions.
///
/// # Errors
/// In Google's words.
pub(super) fn answer(drive: &mut Drive, call: &Call<'_>) -> Answer<(Option<Value>, Effect)> {
    let id = call.route.file.clone();
    // A shared drive itself has permissions too.
    let on_drive = drive.member(&id, call.email) >= Access::Read;
    if !on_drive {
        target(drive, call)?;
    }
    let current: Vec<Permission> = if on_drive {
        members(drive, &id)
    } else {
        let file = target(drive, call)?;
        let inherited = file.drive.iter().flat_map(|d| members(drive, d));
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
            // A My Drive's file tells all at once unless pages are asked for.
            let size = size_of(call, "pageSize", current.len().max(1))?;
            let start = page_start(call)?;
            let page = current.iter().skip(start).take(size);
            let all: Vec<Value> = page.map(Drive::permission_json).collect();
            let mut out = json!({"kind": "drive#permissionList", "permissions": all});
            if start + size < current.len() {
                out["nextPageToken"] = format!("~!!~{}", start + size).into();
            }
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
    let mut changed = match call.route.id {
        "drive.permissions.create" => Some(new_permission(call)?),
        "drive.permissions.update" => {
            let (mut one, body) = (found(&call.route.arg)?, call.request.json()?);
            if let Some(role) = body.get("role").and_then(Value::as_str) {
                one.role = role.to_owned();
            }
            if let Some(pending) = body.get("pendingOwner").and_then(Value::as_bool) {
                one.pending = pending;
            }
            Some(one)
        }
        _ => {
            if found(&call.route.arg)?.role == "owner" {
                return Err(ApiError::insufficient_file_permissions());
            }
            None
        }
    };
    if let Some(one) = &mut changed {
        check_change(drive, call, id, one)?;
        one.pending &= one.role != "owner";
    }
    let list = match drive.drives.get_mut(id) {
        Some(shared) => Some(&mut shared.members),
        None => drive.files.get_mut(id).map(|f| &mut f.permissions),
    };
    if let Some(list) = list {
        let key = changed
            .as_ref()
            .map_or_else(|| call.route.arg.clone(), |p| p.id.clone());
        if changed.as_ref().is_some_and(|p| p.role == "owner") {
            // The former owner stays an editor.
            for p in list.iter_mut().filter(|p| p.role == "owner") {
                p.role = "writer".to_owned();
            }
        }
        list.retain(|p| p.id != key);
        list.extend(changed.clone());
    }
    // Who lost every right gets it back by being let in anew.
    if call.route.id == "drive.permissions.create"
        && let Some(mail) = changed.as_ref().and_then(|p| p.email.as_ref())
        && let Some(file) = drive.files.get_mut(id)
    {
        file.denied.retain(|e| !e.eq_ignore_ascii_case(mail));
    }
    if let Some(owner) = changed.as_ref().filter(|p| p.role == "owner")
        && let Some(file) = drive.files.get_mut(id)
    {
        file.owner.clone_from(&owner.email);
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

fn members(drive: &Drive, id: &str) -> Vec<Permission> {
    drive
        .drives
        .get(id)
        .map(|d| d.members.clone())
        .unwrap_or_default()
}

/// # Errors
/// Ownership changes hands only with `transferOwnership`, by the owner, in a My Drive.
fn check_change(drive: &Drive, call: &Call<'_>, id: &str, new: &Permission) -> Answer<()> {
    let refuse = |code: u16, reason: &'static str, words: &str| {
        let mut e = ApiError::invalid(words);
        e.code = code;
        e.reason = reason;
        e.status = "PERMISSION_DENIED";
        Err(e)
    };
    let shared =
        drive.drives.contains_key(id) || drive.files.get(id).is_some_and(|f| f.drive.is_some());
    if !shared && matches!(new.role.as_str(), "organizer" | "fileOrganizer") {
        return refuse(
            403,
            "cannotShareTeamDriveTopFolderWithAnyoneOrDomains",
            "The specified role is only valid for items in a shared drive.",
        );
    }
    if new.role != "owner" {
        return offer(drive, call, id, new);
    }
    if shared {
        return refuse(
            403,
            "ownershipChangeAcrossDomainNotPermitted",
            "The owner of a shared drive item cannot be changed.",
        );
    }
    if !call.request.query.flag("transferOwnership") {
        let mut e = ApiError::invalid(
            "The transferOwnership parameter must be enabled when the permission role is \
             'owner'.",
        );
        e.code = 403;
        e.reason = "forbidden";
        e.location = Some(("parameter", "transferOwnership"));
        return Err(e);
    }
    // Its owner may give it away, and whom it is offered to may take it.
    let takes = new.pending && new.email.as_deref().is_some_and(|e| e == call.email);
    if !takes && !is_owner(drive, call, id) {
        return Err(ApiError::insufficient_file_permissions());
    }
    Ok(())
}

fn is_owner(drive: &Drive, call: &Call<'_>, id: &str) -> bool {
    let own = drive.files.get(id).and_then(|f| f.owner.as_deref());
    own.is_none_or(|o| o.eq_ignore_ascii_case(call.email))
}

/// # Errors
/// Only its owner offers a file, and only to a person who may write.
fn offer(drive: &Drive, call: &Call<'_>, id: &str, new: &Permission) -> Answer<()> {
    if !new.pending {
        return Ok(());
    }
    if !is_owner(drive, call, id) {
        return Err(ApiError::insufficient_file_permissions());
    }
    if new.kind != "user" || new.role != "writer" {
        let words = "A pending owner must be a writer of the file.";
        let mut e = ApiError::invalid(words);
        e.code = 403;
        e.reason = "pendingOwnerWriterRequired";
        return Err(e);
    }
    Ok(())
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
        pending: false,
    })
}
