//! The tables of both files: names, keys and columns. A contract with the reconciler.

use super::TemplateKind;
use crate::domain::slot::Metric;
use crate::sheet::table::TableSpec;

/// Row keys of the report's table `status`, in their order. Text unless said otherwise.
///
/// - `as_of` serial day of "today"; `refreshed_at` serial instant in the company's time zone;
///   `current_year`, `workdays_*`, counts and `seconds` are numbers; `*_per_day`, `*_forecast`
///   numbers; `pace_*` ratios, 1 being on pace (all blank when there is no plan).
/// - `current_month` is a key such as `2026-11`.
/// - `state` is `ok`, `warning` or `error`; `state_text` says it in words.
/// - `message_N` is a line worth attention, `message_N_level` `bad`, `warn` or `info`,
///   `message_N_where` the title of the tab to look at.
/// - `problem_N` is a technical problem with its remedy, shown on «Статус».
pub const STATUS_KEYS: &[&str] = &[
    "company_name",
    "time_zone",
    "currency",
    "as_of",
    "as_of_text",
    "refreshed_at",
    "refreshed_at_text",
    "next_run_text",
    "state",
    "state_text",
    "current_month",
    "current_year",
    "workdays_total",
    "workdays_left",
    "workdays_elapsed",
    "revenue_needed_per_day",
    "leads_needed_per_day",
    "deals_needed_per_day",
    "revenue_forecast",
    "leads_forecast",
    "pace_revenue",
    "pace_leads",
    "leads_missing_sum",
    "below_break_even_streak",
    "leads_stored",
    "deals_stored",
    "rejects_stored",
    "first_month",
    "requests_portal",
    "requests_google",
    "plan_cells_edited",
    "seconds",
    "pass_number",
    "message_1",
    "message_1_level",
    "message_1_where",
    "message_2",
    "message_2_level",
    "message_2_where",
    "message_3",
    "message_3_level",
    "message_3_where",
    "message_4",
    "message_4_level",
    "message_4_where",
    "message_5",
    "message_5_level",
    "message_5_where",
    "problem_1",
    "problem_2",
    "problem_3",
    "problem_4",
    "problem_5",
    "problem_6",
];

/// Row keys of the plan's table `plan_status`.
///
/// `as_of_text` is the instant of the last fill in words; `edited_count` and `problem_count` are
/// numbers; `state` is `ok`, `warning` or `error`; `problem_N` are sentences. `current_month` is a
/// key such as `2026-11`; `workdays_*` are those of it; `people` have a part in its plan,
/// `people_needed` would handle its leads at the norm (R38).
pub const PLAN_STATUS_KEYS: &[&str] = &[
    "as_of_text",
    "state",
    "edited_count",
    "problem_count",
    "current_month",
    "workdays_total",
    "workdays_left",
    "people",
    "people_needed",
    "problem_1",
    "problem_2",
    "problem_3",
    "problem_4",
    "problem_5",
    "problem_6",
    "problem_7",
    "problem_8",
];

/// Rows of `plan_company`, in their order.
pub const PLAN_ROWS: &[&str] = &[
    "profit",
    "revenue",
    "deals_won",
    "proposals",
    "meetings",
    "leads_created",
    "potential_sum",
    "calls",
    "break_even",
];

/// Rows of `scenario`: targets to try out (a blank one is as in `targets`), and the checkbox `accept`
/// by which the daemon takes them over into `targets`.
pub(super) const SCENARIO_ROWS: &[&str] = &[
    "break_even",
    "profit",
    "margin",
    "avg_check",
    "conversion",
    "accept",
];

/// The column of a people's table in which the daemon says what it thinks of the row's cells:
/// `2026-03=1;2026-05=x`. `1`: a person's number; `x`: cannot be read; `u`: its parts do not add up
/// to it. In rows of weights also `basis=…`, what the weights were made from.
pub const MARKS: &str = "marks";

/// Rows of `targets` besides the twelve `seasonality_NN`.
pub const TARGET_ROWS: &[&str] = &[
    "break_even",
    "profit",
    "margin",
    "avg_check",
    "conversion",
    "avg_lead_sum",
    "growth",
    "proposals",
    "meetings",
    "calls",
    "norm_per_day",
    "split_by",
    "history_months",
    "rounding",
];

