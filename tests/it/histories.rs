//! N1: random histories of people and the program at work on one plan, held against an oracle that is
//! written separately (it knows nothing of the program's planner): no number that a person typed is
//! ever lost or misplaced, and what the program computes around it is what it should be.
//!
//! `PLANFACT_HISTORIES` sets how many (a few here, 10,000 in the long run), `PLANFACT_SEED` the seed,
//! `PLANFACT_FROM` the first one (rounded down to where a new company begins) and `PLANFACT_TELL`
//! prints every step, so that a failure of a long run can be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use planfact::bitrix24::{self, Portal, Secret};
use planfact::domain::calendar::{Calendar, Day};
use planfact::domain::plan::{Seasonality, TargetSeeds};
use planfact::google::{Google, Options};
use planfact::store::Sqlite;
use planfact::sync::pass::{self, Ask, PassReport};
use planfact::sync::{Company, Engine, Profile};
use planfact_sim::{company, google, portal};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::world::{DEALS, LEADS, file_id};

/// Histories in a usual run.
const HISTORIES: u64 = 25;
/// Histories on one pair of files before a new company is made.
const HISTORIES_A_FILE: u64 = 25;
/// The tables into whose cells people type.
const TABLES: [&str; 4] = [
    "targets",
    "plan_company",
    "plan_department",
    "plan_employee",
];
/// What people change among the targets.
const TARGETS: [&str; 3] = ["break_even", "avg_check", "profit"];

#[tokio::test(flavor = "multi_thread")]
async fn no_persons_number_is_lost_or_misplaced() {
    let wanted = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let count = wanted("PLANFACT_HISTORIES", HISTORIES);
    let seed = wanted("PLANFACT_SEED", 2026);
    let first = wanted("PLANFACT_FROM", 0);
    let first = first - first % HISTORIES_A_FILE;
    println!("{count} histories from {first}, seed {seed}");
    let mut tally = BTreeMap::new();
    let mut world: Option<Desk> = None;
    for index in first..first + count {
        if index % HISTORIES_A_FILE == 0 {
            println!("{index} histories so far: {tally:?}");
            world = Some(Desk::new(seed.wrapping_add(index)).await);
        }
        if let Some(desk) = world.as_mut() {
            desk.history(index, &mut tally).await;
        }
    }
    println!("{count} histories, 0 numbers lost; steps: {tally:?}");
}

/// N2: an edit that Google takes between the program's last read and its batch, in every trial.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_during_the_write_is_never_lost() {
    let mut desk = Desk::new(7).await;
    desk.refresh().await;
    let trials = 20;
    for trial in 0..trials {
        // The program is about to write revenue, deals and leads of every month …
        let check = desk.cell("targets", "avg_check", "value").await;
        desk.put(&[(check, json!({"numberValue": 20_000 + 500 * trial}))])
            .await;
        // … and a person types into one of those cells at that very moment.
        let month = format!("2026-{:02}", 1 + trial % 12);
        let at = desk.cell("plan_company", "leads_created", &month).await;
        let number = 5_000 + trial;
        let body = json!({"requests": [write(at, &json!({"numberValue": number}))]});
        let fault =
            json!({"kind": "person", "match": "sheets.spreadsheets.batchUpdate", "body": body});
        desk.google.queue_faults(&fault).unwrap();
        desk.refresh().await;
        let at = desk.cell("plan_company", "leads_created", &month).await;
        assert_eq!(
            desk.read(at).await,
            json!(number),
            "trial {trial}: the edit was lost"
        );
        let report = desk.refresh().await;
        assert_eq!(
            report.cells_written.0, 0,
            "trial {trial}: it is the person's now"
        );
        // Handed back for the next trial.
        desk.put(&[(at, json!({}))]).await;
        desk.refresh().await;
    }
    println!("{trials} edits between the last read and the batch, 0 lost");
}

/// A cell: tab, row and column, zero-based.
type At = (i64, i64, i64);

