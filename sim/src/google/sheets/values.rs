//! The `values` collection: reading, writing, appending, clearing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::a1::{Area, GridRange, Rect, parse_area, range_name, split_tab};
use super::book::{Book, Cell, Effective, Entered, MAX_CELL_CHARS, Sheet, number_json};
use super::entry;
use super::locale::Locale;
use super::protect::{self, Caller};
use super::render::{pattern_of, shown};
use crate::google::http::{Answer, ApiError};

/// How values are rendered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RenderAs {
    pub(crate) unformatted: bool,
    pub(crate) formula: bool,
    pub(crate) dates_as_text: bool,
    pub(crate) columns: bool,
}

/// # Errors
/// The value is none of the enum's.
fn one_of(field: &str, kind: &str, known: &[&str], value: Option<&str>) -> Answer<()> {
    match value {
        Some(v) if !v.is_empty() && !known.contains(&v) && !v.ends_with("_UNSPECIFIED") => {
            Err(ApiError::field(
                field,
                format!(
                    "Invalid value at '{field}' (type.googleapis.com/google.apps.sheets.v4.{kind}), \
                     \"{v}\""
                ),
            ))
        }
        _ => Ok(()),
    }
}

impl RenderAs {
    /// # Errors
    /// A value is none of its enum's.
    pub(crate) fn from(
        render: Option<&str>,
        dates: Option<&str>,
        major: Option<&str>,
    ) -> Answer<RenderAs> {
        let renders = ["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"];
        one_of("value_render_option", "ValueRenderOption", &renders, render)?;
        let times = ["SERIAL_NUMBER", "FORMATTED_STRING"];
        one_of(
            "date_time_render_option",
            "DateTimeRenderOption",
            &times,
            dates,
        )?;
        one_of("major_dimension", "Dimension", &["ROWS", "COLUMNS"], major)?;
        Ok(RenderAs {
            unformatted: render == Some("UNFORMATTED_VALUE"),
            formula: render == Some("FORMULA"),
            dates_as_text: dates == Some("FORMATTED_STRING"),
            columns: major == Some("COLUMNS"),
        })
    }
}

/// A range of a spreadsheet, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) sheet: i64,
    pub(crate) rect: Rect,
    /// What the caller asked for, before bounding.
    pub(crate) range: GridRange,
    /// As Google echoes it.
    pub(crate) name: String,
}

fn unable(text: &str) -> ApiError {
    ApiError::invalid(format!("Unable to parse range: {text}"))
}

/// Resolves `Tab!A1:B2`, a tab's title, a named range, or a range on the first tab.
///
/// # Errors
/// The text is no range, or it lies beyond the grid.
pub(crate) fn resolve(book: &Book, text: &str) -> Answer<Target> {
    let (tab, cells) = split_tab(text);
    if text.trim().is_empty() || text.trim_end().ends_with('!') {
        return Err(unable(text));
    }
    let (sheet, area) = match (&tab, cells) {
        (Some(tab), "") => (book.sheet_by_title(tab).ok_or_else(|| unable(text))?, None),
        (Some(tab), cells) => {
            let sheet = book.sheet_by_title(tab).ok_or_else(|| unable(text))?;
            match (parse_area(cells), book.named(cells)) {
                (Some(area), _) => (sheet, Some(area)),
                // A name may stand behind its own tab.
                (None, Some(named)) if named.range.sheet == sheet.id => {
                    return of_grid(book, &named.range);
                }
                _ => return Err(unable(text)),
            }
        }
        (None, cells) => {
            if let Some(named) = book.named(cells) {
                return of_grid(book, &named.range);
            }
            let plausible = parse_area(cells).filter(|a| a.c0.is_none_or(|c| c < 18_278));
            let exact = book.sheets.iter().find(|s| s.title() == cells);
            match (exact.or_else(|| book.sheet_by_title(cells)), plausible) {
                (Some(sheet), None) => (sheet, None),
                (_, Some(area)) => (book.sheets.first().ok_or_else(|| unable(text))?, Some(area)),
                (None, None) => return Err(unable(text)),
            }
        }
    };
    let range = match area {
        None => GridRange {
            sheet: sheet.id,
            ..GridRange::default()
        },
        Some(Area { r0, r1, c0, c1 }) => GridRange {
            sheet: sheet.id,
            r0,
            r1,
            c0,
            c1,
        },
    };
    let (rows, cols) = (sheet.rows(), sheet.cols());
    // A start beyond the grid is refused; an end beyond it is cut.
    if range.r0.is_some_and(|r| r >= rows) || range.c0.is_some_and(|c| c >= cols) {
        let asked = if cells.is_empty() { text } else { cells };
        return Err(ApiError::invalid(format!(
            "Range ({}!{asked}) exceeds grid limits. Max rows: {rows}, max columns: {cols}",
            super::a1::quote_tab(sheet.title()),
        )));
    }
    let rect = range.bound(rows, cols);
    let name = range_name(sheet.title(), &rect);
    Ok(Target {
        sheet: sheet.id,
        rect,
        range,
        name,
    })
}

