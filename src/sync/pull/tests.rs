//! Pulls from a small portal, written from the documentation, that records what it is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::bitrix24::{Kind, Options, Secret};
use crate::retry::Policy;
use crate::store::Sqlite;

/// A row of the portal's tables: when it was changed, its fields besides.
type Rows = std::collections::BTreeMap<u64, (DateTime<FixedOffset>, Value)>;

/// A small portal, written from the documentation, which records what it is asked.
struct Table {
    leads: Rows,
    deals: Rows,
    now: DateTime<FixedOffset>,
    admin: bool,
    mode: u64,
    ignores_dates: bool,
    /// Leads that are there and may not be seen.
    hidden: std::collections::BTreeSet<u64>,
    /// Stages of these pipelines are listed; the pipelines themselves are 0 and 4.
    pipelines_with_stages: Vec<u64>,
    /// From this request on the webhook is refused.
    refuses_from: usize,
    asked: Vec<String>,
    requests: usize,
}

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).expect("a time")
}

/// Noon of the first of March in Moscow, and some minutes.
fn minute(minutes: i64) -> DateTime<FixedOffset> {
    at("2026-03-01T12:00:00+03:00") + TimeDelta::minutes(minutes)
}

impl Table {
    fn new(leads: impl IntoIterator<Item = u64>, deals: impl IntoIterator<Item = u64>) -> Table {
        let old = minute(-1_000);
        let lead = json!({"STATUS_ID": "NEW", "STATUS_SEMANTIC_ID": "P"});
        let deal = json!({"STAGE_ID": "NEW", "STAGE_SEMANTIC_ID": "P", "CATEGORY_ID": "0"});
        Table {
            leads: leads
                .into_iter()
                .map(|id| (id, (old, lead.clone())))
                .collect(),
            deals: deals
                .into_iter()
                .map(|id| (id, (old, deal.clone())))
                .collect(),
            now: minute(0),
            admin: true,
            mode: 1,
            ignores_dates: false,
            hidden: std::collections::BTreeSet::new(),
            pipelines_with_stages: Vec::new(),
            refuses_from: usize::MAX,
            asked: Vec::new(),
            requests: 0,
        }
    }

    fn change(&mut self, ids: impl IntoIterator<Item = u64>, when: DateTime<FixedOffset>) {
        for id in ids {
            let fields = json!({"STATUS_ID": "JUNK", "STATUS_SEMANTIC_ID": "F"});
            self.leads.insert(id, (when, fields));
        }
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        self.requests += 1;
        if self.requests >= self.refuses_from {
            let body = json!({"error": "INVALID_CREDENTIALS", "error_description": "no"});
            return ResponseTemplate::new(401).set_body_json(body);
        }
        let body: Value = request.body_json().expect("JSON");
        let mut results: Map<String, Value> = Map::new();
        let mut errors: Map<String, Value> = Map::new();
        for (key, text) in body["cmd"].as_object().expect("commands") {
            let text = text.as_str().expect("a command");
            let (name, query) = text.split_once('?').unwrap_or((text, ""));
            let params = params(query, &results);
            self.asked.push(format!("{name} {params:?}"));
            let value = self.result(name, &params);
            match value.get("error") {
                Some(_) => errors.insert(key.clone(), value),
                None => results.insert(key.clone(), value),
            };
        }
        let time = json!({"date_start": self.now.to_rfc3339()});
        let parts = json!({"result": results, "result_error": errors});
        let body = json!({"result": parts, "time": time});
        ResponseTemplate::new(200).set_body_json(body)
    }

