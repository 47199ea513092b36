//! What the reader of spelled numbers takes, refuses and asks about: tables of texts and outcomes.

use super::*;

/// Outcomes: a number, `blank`, `ambiguous`, `no`.
type Row = (&'static str, &'static str);

/// What people type, by what is peculiar about it.
const CASES: &[(&str, &[Row])] = &[
    (
        "digits",
        &[
            ("0", "0"),
            ("7", "7"),
            ("1200", "1200"),
            ("0042", "42"),
            ("000", "0"),
            ("1000000", "1000000"),
            ("123456789012345", "123456789012345"),
            (
                "79228162514264337593543950335",
                "79228162514264337593543950335",
            ),
            ("79228162514264337593543950336", "no"),
            ("99999999999999999999999999999999", "no"),
        ],
    ),
    (
        "nothing to see",
        &[
            ("", "blank"),
            (" ", "blank"),
            ("   ", "blank"),
            ("\t", "blank"),
            ("\n", "blank"),
            ("\r\n", "blank"),
            ("\u{a0}", "blank"),
            ("\u{202f}\u{2009}", "blank"),
            ("\u{3000}", "blank"),
            ("\u{200b}", "blank"),
            ("\u{feff} ", "blank"),
        ],
    ),
    (
        "words for nothing",
        &[
            ("-", "no"),
            ("–", "no"),
            ("—", "no"),
            ("−", "no"),
            ("+", "no"),
            (".", "no"),
            (",", "no"),
            ("'", "no"),
            ("...", "no"),
            ("…", "no"),
            ("?", "no"),
            ("х", "no"),
            ("нет", "no"),
            ("н/д", "no"),
            ("n/a", "no"),
            ("none", "no"),
            ("null", "no"),
            ("NaN", "no"),
            ("inf", "no"),
            ("∞", "no"),
            ("#N/A", "no"),
            ("ИСТИНА", "no"),
            ("TRUE", "no"),
        ],
    ),
    (
        "space around",
        &[
            (" 1200 ", "1200"),
            ("1200\n", "1200"),
            ("\t1200", "1200"),
            ("\r\n1200\r\n", "1200"),
            ("\u{a0}1200\u{a0}", "1200"),
            ("\u{3000}5", "5"),
            ("\u{feff}1200", "1200"),
            ("1200\u{200b}", "1200"),
            ("\u{200e}5", "5"),
        ],
    ),
    (
        "thousands after a space",
        &[
            ("1 200", "1200"),
            ("12 000", "12000"),
            ("999 999", "999999"),
            ("1 200 000", "1200000"),
            ("1\u{a0}200", "1200"),
            ("1\u{202f}200", "1200"),
            ("1\u{2009}200", "1200"),
            ("1\u{2007}200", "1200"),
            ("1\u{2006}200", "1200"),
            ("1\u{2009}200\u{a0}000", "1200000"),
            ("1\u{202f}234\u{202f}567", "1234567"),
            ("1 20", "no"),
            ("1 2000", "no"),
            ("12 00", "no"),
            ("1200 300", "no"),
            ("1200 000", "no"),
            ("1  200", "no"),
            ("1 \u{a0}200", "no"),
            ("0 200", "no"),
            ("000 200", "no"),
            ("1\t200", "no"),
            ("1\n200", "no"),
            ("1\u{200b}200", "no"),
            ("1 2 3", "no"),
            ("100 200 30", "no"),
            ("8 800 555 35 35", "no"),
        ],
    ),
    (
        "a decimal mark",
        &[
            ("1,5", "1.5"),
            ("1.5", "1.5"),
            ("1,20", "1.2"),
            ("1.20", "1.2"),
            ("1.2000", "1.2"),
            ("1,2000", "1.2"),
            (",5", "0.5"),
            (".5", "0.5"),
            (",500", "0.5"),
            ("0,200", "0.2"),
            ("0.125", "0.125"),
            ("0,0001", "0.0001"),
            ("0.00", "0"),
            ("1200,5", "1200.5"),
            ("1200,500", "1200.5"),
            ("1200.500", "1200.5"),
            ("1234567.891", "1234567.891"),
            ("5,", "no"),
            ("5.", "no"),
            ("1200.", "no"),
            ("1, 5", "no"),
            ("1 ,5", "no"),
            ("1 . 5", "no"),
            ("1..5", "no"),
            ("1,,5", "no"),
            ("1.,5", "no"),
            (".5.", "no"),
            (".,5", "no"),
            ("1;5", "no"),
            ("1·5", "no"),
            ("1٫5", "no"),
        ],
    ),
    (
        "one mark and three digits: thousands, or thousandths",
        &[
            ("1,200", "ambiguous"),
            ("1.200", "ambiguous"),
            ("1,000", "ambiguous"),
            ("1.000", "ambiguous"),
            ("12,345", "ambiguous"),
            ("12.345", "ambiguous"),
            ("999,999", "ambiguous"),
            ("999.999", "ambiguous"),
            ("1,200 %", "ambiguous"),
            ("1.500%", "ambiguous"),
            ("-1,200", "ambiguous"),
            ("+1.200", "ambiguous"),
            (" 1.200 ", "ambiguous"),
            ("012,345", "ambiguous"),
            ("00.200", "ambiguous"),
            ("１，２００", "ambiguous"),
        ],
    ),
    (
        "a decimal mark after thousands",
        &[
            ("1 200,50", "1200.5"),
            ("1 200.50", "1200.5"),
            ("1 200,500", "1200.5"),
            ("1\u{a0}200,5", "1200.5"),
            ("1\u{202f}234\u{202f}567,89", "1234567.89"),
            ("1.200,50", "1200.5"),
            ("1,200.50", "1200.5"),
            ("1.200,500", "1200.5"),
            ("1.200.300,5", "1200300.5"),
            ("1,200,300.5", "1200300.5"),
            ("1 000 000.00", "1000000"),
            ("1.000.000,00", "1000000"),
            ("1,000,000.00", "1000000"),
            ("1 200,", "no"),
            ("1.200,", "no"),
            ("1 200,5 6", "no"),
            ("1,234 567", "no"),
            ("1.234 567", "no"),
            ("1.200,300.5", "no"),
            ("1,200.300,5", "no"),
            ("1.20,5", "no"),
            ("1,2000.5", "no"),
            ("0.200,5", "no"),
            ("0,200.5", "no"),
        ],
    ),
    (
        "thousands after a point or a comma",
        &[
            ("1.200.300", "1200300"),
            ("1,200,300", "1200300"),
            ("12.345.678", "12345678"),
            ("123,456,789,012", "123456789012"),
            ("0.123.456", "no"),
            ("0,123,456", "no"),
            ("1.2.3", "no"),
            ("1,2,3", "no"),
            ("1.200.30", "no"),
            ("1,200,3000", "no"),
            ("1200,300,400", "no"),
            ("1 200.300.400", "no"),
            ("1.200 300", "no"),
            ("1,200,", "no"),
            (",200,300", "no"),
            ("192.168.0.1", "no"),
        ],
    ),
    (
        "Swiss apostrophes",
        &[
            ("1'200", "1200"),
            ("1’200", "1200"),
            ("1'200'300", "1200300"),
            ("1’200’300,5", "1200300.5"),
            ("1'200.50", "1200.5"),
            ("1'200.500", "1200.5"),
            ("1'20", "no"),
            ("1''200", "no"),
            ("'1200", "no"),
            ("1200'", "no"),
            ("1'200 300", "no"),
            ("1'200.300.400", "no"),
            ("1`200", "no"),
            ("1\"200", "no"),
        ],
    ),
    (
        "Indian groups",
        &[
            ("1,20,000", "ambiguous"),
            ("12,34,567", "ambiguous"),
            ("1,23,45,678", "ambiguous"),
            ("1,20,000.50", "ambiguous"),
            ("-1,20,000", "ambiguous"),
            ("1,20,00", "no"),
            ("1,2,000", "no"),
            ("123,45,678", "no"),
            ("1.20.000", "no"),
            ("1 20 000", "no"),
            ("1,000,000", "1000000"),
        ],
    ),
    (
        "other groups",
        &[
            ("1_200", "no"),
            ("1_000_000", "no"),
            ("1-200", "no"),
            ("12,0000", "12"),
            ("1,2345,6789", "no"),
            ("1万", "no"),
        ],
    ),
    (
        "shares of a hundred",
        &[
            ("10%", "0.1"),
            ("10 %", "0.1"),
            ("10  %", "0.1"),
            ("10\u{a0}%", "0.1"),
            ("12,5\u{202f}%", "0.125"),
            ("0,5%", "0.005"),
            ("0 %", "0"),
            ("100%", "1"),
            ("150 %", "1.5"),
            ("1 200 %", "12"),
            ("1.200,5%", "12.005"),
            ("-10 %", "-0.1"),
            ("10 % ", "0.1"),
            ("10％", "0.1"),
            ("%", "no"),
            ("-%", "no"),
            ("%10", "no"),
            ("% 10", "no"),
            ("10%%", "no"),
            ("10% 5", "no"),
            ("10%-", "no"),
            ("10‰", "no"),
            ("10 процентов", "no"),
            ("10 percent", "no"),
            ("10 п.п.", "no"),
        ],
    ),
    (
        "signs",
        &[
            ("-5", "-5"),
            ("−5", "-5"),
            ("–5", "-5"),
            ("+5", "5"),
            ("- 5", "-5"),
            ("+ 5", "5"),
            ("-\u{a0}5", "-5"),
            ("-0", "0"),
            ("−0,00", "0"),
            ("-1 200,5", "-1200.5"),
            ("-,5", "-0.5"),
            ("--5", "no"),
            ("+-5", "no"),
            ("-+5", "no"),
            ("±5", "no"),
            ("—5", "no"),
            ("5-", "no"),
            ("5+", "no"),
            ("~5", "no"),
            ("≈5", "no"),
            (">5", "no"),
            ("≥ 5", "no"),
            ("№5", "no"),
            ("#5", "no"),
            ("*5", "no"),
        ],
    ),
    (
        "brackets: an accountant's minus, or an aside",
        &[
            ("(5)", "no"),
            ("(1 200)", "no"),
            ("(1,200.50)", "no"),
            ("-(5)", "no"),
            ("5 (10)", "no"),
            ("[5]", "no"),
            ("(5", "no"),
        ],
    ),
    (
        "money: nobody knows whose",
        &[
            ("₽", "no"),
            ("1 000 ₽", "no"),
            ("1000₽", "no"),
            ("₽ 1000", "no"),
            ("1 000 руб.", "no"),
            ("1 000 руб", "no"),
            ("1000р.", "no"),
            ("1000 р", "no"),
            ("1000 RUB", "no"),
            ("1,200 ₽", "no"),
            ("$1,200.50", "no"),
            ("$ 99", "no"),
            ("-$5", "no"),
            ("99 USD", "no"),
            ("99 €", "no"),
            ("€99", "no"),
            ("£5", "no"),
            ("CHF 1'200", "no"),
            ("₹1,20,000", "no"),
            ("R$ 10", "no"),
            ("500 грн.", "no"),
            ("500 ₸", "no"),
            ("1 000 руб. 50 коп.", "no"),
        ],
    ),
    (
        "multiples and units",
        &[
            ("5 тыс.", "no"),
            ("5 тыс", "no"),
            ("5т", "no"),
            ("5 т.р.", "no"),
            ("1 млн", "no"),
            ("1,5 млн.", "no"),
            ("2 млрд", "no"),
            ("5k", "no"),
            ("5K", "no"),
            ("5к", "no"),
            ("1.2M", "no"),
            ("1m", "no"),
            ("3 лакха", "no"),
            ("1 lakh", "no"),
            ("10 шт", "no"),
            ("10 шт.", "no"),
            ("10 лидов", "no"),
            ("10x", "no"),
        ],
    ),
    (
        "exponents and other bases",
        &[
            ("1e3", "no"),
            ("1E3", "no"),
            ("1.2E+06", "no"),
            ("1,2E+06", "no"),
            ("1e-3", "no"),
            ("1е3", "no"),
            ("10^6", "no"),
            ("10⁶", "no"),
            ("1×10^3", "no"),
            ("0x10", "no"),
            ("0b11", "no"),
        ],
    ),
    (
        "dates",
        &[
            ("01.02.2026", "no"),
            ("1.5.2026", "no"),
            ("31.12.26", "no"),
            ("01/02/2026", "no"),
            ("1/2", "no"),
            ("2026-01-31", "no"),
            ("2026/01", "no"),
            ("2026-01", "no"),
            ("1 мая", "no"),
            ("Jan 5", "no"),
            ("5 янв. 2026", "no"),
            ("01.02.2026 10:00", "no"),
            ("2026 г.", "no"),
        ],
    ),
    (
        "times and spans",
        &[
            ("10:30", "no"),
            ("10:30:00", "no"),
            ("9:05 PM", "no"),
            ("2ч", "no"),
            ("1h 30m", "no"),
            ("10-20", "no"),
            ("10–20", "no"),
            ("10 - 20", "no"),
            ("10..20", "no"),
            ("от 10 до 20", "no"),
        ],
    ),
    (
        "fractions and sums",
        &[
            ("1/3", "no"),
            ("1 1/2", "no"),
            ("½", "no"),
            ("1½", "no"),
            ("5 из 100", "no"),
            ("5 of 100", "no"),
            ("=5", "no"),
            ("=1+1", "no"),
            ("1+1", "no"),
            ("2*3", "no"),
            ("5; 6", "no"),
            ("5 6", "no"),
        ],
    ),
    (
        "full-width digits",
        &[
            ("３", "3"),
            ("１２００", "1200"),
            ("１ ２００", "1200"),
            ("１．５", "1.5"),
            ("－５", "-5"),
            ("＋５", "5"),
            ("１，２００，３００", "1200300"),
            ("１2", "12"),
            ("１\u{3000}２００", "no"),
            ("３円", "no"),
            ("（５）", "no"),
        ],
    ),
    (
        "digits of other scripts, words",
        &[
            ("٣", "no"),
            ("१२", "no"),
            ("三", "no"),
            ("Ⅻ", "no"),
            ("²", "no"),
            ("①", "no"),
            ("five", "no"),
            ("пять", "no"),
            ("1OO", "no"),
            ("1ОО", "no"),
            ("l200", "no"),
            ("12З", "no"),
        ],
    ),
];