/// Resolves a grid range.
pub(crate) fn of_grid(book: &Book, range: &GridRange) -> Answer<Target> {
    let sheet = book.sheet(range.sheet)?;
    let rect = range.bound(sheet.rows(), sheet.cols());
    let name = range_name(sheet.title(), &rect);
    Ok(Target {
        sheet: range.sheet,
        rect,
        range: *range,
        name,
    })
}

fn is_date(cell: &Cell) -> bool {
    cell.number_format()
        .is_some_and(|(kind, _)| matches!(kind.as_str(), "DATE" | "TIME" | "DATE_TIME"))
}

/// One cell as a value.
fn render_cell(cell: &Cell, how: RenderAs, locale: &Locale) -> Value {
    if how.formula
        && let Some(Entered::Formula(f)) = &cell.entered
    {
        return f.clone().into();
    }
    if !how.unformatted && !how.formula {
        return shown(cell, locale).into();
    }
    match &cell.effective {
        Effective::Number(n) if how.dates_as_text && is_date(cell) => {
            let (kind, pattern) = cell.number_format().unwrap_or_default();
            let pattern = pattern_of(&kind, pattern, locale);
            super::numfmt::format_number(*n, &pattern, locale).into()
        }
        Effective::Number(n) => number_json(*n),
        Effective::Text(t) => t.clone().into(),
        Effective::Bool(b) => (*b).into(),
        Effective::Error(e) => e.shown.into(),
        Effective::Blank => "".into(),
    }
}

/// Values of a block without empty rows and cells at the end.
fn matrix(sheet: &Sheet, rect: Rect, how: RenderAs, locale: &Locale) -> Vec<Vec<Value>> {
    let mut lines: Vec<Vec<Value>> = Vec::new();
    for ((r, c), cell) in sheet.block(rect) {
        let value = render_cell(cell, how, locale);
        let blank_text = cell.entered.is_none() && cell.effective == Effective::Blank;
        if blank_text || (value == "" && !matches!(cell.entered, Some(Entered::Formula(_)))) {
            continue;
        }
        let (row, col) = ((r - rect.r0) as usize, (c - rect.c0) as usize);
        let (line, place) = if how.columns { (col, row) } else { (row, col) };
        if lines.len() <= line {
            lines.resize(line + 1, Vec::new());
        }
        if let Some(slot) = lines.get_mut(line) {
            slot.resize(place.max(slot.len()), Value::from(""));
            slot.push(value);
        }
    }
    lines
}

/// A `ValueRange`.
pub(crate) fn read(book: &Book, target: &Target, how: RenderAs) -> Answer {
    let sheet = book.sheet(target.sheet)?;
    let values = matrix(sheet, target.rect, how, Locale::of(book.locale()));
    let mut out = Map::new();
    out.insert("range".into(), target.name.clone().into());
    let major = if how.columns { "COLUMNS" } else { "ROWS" };
    out.insert("majorDimension".into(), major.into());
    if !values.is_empty() {
        out.insert("values".into(), json!(values));
    }
    Ok(Value::Object(out))
}

/// What a write did.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) sheet: i64,
    pub(crate) rect: Rect,
    pub(crate) cells: BTreeSet<(u32, u32)>,
    pub(crate) name: String,
}

impl Written {
    /// `UpdateValuesResponse`.
    pub(crate) fn json(&self, id: &str) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("spreadsheetId".into(), id.into());
        out.insert("updatedRange".into(), self.name.clone().into());
        let rows: BTreeSet<u32> = self.cells.iter().map(|c| c.0).collect();
        let cols: BTreeSet<u32> = self.cells.iter().map(|c| c.1).collect();
        for (key, n) in [
            ("updatedRows", rows.len()),
            ("updatedColumns", cols.len()),
            ("updatedCells", self.cells.len()),
        ] {
            if n > 0 {
                out.insert(key.into(), n.into());
            }
        }
        out
    }
}

