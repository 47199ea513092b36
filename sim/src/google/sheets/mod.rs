//! Sheets v4: the methods, over the spreadsheets in memory.

pub(crate) mod a1;
mod asked;
mod batch;
pub(crate) mod book;
mod conditional;
mod engine;
mod entry;
mod export;
mod formula;
mod locale;
mod make;
mod mask;
mod metadata;
mod normal;
mod numfmt;
pub(crate) mod protect;
mod render;
mod route;
mod structure;
mod values;
mod workbook;
mod xml;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use self::a1::GridRange;
pub(crate) use self::book::Book;
use self::engine::Engine;
pub(crate) use self::export::{FORMATS, render as export};
pub(crate) use self::make::{copy_tab, create, import};
pub(crate) use self::mask::Mask;
use self::protect::Caller;
use self::render::View;
pub(crate) use self::route::{Route, route};
use self::values::{RenderAs, Target};
pub(crate) use self::workbook::XLSX;
use super::http::{Answer, ApiError, Query, Request};

/// A spreadsheet with its calculation engine, which is made when first needed.
pub(crate) struct Held {
    pub(crate) book: Book,
    engine: Option<Engine>,
    /// Whether the cells were searched for formulas and none was found.
    plain: bool,
}

impl Held {
    pub(crate) fn new(book: Book) -> Held {
        Held {
            book,
            engine: None,
            plain: false,
        }
    }

    /// Whether something has to be computed. Of a spreadsheet that was found plain only the cells that
    /// changed since are looked at.
    fn needs_engine(&self) -> bool {
        let is_formula = |c: &book::Cell| matches!(c.entered, Some(book::Entered::Formula(_)));
        if self.engine.is_some() || self.book.sheets.iter().any(|s| !s.conditional.is_empty()) {
            return true;
        }
        if self.plain && !self.book.dirty.all {
            return self.book.dirty.cells.iter().any(|(id, r, c)| {
                let sheet = self.book.sheet(*id);
                sheet.is_ok_and(|s| s.cells.get(&(*r, *c)).is_some_and(is_formula))
            });
        }
        let mut cells = self.book.sheets.iter().flat_map(|s| s.cells.values());
        cells.any(is_formula)
    }

    /// Brings all results up to date.
    pub(crate) fn compute(&mut self, now: DateTime<Utc>) {
        if !self.needs_engine() {
            self.plain = true;
            self.book.dirty = book::Dirty::default();
            return;
        }
        self.plain = false;
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
    asked::check(call.route.id, call.request)?;
    held.compute(call.now);
    if call.route.reads {
        return read(held, call).map(|v| (v, false));
    }
    let mask = call.mask()?;
    let mut copy = held.book.clone();
    let value = write(&mut copy, call)?;
    held.book = copy;
    let value = finish(held, call, value)?;
    Ok((mask.filter(value), true))
}

/// What a write answers about cells needs the computed results.
fn finish(held: &mut Held, call: &Call<'_>, mut value: Value) -> Answer {
    if call.route.id != "sheets.spreadsheets.batchUpdate" {
        tell_results(held, call, &mut value)?;
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
            comments: body.get("commentsViewMode").and_then(Value::as_str)
                == Some("COMMENTS_VIEW_MODE_INCLUDED"),
            overlays: BTreeMap::new(),
        };
        let updated = render::spreadsheet(&held.book, &view);
        if let Some(map) = value.as_object_mut() {
            map.insert("updatedSpreadsheet".into(), updated);
        }
    }
    Ok(value)
}

/// Reads the values that a write was asked to answer again, now that formulas have results.
fn tell_results(held: &mut Held, call: &Call<'_>, value: &mut Value) -> Answer<()> {
    let slots: Vec<&mut Value> = match call.route.id {
        "sheets.spreadsheets.values.update" => value.get_mut("updatedData").into_iter().collect(),
        "sheets.spreadsheets.values.append" => {
            let slot = value.pointer_mut("/updates/updatedData");
            slot.into_iter().collect()
        }
        _ => {
            let all = value.get_mut("responses").and_then(Value::as_array_mut);
            let slots = all.into_iter().flatten();
            slots.filter_map(|one| one.get_mut("updatedData")).collect()
        }
    };
    if slots.is_empty() {
        return Ok(());
    }
    let how = if call.route.id.contains(".values.batch") {
        told_as(&call.request.json()?)?
    } else {
        asked_as(call.query())?
    };
    held.compute(call.now);
    for slot in slots {
        let target = values::resolve(&held.book, text_of(slot, "range").unwrap_or(""))?;
        *slot = values::read(&held.book, &target, how)?;
    }
    Ok(())
}

