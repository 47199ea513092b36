//! Cells: typed values, looks, notes, what may be typed.

use google_sheets4::api as wire;

use super::locale::decimal_comma;
use super::names::{at, color, mask};
use crate::sheet::workbook::{
    Align, Area, Border, Cell, Format, NumberKind, Tab, Validation, Value, fitting,
};

/// Google's own padding, of which we change only the left one: top, right, bottom.
pub(super) const PADDING: (i32, i32, i32) = (2, 3, 2);

/// All cells of a tab, values and looks, in one request.
pub(super) fn write_cells(tab: &Tab, locale: &str) -> Option<wire::Request> {
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

pub(super) fn write(tab: i64, start: (u32, u32), values: &[Vec<Value>]) -> wire::Request {
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

pub(super) fn set_note(area: &Area, note: Option<&String>) -> wire::Request {
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

pub(super) fn update_cells(
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
            // Cut already where the program decides what to write; here it is the last look.
            string_value: Some(fitting(text).into_owned()),
            ..empty
        },
    })
}

/// A cell with its looks.
pub(in crate::google) fn cell_data(cell: &Cell, locale: &str) -> wire::CellData {
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

pub(super) fn cell_format(format: &Format) -> Option<wire::CellFormat> {
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

pub(super) fn text_format(format: &Format) -> Option<wire::TextFormat> {
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

pub(super) fn number_kind(kind: NumberKind) -> &'static str {
    match kind {
        NumberKind::Number => "NUMBER",
        NumberKind::Percent => "PERCENT",
        NumberKind::Currency => "CURRENCY",
        NumberKind::Date => "DATE",
        NumberKind::DateTime => "DATE_TIME",
        NumberKind::Text => "TEXT",
    }
}

pub(super) fn borders(sides: &[Option<Border>; 4]) -> Option<wire::Borders> {
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

pub(super) fn condition(kind: &str, values: Vec<String>) -> wire::BooleanCondition {
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

pub(super) fn validation(rule: &Validation, locale: &str) -> wire::DataValidationRule {
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
