//! PURE: snapshot × view × moment → change set.
//!
//! The same inputs give the same change set. No I/O and no clock: `now` is an argument.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::calendar::{Calendar, Day, Instant, Month};
use crate::domain::crm::{Directory, Homes};
use crate::domain::fact::Facts;
use crate::domain::plan::{
    self, BaseCell, CellKey, Cells, ChangeSource, Held, PLAN_TABLE, PlanChange, PlanInput,
    Replanned, Seen,
};
use crate::domain::slot::Metric;
use crate::sheet::audit::Ownership;
use crate::sheet::diff::{DesiredTable, diff_data_table, write_cells};
use crate::sheet::edit::{Edit, Observed};
use crate::sheet::grow;
use crate::sheet::table::{Fault, Located, TableSpec};
use crate::sheet::template::{self, KEEPER_TAB, MARKS, TemplateKind};
use crate::sheet::workbook::{Area, TEXT_MAX, Value, fitting};
use crate::store::Store;

use super::fresh;
use super::guard::{self, Guarded};
use super::outcome::SyncError;
use super::pull::PullSummary;
use super::render::{self, Scene};
use super::scenario;
use super::words::{Names, Words};
use super::{Engine, Profile};

/// The table of days off.
const HOLIDAYS: &str = "holidays";
/// The table of what channels cost.
const COSTS: &str = "costs";

/// Everything that the store and the records tell.
pub struct Snapshot<'a> {
    /// The year of the plan file.
    pub year: i32,
    /// The company's facts.
    pub facts: &'a Facts,
    /// What records refer to.
    pub directory: Directory,
    /// Who was in which department when.
    pub homes: Homes,
    /// Plan cells of the year, as the store remembers them.
    pub base: Cells<BaseCell>,
    /// Plan numbers of other years that are in force.
    pub other_years: BTreeMap<(Metric, Month), Decimal>,
    /// The company's plan in the latest named version of each year.
    pub approved: BTreeMap<(Metric, Month), Decimal>,
    /// Cells that a person asked to bring back in this pass.
    pub restore: Option<Arc<Cells<Held>>>,
    /// Leads, deals and rejects in the store.
    pub counts: (u64, u64, u64),
    /// What the portal gave in this pass.
    pub pulled: PullSummary,
    /// Requests to the portal in this pass.
    pub portal_requests: u64,
    /// Requests to Google in this pass, the one that publishes the report included.
    pub google_requests: u64,
    /// Seconds since the pass began.
    pub seconds: f64,
}

impl<'a> Snapshot<'a> {
    /// Reads what the store knows.
    pub fn load(
        engine: &Engine,
        profile: &Profile,
        year: i32,
        facts: &'a Facts,
        pulled: &PullSummary,
    ) -> Result<Snapshot<'a>, SyncError> {
        let store = &engine.store;
        let id = &profile.id;
        let mut other_years = BTreeMap::new();
        for other in store
            .plan_years(id)?
            .into_iter()
            .filter(|other| *other != year)
        {
            for (key, cell) in store.plan_cells(id, other)? {
                if let (Some(slot), Some(value)) = (month_slot(&key), cell.value) {
                    other_years.insert(slot, value);
                }
            }
        }
        let directory = store.directory(id)?;
        Ok(Snapshot {
            year,
            facts,
            homes: homes(&**store, id, &directory)?,
            directory,
            base: store.plan_cells(id, year)?,
            other_years,
            approved: approved(&**store, id)?,
            restore: None,
            counts: store.counts(id)?,
            pulled: pulled.clone(),
            portal_requests: 0,
            google_requests: 0,
            seconds: 0.0,
        })
    }
}

/// Who was in which department when; somebody of whom no move is known has always been where he is.
pub(super) fn homes(
    store: &dyn Store,
    id: &str,
    directory: &Directory,
) -> Result<Homes, SyncError> {
    let memberships = store.memberships(id)?;
    let known: BTreeSet<u64> = memberships.iter().map(|one| one.user).collect();
    let known = |user: u64| known.contains(&user);
    let others = directory.users.iter().filter(|user| !known(user.id));
    let others = others.map(|user| (user.id, 0, user.departments.first().copied()));
    let moves = memberships.iter();
    let moves = moves.map(|one| (one.user, one.since, one.department));
    Ok(Homes::of(moves.chain(others)))
}

