//! What lies over the cells: merges, conditional formats, metadata, protections, charts.

use google_sheets4::api as wire;

use super::Context;
use super::cells::{condition, text_format};
use super::names::{at, color, id, n, range};
use crate::sheet::workbook::{
    Area, Chart, ChartKind, Conditional, Format, Protection, Rect, Series, SeriesKind,
};

pub(super) fn merge(tab: i64, rect: &Rect) -> wire::Request {
    let merge = wire::MergeCellsRequest {
        merge_type: Some("MERGE_ALL".to_string()),
        range: Some(range(tab, rect)),
    };
    wire::Request {
        merge_cells: Some(merge),
        ..Default::default()
    }
}

pub(super) fn add_conditional(tab: i64, rule: &Conditional, index: usize) -> wire::Request {
    // Google takes colours, bold and italic here, and refuses the rest.
    let format = wire::CellFormat {
        background_color_style: rule.format.background.map(color),
        text_format: text_format(&Format {
            bold: rule.format.bold,
            italic: rule.format.italic,
            color: rule.format.color,
            ..Format::default()
        }),
        ..Default::default()
    };
    let add = wire::AddConditionalFormatRuleRequest {
        index: Some(i32::try_from(index).unwrap_or(i32::MAX)),
        rule: Some(wire::ConditionalFormatRule {
            ranges: Some(rule.ranges.iter().map(|rect| range(tab, rect)).collect()),
            boolean_rule: Some(wire::BooleanRule {
                condition: Some(condition("CUSTOM_FORMULA", vec![rule.formula.clone()])),
                format: Some(format),
            }),
            gradient_rule: None,
        }),
    };
    wire::Request {
        add_conditional_format_rule: Some(add),
        ..Default::default()
    }
}

pub(super) fn add_metadata(tab: i64, key: &str, value: &str) -> wire::Request {
    let location = wire::DeveloperMetadataLocation {
        sheet_id: Some(id(tab)),
        ..Default::default()
    };
    let create = wire::CreateDeveloperMetadataRequest {
        developer_metadata: Some(wire::DeveloperMetadata {
            metadata_key: Some(key.to_string()),
            metadata_value: Some(value.to_string()),
            visibility: Some("DOCUMENT".to_string()),
            location: Some(location),
            metadata_id: None,
        }),
    };
    wire::Request {
        create_developer_metadata: Some(create),
        ..Default::default()
    }
}

pub(super) fn protected(tab: i64, protection: &Protection) -> wire::GridRange {
    let whole = wire::GridRange {
        sheet_id: Some(id(tab)),
        ..Default::default()
    };
    let rect = protection.rect.as_ref();
    rect.map_or(whole, |rect| range(tab, rect))
}

pub(super) fn add_protection(
    tab: i64,
    protection: &Protection,
    context: &Context,
) -> wire::Request {
    let area = protected(tab, protection);
    // Our own account stays an editor, or our own writes would be refused.
    let editor = context.editor.as_ref().filter(|_| !protection.warning_only);
    let editors = editor.map(|editor| wire::Editors {
        users: Some(vec![editor.clone()]),
        ..Default::default()
    });
    let add = wire::AddProtectedRangeRequest {
        protected_range: Some(wire::ProtectedRange {
            range: Some(area),
            description: Some(protection.description.clone()),
            warning_only: Some(protection.warning_only),
            editors,
            ..Default::default()
        }),
    };
    wire::Request {
        add_protected_range: Some(add),
        ..Default::default()
    }
}

pub(super) fn add_chart(tab: i64, chart: &Chart) -> wire::Request {
    let spec = wire::ChartSpec {
        title: (!chart.title.is_empty()).then(|| chart.title.clone()),
        subtitle: (!chart.subtitle.is_empty()).then(|| chart.subtitle.clone()),
        // The data may stand in hidden rows and columns.
        hidden_dimension_strategy: Some("SHOW_ALL".to_string()),
        basic_chart: Some(basic_chart(chart)),
        ..Default::default()
    };
    let position = wire::EmbeddedObjectPosition {
        overlay_position: Some(wire::OverlayPosition {
            anchor_cell: Some(at(tab, chart.anchor)),
            offset_x_pixels: Some(n(chart.offset.0)),
            offset_y_pixels: Some(n(chart.offset.1)),
            width_pixels: Some(n(chart.size.0)),
            height_pixels: Some(n(chart.size.1)),
        }),
        ..Default::default()
    };
    let add = wire::AddChartRequest {
        chart: Some(wire::EmbeddedChart {
            chart_id: Some(id(chart.id)),
            spec: Some(spec),
            position: Some(position),
            border: None,
        }),
    };
    wire::Request {
        add_chart: Some(add),
        ..Default::default()
    }
}

pub(super) fn basic_chart(chart: &Chart) -> wire::BasicChartSpec {
    let (kind, categories_axis, values_axis) = match chart.kind {
        ChartKind::Combo => ("COMBO", "BOTTOM_AXIS", "LEFT_AXIS"),
        ChartKind::Bar => ("BAR", "LEFT_AXIS", "BOTTOM_AXIS"),
    };
    let axis = |position: &str| wire::BasicChartAxis {
        position: Some(position.to_string()),
        ..Default::default()
    };
    let series = chart
        .series
        .iter()
        .map(|one| chart_series(one, chart.kind, values_axis));
    wire::BasicChartSpec {
        chart_type: Some(kind.to_string()),
        legend_position: Some("TOP_LEGEND".to_string()),
        header_count: Some(1),
        axis: Some(vec![axis(categories_axis), axis(values_axis)]),
        domains: Some(vec![wire::BasicChartDomain {
            domain: Some(chart_data(&chart.categories)),
            reversed: None,
        }]),
        series: Some(series.collect()),
        ..Default::default()
    }
}

pub(super) fn chart_series(
    series: &Series,
    chart: ChartKind,
    axis: &str,
) -> wire::BasicChartSeries {
    let line = series.kind == SeriesKind::Line;
    let style = if series.dashed {
        "MEDIUM_DASHED"
    } else {
        "SOLID"
    };
    wire::BasicChartSeries {
        series: Some(chart_data(&series.values)),
        target_axis: Some(axis.to_string()),
        // Google takes a type of a series in a combo chart only.
        type_: (chart == ChartKind::Combo)
            .then(|| if line { "LINE" } else { "COLUMN" }.to_string()),
        color_style: Some(color(series.color)),
        line_style: line.then(|| wire::LineStyle {
            type_: Some(style.to_string()),
            width: Some(if series.thin { 1 } else { 2 }),
        }),
        point_style: (line && series.points).then(|| wire::PointStyle {
            shape: Some("CIRCLE".to_string()),
            size: Some(5.0),
        }),
        ..Default::default()
    }
}

pub(super) fn chart_data(area: &Area) -> wire::ChartData {
    wire::ChartData {
        source_range: Some(wire::ChartSourceRange {
            sources: Some(vec![range(area.tab, &area.rect)]),
        }),
        ..Default::default()
    }
}
