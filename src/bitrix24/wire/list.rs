//! How each kind of record is listed: method, spelling of filter and order, fields, and how its
//! rows are told apart and dated.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::card::{self, Deal, Invoice, Lead};
use super::trail::{Activity, Call, StageMove, Task};
use super::{Unreadable, form_of};
use crate::bitrix24::command::Command;

/// What is pulled record by record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// Leads.
    Lead,
    /// Deals of all pipelines.
    Deal,
    /// Calls of the telephony, those registered from outside included.
    Call,
    /// Activities of the CRM.
    Activity,
    /// Smart invoices.
    Invoice,
    /// Tasks.
    Task,
    /// Leads' moves between statuses.
    LeadMove,
    /// Deals' moves between stages.
    DealMove,
    /// Smart invoices' moves between stages.
    InvoiceMove,
}

/// Which of the portal's two ways to list leads and deals is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Face {
    /// `crm.lead.list`, `crm.deal.list`: frozen, but alive everywhere.
    #[default]
    Classic,
    /// `crm.item.list`.
    Item,
}

/// How a kind of record is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) entity: Entity,
    pub(crate) method: &'static str,
    /// A parameter that every call needs.
    fixed: Option<(&'static str, &'static str)>,
    /// The key under which the answer wraps its rows; empty when it does not.
    pub(crate) within: &'static str,
    /// The rows' key of the id, by which they are filtered and ordered too.
    pub(crate) id: &'static str,
    /// What the filter calls the time of the last change; none where rows are only added.
    pub(crate) modified: Option<&'static str>,
    /// Whether filter and order are spelt as the telephony wants them.
    telephony: bool,
    /// Fields to select; the telephony has no such parameter and gives all.
    fields: &'static [&'static str],
}

const LEAD: Listing = Listing {
    entity: Entity::Lead,
    method: "crm.lead.list",
    fixed: None,
    within: "",
    id: "ID",
    modified: Some("DATE_MODIFY"),
    telephony: false,
    fields: &[
        "ID",
        "DATE_CREATE",
        "DATE_MODIFY",
        "DATE_CLOSED",
        "STATUS_ID",
        "STATUS_SEMANTIC_ID",
        "SOURCE_ID",
        "OPPORTUNITY",
        "CURRENCY_ID",
        "ASSIGNED_BY_ID",
    ],
};

const DEAL: Listing = Listing {
    entity: Entity::Deal,
    method: "crm.deal.list",
    fields: &[
        "ID",
        "LEAD_ID",
        "CATEGORY_ID",
        "STAGE_ID",
        "STAGE_SEMANTIC_ID",
        "OPPORTUNITY",
        "CURRENCY_ID",
        "ASSIGNED_BY_ID",
        "SOURCE_ID",
        "DATE_CREATE",
        "DATE_MODIFY",
        "CLOSEDATE",
    ],
    ..LEAD
};

/// What `crm.item.list` is asked for of any card; a field that a type does not have is refused
/// only in filter and order.
const ITEM: Listing = Listing {
    entity: Entity::Lead,
    method: "crm.item.list",
    fixed: Some(("entityTypeId", "1")),
    within: "items",
    id: "id",
    modified: Some("updatedTime"),
    telephony: false,
    fields: &[
        "id",
        "createdTime",
        "updatedTime",
        "dateClosed",
        "stageId",
        "stageSemanticId",
        "statusId",
        "statusSemanticId",
        "sourceId",
        "opportunity",
        "currencyId",
        "assignedById",
    ],
};

const DEAL_ITEM: Listing = Listing {
    entity: Entity::Deal,
    fixed: Some(("entityTypeId", "2")),
    fields: &[
        "id",
        "leadId",
        "categoryId",
        "stageId",
        "stageSemanticId",
        "opportunity",
        "currencyId",
        "assignedById",
        "sourceId",
        "createdTime",
        "updatedTime",
        "closedate",
    ],
    ..ITEM
};

const INVOICE: Listing = Listing {
    entity: Entity::Invoice,
    fixed: Some(("entityTypeId", "31")),
    fields: &[
        "id",
        "parentId2",
        "stageId",
        "stageSemanticId",
        "opportunity",
        "currencyId",
        "assignedById",
        "createdTime",
        "updatedTime",
        "movedTime",
    ],
    ..ITEM
};

const ACTIVITY: Listing = Listing {
    entity: Entity::Activity,
    method: "crm.activity.list",
    modified: Some("LAST_UPDATED"),
    fields: &[
        "ID",
        "TYPE_ID",
        "PROVIDER_ID",
        "DIRECTION",
        "COMPLETED",
        "RESPONSIBLE_ID",
        "OWNER_TYPE_ID",
        "OWNER_ID",
        "START_TIME",
        "DEADLINE",
        "CREATED",
        "LAST_UPDATED",
    ],
    ..LEAD
};

