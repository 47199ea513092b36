//! The cells of one tab: what they say, how they look, their notes, what may be typed.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::get;
use super::refs::follow;
use super::{File, Mode, Path, Sheet, Way};
use crate::sheet::a1;
use crate::sheet::diff::same;
use crate::sheet::edit::{Edit, Facet};
use crate::sheet::workbook::{Cell, Tab, Validation, Value};

/// A cell that nobody filled.
static EMPTY: std::sync::LazyLock<Cell> = std::sync::LazyLock::new(Cell::default);

/// What is painted, one map a facet.
#[derive(Default)]
struct Paint(BTreeMap<Facet, BTreeMap<(u32, u32), Cell>>);

impl Paint {
    fn put(&mut self, facet: Facet, at: (u32, u32), cell: &Cell) {
        self.0.entry(facet).or_default().insert(at, cell.clone());
    }
}

/// What Sheets writes into a formula whose cells are gone.
const GONE: &str = "#REF!";

/// Whether a formula lost what it points at. Nobody types that.
fn is_broken(cell: &Cell) -> bool {
    cell.formula
        .as_ref()
        .is_some_and(|formula| formula.contains(GONE))
}

fn cell(tab: &Tab, at: Option<(u32, u32)>) -> &Cell {
    at.and_then(|at| tab.cells.get(&at)).unwrap_or(&EMPTY)
}

impl File<'_> {
    /// Brings a tab's cells up to the new template where the company left them as they were.
    pub(super) fn cells(&mut self, id: i64) {
        let Some(sheet) = self.sheets.get(&id) else {
            return;
        };
        if sheet.mode == Mode::Gone {
            return;
        }
        let mut paint = Paint::default();
        let mut left = Vec::new();
        for at in positions(sheet) {
            let after = get(&sheet.rows.new_after, at.0).zip(get(&sheet.columns.new_after, at.1));
            let Some(after) = after else { continue };
            let row = get(&sheet.rows.new_base, at.0);
            let column = get(&sheet.columns.new_base, at.1);
            match (row.zip(column), sheet.base, sheet.now) {
                // Both lines stand in the file: three editions to hold against each other. Without
                // matched lines what stands is the company's.
                (Some(_), ..) if sheet.mode == Mode::Keys => {}
                (Some(was), Some(base), Some(now)) => {
                    let is =
                        get(&sheet.rows.base_now, was.0).zip(get(&sheet.columns.base_now, was.1));
                    let three = (
                        cell(base, Some(was)),
                        cell(now, is),
                        cell(sheet.new, Some(at)),
                    );
                    self.merge(sheet, three, after, &mut paint, &mut left);
                }
                _ => self.fresh(
                    sheet,
                    cell(sheet.new, Some(at)),
                    after,
                    &mut paint,
                    &mut left,
                ),
            }
        }
        self.grown(sheet, &mut paint);
        let title = sheet.title.clone();
        let written = paint.0.get(&Facet::Content).map_or(0, BTreeMap::len);
        let looks = paint.0.get(&Facet::Look).map_or(0, BTreeMap::len);
        if sheet.mode != Mode::Add && written + looks > 0 {
            let text =
                format!("{title}: {written} cells say something else, {looks} look different");
            self.out.changes.push(text);
        }
        let edits = paint.0.into_iter().map(|(facet, cells)| Edit::Paint {
            tab: id,
            facet,
            cells,
        });
        self.out.edits.extend(edits);
        self.out.left.extend(left);
    }

    /// A cell on a line that has just come in: all of it is the template's.
    fn fresh(
        &self,
        sheet: &Sheet<'_>,
        new: &Cell,
        after: (u32, u32),
        paint: &mut Paint,
        left: &mut Vec<String>,
    ) {
        let Some(new) = self.followed(sheet.new.id, new, Way::NewToAfter) else {
            left.push(points_nowhere(sheet, after));
            return;
        };
        if new.formula.is_some() || !same(&new.value, &Value::Blank) {
            paint.put(Facet::Content, after, &new);
        }
        // Inserted lines inherit looks.
        if sheet.mode != Mode::Add || new.format != EMPTY.format {
            paint.put(Facet::Look, after, &new);
        }
        if new.note.is_some() {
            paint.put(Facet::Note, after, &new);
        }
        if sheet.mode != Mode::Add || new.validation.is_some() {
            paint.put(Facet::Input, after, &new);
        }
    }

    fn merge(
        &self,
        sheet: &Sheet<'_>,
        (was, is, new): (&Cell, &Cell, &Cell),
        after: (u32, u32),
        paint: &mut Paint,
        left: &mut Vec<String>,
    ) {
        let id = sheet.new.id;
        let unchanged = |facet: Facet| {
            let was = self.followed(id, was, Way::BaseToNew);
            was.is_some_and(|was| equal(facet, &was, new))
        };
        let untouched = |facet: Facet| {
            let was = self.followed(id, was, Way::BaseToNow);
            was.is_some_and(|was| equal(facet, &was, is))
        };
        for facet in [Facet::Content, Facet::Look, Facet::Note, Facet::Input] {
            let broken = facet == Facet::Content && is_broken(is) && !is_broken(new);
            let said_before =
                equal(facet, was, new) && was.formula.is_none() && new.formula.is_none();
            if !broken && (said_before || unchanged(facet)) {
                continue;
            }
            let Some(wanted) = self.followed(id, new, Way::NewToAfter) else {
                left.push(points_nowhere(sheet, after));
                return;
            };
            if self
                .followed(id, is, Way::NowToAfter)
                .is_some_and(|is| equal(facet, &is, &wanted))
            {
                continue;
            }
            if broken || untouched(facet) {
                paint.put(facet, after, &wanted);
            } else if facet == Facet::Content {
                let cell = a1::cell(after.0, after.1);
                left.push(format!(
                    "{}: {cell} says something else in the template; yours stays",
                    sheet.title
                ));
            }
        }
    }

    /// Rows that people's tables have grown look as their pattern row does.
    fn grown(&self, sheet: &Sheet<'_>, paint: &mut Paint) {
        let (Mode::Merge, Some(base), Some(now)) = (sheet.mode, sheet.base, sheet.now) else {
            return;
        };
        for (row, pattern) in &sheet.rows.pattern {
            let after_row = get(&sheet.rows.now_after, *row);
            let Some((new_row, after_row)) = get(&sheet.rows.base_new, *pattern).zip(after_row)
            else {
                continue;
            };
            for column in 0..sheet.new.columns {
                let Some(after) = get(&sheet.columns.new_after, column) else {
                    continue;
                };
                let new = cell(sheet.new, Some((new_row, column)));
                let base_column = get(&sheet.columns.new_base, column);
                let was = cell(base, base_column.map(|column| (*pattern, column)));
                let is = base_column.and_then(|column| get(&sheet.columns.base_now, column));
                let is = cell(now, is.map(|column| (*row, column)));
                for facet in [Facet::Look, Facet::Input] {
                    let fresh = base_column.is_none();
                    if fresh || (!equal(facet, was, new) && equal(facet, was, is)) {
                        paint.put(facet, (after_row, after), new);
                    }
                }
            }
        }
    }

    /// Whether a cell of the company's file is what the base had there.
    pub(super) fn is_untouched(&self, tab: i64, was: Option<&Cell>, is: &Cell) -> bool {
        let was = self.followed(tab, was.unwrap_or(&EMPTY), Way::BaseToNow);
        was.is_some_and(|was| {
            equal(Facet::Content, &was, is)
                && equal(Facet::Look, &was, is)
                && equal(Facet::Input, &was, is)
        })
    }

    /// A cell as it must read in another edition; `None` when it points at something that is not there.
    fn followed(&self, tab: i64, cell: &Cell, way: Way) -> Option<Cell> {
        let path = Path { file: self, way };
        let mut followed = cell.clone();
        if let Some(formula) = &cell.formula {
            followed.formula = Some(follow(formula, tab, &path)?);
        }
        if let Some(Validation::FromRange(range)) = &cell.validation {
            followed.validation = Some(Validation::FromRange(follow(range, tab, &path)?));
        }
        Some(followed)
    }
}

