//! Cases and random families: every month adds up, or it is told.

#![allow(
    clippy::print_stdout,
    reason = "a random test says its seed and its figures"
)]

use super::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn weight(number: i64) -> BigRational {
    BigRational::from(BigInt::from(number))
}

fn child(weight_of_all: i64) -> Child {
    Child {
        fixed: [None; MONTHS],
        total: None,
        weights: vec![weight(weight_of_all); MONTHS],
    }
}

fn parent(month: i64) -> Months {
    [Some(Decimal::from(month)); MONTHS]
}

fn january(allocation: &Allocation) -> Vec<i64> {
    let cell = |row: &Months| row[0].map_or(-1, |n| i64::try_from(n).unwrap());
    allocation.months.iter().map(cell).collect()
}

#[test]
fn f4_meetings_of_four_sellers() {
    let sellers = vec![child(1), child(1), child(1), child(1)];
    let out = allocate(&parent(101), &sellers, Grain::Unit);
    assert_eq!(january(&out), [26, 25, 25, 25]);
    assert!(out.imbalances.is_empty());
}

#[test]
fn a_typed_month_holds_and_the_others_absorb_it_by_weight() {
    let mut children = vec![child(1), child(1), child(2)];
    children[0].fixed[0] = Some(Some(Decimal::from(40)));
    let out = allocate(&parent(100), &children, Grain::Unit);
    assert_eq!(january(&out), [40, 20, 40]);
    assert_eq!(out.months[0][1], Some(Decimal::from(25)));
    let shares = shares(&parent(100), &children, &out);
    assert_eq!(shares[0][0], BigRational::new(2.into(), 5.into()));
    assert_eq!(shares[2][0], BigRational::new(2.into(), 5.into()));
    assert_eq!(
        shares[2][1],
        weight(2),
        "an untouched month keeps its weights"
    );
}

#[test]
fn more_typed_than_there_is_leaves_nothing_and_is_told() {
    let mut children = vec![child(1), child(1)];
    children[0].fixed[0] = Some(Some(Decimal::from(120)));
    let out = allocate(&parent(100), &children, Grain::Unit);
    assert_eq!(january(&out), [120, 0]);
    let told = Imbalance::Month {
        month: 0,
        parent: Decimal::from(100),
        children: Decimal::from(120),
    };
    assert_eq!(out.imbalances, [told]);
}

#[test]
fn every_child_typed_shows_the_imbalance() {
    let mut children = vec![child(1), child(1)];
    for child in &mut children {
        child.fixed[0] = Some(Some(Decimal::from(30)));
    }
    let out = allocate(&parent(100), &children, Grain::Unit);
    assert_eq!(january(&out), [30, 30]);
    assert_eq!(out.imbalances.len(), 1);
}

#[test]
fn a_typed_year_is_spread_and_the_others_take_the_rest() {
    let mut children = vec![child(1), child(1)];
    children[0].total = Some(Decimal::from(900));
    children[0].fixed[0] = Some(Some(Decimal::from(20)));
    let out = allocate(&parent(100), &children, Grain::Unit);
    let sum: Decimal = out.months[0].iter().flatten().sum();
    assert_eq!(sum, Decimal::from(900));
    assert_eq!(january(&out), [20, 80]);
    for month in 1..MONTHS {
        assert_eq!(out.months[0][month], Some(Decimal::from(80)));
        assert_eq!(out.months[1][month], Some(Decimal::from(20)));
    }
}

/// Two typed years whose free months overlap: placing the first in proportion takes the room that
/// only the second can use.
#[test]
fn typed_years_make_room_for_each_other() {
    let mut children = vec![child(1), child(1), child(1)];
    // The second may only use January.
    for month in 1..MONTHS {
        children[1].fixed[month] = Some(Some(Decimal::ZERO));
    }
    children[0].total = Some(Decimal::from(1100));
    children[1].total = Some(Decimal::from(100));
    let out = allocate(&parent(100), &children, Grain::Unit);
    assert_eq!(out.imbalances, []);
    assert_eq!(january(&out), [0, 100, 0]);
}

#[test]
fn a_year_that_does_not_fit_is_told_with_both_numbers() {
    let mut children = vec![child(1), child(1)];
    children[0].total = Some(Decimal::from(5000));
    let out = allocate(&parent(100), &children, Grain::Unit);
    let told = Imbalance::Year {
        child: 0,
        total: Decimal::from(5000),
        months: Decimal::from(1200),
    };
    assert_eq!(out.imbalances, [told]);
}

#[test]
fn a_blank_parent_leaves_free_children_blank() {
    let mut children = vec![child(1), child(1)];
    children[0].fixed[3] = Some(Some(Decimal::from(7)));
    let out = allocate(&[None; MONTHS], &children, Grain::Unit);
    assert_eq!(out.months[0][3], Some(Decimal::from(7)));
    assert_eq!(out.months[1], [None; MONTHS]);
    assert!(out.imbalances.is_empty());
}

