//! A million leads and 300,000 deals: how long they take in and out of the store, and how much
//! room they need. Prints its figures; `cargo bench --bench store`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant as Moment;

use chrono::DateTime;
use planfact::domain::crm::{Deal, Lead, Semantics};
use planfact::domain::money::Money;
use planfact::store::{PullBatch, Sqlite, Store};

const LEADS: u64 = 1_000_000;
const DEALS: u64 = 300_000;
/// Records in one transaction: 50 commands of 50 rows, as one batch of the portal brings.
const BATCH: u64 = 2_500;
const COMPANY: &str = "bench";
/// Measurements of each reading; the best and the median are told.
const ROUNDS: usize = 7;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let mut report = String::new();

    let began = Moment::now();
    let store = Sqlite::open(&path)?;
    insert(&store)?;
    let seconds = began.elapsed().as_secs_f64();
    let rate = (LEADS + DEALS) as f64 / seconds;
    writeln!(
        report,
        "insert, {BATCH} a transaction: {seconds:.2} s ({rate:.0} records/s)"
    )?;
    drop(store);
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    writeln!(report, "file after closing: {megabytes:.1} MB")?;

    let store = Sqlite::open(&path)?;
    let rss_before = peak_rss_mb();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Moment::now();
        let (leads, sum) = stream_leads(&store)?;
        let leads_ms = began.elapsed().as_secs_f64() * 1e3;
        let deals = stream_deals(&store)?;
        let all_ms = began.elapsed().as_secs_f64() * 1e3;
        anyhow::ensure!(leads == LEADS && deals == DEALS, "records were lost");
        anyhow::ensure!(sum == expected_sum(), "amounts were lost");
        times.push((all_ms, leads_ms));
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (name, (all, leads)) in [("best", times[0]), ("median", times[ROUNDS / 2])] {
        writeln!(report, "stream, {name}: {all:.0} ms (leads {leads:.0} ms)")?;
    }
    let began = Moment::now();
    let counts = store.counts(COMPANY)?;
    writeln!(
        report,
        "counts {counts:?}: {:.0} ms",
        began.elapsed().as_secs_f64() * 1e3
    )?;
    let rss = peak_rss_mb();
    writeln!(
        report,
        "peak RSS: {rss_before:.0} MB before reading, {rss:.0} MB after"
    )?;
    increment(&store, &mut report)?;
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

fn insert(store: &Sqlite) -> anyhow::Result<()> {
    for first in (1..=LEADS).step_by(BATCH as usize) {
        let batch = PullBatch {
            leads: (first..first + BATCH).map(lead).collect(),
            ..PullBatch::default()
        };
        store.save_pull(COMPANY, &batch)?;
    }
    for first in (1..=DEALS).step_by(BATCH as usize) {
        let batch = PullBatch {
            deals: (first..first + BATCH).map(deal).collect(),
            ..PullBatch::default()
        };
        store.save_pull(COMPANY, &batch)?;
    }
    Ok(())
}

/// A day's changes, spread over all ids.
fn increment(store: &Sqlite, report: &mut String) -> anyhow::Result<()> {
    let batch = PullBatch {
        leads: (1..=1000).map(|n| lead(n * 997)).collect(),
        ..PullBatch::default()
    };
    let began = Moment::now();
    store.save_pull(COMPANY, &batch)?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    writeln!(report, "1000 changed leads in one transaction: {ms:.0} ms")?;
    Ok(())
}

fn stream_leads(store: &Sqlite) -> anyhow::Result<(u64, i64)> {
    let (mut count, mut sum) = (0, 0);
    store.each_lead(COMPANY, &mut |row| {
        count += 1;
        sum += row.amount.map_or(0, Money::units);
    })?;
    Ok((count, sum))
}

fn stream_deals(store: &Sqlite) -> anyhow::Result<u64> {
    let mut count = 0;
    store.each_deal(COMPANY, &mut |row| count += u64::from(row.user > 0))?;
    Ok(count)
}

fn expected_sum() -> i64 {
    (1..=LEADS)
        .filter_map(|id| lead(id).amount)
        .map(Money::units)
        .sum()
}

/// Every number is a plain function of the id, so that each run stores the same.
fn lead(id: u64) -> Lead {
    let created = moment(id, LEADS);
    let closed =
        (!id.is_multiple_of(4)).then(|| created + chrono::TimeDelta::days((id % 40) as i64));
    Lead {
        id,
        created,
        modified: closed.unwrap_or(created),
        closed,
        status: format!("UC_{}", id % 9),
        semantics: match id % 4 {
            0 => Semantics::InWork,
            1 => Semantics::Success,
            _ => Semantics::Failure,
        },
        source: (!id.is_multiple_of(5)).then(|| format!("SOURCE_{}", id % 23)),
        amount: (!id.is_multiple_of(3)).then(|| Money::from_units((id % 100_000) as i64 * 10_000)),
        currency: if id.is_multiple_of(50) { "USD" } else { "RUB" }.to_owned(),
        responsible: 1 + id % 120,
    }
}

fn deal(id: u64) -> Deal {
    let lead = lead(id * 3);
    Deal {
        id,
        lead: Some(lead.id),
        category: id % 3,
        stage: format!("C{}:{}", id % 3, id % 8),
        semantics: lead.semantics,
        amount: Some(Money::from_units((id % 500_000) as i64 * 10_000)),
        currency: lead.currency,
        responsible: lead.responsible,
        source: lead.source,
        created: lead.created,
        modified: lead.modified,
        closed: lead.closed,
    }
}

/// Spread over three years.
fn moment(id: u64, of: u64) -> DateTime<chrono::Utc> {
    let seconds = 1_672_531_200 + (id * 94_608_000 / of) as i64;
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// The greatest amount of memory that this process had so far, where the system tells.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches(" kB")
                .trim()
                .parse::<f64>()
                .ok()
        })
        .map_or(f64::NAN, |kb| kb / 1024.0)
}
