//! The company behind the portal: leads, deals, people and directories in memory. Rows are kept
//! compact (about 140 bytes), because a portal with a million leads must fit a laptop.

mod cast;
pub(crate) mod chronicle;
pub(crate) mod custom;
pub(crate) mod directory;
mod generate;
pub(crate) mod goods;
pub(crate) mod ledger;
mod load;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod time;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

pub use generate::{Locale, Size, Spec};
pub use load::LoadError;
pub(crate) use load::cents;

/// A text in the company's [`Pool`]; 0 is "no value".
pub(crate) type Sym = u32;

/// A field without a column: its code and its value as JSON text.
pub(crate) type Extra = (Sym, Box<str>);

/// An instant that is absent (the answer is `""`).
pub(crate) const NO_TIME: i64 = i64::MIN;

/// A sum that is absent (the answer is `null`).
pub(crate) const NO_MONEY: i64 = i64::MIN;

/// One company: everything that its CRM knows.
pub struct Company {
    pub(crate) name: String,
    pub(crate) zone: Tz,
    pub(crate) base_currency: String,
    pub(crate) pool: Pool,
    pub(crate) leads: Table,
    pub(crate) deals: Table,
    pub(crate) users: Vec<User>,
    pub(crate) departments: Vec<Department>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) categories: Vec<Category>,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) products: Products,
    /// Goods with their purchase prices.
    pub(crate) catalogue: Vec<goods::Product>,
    /// Custom fields of leads and deals.
    pub(crate) user_fields: Vec<custom::UserField>,
    /// True when the company is made up: then its past is derived from its rows. An export's past is
    /// what its files say.
    pub(crate) made: bool,
    /// Stage history, calls, activities, tasks, invoices.
    pub(crate) ledgers: ledger::Ledgers,
}

/// Every text of the company, each kept once.
#[derive(Default)]
pub(crate) struct Pool {
    texts: Vec<Box<str>>,
    index: HashMap<Box<str>, Sym>,
    utms: Vec<[Sym; 5]>,
    utm_index: HashMap<[Sym; 5], u32>,
}

impl Pool {
    /// An empty pool; symbol 0 is the empty text, mark set 0 has no UTM marks.
    pub(crate) fn new() -> Self {
        let mut pool = Self::default();
        pool.intern("");
        pool.utms.push([0; 5]);
        pool.utm_index.insert([0; 5], 0);
        pool
    }

    /// The symbol of a text, new or known.
    pub(crate) fn intern(&mut self, text: &str) -> Sym {
        if let Some(&sym) = self.index.get(text) {
            return sym;
        }
        let sym = Sym::try_from(self.texts.len()).unwrap_or(Sym::MAX);
        self.texts.push(text.into());
        self.index.insert(text.into(), sym);
        sym
    }

    /// A text that is seen once (a title, a comment): kept without an index entry.
    pub(crate) fn keep(&mut self, text: &str) -> Sym {
        if text.is_empty() {
            return 0;
        }
        let sym = Sym::try_from(self.texts.len()).unwrap_or(Sym::MAX);
        self.texts.push(text.into());
        sym
    }

    /// The symbol of a text that some row has, if any.
    pub(crate) fn find(&self, text: &str) -> Option<Sym> {
        self.index.get(text).copied()
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        self.texts.get(sym as usize).map_or("", |text| text)
    }

    /// The number of a set of UTM marks (source, medium, campaign, content, term).
    pub(crate) fn marks(&mut self, marks: [Sym; 5]) -> u32 {
        let next = u32::try_from(self.utms.len()).unwrap_or(u32::MAX);
        *self.utm_index.entry(marks).or_insert_with(|| {
            self.utms.push(marks);
            next
        })
    }

    /// The marks of a set by its number.
    pub(crate) fn utm(&self, marks: u32) -> [Sym; 5] {
        self.utms.get(marks as usize).copied().unwrap_or_default()
    }
}

/// Yes/no fields of a row, one bit each.
pub(crate) mod flag {
    /// OPENED.
    pub(crate) const OPENED: u16 = 1;
    /// IS_MANUAL_OPPORTUNITY.
    pub(crate) const MANUAL: u16 = 1 << 1;
    /// HAS_PHONE.
    pub(crate) const PHONE: u16 = 1 << 2;
    /// HAS_EMAIL.
    pub(crate) const EMAIL: u16 = 1 << 3;
    /// HAS_IMOL.
    pub(crate) const IMOL: u16 = 1 << 4;
    /// IS_RETURN_CUSTOMER as stored (deals); leads compute it.
    pub(crate) const RETURN: u16 = 1 << 5;
    /// CLOSED (deals).
    pub(crate) const CLOSED: u16 = 1 << 6;
    /// IS_NEW (deals).
    pub(crate) const NEW: u16 = 1 << 7;
    /// The title is the pooled text followed by the row's id.
    pub(crate) const TITLE_ID: u16 = 1 << 8;
}

