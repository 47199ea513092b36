//! Fact against plan in a running month, counted in workdays (D7, D11).
//!
//! Each function multiplies first and divides once, so that the only rounding is the 28th digit of
//! that division. Where there is nothing to divide by, the answer is `None`, shown as "—" (F7).

use rust_decimal::Decimal;

use crate::domain::calendar::{Calendar, Day, Month};

/// How far a month has come, in workdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Workdays of the month.
    pub workdays: u32,
    /// Those that were over before today began.
    pub elapsed: u32,
    /// Those still to come, today included.
    pub remaining: u32,
}

impl Pace {
    /// A month's pace as of `today`.
    pub fn of(calendar: &Calendar, month: Month, today: Day) -> Pace {
        Pace {
            workdays: calendar.workdays(month),
            elapsed: calendar.workdays_elapsed(month, today),
            remaining: calendar.workdays_remaining(month, today),
        }
    }

    /// Run-rate forecast of the month (R85): `fact × workdays / elapsed`; `None` before the first
    /// workday is over.
    pub fn run_rate(self, fact: Decimal) -> Option<Decimal> {
        let whole = fact.checked_mul(self.workdays.into())?;
        divided(whole, self.elapsed.into())
    }

    /// Pace share (D11): `fact / (plan × elapsed / workdays)`; 1 is exactly on plan. `None` without
    /// a plan or before the first workday is over.
    pub fn share(self, fact: Decimal, plan: Decimal) -> Option<Decimal> {
        let whole = fact.checked_mul(self.workdays.into())?;
        divided(whole, plan.checked_mul(self.elapsed.into())?)
    }

    /// What each remaining workday must bring to reach the plan (R46): `(plan − fact) /
    /// remaining`; zero once it is reached, `None` when no workday is left.
    pub fn needed_a_day(self, fact: Decimal, plan: Decimal) -> Option<Decimal> {
        let missing = plan.checked_sub(fact)?.max(Decimal::ZERO);
        divided(missing, self.remaining.into())
    }
}

/// Completion share (D11): `fact / plan`; `None` for a plan of zero.
pub fn completion(fact: Decimal, plan: Decimal) -> Option<Decimal> {
    divided(fact, plan)
}

/// Deviation (D11): `fact − plan`.
pub fn deviation(fact: Decimal, plan: Decimal) -> Decimal {
    fact - plan
}

fn divided(whole: Decimal, by: Decimal) -> Option<Decimal> {
    whole.checked_div(by).map(|quotient| quotient.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_running_month_by_workdays() {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let november = Month {
            year: 2026,
            month: 11,
        };
        // today, fact, plan → run-rate, pace share, needed a day; "-" is blank
        let cases = [
            (
                "2026-11-16",
                "400",
                "800",
                "840",
                "1.05",
                "36.363636363636363636363636364",
            ),
            ("2026-11-16", "900", "800", "1890", "2.3625", "0"),
            (
                "2026-11-16",
                "0",
                "800",
                "0",
                "0",
                "72.727272727272727272727272727",
            ),
            // the first workday is not over
            (
                "2026-11-02",
                "10",
                "800",
                "-",
                "-",
                "37.619047619047619047619047619",
            ),
            // the month is over: the forecast is the fact, and nothing is left to do
            ("2026-12-01", "790", "800", "790", "0.9875", "-"),
            // F7: no plan, no share
            ("2026-11-16", "5", "0", "10.5", "-", "0"),
        ];
        for (today, fact, plan, run_rate, share, needed) in cases {
            let pace = Pace::of(&calendar, november, today.parse().unwrap());
            let (fact, plan) = (number(fact), number(plan));
            let show = |value: Option<Decimal>| value.map_or("-".to_owned(), |v| v.to_string());
            assert_eq!(show(pace.run_rate(fact)), run_rate, "{today} {fact}");
            assert_eq!(show(pace.share(fact, plan)), share, "{today} {fact}");
            assert_eq!(
                show(pace.needed_a_day(fact, plan)),
                needed,
                "{today} {fact}"
            );
        }
    }

    #[test]
    fn completion_needs_a_plan() {
        assert_eq!(completion(number("5"), number("4")), Some(number("1.25")));
        assert_eq!(completion(number("5"), Decimal::ZERO), None);
        assert_eq!(deviation(number("5"), number("8")), number("-3"));
    }
}
