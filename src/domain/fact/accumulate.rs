//! One pass over the records: leads first, then deals, into tallies by month, source and seat.
//!
//! Built for a million records: no allocation a record, codes are compared as symbol numbers, and
//! of a lead only 24 bytes are kept, so that the deals that come later find its month.

use std::collections::BTreeMap;

use super::deeds;
use super::earned::Earned;
use super::lead_index::{LeadIndex, LeadSlot};
use super::leads::Fate;
use super::margin::{Costs, Finished, Margins, WonDeal};
use super::paid::{Income, Receipt};
use super::rate::Rate;
use super::row::MetricRow;
use super::seats::{People, Seats};
use super::strips::{Strip, Strips, Tally};
use super::{DealRow, FIRST_YEAR, FactSpec, Facts, LeadRow};
use crate::domain::calendar::{Day, Month, month_index};
use crate::domain::crm::{Activity, Call, Currency, Invoice, Payment, ProductRow, Semantics};
use crate::domain::money::Money;

/// Where a date falls among the months that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the month with this index.
    At(usize),
    /// After the current month.
    Future,
    /// Before [`FIRST_YEAR`].
    Ancient,
}

/// Streams records into facts: every lead, then every deal, then product rows, payments, invoices,
/// what people did at any time, then [`Accumulator::finish`].
///
/// Rows may come in any order of ids, but every lead before the first deal: a deal's converted
/// money is booked on its lead.
#[derive(Debug)]
pub struct Accumulator<'a> {
    spec: FactSpec<'a>,
    first: Month,
    current: Month,
    /// Borders of the months from `first` to `current`, Unix seconds.
    starts: Vec<i64>,
    /// The month found last; neighbouring records mostly share it.
    recent: usize,
    /// By symbol: whether a status code means junk.
    junk: Vec<bool>,
    /// From when on, Unix seconds, and by symbol: the rate of a currency code. Never empty.
    rates: Vec<(i64, Vec<Rate>)>,
    company: Strip,
    /// Ids are the symbol plus one; 0 is "not chosen".
    sources: Strips,
    seats: Seats<'a>,
    leads: LeadIndex,
    margins: Margins,
    income: Income,
    has_leads: bool,
    has_deals: bool,
    has_deeds: deeds::Sources,
    undated: u64,
    unconverted: u64,
    future: u64,
    ancient: u64,
}

/// The rates of each time, by symbol.
fn rates(spec: &FactSpec<'_>) -> Vec<(i64, Vec<Rate>)> {
    let by_symbol = |currencies: &[Currency]| {
        let symbols = spec.symbols.iter();
        symbols
            .map(|code| Rate::between(code, spec.base_currency, currencies))
            .collect()
    };
    if spec.rates.is_empty() {
        return vec![(i64::MIN, by_symbol(&[]))];
    }
    let tables = spec.rates.iter();
    tables
        .map(|table| (table.since, by_symbol(&table.currencies)))
        .collect()
}

