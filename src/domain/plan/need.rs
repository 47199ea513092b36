//! What a plan asks of people and channels, and whether that was ever done (R38, R39, R45, R47).

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::ToPrimitive;
use rust_decimal::Decimal;

use super::decompose::{ceiling, positive};
use super::split::Grain;
use super::targets::percentile;
use super::tree::{grain_of, whole};
use crate::domain::calendar::{Calendar, Day, Month};
use crate::domain::fact::{Facts, Number};
use crate::domain::money::{ratio_of, split_by_weights};
use crate::domain::slot::Metric;

/// Closed months whose numbers say what is usual.
const CHECK_MONTHS: i32 = 24;
/// The percentile of them up to which a month is nothing unusual.
const USUAL_PERCENT: usize = 75;

/// How many people handle this many leads in a month at the norm: `⌈leads / (norm × workdays)⌉`;
/// `None` without a norm or workdays.
pub fn headcount(leads: Decimal, norm_per_day: Decimal, workdays: u32) -> Option<u64> {
    let a_month = positive(norm_per_day)? * positive(workdays.into())?;
    ceiling(&(ratio_of(leads) / a_month)).to_u64()
}

/// A month's number spread over its workdays, in order, to the unit or kopeck; empty for a month
/// without workdays.
pub fn a_day(
    metric: Metric,
    total: Decimal,
    calendar: &Calendar,
    month: Month,
) -> Vec<(Day, Decimal)> {
    let days: Vec<Day> = month
        .days()
        .filter(|day| calendar.is_workday(*day))
        .collect();
    let parts = grain_of(metric).split(total, &vec![whole(1); days.len()]);
    days.into_iter().zip(parts.unwrap_or_default()).collect()
}

/// Whether something like it was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// Within three quarters of the months.
    Green,
    /// Done, but rarely.
    Amber,
    /// Never done.
    Red,
}

/// A month's need held against the company's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The indicator.
    pub metric: Metric,
    /// What the plan asks.
    pub need: Decimal,
    /// The 75th percentile of the closed months.
    pub usual: Decimal,
    /// The best closed month.
    pub best: Decimal,
    /// The verdict: green up to `usual`, amber up to `best`, red above.
    pub light: Light,
}

/// Holds what a month needs against the closed months before `current` (R45). `None` without a
/// history of the indicator.
pub fn check(facts: &Facts, current: Month, metric: Metric, need: Decimal) -> Option<Check> {
    let closed = current.plus(-CHECK_MONTHS)..current;
    let mut history: Vec<Decimal> = facts
        .months
        .range(closed)
        .filter_map(|(_, row)| row.get(metric).map(Number::to_decimal))
        .collect();
    history.sort();
    let usual = percentile(&history, USUAL_PERCENT)?;
    let best = history.last().copied()?;
    let light = if need <= usual {
        Light::Green
    } else if need <= best {
        Light::Amber
    } else {
        Light::Red
    };
    Some(Check {
        metric,
        need,
        usual,
        best,
        light,
    })
}

/// One source of leads, what it gave and what it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The source's code; `None`: not chosen.
    pub source: Option<String>,
    /// Leads in the window.
    pub leads: u64,
    /// What a lead costs; `None` where no cost was written down.
    pub lead_cost: Option<Decimal>,
    /// Leads needed of it.
    pub needed: Decimal,
}

/// Leads per channel (R39). Where people wrote down what at least two channels cost, the cheapest
/// come first, each up to its best month of the window, after what comes for free; else every channel
/// is asked for its share of the window's leads. The parts add up to `need`.
pub fn channels(
    facts: &Facts,
    current: Month,
    window: u32,
    need: Decimal,
    costs: &BTreeMap<(Option<String>, Month), Decimal>,
) -> Vec<Channel> {
    let first = current.plus(-(window as i32));
    let mut by_source: BTreeMap<Option<String>, Vec<(Month, u64)>> = BTreeMap::new();
    for ((month, source), row) in &facts.sources {
        let leads = row.count(Metric::LeadsCreated).unwrap_or_default();
        if (first..current).contains(month) && leads > 0 {
            by_source
                .entry(source.clone())
                .or_default()
                .push((*month, leads));
        }
    }
    let mut channels: Vec<(Channel, u64)> = by_source
        .into_iter()
        .map(|(source, months)| {
            let best = months
                .iter()
                .map(|(_, leads)| *leads)
                .max()
                .unwrap_or_default();
            let channel = Channel {
                leads: months.iter().map(|(_, leads)| leads).sum(),
                lead_cost: lead_cost(&source, &months, costs),
                needed: Decimal::ZERO,
                source,
            };
            (channel, best)
        })
        .collect();
    channels.sort_by(|(a, _), (b, _)| b.leads.cmp(&a.leads).then(a.source.cmp(&b.source)));
    let known = channels.iter().filter(|(one, _)| one.lead_cost.is_some());
    if known.count() >= 2 {
        cheapest_first(&mut channels, need, window);
    } else {
        let weights = channels.iter().map(|(one, _)| whole(one.leads as i64));
        let weights: Vec<BigRational> = weights.collect();
        let parts = Grain::Unit.split(need, &weights).unwrap_or_default();
        for ((channel, _), part) in channels.iter_mut().zip(parts) {
            channel.needed = part;
        }
    }
    channels.into_iter().map(|(channel, _)| channel).collect()
}

