//! Rows of the catalogue: its information blocks, and products with what they cost.
//!
//! Shapes: `catalog.catalog.list`, `catalog.product.list`, `catalog.product.offer.list` of the REST
//! documentation.

use serde_json::Value;

use super::super::error::BitrixError;
use super::{number, rows};

row! {
    /// A row of `catalog.product.list` or `catalog.product.offer.list`.
    "camelCase" Product {
        /// `id`.
        id,
        /// `purchasingPrice` of one, a decimal; null where nobody has filled it in.
        purchasing_price,
        /// `purchasingCurrency`.
        purchasing_currency,
    }
}

/// An information block that holds goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its id.
    pub id: u64,
    /// Whether it holds variations of products, which are listed by another method: then
    /// `productIblockId` names the block of what they are variations of.
    pub of_offers: bool,
}

/// The blocks of `catalog.catalog.list`.
///
/// # Errors
/// When it is no list.
pub fn blocks(answer: Value, doing: &str) -> Result<Vec<Block>, BitrixError> {
    let id = |row: &Value, key: &str| row.get(key).and_then(number).filter(|id| *id > 0);
    let block = |row: Value| {
        Some(Block {
            id: id(&row, "iblockId")?,
            of_offers: id(&row, "productIblockId").is_some(),
        })
    };
    let list = rows(answer, "catalogs", doing)?;
    Ok(list.into_iter().filter_map(block).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_answers_are_read() {
        let answer = json!({"catalogs": [
            {"iblockId": 24, "iblockTypeId": 0, "id": 24, "lid": "s1", "productIblockId": 23,
             "skuPropertyId": 97, "subscription": "N", "vatId": 1},
            {"iblockId": "23", "id": 23, "productIblockId": null},
            {"iblockId": 0},
        ]});
        let blocks = blocks(answer, "calling").expect("blocks");
        let shown: Vec<(u64, bool)> = blocks.iter().map(|b| (b.id, b.of_offers)).collect();
        assert_eq!(shown, [(24, true), (23, false)]);
        let row = json!({"id": 1243, "iblockId": 23, "purchasingCurrency": "RUB",
            "purchasingPrice": 1000, "type": 1});
        let product: Product = serde_json::from_value(row).expect("a product");
        assert_eq!(product.purchasing_price.as_deref(), Some("1000"));
        let blank = json!({"id": 7, "purchasingPrice": null, "purchasingCurrency": null});
        let blank: Product = serde_json::from_value(blank).expect("a product");
        assert_eq!(
            (blank.id.as_deref(), blank.purchasing_price),
            (Some("7"), None)
        );
    }
}
