//! One year's plan: targets merged, numbers generated, people's edits kept and followed.
//!
//! The rows are settled in the order of the chain, revenue → deals → leads → potential sum, so
//! that each row is generated from the numbers *in force* of the row before it. Thereby an edit is
//! followed downstream and nothing upstream moves:
//!
//! - an edited month of revenue: its deals, leads and potential sum follow from the edited number;
//! - edited deals: the leads follow from the deals, revenue stays;
//! - edited leads: the potential sum follows.
//!
//! The year's total of a row is the sum of its months, unless a person typed the total. Then it
//! holds, and the months that nobody typed absorb the difference in proportion to what would be
//! generated for them; when there is none to absorb it, or what is typed exceeds the total,
//! nothing is changed and a notice tells both numbers.
//!
//! What is generated depends on targets, history and typed cells alone, never on the daemon's own
//! numbers in the sheet: so a second run without a change writes nothing.

use num_bigint::BigInt;
use num_rational::BigRational;
use rust_decimal::Decimal;

use super::allocate::Months;
use super::decompose::{Rounding, ceiling, contradiction, decimal_of, positive};
use super::merge::{Range, Reading, read, same, settle};
use super::split::{Grain, MONTHS, Shape};
use super::targets::{
    CONVERSION_ROWS, HISTORY_ROW, SAMPLE_MIN, TargetCell, Targets, seeds, target_cells, window_of,
};
use super::tree;
use super::{
    CellKey, CellProblem, Cells, Merged, Notice, Owner, PLAN_TABLE, PlanInput, Replanned, Seen,
    TARGETS_TABLE,
};
use crate::domain::calendar::Month;
use crate::domain::money::ratio_of;
use crate::domain::slot::{Metric, Period};

/// The rows of the company's plan, in the order in which people read them.
pub const PLAN_ROWS: [Metric; 9] = [
    Metric::Profit,
    Metric::Revenue,
    Metric::DealsWon,
    Metric::Proposals,
    Metric::Meetings,
    Metric::LeadsCreated,
    Metric::PotentialSum,
    Metric::Calls,
    Metric::BreakEven,
];

/// The stages of the chain above the deals, in the order in which they are derived.
const STAGES: [Metric; 4] = [
    Metric::Proposals,
    Metric::Meetings,
    Metric::LeadsCreated,
    Metric::Calls,
];

/// A row in force.
struct Row {
    values: Months,
    /// Where a person's number (or the last good one) stands.
    fixed: [bool; MONTHS],
    /// What would be generated if nobody had typed anything into the row.
    generated: Months,
}

impl Row {
    /// Whether the month's number is other than generated: typed, or absorbing a typed total.
    fn departs(&self, month: usize) -> bool {
        self.fixed[month] || !same(self.values[month], self.generated[month])
    }
}

/// A row as it was read.
struct ReadRow {
    months: Vec<Reading>,
    fixed: [Option<Option<Decimal>>; MONTHS],
    total: Reading,
}

impl ReadRow {
    fn row(&self, values: Months, generated: Months) -> Row {
        Row {
            values,
            fixed: self.fixed.map(|fixed| fixed.is_some()),
            generated,
        }
    }
}

/// Merges the year's targets and plan cells, and generates what nobody typed.
pub fn replan(input: &PlanInput<'_>) -> Replanned {
    let mut plan = Replanned::default();
    merge_targets(input, &mut plan);
    let targets = plan.targets();
    Year {
        input,
        plan: &mut plan,
        shape: targets.shape(),
        targets: targets.clone(),
    }
    .settle_all();
    tree::settle_all(input, &targets, &mut plan);
    let told = notices(input, &plan);
    plan.notices.splice(0..0, told);
    plan
}

