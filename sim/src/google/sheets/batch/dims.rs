//! Requests about rows and columns.

use serde_json::{Value, json};

use super::Work;
use crate::google::http::{Answer, ApiError};
use crate::google::sheets::a1::number_of;
use crate::google::sheets::book::{Dim, Effective, Group};
use crate::google::sheets::locale::Locale;
use crate::google::sheets::render::{group_json, shown};
use crate::google::sheets::structure::{self, Kind, Shift, apply, dimension};

pub(super) fn insert(w: &mut Work<'_>) -> Answer<()> {
    let (id, rows, at, count) = dimension(w.book, w.need("range")?, false)?;
    let before = w.flag("inheritFromBefore");
    if before && at == 0 {
        return Err(ApiError::invalid(
            "inheritFromBefore cannot be true when inserting at the first row or column.",
        ));
    }
    w.guard_tab(id)?;
    structure::insert(w.book, id, rows, at, count, before)
}

pub(super) fn delete(w: &mut Work<'_>) -> Answer<()> {
    let (id, rows, at, count) = dimension(w.book, w.need("range")?, true)?;
    w.guard_tab(id)?;
    structure::delete(w.book, id, rows, at, count)
}

pub(super) fn relocate(w: &mut Work<'_>) -> Answer<()> {
    let (id, rows, at, count) = dimension(w.book, w.need("source")?, true)?;
    w.guard_tab(id)?;
    let to = w
        .int("destinationIndex")
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0);
    let sheet = w.book.sheet(id)?;
    if to > if rows { sheet.rows() } else { sheet.cols() } {
        return Err(ApiError::invalid(format!(
            "destinationIndex[{to}] is beyond the grid."
        )));
    }
    if (at..=at + count).contains(&to) {
        return Ok(());
    }
    apply(
        w.book,
        &Shift {
            sheet: id,
            rows,
            at,
            count,
            kind: Kind::Move(to),
            band: None,
        },
    )
}

pub(super) fn append(w: &mut Work<'_>) -> Answer<()> {
    let id = w.int("sheetId").unwrap_or(0);
    let more = w
        .int("length")
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0);
    if more == 0 {
        return Err(ApiError::invalid("length must be greater than zero."));
    }
    let rows = w.text("dimension") != Some("COLUMNS");
    let sheet = w.sheet(id)?;
    let (r, c) = (sheet.rows(), sheet.cols());
    if rows {
        sheet.set_size(r + more, c);
    } else {
        sheet.set_size(r, c + more);
    }
    w.book.check_budget()
}

pub(super) fn update(w: &mut Work<'_>) -> Answer<()> {
    let mask = w.mask()?;
    let (id, rows, at, count) = dimension(w.book, w.need("range")?, true)?;
    w.guard_tab(id)?;
    let props = w.get("properties").cloned().unwrap_or_else(|| json!({}));
    let pixels = props
        .get("pixelSize")
        .and_then(number_of)
        .and_then(|n| u32::try_from(n).ok());
    let hidden = props
        .get("hiddenByUser")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let sheet = w.sheet(id)?;
    for i in at..at + count {
        let dim = sheet.dims_mut(rows).entry(i).or_default();
        if mask.wants("pixelSize") {
            dim.pixels = pixels;
        }
        if mask.wants("hiddenByUser") {
            dim.hidden = hidden;
        }
        if *dim == Dim::default() {
            sheet.dims_mut(rows).remove(&i);
        }
    }
    Ok(())
}

/// Width of a text in the standard font, about: pixels a character, and the cell's padding.
const CHARACTER_PIXELS: usize = 7;
const PADDING_PIXELS: usize = 14;
/// A narrower column than this is never made.
const LEAST_PIXELS: usize = 21;

pub(super) fn auto_resize(w: &mut Work<'_>) -> Answer<()> {
    let (id, rows, at, count) = dimension(w.book, w.need("dimensions")?, true)?;
    let locale = Locale::of(w.book.locale());
    let sheet = w.sheet(id)?;
    for i in at..at + count {
        if rows {
            if let Some(dim) = sheet.row_dims.get_mut(&i) {
                dim.pixels = None;
            }
            continue;
        }
        let longest = sheet
            .cells
            .iter()
            .filter(|((_, c), cell)| *c == i && cell.effective != Effective::Blank)
            .map(|(_, cell)| shown(cell, locale).chars().count())
            .max();
        // A column without a value keeps its width.
        if let Some(longest) = longest {
            let pixels = (longest * CHARACTER_PIXELS + PADDING_PIXELS).max(LEAST_PIXELS);
            sheet.col_dims.entry(i).or_default().pixels = u32::try_from(pixels).ok();
        }
    }
    Ok(())
}

