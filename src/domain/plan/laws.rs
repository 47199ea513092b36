//! Laws of a plan file under random edits, deaths and vanishing cells.
//!
//! A world is a sheet and a store. People type, clear and spoil cells; passes run, some of them die
//! before the batch or between the batch and its confirmation.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::desk::Office;
use super::merge::same;
use super::*;
use crate::domain::fact::Facts;
use crate::domain::money::Money;

const YEAR: i32 = 2026;

/// What happens to the world in one step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A person types into the cell with this index.
    Types(usize, Typed),
    /// The cell is cut out of the sheet, or put back with its content.
    Cuts(usize),
    /// A whole pass.
    Pass,
    /// A pass that dies after `accept`.
    DiesBeforeBatch,
    /// A pass that dies after the batch.
    DiesBeforeConfirm,
}

#[derive(Debug, Clone)]
pub(super) enum Typed {
    Number(u32),
    Blank,
    Spoiled,
    Negative,
}

pub(super) struct World {
    pub(super) seeds: TargetSeeds,
    pub(super) office: Office,
    pub(super) sheet: Cells<Seen>,
    cut: Cells<Seen>,
    pub(super) store: Cells<BaseCell>,
    /// What people typed and must find again.
    pub(super) typed: BTreeMap<CellKey, Seen>,
}

impl World {
    pub(super) fn new(seeds: TargetSeeds) -> World {
        let mut office = Office::new(Facts::default());
        office.department(1, None);
        for id in [2, 3] {
            office.department(id, Some(1));
        }
        for (id, department) in [(11, 2), (12, 2), (13, 3), (14, 1)] {
            office.user(id, department, 1_000 * id as i64);
        }
        let mut world = World {
            seeds,
            office,
            sheet: Cells::new(),
            cut: Cells::new(),
            store: Cells::new(),
            typed: BTreeMap::new(),
        };
        let keys = world.replan().cells.into_keys();
        // The rows of departments and people are put there by the first pass.
        let fixed = keys.filter(|key| key.table == TARGETS_TABLE || key.table == PLAN_TABLE);
        world.sheet = fixed.map(|key| (key, Seen::Blank)).collect();
        world
    }

    pub(super) fn replan(&self) -> Replanned {
        self.office.replan(&self.seeds, &self.sheet, &self.store)
    }

    pub(super) fn publish(&mut self, plan: &Replanned) {
        let before: BTreeSet<CellKey> = self.sheet.keys().cloned().collect();
        self.office.insert_rows(plan, &mut self.sheet);
        for (key, written) in plan.writes() {
            let is_back = !before.contains(key);
            assert!(
                is_back || !self.typed.contains_key(key),
                "{key} belongs to a person"
            );
            assert!(self.sheet.contains_key(key), "{key} is not in the sheet");
            // Through a double, as a spreadsheet does.
            let shown = written.map_or(Seen::Blank, |n| Seen::of_f64(n.to_f64().unwrap()));
            self.sheet.insert(key.clone(), shown);
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Types(index, typed) => self.types(*index, typed),
            Step::Cuts(index) => self.cuts(*index),
            Step::Pass => {
                let plan = self.replan();
                self.store.extend(accept(&plan, &self.store));
                self.publish(&plan);
                self.store
                    .extend(confirm(&plan, &self.store, &BTreeSet::new()));
                self.check(&plan);
            }
            Step::DiesBeforeBatch => {
                let plan = self.replan();
                self.store.extend(accept(&plan, &self.store));
                let again = self.replan();
                assert!(
                    plan.writes().eq(again.writes()),
                    "the next pass does the same"
                );
            }
            Step::DiesBeforeConfirm => {
                let plan = self.replan();
                self.store.extend(accept(&plan, &self.store));
                self.publish(&plan);
                let next = self.replan();
                assert_eq!(next.writes().count(), 0, "the batch had arrived");
                for (key, cell) in &next.cells {
                    assert_eq!(cell.owner, plan.cells[key].owner, "{key} changed hands");
                }
            }
        }
    }

    fn key(&self, index: usize) -> Option<CellKey> {
        self.sheet
            .keys()
            .nth(index % self.sheet.len().max(1))
            .cloned()
    }

    fn types(&mut self, index: usize, typed: &Typed) {
        let Some(key) = self.key(index) else { return };
        let seen = match typed {
            Typed::Number(number) => Seen::Number(Decimal::new(i64::from(*number), 3).normalize()),
            Typed::Blank => Seen::Blank,
            Typed::Spoiled => Seen::Text("soon".to_owned()),
            Typed::Negative => Seen::Number(Decimal::new(-7, 0)),
        };
        // Typing what stands there, or what is about to be written there, is no edit.
        if let Seen::Number(number) = &seen {
            let number = Some(*number);
            let generated = self.replan().cells[&key].value;
            let base = self.store.get(&key);
            let known = base.is_some_and(|base| {
                same(base.base, number) || base.pending.is_some_and(|kept| same(kept, number))
            });
            if known || same(generated, number) {
                return;
            }
        }
        self.typed.remove(&key);
        if seen != Seen::Blank {
            self.typed.insert(key.clone(), seen.clone());
        }
        self.sheet.insert(key, seen);
    }

