//! A company whose passes are disturbed: its files as people see them, the states that a calm cycle
//! knows, and what has to hold after a disturbance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use planfact::google::{Google, Options, Patience};
use planfact::retry::Policy;
use planfact::sheet::edit::Edit;
use planfact::sheet::template::KEEPER_TAB;
use planfact::store::Sqlite;
use planfact::sync::copy::{self, Lay};
use planfact::sync::outcome::SyncError;
use planfact::sync::pass::{self, Ask, PassReport, Reach};
use planfact::sync::{Company, Engine};
use serde_json::Value;

use crate::histories::{connect, profile};
use crate::world::World;

/// The year of the plan.
pub(crate) const YEAR: i32 = 2026;
/// Rows of the status tables that tell of the pass and not of the company.
pub(crate) const OF_THE_PASS: [&str; 8] = [
    "refreshed_at",
    "refreshed_at_text",
    "requests_portal",
    "requests_google",
    "pass_number",
    "seconds",
    "as_of_text",
    "next_run_text",
];

/// Patient as a daemon, with nothing to wait for.
pub(crate) const HASTY: Patience = Patience {
    tries: Policy {
        attempts_max: 4,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(2),
        total_max: Duration::from_secs(30),
    },
    quota_pause: Duration::from_millis(20),
    ..Patience::PRODUCTION
};
/// Tries once, so that a fault is where the program dies.
pub(crate) const ONCE: Patience = Patience {
    tries: Policy::ONCE,
    ..HASTY
};
/// A company with its memory, whose Google client is made anew for each pass.
pub(crate) struct Shop<'a> {
    pub(crate) world: &'a World,
    pub(crate) engine: Engine,
    pub(crate) company: Company,
}

impl Shop<'_> {
    pub(crate) fn new<'a>(world: &'a World, id: &str) -> Shop<'a> {
        let path = world.folder.path().join(format!("{id}.db"));
        let mut profile = profile(&world.google.folder);
        profile.id = id.to_owned();
        Shop {
            engine: Engine {
                google: Arc::new(client(world, HASTY)),
                store: Arc::new(Sqlite::open(&path).unwrap()),
                clock: Arc::new(planfact::clock::System),
            },
            company: Company {
                profile,
                portal: connect(&world.portal),
            },
            world,
        }
    }

    pub(crate) async fn pass(&self, reach: Reach) -> Result<PassReport, SyncError> {
        let ask = Ask {
            reach,
            ..Ask::REFRESH
        };
        pass::run(&self.engine, &self.company, &ask, &|_| {}).await
    }

    /// A refresh by a client of its own that must end well.
    pub(crate) async fn refresh(&mut self, what: &str) -> PassReport {
        self.engine.google = Arc::new(client(self.world, HASTY));
        let done = self.pass(Reach::All).await;
        done.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Copy, plan, refresh by one client; how many requests they took, when they end well. Between
    /// them `look` is called.
    pub(crate) async fn cycle(&mut self, patience: Patience) -> Result<(), SyncError> {
        self.engine.google = Arc::new(client(self.world, patience));
        self.copy().await?;
        self.pass(Reach::Plan).await?;
        self.pass(Reach::All).await.map(drop)
    }

    pub(crate) async fn copy(&self) -> Result<(), SyncError> {
        let profile = &self.company.profile;
        copy::ensure(&self.engine, profile, YEAR, Lay::Over)
            .await
            .map(drop)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.engine.google.requests().iter().map(|(_, n)| n).sum()
    }

    /// The company's files by role, as Drive has them.
    pub(crate) async fn files(&self) -> BTreeMap<String, Vec<String>> {
        let id = &self.company.profile.id;
        marked(self.world, "planfact_company", id, "planfact_role").await
    }

    /// What each of the company's files shows.
    pub(crate) async fn state(&self) -> BTreeMap<String, State> {
        let mut all = BTreeMap::new();
        for (role, ids) in self.files().await {
            assert_eq!(ids.len(), 1, "{role} is there {} times", ids.len());
            all.insert(role, State::read(self.world, &ids[0]).await);
        }
        all
    }
}

