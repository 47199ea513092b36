//! The program's words into Google's: a workbook or edits become requests of one batch.
//!
//! Values are typed, never parsed by Google: text that starts with `=` stays text, `0042` stays
//! text. A blank cell is an empty object, never a null (the hub strips nulls out of arrays, and
//! columns would shift).

mod body;
mod cells;
mod check;
mod lines;
mod locale;
mod names;
mod objects;
#[cfg(test)]
mod tests;
mod upgrade;

use std::collections::HashMap;

use google_sheets4::api as wire;

pub(super) use cells::cell_data;
use cells::{set_note, update_cells, write, write_cells};
use lines::{hide, hide_lines, runs, size_lines, sizes, update_dimension};
use names::{at, color, dimension, id, mask, n, range};
use objects::{add_chart, add_conditional, add_metadata, add_protection, merge, protected};

pub(super) use body::{Body, of_edits, of_requests};
pub(super) use check::{check, check_edits, check_requests};
pub(super) use locale::decimal_comma;

use crate::sheet::edit::Edit;
use crate::sheet::workbook::{Area, NamedRange, Rect, Tab, Workbook};

/// The title of the tab a new file is born with, until it is deleted.
const TEMPORARY: &str = "planfact: being built";

/// Whether carrying out the edits twice is the same as once.
pub(super) fn repeatable(edits: &[Edit]) -> bool {
    edits.iter().all(|edit| match edit {
        Edit::Write { .. } | Edit::SetNote { .. } | Edit::Keep { .. } => true,
        Edit::SetName(name) => !name.id.is_empty(),
        _ => false,
    })
}

/// Cells that the edits write.
pub(super) fn cells(edits: &[Edit]) -> usize {
    let of_edit = |edit: &Edit| match edit {
        Edit::Write { values, .. } => values.iter().map(Vec::len).sum(),
        Edit::AddTab(tab) => tab.cells.len(),
        Edit::Paint { cells, .. } => cells.len(),
        _ => 0,
    };
    edits.iter().map(of_edit).sum()
}

/// What the writer must know of a spreadsheet.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// Its locale.
    pub(super) locale: String,
    /// The account that must be able to edit what is protected.
    pub(super) editor: Option<String>,
    /// Conditional formats that each tab already has.
    pub(super) conditional: HashMap<i64, usize>,
}

/// Whether the requests depend on how the spreadsheet looks now.
pub(super) fn needs_context(edits: &[Edit]) -> bool {
    edits.iter().any(|edit| {
        matches!(
            edit,
            Edit::AddConditional { .. } | Edit::AddTab(_) | Edit::Paint { .. }
        )
    })
}

/// Everything that makes a newborn file the workbook: `born` is the id of its only tab.
pub(super) fn workbook(workbook: &Workbook, born: i32, editor: Option<&str>) -> Vec<wire::Request> {
    let context = Context {
        locale: workbook.locale.clone(),
        editor: editor.map(str::to_string),
        conditional: HashMap::new(),
    };
    let mut requests = Vec::new();
    requests.extend(spreadsheet_properties(workbook));
    let reused = workbook.tabs.iter().any(|tab| id(tab.id) == born);
    if !reused {
        let title = Some(TEMPORARY.to_string());
        let properties = wire::SheetProperties {
            sheet_id: Some(born),
            title,
            ..Default::default()
        };
        requests.push(update_sheet(properties, &["title"]));
    }
    for (index, tab) in workbook.tabs.iter().enumerate() {
        let properties = tab_properties(tab, Some(index));
        requests.push(if id(tab.id) == born {
            let fields = [
                "title",
                "index",
                "hidden",
                "tabColorStyle",
                "gridProperties",
            ];
            update_sheet(properties, &fields)
        } else {
            add_sheet(properties)
        });
    }
    if !reused {
        let delete = wire::DeleteSheetRequest {
            sheet_id: Some(born),
        };
        requests.push(wire::Request {
            delete_sheet: Some(delete),
            ..Default::default()
        });
    }
    // Names before the formulas that use them.
    requests.extend(workbook.names.iter().map(add_name));
    for tab in &workbook.tabs {
        requests.extend(tab_content(tab, &context));
    }
    for tab in &workbook.tabs {
        requests.extend(tab.charts.iter().map(|one| add_chart(tab.id, one)));
    }
    requests
}