/// A plan file, the people and the program around it.
pub(crate) struct Desk {
    pub(crate) google: google::Google,
    /// Where the program finds Google: the simulator's own address, or a relay's.
    endpoint: String,
    portals: Vec<portal::Portal>,
    folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) company: Company,
    pub(crate) plan: String,
    pub(crate) random: StdRng,
    /// What people typed and must find again, by table, row key and column key.
    typed: BTreeMap<(String, String, String), Value>,
    /// The numbers of people that a pass has seen: what a deleted row comes back with. What nobody
    /// saw before it was deleted, and text that was never in force, is gone with the row.
    met: BTreeMap<(String, String, String), Value>,
    /// Keys of rows that somebody doubled.
    doubled: BTreeSet<(String, String)>,
    /// The people's browser.
    browser: reqwest::Client,
}

/// The two structures that the company changes between.
fn structure(variant: usize) -> (String, String) {
    let homes = [[2, 2, 3, 3, 1], [2, 3, 3, 2, 1]];
    let mut users = "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n".to_owned();
    for (index, home) in homes[variant].iter().enumerate() {
        users += &format!("{},Имя{index},Фамилия{index},true,{home}\n", 10 + index);
    }
    let departments = "ID,NAME,SORT,PARENT,UF_HEAD\n1,Компания,1,,\n2,Север,2,1,\n3,Юг,3,1,\n";
    (users, departments.to_owned())
}

async fn start_portal(variant: usize) -> portal::Portal {
    let data = tempfile::tempdir().unwrap();
    let (users, departments) = structure(variant);
    // Everybody has had to do with a lead.
    let mut leads = LEADS.to_owned();
    for user in 10..15 {
        leads += &format!(
            "{},n{user},NEW,P,WEB,100.00,RUB,{user},2026-02-02T10:00:00+03:00,2026-02-02T10:00:00+03:00,\n",
            100 + user
        );
    }
    for (name, text) in [
        ("leads.csv", leads.as_str()),
        ("deals.csv", DEALS),
        ("users.csv", &users),
        ("departments.csv", &departments),
        (
            "company.toml",
            "time_zone = \"Europe/Moscow\"\ncurrency = \"RUB\"\n",
        ),
    ] {
        std::fs::write(data.path().join(name), text).unwrap();
    }
    let options = portal::Options {
        plan: portal::Plan::Unlimited,
        ..portal::Options::default()
    };
    let company = company::Company::load(data.path()).unwrap();
    portal::Portal::start(company, options).await.unwrap()
}

pub(crate) fn connect(portal: &portal::Portal) -> Portal {
    let options = bitrix24::Options {
        webhook_url: Secret::new(&portal.webhook_url),
        ..bitrix24::Options::default()
    };
    Portal::new(&options).unwrap()
}

pub(crate) fn profile(folder: &str) -> Profile {
    Profile {
        id: "desk".to_owned(),
        name: "Ромашка".to_owned(),
        locale: "ru_RU".to_owned(),
        currency: "RUB".to_owned(),
        calendar: Calendar::new(chrono_tz::Europe::Moscow),
        junk: BTreeSet::from(["JUNK".to_owned()]),
        pipelines: None,
        seeds: TargetSeeds {
            break_even: Some("1000000".parse().unwrap()),
            profit: None,
            margin: 1.into(),
            avg_check: Some("25000".parse().unwrap()),
            conversion: Some((5, 100)),
            growth: 0.into(),
            seasonality: Seasonality::Flat,
        },
        report_template: None,
        plan_template: None,
        folder: Some(folder.to_owned()),
        grants: Vec::new(),
        as_of: Day::from_ymd_opt(2026, 3, 15),
    }
}

