//! Requests about cells: values, formats, merges, borders, validation, sorting, searching.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Work;
use super::tabs::companions;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::{Cell, Entered, MAX_CELL_CHARS, Place, normalise};
use crate::google::sheets::engine::compare;
use crate::google::sheets::formula;
use crate::google::sheets::mask::Mask;

/// Reads an `ExtendedValue`.
fn entered(value: Option<&Value>) -> Answer<Option<Entered>> {
    let Some(Value::Object(map)) = value else {
        return Ok(None);
    };
    let Some((kind, inner)) = map.iter().find(|(_, v)| !v.is_null()) else {
        return Ok(None);
    };
    let text = || -> Answer<String> {
        let s = inner.as_str().unwrap_or_default();
        if s.chars().count() > MAX_CELL_CHARS {
            return Err(ApiError::invalid(format!(
                "Your input contains more than the maximum of {MAX_CELL_CHARS} characters in a \
                 single cell."
            )));
        }
        Ok(s.to_owned())
    };
    match kind.as_str() {
        "numberValue" => {
            let n = inner
                .as_f64()
                .or_else(|| inner.as_str().and_then(|s| s.parse().ok()));
            let bad = || ApiError::invalid(format!("Invalid value at 'number_value', {inner}"));
            Ok(Some(Entered::Number(n.ok_or_else(bad)?)))
        }
        "stringValue" => {
            let s = text()?;
            Ok((!s.is_empty()).then_some(Entered::Text(s)))
        }
        "boolValue" => Ok(Some(Entered::Bool(inner.as_bool().unwrap_or(false)))),
        "formulaValue" => {
            let s = text()?;
            if s.starts_with('=') {
                Ok(Some(Entered::Formula(s)))
            } else {
                Err(ApiError::invalid(
                    "Formula must start with an equals sign (=).",
                ))
            }
        }
        "errorValue" => Err(ApiError::invalid("Cannot set an error value.")),
        other => Err(ApiError::invalid(format!("Unknown value kind {other}."))),
    }
}

/// Fields of a cell that are computed and never written.
const READ_ONLY: [&str; 4] = [
    "effectiveValue",
    "effectiveFormat",
    "formattedValue",
    "hyperlink",
];

/// One `CellData` ready to be laid onto cells.
struct Patch<'a> {
    value: Option<Option<Entered>>,
    source: Value,
    mask: &'a Mask,
}

fn check_mask(mask: &Mask) -> Answer<()> {
    const KNOWN: [&str; 9] = [
        "userEnteredValue",
        "userEnteredFormat",
        "note",
        "dataValidation",
        "textFormatRuns",
        "pivotTable",
        "chipRuns",
        "dataSourceTable",
        "dataSourceFormula",
    ];
    if let Mask::Some(fields) = mask {
        for name in fields.keys() {
            if !KNOWN.contains(&name.as_str()) && !READ_ONLY.contains(&name.as_str()) {
                return Err(ApiError::bad_mask(name));
            }
        }
    }
    Ok(())
}

/// `mask` is the request's, with colours and their styles together.
fn patch<'a>(data: &Value, mask: &'a Mask) -> Answer<Patch<'a>> {
    let value = if mask.wants("userEnteredValue") {
        Some(entered(data.get("userEnteredValue"))?)
    } else {
        None
    };
    Ok(Patch {
        value,
        source: if plain_values(mask) {
            Value::Null
        } else {
            normalise(data)
        },
        mask,
    })
}

/// Whether the mask names values only: the common case, and the fast one.
fn plain_values(mask: &Mask) -> bool {
    matches!(mask, Mask::Some(m) if m.len() == 1 && m.contains_key("userEnteredValue"))
}

/// The request's mask, checked.
fn cell_mask(w: &Work<'_>) -> Answer<Mask> {
    let mask = w.mask()?;
    check_mask(&mask)?;
    Ok(companions(mask))
}

