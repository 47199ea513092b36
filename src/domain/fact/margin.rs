//! The margin of won deals (R94): revenue − cost price, and the discount that was given.
//!
//! A deal has a margin when its amount is known, when it has product rows, and when each of them
//! stands for a product whose purchase price is known; a purchase price of zero is a price. A deal that
//! lacks any of that is counted and listed as blank, never taken for one that cost nothing; neither is
//! its revenue in the margin's. Cost is what the catalogue said when the deal was closed ([`Costs`]), in
//! the company's currency at the rate of that time (D6), so a price that changes later changes no past
//! month. The discount of a row is list price − sold, of one, both with tax, times the quantity; rows
//! without a list price give none. The discount is told of deals with a margin.
//!
//! The share of the margin in the revenue is kept as the two amounts (D12).

use std::collections::{BTreeMap, HashMap};

use super::rate::Rate;
use crate::domain::crm::ProductRow;
use crate::domain::money::{Money, div_half_even};

/// Units of money in one; quantities are in the same ten-thousandths.
const ONE: i128 = 10_000;
/// Deals without a margin that are listed, the newest first.
pub const BLANK_LISTED_MAX: usize = 200;

/// What a product cost from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Unix seconds.
    pub since: i64,
    /// The price of one; none when nobody has filled it in.
    pub price: Option<Money>,
    /// The code of its currency.
    pub currency: String,
}

/// What products cost, as it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    by_product: HashMap<u64, Vec<Cost>>,
}

impl Costs {
    /// From rows of a product and its price from then on.
    pub fn of(rows: impl IntoIterator<Item = (u64, Cost)>) -> Costs {
        let mut by_product: HashMap<u64, Vec<Cost>> = HashMap::new();
        for (product, cost) in rows {
            by_product.entry(product).or_default().push(cost);
        }
        for costs in by_product.values_mut() {
            costs.sort_by_key(|cost| cost.since);
        }
        Costs { by_product }
    }

    /// What a product cost at an instant (Unix seconds), and in which currency; none when that is not
    /// known.
    pub fn at(&self, product: u64, seconds: i64) -> Option<(Money, &str)> {
        let known = self.by_product.get(&product)?;
        let later = known.partition_point(|cost| cost.since <= seconds);
        let cost = known.get(later.checked_sub(1)?)?;
        Some((cost.price?, cost.currency.as_str()))
    }

    /// Whether no price is known at all.
    pub fn is_empty(&self) -> bool {
        self.by_product.is_empty()
    }
}

/// Margins of the deals won in a month (and by a user), in the company's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Margin {
    /// Deals whose margin is known.
    pub deals: u64,
    /// What they were won for.
    pub revenue: Money,
    /// What their goods cost.
    pub cost: Money,
    /// What was let off the list prices.
    pub discount: Money,
    /// Deals whose margin is not known.
    pub blank_deals: u64,
    /// What those were won for, as far as known.
    pub blank_revenue: Money,
}

impl Margin {
    /// Adds another's deals.
    pub(super) fn add(&mut self, other: &Margin) {
        // A sum that does not fit stays where it was: no company earns that.
        let grow = |sum: &mut Money, more| *sum = sum.checked_add(more).unwrap_or(*sum);
        self.deals += other.deals;
        grow(&mut self.revenue, other.revenue);
        grow(&mut self.cost, other.cost);
        grow(&mut self.discount, other.discount);
        self.blank_deals += other.blank_deals;
        grow(&mut self.blank_revenue, other.blank_revenue);
    }

    /// Revenue − cost; none when no deal has a margin, or it does not fit.
    pub fn amount(&self) -> Option<Money> {
        (self.deals > 0)
            .then(|| self.revenue.checked_sub(self.cost))
            .flatten()
    }

    /// The margin's share of the revenue as numerator and denominator; none without a revenue (F7).
    pub fn share(&self) -> Option<(Money, Money)> {
        (self.revenue > Money::ZERO).then_some((self.amount()?, self.revenue))
    }
}

/// A won deal, until its product rows have come.
#[derive(Debug, Clone, Copy)]
pub(super) struct WonDeal {
    pub(super) id: u64,
    /// Index of the month in which it was closed.
    pub(super) month: usize,
    /// When, Unix seconds.
    pub(super) closed: i64,
    /// What it was won for, in units of the company's currency.
    pub(super) revenue: Option<i64>,
    /// Symbol of its currency.
    pub(super) currency: u32,
    /// Index of the seat of who won it.
    pub(super) seat: u32,
}

/// Sums over a deal's rows; a blank one stays blank.
#[derive(Debug, Clone, Copy)]
struct Sum {
    cost: Option<i128>,
    /// In the deal's currency.
    discount: i128,
}

