//! Sheets v4: the methods, over the spreadsheets in memory.

pub(crate) mod a1;
mod batch;
pub(crate) mod book;
mod conditional;
mod engine;
mod entry;
mod formula;
mod locale;
mod mask;
mod metadata;
mod numfmt;
pub(crate) mod protect;
mod render;
mod structure;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use self::a1::{GridRange, number_of};
pub(crate) use self::book::Book;
use self::engine::Engine;
pub(crate) use self::mask::Mask;
use self::protect::Caller;
use self::render::View;
use self::values::{RenderAs, Target};
use super::http::{Answer, ApiError, Query, Request, decode_segment};

/// A spreadsheet with its calculation engine, which is made when first needed.
pub(crate) struct Held {
    pub(crate) book: Book,
    engine: Option<Engine>,
}

impl Held {
    pub(crate) fn new(book: Book) -> Held {
        Held { book, engine: None }
    }

    /// Brings all results up to date.
    pub(crate) fn compute(&mut self, now: DateTime<Utc>) {
        let needs_engine = self.book.sheets.iter().any(|s| {
            !s.conditional.is_empty()
                || s.cells
                    .values()
                    .any(|c| matches!(c.entered, Some(book::Entered::Formula(_))))
        });
        if !needs_engine && self.engine.is_none() {
            self.book.dirty = book::Dirty::default();
            return;
        }
        match &mut self.engine {
            Some(engine) if !self.book.dirty.all => {
                if self.book.dirty.cells.is_empty() {
                    engine.refresh(&mut self.book, now);
                } else {
                    engine.update(&mut self.book, now);
                }
            }
            _ => {
                self.book.dirty = book::Dirty::default();
                self.engine = Some(Engine::build(&mut self.book, now));
            }
        }
    }
}

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

/// What a call to one spreadsheet needs to know.
pub(crate) struct Call<'a> {
    pub(crate) route: &'a Route,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    pub(crate) url: String,
    pub(crate) now: DateTime<Utc>,
}

impl Call<'_> {
    fn query(&self) -> &Query {
        &self.request.query
    }

    fn mask(&self) -> Answer<Mask> {
        match self
            .query()
            .get("fields")
            .or_else(|| self.query().get("$fields"))
        {
            Some(text) if !text.is_empty() => Mask::parse(text),
            _ => Ok(Mask::All),
        }
    }
}

/// Answers a call. A write goes to a copy of the spreadsheet, which takes the place of the
/// original only when all of it succeeded. The flag tells whether something was written.
pub(crate) fn answer(held: &mut Held, call: &Call<'_>) -> Answer<(Value, bool)> {
    held.compute(call.now);
    if call.route.reads {
        return read(held, call).map(|v| (v, false));
    }
    let mut copy = held.book.clone();
    let value = write(&mut copy, call)?;
    let value = if call.mask()? == Mask::All || call.route.id.ends_with(".batchUpdate") {
        value
    } else {
        call.mask()?.filter(value)
    };
    held.book = copy;
    let value = finish(held, call, value)?;
    Ok((value, true))
}

/// What a batch answers beside its replies needs the computed results.
fn finish(held: &mut Held, call: &Call<'_>, mut value: Value) -> Answer {
    if call.route.id != "sheets.spreadsheets.batchUpdate" {
        return Ok(value);
    }
    let body = call.request.json()?;
    if body
        .get("includeSpreadsheetInResponse")
        .and_then(Value::as_bool)
        == Some(true)
    {
        held.compute(call.now);
        let texts: Vec<String> = body
            .get("responseRanges")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let ranges = texts
            .iter()
            .map(|t| values::resolve(&held.book, t).map(|t| t.range))
            .collect::<Answer<Vec<_>>>()?;
        let grid = body.get("responseIncludeGridData").and_then(Value::as_bool) == Some(true);
        let view = View {
            caller: call.caller,
            mask: &Mask::All,
            ranges: (!ranges.is_empty()).then_some(ranges),
            grid,
            url: call.url.clone(),
            overlays: BTreeMap::new(),
        };
        let updated = render::spreadsheet(&held.book, &view);
        if let Some(map) = value.as_object_mut() {
            map.insert("updatedSpreadsheet".into(), updated);
        }
    }
    Ok(call.mask()?.filter(value))
}

