//! Tracing set-up and the names of what is counted.
//!
//! Logs go to standard error, because standard output belongs to results. A sentence begins with a
//! small letter and names its subject; numbers and ids stand in fields whose names end with the
//! unit (`wait_ms`). Tokens, webhook addresses and CRM personal data are never logged.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that overrides the level, in tracing's filter language.
pub const FILTER_VARIABLE: &str = "RUST_LOG";

/// Sends logs to standard error from now on; a second call changes nothing.
///
/// `verbosity` counts the `-v`: 0 tells what an operator should know, 1 what each pass does, 2 each
/// request, 3 also what libraries say. [`FILTER_VARIABLE`] overrides it. With `json` each line is a
/// JSON object, for collectors; without, a line for people, with colours on a terminal.
pub fn init(verbosity: u8, json: bool) {
    let given = std::env::var(FILTER_VARIABLE).ok();
    let registry = tracing_subscriber::registry().with(filter(given.as_deref(), verbosity));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // The error says only that a subscriber is already there.
    let _ = if json {
        registry.with(layer.json().flatten_event(true)).try_init()
    } else {
        let layer = layer
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(verbosity > 1);
        registry.with(layer.compact()).try_init()
    };
}

/// The filter of a verbosity, unless another was given that can be read.
fn filter(given: Option<&str>, verbosity: u8) -> EnvFilter {
    let own = match verbosity {
        0 => "warn,planfact=info",
        1 => "warn,planfact=debug",
        2 => "warn,planfact=trace,planfact_sim=debug",
        _ => "debug,planfact=trace,planfact_sim=trace",
    };
    let filter = given
        .filter(|given| !given.trim().is_empty())
        .and_then(|given| EnvFilter::try_new(given).ok())
        .unwrap_or_else(|| EnvFilter::new(own));
    // At its debug level this library writes codes and tokens; no filter may ask for that.
    match "yup_oauth2=warn".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    }
}

/// Names of the counts that a pass keeps (`PassRecord::counts`) and that the status page shows. A
/// name says what is counted and, when it is not plain things, in which unit.
pub mod metric {
    /// Leads stored by a pass.
    pub const LEADS_PULLED: &str = "leads_pulled";
    /// Deals stored by a pass.
    pub const DEALS_PULLED: &str = "deals_pulled";
    /// Records set aside because they could not be read.
    pub const RECORDS_REJECTED: &str = "records_rejected";
    /// Plan cells that people changed since the last pass.
    pub const CELLS_ADOPTED: &str = "cells_adopted";
    /// Cells written to spreadsheets.
    pub const CELLS_WRITTEN: &str = "cells_written";
    /// Requests sent to the portal.
    pub const PORTAL_REQUESTS: &str = "portal_requests";
    /// Requests sent to Google that read.
    pub const GOOGLE_READS: &str = "google_reads";
    /// Requests sent to Google that write.
    pub const GOOGLE_WRITES: &str = "google_writes";
    /// Requests sent to Google in all.
    pub const GOOGLE_REQUESTS: &str = "google_requests";
    /// Attempts repeated after an error.
    pub const RETRIES: &str = "retries";
    /// Time of the stage `pull`.
    pub const PULL_MS: &str = "pull_ms";
    /// Time of the stage `observe`.
    pub const OBSERVE_MS: &str = "observe_ms";
    /// Time of the stage `reconcile`.
    pub const RECONCILE_MS: &str = "reconcile_ms";
    /// Time of the stage `publish`.
    pub const PUBLISH_MS: &str = "publish_ms";
    /// Time of the whole pass.
    pub const PASS_MS: &str = "pass_ms";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbosity_chooses_the_level_unless_another_filter_is_given() {
        let cases = [
            (None, 0, "planfact=info,warn,yup_oauth2=warn"),
            (Some(""), 0, "planfact=info,warn,yup_oauth2=warn"),
            (None, 1, "planfact=debug,warn,yup_oauth2=warn"),
            (
                None,
                9,
                "planfact=trace,planfact_sim=trace,debug,yup_oauth2=warn",
            ),
            (Some("error"), 3, "error,yup_oauth2=warn"),
            (Some("planfact=off"), 3, "planfact=off,yup_oauth2=warn"),
            // Nobody may ask for the level at which tokens are logged.
            (Some("yup_oauth2=trace"), 0, "yup_oauth2=warn"),
            // What cannot be read is no reason to say nothing.
            (
                Some("planfact=loud=er"),
                0,
                "planfact=info,warn,yup_oauth2=warn",
            ),
        ];
        for (given, verbosity, expected) in cases {
            let mut told: Vec<String> = filter(given, verbosity)
                .to_string()
                .split(',')
                .map(str::to_owned)
                .collect();
            let mut expected: Vec<&str> = expected.split(',').collect();
            told.sort_unstable();
            expected.sort_unstable();
            assert_eq!(told, expected, "{given:?} {verbosity}");
        }
    }
}
