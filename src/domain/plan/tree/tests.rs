//! Cases of a company with departments and people, and random companies.

#![allow(
    clippy::print_stdout,
    reason = "a random test says its seed and its figures"
)]

use super::super::desk::Office;
use super::super::{BaseCell, Cells, Seasonality, Seen, TargetSeeds, accept, confirm, explain};
use super::*;
use crate::domain::fact::Facts;
use crate::domain::money::Money;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A plan file with its office: 1 000 000 a month, check 25 000, 5 of 100.
struct File {
    office: Office,
    seeds: TargetSeeds,
    seen: Cells<Seen>,
    base: Cells<BaseCell>,
}

impl File {
    /// Company (1) → North (2: people 11, 12) and South (3: person 13); person 14 is the company's.
    fn of_two_departments() -> File {
        let mut office = Office::new(Facts::default());
        office.department(1, None);
        office.department(2, Some(1));
        office.department(3, Some(1));
        for (user, department, revenue) in [(11, 2, 300), (12, 2, 100), (13, 3, 400), (14, 1, 0)] {
            office.user(user, department, revenue);
        }
        File::new(office)
    }

    fn new(office: Office) -> File {
        let seeds = TargetSeeds {
            break_even: Some(money("1000000")),
            profit: None,
            margin: Decimal::ONE,
            avg_check: Some(money("25000")),
            conversion: Some((5, 100)),
            growth: Decimal::ZERO,
            seasonality: Seasonality::Flat,
        };
        let mut file = File {
            office,
            seeds,
            seen: Cells::new(),
            base: Cells::new(),
        };
        let fixed = file.replan().cells.into_keys();
        let fixed =
            fixed.filter(|key| !key.table.starts_with("plan_dep") && key.table != EMPLOYEE_TABLE);
        file.seen = fixed.map(|key| (key, Seen::Blank)).collect();
        file
    }

    fn replan(&self) -> Replanned {
        self.office.replan(&self.seeds, &self.seen, &self.base)
    }

    fn pass(&mut self) -> Replanned {
        let plan = self.replan();
        self.base.extend(accept(&plan, &self.base));
        self.office.insert_rows(&plan, &mut self.seen);
        for (key, written) in plan.writes() {
            let shown = written.map_or(Seen::Blank, Seen::Number);
            self.seen.insert(key.clone(), shown);
        }
        self.base
            .extend(confirm(&plan, &self.base, &BTreeSet::new()));
        let again = self.replan();
        let first = again.writes().next();
        assert_eq!(first, None, "a second run writes nothing");
        assert!(confirm(&again, &self.base, &BTreeSet::new()).is_empty());
        plan
    }

    fn types(&mut self, member: Member, indicator: &str, column: &str, text: &str) {
        let key = CellKey::new(member.table(), &member.row(indicator), column);
        let seen = text.parse().map_or(Seen::Blank, Seen::Number);
        assert!(
            self.seen.insert(key, seen).is_some(),
            "{member:?} has a row"
        );
    }
}

const NORTH: Member = Member::Department(2);
const SOUTH: Member = Member::Department(3);

fn shown(plan: &Replanned, member: Member, indicator: &str, column: &str) -> String {
    let key = CellKey::new(member.table(), &member.row(indicator), column);
    let value = plan.cells.get(&key).and_then(|cell| cell.value);
    value.map_or("blank".to_owned(), plain)
}

