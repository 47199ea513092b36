//! The operating time: seconds of work in ten baskets of a minute for each credential and method,
//! refused above a limit. Two readings of who pays for a batch are documented; both are here.

use std::collections::{HashMap, VecDeque};

/// Seconds of operating time after which the cloud refuses (limits.md's example).
const LIMIT_S: f64 = 480.0;

/// Seconds that a basket counts.
const WINDOW_S: f64 = 600.0;

/// Baskets of one window.
const BASKETS: f64 = 10.0;

/// Commands of a batch that are shorter are not billed where the batch pays, in seconds.
const FREE_COMMAND_S: f64 = 0.1;

/// Share of a command's time that is billed where the batch pays.
const BATCH_WEIGHT: f64 = 0.5;

/// Who pays for the commands of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Billing {
    /// Each method for itself, the batch nothing (the documentation).
    #[default]
    Methods,
    /// The method `batch`: commands above 0.1 s at half their time (measured in the field).
    Batch,
    /// Nobody: no counter in the answers, as on a self-hosted portal.
    Off,
}

/// How operating time is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operating {
    /// Who pays for a batch.
    pub billing: Billing,
    /// Seconds in a window above which the next call is refused.
    pub limit_s: f64,
    /// Length of the window in seconds; a tenth of it is one basket.
    pub window_s: f64,
    /// Milliseconds billed for a list page over those that the server really works.
    pub extra_ms: u64,
}

impl Default for Operating {
    fn default() -> Self {
        Self {
            billing: Billing::Methods,
            limit_s: LIMIT_S,
            window_s: WINDOW_S,
            extra_ms: 0,
        }
    }
}

/// What an answer says about operating time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Seconds counted in the window.
    pub(crate) spent: f64,
    /// Unix seconds at which the oldest basket is dropped.
    pub(crate) reset_at: f64,
}

struct Basket {
    /// Number of its minute.
    minute: i64,
    /// Unix seconds of its first call.
    first: f64,
    spent: f64,
}

/// All counters of a portal.
#[derive(Default)]
pub(crate) struct Meter {
    counters: HashMap<(String, String), VecDeque<Basket>>,
}

impl Meter {
    /// The counter of a method at an instant (Unix seconds).
    pub(crate) fn read(&mut self, rules: Operating, key: &str, method: &str, now: f64) -> Reading {
        let counter = self
            .counters
            .entry((key.to_owned(), method.to_owned()))
            .or_default();
        while counter
            .front()
            .is_some_and(|oldest| oldest.first + rules.window_s <= now)
        {
            counter.pop_front();
        }
        let oldest = counter.front().map_or(now, |oldest| oldest.first);
        Reading {
            spent: counter.iter().map(|basket| basket.spent).sum(),
            reset_at: oldest + rules.window_s,
        }
    }

    /// Whether the next call is refused.
    pub(crate) fn blocked(&mut self, rules: Operating, key: &str, method: &str, now: f64) -> bool {
        rules.billing != Billing::Off && self.read(rules, key, method, now).spent > rules.limit_s
    }

    /// Bills so many seconds to a method.
    pub(crate) fn bill(
        &mut self,
        rules: Operating,
        key: &str,
        method: &str,
        now: f64,
        seconds: f64,
    ) -> Reading {
        self.read(rules, key, method, now);
        let minute = (now * BASKETS / rules.window_s.max(1e-3)) as i64;
        let counter = self
            .counters
            .entry((key.to_owned(), method.to_owned()))
            .or_default();
        match counter.back_mut() {
            Some(last) if last.minute == minute => last.spent += seconds,
            _ => counter.push_back(Basket {
                minute,
                first: now,
                spent: seconds,
            }),
        }
        self.read(rules, key, method, now)
    }
}

/// What the commands of a batch cost where the batch pays, from their times in seconds.
pub(crate) fn batch_cost(commands: &[f64]) -> f64 {
    let billed = commands.iter().filter(|seconds| **seconds > FREE_COMMAND_S);
    billed.sum::<f64>() * BATCH_WEIGHT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_documentation() {
        // Calls of 20 s each: 20 of them within the window make 400 s, five more 500; the next is
        // refused until the oldest basket, which holds two, falls out.
        let rules = Operating::default();
        let mut meter = Meter::default();
        let start = 1_778_753_120.0 - 1_778_753_120.0 % 60.0;
        let mut at = start;
        for call in 0..25 {
            assert!(
                !meter.blocked(rules, "webhook", "crm.item.list", at),
                "call {call}"
            );
            meter.bill(rules, "webhook", "crm.item.list", at, 20.0);
            at += 23.0;
        }
        let reading = meter.read(rules, "webhook", "crm.item.list", at);
        assert_eq!((reading.spent, reading.reset_at), (500.0, start + 600.0));
        assert!(meter.blocked(rules, "webhook", "crm.item.list", at));
        assert!(
            !meter.blocked(rules, "webhook", "crm.lead.list", at),
            "another method"
        );
        assert!(
            !meter.blocked(rules, "app", "crm.item.list", at),
            "another credential"
        );
        assert!(meter.blocked(rules, "webhook", "crm.item.list", start + 599.0));
        assert!(!meter.blocked(rules, "webhook", "crm.item.list", start + 600.0));
        let later = meter.read(rules, "webhook", "crm.item.list", start + 600.0);
        assert!((later.spent - 440.0).abs() < 1e-9, "{}", later.spent);
        let off = Operating {
            billing: Billing::Off,
            ..rules
        };
        assert!(!meter.blocked(off, "webhook", "crm.item.list", at));
    }

    #[test]
    fn a_batch_pays_half_of_its_slow_commands() {
        let cost = batch_cost(&[0.05, 0.1, 0.2, 0.4]);
        assert!((cost - 0.3).abs() < 1e-9, "{cost}");
    }
}
