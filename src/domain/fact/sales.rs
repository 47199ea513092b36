//! What a deal adds to the facts.

use super::row::{MetricRow, money_of};
use crate::domain::slot::Metric;

/// Sums over deals of one month (and source, or user).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct SalesTally {
    created: u32,
    won: u32,
    lost: u32,
    /// Units of money.
    revenue: i128,
}

impl SalesTally {
    /// A deal created in the month.
    pub(super) fn created(&mut self) {
        self.created += 1;
    }

    /// A deal won in the month; `units` of money when its amount is known and could be converted.
    pub(super) fn won(&mut self, units: Option<i64>) {
        self.won += 1;
        self.revenue += i128::from(units.unwrap_or_default());
    }

    /// A deal lost in the month.
    pub(super) fn lost(&mut self) {
        self.lost += 1;
    }

    /// Writes the deal metrics; the average check is blank when no deal was won (F7).
    pub(super) fn write(&self, row: &mut MetricRow) {
        row.set_count(Metric::DealsCreated, Some(u64::from(self.created)));
        row.set_count(Metric::DealsWon, Some(u64::from(self.won)));
        row.set_count(Metric::DealsLost, Some(u64::from(self.lost)));
        let revenue = money_of(self.revenue);
        row.set_money(Metric::Revenue, revenue);
        let check = revenue.and_then(|revenue| revenue.average(u64::from(self.won)));
        row.set_money(Metric::AvgCheck, check);
    }
}
