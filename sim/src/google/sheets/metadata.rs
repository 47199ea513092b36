//! Developer metadata: lookups, and ranges found by them.

use serde_json::{Value, json};

use super::a1::{GridRange, number_of};
use super::book::{Book, Metadata, Place};
use super::render::metadata_json;
use super::values::{self, Target};
use crate::google::http::{Answer, ApiError};

/// Characters of keys and values that one tab's metadata may take, and again the spreadsheet's.
const STORAGE_LIMIT: usize = 30_000;

/// Reads a `DeveloperMetadataLocation`.
///
/// # Errors
/// No location, an unknown tab, a dimension range of more than one line.
pub(crate) fn place(book: &Book, location: &Value) -> Answer<Place> {
    if location.get("spreadsheet").and_then(Value::as_bool) == Some(true) {
        return Ok(Place::Spreadsheet);
    }
    if let Some(range) = location.get("dimensionRange") {
        let (sheet, rows, at, count) = super::structure::dimension(book, range, true)?;
        if count != 1 {
            return Err(ApiError::invalid(
                "Metadata can only be associated with a single row or column.",
            ));
        }
        return Ok(Place::Line { sheet, rows, at });
    }
    if let Some(id) = location.get("sheetId").and_then(number_of) {
        book.sheet(id)?;
        return Ok(Place::Sheet(id));
    }
    Err(ApiError::invalid("A location must be specified."))
}

fn sheet_of(place: Place) -> Option<i64> {
    match place {
        Place::Spreadsheet => None,
        Place::Sheet(id) | Place::Line { sheet: id, .. } => Some(id),
    }
}

/// # Errors
/// The metadata of a tab would take more than its storage.
pub(crate) fn check_storage(book: &Book, place: Place) -> Answer<()> {
    let home = sheet_of(place);
    let size: usize = book
        .metadata
        .iter()
        .filter(|m| sheet_of(m.place) == home)
        .map(|m| {
            let length = |t: &Option<String>| t.as_ref().map_or(0, |t| t.chars().count());
            length(&m.key) + length(&m.value)
        })
        .sum();
    if size > STORAGE_LIMIT {
        return Err(ApiError::invalid(
            "Adding the requested developer metadata would exceed the allowed storage limit.",
        ));
    }
    Ok(())
}

fn location_type(place: Place) -> &'static str {
    match place {
        Place::Spreadsheet => "SPREADSHEET",
        Place::Sheet(_) => "SHEET",
        Place::Line { rows: true, .. } => "ROW",
        Place::Line { rows: false, .. } => "COLUMN",
    }
}

/// Whether metadata answers a `DeveloperMetadataLookup`.
pub(crate) fn matches(m: &Metadata, lookup: &Value) -> bool {
    let text = |k: &str| lookup.get(k).and_then(Value::as_str);
    let id = lookup.get("metadataId").and_then(number_of);
    if id.is_some_and(|id| id != m.id)
        || text("metadataKey").is_some_and(|k| m.key.as_deref() != Some(k))
        || text("metadataValue").is_some_and(|v| m.value.as_deref() != Some(v))
        || text("visibility").is_some_and(|v| m.visibility != v)
        || text("locationType").is_some_and(|t| location_type(m.place) != t)
    {
        return false;
    }
    let Some(location) = lookup.get("metadataLocation") else {
        return true;
    };
    let intersecting = text("locationMatchingStrategy") == Some("INTERSECTING_LOCATION");
    within(m.place, location, intersecting)
}

fn within(place: Place, location: &Value, intersecting: bool) -> bool {
    if location.get("spreadsheet").and_then(Value::as_bool) == Some(true) {
        return intersecting || place == Place::Spreadsheet;
    }
    if let Some(range) = location.get("dimensionRange") {
        let sheet = range.get("sheetId").and_then(number_of).unwrap_or(0);
        let rows = range.get("dimension").and_then(Value::as_str) == Some("ROWS");
        let side = |k: &str| range.get(k).and_then(number_of);
        let start = side("startIndex").unwrap_or(0);
        let end = side("endIndex").unwrap_or(i64::MAX);
        return match place {
            Place::Line {
                sheet: s,
                rows: r,
                at,
            } => s == sheet && r == rows && (start..end).contains(&i64::from(at)),
            Place::Sheet(s) => intersecting && s == sheet,
            Place::Spreadsheet => intersecting,
        };
    }
    match location.get("sheetId").and_then(number_of) {
        Some(id) if intersecting => sheet_of(place).is_none_or(|s| s == id),
        Some(id) => place == Place::Sheet(id),
        None => true,
    }
}

/// The blocks that a `DataFilter` means.
///
/// # Errors
/// The filter names a range that does not exist.
pub(crate) fn targets(book: &Book, filter: &Value) -> Answer<Vec<Target>> {
    if let Some(text) = filter.get("a1Range").and_then(Value::as_str) {
        return Ok(vec![values::resolve(book, text)?]);
    }
    if let Some(range) = filter.get("gridRange") {
        return Ok(vec![values::of_grid(book, &GridRange::from_json(range))?]);
    }
    let Some(lookup) = filter.get("developerMetadataLookup") else {
        return Err(ApiError::invalid("Must specify at least one data filter."));
    };
    book.metadata
        .iter()
        .filter(|m| matches(m, lookup))
        .filter_map(|m| match m.place {
            Place::Spreadsheet => None,
            Place::Sheet(sheet) => Some(GridRange {
                sheet,
                ..GridRange::default()
            }),
            Place::Line {
                sheet,
                rows: true,
                at,
            } => Some(GridRange {
                sheet,
                r0: Some(at),
                r1: Some(at + 1),
                ..GridRange::default()
            }),
            Place::Line {
                sheet,
                rows: false,
                at,
            } => Some(GridRange {
                sheet,
                c0: Some(at),
                c1: Some(at + 1),
                ..GridRange::default()
            }),
        })
        .map(|range| values::of_grid(book, &range))
        .collect()
}

/// `developerMetadata:search`.
pub(crate) fn search(book: &Book, filters: &[Value]) -> Value {
    let found: Vec<Value> = book
        .metadata
        .iter()
        .filter_map(|m| {
            let hits: Vec<&Value> = filters
                .iter()
                .filter(|f| {
                    f.get("developerMetadataLookup")
                        .is_some_and(|l| matches(m, l))
                })
                .collect();
            (!hits.is_empty())
                .then(|| json!({"developerMetadata": metadata_json(m), "dataFilters": hits}))
        })
        .collect();
    if found.is_empty() {
        json!({})
    } else {
        json!({"matchedDeveloperMetadata": found})
    }
}
