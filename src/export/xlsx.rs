//! A workbook as `.xlsx`, with native charts, formulas and the results they showed.

use std::path::Path;

use rust_xlsxwriter::{
    Chart as XlsxChart, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartLineDashType,
    ChartMarker, ChartMarkerType, ChartSeries, ChartSolidFill, ChartType, Color as XlsxColor,
    ConditionalFormatFormula, DataValidation, DataValidationErrorStyle, DataValidationRule,
    DocProperties, Format as XlsxFormat, FormatAlign, FormatBorder, Formula, Note,
    Workbook as XlsxWorkbook, Worksheet, XlsxError,
};

use super::ExportError;
use crate::sheet::a1;
use crate::sheet::workbook::{
    Align, Area, COLUMN_WIDTH, Cell, Chart, ChartKind, Color, Format, NumberKind, ROW_HEIGHT,
    Series, SeriesKind, Tab, Validation, Value, Workbook,
};

/// The gap between groups of columns, percent of a column's width.
const COLUMN_GAP: u16 = 60;
/// Excel's longest message of a validation, characters.
const MESSAGE_MAX: usize = 255;
const GRID: Color = Color(0xe5, 0xe7, 0xeb);
const MUTED: Color = Color(0x6b, 0x72, 0x80);
const INK: Color = Color(0x1f, 0x29, 0x37);

/// Writes a workbook to a file. Formula cells keep the value they showed as their cached result; a
/// formula cell with a blank value is left for the reader's program to compute.
pub fn write_xlsx(workbook: &Workbook, path: &Path) -> Result<(), ExportError> {
    build(workbook)
        .and_then(|mut book| book.save(path))
        .map_err(|source| ExportError::Xlsx {
            path: path.to_owned(),
            source,
        })
}

fn build(workbook: &Workbook) -> Result<XlsxWorkbook, XlsxError> {
    let mut book = XlsxWorkbook::new();
    book.set_properties(&DocProperties::new().set_title(&workbook.title));
    let locale = number_locale(&workbook.locale);
    let first_visible = workbook.tabs.iter().position(|tab| !tab.hidden);
    for (index, tab) in workbook.tabs.iter().enumerate() {
        let sheet = book.add_worksheet();
        sheet.set_name(&tab.title)?;
        // A formula that shows nothing shows nothing, not the writer's default of 0.
        sheet.set_formula_result_default("");
        frame(sheet, tab)?;
        for merge in &tab.merges {
            let (r1, c1) = (merge.row_start, column(merge.column_start));
            let (r2, c2) = (merge.row_end - 1, column(merge.column_end - 1));
            sheet.merge_range(r1, c1, r2, c2, "", &XlsxFormat::new())?;
        }
        let mut formats = Formats {
            locale,
            known: Vec::new(),
        };
        for (&(row, at), cell) in &tab.cells {
            write_cell(sheet, row, column(at), cell, &mut formats)?;
        }
        for conditional in &tab.conditional {
            let Some(first) = conditional.ranges.first() else {
                continue;
            };
            let all: Vec<String> = conditional.ranges.iter().map(|r| a1::range(*r)).collect();
            let rule = ConditionalFormatFormula::new()
                .set_rule(excel_formula(&conditional.formula).as_str())
                .set_format(xlsx_format(&conditional.format, locale))
                .set_multi_range(all.join(" "));
            sheet.add_conditional_format(
                first.row_start,
                column(first.column_start),
                first.row_end - 1,
                column(first.column_end - 1),
                &rule,
            )?;
        }
        for chart in &tab.charts {
            // Excel takes no chart without a series, and one whose series have no numbers says nothing.
            let Some(drawn) = draw(chart, workbook, locale)? else {
                continue;
            };
            let (row, at) = chart.anchor;
            let (x, y) = chart.offset;
            sheet.insert_chart_with_offset(row, column(at), &drawn, x, y)?;
        }
        if Some(index) == first_visible {
            sheet.set_active(true).set_first_tab(true);
        }
    }
    for name in &workbook.names {
        if let Some(title) = title_of(workbook, name.area) {
            let reference = a1::absolute_reference(title, name.area.rect);
            book.define_name(&name.name, &format!("={reference}"))?;
        }
    }
    Ok(book)
}

