//! The client's copy of the portal's leaky bucket, counted before a request is sent.
//!
//! The portal raises its counter with each request and lowers it in steps, once a second; where in the
//! second it does so it does not tell. So we keep a counter for each of `PHASES` portals that step at
//! evenly spread moments, and a request goes when none of them would refuse it. That is as early as
//! anybody can go who does not want to be refused: as many at once as the portal lets through, then as
//! many as a step takes off at each full second. An even flow (governor's) would have to hold back what
//! a step takes off and costs a second more.
//!
//! The portal counts requests per source address, so all clients of one portal in this process
//! share one bucket.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::retry;

/// Moments of the second at which the portal may lower its counter.
const PHASES: u32 = 20;
/// Between two of these moments.
const GRAIN: Duration = Duration::from_millis(1_000 / PHASES as u64);
/// By how much the way to the portal may take longer for one request than for a later one. It is waited
/// for once in a run of requests, not at each step.
const WAY_SPREAD: Duration = Duration::from_millis(100);
/// So late may a request count, as seen from the phase before the portal's own.
const LATE: Duration = WAY_SPREAD.saturating_add(GRAIN);

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
}

/// What the portal's counter may be, whatever the phase of its second and however long our requests are
/// on their way. Times are counted from any fixed moment.
#[derive(Debug, Clone)]
struct Counter {
    allowance: Allowance,
    /// Of each phase.
    counters: [u32; PHASES as usize],
    /// When requests were sent that may not have arrived yet, in order.
    on_the_way: VecDeque<Duration>,
    /// Moments at which a phase steps, since the beginning.
    stepped: u64,
}

impl Counter {
    fn new(allowance: Allowance) -> Counter {
        Counter {
            allowance,
            counters: [0; PHASES as usize],
            on_the_way: VecDeque::new(),
            stepped: 0,
        }
    }

    /// Takes a request's place at a time or says how long after it there will be one, never zero.
    fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.advance(now);
        if self.is_free() {
            self.on_the_way.push_back(now);
            return Ok(());
        }
        let mut then = self.clone();
        while !then.is_free() {
            then.step();
        }
        Err(moment(then.stepped).saturating_sub(now).max(GRAIN / 10))
    }

    /// Whether no phase would refuse a request.
    fn is_free(&self) -> bool {
        let highest = self.counters.iter().max().copied().unwrap_or(0) as usize;
        highest + self.on_the_way.len() <= self.allowance.threshold as usize
    }

    /// Goes on to a time.
    fn advance(&mut self, now: Duration) {
        let due = u64::try_from(now.as_nanos() / GRAIN.as_nanos()).unwrap_or(u64::MAX);
        while self.stepped < due {
            if self.on_the_way.is_empty() && self.counters.iter().all(|counter| *counter == 0) {
                self.stepped = due;
                return;
            }
            self.step();
        }
    }

    /// Lets the next phase step.
    fn step(&mut self) {
        self.stepped += 1;
        let now = moment(self.stepped);
        // Only what surely was there already is taken off.
        while self
            .on_the_way
            .front()
            .is_some_and(|sent| *sent + LATE < now)
        {
            self.on_the_way.pop_front();
            for counter in &mut self.counters {
                *counter += 1;
            }
        }
        let phase = (self.stepped % u64::from(PHASES)) as usize;
        if let Some(counter) = self.counters.get_mut(phase) {
            *counter = counter.saturating_sub(self.allowance.per_second.max(1));
        }
    }

    /// The portal has said that its counter is above the threshold.
    fn fill(&mut self, now: Duration) {
        self.advance(now);
        self.on_the_way.clear();
        let full = self.allowance.threshold as usize + 1;
        self.on_the_way.extend(std::iter::repeat_n(now, full));
        self.counters = [0; PHASES as usize];
    }
}

/// When so many phases have stepped.
fn moment(stepped: u64) -> Duration {
    Duration::from_nanos(stepped.saturating_mul(GRAIN.as_nanos() as u64))
}

