//! A plan's whole → its parts: a year over months, a month over workdays (R22, R29, R32).
//!
//! Every split adds up to its whole to the unit or the kopeck, by largest remainder.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rust_decimal::Decimal;

use crate::domain::calendar::{Calendar, Day, Month};
use crate::domain::money::{ratio_of, round_half_even, split_by_weights, split_evenly};

/// Months of a year.
pub(super) const MONTHS: usize = 12;

/// In what a row is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// Whole things.
    Unit,
    /// Kopecks.
    Kopeck,
}

impl Grain {
    fn scale(self) -> u32 {
        match self {
            Grain::Unit => 0,
            Grain::Kopeck => 2,
        }
    }

    /// A fraction rounded half to even to this grain; `None` when it does not fit.
    pub(super) fn round(self, value: &BigRational) -> Option<Decimal> {
        let grains = value * BigInt::from(10_i64.pow(self.scale()));
        let whole = round_half_even(&grains).to_i128()?;
        Some(
            Decimal::try_from_i128_with_scale(whole, self.scale())
                .ok()?
                .normalize(),
        )
    }

    /// A number in whole grains, and what is finer than the grain; `None` when it does not fit.
    pub(super) fn whole(self, number: Decimal) -> Option<(i128, Decimal)> {
        let factor = Decimal::from(10_u32.pow(self.scale()));
        let grains = number.checked_mul(factor)?;
        let whole = grains.trunc();
        let finer = (grains - whole).checked_div(factor)?;
        Some((i128::try_from(whole).ok()?, finer))
    }

    /// So many grains as a number; zero beyond what a number holds.
    pub(super) fn amount(self, grains: i128) -> Decimal {
        Decimal::try_from_i128_with_scale(grains, self.scale()).unwrap_or_default()
    }

    /// Divides a total in proportion to weights; what is finer than the grain (a typed half, say)
    /// stays with the first part, so that the parts always add up. `None` when it does not fit.
    pub(super) fn split(self, total: Decimal, weights: &[BigRational]) -> Option<Vec<Decimal>> {
        let (count, finer) = self.whole(total)?;
        let parts = split_by_weights(count, weights);
        let mut parts: Vec<Decimal> = parts
            .into_iter()
            .map(|part| Decimal::try_from_i128_with_scale(part, self.scale()).ok())
            .collect::<Option<_>>()?;
        if let Some(first) = parts.first_mut() {
            *first += finer;
        }
        Some(parts.into_iter().map(|part| part.normalize()).collect())
    }
}

/// How the months of a year stand to each other: `(1 + growth)^(m−1) × s_m`, the coefficients
/// normalised to a sum of twelve. All zero coefficients count as all alike.
///
/// Kept as whole weights and one fraction that scales them, because reducing twelve fractions with
/// hundreds of digits is what would take most of a plan's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// The months in proportion.
    pub(super) weights: Vec<BigRational>,
    /// What one unit of weight is worth, in months of average season before growth.
    unit: BigRational,
}

impl Shape {
    /// The shape of a year with this growth a month and these coefficients.
    pub(super) fn new(growth: Decimal, seasonality: &[Decimal; MONTHS]) -> Shape {
        let rate = ratio_of(Decimal::ONE + growth);
        let coefficients = whole_coefficients(seasonality);
        let months = coefficients.len() as u32;
        let mut weights = Vec::with_capacity(coefficients.len());
        for (month, coefficient) in (0_u32..).zip(&coefficients) {
            let grown = rate.numer().pow(month) * rate.denom().pow(months - 1 - month);
            weights.push(BigRational::from(grown * coefficient));
        }
        let sum: BigInt = coefficients.iter().sum();
        let unit = BigRational::new(months.into(), rate.denom().pow(months - 1) * sum);
        Shape { weights, unit }
    }

    /// The twelve months of `base × shape`; their total is rounded once, and they add up to it.
    pub(super) fn year_of(&self, base: &BigRational, grain: Grain) -> Option<Vec<Decimal>> {
        let whole: BigInt = self.weights.iter().map(BigRational::numer).sum();
        grain.split(grain.round(&(base * &self.unit * whole))?, &self.weights)
    }
}

/// Coefficients as whole numbers in the same proportion; all ones when they add up to nothing.
fn whole_coefficients(coefficients: &[Decimal; MONTHS]) -> Vec<BigInt> {
    let places = coefficients
        .iter()
        .map(Decimal::scale)
        .max()
        .unwrap_or_default();
    let whole: Vec<BigInt> = coefficients
        .iter()
        .map(|coefficient| {
            BigInt::from(coefficient.mantissa())
                * BigInt::from(10).pow(places - coefficient.scale())
        })
        .collect();
    let sum: BigInt = whole.iter().sum();
    if sum.is_positive() {
        whole
    } else {
        vec![BigInt::one(); MONTHS]
    }
}