/// Excel's columns are 16 bits; a workbook of ours has a few dozen.
fn column(column: u32) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

fn title_of(workbook: &Workbook, area: Area) -> Option<&str> {
    let tab = workbook.tabs.iter().find(|tab| tab.id == area.tab);
    tab.map(|tab| tab.title.as_str())
}

/// Whether the head of a series, which is its name, shows anything.
fn has_name(workbook: &Workbook, area: Area) -> bool {
    let tab = workbook.tabs.iter().find(|tab| tab.id == area.tab);
    let at = (area.rect.row_start, area.rect.column_start);
    let head = tab
        .and_then(|tab| tab.cells.get(&at))
        .map(|head| &head.value);
    match head {
        None | Some(Value::Blank) => false,
        Some(Value::Text(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

fn frame(sheet: &mut Worksheet, tab: &Tab) -> Result<(), XlsxError> {
    sheet.set_screen_gridlines(!tab.no_gridlines);
    sheet.set_hidden(tab.hidden);
    if let Some(color) = tab.color {
        sheet.set_tab_color(xlsx_color(color));
    }
    if tab.frozen_rows > 0 || tab.frozen_columns > 0 {
        sheet.set_freeze_panes(tab.frozen_rows, column(tab.frozen_columns))?;
    }
    sheet.set_default_row_height_pixels(ROW_HEIGHT);
    for at in 0..tab.columns {
        let width = tab.column_widths.get(&at).copied().unwrap_or(COLUMN_WIDTH);
        sheet.set_column_width_pixels(column(at), width)?;
    }
    for (row, height) in &tab.row_heights {
        sheet.set_row_height_pixels(*row, *height)?;
    }
    for at in &tab.hidden_columns {
        sheet.set_column_hidden(column(*at))?;
    }
    for row in &tab.hidden_rows {
        sheet.set_row_hidden(*row)?;
    }
    sheet.set_landscape();
    sheet.set_paper_size(9);
    sheet.set_margins(0.3, 0.3, 0.4, 0.4, 0.2, 0.2);
    sheet.set_print_fit_to_pages(1, 0);
    Ok(())
}

/// Formats already translated on this sheet; a tab has a few dozen different ones.
struct Formats {
    locale: &'static str,
    known: Vec<(Format, XlsxFormat)>,
}

impl Formats {
    fn get(&mut self, format: &Format) -> XlsxFormat {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| known == format) {
            return known.clone();
        }
        let fresh = xlsx_format(format, self.locale);
        self.known.push((format.clone(), fresh.clone()));
        fresh
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    cell: &Cell,
    formats: &mut Formats,
) -> Result<(), XlsxError> {
    let format = formats.get(&cell.format);
    match (&cell.formula, &cell.value) {
        (Some(formula), shown) => {
            let mut formula = Formula::new(excel_formula(formula));
            match shown {
                Value::Blank => {}
                Value::Number(number) => formula = formula.set_result(number.to_string()),
                Value::Text(text) | Value::Error(text) => formula = formula.set_result(text),
                Value::Bool(truth) => {
                    formula = formula.set_result(if *truth { "TRUE" } else { "FALSE" });
                }
            }
            sheet.write_formula_with_format(row, at, formula, &format)?;
        }
        (None, Value::Blank) => {
            sheet.write_blank(row, at, &format)?;
        }
        (None, Value::Number(number)) => {
            sheet.write_number_with_format(row, at, *number, &format)?;
        }
        (None, Value::Text(text) | Value::Error(text)) => {
            sheet.write_string_with_format(row, at, text, &format)?;
        }
        (None, Value::Bool(truth)) => {
            if cell.validation == Some(Validation::Checkbox) {
                sheet.insert_checkbox_with_format(row, at, *truth, &format)?;
            } else {
                sheet.write_boolean_with_format(row, at, *truth, &format)?;
            }
        }
    }
    if let Some(note) = &cell.note {
        sheet.insert_note(row, at, &Note::new(note))?;
    }
    if let Some(validation) = &cell.validation
        && let Some(rule) = xlsx_validation(validation)?
    {
        sheet.add_data_validation(row, at, row, at, &rule)?;
    }
    Ok(())
}

fn xlsx_validation(validation: &Validation) -> Result<Option<DataValidation>, XlsxError> {
    let rule = match validation {
        Validation::Checkbox => return Ok(None),
        Validation::OneOf(choices) => DataValidation::new().allow_list_strings(choices)?,
        Validation::FromRange(range) => {
            DataValidation::new().allow_list_formula(Formula::new(format!("={range}")))
        }
        Validation::NumberAtLeast(least, message) => {
            let message: String = message.chars().take(MESSAGE_MAX).collect();
            DataValidation::new()
                .allow_decimal_number(DataValidationRule::GreaterThanOrEqualTo(*least))
                .set_error_message(message)?
        }
    };
    Ok(Some(
        rule.set_error_style(DataValidationErrorStyle::Information),
    ))
}

/// Sheets' separators to Excel's: `;` between arguments becomes `,`, quoted text stays.
fn excel_formula(formula: &str) -> String {
    let (mut out, mut text, mut title) = (String::with_capacity(formula.len()), false, false);
    for c in formula.chars() {
        match c {
            '"' if !title => text = !text,
            '\'' if !text => title = !title,
            ';' if !text && !title => {
                out.push(',');
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The prefix that makes a reader show numbers in the workbook's language whatever its own is.
fn number_locale(locale: &str) -> &'static str {
    match locale.get(..2) {
        Some("ru") => "[$-419]",
        _ => "",
    }
}

/// Puts the locale's prefix before each section of a number pattern.
fn localised(pattern: &str, locale: &str) -> String {
    if locale.is_empty() || pattern == "@" {
        return pattern.to_owned();
    }
    let (mut out, mut text) = (locale.to_owned(), false);
    for c in pattern.chars() {
        if c == '"' {
            text = !text;
        }
        out.push(c);
        if c == ';' && !text {
            out.push_str(locale);
        }
    }
    out
}

fn xlsx_color(color: Color) -> XlsxColor {
    let Color(red, green, blue) = color;
    XlsxColor::RGB(u32::from(red) << 16 | u32::from(green) << 8 | u32::from(blue))
}

fn xlsx_format(format: &Format, locale: &str) -> XlsxFormat {
    let mut out = XlsxFormat::new();
    if let Some((kind, pattern)) = &format.number
        && !pattern.is_empty()
    {
        out = match kind {
            NumberKind::Date | NumberKind::DateTime => out.set_num_format(pattern),
            _ => out.set_num_format(localised(pattern, locale)),
        };
    }
    if let Some(color) = format.background {
        out = out.set_background_color(xlsx_color(color));
    }
    if let Some(color) = format.color {
        out = out.set_font_color(xlsx_color(color));
    }
    if format.bold {
        out = out.set_bold();
    }
    if format.italic {
        out = out.set_italic();
    }
    if let Some(size) = format.size {
        out = out.set_font_size(size);
    }
    if let Some(font) = &format.font {
        out = out.set_font_name(font);
    }
    out = match format.align {
        Some(Align::Left) => out.set_align(FormatAlign::Left),
        Some(Align::Center) => out.set_align(FormatAlign::Center),
        Some(Align::Right) => out.set_align(FormatAlign::Right),
        None => out,
    };
    if format.middle {
        out = out.set_align(FormatAlign::VerticalCenter);
    }
    if format.wrap {
        out = out.set_text_wrap();
    }
    if let Some(pixels) = format.indent
        && format.align != Some(Align::Right)
    {
        // Excel's indent is about nine pixels wide.
        out = out.set_indent((pixels / 9).max(1));
    }
    borders(out, format)
}

fn borders(mut out: XlsxFormat, format: &Format) -> XlsxFormat {
    for (side, border) in format.borders.iter().enumerate() {
        let Some(border) = border else { continue };
        let style = match border.width {
            0 | 1 => FormatBorder::Thin,
            2 => FormatBorder::Medium,
            _ => FormatBorder::Thick,
        };
        let color = xlsx_color(border.color);
        out = match side {
            0 => out.set_border_top(style).set_border_top_color(color),
            1 => out.set_border_right(style).set_border_right_color(color),
            2 => out.set_border_bottom(style).set_border_bottom_color(color),
            _ => out.set_border_left(style).set_border_left_color(color),
        };
    }
    out
}

/// A chart; none when no series of it has a name.
fn draw(chart: &Chart, workbook: &Workbook, locale: &str) -> Result<Option<XlsxChart>, XlsxError> {
    let columns = chart.series.iter().any(|s| s.kind == SeriesKind::Column);
    let mut main = XlsxChart::new(match (chart.kind, columns) {
        (ChartKind::Bar, _) => ChartType::Bar,
        (ChartKind::Combo, true) => ChartType::Column,
        (ChartKind::Combo, false) => ChartType::Line,
    });
    let mut lines = XlsxChart::new(ChartType::Line);
    let (mut has_lines, mut is_empty) = (false, true);
    for one in &chart.series {
        // Without a name there are no numbers either: no legend is to tell of the line.
        if !has_name(workbook, one.values) {
            continue;
        }
        let titles = title_of(workbook, one.values).zip(title_of(workbook, chart.categories));
        let Some(titles) = titles else { continue };
        is_empty = false;
        if chart.kind == ChartKind::Combo && columns && one.kind == SeriesKind::Line {
            dress(lines.add_series(), one, chart, titles);
            has_lines = true;
        } else {
            dress(main.add_series(), one, chart, titles);
        }
    }
    if has_lines {
        main.combine(&lines);
    }
    decorate(&mut main, chart, locale);
    Ok((!is_empty).then_some(main))
}

/// Fills in a series: its values without the header cell, which is its name, and its look. `titles`
/// are those of the tabs of its values and of the categories.
fn dress(series: &mut ChartSeries, one: &Series, chart: &Chart, titles: (&str, &str)) {
    let color = xlsx_color(one.color);
    let values = one.values.rect;
    series
        .set_name((titles.0, values.row_start, column(values.column_start)))
        .set_values(&data_range(titles.0, one.values))
        .set_categories(&data_range(titles.1, chart.categories));
    if one.kind == SeriesKind::Line {
        let mut line = ChartLine::new();
        line.set_color(color)
            .set_width(if one.thin { 1.0 } else { 2.0 });
        if one.dashed {
            line.set_dash_type(ChartLineDashType::Dash);
        }
        series.set_format(ChartFormat::new().set_line(&line));
        let mut marker = ChartMarker::new();
        if one.points {
            marker
                .set_type(ChartMarkerType::Circle)
                .set_size(6)
                .set_format(
                    ChartFormat::new()
                        .set_solid_fill(ChartSolidFill::new().set_color(color))
                        .set_border(ChartLine::new().set_color(color).set_width(1.5)),
                );
        } else {
            marker.set_none();
        }
        series.set_marker(&marker);
    } else {
        series
            .set_format(ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(color)))
            .set_gap(COLUMN_GAP)
            .set_overlap(0);
    }
}

fn data_range(title: &str, area: Area) -> rust_xlsxwriter::ChartRange {
    rust_xlsxwriter::ChartRange::new_from_range(
        title,
        area.rect.row_start + 1,
        column(area.rect.column_start),
        area.rect.row_end.saturating_sub(1),
        column(area.rect.column_end.saturating_sub(1)),
    )
}

fn decorate(main: &mut XlsxChart, chart: &Chart, locale: &str) {
    let title = if chart.subtitle.is_empty() {
        chart.title.clone()
    } else {
        format!("{}: {}", chart.title, chart.subtitle)
    };
    let font = |size: u8, color: Color| {
        let mut font = ChartFont::new();
        font.set_name("Roboto")
            .set_size(size)
            .set_color(xlsx_color(color));
        font
    };
    let mut title_font = font(10, INK);
    title_font.set_bold();
    main.title().set_name(&title).set_font(&title_font);
    let small = font(8, MUTED);
    main.legend()
        .set_position(ChartLegendPosition::Bottom)
        .set_font(&small);
    if chart.series.len() < 2 {
        main.legend().set_hidden();
    }
    let mut grid = ChartLine::new();
    grid.set_color(xlsx_color(GRID)).set_width(0.75);
    let mut none = ChartLine::new();
    none.set_hidden(true);
    // In a bar chart the library's x axis is the one with the values.
    let bars = chart.kind == ChartKind::Bar;
    let labels = if bars { main.y_axis() } else { main.x_axis() };
    labels
        .set_font(&small)
        .set_major_gridlines(false)
        .set_format(ChartFormat::new().set_line(&grid));
    if bars {
        // Excel draws the first bar at the bottom; the first of a ranking belongs on top.
        labels.set_reverse();
    }
    let values = if bars { main.x_axis() } else { main.y_axis() };
    values
        .set_font(&small)
        .set_min(0)
        .set_major_gridlines(true)
        .set_major_gridlines_line(&grid)
        .set_format(ChartFormat::new().set_line(&none));
    if bars {
        values.set_label_position(rust_xlsxwriter::ChartAxisLabelPosition::High);
    }
    if !chart.axis_format.is_empty() {
        values.set_num_format(localised(&chart.axis_format, locale));
    }
    main.chart_area()
        .set_format(ChartFormat::new().set_border(&grid));
    let (width, height) = chart.size;
    main.set_width(width).set_height(height);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::template::{TemplateInput, TemplateKind, render};
    use crate::sheet::workbook::Rect;

    #[test]
    fn separators_are_translated_outside_of_quotes() {
        for (sheets, excel) in [
            ("=IF(A1;\"a;b\";'x;y'!B2)", "=IF(A1,\"a;b\",'x;y'!B2)"),
            ("=\"it's;\"&A1", "=\"it's;\"&A1"),
        ] {
            assert_eq!(excel_formula(sheets), excel);
        }
        assert_eq!(
            localised("+0;\"−;\"0", "[$-419]"),
            "[$-419]+0;[$-419]\"−;\"0"
        );
    }

    #[test]
    fn a_series_without_a_name_is_left_out() {
        let area = |column| Area {
            tab: 7,
            rect: Rect {
                row_start: 0,
                row_end: 3,
                column_start: column,
                column_end: column + 1,
            },
        };
        let mut tab = Tab {
            id: 7,
            ..Tab::default()
        };
        for (column, value) in [
            (0, Value::Text("Plan".into())),
            (1, Value::Text(String::new())),
            (2, Value::Blank),
        ] {
            let cell = Cell {
                value,
                ..Cell::default()
            };
            tab.cells.insert((0, column), cell);
        }
        let book = Workbook {
            tabs: vec![tab],
            ..Workbook::default()
        };
        let shown = [0, 1, 2, 3].map(|column| has_name(&book, area(column)));
        assert_eq!(shown, [true, false, false, false]);
    }

    #[test]
    fn both_templates_are_written_with_all_their_tabs_and_charts() {
        let folder = tempfile::tempdir().unwrap();
        // Margins and payments have charts that are left out until there are some.
        for (kind, tabs, charts) in [(TemplateKind::Report, 16, 11), (TemplateKind::Plan, 15, 1)] {
            let input = TemplateInput {
                locale: "ru_RU".into(),
                currency: "RUB".into(),
                time_zone: "Europe/Moscow".into(),
                year: 2026,
            };
            let book = render(kind, &input).unwrap();
            let path = folder.path().join(kind.key());
            write_xlsx(&book, &path).unwrap();
            // The names of the parts of a zip file stand in it uncompressed, twice each.
            let bytes = std::fs::read(&path).unwrap();
            let names = String::from_utf8_lossy(&bytes);
            let parts = |what: &str| names.matches(what).count() / 2;
            assert_eq!(parts("xl/worksheets/sheet"), tabs);
            assert_eq!(parts("xl/charts/chart"), charts);
        }
        let nowhere = folder.path().join("no/such/folder.xlsx");
        let error = write_xlsx(&Workbook::default(), &nowhere).unwrap_err();
        assert!(error.to_string().contains("no/such/folder.xlsx"));
    }
}
