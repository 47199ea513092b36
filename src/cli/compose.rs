//! The composition root: configuration → the program's parts. The only place where adapters are
//! built from options.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bitrix24::Portal;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::daemon::{Program, Schedule};
use crate::domain::calendar::Day;
use crate::google::{Google, Grant, Role};
use crate::store::{Sqlite, Store};
use crate::sync::outcome::SyncError;
use crate::sync::{Company, Engine, Profile};

/// Builds the program for the companies named in `chosen`.
pub(super) fn build(
    config: &Config,
    chosen: &[String],
    as_of: Option<Day>,
    clock: Arc<dyn Clock>,
    access: Access,
) -> Result<Program, SyncError> {
    let google = Google::new(&crate::google::Options {
        credentials: config.google.credentials.clone(),
        endpoint: config.google.endpoint.clone(),
        subject: config.google.subject.clone(),
    })?;
    let store = open_store(config, access)?;
    let engine = Engine {
        google: Arc::new(google),
        store,
        clock,
    };
    let mut companies = Vec::new();
    let mut schedules = BTreeMap::new();
    for company in config
        .companies
        .iter()
        .filter(|company| chosen.contains(&company.id))
    {
        let profile = profile(company, as_of);
        let portal = Portal::new(&portal_options(company))?;
        // The configuration has checked the pattern already.
        if let Ok(schedule) = Schedule::parse(&company.refresh, profile.calendar.zone) {
            schedules.insert(company.id.clone(), schedule);
        }
        companies.push(Company { profile, portal });
    }
    Ok(Program {
        engine,
        companies,
        schedules,
        listen: config.http.listen,
    })
}

/// What a verb does with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Changes it; one process at a time.
    Change,
    /// Only looks, beside a daemon that may be running.
    Look,
}

/// Opens the configured store. One that does not exist yet is made even for a look: it is empty.
pub(super) fn open_store(config: &Config, access: Access) -> Result<Arc<dyn Store>, SyncError> {
    let path = &config.store.path;
    let store = match access {
        Access::Look if path.exists() => Sqlite::open_read_only(path)?,
        Access::Look | Access::Change => Sqlite::open(path)?,
    };
    Ok(Arc::new(store))
}

/// How the company's portal is reached.
pub(super) fn portal_options(company: &config::Company) -> crate::bitrix24::Options {
    let portal = &company.bitrix24;
    crate::bitrix24::Options {
        webhook_url: crate::bitrix24::Secret::new(portal.webhook_url.expose()),
        application: application(company),
        enterprise: portal.enterprise,
        ca_file: portal.ca_file.clone(),
        ..crate::bitrix24::Options::default()
    }
}

/// The company's local application, when it has one.
pub(super) fn application(company: &config::Company) -> Option<crate::bitrix24::Application> {
    let given = company.bitrix24.application.as_ref()?;
    Some(crate::bitrix24::Application {
        portal: given.portal.clone(),
        client_id: given.client_id.clone(),
        client_secret: crate::bitrix24::Secret::new(given.client_secret.expose()),
        token_file: given.token_file.clone(),
        server: given.server.clone(),
        ca_file: company.bitrix24.ca_file.clone(),
    })
}

/// What the company is for a pass.
pub(super) fn profile(company: &config::Company, as_of: Option<Day>) -> Profile {
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
        pipelines: company
            .mapping
            .pipelines
            .as_ref()
            .map(|ids| ids.iter().copied().collect()),
        seeds: company.seeds(),
        report_template: company.report_template.clone(),
        plan_template: company.plan_template.clone(),
        folder: company.folder.clone(),
        grants: grants.collect(),
        as_of,
    }
}
