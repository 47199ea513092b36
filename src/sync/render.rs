//! PURE: facts, plan and status → the data tables as they should be.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::calendar::{Calendar, Day, Instant, Month};
use crate::domain::crm::User;
use crate::domain::fact::MetricRow;
use crate::domain::plan::{Cells, Merged, Owner, Replanned, Seen, TARGETS_TABLE};
use crate::domain::slot::Metric;
use crate::sheet::diff::{DesiredRow, DesiredTable};
use crate::sheet::table::TableSpec;
use crate::sheet::template::{PLAN_STATUS_KEYS, STATUS_KEYS};
use crate::sheet::workbook::Value;

use super::Profile;
use super::reconcile::{Moment, Snapshot, number};
use super::scenario::Scenario;
use super::words::Words;

pub(super) mod people;
mod status;
mod years;

/// Everything that the tables are rendered from.
pub(super) struct Scene<'a> {
    pub(super) profile: &'a Profile,
    /// The company's calendar with the days off that people wrote into the plan.
    pub(super) calendar: &'a Calendar,
    /// What people wrote into «Расходы», by source and month.
    pub(super) costs: Cells<Seen>,
    /// The scenario that a person accepted.
    pub(super) scenario: Scenario,
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) moment: &'a Moment,
    pub(super) words: Words,
    /// Plan numbers in force, all years.
    pub(super) plan: BTreeMap<(Metric, Month), Decimal>,
    pub(super) replanned: &'a Replanned,
    /// What a person should know.
    pub(super) notices: Vec<String>,
    /// Names of sources by code.
    pub(super) source_names: BTreeMap<String, String>,
    /// Employees by id.
    pub(super) users: BTreeMap<u64, User>,
    /// Names of departments by id.
    pub(super) departments: BTreeMap<u64, String>,
}

