//! The outside world of planfact on loopback. It shares no code with the clients it is held
//! against, so that one misreading of a service cannot hide on both sides.

mod clock;
pub mod company;
pub mod portal;
