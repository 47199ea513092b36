//! PURE: what the daemon writes into the plan file around people's numbers: rows of departments and
//! people, names, marks, and the data tables behind «Декомпозиция».

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;
use rust_decimal::Decimal;

use crate::domain::calendar::{Day, Month};
use crate::domain::plan::{
    self, CellKey, Cells, Channel, DEPARTMENT_TABLE, EMPLOYEE_TABLE, Light, Member, Merged, Owner,
    Seen, TreeRow, WEIGHT,
};
use crate::domain::slot::Metric;
use crate::sheet::diff::DesiredRow;
use crate::sheet::table::TableSpec;
use crate::sheet::template::MARKS;
use crate::sheet::workbook::Value;

use super::{Scene, number, source_name};
use crate::sync::words::Names;

/// The source of leads that nobody chose, as a row key of «Расходы».
const NO_SOURCE: &str = "source:";
const COSTS: &str = "costs";

/// The rows that a growing table should have, in reading order.
pub(in crate::sync) fn order(scene: &Scene<'_>, table: &str) -> Vec<String> {
    match table {
        DEPARTMENT_TABLE | EMPLOYEE_TABLE => {
            let rows = scene.replanned.rows.iter();
            rows.filter(|row| row.member.table() == table)
                .map(TreeRow::key)
                .collect()
        }
        COSTS => sources(scene)
            .into_iter()
            .map(|source| cost_row(source.as_deref()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Sources that brought anything within the last year, by code.
fn sources(scene: &Scene<'_>) -> BTreeSet<Option<String>> {
    let today = Month::of(scene.moment.today);
    let facts = scene.snapshot.facts.sources.keys();
    facts
        .filter(|(month, _)| (today.plus(-12)..=today).contains(month))
        .map(|(_, source)| source.clone())
        .collect()
}

fn cost_row(source: Option<&str>) -> String {
    format!("{NO_SOURCE}{}", source.unwrap_or_default())
}

/// Names, indicators and marks of people's tables.
pub(in crate::sync) fn own_columns(scene: &Scene<'_>, out: &mut BTreeMap<CellKey, Value>) {
    let mut marks = marks(scene);
    let names = Names::of(scene.words, &scene.snapshot.directory);
    for row in &scene.replanned.rows {
        let (table, key) = (row.member.table(), row.key());
        let mut put = |column: &str, text: String| {
            out.insert(CellKey::new(table, &key, column), Value::Text(text));
        };
        put("name", names.member(row.member));
        put(
            "indicator_name",
            scene
                .words
                .indicator(&row.indicator, &scene.profile.currency),
        );
        if matches!(row.member, Member::User(_)) {
            let department = row
                .department
                .map(|id| names.member(Member::Department(id)));
            put("department_name", department.unwrap_or_default());
        }
        let mark = marks.entry((table.to_owned(), key.clone())).or_default();
        if row.indicator == WEIGHT && !row.basis.is_empty() {
            mark.push(format!("basis={}", row.basis));
        }
    }
    for source in sources(scene) {
        let key = cost_row(source.as_deref());
        let name = source_name(scene, source.as_deref());
        out.insert(CellKey::new(COSTS, &key, "name"), Value::Text(name));
    }
    for (key, seen) in &scene.costs {
        let mark = marks
            .entry((COSTS.to_owned(), key.row.clone()))
            .or_default();
        if cost(seen).is_err() {
            mark.push(format!("{}=x", key.column));
        }
    }
    for ((table, row), marks) in marks {
        let text = marks.join(";");
        let value = if text.is_empty() {
            Value::Blank
        } else {
            Value::Text(text)
        };
        out.insert(CellKey::new(&table, &row, MARKS), value);
    }
}

/// What the daemon thinks of each row's cells, by table and row.
fn marks(scene: &Scene<'_>) -> BTreeMap<(String, String), Vec<String>> {
    let unbalanced: BTreeSet<&CellKey> = scene
        .replanned
        .notices
        .iter()
        .filter(|notice| {
            matches!(
                notice.code.as_str(),
                "parts_do_not_add_up" | "locks_do_not_add_up" | "profit_does_not_fit_revenue"
            )
        })
        .filter_map(|notice| notice.cell.as_ref())
        .collect();
    let mut marks: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (key, cell) in &scene.replanned.cells {
        let row = marks
            .entry((key.table.clone(), key.row.clone()))
            .or_default();
        if let Some(mark) = mark(cell, unbalanced.contains(key)) {
            row.push(format!("{}={mark}", key.column));
        }
    }
    marks
}

fn mark(cell: &Merged, is_unbalanced: bool) -> Option<char> {
    if cell.problem.is_some() {
        Some('x')
    } else if is_unbalanced {
        Some('u')
    } else {
        (cell.owner == Owner::Person).then_some('1')
    }
}

/// A cost as typed; blank is none.
fn cost(seen: &Seen) -> Result<Option<Decimal>, ()> {
    let number = match seen {
        Seen::Blank => None,
        Seen::Number(number) => Some(*number),
        Seen::Text(text) => plan::read_number(text).map_err(drop)?,
        Seen::Bool(_) | Seen::Error(_) => return Err(()),
    };
    match number {
        Some(number) if number < Decimal::ZERO => Err(()),
        number => Ok(number),
    }
}

/// Cells of «Расходы» that cannot be read.
pub(in crate::sync) fn unreadable_costs(costs: &Cells<Seen>) -> impl Iterator<Item = &CellKey> {
    costs
        .iter()
        .filter(|(_, seen)| cost(seen).is_err())
        .map(|(key, _)| key)
}

/// Costs that can be read, by source and month.
fn costs(scene: &Scene<'_>) -> BTreeMap<(Option<String>, Month), Decimal> {
    let one = |(key, seen): (&CellKey, &Seen)| {
        let source = key.row.strip_prefix(NO_SOURCE)?;
        let source = (!source.is_empty()).then(|| source.to_owned());
        Some(((source, Month::parse(&key.column).ok()?), cost(seen).ok()??))
    };
    scene.costs.iter().filter_map(one).collect()
}

/// The month that «Декомпозиция» is about: the running one, or January of a year that is planned
/// before it begins.
pub(super) fn focus(scene: &Scene<'_>) -> Month {
    let today = Month::of(scene.moment.today);
    let first = Month::of_year(scene.snapshot.year).next();
    first.map_or(today, |first| first.max(today))
}

/// How many people have a part in a month's plan.
pub(super) fn people(scene: &Scene<'_>, month: Month) -> u64 {
    let cells = &scene.replanned.cells;
    let rows = scene
        .replanned
        .rows
        .iter()
        .filter(|row| row.indicator == WEIGHT);
    let weights = rows
        .filter(|row| matches!(row.member, Member::User(_)))
        .filter_map(|row| {
            let key = CellKey::new(row.member.table(), &row.key(), &month.to_string());
            cells.get(&key)?.value
        });
    weights.filter(|weight| *weight > Decimal::ZERO).count() as u64
}

/// How many would handle a month's leads at the norm.
pub(super) fn people_needed(scene: &Scene<'_>, month: Month) -> Option<u64> {
    let leads = scene.plan.get(&(Metric::LeadsCreated, month)).copied()?;
    let norm = scene.replanned.targets().norm_per_day?;
    plan::headcount(leads, norm, scene.calendar.workdays(month))
}

fn rows<K: ToString>(
    spec: &TableSpec,
    keys: impl IntoIterator<Item = K>,
    value: impl Fn(&K, &str) -> Value,
) -> Vec<DesiredRow> {
    let row = |key: K| DesiredRow {
        values: spec
            .columns
            .iter()
            .map(|column| value(&key, column))
            .collect(),
        keys: vec![key.to_string()],
    };
    keys.into_iter().map(row).collect()
}

fn count(count: u64) -> Value {
    number(Some(count.into()))
}

/// The year's months: workdays, people, and the facts that the chain is held against.
pub(super) fn months(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    rows(
        spec,
        Month::of_year(scene.snapshot.year),
        |month, column| match column {
            "workdays" => count(scene.calendar.workdays(*month).into()),
            "people" => count(people(scene, *month)),
            "people_needed" => number(people_needed(scene, *month).map(Decimal::from)),
            column => {
                let facts = scene.snapshot.facts.months.get(month);
                facts
                    .zip(Metric::from_key(column))
                    .map_or(Value::Blank, |(row, metric)| super::fact(row, metric))
            }
        },
    )
}

/// The plan of the month in focus, a workday.
pub(super) fn days(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let month = focus(scene);
    let spread = |metric: Metric| -> BTreeMap<Day, Decimal> {
        let total = scene.plan.get(&(metric, month)).copied();
        let days = total.map(|total| plan::a_day(metric, total, scene.calendar, month));
        days.unwrap_or_default().into_iter().collect()
    };
    let by_metric: BTreeMap<&str, BTreeMap<Day, Decimal>> = spec
        .columns
        .iter()
        .filter_map(|column| Some((column.as_str(), spread(Metric::from_key(column)?))))
        .collect();
    let workdays = month.days().filter(|day| scene.calendar.is_workday(*day));
    rows(spec, workdays, |day, column| match column {
        "week" => count(day.iso_week().week().into()),
        column => number(
            by_metric
                .get(column)
                .and_then(|days| days.get(day))
                .copied(),
        ),
    })
}

/// Leads per channel for the month in focus (R39), from the months that are closed now.
pub(super) fn channels(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let month = focus(scene);
    let today = Month::of(scene.moment.today);
    let Some(need) = scene.plan.get(&(Metric::LeadsCreated, month)).copied() else {
        return Vec::new();
    };
    let costs = costs(scene);
    let window = scene.replanned.targets().history_months;
    let channels = plan::channels(scene.snapshot.facts, today, window, need, &costs);
    let all: u64 = channels.iter().map(|one| one.leads).sum();
    let value = |channel: &Channel, column: &str| {
        let fact = || {
            let facts = &scene.snapshot.facts.sources;
            facts.get(&(month, channel.source.clone()))
        };
        match column {
            "source_name" => Value::Text(source_name(scene, channel.source.as_deref())),
            "share" => number(
                Decimal::from(channel.leads)
                    .checked_div(all.into())
                    .map(|share| share.round_dp(4)),
            ),
            "leads_needed" => number(Some(channel.needed)),
            "cost" => number(channel.lead_cost.map(|cost| cost.round_dp(2))),
            column => fact()
                .zip(Metric::from_key(column))
                .map_or(Value::Blank, |(row, metric)| super::fact(row, metric)),
        }
    };
    channels
        .iter()
        .map(|channel| DesiredRow {
            keys: vec![cost_row(channel.source.as_deref())],
            values: spec
                .columns
                .iter()
                .map(|column| value(channel, column))
                .collect(),
        })
        .collect()
}

/// Whether what the month in focus asks was ever done in a month that is closed now (R45).
pub(super) fn checks(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let month = focus(scene);
    let today = Month::of(scene.moment.today);
    let checks = Metric::PLANNED.iter().filter_map(|metric| {
        let need = scene.plan.get(&(*metric, month)).copied()?;
        plan::check(scene.snapshot.facts, today, *metric, need)
    });
    checks
        .map(|check| {
            let state = match check.light {
                Light::Green => "good",
                Light::Amber => "near",
                Light::Red => "bad",
            };
            let value = |column: &String| match column.as_str() {
                "need" => number(Some(check.need)),
                "usual" => number(Some(check.usual)),
                "best" => number(Some(check.best)),
                "state" => Value::Text(state.to_owned()),
                "text" => Value::Text(scene.words.check(&check)),
                _ => Value::Blank,
            };
            DesiredRow {
                keys: vec![check.metric.key().to_owned()],
                values: spec.columns.iter().map(value).collect(),
            }
        })
        .collect()
}
