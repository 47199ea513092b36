//! Every call of [`Store`], on files that are opened, dropped, shared, killed and spoilt.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta};
use rust_decimal::Decimal;

use super::*;
use crate::domain::crm::{
    Card, Category, Currency, CustomField, Deal, Department, Lead, Semantics, Status, User,
};
use crate::domain::money::Money;
use crate::domain::plan::{CellKey, Owner};
use crate::store::{ENTITY_DEAL, ENTITY_LEAD};

mod history;
mod trail;

const A: &str = "alpha";
const B: &str = "beta";

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_767_225_600 + seconds, 0).expect("in range")
}

fn lead(id: u64) -> Lead {
    Lead {
        id,
        created: at(0),
        modified: at(10),
        closed: None,
        status: "NEW".to_owned(),
        semantics: Semantics::InWork,
        source: None,
        amount: None,
        currency: "RUB".to_owned(),
        responsible: 7,
    }
}

fn deal(id: u64) -> Deal {
    Deal {
        id,
        lead: None,
        category: 0,
        stage: "NEW".to_owned(),
        semantics: Semantics::InWork,
        amount: None,
        currency: "RUB".to_owned(),
        responsible: 7,
        source: None,
        created: at(0),
        modified: at(10),
        closed: None,
    }
}

fn leads(leads: Vec<Lead>) -> PullBatch {
    PullBatch {
        leads,
        ..PullBatch::default()
    }
}

fn memory() -> Sqlite {
    Sqlite::in_memory().expect("opens")
}

fn lead_rows(store: &Sqlite, company: &str) -> Vec<LeadRow> {
    let mut rows = Vec::new();
    store
        .each_lead(company, &mut |row| rows.push(row))
        .expect("streams");
    rows
}

fn lead_ids(store: &Sqlite, company: &str) -> Vec<u64> {
    lead_rows(store, company).iter().map(|row| row.id).collect()
}

fn deal_rows(store: &Sqlite, company: &str) -> Vec<DealRow> {
    let mut rows = Vec::new();
    store
        .each_deal(company, &mut |row| rows.push(row))
        .expect("streams");
    rows
}

/// An error with its causes, as a person sees it.
fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn leads_come_back_in_order_with_their_codes() {
    let store = memory();
    let full = Lead {
        closed: Some(at(500)),
        status: "JUNK".to_owned(),
        semantics: Semantics::Failure,
        source: Some("WEB".to_owned()),
        amount: Some(Money::from_units(-123_456_789)),
        currency: "USD".to_owned(),
        responsible: 4_000_000_000,
        ..lead(2)
    };
    store
        .save_pull(A, &leads(vec![lead(30), full.clone(), lead(1)]))
        .expect("stores");
    assert_eq!(lead_ids(&store, A), [1, 2, 30]);
    let symbols = store.symbols(A).expect("reads");
    let text = |number: u32| symbols[number as usize].as_str();
    let row = lead_rows(&store, A)[1];
    assert_eq!(
        (row.created, row.closed),
        (at(0).timestamp(), Some(at(500).timestamp()))
    );
    assert_eq!(
        (row.semantics, text(row.status)),
        (Semantics::Failure, "JUNK")
    );
    assert_eq!(
        (row.source.map(text), text(row.currency)),
        (Some("WEB"), "USD")
    );
    assert_eq!((row.amount, row.user), (full.amount, full.responsible));
    let bare = lead_rows(&store, A)[0];
    assert_eq!((bare.closed, bare.source, bare.amount), (None, None, None));
    assert_eq!(
        (bare.semantics, text(bare.status)),
        (Semantics::InWork, "NEW")
    );
}