    fn result(&self, name: &str, params: &HashMap<String, String>) -> Value {
        let rows = match name {
            "crm.lead.list" => &self.leads,
            "crm.deal.list" => &self.deals,
            "profile" => return json!({"ID": "1", "ADMIN": self.admin}),
            "crm.settings.mode.get" => return json!(self.mode),
            "server.time" => return json!(self.now.to_rfc3339()),
            "user.get" => return json!([{"ID": "1", "NAME": "Анна", "ACTIVE": true}]),
            "crm.category.list" => {
                return json!({"categories": [{"id": 0, "name": "A"}, {"id": 4, "name": "B"}]});
            }
            "crm.status.list" => {
                let stages = self.pipelines_with_stages.iter().map(|id| {
                    json!({"ENTITY_ID": format!("DEAL_STAGE_{id}"), "STATUS_ID": "X", "NAME": "X"})
                });
                return stages.collect();
            }
            "crm.lead.get" => {
                let id: u64 = params["id"].parse().expect("an id");
                let sentence = match (self.leads.contains_key(&id), self.hidden.contains(&id)) {
                    (false, _) => "Not found",
                    (true, true) => "Access denied.",
                    (true, false) => return json!({"ID": id.to_string()}),
                };
                return json!({"error": "", "error_description": sentence});
            }
            _ => return json!([]),
        };
        let bound = |key: &str| params.get(key).and_then(|text| text.parse::<u64>().ok());
        let after = bound("filter[>ID]").unwrap_or(0);
        let upto = bound("filter[<=ID]").unwrap_or(u64::MAX);
        let since = params.get("filter[>=DATE_MODIFY]").map(|text| at(text));
        let since = since.filter(|_| !self.ignores_dates);
        let mut found: Vec<Value> = rows
            .iter()
            .filter(|(id, (when, _))| {
                let seen = name != "crm.lead.list" || !self.hidden.contains(id);
                let inside = **id > after && **id <= upto;
                seen && inside && since.is_none_or(|since| *when >= since)
            })
            .map(|(id, (when, fields))| {
                let mut row = json!({
                    "ID": id.to_string(), "DATE_CREATE": "2026-01-01T00:00:00+03:00",
                    "DATE_MODIFY": when.to_rfc3339(), "OPPORTUNITY": "10.00",
                    "CURRENCY_ID": "RUB", "ASSIGNED_BY_ID": "1"
                });
                let more = fields.as_object().expect("fields").clone();
                row.as_object_mut().expect("a row").extend(more);
                row
            })
            .collect();
        if params.get("order[ID]").map(String::as_str) == Some("DESC") {
            found.reverse();
        }
        found.truncate(50);
        Value::Array(found)
    }
}

