//! The text of formulas: finding references and rewriting them, leaving all else as typed.

use super::a1::{column_index, column_name, quote_tab};

/// One end of a reference; an absent part means a whole row or column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) col: Option<(u32, bool)>,
    pub(crate) row: Option<(u32, bool)>,
}

impl End {
    fn print(&self) -> String {
        let mut out = String::new();
        if let Some((c, fixed)) = self.col {
            if fixed {
                out.push('$');
            }
            out.push_str(&column_name(c));
        }
        if let Some((r, fixed)) = self.row {
            if fixed {
                out.push('$');
            }
            out.push_str(&(u64::from(r) + 1).to_string());
        }
        out
    }
}

/// A reference within a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ref {
    /// The tab's title, unquoted, when the reference names one.
    pub(crate) tab: Option<String>,
    pub(crate) a: End,
    pub(crate) b: Option<End>,
}

impl Ref {
    fn print(&self) -> String {
        let mut out = match &self.tab {
            Some(tab) => format!("{}!", quote_tab(tab)),
            None => String::new(),
        };
        out.push_str(&self.a.print());
        if let Some(b) = &self.b {
            out.push(':');
            out.push_str(&b.print());
        }
        out
    }
}

/// A piece of a formula's text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Anything that is not a reference, as typed.
    Text(String),
    /// A string literal with its quotes.
    Literal(String),
    Ref(Ref),
}

/// Cuts a formula into pieces; printing them gives the text back.
pub(crate) fn pieces(formula: &str) -> Vec<Piece> {
    let chars: Vec<char> = formula.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
        out: Vec::new(),
        text: String::new(),
    };
    lexer.run();
    lexer.out
}

/// Prints pieces.
pub(crate) fn print(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|p| match p {
            Piece::Text(t) | Piece::Literal(t) => t.clone(),
            Piece::Ref(r) => r.print(),
        })
        .collect()
}

/// What becomes of a reference.
pub(crate) enum Fate {
    Same,
    Changed(Ref),
    /// The cells are gone: `#REF!`.
    Gone,
}

/// Rewrites the references of a formula; `None` when nothing changed.
pub(crate) fn rewrite(formula: &str, mut fate: impl FnMut(&Ref) -> Fate) -> Option<String> {
    let mut all = pieces(formula);
    let mut changed = false;
    for piece in &mut all {
        let Piece::Ref(r) = piece else { continue };
        match fate(r) {
            Fate::Same => {}
            Fate::Changed(new) => {
                if new != *r {
                    *piece = Piece::Ref(new);
                    changed = true;
                }
            }
            Fate::Gone => {
                *piece = Piece::Text("#REF!".to_owned());
                changed = true;
            }
        }
    }
    changed.then(|| print(&all))
}

/// Moves the relative parts of all references, as copying a formula does.
pub(crate) fn shift_relative(formula: &str, rows: i64, cols: i64) -> String {
    let part = |p: Option<(u32, bool)>, by: i64| -> Option<Option<(u32, bool)>> {
        match p {
            Some((n, false)) => {
                let moved = u32::try_from(i64::from(n) + by).ok()?;
                Some(Some((moved, false)))
            }
            other => Some(other),
        }
    };
    let end = |e: &End| {
        Some(End {
            col: part(e.col, cols)?,
            row: part(e.row, rows)?,
        })
    };
    let moved = rewrite(formula, |r| {
        let b = match &r.b {
            Some(b) => match end(b) {
                Some(b) => Some(b),
                None => return Fate::Gone,
            },
            None => None,
        };
        match end(&r.a) {
            Some(a) => Fate::Changed(Ref {
                tab: r.tab.clone(),
                a,
                b,
            }),
            None => Fate::Gone,
        }
    });
    moved.unwrap_or_else(|| formula.to_owned())
}

/// Replaces a tab's title in all references.
pub(crate) fn rename_tab(formula: &str, old: &str, new: &str) -> Option<String> {
    rewrite(formula, |r| match &r.tab {
        Some(tab) if tab.eq_ignore_ascii_case(old) || tab == old => Fate::Changed(Ref {
            tab: Some(new.to_owned()),
            ..r.clone()
        }),
        _ => Fate::Same,
    })
}

