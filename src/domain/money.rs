//! Exact money and exact splitting.

/// An amount of money, exact, in units of 1/10 000 of a currency unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// The amount of this many units of 1/10 000.
    pub const fn from_units(units: i64) -> Money {
        Money(units)
    }

    /// The amount in units of 1/10 000.
    pub const fn units(self) -> i64 {
        self.0
    }
}
