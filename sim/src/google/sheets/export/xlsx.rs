//! A spreadsheet as `.xlsx`: values, formulas with their results, formats, merges, names, notes.
//!
//! Functions that other programs do not have are written as Google writes them:
//! `IFERROR(__xludf.DUMMYFUNCTION("…"), result)`, so that a program that computes the workbook anew
//! shows the result that stood here.

use rust_xlsxwriter::{
    Color, ConditionalFormatFormula, DocProperties, Format, FormatAlign, FormatBorder, Formula,
    Note, Workbook, Worksheet, XlsxError,
};
use serde_json::Value;

use super::super::a1::{GridRange, cell_name, number_of, quote_tab};
use super::super::book::{Book, Cell, Effective, Entered, Sheet};
use super::super::formula::{End, Piece, Ref, for_engine, pieces, print};
use super::super::locale::Locale;
use super::super::render::pattern_of;

/// Functions that are Google's own, or mean something else elsewhere.
const OWN: [&str; 34] = [
    "ARRAYFORMULA",
    "FILTER",
    "SORT",
    "SORTN",
    "UNIQUE",
    "QUERY",
    "SPLIT",
    "JOIN",
    "FLATTEN",
    "REGEXMATCH",
    "REGEXEXTRACT",
    "REGEXREPLACE",
    "IMPORTRANGE",
    "IMPORTDATA",
    "IMPORTXML",
    "IMPORTHTML",
    "IMPORTFEED",
    "GOOGLEFINANCE",
    "GOOGLETRANSLATE",
    "SPARKLINE",
    "IMAGE",
    "TO_TEXT",
    "TO_DATE",
    "TO_PERCENT",
    "TO_DOLLARS",
    "TO_PURE_NUMBER",
    "COUNTUNIQUE",
    "ISURL",
    "ISEMAIL",
    "DETECTLANGUAGE",
    "ARRAY_CONSTRAIN",
    "LAMBDA",
    "BYROW",
    "MAP",
];

/// The whole file.
///
/// # Errors
/// The writer refused a name, a formula or a number.
pub(super) fn write(book: &Book, sheets: &[&Sheet]) -> Result<Vec<u8>, XlsxError> {
    let mut out = Workbook::new();
    out.set_properties(&DocProperties::new().set_title(book.title()));
    for sheet in sheets {
        let page = out.add_worksheet();
        page.set_name(sheet.title().chars().take(31).collect::<String>())?;
        page.set_formula_result_default("");
        frame(page, sheet)?;
        for m in sheet.merges.iter().filter(|m| m.rows() * m.cols() > 1) {
            page.merge_range(
                m.r0,
                column(m.c0),
                m.r1 - 1,
                column(m.c1 - 1),
                "",
                &Format::new(),
            )?;
        }
        for (at, cell) in &sheet.cells {
            put(page, book, sheet, *at, cell)?;
        }
        for rule in &sheet.conditional {
            lay_rule(page, book, sheet, rule)?;
        }
    }
    for named in &book.named {
        let Ok(sheet) = book.sheet(named.range.sheet) else {
            continue;
        };
        let rect = named.range.bound(sheet.rows(), sheet.cols());
        if rect.rows() > 0 && rect.cols() > 0 && sheets.iter().any(|s| s.id == sheet.id) {
            let absolute = |r: u32, c: u32| {
                let plain = cell_name(r, c);
                let digits = plain.find(|x: char| x.is_ascii_digit()).unwrap_or(0);
                let (letters, number) = plain.split_at(digits);
                format!("${letters}${number}")
            };
            let target = format!(
                "={}!{}:{}",
                quote_tab(sheet.title()),
                absolute(rect.r0, rect.c0),
                absolute(rect.r1 - 1, rect.c1 - 1)
            );
            out.define_name(&named.name, &target)?;
        }
    }
    out.save_to_buffer()
}

