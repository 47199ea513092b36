//! The company's plan → departments → people, from the CRM's structure (R42, R43; D8; N3).
//!
//! The parent holds: every indicator of a department adds up to the company's (and a person's to the
//! department's) to the unit and the kopeck, month by month ([`super::allocate`]). What nobody typed
//! is shared by weight. A weight stands in a row of its own for each department and person, month by
//! month, 100 being one full or average seller, so that a person's experience, half-time or holiday
//! month is typed there; a weight typed into the year's column counts for every month.
//!
//! An edit is followed along the chain: who takes over a quarter of the revenue gets a quarter of the
//! deals and leads, because each indicator is shared in the proportions in force of the one before
//! it. Proportions, not rounded numbers: a person who is to win no deal this month still needs leads.
//!
//! Weights are seeded once, like targets, and stay until the way of sharing (`split_by`) changes,
//! so that a plan does not drift with each night's facts. Who left the company has none from the
//! current month on; who joined has none before it.

mod members;
mod weights;

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use rust_decimal::Decimal;

use self::members::{Tree, held};
use self::weights::brought;
use super::allocate::{Allocation, Child, Imbalance, Months, allocate, shares};
use super::merge::{Range, Reading, read, settle};
use super::replan::{plain, sum};
use super::split::{Grain, MONTHS};
use super::targets::Targets;
use super::{CellKey, Notice, Owner, PlanInput, Replanned};
use crate::domain::calendar::Month;
use crate::domain::money::ratio_of;
use crate::domain::slot::{Metric, MetricKind, Period};

/// The table of the departments' plans in the plan file.
pub const DEPARTMENT_TABLE: &str = "plan_department";
/// The table of the employees' plans in the plan file.
pub const EMPLOYEE_TABLE: &str = "plan_employee";
/// The indicator of the rows that hold weights.
pub const WEIGHT: &str = "weight";

/// The indicators that are divided, in the order in which people read them.
const INDICATORS: [Metric; 8] = [
    Metric::Profit,
    Metric::Revenue,
    Metric::DealsWon,
    Metric::Proposals,
    Metric::Meetings,
    Metric::LeadsCreated,
    Metric::PotentialSum,
    Metric::Calls,
];

/// The same indicators in the order of the chain: each is shared like one that stands before it.
const CHAIN: [Metric; 8] = [
    Metric::Revenue,
    Metric::Profit,
    Metric::DealsWon,
    Metric::Proposals,
    Metric::Meetings,
    Metric::LeadsCreated,
    Metric::PotentialSum,
    Metric::Calls,
];

/// How a whole is shared when nobody typed a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitBy {
    /// All children of a parent alike.
    Equal,
    /// By what each brought in the window of history.
    Share,
    /// Departments by how many people work there, people alike.
    Headcount,
}

impl SplitBy {
    /// The way with this number in «Цели»; by share for anything else.
    pub fn of(code: Option<Decimal>) -> SplitBy {
        match code {
            Some(one) if one == Decimal::ONE => SplitBy::Equal,
            Some(three) if three == Decimal::from(3) => SplitBy::Headcount,
            _ => SplitBy::Share,
        }
    }

    /// Its number in «Цели».
    pub fn code(self) -> Decimal {
        Decimal::from(match self {
            SplitBy::Equal => 1,
            SplitBy::Share => 2,
            SplitBy::Headcount => 3,
        })
    }

    fn basis(self, window: u32) -> String {
        match self {
            SplitBy::Equal => "equal".to_owned(),
            SplitBy::Share => format!("share:{window}"),
            SplitBy::Headcount => "headcount".to_owned(),
        }
    }
}

/// By share where people brought anything in the window, else equally.
pub(super) fn default_mode(input: &PlanInput<'_>, window: u32) -> SplitBy {
    if brought(input, window).is_empty() {
        SplitBy::Equal
    } else {
        SplitBy::Share
    }
}

/// One who has a part of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A department, by the CRM's id.
    Department(u64),
    /// A person, by the CRM's id.
    User(u64),
}

