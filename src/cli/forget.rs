//! `forget`: everything that is kept of a company is deleted; its spreadsheets stay its own.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use crate::bitrix24::{Portal, events};
use crate::config::Config;
use crate::sync::outcome::SyncError;

use super::args::{ForgetArgs, Global};
use super::output::print_json;
use super::{Failure, compose};

/// Deletes records, plan, history, tokens and subscriptions of one company. The company need not stand in the
/// configuration any more.
pub(super) async fn run(global: &Global, args: &ForgetArgs) -> Result<ExitCode, Failure> {
    let Some(id) = &global.company else {
        return Err(Failure::usage("say whom to forget: --company ID"));
    };
    let config = Config::load(&global.config)?;
    if !args.yes && !agreed(id)? {
        return Err(Failure::usage(format!(
            "{id} was not forgotten: it was not confirmed"
        )));
    }
    unsubscribe(&config, id).await;
    let store = compose::open_store(&config, compose::Access::Change).map_err(Failure::from)?;
    let forgotten = store
        .forget(id)
        .map_err(|error| Failure::from(SyncError::from(error)))?;
    let tokens = config
        .company(id)
        .and_then(|company| company.bitrix24.application.as_ref())
        .map(|application| application.token_file.clone());
    if let Some(file) = tokens
        && let Err(error) = std::fs::remove_file(&file)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(Failure::io(
            &format!("cannot delete {}", file.display()),
            &error,
        ));
    }
    if global.json {
        print_json(&serde_json::json!({"company": id, "forgotten": forgotten}));
    } else if forgotten {
        println!("{id}: everything that was kept is deleted; the spreadsheets are as they were");
    } else {
        println!("{id}: nothing was kept");
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives up an application's subscriptions to events, as long as its tokens are there. A portal that
/// cannot be reached keeps nobody's data from being deleted.
async fn unsubscribe(config: &Config, id: &str) {
    let Some(company) = config.company(id) else {
        return;
    };
    let signed_in = company.bitrix24.application.as_ref();
    if !signed_in.is_some_and(|application| application.token_file.exists()) {
        return;
    }
    let given_up = match Portal::new(&compose::portal_options(company)) {
        Ok(portal) => events::unbind(&portal).await,
        Err(error) => Err(error),
    };
    if let Err(error) = given_up {
        eprintln!(
            "{id}: its subscriptions to the portal's events could not be given up; remove the \
             application in the portal: {error}"
        );
    }
}

/// Asks on a terminal; elsewhere nobody agrees without `--yes`.
fn agreed(id: &str) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(false);
    }
    eprintln!("This deletes the records, the plan's history and the sign-in of {id} for good.");
    eprintln!("Type its id to go on:");
    let mut line = String::new();
    input
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::io("cannot read the answer", &error))?;
    Ok(line.trim() == id)
}
