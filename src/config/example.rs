//! The commented configuration that `init` writes: `default.toml` with a person's own values.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;

use super::problem::{ConfigErrors, of_file, unknown_key_remedy};
use super::{check, keys, load};

/// The commented example, whose active lines are the program's defaults.
pub const EXAMPLE: &str = include_str!("default.toml");

/// What messages call the values that were given.
const ANSWERS: &str = "the answers";

/// A configuration with the values that were given and all comments kept.
///
/// A key is a path such as `company.targets.profit`, or its last part. A line that is commented out
/// becomes active; a value without text leaves the line as it is. A webhook that is neither an
/// address nor marked as a path is the path of a file, which need not exist yet.
///
/// # Errors
/// Unknown keys, and everything that would be wrong with the configuration.
pub fn render_example(answers: &[(&str, String)]) -> Result<String, ConfigErrors> {
    let mut values = BTreeMap::new();
    for (key, text) in answers {
        let Some(path) = path_of(key) else {
            let remedy = unknown_key_remedy("company", key);
            return Err(of_file(
                ANSWERS,
                format!("{key} is not a known key"),
                remedy,
            ));
        };
        if !text.trim().is_empty() {
            values.insert(path, text.trim().to_owned());
        }
    }
    if let Some(webhook) = values.get_mut(WEBHOOK)
        && !webhook.contains("://")
        && !check::is_file_path(webhook)
    {
        *webhook = format!("./{webhook}");
    }
    validate(&values)?;
    Ok(render(&values))
}

const WEBHOOK: &str = "company.bitrix24.webhook_url";

/// Reads what would be written, save the webhook's file, which may still have to be made.
fn validate(values: &BTreeMap<String, String>) -> Result<(), ConfigErrors> {
    let mut values = values.clone();
    if values
        .get(WEBHOOK)
        .is_some_and(|webhook| check::is_file_path(webhook))
    {
        values.remove(WEBHOOK);
    }
    let none = BTreeMap::new();
    load::config_of_text(&render(&values), Path::new(ANSWERS), Path::new(""), &none).map(drop)
}

/// The full path of a key, given as such or by its last part.
fn path_of(key: &str) -> Option<String> {
    keys::ALL
        .iter()
        .flat_map(|(table, keys)| keys.iter().map(move |name| (*table, *name)))
        .filter(|(table, _)| !table.is_empty() && *table != "company.share_with")
        .find(|(table, name)| key == *name || key == format!("{table}.{name}"))
        .map(|(table, name)| format!("{table}.{name}"))
}

fn render(values: &BTreeMap<String, String>) -> String {
    let mut section = String::new();
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = header(line) {
            section = name.to_owned();
        }
        let given = key(line).and_then(|key| {
            let value = values.get(&format!("{section}.{key}"))?;
            Some(format!("{key} = {}", literal(key, value)))
        });
        text.push_str(given.as_deref().unwrap_or(line));
        text.push('\n');
    }
    text
}

/// A value as TOML: numbers and lists where the key wants them, a text otherwise.
fn literal(key: &str, value: &str) -> String {
    let is_number = Decimal::from_str_exact(value).is_ok() && !value.starts_with('+');
    match key {
        "break_even" | "profit" | "margin" | "avg_check" | "growth" if is_number => {
            value.to_owned()
        }
        "share_with" | "holidays" | "junk_statuses" => {
            let texts = value
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty());
            toml::Value::from(texts.collect::<Vec<_>>()).to_string()
        }
        "pipelines" => format!("[{value}]"),
        _ => toml::Value::from(value).to_string(),
    }
}

/// The table that a line opens.
fn header(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix('[')?.strip_suffix(']')?;
    Some(name.trim_start_matches('[').trim_end_matches(']'))
}

/// The key that a line sets, or would set without its `# `.
pub(super) fn key(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (key, _) = line.split_once(" = ")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}
