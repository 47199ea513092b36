//! Spreadsheets as JSON: properties, grid data, formats in force.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::a1::{GridRange, Rect};
use super::book::{
    Book, Cell, Effective, Entered, Group, Metadata, Place, Sheet, default_format, number_json,
};
use super::locale::Locale;
use super::mask::Mask;
use super::numfmt::{format_number, format_text, general};
use super::protect::{Caller, can_edit};

/// Height of an untouched row, pixels.
const ROW_PIXELS: u32 = 21;
/// Width of an untouched column, pixels.
const COLUMN_PIXELS: u32 = 100;

/// Formats that conditional rules and banding lay over cells, by cell.
pub(crate) type Overlay = BTreeMap<(u32, u32), Value>;

/// What to answer about a spreadsheet.
pub(crate) struct View<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) mask: &'a Mask,
    /// The blocks asked for; `None` means every tab whole.
    pub(crate) ranges: Option<Vec<GridRange>>,
    pub(crate) grid: bool,
    pub(crate) url: String,
    /// Whether comment threads are told.
    pub(crate) comments: bool,
    /// Overlays by tab, when effective formats are asked for.
    pub(crate) overlays: BTreeMap<i64, Overlay>,
}

/// The whole `Spreadsheet` answer.
pub(crate) fn spreadsheet(book: &Book, view: &View<'_>) -> Value {
    let mut out = Map::new();
    out.insert("spreadsheetId".into(), book.id.clone().into());
    out.insert("properties".into(), book.props.clone());
    if let Some(mask) = view.mask.field("sheets") {
        let sheets: Vec<Value> = book
            .sheets
            .iter()
            .filter(|s| {
                view.ranges
                    .as_ref()
                    .is_none_or(|r| r.iter().any(|g| g.sheet == s.id))
            })
            .map(|s| sheet_json(book, s, view, mask))
            .collect();
        out.insert("sheets".into(), sheets.into());
    }
    if !book.named.is_empty() {
        let named: Vec<Value> = book.named.iter().map(named_json).collect();
        out.insert("namedRanges".into(), named.into());
    }
    out.insert("spreadsheetUrl".into(), view.url.clone().into());
    let own: Vec<Value> = book
        .metadata
        .iter()
        .filter(|m| m.place == Place::Spreadsheet)
        .map(metadata_json)
        .collect();
    if !own.is_empty() {
        out.insert("developerMetadata".into(), own.into());
    }
    if view.comments {
        let threads: Vec<Value> = book.threads.iter().map(|t| t.body.clone()).collect();
        out.insert(
            "commentsViewMode".into(),
            "COMMENTS_VIEW_MODE_INCLUDED".into(),
        );
        out.insert("comments".into(), threads.into());
    }
    view.mask.filter(Value::Object(out))
}

pub(crate) fn named_json(named: &super::book::Named) -> Value {
    json!({"namedRangeId": named.id, "name": named.name, "range": named.range.json()})
}

/// `DeveloperMetadata` as answered.
pub(crate) fn metadata_json(m: &Metadata) -> Value {
    let mut out = Map::new();
    out.insert("metadataId".into(), m.id.into());
    if let Some(key) = &m.key {
        out.insert("metadataKey".into(), key.clone().into());
    }
    if let Some(value) = &m.value {
        out.insert("metadataValue".into(), value.clone().into());
    }
    let location = match m.place {
        Place::Spreadsheet => json!({"locationType": "SPREADSHEET", "spreadsheet": true}),
        Place::Sheet(id) => json!({"locationType": "SHEET", "sheetId": id}),
        Place::Line { sheet, rows, at } => {
            let mut range = Map::new();
            if sheet != 0 {
                range.insert("sheetId".into(), sheet.into());
            }
            range.insert(
                "dimension".into(),
                if rows { "ROWS" } else { "COLUMNS" }.into(),
            );
            range.insert("startIndex".into(), at.into());
            range.insert("endIndex".into(), (at + 1).into());
            json!({
                "locationType": if rows { "ROW" } else { "COLUMN" },
                "dimensionRange": range,
            })
        }
    };
    out.insert("location".into(), location);
    out.insert("visibility".into(), m.visibility.clone().into());
    Value::Object(out)
}

