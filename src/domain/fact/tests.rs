//! Tables of cases for the facts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::calendar::Day;
use crate::domain::crm::{Activity, ActivityKind, Call, Currency, Direction, Homes};
use crate::domain::slot::Metric;

const SYMBOLS: [&str; 10] = [
    "NEW",
    "JUNK",
    "LOST",
    "CONVERTED",
    "WEB",
    "CALL",
    "RUB",
    "USD",
    "EUR",
    "TRASH",
];
const TODAY: &str = "2026-03-20";

fn symbol(text: &str) -> u32 {
    SYMBOLS.iter().position(|known| *known == text).unwrap() as u32
}

fn seconds(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp()
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A lead from Moscow wall times (`2026-01-31T23:59`), a status and an amount with its currency.
fn lead(id: u64, created: &str, status: &str, closed: &str, amount: &str) -> LeadRow {
    let at = |text: &str| seconds(&format!("{text}:00+03:00"));
    let (amount, currency) = amount.split_once(' ').unwrap_or((amount, "RUB"));
    LeadRow {
        id,
        created: at(created),
        closed: (!closed.is_empty()).then(|| at(closed)),
        semantics: match status {
            "NEW" => Semantics::InWork,
            "CONVERTED" => Semantics::Success,
            _ => Semantics::Failure,
        },
        status: symbol(status),
        source: Some(symbol("WEB")),
        amount: (!amount.is_empty()).then(|| money(amount)),
        currency: symbol(currency),
        opener: 7,
        user: 7,
    }
}

/// A deal from Moscow wall times; `how` is `P`, `S` or `F`.
fn deal(
    id: u64,
    lead: Option<u64>,
    created: &str,
    how: &str,
    closed: &str,
    amount: &str,
) -> DealRow {
    let row = self::lead(id, created, "NEW", closed, amount);
    DealRow {
        id,
        lead,
        created: row.created,
        closed: row.closed,
        semantics: match how {
            "P" => Semantics::InWork,
            "S" => Semantics::Success,
            _ => Semantics::Failure,
        },
        category: 0,
        source: Some(symbol("CALL")),
        amount: row.amount,
        currency: row.currency,
        opener: 8,
        user: 8,
    }
}

fn facts(leads: &[LeadRow], deals: &[DealRow]) -> Facts {
    facts_of(leads, deals, None)
}

fn facts_of(leads: &[LeadRow], deals: &[DealRow], pipelines: Option<&BTreeSet<u64>>) -> Facts {
    facts_at(leads, deals, pipelines, &[table(0, "92.5")])
}

/// A portal's currency table with this rate of the dollar.
fn table(since: i64, dollar: &str) -> RateTable {
    let currency = |code: &str, rate: &str, base| Currency {
        code: code.to_owned(),
        amount: money(rate),
        count: 1,
        base,
    };
    RateTable {
        since,
        currencies: vec![currency("RUB", "1", true), currency("USD", dollar, false)],
    }
}

fn facts_at(
    leads: &[LeadRow],
    deals: &[DealRow],
    pipelines: Option<&BTreeSet<u64>>,
    rates: &[RateTable],
) -> Facts {
    let calendar = Calendar::new(chrono_tz::Europe::Moscow);
    let symbols: Symbols = SYMBOLS.iter().map(|text| (*text).to_owned()).collect();
    let junk = BTreeSet::from(["JUNK".to_owned(), "TRASH".to_owned()]);
    let spec = FactSpec {
        calendar: &calendar,
        symbols: &symbols,
        junk: &junk,
        rates,
        base_currency: "RUB",
        pipelines,
        homes: &Homes::default(),
    };
    let today: Day = TODAY.parse().unwrap();
    let mut accumulator = Accumulator::new(&spec, today);
    leads.iter().for_each(|row| accumulator.lead(row));
    deals.iter().for_each(|row| accumulator.deal(row));
    accumulator.finish()
}

/// The filled metrics of a row that are not zero, as `key=value` words.
fn shown(row: &MetricRow) -> String {
    let words: Vec<String> = Metric::ALL
        .iter()
        .filter_map(|metric| Some((metric, row.get(*metric)?)))
        .filter(|(_, number)| !number.is_zero())
        .map(|(metric, number)| format!("{metric}={number}"))
        .collect();
    words.join(" ")
}

#[test]
fn a_lead_counts_by_creation_and_by_closing() {
    // status, closed, its January, its February
    let cases = [
        (
            "NEW",
            "",
            "leads_created=1 cohort_open=1 potential_sum=100",
            "",
        ),
        (
            "CONVERTED",
            "2026-02-03T10:00",
            "leads_created=1 cohort_success=1 potential_sum=100",
            "leads_success=1",
        ),
        (
            "LOST",
            "2026-02-03T10:00",
            "leads_created=1 cohort_failed=1 potential_sum=100",
            "leads_failed=1",
        ),
        (
            "JUNK",
            "2026-02-03T10:00",
            "leads_created=1 cohort_junk=1 potential_sum=100",
            "leads_junk=1",
        ),
        (
            "TRASH",
            "2026-01-31T23:59",
            "leads_created=1 cohort_junk=1 leads_junk=1 potential_sum=100",
            "",
        ),
        // the closing date of a lead in work is no closing
        (
            "NEW",
            "2026-02-03T10:00",
            "leads_created=1 cohort_open=1 potential_sum=100",
            "",
        ),
    ];
    for (status, closed, january, february) in cases {
        let facts = facts(&[lead(1, "2026-01-31T23:59", status, closed, "100")], &[]);
        assert_eq!(shown(&facts.months[&month("2026-01")]), january, "{status}");
        assert_eq!(
            shown(&facts.months[&month("2026-02")]),
            february,
            "{status}"
        );
    }
}

/// D6: a rate that changes today does not change what was earned before.
#[test]
fn an_amount_is_converted_at_the_rate_of_its_time() {
    let march = lead(1, "2026-03-01T00:00", "NEW", "", "").created;
    let rates = [table(0, "92.5"), table(march, "100")];
    let leads = [
        lead(1, "2026-02-28T23:59", "NEW", "", "10 USD"),
        lead(2, "2026-03-01T00:00", "NEW", "", "10 USD"),
    ];
    let won = |id, closed| deal(id, None, "2026-01-05T10:00", "S", closed, "1 USD");
    let deals = [won(1, "2026-02-20T10:00"), won(2, "2026-03-02T10:00")];
    let facts = facts_at(&leads, &deals, None, &rates);
    for (at, potential, revenue) in [("2026-02", "925", "92.5"), ("2026-03", "1000", "100")] {
        let row = &facts.months[&month(at)];
        assert_eq!(
            row.money(Metric::PotentialSum),
            Some(money(potential)),
            "{at}"
        );
        assert_eq!(row.money(Metric::Revenue), Some(money(revenue)), "{at}");
    }
    assert_eq!(facts.unconverted, 0);
}

#[test]
fn months_turn_at_the_companys_midnight() {
    let rows = [
        lead(1, "2026-01-31T23:59", "NEW", "", "1"),
        lead(2, "2026-02-01T00:00", "NEW", "", "1"),
    ];
    let facts = facts(&rows, &[]);
    assert_eq!(
        facts.months[&month("2026-01")].count(Metric::LeadsCreated),
        Some(1)
    );
    assert_eq!(
        facts.months[&month("2026-02")].count(Metric::LeadsCreated),
        Some(1)
    );
}

#[test]
fn history_holds_zeros_and_the_future_blanks() {
    let facts = facts(&[lead(1, "2025-12-05T10:00", "NEW", "", "5")], &[]);
    let months: Vec<String> = facts.months.keys().map(ToString::to_string).collect();
    assert_eq!(months.len(), 13);
    assert_eq!(months[0], "2025-12");
    assert_eq!(months[12], "2026-12");
    let quiet = facts.months[&month("2026-02")];
    assert_eq!(quiet.get(Metric::LeadsCreated), Some(Number::Count(0)));
    assert_eq!(
        quiet.get(Metric::PotentialSum),
        Some(Number::Money(Money::ZERO))
    );
    // no deal was ever made in this company: blank, not zero
    assert_eq!(quiet.get(Metric::DealsWon), None);
    assert_eq!(quiet.get(Metric::Revenue), None);
    assert_eq!(quiet.get(Metric::BreakEven), None);
    assert_eq!(
        facts.months[&month("2026-03")].count(Metric::LeadsCreated),
        Some(0)
    );
    assert!(facts.months[&month("2026-04")].is_blank());
    assert!(facts.months[&month("2026-12")].is_blank());
}

#[test]
fn a_company_without_records_is_blank() {
    let facts = facts(&[], &[]);
    assert_eq!(facts.months.keys().next(), Some(&month("2026-03")));
    assert!(facts.months.values().all(MetricRow::is_blank));
    assert!(facts.sources.is_empty() && facts.managers.is_empty());
}

#[test]
fn money_of_leads_and_deals() {
    let leads = [
        lead(
            1,
            "2026-01-10T10:00",
            "CONVERTED",
            "2026-02-10T10:00",
            "1000",
        ),
        lead(2, "2026-01-11T10:00", "NEW", "", ""),
        lead(3, "2026-01-12T10:00", "NEW", "", "0"),
        lead(4, "2026-01-13T10:00", "NEW", "", "10 USD"),
        lead(5, "2026-01-14T10:00", "NEW", "", "10 EUR"),
    ];
    let deals = [
        deal(
            1,
            Some(1),
            "2026-02-10T10:00",
            "S",
            "2026-02-20T10:00",
            "900.05",
        ),
        deal(
            2,
            Some(1),
            "2026-02-10T10:00",
            "S",
            "2026-03-01T10:00",
            "100",
        ),
        deal(
            3,
            Some(1),
            "2026-02-10T10:00",
            "F",
            "2026-02-21T10:00",
            "777",
        ),
        deal(
            4,
            None,
            "2026-02-11T10:00",
            "S",
            "2026-02-22T10:00",
            "1 USD",
        ),
        deal(
            5,
            Some(99),
            "2026-02-11T10:00",
            "P",
            "2026-02-28T10:00",
            "5",
        ),
        deal(
            6,
            Some(2),
            "2026-02-11T10:00",
            "S",
            "2026-02-28T10:00",
            "5 EUR",
        ),
    ];
    let facts = facts(&leads, &deals);
    assert_eq!(
        shown(&facts.months[&month("2026-01")]),
        "leads_created=5 cohort_success=1 cohort_open=4 potential_sum=1925 missing_sum=2 \
         converted_money=1000.05"
    );
    // (900.05 + 92.50 + nothing) over three won deals
    assert_eq!(
        shown(&facts.months[&month("2026-02")]),
        "leads_success=1 deals_created=6 deals_won=3 deals_lost=1 revenue=992.55 avg_check=330.85"
    );
    assert_eq!(
        shown(&facts.months[&month("2026-03")]),
        "deals_won=1 revenue=100 avg_check=100"
    );
    assert_eq!(facts.unconverted, 2);
    // F7: no deal won, no average
    assert_eq!(facts.months[&month("2026-01")].get(Metric::AvgCheck), None);
}

#[test]
fn sources_and_managers_hold_their_own() {
    let mut web = lead(
        1,
        "2026-01-10T10:00",
        "CONVERTED",
        "2026-01-20T10:00",
        "1000",
    );
    let mut bare = lead(2, "2026-01-10T10:00", "NEW", "", "500");
    (bare.source, bare.user, bare.opener) = (None, 70_000, 70_000);
    let won = deal(
        1,
        Some(1),
        "2026-02-10T10:00",
        "S",
        "2026-02-20T10:00",
        "900",
    );
    (web.user, web.opener) = (9, 9);
    let facts = facts(&[web, bare], &[won]);
    let sources: BTreeMap<String, String> = facts
        .sources
        .iter()
        .map(|((month, code), row)| {
            (
                format!("{month} {}", code.as_deref().unwrap_or("-")),
                shown(row),
            )
        })
        .collect();
    let expected = [
        (
            "2026-01 -",
            "leads_created=1 cohort_open=1 potential_sum=500",
        ),
        (
            "2026-01 WEB",
            "leads_created=1 cohort_success=1 leads_success=1 potential_sum=1000 \
             converted_money=900",
        ),
        (
            "2026-02 CALL",
            "deals_created=1 deals_won=1 revenue=900 avg_check=900",
        ),
    ];
    assert_eq!(
        sources,
        expected
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .into()
    );
    let managers: Vec<_> = facts
        .managers
        .keys()
        .map(|(month, user)| (month.month, *user))
        .collect();
    assert_eq!(managers, [(1, 9), (1, 70_000), (2, 8)]);
}

#[test]
fn what_a_person_did_stays_his_when_the_card_goes_to_another() {
    let mut reassigned = lead(
        1,
        "2026-01-10T10:00",
        "CONVERTED",
        "2026-02-20T10:00",
        "1000",
    );
    (reassigned.opener, reassigned.user) = (7, 9);
    let mut sold = deal(
        1,
        Some(1),
        "2026-02-20T10:00",
        "S",
        "2026-03-02T10:00",
        "900",
    );
    (sold.opener, sold.user) = (9, 8);
    let facts = facts(&[reassigned], &[sold]);
    let shown: Vec<_> = facts
        .managers
        .iter()
        .map(|((month, user), row)| format!("{}/{user} {}", month.month, shown(row)))
        .collect();
    assert_eq!(
        shown,
        [
            "1/7 leads_created=1 cohort_success=1 potential_sum=1000 converted_money=900",
            "2/9 leads_success=1 deals_created=1",
            "3/8 deals_won=1 revenue=900 avg_check=900",
        ]
    );
}

#[test]
fn what_cannot_be_placed_is_counted() {
    let leads = [
        lead(1, "2026-04-01T00:00", "NEW", "", "1"),
        lead(2, "1989-12-31T23:00", "NEW", "", "1"),
        lead(3, "2026-01-01T10:00", "LOST", "", "1"),
        lead(4, "2026-01-01T10:00", "LOST", "2026-05-01T10:00", "1"),
    ];
    let deals = [
        deal(1, Some(1), "2026-01-02T10:00", "S", "", "10"),
        deal(2, Some(2), "2026-01-02T10:00", "P", "", "10"),
    ];
    let facts = facts(&leads, &deals);
    assert_eq!((facts.future, facts.ancient, facts.undated), (2, 1, 2));
    assert_eq!(
        shown(&facts.months[&month("2026-01")]),
        "leads_created=2 cohort_failed=2 potential_sum=2 deals_created=2"
    );
    assert_eq!(facts.months.keys().next(), Some(&month("2026-01")));
}

#[test]
fn other_pipelines_are_passed_over() {
    let mut service = deal(1, None, "2026-01-02T10:00", "S", "2026-01-03T10:00", "10");
    service.category = 4;
    let sale = deal(2, None, "2026-01-02T10:00", "S", "2026-01-03T10:00", "20");
    let pipelines = BTreeSet::from([0]);
    let facts = facts_of(&[], &[service, sale], Some(&pipelines));
    let january = facts.months[&month("2026-01")];
    assert_eq!(january.money(Metric::Revenue), Some(money("20")));
    assert_eq!(january.get(Metric::LeadsCreated), None);
}

#[test]
fn leads_in_any_order_are_found_by_their_deals() {
    let rows = [
        lead(5, "2026-01-10T10:00", "CONVERTED", "2026-01-10T10:00", ""),
        lead(2, "2026-02-10T10:00", "CONVERTED", "2026-02-10T10:00", ""),
    ];
    let won = deal(
        1,
        Some(2),
        "2026-03-01T10:00",
        "S",
        "2026-03-01T10:00",
        "50",
    );
    let facts = facts(&rows, &[won]);
    let converted = facts.months[&month("2026-02")].money(Metric::ConvertedMoney);
    assert_eq!(converted, Some(money("50")));
}

#[test]
fn a_metric_row_keeps_kinds_apart() {
    let mut row = MetricRow::default();
    row.set_count(Metric::Revenue, Some(5));
    row.set_money(Metric::DealsWon, Some(money("5")));
    assert!(row.is_blank());
    row.set_money(Metric::BreakEven, Some(money("-0.5")));
    assert_eq!(
        row.get(Metric::BreakEven),
        Some(Number::Money(money("-0.5")))
    );
    row.set_money(Metric::BreakEven, None);
    assert!(row.is_blank());
}

fn any_leads() -> impl Strategy<Value = Vec<LeadRow>> {
    let statuses = prop::sample::select(vec!["NEW", "JUNK", "LOST", "CONVERTED", "TRASH"]);
    let row = (
        0_i64..900 * 86_400,
        prop::option::of(0_i64..200 * 86_400),
        statuses,
        prop::option::of(0_i64..1_000_000_000),
        prop::option::of(4_u32..6),
        0_u64..4,
    );
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        let base = seconds("2024-01-01T00:00:00+03:00");
        let build = |(index, (after, open, status, amount, source, user)): (usize, _)| {
            let mut row = lead(index as u64 + 1, "2024-01-01T00:00", status, "", "");
            row.created = base + after;
            row.closed = Option::map(open, |open: i64| row.created + open);
            row.amount = Option::map(amount, Money::from_units);
            (row.source, row.user) = (source, user);
            row
        };
        rows.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn parts_add_up_to_the_month(leads in any_leads()) {
        let facts = facts(&leads, &[]);
        for (month, row) in facts.months.iter().filter(|(_, row)| !row.is_blank()) {
            let of = |metric| row.count(metric).unwrap();
            let parts = [Metric::CohortSuccess, Metric::CohortFailed, Metric::CohortJunk,
                Metric::CohortOpen].map(of);
            prop_assert_eq!(of(Metric::LeadsCreated), parts.iter().sum::<u64>());
            for metric in [Metric::LeadsCreated, Metric::LeadsSuccess, Metric::MissingSum] {
                let sources: u64 = facts.sources.iter().filter(|((at, _), _)| at == month)
                    .filter_map(|(_, row)| row.count(metric)).sum();
                let managers: u64 = facts.managers.iter().filter(|((at, _), _)| at == month)
                    .filter_map(|(_, row)| row.count(metric)).sum();
                prop_assert_eq!(of(metric), sources);
                prop_assert_eq!(of(metric), managers);
            }
        }
        let total: u64 = facts.months.values().filter_map(|row| row.count(Metric::LeadsCreated)).sum();
        let before_april = seconds("2026-04-01T00:00:00+03:00");
        let expected = leads.iter().filter(|row| row.created < before_april).count() as u64;
        prop_assert_eq!(total, expected);
    }
}

fn call(day: &str, user: u64, direction: Direction, took_place: bool) -> Call {
    let at = chrono::DateTime::parse_from_rfc3339(&format!("{day}T23:30:00+03:00")).unwrap();
    Call {
        id: 1,
        at: at.to_utc(),
        user,
        direction,
        took_place,
        seconds: 90,
        phone: None,
    }
}

fn activity(day: &str, kind: ActivityKind, completed: bool) -> Activity {
    let at = chrono::DateTime::parse_from_rfc3339(&format!("{day}T10:00:00+03:00")).unwrap();
    Activity {
        id: 1,
        kind,
        direction: Direction::Out,
        completed,
        user: 7,
        owner_kind: 1,
        owner: 1,
        created: at.to_utc(),
        starts: None,
        deadline: None,
    }
}

/// Calls and meetings of the company and of user 7 in January.
fn deeds(calls: &[Call], activities: &[Activity]) -> [Option<u64>; 4] {
    let calendar = Calendar::new(chrono_tz::Europe::Moscow);
    let junk = BTreeSet::new();
    let spec = FactSpec {
        calendar: &calendar,
        symbols: &[],
        junk: &junk,
        rates: &[],
        base_currency: "RUB",
        pipelines: None,
        homes: &Homes::default(),
    };
    let mut accumulator = Accumulator::new(&spec, Day::from_ymd_opt(2026, 3, 15).unwrap());
    calls.iter().for_each(|call| accumulator.call(call));
    activities.iter().for_each(|one| accumulator.activity(one));
    let facts = accumulator.finish();
    let january = month("2026-01");
    let company = facts.months.get(&january).copied().unwrap_or_default();
    let own = facts
        .managers
        .get(&(january, 7))
        .copied()
        .unwrap_or_default();
    [
        company.count(Metric::Calls),
        company.count(Metric::Meetings),
        own.count(Metric::Calls),
        own.count(Metric::Meetings),
    ]
}

#[test]
fn calls_made_and_meetings_held_are_counted_once() {
    use ActivityKind::{Call as Called, Email, Meeting};
    let calls = [
        call("2026-01-31", 7, Direction::Out, true),
        call("2026-01-05", 8, Direction::Back, true),
        call("2026-01-05", 7, Direction::Out, false),
        call("2026-01-05", 7, Direction::In, true),
        call("2026-02-01", 7, Direction::Out, true),
        call("2027-01-01", 7, Direction::Out, true),
    ];
    let activities = [
        activity("2026-01-10", Meeting, true),
        activity("2026-01-10", Meeting, false),
        activity("2026-01-10", Called, true),
        activity("2026-01-11", Called, true),
        activity("2026-01-11", Called, true),
        activity("2026-01-11", Email, true),
    ];
    assert_eq!(deeds(&[], &[]), [None; 4]);
    // The telephony alone, both, and activities where there is no telephony.
    assert_eq!(deeds(&calls, &[]), [Some(2), None, Some(1), None]);
    assert_eq!(
        deeds(&calls, &activities),
        [Some(2), Some(1), Some(1), Some(1)]
    );
    assert_eq!(
        deeds(&[], &activities),
        [Some(3), Some(1), Some(3), Some(1)]
    );
}

#[test]
fn months_are_cut_where_the_company_is_whatever_the_offset_and_the_season() {
    // Whose clock it is told by, and the month in Berlin: UTC+1, from 29 March to 25 October UTC+2.
    for (told, expected) in [
        ("2026-01-31T22:59:59+00:00", "2026-01"),
        ("2026-01-31T23:00:00+00:00", "2026-02"),
        ("2026-03-31T21:59:59+00:00", "2026-03"),
        ("2026-03-31T22:00:00+00:00", "2026-04"),
        ("2026-04-01T00:59:59+03:00", "2026-03"),
        ("2026-04-01T01:00:00+03:00", "2026-04"),
        ("2026-03-31T12:00:00-10:00", "2026-04"),
        ("2026-10-31T22:59:59+00:00", "2026-10"),
        ("2026-10-31T23:00:00+00:00", "2026-11"),
        ("2026-11-01T05:00:00+06:00", "2026-11"),
    ] {
        let calendar = Calendar::new(chrono_tz::Europe::Berlin);
        let junk = BTreeSet::new();
        let symbols: Symbols = SYMBOLS.iter().map(|text| (*text).to_owned()).collect();
        let spec = FactSpec {
            calendar: &calendar,
            symbols: &symbols,
            junk: &junk,
            rates: &[],
            base_currency: "RUB",
            pipelines: None,
            homes: &Homes::default(),
        };
        let mut accumulator = Accumulator::new(&spec, Day::from_ymd_opt(2026, 12, 15).unwrap());
        let mut row = lead(1, "2026-01-01T10:00", "NEW", "", "");
        row.created = seconds(told);
        accumulator.lead(&row);
        let facts = accumulator.finish();
        let counted: Vec<String> = facts
            .months
            .iter()
            .filter(|(_, row)| row.count(Metric::LeadsCreated) == Some(1))
            .map(|(month, _)| month.to_string())
            .collect();
        assert_eq!(counted, [expected], "{told}");
    }
}

#[test]
fn an_average_check_is_not_a_sum() {
    let month = |money: i64, won: u64| {
        let mut row = MetricRow::default();
        row.set_count(Metric::DealsWon, Some(won));
        row.set_money(Metric::Revenue, Some(Money::from_units(money * 10_000)));
        row.set_money(Metric::AvgCheck, Some(Money::from_units(1)));
        row
    };
    let mut sum = month(100, 1);
    sum.add(&month(200, 2));
    assert_eq!(sum.money(Metric::AvgCheck), Some(money("100")));
    let mut blank = MetricRow::default();
    blank.add(&MetricRow::default());
    assert!(blank.is_blank());
}