/// Excel's columns are 16 bits.
fn column(c: u32) -> u16 {
    u16::try_from(c).unwrap_or(u16::MAX)
}

fn frame(page: &mut Worksheet, sheet: &Sheet) -> Result<(), XlsxError> {
    page.set_hidden(sheet.is_hidden());
    let grid = |key: &str| {
        let found = sheet.props.pointer(&format!("/gridProperties/{key}"));
        found.and_then(number_of).unwrap_or(0)
    };
    let frozen = |key: &str| u32::try_from(grid(key)).unwrap_or(0);
    let (rows, cols) = (frozen("frozenRowCount"), frozen("frozenColumnCount"));
    if rows > 0 || cols > 0 {
        page.set_freeze_panes(rows, column(cols))?;
    }
    let lines = sheet.props.pointer("/gridProperties/hideGridlines");
    page.set_screen_gridlines(lines.and_then(Value::as_bool) != Some(true));
    if let Some(color) = sheet.props.get("tabColor").and_then(color) {
        page.set_tab_color(color);
    }
    for (c, dim) in &sheet.col_dims {
        if let Some(pixels) = dim.pixels {
            page.set_column_width_pixels(column(*c), pixels)?;
        }
        if dim.hidden {
            page.set_column_hidden(column(*c))?;
        }
    }
    for (r, dim) in &sheet.row_dims {
        if let Some(pixels) = dim.pixels {
            page.set_row_height_pixels(*r, pixels)?;
        }
        if dim.hidden {
            page.set_row_hidden(*r)?;
        }
    }
    Ok(())
}

fn put(
    page: &mut Worksheet,
    book: &Book,
    sheet: &Sheet,
    at: (u32, u32),
    cell: &Cell,
) -> Result<(), XlsxError> {
    let (r, c) = (at.0, column(at.1));
    let format = format_of(cell, Locale::of(book.locale()));
    match (&cell.entered, &cell.effective) {
        (Some(Entered::Formula(text)), value) => {
            let formula =
                Formula::new(translated(book, sheet, text, value)).set_result(plain(value));
            page.write_formula_with_format(r, c, formula, &format)?;
        }
        (None, value) if *value != Effective::Blank => {
            // A cell that another cell's array fills.
            let text = format!(
                "IFERROR(__xludf.DUMMYFUNCTION(\"\"\"COMPUTED_VALUE\"\"\"),{})",
                literal(value)
            );
            let formula = Formula::new(text).set_result(plain(value));
            page.write_formula_with_format(r, c, formula, &format)?;
        }
        (_, Effective::Number(n)) => {
            page.write_number_with_format(r, c, *n, &format)?;
        }
        (_, Effective::Bool(b)) => {
            page.write_boolean_with_format(r, c, *b, &format)?;
        }
        (_, Effective::Text(t)) => {
            // Excel's cells hold 32,767 characters.
            let text: String = t.chars().take(32_767).collect();
            page.write_string_with_format(r, c, text, &format)?;
        }
        (_, Effective::Error(e)) => {
            page.write_string_with_format(r, c, e.shown, &format)?;
        }
        (_, Effective::Blank) if cell.format.is_some() => {
            page.write_blank(r, c, &format)?;
        }
        _ => {}
    }
    if let Some(note) = &cell.note {
        page.insert_note(r, c, &Note::new(note))?;
    }
    Ok(())
}

/// A result as the file keeps it.
fn plain(value: &Effective) -> String {
    match value {
        Effective::Blank => String::new(),
        Effective::Number(n) => n.to_string(),
        Effective::Text(t) => t.clone(),
        Effective::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        Effective::Error(e) => e.shown.to_owned(),
    }
}

/// A result as it stands within a formula.
fn literal(value: &Effective) -> String {
    match value {
        Effective::Blank => "\"\"".to_owned(),
        Effective::Text(t) => format!("\"{}\"", t.replace('"', "\"\"")),
        Effective::Error(e) if e.shown == "#ERROR!" => "#VALUE!".to_owned(),
        other => plain(other),
    }
}

