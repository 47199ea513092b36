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

use super::decompose::{ceiling, contradiction, decimal_of, positive};
use super::merge::{Range, Reading, read, same, settle};
use super::split::{Grain, MONTHS, Shape};
use super::targets::{Targets, seeds, target_cells};
use super::{
    CellKey, CellProblem, Merged, Notice, Owner, PLAN_TABLE, PlanInput, Replanned, Seen,
    TARGETS_TABLE,
};
use crate::domain::calendar::Month;
use crate::domain::money::ratio_of;
use crate::domain::slot::{Metric, Period};

/// The rows of the company's plan, in the order in which they are settled.
pub const PLAN_ROWS: [Metric; 5] = [
    Metric::Revenue,
    Metric::DealsWon,
    Metric::LeadsCreated,
    Metric::PotentialSum,
    Metric::BreakEven,
];

/// A row's twelve months, January first.
type Months = [Option<Decimal>; MONTHS];

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

/// Merges the year's targets and plan cells, and generates what nobody typed.
pub fn replan(input: &PlanInput<'_>) -> Replanned {
    let mut plan = Replanned::default();
    merge_targets(input, &mut plan);
    let targets = plan.targets();
    Year {
        input,
        plan: &mut plan,
        shape: targets.shape(),
        targets,
    }
    .settle_all();
    let told = notices(input, &plan);
    plan.notices.splice(0..0, told);
    plan
}

/// Settles «Цели»: a number that stands there stays, whoever put it there; a blank takes its seed.
fn merge_targets(input: &PlanInput<'_>, plan: &mut Replanned) {
    let seeds = seeds(input);
    for cell in target_cells() {
        let seed = seeds.get(&cell.key).copied();
        let reading = read(
            input.base.get(&cell.key),
            input.seen.get(&cell.key),
            seed,
            cell.range,
        );
        let generated = match &reading {
            Reading::Free(Some(shown)) => Some(*shown),
            Reading::Absent(Some((_, Some(kept)))) => Some(*kept),
            _ => seed,
        };
        plan.cells.insert(cell.key, settle(reading, generated));
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
        let revenue = self.spread(revenue_base.as_ref(), Grain::Kopeck);
        let revenue = self.settle_row(Metric::Revenue, Grain::Kopeck, revenue);

        let leads_base = self.targets.base_leads.map(ratio_of);
        let leads_alone = self.spread(leads_base.as_ref(), Grain::Unit);
        let deals = self.generate_deals(&revenue, &leads_alone);
        let deals = self.settle_row(Metric::DealsWon, Grain::Unit, deals);
        self.tell_contradictions(&revenue, &deals);

        let leads = self.generate_leads(&revenue, &deals, &leads_alone);
        let leads = self.settle_row(Metric::LeadsCreated, Grain::Unit, leads);

        let lead_sum = self.targets.avg_lead_sum.map(ratio_of);
        let potential = leads
            .values
            .map(|leads| Grain::Kopeck.round(&(ratio_of(leads?) * lead_sum.as_ref()?)));
        self.settle_row(Metric::PotentialSum, Grain::Kopeck, potential);

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

    /// `⌈revenue / check / conversion⌉`, one rounding; from the deals where those were typed; and
    /// where there is no chain, the leads that the company has had.
    fn generate_leads(&self, revenue: &Row, deals: &Row, leads_alone: &Months) -> Months {
        let conversion = self.targets.conversion_ratio();
        std::array::from_fn(|month| {
            let exact = if deals.departs(month) {
                deals.values[month].map(ratio_of)
            } else {
                self.exact_deals(revenue.values[month])
            };
            match exact.zip(conversion.as_ref()) {
                Some((deals, conversion)) => decimal_of(&ceiling(&(deals / conversion))),
                None => leads_alone[month],
            }
        })
    }

    /// Merges a row's months and its total with what is generated for the months.
    fn settle_row(&mut self, metric: Metric, grain: Grain, generated: Months) -> Row {
        let month_keys: Vec<CellKey> = Month::of_year(self.input.year)
            .map(|month| CellKey::plan(metric, Period::Month(month)))
            .collect();
        let year_key = CellKey::plan(metric, Period::Year(self.input.year));
        let readings: Vec<Reading> = month_keys
            .iter()
            .zip(generated)
            .map(|(key, number)| self.read(key, number))
            .collect();
        let fixed: Vec<Option<Option<Decimal>>> = readings.iter().map(Reading::fixed).collect();
        let unabsorbed: Months =
            std::array::from_fn(|month| fixed[month].unwrap_or(generated[month]));
        let total = match self.read(&year_key, sum(&unabsorbed)) {
            // The daemon's total follows the months even while the cell cannot be read.
            Reading::Broken(problem, Some((Owner::Daemon, _))) => Reading::Broken(problem, None),
            total => total,
        };

        let mut settled = generated;
        if let Some(Some(typed)) = total.fixed() {
            match self.absorb(typed, &fixed, &generated, grain) {
                Some(absorbed) => settled = absorbed,
                None => self.plan.notices.push(Notice {
                    cell: Some(year_key.clone()),
                    code: "locks_do_not_add_up".to_owned(),
                    values: vec![plain(typed), plain(sum(&unabsorbed).unwrap_or_default())],
                }),
            }
        }

        let mut values = Months::default();
        for (month, (key, reading)) in month_keys.into_iter().zip(readings).enumerate() {
            let merged = settle(reading, settled[month]);
            values[month] = merged.value;
            self.plan.cells.insert(key, merged);
        }
        self.plan
            .cells
            .insert(year_key, settle(total, sum(&values)));
        Row {
            values,
            fixed: std::array::from_fn(|month| fixed[month].is_some()),
            generated,
        }
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
                });
            }
        }
    }

    fn read(&self, key: &CellKey, adopt: Option<Decimal>) -> Reading {
        read(
            self.input.base.get(key),
            self.input.seen.get(key),
            adopt,
            Range::NotNegative,
        )
    }
}

/// The sum of the months that are not blank; blank when all are.
fn sum(months: &Months) -> Option<Decimal> {
    months
        .iter()
        .flatten()
        .copied()
        .reduce(|sum, month| sum + month)
        .map(|sum| sum.normalize())
}

/// Plain digits for a notice.
fn plain(number: Decimal) -> String {
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
            });
            continue;
        }
        let missing = plan.cells.keys().filter(|key| key.table == table);
        for key in missing.filter(|key| !input.seen.contains_key(key) && !optional.contains(key)) {
            told.push(Notice {
                cell: Some(key.clone()),
                code: "cell_missing".to_owned(),
                values: Vec::new(),
            });
        }
    }
    told.extend(
        plan.cells
            .iter()
            .filter_map(|(key, cell)| problem_notice(input, key, cell)),
    );
    told
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
    })
}

#[cfg(test)]
mod tests;
