//! Cases of a year's plan: what is generated, and what an edit does to the rest.

use super::super::desk::Office;
use super::super::{
    BaseCell, Cells, Seasonality, TargetSeeds, accept, confirm, explain, season_row,
};
use super::*;
use crate::domain::fact::{Facts, MetricRow};
use crate::domain::money::Money;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// F5: break-even and profit make 1 000 000 a month, check 25 000, conversion 5 of 100.
fn f5_seeds() -> TargetSeeds {
    TargetSeeds {
        break_even: Some(money("400000")),
        profit: Some(money("100000")),
        margin: number("0.5"),
        avg_check: Some(money("25000")),
        conversion: Some((5, 100)),
        growth: Decimal::ZERO,
        seasonality: Seasonality::Flat,
    }
}

fn open_seeds() -> TargetSeeds {
    TargetSeeds {
        break_even: None,
        profit: None,
        margin: Decimal::ONE,
        avg_check: None,
        conversion: None,
        growth: Decimal::ZERO,
        seasonality: Seasonality::History,
    }
}

/// A plan file between passes.
struct File {
    seeds: TargetSeeds,
    office: Office,
    seen: Cells<Seen>,
    base: Cells<BaseCell>,
}

impl File {
    fn empty(seeds: TargetSeeds, facts: Facts) -> File {
        let mut file = File {
            seeds,
            office: Office::new(facts),
            seen: Cells::new(),
            base: Cells::new(),
        };
        let optional = target_cells().into_iter().filter(|cell| cell.optional);
        let optional: Vec<CellKey> = optional.map(|cell| cell.key).collect();
        let keys: Vec<CellKey> = file.replan().cells.into_keys().collect();
        for key in keys.into_iter().filter(|key| !optional.contains(key)) {
            file.seen.insert(key, Seen::Blank);
        }
        file
    }

    fn replan(&self) -> Replanned {
        self.office.replan(&self.seeds, &self.seen, &self.base)
    }

    /// One whole pass, and a second one to see that it is silent.
    fn pass(&mut self) -> Replanned {
        let plan = self.replan();
        self.base.extend(accept(&plan, &self.base));
        for (key, written) in plan.writes() {
            let shown = written.map_or(Seen::Blank, Seen::Number);
            self.seen.insert(key.clone(), shown);
        }
        self.base
            .extend(confirm(&plan, &self.base, &Default::default()));
        let again = self.replan();
        assert_eq!(again.writes().count(), 0, "a second run writes nothing");
        assert!(confirm(&again, &self.base, &Default::default()).is_empty());
        plan
    }

    fn types(&mut self, row: &str, column: &str, text: &str) {
        let table = if column == "value" || column == "of" {
            TARGETS_TABLE
        } else {
            PLAN_TABLE
        };
        let seen = match text.parse() {
            Ok(number) => Seen::Number(number),
            Err(_) if text.is_empty() => Seen::Blank,
            Err(_) => Seen::Text(text.to_owned()),
        };
        let previous = self.seen.insert(CellKey::new(table, row, column), seen);
        assert!(previous.is_some(), "{row}/{column} is a cell of the file");
    }
}

fn shown(plan: &Replanned, row: &str, column: &str) -> String {
    let cell = &plan.cells[&CellKey::new(PLAN_TABLE, row, column)];
    cell.value.map_or("blank".to_owned(), plain)
}

fn target(plan: &Replanned, row: &str) -> String {
    plan.cells[&CellKey::target(row)]
        .value
        .map_or("blank".to_owned(), plain)
}

fn codes(plan: &Replanned) -> Vec<&str> {
    plan.notices
        .iter()
        .map(|notice| notice.code.as_str())
        .collect()
}

/// A closed month: leads, potential, deals won, revenue; `None`: the company has none at all.
fn month_facts(leads: Option<(u64, &str)>, deals: Option<(u64, &str)>) -> MetricRow {
    let mut row = MetricRow::default();
    row.set_count(Metric::LeadsCreated, leads.map(|(leads, _)| leads));
    row.set_money(Metric::PotentialSum, leads.map(|(_, sum)| money(sum)));
    row.set_count(Metric::DealsWon, deals.map(|(won, _)| won));
    row.set_money(Metric::Revenue, deals.map(|(_, revenue)| money(revenue)));
    row
}

/// The same facts in each month from `first` to October 2026, and a blank future.
fn history(first: &str, leads: Option<(u64, &str)>, deals: Option<(u64, &str)>) -> Facts {
    let mut facts = Facts::default();
    let october = Month {
        year: 2026,
        month: 10,
    };
    for month in Month::parse(first).unwrap().to(october) {
        facts.months.insert(month, month_facts(leads, deals));
    }
    facts.months.insert(october.plus(1), MetricRow::default());
    facts
}

