//! What typing a text into a cell means: numbers, dates, flags, formulas, by locale.

use chrono::{NaiveDate, NaiveTime, Timelike};

use super::book::Entered;
use super::locale::{DateOrder, Locale};
use super::numfmt::time_to_serial;

/// A number format that the typed text brings along: its type and pattern.
pub(crate) type Brought = Option<(&'static str, String)>;

/// Reads a typed text.
pub(crate) fn parse(text: &str, locale: &Locale) -> (Option<Entered>, Brought) {
    if text.is_empty() {
        return (None, None);
    }
    if let Some(rest) = text.strip_prefix('\'') {
        return (Some(Entered::Text(rest.to_owned())), None);
    }
    if text.len() > 1 && text.starts_with('=') {
        return (Some(Entered::Formula(text.to_owned())), None);
    }
    let trimmed = text.trim();
    let upper = trimmed.to_uppercase();
    if upper == "TRUE" || upper == locale.yes {
        return (Some(Entered::Bool(true)), None);
    }
    if upper == "FALSE" || upper == locale.no {
        return (Some(Entered::Bool(false)), None);
    }
    if let Some((n, brought)) = number(trimmed, locale) {
        return (Some(Entered::Number(n)), brought);
    }
    if let Some((n, brought)) = date_time(trimmed, locale) {
        return (Some(Entered::Number(n)), brought);
    }
    (Some(Entered::Text(text.to_owned())), None)
}

const CURRENCIES: [&str; 7] = ["$", "€", "£", "₽", "₴", "¥", "р."];

fn number(text: &str, locale: &Locale) -> Option<(f64, Brought)> {
    let mut rest = text;
    let mut negative = false;
    let mut percent = false;
    let mut currency = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        rest = inner;
        negative = true;
    }
    for sign in ["-", "−", "+"] {
        if let Some(r) = rest.strip_prefix(sign) {
            negative ^= sign != "+";
            rest = r;
            break;
        }
    }
    for symbol in CURRENCIES {
        if let Some(r) = rest
            .strip_prefix(symbol)
            .or_else(|| rest.strip_suffix(symbol))
        {
            rest = r.trim_matches([' ', '\u{a0}']);
            currency = true;
            break;
        }
    }
    if let Some(r) = rest.strip_suffix('%') {
        rest = r.trim_end();
        percent = true;
    }
    let (plain, grouped) = plain_number(rest, locale)?;
    let mut n: f64 = plain.parse().ok()?;
    if percent {
        // In the decimal text, so that 12,3 % is exactly the nearest double to 0.123.
        n = format!("{plain}e-2").parse().unwrap_or(n / 100.0);
    }
    if negative {
        n = -n;
    }
    let decimals = plain.contains('.');
    let brought = if percent {
        Some(("PERCENT", if decimals { "0.00%" } else { "0%" }.to_owned()))
    } else if currency {
        Some(("CURRENCY", locale.currency_pattern.to_owned()))
    } else if plain.contains(['e', 'E']) {
        Some(("SCIENTIFIC", "0.00E+00".to_owned()))
    } else if grouped {
        Some((
            "NUMBER",
            if decimals { "#,##0.00" } else { "#,##0" }.to_owned(),
        ))
    } else {
        None
    };
    Some((n, brought))
}

/// The text as Rust reads numbers, and whether it was grouped by thousands.
fn plain_number(text: &str, locale: &Locale) -> Option<(String, bool)> {
    if !text.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let (whole, tail) = match text.find(locale.decimal) {
        Some(at) => (text.get(..at)?, text.get(at + locale.decimal.len_utf8()..)?),
        None => (text, ""),
    };
    let space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}');
    if tail.contains('.') || (locale.decimal != '.' && locale.group != '.' && whole.contains('.')) {
        return None;
    }
    let is_group = |c: char| c == locale.group || (space(locale.group) && space(c));
    let groups: Vec<&str> = whole.split(is_group).collect();
    let grouped = groups.len() > 1;
    if grouped {
        let well = groups.iter().enumerate().all(|(i, g)| {
            g.chars().all(|c| c.is_ascii_digit())
                && if i == 0 {
                    (1..=3).contains(&g.len())
                } else {
                    g.len() == 3
                }
        });
        if !well {
            return None;
        }
    }
    let mut plain: String = groups.concat();
    if text.contains(locale.decimal) {
        plain.push('.');
        plain.push_str(tail);
    }
    let mut seen_e = false;
    for (i, c) in plain.char_indices() {
        match c {
            '0'..='9' | '.' => {}
            'e' | 'E' if i > 0 && !seen_e => seen_e = true,
            '+' | '-' if plain.get(..i).is_some_and(|p| p.ends_with(['e', 'E'])) => {}
            _ => return None,
        }
    }
    Some((plain, grouped))
}

