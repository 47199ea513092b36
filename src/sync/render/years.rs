//! PURE: ranked summaries of sources and managers by year.
//!
//! Ranking by formulas differs between spreadsheet programs, so the daemon ranks and the report
//! tabs only look rows up by year and rank.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::calendar::Month;
use crate::domain::fact::MetricRow;
use crate::domain::money::Money;
use crate::domain::slot::{Metric, MetricKind};
use crate::sheet::diff::DesiredRow;
use crate::sheet::table::TableSpec;
use crate::sheet::template::{MANAGER_LEADS_MIN, rank_key};
use crate::sheet::workbook::Value;

use super::{Scene, department_name, fact, source_name, user_name};

/// z of a 95 % confidence interval, times itself, in thousandths (1.96² ≈ 3.8416).
const WILSON_Z2: f64 = 3.8416;

/// Sources of each year: most money first, then most conversions, then most leads.
pub(super) fn sources(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let years = by_year(&scene.snapshot.facts.sources);
    let mut rows = Vec::new();
    for (year, mut entries) in years {
        entries.sort_by_key(|(source, row)| {
            let money = row.money(Metric::Revenue).unwrap_or(Money::ZERO);
            let converted = row.money(Metric::ConvertedMoney).unwrap_or(Money::ZERO);
            let count = |metric| row.count(metric).unwrap_or(0);
            (
                Reverse(converted.max(money)),
                Reverse(count(Metric::CohortSuccess)),
                Reverse(count(Metric::LeadsCreated)),
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

/// Managers of each year: those with enough leads by the lower bound of their conversion, then
/// the others by revenue (R73: a rank needs a sample).
pub(super) fn managers(scene: &Scene<'_>, spec: &TableSpec) -> Vec<DesiredRow> {
    let years = by_year(&scene.snapshot.facts.managers);
    let mut rows = Vec::new();
    for (year, mut entries) in years {
        entries.sort_by(|(a_id, a), (b_id, b)| {
            rank_of(b)
                .total_cmp(&rank_of(a))
                .then_with(|| b.money(Metric::Revenue).cmp(&a.money(Metric::Revenue)))
                .then_with(|| b.count(Metric::LeadsCreated).cmp(&a.count(Metric::LeadsCreated)))
                .then_with(|| a_id.cmp(b_id))
        });
        for (rank, (user, row)) in (1..).zip(&entries) {
            let label = |column: &str| match column {
                "user" => Some(Value::Text(user.to_string())),
                "user_name" => Some(Value::Text(user_name(scene, *user))),
                "department_name" => Some(department_name(scene, *user)),
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

/// Wilson's score interval of a share, 95 %: lower and upper bound.
pub(super) fn wilson(success: u64, all: u64) -> Option<(f64, f64)> {
    if all == 0 {
        return None;
    }
    let (n, p) = (all as f64, success as f64 / all as f64);
    let middle = p + WILSON_Z2 / (2.0 * n);
    let spread = (WILSON_Z2 * (p * (1.0 - p) + WILSON_Z2 / (4.0 * n)) / n).sqrt();
    let scale = 1.0 + WILSON_Z2 / n;
    Some((((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0)))
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
            "conversion_low" => interval(row).map_or(Value::Blank, |(low, _)| Value::Number(low)),
            "conversion_high" => {
                interval(row).map_or(Value::Blank, |(_, high)| Value::Number(high))
            }
            column => Metric::from_key(column).map_or(Value::Blank, |metric| fact(row, metric)),
        })
    };
    DesiredRow {
        keys: vec![rank_key(year, rank)],
        values: spec.columns.iter().map(value).collect(),
    }
}

fn interval(row: &MetricRow) -> Option<(f64, f64)> {
    wilson(row.count(Metric::CohortSuccess)?, row.count(Metric::LeadsCreated)?)
}

/// Sums a table by month over years, newest year first.
fn by_year<K: Ord + Clone>(
    facts: &BTreeMap<(Month, K), MetricRow>,
) -> Vec<(i32, Vec<(K, MetricRow)>)> {
    let mut sums: BTreeMap<(Reverse<i32>, K), MetricRow> = BTreeMap::new();
    for ((month, key), row) in facts {
        add(sums.entry((Reverse(month.year), key.clone())).or_default(), row);
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

/// Adds a row; the average check is computed anew from the sums.
fn add(sum: &mut MetricRow, row: &MetricRow) {
    for metric in Metric::ALL.iter().copied().filter(|metric| *metric != Metric::AvgCheck) {
        match metric.kind() {
            MetricKind::Count => {
                if let Some(more) = row.count(metric) {
                    let total = sum.count(metric).unwrap_or(0).saturating_add(more);
                    sum.set_count(metric, Some(total));
                }
            }
            MetricKind::Money => {
                if let Some(more) = row.money(metric) {
                    let total = sum.money(metric).unwrap_or(Money::ZERO).checked_add(more);
                    sum.set_money(metric, total);
                }
            }
        }
    }
    let check = sum
        .money(Metric::Revenue)
        .zip(sum.count(Metric::DealsWon))
        .and_then(|(revenue, won)| revenue.average(won));
    sum.set_money(Metric::AvgCheck, check);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_bounds_are_the_published_ones() {
        // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
        let (low, high) = wilson(81, 263).unwrap();
        assert!((low - 0.2553).abs() < 0.0001 && (high - 0.3662).abs() < 0.0001, "{low} {high}");
        let (low, high) = wilson(0, 20).unwrap();
        assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 0.0001, "{low} {high}");
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn an_average_check_is_not_a_sum() {
        let month = |money: i64, won: u64| {
            let mut row = MetricRow::default();
            row.set_count(Metric::DealsWon, Some(won));
            row.set_money(Metric::Revenue, Some(Money::from_units(money * 10_000)));
            row.set_money(Metric::AvgCheck, Some(Money::from_units(1)));
            row
        };
        let mut sum = MetricRow::default();
        add(&mut sum, &month(100, 1));
        add(&mut sum, &month(200, 2));
        assert_eq!(sum.money(Metric::AvgCheck), Some(Money::from_units(100 * 10_000)));
        add(&mut MetricRow::default(), &MetricRow::default());
    }
}