/// Won deals and, when they have come, their product rows.
#[derive(Debug, Default)]
pub(super) struct Margins {
    costs: Costs,
    won: Vec<WonDeal>,
    is_sorted: bool,
    has_rows: bool,
    /// By place in `won`.
    sums: HashMap<usize, Sum>,
}

/// Margins by index of month, by seat and it, and the deals that have none.
#[derive(Debug, Default)]
pub(super) struct Finished {
    pub(super) months: BTreeMap<usize, Margin>,
    pub(super) seats: BTreeMap<(u32, usize), Margin>,
    pub(super) blank: Vec<u64>,
}

impl Margins {
    pub(super) fn set_costs(&mut self, costs: Costs) {
        self.costs = costs;
    }

    /// Notes a deal that was won.
    pub(super) fn won(&mut self, deal: WonDeal) {
        self.won.push(deal);
        self.is_sorted = false;
    }

    /// Adds a product row; those of deals that were not won, or do not count, are passed over. `rate`
    /// gives the rate of a currency's code at an instant.
    pub(super) fn row(&mut self, row: &ProductRow, rate: impl Fn(&str, i64) -> Rate) {
        self.has_rows = true;
        if !self.is_sorted {
            self.won.sort_unstable_by_key(|deal| deal.id);
            self.is_sorted = true;
        }
        let Ok(place) = self.won.binary_search_by_key(&row.deal, |deal| deal.id) else {
            return;
        };
        let Some(deal) = self.won.get(place) else {
            return;
        };
        let cost = row.product.and_then(|product| {
            let (price, currency) = self.costs.at(product, deal.closed)?;
            let price = rate(currency, deal.closed).apply(price)?;
            Some(times(price, row.quantity))
        });
        let discount = row.list_price.map_or(0, |list| {
            times(list.units(), row.quantity) - times(row.price.units(), row.quantity)
        });
        let sum = self.sums.entry(place).or_insert(Sum {
            cost: Some(0),
            discount: 0,
        });
        sum.cost = sum.cost.zip(cost).map(|(sum, cost)| sum + cost);
        sum.discount += discount;
    }

    /// The margins; none at all for a company whose deals have no product rows. `rate` gives the rate
    /// of a currency's symbol at an instant.
    pub(super) fn finish(self, rate: impl Fn(u32, i64) -> Rate) -> Finished {
        let mut finished = Finished::default();
        if !self.has_rows {
            return finished;
        }
        for (place, deal) in self.won.iter().enumerate() {
            let known = self.sums.get(&place).and_then(|sum| {
                let discount = Money::from_units(i64::try_from(sum.discount).ok()?);
                Some(Known {
                    revenue: deal.revenue?,
                    cost: i64::try_from(sum.cost?).ok()?,
                    discount: rate(deal.currency, deal.closed).apply(discount)?,
                })
            });
            if known.is_none() {
                finished.blank.push(deal.id);
            }
            let tallies = [
                finished.months.entry(deal.month).or_default(),
                finished.seats.entry((deal.seat, deal.month)).or_default(),
            ];
            for tally in tallies {
                add(tally, deal, known);
            }
        }
        finished.blank.reverse();
        finished.blank.truncate(BLANK_LISTED_MAX);
        finished
    }
}

/// A deal's margin, in units of the company's currency.
#[derive(Clone, Copy)]
struct Known {
    revenue: i64,
    cost: i64,
    discount: i64,
}

fn add(tally: &mut Margin, deal: &WonDeal, known: Option<Known>) {
    let money = Money::from_units;
    tally.add(&match known {
        Some(known) => Margin {
            deals: 1,
            revenue: money(known.revenue),
            cost: money(known.cost),
            discount: money(known.discount),
            ..Margin::default()
        },
        None => Margin {
            blank_deals: 1,
            blank_revenue: money(deal.revenue.unwrap_or_default()),
            ..Margin::default()
        },
    });
}

