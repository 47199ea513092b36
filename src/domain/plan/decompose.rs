//! A goal → what is needed for it, through exact fractions (R30, R31, R45, R50; D12).
//!
//! A conversion is kept as an exact fraction, never as a shown percentage: 15 of 36 is 41.666… %,
//! and a plan computed from 41.7 % differs. Counts are rounded up once, at the end of the chain.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use rust_decimal::Decimal;

use crate::domain::money::ratio_of;

/// Where a chain rounds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Each indicator is computed exactly from the goal and rounded once.
    #[default]
    End,
    /// Each indicator is computed from the rounded one after it.
    Stepwise,
}

/// Conversions from the first indicator to the goal: calls → meetings → proposals → sales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    conversions: Vec<BigRational>,
}

impl Chain {
    /// A chain of conversions `(done, of)` in the order of work; `None` when one of them is zero
    /// or of nothing.
    pub fn new(conversions: &[(u64, u64)]) -> Option<Chain> {
        let exact = |(done, of): &(u64, u64)| {
            (*done > 0 && *of > 0).then(|| BigRational::new((*done).into(), (*of).into()))
        };
        let conversions = conversions.iter().map(exact).collect::<Option<_>>()?;
        Some(Chain { conversions })
    }

    /// How many of each indicator are needed for `goal`, from the first to the goal itself; each
    /// is `need of the next / conversion`, rounded up.
    pub fn needs(&self, goal: &BigRational, rounding: Rounding) -> Vec<BigInt> {
        let mut exact = goal.clone();
        let mut needs = vec![ceiling(&exact)];
        for conversion in self.conversions.iter().rev() {
            if rounding == Rounding::Stepwise {
                exact = exact.ceil();
            }
            exact /= conversion;
            needs.push(ceiling(&exact));
        }
        needs.reverse();
        needs
    }
}

/// The answer to "how many leads, with this average check and conversion, for this revenue?"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decomposition {
    /// Deals to win, `⌈revenue / check⌉`.
    pub deals: u64,
    /// Leads to create, `⌈revenue / check / conversion⌉`: one rounding, not two.
    pub leads: u64,
}

/// Decomposes a revenue by the average check and the conversion `(won, of)`; `None` when one of
/// them is not above zero or an answer does not fit.
pub fn decompose(
    revenue: Decimal,
    avg_check: Decimal,
    conversion: (u64, u64),
) -> Option<Decomposition> {
    let check = positive(avg_check)?;
    let deals = ratio_of(revenue) / check;
    let needs = Chain::new(&[conversion])?.needs(&deals, Rounding::End);
    let [leads, deals] = needs.as_slice() else {
        return None;
    };
    Some(Decomposition {
        deals: deals.to_u64()?,
        leads: leads.to_u64()?,
    })
}

/// The revenue at which costs (payroll included) are covered: `costs / margin` (R31); `None` for a
/// margin that is not above zero.
pub fn break_even_revenue(costs: Decimal, margin: Decimal) -> Option<BigRational> {
    Some(ratio_of(costs) / positive(margin)?)
}

/// The profit that leads bring at this conversion `(won, of)`, check and margin, after the costs;
/// negative below the break-even point. The same equation as [`decompose`], solved for the profit.
pub fn profit_of(
    leads: u64,
    conversion: (u64, u64),
    avg_check: Decimal,
    margin: Decimal,
    costs: Decimal,
) -> Option<BigRational> {
    if conversion.1 == 0 {
        return None;
    }
    let won = BigRational::new(BigInt::from(leads) * conversion.0, conversion.1.into());
    Some(won * ratio_of(avg_check) * ratio_of(margin) - ratio_of(costs))
}

/// The average check at which this many leads with this conversion bring the revenue; `None` when
/// they bring no deal at all.
pub fn check_for(revenue: Decimal, leads: u64, conversion: (u64, u64)) -> Option<BigRational> {
    if leads == 0 || conversion.0 == 0 {
        return None;
    }
    let won = BigRational::new(
        BigInt::from(leads) * conversion.0,
        conversion.1.max(1).into(),
    );
    Some(ratio_of(revenue) / won)
}

/// The conversion at which this many leads with this check bring the revenue; `None` without leads
/// or check. Above one it cannot be reached.
pub fn conversion_for(revenue: Decimal, leads: u64, avg_check: Decimal) -> Option<BigRational> {
    let leads = (leads > 0).then(|| BigRational::from(BigInt::from(leads)))?;
    Some(ratio_of(revenue) / positive(avg_check)? / leads)
}

/// A plan whose numbers do not fit together (R45).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// What the planned deals bring at the average check.
    pub earned: BigRational,
    /// The deals that the planned revenue takes.
    pub deals_needed: BigInt,
}

/// Compares planned deals × average check with the planned revenue: "20 sales at 40 000 are
/// 820 000" is a contradiction, since they are 800 000 and 820 000 takes 21 sales. `None` when the
/// deals are exactly as many as the revenue takes, or when there is no check to compare by.
pub fn contradiction(
    deals: Decimal,
    avg_check: Decimal,
    revenue: Decimal,
) -> Option<Contradiction> {
    let check = positive(avg_check)?;
    let earned = ratio_of(deals) * &check;
    let deals_needed = ceiling(&(ratio_of(revenue) / check));
    let fits = ratio_of(deals) == BigRational::from(deals_needed.clone());
    (!fits).then_some(Contradiction {
        earned,
        deals_needed,
    })
}