/// Every indicator of every parent is the sum of its children, unless it is told.
fn assert_adds_up(plan: &Replanned) {
    let mut families: BTreeMap<Option<Member>, Vec<Member>> = BTreeMap::new();
    for (child, (parent, _)) in &plan.families {
        families.entry(*parent).or_default().push(*child);
    }
    for (parent, children) in families {
        for metric in INDICATORS {
            for month in Month::of_year(2026) {
                let period = Period::Month(month);
                let key = parent.map_or(CellKey::plan(metric, period), |parent| {
                    parent.cell(metric.key(), period)
                });
                let Some(whole) = plan.cells.get(&key).and_then(|cell| cell.value) else {
                    continue;
                };
                let parts = children
                    .iter()
                    .filter_map(|child| plan.cells.get(&child.cell(metric.key(), period))?.value);
                let sum: Decimal = parts.sum();
                let is_told = plan.notices.iter().any(|notice| {
                    notice.code == "parts_do_not_add_up" && notice.cell.as_ref() == Some(&key)
                });
                assert!(sum == whole || is_told, "{key}: {sum} of {whole}");
            }
        }
    }
}

#[test]
fn a_company_is_shared_by_what_people_brought() {
    let mut file = File::of_two_departments();
    let plan = file.pass();
    // 300 : 100 : 400 of 800; the average of three is 100.
    for (user, weight, revenue) in [
        (11, "112", "373333.33"),
        (12, "38", "126666.67"),
        (13, "150", "500000"),
        (14, "0", "0"),
    ] {
        let member = Member::User(user);
        assert_eq!(shown(&plan, member, "weight", "2026-05"), weight);
        assert_eq!(shown(&plan, member, "revenue", "2026-05"), revenue);
    }
    assert_eq!(shown(&plan, NORTH, "weight", "2026-05"), "150");
    assert_eq!(shown(&plan, NORTH, "revenue", "2026-05"), "500000");
    assert_eq!(shown(&plan, SOUTH, "revenue", "2026-05"), "500000");
    assert_eq!(shown(&plan, NORTH, "leads_created", "2026"), "4800");
    assert_adds_up(&plan);
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
    let rows: Vec<String> = plan.rows.iter().map(TreeRow::key).collect();
    assert_eq!(rows[0], "user:14/profit");
    assert!(rows.contains(&"dept:2/weight".to_owned()));
    assert!(
        !rows.iter().any(|row| row.contains("calls")),
        "calls are not planned"
    );
}

#[test]
fn a_persons_edit_is_absorbed_by_colleagues_and_followed_along_the_chain() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(Member::User(12), "revenue", "2026-05", "250000");
    let plan = file.pass();
    assert_adds_up(&plan);
    assert_eq!(
        shown(&plan, NORTH, "revenue", "2026-05"),
        "500000",
        "the parent holds"
    );
    assert_eq!(
        shown(&plan, Member::User(11), "revenue", "2026-05"),
        "250000"
    );
    // Half of North's revenue takes half of its deals and leads.
    assert_eq!(shown(&plan, NORTH, "leads_created", "2026-05"), "400");
    assert_eq!(
        shown(&plan, Member::User(12), "leads_created", "2026-05"),
        "200"
    );
    assert_eq!(
        shown(&plan, Member::User(11), "leads_created", "2026-05"),
        "200"
    );
    // Other months stay.
    let before = shown(&plan, Member::User(12), "revenue", "2026-06");
    assert_eq!(before, shown(&plan, Member::User(12), "revenue", "2026-07"));
    // Handed back.
    file.types(Member::User(12), "revenue", "2026-05", "");
    let plan = file.pass();
    assert_eq!(shown(&plan, Member::User(12), "revenue", "2026-05"), before);
}

#[test]
fn a_typed_weight_moves_the_plan() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(Member::User(14), "weight", "2026-05", "151");
    file.types(Member::User(11), "weight", "2026", "50");
    let plan = file.pass();
    assert_adds_up(&plan);
    assert_eq!(shown(&plan, Member::User(14), "weight", "2026-05"), "151");
    assert_eq!(shown(&plan, Member::User(14), "weight", "2026-06"), "0");
    assert_eq!(shown(&plan, Member::User(11), "weight", "2026-09"), "50");
    assert_eq!(shown(&plan, NORTH, "weight", "2026-09"), "88");
    // An emptied year takes the weight of history again.
    file.types(Member::User(11), "weight", "2026", "");
    let plan = file.pass();
    assert_eq!(shown(&plan, Member::User(11), "weight", "2026-09"), "112");
}