fn read(text: &str) -> String {
    match read_number(text) {
        Ok(Some(number)) => number.to_string(),
        Ok(None) => "blank".to_owned(),
        Err(CellProblem::Ambiguous(kept)) if kept == text => "ambiguous".to_owned(),
        Err(CellProblem::NotANumber(kept)) if kept == text => "no".to_owned(),
        Err(other) => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn spellings_have_one_reading_or_none() {
    let mut wrong = Vec::new();
    let mut texts = std::collections::BTreeSet::new();
    for (group, rows) in CASES {
        for (text, expected) in *rows {
            assert!(texts.insert(text), "{text:?} stands twice");
            let outcome = read(text);
            if outcome != *expected {
                wrong.push(format!("{group}: {text:?} is {outcome}, not {expected}"));
            }
        }
    }
    assert!(texts.len() >= 200, "{} spellings", texts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How a locale writes numbers: the mark of thousands, the decimal mark, what stands before `%`.
const LOCALES: &[(&str, &str, &str, &str)] = &[
    ("ru_RU", "\u{a0}", ",", "\u{a0}"),
    ("uk_UA", "\u{a0}", ",", ""),
    ("kk_KZ", "\u{a0}", ",", ""),
    ("en_US", ",", ".", ""),
    ("en_GB", ",", ".", ""),
    ("en_ZA", "\u{a0}", ",", ""),
    ("de_DE", ".", ",", "\u{a0}"),
    ("de_AT", "\u{a0}", ",", "\u{a0}"),
    ("de_CH", "’", ".", ""),
    ("it_CH", "'", ".", ""),
    ("fr_FR", "\u{202f}", ",", "\u{202f}"),
    ("fr_CA", "\u{a0}", ",", "\u{a0}"),
    ("es_ES", ".", ",", "\u{a0}"),
    ("es_MX", ",", ".", "\u{a0}"),
    ("pt_BR", ".", ",", ""),
    ("pl_PL", "\u{a0}", ",", ""),
    ("sv_SE", "\u{a0}", ",", "\u{a0}"),
    ("tr_TR", ".", ",", ""),
    ("ja_JP", ",", ".", ""),
    ("zh_CN", ",", ".", ""),
];

/// A number's whole part and decimals; how it reads where its thousands are set apart by a space
/// or an apostrophe, and where by a point or a comma.
const NUMBERS: &[(&str, &str, &str, &str)] = &[
    ("7", "", "7", "7"),
    ("950", "", "950", "950"),
    ("1200", "", "1200", "ambiguous"),
    ("45000", "", "45000", "ambiguous"),
    ("999999", "", "999999", "ambiguous"),
    ("1200000", "", "1200000", "1200000"),
    ("0", "5", "0.5", "0.5"),
    ("0", "125", "0.125", "0.125"),
    ("1", "125", "ambiguous", "ambiguous"),
    ("12", "5", "12.5", "12.5"),
    ("1200", "5", "1200.5", "1200.5"),
    ("1200", "125", "1200.125", "1200.125"),
    ("1234567", "89", "1234567.89", "1234567.89"),
];

fn spelled(whole: &str, decimals: &str, group: &str, mark: &str) -> String {
    let mut text = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(GROUP) {
            text += group;
        }
        text.push(digit);
    }
    if !decimals.is_empty() {
        text += mark;
        text += decimals;
    }
    text
}

#[test]
fn a_number_in_the_spelling_of_any_locale_is_exact_or_asked_about() {
    for (locale, group, mark, before_percent) in LOCALES {
        let doubtful = matches!(*group, "." | ",");
        for (whole, decimals, apart, confusable) in NUMBERS {
            let expected = if doubtful { confusable } else { apart };
            let text = spelled(whole, decimals, group, mark);
            assert_eq!(read(&text), *expected, "{locale}: {text:?}");
            let percent = format!("-{text}{before_percent}%");
            let hundredth = match expected.parse::<Decimal>() {
                Ok(number) => (-number / Decimal::ONE_HUNDRED).normalize().to_string(),
                Err(_) => (*expected).to_owned(),
            };
            assert_eq!(read(&percent), hundredth, "{locale}: {percent:?}");
        }
    }
}
