//! Numbers as people spell them in a cell that Google left as text.
//!
//! Only a spelling with one reading is taken. `1 200,50` and `1.200,50` have one; `1,200` has two
//! (a thousand two hundred, or one and a fifth) and is refused, because guessing wrong by a factor
//! of a thousand is worse than asking. Words and signs beside the number are refused too: `$ 99` in a
//! company that counts in roubles is not 99, and `5 тыс.` is not 5.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::CellProblem;

/// Spaces that people and programs put between thousands. A tab is none: it parts two cells.
const SPACES: [char; 6] = [
    ' ', '\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}', '\u{2006}',
];
/// Characters without a width that are copied along with a number.
const INVISIBLE: [char; 6] = [
    '\u{200b}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{ad}', '\u{feff}',
];
/// From a full-width sign to its ASCII twin.
const FULL_WIDTH: u32 = 0xfee0;
/// Digits in a group of thousands.
const GROUP: usize = 3;

/// Reads a typed text as a number: `Ok(None)` for one of spaces only.
///
/// # Errors
/// [`CellProblem::Ambiguous`] for more than one reading, [`CellProblem::NotANumber`] for none. The
/// sign is read; whether a negative number makes sense is the caller's to judge.
pub fn read_number(text: &str) -> Result<Option<Decimal>, CellProblem> {
    let not_a_number = || CellProblem::NotANumber(text.to_owned());
    let narrow = half_width(text);
    let trimmed = trim(&narrow);
    if trimmed.is_empty() {
        return Ok(None);
    }
    let (unsigned, negative) = without_sign(trimmed);
    let (digits, percent) = match unsigned.strip_suffix('%') {
        Some(rest) => (trim(rest), true),
        None => (unsigned, false),
    };
    let plain = match plain_decimal(digits) {
        Spelled::As(plain) => plain,
        Spelled::Twofold => return Err(CellProblem::Ambiguous(text.to_owned())),
        Spelled::Not => return Err(not_a_number()),
    };
    let mut value: Decimal = plain.parse().map_err(|_| not_a_number())?;
    if percent {
        value /= Decimal::ONE_HUNDRED;
    }
    value.set_sign_negative(negative && !value.is_zero());
    Ok(Some(value.normalize()))
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || INVISIBLE.contains(&c))
}

/// The text with full-width digits and signs (`１２％`) as their ASCII twins.
fn half_width(text: &str) -> Cow<'_, str> {
    let wide = |c: char| matches!(c, '０'..='９' | '，' | '．' | '％' | '＋' | '－');
    if !text.contains(wide) {
        return Cow::Borrowed(text);
    }
    let narrow = |c: char| {
        let twin = wide(c).then(|| char::from_u32(u32::from(c) - FULL_WIDTH));
        twin.flatten().unwrap_or(c)
    };
    Cow::Owned(text.chars().map(narrow).collect())
}

/// The text without its sign, and whether that was a minus (ASCII or typographic).
fn without_sign(text: &str) -> (&str, bool) {
    for (sign, negative) in [('-', true), ('−', true), ('–', true), ('+', false)] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (trim(rest), negative);
        }
    }
    (text, false)
}

/// How a text reads as an unsigned number.
enum Spelled {
    /// One reading: digits with at most one point.
    As(String),
    /// More than one reading.
    Twofold,
    /// None.
    Not,
}

fn plain_decimal(text: &str) -> Spelled {
    let points = text.matches('.').count();
    let commas = text.matches(',').count();
    let grouped_by_space = text.contains(|c| matches!(group_mark(c), Some(' ' | '\'')));
    // The decimal mark is the last of two different marks, or a lone mark.
    let mark = match (points, commas) {
        (0, 0) => None,
        (0, 1) => Some(','),
        (1, 0) => Some('.'),
        (_, 1) if text.rfind(',') > text.rfind('.') => Some(','),
        (1, _) if text.rfind('.') > text.rfind(',') => Some('.'),
        // several of one kind: thousands
        (0, _) | (_, 0) => None,
        _ => return Spelled::Not,
    };
    let both = points > 0 && commas > 0;
    let (whole, fraction) = match mark.and_then(|mark| text.rsplit_once(mark)) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !all_digits(fraction) {
            return Spelled::Not;
        }
        let could_be_thousands = !both
            && !grouped_by_space
            && fraction.len() == GROUP
            && (1..=GROUP).contains(&whole.len())
            && whole != "0";
        if could_be_thousands && all_digits(whole) {
            return Spelled::Twofold;
        }
    }
    let Some(whole) = ungrouped(whole) else {
        return if grouped_by_twos(whole) {
            Spelled::Twofold
        } else {
            Spelled::Not
        };
    };
    match fraction {
        Some(fraction) if whole.is_empty() => Spelled::As(format!("0.{fraction}")),
        Some(fraction) => Spelled::As(format!("{whole}.{fraction}")),
        None if whole.is_empty() => Spelled::Not,
        None => Spelled::As(whole),
    }
}

/// The digits of a whole part whose thousands may be set apart by one kind of mark.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(mark) = whole.chars().find_map(group_mark) else {
        return all_digits(whole).then(|| whole.to_owned());
    };
    // Another kind of mark stays inside a group, which is then not all digits.
    let groups: Vec<&str> = whole.split(|c| group_mark(c) == Some(mark)).collect();
    let (first, rest) = groups.split_first()?;
    let well_formed = (1..=GROUP).contains(&first.len())
        && !first.starts_with('0')
        && rest.iter().all(|group| group.len() == GROUP)
        && groups.iter().all(|group| all_digits(group));
    well_formed.then(|| groups.concat())
}

/// Whether a whole part is grouped as in India, `1,20,000`: 120 000, or 1 200 000 with a digit lost.
fn grouped_by_twos(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(',').collect();
    let [first, middle @ .., last] = groups.as_slice() else {
        return false;
    };
    (1..GROUP).contains(&first.len())
        && !middle.is_empty()
        && middle.iter().all(|group| group.len() == GROUP - 1)
        && last.len() == GROUP
        && groups.iter().all(|group| all_digits(group))
}

/// The kind of mark that sets thousands apart: all spaces are one kind, so are all apostrophes.
fn group_mark(c: char) -> Option<char> {
    match c {
        '.' | ',' => Some(c),
        '\'' | '’' => Some('\''),
        _ => SPACES.contains(&c).then_some(' '),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
