//! Exact money and exact splitting.
//!
//! Owns the money type, its text and number forms, currency conversion, and the division of a
//! whole into parts that add up again. How a plan uses them is `plan`'s business.
//!
//! Money is a whole number of 1/10 000 of a currency unit, because the CRM keeps up to four
//! decimals. Nothing here passes through binary floating point except the two functions at the
//! spreadsheet's edge, [`Money::to_f64`] and [`Money::from_f64`].

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use rust_decimal::Decimal;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Units of [`Money`] in one currency unit.
const UNITS_PER_ONE: i64 = 10_000;
/// Units of [`Money`] in one kopeck (cent).
const UNITS_PER_KOPECK: i64 = 100;
/// Decimals that [`Money`] keeps.
const DECIMALS: usize = 4;

/// An amount of money, exact, in units of 1/10 000 of a currency unit.
///
/// It holds up to about ±922 trillion currency units; what does not fit is an error, never a
/// wrapped number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// Why something is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("`{0}` is not an amount of money; write digits with a point, such as 15000.00")]
    NotANumber(String),
    /// More than four decimals that are not zeros.
    #[error("`{0}` has more than four decimals; round it to 1/10000")]
    TooPrecise(String),
    /// Outside of what [`Money`] holds.
    #[error("`{0}` is too large an amount of money; the limit is 922 trillion")]
    TooLarge(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// The amount of this many units of 1/10 000.
    pub const fn from_units(units: i64) -> Money {
        Money(units)
    }

    /// The amount in units of 1/10 000.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The amount of this many kopecks (cents); `None` when it does not fit.
    pub fn from_kopecks(kopecks: i128) -> Option<Money> {
        let units = kopecks.checked_mul(i128::from(UNITS_PER_KOPECK))?;
        i64::try_from(units).ok().map(Money)
    }

    /// The amount in kopecks (cents), rounded half to even.
    pub fn kopecks(self) -> i128 {
        div_half_even(i128::from(self.0), i128::from(UNITS_PER_KOPECK))
    }

    /// Reads the CRM's text form: an optional sign, digits, and up to four decimals after a point
    /// (more only when they are zeros).
    ///
    /// # Errors
    /// Anything else, with the text as given.
    pub fn parse(text: &str) -> Result<Money, MoneyError> {
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(MoneyError::NotANumber(text.to_owned()));
        }
        let (kept, rest) = fraction.split_at(fraction.len().min(DECIMALS));
        if rest.bytes().any(|byte| byte != b'0') {
            return Err(MoneyError::TooPrecise(text.to_owned()));
        }
        let padding = DECIMALS - kept.len();
        let zeros = std::iter::repeat_n(b'0', padding);
        let mut units: i64 = 0;
        for byte in whole.bytes().chain(kept.bytes()).chain(zeros) {
            let digit = i64::from(byte - b'0');
            let next = units.checked_mul(10).and_then(|units| {
                if negative {
                    units.checked_sub(digit)
                } else {
                    units.checked_add(digit)
                }
            });
            units = next.ok_or_else(|| MoneyError::TooLarge(text.to_owned()))?;
        }
        Ok(Money(units))
    }

    /// The same amount as a decimal, exactly.
    ///
    /// # Errors
    /// More than four decimals, or too large.
    pub fn from_decimal(value: Decimal) -> Result<Money, MoneyError> {
        let value = value.normalize();
        if value.scale() as usize > DECIMALS {
            return Err(MoneyError::TooPrecise(value.to_string()));
        }
        let factor = 10_i128.pow(DECIMALS as u32 - value.scale());
        value
            .mantissa()
            .checked_mul(factor)
            .and_then(|units| i64::try_from(units).ok())
            .map(Money)
            .ok_or_else(|| MoneyError::TooLarge(value.to_string()))
    }

    /// The amount as a decimal without trailing zeros.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, DECIMALS as u32).normalize()
    }

    /// The amount as an exact fraction of a currency unit.
    pub fn to_ratio(self) -> BigRational {
        BigRational::new(BigInt::from(self.0), BigInt::from(UNITS_PER_ONE))
    }

    /// An exact fraction of currency units, rounded half to even to kopecks (D12); `None` when it
    /// does not fit.
    pub fn from_ratio(value: &BigRational) -> Option<Money> {
        let kopecks = value * BigInt::from(UNITS_PER_ONE / UNITS_PER_KOPECK);
        Money::from_kopecks(round_half_even(&kopecks).to_i128()?)
    }

    /// The number as a spreadsheet holds it.
    pub fn to_f64(self) -> f64 {
        // Division of two exact doubles is correctly rounded, so 0.1 comes out as 0.1.
        self.0 as f64 / UNITS_PER_ONE as f64
    }

    /// The amount nearest to a spreadsheet's number; `None` for what is not finite or too large.
    pub fn from_f64(value: f64) -> Option<Money> {
        let units = (value * UNITS_PER_ONE as f64).round_ties_even();
        // `as` saturates, so compare before the cast: 2^63 itself is already outside.
        (units.is_finite() && units.abs() < 9_223_372_036_854_775_808.0)
            .then_some(Money(units as i64))
    }

    /// The sum, or `None` when it does not fit.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// The difference, or `None` when it does not fit.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// The sum of many amounts, or `None` when it does not fit.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Money>) -> Option<Money> {
        let total: i128 = amounts.into_iter().map(|amount| i128::from(amount.0)).sum();
        i64::try_from(total).ok().map(Money)
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This amount of a foreign currency in the base currency, when `amount` of the base currency
    /// are worth `count` of the foreign one; rounded half to even to 1/10 000. `None` when
    /// `count` is zero or the result does not fit.
    pub fn convert(self, amount: Money, count: u64) -> Option<Money> {
        let denominator = i128::from(count) * i128::from(UNITS_PER_ONE);
        if denominator == 0 {
            return None;
        }
        let product = i128::from(self.0) * i128::from(amount.0);
        i64::try_from(div_half_even(product, denominator))
            .ok()
            .map(Money)
    }

    /// The amount rounded half to even to kopecks (D12).
    pub fn round_half_even_kopecks(self) -> Money {
        Money::from_kopecks(self.kopecks()).unwrap_or(self)
    }

    /// This amount shared by `count`, rounded half to even to kopecks; `None` for a count of zero.
    pub fn average(self, count: u64) -> Option<Money> {
        if count == 0 {
            return None;
        }
        let denominator = i128::from(count) * i128::from(UNITS_PER_KOPECK);
        Money::from_kopecks(div_half_even(i128::from(self.0), denominator))
    }
}

