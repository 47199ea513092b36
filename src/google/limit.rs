//! Google's quotas, kept before a request is sent: reads and writes apart, per user and per
//! project, first come first served; a refusal pauses the whole bucket.

use std::num::NonZeroU32;
use std::sync::Mutex as Shared;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::retry::pause;

/// One permit a user in this time: with [`USER_BURST`], 59 in any minute of the 60 allowed.
const USER_PERIOD: Duration = Duration::from_millis(1200);
/// Requests of one user that need not wait.
const USER_BURST: u32 = 10;
/// One permit a project in this time: with [`PROJECT_BURST`], 299 in any minute of 300.
const PROJECT_PERIOD: Duration = Duration::from_millis(240);
/// Requests of one project that need not wait.
const PROJECT_BURST: u32 = 49;
/// Drive allows 12,000 a minute; this keeps a loop that went wrong from using them.
const DRIVE_PERIOD: Duration = Duration::from_millis(50);
/// Drive requests that need not wait.
const DRIVE_BURST: u32 = 100;
/// After a refusal for quota: the minute in which it refills, and a second.
pub(super) const QUOTA_PAUSE: Duration = Duration::from_secs(61);
/// A bucket is closed no longer, whatever is asked: who waits must come to an end.
const CLOSED_MAX: Duration = Duration::from_secs(300);
/// Up to this share of the pause is added, three seconds to the minute.
const JITTER_SHARE: u32 = 20;

/// Which quota a call is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// Sheets, read requests.
    SheetsRead,
    /// Sheets, write requests.
    SheetsWrite,
    /// Drive, any request.
    Drive,
}

/// Time since the limiter was made, on tokio's clock, which tests can pause.
#[derive(Debug, Clone)]
struct SinceStart(Instant);

/// A [`Duration`] with governor's arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At(Duration);

