//! The columns of calls, activities, tasks, stage history and smart invoices, in the order and with
//! the types of the documented answers.

use crate::company::Company;
use crate::company::chronicle::INVOICE_PIPELINE;
use crate::company::ledger::{Activity, Call, Invoice, Move, Task};

use super::rows::{Cell, Column, Shape, Table};

/// A column: key, value; the same key in questions and answers, numbers as texts.
macro_rules! column {
    ($name:literal, $get:expr) => {
        Column {
            name: $name,
            ask: $name,
            shape: Shape::Text,
            usual: true,
            get: $get,
        }
    };
    // Numbers as numbers.
    ($name:literal, number, $get:expr) => {
        Column {
            name: $name,
            ask: $name,
            shape: Shape::Number,
            usual: true,
            get: $get,
        }
    };
    // Answered only when it is named.
    ($name:literal, asked, $get:expr) => {
        Column {
            name: $name,
            ask: $name,
            shape: Shape::Text,
            usual: false,
            get: $get,
        }
    };
    // Another key in questions.
    ($name:literal, $ask:literal, $shape:expr, $usual:literal, $get:expr) => {
        Column {
            name: $name,
            ask: $ask,
            shape: $shape,
            usual: $usual,
            get: $get,
        }
    };
}

fn semantic(letter: u8) -> &'static str {
    match letter {
        b'S' => "S",
        b'F' => "F",
        _ => "P",
    }
}

/// voximplant.statistic.get.
pub(crate) static CALLS: Table<Call> = Table {
    wrap: "",
    order: ("ID", false),
    id_always: true,
    strict: false,
    counted: true,
    columns: &[
        column!("ID", |call, _| Cell::Number(call.id.into())),
        column!("PORTAL_USER_ID", |call, _| Cell::Number(call.user.into())),
        column!("PORTAL_NUMBER", |_, _| Cell::word("reg100500")),
        column!("PHONE_NUMBER", |call, company| Cell::word(
            company.pool.text(call.phone)
        )),
        column!("CALL_ID", |call, _| {
            Cell::Text(format!("externalCall.{:08X}.{}", call.id, call.at).into())
        }),
        column!("EXTERNAL_CALL_ID", |_, _| Cell::None),
        column!("CALL_CATEGORY", |_, _| Cell::word("external")),
        column!("CALL_LOG", |_, _| Cell::None),
        column!("CALL_DURATION", |call, _| Cell::Number(call.seconds.into())),
        column!("CALL_START_DATE", |call, _| Cell::Time(call.at)),
        column!("CALL_RECORD_URL", |call, _| {
            if call.seconds == 0 {
                Cell::Text("".into())
            } else {
                Cell::None
            }
        }),
        column!("CALL_VOTE", |_, _| Cell::None),
        column!("COST", |_, _| Cell::word("0.0000")),
        column!("COST_CURRENCY", |_, _| Cell::Text("".into())),
        // A text even where it looks like a number: "603-S", "OTHER".
        column!("CALL_FAILED_CODE", |call, company| {
            Cell::Text(company.pool.text(call.code).into())
        }),
        column!("CALL_FAILED_REASON", |call, company| {
            let reason = match company.pool.text(call.code) {
                "304" => "Missed call",
                "603-S" => "Decline self",
                "486" => "Busy here",
                "480" => "Temporarily unavailable",
                _ => "",
            };
            Cell::Text(reason.into())
        }),
        column!("CRM_ENTITY_TYPE", |call, company| Cell::word(
            company.pool.text(call.entity)
        )),
        column!("CRM_ENTITY_ID", |call, _| Cell::link(call.entity_id)),
        column!("CRM_ACTIVITY_ID", |call, _| Cell::link(call.activity)),
        column!("REST_APP_ID", |_, _| Cell::None),
        column!("REST_APP_NAME", |_, _| Cell::None),
        column!("TRANSCRIPT_ID", |_, _| Cell::None),
        column!("TRANSCRIPT_PENDING", |_, _| Cell::flag(false)),
        column!("SESSION_ID", |_, _| Cell::None),
        column!("REDIAL_ATTEMPT", |_, _| Cell::None),
        column!("COMMENT", |_, _| Cell::None),
        column!("RECORD_DURATION", |_, _| Cell::None),
        column!("RECORD_FILE_ID", |_, _| Cell::None),
        column!("CALL_TYPE", |call, _| Cell::Number(call.kind.into())),
    ],
};

