//! The outside world of planfact on loopback: a Google and a Bitrix24 portal, for any client.
//!
//! It shares no code with the clients it is held against, so that one misreading of a service
//! cannot hide on both sides.

mod clock;
pub mod company;
mod fault;
pub mod google;
pub mod portal;
