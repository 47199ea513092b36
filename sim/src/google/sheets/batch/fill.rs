//! Requests that fill cells from text or go on with a series.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Work;
use super::paste::{corner, lay};
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::{Cell, Entered};
use crate::google::sheets::locale::Locale;
use crate::google::sheets::structure::lift;
use crate::google::sheets::{entry, numfmt};

/// The rows of pasted text.
fn lines(w: &Work<'_>) -> Answer<Vec<Vec<String>>> {
    let text = w.text("data").unwrap_or("");
    if w.flag("html") {
        return Ok(html_rows(text));
    }
    let delimiter = w.text("delimiter").unwrap_or("\t");
    let first = delimiter.bytes().next().unwrap_or(b'\t');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(first)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|r| r.map(|r| r.iter().map(str::to_owned).collect()))
        .collect::<Result<_, _>>()
        .map_err(|e| ApiError::invalid(format!("Invalid data: {e}")))
}

/// The cells of a page's table; a page without one is a single cell.
fn html_rows(html: &str) -> Vec<Vec<String>> {
    let tags = |name: &str| {
        regex::RegexBuilder::new(&format!("<{name}\\b[^>]*>(.*?)</{name}\\s*>"))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build()
    };
    let (Ok(row), Ok(cell)) = (tags("tr"), tags("t[dh]").or_else(|_| tags("td"))) else {
        return Vec::new();
    };
    let cells = |inner: &str| -> Vec<String> {
        cell.captures_iter(inner)
            .filter_map(|c| c.get(1))
            .map(|c| plain(c.as_str()))
            .collect()
    };
    let rows: Vec<Vec<String>> = row
        .captures_iter(html)
        .filter_map(|c| c.get(1))
        .map(|c| cells(c.as_str()))
        .collect();
    if rows.is_empty() {
        vec![vec![plain(html)]]
    } else {
        rows
    }
}

