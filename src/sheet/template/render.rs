//! Sources → workbook.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::source::{CardDef, CellDef, ChartDef, RowsDef, StyleFile, TabFile};
use super::style::{Spelling, Styles, is_russian};
use super::tables::{PLAN_STATUS_KEYS, STATUS_KEYS, tables};
use super::text::{Scope, Words};
use super::{TemplateError, TemplateInput, TemplateKind};
use crate::domain::slot::{Metric, MetricKind};
use crate::sheet::a1;
use crate::sheet::table::{TableSpec, key_text};
use crate::sheet::workbook::{
    Area, Cell, Chart, ChartKind, Conditional, Format, NamedRange, Protection, Rect, Series,
    SeriesKind, Tab, Validation, Value, Workbook,
};

const STYLE: &str = include_str!("../../../templates/style.toml");
const TEXTS_RU: &str = include_str!("../../../templates/texts.ru.toml");
const TEXTS_EN: &str = include_str!("../../../templates/texts.en.toml");

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../templates/", $path)))),*]
    };
}

const REPORT: &[(&str, &str)] = sources![
    "report/today.toml",
    "report/leads.toml",
    "report/sales.toml",
    "report/sources.toml",
    "report/managers.toml",
    "report/departments.toml",
    "report/status.toml",
    "report/calc.toml",
];
const PLAN: &[(&str, &str)] = sources![
    "plan/targets.toml",
    "plan/plan.toml",
    "plan/departments.toml",
    "plan/employees.toml",
    "plan/chain.toml",
    "plan/scenario.toml",
    "plan/costs.toml",
    "plan/holidays.toml",
    "plan/calc.toml",
];

/// Columns of data tables that hold text; they get a wider column and no number format.
const TEXT_COLUMNS: &[&str] = &[
    "source_name",
    "user_name",
    "department_name",
    "source",
    "user",
    "department",
    "state",
    "text",
];
/// A named range on the hidden tab with which the visible tabs compute: it is gone when the tab is.
pub fn calculations(kind: TemplateKind) -> &'static str {
    match kind {
        TemplateKind::Report => "years",
        TemplateKind::Plan => "chain_months",
    }
}

/// The hidden tab of the plan in which a batch keeps what it writes over ([`crate::sheet::edit::Edit`]).
pub const KEEPER_TAB: i64 = 390;
/// Its title, the same in every language.
const KEEPER_TITLE: &str = "data_before";
/// Named ranges over its first rows, the smallest first: an answer brings back one of them.
pub const KEEPER_RANGES: [(&str, u32); 4] = [
    ("plan_before_16", 16),
    ("plan_before_128", 128),
    ("plan_before_1024", 1_024),
    ("plan_before", KEEPER_ROWS),
];
/// Its rows: every row of a large company's plan at once.
pub const KEEPER_ROWS: u32 = 5_000;
/// Its columns: a year's months and what stands around them.
pub const KEEPER_COLUMNS: u32 = 24;
/// Columns of data tables that hold fractions and are no metric's.
const EXACT_COLUMNS: &[&str] = &["share", "leads_needed", "cost", "need", "usual", "best"];
/// Rows that a data tab has when it is empty: enough to look like a sheet, and always more than
/// the block, so that rows can be inserted after it.
const DATA_ROWS: u32 = 60;

type Result<T> = std::result::Result<T, TemplateError>;

