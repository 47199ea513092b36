//! Days, months and instants, which are different types; month borders in a company's zone.
//!
//! A *day* is a square on a wall calendar and has no zone. An *instant* is a point in time and
//! has no day until somebody says where. The company says where: [`Calendar`] holds its zone, and
//! is the only thing that turns one into the other. Periods are half-open, `[start, end)` (D1).
//!
//! A month starts at the first moment of its first day. Where clocks jump over midnight (São
//! Paulo until 2018 at the start of summer time) that moment is 01:00; where midnight happens
//! twice, it is the earlier one. So each instant belongs to exactly one day.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDateTime, NaiveTime, TimeZone, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time. Only [`Calendar`] turns it into a day or a month.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A calendar day without a zone.
pub type Day = chrono::NaiveDate;

/// The first year that a [`Month`] may have.
const YEAR_MIN: i32 = 1;
/// The last year that a [`Month`] may have; its text form has four digits.
const YEAR_MAX: i32 = 9999;
/// How far the search for a day's first moment looks, minutes. No zone has skipped more than the
/// 24 hours that Samoa skipped.
const GAP_MINUTES_MAX: i64 = 24 * 60;

/// A calendar month, such as March 2026; its text form is `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

/// Why something is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month; write it as 2026-03")]
pub struct MonthError(String);

impl Month {
    /// This month of this year; `None` outside of months 1–12 and years 1–9999.
    pub fn new(year: i32, month: u32) -> Option<Month> {
        let valid = (YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=12).contains(&month);
        valid.then_some(Month { year, month })
    }

    /// The month in which a day lies.
    pub fn of(day: Day) -> Month {
        Month {
            year: day.year(),
            month: day.month(),
        }
    }

