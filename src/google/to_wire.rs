//! The program's words into Google's: a workbook or edits become requests of one batch.
//!
//! Values are typed, never parsed by Google: text that starts with `=` stays text, `0042` stays
//! text. A blank cell is an empty object, never a null (the hub strips nulls out of arrays, and
//! columns would shift).

mod upgrade;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use google_sheets4::FieldMask;
use google_sheets4::api as wire;

use super::error::GoogleError;
use crate::sheet::edit::Edit;
use crate::sheet::workbook::{
    Align, Area, Border, Cell, Chart, ChartKind, Color, Conditional, Format, NamedRange,
    NumberKind, Protection, Rect, Series, SeriesKind, Tab, Validation, Value, Workbook,
};

/// Characters that a cell holds.
const TEXT_MAX: usize = 50_000;
/// Requests that a batch holds.
const REQUESTS_MAX: usize = 100_000;
/// Cells that a spreadsheet holds.
const CELLS_MAX: u64 = 10_000_000;
/// Characters of developer metadata, keys and values, that a tab holds.
const METADATA_MAX: usize = 30_000;
/// The title of the tab a new file is born with, until it is deleted.
const TEMPORARY: &str = "planfact: being built";
/// Google's own padding, of which we change only the left one: top, right, bottom.
const PADDING: (i32, i32, i32) = (2, 3, 2);

/// Languages that write a decimal comma; their formulas separate arguments by `;`.
const DECIMAL_COMMA: [&str; 34] = [
    "ru", "uk", "be", "kk", "bg", "sr", "mk", "sl", "hr", "cs", "sk", "pl", "de", "fr", "it", "es",
    "pt", "nl", "da", "nb", "no", "sv", "fi", "is", "et", "lv", "lt", "hu", "ro", "tr", "el", "az",
    "hy", "ka",
];
/// Their exceptions: decimal point all the same.
const DECIMAL_POINT: [&str; 5] = ["de_CH", "es_MX", "es_US", "es_PR", "fr_CH"];

/// Whether a locale such as `ru_RU` writes a decimal comma.
pub(super) fn decimal_comma(locale: &str) -> bool {
    let language = locale.split(['_', '-']).next().unwrap_or_default();
    DECIMAL_COMMA.contains(&language) && !DECIMAL_POINT.contains(&locale)
}

/// Refuses a workbook that Google would refuse, or take for another, before a file is made.
pub(super) fn check(workbook: &Workbook) -> Result<(), GoogleError> {
    let doing = format!("checking the workbook {:?}", workbook.title);
    let refuse = |message: String| Err(GoogleError::invalid(&message, &doing));
    if workbook.tabs.iter().all(|tab| tab.hidden) {
        return refuse("a spreadsheet needs a visible tab".to_string());
    }
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let mut charts = BTreeSet::new();
    let mut cells = 0;
    for tab in &workbook.tabs {
        check_tab(tab, &doing)?;
        cells += u64::from(tab.rows) * u64::from(tab.columns);
        if !ids.insert(tab.id) || !titles.insert(tab.title.to_lowercase()) {
            return refuse(format!(
                "two tabs have the id {} or the title {:?}",
                tab.id, tab.title
            ));
        }
        if let Some(chart) = tab.charts.iter().find(|chart| !charts.insert(chart.id)) {
            return refuse(format!("two charts have the id {}", chart.id));
        }
    }
    if cells > CELLS_MAX {
        return refuse(format!("{cells} cells, Google holds {CELLS_MAX}"));
    }
    match workbook
        .names
        .iter()
        .find(|name| !ids.contains(&name.area.tab))
    {
        Some(name) => refuse(format!("{} names a range on no tab", name.name)),
        None => Ok(()),
    }
}

fn check_tab(tab: &Tab, doing: &str) -> Result<(), GoogleError> {
    let refuse = |message: &str| {
        Err(GoogleError::invalid(
            &format!("tab {:?}: {message}", tab.title),
            doing,
        ))
    };
    check_id(tab.id, doing)?;
    for chart in &tab.charts {
        check_id(chart.id, doing)?;
        if chart.anchor.0 >= tab.rows || chart.anchor.1 >= tab.columns {
            return refuse(&format!(
                "chart {:?} hangs on a cell off the grid",
                chart.title
            ));
        }
    }
    let metadata: usize = tab
        .metadata
        .iter()
        .map(|(k, v)| k.chars().count() + v.chars().count())
        .sum();
    if metadata > METADATA_MAX {
        return refuse("more than 30000 characters of developer metadata");
    }
    for ((row, column), cell) in &tab.cells {
        if *row >= tab.rows || *column >= tab.columns {
            return refuse(&format!(
                "the cell in row {row}, column {column} is off the grid"
            ));
        }
        check_value(&cell.value, doing)?;
    }
    Ok(())
}

