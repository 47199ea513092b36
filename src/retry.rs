//! The only file that sleeps between attempts.
//!
//! It owns when to try again and when to give up. It does not know what an error means: the caller
//! says so by a [`Decision`], and an operation that may not be repeated must not be handed in.
//!
//! Waits grow exponentially with full jitter (each is drawn evenly between zero and its ceiling),
//! so that clients that failed together do not come back together. Every wait has an end: attempts
//! are counted, and no wait is begun that would end after [`Policy::total_max`].

use std::future::Future;
use std::time::Duration;

use backon::Retryable;
use tokio::time::Instant;

/// How often and how long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all, the first one included; at least one is always made.
    pub attempts_max: u32,
    /// Ceiling of the first wait; each further ceiling is twice the one before.
    pub first_delay: Duration,
    /// No ceiling rises above this. A wait that the other side asked for may be longer.
    pub delay_max: Duration,
    /// From the beginning of the first attempt: no wait is begun that would end later than this.
    pub total_max: Duration,
}

impl Policy {
    /// For requests of a pass that nobody watches: eight attempts within five minutes.
    pub const PATIENT: Policy = Policy {
        attempts_max: 8,
        first_delay: Duration::from_secs(1),
        delay_max: Duration::from_secs(64),
        total_max: Duration::from_secs(300),
    };
    /// For questions that a person waits for: three attempts within fifteen seconds.
    pub const BRISK: Policy = Policy {
        attempts_max: 3,
        first_delay: Duration::from_millis(500),
        delay_max: Duration::from_secs(5),
        total_max: Duration::from_secs(15),
    };
    /// One attempt.
    pub const ONCE: Policy = Policy {
        attempts_max: 1,
        first_delay: Duration::ZERO,
        delay_max: Duration::ZERO,
        total_max: Duration::ZERO,
    };

    /// Ceilings of the waits, one fewer than attempts.
    fn ceilings(&self) -> impl Iterator<Item = Duration> + Send + Sync + Unpin + use<> {
        let delay_max = self.delay_max;
        let waits = self.attempts_max.saturating_sub(1);
        let mut ceiling = self.first_delay.min(delay_max);
        (0..waits).map(move |_| {
            let now = ceiling;
            ceiling = ceiling.saturating_mul(2).min(delay_max);
            now
        })
    }
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after the policy's own wait.
    Retry,
    /// The other side said when to come back (`Retry-After`, `operating_reset_at`): wait at least
    /// so long. When the policy has no time left for it, give up at once.
    RetryAfter(Duration),
    /// Trying again would not help.
    Stop,
}

/// Waits. On tokio's clock, so that tests can pause it.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the program sleeps"
)]
pub async fn pause(d: Duration) {
    tokio::time::sleep(d).await;
}

/// Calls `op` until it succeeds, `decide` says stop, or the policy is used up.
///
/// # Errors
/// The error of the last attempt.
pub async fn retry<T, E, F, Fut>(
    policy: &Policy,
    decide: impl Fn(&E) -> Decision,
    op: F,
) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let began = Instant::now();
    let total_max = policy.total_max;
    op.retry(policy.ceilings())
        .sleep(pause)
        .adjust(move |error, ceiling| {
            let own = full_jitter(ceiling?);
            let wait = match decide(error) {
                Decision::Stop => return None,
                Decision::Retry => own,
                // Somewhat later than asked, so that not everyone comes at the same instant.
                Decision::RetryAfter(asked) => asked.saturating_add(own.min(asked / 10)),
            };
            let ends = began.elapsed().saturating_add(wait);
            (ends <= total_max).then_some(wait)
        })
        .notify(|_, wait| {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(wait_ms, "an attempt failed, trying again");
        })
        .await
}

