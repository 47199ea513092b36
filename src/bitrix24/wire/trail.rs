//! What happened to cards: moves between stages, activities, calls, tasks, product rows.

use serde_json::Value;

use super::super::error::BitrixError;
use super::{read_all, rows};

row! {
    /// A row of `crm.stagehistory.list`; leads carry `STATUS_…`, deals and invoices `STAGE_…`.
    "SCREAMING_SNAKE_CASE" StageMove {
        /// `ID`.
        id,
        /// `TYPE_ID`: 1 created, 2 moved, 3 ended, 5 moved to another pipeline.
        type_id,
        /// `OWNER_ID`: the card's id.
        owner_id,
        /// `CREATED_TIME`: when it moved.
        created_time,
        /// `CATEGORY_ID` of a deal.
        category_id,
        /// `STAGE_ID` of a deal or an invoice.
        stage_id,
        /// `STAGE_SEMANTIC_ID`.
        stage_semantic_id,
        /// `STATUS_ID` of a lead.
        status_id,
        /// `STATUS_SEMANTIC_ID`.
        status_semantic_id,
    }
}

row! {
    /// A row of `crm.activity.list`.
    "SCREAMING_SNAKE_CASE" Activity {
        /// `ID`.
        id,
        /// `TYPE_ID`: 1 meeting, 2 call, 3 task, 4 e-mail, 6 what a provider defines.
        type_id,
        /// `PROVIDER_ID`, such as `VOXIMPLANT_CALL`.
        provider_id,
        /// `DIRECTION`: 1 in, 2 out.
        direction,
        /// `COMPLETED`: Y or N.
        completed,
        /// `RESPONSIBLE_ID`.
        responsible_id,
        /// `OWNER_TYPE_ID`: 1 lead, 2 deal, 3 contact, 4 company.
        owner_type_id,
        /// `OWNER_ID`.
        owner_id,
        /// `START_TIME`.
        start_time,
        /// `DEADLINE`.
        deadline,
        /// `CREATED`.
        created,
        /// `LAST_UPDATED`.
        last_updated,
    }
}

row! {
    /// A row of `voximplant.statistic.get`.
    "SCREAMING_SNAKE_CASE" Call {
        /// `ID`.
        id,
        /// `PORTAL_USER_ID`: the employee.
        portal_user_id,
        /// `PHONE_NUMBER` of the other side: personal, kept only as a hash.
        phone_number,
        /// `CALL_TYPE`: 1 out, 2 in, 3 in and redirected, 4 callback, 5 announcement.
        call_type,
        /// `CALL_DURATION`, seconds.
        call_duration,
        /// `CALL_START_DATE`.
        call_start_date,
        /// `CALL_FAILED_CODE`: a text; `200` is a call that took place, `304` a missed one.
        call_failed_code,
    }
}

row! {
    /// A task of `tasks.task.list`.
    "camelCase" Task {
        /// `id`.
        id,
        /// `status`: 2 waits, 3 runs, 4 to be checked, 5 done, 6 put off, 7 declined.
        status,
        /// `deadline`.
        deadline,
        /// `createdDate`.
        created_date,
        /// `changedDate`.
        changed_date,
        /// `closedDate`.
        closed_date,
        /// `responsibleId`.
        responsible_id,
    }
}

row! {
    /// A product row, of `crm.item.productrow.list` or, renamed, of `crm.deal.productrows.get`.
    "camelCase" ProductRow {
        /// `id`.
        id,
        /// `ownerId`: the card's id.
        owner_id,
        /// `ownerType`: L, D, SI, …
        owner_type,
        /// `productId`; 0 for a row that no product stands behind.
        product_id,
        /// `price` of one, discount and tax as sold.
        price,
        /// `priceBrutto` of one: the list price.
        price_brutto,
        /// `quantity`, a decimal.
        quantity,
    }
}

row! {
    /// A row of `crm.item.payment.list`. The payment system and its name are not needed.
    "camelCase" Payment {
        /// `id`.
        id,
        /// `paid`: Y or N.
        paid,
        /// `datePaid`; null while it is not paid.
        date_paid,
        /// `sum`, a decimal.
        sum,
        /// `currency`.
        currency,
    }
}

/// Keys of `crm.deal.productrows.get` and what the newer method calls them.
const OLD_NAMES: &[(&str, &str)] = &[
    ("ID", "id"),
    ("OWNER_ID", "ownerId"),
    ("OWNER_TYPE", "ownerType"),
    ("PRODUCT_ID", "productId"),
    ("PRICE", "price"),
    ("PRICE_BRUTTO", "priceBrutto"),
    ("QUANTITY", "quantity"),
];

/// The rows of either method of product rows.
///
/// # Errors
/// When it is no list.
pub fn product_rows(answer: Value, doing: &str) -> Result<Vec<ProductRow>, BitrixError> {
    let mut list = rows(answer, "productRows", doing)?;
    for row in &mut list {
        let Value::Object(map) = row else { continue };
        for (old, new) in OLD_NAMES {
            if let Some(value) = map.remove(*old) {
                map.insert((*new).to_owned(), value);
            }
        }
    }
    Ok(read_all(list))
}
