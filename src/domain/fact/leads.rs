//! What a lead adds to the facts (R14–R19, R40).

use super::LeadRow;
use super::row::{MetricRow, money_of};
use crate::domain::crm::Semantics;
use crate::domain::slot::Metric;

/// How a lead ended, junk told apart (D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Still in work.
    Open,
    /// Converted.
    Success,
    /// Closed unsuccessfully.
    Failed,
    /// Junk.
    Junk,
}

impl Fate {
    /// A lead's fate; only an unsuccessful lead can be junk.
    pub(super) fn of(row: &LeadRow, is_junk: bool) -> Fate {
        match row.semantics {
            Semantics::InWork => Fate::Open,
            Semantics::Success => Fate::Success,
            Semantics::Failure if is_junk => Fate::Junk,
            Semantics::Failure => Fate::Failed,
        }
    }
}

/// Sums over leads of one month (and source, or user).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LeadTally {
    created: u32,
    cohort_success: u32,
    cohort_failed: u32,
    cohort_junk: u32,
    missing_sum: u32,
    closed_success: u32,
    closed_failed: u32,
    closed_junk: u32,
    /// Units of money.
    potential: i128,
    /// Units of money.
    converted: i128,
}

impl LeadTally {
    /// A lead created in the month; `units` of money when its amount could be converted.
    pub(super) fn created(&mut self, fate: Fate, units: Option<i64>, is_missing: bool) {
        self.created += 1;
        match fate {
            Fate::Open => {}
            Fate::Success => self.cohort_success += 1,
            Fate::Failed => self.cohort_failed += 1,
            Fate::Junk => self.cohort_junk += 1,
        }
        self.missing_sum += u32::from(is_missing);
        self.potential += i128::from(units.unwrap_or_default());
    }

    /// A lead closed in the month.
    pub(super) fn closed(&mut self, fate: Fate) {
        match fate {
            Fate::Open => {}
            Fate::Success => self.closed_success += 1,
            Fate::Failed => self.closed_failed += 1,
            Fate::Junk => self.closed_junk += 1,
        }
    }

    /// A deal won from a lead that was created in the month.
    pub(super) fn converted(&mut self, units: i64) {
        self.converted += i128::from(units);
    }

    /// Writes the lead metrics. What is not closed in any way is open, so the cohort's four parts
    /// add up to the leads created by construction.
    pub(super) fn write(&self, row: &mut MetricRow) {
        let open = self.created - self.cohort_success - self.cohort_failed - self.cohort_junk;
        let counts = [
            (Metric::LeadsCreated, self.created),
            (Metric::CohortSuccess, self.cohort_success),
            (Metric::CohortFailed, self.cohort_failed),
            (Metric::CohortJunk, self.cohort_junk),
            (Metric::CohortOpen, open),
            (Metric::LeadsSuccess, self.closed_success),
            (Metric::LeadsFailed, self.closed_failed),
            (Metric::LeadsJunk, self.closed_junk),
            (Metric::MissingSum, self.missing_sum),
        ];
        for (metric, count) in counts {
            row.set_count(metric, Some(u64::from(count)));
        }
        row.set_money(Metric::PotentialSum, money_of(self.potential));
        row.set_money(Metric::ConvertedMoney, money_of(self.converted));
    }
}