impl Desk {
    pub(crate) async fn new(seed: u64) -> Desk {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let portals = vec![start_portal(0).await, start_portal(1).await];
        let google = google::Google::start(google::Options {
            quotas: false,
            ..google::Options::default()
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.json");
        std::fs::write(&key, google.credentials.to_string()).unwrap();
        let endpoint = crate::relay::endpoint(&google.endpoint).await;
        let engine = Engine {
            google: Arc::new(client(&endpoint, &folder)),
            store: Arc::new(Sqlite::open(&folder.path().join("desk.db")).unwrap()),
            clock: Arc::new(planfact::clock::System),
        };
        let company = Company {
            profile: profile(&google.folder),
            portal: connect(&portals[0]),
        };
        let mut desk = Desk {
            google,
            endpoint,
            portals,
            folder,
            engine,
            company,
            plan: String::new(),
            random: StdRng::seed_from_u64(seed),
            typed: BTreeMap::new(),
            met: BTreeMap::new(),
            doubled: BTreeSet::new(),
            browser: reqwest::Client::new(),
        };
        let report = desk.refresh().await;
        desk.plan = file_id(&json!(report.files.plan.url));
        desk
    }

    /// A pass that must end well; a new client each time, because its own limits are real.
    pub(crate) async fn refresh(&mut self) -> PassReport {
        self.pass()
            .await
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    async fn pass(&mut self) -> Result<PassReport, planfact::sync::outcome::SyncError> {
        self.engine.google = Arc::new(client(&self.endpoint, &self.folder));
        let outcome = pass::run(&self.engine, &self.company, &Ask::REFRESH, &|_| {}).await;
        self.meet();
        outcome
    }

    /// A pass has looked, even if it died afterwards: it knows the numbers in rows that stand once.
    fn meet(&mut self) {
        let (typed, doubled) = (&self.typed, &self.doubled);
        let is_single =
            |key: &(String, String, String)| !doubled.contains(&(key.0.clone(), key.1.clone()));
        self.met
            .retain(|key, _| !is_single(key) || typed.contains_key(key));
        let numbers = typed
            .iter()
            .filter(|(key, value)| value.is_number() && is_single(key));
        let numbers = numbers.map(|(key, value)| (key.clone(), value.clone()));
        self.met.extend(numbers);
    }

    /// A few steps of people, then passes that may die, then one that must put everything right.
    pub(crate) async fn history(&mut self, index: u64, tally: &mut BTreeMap<&'static str, u64>) {
        for _ in 0..self.random.random_range(1..7) {
            let step = self.step().await;
            if std::env::var_os("PLANFACT_TELL").is_some() {
                println!("{index}: {step}");
            }
            *tally.entry(step).or_default() += 1;
            if self.random.random_bool(0.25) {
                self.crash(tally).await;
            }
        }
        self.undouble().await;
        let report = self.refresh().await;
        let told = &report.change.notices;
        self.check(index, told).await;
        let again = self.refresh().await;
        if again.cells_written.0 > 0 && std::env::var_os("PLANFACT_TELL").is_some() {
            println!("{index}: written again: {:?}", again.change.plan);
        }
        assert_eq!(
            again.cells_written.0, 0,
            "history {index}: a second pass writes nothing"
        );
    }

    /// A pass that dies before or after its batch reaches the spreadsheet.
    async fn crash(&mut self, tally: &mut BTreeMap<&'static str, u64>) {
        // A batch that arrived and whose answer did not is sent again; then the program is gone.
        let batch = "sheets.spreadsheets.batchUpdate";
        let gone = json!({"match": batch, "status": 400, "body": {"error": {
            "code": 400, "message": "the program died here", "status": "INVALID_ARGUMENT"}}});
        let mut faults = vec![gone];
        if self.random.random_bool(0.5) {
            faults.insert(0, json!({"match": batch, "kind": "after_apply"}));
        }
        if self.random.random_bool(0.5) {
            faults[0]["skip"] = json!(1);
        }
        self.google.queue_faults(&json!(faults)).unwrap();
        let outcome = self.pass().await;
        *tally
            .entry(if outcome.is_err() {
                "crash"
            } else {
                "survived"
            })
            .or_default() += 1;
        self.google.clear_faults();
    }

    /// One thing that a person does.
    async fn step(&mut self) -> &'static str {
        match self.random.random_range(0..16) {
            0..=4 => self.edit().await,
            5 => self.clear().await,
            6 => self.spoil().await,
            7 => self.insert("ROWS").await,
            8 => self.insert("COLUMNS").await,
            9 => self.move_row().await,
            10 => self.sort().await,
            11 => self.rename().await,
            12 => self.double().await,
            13 => self.delete_row().await,
            14 => self.delete_empty().await,
            _ => self.reorganise(),
        }
    }

    fn reorganise(&mut self) -> &'static str {
        let variant = self.random.random_range(0..self.portals.len());
        self.company.portal = connect(&self.portals[variant]);
        "reorganise"
    }

    /// A random cell of people that is addressed by one row only.
    async fn pick(&mut self) -> Option<(String, String, String, At)> {
        let table = TABLES[self.random.random_range(0..TABLES.len())];
        let block = self.block(table).await;
        let columns: Vec<(usize, String)> = block
            .header()
            .into_iter()
            .filter(|(_, key)| key == "value" || key.starts_with("2026"))
            .collect();
        let rows: Vec<(usize, String)> = block
            .keys()
            .into_iter()
            .filter(|(_, key)| table != "targets" || TARGETS.contains(&key.as_str()))
            .filter(|(_, key)| !self.doubled.contains(&(table.to_owned(), key.clone())))
            .collect();
        if rows.is_empty() || columns.is_empty() {
            return None;
        }
        let (row, row_key) = rows[self.random.random_range(0..rows.len())].clone();
        let (column, column_key) = columns[self.random.random_range(0..columns.len())].clone();
        Some((table.to_owned(), row_key, column_key, block.at(row, column)))
    }

    async fn edit(&mut self) -> &'static str {
        let Some((table, row, column, at)) = self.pick().await else {
            return "nothing";
        };
        let top = if row.contains("revenue")
            || row.contains("profit")
            || row.contains("sum")
            || row.contains("even")
        {
            3_000_000
        } else if row.contains("check") {
            90_000
        } else {
            900
        };
        let mut number = json!(self.random.random_range(1..top));
        if self.read(at).await == number {
            number = json!(top + 1);
        }
        self.put(&[(at, json!({"numberValue": number}))]).await;
        self.typed.insert((table, row, column), number);
        "edit"
    }