/// Month coefficients from a company's full calendar years (R29): the mean over the years of
/// month over the year's average, as decimals with four places that add up to twelve. `None`
/// with fewer than two years, or when a year is empty.
pub fn seasonality(years: &[[Decimal; MONTHS]]) -> Option<[Decimal; MONTHS]> {
    const PLACES: u32 = 4;
    if years.len() < 2 {
        return None;
    }
    let mut mean = vec![BigRational::zero(); MONTHS];
    for year in years {
        let exact = year.map(ratio_of);
        let sum: BigRational = exact.iter().sum();
        if !sum.is_positive() {
            return None;
        }
        for (mean, month) in mean.iter_mut().zip(&exact) {
            *mean += month / &sum;
        }
    }
    let parts = split_by_weights(MONTHS as i128 * 10_i128.pow(PLACES), &mean);
    let mut coefficients = [Decimal::ONE; MONTHS];
    for (coefficient, part) in coefficients.iter_mut().zip(parts) {
        *coefficient = Decimal::try_from_i128_with_scale(part, PLACES)
            .ok()?
            .normalize();
    }
    Some(coefficients)
}

/// A month's count spread over its workdays, in order; empty for a month without workdays.
pub fn over_workdays(total: u64, calendar: &Calendar, month: Month) -> Vec<(Day, i128)> {
    let workdays: Vec<Day> = month
        .days()
        .filter(|day| calendar.is_workday(*day))
        .collect();
    let parts = split_evenly(i128::from(total), workdays.len());
    workdays.into_iter().zip(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_rising_year_adds_up_to_the_kopeck() {
        let shape = Shape::new(number("0.02"), &[Decimal::ONE; MONTHS]);
        let months = shape
            .year_of(&ratio_of(number("1000000")), Grain::Kopeck)
            .unwrap();
        // 1 000 000 × (1.02^12 − 1) / 0.02 = 13 412 089.7278…
        assert_eq!(months.iter().sum::<Decimal>(), number("13412089.73"));
        assert_eq!(months[0], number("1000000"));
        assert_eq!(months[1], number("1020000"));
        assert!(months.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn coefficients_are_normalised() {
        let mut winter = [Decimal::ZERO; MONTHS];
        (winter[0], winter[11]) = (number("3"), number("1.00"));
        let hundred = ratio_of(number("100"));
        let year = |coefficients| {
            Shape::new(Decimal::ZERO, &coefficients)
                .year_of(&hundred, Grain::Unit)
                .unwrap()
        };
        let winter = year(winter);
        assert_eq!((winter[0], winter[11]), (number("900"), number("300")));
        assert_eq!(winter.iter().sum::<Decimal>(), number("1200"));
        assert_eq!(year([Decimal::ZERO; MONTHS]), vec![number("100"); MONTHS]);
    }

    #[test]
    fn seasonality_comes_from_two_full_years() {
        let mut first = [number("100"); MONTHS];
        first[11] = number("200");
        let second = first.map(|month| month * number("3"));
        let found = seasonality(&[first, second]).unwrap();
        assert_eq!(found.iter().sum::<Decimal>(), number("12"));
        // 1.84615… and 11 × 0.92307…: nine of the twelve are rounded up to make twelve
        assert_eq!(found[11], number("1.8461"));
        assert_eq!(found[0], number("0.9231"));
        assert_eq!(seasonality(&[first]), None);
        assert_eq!(seasonality(&[first, [Decimal::ZERO; MONTHS]]), None);
    }

    #[test]
    fn f5_leads_over_the_workdays_of_november_2026() {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let november = Month {
            year: 2026,
            month: 11,
        };
        let days = over_workdays(800, &calendar, november);
        let counts: Vec<i128> = days.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts.len(), 21);
        assert_eq!(counts.iter().filter(|count| **count == 39).count(), 2);
        assert_eq!(counts.iter().filter(|count| **count == 38).count(), 19);
        assert_eq!(days[0].0.to_string(), "2026-11-02");
    }

    #[test]
    fn what_is_finer_than_the_grain_stays_with_the_first_part() {
        let halves = vec![BigRational::one(); 2];
        assert_eq!(
            Grain::Unit.split(number("5.5"), &halves),
            Some(vec![number("3.5"), number("2")])
        );
        assert_eq!(
            Grain::Kopeck.split(number("0.015"), &halves),
            Some(vec![number("0.015"), number("0")])
        );
    }
}