#[test]
fn no_weights_at_all_share_equally() {
    let out = allocate(&parent(9), &[child(0), child(0), child(0)], Grain::Unit);
    assert_eq!(january(&out), [3, 3, 3]);
}

/// Random parents, weights and locks. `PLANFACT_TREES` sets how many (2,000 here, 100,000 in the
/// long run), `PLANFACT_SEED` the seed.
#[test]
fn random_locks_add_up_or_are_told() {
    let wanted = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (seed, count) = (
        wanted("PLANFACT_SEED", 2026),
        wanted("PLANFACT_TREES", 2_000),
    );
    println!("allocate: {count} random families, seed {seed}");
    let mut told = 0_u64;
    for index in 0..count {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(index));
        let (parent, children, grain) = family(&mut random);
        let out = allocate(&parent, &children, grain);
        told += u64::from(!out.imbalances.is_empty());
        check(&parent, &children, &out, grain, index);
    }
    println!("{told} of them could not add up and said so");
    assert!(told * 2 < count, "most families can be satisfied");
}

fn family(random: &mut StdRng) -> (Months, Vec<Child>, Grain) {
    let grain = if random.random_bool(0.5) {
        Grain::Unit
    } else {
        Grain::Kopeck
    };
    let top = *[20_i64, 1_000, 300_000_000]
        .get(random.random_range(0..3))
        .unwrap();
    let amount = |random: &mut StdRng, top: i64| match grain {
        Grain::Unit => Decimal::from(random.random_range(0..=top)),
        Grain::Kopeck => Decimal::new(random.random_range(0..=top * 100), 2),
    };
    let parent: Months =
        std::array::from_fn(|_| (!random.random_bool(0.05)).then(|| amount(random, top)));
    let size = random.random_range(1..=9);
    let mut children = Vec::new();
    for _ in 0..size {
        let mut one = child(random.random_range(0..400));
        for month in 0..MONTHS {
            if random.random_bool(0.08) {
                one.fixed[month] = Some(Some(amount(random, (top / size).max(1))));
            }
            if random.random_bool(0.1) {
                one.weights[month] = weight(random.random_range(0..5));
            }
        }
        if random.random_bool(0.12) {
            one.total = Some(amount(random, top * 12 / size));
        }
        children.push(one);
    }
    (parent, children, grain)
}

fn check(parent: &Months, children: &[Child], out: &Allocation, grain: Grain, index: u64) {
    let is_month_told = |month: usize| {
        let told =
            |one: &Imbalance| matches!(one, Imbalance::Month { month: m, .. } if *m == month);
        out.imbalances.iter().any(told)
    };
    for month in 0..MONTHS {
        let sum: Decimal = out.months.iter().filter_map(|row| row[month]).sum();
        if let Some(whole) = parent[month] {
            assert!(
                sum == whole || is_month_told(month),
                "family {index}, month {month}"
            );
        }
    }
    for (number, child) in children.iter().enumerate() {
        for month in 0..MONTHS {
            let held = out.months[number][month];
            if let Some(fixed) = child.fixed[month] {
                assert_eq!(held, fixed, "family {index}: a typed month was changed");
            } else {
                let amount = held.unwrap_or_default();
                assert!(amount >= Decimal::ZERO, "family {index}: negative");
                let (_, finer) = grain.whole(amount).unwrap();
                assert!(
                    finer.is_zero() || child.total.is_some(),
                    "family {index}: too fine"
                );
            }
        }
        let told =
            |one: &Imbalance| matches!(one, Imbalance::Year { child, .. } if *child == number);
        if let Some(total) = child.total
            && parent.iter().any(Option::is_some)
            && !out.imbalances.iter().any(told)
        {
            let months: Decimal = out.months[number].iter().flatten().sum();
            assert_eq!(months, total, "family {index}: a typed year");
        }
    }
    // What is told is true: a typed year is only told when no room is left that it may use.
    for one in &out.imbalances {
        if let Imbalance::Year {
            child,
            total,
            months,
        } = one
            && months < total
        {
            for month in 0..MONTHS {
                let free = children[*child].is_free(month);
                let others: Decimal = children
                    .iter()
                    .zip(&out.months)
                    .filter(|(other, _)| other.is_free(month) && other.total.is_none())
                    .filter_map(|(_, row)| row[month])
                    .sum();
                let below = parent[month].is_some_and(|_| !is_month_told(month));
                assert!(
                    !free || !below || others.is_zero() || others < Decimal::ONE,
                    "family {index}: room was left in month {month}"
                );
            }
        }
    }
}
