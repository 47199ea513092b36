//! Who did it, and in which department he was then (D8).
//!
//! A *seat* is a person in a department. What somebody did is booked on the seat that he had at the very
//! instant of the fact, so a department's month holds what its people did while they were in it, to the
//! second, and the departments of a month add up to the company. Whoever comes back sits on his old seat.
//! The portal tells where somebody is and not since when: a move happened when a pass first saw it.
//! Only at the end are seats summed up by person and by department.

use std::collections::BTreeMap;

use super::margin::Margin;
use super::paid::Paid;
use super::row::MetricRow;
use super::strips::{Ids, Strip, Tally};
use crate::domain::calendar::Month;
use crate::domain::crm::Homes;

/// A person in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) user: u64,
    /// None while he was in no department, or it is not known that he ever was in one.
    pub(super) department: Option<u64>,
}

/// Seats in order of appearance, each with its strip.
#[derive(Debug)]
pub(super) struct Seats<'a> {
    homes: &'a Homes,
    places: Ids,
    /// By person: from when on, Unix seconds, he had which seat; never empty.
    people: Vec<Vec<(i64, u32)>>,
    seats: Vec<(Seat, Strip)>,
}

impl<'a> Seats<'a> {
    /// Nobody yet; `homes` tells who was where.
    pub(super) fn new(homes: &'a Homes) -> Seats<'a> {
        Seats {
            homes,
            places: Ids::default(),
            people: Vec::new(),
            seats: Vec::new(),
        }
    }

    /// The index of the seat that a user had at an instant, Unix seconds. From the instant of a move on
    /// he is in the new department; before the first known one he was where he is first known to be.
    pub(super) fn index(&mut self, user: u64, seconds: i64) -> u32 {
        let (place, is_new) = self.places.place(user);
        if is_new {
            let moves = self.moves(user);
            self.people.push(moves);
        }
        let moves = &self.people[place as usize];
        let later = match moves.as_slice() {
            [_] => 1,
            moves => moves.partition_point(|(since, _)| *since <= seconds),
        };
        moves[later.saturating_sub(1)].1
    }

    fn moves(&mut self, user: u64) -> Vec<(i64, u32)> {
        let begin = self.seats.len();
        let mut moves: Vec<(i64, u32)> = Vec::new();
        for (since, department) in self.homes.of_user(user) {
            let own = self.seats.iter().skip(begin);
            let known = own
                .zip(begin..)
                .find(|((seat, _), _)| seat.department == department)
                .map(|(_, index)| index);
            let seat = known.unwrap_or_else(|| self.add(user, department));
            moves.push((since, seat as u32));
        }
        if moves.is_empty() {
            moves.push((i64::MIN, self.add(user, None) as u32));
        }
        moves
    }

    fn add(&mut self, user: u64, department: Option<u64>) -> usize {
        self.seats
            .push((Seat { user, department }, Strip::default()));
        self.seats.len() - 1
    }

    /// The tally of a seat and month.
    pub(super) fn at(&mut self, index: u32, month: usize) -> &mut Tally {
        self.seats[index as usize].1.at(month)
    }

    /// Every seat with its strip, by index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Seat, &Strip)> {
        self.seats.iter().map(|(seat, strip)| (*seat, strip))
    }
}

/// Seats summed up.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) managers: BTreeMap<(Month, u64), MetricRow>,
    pub(super) departments: BTreeMap<(Month, Option<u64>), MetricRow>,
    pub(super) margins: BTreeMap<(Month, u64), Margin>,
    pub(super) paid: BTreeMap<(Month, u64), Paid>,
}