/// A lead or a deal. Instants are Unix seconds or [`NO_TIME`], sums are hundredths of the
/// currency unit or [`NO_MONEY`].
#[derive(Clone)]
pub(crate) struct Card {
    pub(crate) opportunity: i64,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// DATE_CLOSED of a lead, CLOSEDATE of a deal.
    pub(crate) closed: i64,
    /// BEGINDATE of a deal.
    pub(crate) begun: i64,
    pub(crate) moved: i64,
    pub(crate) active: i64,
    /// Fields that have no column here; boxed, because most rows have none.
    #[allow(
        clippy::box_collection,
        reason = "eight bytes in a million rows instead of 24"
    )]
    pub(crate) extra: Option<Box<Vec<Extra>>>,
    pub(crate) id: u32,
    pub(crate) title: Sym,
    pub(crate) name: Sym,
    pub(crate) last_name: Sym,
    /// STATUS_ID of a lead, STAGE_ID of a deal.
    pub(crate) stage: Sym,
    pub(crate) source: Sym,
    pub(crate) currency: Sym,
    pub(crate) marks: u32,
    pub(crate) assigned: u32,
    pub(crate) created_by: u32,
    pub(crate) modified_by: u32,
    pub(crate) moved_by: u32,
    pub(crate) contact: u32,
    pub(crate) company: u32,
    /// LEAD_ID of a deal.
    pub(crate) lead: u32,
    pub(crate) category: u16,
    pub(crate) flags: u16,
    /// `b'P'`, `b'S'` or `b'F'`.
    pub(crate) semantic: u8,
}

const _: () = assert!(size_of::<Card>() <= 150);

impl Card {
    /// A row with Bitrix24's defaults, created by user 1 at `created`.
    pub(crate) fn new(id: u32, created: i64) -> Self {
        Self {
            opportunity: 0,
            created,
            modified: created,
            closed: NO_TIME,
            begun: NO_TIME,
            moved: created,
            active: created,
            extra: None,
            id,
            title: 0,
            name: 0,
            last_name: 0,
            stage: 0,
            source: 0,
            currency: 0,
            marks: 0,
            assigned: 1,
            created_by: 1,
            modified_by: 1,
            moved_by: 1,
            contact: 0,
            company: 0,
            lead: 0,
            category: 0,
            flags: flag::OPENED | flag::MANUAL,
            semantic: b'P',
        }
    }

    /// Sets or clears a flag.
    pub(crate) fn set(&mut self, bit: u16, on: bool) {
        if on {
            self.flags |= bit;
        } else {
            self.flags &= !bit;
        }
    }

    /// Keeps a field without a column as JSON text; `null` and `""` are not kept.
    pub(crate) fn put_extra(&mut self, code: Sym, json: &str) {
        let rows = self.extra.get_or_insert_with(Box::default);
        rows.retain(|(known, _)| *known != code);
        if json != "null" && json != "\"\"" {
            rows.push((code, json.into()));
        }
    }

    /// The JSON text of a field without a column.
    pub(crate) fn extra(&self, code: Sym) -> Option<&str> {
        let rows = self.extra.as_deref()?;
        rows.iter()
            .find(|(known, _)| *known == code)
            .map(|(_, json)| json.as_ref())
    }
}

/// All leads or all deals, by id, with an index by DATE_MODIFY.
#[derive(Default)]
pub(crate) struct Table {
    cards: Vec<Card>,
    by_modified: Vec<(i64, u32)>,
    /// Codes of the custom fields (`UF_*`), in the order of first sight.
    pub(crate) custom: Vec<Sym>,
}

impl Table {
    /// A table of rows in any order; of two rows with one id the later stays.
    pub(crate) fn new(mut cards: Vec<Card>, custom: Vec<Sym>) -> Self {
        if !cards.is_sorted_by(|a, b| a.id < b.id) {
            cards.sort_by_key(|card| card.id);
            cards.reverse();
            cards.dedup_by_key(|card| card.id);
            cards.reverse();
        }
        cards.shrink_to_fit();
        let mut by_modified: Vec<_> = cards.iter().map(|card| (card.modified, card.id)).collect();
        by_modified.sort_unstable();
        Self {
            cards,
            by_modified,
            custom,
        }
    }

    /// All rows, ascending by id.
    pub(crate) fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// All rows, to fill in fields that are no column.
    pub(crate) fn cards_mut(&mut self) -> &mut [Card] {
        &mut self.cards
    }