/// Rows of a request body's `values`, whichever dimension comes first.
///
/// # Errors
/// `values` is not a list of lists.
pub(crate) fn rows_of(body: &Value, field: &str) -> Answer<Vec<Vec<Value>>> {
    let columns = body.get("majorDimension").and_then(Value::as_str) == Some("COLUMNS");
    let lines = match body.get("values") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(lines)) => lines,
        Some(other) => return Err(bad_list(field, other)),
    };
    let mut out: Vec<Vec<Value>> = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        match line {
            Value::Array(items) => out.push(items.clone()),
            Value::Null => out.push(Vec::new()),
            other => return Err(bad_list(&format!("{field}[{i}]"), other)),
        }
    }
    Ok(if columns { transpose(out) } else { out })
}

fn transpose(lines: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|i| {
            lines
                .iter()
                .map(|l| l.get(i).cloned().unwrap_or(Value::Null))
                .collect()
        })
        .collect()
}

fn bad_list(field: &str, found: &Value) -> ApiError {
    ApiError::field(
        field,
        format!(
            "Invalid value at '{field}' (type.googleapis.com/google.protobuf.ListValue), {found}"
        ),
    )
}

/// Writes rows into a range.
///
/// # Errors
/// More rows or columns than the range has, protected cells, values that no cell takes.
pub(crate) fn write(
    book: &mut Book,
    target: &Target,
    rows: &[Vec<Value>],
    raw: bool,
    caller: &Caller,
) -> Answer<Written> {
    let title = book.sheet(target.sheet)?.title().to_owned();
    let height = rows.len() as u32;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let start = (target.rect.r0, target.rect.c0);
    check_fits(target, &title, height, width)?;
    let full = Rect {
        r0: start.0,
        c0: start.1,
        r1: start.0 + height,
        c1: start.1 + width,
    };
    let sheet = book.sheet_mut(target.sheet)?;
    sheet.grow(full.r1, full.c1);
    book.check_budget()?;
    if height > 0 && width > 0 {
        protect::check(book, target.sheet, &full, caller)?;
    }
    let mut cells = BTreeSet::new();
    for (i, row) in rows.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let at = (start.0 + i as u32, start.1 + j as u32);
            if value.is_null() {
                continue;
            }
            put(book, target.sheet, at, value, raw)?;
            cells.insert(at);
        }
    }
    let sheet = book.sheet(target.sheet)?;
    let echo = if height == 0 || width == 0 {
        target.rect
    } else {
        full
    };
    let name = range_name(sheet.title(), &echo);
    Ok(Written {
        sheet: target.sheet,
        rect: echo,
        cells,
        name,
    })
}

/// A single cell as the target means "from here on"; any other range is a limit.
fn check_fits(target: &Target, title: &str, height: u32, width: u32) -> Answer<()> {
    let single = target.rect.rows() == 1 && target.rect.cols() == 1 && target.range.r1.is_some();
    if single {
        return Ok(());
    }
    let within = || {
        let quoted = format!("'{}'", title.replace('\'', "''"));
        let cells = target.name.rsplit_once('!').map_or("", |(_, c)| c);
        format!("{quoted}!{cells}")
    };
    if target.range.r1.is_some() && height > target.rect.rows() {
        return Err(ApiError::invalid(format!(
            "Requested writing within range [{}], but tried writing to row [{}]",
            within(),
            target.rect.r1 + 1
        )));
    }
    if target.range.c1.is_some() && width > target.rect.cols() {
        return Err(ApiError::invalid(format!(
            "Requested writing within range [{}], but tried writing to column [{}]",
            within(),
            super::a1::column_name(target.rect.c1)
        )));
    }
    Ok(())
}

