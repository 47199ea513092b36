//! `spreadsheets.batchUpdate`: every request validated and applied to a copy, all or none.

mod cells;
mod charts;
mod dims;
mod fill;
mod objects;
mod paste;
mod rows;
mod shapes;
mod tables;
mod tabs;
mod talk;
mod views;

pub(super) use self::tabs::retarget;

use serde_json::{Map, Value, json};

use super::a1::{GridRange, Rect, number_of};
use super::book::{Book, Sheet};
use super::mask::Mask;
use super::protect::Caller;
use crate::google::http::{Answer, ApiError};

/// Requests that one batch may hold.
const MAX_REQUESTS: usize = 100_000;

/// One request: the spreadsheet, what is asked, by whom.
struct Work<'a> {
    book: &'a mut Book,
    body: &'a Value,
    caller: &'a Caller,
}

impl Work<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.body.get(key).filter(|v| !v.is_null())
    }

    fn need(&self, key: &str) -> Answer<&Value> {
        self.get(key)
            .ok_or_else(|| ApiError::invalid(format!("{key} must be specified.")))
    }

    fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(number_of)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn mask(&self) -> Answer<Mask> {
        match self.text("fields") {
            Some(text) if !text.is_empty() => Mask::parse(text),
            _ => Err(ApiError::invalid(
                "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)",
            )),
        }
    }

    /// The block of a `GridRange` field that must exist.
    fn rect(&self, key: &str) -> Answer<(i64, Rect)> {
        let range = GridRange::from_json(self.need(key)?);
        Ok((range.sheet, self.book.rect(&range)?))
    }

    fn guard(&self, sheet: i64, rect: &Rect) -> Answer<()> {
        super::protect::check(self.book, sheet, rect, self.caller)
    }

    fn guard_tab(&self, sheet: i64) -> Answer<()> {
        super::protect::check_tab(self.book, sheet, self.caller)
    }

    fn sheet(&mut self, id: i64) -> Answer<&mut Sheet> {
        self.book.sheet_mut(id)
    }
}

/// Applies all requests to the book, which is the caller's copy; answers the replies.
///
/// # Errors
/// The first request that cannot be applied, with its index and kind.
pub(crate) fn apply(book: &mut Book, requests: &[Value], caller: &Caller) -> Answer<Vec<Value>> {
    if requests.is_empty() {
        return Err(ApiError::invalid("Must specify at least one request."));
    }
    if requests.len() > MAX_REQUESTS {
        return Err(ApiError::invalid(format!(
            "Cannot exceed {MAX_REQUESTS} requests in a single batch."
        )));
    }
    shapes::check(requests)?;
    requests
        .iter()
        .enumerate()
        .map(|(i, request)| {
            let (kind, body) =
                single(request).map_err(|e| e.at(&format!("Invalid requests[{i}]")))?;
            let mut work = Work { book, body, caller };
            dispatch(kind, &mut work).map_err(|e| e.at(&format!("Invalid requests[{i}].{kind}")))
        })
        .collect()
}

fn single(request: &Value) -> Answer<(&str, &Value)> {
    let none = || ApiError::invalid("No request set.");
    let map: &Map<String, Value> = request.as_object().ok_or_else(none)?;
    let mut set = map.iter().filter(|(_, v)| !v.is_null());
    set.next().map(|(k, v)| (k.as_str(), v)).ok_or_else(none)
}

fn dispatch(kind: &str, w: &mut Work<'_>) -> Answer {
    let done = |r: Answer<()>| r.map(|()| json!({}));
    match kind {
        "updateSpreadsheetProperties" => done(tabs::update_book(w)),
        "addSheet" => tabs::add(w),
        "deleteSheet" => done(tabs::delete(w)),
        "duplicateSheet" => tabs::duplicate(w),
        "updateSheetProperties" => done(tabs::update(w)),
        "updateCells" => done(cells::update(w)),
        "repeatCell" => done(cells::repeat(w)),
        "appendCells" => done(cells::append(w)),
        "mergeCells" => done(cells::merge(w)),
        "unmergeCells" => done(cells::unmerge(w)),
        "updateBorders" => done(cells::borders(w)),
        "setDataValidation" => done(cells::validation(w)),
        "sortRange" => done(cells::sort(w)),
        "findReplace" => cells::find_replace(w),
        "trimWhitespace" => cells::trim(w),
        "insertDimension" => done(dims::insert(w)),
        "deleteDimension" => done(dims::delete(w)),
        "moveDimension" => done(dims::relocate(w)),
        "appendDimension" => done(dims::append(w)),
        "updateDimensionProperties" => done(dims::update(w)),
        "autoResizeDimensions" => done(dims::auto_resize(w)),
        "insertRange" => done(dims::shift_range(w, true)),
        "deleteRange" => done(dims::shift_range(w, false)),
        "addDimensionGroup" => dims::add_group(w),
        "deleteDimensionGroup" => dims::delete_group(w),
        "updateDimensionGroup" => done(dims::update_group(w)),
        "cutPaste" => done(paste::cut(w)),
        "copyPaste" => done(paste::copy(w)),
        "pasteData" => done(fill::data(w)),
        "autoFill" => done(fill::fill(w)),
        _ => object(kind, w),
    }
}

