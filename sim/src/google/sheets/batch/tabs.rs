//! Requests about the spreadsheet's and the tabs' properties.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Work;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::number_of;
use crate::google::sheets::book::{Entered, MAX_COLUMNS, Place, Sheet, normalise};
use crate::google::sheets::formula;
use crate::google::sheets::locale::is_known;
use crate::google::sheets::mask::Mask;

pub(super) fn update_book(w: &mut Work<'_>) -> Answer<()> {
    let mask = companions(w.mask()?);
    let props = normalise(w.need("properties")?);
    if mask.wants("title")
        && props
            .get("title")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
    {
        return Err(ApiError::invalid("Title cannot be empty."));
    }
    if mask.wants("timeZone") {
        let zone = props.get("timeZone").and_then(Value::as_str).unwrap_or("");
        if zone.parse::<chrono_tz::Tz>().is_err() {
            return Err(ApiError::invalid(format!("Unknown time zone: {zone}")));
        }
    }
    if mask.wants("locale") {
        let locale = props.get("locale").and_then(Value::as_str).unwrap_or("");
        if !is_known(locale) {
            return Err(ApiError::invalid(format!("Unsupported locale: {locale}")));
        }
    }
    match &mask {
        // Everything: what the request leaves out keeps its value.
        Mask::All => merge_all(&mut w.book.props, &props),
        some => some.merge(&mut w.book.props, &props),
    }
    w.book.touch_all();
    Ok(())
}

fn merge_all(target: &mut Value, source: &Value) {
    if let (Some(to), Some(from)) = (target.as_object_mut(), source.as_object()) {
        for (k, v) in from {
            to.insert(k.clone(), v.clone());
        }
    }
}

/// A mask that names a colour also names its style, and the other way round.
pub(super) fn companions(mask: Mask) -> Mask {
    let Mask::Some(fields) = mask else {
        return mask;
    };
    let mut out = std::collections::BTreeMap::new();
    for (name, inner) in fields {
        let twin = match name.strip_suffix("Style") {
            Some(base) if base.ends_with("olor") => Some(base.to_owned()),
            _ if name.ends_with("olor") && name != "rgbColor" => Some(format!("{name}Style")),
            _ => None,
        };
        if let Some(twin) = twin {
            out.insert(twin, Mask::All);
            out.insert(name, Mask::All);
        } else {
            out.insert(name, companions(inner));
        }
    }
    Mask::Some(out)
}

fn check_title(w: &Work<'_>, title: &str, own: Option<i64>) -> Answer<()> {
    if title.is_empty() {
        return Err(ApiError::invalid("Sheet name cannot be empty."));
    }
    let taken = w
        .book
        .sheets
        .iter()
        .any(|s| Some(s.id) != own && s.title().to_lowercase() == title.to_lowercase());
    if taken {
        return Err(ApiError::invalid(format!(
            "A sheet with the name \"{title}\" already exists. Please enter another name."
        )));
    }
    Ok(())
}

fn check_id(w: &Work<'_>, id: i64) -> Answer<()> {
    if !(0..=i64::from(i32::MAX)).contains(&id) {
        return Err(ApiError::invalid(format!("Sheet id {id} is out of range.")));
    }
    if w.book.sheets.iter().any(|s| s.id == id) {
        return Err(ApiError::invalid(format!(
            "A sheet with the id {id} already exists. Please enter another id."
        )));
    }
    Ok(())
}

pub(super) fn add(w: &mut Work<'_>) -> Answer {
    let asked = normalise_props(w.get("properties").unwrap_or(&json!({})));
    let id = match asked.get("sheetId").and_then(number_of) {
        Some(id) => {
            check_id(w, id)?;
            id
        }
        None => w.book.fresh_id(),
    };
    let title = match asked.get("title").and_then(Value::as_str) {
        Some(t) => t.to_owned(),
        None => free_title(w),
    };
    check_title(w, &title, None)?;
    let mut sheet = Sheet::new(id, &title, 1000, 26);
    let index = asked.get("index").and_then(number_of);
    if let (Some(to), Some(from)) = (sheet.props.as_object_mut(), asked.as_object()) {
        for (k, v) in from {
            match (k.as_str(), to.get_mut(k)) {
                ("sheetId" | "title" | "index", _) => {}
                ("gridProperties", Some(Value::Object(grid))) => {
                    grid.extend(v.as_object().cloned().unwrap_or_default());
                }
                _ => {
                    to.insert(k.clone(), v.clone());
                }
            }
        }
    }
    check_grid(&sheet)?;
    let last = w.book.sheets.len();
    let at = index
        .and_then(|i| usize::try_from(i).ok())
        .unwrap_or(last)
        .min(last);
    w.book.sheets.insert(at, Arc::new(sheet));
    w.book.renumber();
    w.book.check_budget()?;
    w.book.touch_all();
    let props = w.book.sheet(id)?.props.clone();
    Ok(json!({"addSheet": {"properties": props}}))
}

