//! The engine: one pass over one company.
//!
//! `pull → observe → reconcile → audit → accept → publish → confirm`. Nothing depends on
//! remembering what the last pass intended, so a pass may die anywhere and the next one repairs
//! it. A poke says *when* to run a pass, never *what* it should do.

pub mod copy;
pub mod explain;
mod fresh;
pub mod guard;
pub mod ingest;
pub mod mend;
pub mod names;
pub mod outcome;
pub mod pass;
pub mod publish;
pub mod pull;
pub mod reconcile;
pub mod render;
mod scenario;
pub mod upgrade;
pub mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bitrix24::Portal;
use crate::clock::Clock;
use crate::domain::calendar::{Calendar, Day};
use crate::domain::plan::TargetSeeds;
use crate::google::{Google, Grant};
use crate::store::Store;

/// What a company is for a pass. Built from the configuration by whoever runs the pass.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The key under which everything of the company is kept.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The spreadsheets' locale, such as `ru_RU`.
    pub locale: String,
    /// ISO 4217 code of the base currency.
    pub currency: String,
    /// Time zone and holidays.
    pub calendar: Calendar,
    /// Codes of the lead statuses that mean junk (D2).
    pub junk: BTreeSet<String>,
    /// Pipelines that count; none for all.
    pub pipelines: Option<BTreeSet<u64>>,
    /// Targets that seed the «Цели» tab.
    pub seeds: TargetSeeds,
    /// A spreadsheet to copy the report from instead of the built-in template.
    pub report_template: Option<String>,
    /// A spreadsheet to copy the plan from instead of the built-in template.
    pub plan_template: Option<String>,
    /// The Drive folder in which the company's files are made.
    pub folder: Option<String>,
    /// Who may read or edit the files.
    pub grants: Vec<Grant>,
    /// What "today" is, when it is not the clock's day.
    pub as_of: Option<Day>,
}

/// Everything a pass may touch, and nothing global.
pub struct Engine {
    /// The Google account.
    pub google: Arc<Google>,
    /// Memory that survives.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// One company with its portal.
pub struct Company {
    /// What it is.
    pub profile: Profile,
    /// Its portal.
    pub portal: Portal,
}

impl Profile {
    /// The day that counts as today at `now`: the configured one, else the day in the company's
    /// time zone.
    pub fn today(&self, now: crate::domain::calendar::Instant) -> Day {
        self.as_of.unwrap_or_else(|| self.calendar.day_of(now))
    }
}
