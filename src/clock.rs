//! The only file that reads the clock.
//!
//! Everything that needs "now" takes it as an argument or through [`Clock`], so that a pass can be
//! run as of any day and tests never depend on the hour at which they run.

use std::time::Instant as Moment;

use chrono::{DateTime, Utc};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the clock is read"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that stands still: `--as-of`, demonstrations and tests.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(pub DateTime<Utc>);

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// The start of something whose length is to be told. It measures; no decision depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Moment);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Stopwatch {
        Stopwatch(Moment::now())
    }

    /// How long ago [`Stopwatch::start`] was called, on a clock that never goes back.
    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_still() {
        let noon = DateTime::from_timestamp(1_772_000_000, 0).expect("in range");
        let clock: &dyn Clock = &Fixed(noon);
        assert_eq!(clock.now(), noon);
        assert_eq!(clock.now(), clock.now());
    }

    #[test]
    fn the_system_clock_does_not_stand_at_the_epoch() {
        assert!(System.now().timestamp() > 1_700_000_000);
    }
}
