//! Structural edits: rows and columns that come, go and move, and all that follows them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::a1::{GridRange, Rect, number_of};
use super::book::{Book, Cell, Entered, MAX_COLUMNS, Place, Sheet, is_grid_like};
use super::formula::{End, Fate, Ref, rewrite};
use crate::google::http::{Answer, ApiError};

/// What happens to lines of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Insert,
    Delete,
    /// The lines go before this index (counted before the move).
    Move(u32),
}

/// A structural edit of one tab.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) sheet: i64,
    pub(crate) rows: bool,
    pub(crate) at: u32,
    pub(crate) count: u32,
    pub(crate) kind: Kind,
    /// Only the part of the grid whose other dimension lies here moves (insert or delete of a
    /// range); `None` moves whole lines.
    pub(crate) band: Option<(u32, u32)>,
}

impl Shift {
    /// Where line `i` is afterwards; `None` when it is gone.
    pub(crate) fn line(&self, i: u32) -> Option<u32> {
        let end = self.at + self.count;
        match self.kind {
            Kind::Insert if i >= self.at => Some(i + self.count),
            Kind::Insert => Some(i),
            Kind::Delete if i >= end => Some(i - self.count),
            Kind::Delete if i >= self.at => None,
            Kind::Delete => Some(i),
            Kind::Move(to) => Some(if (self.at..end).contains(&i) {
                if to > self.at {
                    i + to - end
                } else {
                    i - self.at + to
                }
            } else if to > self.at && (end..to).contains(&i) {
                i - self.count
            } else if to <= self.at && (to..self.at).contains(&i) {
                i + self.count
            } else {
                i
            }),
        }
    }

    /// Where the half-open span is afterwards; `None` when all of it is gone.
    pub(crate) fn span(&self, start: u32, end: u32) -> Option<(u32, u32)> {
        let last = self.at + self.count;
        match self.kind {
            Kind::Insert => {
                let s = if start >= self.at {
                    start + self.count
                } else {
                    start
                };
                let e = if end > self.at { end + self.count } else { end };
                Some((s, e))
            }
            Kind::Delete => {
                let map = |x: u32| {
                    if x >= last {
                        x - self.count
                    } else {
                        x.min(self.at)
                    }
                };
                let (s, e) = (map(start), map(end));
                (s < e).then_some((s, e))
            }
            Kind::Move(_) => {
                if start >= end {
                    return Some((start, end));
                }
                // The ends move with their lines; a block cut in two keeps its outer bounds.
                let s = self.line(start)?;
                let e = self.line(end - 1)? + 1;
                if s < e {
                    Some((s, e))
                } else {
                    Some((start, end))
                }
            }
        }
    }

    fn in_band(&self, start: Option<u32>, end: Option<u32>) -> bool {
        match self.band {
            None => true,
            Some((lo, hi)) => start.is_some_and(|s| s >= lo) && end.is_some_and(|e| e <= hi),
        }
    }

    /// A grid range afterwards; `None` when it is gone.
    pub(crate) fn range(&self, g: &GridRange) -> Option<GridRange> {
        if g.sheet != self.sheet {
            return Some(*g);
        }
        let (cross, along) = if self.rows {
            ((g.c0, g.c1), (g.r0, g.r1))
        } else {
            ((g.r0, g.r1), (g.c0, g.c1))
        };
        if !self.in_band(cross.0, cross.1) {
            return Some(*g);
        }
        let moved = match along {
            (Some(s), Some(e)) => {
                let (s, e) = self.span(s, e)?;
                (Some(s), Some(e))
            }
            (Some(s), None) => (Some(self.line(s).unwrap_or(self.at)), None),
            other => other,
        };
        let mut out = *g;
        if self.rows {
            (out.r0, out.r1) = moved;
        } else {
            (out.c0, out.c1) = moved;
        }
        Some(out)
    }

    fn rect(&self, r: &Rect) -> Option<Rect> {
        let g = self.range(&GridRange::from_rect(self.sheet, r))?;
        Some(Rect {
            r0: g.r0?,
            r1: g.r1?,
            c0: g.c0?,
            c1: g.c1?,
        })
    }