/// A price times a quantity, in units, half to even.
fn times(units: i64, quantity: Money) -> i128 {
    div_half_even(i128::from(units) * i128::from(quantity.units()), ONE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::calendar::{Calendar, Month};
    use crate::domain::crm::{Currency, Homes, RateTable, Semantics};
    use crate::domain::fact::{Accumulator, DealRow, FactSpec, Facts};

    const SYMBOLS: [&str; 2] = ["RUB", "USD"];

    fn money(text: &str) -> Money {
        Money::parse(text).expect("money")
    }

    fn at(day: &str) -> i64 {
        let text = format!("{day}T12:00:00+03:00");
        chrono::DateTime::parse_from_rfc3339(&text)
            .expect("a time")
            .timestamp()
    }

    /// A deal won on a day for an amount such as `10 USD`; of a blank day, still open.
    fn deal(id: u64, closed: &str, amount: &str, user: u64) -> DealRow {
        let (amount, currency) = amount.split_once(' ').unwrap_or((amount, "RUB"));
        DealRow {
            id,
            lead: None,
            created: at("2026-01-10"),
            closed: (!closed.is_empty()).then(|| at(closed)),
            semantics: match closed.is_empty() {
                true => Semantics::InWork,
                false => Semantics::Success,
            },
            category: 0,
            source: None,
            amount: (!amount.is_empty()).then(|| money(amount)),
            currency: u32::from(currency == "USD"),
            opener: user,
            user,
        }
    }

    /// A row: deal, product (0: none), price, list price (blank: none), quantity.
    type Row<'a> = (u64, u64, &'a str, &'a str, &'a str);

    fn facts(deals: &[DealRow], rows: &[Row<'_>], costs: &[(u64, &str, &str)]) -> Facts {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let symbols = SYMBOLS.map(str::to_owned);
        let dollar = |since: &str, rate: &str| RateTable {
            since: at(since),
            currencies: [("RUB", "1", true), ("USD", rate, false)]
                .map(|(code, amount, base)| Currency {
                    code: code.to_owned(),
                    amount: money(amount),
                    count: 1,
                    base,
                })
                .into(),
        };
        let rates = [dollar("2026-01-01", "90"), dollar("2026-03-01", "100")];
        let spec = FactSpec {
            calendar: &calendar,
            symbols: &symbols,
            junk: &BTreeSet::new(),
            rates: &rates,
            base_currency: "RUB",
            pipelines: None,
            homes: &Homes::default(),
        };
        let mut sums = Accumulator::new(&spec, "2026-03-20".parse().expect("a day"));
        for deal in deals {
            sums.deal(deal);
        }
        // A price such as `5 USD`, or blank, from a day on.
        sums.costs(Costs::of(costs.iter().map(|(product, since, price)| {
            let (price, currency) = price.split_once(' ').unwrap_or((price, "RUB"));
            let cost = Cost {
                since: if since.is_empty() { 0 } else { at(since) },
                price: (!price.is_empty()).then(|| money(price)),
                currency: currency.to_owned(),
            };
            (*product, cost)
        })));
        for (id, (deal, product, price, list, quantity)) in (1..).zip(rows) {
            sums.product_row(&ProductRow {
                id,
                deal: *deal,
                product: Some(*product).filter(|product| *product > 0),
                price: money(price),
                list_price: (!list.is_empty()).then(|| money(list)),
                quantity: money(quantity),
            });
        }
        sums.finish()
    }

    /// Deals, revenue, cost, discount, margin and blank deals of a month.
    fn shown(margin: &Margin) -> (u64, String, String, String, Option<String>, u64) {
        (
            margin.deals,
            margin.revenue.to_string(),
            margin.cost.to_string(),
            margin.discount.to_string(),
            margin.amount().map(|amount| amount.to_string()),
            margin.blank_deals,
        )
    }

    /// One deal won in February for an amount, its rows, what products cost, and what comes of it.
    type Case<'a> = (
        &'a str,
        &'a [Row<'a>],
        &'a [(u64, &'a str, &'a str)],
        (u64, &'a str, &'a str, &'a str, Option<&'a str>, u64),
    );

    #[test]
    fn worked_cases() {
        let cases: [Case<'_>; 13] = [
            // Two desks at 500 instead of 550 that cost 300, a lamp at 200 that costs 120.
            (
                "1200",
                &[(1, 7, "500", "550", "2"), (1, 8, "200", "200", "1")],
                &[(7, "", "300"), (8, "", "120")],
                (1, "1200", "720", "100", Some("480"), 0),
            ),
            // A loss is a margin below zero.
            (
                "100",
                &[(1, 7, "100", "", "1")],
                &[(7, "", "130.5")],
                (1, "100", "130.5", "0", Some("-30.5"), 0),
            ),
            // A surcharge is a discount below zero.
            (
                "110",
                &[(1, 7, "110", "100", "1")],
                &[(7, "", "50")],
                (1, "110", "50", "-10", Some("60"), 0),
            ),
            // A cost of zero is a cost.
            (
                "100",
                &[(1, 7, "100", "", "1")],
                &[(7, "", "0")],
                (1, "100", "0", "0", Some("100"), 0),
            ),
            // A third of something: 10.01 × 0.3333 = 3.3363…, half to even once.
            (
                "10",
                &[(1, 7, "30", "", "0.3333")],
                &[(7, "", "10.01")],
                (1, "10", "3.3363", "0", Some("6.6637"), 0),
            ),
            // One blank cost makes the deal blank, whatever the other row cost.
            (
                "300",
                &[(1, 7, "100", "120", "1"), (1, 8, "200", "", "1")],
                &[(7, "", "60"), (8, "", "")],
                (0, "0", "0", "0", None, 1),
            ),
            // So do a product that the catalogue never told of, and a row without a product.
            (
                "300",
                &[(1, 9, "300", "", "1")],
                &[],
                (0, "0", "0", "0", None, 1),
            ),
            (
                "300",
                &[(1, 0, "300", "", "1")],
                &[(7, "", "60")],
                (0, "0", "0", "0", None, 1),
            ),
            // No rows, where other deals have some; no amount.
            (
                "300",
                &[(2, 7, "1", "", "1")],
                &[(7, "", "1")],
                (0, "0", "0", "0", None, 1),
            ),
            (
                "",
                &[(1, 7, "1", "", "1")],
                &[(7, "", "1")],
                (0, "0", "0", "0", None, 1),
            ),
            // Sold in dollars and bought in roubles: the rate of February.
            (
                "10 USD",
                &[(1, 7, "10", "11", "1")],
                &[(7, "", "500")],
                (1, "900", "500", "90", Some("400"), 0),
            ),
            // Bought in dollars; in a currency without a rate.
            (
                "1000",
                &[(1, 7, "1000", "", "2")],
                &[(7, "", "2 USD")],
                (1, "1000", "360", "0", Some("640"), 0),
            ),
            (
                "1000",
                &[(1, 7, "1000", "", "2")],
                &[(7, "", "2 EUR")],
                (0, "0", "0", "0", None, 1),
            ),
        ];
        for (amount, rows, costs, expected) in cases {
            let facts = facts(&[deal(1, "2026-02-15", amount, 3)], rows, costs);
            let (deals, revenue, cost, discount, margin, blank) = expected;
            let expected = (
                deals,
                revenue.to_owned(),
                cost.to_owned(),
                discount.to_owned(),
                margin.map(str::to_owned),
                blank,
            );
            let february = Month::parse("2026-02").expect("a month");
            let told = &facts.margins[&february];
            assert_eq!(shown(told), expected, "{amount} {rows:?} {costs:?}");
            assert_eq!(facts.manager_margins[&(february, 3)], *told);
            let listed: &[u64] = if blank > 0 { &[1] } else { &[] };
            assert_eq!(facts.blank_costs, listed);
        }
    }

    #[test]
    fn a_price_that_changes_later_changes_no_margin_of_before() {
        let deals = [
            deal(1, "2026-01-20", "100", 3),
            deal(2, "2026-02-20", "100", 4),
            deal(3, "2026-03-10", "100", 3),
            deal(4, "", "100", 3),
        ];
        let row = |deal| (deal, 7, "100", "100", "1");
        let rows = [row(1), row(2), row(3), row(4)];
        let costs = [
            (7, "", "40"),
            (7, "2026-02-01", "60"),
            (7, "2026-03-01", ""),
        ];
        let facts = facts(&deals, &rows, &costs);
        let told: Vec<_> = facts
            .margins
            .iter()
            .map(|(m, told)| (m.to_string(), shown(told)))
            .collect();
        let known = |month: &str, cost: &str, margin: &str| {
            let sums = (1, "100".to_owned(), cost.to_owned(), "0".to_owned());
            let (deals, revenue, cost, discount) = sums;
            (
                month.to_owned(),
                (deals, revenue, cost, discount, Some(margin.to_owned()), 0),
            )
        };
        assert_eq!(told[0], known("2026-01", "40", "60"));
        assert_eq!(told[1], known("2026-02", "60", "40"));
        assert_eq!(
            told[2].1.5, 1,
            "the price was taken away before March's deal"
        );
        assert_eq!(told.len(), 3, "an open deal has no margin yet");
        assert_eq!(facts.blank_costs, [3]);
        let january = facts.margins[&Month::parse("2026-01").expect("a month")];
        assert_eq!(january.share(), Some((money("60"), money("100"))));
        assert_eq!(Margin::default().share(), None);
    }

    #[test]
    fn a_company_without_product_rows_has_no_margins_at_all() {
        let facts = facts(&[deal(1, "2026-02-15", "100", 3)], &[], &[]);
        assert!(facts.margins.is_empty() && facts.manager_margins.is_empty());
        assert_eq!(facts.blank_costs, [0; 0]);
    }
}