/// How a batch of values wants its answers.
fn told_as(body: &Value) -> Answer<RenderAs> {
    RenderAs::from(
        text_of(body, "responseValueRenderOption"),
        text_of(body, "responseDateTimeRenderOption"),
        None,
    )
}

/// How one write of values wants its answer.
fn asked_as(q: &Query) -> Answer<RenderAs> {
    RenderAs::from(
        q.get("responseValueRenderOption"),
        q.get("responseDateTimeRenderOption"),
        None,
    )
}

fn read(held: &Held, call: &Call<'_>) -> Answer {
    let book = &held.book;
    let mask = call.mask()?;
    let q = call.query();
    let how = RenderAs::from(
        q.get("valueRenderOption"),
        q.get("dateTimeRenderOption"),
        q.get("majorDimension"),
    )?;
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
        comments: matches!(
            call.query().get("commentsViewMode"),
            Some("COMMENTS_VIEW_MODE_INCLUDED" | "COMMENTS_VIEW_MODE_DEFAULT_FOR_CURRENT_ACCESS")
        ),
        overlays,
    };
    Ok(render::spreadsheet(&held.book, &view))
}

/// # Errors
/// The mask names a field that a spreadsheet or a tab does not have.
fn check_spreadsheet_mask(mask: &Mask) -> Answer<()> {
    const TAB: [&str; 16] = [
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
    ];
    const DATA: [&str; 5] = [
        "startRow",
        "startColumn",
        "rowData",
        "rowMetadata",
        "columnMetadata",
    ];
    let check = |mask: &Mask, known: &[&str], prefix: &str| match mask {
        Mask::All => Ok(()),
        Mask::Some(fields) => match fields
            .keys()
            .find(|k| *k != "*" && !known.contains(&k.as_str()))
        {
            Some(bad) => Err(ApiError::bad_mask(&format!("{prefix}{bad}"))),
            None => Ok(()),
        },
    };
    check(mask, &asked::SPREADSHEET, "")?;
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
    )?;
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
            let requests = match body.get("requests") {
                Some(Value::Array(all)) => flat(all),
                // A single message is taken for a list of one.
                Some(one @ Value::Object(_)) => vec![one.clone()],
                _ => Vec::new(),
            };
            let talks = |r: &Value| {
                r.as_object()
                    .is_some_and(|m| m.keys().any(|k| k.contains("Comment")))
            };
            let state = if requests.iter().any(talks) {
                "ALL_SAVED"
            } else {
                "NO_UPDATES_REQUESTED"
            };
            let replies = batch::apply(book, &requests, call.caller)?;
            Ok(json!({
                "spreadsheetId": book.id,
                "replies": replies,
                "commentUpdateState": state,
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

/// A list of requests; lists within it are taken as if their requests stood in it, as Google's
/// parser does.
fn flat(all: &[Value]) -> Vec<Value> {
    let mut out = Vec::with_capacity(all.len());
    for one in all {
        match one {
            Value::Array(inner) => out.extend(flat(inner)),
            other => out.push(other.clone()),
        }
    }
    out
}

fn updated_data(book: &Book, written: &values::Written, q: &Query) -> Answer {
    let how = asked_as(q)?;
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
            totals(book, &all, &body)
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
            totals(book, &all, &body)
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

fn totals(book: &Book, all: &[(values::Written, Option<Value>)], body: &Value) -> Answer {
    let told = body.get("includeValuesInResponse").and_then(Value::as_bool) == Some(true);
    let how = told_as(body)?;
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
        if told {
            let range = GridRange::from_rect(written.sheet, &written.rect);
            let data = values::read(book, &values::of_grid(book, &range)?, how)?;
            one.insert("updatedData".into(), data);
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
