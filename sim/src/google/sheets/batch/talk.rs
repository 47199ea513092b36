//! Requests about comment threads: a head post anchored at a cell, its replies, and their state.
//!
//! The rules are those of the request types' descriptions: a post is changed and deleted by its
//! author only, a reply with an action or an assignee stays, an assignee needs an assigned thread.

use serde_json::{Map, Value, json};

use super::Work;
use crate::clock::{now, rfc3339_ms};
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::Thread;
use crate::google::sheets::render::shown;

/// UTF-16 units that a post or an address may have.
const MAX_UNITS: usize = 2048;

fn text_field(body: &Value, key: &str) -> Answer<String> {
    let text = body.get(key).and_then(Value::as_str).unwrap_or("");
    if text.encode_utf16().count() > MAX_UNITS {
        return Err(ApiError::invalid(format!(
            "{key} must not exceed {MAX_UNITS} UTF-8 code units."
        )));
    }
    Ok(text.to_owned())
}

fn post(w: &mut Work<'_>, content: &str) -> Map<String, Value> {
    let at = rfc3339_ms(now());
    let mut out = Map::new();
    out.insert("postId".into(), w.book.fresh_id().to_string().into());
    out.insert("content".into(), content.into());
    out.insert("contentHtml".into(), html(content).into());
    let name = w.caller.email.split('@').next().unwrap_or("").to_owned();
    out.insert(
        "author".into(),
        json!({"displayName": name, "user": w.caller.email, "me": true}),
    );
    out.insert("createTime".into(), at.clone().into());
    out.insert("updateTime".into(), at.into());
    out
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br>")
}

fn thread<'a>(w: &'a mut Work<'_>, id: &str) -> Answer<&'a mut Thread> {
    w.book
        .threads
        .iter_mut()
        .find(|t| t.id() == id)
        .ok_or_else(|| ApiError::invalid(format!("No comment with id: {id}")))
}

fn is_author(post: &Value, email: &str) -> Answer<()> {
    match post.pointer("/author/user").and_then(Value::as_str) {
        Some(author) if author.eq_ignore_ascii_case(email) => Ok(()),
        _ => Err(ApiError::invalid(
            "The requesting user is not the author of the post.",
        )),
    }
}

pub(super) fn insert(w: &mut Work<'_>) -> Answer {
    let content = text_field(w.body, "content")?;
    if content.is_empty() {
        return Err(ApiError::invalid("content cannot be empty."));
    }
    let assignee = text_field(w.body, "assigneeEmailAddress")?;
    let at = w.need("coordinate")?.clone();
    let side = |k: &str| at.get(k).and_then(number_of).unwrap_or(0);
    let index = |n: i64| u32::try_from(n).unwrap_or(u32::MAX - 1);
    let (sheet, r, c) = (
        side("sheetId"),
        index(side("rowIndex")),
        index(side("columnIndex")),
    );
    let place = GridRange::from_rect(
        sheet,
        &Rect {
            r0: r,
            c0: c,
            r1: r + 1,
            c1: c + 1,
        },
    );
    w.book.rect(&place)?;
    let locale = crate::google::sheets::locale::Locale::of(w.book.locale());
    let cell = w.book.sheet(sheet)?.cells.get(&(r, c));
    let quote = cell.map(|x| shown(x, locale)).unwrap_or_default();
    let mut head = post(w, &content);
    if !assignee.is_empty() {
        head.insert("assigneeEmail".into(), assignee.into());
    }
    let (id, anchor) = (w.book.fresh_id(), w.book.fresh_id());
    let mut body = json!({
        "commentId": id.to_string(),
        "anchorId": anchor.to_string(),
        "status": "OPEN",
        "headPost": head,
    });
    if let Some(map) = body.as_object_mut().filter(|_| !quote.is_empty()) {
        map.insert("plainTextQuote".into(), quote.into());
    }
    w.book.threads.push(Thread {
        body: body.clone(),
        place,
    });
    Ok(json!({"insertComment": {"commentThread": body}}))
}

