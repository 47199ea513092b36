//! The rows of «Цели»: which there are, what they start from, and what they say.
//!
//! A target is seeded once, from the configuration or from the company's history, and then lives
//! in the sheet: a new seed never replaces a number that stands there. An emptied target is handed
//! back and takes the seed again.
//!
//! What a target starts from when the configuration leaves it open ([`History`], the last closed
//! months that have facts; how many is the target `history_months`, six unless a person says
//! otherwise):
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
//! - `proposals`, `meetings`, `calls`: blank until a person gives their conversions; then the plan
//!   has these indicators too.
//! - `norm_per_day`: the 75th percentile of leads a person and workday.
//! - `split_by`: by share of history where people have any, else equally. `rounding`: at the end.

use num_rational::BigRational;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::decompose::{Rounding, break_even_revenue, positive};
use super::merge::Range;
use super::split::{MONTHS, Shape, seasonality};
use super::tree;
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
/// Closed months that history looks back over, unless a person says otherwise.
const HISTORY_MONTHS: u32 = 6;
/// The longest window of history that a person may choose, months.
const HISTORY_MONTHS_MAX: u32 = 36;
/// A conversion of fewer cases than this says little (R49).
pub(super) const SAMPLE_MIN: u32 = 30;
/// The target that says how many closed months history looks back over.
pub(super) const HISTORY_ROW: &str = "history_months";
/// The conversions: the row, and what it is a conversion of. Each says how many of `of` became
/// `value` of the indicator that follows it in the chain.
pub(super) const CONVERSION_ROWS: [&str; 4] = ["conversion", "proposals", "meetings", "calls"];

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
        cell("norm_per_day", VALUE, Range::NotNegative, true),
        cell("split_by", VALUE, Range::Choice("split_by_range", 3), true),
        cell(
            HISTORY_ROW,
            VALUE,
            Range::Choice("history_months_range", HISTORY_MONTHS_MAX),
            true,
        ),
        cell("rounding", VALUE, Range::Choice("rounding_range", 2), true),
    ];
    for row in ["proposals", "meetings", "calls"] {
        cells.push(cell(row, VALUE, conversion, true));
        cells.push(cell(row, OF, conversion, true));
    }
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
    /// How many closed months of the window have facts.
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
    /// Sums the months of the last `window` before `current` that have facts.
    pub fn of(facts: &Facts, current: Month, window: u32) -> History {
        let rows: Vec<&MetricRow> = current
            .plus(-(window as i32))
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

/// How many closed months history looks back over, from the number in force.
pub(super) fn window_of(months: Option<Decimal>) -> u32 {
    months
        .and_then(|months| months.to_u32())
        .filter(|months| (1..=HISTORY_MONTHS_MAX).contains(months))
        .unwrap_or(HISTORY_MONTHS)
}

/// What each target starts from: the configuration, else history; `None` stays blank.
pub(super) fn seeds(input: &PlanInput<'_>, window: u32) -> Cells<Decimal> {
    let given = input.seeds;
    let history = History::of(input.facts, input.current, window);
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
        ("norm_per_day", VALUE, norm_per_day(input, window)),
        (
            "split_by",
            VALUE,
            Some(tree::default_mode(input, window).code()),
        ),
        (HISTORY_ROW, VALUE, Some(HISTORY_MONTHS.into())),
        ("rounding", VALUE, Some(Decimal::ONE)),
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

/// Leads that a person handles in a workday: of every month and person of the window who handled
/// any, the 75th percentile by nearest rank (R38), to a tenth. Blank without leads.
fn norm_per_day(input: &PlanInput<'_>, window: u32) -> Option<Decimal> {
    let first = input.current.plus(-(window as i32));
    let mut rates: Vec<Decimal> = input
        .facts
        .managers
        .iter()
        .filter(|((month, _), _)| (first..input.current).contains(month))
        .filter_map(|((month, _), row)| {
            let leads = row.count(Metric::LeadsCreated).filter(|leads| *leads > 0)?;
            let workdays = Decimal::from(input.calendar.workdays(*month));
            Decimal::from(leads).checked_div(workdays)
        })
        .collect();
    rates.sort();
    percentile(&rates, 75).map(|rate| rate.round_dp(1).normalize())
}

/// A percentile of sorted numbers by nearest rank; `None` of nothing.
pub(super) fn percentile(sorted: &[Decimal], percent: usize) -> Option<Decimal> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
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
    /// Deals of proposals, as `(deals, proposals)`; blank where proposals are not planned.
    pub proposals: Option<(Decimal, Decimal)>,
    /// What meetings become, as `(next, meetings)`: proposals, or deals where those are not planned.
    pub meetings: Option<(Decimal, Decimal)>,
    /// What calls become, as `(next, calls)`: meetings, or leads where those are not planned.
    pub calls: Option<(Decimal, Decimal)>,
    /// Leads that a person handles in a workday.
    pub norm_per_day: Option<Decimal>,
    /// How a whole is divided among departments and people.
    pub split_by: tree::SplitBy,
    /// Closed months that history looks back over.
    pub history_months: u32,
    /// Where the chain rounds up.
    pub rounding: Rounding,
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
            proposals: read("proposals", VALUE).zip(read("proposals", OF)),
            meetings: read("meetings", VALUE).zip(read("meetings", OF)),
            calls: read("calls", VALUE).zip(read("calls", OF)),
            norm_per_day: read("norm_per_day", VALUE),
            split_by: tree::SplitBy::of(read("split_by", VALUE)),
            history_months: window_of(read(HISTORY_ROW, VALUE)),
            rounding: match read("rounding", VALUE) {
                Some(two) if two == Decimal::TWO => Rounding::Stepwise,
                _ => Rounding::End,
            },
        }
    }

    /// A stage's conversion into the indicator after it, exactly; blank without one.
    pub fn stage_ratio(&self, metric: Metric) -> Option<BigRational> {
        let (done, of) = match metric {
            Metric::LeadsCreated => return self.conversion_ratio(),
            Metric::Proposals => self.proposals?,
            Metric::Meetings => self.meetings?,
            Metric::Calls => self.calls?,
            _ => return None,
        };
        Some(positive(done)? / positive(of)?)
    }

    /// The indicator that a stage of the chain leads to: calls → meetings or leads, meetings →
    /// proposals or deals, proposals and leads → deals.
    pub fn next_stage(&self, metric: Metric) -> Option<Metric> {
        match metric {
            Metric::Calls if self.meetings.is_some() => Some(Metric::Meetings),
            Metric::Calls => Some(Metric::LeadsCreated),
            Metric::Meetings if self.proposals.is_some() => Some(Metric::Proposals),
            Metric::Meetings | Metric::Proposals | Metric::LeadsCreated => Some(Metric::DealsWon),
            _ => None,
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