    /// (DATE_MODIFY, id) of all rows, ascending.
    pub(crate) fn by_modified(&self) -> &[(i64, u32)] {
        &self.by_modified
    }

    /// Where the row with this id stands.
    pub(crate) fn position(&self, id: u32) -> Option<usize> {
        // Ids are nearly dense, so the row rarely stands far below its own number.
        let high = self.cards.len().min(id as usize + 1);
        self.cards[..high]
            .binary_search_by_key(&id, |card| card.id)
            .ok()
    }

    /// The row with this id.
    pub(crate) fn get(&self, id: u32) -> Option<&Card> {
        self.cards.get(self.position(id)?)
    }

    /// The highest id, 0 in an empty table.
    pub(crate) fn last_id(&self) -> u32 {
        self.cards.last().map_or(0, |card| card.id)
    }

    /// Adds the row, or replaces the one with its id.
    pub(crate) fn put(&mut self, card: Card) {
        self.remove(card.id);
        let stamp = (card.modified, card.id);
        let at = self.cards.partition_point(|other| other.id < card.id);
        self.cards.insert(at, card);
        let at = self.by_modified.partition_point(|other| *other < stamp);
        self.by_modified.insert(at, stamp);
    }

    /// Deletes the row; false when there is none.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let Some(at) = self.position(id) else {
            return false;
        };
        let card = self.cards.remove(at);
        if let Ok(at) = self.by_modified.binary_search(&(card.modified, id)) {
            self.by_modified.remove(at);
        }
        true
    }
}

/// A person of the portal.
#[derive(Clone, Default)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) last_name: String,
    pub(crate) second_name: String,
    pub(crate) email: String,
    pub(crate) position: String,
    pub(crate) gender: String,
    pub(crate) active: bool,
    pub(crate) departments: Vec<u32>,
    /// DATE_REGISTER as answered.
    pub(crate) registered: String,
}

/// A unit of the company's structure.
#[derive(Clone, Default)]
pub(crate) struct Department {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) sort: i64,
    pub(crate) parent: Option<u32>,
    pub(crate) head: Option<u32>,
}

/// An entry of a directory (lead statuses, sources, deal stages).
#[derive(Clone, Default)]
pub(crate) struct Status {
    pub(crate) id: u32,
    /// ENTITY_ID: `STATUS`, `SOURCE`, `DEAL_STAGE`, `DEAL_STAGE_1`, …
    pub(crate) entity: String,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) sort: i64,
    pub(crate) system: bool,
    pub(crate) category: Option<u16>,
    /// `S`, `F` or nothing.
    pub(crate) semantics: Option<char>,
    /// EXTRA.SEMANTICS: process, success, failure, apology; empty for plain directories.
    pub(crate) group: String,
}

/// A pipeline of deals.
#[derive(Clone, Default)]
pub(crate) struct Category {
    pub(crate) id: u16,
    pub(crate) name: String,
    pub(crate) sort: i64,
}

/// A currency and its rate: `count` units cost `amount` of the base currency.
#[derive(Clone, Default)]
pub(crate) struct Currency {
    pub(crate) code: String,
    pub(crate) name: String,
    /// Four decimals, as answered.
    pub(crate) amount: String,
    pub(crate) count: String,
    pub(crate) sort: i64,
}

/// Product rows as the file has them.
#[derive(Default)]
pub(crate) struct Products {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Box<str>>>,
    /// Owner (type letter and id) → numbers of its rows.
    pub(crate) by_owner: HashMap<(char, u32), Vec<u32>>,
}

impl Company {
    /// The zone in which the portal answers instants and cuts days.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Moves the portal's server into another zone: the same instants, written with its offset.
    pub fn set_zone(&mut self, zone: Tz) {
        self.zone = zone;
    }

