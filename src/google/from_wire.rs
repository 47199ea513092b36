//! Google's words into the program's: answers become a workbook or what was observed.
//!
//! Google leaves out what is a default (sheetId 0, index 0, false); the end of an unbounded range
//! is the end of its tab. What the model has no word for is passed over.

use std::collections::{BTreeMap, HashMap};

use google_sheets4::api as wire;

use super::to_wire::{Context, decimal_comma};
use crate::sheet::edit::{Grid, Observed};
use crate::sheet::workbook::{
    Align, Area, Border, COLUMN_WIDTH, Cell, Chart, ChartKind, Color, Conditional, Format, NOWHERE,
    NamedRange, NumberKind, Protection, ROW_HEIGHT, Rect, Series, SeriesKind, Tab, Validation,
    Value, Workbook,
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

fn read_cells(cells: &mut BTreeMap<(u32, u32), Cell>, data: &wire::GridData, locale: &str) {
    for (row, line) in (index(data.start_row)..).zip(data.row_data.iter().flatten()) {
        for (column, one) in (index(data.start_column)..).zip(line.values.iter().flatten()) {
            let cell = cell(one, locale);
            if cell != Cell::default() {
                cells.insert((row, column), cell);
            }
        }
    }
}

/// One cell with its looks.
pub(super) fn cell(data: &wire::CellData, locale: &str) -> Cell {
    let (value, formula) = shown(data, locale);
    Cell {
        value,
        formula,
        format: data
            .user_entered_format
            .as_ref()
            .map(format)
            .unwrap_or_default(),
        note: data.note.clone().filter(|note| !note.is_empty()),
        validation: data
            .data_validation
            .as_ref()
            .and_then(|rule| validation(rule, locale)),
    }
}

/// The value a cell shows, and its formula.
fn shown(data: &wire::CellData, locale: &str) -> (Value, Option<String>) {
    let entered = data.user_entered_value.as_ref();
    let formula = entered.and_then(|value| value.formula_value.as_deref());
    // What overflows from an array formula beside it is shown, not entered: no value of this cell.
    let source = if formula.is_some() {
        data.effective_value.as_ref()
    } else {
        entered
    };
    let formula = formula.map(|text| semicolons(text, locale));
    let shown = source.map_or(Value::Blank, value);
    // A formula that shows nothing has been computed; a blank would say that it has not.
    let empty = formula.is_some() && shown == Value::Blank && source.is_some();
    (
        if empty {
            Value::Text(String::new())
        } else {
            shown
        },
        formula,
    )
}

fn value(extended: &wire::ExtendedValue) -> Value {
    if let Some(number) = extended.number_value {
        Value::Number(number)
    } else if let Some(text) = &extended.string_value {
        if text.is_empty() {
            Value::Blank
        } else {
            Value::Text(text.clone())
        }
    } else if let Some(truth) = extended.bool_value {
        Value::Bool(truth)
    } else if let Some(error) = &extended.error_value {
        Value::Error(error_text(error.type_.as_deref().unwrap_or_default()).to_string())
    } else {
        Value::Blank
    }
}

fn error_text(kind: &str) -> &'static str {
    match kind {
        "NULL_VALUE" => "#NULL!",
        "DIVIDE_BY_ZERO" => "#DIV/0!",
        "VALUE" => "#VALUE!",
        "REF" => "#REF!",
        "NAME" => "#NAME?",
        "NUM" => "#NUM!",
        "N_A" => "#N/A",
        "LOADING" => "Loading...",
        _ => "#ERROR!",
    }
}

/// A block as it stands; formulas are keyed by the row and column of the tab.
fn grid(data: &wire::GridData, area: &Area, locale: &str) -> Grid {
    let (first_row, first_column) = (area.rect.row_start, area.rect.column_start);
    let mut formulas = BTreeMap::new();
    let mut values = Vec::new();
    for (row, line) in (first_row..).zip(data.row_data.iter().flatten()) {
        let mut cells = Vec::new();
        for (column, one) in (first_column..).zip(line.values.iter().flatten()) {
            let (typed, formula) = shown(one, locale);
            // A block is read as a person sees it, overflow included.
            let seen = one.effective_value.as_ref().map_or(typed, value);
            if let Some(formula) = formula {
                formulas.insert((row, column), formula);
            }
            cells.push(seen);
        }
        values.push(cells);
    }
    Grid {
        tab: area.tab,
        row: first_row,
        column: first_column,
        values,
        formulas,
    }
}