pub(crate) fn client(world: &World, patience: Patience) -> Google {
    let options = Options {
        credentials: world.folder.path().join("key.json"),
        endpoint: Some(world.endpoint.parse().unwrap()),
        subject: None,
    };
    Google::with(&options, patience, Box::new(planfact::clock::System)).unwrap()
}

/// Files that carry a mark, by another mark.
pub(crate) async fn marked(
    world: &World,
    key: &str,
    value: &str,
    by: &str,
) -> BTreeMap<String, Vec<String>> {
    let query =
        format!("appProperties has {{ key='{key}' and value='{value}' }} and trashed=false");
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!(
        "/drive/v3/files?q={query}&supportsAllDrives=true&includeItemsFromAllDrives=true\
         &fields=files(id,appProperties)"
    );
    let answer = world.as_person(reqwest::Method::GET, &path, None).await;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in answer["files"].as_array().into_iter().flatten() {
        let by = file["appProperties"][by].as_str().unwrap_or_default();
        let id = file["id"].as_str().unwrap().to_owned();
        found.entry(by.to_owned()).or_default().push(id);
    }
    found
}

/// One tab: what was entered, without what tells of the pass; its stamp; what the charts that hang
/// there draw from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tab {
    pub(crate) cells: Vec<String>,
    pub(crate) stamp: Option<String>,
    pub(crate) charts: Vec<String>,
}

/// One file: its tabs by title, and its names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) tabs: BTreeMap<String, Tab>,
    pub(crate) names: BTreeSet<String>,
}

impl State {
    pub(crate) async fn read(world: &World, file: &str) -> State {
        let path = format!(
            "/v4/spreadsheets/{file}?includeGridData=true&fields=namedRanges.name,\
             sheets(properties(sheetId,title),\
             charts.spec.basicChart(domains.domain,series.series),\
             data.rowData.values(userEnteredValue,note))"
        );
        let book = world.as_person(reqwest::Method::GET, &path, None).await;
        let names: Vec<String> = book["namedRanges"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name["name"].as_str().unwrap().to_owned())
            .collect();
        let set: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(set.len(), names.len(), "a name stands twice");
        let mut tabs = BTreeMap::new();
        for sheet in book["sheets"].as_array().unwrap() {
            if sheet["properties"]["sheetId"] == KEEPER_TAB {
                continue;
            }
            let title = sheet["properties"]["title"].as_str().unwrap().to_owned();
            assert!(
                tabs.insert(title.clone(), Tab::read(sheet)).is_none(),
                "{title} is doubled"
            );
        }
        State { tabs, names: set }
    }
}

impl Tab {
    pub(crate) fn read(sheet: &Value) -> Tab {
        let mut cells = Vec::new();
        let rows = sheet["data"][0]["rowData"].as_array();
        for (row, line) in rows.into_iter().flatten().enumerate() {
            let values = line["values"].as_array().map_or(&[][..], Vec::as_slice);
            let entered = |value: &Value| value["userEnteredValue"].clone();
            let key = values
                .iter()
                .map(entered)
                .find_map(|value| value["stringValue"].as_str().map(str::to_owned));
            if key.is_some_and(|key| OF_THE_PASS.contains(&key.as_str())) {
                continue;
            }
            for (column, value) in values.iter().enumerate() {
                let value = entered(value);
                if !value.is_null() {
                    cells.push(format!("{row},{column}: {value}"));
                }
            }
        }
        let notes = rows.into_iter().flatten().flat_map(|line| {
            let values = line["values"].as_array().into_iter().flatten();
            values.filter_map(|value| value["note"].as_str())
        });
        // A stamp is a moment and the number of the pass.
        let mut stamps = notes.filter(|note| note.contains(" #") && note.starts_with("20"));
        let mut charts: Vec<String> = sheet["charts"]
            .as_array()
            .into_iter()
            .flatten()
            .map(Value::to_string)
            .collect();
        charts.sort();
        Tab {
            cells,
            stamp: stamps.next().map(str::to_owned),
            charts,
        }
    }
}

/// The states that a calm cycle passes through, and the last of them.
pub(crate) struct Calm {
    /// By role; the older first.
    pub(crate) states: Vec<BTreeMap<String, State>>,
    pub(crate) requests: u64,
}

