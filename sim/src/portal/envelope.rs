//! The wrapping of an answer: result, next, total and the `time` block.

use std::time::Instant;

use chrono_tz::Tz;

use crate::clock;
use crate::company::time;

use super::answer::Answer;
use super::operating::Reading;

/// When a request came in.
pub(crate) struct Stopwatch {
    /// Unix seconds.
    start: f64,
    begun: Instant,
}

impl Stopwatch {
    /// Starts now, on a clock that goes so many seconds ahead.
    pub(crate) fn new(ahead: i64) -> Self {
        let now = clock::now() + chrono::TimeDelta::seconds(ahead);
        // Unix microseconds of our days are exact in a double.
        Self {
            start: now.timestamp_micros() as f64 / 1e6,
            begun: Instant::now(),
        }
    }

    /// Unix seconds now, with work that is still to be waited for.
    pub(crate) fn now(&self, extra: f64) -> f64 {
        self.start + self.begun.elapsed().as_secs_f64() + extra
    }

    /// Milliseconds since the start.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Appends a `time` block; without a reading the portal has no operating counter.
pub(crate) fn write_time(
    out: &mut Vec<u8>,
    zone: Tz,
    (start, finish): (f64, f64),
    reading: Option<Reading>,
) {
    let instant = |seconds: f64| time::text(zone, seconds as i64);
    let spent = finish - start;
    let block = format!(
        "{{\"start\":{start:.6},\"finish\":{finish:.6},\"duration\":{spent:.6},\
         \"processing\":{spent:.6},\"date_start\":\"{}\",\"date_finish\":\"{}\"",
        instant(start),
        instant(finish),
    );
    out.extend_from_slice(block.as_bytes());
    if let Some(reading) = reading {
        let reset = reading.reset_at as i64;
        let counter = if reading.spent > 0.0 {
            format!(
                ",\"operating_reset_at\":{reset},\"operating\":{:.6}",
                reading.spent
            )
        } else {
            format!(",\"operating_reset_at\":{reset},\"operating\":0")
        };
        out.extend_from_slice(counter.as_bytes());
    }
    out.push(b'}');
}

/// The body of a good answer.
pub(crate) fn wrap(
    answer: &Answer,
    zone: Tz,
    watch: &Stopwatch,
    extra: f64,
    reading: Option<Reading>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.result.len() + 400);
    out.extend_from_slice(b"{\"result\":");
    out.extend_from_slice(&answer.result);
    for (name, number) in [("next", answer.next), ("total", answer.total)] {
        if let Some(number) = number {
            out.extend_from_slice(format!(",\"{name}\":{number}").as_bytes());
        }
    }
    out.extend_from_slice(b",\"time\":");
    let finish = watch.now(extra);
    write_time(&mut out, zone, (watch.start, finish), reading);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Moscow;
    use serde_json::Value;

    #[test]
    fn a_time_block_has_the_keys_of_a_real_one() {
        let mut out = Vec::new();
        write_time(
            &mut out,
            Moscow,
            (1_718_292_234.554_781, 1_718_292_234.657_739),
            Some(Reading {
                spent: 3.5,
                reset_at: 1_718_292_834.2,
            }),
        );
        let block: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(block["date_start"], "2024-06-13T18:23:54+03:00");
        assert_eq!(block["date_finish"], "2024-06-13T18:23:54+03:00");
        assert_eq!(block["operating_reset_at"], 1_718_292_834);
        assert_eq!(block["operating"], 3.5);
        assert!(block["start"].is_f64() && block["duration"].is_f64());
    }
}
