//! Formats that banding and conditional rules lay over cells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::a1::{GridRange, Rect, number_of};
use super::book::{Book, Cell, Effective, Sheet};
use super::engine::Engine;
use super::formula::{for_engine, shift_relative};
use super::locale::Locale;
use super::render::{Overlay, lay_over};

/// Cells that one rule is evaluated for at most: an open range reaches to the end of the grid.
const MOST_CELLS: u64 = 200_000;

/// The overlays of every tab that has some.
pub(crate) fn overlays(book: &Book, engine: Option<&Engine>) -> BTreeMap<i64, Overlay> {
    let mut all = BTreeMap::new();
    for sheet in &book.sheets {
        let mut overlay = Overlay::new();
        for band in &sheet.banded {
            lay_banding(sheet, band, &mut overlay);
        }
        let mut ruled: Overlay = Overlay::new();
        // The first rule that holds wins, property by property: lay them from the last up.
        for rule in sheet.conditional.iter().rev() {
            lay_rule(book, sheet, rule, engine, &mut ruled);
        }
        for (at, format) in ruled {
            lay_over(overlay.entry(at).or_insert_with(|| json!({})), &format);
        }
        if !overlay.is_empty() {
            all.insert(sheet.id, overlay);
        }
    }
    all
}

/// Rows that a tab's basic filter hides: the header stays, a row goes when one column's criteria say
/// so.
pub(crate) fn hidden_rows(book: &Book, sheet: &Sheet) -> BTreeSet<u32> {
    let mut out = BTreeSet::new();
    let Some(filter) = &sheet.filter else {
        return out;
    };
    let specs = filter.get("filterSpecs").and_then(Value::as_array);
    let range = GridRange::from_json(filter.get("range").unwrap_or(&Value::Null));
    let rect = range.bound(sheet.rows(), sheet.cols());
    let blank = Cell::default();
    let locale = Locale::of(book.locale());
    for spec in specs.into_iter().flatten() {
        let index = spec.get("columnIndex").and_then(number_of).unwrap_or(0);
        let column = u32::try_from(index).unwrap_or(u32::MAX);
        let criteria = spec.get("filterCriteria");
        let hidden: Vec<&str> = criteria
            .and_then(|c| c.get("hiddenValues"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let condition = criteria.and_then(|c| c.get("condition"));
        let test = Test::of(book, sheet, condition, None, (rect.r0 + 1, column));
        // A custom formula would need the engine: such a filter hides nothing here.
        let judged = condition.is_some() && test.kind != "CUSTOM_FORMULA";
        for r in (rect.r0 + 1)..rect.r1 {
            let cell = sheet.cells.get(&(r, column)).unwrap_or(&blank);
            let told = super::render::shown(cell, locale);
            if hidden.contains(&told.as_str()) || (judged && !test.holds(cell, (r, column))) {
                out.insert(r);
            }
        }
    }
    out
}

fn lay_banding(sheet: &Sheet, band: &Value, overlay: &mut Overlay) {
    let range = GridRange::from_json(band.get("range").unwrap_or(&Value::Null));
    let rect = range.bound(sheet.rows(), sheet.cols());
    if u64::from(rect.rows()) * u64::from(rect.cols()) > MOST_CELLS {
        return;
    }
    for (key, by_rows) in [("rowProperties", true), ("columnProperties", false)] {
        let Some(props) = band.get(key) else { continue };
        let color = |k: &str| props.get(k);
        let header = color("headerColor");
        for r in rect.r0..rect.r1 {
            for c in rect.c0..rect.c1 {
                let (i, n) = if by_rows {
                    (r - rect.r0, rect.rows())
                } else {
                    (c - rect.c0, rect.cols())
                };
                let shift = u32::from(header.is_some());
                let chosen = if i == 0 && header.is_some() {
                    header
                } else if i + 1 == n && color("footerColor").is_some() {
                    color("footerColor")
                } else if (i - shift.min(i)) % 2 == 0 {
                    color("firstBandColor")
                } else {
                    color("secondBandColor")
                };
                if let Some(chosen) = chosen {
                    let format = json!({
                        "backgroundColor": chosen,
                        "backgroundColorStyle": {"rgbColor": chosen},
                    });
                    lay_over(overlay.entry((r, c)).or_insert_with(|| json!({})), &format);
                }
            }
        }
    }
}

fn lay_rule(
    book: &Book,
    sheet: &Sheet,
    rule: &Value,
    engine: Option<&Engine>,
    overlay: &mut Overlay,
) {
    let ranges: Vec<Rect> = rule
        .get("ranges")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|r| {
            clip(
                sheet,
                GridRange::from_json(r).bound(sheet.rows(), sheet.cols()),
            )
        })
        .collect();
    let Some(first) = ranges.first().copied() else {
        return;
    };
    let blank = Cell::default();
    if let Some(gradient) = rule.get("gradientRule") {
        lay_gradient(sheet, gradient, &ranges, overlay);
        return;
    }
    let Some(boolean) = rule.get("booleanRule") else {
        return;
    };
    let Some(format) = boolean.get("format") else {
        return;
    };
    let test = Test::of(
        book,
        sheet,
        boolean.get("condition"),
        engine,
        (first.r0, first.c0),
    );
    for rect in ranges {
        for r in rect.r0..rect.r1 {
            for c in rect.c0..rect.c1 {
                let cell = sheet.cells.get(&(r, c)).unwrap_or(&blank);
                if test.holds(cell, (r, c)) {
                    lay_over(overlay.entry((r, c)).or_insert_with(|| json!({})), format);
                }
            }
        }
    }
}

/// Beyond the used part of the grid a rule is evaluated only as far as there is room.
fn clip(sheet: &Sheet, rect: Rect) -> Rect {
    if u64::from(rect.rows()) * u64::from(rect.cols()) <= MOST_CELLS {
        return rect;
    }
    let (rows, cols) = sheet.used();
    Rect {
        r1: rect.r1.min(rows.max(rect.r0)),
        c1: rect.c1.min(cols.max(rect.c0)),
        ..rect
    }
}

/// A condition ready to be asked for many cells.
struct Test<'a> {
    kind: String,
    values: Vec<String>,
    engine: Option<&'a Engine>,
    title: &'a str,
    /// The first cell of the rule: relative references count from here.
    origin: (u32, u32),
    locale: &'static Locale,
}