/// The company's plan in the latest version of each year.
fn approved(store: &dyn Store, id: &str) -> Result<BTreeMap<(Metric, Month), Decimal>, SyncError> {
    let mut numbers = BTreeMap::new();
    let mut years = BTreeSet::new();
    for version in store.plan_versions(id)? {
        // Newest first: what follows of the same year is older.
        if !years.insert(version.year) {
            continue;
        }
        for (key, held) in store.plan_version_cells(id, version.id, Some(PLAN_TABLE))? {
            if let (Some(slot), Some(value)) = (month_slot(&key), held.value) {
                numbers.insert(slot, value);
            }
        }
    }
    Ok(numbers)
}

/// What the sheets show now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// The plan file.
    pub plan: Observed,
    /// The report file.
    pub report: Observed,
}

/// When the pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub now: Instant,
    /// The day that counts as today.
    pub today: Day,
    /// When the schedule runs the next pass.
    pub next_run: Option<Instant>,
    /// The pass's number.
    pub pass: u64,
}

/// What is to be done, and what the store is to remember before and after.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeSet {
    /// Edits of the plan file.
    pub plan: Vec<Edit>,
    /// What the plan's edits may touch.
    pub plan_ownership: Ownership,
    /// People's cells that the plan's edits write over, and where each is kept.
    pub guarded: Vec<Guarded>,
    /// Edits of the report file, the stamp among them.
    pub report: Vec<Edit>,
    /// What the report's edits may touch.
    pub report_ownership: Ownership,
    /// Plan cells to remember before the plan is published.
    pub accepted: Cells<BaseCell>,
    /// Plan cells to remember after it was.
    pub confirmed: Cells<BaseCell>,
    /// What storing `accepted` changes in force.
    pub log: Vec<PlanChange>,
    /// The plan that all of it came from.
    pub replanned: Replanned,
    /// What a person should know, in his language.
    pub notices: Vec<String>,
    /// Plan cells held by people.
    pub edited_cells: usize,
    /// Plan cells that cannot be read.
    pub unreadable_cells: usize,
}

/// Decides everything that a pass does.
pub fn reconcile(
    profile: &Profile,
    snapshot: &Snapshot<'_>,
    view: &View,
    moment: &Moment,
) -> Result<ChangeSet, SyncError> {
    let words = Words::of(&profile.locale);
    let plan_specs = template::tables(TemplateKind::Plan, snapshot.year);
    let report_specs = template::tables(TemplateKind::Report, snapshot.year);
    let mut sight = see(&view.plan, &plan_specs);
    let scenario = scenario::accept(&mut sight.seen);
    let calendar = sight.calendar(&profile.calendar);
    let directory = &snapshot.directory;
    let base = memory(snapshot, view, &plan_specs, &sight);
    let replanned = decide(profile, snapshot, &sight, &calendar, moment, &base);
    let accepted = plan::accept(&replanned, &base);
    let log = log(&accepted, snapshot, &scenario);
    let names = Names::of(words, directory);
    let mut notices = notices(words, &names, snapshot, &replanned, &sight);
    notices.extend(
        scenario
            .unreadable()
            .map(|key| words.scenario(&names.place(key))),
    );
    let sources = directory
        .statuses
        .iter()
        .filter(|status| status.entity == "SOURCE");
    let scene = Scene {
        source_names: sources
            .map(|one| (one.code.clone(), one.name.clone()))
            .collect(),
        users: directory
            .users
            .iter()
            .map(|user| (user.id, user.clone()))
            .collect(),
        departments: directory
            .departments
            .iter()
            .map(|one| (one.id, one.name.clone()))
            .collect(),
        profile,
        calendar: &calendar,
        snapshot,
        moment,
        words,
        plan: plan_numbers(snapshot, &replanned),
        replanned: &replanned,
        costs: std::mem::take(&mut sight.costs),
        scenario,
        notices,
    };
    let mut change = ChangeSet {
        log,
        accepted,
        confirmed: plan::confirm(&replanned, &base, &BTreeSet::new()),
        edited_cells: render::held(&scene),
        unreadable_cells: render::unreadable(&scene),
        notices: scene.notices.clone(),
        ..ChangeSet::default()
    };
    edit_plan(&scene, view, &plan_specs, &mut change)?;
    edit_report(&scene, view, &report_specs, &mut change)?;
    drop(scene);
    change.replanned = replanned;
    Ok(change)
}

