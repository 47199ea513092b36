//! What was asked so far: counts by method and status, and the last requests.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

/// How many requests the log keeps.
const LOG_LENGTH: usize = 1000;

/// Counts of one kind of caller.
#[derive(Debug, Default)]
struct Counts {
    total: u64,
    by_method: BTreeMap<String, u64>,
    by_status: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, method: &str, status: u16) {
        self.total += 1;
        *self.by_method.entry(method.to_owned()).or_default() += 1;
        *self.by_status.entry(status.to_string()).or_default() += 1;
    }

    fn json(&self) -> Value {
        json!({"total": self.total, "by_method": self.by_method, "by_status": self.by_status})
    }
}

/// One finished request.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) method_id: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) ms: f64,
    /// The caller is a person at a page, not a program.
    pub(crate) person: bool,
    /// `Some(true)` for a Sheets read, `Some(false)` for a Sheets write.
    pub(crate) sheets_read: Option<bool>,
}

/// All counts of the simulator.
#[derive(Debug, Default)]
pub(crate) struct Census {
    programs: Counts,
    people: Counts,
    reads: u64,
    writes: u64,
    log: VecDeque<Value>,
}

impl Census {
    pub(crate) fn record(&mut self, seen: &Seen<'_>) {
        if seen.person {
            self.people.add(seen.method_id, seen.status);
            return;
        }
        self.programs.add(seen.method_id, seen.status);
        match seen.sheets_read {
            Some(true) => self.reads += 1,
            Some(false) => self.writes += 1,
            None => {}
        }
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(json!({
            "method": seen.method_id,
            "verb": seen.verb,
            "path": seen.path,
            "status": seen.status,
            "ms": (seen.ms * 10.0).round() / 10.0,
        }));
    }

    pub(crate) fn json(&self) -> Value {
        let mut all = self.programs.json();
        if let Some(map) = all.as_object_mut() {
            map.insert("reads".into(), self.reads.into());
            map.insert("writes".into(), self.writes.into());
            map.insert("people".into(), self.people.json());
            map.insert("log".into(), self.log.iter().cloned().collect());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted_apart() {
        let mut census = Census::default();
        let seen = |person, sheets_read| Seen {
            method_id: "sheets.spreadsheets.get",
            verb: "GET",
            path: "/v4/spreadsheets/x",
            status: 200,
            ms: 1.0,
            person,
            sheets_read,
        };
        census.record(&seen(false, Some(true)));
        census.record(&seen(true, Some(true)));
        census.record(&seen(false, Some(false)));
        let json = census.json();
        assert_eq!(
            (
                &json["total"],
                &json["reads"],
                &json["writes"],
                &json["people"]["total"]
            ),
            (&json!(2), &json!(1), &json!(1), &json!(1)),
        );
        assert_eq!(json["log"].as_array().map(Vec::len), Some(2));
    }
}
