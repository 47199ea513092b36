//! Places and small things in Google's words: ids, ranges, masks, colours.

use google_sheets4::FieldMask;
use google_sheets4::api as wire;

use crate::sheet::workbook::{Color, Rect};

/// A tab's id; ids out of range were refused by `check` and are refused by Google.
pub(super) fn id(tab: i64) -> i32 {
    i32::try_from(tab).unwrap_or(-1)
}

/// A row, column, count or pixel; what is out of range Google refuses.
pub(super) fn n(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn mask(fields: &[&str]) -> Option<FieldMask> {
    Some(FieldMask::new(fields))
}

pub(super) fn range(tab: i64, rect: &Rect) -> wire::GridRange {
    wire::GridRange {
        sheet_id: Some(id(tab)),
        start_row_index: Some(n(rect.row_start)),
        end_row_index: Some(n(rect.row_end)),
        start_column_index: Some(n(rect.column_start)),
        end_column_index: Some(n(rect.column_end)),
    }
}

pub(super) fn at(tab: i64, (row, column): (u32, u32)) -> wire::GridCoordinate {
    wire::GridCoordinate {
        sheet_id: Some(id(tab)),
        row_index: Some(n(row)),
        column_index: Some(n(column)),
    }
}

pub(super) fn dimension(tab: i64, which: &str, start: u32, end: u32) -> wire::DimensionRange {
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
