//! Where a plan number comes from, as a formula with its numbers.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use rust_decimal::Decimal;

use super::decompose::{Rounding, ceiling, decimal_of, positive};
use super::merge::same;
use super::split::MONTHS;
use super::tree::grain_of;
use super::{
    CellKey, Member, Merged, Owner, PLAN_TABLE, Replanned, TARGETS_TABLE, Targets, WEIGHT,
};
use crate::domain::calendar::Month;
use crate::domain::money::ratio_of;
use crate::domain::slot::{Metric, Period};

/// How a cell's number came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// Stable code of the rule: `typed`, `last_good`, `target`, `from_targets`, `from_history`,
    /// `from_profit`, `from_revenue`, `chain`, `rest_of_total`, `sum_of_months`, `share`,
    /// `seeded_weight`.
    pub rule: &'static str,
    /// The number with its derivation, such as `800 = 40 ÷ 5/100`. `⌈…⌉` rounds up and `⌊…⌋` down,
    /// both to the unit or the kopeck; `≈` says that the right side differs by less than one unit
    /// or kopeck, because the months of a year add up to their total.
    pub formula: String,
}

impl Derivation {
    fn new(rule: &'static str, formula: String) -> Option<Derivation> {
        Some(Derivation { rule, formula })
    }
}

/// Explains a cell of the plan file; `None` for a cell that is blank or not of the plan.
pub fn explain(plan: &Replanned, key: &CellKey) -> Option<Derivation> {
    let cell = plan.cells.get(key)?;
    let value = cell.value?;
    if cell.problem.is_some() {
        return Derivation::new("last_good", plain(value));
    }
    if cell.owner == Owner::Person {
        return Derivation::new("typed", plain(value));
    }
    if key.table == TARGETS_TABLE {
        return Derivation::new("target", plain(value));
    }
    let row = Row::of(plan, key)?;
    let Ok(month) = Month::parse(&key.column) else {
        return row.explain_total(value);
    };
    if let Some(rest) = row.explain_rest(month, value) {
        return Some(rest);
    }
    match row.member {
        Some(_) if row.indicator == WEIGHT => Derivation::new("seeded_weight", plain(value)),
        Some(member) => explain_share(plan, member, row.metric?, month, value),
        None => explain_month(plan, row.metric?, month, value),
    }
}

/// A row of the plan, of the company or of one of its members.
struct Row<'a> {
    plan: &'a Replanned,
    table: &'a str,
    row: &'a str,
    member: Option<Member>,
    indicator: &'a str,
    metric: Option<Metric>,
}

impl<'a> Row<'a> {
    fn of(plan: &'a Replanned, key: &'a CellKey) -> Option<Row<'a>> {
        let (member, indicator) = if key.table == PLAN_TABLE {
            (None, key.row.as_str())
        } else {
            let (member, indicator) = Member::of_row(&key.row)?;
            (Some(member), indicator)
        };
        Some(Row {
            plan,
            table: &key.table,
            row: &key.row,
            member,
            indicator,
            metric: Metric::from_key(indicator),
        })
    }

    fn cell(&self, period: Period) -> Option<&'a Merged> {
        let key = CellKey::new(self.table, self.row, &period.to_string());
        self.plan.cells.get(&key)
    }

    /// The months that are not blank, in order.
    fn months(&self, year: i32) -> impl Iterator<Item = (Month, Decimal)> {
        Month::of_year(year)
            .filter_map(|month| Some((month, self.cell(Period::Month(month))?.value?)))
    }

    fn explain_total(&self, value: Decimal) -> Option<Derivation> {
        let year = self
            .plan
            .cells
            .keys()
            .find(|key| key.table == self.table && key.row == self.row)
            .and_then(|key| key.column.get(..4)?.parse().ok())?;
        let months: Vec<String> = self.months(year).map(|(_, number)| plain(number)).collect();
        let formula = format!("{} = {}", plain(value), months.join(" + "));
        Derivation::new("sum_of_months", formula)
    }

    /// A month that makes a typed total true: the total less the other months.
    fn explain_rest(&self, month: Month, value: Decimal) -> Option<Derivation> {
        let total = self.cell(Period::Year(month.year))?;
        let whole = total.value.filter(|_| total.owner == Owner::Person)?;
        let others = self.months(month.year).filter(|(other, _)| *other != month);
        let others: Decimal = others.map(|(_, number)| number).sum();
        if !same(Some(whole - others), Some(value)) {
            return None;
        }
        let formula = format!("{} = {} − {}", plain(value), plain(whole), plain(others));
        Derivation::new("rest_of_total", formula)
    }
}