/// A tab that holds one chart and no cells; answers its id.
pub(super) fn add_object_sheet(w: &mut Work<'_>, asked: Option<i64>) -> Answer<i64> {
    let id = match asked {
        Some(id) => {
            check_id(w, id)?;
            id
        }
        None => w.book.fresh_id(),
    };
    let mut n = 1;
    while w.book.sheet_by_title(&format!("Chart{n}")).is_some() {
        n += 1;
    }
    let mut sheet = Sheet::new(id, &format!("Chart{n}"), 0, 0);
    if let Some(props) = sheet.props.as_object_mut() {
        props.insert("sheetType".into(), "OBJECT".into());
        props.remove("gridProperties");
    }
    // A new tab of a chart stands before the others.
    w.book.sheets.insert(0, Arc::new(sheet));
    w.book.renumber();
    w.book.touch_all();
    Ok(id)
}

fn free_title(w: &Work<'_>) -> String {
    let mut n = w.book.sheets.len() + 1;
    loop {
        let title = format!("Sheet{n}");
        if w.book.sheet_by_title(&title).is_none() {
            return title;
        }
        n += 1;
    }
}

/// Sheet properties as answered: zero frozen counts and false flags are left out.
fn normalise_props(props: &Value) -> Value {
    let mut out = normalise(props);
    if let Some(Value::Object(grid)) = out.get_mut("gridProperties") {
        grid.retain(|k, v| {
            !(k.starts_with("frozen") && number_of(v) == Some(0)) && *v != Value::Bool(false)
        });
    }
    // The id and index survive normalising even when they are zero.
    if let (Some(out), Some(given)) = (out.as_object_mut(), props.as_object()) {
        for key in ["sheetId", "index"] {
            if let Some(n) = given.get(key).and_then(number_of) {
                out.insert(key.into(), n.into());
            }
        }
    }
    out
}

fn check_grid(sheet: &Sheet) -> Answer<()> {
    if !sheet.is_grid() {
        return match sheet.props.get("gridProperties") {
            Some(_) => Err(ApiError::invalid(
                "Grid properties cannot be set on a sheet that is no grid.",
            )),
            None => Ok(()),
        };
    }
    let (rows, cols) = (sheet.rows(), sheet.cols());
    if rows == 0 || cols == 0 {
        let what = if rows == 0 { "rows" } else { "columns" };
        return Err(ApiError::invalid(format!(
            "The sheet must have at least one of its {what}."
        )));
    }
    if cols > MAX_COLUMNS {
        return Err(ApiError::invalid(format!(
            "This action would increase the number of columns above the limit of {MAX_COLUMNS} \
             columns."
        )));
    }
    let frozen = |key: &str| {
        let path = format!("/gridProperties/{key}");
        sheet.props.pointer(&path).and_then(number_of).unwrap_or(0)
    };
    if frozen("frozenRowCount") >= i64::from(rows) {
        return Err(ApiError::invalid(
            "You can't freeze all visible rows on the sheet. Please leave at least one row \
             unfrozen.",
        ));
    }
    if frozen("frozenColumnCount") >= i64::from(cols) {
        return Err(ApiError::invalid(
            "You can't freeze all visible columns on the sheet. Please leave at least one column \
             unfrozen.",
        ));
    }
    Ok(())
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("sheetId").unwrap_or(0);
    let gone = w.book.sheet(id)?.title().to_owned();
    w.guard_tab(id)?;
    let visible = w
        .book
        .sheets
        .iter()
        .filter(|s| s.id != id && !s.is_hidden())
        .count();
    if visible == 0 {
        return Err(ApiError::invalid(
            "You can't remove all the visible sheets in a document.",
        ));
    }
    w.book.sheets.retain(|s| s.id != id);
    w.book.named.retain(|n| n.range.sheet != id);
    w.book.metadata.retain(|m| match m.place {
        Place::Spreadsheet => true,
        Place::Sheet(s) | Place::Line { sheet: s, .. } => s != id,
    });
    rewrite_all(w, |text| {
        formula::rewrite(text, |r| match &r.tab {
            Some(tab) if *tab == gone => formula::Fate::Gone,
            _ => formula::Fate::Same,
        })
    });
    w.book.renumber();
    w.book.touch_all();
    Ok(())
}