#[test]
fn deals_come_back_in_order_with_their_codes() {
    let store = memory();
    let full = Deal {
        lead: Some(17),
        category: 3,
        stage: "C3:WON".to_owned(),
        semantics: Semantics::Success,
        amount: Some(Money::from_units(50_000_000)),
        source: Some("CALL".to_owned()),
        closed: Some(at(900)),
        ..deal(1)
    };
    let batch = PullBatch {
        deals: vec![deal(5), full],
        ..PullBatch::default()
    };
    store.save_pull(A, &batch).expect("stores");
    let rows = deal_rows(&store, A);
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 5]);
    let symbols = store.symbols(A).expect("reads");
    let row = rows[0];
    assert_eq!((row.lead, row.category, row.user), (Some(17), 3, 7));
    assert_eq!(row.closed, Some(at(900).timestamp()));
    assert_eq!(row.semantics, Semantics::Success);
    assert_eq!(row.amount, Some(Money::from_units(50_000_000)));
    assert_eq!(
        row.source.map(|n| symbols[n as usize].as_str()),
        Some("CALL")
    );
    assert_eq!(symbols[row.currency as usize], "RUB");
    assert_eq!(
        (rows[1].lead, rows[1].source, rows[1].amount),
        (None, None, None)
    );
}

#[test]
fn a_record_is_replaced_by_id_and_symbols_keep_their_numbers() {
    let store = memory();
    store.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    let before = store.symbols(A).expect("reads");
    let changed = Lead {
        status: "CONVERTED".to_owned(),
        semantics: Semantics::Success,
        ..lead(1)
    };
    store.save_pull(A, &leads(vec![changed])).expect("stores");
    let after = store.symbols(A).expect("reads");
    assert_eq!(after[..before.len()], before[..]);
    let rows = lead_rows(&store, A);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].semantics, Semantics::Success);
    assert_eq!(after[rows[0].status as usize], "CONVERTED");
}

#[test]
fn a_failing_record_stores_nothing_of_its_batch() {
    let store = memory();
    let cases = [
        Lead {
            id: 1 << 40,
            ..lead(0)
        },
        Lead {
            responsible: u64::MAX,
            ..lead(9)
        },
        Lead {
            amount: Some(Money::from_units(i64::MIN)),
            ..lead(10)
        },
    ];
    for bad in cases {
        let place = format!("storing lead {}", bad.id);
        let batch = PullBatch {
            leads: vec![lead(1), bad],
            directory: Some(directory()),
            cursors: vec![("leads".to_owned(), "moved".to_owned())],
            rejects: vec![(ENTITY_LEAD.to_owned(), "5".to_owned(), "odd".to_owned())],
            ..PullBatch::default()
        };
        let error = store.save_pull(A, &batch).expect_err("too large");
        assert!(told(&error).contains(&place), "{}", told(&error));
        assert!(
            told(&error).contains("greatest that the store holds")
                || told(&error).contains("stands for an absent one"),
            "{}",
            told(&error)
        );
        assert_eq!(store.counts(A).expect("reads"), (0, 0, 0));
        assert_eq!(store.cursor(A, "leads").expect("reads"), None);
        assert_eq!(store.directory(A).expect("reads"), Directory::default());
        assert!(store.symbols(A).expect("reads").is_empty());
    }
}

#[test]
fn rejects_are_counted_once_and_leave_when_the_record_is_read() {
    let store = memory();
    let reject = |entity: &str, id: &str| (entity.to_owned(), id.to_owned(), "odd".to_owned());
    let batch = PullBatch {
        rejects: vec![
            reject(ENTITY_LEAD, "1"),
            reject(ENTITY_DEAL, "1"),
            reject(ENTITY_LEAD, "?"),
        ],
        ..PullBatch::default()
    };
    store.save_pull(A, &batch).expect("stores");
    store.save_pull(A, &batch).expect("stores again");
    assert_eq!(store.counts(A).expect("reads"), (0, 0, 3));
    store.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    assert_eq!(store.counts(A).expect("reads"), (1, 0, 2));
    let deals = PullBatch {
        deals: vec![deal(1)],
        ..PullBatch::default()
    };
    store.save_pull(A, &deals).expect("stores");
    assert_eq!(store.counts(A).expect("reads"), (1, 1, 1));
}

