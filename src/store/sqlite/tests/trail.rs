//! Who was responsible when, what happened to cards, and forgetting a company.

use super::*;
use crate::domain::crm::{
    Activity, ActivityKind, Call, Direction, Invoice, MoveKind, Mover, PhoneMark, ProductRow,
    StageMove, Task,
};
use crate::domain::plan::Cells;
use crate::store::Trail;

#[test]
fn who_was_responsible_stays_as_it_was_seen() {
    let store = memory();
    let with = |closed: Option<i64>, semantics, responsible| Lead {
        closed: closed.map(at),
        semantics,
        responsible,
        ..lead(1)
    };
    let seen = || {
        let row = lead_rows(&store, A)[0];
        (row.opener, row.user)
    };
    use Semantics::{Failure, InWork, Success};
    for (given, expected, why) in [
        (with(None, InWork, 5), (5, 5), "first seen"),
        (with(None, InWork, 6), (5, 6), "handed on while open"),
        (with(Some(900), Success, 7), (5, 7), "closed by the third"),
        (with(Some(900), Success, 8), (5, 7), "handed on when closed"),
        (with(Some(950), Success, 8), (5, 8), "closed anew"),
        (with(Some(950), Failure, 9), (5, 9), "ended in another way"),
        (with(None, InWork, 4), (5, 4), "opened again"),
    ] {
        store.save_pull(A, &leads(vec![given])).expect("stores");
        assert_eq!(seen(), expected, "{why}");
    }
}

#[test]
fn saving_says_how_many_cards_differ_and_gone_ones_leave() {
    let store = memory();
    let changed = |batch: &PullBatch| store.save_pull(A, batch).expect("stores").changed;
    assert_eq!(changed(&leads(vec![lead(1), lead(2), lead(900)])), 3);
    assert_eq!(changed(&leads(vec![lead(1), lead(2)])), 0);
    let other = Lead {
        status: "OTHER".into(),
        ..lead(2)
    };
    assert_eq!(changed(&leads(vec![lead(1), other])), 1);
    assert_eq!(
        store.card_ids(A, Card::Lead, 2, 900).expect("ids"),
        [2, 900]
    );
    assert_eq!(store.card_ids(A, Card::Lead, 3, 899).expect("ids"), [0; 0]);
    assert_eq!(
        store.card_ids(A, Card::Deal, 1, u64::MAX).expect("ids"),
        [0; 0]
    );
    let gone = PullBatch {
        gone: vec![
            (Card::Lead, 2),
            (Card::Lead, 3),
            (Card::Deal, 1),
            (Card::Lead, u64::MAX),
        ],
        ..PullBatch::default()
    };
    assert_eq!((changed(&gone), changed(&gone)), (1, 0));
    assert_eq!(lead_ids(&store, A), [1, 900]);
}

/// A batch with something of everything.
fn everything() -> PullBatch {
    PullBatch {
        leads: vec![lead(1)],
        deals: vec![deal(1)],
        trail: Trail {
            calls: vec![Call {
                id: 3,
                at: at(100),
                user: 7,
                direction: Direction::Out,
                took_place: true,
                seconds: 95,
                phone: Some(PhoneMark([9; 16])),
            }],
            activities: vec![Activity {
                id: 4,
                kind: ActivityKind::Meeting,
                direction: Direction::Other,
                completed: true,
                user: 7,
                owner_kind: 2,
                owner: 1,
                created: at(90),
                starts: Some(at(100)),
                deadline: None,
            }],
            invoices: vec![Invoice {
                id: 5,
                deal: Some(1),
                stage: "DT31_1:P".into(),
                semantics: Semantics::Success,
                amount: Some(Money::parse("10").expect("money")),
                currency: "RUB".into(),
                responsible: 7,
                created: at(90),
                paid: Some(at(120)),
            }],
            tasks: vec![Task {
                id: 6,
                state: 5,
                responsible: 7,
                created: at(90),
                deadline: None,
                closed: Some(at(120)),
            }],
            moves: vec![StageMove {
                id: 7,
                mover: Mover::Lead,
                owner: 1,
                kind: MoveKind::Ended,
                at: at(110),
                stage: "CONVERTED".into(),
                semantics: Semantics::Success,
                category: None,
            }],
            product_deals: vec![1],
            product_rows: vec![ProductRow {
                id: 8,
                deal: 1,
                product: None,
                price: Money::parse("10").expect("money"),
                list_price: None,
                quantity: Money::parse("1.5").expect("money"),
            }],
        },
        directory: Some(directory()),
        directory_at: Some(at(50)),
        cursors: vec![("crm:x".into(), "1".into())],
        rejects: vec![("lead".into(), "77".into(), "why".into())],
        gone: vec![],
    }
}