/// crm.activity.list.
pub(crate) static ACTIVITIES: Table<Activity> = Table {
    wrap: "",
    order: ("START_TIME", false),
    id_always: true,
    strict: false,
    counted: true,
    columns: &[
        column!("ID", |row, _| Cell::Number(row.id.into())),
        column!("OWNER_ID", |row, _| Cell::Number(row.owner.into())),
        column!("OWNER_TYPE_ID", |row, _| Cell::Number(
            row.owner_type.into()
        )),
        column!("TYPE_ID", |row, _| Cell::Number(row.kind.into())),
        column!("PROVIDER_ID", |row, company| Cell::word(
            company.pool.text(row.provider)
        )),
        column!("PROVIDER_TYPE_ID", |row, company| {
            Cell::word(company.pool.text(row.provider_type))
        }),
        column!("PROVIDER_GROUP_ID", |_, _| Cell::None),
        column!("ASSOCIATED_ENTITY_ID", |_, _| Cell::Number(0)),
        column!("SUBJECT", |row, company| Cell::Text(
            company.pool.text(row.subject).into()
        )),
        column!("CREATED", |row, _| Cell::Time(row.created)),
        column!("LAST_UPDATED", |row, _| Cell::Time(row.updated)),
        column!("START_TIME", |row, _| Cell::Time(row.start)),
        column!("END_TIME", |row, _| Cell::Time(row.end)),
        column!("DEADLINE", |row, _| Cell::Time(row.start)),
        column!("COMPLETED", |row, _| Cell::flag(row.completed)),
        column!("STATUS", |row, _| Cell::Number(if row.completed {
            2
        } else {
            1
        })),
        column!("RESPONSIBLE_ID", |row, _| Cell::Number(
            row.responsible.into()
        )),
        column!("PRIORITY", |_, _| Cell::Number(2)),
        column!("NOTIFY_TYPE", |_, _| Cell::Number(1)),
        column!("NOTIFY_VALUE", |_, _| Cell::Number(15)),
        column!("DESCRIPTION", |_, _| Cell::Text("".into())),
        column!("DESCRIPTION_TYPE", |_, _| Cell::Number(1)),
        column!("DIRECTION", |row, _| Cell::Number(row.direction.into())),
        column!("LOCATION", |_, _| Cell::Text("".into())),
        column!("SETTINGS", |_, _| Cell::Json("[]".into())),
        column!("ORIGINATOR_ID", |_, _| Cell::None),
        column!("ORIGIN_ID", |_, _| Cell::None),
        column!("AUTHOR_ID", |row, _| Cell::Number(row.responsible.into())),
        column!("EDITOR_ID", |row, _| Cell::Number(row.responsible.into())),
        column!("PROVIDER_PARAMS", |_, _| Cell::Json("[]".into())),
        column!("PROVIDER_DATA", |_, _| Cell::None),
        column!("RESULT_MARK", |_, _| Cell::Number(0)),
        column!("RESULT_VALUE", |_, _| Cell::None),
        column!("RESULT_SUM", |_, _| Cell::None),
        column!("RESULT_CURRENCY_ID", |_, _| Cell::None),
        column!("RESULT_STATUS", |_, _| Cell::Number(0)),
        column!("RESULT_STREAM", |_, _| Cell::Number(0)),
        column!("RESULT_SOURCE_ID", |_, _| Cell::None),
        column!("AUTOCOMPLETE_RULE", |_, _| Cell::Number(0)),
        column!("COMMUNICATIONS", asked, |row, _| {
            Cell::Json(
                format!(
                    "[{{\"ID\":\"{}\",\"TYPE\":\"\",\"VALUE\":\"\",\"ENTITY_ID\":\"{}\",\
                     \"ENTITY_TYPE_ID\":\"{}\",\"ENTITY_SETTINGS\":[]}}]",
                    row.id, row.owner, row.owner_type
                )
                .into(),
            )
        }),
        column!("FILES", asked, |_, _| Cell::Json("[]".into())),
    ],
};