fn read(held: &Held, call: &Call<'_>) -> Answer {
    let book = &held.book;
    let mask = call.mask()?;
    let q = call.query();
    let how = RenderAs::from(
        q.get("valueRenderOption"),
        q.get("dateTimeRenderOption"),
        q.get("majorDimension"),
    );
    match call.route.id {
        "sheets.spreadsheets.get" => {
            let ranges = q
                .all("ranges")
                .into_iter()
                .map(|t| values::resolve(book, t).map(|t| t.range))
                .collect::<Answer<Vec<_>>>()?;
            view(held, call, &mask, ranges, q.flag("includeGridData"))
        }
        "sheets.spreadsheets.getByDataFilter" => {
            let body = call.request.json()?;
            let ranges = filters_of(&body)
                .iter()
                .map(|f| metadata::targets(book, f))
                .collect::<Answer<Vec<_>>>()?
                .into_iter()
                .flatten()
                .map(|t| t.range)
                .collect();
            let grid = body.get("includeGridData").and_then(Value::as_bool) == Some(true);
            view(held, call, &mask, ranges, grid)
        }
        "sheets.spreadsheets.values.get" => {
            let target = values::resolve(book, &call.route.arg)?;
            values::read(book, &target, how).map(|v| mask.filter(v))
        }
        "sheets.spreadsheets.values.batchGet" => {
            let ranges = q
                .all("ranges")
                .into_iter()
                .map(|t| values::resolve(book, t).and_then(|t| values::read(book, &t, how)))
                .collect::<Answer<Vec<_>>>()?;
            let mut out = json!({"spreadsheetId": book.id});
            if let Some(map) = out.as_object_mut().filter(|_| !ranges.is_empty()) {
                map.insert("valueRanges".into(), ranges.into());
            }
            Ok(mask.filter(out))
        }
        "sheets.spreadsheets.values.batchGetByDataFilter" => {
            get_by_filter(book, &call.request.json()?).map(|v| mask.filter(v))
        }
        "sheets.spreadsheets.developerMetadata.get" => {
            let id = call.route.arg.parse::<i64>().ok();
            book.metadata
                .iter()
                .find(|m| Some(m.id) == id)
                .map(|m| mask.filter(render::metadata_json(m)))
                .ok_or_else(ApiError::entity_not_found)
        }
        _ => Ok(mask.filter(metadata::search(book, &filters_of(&call.request.json()?)))),
    }
}

fn view(held: &Held, call: &Call<'_>, mask: &Mask, ranges: Vec<GridRange>, grid: bool) -> Answer {
    check_spreadsheet_mask(mask)?;
    let wants_formats = (grid && *mask == Mask::All)
        || (*mask != Mask::All && mask.wants_path("sheets.data.rowData.values.effectiveFormat"));
    let overlays = match &held.engine {
        _ if !wants_formats => BTreeMap::new(),
        engine => conditional::overlays(&held.book, engine.as_ref()),
    };
    let view = View {
        caller: call.caller,
        mask,
        ranges: (!ranges.is_empty()).then_some(ranges),
        grid,
        url: call.url.clone(),
        overlays,
    };
    Ok(render::spreadsheet(&held.book, &view))
}

