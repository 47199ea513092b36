//! The Bitrix24 portal, in the portal's own words: sign-in, limits, errors, rows and how to load
//! them fast. What rows mean to a business is none of its concern.

mod address;
mod catalogue;
mod command;
mod envelope;
pub mod error;
pub mod events;
pub mod limit;
pub mod load;
mod opening;
mod operating;
mod payments;
mod portal;
mod products;
mod recheck;
mod sign_in;
#[cfg(test)]
mod tests;
mod transport;
pub mod wire;

use std::path::PathBuf;

pub use address::Secret;
pub use catalogue::{blocks, products, products_a_request};
pub use command::Command;
pub use error::{BitrixError, Kind};
pub use opening::{Ask, Missing, Opening, Probe, Span, Start, open, probe};
pub use payments::{PAYERS_A_REQUEST, PayerType, payments_of};
pub use portal::{COMMANDS_MAX, PAGE_ROWS, Portal};
pub use products::{DEALS_A_REQUEST, product_rows_of};
pub use recheck::{Fate, Survey, counts, fates, survey, tells_fates};
pub use sign_in::{Application, CODE_SECONDS, SERVER_DEFAULT, Tokens, secret_bytes};

/// How to reach a portal.
#[derive(Debug, Clone)]
pub struct Options {
    /// The inbound webhook's address, `https://<portal>/rest/<user id>/<code>/`; not looked at where
    /// an application is given.
    pub webhook_url: Secret,
    /// A local application of the portal, signed in before.
    pub application: Option<Application>,
    /// Whether the portal's tariff is Enterprise, which allows more requests; none where nobody has
    /// said. Then an application is told by the portal, and a webhook counts on the smaller allowance.
    pub enterprise: Option<bool>,
    /// Which of the portal's two ways to list leads and deals is used.
    pub face: wire::Face,
    /// Batches that may be under way at once.
    pub batches_in_flight: usize,
    /// A PEM file with the certificate authority of a self-hosted portal.
    pub ca_file: Option<PathBuf>,
}

/// Requests that may be under way at once unless told otherwise: enough to keep a bucket of two requests
/// a second flowing while each takes eight seconds.
const BATCHES_IN_FLIGHT: usize = 16;

impl Default for Options {
    fn default() -> Options {
        Options {
            webhook_url: Secret::new(""),
            application: None,
            enterprise: None,
            face: wire::Face::Classic,
            batches_in_flight: BATCHES_IN_FLIGHT,
            ca_file: None,
        }
    }
}
