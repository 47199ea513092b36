//! What the portal was asked: counts by method and status, and the last requests.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

/// Requests that the log keeps.
const LOG_LENGTH: usize = 1_000;

/// One request.
struct Entry {
    method: String,
    path: String,
    status: u16,
    ms: u64,
    bytes: usize,
}

/// Counts and log since the start or the last reset.
#[derive(Default)]
pub(crate) struct Journal {
    total: u64,
    by_method: BTreeMap<String, u64>,
    by_status: BTreeMap<u16, u64>,
    commands: BTreeMap<String, u64>,
    log: VecDeque<Entry>,
}

impl Journal {
    /// Notes a request; the path must be without its secret.
    pub(crate) fn note(&mut self, method: &str, path: String, status: u16, ms: u64, bytes: usize) {
        self.total += 1;
        *self.by_method.entry(method.to_owned()).or_default() += 1;
        *self.by_status.entry(status).or_default() += 1;
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(Entry {
            method: method.to_owned(),
            path,
            status,
            ms,
            bytes,
        });
    }

    /// Notes a method called inside a batch.
    pub(crate) fn command(&mut self, method: &str) {
        *self.commands.entry(method.to_owned()).or_default() += 1;
    }

    /// Everything as JSON.
    pub(crate) fn json(&self) -> Value {
        let log: Vec<Value> = self
            .log
            .iter()
            .map(|entry| {
                json!({
                    "method": entry.method,
                    "path": entry.path,
                    "status": entry.status,
                    "ms": entry.ms,
                    "bytes": entry.bytes,
                })
            })
            .collect();
        let by_status: BTreeMap<String, u64> = self
            .by_status
            .iter()
            .map(|(status, count)| (status.to_string(), *count))
            .collect();
        json!({
            "total": self.total,
            "by_method": self.by_method,
            "by_status": by_status,
            "commands": self.commands,
            "log": log,
        })
    }
}
