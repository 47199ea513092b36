//! Formulas computed: the door to the calculation engine.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Offset, TimeZone, Utc};
use formualizer::eval::engine::DeterministicMode;
use formualizer::eval::timezone::TimeZoneSpec;
use formualizer::workbook::{CustomFnOptions, NamedRangeScope, Workbook, WorkbookConfig};
use formualizer::{ExcelError, ExcelErrorKind, LiteralValue, RangeAddress};

use super::book::{Book, CellError, Effective, Entered, Sheet};
use super::formula::{Piece, for_engine, pieces};
use super::locale::Locale;
use super::numfmt::{format_number, format_text, time_to_serial};

/// Functions whose results change by themselves.
const VOLATILE: [&str; 5] = ["NOW(", "TODAY(", "RAND(", "RANDBETWEEN(", "RANDARRAY("];

/// Rows of a storage block of the engine.
const CHUNK_ROWS: usize = 4096;

/// Formulas are collected and linked together when first evaluated: much faster than one by one.
fn config() -> WorkbookConfig {
    let mut config = WorkbookConfig::interactive();
    config.enable_changelog = false;
    config
}

/// The calculation engine of one spreadsheet, with what it was last told.
pub(crate) struct Engine {
    book: Workbook,
    /// Formula cells: sheet id, row, column.
    formulas: BTreeSet<(i64, u32, u32)>,
    /// Formulas that the engine cannot read.
    broken: HashSet<(i64, u32, u32)>,
    /// Cells filled by another cell's array.
    spilled: BTreeSet<(i64, u32, u32)>,
    volatile: bool,
    /// Instant of the last computation.
    computed: DateTime<Utc>,
}

impl Engine {
    /// Reads the whole spreadsheet and computes it.
    pub(crate) fn build(book: &mut Book, now: DateTime<Utc>) -> Engine {
        let mut engine = Engine {
            book: Workbook::new_with_config(config()),
            formulas: BTreeSet::new(),
            broken: HashSet::new(),
            spilled: BTreeSet::new(),
            volatile: false,
            computed: now,
        };
        register(&mut engine.book, Locale::of(book.locale()));
        for sheet in &book.sheets {
            let _ = engine.book.add_sheet(sheet.title());
        }
        engine.load(&book.sheets);
        engine.name_all(book);
        for sheet in book.sheets.clone() {
            for (at, cell) in &sheet.cells {
                if let Some(Entered::Formula(text)) = &cell.entered {
                    engine.set_formula(&sheet, *at, text, book);
                }
            }
        }
        engine.compute(book, now);
        engine
    }

    /// Loads the constants of all tabs at once, row by row.
    fn load(&mut self, sheets: &[Arc<Sheet>]) {
        let mut bulk = self.book.engine_mut().begin_bulk_ingest_arrow();
        for sheet in sheets {
            let (rows, cols) = sheet.used();
            let width = cols.max(1) as usize;
            bulk.add_sheet(sheet.title(), width, CHUNK_ROWS);
            let mut cells = sheet.cells.iter().peekable();
            for r in 0..rows.max(1) {
                let mut line = vec![LiteralValue::Empty; width];
                while let Some(((row, c), cell)) = cells.peek() {
                    if *row != r {
                        break;
                    }
                    let value = cell.entered.as_ref().and_then(literal);
                    if let (Some(value), Some(slot)) = (value, line.get_mut(*c as usize)) {
                        *slot = value;
                    }
                    cells.next();
                }
                if let Err(e) = bulk.append_row(sheet.title(), &line) {
                    tracing::debug!(tab = sheet.title(), row = r, error = %e, "row refused");
                }
            }
        }
        if let Err(e) = bulk.finish() {
            tracing::warn!(error = %e, "the engine took no values");
        }
    }

    fn name_all(&mut self, book: &Book) {
        for named in &book.named {
            let Ok(sheet) = book.sheet(named.range.sheet) else {
                continue;
            };
            let rect = named.range.bound(sheet.rows(), sheet.cols());
            if rect.rows() == 0 || rect.cols() == 0 {
                continue;
            }
            let address =
                RangeAddress::new(sheet.title(), rect.r0 + 1, rect.c0 + 1, rect.r1, rect.c1);
            if let Ok(address) = address {
                let _ =
                    self.book
                        .define_named_range(&named.name, &address, NamedRangeScope::Workbook);
            }
        }
    }