impl<'a> Test<'a> {
    fn of(
        book: &Book,
        sheet: &'a Sheet,
        condition: Option<&Value>,
        engine: Option<&'a Engine>,
        origin: (u32, u32),
    ) -> Test<'a> {
        let kind = condition
            .and_then(|c| c.get("type"))
            .and_then(Value::as_str)
            .unwrap_or("");
        let values = condition
            .and_then(|c| c.get("values"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|v| {
                v.get("userEnteredValue")
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .to_owned()
            })
            .collect();
        Test {
            kind: kind.to_owned(),
            values,
            engine,
            title: sheet.title(),
            origin,
            locale: Locale::of(book.locale()),
        }
    }

    /// The condition's value as seen from a cell.
    fn value(&self, i: usize, at: (u32, u32)) -> Effective {
        let Some(text) = self.values.get(i) else {
            return Effective::Blank;
        };
        if !text.starts_with('=') {
            return match super::entry::parse(text, self.locale).0 {
                Some(super::book::Entered::Number(n)) => Effective::Number(n),
                Some(super::book::Entered::Bool(b)) => Effective::Bool(b),
                Some(super::book::Entered::Text(t)) => Effective::Text(t),
                _ => Effective::Blank,
            };
        }
        let by = (
            i64::from(at.0) - i64::from(self.origin.0),
            i64::from(at.1) - i64::from(self.origin.1),
        );
        let moved = shift_relative(text, by.0, by.1);
        for_engine(&moved, self.locale.decimal_comma())
            .and_then(|f| self.engine?.probe(&f, self.title, at))
            .unwrap_or_default()
    }

