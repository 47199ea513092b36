//! The outside world of planfact on loopback: a Google and a Bitrix24 portal, for any client.

mod clock;
mod fault;
pub mod google;