#[test]
fn f5_fills_the_year_from_targets() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    let plan = file.pass();
    for (row, month, year) in [
        ("revenue", "1000000", "12000000"),
        ("deals_won", "40", "480"),
        ("leads_created", "800", "9600"),
        ("potential_sum", "blank", "blank"),
        ("break_even", "800000", "9600000"),
    ] {
        assert_eq!(shown(&plan, row, "2026-11"), month, "{row}");
        assert_eq!(shown(&plan, row, "2026"), year, "{row}");
    }
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
    let leads = CellKey::new(PLAN_TABLE, "leads_created", "2026-11");
    let derived = explain(&plan, &leads).unwrap();
    assert_eq!(derived.formula, "800 = 40 ÷ 5/100");
    let revenue = CellKey::new(PLAN_TABLE, "revenue", "2026-11");
    assert_eq!(
        explain(&plan, &revenue).unwrap().formula,
        "1000000 ≈ (400000 + 100000) ÷ 0.5"
    );
}

#[test]
fn growth_and_season_shape_the_year() {
    let mut seeds = f5_seeds();
    seeds.growth = number("0.02");
    let mut months = [Decimal::ONE; 12];
    (months[0], months[11]) = (number("0.5"), number("1.5"));
    seeds.seasonality = Seasonality::Months(months);
    let plan = File::empty(seeds, Facts::default()).pass();
    assert_eq!(shown(&plan, "revenue", "2026-01"), "500000");
    assert_eq!(shown(&plan, "revenue", "2026-02"), "1020000");
    assert_eq!(shown(&plan, "revenue", "2026-12"), "1865061.46");
    assert_eq!(shown(&plan, "deals_won", "2026-12"), "75");
    // ⌈1865061.46 / 25000 / 0.05⌉ = ⌈1492.05⌉, not ⌈75 / 0.05⌉
    assert_eq!(shown(&plan, "leads_created", "2026-12"), "1493");
    let leads = CellKey::new(PLAN_TABLE, "leads_created", "2026-12");
    assert_eq!(
        explain(&plan, &leads).unwrap().formula,
        "1493 = ⌈1865061.46 ÷ 25000 ÷ 5/100⌉"
    );
    let revenue = CellKey::new(PLAN_TABLE, "revenue", "2026-12");
    assert_eq!(
        explain(&plan, &revenue).unwrap().formula,
        "1865061.46 ≈ (400000 + 100000) ÷ 0.5 × 1.02^11 × 1.5"
    );
}

#[test]
fn history_fills_what_the_configuration_leaves_open() {
    let facts = history("2026-01", Some((200, "3000000")), Some((10, "250000.10")));
    let mut file = File::empty(open_seeds(), facts);
    let plan = file.pass();
    let cases = [
        ("break_even", "blank"),
        ("profit", "blank"),
        ("margin", "1"),
        ("avg_check", "25000.01"),
        ("conversion", "60"),
        ("avg_lead_sum", "15000"),
        ("growth", "0"),
        ("base_revenue", "250000.1"),
        ("base_leads", "200"),
        ("seasonality_07", "1"),
    ];
    for (row, expected) in cases {
        assert_eq!(target(&plan, row), expected, "{row}");
    }
    assert_eq!(shown(&plan, "revenue", "2026-01"), "250000.1");
    assert_eq!(shown(&plan, "deals_won", "2026-01"), "10");
    assert_eq!(shown(&plan, "leads_created", "2026-01"), "200");
    assert_eq!(shown(&plan, "potential_sum", "2026-01"), "3000000");
    assert_eq!(shown(&plan, "break_even", "2026"), "blank");

    // Targets live in the sheet once seeded: other facts and seeds change nothing.
    file.office.facts = history("2026-01", Some((900, "1")), Some((1, "1")));
    file.seeds = f5_seeds();
    let later = file.replan();
    assert_eq!(target(&later, "avg_check"), "25000.01");
    assert_eq!(target(&later, "base_revenue"), "250000.1");
    // … except where nothing stood yet.
    assert_eq!(target(&later, "break_even"), "400000");
}

