//! N23: newer templates laid over files of older ones. A version is the built-in template that somebody
//! turned back by ordinary edits (lines put in and taken out, texts, looks, charts, names, tabs), so that
//! the upgrade has to undo every one of them; what people did in the meantime has to survive it.
//!
//! `PLANFACT_VERSIONS` sets how many random versions are tried, `PLANFACT_SEED` the seed.

use std::collections::BTreeMap;

use planfact::sheet::template::{TemplateKind, tables};
use planfact::sheet::workbook::{Cell, Chart, Tab, Value as CellValue, Workbook};
use planfact::store::Binding;
use planfact::sync::copy::{self, Lay};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::histories::Desk;

/// Random versions in a usual run, besides those that are written down.
const VERSIONS: u64 = 2;
/// The mark under which an older template stands in Drive.
const TEMPLATE: &str = "planfact_template";

fn wanted(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One file of a company and the template that it belongs to.
#[derive(Clone)]
struct Built {
    kind: TemplateKind,
    role: &'static str,
    /// The built-in template as it reads back.
    book: Workbook,
    /// Its fingerprint.
    fingerprint: String,
    /// Its file.
    file: String,
}

/// The built-in templates as a first company made them.
async fn built(desk: &mut Desk) -> Vec<Built> {
    desk.refresh().await;
    let bindings = desk.engine.store.bindings("desk").unwrap();
    let mut all = Vec::new();
    for (kind, role) in [
        (TemplateKind::Report, "report"),
        (TemplateKind::Plan, "plan:2026"),
    ] {
        let fingerprint = bindings
            .iter()
            .find(|one| one.role == role)
            .unwrap()
            .template
            .clone();
        let marks = [
            ("planfact_kind", "template"),
            (TEMPLATE, fingerprint.as_str()),
        ];
        let file = desk
            .engine
            .google
            .find(&marks, None)
            .await
            .unwrap()
            .remove(0);
        let book = desk.engine.google.read_workbook(&file.id).await.unwrap();
        all.push(Built {
            kind,
            role,
            book,
            fingerprint,
            file: file.id,
        });
    }
    all
}

/// Publishes an older version of a template and gives the company `id` a copy of it.
async fn give(desk: &Desk, built: &Built, version: &str, id: &str, requests: &[Value]) -> String {
    let google = &desk.engine.google;
    let folder = desk.company.profile.folder.clone().unwrap();
    let mark = format!("old-{version}");
    let marks = [("planfact_kind", "template"), (TEMPLATE, mark.as_str())];
    let old = google
        .copy(
            &built.file,
            &format!("old {version}"),
            Some(&folder),
            &marks,
        )
        .await
        .unwrap();
    if !edit(desk, &old.id, requests).await {
        // Some do not fit behind others (a line that is gone): the rest is a version too.
        for request in requests {
            edit(desk, &old.id, std::slice::from_ref(request)).await;
        }
    }
    let marks = [
        ("planfact_kind", "company"),
        ("planfact_company", id),
        ("planfact_role", built.role),
        (TEMPLATE, mark.as_str()),
    ];
    google
        .copy(
            &old.id,
            &format!("{id} {}", built.role),
            Some(&folder),
            &marks,
        )
        .await
        .unwrap()
        .id
}

/// Whether the requests were carried out.
async fn edit(desk: &Desk, file: &str, requests: &[Value]) -> bool {
    let url = format!(
        "{}/v4/spreadsheets/{file}:batchUpdate",
        desk.google.endpoint
    );
    let sent = reqwest::Client::new()
        .post(url)
        .header("Authorization", "Bearer person:owner@example.com")
        .json(&json!({"requests": requests}))
        .send();
    requests.is_empty() || sent.await.unwrap().status().is_success()
}

/// What two files must have in common to be the same template: lists without an order sorted, ids and
/// values of formulas left out, what the program notes for itself too.
fn bare(book: &Workbook) -> BTreeMap<i64, Tab> {
    let mut tabs = BTreeMap::new();
    for tab in &book.tabs {
        let mut tab = tab.clone();
        tab.metadata.retain(|(key, _)| key != "planfact_upgrade");
        tab.metadata.sort();
        tab.metadata.dedup();
        for chart in &mut tab.charts {
            chart.id = 0;
        }
        for protection in &mut tab.protections {
            protection.id = 0;
        }
        tab.charts.sort_by(|a, b| a.title.cmp(&b.title));
        tab.merges.sort();
        tab.hidden_columns.sort_unstable();
        tab.hidden_rows.sort_unstable();
        for cell in tab.cells.values_mut().filter(|cell| cell.formula.is_some()) {
            cell.value = CellValue::Blank;
        }
        tab.cells.retain(|_, cell| *cell != Cell::default());
        tabs.insert(tab.id, tab);
    }
    tabs
}

/// The first differences, in words.
fn differences(got: &Workbook, wanted: &Workbook) -> Vec<String> {
    let mut out = Vec::new();
    let (have, want) = (bare(got), bare(wanted));
    for (id, want) in &want {
        let Some(have) = have.get(id) else {
            out.push(format!("tab {} is missing", want.title));
            continue;
        };
        let at: std::collections::BTreeSet<_> =
            have.cells.keys().chain(want.cells.keys()).collect();
        for at in at {
            if have.cells.get(at) != want.cells.get(at) {
                out.push(format!(
                    "{} {at:?}: {:?} / {:?}",
                    want.title,
                    have.cells.get(at),
                    want.cells.get(at)
                ));
            }
        }
        let (mut have, mut want) = (have.clone(), want.clone());
        have.cells.clear();
        want.cells.clear();
        for (a, b) in have.charts.iter().zip(&want.charts).filter(|(a, b)| a != b) {
            out.push(format!("{}: {a:?} / {b:?}", want.title));
        }
        let charts = |tab: &mut Tab| {
            std::mem::take(&mut tab.charts)
                .iter()
                .map(|c: &Chart| c.title.clone())
                .collect::<Vec<_>>()
        };
        let (one, other) = (charts(&mut have), charts(&mut want));
        if one != other {
            out.push(format!("{}: charts {one:?} / {other:?}", want.title));
        }
        if have != want {
            let (one, other) = (format!("{have:#?}"), format!("{want:#?}"));
            let unlike = one
                .lines()
                .zip(other.lines())
                .find(|(one, other)| one != other);
            out.push(format!(
                "{}: {unlike:?}, {} and {} lines",
                want.title,
                one.lines().count(),
                other.lines().count()
            ));
            for (a, b) in have
                .conditional
                .iter()
                .zip(&want.conditional)
                .filter(|(a, b)| a != b)
            {
                out.push(format!("{}: {a:?} / {b:?}", want.title));
            }
        }
    }
    for name in &wanted.names {
        let have = got.names.iter().find(|other| other.name == name.name);
        if have.map(|have| have.area) != Some(name.area) {
            out.push(format!(
                "name {}: {:?} / {:?}",
                name.name,
                have.map(|have| have.area),
                name.area
            ));
        }
    }
    out
}

fn lines(tab: i64, dimension: &str, start: u32, end: u32) -> Value {
    json!({"sheetId": tab, "dimension": dimension, "startIndex": start, "endIndex": end})
}

fn insert(tab: i64, dimension: &str, at: u32, count: u32) -> Value {
    json!({"insertDimension": {"range": lines(tab, dimension, at, at + count), "inheritFromBefore": at > 0}})
}

fn delete(tab: i64, dimension: &str, at: u32, count: u32) -> Value {
    json!({"deleteDimension": {"range": lines(tab, dimension, at, at + count)}})
}

fn text(tab: i64, row: u32, column: u32, text: &str) -> Value {
    json!({"updateCells": {"start": {"sheetId": tab, "rowIndex": row, "columnIndex": column},
        "rows": [{"values": [{"userEnteredValue": {"stringValue": text}}]}], "fields": "userEnteredValue"}})
}

fn look(tab: i64, row: u32, column: u32) -> Value {
    json!({"repeatCell": {"range": {"sheetId": tab, "startRowIndex": row, "endRowIndex": row + 2,
        "startColumnIndex": column, "endColumnIndex": column + 2},
        "cell": {"userEnteredFormat": {"backgroundColorStyle": {"rgbColor": {"red": 1}}, "textFormat": {"bold": true}}},
        "fields": "userEnteredFormat(backgroundColorStyle,textFormat.bold)"}})
}

/// Where a name's block stands.
fn block(book: &Workbook, name: &str) -> (i64, planfact::sheet::workbook::Rect) {
    let range = book
        .names
        .iter()
        .find(|range| range.name == name)
        .unwrap_or_else(|| panic!("{name}"));
    (range.area.tab, range.area.rect)
}

/// The column of a table's key.
fn column(book: &Workbook, name: &str) -> (i64, u32) {
    let (tab, rect) = block(book, name);
    (tab, rect.column_start)
}

/// The row of a fixed key.
fn row(book: &Workbook, table: &str, key: &str) -> (i64, u32) {
    let (id, rect) = block(book, table);
    let tab = book.tabs.iter().find(|tab| tab.id == id).unwrap();
    let is_key = |cell: &Cell| cell.value == CellValue::Text(key.to_owned());
    let found = tab.cells.iter().find(|((row, column), cell)| {
        rect.contains(*row, *column) && *column == rect.column_start && is_key(cell)
    });
    (id, found.unwrap_or_else(|| panic!("{table} {key}")).0.0)
}

/// The versions that are written down: name, edits of the report's template, edits of the plan's.
fn versions(report: &Workbook, plan: &Workbook) -> Vec<(&'static str, Vec<Value>, Vec<Value>)> {
    let shown = |book: &Workbook| book.tabs.iter().find(|tab| !tab.hidden).unwrap().id;
    let charts: Vec<(i64, i64)> = report
        .tabs
        .iter()
        .flat_map(|tab| tab.charts.iter().map(|chart| (tab.id, chart.id)))
        .collect();
    let merged = plan.tabs.iter().find(|tab| !tab.merges.is_empty()).unwrap();
    let merge = merged.merges[0];
    let ruled = plan
        .tabs
        .iter()
        .find(|tab| tab.conditional.len() > 2)
        .unwrap()
        .id;
    let (people, people_rect) = block(plan, "plan_employee");
    let (departments, departments_rect) = block(plan, "plan_department");
    let (company, company_rect) = block(plan, "plan_company");
    let (months, _) = block(report, "months");
    let approved = column(report, "months__approved_revenue");
    let marks = column(plan, "plan_employee__marks");
    let scenario = block(plan, "scenario").0;
    let keeper = block(plan, "plan_before").0;
    let rounding = row(plan, "targets", "rounding");
    let profit = row(plan, "plan_company", "profit");
    let id = shown(report);
    vec![
        (
            "texts",
            vec![text(id, 1, 1, "Прежний заголовок"), look(id, 2, 1)],
            vec![text(company, 1, 1, "Прежний план")],
        ),
        (
            "rows more",
            vec![insert(id, "ROWS", 3, 2)],
            vec![insert(company, "ROWS", 2, 3), text(company, 3, 1, "лишнее")],
        ),
        (
            "rows less",
            vec![delete(id, "ROWS", 5, 2)],
            vec![
                delete(company, "ROWS", profit.1, 1),
                delete(rounding.0, "ROWS", rounding.1, 1),
            ],
        ),
        (
            "columns more",
            vec![insert(id, "COLUMNS", 1, 1)],
            vec![insert(
                departments,
                "COLUMNS",
                departments_rect.column_start + 1,
                2,
            )],
        ),
        (
            "columns less",
            vec![delete(approved.0, "COLUMNS", approved.1, 1)],
            vec![delete(marks.0, "COLUMNS", marks.1, 1)],
        ),
        (
            "charts",
            vec![
                json!({"deleteEmbeddedObject": {"objectId": charts[0].1}}),
                json!({"updateEmbeddedObjectPosition": {"objectId": charts[1].1, "fields": "widthPixels,heightPixels",
                "newPosition": {"overlayPosition": {"widthPixels": 333, "heightPixels": 222}}}}),
            ],
            vec![],
        ),
        (
            "rules",
            vec![],
            vec![
                json!({"deleteConditionalFormatRule": {"sheetId": ruled, "index": 1}}),
                json!({"addConditionalFormatRule": {"index": 0, "rule": {
                "ranges": [{"sheetId": ruled, "startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 3}],
                "booleanRule": {"condition": {"type": "CUSTOM_FORMULA", "values": [{"userEnteredValue": "=A1>3"}]},
                    "format": {"textFormat": {"bold": true}}}}}}),
            ],
        ),
        (
            "a tab less",
            vec![],
            vec![json!({"deleteSheet": {"sheetId": scenario}})],
        ),
        (
            "sizes and merges",
            vec![],
            vec![
                json!({"unmergeCells": {"range": {"sheetId": merged.id, "startRowIndex": merge.row_start, "endRowIndex": merge.row_end,
                "startColumnIndex": merge.column_start, "endColumnIndex": merge.column_end}}}),
                json!({"updateDimensionProperties": {"range": lines(company, "COLUMNS", 1, 4), "properties": {"pixelSize": 77}, "fields": "pixelSize"}}),
                json!({"updateDimensionProperties": {"range": lines(company, "ROWS", company_rect.row_start, company_rect.row_start + 1),
                "properties": {"hiddenByUser": false}, "fields": "hiddenByUser"}}),
                json!({"updateSheetProperties": {"properties": {"sheetId": company, "title": "Старый план", "gridProperties": {"frozenRowCount": 1}},
                "fields": "title,gridProperties.frozenRowCount"}}),
            ],
        ),
        (
            "no keeper",
            vec![],
            vec![json!({"deleteSheet": {"sheetId": keeper}})],
        ),
        (
            "blocks without their last row",
            vec![],
            vec![
                delete(people, "ROWS", people_rect.row_end - 1, 1),
                delete(departments, "ROWS", departments_rect.row_end - 1, 1),
            ],
        ),
        (
            "a data tab less",
            vec![json!({"deleteSheet": {"sheetId": months}})],
            vec![],
        ),
        ("edition 2", edition_2(report), vec![]),
    ]
}

/// What takes a report back to edition 2: without departments, margins and payments.
fn edition_2(report: &Workbook) -> Vec<Value> {
    let tab = |title: &str| {
        let found = report.tabs.iter().find(|tab| tab.title == title);
        found.unwrap_or_else(|| panic!("no tab {title}")).id
    };
    let tab_of = |name: &str| block(report, name).0;
    let (sales, managers, calc) = (tab_of("sales_year"), tab_of("managers_year"), tab("calc"));
    let mut edits: Vec<Value> = ["departments_year", "departments", "department_years"]
        .into_iter()
        .map(|name| json!({"deleteSheet": {"sheetId": tab_of(name)}}))
        .collect();
    for table in ["months", "managers", "manager_years"] {
        let (data, margin) = column(report, &format!("{table}__margin"));
        edits.push(delete(data, "COLUMNS", margin, 6));
    }
    let of_tab = |id: i64| report.tabs.iter().find(|tab| tab.id == id).unwrap();
    let newer = |id: i64| {
        let charts = of_tab(id).charts.iter().skip(2);
        charts.map(|chart| json!({"deleteEmbeddedObject": {"objectId": chart.id}}))
    };
    edits.extend(newer(sales).chain(newer(managers)));
    edits.push(delete(sales, "ROWS", 40, 34));
    edits.push(delete(managers, "COLUMNS", 13, 6));
    edits.push(delete(calc, "ROWS", 155, 50));
    edits.push(
        json!({"updateCells": {"range": {"sheetId": calc, "startRowIndex": 109, "endRowIndex": 152,
            "startColumnIndex": 15, "endColumnIndex": 21}, "fields": "userEnteredValue,userEnteredFormat"}}),
    );
    edits
}

/// A random version: `cosmetic` keeps every line that has a key, so that the program works with it.
fn random_version(
    book: &Workbook,
    kind: TemplateKind,
    random: &mut StdRng,
    cosmetic: bool,
) -> Vec<Value> {
    let specs = tables(kind, 2026);
    let tabs: Vec<&Tab> = book.tabs.iter().filter(|tab| tab.rows < 1_000).collect();
    let mut requests = Vec::new();
    for _ in 0..random.random_range(1..8) {
        let tab = tabs[random.random_range(0..tabs.len())];
        let blocks = || {
            specs
                .iter()
                .map(|spec| block(book, &spec.name))
                .filter(|(home, _)| *home == tab.id)
        };
        let is_data = specs
            .iter()
            .any(|spec| !spec.people && block(book, &spec.name).0 == tab.id);
        if cosmetic && is_data {
            continue;
        }
        let (at_row, at_column) = (
            random.random_range(0..tab.rows.min(40)),
            random.random_range(0..tab.columns),
        );
        let in_block = blocks().any(|(_, rect)| rect.contains(at_row, at_column));
        let keyed_row = blocks().any(|(_, rect)| (rect.row_start..rect.row_end).contains(&at_row));
        let keyed_column =
            blocks().any(|(_, rect)| (rect.column_start..rect.column_end).contains(&at_column));
        match random.random_range(0..8) {
            0 => requests.push(insert(tab.id, "ROWS", at_row, random.random_range(1..3))),
            1 => requests.push(insert(tab.id, "COLUMNS", at_column, 1)),
            2 if !(cosmetic && keyed_row) => requests.push(delete(tab.id, "ROWS", at_row, 1)),
            3 if !(cosmetic && keyed_column) => {
                requests.push(delete(tab.id, "COLUMNS", at_column, 1));
            }
            4 if !in_block => requests.push(text(tab.id, at_row, at_column, "прежнее")),
            5 => requests.push(look(
                tab.id,
                at_row,
                at_column.min(tab.columns.saturating_sub(3)),
            )),
            6 if !tab.conditional.is_empty() => requests
                .push(json!({"deleteConditionalFormatRule": {"sheetId": tab.id, "index": 0}})),
            _ => requests.push(
                json!({"updateDimensionProperties": {"range": lines(tab.id, "COLUMNS", 0, 1),
                "properties": {"pixelSize": random.random_range(40..90)}, "fields": "pixelSize"}}),
            ),
        }
        // One structural edit a tab keeps the other addresses true.
        if requests.len() > 5 {
            break;
        }
    }
    requests
}

/// Nobody touched the file: after the upgrade it is the new template, whatever the old one was.
#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_file_becomes_the_new_template() {
    let seed = wanted("PLANFACT_SEED", 2026);
    let mut desk = Desk::new(seed).await;
    let all = built(&mut desk).await;
    let written = wanted("PLANFACT_WRITTEN", u64::MAX) as usize;
    let mut versions: Vec<(String, Vec<Value>, Vec<Value>)> = versions(&all[0].book, &all[1].book)
        .into_iter()
        .take(written)
        .map(|(name, report, plan)| (name.to_owned(), report, plan))
        .collect();
    let mut random = StdRng::seed_from_u64(seed);
    for index in 0..wanted("PLANFACT_VERSIONS", VERSIONS) {
        let mut edits = Vec::new();
        for one in &all {
            let requests = random_version(&one.book, one.kind, &mut random, false);
            edits.push(requests);
        }
        let plan = edits.pop().unwrap();
        versions.push((format!("random {index}"), edits.pop().unwrap(), plan));
    }
    let count = versions.len();
    let mut failed: Vec<String> = Vec::new();
    for (version, report, plan) in versions {
        let profile = planfact::sync::Profile {
            id: version.clone(),
            ..desk.company.profile.clone()
        };
        for (one, requests) in all.iter().zip([&report, &plan]) {
            if requests.is_empty() {
                continue;
            }
            give(
                &desk,
                one,
                &format!("{version} {}", one.role),
                &version,
                requests,
            )
            .await;
        }
        let look = copy::ensure(&desk.engine, &profile, 2026, Lay::Look)
            .await
            .unwrap();
        let files = copy::ensure(&desk.engine, &profile, 2026, Lay::Over)
            .await
            .unwrap();
        for (one, binding) in all.iter().zip([&files.report, &files.plan]) {
            let got = desk
                .engine
                .google
                .read_workbook(&binding.file)
                .await
                .unwrap();
            let faults = differences(&got, &one.book);
            if !faults.is_empty() {
                let edits = if one.role == "report" { &report } else { &plan };
                failed.push(format!(
                    "{version}, {}: {} differences\n{}\nedits: {}",
                    one.role,
                    faults.len(),
                    faults[..faults.len().min(5)].join("\n"),
                    json!(edits),
                ));
            }
            assert_eq!(binding.template, one.fingerprint);
        }
        for upgraded in files.upgraded.iter().chain(&look.upgraded) {
            assert_eq!(
                upgraded.left,
                Vec::<String>::new(),
                "{version}: nothing is a person's"
            );
        }
        let again = copy::ensure(&desk.engine, &profile, 2026, Lay::Over)
            .await
            .unwrap();
        assert!(again.upgraded.is_empty(), "{version}: once is enough");
        println!(
            "{version}: {:?}",
            files
                .upgraded
                .iter()
                .map(|one| one.cells)
                .collect::<Vec<_>>()
        );
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    println!("{count} versions, seed {seed}, each became the new template");
}

/// People worked with files of an older template; the newer one is laid over them and no number of
/// theirs is lost or misplaced: N1's oracle.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_typed_survives_an_upgrade() {
    let (seed, count) = (
        wanted("PLANFACT_SEED", 2026),
        wanted("PLANFACT_VERSIONS", VERSIONS),
    );
    let mut random = StdRng::seed_from_u64(seed);
    let mut tally = BTreeMap::new();
    for index in 0..count {
        let mut desk = Desk::new(seed.wrapping_add(index)).await;
        let all = built(&mut desk).await;
        let mut bindings = Vec::new();
        for one in &all {
            let requests = random_version(&one.book, one.kind, &mut random, true);
            let file = give(&desk, one, one.role, "old", &requests).await;
            let url = desk.engine.google.file(&file).await.unwrap().url;
            bindings.push(Binding {
                role: one.role.to_owned(),
                file,
                template: one.fingerprint.clone(),
                url,
            });
        }
        // The program takes the old files for its own until it is upgraded.
        desk.company.profile.id = "old".to_owned();
        for binding in &bindings {
            desk.engine.store.save_binding("old", binding).unwrap();
        }
        desk.plan = bindings[1].file.clone();
        desk.refresh().await;
        for step in 0..3 {
            desk.history(index * 10 + step, &mut tally).await;
        }
        own_things(&desk, &all[1]).await;
        for (binding, one) in bindings.iter().zip(&all) {
            let old = Binding {
                template: format!("old-{}", one.role),
                ..binding.clone()
            };
            desk.engine.store.save_binding("old", &old).unwrap();
        }
        let report = desk.refresh().await;
        assert_eq!(
            report.files.upgraded.len(),
            2,
            "both files were of an older template"
        );
        desk.check(index, &report.change.notices).await;
        check_own_things(&desk).await;
        for step in 5..7 {
            desk.history(index * 10 + step, &mut tally).await;
        }
    }
    println!(
        "{count} versions with histories before and after, seed {seed}, 0 numbers lost; steps: {tally:?}"
    );
}

/// A company restyled its report of edition 2; departments, margins and payments come, and what it did
/// stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_edition_2_keeps_what_the_company_made_of_it() {
    let mut desk = Desk::new(wanted("PLANFACT_SEED", 2026)).await;
    let all = built(&mut desk).await;
    let report = &all[0];
    let file = give(&desk, report, "edition 2", "old", &edition_2(&report.book)).await;
    let (sales, managers) = (
        block(&report.book, "sales_year").0,
        block(&report.book, "managers_year").0,
    );
    let source = json!({"sourceRange": {"sources": [{"sheetId": sales, "startRowIndex": 26, "endRowIndex": 38,
        "startColumnIndex": 4, "endColumnIndex": 5}]}});
    let own = json!([
        {"updateSheetProperties": {"properties": {"sheetId": managers, "title": "Люди"}, "fields": "title"}},
        text(managers, 21, 12, "Наша выручка"),
        look(managers, 24, 11),
        text(sales, 43, 1, "под таблицей моё"),
        insert(managers, "COLUMNS", 13, 1),
        text(managers, 21, 13, "Премия"),
        {"updateCells": {"start": {"sheetId": managers, "rowIndex": 23, "columnIndex": 13}, "fields": "userEnteredValue",
            "rows": [{"values": [{"userEnteredValue": {"formulaValue": "=IF(ISNUMBER(M24);M24/100;0)"}}]}]}},
        {"addChart": {"chart": {"chartId": 779, "position": {"overlayPosition": {"anchorCell": {"sheetId": sales}}},
            "spec": {"title": "Мой график", "basicChart": {"chartType": "LINE", "headerCount": 0,
                "domains": [{"domain": source.clone()}], "series": [{"series": source}]}}}}},
    ]);
    assert!(edit(&desk, &file, own.as_array().unwrap()).await);
    desk.company.profile.id = "old".to_owned();
    let done = desk.refresh().await;
    let upgraded: Vec<_> = done
        .files
        .upgraded
        .iter()
        .map(|one| one.left.len())
        .collect();
    assert_eq!(upgraded.len(), 1, "the report was of edition 2");
    let book = desk.engine.google.read_workbook(&file).await.unwrap();
    let tab = |id: i64| book.tabs.iter().find(|tab| tab.id == id).unwrap();
    let texts = |id: i64, wanted: &str| {
        let cells = tab(id).cells.values();
        cells
            .filter(|cell| cell.value == CellValue::Text(wanted.to_owned()))
            .count()
    };
    assert_eq!(tab(managers).title, "Люди");
    for (id, own) in [
        (managers, "Наша выручка"),
        (managers, "Премия"),
        (sales, "под таблицей моё"),
    ] {
        assert_eq!(texts(id, own), 1, "{own}");
    }
    let bonus = tab(managers)
        .cells
        .values()
        .filter_map(|cell| cell.formula.as_deref());
    assert_eq!(
        bonus.filter(|formula| formula.contains("M24/100")).count(),
        1
    );
    let charts = |id: i64| tab(id).charts.len();
    assert_eq!((charts(sales), charts(managers)), (5, 3));
    // What is new is there, once, and filled.
    for (id, new) in [
        (managers, "Скидка"),
        (sales, "Скидка"),
        (sales, "Маржа и оплаты"),
    ] {
        assert_eq!(texts(id, new), 1, "{new}");
    }
    for name in [
        "departments_year",
        "department_years__margin",
        "managers__paid_sum",
        "months__unknown_cost",
    ] {
        assert_eq!(
            book.names.iter().filter(|one| one.name == name).count(),
            1,
            "{name}"
        );
    }
    let (data, rect) = block(&book, "departments");
    let rows = (rect.row_start + 1..rect.row_end).filter(|row| {
        tab(data)
            .cells
            .get(&(*row, rect.column_start))
            .is_some_and(|cell| cell.value != CellValue::Blank)
    });
    assert!(rows.count() > 0, "departments have rows");
    let again = desk.refresh().await;
    assert!(again.files.upgraded.is_empty() && again.cells_written.0 == 0);
}

/// A tab, a chart and a note of the company's own.
async fn own_things(desk: &Desk, plan: &Built) {
    let (tab, _) = block(&plan.book, "plan_company");
    let source = json!({"sourceRange": {"sources": [{"sheetId": 777, "startRowIndex": 0, "endRowIndex": 3,
        "startColumnIndex": 0, "endColumnIndex": 1}]}});
    let requests = json!([
        {"addSheet": {"properties": {"sheetId": 777, "title": "Моё"}}},
        {"updateCells": {"start": {"sheetId": 777, "rowIndex": 0, "columnIndex": 0}, "fields": "userEnteredValue",
            "rows": [{"values": [{"userEnteredValue": {"stringValue": "моё"}},
                {"userEnteredValue": {"formulaValue": "=SUM(plan_company__2026_03)"}}]}]}},
        {"addChart": {"chart": {"chartId": 778, "position": {"overlayPosition": {"anchorCell": {"sheetId": tab}}},
            "spec": {"title": "Мой график", "basicChart": {"chartType": "LINE", "headerCount": 1,
                "domains": [{"domain": source.clone()}], "series": [{"series": source}]}}}}},
    ]);
    let path = format!("/v4/spreadsheets/{}:batchUpdate", desk.plan);
    desk.ask(
        reqwest::Method::POST,
        &path,
        Some(json!({"requests": requests})),
    )
    .await;
}

async fn check_own_things(desk: &Desk) {
    let book = desk.engine.google.read_workbook(&desk.plan).await.unwrap();
    let own = book.tabs.iter().find(|tab| tab.id == 777).unwrap();
    assert_eq!(own.cells[&(0, 0)].value, CellValue::Text("моё".to_owned()));
    assert!(
        matches!(own.cells[&(0, 1)].value, CellValue::Number(_)),
        "{:?}",
        own.cells[&(0, 1)]
    );
    let charts = book.tabs.iter().flat_map(|tab| &tab.charts);
    assert_eq!(
        charts.filter(|chart| chart.title == "Мой график").count(),
        1
    );
}