#[test]
fn cursors_move_with_their_batch() {
    let store = memory();
    let cursor = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let mut batch = leads(vec![lead(1)]);
    batch.cursors = vec![cursor("leads", "1"), cursor("deals", "x")];
    store.save_pull(A, &batch).expect("stores");
    batch.cursors = vec![cursor("leads", "2")];
    store.save_pull(A, &batch).expect("stores");
    assert_eq!(
        store.cursor(A, "leads").expect("reads").as_deref(),
        Some("2")
    );
    assert_eq!(
        store.cursor(A, "deals").expect("reads").as_deref(),
        Some("x")
    );
    assert_eq!(store.cursor(A, "calls").expect("reads"), None);
}

fn directory() -> Directory {
    let user = |id, active, departments| User {
        id,
        name: format!("User «{id}»"),
        active,
        departments,
    };
    let status = |entity: &str, code: &str, semantics, sort| Status {
        entity: entity.to_owned(),
        code: code.to_owned(),
        name: format!("Name of {code}"),
        semantics,
        sort,
    };
    Directory {
        users: vec![user(9, true, vec![3, 1]), user(2, false, vec![])],
        departments: vec![
            Department {
                id: 1,
                name: "Head".to_owned(),
                parent: None,
                head: Some(9),
            },
            Department {
                id: 3,
                name: "Sales".to_owned(),
                parent: Some(1),
                head: None,
            },
        ],
        statuses: vec![
            status("STATUS", "NEW", Some(Semantics::InWork), 10),
            status("STATUS", "CONVERTED", Some(Semantics::Success), -20),
            status("STATUS", "JUNK", Some(Semantics::Failure), 30),
            status("SOURCE", "WEB", None, 10),
        ],
        categories: vec![Category {
            id: 0,
            name: "General".to_owned(),
        }],
        currencies: vec![Currency {
            code: "USD".to_owned(),
            amount: Money::from_units(924_512_300),
            count: 100,
            base: false,
        }],
        fields: vec![
            CustomField {
                card: Card::Lead,
                code: "UF_CRM_1".into(),
                name: "Причина".into(),
                kind: "enumeration".into(),
                multiple: true,
                values: vec![
                    ("3157".into(), "Цена".into()),
                    ("3159".into(), String::new()),
                ],
            },
            CustomField {
                card: Card::Deal,
                code: "UF_CRM_2".into(),
                name: "Оплата".into(),
                kind: "string".into(),
                multiple: false,
                values: vec![],
            },
        ],
    }
}

#[test]
fn the_directory_is_replaced_as_a_whole() {
    let store = memory();
    let save = |directory: Option<Directory>| {
        let batch = PullBatch {
            directory,
            ..PullBatch::default()
        };
        store.save_pull(A, &batch).expect("stores");
    };
    save(Some(directory()));
    assert_eq!(store.directory(A).expect("reads"), directory());
    save(None);
    assert_eq!(store.directory(A).expect("reads"), directory());
    let mut smaller = directory();
    smaller.users.remove(0);
    smaller.statuses.reverse();
    save(Some(smaller.clone()));
    assert_eq!(store.directory(A).expect("reads"), smaller);
}

#[test]
fn bindings_are_replaced_by_role() {
    let store = memory();
    let binding = |role: &str, file: &str| Binding {
        role: role.to_owned(),
        file: file.to_owned(),
        template: "sha256:1".to_owned(),
        url: format!("https://docs.example/{file}"),
    };
    for each in [
        binding("report", "1"),
        binding("plan:2026", "2"),
        binding("report", "3"),
    ] {
        store.save_binding(A, &each).expect("stores");
    }
    let expected = [binding("plan:2026", "2"), binding("report", "3")];
    assert_eq!(store.bindings(A).expect("reads"), expected);
    store.drop_binding(A, "report").expect("forgets");
    assert_eq!(store.bindings(A).expect("reads"), expected[..1]);
}

fn cell(row: &str, column: &str) -> CellKey {
    CellKey {
        table: "plan_company".to_owned(),
        row: row.to_owned(),
        column: column.to_owned(),
    }
}

