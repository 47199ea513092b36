//! Spreadsheets and tabs that come into being: created, copied, imported.

use serde_json::{Value, json};

use super::a1::{GridRange, number_of};
use super::book::{Book, Sheet};
use super::protect::Caller;
use super::workbook::{self, XLSX};
use super::{batch, values};
use crate::google::http::{Answer, ApiError};

/// A new spreadsheet from the body of `spreadsheets.create`.
///
/// # Errors
/// A tab or named range of the body is refused.
pub(crate) fn create(id: &str, body: &Value, caller: &Caller) -> Answer<Book> {
    let text = |path: &str, default: &str| {
        body.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or(default)
            .to_owned()
    };
    let title = text("/properties/title", "Untitled spreadsheet");
    let locale = text("/properties/locale", "en_US");
    let zone = text("/properties/timeZone", "Etc/GMT");
    let mut book = Book::new(id, &title, &locale, &zone);
    for key in [
        "autoRecalc",
        "iterativeCalculationSettings",
        "defaultFormat",
        "spreadsheetTheme",
    ] {
        let given = body.pointer(&format!("/properties/{key}"));
        if let (Some(v), Some(map)) = (given.filter(|v| !v.is_null()), book.props.as_object_mut()) {
            map.insert(key.into(), super::book::normalise(v));
        }
    }
    let tabs = body
        .get("sheets")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if tabs.is_empty() {
        return Ok(book);
    }
    book.sheets.clear();
    for (i, tab) in tabs.iter().enumerate() {
        let mut props = tab.get("properties").cloned().unwrap_or_else(|| json!({}));
        if let Some(map) = props.as_object_mut() {
            map.entry("sheetId").or_insert_with(|| i.into());
            map.entry("title")
                .or_insert_with(|| format!("Sheet{}", i + 1).into());
        }
        let sheet = props.get("sheetId").and_then(number_of).unwrap_or(0);
        let mut requests = vec![json!({"addSheet": {"properties": props}})];
        requests.extend(tab_requests(tab, sheet));
        requests.extend(line_requests(tab, sheet));
        batch::apply(&mut book, &requests, caller)?;
    }
    let named: Vec<Value> = body
        .get("namedRanges")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|n| json!({"addNamedRange": {"namedRange": n}}))
        .collect();
    if !named.is_empty() {
        batch::apply(&mut book, &named, caller)?;
    }
    Ok(book)
}

