//! A workbook (`.xlsx`, ECMA-376) that becomes a spreadsheet: values, formulas, number formats, bold and
//! italic, merges, names, hidden tabs. Told as the body of `spreadsheets.create`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::{Map, Value, json};
use zip::ZipArchive;

use super::xml::{Piece, Pieces};

/// Type of the files that are read here.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Bytes that one part of a workbook may unpack to.
const PART_MAX: u64 = 256 * 1024 * 1024;
/// Rows and columns that an imported tab has at least.
const GRID_LEAST: (u32, u32) = (1000, 26);
/// What Google's export wraps functions in that other programs lack.
const OWN_FUNCTION: &str = "IFERROR(__xludf.DUMMYFUNCTION(\"";

/// What it wraps where another cell's array stands.
const FILLED: &str = "\"COMPUTED_VALUE\"";

type Attributes<'a> = [(&'a str, String)];
/// A cell's place, from zero.
type At = (u32, u32);

struct Parts<'a>(ZipArchive<Cursor<&'a [u8]>>);

impl Parts<'_> {
    fn text(&mut self, name: &str) -> Option<String> {
        let part = self.0.by_name(name.trim_start_matches('/')).ok()?;
        let mut text = String::new();
        part.take(PART_MAX).read_to_string(&mut text).ok()?;
        Some(text)
    }
}

/// What a workbook's own part says of a tab.
struct Tab {
    title: String,
    relation: String,
    hidden: bool,
}

/// The body that makes a spreadsheet of a workbook; `None` when it is none.
pub(super) fn read(bytes: &[u8], title: &str) -> Option<Value> {
    let mut parts = Parts(ZipArchive::new(Cursor::new(bytes)).ok()?);
    let (tabs, names) = tabs_of(&parts.text("xl/workbook.xml")?);
    let targets = relations(&parts.text("xl/_rels/workbook.xml.rels")?);
    let strings = strings(&parts.text("xl/sharedStrings.xml").unwrap_or_default());
    let formats = formats(&parts.text("xl/styles.xml").unwrap_or_default());
    let mut sheets = Vec::new();
    for (index, tab) in tabs.iter().enumerate() {
        let target = targets.get(&tab.relation)?;
        let name = match target.strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("xl/{target}"),
        };
        let page = Page::read(&parts.text(&name)?, &strings, &formats);
        sheets.push(page.told(index, tab));
    }
    let named: Vec<Value> = names
        .iter()
        .filter_map(|(name, place)| named(name, place, &tabs))
        .collect();
    (!sheets.is_empty()).then(|| {
        json!({"properties": {"title": title, "locale": "en_US", "timeZone": "America/Los_Angeles"},
            "sheets": sheets, "namedRanges": named})
    })
}

fn attribute<'a>(all: &'a Attributes<'_>, name: &str) -> Option<&'a str> {
    all.iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.as_str())
}

/// The tabs in order, and the names with what they mean.
fn tabs_of(text: &str) -> (Vec<Tab>, Vec<(String, String)>) {
    let (mut tabs, mut names) = (Vec::new(), Vec::new());
    let mut name = None;
    for piece in Pieces::of(text) {
        match piece {
            Piece::Open("sheet", all) => tabs.push(Tab {
                title: attribute(&all, "name").unwrap_or("Sheet").to_owned(),
                relation: attribute(&all, "id").unwrap_or("").to_owned(),
                hidden: attribute(&all, "state").is_some_and(|state| state != "visible"),
            }),
            Piece::Open("definedName", all) => {
                name = attribute(&all, "name").map(str::to_owned);
            }
            Piece::Text(text) => names.extend(name.take().map(|name| (name, text))),
            _ => {}
        }
    }
    (tabs, names)
}

/// Where each related part lies, by the relation's id.
fn relations(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for piece in Pieces::of(text) {
        if let Piece::Open("Relationship", all) = piece
            && let (Some(id), Some(target)) = (attribute(&all, "Id"), attribute(&all, "Target"))
        {
            out.insert(id.to_owned(), target.to_owned());
        }
    }
    out
}

/// Texts that cells share; how a text is pronounced (`rPh`) is no part of it.
fn strings(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let (mut within, mut aside) = (false, false);
    for piece in Pieces::of(text) {
        match piece {
            Piece::Open("si", _) => out.push(String::new()),
            Piece::Open("rPh", _) => aside = true,
            Piece::Close("rPh") => aside = false,
            Piece::Open("t", _) => within = true,
            Piece::Close("t") => within = false,
            Piece::Text(text) if within && !aside => {
                if let Some(last) = out.last_mut() {
                    last.push_str(&text);
                }
            }
            _ => {}
        }
    }
    out
}

