//! The methods of Sheets v4, recognised in verb and path.

use crate::google::http::decode_segment;

/// A Sheets method, recognised in verb and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The method's id in the discovery document.
    pub(crate) id: &'static str,
    pub(crate) book: String,
    /// Range, tab id or metadata id.
    pub(crate) arg: String,
    pub(crate) reads: bool,
}

/// Recognises a path below `/v4/spreadsheets`.
pub(crate) fn route(verb: &str, path: &str) -> Option<Route> {
    let rest = path.strip_prefix("/v4/spreadsheets")?;
    let make = |id, book: &str, arg: &str, reads| {
        Some(Route {
            id,
            book: decode_segment(book),
            arg: decode_segment(arg),
            reads,
        })
    };
    if rest.is_empty() || rest == "/" {
        return (verb == "POST")
            .then(|| make("sheets.spreadsheets.create", "", "", false))
            .flatten();
    }
    let rest = rest.strip_prefix('/')?;
    // Some clients put a slash before the verb or at the end.
    let joined = rest.replacen("/:", ":", 1);
    let rest = joined.trim_end_matches('/');
    let Some((book, tail)) = rest.split_once('/') else {
        return match (verb, rest.rsplit_once(':')) {
            ("POST", Some((b, "batchUpdate"))) => {
                make("sheets.spreadsheets.batchUpdate", b, "", false)
            }
            ("POST", Some((b, "getByDataFilter"))) => {
                make("sheets.spreadsheets.getByDataFilter", b, "", true)
            }
            ("GET", None) => make("sheets.spreadsheets.get", rest, "", true),
            _ => None,
        };
    };
    if let Some(range) = tail.strip_prefix("values/") {
        return range_route(verb, book, range);
    }
    match (verb, tail) {
        ("GET", "values:batchGet") => make("sheets.spreadsheets.values.batchGet", book, "", true),
        ("POST", "values:batchUpdate") => {
            make("sheets.spreadsheets.values.batchUpdate", book, "", false)
        }
        ("POST", "values:batchClear") => {
            make("sheets.spreadsheets.values.batchClear", book, "", false)
        }
        ("POST", "values:batchGetByDataFilter") => make(
            "sheets.spreadsheets.values.batchGetByDataFilter",
            book,
            "",
            true,
        ),
        ("POST", "values:batchUpdateByDataFilter") => make(
            "sheets.spreadsheets.values.batchUpdateByDataFilter",
            book,
            "",
            false,
        ),
        ("POST", "values:batchClearByDataFilter") => make(
            "sheets.spreadsheets.values.batchClearByDataFilter",
            book,
            "",
            false,
        ),
        ("POST", "developerMetadata:search") => make(
            "sheets.spreadsheets.developerMetadata.search",
            book,
            "",
            true,
        ),
        _ => other_route(verb, book, tail),
    }
}

fn range_route(verb: &str, book: &str, range: &str) -> Option<Route> {
    let (id, arg, reads) = match (verb, range.rsplit_once(':')) {
        ("POST", Some((r, "append"))) => ("sheets.spreadsheets.values.append", r, false),
        ("POST", Some((r, "clear"))) => ("sheets.spreadsheets.values.clear", r, false),
        ("GET", _) => ("sheets.spreadsheets.values.get", range, true),
        ("PUT", _) => ("sheets.spreadsheets.values.update", range, false),
        _ => return None,
    };
    Some(Route {
        id,
        book: decode_segment(book),
        arg: decode_segment(arg),
        reads,
    })
}

fn other_route(verb: &str, book: &str, tail: &str) -> Option<Route> {
    let make = |id, arg: &str, reads| {
        Some(Route {
            id,
            book: decode_segment(book),
            arg: decode_segment(arg),
            reads,
        })
    };
    if let Some(id) = tail
        .strip_prefix("developerMetadata/")
        .filter(|_| verb == "GET")
    {
        return make("sheets.spreadsheets.developerMetadata.get", id, true);
    }
    let sheet = tail.strip_prefix("sheets/")?.strip_suffix(":copyTo")?;
    (verb == "POST")
        .then(|| make("sheets.spreadsheets.sheets.copyTo", sheet, false))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let cases = [
            ("POST", "/v4/spreadsheets", "sheets.spreadsheets.create", ""),
            ("GET", "/v4/spreadsheets/ID", "sheets.spreadsheets.get", ""),
            (
                "POST",
                "/v4/spreadsheets/ID:batchUpdate",
                "sheets.spreadsheets.batchUpdate",
                "",
            ),
            (
                "GET",
                "/v4/spreadsheets/ID/values/%27S%27%21A1:B2",
                "sheets.spreadsheets.values.get",
                "'S'!A1:B2",
            ),
            (
                "POST",
                "/v4/spreadsheets/ID/values/A1%3AB2:append",
                "sheets.spreadsheets.values.append",
                "A1:B2",
            ),
            (
                "GET",
                "/v4/spreadsheets/ID/values:batchGet",
                "sheets.spreadsheets.values.batchGet",
                "",
            ),
            (
                "POST",
                "/v4/spreadsheets/ID/sheets/7:copyTo",
                "sheets.spreadsheets.sheets.copyTo",
                "7",
            ),
        ];
        for (verb, path, id, arg) in cases {
            let found = route(verb, path).unwrap();
            assert_eq!((found.id, found.arg.as_str()), (id, arg));
        }
        assert_eq!(route("DELETE", "/v4/spreadsheets/ID"), None);
    }
}
