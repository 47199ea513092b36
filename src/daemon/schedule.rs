//! Cron schedules, cut in the company's time zone.

use std::str::FromStr;

use croner::Cron;

use crate::domain::calendar::Instant;

/// When a company's scheduled passes run. The default one never does.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    cron: Option<(Cron, chrono_tz::Tz)>,
}

impl Schedule {
    /// Reads a cron pattern such as `0 3 * * *`; the error is a sentence.
    pub fn parse(pattern: &str, zone: chrono_tz::Tz) -> Result<Schedule, String> {
        let cron = Cron::from_str(pattern)
            .map_err(|error| format!("`{pattern}` is not a cron pattern: {error}"))?;
        Ok(Schedule {
            cron: Some((cron, zone)),
        })
    }

    /// The first time after `now`.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        let (cron, zone) = self.cron.as_ref()?;
        let local = now.with_timezone(zone);
        cron.find_next_occurrence(&local, false)
            .ok()
            .map(|next| next.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn three_in_the_morning_is_the_companys_three() {
        let cases = [
            (
                chrono_tz::Europe::Moscow,
                "2026-11-22T12:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                chrono_tz::America::New_York,
                "2026-11-22T12:00:00Z",
                "2026-11-23T08:00:00Z",
            ),
            // The day on which New York's clocks go forward has no 02:30 but has a 03:00.
            (
                chrono_tz::America::New_York,
                "2026-03-08T06:00:00Z",
                "2026-03-08T07:00:00Z",
            ),
        ];
        for (zone, now, next) in cases {
            let schedule = Schedule::parse("0 3 * * *", zone).unwrap();
            assert_eq!(schedule.next(at(now)), Some(at(next)), "{zone} {now}");
        }
    }

    #[test]
    fn the_default_schedule_never_comes() {
        assert_eq!(Schedule::default().next(at("2026-01-01T00:00:00Z")), None);
    }
}
