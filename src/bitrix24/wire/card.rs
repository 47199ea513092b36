//! Cards of the CRM: leads, deals, smart invoices, in either spelling of the portal.
//!
//! `crm.lead.list` and `crm.deal.list` are frozen, `crm.item.list` is their successor; both give
//! the same card, one in `UPPER_CASE` texts, the other in `camelCase` with numbers. A row of the
//! second kind is renamed before it is read, so that a card is one type whoever gave it.

use serde_json::{Map, Value};

row! {
    /// A row of `crm.lead.list`, or an item of the entity type 1.
    "SCREAMING_SNAKE_CASE" Lead {
        /// `ID`.
        id,
        /// `DATE_CREATE`, with the server's offset.
        date_create,
        /// `DATE_MODIFY`.
        date_modify,
        /// `DATE_CLOSED`, empty while open.
        date_closed,
        /// `STATUS_ID`.
        status_id,
        /// `STATUS_SEMANTIC_ID`: P, S or F.
        status_semantic_id,
        /// `SOURCE_ID`.
        source_id,
        /// `OPPORTUNITY`, a decimal.
        opportunity,
        /// `CURRENCY_ID`.
        currency_id,
        /// `ASSIGNED_BY_ID`.
        assigned_by_id,
    }
}

row! {
    /// A row of `crm.deal.list`, or an item of the entity type 2.
    "SCREAMING_SNAKE_CASE" Deal {
        /// `ID`.
        id,
        /// `LEAD_ID`, the lead it was made from.
        lead_id,
        /// `CATEGORY_ID`, the pipeline.
        category_id,
        /// `STAGE_ID`.
        stage_id,
        /// `STAGE_SEMANTIC_ID`: P, S or F.
        stage_semantic_id,
        /// `OPPORTUNITY`, a decimal.
        opportunity,
        /// `CURRENCY_ID`.
        currency_id,
        /// `ASSIGNED_BY_ID`.
        assigned_by_id,
        /// `SOURCE_ID`.
        source_id,
        /// `DATE_CREATE`.
        date_create,
        /// `DATE_MODIFY`.
        date_modify,
        /// `CLOSEDATE`: the closing, or the expected one of an open deal.
        closedate,
    }
}

row! {
    /// An item of the entity type 31, a smart invoice.
    "SCREAMING_SNAKE_CASE" Invoice {
        /// `id`.
        id,
        /// `parentId2`, the deal it belongs to.
        deal_id,
        /// `stageId`.
        stage_id,
        /// `stageSemanticId`: P, S or F; absent on portals that tell it by the stage alone.
        stage_semantic_id,
        /// `opportunity`, a decimal.
        opportunity,
        /// `currencyId`.
        currency_id,
        /// `assignedById`.
        assigned_by_id,
        /// `createdTime`.
        date_create,
        /// `updatedTime`.
        date_modify,
        /// `movedTime`, when it came to its stage: of a paid invoice, the payment.
        moved_time,
    }
}

/// An item's keys and what the older methods call them. A lead's stage is `stageId` on some portals
/// and `statusId` on others; whichever holds something is taken.
const NAMES: &[(&str, &[&str])] = &[
    ("id", &["ID"]),
    ("createdTime", &["DATE_CREATE"]),
    ("updatedTime", &["DATE_MODIFY"]),
    ("dateClosed", &["DATE_CLOSED"]),
    ("closedate", &["CLOSEDATE"]),
    ("closeDate", &["CLOSEDATE"]),
    ("movedTime", &["MOVED_TIME"]),
    ("statusId", &["STATUS_ID"]),
    ("statusSemanticId", &["STATUS_SEMANTIC_ID"]),
    ("stageId", &["STAGE_ID", "STATUS_ID"]),
    (
        "stageSemanticId",
        &["STAGE_SEMANTIC_ID", "STATUS_SEMANTIC_ID"],
    ),
    ("sourceId", &["SOURCE_ID"]),
    ("opportunity", &["OPPORTUNITY"]),
    ("currencyId", &["CURRENCY_ID"]),
    ("assignedById", &["ASSIGNED_BY_ID"]),
    ("leadId", &["LEAD_ID"]),
    ("parentId1", &["LEAD_ID"]),
    ("categoryId", &["CATEGORY_ID"]),
    ("parentId2", &["DEAL_ID"]),
];

/// A row of `crm.item.list` with the names of the older methods; what no card needs is dropped.
pub(super) fn of_item(item: Value) -> Value {
    let Value::Object(mut item) = item else {
        return item;
    };
    let mut card = Map::new();
    for (theirs, ours) in NAMES {
        let Some(value) = item.remove(*theirs) else {
            continue;
        };
        for name in *ours {
            let empty = matches!(card.get(*name), None | Some(Value::Null));
            if empty {
                card.insert((*name).to_owned(), value.clone());
            }
        }
    }
    Value::Object(card)
}