    fn cell(&self, at: (u32, u32)) -> Option<(u32, u32)> {
        let (along, cross) = if self.rows {
            (at.0, at.1)
        } else {
            (at.1, at.0)
        };
        if !self.in_band(Some(cross), Some(cross + 1)) {
            return Some(at);
        }
        let along = self.line(along)?;
        Some(if self.rows {
            (along, cross)
        } else {
            (cross, along)
        })
    }

    /// A formula's reference afterwards; `home` is the tab that the formula stands on.
    fn reference(&self, r: &Ref, title: &str, home: &str) -> Fate {
        let tab = r.tab.as_deref().unwrap_or(home);
        if !tab.eq_ignore_ascii_case(title) && tab != title {
            return Fate::Same;
        }
        let last = r.b.unwrap_or(r.a);
        let side = |a: Option<(u32, bool)>, b: Option<(u32, bool)>| match (a, b) {
            (Some((x, _)), Some((y, _))) => (Some(x.min(y)), Some(x.max(y) + 1)),
            (Some((x, _)), None) | (None, Some((x, _))) => (Some(x), None),
            (None, None) => (None, None),
        };
        let (r0, r1) = side(r.a.row, last.row);
        let (c0, c1) = side(r.a.col, last.col);
        let before = GridRange {
            sheet: self.sheet,
            r0,
            r1,
            c0,
            c1,
        };
        let Some(after) = self.range(&before) else {
            return Fate::Gone;
        };
        if after == before {
            return Fate::Same;
        }
        let put = |old: Option<(u32, bool)>, start: Option<u32>| {
            old.map(|(n, fixed)| (start.unwrap_or(n), fixed))
        };
        let end_of = |e: Option<u32>| e.map(|e| e.saturating_sub(1));
        let a = End {
            row: put(r.a.row, after.r0),
            col: put(r.a.col, after.c0),
        };
        let b = r.b.map(|b| End {
            row: put(b.row, end_of(after.r1).or(after.r0)),
            col: put(b.col, end_of(after.c1).or(after.c0)),
        });
        Fate::Changed(Ref {
            tab: r.tab.clone(),
            a,
            b,
        })
    }

    fn formula(&self, text: &str, title: &str, home: &str) -> Option<String> {
        rewrite(text, |r| self.reference(r, title, home))
    }

    /// Moves every range within an object; answers whether the object still has its cells.
    fn object(&self, value: &mut Value, title: &str, home: &str) -> bool {
        match value {
            Value::Array(items) => {
                let had = !items.is_empty();
                items.retain_mut(|i| self.object(i, title, home));
                !had || !items.is_empty()
            }
            Value::Object(map) if is_grid_like(map) => self.grid_object(map),
            Value::Object(map) => {
                let mut alive = true;
                for (key, inner) in map.iter_mut() {
                    let kept = self.object(inner, title, home);
                    let vital = matches!(key.as_str(), "range" | "ranges");
                    alive &= kept || !vital;
                }
                alive
            }
            Value::String(text) if text.starts_with('=') => {
                if let Some(new) = self.formula(text, title, home) {
                    *text = new;
                }
                true
            }
            _ => true,
        }
    }

    fn grid_object(&self, map: &mut Map<String, Value>) -> bool {
        let sheet = map.get("sheetId").and_then(number_of).unwrap_or(0);
        if sheet != self.sheet || map.contains_key("dimension") {
            return true;
        }
        let part = |m: &Map<String, Value>, k: &str| {
            m.get(k)
                .and_then(number_of)
                .and_then(|n| u32::try_from(n).ok())
        };
        if map.contains_key("rowIndex") || map.contains_key("columnIndex") {
            let at = (
                part(map, "rowIndex").unwrap_or(0),
                part(map, "columnIndex").unwrap_or(0),
            );
            let moved = self.cell(at).unwrap_or(at);
            map.insert("rowIndex".into(), moved.0.into());
            map.insert("columnIndex".into(), moved.1.into());
            return true;
        }
        let before = GridRange::from_json(&Value::Object(map.clone()));
        match self.range(&before) {
            Some(after) => {
                if let Value::Object(new) = after.json() {
                    *map = new;
                }
                true
            }
            None => false,
        }
    }
}

