//! Lays a newer template over a company's file without taking anything from the company.
//!
//! A three-way merge: the template that the file was made from (*base*), the company's file (*now*)
//! and the new template (*new*). What the company left as the base had it becomes what the new
//! template says; what the company changed, typed, added or threw out stays as the company has it,
//! and is told when the new template says otherwise there. Numbers of people are never part of a
//! template, so no rule is needed for them.
//!
//! Lines come and go by inserting and deleting them (`lines`), so that the company's own formulas,
//! charts, names and formats follow by themselves; nothing is cleared and nothing written anew. A
//! tab whose tables no longer stand where their lines say (a block was moved, its rows sorted) is not
//! merged: only what is missing by key is added there (`keys`).
//!
//! Laid over a file that nobody touched, the outcome is the new template. Laid over a file that lost
//! tabs of the program's own, with the same edition as base and new, it gives them back, with the
//! formulas and charts that point at nothing since (`#REF!`).

mod cells;
mod keys;
mod lines;
mod objects;
mod refs;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::a1;
use super::edit::{Edit, Grid};
use super::table::{Located, TableSpec, key_text};
use super::workbook::{Area, Cell, NamedRange, Rect, Tab, Value, Workbook};
use lines::{Line, Lines, get};
use refs::Follow;

/// The three editions of one file.
#[derive(Debug, Clone, Copy)]
pub struct Editions<'a> {
    /// The template that the file was made from, as read from Drive; `None` when it is gone: then
    /// nothing can be told to be the company's, and only what is missing is added.
    pub base: Option<&'a Workbook>,
    /// The company's file as it stands.
    pub now: &'a Workbook,
    /// The new template.
    pub new: &'a Workbook,
    /// Its tables.
    pub specs: &'a [TableSpec],
}

/// What an upgrade does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Upgrade {
    /// One atomic batch.
    pub edits: Vec<Edit>,
    /// What changes, for people, one line each.
    pub changes: Vec<String>,
    /// Where the new template says something else than the company, and the company's stays.
    pub left: Vec<String>,
}

/// How a tab of the new template is brought into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Line by line.
    Merge,
    /// The file does not have it: all of it is new.
    Add,
    /// Only what its tables lack.
    Keys,
    /// The company threw it out.
    Gone,
}

/// One tab in all editions.
struct Sheet<'a> {
    mode: Mode,
    base: Option<&'a Tab>,
    now: Option<&'a Tab>,
    new: &'a Tab,
    rows: Lines,
    columns: Lines,
    /// Its title afterwards.
    title: String,
}

/// The whole file.
struct File<'a> {
    editions: Editions<'a>,
    sheets: BTreeMap<i64, Sheet<'a>>,
    out: Upgrade,
}

/// What it takes to lay the new template over the company's file.
pub fn upgrade(editions: Editions<'_>) -> Upgrade {
    let mut file = File::of(editions);
    file.properties();
    file.structure();
    file.names();
    file.names_by_keys();
    for id in file.order() {
        file.cells(id);
        file.objects(id);
    }
    file.out
}