/// Plain digits without trailing zeros: `15000`, `15000.5`, `-0.01`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = UNITS_PER_ONE.unsigned_abs();
        let (whole, fraction) = (magnitude / one, magnitude % one);
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl std::str::FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Money, MoneyError> {
        Money::parse(text)
    }
}

/// Text such as `"15000.5"`, so that no reader turns it into a binary fraction.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text or a number, as a configuration file writes it.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        struct AnyForm;
        impl Visitor<'_> for AnyForm {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of money, such as 15000 or \"15000.50\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
                Money::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Money, E> {
                Money::from_decimal(Decimal::from(value)).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Money, E> {
                Money::from_decimal(Decimal::from(value)).map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Money, E> {
                Money::from_f64(value).ok_or_else(|| E::custom(format!("{value} is too large")))
            }
        }
        deserializer.deserialize_any(AnyForm)
    }
}

/// `numerator / denominator` rounded half to even. The denominator must be positive.
pub(super) fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(
        denominator > 0,
        "a rate or a count is never negative or zero here"
    );
    let floor = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    // Compare the rest with its complement instead of doubling it, which could overflow.
    let up = match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    floor + i128::from(up)
}

/// The whole number nearest to an exact fraction, halves to the even one.
pub fn round_half_even(value: &BigRational) -> BigInt {
    let floor = value.floor().to_integer();
    let twice_rest = (value - BigRational::from(floor.clone())) * BigInt::from(2);
    let one = BigRational::from(BigInt::from(1));
    let odd = !(&floor % BigInt::from(2)).is_zero();
    let up = twice_rest > one || (twice_rest == one && odd);
    if up { floor + 1 } else { floor }
}

