//! Restoring and undoing, on single cells and under random edits and deaths.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::laws::{Step, Typed, World, any_seeds};
use super::super::{Seasonality, TargetSeeds, accept, confirm};
use super::*;
use crate::domain::money::Money;

fn seeds() -> TargetSeeds {
    TargetSeeds {
        break_even: Some(Money::from_units(10_000_000_000)),
        profit: None,
        margin: Decimal::ONE,
        avg_check: Some(Money::from_units(250_000_000)),
        conversion: Some((5, 100)),
        growth: Decimal::ZERO,
        seasonality: Seasonality::Flat,
    }
}

fn key(text: &str) -> CellKey {
    let (table, rest) = text.split_once('/').unwrap();
    let (row, column) = rest.rsplit_once('/').unwrap();
    CellKey::new(table, row, column)
}

fn settled() -> World {
    let mut world = World::new(seeds());
    world.step(&Step::Pass);
    world
}

fn types(world: &mut World, cell: &str, number: i64) {
    world.sheet.insert(key(cell), Seen::Number(number.into()));
}

/// A pass that tells what it changed.
fn pass(world: &mut World) -> Vec<PlanChange> {
    let accepted = accept(&world.replan(), &world.store);
    let told = changes(&accepted, &world.store, &Cells::new());
    world.step(&Step::Pass);
    told
}

/// What `restore` makes of the world.
fn restored(world: &World, target: &Cells<Held>) -> Replanned {
    let standing = super::super::desk::standing(&world.sheet);
    let office = &world.office;
    restore(
        &PlanInput {
            year: 2026,
            current: crate::domain::calendar::Month {
                year: 2026,
                month: 11,
            },
            calendar: &office.calendar,
            facts: &office.facts,
            directory: &office.directory,
            seeds: &world.seeds,
            seen: &world.sheet,
            standing: &standing,
            basis: &office.basis,
            base: &world.store,
        },
        target,
    )
}

/// How far a restoring pass comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    BeforeBatch,
    BeforeConfirm,
    Done,
}

/// A restoring pass; one that dies is followed by an ordinary one.
fn bring_back(world: &mut World, target: &Cells<Held>, end: End) -> Vec<PlanChange> {
    let plan = restored(world, target);
    let accepted = accept(&plan, &world.store);
    let told = changes(&accepted, &world.store, target);
    world.store.extend(accepted);
    // From now on people must find what they asked for.
    world.typed.clear();
    if end != End::BeforeBatch {
        world.publish(&plan);
    }
    if end == End::Done {
        let confirmed = confirm(&plan, &world.store, &BTreeSet::new());
        world.store.extend(confirmed);
    }
    world.step(&Step::Pass);
    told
}

fn differences(world: &World, target: &Cells<Held>) -> Vec<String> {
    let now = world.replan();
    assert_eq!(now.writes().count(), 0, "a second pass writes nothing");
    let differs = |(key, held): (&CellKey, &Held)| {
        let is: Held = now.cells.get(key)?.into();
        (!is.is_same(held)).then(|| format!("{key}: {is:?}, not {held:?}"))
    };
    target.iter().filter_map(differs).collect()
}

#[test]
fn a_change_is_told_with_its_source_and_once() {
    let mut world = settled();
    types(&mut world, "plan_company/revenue/2026-03", 1_300_000);
    types(&mut world, "targets/avg_check/value", 50_000);
    let told: BTreeMap<String, (ChangeSource, Option<Decimal>)> = pass(&mut world)
        .into_iter()
        .map(|change| (change.cell.to_string(), (change.source, change.after.value)))
        .collect();
    let cases = [
        (
            "plan_company/revenue/2026-03",
            ChangeSource::Sheet,
            1_300_000,
        ),
        (
            "plan_company/revenue/2026",
            ChangeSource::Targets,
            12_300_000,
        ),
        ("plan_company/deals_won/2026-03", ChangeSource::Targets, 26),
        ("targets/avg_check/value", ChangeSource::Sheet, 50_000),
    ];
    for (cell, source, value) in cases {
        assert_eq!(
            told.get(cell),
            Some(&(source, Some(value.into()))),
            "{cell}"
        );
    }
    assert!(!told.contains_key("plan_company/revenue/2026-04"));
    assert_eq!(pass(&mut world), [], "told once");
}