/// What the store remembers of the plan's cells, as it applies to the file that stands now.
fn memory<'a>(
    snapshot: &'a Snapshot<'_>,
    view: &View,
    specs: &[TableSpec],
    sight: &Sight,
) -> Cow<'a, Cells<BaseCell>> {
    if fresh::is_fresh(&view.plan, specs, &snapshot.base, &sight.seen) {
        Cow::Owned(fresh::refilled(&snapshot.base, &sight.seen))
    } else {
        Cow::Borrowed(&snapshot.base)
    }
}

/// The year's plan: as targets and people want it, or with what a person asked to bring back.
fn decide(
    profile: &Profile,
    snapshot: &Snapshot<'_>,
    sight: &Sight,
    calendar: &Calendar,
    moment: &Moment,
    base: &Cells<BaseCell>,
) -> Replanned {
    let input = PlanInput {
        year: snapshot.year,
        current: Month::of(moment.today),
        calendar,
        facts: snapshot.facts,
        directory: &snapshot.directory,
        seeds: &profile.seeds,
        seen: &sight.seen,
        standing: &sight.standing,
        basis: &sight.basis,
        base,
    };
    match &snapshot.restore {
        Some(target) => plan::restore(&input, target),
        None => plan::replan(&input),
    }
}

/// What storing the accepted cells changes in force.
fn log(
    accepted: &Cells<BaseCell>,
    snapshot: &Snapshot<'_>,
    scenario: &scenario::Scenario,
) -> Vec<PlanChange> {
    let nothing = Cells::new();
    let asked = snapshot.restore.as_deref().unwrap_or(&nothing);
    let mut log = plan::changes(accepted, &snapshot.base, asked);
    for change in log.iter_mut().filter(|change| scenario.took(&change.cell)) {
        change.source = ChangeSource::Scenario;
    }
    log
}

/// What the plan file shows.
#[derive(Default)]
struct Sight {
    /// People's cells. One that cannot be found is absent, and told as a fault.
    seen: Cells<Seen>,
    /// Row keys of the tables that grow.
    standing: BTreeMap<String, BTreeSet<String>>,
    /// What weights were made from, by row key.
    basis: BTreeMap<String, String>,
    /// Costs by source and month.
    costs: Cells<Seen>,
    /// Days off.
    holidays: BTreeSet<Day>,
    /// What stands among the days off and is no day.
    no_days: Vec<String>,
    faults: Vec<Fault>,
}

impl Sight {
    /// The company's calendar with the days off that people wrote down.
    fn calendar(&self, configured: &Calendar) -> Calendar {
        let mut calendar = configured.clone();
        calendar.holidays.extend(self.holidays.iter().copied());
        calendar
    }

    fn see_table(&mut self, observed: &Observed, spec: &TableSpec) {
        let (located, faults) = Located::observe(observed, spec);
        let Some(grid) = observed.blocks.get(&spec.name) else {
            self.faults.extend(faults);
            return;
        };
        if spec.name == HOLIDAYS {
            self.see_holidays(&located);
            return;
        }
        self.faults.extend(faults);
        if spec.grows
            && let Some(rows) = grow::standing(observed, spec)
        {
            self.standing.insert(spec.name.clone(), rows);
        }
        let cells = match spec.name.as_str() {
            COSTS => &mut self.costs,
            _ => &mut self.seen,
        };
        for (row_keys, row) in &located.rows {
            let Some(row_key) = row_keys.first() else {
                continue;
            };
            for (column, at) in &located.columns {
                let value = grid.at(*row, *at);
                if column == MARKS {
                    let basis = basis_of(value).map(|basis| (row_key.clone(), basis.to_owned()));
                    self.basis.extend(basis);
                } else if !spec.own.contains(column) {
                    let key = CellKey::new(&spec.name, row_key, column);
                    cells.insert(key, seen_value(value));
                }
            }
        }
    }