impl Patch<'_> {
    fn lay(&self, cell: &mut Cell) {
        if let Some(mask) = self.mask.field("userEnteredFormat") {
            let mut format = cell.format.as_deref().cloned().unwrap_or_else(|| json!({}));
            let source = self
                .source
                .get("userEnteredFormat")
                .cloned()
                .unwrap_or(Value::Null);
            mask.merge(&mut format, &source);
            let some = format.as_object().is_some_and(|m| !m.is_empty());
            cell.format = some.then(|| Arc::new(format));
        }
        if self.mask.wants("note") {
            let note = self
                .source
                .get("note")
                .and_then(Value::as_str)
                .filter(|n| !n.is_empty());
            cell.note = note.map(str::to_owned);
        }
        if self.mask.wants("dataValidation") {
            cell.validation = self
                .source
                .get("dataValidation")
                .map(|v| Arc::new(v.clone()));
        }
        for key in ["textFormatRuns", "chipRuns", "pivotTable"] {
            if self.mask.wants(key) && (self.source.get(key).is_some() || cell.extra.is_some()) {
                let mut extra = match cell.extra.as_deref() {
                    Some(Value::Object(m)) => m.clone(),
                    _ => Map::new(),
                };
                match self.source.get(key) {
                    Some(v) => extra.insert(key.to_owned(), v.clone()),
                    None => extra.remove(key),
                };
                cell.extra = (!extra.is_empty()).then(|| Arc::new(Value::Object(extra)));
            }
        }
        if let Some(value) = &self.value {
            cell.enter(value.clone());
        }
    }
}

fn lay(w: &mut Work<'_>, sheet: i64, at: (u32, u32), patch: &Patch<'_>) -> Answer<()> {
    w.sheet(sheet)?.edit(at, |cell| patch.lay(cell));
    if patch.value.is_some() {
        w.book.touch(sheet, at);
    }
    Ok(())
}

fn rows_of(body: &Value) -> Vec<Vec<Value>> {
    let lines = body
        .get("rows")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    lines
        .into_iter()
        .map(|row| match row.get("values") {
            Some(Value::Array(cells)) => cells.clone(),
            _ => Vec::new(),
        })
        .collect()
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let mask = cell_mask(w)?;
    let rows = rows_of(w.body);
    let empty = json!({});
    if let Some(start) = w.get("start") {
        let side = |k: &str| start.get(k).and_then(number_of).unwrap_or(0);
        let (sheet, r0, c0) = (side("sheetId"), side("rowIndex"), side("columnIndex"));
        let to_u32 =
            |n: i64| u32::try_from(n).map_err(|_| ApiError::invalid(format!("Invalid index {n}.")));
        let (r0, c0) = (to_u32(r0)?, to_u32(c0)?);
        let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let rect = Rect {
            r0,
            c0,
            r1: r0 + rows.len() as u32,
            c1: c0 + width,
        };
        check_inside(w, sheet, &rect)?;
        w.guard(sheet, &rect)?;
        for (i, row) in rows.iter().enumerate() {
            for (j, data) in row.iter().enumerate() {
                let patch = patch(data, &mask).map_err(|e| in_cell(e, i, j))?;
                lay(w, sheet, (r0 + i as u32, c0 + j as u32), &patch)?;
            }
        }
        return Ok(());
    }
    if w.get("range").is_none() {
        return Err(ApiError::invalid("Must specify either start or range."));
    }
    let (sheet, rect) = w.rect("range")?;
    w.guard(sheet, &rect)?;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    if rows.len() > rect.rows() as usize || width > rect.cols() as usize {
        return Err(ApiError::invalid(
            "Attempting to write more cells than the range has.",
        ));
    }
    // Cells of the range for which no data came are cleared.
    let blank = patch(&empty, &mask)?;
    for r in rect.r0..rect.r1 {
        let row = rows.get((r - rect.r0) as usize);
        for c in rect.c0..rect.c1 {
            match row.and_then(|row| row.get((c - rect.c0) as usize)) {
                Some(data) => {
                    let (i, j) = ((r - rect.r0) as usize, (c - rect.c0) as usize);
                    let patch = patch(data, &mask).map_err(|e| in_cell(e, i, j))?;
                    lay(w, sheet, (r, c), &patch)?;
                }
                None if w.book.sheet(sheet)?.cells.contains_key(&(r, c)) => {
                    lay(w, sheet, (r, c), &blank)?;
                }
                None => {}
            }
        }
    }
    Ok(())
}

fn in_cell(e: ApiError, row: usize, col: usize) -> ApiError {
    e.at(&format!("rows[{row}].values[{col}]"))
}