/// A formula with `;` between arguments, as in the model: where a locale writes a decimal point,
/// Google gives formulas with commas. Texts, tab names and array rows stay as they are.
fn semicolons(formula: &str, locale: &str) -> String {
    if decimal_comma(locale) || !formula.contains(',') {
        return formula.to_string();
    }
    let mut quote = None;
    let mut open = Vec::new();
    formula
        .chars()
        .map(|c| {
            match (quote, c) {
                (Some(end), _) if c == end => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '(' | '{') => open.push(c),
                (None, ')' | '}') => drop(open.pop()),
                (None, ',') if open.last() != Some(&'{') => return ';',
                _ => {}
            }
            c
        })
        .collect()
}

fn format(wire: &wire::CellFormat) -> Format {
    let text = wire.text_format.clone().unwrap_or_default();
    let borders = wire.borders.clone().unwrap_or_default();
    let sides = [borders.top, borders.right, borders.bottom, borders.left];
    Format {
        number: wire.number_format.as_ref().and_then(number_format),
        background: color(wire.background_color_style.as_ref()),
        color: color(text.foreground_color_style.as_ref()),
        bold: text.bold.unwrap_or(false),
        italic: text.italic.unwrap_or(false),
        size: text.font_size.and_then(|size| u8::try_from(size).ok()),
        font: text.font_family,
        align: match wire.horizontal_alignment.as_deref() {
            Some("LEFT") => Some(Align::Left),
            Some("CENTER") => Some(Align::Center),
            Some("RIGHT") => Some(Align::Right),
            _ => None,
        },
        middle: wire.vertical_alignment.as_deref() == Some("MIDDLE"),
        wrap: wire.wrap_strategy.as_deref() == Some("WRAP"),
        indent: wire
            .padding
            .as_ref()
            .map(|padding| u8::try_from(padding.left.unwrap_or(0)).unwrap_or(u8::MAX)),
        borders: sides.map(|side| side.as_ref().and_then(border)),
    }
}

fn number_format(wire: &wire::NumberFormat) -> Option<(NumberKind, String)> {
    let kind = match wire.type_.as_deref()? {
        "NUMBER" | "SCIENTIFIC" => NumberKind::Number,
        "PERCENT" => NumberKind::Percent,
        "CURRENCY" => NumberKind::Currency,
        "DATE" => NumberKind::Date,
        "DATE_TIME" | "TIME" => NumberKind::DateTime,
        "TEXT" => NumberKind::Text,
        _ => return None,
    };
    Some((kind, wire.pattern.clone().unwrap_or_default()))
}

fn border(wire: &wire::Border) -> Option<Border> {
    let width = match wire.style.as_deref()? {
        "SOLID_MEDIUM" => 2,
        "SOLID_THICK" => 3,
        "NONE" | "STYLE_UNSPECIFIED" => return None,
        _ => 1,
    };
    Some(Border {
        color: color(wire.color_style.as_ref()).unwrap_or(Color(0, 0, 0)),
        width,
    })
}

fn condition_values(condition: &wire::BooleanCondition) -> Vec<String> {
    let values = condition.values.iter().flatten();
    values
        .filter_map(|value| value.user_entered_value.clone())
        .collect()
}

fn validation(rule: &wire::DataValidationRule, locale: &str) -> Option<Validation> {
    let condition = rule.condition.as_ref()?;
    let values = condition_values(condition);
    match condition.type_.as_deref()? {
        "BOOLEAN" => Some(Validation::Checkbox),
        "ONE_OF_LIST" => Some(Validation::OneOf(values)),
        "ONE_OF_RANGE" => {
            let source = values.first()?;
            Some(Validation::FromRange(
                source.trim_start_matches('=').to_string(),
            ))
        }
        "NUMBER_GREATER_THAN_EQ" => {
            let mut least = values.into_iter().next()?;
            if decimal_comma(locale) {
                least = least.replace(',', ".");
            }
            let message = rule.input_message.clone().unwrap_or_default();
            Some(Validation::NumberAtLeast(least.parse().ok()?, message))
        }
        _ => None,
    }
}

