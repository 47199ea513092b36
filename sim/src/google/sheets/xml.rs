//! The parts of an Office file, piece by piece: as much XML as they are written in.
//!
//! Names are told without their prefix. Text that breaks off ends the reading.

/// A piece of a text in XML.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// A tag opens; one that is closed at once is followed by its [`Piece::Close`].
    Open(&'a str, Vec<(&'a str, String)>),
    Close(&'a str),
    Text(String),
}

/// Reads the pieces of a text in order.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// The tag that was opened and closed at once.
    empty: Option<&'a str>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Pieces<'a> {
        Pieces {
            rest: text,
            empty: None,
        }
    }

    /// What stands before a mark; the reading goes on behind it.
    fn until(&mut self, mark: &str) -> Option<&'a str> {
        let (before, after) = self.rest.split_once(mark)?;
        self.rest = after;
        Some(before)
    }

    fn tag(&mut self) -> Option<Piece<'a>> {
        if let Some(rest) = self.rest.strip_prefix('/') {
            self.rest = rest;
            return Some(Piece::Close(local(self.until(">")?.trim())));
        }
        let end = self.rest.find([' ', '\t', '\r', '\n', '/', '>'])?;
        let name = local(self.rest.get(..end)?);
        self.rest = self.rest.get(end..)?;
        let mut attributes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                self.empty = Some(name);
                return Some(Piece::Open(name, attributes));
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                return Some(Piece::Open(name, attributes));
            }
            let key = self.until("=")?.trim();
            self.rest = self.rest.trim_start();
            let quote = self.rest.chars().next().filter(|c| "\"'".contains(*c))?;
            self.rest = self.rest.get(1..)?;
            let value = self.until(&quote.to_string())?;
            attributes.push((local(key), plain(value)));
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.empty.take() {
            return Some(Piece::Close(name));
        }
        loop {
            let Some(rest) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<')?;
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(Piece::Text(plain(text)));
            };
            self.rest = rest;
            let mut skipped = false;
            for (start, end) in [("!--", "-->"), ("?", "?>")] {
                if rest.starts_with(start) {
                    self.until(end)?;
                    skipped = true;
                }
            }
            if let Some(rest) = rest.strip_prefix("![CDATA[") {
                self.rest = rest;
                return Some(Piece::Text(self.until("]]>")?.to_owned()));
            }
            if !skipped && rest.starts_with('!') {
                self.until(">")?;
                skipped = true;
            }
            if !skipped {
                return self.tag();
            }
        }
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The text that is meant by one with entities.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once(';') else {
            out.push('&');
            rest = after;
            continue;
        };
        let number = name.strip_prefix('#').and_then(|digits| {
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32)
        });
        let meant = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => number,
        };
        match meant {
            Some(c) => out.push(c),
            None => {
                out.push('&');
                rest = after;
                continue;
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order() {
        let text = "<?xml version=\"1.0\"?><!-- <no> --><x:a k='1 &gt; 0' y:b=\"&#1071;&#x42F;\">t &amp; \
                    u<b/><![CDATA[<raw>]]></x:a >\n<broken";
        let seen: Vec<Piece<'_>> = Pieces::of(text).collect();
        let want = [
            Piece::Open("a", vec![("k", "1 > 0".into()), ("b", "ЯЯ".into())]),
            Piece::Text("t & u".into()),
            Piece::Open("b", vec![]),
            Piece::Close("b"),
            Piece::Text("<raw>".into()),
            Piece::Close("a"),
            Piece::Text("\n".into()),
        ];
        assert_eq!(seen, want);
        for (text, want) in [
            ("&x;&", "&x;&"),
            ("a&lt;b&#0;", "a<b\0"),
            ("&#xD800;", "&#xD800;"),
        ] {
            assert_eq!(plain(text), want);
        }
    }
}