fn check_id(id: i64, doing: &str) -> Result<(), GoogleError> {
    if i32::try_from(id).is_ok_and(|id| id >= 0) {
        return Ok(());
    }
    Err(GoogleError::invalid(
        &format!("{id} does not fit Google's ids (0 to 2147483647)"),
        doing,
    ))
}

fn check_value(value: &Value, doing: &str) -> Result<(), GoogleError> {
    match value {
        Value::Number(number) if !number.is_finite() => Err(GoogleError::invalid(
            &format!("{number} is not a number for a cell"),
            doing,
        )),
        _ => Ok(()),
    }
}

/// Refuses edits that Google would refuse, or that would be changed on their way.
pub(super) fn check_edits(edits: &[Edit], doing: &str) -> Result<(), GoogleError> {
    if edits.len() > REQUESTS_MAX {
        let message = format!("{} edits, Google takes {REQUESTS_MAX} at once", edits.len());
        return Err(GoogleError::invalid(&message, doing));
    }
    for edit in edits {
        match edit {
            Edit::Write { tab, values, .. } => {
                check_id(*tab, doing)?;
                values
                    .iter()
                    .flatten()
                    .try_for_each(|value| check_value(value, doing))?;
            }
            Edit::AddTab(tab) => check_tab(tab, doing)?,
            Edit::AddChart { tab, chart } => {
                check_id(*tab, doing)?;
                check_id(chart.id, doing)?;
            }
            Edit::Keep { from, tab, .. } => {
                check_id(from.tab, doing)?;
                check_id(*tab, doing)?;
            }
            Edit::SetName(name) => check_id(name.area.tab, doing)?,
            Edit::SetNote { at, .. } => check_id(at.tab, doing)?,
            Edit::InsertRows { tab, .. }
            | Edit::DeleteRows { tab, .. }
            | Edit::AddProtection { tab, .. }
            | Edit::AddConditional { tab, .. }
            | Edit::InsertColumns { tab, .. }
            | Edit::DeleteColumns { tab, .. }
            | Edit::SetSizes { tab, .. }
            | Edit::SetHidden { tab, .. }
            | Edit::Merge { tab, .. }
            | Edit::Unmerge { tab, .. }
            | Edit::DropConditional { tab, .. }
            | Edit::PutConditional { tab, .. }
            | Edit::SetProtection { tab, .. }
            | Edit::AddMetadata { tab, .. } => check_id(*tab, doing)?,
            Edit::Paint { tab, cells, .. } => {
                check_id(*tab, doing)?;
                cells
                    .values()
                    .try_for_each(|cell| check_value(&cell.value, doing))?;
            }
            Edit::SetFile { .. } => {}
            Edit::SetTab(tab) => check_id(tab.id, doing)?,
            Edit::SetChart(chart) => check_id(chart.id, doing)?,
            Edit::MoveChart { tab, chart } => {
                check_id(*tab, doing)?;
                check_id(chart.id, doing)?;
            }
            Edit::DropChart { chart: object } | Edit::DropProtection { protection: object } => {
                check_id(*object, doing)?;
            }
        }
    }
    Ok(())
}

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

