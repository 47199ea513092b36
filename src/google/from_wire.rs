//! Google's words into the program's: answers become a workbook or what was observed.
//!
//! Google leaves out what is a default (sheetId 0, index 0, false); the end of an unbounded range
//! is the end of its tab. What the model has no word for is passed over.

mod cells;
mod objects;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use google_sheets4::api as wire;

use cells::{grid, read_cells};
use objects::{chart, conditional, protection};

use super::to_wire::Context;
use crate::sheet::edit::{Grid, Observed};
use crate::sheet::workbook::{
    Area, COLUMN_WIDTH, Color, NOWHERE, NamedRange, ROW_HEIGHT, Rect, Tab, Workbook,
};

/// Rows and columns of each tab.
type Sizes = HashMap<i64, (u32, u32)>;

/// The id of the first tab.
pub(super) fn first_tab(spreadsheet: &wire::Spreadsheet) -> Option<i32> {
    let properties = spreadsheet.sheets.as_ref()?.first()?.properties.as_ref()?;
    Some(properties.sheet_id.unwrap_or(0))
}

/// What the writer must know before it adds something.
pub(super) fn context(spreadsheet: &wire::Spreadsheet) -> Context {
    let mut conditional = HashMap::new();
    for sheet in spreadsheet.sheets.iter().flatten() {
        let rules = sheet.conditional_formats.as_ref().map_or(0, Vec::len);
        conditional.insert(tab_id(sheet), rules);
    }
    let locale = spreadsheet
        .properties
        .as_ref()
        .and_then(|p| p.locale.clone());
    Context {
        locale: locale.unwrap_or_default(),
        editor: None,
        conditional,
    }
}

/// The whole spreadsheet.
pub(super) fn workbook(spreadsheet: wire::Spreadsheet) -> Workbook {
    let sizes = sizes(&spreadsheet);
    let mut names = names(&spreadsheet, &sizes);
    names.extend(lost_names(&spreadsheet));
    let properties = spreadsheet.properties.unwrap_or_default();
    let locale = properties.locale.unwrap_or_default();
    let mut sheets = spreadsheet.sheets.unwrap_or_default();
    sheets.retain(is_grid);
    sheets.sort_by_key(|sheet| sheet.properties.as_ref().and_then(|p| p.index).unwrap_or(0));
    Workbook {
        title: properties.title.unwrap_or_default(),
        time_zone: properties.time_zone.unwrap_or_default(),
        tabs: sheets
            .into_iter()
            .map(|sheet| whole_tab(sheet, &sizes, &locale))
            .collect(),
        names,
        locale,
    }
}

/// The cells of one tab in a batch's answer.
pub(super) fn kept(spreadsheet: &wire::Spreadsheet, tab: i64) -> Option<Grid> {
    let locale = spreadsheet.properties.as_ref()?.locale.clone();
    let mut sheets = spreadsheet.sheets.iter().flatten();
    let data = sheets
        .find(|sheet| tab_id(sheet) == tab)?
        .data
        .as_ref()?
        .first()?;
    let whole = Area {
        tab,
        rect: Rect {
            row_start: index(data.start_row),
            row_end: u32::MAX,
            column_start: index(data.start_column),
            column_end: u32::MAX,
        },
    };
    Some(grid(data, &whole, &locale.unwrap_or_default()))
}