#[test]
fn a_company_without_money_still_gets_a_lead_plan() {
    let facts = history("2026-08", Some((100, "0")), Some((5, "0")));
    let plan = File::empty(open_seeds(), facts).pass();
    assert_eq!(target(&plan, "avg_check"), "blank");
    assert_eq!(target(&plan, "base_revenue"), "blank");
    assert_eq!(shown(&plan, "revenue", "2026-01"), "blank");
    assert_eq!(shown(&plan, "leads_created", "2026-01"), "100");
    assert_eq!(shown(&plan, "leads_created", "2026"), "1200");
    assert_eq!(shown(&plan, "deals_won", "2026-01"), "5");
    assert_eq!(shown(&plan, "potential_sum", "2026-01"), "blank");
}

#[test]
fn a_company_without_leads_has_blank_lead_rows() {
    let facts = history("2026-01", None, Some((4, "100000")));
    let plan = File::empty(open_seeds(), facts).pass();
    assert_eq!(shown(&plan, "revenue", "2026-05"), "100000");
    assert_eq!(shown(&plan, "deals_won", "2026-05"), "4");
    assert_eq!(shown(&plan, "leads_created", "2026-05"), "blank");
    assert_eq!(shown(&plan, "potential_sum", "2026-05"), "blank");
}

#[test]
fn a_company_without_anything_stays_blank() {
    let plan = File::empty(open_seeds(), Facts::default()).pass();
    assert!(
        plan.cells
            .iter()
            .filter(|(key, _)| key.table == PLAN_TABLE)
            .all(|(_, cell)| { cell.value.is_none() && cell.write.is_none() })
    );
}

#[test]
fn seasons_come_from_two_full_years() {
    let mut facts = history("2024-01", None, Some((4, "100000")));
    for year in [2024, 2025] {
        let december = Month { year, month: 12 };
        facts
            .months
            .insert(december, month_facts(None, Some((8, "200000"))));
    }
    let plan = File::empty(open_seeds(), facts).pass();
    assert_eq!(target(&plan, &season_row(12)), "1.8461");
    assert_eq!(target(&plan, &season_row(1)), "0.9231");
}

#[test]
fn an_edited_month_of_revenue_is_followed() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("revenue", "2026-03", "1 500 000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "1500000");
    assert_eq!(shown(&plan, "deals_won", "2026-03"), "60");
    assert_eq!(shown(&plan, "leads_created", "2026-03"), "1200");
    assert_eq!(shown(&plan, "revenue", "2026-04"), "1000000");
    assert_eq!(shown(&plan, "revenue", "2026"), "12500000");
    assert_eq!(shown(&plan, "deals_won", "2026"), "500");
    let key = CellKey::new(PLAN_TABLE, "revenue", "2026-03");
    assert_eq!(plan.cells[&key].owner, Owner::Person);
    assert_eq!(explain(&plan, &key).unwrap().rule, "typed");

    // New targets move everything but the typed month.
    file.types("profit", "value", "600000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-04"), "2000000");
    assert_eq!(shown(&plan, "revenue", "2026-03"), "1500000");

    // Emptied: handed back.
    file.types("revenue", "2026-03", "");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "2000000");
    assert_eq!(plan.cells[&key].owner, Owner::Daemon);
}

#[test]
fn edited_deals_are_followed_and_revenue_stays() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("deals_won", "2026-03", "50");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "1000000");
    assert_eq!(shown(&plan, "leads_created", "2026-03"), "1000");
    assert!(codes(&plan).is_empty());
    let leads = CellKey::new(PLAN_TABLE, "leads_created", "2026-03");
    assert_eq!(explain(&plan, &leads).unwrap().formula, "1000 = 50 ÷ 5/100");
    // R45: too few deals for the revenue are told
    file.types("deals_won", "2026-03", "20");
    let plan = file.pass();
    assert_eq!(shown(&plan, "leads_created", "2026-03"), "400");
    assert_eq!(codes(&plan), ["deals_do_not_earn_revenue"]);
    assert_eq!(
        plan.notices[0].values,
        ["20", "25000", "500000", "1000000", "40"]
    );
    // edited leads move nothing above them
    file.types("leads_created", "2026-04", "1");
    let plan = file.pass();
    assert_eq!(shown(&plan, "deals_won", "2026-04"), "40");
    assert_eq!(shown(&plan, "leads_created", "2026"), "8401");
}

