//! The rows of «Цели»: which there are, what they start from, and what they say.
//!
//! A target is seeded once, from the configuration or from the company's history, and then lives
//! in the sheet: a new seed never replaces a number that stands there. An emptied target is handed
//! back and takes the seed again.
//!
//! What a target starts from when the configuration leaves it open ([`History`], the last six
//! closed months that have facts, fewer when there are fewer):
//!
//! - `avg_check`: revenue over deals won, to the kopeck; blank when either is zero.
//! - `conversion`: deals won of leads created, as that pair; blank when either is zero.
//! - `avg_lead_sum`: potential sum over leads created, to the kopeck; blank when no lead has a sum.
//! - `break_even`: blank (then there is no break-even line). `profit`: blank.
//! - `base_revenue`: average monthly revenue; the plan's base when neither break-even nor profit is
//!   given. `base_leads`: average leads a month; the base of the lead plan when it cannot be
//!   derived from money. Both are optional rows: where the sheet does not have them the store
//!   remembers them, so that a plan does not drift with its own facts.
//! - `seasonality_…`: from history when it spans two full calendar years (of revenue, or of leads
//!   in a company without revenue), else 1.

use num_rational::BigRational;
use rust_decimal::Decimal;

use super::decompose::{break_even_revenue, positive};
use super::merge::Range;
use super::split::{MONTHS, Shape, seasonality};
use super::{CellKey, Cells, Merged, PlanInput, Seasonality};
use crate::domain::calendar::Month;
use crate::domain::fact::{Facts, MetricRow, Number};
use crate::domain::money::{Money, ratio_of};
use crate::domain::slot::Metric;

/// The table's name.
pub(super) const TABLE: &str = "targets";
/// The column of a target's number.
pub(super) const VALUE: &str = "value";
/// The column of what a conversion is counted of.
pub(super) const OF: &str = "of";
/// Closed months that history looks back over.
const HISTORY_MONTHS: i32 = 6;

/// One cell of «Цели» that people may fill.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetCell {
    /// Its address.
    pub key: CellKey,
    /// Which numbers make sense in it.
    pub range: Range,
    /// Whether the sheet may do without it.
    pub optional: bool,
}

/// Every cell of «Цели», in the order of its rows.
pub fn target_cells() -> Vec<TargetCell> {
    let cell = |row: &str, column: &str, range, optional| TargetCell {
        key: CellKey::new(TABLE, row, column),
        range,
        optional,
    };
    let conversion = Range::Positive("conversion_range");
    let mut cells = vec![
        cell("break_even", VALUE, Range::NotNegative, false),
        cell("profit", VALUE, Range::NotNegative, false),
        cell("margin", VALUE, Range::Share("margin_range"), false),
        cell(
            "avg_check",
            VALUE,
            Range::Positive("avg_check_range"),
            false,
        ),
        cell("conversion", VALUE, conversion, false),
        cell("conversion", OF, conversion, false),
        cell("avg_lead_sum", VALUE, Range::NotNegative, false),
        cell("growth", VALUE, Range::Growth("growth_range"), false),
        cell("base_revenue", VALUE, Range::NotNegative, true),
        cell("base_leads", VALUE, Range::NotNegative, true),
    ];
    let coefficient = Range::Coefficient("seasonality_range");
    let months = (1..=MONTHS).map(|month| cell(&season_row(month), VALUE, coefficient, false));
    cells.extend(months);
    cells
}

/// The row of a month's coefficient, 1 to 12.
pub fn season_row(month: usize) -> String {
    format!("seasonality_{month:02}")
}

/// What the last closed months say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// How many closed months have facts, up to six.
    pub months: u64,
    /// Their revenue; `None` when the company has no deals.
    pub revenue: Option<Money>,
    /// Their deals won.
    pub deals_won: Option<u64>,
    /// Their leads; `None` when the company has no leads.
    pub leads: Option<u64>,
    /// Their potential sum.
    pub potential: Option<Money>,
}