    /// Reads the days off: each key is a date, as Sheets keeps it or as text.
    fn see_holidays(&mut self, located: &Located) {
        for key in located.rows.keys().filter_map(|keys| keys.first()) {
            match day_of(key) {
                Some(day) => {
                    self.holidays.insert(day);
                }
                // The heading of the table stands among its rows.
                None if key.chars().any(|c| c.is_ascii_digit()) => self.no_days.push(key.clone()),
                None => {}
            }
        }
    }
}

/// What people's cells show.
fn see(observed: &Observed, specs: &[TableSpec]) -> Sight {
    let mut sight = Sight::default();
    for spec in specs.iter().filter(|spec| spec.people) {
        sight.see_table(observed, spec);
    }
    sight
}

/// A day as a spreadsheet's serial number, `2026-11-04` or `04.11.2026`.
fn day_of(key: &str) -> Option<Day> {
    if let Ok(serial) = key.parse::<i32>() {
        return render::day_of_serial(serial);
    }
    ["%Y-%m-%d", "%d.%m.%Y"]
        .iter()
        .find_map(|format| Day::parse_from_str(key, format).ok())
}

/// The `basis=…` among a row's marks.
fn basis_of(value: &Value) -> Option<&str> {
    let Value::Text(text) = value else {
        return None;
    };
    text.split(';').find_map(|mark| mark.strip_prefix("basis="))
}

fn seen_value(value: &Value) -> Seen {
    match value {
        Value::Blank => Seen::Blank,
        Value::Number(number) => Seen::of_f64(*number),
        Value::Text(text) if text.trim().is_empty() => Seen::Blank,
        Value::Text(text) => Seen::Text(text.clone()),
        Value::Bool(truth) => Seen::Bool(*truth),
        Value::Error(error) => Seen::Error(error.clone()),
    }
}

/// The metric and month that a cell of `plan_company` plans; none for totals and other tables.
fn month_slot(key: &CellKey) -> Option<(Metric, Month)> {
    if key.table != "plan_company" {
        return None;
    }
    Some((Metric::from_key(&key.row)?, Month::parse(&key.column).ok()?))
}

/// Every plan number in force by metric and month, all years.
fn plan_numbers(
    snapshot: &Snapshot<'_>,
    replanned: &Replanned,
) -> BTreeMap<(Metric, Month), Decimal> {
    let mut numbers = snapshot.other_years.clone();
    for (key, cell) in &replanned.cells {
        if let (Some(slot), Some(value)) = (month_slot(key), cell.value) {
            numbers.insert(slot, value);
        }
    }
    numbers
}

fn notices(
    words: Words,
    names: &Names<'_>,
    snapshot: &Snapshot<'_>,
    replanned: &Replanned,
    sight: &Sight,
) -> Vec<String> {
    let mut out = Vec::new();
    for (key, cell) in &replanned.cells {
        if let Some(problem) = &cell.problem {
            let value = cell.value.map(|value| render::plain(words, value));
            out.push(words.cell_problem(&names.place(key), problem, value.as_deref()));
        }
    }
    for notice in &replanned.notices {
        // Problems of single cells were told above, with the value in force.
        let told = notice
            .cell
            .as_ref()
            .and_then(|key| replanned.cells.get(key));
        if told.is_none_or(|cell| cell.problem.is_none()) {
            out.push(words.notice(notice, names));
        }
    }
    let costs = render::people::unreadable_costs(&sight.costs);
    out.extend(costs.map(|key| words.unreadable_cost(&names.place(key))));
    out.extend(sight.no_days.iter().map(|text| words.no_day(text)));
    out.extend(sight.faults.iter().map(|fault| words.fault(fault)));
    let (_, _, rejects) = snapshot.counts;
    if rejects > 0 {
        out.push(words.rejects(rejects));
    }
    if snapshot.facts.unconverted > 0 {
        out.push(words.unconverted(snapshot.facts.unconverted));
    }
    for warning in &snapshot.pulled.warnings {
        out.push(words.pull_warning(warning));
    }
    out
}

