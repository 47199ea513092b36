//! Field masks (`fields=`): parsing, filtering of answers, masked updates.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::google::http::ApiError;

/// A parsed mask: everything, or some fields each with its own mask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mask {
    All,
    Some(BTreeMap<String, Mask>),
}

impl Mask {
    /// Parses `a,b(c,d/e),f.g`.
    ///
    /// # Errors
    /// Unbalanced brackets or an empty name.
    pub(crate) fn parse(text: &str) -> Result<Mask, ApiError> {
        let mut parser = Parser {
            chars: text.chars().collect(),
            at: 0,
            text,
        };
        let mask = parser.list()?;
        if parser.at != parser.chars.len() {
            return Err(ApiError::bad_mask(text));
        }
        Ok(mask)
    }

    /// The mask of a field, if the field is wanted.
    pub(crate) fn field(&self, name: &str) -> Option<&Mask> {
        match self {
            Mask::All => Some(self),
            Mask::Some(m) => m.get(name).or_else(|| m.get("*")),
        }
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// Whether the mask names the dotted path, wholly or in part.
    pub(crate) fn wants_path(&self, path: &str) -> bool {
        let mut mask = self;
        for part in path.split('.') {
            match mask.field(part) {
                Some(inner) => mask = inner,
                None => return false,
            }
        }
        true
    }

    fn add(&mut self, name: String, inner: Mask) {
        if let Mask::Some(m) = self {
            match (m.get_mut(&name), inner) {
                (Some(Mask::All), _) => {}
                (Some(slot), Mask::All) => *slot = Mask::All,
                (Some(slot), Mask::Some(more)) => {
                    for (k, v) in more {
                        slot.add(k, v);
                    }
                }
                (None, inner) => {
                    m.insert(name, inner);
                }
            }
        }
    }

    /// Keeps only what the mask names.
    pub(crate) fn filter(&self, mut value: Value) -> Value {
        self.keep(&mut value);
        value
    }

    /// Drops what the mask does not name where it stands: making every map anew cost more than all
    /// else of a large answer.
    fn keep(&self, value: &mut Value) {
        match (self, value) {
            (Mask::Some(_), Value::Array(items)) => {
                items.iter_mut().for_each(|item| self.keep(item));
            }
            (Mask::Some(_), Value::Object(map)) => map.retain(|name, inner| {
                let mask = self.field(name);
                if let Some(mask) = mask {
                    mask.keep(inner);
                }
                mask.is_some()
            }),
            _ => {}
        }
    }

    /// Writes the masked fields of `source` into `target`; a field that the mask names and the
    /// source lacks is cleared.
    pub(crate) fn merge(&self, target: &mut Value, source: &Value) {
        match self {
            Mask::All => *target = source.clone(),
            Mask::Some(fields) => {
                if !target.is_object() {
                    *target = Value::Object(Map::new());
                }
                let Value::Object(to) = target else { return };
                for (name, inner) in fields {
                    if name == "*" {
                        *to = source.as_object().cloned().unwrap_or_default();
                        return;
                    }
                    merge_field(to, name, inner, source.get(name));
                }
            }
        }
    }
}

fn merge_field(to: &mut Map<String, Value>, name: &str, inner: &Mask, from: Option<&Value>) {
    let deeper = match inner {
        Mask::All => false,
        Mask::Some(m) => !m.contains_key("*"),
    };
    match (deeper, from) {
        (false, None | Some(Value::Null)) => {
            to.remove(name);
        }
        (false, Some(v)) => {
            to.insert(name.to_owned(), v.clone());
        }
        (true, from) => {
            let slot = to
                .entry(name.to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            inner.merge(slot, from.unwrap_or(&Value::Null));
            if slot.as_object().is_some_and(Map::is_empty) {
                to.remove(name);
            }
        }
    }
}

struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    text: &'a str,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn bad(&self) -> ApiError {
        ApiError::bad_mask(self.text)
    }

    fn list(&mut self) -> Result<Mask, ApiError> {
        let mut mask = Mask::Some(BTreeMap::new());
        loop {
            let (name, inner) = self.path()?;
            if name == "*" && inner == Mask::All {
                mask = match mask {
                    Mask::Some(m) if m.is_empty() => Mask::All,
                    other => other,
                };
            } else {
                mask.add(name, inner);
            }
            if self.peek() != Some(',') {
                return Ok(mask);
            }
            self.at += 1;
        }
    }

    fn path(&mut self) -> Result<(String, Mask), ApiError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '*' || c == '-')
        {
            self.at += 1;
        }
        let name: String = self
            .chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect();
        if name.is_empty() {
            return Err(self.bad());
        }
        let inner = match self.peek() {
            Some('.' | '/') => {
                self.at += 1;
                let (next, inner) = self.path()?;
                if next == "*" {
                    inner
                } else {
                    Mask::Some(BTreeMap::from([(next, inner)]))
                }
            }
            Some('(') => {
                self.at += 1;
                let inner = self.list()?;
                if self.peek() != Some(')') {
                    return Err(self.bad());
                }
                self.at += 1;
                inner
            }
            _ => Mask::All,
        };
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        Ok((name, inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masks_filter_nested_arrays() {
        let mask =
            Mask::parse("sheets(properties(title,gridProperties/rowCount),data.x),id").unwrap();
        let value = json!({
            "id": 1, "other": 2,
            "sheets": [{"properties": {"title": "a", "index": 0, "gridProperties": {"rowCount": 5,
                "columnCount": 2}}, "data": [{"x": 1, "y": 2}], "charts": []}],
        });
        assert_eq!(
            mask.filter(value),
            json!({"id": 1, "sheets": [{"properties": {"title": "a",
                "gridProperties": {"rowCount": 5}}, "data": [{"x": 1}]}]}),
        );
    }

    #[test]
    fn masked_updates_set_clear_and_keep() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": 3, "e": 4});
        Mask::parse("a.b,d")
            .unwrap()
            .merge(&mut target, &json!({"a": {"b": 9, "c": 8}}));
        assert_eq!(target, json!({"a": {"b": 9, "c": 2}, "e": 4}));
        Mask::parse("*")
            .unwrap()
            .merge(&mut target, &json!({"z": 1}));
        assert_eq!(target, json!({"z": 1}));
    }

    #[test]
    fn broken_masks_are_refused() {
        for text in ["", "a,", "a(b", "a)b", "a..b"] {
            assert!(Mask::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn paths_are_asked_for() {
        let mask = Mask::parse("sheets.data.rowData.values.note").unwrap();
        assert!(mask.wants_path("sheets.data.rowData"));
        assert!(!mask.wants_path("sheets.data.rowMetadata"));
        assert!(Mask::All.wants_path("sheets.data"));
    }
}