#[test]
fn ways_of_sharing() {
    let split_by = CellKey::target("split_by");
    let mut file = File::of_two_departments();
    file.seen.insert(split_by.clone(), Seen::Blank);
    let plan = file.pass();
    assert_eq!(
        plan.cells[&split_by].value,
        Some(Decimal::TWO),
        "people have history"
    );
    file.seen
        .insert(split_by.clone(), Seen::Number(Decimal::ONE));
    let plan = file.pass();
    assert_eq!(shown(&plan, NORTH, "revenue", "2026-05"), "333333.33");
    assert_eq!(
        shown(&plan, Member::User(11), "leads_created", "2026-05"),
        "134"
    );
    file.seen.insert(split_by, Seen::Number(Decimal::from(3)));
    let plan = file.pass();
    assert_eq!(shown(&plan, NORTH, "weight", "2026-05"), "200");
    assert_eq!(shown(&plan, NORTH, "revenue", "2026-05"), "500000");
    assert_adds_up(&plan);
}

#[test]
fn seeded_weights_do_not_drift_with_facts() {
    let mut file = File::of_two_departments();
    let before = file.pass();
    file.office.user(12, 2, 5_000);
    file.office.directory.users.pop();
    let after = file.pass();
    for (key, cell) in &before.cells {
        assert_eq!(after.cells[key].value, cell.value, "{key}");
    }
}

#[test]
fn who_leaves_and_who_joins() {
    let mut file = File::of_two_departments();
    file.pass();
    file.office.directory.users[0].active = false;
    file.office.user(15, 3, 0);
    let plan = file.pass();
    assert_adds_up(&plan);
    let (gone, new) = (Member::User(11), Member::User(15));
    assert_eq!(shown(&plan, gone, "weight", "2026-10"), "112");
    assert_eq!(shown(&plan, gone, "weight", "2026-11"), "0");
    assert_eq!(shown(&plan, gone, "revenue", "2026-12"), "0");
    assert_eq!(shown(&plan, new, "weight", "2026-10"), "0");
}

#[test]
fn more_typed_than_the_department_has_is_told_with_its_cells() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(Member::User(12), "deals_won", "2026-05", "500");
    let plan = file.pass();
    let told: Vec<_> = plan
        .notices
        .iter()
        .map(|n| (n.code.as_str(), &n.cells))
        .collect();
    let cell = CellKey::new(EMPLOYEE_TABLE, "user:12/deals_won", "2026-05");
    assert_eq!(told, [("parts_do_not_add_up", &vec![cell])]);
    assert_eq!(plan.notices[0].values[..2], ["20", "500"]);
    assert_eq!(
        shown(&plan, Member::User(12), "deals_won", "2026-05"),
        "500"
    );
    assert_eq!(shown(&plan, Member::User(11), "deals_won", "2026-05"), "0");
    assert_adds_up(&plan);
}

#[test]
fn a_department_is_edited_and_its_people_follow() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(NORTH, "leads_created", "2026", "6000");
    file.types(SOUTH, "revenue", "2026-02", "100000");
    let plan = file.pass();
    assert_adds_up(&plan);
    assert_eq!(shown(&plan, NORTH, "leads_created", "2026"), "6000");
    assert_eq!(shown(&plan, NORTH, "revenue", "2026-02"), "900000");
    assert_eq!(
        shown(&plan, Member::User(13), "revenue", "2026-02"),
        "100000"
    );
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
}

