//! Addresses and ranges in A1 notation, both ways, and the arithmetic of rectangles.

use super::workbook::{Area, NOWHERE, Rect};

/// Google's limit on columns of one tab; an address beyond it is not an address.
pub const COLUMNS_MAX: u32 = 18_278;
/// Google's limit on cells of a file, which bounds the rows of a tab as well.
pub const ROWS_MAX: u32 = 10_000_000;

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an A1 address: {reason}; write it like B2, B2:D9 or 'Tab title'!B2:D9")]
pub struct AddressError {
    /// The text.
    pub text: String,
    /// Why.
    pub reason: &'static str,
}

/// A range with the title of its tab, when one was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The tab's title, unquoted.
    pub tab: Option<String>,
    /// The rectangle.
    pub rect: Rect,
}

/// Letters of a zero-based column: 0 is `A`, 26 is `AA`.
pub fn column_letters(column: u32) -> String {
    let mut rest = u64::from(column) + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        let digit = ((rest - 1) % 26) as u8;
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// The zero-based column of letters, in either case; `None` when they are not column letters.
pub fn column_number(letters: &str) -> Option<u32> {
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut number: u32 = 0;
    for letter in letters.bytes() {
        let letter = letter.to_ascii_uppercase();
        if !letter.is_ascii_uppercase() {
            return None;
        }
        number = number * 26 + u32::from(letter - b'A') + 1;
    }
    (number <= COLUMNS_MAX).then(|| number - 1)
}

/// A cell's address: row 0, column 1 is `B1`.
pub fn cell(row: u32, column: u32) -> String {
    format!("{}{}", column_letters(column), u64::from(row) + 1)
}

/// A cell's absolute address: row 0, column 1 is `$B$1`.
pub fn absolute(row: u32, column: u32) -> String {
    format!("${}${}", column_letters(column), u64::from(row) + 1)
}

/// A rectangle's address; a single cell without colon.
pub fn range(rect: Rect) -> String {
    if rect.rows() == 1 && rect.columns() == 1 {
        return cell(rect.row_start, rect.column_start);
    }
    format!(
        "{}:{}",
        cell(rect.row_start, rect.column_start),
        cell(
            rect.row_end.saturating_sub(1),
            rect.column_end.saturating_sub(1)
        )
    )
}

/// A tab's title as formulas want it: bare when it is a plain ASCII word that cannot be read as an
/// address, otherwise in single quotes, inner quotes doubled.
pub fn quote_title(title: &str) -> String {
    let mut bytes = title.bytes();
    let word = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && parse_cell(title).is_none()
        && column_number(title).is_none()
        && !looks_like_r1c1(title);
    if word {
        title.to_owned()
    } else {
        format!("'{}'", title.replace('\'', "''"))
    }
}

fn looks_like_r1c1(title: &str) -> bool {
    let upper = title.to_ascii_uppercase();
    upper.starts_with(['R', 'C'])
        && upper
            .chars()
            .all(|c| c.is_ascii_digit() || c == 'R' || c == 'C')
}

/// A rectangle with its tab: `'Today'!B2:D9`.
pub fn reference(title: &str, rect: Rect) -> String {
    format!("{}!{}", quote_title(title), range(rect))
}

/// A rectangle with its tab and absolute corners: `data_months!$A$2:$A$9`.
pub fn absolute_reference(title: &str, rect: Rect) -> String {
    format!(
        "{}!{}:{}",
        quote_title(title),
        absolute(rect.row_start, rect.column_start),
        absolute(
            rect.row_end.saturating_sub(1),
            rect.column_end.saturating_sub(1)
        )
    )
}

/// A cell's address, `$` allowed: row and column, zero-based.
pub fn parse_cell(text: &str) -> Option<(u32, u32)> {
    let text = text.strip_prefix('$').unwrap_or(text);
    let letters_end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let column = column_number(text.get(..letters_end)?)?;
    let digits = text.get(letters_end..)?;
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let row: u32 = digits.parse().ok()?;
    (1..=ROWS_MAX).contains(&row).then(|| (row - 1, column))
}

/// A range without a tab: `B2` or `B2:D9`, corners in any order.
pub fn parse_range(text: &str) -> Result<Rect, AddressError> {
    let fail = |reason| AddressError {
        text: text.to_owned(),
        reason,
    };
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    let (row_a, column_a) = parse_cell(from).ok_or_else(|| fail("the first corner is no cell"))?;
    let (row_b, column_b) = parse_cell(to).ok_or_else(|| fail("the second corner is no cell"))?;
    Ok(Rect {
        row_start: row_a.min(row_b),
        row_end: row_a.max(row_b) + 1,
        column_start: column_a.min(column_b),
        column_end: column_a.max(column_b) + 1,
    })
}

/// A range with or without a tab: `B2:D9`, `data!B2`, `'It''s'!B2`.
pub fn parse_reference(text: &str) -> Result<Reference, AddressError> {
    let fail = |reason| AddressError {
        text: text.to_owned(),
        reason,
    };
    let Some(split) = text.rfind('!') else {
        return Ok(Reference {
            tab: None,
            rect: parse_range(text)?,
        });
    };
    let (title, rest) = text.split_at(split);
    let title = match title.strip_prefix('\'') {
        Some(quoted) => quoted
            .strip_suffix('\'')
            .ok_or_else(|| fail("the tab's title has no closing quote"))?
            .replace("''", "'"),
        None => title.to_owned(),
    };
    if title.is_empty() {
        return Err(fail("the tab's title is empty"));
    }
    Ok(Reference {
        tab: Some(title),
        rect: parse_range(rest.trim_start_matches('!'))?,
    })
}

impl Rect {
    /// One cell.
    pub fn cell(row: u32, column: u32) -> Rect {
        Rect {
            row_start: row,
            row_end: row.saturating_add(1),
            column_start: column,
            column_end: column.saturating_add(1),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> u32 {
        self.row_end.saturating_sub(self.row_start)
    }

    /// How many columns.
    pub fn columns(&self) -> u32 {
        self.column_end.saturating_sub(self.column_start)
    }

    /// How many cells.
    pub fn count(&self) -> u64 {
        u64::from(self.rows()) * u64::from(self.columns())
    }

    /// Whether the cell lies inside.
    pub fn contains(&self, row: u32, column: u32) -> bool {
        (self.row_start..self.row_end).contains(&row)
            && (self.column_start..self.column_end).contains(&column)
    }

    /// Whether the whole other rectangle lies inside.
    pub fn covers(&self, other: &Rect) -> bool {
        self.row_start <= other.row_start
            && other.row_end <= self.row_end
            && self.column_start <= other.column_start
            && other.column_end <= self.column_end
    }

    /// Whether the two share a cell.
    pub fn intersects(&self, other: &Rect) -> bool {
        self.row_start < other.row_end
            && other.row_start < self.row_end
            && self.column_start < other.column_end
            && other.column_start < self.column_end
    }

    /// The cells, row by row.
    pub fn cells(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let columns = self.column_start..self.column_end;
        (self.row_start..self.row_end)
            .flat_map(move |row| columns.clone().map(move |column| (row, column)))
    }
}

impl Area {
    /// Whether a named range names nothing (any more): all its cells were deleted.
    pub fn is_nowhere(&self) -> bool {
        self.tab == NOWHERE || self.rect.count() == 0
    }

    /// One cell of a tab.
    pub fn cell(tab: i64, row: u32, column: u32) -> Area {
        Area {
            tab,
            rect: Rect::cell(row, column),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_and_numbers_of_columns() {
        for (number, letters) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (52, "BA"),
            (701, "ZZ"),
            (702, "AAA"),
            (18_277, "ZZZ"),
        ] {
            assert_eq!(column_letters(number), letters);
            assert_eq!(column_number(letters), Some(number));
            assert_eq!(column_number(&letters.to_lowercase()), Some(number));
        }
        for bad in ["", "A1", "AAAA", "Ж", "-"] {
            assert_eq!(column_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn titles_are_quoted_when_they_must_be() {
        for (title, quoted) in [
            ("data_months", "data_months"),
            ("calc", "calc"),
            ("Сегодня", "'Сегодня'"),
            ("It's", "'It''s'"),
            ("A1", "'A1'"),
            ("ABC", "'ABC'"),
            ("R1C1", "'R1C1'"),
            ("rc", "'rc'"),
            ("2026", "'2026'"),
            ("two words", "'two words'"),
        ] {
            assert_eq!(quote_title(title), quoted);
            let rect = Rect::cell(1, 1);
            let parsed = parse_reference(&reference(title, rect)).unwrap();
            assert_eq!(parsed.tab.as_deref(), Some(title));
            assert_eq!(parsed.rect, rect);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "B",
            "1",
            "B0",
            "B2:",
            ":B2",
            "'x!B2",
            "!B2",
            "B2:C",
            "B99999999",
            "Я1",
            "B-1",
        ] {
            assert!(parse_reference(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn ranges_survive_the_round_trip(
            row in 0u32..5000, column in 0u32..18_000, rows in 1u32..50, columns in 1u32..50,
            title in "[ -~а-я]{1,12}",
        ) {
            let rect = Rect {
                row_start: row,
                row_end: row + rows,
                column_start: column,
                column_end: column + columns,
            };
            prop_assert_eq!(parse_range(&range(rect)).unwrap(), rect);
            let parsed = parse_reference(&absolute_reference(&title, rect)).unwrap();
            prop_assert_eq!(parsed.rect, rect);
            prop_assert_eq!(parsed.tab.unwrap(), title);
        }
    }
}