/// The structure, and the blocks under the named ranges that were asked for.
pub(super) fn observed(spreadsheet: &wire::Spreadsheet, asked: &[&str]) -> Observed {
    let sizes = sizes(spreadsheet);
    let names = names(spreadsheet, &sizes);
    let locale = spreadsheet
        .properties
        .as_ref()
        .and_then(|p| p.locale.as_deref());
    let mut sheets: Vec<&wire::Sheet> = spreadsheet
        .sheets
        .iter()
        .flatten()
        .filter(|sheet| is_grid(sheet))
        .collect();
    sheets.sort_by_key(|sheet| sheet.properties.as_ref().and_then(|p| p.index).unwrap_or(0));
    let mut blocks = BTreeMap::new();
    for sheet in &sheets {
        // One entry a range, in the order of asking; an entry may serve two equal ranges.
        let entries = sheet.data.as_deref().unwrap_or_default();
        let tab = tab_id(sheet);
        let mut next = 0;
        for name in asked {
            let Some(area) = names.iter().find(|n| n.name == *name).map(|n| n.area) else {
                continue;
            };
            if area.tab != tab {
                continue;
            }
            let fits = |entry: &&wire::GridData| {
                index(entry.start_row) == area.rect.row_start
                    && index(entry.start_column) == area.rect.column_start
            };
            let in_turn = entries.get(next).filter(fits);
            next += usize::from(in_turn.is_some());
            if let Some(entry) = in_turn.or_else(|| entries.iter().find(fits)) {
                blocks.insert(
                    (*name).to_string(),
                    grid(entry, &area, locale.unwrap_or_default()),
                );
            }
        }
    }
    Observed {
        tabs: sheets.iter().map(|sheet| bare_tab(sheet)).collect(),
        names,
        blocks,
    }
}

/// The tabs without their cells.
pub(super) fn tabs(spreadsheet: &wire::Spreadsheet) -> Vec<Tab> {
    spreadsheet.sheets.iter().flatten().map(bare_tab).collect()
}

/// A range of that spreadsheet; one without an end goes to its tab's.
pub(super) fn area_of(range: &wire::GridRange, spreadsheet: &wire::Spreadsheet) -> Area {
    area(range, &sizes(spreadsheet))
}

/// A number that Google gives signed.
fn index(number: Option<i32>) -> u32 {
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}

fn tab_id(sheet: &wire::Sheet) -> i64 {
    sheet
        .properties
        .as_ref()
        .and_then(|p| p.sheet_id)
        .unwrap_or(0)
        .into()
}

/// Not a tab that holds a chart or a database object.
fn is_grid(sheet: &wire::Sheet) -> bool {
    let kind = sheet
        .properties
        .as_ref()
        .and_then(|p| p.sheet_type.as_deref());
    matches!(kind, None | Some("GRID"))
}

fn sizes(spreadsheet: &wire::Spreadsheet) -> Sizes {
    let size = |sheet: &wire::Sheet| {
        let grid = sheet
            .properties
            .as_ref()
            .and_then(|p| p.grid_properties.as_ref());
        grid.map_or((0, 0), |grid| {
            (index(grid.row_count), index(grid.column_count))
        })
    };
    spreadsheet
        .sheets
        .iter()
        .flatten()
        .map(|sheet| (tab_id(sheet), size(sheet)))
        .collect()
}

fn area(range: &wire::GridRange, sizes: &Sizes) -> Area {
    let tab = i64::from(range.sheet_id.unwrap_or(0));
    // A tab that was not read: as far as numbers go.
    let (rows, columns) = sizes.get(&tab).copied().unwrap_or((u32::MAX, u32::MAX));
    let end = |end: Option<i32>, all| end.map_or(all, |end| index(Some(end)));
    let rect = Rect {
        row_start: index(range.start_row_index),
        row_end: end(range.end_row_index, rows),
        column_start: index(range.start_column_index),
        column_end: end(range.end_column_index, columns),
    };
    Area { tab, rect }
}

fn names(spreadsheet: &wire::Spreadsheet, sizes: &Sizes) -> Vec<NamedRange> {
    let read = |name: &wire::NamedRange| {
        Some(NamedRange {
            id: name.named_range_id.clone().unwrap_or_default(),
            name: name.name.clone()?,
            area: area(name.range.as_ref()?, sizes),
        })
    };
    spreadsheet
        .named_ranges
        .iter()
        .flatten()
        .filter_map(read)
        .collect()
}