#[test]
fn a_deleted_row_comes_back_with_what_people_typed() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(Member::User(12), "revenue", "2026-05", "70000");
    file.pass();
    let row = Member::User(12).row("revenue");
    file.seen.retain(|key, _| key.row != row);
    // It dies before the batch, then after it.
    let plan = file.replan();
    file.base.extend(accept(&plan, &file.base));
    let plan = file.replan();
    file.base.extend(accept(&plan, &file.base));
    file.office.insert_rows(&plan, &mut file.seen);
    for (key, written) in plan.writes() {
        let shown = written.map_or(Seen::Blank, Seen::Number);
        file.seen.insert(key.clone(), shown);
    }
    let plan = file.pass();
    let key = CellKey::new(EMPLOYEE_TABLE, &row, "2026-05");
    assert_eq!(plan.cells[&key].owner, Owner::Person);
    assert_eq!(file.seen[&key], Seen::Number(Decimal::from(70_000)));
    let other = CellKey::new(EMPLOYEE_TABLE, &row, "2026-06");
    assert_eq!(plan.cells[&other].owner, Owner::Daemon);
}

/// Company 14504 of the long run: 3 leads, typed over with 6, typed back to 3, and a colleague's
/// lock that takes them.
#[test]
fn a_number_that_is_typed_back_is_no_edit() {
    let mut file = File::of_two_departments();
    let plan = file.pass();
    let before = shown(&plan, Member::User(11), "leads_created", "2026-05");
    file.types(Member::User(11), "leads_created", "2026-05", "7");
    file.types(Member::User(11), "leads_created", "2026-05", &before);
    file.types(Member::User(12), "leads_created", "2026-05", "390");
    let plan = file.pass();
    assert_adds_up(&plan);
    assert_eq!(
        shown(&plan, Member::User(11), "leads_created", "2026-05"),
        "10",
        "{before} was the program's number"
    );
    // Once the program has seen another number there, the one before it is an edit like any other.
    file.types(Member::User(11), "leads_created", "2026-05", "7");
    file.pass();
    file.types(Member::User(11), "leads_created", "2026-05", "10");
    file.types(Member::User(12), "leads_created", "2026-05", "");
    let plan = file.pass();
    let key = CellKey::new(EMPLOYEE_TABLE, "user:11/leads_created", "2026-05");
    assert_eq!(plan.cells[&key].owner, Owner::Person);
    assert_eq!(
        shown(&plan, Member::User(12), "leads_created", "2026-05"),
        "390"
    );
}

/// History 213 of the long run. The store keeps numbers; text that says nothing goes with its row.
#[test]
fn a_deleted_row_comes_back_with_the_last_numbers_and_without_text() {
    let row = Member::User(12).row("revenue");
    let (may, june) = (
        CellKey::new(EMPLOYEE_TABLE, &row, "2026-05"),
        CellKey::new(EMPLOYEE_TABLE, &row, "2026-06"),
    );
    let mut file = File::of_two_departments();
    let before = file.pass();
    file.types(Member::User(12), "revenue", "2026-05", "70000");
    file.pass();
    for key in [&may, &june] {
        file.seen
            .insert(key.clone(), Seen::Text("later".to_owned()));
    }
    let plan = file.pass();
    assert_eq!(plan.notices.len(), 2, "{:?}", plan.notices);
    assert_eq!(file.seen[&june], Seen::Text("later".to_owned()));
    file.seen.retain(|key, _| key.row != row);
    let plan = file.pass();
    assert_eq!(file.seen[&may], Seen::Number(Decimal::from(70_000)));
    assert_eq!(plan.cells[&may].owner, Owner::Person);
    assert_eq!(plan.cells[&june].owner, Owner::Daemon);
    assert_eq!(plan.cells[&june].value, before.cells[&june].value);
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
    assert_adds_up(&plan);
}