/// The formats that cells name by number.
fn formats(text: &str) -> Vec<Value> {
    let (mut own, mut fonts, mut out) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut inside = "";
    for piece in Pieces::of(text) {
        match piece {
            Piece::Open(name @ ("fonts" | "cellXfs" | "cellStyleXfs" | "dxfs"), _) => inside = name,
            Piece::Close("fonts" | "cellXfs" | "cellStyleXfs" | "dxfs") => inside = "",
            Piece::Open("numFmt", all) if inside != "dxfs" => {
                if let (Some(id), Some(code)) =
                    (attribute(&all, "numFmtId"), attribute(&all, "formatCode"))
                {
                    own.insert(id.to_owned(), code.to_owned());
                }
            }
            Piece::Open("font", _) if inside == "fonts" => fonts.push(Map::new()),
            Piece::Open(name @ ("b" | "i"), all) if inside == "fonts" => {
                let off = attribute(&all, "val").is_some_and(|v| matches!(v, "0" | "false"));
                let key = if name == "b" { "bold" } else { "italic" };
                if let (false, Some(font)) = (off, fonts.last_mut()) {
                    font.insert(key.to_owned(), true.into());
                }
            }
            Piece::Open("xf", all) if inside == "cellXfs" => {
                let id = attribute(&all, "numFmtId").unwrap_or("0");
                let pattern = own.get(id).map(String::as_str).or_else(|| built_in(id));
                let font = attribute(&all, "fontId")
                    .and_then(|n| n.parse::<usize>().ok())
                    .and_then(|n| fonts.get(n));
                out.push(format(pattern, font));
            }
            _ => {}
        }
    }
    out
}

fn format(pattern: Option<&str>, font: Option<&Map<String, Value>>) -> Value {
    let mut out = Map::new();
    if let Some(pattern) = pattern.filter(|p| !p.eq_ignore_ascii_case("general")) {
        let told = json!({"type": kind_of(pattern), "pattern": pattern});
        out.insert("numberFormat".to_owned(), told);
    }
    if let Some(font) = font.filter(|font| !font.is_empty()) {
        out.insert("textFormat".to_owned(), Value::Object(font.clone()));
    }
    Value::Object(out)
}

/// The number formats that a workbook names without saying them (ECMA-376 part 1, 18.8.30).
fn built_in(id: &str) -> Option<&'static str> {
    Some(match id {
        "1" => "0",
        "2" => "0.00",
        "3" => "#,##0",
        "4" => "#,##0.00",
        "9" => "0%",
        "10" => "0.00%",
        "11" => "0.00E+00",
        "14" => "m/d/yyyy",
        "15" => "d-mmm-yy",
        "16" => "d-mmm",
        "17" => "mmm-yy",
        "18" => "h:mm AM/PM",
        "19" => "h:mm:ss AM/PM",
        "20" => "h:mm",
        "21" => "h:mm:ss",
        "22" => "m/d/yyyy h:mm",
        "37" | "38" => "#,##0;(#,##0)",
        "39" | "40" => "#,##0.00;(#,##0.00)",
        "45" => "mm:ss",
        "46" => "[h]:mm:ss",
        "49" => "@",
        _ => return None,
    })
}

/// Google's word for what a pattern shows.
fn kind_of(pattern: &str) -> &'static str {
    let mut bare = String::new();
    let (mut quoted, mut bracket) = (false, false);
    for c in pattern.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' => bracket = true,
            ']' => bracket = false,
            _ if quoted => {}
            _ if bracket && !matches!(c, 'h' | 'H' | '$') => {}
            _ => bare.push(c.to_ascii_lowercase()),
        }
    }
    let day = bare.contains(['y', 'd']);
    let hour = bare.contains(['h', 's']);
    match bare.as_str() {
        _ if day && hour => "DATE_TIME",
        _ if day => "DATE",
        _ if hour => "TIME",
        b if b.contains('%') => "PERCENT",
        b if b.contains("e+") => "SCIENTIFIC",
        b if b.contains(['$', '€', '£', '₽', '₴']) => "CURRENCY",
        "@" => "TEXT",
        _ => "NUMBER",
    }
}

/// A cell's place from `B7`, absolute or not.
fn place(text: &str) -> Option<At> {
    let text = text.replace('$', "");
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = text.split_at(digits);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().try_fold(0u32, |sum, b| {
        b.is_ascii_alphabetic()
            .then(|| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1)
    })?;
    Some((number.parse::<u32>().ok()?.checked_sub(1)?, column - 1))
}