/// A duration drawn evenly between zero and the ceiling.
fn full_jitter(ceiling: Duration) -> Duration {
    let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(fastrand::u64(0..=nanos))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const POLICY: Policy = Policy {
        attempts_max: 5,
        first_delay: Duration::from_secs(1),
        delay_max: Duration::from_secs(3),
        total_max: Duration::from_secs(60),
    };

    /// Runs an operation that fails `failures` times; returns the result and when attempts began.
    async fn run(
        policy: Policy,
        failures: usize,
        decision: Decision,
    ) -> (Result<usize, usize>, Vec<Duration>) {
        let began = Instant::now();
        let attempts = RefCell::new(Vec::new());
        let result = retry(
            &policy,
            |_: &usize| decision,
            || {
                attempts.borrow_mut().push(began.elapsed());
                let count = attempts.borrow().len();
                async move {
                    if count > failures {
                        Ok(count)
                    } else {
                        Err(count)
                    }
                }
            },
        )
        .await;
        (result, attempts.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_is_not_repeated() {
        let (result, attempts) = run(POLICY, 0, Decision::Retry).await;
        assert_eq!((result, attempts.len()), (Ok(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn it_retries_until_success_with_waits_below_their_ceilings() {
        // Ceilings double and are capped: 1, 2, 3, 3 seconds.
        let ceilings = [1, 2, 3, 3].map(Duration::from_secs);
        assert_eq!(POLICY.ceilings().collect::<Vec<_>>(), ceilings);
        for _ in 0..50 {
            let (result, attempts) = run(POLICY, 4, Decision::Retry).await;
            assert_eq!(result, Ok(5));
            for (pair, ceiling) in attempts.windows(2).zip(ceilings) {
                // The paused clock counts whole milliseconds.
                assert!(pair[1] - pair[0] <= ceiling + Duration::from_millis(1));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_spread_over_the_whole_range() {
        let draws: Vec<_> = (0..1000)
            .map(|_| full_jitter(Duration::from_secs(1)).as_millis())
            .collect();
        for tenth in 0..10 {
            let range = tenth * 100..(tenth + 1) * 100;
            assert!(
                draws.iter().any(|ms| range.contains(ms)),
                "none in {range:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_counted_and_the_last_error_is_told() {
        let (result, attempts) = run(POLICY, usize::MAX, Decision::Retry).await;
        assert_eq!((result, attempts.len()), (Err(5), 5));
        let (result, attempts) = run(Policy::ONCE, usize::MAX, Decision::Retry).await;
        assert_eq!((result, attempts.len()), (Err(1), 1));
        let none = Policy {
            attempts_max: 0,
            ..POLICY
        };
        let (result, attempts) = run(none, usize::MAX, Decision::Retry).await;
        assert_eq!((result, attempts.len()), (Err(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hopeless_error_stops_at_once() {
        let (result, attempts) = run(POLICY, usize::MAX, Decision::Stop).await;
        assert_eq!((result, attempts.len()), (Err(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_side_is_not_asked_before_it_said() {
        let asked = Duration::from_secs(10);
        let (result, attempts) = run(POLICY, 2, Decision::RetryAfter(asked)).await;
        assert_eq!(result, Ok(3));
        for pair in attempts.windows(2) {
            let wait = pair[1] - pair[0];
            assert!(
                wait >= asked && wait <= asked + Duration::from_millis(1001),
                "{wait:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_total_time_is_capped() {
        // Six waits of at least 25 s do not fit into 60 s: two waits, three attempts.
        let asked = Decision::RetryAfter(Duration::from_secs(25));
        let (result, attempts) = run(POLICY, usize::MAX, asked).await;
        assert_eq!((result, attempts.len()), (Err(3), 3));
        // Longer than there is time at all: given up without waiting.
        let began = Instant::now();
        let asked = Decision::RetryAfter(Duration::from_secs(61));
        let (result, attempts) = run(POLICY, usize::MAX, asked).await;
        assert_eq!((result, attempts.len()), (Err(1), 1));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn time_spent_inside_attempts_counts_too() {
        let attempts = RefCell::new(0);
        let result: Result<(), ()> = retry(
            &POLICY,
            |()| Decision::Retry,
            || {
                *attempts.borrow_mut() += 1;
                async {
                    pause(Duration::from_secs(59)).await;
                    Err(())
                }
            },
        )
        .await;
        assert_eq!(result, Err(()));
        assert!(*attempts.borrow() <= 2, "{attempts:?}");
    }
}