/// History 5299 of the long run: the company plans no proposals any more, a department's typed number of
/// them stands, and its row is deleted.
#[test]
fn what_people_typed_outlives_the_companys_plan_of_the_indicator() {
    let mut file = File::of_two_departments();
    file.pass();
    let company = CellKey::plan(
        Metric::Proposals,
        "2026-05".parse().map(Period::Month).unwrap(),
    );
    file.seen
        .insert(company.clone(), Seen::Number(Decimal::from(30)));
    let plan = file.pass();
    assert_eq!(shown(&plan, SOUTH, "proposals", "2026-05"), "15");
    file.types(NORTH, "proposals", "2026-07", "5");
    file.types(NORTH, "proposals", "2026", "203");
    file.pass();
    file.seen.insert(company, Seen::Blank);
    file.pass();
    let cell = |member: Member, column: &str| {
        CellKey::new(member.table(), &member.row("proposals"), column)
    };
    assert_eq!(
        file.seen[&cell(SOUTH, "2026-05")],
        Seen::Blank,
        "the program's is taken back"
    );
    assert_eq!(
        file.seen[&cell(NORTH, "2026-07")],
        Seen::Number(Decimal::from(5))
    );
    assert_eq!(
        file.seen[&cell(NORTH, "2026")],
        Seen::Number(Decimal::from(203))
    );
    // An edit made now is met as well.
    file.types(NORTH, "proposals", "2026-08", "7");
    file.pass();
    file.seen.retain(|key, _| key.row != NORTH.row("proposals"));
    let plan = file.pass();
    for (column, number) in [("2026-07", 5), ("2026-08", 7), ("2026", 203)] {
        let key = cell(NORTH, column);
        assert_eq!(
            file.seen[&key],
            Seen::Number(Decimal::from(number)),
            "{column}"
        );
        assert_eq!(plan.cells[&key].owner, Owner::Person, "{column}");
    }
    // When nothing of it is typed any more its rows stay, blank: they do not come and go.
    for column in ["2026-07", "2026-08", "2026"] {
        file.types(NORTH, "proposals", column, "");
    }
    file.pass();
    let plan = file.pass();
    assert_eq!(plan.writes().count(), 0, "a second pass writes nothing");
    for member in [NORTH, SOUTH] {
        for column in ["2026-05", "2026-07", "2026"] {
            let key = cell(member, column);
            assert_eq!(file.seen[&key], Seen::Blank, "{key}");
            assert!(plan.cells.contains_key(&key), "{key} has no row");
        }
    }
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
}

#[test]
fn every_generated_cell_explains_itself() {
    let mut file = File::of_two_departments();
    file.pass();
    file.types(Member::User(12), "revenue", "2026-05", "70000");
    file.types(NORTH, "leads_created", "2026", "6000");
    let plan = file.pass();
    let cell = |member: Member, metric: &str, column: &str| {
        let key = CellKey::new(member.table(), &member.row(metric), column);
        explain(&plan, &key).unwrap()
    };
    let of_north = cell(NORTH, "revenue", "2026-06");
    assert_eq!(of_north.formula, "500000 = 1000000 × 150 ÷ 300");
    let colleague = cell(Member::User(11), "revenue", "2026-05");
    assert_eq!(colleague.formula, "430000 = (500000 − 70000) × 112 ÷ 112");
    assert_eq!(cell(Member::User(12), "revenue", "2026-05").rule, "typed");
    assert_eq!(
        cell(NORTH, "leads_created", "2026-06").rule,
        "rest_of_total"
    );
    assert_eq!(
        cell(Member::User(11), "weight", "2026-06").rule,
        "seeded_weight"
    );
    for (key, cell) in &plan.cells {
        let derived = explain(&plan, key);
        assert_eq!(cell.value.is_some(), derived.is_some(), "{key}");
    }
}