#[test]
fn plan_cells_come_back_exactly() {
    let store = memory();
    let number = |text: &str| Some(text.parse::<Decimal>().expect("a number"));
    let cases = [
        (Owner::Daemon, None, None, None),
        (Owner::Daemon, number("0"), number("0.00"), None),
        (
            Owner::Person,
            number("1000000.5000"),
            number("-3"),
            Some(None),
        ),
        (
            Owner::Person,
            None,
            number("0.1234567890123456789012345678"),
            Some(number("12")),
        ),
    ];
    let cells: Cells<BaseCell> = (0..)
        .zip(cases)
        .map(|(i, (owner, base, value, pending))| {
            let key = cell("revenue", &format!("2026-{i:02}"));
            (
                key,
                BaseCell {
                    owner,
                    base,
                    value,
                    pending,
                },
            )
        })
        .collect();
    store.save_plan_cells(A, 2026, &cells).expect("stores");
    // Debug shows the scale too: 0.00 is not 0.
    let read = store.plan_cells(A, 2026).expect("reads");
    assert_eq!(format!("{read:?}"), format!("{cells:?}"));

    // A later save adds and replaces; what it does not name stays.
    let one = BaseCell {
        owner: Owner::Person,
        base: number("5"),
        value: number("5"),
        pending: None,
    };
    let change: Cells<BaseCell> = BTreeMap::from([(cell("revenue", "2026-00"), one.clone())]);
    store.save_plan_cells(A, 2026, &change).expect("stores");
    store.save_plan_cells(A, 2025, &change).expect("stores");
    let read = store.plan_cells(A, 2026).expect("reads");
    assert_eq!((read.len(), &read[&cell("revenue", "2026-00")]), (4, &one));
    assert_eq!(store.plan_years(A).expect("reads"), [2025, 2026]);
    assert_eq!(store.plan_years(B).expect("reads"), [0_i32; 0]);
}

#[test]
fn passes_are_numbered_closed_and_listed_newest_first() {
    let store = memory();
    let started = at(0) + TimeDelta::nanoseconds(123_456_789);
    assert_eq!(store.begin_pass(A, started).expect("opens"), 1);
    let done = PassRecord {
        number: 1,
        started,
        ended: Some(at(60)),
        state: "done".to_owned(),
        message: "42 cells".to_owned(),
        counts: vec![
            ("leads_pulled".to_owned(), 42),
            ("cells_written".to_owned(), u64::MAX),
        ],
    };
    store.end_pass(A, &done).expect("closes");
    assert_eq!(store.begin_pass(A, at(100)).expect("opens"), 2);
    assert_eq!(store.begin_pass(A, at(200)).expect("opens"), 3);
    let passes = store.passes(A, 10).expect("reads");
    let states: Vec<_> = passes
        .iter()
        .map(|p| (p.number, p.state.as_str()))
        .collect();
    assert_eq!(states, [(3, "running"), (2, "failed"), (1, "done")]);
    assert_eq!(passes[2], done);
    assert!(passes[1].message.contains("cut off"), "{:?}", passes[1]);
    assert_eq!((passes[1].ended, passes[0].ended), (None, None));
    assert_eq!(store.passes(A, 1).expect("reads").len(), 1);

    let unknown = PassRecord { number: 99, ..done };
    let error = store.end_pass(A, &unknown).expect_err("never opened");
    assert!(told(&error).contains("never opened"), "{}", told(&error));
}

#[test]
fn old_passes_are_forgotten() {
    let store = memory();
    for _ in 0..1003 {
        store.begin_pass(A, at(0)).expect("opens");
    }
    let passes = store.passes(A, usize::MAX).expect("reads");
    assert_eq!(
        (passes.len(), passes[0].number, passes[999].number),
        (1000, 1003, 4)
    );
}