fn check_inside(w: &Work<'_>, sheet: i64, rect: &Rect) -> Answer<()> {
    let s = w.book.sheet(sheet)?;
    if rect.r1 > s.rows() || rect.c1 > s.cols() {
        return Err(ApiError::invalid(format!(
            "Attempting to write column: {}, beyond the last requested column of: {}, or row: {}, \
             beyond the last row of: {}",
            rect.c1.saturating_sub(1),
            s.cols().saturating_sub(1),
            rect.r1.saturating_sub(1),
            s.rows().saturating_sub(1)
        )));
    }
    Ok(())
}

pub(super) fn repeat(w: &mut Work<'_>) -> Answer<()> {
    let mask = cell_mask(w)?;
    let (sheet, rect) = w.rect("range")?;
    w.guard(sheet, &rect)?;
    let cell = w.get("cell").cloned().unwrap_or_else(|| json!({}));
    let first = patch(&cell, &mask)?;
    for r in rect.r0..rect.r1 {
        for c in rect.c0..rect.c1 {
            // A repeated formula counts its relative references from each cell.
            if let Some(Some(Entered::Formula(f))) = &first.value {
                let (dr, dc) = (i64::from(r - rect.r0), i64::from(c - rect.c0));
                let moved = Patch {
                    value: Some(Some(Entered::Formula(formula::shift_relative(f, dr, dc)))),
                    source: first.source.clone(),
                    mask: first.mask,
                };
                lay(w, sheet, (r, c), &moved)?;
            } else {
                lay(w, sheet, (r, c), &first)?;
            }
        }
    }
    Ok(())
}

pub(super) fn append(w: &mut Work<'_>) -> Answer<()> {
    let mask = cell_mask(w)?;
    let id = w.int("sheetId").unwrap_or(0);
    let rows = rows_of(w.body);
    let start = w.book.sheet(id)?.used().0;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let end = start + rows.len() as u32;
    w.sheet(id)?.grow(end, width);
    w.book.check_budget()?;
    w.guard(
        id,
        &Rect {
            r0: start,
            c0: 0,
            r1: end,
            c1: width,
        },
    )?;
    for (i, row) in rows.iter().enumerate() {
        for (j, data) in row.iter().enumerate() {
            let patch = patch(data, &mask)?;
            lay(w, id, (start + i as u32, j as u32), &patch)?;
        }
    }
    Ok(())
}

pub(super) fn merge(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let parts: Vec<Rect> = match w.text("mergeType") {
        Some("MERGE_ROWS") => (rect.r0..rect.r1)
            .map(|r| Rect {
                r0: r,
                r1: r + 1,
                ..rect
            })
            .collect(),
        Some("MERGE_COLUMNS") => (rect.c0..rect.c1)
            .map(|c| Rect {
                c0: c,
                c1: c + 1,
                ..rect
            })
            .collect(),
        _ => vec![rect],
    };
    let sheet = w.sheet(id)?;
    if sheet
        .merges
        .iter()
        .any(|m| m.meets(&rect) && !rect.covers(m))
    {
        return Err(ApiError::invalid(
            "You must select all cells in a merged range to merge or unmerge them.",
        ));
    }
    sheet.merges.retain(|m| !m.meets(&rect));
    let parts: Vec<Rect> = parts
        .into_iter()
        .filter(|p| p.rows() * p.cols() > 1)
        .collect();
    let mut gone = Vec::new();
    for part in &parts {
        let inner = sheet
            .block(*part)
            .filter(|(at, _)| *at != (part.r0, part.c0));
        gone.extend(inner.filter(|(_, c)| c.has_value()).map(|(at, _)| at));
    }
    sheet.merges.extend(parts);
    // Only the first cell of a merge keeps its value.
    for at in gone {
        w.sheet(id)?.edit(at, |cell| cell.enter(None));
        w.book.touch(id, at);
    }
    Ok(())
}

pub(super) fn unmerge(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let sheet = w.sheet(id)?;
    if sheet
        .merges
        .iter()
        .any(|m| m.meets(&rect) && !rect.covers(m))
    {
        return Err(ApiError::invalid(
            "You must select all cells in a merged range to merge or unmerge them.",
        ));
    }
    sheet.merges.retain(|m| !rect.covers(m));
    Ok(())
}

