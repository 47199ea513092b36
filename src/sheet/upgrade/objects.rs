//! What hangs on a tab besides its cells: its properties, sizes, merges, conditional formats, charts,
//! protections and metadata.

use std::collections::BTreeMap;

use super::lines::{Lines, get};
use super::refs::follow;
use super::{File, Mode, Path, Sheet, Way, through};
use crate::sheet::diff::same;
use crate::sheet::edit::Edit;
use crate::sheet::workbook::{
    Area, COLUMN_WIDTH, Chart, Conditional, Protection, ROW_HEIGHT, Rect, Series, Tab, Value,
};

impl File<'_> {
    /// Brings everything but the cells of a tab up to the new template.
    pub(super) fn objects(&mut self, id: i64) {
        let Some(sheet) = self.sheets.get(&id) else {
            return;
        };
        let mut edits = Vec::new();
        let mut said = Said::default();
        match sheet.mode {
            Mode::Gone => {}
            Mode::Keys => said.metadata(sheet, &mut edits),
            Mode::Add | Mode::Merge => {
                properties(sheet, &mut edits);
                sizes(sheet, &mut edits);
                merges(sheet, &mut edits, &mut said);
                self.conditional(sheet, &mut edits, &mut said);
                self.charts(sheet, &mut edits, &mut said);
                self.protections(sheet, &mut edits);
                if sheet.mode == Mode::Merge {
                    said.metadata(sheet, &mut edits);
                }
            }
        }
        self.out.edits.extend(edits);
        self.out.changes.extend(said.changes);
        self.out.left.extend(said.left);
    }

    /// The base's conditional formats as they stand in the company's file, by their places there, when
    /// the new template has others: they are dropped before lines come and go.
    pub(super) fn stale_rules(&self, sheet: &Sheet<'_>) -> Vec<usize> {
        let (Some(base), Some(now)) = (sheet.base, sheet.now) else {
            return Vec::new();
        };
        let new = &sheet.new.conditional;
        let is_same = base.conditional.len() == new.len()
            && base.conditional.iter().zip(new).all(|(was, new)| {
                self.rule(sheet, was, Way::BaseToNew).as_ref() == Some(new)
                    && self
                        .rule(sheet, was, Way::BaseToNow)
                        .and_then(|was| self.rule(sheet, &was, Way::NowToAfter))
                        == self.rule(sheet, new, Way::NewToAfter)
            });
        if is_same {
            return Vec::new();
        }
        // Each rule of the file is counted once.
        let mut ours = Vec::new();
        for was in &base.conditional {
            let was = self.rule(sheet, was, Way::BaseToNow);
            let at = now
                .conditional
                .iter()
                .enumerate()
                .position(|(index, is)| !ours.contains(&index) && was.as_ref() == Some(is));
            ours.extend(at);
        }
        ours.sort_unstable();
        ours
    }

    fn conditional(&self, sheet: &Sheet<'_>, edits: &mut Vec<Edit>, said: &mut Said) {
        let tab = sheet.new.id;
        let stale = self.stale_rules(sheet);
        let base = sheet
            .base
            .map(|base| base.conditional.as_slice())
            .unwrap_or_default();
        let now = sheet
            .now
            .map(|now| now.conditional.as_slice())
            .unwrap_or_default();
        // Rules of the company's that outlive the lines that go; one of another kind has no ranges.
        let lives = |rule: &Conditional| {
            rule.ranges.is_empty() || rule.ranges.iter().any(|rect| survives(sheet, rect))
        };
        let before = stale.first().copied().unwrap_or(now.len());
        let own = now
            .iter()
            .enumerate()
            .filter(|(index, rule)| !stale.contains(index) && lives(rule));
        let mut index = own.filter(|(index, _)| *index < before).count() as u32;
        let mut changed = !stale.is_empty();
        for new in &sheet.new.conditional {
            let was = base
                .iter()
                .find(|was| self.rule(sheet, was, Way::BaseToNew).as_ref() == Some(new));
            // What stands stays; what the company changed or threw out does not come back.
            let stood = was.map(|was| {
                let was = self.rule(sheet, was, Way::BaseToNow);
                now.iter().position(|is| was.as_ref() == Some(is))
            });
            let is_due = match stood {
                None => true,
                Some(None) => false,
                Some(Some(at)) => stale.contains(&at),
            };
            if !is_due {
                continue;
            }
            match self.rule(sheet, new, Way::NewToAfter) {
                Some(conditional) => {
                    edits.push(Edit::PutConditional {
                        tab,
                        index,
                        conditional,
                    });
                    index += 1;
                    changed = true;
                }
                None => said.left.push(format!(
                    "{}: a conditional format speaks of lines that are gone",
                    sheet.title
                )),
            }
        }
        if changed && sheet.mode != Mode::Add {
            said.changes
                .push(format!("{}: conditional formats", sheet.title));
        }
        if changed && stale.len() < base.len() {
            said.left.push(format!(
                "{}: conditional formats that you changed stay yours",
                sheet.title
            ));
        }
    }

    fn rule(&self, sheet: &Sheet<'_>, rule: &Conditional, way: Way) -> Option<Conditional> {
        let (rows, columns) = maps(sheet, way);
        let ranges: Option<Vec<Rect>> = rule
            .ranges
            .iter()
            .map(|rect| through(rect, &rows, &columns))
            .collect();
        Some(Conditional {
            ranges: ranges?,
            formula: follow(&rule.formula, sheet.new.id, &Path { file: self, way })?,
            format: rule.format.clone(),
        })
    }

    fn charts(&self, sheet: &Sheet<'_>, edits: &mut Vec<Edit>, said: &mut Said) {
        let tab = sheet.new.id;
        let named = |tab: Option<&'_ Tab>, title: &str| {
            tab.and_then(|tab| tab.charts.iter().find(|chart| chart.title == title))
                .cloned()
        };
        for new in &sheet.new.charts {
            let Some(wanted) = self.chart(sheet, new, Way::NewToAfter) else {
                said.left.push(format!(
                    "{}: chart {:?} speaks of lines that are gone",
                    sheet.title, new.title
                ));
                continue;
            };
            match (named(sheet.base, &new.title), named(sheet.now, &new.title)) {
                (None, None) => {
                    if sheet.mode != Mode::Add {
                        said.changes
                            .push(format!("{}: new chart {:?}", sheet.title, new.title));
                    }
                    let chart = Box::new(Chart {
                        id: self.free_chart(new.id),
                        ..wanted
                    });
                    edits.push(Edit::AddChart { tab, chart });
                }
                (Some(was), Some(is)) => self.merge_chart(sheet, (&was, &is), wanted, edits, said),
                // Thrown out, or a chart of the company's own of the same title.
                (Some(_), None) | (None, Some(_)) => {}
            }
        }
        for was in sheet.base.iter().flat_map(|base| &base.charts) {
            let dropped = !sheet.new.charts.iter().any(|new| new.title == was.title);
            let Some(is) = named(sheet.now, &was.title).filter(|_| dropped) else {
                continue;
            };
            let untouched = self
                .chart(sheet, was, Way::BaseToNow)
                .is_some_and(|was| drawn_alike(&was, &is));
            if untouched {
                said.changes
                    .push(format!("{}: chart {:?} dropped", sheet.title, was.title));
                edits.push(Edit::DropChart { chart: is.id });
            } else {
                said.left.push(format!(
                    "{}: chart {:?} is no longer in the template; yours stays",
                    sheet.title, was.title
                ));
            }
        }
    }

    fn merge_chart(
        &self,
        sheet: &Sheet<'_>,
        (was, is): (&Chart, &Chart),
        wanted: Chart,
        edits: &mut Vec<Edit>,
        said: &mut Said,
    ) {
        let expected = self.chart(sheet, was, Way::BaseToNow);
        let shifted = self.chart(sheet, is, Way::NowToAfter);
        let wanted = Chart {
            id: is.id,
            ..wanted
        };
        let is_due = shifted
            .as_ref()
            .is_none_or(|shifted| !drawn_alike(shifted, &wanted));
        let untouched = expected.as_ref().is_some_and(|was| drawn_alike(was, is));
        if is_due && (untouched || self.lost_its_source(is)) {
            said.changes
                .push(format!("{}: chart {:?}", sheet.title, wanted.title));
            edits.push(Edit::SetChart(Box::new(wanted.clone())));
        } else if is_due {
            said.left.push(format!(
                "{}: chart {:?} says something else in the template; yours stays",
                sheet.title, wanted.title
            ));
        }
        let stands = |one: &Chart, other: &Chart| place(one) == place(other);
        let moves = shifted.is_none_or(|shifted| !stands(&shifted, &wanted));
        if moves && expected.is_some_and(|was| stands(&was, is)) {
            edits.push(Edit::MoveChart {
                tab: sheet.new.id,
                chart: Box::new(wanted),
            });
        }
    }

    /// Whether a chart of the company's file draws from a tab that is gone.
    fn lost_its_source(&self, chart: &Chart) -> bool {
        let tabs = &self.editions.now.tabs;
        let sources = chart.series.iter().map(|one| &one.values);
        sources
            .chain([&chart.categories])
            .any(|area| area.is_nowhere() || tabs.iter().all(|tab| tab.id != area.tab))
    }

    /// A chart whose data and place are followed to another edition.
    fn chart(&self, sheet: &Sheet<'_>, chart: &Chart, way: Way) -> Option<Chart> {
        let area = |area: &Area| {
            let Some(home) = self.sheets.get(&area.tab) else {
                return Some(*area);
            };
            let (rows, columns) = maps(home, way);
            Some(Area {
                tab: area.tab,
                rect: through(&area.rect, &rows, &columns)?,
            })
        };
        let (rows, columns) = maps(sheet, way);
        let series = chart.series.iter().map(|one| {
            Some(Series {
                values: area(&one.values)?,
                ..one.clone()
            })
        });
        Some(Chart {
            categories: area(&chart.categories)?,
            series: series.collect::<Option<Vec<Series>>>()?,
            anchor: (get(&rows, chart.anchor.0)?, get(&columns, chart.anchor.1)?),
            ..chart.clone()
        })
    }

    /// A chart id that no chart of the file has.
    fn free_chart(&self, wanted: i64) -> i64 {
        let ids = || {
            self.editions
                .now
                .tabs
                .iter()
                .flat_map(|tab| &tab.charts)
                .map(|chart| chart.id)
        };
        if ids().all(|id| id != wanted) {
            return wanted;
        }
        let templates = self
            .editions
            .new
            .tabs
            .iter()
            .flat_map(|tab| &tab.charts)
            .map(|chart| chart.id);
        // Below Google's largest id, above all that stand and all that may come.
        ids()
            .chain(templates)
            .max()
            .map_or(wanted, |most| (most + wanted) % i64::from(i32::MAX))
    }

    fn protections(&self, sheet: &Sheet<'_>, edits: &mut Vec<Edit>) {
        let tab = sheet.new.id;
        let all = |tab: Option<&'_ Tab>| tab.map(|tab| tab.protections.clone()).unwrap_or_default();
        let (base, now) = (all(sheet.base), all(sheet.now));
        let mut stale = stale_protections(sheet, &base, &now);
        for new in &sheet.new.protections {
            let same =
                |was: &Protection| like(new, &was.description, moved(sheet, was, Way::BaseToNew));
            if base.iter().any(same) {
                continue;
            }
            let Some(rect) = moved(sheet, new, Way::NewToAfter) else {
                continue;
            };
            let turned = stale.iter().position(|is| {
                is.description == new.description
                    && is.rect.is_none_or(|rect| survives(sheet, &rect))
            });
            if let Some(is) = turned.map(|at| stale.remove(at)) {
                edits.push(Edit::SetProtection {
                    tab,
                    protection: Protection { rect, ..is },
                });
            } else if !now
                .iter()
                .any(|is| like(is, &new.description, moved(sheet, new, Way::NewToAfter)))
            {
                edits.push(Edit::AddProtection {
                    tab,
                    protection: Protection {
                        id: 0,
                        rect,
                        ..new.clone()
                    },
                });
            }
        }
        // What protects nothing but lines that go, goes with them.
        stale.retain(|is| is.rect.is_none_or(|rect| survives(sheet, &rect)));
        edits.extend(
            stale
                .iter()
                .map(|is| Edit::DropProtection { protection: is.id }),
        );
    }
}