/// A range's corners as a `GridRange` of a tab.
fn range(text: &str, tab: usize) -> Option<Value> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (a, b) = (place(first)?, place(last)?);
    Some(
        json!({"sheetId": tab, "startRowIndex": a.0.min(b.0), "endRowIndex": a.0.max(b.0) + 1,
        "startColumnIndex": a.1.min(b.1), "endColumnIndex": a.1.max(b.1) + 1}),
    )
}

/// A name for cells of a tab; names of the program's own (`_xlnm.…`) and of anything else are left.
fn named(name: &str, place: &str, tabs: &[Tab]) -> Option<Value> {
    let (tab, cells) = place.rsplit_once('!')?;
    let title = match tab.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => tab.to_owned(),
    };
    let index = tabs.iter().position(|tab| tab.title == title)?;
    let range = range(cells, index)?;
    (!name.starts_with('_')).then(|| json!({"name": name, "range": range}))
}

/// What stands on a tab.
#[derive(Default)]
struct Page {
    cells: BTreeMap<At, Value>,
    merges: Vec<String>,
}

/// A cell while it is read.
#[derive(Default)]
struct Reading {
    at: At,
    kind: String,
    format: usize,
    value: String,
    formula: String,
}

impl Page {
    fn read(text: &str, strings: &[String], formats: &[Value]) -> Page {
        let mut page = Page::default();
        let mut cell = Reading::default();
        let (mut row, mut within) = (0, "");
        for piece in Pieces::of(text) {
            match piece {
                Piece::Open("row", all) => {
                    let said = attribute(&all, "r").and_then(|r| r.parse::<u32>().ok());
                    row = said.and_then(|r| r.checked_sub(1)).unwrap_or(row);
                    cell.at = (row, 0);
                }
                Piece::Close("row") => row += 1,
                Piece::Open("c", all) => {
                    let said = attribute(&all, "r").and_then(place);
                    cell = Reading {
                        at: said.unwrap_or(cell.at),
                        kind: attribute(&all, "t").unwrap_or("n").to_owned(),
                        format: attribute(&all, "s")
                            .and_then(|s| s.parse().ok())
                            .unwrap_or(0),
                        ..Reading::default()
                    };
                }
                Piece::Open(name @ ("v" | "f" | "t"), _) => within = name,
                Piece::Close("v" | "f" | "t") => within = "",
                Piece::Text(text) => match within {
                    "f" => cell.formula.push_str(&text),
                    "v" | "t" => cell.value.push_str(&text),
                    _ => {}
                },
                Piece::Close("c") => {
                    let told = cell.told(strings, formats);
                    if told.as_object().is_some_and(|told| !told.is_empty()) {
                        page.cells.insert(cell.at, told);
                    }
                    cell.at.1 += 1;
                }
                Piece::Open("mergeCell", all) => {
                    page.merges
                        .extend(attribute(&all, "ref").map(str::to_owned));
                }
                _ => {}
            }
        }
        page
    }

    /// The tab as `spreadsheets.create` takes it: a block of cells for each row.
    fn told(&self, index: usize, tab: &Tab) -> Value {
        let (mut rows, mut columns) = GRID_LEAST;
        let mut lines: BTreeMap<u32, Vec<(u32, &Value)>> = BTreeMap::new();
        for ((r, c), cell) in &self.cells {
            (rows, columns) = (rows.max(r + 1), columns.max(c + 1));
            lines.entry(*r).or_default().push((*c, cell));
        }
        let data: Vec<Value> = lines
            .into_iter()
            .map(|(row, cells)| {
                let first = cells.first().map_or(0, |(c, _)| *c);
                let mut values: Vec<Value> = Vec::new();
                for (c, cell) in cells {
                    values.resize((c - first) as usize, json!({}));
                    values.push(cell.clone());
                }
                json!({"startRow": row, "startColumn": first, "rowData": [{"values": values}]})
            })
            .collect();
        let merges: Vec<Value> = self
            .merges
            .iter()
            .filter_map(|merge| range(merge, index))
            .collect();
        json!({
            "properties": {"sheetId": index, "title": tab.title, "hidden": tab.hidden,
                "gridProperties": {"rowCount": rows, "columnCount": columns}},
            "data": data, "merges": merges,
        })
    }
}

impl Reading {
    fn told(&self, strings: &[String], formats: &[Value]) -> Value {
        let mut out = Map::new();
        if let Some(entered) = self.entered(strings) {
            out.insert("userEnteredValue".to_owned(), entered);
        }
        let format = formats.get(self.format);
        if let Some(format) = format.filter(|f| f.as_object().is_some_and(|f| !f.is_empty())) {
            out.insert("userEnteredFormat".to_owned(), format.clone());
        }
        Value::Object(out)
    }

