//! The request limit of the cloud: a leaky bucket, taken literally.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Plan;

/// A counter that each served request raises by one and each whole second lowers by the plan's
/// rate. While it exceeds the plan's limit, requests are refused; a refused one is not counted.
pub(crate) struct Bucket {
    /// Highest counter at which a request is served; nothing when the plan has no limit.
    limit: Option<u64>,
    /// What a second takes off.
    rate: u64,
    counter: u64,
    /// Whole seconds already taken off.
    drained: u64,
}

impl Bucket {
    /// The empty bucket of a plan.
    pub(crate) fn new(plan: Plan) -> Self {
        let (limit, rate) = match plan {
            Plan::Standard => (Some(50), 2),
            Plan::Enterprise => (Some(250), 5),
            Plan::Unlimited => (None, 0),
        };
        Self {
            limit,
            rate,
            counter: 0,
            drained: 0,
        }
    }

    /// Asks for one request at a number of whole seconds since the portal's start.
    pub(crate) fn admit(&mut self, second: u64) -> bool {
        let passed = second.saturating_sub(self.drained);
        self.drained = self.drained.max(second);
        self.counter = self
            .counter
            .saturating_sub(passed.saturating_mul(self.rate));
        if self.limit.is_some_and(|limit| self.counter > limit) {
            return false;
        }
        self.counter += 1;
        true
    }
}

/// The buckets of a portal, one for each address that requests come from.
pub(crate) struct Buckets {
    plan: Plan,
    by_source: HashMap<IpAddr, Bucket>,
}

impl Buckets {
    /// Empty buckets of a plan.
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            by_source: HashMap::new(),
        }
    }

    /// The plan.
    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    /// Asks for one request from an address at a number of whole seconds since the portal's start.
    pub(crate) fn admit(&mut self, source: IpAddr, second: u64) -> bool {
        let fresh = || Bucket::new(self.plan);
        self.by_source
            .entry(source)
            .or_insert_with(fresh)
            .admit(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_and_one_more_pass_at_once_then_the_rate() {
        for (plan, burst, rate) in [(Plan::Standard, 51, 2), (Plan::Enterprise, 251, 5)] {
            let mut bucket = Bucket::new(plan);
            let mut served = |second: u64| (0..1_000).filter(|_| bucket.admit(second)).count();
            assert_eq!(served(0), burst);
            assert_eq!(served(0), 0);
            assert_eq!(served(1), rate);
            assert_eq!(served(4), 3 * rate);
            assert_eq!(served(1_000), burst);
        }
    }

    #[test]
    fn each_address_has_a_bucket_of_its_own() {
        let mut buckets = Buckets::new(Plan::Standard);
        let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        assert_eq!((0..60).filter(|_| buckets.admit(one, 0)).count(), 51);
        assert_eq!((0..60).filter(|_| buckets.admit(two, 0)).count(), 51);
    }

    #[test]
    fn unlimited_is_unlimited() {
        let mut bucket = Bucket::new(Plan::Unlimited);
        assert!((0..10_000).all(|_| bucket.admit(0)));
    }
}
