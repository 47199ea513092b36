//! One row of a data table: a number, or blank, for each metric.

use rust_decimal::Decimal;

use super::leads::LeadTally;
use super::sales::SalesTally;
use crate::domain::money::Money;
use crate::domain::slot::{Metric, MetricKind};

/// A fact's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// A whole number of things.
    Count(u64),
    /// An amount in the company's currency.
    Money(Money),
}

impl Number {
    /// The number as a decimal, exactly.
    pub fn to_decimal(self) -> Decimal {
        match self {
            Number::Count(count) => Decimal::from(count),
            Number::Money(money) => money.to_decimal(),
        }
    }

    /// The number as a spreadsheet holds it.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Count(count) => count as f64,
            Number::Money(money) => money.to_f64(),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        match self {
            Number::Count(count) => count == 0,
            Number::Money(money) => money.is_zero(),
        }
    }
}

/// Plain digits, as a CSV holds them.
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Count(count) => count.fmt(f),
            Number::Money(money) => money.fmt(f),
        }
    }
}

/// One number of each metric for one row of a data table; `None` is blank, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MetricRow {
    /// By `Metric as usize`: a count, or units of money.
    values: [i64; Metric::ALL.len()],
    /// Bit `Metric as usize` is set where the value is not blank.
    filled: u32,
}

impl MetricRow {
    /// The number of a metric, or `None` when it is blank.
    pub fn get(&self, metric: Metric) -> Option<Number> {
        let index = metric as usize;
        let value = *self.values.get(index)?;
        (self.filled & 1 << index != 0).then(|| match metric.kind() {
            MetricKind::Count => Number::Count(value.unsigned_abs()),
            MetricKind::Money => Number::Money(Money::from_units(value)),
        })
    }

    /// Sets a count metric, or blanks it. A money metric is left alone.
    pub fn set_count(&mut self, metric: Metric, count: Option<u64>) {
        if metric.kind() == MetricKind::Count {
            self.put(metric, count.and_then(|count| i64::try_from(count).ok()));
        }
    }

    /// Sets a money metric, or blanks it. A count metric is left alone.
    pub fn set_money(&mut self, metric: Metric, amount: Option<Money>) {
        if metric.kind() == MetricKind::Money {
            self.put(metric, amount.map(Money::units));
        }
    }

    /// The count of a metric; `None` when it is blank or money.
    pub fn count(&self, metric: Metric) -> Option<u64> {
        match self.get(metric)? {
            Number::Count(count) => Some(count),
            Number::Money(_) => None,
        }
    }

    /// The amount of a metric; `None` when it is blank or a count.
    pub fn money(&self, metric: Metric) -> Option<Money> {
        match self.get(metric)? {
            Number::Money(money) => Some(money),
            Number::Count(_) => None,
        }
    }

    /// Whether every metric is blank.
    pub fn is_blank(&self) -> bool {
        self.filled == 0
    }

    /// Adds another row of the same kind: blank and blank stay blank, and the average check is computed
    /// anew from the sums. A sum of money that is beyond what [`Money`] holds is blank.
    pub fn add(&mut self, row: &MetricRow) {
        let sums = Metric::ALL.iter().copied();
        for metric in sums.filter(|metric| *metric != Metric::AvgCheck) {
            match metric.kind() {
                MetricKind::Count => {
                    if let Some(more) = row.count(metric) {
                        let total = self.count(metric).unwrap_or(0).saturating_add(more);
                        self.set_count(metric, Some(total));
                    }
                }
                MetricKind::Money => {
                    if let Some(more) = row.money(metric) {
                        let total = self.money(metric).unwrap_or(Money::ZERO).checked_add(more);
                        self.set_money(metric, total);
                    }
                }
            }
        }
        let check = self
            .money(Metric::Revenue)
            .zip(self.count(Metric::DealsWon))
            .and_then(|(revenue, won)| revenue.average(won));
        self.set_money(Metric::AvgCheck, check);
    }

    fn put(&mut self, metric: Metric, value: Option<i64>) {
        let index = metric as usize;
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value.unwrap_or_default();
            let bit = 1 << index;
            self.filled = if value.is_some() {
                self.filled | bit
            } else {
                self.filled & !bit
            };
        }
    }

    /// A tally as a row; the half of a company without leads (or deals) at all stays blank.
    pub(super) fn of(leads: Option<&LeadTally>, sales: Option<&SalesTally>) -> MetricRow {
        let mut row = MetricRow::default();
        if let Some(leads) = leads {
            leads.write(&mut row);
        }
        if let Some(sales) = sales {
            sales.write(&mut row);
        }
        row
    }
}

/// A sum of units as money; blank when it is beyond what [`Money`] holds.
pub(super) fn money_of(units: i128) -> Option<Money> {
    i64::try_from(units).ok().map(Money::from_units)
}
