//! Whole-cycle stories: the real binary against the simulators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a story that cannot go on has failed, and says what it did"
)]

mod accounts;
mod crash;
mod cycle;
mod google;
mod google_faults;
mod histories;
mod large;
mod misuse;
mod portal_access;
mod portal_faults;
mod portal_resume;
mod portal_settle;
mod pull;
mod relay;
mod upgrades;
mod versions;
mod world;
