//! `init --sign-in`: an administrator's consent for the portal's local application.

use std::fmt::Write as _;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use crate::bitrix24::{Application, CODE_SECONDS, secret_bytes};
use crate::config::Config;
use crate::sync::outcome::SyncError;

use super::args::Global;
use super::output::print_json;
use super::{Failure, choose, compose};

/// Asks for consent to each application of the chosen companies, one after the other.
pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let config = Config::load(&global.config)?;
    let chosen = choose(&config, global)?;
    let mut asked = 0;
    for company in config
        .companies
        .iter()
        .filter(|company| chosen.contains(&company.id))
    {
        if let Some(application) = compose::application(company) {
            asked += 1;
            consent(global, &company.id, &application).await?;
        }
    }
    match asked {
        0 => Err(Failure::usage(
            "no company here has a local application: give it portal, client_id and client_secret \
             under [company.bitrix24]",
        )),
        _ => Ok(ExitCode::SUCCESS),
    }
}

async fn consent(global: &Global, id: &str, application: &Application) -> Result<(), Failure> {
    let failed = |error| Failure::from(SyncError::Portal(error));
    let mut state = String::new();
    for byte in secret_bytes::<16>() {
        // Writing into a String cannot fail.
        let _ = write!(state, "{byte:02x}");
    }
    let url = application.consent_url(&state).map_err(failed)?;
    eprintln!("{id}: open this address as an administrator of the portal and agree:");
    eprintln!("  {url}");
    eprintln!("Then paste the address that you were led to (within {CODE_SECONDS} seconds):");
    std::io::stderr()
        .flush()
        .map_err(|error| Failure::io("cannot ask", &error))?;
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = answer
        .await
        .map_err(|error| Failure::failed(format!("the answer was not read: {error}")))?
        .map_err(|error| Failure::io("cannot read the answer", &error))?;
    let code = Application::code_of(&line, &state).map_err(failed)?;
    let tokens = application.sign_in(&code).await.map_err(failed)?;
    if global.json {
        print_json(&serde_json::json!({
            "company": id, "portal": tokens.client_endpoint(), "member_id": tokens.member_id(),
        }));
    } else {
        println!("{id}: signed in at {}", tokens.client_endpoint());
    }
    Ok(())
}