/// What a lead of a source cost, over the months whose cost is known.
fn lead_cost(
    source: &Option<String>,
    months: &[(Month, u64)],
    costs: &BTreeMap<(Option<String>, Month), Decimal>,
) -> Option<Decimal> {
    let known = months
        .iter()
        .filter_map(|(month, leads)| Some((*costs.get(&(source.clone(), *month))?, *leads)));
    let (cost, leads) = known.fold((Decimal::ZERO, 0_u64), |(cost, leads), (c, l)| {
        (cost + c, leads + l)
    });
    (leads > 0).then(|| cost.checked_div(leads.into()))?
}

/// Free channels give what they usually give, then the cheapest, each up to its best month; what is
/// left is shared among all by what they gave.
fn cheapest_first(channels: &mut [(Channel, u64)], need: Decimal, window: u32) {
    let mut left = need.trunc().to_i128().unwrap_or_default();
    let finer = need - need.trunc();
    let mut order: Vec<usize> = (0..channels.len()).collect();
    order.sort_by_key(|index| {
        channels[*index]
            .0
            .lead_cost
            .unwrap_or(Decimal::NEGATIVE_ONE)
    });
    for index in order {
        let (channel, best) = &mut channels[index];
        let usual = channel.leads / u64::from(window.max(1));
        let room = if channel.lead_cost.is_some() {
            *best
        } else {
            usual
        };
        let taken = left.min(i128::from(room)).max(0);
        channel.needed = Grain::Unit.amount(taken);
        left -= taken;
    }
    let weights: Vec<BigRational> = channels
        .iter()
        .map(|(one, _)| whole(one.leads as i64))
        .collect();
    let rest = split_by_weights(left, &weights);
    for (index, ((channel, _), more)) in channels.iter_mut().zip(rest).enumerate() {
        channel.needed += Grain::Unit.amount(more);
        if index == 0 {
            channel.needed += finer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::MetricRow;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn month(month: u32) -> Month {
        Month { year: 2026, month }
    }

    fn leads(count: u64) -> MetricRow {
        let mut row = MetricRow::default();
        row.set_count(Metric::LeadsCreated, Some(count));
        row
    }

    #[test]
    fn people_for_leads_at_the_norm() {
        assert_eq!(headcount(number("800"), number("5"), 21), Some(8));
        assert_eq!(headcount(number("840"), number("5"), 21), Some(8));
        assert_eq!(headcount(number("841"), number("5"), 21), Some(9));
        assert_eq!(headcount(number("800"), Decimal::ZERO, 21), None);
        assert_eq!(headcount(number("800"), number("5"), 0), None);
    }

    #[test]
    fn f5_a_month_over_its_workdays() {
        let mut calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let days = a_day(Metric::LeadsCreated, number("800"), &calendar, month(11));
        assert_eq!(days.len(), 21);
        let of = |n: &str| days.iter().filter(|(_, part)| *part == number(n)).count();
        assert_eq!((of("39"), of("38")), (2, 19));
        calendar
            .holidays
            .insert(Day::from_ymd_opt(2026, 11, 4).unwrap());
        let days = a_day(Metric::LeadsCreated, number("800"), &calendar, month(11));
        assert!(days.iter().all(|(_, part)| *part == number("40")));
        let money = a_day(Metric::Revenue, number("1000"), &calendar, month(10));
        let sum: Decimal = money.iter().map(|(_, part)| *part).sum();
        assert_eq!(sum, number("1000"));
    }

    #[test]
    fn a_need_is_held_against_history() {
        let mut facts = Facts::default();
        for (at, count) in [(1, 100), (2, 120), (3, 90), (4, 200)] {
            facts.months.insert(month(at), leads(count));
        }
        let light = |need: &str| {
            check(&facts, month(5), Metric::LeadsCreated, number(need)).map(|one| one.light)
        };
        assert_eq!(light("120"), Some(Light::Green));
        assert_eq!(light("121"), Some(Light::Amber));
        assert_eq!(light("201"), Some(Light::Red));
        assert_eq!(check(&facts, month(5), Metric::Revenue, number("1")), None);
    }

    #[test]
    fn leads_per_channel_by_share_or_cheapest_first() {
        let mut facts = Facts::default();
        for at in [1, 2] {
            for (source, count) in [(Some("WEB"), 60), (Some("CALL"), 30), (None, 10)] {
                let key = (month(at), source.map(str::to_owned));
                facts.sources.insert(key, leads(count));
            }
        }
        let shown = |channels: Vec<Channel>| -> Vec<(String, String)> {
            channels
                .into_iter()
                .map(|one| (one.source.unwrap_or_default(), one.needed.to_string()))
                .collect()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let mut costs = BTreeMap::new();
        let by_share = channels(&facts, month(3), 2, number("201"), &costs);
        let expected = [pair("WEB", "121"), pair("CALL", "60"), pair("", "20")];
        assert_eq!(shown(by_share), expected);
        costs.insert((Some("WEB".to_owned()), month(1)), number("6000"));
        costs.insert((Some("CALL".to_owned()), month(2)), number("300"));
        let cheapest = channels(&facts, month(3), 2, number("70"), &costs);
        assert_eq!(cheapest[0].lead_cost, Some(number("100")));
        let expected = [pair("WEB", "30"), pair("CALL", "30"), pair("", "10")];
        assert_eq!(shown(cheapest), expected);
        let more = channels(&facts, month(3), 2, number("200"), &costs);
        let sum: Decimal = more.iter().map(|one| one.needed).sum();
        assert_eq!(sum, number("200"));
    }
}
