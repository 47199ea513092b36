//! Who was responsible when, what happened to cards, and forgetting a company.

use super::*;
use crate::domain::crm::{
    Activity, ActivityKind, Call, Direction, Invoice, MoveKind, Mover, Payer, Payment, PhoneMark,
    ProductCost, ProductRow, StageMove, Task,
};
use crate::domain::plan::Cells;
use crate::store::{CostReading, PaymentReading, Trail, TrailKind};

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

fn payment(id: u64, deal: Option<u64>, invoice: Option<u64>) -> Payment {
    Payment {
        id,
        deal,
        invoice,
        paid: Some(at(120)),
        amount: Money::from_units(100_000),
        currency: "RUB".into(),
        responsible: 7,
    }
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
            gone: vec![],
        },
        payments: Some(PaymentReading {
            read: vec![(Payer::Invoice, 5)],
            refused: vec![],
            payments: vec![payment(9, None, Some(5))],
        }),
        costs: Some(CostReading {
            at: at(50),
            asked: vec![449],
            found: vec![ProductCost {
                product: 449,
                price: None,
                currency: "RUB".into(),
            }],
        }),
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

#[test]
fn rows_that_are_gone_leave_with_what_hangs_on_them() {
    let kinds = [
        TrailKind::Call,
        TrailKind::Activity,
        TrailKind::Invoice,
        TrailKind::Task,
        TrailKind::Move(Mover::Lead),
    ];
    let ids_of = |store: &Sqlite| kinds.map(|kind| store.trail_ids(A, kind).expect("ids"));
    let full: [Vec<u64>; 5] = [vec![3], vec![4], vec![5], vec![6], vec![7]];
    let gone = |card: &[(Card, u64)], trail: &[(TrailKind, u64)]| PullBatch {
        gone: card.to_vec(),
        trail: Trail {
            gone: trail.to_vec(),
            ..Trail::default()
        },
        ..PullBatch::default()
    };
    // What is taken out, and which of the kinds are empty then: the activity belongs to deal 1, the
    // move to lead 1.
    let cases: [(PullBatch, &[usize]); 8] = [
        (
            gone(&[], &[(TrailKind::Call, 3), (TrailKind::Call, 9)]),
            &[0],
        ),
        (gone(&[], &[(TrailKind::Activity, 4)]), &[1]),
        (gone(&[], &[(TrailKind::Invoice, 5)]), &[2]),
        (gone(&[], &[(TrailKind::Task, 6)]), &[3]),
        (gone(&[], &[(TrailKind::Move(Mover::Lead), 7)]), &[4]),
        (gone(&[], &[(TrailKind::Move(Mover::Deal), 7)]), &[]),
        (gone(&[(Card::Lead, 1)], &[]), &[4]),
        (gone(&[(Card::Deal, 1), (Card::Deal, 2)], &[]), &[1]),
    ];
    for (batch, emptied) in cases {
        let store = memory();
        store.save_pull(A, &everything()).expect("stores");
        store.save_pull(B, &everything()).expect("stores");
        assert_eq!(ids_of(&store), full);
        store.save_pull(A, &batch).expect("stores");
        let expected: Vec<Vec<u64>> = full
            .iter()
            .enumerate()
            .map(|(place, ids)| match emptied.contains(&place) {
                true => vec![],
                false => ids.clone(),
            })
            .collect();
        assert_eq!(ids_of(&store).to_vec(), expected, "{batch:?}");
        let others = kinds.map(|kind| store.trail_ids(B, kind).expect("ids"));
        assert_eq!(others, full, "{batch:?}");
    }
}

#[test]
fn rows_that_were_set_aside_count_as_known_until_they_are_gone() {
    let store = memory();
    let rejects = ["12", "x", "9"].map(|id| ("task".to_owned(), id.to_owned(), "why".to_owned()));
    let batch = PullBatch {
        rejects: rejects.to_vec(),
        ..everything()
    };
    store.save_pull(A, &batch).expect("stores");
    assert_eq!(
        store.trail_ids(A, TrailKind::Task).expect("ids"),
        [6, 9, 12]
    );
    let gone = PullBatch {
        trail: Trail {
            gone: vec![(TrailKind::Task, 12)],
            ..Trail::default()
        },
        ..PullBatch::default()
    };
    store.save_pull(A, &gone).expect("stores");
    assert_eq!(store.trail_ids(A, TrailKind::Task).expect("ids"), [6, 9]);
    assert_eq!(store.counts(A).expect("counts").2, 2);
}

