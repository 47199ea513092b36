//! Rows of the documentation and their odd forms.

use serde_json::json;

use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_lead_row_of_the_documentation_is_read() {
    let row = json!({
        "ID": "5", "TITLE": "Lead 1", "COMPANY_ID": "0", "SOURCE_ID": "CALL",
        "STATUS_ID": "CONVERTED", "CURRENCY_ID": "USD", "OPPORTUNITY": "15000.00",
        "ASSIGNED_BY_ID": "1", "DATE_CREATE": "2021-05-31T15:10:16+02:00",
        "DATE_MODIFY": "2021-11-26T18:56:13+02:00", "DATE_CLOSED": "",
        "STATUS_SEMANTIC_ID": "S", "UTM_SOURCE": null, "UF_CRM_1708952993785": false
    });
    let Ok(Record::Lead(lead)) = record(Entity::Lead, row) else {
        panic!("not read")
    };
    assert_eq!(
        lead,
        Lead {
            id: some("5"),
            date_create: some("2021-05-31T15:10:16+02:00"),
            date_modify: some("2021-11-26T18:56:13+02:00"),
            date_closed: None,
            status_id: some("CONVERTED"),
            status_semantic_id: some("S"),
            source_id: some("CALL"),
            opportunity: some("15000.00"),
            currency_id: some("USD"),
            assigned_by_id: some("1"),
        }
    );
}

#[test]
fn numbers_nulls_and_missing_fields_are_taken() {
    let row = json!({
        "ID": 37, "CATEGORY_ID": 1, "STAGE_ID": "C1:NEW", "OPPORTUNITY": 19999.99,
        "LEAD_ID": null, "DATE_MODIFY": "2024-09-02T18:37:18+0200", "CLOSEDATE": {}
    });
    let record = record(Entity::Deal, row).expect("read");
    assert_eq!(record.id(), Some(37));
    assert_eq!(
        record.modified().map(|t| t.to_rfc3339()),
        some("2024-09-02T18:37:18+02:00")
    );
    let Record::Deal(deal) = record else {
        panic!("a deal")
    };
    assert_eq!(
        (deal.opportunity, deal.category_id),
        (some("19999.99"), some("1"))
    );
    assert_eq!(
        (deal.lead_id, deal.closedate, deal.currency_id),
        (None, None, None)
    );
}

#[test]
fn what_is_no_row_is_set_aside_with_its_reason() {
    for (row, id) in [
        (json!(7), ""),
        (json!([]), ""),
        (json!({"TITLE": "x"}), ""),
        (json!({"ID": "0"}), "0"),
        (json!({"ID": "5a"}), "5a"),
    ] {
        let unreadable = record(Entity::Lead, row.clone()).expect_err("not a row");
        assert_eq!(
            (unreadable.entity, unreadable.id.as_str()),
            ("lead", id),
            "{row}"
        );
        assert!(!unreadable.reason.is_empty());
    }
}

#[test]
fn lists_come_in_several_forms() {
    let row = json!({"id": 0, "name": "General"});
    for (answer, within, count) in [
        (json!([row]), "", 1),
        (json!([]), "", 0),
        (json!({}), "", 0),
        (json!(null), "", 0),
        (json!({"categories": [row, row]}), "categories", 2),
        (json!({"categories": []}), "categories", 0),
        (json!([]), "categories", 0),
        (json!({"0": row, "2": row}), "", 2),
    ] {
        let rows = rows(answer.clone(), within, "listing").expect("a list");
        assert_eq!(rows.len(), count, "{answer}");
    }
    for answer in [json!("<html>"), json!(false), json!({"a": 1}), json!(3)] {
        let error = rows(answer.clone(), "", "listing").expect_err("no list");
        assert_eq!(error.kind, Kind::Unreadable, "{answer}");
    }
}

#[test]
fn directories_are_read() {
    let users: Vec<User> = read_all(vec![json!({
        "ID": "1", "ACTIVE": true, "NAME": "Vadim", "LAST_NAME": "Valeev",
        "TIMESTAMP_X": {}, "UF_DEPARTMENT": [1, "2"]
    })]);
    assert_eq!(users[0].uf_department, ["1", "2"]);
    assert_eq!(users[0].active.as_deref(), Some("true"));
    let users: Vec<User> = read_all(vec![json!({"ID": 2, "UF_DEPARTMENT": false}), json!(1)]);
    assert_eq!(users.len(), 1);
    let statuses: Vec<Status> = read_all(vec![
        json!({"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "APOLOGY", "NAME": "x", "SORT": "80",
               "SEMANTICS": "F", "EXTRA": {"SEMANTICS": "apology", "COLOR": "#FF5752"}}),
        json!({"ENTITY_ID": "SOURCE", "STATUS_ID": "CALL", "NAME": "Call", "EXTRA": []}),
        json!({"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB", "NAME": "Web"}),
    ]);
    assert_eq!(statuses.len(), 3);
    assert_eq!(statuses[0].extra.semantics.as_deref(), Some("apology"));
}

#[test]
fn nothing_but_these_fields_is_asked_for() {
    // No names of clients, no titles, no phones, no mails, no comments. Calls have no choice of fields;
    // of their rows only what `Call` names is read, and of the number a mark is kept.
    let expected = "ASSIGNED_BY_ID CATEGORY_ID CHANGED_DATE CLOSEDATE CLOSED_DATE COMPLETED CREATED \
                    CREATED_DATE CURRENCY_ID DATE_CLOSED DATE_CREATE DATE_MODIFY DEADLINE DIRECTION \
                    ID LAST_UPDATED LEAD_ID OPPORTUNITY OWNER_ID OWNER_TYPE_ID PROVIDER_ID \
                    RESPONSIBLE_ID SOURCE_ID STAGE_ID STAGE_SEMANTIC_ID START_TIME STATUS STATUS_ID \
                    STATUS_SEMANTIC_ID TYPE_ID assignedById categoryId closedate createdTime \
                    currencyId dateClosed id leadId movedTime opportunity parentId2 sourceId \
                    stageId stageSemanticId statusId statusSemanticId updatedTime";
    let mut asked = std::collections::BTreeSet::new();
    for entity in Entity::ALL {
        for face in [Face::Classic, Face::Item] {
            let listing = entity.listing(face);
            for command in [listing.page(), listing.ids("ASC"), listing.count()] {
                let text = command.text();
                let pairs = text
                    .split(['?', '&'])
                    .filter_map(|pair| pair.split_once('='));
                let selected = pairs.filter(|(key, _)| key.starts_with("select"));
                asked.extend(selected.map(|(_, field)| field.to_owned()));
            }
        }
    }
    let asked: Vec<String> = asked.into_iter().collect();
    assert_eq!(asked.join(" "), expected);
}
