//! What is wrong with a configuration: every fault with its place and its remedy.

use std::fmt;

use super::keys;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or `the environment`.
    pub file: String,
    /// The path of the key, such as `company[main].time_zone`; empty for the file as a whole.
    pub key: String,
    /// The value found, as TOML; none when there is none, `(hidden)` for a secret.
    pub value: Option<String>,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// All faults of a configuration, each on a line of its own; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// A fault of the whole file.
pub(super) fn of_file(
    file: &str,
    what: impl Into<String>,
    remedy: impl Into<String>,
) -> ConfigErrors {
    ConfigErrors(vec![Problem {
        file: file.to_owned(),
        key: String::new(),
        value: None,
        what: what.into(),
        remedy: remedy.into(),
    }])
}

/// What to do about a key that the table `section` does not have.
pub(super) fn unknown_key_remedy(section: &str, key: &str) -> String {
    let known = keys::of(section);
    if let Some((other, _)) = keys::ALL.iter().find(|(_, keys)| keys.contains(&key)) {
        return format!("it belongs to [{other}]");
    }
    if let Some(nearest) = nearest(key, known.iter().copied()) {
        return format!("did you mean `{nearest}`?");
    }
    format!("the keys here are {}", known.join(", "))
}

/// The candidate that looks most like `given`, when one does.
pub(super) fn nearest<'a>(
    given: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Of two words that mean each other, about two thirds of the letters agree.
    const LIKENESS_MIN: f64 = 0.6;
    let given = given.to_lowercase();
    candidates
        .map(|name| {
            let likeness = strsim::normalized_damerau_levenshtein(&given, &name.to_lowercase());
            (likeness, name)
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