pub(crate) fn group_json(sheet: i64, rows: bool, group: &Group) -> Value {
    let mut range = Map::new();
    if sheet != 0 {
        range.insert("sheetId".into(), sheet.into());
    }
    range.insert(
        "dimension".into(),
        if rows { "ROWS" } else { "COLUMNS" }.into(),
    );
    range.insert("startIndex".into(), group.start.into());
    range.insert("endIndex".into(), group.end.into());
    let mut out = Map::new();
    out.insert("range".into(), Value::Object(range));
    out.insert("depth".into(), group.depth.into());
    if group.collapsed {
        out.insert("collapsed".into(), true.into());
    }
    Value::Object(out)
}

/// A protected range as the caller sees it.
pub(crate) fn protected_json(stored: &Value, caller: &Caller) -> Value {
    let mut out = stored.as_object().cloned().unwrap_or_default();
    let may = can_edit(stored, caller);
    out.remove("requestingUserCanEdit");
    if may {
        out.insert("requestingUserCanEdit".into(), true.into());
    } else {
        // Who may edit is told only to those who may.
        out.remove("editors");
    }
    Value::Object(out)
}

fn sheet_json(book: &Book, sheet: &Sheet, view: &View<'_>, mask: &Mask) -> Value {
    let mut out = Map::new();
    out.insert("properties".into(), sheet.props.clone());
    let wants_data = sheet.is_grid() && (view.grid || (*mask != Mask::All && mask.wants("data")));
    if wants_data && let Some(data_mask) = mask.field("data") {
        let blocks: Vec<Rect> = match &view.ranges {
            None => vec![sheet.whole()],
            Some(ranges) => ranges
                .iter()
                .filter(|g| g.sheet == sheet.id)
                .map(|g| g.bound(sheet.rows(), sheet.cols()))
                .collect(),
        };
        let data: Vec<Value> = blocks
            .into_iter()
            .map(|rect| grid_data(book, sheet, rect, data_mask, view.overlays.get(&sheet.id)))
            .collect();
        out.insert("data".into(), data.into());
    }
    add_objects(&mut out, book, sheet, view, mask);
    if let Some(filter) = sheet.filter.as_ref().filter(|_| mask.wants("basicFilter")) {
        out.insert("basicFilter".into(), filter.clone());
    }
    Value::Object(out)
}

/// Everything that hangs on a tab beside its cells, as far as the mask wants it.
fn add_objects(
    out: &mut Map<String, Value>,
    book: &Book,
    sheet: &Sheet,
    view: &View<'_>,
    mask: &Mask,
) {
    let mut list = |key: &str, items: Vec<Value>| {
        if !items.is_empty() && mask.wants(key) {
            out.insert(key.to_owned(), items.into());
        }
    };
    list(
        "merges",
        sheet
            .merges
            .iter()
            .map(|r| GridRange::from_rect(sheet.id, r).json())
            .collect(),
    );
    list("conditionalFormats", sheet.conditional.clone());
    list(
        "protectedRanges",
        sheet
            .protected
            .iter()
            .map(|p| protected_json(p, view.caller))
            .collect(),
    );
    list("charts", sheet.charts.clone());
    list("bandedRanges", sheet.banded.clone());
    list("filterViews", sheet.filter_views.clone());
    list("slicers", sheet.slicers.clone());
    list("tables", sheet.tables.clone());
    let anchors = book
        .threads
        .iter()
        .filter(|t| view.comments && t.place.sheet == sheet.id);
    list(
        "commentAnchors",
        anchors
            .map(|t| json!({"anchorId": t.anchor(), "range": t.place.json()}))
            .collect(),
    );
    let groups = |rows: bool, all: &[Group]| {
        all.iter()
            .map(|g| group_json(sheet.id, rows, g))
            .collect::<Vec<_>>()
    };
    list("rowGroups", groups(true, &sheet.row_groups));
    list("columnGroups", groups(false, &sheet.col_groups));
    let own = Place::Sheet(sheet.id);
    list(
        "developerMetadata",
        book.metadata
            .iter()
            .filter(|m| m.place == own)
            .map(metadata_json)
            .collect(),
    );
}

fn grid_data(
    book: &Book,
    sheet: &Sheet,
    rect: Rect,
    mask: &Mask,
    overlay: Option<&Overlay>,
) -> Value {
    let mut out = Map::new();
    if rect.r0 > 0 {
        out.insert("startRow".into(), rect.r0.into());
    }
    if rect.c0 > 0 {
        out.insert("startColumn".into(), rect.c0.into());
    }
    if let Some(cell_mask) = mask.field("rowData").and_then(|m| m.field("values")) {
        let rows = row_data(book, sheet, rect, cell_mask, overlay);
        if !rows.is_empty() {
            out.insert("rowData".into(), rows.into());
        }
    }
    if mask.wants("rowMetadata") {
        out.insert(
            "rowMetadata".into(),
            dimension_data(book, sheet, true, rect.r0..rect.r1),
        );
    }
    if mask.wants("columnMetadata") {
        out.insert(
            "columnMetadata".into(),
            dimension_data(book, sheet, false, rect.c0..rect.c1),
        );
    }
    Value::Object(out)
}

