//! One pass over one company: the stages in order, and nothing else. The only conductor.

use std::sync::Arc;

use crate::domain::calendar::{Day, Instant};
use crate::domain::fact::{Accumulator, FactSpec, Facts};
use crate::domain::plan::{Cells, ChangeSource, Held, PlanChange};
use crate::sheet::audit::{self, Limits};
use crate::sheet::edit::Observed;
use crate::sheet::table::TableSpec;
use crate::sheet::template::{self, TemplateKind};
use crate::store::{LoggedChange, PassRecord};

use super::copy::{self, Files, Lay, PlanYear, plan_role};
use super::guard;
use super::mend;
use super::outcome::{Outcome, SyncError};
use super::publish::publish;
use super::pull::{PullProgress, PullSummary, pull};
use super::reconcile::{self, ChangeSet, Moment, Snapshot, View};
use super::upgrade::Upgraded;
use super::{Company, Engine};

/// How often the plan is read again because a person typed between the read and the write. Each
/// round costs one read; a person who types faster is served by the next pass.
const OBSERVE_ROUNDS_MAX: usize = 4;

/// How far a pass goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Stop before anything is written (`diff`).
    Look,
    /// Write the plan only (`plan`).
    Plan,
    /// Write everything (`refresh`).
    All,
}

impl Reach {
    /// Whether a newer template is laid over the files.
    fn lay(self) -> Lay {
        match self {
            Reach::Look => Lay::Look,
            Reach::Plan | Reach::All => Lay::Over,
        }
    }
}

/// What is asked of a pass.
#[derive(Debug, Clone)]
pub struct Ask {
    /// How far it goes.
    pub reach: Reach,
    /// Which year's plan it works on.
    pub year: PlanYear,
    /// When the schedule will run the next pass, for the freshness line.
    pub next_run: Option<Instant>,
    /// Read the portal first (`plan` works from the records at hand).
    pub pull: bool,
    /// Plan cells to bring back: a version, or what an undo asks for.
    pub restore: Option<Arc<Cells<Held>>>,
}

impl Ask {
    /// A whole pass.
    pub const REFRESH: Ask = Ask {
        reach: Reach::All,
        year: PlanYear::This,
        next_run: None,
        pull: true,
        restore: None,
    };
}

/// What a pass did.
#[derive(Debug, Clone)]
pub struct PassReport {
    /// The pass's number within the company; 0 for a look that left no trace.
    pub number: u64,
    /// The day that counted as today.
    pub today: Day,
    /// The files.
    pub files: Files,
    /// What the portal gave.
    pub pulled: PullSummary,
    /// What was decided.
    pub change: ChangeSet,
    /// What the plan file showed when it was decided.
    pub plan_seen: Observed,
    /// Cells written into the plan and the report.
    pub cells_written: (u64, u64),
    /// Bytes sent to Google.
    pub bytes_sent: u64,
    /// Seconds, whole pass.
    pub seconds: f64,
    /// Requests to Google by this pass, by method.
    pub google_requests: Vec<(String, u64)>,
    /// Requests to the portal by this pass.
    pub portal_requests: u64,
    /// The pass over the next year's plan that followed, where there is such a plan.
    pub next_year: Option<Box<PassReport>>,
}

impl PassReport {
    /// A pass that has written nothing yet.
    fn begun(number: u64, today: Day, files: Files, pulled: PullSummary) -> PassReport {
        PassReport {
            number,
            today,
            files,
            pulled,
            change: ChangeSet::default(),
            plan_seen: Observed::default(),
            cells_written: (0, 0),
            bytes_sent: 0,
            seconds: 0.0,
            google_requests: Vec::new(),
            portal_requests: 0,
            next_year: None,
        }
    }
}

