//! Renders the built-in templates with an invented company into `.xlsx` files, to look at them:
//! `cargo run --example render_template -- ru_RU RUB OUT_FOLDER`.
//!
//! The company is invented here and lives in November 2026; nothing is computed beyond what the
//! picture needs.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use planfact::domain::plan::CellKey;
use planfact::domain::slot::Metric;
use planfact::export::{write_csv, write_xlsx};
use planfact::sheet::diff::memory::{apply, observe};
use planfact::sheet::diff::{DesiredRow, DesiredTable, diff_data_table, write_cells};
use planfact::sheet::table::TableSpec;
use planfact::sheet::template::{
    MARKS, PLAN_ROWS, PLAN_STATUS_KEYS, STATUS_KEYS, TemplateInput, TemplateKind, plan_columns,
    rank_key, render, tables,
};
use planfact::sheet::workbook::{Value, Workbook};

const PLAN_REVENUE: [f64; 12] = [
    1_000_000.0,
    1_035_000.0,
    1_070_000.0,
    1_105_000.0,
    1_140_000.0,
    1_300_000.0,
    1_210_000.0,
    1_245_000.0,
    1_280_000.0,
    1_315_000.0,
    1_350_000.0,
    1_385_000.0,
];
const REVENUE: [f64; 11] = [
    980_000.0,
    1_060_000.0,
    1_110_000.0,
    940_000.0,
    1_170_000.0,
    1_220_000.0,
    1_190_000.0,
    1_310_000.0,
    880_000.0,
    930_000.0,
    1_020_000.0,
];
const LEADS: [f64; 11] = [
    784.0, 865.0, 877.0, 864.0, 929.0, 1061.0, 990.0, 931.0, 1508.0, 1071.0, 832.0,
];
const PLAN_LEADS: [f64; 12] = [
    800.0, 840.0, 860.0, 900.0, 920.0, 1040.0, 980.0, 950.0, 1040.0, 1060.0, 1080.0, 1120.0,
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let locale = arguments.next().unwrap_or_else(|| "ru_RU".to_owned());
    let currency = arguments.next().unwrap_or_else(|| "RUB".to_owned());
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let scale: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let russian = locale.starts_with("ru");
    let input = TemplateInput {
        locale,
        currency,
        time_zone: "Europe/Moscow".to_owned(),
        year: 2026,
    };
    std::fs::create_dir_all(&out)?;

    let mut report = render(TemplateKind::Report, &input)?;
    write_xlsx(&report, &out.join("empty.xlsx"))?;
    for spec in tables(TemplateKind::Report, 2026) {
        let table = desired(&spec, russian, scale);
        let observed = observe(&report, &[&spec.name]);
        let edits = diff_data_table(&observed, &spec, &table)?;
        apply(&mut report, &edits);
        write_csv(&spec, &table, &out.join(format!("{}.csv", spec.name)))?;
    }
    unhide(&mut report);
    write_xlsx(&report, &out.join("report.xlsx"))?;

    let mut plan = render(TemplateKind::Plan, &input)?;
    fill_plan(&mut plan, russian, scale)?;
    unhide(&mut plan);
    write_xlsx(&plan, &out.join("plan.xlsx"))?;
    Ok(())
}