/// The text of a piece of a page.
fn plain(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let out = out
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn data(w: &mut Work<'_>) -> Answer<()> {
    let (id, r0, c0) = corner(w.need("coordinate")?)?;
    if w.text("type") == Some("PASTE_FORMAT") {
        return Ok(());
    }
    let locale = Locale::of(w.book.locale());
    for (r, line) in (r0..).zip(lines(w)?) {
        for (c, field) in (c0..).zip(line) {
            w.sheet(id)?.grow(r + 1, c + 1);
            let own = Rect {
                r0: r,
                c0: c,
                r1: r + 1,
                c1: c + 1,
            };
            w.guard(id, &own)?;
            let (value, _) = entry::parse(&field, locale);
            w.sheet(id)?.edit((r, c), |cell| cell.enter(value));
            w.book.touch(id, (r, c));
        }
    }
    w.book.check_budget()
}

/// What is continued where to.
struct Series {
    sheet: i64,
    source: Rect,
    down: bool,
    /// Lines beyond the source; negative before it.
    length: i64,
}

/// The filled part of a range and the empty rest beyond or before it.
fn detected(w: &Work<'_>, range: &GridRange) -> Answer<Option<Series>> {
    let rect = w.book.rect(range)?;
    let Some(full) = w.book.sheet(range.sheet)?.filled(rect) else {
        return Ok(None);
    };
    let down = full.rows() < rect.rows();
    if !down && full.cols() == rect.cols() {
        return Ok(None);
    }
    let (after, before) = if down {
        (rect.r1 - full.r1, full.r0 - rect.r0)
    } else {
        (rect.c1 - full.c1, full.c0 - rect.c0)
    };
    let length = if after > 0 {
        i64::from(after)
    } else {
        -i64::from(before)
    };
    let source = if down {
        Rect {
            r0: full.r0,
            r1: full.r1,
            ..rect
        }
    } else {
        Rect {
            c0: full.c0,
            c1: full.c1,
            ..rect
        }
    };
    Ok(Some(Series {
        sheet: range.sheet,
        source,
        down,
        length,
    }))
}

fn asked(w: &Work<'_>) -> Answer<Option<Series>> {
    let Some(both) = w.get("sourceAndDestination") else {
        let range = w
            .get("range")
            .ok_or_else(|| ApiError::invalid("Must specify an area to autofill."))?;
        return detected(w, &GridRange::from_json(range));
    };
    let range = GridRange::from_json(both.get("source").unwrap_or(&Value::Null));
    let down = match both.get("dimension").and_then(Value::as_str) {
        Some("ROWS") => true,
        Some("COLUMNS") => false,
        _ => return Err(ApiError::invalid("dimension must be specified.")),
    };
    let length = both.get("fillLength").and_then(number_of).unwrap_or(0);
    Ok(Some(Series {
        sheet: range.sheet,
        source: w.book.rect(&range)?,
        down,
        length,
    }))
}

/// First and last line of the source, and the block that is to be filled.
fn span(series: &Series) -> Answer<(u32, u32, Rect)> {
    let Series {
        source,
        down,
        length,
        ..
    } = *series;
    let count = u32::try_from(length.abs()).unwrap_or(u32::MAX);
    let (start, end) = if down {
        (source.r0, source.r1)
    } else {
        (source.c0, source.c1)
    };
    let (from, to) = if length > 0 {
        (end, end.saturating_add(count))
    } else {
        let from = start.checked_sub(count);
        let beyond = || ApiError::invalid("The autofill range is beyond the grid.");
        (from.ok_or_else(beyond)?, start)
    };
    let target = if down {
        Rect {
            r0: from,
            r1: to,
            ..source
        }
    } else {
        Rect {
            c0: from,
            c1: to,
            ..source
        }
    };
    Ok((start, end, target))
}

pub(super) fn fill(w: &mut Work<'_>) -> Answer<()> {
    let Some(series) = asked(w)?.filter(|s| s.length != 0) else {
        return Ok(());
    };
    let Series {
        sheet,
        source,
        down,
        length,
    } = series;
    let (start, end, target) = span(&series)?;
    w.book.rect(&GridRange::from_rect(sheet, &target))?;
    w.guard(sheet, &target)?;
    let cells = lift(w.book.sheet(sheet)?, source);
    let size = end - start;
    for r in target.r0..target.r1 {
        for c in target.c0..target.c1 {
            let at = if down { r } else { c };
            // How far the cell is from the source, and the line of the source that it repeats.
            let (n, line) = if length > 0 {
                (at - end, (at - end) % size)
            } else {
                (start - 1 - at, size - 1 - (start - 1 - at) % size)
            };
            let (i, j) = if down {
                (line, c - source.c0)
            } else {
                (r - source.r0, line)
            };
            let Some(cell) = cells.get(&(i, j)) else {
                continue;
            };
            let by = (
                i64::from(r) - i64::from(source.r0 + i),
                i64::from(c) - i64::from(source.c0 + j),
            );
            let next = continued(&cells, (i, j), down, size, n, length > 0);
            w.sheet(sheet)?.edit((r, c), |t| {
                lay(t, cell, "PASTE_NORMAL", by);
                if let Some(next) = next {
                    t.enter(Some(Entered::Number(next)));
                }
            });
            w.book.touch(sheet, (r, c));
        }
    }
    Ok(())
}

/// The next number of a series of at least two equally spaced numbers, `n` lines beyond it.
fn continued(
    cells: &BTreeMap<(u32, u32), Cell>,
    at: (u32, u32),
    down: bool,
    size: u32,
    n: u32,
    forward: bool,
) -> Option<f64> {
    let number = |k: u32| {
        let place = if down { (k, at.1) } else { (at.0, k) };
        match cells.get(&place).and_then(|c| c.entered.as_ref()) {
            Some(Entered::Number(x)) => Some(*x),
            _ => None,
        }
    };
    if size < 2 {
        return None;
    }
    let all: Vec<f64> = (0..size).map(number).collect::<Option<_>>()?;
    let step = all.get(1)? - all.first()?;
    let even = all.windows(2).all(|p| match p {
        [a, b] => (b - a - step).abs() < 1.0e-9,
        _ => true,
    });
    let value = if forward {
        all.last()? + step * f64::from(n + 1)
    } else {
        all.first()? - step * f64::from(n + 1)
    };
    // Through decimal text, so that 0.1 + 0.2 stays 0.3.
    even.then(|| {
        numfmt::fixed(value.abs(), 9)
            .parse::<f64>()
            .unwrap_or(value)
            .copysign(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_pages_are_read() {
        let cases: [(&str, &[&[&str]]); 3] = [
            (
                "<table><tr><th>a</th><td> b &amp;\n c</td></tr><TR><td><b>d</b></td></TR></table>",
                &[&["a", "b & c"], &["d"]],
            ),
            ("just <i>text</i>", &[&["just text"]]),
            ("<tr></tr>", &[&[]]),
        ];
        for (html, want) in cases {
            assert_eq!(html_rows(html), want, "{html}");
        }
    }
}
