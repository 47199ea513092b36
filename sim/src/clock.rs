//! The simulators' only reading of the clock.

use chrono::{DateTime, Utc};

/// The current instant.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place in the simulators that reads the clock"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// An instant as Google prints it: UTC with milliseconds.
pub(crate) fn rfc3339_ms(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