/// Runs one pass and writes its end into the store, whatever it was. A whole pass is followed by one
/// over the next year's plan where somebody has asked for such a plan; that one fails by itself.
pub async fn run(
    engine: &Engine,
    company: &Company,
    ask: &Ask,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<PassReport, SyncError> {
    let mut report = recorded(engine, company, ask, progress).await?;
    if ask.reach == Reach::All && is_next_year_planned(engine, company, report.today)? {
        let ahead = Ask {
            reach: Reach::Plan,
            year: PlanYear::Next,
            pull: false,
            ..Ask::REFRESH
        };
        let next = recorded(engine, company, &ahead, progress).await?;
        report.next_year = Some(Box::new(next));
    }
    Ok(report)
}

fn is_next_year_planned(engine: &Engine, company: &Company, today: Day) -> Result<bool, SyncError> {
    let role = plan_role(PlanYear::Next.on(today));
    let known = engine.store.bindings(&company.profile.id)?;
    Ok(known.iter().any(|binding| binding.role == role))
}

async fn recorded(
    engine: &Engine,
    company: &Company,
    ask: &Ask,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<PassReport, SyncError> {
    let started = engine.clock.now();
    let id = &company.profile.id;
    let number = match ask.reach {
        Reach::Look => 0,
        Reach::Plan | Reach::All => engine.store.begin_pass(id, started)?,
    };
    // On the heap: with all that it awaits it would fill half of a thread's stack.
    let result = Box::pin(stages(engine, company, ask, number, started, progress)).await;
    if number > 0 {
        let record = record(number, started, engine.clock.now(), &result);
        engine.store.end_pass(id, &record)?;
    }
    result
}

async fn stages(
    engine: &Engine,
    company: &Company,
    ask: &Ask,
    number: u64,
    started: Instant,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<PassReport, SyncError> {
    let profile = &company.profile;
    let today = profile.today(started);
    let before = (engine.google.requests(), company.portal.requests_total());
    let year = ask.year.on(today);

    let mut files = copy::ensure(engine, profile, year, ask.reach.lay()).await?;
    if files.is_upgrade_pending() {
        let nothing = PullSummary::default();
        return Ok(PassReport::begun(number, today, files, nothing));
    }
    let mut pulled = PullSummary::default();
    if ask.pull {
        let store = &*engine.store;
        pulled = pull(&company.portal, store, &profile.id, started, progress).await?;
    }
    let facts = compute_facts(engine, company, today)?;
    let mut view = observe(engine, &files, year).await?;
    if put_back(engine, company, year, ask.reach, &mut files, &mut view).await? == PutBack::Pending
    {
        return Ok(PassReport::begun(number, today, files, pulled));
    }
    let moment = Moment {
        now: started,
        today,
        next_run: ask.next_run,
        pass: number,
    };
    let mut snapshot = Snapshot::load(engine, profile, year, &facts, &pulled)?;
    snapshot.restore = ask.restore.clone();
    snapshot.portal_requests = company.portal.requests_total().saturating_sub(before.1);
    let spent = difference(&engine.google.requests(), &before.0);
    snapshot.google_requests = spent.iter().map(|(_, count)| count).sum::<u64>() + 1;
    snapshot.seconds = seconds_between(started, engine.clock.now());
    let mut change = reconcile::reconcile(profile, &snapshot, &view, &moment)?;
    let mut report = PassReport::begun(number, today, files, pulled);
    if ask.reach != Reach::Look {
        change = write_plan(
            engine,
            company,
            &mut snapshot,
            &mut view,
            &moment,
            change,
            &mut report,
        )
        .await?;
        if ask.reach == Reach::All {
            let file = &report.files.report.file;
            let published = publish(&engine.google, file, &change.report).await?;
            report.cells_written.1 = published.cells;
            report.bytes_sent += published.bytes;
        }
    } else {
        audit_all(&change, &view)?;
    }
    report.change = change;
    report.plan_seen = view.plan;
    report.google_requests = difference(&engine.google.requests(), &before.0);
    report.portal_requests = company.portal.requests_total().saturating_sub(before.1);
    report.seconds = seconds_between(started, engine.clock.now());
    Ok(report)
}

/// What became of what somebody deleted from the files.
#[derive(PartialEq, Eq)]
enum PutBack {
    /// The files have what the pass needs.
    Whole,
    /// Something is missing, and this pass may only look: the files say what would be put back.
    Pending,
}

/// Puts back what the pass needs and somebody deleted, and reads the files again when it did.
async fn put_back(
    engine: &Engine,
    company: &Company,
    year: i32,
    reach: Reach,
    files: &mut Files,
    view: &mut View,
) -> Result<PutBack, SyncError> {
    let mended = mend::mend(engine, &company.profile, year, reach.lay(), files, view).await?;
    if mended.is_empty() {
        return Ok(PutBack::Whole);
    }
    if reach == Reach::Look {
        files.upgraded.extend(mended);
        return Ok(PutBack::Pending);
    }
    files
        .repaired
        .extend(mended.iter().flat_map(Upgraded::lines));
    *view = observe(engine, files, year).await?;
    Ok(PutBack::Whole)
}

/// Streams all records through the accumulator. Facts are never carried over from a former pass.
fn compute_facts(engine: &Engine, company: &Company, today: Day) -> Result<Facts, SyncError> {
    tokio::task::block_in_place(|| {
        let profile = &company.profile;
        let store = &*engine.store;
        let symbols = store.symbols(&profile.id)?;
        let rates = store.rate_tables(&profile.id)?;
        let homes = reconcile::homes(store, &profile.id, &store.directory(&profile.id)?)?;
        let spec = FactSpec {
            calendar: &profile.calendar,
            symbols: &symbols,
            junk: &profile.junk,
            rates: &rates,
            base_currency: &profile.currency,
            pipelines: profile.pipelines.as_ref(),
            homes: &homes,
        };
        let mut facts = Accumulator::new(&spec, today);
        store.each_lead(&profile.id, &mut |lead| facts.lead(&lead))?;
        store.each_deal(&profile.id, &mut |deal| facts.deal(&deal))?;
        facts.costs(store.costs(&profile.id)?);
        store.each_product_row(&profile.id, &mut |row| facts.product_row(&row))?;
        store.each_payment(&profile.id, &mut |row| facts.payment(&row))?;
        store.each_invoice(&profile.id, &mut |row| facts.invoice(&row))?;
        store.each_call(&profile.id, &mut |call| facts.call(&call))?;
        store.each_activity(&profile.id, &mut |activity| facts.activity(&activity))?;
        Ok(facts.finish())
    })
}

async fn observe(engine: &Engine, files: &Files, year: i32) -> Result<View, SyncError> {
    let plan = observe_file(engine, &files.plan.file, TemplateKind::Plan, year);
    let report = observe_file(engine, &files.report.file, TemplateKind::Report, year);
    let (plan, report) = tokio::try_join!(plan, report)?;
    Ok(View { plan, report })
}

async fn observe_file(
    engine: &Engine,
    file: &str,
    kind: TemplateKind,
    year: i32,
) -> Result<Observed, SyncError> {
    let specs = template::tables(kind, year);
    let names: Vec<&str> = specs
        .iter()
        .map(|spec: &TableSpec| spec.name.as_str())
        .collect();
    Ok(engine.google.observe(file, &names).await?)
}

/// Reads the plan again just before it is written, until what the decision was based on is what
/// the sheet shows. Sheets has no compare-and-set: this leaves the moment between this read and
/// the batch, in which only our own cells are written and a late edit of a cell that we write can
/// still be lost; it is kept as short as one request.
async fn settle(
    engine: &Engine,
    company: &Company,
    snapshot: &Snapshot<'_>,
    view: &mut View,
    moment: &Moment,
    mut change: ChangeSet,
    files: &Files,
) -> Result<ChangeSet, SyncError> {
    for _ in 0..OBSERVE_ROUNDS_MAX {
        if change.plan.is_empty() {
            return Ok(change);
        }
        let again =
            observe_file(engine, &files.plan.file, TemplateKind::Plan, snapshot.year).await?;
        if again == view.plan {
            return Ok(change);
        }
        tracing::info!(company.id = %company.profile.id, "the plan changed while it was being \
            computed; deciding again");
        view.plan = again;
        change = reconcile::reconcile(&company.profile, snapshot, view, moment)?;
    }
    Ok(change)
}

fn audit_all(change: &ChangeSet, view: &View) -> Result<(), SyncError> {
    audit::room(&view.plan.tabs, &change.plan).map_err(SyncError::Audit)?;
    audit::room(&view.report.tabs, &change.report).map_err(SyncError::Audit)?;
    audit::audit(&change.plan, &change.plan_ownership, Limits::default())
        .map_err(SyncError::Audit)?;
    audit::audit(&change.report, &change.report_ownership, Limits::default())
        .map_err(SyncError::Audit)
}

/// Accept, publish, confirm: the base moves only after the confirmed publish. An edit that the batch
/// wrote over is given back, and the plan decided anew with it.
async fn write_plan(
    engine: &Engine,
    company: &Company,
    snapshot: &mut Snapshot<'_>,
    view: &mut View,
    moment: &Moment,
    mut change: ChangeSet,
    report: &mut PassReport,
) -> Result<ChangeSet, SyncError> {
    let (id, year) = (&company.profile.id, snapshot.year);
    let file = report.files.plan.file.clone();
    for _ in 0..OBSERVE_ROUNDS_MAX {
        change = settle(
            engine,
            company,
            snapshot,
            view,
            moment,
            change,
            &report.files,
        )
        .await?;
        audit_all(&change, view)?;
        accept(engine, id, year, &file, moment, &change).await?;
        let published = publish(&engine.google, &file, &change.plan).await?;
        report.cells_written.0 += published.cells;
        report.bytes_sent += published.bytes;
        let lost = guard::lost(&change.guarded, published.kept.as_ref());
        let lost_keys = guard::keys(&lost);
        change.confirmed.retain(|key, _| !lost_keys.contains(key));
        let given_back = publish(&engine.google, &file, &guard::give_back(&lost)).await?;
        if !change.confirmed.is_empty() {
            engine.store.save_plan_cells(id, year, &change.confirmed)?;
        }
        if lost.is_empty() {
            return Ok(change);
        }
        report.bytes_sent += given_back.bytes;
        tracing::info!(company.id = %id, cells = lost.len(), "somebody typed while the plan was \
            being written; his numbers were put back");
        snapshot.base = engine.store.plan_cells(id, year)?;
        view.plan = observe_file(engine, &file, TemplateKind::Plan, year).await?;
        change = reconcile::reconcile(&company.profile, snapshot, view, moment)?;
    }
    Ok(change)
}

/// Stores what people decided and what is about to be written, and logs what changes thereby.
async fn accept(
    engine: &Engine,
    id: &str,
    year: i32,
    file: &str,
    moment: &Moment,
    change: &ChangeSet,
) -> Result<(), SyncError> {
    if change.accepted.is_empty() {
        return Ok(());
    }
    let person = editor(engine, file, &change.log).await;
    let log: Vec<LoggedChange> = change
        .log
        .iter()
        .map(|change| LoggedChange {
            pass: moment.pass,
            at: moment.now,
            person: person.clone(),
            change: change.clone(),
        })
        .collect();
    Ok(engine.store.accept_plan(id, year, &change.accepted, &log)?)
}

/// Who typed what is about to be logged: the last editor of the plan file. Asked only when somebody
/// typed; a log without the name is better than a pass that fails.
async fn editor(engine: &Engine, file: &str, log: &[PlanChange]) -> Option<String> {
    let by_hand = [ChangeSource::Sheet, ChangeSource::Scenario];
    if !log.iter().any(|change| by_hand.contains(&change.source)) {
        return None;
    }
    match engine.google.last_editor(file).await {
        Ok(editor) => editor.map(|editor| editor.to_string()),
        Err(error) => {
            tracing::warn!(%error, "the log will not say who changed the plan");
            None
        }
    }
}

fn record(
    number: u64,
    started: Instant,
    ended: Instant,
    result: &Result<PassReport, SyncError>,
) -> PassRecord {
    let (state, message, counts) = match result {
        Ok(report) => ("done", String::new(), counts(report)),
        Err(error) => {
            let state = match error.outcome() {
                Outcome::Human(_) => "needs_human",
                Outcome::NextPass | Outcome::Failed => "failed",
            };
            (state, error.chain(), Vec::new())
        }
    };
    PassRecord {
        number,
        started,
        ended: Some(ended),
        state: state.to_owned(),
        message,
        counts,
    }
}

fn counts(report: &PassReport) -> Vec<(String, u64)> {
    let google: u64 = report.google_requests.iter().map(|(_, count)| count).sum();
    [
        ("leads_pulled", report.pulled.leads),
        ("deals_pulled", report.pulled.deals),
        ("rejects", report.pulled.rejects),
        ("plan_cells_written", report.cells_written.0),
        ("report_cells_written", report.cells_written.1),
        ("bytes_sent", report.bytes_sent),
        ("portal_requests", report.portal_requests),
        ("google_requests", google),
        ("notices", report.change.notices.len() as u64),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}

fn difference(after: &[(String, u64)], before: &[(String, u64)]) -> Vec<(String, u64)> {
    let earlier = |name: &str| {
        before
            .iter()
            .find(|(other, _)| other == name)
            .map_or(0, |(_, count)| *count)
    };
    after
        .iter()
        .map(|(name, count)| (name.clone(), count.saturating_sub(earlier(name))))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn seconds_between(start: Instant, end: Instant) -> f64 {
    (end - start).as_seconds_f64().max(0.0)
}
