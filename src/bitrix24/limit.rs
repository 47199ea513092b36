//! The client's copy of the portal's leaky bucket, counted before a request is sent.
//!
//! The portal counts requests per source address, so all clients of one portal in this process
//! share one bucket.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::retry;

/// What a portal allows (`reference`: limits page of the REST documentation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The counter above which requests are refused.
    pub threshold: u32,
    /// By how much the counter falls each second.
    pub per_second: u32,
}

impl Allowance {
    /// All tariffs but Enterprise.
    pub const STANDARD: Allowance = Allowance {
        threshold: 50,
        per_second: 2,
    };
    /// Enterprise.
    pub const ENTERPRISE: Allowance = Allowance {
        threshold: 250,
        per_second: 5,
    };

    /// The least time in seconds that `requests` take: `threshold + 1` go at once.
    pub fn bound_seconds(self, requests: u64) -> f64 {
        let waiting = requests.saturating_sub(u64::from(self.threshold) + 1);
        waiting as f64 / f64::from(self.per_second)
    }

    /// How many requests may go at once. The portal lowers its counter in steps of a second, ours
    /// falls evenly: between two of its steps we may send `per_second` more, and their sum must
    /// not exceed the `threshold + 1` that it lets through. This costs one second in all.
    fn burst(self) -> NonZeroU32 {
        let burst = (self.threshold + 1).saturating_sub(self.per_second);
        NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)
    }

    fn quota(self) -> Quota {
        Quota::per_second(NonZeroU32::new(self.per_second).unwrap_or(NonZeroU32::MIN))
            .allow_burst(self.burst())
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A portal's bucket.
#[derive(Debug)]
pub(super) struct Bucket<C: Clock = MonotonicClock> {
    allowance: Allowance,
    clock: C,
    limiter: Mutex<Limiter<C>>,
    /// Whoever waits holds it: first come, first served (tokio's mutex is fair).
    turn: tokio::sync::Mutex<()>,
}

impl Bucket {
    /// The bucket of a portal, shared by all who ask for the same host while one of them lives.
    pub(super) fn of(host: &str, allowance: Allowance) -> Arc<Bucket> {
        static BUCKETS: OnceLock<Mutex<HashMap<String, Weak<Bucket>>>> = OnceLock::new();
        let mut buckets = BUCKETS
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(host).and_then(Weak::upgrade)
            && bucket.allowance == allowance
        {
            return bucket;
        }
        buckets.retain(|_, bucket| bucket.strong_count() > 0);
        let bucket = Arc::new(Bucket::new(allowance, MonotonicClock));
        buckets.insert(host.to_owned(), Arc::downgrade(&bucket));
        bucket
    }
}

impl<C: Clock + Clone> Bucket<C> {
    fn new(allowance: Allowance, clock: C) -> Bucket<C> {
        let limiter = RateLimiter::direct_with_clock(allowance.quota(), clock.clone());
        Bucket {
            allowance,
            clock,
            limiter: Mutex::new(limiter),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// What the bucket was made for.
    pub(super) fn allowance(&self) -> Allowance {
        self.allowance
    }

    /// Takes one request's place, waiting for it in the order of arrival.
    pub(super) async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(wait) = self.try_take() {
            retry::pause(wait).await;
        }
    }

    /// Takes one request's place or says how long to wait.
    fn try_take(&self) -> Result<(), Duration> {
        let limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.check().map_err(|not_until| {
            // Never zero, so that a clock of coarse steps does not make a busy loop.
            not_until
                .wait_time_from(self.clock.now())
                .max(Duration::from_millis(1))
        })
    }

    /// Empties the bucket: the portal has said that its own is full.
    pub(super) fn empty(&self) {
        let fresh = RateLimiter::direct_with_clock(self.allowance.quota(), self.clock.clone());
        // The burst is the capacity, so taking it all at once always succeeds on a fresh limiter.
        let _ = fresh.check_n(self.allowance.burst());
        *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// Sends as fast as the bucket lets and returns the instants in milliseconds.
    fn drain(allowance: Allowance, requests: usize, clock: &FakeRelativeClock) -> Vec<u64> {
        let bucket = Bucket::new(allowance, clock.clone());
        (0..requests).map(|_| send(&bucket, clock)).collect()
    }

    fn send(bucket: &Bucket<FakeRelativeClock>, clock: &FakeRelativeClock) -> u64 {
        while let Err(wait) = bucket.try_take() {
            clock.advance(wait);
        }
        clock.now().as_u64() / 1_000_000
    }

    /// The portal's counter, literally: +1 a request, −Y once a second, refusing above X.
    fn refused(allowance: Allowance, sent_ms: &[u64], first_tick_ms: u64) -> usize {
        let (mut counter, mut tick, mut refused) = (0u64, first_tick_ms, 0);
        for &at in sent_ms {
            while tick <= at {
                counter = counter.saturating_sub(u64::from(allowance.per_second));
                tick += 1_000;
            }
            if counter > u64::from(allowance.threshold) {
                refused += 1;
            }
            counter += 1;
        }
        refused
    }

    #[test]
    fn the_portal_never_refuses_whatever_the_phase_of_its_second() {
        for allowance in [Allowance::STANDARD, Allowance::ENTERPRISE] {
            let sent = drain(allowance, 600, &FakeRelativeClock::default());
            for phase in (0..=1_000).step_by(50) {
                assert_eq!(refused(allowance, &sent, phase), 0, "{allowance:?} {phase}");
            }
        }
    }

    #[test]
    fn the_time_is_the_bound_and_a_second() {
        for allowance in [Allowance::STANDARD, Allowance::ENTERPRISE] {
            let sent = drain(allowance, 600, &FakeRelativeClock::default());
            let last = *sent.last().expect("sent") as f64 / 1_000.0;
            let bound = allowance.bound_seconds(600);
            let allowed = bound + 1.01;
            assert!(last >= bound && last <= allowed, "{last} against {bound}");
        }
    }

    #[test]
    fn the_bound_is_that_of_the_reference() {
        for (requests, standard, enterprise) in [
            (0, 0.0, 0.0),
            (51, 0.0, 0.0),
            (53, 1.0, 0.0),
            (81, 15.0, 0.0),
            (401, 175.0, 30.0),
        ] {
            assert!((Allowance::STANDARD.bound_seconds(requests) - standard).abs() < 1e-9);
            assert!((Allowance::ENTERPRISE.bound_seconds(requests) - enterprise).abs() < 1e-9);
        }
    }

    #[test]
    fn a_refusal_by_the_portal_empties_the_bucket() {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::new(Allowance::STANDARD, clock.clone());
        assert_eq!(send(&bucket, &clock), 0);
        bucket.empty();
        assert_eq!([send(&bucket, &clock), send(&bucket, &clock)], [500, 1_000]);
    }

    #[test]
    fn one_bucket_serves_a_portal() {
        let first = Bucket::of("one.example", Allowance::STANDARD);
        assert!(Arc::ptr_eq(
            &first,
            &Bucket::of("one.example", Allowance::STANDARD)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &Bucket::of("two.example", Allowance::STANDARD)
        ));
    }
}
