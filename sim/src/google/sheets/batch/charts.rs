//! Requests about charts: their specification, place and border.

use serde_json::{Value, json};

use super::Work;
use super::objects::{check_free, locate};
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, number_of};
use crate::google::sheets::book::{Sheet, normalise};
use crate::google::sheets::mask::Mask;

/// Default size of a chart on the grid, pixels.
const CHART_SIZE: (i64, i64) = (600, 371);

/// Where an object lies over a grid, with Google's own size where the request names none.
pub(super) fn overlay_position(w: &Work<'_>, asked: Option<&Value>) -> Answer<(i64, Value)> {
    let mut position = asked.map(normalise).unwrap_or_else(|| json!({}));
    let anchor = asked.and_then(|a| a.pointer("/overlayPosition/anchorCell"));
    let sheet = anchor
        .and_then(|a| a.get("sheetId"))
        .and_then(number_of)
        .unwrap_or(0);
    let grid = w.book.sheet(sheet)?;
    let side = |k: &str| {
        anchor
            .and_then(|a| a.get(k))
            .and_then(number_of)
            .unwrap_or(0)
    };
    if side("rowIndex") >= i64::from(grid.rows()) || side("columnIndex") >= i64::from(grid.cols()) {
        return Err(ApiError::invalid("The chart's anchor is beyond the grid."));
    }
    if let Some(map) = position.as_object_mut() {
        map.retain(|k, _| k == "overlayPosition");
        let overlay = map.entry("overlayPosition").or_insert_with(|| json!({}));
        if let Some(overlay) = overlay.as_object_mut() {
            overlay.entry("anchorCell").or_insert_with(|| json!({}));
            overlay
                .entry("widthPixels")
                .or_insert_with(|| CHART_SIZE.0.into());
            overlay
                .entry("heightPixels")
                .or_insert_with(|| CHART_SIZE.1.into());
            for key in ["offsetXPixels", "offsetYPixels"] {
                if overlay.get(key).and_then(number_of) == Some(0) {
                    overlay.remove(key);
                }
            }
            if let Some(anchor) = overlay.get_mut("anchorCell").and_then(Value::as_object_mut) {
                anchor.retain(|_, v| number_of(v) != Some(0));
            }
        }
    }
    Ok((sheet, position))
}

/// Where a chart goes: over a grid, or on a tab of its own, which is made then.
fn chart_position(w: &mut Work<'_>, asked: Option<&Value>) -> Answer<(i64, Value)> {
    let flag = |k: &str| asked.and_then(|a| a.get(k)).filter(|v| !v.is_null());
    let own = flag("sheetId").and_then(number_of);
    let fresh = flag("newSheet").and_then(Value::as_bool) == Some(true);
    let over = flag("overlayPosition").is_some();
    if u8::from(own.is_some()) + u8::from(fresh) + u8::from(over) > 1 {
        return Err(ApiError::invalid(
            "Only one of sheetId, overlayPosition or newSheet may be set.",
        ));
    }
    if own.is_none() && !fresh {
        return overlay_position(w, asked);
    }
    let id = super::tabs::add_object_sheet(w, own)?;
    Ok((id, json!({"sheetId": id})))
}

const SPECS: [&str; 10] = [
    "basicChart",
    "pieChart",
    "bubbleChart",
    "candlestickChart",
    "orgChart",
    "histogramChart",
    "waterfallChart",
    "treemapChart",
    "scorecardChart",
    "dataSourceChart",
];

fn check_spec(w: &Work<'_>, spec: &Value) -> Answer<()> {
    if !SPECS.iter().any(|k| spec.get(k).is_some()) {
        return Err(ApiError::invalid("A chart spec must be specified."));
    }
    if let Some(basic) = spec.get("basicChart") {
        let combo = basic.get("chartType").and_then(Value::as_str) == Some("COMBO");
        let series = basic.get("series").and_then(Value::as_array);
        for (i, one) in series.into_iter().flatten().enumerate() {
            let kind = one.get("type").and_then(Value::as_str);
            if let Some(kind) = kind
                && (!combo || !matches!(kind, "LINE" | "AREA" | "COLUMN"))
            {
                return Err(ApiError::invalid(format!(
                    "series[{i}].type {kind} is valid only in a COMBO chart, as LINE, AREA or \
                     COLUMN."
                )));
            }
        }
    }
    check_sources(w, spec)
}

/// Every source range of a chart has to exist.
fn check_sources(w: &Work<'_>, value: &Value) -> Answer<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|i| check_sources(w, i)),
        Value::Object(map) => map.iter().try_for_each(|(k, v)| {
            if k == "sources"
                && let Some(ranges) = v.as_array()
            {
                return ranges
                    .iter()
                    .try_for_each(|r| w.book.rect(&GridRange::from_json(r)).map(|_| ()));
            }
            check_sources(w, v)
        }),
        _ => Ok(()),
    }
}

