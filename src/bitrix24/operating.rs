//! The portal's second limit: how long its methods may work for us within ten minutes.
//!
//! Answers tell `operating`, the seconds used up so far, and `operating_reset_at`, when the oldest
//! of ten one-minute baskets is emptied. The documentation bills the methods inside a batch, each
//! by itself; portals have been measured that bill `batch` as a whole. So both are noted, under
//! their own names, and whoever is about to call waits for the fuller of those that concern him.
//! Other methods go on. Both keys are optional: without them nothing is waited for, and a refusal
//! (`OPERATION_TIME_LIMIT`) is taken as the notice.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::wire::time;

/// Seconds at which a method rests. The portal refuses above 480 (420 where it is hosted by its
/// owner), and one request may add up to 60.
const OPERATING_REST: f64 = 360.0;
/// A rest when the portal does not say how long.
const REST_UNTOLD: Duration = Duration::from_secs(60);
/// No basket lives longer than ten minutes, so no rest makes sense beyond that.
const REST_MAX: Duration = Duration::from_secs(600);
/// Added to a rest, because the portal's clock and ours do not tick together.
const REST_MARGIN: Duration = Duration::from_secs(1);

/// What is known of a method.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Seconds used up.
    operating: f64,
    /// When the oldest basket is emptied, on our clock.
    until: Instant,
    /// The same as the portal said it.
    told: Option<DateTime<Utc>>,
}

/// The readings of one access (webhook or application) to one portal.
#[derive(Debug, Default)]
pub(super) struct Meter {
    readings: Mutex<HashMap<String, Reading>>,
}

impl Meter {
    /// Takes note of a `time` block: an envelope's (`method` is `batch` for a batch's) or a
    /// command's within a batch.
    pub(super) fn note(&self, method: &str, block: &Value) {
        let number = |value: &Value| {
            let text = value.as_str().and_then(|text| text.parse().ok());
            value.as_f64().or(text)
        };
        let told = block.get("operating_reset_at").and_then(instant);
        let operating = block.get("operating").and_then(number);
        if told.is_none() && operating.is_none() {
            return;
        }
        // Counted from the portal's own clock, should ours be wrong.
        let theirs = block.get("finish").and_then(number);
        let left = told.zip(theirs).map(|(told, finish)| {
            let seconds = told.timestamp() as f64 - finish;
            Duration::from_secs_f64(seconds.clamp(0.0, REST_MAX.as_secs_f64()))
        });
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = readings.get(method).copied();
        readings.insert(
            method.to_owned(),
            Reading {
                operating: operating.or(known.map(|k| k.operating)).unwrap_or(0.0),
                until: match left {
                    Some(left) => Instant::now() + left + REST_MARGIN,
                    None => known.map_or_else(|| Instant::now() + REST_UNTOLD, |k| k.until),
                },
                told: told.or(known.and_then(|k| k.told)),
            },
        );
    }

    /// Takes note of a refusal: the method rests, whatever its counter was.
    pub(super) fn refused(&self, method: &str) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let reading = readings.entry(method.to_owned()).or_insert(Reading {
            operating: 0.0,
            until: now + REST_UNTOLD,
            told: None,
        });
        reading.operating = reading.operating.max(OPERATING_REST);
        if reading.until <= now {
            reading.until = now + REST_UNTOLD;
        }
    }

    /// How long a call of these methods has to wait; none when it may go at once. Once a rest is
    /// over the next call goes, and its answer tells the counter anew.
    pub(super) fn rest<'a>(&self, methods: impl IntoIterator<Item = &'a str>) -> Option<Duration> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let of = |method: &str| {
            let reading = readings.get(method)?;
            let full = reading.operating >= OPERATING_REST && reading.until > now;
            full.then(|| reading.until - now)
        };
        methods.into_iter().filter_map(of).max()
    }

    /// When a method's oldest basket is emptied, as the portal last said.
    pub(super) fn reset_at(&self, method: &str) -> Option<DateTime<Utc>> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &str| readings.get(name).and_then(|reading| reading.told);
        of(method).or_else(|| of("batch"))
    }
}

/// `operating_reset_at` is a number of seconds, and an ISO text in one documented answer.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(seconds) => seconds
            .as_i64()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        Value::String(text) => match text.parse() {
            Ok(seconds) => DateTime::from_timestamp(seconds, 0),
            Err(_) => time(text).map(|time| time.to_utc()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn block(operating: f64, left: i64) -> Value {
        json!({"operating": operating, "operating_reset_at": 1_000_000 + left, "finish": 1_000_000.0})
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_method_rests_until_its_oldest_basket_is_emptied_and_others_do_not() {
        let meter = Meter::default();
        meter.note("crm.lead.list", &block(359.9, 100));
        assert_eq!(meter.rest(["crm.lead.list", "batch"]), None);
        meter.note("crm.lead.list", &block(361.5, 100));
        let rest = meter.rest(["crm.lead.list", "batch"]).expect("a rest");
        assert_eq!(rest.as_secs(), 101);
        assert_eq!(meter.rest(["crm.deal.list", "batch"]), None);
        tokio::time::advance(Duration::from_secs(102)).await;
        assert_eq!(meter.rest(["crm.lead.list"]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_fuller_of_both_counters_decides() {
        let meter = Meter::default();
        meter.note("batch", &block(400.0, 30));
        meter.note("crm.lead.list", &block(400.0, 90));
        let rest = |methods: &[&str]| meter.rest(methods.iter().copied()).map(|d| d.as_secs());
        assert_eq!(rest(&["batch", "crm.deal.list"]), Some(31));
        assert_eq!(rest(&["batch", "crm.lead.list"]), Some(91));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_a_notice_even_where_counters_are_not_told() {
        let meter = Meter::default();
        meter.note("crm.lead.list", &json!({"start": 1}));
        assert_eq!(meter.rest(["crm.lead.list"]), None);
        meter.refused("crm.lead.list");
        assert_eq!(meter.rest(["crm.lead.list"]), Some(REST_UNTOLD));
    }

    #[tokio::test(start_paused = true)]
    async fn every_documented_form_of_the_reset_is_understood() {
        for (told, seconds) in [
            (json!(1_778_747_792), Some(1_778_747_792)),
            (json!("1778747792"), Some(1_778_747_792)),
            (json!("2024-08-26T16:11:37+03:00"), Some(1_724_677_897)),
            (json!(null), None),
            (json!({}), None),
        ] {
            let meter = Meter::default();
            meter.note("m", &json!({"operating": 0, "operating_reset_at": told}));
            let read = meter.reset_at("m").map(|at| at.timestamp());
            assert_eq!(read, seconds, "{told}");
        }
    }
}
