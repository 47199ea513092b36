//! Requests of an upgrade: single facets of cells, lines, merges, sizes, charts that stand.

use std::collections::BTreeMap;

use google_sheets4::api as wire;

use super::{
    add_chart, add_conditional, add_metadata, at, cell_data, dimension, file_properties,
    hide_lines, id, mask, n, protected, range, runs, size_lines, tab_properties, update_cells,
    update_dimension, update_sheet,
};
use crate::sheet::edit::{Edit, Facet};
use crate::sheet::workbook::{Cell, Chart};

/// The parts of a format that the model knows; what it does not know stays as it is.
const LOOKS: [&str; 12] = [
    "userEnteredFormat.numberFormat",
    "userEnteredFormat.backgroundColorStyle",
    "userEnteredFormat.textFormat.bold",
    "userEnteredFormat.textFormat.italic",
    "userEnteredFormat.textFormat.fontSize",
    "userEnteredFormat.textFormat.fontFamily",
    "userEnteredFormat.textFormat.foregroundColorStyle",
    "userEnteredFormat.horizontalAlignment",
    "userEnteredFormat.verticalAlignment",
    "userEnteredFormat.wrapStrategy",
    "userEnteredFormat.padding",
    "userEnteredFormat.borders",
];

/// The requests of an edit that only an upgrade makes; none for the others.
pub(super) fn requests(edit: &Edit, locale: &str) -> Vec<wire::Request> {
    match edit {
        Edit::InsertColumns { tab, column, count } => vec![wire::Request {
            insert_dimension: Some(wire::InsertDimensionRequest {
                inherit_from_before: Some(*column > 0),
                range: Some(dimension(
                    *tab,
                    "COLUMNS",
                    *column,
                    column.saturating_add(*count),
                )),
            }),
            ..Default::default()
        }],
        Edit::DeleteColumns { tab, column, count } => {
            let range = dimension(*tab, "COLUMNS", *column, column.saturating_add(*count));
            vec![wire::Request {
                delete_dimension: Some(wire::DeleteDimensionRequest { range: Some(range) }),
                ..Default::default()
            }]
        }
        Edit::Paint { tab, facet, cells } => paint(*tab, *facet, cells, locale),
        Edit::SetFile { locale, time_zone } => file_properties(locale.clone(), time_zone.clone())
            .into_iter()
            .collect(),
        Edit::SetTab(tab) => {
            let mut properties = tab_properties(tab, None);
            if let Some(grid) = properties.grid_properties.as_mut() {
                (grid.row_count, grid.column_count) = (None, None);
            }
            let fields = [
                "title",
                "hidden",
                "tabColorStyle",
                "gridProperties.frozenRowCount",
                "gridProperties.frozenColumnCount",
                "gridProperties.hideGridlines",
            ];
            vec![update_sheet(properties, &fields)]
        }
        Edit::SetSizes {
            tab,
            columns,
            sizes,
        } => size_lines(*tab, which(*columns), sizes),
        Edit::SetHidden {
            tab,
            columns,
            lines,
        } => set_hidden(*tab, which(*columns), lines),
        object => objects(object),
    }
}

/// Those of what hangs on a tab.
fn objects(edit: &Edit) -> Vec<wire::Request> {
    match edit {
        Edit::Merge { tab, rect } => vec![super::merge(*tab, rect)],
        Edit::Unmerge { tab, rect } => vec![wire::Request {
            unmerge_cells: Some(wire::UnmergeCellsRequest {
                range: Some(range(*tab, rect)),
            }),
            ..Default::default()
        }],
        Edit::DropConditional { tab, index } => vec![wire::Request {
            delete_conditional_format_rule: Some(wire::DeleteConditionalFormatRuleRequest {
                index: Some(n(*index)),
                sheet_id: Some(id(*tab)),
            }),
            ..Default::default()
        }],
        Edit::PutConditional {
            tab,
            index,
            conditional,
        } => {
            vec![add_conditional(*tab, conditional, *index as usize)]
        }
        Edit::SetChart(chart) => vec![set_chart(chart)],
        Edit::MoveChart { tab, chart } => vec![move_chart(*tab, chart)],
        Edit::DropChart { chart } => vec![wire::Request {
            delete_embedded_object: Some(wire::DeleteEmbeddedObjectRequest {
                object_id: Some(id(*chart)),
            }),
            ..Default::default()
        }],
        Edit::SetProtection { tab, protection } => vec![wire::Request {
            update_protected_range: Some(wire::UpdateProtectedRangeRequest {
                fields: mask(&["range"]),
                protected_range: Some(wire::ProtectedRange {
                    protected_range_id: Some(id(protection.id)),
                    range: Some(protected(*tab, protection)),
                    ..Default::default()
                }),
            }),
            ..Default::default()
        }],
        Edit::DropProtection { protection } => vec![wire::Request {
            delete_protected_range: Some(wire::DeleteProtectedRangeRequest {
                protected_range_id: Some(id(*protection)),
            }),
            ..Default::default()
        }],
        Edit::AddMetadata { tab, key, value } => vec![add_metadata(*tab, key, value)],
        _ => Vec::new(),
    }
}

