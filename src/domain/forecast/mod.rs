//! Where a running period is heading: so far the run-rate, the simplest baseline (R46, R85).

mod run_rate;

pub use run_rate::{Pace, completion, deviation};