impl std::ops::Add<Nanos> for At {
    type Output = At;
    fn add(self, other: Nanos) -> At {
        At(self.0.saturating_add(other.into()))
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: At) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }
    fn saturating_sub(&self, duration: Nanos) -> At {
        At(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Clock for SinceStart {
    type Instant = At;
    fn now(&self) -> At {
        At(self.0.elapsed())
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, SinceStart, NoOpMiddleware<At>>;

/// One bucket: a turnstile, through which callers go one at a time in the order they came
/// (tokio's mutex is fair), and the limits to satisfy there.
struct Bucket {
    turnstile: Mutex<SinceStart>,
    limiters: Vec<Limiter>,
    closed_until: Shared<Option<Instant>>,
}

impl Bucket {
    fn new(limits: &[(Duration, u32)]) -> Bucket {
        let clock = SinceStart(Instant::now());
        let limiters = limits
            .iter()
            .filter_map(|&(period, burst)| {
                let quota = Quota::with_period(period)?.allow_burst(NonZeroU32::new(burst)?);
                Some(RateLimiter::direct_with_clock(quota, clock.clone()))
            })
            .collect();
        Bucket {
            turnstile: Mutex::new(clock),
            limiters,
            closed_until: Shared::new(None),
        }
    }

    async fn enter(&self) {
        let clock = self.turnstile.lock().await;
        self.wait_open().await;
        // One after the other: a permit taken from the first is kept while waiting for the next.
        for limiter in &self.limiters {
            while let Err(early) = limiter.check() {
                pause(early.wait_time_from(clock.now())).await;
            }
        }
        self.wait_open().await;
    }

    async fn wait_open(&self) {
        loop {
            let until = self.closed_until.lock().map_or(None, |until| *until);
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None | Some(Duration::ZERO) => return,
                Some(left) => pause(left).await,
            }
        }
    }

    fn close(&self, wait: Duration) {
        if let Ok(mut until) = self.closed_until.lock() {
            let new = Instant::now() + wait;
            *until = Some(until.map_or(new, |old| old.max(new)));
        }
    }
}

/// The quotas of one account.
pub(super) struct Limits {
    read: Bucket,
    write: Bucket,
    drive: Bucket,
    pause: Duration,
}

impl Limits {
    #[cfg(test)]
    pub(super) fn new() -> Limits {
        Limits::with_pause(QUOTA_PAUSE)
    }

    /// The quotas, with so long a pause after a refusal that names no time (and its jitter, a
    /// twentieth of it: several daemons must not come back at once).
    pub(super) fn with_pause(pause: Duration) -> Limits {
        let sheets = [(USER_PERIOD, USER_BURST), (PROJECT_PERIOD, PROJECT_BURST)];
        Limits {
            read: Bucket::new(&sheets),
            write: Bucket::new(&sheets),
            drive: Bucket::new(&[(DRIVE_PERIOD, DRIVE_BURST)]),
            pause,
        }
    }

    fn bucket(&self, budget: Budget) -> &Bucket {
        match budget {
            Budget::SheetsRead => &self.read,
            Budget::SheetsWrite => &self.write,
            Budget::Drive => &self.drive,
        }
    }

    /// Waits for a permit of that budget.
    pub(super) async fn acquire(&self, budget: Budget) {
        self.bucket(budget).enter().await;
    }

    /// Google refused for quota: nobody of that budget goes before the quota refills. Returns how
    /// long that is. Drive's limits are by the second: there the caller's own backing off serves,
    /// unless Google names a time.
    pub(super) fn refused(&self, budget: Budget, asked: Option<Duration>) -> Duration {
        let most = u64::try_from((self.pause / JITTER_SHARE).as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(fastrand::u64(0..=most));
        let wait = match (asked, budget) {
            (Some(asked), _) => asked.min(CLOSED_MAX),
            (None, Budget::Drive) => return Duration::ZERO,
            (None, _) => self.pause + jitter,
        };
        self.bucket(budget).close(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Instants at which `n` permits of a budget are given, seconds since the first.
    async fn permits(limits: &Limits, budget: Budget, n: usize) -> Vec<f64> {
        let began = Instant::now();
        let mut at = Vec::new();
        for _ in 0..n {
            limits.acquire(budget).await;
            at.push(began.elapsed().as_secs_f64());
        }
        at
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_a_minute_holds_more_than_the_quota() {
        let limits = Limits::new();
        let at = permits(&limits, Budget::SheetsWrite, 200).await;
        assert!(at[9] < 0.001, "a short cycle does not wait");
        for first in &at {
            let inside = at
                .iter()
                .filter(|t| **t >= *first && **t < first + 60.0)
                .count();
            assert!(inside <= 59, "{inside} in the minute after {first}");
        }
        let lasted = at[199] - at[0];
        assert!(lasted < 232.0, "the quota is used, not wasted: {lasted}");
    }

    #[tokio::test(start_paused = true)]
    async fn reads_do_not_wait_for_writes() {
        let limits = Limits::new();
        permits(&limits, Budget::SheetsWrite, 10).await;
        assert!(permits(&limits, Budget::SheetsRead, 10).await[9] < 0.001);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_are_served_in_the_order_they_came() {
        let limits = Arc::new(Limits::new());
        let order = Arc::new(Shared::new(Vec::new()));
        permits(&limits, Budget::SheetsRead, 10).await;
        let mut tasks = Vec::new();
        for i in 0..20 {
            let (limits, order) = (Arc::clone(&limits), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                limits.acquire(Budget::SheetsRead).await;
                order.lock().unwrap().push(i);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_closes_the_whole_bucket() {
        let limits = Limits::new();
        permits(&limits, Budget::SheetsWrite, 1).await;
        let wait = limits.refused(Budget::SheetsWrite, None);
        assert!((61..=65).contains(&wait.as_secs()));
        let at = permits(&limits, Budget::SheetsWrite, 1).await;
        assert!((61.0..=65.0).contains(&at[0]), "{}", at[0]);
        limits.refused(Budget::SheetsWrite, Some(Duration::from_secs(7)));
        let at = permits(&limits, Budget::SheetsWrite, 1).await;
        assert!((7.0..7.1).contains(&at[0]), "{}", at[0]);
        assert_eq!(limits.refused(Budget::Drive, None), Duration::ZERO);
    }
}
