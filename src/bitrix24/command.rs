//! One command of a batch: a method and its parameters, every key and value encoded exactly once.
//!
//! The portal splits each pair at its first `=`, so the `=` of `filter[>=DATE_MODIFY]` has to be
//! `%3D`: otherwise the filter vanishes without an error and the whole table comes back.

use std::fmt::{Display, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 calls unreserved stays as it is; everything else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A method with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    method: &'static str,
    query: String,
}

impl Command {
    /// A command without parameters.
    pub fn new(method: &'static str) -> Command {
        Command {
            method,
            query: String::new(),
        }
    }

    /// The method's name.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Adds a parameter; `key` may be nested, such as `filter[>ID]`.
    #[must_use]
    pub fn param(mut self, key: &str, value: impl Display) -> Command {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        let value = value.to_string();
        // Writing into a String cannot fail.
        let _ = write!(
            self.query,
            "{}={}",
            utf8_percent_encode(key, ENCODED),
            utf8_percent_encode(&value, ENCODED)
        );
        self
    }

    /// Adds a condition: an operator such as `>=` (empty for equality), a field and a value.
    #[must_use]
    pub fn filter(self, operator: &str, field: &str, value: impl Display) -> Command {
        self.param(&format!("filter[{operator}{field}]"), value)
    }

    /// Adds the fields to select.
    #[must_use]
    pub fn select(self, fields: &[&str]) -> Command {
        fields.iter().enumerate().fold(self, |command, (i, field)| {
            command.param(&format!("select[{i}]"), field)
        })
    }

    /// The text that `batch` takes.
    pub fn text(&self) -> String {
        if self.query.is_empty() {
            self.method.to_owned()
        } else {
            format!("{}?{}", self.method, self.query)
        }
    }
}

/// The key of the n-th command of a batch. Never a number: with numeric keys PHP's answer changes
/// between list and map, and positions are lost.
pub(super) fn key(n: usize) -> String {
    format!("c{n:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_and_values_are_encoded_once() {
        for (command, text) in [
            (Command::new("profile"), "profile"),
            (
                Command::new("crm.lead.list").filter(
                    ">=",
                    "DATE_MODIFY",
                    "2026-01-02T03:04:05+03:00",
                ),
                "crm.lead.list?filter%5B%3E%3DDATE_MODIFY%5D=2026-01-02T03%3A04%3A05%2B03%3A00",
            ),
            (
                Command::new("crm.lead.list")
                    .filter(">", "ID", "$result[c00][49][ID]")
                    .param("start", -1),
                "crm.lead.list?filter%5B%3EID%5D=%24result%5Bc00%5D%5B49%5D%5BID%5D&start=-1",
            ),
            (
                Command::new("user.get").param("NAME", "Анна & 50%"),
                "user.get?NAME=%D0%90%D0%BD%D0%BD%D0%B0%20%26%2050%25",
            ),
            (
                Command::new("x").select(&["ID", "UF_CRM_1"]),
                "x?select%5B0%5D=ID&select%5B1%5D=UF_CRM_1",
            ),
        ] {
            assert_eq!(command.text(), text);
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back_and_splits_at_the_first_equals_sign(
            key in "\\PC{1,20}",
            value in "\\PC{0,40}",
        ) {
            let text = Command::new("m").param(&key, &value).param("z", 1).text();
            let query = text.strip_prefix("m?").expect("a query");
            let pairs: Vec<&str> = query.split('&').collect();
            prop_assert_eq!(pairs.len(), 2);
            let (k, v) = pairs[0].split_once('=').expect("a pair");
            let decode = |s: &str| {
                percent_encoding::percent_decode_str(s).decode_utf8().expect("UTF-8").into_owned()
            };
            prop_assert_eq!(decode(k), key);
            prop_assert_eq!(decode(v), value);
        }
    }
}