impl Member {
    /// The table that its rows stand in.
    pub fn table(self) -> &'static str {
        match self {
            Member::Department(_) => DEPARTMENT_TABLE,
            Member::User(_) => EMPLOYEE_TABLE,
        }
    }

    /// The key of one of its rows, such as `user:17/revenue`.
    pub fn row(self, indicator: &str) -> String {
        match self {
            Member::Department(id) => format!("dept:{id}/{indicator}"),
            Member::User(id) => format!("user:{id}/{indicator}"),
        }
    }

    /// Reads a row's key: the member and the indicator.
    pub fn of_row(row: &str) -> Option<(Member, &str)> {
        let (member, indicator) = row.split_once('/')?;
        let (kind, id) = member.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "dept" => Some((Member::Department(id), indicator)),
            "user" => Some((Member::User(id), indicator)),
            _ => None,
        }
    }

    fn cell(self, indicator: &str, period: Period) -> CellKey {
        CellKey {
            table: self.table().to_owned(),
            row: self.row(indicator),
            column: period.to_string(),
        }
    }
}

/// One row that the tables of departments and people should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// Whose row it is.
    pub member: Member,
    /// The department that he or it belongs to; none directly below the company.
    pub department: Option<u64>,
    /// A metric's key, or [`WEIGHT`].
    pub indicator: String,
    /// What the weights of the row were made from, such as `share:6`; empty in other rows.
    pub basis: String,
}

impl TreeRow {
    /// The row's key.
    pub fn key(&self) -> String {
        self.member.row(&self.indicator)
    }
}

/// Divides every planned indicator of the company among departments and people, and merges what
/// people typed.
pub(super) fn settle_all(input: &PlanInput<'_>, targets: &Targets, plan: &mut Replanned) {
    let tree = Tree::of(input);
    if tree.nodes.len() < 2 {
        return;
    }
    let held = held(input);
    let is_planned = |metric: &Metric| {
        Month::of_year(input.year).any(|month| plan.plan_of_month(*metric, month).is_some())
    };
    let used: Vec<Metric> = INDICATORS
        .into_iter()
        .filter(|metric| is_planned(metric) || held.contains(metric))
        .collect();
    let planned = INDICATORS.into_iter().filter(is_planned).collect();
    let mut work = Work {
        input,
        targets,
        plan,
        weights: vec![Vec::new(); tree.nodes.len()],
        shares: BTreeMap::new(),
        basis: BTreeMap::new(),
        tree,
        planned,
    };
    work.settle_weights();
    for metric in CHAIN.into_iter().filter(|metric| used.contains(metric)) {
        work.settle_metric(metric);
    }
    let Work {
        tree,
        basis,
        shares,
        ..
    } = work;
    for node in &tree.nodes {
        let Some(member) = node.member else { continue };
        let indicators = used.iter().map(|metric| metric.key());
        plan.rows
            .extend(indicators.chain([WEIGHT]).map(|indicator| TreeRow {
                member,
                department: node.department,
                indicator: indicator.to_owned(),
                basis: match indicator {
                    WEIGHT => basis.get(&member).cloned().unwrap_or_default(),
                    _ => String::new(),
                },
            }));
    }
    for ((metric, index), share) in shares {
        if let Some(member) = tree.nodes.get(index).and_then(|node| node.member) {
            plan.shares.insert((metric, member), share);
        }
    }
    for node in &tree.nodes {
        let children: Vec<Member> = node
            .children
            .iter()
            .filter_map(|child| tree.nodes.get(*child)?.member)
            .collect();
        for child in &children {
            plan.families
                .insert(*child, (node.member, children.clone()));
        }
    }
}

/// The work on one year's tree.
struct Work<'a, 'b> {
    input: &'a PlanInput<'b>,
    targets: &'a Targets,
    plan: &'a mut Replanned,
    tree: Tree,
    /// Weights in force by node, January first.
    weights: Vec<Vec<Decimal>>,
    /// What each node's part of its parent was, by metric.
    shares: BTreeMap<(Metric, usize), Vec<BigRational>>,
    basis: BTreeMap<Member, String>,
    /// What the company plans: only that leads others. A number that is merely held says nothing of how
    /// the rest is shared, and when it is gone the rest must not change.
    planned: BTreeSet<Metric>,
}

impl Work<'_, '_> {
    /// Divides one indicator, from the company down.
    fn settle_metric(&mut self, metric: Metric) {
        for parent in 0..self.tree.nodes.len() {
            let children = self.tree.nodes[parent].children.clone();
            if !children.is_empty() {
                self.settle_family(metric, parent, &children);
            }
        }
    }