/// What a tab of a `create` body holds, as requests.
fn tab_requests(tab: &Value, sheet: i64) -> Vec<Value> {
    let list = |key: &str| {
        tab.get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut out = Vec::new();
    for data in list("data") {
        let side = |k: &str| data.get(k).and_then(number_of).unwrap_or(0);
        if let Some(rows) = data.get("rowData") {
            out.push(json!({"updateCells": {
                "start": {"sheetId": sheet, "rowIndex": side("startRow"),
                    "columnIndex": side("startColumn")},
                "rows": rows,
                "fields": "userEnteredValue,userEnteredFormat,note,dataValidation",
            }}));
        }
    }
    out.extend(
        list("merges")
            .into_iter()
            .map(|m| json!({"mergeCells": {"range": m}})),
    );
    out.extend(
        list("conditionalFormats")
            .into_iter()
            .enumerate()
            .map(|(i, r)| json!({"addConditionalFormatRule": {"rule": r, "index": i}})),
    );
    out.extend(
        list("protectedRanges")
            .into_iter()
            .map(|p| json!({"addProtectedRange": {"protectedRange": p}})),
    );
    out.extend(
        list("charts")
            .into_iter()
            .map(|c| json!({"addChart": {"chart": c}})),
    );
    for (key, kind, field) in [
        ("bandedRanges", "addBanding", "bandedRange"),
        ("filterViews", "addFilterView", "filter"),
        ("slicers", "addSlicer", "slicer"),
        ("tables", "addTable", "table"),
        (
            "developerMetadata",
            "createDeveloperMetadata",
            "developerMetadata",
        ),
    ] {
        out.extend(
            list(key)
                .into_iter()
                .map(|object| json!({ kind: { field: object } })),
        );
    }
    if let Some(filter) = tab.get("basicFilter") {
        out.push(json!({"setBasicFilter": {"filter": filter}}));
    }
    for key in ["rowGroups", "columnGroups"] {
        let groups = list(key);
        let ranges = groups.iter().filter_map(|g| g.get("range"));
        out.extend(ranges.map(|range| json!({"addDimensionGroup": {"range": range}})));
    }
    out
}

/// Widths, heights and hidden lines of a tab of a `create` body, as requests.
fn line_requests(tab: &Value, sheet: i64) -> Vec<Value> {
    let mut out = Vec::new();
    let blocks = tab.get("data").and_then(Value::as_array);
    for data in blocks.into_iter().flatten() {
        for (key, dimension, first) in [
            ("rowMetadata", "ROWS", "startRow"),
            ("columnMetadata", "COLUMNS", "startColumn"),
        ] {
            let start = data.get(first).and_then(number_of).unwrap_or(0);
            let lines = data.get(key).and_then(Value::as_array);
            for (at, line) in (start..).zip(lines.into_iter().flatten()) {
                let fields: Vec<&str> = ["pixelSize", "hiddenByUser"]
                    .into_iter()
                    .filter(|k| line.get(k).is_some())
                    .collect();
                if !fields.is_empty() {
                    out.push(json!({"updateDimensionProperties": {
                        "range": {"sheetId": sheet, "dimension": dimension,
                            "startIndex": at, "endIndex": at + 1},
                        "properties": line, "fields": fields.join(","),
                    }}));
                }
            }
        }
    }
    out
}

/// Copies a tab into another spreadsheet; answers the new tab's properties.
///
/// # Errors
/// The tab does not exist.
pub(crate) fn copy_tab(from: &Book, tab: i64, to: &mut Book) -> Answer {
    let mut sheet = (**from.sheet(tab)?).clone();
    let id = to.fresh_id();
    let mut title = format!("Copy of {}", sheet.title());
    let mut n = 2;
    while to.sheet_by_title(&title).is_some() {
        title = format!("Copy of {} {n}", sheet.title());
        n += 1;
    }
    sheet.id = id;
    if let Some(props) = sheet.props.as_object_mut() {
        props.insert("sheetId".into(), id.into());
        props.insert("title".into(), title.into());
    }
    for (list, key) in [
        (&mut sheet.charts, "chartId"),
        (&mut sheet.protected, "protectedRangeId"),
        (&mut sheet.banded, "bandedRangeId"),
        (&mut sheet.filter_views, "filterViewId"),
        (&mut sheet.slicers, "slicerId"),
        (&mut sheet.conditional, ""),
    ] {
        for object in list {
            batch::retarget(object, tab, id);
            if let Some(map) = object.as_object_mut().filter(|_| !key.is_empty()) {
                map.insert(key.to_owned(), to.fresh_id().into());
            }
        }
    }
    for table in &mut sheet.tables {
        batch::retarget(table, tab, id);
        let fresh = to.fresh_id().to_string();
        if let Some(map) = table.as_object_mut() {
            map.insert("tableId".into(), fresh.into());
        }
    }
    to.sheets.push(std::sync::Arc::new(sheet));
    to.renumber();
    to.check_budget()?;
    to.touch_all();
    Ok(to.sheet(id)?.props.clone())
}

/// Replaces a spreadsheet's content by a workbook, or by comma- or tab-separated text.
///
/// # Errors
/// The bytes are no workbook or no table, or have more cells than a workbook may have.
pub(crate) fn import(book: &mut Book, text: &[u8], mime: &str) -> Answer<()> {
    if mime.split(';').next().map(str::trim) == Some(XLSX) {
        let body = workbook::read(text, book.title()).ok_or_else(|| {
            let mut e = ApiError::invalid("Bad Request");
            e.reason = "badRequest";
            e
        })?;
        let owner = Caller {
            email: String::new(),
            owner: true,
        };
        *book = create(&book.id, &body, &owner)?;
        book.touch_all();
        return Ok(());
    }
    let delimiter = if mime.starts_with("text/tab-separated") {
        b'\t'
    } else {
        b','
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
    let rows: Vec<Vec<Value>> = reader
        .records()
        .map(|r| r.map(|r| r.iter().map(Value::from).collect()))
        .collect::<Result<_, _>>()
        .map_err(|e| ApiError::invalid(format!("Invalid CSV: {e}")))?;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    // An import makes a new tab, named as the file, in a file of the service's own time zone.
    let mut fresh = Book::new(&book.id, book.title(), book.locale(), "America/Los_Angeles");
    let id = fresh.fresh_id();
    let mut sheet = Sheet::new(id, book.title(), 1000, 26);
    sheet.grow(rows.len() as u32, width);
    fresh.sheets = vec![std::sync::Arc::new(sheet)];
    let target = values::of_grid(
        &fresh,
        &GridRange {
            sheet: id,
            ..GridRange::default()
        },
    )?;
    let owner = Caller {
        email: String::new(),
        owner: true,
    };
    values::write(&mut fresh, &target, &rows, false, &owner)?;
    fresh.touch_all();
    *book = fresh;
    Ok(())
}
