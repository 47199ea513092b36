//! Parameters of one method call.

use serde_json::Value;

use super::php;

/// The parameters, whether they came as JSON, as a form or in the address.
pub(crate) struct Params<'a> {
    root: &'a Value,
}

impl<'a> Params<'a> {
    /// Parameters of a map.
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// A top-level parameter; its case does not matter. `null` is "not given".
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        let map = self.root.as_object()?;
        let found = map.get(name).or_else(|| {
            map.iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    /// A top-level scalar as a text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(php::scalar)
    }

    /// A top-level number; what is not one is 0.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).map(|text| php::intval(&text))
    }
}
