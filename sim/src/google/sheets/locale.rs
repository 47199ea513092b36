//! What a spreadsheet's locale decides: separators, names of months, order of dates.

/// Order of day, month and year in a typed date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    Dmy,
    Mdy,
}

/// A locale.
#[derive(Debug)]
pub(crate) struct Locale {
    pub(crate) decimal: char,
    pub(crate) group: char,
    pub(crate) order: DateOrder,
    pub(crate) date_separator: char,
    /// Patterns of automatically recognised values.
    pub(crate) date_pattern: &'static str,
    pub(crate) date_time_pattern: &'static str,
    pub(crate) currency_pattern: &'static str,
    pub(crate) yes: &'static str,
    pub(crate) no: &'static str,
    pub(crate) months: [&'static str; 12],
    /// Months as they stand after a day.
    pub(crate) months_of: [&'static str; 12],
    pub(crate) months_short: [&'static str; 12],
    /// Sunday first.
    pub(crate) days: [&'static str; 7],
    pub(crate) days_short: [&'static str; 7],
}

/// Languages that a spreadsheet may be in, as the settings of a spreadsheet offer them.
const LANGUAGES: &str = "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr ga gl \
    gsw gu he hi hr hu hy id in is it iw ja ka kk kl km kn ko ky lo lt lv mk ml mn mr ms my nb ne nl \
    nn no or pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh zu";

/// Whether a spreadsheet may have the locale: a language, or a language and a country.
pub(crate) fn is_known(code: &str) -> bool {
    let (language, country) = match code.split_once(['_', '-']) {
        Some((l, c)) => (l, Some(c)),
        None => (code, None),
    };
    let well = country.is_none_or(|c| {
        c.split(['_', '-'])
            .all(|p| (2..=4).contains(&p.len()) && p.chars().all(|x| x.is_ascii_alphanumeric()))
    });
    well && LANGUAGES.split_whitespace().any(|l| l == language)
}

impl Locale {
    /// The locale of a code such as `ru_RU`; unknown codes read as `en_US`.
    pub(crate) fn of(code: &str) -> &'static Locale {
        match code.get(..2).unwrap_or("") {
            "ru" => &RU,
            "uk" => &UK,
            "de" => &DE,
            "fr" => &FR,
            "es" => &ES,
            "it" => &IT,
            "en" if !matches!(code, "en" | "en_US" | "en_CA" | "en_PH" | "en_ZA") => &GB,
            _ => &EN,
        }
    }

    pub(crate) fn decimal_comma(&self) -> bool {
        self.decimal == ','
    }
}

const EN_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

static EN: Locale = US;

const US: Locale = Locale {
    decimal: '.',
    group: ',',
    order: DateOrder::Mdy,
    date_separator: '/',
    date_pattern: "M/d/yyyy",
    date_time_pattern: "M/d/yyyy H:mm:ss",
    currency_pattern: "\"$\"#,##0.00",
    yes: "TRUE",
    no: "FALSE",
    months: EN_MONTHS,
    months_of: EN_MONTHS,
    months_short: [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ],
    days: [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ],
    days_short: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};

/// Britain, Ireland, Australia, India and others: the day first.
static GB: Locale = Locale {
    order: DateOrder::Dmy,
    date_pattern: "dd/MM/yyyy",
    date_time_pattern: "dd/MM/yyyy H:mm:ss",
    currency_pattern: "\"£\"#,##0.00",
    ..US
};

/// A decimal comma and a day first, with slashes between; texts of dates stay English here.
const LATIN: Locale = Locale {
    decimal: ',',
    group: '.',
    order: DateOrder::Dmy,
    date_pattern: "dd/MM/yyyy",
    date_time_pattern: "dd/MM/yyyy H:mm:ss",
    currency_pattern: "#,##0.00\"\u{a0}€\"",
    ..US
};

static FR: Locale = Locale {
    group: '\u{a0}',
    yes: "VRAI",
    no: "FAUX",
    ..LATIN
};

static ES: Locale = Locale {
    yes: "VERDADERO",
    no: "FALSO",
    ..LATIN
};

static IT: Locale = Locale {
    yes: "VERO",
    no: "FALSO",
    ..LATIN
};

static RU: Locale = Locale {
    decimal: ',',
    group: '\u{a0}',
    order: DateOrder::Dmy,
    date_separator: '.',
    date_pattern: "dd.MM.yyyy",
    date_time_pattern: "dd.MM.yyyy H:mm:ss",
    currency_pattern: "#,##0.00\"\u{a0}₽\"",
    yes: "ИСТИНА",
    no: "ЛОЖЬ",
    months: [
        "январь",
        "февраль",
        "март",
        "апрель",
        "май",
        "июнь",
        "июль",
        "август",
        "сентябрь",
        "октябрь",
        "ноябрь",
        "декабрь",
    ],
    months_of: [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ],
    months_short: [
        "янв.",
        "февр.",
        "март",
        "апр.",
        "май",
        "июнь",
        "июль",
        "авг.",
        "сент.",
        "окт.",
        "нояб.",
        "дек.",
    ],
    days: [
        "воскресенье",
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
    ],
    days_short: ["вс", "пн", "вт", "ср", "чт", "пт", "сб"],
};

static UK: Locale = Locale {
    decimal: ',',
    group: '\u{a0}',
    order: DateOrder::Dmy,
    date_separator: '.',
    date_pattern: "dd.MM.yyyy",
    date_time_pattern: "dd.MM.yyyy H:mm:ss",
    currency_pattern: "#,##0.00\"\u{a0}₴\"",
    yes: "TRUE",
    no: "FALSE",
    months: [
        "січень",
        "лютий",
        "березень",
        "квітень",
        "травень",
        "червень",
        "липень",
        "серпень",
        "вересень",
        "жовтень",
        "листопад",
        "грудень",
    ],
    months_of: [
        "січня",
        "лютого",
        "березня",
        "квітня",
        "травня",
        "червня",
        "липня",
        "серпня",
        "вересня",
        "жовтня",
        "листопада",
        "грудня",
    ],
    months_short: [
        "січ.",
        "лют.",
        "бер.",
        "квіт.",
        "трав.",
        "черв.",
        "лип.",
        "серп.",
        "вер.",
        "жовт.",
        "лист.",
        "груд.",
    ],
    days: [
        "неділя",
        "понеділок",
        "вівторок",
        "середа",
        "четвер",
        "пʼятниця",
        "субота",
    ],
    days_short: ["нд", "пн", "вт", "ср", "чт", "пт", "сб"],
};

static DE: Locale = Locale {
    decimal: ',',
    group: '.',
    order: DateOrder::Dmy,
    date_separator: '.',
    date_pattern: "dd.MM.yyyy",
    date_time_pattern: "dd.MM.yyyy H:mm:ss",
    currency_pattern: "#,##0.00\"\u{a0}€\"",
    yes: "WAHR",
    no: "FALSCH",
    months: DE_MONTHS,
    months_of: DE_MONTHS,
    months_short: [
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.",
        "Dez.",
    ],
    days: [
        "Sonntag",
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
    ],
    days_short: ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
};

const DE_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
