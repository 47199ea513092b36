//! Where a plan number comes from, as a formula with its numbers.

use rust_decimal::Decimal;

use super::decompose::share;
use super::merge::same;
use super::split::MONTHS;
use super::{CellKey, Owner, PLAN_TABLE, Replanned, Targets};
use crate::domain::calendar::Month;
use crate::domain::money::ratio_of;
use crate::domain::slot::{Metric, Period};

/// How a cell's number came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// Stable code of the rule: `typed`, `last_good`, `target`, `from_targets`, `from_history`,
    /// `chain`, `share_of_total`, `sum_of_months`.
    pub rule: &'static str,
    /// The number with its derivation, such as `800 = 1000000 ÷ 25000 ÷ 5/100`; `⌈…⌉` is rounding
    /// up, `≈` rounding to the kopeck.
    pub formula: String,
}

/// Explains a cell of `targets` or `plan_company`; `None` for a cell that is blank or not of the
/// plan.
pub fn explain(plan: &Replanned, key: &CellKey) -> Option<Derivation> {
    let cell = plan.cells.get(key)?;
    let value = cell.value?;
    let simple = |rule| {
        Some(Derivation {
            rule,
            formula: plain(value),
        })
    };
    if cell.problem.is_some() {
        return simple("last_good");
    }
    if cell.owner == Owner::Person {
        return simple("typed");
    }
    if key.table != PLAN_TABLE {
        return simple("target");
    }
    let metric = Metric::from_key(&key.row)?;
    let Ok(month) = Month::parse(&key.column) else {
        return Some(explain_total(plan, metric, key.column.parse().ok()?, value));
    };
    let total = plan
        .cells
        .get(&CellKey::plan(metric, Period::Year(month.year)))?;
    let explained = explain_month(plan, metric, month, value)?;
    if total.owner == Owner::Person && total.value.is_some() {
        let whole = total.value?;
        let formula = format!("{} ⊂ {}", plain(value), plain(whole));
        return Some(Derivation {
            rule: "share_of_total",
            formula,
        });
    }
    Some(explained)
}

fn explain_total(plan: &Replanned, metric: Metric, year: i32, value: Decimal) -> Derivation {
    let months: Vec<String> = Month::of_year(year)
        .filter_map(|month| plan.plan_of_month(metric, month))
        .map(plain)
        .collect();
    Derivation {
        rule: "sum_of_months",
        formula: format!("{} = {}", plain(value), months.join(" + ")),
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
    let derived = |rule, formula| Some(Derivation { rule, formula });
    match metric {
        Metric::Revenue => {
            let by_targets = targets.break_even.is_some() || targets.profit.is_some();
            let rule = if by_targets {
                "from_targets"
            } else {
                "from_history"
            };
            let base = if by_targets {
                earned(&targets)
            } else {
                plain(targets.base_revenue?)
            };
            derived(
                rule,
                format!("{} ≈ {base}{}", plain(value), factors(&targets, month)),
            )
        }
        Metric::BreakEven => {
            let costs = plain(targets.break_even?);
            derived(
                "from_targets",
                format!("{} ≈ {costs} ÷ {}", plain(value), plain(targets.margin)),
            )
        }
        Metric::DealsWon => match (of(Metric::Revenue), targets.avg_check) {
            (Some(revenue), Some(check)) => {
                let chain = format!("{} ÷ {}", plain(revenue), plain(check));
                let exact = same(revenue.checked_div(check), Some(value));
                derived("chain", rounded_up(value, &chain, exact))
            }
            _ => derived("from_history", plain(value)),
        },
        Metric::LeadsCreated => Some(explain_leads(plan, &targets, month, value)),
        Metric::PotentialSum => {
            let leads = plain(of(Metric::LeadsCreated)?);
            let sum = plain(targets.avg_lead_sum?);
            derived("chain", format!("{} ≈ {leads} × {sum}", plain(value)))
        }
        _ => None,
    }
}

fn explain_leads(plan: &Replanned, targets: &Targets, month: Month, value: Decimal) -> Derivation {
    let deals_key = CellKey::plan(Metric::DealsWon, Period::Month(month));
    let deals = plan.cells.get(&deals_key);
    let year_key = CellKey::plan(Metric::DealsWon, Period::Year(month.year));
    let total = plan.cells.get(&year_key);
    // Leads follow the deals where those were typed or absorb a typed total.
    let follows_deals = deals
        .into_iter()
        .chain(total)
        .any(|cell| cell.owner == Owner::Person);
    let revenue = plan.plan_of_month(Metric::Revenue, month);
    let conversion = targets.conversion.zip(targets.conversion_of);
    let chain = match (
        deals.and_then(|cell| cell.value),
        revenue,
        targets.avg_check,
    ) {
        (Some(deals), _, _) if follows_deals => Some((plain(deals), ratio_of(deals))),
        (_, Some(revenue), Some(check)) => Some((
            format!("{} ÷ {}", plain(revenue), plain(check)),
            share(&ratio_of(revenue), &ratio_of(check)),
        )),
        _ => None,
    };
    match chain.zip(conversion) {
        Some(((chain, exact), (won, of))) => {
            let leads = share(&(exact * ratio_of(of)), &ratio_of(won));
            let text = format!("{chain} ÷ {}/{}", plain(won), plain(of));
            let formula = rounded_up(value, &text, leads == ratio_of(value));
            Derivation {
                rule: "chain",
                formula,
            }
        }
        None => {
            let base = targets.base_leads.map(plain).unwrap_or_default();
            let formula = format!("{} ≈ {base}{}", plain(value), factors(targets, month));
            Derivation {
                rule: "from_history",
                formula,
            }
        }
    }
}

/// `(400000 + 100000) ÷ 0.5`, leaving out what changes nothing.
fn earned(targets: &Targets) -> String {
    let sum = match (targets.break_even, targets.profit) {
        (Some(costs), Some(profit)) => format!("({} + {})", plain(costs), plain(profit)),
        (one, other) => plain(one.or(other).unwrap_or_default()),
    };
    if targets.margin == Decimal::ONE {
        return sum;
    }
    format!("{sum} ÷ {}", plain(targets.margin))
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
