//! `run`: the daemon in the foreground, as systemd wants it.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::daemon::{self, Settings};

use super::args::Global;
use super::compose::Access;
use super::{Failure, program};

/// Runs until SIGINT or SIGTERM.
pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let program = program(global, None, Access::Change)?;
    let settings = Settings {
        listen: Some(program.listen),
        ..Settings::default()
    };
    let stop = CancellationToken::new();
    let signal = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        signal.cancel();
    });
    let ready = |address: Option<std::net::SocketAddr>| {
        if let Some(address) = address {
            println!("planfact is running; status page http://{address}/");
        }
    };
    daemon::run(program, settings, stop, ready)
        .await
        .map_err(|error| Failure::failed(format!("the daemon cannot start: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns at SIGINT or SIGTERM.
pub(super) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