/// Edits as requests, one each (a whole tab: several), in order.
pub(super) fn edits(edits: &[Edit], context: &Context) -> Vec<wire::Request> {
    let mut conditional = context.conditional.clone();
    let mut requests = Vec::new();
    for edit in edits {
        match edit {
            Edit::Write {
                tab,
                row,
                column,
                values,
            } => {
                requests.push(write(*tab, (*row, *column), values));
            }
            Edit::InsertRows { tab, row, count } => {
                let insert = wire::InsertDimensionRequest {
                    inherit_from_before: Some(*row > 0),
                    range: Some(dimension(*tab, "ROWS", *row, row.saturating_add(*count))),
                };
                requests.push(wire::Request {
                    insert_dimension: Some(insert),
                    ..Default::default()
                });
            }
            Edit::DeleteRows { tab, row, count } => {
                let range = dimension(*tab, "ROWS", *row, row.saturating_add(*count));
                let delete = wire::DeleteDimensionRequest { range: Some(range) };
                requests.push(wire::Request {
                    delete_dimension: Some(delete),
                    ..Default::default()
                });
            }
            Edit::Keep { from, tab, row } => requests.push(keep(from, *tab, *row)),
            Edit::SetName(name) if name.id.is_empty() => requests.push(add_name(name)),
            Edit::SetName(name) => {
                let update = wire::UpdateNamedRangeRequest {
                    fields: mask(&["name", "range"]),
                    named_range: Some(named(name)),
                };
                requests.push(wire::Request {
                    update_named_range: Some(update),
                    ..Default::default()
                });
            }
            Edit::SetNote { at, note } => requests.push(set_note(at, note.as_ref())),
            Edit::AddTab(tab) => {
                requests.push(add_sheet(tab_properties(tab, None)));
                requests.extend(tab_content(tab, context));
                requests.extend(tab.charts.iter().map(|one| add_chart(tab.id, one)));
                conditional.insert(tab.id, tab.conditional.len());
            }
            Edit::AddChart { tab, chart } => requests.push(add_chart(*tab, chart)),
            Edit::AddProtection { tab, protection } => {
                requests.push(add_protection(*tab, protection, context));
            }
            Edit::AddConditional {
                tab,
                conditional: rule,
            } => {
                let index = conditional.entry(*tab).or_insert(0);
                requests.push(add_conditional(*tab, rule, *index));
                *index += 1;
            }
            other => requests.extend(upgrade::requests(other, &context.locale)),
        }
    }
    requests
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

fn merge(tab: i64, rect: &Rect) -> wire::Request {
    let merge = wire::MergeCellsRequest {
        merge_type: Some("MERGE_ALL".to_string()),
        range: Some(range(tab, rect)),
    };
    wire::Request {
        merge_cells: Some(merge),
        ..Default::default()
    }
}

/// A tab's id; ids out of range were refused by `check` and are refused by Google.
fn id(tab: i64) -> i32 {
    i32::try_from(tab).unwrap_or(-1)
}

/// A row, column, count or pixel; what is out of range Google refuses.
fn n(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn mask(fields: &[&str]) -> Option<FieldMask> {
    Some(FieldMask::new(fields))
}

fn range(tab: i64, rect: &Rect) -> wire::GridRange {
    wire::GridRange {
        sheet_id: Some(id(tab)),
        start_row_index: Some(n(rect.row_start)),
        end_row_index: Some(n(rect.row_end)),
        start_column_index: Some(n(rect.column_start)),
        end_column_index: Some(n(rect.column_end)),
    }
}

fn at(tab: i64, (row, column): (u32, u32)) -> wire::GridCoordinate {
    wire::GridCoordinate {
        sheet_id: Some(id(tab)),
        row_index: Some(n(row)),
        column_index: Some(n(column)),
    }
}

fn dimension(tab: i64, which: &str, start: u32, end: u32) -> wire::DimensionRange {
    wire::DimensionRange {
        sheet_id: Some(id(tab)),
        dimension: Some(which.to_string()),
        start_index: Some(n(start)),
        end_index: Some(n(end)),
    }
}

pub(super) fn color(Color(red, green, blue): Color) -> wire::ColorStyle {
    let part = |value: u8| Some(f32::from(value) / 255.0);
    let color = wire::Color {
        red: part(red),
        green: part(green),
        blue: part(blue),
        alpha: None,
    };
    wire::ColorStyle {
        rgb_color: Some(color),
        theme_color: None,
    }
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

/// All cells of a tab, values and looks, in one request.
fn write_cells(tab: &Tab, locale: &str) -> Option<wire::Request> {
    let (first_row, last_row) = (tab.cells.keys().next()?.0, tab.cells.keys().next_back()?.0);
    let first_column = tab.cells.keys().map(|key| key.1).min()?;
    let rows = (first_row..=last_row)
        .map(|row| {
            let here = || tab.cells.range((row, 0)..=(row, u32::MAX));
            let end = here()
                .next_back()
                .map_or(first_column, |((_, column), _)| column + 1);
            let values = (first_column..end)
                .map(|column| match tab.cells.get(&(row, column)) {
                    Some(cell) => cell_data(cell, locale),
                    None => wire::CellData::default(),
                })
                .collect();
            wire::RowData {
                values: Some(values),
            }
        })
        .collect();
    let fields = [
        "userEnteredValue",
        "userEnteredFormat",
        "note",
        "dataValidation",
    ];
    Some(update_cells(
        at(tab.id, (first_row, first_column)),
        rows,
        &fields,
    ))
}

fn write(tab: i64, start: (u32, u32), values: &[Vec<Value>]) -> wire::Request {
    let cell = |value: &Value| wire::CellData {
        user_entered_value: typed(value),
        ..Default::default()
    };
    let rows = values
        .iter()
        .map(|row| wire::RowData {
            values: Some(row.iter().map(cell).collect()),
        })
        .collect();
    update_cells(at(tab, start), rows, &["userEnteredValue"])
}

fn set_note(area: &Area, note: Option<&String>) -> wire::Request {
    let cell = wire::CellData {
        note: note.cloned(),
        ..Default::default()
    };
    let start = at(area.tab, (area.rect.row_start, area.rect.column_start));
    update_cells(
        start,
        vec![wire::RowData {
            values: Some(vec![cell]),
        }],
        &["note"],
    )
}

fn update_cells(
    start: wire::GridCoordinate,
    rows: Vec<wire::RowData>,
    fields: &[&str],
) -> wire::Request {
    let update = wire::UpdateCellsRequest {
        fields: mask(fields),
        start: Some(start),
        rows: Some(rows),
        range: None,
    };
    wire::Request {
        update_cells: Some(update),
        ..Default::default()
    }
}

/// A typed value; `None` empties the cell.
pub(super) fn typed(value: &Value) -> Option<wire::ExtendedValue> {
    let empty = wire::ExtendedValue::default();
    Some(match value {
        Value::Blank => return None,
        Value::Text(text) if text.is_empty() => return None,
        Value::Number(number) => wire::ExtendedValue {
            number_value: Some(*number),
            ..empty
        },
        Value::Bool(truth) => wire::ExtendedValue {
            bool_value: Some(*truth),
            ..empty
        },
        // Errors come out of formulas; as a value one is only the text of it.
        Value::Text(text) | Value::Error(text) => wire::ExtendedValue {
            string_value: Some(fitting(text)),
            ..empty
        },
    })
}

/// A text that a cell holds, cut with a mark if need be.
fn fitting(text: &str) -> String {
    if text.len() <= TEXT_MAX || text.chars().count() <= TEXT_MAX {
        return text.to_string();
    }
    tracing::warn!("a text of more than {TEXT_MAX} characters is cut to fit a cell");
    text.chars().take(TEXT_MAX - 1).chain("…".chars()).collect()
}

/// A cell with its looks.
pub(super) fn cell_data(cell: &Cell, locale: &str) -> wire::CellData {
    let value = match &cell.formula {
        Some(formula) => Some(wire::ExtendedValue {
            formula_value: Some(formula.clone()),
            ..Default::default()
        }),
        None => typed(&cell.value),
    };
    wire::CellData {
        user_entered_value: value,
        user_entered_format: cell_format(&cell.format),
        note: cell.note.clone(),
        data_validation: cell
            .validation
            .as_ref()
            .map(|rule| validation(rule, locale)),
        ..Default::default()
    }
}

fn cell_format(format: &Format) -> Option<wire::CellFormat> {
    if *format == Format::default() {
        return None;
    }
    let number = format
        .number
        .as_ref()
        .map(|(kind, pattern)| wire::NumberFormat {
            type_: Some(number_kind(*kind).to_string()),
            pattern: (!pattern.is_empty()).then(|| pattern.clone()),
        });
    let align = format.align.map(|align| match align {
        Align::Left => "LEFT",
        Align::Center => "CENTER",
        Align::Right => "RIGHT",
    });
    let padding = format.indent.map(|left| wire::Padding {
        top: Some(PADDING.0),
        right: Some(PADDING.1),
        bottom: Some(PADDING.2),
        left: Some(i32::from(left)),
    });
    Some(wire::CellFormat {
        number_format: number,
        background_color_style: format.background.map(color),
        text_format: text_format(format),
        horizontal_alignment: align.map(str::to_string),
        vertical_alignment: format.middle.then(|| "MIDDLE".to_string()),
        wrap_strategy: format.wrap.then(|| "WRAP".to_string()),
        padding,
        borders: borders(&format.borders),
        ..Default::default()
    })
}

fn text_format(format: &Format) -> Option<wire::TextFormat> {
    let text = wire::TextFormat {
        bold: format.bold.then_some(true),
        italic: format.italic.then_some(true),
        font_size: format.size.map(i32::from),
        font_family: format.font.clone(),
        foreground_color_style: format.color.map(color),
        ..Default::default()
    };
    let plain = !format.bold && !format.italic && format.color.is_none();
    (!plain || format.size.is_some() || format.font.is_some()).then_some(text)
}

fn number_kind(kind: NumberKind) -> &'static str {
    match kind {
        NumberKind::Number => "NUMBER",
        NumberKind::Percent => "PERCENT",
        NumberKind::Currency => "CURRENCY",
        NumberKind::Date => "DATE",
        NumberKind::DateTime => "DATE_TIME",
        NumberKind::Text => "TEXT",
    }
}

fn borders(sides: &[Option<Border>; 4]) -> Option<wire::Borders> {
    if sides.iter().all(Option::is_none) {
        return None;
    }
    let side = |border: Option<Border>| {
        border.map(|border| wire::Border {
            style: Some(
                match border.width {
                    0 | 1 => "SOLID",
                    2 => "SOLID_MEDIUM",
                    _ => "SOLID_THICK",
                }
                .to_string(),
            ),
            color_style: Some(color(border.color)),
            ..Default::default()
        })
    };
    let [top, right, bottom, left] = *sides;
    Some(wire::Borders {
        top: side(top),
        right: side(right),
        bottom: side(bottom),
        left: side(left),
    })
}

fn condition(kind: &str, values: Vec<String>) -> wire::BooleanCondition {
    let value = |text| wire::ConditionValue {
        user_entered_value: Some(text),
        relative_date: None,
    };
    let values: Vec<_> = values.into_iter().map(value).collect();
    wire::BooleanCondition {
        type_: Some(kind.to_string()),
        values: (!values.is_empty()).then_some(values),
    }
}

fn validation(rule: &Validation, locale: &str) -> wire::DataValidationRule {
    let (condition, message, strict) = match rule {
        Validation::Checkbox => (condition("BOOLEAN", Vec::new()), None, true),
        Validation::OneOf(choices) => (condition("ONE_OF_LIST", choices.clone()), None, true),
        Validation::FromRange(source) => {
            let source = format!("={}", source.trim_start_matches('='));
            (condition("ONE_OF_RANGE", vec![source]), None, true)
        }
        Validation::NumberAtLeast(least, message) => {
            let mut least = least.to_string();
            if decimal_comma(locale) {
                least = least.replace('.', ",");
            }
            let message = (!message.is_empty()).then(|| message.clone());
            (
                condition("NUMBER_GREATER_THAN_EQ", vec![least]),
                message,
                false,
            )
        }
    };
    wire::DataValidationRule {
        condition: Some(condition),
        input_message: message,
        strict: Some(strict),
        show_custom_ui: Some(true),
    }
}

/// Sizes, equal neighbours together.
fn sizes(tab: &Tab, which: &str, sizes: &BTreeMap<u32, u32>) -> Vec<wire::Request> {
    size_lines(tab.id, which, sizes)
}

fn size_lines(tab: i64, which: &str, sizes: &BTreeMap<u32, u32>) -> Vec<wire::Request> {
    runs(sizes.iter().map(|(index, size)| (*index, *size)))
        .into_iter()
        .map(|(start, end, size)| {
            let properties = wire::DimensionProperties {
                pixel_size: Some(n(size)),
                ..Default::default()
            };
            update_dimension(dimension(tab, which, start, end), properties, "pixelSize")
        })
        .collect()
}

/// Hidden rows or columns, neighbours together.
fn hide(tab: &Tab, which: &str, hidden: &[u32]) -> Vec<wire::Request> {
    hide_lines(tab.id, which, hidden.iter().copied())
}

fn hide_lines(tab: i64, which: &str, hidden: impl Iterator<Item = u32>) -> Vec<wire::Request> {
    let hidden: BTreeSet<u32> = hidden.collect();
    runs(hidden.into_iter().map(|index| (index, 0)))
        .into_iter()
        .map(|(start, end, _)| {
            let properties = wire::DimensionProperties {
                hidden_by_user: Some(true),
                ..Default::default()
            };
            update_dimension(
                dimension(tab, which, start, end),
                properties,
                "hiddenByUser",
            )
        })
        .collect()
}

fn update_dimension(
    range: wire::DimensionRange,
    properties: wire::DimensionProperties,
    field: &str,
) -> wire::Request {
    let update = wire::UpdateDimensionPropertiesRequest {
        fields: mask(&[field]),
        properties: Some(properties),
        range: Some(range),
        ..Default::default()
    };
    wire::Request {
        update_dimension_properties: Some(update),
        ..Default::default()
    }
}

/// Ascending indexes with a value, as `(start, end, value)` of equal neighbours.
fn runs(indexed: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32, u32)> {
    let mut runs: Vec<(u32, u32, u32)> = Vec::new();
    for (index, value) in indexed {
        match runs.last_mut() {
            Some((_, end, last)) if *end == index && *last == value => *end = index + 1,
            _ => runs.push((index, index + 1, value)),
        }
    }
    runs
}

fn add_conditional(tab: i64, rule: &Conditional, index: usize) -> wire::Request {
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

fn add_metadata(tab: i64, key: &str, value: &str) -> wire::Request {
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

fn protected(tab: i64, protection: &Protection) -> wire::GridRange {
    let whole = wire::GridRange {
        sheet_id: Some(id(tab)),
        ..Default::default()
    };
    let rect = protection.rect.as_ref();
    rect.map_or(whole, |rect| range(tab, rect))
}

fn add_protection(tab: i64, protection: &Protection, context: &Context) -> wire::Request {
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

fn add_chart(tab: i64, chart: &Chart) -> wire::Request {
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

fn basic_chart(chart: &Chart) -> wire::BasicChartSpec {
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

fn chart_series(series: &Series, chart: ChartKind, axis: &str) -> wire::BasicChartSeries {
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

fn chart_data(area: &Area) -> wire::ChartData {
    wire::ChartData {
        source_range: Some(wire::ChartSourceRange {
            sources: Some(vec![range(area.tab, &area.rect)]),
        }),
        ..Default::default()
    }
}

/// The batch as it goes out, and its size.
pub(super) fn batch(requests: Vec<wire::Request>) -> (wire::BatchUpdateSpreadsheetRequest, usize) {
    let batch = wire::BatchUpdateSpreadsheetRequest {
        requests: Some(requests),
        ..Default::default()
    };
    let bytes = serde_json::to_value(&batch).map_or(0, |mut json| {
        google_sheets4::common::remove_json_null_values(&mut json);
        json.to_string().len()
    });
    (batch, bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    /// What the hub sends for it.
    fn sent(request: &wire::Request) -> Json {
        let mut json = serde_json::to_value(request).unwrap();
        google_sheets4::common::remove_json_null_values(&mut json);
        json
    }

    fn rect(row_start: u32, row_end: u32, column_start: u32, column_end: u32) -> Rect {
        Rect {
            row_start,
            row_end,
            column_start,
            column_end,
        }
    }

    #[test]
    fn writes_are_typed_and_blanks_clear() {
        let edit = Edit::Write {
            tab: 7,
            row: 2,
            column: 1,
            values: vec![vec![
                Value::Number(1.5),
                Value::Blank,
                Value::Text("=1+1".to_string()),
                Value::Bool(false),
                Value::Text(String::new()),
            ]],
        };
        let requests = edits(&[edit], &Context::default());
        assert_eq!(
            sent(&requests[0]),
            json!({"updateCells": {
                "fields": "userEnteredValue",
                "start": {"sheetId": 7, "rowIndex": 2, "columnIndex": 1},
                "rows": [{"values": [
                    {"userEnteredValue": {"numberValue": 1.5}},
                    {},
                    {"userEnteredValue": {"stringValue": "=1+1"}},
                    {"userEnteredValue": {"boolValue": false}},
                    {}]}]}})
        );
    }

    #[test]
    fn structure_edits_are_one_request_each_in_order() {
        let area = Area {
            tab: 3,
            rect: rect(1, 2, 0, 1),
        };
        let name = |id: &str| NamedRange {
            id: id.to_string(),
            name: "months".to_string(),
            area,
        };
        let list = [
            Edit::InsertRows {
                tab: 3,
                row: 5,
                count: 2,
            },
            Edit::DeleteRows {
                tab: 3,
                row: 0,
                count: 1,
            },
            Edit::SetName(name("")),
            Edit::SetName(name("n1")),
            Edit::SetNote {
                at: area,
                note: Some("why".to_string()),
            },
            Edit::SetNote {
                at: area,
                note: None,
            },
        ];
        let whole = json!({"sheetId": 3, "startRowIndex": 1, "endRowIndex": 2,
            "startColumnIndex": 0, "endColumnIndex": 1});
        let got: Vec<Json> = edits(&list, &Context::default()).iter().map(sent).collect();
        assert_eq!(
            got,
            [
                json!({"insertDimension": {"inheritFromBefore": true, "range":
                    {"sheetId": 3, "dimension": "ROWS", "startIndex": 5, "endIndex": 7}}}),
                json!({"deleteDimension": {"range":
                    {"sheetId": 3, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}}}),
                json!({"addNamedRange": {"namedRange": {"name": "months", "range": whole}}}),
                json!({"updateNamedRange": {"fields": "name,range", "namedRange":
                    {"name": "months", "namedRangeId": "n1", "range": whole}}}),
                json!({"updateCells": {"fields": "note",
                    "start": {"sheetId": 3, "rowIndex": 1, "columnIndex": 0},
                    "rows": [{"values": [{"note": "why"}]}]}}),
                json!({"updateCells": {"fields": "note",
                    "start": {"sheetId": 3, "rowIndex": 1, "columnIndex": 0},
                    "rows": [{"values": [{}]}]}}),
            ]
        );
        assert!(!repeatable(&list));
        assert!(repeatable(&list[3..]));
    }

    #[test]
    fn a_combo_chart_has_columns_and_a_dashed_line() {
        let column = |column| Area {
            tab: 2,
            rect: rect(0, 13, column, column + 1),
        };
        let chart = Chart {
            id: 11,
            kind: ChartKind::Combo,
            title: "Лиды".to_string(),
            subtitle: "план и факт".to_string(),
            categories: column(0),
            series: vec![
                Series {
                    values: column(1),
                    kind: SeriesKind::Column,
                    color: Color(255, 0, 51),
                    dashed: false,
                    thin: false,
                    points: false,
                },
                Series {
                    values: column(2),
                    kind: SeriesKind::Line,
                    color: Color(0, 0, 0),
                    dashed: true,
                    thin: false,
                    points: true,
                },
            ],
            axis_format: String::new(),
            anchor: (4, 1),
            offset: (10, 20),
            size: (600, 300),
        };
        let source = |column: u32| {
            json!({"sourceRange": {"sources": [{"sheetId": 2,
            "startRowIndex": 0, "endRowIndex": 13, "startColumnIndex": column,
            "endColumnIndex": column + 1}]}})
        };
        let got = sent(&add_chart(1, &chart));
        let spec = &got["addChart"]["chart"]["spec"];
        assert_eq!(spec["hiddenDimensionStrategy"], "SHOW_ALL");
        let basic = &spec["basicChart"];
        assert_eq!(basic["chartType"], "COMBO");
        assert_eq!(basic["headerCount"], 1);
        assert_eq!(basic["legendPosition"], "TOP_LEGEND");
        assert_eq!(basic["domains"], json!([{"domain": source(0)}]));
        assert_eq!(basic["series"][0]["type"], "COLUMN");
        assert_eq!(basic["series"][0]["series"], source(1));
        assert_eq!(
            basic["series"][1]["lineStyle"],
            json!({"type": "MEDIUM_DASHED", "width": 2})
        );
        assert_eq!(basic["series"][1]["targetAxis"], "LEFT_AXIS");
        assert_eq!(
            got["addChart"]["chart"]["position"]["overlayPosition"],
            json!({"anchorCell": {"sheetId": 1, "rowIndex": 4, "columnIndex": 1},
                "offsetXPixels": 10, "offsetYPixels": 20, "widthPixels": 600,
                "heightPixels": 300})
        );
        let bar = sent(&add_chart(
            1,
            &Chart {
                kind: ChartKind::Bar,
                ..chart
            },
        ));
        let series = &bar["addChart"]["chart"]["spec"]["basicChart"]["series"][0];
        assert_eq!(series["targetAxis"], "BOTTOM_AXIS");
        assert_eq!(series["type"], Json::Null);
    }

    #[test]
    fn protections_keep_our_account_and_warnings_name_nobody() {
        let context = Context {
            editor: Some("me@x.iam".to_string()),
            ..Context::default()
        };
        let protection = |warning_only| Protection {
            id: 0,
            rect: None,
            description: "data".to_string(),
            warning_only,
        };
        assert_eq!(
            sent(&add_protection(5, &protection(false), &context)),
            json!({"addProtectedRange": {"protectedRange": {"range": {"sheetId": 5},
                "description": "data", "warningOnly": false, "editors": {"users": ["me@x.iam"]}}}})
        );
        let warning = sent(&add_protection(5, &protection(true), &context));
        assert_eq!(
            warning["addProtectedRange"]["protectedRange"]["editors"],
            Json::Null
        );
    }

    #[test]
    fn conditional_formats_go_to_the_end_of_the_list() {
        let rule = Conditional {
            ranges: vec![rect(1, 9, 2, 3)],
            formula: "=$C2<0".to_string(),
            format: Format {
                color: Some(Color(255, 0, 0)),
                size: Some(20),
                ..Format::default()
            },
        };
        let edit = Edit::AddConditional {
            tab: 4,
            conditional: rule,
        };
        let context = Context {
            conditional: HashMap::from([(4, 3)]),
            ..Context::default()
        };
        let got = edits(&[edit.clone(), edit], &context);
        assert_eq!(sent(&got[0])["addConditionalFormatRule"]["index"], 3);
        let second = sent(&got[1]);
        assert_eq!(second["addConditionalFormatRule"]["index"], 4);
        let boolean = &second["addConditionalFormatRule"]["rule"]["booleanRule"];
        assert_eq!(boolean["condition"]["type"], "CUSTOM_FORMULA");
        assert_eq!(
            boolean["format"]["textFormat"]["fontSize"],
            Json::Null,
            "refused by Google"
        );
    }

    #[test]
    fn a_minimum_is_written_in_the_locale() {
        let rule = Validation::NumberAtLeast(0.5, "не меньше".to_string());
        let value = |locale| {
            serde_json::to_value(validation(&rule, locale)).unwrap()["condition"]["values"][0]
                ["userEnteredValue"]
                .clone()
        };
        assert_eq!(value("ru_RU"), "0,5");
        assert_eq!(value("en_US"), "0.5");
        assert_eq!(value("es_MX"), "0.5");
    }

    #[test]
    fn the_newborn_tab_is_replaced_or_reused() {
        let tab = |id: i64, title: &str| Tab {
            id,
            title: title.to_string(),
            rows: 5,
            columns: 4,
            ..Tab::default()
        };
        let kinds = |book: &Workbook| -> Vec<String> {
            workbook(book, 0, None)
                .iter()
                .map(|request| {
                    sent(request)
                        .as_object()
                        .unwrap()
                        .keys()
                        .next()
                        .unwrap()
                        .clone()
                })
                .collect()
        };
        let mut book = Workbook {
            tabs: vec![tab(1, "Лист1"), tab(2, "b")],
            locale: "ru_RU".to_string(),
            ..Workbook::default()
        };
        assert_eq!(
            kinds(&book),
            [
                "updateSpreadsheetProperties",
                "updateSheetProperties",
                "addSheet",
                "addSheet",
                "deleteSheet"
            ]
        );
        book.tabs[1].id = 0;
        assert_eq!(
            kinds(&book),
            [
                "updateSpreadsheetProperties",
                "addSheet",
                "updateSheetProperties"
            ]
        );
    }

    #[test]
    fn what_google_would_refuse_is_refused_before_a_file_is_made() {
        let tab = Tab {
            id: 1,
            title: "a".to_string(),
            rows: 2,
            columns: 2,
            ..Tab::default()
        };
        let book = |tabs| Workbook {
            tabs,
            ..Workbook::default()
        };
        assert!(check(&book(vec![tab.clone()])).is_ok());
        let mut cases = vec![
            book(vec![]),
            book(vec![Tab {
                hidden: true,
                ..tab.clone()
            }]),
            book(vec![
                tab.clone(),
                Tab {
                    id: 2,
                    title: "A".to_string(),
                    ..tab.clone()
                },
            ]),
            book(vec![Tab {
                id: 1 << 40,
                ..tab.clone()
            }]),
            book(vec![Tab {
                rows: 10_000_000,
                ..tab.clone()
            }]),
            book(vec![Tab {
                metadata: vec![("k".repeat(30_001), String::new())],
                ..tab.clone()
            }]),
        ];
        let mut outside = tab.clone();
        outside.cells.insert((2, 0), Cell::default());
        cases.push(book(vec![outside]));
        let mut infinite = tab;
        infinite.cells.insert(
            (0, 0),
            Cell {
                value: Value::Number(f64::NAN),
                ..Cell::default()
            },
        );
        cases.push(book(vec![infinite]));
        for case in cases {
            assert!(check(&case).is_err(), "{case:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_with_a_mark() {
        assert_eq!(fitting(&"я".repeat(50_000)).chars().count(), 50_000);
        let cut = fitting(&"я".repeat(50_001));
        assert_eq!(cut.chars().count(), 50_000);
        assert!(cut.ends_with('…'));
    }

    proptest! {
        #[test]
        fn runs_cover_exactly_what_they_were_made_of(
            map in proptest::collection::btree_map(0_u32..60, 1_u32..4, 0..40)
        ) {
            let mut back = BTreeMap::new();
            let runs = runs(map.iter().map(|(k, v)| (*k, *v)));
            for pair in runs.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0 || pair[0].2 != pair[1].2, "not merged");
            }
            for (start, end, value) in runs {
                for index in start..end {
                    prop_assert!(back.insert(index, value).is_none());
                }
            }
            prop_assert_eq!(back, map);
        }
    }
}