    fn holds(&self, cell: &Cell, at: (u32, u32)) -> bool {
        let text = || super::render::shown(cell, self.locale).to_lowercase();
        let wanted = || match self.value(0, at) {
            Effective::Text(t) => t.to_lowercase(),
            Effective::Number(n) => super::numfmt::general(n, self.locale),
            _ => String::new(),
        };
        let filled = cell.effective != Effective::Blank;
        match self.kind.as_str() {
            "BLANK" => !filled || cell.effective == Effective::Text(String::new()),
            "NOT_BLANK" => filled && cell.effective != Effective::Text(String::new()),
            "TEXT_CONTAINS" => filled && text().contains(&wanted()),
            "TEXT_NOT_CONTAINS" => !text().contains(&wanted()),
            "TEXT_STARTS_WITH" => filled && text().starts_with(&wanted()),
            "TEXT_ENDS_WITH" => filled && text().ends_with(&wanted()),
            "TEXT_EQ" => filled && text() == wanted(),
            "CUSTOM_FORMULA" => match self.value(0, at) {
                Effective::Bool(b) => b,
                Effective::Number(n) => n != 0.0,
                _ => false,
            },
            kind => self.number_holds(kind, cell, at),
        }
    }

    fn number_holds(&self, kind: &str, cell: &Cell, at: (u32, u32)) -> bool {
        let Effective::Number(n) = cell.effective else {
            return false;
        };
        let limit = |i: usize| match self.value(i, at) {
            Effective::Number(x) => Some(x),
            // A blank cell that the rule points to counts as zero.
            Effective::Blank => Some(0.0),
            _ => None,
        };
        let Some(a) = limit(0) else { return false };
        let same = (n - a).abs() < f64::EPSILON * n.abs().max(1.0);
        match kind {
            "NUMBER_GREATER" | "DATE_AFTER" => n > a,
            "NUMBER_GREATER_THAN_EQ" | "DATE_ON_OR_AFTER" => n >= a,
            "NUMBER_LESS" | "DATE_BEFORE" => n < a,
            "NUMBER_LESS_THAN_EQ" | "DATE_ON_OR_BEFORE" => n <= a,
            "NUMBER_EQ" | "DATE_EQ" => same,
            "NUMBER_NOT_EQ" => !same,
            "NUMBER_BETWEEN" | "DATE_BETWEEN" => limit(1).is_some_and(|b| (a..=b).contains(&n)),
            "NUMBER_NOT_BETWEEN" => limit(1).is_some_and(|b| !(a..=b).contains(&n)),
            _ => false,
        }
    }
}

/// A colour as red, green, blue.
fn rgb(point: &Value) -> [f64; 3] {
    let color = point
        .get("color")
        .or_else(|| point.pointer("/colorStyle/rgbColor"));
    let part = |k: &str| {
        color
            .and_then(|c| c.get(k))
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
    };
    [part("red"), part("green"), part("blue")]
}

/// Where a gradient's point lies among the numbers.
fn position(point: &Value, numbers: &[f64], default: f64) -> f64 {
    let given = point
        .get("value")
        .and_then(|v| {
            v.as_f64()
                .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
        })
        .or_else(|| point.get("value").and_then(number_of).map(|n| n as f64));
    let low = numbers.first().copied().unwrap_or(0.0);
    let high = numbers.last().copied().unwrap_or(0.0);
    let share = given.unwrap_or(50.0) / 100.0;
    match point.get("type").and_then(Value::as_str) {
        Some("MIN") => low,
        Some("MAX") => high,
        Some("NUMBER") => given.unwrap_or(default),
        Some("PERCENT") => low + (high - low) * share,
        Some("PERCENTILE") => {
            let at = share * (numbers.len().saturating_sub(1)) as f64;
            let below = numbers.get(at.floor() as usize).copied().unwrap_or(low);
            let above = numbers.get(at.ceil() as usize).copied().unwrap_or(high);
            below + (above - below) * at.fract()
        }
        _ => default,
    }
}

