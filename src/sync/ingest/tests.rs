//! What becomes of rows, and of what is no row.

use chrono::{TimeZone, Utc};

use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ingest() -> Ingest {
    let status = |entity: &str, code: &str, semantics| Status {
        entity: entity.to_owned(),
        code: code.to_owned(),
        name: code.to_owned(),
        semantics: Some(semantics),
        sort: 10,
    };
    Ingest::new(
        &Directory {
            statuses: vec![
                status("STATUS", "JUNK", Semantics::Failure),
                status("STATUS", "SAME", Semantics::InWork),
                status("DEAL_STAGE_2", "C2:WON", Semantics::Success),
                status("DEAL_STAGE", "SAME", Semantics::Failure),
            ],
            currencies: vec![Currency {
                code: "RUB".to_owned(),
                amount: Money::parse("1").expect("money"),
                count: 1,
                base: true,
            }],
            ..Directory::default()
        },
        PhoneKey::of([7; 32]),
    )
}

fn lead() -> wire::Lead {
    wire::Lead {
        id: some("5"),
        date_create: some("2021-05-31T15:10:16+02:00"),
        date_modify: some("2021-11-26T18:56:13+02:00"),
        date_closed: some("2021-07-16T16:43:44+02:00"),
        status_id: some("CONVERTED"),
        status_semantic_id: some("S"),
        source_id: some("14|WZ_WHATSAPP_1"),
        opportunity: some("15000.50"),
        currency_id: some("USD"),
        assigned_by_id: some("1"),
    }
}

#[test]
fn a_lead_is_read_exactly() {
    assert_eq!(
        ingest().lead(&lead()).expect("a lead"),
        Lead {
            id: 5,
            created: Utc
                .with_ymd_and_hms(2021, 5, 31, 13, 10, 16)
                .single()
                .expect("a time"),
            modified: Utc
                .with_ymd_and_hms(2021, 11, 26, 16, 56, 13)
                .single()
                .expect("a time"),
            closed: Utc.with_ymd_and_hms(2021, 7, 16, 14, 43, 44).single(),
            status: "CONVERTED".to_owned(),
            semantics: Semantics::Success,
            source: some("14|WZ_WHATSAPP_1"),
            amount: Some(Money::parse("15000.5").expect("money")),
            currency: "USD".to_owned(),
            responsible: 1,
        }
    );
}

#[test]
fn null_empty_and_zero_are_none() {
    for none in [None, some(""), some("0"), some(" ")] {
        let row = wire::Lead {
            source_id: none.clone(),
            currency_id: none.clone(),
            assigned_by_id: none.clone(),
            date_closed: none.clone(),
            date_modify: none,
            ..lead()
        };
        let lead = ingest().lead(&row).expect("a lead");
        assert_eq!(
            (lead.source, lead.closed, lead.responsible),
            (None, None, 0)
        );
        assert_eq!(
            (lead.currency.as_str(), lead.modified),
            ("RUB", lead.created)
        );
    }
    for zero in [None, some(""), some("0"), some("0.00"), some("-0.0000")] {
        let row = wire::Lead {
            opportunity: zero,
            ..lead()
        };
        assert_eq!(ingest().lead(&row).expect("a lead").amount, None);
    }
}

#[test]
fn a_lead_in_work_is_not_closed() {
    let row = wire::Lead {
        status_semantic_id: some("P"),
        ..lead()
    };
    assert_eq!(ingest().lead(&row).expect("a lead").closed, None);
}

#[test]
fn semantics_not_told_come_from_the_own_directory() {
    for (told, code, lead_means, deal_means) in [
        (
            some("P"),
            "JUNK",
            Some(Semantics::InWork),
            Some(Semantics::InWork),
        ),
        (None, "JUNK", Some(Semantics::Failure), None),
        (some("X"), "C2:WON", None, Some(Semantics::Success)),
        (
            some(""),
            "SAME",
            Some(Semantics::InWork),
            Some(Semantics::Failure),
        ),
    ] {
        let row = wire::Lead {
            status_semantic_id: told.clone(),
            status_id: some(code),
            ..lead()
        };
        assert_eq!(
            ingest().lead(&row).ok().map(|l| l.semantics),
            lead_means,
            "{code}"
        );
        let row = wire::Deal {
            stage_semantic_id: told,
            stage_id: some(code),
            ..deal()
        };
        assert_eq!(
            ingest().deal(&row).ok().map(|d| d.semantics),
            deal_means,
            "{code}"
        );
    }
}

fn deal() -> wire::Deal {
    wire::Deal {
        id: some("37"),
        lead_id: some("5"),
        category_id: some("2"),
        stage_id: some("C2:NEW"),
        stage_semantic_id: some("P"),
        opportunity: some("19999.99"),
        date_create: some("2024-09-02T18:37:18+02:00"),
        closedate: some("2024-09-09T00:00:00+02:00"),
        ..wire::Deal::default()
    }
}

#[test]
fn a_deal_keeps_its_expected_date_and_its_lead() {
    let read = ingest().deal(&deal()).expect("a deal");
    assert_eq!((read.id, read.lead, read.category), (37, Some(5), 2));
    assert_eq!(
        read.closed,
        Utc.with_ymd_and_hms(2024, 9, 8, 22, 0, 0).single()
    );
    assert_eq!(read.amount, Some(Money::parse("19999.99").expect("money")));
    let row = wire::Deal {
        lead_id: some("0"),
        category_id: some("0"),
        ..deal()
    };
    let read = ingest().deal(&row).expect("a deal");
    assert_eq!((read.lead, read.category), (None, 0));
}

