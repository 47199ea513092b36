//! PURE: facts, plan and status → the data tables as they should be.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::calendar::{Calendar, Instant, Month};
use crate::domain::fact::MetricRow;
use crate::domain::plan::{CellKey, Owner, Replanned};
use crate::domain::slot::Metric;
use crate::sheet::diff::{DesiredRow, DesiredTable};
use crate::sheet::table::TableSpec;
use crate::sheet::workbook::Value;

use super::Profile;
use super::reconcile::{Moment, Snapshot, number};
use super::words::Words;

mod status;

/// Everything that the tables are rendered from.
pub(super) struct Scene<'a> {
    pub(super) profile: &'a Profile,
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) moment: &'a Moment,
    pub(super) words: Words,
    /// Plan numbers in force, all years.
    pub(super) plan: BTreeMap<(Metric, Month), Decimal>,
    pub(super) replanned: &'a Replanned,
    /// What a person should know.
    pub(super) notices: Vec<String>,
}

/// The rows that a table of the daemon should have.
pub(super) fn table(scene: &Scene<'_>, spec: &TableSpec) -> DesiredTable {
    let rows = match spec.name.as_str() {
        "months" => months(scene, spec),
        "sources" => sources(scene, spec),
        "managers" => managers(scene, spec),
        "status" => status::report(scene),
        "plan_status" => status::plan(scene),
        "plan_marks" => marks(scene, spec),
        _ => Vec::new(),
    };
    DesiredTable { rows }
}

fn months(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let facts = &scene.snapshot.facts.months;
    facts
        .iter()
        .map(|(month, row)| DesiredRow {
            keys: vec![month.to_string()],
            values: spec
                .columns
                .iter()
                .map(|column| month_value(scene, *month, row, column))
                .collect(),
        })
        .collect()
}

/// A fact, a `plan_…` number, or the break-even line, which is a plan number under its own name.
fn month_value(scene: &Scene<'_>, month: Month, row: &MetricRow, column: &str) -> Value {
    if let Some(planned) = column.strip_prefix("plan_").and_then(Metric::from_key) {
        return number(scene.plan.get(&(planned, month)).copied());
    }
    match Metric::from_key(column) {
        Some(Metric::BreakEven) => number(scene.plan.get(&(Metric::BreakEven, month)).copied()),
        Some(metric) => fact(row, metric),
        None => Value::Blank,
    }
}

fn fact(row: &MetricRow, metric: Metric) -> Value {
    row.get(metric).map_or(Value::Blank, |number| Value::Number(number.to_f64()))
}

fn sources(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let names: BTreeMap<&str, &str> = scene
        .snapshot
        .directory
        .statuses
        .iter()
        .filter(|status| status.entity == "SOURCE")
        .map(|status| (status.code.as_str(), status.name.as_str()))
        .collect();
    let row = |((month, source), facts): (&(Month, Option<String>), &MetricRow)| {
        let code = source.as_deref().unwrap_or_default();
        let name = match source {
            Some(code) => names.get(code.as_str()).copied().unwrap_or(code),
            None => scene.words.no_source(),
        };
        let value = |column: &String| match column.as_str() {
            "source_name" => Value::Text(name.to_owned()),
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(facts, metric)),
        };
        DesiredRow {
            keys: vec![month.to_string(), code.to_owned()],
            values: spec.columns.iter().map(value).collect(),
        }
    };
    scene.snapshot.facts.sources.iter().map(row).collect()
}

fn managers(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let directory = &scene.snapshot.directory;
    let users: BTreeMap<u64, _> = directory.users.iter().map(|user| (user.id, user)).collect();
    let departments: BTreeMap<u64, &str> =
        directory.departments.iter().map(|one| (one.id, one.name.as_str())).collect();
    let row = |((month, id), facts): (&(Month, u64), &MetricRow)| {
        let user = users.get(id);
        let name = user.map_or_else(|| scene.words.unknown_user(*id), |user| user.name.clone());
        let department = user
            .and_then(|user| user.departments.first())
            .and_then(|id| departments.get(id).copied());
        let value = |column: &String| match column.as_str() {
            "user_name" => Value::Text(name.clone()),
            "department_name" => {
                department.map_or(Value::Blank, |name| Value::Text(name.to_owned()))
            }
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(facts, metric)),
        };
        DesiredRow {
            keys: vec![month.to_string(), id.to_string()],
            values: spec.columns.iter().map(value).collect(),
        }
    };
    scene.snapshot.facts.managers.iter().map(row).collect()
}

/// Who holds each plan cell: 1 a person, `x` unreadable, blank the daemon.
fn marks(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let mark = |row: &str, column: &str| {
        let key = CellKey {
            table: "plan_company".to_owned(),
            row: row.to_owned(),
            column: column.to_owned(),
        };
        match scene.replanned.cells.get(&key) {
            Some(cell) if cell.problem.is_some() => Value::Text("x".to_owned()),
            Some(cell) if cell.owner == Owner::Person => Value::Number(1.0),
            _ => Value::Blank,
        }
    };
    spec.rows
        .iter()
        .map(|row| DesiredRow {
            keys: vec![row.clone()],
            values: spec.columns.iter().map(|column| mark(row, column)).collect(),
        })
        .collect()
}

/// A number as a sentence shows it: whole numbers with separated thousands, others as they are.
pub(super) fn plain(words: Words, value: Decimal) -> String {
    if value.fract().is_zero()
        && let Some(whole) = value.to_u64()
    {
        return super::words::thousands(whole);
    }
    let text = value.normalize().to_string();
    match words {
        Words::Russian => text.replace('.', ","),
        Words::English => text,
    }
}

/// A local wall-clock time as a spreadsheet's serial number: days since 1899-12-30.
pub(super) fn serial(instant: Instant, calendar: &Calendar) -> f64 {
    let local = instant.with_timezone(&calendar.zone);
    let seconds = f64::from(local.num_seconds_from_midnight());
    f64::from(serial_day(local.date_naive())) + seconds / 86_400.0
}

/// A day as a spreadsheet's serial number.
pub(super) fn serial_day(day: crate::domain::calendar::Day) -> i32 {
    /// 1899-12-30, the spreadsheets' day zero, counted from the common era.
    const DAY_ZERO: i32 = 693_594;
    day.num_days_from_ce() - DAY_ZERO
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Day;

    #[test]
    fn serial_days_are_googles() {
        // 43831 is 2020-01-01 in recorded Google traffic.
        assert_eq!(serial_day(Day::from_ymd_opt(2020, 1, 1).unwrap()), 43_831);
        assert_eq!(serial_day(Day::from_ymd_opt(1899, 12, 30).unwrap()), 0);
    }
}