fn explain_month(
    plan: &Replanned,
    metric: Metric,
    month: Month,
    value: Decimal,
) -> Option<Derivation> {
    let targets = plan.targets();
    let of = |metric| plan.plan_of_month(metric, month);
    let costs = targets.break_even.map(plain).unwrap_or_default();
    match metric {
        Metric::Revenue => explain_revenue(plan, &targets, month, value),
        Metric::Profit => {
            let mut formula = format!("{} ≈ {}", plain(value), plain(of(Metric::Revenue)?));
            if targets.margin != Decimal::ONE {
                formula += &format!(" × {}", plain(targets.margin));
            }
            if !costs.is_empty() {
                formula += &format!(" − {costs}");
            }
            Derivation::new("from_revenue", formula)
        }
        Metric::BreakEven => {
            let margin = plain(targets.margin);
            let formula = format!("{} ≈ {costs} ÷ {margin}", plain(value));
            Derivation::new("from_targets", formula)
        }
        Metric::PotentialSum => {
            let leads = plain(of(Metric::LeadsCreated)?);
            let sum = plain(targets.avg_lead_sum?);
            let formula = format!("{} ≈ {leads} × {sum}", plain(value));
            Derivation::new("chain", formula)
        }
        _ => explain_stage(plan, &targets, metric, month, value),
    }
}

fn explain_revenue(
    plan: &Replanned,
    targets: &Targets,
    month: Month,
    value: Decimal,
) -> Option<Derivation> {
    let by_targets = targets.break_even.is_some() || targets.profit.is_some();
    if is_led(plan, Metric::Profit, month) {
        let profit = plan.plan_of_month(Metric::Profit, month)?;
        let earned = earned(targets.break_even, Some(profit), targets.margin);
        let formula = format!("{} ≈ {earned}", plain(value));
        return Derivation::new("from_profit", formula);
    }
    let (rule, base) = if by_targets {
        let earned = earned(targets.break_even, targets.profit, targets.margin);
        ("from_targets", earned)
    } else {
        ("from_history", plain(targets.base_revenue?))
    };
    let formula = format!("{} ≈ {base}{}", plain(value), factors(targets, month));
    Derivation::new(rule, formula)
}

/// Whether a person's number, typed here or as the year's total, leads what depends on this cell.
fn is_led(plan: &Replanned, metric: Metric, month: Month) -> bool {
    [Period::Month(month), Period::Year(month.year)]
        .into_iter()
        .filter_map(|period| plan.cells.get(&CellKey::plan(metric, period)))
        .any(|cell| cell.owner == Owner::Person)
}

fn explain_stage(
    plan: &Replanned,
    targets: &Targets,
    metric: Metric,
    month: Month,
    value: Decimal,
) -> Option<Derivation> {
    if let Some((text, exact)) = chain(plan, targets, metric, month) {
        let is_exact = exact == ratio_of(value);
        return Derivation::new("chain", rounded_up(value, &text, is_exact));
    }
    let formula = match metric {
        Metric::LeadsCreated => {
            let base = targets.base_leads.map(plain).unwrap_or_default();
            format!("{} ≈ {base}{}", plain(value), factors(targets, month))
        }
        _ => {
            let leads = plan.plan_of_month(Metric::LeadsCreated, month)?;
            let (won, of) = targets.conversion.zip(targets.conversion_of)?;
            let text = format!("{} × {}/{}", plain(leads), plain(won), plain(of));
            let exact = ratio_of(leads) * ratio_of(won) / positive(of)?;
            rounded_up(value, &text, exact == ratio_of(value))
        }
    };
    Derivation::new("from_history", formula)
}

