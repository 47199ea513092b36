//! `batch`: up to fifty calls in one request, later ones fed by the results of earlier ones.

use serde_json::{Map, Value};

use super::State;
use super::access::Caller;
use super::answer::{Answer, Refusal};
use super::envelope::{Stopwatch, write_time};
use super::methods;
use super::operating::{Billing, Reading, batch_cost};
use super::params::Params;
use super::php;

/// Commands of one batch that are carried out.
const MAX_COMMANDS: usize = 50;

/// Results so far, as JSON, and parsed as soon as a later command refers to them.
#[derive(Default)]
struct Results {
    json: Vec<(String, Vec<u8>)>,
    parsed: Vec<(String, Value)>,
}

impl Results {
    /// The value at `$result[key][…]…`; nothing when the path leads nowhere.
    fn find(&mut self, path: &[&str]) -> Option<Value> {
        let (key, rest) = path.split_first()?;
        if !self.parsed.iter().any(|(known, _)| known == key) {
            let (_, json) = self.json.iter().find(|(known, _)| known == key)?;
            let value = serde_json::from_slice(json).ok()?;
            self.parsed.push(((*key).to_owned(), value));
        }
        let (_, mut value) = self
            .parsed
            .iter()
            .find(|(known, _)| known == key)
            .map(|p| (&p.0, &p.1))?;
        for step in rest {
            value = match value {
                Value::Array(list) => list.get(step.parse::<usize>().ok()?)?,
                Value::Object(map) => map.get(*step)?,
                _ => return None,
            };
        }
        Some(value.clone())
    }

    /// Replaces the references in every text of a value. What leads nowhere becomes empty, so a
    /// chained page that hangs on a short one starts again from the first row.
    fn fill(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) if text.contains("$result[") => self.fill_text(&text),
            Value::Object(map) => {
                let filled: Map<String, Value> = map
                    .into_iter()
                    .map(|(key, item)| (key, self.fill(item)))
                    .collect();
                Value::Object(filled)
            }
            other => other,
        }
    }

    fn fill_text(&mut self, text: &str) -> Value {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("$result[") {
            let (before, reference) = rest.split_at(at);
            let (path, length) = reference_path(reference);
            if path.is_empty() {
                break;
            }
            let found = self.find(&path).unwrap_or(Value::Null);
            if before.is_empty() && out.is_empty() && length == reference.len() {
                return if found.is_null() {
                    Value::String(String::new())
                } else {
                    found
                };
            }
            out.push_str(before);
            out.push_str(&php::scalar(&found).unwrap_or_default());
            rest = &reference[length..];
        }
        out.push_str(rest);
        Value::String(out)
    }
}

/// Steps of a reference that starts at `$result[`, and how many bytes it takes.
fn reference_path(text: &str) -> (Vec<&str>, usize) {
    let mut at = "$result".len();
    let mut path = Vec::new();
    while let Some(inner) = text[at..].strip_prefix('[') {
        let Some(end) = inner.find(']') else { break };
        path.push(&inner[..end]);
        at += end + 2;
    }
    (path, at)
}

/// The parts of the answer, each a PHP array by command key.
#[derive(Default)]
struct Parts {
    results: Results,
    errors: Vec<(String, Vec<u8>)>,
    totals: Vec<(String, Vec<u8>)>,
    nexts: Vec<(String, Vec<u8>)>,
    times: Vec<(String, Vec<u8>)>,
}