    fn set_formula(&mut self, sheet: &Sheet, at: (u32, u32), text: &str, book: &Book) {
        let key = (sheet.id, at.0, at.1);
        self.formulas.insert(key);
        let upper = text.to_uppercase();
        self.volatile |= VOLATILE.iter().any(|f| upper.contains(f));
        let decimal_comma = Locale::of(book.locale()).decimal_comma();
        let read = for_engine(text, decimal_comma).is_some_and(|f| {
            self.book
                .set_formula(sheet.title(), at.0 + 1, at.1 + 1, &f)
                .is_ok()
        });
        if read {
            self.broken.remove(&key);
        } else {
            self.broken.insert(key);
            let error = LiteralValue::Error(ExcelError::new(ExcelErrorKind::Error));
            let _ = self
                .book
                .set_value(sheet.title(), at.0 + 1, at.1 + 1, error);
        }
    }

    /// Tells the engine what changed and computes.
    pub(crate) fn update(&mut self, book: &mut Book, now: DateTime<Utc>) {
        let mut changed = std::mem::take(&mut book.dirty.cells);
        changed.sort_unstable();
        changed.dedup();
        // The last row first: the engine then grows a tab once, not a row at a time.
        for (id, r, c) in changed.into_iter().rev() {
            let Ok(sheet) = book.sheet(id) else {
                continue;
            };
            let entered = sheet
                .cells
                .get(&(r, c))
                .and_then(|cell| cell.entered.clone());
            if let Some(Entered::Formula(text)) = &entered {
                self.set_formula(sheet, (r, c), text, book);
                continue;
            }
            self.formulas.remove(&(id, r, c));
            self.broken.remove(&(id, r, c));
            let value = entered
                .as_ref()
                .and_then(literal)
                .unwrap_or(LiteralValue::Empty);
            let _ = self.book.set_value(sheet.title(), r + 1, c + 1, value);
        }
        self.compute(book, now);
    }

    /// Computes again when the results depend on the clock.
    pub(crate) fn refresh(&mut self, book: &mut Book, now: DateTime<Utc>) {
        if self.volatile && now != self.computed {
            self.compute(book, now);
        }
    }

    fn compute(&mut self, book: &mut Book, now: DateTime<Utc>) {
        self.computed = now;
        let zone: chrono_tz::Tz = book.time_zone().parse().unwrap_or(chrono_tz::UTC);
        let offset = zone
            .offset_from_utc_datetime(&now.naive_utc())
            .fix()
            .local_minus_utc();
        let mode = DeterministicMode::Enabled {
            timestamp_utc: now,
            timezone: TimeZoneSpec::FixedOffsetSeconds(offset),
        };
        if self.volatile {
            let _ = self.book.set_deterministic_mode(mode);
        }
        if let Err(e) = self.book.evaluate_all() {
            tracing::warn!(book = %book.id, error = %e, "the engine gave up");
        }
        self.read_back(book);
    }

    /// Takes the results into the spreadsheet: formula cells, and the cells their arrays fill.
    fn read_back(&mut self, book: &mut Book) {
        let mut results: Vec<(i64, u32, u32, Effective)> = Vec::new();
        for (id, r, c) in &self.formulas {
            let Ok(sheet) = book.sheet(*id) else { continue };
            let broken = self.broken.contains(&(*id, *r, *c));
            let value = if broken {
                Effective::Error(parse_error())
            } else {
                effective(
                    self.book.get_value(sheet.title(), r + 1, c + 1),
                    sheet,
                    (*r, *c),
                )
            };
            results.push((*id, *r, *c, value));
        }
        let mut now_spilled = BTreeSet::new();
        let with_formulas: BTreeSet<i64> = self.formulas.iter().map(|(id, ..)| *id).collect();
        for id in with_formulas {
            let Ok(sheet) = book.sheet(id) else { continue };
            for (r, c, value) in self.spill_of(sheet) {
                now_spilled.insert((id, r, c));
                results.push((id, r, c, value));
            }
        }
        for (id, r, c) in self.spilled.difference(&now_spilled) {
            let own = book
                .sheet(*id)
                .ok()
                .and_then(|s| s.cells.get(&(*r, *c)))
                .is_some_and(|cell| cell.entered.is_some());
            if !own {
                results.push((*id, *r, *c, Effective::Blank));
            }
        }
        self.spilled = now_spilled;
        for (id, r, c, value) in results {
            store(book, id, (r, c), value);
        }
    }