fn edit_plan(
    scene: &Scene<'_>,
    view: &View,
    specs: &[TableSpec],
    change: &mut ChangeSet,
) -> Result<(), SyncError> {
    let mut writes: BTreeMap<CellKey, Value> = BTreeMap::new();
    for (key, cell) in &scene.replanned.cells {
        if let Some(value) = cell.write {
            writes.insert(key.clone(), number(value));
        }
    }
    render::people::own_columns(scene, &mut writes);
    writes.extend(scene.scenario.writes());
    for spec in specs.iter().filter(|spec| spec.people) {
        let order = render::people::order(scene, &spec.name);
        let edits = if spec.grows {
            grow::write_rows(&view.plan, spec, &order, &writes)
        } else {
            write_cells(&view.plan, spec, &writes).0
        };
        own_cells(&edits, &mut change.plan_ownership);
        if let Some(grid) = view.plan.blocks.get(&spec.name).filter(|_| spec.grows) {
            change.plan_ownership.grows.insert(grid.tab);
            change.plan_ownership.names.extend(spec.ranges());
        }
        change.plan.extend(edits);
    }
    change.plan_ownership.tabs.insert(KEEPER_TAB);
    let edits = std::mem::take(&mut change.plan);
    (change.plan, change.guarded) = guard::guard(edits, &view.plan, specs);
    let own: Vec<&TableSpec> = specs.iter().filter(|spec| !spec.people).collect();
    let stamped = |spec: &TableSpec| spec.name == "plan_status";
    let edits = data_tables(scene, &view.plan, &own, &mut change.plan_ownership, |s| {
        !stamped(s)
    })?;
    change.plan.extend(edits);
    let stamps = stamps(scene, &change.plan, &view.plan, &own);
    change.plan.extend(stamps);
    // The plan's banner says when the plan last changed, so it moves only with the plan.
    let banner = data_tables(scene, &view.plan, &own, &mut change.plan_ownership, stamped)?;
    let first = banner.iter().any(|edit| !is_time_only(edit, view, &own));
    if !change.plan.is_empty() || first {
        change.plan.extend(banner);
    }
    Ok(())
}

/// Whether an edit of `plan_status` only moves the clock of the banner.
fn is_time_only(edit: &Edit, view: &View, specs: &[&TableSpec]) -> bool {
    let Some(spec) = specs.iter().find(|spec| spec.name == "plan_status") else {
        return false;
    };
    let (located, _) = Located::observe(&view.plan, spec);
    let rows: BTreeSet<u32> = ["as_of_text"]
        .iter()
        .filter_map(|key| located.rows.get(&vec![(*key).to_owned()]).copied())
        .collect();
    match edit {
        Edit::Write { row, values, .. } => (*row..).zip(values).all(|(row, _)| rows.contains(&row)),
        _ => false,
    }
}

fn edit_report(
    scene: &Scene<'_>,
    view: &View,
    specs: &[TableSpec],
    change: &mut ChangeSet,
) -> Result<(), SyncError> {
    let own: Vec<&TableSpec> = specs.iter().collect();
    let ownership = &mut change.report_ownership;
    let stamped = |spec: &TableSpec| spec.name == "status";
    let edits = data_tables(scene, &view.report, &own, ownership, |s| !stamped(s))?;
    change.report.extend(edits);
    let stamps = stamps(scene, &change.report, &view.report, &own);
    change.report.extend(stamps);
    // What says how fresh the file is goes last: should a pass be too large for one batch, it says so
    // only when everything else is there.
    let edits = data_tables(scene, &view.report, &own, ownership, stamped)?;
    change.report.extend(edits);
    Ok(())
}

