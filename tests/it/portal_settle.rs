//! A night's increment and what it cannot see: after it the store equals a full re-read (N19).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use planfact::bitrix24::wire::Face;
use planfact::bitrix24::{Options, Portal, Secret};
use planfact::clock::{Clock, System};
use planfact::domain::fact::{DealRow, LeadRow};
use planfact::store::{Sqlite, Store};
use planfact::sync::pull::{PullSummary, PullWarning, Thrift, pull_with};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::pull::{Files, QUICK, Scene};

/// What a card is, without who is responsible: that is kept as it was seen (D9).
type Cards = BTreeMap<u64, String>;

/// Every card of a store, with its codes as texts: numbers of symbols differ between stores.
pub(crate) fn cards(store: &Sqlite) -> (Cards, Cards) {
    let symbols = store.symbols("acme").expect("symbols");
    let text = |number: u32| symbols.get(number as usize).cloned().unwrap_or_default();
    let (mut leads, mut deals) = (Cards::new(), Cards::new());
    let put = |cards: &mut Cards, id: u64, card: String| {
        assert!(cards.insert(id, card).is_none(), "{id} is stored twice");
    };
    let lead = &mut |row: LeadRow| {
        let codes = (text(row.status), row.source.map(text), text(row.currency));
        let times = (row.created, row.closed, row.semantics);
        put(
            &mut leads,
            row.id,
            format!("{times:?} {codes:?} {:?}", row.amount),
        );
    };
    store.each_lead("acme", lead).expect("leads");
    let deal = &mut |row: DealRow| {
        let codes = (
            row.lead,
            row.category,
            row.source.map(text),
            text(row.currency),
        );
        let times = (row.created, row.closed, row.semantics);
        put(
            &mut deals,
            row.id,
            format!("{times:?} {codes:?} {:?}", row.amount),
        );
    };
    store.each_deal("acme", deal).expect("deals");
    (leads, deals)
}

/// At every pull, within so many requests.
pub(crate) fn nightly(settle_requests: u64) -> Thrift {
    Thrift {
        settle_every: TimeDelta::zero(),
        settle_requests,
        ..Thrift::default()
    }
}

pub(crate) async fn night(scene: &Scene, thrift: &Thrift) -> PullSummary {
    // The day before was the last time.
    let now = System.now() + TimeDelta::hours(20);
    pull_with(&scene.portal, &scene.store, "acme", now, thrift, &|_| {})
        .await
        .expect("a pull")
}

/// Another night: the bucket of the one before has long run empty, which a new client stands for.
async fn later_night(scene: &mut Scene, thrift: &Thrift) -> PullSummary {
    let options = Options {
        webhook_url: Secret::new(scene.sim.webhook_url.as_str()),
        ..Options::default()
    };
    // The old client first: a bucket lives as long as any client of its portal.
    scene.portal = Portal::new(&Options {
        webhook_url: Secret::new("http://localhost:1/rest/1/none/"),
        ..Options::default()
    })
    .expect("a portal");
    scene.portal = Portal::new(&options).expect("a portal").with_policy(QUICK);
    night(scene, thrift).await
}

/// Another client with an empty store.
pub(crate) async fn read_anew(scene: &Scene, face: Face) -> Sqlite {
    let options = Options {
        webhook_url: Secret::new(scene.sim.webhook_url.as_str()),
        face,
        ..Options::default()
    };
    let portal = Portal::new(&options).expect("a portal").with_policy(QUICK);
    let store = Sqlite::in_memory().expect("a store");
    let now = DateTime::<Utc>::UNIX_EPOCH;
    planfact::sync::pull::pull(&portal, &store, "acme", now, &|_| {})
        .await
        .expect("a full read");
    store
}

/// Some of the ids, no id twice over several draws.
struct Urn {
    ids: Vec<u64>,
}

impl Urn {
    fn new(ids: &[u64], random: &mut rand::rngs::StdRng) -> Urn {
        let mut ids = ids.to_vec();
        ids.shuffle(random);
        Urn { ids }
    }