/// Renders a built-in template.
pub(super) fn render(kind: TemplateKind, input: &TemplateInput) -> Result<Workbook> {
    let russian = is_russian(&input.locale);
    let (texts_file, texts_source) = if russian {
        ("texts.ru.toml", TEXTS_RU)
    } else {
        ("texts.en.toml", TEXTS_EN)
    };
    let texts: BTreeMap<String, Words> = parse(texts_file, texts_source)?;
    let style_file: StyleFile = parse("style.toml", STYLE)?;
    let spelling = Spelling::new(&input.locale, &input.currency);
    let vars = variables(input, &spelling);
    let styles = Styles::new(&style_file, spelling).map_err(at("style.toml", "colors"))?;
    let sources = match kind {
        TemplateKind::Report => REPORT,
        TemplateKind::Plan => PLAN,
    };
    let mut files: Vec<(&str, TabFile)> = Vec::new();
    for (path, source) in sources {
        files.push((path, parse(path, source)?));
    }
    let specs = tables(kind, input.year);
    let titles = titles(kind, &files, &texts, &specs);
    let tab_names: BTreeMap<String, String> = titles
        .iter()
        .map(|(key, _, title)| (key.clone(), a1::quote_title(title)))
        .collect();
    let scope = Scope {
        texts: &texts,
        macros: &style_file.macros,
        tabs: &tab_names,
        vars,
    };
    let title_key = format!("{{t:file_{}}}", kind.key());
    let mut workbook = Workbook {
        title: scope
            .expand(&title_key)
            .map_err(at(texts_file, &title_key))?,
        locale: input.locale.replace('-', "_"),
        time_zone: input.time_zone.clone(),
        ..Workbook::default()
    };
    for (path, file) in files {
        let painter = Painter {
            path,
            scope: &scope,
            styles: &styles,
            style_file: &style_file,
            titles: &titles,
            tab: Tab::default(),
            names: Vec::new(),
        };
        painter.paint(file, &specs, &mut workbook)?;
    }
    for (key, id) in data_tabs(kind, &specs) {
        data_tab(&key, id, &specs, &styles, &scope, &mut workbook)
            .map_err(at("tables.rs", &key))?;
    }
    if kind == TemplateKind::Plan {
        keeper(&scope, &mut workbook).map_err(at(texts_file, "protect_data"))?;
    }
    Ok(workbook)
}

/// Key, id and title of every tab.
fn titles(
    kind: TemplateKind,
    files: &[(&str, TabFile)],
    texts: &BTreeMap<String, Words>,
    specs: &[TableSpec],
) -> Vec<(String, i64, String)> {
    let shown = files.iter().map(|(_, file)| {
        let title = match texts.get(&format!("tab_{}", file.key)) {
            Some(Words::One(title)) => title.clone(),
            _ => file.key.clone(),
        };
        (file.key.clone(), file.id, title)
    });
    let data = data_tabs(kind, specs).into_iter();
    shown
        .chain(data.map(|(key, id)| (key.clone(), id, key)))
        .collect()
}

/// The tab in which a batch keeps what it writes over, and its names.
fn keeper(scope: &Scope<'_>, workbook: &mut Workbook) -> std::result::Result<(), String> {
    workbook.tabs.push(Tab {
        id: KEEPER_TAB,
        title: KEEPER_TITLE.to_owned(),
        rows: KEEPER_ROWS,
        columns: KEEPER_COLUMNS,
        hidden: true,
        metadata: vec![("planfact_tab".to_owned(), KEEPER_TITLE.to_owned())],
        protections: vec![Protection {
            id: 0,
            rect: None,
            description: scope.expand("{t:protect_data}")?,
            warning_only: false,
        }],
        ..Tab::default()
    });
    let names = KEEPER_RANGES.map(|(name, rows)| NamedRange {
        id: String::new(),
        name: name.to_owned(),
        area: Area {
            tab: KEEPER_TAB,
            rect: Rect {
                row_start: 0,
                row_end: rows,
                column_start: 0,
                column_end: KEEPER_COLUMNS,
            },
        },
    });
    workbook.names.extend(names);
    Ok(())
}

fn variables(input: &TemplateInput, spelling: &Spelling) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("year", input.year.to_string()),
        ("last_year", (input.year - 1).to_string()),
        ("sep", spelling.thousands.to_owned()),
        ("dec", spelling.decimal.to_owned()),
        ("pct", spelling.percent.to_owned()),
        ("prefix", spelling.prefix.clone()),
        ("suffix", spelling.suffix.clone()),
        ("currency", spelling.sign.clone()),
    ])
}

fn parse<T: DeserializeOwned>(file: &str, source: &str) -> Result<T> {
    toml::from_str(source).map_err(|error| {
        let place = error.span().map_or(0, |span| {
            source
                .get(..span.start)
                .unwrap_or("")
                .lines()
                .count()
                .max(1)
        });
        TemplateError {
            file: file.to_owned(),
            place: format!("line {place}"),
            reason: error.message().to_owned(),
        }
    })
}

fn at<'a>(file: &'a str, place: &'a str) -> impl Fn(String) -> TemplateError + 'a {
    move |reason| TemplateError {
        file: file.to_owned(),
        place: place.to_owned(),
        reason,
    }
}

/// Keys and ids of the tabs that hold nothing but a data table.
fn data_tabs(kind: TemplateKind, specs: &[TableSpec]) -> Vec<(String, i64)> {
    let first = match kind {
        TemplateKind::Report => 201,
        TemplateKind::Plan => 391,
    };
    let own = specs.iter().filter(|spec| !spec.people);
    own.zip(first..)
        .map(|(spec, id)| (spec.tab_key.clone(), id))
        .collect()
}