fn dimension_data(book: &Book, sheet: &Sheet, rows: bool, span: std::ops::Range<u32>) -> Value {
    let dims = sheet.dims(rows);
    let lines: BTreeMap<u32, Vec<Value>> = book
        .metadata
        .iter()
        .filter_map(|m| match m.place {
            Place::Line {
                sheet: s,
                rows: r,
                at,
            } if s == sheet.id && r == rows => Some((at, metadata_json(m))),
            _ => None,
        })
        .fold(BTreeMap::new(), |mut all, (at, m)| {
            all.entry(at).or_default().push(m);
            all
        });
    let filtered = if rows {
        super::conditional::hidden_rows(book, sheet)
    } else {
        std::collections::BTreeSet::new()
    };
    let standard = if rows { ROW_PIXELS } else { COLUMN_PIXELS };
    span.map(|i| {
        let dim = dims.get(&i);
        let mut out = Map::new();
        if dim.is_some_and(|d| d.hidden) {
            out.insert("hiddenByUser".into(), true.into());
        }
        if filtered.contains(&i) {
            out.insert("hiddenByFilter".into(), true.into());
        }
        let pixels = dim.and_then(|d| d.pixels).unwrap_or(standard);
        out.insert("pixelSize".into(), pixels.into());
        if let Some(metadata) = lines.get(&i) {
            out.insert("developerMetadata".into(), metadata.clone().into());
        }
        Value::Object(out)
    })
    .collect()
}

fn row_data(
    book: &Book,
    sheet: &Sheet,
    rect: Rect,
    mask: &Mask,
    overlay: Option<&Overlay>,
) -> Vec<Value> {
    let locale = Locale::of(book.locale());
    let defaults = book
        .props
        .get("defaultFormat")
        .cloned()
        .unwrap_or_else(default_format);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let empty = Cell::default();
    let mut places: BTreeMap<(u32, u32), &Cell> = sheet.block(rect).collect();
    if mask.wants("effectiveFormat") {
        for at in overlay.into_iter().flat_map(BTreeMap::keys) {
            if rect.contains(at.0, at.1) {
                places.entry(*at).or_insert(&empty);
            }
        }
    }
    for ((r, c), cell) in places {
        let (row, col) = ((r - rect.r0) as usize, (c - rect.c0) as usize);
        if rows.len() <= row {
            rows.resize(row + 1, Vec::new());
        }
        let Some(line) = rows.get_mut(row) else {
            continue;
        };
        line.resize(col, Value::Object(Map::new()));
        let over = overlay.and_then(|o| o.get(&(r, c)));
        line.push(mask.filter(cell_json(cell, mask, locale, &defaults, over)));
    }
    rows.into_iter()
        .map(|line| {
            if line.is_empty() {
                json!({})
            } else {
                json!({"values": line})
            }
        })
        .collect()
}

/// `CellData`, as far as the mask wants it.
pub(crate) fn cell_json(
    cell: &Cell,
    mask: &Mask,
    locale: &Locale,
    defaults: &Value,
    overlay: Option<&Value>,
) -> Value {
    let mut out = Map::new();
    if let Some(entered) = cell
        .entered
        .as_ref()
        .filter(|_| mask.wants("userEnteredValue"))
    {
        out.insert("userEnteredValue".into(), entered_json(entered));
    }
    if cell.effective != Effective::Blank && mask.wants("effectiveValue") {
        out.insert("effectiveValue".into(), effective_json(&cell.effective));
    }
    if cell.effective != Effective::Blank && mask.wants("formattedValue") {
        out.insert("formattedValue".into(), shown(cell, locale).into());
    }
    if let Some(format) = cell
        .format
        .as_ref()
        .filter(|_| mask.wants("userEnteredFormat"))
    {
        out.insert("userEnteredFormat".into(), (**format).clone());
    }
    if mask.wants("effectiveFormat")
        && (cell.has_value() || cell.format.is_some() || overlay.is_some())
    {
        out.insert(
            "effectiveFormat".into(),
            effective_format(cell, defaults, overlay),
        );
    }
    if let Some(link) = &cell.link {
        out.insert("hyperlink".into(), link.clone().into());
    }
    if let Some(note) = &cell.note {
        out.insert("note".into(), note.clone().into());
    }
    if let Some(rule) = cell
        .validation
        .as_ref()
        .filter(|_| mask.wants("dataValidation"))
    {
        out.insert("dataValidation".into(), (**rule).clone());
    }
    if let Some(Value::Object(extra)) = cell.extra.as_deref() {
        for (k, v) in extra {
            out.insert(k.clone(), v.clone());
        }
    }
    Value::Object(out)
}