pub(super) fn shift_range(w: &mut Work<'_>, inserts: bool) -> Answer<()> {
    let (id, rect) = w.rect("range")?;
    w.guard_tab(id)?;
    let rows = match w.text("shiftDimension") {
        Some("COLUMNS") => false,
        Some("ROWS") => true,
        _ => return Err(ApiError::invalid("shiftDimension must be specified.")),
    };
    let (at, count, band) = if rows {
        (rect.r0, rect.rows(), (rect.c0, rect.c1))
    } else {
        (rect.c0, rect.cols(), (rect.r0, rect.r1))
    };
    let kind = if inserts { Kind::Insert } else { Kind::Delete };
    if inserts {
        // What is pushed over the edge makes the grid larger.
        let sheet = w.sheet(id)?;
        let (r, c) = sheet.used();
        if rows && r > rect.r0 {
            sheet.grow(r + count, 0);
        } else if !rows && c > rect.c0 {
            sheet.grow(0, c + count);
        }
        w.book.check_budget()?;
    }
    apply(
        w.book,
        &Shift {
            sheet: id,
            rows,
            at,
            count,
            kind,
            band: Some(band),
        },
    )
}

pub(super) fn add_group(w: &mut Work<'_>) -> Answer {
    let (id, rows, at, count) = dimension(w.book, w.need("range")?, true)?;
    let (start, end) = (at, at + count);
    let groups = w.sheet(id)?.groups_mut(rows);
    if groups.iter().any(|g| {
        g.start < end
            && start < g.end
            && !(g.start <= start && end <= g.end)
            && !(start <= g.start && g.end <= end)
    }) {
        return Err(ApiError::invalid("Groups must be nested or apart."));
    }
    let depth = groups
        .iter()
        .filter(|g| g.start <= start && end <= g.end)
        .map(|g| g.depth)
        .max()
        .unwrap_or(0)
        + 1;
    for inner in groups
        .iter_mut()
        .filter(|g| start <= g.start && g.end <= end)
    {
        if inner.depth >= depth {
            inner.depth += 1;
        }
    }
    groups.push(Group {
        start,
        end,
        depth,
        collapsed: false,
    });
    groups.sort_by_key(|g| (g.depth, g.start));
    let all: Vec<Value> = groups.iter().map(|g| group_json(id, rows, g)).collect();
    let key = if rows {
        "rowGroupControlAfter"
    } else {
        "columnGroupControlAfter"
    };
    if let Some(Value::Object(grid)) = w.sheet(id)?.props.get_mut("gridProperties") {
        grid.entry(key).or_insert_with(|| true.into());
    }
    Ok(json!({"addDimensionGroup": {"dimensionGroups": all}}))
}

pub(super) fn delete_group(w: &mut Work<'_>) -> Answer {
    let (id, rows, at, count) = dimension(w.book, w.need("range")?, true)?;
    let (start, end) = (at, at + count);
    let groups = w.sheet(id)?.groups_mut(rows);
    let found = groups
        .iter()
        .enumerate()
        .filter(|(_, g)| g.start < end && start < g.end)
        .max_by_key(|(_, g)| g.depth)
        .map(|(i, _)| i)
        .ok_or_else(|| {
            ApiError::invalid("Cannot delete a group that does not exist at the given range.")
        })?;
    let gone = groups.remove(found);
    // What lies outside of the deleted span stays grouped.
    if gone.start < start {
        groups.push(Group {
            end: start,
            ..gone.clone()
        });
    }
    if gone.end > end {
        groups.push(Group { start: end, ..gone });
    }
    groups.sort_by_key(|g| (g.depth, g.start));
    let all: Vec<Value> = groups.iter().map(|g| group_json(id, rows, g)).collect();
    let reply = if all.is_empty() {
        json!({})
    } else {
        json!({"dimensionGroups": all})
    };
    Ok(json!({"deleteDimensionGroup": reply}))
}

pub(super) fn update_group(w: &mut Work<'_>) -> Answer<()> {
    let asked = w.need("dimensionGroup")?.clone();
    let range = asked.get("range").cloned().unwrap_or_else(|| json!({}));
    let (id, rows, at, count) = dimension(w.book, &range, true)?;
    let depth = asked.get("depth").and_then(number_of).unwrap_or(1);
    let collapsed = asked
        .get("collapsed")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let sheet = w.sheet(id)?;
    let group = sheet
        .groups_mut(rows)
        .iter_mut()
        .find(|g| g.start == at && g.end == at + count && i64::from(g.depth) == depth)
        .ok_or_else(|| ApiError::invalid("The group does not exist."))?;
    group.collapsed = collapsed;
    for i in at..at + count {
        sheet.dims_mut(rows).entry(i).or_default().hidden = collapsed;
    }
    Ok(())
}