/// Dates with the name of the month, as English locales take them, and the format each brings.
const NAMED_DATES: [(&str, &str); 8] = [
    ("%b %d, %Y", "MMM d, yyyy"),
    ("%B %d, %Y", "MMMM d, yyyy"),
    ("%b %d %Y", "MMM d yyyy"),
    ("%B %d %Y", "MMMM d yyyy"),
    ("%d %b %Y", "d MMM yyyy"),
    ("%d %B %Y", "d MMMM yyyy"),
    ("%d-%b-%Y", "d-MMM-yyyy"),
    ("%d-%B-%Y", "d-MMMM-yyyy"),
];

fn named_date(text: &str, locale: &Locale) -> Option<(f64, Brought)> {
    let english = locale.months.first() == Some(&"January");
    if !english || !text.chars().any(char::is_alphabetic) {
        return None;
    }
    NAMED_DATES.iter().find_map(|(form, pattern)| {
        // The parser takes short names for long ones: the text must come out as it went in.
        let date = NaiveDate::parse_from_str(text, form).ok()?;
        let long = form.contains("%B");
        let word = text
            .split([' ', '-'])
            .find(|w| w.chars().all(char::is_alphabetic))?;
        if long != (word.len() > 3) {
            return None;
        }
        let serial = time_to_serial(date.and_time(NaiveTime::MIN));
        Some((serial, Some(("DATE", (*pattern).to_owned()))))
    })
}

fn date_time(text: &str, locale: &Locale) -> Option<(f64, Brought)> {
    if let Some(t) = afternoon(text) {
        return Some((t, Some(("TIME", "h:mm am/pm".to_owned()))));
    }
    if let Some(found) = named_date(text, locale) {
        return Some(found);
    }
    if let Some(t) = time(text) {
        let pattern = if text.matches(':').count() > 1 {
            "H:mm:ss"
        } else {
            "H:mm"
        };
        return Some((t, Some(("TIME", pattern.to_owned()))));
    }
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((d, t)) if t.contains(':') => (d, Some(time(t.trim())?)),
        _ => (text, None),
    };
    let (date, iso) = date(day, locale)?;
    let serial = time_to_serial(date.and_time(NaiveTime::MIN));
    let pattern = match (iso, clock) {
        (true, None) => "yyyy-mm-dd",
        (true, Some(_)) => "yyyy-mm-dd H:mm:ss",
        (false, None) => locale.date_pattern,
        (false, Some(_)) => locale.date_time_pattern,
    };
    let kind = if clock.is_some() { "DATE_TIME" } else { "DATE" };
    Some((
        serial + clock.unwrap_or(0.0),
        Some((kind, pattern.to_owned())),
    ))
}

/// `1:30 PM` as a fraction of a day.
fn afternoon(text: &str) -> Option<f64> {
    let upper = text.to_uppercase();
    let late = upper.strip_suffix("PM");
    let digits = late.or_else(|| upper.strip_suffix("AM"))?.trim_end();
    let (hours, minutes) = digits.split_once(':')?;
    let (h, m): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if !(1..=12).contains(&h) || m > 59 {
        return None;
    }
    let h = h % 12 + if late.is_some() { 12 } else { 0 };
    Some(f64::from(h * 60 + m) / 1440.0)
}

