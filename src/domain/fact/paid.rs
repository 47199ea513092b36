//! What was paid: count and sum by month and responsible (R61, R64, R96).
//!
//! Two kinds of record tell of the same money: payments, and invoices that came to a stage of success.
//! The rule that keeps it from being counted twice is that of [`Paid`].

use std::collections::{BTreeMap, HashSet};

use crate::domain::crm::{Invoice, Payment, Semantics};
use crate::domain::money::Money;

/// Money that came in, in the company's currency.
///
/// A payment counts once, when it was made, whether it stands under an invoice, under a deal, or under
/// both. A paid invoice counts, when it came to its stage of success, only if no payment tells of its
/// money: neither one of its own, nor one of its deal that belongs to no invoice. So a portal without
/// payments counts its paid invoices, one with payments counts those, and one that has both of
/// different records counts each where it is. Payments that are announced and not made count nothing;
/// nor does what belongs to a deal whose pipeline does not count. Somebody else's sum of no money is a
/// payment all the same: it is counted and adds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paid {
    /// How many payments, or paid invoices.
    pub count: u64,
    /// Their sum, as far as it could be converted.
    pub amount: Money,
}

impl Paid {
    fn add(&mut self, units: i64) {
        self.add_all(&Paid {
            count: 1,
            amount: Money::from_units(units),
        });
    }

    /// Adds other payments.
    pub(super) fn add_all(&mut self, other: &Paid) {
        self.count += other.count;
        // A sum that does not fit stays where it was: no company earns that.
        let sum = self.amount.checked_add(other.amount);
        self.amount = sum.unwrap_or(self.amount);
    }
}

/// What was paid, by index of month, and by seat and it.
#[derive(Debug, Default)]
pub(super) struct Income {
    pub(super) months: BTreeMap<usize, Paid>,
    pub(super) seats: BTreeMap<(u32, usize), Paid>,
    /// Invoices, and deals, of whose money payments tell.
    invoices: HashSet<u64>,
    deals: HashSet<u64>,
    /// Deals of pipelines that do not count.
    foreign: HashSet<u64>,
}

/// Something that was paid, before its sum is converted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt<'a> {
    /// Unix seconds.
    pub(super) at: i64,
    pub(super) amount: Option<Money>,
    pub(super) currency: &'a str,
    pub(super) user: u64,
}

impl Income {
    /// Notes a deal whose pipeline does not count.
    pub(super) fn foreign(&mut self, deal: u64) {
        self.foreign.insert(deal);
    }

