//! The rows of weights: by what a parent's number is shared, month by month.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::members::remembered;
use super::{Member, SplitBy, WEIGHT, Work};
use crate::domain::calendar::Month;
use crate::domain::plan::merge::{Range, Reading, settle};
use crate::domain::plan::replan::plain;
use crate::domain::plan::split::MONTHS;
use crate::domain::plan::targets::HISTORY_ROW;
use crate::domain::plan::{CellKey, Owner, PlanInput};
use crate::domain::slot::{Metric, Period};

/// The weight of one full or average seller.
const FULL: u32 = 100;

/// What each person brought in the closed months of the window: revenue, in a company without it
/// deals won, else leads. Empty when nobody brought anything.
pub(super) fn brought(input: &PlanInput<'_>, window: u32) -> BTreeMap<u64, Decimal> {
    let first = input.current.plus(-(window as i32));
    let of = |metric: Metric| {
        let mut sums: BTreeMap<u64, Decimal> = BTreeMap::new();
        let rows = input.facts.managers.range((first, 0)..(input.current, 0));
        for ((_, user), row) in rows {
            let number = row.get(metric).filter(|number| !number.is_zero());
            if let Some(number) = number {
                *sums.entry(*user).or_default() += number.to_decimal();
            }
        }
        sums
    };
    [Metric::Revenue, Metric::DealsWon, Metric::LeadsCreated]
        .into_iter()
        .map(of)
        .find(|sums| !sums.is_empty())
        .unwrap_or_default()
}

impl Work<'_, '_> {
    /// Settles the rows of weights, people before the departments that add them up.
    pub(super) fn settle_weights(&mut self) {
        let brought = brought(self.input, self.targets.history_months);
        let total: Decimal = self
            .tree
            .nodes
            .iter()
            .filter_map(|node| match node.member? {
                Member::User(id) => brought.get(&id),
                Member::Department(_) => None,
            })
            .sum();
        let with_any = self.tree.nodes.iter().filter(
            |node| matches!(node.member, Some(Member::User(id)) if brought.contains_key(&id)),
        );
        let count = with_any.count();
        for index in (1..self.tree.nodes.len()).rev() {
            let generated = match self.tree.nodes[index].member {
                Some(Member::User(id)) => {
                    let own = brought.get(&id).copied().unwrap_or_default();
                    self.weight_of_user(index, id, own, total, count)
                }
                _ => self.weights_of_department(index),
            };
            self.weights[index] = self.settle_weight_row(index, &generated);
        }
    }

    /// What a person's weight would be, month by month.
    fn weight_of_user(
        &self,
        index: usize,
        id: u64,
        own: Decimal,
        total: Decimal,
        count: usize,
    ) -> Vec<Decimal> {
        let full = Decimal::from(FULL);
        let weight = match self.targets.split_by {
            SplitBy::Equal | SplitBy::Headcount => full,
            // 100 is the average of those who brought anything.
            SplitBy::Share => (own * full * Decimal::from(count))
                .checked_div(total)
                .map_or(full, |weight| weight.round()),
        };
        let is_known = |member: Member| {
            let key = member.cell(WEIGHT, Period::Year(self.input.year));
            self.input.base.contains_key(&key)
        };
        let is_first = !remembered(self.input).any(is_known);
        let is_new = !is_first && !is_known(Member::User(id));
        Month::of_year(self.input.year)
            .map(|month| {
                let is_over = month < self.input.current;
                let works = if self.tree.nodes[index].is_active {
                    !(is_new && is_over)
                } else {
                    is_over && !is_new && !is_first
                };
                if works { weight } else { Decimal::ZERO }
            })
            .collect()
    }

    /// A department weighs what its people weigh together; departments that are to be alike, alike.
    fn weights_of_department(&self, index: usize) -> Vec<Decimal> {
        (0..MONTHS)
            .map(|month| {
                let below: Decimal = self.tree.nodes[index]
                    .children
                    .iter()
                    .filter_map(|child| self.weights[*child].get(month))
                    .sum();
                match self.targets.split_by {
                    SplitBy::Equal if below > Decimal::ZERO => Decimal::from(FULL),
                    _ => below,
                }
            })
            .collect()
    }

    /// Whether the way of sharing is the one that the store remembers, so that the weights which it
    /// remembers were made in that way.
    fn shares_as_remembered(&self) -> bool {
        ["split_by", HISTORY_ROW].iter().all(|row| {
            let key = CellKey::target(row);
            let remembered = self.input.base.get(&key).map(|base| base.value);
            remembered.is_some() && remembered == self.plan.cells.get(&key).map(|cell| cell.value)
        })
    }

    fn settle_weight_row(&mut self, index: usize, computed: &[Decimal]) -> Vec<Decimal> {
        let Some(member) = self.tree.nodes[index].member else {
            return Vec::new();
        };
        let is_active = self.tree.nodes[index].is_active;
        let year_key = member.cell(WEIGHT, Period::Year(self.input.year));
        let year = self.read(&year_key, None, Range::NotNegative);
        let typed = year.fixed().flatten();
        let basis = match typed {
            Some(typed) => format!("typed:{}", plain(typed)),
            None => self.targets.split_by.basis(self.targets.history_months),
        };
        // Departments add up anew each time; people's weights stay as they were seeded.
        let may_stay = matches!(member, Member::User(_)) && typed.is_none();
        let is_seeded = may_stay && self.input.basis.get(&member.row(WEIGHT)) == Some(&basis);
        let is_remembered = may_stay
            && self.shares_as_remembered()
            && (self.input.base.get(&year_key)).is_some_and(|base| base.owner == Owner::Daemon);
        let mut in_force = Vec::with_capacity(MONTHS);
        for (month, computed) in Month::of_year(self.input.year).zip(computed) {
            let key = member.cell(WEIGHT, Period::Month(month));
            let fresh = typed.unwrap_or(*computed);
            let reading = self.read(&key, Some(fresh), Range::NotNegative);
            let has_left = !is_active && month >= self.input.current;
            let remembered = self.input.base.get(&key).and_then(|base| base.value);
            let generated = match (&reading, remembered) {
                // The sheet may not show yet what a pass that died had set out to write.
                (Reading::Free(Some(_)), Some(remembered)) if is_remembered && !has_left => {
                    remembered
                }
                (Reading::Free(Some(shown)), _) if is_seeded && !has_left => *shown,
                _ => fresh,
            };
            let merged = settle(reading, Some(generated));
            in_force.push(merged.value.unwrap_or_default());
            self.plan.cells.insert(key, merged);
        }
        self.plan.cells.insert(year_key, settle(year, None));
        if matches!(member, Member::User(_)) {
            self.basis.insert(member, basis);
        }
        in_force
    }
}
