//! The configuration: defaults, then the file, then the environment; one struct per concern.
//!
//! Owns what may be written and what is wrong with what was written. Every fault is found in one
//! reading and told with its file, its key, its value and a remedy. Whether accounts and addresses
//! work is not its business; `doctor` tries them.
//!
//! Defaults are not in the code: `config/default.toml`, the commented example that `init` writes,
//! is compiled in and read first, so that what is documented is what holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use url::Url;

use crate::domain::calendar::{Calendar, Day};
use crate::domain::plan::TargetSeeds;

mod check;
mod example;
mod keys;
mod load;
mod problem;
mod section;
#[cfg(test)]
mod tests;

pub use example::{EXAMPLE, render_example};
pub use load::DemoInput;
pub use problem::{ConfigErrors, Problem};

/// What the program is to do, and for whom.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// How Google is reached.
    pub google: Google,
    /// Where memory is kept.
    pub store: StoreOptions,
    /// Where the status page is served.
    pub http: Http,
    /// The companies, in the order of the file; at least one, no two of the same id.
    pub companies: Vec<Company>,
}

/// `[google]`
#[derive(Debug, Clone)]
pub struct Google {
    /// The key file of a service account, or the file of an OAuth user.
    pub credentials: PathBuf,
    /// Another address of Google's interfaces, ending with a slash.
    pub endpoint: Option<Url>,
    /// The person in whose name a service account works.
    pub subject: Option<String>,
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[http]`
#[derive(Debug, Clone)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
}

/// `[[company]]`
#[derive(Debug, Clone)]
pub struct Company {
    /// Its short name in commands.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where its days and months are cut.
    pub time_zone: Tz,
    /// Language and country, such as `ru_RU`.
    pub locale: String,
    /// The currency of its reports, by ISO 4217.
    pub currency: String,
    /// When its reports are refreshed, in its time zone: a cron pattern of five fields that comes
    /// at some time.
    pub refresh: String,
    /// Days off besides Saturdays and Sundays.
    pub holidays: BTreeSet<Day>,
    /// Who may open its spreadsheets.
    pub share_with: Vec<Share>,
    /// The Drive folder for its spreadsheets.
    pub folder: Option<String>,
    /// The spreadsheet to copy as its report, instead of the built-in template.
    pub report_template: Option<String>,
    /// The spreadsheet to copy as its plan, instead of the built-in template.
    pub plan_template: Option<String>,
    /// Its portal.
    pub bitrix24: Portal,
    /// What the portal's codes mean here.
    pub mapping: Mapping,
    /// What seeds its tab of targets.
    pub targets: TargetSeeds,
}

impl Company {
    /// Its time zone and days off.
    pub fn calendar(&self) -> Calendar {
        Calendar {
            zone: self.time_zone,
            holidays: self.holidays.clone(),
        }
    }

    /// What seeds its tab of targets.
    pub fn seeds(&self) -> TargetSeeds {
        self.targets.clone()
    }

    /// Whether its texts are Russian; they are English otherwise.
    pub fn is_russian(&self) -> bool {
        self.locale.starts_with("ru")
    }
}

/// A person who may open a company's spreadsheets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The e-mail address of the Google account.
    pub email: String,
    /// What the person may do.
    pub role: ShareRole,
}

/// What a person may do with a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareRole {
    /// Look.
    Reader,
    /// Look and comment.
    Commenter,
    /// Change what is not protected.
    Writer,
}

impl ShareRole {
    /// Drive's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ShareRole::Reader => "reader",
            ShareRole::Commenter => "commenter",
            ShareRole::Writer => "writer",
        }
    }
}

/// `[company.bitrix24]`
#[derive(Debug, Clone)]
pub struct Portal {
    /// The inbound webhook's address, ending with a slash; empty where an application is given.
    pub webhook_url: Secret,
    /// A local application instead of a webhook.
    pub application: Option<Application>,
    /// A PEM file with the certificate authority of a portal that its owner hosts.
    pub ca_file: Option<PathBuf>,
    /// Whether the tariff is Enterprise, which allows more requests; none where nothing is said.
    pub enterprise: Option<bool>,
}

impl Portal {
    /// A portal that is reached by an inbound webhook, and nothing special about it.
    pub fn webhook(webhook_url: Secret) -> Portal {
        Portal {
            webhook_url,
            application: None,
            ca_file: None,
            enterprise: None,
        }
    }
}

/// A local application of the portal.
#[derive(Debug, Clone)]
pub struct Application {
    /// The portal as people open it.
    pub portal: Url,
    /// Its code.
    pub client_id: String,
    /// Its key.
    pub client_secret: Secret,
    /// Where its tokens are kept.
    pub token_file: PathBuf,
    /// The authorisation server.
    pub server: Url,
}

/// `[company.mapping]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Lead statuses that mean junk.
    pub junk_statuses: Vec<String>,
    /// Deal pipelines that count; none means all.
    pub pipelines: Option<Vec<u64>>,
}

/// A text that must not be seen: it prints as `(hidden)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The text itself, for the one who sends it to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Config {
    /// Reads a configuration file and the `PLANFACT__…` variables of the environment.
    ///
    /// # Errors
    /// Every fault found.
    pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Config::load_with(path, &environment)
    }

    /// Reads a configuration file with the given environment instead of the program's own.
    ///
    /// # Errors
    /// Every fault found.
    pub fn load_with(
        path: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Config, ConfigErrors> {
        load::config(path, environment)
    }

    /// Reads the `company.toml` of a folder of data: keys of a `[[company]]` table. What it leaves
    /// out has the value of `default.toml`, required keys included; its portal is the one given.
    /// `file` is what messages call it.
    ///
    /// # Errors
    /// Every fault found.
    pub fn company_from_toml(
        text: &str,
        file: &str,
        bitrix24: Portal,
    ) -> Result<Company, ConfigErrors> {
        load::company_of_data(text, file, bitrix24)
    }

    /// The configuration of a demonstration: one company `demo` between two simulators.
    ///
    /// # Errors
    /// Faults of the company's keys, or of the simulators' addresses.
    pub fn for_demo(input: &DemoInput) -> Result<Config, ConfigErrors> {
        load::demo(input)
    }

    /// The company of this id.
    pub fn company(&self, id: &str) -> Option<&Company> {
        self.companies.iter().find(|company| company.id == id)
    }
}
