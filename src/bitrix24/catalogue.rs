//! What products cost when they are bought, from the catalogue.
//!
//! `catalog.product.list` wants to know of which information block, and variations of products have
//! one of their own (`catalog.product.offer.list`); `catalog.catalog.list` names both and may be asked
//! by administrators. Products are asked for by their ids, a page of them a command, because nothing
//! tells of a purchase price that has changed: documents of the stock change it without a touch of the
//! product. Names are not asked for.

use serde_json::Value;

use super::command::Command;
use super::envelope::BatchAnswer;
use super::error::{BitrixError, FILTER_IGNORED, Kind};
use super::load::is_passing;
use super::portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
use super::wire::{self, Block, Product, rows};

const BLOCKS: &str = "catalog.catalog.list";
const PRODUCTS: &str = "catalog.product.list";
const OFFERS: &str = "catalog.product.offer.list";
const FIELDS: &[&str] = &["id", "iblockId", "purchasingPrice", "purchasingCurrency"];

/// Information blocks of catalogues that are read; a portal has one for products and one for their
/// variations.
const BLOCKS_MAX: usize = 10;

fn blocks_command() -> Command {
    Command::new(BLOCKS).select(&["id", "iblockId", "productIblockId"])
}

/// Some products of a block.
fn products_command(block: &Block, ids: &[u64]) -> Command {
    let mut command = Command::new(if block.of_offers { OFFERS } else { PRODUCTS })
        .select(FIELDS)
        .filter("", "iblockId", block.id);
    for (place, id) in ids.iter().enumerate() {
        command = command.param(&format!("filter[id][{place}]"), id);
    }
    command.param("order[id]", "asc")
}

/// The catalogues of a portal.
///
/// # Errors
/// The portal's: the scope `catalog` or the right to it is missing, …
pub async fn blocks(portal: &Portal) -> Result<Vec<Block>, BitrixError> {
    let commands = [blocks_command()];
    let mut answers = portal
        .patiently(true, || asked(portal, &commands))
        .await?
        .answers;
    let answer = answers.pop().unwrap_or(Ok(Value::Null))?;
    let mut blocks = wire::blocks(answer, &format!("calling {BLOCKS}"))?;
    blocks.truncate(BLOCKS_MAX);
    Ok(blocks)
}

/// A batch; an error when one of its commands failed.
async fn asked(portal: &Portal, commands: &[Command]) -> Result<BatchAnswer, BitrixError> {
    let answer = portal.batch_once(commands).await?;
    let errors = || answer.answers.iter().filter_map(|one| one.as_ref().err());
    match errors().find(|error| is_passing(error)).or(errors().next()) {
        Some(error) => Err(error.clone()),
        None => Ok(answer),
    }
}

/// Products that one request asks for, of so many catalogues.
pub fn products_a_request(blocks: usize) -> usize {
    COMMANDS_MAX / blocks.max(1) * PAGE_ROWS
}

/// Those of some products that stand in the catalogues, with what they cost; one request serves
/// [`products_a_request`].
///
/// # Errors
/// The portal's, or when products come that were not asked for.
pub async fn products(
    portal: &Portal,
    blocks: &[Block],
    ids: &[u64],
) -> Result<Vec<Product>, BitrixError> {
    let mut all = Vec::new();
    for part in ids.chunks(products_a_request(blocks.len())) {
        let pages = || {
            blocks
                .iter()
                .flat_map(|block| part.chunks(PAGE_ROWS).map(move |ids| (block, ids)))
        };
        let commands: Vec<Command> = pages()
            .map(|(block, ids)| products_command(block, ids))
            .collect();
        let answers = portal
            .patiently(true, || asked(portal, &commands))
            .await?
            .answers;
        for ((block, ids), answer) in pages().zip(answers) {
            let (method, within) = match block.of_offers {
                true => (OFFERS, "offers"),
                false => (PRODUCTS, "products"),
            };
            let doing = format!("calling {method}");
            let found: Vec<Product> = wire::read_all(rows(answer?, within, &doing)?);
            let id = |row: &Product| row.id.as_deref().and_then(wire::id);
            if found
                .iter()
                .any(|row| !id(row).is_some_and(|id| ids.contains(&id)))
            {
                let text = "products came that were not asked for".to_owned();
                let kind = Kind::Unreadable;
                return Err(BitrixError::own(kind, FILTER_IGNORED, text, &doing));
            }
            all.extend(found);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_and_purchase_prices_are_asked_for() {
        let block = |of_offers| Block { id: 23, of_offers };
        let text = |command: Command| {
            let text = command.text();
            percent_encoding::percent_decode_str(&text)
                .decode_utf8()
                .expect("UTF-8")
                .into_owned()
        };
        let rest = "select[0]=id&select[1]=iblockId&select[2]=purchasingPrice&\
                    select[3]=purchasingCurrency&filter[iblockId]=23&filter[id][0]=7&\
                    filter[id][1]=9&order[id]=asc";
        for (of_offers, method) in [(false, PRODUCTS), (true, OFFERS)] {
            let asked = text(products_command(&block(of_offers), &[7, 9]));
            assert_eq!(asked, format!("{method}?{rest}"));
        }
        let asked = text(blocks_command());
        assert_eq!(
            asked,
            "catalog.catalog.list?select[0]=id&select[1]=iblockId&select[2]=productIblockId"
        );
        assert_eq!(
            (products_a_request(1), products_a_request(2)),
            (2_500, 1_250)
        );
    }
}