/// # Errors
/// The mask names a field that a spreadsheet or a tab does not have.
fn check_spreadsheet_mask(mask: &Mask) -> Answer<()> {
    const BOOK: [&str; 11] = [
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
        "*",
    ];
    const TAB: [&str; 17] = [
        "properties",
        "data",
        "merges",
        "conditionalFormats",
        "filterViews",
        "protectedRanges",
        "basicFilter",
        "charts",
        "bandedRanges",
        "developerMetadata",
        "rowGroups",
        "columnGroups",
        "slicers",
        "tables",
        "commentAnchors",
        "bandedRange",
        "*",
    ];
    const DATA: [&str; 6] = [
        "startRow",
        "startColumn",
        "rowData",
        "rowMetadata",
        "columnMetadata",
        "*",
    ];
    let check = |mask: &Mask, known: &[&str], prefix: &str| match mask {
        Mask::All => Ok(()),
        Mask::Some(fields) => match fields.keys().find(|k| !known.contains(&k.as_str())) {
            Some(bad) => Err(ApiError::bad_mask(&format!("{prefix}{bad}"))),
            None => Ok(()),
        },
    };
    check(mask, &BOOK, "")?;
    if let Some(tab) = mask.field("sheets") {
        check(tab, &TAB, "sheets.")?;
        if let Some(data) = tab.field("data") {
            check(data, &DATA, "sheets.data.")?;
        }
    }
    Ok(())
}