/// Carries a structural edit through the whole spreadsheet.
pub(crate) fn apply(book: &mut Book, shift: &Shift) -> Answer<()> {
    let title = book.sheet(shift.sheet)?.title().to_owned();
    let sheet = book.sheet_mut(shift.sheet)?;
    let old = std::mem::take(&mut sheet.cells);
    sheet.cells = old
        .into_iter()
        .filter_map(|(at, c)| shift.cell(at).map(|to| (to, c)))
        .collect();
    sheet.merges = sheet.merges.iter().filter_map(|m| shift.rect(m)).collect();
    if shift.band.is_none() {
        let dims = std::mem::take(sheet.dims_mut(shift.rows));
        *sheet.dims_mut(shift.rows) = dims
            .into_iter()
            .filter_map(|(i, d)| shift.line(i).map(|to| (to, d)))
            .collect();
        let groups = sheet.groups_mut(shift.rows);
        groups.retain_mut(|g| match shift.span(g.start, g.end) {
            Some((s, e)) => {
                (g.start, g.end) = (s, e);
                true
            }
            None => false,
        });
        move_metadata(book, shift);
    }
    follow(book, shift, &title);
    book.touch_all();
    Ok(())
}

fn move_metadata(book: &mut Book, shift: &Shift) {
    book.metadata.retain_mut(|m| match &mut m.place {
        Place::Line { sheet, rows, at } if *sheet == shift.sheet && *rows == shift.rows => {
            match shift.line(*at) {
                Some(to) => {
                    *at = to;
                    true
                }
                None => false,
            }
        }
        _ => true,
    });
}

/// Formulas, named ranges, charts, rules and protections follow the moved cells.
fn follow(book: &mut Book, shift: &Shift, title: &str) {
    for named in &mut book.named {
        match shift.range(&named.range) {
            Some(after) => named.range = after,
            // All its cells are gone: an empty range, which reads as #REF!.
            None => {
                named.range.r1 = named.range.r0;
                named.range.c1 = named.range.c0;
            }
        }
    }
    for thread in &mut book.threads {
        if let Some(after) = shift.range(&thread.place) {
            thread.place = after;
        }
    }
    for sheet in &mut book.sheets {
        let sheet = std::sync::Arc::make_mut(sheet);
        let home = sheet.title().to_owned();
        let alive = |list: &mut Vec<Value>| {
            list.retain_mut(|v| shift.object(v, title, &home));
        };
        alive(&mut sheet.conditional);
        alive(&mut sheet.protected);
        alive(&mut sheet.banded);
        alive(&mut sheet.filter_views);
        alive(&mut sheet.tables);
        for slicer in &mut sheet.slicers {
            shift.object(slicer, title, &home);
        }
        for chart in &mut sheet.charts {
            shift.object(chart, title, &home);
        }
        if let Some(filter) = &mut sheet.filter
            && !shift.object(filter, title, &home)
        {
            sheet.filter = None;
        }
        let changes: Vec<((u32, u32), String)> = sheet
            .cells
            .iter()
            .filter_map(|(at, cell)| match &cell.entered {
                Some(Entered::Formula(f)) => shift.formula(f, title, &home).map(|new| (*at, new)),
                _ => None,
            })
            .collect();
        for (at, text) in changes {
            if let Some(cell) = sheet.cells.get_mut(&at) {
                cell.entered = Some(Entered::Formula(text));
            }
        }
    }
}

/// Inserts lines; the new ones take the format of the line before or after.
pub(crate) fn insert(
    book: &mut Book,
    sheet_id: i64,
    rows: bool,
    at: u32,
    count: u32,
    inherit_before: bool,
) -> Answer<()> {
    let shift = Shift {
        sheet: sheet_id,
        rows,
        at,
        count,
        kind: Kind::Insert,
        band: None,
    };
    let sheet = book.sheet_mut(sheet_id)?;
    let (r, c) = (sheet.rows(), sheet.cols());
    if rows {
        sheet.set_size(r + count, c);
    } else {
        if c + count > MAX_COLUMNS {
            return Err(ApiError::invalid(format!(
                "This action would increase the number of columns above the limit of \
                 {MAX_COLUMNS} columns."
            )));
        }
        sheet.set_size(r, c + count);
    }
    book.check_budget()?;
    apply(book, &shift)?;
    let model = if inherit_before {
        at.checked_sub(1)
    } else {
        Some(at + count)
    };
    if let Some(model) = model {
        inherit(book.sheet_mut(sheet_id)?, rows, model, at, count);
    }
    Ok(())
}

