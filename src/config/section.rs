//! One table of the configuration while it is read: gives typed values, collects faults.
//!
//! A value that is wrong is noted and read as absent, so that one run names every fault.

use std::cell::RefCell;
use std::fmt::Write as _;

use config::{Map, Value, ValueKind};

use super::keys;
use super::problem::{ConfigErrors, Problem, unknown_key_remedy};

/// What is wrong with a value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
        Wrong {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// Whether keys without a default must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// A daemon's configuration.
    Full,
    /// The few keys that go with a folder of data; what is absent has the example's value.
    Data,
}

/// The faults found so far.
#[derive(Debug)]
pub(super) struct Faults {
    file: String,
    found: RefCell<Vec<Problem>>,
}

impl Faults {
    pub(super) fn new(file: &str) -> Faults {
        Faults {
            file: file.to_owned(),
            found: RefCell::default(),
        }
    }

    pub(super) fn add(&self, origin: Option<&str>, key: &str, value: Option<String>, wrong: Wrong) {
        self.found.borrow_mut().push(Problem {
            file: origin.unwrap_or(&self.file).to_owned(),
            key: key.to_owned(),
            value,
            what: wrong.what,
            remedy: wrong.remedy,
        });
    }

    /// The result, unless something is wrong.
    pub(super) fn or<T>(self, result: Option<T>) -> Result<T, ConfigErrors> {
        let found = self.found.into_inner();
        match result {
            Some(result) if found.is_empty() => Ok(result),
            _ => Err(ConfigErrors(found)),
        }
    }
}

/// A table.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Its name in [`keys::ALL`].
    name: &'static str,
    /// Its path for people, such as `company[main]`.
    pub(super) path: String,
    table: Map<String, Value>,
    /// The same table in `default.toml`.
    defaults: Map<String, Value>,
    demand: Demand,
    pub(super) faults: &'a Faults,
}

impl<'a> Section<'a> {
    /// Takes a table and notes the keys that it should not have.
    pub(super) fn new(
        name: &'static str,
        path: &str,
        table: Map<String, Value>,
        defaults: Map<String, Value>,
        demand: Demand,
        faults: &'a Faults,
    ) -> Section<'a> {
        let section = Section {
            name,
            path: path.to_owned(),
            table,
            defaults,
            demand,
            faults,
        };
        let known = keys::of(name);
        let mut unknown: Vec<_> = section
            .table
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .collect();
        unknown.sort_by_key(|(key, _)| key.as_str());
        for (key, value) in unknown {
            let wrong = Wrong::new("is not a known key", unknown_key_remedy(name, key));
            // Whatever it is, it may have been meant for a secret: the value is not shown.
            faults.add(origin(value), &section.path_of(key), None, wrong);
        }
        section
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn required(&self, key: &str) -> bool {
        let full = match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        };
        keys::REQUIRED.contains(&full.as_str())
    }

    /// The table `key` inside this one, empty when it is absent.
    pub(super) fn table(&self, key: &str, name: &'static str) -> Section<'a> {
        let inner = |table: &Map<String, Value>| match table.get(key).map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table.clone(),
            _ => Map::new(),
        };
        if let Some(value) = self.table.get(key)
            && !matches!(value.kind, ValueKind::Table(_))
        {
            let wrong = Wrong::new("is not a table", format!("write it as [{name}]"));
            self.faults
                .add(value.origin(), &self.path_of(key), None, wrong);
        }
        Section::new(
            name,
            &self.path_of(key),
            inner(&self.table),
            inner(&self.defaults),
            self.demand,
            self.faults,
        )
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of `key` as it was read.
    pub(super) fn raw(&self, key: &str) -> Option<&Value> {
        self.table.get(key)
    }

    /// An optional value: `None` when it is absent without a default, or wrong.
    pub(super) fn get<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        let example = !self.required(key) || self.demand == Demand::Data;
        let default = self.defaults.get(key).filter(|_| example);
        let value = self.table.get(key).or(default)?;
        self.note(key, value, parse(value), Some(shown(value)))
    }

    /// A value that must be there.
    pub(super) fn need<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.check_presence(key);
        self.get(key, parse)
    }

    /// A value that must be there and must not be shown.
    pub(super) fn need_secret<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.check_presence(key);
        let value = self.table.get(key)?;
        self.note(key, value, parse(value), Some("(hidden)".to_owned()))
    }

    fn check_presence(&self, key: &str) {
        if self.demand == Demand::Full && !self.has(key) && self.required(key) {
            let example = self.defaults.get(key).map(shown).unwrap_or_default();
            let wrong = Wrong::new("is missing", format!("add it, such as {key} = {example}"));
            self.faults.add(None, &self.path_of(key), None, wrong);
        }
    }

    fn note<T>(
        &self,
        key: &str,
        value: &Value,
        result: Result<T, Wrong>,
        shown: Option<String>,
    ) -> Option<T> {
        result
            .map_err(|wrong| {
                self.faults
                    .add(value.origin(), &self.path_of(key), shown, wrong);
            })
            .ok()
    }
}

/// Where a value was read; a table that was put together has the origin of what is in it.
fn origin(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Table(table) if value.origin().is_none() => table.values().find_map(origin),
        _ => value.origin(),
    }
}

/// A value as a person wrote it, more or less.
pub(super) fn shown(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(values) => {
            let mut text = String::from("[");
            for (position, value) in values.iter().enumerate() {
                let comma = if position > 0 { ", " } else { "" };
                // Writing into a string cannot fail.
                let _ = write!(text, "{comma}{}", shown(value));
            }
            text + "]"
        }
        ValueKind::Table(_) => "{…}".to_owned(),
        other => other.to_string(),
    }
}
