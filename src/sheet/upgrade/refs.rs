//! Addresses inside formulas: followed from one edition of a file to another.
//!
//! Only addresses are touched; names, texts and functions stay as they are. Formulas are in English
//! with `;` between arguments, as the model keeps them.

use crate::sheet::a1::{self, column_letters, column_number};

/// Where the lines and tabs of one edition stand in another.
pub(super) trait Follow {
    /// The row of a tab; `None` when it is gone.
    fn row(&self, tab: i64, row: u32) -> Option<u32>;
    /// The column of a tab; `None` when it is gone.
    fn column(&self, tab: i64, column: u32) -> Option<u32>;
    /// The tab that a formula names.
    fn tab(&self, title: &str) -> Option<i64>;
    /// The tab's title in the other edition.
    fn title(&self, tab: i64) -> Option<&str>;
}

/// The formula of a cell on tab `home` as it must read in the other edition; `None` when it points at
/// something that is not there.
pub(super) fn follow(formula: &str, home: i64, to: &dyn Follow) -> Option<String> {
    let mut out = String::with_capacity(formula.len());
    let mut rest = formula;
    let mut tab = home;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => quoted_end(rest, '"'),
            '\'' => quoted_end(rest, '\''),
            // An error such as `#REF!` is no tab's name.
            '#' => rest.find(['!', '?']).map_or(rest.len(), |end| end + 1),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(taken);
        rest = tail;
        if tail.starts_with('!') && first != '"' {
            let title = token.trim_matches('\'').replace("''", "'");
            match to.tab(&title) {
                Some(found) => {
                    tab = found;
                    out.push_str(&a1::quote_title(to.title(found)?));
                }
                None => return None,
            }
        } else if is_word(first) && !tail.starts_with('(') {
            let in_range = tail.starts_with(':') || out.ends_with(':');
            out.push_str(&address(token, in_range, tab, to)?);
            // `A1:B2` of another tab: both corners are there.
            if !tail.starts_with(':') {
                tab = home;
            }
        } else {
            out.push_str(token);
            if first != '!' && first != ':' {
                tab = home;
            }
        }
    }
    Some(out)
}

/// The end of a quoted text; a doubled quote is part of it.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return index + quote.len_utf8(),
            }
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// A word of a formula: an address is followed, and so is a whole row or column that stands at the
/// end of a range; anything else stays.
fn address(word: &str, in_range: bool, tab: i64, to: &dyn Follow) -> Option<String> {
    let held_column = if word.starts_with('$') { "$" } else { "" };
    let Some((row, column)) = a1::parse_cell(word) else {
        let bare = word.trim_start_matches('$');
        if !in_range || bare.contains('$') {
            return Some(word.to_owned());
        }
        if let Some(column) = column_number(bare) {
            let column = to.column(tab, column)?;
            return Some(format!("{held_column}{}", column_letters(column)));
        }
        return match bare.parse::<u32>().ok().and_then(|row| row.checked_sub(1)) {
            Some(row) => Some(format!("{held_column}{}", u64::from(to.row(tab, row)?) + 1)),
            None => Some(word.to_owned()),
        };
    };
    let (row, column) = (to.row(tab, row)?, to.column(tab, column)?);
    let held_row = if word.get(1..).is_some_and(|rest| rest.contains('$')) {
        "$"
    } else {
        ""
    };
    Some(format!(
        "{held_column}{}{held_row}{}",
        column_letters(column),
        u64::from(row) + 1
    ))
}

/// A formula without the places it speaks of, so that it can be recognised wherever it stands.
pub(super) fn shape(formula: &str) -> String {
    struct Nowhere;
    impl Follow for Nowhere {
        fn row(&self, _: i64, _: u32) -> Option<u32> {
            Some(0)
        }
        fn column(&self, _: i64, _: u32) -> Option<u32> {
            column_number("A")
        }
        fn tab(&self, _: &str) -> Option<i64> {
            Some(0)
        }
        fn title(&self, _: i64) -> Option<&str> {
            Some("tab")
        }
    }
    follow(formula, 0, &Nowhere).unwrap_or_else(|| formula.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row 6 of tab 1 is gone, rows below moved by two, columns from D by one; tab 2 was renamed.
    struct Moved;

    impl Follow for Moved {
        fn row(&self, tab: i64, row: u32) -> Option<u32> {
            match (tab, row) {
                (1, 5) => None,
                (1, row) if row > 5 => Some(row + 2),
                (_, row) => Some(row),
            }
        }
        fn column(&self, tab: i64, column: u32) -> Option<u32> {
            Some(if tab == 1 && column >= 3 {
                column + 1
            } else {
                column
            })
        }
        fn tab(&self, title: &str) -> Option<i64> {
            match title {
                "План" => Some(1),
                "It's" => Some(2),
                "calc" => Some(3),
                _ => None,
            }
        }
        fn title(&self, tab: i64) -> Option<&str> {
            match tab {
                1 => Some("План"),
                2 => Some("Mine"),
                3 => Some("calc"),
                _ => None,
            }
        }
    }

    #[test]
    fn addresses_are_followed_and_the_rest_stays() {
        for (formula, expected) in [
            ("=A1", Some("=A1")),
            ("=$D$7+d8", Some("=$E$9+E10")),
            ("=SUM(C5:D20)", Some("=SUM(C5:E22)")),
            ("=A6", None),
            (
                "=IF(\"D7\"=B$9;months__revenue;LOG10(D10))",
                Some("=IF(\"D7\"=B$11;months__revenue;LOG10(E12))"),
            ),
            ("='It''s'!D7+D7", Some("=Mine!D7+E9")),
            ("=calc!D7:D9", Some("=calc!D7:D9")),
            ("='План'!D7:E9*2", Some("='План'!E9:F11*2")),
            ("=нет!A1", None),
            ("=\"a\"\"D7\"&D7", Some("=\"a\"\"D7\"&E9")),
            ("=1,5*D7%", Some("=1,5*E9%")),
            ("=IF(#REF!=D7;#N/A!;1)", Some("=IF(#REF!=E9;#N/A!;1)")),
            ("=SUM(D:$D;7:$9;A2:D)", Some("=SUM(E:$E;9:$11;A2:E)")),
        ] {
            assert_eq!(follow(formula, 1, &Moved).as_deref(), expected, "{formula}");
        }
    }

    #[test]
    fn a_shape_says_nothing_of_places() {
        assert_eq!(shape("='План'!$D$7+B2"), shape("=calc!$A$1+C9"));
        assert_ne!(shape("=SUM(A1)"), shape("=MAX(A1)"));
    }
}