fn conditional(
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

fn protection(wire: &wire::ProtectedRange, sizes: &Sizes) -> Protection {
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
fn chart(wire: &wire::EmbeddedChart, sizes: &Sizes) -> Option<Chart> {
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

fn source(data: &wire::ChartData, sizes: &Sizes) -> Option<Area> {
    Some(area(
        data.source_range.as_ref()?.sources.as_ref()?.first()?,
        sizes,
    ))
}

fn chart_series(
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::google::to_wire;

    fn answer(json: serde_json::Value) -> wire::Spreadsheet {
        serde_json::from_value(json).unwrap()
    }

    fn two_tabs() -> serde_json::Value {
        json!({
            "properties": {"title": "T", "locale": "en_US", "timeZone": "Europe/Moscow"},
            "namedRanges": [
                {"namedRangeId": "1", "name": "a", "range": {"startRowIndex": 1, "endRowIndex": 3,
                    "startColumnIndex": 0, "endColumnIndex": 2}},
                {"namedRangeId": "2", "name": "b", "range": {"sheetId": 9, "startColumnIndex": 1,
                    "endColumnIndex": 2}},
                {"namedRangeId": "3", "name": "gone"}],
            "sheets": [
                {"properties": {"sheetId": 9, "title": "Second", "index": 1, "sheetType": "GRID",
                    "hidden": true, "gridProperties": {"rowCount": 20, "columnCount": 5}},
                 "data": [{"startColumn": 1, "rowData": [{}, {"values": [
                    {"userEnteredValue": {"stringValue": "0042"},
                     "effectiveValue": {"stringValue": "0042"}}]}]}]},
                {"properties": {"sheetId": 0, "title": "First", "index": 0, "sheetType": "GRID",
                    "gridProperties": {"rowCount": 10, "columnCount": 4, "frozenRowCount": 2}},
                 "data": [{"startRow": 1, "rowData": [{"values": [
                    {"userEnteredValue": {"formulaValue": "=SUM(A1,B1)"},
                     "effectiveValue": {"numberValue": 7}},
                    {"userEnteredValue": {"formulaValue": "=1/0"}, "effectiveValue":
                        {"errorValue": {"type": "DIVIDE_BY_ZERO", "message": "x"}}}]},
                    {"values": [{}, {"userEnteredValue": {"boolValue": true},
                        "effectiveValue": {"boolValue": true}}]}]}]},
                {"properties": {"sheetId": 5, "index": 2, "sheetType": "OBJECT"}}]
        })
    }

    #[test]
    fn blocks_are_matched_to_the_names_asked_for() {
        let seen = observed(&answer(two_tabs()), &["b", "a", "gone", "never"]);
        let titles: Vec<&str> = seen.tabs.iter().map(|tab| tab.title.as_str()).collect();
        assert_eq!(titles, ["First", "Second"]);
        assert_eq!(seen.tabs[0].frozen_rows, 2);
        assert!(seen.tabs[1].hidden);
        assert_eq!(seen.names.len(), 2);
        assert_eq!(
            seen.names[1].area,
            Area {
                tab: 9,
                rect: Rect {
                    row_start: 0,
                    row_end: 20,
                    column_start: 1,
                    column_end: 2
                }
            }
        );
        assert_eq!(seen.blocks.keys().collect::<Vec<_>>(), ["a", "b"]);
        let a = &seen.blocks["a"];
        assert_eq!((a.tab, a.row, a.column), (0, 1, 0));
        assert_eq!(
            a.values,
            vec![
                vec![Value::Number(7.0), Value::Error("#DIV/0!".to_string())],
                vec![Value::Blank, Value::Bool(true)],
            ]
        );
        assert_eq!(a.formulas[&(1, 0)], "=SUM(A1;B1)");
        assert_eq!(
            seen.blocks["b"].values,
            vec![vec![], vec![Value::Text("0042".to_string())]]
        );
    }

    #[test]
    fn ranges_with_one_corner_keep_their_order() {
        let data =
            |n: i32| json!({"rowData": [{"values": [{"effectiveValue": {"numberValue": n}}]}]});
        let name = |name: &str, end: i32| json!({"name": name, "range": {"endRowIndex": end, "endColumnIndex": 1}});
        let seen = observed(
            &answer(json!({"namedRanges": [name("short", 1), name("long", 5)],
                "sheets": [{"properties": {"sheetId": 0}, "data": [data(5), data(1)]}]})),
            &["long", "short"],
        );
        assert_eq!(seen.blocks["long"].values, vec![vec![Value::Number(5.0)]]);
        assert_eq!(seen.blocks["short"].values, vec![vec![Value::Number(1.0)]]);
    }

    #[test]
    fn argument_commas_become_semicolons_and_nothing_else_does() {
        let cases = [
            ("=SUM(A1,B1)", "en_US", "=SUM(A1;B1)"),
            ("=SUM(1,5;B1)", "ru_RU", "=SUM(1,5;B1)"),
            (
                "=IF(A1=\"a,b\",'x,y'!A1,2)",
                "en_US",
                "=IF(A1=\"a,b\";'x,y'!A1;2)",
            ),
            ("={1,2;MAX(3,4),5}", "en_US", "={1,2;MAX(3;4),5}"),
            ("=A1;", "en_GB", "=A1;"),
        ];
        for (given, locale, wanted) in cases {
            assert_eq!(semicolons(given, locale), wanted, "{given} in {locale}");
        }
    }

    #[test]
    fn sizes_that_differ_and_hidden_ones_are_kept() {
        let book = workbook(answer(json!({"sheets": [{"properties": {"sheetId": 1},
            "data": [{"columnMetadata": [{"pixelSize": 100}, {"pixelSize": 240},
                {"pixelSize": 100, "hiddenByUser": true}], "rowMetadata": [{"pixelSize": 21},
                {"pixelSize": 40}]}]}]})));
        let tab = &book.tabs[0];
        assert_eq!(tab.column_widths, BTreeMap::from([(1, 240)]));
        assert_eq!(tab.row_heights, BTreeMap::from([(1, 40)]));
        assert_eq!(tab.hidden_columns, [2]);
    }

    fn any_color() -> impl Strategy<Value = Color> {
        (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(r, g, b)| Color(r, g, b))
    }

    fn any_format() -> impl Strategy<Value = Format> {
        let kind = prop_oneof![
            Just(NumberKind::Number),
            Just(NumberKind::Percent),
            Just(NumberKind::Currency),
            Just(NumberKind::Date),
            Just(NumberKind::DateTime),
            Just(NumberKind::Text),
        ];
        let border = || {
            proptest::option::of(
                (any_color(), 1_u8..4).prop_map(|(color, width)| Border { color, width }),
            )
        };
        let align = proptest::option::of(prop_oneof![
            Just(Align::Left),
            Just(Align::Center),
            Just(Align::Right)
        ]);
        let looks = (
            proptest::option::of((kind, "[#,0.%]{1,8}")),
            proptest::option::of(any_color()),
            proptest::option::of(any_color()),
            any::<(bool, bool, bool, bool)>(),
            proptest::option::of(6_u8..40),
            proptest::option::of("[A-Z][a-z]{2,8}"),
        );
        (
            looks,
            align,
            proptest::option::of(any::<u8>()),
            [border(), border(), border(), border()],
        )
            .prop_map(
                |((number, background, color, flags, size, font), align, indent, borders)| {
                    let (bold, italic, middle, wrap) = flags;
                    Format {
                        number,
                        background,
                        color,
                        bold,
                        italic,
                        size,
                        font,
                        align,
                        middle,
                        wrap,
                        indent,
                        borders,
                    }
                },
            )
    }

    fn any_cell() -> impl Strategy<Value = Cell> {
        let value = prop_oneof![
            Just(Value::Blank),
            any::<f64>()
                .prop_filter("finite", |n| n.is_finite())
                .prop_map(Value::Number),
            "[=+0-9а-яa-z ]{1,12}".prop_map(Value::Text),
            any::<bool>().prop_map(Value::Bool),
        ];
        let rule = prop_oneof![
            Just(Validation::Checkbox),
            proptest::collection::vec("[a-я]{1,5}", 1..4).prop_map(Validation::OneOf),
            "[a-z_]{1,9}".prop_map(Validation::FromRange),
            (0.0..1e9, "[а-я]{0,9}").prop_map(|(n, m)| Validation::NumberAtLeast(n, m)),
        ];
        let formula = "=[A-Z]{2,4}[(]A1;\"[a-z,;]{0,4}\";B2[)]";
        (
            value,
            proptest::option::of(formula),
            any_format(),
            proptest::option::of("[a-zа-я]{1,20}"),
            proptest::option::of(rule),
        )
            .prop_map(|(value, formula, format, note, validation)| {
                // A template's formula cell has no value of its own.
                let value = if formula.is_some() {
                    Value::Blank
                } else {
                    value
                };
                Cell {
                    value,
                    formula,
                    format,
                    note,
                    validation,
                }
            })
    }

    proptest! {
        /// Through JSON, with nulls stripped as the hub does.
        #[test]
        fn a_cell_comes_back_as_it_went(
            cell in any_cell(),
            locale in prop_oneof![Just("ru_RU"), Just("en_US")],
        ) {
            let mut json = serde_json::to_value(to_wire::cell_data(&cell, locale)).unwrap();
            google_sheets4::common::remove_json_null_values(&mut json);
            let back: wire::CellData = serde_json::from_value(json).unwrap();
            prop_assert_eq!(super::cell(&back, locale), cell);
        }
    }
}
