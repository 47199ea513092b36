//! kill -9 at random moments of a first load: the next one goes on, no row is lost or doubled.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use planfact::bitrix24::{Options, Portal, Secret};
use planfact::store::{Sqlite, Store};
use planfact::sync::pull::pull;
use rand::{Rng, SeedableRng};

use crate::portal_settle::cards;
use crate::pull::{Files, Scene};

const URL: &str = "PLANFACT_TEST_WEBHOOK";
const STORE: &str = "PLANFACT_TEST_STORE";
/// How many times a load is killed. `PLANFACT_CRASHES` sets another number.
const KILLS: u64 = 8;

/// A pull into a file in a process of its own; a test that does nothing unless it is asked to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_pulls() {
    let (Ok(url), Some(file)) = (std::env::var(URL), std::env::var_os(STORE)) else {
        return;
    };
    let options = Options {
        webhook_url: Secret::new(url),
        ..Options::default()
    };
    let portal = Portal::new(&options).expect("a portal");
    let store = Sqlite::open(file.as_ref()).expect("a store");
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let summary = pull(&portal, &store, "acme", now, &|_| {})
        .await
        .expect("a pull");
    println!("pulled {} leads", summary.leads);
}

fn child(url: String, file: std::path::PathBuf) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["portal_resume::child_that_pulls", "--exact"])
        .env(URL, url)
        .env(STORE, file)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs the child for at most so long; true when it came to its end.
async fn run_child(url: String, file: std::path::PathBuf, moment: Duration) -> bool {
    let mut command = child(url, file);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("a child");
        let (send, receive) = std::sync::mpsc::channel::<()>();
        // A wait with an end, not a sleep: nothing is ever sent.
        let _ = receive.recv_timeout(moment);
        drop(send);
        let ended = child
            .try_wait()
            .expect("a state")
            .is_some_and(|status| status.success());
        child.kill().expect("killed");
        child.wait().expect("ended");
        ended
    })
    .await
    .expect("a child")
}

/// How long a load takes that nobody kills.
async fn whole_load(url: String, file: std::path::PathBuf) -> Duration {
    let mut command = child(url, file);
    tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        assert!(command.status().expect("a child").success());
        began.elapsed()
    })
    .await
    .expect("a child")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_load_goes_on_without_losing_or_doubling_a_row() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let kills: u64 = number("PLANFACT_CRASHES").unwrap_or(KILLS).min(KILLS * 10);
    let seed: u64 = number("PLANFACT_SEED").unwrap_or(9);
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    println!("seed {seed}, {kills} kills");
    let files = Files::new(12_000, 2_000);
    let scene = Scene::new(files.path()).await;
    scene.pulled().await;
    let expected = cards(&scene.store);

    let folder = tempfile::tempdir().expect("a folder");
    let url = || scene.sim.webhook_url.clone();
    let span = whole_load(url(), folder.path().join("whole.db")).await;
    let (mut killed, mut partial, mut trial) = (0, 0, 0);
    while killed < kills {
        trial += 1;
        assert!(
            trial <= 8 * kills,
            "only {killed} of {trial} loads were killed in time"
        );
        let file = folder.path().join(format!("{trial}.db"));
        if run_child(
            url(),
            file.clone(),
            span.mul_f64(random.random_range(0.0..1.2)),
        )
        .await
        {
            continue;
        }
        killed += 1;
        let store = Sqlite::open(&file).expect("the store opens");
        let (leads, deals, _) = store.counts("acme").expect("counts");
        partial += u64::from(leads + deals > 0 && leads + deals < 14_000);
        let now = DateTime::<Utc>::UNIX_EPOCH;
        pull(&scene.portal, &store, "acme", now, &|_| {})
            .await
            .expect("goes on");
        assert!(
            cards(&store) == expected,
            "trial {trial}: rows were lost or doubled"
        );
    }
    println!("{killed} loads killed, {partial} of them half way, each completed by the next pull");
}