pub(crate) fn entered_json(entered: &Entered) -> Value {
    match entered {
        Entered::Number(n) => json!({"numberValue": number_json(*n)}),
        Entered::Text(t) => json!({"stringValue": t}),
        Entered::Bool(b) => json!({"boolValue": b}),
        Entered::Formula(f) => json!({"formulaValue": f}),
    }
}

pub(crate) fn effective_json(value: &Effective) -> Value {
    match value {
        Effective::Blank => json!({}),
        Effective::Number(n) => json!({"numberValue": number_json(*n)}),
        Effective::Text(t) => json!({"stringValue": t}),
        Effective::Bool(b) => json!({"boolValue": b}),
        Effective::Error(e) => {
            json!({"errorValue": {"type": e.kind, "message": e.message}})
        }
    }
}

/// The text that a cell shows.
pub(crate) fn shown(cell: &Cell, locale: &Locale) -> String {
    match &cell.effective {
        Effective::Blank => String::new(),
        Effective::Bool(true) => locale.yes.to_owned(),
        Effective::Bool(false) => locale.no.to_owned(),
        Effective::Error(e) => e.shown.to_owned(),
        Effective::Text(t) => match cell.number_format() {
            Some((_, pattern)) if !pattern.is_empty() => format_text(t, &pattern),
            _ => t.clone(),
        },
        Effective::Number(n) => match cell.number_format() {
            Some((kind, pattern)) => format_number(*n, &pattern_of(&kind, pattern, locale), locale),
            None => general(*n, locale),
        },
    }
}

/// A format's pattern; a type without one stands for the locale's own.
pub(crate) fn pattern_of(kind: &str, pattern: String, locale: &Locale) -> String {
    if !pattern.is_empty() {
        return pattern;
    }
    match kind {
        "NUMBER" => "#,##0.00",
        "PERCENT" => "0.00%",
        "CURRENCY" => locale.currency_pattern,
        "DATE" => locale.date_pattern,
        "TIME" => "H:mm:ss",
        "DATE_TIME" => locale.date_time_pattern,
        "SCIENTIFIC" => "0.00E+00",
        "TEXT" => "@",
        _ => "General",
    }
    .to_owned()
}

fn effective_format(cell: &Cell, defaults: &Value, overlay: Option<&Value>) -> Value {
    let mut out = defaults.clone();
    if let Some(font) = out.pointer_mut("/textFormat/fontFamily") {
        *font = "Arial".into();
    }
    let align = match &cell.effective {
        Effective::Number(_) => Some("RIGHT"),
        Effective::Bool(_) | Effective::Error(_) => Some("CENTER"),
        Effective::Text(_) => Some("LEFT"),
        Effective::Blank => None,
    };
    if let (Some(map), Some(align)) = (out.as_object_mut(), align) {
        map.insert("horizontalAlignment".into(), align.into());
    }
    if let Some(map) = out.as_object_mut() {
        map.insert("hyperlinkDisplayType".into(), "PLAIN_TEXT".into());
        if let Some((kind, pattern)) = &cell.result_format {
            map.insert(
                "numberFormat".into(),
                json!({"type": kind, "pattern": pattern}),
            );
        }
    }
    if let Some(format) = &cell.format {
        lay_over(&mut out, format);
    }
    if let Some(overlay) = overlay {
        lay_over(&mut out, overlay);
    }
    out
}

/// Lays `top` over `base`: objects field by field, colours and all else whole.
pub(crate) fn lay_over(base: &mut Value, top: &Value) {
    let (Value::Object(to), Value::Object(from)) = (base, top) else {
        return;
    };
    for (k, v) in from {
        let whole = k.ends_with("olor") || k.ends_with("Style") || !v.is_object();
        match to.get_mut(k) {
            Some(slot) if !whole && slot.is_object() => lay_over(slot, v),
            _ => {
                to.insert(k.clone(), v.clone());
            }
        }
    }
}
