//! PURE: the status tables: what the report's headline figures, banner and attention lines say.

use std::collections::BTreeMap;

use chrono::Datelike;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::calendar::Month;
use crate::domain::forecast::Pace;
use crate::domain::slot::Metric;
use crate::sheet::diff::DesiredRow;
use crate::sheet::workbook::Value;

use super::{Scene, number, serial, serial_day};

/// How many attention lines «Сегодня» shows.
const MESSAGES_SHOWN: usize = 5;
/// How many problems «Статус» shows.
const PROBLEMS_SHOWN: usize = 6;
/// How many problems the plan shows.
const PLAN_PROBLEMS_SHOWN: usize = 8;
/// A pace below this share of the plan's is worth a line.
const PACE_LOW: Decimal = Decimal::from_parts(90, 0, 0, false, 2);

/// Rows of a key/value table, in the order of the template; a key that is not known is blank.
pub(super) fn rows(keys: &[&str], values: &BTreeMap<String, Value>) -> Vec<DesiredRow> {
    keys.iter()
        .map(|key| DesiredRow {
            keys: vec![(*key).to_owned()],
            values: vec![values.get(*key).cloned().unwrap_or_default()],
        })
        .collect()
}

/// Values of the report's `status` table.
pub(super) fn report(scene: &Scene<'_>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    let mut set = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    let (profile, moment) = (scene.profile, scene.moment);
    let calendar = scene.calendar;
    let words = scene.words;
    let lines = attention(scene);
    set("company_name", text(&profile.name));
    set("currency", text(&profile.currency));
    set("time_zone", text(calendar.zone.name()));
    set("as_of", Value::Number(f64::from(serial_day(moment.today))));
    set("as_of_text", text(&words.day(moment.today)));
    set("refreshed_at", Value::Number(serial(moment.now, calendar)));
    set(
        "refreshed_at_text",
        text(&words.instant(moment.now, calendar)),
    );
    let next = moment
        .next_run
        .map_or(Value::Blank, |next| text(&words.instant(next, calendar)));
    set("next_run_text", next);
    let state = if scene.notices.is_empty() {
        "ok"
    } else {
        "warning"
    };
    set("state", text(state));
    let state_text = match scene.notices.len() {
        0 => words.all_well().to_owned(),
        count => words.problems(count),
    };
    set("state_text", text(&state_text));
    let month = Month::of(moment.today);
    set("current_month", text(&month.to_string()));
    set(
        "current_year",
        Value::Number(f64::from(moment.today.year())),
    );
    work(scene, &mut set);
    for (index, line) in (1..).zip(lines.iter().take(MESSAGES_SHOWN)) {
        set(&format!("message_{index}"), text(&line.text));
        set(&format!("message_{index}_level"), text(line.level));
        set(&format!("message_{index}_where"), text(line.place));
    }
    for (index, line) in (1..).zip(scene.notices.iter().take(PROBLEMS_SHOWN)) {
        set(&format!("problem_{index}"), text(line));
    }
    set("below_break_even_streak", count(streak(scene) as u64));
    set(
        "leads_missing_sum",
        count(year_sum(scene, Metric::MissingSum)),
    );
    pace(scene, month, &mut out);
    out
}

/// What the store holds and what this pass cost.
fn work(scene: &Scene<'_>, set: &mut impl FnMut(&str, Value)) {
    let snapshot = scene.snapshot;
    set("leads_stored", count(snapshot.counts.0));
    set("deals_stored", count(snapshot.counts.1));
    set("rejects_stored", count(snapshot.counts.2));
    let first = snapshot.facts.months.keys().next();
    set(
        "first_month",
        first.map_or(Value::Blank, |month| text(&month.to_string())),
    );
    set("requests_portal", count(snapshot.portal_requests));
    set("requests_google", count(snapshot.google_requests));
    set("plan_cells_edited", count(super::held(scene) as u64));
    set("pass_number", count(scene.moment.pass));
    set(
        "seconds",
        Value::Number((snapshot.seconds * 10.0).round() / 10.0),
    );
}

/// The figures of the running month: workdays, pace, what is needed a day, the run rate.
fn pace(scene: &Scene<'_>, month: Month, out: &mut BTreeMap<String, Value>) {
    let days = Pace::of(scene.calendar, month, scene.moment.today);
    let mut set = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    set("workdays_total", count(u64::from(days.workdays)));
    set("workdays_elapsed", count(u64::from(days.elapsed)));
    set("workdays_left", count(u64::from(days.remaining)));
    for (name, metric) in [
        ("revenue", Metric::Revenue),
        ("leads", Metric::LeadsCreated),
        ("deals", Metric::DealsWon),
    ] {
        let fact = fact(scene, month, metric);
        let plan = scene.plan.get(&(metric, month)).copied();
        let rate = fact.and_then(|fact| days.run_rate(fact));
        set(&format!("{name}_forecast"), rounded(rate, metric));
        let both = fact.zip(plan);
        let pace = both.and_then(|(fact, plan)| days.share(fact, plan));
        set(
            &format!("pace_{name}"),
            number(pace.map(|pace| pace.round_dp(4))),
        );
        let needed = both.and_then(|(fact, plan)| days.needed_a_day(fact, plan));
        set(
            &format!("{name}_needed_per_day"),
            number(needed.map(|needed| needed.round_dp(1))),
        );
    }
}