const CALL: Listing = Listing {
    entity: Entity::Call,
    method: "voximplant.statistic.get",
    fixed: None,
    within: "",
    id: "ID",
    modified: None,
    telephony: true,
    fields: &[],
};

const TASK: Listing = Listing {
    entity: Entity::Task,
    method: "tasks.task.list",
    within: "tasks",
    modified: Some("CHANGED_DATE"),
    fields: &[
        "ID",
        "STATUS",
        "DEADLINE",
        "CREATED_DATE",
        "CHANGED_DATE",
        "CLOSED_DATE",
        "RESPONSIBLE_ID",
    ],
    ..LEAD
};

const MOVE: Listing = Listing {
    entity: Entity::LeadMove,
    method: "crm.stagehistory.list",
    fixed: Some(("entityTypeId", "1")),
    within: "items",
    modified: None,
    fields: &[],
    ..LEAD
};

impl Entity {
    /// All, in the order in which they are loaded: cards first, then what facts are made of.
    pub const ALL: [Entity; 9] = [
        Entity::Lead,
        Entity::Deal,
        Entity::Call,
        Entity::Activity,
        Entity::Invoice,
        Entity::Task,
        Entity::LeadMove,
        Entity::DealMove,
        Entity::InvoiceMove,
    ];
    /// What a pass cannot do without.
    pub const CARDS: [Entity; 2] = [Entity::Lead, Entity::Deal];
    /// What a portal may lack, or refuse: the telephony, tasks, invoices, the history.
    pub const TRAIL: [Entity; 7] = [
        Entity::Call,
        Entity::Activity,
        Entity::Invoice,
        Entity::Task,
        Entity::LeadMove,
        Entity::DealMove,
        Entity::InvoiceMove,
    ];

    /// The word used for cursors and rejects.
    pub fn name(self) -> &'static str {
        match self {
            Entity::Lead => "lead",
            Entity::Deal => "deal",
            Entity::Call => "call",
            Entity::Activity => "activity",
            Entity::Invoice => "invoice",
            Entity::Task => "task",
            Entity::LeadMove => "lead_move",
            Entity::DealMove => "deal_move",
            Entity::InvoiceMove => "invoice_move",
        }
    }

    /// Whether rows are never changed once they are there.
    pub fn is_only_added(self) -> bool {
        self.listing(Face::Classic).modified.is_none()
    }

    /// How it is listed.
    pub(crate) fn listing(self, face: Face) -> Listing {
        let moves = |entity_type| Listing {
            entity: self,
            fixed: Some(("entityTypeId", entity_type)),
            ..MOVE
        };
        match (self, face) {
            (Entity::Lead, Face::Classic) => LEAD,
            (Entity::Lead, Face::Item) => ITEM,
            (Entity::Deal, Face::Classic) => DEAL,
            (Entity::Deal, Face::Item) => DEAL_ITEM,
            (Entity::Call, _) => CALL,
            (Entity::Activity, _) => ACTIVITY,
            (Entity::Invoice, _) => INVOICE,
            (Entity::Task, _) => TASK,
            (Entity::LeadMove, _) => moves("1"),
            (Entity::DealMove, _) => moves("2"),
            (Entity::InvoiceMove, _) => moves("31"),
        }
    }
}

impl Listing {
    /// Whether it is the successor's.
    pub(crate) fn is_item(self) -> bool {
        self.method == ITEM.method
    }

    /// The name of the method with what tells it from its namesakes, for messages.
    pub(crate) fn doing(self) -> String {
        match self.fixed {
            Some((_, entity_type)) => format!("calling {} of type {entity_type}", self.method),
            None => format!("calling {}", self.method),
        }
    }

    /// A page in the order of ids, without a count, with the fields that are needed.
    pub(crate) fn page(self) -> Command {
        self.ordered("ASC", self.fields).param("start", -1)
    }

    /// A page of ids only, from the smallest or the largest on.
    pub(crate) fn ids(self, order: &str) -> Command {
        self.ordered(order, if self.telephony { &[] } else { self.id_only() })
            .param("start", -1)
    }

    /// The first page of ids together with the count of all, which is what is wanted.
    pub(crate) fn count(self) -> Command {
        self.ordered("ASC", if self.telephony { &[] } else { self.id_only() })
            .param("start", 0)
    }

    /// Adds a condition.
    pub(crate) fn filter(
        self,
        command: Command,
        operator: &str,
        field: &str,
        value: impl std::fmt::Display,
    ) -> Command {
        let filter = if self.telephony { "FILTER" } else { "filter" };
        command.param(&format!("{filter}[{operator}{field}]"), value)
    }