fn spreadsheet_properties(workbook: &Workbook) -> Option<wire::Request> {
    let set = |text: &String| (!text.is_empty()).then(|| text.clone());
    file_properties(set(&workbook.locale), set(&workbook.time_zone))
}

fn file_properties(locale: Option<String>, time_zone: Option<String>) -> Option<wire::Request> {
    let properties = wire::SpreadsheetProperties {
        locale,
        time_zone,
        ..Default::default()
    };
    let fields: Vec<&str> = [
        ("locale", &properties.locale),
        ("timeZone", &properties.time_zone),
    ]
    .iter()
    .filter_map(|(field, value)| value.as_ref().map(|_| *field))
    .collect();
    if fields.is_empty() {
        return None;
    }
    let update = wire::UpdateSpreadsheetPropertiesRequest {
        fields: mask(&fields),
        properties: Some(properties),
    };
    Some(wire::Request {
        update_spreadsheet_properties: Some(update),
        ..Default::default()
    })
}

/// Values only: a copied formula would compute something else where it is kept.
fn keep(from: &Area, tab: i64, row: u32) -> wire::Request {
    let rect = from.rect;
    let target = Area {
        tab,
        rect: Rect {
            row_start: row,
            row_end: row.saturating_add(rect.row_end - rect.row_start),
            column_start: 0,
            column_end: rect.column_end - rect.column_start,
        },
    };
    wire::Request {
        copy_paste: Some(wire::CopyPasteRequest {
            source: Some(range(from.tab, &from.rect)),
            destination: Some(range(target.tab, &target.rect)),
            paste_type: Some("PASTE_VALUES".to_owned()),
            paste_orientation: Some("NORMAL".to_owned()),
        }),
        ..Default::default()
    }
}

/// The tab that keeps what the edits write over, and how many of its rows; `None` when they keep
/// nothing.
pub(super) fn kept(edits: &[Edit]) -> Option<(i64, u32)> {
    let kept = edits.iter().filter_map(|edit| match edit {
        Edit::Keep { from, tab, row } => {
            Some((*tab, row + (from.rect.row_end - from.rect.row_start)))
        }
        _ => None,
    });
    kept.reduce(|(tab, rows), (_, more)| (tab, rows.max(more)))
}

/// An edit as requests: one, or for a whole tab several. `conditional` is how many conditional formats
/// each tab has, those of the edits before counted.
fn requests_of(
    edit: &Edit,
    context: &Context,
    conditional: &mut HashMap<i64, usize>,
) -> Vec<wire::Request> {
    match edit {
        Edit::Write {
            tab,
            row,
            column,
            values,
        } => vec![write(*tab, (*row, *column), values)],
        Edit::InsertRows { tab, row, count } => {
            let insert = wire::InsertDimensionRequest {
                inherit_from_before: Some(*row > 0),
                range: Some(dimension(*tab, "ROWS", *row, row.saturating_add(*count))),
            };
            vec![wire::Request {
                insert_dimension: Some(insert),
                ..Default::default()
            }]
        }
        Edit::DeleteRows { tab, row, count } => {
            let range = dimension(*tab, "ROWS", *row, row.saturating_add(*count));
            let delete = wire::DeleteDimensionRequest { range: Some(range) };
            vec![wire::Request {
                delete_dimension: Some(delete),
                ..Default::default()
            }]
        }
        Edit::Keep { from, tab, row } => vec![keep(from, *tab, *row)],
        Edit::SetName(name) if name.id.is_empty() => vec![add_name(name)],
        Edit::SetName(name) => {
            let update = wire::UpdateNamedRangeRequest {
                fields: mask(&["name", "range"]),
                named_range: Some(named(name)),
            };
            vec![wire::Request {
                update_named_range: Some(update),
                ..Default::default()
            }]
        }
        Edit::SetNote { at, note } => vec![set_note(at, note.as_ref())],
        Edit::AddTab(tab) => {
            let mut requests = vec![add_sheet(tab_properties(tab, None))];
            requests.extend(tab_content(tab, context));
            requests.extend(tab.charts.iter().map(|one| add_chart(tab.id, one)));
            conditional.insert(tab.id, tab.conditional.len());
            requests
        }
        Edit::AddChart { tab, chart } => vec![add_chart(*tab, chart)],
        Edit::AddProtection { tab, protection } => {
            vec![add_protection(*tab, protection, context)]
        }
        Edit::AddConditional {
            tab,
            conditional: rule,
        } => {
            let index = conditional.entry(*tab).or_insert(0);
            *index += 1;
            vec![add_conditional(*tab, rule, *index - 1)]
        }
        other => upgrade::requests(other, &context.locale)
            .into_iter()
            .collect(),
    }
}