impl History {
    /// Sums the last six months before `current` that have facts.
    pub fn of(facts: &Facts, current: Month) -> History {
        let rows: Vec<&MetricRow> = current
            .plus(-HISTORY_MONTHS)
            .to(current.prev())
            .filter_map(|month| facts.months.get(&month))
            .filter(|row| !row.is_blank())
            .collect();
        let count = |metric| {
            rows.iter()
                .map(|row| row.count(metric))
                .sum::<Option<u64>>()
        };
        let money = |metric| {
            let amounts: Option<Vec<Money>> = rows.iter().map(|row| row.money(metric)).collect();
            Money::checked_sum(amounts?)
        };
        if rows.is_empty() {
            return History::default();
        }
        History {
            months: rows.len() as u64,
            revenue: money(Metric::Revenue),
            deals_won: count(Metric::DealsWon),
            leads: count(Metric::LeadsCreated),
            potential: money(Metric::PotentialSum),
        }
    }

    /// Average check; blank when no deal was won or none had money.
    pub fn avg_check(&self) -> Option<Money> {
        above_zero(self.revenue)?.average(self.deals_won?)
    }

    /// Deals won of leads created; blank when either is zero.
    pub fn conversion(&self) -> Option<(u64, u64)> {
        let pair = (self.deals_won?, self.leads?);
        (pair.0 > 0 && pair.1 > 0).then_some(pair)
    }

    /// Average sum of a lead; blank when no lead has one.
    pub fn avg_lead_sum(&self) -> Option<Money> {
        above_zero(self.potential)?.average(self.leads?)
    }

    /// Average monthly revenue; blank when there was none.
    pub fn monthly_revenue(&self) -> Option<Money> {
        above_zero(self.revenue)?.average(self.months)
    }

    /// Average leads a month, to a hundredth; blank when there were none.
    pub fn monthly_leads(&self) -> Option<Decimal> {
        let leads = self.leads.filter(|leads| *leads > 0)?;
        let average = Decimal::from(leads).checked_div(Decimal::from(self.months))?;
        Some(average.round_dp(2).normalize())
    }
}

fn above_zero(amount: Option<Money>) -> Option<Money> {
    amount.filter(|amount| *amount > Money::ZERO)
}

/// What each target starts from: the configuration, else history; `None` stays blank.
pub(super) fn seeds(input: &PlanInput<'_>) -> Cells<Decimal> {
    let given = input.seeds;
    let history = History::of(input.facts, input.current);
    let conversion = given.conversion.or_else(|| history.conversion());
    let money = |amount: Option<Money>| amount.map(Money::to_decimal);
    let mut seeds = vec![
        ("break_even", VALUE, money(given.break_even)),
        ("profit", VALUE, money(given.profit)),
        ("margin", VALUE, Some(given.margin.normalize())),
        (
            "avg_check",
            VALUE,
            money(given.avg_check.or_else(|| history.avg_check())),
        ),
        ("conversion", VALUE, conversion.map(|(won, _)| won.into())),
        ("conversion", OF, conversion.map(|(_, of)| of.into())),
        ("avg_lead_sum", VALUE, money(history.avg_lead_sum())),
        ("growth", VALUE, Some(given.growth.normalize())),
        ("base_revenue", VALUE, money(history.monthly_revenue())),
        ("base_leads", VALUE, history.monthly_leads()),
    ];
    let rows: Vec<String> = (1..=MONTHS).map(season_row).collect();
    let coefficients = coefficients(input);
    seeds.extend(
        rows.iter()
            .zip(coefficients)
            .map(|(row, coefficient)| (row.as_str(), VALUE, Some(coefficient))),
    );
    seeds
        .into_iter()
        .filter_map(|(row, column, seed)| Some((CellKey::new(TABLE, row, column), seed?)))
        .collect()
}

/// The month coefficients that the seeds ask for.
fn coefficients(input: &PlanInput<'_>) -> [Decimal; MONTHS] {
    let flat = [Decimal::ONE; MONTHS];
    match &input.seeds.seasonality {
        Seasonality::Flat => flat,
        Seasonality::Months(given) => given.map(|coefficient| coefficient.normalize()),
        Seasonality::History => [Metric::Revenue, Metric::LeadsCreated]
            .into_iter()
            .find_map(|metric| seasonality(&full_years(input.facts, input.current, metric)))
            .unwrap_or(flat),
    }
}

