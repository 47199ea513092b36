//! A request as it comes over the wire, made into the one that is meant: what clients do when an
//! address gets too long, packed bodies, names as the protocol buffers spell them, parts of files.

use std::io::Read as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::http::{ApiError, Family, Query, Reply, Request};
use super::world::Target;

/// Query parameters of the services themselves that are spelled with an underscore.
const SYSTEM: [&str; 4] = [
    "access_token",
    "http_method",
    "oauth_token",
    "upload_protocol",
];

/// Reads a request; a body may unpack to `most` bytes.
///
/// # Errors
/// The answer to a body that does not unpack.
pub(super) fn read(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
    most: usize,
) -> Result<Request, Box<Reply>> {
    let named = |name: &str| {
        let value = headers.get(name).and_then(|v| v.to_str().ok());
        value.map(str::to_owned)
    };
    let packed = named("content-encoding").is_some_and(|kind| kind.eq_ignore_ascii_case("gzip"));
    let mut body = body.to_vec();
    if packed {
        body = unpack(&body, most).ok_or_else(|| {
            let e = ApiError::invalid("Request body is not valid gzip, or unpacks to too much.");
            Box::new(e.reply(Family::Sheets))
        })?;
    }
    let mut query = Query::parse(uri.query().unwrap_or(""));
    let content_type = named("content-type").unwrap_or_default();
    let asked = named("x-http-method-override").map(|verb| verb.to_ascii_uppercase());
    // Google's own clients send a GET whose address would be longer than 2,048 characters as a form.
    let form = content_type.starts_with("application/x-www-form-urlencoded");
    if asked.as_deref() == Some("GET") && form {
        query.extend(Query::parse(&String::from_utf8_lossy(&body)));
        body.clear();
    }
    Ok(Request {
        method: asked.unwrap_or_else(|| method.as_str().to_owned()),
        path: uri.path().to_owned(),
        api_key: named("x-goog-api-key")
            .or_else(|| query.get("key").map(str::to_owned))
            .filter(|key| !key.is_empty()),
        query,
        authorization: named(header::AUTHORIZATION.as_str()),
        content_type,
        content_range: named(header::CONTENT_RANGE.as_str()),
        range: named(header::RANGE.as_str()),
        upload_type: named("x-upload-content-type"),
        body,
    })
}

fn unpack(body: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = u64::try_from(most).ok()?.saturating_add(1);
    GzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut out)
        .ok()?;
    (out.len() <= most).then_some(out)
}

/// Spells the names of a request to Sheets in the way of JSON (`sheetId`) where the client spelled
/// them in the way of protocol buffers (`sheet_id`); Google takes both. Drive's names are left: keys
/// of `appProperties` are anybody's.
pub(super) fn spell(request: &mut Request, target: &Target) {
    if !matches!(target, Target::Sheets(_)) {
        return;
    }
    request.query.rename(|name| {
        let own = SYSTEM.contains(&name) || name.starts_with('$') || !name.contains('_');
        (!own).then(|| camel(name))
    });
    request.query.change("fields", camel);
    if !has_snakes(&request.body) {
        return;
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) {
        respell(&mut body);
        request.body = serde_json::to_vec(&body).unwrap_or_default();
    }
}

/// Whether a body has an underscore within quotes that a colon follows, or a mask with one: only
/// then it has to be read.
fn has_snakes(body: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = body
        .get(from..)
        .and_then(|rest| rest.iter().position(|b| *b == b'_'))
    {
        from += at + 1;
        let rest = body.get(from..).unwrap_or_default();
        let word = |b: &&u8| b.is_ascii_lowercase() || b"_.,()/*".contains(b);
        let end = rest.iter().take_while(word).count();
        let next = rest.get(end);
        if next == Some(&b'"') && end > 0 {
            return true;
        }
    }
    false
}

