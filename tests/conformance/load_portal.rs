//! The first load of a portal and nothing else, into a database of its own, for measuring.
//!
//! `load_portal [--cards] [--database FILE] WEBHOOK_URL [ROWS.csv]` reads everything that a first pass
//! reads; with `--cards` only leads and deals with the directories. It prints one line of JSON: leads,
//! requests, seconds, the bound under the portal's limit, the peak of memory. The file gets one line a
//! lead (id, creation, sum, responsible user), for comparison with what other clients read. A named
//! database is kept, so that a load that was killed goes on. `PLANFACT_CA_FILE` names the authority of
//! a portal on premises.

#![allow(
    clippy::print_stdout,
    reason = "a measuring program prints its figures"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use planfact::bitrix24::{Options, Portal, Secret};
use planfact::clock::{Clock, System};
use planfact::domain::fact::LeadRow;
use planfact::store::{Sqlite, Store};
use planfact::sync::pull::{Thrift, pull_with};

/// The company's id in the database.
const COMPANY: &str = "load";
const USAGE: &str = "load_portal [--cards] [--database FILE] WEBHOOK_URL [ROWS.csv]";

/// What to do.
#[derive(Default)]
struct Arguments {
    cards: bool,
    database: Option<PathBuf>,
    webhook: String,
    rows: Option<PathBuf>,
}

impl Arguments {
    fn read() -> Result<Arguments, &'static str> {
        let mut arguments = Arguments::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--cards" => arguments.cards = true,
                "--database" => arguments.database = Some(words.next().ok_or(USAGE)?.into()),
                _ if arguments.webhook.is_empty() => arguments.webhook = word,
                _ => arguments.rows = Some(word.into()),
            }
        }
        let given = !arguments.webhook.is_empty();
        given.then_some(arguments).ok_or(USAGE)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    let client = Portal::new(&Options {
        webhook_url: Secret::new(arguments.webhook.clone()),
        ca_file: std::env::var_os("PLANFACT_CA_FILE").map(Into::into),
        ..Options::default()
    })?;
    if let Some(database) = &arguments.database {
        return load(&client, database, &arguments).await;
    }
    let folder = std::env::temp_dir().join(format!("load_portal-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = load(&client, &folder.join("store.db"), &arguments).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Loads into a database, prints the figures, writes the rows.
async fn load(
    client: &Portal,
    database: &Path,
    arguments: &Arguments,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = Sqlite::open(database)?;
    let mut thrift = Thrift::default();
    if arguments.cards {
        thrift.trail_requests = 0;
    }
    let summary = pull_with(client, &store, COMPANY, System.now(), &thrift, &|_| {}).await?;
    println!(
        "{{\"leads\":{},\"deals\":{},\"requests\":{},\"seconds\":{:.3},\"bound_seconds\":{:.3},\
         \"peak_mb\":{}}}",
        summary.leads,
        summary.deals,
        summary.requests,
        summary.seconds,
        summary.bound_seconds,
        peak_mb()
    );
    if let Some(rows) = &arguments.rows {
        let mut file = std::io::BufWriter::new(std::fs::File::create(rows)?);
        let mut outcome = Ok(());
        store.each_lead(COMPANY, &mut |lead| {
            if outcome.is_ok() {
                outcome = line(&mut file, &lead);
            }
        })?;
        outcome?;
        file.flush()?;
    }
    Ok(())
}

/// The most memory that this process had so far, in MB of 2^20 bytes; 0 where the system does not tell.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// One lead: id, Unix seconds of its creation, its sum (empty for none), the user in charge.
fn line(out: &mut impl Write, lead: &LeadRow) -> std::io::Result<()> {
    let sum = lead
        .amount
        .map(|amount| amount.to_decimal().normalize().to_string());
    let sum = sum.unwrap_or_default();
    writeln!(out, "{},{},{sum},{}", lead.id, lead.created, lead.user)
}