    fn settle_family(&mut self, metric: Metric, parent: usize, children: &[usize]) {
        let whole = self.months_of(metric, parent);
        let grain = grain_of(metric);
        let weights: Vec<Vec<BigRational>> = children
            .iter()
            .map(|child| self.weights_for(metric, *child))
            .collect();
        let mut rows = self.read_family(metric, children, None);
        if rows.iter().any(|row| row.is_first_meeting) {
            // What stands there without being remembered is the daemon's own if it is what it would
            // have written.
            let unmet: Vec<Child> = rows.iter().zip(&weights).map(FamilyRow::unmet).collect();
            let expected = allocate(&whole, &unmet, grain);
            rows = self.read_family(metric, children, Some(&expected));
        }
        let family: Vec<Child> = rows.iter().zip(weights).map(FamilyRow::child).collect();
        let allocation = allocate(&whole, &family, grain);
        self.tell(metric, parent, children, &rows, &allocation);
        let shares = shares(&whole, &family, &allocation);
        for (((child, row), months), share) in children
            .iter()
            .zip(rows)
            .zip(&allocation.months)
            .zip(shares)
        {
            if self.planned.contains(&metric) {
                self.shares.insert((metric, *child), share);
            }
            self.commit(metric, *child, row, months);
        }
    }

    /// The weights by which a child shares in an indicator: its share of the indicator before it in
    /// the chain, else its own weight.
    fn weights_for(&self, metric: Metric, child: usize) -> Vec<BigRational> {
        let upstream = self.upstream(metric);
        match upstream.and_then(|upstream| self.shares.get(&(upstream, child))) {
            Some(shares) => shares.clone(),
            None => self.weights[child].iter().copied().map(ratio_of).collect(),
        }
    }

    fn upstream(&self, metric: Metric) -> Option<Metric> {
        match metric {
            Metric::Profit | Metric::DealsWon => Some(Metric::Revenue),
            Metric::PotentialSum => Some(Metric::LeadsCreated),
            metric => self.targets.next_stage(metric),
        }
    }

    fn months_of(&self, metric: Metric, node: usize) -> Months {
        let mut months = Month::of_year(self.input.year);
        std::array::from_fn(|_| {
            let month = months.next()?;
            match self.tree.nodes[node].member {
                None => self.plan.plan_of_month(metric, month),
                Some(member) => {
                    let key = member.cell(metric.key(), Period::Month(month));
                    self.plan.cells.get(&key)?.value
                }
            }
        })
    }

    /// Reads the children's rows; `expected` is what a first meeting adopts.
    fn read_family(
        &self,
        metric: Metric,
        children: &[usize],
        expected: Option<&Allocation>,
    ) -> Vec<FamilyRow> {
        let range = match metric {
            Metric::Profit => Range::Signed,
            _ => Range::NotNegative,
        };
        let members = children.iter().map(|child| self.tree.nodes[*child].member);
        members
            .enumerate()
            .filter_map(|(index, member)| {
                let member = member?;
                let adopt = expected.and_then(|expected| expected.months.get(index));
                let mut is_first_meeting = false;
                let mut months = Vec::with_capacity(MONTHS);
                for (at, month) in Month::of_year(self.input.year).enumerate() {
                    let key = member.cell(metric.key(), Period::Month(month));
                    is_first_meeting |= self.is_unmet(&key);
                    months.push(self.read(&key, adopt.and_then(|row| row[at]), range));
                }
                let key = member.cell(metric.key(), Period::Year(self.input.year));
                is_first_meeting |= self.is_unmet(&key);
                let total = match self.read(&key, adopt.and_then(sum), range) {
                    Reading::Broken(problem, Some((Owner::Daemon, _))) => {
                        Reading::Broken(problem, None)
                    }
                    total => total,
                };
                Some(FamilyRow {
                    member,
                    months,
                    total,
                    is_first_meeting,
                })
            })
            .collect()
    }

    fn is_unmet(&self, key: &CellKey) -> bool {
        !self.input.base.contains_key(key) && self.input.seen.contains_key(key)
    }

    /// Reads a cell; one whose row is not in the sheet is put there where its table stands.
    fn read(&self, key: &CellKey, adopt: Option<Decimal>, range: Range) -> Reading {
        let base = self.input.base.get(key);
        let rows = self.input.standing.get(&key.table);
        if rows.is_some_and(|rows| !rows.contains(&key.row)) {
            return Reading::Inserted(base.map(|base| (base.owner, base.value)));
        }
        read(base, self.input.seen.get(key), adopt, range)
    }