/// What stands on a tab except its charts.
fn tab_content(tab: &Tab, context: &Context) -> Vec<wire::Request> {
    let mut requests = Vec::new();
    requests.extend(write_cells(tab, &context.locale));
    requests.extend(sizes(tab, "COLUMNS", &tab.column_widths));
    requests.extend(sizes(tab, "ROWS", &tab.row_heights));
    requests.extend(hide(tab, "COLUMNS", &tab.hidden_columns));
    requests.extend(hide(tab, "ROWS", &tab.hidden_rows));
    requests.extend(tab.merges.iter().map(|rect| merge(tab.id, rect)));
    for (index, rule) in tab.conditional.iter().enumerate() {
        requests.push(add_conditional(tab.id, rule, index));
    }
    for (key, value) in &tab.metadata {
        requests.push(add_metadata(tab.id, key, value));
    }
    for protection in &tab.protections {
        requests.push(add_protection(tab.id, protection, context));
    }
    requests
}

fn tab_properties(tab: &Tab, index: Option<usize>) -> wire::SheetProperties {
    wire::SheetProperties {
        sheet_id: Some(id(tab.id)),
        title: Some(tab.title.clone()),
        index: index.map(|index| i32::try_from(index).unwrap_or(i32::MAX)),
        hidden: Some(tab.hidden),
        tab_color_style: tab.color.map(color),
        grid_properties: Some(wire::GridProperties {
            row_count: Some(n(tab.rows.max(1))),
            column_count: Some(n(tab.columns.max(1))),
            frozen_row_count: Some(n(tab.frozen_rows)),
            frozen_column_count: Some(n(tab.frozen_columns)),
            hide_gridlines: Some(tab.no_gridlines),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn add_sheet(properties: wire::SheetProperties) -> wire::Request {
    let add = wire::AddSheetRequest {
        properties: Some(properties),
    };
    wire::Request {
        add_sheet: Some(add),
        ..Default::default()
    }
}

fn update_sheet(properties: wire::SheetProperties, fields: &[&str]) -> wire::Request {
    let update = wire::UpdateSheetPropertiesRequest {
        fields: mask(fields),
        properties: Some(properties),
    };
    wire::Request {
        update_sheet_properties: Some(update),
        ..Default::default()
    }
}

fn named(name: &NamedRange) -> wire::NamedRange {
    wire::NamedRange {
        name: Some(name.name.clone()),
        named_range_id: (!name.id.is_empty()).then(|| name.id.clone()),
        range: Some(range(name.area.tab, &name.area.rect)),
    }
}

fn add_name(name: &NamedRange) -> wire::Request {
    let add = wire::AddNamedRangeRequest {
        named_range: Some(named(name)),
    };
    wire::Request {
        add_named_range: Some(add),
        ..Default::default()
    }
}
