//! The body of a batch as text, made request by request: a large one is never there as a tree.
//!
//! The generated types cost about a kilobyte a cell, and the hub copies them and builds a second tree
//! of JSON from them: 100,000 cells took 870 MB. Here each request becomes text and is forgotten, and
//! of a write each cell.

use google_sheets4::api as wire;
use google_sheets4::common::remove_json_null_values;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::cells::typed;
use super::names::{at, mask};
use super::{Context, requests_of};
use crate::google::error::GoogleError;
use crate::sheet::edit::Edit;
use crate::sheet::workbook::Value;

/// A batch as it goes out.
pub(in crate::google) struct Body {
    /// The JSON.
    pub(in crate::google) bytes: Bytes,
    /// Requests in it.
    pub(in crate::google) requests: usize,
}

/// The text of a body while it is made.
struct Writer<'a> {
    text: String,
    requests: usize,
    doing: &'a str,
}

impl Writer<'_> {
    fn new(doing: &str) -> Writer<'_> {
        Writer {
            text: String::from("{\"requests\":["),
            requests: 0,
            doing,
        }
    }

    /// What the hub would send for it: without the fields that are not set.
    fn json(&self, value: &impl Serialize) -> Result<Json, GoogleError> {
        let mut json = serde_json::to_value(value)
            .map_err(|error| GoogleError::invalid(&error.to_string(), self.doing))?;
        remove_json_null_values(&mut json);
        Ok(json)
    }

    fn begin(&mut self) {
        if self.requests > 0 {
            self.text.push(',');
        }
        self.requests += 1;
    }

    fn request(&mut self, request: &wire::Request) -> Result<(), GoogleError> {
        let json = self.json(request)?;
        self.begin();
        self.text.push_str(&json.to_string());
        Ok(())
    }

    /// `updateCells` of a rectangle of values, cell by cell.
    fn write(
        &mut self,
        tab: i64,
        start: (u32, u32),
        values: &[Vec<Value>],
    ) -> Result<(), GoogleError> {
        let fields = self.json(&mask(&["userEnteredValue"]))?;
        let start = self.json(&at(tab, start))?;
        self.begin();
        let head = format!("{{\"updateCells\":{{\"fields\":{fields},\"start\":{start},\"rows\":[");
        self.text.push_str(&head);
        for (index, row) in values.iter().enumerate() {
            self.text.push_str(if index > 0 {
                ",{\"values\":["
            } else {
                "{\"values\":["
            });
            for (index, value) in row.iter().enumerate() {
                if index > 0 {
                    self.text.push(',');
                }
                match typed(value) {
                    // An empty object clears the cell; a null would be stripped and shift the rest.
                    None => self.text.push_str("{}"),
                    Some(value) => {
                        let value = self.json(&value)?;
                        let cell = json!({ "userEnteredValue": value }).to_string();
                        self.text.push_str(&cell);
                    }
                }
            }
            self.text.push_str("]}");
        }
        self.text.push_str("]}}");
        Ok(())
    }

    /// Ends the body; `kept` is the range whose cells the answer is to bring.
    fn end(mut self, kept: Option<&str>) -> Body {
        self.text.push(']');
        if let Some(range) = kept {
            let asked = json!([range]);
            self.text.push_str(
                ",\"includeSpreadsheetInResponse\":true,\"responseIncludeGridData\":true,\
                 \"responseRanges\":",
            );
            self.text.push_str(&asked.to_string());
        }
        self.text.push('}');
        Body {
            bytes: Bytes::from(self.text),
            requests: self.requests,
        }
    }
}

/// The body of these requests.
pub(in crate::google) fn of_requests(
    requests: impl IntoIterator<Item = wire::Request>,
    doing: &str,
) -> Result<Body, GoogleError> {
    let mut body = Writer::new(doing);
    for request in requests {
        body.request(&request)?;
    }
    Ok(body.end(None))
}

/// The body of edits, one request each (a whole tab: several), in order.
pub(in crate::google) fn of_edits(
    edits: &[Edit],
    context: &Context,
    kept: Option<&str>,
    doing: &str,
) -> Result<Body, GoogleError> {
    let mut conditional = context.conditional.clone();
    let mut body = Writer::new(doing);
    for edit in edits {
        if let Edit::Write {
            tab,
            row,
            column,
            values,
        } = edit
        {
            body.write(*tab, (*row, *column), values)?;
            continue;
        }
        for request in requests_of(edit, context, &mut conditional) {
            body.request(&request)?;
        }
    }
    Ok(body.end(kept))
}
