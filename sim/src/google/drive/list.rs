//! Lists of files: what is searched, in which order, in pages.

use serde_json::{Map, Value};

use super::methods::{Call, FILE_FIELDS, mask_of};
use super::{Access, Drive, FOLDER, File, query};
use crate::google::http::{Answer, ApiError};

/// The parts of a list with commas.
pub(super) fn parts(text: Option<&str>) -> Vec<String> {
    text.unwrap_or("")
        .split(',')
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(super) fn in_scope(drive: &Drive, file: &File, call: &Call<'_>) -> bool {
    let q = &call.request.query;
    let everywhere = q.flag("includeItemsFromAllDrives") || q.flag("includeTeamDriveItems");
    if let Some(id) = q.get("driveId") {
        return file.drive.as_deref() == Some(id) && everywhere;
    }
    (file.drive.is_none() || everywhere) && drive.is_listed(file, call.email)
}

/// Answers `files.list`.
///
/// # Errors
/// In Google's words.
pub(super) fn answer(drive: &Drive, call: &Call<'_>) -> Answer {
    let q = &call.request.query;
    check_scope(call)?;
    let expr = match q.get("q").filter(|t| !t.trim().is_empty()) {
        None => None,
        Some(text) => Some(query::parse(text).ok_or_else(bad_query)?),
    };
    if q.get("driveId")
        .is_some_and(|d| drive.member(d, call.email) < Access::Read)
    {
        return Err(ApiError::file_not_found(q.get("driveId").unwrap_or("")));
    }
    let root = Drive::root_of(call.email);
    let mut found: Vec<&File> = Vec::new();
    for file in drive.files.values() {
        if !in_scope(drive, file, call) {
            continue;
        }
        let holds = match &expr {
            None => true,
            Some(e) => e.holds(file, &root, call.email).ok_or_else(bad_query)?,
        };
        if holds {
            found.push(file);
        }
    }
    order(&mut found, q.get("orderBy"))?;
    let size = size_of(call, "pageSize", 100)?;
    let start = page_start(call)?;
    let page: Vec<Value> = found
        .iter()
        .skip(start)
        .take(size)
        .map(|f| drive.file_json(f, call.email))
        .collect();
    let mut out = Map::new();
    if start + size < found.len() {
        out.insert(
            "nextPageToken".into(),
            format!("~!!~{}", start + size).into(),
        );
    }
    out.insert("kind".into(), "drive#fileList".into());
    out.insert("incompleteSearch".into(), false.into());
    out.insert("files".into(), page.into());
    let default = format!("kind,nextPageToken,incompleteSearch,files({FILE_FIELDS})");
    Ok(mask_of(call, &default)?.filter(Value::Object(out)))
}

/// # Errors
/// A corpus or a space that does not exist, or a drive's corpus without the drive.
fn check_scope(call: &Call<'_>) -> Answer<()> {
    let q = &call.request.query;
    let corpora = q.get("corpora").filter(|c| !c.is_empty());
    if corpora.is_some_and(|c| !["user", "drive", "domain", "allDrives", "teamDrive"].contains(&c))
    {
        return Err(bad_value("corpora"));
    }
    if corpora == Some("drive") && q.get("driveId").is_none() {
        let words = "The driveId must be specified if and only if corpora is set to drive.";
        let mut e = ApiError::invalid(words);
        e.reason = "driveIdRequired";
        e.location = Some(("parameter", "driveId"));
        return Err(e);
    }
    let spaces = parts(q.get("spaces"));
    if spaces
        .iter()
        .any(|s| !["drive", "appDataFolder", "photos"].contains(&s.as_str()))
    {
        return Err(bad_value("spaces"));
    }
    Ok(())
}

/// A number of a query that lies between 1 and 1,000.
///
/// # Errors
/// It does not.
pub(super) fn size_of(call: &Call<'_>, key: &'static str, default: usize) -> Answer<usize> {
    let Some(text) = call.request.query.get(key) else {
        return Ok(default);
    };
    match text.parse::<i64>() {
        Ok(n @ 1..=1000) => Ok(usize::try_from(n).unwrap_or(default)),
        _ => {
            let mut e = ApiError::invalid(format!(
                "Invalid value '{text}'. Values must be within the range: [1, 1000]"
            ));
            e.reason = "invalidParameter";
            e.location = Some(("parameter", key));
            Err(e)
        }
    }
}

/// How many entries the page of the request has before it.
///
/// # Errors
/// A token that no list has given.
pub(super) fn page_start(call: &Call<'_>) -> Answer<usize> {
    match call
        .request
        .query
        .get("pageToken")
        .filter(|t| !t.is_empty())
    {
        None => Ok(0),
        Some(t) => t
            .strip_prefix("~!!~")
            .and_then(|n| n.parse().ok())
            .ok_or_else(bad_page),
    }
}

fn bad_value(parameter: &'static str) -> ApiError {
    let mut e = ApiError::invalid("Invalid Value");
    e.location = Some(("parameter", parameter));
    e
}

fn bad_query() -> ApiError {
    let mut e = ApiError::invalid("Invalid Value");
    e.location = Some(("parameter", "q"));
    e
}

pub(super) fn bad_page() -> ApiError {
    let mut e = ApiError::invalid("Invalid Value");
    e.location = Some(("parameter", "pageToken"));
    e
}

/// # Errors
/// A key that Drive does not order by.
fn order(files: &mut [&File], by: Option<&str>) -> Answer<()> {
    // Without an order, what changed last comes first.
    files.sort_by_key(|f| std::cmp::Reverse(f.modified));
    let keys = by.unwrap_or("").split(',').filter(|k| !k.trim().is_empty());
    for key in keys.collect::<Vec<_>>().into_iter().rev() {
        let (name, down) = match key.trim().split_once(' ') {
            Some((name, "desc")) => (name, true),
            _ => (key.trim(), false),
        };
        match name {
            "name" | "name_natural" => files.sort_by_key(|f| f.name.to_lowercase()),
            "createdTime" => files.sort_by_key(|f| f.created),
            "modifiedTime" | "recency" | "modifiedByMeTime" => files.sort_by_key(|f| f.modified),
            "folder" => files.sort_by_key(|f| f.mime != FOLDER),
            "quotaBytesUsed" => {
                files.sort_by_key(|f| f.content.as_ref().map_or(1024, |c| c.len()));
            }
            "starred" => files.sort_by_key(|f| !f.starred),
            "sharedWithMeTime" | "viewedByMeTime" => {}
            _ => return Err(bad_value("orderBy")),
        }
        if down {
            files.reverse();
        }
    }
    Ok(())
}