    /// Reads the text form, such as `2026-03`.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Month, MonthError> {
        let parts = text.split_once('-').filter(|(year, month)| {
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            year.len() == 4 && month.len() == 2 && digits(year) && digits(month)
        });
        parts
            .and_then(|(year, month)| Month::new(year.parse().ok()?, month.parse().ok()?))
            .ok_or_else(|| MonthError(text.to_owned()))
    }

    /// The month after.
    pub fn next(self) -> Month {
        Month::from_ordinal(self.ordinal() + 1)
    }

    /// The month before.
    pub fn prev(self) -> Month {
        Month::from_ordinal(self.ordinal() - 1)
    }

    /// The month this many months later (earlier, when negative).
    pub fn plus(self, months: i32) -> Month {
        Month::from_ordinal(self.ordinal() + months)
    }

    /// Months since January of year 0; neighbours differ by one.
    pub fn ordinal(self) -> i32 {
        self.year * 12 + self.month as i32 - 1
    }

    /// The month with this ordinal.
    pub fn from_ordinal(ordinal: i32) -> Month {
        Month {
            year: ordinal.div_euclid(12),
            month: ordinal.rem_euclid(12) as u32 + 1,
        }
    }

    /// Its first day.
    pub fn first_day(self) -> Day {
        // A month outside of 1–12 can only be built by writing the fields; it shows as day zero.
        Day::from_ymd_opt(self.year, self.month, 1).unwrap_or_default()
    }

    /// Its last day.
    pub fn last_day(self) -> Day {
        self.next().first_day().pred_opt().unwrap_or_default()
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = Day> {
        self.first_day()
            .iter_days()
            .take_while(move |day| Month::of(*day) == self)
    }

    /// The months from this one to `last`, both included; none when `last` is earlier.
    pub fn to(self, last: Month) -> impl DoubleEndedIterator<Item = Month> + Clone {
        (self.ordinal()..=last.ordinal()).map(Month::from_ordinal)
    }

    /// The twelve months of a year.
    pub fn of_year(year: i32) -> impl DoubleEndedIterator<Item = Month> + Clone {
        (1..=12).map(move |month| Month { year, month })
    }

    /// Its quarter, 1 to 4.
    pub fn quarter(self) -> u32 {
        self.month.div_ceil(3)
    }

    /// The three months of a quarter (1 to 4) of a year.
    pub fn of_quarter(year: i32, quarter: u32) -> impl DoubleEndedIterator<Item = Month> + Clone {
        let last = quarter.clamp(1, 4) * 3;
        (last - 2..=last).map(move |month| Month { year, month })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = MonthError;
    fn from_str(text: &str) -> Result<Month, MonthError> {
        Month::parse(text)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Month, D::Error> {
        let text = String::deserialize(deserializer)?;
        Month::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The Monday of the week in which a day lies (D1).
pub fn week_start(day: Day) -> Day {
    day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))
        .unwrap_or(day)
}

/// A company's calendar: its time zone and the days on which it does not work (D1, D7).
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The IANA time zone in which days and months are cut.
    pub zone: chrono_tz::Tz,
    /// Days off besides Saturdays and Sundays.
    pub holidays: BTreeSet<Day>,
}

impl Calendar {
    /// A calendar without holidays.
    pub fn new(zone: chrono_tz::Tz) -> Calendar {
        Calendar {
            zone,
            holidays: BTreeSet::new(),
        }
    }

    /// The day on which an instant falls in the company's zone.
    pub fn day_of(&self, instant: Instant) -> Day {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// The month in which an instant falls in the company's zone.
    pub fn month_of(&self, instant: Instant) -> Month {
        Month::of(self.day_of(instant))
    }

    /// The first moment of a day in the company's zone.
    pub fn day_start(&self, day: Day) -> Instant {
        let midnight = day.and_time(NaiveTime::MIN);
        if let Some(found) = self.zone.from_local_datetime(&midnight).earliest() {
            return found.to_utc();
        }
        // Clocks jumped over midnight. The day starts at the jump, whose place is found by
        // halving: before it the wall shows an earlier day, from it on this one (or a later one,
        // where a whole day was skipped).
        let mut before = (midnight - chrono::Duration::minutes(2 * GAP_MINUTES_MAX)).and_utc();
        let mut after = (midnight + chrono::Duration::minutes(2 * GAP_MINUTES_MAX)).and_utc();
        while (after - before).num_seconds() > 1 {
            let middle = before + (after - before) / 2;
            let wall: NaiveDateTime = middle.with_timezone(&self.zone).naive_local();
            if wall < midnight {
                before = middle;
            } else {
                after = middle;
            }
        }
        // The jump lies on a whole second; halving may have left fractions of one.
        chrono::DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after)
    }

    /// The first moment of a month in the company's zone.
    pub fn start_of(&self, month: Month) -> Instant {
        self.day_start(month.first_day())
    }

    /// The first moments of the months from `first` to `last` and of the month after, as Unix
    /// seconds: `n + 1` ascending borders of `n` months, for [`month_index`].
    pub fn month_starts(&self, first: Month, last: Month) -> Vec<i64> {
        first
            .to(last.next())
            .map(|month| self.start_of(month).timestamp())
            .collect()
    }

    /// Whether the company works on a day: Monday to Friday and not a holiday (D7).
    pub fn is_workday(&self, day: Day) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.holidays.contains(&day)
    }

    /// Workdays of a month.
    pub fn workdays(&self, month: Month) -> u32 {
        self.count_workdays(month.days())
    }

    /// Workdays of a month that are over before `today` begins.
    pub fn workdays_elapsed(&self, month: Month, today: Day) -> u32 {
        self.count_workdays(month.days().take_while(|day| *day < today))
    }

    /// Workdays of a month still to come; today counts, because it can still be worked.
    pub fn workdays_remaining(&self, month: Month, today: Day) -> u32 {
        self.workdays(month) - self.workdays_elapsed(month, today)
    }

    fn count_workdays(&self, days: impl Iterator<Item = Day>) -> u32 {
        days.filter(|day| self.is_workday(*day)).map(|_| 1).sum()
    }
}