#[test]
fn notes_belong_to_a_company_or_to_the_program() {
    let store = memory();
    store.set_note("", "drive_token", "1").expect("stores");
    store.set_note(A, "drive_token", "2").expect("stores");
    store.set_note("", "drive_token", "3").expect("stores");
    assert_eq!(
        store.note("", "drive_token").expect("reads").as_deref(),
        Some("3")
    );
    assert_eq!(
        store.note(A, "drive_token").expect("reads").as_deref(),
        Some("2")
    );
    assert_eq!(store.note(B, "drive_token").expect("reads"), None);
}

#[test]
fn companies_do_not_see_each_other() {
    let store = memory();
    let mut batch = leads(vec![lead(1), lead((1 << 40) - 1)]);
    batch.deals = vec![deal(1)];
    batch.directory = Some(directory());
    store.save_pull(A, &batch).expect("stores");
    let other = Lead {
        status: "OTHER".to_owned(),
        ..lead(0)
    };
    store.save_pull(B, &leads(vec![other])).expect("stores");
    assert_eq!(lead_ids(&store, A), [1, (1 << 40) - 1]);
    assert_eq!(lead_ids(&store, B), [0]);
    assert_eq!(store.counts(A).expect("reads"), (2, 1, 0));
    assert_eq!(store.counts(B).expect("reads"), (1, 0, 0));
    assert_eq!(store.symbols(A).expect("reads"), ["NEW", "RUB"]);
    assert_eq!(store.symbols(B).expect("reads"), ["OTHER", "RUB"]);
    assert_eq!(store.directory(B).expect("reads"), Directory::default());
    assert_eq!(store.begin_pass(A, at(0)).expect("opens"), 1);
    assert_eq!(store.begin_pass(B, at(0)).expect("opens"), 1);
    assert_eq!(store.passes(A, 9).expect("reads")[0].state, "running");
    assert_eq!(store.counts("never met").expect("reads"), (0, 0, 0));
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sub/planfact.db");
    (folder, path)
}

#[test]
fn what_was_stored_is_there_after_reopening() {
    let (_folder, path) = folder();
    {
        let store = Sqlite::open(&path).expect("creates");
        store.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    }
    let store = Sqlite::open(&path).expect("opens again");
    assert_eq!(lead_ids(&store, A), [1]);
    assert_eq!(store.symbols(A).expect("reads"), ["NEW", "RUB"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file_and_links_meet_at_one_lock() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    let store = Sqlite::open(&path).expect("creates");
    let mode = std::fs::metadata(&path)
        .expect("exists")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).expect("links");
    assert!(matches!(Sqlite::open(&link), Err(StoreError::InUse { .. })));
    drop(store);
    Sqlite::open(&link).expect("is free again");
}

#[test]
fn a_second_opening_is_told_who_is_in_the_way() {
    let (_folder, path) = folder();
    let _first = Sqlite::open(&path).expect("opens");
    let error = Sqlite::open(&path).expect_err("is in use");
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(told(&error).contains("planfact.db is in use by another planfact process"));
}

#[test]
fn one_can_look_in_while_another_works() {
    let (_folder, path) = folder();
    assert!(
        Sqlite::open_read_only(&path).is_err(),
        "there is nothing to read yet"
    );
    let worker = Sqlite::open(&path).expect("opens");
    worker.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    let reader = Sqlite::open_read_only(&path).expect("opens to read");
    assert_eq!(lead_ids(&reader, A), [1]);
    worker.save_pull(A, &leads(vec![lead(2)])).expect("stores");
    assert_eq!(lead_ids(&reader, A), [1, 2]);
    assert!(reader.save_pull(A, &leads(vec![lead(3)])).is_err());
    assert_eq!(lead_ids(&worker, A), [1, 2]);
}

/// Names the file for the child of [`a_killed_process_lets_go_of_the_store`].
const HOLD: &str = "PLANFACT_TEST_HOLD_STORE";

/// Only the child does something here: it stores a lead, says so, and holds the store until killed.
#[test]
fn child_that_holds_the_store() {
    let Some(path) = std::env::var_os(HOLD) else {
        return;
    };
    let store = Sqlite::open(path.as_ref()).expect("opens");
    store.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    writeln!(std::io::stdout(), "\nheld").expect("tells");
    std::io::stdin()
        .read_to_end(&mut Vec::new())
        .expect("waits");
}

#[test]
fn a_killed_process_lets_go_of_the_store() {
    let (_folder, path) = folder();
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "store::sqlite::tests::child_that_holds_the_store",
            "--nocapture",
        ])
        .env(HOLD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let held = lines.map_while(Result::ok).any(|line| line == "held");
    assert!(held, "the child ended without holding the store");
    assert!(matches!(Sqlite::open(&path), Err(StoreError::InUse { .. })));
    child.kill().expect("kills");
    child.wait().expect("ends");
    let store = Sqlite::open(&path).expect("is free again");
    assert_eq!(lead_ids(&store, A), [1]);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    drop(Sqlite::open(&path).expect("creates"));
    let raw = Connection::open(&path).expect("opens");
    raw.pragma_update(None, "user_version", 7000)
        .expect("writes");
    drop(raw);
    for error in [Sqlite::open(&path), Sqlite::open_read_only(&path)] {
        let error = error.expect_err("too new");
        assert!(
            matches!(
                error,
                StoreError::TooNew {
                    found: 7000,
                    known: 6,
                    ..
                }
            ),
            "{error:?}"
        );
    }
    let raw = Connection::open(&path).expect("opens");
    let version: u32 = raw
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("reads");
    assert_eq!(version, 7000);
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("notes.db");
    let content = "not a database, but long enough to be looked at. ".repeat(50);
    std::fs::write(&text, &content).expect("writes");
    let other = folder.path().join("other.db");
    let raw = Connection::open(&other).expect("opens");
    raw.execute_batch("CREATE TABLE theirs (x)")
        .expect("creates");
    drop(raw);
    for path in [&text, &other] {
        let error = Sqlite::open(path).expect_err("foreign");
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    }
    assert_eq!(std::fs::read_to_string(&text).expect("reads"), content);
}