/// A time of day as a fraction of a day.
fn time(text: &str) -> Option<f64> {
    let parsed = NaiveTime::parse_from_str(text, "%H:%M:%S")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
        .ok()?;
    Some(f64::from(parsed.num_seconds_from_midnight()) / 86_400.0)
}

/// A date, and whether it was written year first.
fn date(text: &str, locale: &Locale) -> Option<(NaiveDate, bool)> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let numbers: Vec<u32> = parts
        .iter()
        .map(|p| p.parse().ok())
        .collect::<Option<_>>()?;
    if let ([y, m, d], [first, ..]) = (numbers.as_slice(), parts.as_slice())
        && first.len() == 4
        && !text.contains('.')
    {
        return NaiveDate::from_ymd_opt(i32::try_from(*y).ok()?, *m, *d).map(|d| (d, true));
    }
    if !text.contains(locale.date_separator) {
        return None;
    }
    let (a, b, year) = match numbers.as_slice() {
        [a, b, y] if *y < 100 => (*a, *b, if *y < 50 { 2000 + y } else { 1900 + y }),
        [a, b, y] if (1900..10_000).contains(y) => (*a, *b, *y),
        // Day and month alone mean the current year; which year that is does not matter here.
        [a, b] if locale.order == DateOrder::Dmy => (*a, *b, current_year()),
        _ => return None,
    };
    let (day, month) = if locale.order == DateOrder::Dmy {
        (a, b)
    } else {
        (b, a)
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).map(|d| (d, false))
}

fn current_year() -> u32 {
    u32::try_from(chrono::Datelike::year(&crate::clock::now())).unwrap_or(2026)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_texts() {
        let n = |x: f64| Some(Entered::Number(x));
        let t = |x: &str| Some(Entered::Text(x.to_owned()));
        let cases = [
            ("en_US", "2,000,000.01", n(2_000_000.01), Some("#,##0.00")),
            ("en_US", "0042", n(42.0), None),
            ("en_US", "2020-01-01", n(43831.0), Some("yyyy-mm-dd")),
            ("en_US", "1/15/2026", n(46037.0), Some("M/d/yyyy")),
            ("en_US", "12.5%", n(0.125), Some("0.00%")),
            ("en_US", "'0042", t("0042"), None),
            ("en_US", "true", Some(Entered::Bool(true)), None),
            ("en_US", "=1+1", Some(Entered::Formula("=1+1".into())), None),
            ("en_US", "1,2", t("1,2"), None),
            ("en_US", "hello", t("hello"), None),
            ("en_US", "Mar 5, 2026", n(46086.0), Some("MMM d, yyyy")),
            ("en_US", "5 March 2026", n(46086.0), Some("d MMMM yyyy")),
            ("en_US", "6:00 PM", n(0.75), Some("h:mm am/pm")),
            ("en_US", "13:00 PM", t("13:00 PM"), None),
            ("en_GB", "05/03/2026", n(46086.0), Some("dd/MM/yyyy")),
            ("fr_FR", "VRAI", Some(Entered::Bool(true)), None),
            ("en_US", "", None, None),
            ("ru_RU", "1,5", n(1.5), None),
            ("ru_RU", "1 234,5", n(1234.5), Some("#,##0.00")),
            ("ru_RU", "05.03.2026", n(46086.0), Some("dd.MM.yyyy")),
            ("ru_RU", "-7", n(-7.0), None),
            ("ru_RU", "нет", t("нет"), None),
            ("de_DE", "1.234", n(1234.0), Some("#,##0")),
            ("ru_RU", "12:30", n(0.520_833_333_333_333_4), Some("H:mm")),
        ];
        for (locale, text, want, pattern) in cases {
            let (got, brought) = parse(text, Locale::of(locale));
            assert_eq!(got, want, "{locale} {text}");
            assert_eq!(brought.map(|b| b.1).as_deref(), pattern, "{locale} {text}");
        }
        // A point between day and month is a date under a decimal comma.
        let (got, brought) = parse("1.5", Locale::of("ru_RU"));
        assert!(matches!(got, Some(Entered::Number(n)) if n > 40_000.0));
        assert_eq!(brought.map(|b| b.0), Some("DATE"));
    }
}
