//! The call goal: how many different people an employee really talked to in a day (R69).
//!
//! A call counts when the company made it, people spoke, and it was *longer* than the goal's seconds. A
//! number counts once an employee and day, however often it was called; another employee's call to it
//! counts for him. Days are the company's. Calls without a number cannot be told apart: together they
//! count as one number.

use std::collections::{BTreeMap, BTreeSet};

use super::deeds::was_made;
use crate::domain::calendar::{Calendar, Day};
use crate::domain::crm::{Call, PhoneMark};

/// What is asked of each employee every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallGoal {
    /// Different numbers a day.
    pub numbers: u32,
    /// A call counts when it was longer than so many seconds.
    pub seconds: u64,
    /// Whether a number counts once a day; otherwise each call counts.
    pub unique: bool,
}

impl Default for CallGoal {
    /// Fifty different numbers a day, each for more than two minutes.
    fn default() -> CallGoal {
        CallGoal {
            numbers: 50,
            seconds: 120,
            unique: true,
        }
    }
}

/// The calls of an employee's day that count for the goal.
#[derive(Debug, Clone, Default)]
struct Talked {
    calls: u32,
    numbers: BTreeSet<Option<PhoneMark>>,
}

/// Counts calls by employee and day.
#[derive(Debug, Clone)]
pub struct CallDays<'a> {
    goal: CallGoal,
    calendar: &'a Calendar,
    days: BTreeMap<(u64, Day), Talked>,
}

impl<'a> CallDays<'a> {
    /// Nothing counted yet.
    pub fn new(goal: CallGoal, calendar: &'a Calendar) -> CallDays<'a> {
        CallDays {
            goal,
            calendar,
            days: BTreeMap::new(),
        }
    }

    /// Adds a call.
    pub fn call(&mut self, call: &Call) {
        if was_made(call) && call.seconds > self.goal.seconds {
            let day = self.calendar.day_of(call.at);
            let talked = self.days.entry((call.user, day)).or_default();
            talked.calls += 1;
            talked.numbers.insert(call.phone);
        }
    }

    /// What counts of an employee's day.
    pub fn reached(&self, user: u64, day: Day) -> u32 {
        let Some(talked) = self.days.get(&(user, day)) else {
            return 0;
        };
        match self.goal.unique {
            true => u32::try_from(talked.numbers.len()).unwrap_or(u32::MAX),
            false => talked.calls,
        }
    }

    /// The share of the goal as numerator and denominator; none without a goal (F7).
    pub fn share(&self, user: u64, day: Day) -> Option<(u32, u32)> {
        (self.goal.numbers > 0).then(|| (self.reached(user, day), self.goal.numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::crm::Direction;

    fn call(at: &str, user: u64, seconds: u64, number: Option<u8>) -> Call {
        Call {
            id: 1,
            at: chrono::DateTime::parse_from_rfc3339(at).unwrap().to_utc(),
            user,
            direction: Direction::Out,
            took_place: true,
            seconds,
            phone: number.map(|number| PhoneMark([number; 16])),
        }
    }

    const NOON: &str = "2026-11-23T12:00:00+03:00";

    fn reached(goal: CallGoal, calls: &[Call]) -> [u32; 3] {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let mut days = CallDays::new(goal, &calendar);
        calls.iter().for_each(|call| days.call(call));
        let day = |text: &str| text.parse::<Day>().unwrap();
        [
            days.reached(7, day("2026-11-23")),
            days.reached(7, day("2026-11-24")),
            days.reached(8, day("2026-11-23")),
        ]
    }

    #[test]
    fn f6_two_numbers_were_talked_to_for_more_than_two_minutes() {
        let calls = [
            call(NOON, 7, 120, Some(1)),
            call(NOON, 7, 121, Some(1)),
            call(NOON, 7, 300, Some(2)),
            call(NOON, 7, 130, Some(1)),
        ];
        assert_eq!(reached(CallGoal::default(), &calls), [2, 0, 0]);
        let each = CallGoal {
            unique: false,
            ..CallGoal::default()
        };
        assert_eq!(reached(each, &calls), [3, 0, 0]);
        let longer = CallGoal {
            seconds: 130,
            ..CallGoal::default()
        };
        assert_eq!(reached(longer, &calls), [1, 0, 0]);
    }

    #[test]
    fn days_are_the_companys_and_a_number_counts_for_each_employee() {
        let calls = [
            call("2026-11-23T20:59:59Z", 7, 200, Some(1)),
            call("2026-11-23T21:00:00Z", 7, 200, Some(1)),
            call(NOON, 8, 200, Some(1)),
        ];
        assert_eq!(reached(CallGoal::default(), &calls), [1, 1, 1]);
    }

    #[test]
    fn calls_that_came_in_or_reached_nobody_do_not_count_and_hidden_numbers_are_one() {
        let incoming = Call {
            direction: Direction::In,
            ..call(NOON, 7, 200, Some(1))
        };
        let missed = Call {
            took_place: false,
            ..call(NOON, 7, 200, Some(2))
        };
        let hidden = call(NOON, 7, 200, None);
        let calls = [incoming, missed, hidden, hidden];
        assert_eq!(reached(CallGoal::default(), &calls), [1, 0, 0]);
    }

    #[test]
    fn without_a_goal_there_is_no_share() {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let day = "2026-11-23".parse().unwrap();
        for (numbers, share) in [(50, Some((0, 50))), (0, None)] {
            let goal = CallGoal {
                numbers,
                ..CallGoal::default()
            };
            assert_eq!(CallDays::new(goal, &calendar).share(7, day), share);
        }
    }
}
