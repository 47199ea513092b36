//! When, and for whom: schedules, pokes, the change feed, the status page, shutdown.
//!
//! Each company has one worker. A worker is poked by its cron schedule, by the change feed (a
//! person edited the plan) or by a request on the status page; pokes that come while a pass runs
//! collapse into one further pass. A poke carries no data.

mod http;
mod schedule;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::calendar::Instant;

use crate::sync::outcome::Outcome;
use crate::sync::pass::{self, Ask};
use crate::sync::{Company, Engine};

pub use schedule::Schedule;

/// How often the Drive change feed is asked whether a person edited a file. One request serves
/// all companies of the account.
const POLL_SECONDS: u64 = 60;
/// How long a company waits after an edit before its pass begins, so that a person who types one
/// number after the other causes one pass.
const EDIT_SETTLE_SECONDS: u64 = 2;
/// The longest a worker sleeps without looking at the clock again, so that a suspended machine
/// or a changed clock is noticed.
const LOOK_SECONDS_MAX: u64 = 30;
/// How long after a passing failure the company is tried again, when its schedule is later.
const RETRY_AFTER: chrono::TimeDelta = chrono::TimeDelta::minutes(15);
/// The note under which the change token is kept.
const CHANGE_TOKEN: &str = "drive_change_token";

/// How the daemon runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the status page; none for no page.
    pub listen: Option<SocketAddr>,
    /// How often the change feed is asked.
    pub poll: Duration,
    /// How long to wait after an edit.
    pub settle: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: None,
            poll: Duration::from_secs(POLL_SECONDS),
            settle: Duration::from_secs(EDIT_SETTLE_SECONDS),
        }
    }
}

/// The program's parts, built by whoever starts it.
pub struct Program {
    /// Google, store, clock.
    pub engine: Engine,
    /// The companies.
    pub companies: Vec<Company>,
    /// Their schedules, by company.
    pub schedules: BTreeMap<String, Schedule>,
    /// Where the status page listens.
    pub listen: SocketAddr,
}

impl Program {
    /// When the company's next scheduled pass runs.
    pub fn next_run(&self, company: &str) -> Option<Instant> {
        self.schedules.get(company)?.next(self.engine.clock.now())
    }
}

/// One company's worker as the other tasks see it.
struct Worker {
    company: Company,
    schedule: Schedule,
    poke: Notify,
}

/// What all tasks share.
pub(crate) struct Shared {
    engine: Engine,
    workers: Vec<Worker>,
    settings: Settings,
    stop: CancellationToken,
}

/// Runs until `stop` is cancelled; a pass that is under way is finished first. `ready` is called
/// once, with the status page's address.
pub async fn run(
    program: Program,
    settings: Settings,
    stop: CancellationToken,
    ready: impl FnOnce(Option<SocketAddr>),
) -> std::io::Result<()> {
    let Program {
        engine,
        companies,
        schedules,
        ..
    } = program;
    let workers = companies
        .into_iter()
        .map(|company| {
            let schedule = schedules
                .get(&company.profile.id)
                .cloned()
                .unwrap_or_default();
            Worker {
                company,
                schedule,
                poke: Notify::new(),
            }
        })
        .collect();
    let shared = Arc::new(Shared {
        engine,
        workers,
        settings,
        stop,
    });
    let mut tasks = JoinSet::new();
    let address = match shared.settings.listen {
        Some(listen) => {
            let (address, server) = http::serve(listen, Arc::clone(&shared)).await?;
            tasks.spawn(server);
            Some(address)
        }
        None => None,
    };
    for index in 0..shared.workers.len() {
        tasks.spawn(work(Arc::clone(&shared), index));
    }
    tasks.spawn(watch(Arc::clone(&shared)));
    ready(address);
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a task of the daemon died");
        }
    }
    Ok(())
}

/// A company's worker: runs a pass whenever it is due or poked.
async fn work(shared: Arc<Shared>, index: usize) {
    let Some(worker) = shared.workers.get(index) else {
        return;
    };
    let mut due = first_due(&shared, worker);
    while !shared.stop.is_cancelled() {
        let now = shared.engine.clock.now();
        let wait = match due {
            Some(due) if due <= now => Duration::ZERO,
            Some(due) => (due - now).to_std().unwrap_or_default(),
            None => Duration::from_secs(LOOK_SECONDS_MAX),
        };
        let look = wait.min(Duration::from_secs(LOOK_SECONDS_MAX));
        let poked = tokio::select! {
            () = shared.stop.cancelled() => break,
            woken = tokio::time::timeout(look, worker.poke.notified()) => woken.is_ok(),
        };
        let now = shared.engine.clock.now();
        if poked {
            let settle = tokio::time::timeout(shared.settings.settle, shared.stop.cancelled());
            if settle.await.is_ok() {
                break;
            }
        } else if due.is_none_or(|due| due > now) {
            continue;
        }
        let scheduled = worker.schedule.next(shared.engine.clock.now());
        due = match one_pass(&shared, worker, scheduled).await {
            Ended::Settled => scheduled,
            Ended::TryAgain => {
                let soon = shared.engine.clock.now() + RETRY_AFTER;
                Some(scheduled.map_or(soon, |scheduled| scheduled.min(soon)))
            }
        };
    }
}

