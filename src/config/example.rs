//! The commented configuration that `init` writes: `default.toml` with a person's own values.

use super::keys;

/// The commented example, whose active lines are the program's defaults.
pub const DEFAULT: &str = include_str!("default.toml");

/// A configuration of the company and the accounts that were given, with all comments kept.
///
/// Keys are paths such as `google.credentials` or `company.bitrix24.webhook_url`; a line that is
/// commented out becomes active. `None` when a key is not one of the configuration's.
pub fn example(values: &[(&str, toml::Value)]) -> Option<String> {
    let known = |path: &str| {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        keys::of(section).contains(&key)
    };
    if !values.iter().all(|(path, _)| known(path)) {
        return None;
    }
    let mut section = String::new();
    let mut text = String::new();
    for line in DEFAULT.lines() {
        if let Some(name) = header(line) {
            section = name.to_owned();
        }
        let path = key(line).map(|key| format!("{section}.{key}"));
        let given = values
            .iter()
            .find(|(given, _)| path.as_deref() == Some(*given));
        match (given, key(line)) {
            (Some((_, value)), Some(key)) => text.push_str(&format!("{key} = {value}")),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    Some(text)
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
