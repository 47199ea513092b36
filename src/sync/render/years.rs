//! PURE: ranked summaries of sources, managers and departments by year.
//!
//! Ranking by formulas differs between spreadsheet programs, so the daemon ranks and the report
//! tabs only look rows up by year and rank.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::calendar::Month;
use crate::domain::fact::MetricRow;
use crate::domain::money::Money;
use crate::domain::slot::Metric;
use crate::sheet::diff::DesiredRow;
use crate::sheet::table::TableSpec;
use crate::sheet::template::{MANAGER_LEADS_MIN, rank_key};
use crate::sheet::workbook::Value;

use super::{
    Scene, department_key, department_name, fact, name_of_department, source_name, user_name,
};

/// Sources of each year: most leads first, then most money.
pub(super) fn sources(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let years = by_year(&scene.snapshot.facts.sources);
    let mut rows = Vec::new();
    for (year, mut entries) in years {
        entries.sort_by_key(|(source, row)| {
            let money = |metric| row.money(metric).unwrap_or(Money::ZERO);
            (
                Reverse(row.count(Metric::LeadsCreated).unwrap_or(0)),
                Reverse(money(Metric::ConvertedMoney).max(money(Metric::Revenue))),
                source.clone(),
            )
        });
        for (rank, (source, row)) in (1..).zip(&entries) {
            let label = |column: &str| match column {
                "source" => Some(Value::Text(source.clone().unwrap_or_default())),
                "source_name" => Some(Value::Text(source_name(scene, source.as_deref()))),
                _ => None,
            };
            rows.push(ranked(spec, year, rank, row, label));
        }
    }
    rows
}

/// Managers of each year: those with enough leads by their conversion, then the others by revenue
/// (R73: a rank needs a sample).
pub(super) fn managers(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let years = by_year(&scene.snapshot.facts.managers);
    let mut rows = Vec::new();
    for (year, mut entries) in years {
        entries.sort_by(|(a_id, a), (b_id, b)| {
            rank_of(b)
                .total_cmp(&rank_of(a))
                .then_with(|| tie_break(b, rank_of(b)).cmp(&tie_break(a, rank_of(a))))
                .then_with(|| a_id.cmp(b_id))
        });
        for (rank, (user, row)) in (1..).zip(&entries) {
            let label = |column: &str| match column {
                "user" => Some(Value::Text(user.to_string())),
                "user_name" => Some(Value::Text(user_name(scene, *user))),
                "department_name" => Some(department_name(scene, *user, Month { year, month: 12 })),
                _ => None,
            };
            rows.push(ranked(spec, year, rank, row, label));
        }
    }
    rows
}

/// Departments of each year: most revenue first, then most leads, then by id.
pub(super) fn departments(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let years = by_year(&scene.snapshot.facts.departments);
    let mut rows = Vec::new();
    for (year, mut entries) in years {
        entries.sort_by_key(|(department, row)| {
            (
                Reverse(row.money(Metric::Revenue).unwrap_or(Money::ZERO)),
                Reverse(row.count(Metric::LeadsCreated).unwrap_or(0)),
                *department,
            )
        });
        for (rank, (department, row)) in (1..).zip(&entries) {
            let label = |column: &str| match column {
                "department" => Some(Value::Text(department_key(*department))),
                "department_name" => Some(Value::Text(name_of_department(scene, *department))),
                _ => None,
            };
            rows.push(ranked(spec, year, rank, row, label));
        }
    }
    rows
}

/// Cohort conversion; below every other when the sample is too small to rank.
fn rank_of(row: &MetricRow) -> f64 {
    let leads = row.count(Metric::LeadsCreated).unwrap_or(0);
    if leads < u64::from(MANAGER_LEADS_MIN) {
        return -1.0;
    }
    row.count(Metric::CohortSuccess).unwrap_or(0) as f64 / leads as f64
}

/// Among the ranked more leads count for more, among the others more revenue.
fn tie_break(row: &MetricRow, rank: f64) -> (Money, u64) {
    let leads = row.count(Metric::LeadsCreated).unwrap_or(0);
    let revenue = row.money(Metric::Revenue).unwrap_or(Money::ZERO);
    if rank < 0.0 {
        (revenue, leads)
    } else {
        (Money::ZERO, leads)
    }
}

fn ranked(
    spec: &TableSpec,
    year: i32,
    rank: u32,
    row: &MetricRow,
    label: impl Fn(&str) -> Option<Value>,
) -> DesiredRow {
    let value = |column: &String| {
        label(column).unwrap_or_else(|| match column.as_str() {
            "year" => Value::Number(f64::from(year)),
            "rank" => Value::Number(f64::from(rank)),
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(row, metric)),
        })
    };
    DesiredRow {
        keys: vec![rank_key(year, rank)],
        values: spec.columns.iter().map(value).collect(),
    }
}

/// Sums a table by month over years, newest year first.
fn by_year<K: Ord + Clone>(
    facts: &BTreeMap<(Month, K), MetricRow>,
) -> Vec<(i32, Vec<(K, MetricRow)>)> {
    let mut sums: BTreeMap<(Reverse<i32>, K), MetricRow> = BTreeMap::new();
    for ((month, key), row) in facts {
        let sum = sums.entry((Reverse(month.year), key.clone()));
        sum.or_default().add(row);
    }
    let mut years: Vec<(i32, Vec<(K, MetricRow)>)> = Vec::new();
    for ((Reverse(year), key), row) in sums {
        match years.last_mut() {
            Some((last, entries)) if *last == year => entries.push((key, row)),
            _ => years.push((year, vec![(key, row)])),
        }
    }
    years
}