/// A formula as the engine reads it: commas between arguments, points in numbers.
///
/// `None` when a decimal-comma locale meets a comma that is not part of a number: Google answers
/// such a formula with a parse error.
pub(crate) fn for_engine(formula: &str, decimal_comma: bool) -> Option<String> {
    let mut out = String::new();
    let mut depth = 0_u32;
    for piece in pieces(formula) {
        let text = match piece {
            Piece::Literal(t) => {
                out.push_str(&t);
                continue;
            }
            Piece::Ref(r) => {
                out.push_str(&r.print());
                continue;
            }
            Piece::Text(t) => t,
        };
        let chars: Vec<char> = text.chars().collect();
        for (i, ch) in chars.iter().enumerate() {
            let digit = |j: Option<usize>| {
                j.and_then(|j| chars.get(j))
                    .is_some_and(char::is_ascii_digit)
            };
            match ch {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            out.push(match ch {
                ';' if depth == 0 => ',',
                '\\' if depth > 0 => ',',
                ',' if decimal_comma => {
                    if !digit(i.checked_sub(1)) || !digit(Some(i + 1)) {
                        return None;
                    }
                    '.'
                }
                '\u{a0}' | '\n' | '\r' | '\t' => ' ',
                other => *other,
            });
        }
    }
    Some(out)
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    out: Vec<Piece>,
    text: String,
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.out.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            if c == '"' {
                self.literal();
            } else if c == '\'' {
                self.quoted();
            } else if word(c) || c == '$' {
                self.word();
            } else if c == '#' {
                self.error_literal();
            } else {
                self.text.push(c);
                self.at += 1;
            }
        }
        self.flush();
    }

    fn literal(&mut self) {
        self.flush();
        let mut lit = String::from('"');
        self.at += 1;
        while let Some(c) = self.peek(0) {
            lit.push(c);
            self.at += 1;
            if c == '"' {
                if self.peek(0) == Some('"') {
                    lit.push('"');
                    self.at += 1;
                } else {
                    break;
                }
            }
        }
        self.out.push(Piece::Literal(lit));
    }

    /// `#REF!` and its like must not be taken for a tab's name.
    fn error_literal(&mut self) {
        while let Some(c) = self.peek(0) {
            if c == '#' || c.is_ascii_alphanumeric() || c == '/' || c == '!' || c == '?' {
                self.text.push(c);
                self.at += 1;
                if c == '!' || c == '?' {
                    return;
                }
            } else {
                return;
            }
        }
    }

    fn quoted(&mut self) {
        let start = self.at;
        let mut name = String::new();
        let mut i = self.at + 1;
        while let Some(&c) = self.chars.get(i) {
            if c == '\'' {
                if self.chars.get(i + 1) == Some(&'\'') {
                    name.push('\'');
                    i += 2;
                    continue;
                }
                break;
            }
            name.push(c);
            i += 1;
        }
        if self.chars.get(i + 1) == Some(&'!') {
            self.at = i + 2;
            if self.reference(Some(name)) {
                return;
            }
        }
        let end = (i + 1).min(self.chars.len());
        self.text
            .extend(self.chars.get(start..end).unwrap_or_default());
        self.at = end;
    }

    fn word(&mut self) {
        let start = self.at;
        let mut i = self.at;
        while self.chars.get(i).is_some_and(|c| word(*c)) {
            i += 1;
        }
        if i > start && self.chars.get(i) == Some(&'!') {
            let tab: String = self
                .chars
                .get(start..i)
                .unwrap_or_default()
                .iter()
                .collect();
            self.at = i + 1;
            if self.reference(Some(tab)) {
                return;
            }
            self.at = start;
        } else if self.reference(None) {
            return;
        }
        // A name, a number, a function: as typed, to the end of the word.
        let mut first = true;
        while let Some(c) = self.peek(0) {
            if word(c) || (first && c == '$') {
                self.text.push(c);
                self.at += 1;
                first = false;
            } else {
                break;
            }
        }
    }

    /// Reads a reference at the cursor; leaves the cursor alone when there is none.
    fn reference(&mut self, tab: Option<String>) -> bool {
        let Some((a, mut next)) = self.end(self.at) else {
            return false;
        };
        let mut b = None;
        if self.chars.get(next) == Some(&':')
            && let Some((second, after)) = self.end(next + 1)
            && (a.row.is_some() == second.row.is_some() || a.col.is_some() == second.col.is_some())
        {
            b = Some(second);
            next = after;
        }
        if b.is_none() && (a.row.is_none() || a.col.is_none()) {
            return false;
        }
        self.flush();
        self.out.push(Piece::Ref(Ref { tab, a, b }));
        self.at = next;
        true
    }

    /// One end of a reference from `at`, and where it ends.
    fn end(&self, at: usize) -> Option<(End, usize)> {
        let mut i = at;
        let get = |i: usize| self.chars.get(i).copied();
        let col_fixed = get(i) == Some('$');
        let mut j = i + usize::from(col_fixed);
        let letters_at = j;
        while get(j).is_some_and(|c| c.is_ascii_alphabetic()) {
            j += 1;
        }
        let letters: String = self.chars.get(letters_at..j)?.iter().collect();
        let mut col = None;
        let mut fixed_row = false;
        if letters.is_empty() {
            // `$5`: the dollar belongs to the row.
            fixed_row = col_fixed;
            i += usize::from(col_fixed);
        } else {
            col = Some((column_index(&letters)?, col_fixed));
            i = j;
            if get(i) == Some('$') && get(i + 1).is_some_and(|c| c.is_ascii_digit()) {
                fixed_row = true;
                i += 1;
            }
        }
        let digits_at = i;
        while get(i).is_some_and(|c| c.is_ascii_digit()) {
            i += 1;
        }
        let digits: String = self.chars.get(digits_at..i)?.iter().collect();
        let row = match digits.as_str() {
            "" => None,
            d => Some((d.parse::<u32>().ok()?.checked_sub(1)?, fixed_row)),
        };
        if col.is_none() && row.is_none() {
            return None;
        }
        let after = get(i);
        if after.is_some_and(|c| word(c) || c == '(' || c == '!' || c == '$') {
            return None;
        }
        Some((End { col, row }, i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_cutting_and_printing() {
        for f in [
            "=SUM(A1:B2; 'Лист 2'!$C$3) & \"A1 ; 'x'\"",
            "=IFERROR(data_months__revenue/B2;\"\")",
            "=SUMIFS(data!D:D;data!A:A;$B$1;data!A2:A;\">0\")+1.5e3+LOG10(5)",
            "=#REF!+Sheet1!A1+{1\\2;3\\4}",
        ] {
            assert_eq!(print(&pieces(f)), f);
        }
    }

    #[test]
    fn references_are_found_and_names_are_not() {
        let refs = |f: &str| {
            pieces(f)
                .into_iter()
                .filter(|p| matches!(p, Piece::Ref(_)))
                .count()
        };
        assert_eq!(refs("=A1+$B$2+C:C+3:4+'a b'!D5:E6+Sheet1!A:B+A2:A"), 7);
        assert_eq!(refs("=data_x1+LOG10(2)+\"A1\"+Q1_plan+1.5"), 0);
    }

    #[test]
    fn relative_parts_move() {
        let cases = [
            ("=A1+$A1+A$1+$A$1", 1, 1, "=B2+$A2+B$1+$A$1"),
            ("=SUM(A:A)", 3, 1, "=SUM(B:B)"),
            ("=A1", -1, 0, "=#REF!"),
            ("=\"A1\"&x", 5, 5, "=\"A1\"&x"),
        ];
        for (f, r, c, want) in cases {
            assert_eq!(shift_relative(f, r, c), want, "{f}");
        }
    }

    #[test]
    fn separators_for_the_engine() {
        let cases = [
            ("=SUM(1,5;A1)", true, Some("=SUM(1.5,A1)")),
            ("=SUM(A1,B1)", true, None),
            ("=SUM(A1;B1)", false, Some("=SUM(A1,B1)")),
            (
                "=IF(A1;\"a;b,c\";{1\\2;3\\4})",
                true,
                Some("=IF(A1,\"a;b,c\",{1,2;3,4})"),
            ),
        ];
        for (f, comma, want) in cases {
            assert_eq!(for_engine(f, comma).as_deref(), want, "{f}");
        }
    }

    #[test]
    fn renamed_tabs() {
        assert_eq!(
            rename_tab("=Sheet1!A1+'Sheet1'!B2+C3", "Sheet1", "My tab").as_deref(),
            Some("='My tab'!A1+'My tab'!B2+C3"),
        );
        assert_eq!(rename_tab("=A1", "Sheet1", "x"), None);
    }
}