    /// Cells without a value of their own to which the engine gives one.
    fn spill_of(&self, sheet: &Sheet) -> Vec<(u32, u32, Effective)> {
        let may_spill = sheet.cells.values().any(|cell| match &cell.entered {
            Some(Entered::Formula(f)) => may_return_array(f),
            _ => false,
        });
        let Some((rows, cols)) = self
            .book
            .sheet_dimensions(sheet.title())
            .filter(|_| may_spill)
        else {
            return Vec::new();
        };
        let Ok(area) = RangeAddress::new(sheet.title(), 1, 1, rows.max(1), cols.max(1)) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for (r, row) in self.book.read_range(&area).into_iter().enumerate() {
            for (c, value) in row.into_iter().enumerate() {
                let at = (r as u32, c as u32);
                let own = sheet
                    .cells
                    .get(&at)
                    .is_some_and(|cell| cell.entered.is_some());
                if !own && value != LiteralValue::Empty {
                    out.push((at.0, at.1, effective(Some(value), sheet, at)));
                }
            }
        }
        out
    }

    /// Evaluates a formula as if it stood in a cell, without storing it.
    pub(crate) fn probe(&self, formula: &str, title: &str, at: (u32, u32)) -> Option<Effective> {
        let ast = formualizer::parse::parser::parse(formula).ok()?;
        let engine = self.book.engine();
        let id = engine.sheet_id(title)?;
        let cell = formualizer::eval::reference::CellRef::new(
            id,
            formualizer::eval::reference::Coord::from_excel(at.0 + 1, at.1 + 1, true, true),
        );
        let interpreter =
            formualizer::eval::interpreter::Interpreter::new_with_cell(engine, title, cell);
        let value = match interpreter.evaluate_ast(&ast) {
            Ok(v) => v.into_owned(),
            Err(e) => LiteralValue::Error(e),
        };
        Some(plain(value))
    }
}

/// Whether a formula may fill more than its own cell.
fn may_return_array(formula: &str) -> bool {
    const ARRAYS: [&str; 13] = [
        "FILTER(",
        "SORT(",
        "UNIQUE(",
        "SEQUENCE(",
        "TRANSPOSE(",
        "ARRAYFORMULA(",
        "SORTBY(",
        "SPLIT(",
        "XLOOKUP(",
        "INDEX(",
        "HSTACK(",
        "VSTACK(",
        "OFFSET(",
    ];
    let upper = formula.to_uppercase();
    if upper.contains('{') || ARRAYS.iter().any(|f| upper.contains(f)) {
        return true;
    }
    // A bare range, or arithmetic on one, spills too.
    pieces(formula)
        .iter()
        .any(|p| matches!(p, Piece::Ref(r) if r.b.is_some()))
        && !upper.contains('(')
}

fn store(book: &mut Book, id: i64, at: (u32, u32), value: Effective) {
    let Ok(sheet) = book.sheet(id) else { return };
    let cell = sheet.cells.get(&at);
    let same = cell.map_or(value == Effective::Blank, |c| c.effective == value);
    let brought = cell
        .and_then(|c| c.entered.as_ref())
        .and_then(|e| match e {
            Entered::Formula(f) => Some(f.clone()),
            _ => None,
        })
        .and_then(|f| result_format(&f, book, sheet));
    let link = cell.and_then(|c| link_of(c.entered.as_ref()));
    let unchanged = cell.is_none_or(|c| c.result_format == brought && c.link == link);
    if same && unchanged {
        return;
    }
    if let Ok(sheet) = book.sheet_mut(id) {
        sheet.edit(at, |cell| {
            cell.effective = value;
            cell.result_format = brought;
            cell.link = link;
        });
    }
}

/// The target of `=HYPERLINK("…"; …)` when it is written out.
fn link_of(entered: Option<&Entered>) -> Option<String> {
    let Some(Entered::Formula(f)) = entered else {
        return None;
    };
    let rest = f.strip_prefix('=')?.trim_start();
    let head = rest.get(..10)?;
    if !head.eq_ignore_ascii_case("HYPERLINK(") {
        return None;
    }
    let inner = rest.get(10..)?.trim_start().strip_prefix('"')?;
    Some(inner.split('"').next().unwrap_or("").to_owned())
}

