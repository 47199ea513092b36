//! The simulators' only reading of the wall clock.

/// The present instant.
#[allow(
    clippy::disallowed_methods,
    reason = "the simulators' single clock read"
)]
pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