fn fact(scene: &Scene<'_>, month: Month, metric: Metric) -> Option<Decimal> {
    let row = scene.snapshot.facts.months.get(&month)?;
    row.get(metric).map(crate::domain::fact::Number::to_decimal)
}

fn rounded(value: Option<Decimal>, metric: Metric) -> Value {
    use crate::domain::slot::MetricKind;
    number(value.map(|value| match metric.kind() {
        MetricKind::Count => value.round(),
        MetricKind::Money => value.round_dp(2),
    }))
}

/// Closed months in a row whose revenue is below the break-even line, counted back from the last
/// closed one (R24).
fn streak(scene: &Scene<'_>) -> usize {
    let mut month = Month::of(scene.moment.today).prev();
    let mut length = 0;
    while let (Some(fact), Some(line)) = (
        fact(scene, month, Metric::Revenue),
        scene.plan.get(&(Metric::BreakEven, month)).copied(),
    ) {
        if fact >= line {
            break;
        }
        length += 1;
        month = month.prev();
    }
    length
}

/// A count over the running year.
fn year_sum(scene: &Scene<'_>, metric: Metric) -> u64 {
    let year = scene.moment.today.year();
    let months = scene
        .snapshot
        .facts
        .months
        .iter()
        .filter(|(month, _)| month.year == year);
    months.filter_map(|(_, row)| row.count(metric)).sum()
}

/// A line worth a manager's look.
struct Line {
    text: String,
    /// `bad`, `warn` or `info`.
    level: &'static str,
    /// The tab that tells more.
    place: &'static str,
}

/// What is worth a manager's look, the worst first.
fn attention(scene: &Scene<'_>) -> Vec<Line> {
    let words = scene.words;
    let mut lines = Vec::new();
    let mut line = |text: String, level, place| lines.push(Line { text, level, place });
    let below = streak(scene);
    if below >= 2 {
        line(words.below_break_even(below), "bad", words.tab_sales());
    }
    let month = Month::of(scene.moment.today);
    let days = Pace::of(scene.calendar, month, scene.moment.today);
    let plan = scene.plan.get(&(Metric::Revenue, month)).copied();
    let pace = fact(scene, month, Metric::Revenue)
        .zip(plan)
        .and_then(|(fact, plan)| days.share(fact, plan));
    if let Some(pace) = pace
        && pace < PACE_LOW
        && let Some(percent) = (pace * Decimal::ONE_HUNDRED).round().to_u64()
    {
        line(words.behind_pace(percent), "bad", words.tab_sales());
    }
    let missing = year_sum(scene, Metric::MissingSum);
    let created = year_sum(scene, Metric::LeadsCreated);
    if missing > 0 {
        line(
            words.missing_sum(missing, created),
            "warn",
            words.tab_leads(),
        );
    }
    let unknown = year_sum(scene, Metric::UnknownCost);
    if unknown > 0 {
        line(words.unknown_cost(unknown), "warn", words.tab_sales());
    }
    if !scene.notices.is_empty() {
        line(
            words.problems(scene.notices.len()),
            "warn",
            words.tab_status(),
        );
    }
    lines
}

/// Values of the plan's `plan_status` table.
pub(super) fn plan(scene: &Scene<'_>, edited: usize, unreadable: usize) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    let calendar = scene.calendar;
    out.insert(
        "as_of_text".to_owned(),
        text(&scene.words.instant(scene.moment.now, calendar)),
    );
    let state = if scene.notices.is_empty() {
        "ok"
    } else {
        "warning"
    };
    out.insert("state".to_owned(), text(state));
    out.insert("edited_count".to_owned(), count(edited as u64));
    out.insert("problem_count".to_owned(), count(unreadable as u64));
    let month = super::people::focus(scene);
    let days = Pace::of(calendar, month, scene.moment.today);
    let people = super::people::people(scene, month);
    let needed = super::people::people_needed(scene, month);
    for (key, value) in [
        ("current_month", text(&month.to_string())),
        ("workdays_total", count(days.workdays.into())),
        ("workdays_left", count(days.remaining.into())),
        ("people", count(people)),
        ("people_needed", number(needed.map(Decimal::from))),
    ] {
        out.insert(key.to_owned(), value);
    }
    for (index, line) in (1..).zip(scene.notices.iter().take(PLAN_PROBLEMS_SHOWN)) {
        out.insert(format!("problem_{index}"), text(line));
    }
    out
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn count(count: u64) -> Value {
    number(Some(Decimal::from(count)))
}
