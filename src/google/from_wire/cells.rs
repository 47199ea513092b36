//! Cells: values, formulas with `;`, looks, what may be typed.

use std::collections::BTreeMap;

use google_sheets4::api as wire;

use super::{color, index};
use crate::google::to_wire::decimal_comma;
use crate::sheet::edit::Grid;
use crate::sheet::workbook::{
    Align, Area, Border, Cell, Color, Format, NumberKind, Validation, Value,
};

pub(super) fn read_cells(
    cells: &mut BTreeMap<(u32, u32), Cell>,
    data: &wire::GridData,
    locale: &str,
) {
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
pub(super) fn shown(data: &wire::CellData, locale: &str) -> (Value, Option<String>) {
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

pub(super) fn value(extended: &wire::ExtendedValue) -> Value {
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

pub(super) fn error_text(kind: &str) -> &'static str {
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
pub(super) fn grid(data: &wire::GridData, area: &Area, locale: &str) -> Grid {
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
pub(super) fn semicolons(formula: &str, locale: &str) -> String {
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

pub(super) fn format(wire: &wire::CellFormat) -> Format {
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

pub(super) fn number_format(wire: &wire::NumberFormat) -> Option<(NumberKind, String)> {
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

pub(super) fn border(wire: &wire::Border) -> Option<Border> {
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

pub(super) fn condition_values(condition: &wire::BooleanCondition) -> Vec<String> {
    let values = condition.values.iter().flatten();
    values
        .filter_map(|value| value.user_entered_value.clone())
        .collect()
}

pub(super) fn validation(rule: &wire::DataValidationRule, locale: &str) -> Option<Validation> {
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
