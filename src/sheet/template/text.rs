//! Texts of a locale, placeholders and macros of formulas.

use std::collections::BTreeMap;

/// How deep macros may call macros.
const MACRO_DEPTH_MAX: usize = 24;

/// A text, or a list of texts such as the months' names.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    /// One.
    One(String),
    /// Several; `{t:key[i]}` takes the i-th, from 1.
    Many(Vec<String>),
}

/// What placeholders stand for.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    /// The locale's texts by key.
    pub(super) texts: &'a BTreeMap<String, Words>,
    /// Macros by name.
    pub(super) macros: &'a BTreeMap<String, String>,
    /// Titles of tabs by key, as formulas quote them.
    pub(super) tabs: &'a BTreeMap<String, String>,
    /// Named numbers and words: `row`, `i`, `mm`, `prev`, `year`, `currency`, …
    pub(super) vars: BTreeMap<&'static str, String>,
}

impl Scope<'_> {
    /// The same scope with other variables besides.
    pub(super) fn with(&self, more: &[(&'static str, String)]) -> Self {
        let mut vars = self.vars.clone();
        vars.extend(more.iter().cloned());
        Scope { vars, ..*self }
    }

    /// Expands placeholders, and in formulas (a leading `=`) macros too.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        if text.starts_with('=') {
            let expanded = self.expand_macros(text, 0)?;
            self.expand_placeholders(&expanded, true)
        } else {
            self.expand_placeholders(text, false)
        }
    }

    fn expand_macros(&self, text: &str, depth: usize) -> Result<String, String> {
        if depth > MACRO_DEPTH_MAX {
            return Err(format!(
                "macros call each other without end near `{}`",
                text.chars().take(60).collect::<String>()
            ));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let (before, tail) = rest.split_at(at);
            out.push_str(before);
            let tail = tail.trim_start_matches('@');
            let end = tail
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(tail.len());
            let (name, tail) = tail.split_at(end);
            let body = self
                .macros
                .get(name)
                .ok_or_else(|| format!("no macro `@{name}` in style.toml"))?;
            let (arguments, tail) = arguments(tail)
                .ok_or_else(|| format!("`@{name}` needs its arguments in parentheses"))?;
            let mut called = body.clone();
            for (index, argument) in arguments.iter().enumerate() {
                called = called.replace(&format!("{{{}}}", index + 1), argument);
            }
            out.push_str(&self.expand_macros(&called, depth + 1)?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn expand_placeholders(&self, text: &str, formula: bool) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let (inside, tail) = tail
                .split_once('}')
                .ok_or_else(|| format!("`{{` without `}}` in `{text}`"))?;
            let value = self.lookup(inside)?;
            if formula && inside.starts_with("t:") {
                out.push_str(&value.replace('"', "\"\""));
            } else {
                out.push_str(&value);
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn lookup(&self, name: &str) -> Result<String, String> {
        if let Some(key) = name.strip_prefix("t:") {
            return self.word(key);
        }
        if let Some(key) = name.strip_prefix("tab:") {
            let title = self.tabs.get(key);
            return title.cloned().ok_or_else(|| format!("no tab `{key}`"));
        }
        let value = self.vars.get(name);
        value
            .cloned()
            .ok_or_else(|| format!("no placeholder `{{{name}}}` here"))
    }

    fn word(&self, key: &str) -> Result<String, String> {
        let (key, index) = match key.split_once('[') {
            Some((key, index)) => (key, Some(index.trim_end_matches(']'))),
            None => (key, None),
        };
        let missing = || format!("no text `{key}` in the locale's file");
        let text = match (self.texts.get(key).ok_or_else(missing)?, index) {
            (Words::One(text), None) => text.clone(),
            (Words::Many(items), Some(index)) => {
                let number = self.vars.get(index).map_or(index, String::as_str);
                let number: usize = number
                    .parse()
                    .map_err(|_| format!("`{key}[{index}]`: the index is no number"))?;
                let item = number.checked_sub(1).and_then(|n| items.get(n));
                item.cloned()
                    .ok_or_else(|| format!("`{key}` has no item {number}"))?
            }
            (Words::One(_), Some(_)) => return Err(format!("`{key}` is not a list")),
            (Words::Many(_), None) => return Err(format!("`{key}` is a list, give an index")),
        };
        // Texts may hold placeholders of their own, such as {currency}, one level deep.
        if text.contains('{') {
            return self.expand_placeholders(&text, false);
        }
        Ok(text)
    }
}

/// Splits `(a;b;c)rest` at the semicolons of the outer level; quotes and parentheses nest.
fn arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut depth, mut quoted, mut start) = (0usize, false, 0usize);
    let mut list = Vec::new();
    for (at, c) in inner.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => {
                list.push(inner.get(start..at)?.to_owned());
                return Some((list, inner.get(at + 1..)?));
            }
            ';' if depth == 0 => {
                list.push(inner.get(start..at)?.to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_macros() {
        let texts = BTreeMap::from([
            ("plan".to_owned(), Words::One("the \"plan\"".into())),
            (
                "month".to_owned(),
                Words::Many(vec!["jan".into(), "feb".into()]),
            ),
        ]);
        let macros = BTreeMap::from([
            ("div".to_owned(), "IF({2}=0;\"—\";{1}/{2})".to_owned()),
            ("two".to_owned(), "@div({1};A{row})".to_owned()),
            ("loop".to_owned(), "@loop()".to_owned()),
        ]);
        let tabs = BTreeMap::from([("leads".to_owned(), "'Лиды'".to_owned())]);
        let scope = Scope {
            texts: &texts,
            macros: &macros,
            tabs: &tabs,
            vars: BTreeMap::from([("row", "7".to_owned()), ("i", "2".to_owned())]),
        };
        for (source, expected) in [
            ("{t:month[i]} {row}", "feb 7"),
            ("a {t:plan}", "a the \"plan\""),
            ("=\"{t:plan}\"", "=\"the \"\"plan\"\"\""),
            ("={tab:leads}!A{row}", "='Лиды'!A7"),
            (
                "=@two(SUM(B1;\"x;)\"))+1",
                "=IF(A7=0;\"—\";SUM(B1;\"x;)\")/A7)+1",
            ),
        ] {
            assert_eq!(scope.expand(source).unwrap(), expected);
        }
        for bad in [
            "{t:none}",
            "{t:month}",
            "{t:month[9]}",
            "=@none()",
            "=@loop()",
            "{x",
            "=@div(1",
        ] {
            assert!(scope.expand(bad).is_err(), "{bad}");
        }
    }
}
