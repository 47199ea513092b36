//! A1 notation and grid ranges: parsing, printing, bounding.

use serde_json::{Map, Value};

/// A block of cells on one sheet, half open, within the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) r0: u32,
    pub(crate) c0: u32,
    pub(crate) r1: u32,
    pub(crate) c1: u32,
}

impl Rect {
    pub(crate) fn rows(&self) -> u32 {
        self.r1.saturating_sub(self.r0)
    }

    pub(crate) fn cols(&self) -> u32 {
        self.c1.saturating_sub(self.c0)
    }

    pub(crate) fn contains(&self, r: u32, c: u32) -> bool {
        (self.r0..self.r1).contains(&r) && (self.c0..self.c1).contains(&c)
    }

    pub(crate) fn covers(&self, other: &Rect) -> bool {
        self.r0 <= other.r0 && self.c0 <= other.c0 && self.r1 >= other.r1 && self.c1 >= other.c1
    }

    pub(crate) fn meets(&self, other: &Rect) -> bool {
        self.r0 < other.r1 && other.r0 < self.r1 && self.c0 < other.c1 && other.c0 < self.c1
    }
}

/// A grid range as the API writes it: any side may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GridRange {
    pub(crate) sheet: i64,
    pub(crate) r0: Option<u32>,
    pub(crate) r1: Option<u32>,
    pub(crate) c0: Option<u32>,
    pub(crate) c1: Option<u32>,
}

impl GridRange {
    pub(crate) fn from_json(v: &Value) -> GridRange {
        let side = |k: &str| {
            v.get(k)
                .and_then(number_of)
                .and_then(|n| u32::try_from(n).ok())
        };
        GridRange {
            sheet: v.get("sheetId").and_then(number_of).unwrap_or(0),
            r0: side("startRowIndex"),
            r1: side("endRowIndex"),
            c0: side("startColumnIndex"),
            c1: side("endColumnIndex"),
        }
    }

    pub(crate) fn from_rect(sheet: i64, r: &Rect) -> GridRange {
        GridRange {
            sheet,
            r0: Some(r.r0),
            r1: Some(r.r1),
            c0: Some(r.c0),
            c1: Some(r.c1),
        }
    }

    /// JSON as Google answers: a sheet id of zero is left out.
    pub(crate) fn json(&self) -> Value {
        let mut m = Map::new();
        if self.sheet != 0 {
            m.insert("sheetId".into(), self.sheet.into());
        }
        for (key, side) in [
            ("startRowIndex", self.r0),
            ("endRowIndex", self.r1),
            ("startColumnIndex", self.c0),
            ("endColumnIndex", self.c1),
        ] {
            if let Some(n) = side {
                m.insert(key.into(), n.into());
            }
        }
        Value::Object(m)
    }

    /// The block within a grid of `rows` × `cols`.
    pub(crate) fn bound(&self, rows: u32, cols: u32) -> Rect {
        Rect {
            r0: self.r0.unwrap_or(0).min(rows),
            c0: self.c0.unwrap_or(0).min(cols),
            r1: self.r1.unwrap_or(rows).min(rows),
            c1: self.c1.unwrap_or(cols).min(cols),
        }
    }
}

/// An integer, also when JSON carries it as `2.0` or `"2"`.
pub(crate) fn number_of(v: &Value) -> Option<i64> {
    v.as_i64()
        .or_else(|| v.as_f64().map(|f| f as i64))
        .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
}

/// Letters of a zero-based column: 0 → `A`, 26 → `AA`.
pub(crate) fn column_name(col: u32) -> String {
    let mut n = u64::from(col) + 1;
    let mut letters = Vec::new();
    while n > 0 {
        n -= 1;
        letters.push(char::from(b'A' + (n % 26) as u8));
        n /= 26;
    }
    letters.iter().rev().collect()
}

/// Zero-based column of letters, if they are one.
pub(crate) fn column_index(letters: &str) -> Option<u32> {
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut n: u32 = 0;
    for ch in letters.chars() {
        if !ch.is_ascii_alphabetic() {
            return None;
        }
        n = n * 26 + (ch.to_ascii_uppercase() as u32 - 'A' as u32 + 1);
    }
    Some(n - 1)
}

/// `B7` for zero-based (6, 1).
pub(crate) fn cell_name(row: u32, col: u32) -> String {
    format!("{}{}", column_name(col), u64::from(row) + 1)
}

/// One corner: a column, a row, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Corner {
    row: Option<u32>,
    col: Option<u32>,
}

fn corner(text: &str) -> Option<Corner> {
    let text = text.replace('$', "");
    let split = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let (letters, digits) = text.split_at(split);
    let col = if letters.is_empty() {
        None
    } else {
        Some(column_index(letters)?)
    };
    let row = if digits.is_empty() {
        None
    } else {
        Some(digits.parse::<u32>().ok()?.checked_sub(1)?)
    };
    (col.is_some() || row.is_some()).then_some(Corner { row, col })
}

/// The cell part of an A1 reference, such as `A1`, `B2:D`, `3:5`, `A:C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) r0: Option<u32>,
    pub(crate) r1: Option<u32>,
    pub(crate) c0: Option<u32>,
    pub(crate) c1: Option<u32>,
}

/// One corner in the other notation, `R2C3`.
fn numbered(text: &str) -> Option<(u32, u32)> {
    let (row, col) = text.strip_prefix(['R', 'r'])?.split_once(['C', 'c'])?;
    let index = |digits: &str| digits.parse::<u32>().ok()?.checked_sub(1);
    Some((index(row)?, index(col)?))
}