/// The number format that a formula's result brings: dates from date functions, and the format of
/// the cell that a plain reference points to.
fn result_format(formula: &str, book: &Book, home: &Sheet) -> Option<(String, String)> {
    let locale = Locale::of(book.locale());
    let body = formula.strip_prefix('=')?.trim_start().to_uppercase();
    let starts = |f: &str| body.starts_with(f);
    if ["TODAY(", "DATE(", "EOMONTH(", "EDATE(", "WORKDAY("]
        .iter()
        .any(|f| starts(f))
    {
        return Some(("DATE".into(), locale.date_pattern.into()));
    }
    if starts("NOW(") {
        return Some(("DATE_TIME".into(), locale.date_time_pattern.into()));
    }
    let all = pieces(formula);
    let [Piece::Text(eq), Piece::Ref(r)] = all.as_slice() else {
        return None;
    };
    let (Some((row, _)), Some((col, _)), None) = (r.a.row, r.a.col, &r.b) else {
        return None;
    };
    if eq != "=" {
        return None;
    }
    let sheet = match &r.tab {
        Some(tab) => book.sheet_by_title(tab).map(Arc::as_ref)?,
        None => home,
    };
    sheet.cells.get(&(row, col))?.number_format()
}

fn literal(entered: &Entered) -> Option<LiteralValue> {
    Some(match entered {
        Entered::Number(n) => LiteralValue::Number(*n),
        Entered::Text(t) => LiteralValue::Text(t.clone()),
        Entered::Bool(b) => LiteralValue::Boolean(*b),
        Entered::Formula(_) => return None,
    })
}

/// The engine's value in the spreadsheet's terms.
fn effective(value: Option<LiteralValue>, sheet: &Sheet, at: (u32, u32)) -> Effective {
    let value = value.unwrap_or(LiteralValue::Empty);
    if matches!(value, LiteralValue::Number(n) if n == 0.0) && refers_to_blank(sheet, at) {
        return Effective::Blank;
    }
    plain(value)
}

/// Whether a cell's formula is a plain reference to an empty cell of its own tab: Google shows
/// nothing there, the engine a zero.
fn refers_to_blank(sheet: &Sheet, at: (u32, u32)) -> bool {
    let Some(Entered::Formula(f)) = sheet.cells.get(&at).and_then(|c| c.entered.as_ref()) else {
        return false;
    };
    match pieces(f).as_slice() {
        [Piece::Text(eq), Piece::Ref(r)] if eq == "=" && r.tab.is_none() && r.b.is_none() => {
            match (r.a.row, r.a.col) {
                (Some((row, _)), Some((col, _))) => {
                    sheet.cells.get(&(row, col)).is_none_or(|c| !c.has_value())
                }
                _ => false,
            }
        }
        _ => false,
    }
}

fn plain(value: LiteralValue) -> Effective {
    match value {
        LiteralValue::Number(n) => Effective::Number(n),
        LiteralValue::Int(i) => Effective::Number(i as f64),
        LiteralValue::Text(t) => Effective::Text(t),
        LiteralValue::Boolean(b) => Effective::Bool(b),
        LiteralValue::Date(d) => {
            Effective::Number(time_to_serial(d.and_time(chrono::NaiveTime::MIN)))
        }
        LiteralValue::DateTime(d) => Effective::Number(time_to_serial(d)),
        LiteralValue::Time(_) | LiteralValue::Duration(_) => value
            .as_serial_number()
            .map_or(Effective::Blank, Effective::Number),
        LiteralValue::Array(rows) => rows
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().next())
            .map_or(Effective::Blank, plain),
        LiteralValue::Empty | LiteralValue::Pending => Effective::Blank,
        LiteralValue::Error(e) => Effective::Error(error(&e)),
    }
}

fn parse_error() -> CellError {
    CellError {
        kind: "ERROR",
        shown: "#ERROR!",
        message: "Formula parse error.".to_owned(),
    }
}

fn error(e: &ExcelError) -> CellError {
    let (kind, shown, words) = match e.kind {
        ExcelErrorKind::Div => (
            "DIVIDE_BY_ZERO",
            "#DIV/0!",
            "Function DIVIDE parameter 2 cannot be zero.",
        ),
        ExcelErrorKind::Na => ("N_A", "#N/A", "Did not find the value."),
        ExcelErrorKind::Ref => ("REF", "#REF!", "Reference does not exist."),
        ExcelErrorKind::Circ => ("REF", "#REF!", "Circular dependency detected."),
        ExcelErrorKind::Spill => (
            "REF",
            "#REF!",
            "Array result was not expanded because it would overwrite data.",
        ),
        ExcelErrorKind::Name => ("NAME", "#NAME?", "Unknown function or range name."),
        ExcelErrorKind::Num => ("NUM", "#NUM!", "The result is not a valid number."),
        ExcelErrorKind::Null => ("NULL_VALUE", "#NULL!", "The ranges do not meet."),
        ExcelErrorKind::Error => ("ERROR", "#ERROR!", "Formula parse error."),
        _ => ("VALUE", "#VALUE!", "A parameter has the wrong type."),
    };
    let message = match e.message() {
        Some(m) if e.kind == ExcelErrorKind::Name && !m.is_empty() => m.to_owned(),
        _ => words.to_owned(),
    };
    CellError {
        kind,
        shown,
        message,
    }
}