/// Where a protection of one edition stands in another.
fn moved(sheet: &Sheet<'_>, one: &Protection, way: Way) -> Option<Option<Rect>> {
    let (rows, columns) = maps(sheet, way);
    match &one.rect {
        None => Some(None),
        Some(rect) => through(rect, &rows, &columns).map(Some),
    }
}

fn like(one: &Protection, description: &str, rect: Option<Option<Rect>>) -> bool {
    one.description == description && Some(one.rect) == rect
}

/// Protections of the base that the new template has not, as they stand in the company's file.
fn stale_protections(
    sheet: &Sheet<'_>,
    base: &[Protection],
    now: &[Protection],
) -> Vec<Protection> {
    let mut stale: Vec<Protection> = Vec::new();
    for was in base {
        let as_new = moved(sheet, was, Way::BaseToNew);
        let mut new = sheet.new.protections.iter();
        if new.any(|new| like(new, &was.description, as_new)) {
            continue;
        }
        let rect = moved(sheet, was, Way::BaseToNow);
        stale.extend(
            now.iter()
                .find(|is| like(is, &was.description, rect))
                .cloned(),
        );
    }
    stale
}

/// What is told.
#[derive(Default)]
struct Said {
    changes: Vec<String>,
    left: Vec<String>,
}

impl Said {
    fn metadata(&self, sheet: &Sheet<'_>, edits: &mut Vec<Edit>) {
        let has =
            |pair: &(String, String)| sheet.now.is_some_and(|now| now.metadata.contains(pair));
        for (key, value) in sheet.new.metadata.iter().filter(|pair| !has(pair)) {
            edits.push(Edit::AddMetadata {
                tab: sheet.new.id,
                key: key.clone(),
                value: value.clone(),
            });
        }
    }
}