/// What a stage is computed from: `1000000 ÷ 25000 ÷ 5/100`, with its exact result. It starts at the
/// last number that a person typed, or at the deals where they are exactly what the revenue takes.
fn chain(
    plan: &Replanned,
    targets: &Targets,
    metric: Metric,
    month: Month,
) -> Option<(String, BigRational)> {
    let next = match metric {
        Metric::DealsWon => {
            let revenue = plan.plan_of_month(Metric::Revenue, month)?;
            let check = targets.avg_check?;
            let exact = ratio_of(revenue) / positive(check)?;
            return Some((format!("{} ÷ {}", plain(revenue), plain(check)), exact));
        }
        metric => targets.next_stage(metric)?,
    };
    let ratio = targets.stage_ratio(metric)?;
    let number = plan.plan_of_month(next, month);
    let derived = chain(plan, targets, next, month);
    let (text, need) = match (number, derived) {
        (Some(number), derived)
            if is_led(plan, next, month)
                || derived
                    .as_ref()
                    .is_none_or(|(_, exact)| *exact == ratio_of(number)) =>
        {
            (plain(number), ratio_of(number))
        }
        (_, Some((text, exact))) => match targets.rounding {
            Rounding::End => (text, exact),
            Rounding::Stepwise => (format!("⌈{text}⌉"), ceiling(&exact).into()),
        },
        _ => return None,
    };
    let (done, of) = pair(targets, metric)?;
    Some((
        format!("{text} ÷ {}/{}", plain(done), plain(of)),
        need / ratio,
    ))
}

fn pair(targets: &Targets, metric: Metric) -> Option<(Decimal, Decimal)> {
    match metric {
        Metric::LeadsCreated => targets.conversion.zip(targets.conversion_of),
        Metric::Proposals => targets.proposals,
        Metric::Meetings => targets.meetings,
        Metric::Calls => targets.calls,
        _ => None,
    }
}

/// A member's part of the one above: what people left of it, by weight, by largest remainder.
fn explain_share(
    plan: &Replanned,
    member: Member,
    metric: Metric,
    month: Month,
    value: Decimal,
) -> Option<Derivation> {
    let (parent, children) = plan.families.get(&member)?;
    let whole = match parent {
        None => plan.plan_of_month(metric, month)?,
        Some(parent) => member_cell(plan, *parent, metric, Period::Month(month))?.value?,
    };
    let holds = |child: &Member| {
        let is_held = |period| {
            member_cell(plan, *child, metric, period)
                .is_some_and(|cell| cell.owner == Owner::Person || cell.problem.is_some())
        };
        is_held(Period::Month(month)) || is_held(Period::Year(month.year))
    };
    let (held, free): (Vec<Member>, Vec<Member>) = children.iter().partition(|child| holds(child));
    let number = |child: Member| member_cell(plan, child, metric, Period::Month(month))?.value;
    let held: Decimal = held.into_iter().filter_map(number).sum();
    let weights: Vec<BigRational> = free
        .iter()
        .map(|child| weight_of(plan, *child, metric, month))
        .collect();
    let mut sum: BigRational = weights.iter().sum();
    let mut own = weight_of(plan, member, metric, month);
    if sum.is_zero() {
        (own, sum) = (BigRational::one(), BigInt::from(free.len()).into());
    }
    let rest = whole - held;
    let left = if held.is_zero() {
        plain(whole)
    } else {
        format!("({} − {})", plain(whole), plain(held))
    };
    let grain = grain_of(metric);
    let exact = ratio_of(rest) * &own / &sum;
    let unit = grain.amount(1);
    let grains = (&exact / ratio_of(unit)).floor().to_integer();
    let floor = decimal_of(&grains)?.checked_mul(unit)?;
    let share = format!("{left} × {} ÷ {}", fraction(&own), fraction(&sum));
    let formula = match value - floor {
        _ if rest.is_sign_negative() => format!("{} = 0 × {left}", plain(value)),
        more if more.is_zero() && exact == ratio_of(value) => {
            format!("{} = {share}", plain(value))
        }
        more if more.is_zero() => format!("{} = ⌊{share}⌋", plain(value)),
        more => format!("{} = ⌊{share}⌋ + {}", plain(value), plain(more)),
    };
    Derivation::new("share", formula)
}