fn object(kind: &str, w: &mut Work<'_>) -> Answer {
    let done = |r: Answer<()>| r.map(|()| json!({}));
    match kind {
        "addNamedRange" => objects::add_name(w),
        "updateNamedRange" => done(objects::update_name(w)),
        "deleteNamedRange" => done(objects::delete_name(w)),
        "addProtectedRange" => objects::protect(w),
        "updateProtectedRange" => done(objects::update_protection(w)),
        "deleteProtectedRange" => done(objects::unprotect(w)),
        "addConditionalFormatRule" => done(objects::add_rule(w)),
        "updateConditionalFormatRule" => objects::update_rule(w),
        "deleteConditionalFormatRule" => objects::delete_rule(w),
        "addChart" => charts::add(w),
        "updateChartSpec" => done(charts::update(w)),
        "updateEmbeddedObjectPosition" => charts::relocate(w),
        "updateEmbeddedObjectBorder" => done(charts::border(w)),
        "deleteEmbeddedObject" => done(charts::delete(w)),
        "createDeveloperMetadata" => objects::add_metadata(w),
        "updateDeveloperMetadata" => objects::update_metadata(w),
        "deleteDeveloperMetadata" => objects::delete_metadata(w),
        "setBasicFilter" => done(objects::set_filter(w)),
        "clearBasicFilter" => done(objects::clear_filter(w)),
        "addBanding" => objects::add_banding(w),
        "updateBanding" => done(objects::update_banding(w)),
        "deleteBanding" => done(objects::delete_banding(w)),
        _ => newer(kind, w),
    }
}

fn newer(kind: &str, w: &mut Work<'_>) -> Answer {
    let done = |r: Answer<()>| r.map(|()| json!({}));
    match kind {
        "addFilterView" => views::add(w),
        "updateFilterView" => done(views::update(w)),
        "deleteFilterView" => done(views::delete(w)),
        "duplicateFilterView" => views::duplicate(w),
        "addSlicer" => views::add_slicer(w),
        "updateSlicerSpec" => done(views::update_slicer(w)),
        "addTable" => tables::add(w),
        "updateTable" => done(tables::update(w)),
        "deleteTable" => done(tables::delete(w)),
        "textToColumns" => done(rows::split(w)),
        "deleteDuplicates" => rows::drop_doubles(w),
        "randomizeRange" => done(rows::shuffle(w)),
        "insertComment" => talk::insert(w),
        "addCommentReply" => talk::reply(w),
        "updateCommentPost" => done(talk::update(w)),
        "deleteComment" => done(talk::delete(w)),
        "deleteCommentReply" => done(talk::delete_reply(w)),
        // A spreadsheet here is connected with no outside database.
        "addDataSource" => Err(ApiError::insufficient_scopes()),
        "updateDataSource" => Err(no_source(w.body.pointer("/dataSource/dataSourceId"))),
        "deleteDataSource" => Err(no_source(w.body.get("dataSourceId"))),
        "refreshDataSource" | "cancelDataSourceRefresh" => data_sources(kind, w),
        other => Err(ApiError::invalid(format!("Unknown request {other}."))),
    }
}

fn no_source(id: Option<&Value>) -> ApiError {
    let id = id.and_then(Value::as_str).unwrap_or("");
    ApiError::invalid(format!("No data source with id: {id}"))
}

/// Refreshing all of no data sources does nothing; a named one does not exist.
fn data_sources(kind: &str, w: &Work<'_>) -> Answer {
    if w.flag("isAll") {
        return Ok(json!({ kind: {} }));
    }
    Err(match w.get("references") {
        Some(_) => ApiError::invalid("The referenced cell is no data source object."),
        None => no_source(w.body.get("dataSourceId")),
    })
}