    /// What a payment adds; none for one that was not made, or does not count.
    pub(super) fn payment<'a>(&mut self, row: &'a Payment) -> Option<Receipt<'a>> {
        let paid = row.paid?;
        if let Some(invoice) = row.invoice {
            self.invoices.insert(invoice);
        } else if let Some(deal) = row.deal {
            self.deals.insert(deal);
        }
        if row.deal.is_some_and(|deal| self.foreign.contains(&deal)) {
            return None;
        }
        Some(Receipt {
            at: paid.timestamp(),
            amount: Some(row.amount),
            currency: &row.currency,
            user: row.responsible,
        })
    }

    /// What an invoice adds; none for one that is not paid, or of whose money payments tell.
    pub(super) fn invoice<'a>(&self, row: &'a Invoice) -> Option<Receipt<'a>> {
        let is_told = |deal: u64| self.deals.contains(&deal) || self.foreign.contains(&deal);
        if row.semantics != Semantics::Success
            || self.invoices.contains(&row.id)
            || row.deal.is_some_and(is_told)
        {
            return None;
        }
        Some(Receipt {
            at: row.paid?.timestamp(),
            amount: row.amount,
            currency: &row.currency,
            user: row.responsible,
        })
    }

    /// Books a sum in units of the company's currency.
    pub(super) fn book(&mut self, month: usize, seat: u32, units: i64) {
        self.months.entry(month).or_default().add(units);
        self.seats.entry((seat, month)).or_default().add(units);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;

    use super::*;
    use crate::domain::calendar::{Calendar, Instant};
    use crate::domain::crm::{Currency, Homes, RateTable};
    use crate::domain::fact::{Accumulator, DealRow, FactSpec};

    fn money(text: &str) -> Money {
        Money::parse(text).expect("money")
    }

    fn at(day: &str) -> Instant {
        let text = format!("{day}T12:00:00+03:00");
        DateTime::parse_from_rfc3339(&text)
            .expect("a time")
            .to_utc()
    }

    /// A payment: deal and invoice (0: none), day (blank: not made), amount such as `5 USD`, user.
    type Row<'a> = (u64, u64, &'a str, &'a str, u64);

    fn payment(id: u64, row: &Row<'_>) -> Payment {
        let (deal, invoice, day, amount, responsible) = *row;
        let (amount, currency) = amount.split_once(' ').unwrap_or((amount, "RUB"));
        Payment {
            id,
            deal: Some(deal).filter(|id| *id > 0),
            invoice: Some(invoice).filter(|id| *id > 0),
            paid: (!day.is_empty()).then(|| at(day)),
            amount: money(amount),
            currency: currency.to_owned(),
            responsible,
        }
    }

    /// An invoice 5, 6, … of a deal, paid on a day.
    fn invoice(id: u64, row: &(u64, &str, &str, u64)) -> Invoice {
        let (deal, day, amount, responsible) = *row;
        Invoice {
            id,
            deal: Some(deal).filter(|id| *id > 0),
            stage: "DT31_1:P".to_owned(),
            semantics: match day.is_empty() {
                true => Semantics::InWork,
                false => Semantics::Success,
            },
            amount: (!amount.is_empty()).then(|| money(amount)),
            currency: "RUB".to_owned(),
            responsible,
            created: at("2026-01-01"),
            paid: (!day.is_empty()).then(|| at(day)),
        }
    }

    /// What was paid by month and user, for payments and invoices; deals 90 and above are of a
    /// pipeline that does not count.
    fn told(payments: &[Row<'_>], invoices: &[(u64, &str, &str, u64)]) -> Vec<String> {
        let calendar = Calendar::new(chrono_tz::Europe::Moscow);
        let currency = |code: &str, amount: &str, base| Currency {
            code: code.to_owned(),
            amount: money(amount),
            count: 1,
            base,
        };
        let rates = [RateTable {
            since: 0,
            currencies: vec![currency("RUB", "1", true), currency("USD", "90", false)],
        }];
        let pipelines = BTreeSet::from([0]);
        let spec = FactSpec {
            calendar: &calendar,
            symbols: &[],
            junk: &BTreeSet::new(),
            rates: &rates,
            base_currency: "RUB",
            pipelines: Some(&pipelines),
            homes: &Homes::default(),
        };
        let mut facts = Accumulator::new(&spec, "2026-03-20".parse().expect("a day"));
        facts.deal(&DealRow {
            id: 90,
            lead: None,
            created: at("2026-01-01").timestamp(),
            closed: None,
            semantics: Semantics::InWork,
            category: 4,
            source: None,
            amount: None,
            currency: 0,
            opener: 1,
            user: 1,
        });
        for (id, row) in (1..).zip(payments) {
            facts.payment(&payment(id, row));
        }
        for (id, row) in (5..).zip(invoices) {
            facts.invoice(&invoice(id, row));
        }
        let facts = facts.finish();
        let by_month: u64 = facts.paid.values().map(|paid| paid.count).sum();
        let by_user: u64 = facts.manager_paid.values().map(|paid| paid.count).sum();
        assert_eq!(by_month, by_user);
        let shown = facts.manager_paid.iter();
        let mut shown: Vec<String> = shown
            .map(|((month, user), paid)| format!("{month} {user}: {} {}", paid.count, paid.amount))
            .collect();
        if facts.unconverted > 0 {
            shown.push(format!("{} without a rate", facts.unconverted));
        }
        shown
    }

    #[test]
    fn the_same_money_is_never_counted_twice() {
        // What it is, payments, invoices 5 and 6, and what was paid by month and user.
        type Case<'a> = (
            &'a str,
            &'a [Row<'a>],
            &'a [(u64, &'a str, &'a str, u64)],
            &'a [&'a str],
        );
        let cases: [Case<'_>; 13] = [
            ("nothing", &[], &[], &[]),
            (
                "invoices alone",
                &[],
                &[(1, "2026-01-31", "100", 3), (0, "2026-02-01", "50", 4)],
                &["2026-01 3: 1 100", "2026-02 4: 1 50"],
            ),
            ("an open invoice", &[], &[(1, "", "100", 3)], &[]),
            (
                "payments alone, one announced",
                &[
                    (1, 0, "2026-01-10", "30", 3),
                    (1, 0, "2026-01-20", "70", 3),
                    (1, 0, "", "5", 3),
                ],
                &[],
                &["2026-01 3: 2 100"],
            ),
            (
                "a payment of the invoice itself, in another month than its stage",
                &[(0, 5, "2026-01-31", "100", 3)],
                &[(1, "2026-02-02", "100", 3)],
                &["2026-01 3: 1 100"],
            ),
            (
                "the same payment under the invoice and its deal",
                &[(1, 5, "2026-01-31", "100", 3)],
                &[(1, "2026-02-02", "100", 3)],
                &["2026-01 3: 1 100"],
            ),
            (
                "the deal's other invoice has no payment of its own",
                &[(1, 5, "2026-01-31", "100", 3)],
                &[(1, "2026-02-02", "100", 3), (1, "2026-02-03", "40", 3)],
                &["2026-01 3: 1 100", "2026-02 3: 1 40"],
            ),
            (
                "a payment of the deal alone stands for its invoices",
                &[(1, 0, "2026-01-31", "100", 3)],
                &[(1, "2026-02-02", "60", 3), (1, "2026-02-03", "40", 3)],
                &["2026-01 3: 1 100"],
            ),
            (
                "and not for those of another deal, or of none",
                &[(1, 0, "2026-01-31", "100", 3)],
                &[(2, "2026-02-02", "60", 3), (0, "2026-02-03", "40", 4)],
                &["2026-01 3: 1 100", "2026-02 3: 1 60", "2026-02 4: 1 40"],
            ),
            (
                "a payment that was announced stands for nothing",
                &[(1, 5, "", "100", 3)],
                &[(1, "2026-02-02", "100", 3)],
                &["2026-02 3: 1 100"],
            ),
            (
                "an invoice without a sum is paid all the same",
                &[],
                &[(1, "2026-02-02", "", 3)],
                &["2026-02 3: 1 0"],
            ),
            (
                "other currencies",
                &[
                    (1, 0, "2026-01-31", "2 USD", 3),
                    (2, 0, "2026-01-31", "2 EUR", 3),
                ],
                &[],
                &["2026-01 3: 2 180", "1 without a rate"],
            ),
            (
                "a pipeline that does not count",
                &[(90, 0, "2026-01-31", "100", 3)],
                &[(90, "2026-02-02", "60", 3)],
                &[],
            ),
        ];
        for (what, payments, invoices, expected) in cases {
            assert_eq!(told(payments, invoices), expected, "{what}");
        }
    }
}