/// The rows of a data table that never grows. They stand in the template already, so that nothing
/// that looks at them by position is moved by rows inserted later.
fn fixed_rows(table: &str) -> &'static [&'static str] {
    match table {
        "plan_status" => PLAN_STATUS_KEYS,
        "status" => STATUS_KEYS,
        _ => &[],
    }
}

/// The rows below the key row: the fixed ones, or one blank row that carries the formats.
fn lines<'a>(fixed: &'a [&'static str]) -> impl Iterator<Item = (u32, Option<&'a &'static str>)> {
    let count = fixed.len().max(1);
    (1..).zip((0..count).map(|index| fixed.get(index)))
}

/// Formats a column below the key row and writes the fixed keys into the first one.
fn fill_column(tab: &mut Tab, column: u32, format: &Format, fixed: &[&'static str]) {
    for (row, key) in lines(fixed) {
        let value = match (column, key) {
            (0, Some(key)) => Value::Text((*key).to_owned()),
            _ => Value::Blank,
        };
        let cell = Cell {
            value,
            format: format.clone(),
            ..Cell::default()
        };
        tab.cells.insert((row, column), cell);
    }
}

/// A data tab: the key row, its fixed rows or one blank row that carries the formats, names,
/// protection.
fn data_tab(
    key: &str,
    id: i64,
    specs: &[TableSpec],
    styles: &Styles,
    scope: &Scope<'_>,
    workbook: &mut Workbook,
) -> std::result::Result<(), String> {
    let Some(spec) = specs
        .iter()
        .find(|spec| !spec.people && spec.tab_key == key)
    else {
        return Ok(());
    };
    let head = styles.over(&Format::default(), "data_head")?;
    let keys: Vec<&str> = spec
        .key_columns
        .iter()
        .copied()
        .chain(spec.columns.iter().map(String::as_str))
        .collect();
    let mut tab = Tab {
        id,
        title: key.to_owned(),
        rows: DATA_ROWS,
        columns: keys.len() as u32,
        frozen_rows: 1,
        frozen_columns: spec.key_columns.len() as u32,
        hidden: true,
        color: Some(styles.color("muted")?),
        metadata: vec![("planfact_tab".to_owned(), key.to_owned())],
        protections: vec![Protection {
            id: 0,
            rect: None,
            description: scope.expand("{t:protect_data}")?,
            warning_only: false,
        }],
        ..Tab::default()
    };
    let fixed = fixed_rows(&spec.name);
    for (index, column_key) in keys.iter().enumerate() {
        let column = index as u32;
        let is_key = index < spec.key_columns.len();
        let text = is_key || TEXT_COLUMNS.contains(column_key) || *column_key == "value";
        let cell = Cell {
            value: Value::Text((*column_key).to_owned()),
            format: head.clone(),
            ..Cell::default()
        };
        tab.cells.insert((0, column), cell);
        let style = data_style(column_key, text);
        let format = styles.over(&Format::default(), style)?;
        fill_column(&mut tab, column, &format, fixed);
        tab.column_widths
            .insert(column, if text { 170 } else { 130 });
    }
    let block = Rect {
        row_start: 0,
        row_end: 1 + fixed.len().max(1) as u32,
        column_start: 0,
        column_end: keys.len() as u32,
    };
    table_names(&tab, spec, block, &mut workbook.names)?;
    workbook.tabs.push(tab);
    Ok(())
}

fn data_style(key: &str, text: bool) -> &'static str {
    if text {
        return "data";
    }
    if EXACT_COLUMNS.contains(&key) {
        return "data exact";
    }
    let metric = Metric::from_key(key.strip_prefix("plan_").unwrap_or(key));
    match metric.map(Metric::kind) {
        Some(MetricKind::Money) => "data exact",
        Some(MetricKind::Count) => "data count",
        None => "data year",
    }
}

/// Named ranges of a table from the keys in the block's first row.
fn table_names(
    tab: &Tab,
    spec: &TableSpec,
    block: Rect,
    names: &mut Vec<NamedRange>,
) -> std::result::Result<(), String> {
    let mut add = |name: String, rect: Rect| {
        names.push(NamedRange {
            id: String::new(),
            name,
            area: Area { tab: tab.id, rect },
        });
    };
    add(spec.name.clone(), block);
    let wanted = spec
        .key_columns
        .iter()
        .copied()
        .chain(spec.columns.iter().map(String::as_str));
    for key in wanted {
        let column = (block.column_start..block.column_end).find(|column| {
            let cell = tab.cells.get(&(block.row_start, *column));
            cell.is_some_and(|cell| key_text(&cell.value) == key)
        });
        let column =
            column.ok_or_else(|| format!("the table `{}` lacks the key `{key}`", spec.name))?;
        let rect = Rect {
            row_start: block.row_start + 1,
            row_end: block.row_end,
            column_start: column,
            column_end: column + 1,
        };
        add(spec.column_range(key), rect);
    }
    Ok(())
}

