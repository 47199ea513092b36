//! Rows of what happened to cards → records.

use crate::bitrix24::wire::{self, Entity};
use crate::domain::crm::{
    Activity, ActivityKind, Call, Direction, Invoice, MoveKind, Mover, Payment, ProductCost,
    ProductRow, Semantics, StageMove, Task,
};
use crate::domain::money::Money;

use super::{Ingest, Reject, amount, need, need_id, need_time, semantics, shown, text, time};

/// The telephony's code of a call that took place.
const CALL_DONE: &str = "200";
/// Providers of activities that are meetings whatever their type says.
const MEETING_PROVIDERS: [&str; 2] = ["CRM_MEETING", "MEETING"];

/// A whole number, zero when it is none.
fn number(value: Option<&str>) -> u64 {
    let parse = |text: &str| text.trim().parse().ok();
    value.and_then(parse).unwrap_or(0)
}

/// An id, zero when it is none.
fn id_or_zero(value: Option<&str>) -> u64 {
    value.and_then(wire::id).unwrap_or(0)
}

impl Ingest {
    /// Reads a call. Of its number only a mark stays.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn call(&self, row: &wire::Call) -> Result<Call, Reject> {
        let reject = |reason: String| Reject::new("call", row.id.as_deref(), reason);
        let seconds = row.call_duration.as_deref().unwrap_or("0").trim();
        let parsed = seconds.parse().map_err(|_| {
            reject(format!(
                "CALL_DURATION is not a number of seconds: {}",
                shown(seconds)
            ))
        })?;
        let code = row.call_failed_code.as_deref();
        Ok(Call {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            at: need_time(row.call_start_date.as_deref(), "CALL_START_DATE").map_err(reject)?,
            user: id_or_zero(row.portal_user_id.as_deref()),
            direction: match row.call_type.as_deref() {
                Some("1") => Direction::Out,
                Some("2" | "3") => Direction::In,
                Some("4") => Direction::Back,
                _ => Direction::Other,
            },
            // Calls registered from outside may carry no code; they took place if people spoke.
            took_place: code.map_or(parsed > 0, |code| code == CALL_DONE),
            seconds: parsed,
            phone: row
                .phone_number
                .as_deref()
                .and_then(|number| self.phone_key.mark(number)),
        })
    }

    /// Reads an activity.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn activity(&self, row: &wire::Activity) -> Result<Activity, Reject> {
        let reject = |reason: String| Reject::new("activity", row.id.as_deref(), reason);
        let provider = row.provider_id.as_deref().unwrap_or_default();
        let starts = time(row.start_time.as_deref(), "START_TIME").map_err(reject)?;
        let created = time(row.created.as_deref(), "CREATED").map_err(reject)?;
        let created = created.or(starts);
        Ok(Activity {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            kind: match row.type_id.as_deref() {
                _ if MEETING_PROVIDERS.contains(&provider) => ActivityKind::Meeting,
                Some("1") => ActivityKind::Meeting,
                Some("2") => ActivityKind::Call,
                Some("3") => ActivityKind::Task,
                Some("4") => ActivityKind::Email,
                _ => ActivityKind::Other,
            },
            direction: match row.direction.as_deref() {
                Some("1") => Direction::In,
                Some("2") => Direction::Out,
                _ => Direction::Other,
            },
            completed: row.completed.as_deref() == Some("Y"),
            user: id_or_zero(row.responsible_id.as_deref()),
            owner_kind: number(row.owner_type_id.as_deref()),
            owner: number(row.owner_id.as_deref()),
            created: created.ok_or_else(|| reject("CREATED is missing".to_owned()))?,
            starts,
            deadline: time(row.deadline.as_deref(), "DEADLINE").map_err(reject)?,
        })
    }

    /// Reads a smart invoice.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn invoice(&self, row: &wire::Invoice) -> Result<Invoice, Reject> {
        let reject = |reason: String| Reject::new("invoice", row.id.as_deref(), reason);
        let stage = need(row.stage_id.as_deref(), "stageId").map_err(reject)?;
        let told = row.stage_semantic_id.as_deref();
        let means = semantics(told, stage, &self.invoice_stages)
            .or_else(|reason| by_code(stage).ok_or(reason))
            .map_err(reject)?;
        let moved = time(row.moved_time.as_deref(), "movedTime").map_err(reject)?;
        Ok(Invoice {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            deal: row.deal_id.as_deref().and_then(wire::id),
            stage: stage.to_owned(),
            semantics: means,
            amount: amount(row.opportunity.as_deref()).map_err(reject)?,
            currency: self.currency(row.currency_id.as_deref()),
            responsible: id_or_zero(row.assigned_by_id.as_deref()),
            created: need_time(row.date_create.as_deref(), "createdTime").map_err(reject)?,
            paid: moved.filter(|_| means == Semantics::Success),
        })
    }

    /// Reads a task.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn task(&self, row: &wire::Task) -> Result<Task, Reject> {
        let reject = |reason: String| Reject::new("task", row.id.as_deref(), reason);
        Ok(Task {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            state: number(row.status.as_deref()),
            responsible: id_or_zero(row.responsible_id.as_deref()),
            created: need_time(row.created_date.as_deref(), "createdDate").map_err(reject)?,
            deadline: time(row.deadline.as_deref(), "deadline").map_err(reject)?,
            closed: time(row.closed_date.as_deref(), "closedDate").map_err(reject)?,
        })
    }

    /// Reads a move between stages.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn stage_move(&self, entity: Entity, row: &wire::StageMove) -> Result<StageMove, Reject> {
        let reject = |reason: String| Reject::new(entity.name(), row.id.as_deref(), reason);
        let (mover, stages) = match entity {
            Entity::LeadMove => (Mover::Lead, &self.lead_statuses),
            Entity::DealMove => (Mover::Deal, &self.deal_stages),
            _ => (Mover::Invoice, &self.invoice_stages),
        };
        let stage = row.status_id.as_deref().or(row.stage_id.as_deref());
        let stage = need(stage, "STAGE_ID").map_err(reject)?;
        let told = row.status_semantic_id.as_deref();
        let told = told.or(row.stage_semantic_id.as_deref());
        let kind = match row.type_id.as_deref() {
            Some("1") => MoveKind::Created,
            Some("2") => MoveKind::Moved,
            Some("3") => MoveKind::Ended,
            Some("5") => MoveKind::Pipeline,
            _ => MoveKind::Other,
        };
        // A stage of long ago may be in no directory any more; a move that ended nothing is on
        // the way.
        let means = semantics(told, stage, stages)
            .or_else(|reason| match kind {
                MoveKind::Created | MoveKind::Moved => Ok(Semantics::InWork),
                _ => by_code(stage).ok_or(reason),
            })
            .map_err(reject)?;
        Ok(StageMove {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            mover,
            owner: need_id(row.owner_id.as_deref())
                .map_err(|_| reject("OWNER_ID is not a positive whole number".to_owned()))?,
            kind,
            at: need_time(row.created_time.as_deref(), "CREATED_TIME").map_err(reject)?,
            stage: stage.to_owned(),
            semantics: means,
            category: text(row.category_id.as_deref())
                .and_then(|id| id.parse().ok())
                .or((mover == Mover::Deal).then_some(0)),
        })
    }

    /// Reads a payment of a deal, or of an invoice and its deal; `responsible` is whoever is responsible
    /// for that record now.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn payment(
        &self,
        row: &wire::Payment,
        deal: Option<u64>,
        invoice: Option<u64>,
        responsible: u64,
    ) -> Result<Payment, Reject> {
        let reject = |reason: String| Reject::new("payment", row.id.as_deref(), reason);
        let sum = row.sum.as_deref().unwrap_or("0");
        let paid = match row.paid.as_deref() {
            Some("Y" | "1" | "true") => {
                Some(need_time(row.date_paid.as_deref(), "datePaid").map_err(reject)?)
            }
            _ => None,
        };
        Ok(Payment {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            deal,
            invoice,
            paid,
            amount: Money::parse(sum)
                .map_err(|error| reject(format!("sum {} is not an amount: {error}", shown(sum))))?,
            currency: self.currency(row.currency.as_deref()),
            responsible,
        })
    }

    /// Reads what a product costs. A price of zero is a price; one without a currency is in the base
    /// currency.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn product_cost(&self, row: &wire::Product) -> Result<ProductCost, Reject> {
        let reject = |reason: String| Reject::new("product", row.id.as_deref(), reason);
        let price = row.purchasing_price.as_deref().map(|value| {
            Money::parse(value).map_err(|error| {
                reject(format!(
                    "purchasingPrice {} is not an amount: {error}",
                    shown(value)
                ))
            })
        });
        Ok(ProductCost {
            product: need_id(row.id.as_deref()).map_err(reject)?,
            price: price.transpose()?,
            currency: self.currency(row.purchasing_currency.as_deref()),
        })
    }

    /// Reads a product row of a deal.
    ///
    /// # Errors
    /// The reason why it cannot be counted.
    pub fn product_row(&self, row: &wire::ProductRow) -> Result<ProductRow, Reject> {
        let reject = |reason: String| Reject::new("product_row", row.id.as_deref(), reason);
        let decimal = |value: Option<&str>, field: &str| {
            let value = value.unwrap_or("0");
            Money::parse(value)
                .map_err(|error| format!("{field} {} is not a number: {error}", shown(value)))
        };
        let list_price = row.price_brutto.as_deref();
        let list_price = list_price.map(|value| decimal(Some(value), "priceBrutto"));
        Ok(ProductRow {
            id: need_id(row.id.as_deref()).map_err(reject)?,
            deal: need_id(row.owner_id.as_deref()).map_err(reject)?,
            product: row.product_id.as_deref().and_then(wire::id),
            price: decimal(row.price.as_deref(), "price").map_err(reject)?,
            list_price: list_price.transpose().map_err(reject)?,
            quantity: decimal(row.quantity.as_deref(), "quantity").map_err(reject)?,
        })
    }
}