/// Names of the functions that a formula calls.
fn calls(formula: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in pieces(formula) {
        let Piece::Text(text) = piece else { continue };
        let mut word = String::new();
        for c in text.chars() {
            if c.is_alphanumeric() || c == '_' || c == '.' {
                word.push(c);
            } else {
                if c == '(' && !word.is_empty() {
                    out.push(word.to_uppercase());
                }
                word.clear();
            }
        }
    }
    out
}

/// A formula in Excel's words; what only Google computes becomes its result.
fn translated(book: &Book, sheet: &Sheet, text: &str, value: &Effective) -> String {
    let decimal_comma = Locale::of(book.locale()).decimal_comma();
    let foreign = calls(text).iter().any(|f| OWN.contains(&f.as_str()));
    let closed = closed(book, sheet, text);
    let broken = matches!(value, Effective::Error(e) if e.shown == "#ERROR!");
    match for_engine(&closed, decimal_comma).filter(|_| !foreign && !broken) {
        Some(formula) => formula.trim_start_matches('=').to_owned(),
        None => format!(
            "IFERROR(__xludf.DUMMYFUNCTION(\"{}\"),{})",
            text.trim_start_matches('=').replace('"', "\"\""),
            literal(value)
        ),
    }
}

/// The formula with half-open references (`A2:A`, `B2:2`) closed at the end of their grid.
fn closed(book: &Book, home: &Sheet, text: &str) -> String {
    let mut all = pieces(text);
    for piece in &mut all {
        let Piece::Ref(r) = piece else { continue };
        let sheet = match &r.tab {
            Some(tab) => book.sheet_by_title(tab).map(AsRef::as_ref),
            None => Some(home),
        };
        let (Some(sheet), Some(b)) = (sheet, r.b) else {
            continue;
        };
        let row = match (r.a.row, b.row) {
            (Some(_), None) => Some((sheet.rows().saturating_sub(1), true)),
            _ => b.row,
        };
        let col = match (r.a.col, b.col) {
            (Some(_), None) => Some((sheet.cols().saturating_sub(1), true)),
            _ => b.col,
        };
        *piece = Piece::Ref(Ref {
            tab: r.tab.clone(),
            a: r.a,
            b: Some(End { row, col }),
        });
    }
    print(&all)
}

fn color(value: &Value) -> Option<Color> {
    let part = |key: &str| {
        let x = value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        (x.clamp(0.0, 1.0) * 255.0).round() as u32
    };
    value
        .is_object()
        .then(|| Color::RGB(part("red") << 16 | part("green") << 8 | part("blue")))
}

fn format_of(cell: &Cell, locale: &Locale) -> Format {
    let mut out = Format::new();
    if let Some((kind, pattern)) = cell.number_format() {
        out = out.set_num_format(pattern_of(&kind, pattern, locale));
    }
    match cell.format.as_deref() {
        Some(own) => dressed(out, own),
        None => out,
    }
}

