//! The only place where the portal waits: its own work, and the slowness that a fault asks for.

use std::time::Duration;

/// Waits as long as the server would work.
#[allow(
    clippy::disallowed_methods,
    reason = "the simulator's one wait; it imitates server work"
)]
pub(crate) async fn work(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
