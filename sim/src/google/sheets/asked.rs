//! What a method may be asked: its query parameters and the names at the top of its body.

use serde_json::{Value, json};

use crate::google::http::{Answer, ApiError, Request};

/// Parameters that every method takes.
const SYSTEM: [&str; 12] = [
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "passive",
    "http_method",
];

/// Fields of a spreadsheet.
pub(super) const SPREADSHEET: [&str; 10] = [
    "spreadsheetId",
    "properties",
    "sheets",
    "namedRanges",
    "spreadsheetUrl",
    "developerMetadata",
    "dataSources",
    "dataSourceSchedules",
    "comments",
    "commentsViewMode",
];

/// A method, its own parameters, and the names of its body.
const METHODS: [(&str, &[&str], &[&str]); 17] = [
    ("create", &[], &SPREADSHEET),
    (
        "get",
        &[
            "ranges",
            "includeGridData",
            "excludeTablesInBandedRanges",
            "commentsViewMode",
        ],
        &[],
    ),
    (
        "getByDataFilter",
        &[],
        &[
            "dataFilters",
            "includeGridData",
            "excludeTablesInBandedRanges",
            "commentsViewMode",
        ],
    ),
    (
        "batchUpdate",
        &[],
        &[
            "requests",
            "includeSpreadsheetInResponse",
            "responseRanges",
            "responseIncludeGridData",
            "commentsViewMode",
        ],
    ),
    ("developerMetadata.get", &[], &[]),
    ("developerMetadata.search", &[], &["dataFilters"]),
    ("sheets.copyTo", &[], &["destinationSpreadsheetId"]),
    ("values.get", &READ, &[]),
    (
        "values.batchGet",
        &[
            "ranges",
            "majorDimension",
            "valueRenderOption",
            "dateTimeRenderOption",
        ],
        &[],
    ),
    (
        "values.update",
        &WRITE,
        &["range", "majorDimension", "values"],
    ),
    (
        "values.append",
        &WRITE,
        &["range", "majorDimension", "values"],
    ),
    ("values.clear", &[], &[]),
    (
        "values.batchUpdate",
        &[],
        &[
            "valueInputOption",
            "data",
            "includeValuesInResponse",
            "responseValueRenderOption",
            "responseDateTimeRenderOption",
        ],
    ),
    ("values.batchClear", &[], &["ranges"]),
    (
        "values.batchGetByDataFilter",
        &[],
        &[
            "dataFilters",
            "majorDimension",
            "valueRenderOption",
            "dateTimeRenderOption",
        ],
    ),
    (
        "values.batchUpdateByDataFilter",
        &[],
        &[
            "valueInputOption",
            "data",
            "includeValuesInResponse",
            "responseValueRenderOption",
            "responseDateTimeRenderOption",
        ],
    ),
    ("values.batchClearByDataFilter", &[], &["dataFilters"]),
];
const READ: [&str; 3] = [
    "majorDimension",
    "valueRenderOption",
    "dateTimeRenderOption",
];
const WRITE: [&str; 5] = [
    "valueInputOption",
    "insertDataOption",
    "includeValuesInResponse",
    "responseValueRenderOption",
    "responseDateTimeRenderOption",
];

fn violation(words: String) -> ApiError {
    let mut e = ApiError::invalid(words.clone());
    e.details = Some(json!([{
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"description": words}],
    }]));
    e
}

/// # Errors
/// The request has a parameter or its body a name that the method lacks, or the body is no object.
pub(super) fn check(method: &str, request: &Request) -> Answer<()> {
    let short = method.strip_prefix("sheets.spreadsheets.").unwrap_or("");
    let Some((_, own, names)) = METHODS.iter().find(|(id, ..)| *id == short) else {
        return Ok(());
    };
    for name in request.query.names() {
        let known = SYSTEM.contains(&name) || own.contains(&name) || name.starts_with('$');
        if !known {
            return Err(violation(format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query \
                 parameter. Field '{name}' could not be found in request message."
            )));
        }
    }
    // What a method without a body is sent all the same is not looked at.
    if names.is_empty() {
        return Ok(());
    }
    let body = request.json()?;
    let Value::Object(map) = &body else {
        return Err(violation(
            "Invalid JSON payload received. Unknown name \"\": Root element must be a message."
                .to_owned(),
        ));
    };
    match map.keys().find(|k| !names.contains(&k.as_str())) {
        Some(name) => Err(violation(format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::http::Query;

    #[test]
    fn names_are_known_or_refused() {
        let cases = [
            ("get", "ranges=A1&fields=x", "", true),
            ("get", "rangess=A1", "", false),
            (
                "values.update",
                "valueInputOption=RAW&$alt=json",
                "{\"values\":[]}",
                true,
            ),
            ("values.update", "", "{\"value\":[]}", false),
            ("batchUpdate", "", "[]", false),
            ("values.clear", "", "nonsense", true),
        ];
        for (method, query, body, fine) in cases {
            let request = Request {
                query: Query::parse(query),
                body: body.as_bytes().to_vec(),
                ..Request::default()
            };
            let id = format!("sheets.spreadsheets.{method}");
            assert_eq!(
                check(&id, &request).is_ok(),
                fine,
                "{method} {query} {body}"
            );
        }
    }
}