    async fn clear(&mut self) -> &'static str {
        let keys: Vec<_> = self.typed.keys().cloned().collect();
        if keys.is_empty() {
            return "nothing";
        }
        let key = keys[self.random.random_range(0..keys.len())].clone();
        if self.doubled.contains(&(key.0.clone(), key.1.clone())) {
            return "nothing";
        }
        let block = self.block(&key.0).await;
        // The row may have been deleted and not have come back yet.
        let Some((row, column)) = block.place(&key.1, &key.2) else {
            return "nothing";
        };
        self.put(&[(block.at(row, column), json!({}))]).await;
        self.typed.remove(&key);
        "clear"
    }

    /// Text where a number should be.
    async fn spoil(&mut self) -> &'static str {
        let Some((table, row, column, at)) = self.pick().await else {
            return "nothing";
        };
        self.put(&[(at, json!({"stringValue": "позже"}))]).await;
        self.typed.insert((table, row, column), json!("позже"));
        "text"
    }

    /// An empty row or column in the midst of a block.
    async fn insert(&mut self, dimension: &str) -> &'static str {
        let block = self.some_block().await;
        let (start, length) = match dimension {
            "ROWS" => (block.row, block.values.len() as i64),
            _ => (block.column, block.width() as i64),
        };
        let at = start + self.random.random_range(1..length.max(2));
        let range = json!({"sheetId": block.tab, "dimension": dimension, "startIndex": at, "endIndex": at + 1});
        self.batch(json!([{"insertDimension": {"range": range, "inheritFromBefore": true}}]))
            .await;
        "insert"
    }

    async fn move_row(&mut self) -> &'static str {
        let block = self.some_block().await;
        let keys = block.keys();
        if keys.len() < 3 {
            return "nothing";
        }
        let from = block.row + keys[self.random.random_range(0..keys.len())].0 as i64;
        let to = block.row + keys[self.random.random_range(1..keys.len())].0 as i64;
        if to == from || to == from + 1 {
            return "nothing";
        }
        let source = json!({"sheetId": block.tab, "dimension": "ROWS", "startIndex": from, "endIndex": from + 1});
        self.batch(json!([{"moveDimension": {"source": source, "destinationIndex": to}}]))
            .await;
        "move"
    }

    /// Sorts the rows that have keys by one of their columns.
    async fn sort(&mut self) -> &'static str {
        let block = self.some_block().await;
        let keys = block.keys();
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
            return "nothing";
        };
        let column = self.random.random_range(0..block.width()) as i64;
        let range = json!({
            "sheetId": block.tab,
            "startRowIndex": block.row + first.0 as i64, "endRowIndex": block.row + last.0 as i64 + 1,
            "startColumnIndex": block.column, "endColumnIndex": block.column + block.width() as i64,
        });
        let spec = json!([{"dimensionIndex": block.column + column, "sortOrder": "DESCENDING"}]);
        self.batch(json!([{"sortRange": {"range": range, "sortSpecs": spec}}]))
            .await;
        "sort"
    }

    async fn rename(&mut self) -> &'static str {
        let block = self.some_block().await;
        let title = format!("Лист {}", self.random.random_range(0..1_000_000));
        let properties = json!({"sheetId": block.tab, "title": title});
        self.batch(
            json!([{"updateSheetProperties": {"properties": properties, "fields": "title"}}]),
        )
        .await;
        "rename"
    }

    /// Deletes a department's or person's row: it comes back with the numbers typed into it that the
    /// program has seen.
    async fn delete_row(&mut self) -> &'static str {
        let table = TABLES[self.random.random_range(2..TABLES.len())];
        let block = self.block(table).await;
        let keys = block.keys();
        let (offset, key) = keys[self.random.random_range(0..keys.len())].clone();
        if self.doubled.contains(&(table.to_owned(), key.clone())) {
            return "nothing";
        }
        self.delete(&block, "ROWS", block.row + offset as i64).await;
        let is_gone = |at: &(String, String, String)| at.0 == table && at.1 == key;
        self.typed.retain(|at, _| !is_gone(at));
        let met = self.met.iter().filter(|(at, _)| is_gone(at));
        let met = met.map(|(at, number)| (at.clone(), number.clone()));
        self.typed.extend(met);
        "delete row"
    }

    /// Deletes a row or column of a block that holds nothing, such as one that was inserted.
    async fn delete_empty(&mut self) -> &'static str {
        let block = self.some_block().await;
        let is_blank = |value: Option<&Value>| value.is_none_or(|value| value == "");
        let mut rows = (1..block.values.len()).filter(|row| {
            let line = &block.values[*row];
            line.iter().all(|value| is_blank(Some(value)))
        });
        let mut columns = (1..block.width()).filter(|column| {
            let cells = block.values.iter().map(|row| row.get(*column));
            cells.into_iter().all(is_blank)
        });
        let at = match (rows.next_back(), columns.next_back()) {
            (Some(row), _) => ("ROWS", block.row + row as i64),
            (None, Some(column)) => ("COLUMNS", block.column + column as i64),
            (None, None) => return "nothing",
        };
        self.delete(&block, at.0, at.1).await;
        "delete empty"
    }

    async fn delete(&self, block: &Block, dimension: &str, at: i64) {
        let range = json!({"sheetId": block.tab, "dimension": dimension, "startIndex": at, "endIndex": at + 1});
        self.batch(json!([{"deleteDimension": {"range": range}}]))
            .await;
    }

    /// Copies a row with its key below itself.
    async fn double(&mut self) -> &'static str {
        let table = TABLES[self.random.random_range(1..TABLES.len())];
        let block = self.block(table).await;
        let keys = block.keys();
        if keys.is_empty() {
            return "nothing";
        }
        let (offset, key) = keys[self.random.random_range(0..keys.len())].clone();
        if !self.doubled.insert((table.to_owned(), key)) {
            return "nothing";
        }
        let row = block.row + offset as i64;
        let line = |row: i64| {
            json!({"sheetId": block.tab, "startRowIndex": row, "endRowIndex": row + 1,
                "startColumnIndex": block.column, "endColumnIndex": block.column + block.width() as i64})
        };
        let range = json!({"sheetId": block.tab, "dimension": "ROWS", "startIndex": row + 1, "endIndex": row + 2});
        self.batch(json!([
            {"insertDimension": {"range": range, "inheritFromBefore": true}},
            {"copyPaste": {"source": line(row), "destination": line(row + 1), "pasteType": "PASTE_NORMAL"}},
        ]))
        .await;
        "double"
    }

    /// Deletes the second of each doubled row, as a person does who was told.
    async fn undouble(&mut self) {
        for (table, key) in std::mem::take(&mut self.doubled) {
            let block = self.block(&table).await;
            let rows = block.keys().into_iter().filter(|(_, other)| *other == key);
            if let Some((offset, _)) = rows.skip(1).last() {
                let row = block.row + offset as i64;
                let range = json!({"sheetId": block.tab, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1});
                self.batch(json!([{"deleteDimension": {"range": range}}]))
                    .await;
            }
        }
    }

    /// The oracle.
    pub(crate) async fn check(&self, index: u64, told: &[String]) {
        let named = self.named().await;
        let mut blocks = BTreeMap::new();
        for table in TABLES {
            blocks.insert(table, self.block_of(table, &named).await);
        }
        for ((table, row, column), value) in &self.typed {
            let block = &blocks[table.as_str()];
            let found = block.find(row, column);
            if found.as_ref() != Some(value) && std::env::var_os("PLANFACT_TELL").is_some() {
                println!("{table} at row {}, column {}:", block.row, block.column);
                for line in &block.values {
                    println!("  {}", json!(line));
                }
            }
            assert_eq!(
                found.as_ref(),
                Some(value),
                "history {index}: {table}/{row}/{column} was lost; told: {told:?}"
            );
        }
        self.check_chain(index, &blocks);
        check_tree(index, &blocks, told);
    }

    /// The company's months where nobody interfered: `⌈revenue / check⌉`, `⌈revenue / check / 5 %⌉`.
    fn check_chain(&self, index: u64, blocks: &BTreeMap<&str, Block>) {
        let (targets, plan) = (&blocks["targets"], &blocks["plan_company"]);
        let is_typed = |row: &str, column: &str| {
            let key = ("plan_company".to_owned(), row.to_owned(), column.to_owned());
            self.typed.contains_key(&key)
        };
        let Some(check) = targets
            .find("avg_check", "value")
            .and_then(|value| value.as_i64())
        else {
            return;
        };
        for month in 1..=12 {
            let column = format!("2026-{month:02}");
            let is_free = |row: &str| !is_typed(row, &column) && !is_typed(row, "2026");
            let revenue = plan
                .find("revenue", &column)
                .and_then(|value| value.as_f64());
            let Some(kopecks) = revenue.map(|revenue| (revenue * 100.0).round() as i128) else {
                continue;
            };
            let ceiling = |a: i128, b: i128| a.div_euclid(b) + i128::from(a.rem_euclid(b) > 0);
            let number = |row: &str| plan.find(row, &column).and_then(|value| value.as_f64());
            if is_free("deals_won") {
                let deals = ceiling(kopecks, i128::from(check) * 100);
                assert_eq!(
                    number("deals_won"),
                    Some(deals as f64),
                    "history {index}: deals of {column}"
                );
                if is_free("leads_created") {
                    let leads = ceiling(kopecks * 100, i128::from(check) * 100 * 5);
                    assert_eq!(
                        number("leads_created"),
                        Some(leads as f64),
                        "history {index}: leads of {column}"
                    );
                }
            }
        }
    }

    async fn some_block(&mut self) -> Block {
        let table = TABLES[self.random.random_range(0..TABLES.len())];
        self.block(table).await
    }

    /// A table's block as it stands in the sheet now.
    async fn block(&self, table: &str) -> Block {
        let named = self.named().await;
        self.block_of(table, &named).await
    }

    /// The file's named ranges.
    async fn named(&self) -> Vec<Value> {
        let path = format!("/v4/spreadsheets/{}?fields=namedRanges", self.plan);
        let meta = self.ask(reqwest::Method::GET, &path, None).await;
        meta["namedRanges"].as_array().unwrap().clone()
    }

    async fn block_of(&self, table: &str, named: &[Value]) -> Block {
        let range = &named.iter().find(|one| one["name"] == table).unwrap()["range"];
        let path = format!(
            "/v4/spreadsheets/{}/values/{table}?valueRenderOption=UNFORMATTED_VALUE",
            self.plan
        );
        let values = self.ask(reqwest::Method::GET, &path, None).await;
        let rows = values["values"].as_array().cloned().unwrap_or_default();
        Block {
            tab: range["sheetId"].as_i64().unwrap_or(0),
            row: range["startRowIndex"].as_i64().unwrap_or(0),
            column: range["startColumnIndex"].as_i64().unwrap_or(0),
            values: rows
                .into_iter()
                .map(|row| row.as_array().cloned().unwrap_or_default())
                .collect(),
        }
    }

    async fn cell(&self, table: &str, row: &str, column: &str) -> At {
        let block = self.block(table).await;
        let place = block.place(row, column);
        let (row, column) = place.unwrap_or_else(|| panic!("{table}/{row}/{column} is nowhere"));
        block.at(row, column)
    }

    async fn read(&self, (tab, row, column): At) -> Value {
        let range = json!({"sheetId": tab, "startRowIndex": row, "endRowIndex": row + 1,
            "startColumnIndex": column, "endColumnIndex": column + 1});
        let body = json!({"dataFilters": [{"gridRange": range}], "valueRenderOption": "UNFORMATTED_VALUE"});
        let path = format!("/v4/spreadsheets/{}/values:batchGetByDataFilter", self.plan);
        let answer = self.ask(reqwest::Method::POST, &path, Some(body)).await;
        answer["valueRanges"][0]["valueRange"]["values"][0][0].clone()
    }

    async fn put(&self, cells: &[(At, Value)]) {
        let requests: Vec<Value> = cells.iter().map(|(at, value)| write(*at, value)).collect();
        self.batch(json!(requests)).await;
    }

    async fn batch(&self, requests: Value) {
        let path = format!("/v4/spreadsheets/{}:batchUpdate", self.plan);
        let body = json!({"requests": requests});
        if std::env::var_os("PLANFACT_TELL").is_some() {
            println!("  {}", body["requests"]);
        }
        self.ask(reqwest::Method::POST, &path, Some(body)).await;
    }

    pub(crate) async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let mut request = self
            .browser
            .request(method, format!("{}{path}", self.google.endpoint))
            .header("Authorization", "Bearer person:owner@example.com");
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let value: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {value} for {body:?}");
        value
    }
}

