//! kill -9 at random moments of a cycle, then one refresh: as if nothing had happened.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};

use crate::world::{AS_OF, World};

/// How many times the cycle is killed. `PLANFACT_CRASHES` sets another number.
const CRASHES: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_next_refresh_repairs() {
    let crashes = std::env::var("PLANFACT_CRASHES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CRASHES);
    let seed: u64 = std::env::var("PLANFACT_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2026);
    println!("seed {seed}, {crashes} crashes");
    let world = World::small().await;
    world.configure("calm.toml", "calm", "");
    let began = Instant::now();
    world
        .json(&["-c", "calm.toml", "refresh", "--as-of", AS_OF])
        .await;
    let whole = began.elapsed();
    let calm = world.tables("calm.toml").await;

    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let (mut killed, mut trial) = (0, 0);
    // The later cycles are shorter, because the templates are published already.
    let mut span = whole;
    while killed < crashes {
        trial += 1;
        assert!(
            trial <= 4 * crashes,
            "only {killed} of {trial} cycles were killed in time"
        );
        let id = format!("trial{trial}");
        let file = format!("{id}.toml");
        world.configure(&file, &id, "");
        let moment = span.mul_f64(random.random_range(0.0..1.0));
        if !kill_at(&world, &file, moment).await {
            span = span.min(moment);
            continue;
        }
        killed += 1;
        world
            .json(&["-c", &file, "refresh", "--as-of", AS_OF])
            .await;
        assert_eq!(
            world.tables(&file).await,
            calm,
            "trial {trial}, killed after {moment:?}"
        );
        let files = files_of(&world, &id).await;
        assert_eq!(
            files, 2,
            "trial {trial}: one report and one plan, not {files} files"
        );
    }
    println!("{killed} of {trial} cycles killed, each repaired by one refresh");
}

/// Starts a refresh and kills it; false when it had ended before.
async fn kill_at(world: &World, config: &str, moment: Duration) -> bool {
    let mut command = world.command(&["-c", config, "refresh", "--as-of", AS_OF]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let (send, receive) = std::sync::mpsc::channel::<()>();
        // A wait with an end, not a sleep: nothing is ever sent.
        let _ = receive.recv_timeout(moment);
        drop(send);
        let alive = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        alive
    })
    .await
    .unwrap()
}

async fn files_of(world: &World, id: &str) -> usize {
    let query = format!(
        "appProperties has {{ key='planfact_company' and value='{id}' }} and trashed=false"
    );
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path =
        format!("/drive/v3/files?q={query}&supportsAllDrives=true&includeItemsFromAllDrives=true");
    let answer = world.as_person(reqwest::Method::GET, &path, None).await;
    answer["files"].as_array().map_or(0, Vec::len)
}
