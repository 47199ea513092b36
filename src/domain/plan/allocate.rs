//! One parent's months → its children's, with locks: every month adds up (R35, R42, R43; N3).
//!
//! The parent holds. A child's typed month is kept; a child's typed year is kept too and spread over
//! its other months; the children that nobody typed share what is left of each month in proportion
//! to their weights, by largest remainder, so that the children add up to the parent to the unit or
//! the kopeck. What cannot add up is told and nothing typed is changed.
//!
//! Several typed years make a transportation problem: each has its sum to place, each month has only
//! so much room. They are first placed in proportion; where that leaves somebody without room,
//! amounts are moved along augmenting paths (Ford–Fulkerson, months as nodes), which finds a
//! placement whenever there is one.

use std::collections::VecDeque;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use rust_decimal::Decimal;

use super::merge::same;
use super::split::{Grain, MONTHS};
use crate::domain::money::{ratio_of, split_by_weights};

/// A row's twelve months, January first.
pub(super) type Months = [Option<Decimal>; MONTHS];

/// One child's row: what people fixed in it, and its share of what they did not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Child {
    /// The months that are fixed, and at what; `Some(None)` is fixed at blank.
    pub(super) fixed: [Option<Option<Decimal>>; MONTHS],
    /// The year's total, when it is fixed.
    pub(super) total: Option<Decimal>,
    /// Its weight in each month.
    pub(super) weights: Vec<BigRational>,
}

impl Child {
    fn is_free(&self, month: usize) -> bool {
        self.fixed[month].is_none()
    }

    /// What is fixed in its months, together.
    fn fixed_sum(&self) -> Decimal {
        self.fixed.iter().flatten().flatten().sum()
    }
}

/// What does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Imbalance {
    /// A month's children and their parent.
    Month {
        /// The month, January being 0.
        month: usize,
        /// The parent's number.
        parent: Decimal,
        /// What its children have together.
        children: Decimal,
    },
    /// A child's typed year and its months.
    Year {
        /// The child's index.
        child: usize,
        /// The total as typed.
        total: Decimal,
        /// What its months have together.
        months: Decimal,
    },
}

/// The children's months.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Allocation {
    /// By child; fixed months as they are fixed.
    pub(super) months: Vec<Months>,
    /// What does not add up.
    pub(super) imbalances: Vec<Imbalance>,
}

/// Divides the parent's months among its children. A month in which the parent is blank is blank
/// for the children that are free in it.
pub(super) fn allocate(parent: &Months, children: &[Child], grain: Grain) -> Allocation {
    if children.is_empty() {
        return Allocation::default();
    }
    let mut out = Allocation {
        months: children
            .iter()
            .map(|child| child.fixed.map(Option::flatten))
            .collect(),
        imbalances: Vec::new(),
    };
    place_totals(parent, children, grain, &mut out);
    for (month, whole) in parent.iter().enumerate() {
        if let Some(whole) = whole {
            share_month(month, *whole, children, grain, &mut out);
        }
    }
    for (index, child) in children.iter().enumerate() {
        if let Some(total) = child.total {
            let months: Decimal = out.months[index].iter().flatten().sum();
            let is_planned = parent.iter().any(Option::is_some);
            if is_planned && !same(Some(total), Some(months)) {
                out.imbalances.push(Imbalance::Year {
                    child: index,
                    total,
                    months,
                });
            }
        }
    }
    out
}

/// Gives the children without any typed total what is left of a month.
fn share_month(
    month: usize,
    whole: Decimal,
    children: &[Child],
    grain: Grain,
    out: &mut Allocation,
) {
    let taken: Decimal = out.months.iter().filter_map(|row| row[month]).sum();
    let free: Vec<usize> = (0..children.len())
        .filter(|index| children[*index].is_free(month) && children[*index].total.is_none())
        .collect();
    let rest = whole - taken;
    // People typed more than the parent has: the others get nothing, and it is told.
    let is_exceeded = rest < Decimal::ZERO && whole >= Decimal::ZERO;
    if free.is_empty() || is_exceeded {
        for index in free {
            out.months[index][month] = Some(Decimal::ZERO);
        }
        if !rest.is_zero() {
            out.imbalances.push(Imbalance::Month {
                month,
                parent: whole,
                children: taken,
            });
        }
        return;
    }
    let weights: Vec<BigRational> = free
        .iter()
        .map(|index| children[*index].weights[month].clone())
        .collect();
    if let Some(parts) = grain.split(rest, &weights) {
        for (index, part) in free.into_iter().zip(parts) {
            out.months[index][month] = Some(part);
        }
    }
}

