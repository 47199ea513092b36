//! Goods: the catalogue with purchase prices, and the product rows of leads, deals and invoices.

use serde_json::{Map, Value, json};

use super::chronicle::mix;
use super::{Company, cents};

/// One product of the catalogue. Sums are hundredths of the base currency's unit.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) price: i64,
    /// purchasingPrice; nothing when nobody filled it in.
    pub(crate) cost: Option<i64>,
}

/// Names (Russian, English), price and purchase price in units; 0 is "not filled in".
const CATALOGUE: [((&str, &str), i64, i64); 12] = [
    (("Стол письменный", "Desk"), 12_900, 7_400),
    (("Стол обеденный", "Dining table"), 18_500, 10_900),
    (("Стул", "Chair"), 3_900, 1_850),
    (("Кресло офисное", "Office chair"), 9_700, 5_600),
    (("Шкаф", "Wardrobe"), 27_400, 16_100),
    (("Полка", "Shelf"), 2_300, 900),
    (("Диван", "Sofa"), 46_000, 29_500),
    (("Кровать", "Bed"), 31_000, 18_800),
    (("Тумба", "Bedside table"), 5_400, 0),
    (("Зеркало", "Mirror"), 4_100, 1_900),
    (("Доставка", "Delivery"), 1_500, 0),
    (("Сборка", "Assembly"), 2_000, 700),
];

/// Id of the catalogue's first product.
const FIRST_PRODUCT: u32 = 449;

/// What goods are usually sold for, in hundredths of the catalogue's price.
const USUAL_PERCENT: i64 = 95;

/// Most rows of one card; ids of rows are eight a card.
const ROWS_A_CARD: u64 = 3;

/// The catalogue of the made-up company.
pub(super) fn catalogue(russian: bool) -> Vec<Product> {
    let products = (FIRST_PRODUCT..)
        .zip(CATALOGUE)
        .map(|(id, ((ru, en), price, cost))| Product {
            id,
            name: if russian { ru } else { en }.to_owned(),
            price: price * 100,
            cost: (cost > 0).then_some(cost * 100),
        });
    products.collect()
}

impl Company {
    /// Fills the catalogue from the product rows of an export that name a PRODUCT_ID.
    pub(super) fn collect_catalogue(&mut self) {
        let place = |name: &str| {
            self.products
                .columns
                .iter()
                .position(|column| column == name)
        };
        let Some(id_at) = place("PRODUCT_ID") else {
            return;
        };
        let (name_at, price_at, cost_at) = (
            place("PRODUCT_NAME"),
            place("PRICE"),
            place("PURCHASING_PRICE"),
        );
        let mut all: Vec<Product> = Vec::new();
        for row in &self.products.rows {
            let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map_or("", |text| text);
            let Ok(id) = cell(Some(id_at)).trim().parse() else {
                continue;
            };
            if id > 0 && all.iter().all(|known| known.id != id) {
                all.push(Product {
                    id,
                    name: cell(name_at).to_owned(),
                    price: cents(cell(price_at)).unwrap_or(0),
                    cost: cents(cell(cost_at)).filter(|cost| *cost != 0),
                });
            }
        }
        all.sort_by_key(|product| product.id);
        self.catalogue = all;
    }

    /// The product rows of a card with the keys of crm.deal.productrows.get. Owner types are `L`,
    /// `D` and `SI`.
    pub(crate) fn product_rows(&self, owner_type: &str, owner: u32) -> Vec<Map<String, Value>> {
        let letter = match owner_type {
            "L" => 'L',
            "D" => 'D',
            _ => 'S',
        };
        if let Some(numbers) = self.products.by_owner.get(&(letter, owner)) {
            let rows = numbers
                .iter()
                .filter_map(|number| self.products.rows.get(*number as usize));
            return rows.map(|cells| self.exported_row(cells)).collect();
        }
        if !self.made || self.catalogue.is_empty() {
            return Vec::new();
        }
        let (sum, key) = match owner_type {
            "D" => (self.deals.get(owner).map(|card| card.opportunity), 0),
            "SI" => {
                let found = self.invoices().iter().find(|invoice| invoice.id == owner);
                (found.map(|invoice| invoice.opportunity), 1)
            }
            _ => (None, 0),
        };
        let Some(sum) = sum.filter(|sum| *sum > 0) else {
            return Vec::new();
        };
        self.made_rows(owner_type, owner, sum, u64::from(owner) + (key << 40))
    }

