//! Comments of a file and their replies.

use serde_json::{Value, json};

use super::methods::{Call, mask_of, need, target};
use super::{Access, Drive, new_id};
use crate::clock::rfc3339_ms;
use crate::google::http::{Answer, ApiError};

/// Fields that an answer has when the request names none; Google demands that it names some.
const NEEDS_FIELDS: &str = "The 'fields' parameter is required for this method.";

fn missing(kind: &str, id: &str, location: &'static str) -> ApiError {
    let mut e = ApiError::entity_not_found();
    e.message = format!("{kind} not found: {id}.");
    e.location = Some(("parameter", location));
    e
}

fn author(drive: &Drive, email: &str) -> Value {
    let mut user = drive.user_json(email, email);
    if let Some(map) = user.as_object_mut() {
        // Comments tell no addresses.
        map.remove("emailAddress");
        map.remove("permissionId");
    }
    user
}

fn check_fields(call: &Call<'_>) -> Answer<()> {
    if call.route.id.ends_with(".delete")
        || call
            .request
            .query
            .get("fields")
            .is_some_and(|f| !f.is_empty())
    {
        return Ok(());
    }
    let mut e = ApiError::invalid(NEEDS_FIELDS);
    e.reason = "required";
    e.location = Some(("parameter", "fields"));
    Err(e)
}

fn content_of(body: &Value) -> Answer<String> {
    match body.get("content").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => {
            let mut e = ApiError::invalid("The comment content is required.");
            e.reason = "required";
            Err(e)
        }
    }
}

fn is_mine(entry: &Value, email: &str) -> Answer<()> {
    let owner = entry.get("by").and_then(Value::as_str).unwrap_or("");
    if owner.eq_ignore_ascii_case(email) {
        Ok(())
    } else {
        Err(ApiError::insufficient_file_permissions())
    }
}

/// What is told of an entry: all but who wrote it; nothing of a deleted one's content.
fn told(drive: &Drive, entry: &Value, me: &str) -> Value {
    let mut out = entry.clone();
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    let by = map.remove("by");
    let email = by.as_ref().and_then(Value::as_str).unwrap_or("").to_owned();
    let mut user = author(drive, &email);
    if let Some(user) = user.as_object_mut() {
        user.insert("me".into(), email.eq_ignore_ascii_case(me).into());
    }
    map.insert("author".into(), user);
    if map.get("deleted") == Some(&Value::Bool(true)) {
        for key in ["content", "htmlContent", "author", "quotedFileContent"] {
            map.remove(key);
        }
    }
    if let Some(replies) = map.get("replies").and_then(Value::as_array).cloned() {
        let replies: Vec<Value> = replies.iter().map(|r| told(drive, r, me)).collect();
        map.insert("replies".into(), replies.into());
    }
    out
}

fn entry(kind: &str, call: &Call<'_>, content: Option<String>) -> Value {
    let at = rfc3339_ms(call.now);
    let mut out = json!({
        "kind": kind, "id": new_id("AAAA", 8), "createdTime": at, "modifiedTime": at,
        "deleted": false, "by": call.email,
    });
    if let (Some(map), Some(content)) = (out.as_object_mut(), content) {
        map.insert("htmlContent".into(), content.clone().into());
        map.insert("content".into(), content.into());
    }
    out
}

fn find<'a>(list: &'a mut [Value], id: &str) -> Option<&'a mut Value> {
    list.iter_mut()
        .find(|v| v.get("id").and_then(Value::as_str) == Some(id))
}

/// Answers the methods of comments and replies.
///
/// # Errors
/// No fields named, nothing found, not the author, no right to comment.
pub(super) fn answer(drive: &mut Drive, call: &Call<'_>) -> Answer<Option<Value>> {
    check_fields(call)?;
    let file = target(drive, call)?.clone();
    if !call.route.reads {
        need(drive, &file, call, Access::Read)?;
    }
    let mut all = file.comments.clone();
    let changed = if call.route.id.starts_with("drive.replies.") {
        replies(drive, call, &mut all)?
    } else {
        comments(drive, call, &mut all)?
    };
    if !call.route.reads {
        if let Some(file) = drive.files.get_mut(&call.route.file) {
            file.comments = all;
        }
        drive.note(&call.route.file, call.now);
    }
    match changed {
        Some(value) => Ok(Some(mask_of(call, "*")?.filter(value))),
        None => Ok(None),
    }
}

