//! Measures the first load of a portal behind the literal request limit, against the least time
//! that the limit allows: `cargo bench --bench first_load -- [leads] [milliseconds a page]`.

#![allow(
    clippy::print_stdout,
    reason = "a measuring program prints its figures"
)]

use std::fmt::Write as _;
use std::path::Path;

use planfact::bitrix24::{Options, Portal, Secret};
use planfact::clock::{Clock, System};
use planfact::store::{Sqlite, Store};
use planfact::sync::pull::pull;
use planfact_sim::company::Company;
use planfact_sim::portal;

const LEADS: u64 = 200_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse::<u64>().ok());
    let leads = numbers.next().unwrap_or(LEADS);
    let page_ms = numbers.next().unwrap_or(0);
    let folder = tempfile::tempdir()?;
    write_leads(&folder.path().join("leads.csv"), leads)?;
    let company = Company::load(folder.path())?;
    let options = portal::Options {
        page_ms,
        ..portal::Options::default()
    };
    let sim = portal::Portal::start(company, options).await?;

    let webhook_url = Secret::new(sim.webhook_url.as_str());
    let client = Portal::new(&Options {
        webhook_url,
        ..Options::default()
    })?;
    let store = Sqlite::open(&folder.path().join("store.db"))?;
    let summary = pull(&client, &store, "bench", System.now(), &|_| {}).await?;

    let (stored, _, rejects) = store.counts("bench")?;
    println!(
        "{stored} leads stored, {rejects} rejects, {} requests: {:.2} s",
        summary.requests, summary.seconds
    );
    println!(
        "the limit allows no less than {:.1} s; answers by status: {}",
        summary.bound_seconds,
        sim.requests()["by_status"]
    );
    let quiet = pull(&client, &store, "bench", System.now(), &|_| {}).await?;
    println!(
        "a quiet pull: {} requests, {:.3} s",
        quiet.requests, quiet.seconds
    );
    sim.stop().await;
    Ok(())
}

/// Leads with ids from 1 on, a minute apart.
fn write_leads(file: &Path, leads: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::from(
        "ID,STATUS_ID,STATUS_SEMANTIC_ID,SOURCE_ID,OPPORTUNITY,CURRENCY_ID,ASSIGNED_BY_ID,\
         DATE_CREATE,DATE_MODIFY,DATE_CLOSED\n",
    );
    for id in 1..=leads {
        let seconds = 1_600_000_000 + i64::try_from(id)? * 60;
        let created = chrono::DateTime::from_timestamp(seconds, 0).ok_or("out of range")?;
        let created = created.to_rfc3339();
        writeln!(
            text,
            "{id},CONVERTED,S,WEB,{id}.50,RUB,1,{created},{created},{created}"
        )?;
    }
    std::fs::write(file, text)?;
    Ok(())
}
