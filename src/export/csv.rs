//! One CSV a data table: key columns, then columns, plain numbers, RFC 4180.

use std::path::Path;

use super::ExportError;
use crate::sheet::diff::{DesiredRow, DesiredTable};
use crate::sheet::table::TableSpec;
use crate::sheet::workbook::Value;

/// The table as CSV text: a header of keys, lines in the table's order, LF line ends. Columns that
/// only repeat a key in words are left out; a blank is an empty field.
pub fn csv_text(spec: &TableSpec, table: &DesiredTable) -> String {
    let kept: Vec<(usize, &String)> = spec
        .columns
        .iter()
        .enumerate()
        .filter(|(_, key)| !spec.labels.contains(key))
        .collect();
    let mut text = String::new();
    let head = spec.key_columns.iter().map(|key| (*key).to_owned());
    line(
        &mut text,
        head.chain(kept.iter().map(|(_, key)| (*key).clone())),
    );
    for row in &table.rows {
        let keys =
            (0..spec.key_columns.len()).map(|at| row.keys.get(at).cloned().unwrap_or_default());
        let values = kept.iter().map(|(at, _)| field_at(row, *at));
        line(&mut text, keys.chain(values));
    }
    text
}

/// Writes [`csv_text`] to a file.
pub fn write_csv(spec: &TableSpec, table: &DesiredTable, path: &Path) -> Result<(), ExportError> {
    std::fs::write(path, csv_text(spec, table)).map_err(|source| ExportError::Csv {
        path: path.to_owned(),
        source,
    })
}

fn field_at(row: &DesiredRow, at: usize) -> String {
    match row.values.get(at) {
        None | Some(Value::Blank) => String::new(),
        // Display of f64 is the shortest text that reads back the same, never with an exponent.
        Some(Value::Number(number)) => (number + 0.0).to_string(),
        Some(Value::Text(text) | Value::Error(text)) => text.clone(),
        Some(Value::Bool(truth)) => truth.to_string(),
    }
}

fn line(text: &mut String, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&field);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_blanks_and_quotes() {
        let spec = TableSpec {
            name: "sources".into(),
            tab_key: "data_sources".into(),
            key_columns: &["month", "source"],
            columns: vec![
                "revenue".into(),
                "avg_check".into(),
                "source_name".into(),
                "note".into(),
            ],
            rows: vec![],
            labels: vec!["source_name".into()],
            people: false,
            own: Vec::new(),
            grows: false,
        };
        let row = |month: &str, source: &str, values: Vec<Value>| DesiredRow {
            keys: vec![month.into(), source.into()],
            values,
        };
        let table = DesiredTable {
            rows: vec![
                row(
                    "2017-03",
                    "a,\"b\"",
                    vec![
                        Value::Number(1_134_672.0),
                        Value::Number(12.5),
                        Value::Text("left out".into()),
                        Value::Text("two\nlines".into()),
                    ],
                ),
                row("2017-04", "", vec![Value::Blank, Value::Number(-0.0)]),
                row("2017-05", "x", vec![Value::Number(1e15 + 0.5)]),
            ],
        };
        assert_eq!(
            csv_text(&spec, &table),
            "month,source,revenue,avg_check,note\n\
             2017-03,\"a,\"\"b\"\"\",1134672,12.5,\"two\nlines\"\n\
             2017-04,,,0,\n\
             2017-05,x,1000000000000000.5,,\n"
        );
    }
}
