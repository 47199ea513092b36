//! The Bitrix24 portal, in the portal's own words: sign-in, limits, errors, rows and how to load
//! them fast. What rows mean to a business is none of its concern.

mod address;
mod command;
pub mod error;
pub mod limit;
pub mod load;
mod opening;
mod portal;
#[cfg(test)]
mod tests;
pub mod wire;

use std::path::PathBuf;

pub use address::Secret;
pub use command::Command;
pub use error::{BitrixError, Kind};
pub use opening::{Ask, Missing, Opening, Probe, Span, open, probe};
pub use portal::{COMMANDS_MAX, PAGE_ROWS, Portal};

/// How to reach a portal.
#[derive(Debug, Clone)]
pub struct Options {
    /// The inbound webhook's address, `https://<portal>/rest/<user id>/<code>/`.
    pub webhook_url: Secret,
    /// Whether the portal's tariff is Enterprise, which allows more requests.
    pub enterprise: bool,
    /// Batches of the first load that may be under way at once.
    pub batches_in_flight: usize,
    /// A PEM file with the certificate authority of a self-hosted portal.
    pub ca_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            webhook_url: Secret::new(""),
            enterprise: false,
            batches_in_flight: 4,
            ca_file: None,
        }
    }
}
