//! Number format patterns: what a number looks like in a cell.

use chrono::{Datelike, NaiveDateTime, TimeDelta, Timelike};

use super::locale::Locale;

/// Seconds in a day.
const DAY: f64 = 86_400.0;

/// The instant of a serial number of days since 1899-12-30, without a time zone.
pub(crate) fn serial_to_time(serial: f64) -> Option<NaiveDateTime> {
    let epoch = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    let ms = (serial * DAY * 1000.0).round();
    if !ms.is_finite() || ms.abs() > 1.0e16 {
        return None;
    }
    epoch.checked_add_signed(TimeDelta::try_milliseconds(ms as i64)?)
}

/// The serial number of an instant without a time zone.
pub(crate) fn time_to_serial(at: NaiveDateTime) -> f64 {
    let Some(epoch) =
        chrono::NaiveDate::from_ymd_opt(1899, 12, 30).and_then(|d| d.and_hms_opt(0, 0, 0))
    else {
        return 0.0;
    };
    (at - epoch).num_milliseconds() as f64 / (DAY * 1000.0)
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// `0`, `#` or `?`.
    Digit(char),
    Point,
    Comma,
    Percent,
    Exponent,
    Literal(String),
    /// A run of one date letter.
    Date(char, usize),
    /// `[h]`, `[mm]`, `[s]`: elapsed time.
    Elapsed(char, usize),
    AmPm,
    At,
}

fn tokens(section: &str) -> Vec<Token> {
    let chars: Vec<char> = section.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        i += 1;
        match c {
            '"' => {
                let end = chars
                    .iter()
                    .skip(i)
                    .position(|x| *x == '"')
                    .map_or(chars.len(), |p| i + p);
                out.push(Token::Literal(
                    chars.get(i..end).unwrap_or_default().iter().collect(),
                ));
                i = end + 1;
            }
            '\\' => {
                if let Some(x) = chars.get(i) {
                    out.push(Token::Literal(x.to_string()));
                }
                i += 1;
            }
            // `_x` leaves the width of x, `*x` fills: one space and nothing.
            '_' => {
                out.push(Token::Literal(" ".into()));
                i += 1;
            }
            '*' => i += 1,
            '[' => {
                let end = chars
                    .iter()
                    .skip(i)
                    .position(|x| *x == ']')
                    .map_or(chars.len(), |p| i + p);
                let inner: String = chars.get(i..end).unwrap_or_default().iter().collect();
                i = end + 1;
                out.extend(bracket(&inner));
            }
            '0' | '#' | '?' => out.push(Token::Digit(c)),
            '.' => out.push(Token::Point),
            ',' => out.push(Token::Comma),
            '%' => out.push(Token::Percent),
            '@' => out.push(Token::At),
            'E' | 'e' if matches!(chars.get(i), Some('+' | '-')) => {
                out.push(Token::Exponent);
                i += 1;
            }
            'A' | 'a' if ampm(&chars, i - 1).is_some() => {
                i += ampm(&chars, i - 1).unwrap_or(1) - 1;
                out.push(Token::AmPm);
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => {
                let lower = c.to_ascii_lowercase();
                let run = chars
                    .iter()
                    .skip(i)
                    .take_while(|x| x.to_ascii_lowercase() == lower)
                    .count();
                i += run;
                out.push(Token::Date(lower, run + 1));
            }
            other => out.push(Token::Literal(other.to_string())),
        }
    }
    out
}

fn ampm(chars: &[char], at: usize) -> Option<usize> {
    let text: String = chars
        .iter()
        .skip(at)
        .take(5)
        .collect::<String>()
        .to_ascii_lowercase();
    if text.starts_with("am/pm") {
        Some(5)
    } else if text.starts_with("a/p") {
        Some(3)
    } else {
        None
    }
}