/// F2 whole: four sellers, 20 sales of 40 000, and 890 points a seller.
#[test]
fn f2_the_sources_plan_of_four_sellers() {
    let mut office = Office::new(Facts::default());
    office.department(1, None);
    for user in 11..15 {
        office.user(user, 1, 100);
    }
    let mut file = File::new(office);
    (file.seeds.break_even, file.seeds.margin) = (Some(money("400000")), Decimal::new(5, 1));
    file.seeds.avg_check = Some(money("40000"));
    for (row, done, of) in [
        ("proposals", 15, 36),
        ("meetings", 36, 75),
        ("calls", 75, 1200),
    ] {
        for (column, number) in [("value", done), ("of", of)] {
            let key = CellKey::new("targets", row, column);
            file.seen.insert(key, Seen::Number(number.into()));
        }
    }
    let plan = file.pass();
    let needs = [
        ("calls", "1600"),
        ("meetings", "100"),
        ("proposals", "48"),
        ("deals_won", "20"),
    ];
    for (row, need) in needs {
        let key = CellKey::new("plan_company", row, "2026-05");
        assert_eq!(
            plan.cells[&key].value.map(plain),
            Some(need.to_owned()),
            "{row}"
        );
    }
    for user in 11..15 {
        let seller = Member::User(user);
        let of = |indicator: &str| {
            shown(&plan, seller, indicator, "2026-05")
                .parse::<i64>()
                .unwrap()
        };
        assert_eq!(of("revenue"), 200_000);
        assert_eq!(of("deals_won"), 5);
        assert_eq!(
            of("calls") + 10 * of("meetings") + 20 * of("proposals"),
            890
        );
    }
}

/// N3. Random companies with random locks anywhere: company, departments, people, months and years.
/// `PLANFACT_TREES` sets how many (300 here, 100,000 in the long run), `PLANFACT_SEED` the seed,
/// `PLANFACT_FROM` the first one, so that a single company of a long run can be made again.
#[test]
fn random_trees_add_up_and_keep_their_locks() {
    let wanted = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (seed, count) = (wanted("PLANFACT_SEED", 2026), wanted("PLANFACT_TREES", 300));
    let first = wanted("PLANFACT_FROM", 0);
    println!("tree: {count} random companies from {first}, seed {seed}");
    let (mut locks, mut told) = (0, 0_usize);
    for index in first..first + count {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(index));
        let mut file = random_company(&mut random);
        file.pass();
        let typed = type_at_random(&mut file, &mut random);
        let plan = file.replan();
        assert_adds_up(&plan);
        for (key, number) in &typed {
            assert_eq!(
                plan.cells[key].value,
                Some(*number),
                "company {index}: {key}"
            );
            assert_eq!(
                plan.cells[key].write, None,
                "company {index}: {key} is overwritten"
            );
        }
        assert_years_add_up(&plan, index);
        assert_told_with_cells(&plan, &typed, index);
        locks += typed.len();
        told += usize::from(!plan.notices.is_empty());
    }
    println!("{locks} locks; {told} companies had locks that cannot be met, each told");
}

fn random_company(random: &mut StdRng) -> File {
    let mut office = Office::new(Facts::default());
    office.department(1, None);
    let departments = random.random_range(0..5_u64);
    for id in 2..2 + departments {
        office.department(id, Some(random.random_range(1..id)));
    }
    for user in 0..random.random_range(1..8_u64) {
        let home = random.random_range(1..2 + departments);
        let revenue = random.random_range(0..900);
        office.user(100 + user, home, revenue);
    }
    let mut file = File::new(office);
    file.seeds.break_even = Some(Money::from_units(random.random_range(1..900_000_000)));
    file.seeds.growth = Decimal::new(random.random_range(0..50), 3);
    file
}

/// Types into a few cells of plans and weights; numbers from far too small to far too large.
fn type_at_random(file: &mut File, random: &mut StdRng) -> Cells<Decimal> {
    let keys: Vec<CellKey> = file
        .seen
        .keys()
        .filter(|key| key.table != "targets" && !key.row.ends_with("profit"))
        .cloned()
        .collect();
    let mut typed = Cells::new();
    for _ in 0..random.random_range(1..9) {
        let key = &keys[random.random_range(0..keys.len())];
        let shown = match &file.seen[key] {
            Seen::Number(number) => *number,
            _ => Decimal::from(10),
        };
        let factor = Decimal::new(random.random_range(0..300), 2);
        let number = (shown * factor).round() + Decimal::ONE;
        if shown != number {
            file.seen.insert(key.clone(), Seen::Number(number));
            // Back at what the program wrote there: no edit, the cell is its own.
            if file.base.get(key).and_then(|base| base.base) == Some(number) {
                typed.remove(key);
            } else {
                typed.insert(key.clone(), number);
            }
        }
    }
    typed
}