/// The metrics whose number in the latest named version of a year's plan stands in the table
/// `months`, as `approved_{key}`; blank without a version.
pub const APPROVED: &[Metric] = &[Metric::Revenue, Metric::LeadsCreated, Metric::DealsWon];

/// How many ranked sources the report shows of a year; ranks beyond are summed up by formula.
pub const SOURCE_RANKS: u32 = 20;
/// How many ranked managers the report shows of a year.
pub const MANAGER_RANKS: u32 = 40;
/// How many ranked departments the report shows of a year.
pub const DEPARTMENT_RANKS: u32 = 20;
/// A manager with fewer leads in the year is not ranked by conversion (R73).
pub const MANAGER_LEADS_MIN: u32 = 20;

/// The `key` of a row of `source_years`, `manager_years` and `department_years`, such as `2026#001`; ranks count
/// from 1.
pub fn rank_key(year: i32, rank: u32) -> String {
    format!("{year:04}#{rank:03}")
}

/// The column keys of the plan of a year: `2026-01` … `2026-12`, `2026`.
pub fn plan_columns(year: i32) -> Vec<String> {
    let months = (1..=12).map(|month| format!("{year:04}-{month:02}"));
    months.chain([format!("{year:04}")]).collect()
}

/// The tables of a file; `year` matters to the plan only.
pub fn tables(kind: TemplateKind, year: i32) -> Vec<TableSpec> {
    match kind {
        TemplateKind::Report => report_tables(),
        TemplateKind::Plan => plan_tables(year),
    }
}

/// Of whom a table tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Company,
    People,
    Sources,
}

fn metric_keys(of: Of) -> Vec<String> {
    let is_told = |metric: &&Metric| match of {
        Of::Company => true,
        Of::People => **metric != Metric::BreakEven,
        Of::Sources => metric.is_of_sources(),
    };
    let metrics = Metric::ALL.iter().filter(|metric| metric.is_fact());
    let told = metrics.filter(is_told);
    told.map(|metric| metric.key().to_owned()).collect()
}