/// A decimal as an exact fraction.
pub fn ratio_of(value: Decimal) -> BigRational {
    BigRational::new(
        BigInt::from(value.mantissa()),
        BigInt::from(10).pow(value.scale()),
    )
}

/// Divides `total` whole units into one part for each weight, in proportion, by largest
/// remainder; ties go to the earlier part. The parts add up to `total` exactly, whatever its
/// sign, and each differs from its exact share by less than one unit.
///
/// A negative weight counts as zero; when all weights are zero the parts are equal. No weights:
/// no parts.
pub fn split_by_weights(total: i128, weights: &[BigRational]) -> Vec<i128> {
    if weights.is_empty() {
        return Vec::new();
    }
    // Whole numbers in the same proportion: no fraction has to be reduced below.
    let mut weights = whole_weights(weights);
    let mut sum: BigInt = weights.iter().sum();
    if sum.is_zero() {
        weights.fill(BigInt::from(1));
        sum = BigInt::from(weights.len());
    }
    let magnitude = BigInt::from(total.unsigned_abs());
    let mut parts = Vec::with_capacity(weights.len());
    let mut rests = Vec::with_capacity(weights.len());
    for weight in &weights {
        let exact = &magnitude * weight;
        rests.push(&exact % &sum);
        // A part is at most the total, so it fits.
        parts.push((exact / &sum).to_u128().unwrap_or_default());
    }
    let missing = total.unsigned_abs() - parts.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| rests[*b].cmp(&rests[*a]).then(a.cmp(b)));
    for index in order.into_iter().take(missing as usize) {
        parts[index] += 1;
    }
    let signed = |part: u128| {
        if total < 0 {
            0_i128.wrapping_sub_unsigned(part)
        } else {
            part as i128
        }
    };
    parts.into_iter().map(signed).collect()
}

/// The weights times their common denominator; negative ones become zero.
fn whole_weights(weights: &[BigRational]) -> Vec<BigInt> {
    let common = weights.iter().fold(BigInt::from(1), |common, weight| {
        // Reduced, common/denominator has the denominator that `common` lacks.
        let lacking = BigRational::new(common.clone(), weight.denom().clone());
        common * lacking.denom()
    });
    let whole = |weight: &BigRational| weight.numer() * (&common / weight.denom());
    weights
        .iter()
        .map(|weight| {
            if weight.is_negative() {
                BigInt::zero()
            } else {
                whole(weight)
            }
        })
        .collect()
}

/// [`split_by_weights`] with whole weights, such as headcounts.
pub fn split_by_counts(total: i128, weights: &[u64]) -> Vec<i128> {
    let weights: Vec<BigRational> = weights
        .iter()
        .map(|weight| BigRational::from(BigInt::from(*weight)))
        .collect();
    split_by_weights(total, &weights)
}

/// [`split_by_weights`] in equal parts.
pub fn split_evenly(total: i128, parts: usize) -> Vec<i128> {
    split_by_counts(total, &vec![1; parts])
}