/// A portal's bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    allowance: Allowance,
    /// What the counter's times are counted from.
    began: Instant,
    counter: Mutex<Counter>,
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
        let bucket = Arc::new(Bucket::new(allowance));
        buckets.insert(host.to_owned(), Arc::downgrade(&bucket));
        bucket
    }

    fn new(allowance: Allowance) -> Bucket {
        Bucket {
            allowance,
            began: Instant::now(),
            counter: Mutex::new(Counter::new(allowance)),
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
        while let Err(wait) = self.with(Counter::take) {
            retry::pause(wait).await;
        }
    }

    /// Takes it that the portal's counter is above the threshold: it has said so.
    pub(super) fn fill(&self) {
        self.with(Counter::fill);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counter, Duration) -> T) -> T {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut counter, self.began.elapsed())
    }
}

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "a random test says its seed")]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const PLANS: [Allowance; 2] = [Allowance::STANDARD, Allowance::ENTERPRISE];

    /// Sends as fast as the counter lets, each request a while after the one before, and returns when.
    fn drain(allowance: Allowance, pauses: impl IntoIterator<Item = Duration>) -> Vec<Duration> {
        let mut counter = Counter::new(allowance);
        let mut now = Duration::ZERO;
        let send = |pause: Duration| {
            now += pause;
            while let Err(wait) = counter.take(now) {
                assert!(wait > Duration::ZERO);
                now += wait;
            }
            now
        };
        pauses.into_iter().map(send).collect()
    }

    fn at_once(requests: usize) -> impl Iterator<Item = Duration> {
        std::iter::repeat_n(Duration::ZERO, requests)
    }

    /// The portal's counter, literally: +1 a request, −Y once a second, refusing above X.
    fn refused(allowance: Allowance, arrivals: &[Duration], first_step: Duration) -> usize {
        let (mut counter, mut step, mut refused) = (0u64, first_step, 0);
        for &at in arrivals {
            while step <= at {
                counter = counter.saturating_sub(u64::from(allowance.per_second));
                step += Duration::from_secs(1);
            }
            if counter > u64::from(allowance.threshold) {
                refused += 1;
            }
            counter += 1;
        }
        refused
    }

    /// Request by request another time on the way, and another pace of asking.
    #[test]
    fn the_portal_never_refuses_whatever_the_phase_of_its_second() {
        let seed = std::env::var("PLANFACT_SEED")
            .ok()
            .and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(rand::random::<u64>);
        println!("PLANFACT_SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        for (allowance, slowest_ms) in PLANS
            .into_iter()
            .flat_map(|a| [0, 90, 700, 2_500].map(|ms| (a, ms)))
        {
            let pauses: Vec<Duration> = (0..700)
                .map(|_| Duration::from_millis(random.random_range(0..=slowest_ms)))
                .collect();
            let sent = drain(allowance, pauses);
            for phase in (0..=1_000).step_by(25).map(Duration::from_millis) {
                assert_eq!(
                    refused(allowance, &sent, phase),
                    0,
                    "{allowance:?} {phase:?}"
                );
                let mut arrivals: Vec<Duration> = sent
                    .iter()
                    .map(|sent| *sent + WAY_SPREAD.mul_f64(random.random_range(0.0..=1.0)))
                    .collect();
                arrivals.sort();
                assert_eq!(
                    refused(allowance, &arrivals, phase),
                    0,
                    "{allowance:?} {phase:?}"
                );
            }
        }
    }

    #[test]
    fn the_time_is_the_bound_to_the_next_full_second() {
        for allowance in PLANS {
            for requests in [51, 52, 53, 81, 251, 401, 600] {
                let sent = drain(allowance, at_once(requests));
                let last = sent.last().copied().unwrap_or_default();
                let bound = allowance.bound_seconds(requests as u64).ceil();
                let late = if bound > 0.0 { LATE } else { Duration::ZERO };
                assert_eq!(last, Duration::from_secs_f64(bound) + late, "{requests}");
            }
        }
    }

    #[test]
    fn nothing_goes_later_than_it_must() {
        // One request a second less than was waited for, and some phase refuses it.
        for allowance in PLANS {
            let mut sent = drain(allowance, at_once(300));
            let first_waiting = allowance.threshold as usize + 1;
            sent[first_waiting] -= LATE + Duration::from_millis(1);
            let phase = Duration::from_secs(1);
            assert_eq!(refused(allowance, &sent[..=first_waiting], phase), 1);
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
    fn a_refusal_by_the_portal_fills_the_bucket() {
        let mut counter = Counter::new(Allowance::STANDARD);
        let now = Duration::from_secs(7);
        assert_eq!(counter.take(now), Ok(()));
        counter.fill(now);
        // The next step of the portal lets two through.
        let step = Duration::from_secs(1) + LATE;
        assert_eq!(counter.take(now), Err(step));
        assert_eq!(
            [counter.take(now + step), counter.take(now + step)],
            [Ok(()), Ok(())]
        );
        assert_eq!(counter.take(now + step), Err(Duration::from_secs(1)));
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