/// Settles «Цели»: a number that stands there stays, whoever put it there; a blank takes its seed.
fn merge_targets(input: &PlanInput<'_>, plan: &mut Replanned) {
    let settle_target = |cell: TargetCell, seed: Option<Decimal>| {
        let reading = read(
            input.base.get(&cell.key),
            input.seen.get(&cell.key),
            seed,
            cell.range,
        );
        let unwritten = input
            .base
            .get(&cell.key)
            .filter(|base| base.pending.is_some());
        let generated = match &reading {
            // Set out to be written by a pass that died before it, as a restore may.
            Reading::Free(shown) if unwritten.is_some_and(|base| same(*shown, base.base)) => {
                unwritten.and_then(|base| base.value).or(seed)
            }
            Reading::Free(Some(shown)) => Some(*shown),
            Reading::Absent(Some((_, Some(kept)))) => Some(*kept),
            _ => seed,
        };
        (cell.key, settle(reading, generated))
    };
    // How far history looks back is itself a target, and the others are seeded from history.
    let (windows, others): (Vec<TargetCell>, Vec<TargetCell>) = target_cells()
        .into_iter()
        .partition(|cell| cell.key.row == HISTORY_ROW);
    let mut window = window_of(None);
    for cell in windows {
        let (key, merged) = settle_target(cell, Some(window.into()));
        window = window_of(merged.value);
        plan.cells.insert(key, merged);
    }
    let seeds: Cells<Decimal> = seeds(input, window);
    for cell in others {
        let seed = seeds.get(&cell.key).copied();
        let (key, merged) = settle_target(cell, seed);
        plan.cells.insert(key, merged);
    }
}

/// The work on one year's plan.
struct Year<'a, 'b> {
    input: &'a PlanInput<'b>,
    plan: &'a mut Replanned,
    targets: Targets,
    shape: Shape,
}

impl Year<'_, '_> {
    fn settle_all(mut self) {
        let revenue_base = self.targets.monthly_revenue();
        let generated = self.spread(revenue_base.as_ref(), Grain::Kopeck);
        let (read_profit, profit) = self.follow_profit(&generated);
        let revenue = self.generate_revenue(&generated, &profit);
        let revenue = self.settle_row(Metric::Revenue, Grain::Kopeck, revenue);
        self.settle_profit(read_profit, &profit, &revenue);

        let leads_base = self.targets.base_leads.map(ratio_of);
        let leads_alone = self.spread(leads_base.as_ref(), Grain::Unit);
        let deals = self.generate_deals(&revenue, &leads_alone);
        let deals = self.settle_row(Metric::DealsWon, Grain::Unit, deals);
        self.tell_contradictions(&revenue, &deals);
        self.settle_stages(&revenue, deals, &leads_alone);

        let line = self.targets.break_even_revenue();
        let line = line.and_then(|line| Grain::Kopeck.round(&line));
        self.settle_row(Metric::BreakEven, Grain::Kopeck, [line; MONTHS]);
    }

    /// A monthly base over the year by growth and season; blank without a base.
    fn spread(&self, base: Option<&BigRational>, grain: Grain) -> Months {
        let months = base
            .and_then(|base| self.shape.year_of(base, grain))
            .unwrap_or_default();
        std::array::from_fn(|month| months.get(month).copied())
    }

    /// The profit that a revenue leaves: `revenue × margin − costs`; blank in a company that gave
    /// neither costs nor a profit.
    fn profit_of(&self, revenue: Option<Decimal>) -> Option<Decimal> {
        if self.targets.break_even.is_none() && self.targets.profit.is_none() {
            return None;
        }
        let costs = ratio_of(self.targets.break_even.unwrap_or_default());
        Grain::Kopeck.round(&(ratio_of(revenue?) * ratio_of(self.targets.margin) - costs))
    }

    /// The profit row as people's edits of it leave it, before any edit of the revenue.
    fn follow_profit(&self, revenue: &Months) -> (ReadRow, Row) {
        let generated = revenue.map(|revenue| self.profit_of(revenue));
        let read = self.read_row(Metric::Profit, &generated);
        let (values, _) = self.with_total(&read, &generated, Grain::Kopeck);
        let row = read.row(values, generated);
        (read, row)
    }

    /// The revenue that the targets ask for; in months whose profit is a person's, what that takes.
    fn generate_revenue(&self, generated: &Months, profit: &Row) -> Months {
        let costs = ratio_of(self.targets.break_even.unwrap_or_default());
        std::array::from_fn(|month| {
            let wanted = profit.values[month].filter(|_| profit.departs(month));
            let margin = positive(self.targets.margin);
            match wanted.zip(margin) {
                Some((profit, margin)) => {
                    let zero = BigRational::from(BigInt::from(0));
                    Grain::Kopeck.round(&((ratio_of(profit) + &costs) / margin).max(zero))
                }
                None => generated[month],
            }
        })
    }