fn points_nowhere(sheet: &Sheet<'_>, at: (u32, u32)) -> String {
    let cell = a1::cell(at.0, at.1);
    format!(
        "{}: {cell} was not brought up to date; its formula points at something that is gone",
        sheet.title
    )
}

fn equal(facet: Facet, one: &Cell, other: &Cell) -> bool {
    match facet {
        Facet::Content => match (&one.formula, &other.formula) {
            (None, None) => same(&one.value, &other.value),
            (one, other) => one == other,
        },
        Facet::Look => one.format == other.format,
        Facet::Note => one.note == other.note,
        Facet::Input => one.validation == other.validation,
    }
}

/// Cells of the new template that need a look: its own, those the base had there, and all on lines
/// that come in.
fn positions(sheet: &Sheet<'_>) -> BTreeSet<(u32, u32)> {
    let mut all: BTreeSet<(u32, u32)> = sheet.new.cells.keys().copied().collect();
    if sheet.mode == Mode::Add {
        return all;
    }
    for (row, column) in sheet.base.iter().flat_map(|base| base.cells.keys()) {
        if sheet.mode == Mode::Merge {
            all.extend(get(&sheet.rows.base_new, *row).zip(get(&sheet.columns.base_new, *column)));
        }
    }
    for row in (0..sheet.new.rows).filter(|row| get(&sheet.rows.new_base, *row).is_none()) {
        all.extend((0..sheet.new.columns).map(|column| (row, column)));
    }
    for column in
        (0..sheet.new.columns).filter(|column| get(&sheet.columns.new_base, *column).is_none())
    {
        all.extend((0..sheet.new.rows).map(|row| (row, column)));
    }
    all
}