/// crm.stagehistory.list of leads.
pub(crate) static LEAD_MOVES: Table<Move> = Table {
    wrap: "items",
    order: ("ID", false),
    id_always: true,
    strict: false,
    counted: true,
    columns: &[
        column!("ID", number, |row, _| Cell::Number(row.id.into())),
        column!("TYPE_ID", number, |row, _| Cell::Number(row.what.into())),
        column!("OWNER_ID", number, |row, _| Cell::Number(row.owner.into())),
        column!("CREATED_TIME", |row, _| Cell::Time(row.at)),
        column!("STATUS_SEMANTIC_ID", |row, _| Cell::word(semantic(
            row.semantic
        ))),
        column!("STATUS_ID", |row, company| Cell::word(
            company.pool.text(row.stage)
        )),
    ],
};

/// crm.stagehistory.list of deals and invoices.
pub(crate) static MOVES: Table<Move> = Table {
    wrap: "items",
    order: ("ID", false),
    id_always: true,
    strict: false,
    counted: true,
    columns: &[
        column!("ID", number, |row, _| Cell::Number(row.id.into())),
        column!("TYPE_ID", number, |row, _| Cell::Number(row.what.into())),
        column!("OWNER_ID", number, |row, _| Cell::Number(row.owner.into())),
        column!("CREATED_TIME", |row, _| Cell::Time(row.at)),
        column!("CATEGORY_ID", number, |row, _| Cell::Number(
            row.category.into()
        )),
        column!("STAGE_SEMANTIC_ID", |row, _| Cell::word(semantic(
            row.semantic
        ))),
        column!("STAGE_ID", |row, company| Cell::word(
            company.pool.text(row.stage)
        )),
    ],
};

/// A person as tasks show him.
fn person(company: &Company, id: u32) -> String {
    let user = company.users.iter().find(|user| user.id == id);
    let name = user.map_or_else(String::new, |user| {
        format!("{} {}", user.name, user.last_name)
    });
    serde_json::json!({
        "id": id.to_string(),
        "name": name,
        "link": format!("/company/personal/user/{id}/"),
        "icon": "/bitrix/images/tasks/default_avatar.png",
        "workPosition": user.map_or("", |user| &user.position),
    })
    .to_string()
}

const COUNTER: &str = "{\"counters\":{\"expired\":0,\"newComments\":0,\"projectExpired\":0,\
    \"projectNewComments\":0,\"mutedExpired\":0,\"mutedNewComments\":0},\"color\":\"gray\",\
    \"value\":0}";

