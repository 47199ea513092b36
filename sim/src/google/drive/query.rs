//! The search language of `files.list`.

use super::File;

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// field, operator, value.
    Compare(String, String, String),
    /// `'value' in field`.
    In(String, String),
    /// `appProperties has { key='k' and value='v' }`.
    Has(String, String, String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        i += 1;
        match c {
            c if c.is_whitespace() => {}
            '\'' | '"' => {
                let mut value = String::new();
                loop {
                    match chars.get(i)? {
                        '\\' => {
                            value.push(*chars.get(i + 1)?);
                            i += 2;
                        }
                        x if *x == c => {
                            i += 1;
                            break;
                        }
                        x => {
                            value.push(*x);
                            i += 1;
                        }
                    }
                }
                out.push(Token::Text(value));
            }
            '(' | ')' | '{' | '}' | '=' => out.push(Token::Sign(c.to_string())),
            '!' | '<' | '>' => {
                let mut sign = c.to_string();
                if chars.get(i) == Some(&'=') {
                    sign.push('=');
                    i += 1;
                }
                out.push(Token::Sign(sign));
            }
            c if c.is_alphanumeric() => {
                let mut word = c.to_string();
                while let Some(x) = chars.get(i).filter(|x| x.is_alphanumeric() || **x == '.') {
                    word.push(*x);
                    i += 1;
                }
                out.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// Parses a query; `None` when it is malformed.
pub(crate) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let expr = parser.any()?;
    (parser.at == parser.tokens.len()).then_some(expr)
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w == word);
        self.at += usize::from(hit);
        hit
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if s == sign);
        self.at += usize::from(hit);
        hit
    }

    fn any(&mut self) -> Option<Expr> {
        let mut all = vec![self.all()?];
        while self.takes_word("or") {
            all.push(self.all()?);
        }
        if all.len() == 1 {
            all.pop()
        } else {
            Some(Expr::Or(all))
        }
    }

    fn all(&mut self) -> Option<Expr> {
        let mut all = vec![self.one()?];
        while self.takes_word("and") {
            all.push(self.one()?);
        }
        if all.len() == 1 {
            all.pop()
        } else {
            Some(Expr::And(all))
        }
    }

    fn one(&mut self) -> Option<Expr> {
        if self.takes_word("not") {
            return Some(Expr::Not(Box::new(self.one()?)));
        }
        if self.takes_sign("(") {
            let inner = self.any()?;
            return self.takes_sign(")").then_some(inner);
        }
        match self.next()? {
            Token::Text(value) => {
                if !self.takes_word("in") {
                    return None;
                }
                match self.next()? {
                    Token::Word(field) => Some(Expr::In(value, field)),
                    _ => None,
                }
            }
            Token::Word(field) if self.takes_word("has") => self.property(field),
            // Google takes the collection first, too.
            Token::Word(field) if self.takes_word("in") => match self.next()? {
                Token::Text(value) => Some(Expr::In(value, field)),
                _ => None,
            },
            // A flag may stand alone.
            Token::Word(field)
                if matches!(field.as_str(), "sharedWithMe" | "starred" | "trashed")
                    && !matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if s.contains('=')) =>
            {
                Some(Expr::Compare(field, "=".to_owned(), "true".to_owned()))
            }
            Token::Word(field) => {
                let operator = match self.next()? {
                    Token::Sign(s) if !matches!(s.as_str(), "(" | ")" | "{" | "}" | "!") => s,
                    Token::Word(w) if w == "contains" => w,
                    _ => return None,
                };
                match self.next()? {
                    Token::Text(v) | Token::Word(v) => Some(Expr::Compare(field, operator, v)),
                    Token::Sign(_) => None,
                }
            }
            Token::Sign(_) => None,
        }
    }

    fn property(&mut self, field: String) -> Option<Expr> {
        if !self.takes_sign("{") {
            return None;
        }
        let mut key = None;
        let mut value = None;
        loop {
            let Token::Word(name) = self.next()? else {
                return None;
            };
            if !self.takes_sign("=") {
                return None;
            }
            let Token::Text(text) = self.next()? else {
                return None;
            };
            match name.as_str() {
                "key" => key = Some(text),
                "value" => value = Some(text),
                _ => return None,
            }
            if !self.takes_word("and") {
                break;
            }
        }
        self.takes_sign("}")
            .then_some(Expr::Has(field, key?, value?))
    }
}

impl Expr {
    /// Whether a file answers the query, for a caller `me` whose root folder has the given id;
    /// `None` when a field or an operator is unknown.
    pub(crate) fn holds(&self, file: &File, root: &str, me: &str) -> Option<bool> {
        match self {
            Expr::And(all) => {
                let each: Option<Vec<bool>> = all.iter().map(|e| e.holds(file, root, me)).collect();
                each.map(|e| e.into_iter().all(|x| x))
            }
            Expr::Or(all) => {
                let each: Option<Vec<bool>> = all.iter().map(|e| e.holds(file, root, me)).collect();
                each.map(|e| e.into_iter().any(|x| x))
            }
            Expr::Not(inner) => inner.holds(file, root, me).map(|x| !x),
            Expr::In(value, field) if field != "parents" && value == "me" => {
                Expr::In(me.to_owned(), field.clone()).holds(file, root, "")
            }
            Expr::In(value, field) => match field.as_str() {
                "parents" => {
                    let id = if value == "root" { root } else { value };
                    Some(file.parents.iter().any(|p| p == id))
                }
                "owners" => Some(file.owner.as_deref() == Some(value)),
                "writers" => Some(file.has_role(value, &["writer", "owner", "organizer"])),
                "readers" => Some(
                    file.permissions
                        .iter()
                        .any(|p| p.email.as_deref() == Some(value)),
                ),
                _ => None,
            },
            Expr::Has(field, key, value) => {
                let map = match field.as_str() {
                    "appProperties" => &file.app_properties,
                    "properties" => &file.properties,
                    _ => return None,
                };
                Some(map.get(key) == Some(value))
            }
            Expr::Compare(field, operator, value) => compare(file, field, operator, value, me),
        }
    }
}