/// Paints one tab.
struct Painter<'a> {
    path: &'a str,
    scope: &'a Scope<'a>,
    styles: &'a Styles,
    style_file: &'a StyleFile,
    titles: &'a [(String, i64, String)],
    tab: Tab,
    names: Vec<NamedRange>,
}

impl Painter<'_> {
    fn paint(mut self, file: TabFile, specs: &[TableSpec], book: &mut Workbook) -> Result<()> {
        self.frame(&file)?;
        for fill in &file.fill {
            for range in &fill.at {
                let rect = self.rect(range)?;
                self.fill(rect, &fill.style).map_err(at(self.path, range))?;
            }
        }
        for cell in &file.cell {
            self.cell(cell).map_err(at(self.path, &cell.at))?;
        }
        for rows in &file.rows_of {
            let place = format!("rows from {}", rows.from);
            self.rows(rows).map_err(at(self.path, &place))?;
        }
        for card in &file.card {
            self.card(card).map_err(at(self.path, &card.at))?;
        }
        for chart in &file.chart {
            self.chart(chart).map_err(at(self.path, &chart.title))?;
        }
        for when in &file.when {
            let mut ranges = Vec::new();
            for range in &when.at {
                ranges.push(self.rect(range)?);
            }
            let place = at(self.path, &when.formula);
            let conditional = Conditional {
                ranges,
                formula: self.scope.expand(&when.formula).map_err(&place)?,
                format: self.styles.conditional(&when.style).map_err(&place)?,
            };
            self.tab.conditional.push(conditional);
        }
        for protect in &file.protect {
            let rect = protect.at.as_deref().map(|text| self.rect(text));
            let protection = Protection {
                id: 0,
                rect: rect.transpose()?,
                description: self
                    .scope
                    .expand(&protect.why)
                    .map_err(at(self.path, &protect.why))?,
                warning_only: protect.warning_only,
            };
            self.tab.protections.push(protection);
        }
        for (name, range) in &file.tables {
            let block = self.rect(range)?;
            let missing = || at(self.path, name)("no such table in tables()".to_owned());
            let spec = specs.iter().find(|spec| spec.name == *name);
            let spec = spec.ok_or_else(missing)?;
            table_names(&self.tab, spec, block, &mut self.names).map_err(at(self.path, name))?;
        }
        for (name, range) in &file.names {
            let rect = self.rect(range)?;
            self.names.push(NamedRange {
                id: String::new(),
                name: name.clone(),
                area: Area {
                    tab: self.tab.id,
                    rect,
                },
            });
        }
        book.tabs.push(self.tab);
        book.names.append(&mut self.names);
        Ok(())
    }

    fn frame(&mut self, file: &TabFile) -> Result<()> {
        let title = self.titles.iter().find(|(key, _, _)| *key == file.key);
        self.tab = Tab {
            id: file.id,
            title: title.map_or_else(|| file.key.clone(), |(_, _, title)| title.clone()),
            rows: file.rows,
            columns: file.columns,
            frozen_rows: file.frozen_rows,
            frozen_columns: file.frozen_columns,
            hidden: file.hidden,
            no_gridlines: !file.gridlines,
            metadata: vec![("planfact_tab".to_owned(), file.key.clone())],
            ..Tab::default()
        };
        if let Some(color) = &file.color {
            self.tab.color = Some(self.styles.color(color).map_err(at(self.path, color))?);
        }
        for (columns, width) in &file.widths {
            for column in self.columns(columns)? {
                self.tab.column_widths.insert(column, *width);
            }
        }
        for (rows, height) in &file.heights {
            for row in self.row_span(rows)? {
                self.tab.row_heights.insert(row, *height);
            }
        }
        for columns in &file.hide_columns {
            let columns = self.columns(columns)?;
            self.tab.hidden_columns.extend(columns);
        }
        for rows in &file.hide_rows {
            let rows = self.row_span(rows)?;
            self.tab.hidden_rows.extend(rows);
        }
        Ok(())
    }

    fn rect(&self, range: &str) -> Result<Rect> {
        a1::parse_range(range).map_err(|error| at(self.path, range)(error.to_string()))
    }

    /// `"B:D"` or `"B"` as columns.
    fn columns(&self, text: &str) -> Result<std::ops::Range<u32>> {
        let (from, to) = text.split_once(':').unwrap_or((text, text));
        let span = a1::column_number(from).zip(a1::column_number(to));
        let (from, to) =
            span.ok_or_else(|| at(self.path, text)("columns are written like B:D".to_owned()))?;
        Ok(from..to + 1)
    }

    /// `"3"` or `"5:9"` as rows, from 1.
    fn row_span(&self, text: &str) -> Result<std::ops::Range<u32>> {
        let (from, to) = text.split_once(':').unwrap_or((text, text));
        let span = from.parse::<u32>().ok().zip(to.parse::<u32>().ok());
        match span {
            Some((from, to)) if from >= 1 && from <= to => Ok(from - 1..to),
            _ => Err(at(self.path, text)("rows are written like 5:9".to_owned())),
        }
    }

    fn fill(&mut self, rect: Rect, style: &str) -> std::result::Result<(), String> {
        for place in rect.cells() {
            let cell = self.tab.cells.entry(place).or_default();
            cell.format = self.styles.over(&cell.format, style)?;
        }
        Ok(())
    }

    /// Puts a formula, text or nothing into a cell.
    fn put(
        &mut self,
        place: (u32, u32),
        content: &str,
        scope: &Scope<'_>,
    ) -> std::result::Result<(), String> {
        let text = scope.expand(content)?;
        let cell = self.tab.cells.entry(place).or_default();
        if cell.formula.is_some() || cell.value != Value::Blank {
            let (row, column) = place;
            return Err(format!("{} is written twice", a1::cell(row, column)));
        }
        if text.starts_with('=') {
            cell.formula = Some(text);
        } else if !text.is_empty() {
            cell.value = Value::Text(text);
        }
        Ok(())
    }

    fn cell(&mut self, def: &CellDef) -> std::result::Result<(), String> {
        let rect = a1::parse_range(&def.at).map_err(|error| error.to_string())?;
        let place = (rect.row_start, rect.column_start);
        self.fill(rect, &def.style)?;
        if rect.count() > 1 {
            self.tab.merges.push(rect);
        }
        let scope = self
            .scope
            .with(&[("row", (rect.row_start + 1).to_string())]);
        self.put(place, &def.is, &scope)?;
        let note = def.note.as_deref().map(|note| self.scope.expand(note));
        let note = note.transpose()?;
        let cell = self.tab.cells.entry(place).or_default();
        if let Some(number) = def.number {
            cell.value = Value::Number(number);
        }
        cell.note = note;
        cell.validation = def.choice.clone().map(Validation::FromRange);
        if def.checkbox {
            cell.value = Value::Bool(false);
            cell.validation = Some(Validation::Checkbox);
        }
        Ok(())
    }

    fn rows(&mut self, def: &RowsDef) -> std::result::Result<(), String> {
        let columns = |text: &str| -> std::result::Result<Rect, String> {
            let (from, to) = text.split_once(':').unwrap_or((text, text));
            let range = format!("{from}1:{to}1");
            a1::parse_range(&range).map_err(|error| error.to_string())
        };
        for index in 0..def.count.max(def.each.len() as u32) {
            let each = def.each.get(index as usize).map_or("", String::as_str);
            let row = def.from + index * def.step;
            let scope = self.scope.with(&[
                ("row", row.to_string()),
                ("prev", row.saturating_sub(1).to_string()),
                ("i", (index + 1).to_string()),
                ("mm", format!("{:02}", index + 1)),
                ("src", (def.src + index).to_string()),
            ]);
            let line = |rect: Rect| Rect {
                row_start: row - 1,
                row_end: row,
                ..rect
            };
            for (span, style) in &def.styles {
                self.fill(line(columns(span)?), style)?;
            }
            for span in &def.merge {
                self.tab.merges.push(line(columns(span)?));
            }
            for (column, content) in &def.cells {
                let rect = line(columns(column)?);
                let content = content.replace("{each}", each);
                self.put((rect.row_start, rect.column_start), &content, &scope)?;
            }
            for span in &def.at_least_zero {
                let message = self.scope.expand("{t:number_at_least_zero}")?;
                for place in line(columns(span)?).cells() {
                    let cell = self.tab.cells.entry(place).or_default();
                    cell.validation = Some(Validation::NumberAtLeast(0.0, message.clone()));
                }
            }
            if let Some(height) = def.height {
                self.tab.row_heights.insert(row - 1, height);
            }
        }
        Ok(())
    }

    fn card(&mut self, def: &CardDef) -> std::result::Result<(), String> {
        let (corner, last) = def.at.split_once(':').unwrap_or((&def.at, ""));
        let (row, column) = a1::parse_cell(corner).ok_or("a card stands at `B6:C`")?;
        let last = match last {
            "" => column,
            letters => a1::column_number(letters).ok_or("a card stands at `B6:C`")?,
        };
        let parts = [
            (&def.label, "card card_label"),
            (&def.value, "card card_value"),
            (&def.sub, "card card_sub"),
        ];
        for (index, (content, style)) in parts.into_iter().enumerate() {
            let line = row + index as u32;
            let rect = Rect {
                row_start: line,
                row_end: line + 1,
                column_start: column,
                column_end: last + 1,
            };
            self.fill(rect, style)?;
            if index == 1 {
                self.fill(rect, &def.style)?;
            }
            self.edges(rect, index)?;
            if rect.count() > 1 {
                self.tab.merges.push(rect);
            }
            let scope = self.scope.with(&[("row", (line + 1).to_string())]);
            self.put((line, column), content, &scope)?;
            if index == 1
                && let Some(ratio) = &def.ratio
            {
                self.lights(rect, ratio)?;
            }
        }
        Ok(())
    }

    /// The outline of a card, drawn on its outer cells.
    fn edges(&mut self, rect: Rect, part: usize) -> std::result::Result<(), String> {
        let column = |column: u32| Rect {
            column_start: column,
            column_end: column + 1,
            ..rect
        };
        self.fill(column(rect.column_start), "edge_left")?;
        self.fill(column(rect.column_end - 1), "edge_right")?;
        match part {
            0 => self.fill(rect, "edge_top"),
            2 => self.fill(rect, "edge_bottom"),
            _ => Ok(()),
        }
    }

    /// Met, near, missed: colours of a figure by a ratio elsewhere on this tab.
    fn lights(&mut self, rect: Rect, ratio: &str) -> std::result::Result<(), String> {
        for (name, style) in [("met", "met"), ("near", "near"), ("missed", "missed")] {
            let formula = self.scope.expand(&format!("=@{name}({ratio})"))?;
            self.tab.conditional.push(Conditional {
                ranges: vec![rect],
                formula,
                format: self.styles.conditional(style)?,
            });
        }
        Ok(())
    }

    fn chart(&mut self, def: &ChartDef) -> std::result::Result<(), String> {
        let anchor = a1::parse_cell(&def.at).ok_or("`at` is no cell")?;
        let mut series = Vec::new();
        for one in &def.series {
            let role = self
                .style_file
                .roles
                .get(&one.role)
                .ok_or_else(|| format!("no role `{}` in style.toml", one.role))?;
            series.push(Series {
                values: self.area(&one.values)?,
                kind: match role.kind.as_str() {
                    "line" => SeriesKind::Line,
                    "column" => SeriesKind::Column,
                    other => return Err(format!("`{other}` is no kind of series")),
                },
                color: self.styles.color(&role.color)?,
                dashed: role.dashed,
                thin: role.thin,
                points: role.points,
            });
        }
        let chart = Chart {
            id: def.id,
            kind: match def.kind.as_str() {
                "combo" => ChartKind::Combo,
                "bar" => ChartKind::Bar,
                other => return Err(format!("`{other}` is no kind of chart")),
            },
            title: self.scope.expand(&def.title)?,
            subtitle: self.scope.expand(&def.subtitle)?,
            categories: self.area(&def.categories)?,
            series,
            axis_format: self.styles.pattern(&def.axis)?,
            anchor,
            offset: def.offset,
            size: def.size,
        };
        self.tab.charts.push(chart);
        Ok(())
    }

    /// `key!B2:B9`, the tab by its key.
    fn area(&self, text: &str) -> std::result::Result<Area, String> {
        let reference = a1::parse_reference(text).map_err(|error| error.to_string())?;
        let tab = match reference.tab {
            None => self.tab.id,
            Some(key) => {
                let found = self.titles.iter().find(|(known, _, _)| *known == key);
                found
                    .map(|(_, id, _)| *id)
                    .ok_or(format!("no tab `{key}`"))?
            }
        };
        Ok(Area {
            tab,
            rect: reference.rect,
        })
    }
}