#[test]
fn a_typed_total_holds_and_the_free_months_absorb() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("revenue", "2026", "13000000");
    file.types("revenue", "2026-01", "2000000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026"), "13000000");
    assert_eq!(shown(&plan, "revenue", "2026-01"), "2000000");
    assert_eq!(shown(&plan, "revenue", "2026-02"), "1000000");
    file.types("revenue", "2026", "12000000.01");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-02"), "909090.91");
    assert_eq!(shown(&plan, "revenue", "2026-03"), "909090.91");
    assert_eq!(shown(&plan, "revenue", "2026-12"), "909090.91");
    assert_eq!(shown(&plan, "deals_won", "2026-02"), "37");
    let key = CellKey::new(PLAN_TABLE, "revenue", "2026-12");
    assert_eq!(
        explain(&plan, &key).unwrap().formula,
        "909090.91 = 12000000.01 − 11090909.1"
    );

    // More is typed than the total holds: told, nothing changed.
    file.types("revenue", "2026", "1500000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026"), "1500000");
    assert_eq!(shown(&plan, "revenue", "2026-02"), "1000000");
    assert_eq!(codes(&plan), ["locks_do_not_add_up"]);
    assert_eq!(plan.notices[0].values, ["1500000", "13000000"]);

    // Emptied total: it follows the months again.
    file.types("revenue", "2026", "");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026"), "13000000");
    assert!(codes(&plan).is_empty());
}

#[test]
fn a_total_typed_over_a_blank_row_takes_the_years_shape() {
    let mut file = File::empty(open_seeds(), Facts::default());
    file.pass();
    file.types("leads_created", "2026", "101");
    let plan = file.pass();
    assert_eq!(shown(&plan, "leads_created", "2026-05"), "9");
    assert_eq!(shown(&plan, "leads_created", "2026-06"), "8");
    assert_eq!(shown(&plan, "leads_created", "2026"), "101");
}

#[test]
fn typed_totals_of_deals_are_followed_by_leads() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("deals_won", "2026", "600");
    let plan = file.pass();
    assert_eq!(shown(&plan, "deals_won", "2026-07"), "50");
    assert_eq!(shown(&plan, "leads_created", "2026-07"), "1000");
    assert_eq!(shown(&plan, "leads_created", "2026"), "12000");
    assert_eq!(shown(&plan, "revenue", "2026"), "12000000");
}

#[test]
fn what_cannot_be_read_is_told_and_the_last_good_value_stays() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("revenue", "2026-03", "about 2 million");
    file.types("margin", "value", "50");
    file.types("conversion", "of", "0");
    file.types("revenue", "2026", "1,200");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "1000000");
    assert_eq!(shown(&plan, "revenue", "2026"), "12000000");
    assert_eq!(target(&plan, "margin"), "0.5");
    let told: Vec<String> = plan
        .notices
        .iter()
        .map(|notice| {
            let cell = notice.cell.as_ref().unwrap();
            format!("{cell} {} {}", notice.code, notice.values.join("|"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "plan_company/revenue/2026 ambiguous 1,200|12000000",
            "plan_company/revenue/2026-03 not_a_number about 2 million|1000000",
            "targets/conversion/of out_of_range 0|100|conversion_range",
            "targets/margin/value out_of_range 50|0.5|margin_range",
        ]
    );
    // The total follows a typed month even while its cell cannot be read.
    file.types("revenue", "2026-04", "3000000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026"), "14000000");
}

#[test]
fn a_cell_that_vanished_is_told_and_keeps_its_number() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    file.pass();
    file.types("revenue", "2026-03", "7000000");
    file.pass();
    let gone = CellKey::new(PLAN_TABLE, "revenue", "2026-03");
    file.seen.remove(&gone);
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "7000000");
    assert_eq!(codes(&plan), ["cell_missing"]);
    file.seen.retain(|key, _| key.table == PLAN_TABLE);
    let plan = file.pass();
    assert_eq!(codes(&plan), ["table_missing", "cell_missing"]);
    assert_eq!(target(&plan, "profit"), "100000");
    // It comes back as it was.
    file.seen.insert(gone, Seen::Number(number("7000000")));
    assert_eq!(shown(&file.pass(), "revenue", "2026-03"), "7000000");
}

#[test]
fn f1_plan_of_the_source() {
    let mut seeds = f5_seeds();
    (seeds.profit, seeds.avg_check) = (None, Some(money("40000")));
    let mut file = File::empty(seeds, Facts::default());
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-01"), "800000");
    assert_eq!(shown(&plan, "break_even", "2026-01"), "800000");
    assert_eq!(shown(&plan, "deals_won", "2026-01"), "20");
    // the source's slip: 20 sales against 820 000
    file.types("revenue", "2026-01", "820000");
    assert_eq!(shown(&file.pass(), "deals_won", "2026-01"), "21");
    file.types("deals_won", "2026-01", "20");
    let plan = file.pass();
    assert_eq!(
        plan.notices[0].values,
        ["20", "40000", "800000", "820000", "21"]
    );
}