    /// Settles the profit: as typed, else what the revenue in force leaves.
    fn settle_profit(&mut self, read: ReadRow, followed: &Row, revenue: &Row) {
        let generated: Months = std::array::from_fn(|month| {
            // A profit that the revenue was derived from stands to the kopeck.
            if followed.departs(month) && !revenue.fixed[month] && !revenue.departs(month) {
                followed.values[month]
            } else {
                self.profit_of(revenue.values[month])
            }
        });
        let values: Months =
            std::array::from_fn(|month| read.fixed[month].unwrap_or(generated[month]));
        for (month, at) in Month::of_year(self.input.year).enumerate() {
            let Some((typed, left)) = read.fixed[month].flatten().zip(generated[month]) else {
                continue;
            };
            if revenue.fixed[month] && !same(Some(typed), Some(left)) {
                self.plan.notices.push(Notice {
                    cell: Some(CellKey::plan(Metric::Profit, Period::Month(at))),
                    code: "profit_does_not_fit_revenue".to_owned(),
                    values: vec![plain(typed), plain(left)],
                    cells: vec![CellKey::plan(Metric::Revenue, Period::Month(at))],
                });
            }
        }
        if let Some(Some(typed)) = read.total.fixed()
            && !same(Some(typed), sum(&values))
        {
            self.tell_total(Metric::Profit, typed, sum(&values), &read);
        }
        self.commit(Metric::Profit, read, &values);
    }

    /// Deals that a month's revenue takes, before rounding.
    fn exact_deals(&self, revenue: Option<Decimal>) -> Option<BigRational> {
        Some(ratio_of(revenue?) / positive(self.targets.avg_check?)?)
    }

    /// `⌈revenue / check⌉`; in a company without money, what its leads are expected to give.
    fn generate_deals(&self, revenue: &Row, leads_alone: &Months) -> Months {
        let conversion = self.targets.conversion_ratio();
        std::array::from_fn(|month| {
            let exact = match self.exact_deals(revenue.values[month]) {
                Some(exact) => exact,
                None if revenue.values[month].is_some() => return None,
                None => ratio_of(leads_alone[month]?) * conversion.as_ref()?,
            };
            decimal_of(&ceiling(&exact))
        })
    }

    /// Settles proposals, meetings, leads and calls, and the potential sum of the leads: each is
    /// `⌈need of the next / conversion⌉` through exact fractions, with one rounding; where a person
    /// changed the next one, it follows from his number. Leads without a chain are those that the
    /// company has had.
    fn settle_stages(&mut self, revenue: &Row, deals: Row, leads_alone: &Months) {
        let exact = |month: usize| {
            if deals.departs(month) {
                deals.values[month].map(ratio_of)
            } else {
                self.exact_deals(revenue.values[month])
            }
        };
        let mut chain = vec![(Metric::DealsWon, std::array::from_fn::<_, MONTHS, _>(exact))];
        for metric in STAGES {
            let next = self.targets.next_stage(metric);
            let needs = chain
                .iter()
                .find(|(stage, _)| Some(*stage) == next)
                .map(|(_, needs)| needs.clone())
                .unwrap_or_default();
            let ratio = self.targets.stage_ratio(metric);
            let mut exact: [Option<BigRational>; MONTHS] = std::array::from_fn(|month| {
                let need = needs[month].as_ref()?;
                let need = match self.targets.rounding {
                    Rounding::End => need.clone(),
                    Rounding::Stepwise => need.ceil(),
                };
                Some(need / ratio.as_ref()?)
            });
            let generated: Months = std::array::from_fn(|month| match &exact[month] {
                Some(exact) => decimal_of(&ceiling(exact)),
                None if metric == Metric::LeadsCreated => leads_alone[month],
                None => None,
            });
            let row = self.settle_row(metric, Grain::Unit, generated);
            for (month, exact) in exact.iter_mut().enumerate() {
                if row.departs(month) || exact.is_none() {
                    *exact = row.values[month].map(ratio_of);
                }
            }
            if metric == Metric::LeadsCreated {
                self.settle_potential(&row);
            }
            chain.push((metric, exact));
        }
    }

    fn settle_potential(&mut self, leads: &Row) {
        let lead_sum = self.targets.avg_lead_sum.map(ratio_of);
        let potential = leads
            .values
            .map(|leads| Grain::Kopeck.round(&(ratio_of(leads?) * lead_sum.as_ref()?)));
        self.settle_row(Metric::PotentialSum, Grain::Kopeck, potential);
    }

    /// Merges a row's months and its total with what is generated for the months.
    fn settle_row(&mut self, metric: Metric, grain: Grain, generated: Months) -> Row {
        let read = self.read_row(metric, &generated);
        let (values, is_met) = self.with_total(&read, &generated, grain);
        if let (false, Some(Some(typed))) = (is_met, read.total.fixed()) {
            self.tell_total(metric, typed, sum(&values), &read);
        }
        let row = read.row(values, generated);
        self.commit(metric, read, &values);
        row
    }