/// What a system stage means by its code alone: `DT31_1:P`, `C2:WON`, `LOSE`. The codes of system
/// stages are fixed; those that a company adds have others.
fn by_code(stage: &str) -> Option<Semantics> {
    match stage.rsplit(':').next()? {
        "P" | "WON" | "CONVERTED" => Some(Semantics::Success),
        "D" | "LOSE" | "APOLOGY" | "JUNK" => Some(Semantics::Failure),
        "N" | "S" | "NEW" | "IN_PROCESS" | "EXECUTING" => Some(Semantics::InWork),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::PhoneKey;
    use super::*;
    use crate::domain::crm::Directory;

    fn ingest() -> Ingest {
        Ingest::new(&Directory::default(), PhoneKey::of([3; 32]))
    }

    fn row<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).expect("a row")
    }

    #[test]
    fn a_call_counts_by_its_code_and_its_number_is_marked() {
        for (code, duration, took_place) in [
            (json!("200"), "95", true),
            (json!("304"), "0", false),
            (json!("603-S"), "0", false),
            (json!("OTHER"), "12", false),
            (json!(200), "0", true),
            (json!(null), "30", true),
            (json!(""), "0", false),
        ] {
            let wire = row(json!({
                "ID": "7", "PORTAL_USER_ID": "1269", "PHONE_NUMBER": "+79061234568",
                "CALL_DURATION": duration, "CALL_START_DATE": "2026-03-10T11:19:38+01:00",
                "CALL_FAILED_CODE": code, "CALL_TYPE": "2"
            }));
            let call = ingest().call(&wire).expect("a call");
            assert_eq!(call.took_place, took_place, "{code} {duration}");
            assert_eq!((call.user, call.direction), (1269, Direction::In));
            assert!(call.phone.is_some());
            assert_eq!(call.at.to_rfc3339(), "2026-03-10T10:19:38+00:00");
        }
        let wire = row(json!({"ID": "7", "CALL_START_DATE": "x"}));
        assert!(ingest().call(&wire).is_err());
    }

    #[test]
    fn a_meeting_is_one_by_its_type_or_its_provider() {
        for (kind, provider, read) in [
            ("1", "CRM_MEETING", ActivityKind::Meeting),
            ("1", "", ActivityKind::Meeting),
            ("6", "CRM_MEETING", ActivityKind::Meeting),
            ("2", "VOXIMPLANT_CALL", ActivityKind::Call),
            ("3", "TASKS", ActivityKind::Task),
            ("4", "CRM_EMAIL", ActivityKind::Email),
            ("6", "CRM_TODO", ActivityKind::Other),
        ] {
            let wire = row(json!({
                "ID": "20", "TYPE_ID": kind, "PROVIDER_ID": provider, "COMPLETED": "Y",
                "RESPONSIBLE_ID": "505", "CREATED": "2020-09-27T13:26:55+03:00",
                "START_TIME": "2020-09-27T13:25:00+03:00", "DEADLINE": "", "DIRECTION": "2"
            }));
            let activity = ingest().activity(&wire).expect("an activity");
            assert_eq!(activity.kind, read, "{kind} {provider}");
            assert!(activity.completed && activity.deadline.is_none());
        }
    }

    #[test]
    fn a_payment_is_made_when_the_portal_says_so_with_its_time() {
        for (value, expected) in [
            (
                json!({"id": 1036, "accountNumber": "3653/1", "paid": "Y", "sum": 12.5,
                    "datePaid": "2024-05-20T12:32:02+03:00", "currency": "RUB"}),
                Ok((true, "12.5")),
            ),
            (
                json!({"id": 1037, "paid": "N", "datePaid": null, "sum": 0, "currency": "RUB"}),
                Ok((false, "0")),
            ),
            (
                json!({"id": 1038, "paid": "Y", "datePaid": null, "sum": 1}),
                Err("datePaid"),
            ),
            (json!({"id": 1039, "paid": "N", "sum": "much"}), Err("sum")),
            (json!({"id": 0, "paid": "N"}), Err("ID")),
        ] {
            let read = ingest().payment(&row(value.clone()), Some(1), Some(5), 7);
            match (read, expected) {
                (Ok(read), Ok((paid, amount))) => {
                    assert_eq!(
                        (read.paid.is_some(), read.amount.to_string().as_str()),
                        (paid, amount)
                    );
                    assert_eq!(
                        (read.deal, read.invoice, read.responsible),
                        (Some(1), Some(5), 7)
                    );
                }
                (Err(reject), Err(field)) => assert!(reject.reason.contains(field), "{reject:?}"),
                (read, expected) => panic!("{value}: {read:?} for {expected:?}"),
            }
        }
    }

    #[test]
    fn a_purchase_price_of_zero_is_a_price_and_a_blank_is_none() {
        for (value, expected) in [
            (
                json!({"id": 1243, "purchasingPrice": 1000, "purchasingCurrency": "RUB"}),
                Some("1000"),
            ),
            (json!({"id": "7", "purchasingPrice": "0.00"}), Some("0")),
            (
                json!({"id": 7, "purchasingPrice": null, "purchasingCurrency": null}),
                None,
            ),
            (json!({"id": 7, "purchasingPrice": ""}), None),
        ] {
            let read = ingest().product_cost(&row(value.clone())).expect("a cost");
            assert_eq!(
                read.price.map(|price| price.to_string()).as_deref(),
                expected,
                "{value}"
            );
        }
        assert!(
            ingest()
                .product_cost(&row(json!({"id": 7, "purchasingPrice": "x"})))
                .is_err()
        );
    }

    #[test]
    fn a_stage_of_long_ago_is_known_by_its_code() {
        let invoice = |stage: &str, told: serde_json::Value| {
            let wire = row(json!({
                "ID": 5, "STAGE_ID": stage, "STAGE_SEMANTIC_ID": told, "OPPORTUNITY": 999.9,
                "DATE_CREATE": "2024-07-22T18:00:08+02:00",
                "MOVED_TIME": "2024-07-23T18:00:08+02:00", "DEAL_ID": 12
            }));
            ingest().invoice(&wire)
        };
        let paid = invoice("DT31_1:P", json!(null)).expect("paid");
        assert_eq!((paid.semantics, paid.deal), (Semantics::Success, Some(12)));
        assert_eq!(paid.amount.map(|m| m.to_string()).as_deref(), Some("999.9"));
        assert!(paid.paid.is_some());
        let open = invoice("DT31_1:UC_1", json!("P")).expect("open");
        assert_eq!((open.semantics, open.paid), (Semantics::InWork, None));
        assert!(invoice("DT31_1:UC_1", json!(null)).is_err());
    }

    #[test]
    fn moves_of_both_spellings_are_read() {
        for (value, entity, stage, semantics, category) in [
            (
                json!({"ID": 35, "TYPE_ID": 1, "OWNER_ID": 21, "CATEGORY_ID": 0,
                    "CREATED_TIME": "2024-04-25T14:59:11+00:00", "STAGE_SEMANTIC_ID": "P",
                    "STAGE_ID": "NEW"}),
                Entity::DealMove,
                "NEW",
                Semantics::InWork,
                Some(0),
            ),
            (
                json!({"ID": "36", "TYPE_ID": "3", "OWNER_ID": "22", "STATUS_ID": "CONVERTED",
                    "CREATED_TIME": "2024-04-25T14:59:11+00:00", "STATUS_SEMANTIC_ID": "S"}),
                Entity::LeadMove,
                "CONVERTED",
                Semantics::Success,
                None,
            ),
        ] {
            let read = ingest().stage_move(entity, &row(value)).expect("a move");
            assert_eq!((read.stage.as_str(), read.semantics), (stage, semantics));
            assert_eq!(read.category, category);
        }
    }
}
