//! Arguments of every verb: a contract that scripts depend on.

#[cfg(feature = "demo")]
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps a Bitrix24 CRM and a company's Google Sheets plan/fact reports true to each other.
#[derive(Debug, Parser)]
#[command(name = "planfact", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

impl Cli {
    /// How much is logged.
    pub fn verbosity(&self) -> u8 {
        self.global.verbose
    }
}

/// Options of every verb.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration file.
    #[arg(
        short,
        long,
        global = true,
        default_value = "planfact.toml",
        value_name = "FILE"
    )]
    pub config: PathBuf,
    /// Only this company.
    #[arg(long, global = true, value_name = "ID")]
    pub company: Option<String>,
    /// One JSON document on stdout; logs go to stderr.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more; twice: everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Try the whole product against simulators on this machine; needs no account.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// One simulator alone on loopback, for any client.
    #[cfg(feature = "demo")]
    Sim(SimArgs),
    /// Make a commented configuration by asking.
    Init(InitArgs),
    /// Name every misconfiguration with its remedy; writes nothing.
    Doctor,
    /// Copy the report and plan templates for the company, put back what copies lost (idempotent).
    Copy(CopyArgs),
    /// Fill the plan's cells from the targets; keep, compare and bring back versions of it.
    Plan(PlanArgs),
    /// Read the CRM and the plan, write what changed.
    Refresh(PassArgs),
    /// Show what `refresh` would write; writes nothing.
    Diff(PassArgs),
    /// Run as a daemon: nightly refreshes, edits picked up within a minute.
    Run,
    /// State of each company.
    Status,
    /// Delete everything that is kept of a company; its spreadsheets stay.
    Forget(ForgetArgs),
    /// Tell where a plan number comes from: whose it is, its derivation, its history.
    Explain(ExplainArgs),
    /// Write the report and the plan as .xlsx, and one .csv a data table.
    Export(ExportArgs),
}

/// Options of the verbs that run a pass.
#[derive(Debug, Clone, Args)]
pub struct PassArgs {
    /// What "today" is.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
}

/// Options of `copy`.
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// The plan of the next year, before this one is over.
    #[arg(long)]
    pub next_year: bool,
    /// What "today" is.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
    /// Make this file anew after it was deleted; people's plan numbers come back from the store.
    #[arg(long, value_name = "FILE")]
    pub anew: Option<FileRole>,
}

/// One of a company's two spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileRole {
    /// The report.
    Report,
    /// The plan of this year, or of the next with `--next-year`.
    Plan,
}

/// Options of `plan`; of those that are no date at most one.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// The plan of the next year, before this one is over.
    #[arg(long)]
    pub next_year: bool,
    /// What "today" is.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
    /// List the cells that would be written: old → new, and why; writes nothing.
    #[arg(long, group = "what")]
    pub dry_run: bool,
    /// Bring back the plan before the last change set; done twice, it is as before.
    #[arg(long, group = "what")]
    pub undo: bool,
    /// Keep the plan as it is now under a name of its own.
    #[arg(long, value_name = "NAME", group = "what")]
    pub save: Option<String>,
    /// List the versions.
    #[arg(long, group = "what")]
    pub versions: bool,
    /// Show where the plan in force differs from a version; writes nothing.
    #[arg(long, value_name = "NAME", group = "what")]
    pub compare: Option<String>,
    /// Bring back a version.
    #[arg(long, value_name = "NAME", group = "what")]
    pub restore: Option<String>,
}

/// Options of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The cell: its keys (plan_company/revenue/2026-03, plan_employee/user:17/revenue/2026-03) or
    /// its address with the tab's title (Plan!D8).
    #[arg(value_name = "CELL")]
    pub cell: String,
    /// Write the derivation as the cell's note, too.
    #[arg(long)]
    pub note: bool,
    /// The plan of the next year, before this one is over.
    #[arg(long)]
    pub next_year: bool,
    /// What "today" is.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
}

/// Options of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder to write into.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The plan of the next year, before this one is over.
    #[arg(long)]
    pub next_year: bool,
    /// What "today" is.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
}

/// Options of `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Write the commented example without asking.
    #[arg(long, group = "how")]
    pub defaults: bool,
    /// Sign the portal's local application in: prints an address, takes the answer.
    #[arg(long, group = "how")]
    pub sign_in: bool,
    /// Sign a Google user in, with the file of an OAuth client from the Google Cloud console: prints
    /// an address to open in a browser of this machine.
    #[arg(long, value_name = "FILE", group = "how")]
    pub google: Option<PathBuf>,
    /// The same on a machine without a browser: prints a code to type on another device.
    #[arg(long, requires = "google")]
    pub device: bool,
    /// Where the Google user's consent is kept; by default where `[google] credentials` says.
    #[arg(long, value_name = "FILE", requires = "google")]
    pub save_to: Option<PathBuf>,
}

