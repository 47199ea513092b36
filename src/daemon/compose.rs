//! The composition root: configuration → the program's parts. The only place where adapters are
//! built from options.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::bitrix24::Portal;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::calendar::{Day, Instant};
use crate::google::{Google, Grant, Role};
use crate::store::{Sqlite, Store};
use crate::sync::outcome::SyncError;
use crate::sync::{Company, Engine, Profile};

use super::Schedule;

/// Everything a verb needs.
pub struct Program {
    /// Google, store, clock.
    pub engine: Engine,
    /// The companies that the verb is for.
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

/// Builds the program for the companies named in `chosen`.
pub fn build(
    config: &Config,
    chosen: &[String],
    as_of: Option<Day>,
    clock: Arc<dyn Clock>,
) -> Result<Program, SyncError> {
    let google = Google::new(&crate::google::Options {
        credentials: config.google.credentials.clone(),
        endpoint: config.google.endpoint.clone(),
    })?;
    let store = open_store(config)?;
    let engine = Engine { google: Arc::new(google), store, clock };
    let mut companies = Vec::new();
    let mut schedules = BTreeMap::new();
    for company in config.companies.iter().filter(|company| chosen.contains(&company.id)) {
        let profile = profile(company, as_of);
        let portal = Portal::new(&portal_options(company))?;
        // The configuration has checked the pattern already.
        if let Ok(schedule) = Schedule::parse(&company.refresh, profile.calendar.zone) {
            schedules.insert(company.id.clone(), schedule);
        }
        companies.push(Company { profile, portal });
    }
    Ok(Program { engine, companies, schedules, listen: config.http.listen })
}

/// Opens the configured store.
pub fn open_store(config: &Config) -> Result<Arc<dyn Store>, SyncError> {
    Ok(Arc::new(Sqlite::open(&config.store.path)?))
}

/// How the company's portal is reached.
pub fn portal_options(company: &config::Company) -> crate::bitrix24::Options {
    crate::bitrix24::Options {
        webhook_url: crate::bitrix24::Secret::new(company.bitrix24.webhook_url.expose()),
        ..crate::bitrix24::Options::default()
    }
}

/// What the company is for a pass.
pub fn profile(company: &config::Company, as_of: Option<Day>) -> Profile {
    let grants = company.share_with.iter().map(|share| Grant {
        email: share.email.clone(),
        role: match share.role {
            config::ShareRole::Reader => Role::Reader,
            config::ShareRole::Commenter => Role::Commenter,
            config::ShareRole::Writer => Role::Writer,
        },
    });
    Profile {
        id: company.id.clone(),
        name: company.name.clone(),
        locale: company.locale.clone(),
        currency: company.currency.clone(),
        calendar: company.calendar(),
        junk: company.mapping.junk_statuses.iter().cloned().collect(),
        pipelines: company.mapping.pipelines.as_ref().map(|ids| ids.iter().copied().collect()),
        seeds: company.seeds(),
        report_template: company.report_template.clone(),
        plan_template: company.plan_template.clone(),
        folder: company.folder.clone(),
        grants: grants.collect(),
        as_of,
    }
}