fn inherit(sheet: &mut Sheet, rows: bool, model: u32, at: u32, count: u32) {
    let formats: Vec<(u32, Cell)> = sheet
        .cells
        .iter()
        .filter(|((r, c), cell)| (if rows { *r } else { *c }) == model && cell.format.is_some())
        .map(|((r, c), cell)| {
            let bare = Cell {
                format: cell.format.clone(),
                ..Cell::default()
            };
            (if rows { *c } else { *r }, bare)
        })
        .collect();
    for line in at..at + count {
        for (cross, cell) in &formats {
            let place = if rows { (line, *cross) } else { (*cross, line) };
            sheet.cells.insert(place, cell.clone());
        }
    }
    if let Some(dim) = sheet.dims(rows).get(&model).cloned()
        && dim.pixels.is_some()
    {
        for line in at..at + count {
            let new = super::book::Dim {
                hidden: false,
                ..dim.clone()
            };
            sheet.dims_mut(rows).insert(line, new);
        }
    }
}

/// Deletes lines.
pub(crate) fn delete(
    book: &mut Book,
    sheet_id: i64,
    rows: bool,
    at: u32,
    count: u32,
) -> Answer<()> {
    let sheet = book.sheet_mut(sheet_id)?;
    let (r, c) = (sheet.rows(), sheet.cols());
    let left = if rows { r } else { c }.saturating_sub(count);
    if left == 0 {
        let what = if rows { "rows" } else { "columns" };
        return Err(ApiError::invalid(format!(
            "You can't delete all the {what} on the sheet."
        )));
    }
    if rows {
        sheet.set_size(left, c);
    } else {
        sheet.set_size(r, left);
    }
    unfreeze(sheet, rows, at, count);
    apply(
        book,
        &Shift {
            sheet: sheet_id,
            rows,
            at,
            count,
            kind: Kind::Delete,
            band: None,
        },
    )
}

fn unfreeze(sheet: &mut Sheet, rows: bool, at: u32, count: u32) {
    let key = if rows {
        "frozenRowCount"
    } else {
        "frozenColumnCount"
    };
    if let Some(Value::Object(grid)) = sheet.props.get_mut("gridProperties") {
        let frozen = grid.get(key).and_then(number_of).unwrap_or(0);
        let gone = (i64::from(at + count).min(frozen) - i64::from(at)).max(0);
        if gone == frozen {
            grid.remove(key);
        } else if gone > 0 {
            grid.insert(key.into(), (frozen - gone).into());
        }
    }
}

/// The lines of a dimension range of a request: tab, whether rows, first, count.
///
/// # Errors
/// The range is empty or beyond the grid.
pub(crate) fn dimension(
    book: &Book,
    range: &Value,
    must_exist: bool,
) -> Answer<(i64, bool, u32, u32)> {
    let id = range.get("sheetId").and_then(number_of).unwrap_or(0);
    let sheet = book.sheet(id)?;
    let rows = match range.get("dimension").and_then(Value::as_str) {
        Some("ROWS") => true,
        Some("COLUMNS") => false,
        _ => return Err(ApiError::invalid("No dimension specified.")),
    };
    let size = if rows { sheet.rows() } else { sheet.cols() };
    let side = |k: &str| range.get(k).and_then(number_of);
    let start = side("startIndex").unwrap_or(0);
    let end = side("endIndex").unwrap_or_else(|| i64::from(size));
    if start < 0 || end <= start {
        return Err(ApiError::invalid(format!(
            "startIndex[{start}] must be less than endIndex[{end}]"
        )));
    }
    let what = if rows { "rows" } else { "columns" };
    if must_exist && end > i64::from(size) {
        return Err(ApiError::invalid(format!(
            "endIndex[{end}] must not exceed the number of {what} [{size}]"
        )));
    }
    if !must_exist && start > i64::from(size) {
        return Err(ApiError::invalid(format!(
            "startIndex[{start}] must not exceed the number of {what} [{size}]"
        )));
    }
    let to_u32 = |n: i64| u32::try_from(n).map_err(|_| ApiError::invalid("index too large"));
    Ok((id, rows, to_u32(start)?, to_u32(end - start)?))
}

