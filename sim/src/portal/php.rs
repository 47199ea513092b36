//! What PHP does to a request and to an answer: nested keys of query strings, the split at the
//! first `=`, arrays that are lists or maps by their keys.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Reads a query string or a form as PHP's `parse_str` does. Every leaf is a text.
///
/// The split is at the first `=`, so an unencoded `filter[>=ID]=5` is the key `filter_>` with the
/// value `ID]=5`: the filter vanishes, as on a real portal.
pub(crate) fn parse_query(text: &str) -> Value {
    let mut root = Value::Object(Map::new());
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        insert(&mut root, &decode(key), Value::String(decode(value)));
    }
    root
}

/// Percent decoding with `+` as a space; what is not UTF-8 is replaced.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Puts a value under a key such as `filter[>ID]`, `select[]` or `cmd[a][b]`.
fn insert(root: &mut Value, key: &str, value: Value) {
    let key = key.trim_start_matches(' ');
    if key.is_empty() {
        return;
    }
    let (base, mut rest) = match key.find('[') {
        Some(0) | None => (key, ""),
        Some(at) if key[at..].contains(']') => key.split_at(at),
        Some(_) => (key, ""),
    };
    let mut base = base.replace([' ', '.'], "_");
    if rest.is_empty() {
        // A bracket that is never closed is no nesting.
        base = base.replacen('[', "_", 1);
    }
    let mut path = vec![base];
    while let Some(inner) = rest.strip_prefix('[') {
        let Some(end) = inner.find(']') else { break };
        path.push(inner[..end].to_owned());
        rest = &inner[end + 1..];
    }
    place(root, &path, value);
}

fn place(node: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    let Value::Object(map) = node else { return };
    let key = if first.is_empty() {
        next_index(map).to_string()
    } else {
        first.clone()
    };
    place(map.entry(key).or_insert(Value::Null), rest, value);
}

/// The number that PHP gives to an element added without a key.
fn next_index(map: &Map<String, Value>) -> u64 {
    map.keys()
        .filter_map(|key| key.parse::<u64>().ok())
        .max()
        .map_or(0, |last| last + 1)
}

/// The entries of an array, whether it came as a list or as a map.
pub(crate) fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => Vec::new(),
    }
}

/// True for what PHP calls an array.
pub(crate) fn is_array(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// A scalar as PHP turns it into a text; arrays give nothing.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) | Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// PHP's `intval`: leading digits, else 0.
pub(crate) fn intval(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(digits.len());
    sign * digits[..end].parse::<i64>().unwrap_or(0)
}

/// Appends a PHP array of ready JSON values: `[]` when empty, a list when its keys are 0..n-1 in
/// order, else an object.
pub(crate) fn write_array(out: &mut Vec<u8>, entries: &[(String, Vec<u8>)]) {
    let list = entries
        .iter()
        .enumerate()
        .all(|(at, (key, _))| *key == at.to_string());
    out.push(if list { b'[' } else { b'{' });
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if !list {
            write_text(out, key);
            out.push(b':');
        }
        out.extend_from_slice(value);
    }
    out.push(if list { b']' } else { b'}' });
}

/// Appends a JSON text with its quotes.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        let inner = quoted
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'));
        out.extend_from_slice(inner.unwrap_or_default().as_bytes());
    }
    out.push(b'"');
}

/// Appends a whole number.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn query_strings_nest_as_in_php() {
        let cases = [
            (
                "a=1&b=x%20y&c=x+y",
                json!({"a": "1", "b": "x y", "c": "x y"}),
            ),
            (
                "select[]=ID&select[]=TITLE",
                json!({"select": {"0": "ID", "1": "TITLE"}}),
            ),
            (
                "filter[%3E%3DID]=5&filter[<ID]=9",
                json!({"filter": {">=ID": "5", "<ID": "9"}}),
            ),
            ("filter%5B%3EID%5D=5", json!({"filter": {">ID": "5"}})),
            // The trap: the key is cut at its own "=".
            ("filter[>=ID]=5", json!({"filter_>": "ID]=5"})),
            (
                "filter[@ID][]=5&filter[@ID][]=6",
                json!({"filter": {"@ID": {"0": "5", "1": "6"}}}),
            ),
            ("a[b]c=1", json!({"a": {"b": "1"}})),
            ("a=1&a=2", json!({"a": "2"})),
            ("a", json!({"a": ""})),
            ("%20a.b=1", json!({"a_b": "1"})),
            ("", json!({})),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse_query(text), wanted, "{text}");
        }
    }

    #[test]
    fn arrays_are_lists_or_objects_by_their_keys() {
        let written = |keys: &[&str]| {
            let entries: Vec<_> = keys
                .iter()
                .map(|key| ((*key).to_owned(), b"1".to_vec()))
                .collect();
            let mut out = Vec::new();
            write_array(&mut out, &entries);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&[]), "[]");
        assert_eq!(written(&["0", "1"]), "[1,1]");
        assert_eq!(written(&["1", "0"]), r#"{"1":1,"0":1}"#);
        assert_eq!(written(&["c00"]), r#"{"c00":1}"#);
    }

    #[test]
    fn texts_and_numbers_are_json() {
        for text in [
            "",
            "plain",
            "\"",
            "\"\"x\"",
            "a\\",
            "line\nbreak",
            "тире — «ёлка»",
            "\u{1}",
        ] {
            let mut out = Vec::new();
            write_text(&mut out, text);
            let back: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(back, text);
        }
        for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn intval_reads_what_it_can() {
        for (text, wanted) in [
            ("", 0),
            ("12", 12),
            ("-1", -1),
            ("7x", 7),
            ("x", 0),
            (" 5", 5),
        ] {
            assert_eq!(intval(text), wanted, "{text}");
        }
    }
}