/// Functions that Google has or understands in its own way.
fn register(book: &mut Workbook, locale: &'static Locale) {
    type Handler = Arc<dyn Fn(&[LiteralValue]) -> Result<LiteralValue, ExcelError> + Send + Sync>;
    let own: [(&str, usize, Option<usize>, Handler); 6] = [
        (
            "TEXT",
            2,
            Some(2),
            Arc::new(move |args| Ok(text(args, locale))),
        ),
        (
            "SPARKLINE",
            1,
            Some(2),
            Arc::new(|_| Ok(LiteralValue::Text(String::new()))),
        ),
        (
            "ARRAYFORMULA",
            1,
            Some(1),
            Arc::new(|args| Ok(args.first().cloned().unwrap_or(LiteralValue::Empty))),
        ),
        ("FILTER", 2, None, Arc::new(filter)),
        ("SORT", 1, None, Arc::new(sort)),
        (
            "TO_TEXT",
            1,
            Some(1),
            Arc::new(move |args| Ok(to_text(args, locale))),
        ),
    ];
    for (name, least, most, handler) in own {
        let options = CustomFnOptions {
            min_args: least,
            max_args: most,
            allow_override_builtin: true,
            ..CustomFnOptions::default()
        };
        let handler = move |args: &[LiteralValue]| handler(args);
        if let Err(e) = book.register_custom_function(name, options, Arc::new(handler)) {
            tracing::warn!(name, error = %e, "a function could not be registered");
        }
    }
}

fn one(args: &[LiteralValue], i: usize) -> LiteralValue {
    match args.get(i) {
        Some(LiteralValue::Array(rows)) => rows
            .first()
            .and_then(|r| r.first())
            .cloned()
            .unwrap_or(LiteralValue::Empty),
        Some(v) => v.clone(),
        None => LiteralValue::Empty,
    }
}

fn text(args: &[LiteralValue], locale: &Locale) -> LiteralValue {
    let pattern = match plain(one(args, 1)) {
        Effective::Text(t) => t,
        Effective::Number(n) => super::numfmt::general(n, locale),
        _ => String::new(),
    };
    let shown = match one(args, 0) {
        e @ LiteralValue::Error(_) => return e,
        value => match plain(value) {
            Effective::Number(n) => format_number(n, &pattern, locale),
            Effective::Text(t) => format_text(&t, &pattern),
            Effective::Bool(b) => if b { locale.yes } else { locale.no }.to_owned(),
            Effective::Blank => format_number(0.0, &pattern, locale),
            Effective::Error(_) => String::new(),
        },
    };
    LiteralValue::Text(shown)
}

fn to_text(args: &[LiteralValue], locale: &Locale) -> LiteralValue {
    match plain(one(args, 0)) {
        Effective::Number(n) => LiteralValue::Text(super::numfmt::general(n, locale)),
        Effective::Text(t) => LiteralValue::Text(t),
        Effective::Bool(b) => LiteralValue::Text(if b { "TRUE" } else { "FALSE" }.to_owned()),
        _ => LiteralValue::Text(String::new()),
    }
}

fn table(value: Option<&LiteralValue>) -> Vec<Vec<LiteralValue>> {
    match value {
        Some(LiteralValue::Array(rows)) => rows.clone(),
        Some(v) => vec![vec![v.clone()]],
        None => Vec::new(),
    }
}

fn truthy(v: &LiteralValue) -> bool {
    match v {
        LiteralValue::Boolean(b) => *b,
        other => other.as_serial_number().is_some_and(|n| n != 0.0),
    }
}