fn member_cell(
    plan: &Replanned,
    member: Member,
    metric: Metric,
    period: Period,
) -> Option<&Merged> {
    let key = CellKey {
        table: member.table().to_owned(),
        row: member.row(metric.key()),
        column: period.to_string(),
    };
    plan.cells.get(&key)
}

/// The weight by which a member shares in a metric: its share of the metric before, or its own
/// weight.
fn weight_of(plan: &Replanned, member: Member, metric: Metric, month: Month) -> BigRational {
    let index = (month.month as usize).saturating_sub(1);
    let upstream = match metric {
        Metric::Profit | Metric::DealsWon => Some(Metric::Revenue),
        Metric::PotentialSum => Some(Metric::LeadsCreated),
        metric => plan.targets().next_stage(metric),
    };
    let share = upstream
        .and_then(|upstream| plan.shares.get(&(upstream, member)))
        .and_then(|shares| shares.get(index));
    if let Some(share) = share {
        return share.clone();
    }
    let key = CellKey {
        table: member.table().to_owned(),
        row: member.row(WEIGHT),
        column: month.to_string(),
    };
    let weight = plan.cells.get(&key).and_then(|cell| cell.value);
    ratio_of(weight.unwrap_or_default())
}

/// `7` or `(3/8)`.
fn fraction(number: &BigRational) -> String {
    if number.is_integer() {
        number.to_integer().to_string()
    } else {
        format!("({}/{})", number.numer(), number.denom())
    }
}

/// `(400000 + 100000) ÷ 0.5`, leaving out what changes nothing.
fn earned(costs: Option<Decimal>, profit: Option<Decimal>, margin: Decimal) -> String {
    let sum = match (costs, profit) {
        (Some(costs), Some(profit)) => format!("({} + {})", plain(costs), plain(profit)),
        (one, other) => plain(one.or(other).unwrap_or_default()),
    };
    if margin == Decimal::ONE {
        return sum;
    }
    format!("{sum} ÷ {}", plain(margin))
}

/// ` × 1.02^3 × 1.1`: growth and season of a month, leaving out what changes nothing.
fn factors(targets: &Targets, month: Month) -> String {
    let mut text = String::new();
    if month.month > 1 && !targets.growth.is_zero() {
        text += &format!(
            " × {}^{}",
            plain(Decimal::ONE + targets.growth),
            month.month - 1
        );
    }
    let index = month.month.clamp(1, MONTHS as u32) as usize - 1;
    let sum: Decimal = targets.seasonality.iter().sum();
    let typed = targets.seasonality[index];
    let is_scaled = !sum.is_zero() && sum != Decimal::from(12);
    if is_scaled {
        text += &format!(" × 12 × {} ÷ {}", plain(typed), plain(sum));
    } else if !sum.is_zero() && typed != Decimal::ONE {
        text += &format!(" × {}", plain(typed));
    }
    text
}

fn rounded_up(value: Decimal, chain: &str, is_exact: bool) -> String {
    if is_exact {
        format!("{} = {chain}", plain(value))
    } else {
        format!("{} = ⌈{chain}⌉", plain(value))
    }
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}
