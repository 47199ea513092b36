//! How margins and payments read as metrics, and since when a company has any (R94, R96).

use super::margin::{Finished, Margin};
use super::paid::{Income, Paid};
use super::row::MetricRow;
use crate::domain::money::Money;
use crate::domain::slot::Metric;

/// From which month on margins and payments are told: the first of which a margin is known, and the
/// first in which something was paid. Before it they are blank, because nobody says whether there was
/// nothing or nothing was kept; in a company without purchase prices, or without payments, they are
/// blank in every month. From then on nothing is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earned {
    margins: Option<usize>,
    paid: Option<usize>,
}

impl Earned {
    pub(super) fn of(margins: &Finished, income: &Income) -> Earned {
        let mut known = margins.months.iter().filter(|(_, margin)| margin.deals > 0);
        Earned {
            margins: known.next().map(|(at, _)| *at),
            paid: income.months.keys().next().copied(),
        }
    }

    /// The first month of either.
    pub(super) fn first(&self) -> Option<usize> {
        self.margins.into_iter().chain(self.paid).min()
    }

    /// Writes the metrics of a month. Where deals were won and none has a known margin, only their
    /// number is told.
    pub(super) fn write(
        &self,
        at: usize,
        margin: Option<&Margin>,
        paid: Option<&Paid>,
        row: &mut MetricRow,
    ) {
        if self.margins.is_some_and(|from| from <= at) {
            let margin = margin.copied().unwrap_or_default();
            row.set_count(Metric::UnknownCost, Some(margin.blank_deals));
            if margin.deals > 0 || margin.blank_deals == 0 {
                let amount = match margin.deals {
                    0 => Some(Money::ZERO),
                    _ => margin.amount(),
                };
                row.set_money(Metric::Margin, amount);
                row.set_money(Metric::MarginRevenue, Some(margin.revenue));
                row.set_money(Metric::Discount, Some(margin.discount));
            }
        }
        if self.paid.is_some_and(|from| from <= at) {
            let paid = paid.copied().unwrap_or_default();
            row.set_count(Metric::PaidCount, Some(paid.count));
            row.set_money(Metric::PaidSum, Some(paid.amount));
        }
    }
}
