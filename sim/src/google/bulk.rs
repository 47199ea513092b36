//! Requests that come in pieces or in bundles: resumable uploads and the batch address.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::auth::Identity;
use super::drive::upload::{self, Session};
use super::drive::{self, new_id};
use super::http::{Answer, ApiError, Query, Reply, Request};
use super::world::{Target, World};

/// Calls that one bundle may hold.
const MAX_CALLS: usize = 100;
/// Resumable uploads that are kept at most; the oldest goes first.
const MAX_SESSIONS: usize = 100;

impl World {
    /// Begins or goes on with a resumable upload; `None` for every other request.
    pub(super) fn resumable(
        &mut self,
        request: &Request,
        route: &drive::Route,
        who: &Identity,
        now: DateTime<Utc>,
    ) -> Answer<Option<Reply>> {
        let resumes = request.query.get("uploadType") == Some("resumable")
            || request.query.get("upload_id").is_some();
        if !request.path.starts_with("/upload/") || !resumes {
            return Ok(None);
        }
        let Some(id) = request.query.get("upload_id") else {
            return self.begin_upload(request).map(Some);
        };
        let at = self
            .uploads
            .iter()
            .position(|s| s.id == id)
            .ok_or_else(|| {
                let mut e = ApiError::entity_not_found();
                e.message = "Not Found".to_owned();
                e
            })?;
        let range = request.content_range.as_deref();
        let (start, total) = range
            .and_then(upload::content_range)
            .unwrap_or((Some(0), Some(request.body.len())));
        let Some(session) = self.uploads.get_mut(at) else {
            return Ok(None);
        };
        if let Some(start) = start {
            // What came before is sent again only from where it broke off.
            if start > session.bytes.len() {
                return Err(ApiError::invalid("Failed to parse Content-Range header."));
            }
            session.bytes.truncate(start);
            session.bytes.extend_from_slice(&request.body);
        }
        let have = session.bytes.len();
        if total != Some(have) {
            let mut reply = Reply::text(308, "text/plain; charset=utf-8", "");
            if have > 0 {
                reply
                    .headers
                    .push(("range", format!("bytes=0-{}", have - 1)));
            }
            return Ok(Some(reply));
        }
        let session = self.uploads.remove(at);
        self.finish_upload(request, route, who, now, session)
            .map(Some)
    }

    fn begin_upload(&mut self, request: &Request) -> Answer<Reply> {
        let metadata = request.json()?;
        let id = new_id("A", 40);
        let mut address = format!(
            "{}{}?uploadType=resumable&upload_id={id}",
            self.fixed.endpoint, request.path
        );
        for key in ["fields", "supportsAllDrives", "addParents", "removeParents"] {
            if let Some(value) = request.query.get(key) {
                let value = percent_encoding::utf8_percent_encode(
                    value,
                    percent_encoding::NON_ALPHANUMERIC,
                );
                address.push_str(&format!("&{key}={value}"));
            }
        }
        if self.uploads.len() >= MAX_SESSIONS {
            self.uploads.remove(0);
        }
        self.uploads.push(Session {
            id: id.clone(),
            metadata,
            mime: request.upload_type.clone().unwrap_or_default(),
            bytes: Vec::new(),
        });
        let mut reply = Reply::text(200, "text/plain; charset=utf-8", "");
        reply.headers.push(("location", address));
        reply.headers.push(("x-guploader-uploadid", id));
        Ok(reply)
    }

