//! Days, months and instants, which are different types; month borders in a company's zone.

use std::collections::BTreeSet;

/// A point in time. Only [`Calendar`] turns it into a day or a month.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A calendar day without a zone.
pub type Day = chrono::NaiveDate;

/// A calendar month, such as March 2026; its text form is `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

/// A company's calendar: its time zone and the days on which it does not work (D1, D7).
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The IANA time zone in which days and months are cut.
    pub zone: chrono_tz::Tz,
    /// Days off besides Saturdays and Sundays.
    pub holidays: BTreeSet<Day>,
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}