/// Whether a part of a rectangle of the company's file outlives the lines that go.
pub(super) fn survives(sheet: &Sheet<'_>, rect: &Rect) -> bool {
    let lives = |map: &[Option<u32>], mut lines: std::ops::Range<u32>| {
        lines.any(|line| get(map, line).is_some())
    };
    lives(&sheet.rows.now_after, rect.row_start..rect.row_end)
        && lives(&sheet.columns.now_after, rect.column_start..rect.column_end)
}

/// Where each row and column of one edition stands in another.
fn maps(sheet: &Sheet<'_>, way: Way) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
    let pick = |lines: &Lines| match (sheet.mode, way) {
        (Mode::Gone, _) | (Mode::Keys, Way::BaseToNow | Way::BaseToNew) => Vec::new(),
        (_, Way::BaseToNow) => lines.base_now.clone(),
        (_, Way::BaseToNew) => lines.base_new.clone(),
        (_, Way::NewToAfter) => lines.new_after.clone(),
        (_, Way::NowToAfter) => lines.now_after.clone(),
    };
    (pick(&sheet.rows), pick(&sheet.columns))
}

/// The same chart wherever it hangs. What Google takes from the cells is not compared.
fn drawn_alike(one: &Chart, other: &Chart) -> bool {
    let bare = |chart: &Chart| Chart {
        id: 0,
        axis_format: String::new(),
        anchor: (0, 0),
        offset: (0, 0),
        size: (0, 0),
        ..chart.clone()
    };
    bare(one) == bare(other)
}