/// A year is the sum of its months, unless a person typed it and it is told.
fn assert_years_add_up(plan: &Replanned, index: u64) {
    for (key, cell) in plan.cells.iter().filter(|(key, _)| key.column == "2026") {
        if key.table == "targets" || key.row.ends_with(WEIGHT) {
            continue;
        }
        let months = Month::of_year(2026).filter_map(|month| {
            let key = CellKey::new(&key.table, &key.row, &month.to_string());
            plan.cells.get(&key)?.value
        });
        let sum = months.reduce(|sum, month| sum + month);
        let is_told = plan
            .notices
            .iter()
            .any(|notice| notice.cell.as_ref() == Some(key));
        let is_met = super::super::merge::same(sum, cell.value);
        assert!(
            is_met || is_told,
            "company {index}: {key}: {sum:?} of {:?}",
            cell.value
        );
    }
}

/// What cannot add up is told with the cells that hold it up, each of them typed: all months that a
/// typed year cannot move, and somebody in each month that is off.
fn assert_told_with_cells(plan: &Replanned, typed: &Cells<Decimal>, index: u64) {
    for notice in &plan.notices {
        let Some(cell) = &notice.cell else { continue };
        match notice.code.as_str() {
            "parts_do_not_add_up" => {
                assert_ne!(notice.cells, [], "company {index}: {cell} names nobody");
            }
            "locks_do_not_add_up" => {
                assert!(typed.contains_key(cell), "company {index}: {cell}");
                let of_row =
                    |key: &&CellKey| key.table == cell.table && key.row == cell.row && *key != cell;
                let months: Vec<&CellKey> = typed.keys().filter(of_row).collect();
                let named: Vec<&CellKey> = notice.cells.iter().collect();
                assert_eq!(named, months, "company {index}: {cell}");
            }
            _ => continue,
        }
        let is_named = notice.cells.iter().all(|key| typed.contains_key(key));
        assert!(
            is_named,
            "company {index}: {cell} names a cell of the program"
        );
    }
}

/// N4. The derivation of every generated number, computed, is the number.
#[test]
fn every_derivation_computes_to_its_number() {
    let mut computed = 0;
    for seed in 0..25 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut file = random_company(&mut random);
        for (row, done, of) in [
            ("proposals", 15, 36),
            ("meetings", 36, 75),
            ("calls", 75, 1200),
        ] {
            for (column, number) in [("value", done), ("of", of)] {
                let key = CellKey::new("targets", row, column);
                file.seen.insert(key, Seen::Number(number.into()));
            }
        }
        file.pass();
        type_at_random(&mut file, &mut random);
        let plan = file.replan();
        for key in plan.cells.keys() {
            let Some(derived) = explain(&plan, key) else {
                continue;
            };
            if matches!(
                derived.rule,
                "typed" | "last_good" | "target" | "seeded_weight"
            ) {
                continue;
            }
            let indicator = key.row.rsplit('/').next().unwrap_or_default();
            let unit = Metric::from_key(indicator).map_or(Decimal::ONE, |m| grain_of(m).amount(1));
            let sides = super::super::evaluate::sides(&derived.formula, unit);
            let (left, right, is_exact) =
                sides.unwrap_or_else(|| panic!("{key}: {} cannot be read", derived.formula));
            let off = (&left - &right).to_integer();
            let close = (&left - &right) < ratio_of(unit) && (&right - &left) < ratio_of(unit);
            let holds = if is_exact { left == right } else { close };
            assert!(
                holds,
                "company {seed}, {key}: {} is off by {off}",
                derived.formula
            );
            computed += 1;
        }
    }
    println!("{computed} derivations computed");
    assert!(computed > 1_000);
}