    /// Rows whose sums make up the card's own.
    fn made_rows(
        &self,
        owner_type: &str,
        owner: u32,
        sum: i64,
        key: u64,
    ) -> Vec<Map<String, Value>> {
        let count = 1 + mix(key, 5) % ROWS_A_CARD;
        let mut left = sum;
        let mut rows = Vec::new();
        for row in 0..count {
            let last = row + 1 == count;
            let share = if last {
                left
            } else {
                (sum / i64::try_from(count).unwrap_or(1)).max(1)
            };
            let Some((product, quantity)) = self.goods_for(share, last, mix(key, 20 + row)) else {
                continue;
            };
            let price = share / quantity;
            left -= price * quantity;
            let id = u64::from(owner) * 8 + row + 1;
            let mut made = blank_row(owner_type, owner);
            let is_let_off = (price..=price * 2).contains(&product.price);
            let list = if is_let_off { product.price } else { price };
            let sets = [
                ("ID", json!(id.to_string())),
                ("PRODUCT_ID", json!(product.id)),
                ("PRODUCT_NAME", json!(product.name)),
                ("ORIGINAL_PRODUCT_NAME", json!(product.name)),
                ("PRICE", units(price)),
                ("PRICE_EXCLUSIVE", units(price)),
                ("PRICE_NETTO", units(list)),
                ("PRICE_BRUTTO", units(list)),
                ("PRICE_ACCOUNT", json!(decimal(price))),
                ("QUANTITY", json!(quantity)),
                ("DISCOUNT_SUM", units(list - price)),
                ("DISCOUNT_RATE", rate(list, price)),
                ("SORT", json!((row + 1) * 10)),
            ];
            for (name, value) in sets {
                made.insert(name.to_owned(), value);
            }
            rows.push(made);
        }
        rows
    }

    /// A product, and how many of it cost a sum at a price a little below the catalogue's: the first from
    /// a chance place on of which that is so, else the nearest. `whole`: the sum must part evenly.
    fn goods_for(&self, sum: i64, whole: bool, chance: u64) -> Option<(&Product, i64)> {
        let len = self.catalogue.len();
        let from = usize::try_from(chance % len.max(1) as u64).ok()?;
        let offer = |step: usize| {
            let product = self.catalogue.get((from + step) % len)?;
            let wanted = (product.price * USUAL_PERCENT / 100).max(1);
            let quantity = ((sum + wanted / 2) / wanted).max(1);
            let quantity = if whole && sum % quantity != 0 {
                1
            } else {
                quantity
            };
            let off = (sum / quantity - wanted).abs() * 100 / wanted;
            Some(((off > 10, off * i64::from(off > 10)), (product, quantity)))
        };
        let best = (0..len).filter_map(offer).min_by_key(|(off, _)| *off);
        best.map(|(_, goods)| goods)
    }

    /// A row of an export: what the file has over what the portal fills in.
    fn exported_row(&self, cells: &[Box<str>]) -> Map<String, Value> {
        let mut row = blank_row("D", 0);
        for (column, cell) in self.products.columns.iter().zip(cells) {
            let text = matches!(
                column.as_str(),
                "ID" | "OWNER_ID" | "OWNER_TYPE" | "PRODUCT_NAME" | "ORIGINAL_PRODUCT_NAME"
            );
            let number = serde_json::from_str::<Value>(cell)
                .ok()
                .filter(Value::is_number);
            let value = match number {
                Some(number) if !text => number,
                _ => json!(cell),
            };
            row.insert(column.clone(), value);
        }
        let known: Vec<(&str, Value)> = [
            ("ORIGINAL_PRODUCT_NAME", "PRODUCT_NAME"),
            ("PRICE_EXCLUSIVE", "PRICE"),
            ("PRICE_NETTO", "PRICE"),
            ("PRICE_BRUTTO", "PRICE"),
        ]
        .into_iter()
        .filter(|(name, _)| !self.products.columns.iter().any(|column| column == name))
        .filter_map(|(name, like)| Some((name, row.get(like)?.clone())))
        .collect();
        for (name, value) in known {
            row.insert(name.to_owned(), value);
        }
        row
    }
}