fn filters_of(body: &Value) -> Vec<Value> {
    body.get("dataFilters")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn text_of<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn get_by_filter(book: &Book, body: &Value) -> Answer {
    let how = RenderAs::from(
        text_of(body, "valueRenderOption"),
        text_of(body, "dateTimeRenderOption"),
        text_of(body, "majorDimension"),
    );
    // One answer a block, with all the filters that found it.
    let mut found: Vec<(Target, Vec<Value>)> = Vec::new();
    for filter in filters_of(body) {
        for target in metadata::targets(book, &filter)? {
            match found.iter_mut().find(|(t, _)| t.name == target.name) {
                Some((_, filters)) => filters.push(filter.clone()),
                None => found.push((target, vec![filter.clone()])),
            }
        }
    }
    let ranges = found
        .into_iter()
        .map(|(target, filters)| {
            Ok(json!({"valueRange": values::read(book, &target, how)?, "dataFilters": filters}))
        })
        .collect::<Answer<Vec<_>>>()?;
    let mut out = json!({"spreadsheetId": book.id});
    if let Some(map) = out.as_object_mut().filter(|_| !ranges.is_empty()) {
        map.insert("valueRanges".into(), ranges.into());
    }
    Ok(out)
}

/// Whether the input is taken as it is.
///
/// # Errors
/// The value input option is missing or unknown.
fn is_raw(option: Option<&str>) -> Answer<bool> {
    match option {
        Some("RAW") => Ok(true),
        Some("USER_ENTERED") => Ok(false),
        None | Some("INPUT_VALUE_OPTION_UNSPECIFIED") => Err(ApiError::invalid(
            "'valueInputOption' is required but not specified",
        )),
        Some(other) => Err(ApiError::field(
            "value_input_option",
            format!(
                "Invalid value at 'value_input_option' \
                 (type.googleapis.com/google.apps.sheets.v4.ValueInputOption), \"{other}\""
            ),
        )),
    }
}

fn write(book: &mut Book, call: &Call<'_>) -> Answer {
    let q = call.query();
    let arg = &call.route.arg;
    match call.route.id {
        "sheets.spreadsheets.batchUpdate" => {
            let body = call.request.json()?;
            let requests = body
                .get("requests")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let replies = batch::apply(book, &requests, call.caller)?;
            Ok(json!({
                "spreadsheetId": book.id,
                "replies": replies,
                "commentUpdateState": "NO_UPDATES_REQUESTED",
            }))
        }
        "sheets.spreadsheets.values.update" => {
            let body = call.request.json()?;
            let rows = values::rows_of(&body, "data.values")?;
            let raw = is_raw(q.get("valueInputOption"))?;
            let target = values::resolve(book, arg)?;
            let written = values::write(book, &target, &rows, raw, call.caller)?;
            let mut out = written.json(&book.id);
            if q.flag("includeValuesInResponse") {
                out.insert("updatedData".into(), updated_data(book, &written, q)?);
            }
            Ok(Value::Object(out))
        }
        "sheets.spreadsheets.values.append" => {
            let body = call.request.json()?;
            let rows = values::rows_of(&body, "data.values")?;
            let raw = is_raw(q.get("valueInputOption"))?;
            let target = values::resolve(book, arg)?;
            let inserts = q.get("insertDataOption") == Some("INSERT_ROWS");
            let (table, written) = values::append(book, &target, &rows, raw, inserts, call.caller)?;
            let mut out = Map::new();
            out.insert("spreadsheetId".into(), book.id.clone().into());
            if let Some(table) = table {
                out.insert("tableRange".into(), table.into());
            }
            let mut updates = written.json(&book.id);
            if q.flag("includeValuesInResponse") {
                updates.insert("updatedData".into(), updated_data(book, &written, q)?);
            }
            out.insert("updates".into(), Value::Object(updates));
            Ok(Value::Object(out))
        }
        "sheets.spreadsheets.values.clear" => {
            let target = values::resolve(book, arg)?;
            values::clear(book, &target, call.caller)?;
            Ok(json!({"spreadsheetId": book.id, "clearedRange": target.name}))
        }
        _ => write_many(book, call),
    }
}

fn updated_data(book: &Book, written: &values::Written, q: &Query) -> Answer {
    let how = RenderAs::from(
        q.get("responseValueRenderOption"),
        q.get("responseDateTimeRenderOption"),
        None,
    );
    let range = GridRange::from_rect(written.sheet, &written.rect);
    values::read(book, &values::of_grid(book, &range)?, how)
}

fn write_many(book: &mut Book, call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    match call.route.id {
        "sheets.spreadsheets.values.batchUpdate" => {
            let raw = is_raw(text_of(&body, "valueInputOption"))?;
            let data = body
                .get("data")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let mut all = Vec::new();
            for (i, one) in data.iter().enumerate() {
                let at = format!("Invalid data[{i}]");
                let rows = values::rows_of(one, &format!("data[{i}].values"))?;
                let target = values::resolve(book, text_of(one, "range").unwrap_or(""))
                    .map_err(|e| e.at(&at))?;
                let written =
                    values::write(book, &target, &rows, raw, call.caller).map_err(|e| e.at(&at))?;
                all.push((written, None));
            }
            totals(book, &all)
        }
        "sheets.spreadsheets.values.batchUpdateByDataFilter" => {
            let raw = is_raw(text_of(&body, "valueInputOption"))?;
            let data = body
                .get("data")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let mut all = Vec::new();
            for (i, one) in data.iter().enumerate() {
                let at = format!("Invalid data[{i}]");
                let filter = one.get("dataFilter").cloned().unwrap_or_else(|| json!({}));
                let rows = values::rows_of(one, &format!("data[{i}].values"))?;
                for target in metadata::targets(book, &filter).map_err(|e| e.at(&at))? {
                    let written = values::write(book, &target, &rows, raw, call.caller)
                        .map_err(|e| e.at(&at))?;
                    all.push((written, Some(filter.clone())));
                }
            }
            totals(book, &all)
        }
        "sheets.spreadsheets.values.batchClear" => {
            let ranges = body
                .get("ranges")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let mut names = Vec::new();
            for range in ranges.iter().filter_map(Value::as_str) {
                let target = values::resolve(book, range)?;
                values::clear(book, &target, call.caller)?;
                names.push(target.name);
            }
            Ok(json!({"spreadsheetId": book.id, "clearedRanges": names}))
        }
        _ => {
            let mut names = Vec::new();
            for filter in filters_of(&body) {
                for target in metadata::targets(book, &filter)? {
                    values::clear(book, &target, call.caller)?;
                    names.push(target.name);
                }
            }
            Ok(json!({"spreadsheetId": book.id, "clearedRanges": names}))
        }
    }
}

fn totals(book: &Book, all: &[(values::Written, Option<Value>)]) -> Answer {
    let mut rows = BTreeSet::new();
    let mut cols = BTreeSet::new();
    let mut cells = 0;
    let mut tabs = BTreeSet::new();
    let mut responses = Vec::new();
    for (written, filter) in all {
        rows.extend(written.cells.iter().map(|c| (written.sheet, c.0)));
        cols.extend(written.cells.iter().map(|c| (written.sheet, c.1)));
        cells += written.cells.len();
        if !written.cells.is_empty() {
            tabs.insert(written.sheet);
        }
        let mut one = written.json(&book.id);
        if let Some(filter) = filter {
            one.remove("spreadsheetId");
            one.insert("dataFilter".into(), filter.clone());
        }
        responses.push(Value::Object(one));
    }
    let mut out = Map::new();
    out.insert("spreadsheetId".into(), book.id.clone().into());
    for (key, n) in [
        ("totalUpdatedRows", rows.len()),
        ("totalUpdatedColumns", cols.len()),
        ("totalUpdatedCells", cells),
        ("totalUpdatedSheets", tabs.len()),
    ] {
        if n > 0 {
            out.insert(key.into(), n.into());
        }
    }
    if !responses.is_empty() {
        out.insert("responses".into(), responses.into());
    }
    Ok(Value::Object(out))
}

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
    out.extend(
        list("bandedRanges")
            .into_iter()
            .map(|b| json!({"addBanding": {"bandedRange": b}})),
    );
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
        (&mut sheet.conditional, ""),
    ] {
        for object in list {
            batch::retarget(object, tab, id);
            if let Some(map) = object.as_object_mut().filter(|_| !key.is_empty()) {
                map.insert(key.to_owned(), to.fresh_id().into());
            }
        }
    }
    to.sheets.push(std::sync::Arc::new(sheet));
    to.renumber();
    to.check_budget()?;
    to.touch_all();
    Ok(to.sheet(id)?.props.clone())
}