#[test]
fn undo_brings_back_a_persons_numbers_and_undone_twice_it_redoes() {
    let mut world = settled();
    let (march, deals) = (
        "plan_company/revenue/2026-03",
        "plan_company/deals_won/2026-03",
    );
    types(&mut world, march, 1_300_000);
    pass(&mut world);
    types(&mut world, march, 700_000);
    let set = pass(&mut world);
    let undone = bring_back(&mut world, &undo(&set), End::Done);
    assert_eq!(world.sheet[&key(march)], Seen::Number(1_300_000.into()));
    assert_eq!(world.sheet[&key(deals)], Seen::Number(52.into()));
    assert_eq!(world.store[&key(march)].owner, Owner::Person);
    assert!(
        undone
            .iter()
            .all(|change| change.source == ChangeSource::Restore)
    );
    bring_back(&mut world, &undo(&undone), End::Done);
    assert_eq!(world.sheet[&key(march)], Seen::Number(700_000.into()));
}

#[test]
fn the_first_edit_of_a_cell_is_undone_by_handing_it_back() {
    let mut world = settled();
    let march = "plan_company/revenue/2026-03";
    types(&mut world, march, 1_300_000);
    let set = pass(&mut world);
    for end in [End::BeforeBatch, End::BeforeConfirm, End::Done] {
        let mut other = settled();
        other.sheet.clone_from(&world.sheet);
        other.store.clone_from(&world.store);
        let mut world = other;
        bring_back(&mut world, &undo(&set), end);
        assert_eq!(
            world.sheet[&key(march)],
            Seen::Number(1_000_000.into()),
            "{end:?}"
        );
        assert_eq!(world.store[&key(march)].owner, Owner::Daemon, "{end:?}");
    }
}

#[test]
fn weights_come_back_with_the_way_of_sharing() {
    for end in [End::BeforeBatch, End::BeforeConfirm, End::Done] {
        let mut world = settled();
        let kept = held(&world.replan());
        types(&mut world, "targets/split_by/value", 1);
        let set = pass(&mut world);
        assert!(
            set.iter().any(|change| change.cell.row == "user:11/weight"),
            "equal shares are other weights"
        );
        bring_back(&mut world, &undo(&set), end);
        assert_eq!(differences(&world, &kept), [""; 0], "{end:?}");
    }
}

#[test]
fn an_edit_made_since_is_newer_than_what_was_asked() {
    let mut world = settled();
    let (march, june) = (
        "plan_company/revenue/2026-03",
        "plan_company/revenue/2026-06",
    );
    let kept = held(&world.replan());
    types(&mut world, march, 1_300_000);
    types(&mut world, june, 5);
    pass(&mut world);
    types(&mut world, march, 900_000);
    bring_back(&mut world, &kept, End::Done);
    assert_eq!(world.sheet[&key(march)], Seen::Number(900_000.into()));
    assert_eq!(world.sheet[&key(june)], Seen::Number(1_000_000.into()));
}

#[test]
fn something_unreadable_is_written_over() {
    let mut world = settled();
    let march = "plan_company/revenue/2026-03";
    types(&mut world, march, 1_300_000);
    pass(&mut world);
    let kept = held(&world.replan());
    world
        .sheet
        .insert(key(march), Seen::Text("soon".to_owned()));
    pass(&mut world);
    bring_back(&mut world, &kept, End::Done);
    assert_eq!(world.sheet[&key(march)], Seen::Number(1_300_000.into()));
    assert_eq!(differences(&world, &kept), [""; 0]);
}

fn any_edits() -> impl Strategy<Value = Vec<Step>> {
    let typed = prop_oneof![
        5 => (0_u32..2_000_000_000).prop_map(Typed::Number),
        2 => (1_u32..3_000).prop_map(Typed::Number),
        2 => Just(Typed::Blank),
    ];
    let step = prop_oneof![
        5 => (any::<u16>(), typed).prop_map(|(index, typed)| Step::Types(index.into(), typed)),
        2 => Just(Step::Pass),
        1 => Just(Step::DiesBeforeConfirm),
    ];
    prop::collection::vec(step, 1..10)
}

proptest! {
    // A case is a whole history of passes: a sixteenth of the usual number of cases.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 16,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_version_comes_back_with_equal_values_wherever_the_program_dies(
        seeds in any_seeds(),
        before in any_edits(),
        after in any_edits(),
        end in prop::sample::select(vec![End::BeforeBatch, End::BeforeConfirm, End::Done]),
    ) {
        let mut world = World::new(seeds);
        before.iter().chain([&Step::Pass]).for_each(|step| world.step(step));
        let kept = held(&world.replan());
        after.iter().chain([&Step::Pass]).for_each(|step| world.step(step));
        bring_back(&mut world, &kept, end);
        prop_assert_eq!(differences(&world, &kept), Vec::<String>::new());
    }
}