/// The calendar years all of whose months are closed and have the metric.
fn full_years(facts: &Facts, current: Month, metric: Metric) -> Vec<[Decimal; MONTHS]> {
    let first = facts
        .months
        .keys()
        .next()
        .map_or(current.year, |month| month.year);
    let year_of = |year: i32| -> Option<[Decimal; MONTHS]> {
        let closed = Month::of_year(year).filter(|month| *month < current);
        let numbers: Option<Vec<Decimal>> = closed
            .map(|month| {
                facts
                    .months
                    .get(&month)?
                    .get(metric)
                    .map(Number::to_decimal)
            })
            .collect();
        numbers?.try_into().ok()
    };
    (first..current.year).filter_map(year_of).collect()
}

/// The targets in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// Costs to be earned each month, in margin terms.
    pub break_even: Option<Decimal>,
    /// Profit above it, a month.
    pub profit: Option<Decimal>,
    /// Share of revenue that is left after the cost of sale; 1 when blank.
    pub margin: Decimal,
    /// Average check.
    pub avg_check: Option<Decimal>,
    /// Deals won …
    pub conversion: Option<Decimal>,
    /// … of this many leads.
    pub conversion_of: Option<Decimal>,
    /// Average sum of a lead.
    pub avg_lead_sum: Option<Decimal>,
    /// Growth a month; none when blank.
    pub growth: Decimal,
    /// Monthly revenue to plan from without break-even and profit.
    pub base_revenue: Option<Decimal>,
    /// Leads a month to plan from without money.
    pub base_leads: Option<Decimal>,
    /// Month coefficients as they stand, January first; 1 where blank.
    pub seasonality: [Decimal; MONTHS],
}

impl Targets {
    /// Reads the targets out of merged cells.
    pub fn of(cells: &Cells<Merged>) -> Targets {
        let read = |row: &str, column: &str| {
            cells
                .get(&CellKey::new(TABLE, row, column))
                .and_then(|cell| cell.value)
        };
        let mut seasonality = [Decimal::ONE; MONTHS];
        for (month, coefficient) in (1..).zip(&mut seasonality) {
            *coefficient = read(&season_row(month), VALUE).unwrap_or(Decimal::ONE);
        }
        Targets {
            break_even: read("break_even", VALUE),
            profit: read("profit", VALUE),
            margin: read("margin", VALUE).unwrap_or(Decimal::ONE),
            avg_check: read("avg_check", VALUE),
            conversion: read("conversion", VALUE),
            conversion_of: read("conversion", OF),
            avg_lead_sum: read("avg_lead_sum", VALUE),
            growth: read("growth", VALUE).unwrap_or_default(),
            base_revenue: read("base_revenue", VALUE),
            base_leads: read("base_leads", VALUE),
            seasonality,
        }
    }

    /// The revenue of a month of average season before growth: `(break-even + profit) / margin`,
    /// a missing one of the two counting as zero; without both, the base revenue.
    pub fn monthly_revenue(&self) -> Option<BigRational> {
        if self.break_even.is_none() && self.profit.is_none() {
            return self.base_revenue.map(ratio_of);
        }
        let zero = Decimal::ZERO;
        let earned = self.break_even.unwrap_or(zero) + self.profit.unwrap_or(zero);
        break_even_revenue(earned, self.margin)
    }

    /// The break-even point of a month in revenue terms; blank without costs.
    pub fn break_even_revenue(&self) -> Option<BigRational> {
        break_even_revenue(self.break_even?, self.margin)
    }

    /// The conversion as an exact fraction; blank without one.
    pub fn conversion_ratio(&self) -> Option<BigRational> {
        Some(positive(self.conversion?)? / positive(self.conversion_of?)?)
    }

    /// How the months stand to each other: growth × season.
    pub(super) fn shape(&self) -> Shape {
        Shape::new(self.growth, &self.seasonality)
    }
}
