//! What the hub sends for a workbook and for edits.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::cells::validation;
use super::*;
use crate::sheet::workbook::{
    Cell, Chart, ChartKind, Color, Conditional, Format, Protection, Series, SeriesKind, Validation,
    Value,
};

/// All edits as requests.
fn edits(edits: &[Edit], context: &Context) -> Vec<wire::Request> {
    let mut conditional = context.conditional.clone();
    let requests = edits
        .iter()
        .map(|edit| requests_of(edit, context, &mut conditional));
    requests.flatten().collect()
}

#[test]
fn a_body_is_what_the_hub_would_send() {
    let values = |list: &[Value]| vec![list.to_vec(), vec![Value::Blank; list.len()]];
    let list = [
        Edit::InsertRows {
            tab: 3,
            row: 5,
            count: 2,
        },
        Edit::Write {
            tab: 7,
            row: 2,
            column: 1,
            values: values(&[
                Value::Number(0.1),
                Value::Number(-1e21),
                Value::Text("=\"кавычки\"\n\\ \u{1}😀".to_string()),
                Value::Bool(true),
                Value::Text(String::new()),
                Value::Error("#REF!".to_string()),
            ]),
        },
        Edit::Write {
            tab: 0,
            row: 0,
            column: 0,
            values: Vec::new(),
        },
        Edit::AddTab(Box::new(Tab {
            id: 9,
            title: "n".to_string(),
            rows: 1,
            columns: 1,
            ..Tab::default()
        })),
    ];
    let context = Context::default();
    let whole = wire::BatchUpdateSpreadsheetRequest {
        requests: Some(edits(&list, &context)),
        include_spreadsheet_in_response: Some(true),
        response_include_grid_data: Some(true),
        response_ranges: Some(vec!["kept".to_string()]),
    };
    let mut wanted = serde_json::to_value(&whole).unwrap();
    google_sheets4::common::remove_json_null_values(&mut wanted);
    let body = of_edits(&list, &context, Some("kept"), "x").unwrap();
    let made: Json = serde_json::from_slice(&body.bytes).unwrap();
    assert_eq!(made, wanted);
    assert_eq!(body.requests, 4);
    let body = of_requests(edits(&list, &context), "x").unwrap();
    let made: Json = serde_json::from_slice(&body.bytes).unwrap();
    assert_eq!(made, json!({"requests": wanted["requests"]}));
    let none = of_edits(&[], &context, None, "x").unwrap();
    assert_eq!(
        (&none.bytes[..], none.requests),
        (&b"{\"requests\":[]}"[..], 0)
    );
}

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
fn metadata_and_requests_have_their_bounds() {
    let add = |tab: i64, size: usize| Edit::AddMetadata {
        tab,
        key: "k".to_string(),
        value: "я".repeat(size),
    };
    assert!(check_edits(&[add(1, 15_000), add(2, 29_999), add(1, 14_998)], "x").is_ok());
    let error = check_edits(&[add(1, 15_000), add(1, 14_999)], "x").unwrap_err();
    assert!(error.message.contains("30000 characters"), "{error}");
    assert!(check_requests(100_000, "x").is_ok());
    let error = check_requests(100_001, "x").unwrap_err();
    assert!(
        error.message.contains("100001 requests") && error.unsent,
        "{error}"
    );
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