#[test]
fn what_happened_comes_back_exactly_and_is_replaced_by_id() {
    let store = memory();
    let batch = everything();
    for _ in 0..2 {
        store.save_pull(A, &batch).expect("stores");
    }
    let (mut calls, mut activities, mut moves) = (vec![], vec![], vec![]);
    store
        .each_call(A, &mut |row| calls.push(row))
        .expect("calls");
    store
        .each_activity(A, &mut |row| activities.push(row))
        .expect("activities");
    store
        .each_move(A, &mut |row| moves.push(row))
        .expect("moves");
    assert_eq!(calls, batch.trail.calls);
    assert_eq!(activities, batch.trail.activities);
    assert_eq!(moves, batch.trail.moves);
    let counts = store.trail_counts(A).expect("counts");
    assert!(counts.iter().all(|(_, count)| *count == 1), "{counts:?}");
    // A deal whose rows were read and that has none has none.
    let emptied = PullBatch {
        trail: Trail {
            product_deals: vec![1],
            ..Trail::default()
        },
        ..PullBatch::default()
    };
    store.save_pull(A, &emptied).expect("stores");
    assert!(
        store
            .trail_counts(A)
            .expect("counts")
            .contains(&("product_rows", 0))
    );
}

#[test]
fn a_changed_rate_holds_from_then_on() {
    let store = memory();
    let mut directory = directory();
    let mut save = |dollar: &str, seconds| {
        let currency = |code: &str, rate: &str, base| Currency {
            code: code.to_owned(),
            amount: Money::parse(rate).expect("money"),
            count: 1,
            base,
        };
        directory.currencies = vec![currency("USD", dollar, false), currency("RUB", "1", true)];
        let batch = PullBatch {
            directory: Some(directory.clone()),
            directory_at: Some(at(seconds)),
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    for (dollar, seconds) in [("90", 100), ("90", 200), ("95.5", 300), ("95.5", 400)] {
        save(dollar, seconds);
    }
    let tables = store.rate_tables(A).expect("tables");
    let shown: Vec<(i64, String)> = tables
        .iter()
        .map(|table| {
            let dollar = table.currencies.iter().find(|one| one.code == "USD");
            (table.since, dollar.expect("a dollar").amount.to_string())
        })
        .collect();
    let since = at(300).timestamp();
    assert_eq!(shown, [(0, "90".to_owned()), (since, "95.5".to_owned())]);
    assert!(store.forget(A).expect("forgets"));
    assert!(store.rate_tables(A).expect("tables").is_empty());
}

#[test]
fn who_moves_to_another_department_is_there_from_then_on() {
    let store = memory();
    let mut directory = directory();
    let mut save = |departments: Vec<u64>, seconds| {
        directory.users[0].departments = departments;
        let batch = PullBatch {
            directory: Some(directory.clone()),
            directory_at: Some(at(seconds)),
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
        directory.users[0].id
    };
    save(vec![3], 100);
    save(vec![3, 4], 200);
    save(vec![4], 300);
    let user = save(vec![], 400);
    let all = store.memberships(A).expect("memberships");
    let own: Vec<_> = all
        .iter()
        .filter(|row| row.user == user)
        .map(|row| (row.since, row.department))
        .collect();
    let since = |seconds| at(seconds).timestamp();
    assert_eq!(
        own,
        [(0, Some(3)), (since(300), Some(4)), (since(400), None)]
    );
}

#[test]
fn a_forgotten_company_leaves_nothing_behind_and_others_alone() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).expect("creates");
    for company in [A, B] {
        store.save_pull(company, &everything()).expect("stores");
        store
            .set_note(company, "token", "unmistakable-secret")
            .expect("notes");
        store
            .save_plan_version(company, 2026, "v1", at(1), &Cells::default())
            .expect("keeps");
    }
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        store
            .connection()
            .query_row(&sql, [], |row| row.get(0))
            .expect("counts")
    };
    let tables: Vec<String> = store
        .connection()
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .expect("reads")
        .query_map([], |row| row.get(0))
        .expect("reads")
        .collect::<Result<_, _>>()
        .expect("reads");
    let before: Vec<i64> = tables.iter().map(|table| rows(table)).collect();
    assert!(store.forget(A).expect("forgets"));
    for (table, before) in tables.iter().zip(&before) {
        assert_eq!(rows(table) * 2, *before, "{table}");
    }
    assert_eq!(lead_ids(&store, B), [1]);
    assert!(!store.forget(A).expect("nothing to forget"));
    assert!(store.forget(B).expect("forgets"));
    drop(store);
    for name in ["planfact.db", "planfact.db-wal"] {
        let bytes = std::fs::read(path.with_file_name(name)).unwrap_or_default();
        let found = bytes.windows(19).any(|part| part == b"unmistakable-secret");
        assert!(!found, "{name} still holds what was forgotten");
    }
}

#[test]
fn every_table_is_emptied_by_forgetting() {
    let store = memory();
    let connection = store.connection();
    let mut tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'company'")
        .expect("reads")
        .query_map([], |row| row.get(0))
        .expect("reads")
        .collect::<Result<_, _>>()
        .expect("reads");
    // Blocks by their keys, versions' cells by their version.
    tables.retain(|name| !["lead", "deal", "plan_version_cell"].contains(&name.as_str()));
    tables.sort_unstable();
    let mut known = forget::TABLES.to_vec();
    known.sort_unstable();
    assert_eq!(tables, known);
}

#[test]
fn a_deal_that_is_gone_takes_its_product_rows_along() {
    let store = memory();
    store.save_pull(A, &everything()).expect("stores");
    let gone = PullBatch {
        gone: vec![(Card::Deal, 1)],
        ..PullBatch::default()
    };
    assert_eq!(store.save_pull(A, &gone).expect("stores").changed, 1);
    let counts = store.trail_counts(A).expect("counts");
    assert!(counts.contains(&("product_rows", 0)), "{counts:?}");
}