#[test]
fn what_cannot_be_read_is_set_aside_with_its_reason() {
    for (row, reason) in [
        (wire::Lead { id: None, ..lead() }, "ID"),
        (
            wire::Lead {
                date_create: None,
                ..lead()
            },
            "DATE_CREATE is missing",
        ),
        (
            wire::Lead {
                date_create: some("31.05.2021"),
                ..lead()
            },
            "DATE_CREATE is not a time",
        ),
        (
            wire::Lead {
                date_modify: some("2021-05-31 15:10:16"),
                ..lead()
            },
            "DATE_MODIFY is not a time with an offset: “2021-05-31 15:10:16”",
        ),
        (
            wire::Lead {
                status_id: some(""),
                ..lead()
            },
            "STATUS_ID is missing",
        ),
        (
            wire::Lead {
                opportunity: some("many"),
                ..lead()
            },
            "OPPORTUNITY “many”",
        ),
        (
            wire::Lead {
                status_semantic_id: None,
                status_id: some("GONE"),
                ..lead()
            },
            "the stage “GONE”",
        ),
    ] {
        let reject = ingest().lead(&row).expect_err(reason);
        assert_eq!(reject.entity, "lead");
        assert!(reject.reason.contains(reason), "{reject:?}");
    }
}

#[test]
fn statuses_are_those_that_reports_need() {
    let row =
        |entity: &str, code: &str, semantics: Option<&str>, extra: Option<&str>| wire::Status {
            entity_id: some(entity),
            status_id: some(code),
            name: some("name"),
            sort: some("20"),
            semantics: semantics.map(str::to_owned),
            extra: wire::StatusExtra {
                semantics: extra.map(str::to_owned),
            },
        };
    let rows = wire::Directory {
        statuses: Some(vec![
            row("STATUS", "NEW", None, Some("process")),
            row("STATUS", "OLD", None, None),
            row("DEAL_STAGE", "WON", Some("S"), Some("success")),
            row("DEAL_STAGE_3", "C3:LOSE", Some("F"), None),
            row("DEAL_STAGE_3", "C3:APOLOGY", Some("F"), Some("apology")),
            row("SOURCE", "CALL", None, None),
            row("HONORIFIC", "MR", None, None),
            row("DEAL_TYPE", "SALE", None, None),
        ]),
        ..wire::Directory::default()
    };
    let (read, rejects) = directory(rows, Directory::default());
    assert_eq!(rejects, []);
    let found: Vec<_> = read
        .statuses
        .iter()
        .map(|s| (s.code.as_str(), s.semantics))
        .collect();
    assert_eq!(
        found,
        [
            ("NEW", Some(Semantics::InWork)),
            ("OLD", Some(Semantics::InWork)),
            ("WON", Some(Semantics::Success)),
            ("C3:LOSE", Some(Semantics::Failure)),
            ("C3:APOLOGY", Some(Semantics::Failure)),
            ("CALL", None),
        ]
    );
}

#[test]
fn directories_that_were_refused_stay_as_they_were() {
    let before = Directory {
        users: vec![User {
            id: 1,
            name: "A".into(),
            active: true,
            departments: vec![],
        }],
        ..Directory::default()
    };
    let (read, _) = directory(wire::Directory::default(), before.clone());
    assert_eq!(read, before);
    let rows = wire::Directory {
        users: Some(vec![]),
        ..wire::Directory::default()
    };
    assert_eq!(directory(rows, before).0.users, []);
}

fn user_row(id: &str, active: Option<&str>, name: &str, last_name: &str) -> wire::User {
    wire::User {
        id: some(id),
        active: active.map(str::to_owned),
        name: some(name),
        last_name: some(last_name),
        uf_department: vec!["3".to_owned(), "x".to_owned()],
    }
}

#[test]
fn users_and_departments_are_read() {
    let users = vec![
        user_row("17", Some("false"), "Анна ", "Ким"),
        user_row("18", None, "", " "),
        wire::User::default(),
    ];
    let department = wire::Department {
        id: some("3"),
        name: some("Sales"),
        parent: some("1"),
        uf_head: some("0"),
    };
    let rows = wire::Directory {
        users: Some(users),
        departments: Some(vec![department]),
        categories: Some(vec![wire::Category {
            id: some("0"),
            name: some("General"),
        }]),
        ..wire::Directory::default()
    };
    let (read, rejects) = directory(rows, Directory::default());
    let users: Vec<_> = read
        .users
        .iter()
        .map(|u| (u.name.as_str(), u.active))
        .collect();
    assert_eq!(users, [("Анна Ким", false), ("#18", true)]);
    assert_eq!(read.users[0].departments, [3]);
    assert_eq!(
        (read.departments[0].parent, read.departments[0].head),
        (Some(1), None)
    );
    assert_eq!(
        read.categories,
        [Category {
            id: 0,
            name: "General".into()
        }]
    );
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].entity, "user");
}

#[test]
fn a_currency_counts_once_and_never_by_zero() {
    let rows = [
        ("USD", "68.7900", "1", "N"),
        ("USD", "1.0000", "1", "Y"),
        ("KZT", "19.5", "100", "N"),
        ("BAD", "1", "0", "N"),
    ];
    let rows = rows.map(|(code, amount, count, base)| wire::Currency {
        currency: some(code),
        amount: some(amount),
        amount_cnt: some(count),
        base: some(base),
    });
    let rows = wire::Directory {
        currencies: Some(rows.into()),
        ..Default::default()
    };
    let (read, rejects) = directory(rows, Directory::default());
    let found: Vec<_> = read
        .currencies
        .iter()
        .map(|c| (c.code.as_str(), c.base, c.count))
        .collect();
    assert_eq!(found, [("USD", true, 1), ("KZT", false, 100)]);
    let refused: Vec<_> = rejects.iter().map(|r| (r.entity, r.id.as_str())).collect();
    assert_eq!(refused, [("currency", "BAD")]);
}