    /// The company's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many leads and deals there are.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.leads.cards().len(), self.deals.cards().len())
    }

    /// The last day on which something happened: creation, change, or closing of what is closed.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        let last = |table: &Table| {
            let instants = table.cards().iter().map(|card| {
                let closed = if card.semantic == b'P' {
                    NO_TIME
                } else {
                    card.closed
                };
                card.created.max(card.modified).max(closed)
            });
            instants.max()
        };
        let last = last(&self.leads).max(last(&self.deals)).unwrap_or(0);
        let instant = DateTime::from_timestamp(last, 0).unwrap_or_default();
        instant.with_timezone(&self.zone).date_naive()
    }

    /// The first instant that is not lived any more: the midnight after the last day.
    pub(crate) fn end(&self) -> i64 {
        let next = self.last_day().succ_opt().unwrap_or(NaiveDate::MAX);
        time::midnight(self.zone, next)
    }

    /// Adds directory entries for the codes of one row.
    pub(crate) fn adopt_unknown_codes_of(&mut self, lead: bool, id: u32) {
        let table = if lead { &self.leads } else { &self.deals };
        let Some(card) = table.get(id) else { return };
        let category = if lead { 0 } else { card.category };
        let stage = if lead {
            "STATUS".to_owned()
        } else {
            directory::stage_entity(category)
        };
        let wanted = [
            ("SOURCE".to_owned(), card.source, 0),
            (stage, card.stage, card.semantic),
        ];
        for (entity, sym, semantic) in wanted {
            let code = self.pool.text(sym);
            let known = |status: &Status| status.entity == entity && status.code == code;
            if sym == 0 || code.contains('|') || self.statuses.iter().any(known) {
                continue;
            }
            let category = (category > 0 && entity != "SOURCE").then_some(category);
            self.statuses
                .push(directory::adopted(&entity, code, semantic, category));
        }
        directory::number(&mut self.statuses);
    }

    /// Adds directory entries for codes that rows use and no directory knows.
    pub(crate) fn adopt_unknown_codes(&mut self) {
        let mut known: HashMap<(String, String), ()> = HashMap::new();
        for status in &self.statuses {
            known.insert((status.entity.clone(), status.code.clone()), ());
        }
        let mut found: Vec<(String, Sym, u8, Option<u16>)> = Vec::new();
        let mut seen: HashMap<(u8, Sym, u16), ()> = HashMap::new();
        for (kind, table) in [(0, &self.leads), (1, &self.deals)] {
            for card in table.cards() {
                if card.source != 0 && seen.insert((2, card.source, 0), ()).is_none() {
                    found.push(("SOURCE".to_owned(), card.source, 0, None));
                }
                let category = if kind == 0 { 0 } else { card.category };
                if card.stage != 0 && seen.insert((kind, card.stage, category), ()).is_none() {
                    let entity = if kind == 0 {
                        "STATUS".to_owned()
                    } else {
                        directory::stage_entity(category)
                    };
                    let category = (kind == 1 && category > 0).then_some(category);
                    found.push((entity, card.stage, card.semantic, category));
                }
            }
        }
        for (entity, sym, semantic, category) in found {
            let code = self.pool.text(sym).to_owned();
            // Open-channel sources ("7|WZ_…") are absent from a real portal's directory too.
            let channel = entity == "SOURCE" && code.contains('|');
            if channel || known.insert((entity.clone(), code.clone()), ()).is_some() {
                continue;
            }
            self.statuses
                .push(directory::adopted(&entity, &code, semantic, category));
        }
        let used: std::collections::BTreeSet<u16> = self
            .deals
            .cards()
            .iter()
            .map(|deal| deal.category)
            .collect();
        for id in used {
            if !self.categories.iter().any(|category| category.id == id) {
                let sort = 300 + 100 * i64::from(id);
                self.categories.push(Category {
                    id,
                    name: format!("{id}"),
                    sort,
                });
            }
        }
        directory::number(&mut self.statuses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(table: &Table) -> Vec<u32> {
        table.cards().iter().map(|card| card.id).collect()
    }

    #[test]
    fn a_table_sorts_its_rows_and_keeps_the_later_of_two() {
        let mut late = Card::new(3, 30);
        late.title = 7;
        let table = Table::new(vec![Card::new(5, 10), Card::new(3, 20), late], Vec::new());
        assert_eq!(ids(&table), [3, 5]);
        assert_eq!(table.get(3).map(|card| card.title), Some(7));
        assert_eq!(table.by_modified(), [(10, 5), (30, 3)]);
    }

    #[test]
    fn changes_keep_both_orders() {
        let mut table = Table::new(vec![Card::new(2, 10), Card::new(900, 20)], Vec::new());
        table.put(Card::new(7, 15));
        let mut moved = Card::new(2, 10);
        moved.modified = 99;
        table.put(moved);
        assert_eq!(ids(&table), [2, 7, 900]);
        assert_eq!(table.by_modified(), [(15, 7), (20, 900), (99, 2)]);
        assert!(table.remove(7));
        assert!(!table.remove(7));
        assert_eq!(ids(&table), [2, 900]);
        assert_eq!(table.by_modified(), [(20, 900), (99, 2)]);
        assert_eq!(table.last_id(), 900);
    }

    #[test]
    fn a_pool_keeps_a_text_once() {
        let mut pool = Pool::new();
        let web = pool.intern("WEB");
        assert_eq!(pool.intern("WEB"), web);
        assert_eq!(pool.find("CALL"), None);
        assert_eq!(pool.text(web), "WEB");
        let marks = pool.marks([web, 0, 0, 0, 0]);
        assert_eq!(pool.marks([web, 0, 0, 0, 0]), marks);
        assert_eq!(pool.utm(0), [0; 5]);
    }
}
