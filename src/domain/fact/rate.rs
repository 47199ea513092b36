//! Amounts → the company's currency, exactly; a currency without a rate is never guessed (D6).

use crate::domain::crm::{Currency, RateTable};
use crate::domain::money::{Money, div_half_even};

/// Units of the company's currency for one unit of another, as an exact fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rate {
    /// The company's own currency.
    Same,
    /// `numerator / denominator`, the denominator above zero.
    Ratio(i128, i128),
    /// Not in the portal's table.
    Unknown,
}

impl Rate {
    /// The rate from the currency `code` to the company's currency `base`.
    ///
    /// The portal's rates are against the portal's own base currency. When the company reports in
    /// another one, the two rates are crossed.
    pub(super) fn between(code: &str, base: &str, rates: &[Currency]) -> Rate {
        if code == base {
            return Rate::Same;
        }
        match (portal_rate(code, rates), portal_rate(base, rates)) {
            (Some((amount, count)), Some((base_amount, base_count))) => {
                let numerator = amount.checked_mul(base_count);
                let denominator = count.checked_mul(base_amount);
                match (numerator, denominator) {
                    (Some(numerator), Some(denominator)) => Rate::Ratio(numerator, denominator),
                    _ => Rate::Unknown,
                }
            }
            _ => Rate::Unknown,
        }
    }

    /// The rate that was in force at an instant, Unix seconds; tables are oldest first.
    pub(super) fn at(code: &str, at: i64, base: &str, tables: &[RateTable]) -> Rate {
        let later = tables.partition_point(|table| table.since <= at);
        let table = tables.get(later.saturating_sub(1));
        Rate::between(code, base, table.map_or(&[][..], |table| &table.currencies))
    }

    /// An amount in the company's currency, in units, rounded half to even to 1/10 000; `None`
    /// when there is no rate or the result does not fit.
    pub(super) fn apply(self, amount: Money) -> Option<i64> {
        match self {
            Rate::Same => Some(amount.units()),
            Rate::Ratio(numerator, denominator) => {
                let product = i128::from(amount.units()).checked_mul(numerator)?;
                i64::try_from(div_half_even(product, denominator)).ok()
            }
            Rate::Unknown => None,
        }
    }
}

/// A currency's rate to the portal's base currency as (units of the base, units of it), both above
/// zero.
fn portal_rate(code: &str, rates: &[Currency]) -> Option<(i128, i128)> {
    let found = rates.iter().find(|rate| rate.code == code)?;
    if found.base {
        return Some((1, 1));
    }
    let amount = i128::from(found.amount.units());
    let one = i128::from(Money::from_kopecks(100)?.units());
    let count = i128::from(found.count).checked_mul(one)?;
    (amount > 0 && count > 0).then_some((amount, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str, amount: &str, count: u64, base: bool) -> Currency {
        Currency {
            code: code.to_owned(),
            amount: Money::parse(amount).unwrap(),
            count,
            base,
        }
    }

    #[test]
    fn rates_cross_over_the_portals_base() {
        let rates = [
            currency("RUB", "1", 1, true),
            currency("USD", "92.5", 1, false),
            currency("KZT", "18.5", 100, false),
            currency("BAD", "0", 1, false),
            currency("ZERO", "1", 0, false),
        ];
        // code, company's currency, amount, expected
        let cases = [
            ("RUB", "RUB", "7.1", Some("7.1")),
            ("USD", "RUB", "10", Some("925")),
            ("KZT", "RUB", "1000", Some("185")),
            ("RUB", "USD", "925", Some("10")),
            ("RUB", "USD", "1", Some("0.0108")),
            ("KZT", "USD", "500", Some("1")),
            ("USD", "KZT", "1", Some("500")),
            ("EUR", "RUB", "1", None),
            ("RUB", "EUR", "1", None),
            ("EUR", "EUR", "1", Some("1")),
            ("BAD", "RUB", "1", None),
            ("ZERO", "RUB", "1", None),
            ("", "RUB", "1", None),
            ("USD", "RUB", "900000000000000", None),
        ];
        for (code, base, amount, expected) in cases {
            let converted = Rate::between(code, base, &rates).apply(Money::parse(amount).unwrap());
            let expected = expected.map(|text| Money::parse(text).unwrap().units());
            assert_eq!(converted, expected, "{amount} {code} in {base}");
        }
        let own = Rate::between("EUR", "EUR", &[]);
        assert_eq!(own, Rate::Same);
    }
}