pub(super) fn borders(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let side = |key: &str| w.get(key).map(normalise);
    let (top, bottom, left, right) = (side("top"), side("bottom"), side("left"), side("right"));
    let (across, down) = (side("innerHorizontal"), side("innerVertical"));
    for r in rect.r0..rect.r1 {
        for c in rect.c0..rect.c1 {
            let pick = |outer: bool, edge: &Option<Value>, inner: &Option<Value>| {
                if outer { edge.clone() } else { inner.clone() }
            };
            let set = [
                ("top", pick(r == rect.r0, &top, &across)),
                ("bottom", pick(r + 1 == rect.r1, &bottom, &across)),
                ("left", pick(c == rect.c0, &left, &down)),
                ("right", pick(c + 1 == rect.c1, &right, &down)),
            ];
            if set.iter().all(|(_, v)| v.is_none()) {
                continue;
            }
            w.sheet(id)?.edit((r, c), |cell| {
                let mut format = cell.format.as_deref().cloned().unwrap_or_else(|| json!({}));
                for (key, border) in &set {
                    let Some(border) = border else { continue };
                    let none = border.get("style").and_then(Value::as_str) == Some("NONE");
                    if let Some(map) = format.as_object_mut() {
                        let all = map.entry("borders").or_insert_with(|| json!({}));
                        if let Some(all) = all.as_object_mut() {
                            if none {
                                all.remove(*key);
                            } else {
                                all.insert((*key).to_owned(), border.clone());
                            }
                        }
                    }
                }
                cell.format = Some(Arc::new(format));
            });
        }
    }
    Ok(())
}

pub(super) fn validation(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let rule = w.get("rule").map(|r| Arc::new(normalise(r)));
    if let Some(rule) = &rule
        && rule
            .pointer("/condition/type")
            .and_then(Value::as_str)
            .is_none()
    {
        return Err(ApiError::invalid("A condition type must be specified."));
    }
    for r in rect.r0..rect.r1 {
        for c in rect.c0..rect.c1 {
            w.sheet(id)?
                .edit((r, c), |cell| cell.validation.clone_from(&rule));
        }
    }
    Ok(())
}