pub(super) fn add(w: &mut Work<'_>) -> Answer {
    let asked = w.need("chart")?.clone();
    let id = check_free(
        w,
        asked.get("chartId").and_then(number_of),
        "An embedded object",
    )?;
    let spec = asked.get("spec").cloned().unwrap_or_else(|| json!({}));
    check_spec(w, &spec)?;
    let (sheet, position) = chart_position(w, asked.get("position"))?;
    let mut chart = json!({
        "chartId": id,
        "spec": with_default_spec(normalise(&spec)),
        "position": position,
    });
    if let (Some(border), Some(map)) = (asked.get("border"), chart.as_object_mut()) {
        map.insert("border".into(), normalise(border));
    }
    w.sheet(sheet)?.charts.push(chart.clone());
    Ok(json!({"addChart": {"chart": chart}}))
}

/// What Google adds to every chart spec.
fn with_default_spec(mut spec: Value) -> Value {
    if let Some(map) = spec.as_object_mut() {
        map.entry("hiddenDimensionStrategy")
            .or_insert_with(|| "SKIP_HIDDEN_ROWS_AND_COLUMNS".into());
        map.entry("fontName").or_insert_with(|| "Roboto".into());
    }
    spec
}

fn no_object(id: i64) -> ApiError {
    ApiError::invalid(format!("No embedded object with id: {id}"))
}

fn chart_at(w: &Work<'_>, id: i64) -> Answer<(i64, usize)> {
    locate(w.book, |s| &s.charts, "chartId", id).ok_or_else(|| no_object(id))
}

/// What floats over a grid: a chart or a slicer.
#[derive(Clone, Copy)]
enum Floating {
    Chart,
    Slicer,
}

impl Floating {
    fn of(self, sheet: &mut Sheet) -> &mut Vec<Value> {
        match self {
            Floating::Chart => &mut sheet.charts,
            Floating::Slicer => &mut sheet.slicers,
        }
    }
}

fn floating(w: &Work<'_>, id: i64) -> Answer<(Floating, i64, usize)> {
    if let Ok((sheet, at)) = chart_at(w, id) {
        return Ok((Floating::Chart, sheet, at));
    }
    let (sheet, at) =
        locate(w.book, |s| &s.slicers, "slicerId", id).ok_or_else(|| no_object(id))?;
    Ok((Floating::Slicer, sheet, at))
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("chartId").unwrap_or(0);
    let (sheet, at) = chart_at(w, id)?;
    let spec = w.need("spec")?.clone();
    check_spec(w, &spec)?;
    let new = with_default_spec(normalise(&spec));
    if let Some(map) = w
        .sheet(sheet)?
        .charts
        .get_mut(at)
        .and_then(Value::as_object_mut)
    {
        map.insert("spec".into(), new);
    }
    Ok(())
}

pub(super) fn relocate(w: &mut Work<'_>) -> Answer {
    let id = w.int("objectId").unwrap_or(0);
    let (kind, sheet, at) = floating(w, id)?;
    let asked = w.need("newPosition")?.clone();
    let overlay = asked.get("overlayPosition").filter(|v| !v.is_null());
    let position = match overlay {
        None => asked.clone(),
        Some(overlay) => {
            let mask = w.mask()?;
            let mut position = kind
                .of(w.sheet(sheet)?)
                .get(at)
                .and_then(|o| o.get("position"))
                .cloned()
                .unwrap_or_else(|| json!({}));
            if let Some(map) = position.as_object_mut() {
                map.remove("sheetId");
                map.entry("overlayPosition").or_insert_with(|| json!({}));
            }
            match &mask {
                Mask::All => position = asked.clone(),
                // Some clients count the mask from the position and not from the overlay.
                some if some.wants("overlayPosition") || some.wants("newPosition") => {
                    some.merge(&mut position, &asked);
                }
                some => {
                    if let Some(slot) = position.get_mut("overlayPosition") {
                        some.merge(slot, overlay);
                    }
                }
            }
            position
        }
    };
    if matches!(kind, Floating::Slicer) && overlay.is_none() {
        return Err(ApiError::invalid(
            "A slicer can be positioned only on an existing sheet.",
        ));
    }
    let mut object = kind.of(w.sheet(sheet)?).remove(at);
    let (to, position) = chart_position(w, Some(&position))?;
    if let Some(map) = object.as_object_mut() {
        map.insert("position".into(), position.clone());
    }
    kind.of(w.sheet(to)?).push(object);
    leave(w, sheet);
    Ok(json!({"updateEmbeddedObjectPosition": {"position": position}}))
}

/// A tab that stood for one chart goes with it.
fn leave(w: &mut Work<'_>, id: i64) {
    let empty = |s: &Sheet| s.id == id && !s.is_grid() && s.charts.is_empty();
    w.book.sheets.retain(|s| !empty(s));
    w.book.renumber();
}

pub(super) fn border(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("objectId").unwrap_or(0);
    let (sheet, at) = chart_at(w, id)?;
    let border = normalise(w.need("border")?);
    if let Some(map) = w
        .sheet(sheet)?
        .charts
        .get_mut(at)
        .and_then(Value::as_object_mut)
    {
        map.insert("border".into(), border);
    }
    Ok(())
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("objectId").unwrap_or(0);
    let (kind, sheet, at) = floating(w, id)?;
    kind.of(w.sheet(sheet)?).remove(at);
    leave(w, sheet);
    Ok(())
}