/// The smallest whole number that is not below.
pub(super) fn ceiling(value: &BigRational) -> BigInt {
    value.ceil().to_integer()
}

/// A number above zero as an exact fraction.
pub(super) fn positive(number: Decimal) -> Option<BigRational> {
    let exact = ratio_of(number);
    exact.is_positive().then_some(exact)
}

/// A whole number as a decimal; `None` when it does not fit.
pub(super) fn decimal_of(whole: &BigInt) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(whole.to_i128()?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn whole(value: i64) -> BigRational {
        BigRational::from(BigInt::from(value))
    }

    fn needs(conversions: &[(u64, u64)], goal: i64, rounding: Rounding) -> Vec<u64> {
        let chain = Chain::new(conversions).unwrap();
        chain
            .needs(&whole(goal), rounding)
            .iter()
            .map(|need| need.to_u64().unwrap())
            .collect()
    }

    #[test]
    fn f1_break_even_of_the_source() {
        assert_eq!(
            break_even_revenue(number("400000"), number("0.5")),
            Some(whole(800_000))
        );
        let plan = decompose(number("800000"), number("40000"), (1, 1)).unwrap();
        assert_eq!(plan.deals, 20);
        // four sellers: 200 000 each, pay 20 000 + 15 %
        assert_eq!(crate::domain::money::split_evenly(800_000, 4), [200_000; 4]);
        assert_eq!(break_even_revenue(number("400000"), Decimal::ZERO), None);
    }

    #[test]
    fn f1_contradiction_is_flagged() {
        let found = contradiction(number("20"), number("40000"), number("820000")).unwrap();
        assert_eq!(found.earned, whole(800_000));
        assert_eq!(found.deals_needed, BigInt::from(21));
        assert_eq!(
            contradiction(number("20"), number("40000"), number("800000")),
            None
        );
        assert_eq!(
            contradiction(number("21"), number("40000"), number("820000")),
            None
        );
        assert!(contradiction(number("20"), Decimal::ZERO, number("1")).is_none());
    }

    #[test]
    fn f2_decomposition_and_points() {
        let need = needs(&[(75, 1200), (36, 75), (15, 36)], 20, Rounding::End);
        assert_eq!(need, [1600, 100, 48, 20]);
        let per_seller: Vec<u64> = need.iter().map(|need| need / 4).collect();
        assert_eq!(per_seller, [400, 25, 12, 5]);
        let points: u64 = per_seller
            .iter()
            .zip([1, 10, 20, 0])
            .map(|(n, coef)| n * coef)
            .sum();
        assert_eq!(points, 890);
    }

    #[test]
    fn f3_rounding_traps() {
        assert_eq!(needs(&[(1, 49)], 1, Rounding::End), [49, 1]);
        let chain = [(1, 9), (2, 7), (3, 10)];
        assert_eq!(needs(&chain, 7, Rounding::End)[0], 735);
        assert_eq!(needs(&chain, 7, Rounding::Stepwise)[0], 756);
        assert_eq!(Chain::new(&[(0, 5)]), None);
        assert_eq!(Chain::new(&[(5, 0)]), None);
    }

    #[test]
    fn f5_deals_and_leads_of_the_source() {
        let plan = decompose(number("1000000"), number("25000"), (5, 100));
        assert_eq!(
            plan,
            Some(Decomposition {
                deals: 40,
                leads: 800
            })
        );
        assert_eq!(decompose(number("1000000"), Decimal::ZERO, (5, 100)), None);
        assert_eq!(
            decompose(number("1000000"), number("25000"), (0, 100)),
            None
        );
        // one rounding at the end: 980 000 / 25 000 = 39.2 → 784 leads, not ⌈40 / 0.05⌉ = 800
        let plan = decompose(number("980000"), number("25000"), (5, 100));
        assert_eq!(
            plan,
            Some(Decomposition {
                deals: 40,
                leads: 784
            })
        );
    }

    #[test]
    fn r30_any_unknown_follows_from_the_others() {
        let conversion = (5, 100);
        let profit = profit_of(
            800,
            conversion,
            number("25000"),
            number("0.5"),
            number("400000"),
        );
        assert_eq!(profit, Some(whole(100_000)));
        assert_eq!(
            check_for(number("1000000"), 800, conversion),
            Some(whole(25_000))
        );
        assert_eq!(
            conversion_for(number("1000000"), 800, number("25000")),
            Some(BigRational::new(5.into(), 100.into()))
        );
        assert_eq!(conversion_for(number("1"), 0, number("1")), None);
        assert_eq!(check_for(number("1"), 1, (0, 5)), None);
        assert_eq!(
            profit_of(1, (1, 0), number("1"), number("1"), number("1")),
            None
        );
    }

    proptest! {
        #[test]
        fn each_need_suffices_and_one_less_does_not(
            conversions in prop::collection::vec((1_u64..50, 1_u64..500), 1..5),
            goal in 1_i64..10_000,
        ) {
            let chain = Chain::new(&conversions).unwrap();
            let needs = chain.needs(&whole(goal), Rounding::End);
            let through = |first: BigInt| chain.conversions.iter()
                .fold(BigRational::from(first), |count, conversion| count * conversion);
            prop_assert!(through(needs[0].clone()) >= whole(goal));
            prop_assert!(through(needs[0].clone() - 1) < whole(goal));
            let stepwise = chain.needs(&whole(goal), Rounding::Stepwise);
            prop_assert!(stepwise[0] >= needs[0]);
        }
    }
}
