//! Publishing 100,000 changed cells: `cargo bench --bench publish -- [cells]`. Prints requests, bytes,
//! time, processor time and memory of the client; the simulator runs as a process of its own (this
//! program again), so that its work is told apart.

#![allow(
    clippy::print_stdout,
    reason = "a measuring program prints its figures"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use planfact::clock::Stopwatch;
use planfact::google::{Applied, Google, Options};
use planfact::sheet::edit::Edit;
use planfact::sheet::workbook::{Cell, Tab, Value, Workbook};

const CELLS: u32 = 100_000;
/// Columns of a data tab.
const COLUMNS: u32 = 20;
/// Data tabs.
const TABS: u32 = 4;
/// The argument that makes this program the simulator.
const SERVE: &str = "serve-google";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().any(|argument| argument == SERVE) {
        return serve().await;
    }
    let cells = std::env::args()
        .skip(1)
        .find_map(|text| text.parse::<u32>().ok())
        .unwrap_or(CELLS);
    let rows = cells.div_ceil(COLUMNS * TABS);
    let folder = tempfile::tempdir()?;
    let mut simulator = Command::new(std::env::current_exe()?)
        .arg(SERVE)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let told = simulator.stdout.take().ok_or("no output")?;
    BufReader::new(told).read_line(&mut line)?;
    let measured = measure(&line, rows, folder.path()).await;
    simulator.kill()?;
    simulator.wait()?;
    measured
}

/// The simulator, told by one line, until it is killed.
async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let options = planfact_sim::google::Options::default();
    let sim = planfact_sim::google::Google::start(options).await?;
    let (endpoint, folder, key) = (&sim.endpoint, &sim.folder, &sim.credentials);
    println!(
        "{}",
        serde_json::json!({"endpoint": endpoint, "folder": folder, "key": key})
    );
    std::future::pending::<()>().await;
    Ok(())
}

async fn measure(line: &str, rows: u32, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let told: serde_json::Value = serde_json::from_str(line)?;
    let credentials = folder.join("key.json");
    std::fs::write(&credentials, told["key"].to_string())?;
    let endpoint = told["endpoint"].as_str().ok_or("no endpoint")?;
    let google = Google::new(&Options {
        credentials,
        endpoint: Some(endpoint.parse()?),
        subject: None,
    })?;
    let book = Workbook {
        title: "bench".to_owned(),
        locale: "en_US".to_owned(),
        time_zone: "Etc/GMT".to_owned(),
        tabs: (0..TABS).map(|at| tab(at, rows)).collect(),
        names: Vec::new(),
    };
    let drive = told["folder"].as_str();
    let file = google.publish_workbook(&book, drive, &[]).await?.id;

    let calm = memory_kb("VmHWM").unwrap_or(0);
    let (began, busy) = (Stopwatch::start(), processor_ms());
    let applied: Applied = google.apply(&file, &edits(rows)).await?;
    let (took, busy) = (began.elapsed(), processor_ms().zip(busy));
    println!(
        "{} cells in {} batch(es), {:.2} MB, {:.2} s with the simulator's work",
        applied.cells,
        applied.requests,
        applied.bytes as f64 / 1e6,
        took.as_secs_f64()
    );
    match busy {
        Some((after, before)) => println!("the client's processor time: {} ms", after - before),
        None => println!("the client's processor time: this system does not tell"),
    }
    match memory_kb("VmHWM") {
        Some(most) => println!(
            "the client's memory: {:.1} MB at most, {:.1} MB before the batch was made",
            most as f64 / 1024.0,
            calm as f64 / 1024.0
        ),
        None => println!("the client's memory: this system does not tell"),
    }
    for (method, count) in google.requests() {
        println!("  {method} {count}");
    }
    Ok(())
}

fn tab(at: u32, rows: u32) -> Tab {
    Tab {
        id: i64::from(100 + at),
        title: format!("data_{at}"),
        rows: rows + 1,
        columns: COLUMNS,
        cells: [((0, 0), text("key"))].into(),
        ..Tab::default()
    }
}

fn text(text: &str) -> Cell {
    Cell {
        value: Value::Text(text.to_owned()),
        ..Cell::default()
    }
}

/// Every cell of every tab: a key, a name, numbers of money.
fn edits(rows: u32) -> Vec<Edit> {
    let value = |row: u32, column: u32| match column {
        0 => Value::Text(format!("2026-{:02}", 1 + row % 12)),
        1 => Value::Text(format!("Источник {row}")),
        _ => Value::Number(f64::from(row * 37 + column) + 0.25),
    };
    let line = |row: u32| (0..COLUMNS).map(|column| value(row, column)).collect();
    (0..TABS)
        .map(|at| Edit::Write {
            tab: i64::from(100 + at),
            row: 1,
            column: 0,
            values: (0..rows).map(line).collect(),
        })
        .collect()
}

/// Milliseconds that this process has kept processors busy, where the system tells it: the 14th and
/// 15th field of its `stat`, in hundredths of a second.
fn processor_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10)
}

/// A line of this process's `status`, kilobytes.
fn memory_kb(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
