//! How long facts take: 1,000,000 leads and 300,000 deals, streamed as the store streams them.
//!
//! `cargo bench --bench facts` prints the processor time of the accumulation alone, the time on the
//! wall with making the rows up, and the peak memory of the process; the aim is 0.3 s and 300 MB. The rows are made up while they stream, so the memory is
//! the accumulator's own.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's product is what it prints"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use planfact::domain::calendar::{Calendar, Day};
use planfact::domain::crm::{Currency, Homes, RateTable, Semantics};
use planfact::domain::fact::{Accumulator, DealRow, FactSpec, Facts, LeadRow};
use planfact::domain::money::Money;
use planfact::domain::slot::Metric;

const LEADS: u64 = 1_000_000;
const DEALS: u64 = 300_000;
const USERS: u64 = 400;
const SOURCES: u32 = 30;
const RUNS: usize = 5;
/// 2021-01-01 in Moscow, Unix seconds.
const BEGIN: i64 = 1_609_448_400;
/// Five years, seconds.
const SPAN: i64 = 5 * 365 * 86_400;

/// A small generator of numbers, the same on every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

fn lead(id: u64, dice: &mut Dice) -> LeadRow {
    let jitter = dice.roll(86_400) as i64;
    let created = BEGIN + SPAN / LEADS as i64 * id as i64 + jitter;
    let (semantics, status) = match dice.roll(10) {
        0 => (Semantics::Success, 1),
        1..=4 => (Semantics::Failure, 2),
        5 => (Semantics::Failure, 3),
        _ => (Semantics::InWork, 0),
    };
    let closed = (semantics != Semantics::InWork).then(|| created + dice.roll(5_000_000) as i64);
    let user = 1 + dice.roll(USERS);
    LeadRow {
        id,
        created,
        closed,
        semantics,
        status,
        source: dice
            .roll(8)
            .checked_sub(1)
            .map(|_| 6 + dice.roll(SOURCES.into()) as u32),
        amount: dice
            .roll(3)
            .checked_sub(1)
            .map(|_| Money::from_units(dice.roll(1 << 34) as i64)),
        currency: 4 + dice.roll(2) as u32,
        opener: user,
        user,
    }
}

fn deal(id: u64, dice: &mut Dice) -> DealRow {
    let of = 1 + dice.roll(LEADS);
    let from = lead(of, dice);
    let semantics = match dice.roll(3) {
        0 => Semantics::InWork,
        1 => Semantics::Success,
        _ => Semantics::Failure,
    };
    DealRow {
        id,
        lead: dice.roll(5).checked_sub(1).map(|_| of),
        created: from.created,
        closed: Some(from.created + dice.roll(8_000_000) as i64),
        semantics,
        category: 0,
        source: from.source,
        amount: from.amount,
        currency: from.currency,
        opener: from.opener,
        user: from.user,
    }
}

fn facts(spec: &FactSpec<'_>, today: Day) -> Facts {
    let mut accumulator = Accumulator::new(spec, today);
    let mut dice = Dice(1);
    for id in 1..=LEADS {
        accumulator.lead(&lead(id, &mut dice));
    }
    for id in 1..=DEALS {
        accumulator.deal(&deal(id, &mut dice));
    }
    accumulator.finish()
}

/// The time that making the rows up takes by itself.
fn rows_alone() -> Duration {
    let begun = processor_time();
    let mut dice = Dice(1);
    let mut check = 0_i64;
    for id in 1..=LEADS {
        check ^= std::hint::black_box(lead(id, &mut dice)).created;
    }
    for id in 1..=DEALS {
        check ^= std::hint::black_box(deal(id, &mut dice)).created;
    }
    std::hint::black_box(check);
    processor_time().saturating_sub(begun)
}

/// Processor time that this process has had; only Linux tells. Steadier than the clock on the wall
/// when other programs run.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Peak resident memory as the kernel counts it; only Linux tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |peak| peak.trim().to_owned())
}

fn main() {
    let calendar = Calendar::new(chrono_tz::Europe::Moscow);
    let mut symbols: Vec<String> = ["NEW", "CONVERTED", "LOST", "JUNK", "RUB", "USD"]
        .map(str::to_owned)
        .to_vec();
    symbols.extend((0..SOURCES).map(|source| format!("SOURCE_{source}")));
    let junk = BTreeSet::from(["JUNK".to_owned()]);
    let currency = |code: &str, units, base| Currency {
        code: code.to_owned(),
        amount: Money::from_units(units),
        count: 1,
        base,
    };
    let rates = [RateTable {
        since: 0,
        currencies: vec![
            currency("RUB", 10_000, true),
            currency("USD", 925_000, false),
        ],
    }];
    let spec = FactSpec {
        calendar: &calendar,
        symbols: &symbols,
        junk: &junk,
        rates: &rates,
        base_currency: "RUB",
        pipelines: None,
        homes: &Homes::default(),
    };
    let today = Day::from_ymd_opt(2026, 3, 20).unwrap_or_default();
    let made = rows_alone();
    println!("rows alone: {made:?}");
    for run in 1..=RUNS {
        let (begun, wall) = (processor_time(), Instant::now());
        let facts = facts(&spec, today);
        let (spent, wall) = (processor_time().saturating_sub(begun), wall.elapsed());
        let counted: u64 = facts
            .months
            .values()
            .filter_map(|row| row.count(Metric::LeadsCreated))
            .sum();
        println!(
            "run {run}: {:?} for the facts of {counted} leads and {DEALS} deals ({wall:?} on the \
             wall with making the rows); {} months, {} source rows, {} manager rows",
            spent.saturating_sub(made),
            facts.months.len(),
            facts.sources.len(),
            facts.managers.len(),
        );
    }
    println!("peak memory: {}", peak_memory());
}