fn place(chart: &Chart) -> [(u32, u32); 3] {
    [chart.anchor, chart.offset, chart.size]
}

fn properties(sheet: &Sheet<'_>, edits: &mut Vec<Edit>) {
    let (Some(base), Some(now)) = (sheet.base, sheet.now) else {
        return;
    };
    fn pick<T: PartialEq + Copy>(was: T, is: T, new: T) -> T {
        if was == is { new } else { is }
    }
    let new = sheet.new;
    let wanted = Tab {
        id: new.id,
        title: sheet.title.clone(),
        frozen_rows: pick(base.frozen_rows, now.frozen_rows, new.frozen_rows),
        frozen_columns: pick(base.frozen_columns, now.frozen_columns, new.frozen_columns),
        hidden: pick(base.hidden, now.hidden, new.hidden),
        no_gridlines: pick(base.no_gridlines, now.no_gridlines, new.no_gridlines),
        color: pick(base.color, now.color, new.color),
        ..Tab::default()
    };
    let is = Tab {
        rows: 0,
        columns: 0,
        ..super::bare_tab(now)
    };
    // Lines that come and go in the frozen part take it along.
    let moves = !sheet.rows.structure().is_empty() || !sheet.columns.structure().is_empty();
    if wanted != is || moves {
        edits.push(Edit::SetTab(Box::new(wanted)));
    }
}

fn sizes(sheet: &Sheet<'_>, edits: &mut Vec<Edit>) {
    let tab = sheet.new.id;
    type Sizes = BTreeMap<u32, u32>;
    for columns in [true, false] {
        let of = |tab: &Tab| {
            if columns {
                &tab.column_widths
            } else {
                &tab.row_heights
            }
            .clone()
        };
        let (lines, default) = match columns {
            true => (&sheet.columns, COLUMN_WIDTH),
            false => (&sheet.rows, ROW_HEIGHT),
        };
        let tabs = [Some(sheet.new), sheet.base, sheet.now];
        let [new, base, now] = tabs.map(|tab| tab.map(of).unwrap_or_default());
        let at = |sizes: &Sizes, line: u32| sizes.get(&line).copied().unwrap_or(default);
        let due = lines_due(
            lines,
            &|line| at(&new, line),
            &|line| at(&base, line),
            &|line| at(&now, line),
            // A line that comes in inherits the size of the one before it.
            Some(default).filter(|_| now.is_empty()),
        );
        if !due.is_empty() {
            edits.push(Edit::SetSizes {
                tab,
                columns,
                sizes: due,
            });
        }
        let hidden = |tab: Option<&Tab>, line: u32| {
            tab.is_some_and(|tab| {
                if columns {
                    &tab.hidden_columns
                } else {
                    &tab.hidden_rows
                }
                .contains(&line)
            })
        };
        let due = lines_due(
            lines,
            &|line| hidden(Some(sheet.new), line),
            &|line| hidden(sheet.base, line),
            &|line| hidden(sheet.now, line),
            Some(false),
        );
        if !due.is_empty() {
            edits.push(Edit::SetHidden {
                tab,
                columns,
                lines: due,
            });
        }
    }
}