impl<'a> File<'a> {
    fn of(editions: Editions<'a>) -> File<'a> {
        let mut file = File {
            editions,
            sheets: BTreeMap::new(),
            out: Upgrade::default(),
        };
        for new in &editions.new.tabs {
            let sheet = file.sheet(new);
            file.sheets.insert(new.id, sheet);
        }
        for id in file.order() {
            file.settle(id);
        }
        file
    }

    /// Tabs in the new template's order.
    fn order(&self) -> Vec<i64> {
        self.editions.new.tabs.iter().map(|tab| tab.id).collect()
    }

    fn sheet(&self, new: &'a Tab) -> Sheet<'a> {
        let find = |book: &'a Workbook| book.tabs.iter().find(|tab| tab.id == new.id);
        let base = self.editions.base.and_then(find);
        let now = find(self.editions.now);
        let mut sheet = Sheet {
            mode: Mode::Keys,
            base,
            now,
            new,
            rows: Lines::default(),
            columns: Lines::default(),
            title: now.map_or_else(|| new.title.clone(), |tab| tab.title.clone()),
        };
        match (base, now) {
            (Some(base), Some(now)) => {
                (sheet.rows, sheet.columns) = self.lines(base, now, new);
                if self.stands(&sheet) {
                    sheet.mode = Mode::Merge;
                }
            }
            (None, None) if self.editions.base.is_some() => {
                sheet.mode = Mode::Add;
                (sheet.rows, sheet.columns) =
                    (Lines::all_new(new.rows), Lines::all_new(new.columns));
            }
            (_, None) => sheet.mode = Mode::Gone,
            (None, Some(_)) => {}
        }
        // The daemon's own and what others compute with must be there, whoever threw them out.
        let is_own = new.hidden
            || self
                .editions
                .specs
                .iter()
                .any(|spec| !spec.people && self.home(spec) == Some(new.id));
        if sheet.mode == Mode::Gone && is_own {
            sheet.mode = Mode::Add;
            (sheet.rows, sheet.columns) = (Lines::all_new(new.rows), Lines::all_new(new.columns));
        }
        if sheet.mode == Mode::Add || base.is_some_and(|base| base.title == sheet.title) {
            sheet.title = self.free_title(new);
        }
        sheet
    }

    /// The tab on which the new template keeps a table.
    fn home(&self, spec: &TableSpec) -> Option<i64> {
        area(self.editions.new, &spec.name).map(|area| area.tab)
    }

    /// The new template's title of a tab, with a number where another tab of the company's has it.
    fn free_title(&self, new: &Tab) -> String {
        let others = self.editions.now.tabs.iter().filter(|tab| tab.id != new.id);
        let taken: BTreeSet<String> = others.map(|tab| tab.title.to_lowercase()).collect();
        let numbered = (2..).map(|number| format!("{} ({number})", new.title));
        std::iter::once(new.title.clone())
            .chain(numbered)
            .find(|title| !taken.contains(&title.to_lowercase()))
            .unwrap_or_default()
    }

    /// Matches rows first; columns are told by what stands in matched rows, so that rows of people
    /// do not disguise them.
    fn lines(&self, base: &Tab, now: &Tab, new: &Tab) -> (Lines, Lines) {
        let specs = self.editions.specs;
        let read = |book: Option<&Workbook>, tab: &Tab| {
            book.map(|book| keyed(book, tab, specs)).unwrap_or_default()
        };
        let keys = [
            read(self.editions.base, base),
            read(Some(self.editions.now), now),
            read(Some(self.editions.new), new),
        ];
        let [base_rows, now_rows, new_rows] = [(base, &keys[0]), (now, &keys[1]), (new, &keys[2])]
            .map(|(tab, keys)| row_lines(tab, keys));
        let mut rows = Lines::of(&base_rows, &now_rows, &new_rows);
        rows.pattern = self.patterns(now, &rows);
        let columns = |tab: &Tab, keys: &Keyed, rows: &dyn Fn(u32) -> Option<u32>| {
            column_lines(tab, keys, rows)
        };
        let now_base = rows.now_base();
        let base_columns = columns(base, &keys[0], &|row| Some(row));
        let now_columns = columns(now, &keys[1], &|row| now_base.get(&row).copied());
        let new_columns = columns(new, &keys[2], &|row| get(&rows.new_base, row));
        let columns = Lines::of(&base_columns, &now_columns, &new_columns);
        (rows, columns)
    }

    /// The rows that people's tables have grown in the company's file, each with the base row whose
    /// looks it inherited.
    fn patterns(&self, now: &Tab, rows: &Lines) -> BTreeMap<u32, u32> {
        let now_base = rows.now_base();
        let blocks = self
            .editions
            .specs
            .iter()
            .filter(|spec| spec.grows || !spec.people);
        let blocks = blocks.filter_map(|spec| area(self.editions.now, &spec.name));
        let mut patterns = BTreeMap::new();
        for block in blocks.filter(|area| area.tab == now.id) {
            let mut pattern = None;
            // The key row carries a look of its own.
            for row in block.rect.row_start + 1..block.rect.row_end {
                match (now_base.get(&row), pattern) {
                    (Some(base), _) => pattern = Some(*base),
                    (None, Some(base)) => {
                        patterns.insert(row, base);
                    }
                    (None, None) => {}
                }
            }
        }
        patterns
    }

    /// Whether every table of the tab stands where the lines of the base were found.
    fn stands(&self, sheet: &Sheet<'_>) -> bool {
        let Some(base) = self.editions.base else {
            return false;
        };
        let here =
            |spec: &&TableSpec| area(base, &spec.name).is_some_and(|area| area.tab == sheet.new.id);
        self.editions.specs.iter().filter(here).all(|spec| {
            let (Some(was), Some(is)) = (locate(base, spec), locate(self.editions.now, spec))
            else {
                // The name was deleted; the lines give it back.
                return area(self.editions.now, &spec.name).is_none();
            };
            let row = |row: u32| get(&sheet.rows.base_now, row);
            let column = |column: u32| get(&sheet.columns.base_now, column);
            let rows = was
                .rows
                .iter()
                .all(|(key, at)| is.rows.get(key).is_none_or(|now| row(*at) == Some(*now)));
            let columns = was.columns.iter().all(|(key, at)| {
                is.columns
                    .get(key)
                    .is_none_or(|now| column(*at) == Some(*now))
            });
            let corners = was.key_columns.iter().zip(&is.key_columns);
            is.tab == was.tab
                && row(was.key_row) == Some(is.key_row)
                && rows
                && columns
                && corners
                    .into_iter()
                    .all(|(was, is)| column(*was) == Some(*is))
        })
    }

    /// Decides which lines of a tab come and go, and tells what stays because it was touched.
    fn settle(&mut self, id: i64) {
        let Some(sheet) = self.sheets.get(&id) else {
            return;
        };
        if sheet.mode == Mode::Keys {
            return self.settle_keys(id);
        }
        let (Mode::Merge, Some(base), Some(now)) = (sheet.mode, sheet.base, sheet.now) else {
            return;
        };
        let specs = self.editions.specs;
        let (mine, fresh) = (
            keyed(self.editions.now, now, specs),
            keyed(self.editions.new, sheet.new, specs),
        );
        let has = |fresh: &BTreeMap<u32, String>, mine: &BTreeMap<u32, String>, line: u32| {
            fresh
                .get(&line)
                .is_some_and(|key| mine.values().any(|other| other == key))
        };
        let (touched_rows, touched_columns) = self.touched(sheet, base, now);
        let (mut rows, mut columns) = (sheet.rows.clone(), sheet.columns.clone());
        let title = sheet.title.clone();
        let kept = rows.settle(
            |line| !touched_rows.contains(&line),
            |line| has(&fresh.rows, &mine.rows, line),
        );
        for row in kept.iter().filter_map(|base| get(&rows.base_now, *base)) {
            self.out.left.push(format!(
                "{title}: row {} is no longer in the template, it holds something of yours",
                row + 1
            ));
        }
        let kept = columns.settle(
            |line| !touched_columns.contains(&line),
            |line| has(&fresh.columns, &mine.columns, line),
        );
        for column in kept.iter().filter_map(|base| get(&columns.base_now, *base)) {
            self.out.left.push(format!(
                "{title}: column {} is no longer in the template, it holds something of yours",
                a1::column_letters(column)
            ));
        }
        if let Some(sheet) = self.sheets.get_mut(&id) {
            (sheet.rows, sheet.columns) = (rows, columns);
        }
    }

    /// The base rows and columns on which the company's file holds something else than the base.
    fn touched(&self, sheet: &Sheet<'_>, base: &Tab, now: &Tab) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let (rows, columns) = (sheet.rows.now_base(), sheet.columns.now_base());
        let mut touched = (BTreeSet::new(), BTreeSet::new());
        let mut check = |row: Option<u32>, column: Option<u32>, now: &Cell| {
            let was = row.zip(column).and_then(|at| base.cells.get(&at));
            if !self.is_untouched(sheet.new.id, was, now) {
                touched.0.extend(row);
                touched.1.extend(column);
            }
        };
        for ((row, column), cell) in &now.cells {
            check(rows.get(row).copied(), columns.get(column).copied(), cell);
        }
        for ((row, column), cell) in &base.cells {
            let at = get(&sheet.rows.base_now, *row).zip(get(&sheet.columns.base_now, *column));
            if at.is_some_and(|at| !now.cells.contains_key(&at)) && *cell != Cell::default() {
                check(Some(*row), Some(*column), &Cell::default());
            }
        }
        touched
    }

    /// Locale and time zone, when the company's settings changed them.
    fn properties(&mut self) {
        let Some(base) = self.editions.base else {
            return;
        };
        let (now, new) = (self.editions.now, self.editions.new);
        let pick =
            |was: &str, is: &str, new: &str| (was == is && is != new).then(|| new.to_owned());
        let locale = pick(&base.locale, &now.locale, &new.locale);
        let time_zone = pick(&base.time_zone, &now.time_zone, &new.time_zone);
        for value in locale.iter().chain(&time_zone) {
            self.out
                .changes
                .push(format!("the spreadsheet's setting is {value} now"));
        }
        if locale.is_some() || time_zone.is_some() {
            self.out.edits.push(Edit::SetFile { locale, time_zone });
        }
    }

    /// Rows and columns come and go, tabs come.
    fn structure(&mut self) {
        for id in self.order() {
            let Some(sheet) = self.sheets.get(&id) else {
                continue;
            };
            if sheet.mode == Mode::Add {
                let bare = Tab {
                    title: sheet.title.clone(),
                    metadata: sheet.new.metadata.clone(),
                    ..bare_tab(sheet.new)
                };
                self.out.changes.push(format!("{}: new tab", sheet.title));
                self.out.edits.push(Edit::AddTab(Box::new(bare)));
                continue;
            }
            if sheet.mode == Mode::Gone {
                continue;
            }
            if sheet.mode == Mode::Merge {
                let stale = objects::stale_merges(sheet);
                let apart = stale
                    .into_iter()
                    .map(|rect| Edit::Unmerge { tab: id, rect });
                let rules = self.stale_rules(sheet).into_iter().rev();
                let drop = rules.map(|index| Edit::DropConditional {
                    tab: id,
                    index: index as u32,
                });
                let edits: Vec<Edit> = apart.chain(drop).collect();
                self.out.edits.extend(edits);
            }
            let (mut come, mut go) = ([0, 0], [0, 0]);
            for (lines, is_row) in [(&sheet.rows, true), (&sheet.columns, false)] {
                for (line, count, comes) in lines.structure() {
                    let tally = if comes { &mut come } else { &mut go };
                    tally[usize::from(is_row)] += count;
                    self.out
                        .edits
                        .push(line_edit(id, (line, count), comes, is_row));
                }
            }
            for (count, word) in [(come[1], "rows"), (come[0], "columns")] {
                if count > 0 {
                    self.out
                        .changes
                        .push(format!("{}: {count} new {word}", sheet.title));
                }
            }
            for (count, word) in [(go[1], "rows"), (go[0], "columns")] {
                if count > 0 {
                    self.out
                        .changes
                        .push(format!("{}: {count} {word} dropped", sheet.title));
                }
            }
        }
    }

    /// The template's names: missing ones are added, those that nobody pointed elsewhere follow.
    fn names(&mut self) {
        let (now, new) = (self.editions.now, self.editions.new);
        for name in &new.names {
            let Some(sheet) = self.sheets.get(&name.area.tab) else {
                continue;
            };
            if !matches!(sheet.mode, Mode::Merge | Mode::Add) {
                continue;
            }
            // What a table moved away from is not its place any more.
            let Some(mut rect) = through(
                &name.area.rect,
                &sheet.rows.new_after,
                &sheet.columns.new_after,
            ) else {
                self.out
                    .left
                    .push(format!("name {}: its lines are gone", name.name));
                continue;
            };
            let is = now.names.iter().find(|other| other.name == name.name);
            let mut id = String::new();
            if let Some(is) = is {
                id.clone_from(&is.id);
                let lost_its_cells = is.area.is_nowhere();
                if !lost_its_cells && !self.is_where_it_was(is, sheet) {
                    continue;
                }
                let kept = through(
                    &is.area.rect,
                    &sheet.rows.now_after,
                    &sheet.columns.now_after,
                );
                if kept == Some(rect) {
                    continue;
                }
                // Rows that people's tables have grown stay inside.
                if let Some(kept) = kept {
                    rect.row_end = rect.row_end.max(kept.row_end);
                }
                if kept == Some(rect) {
                    continue;
                }
            } else {
                self.out.changes.push(format!("new name {}", name.name));
            }
            self.out.edits.push(Edit::SetName(NamedRange {
                id,
                name: name.name.clone(),
                area: Area {
                    tab: name.area.tab,
                    rect,
                },
            }));
        }
    }

    /// Whether the company's name covers what the base's did.
    fn is_where_it_was(&self, is: &NamedRange, sheet: &Sheet<'_>) -> bool {
        let Some(was) = self.editions.base.and_then(|base| area(base, &is.name)) else {
            return false;
        };
        let wanted = through(&was.rect, &sheet.rows.base_now, &sheet.columns.base_now);
        is.area.tab == was.tab
            && wanted.is_some_and(|wanted| {
                let grown = is.area.rect.row_end >= wanted.row_end;
                grown
                    && Rect {
                        row_end: wanted.row_end,
                        ..is.area.rect
                    } == wanted
            })
    }
}

fn line_edit(tab: i64, (line, count): (u32, u32), comes: bool, is_row: bool) -> Edit {
    match (is_row, comes) {
        (true, true) => Edit::InsertRows {
            tab,
            row: line,
            count,
        },
        (true, false) => Edit::DeleteRows {
            tab,
            row: line,
            count,
        },
        (false, true) => Edit::InsertColumns {
            tab,
            column: line,
            count,
        },
        (false, false) => Edit::DeleteColumns {
            tab,
            column: line,
            count,
        },
    }
}

/// A tab without anything on it.
fn bare_tab(tab: &Tab) -> Tab {
    Tab {
        id: tab.id,
        title: tab.title.clone(),
        rows: tab.rows,
        columns: tab.columns,
        frozen_rows: tab.frozen_rows,
        frozen_columns: tab.frozen_columns,
        hidden: tab.hidden,
        no_gridlines: tab.no_gridlines,
        color: tab.color,
        ..Tab::default()
    }
}

/// What a named range covers.
fn area(book: &Workbook, name: &str) -> Option<Area> {
    book.names
        .iter()
        .find(|range| range.name == name && !range.area.is_nowhere())
        .map(|range| range.area)
}

/// Where a table's keys stand.
fn locate(book: &Workbook, spec: &TableSpec) -> Option<Located> {
    let grid = grid(book, &spec.name)?;
    let (located, _) = Located::find(&grid, spec);
    (!located.columns.is_empty()).then_some(located)
}

/// The block under a name.
fn grid(book: &Workbook, name: &str) -> Option<Grid> {
    let area = area(book, name)?;
    let tab = book.tabs.iter().find(|tab| tab.id == area.tab)?;
    let value = |row, column| {
        tab.cells
            .get(&(row, column))
            .map_or(Value::Blank, |cell| cell.value.clone())
    };
    let columns = area.rect.column_start..area.rect.column_end;
    Some(Grid {
        tab: area.tab,
        row: area.rect.row_start,
        column: area.rect.column_start,
        values: (area.rect.row_start..area.rect.row_end)
            .map(|row| columns.clone().map(|column| value(row, column)).collect())
            .collect(),
        formulas: BTreeMap::new(),
    })
}

/// A rectangle followed by its first and last lines.
fn through(rect: &Rect, rows: &[Option<u32>], columns: &[Option<u32>]) -> Option<Rect> {
    Some(Rect {
        row_start: get(rows, rect.row_start)?,
        row_end: get(rows, rect.row_end.checked_sub(1)?)? + 1,
        column_start: get(columns, rect.column_start)?,
        column_end: get(columns, rect.column_end.checked_sub(1)?)? + 1,
    })
}

/// The keys of the tables on one tab by row and by column.
#[derive(Default)]
struct Keyed {
    rows: BTreeMap<u32, String>,
    columns: BTreeMap<u32, String>,
}

fn keyed(book: &Workbook, tab: &Tab, specs: &[TableSpec]) -> Keyed {
    let mut keyed = Keyed::default();
    let add = |lines: &mut BTreeMap<u32, String>, line: u32, key: String| {
        let text = lines.entry(line).or_default();
        text.push_str(&key);
        text.push(';');
    };
    for spec in specs {
        let found = grid(book, &spec.name).filter(|grid| grid.tab == tab.id);
        let Some((grid, located)) = found.and_then(|grid| {
            let located = Located::find(&grid, spec).0;
            (!located.columns.is_empty()).then_some((grid, located))
        }) else {
            continue;
        };
        // Without its corner what stands in the first column may be anything.
        let corner = spec.key_columns.first().zip(located.key_columns.first());
        let has_corner = corner
            .is_some_and(|(key, column)| key_text(grid.at(located.key_row, *column)) == **key);
        add(&mut keyed.rows, located.key_row, format!("{}/", spec.name));
        for row in (grid.row..)
            .take(grid.values.len())
            .filter(|row| *row != located.key_row)
        {
            let keys: Vec<String> = located
                .key_columns
                .iter()
                .map(|column| key_text(grid.at(row, *column)))
                .collect();
            if has_corner && keys.first().is_some_and(|key| !key.is_empty()) {
                add(
                    &mut keyed.rows,
                    row,
                    format!("{}/{}", spec.name, keys.join("/")),
                );
            }
        }
        let corners = located
            .key_columns
            .iter()
            .enumerate()
            .filter(|_| has_corner);
        for (index, column) in corners {
            add(
                &mut keyed.columns,
                *column,
                format!("{}/#{index}", spec.name),
            );
        }
        for (key, column) in &located.columns {
            add(&mut keyed.columns, *column, format!("{}/{key}", spec.name));
        }
    }
    keyed
}

/// What a cell says, for recognising its line; numbers say nothing.
fn says(cell: &Cell) -> Option<String> {
    match (&cell.formula, &cell.value) {
        (Some(formula), _) => Some(refs::shape(formula)),
        (None, Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn row_lines(tab: &Tab, keys: &Keyed) -> Vec<Line> {
    let mut lines = vec![Line::default(); tab.rows as usize];
    for ((row, _), cell) in &tab.cells {
        if let Some((line, text)) = lines.get_mut(*row as usize).zip(says(cell)) {
            line.texts.push(text);
        }
    }
    for (row, key) in &keys.rows {
        if let Some(line) = lines.get_mut(*row as usize) {
            line.key = Some(key.clone());
        }
    }
    lines
}

/// `base_row` says which row of the base a row is; others do not count.
fn column_lines(tab: &Tab, keys: &Keyed, base_row: &dyn Fn(u32) -> Option<u32>) -> Vec<Line> {
    let mut lines = vec![Line::default(); tab.columns as usize];
    for ((row, column), cell) in &tab.cells {
        let text = base_row(*row)
            .zip(says(cell))
            .map(|(row, text)| format!("{row} {text}"));
        if let Some((line, text)) = lines.get_mut(*column as usize).zip(text) {
            line.texts.push(text);
        }
    }
    for (column, key) in &keys.columns {
        if let Some(line) = lines.get_mut(*column as usize) {
            line.key = Some(key.clone());
        }
    }
    lines
}

/// Which way a formula is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    BaseToNow,
    BaseToNew,
    NewToAfter,
    NowToAfter,
}

/// Follows addresses from one edition to another.
struct Path<'f, 'a> {
    file: &'f File<'a>,
    way: Way,
}

impl Path<'_, '_> {
    fn line(&self, tab: i64, line: u32, is_row: bool) -> Option<u32> {
        let Some(sheet) = self.file.sheets.get(&tab) else {
            // A tab of the company's own: nothing moves there.
            return Some(line);
        };
        let lines = if is_row { &sheet.rows } else { &sheet.columns };
        match (sheet.mode, self.way) {
            (Mode::Gone, _) => None,
            // Where lines could not be matched, the base is not known either.
            (Mode::Keys, Way::BaseToNow | Way::BaseToNew) => None,
            (_, Way::BaseToNow) => get(&lines.base_now, line),
            (_, Way::BaseToNew) => get(&lines.base_new, line),
            (_, Way::NewToAfter) => get(&lines.new_after, line),
            (_, Way::NowToAfter) => get(&lines.now_after, line),
        }
    }
}

impl Follow for Path<'_, '_> {
    fn row(&self, tab: i64, row: u32) -> Option<u32> {
        self.line(tab, row, true)
    }

    fn column(&self, tab: i64, column: u32) -> Option<u32> {
        self.line(tab, column, false)
    }

    fn tab(&self, title: &str) -> Option<i64> {
        let book = match self.way {
            Way::BaseToNow | Way::BaseToNew => self.file.editions.base?,
            Way::NewToAfter => self.file.editions.new,
            Way::NowToAfter => self.file.editions.now,
        };
        let title = title.to_lowercase();
        book.tabs
            .iter()
            .find(|tab| tab.title.to_lowercase() == title)
            .map(|tab| tab.id)
    }

    fn title(&self, tab: i64) -> Option<&str> {
        let find = |book: &'_ Workbook| book.tabs.iter().position(|other| other.id == tab);
        let editions = &self.file.editions;
        match self.way {
            Way::BaseToNow => Some(&editions.now.tabs.get(find(editions.now)?)?.title),
            Way::BaseToNew => Some(&editions.new.tabs.get(find(editions.new)?)?.title),
            Way::NewToAfter | Way::NowToAfter => match self.file.sheets.get(&tab) {
                Some(sheet) => Some(&sheet.title),
                None => Some(&editions.now.tabs.get(find(editions.now)?)?.title),
            },
        }
    }
}