    /// The whole upload as if it had come in one multipart body.
    fn finish_upload(
        &mut self,
        request: &Request,
        route: &drive::Route,
        who: &Identity,
        now: DateTime<Utc>,
        session: Session,
    ) -> Answer<Reply> {
        let boundary = new_id("b", 20);
        let mut body = format!(
            "--{boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n--{boundary}\r\n\
             Content-Type: {}\r\n\r\n",
            session.metadata, session.mime
        )
        .into_bytes();
        body.extend_from_slice(&session.bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--").as_bytes());
        let whole = Request {
            content_type: format!("multipart/related; boundary={boundary}"),
            body,
            ..request.clone()
        };
        self.drive_once(&whole, route, who, now)
    }

    /// Answers a bundle of calls, each with its own status.
    pub(super) fn bulk(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let refused = |message: String| {
            Reply::json_with(
                400,
                &json!({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}),
            )
        };
        let Some(boundary) = upload::boundary(&request.content_type) else {
            return refused("Failed to parse batch request, error: no boundary.".to_owned());
        };
        let parts = upload::parts(&request.body, &boundary);
        if parts.is_empty() {
            return refused("Failed to parse batch request, error: 0 items.".to_owned());
        }
        if parts.len() > MAX_CALLS {
            return refused(format!(
                "The batch request could not be processed: it has more than {MAX_CALLS} calls."
            ));
        }
        let mark = new_id("batch_", 16);
        let mut out = Vec::new();
        for (head, body) in parts {
            let reply = match inner(request, &body) {
                Some(call) => self.one_of_bulk(&call, now),
                None => refused("Failed to parse batch request part.".to_owned()),
            };
            let id = upload::header(&head, "Content-ID").map(|id| {
                let id = id.strip_prefix('<').unwrap_or(id);
                format!("Content-ID: <response-{id}\r\n")
            });
            out.extend_from_slice(
                format!(
                    "--{mark}\r\nContent-Type: application/http\r\n{}\r\nHTTP/1.1 {} {}\r\n\
                     Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
                    id.unwrap_or_default(),
                    reply.status,
                    reason(reply.status),
                    reply.content_type,
                    reply.body.len()
                )
                .as_bytes(),
            );
            out.extend_from_slice(&reply.body);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{mark}--\r\n").as_bytes());
        Reply::text(200, &format!("multipart/mixed; boundary={mark}"), out)
    }

    fn one_of_bulk(&mut self, call: &Request, now: DateTime<Utc>) -> Reply {
        let target = Target::of(&call.method, &call.path);
        match target {
            // Sheets takes part in no bundle.
            Target::Sheets(_) => Reply::json_with(
                501,
                &json!({"error": {
                    "code": 501,
                    "message": "Operation is not implemented, or supported, or enabled.",
                    "status": "UNIMPLEMENTED",
                }}),
            ),
            Target::Drive(_) => {
                let who = self.identify(call, now);
                self.answer(call, &target, who, now)
            }
            _ => Reply::json_with(
                404,
                &json!({"error": {"code": 404, "message": "Not Found", "status": "NOT_FOUND"}}),
            ),
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        501 => "Not Implemented",
        _ => "Error",
    }
}

/// The request within a part: its first line, headers and body.
fn inner(outer: &Request, part: &[u8]) -> Option<Request> {
    let text = String::from_utf8_lossy(part);
    let normal = text.replace("\r\n", "\n");
    let (head, body) = normal.split_once("\n\n").unwrap_or((normal.as_str(), ""));
    let (first, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut words = first.split_whitespace();
    let (method, address) = (words.next()?, words.next()?);
    // The address may be whole, with its host.
    let address = match address.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..))?,
        None => address,
    };
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let own = |name: &str| upload::header(headers, name).map(str::to_owned);
    Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Query::parse(query),
        authorization: own("Authorization").or_else(|| outer.authorization.clone()),
        content_type: own("Content-Type").unwrap_or_default(),
        body: body.trim_end_matches('\n').as_bytes().to_vec(),
        ..Request::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_bundle_are_requests() {
        let outer = Request {
            authorization: Some("Bearer x".into()),
            ..Request::default()
        };
        let part = b"PATCH /drive/v3/files/F?fields=id HTTP/1.1\r\nContent-Type: \
            application/json\r\n\r\n{\"name\": \"a\"}\r\n";
        let call = inner(&outer, part).unwrap();
        assert_eq!((&*call.method, &*call.path), ("PATCH", "/drive/v3/files/F"));
        assert_eq!(call.query.get("fields"), Some("id"));
        assert_eq!(call.authorization.as_deref(), Some("Bearer x"));
        assert_eq!(call.body, b"{\"name\": \"a\"}");
        let whole = inner(&outer, b"GET http://x:1/drive/v3/about?fields=*\n\n").unwrap();
        assert_eq!(whole.path, "/drive/v3/about");
        assert!(inner(&outer, b"nothing").is_none());
    }
}