/// A row as the portal makes it from nothing.
fn blank_row(owner_type: &str, owner: u32) -> Map<String, Value> {
    let row = json!({
        "ID": "0",
        "OWNER_ID": owner.to_string(),
        "OWNER_TYPE": owner_type,
        "PRODUCT_ID": 0,
        "PRODUCT_NAME": "",
        "ORIGINAL_PRODUCT_NAME": "",
        "PRODUCT_DESCRIPTION": null,
        "PRICE": 0,
        "PRICE_EXCLUSIVE": 0,
        "PRICE_NETTO": 0,
        "PRICE_BRUTTO": 0,
        "PRICE_ACCOUNT": "0.00",
        "QUANTITY": 1,
        "DISCOUNT_TYPE_ID": 2,
        "DISCOUNT_RATE": 0,
        "DISCOUNT_SUM": 0,
        "TAX_RATE": null,
        "TAX_INCLUDED": "N",
        "CUSTOMIZED": "Y",
        "MEASURE_CODE": 796,
        "MEASURE_NAME": "шт",
        "SORT": 10,
        "XML_ID": "",
        "TYPE": 1,
        "STORE_ID": null,
        "RESERVE_ID": null,
        "DATE_RESERVE_END": null,
        "RESERVE_QUANTITY": null,
    });
    match row {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Hundredths as the number that PHP's JSON gives: whole when it is whole.
pub(crate) fn units(cents: i64) -> Value {
    if cents % 100 == 0 {
        json!(cents / 100)
    } else {
        // Hundredths below 2^53 print exactly from a double.
        json!(cents as f64 / 100.0)
    }
}

/// Hundredths as a text with two decimals.
pub(crate) fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// The discount in per cent.
fn rate(list: i64, price: i64) -> Value {
    if list <= 0 {
        return json!(0);
    }
    units((list - price) * 10_000 / list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::{Locale, Size, Spec};

    #[test]
    fn rows_make_up_the_sum_of_their_deal() {
        let company = Company::generate(&Spec {
            seed: 9,
            size: Size::Small,
            leads: Some(1_000),
            deals: Some(300),
            today: "2026-11-22".parse().unwrap(),
            locale: Locale::En,
        });
        let (mut several, mut sold, mut let_off, mut cost) = (0, 0.0, 0.0, 0.0);
        for deal in company.deals.cards() {
            let rows = company.product_rows("D", deal.id);
            let sum: f64 = rows
                .iter()
                .map(|row| row["PRICE"].as_f64().unwrap() * row["QUANTITY"].as_f64().unwrap())
                .sum();
            assert!(
                (sum * 100.0 - deal.opportunity as f64).abs() < 0.01,
                "{}",
                deal.id
            );
            several += usize::from(rows.len() > 1);
            for row in &rows {
                let quantity = row["QUANTITY"].as_f64().unwrap();
                let_off += row["DISCOUNT_SUM"].as_f64().unwrap() * quantity;
                let known =
                    |product: &&Product| Some(u64::from(product.id)) == row["PRODUCT_ID"].as_u64();
                let product = company.catalogue.iter().find(known);
                if let Some(one) = product.and_then(|product| product.cost) {
                    cost += one as f64 / 100.0 * quantity;
                    sold += row["PRICE"].as_f64().unwrap() * quantity;
                }
            }
        }
        assert!(several > 100, "{several}");
        // A company that lets off a little and earns something.
        assert!(
            let_off > 0.01 * sold && let_off < 0.2 * sold,
            "{let_off} of {sold}"
        );
        assert!(cost > 0.3 * sold && cost < 0.8 * sold, "{cost} of {sold}");
        assert!(
            company
                .catalogue
                .iter()
                .any(|product| product.cost.is_none())
        );
    }
}
