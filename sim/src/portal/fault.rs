//! Faults that a test queues: each spoils the next calls of its method.

use std::collections::VecDeque;

use serde_json::Value;

/// One queued fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    /// Method that it waits for; nothing means any.
    method: Option<String>,
    /// Calls of the method that pass unharmed first.
    skip: u64,
    /// Calls that it spoils.
    count: u64,
    /// Status of the spoilt answer.
    pub(crate) status: Option<u16>,
    /// Body of the spoilt answer, with its content type.
    pub(crate) body: Option<(&'static str, String)>,
    /// The connection is reset instead of an answer.
    pub(crate) reset: bool,
    /// The answer ends after this many bytes of its body.
    pub(crate) truncate: Option<usize>,
    /// Milliseconds that the answer is late.
    pub(crate) slow_ms: u64,
    /// What happens in the company a moment before, as `POST /_sim/live` takes it.
    pub(crate) live: Option<Value>,
}

/// Faults in the order of their queueing.
#[derive(Default)]
pub(crate) struct Faults {
    queue: VecDeque<Fault>,
}

impl Faults {
    /// Queues one fault, or a list of them.
    pub(crate) fn add(&mut self, json: &Value) -> Result<usize, String> {
        let list = match json {
            Value::Array(list) => list.iter().map(read).collect::<Result<Vec<_>, _>>()?,
            one => vec![read(one)?],
        };
        let count = list.len();
        self.queue.extend(list);
        Ok(count)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// The fault that hits a call of this method, if any; used up by it.
    pub(crate) fn take(&mut self, method: &str) -> Option<Fault> {
        let waits = |fault: &Fault| fault.method.as_deref().is_none_or(|name| name == method);
        let at = self.queue.iter().position(waits)?;
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
}

fn read(json: &Value) -> Result<Fault, String> {
    let map = json
        .as_object()
        .ok_or_else(|| format!("{json}: a fault is an object"))?;
    let mut fault = Fault {
        count: 1,
        ..Fault::default()
    };
    for (key, value) in map {
        let number = || {
            value
                .as_u64()
                .ok_or_else(|| format!("{key}: {value} is no number"))
        };
        let text = || {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{key}: no text"))
        };
        match key.as_str() {
            "method" => fault.method = Some(text()?.to_lowercase()).filter(|name| name != "*"),
            "skip" => fault.skip = number()?,
            "count" => fault.count = number()?.max(1),
            "status" => {
                let status = number()?;
                let fits = u16::try_from(status)
                    .ok()
                    .filter(|code| (200..600).contains(code));
                fault.status = Some(fits.ok_or_else(|| format!("{status} is no HTTP status"))?);
            }
            "body" => fault.body = Some(("application/json; charset=utf-8", value.to_string())),
            "html" => fault.body = Some(("text/html; charset=utf-8", text()?)),
            "reset" => fault.reset = value.as_bool().unwrap_or(false),
            "truncate" => {
                fault.truncate = Some(usize::try_from(number()?).unwrap_or(usize::MAX));
            }
            "slow_ms" => fault.slow_ms = number()?,
            "live" => fault.live = Some(super::live::Wish::read(value).map(|_| value.clone())?),
            _ => {
                return Err(format!(
                    "{key}: unknown; known are method, skip, count, status, body, html, reset, \
                     truncate, slow_ms, live"
                ));
            }
        }
    }
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_waits_for_its_method_and_is_used_up() {
        let mut faults = Faults::default();
        let list = json!([
            {"method": "Batch", "status": 503, "count": 2, "skip": 1},
            {"slow_ms": 5},
        ]);
        assert_eq!(faults.add(&list), Ok(2));
        assert_eq!(faults.take("profile").map(|fault| fault.slow_ms), Some(5));
        assert!(faults.take("profile").is_none());
        assert!(faults.take("batch").is_none());
        assert_eq!(
            faults.take("batch").and_then(|fault| fault.status),
            Some(503)
        );
        assert_eq!(
            faults.take("batch").and_then(|fault| fault.status),
            Some(503)
        );
        assert!(faults.take("batch").is_none());
    }

    #[test]
    fn wrong_faults_are_refused() {
        for wrong in [
            json!(1),
            json!({"stat": 1}),
            json!({"status": 99}),
            json!({"html": 1}),
        ] {
            assert!(Faults::default().add(&wrong).is_err(), "{wrong}");
        }
    }
}
