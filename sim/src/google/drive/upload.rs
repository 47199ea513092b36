//! Bodies of uploads: plain media, metadata and media in one multipart body, resumable sessions.

use serde_json::{Value, json};

use crate::google::http::{Answer, ApiError, Request};

/// What an upload brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    pub(crate) metadata: Value,
    pub(crate) media: Option<Media>,
}

/// Bytes with their type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media {
    pub(crate) mime: String,
    pub(crate) bytes: Vec<u8>,
}

/// A resumable upload that has begun: the request that it will become, and the bytes so far.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) metadata: Value,
    pub(crate) mime: String,
    pub(crate) bytes: Vec<u8>,
}

fn object(bytes: &[u8]) -> Answer {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(v) if v.is_object() => Ok(v),
        _ => {
            let mut e = ApiError::invalid("Parse Error");
            e.reason = "parseError";
            Err(e)
        }
    }
}

/// Reads a request's metadata and media.
///
/// # Errors
/// The metadata is no JSON object, or a multipart body has not two parts.
pub(crate) fn read(request: &Request) -> Answer<Upload> {
    if !request.path.starts_with("/upload/") {
        return Ok(Upload {
            metadata: object(&request.body)?,
            media: None,
        });
    }
    let kind = request.query.get("uploadType").unwrap_or("");
    if kind == "multipart" || request.content_type.starts_with("multipart/") {
        return multipart(request);
    }
    Ok(Upload {
        metadata: json!({}),
        media: Some(Media {
            mime: request.content_type.clone(),
            bytes: request.body.clone(),
        }),
    })
}

/// The boundary of a multipart content type.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (_, rest) = content_type.split_once("boundary=")?;
    let rest = rest.trim();
    let text = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([';', ' ']).next()?,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    haystack
        .get(from..)?
        .windows(needle.len().max(1))
        .position(|w| w == needle)
        .map(|at| at + from)
}

/// The parts of a multipart body: headers as text, and the body of each.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
    let mark = format!("--{boundary}").into_bytes();
    let mut out = Vec::new();
    let mut at = find(body, &mark, 0);
    while let Some(start) = at {
        let begin = start + mark.len();
        let next = find(body, &mark, begin);
        let Some(end) = next else { break };
        let part = body.get(begin..end).unwrap_or_default();
        let part = part
            .strip_prefix(b"\r\n")
            .or_else(|| part.strip_prefix(b"\n"))
            .unwrap_or(part);
        let part = part
            .strip_suffix(b"\r\n")
            .or_else(|| part.strip_suffix(b"\n"))
            .unwrap_or(part);
        let (split, width) = match (find(part, b"\r\n\r\n", 0), find(part, b"\n\n", 0)) {
            (Some(a), Some(b)) if b < a => (b, 2),
            (Some(a), _) => (a, 4),
            (None, Some(b)) => (b, 2),
            (None, None) => (part.len(), 0),
        };
        // A header that goes on in the next line is one header.
        let head = String::from_utf8_lossy(part.get(..split).unwrap_or_default())
            .replace("\r\n ", " ")
            .replace("\n ", " ");
        out.push((head, part.get(split + width..).unwrap_or_default().to_vec()));
        at = next;
    }
    out
}

/// The value of a header of a part.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn multipart(request: &Request) -> Answer<Upload> {
    let bad = || {
        let mut e = ApiError::invalid("Malformed multipart body.");
        e.reason = "badContent";
        e
    };
    let boundary = boundary(&request.content_type).ok_or_else(bad)?;
    let mut parts = parts(&request.body, &boundary).into_iter();
    let (Some((_, metadata)), Some((head, bytes))) = (parts.next(), parts.next()) else {
        return Err(bad());
    };
    let bytes = if header(&head, "Content-Transfer-Encoding") == Some("base64") {
        use base64::Engine;
        let text: String = String::from_utf8_lossy(&bytes)
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|_| bad())?
    } else {
        bytes
    };
    Ok(Upload {
        metadata: object(&metadata)?,
        media: Some(Media {
            mime: header(&head, "Content-Type").unwrap_or("").to_owned(),
            bytes,
        }),
    })
}

/// Which bytes a `Content-Range` brings: the first one, and the length of the whole when known.
pub(crate) fn content_range(text: &str) -> Option<(Option<usize>, Option<usize>)> {
    let rest = text.strip_prefix("bytes")?.trim();
    let (range, total) = rest.split_once('/')?;
    let total = total.parse().ok();
    match range.trim() {
        "*" => Some((None, total)),
        range => Some((range.split_once('-')?.0.parse().ok(), total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::http::Query;

    fn request(content_type: &str, query: &str, body: &[u8]) -> Request {
        Request {
            method: "POST".into(),
            path: "/upload/drive/v3/files".into(),
            query: Query::parse(query),
            content_type: content_type.into(),
            body: body.to_vec(),
            ..Request::default()
        }
    }

    #[test]
    fn bodies_are_read() {
        let body = b"--xy\r\nContent-Type: application/json\r\n\r\n{\"name\":\"a\"}\r\n--xy\r\n\
            Content-Type: text/csv\r\n\r\n1,2\n3,4\r\n--xy--";
        let got = read(&request("multipart/related; boundary=\"xy\"", "", body)).unwrap();
        assert_eq!(got.metadata, json!({"name": "a"}));
        assert_eq!(
            got.media,
            Some(Media {
                mime: "text/csv".into(),
                bytes: b"1,2\n3,4".to_vec(),
            })
        );
        let got = read(&request("text/plain", "uploadType=media", b"hello")).unwrap();
        assert_eq!(got.metadata, json!({}));
        assert_eq!(got.media.map(|m| m.bytes), Some(b"hello".to_vec()));
        let cut = b"--xy\r\n\r\n{}\r\n--xy--";
        assert!(read(&request("multipart/related; boundary=xy", "", cut)).is_err());
        let coded = b"--q\n\n{}\n--q\nContent-Transfer-Encoding: base64\n\naGk=\n--q--";
        let got = read(&request("multipart/related; boundary=q", "", coded)).unwrap();
        assert_eq!(got.media.map(|m| m.bytes), Some(b"hi".to_vec()));
    }

    #[test]
    fn ranges_are_read() {
        let cases = [
            ("bytes 0-9/10", Some((Some(0), Some(10)))),
            ("bytes 5-9/*", Some((Some(5), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("lines 1-2", None),
        ];
        for (text, want) in cases {
            assert_eq!(content_range(text), want, "{text}");
        }
    }
}
