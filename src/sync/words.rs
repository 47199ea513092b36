//! Sentences that the daemon itself writes into the sheets, in the company's language.
//!
//! Texts that stand still belong to `templates/texts.*.toml`; here are those with numbers and
//! dates in them.

use chrono::{Datelike, Timelike};

use crate::domain::calendar::{Calendar, Day, Instant, Month};
use rust_decimal::Decimal;

use crate::domain::plan::{CellProblem, Check, Light, Notice};
use crate::domain::slot::{Metric, MetricKind};
use crate::sheet::table::Fault;
use crate::sheet::template::currency_sign;

mod history;

pub use super::names::Names;
use super::pull::PullWarning;
use super::render;

/// The language of a company's sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Russian.
    Russian,
    /// English.
    English,
}

const MONTHS_RU: [&str; 12] = [
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
];
const MONTH_NAMES_RU: [&str; 12] = [
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
];
const MONTHS_EN: [&str; 12] = [
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

/// Between thousands.
const NARROW_SPACE: char = '\u{202f}';

impl Words {
    /// Russian for Russian locales, English for all others.
    pub fn of(locale: &str) -> Words {
        if locale.starts_with("ru") {
            Words::Russian
        } else {
            Words::English
        }
    }

    fn pick(self, russian: &'static str, english: &'static str) -> &'static str {
        match self {
            Words::Russian => russian,
            Words::English => english,
        }
    }

    /// Title of the report file.
    pub fn report_title(self, company: &str) -> String {
        format!(
            "{company} · {}",
            self.pick("Отчёт план/факт", "Plan/fact report")
        )
    }

    /// Title of the plan file.
    pub fn plan_title(self, company: &str, year: i32) -> String {
        format!("{company} · {} {year}", self.pick("План", "Plan"))
    }

    /// `22 ноября 2026`.
    pub fn day(self, day: Day) -> String {
        let index = day.month0() as usize;
        match self {
            Words::Russian => {
                format!(
                    "{} {} {}",
                    day.day(),
                    MONTHS_RU.get(index).copied().unwrap_or_default(),
                    day.year()
                )
            }
            Words::English => {
                format!(
                    "{} {} {}",
                    day.day(),
                    MONTHS_EN.get(index).copied().unwrap_or_default(),
                    day.year()
                )
            }
        }
    }

    /// `22 ноября 2026, 03:04` in the company's zone.
    pub fn instant(self, instant: Instant, calendar: &Calendar) -> String {
        let local = instant.with_timezone(&calendar.zone);
        format!(
            "{}, {:02}:{:02}",
            self.day(local.date_naive()),
            local.hour(),
            local.minute()
        )
    }

    /// Everything is fine.
    pub fn all_well(self) -> &'static str {
        match self {
            Words::Russian => "всё в порядке",
            Words::English => "all is well",
        }
    }

    /// How many things want a look.
    pub fn problems(self, count: usize) -> String {
        match self {
            Words::Russian => format!("требует внимания: {count}"),
            Words::English => format!("needs attention: {count}"),
        }
    }

    /// Leads without a sum.
    pub fn missing_sum(self, missing: u64, created: u64) -> String {
        let share = percent(missing, created);
        match self {
            Words::Russian => format!(
                "У {} лидов этого года не указана сумма ({share} %): потенциал занижен",
                self.thousands(missing)
            ),
            Words::English => format!(
                "{} leads of this year have no sum ({share} %): the potential is understated",
                self.thousands(missing)
            ),
        }
    }

    /// Deals won whose cost is not known (R94).
    pub fn unknown_cost(self, deals: u64) -> String {
        let count = self.thousands(deals);
        match self {
            Words::Russian => format!(
                "Сделок этого года с неизвестной себестоимостью: {count}. Маржа посчитана без них"
            ),
            Words::English => format!(
                "Deals won this year whose cost is not known: {count}. The margin is counted \
                 without them"
            ),
        }
    }

    /// Months below the break-even line in a row.
    pub fn below_break_even(self, months: usize) -> String {
        match self {
            Words::Russian => {
                format!(
                    "Ниже точки безубыточности {months} {} подряд",
                    plural_ru(months as u64, "месяц", "месяца", "месяцев")
                )
            }
            Words::English => format!(
                "Below break-even for {months} {} in a row",
                if months == 1 { "month" } else { "months" }
            ),
        }
    }

    /// Revenue is behind the plan's pace.
    pub fn behind_pace(self, pace_percent: u64) -> String {
        match self {
            Words::Russian => format!("Выручка месяца идёт на {pace_percent} % от темпа плана"),
            Words::English => {
                format!("This month's revenue runs at {pace_percent} % of the plan's pace")
            }
        }
    }

    /// Records that could not be read.
    pub fn rejects(self, count: u64) -> String {
        match self {
            Words::Russian => format!(
                "{} записей CRM не удалось прочитать, они не учтены",
                self.thousands(count)
            ),
            Words::English => format!(
                "{} CRM records could not be read and are not counted",
                self.thousands(count)
            ),
        }
    }

    /// Amounts in a currency without a rate.
    pub fn unconverted(self, count: u64) -> String {
        match self {
            Words::Russian => format!(
                "У {} записей валюта без курса: их суммы не учтены. Добавьте курс в Bitrix24",
                self.thousands(count)
            ),
            Words::English => format!(
                "{} records have a currency without a rate: their sums are not counted. Add the rate in Bitrix24",
                self.thousands(count)
            ),
        }
    }

    /// What the owner should know of a pull that went well.
    pub fn pull_warning(self, warning: &PullWarning) -> String {
        match (self, warning) {
            (_, PullWarning::NotAdmin) => self.not_admin().to_owned(),
            (_, PullWarning::SimpleMode) => self.simple_mode().to_owned(),
            (Words::Russian, PullWarning::FilterIgnored { rows }) => {
                format!(
                    "Портал не применил фильтр к {} строкам; они отобраны здесь",
                    self.thousands(*rows)
                )
            }
            (Words::Russian, PullWarning::DirectoryRefused(error)) => {
                format!("Справочник не прочитан и остался прежним: {error}")
            }
            (Words::Russian, PullWarning::Moved { host }) => {
                format!("Портал переехал на {host}: измените webhook_url")
            }
            (Words::Russian, PullWarning::HiddenRows { rows }) => format!(
                "{} лидов и сделок больше не видны: у пользователя нет прав на них. Они учтены, какими были; верните права",
                self.thousands(*rows)
            ),
            (Words::Russian, PullWarning::HiddenTrail { rows }) => format!(
                "{} звонков, дел, счетов, задач или переходов больше не приходят, и портал не говорит, что они удалены. Они учтены, какими были; пусть вебхук создаст администратор",
                self.thousands(*rows)
            ),
            (Words::Russian, PullWarning::CostsRefused) => {
                "Закупочные цены не читаются: маржа сделок с новыми товарами неизвестна. Дайте вебхуку право catalog, а его пользователю — просмотр каталога и закупочных цен".to_owned()
            }
            (Words::Russian, PullWarning::PaymentsRefused) => {
                "Оплаты больше не читаются и остались прежними: проверьте права пользователя вебхука на сделки и счета".to_owned()
            }
            (Words::Russian, PullWarning::HiddenPipelines { ids }) => {
                let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
                format!(
                    "Воронки {} не видны пользователю вебхука: их сделок в отчёте нет. Дайте ему права",
                    ids.join(", ")
                )
            }
            (Words::Russian, PullWarning::TrailRefused { what, error }) => {
                format!("{what} больше не читается, данные остались прежними: {error}")
            }
            (Words::Russian, PullWarning::Unsettled { records }) => format!(
                "Портал и отчёт расходятся ещё в {} записях; следующие ночи это исправят",
                self.thousands(*records)
            ),
            (Words::English, warning) => warning.to_string(),
        }
    }

    fn not_admin(self) -> &'static str {
        match self {
            Words::Russian => {
                "Вебхук создан не администратором: видны только доступные ему записи, числа могут быть занижены"
            }
            Words::English => {
                "The webhook's owner is no administrator: only records that he may see are counted"
            }
        }
    }

    fn simple_mode(self) -> &'static str {
        match self {
            Words::Russian => "CRM в простом режиме: лидов нет, заявки сразу становятся сделками",
            Words::English => {
                "The CRM is in simple mode: there are no leads, requests become deals at once"
            }
        }
    }

    /// What is wrong with a plan cell.
    pub fn cell_problem(
        self,
        place: &str,
        problem: &CellProblem,
        in_force: Option<&str>,
    ) -> String {
        let what = match (self, problem) {
            (Words::Russian, CellProblem::NotANumber(text)) => format!("«{text}» не число"),
            (Words::Russian, CellProblem::Ambiguous(text)) => {
                format!("«{text}» можно прочесть по-разному, уберите разделитель тысяч")
            }
            (Words::Russian, CellProblem::Negative) => "число меньше нуля".to_owned(),
            (Words::Russian, CellProblem::FormulaError(text)) => {
                format!("формула даёт ошибку {text}")
            }
            (Words::Russian, CellProblem::OutOfRange(_)) => {
                "число вне допустимых границ".to_owned()
            }
            (Words::English, CellProblem::NotANumber(text)) => format!("“{text}” is not a number"),
            (Words::English, CellProblem::Ambiguous(text)) => {
                format!("“{text}” has more than one reading, drop the thousands separator")
            }
            (Words::English, CellProblem::Negative) => "the number is below zero".to_owned(),
            (Words::English, CellProblem::FormulaError(text)) => {
                format!("the formula gives {text}")
            }
            (Words::English, CellProblem::OutOfRange(_)) => "the number is out of range".to_owned(),
        };
        match (self, in_force) {
            (Words::Russian, Some(value)) => format!("{place}: {what}; действует {value}"),
            (Words::Russian, None) => format!("{place}: {what}; значения нет"),
            (Words::English, Some(value)) => format!("{place}: {what}; {value} is in force"),
            (Words::English, None) => format!("{place}: {what}; there is no value in force"),
        }
    }

    /// `июнь 2026`.
    pub fn month(self, month: Month) -> String {
        let index = (month.month as usize).saturating_sub(1);
        let names = match self {
            Words::Russian => &MONTH_NAMES_RU,
            Words::English => &MONTHS_EN,
        };
        format!(
            "{} {}",
            names.get(index).copied().unwrap_or_default(),
            month.year
        )
    }

    /// `год 2026`.
    pub fn year(self, year: &str) -> String {
        format!("{} {year}", self.pick("год", "year"))
    }

    /// `и ещё 3`.
    pub fn and_more(self, more: usize) -> String {
        format!("{} {more}", self.pick("и ещё", "and more:"))
    }

    /// Title of the tab of targets.
    pub fn tab_targets(self) -> &'static str {
        self.pick("Цели", "Targets")
    }

    /// Title of the tab of the company's plan.
    pub fn tab_plan(self) -> &'static str {
        self.pick("План", "Plan")
    }

    /// Title of the tab of the departments' plans.
    pub fn tab_departments(self) -> &'static str {
        self.pick("Отделы", "Departments")
    }

    /// Title of the tab of the employees' plans.
    pub fn tab_employees(self) -> &'static str {
        self.pick("Сотрудники", "Employees")
    }

    /// Title of the tab of costs.
    pub fn tab_costs(self) -> &'static str {
        self.pick("Расходы", "Costs")
    }

    /// Title of the tab of scenarios.
    pub fn tab_scenario(self) -> &'static str {
        self.pick("Сценарий", "Scenario")
    }

    /// Whoever is in no department.
    pub fn no_department(self) -> &'static str {
        self.pick("Без отдела", "No department")
    }

    /// A department that is not in the portal's list.
    pub fn unknown_department(self, id: u64) -> String {
        format!("{} {id}", self.pick("Отдел", "Department"))
    }

    /// A scenario that was ticked and cannot be taken over.
    pub fn scenario(self, place: &str) -> String {
        match self {
            Words::Russian => format!(
                "{place}: число не читается или вне границ, сценарий не принят; исправьте его, галочка осталась"
            ),
            Words::English => format!(
                "{place}: the number is unreadable or out of range, so the scenario was not accepted; correct it, the tick has stayed"
            ),
        }
    }

    /// A cost that cannot be read.
    pub fn unreadable_cost(self, place: &str) -> String {
        match self {
            Words::Russian => format!("{place}: не число или меньше нуля; этот расход не учтён"),
            Words::English => {
                format!("{place}: not a number, or below zero; this cost is not counted")
            }
        }
    }

    /// Something among the days off that is no date.
    pub fn no_day(self, text: &str) -> String {
        match self {
            Words::Russian => {
                format!("«Праздники»: «{text}» не дата; напишите день как 04.11.2026")
            }
            Words::English => {
                format!("“Holidays”: “{text}” is no date; write the day as 2026-11-04")
            }
        }
    }

    /// What people call an indicator or a target; an unknown key as it is.
    pub fn metric(self, key: &str) -> String {
        let (russian, english) = match key {
            "revenue" => ("выручка", "revenue"),
            "deals_won" => ("сделки", "deals"),
            "leads_created" => ("лиды", "leads"),
            "potential_sum" => ("сумма лидов", "sum of leads"),
            "break_even" => ("безубыточность", "break-even"),
            "profit" => ("прибыль", "profit"),
            "margin" => ("маржа", "margin"),
            "avg_check" => ("средний чек", "average check"),
            "conversion" => ("конверсия", "conversion"),
            "avg_lead_sum" => ("средняя сумма лида", "average sum of a lead"),
            "growth" => ("рост", "growth"),
            "proposals" => ("предложения", "proposals"),
            "meetings" => ("встречи", "meetings"),
            "calls" => ("звонки", "calls"),
            "weight" => ("вес", "weight"),
            "norm_per_day" => ("норма лидов в день", "leads a day"),
            "split_by" => ("способ деления", "way of sharing"),
            "history_months" => ("месяцев истории", "months of history"),
            "rounding" => ("округление", "rounding"),
            other => {
                return match other.strip_prefix("seasonality_") {
                    Some(month) => format!("{} {month}", self.pick("сезонность", "seasonality")),
                    None => other.to_owned(),
                };
            }
        };
        self.pick(russian, english).to_owned()
    }

    /// A table whose keys cannot be found.
    pub fn fault(self, fault: &Fault) -> String {
        match self {
            Words::Russian => format!("Таблица {}: {fault}", fault.table()),
            Words::English => format!("Table {}: {fault}", fault.table()),
        }
    }

    /// Title of the tab about sales.
    pub fn tab_sales(self) -> &'static str {
        match self {
            Words::Russian => "Продажи",
            Words::English => "Sales",
        }
    }

    /// Title of the tab about leads.
    pub fn tab_leads(self) -> &'static str {
        match self {
            Words::Russian => "Лиды",
            Words::English => "Leads",
        }
    }

    /// Title of the tab about the program's state.
    pub fn tab_status(self) -> &'static str {
        match self {
            Words::Russian => "Статус",
            Words::English => "Status",
        }
    }

    /// The name of "no source".
    pub fn no_source(self) -> &'static str {
        match self {
            Words::Russian => "Не указан",
            Words::English => "Not given",
        }
    }

    /// A user who is not in the portal's list.
    pub fn unknown_user(self, id: u64) -> String {
        match self {
            Words::Russian => format!("Сотрудник {id}"),
            Words::English => format!("Employee {id}"),
        }
    }

    /// An indicator as a row is called: `Выручка, ₽`.
    pub fn indicator(self, key: &str, currency: &str) -> String {
        let name = self.metric(key);
        let mut letters = name.chars();
        let capital: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        match Metric::from_key(key).map(Metric::kind) {
            Some(MetricKind::Money) => format!("{capital}, {}", currency_sign(currency)),
            _ => capital,
        }
    }

    /// `1 234 567` with narrow no-break spaces, or `1,234,567`.
    pub fn thousands(self, number: u64) -> String {
        let mark = match self {
            Words::Russian => NARROW_SPACE,
            Words::English => ',',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(mark);
            }
            out.push(digit);
        }
        out
    }

    /// Whether a need was ever met, in a sentence (R45).
    pub fn check(self, check: &Check) -> String {
        let whole = |value: Decimal| render::plain(self, value.round());
        let (usual, best) = (whole(check.usual), whole(check.best));
        match (self, check.light) {
            (Words::Russian, Light::Green) => {
                format!("По силам: в трёх месяцах из четырёх было до {usual}")
            }
            (Words::Russian, Light::Amber) => {
                format!("Напряжённо: обычно до {usual}, лучший месяц {best}")
            }
            (Words::Russian, Light::Red) => {
                format!("Столько ещё не было: лучший месяц {best}. Проверьте план")
            }
            (Words::English, Light::Green) => {
                format!("Within reach: three months of four had up to {usual}")
            }
            (Words::English, Light::Amber) => {
                format!("Hard: usually up to {usual}, the best month had {best}")
            }
            (Words::English, Light::Red) => {
                format!("Never done: the best month had {best}. Check the plan")
            }
        }
    }

    /// A notice of the planner.
    pub fn notice(self, notice: &Notice, names: &Names<'_>) -> String {
        let place = notice
            .cell
            .as_ref()
            .map_or(String::new(), |key| names.place(key));
        let value = |index: usize| {
            let text = notice.values.get(index).map_or("", String::as_str);
            match text.parse::<Decimal>() {
                Ok(number) => render::plain(self, number),
                Err(_) => text.to_owned(),
            }
        };
        let held = match notice.cells.as_slice() {
            [] => String::new(),
            cells => format!(" ({})", names.places(cells)),
        };
        let (one, two, three) = (value(0), value(1), value(2));
        match (self, notice.code.as_str()) {
            (Words::Russian, "locks_do_not_add_up") => {
                format!("{place}: введено {one}, а месяцы{held} дают {two}; ничего не перезаписано")
            }
            (Words::English, "locks_do_not_add_up") => format!(
                "{place}: {one} was typed, but the months{held} add up to {two}; nothing was overwritten"
            ),
            (Words::Russian, "parts_do_not_add_up") => format!(
                "{place}: план {one}, а части дают {two}, разница {three}; измените введённое{held}"
            ),
            (Words::English, "parts_do_not_add_up") => format!(
                "{place}: the plan is {one}, its parts add up to {two}, off by {three}; change what was typed{held}"
            ),
            (Words::Russian, "profit_does_not_fit_revenue") => format!(
                "{place}: введено {one}, а введённая выручка даёт {two}; очистите одну из двух ячеек"
            ),
            (Words::English, "profit_does_not_fit_revenue") => format!(
                "{place}: {one} was typed, but the typed revenue leaves {two}; clear one of the two cells"
            ),
            (Words::Russian, "deals_do_not_earn_revenue") => format!(
                "{place}: {one} сделок по {two} дают {three}, а план выручки {}; нужно сделок: {}",
                value(3),
                value(4)
            ),
            (Words::English, "deals_do_not_earn_revenue") => format!(
                "{place}: {one} deals at {two} earn {three}, the planned revenue is {}; it takes {} deals",
                value(3),
                value(4)
            ),
            (Words::Russian, "small_sample") => format!(
                "{place}: доля посчитана всего по {one} случаям; меньше 30 — ненадёжно, введите свою"
            ),
            (Words::English, "small_sample") => format!(
                "{place}: the share comes from {one} cases only; below 30 it says little, type your own"
            ),
            (Words::Russian, "cell_missing") => {
                format!("{place}: ячейка не найдена на листе, действует прежнее значение")
            }
            (Words::English, "cell_missing") => {
                format!("{place}: the cell is gone from the sheet, the last value is in force")
            }
            (_, code) => format!("{place}: {code} {}", notice.values.join(", ")),
        }
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    (part * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}

fn plural_ru<'a>(count: u64, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match (count % 10, count % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        for (number, russian, english) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1\u{202f}000", "1,000"),
            (12_345_678, "12\u{202f}345\u{202f}678", "12,345,678"),
        ] {
            assert_eq!(Words::Russian.thousands(number), russian);
            assert_eq!(Words::English.thousands(number), english);
        }
    }

    #[test]
    fn months_agree_with_their_number() {
        assert!(
            Words::Russian
                .below_break_even(1)
                .contains("1 месяц подряд")
        );
        assert!(
            Words::Russian
                .below_break_even(2)
                .contains("2 месяца подряд")
        );
        assert!(
            Words::Russian
                .below_break_even(11)
                .contains("11 месяцев подряд")
        );
        assert!(
            Words::Russian
                .below_break_even(21)
                .contains("21 месяц подряд")
        );
    }
}
