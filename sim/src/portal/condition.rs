//! Conditions of a filter: what a key asks for, how an operand is read, whether a card fits.

use std::cmp::Ordering;

use chrono_tz::Tz;
use serde_json::Value;

use crate::company::{Card, Company, Pool, Sym, time};

use super::field::{Field, Kind};
use super::php;

/// What a filter key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Unequal,
    Above,
    AtLeast,
    Below,
    AtMost,
    /// Substring, or a pattern with `%`.
    Like,
    Unlike,
    /// Two operands, both ends included.
    Between,
    Outside,
}

/// Prefixes of filter keys, longest first.
const PREFIXES: [(&str, Op); 17] = [
    ("!><", Op::Outside),
    ("><", Op::Between),
    ("?", Op::Like),
    ("!=%", Op::Unlike),
    ("!%=", Op::Unlike),
    ("!%", Op::Unlike),
    ("!@", Op::Unequal),
    ("!=", Op::Unequal),
    ("=%", Op::Like),
    ("%=", Op::Like),
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    ("@", Op::Equal),
    ("%", Op::Like),
    ("!", Op::Unequal),
    ("=", Op::Equal),
    (">", Op::Above),
];

/// One condition on one field.
pub(crate) struct Condition {
    pub(crate) field: Field,
    pub(crate) op: Op,
    pub(crate) operand: Operand,
}

/// Against what a condition compares.
pub(crate) enum Operand {
    Numbers(Vec<i64>),
    Codes(Vec<Sym>),
    Texts(Vec<String>),
    /// Lower-case patterns; `%` at either end stands for anything.
    Patterns(Vec<String>),
}

/// Name and operation of a filter key.
pub(crate) fn split_key(key: &str) -> (&str, Op) {
    for (prefix, op) in PREFIXES {
        if let Some(name) = key.strip_prefix(prefix) {
            return (name, op);
        }
    }
    key.strip_prefix('<')
        .map_or((key, Op::Equal), |name| (name, Op::Below))
}

/// The condition of one filter entry; nothing when its value means "no condition".
pub(crate) fn condition(
    company: &Company,
    field: Field,
    op: Op,
    value: &Value,
) -> Option<Condition> {
    let texts: Vec<String> = if php::is_array(value) {
        php::entries(value)
            .into_iter()
            .filter_map(|(_, item)| php::scalar(item))
            .collect()
    } else {
        vec![php::scalar(value)?]
    };
    let operand = match (field.kind(), op) {
        (_, Op::Like | Op::Unlike) => {
            Operand::Patterns(texts.iter().map(|text| text.to_lowercase()).collect())
        }
        // As PHP: what is no number is 0, so an empty reference starts from the first row.
        (Kind::Id, _) => Operand::Numbers(texts.iter().map(|text| php::intval(text)).collect()),
        (Kind::Money, _) => {
            let cents = texts
                .iter()
                .map(|text| crate::company::cents(text).unwrap_or(0));
            Operand::Numbers(cents.collect())
        }
        (Kind::Time | Kind::Date, _) => Operand::Numbers(instants(company.zone, &texts)?),
        (Kind::Flag, _) => {
            let yes = texts
                .iter()
                .map(|text| i64::from(matches!(text.as_str(), "Y" | "1")));
            Operand::Numbers(yes.collect())
        }
        (Kind::Code, Op::Equal | Op::Unequal) if field != Field::Semantic => {
            let codes = texts
                .iter()
                .map(|text| company.pool.find(text).unwrap_or(Sym::MAX));
            Operand::Codes(codes.collect())
        }
        (Kind::Code | Kind::Text, _) => Operand::Texts(texts),
    };
    Some(Condition { field, op, operand })
}

/// Instants of a filter. One that is no date makes the whole condition vanish, as unknown keys do.
fn instants(zone: Tz, texts: &[String]) -> Option<Vec<i64>> {
    let read = |text: &String| {
        if text.is_empty() {
            Some(crate::company::NO_TIME)
        } else {
            time::parse(zone, text)
        }
    };
    let instants: Option<Vec<i64>> = texts.iter().map(read).collect();
    // An empty date is a question only for equality ("has none").
    instants
}

impl Condition {
    /// True when the windows of a query say all that the condition says.
    pub(crate) fn is_window(&self) -> bool {
        let single = matches!(&self.operand, Operand::Numbers(numbers) if numbers.len() == 1);
        single
            && !matches!(
                self.op,
                Op::Unequal | Op::Like | Op::Unlike | Op::Between | Op::Outside
            )
    }

    /// Whether a card fits.
    pub(crate) fn fits(&self, card: &Card, pool: &Pool) -> bool {
        match &self.operand {
            Operand::Numbers(numbers) => {
                let value = self.field.number(card);
                match self.op {
                    Op::Equal => numbers.contains(&value),
                    Op::Unequal => !numbers.contains(&value),
                    Op::Between | Op::Outside => {
                        is_between(&value, numbers) == (self.op == Op::Between)
                    }
                    op => numbers.iter().all(|number| holds(op, value.cmp(number))),
                }
            }
            Operand::Codes(codes) => {
                let value = match self.field {
                    Field::Stage => card.stage,
                    Field::Source => card.source,
                    _ => card.currency,
                };
                codes.contains(&value) == (self.op == Op::Equal)
            }
            Operand::Texts(texts) => {
                let value = self.field.text(card, pool);
                match self.op {
                    Op::Equal => texts.iter().any(|text| *text == *value),
                    Op::Unequal => !texts.iter().any(|text| *text == *value),
                    op => texts
                        .iter()
                        .all(|text| holds(op, (*value).cmp(text.as_str()))),
                }
            }
            Operand::Patterns(patterns) => {
                let value = match self.field.kind() {
                    Kind::Code | Kind::Text => self.field.text(card, pool).to_lowercase(),
                    _ => self.field.number(card).to_string(),
                };
                let like = patterns.iter().any(|pattern| is_like(&value, pattern));
                like == (self.op == Op::Like)
            }
        }
    }
}

/// True when the value lies between the first operand and the last, both included.
pub(crate) fn is_between<T: PartialOrd>(value: &T, operands: &[T]) -> bool {
    let low = operands.first().is_some_and(|low| low <= value);
    low && operands.last().is_some_and(|high| value <= high)
}

/// True when the order of value and operand is what the operation asks for.
pub(crate) fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Above => order == Ordering::Greater,
        Op::AtLeast => order != Ordering::Less,
        Op::Below => order == Ordering::Less,
        Op::AtMost => order != Ordering::Greater,
        Op::Equal | Op::Unequal | Op::Like | Op::Unlike | Op::Between | Op::Outside => false,
    }
}

/// A pattern without `%` is a substring; with it, the bare ends are anchored.
pub(crate) fn is_like(value: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('%'), pattern.strip_suffix('%')) {
        (None, None) => value.contains(pattern),
        (Some(tail), None) => value.ends_with(tail),
        (None, Some(head)) => value.starts_with(head),
        (Some(_), Some(_)) => value.contains(pattern.trim_matches('%')),
    }
}