pub(super) fn reply(w: &mut Work<'_>) -> Answer {
    let id = w.text("commentId").unwrap_or("").to_owned();
    let asked = w.need("post")?.clone();
    let content = text_field(&asked, "content")?;
    let assignee = text_field(&asked, "assigneeEmail")?;
    let action = asked.get("commentAction").and_then(Value::as_str);
    let acts = matches!(action, Some("RESOLVE" | "REOPEN"));
    if content.is_empty() && !acts {
        return Err(ApiError::invalid("content cannot be empty."));
    }
    let mut one = post(w, &content);
    if let Some(action) = action.filter(|_| acts) {
        one.insert("commentAction".into(), action.into());
    }
    let thread = thread(w, &id)?;
    if !assignee.is_empty() {
        let assigned = thread.body.pointer("/headPost/assigneeEmail").is_some();
        if !assigned || acts {
            return Err(ApiError::invalid(
                "An assignee can only be set in a thread whose head post has one, and without a \
                 comment action.",
            ));
        }
        one.insert("assigneeEmail".into(), assignee.into());
    }
    if let Some(map) = thread.body.as_object_mut() {
        match action {
            Some("RESOLVE") => map.insert("status".into(), "RESOLVED".into()),
            Some("REOPEN") => map.insert("status".into(), "OPEN".into()),
            _ => None,
        };
        let replies = map.entry("replies").or_insert_with(|| json!([]));
        if let Some(list) = replies.as_array_mut() {
            list.push(Value::Object(one.clone()));
        }
    }
    Ok(json!({"addCommentReply": {"post": one}}))
}

/// The post of a thread: its head or one of the replies.
fn post_of<'a>(thread: &'a mut Value, id: &str) -> Answer<&'a mut Value> {
    let is = |post: &Value| post.get("postId").and_then(Value::as_str) == Some(id);
    let missing = || ApiError::invalid(format!("No post with id: {id}"));
    if thread.get("headPost").is_some_and(is) {
        return thread.get_mut("headPost").ok_or_else(missing);
    }
    thread
        .get_mut("replies")
        .and_then(Value::as_array_mut)
        .and_then(|list| list.iter_mut().find(|p| is(p)))
        .ok_or_else(missing)
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let content = text_field(w.body, "content")?;
    if content.is_empty() {
        return Err(ApiError::invalid("content cannot be empty."));
    }
    let (id, of) = (
        w.text("commentId").unwrap_or("").to_owned(),
        w.text("postId").unwrap_or("").to_owned(),
    );
    let email = w.caller.email.clone();
    let post = post_of(&mut thread(w, &id)?.body, &of)?;
    is_author(post, &email)?;
    if let Some(map) = post.as_object_mut() {
        map.insert("contentHtml".into(), html(&content).into());
        map.insert("content".into(), content.into());
        map.insert("updateTime".into(), rfc3339_ms(now()).into());
    }
    Ok(())
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let id = w.text("commentId").unwrap_or("").to_owned();
    let email = w.caller.email.clone();
    let head = thread(w, &id)?.body.get("headPost").cloned();
    is_author(&head.unwrap_or_default(), &email)?;
    w.book.threads.retain(|t| t.id() != id);
    Ok(())
}

pub(super) fn delete_reply(w: &mut Work<'_>) -> Answer<()> {
    let (id, of) = (
        w.text("commentId").unwrap_or("").to_owned(),
        w.text("postId").unwrap_or("").to_owned(),
    );
    let email = w.caller.email.clone();
    let body = &mut thread(w, &id)?.body;
    let list = body.get_mut("replies").and_then(Value::as_array_mut);
    let missing = || ApiError::invalid(format!("No post with id: {of}"));
    let list = list.ok_or_else(missing)?;
    let at = list
        .iter()
        .position(|p| p.get("postId").and_then(Value::as_str) == Some(&*of))
        .ok_or_else(missing)?;
    let post = list.get(at).cloned().unwrap_or_default();
    is_author(&post, &email)?;
    if post.get("commentAction").is_some() || post.get("assigneeEmail").is_some() {
        return Err(ApiError::invalid(
            "A reply with a comment action or an assignee cannot be deleted.",
        ));
    }
    list.remove(at);
    Ok(())
}
