//! What lies over the cells: conditional formats, protections, charts.

use google_sheets4::api as wire;

use super::cells::{condition_values, format, semicolons};
use super::{Sizes, area, color, index};
use crate::sheet::workbook::{
    Area, Chart, ChartKind, Color, Conditional, Protection, Series, SeriesKind,
};

pub(super) fn conditional(
    rule: &wire::ConditionalFormatRule,
    sizes: &Sizes,
    locale: &str,
) -> Option<Conditional> {
    let boolean = rule.boolean_rule.as_ref()?;
    let condition = boolean.condition.as_ref()?;
    if condition.type_.as_deref() != Some("CUSTOM_FORMULA") {
        return None;
    }
    let formula = condition_values(condition).into_iter().next()?;
    Some(Conditional {
        ranges: rule
            .ranges
            .iter()
            .flatten()
            .map(|range| area(range, sizes).rect)
            .collect(),
        formula: semicolons(&formula, locale),
        format: boolean.format.as_ref().map(format).unwrap_or_default(),
    })
}

pub(super) fn protection(wire: &wire::ProtectedRange, sizes: &Sizes) -> Protection {
    let bounded = |range: &&wire::GridRange| {
        range.start_row_index.is_some()
            || range.end_row_index.is_some()
            || range.start_column_index.is_some()
            || range.end_column_index.is_some()
    };
    Protection {
        id: wire.protected_range_id.unwrap_or(0).into(),
        rect: wire
            .range
            .as_ref()
            .filter(bounded)
            .map(|range| area(range, sizes).rect),
        description: wire.description.clone().unwrap_or_default(),
        warning_only: wire.warning_only.unwrap_or(false),
    }
}

/// A chart of columns, lines or bars; others the model does not know.
pub(super) fn chart(wire: &wire::EmbeddedChart, sizes: &Sizes) -> Option<Chart> {
    let spec = wire.spec.as_ref()?;
    let basic = spec.basic_chart.as_ref()?;
    let (kind, all) = match basic.chart_type.as_deref()? {
        "COMBO" => (ChartKind::Combo, None),
        "COLUMN" => (ChartKind::Combo, Some(SeriesKind::Column)),
        "LINE" => (ChartKind::Combo, Some(SeriesKind::Line)),
        "BAR" => (ChartKind::Bar, Some(SeriesKind::Column)),
        _ => return None,
    };
    let domain = basic.domains.as_ref()?.first()?.domain.as_ref()?;
    let series = basic.series.iter().flatten();
    let over = wire.position.as_ref()?.overlay_position.clone()?;
    let anchor = over.anchor_cell.unwrap_or_default();
    Some(Chart {
        id: wire.chart_id.unwrap_or(0).into(),
        kind,
        title: spec.title.clone().unwrap_or_default(),
        subtitle: spec.subtitle.clone().unwrap_or_default(),
        categories: source(domain, sizes)?,
        series: series
            .filter_map(|one| chart_series(one, all, sizes))
            .collect(),
        axis_format: String::new(),
        anchor: (index(anchor.row_index), index(anchor.column_index)),
        offset: (index(over.offset_x_pixels), index(over.offset_y_pixels)),
        size: (index(over.width_pixels), index(over.height_pixels)),
    })
}

pub(super) fn source(data: &wire::ChartData, sizes: &Sizes) -> Option<Area> {
    Some(area(
        data.source_range.as_ref()?.sources.as_ref()?.first()?,
        sizes,
    ))
}

pub(super) fn chart_series(
    wire: &wire::BasicChartSeries,
    all: Option<SeriesKind>,
    sizes: &Sizes,
) -> Option<Series> {
    let own = if wire.type_.as_deref() == Some("LINE") {
        SeriesKind::Line
    } else {
        SeriesKind::Column
    };
    let line = wire.line_style.as_ref();
    let dash = line.and_then(|style| style.type_.as_deref());
    let shape = wire
        .point_style
        .as_ref()
        .and_then(|style| style.shape.as_deref());
    Some(Series {
        values: source(wire.series.as_ref()?, sizes)?,
        kind: all.unwrap_or(own),
        color: color(wire.color_style.as_ref()).unwrap_or(Color(0, 0, 0)),
        dashed: dash.is_some_and(|dash| dash.contains("DASHED") || dash == "DOTTED"),
        thin: line.and_then(|style| style.width) == Some(1),
        points: shape.is_some(),
    })
}