/// Which of the months whose borders [`Calendar::month_starts`] gave holds an instant in Unix
/// seconds; `None` before the first or after the last.
pub fn month_index(starts: &[i64], seconds: i64) -> Option<usize> {
    let after = starts.partition_point(|start| *start <= seconds);
    (after > 0 && after < starts.len()).then(|| after - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(zone.parse().unwrap())
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn instant(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn reads_only_the_one_text_form() {
        assert_eq!(
            month("2026-03"),
            Month {
                year: 2026,
                month: 3
            }
        );
        assert_eq!(month("0999-12").to_string(), "0999-12");
        let wrong = [
            "2026-3",
            "2026-13",
            "2026-00",
            "26-03",
            "2026/03",
            "2026-03-01",
            "",
            "0000-01",
        ];
        for text in wrong.into_iter().chain(["2026-+3", "２026-03"]) {
            assert!(Month::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            serde_json::to_string(&month("2026-03")).unwrap(),
            "\"2026-03\""
        );
        assert_eq!(
            serde_json::from_str::<Month>("\"2026-03\"").unwrap(),
            month("2026-03")
        );
        assert!(serde_json::from_str::<Month>("\"March\"").is_err());
    }

    #[test]
    fn walks_over_year_borders() {
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2026-01").prev(), month("2025-12"));
        assert_eq!(month("2026-03").plus(-15), month("2024-12"));
        assert_eq!(month("2024-02").last_day(), day("2024-02-29"));
        assert_eq!(month("2026-12").last_day(), day("2026-12-31"));
        assert_eq!(month("2026-02").days().count(), 28);
        let shown: Vec<String> = month("2025-11")
            .to(month("2026-02"))
            .map(|month| month.to_string())
            .collect();
        assert_eq!(shown, ["2025-11", "2025-12", "2026-01", "2026-02"]);
        assert_eq!(month("2026-02").to(month("2026-01")).count(), 0);
        assert_eq!(Month::of_year(2026).count(), 12);
        let quarters: Vec<u32> = Month::of_year(2026).map(Month::quarter).collect();
        assert_eq!(quarters, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
        assert_eq!(Month::of_quarter(2026, 4).next(), Some(month("2026-10")));
    }

    #[test]
    fn weeks_start_on_monday() {
        for (text, monday) in [
            ("2026-11-23", "2026-11-23"),
            ("2026-11-22", "2026-11-16"),
            ("2027-01-01", "2026-12-28"),
        ] {
            assert_eq!(week_start(day(text)), day(monday));
        }
    }

    #[test]
    fn months_are_cut_in_the_companys_zone() {
        // zone, instant, month there
        let cases = [
            ("UTC", "2026-02-28T23:59:59Z", "2026-02"),
            ("UTC", "2026-03-01T00:00:00Z", "2026-03"),
            ("Europe/Moscow", "2026-02-28T20:59:59Z", "2026-02"),
            ("Europe/Moscow", "2026-02-28T21:00:00Z", "2026-03"),
            ("Asia/Vladivostok", "2026-02-28T14:00:00Z", "2026-03"),
            ("America/New_York", "2026-03-01T04:59:59Z", "2026-02"),
            ("America/New_York", "2026-03-01T05:00:00Z", "2026-03"),
            // summer time shifts the border by an hour
            ("America/New_York", "2026-07-01T03:59:59Z", "2026-06"),
            ("America/New_York", "2026-07-01T04:00:00Z", "2026-07"),
            ("Asia/Kathmandu", "2026-02-28T18:15:00Z", "2026-03"),
            ("Pacific/Kiritimati", "2026-02-28T10:00:00Z", "2026-03"),
        ];
        for (zone, at, expected) in cases {
            assert_eq!(
                calendar(zone).month_of(instant(at)),
                month(expected),
                "{zone} {at}"
            );
        }
    }

    #[test]
    fn days_start_where_midnight_is_missing_or_doubled() {
        // zone, day, first moment
        let cases = [
            // clocks jumped from 00:00 to 01:00
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z"),
            ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),
            ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z"),
            // clocks fell from 00:00 to 23:00: midnight after the second 23:00
            ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),
            // clocks fell from 01:00 to 00:00: the earlier midnight
            ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),
            ("Europe/Moscow", "2026-11-01", "2026-10-31T21:00:00Z"),
            // a whole day never happened: the same moment as the next day's
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ];
        for (zone, text, expected) in cases {
            let calendar = calendar(zone);
            assert_eq!(
                calendar.day_start(day(text)),
                instant(expected),
                "{zone} {text}"
            );
        }
        // a month that starts in a gap: Asunción, October 2023
        let asuncion = calendar("America/Asuncion");
        assert_eq!(
            asuncion.start_of(month("2023-10")),
            instant("2023-10-01T04:00:00Z")
        );
    }

    #[test]
    fn borders_serve_a_binary_search() {
        let moscow = calendar("Europe/Moscow");
        let starts = moscow.month_starts(month("2026-01"), month("2026-03"));
        assert_eq!(starts.len(), 4);
        let at = |text: &str| month_index(&starts, instant(text).timestamp());
        assert_eq!(at("2025-12-31T20:59:59Z"), None);
        assert_eq!(at("2025-12-31T21:00:00Z"), Some(0));
        assert_eq!(at("2026-02-28T20:59:59Z"), Some(1));
        assert_eq!(at("2026-02-28T21:00:00Z"), Some(2));
        assert_eq!(at("2026-03-31T20:59:59Z"), Some(2));
        assert_eq!(at("2026-03-31T21:00:00Z"), None);
        assert_eq!(month_index(&[], 0), None);
    }

    #[test]
    fn f5_workdays_of_november_2026() {
        let mut moscow = calendar("Europe/Moscow");
        assert_eq!(moscow.workdays(month("2026-11")), 21);
        moscow.holidays.insert(day("2026-11-04"));
        moscow.holidays.insert(day("2026-11-07")); // a Saturday: free anyway
        assert_eq!(moscow.workdays(month("2026-11")), 20);
        // day, elapsed, remaining
        let cases = [
            ("2026-10-31", 0, 20),
            ("2026-11-01", 0, 20),
            ("2026-11-02", 0, 20),
            ("2026-11-03", 1, 19),
            ("2026-11-05", 2, 18),
            ("2026-11-22", 14, 6),
            ("2026-11-30", 19, 1),
            ("2026-12-01", 20, 0),
        ];
        for (today, elapsed, remaining) in cases {
            let november = month("2026-11");
            assert_eq!(
                moscow.workdays_elapsed(november, day(today)),
                elapsed,
                "{today}"
            );
            assert_eq!(
                moscow.workdays_remaining(november, day(today)),
                remaining,
                "{today}"
            );
        }
    }

    proptest! {
        #[test]
        fn each_instant_lies_in_its_day_and_month(
            seconds in 1_000_000_000_i64..2_000_000_000,
            zone in prop::sample::select(vec![
                "America/Sao_Paulo", "America/New_York", "Europe/Moscow", "Asia/Beirut",
                "America/Havana", "Australia/Lord_Howe", "Africa/Cairo", "America/Asuncion",
            ]),
        ) {
            let calendar = calendar(zone);
            let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            let today = calendar.day_of(at);
            prop_assert!(calendar.day_start(today) <= at);
            // Where an hour repeats around midnight, an instant may belong to the day before
            // although the next day has begun once already; months are cut by the border.
            let month = calendar.month_of(at);
            let starts = calendar.month_starts(month.prev(), month.next());
            let index = month_index(&starts, seconds).unwrap();
            prop_assert!(index == 1 || at - calendar.start_of(month.next()) < chrono::Duration::hours(1));
        }

        #[test]
        fn ordinals_come_back(ordinal in 12_i32..120_000) {
            prop_assert_eq!(Month::from_ordinal(ordinal).ordinal(), ordinal);
        }
    }
}
