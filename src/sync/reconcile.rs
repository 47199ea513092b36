//! PURE: snapshot × view × moment → change set.
//!
//! The same inputs give the same change set. No I/O and no clock: `now` is an argument.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::calendar::{Day, Instant, Month};
use crate::domain::crm::Directory;
use crate::domain::fact::Facts;
use crate::domain::plan::{self, BaseCell, CellKey, Cells, PlanInput, Replanned, Seen};
use crate::domain::slot::Metric;
use crate::sheet::audit::Ownership;
use crate::sheet::diff::{diff_data_table, write_cells};
use crate::sheet::edit::{Edit, Observed};
use crate::sheet::table::{Fault, Located, TableSpec};
use crate::sheet::template::{self, TemplateKind};
use crate::sheet::workbook::Value;

use super::outcome::SyncError;
use super::pull::PullSummary;
use super::render::{self, Scene};
use super::words::Words;
use super::{Engine, Profile};

/// Everything that the store and the records tell.
pub struct Snapshot<'a> {
    /// The year of the plan file.
    pub year: i32,
    /// The company's facts.
    pub facts: &'a Facts,
    /// What records refer to.
    pub directory: Directory,
    /// Plan cells of the year, as the store remembers them.
    pub base: Cells<BaseCell>,
    /// Plan numbers of other years that are in force.
    pub other_years: BTreeMap<(Metric, Month), Decimal>,
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
        Ok(Snapshot {
            year,
            facts,
            directory: store.directory(id)?,
            base: store.plan_cells(id, year)?,
            other_years,
            counts: store.counts(id)?,
            pulled: pulled.clone(),
            portal_requests: 0,
            google_requests: 0,
            seconds: 0.0,
        })
    }
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
    /// Edits of the report file, the stamp among them.
    pub report: Vec<Edit>,
    /// What the report's edits may touch.
    pub report_ownership: Ownership,
    /// Plan cells to remember before the plan is published.
    pub accepted: Cells<BaseCell>,
    /// Plan cells to remember after it was.
    pub confirmed: Cells<BaseCell>,
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
    let (seen, faults) = see(&view.plan, &plan_specs);
    let replanned = plan::replan(&PlanInput {
        year: snapshot.year,
        current: Month::of(moment.today),
        facts: snapshot.facts,
        seeds: &profile.seeds,
        seen: &seen,
        base: &snapshot.base,
    });
    let directory = &snapshot.directory;
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
        snapshot,
        moment,
        words,
        plan: plan_numbers(snapshot, &replanned),
        replanned: &replanned,
        notices: notices(words, snapshot, &replanned, &faults),
    };
    let mut change = ChangeSet {
        accepted: plan::accept(&replanned, &snapshot.base),
        confirmed: plan::confirm(&replanned, &snapshot.base, &BTreeSet::new()),
        edited_cells: render::held(&scene),
        unreadable_cells: render::unreadable(&scene),
        notices: scene.notices.clone(),
        ..ChangeSet::default()
    };
    edit_plan(&scene, view, &plan_specs, &mut change)?;
    edit_report(&scene, view, &report_specs, &mut change)?;
    Ok(change)
}

/// What people's cells show. A cell that cannot be found is absent, and told as a fault.
fn see(observed: &Observed, specs: &[TableSpec]) -> (Cells<Seen>, Vec<Fault>) {
    let mut seen = Cells::new();
    let mut all = Vec::new();
    for spec in specs.iter().filter(|spec| spec.people) {
        let (located, faults) = Located::observe(observed, spec);
        all.extend(faults);
        let Some(grid) = observed.blocks.get(&spec.name) else {
            continue;
        };
        for (row_keys, row) in &located.rows {
            for (column, at) in &located.columns {
                let Some(row_key) = row_keys.first() else {
                    continue;
                };
                let key = CellKey {
                    table: spec.name.clone(),
                    row: row_key.clone(),
                    column: column.clone(),
                };
                seen.insert(key, seen_value(grid.at(*row, *at)));
            }
        }
    }
    (seen, all)
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
    snapshot: &Snapshot<'_>,
    replanned: &Replanned,
    faults: &[Fault],
) -> Vec<String> {
    let mut out = Vec::new();
    for (key, cell) in &replanned.cells {
        if let Some(problem) = &cell.problem {
            let value = cell.value.map(|value| render::plain(words, value));
            out.push(words.cell_problem(&words.place(key), problem, value.as_deref()));
        }
    }
    for notice in &replanned.notices {
        // Problems of single cells were told above, with the value in force.
        let told = notice
            .cell
            .as_ref()
            .and_then(|key| replanned.cells.get(key));
        if told.is_none_or(|cell| cell.problem.is_none()) {
            let place = notice
                .cell
                .as_ref()
                .map_or(String::new(), |key| words.place(key));
            out.push(words.notice(notice, &place));
        }
    }
    out.extend(faults.iter().map(|fault| words.fault(fault)));
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
    for spec in specs.iter().filter(|spec| spec.people) {
        let (edits, _) = write_cells(&view.plan, spec, &writes);
        own_cells(&edits, &mut change.plan_ownership);
        change.plan.extend(edits);
    }
    let own: Vec<&TableSpec> = specs.iter().filter(|spec| !spec.people).collect();
    let stamped = |spec: &TableSpec| spec.name == "plan_status";
    let edits = data_tables(scene, &view.plan, &own, &mut change.plan_ownership, |s| {
        !stamped(s)
    })?;
    change.plan.extend(edits);
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
    let edits = data_tables(
        scene,
        &view.report,
        &own,
        &mut change.report_ownership,
        |_| true,
    )?;
    change.report.extend(edits);
    Ok(())
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
        let desired = render::table(scene, spec);
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

fn sheet_error(scene: &Scene<'_>, fault: &Fault) -> SyncError {
    SyncError::Sheet {
        file: scene.profile.name.clone(),
        what: fault.to_string(),
        remedy: "Undo the change in the spreadsheet's version history (File → Version history), \
                 or delete the spreadsheet and run `planfact copy` for a fresh one."
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
