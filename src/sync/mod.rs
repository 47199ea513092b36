//! (room to be filled: sync)

pub mod ingest;
pub mod pull;