fn data_table(
    name: &str,
    key_columns: &'static [&'static str],
    columns: Vec<String>,
    labels: &[&str],
) -> TableSpec {
    TableSpec {
        name: name.to_owned(),
        tab_key: format!("data_{name}"),
        key_columns,
        columns,
        rows: Vec::new(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        people: false,
        own: Vec::new(),
        grows: false,
    }
}

fn joined(before: &[&str], metrics: Vec<String>, after: &[&str]) -> Vec<String> {
    let before = before.iter().map(|key| (*key).to_owned());
    let after = after.iter().map(|key| (*key).to_owned());
    before.chain(metrics).chain(after).collect()
}

/// The report's tables. New ones come last: a data tab's id is its place here.
fn report_tables() -> Vec<TableSpec> {
    let mut months = metric_keys(Of::Company);
    months.extend(Metric::PLANNED.iter().map(|m| format!("plan_{}", m.key())));
    months.extend(APPROVED.iter().map(|m| format!("approved_{}", m.key())));
    let of_years = |before: &[&str], of: Of, labels: &[&str]| {
        let before: Vec<&str> = ["year", "rank"].iter().chain(before).copied().collect();
        joined(&before, metric_keys(of), labels)
    };
    let (source, person) = (["source_name"], ["user_name", "department_name"]);
    let department = ["department_name"];
    vec![
        data_table("months", &["key"], months, &[]),
        data_table(
            "sources",
            &["month", "source"],
            joined(&[], metric_keys(Of::Sources), &source),
            &source,
        ),
        data_table(
            "managers",
            &["month", "user"],
            joined(&[], metric_keys(Of::People), &person),
            &person,
        ),
        data_table(
            "source_years",
            &["key"],
            of_years(&["source"], Of::Sources, &source),
            &source,
        ),
        data_table(
            "manager_years",
            &["key"],
            of_years(&["user"], Of::People, &person),
            &person,
        ),
        data_table("status", &["key"], vec!["value".to_owned()], &[]),
        data_table(
            "departments",
            &["month", "department"],
            joined(&[], metric_keys(Of::People), &department),
            &department,
        ),
        data_table(
            "department_years",
            &["key"],
            of_years(&["department"], Of::People, &department),
            &department,
        ),
    ]
}

fn plan_tables(year: i32) -> Vec<TableSpec> {
    let mut tables = tables_of_people(year);
    tables.extend(tables_of_the_daemon());
    tables
}

/// The plan file's tables into which people type.
fn tables_of_people(year: i32) -> Vec<TableSpec> {
    let mut target_rows: Vec<String> = TARGET_ROWS.iter().map(|key| (*key).to_owned()).collect();
    target_rows.extend((1..=12).map(|month| format!("seasonality_{month:02}")));
    let plan_rows = PLAN_ROWS.iter().map(|key| (*key).to_owned()).collect();
    let months = || plan_columns(year)[..12].to_vec();
    vec![
        people_table(
            "targets",
            "targets",
            vec!["value".to_owned(), "of".to_owned()],
            &[MARKS],
            target_rows,
        ),
        people_table(
            "plan_company",
            "plan",
            plan_columns(year),
            &[MARKS],
            plan_rows,
        ),
        growing(
            "plan_department",
            "departments",
            plan_columns(year),
            &["name", "indicator_name", MARKS],
        ),
        growing(
            "plan_employee",
            "employees",
            plan_columns(year),
            &["department_name", "name", "indicator_name", MARKS],
        ),
        people_table(
            "scenario",
            "scenario",
            vec!["value".to_owned(), "of".to_owned()],
            &[],
            SCENARIO_ROWS.iter().map(|key| (*key).to_owned()).collect(),
        ),
        growing("costs", "costs", months(), &["name", MARKS]),
        holidays(),
    ]
}

/// The plan file's tables that the formulas of its tabs look at.
fn tables_of_the_daemon() -> Vec<TableSpec> {
    vec![
        plan_data("plan_status", "data_status", &["value"]),
        plan_data(
            "plan_months",
            "data_months",
            &[
                "workdays",
                "people",
                "people_needed",
                "revenue",
                "deals_won",
                "leads_created",
                "potential_sum",
                "meetings",
                "calls",
            ],
        ),
        plan_data(
            "plan_days",
            "data_days",
            &["week", "revenue", "deals_won", "leads_created", "calls"],
        ),
        plan_data(
            "plan_channels",
            "data_channels",
            &[
                "source_name",
                "share",
                "leads_needed",
                "leads_created",
                "cost",
            ],
        ),
        plan_data(
            "plan_checks",
            "data_checks",
            &["need", "usual", "best", "state", "text"],
        ),
    ]
}

/// A table whose cells people own; `own` are the columns that the daemon fills nevertheless.
fn people_table(
    name: &str,
    tab: &str,
    columns: Vec<String>,
    own: &[&str],
    rows: Vec<String>,
) -> TableSpec {
    let own: Vec<String> = own.iter().map(|key| (*key).to_owned()).collect();
    TableSpec {
        name: name.to_owned(),
        tab_key: tab.to_owned(),
        key_columns: &["key"],
        columns: columns.into_iter().chain(own.clone()).collect(),
        rows,
        labels: Vec::new(),
        people: true,
        own,
        grows: false,
    }
}

/// A people's table into which the daemon puts a row for each department, person, source.
fn growing(name: &str, tab: &str, columns: Vec<String>, own: &[&str]) -> TableSpec {
    TableSpec {
        grows: true,
        ..people_table(name, tab, columns, own, Vec::new())
    }
}

/// Days off: people write a date a row and what is celebrated; the dates themselves are the keys.
fn holidays() -> TableSpec {
    TableSpec {
        key_columns: &["day"],
        ..people_table(
            "holidays",
            "holidays",
            vec!["name".to_owned()],
            &[],
            Vec::new(),
        )
    }
}

fn plan_data(name: &str, tab: &str, columns: &[&str]) -> TableSpec {
    let columns = columns.iter().map(|key| (*key).to_owned()).collect();
    TableSpec {
        tab_key: tab.to_owned(),
        ..data_table(name, &["key"], columns, &[])
    }
}
