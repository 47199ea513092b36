//! Test support: a plan file and a store on the desk, with the company around them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::crm::{Department, User};
use crate::domain::fact::{Facts, MetricRow};
use crate::domain::money::Money;

/// What surrounds a plan file in tests.
pub(super) struct Office {
    pub(super) calendar: Calendar,
    pub(super) directory: Directory,
    pub(super) facts: Facts,
    /// What the weights in the sheet were made from, by row key.
    pub(super) basis: BTreeMap<String, String>,
}

impl Office {
    /// A company without people.
    pub(super) fn new(facts: Facts) -> Office {
        Office {
            calendar: Calendar::new(chrono_tz::Europe::Moscow),
            directory: Directory::default(),
            facts,
            basis: BTreeMap::new(),
        }
    }

    /// Adds a department below another; the first one without a parent is the company itself.
    pub(super) fn department(&mut self, id: u64, parent: Option<u64>) {
        self.directory.departments.push(Department {
            id,
            name: format!("Department {id}"),
            parent,
            head: None,
        });
    }

    /// Adds a person who earned this much in each month of 2026 before November.
    pub(super) fn user(&mut self, id: u64, department: u64, revenue: i64) {
        self.directory.users.push(User {
            id,
            name: format!("User {id}"),
            active: true,
            departments: vec![department],
        });
        for month in 1..=10 {
            let mut row = MetricRow::default();
            row.set_count(Metric::LeadsCreated, Some(10));
            row.set_money(Metric::Revenue, Some(Money::from_units(revenue * 10_000)));
            self.facts
                .managers
                .insert((Month { year: 2026, month }, id), row);
        }
    }

    /// The year's plan of 2026 in November.
    pub(super) fn replan(
        &self,
        seeds: &TargetSeeds,
        seen: &Cells<Seen>,
        base: &Cells<BaseCell>,
    ) -> Replanned {
        replan(&PlanInput {
            year: 2026,
            current: Month {
                year: 2026,
                month: 11,
            },
            calendar: &self.calendar,
            facts: &self.facts,
            directory: &self.directory,
            seeds,
            seen,
            standing: &standing(seen),
            basis: &self.basis,
            base,
        })
    }

    /// Puts the rows that the plan wants into the sheet, blank, with their basis.
    pub(super) fn insert_rows(&mut self, plan: &Replanned, seen: &mut Cells<Seen>) {
        let standing = standing(seen);
        for row in &plan.rows {
            let (table, key) = (row.member.table(), row.key());
            if row.indicator == WEIGHT {
                self.basis.insert(key.clone(), row.basis.clone());
            }
            if !standing[table].contains(&key) {
                let columns = Month::of_year(2026).map(|month| month.to_string());
                for column in columns.chain(["2026".to_owned()]) {
                    seen.insert(CellKey::new(table, &key, &column), Seen::Blank);
                }
            }
        }
    }
}

/// The rows of the tables that grow, as a sheet has them.
pub(super) fn standing(seen: &Cells<Seen>) -> BTreeMap<String, BTreeSet<String>> {
    let mut rows = BTreeMap::new();
    for table in [DEPARTMENT_TABLE, EMPLOYEE_TABLE] {
        let of_table = seen.keys().filter(|key| key.table == table);
        let keys: BTreeSet<String> = of_table.map(|key| key.row.clone()).collect();
        rows.insert(table.to_owned(), keys);
    }
    rows
}