    fn cuts(&mut self, index: usize) {
        if let Some((key, seen)) = self.cut.pop_first() {
            self.sheet.insert(key, seen);
        } else if let Some(key) = self.key(index) {
            let seen = self.sheet.remove(&key).unwrap();
            self.cut.insert(key, seen);
        }
    }

    /// After a confirmed pass: silence, every typed cell as typed, every total right.
    fn check(&self, plan: &Replanned) {
        let again = self.replan();
        assert_eq!(again.writes().next(), None, "a second run writes nothing");
        assert!(confirm(&again, &self.store, &BTreeSet::new()).is_empty());
        for (key, cell) in &plan.cells {
            assert_eq!(again.cells[key].value, cell.value, "{key} drifts");
        }
        for (key, seen) in &self.typed {
            let standing = self.sheet.get(key).or_else(|| self.cut.get(key));
            assert_eq!(standing, Some(seen), "{key} was overwritten");
            let range = target_cells().into_iter().find(|cell| cell.key == *key);
            let range = range.map_or(Range::NotNegative, |cell| cell.range);
            if let Seen::Number(number) = seen
                && range.check(*number).is_ok()
                && self.sheet.contains_key(key)
            {
                assert_eq!(plan.cells[key].value, Some(*number), "{key} is in force");
            }
        }
        self.check_totals(plan);
        self.check_families(plan);
    }

    /// The children of everybody add up to him, month by month, unless it is told.
    fn check_families(&self, plan: &Replanned) {
        let mut sums: BTreeMap<CellKey, Decimal> = BTreeMap::new();
        for (member, (parent, _)) in &plan.families {
            for metric in PLAN_ROWS {
                for month in Month::of_year(YEAR) {
                    let column = month.to_string();
                    let own = CellKey::new(member.table(), &member.row(metric.key()), &column);
                    let Some(cell) = plan.cells.get(&own) else {
                        continue;
                    };
                    let above = match parent {
                        None => CellKey::plan(metric, Period::Month(month)),
                        Some(parent) => {
                            CellKey::new(parent.table(), &parent.row(metric.key()), &column)
                        }
                    };
                    *sums.entry(above).or_default() += cell.value.unwrap_or_default();
                }
            }
        }
        for (key, sum) in sums {
            let told = plan.notices.iter().any(|notice| {
                notice.code == "parts_do_not_add_up" && notice.cell.as_ref() == Some(&key)
            });
            let whole = plan.cells[&key].value;
            assert!(
                told || whole.is_none() || same(whole, Some(sum)),
                "{key}: {sum} of {whole:?}"
            );
        }
    }

    fn check_totals(&self, plan: &Replanned) {
        for metric in PLAN_ROWS {
            let key = CellKey::plan(metric, Period::Year(YEAR));
            let months = Month::of_year(YEAR).filter_map(|month| plan.plan_of_month(metric, month));
            let sum = months.reduce(|sum, month| sum + month);
            let told = plan.notices.iter().any(|notice| {
                notice.code == "locks_do_not_add_up" && notice.cell.as_ref() == Some(&key)
            });
            let total = plan.cells[&key].value;
            assert!(told || same(total, sum), "{key}: {total:?} is not {sum:?}");
        }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let typed = prop_oneof![
        5 => (0_u32..2_000_000_000).prop_map(Typed::Number),
        2 => (0_u32..2_000).prop_map(Typed::Number),
        3 => Just(Typed::Blank),
        1 => Just(Typed::Spoiled),
        1 => Just(Typed::Negative),
    ];
    prop_oneof![
        6 => (any::<u16>(), typed).prop_map(|(index, typed)| Step::Types(index.into(), typed)),
        1 => any::<u16>().prop_map(|index| Step::Cuts(index.into())),
        3 => Just(Step::Pass),
        1 => Just(Step::DiesBeforeBatch),
        1 => Just(Step::DiesBeforeConfirm),
    ]
}

pub(super) fn any_seeds() -> impl Strategy<Value = TargetSeeds> {
    let money = || prop::option::of((0_i64..50_000_000_000).prop_map(Money::from_units));
    let positive = prop::option::of((1_i64..5_000_000_000).prop_map(Money::from_units));
    (
        money(),
        money(),
        1_i64..=100,
        positive,
        prop::option::of((1_u64..50, 1_u64..500)),
        -20_i64..100,
        prop::option::of(prop::array::uniform12(0_i64..300)),
    )
        .prop_map(
            |(break_even, profit, margin, avg_check, conversion, growth, seasons)| TargetSeeds {
                break_even,
                profit,
                margin: Decimal::new(margin, 2),
                avg_check,
                conversion,
                growth: Decimal::new(growth, 3),
                seasonality: seasons.map_or(Seasonality::Flat, |seasons| {
                    Seasonality::Months(seasons.map(|season| Decimal::new(season, 2)))
                }),
            },
        )
}

proptest! {
    // A case is a whole history of passes: an eighth of the usual number of cases.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        ..ProptestConfig::default()
    })]

    #[test]
    fn people_keep_their_cells_and_a_second_run_is_silent(
        seeds in any_seeds(),
        steps in prop::collection::vec(any_step(), 1..24),
    ) {
        let mut world = World::new(seeds);
        for step in &steps {
            world.step(step);
        }
        world.step(&Step::Pass);
    }
}
