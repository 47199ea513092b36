//! Google's answers as the program's words.

use proptest::prelude::*;
use serde_json::json;

use super::cells::semicolons;
use super::*;
use crate::google::to_wire;
use crate::sheet::workbook::{Align, Border, Cell, Format, NumberKind, Validation, Value};

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
    let data = |n: i32| json!({"rowData": [{"values": [{"effectiveValue": {"numberValue": n}}]}]});
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
        prop_assert_eq!(cells::cell(&back, locale), cell);
    }
}
