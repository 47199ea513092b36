//! One pass over the records: leads first, then deals, into tallies by month, source and user.
//!
//! Built for a million records: no allocation a record, codes are compared as symbol numbers, and
//! of a lead only 24 bytes are kept, so that the deals that come later find its month.

use std::collections::{BTreeMap, HashMap};

use super::deeds::{self, DeedTally};
use super::lead_index::{LeadIndex, LeadSlot};
use super::leads::{Fate, LeadTally};
use super::rate::Rate;
use super::row::MetricRow;
use super::sales::SalesTally;
use super::{DealRow, FIRST_YEAR, FactSpec, Facts, LeadRow};
use crate::domain::calendar::{Day, Month, month_index};
use crate::domain::crm::{Activity, Call, Currency, Semantics};
use crate::domain::money::Money;

/// User ids below this are looked up in an array, the rest in a hash table.
const SMALL_IDS: u64 = 1 << 16;
/// Marks an id that has no index yet.
const NO_INDEX: u32 = u32::MAX;

/// Sums of one month (and source, or user).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Tally {
    leads: LeadTally,
    sales: SalesTally,
    deeds: DeedTally,
}

/// Tallies of consecutive months, from the first one that was touched.
#[derive(Debug, Default)]
struct Strip {
    first: usize,
    tallies: Vec<Tally>,
}

impl Strip {
    fn at(&mut self, month: usize) -> &mut Tally {
        if self.tallies.is_empty() {
            self.first = month;
        }
        if month < self.first {
            let missing = self.first - month;
            self.tallies
                .splice(0..0, std::iter::repeat_n(Tally::default(), missing));
            self.first = month;
        }
        let index = month - self.first;
        if index >= self.tallies.len() {
            self.tallies.resize(index + 1, Tally::default());
        }
        &mut self.tallies[index]
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &Tally)> {
        self.tallies
            .iter()
            .enumerate()
            .map(|(index, tally)| (self.first + index, tally))
    }
}

/// Ids in order of appearance, each with its strip.
#[derive(Debug)]
struct Strips {
    small: Vec<u32>,
    large: HashMap<u64, u32>,
    ids: Vec<u64>,
    strips: Vec<Strip>,
}

impl Strips {
    fn new() -> Strips {
        Strips {
            small: Vec::new(),
            large: HashMap::new(),
            ids: Vec::new(),
            strips: Vec::new(),
        }
    }

    fn index(&mut self, id: u64) -> u32 {
        let fresh = self.ids.len() as u32;
        let slot = if id < SMALL_IDS {
            let id = id as usize;
            if id >= self.small.len() {
                self.small.resize(id + 1, NO_INDEX);
            }
            &mut self.small[id]
        } else {
            self.large.entry(id).or_insert(NO_INDEX)
        };
        if *slot == NO_INDEX {
            *slot = fresh;
            self.ids.push(id);
            self.strips.push(Strip::default());
        }
        *slot
    }

    fn at(&mut self, index: u32, month: usize) -> &mut Tally {
        self.strips[index as usize].at(month)
    }
}

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

/// Streams records into facts: every lead, then every deal, what people did at any time, then
/// [`Accumulator::finish`].
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
    users: Strips,
    leads: LeadIndex,
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
            sources: Strips::new(),
            users: Strips::new(),
            leads: LeadIndex::default(),
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
        let user = self.users.index(row.user);
        let opener = self.users.index(row.opener);
        if let Some(month) = self.counted_place(row.created) {
            self.company
                .at(month)
                .leads
                .created(fate, units, given.is_none());
            self.sources
                .at(source, month)
                .leads
                .created(fate, units, given.is_none());
            self.users
                .at(opener, month)
                .leads
                .created(fate, units, given.is_none());
            // The months since FIRST_YEAR fit into 16 bits for the next five thousand years.
            self.leads.push(LeadSlot {
                id: row.id,
                source,
                user: opener,
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
            self.users.at(user, month).leads.closed(fate);
        }
    }

    /// Adds a deal; one of a pipeline that does not count is passed over.
    pub fn deal(&mut self, row: &DealRow) {
        if self
            .spec
            .pipelines
            .is_some_and(|pipelines| !pipelines.contains(&row.category))
        {
            return;
        }
        self.has_deals = true;
        let source = self.sources.index(source_id(row.source));
        let user = self.users.index(row.user);
        if let Some(month) = self.counted_place(row.created) {
            let opener = self.users.index(row.opener);
            self.company.at(month).sales.created();
            self.sources.at(source, month).sales.created();
            self.users.at(opener, month).sales.created();
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
            self.users.at(lead.user, month).leads.converted(units);
        }
        let Some(closed) = row.closed else {
            self.undated += 1;
            return;
        };
        if let Some(month) = self.counted_place(closed) {
            let tallies = [
                self.company.at(month),
                self.sources.at(source, month),
                self.users.at(user, month),
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

    /// Adds a call of the telephony.
    pub fn call(&mut self, call: &Call) {
        self.has_deeds.calls = true;
        if deeds::was_made(call)
            && let Place::At(month) = self.place(call.at.timestamp())
        {
            let user = self.users.index(call.user);
            self.company.at(month).deeds.call();
            self.users.at(user, month).deeds.call();
        }
    }

    /// Adds an activity of the CRM.
    pub fn activity(&mut self, activity: &Activity) {
        self.has_deeds.activities = true;
        if let Some((deed, at)) = deeds::deed(activity)
            && let Place::At(month) = self.place(at)
        {
            let user = self.users.index(activity.user);
            self.company.at(month).deeds.add(deed);
            self.users.at(user, month).deeds.add(deed);
        }
    }

    /// The facts of all records added.
    pub fn finish(self) -> Facts {
        let mut months = BTreeMap::new();
        let begun = self.company.tallies.len();
        let first = self.company.first;
        let current = self.starts.len().saturating_sub(2);
        let empty = Tally::default();
        if begun > 0 {
            for index in first..=current {
                let tally = self.company.tallies.get(index - first).unwrap_or(&empty);
                months.insert(self.month(index), self.row(tally));
            }
        }
        let december = Month {
            year: self.current.year,
            month: 12,
        };
        for month in self.current.to(december) {
            months.entry(month).or_default();
        }
        let mut sources = BTreeMap::new();
        for (id, strip) in self.sources.ids.iter().zip(&self.sources.strips) {
            let code = id.checked_sub(1).map(|symbol| self.symbol(symbol));
            for (index, tally) in strip.iter().filter(|(_, tally)| **tally != empty) {
                sources.insert((self.month(index), code.clone()), self.row(tally));
            }
        }
        let mut managers = BTreeMap::new();
        for (id, strip) in self.users.ids.iter().zip(&self.users.strips) {
            for (index, tally) in strip.iter().filter(|(_, tally)| **tally != empty) {
                managers.insert((self.month(index), *id), self.row(tally));
            }
        }
        Facts {
            months,
            sources,
            managers,
            undated: self.undated,
            unconverted: self.unconverted,
            future: self.future,
            ancient: self.ancient,
        }
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
        let amount = amount?;
        let later = self.rates.partition_point(|(since, _)| *since <= at);
        let table = self.rates.get(later.saturating_sub(1));
        let rate = table.and_then(|(_, rates)| rates.get(currency as usize));
        let rate = rate.copied().unwrap_or(Rate::Unknown);
        let units = rate.apply(amount);
        self.unconverted += u64::from(units.is_none());
        units
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