pub(super) fn sort(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let specs: Vec<(u32, bool)> = w
        .get("sortSpecs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|s| {
            let col = s.get("dimensionIndex").and_then(number_of).unwrap_or(0);
            let down = s.get("sortOrder").and_then(Value::as_str) == Some("DESCENDING");
            (u32::try_from(col).unwrap_or(0), !down)
        })
        .collect();
    let sheet = w.sheet(id)?;
    let mut lines: BTreeMap<u32, Vec<(u32, Cell)>> = BTreeMap::new();
    for ((r, c), cell) in sheet.block(rect) {
        lines.entry(r).or_default().push((c, cell.clone()));
    }
    let mut order: Vec<u32> = (rect.r0..rect.r1).collect();
    let key = |r: u32, c: u32| {
        sheet
            .cells
            .get(&(r, c))
            .map(|cell| cell.effective.clone())
            .unwrap_or_default()
    };
    order.sort_by(|a, b| {
        specs
            .iter()
            .map(|(c, ascending)| compare(&key(*a, *c), &key(*b, *c), *ascending))
            .find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let places: Vec<(u32, u32)> = sheet.block(rect).map(|(at, _)| at).collect();
    for at in places {
        sheet.cells.remove(&at);
    }
    let mut moved: BTreeMap<u32, u32> = BTreeMap::new();
    for (to, from) in (rect.r0..rect.r1).zip(order) {
        moved.insert(from, to);
        for (c, mut cell) in lines.remove(&from).unwrap_or_default() {
            if let Some(Entered::Formula(f)) = &cell.entered {
                let by = i64::from(to) - i64::from(from);
                cell.entered = Some(Entered::Formula(formula::shift_relative(f, by, 0)));
            }
            sheet.cells.insert((to, c), cell);
        }
    }
    // Metadata of rows goes with them.
    for m in &mut w.book.metadata {
        if let Place::Line {
            sheet,
            rows: true,
            at,
        } = &mut m.place
            && *sheet == id
            && let Some(to) = moved.get(at)
        {
            *at = *to;
        }
    }
    w.book.touch_all();
    Ok(())
}

/// What a search looks for.
struct Needle {
    pattern: regex::Regex,
    entire: bool,
}

impl Needle {
    fn of(w: &Work<'_>) -> Answer<Needle> {
        let find = w.text("find").unwrap_or("");
        if find.is_empty() {
            return Err(ApiError::invalid("Find text must not be empty."));
        }
        let text = if w.flag("searchByRegex") {
            find.to_owned()
        } else {
            regex::escape(find)
        };
        let pattern = regex::RegexBuilder::new(&text)
            .case_insensitive(!w.flag("matchCase"))
            .build()
            .map_err(|e| ApiError::invalid(format!("Invalid regular expression: {e}")))?;
        Ok(Needle {
            pattern,
            entire: w.flag("matchEntireCell"),
        })
    }

    fn replace(&self, text: &str, with: &str) -> Option<(String, usize)> {
        let whole = self.pattern.find(text).is_some_and(|m| m.as_str() == text);
        if self.entire && !whole {
            return None;
        }
        let count = self.pattern.find_iter(text).count();
        (count > 0).then(|| (self.pattern.replace_all(text, with).into_owned(), count))
    }
}

fn search_blocks(w: &Work<'_>) -> Answer<Vec<(i64, Rect)>> {
    if w.get("range").is_some() {
        let range = GridRange::from_json(w.need("range")?);
        return Ok(vec![(range.sheet, w.book.rect(&range)?)]);
    }
    if w.flag("allSheets") {
        return Ok(w.book.sheets.iter().map(|s| (s.id, s.whole())).collect());
    }
    let id = w.int("sheetId").unwrap_or(0);
    Ok(vec![(id, w.book.sheet(id)?.whole())])
}

pub(super) fn find_replace(w: &mut Work<'_>) -> Answer {
    let needle = Needle::of(w)?;
    let with = w.text("replacement").unwrap_or("").to_owned();
    let formulas_too = w.flag("includeFormulas");
    let (mut values, mut formulas, mut occurrences) = (0_usize, 0_usize, 0_usize);
    let mut rows = std::collections::BTreeSet::new();
    let mut tabs = std::collections::BTreeSet::new();
    for (id, rect) in search_blocks(w)? {
        let sheet = w.book.sheet(id)?.clone();
        for (at, cell) in sheet.block(rect) {
            let (text, is_formula) = match &cell.entered {
                Some(Entered::Formula(f)) if formulas_too => (f.clone(), true),
                Some(Entered::Text(t)) => (t.clone(), false),
                Some(Entered::Number(n)) => (n.to_string(), false),
                _ => continue,
            };
            let Some((new, count)) = needle.replace(&text, &with) else {
                continue;
            };
            w.guard(
                id,
                &Rect {
                    r0: at.0,
                    c0: at.1,
                    r1: at.0 + 1,
                    c1: at.1 + 1,
                },
            )?;
            let locale = crate::google::sheets::locale::Locale::of(w.book.locale());
            let (value, _) = crate::google::sheets::entry::parse(&new, locale);
            w.sheet(id)?.edit(at, |c| c.enter(value));
            w.book.touch(id, at);
            occurrences += count;
            *(if is_formula {
                &mut formulas
            } else {
                &mut values
            }) += 1;
            rows.insert((id, at.0));
            tabs.insert(id);
        }
    }
    let mut out = Map::new();
    for (key, n) in [
        ("valuesChanged", values),
        ("formulasChanged", formulas),
        ("rowsChanged", rows.len()),
        ("sheetsChanged", tabs.len()),
        ("occurrencesChanged", occurrences),
    ] {
        if n > 0 {
            out.insert(key.into(), n.into());
        }
    }
    Ok(json!({"findReplace": out}))
}

pub(super) fn trim(w: &mut Work<'_>) -> Answer {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let changes: Vec<((u32, u32), String)> = w
        .book
        .sheet(id)?
        .block(rect)
        .filter_map(|(at, cell)| match &cell.entered {
            Some(Entered::Text(t)) => {
                let trimmed = t.split_whitespace().collect::<Vec<_>>().join(" ");
                (trimmed != *t).then_some((at, trimmed))
            }
            _ => None,
        })
        .collect();
    let count = changes.len();
    for (at, text) in changes {
        let value = (!text.is_empty()).then_some(Entered::Text(text));
        w.sheet(id)?.edit(at, |c| c.enter(value));
        w.book.touch(id, at);
    }
    let reply = if count > 0 {
        json!({"cellsChangedCount": count})
    } else {
        json!({})
    };
    Ok(json!({"trimWhitespace": reply}))
}
