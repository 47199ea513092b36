//! Changes, revisions and watching.

use serde_json::{Map, Value, json};

use super::list::{bad_page, in_scope};
use super::methods::{Call, FILE_FIELDS, mask_of, need, target};
use super::{Access, Drive};
use crate::clock::rfc3339_ms;
use crate::google::http::{Answer, ApiError};

/// Answers the methods of revisions.
///
/// # Errors
/// In Google's words.
pub(super) fn revisions(drive: &mut Drive, call: &Call<'_>) -> Answer<Option<Value>> {
    let file = target(drive, call)?.clone();
    let robot = drive.robot.clone();
    let people = |email: &str, me: &str| super::user_json(&robot, email, me);
    let one = |r: &super::Revision| {
        json!({
            "kind": "drive#revision",
            "id": r.id.to_string(),
            "mimeType": file.mime,
            "modifiedTime": rfc3339_ms(r.at),
            "lastModifyingUser": people(&r.user, call.email),
            "published": false,
            "keepForever": r.keep,
        })
    };
    let at = file
        .revisions
        .iter()
        .position(|r| r.id.to_string() == call.route.arg);
    let absent = || {
        let mut e = ApiError::entity_not_found();
        e.message = format!("Revision not found: {}.", call.route.arg);
        e.location = Some(("parameter", "revisionId"));
        e
    };
    let single = "kind,id,mimeType,modifiedTime";
    match call.route.id {
        "drive.revisions.get" => {
            let found = at.and_then(|i| file.revisions.get(i)).ok_or_else(absent)?;
            Ok(Some(mask_of(call, single)?.filter(one(found))))
        }
        "drive.revisions.list" => {
            let all: Vec<Value> = file.revisions.iter().map(one).collect();
            let out = json!({"kind": "drive#revisionList", "revisions": all});
            let default = "kind,nextPageToken,revisions(kind,id,mimeType,modifiedTime)";
            Ok(Some(mask_of(call, default)?.filter(out)))
        }
        "drive.revisions.update" => {
            need(drive, &file, call, Access::Write)?;
            let mut changed = at
                .and_then(|i| file.revisions.get(i))
                .cloned()
                .ok_or_else(absent)?;
            let keep = call.request.json()?.get("keepForever").cloned();
            changed.keep = keep.and_then(|k| k.as_bool()).unwrap_or(changed.keep);
            let told = mask_of(call, single)?.filter(one(&changed));
            let own = drive.files.get_mut(&file.id);
            if let Some(slot) = own.and_then(|f| f.revisions.get_mut(at.unwrap_or(0))) {
                *slot = changed;
            }
            Ok(Some(told))
        }
        _ => {
            need(drive, &file, call, Access::Write)?;
            at.ok_or_else(absent)?;
            // Only files with bytes lose a revision, and never the last one.
            if file.content.is_none() || file.revisions.len() < 2 {
                let mut e = ApiError::invalid("Revisions of this file cannot be deleted.");
                e.reason = "revisionDeletionNotSupported";
                return Err(e);
            }
            if let Some(f) = drive.files.get_mut(&file.id) {
                f.revisions.retain(|r| r.id.to_string() != call.route.arg);
            }
            Ok(None)
        }
    }
}

/// Watching needs a public address that takes the messages, which loopback is not.
///
/// # Errors
/// Always, except for stopping a channel.
pub(super) fn watch(drive: &Drive, call: &Call<'_>) -> Answer<Option<Value>> {
    if call.route.id == "drive.files.watch" {
        target(drive, call)?;
    }
    let body = call.request.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("");
    let (words, reason) = if call.route.id == "drive.channels.stop" {
        let words = format!(
            "Channel '{}' not found for project '{}'",
            text("id"),
            "603366585132"
        );
        (words, "notFound")
    } else if text("id").is_empty() {
        ("entity.id required".to_owned(), "required")
    } else if text("address").starts_with("https://") {
        let words = format!("Unauthorized WebHook callback channel: {}", text("address"));
        (words, "push.webhookUrlUnauthorized")
    } else {
        (
            "WebHook callback must be HTTPS".to_owned(),
            "push.webhookUrlNotHttps",
        )
    };
    let mut e = ApiError::invalid(words);
    e.reason = reason;
    match reason {
        "notFound" => e.code = 404,
        "push.webhookUrlUnauthorized" => e.code = 401,
        _ => {}
    }
    Err(e)
}

/// Answers the methods of changes.
///
/// # Errors
/// The page token is none.
pub(super) fn answer(drive: &Drive, call: &Call<'_>) -> Answer {
    if call.route.id == "drive.changes.getStartPageToken" {
        return Ok(json!({
            "kind": "drive#startPageToken",
            "startPageToken": (drive.changes.len() + 1).to_string(),
        }));
    }
    changes(drive, call)
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
                    Some(d) => everywhere && drive.member(d, call.email) >= Access::Read,
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