/// Carries out a batch. Refused as a whole where the method `batch` pays and has paid too much.
pub(crate) fn run(
    state: &State,
    caller: &Caller,
    params: &Params<'_>,
    watch: &Stopwatch,
) -> Result<(Answer, Option<Reading>), Refusal> {
    let batch_pays = state.operating().billing == Billing::Batch;
    if batch_pays && state.blocked(caller, "batch") {
        return Err(Refusal::operating());
    }
    let halt = params
        .text("halt")
        .is_some_and(|text| matches!(text.as_str(), "1" | "true" | "Y"));
    let commands = params.get("cmd").map(php::entries).unwrap_or_default();
    let mut parts = Parts::default();
    let mut ran = Ran::default();
    for (number, (key, command)) in commands.into_iter().enumerate() {
        let begun = watch.now(state.page_time(ran.pages));
        let outcome = if number < MAX_COMMANDS {
            one(state, caller, command, &mut parts.results)
        } else {
            Err(Refusal::bad(
                "ERROR_BATCH_LENGTH_EXCEEDED",
                "Max batch length exceeded",
            ))
        };
        match outcome {
            Ok((answer, reading)) => {
                ran.pages += answer.pages;
                let ended = watch.now(state.page_time(ran.pages));
                ran.seconds.push(state.cost(answer.pages));
                ran.times.push((key.clone(), (begun, ended), reading));
                if let Some(total) = answer.total {
                    parts
                        .totals
                        .push((key.clone(), total.to_string().into_bytes()));
                }
                if let Some(next) = answer.next {
                    parts
                        .nexts
                        .push((key.clone(), next.to_string().into_bytes()));
                }
                parts.results.json.push((key, answer.result));
            }
            Err(refusal) => {
                parts.errors.push((key, refusal.json()));
                if halt {
                    break;
                }
            }
        }
    }
    let bill = batch_pays.then(|| state.bill(caller, "batch", batch_cost(&ran.seconds)));
    for (key, span, own) in ran.times {
        let mut time = Vec::new();
        // Where the batch pays, all of its commands show the batch's one number.
        write_time(&mut time, state.zone(), span, bill.flatten().or(own));
        parts.times.push((key, time));
    }
    // Where the methods pay, the batch itself is never billed.
    let reading = bill.flatten().or_else(|| state.reading(caller, "batch"));
    Ok((parts.answer(ran.pages), reading))
}

/// What the commands took.
#[derive(Default)]
struct Ran {
    pages: u32,
    /// Seconds of each command that came through.
    seconds: Vec<f64>,
    /// Key, start and finish, the counter of its method.
    times: Vec<(String, (f64, f64), Option<Reading>)>,
}

impl Parts {
    fn answer(&self, pages: u32) -> Answer {
        let mut out = Vec::new();
        let all = [
            ("{\"result\":", &self.results.json),
            (",\"result_error\":", &self.errors),
            (",\"result_total\":", &self.totals),
            (",\"result_next\":", &self.nexts),
            (",\"result_time\":", &self.times),
        ];
        for (name, entries) in all {
            out.extend_from_slice(name.as_bytes());
            php::write_array(&mut out, entries);
        }
        out.push(b'}');
        Answer {
            result: out,
            pages,
            ..Answer::default()
        }
    }
}

/// One command: `method?query`, the query encoded once.
fn one(
    state: &State,
    caller: &Caller,
    command: &Value,
    results: &mut Results,
) -> Result<(Answer, Option<Reading>), Refusal> {
    let text = php::scalar(command).unwrap_or_default();
    let (method, query) = text.split_once('?').unwrap_or((&text, ""));
    let method = methods::name(method);
    state.note_command(&method);
    if method == "batch" {
        return Err(Refusal::new(
            405,
            "ERROR_BATCH_METHOD_NOT_ALLOWED",
            "Method is not allowed for batch usage",
        ));
    }
    let methods_pay = state.operating().billing == Billing::Methods;
    if methods_pay && state.blocked(caller, &method) {
        return Err(Refusal::operating());
    }
    let params = results.fill(php::parse_query(query));
    let answer = methods::call(state, caller, &method, &Params::new(&params))?;
    let reading = if methods_pay {
        state.bill(caller, &method, state.cost(answer.pages))
    } else {
        None
    };
    Ok((answer, reading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_filled_from_earlier_results() {
        let mut results = Results::default();
        let page = br#"[{"ID":"7"},{"ID":"9"}]"#.to_vec();
        results.json.push(("c00".to_owned(), page));
        results
            .json
            .push(("items".to_owned(), br#"{"items":[{"id":5}]}"#.to_vec()));
        let cases = [
            (json!("$result[c00][1][ID]"), json!("9")),
            (json!("$result[items][items][0][id]"), json!(5)),
            (
                json!("a$result[c00][0][ID]b$result[c00][1][ID]"),
                json!("a7b9"),
            ),
            (json!("$result[c00][49][ID]"), json!("")),
            (json!("$result[none][0]"), json!("")),
            (json!("x$result[none][0]y"), json!("xy")),
            (json!("$result[broken"), json!("$result[broken")),
            (
                json!({"filter": {">ID": "$result[c00][1][ID]"}}),
                json!({"filter": {">ID": "9"}}),
            ),
            (json!("plain"), json!("plain")),
        ];
        for (given, wanted) in cases {
            assert_eq!(results.fill(given.clone()), wanted, "{given}");
        }
    }
}