/// A child with a typed year that still has months to spread it over.
struct Held {
    child: usize,
    /// Whole grains still to place.
    need: i128,
    /// What is finer than the grain; it goes to the first month that takes anything.
    finer: Decimal,
    /// Grains placed, by month.
    placed: [i128; MONTHS],
    /// Months that it may use.
    free: [bool; MONTHS],
}

/// The room of the months and those who share it.
struct Room {
    held: Vec<Held>,
    /// Grains left in each month.
    left: [i128; MONTHS],
    /// Months in which nobody else could take what is left.
    must_fill: [bool; MONTHS],
}

/// Spreads the typed years over their free months.
fn place_totals(parent: &Months, children: &[Child], grain: Grain, out: &mut Allocation) {
    let mut room = Room {
        held: Vec::new(),
        left: [0; MONTHS],
        must_fill: [false; MONTHS],
    };
    let mut rest = [Decimal::ZERO; MONTHS];
    for month in 0..MONTHS {
        let taken: Decimal = out.months.iter().filter_map(|row| row[month]).sum();
        rest[month] = parent[month].map_or(Decimal::ZERO, |whole| whole - taken);
        room.left[month] = grain
            .whole(rest[month])
            .map_or(0, |(whole, _)| whole.max(0));
        room.must_fill[month] = !children
            .iter()
            .any(|child| child.is_free(month) && child.total.is_none());
    }
    for (index, child) in children.iter().enumerate() {
        let Some(total) = child.total else { continue };
        let free = std::array::from_fn(|month| child.is_free(month) && parent[month].is_some());
        let need = (total - child.fixed_sum()).max(Decimal::ZERO);
        if let Some((need, finer)) = grain.whole(need)
            && free.contains(&true)
        {
            room.held.push(Held {
                child: index,
                need,
                finer,
                placed: [0; MONTHS],
                free,
            });
        }
    }
    for index in 0..room.held.len() {
        let child = &children[room.held[index].child];
        room.place_in_proportion(index, &rest, child);
    }
    room.place_the_rest();
    for held in room.held {
        let mut finer = held.finer;
        for month in (0..MONTHS).filter(|month| held.free[*month]) {
            let placed = grain.amount(held.placed[month]) + finer;
            finer = Decimal::ZERO;
            out.months[held.child][month] = Some(placed.normalize());
        }
    }
}

impl Room {
    /// Places one typed year in proportion to what the child would have, as far as there is room.
    fn place_in_proportion(&mut self, index: usize, rest: &[Decimal; MONTHS], child: &Child) {
        let held = &mut self.held[index];
        while held.need > 0 {
            let open: Vec<usize> = (0..MONTHS)
                .filter(|month| held.free[*month] && self.left[*month] > 0)
                .collect();
            let weights: Vec<BigRational> = open
                .iter()
                .map(|month| &child.weights[*month] * ratio_of(rest[*month]))
                .collect();
            for (month, part) in open.iter().zip(split_by_weights(held.need, &weights)) {
                let taken = part.min(self.left[*month]);
                held.placed[*month] += taken;
                held.need -= taken;
                self.left[*month] -= taken;
            }
            // A round that fills no month has placed everything.
            if open.iter().all(|month| self.left[*month] > 0) {
                break;
            }
        }
    }