    fn id_only(self) -> &'static [&'static str] {
        match self.id {
            "id" => &["id"],
            _ => &["ID"],
        }
    }

    fn ordered(self, order: &str, fields: &[&str]) -> Command {
        let mut command = Command::new(self.method);
        if let Some((key, value)) = self.fixed {
            command = command.param(key, value);
        }
        command = command.select(fields);
        if self.telephony {
            return command.param("SORT", self.id).param("ORDER", order);
        }
        command.param(&format!("order[{}]", self.id), order)
    }

    /// Where the last id of a full page stands in the answer of the command `key`.
    pub(crate) fn last_id_of(self, key: &str, last: usize) -> String {
        // Tasks are asked for by ID and answer with id.
        let id = if self.within == "tasks" {
            "id"
        } else {
            self.id
        };
        match self.within {
            "" => format!("$result[{key}][{last}][{id}]"),
            within => format!("$result[{key}][{within}][{last}][{id}]"),
        }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A lead.
    Lead(Lead),
    /// A deal.
    Deal(Deal),
    /// A call.
    Call(Call),
    /// An activity.
    Activity(Activity),
    /// A smart invoice.
    Invoice(Invoice),
    /// A task.
    Task(Task),
    /// A move of a lead, a deal or an invoice.
    Move(Entity, StageMove),
}

impl Record {
    fn read(entity: Entity, row: Value) -> Result<Record, serde_json::Error> {
        // A row of the successor is known by its spelling, so that one reader serves both.
        let row = match entity {
            Entity::Lead | Entity::Deal | Entity::Invoice if row.get("id").is_some() => {
                card::of_item(row)
            }
            _ => row,
        };
        Ok(match entity {
            Entity::Lead => Record::Lead(serde_json::from_value(row)?),
            Entity::Deal => Record::Deal(serde_json::from_value(row)?),
            Entity::Call => Record::Call(serde_json::from_value(row)?),
            Entity::Activity => Record::Activity(serde_json::from_value(row)?),
            Entity::Invoice => Record::Invoice(serde_json::from_value(row)?),
            Entity::Task => Record::Task(serde_json::from_value(row)?),
            Entity::LeadMove | Entity::DealMove | Entity::InvoiceMove => {
                Record::Move(entity, serde_json::from_value(row)?)
            }
        })
    }

    /// What it is.
    pub fn entity(&self) -> Entity {
        match self {
            Record::Lead(_) => Entity::Lead,
            Record::Deal(_) => Entity::Deal,
            Record::Call(_) => Entity::Call,
            Record::Activity(_) => Entity::Activity,
            Record::Invoice(_) => Entity::Invoice,
            Record::Task(_) => Entity::Task,
            Record::Move(entity, _) => *entity,
        }
    }

    /// The id, when it is one.
    pub fn id(&self) -> Option<u64> {
        let text = match self {
            Record::Lead(row) => row.id.as_deref(),
            Record::Deal(row) => row.id.as_deref(),
            Record::Call(row) => row.id.as_deref(),
            Record::Activity(row) => row.id.as_deref(),
            Record::Invoice(row) => row.id.as_deref(),
            Record::Task(row) => row.id.as_deref(),
            Record::Move(_, row) => row.id.as_deref(),
        };
        text.and_then(super::id)
    }

    /// When it was last changed, as far as told; none for what is never changed.
    pub fn modified(&self) -> Option<DateTime<FixedOffset>> {
        let text = match self {
            Record::Lead(row) => row.date_modify.as_deref(),
            Record::Deal(row) => row.date_modify.as_deref(),
            Record::Activity(row) => row.last_updated.as_deref(),
            Record::Invoice(row) => row.date_modify.as_deref(),
            Record::Task(row) => row.changed_date.as_deref(),
            Record::Call(_) | Record::Move(..) => None,
        };
        text.and_then(super::time)
    }
}

/// Reads a row of a list, in either spelling.
///
/// # Errors
/// What is wrong with it, with its id as far as that can be seen; never its content.
pub fn record(entity: Entity, row: Value) -> Result<Record, Unreadable> {
    let id = ["ID", "id"].iter().find_map(|key| row.get(key));
    let id = id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let refuse = |id: Option<String>, reason: String| Unreadable {
        entity: entity.name(),
        id: id.unwrap_or_default(),
        reason,
    };
    if !row.is_object() {
        let reason = format!("a row was expected, {} came", form_of(&row));
        return Err(refuse(id, reason));
    }
    let record = Record::read(entity, row).map_err(|e| refuse(id.clone(), e.to_string()))?;
    match record.id() {
        Some(_) => Ok(record),
        None => Err(refuse(id, "ID is not a positive whole number".to_owned())),
    }
}