impl People {
    /// Adds what happened on a seat in a month.
    pub(super) fn add(
        &mut self,
        month: Month,
        seat: Seat,
        row: &MetricRow,
        margin: Option<&Margin>,
        paid: Option<&Paid>,
    ) {
        let own = (month, seat.user);
        self.managers.entry(own).or_default().add(row);
        let department = self.departments.entry((month, seat.department));
        department.or_default().add(row);
        if let Some(margin) = margin {
            self.margins.entry(own).or_default().add(margin);
        }
        if let Some(paid) = paid {
            self.paid.entry(own).or_default().add_all(paid);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::calendar::{Calendar, Day, Instant};
    use crate::domain::crm::{
        Activity, ActivityKind, Call, Direction, Payment, ProductRow, Semantics,
    };
    use crate::domain::fact::{
        Accumulator, Cost, Costs, DealRow, FactSpec, Facts, LeadRow, MetricRow, Number,
    };
    use crate::domain::money::Money;
    use crate::domain::slot::Metric;

    /// The one who moves.
    const MOVER: u64 = 7;
    /// Somebody who stays in department 2.
    const STAYER: u64 = 8;

    /// `2026-01-15 10:00:00` by Moscow's clock, Unix seconds.
    fn at(text: &str) -> i64 {
        instant(text).timestamp()
    }

    fn instant(text: &str) -> Instant {
        let text = format!("{}+03:00", text.replace(' ', "T"));
        chrono::DateTime::parse_from_rfc3339(&text)
            .expect("a time")
            .to_utc()
    }

    fn month(text: &str) -> Month {
        Month::parse(text).expect("a month")
    }

    fn won(id: u64, closed: &str, user: u64) -> DealRow {
        DealRow {
            id,
            lead: None,
            created: at("2025-12-01 10:00:00"),
            closed: Some(at(closed)),
            semantics: Semantics::Success,
            category: 0,
            source: None,
            amount: Some(Money::from_units(100 * 10_000)),
            currency: 0,
            opener: STAYER,
            user,
        }
    }

    fn facts_in(
        zone: chrono_tz::Tz,
        homes: &Homes,
        fill: impl FnOnce(&mut Accumulator<'_>),
    ) -> Facts {
        let calendar = Calendar::new(zone);
        let symbols = ["RUB".to_owned()];
        let spec = FactSpec {
            calendar: &calendar,
            symbols: &symbols,
            junk: &BTreeSet::new(),
            rates: &[],
            base_currency: "RUB",
            pipelines: None,
            homes,
        };
        let today = Day::from_ymd_opt(2026, 3, 20).expect("a day");
        let mut facts = Accumulator::new(&spec, today);
        fill(&mut facts);
        facts.finish()
    }

    /// Every month's departments, and its people, add up to the company, in every metric that is a sum.
    fn adds_up(facts: &Facts, told: &str) {
        let sums = Metric::ALL
            .iter()
            .filter(|metric| **metric != Metric::AvgCheck);
        for (at, whole) in &facts.months {
            for metric in sums.clone() {
                let of = |row: &MetricRow| row.get(*metric).map(Number::to_decimal);
                let parts = |rows: Vec<&MetricRow>| {
                    let known: Vec<_> = rows.into_iter().filter_map(of).collect();
                    known.into_iter().sum::<rust_decimal::Decimal>()
                };
                let here = |month: &Month| month == at;
                let departments = facts.departments.iter().filter(|((one, _), _)| here(one));
                let people = facts.managers.iter().filter(|((one, _), _)| here(one));
                let whole = of(whole).unwrap_or_default();
                let place = format!("{told}: {at} {metric}");
                assert_eq!(
                    parts(departments.map(|(_, row)| row).collect()),
                    whole,
                    "{place}"
                );
                assert_eq!(
                    parts(people.map(|(_, row)| row).collect()),
                    whole,
                    "{place}"
                );
            }
        }
    }

    /// Deals won by department and month, such as `01/2=3`; those of no department as `01/-=1`.
    fn wins(facts: &Facts) -> Vec<String> {
        let rows = facts.departments.iter();
        rows.filter_map(|((month, department), row)| {
            let won = row.count(Metric::DealsWon).filter(|won| *won > 0)?;
            let department = department.map_or("-".to_owned(), |id| id.to_string());
            Some(format!("{:02}/{department}={won}", month.month))
        })
        .collect()
    }

    #[test]
    fn a_result_belongs_to_the_department_of_its_instant() {
        use chrono_tz::{America::New_York, Asia::Vladivostok, Europe::Moscow};
        // What it is, the zone, the mover's departments from when on (blank: since always; 0: none),
        // when he won, and what the departments won.
        type Case<'a> = (
            &'a str,
            chrono_tz::Tz,
            &'a [(&'a str, u64)],
            &'a [&'a str],
            &'a [&'a str],
        );
        let cases: [Case<'_>; 10] = [
            (
                "never moved",
                Moscow,
                &[("", 2)],
                &["2026-01-10 10:00:00"],
                &["01/2=1"],
            ),
            (
                "moved on the 15th",
                Moscow,
                &[("", 2), ("2026-01-15 12:00:00", 3)],
                &[
                    "2026-01-10 10:00:00",
                    "2026-01-14 23:59:59",
                    "2026-01-20 10:00:00",
                ],
                &["01/2=2", "01/3=1"],
            ),
            (
                "at the very instant of the move, and a second before",
                Moscow,
                &[("", 2), ("2026-01-15 12:00:00", 3)],
                &["2026-01-15 11:59:59", "2026-01-15 12:00:00"],
                &["01/2=1", "01/3=1"],
            ),
            (
                "twice in a month",
                Moscow,
                &[
                    ("", 2),
                    ("2026-01-10 00:00:00", 3),
                    ("2026-01-20 00:00:00", 4),
                ],
                &[
                    "2026-01-09 10:00:00",
                    "2026-01-15 10:00:00",
                    "2026-01-25 10:00:00",
                    "2026-02-01 10:00:00",
                ],
                &["01/2=1", "01/3=1", "01/4=1", "02/4=1"],
            ),
            (
                "moved back",
                Moscow,
                &[
                    ("", 2),
                    ("2026-01-10 00:00:00", 3),
                    ("2026-01-20 00:00:00", 2),
                ],
                &[
                    "2026-01-09 10:00:00",
                    "2026-01-15 10:00:00",
                    "2026-01-25 10:00:00",
                    "2026-02-01 10:00:00",
                ],
                &["01/2=2", "01/3=1", "02/2=1"],
            ),
            (
                "dismissed after a move, and a deal closed in his name later",
                Moscow,
                &[
                    ("", 2),
                    ("2026-01-10 00:00:00", 3),
                    ("2026-02-05 00:00:00", 0),
                ],
                &[
                    "2026-01-05 10:00:00",
                    "2026-01-31 10:00:00",
                    "2026-02-04 10:00:00",
                    "2026-02-20 10:00:00",
                ],
                &["01/2=1", "01/3=1", "02/-=1", "02/3=1"],
            ),
            (
                "a move at the month's border is none within a month",
                Moscow,
                &[("", 2), ("2026-02-01 00:00:00", 3)],
                &["2026-01-31 23:59:59", "2026-02-01 00:00:00"],
                &["01/2=1", "02/3=1"],
            ),
            (
                "in Vladivostok February begins seven hours before Moscow's",
                Vladivostok,
                &[("", 2), ("2026-01-31 20:00:00", 3)],
                &[
                    "2026-01-31 16:59:59",
                    "2026-01-31 17:00:00",
                    "2026-01-31 20:00:00",
                ],
                &["01/2=1", "02/2=1", "02/3=1"],
            ),
            (
                "in New York eight hours behind",
                New_York,
                &[("", 2), ("2026-02-01 07:00:00", 3)],
                &[
                    "2026-02-01 06:00:00",
                    "2026-02-01 07:30:00",
                    "2026-02-01 08:00:00",
                ],
                &["01/2=1", "01/3=1", "02/3=1"],
            ),
            (
                "nobody knows him",
                Moscow,
                &[],
                &["2026-01-10 10:00:00"],
                &["01/-=1"],
            ),
        ];
        for (told, zone, moves, deals, expected) in cases {
            let since = |text: &str| if text.is_empty() { 0 } else { at(text) };
            let moves = moves
                .iter()
                .map(|(from, home)| (MOVER, since(from), Some(*home).filter(|home| *home > 0)));
            let homes = Homes::of(moves.chain([(STAYER, 0, Some(2))]));
            let facts = facts_in(zone, &homes, |facts| {
                for (id, closed) in (1..).zip(deals) {
                    facts.deal(&won(id, closed, MOVER));
                }
            });
            assert_eq!(wins(&facts), expected, "{told}");
            adds_up(&facts, told);
        }
    }

    /// Each kind of fact in one month, before and after the mover's move in its middle.
    #[test]
    fn every_kind_of_fact_goes_to_the_department_of_its_instant() {
        let homes = Homes::of([
            (MOVER, 0, Some(2)),
            (MOVER, at("2026-01-15 12:00:00"), Some(3)),
            (STAYER, 0, Some(2)),
        ]);
        let (before, after) = ("2026-01-10 10:00:00", "2026-01-20 10:00:00");
        let facts = facts_in(chrono_tz::Europe::Moscow, &homes, |facts| {
            // Created before the move and converted after it; its deal's money is of the creation.
            facts.lead(&LeadRow {
                id: 1,
                created: at(before),
                closed: Some(at(after)),
                semantics: Semantics::Success,
                status: 0,
                source: None,
                amount: Some(Money::from_units(50 * 10_000)),
                currency: 0,
                opener: MOVER,
                user: MOVER,
            });
            let mut sale = won(1, after, MOVER);
            (sale.lead, sale.created, sale.opener) = (Some(1), at(before), MOVER);
            facts.deal(&sale);
            facts.deal(&won(2, before, STAYER));
            facts.costs(Costs::of([(
                5,
                Cost {
                    since: 0,
                    price: Some(Money::from_units(60 * 10_000)),
                    currency: "RUB".to_owned(),
                },
            )]));
            facts.product_row(&ProductRow {
                id: 1,
                deal: 1,
                product: Some(5),
                price: Money::from_units(100 * 10_000),
                list_price: None,
                quantity: Money::from_units(10_000),
            });
            for (id, when) in [(1, before), (2, after), (3, after)] {
                facts.payment(&Payment {
                    id,
                    deal: Some(1),
                    invoice: None,
                    paid: Some(instant(when)),
                    amount: Money::from_units(10_000),
                    currency: "RUB".to_owned(),
                    responsible: MOVER,
                });
                facts.call(&Call {
                    id,
                    at: instant(when),
                    user: MOVER,
                    direction: Direction::Out,
                    took_place: true,
                    seconds: 60,
                    phone: None,
                });
                facts.activity(&Activity {
                    id,
                    kind: ActivityKind::Meeting,
                    direction: Direction::Other,
                    completed: true,
                    user: MOVER,
                    owner_kind: 1,
                    owner: 1,
                    created: instant(before),
                    starts: Some(instant(when)),
                    deadline: None,
                });
            }
        });
        let january = month("2026-01");
        let of = |department: u64| {
            let row = &facts.departments[&(january, Some(department))];
            let shown = Metric::ALL.iter().filter_map(|metric| {
                let number = row.get(*metric).filter(|number| !number.is_zero())?;
                Some(format!("{metric}={number}"))
            });
            shown.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            of(2),
            "leads_created=1 cohort_success=1 potential_sum=50 converted_money=100 deals_created=1 \
             deals_won=1 revenue=100 avg_check=100 meetings=1 calls=1 unknown_cost=1 paid_count=1 paid_sum=1"
        );
        assert_eq!(
            of(3),
            "leads_success=1 deals_won=1 revenue=100 avg_check=100 meetings=2 calls=2 margin=40 \
             margin_revenue=100 paid_count=2 paid_sum=2"
        );
        let mover = &facts.managers[&(january, MOVER)];
        assert_eq!(mover.count(Metric::Calls), Some(3));
        assert_eq!(mover.count(Metric::LeadsSuccess), Some(1));
        assert_eq!(facts.manager_paid[&(january, MOVER)].count, 3);
        adds_up(&facts, "every kind");
    }

    /// Random moves and deals: whatever happens, departments and people add up to the company.
    #[test]
    fn departments_add_up_whatever_moves() {
        use rand::{Rng, SeedableRng};
        let seed = 2026;
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let (first, last) = (at("2025-11-01 00:00:00"), at("2026-03-20 00:00:00"));
        for round in 0..200 {
            let mut moves = Vec::new();
            for user in 1..=random.random_range(1..6_u64) {
                moves.push((user, 0, Some(random.random_range(1..4))));
                for _ in 0..random.random_range(0..5) {
                    let home = random.random_range(0..4_u64);
                    let since = random.random_range(first..last);
                    moves.push((user, since, Some(home).filter(|home| *home > 0)));
                }
            }
            let homes = Homes::of(moves);
            let facts = facts_in(chrono_tz::Europe::Berlin, &homes, |facts| {
                for id in 1..=random.random_range(1..60) {
                    let mut deal = won(id, "2026-01-01 00:00:00", random.random_range(1..7));
                    deal.closed = Some(random.random_range(first..last));
                    deal.created = random.random_range(first..last);
                    deal.opener = random.random_range(1..7);
                    facts.deal(&deal);
                }
            });
            adds_up(&facts, &format!("seed {seed}, round {round}"));
        }
    }
}