/// tasks.task.list: asked in upper case, answered in camel case.
pub(crate) static TASKS: Table<Task> = Table {
    wrap: "tasks",
    order: ("ID", true),
    id_always: true,
    strict: false,
    counted: true,
    columns: &[
        column!("id", "ID", Shape::Text, true, |task, _| Cell::Number(
            task.id.into()
        )),
        column!("parentId", "PARENT_ID", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("title", "TITLE", Shape::Text, true, |task, company| {
            Cell::Text(company.pool.text(task.title).into())
        }),
        column!("description", "DESCRIPTION", Shape::Text, true, |_, _| {
            Cell::Text("".into())
        }),
        column!("mark", "MARK", Shape::Text, true, |_, _| Cell::Text(
            "".into()
        )),
        column!("priority", "PRIORITY", Shape::Text, true, |_, _| {
            Cell::Number(1)
        }),
        column!("status", "STATUS", Shape::Text, true, |task, _| {
            Cell::Number(task.status.into())
        }),
        column!(
            "realStatus",
            "REAL_STATUS",
            Shape::Text,
            false,
            |task, _| { Cell::Number(task.status.into()) }
        ),
        column!("multitask", "MULTITASK", Shape::Text, true, |_, _| {
            Cell::flag(false)
        }),
        column!("notViewed", "NOT_VIEWED", Shape::Text, true, |_, _| {
            Cell::flag(false)
        }),
        column!("replicate", "REPLICATE", Shape::Text, true, |_, _| {
            Cell::flag(false)
        }),
        column!("stageId", "STAGE_ID", Shape::Text, true, |_, _| {
            Cell::Number(0)
        }),
        column!("groupId", "GROUP_ID", Shape::Text, true, |_, _| {
            Cell::Number(0)
        }),
        column!("createdBy", "CREATED_BY", Shape::Text, true, |task, _| {
            Cell::Number(task.creator.into())
        }),
        column!(
            "createdDate",
            "CREATED_DATE",
            Shape::Text,
            true,
            |task, _| { Cell::Time(task.created) }
        ),
        column!(
            "responsibleId",
            "RESPONSIBLE_ID",
            Shape::Text,
            true,
            |task, _| { Cell::Number(task.responsible.into()) }
        ),
        column!("changedBy", "CHANGED_BY", Shape::Text, true, |task, _| {
            Cell::Number(task.responsible.into())
        }),
        column!(
            "changedDate",
            "CHANGED_DATE",
            Shape::Text,
            true,
            |task, _| { Cell::Time(task.changed) }
        ),
        column!("closedBy", "CLOSED_BY", Shape::Text, true, |task, _| {
            Cell::link(if task.status == 5 {
                task.responsible
            } else {
                0
            })
        }),
        column!("closedDate", "CLOSED_DATE", Shape::Text, true, |task, _| {
            Cell::instant(task.closed)
        }),
        column!("dateStart", "DATE_START", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("deadline", "DEADLINE", Shape::Text, true, |task, _| {
            Cell::instant(task.deadline)
        }),
        column!(
            "descriptionInBbcode",
            "DESCRIPTION_IN_BBCODE",
            Shape::Text,
            true,
            |_, _| { Cell::flag(true) }
        ),
        column!(
            "lengthDeadline",
            "LENGTH_DEADLINE",
            Shape::Text,
            false,
            |_, _| Cell::Number(1)
        ),
        column!("ufCrmTask", "UF_CRM_TASK", Shape::Text, false, |task, _| {
            Cell::Json(if task.deal == 0 {
                "false".into()
            } else {
                format!("[\"D_{}\"]", task.deal).into()
            })
        }),
        column!(
            "auditors",
            "AUDITORS",
            Shape::Text,
            true,
            |_, _| Cell::Json("[]".into())
        ),
        column!("accomplices", "ACCOMPLICES", Shape::Text, true, |_, _| {
            Cell::Json("[]".into())
        }),
        column!("group", "GROUP", Shape::Text, true, |_, _| Cell::Json(
            "[]".into()
        )),
        column!("creator", "CREATOR", Shape::Text, true, |task, company| {
            Cell::Json(person(company, task.creator).into())
        }),
        column!(
            "responsible",
            "RESPONSIBLE",
            Shape::Text,
            true,
            |task, company| { Cell::Json(person(company, task.responsible).into()) }
        ),
        column!(
            "accomplicesData",
            "ACCOMPLICES_DATA",
            Shape::Text,
            true,
            |_, _| { Cell::Json("[]".into()) }
        ),
        column!(
            "auditorsData",
            "AUDITORS_DATA",
            Shape::Text,
            true,
            |_, _| { Cell::Json("[]".into()) }
        ),
        column!(
            "taskRequireResult",
            "TASK_REQUIRE_RESULT",
            Shape::Text,
            false,
            |_, _| { Cell::flag(false) }
        ),
        column!(
            "taskHasOpenResult",
            "TASK_HAS_OPEN_RESULT",
            Shape::Text,
            false,
            |_, _| { Cell::flag(false) }
        ),
        column!(
            "taskHasResult",
            "TASK_HAS_RESULT",
            Shape::Text,
            false,
            |_, _| { Cell::flag(false) }
        ),
        column!("timeElapsed", "TIME_ELAPSED", Shape::Text, false, |_, _| {
            Cell::None
        }),
        column!(
            "timerIsRunningForCurrentUser",
            "TIMER",
            Shape::Text,
            false,
            |_, _| { Cell::flag(false) }
        ),
        column!(
            "parsedDescription",
            "PARSED_DESCRIPTION",
            Shape::Text,
            false,
            |_, _| { Cell::Text("".into()) }
        ),
        column!(
            "counter",
            "COUNTERS",
            Shape::Text,
            false,
            |_, _| Cell::Json(COUNTER.into())
        ),
        column!("tags", "TAGS", Shape::Text, false, |_, _| Cell::Json(
            "[]".into()
        )),
        column!("subStatus", "SUB_STATUS", Shape::Text, true, |task, _| {
            Cell::Number(task.status.into())
        }),
    ],
};

/// crm.item.list and crm.item.get of smart invoices (entityTypeId 31).
pub(crate) static INVOICES: Table<Invoice> = Table {
    wrap: "items",
    order: ("id", false),
    id_always: true,
    strict: true,
    counted: true,
    columns: &[
        column!("id", "ID", Shape::Number, true, |row, _| Cell::Number(
            row.id.into()
        )),
        column!("xmlId", "XML_ID", Shape::Number, true, |_, _| Cell::None),
        column!("title", "TITLE", Shape::Text, true, |row, company| {
            Cell::Text(format!("{}{}", company.pool.text(row.title), row.id).into())
        }),
        column!("createdBy", "CREATED_BY", Shape::Number, true, |row, _| {
            Cell::Number(row.assigned.into())
        }),
        column!("updatedBy", "UPDATED_BY", Shape::Number, true, |row, _| {
            Cell::Number(row.assigned.into())
        }),
        column!("movedBy", "MOVED_BY", Shape::Number, true, |row, _| {
            Cell::Number(row.assigned.into())
        }),
        column!(
            "createdTime",
            "CREATED_TIME",
            Shape::Text,
            true,
            |row, _| { Cell::Time(row.created) }
        ),
        column!(
            "updatedTime",
            "UPDATED_TIME",
            Shape::Text,
            true,
            |row, _| { Cell::Time(row.modified) }
        ),
        column!("movedTime", "MOVED_TIME", Shape::Text, true, |row, _| {
            Cell::Time(row.moved)
        }),
        column!("categoryId", "CATEGORY_ID", Shape::Number, true, |_, _| {
            Cell::Number(INVOICE_PIPELINE.into())
        }),
        column!("opened", "OPENED", Shape::Text, true, |_, _| Cell::flag(
            true
        )),
        column!("stageId", "STAGE_ID", Shape::Text, true, |row, company| {
            Cell::word(company.pool.text(row.stage))
        }),
        column!(
            "previousStageId",
            "PREVIOUS_STAGE_ID",
            Shape::Text,
            true,
            |_, _| { Cell::Text("".into()) }
        ),
        column!("begindate", "BEGINDATE", Shape::Text, true, |row, _| {
            Cell::Time(row.begun)
        }),
        column!("closedate", "CLOSEDATE", Shape::Text, true, |row, _| {
            Cell::Time(row.due)
        }),
        column!("companyId", "COMPANY_ID", Shape::Number, true, |row, _| {
            Cell::Number(row.company.into())
        }),
        column!("contactId", "CONTACT_ID", Shape::Number, true, |row, _| {
            Cell::Number(row.contact.into())
        }),
        column!(
            "opportunity",
            "OPPORTUNITY",
            Shape::Number,
            true,
            |row, _| { Cell::Money(row.opportunity) }
        ),
        column!(
            "isManualOpportunity",
            "IS_MANUAL_OPPORTUNITY",
            Shape::Text,
            true,
            |_, _| { Cell::flag(false) }
        ),
        column!("taxValue", "TAX_VALUE", Shape::Number, true, |_, _| {
            Cell::Number(0)
        }),
        column!(
            "currencyId",
            "CURRENCY_ID",
            Shape::Text,
            true,
            |row, company| { Cell::word(company.pool.text(row.currency)) }
        ),
        column!(
            "mycompanyId",
            "MYCOMPANY_ID",
            Shape::Number,
            true,
            |_, _| Cell::Number(0)
        ),
        column!("sourceId", "SOURCE_ID", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!(
            "sourceDescription",
            "SOURCE_DESCRIPTION",
            Shape::Text,
            true,
            |_, _| { Cell::None }
        ),
        column!("webformId", "WEBFORM_ID", Shape::Number, true, |_, _| {
            Cell::Number(0)
        }),
        column!(
            "assignedById",
            "ASSIGNED_BY_ID",
            Shape::Number,
            true,
            |row, _| { Cell::Number(row.assigned.into()) }
        ),
        column!("comments", "COMMENTS", Shape::Text, true, |_, _| Cell::None),
        column!(
            "accountNumber",
            "ACCOUNT_NUMBER",
            Shape::Text,
            true,
            |row, _| { Cell::Text(row.id.to_string().into()) }
        ),
        column!("locationId", "LOCATION_ID", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!(
            "lastActivityBy",
            "LAST_ACTIVITY_BY",
            Shape::Number,
            true,
            |row, _| { Cell::Number(row.assigned.into()) }
        ),
        column!(
            "lastActivityTime",
            "LAST_ACTIVITY_TIME",
            Shape::Text,
            true,
            |row, _| { Cell::Time(row.modified) }
        ),
        column!("parentId2", "PARENT_ID_2", Shape::Number, true, |row, _| {
            Cell::link(row.deal)
        }),
        column!("utmSource", "UTM_SOURCE", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("utmMedium", "UTM_MEDIUM", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("utmCampaign", "UTM_CAMPAIGN", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("utmContent", "UTM_CONTENT", Shape::Text, true, |_, _| {
            Cell::None
        }),
        column!("utmTerm", "UTM_TERM", Shape::Text, true, |_, _| Cell::None),
        column!("observers", "OBSERVERS", Shape::Text, true, |_, _| {
            Cell::Json("[]".into())
        }),
        column!("contactIds", "CONTACT_IDS", Shape::Text, true, |row, _| {
            Cell::Json(if row.contact == 0 {
                "[]".into()
            } else {
                format!("[{}]", row.contact).into()
            })
        }),
        column!(
            "entityTypeId",
            "ENTITY_TYPE_ID",
            Shape::Number,
            true,
            |_, _| Cell::Number(31)
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::{Locale, Size, Spec};
    use crate::portal::params::Params;
    use serde_json::{Value, json};

    fn company() -> Company {
        Company::generate(&Spec {
            seed: 5,
            size: Size::Small,
            leads: Some(2_000),
            deals: Some(300),
            today: "2026-11-22".parse().unwrap(),
            locale: Locale::Ru,
        })
    }

    /// The ids of a page of calls with total and next.
    fn ask(company: &Company, given: Value) -> (Vec<i64>, Option<usize>, Option<usize>) {
        let params = Params::new(&given);
        let Ok(answer) = CALLS.list(company, company.calls(), &|_| true, &params) else {
            panic!("refused")
        };
        let rows: Vec<Value> = serde_json::from_slice(&answer.result).unwrap();
        let ids = rows
            .iter()
            .map(|row| row["ID"].as_str().unwrap().parse().unwrap());
        (ids.collect(), answer.total, answer.next)
    }

    #[test]
    fn filters_orders_and_pages_agree_with_a_plain_count() {
        let company = company();
        let calls = company.calls();
        let all = calls.len();
        let user = calls[10].user;
        let long: Vec<i64> = calls
            .iter()
            .filter(|call| call.seconds > 120 && call.user == user)
            .map(|call| i64::from(call.id))
            .collect();
        let given = json!({"FILTER": {">CALL_DURATION": 120, "PORTAL_USER_ID": user}});
        let (ids, total, _) = ask(&company, given);
        assert_eq!(
            (ids.as_slice(), total),
            (&long[..long.len().min(50)], Some(long.len()))
        );
        let (ids, total, next) = ask(&company, json!({"SORT": "ID", "ORDER": "DESC"}));
        assert_eq!((ids[0], total, next), (all as i64, Some(all), Some(50)));
        let (ids, total, next) = ask(
            &company,
            json!({"FILTER": {">ID": 100}, "SORT": "ID", "ORDER": "ASC", "start": -1}),
        );
        assert_eq!((ids[0], ids.len(), total, next), (101, 50, Some(0), None));
        let (ids, ..) = ask(&company, json!({"FILTER": {"><ID": [7, 9]}}));
        assert_eq!(ids, [7, 8, 9]);
        let (ids, ..) = ask(&company, json!({"FILTER": {"CALL_FAILED_CODE": "603-S"}}));
        assert!(!ids.is_empty());
        let (ids, total, _) = ask(&company, json!({"FILTER": {"COLOUR": "red"}}));
        assert_eq!(
            (ids.len(), total),
            (50, Some(all)),
            "unknown keys are ignored"
        );
    }

    #[test]
    fn invoices_refuse_what_they_do_not_know() {
        let company = company();
        let given = json!({"filter": {"colour": "red"}});
        let outcome = INVOICES.list(
            &company,
            company.invoices(),
            &|_| true,
            &Params::new(&given),
        );
        let Err(refusal) = outcome else {
            panic!("accepted")
        };
        assert_eq!(refusal.code, "INVALID_ARG_VALUE");
        let given = json!({"filter": {">=opportunity": "100.50"}, "select": ["parentId2"]});
        let answer = INVOICES.list(
            &company,
            company.invoices(),
            &|_| true,
            &Params::new(&given),
        );
        let Ok(answer) = answer else {
            panic!("refused")
        };
        let result: Value = serde_json::from_slice(&answer.result).unwrap();
        let first = result["items"][0].as_object().unwrap();
        assert_eq!(first.keys().collect::<Vec<_>>(), ["id", "parentId2"]);
    }
}