fn live(call: &Call<'_>, entry: &Value) -> bool {
    call.request.query.flag("includeDeleted") || entry.get("deleted") != Some(&Value::Bool(true))
}

fn comments(drive: &Drive, call: &Call<'_>, all: &mut Vec<Value>) -> Answer<Option<Value>> {
    let id = call.route.arg.as_str();
    let absent = || missing("Comment", id, "commentId");
    match call.route.id {
        "drive.comments.list" => {
            let list: Vec<Value> = all
                .iter()
                .rev()
                .filter(|c| live(call, c))
                .map(|c| told(drive, c, call.email))
                .collect();
            Ok(Some(json!({"kind": "drive#commentList", "comments": list})))
        }
        "drive.comments.create" => {
            let body = call.request.json()?;
            let mut one = entry("drive#comment", call, Some(content_of(&body)?));
            if let Some(map) = one.as_object_mut() {
                map.insert("resolved".into(), false.into());
                map.insert("replies".into(), json!([]));
                for key in ["anchor", "quotedFileContent"] {
                    if let Some(v) = body.get(key) {
                        map.insert(key.into(), v.clone());
                    }
                }
            }
            all.push(one.clone());
            Ok(Some(told(drive, &one, call.email)))
        }
        "drive.comments.get" => {
            let one = find(all, id).filter(|c| live(call, c)).ok_or_else(absent)?;
            Ok(Some(told(drive, one, call.email)))
        }
        "drive.comments.update" => {
            let content = content_of(&call.request.json()?)?;
            let one = find(all, id).filter(|c| live(call, c)).ok_or_else(absent)?;
            is_mine(one, call.email)?;
            rewrite(one, &content, call);
            Ok(Some(told(drive, one, call.email)))
        }
        _ => {
            let one = find(all, id).filter(|c| live(call, c)).ok_or_else(absent)?;
            is_mine(one, call.email)?;
            if let Some(map) = one.as_object_mut() {
                map.insert("deleted".into(), true.into());
            }
            Ok(None)
        }
    }
}

fn rewrite(entry: &mut Value, content: &str, call: &Call<'_>) {
    if let Some(map) = entry.as_object_mut() {
        map.insert("content".into(), content.into());
        map.insert("htmlContent".into(), content.into());
        map.insert("modifiedTime".into(), rfc3339_ms(call.now).into());
    }
}

fn replies(drive: &Drive, call: &Call<'_>, all: &mut [Value]) -> Answer<Option<Value>> {
    let id = call.route.arg.as_str();
    let comment = find(all, id).ok_or_else(|| missing("Comment", id, "commentId"))?;
    let sub = call.route.sub.as_str();
    let absent = || missing("Reply", sub, "replyId");
    let mut list = comment
        .get("replies")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let out = match call.route.id {
        "drive.replies.list" => {
            let told: Vec<Value> = list
                .iter()
                .filter(|r| live(call, r))
                .map(|r| told(drive, r, call.email))
                .collect();
            Some(json!({"kind": "drive#replyList", "replies": told}))
        }
        "drive.replies.create" => {
            let body = call.request.json()?;
            let action = body
                .get("action")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let content = match (&action, content_of(&body)) {
                (_, Ok(text)) => Some(text),
                (Some(_), Err(_)) => None,
                (None, Err(e)) => return Err(e),
            };
            let mut one = entry("drive#reply", call, content);
            if let (Some(action), Some(map)) = (&action, one.as_object_mut()) {
                map.insert("action".into(), action.clone().into());
            }
            if let (Some(action), Some(map)) = (&action, comment.as_object_mut()) {
                map.insert("resolved".into(), (action == "resolve").into());
            }
            list.push(one.clone());
            Some(told(drive, &one, call.email))
        }
        "drive.replies.get" => {
            let one = find(&mut list, sub).filter(|r| live(call, r));
            Some(told(drive, one.ok_or_else(absent)?, call.email))
        }
        "drive.replies.update" => {
            let content = content_of(&call.request.json()?)?;
            let one = find(&mut list, sub).ok_or_else(absent)?;
            is_mine(one, call.email)?;
            rewrite(one, &content, call);
            Some(told(drive, one, call.email))
        }
        _ => {
            let one = find(&mut list, sub).ok_or_else(absent)?;
            is_mine(one, call.email)?;
            if let Some(map) = one.as_object_mut() {
                map.insert("deleted".into(), true.into());
            }
            None
        }
    };
    if let Some(map) = comment.as_object_mut() {
        map.insert("replies".into(), list.into());
    }
    Ok(out)
}
