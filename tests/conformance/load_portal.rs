//! The first load of a portal and nothing else: everything that a first pass reads, into a database of
//! its own. `load_portal WEBHOOK_URL [ROWS.csv]` prints one line of JSON with the leads, the requests
//! and the seconds; the file gets one line a lead (id, creation, sum, responsible user), for comparison
//! with what other clients read. `PLANFACT_CA_FILE` names the authority of a portal on premises.

#![allow(
    clippy::print_stdout,
    reason = "a measuring program prints its figures"
)]

use std::io::Write;
use std::path::Path;

use planfact::bitrix24::{Options, Portal, Secret};
use planfact::clock::{Clock, System};
use planfact::domain::fact::LeadRow;
use planfact::store::{Sqlite, Store};
use planfact::sync::pull::pull;

/// The company's id in the database.
const COMPANY: &str = "load";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let webhook = arguments
        .next()
        .ok_or("load_portal WEBHOOK_URL [ROWS.csv]")?;
    let rows = arguments.next();
    let client = Portal::new(&Options {
        webhook_url: Secret::new(webhook),
        ca_file: std::env::var_os("PLANFACT_CA_FILE").map(Into::into),
        ..Options::default()
    })?;
    let folder = std::env::temp_dir().join(format!("load_portal-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = load(&client, &folder.join("store.db"), rows.as_deref()).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Loads into a new database, prints the figures, writes the rows.
async fn load(
    client: &Portal,
    database: &Path,
    rows: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = Sqlite::open(database)?;
    let summary = pull(client, &store, COMPANY, System.now(), &|_| {}).await?;
    println!(
        "{{\"leads\":{},\"deals\":{},\"requests\":{},\"seconds\":{:.3},\"bound_seconds\":{:.3}}}",
        summary.leads, summary.deals, summary.requests, summary.seconds, summary.bound_seconds
    );
    if let Some(rows) = rows {
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

/// One lead: id, Unix seconds of its creation, its sum (empty for none), the user in charge.
fn line(out: &mut impl Write, lead: &LeadRow) -> std::io::Result<()> {
    let sum = lead
        .amount
        .map(|amount| amount.to_decimal().normalize().to_string());
    let sum = sum.unwrap_or_default();
    writeln!(out, "{},{},{sum},{}", lead.id, lead.created, lead.user)
}