#[test]
fn a_purchase_price_that_changes_holds_from_then_on() {
    let store = memory();
    let money = |text: &str| Money::parse(text).expect("money");
    let read = |store: &Sqlite, seconds, price: &str, currency: &str| {
        let batch = PullBatch {
            costs: Some(CostReading {
                at: at(seconds),
                asked: vec![449, 450],
                found: vec![ProductCost {
                    product: 449,
                    price: (!price.is_empty()).then(|| money(price)),
                    currency: currency.to_owned(),
                }],
            }),
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    // Blank at first; then a price for all times before, too; then others from when they were seen.
    for (seconds, price, currency) in [
        (100, "", "RUB"),
        (200, "", "USD"),
        (300, "70", "RUB"),
        (400, "70.00", "RUB"),
        (500, "80", "RUB"),
        (600, "80", "USD"),
        (700, "", "USD"),
        (800, "", "RUB"),
        (900, "0", "RUB"),
    ] {
        read(&store, seconds, price, currency);
    }
    let costs = store.costs(A).expect("costs");
    for (seconds, expected) in [
        (-1_000_000, Some(("70", "RUB"))),
        (499, Some(("70", "RUB"))),
        (500, Some(("80", "RUB"))),
        (650, Some(("80", "USD"))),
        (700, None),
        (899, None),
        (900, Some(("0", "RUB"))),
    ] {
        let told = costs.at(449, at(seconds).timestamp());
        let expected = expected.map(|(price, currency)| (money(price), currency));
        assert_eq!(told, expected, "{seconds}");
    }
    assert_eq!(costs.at(450, at(500).timestamp()), None);
    assert!(store.costs(B).expect("costs").is_empty());
}

#[test]
fn products_are_asked_for_when_they_are_new_and_then_in_turn() {
    let store = memory();
    let row = |id, product| ProductRow {
        id,
        deal: 1,
        product,
        price: Money::ZERO,
        list_price: None,
        quantity: Money::ZERO,
    };
    let rows = [Some(9), Some(7), None, Some(7), Some(8)];
    let batch = PullBatch {
        trail: Trail {
            product_deals: vec![1],
            product_rows: (1..)
                .zip(rows)
                .map(|(id, product)| row(id, product))
                .collect(),
            ..Trail::default()
        },
        ..PullBatch::default()
    };
    store.save_pull(A, &batch).expect("stores");
    let mut streamed = vec![];
    let each = &mut |row: ProductRow| streamed.push(row);
    store.each_product_row(A, each).expect("rows");
    assert_eq!(streamed, batch.trail.product_rows);
    let unknown = || store.unknown_products(A).expect("products");
    assert_eq!(unknown(), [7, 8, 9]);
    let ask = |seconds, asked: Vec<u64>| {
        let batch = PullBatch {
            costs: Some(CostReading {
                at: at(seconds),
                asked,
                found: vec![],
            }),
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    ask(100, vec![8, 9]);
    assert_eq!(unknown(), [7]);
    ask(50, vec![7]);
    assert_eq!(unknown(), [0; 0]);
    let stale = |limit| store.stale_products(A, limit).expect("products");
    assert_eq!((stale(2), stale(9)), (vec![7, 8], vec![7, 8, 9]));
    ask(200, vec![7]);
    assert_eq!(stale(1), [8]);
}

#[test]
fn a_store_of_each_former_version_opens_with_what_it_holds() {
    for version in 3..=open::MIGRATIONS.len() {
        let (_folder, path) = folder();
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        {
            let old = Connection::open(&path).expect("creates");
            for sql in open::MIGRATIONS.iter().take(version) {
                old.execute_batch(sql).expect("migrates");
            }
            old.pragma_update(None, "application_id", 0x504C_4E46)
                .expect("marks");
            old.pragma_update(None, "user_version", version)
                .expect("marks");
            old.execute_batch(
                "INSERT INTO company (id, name) VALUES (1, 'alpha');
                 INSERT INTO cursor VALUES (1, 'crm:x', 'y');
                 INSERT INTO invoice VALUES (1, 5, 1, 'DT31_1:P', 1, 100000, 'RUB', 7, 90, 120);
                 INSERT INTO product_row VALUES (1, 1, 8, 449, 100000, NULL, 15000);",
            )
            .expect("fills");
        }
        let store = Sqlite::open(&path).expect("opens");
        let cursor = store.cursor(A, "crm:x").expect("reads");
        assert_eq!(cursor.as_deref(), Some("y"), "version {version}");
        assert_eq!(store.trail_ids(A, TrailKind::Invoice).expect("ids"), [5]);
        assert_eq!(store.unknown_products(A).expect("products"), [449]);
        store.save_pull(A, &everything()).expect("stores");
    }
}

/// Payments as `id deal invoice user`, and the records that were read.
fn payments(store: &Sqlite) -> (Vec<String>, Vec<(Payer, u64)>) {
    let mut rows = vec![];
    let each = &mut |row: Payment| {
        let of = (row.deal.unwrap_or(0), row.invoice.unwrap_or(0));
        rows.push(format!("{} {} {} {}", row.id, of.0, of.1, row.responsible));
    };
    store.each_payment(A, each).expect("payments");
    let read = store.payments_read(A).expect("records");
    (rows, read.into_iter().collect())
}

#[test]
fn payments_are_one_whoever_tells_of_them_and_leave_with_their_records() {
    let store = memory();
    store.save_pull(A, &everything()).expect("stores");
    let mut invoices = vec![];
    let each = &mut |row: Invoice| invoices.push(row);
    store.each_invoice(A, each).expect("invoices");
    assert_eq!(invoices, everything().trail.invoices);
    let tell = |read: &[(Payer, u64)], payments: Vec<Payment>| {
        let batch = PullBatch {
            payments: Some(PaymentReading {
                read: read.to_vec(),
                refused: vec![(Payer::Deal, 77)],
                payments,
            }),
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    let (deal, invoice) = ((Payer::Deal, 1), (Payer::Invoice, 5));
    // The deal tells of its invoice's payment too, somebody else being responsible by now.
    let other = Payment {
        responsible: 8,
        ..payment(9, Some(1), None)
    };
    tell(&[deal], vec![other, payment(10, Some(1), None)]);
    let refused = (Payer::Deal, 77);
    let all = vec![deal, refused, invoice];
    assert_eq!(
        payments(&store),
        (vec!["9 1 5 7".into(), "10 1 0 7".into()], all.clone())
    );
    // One was taken back.
    tell(&[deal], vec![payment(9, Some(1), None)]);
    assert_eq!(payments(&store), (vec!["9 1 5 7".into()], all.clone()));
    // The same records once more change nothing; others are to be read again.
    store
        .save_pull(
            A,
            &PullBatch {
                payments: None,
                ..everything()
            },
        )
        .expect("stores");
    assert_eq!(payments(&store).1, all);
    let mut batch = PullBatch {
        payments: None,
        ..everything()
    };
    batch.deals[0].amount = Some(Money::from_units(5));
    store.save_pull(A, &batch).expect("stores");
    assert_eq!(payments(&store).1, [refused, invoice]);
    batch.trail.invoices[0].deal = None;
    store.save_pull(A, &batch).expect("stores");
    assert_eq!(payments(&store).1, [refused]);
    // With the deal goes what only the deal tells of.
    tell(
        &[deal],
        vec![payment(9, Some(1), None), payment(10, Some(1), None)],
    );
    let gone = |card: &[(Card, u64)], trail: &[(TrailKind, u64)]| {
        let batch = PullBatch {
            gone: card.to_vec(),
            trail: Trail {
                gone: trail.to_vec(),
                ..Trail::default()
            },
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    gone(&[(Card::Deal, 1)], &[]);
    assert_eq!(payments(&store).0, ["9 0 5 7"]);
    gone(&[], &[(TrailKind::Invoice, 5)]);
    assert_eq!(payments(&store), (vec![], vec![refused]));
}