    fn draw(&mut self, count: usize) -> Vec<u64> {
        self.ids.split_off(self.ids.len() - count)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_one_night_the_store_equals_a_full_reread() {
    let seed = std::env::var("PLANFACT_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or(19);
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let files = Files::new(8_000, 2_000);
    let scene = Scene::new(files.path()).await;
    scene.pulled().await;

    // One in a hundred is deleted, one is written past the CRM: no time of change tells of either.
    let (mut leads, mut deals) = (
        Urn::new(&files.lead_ids, &mut random),
        Urn::new(&files.deal_ids, &mut random),
    );
    scene.sim_delete("lead", &leads.draw(80)).await;
    scene.sim_delete("deal", &deals.draw(20)).await;
    let silent = |ids: Vec<u64>, random: &mut rand::rngs::StdRng| -> Value {
        ids.into_iter()
            .map(|id| {
                let day = random.random_range(1..=28);
                json!({"ID": id, "silent": true, "fields": {
                    "DATE_CREATE": format!("2023-0{}-{day:02}T12:00:00+03:00", 1 + day % 9),
                    "OPPORTUNITY": format!("{}.25", random.random_range(1..90_000)),
                    "ASSIGNED_BY_ID": random.random_range(1..30),
                }})
            })
            .collect()
    };
    let (some_leads, some_deals) = (leads.draw(80), deals.draw(20));
    scene.door("lead", &silent(some_leads, &mut random)).await;
    scene.door("deal", &silent(some_deals, &mut random)).await;
    // And an ordinary day: 900 leads and 400 deals move, 100 of either are new.
    let moved = |ids: Vec<u64>, field: &str, stage: &str| -> Value {
        let moved = ids.into_iter().map(|id| json!({"ID": id, field: stage}));
        let new = (0..100).map(|n| json!({"TITLE": format!("new {n}"), "OPPORTUNITY": "7.5"}));
        moved.chain(new).collect()
    };
    scene
        .door("lead", &moved(leads.draw(900), "STATUS_ID", "JUNK"))
        .await;
    scene
        .door("deal", &moved(deals.draw(400), "STAGE_ID", "LOSE"))
        .await;

    let summary = night(&scene, &nightly(20)).await;
    assert_eq!((summary.leads, summary.deals), (1_000, 500), "seed {seed}");
    assert_eq!((summary.gone, summary.healed), (100, 100), "seed {seed}");
    assert_eq!(
        (summary.rejects, summary.warnings),
        (0, vec![]),
        "seed {seed}"
    );
    assert_eq!(
        cards(&scene.store),
        cards(&read_anew(&scene, Face::Classic).await)
    );
    let increment = summary.requests - summary.settle_requests;
    println!(
        "seed {seed}: 1,000 leads and 500 deals with the histories of their stages and their product \
         rows in {increment} requests; 100 deleted and 100 silently changed of 10,000 found with {} \
         more",
        summary.settle_requests
    );
    assert!(increment <= 3, "{increment} requests");
    assert!(summary.settle_requests <= 20, "{}", summary.settle_requests);
    assert_eq!(scene.answers("503"), 0);

    let quiet = night(&scene, &nightly(20)).await;
    assert_eq!((quiet.gone, quiet.healed), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_is_found_by_counting_where_reading_all_would_cost_too_much() {
    let files = Files::new(12_000, 500);
    let mut scene = Scene::under(files.path(), planfact_sim::portal::Plan::Unlimited).await;
    scene.pulled().await;
    let gone: Vec<u64> = [3, 9_000, 9_001, 11_999].map(|n| files.lead_ids[n]).into();
    scene.sim_delete("lead", &gone).await;
    let summary = night(&scene, &nightly(4)).await;
    assert_eq!((summary.gone, summary.healed), (4, 0));
    assert_eq!(summary.warnings, []);
    assert_eq!(
        cards(&scene.store),
        cards(&read_anew(&scene, Face::Classic).await)
    );
    println!(
        "4 of 12,500 deleted: found with {} requests",
        summary.settle_requests
    );

    // More than may be read in a night is told, and found in the following ones.
    let many: Vec<u64> = files
        .lead_ids
        .iter()
        .skip(50)
        .step_by(100)
        .copied()
        .collect();
    scene.sim_delete("lead", &many).await;
    let first = night(&scene, &nightly(2)).await;
    assert!(
        matches!(first.warnings[..], [PullWarning::Unsettled { .. }]),
        "{first:?}"
    );
    let mut nights = 1;
    while scene.store.counts("acme").expect("counts").0 > 12_000 - 4 - many.len() as u64 {
        later_night(&mut scene, &nightly(2)).await;
        nights += 1;
        assert!(nights < 25, "not settled after {nights} nights");
    }
    assert_eq!(
        cards(&scene.store),
        cards(&read_anew(&scene, Face::Classic).await)
    );
    println!(
        "{} deleted with 2 requests a night: settled after {nights} nights",
        many.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_to_list_give_the_same_cards() {
    let files = Files::new(1_500, 300);
    let scene = Scene::new(files.path()).await;
    let classic = read_anew(&scene, Face::Classic).await;
    let item = read_anew(&scene, Face::Item).await;
    let (leads, deals) = cards(&classic);
    assert_eq!((leads.len(), deals.len()), (1_500, 300));
    assert_eq!((leads, deals), cards(&item));
}