/// The rows that a table of the daemon should have.
pub(super) fn table(scene: &Scene<'_>, spec: &TableSpec) -> DesiredTable {
    let rows = match spec.name.as_str() {
        "months" => months(scene, spec),
        "sources" => sources(scene, spec),
        "managers" => managers(scene, spec),
        "departments" => departments(scene, spec),
        "status" => status::rows(STATUS_KEYS, &status::report(scene)),
        "plan_status" => status::rows(
            PLAN_STATUS_KEYS,
            &status::plan(scene, held(scene), unreadable(scene)),
        ),
        "plan_months" => people::months(scene, spec),
        "plan_days" => people::days(scene, spec),
        "plan_channels" => people::channels(scene, spec),
        "plan_checks" => people::checks(scene, spec),
        "source_years" => years::sources(scene, spec),
        "manager_years" => years::managers(scene, spec),
        "department_years" => years::departments(scene, spec),
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

/// A fact, a `plan_…` number, the `approved_…` one of the latest version, or the break-even line,
/// which is a plan number under its own name.
fn month_value(scene: &Scene<'_>, month: Month, row: &MetricRow, column: &str) -> Value {
    if let Some(planned) = column.strip_prefix("plan_").and_then(Metric::from_key) {
        return number(scene.plan.get(&(planned, month)).copied());
    }
    if let Some(planned) = column.strip_prefix("approved_").and_then(Metric::from_key) {
        return number(scene.snapshot.approved.get(&(planned, month)).copied());
    }
    match Metric::from_key(column) {
        Some(Metric::BreakEven) => number(scene.plan.get(&(Metric::BreakEven, month)).copied()),
        Some(metric) => fact(row, metric),
        None => Value::Blank,
    }
}

fn fact(row: &MetricRow, metric: Metric) -> Value {
    row.get(metric)
        .map_or(Value::Blank, |number| Value::Number(number.to_f64()))
}

fn sources(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let row = |((month, source), facts): (&(Month, Option<String>), &MetricRow)| {
        let code = source.as_deref().unwrap_or_default();
        let value = |column: &String| match column.as_str() {
            "source_name" => Value::Text(source_name(scene, source.as_deref())),
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
    let row = |((month, id), facts): (&(Month, u64), &MetricRow)| {
        let value = |column: &String| match column.as_str() {
            "user_name" => Value::Text(user_name(scene, *id)),
            "department_name" => department_name(scene, *id, *month),
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(facts, metric)),
        };
        DesiredRow {
            keys: vec![month.to_string(), id.to_string()],
            values: spec.columns.iter().map(value).collect(),
        }
    };
    scene.snapshot.facts.managers.iter().map(row).collect()
}

/// What departments did, each person's share to the instant of his moves (D8).
fn departments(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let row = |((month, id), facts): (&(Month, Option<u64>), &MetricRow)| {
        let value = |column: &String| match column.as_str() {
            "department_name" => Value::Text(name_of_department(scene, *id)),
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(facts, metric)),
        };
        DesiredRow {
            keys: vec![month.to_string(), department_key(*id)],
            values: spec.columns.iter().map(value).collect(),
        }
    };
    scene.snapshot.facts.departments.iter().map(row).collect()
}

/// The key of a department; blank for whoever was in none.
fn department_key(id: Option<u64>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// What people call a department; one that is gone shows its id.
fn name_of_department(scene: &Scene<'_>, id: Option<u64>) -> String {
    let Some(id) = id else {
        return scene.words.no_department().to_owned();
    };
    let known = scene.departments.get(&id).cloned();
    known.unwrap_or_else(|| scene.words.unknown_department(id))
}

/// What people call a source; one that the directory does not know shows its code.
fn source_name(scene: &Scene<'_>, code: Option<&str>) -> String {
    let Some(code) = code else {
        return scene.words.no_source().to_owned();
    };
    scene
        .source_names
        .get(code)
        .cloned()
        .unwrap_or_else(|| code.to_owned())
}

/// What people call an employee.
fn user_name(scene: &Scene<'_>, id: u64) -> String {
    scene
        .users
        .get(&id)
        .map_or_else(|| scene.words.unknown_user(id), |user| user.name.clone())
}

/// The name of the department in which an employee was at the end of a month, as far as that is known;
/// else of the one in which he is. It labels a row of people, whose numbers are his whole month's: sums of
/// departments are the table `departments` (D8).
fn department_name(scene: &Scene<'_>, id: u64, month: Month) -> Value {
    let end = scene.calendar.start_of(month.next()).timestamp() - 1;
    let department = scene.snapshot.homes.at(id, end).unwrap_or_else(|| {
        let user = scene.users.get(&id);
        user.and_then(|user| user.departments.first().copied())
    });
    match department.and_then(|id| scene.departments.get(&id)) {
        Some(name) => Value::Text(name.clone()),
        None => Value::Blank,
    }
}

/// Plan cells held by people and readable.
pub(super) fn held(scene: &Scene<'_>) -> usize {
    plan_cells(scene)
        .filter(|cell| cell.owner == Owner::Person && cell.problem.is_none())
        .count()
}

/// Plan cells that cannot be read.
pub(super) fn unreadable(scene: &Scene<'_>) -> usize {
    plan_cells(scene)
        .filter(|cell| cell.problem.is_some())
        .count()
}

/// Cells of plans, those of targets not counted.
fn plan_cells<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a Merged> {
    let cells = scene.replanned.cells.iter();
    cells
        .filter(|(key, _)| key.table != TARGETS_TABLE)
        .map(|(_, cell)| cell)
}

/// A number as a sentence shows it: separated thousands, at most two decimals.
pub(super) fn plain(words: Words, value: Decimal) -> String {
    let rounded = value.round_dp(2).normalize();
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() {
        "−"
    } else {
        ""
    };
    let Some(whole) = rounded.trunc().abs().to_u64() else {
        return rounded.to_string();
    };
    let digits = rounded.fract().abs().to_string();
    let fraction = match (digits.strip_prefix("0."), words) {
        (Some(fraction), Words::Russian) => format!(",{fraction}"),
        (Some(fraction), Words::English) => format!(".{fraction}"),
        (None, _) => String::new(),
    };
    format!("{sign}{}{fraction}", words.thousands(whole))
}

/// A local wall-clock time as a spreadsheet's serial number: days since 1899-12-30.
pub(super) fn serial(instant: Instant, calendar: &Calendar) -> f64 {
    let local = instant.with_timezone(&calendar.zone);
    let seconds = f64::from(local.num_seconds_from_midnight());
    f64::from(serial_day(local.date_naive())) + seconds / 86_400.0
}

/// 1899-12-30, the spreadsheets' day zero, counted from the common era.
const DAY_ZERO: i32 = 693_594;

/// A day as a spreadsheet's serial number.
pub(super) fn serial_day(day: Day) -> i32 {
    day.num_days_from_ce() - DAY_ZERO
}

/// The day of a spreadsheet's serial number; `None` for one that no company's year holds.
pub(super) fn day_of_serial(serial: i32) -> Option<Day> {
    /// 2000-01-01 and 2100-01-01: a smaller or larger number is no date that somebody meant.
    const SERIALS: std::ops::Range<i32> = 36_526..73_051;
    SERIALS
        .contains(&serial)
        .then(|| Day::from_num_days_from_ce_opt(serial + DAY_ZERO))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sentences_are_readable() {
        for (value, text) in [
            ("1606716.0612", "1\u{202f}606\u{202f}716,06"),
            ("-1200", "−1\u{202f}200"),
            ("0.5", "0,5"),
            ("-0.001", "0"),
        ] {
            assert_eq!(plain(Words::Russian, value.parse().unwrap()), text);
        }
        let english = plain(Words::English, "-1606716.0612".parse().unwrap());
        assert_eq!(english, "−1,606,716.06");
    }

    #[test]
    fn serial_days_are_googles() {
        // 43831 is 2020-01-01 in recorded Google traffic.
        assert_eq!(serial_day(Day::from_ymd_opt(2020, 1, 1).unwrap()), 43_831);
        assert_eq!(serial_day(Day::from_ymd_opt(1899, 12, 30).unwrap()), 0);
        assert_eq!(day_of_serial(43_831), Day::from_ymd_opt(2020, 1, 1));
        assert_eq!(day_of_serial(7), None);
    }
}