/// Rewrites every formula of the book.
fn rewrite_all(w: &mut Work<'_>, change: impl Fn(&str) -> Option<String>) {
    for sheet in &mut w.book.sheets {
        let changes: Vec<((u32, u32), String)> = sheet
            .cells
            .iter()
            .filter_map(|(at, cell)| match &cell.entered {
                Some(Entered::Formula(f)) => change(f).map(|new| (*at, new)),
                _ => None,
            })
            .collect();
        if changes.is_empty() {
            continue;
        }
        let sheet = Arc::make_mut(sheet);
        for (at, text) in changes {
            if let Some(cell) = sheet.cells.get_mut(&at) {
                cell.entered = Some(Entered::Formula(text));
            }
        }
    }
}

pub(super) fn duplicate(w: &mut Work<'_>) -> Answer {
    let source = w.int("sourceSheetId").unwrap_or(0);
    let original = w.book.sheet(source)?.clone();
    let id = match w.int("newSheetId") {
        Some(id) => {
            check_id(w, id)?;
            id
        }
        None => w.book.fresh_id(),
    };
    let title = match w.text("newSheetName") {
        Some(t) => t.to_owned(),
        None => format!("Copy of {}", original.title()),
    };
    check_title(w, &title, None)?;
    let copy = copy_sheet(w, &original, id, &title);
    let at = w
        .int("insertSheetIndex")
        .and_then(|i| usize::try_from(i).ok())
        .unwrap_or(0);
    let at = at.min(w.book.sheets.len());
    w.book.sheets.insert(at, Arc::new(copy));
    w.book.renumber();
    w.book.check_budget()?;
    w.book.touch_all();
    let props = w.book.sheet(id)?.props.clone();
    Ok(json!({"duplicateSheet": {"properties": props}}))
}

/// A copy of a tab under another id, with new ids for the objects on it.
fn copy_sheet(w: &mut Work<'_>, original: &Sheet, id: i64, title: &str) -> Sheet {
    let mut copy = original.clone();
    copy.id = id;
    if let Some(props) = copy.props.as_object_mut() {
        props.insert("sheetId".into(), id.into());
        props.insert("title".into(), title.into());
        props.remove("hidden");
    }
    let own = original.id;
    let fresh = |list: &mut Vec<Value>, key: &str, w: &mut Work<'_>| {
        for object in list {
            retarget(object, own, id);
            let new = w.book.fresh_id();
            if let Some(map) = object.as_object_mut().filter(|_| !key.is_empty()) {
                map.insert(key.to_owned(), new.into());
            }
        }
    };
    fresh(&mut copy.charts, "chartId", w);
    fresh(&mut copy.protected, "protectedRangeId", w);
    fresh(&mut copy.banded, "bandedRangeId", w);
    fresh(&mut copy.conditional, "", w);
    if let Some(filter) = &mut copy.filter {
        retarget(filter, own, id);
    }
    copy
}