fn compare(file: &File, field: &str, operator: &str, value: &str, me: &str) -> Option<bool> {
    let text = |own: &str| match operator {
        "=" => Some(own == value),
        "!=" => Some(own != value),
        // Names are matched by the beginnings of words.
        "contains" => {
            let (own, value) = (own.to_lowercase(), value.to_lowercase());
            Some(
                own.starts_with(&value)
                    || own.match_indices(&value).any(|(i, _)| {
                        own.get(..i)
                            .and_then(|h| h.chars().last())
                            .is_some_and(|c| !c.is_alphanumeric())
                    }),
            )
        }
        _ => None,
    };
    let flag = |own: bool| match (operator, value) {
        ("=", "true") | ("!=", "false") => Some(own),
        ("=", "false") | ("!=", "true") => Some(!own),
        _ => None,
    };
    let time = |own: chrono::DateTime<chrono::Utc>| {
        // Without a zone it is UTC, and a day alone begins at midnight.
        let limit = ["", "Z", "T00:00:00Z"].iter().find_map(|rest| {
            chrono::DateTime::parse_from_rfc3339(&format!("{value}{rest}")).ok()
        })?;
        match operator {
            "<" => Some(own < limit),
            "<=" => Some(own <= limit),
            ">" => Some(own > limit),
            ">=" => Some(own >= limit),
            "=" => Some(own == limit),
            "!=" => Some(own != limit),
            _ => None,
        }
    };
    match field {
        "name" | "fullText" | "title" => text(&file.name),
        "mimeType" => match operator {
            "contains" => Some(file.mime.starts_with(value)),
            _ => text(&file.mime),
        },
        "trashed" => flag(file.trashed),
        "starred" => flag(file.starred),
        "sharedWithMe" => flag(
            file.drive.is_none()
                && file.owner.as_deref() != Some(me)
                && file
                    .permissions
                    .iter()
                    .any(|p| p.email.as_deref() == Some(me)),
        ),
        "modifiedTime" => time(file.modified),
        "createdTime" => time(file.created),
        // Nobody has looked at anything through the API.
        "viewedByMeTime" => time(chrono::DateTime::UNIX_EPOCH).map(|_| false),
        "visibility" => seen_by(file, operator, value),
        "shortcutDetails.targetId" => match operator {
            "=" => Some(file.shortcut.as_deref() == Some(value)),
            "!=" => Some(file.shortcut.as_deref() != Some(value)),
            _ => None,
        },
        _ => None,
    }
}

/// `visibility = 'limited'`: who finds the file besides those it is shared with by name.
fn seen_by(file: &File, operator: &str, value: &str) -> Option<bool> {
    const KNOWN: [&str; 5] = [
        "anyoneCanFind",
        "anyoneWithLink",
        "domainCanFind",
        "domainWithLink",
        "limited",
    ];
    let has = |kind: &str| file.permissions.iter().any(|p| p.kind == kind);
    // Nothing is made findable here: every open file is open to who has its link.
    let own = match (has("anyone"), has("domain")) {
        (true, _) => "anyoneWithLink",
        (_, true) => "domainWithLink",
        _ => "limited",
    };
    match operator {
        _ if !KNOWN.contains(&value) => None,
        "=" => Some(own == value),
        "!=" => Some(own != value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_or_not() {
        let mut file = File::new(
            "f",
            "Plan it's 2026",
            "text/plain",
            chrono::DateTime::UNIX_EPOCH,
        );
        file.owner = Some("ann@example.com".into());
        file.parents.push("p1".into());
        file.app_properties.insert("planfact".into(), "acme".into());
        let cases = [
            ("name = 'Plan it\\'s 2026'", Some(true)),
            ("name contains '2026' and trashed = false", Some(true)),
            ("name contains 'lan'", Some(false)),
            ("'p1' in parents and not name = 'x'", Some(true)),
            ("'p2' in parents or mimeType != \"text/plain\"", Some(false)),
            (
                "appProperties has { key='planfact' and value='acme' }",
                Some(true),
            ),
            (
                "appProperties has {key='planfact' and value='other'}",
                Some(false),
            ),
            (
                "(trashed=true or name contains 'Plan') and mimeType='text/plain'",
                Some(true),
            ),
            ("modifiedTime > '2020-01-01T00:00:00'", Some(false)),
            ("parents in 'p1'", Some(true)),
            ("not trashed and name contains 'Plan'", Some(true)),
            ("sharedWithMe", Some(false)),
            ("'me' in owners", Some(true)),
            ("'bob@example.com' in owners", Some(false)),
            ("modifiedTime < '2020-01-01'", Some(true)),
            ("modifiedTime < 'soon'", None),
            ("viewedByMeTime > '2020-01-01T00:00:00'", Some(false)),
            ("visibility = 'limited'", Some(true)),
            ("visibility != 'anyoneWithLink'", Some(true)),
            ("visibility = 'hidden'", None),
            ("shortcutDetails.targetId = 't'", Some(false)),
            ("nonsense = 'x'", None),
        ];
        for (q, want) in cases {
            let expr = parse(q).unwrap_or_else(|| panic!("{q} does not parse"));
            assert_eq!(expr.holds(&file, "root-id", "ann@example.com"), want, "{q}");
        }
        for bad in ["", "name =", "name = 'x", "and", "'a' in", "(trashed=true"] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