fn which(columns: bool) -> &'static str {
    if columns { "COLUMNS" } else { "ROWS" }
}

/// One facet of cells: runs along a row, equal runs down the rows together.
fn paint(
    tab: i64,
    facet: Facet,
    cells: &BTreeMap<(u32, u32), Cell>,
    locale: &str,
) -> Vec<wire::Request> {
    let fields: &[&str] = match facet {
        Facet::Content => &["userEnteredValue"],
        Facet::Look => &LOOKS,
        Facet::Note => &["note"],
        Facet::Input => &["dataValidation"],
    };
    let mut blocks: Vec<(u32, u32, Vec<Vec<wire::CellData>>)> = Vec::new();
    for ((row, column), cell) in cells {
        let data = cell_data(cell, locale);
        match blocks.last_mut().and_then(|(top, left, rows)| {
            let bottom = *top + rows.len() as u32 - 1;
            let line = rows.last_mut()?;
            (bottom == *row && *left + line.len() as u32 == *column).then_some(line)
        }) {
            Some(line) => line.push(data),
            None => blocks.push((*row, *column, vec![vec![data]])),
        }
    }
    let mut joined: Vec<(u32, u32, Vec<Vec<wire::CellData>>)> = Vec::new();
    for (row, column, lines) in blocks {
        let width = lines.first().map_or(0, Vec::len);
        match joined.last_mut() {
            Some((top, left, rows))
                if *left == column
                    && *top + rows.len() as u32 == row
                    && rows.first().is_some_and(|first| first.len() == width) =>
            {
                rows.extend(lines);
            }
            _ => joined.push((row, column, lines)),
        }
    }
    let row_data = |cells: Vec<wire::CellData>| wire::RowData {
        values: Some(cells),
    };
    joined
        .into_iter()
        .map(|(row, column, rows)| {
            update_cells(
                at(tab, (row, column)),
                rows.into_iter().map(row_data).collect(),
                fields,
            )
        })
        .collect()
}

fn set_hidden(tab: i64, which: &str, lines: &BTreeMap<u32, bool>) -> Vec<wire::Request> {
    let of = |wanted: bool| {
        lines
            .iter()
            .filter(move |(_, hidden)| **hidden == wanted)
            .map(|(line, _)| *line)
    };
    let mut requests = hide_lines(tab, which, of(true));
    let shown = runs(of(false).map(|line| (line, 0)));
    requests.extend(shown.into_iter().map(|(start, end, _)| {
        let properties = wire::DimensionProperties {
            hidden_by_user: Some(false),
            ..Default::default()
        };
        update_dimension(
            dimension(tab, which, start, end),
            properties,
            "hiddenByUser",
        )
    }));
    requests
}

/// The requests that adding the chart would take, turned to the chart that stands.
fn set_chart(chart: &Chart) -> wire::Request {
    let added = add_chart(chart.categories.tab, chart).add_chart;
    let spec = added.and_then(|add| add.chart).and_then(|chart| chart.spec);
    wire::Request {
        update_chart_spec: Some(wire::UpdateChartSpecRequest {
            chart_id: Some(id(chart.id)),
            spec,
        }),
        ..Default::default()
    }
}

fn move_chart(tab: i64, chart: &Chart) -> wire::Request {
    let added = add_chart(tab, chart).add_chart;
    let position = added
        .and_then(|add| add.chart)
        .and_then(|chart| chart.position);
    wire::Request {
        update_embedded_object_position: Some(wire::UpdateEmbeddedObjectPositionRequest {
            fields: mask(&[
                "anchorCell",
                "offsetXPixels",
                "offsetYPixels",
                "widthPixels",
                "heightPixels",
            ]),
            new_position: position,
            object_id: Some(id(chart.id)),
        }),
        ..Default::default()
    }
}