fn lay_gradient(sheet: &Sheet, gradient: &Value, ranges: &[Rect], overlay: &mut Overlay) {
    let mut cells: Vec<((u32, u32), f64)> = Vec::new();
    for rect in ranges {
        cells.extend(
            sheet
                .block(*rect)
                .filter_map(|(at, cell)| match cell.effective {
                    Effective::Number(n) => Some((at, n)),
                    _ => None,
                }),
        );
    }
    let mut numbers: Vec<f64> = cells.iter().map(|(_, n)| *n).collect();
    numbers.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (numbers.first().copied(), numbers.last().copied()) else {
        return;
    };
    let mut stops: Vec<(f64, [f64; 3])> = Vec::new();
    for (key, default) in [
        ("minpoint", low),
        ("midpoint", f64::midpoint(low, high)),
        ("maxpoint", high),
    ] {
        if let Some(point) = gradient.get(key) {
            stops.push((position(point, &numbers, default), rgb(point)));
        }
    }
    for (at, n) in cells {
        let Some(color) = blend(&stops, n) else {
            continue;
        };
        let mut map = Map::new();
        for (key, part) in ["red", "green", "blue"].iter().zip(color) {
            if part > 0.0 {
                map.insert((*key).to_owned(), super::book::number_json(part));
            }
        }
        let format = json!({
            "backgroundColor": map,
            "backgroundColorStyle": {"rgbColor": map},
        });
        lay_over(overlay.entry(at).or_insert_with(|| json!({})), &format);
    }
}

fn blend(stops: &[(f64, [f64; 3])], n: f64) -> Option<[f64; 3]> {
    let (first, last) = (stops.first()?, stops.last()?);
    if n <= first.0 {
        return Some(first.1);
    }
    for pair in stops.windows(2) {
        if let [(a, x), (b, y)] = pair
            && n <= *b
        {
            let t = if b > a { (n - a) / (b - a) } else { 1.0 };
            let mix = |i: usize| {
                let (p, q) = (x.get(i).unwrap_or(&0.0), y.get(i).unwrap_or(&0.0));
                p + (q - p) * t
            };
            return Some([mix(0), mix(1), mix(2)]);
        }
    }
    Some(last.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::sheets::book::Entered;

    fn sample(rule: Value) -> BTreeMap<i64, Overlay> {
        let mut book = Book::new("b", "t", "en_US", "Etc/GMT");
        let sheet = book.sheet_mut(0).unwrap();
        for (r, n) in [(0, 1.0), (1, 5.0), (2, 9.0)] {
            sheet.edit((r, 0), |c| c.enter(Some(Entered::Number(n))));
        }
        sheet.conditional.push(rule);
        let engine = Engine::build(&mut book, chrono::DateTime::UNIX_EPOCH);
        overlays(&book, Some(&engine))
    }

    fn boolean(kind: &str, value: &str) -> Value {
        json!({
            "ranges": [{"startRowIndex": 0, "endRowIndex": 4, "startColumnIndex": 0,
                "endColumnIndex": 1}],
            "booleanRule": {
                "condition": {"type": kind, "values": [{"userEnteredValue": value}]},
                "format": {"textFormat": {"bold": true}},
            },
        })
    }

    #[test]
    fn rules_hit_the_right_cells() {
        let cases: [(&str, &str, &[u32]); 5] = [
            ("NUMBER_GREATER", "4", &[1, 2]),
            ("NUMBER_LESS_THAN_EQ", "=A2", &[0, 1]),
            ("CUSTOM_FORMULA", "=$A1>=AVERAGE($A$1:$A$3)", &[1, 2]),
            ("BLANK", "", &[3]),
            ("TEXT_EQ", "5", &[1]),
        ];
        for (kind, value, rows) in cases {
            let all = sample(boolean(kind, value));
            let hit: Vec<u32> = all
                .get(&0)
                .into_iter()
                .flat_map(BTreeMap::keys)
                .map(|at| at.0)
                .collect();
            if value == "=A2" {
                // Relative: each cell against the one below it.
                assert_eq!(hit, [0, 1], "{kind}");
            } else {
                assert_eq!(hit, rows, "{kind}");
            }
        }
    }

    #[test]
    fn a_gradient_blends() {
        let all = sample(json!({
            "ranges": [{"startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0,
                "endColumnIndex": 1}],
            "gradientRule": {
                "minpoint": {"type": "MIN", "color": {"red": 1.0}},
                "maxpoint": {"type": "MAX", "color": {"green": 1.0}},
            },
        }));
        assert_eq!(
            all[&0][&(1, 0)]["backgroundColor"],
            json!({"red": 0.5, "green": 0.5}),
        );
    }
}
