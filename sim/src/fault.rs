//! Queued faults: which request fails next, how, and how many times.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

/// What happens to a request that a fault was queued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// Answer with the given status and body; nothing is applied.
    Status,
    /// Close the connection without an answer; nothing is applied.
    Reset,
    /// The same as `Reset`.
    BeforeApply,
    /// Apply the request, then close the connection without an answer.
    AfterApply,
    /// Apply the request, then answer with the given status and body all the same: a gateway that
    /// gave up while the service behind it went on.
    StatusAfter,
    /// Apply the request and cut the answer's body in half.
    Truncate,
    /// Wait that many milliseconds (`ms`), then serve the request as usual.
    SlowMs,
    /// A person's batch (`body`, as `spreadsheets.batchUpdate` takes it) is applied to the
    /// spreadsheet a moment before the request is served as usual: an edit, a tab deleted, a
    /// protected range added.
    Person,
    /// The caller's token is revoked a moment before.
    RevokeToken,
    /// The file is deleted for ever a moment before.
    DeleteFile,
    /// The caller loses every right to the file a moment before, until somebody shares it anew.
    Withdraw,
}

/// One queued fault.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fault {
    /// Method id such as `sheets.spreadsheets.batchUpdate`, or `*`.
    #[serde(rename = "match", default = "any_method")]
    pub(crate) method: String,
    /// Status of the answer for [`FaultKind::Status`] and [`FaultKind::StatusAfter`].
    #[serde(default = "default_status")]
    pub(crate) status: u16,
    /// Body of the answer: JSON, or a string that is sent as text/html.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    /// What happens.
    #[serde(default = "default_kind")]
    pub(crate) kind: FaultKind,
    /// How many matching requests are hit.
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// Milliseconds for [`FaultKind::SlowMs`].
    #[serde(default)]
    pub(crate) ms: u64,
    /// How many matching requests pass untouched first.
    #[serde(default)]
    pub(crate) skip: u32,
    /// Percent of the matching requests that are hit, until `count` of them were; without it each.
    #[serde(default)]
    pub(crate) percent: Option<f64>,
    /// Id of the file that [`FaultKind::Person`], [`FaultKind::DeleteFile`] and
    /// [`FaultKind::Withdraw`] are about; without it the file of the request.
    #[serde(default)]
    pub(crate) file: Option<String>,
    /// Where the dice of `percent` start, so that a run can be repeated.
    #[serde(default)]
    pub(crate) seed: Option<u64>,
}

fn any_method() -> String {
    "*".to_owned()
}
fn default_status() -> u16 {
    503
}
fn default_kind() -> FaultKind {
    FaultKind::Status
}
fn one() -> u32 {
    1
}

/// The queue of faults, first in first out for each method.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queue: VecDeque<Fault>,
    /// State of the dice.
    dice: u64,
}

impl Faults {
    /// Adds a fault, or every fault of a list.
    ///
    /// # Errors
    /// The JSON is not a fault: the parser's message.
    pub(crate) fn push(&mut self, value: &Value) -> Result<usize, String> {
        let list = match value {
            Value::Array(items) => items.clone(),
            other => vec![other.clone()],
        };
        let parsed = list
            .into_iter()
            .map(serde_json::from_value::<Fault>)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| format!("not a fault: {e}"))?;
        if let Some(seed) = parsed.iter().find_map(|f| f.seed) {
            self.dice = seed;
        }
        let added = parsed.len();
        self.queue.extend(parsed);
        Ok(added)
    }

    /// Takes the first fault that hits `method`, counting it down.
    pub(crate) fn take(&mut self, method: &str) -> Option<Fault> {
        let mut chosen = None;
        for at in 0..self.queue.len() {
            let Some(fault) = self.queue.get(at) else {
                break;
            };
            if fault.method != "*" && fault.method != method {
                continue;
            }
            // The dice may let a request through to the next fault.
            let percent = fault.percent;
            if percent.is_none_or(|p| self.roll() < p) {
                chosen = Some(at);
                break;
            }
        }
        let at = chosen?;
        let fault = self.queue.get_mut(at)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.count = fault.count.saturating_sub(1);
        let hit = fault.clone();
        if fault.count == 0 {
            self.queue.remove(at);
        }
        Some(hit)
    }

    /// A number from 0 to 100.
    fn roll(&mut self) -> f64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.dice >> 33) as u32 % 10_000) / 100.0
    }

    /// Forgets every queued fault.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }
}

/// Holds a request back for `ms` milliseconds.
#[allow(
    clippy::disallowed_methods,
    reason = "a fault that makes the service slow has to wait"
)]
pub(crate) async fn wait_ms(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_hits_its_method_as_often_as_it_says_after_skipping() {
        let mut faults = Faults::default();
        let added = faults.push(&json!([
            {"match": "sheets.spreadsheets.get", "status": 500, "count": 2, "skip": 1},
            {"kind": "slow_ms", "ms": 5},
        ]));
        assert_eq!(added, Ok(2));
        assert!(
            faults.take("sheets.spreadsheets.get").is_none(),
            "the first one is skipped"
        );
        let hits: Vec<u16> = (0..2)
            .filter_map(|_| faults.take("sheets.spreadsheets.get"))
            .map(|f| f.status)
            .collect();
        assert_eq!(hits, [500, 500]);
        assert_eq!(
            faults.take("drive.files.get").map(|f| f.kind),
            Some(FaultKind::SlowMs)
        );
        assert!(faults.take("drive.files.get").is_none());
    }

    #[test]
    fn a_share_of_the_requests_is_hit_and_the_same_ones_again() {
        let run = |seed: u64| -> Vec<bool> {
            let mut faults = Faults::default();
            let queued = json!({"percent": 25, "count": 1000, "seed": seed});
            assert_eq!(faults.push(&queued), Ok(1));
            (0..400).map(|_| faults.take("any").is_some()).collect()
        };
        let hits = run(7).iter().filter(|hit| **hit).count();
        assert!((70..130).contains(&hits), "{hits} of 400 with 25 percent");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        assert!(Faults::default().push(&json!({"kind": "meteor"})).is_err());
    }
}