/// Options of `forget`.
#[derive(Debug, Clone, Args)]
pub struct ForgetArgs {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// A folder with a CRM export as CSV; without it a fictional company is made up.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The fictional company's seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Language of the fictional company and its spreadsheets, such as en_US.
    #[arg(long, default_value = "ru_RU")]
    pub locale: String,
    /// Run one full cycle, write the workbooks, print a summary and end.
    #[arg(long)]
    pub once: bool,
    /// Where `--once` writes the workbooks.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Port of the pages (0: any free one).
    #[arg(long, default_value_t = 8080, value_name = "P")]
    pub port: u16,
    /// What "today" is; by default the last day in the data.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
}

/// Options of `sim`.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// Which one.
    #[command(subcommand)]
    pub which: SimVerb,
}

/// The simulators.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum SimVerb {
    /// A Bitrix24 portal.
    Portal(PortalArgs),
    /// Google's sign-in, Drive and Sheets.
    Google(GoogleArgs),
}

/// Options of `sim portal`.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct PortalArgs {
    /// Where to listen; loopback only; port 0: any free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Faults to inject, a JSON file with a list (see `POST /_sim/faults`).
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// A folder with a CRM export as CSV.
    #[arg(long, value_name = "DIR", conflicts_with = "size")]
    pub data: Option<PathBuf>,
    /// A fictional company instead.
    #[arg(long = "size", value_enum, default_value_t = CompanySize::Small)]
    pub size: CompanySize,
    /// The fictional company's seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many leads it has.
    #[arg(long, value_name = "N")]
    pub leads: Option<u64>,
    /// How many deals it has.
    #[arg(long, value_name = "N")]
    pub deals: Option<u64>,
    /// How long the portal works on one page of a list, milliseconds.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub page_ms: u64,
    /// The tariff, which decides the rate limit.
    #[arg(long, value_enum, default_value_t = PortalPlan::Standard)]
    pub plan: PortalPlan,
    /// Listen at a second address too, with TLS and a self-signed certificate.
    #[arg(long, value_name = "ADDR")]
    pub tls: Option<SocketAddr>,
    /// Where to write that certificate (PEM), for a client's file of trusted authorities.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_cert_out: Option<PathBuf>,
    /// Who pays the operating time of a batch.
    #[arg(long, value_enum, default_value_t = PortalBilling::Methods)]
    pub billing: PortalBilling,
    /// Operating seconds in ten minutes after which a method is refused.
    #[arg(long, default_value_t = 480.0, value_name = "S")]
    pub operating_limit: f64,
    /// Operating milliseconds billed for a page of a list, over those of --page-ms.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub operating_ms: u64,
    /// The zone of the portal's server, an IANA name; by default the company's own.
    #[arg(long, value_name = "NAME")]
    pub time_zone: Option<chrono_tz::Tz>,
    /// Let the company live at this pace, such as `30/min`.
    #[arg(long, default_value = "0/min", value_name = "N/min", value_parser = per_minute)]
    pub live: u32,
}

/// Reads `30/min`.
#[cfg(feature = "demo")]
fn per_minute(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/min").unwrap_or(text);
    number
        .parse()
        .map_err(|_| format!("{text:?} is no pace; write it as 30/min"))
}

/// Who pays the operating time of a batch on a simulated portal.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PortalBilling {
    /// Each method for itself, as the documentation says.
    Methods,
    /// The method `batch`, as measured in the field.
    Batch,
    /// Nobody: no counters, as on a self-hosted portal.
    Off,
}

/// Size of a fictional company.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompanySize {
    /// About 30,000 leads over three years.
    Small,
    /// A million leads unless told otherwise.
    Large,
}

/// Tariff of a simulated portal.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PortalPlan {
    /// 2 requests a second, 50 at once.
    Standard,
    /// 5 requests a second, 250 at once.
    Enterprise,
    /// No limit.
    Unlimited,
}

/// Options of `sim google`.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct GoogleArgs {
    /// Where to listen; loopback only; port 0: any free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Faults to inject, a JSON file with a list (see `POST /_sim/faults`).
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Where to write a service-account key whose token address is the simulator's.
    #[arg(long, value_name = "FILE")]
    pub credentials_out: Option<PathBuf>,
    /// Spreadsheets that are there from the start, a JSON file with a list (see `POST /_sim/seed`).
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// Accept any bearer token, for clients that cannot sign in.
    #[arg(long)]
    pub any_token: bool,
    /// Enforce no quotas.
    #[arg(long)]
    pub no_quotas: bool,
}