/// Points every range of an object from one tab to another.
pub(in crate::google::sheets) fn retarget(value: &mut Value, from: i64, to: i64) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|i| retarget(i, from, to)),
        Value::Object(map) => {
            let grid = crate::google::sheets::book::is_grid_like(map);
            let here = map.get("sheetId").and_then(number_of).unwrap_or(0) == from;
            if (grid || map.contains_key("sheetId")) && here {
                map.insert("sheetId".into(), to.into());
            }
            map.values_mut().for_each(|v| retarget(v, from, to));
        }
        _ => {}
    }
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let mask = companions(w.mask()?);
    let given = w.need("properties")?.clone();
    let id = given.get("sheetId").and_then(number_of).unwrap_or(0);
    let sheet = w.book.sheet(id)?;
    let (old_title, was_hidden) = (sheet.title().to_owned(), sheet.is_hidden());
    let (old_rows, old_cols) = (sheet.rows(), sheet.cols());
    let mut props = sheet.props.clone();
    let given = normalise_props(&given);
    match &mask {
        Mask::All => merge_all(&mut props, &given),
        Mask::Some(_) => masked(&mask).merge(&mut props, &given),
    }
    // A colour that was set to nothing is no colour.
    if let Some(map) = props.as_object_mut() {
        map.retain(|k, v| !(k == "tabColorStyle" && v.as_object().is_some_and(Map::is_empty)));
    }
    restore(&mut props, &sheet.props);
    let new_title = props
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    if new_title != old_title {
        check_title(w, &new_title, Some(id))?;
    }
    let sheet = w.sheet(id)?;
    sheet.props = props;
    check_grid(sheet)?;
    if (sheet.rows(), sheet.cols()) != (old_rows, old_cols) {
        resize(w, id, old_rows, old_cols)?;
    }
    let sheet = w.book.sheet(id)?;
    if sheet.is_hidden() && !was_hidden && w.book.sheets.iter().all(|s| s.is_hidden()) {
        return Err(ApiError::invalid(
            "You can't hide all the sheets in a document.",
        ));
    }
    if mask.wants("index")
        && let Some(to) = given.get("index").and_then(number_of)
    {
        reorder(w, id, to)?;
    }
    if new_title != old_title {
        rewrite_all(w, |text| formula::rename_tab(text, &old_title, &new_title));
        w.book.touch_all();
    }
    Ok(())
}

/// The mask without what a merge must not clear.
fn masked(mask: &Mask) -> Mask {
    match mask {
        Mask::All => Mask::All,
        Mask::Some(fields) => Mask::Some(
            fields
                .iter()
                .filter(|(k, _)| !matches!(k.as_str(), "sheetId" | "index" | "sheetType"))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        ),
    }
}

/// Puts back what every tab has, whatever the mask cleared.
fn restore(props: &mut Value, before: &Value) {
    let (Some(to), Some(from)) = (props.as_object_mut(), before.as_object()) else {
        return;
    };
    for key in ["sheetId", "index", "sheetType", "title"] {
        if (key != "title" || !to.contains_key(key))
            && let Some(v) = from.get(key)
        {
            to.insert(key.into(), v.clone());
        }
    }
    let Some(old) = from
        .get("gridProperties")
        .and_then(Value::as_object)
        .cloned()
    else {
        return;
    };
    let grid = to
        .entry("gridProperties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(grid) = grid.as_object_mut() {
        for key in ["rowCount", "columnCount"] {
            if !grid.contains_key(key)
                && let Some(v) = old.get(key)
            {
                grid.insert(key.into(), v.clone());
            }
        }
    }
}

/// Cuts off what a smaller grid no longer holds.
fn resize(w: &mut Work<'_>, id: i64, old_rows: u32, old_cols: u32) -> Answer<()> {
    use crate::google::sheets::structure::{Kind, Shift, apply};
    let sheet = w.book.sheet(id)?;
    let (rows, cols) = (sheet.rows(), sheet.cols());
    for (is_rows, new, old) in [(true, rows, old_rows), (false, cols, old_cols)] {
        if new < old {
            let shift = Shift {
                sheet: id,
                rows: is_rows,
                at: new,
                count: old - new,
                kind: Kind::Delete,
                band: None,
            };
            apply(w.book, &shift)?;
        }
    }
    w.book.check_budget()
}

fn reorder(w: &mut Work<'_>, id: i64, to: i64) -> Answer<()> {
    let count = w.book.sheets.len();
    let to = usize::try_from(to)
        .ok()
        .filter(|t| *t <= count)
        .ok_or_else(|| ApiError::invalid(format!("Sheet index {to} is out of range.")))?;
    let Some(from) = w.book.sheets.iter().position(|s| s.id == id) else {
        return Ok(());
    };
    // The index counts the tabs as they stood before the move.
    let target = if to > from { to - 1 } else { to };
    let sheet = w.book.sheets.remove(from);
    w.book.sheets.insert(target.min(w.book.sheets.len()), sheet);
    w.book.renumber();
    Ok(())
}