#[test]
fn a_spoilt_block_is_an_error_and_not_a_panic() {
    let store = memory();
    store.save_pull(A, &leads(vec![lead(1)])).expect("stores");
    store
        .connection()
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON; UPDATE lead SET records = zeroblob(58)",
        )
        .expect("spoils");
    let error = store.each_lead(A, &mut |_| {}).expect_err("is spoilt");
    assert!(
        told(&error).contains("1 bytes too many"),
        "{}",
        told(&error)
    );
    assert!(store.save_pull(A, &leads(vec![lead(2)])).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// However records come, in whatever order and however often, the last of each id is there.
    #[test]
    fn blocks_hold_the_last_of_each_record(
        batches in proptest::collection::vec(
            proptest::collection::vec((0_u64..700, 1_u64..9), 0..40), 1..6
        ),
    ) {
        let store = memory();
        let mut expected = BTreeMap::new();
        for batch in &batches {
            let batch = PullBatch {
                leads: batch
                    .iter()
                    .map(|(id, user)| Lead { responsible: *user, ..lead(*id) })
                    .collect(),
                deals: batch
                    .iter()
                    .map(|(id, user)| Deal { category: *user, ..deal(*id) })
                    .collect(),
                ..PullBatch::default()
            };
            store.save_pull(A, &batch).expect("stores");
            expected.extend(batch.leads.iter().map(|lead| (lead.id, lead.responsible)));
        }
        let expected: Vec<(u64, u64)> = expected.into_iter().collect();
        let leads: Vec<_> = lead_rows(&store, A).iter().map(|row| (row.id, row.user)).collect();
        let deals: Vec<_> = deal_rows(&store, A).iter().map(|row| (row.id, row.category)).collect();
        proptest::prop_assert_eq!(&leads, &expected);
        proptest::prop_assert_eq!(&deals, &expected);
        let count = expected.len() as u64;
        proptest::prop_assert_eq!(store.counts(A).expect("counts"), (count, count, 0));
    }
}
