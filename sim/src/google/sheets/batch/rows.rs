//! Requests that rearrange rows of data: splitting texts, dropping doubles, shuffling.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Work;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::{Cell, Effective, Entered};
use crate::google::sheets::entry;
use crate::google::sheets::formula;
use crate::google::sheets::locale::Locale;

/// The separators that an automatic split tries, in this order.
const AUTOMATIC: [&str; 4] = [",", ";", ".", " "];

fn delimiter(w: &Work<'_>, texts: &[String]) -> Answer<String> {
    let custom = w.text("delimiter").unwrap_or("").to_owned();
    Ok(match w.text("delimiterType").unwrap_or("AUTODETECT") {
        "COMMA" => ",".into(),
        "SEMICOLON" => ";".into(),
        "PERIOD" => ".".into(),
        "SPACE" => " ".into(),
        "CUSTOM" if custom.is_empty() => {
            return Err(ApiError::invalid(
                "delimiter must be specified when delimiterType is CUSTOM.",
            ));
        }
        "CUSTOM" => custom,
        _ => {
            let found = AUTOMATIC
                .iter()
                .find(|d| texts.iter().any(|t| t.contains(**d)));
            found.copied().unwrap_or(",").to_owned()
        }
    })
}

pub(super) fn split(w: &mut Work<'_>) -> Answer<()> {
    let (id, rect) = w.rect("source")?;
    if rect.cols() != 1 {
        return Err(ApiError::invalid(
            "The source range must span exactly one column.",
        ));
    }
    let texts: BTreeMap<u32, String> = w
        .book
        .sheet(id)?
        .block(rect)
        .filter_map(|((r, _), cell)| match &cell.entered {
            Some(Entered::Text(t)) => Some((r, t.clone())),
            _ => None,
        })
        .collect();
    let all: Vec<String> = texts.values().cloned().collect();
    let delimiter = delimiter(w, &all)?;
    let parts: BTreeMap<u32, Vec<&str>> = texts
        .iter()
        .map(|(r, t)| (*r, t.split(delimiter.as_str()).collect()))
        .collect();
    let width = parts.values().map(Vec::len).max().unwrap_or(1);
    let width = u32::try_from(width).unwrap_or(1);
    let target = Rect {
        c1: rect.c0 + width,
        ..rect
    };
    w.sheet(id)?.grow(0, target.c1);
    w.book.check_budget()?;
    w.guard(id, &target)?;
    let locale = Locale::of(w.book.locale());
    for (r, fields) in parts {
        for (c, field) in (rect.c0..).zip(fields) {
            let (value, _) = entry::parse(field.trim(), locale);
            w.sheet(id)?.edit((r, c), |cell| cell.enter(value));
            w.book.touch(id, (r, c));
        }
    }
    Ok(())
}

/// What makes two cells the same: the value without its case; a blank is a blank.
fn key(cell: Option<&Cell>) -> String {
    match cell.map(|c| &c.effective) {
        None | Some(Effective::Blank) => String::new(),
        Some(Effective::Number(n)) => format!("n{n}"),
        Some(Effective::Text(t)) => format!("t{}", t.to_lowercase()),
        Some(Effective::Bool(b)) => format!("b{b}"),
        Some(Effective::Error(e)) => format!("e{}", e.shown),
    }
}

/// The columns that decide, within the block.
fn compared(w: &Work<'_>, id: i64, rect: &Rect) -> Answer<Vec<u32>> {
    let Some(asked) = w.get("comparisonColumns").and_then(Value::as_array) else {
        return Ok((rect.c0..rect.c1).collect());
    };
    let mut out = BTreeSet::new();
    for range in asked {
        if range.get("dimension").and_then(Value::as_str) == Some("ROWS") {
            return Err(ApiError::invalid(
                "Comparison columns must have the dimension COLUMNS.",
            ));
        }
        let side = |k: &str| {
            range
                .get(k)
                .and_then(number_of)
                .and_then(|n| u32::try_from(n).ok())
        };
        let sheet = range.get("sheetId").and_then(number_of).unwrap_or(0);
        let from = side("startIndex").unwrap_or(0);
        let to = side("endIndex").unwrap_or(rect.c1);
        if sheet != id || from < rect.c0 || to > rect.c1 {
            return Err(ApiError::invalid(
                "Comparison columns must be within the range.",
            ));
        }
        out.extend(from..to);
    }
    if out.is_empty() {
        return Ok((rect.c0..rect.c1).collect());
    }
    Ok(out.into_iter().collect())
}

/// Puts the block's rows into a new order; rows that `order` does not name are emptied.
fn arrange(w: &mut Work<'_>, id: i64, rect: Rect, order: &[u32]) -> Answer<()> {
    let sheet = w.sheet(id)?;
    let mut lines: BTreeMap<u32, Vec<(u32, Cell)>> = BTreeMap::new();
    for ((r, c), cell) in sheet.block(rect) {
        lines.entry(r).or_default().push((c, cell.clone()));
    }
    let places: Vec<(u32, u32)> = sheet.block(rect).map(|(at, _)| at).collect();
    for at in places {
        sheet.cells.remove(&at);
    }
    for (to, from) in (rect.r0..rect.r1).zip(order) {
        for (c, mut cell) in lines.remove(from).unwrap_or_default() {
            if let Some(Entered::Formula(f)) = &cell.entered {
                let by = i64::from(to) - i64::from(*from);
                cell.entered = Some(Entered::Formula(formula::shift_relative(f, by, 0)));
            }
            sheet.cells.insert((to, c), cell);
        }
    }
    w.book.touch_all();
    Ok(())
}

pub(super) fn drop_doubles(w: &mut Work<'_>) -> Answer {
    let (id, rect) = w.rect("range")?;
    w.guard(id, &rect)?;
    let columns = compared(w, id, &rect)?;
    let sheet = w.book.sheet(id)?;
    // Rows below the last one with a value are no rows of data.
    let last = sheet
        .block(rect)
        .filter(|(_, cell)| cell.has_value())
        .map(|((r, _), _)| r + 1)
        .max()
        .unwrap_or(rect.r0);
    let mut seen = BTreeSet::new();
    let kept: Vec<u32> = (rect.r0..last)
        .filter(|r| {
            let row: Vec<String> = columns
                .iter()
                .map(|c| key(sheet.cells.get(&(*r, *c))))
                .collect();
            seen.insert(row)
        })
        .collect();
    let removed = (last - rect.r0) as usize - kept.len();
    if removed > 0 {
        arrange(w, id, rect, &kept)?;
    }
    let reply = if removed > 0 {
        json!({"duplicatesRemovedCount": removed})
    } else {
        json!({})
    };
    Ok(json!({"deleteDuplicates": reply}))
}

pub(super) fn shuffle(w: &mut Work<'_>) -> Answer<()> {
    let range = GridRange::from_json(w.need("range")?);
    let rect = w.book.rect(&range)?;
    w.guard(range.sheet, &rect)?;
    let mut order: Vec<u32> = (rect.r0..rect.r1).collect();
    // Fisher and Yates, with the book's own source of numbers.
    for at in (1..order.len()).rev() {
        let roll = usize::try_from(w.book.fresh_id()).unwrap_or(0);
        order.swap(at, roll % (at + 1));
    }
    arrange(w, range.sheet, rect, &order)
}