/// Divides an amount to the kopeck: the parts add up to `total` exactly (what is finer than a
/// kopeck in `total` stays with the first part). No weights: no parts.
pub fn split_money(total: Money, weights: &[BigRational]) -> Vec<Money> {
    let kopecks = i128::from(total.0 / UNITS_PER_KOPECK);
    let finer = total.0 % UNITS_PER_KOPECK;
    let mut parts: Vec<Money> = split_by_weights(kopecks, weights)
        .into_iter()
        // A part is at most the total, so it fits.
        .filter_map(Money::from_kopecks)
        .collect();
    if let Some(first) = parts.first_mut() {
        first.0 += finer;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn parses_the_crms_text() {
        let cases: &[(&str, Option<i64>)] = &[
            ("15000.00", Some(150_000_000)),
            ("15000", Some(150_000_000)),
            ("-1", Some(-10_000)),
            ("+1.5", Some(15_000)),
            ("0", Some(0)),
            ("0.0001", Some(1)),
            ("-0.01", Some(-100)),
            (".5", Some(5_000)),
            ("5.", Some(50_000)),
            (" 7 ", Some(70_000)),
            ("1.23450000", Some(12_345)),
            ("1.23456", None),
            ("922337203685477.5807", Some(i64::MAX)),
            ("-922337203685477.5808", Some(i64::MIN)),
            ("922337203685477.5808", None),
            ("99999999999999999999999", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1,5", None),
            ("1 000", None),
            ("1e3", None),
            ("1.2.3", None),
            ("--1", None),
            ("abc", None),
            ("1|RUB", None),
            ("١", None),
            ("–1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Money::parse(text).ok().map(Money::units),
                *expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn shows_plain_digits() {
        let cases = [
            ("15000.00", "15000"),
            ("15000.50", "15000.5"),
            ("-0.0100", "-0.01"),
            ("0.0001", "0.0001"),
            ("0", "0"),
            ("-922337203685477.5808", "-922337203685477.5808"),
        ];
        for (text, shown) in cases {
            assert_eq!(money(text).to_string(), shown);
        }
    }

    #[test]
    fn converts_currencies_exactly_and_rounds_halves_to_even() {
        // foreign amount, base units, per count, in base currency
        let cases = [
            ("100", "92.5", 1, "9250"),
            ("1000", "15.25", 100, "152.5"),
            ("0.0001", "0.5", 1, "0"),      // half of a unit: to the even 0
            ("0.0003", "0.5", 1, "0.0002"), // 1.5 units: to the even 2
            ("0.0005", "0.5", 1, "0.0002"), // 2.5 units: to the even 2
            ("-0.0003", "0.5", 1, "-0.0002"),
            ("1", "1", 3, "0.3333"),
            ("2", "1", 3, "0.6667"),
        ];
        for (amount, base, count, expected) in cases {
            let converted = money(amount).convert(money(base), count);
            assert_eq!(
                converted,
                Some(money(expected)),
                "{amount} at {base}/{count}"
            );
        }
        assert_eq!(money("1").convert(money("1"), 0), None);
        assert_eq!(Money(i64::MAX).convert(money("2"), 1), None);
    }

    #[test]
    fn rounds_to_kopecks_half_to_even() {
        let cases = [
            ("0.005", "0"),
            ("0.015", "0.02"),
            ("0.025", "0.02"),
            ("0.0251", "0.03"),
            ("-0.015", "-0.02"),
            ("-0.005", "0"),
            ("1.2349", "1.23"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                money(text).round_half_even_kopecks(),
                money(expected),
                "{text}"
            );
        }
        assert_eq!(money("100").average(3), Some(money("33.33")));
        assert_eq!(money("0.05").average(2), Some(money("0.02")));
        assert_eq!(money("0.07").average(2), Some(money("0.04")));
        assert_eq!(money("1").average(0), None);
    }

    #[test]
    fn crosses_the_sheets_edge() {
        for text in ["0.1", "15000.5", "-1234567.89", "0.0001", "99999999.99"] {
            let exact: f64 = text.parse().unwrap();
            assert_eq!(money(text).to_f64().to_bits(), exact.to_bits());
            assert_eq!(Money::from_f64(exact), Some(money(text)));
        }
        assert_eq!(Money::from_f64(0.30000000000000004), Some(money("0.3")));
        assert_eq!(Money::from_f64(f64::NAN), None);
        assert_eq!(Money::from_f64(f64::INFINITY), None);
        assert_eq!(Money::from_f64(1e15), None);
    }

    #[test]
    fn keeps_decimals_exact() {
        assert_eq!(
            Money::from_decimal(Decimal::new(150_000, 1)),
            Ok(money("15000"))
        );
        assert_eq!(
            Money::from_decimal("1.50000000".parse().unwrap()),
            Ok(money("1.5"))
        );
        assert!(Money::from_decimal("0.00001".parse().unwrap()).is_err());
        assert!(Money::from_decimal(Decimal::MAX).is_err());
        assert_eq!(money("15000.50").to_decimal().to_string(), "15000.5");
    }

    #[test]
    fn reads_a_configurations_forms() {
        let read = |json: &str| serde_json::from_str::<Money>(json).ok();
        assert_eq!(read("1000000"), Some(money("1000000")));
        assert_eq!(read("\"1000.50\""), Some(money("1000.5")));
        assert_eq!(read("1000.5"), Some(money("1000.5")));
        assert_eq!(read("\"a lot\""), None);
        assert_eq!(serde_json::to_string(&money("7.10")).unwrap(), "\"7.1\"");
    }

    #[test]
    fn f4_split_of_101_meetings_over_4_sellers() {
        assert_eq!(split_evenly(101, 4), [26, 25, 25, 25]);
    }

    #[test]
    fn f5_split_of_800_leads_over_21_and_20_workdays() {
        let november = split_evenly(800, 21);
        assert_eq!(november[..2], [39, 39]);
        assert!(november[2..].iter().all(|part| *part == 38));
        assert_eq!(november.iter().sum::<i128>(), 800);
        assert_eq!(split_evenly(800, 20), vec![40; 20]);
    }

    #[test]
    fn splits_by_weights_with_every_odd_case() {
        let cases: &[(i128, &[u64], &[i128])] = &[
            (10, &[1, 1, 1], &[4, 3, 3]),
            (10, &[0, 1], &[0, 10]),
            (10, &[0, 0], &[5, 5]),
            (-10, &[1, 1, 1], &[-4, -3, -3]),
            (0, &[3, 4], &[0, 0]),
            (1, &[1, 2, 1], &[0, 1, 0]),
            (100, &[1, 2, 3], &[17, 33, 50]),
            (5, &[], &[]),
        ];
        for (total, weights, expected) in cases {
            assert_eq!(
                split_by_counts(*total, weights),
                *expected,
                "{total} by {weights:?}"
            );
        }
        let thirds = vec![BigRational::from(BigInt::from(1)); 3];
        assert_eq!(
            split_money(money("100"), &thirds),
            [money("33.34"), money("33.33"), money("33.33")]
        );
        assert_eq!(
            split_money(money("0.0001"), &thirds),
            [money("0.0001"), Money::ZERO, Money::ZERO]
        );
    }

    proptest! {
        #[test]
        fn parts_add_up_and_stay_near_their_share(
            total in -1_000_000_000_000_i128..1_000_000_000_000,
            weights in prop::collection::vec(0_u64..1_000_000, 1..40),
        ) {
            let parts = split_by_counts(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().sum::<i128>(), total);
            let sum: u64 = weights.iter().sum();
            if sum > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let distance = part * i128::from(sum) - total * i128::from(*weight);
                    prop_assert!(distance.abs() < i128::from(sum));
                }
            }
        }

        #[test]
        fn text_and_decimal_forms_come_back(units in any::<i64>()) {
            let amount = Money::from_units(units);
            prop_assert_eq!(Money::parse(&amount.to_string()), Ok(amount));
            prop_assert_eq!(Money::from_decimal(amount.to_decimal()), Ok(amount));
        }

        #[test]
        fn sheet_numbers_come_back(units in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
            let amount = Money::from_units(units);
            prop_assert_eq!(Money::from_f64(amount.to_f64()), Some(amount));
        }
    }
}
