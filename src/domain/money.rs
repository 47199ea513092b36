//! Exact money and exact splitting.

/// An amount of money, exact, in units of 1/10 000 of a currency unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);