    fn entered(&self, strings: &[String]) -> Option<Value> {
        if !self.formula.is_empty() {
            return formula(&self.formula).map(|text| json!({"formulaValue": text}));
        }
        if self.value.is_empty() {
            return None;
        }
        Some(match self.kind.as_str() {
            "s" => json!({"stringValue": strings.get(self.value.trim().parse::<usize>().ok()?)?}),
            "b" => json!({"boolValue": self.value.trim() == "1"}),
            "inlineStr" | "str" | "e" => json!({"stringValue": self.value}),
            _ => {
                let number = self.value.trim().parse::<f64>().ok();
                json!({"numberValue": number.filter(|n| n.is_finite())?})
            }
        })
    }
}

/// A formula as it is typed into a spreadsheet: without the prefixes that workbooks give to newer
/// functions, and Google's own functions as they were before Google's export wrapped them. A cell that
/// another cell's array fills has none.
fn formula(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix(OWN_FUNCTION) {
        let mut own = String::new();
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    own.push('"');
                }
                '"' => break,
                c => own.push(c),
            }
        }
        let own = own.trim_start_matches('=');
        return (own != FILLED).then(|| format!("={own}"));
    }
    let bare = text.replace("_xlfn.", "").replace("_xlws.", "");
    Some(format!("={bare}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_kinds() {
        for (pattern, want) in [
            ("0.00", "NUMBER"),
            ("0%", "PERCENT"),
            ("d.mm.yyyy", "DATE"),
            ("m/d/yyyy h:mm", "DATE_TIME"),
            ("[h]:mm:ss", "TIME"),
            ("#,##0.00\" days\"", "NUMBER"),
            ("[Red]0", "NUMBER"),
            ("[$€-407] 0.00", "CURRENCY"),
            ("0.00E+00", "SCIENTIFIC"),
            ("@", "TEXT"),
        ] {
            assert_eq!(kind_of(pattern), want, "{pattern}");
        }
    }

    #[test]
    fn places_and_formulas_are_read() {
        for (text, want) in [
            ("A1", Some((0, 0))),
            ("$AB$10", Some((9, 27))),
            ("A0", None),
            ("7", None),
            ("ABCD1", None),
            ("É1", None),
        ] {
            assert_eq!(place(text), want, "{text}");
        }
        for (text, want) in [
            ("SUM(A1:A2)", Some("=SUM(A1:A2)")),
            ("_xlfn.XLOOKUP(1,A:A,B:B)", Some("=XLOOKUP(1,A:A,B:B)")),
            (
                "IFERROR(__xludf.DUMMYFUNCTION(\"\"\"COMPUTED_VALUE\"\"\"),0.5)",
                None,
            ),
            (
                "IFERROR(__xludf.DUMMYFUNCTION(\"FILTER(A:A,B:B=\"\"x\"\")\"),1)",
                Some("=FILTER(A:A,B:B=\"x\")"),
            ),
        ] {
            assert_eq!(formula(text).as_deref(), want);
        }
    }

    #[test]
    fn a_page_is_read_cell_by_cell() {
        let text = "<worksheet><sheetData><row r=\"2\"><c r=\"B2\" t=\"s\" s=\"1\"><v>0</v></c><c \
            t=\"b\"><v>1</v></c></row><row><c t=\"inlineStr\"><is><t>in &lt; line</t></is></c><c \
            r=\"D3\"><f>B2&amp;1</f><v>2</v></c><c><v>0.1</v></c><c t=\"s\"><v>9</v></c></row>\
            </sheetData><mergeCells><mergeCell ref=\"A5:B6\"/></mergeCells></worksheet>";
        let formats = [json!({}), json!({"textFormat": {"bold": true}})];
        let page = Page::read(text, &["shared".to_owned()], &formats);
        let seen: Vec<(At, String)> = page
            .cells
            .iter()
            .map(|(at, cell)| (*at, cell["userEnteredValue"].to_string()))
            .collect();
        let want = [
            ((1, 1), "{\"stringValue\":\"shared\"}"),
            ((1, 2), "{\"boolValue\":true}"),
            ((2, 0), "{\"stringValue\":\"in < line\"}"),
            ((2, 3), "{\"formulaValue\":\"=B2&1\"}"),
            ((2, 4), "{\"numberValue\":0.1}"),
        ];
        let want: Vec<(At, String)> = want.map(|(at, text)| (at, text.to_owned())).into();
        assert_eq!(seen, want);
        assert_eq!(
            page.cells[&(1, 1)]["userEnteredFormat"]["textFormat"]["bold"],
            true
        );
        assert_eq!(range(&page.merges[0], 0).unwrap()["endRowIndex"], json!(6));
        assert!(read(b"PK no workbook", "x").is_none());
    }
}