/// Parameters as PHP reads them: split at the first `=`, decoded, references replaced.
fn params(query: &str, results: &Map<String, Value>) -> HashMap<String, String> {
    let decode = |text: &str| {
        let text = percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .expect("UTF-8");
        match text
            .strip_prefix("$result[")
            .and_then(|rest| rest.split_once(']'))
        {
            None => text.into_owned(),
            Some((key, _)) => {
                let id = results.get(key).and_then(|page| page.pointer("/49/ID"));
                id.and_then(Value::as_str).unwrap_or_default().to_owned()
            }
        }
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// A running portal, its table, and a store.
struct Scene {
    _server: MockServer,
    table: Arc<Mutex<Table>>,
    portal: Portal,
    store: Sqlite,
}

impl Scene {
    async fn new(table: Table) -> Scene {
        let table = Arc::new(Mutex::new(table));
        let server = MockServer::start().await;
        let answering = Arc::clone(&table);
        Mock::given(method("POST"))
            .respond_with(move |r: &Request| answering.lock().expect("a table").answer(r))
            .mount(&server)
            .await;
        let options = Options {
            webhook_url: Secret::new(format!("{}/rest/1/code/", server.uri())),
            batches_in_flight: 1,
            ..Options::default()
        };
        let portal = Portal::new(&options)
            .expect("a portal")
            .with_policy(Policy::ONCE);
        let store = Sqlite::in_memory().expect("a store");
        Scene {
            _server: server,
            table,
            portal,
            store,
        }
    }

    async fn pull(&self) -> Result<PullSummary, PullError> {
        pull(
            &self.portal,
            &self.store,
            "acme",
            minute(0).to_utc(),
            &|_| {},
        )
        .await
    }

    async fn pulled(&self) -> PullSummary {
        self.pull().await.expect("a pull")
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().expect("a table")
    }

    fn counts(&self) -> (u64, u64, u64) {
        self.store.counts("acme").expect("counts")
    }

    fn cursor(&self, name: &str) -> Option<String> {
        self.store.cursor("acme", name).expect("a cursor")
    }

    /// Commands of lead lists since the last call, without those of the opening.
    fn windows_asked(&self) -> Vec<u64> {
        let asked = std::mem::take(&mut self.table().asked);
        let of_windows = asked.iter().filter(|text| text.contains("filter[<=ID]"));
        let after = of_windows.filter(|text| text.starts_with("crm.lead.list"));
        let numbers = after.filter_map(|text| {
            text.split("\"filter[>ID]\": \"")
                .nth(1)?
                .split('"')
                .next()?
                .parse()
                .ok()
        });
        numbers.collect()
    }
}

#[tokio::test]
async fn the_first_pull_loads_all_and_a_quiet_one_is_one_request() {
    let scene = Scene::new(Table::new((1..=300).map(|n| n * 2), 1_000..1_120)).await;
    let summary = scene.pulled().await;
    assert!(summary.first_load);
    assert_eq!(
        (summary.leads, summary.deals, summary.rejects),
        (300, 120, 0)
    );
    // The opening, leads with deals, product rows.
    assert_eq!((summary.requests, summary.warnings), (3, vec![]));
    assert!(summary.bound_seconds.abs() < f64::EPSILON);
    assert_eq!(scene.counts(), (300, 120, 0));
    assert_eq!(
        scene.cursor(SINCE).as_deref(),
        Some("2026-03-01T12:00:00+03:00")
    );

    scene.table().now = minute(60);
    let summary = scene.pulled().await;
    assert!(!summary.first_load);
    assert_eq!((summary.leads, summary.deals, summary.requests), (0, 0, 1));
    assert_eq!(scene.counts(), (300, 120, 0));
    assert_eq!(
        scene.cursor(SINCE).as_deref(),
        Some("2026-03-01T13:00:00+03:00")
    );
}

#[tokio::test]
async fn changes_and_new_records_are_found_with_an_overlap() {
    let scene = Scene::new(Table::new(1..=400, [])).await;
    scene.pulled().await;
    {
        let mut table = scene.table();
        table.now = minute(60);
        // Inside the overlap; new; far more than the opening's pages hold.
        table.change([1], minute(-9));
        table.change(401..=700, minute(30));
    }
    let summary = scene.pulled().await;
    assert_eq!((summary.leads, summary.requests), (301, 2));
    assert_eq!(scene.counts(), (700, 0, 0));
    let mut changed = 0;
    let count = &mut |row: crate::domain::fact::LeadRow| {
        changed += u32::from(row.semantics == crate::domain::crm::Semantics::Failure);
    };
    scene.store.each_lead("acme", count).expect("leads");
    assert_eq!(changed, 301);
}

#[tokio::test]
async fn a_load_that_was_cut_off_goes_on_where_it_stopped_and_misses_no_change() {
    let scene = Scene::new(Table::new(1..=6_000, 1..=10)).await;
    scene.table().refuses_from = 3;
    let Err(PullError::Portal(error)) = scene.pull().await else {
        panic!("refused")
    };
    assert_eq!(error.kind, Kind::NeedsHuman);
    // 8 pages with the opening request, 50 windows with the next one.
    assert_eq!(scene.counts(), (2_900, 0, 0));
    assert_eq!(scene.cursor("leads:next_id").as_deref(), Some("2901"));
    assert_eq!(scene.cursor(SINCE), None);
    {
        let mut table = scene.table();
        table.refuses_from = usize::MAX;
        table.now = minute(120);
        table.change([7], minute(60));
    }
    scene.windows_asked();
    let summary = scene.pulled().await;
    assert!(summary.first_load);
    assert_eq!((summary.leads, summary.deals), (3_100, 10));
    // 8 pages with this opening, too.
    assert_eq!(scene.windows_asked().into_iter().min(), Some(3_300));
    assert_eq!(scene.counts(), (6_000, 10, 0));
    // The change in the part stored before is found, because changes count from the first try.
    assert_eq!(
        scene.cursor(SINCE).as_deref(),
        Some("2026-03-01T12:00:00+03:00")
    );
    assert_eq!(scene.pulled().await.leads, 1);
}

#[tokio::test]
async fn a_portal_that_ignores_dates_is_filtered_here_and_told_of() {
    let scene = Scene::new(Table::new(1..=200, [])).await;
    scene.pulled().await;
    {
        let mut table = scene.table();
        table.now = minute(60);
        table.ignores_dates = true;
        table.change([5, 199], minute(30));
    }
    let summary = scene.pulled().await;
    assert_eq!(summary.leads, 2);
    assert_eq!(summary.warnings, [PullWarning::FilterIgnored { rows: 198 }]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_cost_the_rest() {
    let mut table = Table::new(1..=5, []);
    let bad = json!({"STATUS_ID": "NEW", "STATUS_SEMANTIC_ID": "P", "DATE_CREATE": "soon"});
    table.leads.insert(3, (minute(-5), bad));
    table
        .leads
        .insert(4, (minute(-5), json!({"STATUS_ID": "UNKNOWN"})));
    let scene = Scene::new(table).await;
    let summary = scene.pulled().await;
    assert_eq!((summary.leads, summary.rejects), (3, 2));
    assert_eq!(scene.counts(), (3, 0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_owner_should_know_is_told_and_progress_reaches_its_end() {
    let mut table = Table::new(1..=120, [9]);
    (table.admin, table.mode) = (false, 2);
    let scene = Scene::new(table).await;
    let seen = Mutex::new(Vec::new());
    let progress = |p: PullProgress| seen.lock().expect("a list").push(p);
    let work = pull(
        &scene.portal,
        &scene.store,
        "acme",
        minute(0).to_utc(),
        &progress,
    );
    let summary = assert_send(work).await.expect("a pull");
    assert_eq!(
        summary.warnings,
        [PullWarning::NotAdmin, PullWarning::SimpleMode]
    );
    let last = *seen.lock().expect("a list").last().expect("progress");
    let end = PullProgress {
        first_load: true,
        done: 121,
        total: 121,
        leads: 120,
        deals: 1,
        requests: 2,
    };
    assert_eq!(last, end);
}

/// The engine may run a pull on any thread.
fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn an_empty_crm_is_no_error() {
    let scene = Scene::new(Table::new([], [])).await;
    assert_eq!(scene.pulled().await.requests, 1);
    assert_eq!(scene.pulled().await.requests, 1);
    assert_eq!(scene.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_lost_right_keeps_the_record_and_is_told_until_it_is_given_back() {
    let scene = Scene::new(Table::new(1..=120, [])).await;
    scene.pulled().await;
    {
        let mut table = scene.table();
        table.now = minute(60 * 24);
        table.leads.remove(&5);
        table.hidden.extend([7, 8]);
    }
    let night = scene.pulled().await;
    assert_eq!((night.gone, night.healed), (1, 0));
    assert_eq!(night.warnings, [PullWarning::HiddenRows { rows: 2 }]);
    assert_eq!(scene.counts(), (119, 0, 0));
    // Told at every pass, though it is looked for once a night.
    scene.table().now = minute(60 * 25);
    let day = scene.pulled().await;
    assert_eq!((day.settle_requests, day.requests), (0, 1));
    assert_eq!(day.warnings, [PullWarning::HiddenRows { rows: 2 }]);
    {
        let mut table = scene.table();
        table.now = minute(60 * 48);
        table.hidden.clear();
    }
    assert_eq!(scene.pulled().await.warnings, []);
    assert_eq!(scene.counts(), (119, 0, 0));
}

#[tokio::test]
async fn a_record_that_comes_into_sight_without_a_change_is_found() {
    let mut table = Table::new(1..=120, []);
    table.hidden.extend([1, 60, 120]);
    let scene = Scene::new(table).await;
    assert_eq!(scene.pulled().await.leads, 117);
    {
        let mut table = scene.table();
        table.now = minute(60 * 24);
        table.hidden.clear();
    }
    let night = scene.pulled().await;
    assert_eq!((night.gone, night.healed), (0, 3));
    assert_eq!(scene.counts(), (120, 0, 0));
}

#[tokio::test]
async fn a_hidden_pipeline_is_named() {
    let mut table = Table::new([1], []);
    table.pipelines_with_stages = vec![4, 9, 6];
    let scene = Scene::new(table).await;
    let warnings = scene.pulled().await.warnings;
    assert_eq!(warnings, [PullWarning::HiddenPipelines { ids: vec![6, 9] }]);
}