/// Names whose cells were deleted.
fn lost_names(spreadsheet: &wire::Spreadsheet) -> Vec<NamedRange> {
    let lost = spreadsheet.named_ranges.iter().flatten();
    lost.filter(|name| name.range.is_none())
        .filter_map(|name| {
            Some(NamedRange {
                id: name.named_range_id.clone()?,
                name: name.name.clone()?,
                area: Area {
                    tab: NOWHERE,
                    rect: Rect {
                        row_start: 0,
                        row_end: 0,
                        column_start: 0,
                        column_end: 0,
                    },
                },
            })
        })
        .collect()
}

fn color(style: Option<&wire::ColorStyle>) -> Option<Color> {
    let rgb = style?.rgb_color.as_ref()?;
    let part = |value: Option<f32>| {
        let scaled = (value.unwrap_or(0.0).clamp(0.0, 1.0) * 255.0).round();
        // 0 to 255 after the clamp.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let part = scaled as u8;
        part
    };
    Some(Color(part(rgb.red), part(rgb.green), part(rgb.blue)))
}

fn bare_tab(sheet: &wire::Sheet) -> Tab {
    let properties = sheet.properties.clone().unwrap_or_default();
    let grid = properties.grid_properties.unwrap_or_default();
    Tab {
        id: tab_id(sheet),
        title: properties.title.unwrap_or_default(),
        rows: index(grid.row_count),
        columns: index(grid.column_count),
        frozen_rows: index(grid.frozen_row_count),
        frozen_columns: index(grid.frozen_column_count),
        hidden: properties.hidden.unwrap_or(false),
        no_gridlines: grid.hide_gridlines.unwrap_or(false),
        color: color(properties.tab_color_style.as_ref()),
        ..Tab::default()
    }
}

fn whole_tab(sheet: wire::Sheet, sizes: &Sizes, locale: &str) -> Tab {
    let mut tab = bare_tab(&sheet);
    for data in sheet.data.iter().flatten() {
        read_cells(&mut tab.cells, data, locale);
        let columns = data.column_metadata.as_deref().unwrap_or_default();
        let start = index(data.start_column);
        read_sizes(
            &mut tab.column_widths,
            &mut tab.hidden_columns,
            columns,
            start,
            COLUMN_WIDTH,
        );
        let rows = data.row_metadata.as_deref().unwrap_or_default();
        let start = index(data.start_row);
        read_sizes(
            &mut tab.row_heights,
            &mut tab.hidden_rows,
            rows,
            start,
            ROW_HEIGHT,
        );
    }
    tab.merges = sheet
        .merges
        .iter()
        .flatten()
        .map(|range| area(range, sizes).rect)
        .collect();
    tab.charts = sheet
        .charts
        .iter()
        .flatten()
        .filter_map(|one| chart(one, sizes))
        .collect();
    let rules = sheet.conditional_formats.iter().flatten();
    tab.conditional = rules
        .map(|rule| conditional(rule, sizes, locale).unwrap_or_default())
        .collect();
    let protected = sheet.protected_ranges.iter().flatten();
    tab.protections = protected.map(|range| protection(range, sizes)).collect();
    let metadata = sheet.developer_metadata.iter().flatten();
    tab.metadata = metadata
        .filter_map(|one| {
            Some((
                one.metadata_key.clone()?,
                one.metadata_value.clone().unwrap_or_default(),
            ))
        })
        .collect();
    tab
}

fn read_sizes(
    sizes: &mut BTreeMap<u32, u32>,
    hidden: &mut Vec<u32>,
    metadata: &[wire::DimensionProperties],
    start: u32,
    default: u32,
) {
    for (at, one) in (start..).zip(metadata) {
        let pixels = one.pixel_size.map_or(default, |pixels| index(Some(pixels)));
        if pixels != default {
            sizes.insert(at, pixels);
        }
        if one.hidden_by_user == Some(true) {
            hidden.push(at);
        }
    }
}