    /// Makes room by moving what others have placed: first for years that are not placed, then for
    /// months that nobody else can fill.
    fn place_the_rest(&mut self) {
        for index in 0..self.held.len() {
            while self.held[index].need > 0 {
                let sources = self.held[index].free;
                let Some(path) = self.path(&sources, |_| true) else {
                    break;
                };
                let amount = self.capacity(&path).min(self.held[index].need);
                self.push(&path, amount);
                self.held[index].placed[path.first] += amount;
                self.held[index].need -= amount;
            }
        }
        loop {
            let sources = std::array::from_fn(|month| {
                !self.must_fill[month] && self.held.iter().any(|held| held.placed[month] > 0)
            });
            let must_fill = self.must_fill;
            let Some(path) = self.path(&sources, |month| must_fill[month]) else {
                break;
            };
            let amount = self.capacity(&path);
            self.push(&path, amount);
            self.left[path.first] += amount;
        }
    }

    /// The shortest way from one of the months to one with room that is wanted, each step moving a
    /// placed amount of one child from a month to another.
    fn path(&self, sources: &[bool; MONTHS], wanted: impl Fn(usize) -> bool) -> Option<Path> {
        let mut came: [Option<Option<(usize, usize)>>; MONTHS] = [None; MONTHS];
        let mut queue = VecDeque::new();
        for month in (0..MONTHS).filter(|month| sources[*month]) {
            came[month] = Some(None);
            queue.push_back(month);
        }
        while let Some(month) = queue.pop_front() {
            if self.left[month] > 0 && wanted(month) {
                let mut steps = Vec::new();
                let mut at = month;
                while let Some(Some((before, held))) = came[at] {
                    steps.push((held, before, at));
                    at = before;
                }
                steps.reverse();
                return Some(Path {
                    first: at,
                    last: month,
                    steps,
                });
            }
            for (index, held) in self.held.iter().enumerate() {
                if held.placed[month] == 0 {
                    continue;
                }
                for (next, from) in came.iter_mut().enumerate() {
                    if held.free[next] && from.is_none() {
                        *from = Some(Some((month, index)));
                        queue.push_back(next);
                    }
                }
            }
        }
        None
    }

    fn capacity(&self, path: &Path) -> i128 {
        let steps = path
            .steps
            .iter()
            .map(|(held, from, _)| self.held[*held].placed[*from]);
        steps.fold(self.left[path.last], i128::min)
    }

    fn push(&mut self, path: &Path, amount: i128) {
        for (held, from, to) in &path.steps {
            self.held[*held].placed[*from] -= amount;
            self.held[*held].placed[*to] += amount;
        }
        self.left[path.last] -= amount;
    }
}

/// A way to make room in `first`: each step moves an amount of a child `(held, from, to)`.
struct Path {
    first: usize,
    last: usize,
    steps: Vec<(usize, usize, usize)>,
}

/// The children's exact shares of each month after an allocation: what an indicator further down
/// the chain is divided by. Shares and not rounded numbers, because a person who is to win no deal
/// this month still needs leads.
pub(super) fn shares(
    parent: &Months,
    children: &[Child],
    allocation: &Allocation,
) -> Vec<Vec<BigRational>> {
    let zero = BigRational::zero;
    let mut out: Vec<Vec<BigRational>> =
        children.iter().map(|child| child.weights.clone()).collect();
    for month in 0..MONTHS {
        let holds = |child: &Child| !child.is_free(month) || child.total.is_some();
        let whole = parent[month].map(ratio_of).filter(|whole| *whole > zero());
        let (Some(whole), true) = (whole, children.iter().any(holds)) else {
            continue;
        };
        let mut rest = BigRational::from(BigInt::from(1));
        let mut weights = zero();
        for (index, child) in children.iter().enumerate() {
            if holds(child) {
                let held = ratio_of(allocation.months[index][month].unwrap_or_default());
                out[index][month] = held / &whole;
                rest -= &out[index][month];
            } else {
                weights += &child.weights[month];
            }
        }
        let rest = if rest > zero() { rest } else { zero() };
        for (index, child) in children.iter().enumerate() {
            if !holds(child) && weights > zero() {
                out[index][month] = &rest * &child.weights[month] / &weights;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