fn respell(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let all = std::mem::take(map);
            for (key, mut inner) in all {
                let key = camel(&key);
                match &mut inner {
                    Value::String(mask) if key == "fields" => *mask = camel(mask),
                    inner => respell(inner),
                }
                map.insert(key, inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(respell),
        _ => {}
    }
}

/// `sheet_id` as `sheetId`; an underscore that no small letter follows stays.
fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().filter(char::is_ascii_lowercase);
        match next {
            Some(next) if c == '_' && !out.is_empty() => {
                out.push(next.to_ascii_uppercase());
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// The part of a file that a `Range` header asks for, or the whole; a range that begins behind the
/// end is refused with 416 and the length (RFC 9110, 14.2 and 15.5.17). Several ranges in one header
/// are answered by the whole.
pub(super) fn part(whole: Reply, range: Option<&str>) -> Reply {
    let asked = range.and_then(|text| text.strip_prefix("bytes="));
    let Some((first, last)) = asked.and_then(|text| text.split_once('-')) else {
        return whole;
    };
    let length = whole.body.len();
    let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => (first, length),
        (Err(_), Ok(last)) if first.is_empty() => (length.saturating_sub(last), length),
        _ => return whole,
    };
    if start >= length {
        let words = "Request range not satisfiable";
        let mut reply = Reply::json_with(
            416,
            &json!({"error": {
                "errors": [{"domain": "global", "reason": "requestedRangeNotSatisfiable",
                    "message": words, "locationType": "header", "location": "Range"}],
                "code": 416, "message": words,
            }}),
        );
        let told = format!("bytes */{length}");
        reply.headers.push(("content-range", told));
        return reply;
    }
    let body = whole.body.get(start..end).unwrap_or_default().to_vec();
    let mut reply = Reply {
        status: 206,
        body,
        ..whole
    };
    let told = format!("bytes {start}-{}/{length}", end - 1);
    reply.headers.push(("content-range", told));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_in_the_way_of_json() {
        for (name, want) in [
            ("sheet_id", "sheetId"),
            ("sheetId", "sheetId"),
            (
                "user_entered_format.text_format(bold,font_size)",
                "userEnteredFormat.textFormat(bold,fontSize)",
            ),
            ("_x", "_x"),
            ("a__b", "a_B"),
            ("A_1", "A_1"),
            ("", ""),
        ] {
            assert_eq!(camel(name), want);
        }
        for (body, want) in [
            ("{\"add_sheet\":{}}", true),
            ("{\"fields\":\"user_entered_value\"}", true),
            ("{\"fields\":\"a.b_c,d\"}", true),
            ("{\"title\":\"snake_\"}", false),
            ("{\"type\":\"NUMBER_GREATER\"}", false),
            ("{}", false),
        ] {
            assert_eq!(has_snakes(body.as_bytes()), want, "{body}");
        }
        let mut value = json!({"add_sheet": {"properties": {"title": "a_b", "sheet_id": 1}},
            "fields": "grid_properties.row_count"});
        respell(&mut value);
        let want = json!({"addSheet": {"properties": {"title": "a_b", "sheetId": 1}},
            "fields": "gridProperties.rowCount"});
        assert_eq!(value, want);
    }

    #[test]
    fn a_long_get_comes_as_a_form_and_a_packed_body_is_unpacked() {
        let mut headers = HeaderMap::new();
        headers.insert("x-http-method-override", "GET".parse().unwrap());
        let form = "application/x-www-form-urlencoded";
        headers.insert("content-type", form.parse().unwrap());
        let uri: Uri = "/v4/spreadsheets/x/values:batchGet?alt=json"
            .parse()
            .unwrap();
        let body = Bytes::from_static(b"ranges=A1&ranges=B%202");
        let got = read(&Method::POST, &uri, &headers, &body, 100).unwrap();
        assert_eq!((got.method.as_str(), got.body.len()), ("GET", 0));
        assert_eq!(got.query.all("ranges"), ["A1", "B 2"]);
        assert_eq!(got.query.get("alt"), Some("json"));

        let mut packer = flate2::read::GzEncoder::new(&[b'x'; 50][..], flate2::Compression::fast());
        let mut packed = Vec::new();
        packer.read_to_end(&mut packed).unwrap();
        let packed = Bytes::from(packed);
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", "gzip".parse().unwrap());
        let read = |most: usize, body: &Bytes| read(&Method::PUT, &uri, &headers, body, most);
        assert_eq!(read(50, &packed).unwrap().body, [b'x'; 50]);
        assert_eq!(read(49, &packed).unwrap_err().status, 400);
        assert_eq!(read(50, &Bytes::from_static(b"x")).unwrap_err().status, 400);
    }

    #[test]
    fn a_range_is_answered_by_its_part() {
        let whole = || Reply::text(200, "text/plain", "0123456789");
        for (range, status, body, told) in [
            (None, 200, "0123456789", None),
            (Some("bytes=2-4"), 206, "234", Some("bytes 2-4/10")),
            (Some("bytes=8-99"), 206, "89", Some("bytes 8-9/10")),
            (Some("bytes=8-"), 206, "89", Some("bytes 8-9/10")),
            (Some("bytes=-3"), 206, "789", Some("bytes 7-9/10")),
            (Some("bytes=4-2"), 200, "0123456789", None),
            (Some("lines=1-2"), 200, "0123456789", None),
            (Some("bytes=0-1,4-5"), 200, "0123456789", None),
        ] {
            let reply = part(whole(), range);
            assert_eq!(reply.status, status, "{range:?}");
            assert_eq!(reply.body, body.as_bytes(), "{range:?}");
            let header = reply.headers.first().map(|(_, v)| v.as_str());
            assert_eq!(header, told, "{range:?}");
        }
        let behind = part(whole(), Some("bytes=10-"));
        assert_eq!(behind.status, 416);
        assert_eq!(behind.headers[0].1, "bytes */10");
    }
}