/// The first pass: at once when none ever ended or a scheduled one was missed, else as scheduled.
fn first_due(shared: &Shared, worker: &Worker) -> Option<Instant> {
    let now = shared.engine.clock.now();
    let last = shared
        .engine
        .store
        .passes(&worker.company.profile.id, 1)
        .ok();
    let ended = last
        .and_then(|passes| passes.into_iter().next())
        .and_then(|pass| pass.ended);
    match ended {
        None => Some(now),
        Some(ended) => worker.schedule.next(ended).map(|due| due.max(now)),
    }
}

/// Whether a pass needs another one soon.
enum Ended {
    Settled,
    TryAgain,
}

async fn one_pass(shared: &Shared, worker: &Worker, next_run: Option<Instant>) -> Ended {
    let id = &worker.company.profile.id;
    let ask = Ask {
        next_run,
        ..Ask::REFRESH
    };
    match pass::run(&shared.engine, &worker.company, &ask, &|_| {}).await {
        Ok(report) => {
            tracing::info!(
                company.id = %id,
                pass.number = report.number,
                pass.seconds = report.seconds,
                plan.cells = report.cells_written.0,
                report.cells = report.cells_written.1,
                "pass done"
            );
            Ended::Settled
        }
        Err(error) => match error.outcome() {
            Outcome::Human(remedy) => {
                let chain = error.chain();
                tracing::error!(company.id = %id, %remedy, "a human is needed: {chain}");
                Ended::Settled
            }
            Outcome::NextPass => {
                let chain = error.chain();
                tracing::warn!(company.id = %id, "pass failed, trying again soon: {chain}");
                Ended::TryAgain
            }
            Outcome::Failed => {
                tracing::error!(company.id = %id, "pass failed: {}", error.chain());
                Ended::Settled
            }
        },
    }
}

/// Asks the change feed and pokes the companies whose files a person touched.
async fn watch(shared: Arc<Shared>) {
    let mut token: Option<String> = None;
    loop {
        match look(&shared, token.clone()).await {
            Ok(next) => token = Some(next),
            Err(error) => {
                tracing::warn!(
                    "the change feed did not answer, asking again: {}",
                    error.chain()
                );
            }
        }
        let pause = tokio::time::timeout(shared.settings.poll, shared.stop.cancelled());
        if pause.await.is_ok() {
            return;
        }
    }
}

async fn look(
    shared: &Shared,
    token: Option<String>,
) -> Result<String, crate::sync::outcome::SyncError> {
    let store = &shared.engine.store;
    let known = match token {
        Some(token) => Some(token),
        None => store.note("", CHANGE_TOKEN)?,
    };
    let Some(known) = known else {
        let first = shared.engine.google.start_page_token().await?;
        store.set_note("", CHANGE_TOKEN, &first)?;
        return Ok(first);
    };
    let changes = shared.engine.google.changes(&known).await?;
    for worker in &shared.workers {
        let files = store.bindings(&worker.company.profile.id)?;
        let touched = changes.files.iter().any(|changed| {
            !changed.by_me && files.iter().any(|binding| binding.file == changed.id)
        });
        for gone in files.iter().filter(|binding| {
            let changed = changes.files.iter();
            changed
                .filter(|file| file.removed)
                .any(|file| file.id == binding.file)
        }) {
            tracing::error!(company.id = %worker.company.profile.id, file.role = %gone.role,
                remedy = "take it out of the bin in Drive and share it with the daemon's account, or \
                make another by `planfact copy --anew report` (or `plan`, of next year with \
                `--next-year`)", "a spreadsheet was deleted or is no longer shared: {}", gone.url);
        }
        if touched {
            tracing::info!(company.id = %worker.company.profile.id, "a person changed a file");
            worker.poke.notify_one();
        }
    }
    if changes.next_token != known {
        store.set_note("", CHANGE_TOKEN, &changes.next_token)?;
    }
    Ok(changes.next_token)
}