fn put(book: &mut Book, sheet: i64, at: (u32, u32), value: &Value, raw: bool) -> Answer<()> {
    let locale = Locale::of(book.locale());
    let (entered, brought) = match value {
        Value::Null => return Ok(()),
        Value::Bool(b) => (Some(Entered::Bool(*b)), None),
        Value::Number(n) => (Some(Entered::Number(n.as_f64().unwrap_or(0.0))), None),
        Value::String(s) => {
            if s.chars().count() > MAX_CELL_CHARS {
                return Err(ApiError::invalid(format!(
                    "Your input contains more than the maximum of {MAX_CELL_CHARS} characters in \
                     a single cell."
                )));
            }
            if raw {
                ((!s.is_empty()).then(|| Entered::Text(s.clone())), None)
            } else {
                entry::parse(s, locale)
            }
        }
        other => {
            let kind = if other.is_object() {
                "struct_value"
            } else {
                "list_value"
            };
            return Err(ApiError::invalid(format!(
                "Invalid values[{}][{}]: {kind} {other}",
                at.0, at.1
            )));
        }
    };
    book.sheet_mut(sheet)?.edit(at, |cell| {
        if let Some((kind, pattern)) = brought
            && cell.number_format().is_none()
        {
            let mut format = cell.format.as_deref().cloned().unwrap_or_else(|| json!({}));
            if let Some(map) = format.as_object_mut() {
                map.insert(
                    "numberFormat".into(),
                    json!({"type": kind, "pattern": pattern}),
                );
            }
            cell.format = Some(Arc::new(format));
        }
        cell.enter(entered);
    });
    book.touch(sheet, at);
    Ok(())
}

/// Clears the values of a range.
pub(crate) fn clear(book: &mut Book, target: &Target, caller: &Caller) -> Answer<()> {
    protect::check(book, target.sheet, &target.rect, caller)?;
    let places: Vec<(u32, u32)> = book
        .sheet(target.sheet)?
        .block(target.rect)
        .filter(|(_, c)| c.has_value())
        .map(|(at, _)| at)
        .collect();
    for at in places {
        book.sheet_mut(target.sheet)?
            .edit(at, |cell| cell.enter(None));
        book.touch(target.sheet, at);
    }
    Ok(())
}

/// The table that an append goes below: the block of values that the range touches.
fn table_of(sheet: &Sheet, rect: Rect) -> Option<Rect> {
    let filled = |r: u32, c: u32| sheet.cells.get(&(r, c)).is_some_and(Cell::has_value);
    let mut table = sheet.filled(rect)?;
    let row_empty = |r: u32, t: &Rect| (t.c0..t.c1).all(|c| !filled(r, c));
    // A table is the lowest block of the range: an empty row cuts it from what stands above.
    let mut top = table.r1;
    while top > table.r0 && !row_empty(top - 1, &table) {
        top -= 1;
    }
    table.r0 = top;
    // Grow over neighbours until nothing touches.
    loop {
        let before = table;
        let rows = table.r0.saturating_sub(1)..(table.r1 + 1).min(sheet.rows());
        let cols = table.c0.saturating_sub(1)..(table.c1 + 1).min(sheet.cols());
        for r in rows {
            for c in cols.clone() {
                if filled(r, c) && !table.contains(r, c) {
                    table.r0 = table.r0.min(r);
                    table.r1 = table.r1.max(r + 1);
                    table.c0 = table.c0.min(c);
                    table.c1 = table.c1.max(c + 1);
                }
            }
        }
        if table == before {
            return Some(table);
        }
    }
}

/// Appends rows below the table that the range touches; answers the table's name, if any.
pub(crate) fn append(
    book: &mut Book,
    target: &Target,
    rows: &[Vec<Value>],
    raw: bool,
    insert_rows: bool,
    caller: &Caller,
) -> Answer<(Option<String>, Written)> {
    let sheet = book.sheet(target.sheet)?;
    let table = table_of(sheet, target.rect);
    let table_name = table.map(|t| range_name(sheet.title(), &t));
    let start = match table {
        Some(t) => (t.r1, t.c0),
        None => (target.rect.r0, target.rect.c0),
    };
    let height = rows.len() as u32;
    let width = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    if insert_rows && height > 0 && start.0 < sheet.rows() {
        let id = target.sheet;
        super::structure::insert(book, id, true, start.0, height, false)?;
    }
    let rect = Rect {
        r0: start.0,
        c0: start.1,
        r1: start.0 + height.max(1),
        c1: start.1 + width.max(1),
    };
    let sheet = book.sheet_mut(target.sheet)?;
    sheet.grow(rect.r1, rect.c1);
    let place = Target {
        sheet: target.sheet,
        rect,
        range: GridRange::from_rect(target.sheet, &rect),
        name: range_name(sheet.title(), &rect),
    };
    let written = write(book, &place, rows, raw, caller)?;
    Ok((table_name, written))
}