fn client(endpoint: &str, folder: &tempfile::TempDir) -> Google {
    Google::new(&Options {
        credentials: folder.path().join("key.json"),
        endpoint: Some(endpoint.parse().unwrap()),
        subject: None,
    })
    .unwrap()
}

fn write((tab, row, column): At, value: &Value) -> Value {
    json!({"updateCells": {
        "start": {"sheetId": tab, "rowIndex": row, "columnIndex": column},
        "rows": [{"values": [{"userEnteredValue": value}]}],
        "fields": "userEnteredValue",
    }})
}

/// Every department's and person's number adds up to the one above, unless the program said that it
/// cannot.
fn check_tree(index: u64, blocks: &BTreeMap<&str, Block>, told: &[String]) {
    if !told.is_empty() {
        return;
    }
    let (plan, departments) = (&blocks["plan_company"], &blocks["plan_department"]);
    let people = &blocks["plan_employee"];
    for indicator in ["revenue", "deals_won", "leads_created"] {
        for month in 1..=12 {
            let column = format!("2026-{month:02}");
            let sum = |block: &Block, key: &str| {
                let rows = block.keys().into_iter().map(|(_, row)| row);
                let rows = rows
                    .filter(|row| row.starts_with(key) && row.ends_with(&format!("/{indicator}")));
                rows.filter_map(|row| block.find(&row, &column)?.as_f64())
                    .sum::<f64>()
            };
            let Some(whole) = plan
                .find(indicator, &column)
                .and_then(|value| value.as_f64())
            else {
                continue;
            };
            let parts = sum(people, "user:");
            assert!(
                (parts - whole).abs() < 0.001,
                "history {index}: {indicator} {column}: {parts} of {whole}"
            );
            let direct = people.find(&format!("user:14/{indicator}"), &column);
            let direct = direct.and_then(|value| value.as_f64()).unwrap_or_default();
            let parts = sum(departments, "dept:") + direct;
            assert!(
                (parts - whole).abs() < 0.001,
                "history {index}: {indicator} {column}: {parts} of {whole}"
            );
        }
    }
}

