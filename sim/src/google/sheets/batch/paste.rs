//! Requests that copy and cut cells.

use serde_json::Value;

use super::Work;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::{GridRange, Rect, number_of};
use crate::google::sheets::book::{Cell, Effective, Entered};
use crate::google::sheets::formula;
use crate::google::sheets::structure::lift;

pub(super) fn corner(at: &Value) -> Answer<(i64, u32, u32)> {
    let side = |k: &str| at.get(k).and_then(number_of).unwrap_or(0);
    let to_u32 =
        |n: i64| u32::try_from(n).map_err(|_| ApiError::invalid(format!("Invalid index {n}.")));
    Ok((
        side("sheetId"),
        to_u32(side("rowIndex"))?,
        to_u32(side("columnIndex"))?,
    ))
}

/// Lays a copied cell over another one, as the paste type says.
pub(super) fn lay(target: &mut Cell, source: &Cell, kind: &str, by: (i64, i64)) -> bool {
    let formats = !matches!(
        kind,
        "PASTE_VALUES" | "PASTE_FORMULA" | "PASTE_DATA_VALIDATION"
    );
    let values = matches!(
        kind,
        "PASTE_NORMAL" | "PASTE_VALUES" | "PASTE_FORMULA" | "PASTE_NO_BORDERS"
    );
    if formats {
        target.format.clone_from(&source.format);
    }
    if matches!(
        kind,
        "PASTE_NORMAL" | "PASTE_NO_BORDERS" | "PASTE_DATA_VALIDATION"
    ) {
        target.validation.clone_from(&source.validation);
    }
    if matches!(kind, "PASTE_NORMAL" | "PASTE_NO_BORDERS") {
        target.note.clone_from(&source.note);
        target.extra.clone_from(&source.extra);
    }
    if values {
        let value = match (&source.entered, kind) {
            (_, "PASTE_VALUES") => match &source.effective {
                Effective::Number(n) => Some(Entered::Number(*n)),
                Effective::Text(t) => Some(Entered::Text(t.clone())),
                Effective::Bool(b) => Some(Entered::Bool(*b)),
                Effective::Error(e) => Some(Entered::Text(e.shown.to_owned())),
                Effective::Blank => None,
            },
            (Some(Entered::Formula(f)), _) => {
                Some(Entered::Formula(formula::shift_relative(f, by.0, by.1)))
            }
            (other, _) => other.clone(),
        };
        target.enter(value);
    }
    values
}

fn kind_of(w: &Work<'_>, key: &str) -> String {
    w.text(key).unwrap_or("PASTE_NORMAL").to_owned()
}

pub(super) fn copy(w: &mut Work<'_>) -> Answer<()> {
    let (from, source) = w.rect("source")?;
    let (to, area) = w.rect("destination")?;
    let kind = kind_of(w, "pasteType");
    let transposed = w.text("pasteOrientation") == Some("TRANSPOSE");
    let cells = lift(w.book.sheet(from)?, source);
    let (h, v) = if transposed {
        (source.cols(), source.rows())
    } else {
        (source.rows(), source.cols())
    };
    // The source is repeated as often as it fits, and pasted at least once whole.
    let sheet = w.book.sheet(to)?;
    let rows = (area.rows() / h).max(1) * h;
    let cols = (area.cols() / v).max(1) * v;
    let full = Rect {
        r0: area.r0,
        c0: area.c0,
        r1: (area.r0 + rows).min(sheet.rows()),
        c1: (area.c0 + cols).min(sheet.cols()),
    };
    w.guard(to, &full)?;
    let merges = w.book.sheet(from)?.merges.clone();
    let empty = Cell::default();
    for r in full.r0..full.r1 {
        for c in full.c0..full.c1 {
            let (i, j) = ((r - full.r0) % h, (c - full.c0) % v);
            let (i, j) = if transposed { (j, i) } else { (i, j) };
            let cell = cells.get(&(i, j)).unwrap_or(&empty);
            let by = (
                i64::from(r) - i64::from(source.r0 + i),
                i64::from(c) - i64::from(source.c0 + j),
            );
            let mut changed = false;
            w.sheet(to)?
                .edit((r, c), |target| changed = lay(target, cell, &kind, by));
            if changed {
                w.book.touch(to, (r, c));
            }
        }
    }
    if kind == "PASTE_NORMAL" && !transposed {
        copy_merges(w, to, &full, &source, &merges)?;
    }
    Ok(())
}