fn bracket(inner: &str) -> Option<Token> {
    if let Some(rest) = inner.strip_prefix('$') {
        let symbol = rest.rsplit_once('-').map_or(rest, |(s, _)| s);
        return Some(Token::Literal(symbol.to_owned()));
    }
    let lower = inner.to_ascii_lowercase();
    let first = lower.chars().next()?;
    (matches!(first, 'h' | 'm' | 's') && lower.chars().all(|c| c == first))
        .then_some(Token::Elapsed(first, inner.len()))
}

/// Splits a pattern at the semicolons that are not quoted.
fn sections(pattern: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut escaped = false;
    for c in pattern.chars() {
        if c == ';' && !quoted && !escaped {
            out.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}

/// How a section's condition compares.
type Comparison = fn(&f64, &f64) -> bool;

/// A condition such as `[<1000]` at the head of a section.
fn condition(section: &str) -> Option<(Comparison, f64)> {
    let inner = section.trim_start().strip_prefix('[')?.split_once(']')?.0;
    let (test, rest): (Comparison, &str) = if let Some(r) = inner.strip_prefix("<=") {
        (f64::le, r)
    } else if let Some(r) = inner.strip_prefix(">=") {
        (f64::ge, r)
    } else if let Some(r) = inner.strip_prefix("<>") {
        (f64::ne, r)
    } else if let Some(r) = inner.strip_prefix('<') {
        (f64::lt, r)
    } else if let Some(r) = inner.strip_prefix('>') {
        (f64::gt, r)
    } else if let Some(r) = inner.strip_prefix('=') {
        (f64::eq, r)
    } else {
        return None;
    };
    Some((test, rest.parse().ok()?))
}

fn choose(pattern: &str, n: f64) -> (String, f64) {
    let parts = sections(pattern);
    if parts.iter().any(|p| condition(p).is_some()) {
        for part in &parts {
            match condition(part) {
                Some((test, limit)) if test(&n, &limit) => return (part.clone(), n),
                Some(_) => {}
                None => return (part.clone(), n),
            }
        }
        return (parts.last().cloned().unwrap_or_default(), n);
    }
    let get = |i: usize| parts.get(i).cloned();
    match parts.len() {
        0 | 1 => (get(0).unwrap_or_default(), n),
        2 if n < 0.0 => (get(1).unwrap_or_default(), -n),
        _ if n < 0.0 => (get(1).unwrap_or_default(), -n),
        _ if n == 0.0 && parts.len() > 2 => (get(2).unwrap_or_default(), n),
        _ => (get(0).unwrap_or_default(), n),
    }
}

/// Formats a number by a pattern.
pub(crate) fn format_number(n: f64, pattern: &str, locale: &Locale) -> String {
    let (section, shown) = choose(pattern, n);
    let own_sign = sections(pattern).len() > 1 && n < 0.0 && shown > 0.0;
    let parts = tokens(&section);
    if parts
        .iter()
        .any(|t| matches!(t, Token::Date(..) | Token::Elapsed(..) | Token::AmPm))
    {
        return match serial_to_time(shown) {
            Some(at) => format_date(at, shown, &parts, locale),
            None => general(n, locale),
        };
    }
    if !parts.iter().any(|t| matches!(t, Token::Digit(_))) {
        if parts.iter().any(|t| matches!(t, Token::At)) {
            return text_of(&parts, &general(n, locale));
        }
        let negative = if shown < 0.0 { "-" } else { "" };
        let words: String = parts.iter().map(literal_text).collect();
        return if section.trim().eq_ignore_ascii_case("general") {
            general(n, locale)
        } else {
            format!("{negative}{words}")
        };
    }
    let text = digits(shown.abs(), &parts, locale);
    let blank = !text.chars().any(|c| c.is_ascii_digit() && c != '0');
    let minus = !own_sign && shown < 0.0 && !blank;
    if minus { format!("-{text}") } else { text }
}

fn literal_text(t: &Token) -> String {
    match t {
        Token::Literal(s) => s.clone(),
        Token::Percent => "%".into(),
        Token::Point => ".".into(),
        Token::Comma => ",".into(),
        _ => String::new(),
    }
}

/// A text under a pattern: its `@` section, or as it is.
pub(crate) fn format_text(text: &str, pattern: &str) -> String {
    let parts = sections(pattern);
    let section = if parts.len() >= 4 {
        parts.get(3)
    } else {
        parts.first()
    };
    let parsed = section.map(|s| tokens(s)).unwrap_or_default();
    if parsed.iter().any(|t| matches!(t, Token::At)) {
        text_of(&parsed, text)
    } else {
        text.to_owned()
    }
}

fn text_of(parts: &[Token], text: &str) -> String {
    parts
        .iter()
        .map(|t| {
            if matches!(t, Token::At) {
                text.to_owned()
            } else {
                literal_text(t)
            }
        })
        .collect()
}

/// Where the digits of a section stand and how they scale.
struct Shape {
    first: usize,
    last: usize,
    point: Option<usize>,
    grouping: bool,
    scale: i32,
    exponent: Option<usize>,
}

fn shape(parts: &[Token]) -> Option<Shape> {
    let is_digit = |t: &Token| matches!(t, Token::Digit(_));
    let exponent = parts.iter().position(|t| *t == Token::Exponent);
    let mantissa = exponent.unwrap_or(parts.len());
    let first = parts.iter().position(is_digit)?;
    let last = parts.iter().take(mantissa).rposition(is_digit)?;
    let point = parts.iter().take(mantissa).position(|t| *t == Token::Point);
    let whole_end = point.unwrap_or(last);
    let grouping = parts
        .iter()
        .enumerate()
        .any(|(i, t)| *t == Token::Comma && i > first && i < whole_end);
    let mut scale = 0;
    for t in parts.iter().skip(last + 1) {
        if *t == Token::Comma {
            scale -= 3;
        } else {
            break;
        }
    }
    let percents = parts.iter().filter(|t| **t == Token::Percent).count();
    scale += 2 * i32::try_from(percents).unwrap_or(0);
    Some(Shape {
        first,
        last,
        point,
        grouping,
        scale,
        exponent,
    })
}

/// `n × 10^scale`, moving the point in the decimal text so that no binary noise enters.
fn scaled(n: f64, scale: i32) -> f64 {
    if scale == 0 {
        n
    } else {
        format!("{n}e{scale}").parse().unwrap_or(n)
    }
}

/// Decimal text of `n` with `places` decimals, halves away from zero, as spreadsheets round.
pub(crate) fn fixed(n: f64, places: usize) -> String {
    let exact = format!("{n}");
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    if fraction.len() <= places {
        let pad = "0".repeat(places - fraction.len());
        return if places == 0 {
            whole.to_owned()
        } else {
            format!("{whole}.{fraction}{pad}")
        };
    }
    let up = fraction.as_bytes().get(places).is_some_and(|d| *d >= b'5');
    let kept: String = format!("{whole}{}", fraction.get(..places).unwrap_or(""));
    let mut bytes: Vec<u8> = kept.into_bytes();
    if up {
        let mut i = bytes.len();
        loop {
            if i == 0 {
                bytes.insert(0, b'1');
                break;
            }
            i -= 1;
            match bytes.get_mut(i) {
                Some(d) if *d == b'9' => *d = b'0',
                Some(d) => {
                    *d += 1;
                    break;
                }
                None => break,
            }
        }
    }
    let text = String::from_utf8(bytes).unwrap_or_default();
    if places == 0 {
        return text;
    }
    let cut = text.len() - places;
    format!(
        "{}.{}",
        text.get(..cut).unwrap_or("0"),
        text.get(cut..).unwrap_or("")
    )
}

fn digits(n: f64, parts: &[Token], locale: &Locale) -> String {
    let Some(shape) = shape(parts) else {
        return String::new();
    };
    let mut value = scaled(n, shape.scale);
    let mut power = 0_i32;
    if shape.exponent.is_some() && value != 0.0 {
        power = value.log10().floor() as i32;
        value = scaled(value, -power);
    }
    let kinds = |from: usize, to: usize| -> Vec<char> {
        parts
            .iter()
            .enumerate()
            .filter_map(|(i, t)| match t {
                Token::Digit(c) if i >= from && i < to => Some(*c),
                _ => None,
            })
            .collect()
    };
    let mantissa_end = shape.exponent.unwrap_or(parts.len());
    let whole_kinds = kinds(0, shape.point.unwrap_or(mantissa_end));
    let fraction_kinds = shape
        .point
        .map_or_else(Vec::new, |p| kinds(p, mantissa_end));
    let text = fixed(value, fraction_kinds.len());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole_text(whole, &whole_kinds, shape.grouping, locale);
    let fraction = fraction_text(fraction, &fraction_kinds);
    let mut out = String::new();
    for (i, t) in parts.iter().enumerate() {
        if i == shape.first {
            out.push_str(&whole);
            if shape.point.is_some() && (!fraction.is_empty() || fraction_kinds.is_empty()) {
                out.push(locale.decimal);
            }
            out.push_str(&fraction);
            if shape.exponent.is_some() {
                let sign = if power < 0 { '-' } else { '+' };
                out.push_str(&format!("E{sign}{:02}", power.abs()));
            }
        }
        let inside = i >= shape.first && i <= shape.last.max(shape.point.unwrap_or(0));
        match t {
            Token::Literal(s) => out.push_str(s),
            Token::Percent => out.push('%'),
            Token::Point | Token::Comma if !inside && shape.scale == 0 && i < shape.first => {
                out.push_str(&literal_text(t));
            }
            _ => {}
        }
    }
    out
}

fn whole_text(whole: &str, kinds: &[char], grouping: bool, locale: &Locale) -> String {
    let least = kinds
        .iter()
        .position(|c| *c == '0')
        .map_or(0, |p| kinds.len() - p);
    let trimmed = whole.trim_start_matches('0');
    let padded = format!(
        "{}{trimmed}",
        "0".repeat(least.saturating_sub(trimmed.len()))
    );
    if !grouping {
        return padded;
    }
    let count = padded.chars().count();
    let mut out = String::new();
    for (i, c) in padded.chars().enumerate() {
        if i > 0 && (count - i) % 3 == 0 {
            out.push(locale.group);
        }
        out.push(c);
    }
    out
}

fn fraction_text(fraction: &str, kinds: &[char]) -> String {
    let least = kinds.iter().rposition(|c| *c == '0').map_or(0, |p| p + 1);
    let mut text = fraction.to_owned();
    while text.len() > least && text.ends_with('0') {
        text.pop();
    }
    text
}

/// A number without a format, as a cell shows it.
pub(crate) fn general(n: f64, locale: &Locale) -> String {
    let abs = n.abs();
    if abs != 0.0 && !(1.0e-9..1.0e15).contains(&abs) {
        let power = abs.log10().floor() as i32;
        let mantissa = fixed(scaled(abs, -power), 5);
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        let sign = if n < 0.0 { "-" } else { "" };
        let text = format!(
            "{sign}{mantissa}E{}{:02}",
            if power < 0 { '-' } else { '+' },
            power.abs()
        );
        return text.replace('.', &locale.decimal.to_string());
    }
    let whole = fixed(abs.trunc(), 0).len();
    // A cell shows some ten significant decimals and drops the zeros at the end.
    let mut text = fixed(abs, 15_usize.saturating_sub(whole).min(10));
    if text.contains('.') {
        text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let sign = if n < 0.0 && text != "0" { "-" } else { "" };
    format!("{sign}{text}").replace('.', &locale.decimal.to_string())
}

/// Whether the `m` run at `i` means minutes: after hours or before seconds.
fn is_minutes(parts: &[Token], i: usize) -> bool {
    let date = |t: &&Token| matches!(t, Token::Date(..) | Token::Elapsed(..));
    let before = parts.iter().take(i).rev().find(date);
    let after = parts.iter().skip(i + 1).find(date);
    matches!(before, Some(Token::Date('h', _) | Token::Elapsed('h', _)))
        || matches!(after, Some(Token::Date('s', _) | Token::Elapsed('s', _)))
}

fn format_date(at: NaiveDateTime, serial: f64, parts: &[Token], locale: &Locale) -> String {
    let twelve = parts.contains(&Token::AmPm);
    let has_day = parts.iter().any(|t| matches!(t, Token::Date('d', 1 | 2)));
    let has_fraction = |i: usize| {
        matches!(parts.get(i), Some(Token::Point))
            && matches!(parts.get(i + 1), Some(Token::Digit(_)))
    };
    let mut out = String::new();
    for (i, t) in parts.iter().enumerate() {
        match t {
            Token::Literal(s) => out.push_str(s),
            Token::Point if has_fraction(i) => out.push(locale.decimal),
            Token::Point | Token::Comma | Token::Percent => out.push_str(&literal_text(t)),
            Token::Digit(_) => {
                let place = parts
                    .iter()
                    .take(i)
                    .rev()
                    .take_while(|t| matches!(t, Token::Digit(_)));
                let ms = format!("{:03}", at.and_utc().timestamp_subsec_millis());
                out.push(ms.chars().nth(place.count()).unwrap_or('0'));
            }
            Token::AmPm => out.push_str(if at.hour() < 12 { "AM" } else { "PM" }),
            Token::Elapsed(kind, width) => {
                let seconds = (serial * DAY).round();
                let n = match kind {
                    'h' => (seconds / 3600.0).floor(),
                    'm' => (seconds / 60.0).floor(),
                    _ => seconds,
                };
                out.push_str(&format!("{n:0width$}"));
            }
            Token::Date('m', width) if *width < 3 && is_minutes(parts, i) => {
                out.push_str(&format!("{:0width$}", at.minute()));
            }
            Token::Date(kind, width) => {
                out.push_str(&date_part(at, *kind, *width, twelve, has_day, locale));
            }
            Token::Exponent | Token::At => {}
        }
    }
    out
}

fn date_part(
    at: NaiveDateTime,
    kind: char,
    width: usize,
    twelve: bool,
    has_day: bool,
    locale: &Locale,
) -> String {
    let month = at.month0() as usize;
    let weekday = at.weekday().num_days_from_sunday() as usize;
    let name = |list: &[&str], i: usize| list.get(i).copied().unwrap_or("").to_owned();
    match (kind, width) {
        ('y', 1 | 2) => format!("{:02}", at.year().rem_euclid(100)),
        ('y', _) => format!("{:04}", at.year()),
        ('m', 1 | 2) => format!("{:0width$}", at.month()),
        ('m', 3) => name(&locale.months_short, month),
        ('m', 5) => name(&locale.months, month)
            .chars()
            .take(1)
            .collect::<String>()
            .to_uppercase(),
        ('m', _) if has_day => name(&locale.months_of, month),
        ('m', _) => name(&locale.months, month),
        ('d', 1 | 2) => format!("{:0width$}", at.day()),
        ('d', 3) => name(&locale.days_short, weekday),
        ('d', _) => name(&locale.days, weekday),
        ('h', _) => {
            let hour = if twelve {
                (at.hour() + 11) % 12 + 1
            } else {
                at.hour()
            };
            format!("{:0w$}", hour, w = width.min(2))
        }
        (_, _) => format!("{:0w$}", at.second(), w = width.min(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_pattern() {
        let cases: &[(&str, f64, &str, &str)] = &[
            ("en_US", 1234567.891, "#,##0", "1,234,568"),
            ("ru_RU", 1234567.891, "#,##0.0", "1\u{a0}234\u{a0}567,9"),
            ("ru_RU", 0.1234, "0%", "12%"),
            ("ru_RU", 0.1234, "0.0%", "12,3%"),
            ("ru_RU", 1500.0, "#,##0 ₽", "1\u{a0}500 ₽"),
            ("ru_RU", 1500.0, "#,##0\\ [$₽]", "1\u{a0}500 ₽"),
            ("de_DE", -1234.5, "#,##0.00", "-1.234,50"),
            ("en_US", 5.0, "+#,##0;−#,##0;0", "+5"),
            ("en_US", -5.0, "+#,##0;−#,##0;0", "−5"),
            ("en_US", 0.0, "+#,##0;−#,##0;0", "0"),
            ("en_US", 0.0, "#,##0;-#,##0;\"—\"", "—"),
            ("ru_RU", 12345678.0, "#,##0.0,,\" млн\"", "12,3 млн"),
            ("en_US", 12345.0, "#,##0,\"k\"", "12k"),
            ("en_US", 0.0, "#,###", ""),
            ("en_US", 7.0, "000", "007"),
            ("en_US", 1.5, "0.##", "1.5"),
            ("en_US", 2.5, "0", "3"),
            ("en_US", 1.005, "0.00", "1.01"),
            ("en_US", -0.4, "0", "0"),
            ("en_US", 12345.678, "0.00E+00", "1.23E+04"),
            ("en_US", 1500.0, "[<1000]0;[>=1000]0.0,\"k\"", "1.5k"),
            ("en_US", 3.0, "\"$\"#,##0.00", "$3.00"),
            ("en_US", 5.0, "General", "5"),
        ];
        for (locale, n, pattern, want) in cases {
            assert_eq!(
                format_number(*n, pattern, Locale::of(locale)),
                *want,
                "{n} {pattern}"
            );
        }
    }

    #[test]
    fn dates_by_pattern() {
        // 2026-03-05 14:07:09
        let serial = 46086.0 + (14.0 * 3600.0 + 7.0 * 60.0 + 9.0) / 86_400.0;
        let cases = [
            ("ru_RU", "mmm yyyy", "март 2026"),
            ("ru_RU", "mmmm yyyy", "март 2026"),
            ("ru_RU", "d mmmm", "5 марта"),
            ("ru_RU", "dd.mm.yyyy hh:mm", "05.03.2026 14:07"),
            ("en_US", "yyyy-mm-dd", "2026-03-05"),
            ("en_US", "M/d/yyyy h:mm AM/PM", "3/5/2026 2:07 PM"),
            ("en_US", "ddd, mmm d", "Thu, Mar 5"),
            ("uk_UA", "d mmmm", "5 березня"),
            ("de_DE", "dddd", "Donnerstag"),
            ("en_US", "h:mm:ss", "14:07:09"),
            ("en_US", "yyyy-mm", "2026-03"),
        ];
        for (locale, pattern, want) in cases {
            assert_eq!(
                format_number(serial, pattern, Locale::of(locale)),
                want,
                "{pattern}"
            );
        }
        assert_eq!(format_number(1.5, "[h]:mm", Locale::of("en_US")), "36:00");
    }

    #[test]
    fn general_numbers() {
        let cases = [
            (1.0, "en_US", "1"),
            (0.1 + 0.2, "en_US", "0.3"),
            (1234.5, "ru_RU", "1234,5"),
            (-2.25, "en_US", "-2.25"),
            (1.0 / 3.0, "en_US", "0.3333333333"),
            (0.0009765625, "en_US", "0.0009765625"),
            (1.0e20, "en_US", "1E+20"),
        ];
        for (n, locale, want) in cases {
            assert_eq!(general(n, Locale::of(locale)), want);
        }
    }

    #[test]
    fn serials_round_trip() {
        let at = serial_to_time(43831.5).unwrap();
        assert_eq!(at.to_string(), "2020-01-01 12:00:00");
        assert!((time_to_serial(at) - 43831.5).abs() < 1e-9);
        assert!(serial_to_time(f64::MAX).is_none());
    }
}
