//! Instants of the portal: parsed from files and filters, written with the server's offset.

use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;

/// Unix seconds of a local time; in a gap the hour after it, of two the earlier.
pub(crate) fn instant(zone: Tz, local: NaiveDateTime) -> i64 {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.timestamp(),
        LocalResult::None => {
            let later = local
                .checked_add_signed(TimeDelta::hours(1))
                .unwrap_or(local);
            zone.from_local_datetime(&later)
                .earliest()
                .map_or(0, |instant| instant.timestamp())
        }
    }
}

/// Unix seconds of the first instant of a day.
pub(crate) fn midnight(zone: Tz, day: NaiveDate) -> i64 {
    instant(zone, day.and_time(NaiveTime::MIN))
}

/// The offset of the zone at an instant, in seconds east.
pub(crate) fn offset(zone: Tz, seconds: i64) -> i32 {
    let instant = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    zone.offset_from_utc_datetime(&instant.naive_utc())
        .fix()
        .local_minus_utc()
}

/// Reads an instant in the forms that Bitrix24 takes: ISO 8601 with an offset, and without one
/// (server zone) `2026-03-01T10:00:00`, `2026-03-01 10:00:00`, `2026-03-01`, `01.03.2026`,
/// `01.03.2026 10:00:00`.
pub(crate) fn parse(zone: Tz, text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp());
    }
    if let Ok(instant) = DateTime::<FixedOffset>::parse_from_str(text, "%Y-%m-%dT%H:%M%z") {
        return Some(instant.timestamp());
    }
    let forms = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ];
    for form in forms {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, form) {
            return Some(instant(zone, local));
        }
    }
    for form in ["%Y-%m-%d", "%d.%m.%Y"] {
        if let Ok(day) = NaiveDate::parse_from_str(text, form) {
            return Some(midnight(zone, day));
        }
    }
    None
}

/// Appends an instant as PHP's `date('c')` does: `2026-03-01T10:00:00+03:00`.
pub(crate) fn write(out: &mut Vec<u8>, zone: Tz, seconds: i64) {
    let east = offset(zone, seconds);
    let local = DateTime::from_timestamp(seconds + i64::from(east), 0).unwrap_or_default();
    let (day, clock) = (local.date_naive(), local.time());
    digits(out, day.year().unsigned_abs(), 4);
    out.push(b'-');
    digits(out, day.month(), 2);
    out.push(b'-');
    digits(out, day.day(), 2);
    out.push(b'T');
    digits(out, clock.hour(), 2);
    out.push(b':');
    digits(out, clock.minute(), 2);
    out.push(b':');
    digits(out, clock.second(), 2);
    out.push(if east < 0 { b'-' } else { b'+' });
    let minutes = east.unsigned_abs() / 60;
    digits(out, minutes / 60, 2);
    out.push(b':');
    digits(out, minutes % 60, 2);
}

/// The same as a text.
pub(crate) fn text(zone: Tz, seconds: i64) -> String {
    let mut out = Vec::with_capacity(25);
    write(&mut out, zone, seconds);
    String::from_utf8_lossy(&out).into_owned()
}

fn digits(out: &mut Vec<u8>, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;
    use chrono_tz::Europe::Moscow;

    #[test]
    fn instants_are_read_in_every_form_and_written_with_the_offset() {
        let cases = [
            ("2026-03-01T10:00:00+03:00", "2026-03-01T10:00:00+03:00"),
            ("2026-03-01T10:00:00Z", "2026-03-01T13:00:00+03:00"),
            ("2026-03-01T10:00:00", "2026-03-01T10:00:00+03:00"),
            ("2026-03-01 10:00:00", "2026-03-01T10:00:00+03:00"),
            ("2026-03-01", "2026-03-01T00:00:00+03:00"),
            ("01.03.2026", "2026-03-01T00:00:00+03:00"),
            ("01.03.2026 23:59:59", "2026-03-01T23:59:59+03:00"),
        ];
        for (given, wanted) in cases {
            let seconds = parse(Moscow, given).unwrap();
            assert_eq!(text(Moscow, seconds), wanted, "{given}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "2026-03-01T10:00:00 03:00"] {
            assert_eq!(parse(Moscow, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn summer_time_moves_the_offset() {
        let winter = parse(New_York, "2017-03-11").unwrap();
        let summer = parse(New_York, "2017-03-13").unwrap();
        assert_eq!(text(New_York, winter), "2017-03-11T00:00:00-05:00");
        assert_eq!(text(New_York, summer), "2017-03-13T00:00:00-04:00");
        let gap = parse(New_York, "2017-03-12 02:30:00").unwrap();
        assert_eq!(text(New_York, gap), "2017-03-12T03:30:00-04:00");
    }
}