fn copy_merges(
    w: &mut Work<'_>,
    to: i64,
    full: &Rect,
    source: &Rect,
    merges: &[Rect],
) -> Answer<()> {
    let inside: Vec<Rect> = merges
        .iter()
        .filter(|m| source.covers(m))
        .copied()
        .collect();
    let sheet = w.sheet(to)?;
    if !inside.is_empty() {
        sheet
            .merges
            .retain(|m| !full.covers(m) || inside.contains(m));
    }
    for r in (full.r0..full.r1).step_by(source.rows().max(1) as usize) {
        for c in (full.c0..full.c1).step_by(source.cols().max(1) as usize) {
            for m in &inside {
                let moved = Rect {
                    r0: m.r0 - source.r0 + r,
                    r1: m.r1 - source.r0 + r,
                    c0: m.c0 - source.c0 + c,
                    c1: m.c1 - source.c0 + c,
                };
                if !sheet.merges.contains(&moved) {
                    sheet.merges.push(moved);
                }
            }
        }
    }
    Ok(())
}

pub(super) fn cut(w: &mut Work<'_>) -> Answer<()> {
    let (from, source) = w.rect("source")?;
    let (to, r0, c0) = corner(w.need("destination")?)?;
    let kind = kind_of(w, "pasteType");
    let full = Rect {
        r0,
        c0,
        r1: r0 + source.rows(),
        c1: c0 + source.cols(),
    };
    w.book.rect(&GridRange::from_rect(to, &full))?;
    w.guard(from, &source)?;
    w.guard(to, &full)?;
    let cells = lift(w.book.sheet(from)?, source);
    let places: Vec<(u32, u32)> = w
        .book
        .sheet(from)?
        .block(source)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        w.sheet(from)?.cells.remove(&at);
    }
    let empty = Cell::default();
    for i in 0..source.rows() {
        for j in 0..source.cols() {
            let cell = cells.get(&(i, j)).unwrap_or(&empty);
            // A moved formula keeps its references.
            w.sheet(to)?.edit((r0 + i, c0 + j), |target| {
                lay(target, cell, &kind, (0, 0));
            });
        }
    }
    follow_cut(w, (from, source), (to, r0, c0));
    w.book.touch_all();
    Ok(())
}

/// References to the moved cells follow them.
fn follow_cut(w: &mut Work<'_>, (from, source): (i64, Rect), (to, r0, c0): (i64, u32, u32)) {
    let title = |id: i64| {
        w.book
            .sheet(id)
            .map(|s| s.title().to_owned())
            .unwrap_or_default()
    };
    let (old, new) = (title(from), title(to));
    let move_end = |e: &formula::End| formula::End {
        row: e.row.map(|(n, f)| (n - source.r0 + r0, f)),
        col: e.col.map(|(n, f)| (n - source.c0 + c0, f)),
    };
    for sheet in &mut w.book.sheets {
        let home = sheet.title().to_owned();
        let changes: Vec<((u32, u32), String)> = sheet
            .cells
            .iter()
            .filter_map(|(at, cell)| {
                let Some(Entered::Formula(f)) = &cell.entered else {
                    return None;
                };
                let changed = formula::rewrite(f, |r| {
                    let inside = |e: &formula::End| match (e.row, e.col) {
                        (Some((row, _)), Some((col, _))) => source.contains(row, col),
                        _ => false,
                    };
                    let here = r.tab.as_deref().unwrap_or(&home) == old;
                    if !here || !inside(&r.a) || !r.b.as_ref().is_none_or(inside) {
                        return formula::Fate::Same;
                    }
                    let tab = if r.tab.is_none() && new == home {
                        None
                    } else {
                        Some(new.clone())
                    };
                    formula::Fate::Changed(formula::Ref {
                        tab,
                        a: move_end(&r.a),
                        b: r.b.as_ref().map(move_end),
                    })
                });
                changed.map(|text| (*at, text))
            })
            .collect();
        if !changes.is_empty() {
            let sheet = std::sync::Arc::make_mut(sheet);
            for (at, text) in changes {
                if let Some(cell) = sheet.cells.get_mut(&at) {
                    cell.entered = Some(Entered::Formula(text));
                }
            }
        }
    }
}
