//! The portal alone. Settings come from the environment: `PORTAL_DATA` (a folder of CSV exports;
//! without it a company is made up), `PORTAL_SEED`, `PORTAL_LEADS`, `PORTAL_DEALS`,
//! `PORTAL_TODAY`, `PORTAL_LOCALE` (ru, en), `PORTAL_LISTEN`, `PORTAL_PLAN` (standard, enterprise,
//! unlimited), `PORTAL_PAGE_MS`, `PORTAL_SECRET`. Prints one line of JSON when ready.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example speaks to a terminal"
)]

use std::env;
use std::error::Error;
use std::path::Path;
use std::str::FromStr;
use std::time::Instant;

use planfact_sim::company::{Company, Locale, Size, Spec};
use planfact_sim::portal::{Options, Plan, Portal};

fn setting<T: FromStr>(name: &str) -> Result<Option<T>, String> {
    let Ok(text) = env::var(name) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| format!("{name}={text} cannot be read"))
}

fn company() -> Result<Company, Box<dyn Error>> {
    if let Some(dir) = env::var_os("PORTAL_DATA") {
        return Ok(Company::load(Path::new(&dir))?);
    }
    let leads = setting("PORTAL_LEADS")?;
    let locale: String = setting("PORTAL_LOCALE")?.unwrap_or_else(|| "ru".to_owned());
    Ok(Company::generate(&Spec {
        seed: setting("PORTAL_SEED")?.unwrap_or(1),
        size: if leads.is_some() {
            Size::Large
        } else {
            Size::Small
        },
        leads,
        deals: setting("PORTAL_DEALS")?,
        today: setting("PORTAL_TODAY")?
            .unwrap_or(chrono::NaiveDate::from_ymd_opt(2026, 11, 22).unwrap_or_default()),
        locale: if locale == "en" {
            Locale::En
        } else {
            Locale::Ru
        },
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let company = company()?;
    let (leads, deals) = company.size();
    eprintln!("{leads} leads and {deals} deals in {:?}", begun.elapsed());
    let mut options = Options {
        plan: match env::var("PORTAL_PLAN").as_deref() {
            Ok("enterprise") => Plan::Enterprise,
            Ok("unlimited") => Plan::Unlimited,
            _ => Plan::Standard,
        },
        page_ms: setting("PORTAL_PAGE_MS")?.unwrap_or(0),
        secret: setting("PORTAL_SECRET")?,
        ..Options::default()
    };
    if let Some(listen) = setting("PORTAL_LISTEN")? {
        options.listen = listen;
    }
    let portal = Portal::start(company, options).await?;
    println!("{}", serde_json::json!({"webhook_url": portal.webhook_url}));
    tokio::signal::ctrl_c().await?;
    portal.stop().await;
    Ok(())
}
