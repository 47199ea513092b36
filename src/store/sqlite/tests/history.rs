//! The log of plan changes and named versions.

#![allow(
    clippy::print_stdout,
    reason = "a random test says its seed and its figures"
)]

use super::*;
use crate::domain::plan::{ChangeSource, Held, PlanChange};
use crate::store::LoggedChange;

fn held(owner: Owner, value: Option<&str>) -> Held {
    Held {
        owner,
        value: value.map(|text| text.parse().expect("a number")),
    }
}

fn logged(pass: u64, row: &str, source: ChangeSource) -> LoggedChange {
    LoggedChange {
        pass,
        at: at(pass as i64),
        person: (source == ChangeSource::Sheet).then(|| "Анна <anna@example.com>".to_owned()),
        change: PlanChange {
            cell: CellKey::new("plan_company", row, "2026-03"),
            before: (pass > 1).then(|| held(Owner::Daemon, Some("1000000.50"))),
            after: held(Owner::Person, Some("1300000")),
            source,
        },
    }
}

fn accept(store: &Sqlite, company: &str, changes: &[LoggedChange]) {
    store
        .accept_plan(company, 2026, &Cells::new(), changes)
        .expect("stores");
}

#[test]
fn changes_come_back_newest_first_and_by_cell() {
    let store = memory();
    let first = logged(1, "revenue", ChangeSource::Targets);
    let edit = logged(2, "revenue", ChangeSource::Sheet);
    let other = logged(2, "leads_created", ChangeSource::Targets);
    let mut blank = logged(3, "revenue", ChangeSource::Targets);
    blank.change.after = held(Owner::Daemon, None);
    accept(&store, A, std::slice::from_ref(&first));
    accept(&store, A, &[edit.clone(), other.clone()]);
    accept(&store, A, std::slice::from_ref(&blank));
    accept(&store, B, &[logged(9, "revenue", ChangeSource::Restore)]);

    let all = store.plan_changes(A, 2026, None, 99).expect("reads");
    assert_eq!(
        all,
        [blank.clone(), other.clone(), edit.clone(), first.clone()]
    );
    let cell = CellKey::new("plan_company", "revenue", "2026-03");
    let of_cell = store.plan_changes(A, 2026, Some(&cell), 2).expect("reads");
    assert_eq!(of_cell, [blank, edit.clone()]);
    assert_eq!(store.plan_changes(A, 2025, None, 9).expect("reads"), []);
    // Pass 3 only generated anew: what was decided last is pass 2, with all that followed from it.
    assert_eq!(
        store.last_change_set(A, 2026).expect("reads"),
        [edit, other]
    );
    assert_eq!(store.last_change_set("never met", 2026).expect("reads"), []);
}

#[test]
fn accepted_cells_and_their_log_are_stored_together() {
    let store = memory();
    let key = CellKey::new("plan_company", "revenue", "2026-03");
    let cell = BaseCell {
        owner: Owner::Person,
        base: None,
        value: Some(Decimal::ONE),
        pending: Some(Some(Decimal::ONE)),
    };
    let cells = Cells::from([(key, cell)]);
    let log = [logged(1, "revenue", ChangeSource::Restore)];
    store.accept_plan(A, 2026, &cells, &log).expect("stores");
    assert_eq!(store.plan_cells(A, 2026).expect("reads"), cells);
    assert_eq!(store.plan_changes(A, 2026, None, 9).expect("reads"), log);
}

#[test]
fn versions_have_a_name_and_keep_their_cells() {
    let store = memory();
    let cells = Cells::from([
        (
            CellKey::new("plan_company", "revenue", "2026-03"),
            held(Owner::Person, Some("1.50")),
        ),
        (
            CellKey::new("plan_company", "revenue", "2026-04"),
            held(Owner::Daemon, None),
        ),
        (
            CellKey::new("targets", "margin", "value"),
            held(Owner::Daemon, Some("0.5")),
        ),
    ]);
    let save = |company, year, name| {
        store
            .save_plan_version(company, year, name, at(5), &cells)
            .expect("stores")
    };
    let first = save(A, 2026, "утверждён").expect("is new");
    assert_eq!(save(A, 2026, "утверждён"), None, "a name is single");
    assert!(save(A, 2027, "утверждён").is_some() && save(B, 2026, "утверждён").is_some());
    let second = save(A, 2026, "март").expect("is new");
    assert!(second > first);

    let versions = store.plan_versions(A).expect("reads");
    let told: Vec<_> = versions
        .iter()
        .map(|v| (v.name.as_str(), v.year, v.cells))
        .collect();
    assert_eq!(
        told,
        [
            ("март", 2026, 3),
            ("утверждён", 2027, 3),
            ("утверждён", 2026, 3)
        ]
    );
    assert_eq!((versions[2].id, versions[2].made), (first, at(5)));
    let read = |company, table| {
        store
            .plan_version_cells(company, first, table)
            .expect("reads")
    };
    assert_eq!(read(A, None), cells);
    assert_eq!(read(A, Some("targets")).len(), 1);
    assert_eq!(
        read(B, None),
        Cells::new(),
        "another company's version is none of its own"
    );
}

#[test]
fn a_large_plan_is_logged_and_kept_well_within_a_second() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).expect("creates");
    let mut cells = Cells::new();
    let mut log = Vec::new();
    for user in 0..240_u32 {
        for metric in 0..8_u32 {
            for month in 1..=13_u32 {
                let row = format!("user:{user}/metric{metric}");
                let key = CellKey::new("plan_employee", &row, &format!("2026-{month:02}"));
                let after = Held {
                    owner: Owner::Daemon,
                    value: Some(Decimal::from(user * month)),
                };
                let mut change = logged(1, "", ChangeSource::Targets);
                change.change.cell = key.clone();
                log.push(change);
                cells.insert(key, after);
            }
        }
    }
    assert_eq!(cells.len(), 24_960);
    let took = crate::clock::Stopwatch::start();
    store
        .save_plan_version(A, 2026, "large", at(0), &cells)
        .expect("stores");
    assert_eq!(store.plan_version_cells(A, 1, None).expect("reads"), cells);
    let version = took.elapsed();
    accept(&store, A, &log);
    let all = took.elapsed();
    println!(
        "a version there and back {version:?}, the log {:?}",
        all - version
    );
    // Generous: the machine may be busy and the profile slow.
    assert!(all.as_secs() < 10, "{all:?}");
}
