//! The verbs. Each file reads its arguments, calls a room below and prints; none computes.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this room is for"
)]

pub mod args;
mod compose;
mod consent;
mod copy;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod explain;
mod export;
mod forget;
mod init;
mod output;
mod pass;
mod plan;
mod run;
mod sign_in;
#[cfg(feature = "demo")]
mod sim;
mod status;

use std::process::ExitCode;
use std::sync::Arc;

pub use args::Cli;
use args::Verb;
use compose::Access;

use crate::config::{Config, ConfigErrors};
use crate::daemon::Program;
use crate::sync::copy::PlanYear;
use crate::sync::outcome::{Outcome, SyncError};

/// How a verb failed, and with which exit code: 1 failed, 2 bad usage or configuration, 3 done in
/// part, 4 a human is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Failure {
    /// Something failed (exit code 1).
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure {
            code: 1,
            message: message.into(),
            remedy: None,
        }
    }

    /// Bad usage or configuration (exit code 2).
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure {
            code: 2,
            message: message.into(),
            remedy: None,
        }
    }

    fn io(doing: &str, error: &std::io::Error) -> Failure {
        Failure::failed(format!("{doing}: {error}"))
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Failure {
        let code = match error.outcome() {
            Outcome::Human(_) => 4,
            Outcome::NextPass | Outcome::Failed => 1,
        };
        Failure {
            code,
            message: error.chain(),
            remedy: error.remedy(),
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Failure {
        Failure::usage(errors.to_string())
    }
}

/// Prints a failure on stderr and gives its exit code.
pub fn fail(failure: &Failure) -> ExitCode {
    eprintln!("error: {}", failure.message);
    print_remedy(failure);
    ExitCode::from(failure.code)
}

/// The remedy, unless the message ends with it already.
fn print_remedy(failure: &Failure) {
    if let Some(remedy) = &failure.remedy
        && !failure.message.contains(remedy.as_str())
    {
        eprintln!("  → {remedy}");
    }
}

/// Runs the verb.
pub async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, verb } = cli;
    match verb {
        #[cfg(feature = "demo")]
        Verb::Demo(args) => demo::run(&global, &args).await,
        #[cfg(feature = "demo")]
        Verb::Sim(args) => sim::run(&global, &args).await,
        Verb::Init(args) if args.sign_in => sign_in::run(&global).await,
        Verb::Init(args) if args.google.is_some() => consent::run(&global, &args).await,
        Verb::Init(args) => init::run(&global, &args),
        Verb::Forget(args) => forget::run(&global, &args).await,
        Verb::Doctor => doctor::run(&global).await,
        Verb::Copy(args) => copy::run(&global, &args).await,
        Verb::Plan(args) => plan::run(&global, &args).await,
        Verb::Refresh(args) => pass::run(&global, &args, pass::Kind::Refresh).await,
        Verb::Diff(args) => pass::run(&global, &args, pass::Kind::Diff).await,
        Verb::Run => run::run(&global).await,
        Verb::Status => status::run(&global),
        Verb::Explain(args) => explain::run(&global, &args).await,
        Verb::Export(args) => export::run(&global, &args).await,
    }
}

/// Which plan `--next-year` means.
fn plan_year(is_next: bool) -> PlanYear {
    match is_next {
        true => PlanYear::Next,
        false => PlanYear::This,
    }
}

/// Reads the configuration and builds the program with the companies that were asked for.
fn program(
    global: &args::Global,
    as_of: Option<chrono::NaiveDate>,
    access: Access,
) -> Result<Program, Failure> {
    let config = Config::load(&global.config)?;
    let chosen = choose(&config, global)?;
    compose::build(
        &config,
        &chosen,
        as_of,
        Arc::new(crate::clock::System),
        access,
    )
    .map_err(Failure::from)
}

/// The ids of the companies that the verb is for.
fn choose(config: &Config, global: &args::Global) -> Result<Vec<String>, Failure> {
    let all: Vec<String> = config
        .companies
        .iter()
        .map(|company| company.id.clone())
        .collect();
    match &global.company {
        None => Ok(all),
        Some(id) if all.contains(id) => Ok(vec![id.clone()]),
        Some(id) => Err(Failure::usage(format!(
            "no company `{id}` in {}; it has: {}",
            global.config.display(),
            all.join(", ")
        ))),
    }
}

/// The exit code when `failed` of `all` companies failed; `failure` is the first of them.
fn verdict(all: usize, failed: Vec<(String, Failure)>) -> Result<ExitCode, Failure> {
    for (company, failure) in &failed {
        eprintln!("{company}: {}", failure.message);
        print_remedy(failure);
    }
    match failed.into_iter().next() {
        None => Ok(ExitCode::SUCCESS),
        Some((_, failure)) if all == 1 => Ok(ExitCode::from(failure.code)),
        Some(_) => Ok(ExitCode::from(3)),
    }
}