impl Calm {
    pub(crate) fn last(&self) -> &BTreeMap<String, State> {
        self.states.last().unwrap()
    }

    /// Each tab is one of those that the calm cycle knows, and its stamp goes with it.
    pub(crate) fn check(&self, seen: &BTreeMap<String, State>, what: &str) {
        for (role, state) in seen {
            let known: Vec<&State> = self.states.iter().filter_map(|one| one.get(role)).collect();
            let last = &self.last()[role];
            assert_eq!(state.names, last.names, "{what}: names of {role}");
            let titles = |state: &State| state.tabs.keys().cloned().collect::<Vec<_>>();
            assert_eq!(titles(state), titles(last), "{what}: tabs of {role}");
            for (title, tab) in &state.tabs {
                let place = format!("{what}: {role} «{title}»");
                assert_eq!(tab.charts, last.tabs[title].charts, "{place}: charts");
                let same: Vec<&Tab> = known
                    .iter()
                    .filter_map(|state| state.tabs.get(title))
                    .filter(|calm| calm.cells == tab.cells)
                    .collect();
                assert!(
                    !same.is_empty(),
                    "{place} is neither as it was nor as it should be"
                );
                // A stamp stands there where the calm one has one, and only there.
                let stamped = |tab: &Tab| tab.stamp.is_some();
                let fits = same.iter().any(|calm| stamped(calm) == stamped(tab));
                assert!(fits, "{place}: its stamp {:?} is not its own", tab.stamp);
            }
        }
    }

    /// Everything is as after the calm cycle.
    pub(crate) fn check_last(&self, seen: &BTreeMap<String, State>, what: &str) {
        let roles = |state: &BTreeMap<String, State>| state.keys().cloned().collect::<Vec<_>>();
        assert_eq!(roles(seen), roles(self.last()), "{what}: files");
        for (role, state) in seen {
            for (title, tab) in &state.tabs {
                let calm = &self.last()[role].tabs[title];
                assert_eq!(tab.cells, calm.cells, "{what}: {role} «{title}»");
                assert_eq!(tab.charts, calm.charts, "{what}: {role} «{title}»");
                assert_eq!(
                    tab.stamp.is_some(),
                    calm.stamp.is_some(),
                    "{what}: {role} «{title}» {:?}",
                    tab.stamp
                );
            }
        }
    }
}

/// What follows a faulted cycle: a pass that puts everything right, and one that has nothing to do.
pub(crate) async fn heals(shop: &mut Shop<'_>, calm: &Calm, what: &str) {
    shop.world.google.clear_faults();
    shop.refresh(what).await;
    let mut seen = shop.state().await;
    // A calm state may know of one file alone.
    seen.retain(|role, _| calm.last().contains_key(role));
    calm.check_last(&seen, what);
    let idle = shop.refresh(what).await;
    assert_eq!(idle.cells_written.0, 0, "{what}: the plan is written again");
    // Of the report only what says how fresh it is: a handful of cells of one tab.
    let tabs: BTreeSet<i64> = idle.change.report.iter().filter_map(tab_of).collect();
    assert!(
        tabs.len() <= 1 && idle.cells_written.1 <= 10,
        "{what}: {:?}",
        idle.change.report
    );
    let asked = |method: &str| {
        let asked = idle.google_requests.iter();
        asked
            .filter(|(id, _)| id == method)
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    assert!(asked("sheets.spreadsheets.batchUpdate") <= 1, "{what}");
    assert_eq!(
        asked("drive.files.copy") + asked("drive.files.create"),
        0,
        "{what}"
    );
}

/// The tab whose values an edit changes; `-1` for any other edit.
pub(crate) fn tab_of(edit: &Edit) -> Option<i64> {
    match edit {
        Edit::Write { tab, .. } => Some(*tab),
        _ => Some(-1),
    }
}

/// Whether every pair is tried in this run.
pub(crate) fn is_whole() -> bool {
    std::env::var("PLANFACT_FAULTS").is_ok_and(|which| which == "all")
}

/// Whether a pair is tried in this run, when one of `sample` is.
pub(crate) fn is_tried(pair: u64, sample: u64) -> bool {
    let seed: u64 = std::env::var("PLANFACT_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2026);
    is_whole() || pair % sample == seed % sample
}