/// Google's FILTER: every further argument is a condition, by rows or by columns.
fn filter(args: &[LiteralValue]) -> Result<LiteralValue, ExcelError> {
    let source = table(args.first());
    let width = source.first().map_or(0, Vec::len);
    let mut rows = vec![true; source.len()];
    let mut cols = vec![true; width];
    for condition in args.iter().skip(1) {
        if let LiteralValue::Error(e) = condition {
            return Err(e.clone());
        }
        let test = table(Some(condition));
        if test.len() == source.len() && test.first().is_some_and(|r| r.len() == 1) {
            for (keep, row) in rows.iter_mut().zip(&test) {
                *keep &= row.first().is_some_and(truthy);
            }
        } else if test.len() == 1 && test.first().is_some_and(|r| r.len() == width) {
            for (keep, v) in cols.iter_mut().zip(test.first().into_iter().flatten()) {
                *keep &= truthy(v);
            }
        } else {
            let sizes = "FILTER has mismatched range sizes.";
            return Err(ExcelError::new(ExcelErrorKind::Value).with_message(sizes));
        }
    }
    let kept: Vec<Vec<LiteralValue>> = source
        .into_iter()
        .zip(rows)
        .filter(|(_, keep)| *keep)
        .map(|(r, _)| {
            r.into_iter()
                .zip(&cols)
                .filter(|(_, k)| **k)
                .map(|(v, _)| v)
                .collect()
        })
        .collect();
    if kept.is_empty() || kept.first().is_some_and(Vec::is_empty) {
        let none = "No matches are found in FILTER evaluation.";
        return Err(ExcelError::new(ExcelErrorKind::Na).with_message(none));
    }
    Ok(LiteralValue::Array(kept))
}

/// Google's SORT: range, then pairs of column (or column range) and ascending.
fn sort(args: &[LiteralValue]) -> Result<LiteralValue, ExcelError> {
    let mut rows = table(args.first());
    let mut keys: Vec<(Vec<LiteralValue>, bool)> = Vec::new();
    for pair in args.get(1..).unwrap_or_default().chunks(2) {
        let ascending = pair.get(1).is_none_or(truthy);
        let key = match pair.first() {
            Some(LiteralValue::Array(column)) if column.len() == rows.len() && rows.len() > 1 => {
                column
                    .iter()
                    .map(|r| r.first().cloned().unwrap_or(LiteralValue::Empty))
                    .collect()
            }
            Some(v) => {
                let n = one(std::slice::from_ref(v), 0)
                    .as_serial_number()
                    .unwrap_or(1.0);
                let at = (n as usize).saturating_sub(1);
                rows.iter()
                    .map(|r| r.get(at).cloned().unwrap_or(LiteralValue::Empty))
                    .collect()
            }
            None => Vec::new(),
        };
        keys.push((key, ascending));
    }
    if keys.is_empty() {
        let first = rows
            .iter()
            .map(|r| r.first().cloned().unwrap_or(LiteralValue::Empty));
        keys.push((first.collect(), true));
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        for (key, ascending) in &keys {
            let (x, y) = (key.get(*a), key.get(*b));
            let side = |v: Option<&LiteralValue>| v.cloned().map_or(Effective::Blank, plain);
            let by = compare(&side(x), &side(y), *ascending);
            if by != std::cmp::Ordering::Equal {
                return by;
            }
        }
        std::cmp::Ordering::Equal
    });
    let sorted = order
        .into_iter()
        .filter_map(|i| rows.get_mut(i).map(std::mem::take))
        .collect();
    Ok(LiteralValue::Array(sorted))
}

/// The order in which sheets sort: numbers, texts, flags, errors; blanks always last.
pub(crate) fn compare(a: &Effective, b: &Effective, ascending: bool) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let rank = |v: &Effective| match v {
        Effective::Number(_) => 0,
        Effective::Text(_) => 1,
        Effective::Bool(_) => 2,
        Effective::Error(_) => 3,
        Effective::Blank => 4,
    };
    match (a, b) {
        (Effective::Blank, Effective::Blank) => return Ordering::Equal,
        (Effective::Blank, _) => return Ordering::Greater,
        (_, Effective::Blank) => return Ordering::Less,
        _ => {}
    }
    let natural = match (a, b) {
        (Effective::Number(x), Effective::Number(y)) => x.total_cmp(y),
        (Effective::Text(x), Effective::Text(y)) => x.to_lowercase().cmp(&y.to_lowercase()),
        (Effective::Bool(x), Effective::Bool(y)) => x.cmp(y),
        _ => rank(a).cmp(&rank(b)),
    };
    if ascending {
        natural
    } else {
        natural.reverse()
    }
}