/// A spreadsheet's first tab as CSV.
pub(crate) fn csv(held: &mut Held, delimiter: u8, now: DateTime<Utc>) -> Vec<u8> {
    held.compute(now);
    let Some(sheet) = held.book.sheets.first() else {
        return Vec::new();
    };
    let locale = locale::Locale::of(held.book.locale());
    let (rows, cols) = sheet.used();
    let mut out = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for r in 0..rows {
        let line: Vec<String> = (0..cols)
            .map(|c| {
                sheet
                    .cells
                    .get(&(r, c))
                    .map(|x| render::shown(x, locale))
                    .unwrap_or_default()
            })
            .collect();
        if out.write_record(&line).is_err() {
            break;
        }
    }
    let mut bytes = out.into_inner().unwrap_or_default();
    // Google ends no last line.
    if bytes.ends_with(b"\r\n") {
        bytes.truncate(bytes.len() - 2);
    }
    bytes
}

/// Replaces a spreadsheet's content by CSV text.
///
/// # Errors
/// The text is no CSV.
pub(crate) fn import_csv(book: &mut Book, text: &[u8]) -> Answer<()> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let rows: Vec<Vec<Value>> = reader
        .records()
        .map(|r| r.map(|r| r.iter().map(Value::from).collect()))
        .collect::<Result<_, _>>()
        .map_err(|e| ApiError::invalid(format!("Invalid CSV: {e}")))?;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    // An import makes a new tab, named as the file, in a file of the service's own time zone.
    let mut fresh = Book::new(&book.id, book.title(), book.locale(), "America/Los_Angeles");
    let id = fresh.fresh_id();
    let mut sheet = book::Sheet::new(id, book.title(), 1000, 26);
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
