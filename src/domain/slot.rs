//! The names of numbers: a metric, of whom, and for which period.

use std::fmt;

use super::calendar::Month;

/// What kind of number a metric is; it decides the number format and the rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A whole number of things.
    Count,
    /// An amount in the company's base currency.
    Money,
}

macro_rules! metrics {
    ($( $(#[$doc:meta])* $name:ident = $key:literal, $kind:ident; )*) => {
        /// A fact that the reports show. The key is a contract: it stands in row 1 of the data
        /// tables and in the names of named ranges.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $( $(#[$doc])* $name, )* }
        impl Metric {
            /// Every metric, in the order of the data tables' columns.
            pub const ALL: &'static [Metric] = &[ $( Metric::$name, )* ];
            /// The key, such as `leads_created`.
            pub fn key(self) -> &'static str { match self { $( Metric::$name => $key, )* } }
            /// Whether it counts things or money.
            pub fn kind(self) -> MetricKind { match self { $( Metric::$name => MetricKind::$kind, )* } }
        }
    };
}

metrics! {
    /// Leads by the instant of creation (R15).
    LeadsCreated = "leads_created", Count;
    /// Of the leads created in the period: converted so far (D4).
    CohortSuccess = "cohort_success", Count;
    /// Of the leads created in the period: closed unsuccessfully so far, junk not counted (D2).
    CohortFailed = "cohort_failed", Count;
    /// Of the leads created in the period: junk so far (D2).
    CohortJunk = "cohort_junk", Count;
    /// Of the leads created in the period: still in work.
    CohortOpen = "cohort_open", Count;
    /// Leads converted, by the instant of closing (D3).
    LeadsSuccess = "leads_success", Count;
    /// Leads closed unsuccessfully, by the instant of closing, junk not counted.
    LeadsFailed = "leads_failed", Count;
    /// Leads closed as junk, by the instant of closing.
    LeadsJunk = "leads_junk", Count;
    /// Sum of the amounts of the leads created in the period (R18).
    PotentialSum = "potential_sum", Money;
    /// How many of the leads created in the period have no sum (R40).
    MissingSum = "missing_sum", Count;
    /// Sum of the won deals of the leads created in the period (R19).
    ConvertedMoney = "converted_money", Money;
    /// Deals by the instant of creation.
    DealsCreated = "deals_created", Count;
    /// Deals won, by the instant of closing.
    DealsWon = "deals_won", Count;
    /// Deals lost, by the instant of closing.
    DealsLost = "deals_lost", Count;
    /// Sum of the deals won, by the instant of closing.
    Revenue = "revenue", Money;
    /// Revenue over deals won; blank when no deal was won.
    AvgCheck = "avg_check", Money;
    /// The break-even line, in revenue terms (R23, R31).
    BreakEven = "break_even", Money;
    /// What is left of the revenue after the cost of sale and the fixed costs; planned only.
    Profit = "profit", Money;
    /// Proposals to make; planned only: no record of the CRM is one by itself.
    Proposals = "proposals", Count;
    /// Meetings held, by the day for which they were set (R63).
    Meetings = "meetings", Count;
    /// Calls made in which people spoke (R68).
    Calls = "calls", Count;
    /// Revenue − cost of the deals won whose cost is known, by the instant of closing (R94).
    Margin = "margin", Money;
    /// What those deals were won for: the margin's share is of this, and not of all revenue.
    MarginRevenue = "margin_revenue", Money;
    /// What was let off the list prices in those deals (R94).
    Discount = "discount", Money;
    /// Deals won whose cost is not known (R94).
    UnknownCost = "unknown_cost", Count;
    /// Payments, by the instant of payment (R96).
    PaidCount = "paid_count", Count;
    /// Their sum (R96).
    PaidSum = "paid_sum", Money;
}

impl Metric {
    /// The metrics that the plan holds (and whose plan column is `plan_{key}` in the data table).
    pub const PLANNED: &'static [Metric] = &[
        Metric::LeadsCreated,
        Metric::PotentialSum,
        Metric::DealsWon,
        Metric::Revenue,
        Metric::Profit,
        Metric::Proposals,
        Metric::Meetings,
        Metric::Calls,
    ];

    /// Whether the CRM's records tell it; the others exist in the plan alone.
    pub fn is_fact(self) -> bool {
        !matches!(
            self,
            Metric::Profit | Metric::Proposals | Metric::Meetings | Metric::Calls
        )
    }

    /// Whether it is told of each source; margins and payments are told of the company and its people.
    pub fn is_of_sources(self) -> bool {
        !matches!(
            self,
            Metric::BreakEven
                | Metric::Margin
                | Metric::MarginRevenue
                | Metric::Discount
                | Metric::UnknownCost
                | Metric::PaidCount
                | Metric::PaidSum
        )
    }

    /// The metric with this key.
    pub fn from_key(key: &str) -> Option<Metric> {
        Metric::ALL
            .iter()
            .copied()
            .find(|metric| metric.key() == key)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A plan's period: one month, or the whole year (the total).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One month; its key is `2026-03`.
    Month(Month),
    /// The whole year; its key is `2026`.
    Year(i32),
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Month(month) => month.fmt(f),
            Period::Year(year) => write!(f, "{year:04}"),
        }
    }
}