    fn commit(&mut self, metric: Metric, child: usize, row: FamilyRow, months: &Months) {
        let Some(member) = self.tree.nodes[child].member else {
            return;
        };
        let mut in_force = Months::default();
        let year = Month::of_year(self.input.year).zip(row.months);
        for (index, (month, reading)) in year.enumerate() {
            let merged = settle(reading, months[index]);
            in_force[index] = merged.value;
            let key = member.cell(metric.key(), Period::Month(month));
            self.plan.cells.insert(key, merged);
        }
        let key = member.cell(metric.key(), Period::Year(self.input.year));
        self.plan
            .cells
            .insert(key, settle(row.total, sum(&in_force)));
    }

    /// Tells what does not add up, naming the typed cells that hold it up.
    fn tell(
        &mut self,
        metric: Metric,
        parent: usize,
        children: &[usize],
        rows: &[FamilyRow],
        allocation: &Allocation,
    ) {
        let months: Vec<Month> = Month::of_year(self.input.year).collect();
        let whole = |period: Period| match self.tree.nodes[parent].member {
            None => CellKey::plan(metric, period),
            Some(member) => member.cell(metric.key(), period),
        };
        let mut told = Vec::new();
        for one in &allocation.imbalances {
            match one {
                Imbalance::Month {
                    month,
                    parent,
                    children: sum,
                } => {
                    let Some(at) = months.get(*month) else {
                        continue;
                    };
                    let held = rows
                        .iter()
                        .filter_map(|row| row.holder(*month, *at, metric));
                    told.push(Notice {
                        cell: Some(whole(Period::Month(*at))),
                        code: "parts_do_not_add_up".to_owned(),
                        values: vec![plain(*parent), plain(*sum), plain((*parent - *sum).abs())],
                        cells: held.collect(),
                    });
                }
                Imbalance::Year {
                    child,
                    total,
                    months: sum,
                } => {
                    let Some(member) = children
                        .get(*child)
                        .and_then(|child| self.tree.nodes[*child].member)
                    else {
                        continue;
                    };
                    let held = rows.get(*child).into_iter().flat_map(|row| {
                        let months = months.iter().enumerate();
                        months.filter_map(|(at, month)| row.held_month(at, *month, metric))
                    });
                    told.push(Notice {
                        cell: Some(member.cell(metric.key(), Period::Year(self.input.year))),
                        code: "locks_do_not_add_up".to_owned(),
                        values: vec![plain(*total), plain(*sum)],
                        cells: held.collect(),
                    });
                }
            }
        }
        self.plan.notices.extend(told);
    }
}

/// One child's row as read.
struct FamilyRow {
    member: Member,
    months: Vec<Reading>,
    total: Reading,
    is_first_meeting: bool,
}

impl FamilyRow {
    fn child((row, weights): (&FamilyRow, Vec<BigRational>)) -> Child {
        Child {
            fixed: std::array::from_fn(|month| row.months.get(month).and_then(Reading::fixed)),
            total: row.total.fixed().flatten(),
            weights,
        }
    }

    /// The row as if nothing unremembered stood in it.
    fn unmet((row, weights): (&FamilyRow, &Vec<BigRational>)) -> Child {
        let mut child = FamilyRow::child((row, weights.clone()));
        if row.is_first_meeting {
            child.fixed = [None; MONTHS];
            child.total = None;
        }
        child
    }

    /// The cell by which a person holds this row's month, if he does.
    fn holder(&self, index: usize, month: Month, metric: Metric) -> Option<CellKey> {
        self.held_month(index, month, metric).or_else(|| {
            self.total.fixed()?;
            Some(self.member.cell(metric.key(), Period::Year(month.year)))
        })
    }

    /// The cell of this row's month, if a person's number stands in it.
    fn held_month(&self, index: usize, month: Month, metric: Metric) -> Option<CellKey> {
        self.months.get(index).and_then(Reading::fixed)?;
        Some(self.member.cell(metric.key(), Period::Month(month)))
    }
}

pub(super) fn grain_of(metric: Metric) -> Grain {
    match metric.kind() {
        MetricKind::Count => Grain::Unit,
        MetricKind::Money => Grain::Kopeck,
    }
}

/// A whole number as a weight.
pub(super) fn whole(number: i64) -> BigRational {
    BigRational::from(BigInt::from(number))
}

#[cfg(test)]
mod tests;