fn dressed(mut out: Format, own: &Value) -> Format {
    if let Some(fill) = own.get("backgroundColor").and_then(color) {
        out = out.set_background_color(fill);
    }
    let text = own.get("textFormat").cloned().unwrap_or_default();
    let flag = |key: &str| text.get(key).and_then(Value::as_bool) == Some(true);
    if flag("bold") {
        out = out.set_bold();
    }
    if flag("italic") {
        out = out.set_italic();
    }
    if flag("strikethrough") {
        out = out.set_font_strikethrough();
    }
    if flag("underline") {
        out = out.set_underline(rust_xlsxwriter::FormatUnderline::Single);
    }
    if let Some(size) = text.get("fontSize").and_then(Value::as_f64) {
        out = out.set_font_size(size);
    }
    if let Some(font) = text.get("fontFamily").and_then(Value::as_str) {
        out = out.set_font_name(font);
    }
    if let Some(ink) = text.get("foregroundColor").and_then(color) {
        out = out.set_font_color(ink);
    }
    let word = |key: &str| own.get(key).and_then(Value::as_str).unwrap_or("");
    out = match word("horizontalAlignment") {
        "LEFT" => out.set_align(FormatAlign::Left),
        "CENTER" => out.set_align(FormatAlign::Center),
        "RIGHT" => out.set_align(FormatAlign::Right),
        _ => out,
    };
    out = match word("verticalAlignment") {
        "TOP" => out.set_align(FormatAlign::Top),
        "MIDDLE" => out.set_align(FormatAlign::VerticalCenter),
        _ => out,
    };
    if word("wrapStrategy") == "WRAP" {
        out = out.set_text_wrap();
    }
    let side = |key: &str| {
        let style = own.pointer(&format!("/borders/{key}/style"));
        match style.and_then(Value::as_str) {
            Some("DOTTED") => FormatBorder::Dotted,
            Some("DASHED") => FormatBorder::Dashed,
            Some("SOLID_MEDIUM") => FormatBorder::Medium,
            Some("SOLID_THICK") => FormatBorder::Thick,
            Some("DOUBLE") => FormatBorder::Double,
            Some("SOLID") => FormatBorder::Thin,
            _ => FormatBorder::None,
        }
    };
    out.set_border_top(side("top"))
        .set_border_bottom(side("bottom"))
        .set_border_left(side("left"))
        .set_border_right(side("right"))
}

/// A rule by a formula goes along; other kinds are left out.
fn lay_rule(
    page: &mut Worksheet,
    book: &Book,
    sheet: &Sheet,
    rule: &Value,
) -> Result<(), XlsxError> {
    let condition = rule.pointer("/booleanRule/condition");
    let kind = condition
        .and_then(|c| c.get("type"))
        .and_then(Value::as_str);
    let text = condition
        .and_then(|c| c.pointer("/values/0/userEnteredValue"))
        .and_then(Value::as_str);
    let (Some("CUSTOM_FORMULA"), Some(text)) = (kind, text) else {
        return Ok(());
    };
    let Some(formula) = for_engine(
        &closed(book, sheet, text),
        Locale::of(book.locale()).decimal_comma(),
    ) else {
        return Ok(());
    };
    let ranges = rule.get("ranges").and_then(Value::as_array);
    let format = rule.pointer("/booleanRule/format").cloned();
    for range in ranges.into_iter().flatten() {
        let rect = GridRange::from_json(range).bound(sheet.rows(), sheet.cols());
        if rect.rows() == 0 || rect.cols() == 0 {
            continue;
        }
        let one = ConditionalFormatFormula::new()
            .set_rule(formula.as_str())
            .set_format(dressed(Format::new(), &format.clone().unwrap_or_default()));
        page.add_conditional_format(
            rect.r0,
            column(rect.c0),
            rect.r1 - 1,
            column(rect.c1 - 1),
            &one,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_translated() {
        let book = Book::new("b", "t", "ru_RU", "Etc/GMT");
        let sheet = book.sheet(0).unwrap();
        let one = Effective::Number(1.0);
        let cases = [
            ("=SUM(A1;1,5)", "SUM(A1,1.5)"),
            ("=SUM(A2:A)", "SUM(A2:A$1000)"),
            ("=СУММ(1,2)+\"a;b\"", "СУММ(1.2)+\"a;b\""),
            (
                "=SORT(A1:A2;1;\"x\")",
                "IFERROR(__xludf.DUMMYFUNCTION(\"SORT(A1:A2;1;\"\"x\"\")\"),1)",
            ),
        ];
        for (given, want) in cases {
            assert_eq!(translated(&book, sheet, given, &one), want, "{given}");
        }
    }
}
