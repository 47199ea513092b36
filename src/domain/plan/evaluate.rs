//! Test support: computes the formulas of derivations, so that each can be held against its cell.
//!
//! `800 = 40 ÷ 5/100`: a fraction written with `/` binds tighter than `÷`; `⌈…⌉` rounds up to the
//! unit, `⌊…⌋` down to the unit or the kopeck.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use rust_decimal::Decimal;

use crate::domain::money::ratio_of;

/// The two sides of a derivation and whether they must be equal exactly; `None` for one without a
/// right side, or that cannot be read.
pub(super) fn sides(formula: &str, unit: Decimal) -> Option<(BigRational, BigRational, bool)> {
    let (left, right, exact) = match formula.split_once(" = ") {
        Some((left, right)) => (left, right, true),
        None => {
            let (left, right) = formula.split_once(" ≈ ")?;
            (left, right, false)
        }
    };
    let left: Decimal = left.parse().ok()?;
    let mut reader = Reader {
        rest: right.trim(),
        unit: ratio_of(unit),
    };
    let value = reader.sum()?;
    reader
        .rest
        .is_empty()
        .then_some((ratio_of(left), value, exact))
}

struct Reader<'a> {
    rest: &'a str,
    unit: BigRational,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<BigRational> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('−') {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<BigRational> {
        let mut value = self.factor()?;
        loop {
            if self.take('×') {
                value *= self.factor()?;
            } else if self.take('÷') {
                let by = self.factor()?;
                value = (!by.is_zero()).then(|| value / by)?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<BigRational> {
        if self.take('(') {
            let inside = self.sum()?;
            return self.take(')').then_some(inside);
        }
        if self.take('⌈') {
            let inside = self.sum()?;
            return self.take('⌉').then(|| inside.ceil());
        }
        if self.take('⌊') {
            let inside = self.sum()?;
            let unit = self.unit.clone();
            return self.take('⌋').then(|| (inside / &unit).floor() * unit);
        }
        let number = self.number()?;
        if self.take('/') {
            return Some(number / self.number()?);
        }
        if self.take('^') {
            let times = self.number()?.to_integer();
            let mut power = BigRational::one();
            let mut count = BigInt::zero();
            while count < times {
                power *= &number;
                count += 1;
            }
            return Some(power);
        }
        Some(number)
    }

    fn number(&mut self) -> Option<BigRational> {
        let end = self
            .rest
            .char_indices()
            .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
            .map_or(self.rest.len(), |(at, _)| at);
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        match digits.parse::<Decimal>() {
            Ok(number) => Some(ratio_of(number)),
            // Weights may have more digits than a decimal holds.
            Err(_) => Some(BigRational::from(digits.parse::<BigInt>().ok()?)),
        }
    }
}

#[test]
fn formulas_are_computed_as_they_are_read() {
    for (formula, is_true) in [
        ("1600 = 20 ÷ 15/36 ÷ 36/75 ÷ 75/1200", true),
        ("1600 = 20 ÷ 15/36 ÷ 36/75 ÷ 75/1201", false),
        ("49 = ⌈7 ÷ (1/7)⌉", true),
        ("38.1 = ⌊800 × 1 ÷ 21⌋ + 0.01", true),
        ("3 = 2 × (4 − 1) ÷ 2", true),
        ("1.1025 = 1.05^2", true),
        ("9 = 10 +", false),
    ] {
        let holds =
            sides(formula, Decimal::new(1, 2)).is_some_and(|(left, right, _)| left == right);
        assert_eq!(holds, is_true, "{formula}");
    }
}
