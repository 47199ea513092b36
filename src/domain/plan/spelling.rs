//! Numbers as people spell them in a cell that Google left as text.
//!
//! Only a spelling with one reading is taken. `1 200,50` and `1.200,50` have one; `1,200` has two
//! (a thousand two hundred, or one and a fifth) and is refused, because guessing wrong by a factor
//! of a thousand is worse than asking.

use rust_decimal::Decimal;

use super::CellProblem;

/// Spaces that people and programs put between thousands.
const SPACES: [char; 6] = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}', '\t'];
/// Signs of money that say nothing about the number.
const CURRENCY_MARKS: [&str; 15] = [
    "₽", "руб.", "руб", "р.", "RUB", "$", "USD", "€", "EUR", "£", "₴", "грн.", "грн", "₸", "R$",
];
/// Digits in a group of thousands.
const GROUP: usize = 3;

/// Reads a typed text as a number: `Ok(None)` for one of spaces only.
///
/// # Errors
/// [`CellProblem::Ambiguous`] for more than one reading, [`CellProblem::NotANumber`] for none. The
/// sign is read; whether a negative number makes sense is the caller's to judge.
pub fn read_number(text: &str) -> Result<Option<Decimal>, CellProblem> {
    let not_a_number = || CellProblem::NotANumber(text.to_owned());
    let trimmed = trim(text);
    if trimmed.is_empty() {
        return Ok(None);
    }
    let unmarked = without_currency(trimmed);
    let (unsigned, negative) = without_sign(unmarked);
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
    text.trim_matches(|c: char| SPACES.contains(&c) || c == '\n' || c == '\r')
}

/// The text without one sign of money before or after the number.
fn without_currency(text: &str) -> &str {
    for mark in CURRENCY_MARKS {
        let rest = text.strip_suffix(mark).or_else(|| text.strip_prefix(mark));
        if let Some(rest) = rest {
            return trim(rest);
        }
    }
    text
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
            && !whole.starts_with('0');
        if could_be_thousands && all_digits(whole) {
            return Spelled::Twofold;
        }
    }
    let Some(whole) = ungrouped(whole) else {
        return Spelled::Not;
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
        && rest.iter().all(|group| group.len() == GROUP)
        && groups.iter().all(|group| all_digits(group));
    well_formed.then(|| groups.concat())
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
mod tests {
    use super::*;

    /// Outcomes: a number, `blank`, `ambiguous`, `no`.
    const CASES: &[(&str, &str)] = &[
        ("0", "0"),
        ("7", "7"),
        ("1200", "1200"),
        ("0042", "42"),
        ("1 200", "1200"),
        ("1\u{a0}200", "1200"),
        ("1\u{202f}200", "1200"),
        ("1\u{2009}200\u{a0}000", "1200000"),
        (" 1200 ", "1200"),
        ("1200\n", "1200"),
        ("1 200 000", "1200000"),
        ("12 000", "12000"),
        ("1 20", "no"),
        ("1 2000", "no"),
        ("1200 300", "no"),
        ("1  200", "no"),
        ("1,5", "1.5"),
        ("1.5", "1.5"),
        ("1,20", "1.2"),
        ("1.2000", "1.2"),
        ("1,2000", "1.2"),
        (",5", "0.5"),
        (".5", "0.5"),
        ("5,", "no"),
        ("5.", "no"),
        ("1 200,50", "1200.5"),
        ("1 200.50", "1200.5"),
        ("1 200,500", "1200.5"),
        ("1.200,50", "1200.5"),
        ("1,200.50", "1200.5"),
        ("1.200,500", "1200.5"),
        ("1.200.300,5", "1200300.5"),
        ("1,200,300.5", "1200300.5"),
        ("1.200.300", "1200300"),
        ("1,200,300", "1200300"),
        ("1,200", "ambiguous"),
        ("1.200", "ambiguous"),
        ("12,345", "ambiguous"),
        ("999.999", "ambiguous"),
        ("1,200 %", "ambiguous"),
        ("-1,200", "ambiguous"),
        ("1,200 ₽", "ambiguous"),
        ("0,200", "0.2"),
        ("0.125", "0.125"),
        ("1200,500", "1200.5"),
        ("1200.500", "1200.5"),
        ("12,34,567", "no"),
        ("1.2.3", "no"),
        ("1,2,3", "no"),
        ("1.200,300.5", "no"),
        ("1,200.300,5", "no"),
        ("1 200.300.400", "no"),
        ("1'200", "1200"),
        ("1’200’300,5", "1200300.5"),
        ("10%", "0.1"),
        ("10 %", "0.1"),
        ("12,5\u{a0}%", "0.125"),
        ("%", "no"),
        ("10%%", "no"),
        ("10% 5", "no"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("+5", "5"),
        ("- 5", "-5"),
        ("-0", "0"),
        ("--5", "no"),
        ("5-", "no"),
        ("1 000 ₽", "1000"),
        ("1 000 руб.", "1000"),
        ("1000р.", "1000"),
        ("$1,200.50", "1200.5"),
        ("$ 99", "99"),
        ("€", "no"),
        ("1 млн", "no"),
        ("1e3", "no"),
        ("0x10", "no"),
        ("1/2", "no"),
        ("=5", "no"),
        ("five", "no"),
        ("пять", "no"),
        ("-", "no"),
        ("—", "no"),
        ("٣", "no"),
        ("３", "no"),
        ("", "blank"),
        ("   ", "blank"),
        ("\u{a0}", "blank"),
        ("99999999999999999999999999999999", "no"),
    ];

    #[test]
    fn spellings_have_one_reading_or_none() {
        for (text, expected) in CASES {
            let outcome = match read_number(text) {
                Ok(Some(number)) => number.to_string(),
                Ok(None) => "blank".to_owned(),
                Err(CellProblem::Ambiguous(kept)) if kept == *text => "ambiguous".to_owned(),
                Err(CellProblem::NotANumber(kept)) if kept == *text => "no".to_owned(),
                Err(other) => panic!("{text:?}: {other:?}"),
            };
            assert_eq!(&outcome, expected, "{text:?}");
        }
    }
}