/// A stamp for each of the daemon's tabs that the edits change: when, and by which pass. It is the note
/// of the tab's first key, goes out in the same batch as what it speaks of, and so tells the state of
/// each tab by itself when a file had to be written in several batches.
fn stamps(
    scene: &Scene<'_>,
    edits: &[Edit],
    observed: &Observed,
    specs: &[&TableSpec],
) -> Vec<Edit> {
    let changed: BTreeSet<i64> = edits.iter().filter_map(tab_of).collect();
    // The first block of a tab: nothing that is inserted below moves it.
    let mut corners: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
    for spec in specs.iter().filter(|spec| !spec.people) {
        let named = observed.names.iter().find(|name| name.name == spec.name);
        if let Some(area) = named.map(|name| name.area) {
            let corner = (area.rect.row_start, area.rect.column_start);
            let first = corners.entry(area.tab).or_insert(corner);
            *first = corner.min(*first);
        }
    }
    let local = scene.moment.now.with_timezone(&scene.calendar.zone);
    let text = format!("{} #{}", local.format(STAMP_TIME), scene.moment.pass);
    corners
        .into_iter()
        .filter(|(tab, _)| changed.contains(tab))
        .map(|(tab, (row, column))| Edit::SetNote {
            at: Area::cell(tab, row, column),
            note: Some(text.clone()),
        })
        .collect()
}

/// How the moment of a stamp is written: local time with its offset.
const STAMP_TIME: &str = "%Y-%m-%dT%H:%M:%S%:z";

/// The tab whose cells an edit changes.
fn tab_of(edit: &Edit) -> Option<i64> {
    match edit {
        Edit::Write { tab, .. } | Edit::InsertRows { tab, .. } | Edit::DeleteRows { tab, .. } => {
            Some(*tab)
        }
        _ => None,
    }
}

fn data_tables(
    scene: &Scene<'_>,
    observed: &Observed,
    specs: &[&TableSpec],
    ownership: &mut Ownership,
    chosen: impl Fn(&TableSpec) -> bool,
) -> Result<Vec<Edit>, SyncError> {
    let mut edits = Vec::new();
    for spec in specs.iter().filter(|spec| chosen(spec)) {
        let mut desired = render::table(scene, spec);
        fit(&mut desired);
        let table = diff_data_table(observed, spec, &desired)
            .map_err(|fault| sheet_error(scene, &fault))?;
        if let Some(grid) = observed.blocks.get(&spec.name) {
            ownership.tabs.insert(grid.tab);
        }
        ownership.names.extend(spec.ranges());
        edits.extend(table);
    }
    Ok(edits)
}

/// Cuts texts that no cell holds, before they are compared with what the sheet shows: a text that is
/// cut only on its way would differ at every pass.
fn fit(desired: &mut DesiredTable) {
    for value in desired.rows.iter_mut().flat_map(|row| &mut row.values) {
        if let Value::Text(text) = value
            && let Cow::Owned(cut) = fitting(text)
        {
            tracing::warn!("a text of more than {TEXT_MAX} characters is cut to fit a cell");
            *text = cut;
        }
    }
}

fn sheet_error(scene: &Scene<'_>, fault: &Fault) -> SyncError {
    SyncError::Sheet {
        file: scene.profile.name.clone(),
        what: fault.to_string(),
        remedy: "Undo the change in the spreadsheet's version history (File → Version history), \
                 or put the spreadsheet into the bin and run `planfact copy --anew report` (or \
                 `plan`, of next year with `--next-year`) for a fresh one: people's numbers come \
                 back from the store."
            .to_owned(),
    }
}

fn own_cells(edits: &[Edit], ownership: &mut Ownership) {
    for edit in edits {
        if let Edit::Write {
            tab,
            row,
            column,
            values,
        } = edit
        {
            for (row, line) in (*row..).zip(values) {
                for (column, _) in (*column..).zip(line) {
                    ownership.cells.insert((*tab, row, column));
                }
            }
        }
    }
}

/// A plan number as a cell holds it.
pub(super) fn number(value: Option<Decimal>) -> Value {
    value
        .and_then(|value| value.to_f64())
        .map_or(Value::Blank, Value::Number)
}