impl<'a> Accumulator<'a> {
    /// An empty accumulator; what is dated after `today`'s month will be left out and counted.
    pub fn new(spec: &FactSpec<'a>, today: Day) -> Accumulator<'a> {
        let current = Month::of(today);
        let first = Month {
            year: FIRST_YEAR.min(current.year),
            month: 1,
        };
        let symbols = spec.symbols.iter();
        Accumulator {
            spec: *spec,
            first,
            current,
            starts: spec.calendar.month_starts(first, current),
            recent: 0,
            junk: symbols.map(|code| spec.junk.contains(code)).collect(),
            rates: rates(spec),
            company: Strip::default(),
            sources: Strips::default(),
            seats: Seats::new(spec.homes),
            leads: LeadIndex::default(),
            margins: Margins::default(),
            income: Income::default(),
            has_leads: false,
            has_deals: false,
            has_deeds: deeds::Sources::default(),
            undated: 0,
            unconverted: 0,
            future: 0,
            ancient: 0,
        }
    }

    /// Adds a lead.
    pub fn lead(&mut self, row: &LeadRow) {
        self.has_leads = true;
        let is_junk = self.junk.get(row.status as usize).copied().unwrap_or(false);
        let fate = Fate::of(row, is_junk);
        let given = row.amount.filter(|amount| !amount.is_zero());
        let units = self.convert(given, row.currency, row.created);
        let source = self.sources.index(source_id(row.source));
        if let Some(month) = self.counted_place(row.created) {
            let opener = self.seats.index(row.opener, row.created);
            self.company
                .at(month)
                .leads
                .created(fate, units, given.is_none());
            self.sources
                .at(source, month)
                .leads
                .created(fate, units, given.is_none());
            self.seats
                .at(opener, month)
                .leads
                .created(fate, units, given.is_none());
            // The months since FIRST_YEAR fit into 16 bits for the next five thousand years.
            self.leads.push(LeadSlot {
                id: row.id,
                source,
                seat: opener,
                month: month as u16,
            });
        }
        if fate == Fate::Open {
            return;
        }
        let Some(closed) = row.closed else {
            self.undated += 1;
            return;
        };
        if let Some(month) = self.counted_place(closed) {
            self.company.at(month).leads.closed(fate);
            self.sources.at(source, month).leads.closed(fate);
            let seat = self.seats.index(row.user, closed);
            self.seats.at(seat, month).leads.closed(fate);
        }
    }

    /// Adds a deal; one of a pipeline that does not count is passed over.
    pub fn deal(&mut self, row: &DealRow) {
        if self
            .spec
            .pipelines
            .is_some_and(|pipelines| !pipelines.contains(&row.category))
        {
            self.income.foreign(row.id);
            return;
        }
        self.has_deals = true;
        let source = self.sources.index(source_id(row.source));
        if let Some(month) = self.counted_place(row.created) {
            let opener = self.seats.index(row.opener, row.created);
            self.company.at(month).sales.created();
            self.sources.at(source, month).sales.created();
            self.seats.at(opener, month).sales.created();
        }
        let won = match row.semantics {
            Semantics::InWork => return,
            Semantics::Success => true,
            Semantics::Failure => false,
        };
        let given = row.amount.filter(|amount| won && !amount.is_zero());
        let units = self.convert(given, row.currency, row.closed.unwrap_or(row.created));
        if let (Some(units), Some(lead)) = (units, row.lead.and_then(|id| self.leads.find(id))) {
            let month = usize::from(lead.month);
            self.company.at(month).leads.converted(units);
            self.sources.at(lead.source, month).leads.converted(units);
            self.seats.at(lead.seat, month).leads.converted(units);
        }
        let Some(closed) = row.closed else {
            self.undated += 1;
            return;
        };
        if let Some(month) = self.counted_place(closed) {
            let seat = self.seats.index(row.user, closed);
            if won {
                self.margins.won(WonDeal {
                    id: row.id,
                    month,
                    closed,
                    revenue: units,
                    currency: row.currency,
                    seat,
                });
            }
            let tallies = [
                self.company.at(month),
                self.sources.at(source, month),
                self.seats.at(seat, month),
            ];
            for tally in tallies {
                if won {
                    tally.sales.won(units);
                } else {
                    tally.sales.lost();
                }
            }
        }
    }

    /// Says what products cost; before the first product row.
    pub fn costs(&mut self, costs: Costs) {
        self.margins.set_costs(costs);
    }

    /// Adds a product row of a deal; all deals come before.
    pub fn product_row(&mut self, row: &ProductRow) {
        let spec = self.spec;
        self.margins.row(row, |code, at| {
            Rate::at(code, at, spec.base_currency, spec.rates)
        });
    }

    /// Adds a payment; all deals come before.
    pub fn payment(&mut self, row: &Payment) {
        let receipt = self.income.payment(row);
        self.receive(receipt);
    }

    /// Adds an invoice; all payments come before, so that their money is not counted twice.
    pub fn invoice(&mut self, row: &Invoice) {
        let receipt = self.income.invoice(row);
        self.receive(receipt);
    }

    fn receive(&mut self, receipt: Option<Receipt<'_>>) {
        let Some(receipt) = receipt else { return };
        let Some(month) = self.counted_place(receipt.at) else {
            return;
        };
        let spec = self.spec;
        let units = receipt.amount.map(|amount| {
            Rate::at(receipt.currency, receipt.at, spec.base_currency, spec.rates).apply(amount)
        });
        self.unconverted += u64::from(units == Some(None));
        let units = units.flatten().unwrap_or_default();
        let seat = self.seats.index(receipt.user, receipt.at);
        self.income.book(month, seat, units);
    }

    /// Adds a call of the telephony.
    pub fn call(&mut self, call: &Call) {
        self.has_deeds.calls = true;
        let at = call.at.timestamp();
        if deeds::was_made(call)
            && let Place::At(month) = self.place(at)
        {
            let seat = self.seats.index(call.user, at);
            self.company.at(month).deeds.call();
            self.seats.at(seat, month).deeds.call();
        }
    }

    /// Adds an activity of the CRM.
    pub fn activity(&mut self, activity: &Activity) {
        self.has_deeds.activities = true;
        if let Some((deed, at)) = deeds::deed(activity)
            && let Place::At(month) = self.place(at)
        {
            let seat = self.seats.index(activity.user, at);
            self.company.at(month).deeds.add(deed);
            self.seats.at(seat, month).deeds.add(deed);
        }
    }

    /// The facts of all records added.
    pub fn finish(mut self) -> Facts {
        let margins =
            std::mem::take(&mut self.margins).finish(|currency, at| self.rate(currency, at));
        let income = std::mem::take(&mut self.income);
        let earned = Earned::of(&margins, &income);
        let people = self.people(&margins, &income, &earned);
        let months = |index: usize| self.month(index);
        let mut facts = Facts {
            months: self.months(&margins, &income, &earned),
            sources: self.by_source(),
            managers: people.managers,
            departments: people.departments,
            margins: BTreeMap::new(),
            manager_margins: people.margins,
            blank_costs: margins.blank,
            paid: BTreeMap::new(),
            manager_paid: people.paid,
            undated: self.undated,
            unconverted: self.unconverted,
            future: self.future,
            ancient: self.ancient,
        };
        let by_month = margins.months.into_iter();
        facts.margins = by_month.map(|(at, one)| (months(at), one)).collect();
        let by_month = income.months.into_iter();
        facts.paid = by_month.map(|(at, one)| (months(at), one)).collect();
        facts
    }

    /// The company's months, without a gap to the current one, then blank to December.
    fn months(
        &self,
        margins: &Finished,
        income: &Income,
        earned: &Earned,
    ) -> BTreeMap<Month, MetricRow> {
        let mut months = BTreeMap::new();
        let current = self.starts.len().saturating_sub(2);
        let empty = Tally::default();
        let firsts = self.company.first().into_iter().chain(earned.first());
        if let Some(first) = firsts.min() {
            for index in first..=current {
                let mut row = self.row(self.company.get(index).unwrap_or(&empty));
                let (margin, paid) = (margins.months.get(&index), income.months.get(&index));
                earned.write(index, margin, paid, &mut row);
                months.insert(self.month(index), row);
            }
        }
        let december = Month {
            year: self.current.year,
            month: 12,
        };
        for month in self.current.to(december) {
            months.entry(month).or_default();
        }
        months
    }

    fn by_source(&self) -> BTreeMap<(Month, Option<String>), MetricRow> {
        let mut sources = BTreeMap::new();
        for (id, strip) in self.sources.iter() {
            let code = id.checked_sub(1).map(|symbol| self.symbol(symbol));
            for (index, tally) in strip.touched() {
                sources.insert((self.month(index), code.clone()), self.row(tally));
            }
        }
        sources
    }

    /// What people did, by them and by the departments in which they were then.
    fn people(&self, margins: &Finished, income: &Income, earned: &Earned) -> People {
        let mut people = People::default();
        let empty = Tally::default();
        for (number, (seat, strip)) in (0_u32..).zip(self.seats.iter()) {
            let mut places: BTreeMap<usize, &Tally> = strip.touched().collect();
            let of_seat = (number, 0)..=(number, usize::MAX);
            let won = margins.seats.range(of_seat.clone()).map(|((_, at), _)| *at);
            let paid = income.seats.range(of_seat).map(|((_, at), _)| *at);
            for at in won.chain(paid) {
                places.entry(at).or_insert(&empty);
            }
            for (at, tally) in places {
                let mut row = self.row(tally);
                let margin = margins.seats.get(&(number, at));
                let paid = income.seats.get(&(number, at));
                earned.write(at, margin, paid, &mut row);
                people.add(self.month(at), seat, &row, margin, paid);
            }
        }
        people
    }

    fn month(&self, index: usize) -> Month {
        self.first.plus(index as i32)
    }

    fn row(&self, tally: &Tally) -> MetricRow {
        let mut row = MetricRow::of(
            self.has_leads.then_some(&tally.leads),
            self.has_deals.then_some(&tally.sales),
        );
        tally.deeds.write(self.has_deeds, &mut row);
        row
    }

    /// The text of a symbol; one that the table does not hold shows its number.
    fn symbol(&self, symbol: u64) -> String {
        let known = usize::try_from(symbol)
            .ok()
            .and_then(|index| self.spec.symbols.get(index));
        known.cloned().unwrap_or_else(|| format!("#{symbol}"))
    }

    /// An amount in units of the company's currency; one that cannot be converted is counted.
    /// `at` is when it was earned, or hoped for; Unix seconds.
    fn convert(&mut self, amount: Option<Money>, currency: u32, at: i64) -> Option<i64> {
        let units = self.rate(currency, at).apply(amount?);
        self.unconverted += u64::from(units.is_none());
        units
    }

    /// The rate of a currency's symbol at an instant, Unix seconds.
    fn rate(&self, currency: u32, at: i64) -> Rate {
        let later = self.rates.partition_point(|(since, _)| *since <= at);
        let table = self.rates.get(later.saturating_sub(1));
        let rate = table.and_then(|(_, rates)| rates.get(currency as usize));
        rate.copied().unwrap_or(Rate::Unknown)
    }

    /// The index of the month in which a date falls; a date outside is counted.
    fn counted_place(&mut self, seconds: i64) -> Option<usize> {
        match self.place(seconds) {
            Place::At(month) => Some(month),
            Place::Future => {
                self.future += 1;
                None
            }
            Place::Ancient => {
                self.ancient += 1;
                None
            }
        }
    }

    fn place(&mut self, seconds: i64) -> Place {
        let recent = self
            .starts
            .get(self.recent)
            .zip(self.starts.get(self.recent + 1));
        if recent.is_some_and(|(start, end)| (*start..*end).contains(&seconds)) {
            return Place::At(self.recent);
        }
        match month_index(&self.starts, seconds) {
            Some(index) => {
                self.recent = index;
                Place::At(index)
            }
            None if self.starts.first().is_some_and(|first| seconds < *first) => Place::Ancient,
            None => Place::Future,
        }
    }
}

/// The id under which a source is kept: its symbol plus one, 0 when it was not chosen.
fn source_id(symbol: Option<u32>) -> u64 {
    symbol.map_or(0, |symbol| u64::from(symbol) + 1)
}