#[test]
fn f2_the_whole_chain_of_the_source() {
    let mut seeds = f5_seeds();
    (seeds.profit, seeds.avg_check) = (None, Some(money("40000")));
    let mut file = File::empty(seeds, Facts::default());
    for (row, done, of) in [
        ("proposals", "15", "36"),
        ("meetings", "36", "75"),
        ("calls", "75", "1200"),
    ] {
        for (column, text) in [("value", done), ("of", of)] {
            let key = CellKey::new(TARGETS_TABLE, row, column);
            file.seen.insert(key, Seen::Blank);
            file.types(row, column, text);
        }
    }
    let plan = file.pass();
    for (row, expected) in [
        ("deals_won", "20"),
        ("proposals", "48"),
        ("meetings", "100"),
        ("calls", "1600"),
    ] {
        assert_eq!(shown(&plan, row, "2026-01"), expected, "{row}");
    }
    let calls = CellKey::new(PLAN_TABLE, "calls", "2026-01");
    let derived = explain(&plan, &calls).unwrap();
    assert_eq!(derived.formula, "1600 = 100 ÷ 75/1200");
    // What is not exact is explained from where it starts.
    file.types("deals_won", "2026-01", "7");
    let plan = file.pass();
    assert_eq!(shown(&plan, "calls", "2026-01"), "560");
    file.types("meetings", "of", "77");
    let plan = file.pass();
    let derived = explain(&plan, &calls).unwrap();
    assert_eq!(derived.formula, "575 = ⌈7 ÷ 15/36 ÷ 36/77 ÷ 75/1200⌉");
}

#[test]
fn f3_one_rounding_at_the_end_or_one_a_step() {
    let mut seeds = f5_seeds();
    (seeds.break_even, seeds.profit) = (Some(money("7")), None);
    (seeds.margin, seeds.avg_check) = (Decimal::ONE, Some(money("1")));
    let mut file = File::empty(seeds, Facts::default());
    let given = [
        ("proposals", "3", "10"),
        ("meetings", "2", "7"),
        ("calls", "1", "9"),
    ];
    for (row, done, of) in given {
        for (column, text) in [("value", done), ("of", of)] {
            let key = CellKey::new(TARGETS_TABLE, row, column);
            file.seen.insert(key, Seen::Blank);
            file.types(row, column, text);
        }
    }
    assert_eq!(shown(&file.pass(), "calls", "2026-01"), "735");
    let key = CellKey::new(TARGETS_TABLE, "rounding", "value");
    file.seen.insert(key, Seen::Blank);
    file.types("rounding", "value", "2");
    assert_eq!(shown(&file.pass(), "calls", "2026-01"), "756");
}

#[test]
fn an_edited_profit_leads_the_revenue() {
    let mut file = File::empty(f5_seeds(), Facts::default());
    let plan = file.pass();
    assert_eq!(shown(&plan, "profit", "2026-03"), "100000");
    file.types("profit", "2026-03", "600000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "revenue", "2026-03"), "2000000");
    assert_eq!(shown(&plan, "leads_created", "2026-03"), "1600");
    assert_eq!(shown(&plan, "profit", "2026"), "1700000");
    let revenue = CellKey::new(PLAN_TABLE, "revenue", "2026-03");
    assert_eq!(
        explain(&plan, &revenue).unwrap().formula,
        "2000000 ≈ (400000 + 600000) ÷ 0.5"
    );
    // An edited revenue is followed by the profit, and the two typed together are compared.
    file.types("revenue", "2026-04", "3000000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "profit", "2026-04"), "1100000");
    file.types("revenue", "2026-03", "1000000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "profit", "2026-03"), "600000");
    assert_eq!(codes(&plan), ["profit_does_not_fit_revenue"]);
    // A typed year of profit is absorbed by the months and leads their revenue.
    file.types("revenue", "2026-03", "");
    file.types("revenue", "2026-04", "");
    file.types("profit", "2026-03", "");
    file.types("profit", "2026", "2400000");
    let plan = file.pass();
    assert_eq!(shown(&plan, "profit", "2026-07"), "200000");
    assert_eq!(shown(&plan, "revenue", "2026-07"), "1200000");
    assert!(codes(&plan).is_empty(), "{:?}", plan.notices);
}

#[test]
fn a_profit_typed_where_nothing_is_planned_is_kept() {
    for column in ["2026-03", "2026"] {
        let mut file = File::empty(open_seeds(), Facts::default());
        file.pass();
        file.types("profit", column, "103.29");
        let plan = file.pass();
        assert_eq!(shown(&plan, "profit", column), "103.29");
        assert_eq!(shown(&plan, "profit", "2026"), "103.29");
    }
}