/// A picture of hidden tabs is useful only on request.
fn unhide(workbook: &mut Workbook) {
    if std::env::var_os("SHOW_HIDDEN").is_some() {
        for tab in &mut workbook.tabs {
            tab.hidden = false;
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A metric of month `index` counted from January 2025, for a share of the company.
fn metric(metric: Metric, index: usize, share: f64) -> Value {
    let month = index % 12;
    let last_year = index < 12;
    let (leads, revenue) = if last_year {
        (PLAN_LEADS[month] * 0.85, PLAN_REVENUE[month] * 0.75)
    } else {
        match (LEADS.get(month), REVENUE.get(month)) {
            (Some(leads), Some(revenue)) => (*leads, *revenue),
            _ => return Value::Blank,
        }
    };
    let number = match metric {
        Metric::LeadsCreated => leads,
        Metric::CohortSuccess | Metric::LeadsSuccess => leads * 0.05,
        Metric::CohortFailed | Metric::LeadsFailed => leads * 0.12,
        Metric::CohortJunk | Metric::LeadsJunk => leads * 0.06,
        Metric::CohortOpen => leads * if last_year { 0.0 } else { 0.1 },
        Metric::MissingSum => leads * 0.23,
        Metric::PotentialSum => return Value::Number((leads * share * 20_000.0).round()),
        Metric::ConvertedMoney => return Value::Number((revenue * share * 0.9).round()),
        Metric::Revenue => return Value::Number((revenue * share).round()),
        Metric::DealsCreated => leads * 0.1,
        Metric::DealsWon => revenue / 25_000.0,
        Metric::DealsLost => revenue / 60_000.0,
        Metric::AvgCheck => return Value::Number(25_000.0),
        Metric::BreakEven => return Value::Number(1_000_000.0),
        // Planned only.
        _ => return Value::Blank,
    };
    Value::Number((number * share).round())
}

fn scaled(value: Value, metric: Metric, scale: f64) -> Value {
    use planfact::domain::slot::MetricKind;
    match value {
        Value::Number(number) if metric.kind() == MetricKind::Money => {
            Value::Number(number * scale)
        }
        other => other,
    }
}

const SOURCES: &[(&str, &str, &str, f64)] = &[
    (
        "WEB",
        "Сайт: форма обратной связи",
        "Web site, contact form",
        0.31,
    ),
    ("CALL", "Звонок", "Call", 0.24),
    (
        "ADVERTISING",
        "Реклама в поиске",
        "Search advertising",
        0.17,
    ),
    ("RECOMMENDATION", "По рекомендации", "Recommendation", 0.11),
    ("TRADE_SHOW", "Выставка", "Trade show", 0.08),
    ("EMAIL", "Электронная почта", "E-mail", 0.05),
    ("", "", "", 0.03),
    ("OTHER", "Другое", "Other", 0.01),
];
const MANAGERS: &[(&str, &str, &str, f64)] = &[
    (
        "17",
        "Константинопольская Александра",
        "Alexandra Constantinople",
        0.34,
    ),
    ("12", "Петров Иван", "Ivan Petrov", 0.26),
    ("25", "Сидорова Мария", "Mary Sidorova", 0.22),
    ("31", "Ким Алексей", "Alex Kim", 0.179),
    ("40", "Новикова Ольга", "Olga Novikova", 0.001),
];

/// The months' sum of a metric over a year.
fn year_sum(one: Metric, year: usize, share: f64) -> Value {
    let months = (0..12).map(|month| metric(one, year * 12 + month, share));
    let numbers: Vec<f64> = months
        .filter_map(|value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        })
        .collect();
    if one == Metric::AvgCheck {
        return Value::Number(25_000.0);
    }
    Value::Number(numbers.iter().sum())
}

fn desired(spec: &TableSpec, russian: bool, scale: f64) -> DesiredTable {
    let mut rows = Vec::new();
    let name = |ru: &str, en: &str| text(if russian { ru } else { en });
    match spec.name.as_str() {
        "months" => {
            for index in 0..24 {
                let key = format!("{}-{:02}", 2025 + index / 12, index % 12 + 1);
                let value = |column: &String| plan_or_fact(column, index, scale);
                rows.push(DesiredRow {
                    keys: vec![key],
                    values: spec.columns.iter().map(value).collect(),
                });
            }
        }
        "source_years" | "manager_years" => {
            let of = if spec.name == "source_years" {
                SOURCES
            } else {
                MANAGERS
            };
            for year in 0..2usize {
                for (rank, (code, ru, en, share)) in of.iter().enumerate() {
                    let value = |column: &String| match column.as_str() {
                        "year" => Value::Number(2025.0 + year as f64),
                        "rank" => Value::Number(rank as f64 + 1.0),
                        "source" | "user" => text(code),
                        "source_name" | "user_name" => name(ru, en),
                        "department_name" => {
                            name("Отдел продаж, северо-запад", "Sales, North-West")
                        }
                        key => Metric::from_key(key).map_or(Value::Blank, |one| {
                            scaled(year_sum(one, year, *share), one, scale)
                        }),
                    };
                    rows.push(DesiredRow {
                        keys: vec![rank_key(2025 + year as i32, rank as u32 + 1)],
                        values: spec.columns.iter().map(value).collect(),
                    });
                }
            }
        }
        "status" => {
            for key in STATUS_KEYS {
                rows.push(DesiredRow {
                    keys: vec![(*key).to_owned()],
                    values: vec![status(key, russian, scale)],
                });
            }
        }
        _ => {}
    }
    DesiredTable { rows }
}

fn plan_or_fact(column: &str, index: usize, scale: f64) -> Value {
    let month = index % 12;
    let Some(key) = column.strip_prefix("plan_") else {
        return Metric::from_key(column).map_or(Value::Blank, |one| {
            let value = match (one, index >= 12) {
                (Metric::BreakEven, true) => Value::Number(1_000_000.0),
                (Metric::BreakEven, false) => Value::Blank,
                _ => metric(one, index, 1.0),
            };
            scaled(value, one, scale)
        });
    };
    if index < 12 {
        return Value::Blank;
    }
    let value = match key {
        "leads_created" => PLAN_LEADS[month],
        "potential_sum" => PLAN_LEADS[month] * 19_000.0 * scale,
        "deals_won" => (PLAN_REVENUE[month] / 25_000.0).ceil(),
        "revenue" => PLAN_REVENUE[month] * scale,
        "profit" => (PLAN_REVENUE[month] - 1_000_000.0) * scale,
        _ => return Value::Blank,
    };
    Value::Number(value)
}

fn status(key: &str, russian: bool, scale: f64) -> Value {
    let name = |ru: &str, en: &str| text(if russian { ru } else { en });
    let number = Value::Number;
    match key {
        "company_name" => name("ООО «Ромашка»", "Daisy Ltd"),
        "time_zone" => text("Europe/Moscow"),
        "as_of" => number(46_348.0),
        "as_of_text" => name("22 ноября 2026", "22 November 2026"),
        "refreshed_at" => number(46_348.127),
        "refreshed_at_text" => name("22 ноября 2026, 03:04", "22 November 2026, 03:04"),
        "next_run_text" => name("23 ноября, 03:00", "23 November, 03:00"),
        "state" => text("ok"),
        "state_text" => name("всё в порядке", "all is well"),
        "current_month" => text("2026-11"),
        "current_year" => number(2026.0),
        "workdays_total" => number(20.0),
        "workdays_left" => number(6.0),
        "workdays_elapsed" => number(14.0),
        "revenue_needed_per_day" => number(55_000.0 * scale),
        "deals_needed_per_day" => number(2.2),
        "leads_needed_per_day" => number(41.3),
        "revenue_forecast" => number(1_457_142.0 * scale),
        "leads_forecast" => number(1188.0),
        "pace_revenue" => number(1.08),
        "pace_leads" => number(0.93),
        "leads_missing_sum" => number(187.0),
        "below_break_even_streak" => number(2.0),
        "leads_stored" => number(21_345.0),
        "deals_stored" => number(1_204.0),
        "rejects_stored" => number(3.0),
        "first_month" => text("2025-01"),
        "requests_portal" => number(12.0),
        "requests_google" => number(3.0),
        "plan_cells_edited" => number(2.0),
        "seconds" => number(3.4),
        "pass_number" => number(318.0),
        "message_1" => name(
            "Ниже точки безубыточности два месяца подряд: сентябрь, октябрь",
            "Below break-even two months in a row: September, October",
        ),
        "message_1_level" => text("bad"),
        "message_1_where" => name("Лиды", "Leads"),
        "message_2" => name(
            "У 187 открытых лидов не указана сумма, больше всего у И. Петрова (61)",
            "187 open leads have no sum, most of them with I. Petrov (61)",
        ),
        "message_2_level" => text("warn"),
        "message_2_where" => name("Лиды", "Leads"),
        "problem_1" => name(
            "3 записи Битрикс24 отложены: сумма «12 тыс.» не число. Исправьте сумму в карточке лида 1042, 1050, 1071.",
            "3 records were set aside: the sum “12 k” is not a number. Correct it in leads 1042, 1050, 1071.",
        ),
        _ => Value::Blank,
    }
}

fn fill_plan(plan: &mut Workbook, russian: bool, scale: f64) -> Result<(), Box<dyn Error>> {
    let specs = tables(TemplateKind::Plan, 2026);
    let columns = plan_columns(2026);
    let mut cells = BTreeMap::new();
    let mut put = |table: &str, row: &str, column: &str, value: Value| {
        let key = CellKey {
            table: table.to_owned(),
            row: row.to_owned(),
            column: column.to_owned(),
        };
        cells.insert(key, value);
    };
    for row in PLAN_ROWS {
        let month = |month: usize| match *row {
            "revenue" => PLAN_REVENUE[month] * scale,
            "deals_won" => (PLAN_REVENUE[month] / 25_000.0).ceil(),
            "leads_created" => PLAN_LEADS[month],
            "potential_sum" => PLAN_LEADS[month] * 24_000.0 * scale,
            "calls" => PLAN_LEADS[month] * 4.0,
            "profit" => (PLAN_REVENUE[month] - 1_000_000.0) * scale,
            _ => 1_000_000.0 * scale,
        };
        // Their conversions are left open.
        if ["proposals", "meetings"].contains(row) {
            continue;
        }
        for (index, column) in columns.iter().enumerate() {
            let number = if index < 12 {
                month(index)
            } else {
                (0..12).map(month).sum()
            };
            put("plan_company", row, column, Value::Number(number));
        }
    }
    put("plan_company", "leads_created", "2026-09", text("много"));
    for (row, marks) in [
        ("revenue", "2026-06=1;2026=u"),
        ("leads_created", "2026-08=1;2026-09=x"),
    ] {
        put("plan_company", row, MARKS, text(marks));
    }
    let targets = [
        ("break_even", 1_000_000.0 * scale),
        ("profit", 200_000.0 * scale),
        ("margin", 1.0),
        ("avg_check", 25_000.0 * scale),
        ("conversion", 5.0),
        ("avg_lead_sum", 24_000.0 * scale),
        ("growth", 0.02),
        ("calls", 25.0),
        ("norm_per_day", 4.5),
        ("split_by", 2.0),
        ("history_months", 6.0),
        ("rounding", 1.0),
    ];
    for (row, number) in targets {
        put("targets", row, "value", Value::Number(number));
    }
    put("targets", "conversion", "of", Value::Number(100.0));
    put("targets", "calls", "of", Value::Number(100.0));
    for month in 1..=12 {
        let row = format!("seasonality_{month:02}");
        put(
            "targets",
            &row,
            "value",
            Value::Number(0.9 + f64::from(month) / 60.0),
        );
    }
    for spec in &specs {
        let observed = observe(plan, &[&spec.name]);
        let edits = if spec.people {
            write_cells(&observed, spec, &cells).0
        } else {
            diff_data_table(&observed, spec, &plan_data(spec, russian))?
        };
        apply(plan, &edits);
    }
    Ok(())
}

fn plan_data(spec: &TableSpec, russian: bool) -> DesiredTable {
    let row = |key: &str, value: &dyn Fn(&str) -> Value| DesiredRow {
        keys: vec![key.to_owned()],
        values: spec.columns.iter().map(|column| value(column)).collect(),
    };
    let rows = match spec.name.as_str() {
        "plan_status" => {
            let rows = PLAN_STATUS_KEYS.iter();
            rows.map(|key| row(key, &|_| plan_status(key, russian)))
                .collect()
        }
        "plan_months" => {
            let month = |index: usize| {
                let value = |column: &str| match column {
                    "workdays" => Value::Number(20.0),
                    "people" => Value::Number(11.0),
                    "people_needed" => Value::Number((PLAN_LEADS[index] / 90.0).ceil()),
                    key => Metric::from_key(key)
                        .map_or(Value::Blank, |one| metric(one, 12 + index, 1.0)),
                };
                row(&format!("2026-{:02}", index + 1), &value)
            };
            (0..12).map(month).collect()
        }
        "plan_channels" => SOURCES
            .iter()
            .map(|(code, ru, en, share)| {
                let value = |column: &str| match column {
                    "source_name" => text(if russian { ru } else { en }),
                    "share" => Value::Number(*share),
                    "leads_needed" => Value::Number((PLAN_LEADS[10] * share).round()),
                    "leads_created" => Value::Number((LEADS[10] * share).round()),
                    _ => Value::Blank,
                };
                row(&format!("source:{code}"), &value)
            })
            .collect(),
        _ => Vec::new(),
    };
    DesiredTable { rows }
}

fn plan_status(key: &str, russian: bool) -> Value {
    match (key, russian) {
        ("as_of_text", true) => text("22 ноября 2026, 03:04"),
        ("as_of_text", false) => text("22 November 2026, 03:04"),
        ("state", _) => text("warning"),
        ("edited_count", _) => Value::Number(2.0),
        ("problem_count", _) => Value::Number(1.0),
        ("current_month", _) => text("2026-11"),
        ("workdays_total", _) => Value::Number(20.0),
        ("workdays_left", _) => Value::Number(6.0),
        ("problem_1", true) => text("Лиды, сентябрь: «много» не число, действует 1 040"),
        ("problem_1", false) => text("Leads, September: “много” is not a number, 1,040 holds"),
        _ => Value::Blank,
    }
}