/// Cells of a block with addresses counted from its corner.
pub(crate) fn lift(sheet: &Sheet, rect: Rect) -> BTreeMap<(u32, u32), Cell> {
    sheet
        .block(rect)
        .map(|((r, c), cell)| ((r - rect.r0, c - rect.c0), cell.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(kind: Kind, at: u32, count: u32) -> Shift {
        Shift {
            sheet: 0,
            rows: true,
            at,
            count,
            kind,
            band: None,
        }
    }

    #[test]
    fn spans_follow() {
        let cases = [
            (shift(Kind::Insert, 2, 1), (0, 5), Some((0, 6))),
            (shift(Kind::Insert, 5, 1), (0, 5), Some((0, 5))),
            (shift(Kind::Insert, 0, 3), (0, 5), Some((3, 8))),
            (shift(Kind::Delete, 0, 1), (0, 5), Some((0, 4))),
            (shift(Kind::Delete, 0, 5), (0, 5), None),
            (shift(Kind::Delete, 3, 9), (0, 5), Some((0, 3))),
            (shift(Kind::Move(8), 0, 2), (0, 2), Some((6, 8))),
            (shift(Kind::Move(0), 4, 2), (4, 6), Some((0, 2))),
            (shift(Kind::Move(0), 4, 2), (0, 2), Some((2, 4))),
        ];
        for (s, (a, b), want) in cases {
            assert_eq!(s.span(a, b), want, "{s:?}");
        }
    }

    #[test]
    fn everything_follows_an_inserted_row() {
        let mut book = Book::new("b", "t", "en_US", "Etc/GMT");
        let sheet = book.sheet_mut(0).unwrap();
        sheet.edit((0, 0), |c| {
            c.enter(Some(Entered::Formula("=SUM(A2:A4)+B$3".into())));
        });
        sheet.edit((2, 1), |c| c.enter(Some(Entered::Number(7.0))));
        sheet.charts.push(
            serde_json::json!({"chartId": 1, "spec": {"basicChart": {"series": [
            {"series": {"sourceRange": {"sources": [{"startRowIndex": 1, "endRowIndex": 4,
                "startColumnIndex": 0, "endColumnIndex": 1}]}}}]}}}),
        );
        let range = GridRange {
            sheet: 0,
            r0: Some(1),
            r1: Some(4),
            c0: Some(0),
            c1: Some(1),
        };
        book.named.push(super::super::book::Named {
            id: "n".into(),
            name: "x".into(),
            range,
        });
        insert(&mut book, 0, true, 2, 2, true).unwrap();
        let sheet = book.sheet(0).unwrap();
        assert_eq!(sheet.rows(), 1002);
        let formula = sheet.cells[&(0, 0)].entered.clone();
        assert_eq!(formula, Some(Entered::Formula("=SUM(A2:A6)+B$5".into())));
        assert!(sheet.cells.contains_key(&(4, 1)));
        assert_eq!(book.named[0].range.r1, Some(6));
        let sources = "/spec/basicChart/series/0/series/sourceRange/sources/0/endRowIndex";
        assert_eq!(sheet.charts[0].pointer(sources), Some(&6.into()));
    }

    #[test]
    fn deleted_cells_leave_ref_errors() {
        let mut book = Book::new("b", "t", "en_US", "Etc/GMT");
        let sheet = book.sheet_mut(0).unwrap();
        sheet.edit((0, 0), |c| {
            c.enter(Some(Entered::Formula("=B3+Sheet1!C5".into())));
        });
        delete(&mut book, 0, true, 2, 1).unwrap();
        let formula = book.sheet(0).unwrap().cells[&(0, 0)].entered.clone();
        assert_eq!(formula, Some(Entered::Formula("=#REF!+Sheet1!C4".into())));
    }
}