    /// Reads a row's months and its total.
    fn read_row(&self, metric: Metric, generated: &Months) -> ReadRow {
        let range = match metric {
            Metric::Profit => Range::Signed,
            _ => Range::NotNegative,
        };
        let months: Vec<Reading> = Month::of_year(self.input.year)
            .zip(generated)
            .map(|(month, number)| {
                self.read(&CellKey::plan(metric, Period::Month(month)), *number, range)
            })
            .collect();
        let fixed = std::array::from_fn(|month| months.get(month).and_then(Reading::fixed));
        let unabsorbed: Months =
            std::array::from_fn(|month| fixed[month].unwrap_or(generated[month]));
        let year_key = CellKey::plan(metric, Period::Year(self.input.year));
        let total = match self.read(&year_key, sum(&unabsorbed), range) {
            // The daemon's total follows the months even while the cell cannot be read.
            Reading::Broken(problem, Some((Owner::Daemon, _))) => Reading::Broken(problem, None),
            total => total,
        };
        ReadRow {
            months,
            fixed,
            total,
        }
    }

    /// The months in force: fixed, absorbing a typed total, or generated; and whether the total is
    /// met.
    fn with_total(&self, read: &ReadRow, generated: &Months, grain: Grain) -> (Months, bool) {
        let unabsorbed: Months =
            std::array::from_fn(|month| read.fixed[month].unwrap_or(generated[month]));
        let Some(Some(typed)) = read.total.fixed() else {
            return (unabsorbed, true);
        };
        match self.absorb(typed, &read.fixed, generated, grain) {
            Some(absorbed) => (
                std::array::from_fn(|month| read.fixed[month].unwrap_or(absorbed[month])),
                true,
            ),
            None => (unabsorbed, false),
        }
    }

    /// Tells that a typed total is not what its months have, naming the months that hold it up.
    fn tell_total(
        &mut self,
        metric: Metric,
        typed: Decimal,
        months: Option<Decimal>,
        read: &ReadRow,
    ) {
        let held = Month::of_year(self.input.year)
            .zip(&read.fixed)
            .filter(|(_, fixed)| fixed.is_some());
        self.plan.notices.push(Notice {
            cell: Some(CellKey::plan(metric, Period::Year(self.input.year))),
            code: "locks_do_not_add_up".to_owned(),
            values: vec![plain(typed), plain(months.unwrap_or_default())],
            cells: held
                .map(|(month, _)| CellKey::plan(metric, Period::Month(month)))
                .collect(),
        });
    }

    /// Puts a row's cells into the plan.
    fn commit(&mut self, metric: Metric, read: ReadRow, values: &Months) {
        let months = Month::of_year(self.input.year).zip(read.months);
        let mut in_force = Months::default();
        for (index, (month, reading)) in months.enumerate() {
            let merged = settle(reading, values[index]);
            in_force[index] = merged.value;
            let key = CellKey::plan(metric, Period::Month(month));
            self.plan.cells.insert(key, merged);
        }
        let year_key = CellKey::plan(metric, Period::Year(self.input.year));
        self.plan
            .cells
            .insert(year_key, settle(read.total, sum(&in_force)));
    }

    /// The months that make a typed total true; `None` when the free ones cannot absorb the rest.
    fn absorb(
        &self,
        total: Decimal,
        fixed: &[Option<Option<Decimal>>],
        generated: &Months,
        grain: Grain,
    ) -> Option<Months> {
        let locked: Decimal = fixed.iter().flatten().flatten().sum();
        let free: Vec<usize> = (0..MONTHS)
            .filter(|month| fixed[*month].is_none())
            .collect();
        if free.is_empty() {
            return same(Some(total), Some(locked)).then_some(*generated);
        }
        let rest = total - locked;
        if rest < Decimal::ZERO {
            return None;
        }
        let mut weights: Vec<BigRational> = free
            .iter()
            .map(|month| ratio_of(generated[*month].unwrap_or_default()))
            .collect();
        let nothing = BigRational::from(BigInt::from(0));
        if weights.iter().all(|weight| *weight == nothing) {
            weights = free
                .iter()
                .map(|month| self.shape.weights[*month].clone())
                .collect();
        }
        let parts = grain.split(rest, &weights)?;
        let mut absorbed = *generated;
        for (month, part) in free.into_iter().zip(parts) {
            absorbed[month] = Some(part);
        }
        Some(absorbed)
    }