/// A table's block.
struct Block {
    tab: i64,
    row: i64,
    column: i64,
    values: Vec<Vec<Value>>,
}

impl Block {
    fn width(&self) -> usize {
        self.values.iter().map(Vec::len).max().unwrap_or(1)
    }

    /// The row of the block that holds the column keys.
    fn key_row(&self) -> usize {
        let is_key = |value: &&Value| {
            value
                .as_str()
                .is_some_and(|text| text == "value" || text.starts_with("2026-"))
        };
        let hits = |row: &Vec<Value>| row.iter().filter(is_key).count();
        let best =
            (0..self.values.len()).max_by_key(|row| (hits(&self.values[*row]), usize::MAX - row));
        best.unwrap_or(0)
    }

    fn header(&self) -> Vec<(usize, String)> {
        let row = self.values[self.key_row()].iter().enumerate();
        row.filter_map(|(index, value)| Some((index, value.as_str()?.to_owned())))
            .collect()
    }

    fn key_column(&self) -> usize {
        let header = self.header();
        header
            .iter()
            .find(|(_, key)| key == "key")
            .map_or(0, |(index, _)| *index)
    }

    fn keys(&self) -> Vec<(usize, String)> {
        let (head, column) = (self.key_row(), self.key_column());
        let rows = self
            .values
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != head);
        rows.filter_map(|(index, row)| Some((index, row.get(column)?.as_str()?.to_owned())))
            .filter(|(_, key)| !key.is_empty())
            .collect()
    }

    fn place(&self, row: &str, column: &str) -> Option<(usize, usize)> {
        let row = self.keys().into_iter().find(|(_, key)| key == row)?.0;
        let column = self.header().into_iter().find(|(_, key)| key == column)?.0;
        Some((row, column))
    }

    fn find(&self, row: &str, column: &str) -> Option<Value> {
        let (row, column) = self.place(row, column)?;
        self.values.get(row)?.get(column).cloned()
    }

    fn at(&self, row: usize, column: usize) -> At {
        (self.tab, self.row + row as i64, self.column + column as i64)
    }
}
