//! The Google simulator alone: prints one line of JSON and serves until it is ended.
//!
//! Environment: `LISTEN` (default `127.0.0.1:0`), `QUOTAS=0`, `ANY_TOKEN=1`, and
//! `CREDENTIALS_OUT`, a file that gets the service account's key.

use std::error::Error;
use std::io::Write;

use planfact_sim::google::{Google, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let flag = |name: &str| std::env::var(name).is_ok_and(|v| v == "1");
    let mut options = Options::default();
    if let Ok(listen) = std::env::var("LISTEN") {
        options.listen = listen.parse()?;
    }
    options.quotas = std::env::var("QUOTAS").map_or(true, |v| v != "0");
    options.accept_any_token = flag("ANY_TOKEN");
    let google = Google::start(options).await?;
    if let Ok(path) = std::env::var("CREDENTIALS_OUT") {
        std::fs::write(path, serde_json::to_vec_pretty(&google.credentials)?)?;
    }
    let line = serde_json::json!({"endpoint": google.endpoint, "folder": google.folder});
    writeln!(std::io::stdout(), "{line}")?;
    tokio::signal::ctrl_c().await?;
    google.stop().await;
    Ok(())
}