/// A property of lines that is to be set: of lines that come in where it is not what they come with, if
/// that is known, of others where the template changed it and the company did not.
fn lines_due<T: PartialEq + Copy>(
    lines: &Lines,
    new: &dyn Fn(u32) -> T,
    base: &dyn Fn(u32) -> T,
    now: &dyn Fn(u32) -> T,
    fresh: Option<T>,
) -> BTreeMap<u32, T> {
    let mut due = BTreeMap::new();
    for (line, after) in (0..).zip(&lines.new_after) {
        let Some(after) = after else { continue };
        let was = get(&lines.new_base, line);
        let wanted = new(line);
        let is_due = match was.and_then(|was| Some((was, get(&lines.base_now, was)?))) {
            Some((was, is)) => base(was) != wanted && now(is) == base(was),
            None => Some(wanted) != fresh,
        };
        if is_due {
            due.insert(*after, wanted);
        }
    }
    due
}

/// Merges of the company's file that do not stay as they are, where they stand now: they are taken apart
/// before lines come and go.
pub(super) fn stale_merges(sheet: &Sheet<'_>) -> Vec<Rect> {
    let old = sheet
        .base
        .map(|base| base.merges.as_slice())
        .unwrap_or_default();
    let is = sheet
        .now
        .map(|now| now.merges.as_slice())
        .unwrap_or_default();
    let stays = |was: &Rect, now: &Rect| {
        let new = through(was, &sheet.rows.base_new, &sheet.columns.base_new);
        let new = new.filter(|rect| sheet.new.merges.contains(rect));
        let wanted =
            new.and_then(|rect| through(&rect, &sheet.rows.new_after, &sheet.columns.new_after));
        wanted.is_some() && wanted == through(now, &sheet.rows.now_after, &sheet.columns.now_after)
    };
    old.iter()
        .filter_map(|was| {
            let now = through(was, &sheet.rows.base_now, &sheet.columns.base_now)?;
            (is.contains(&now) && !stays(was, &now)).then_some(now)
        })
        .collect()
}

fn merges(sheet: &Sheet<'_>, edits: &mut Vec<Edit>, said: &mut Said) {
    let tab = sheet.new.id;
    let (rows, columns) = (&sheet.rows, &sheet.columns);
    let old = sheet
        .base
        .map(|base| base.merges.as_slice())
        .unwrap_or_default();
    let is = sheet
        .now
        .map(|now| now.merges.as_slice())
        .unwrap_or_default();
    let stale = stale_merges(sheet);
    let mut standing: Vec<Rect> = is
        .iter()
        .filter(|rect| !stale.contains(rect))
        .filter_map(|rect| through(rect, &rows.now_after, &columns.now_after))
        .collect();
    for new in &sheet.new.merges {
        let Some(rect) = through(new, &rows.new_after, &columns.new_after) else {
            continue;
        };
        let was = old
            .iter()
            .find(|was| through(was, &rows.base_new, &columns.base_new) == Some(*new));
        // What the company took apart stays apart.
        let thrown_out = was.is_some_and(|was| {
            through(was, &rows.base_now, &columns.base_now).is_none_or(|now| !is.contains(&now))
        });
        if standing.contains(&rect) || thrown_out {
            continue;
        }
        // Merging keeps the first cell only: nothing of the company's may stand in the others.
        let after = |at: &(u32, u32)| get(&rows.now_after, at.0).zip(get(&columns.now_after, at.1));
        let foreign = sheet
            .now
            .iter()
            .flat_map(|now| &now.cells)
            .any(|(at, cell)| {
                let inside = after(at).is_some_and(|(row, column)| {
                    rect.contains(row, column)
                        && (row, column) != (rect.row_start, rect.column_start)
                });
                inside && (cell.formula.is_some() || !same(&cell.value, &Value::Blank))
            });
        if foreign || standing.iter().any(|other| other.intersects(&rect)) {
            said.left.push(format!(
                "{}: cells that the template merges hold something of yours",
                sheet.title
            ));
        } else {
            standing.push(rect);
            edits.push(Edit::Merge { tab, rect });
        }
    }
}