    /// Tells where a person's deals do not earn the planned revenue (R45).
    fn tell_contradictions(&mut self, revenue: &Row, deals: &Row) {
        let Some(check) = self.targets.avg_check else {
            return;
        };
        for (index, month) in Month::of_year(self.input.year).enumerate() {
            let Some((planned, money)) = deals.values[index].zip(revenue.values[index]) else {
                continue;
            };
            let found = contradiction(planned, check, money).filter(|_| deals.fixed[index]);
            let too_few = |needed: &BigInt| ratio_of(planned) < BigRational::from(needed.clone());
            if let Some(found) = found.filter(|found| too_few(&found.deals_needed)) {
                self.plan.notices.push(Notice {
                    cell: Some(CellKey::plan(Metric::DealsWon, Period::Month(month))),
                    code: "deals_do_not_earn_revenue".to_owned(),
                    values: vec![
                        plain(planned),
                        plain(check),
                        plain(planned * check),
                        plain(money),
                        found.deals_needed.to_string(),
                    ],
                    cells: Vec::new(),
                });
            }
        }
    }

    fn read(&self, key: &CellKey, adopt: Option<Decimal>, range: Range) -> Reading {
        read(
            self.input.base.get(key),
            self.input.seen.get(key),
            adopt,
            range,
        )
    }
}

/// The sum of the months that are not blank; blank when all are.
pub(super) fn sum(months: &Months) -> Option<Decimal> {
    months
        .iter()
        .flatten()
        .copied()
        .reduce(|sum, month| sum + month)
        .map(|sum| sum.normalize())
}

/// Plain digits for a notice.
pub(super) fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// What is to be told of cells that cannot be read or found.
fn notices(input: &PlanInput<'_>, plan: &Replanned) -> Vec<Notice> {
    let mut told = Vec::new();
    let optional: Vec<CellKey> = target_cells()
        .into_iter()
        .filter(|cell| cell.optional)
        .map(|cell| cell.key)
        .collect();
    for table in [TARGETS_TABLE, PLAN_TABLE] {
        if !input.seen.keys().any(|key| key.table == table) {
            told.push(Notice {
                cell: None,
                code: "table_missing".to_owned(),
                values: vec![table.to_owned()],
                cells: Vec::new(),
            });
            continue;
        }
        let missing = plan.cells.keys().filter(|key| key.table == table);
        for key in missing.filter(|key| !input.seen.contains_key(key) && !optional.contains(key)) {
            told.push(Notice {
                cell: Some(key.clone()),
                code: "cell_missing".to_owned(),
                values: Vec::new(),
                cells: Vec::new(),
            });
        }
    }
    told.extend(
        CONVERSION_ROWS
            .iter()
            .filter_map(|row| small_sample(plan, row)),
    );
    told.extend(
        plan.cells
            .iter()
            .filter_map(|(key, cell)| problem_notice(input, key, cell)),
    );
    told
}

/// A conversion that history made from too few cases (R49).
fn small_sample(plan: &Replanned, row: &str) -> Option<Notice> {
    let key = CellKey::new(TARGETS_TABLE, row, "of");
    let cell = plan.cells.get(&key)?;
    let of = cell.value.filter(|_| cell.owner == Owner::Daemon)?;
    (of < SAMPLE_MIN.into()).then(|| Notice {
        cell: Some(key),
        code: "small_sample".to_owned(),
        values: vec![plain(of)],
        cells: Vec::new(),
    })
}

/// The notice of a cell that cannot be used: what stands there, the number in force instead
/// (empty when there is none), and the rule broken, if one was.
fn problem_notice(input: &PlanInput<'_>, key: &CellKey, cell: &Merged) -> Option<Notice> {
    let problem = cell.problem.as_ref()?;
    let typed = match input.seen.get(key)? {
        Seen::Blank => String::new(),
        Seen::Number(number) => plain(*number),
        Seen::Text(text) | Seen::Error(text) => text.clone(),
        Seen::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.to_owned(),
    };
    let mut values = vec![typed, cell.value.map(plain).unwrap_or_default()];
    if let CellProblem::OutOfRange(rule) = problem {
        values.push(rule.clone());
    }
    Some(Notice {
        cell: Some(key.clone()),
        code: problem.code().to_owned(),
        values,
        cells: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