/// Parses `R1C1` and `R1C1:R2C3`.
fn parse_numbered(text: &str) -> Option<Area> {
    let (a, b) = text.split_once(':').unwrap_or((text, text));
    let (a, b) = (numbered(a.trim())?, numbered(b.trim())?);
    Some(Area {
        r0: Some(a.0.min(b.0)),
        r1: Some(a.0.max(b.0) + 1),
        c0: Some(a.1.min(b.1)),
        c1: Some(a.1.max(b.1) + 1),
    })
}

/// Parses the cell part of a reference, in A1 or in R1C1 notation.
pub(crate) fn parse_area(text: &str) -> Option<Area> {
    let text = text.trim();
    if let Some(area) = parse_numbered(text) {
        return Some(area);
    }
    let Some((a, b)) = text.split_once(':') else {
        let one = corner(text)?;
        // A single corner has to be a cell.
        let (row, col) = (one.row?, one.col?);
        return Some(Area {
            r0: Some(row),
            r1: Some(row + 1),
            c0: Some(col),
            c1: Some(col + 1),
        });
    };
    let (a, b) = (corner(a)?, corner(b)?);
    let span = |x: Option<u32>, y: Option<u32>| match (x, y) {
        (Some(x), Some(y)) => (Some(x.min(y)), Some(x.max(y) + 1)),
        // `A2:2` reaches to the end of the row, `A2:A` to the end of the column.
        (Some(x), None) | (None, Some(x)) => (Some(x), None),
        (None, None) => (None, None),
    };
    let (r0, r1) = span(a.row, b.row);
    let (c0, c1) = span(a.col, b.col);
    Some(Area { r0, r1, c0, c1 })
}

/// Splits `'My tab'!A1:B2` into the unquoted tab and the cell part.
pub(crate) fn split_tab(text: &str) -> (Option<String>, &str) {
    let trimmed = text.trim();
    if let Some(rest) = trimmed.strip_prefix('\'') {
        let mut name = String::new();
        let mut chars = rest.char_indices().peekable();
        while let Some((i, ch)) = chars.next() {
            if ch != '\'' {
                name.push(ch);
                continue;
            }
            if chars.peek().is_some_and(|(_, c)| *c == '\'') {
                name.push('\'');
                chars.next();
                continue;
            }
            let after = rest.get(i + 1..).unwrap_or("");
            return match after.strip_prefix('!') {
                Some(cells) => (Some(name), cells),
                None if after.is_empty() => (Some(name), ""),
                None => (None, trimmed),
            };
        }
        return (None, trimmed);
    }
    match trimmed.rsplit_once('!') {
        Some((tab, cells)) => (Some(tab.to_owned()), cells),
        None => (None, trimmed),
    }
}

/// The tab's title as it stands before `!`: quoted unless it is a plain word.
pub(crate) fn quote_tab(title: &str) -> String {
    let plain = title
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && title.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && numbered(title).is_none()
        && corner(title).is_none_or(|c| c.row.is_none() || c.col.is_none());
    if plain {
        title.to_owned()
    } else {
        format!("'{}'", title.replace('\'', "''"))
    }
}

/// `Sheet1!A1:B2`, or `Sheet1!A1` for one cell.
pub(crate) fn range_name(title: &str, r: &Rect) -> String {
    let first = cell_name(r.r0, r.c0);
    if r.rows() == 1 && r.cols() == 1 {
        return format!("{}!{first}", quote_tab(title));
    }
    let last = cell_name(r.r1.saturating_sub(1), r.c1.saturating_sub(1));
    format!("{}!{first}:{last}", quote_tab(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_round_trip() {
        for (n, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_name(n), name);
            assert_eq!(column_index(name), Some(n));
        }
        assert_eq!(column_index("ABCD"), None);
    }

    #[test]
    fn areas() {
        let area = |r0, r1, c0, c1| Some(Area { r0, r1, c0, c1 });
        assert_eq!(parse_area("B2"), area(Some(1), Some(2), Some(1), Some(2)));
        assert_eq!(
            parse_area("C3:A1"),
            area(Some(0), Some(3), Some(0), Some(3))
        );
        assert_eq!(parse_area("A2:A"), area(Some(1), None, Some(0), Some(1)));
        assert_eq!(parse_area("A2:2"), area(Some(1), Some(2), Some(0), None));
        assert_eq!(parse_area("A:B"), area(None, None, Some(0), Some(2)));
        assert_eq!(parse_area("3:4"), area(Some(2), Some(4), None, None));
        assert_eq!(
            parse_area("R2C3:R1C1"),
            area(Some(0), Some(2), Some(0), Some(3))
        );
        assert_eq!(parse_area("R7C2"), area(Some(6), Some(7), Some(1), Some(2)));
        assert_eq!(parse_area("R0C2"), None);
        assert_eq!(parse_area("nothing"), None);
        assert_eq!(parse_area("A0"), None);
    }

    #[test]
    fn tabs_are_split_and_quoted() {
        assert_eq!(split_tab("'It''s'!A1"), (Some("It's".into()), "A1"));
        assert_eq!(split_tab("Sheet1!A:A"), (Some("Sheet1".into()), "A:A"));
        assert_eq!(split_tab("'Sheet1'"), (Some("Sheet1".into()), ""));
        assert_eq!(split_tab("A1"), (None, "A1"));
        assert_eq!(quote_tab("Sheet1"), "Sheet1");
        assert_eq!(quote_tab("План"), "'План'");
        assert_eq!(quote_tab("It's"), "'It''s'");
        assert_eq!(quote_tab("CRM26"), "'CRM26'");
    }
}
