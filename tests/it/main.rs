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
mod departments;
mod google;
mod google_faults;
mod google_hands;
mod google_sign_in;
mod histories;
mod large;
mod misuse;
mod next_year;
mod portal_access;
mod portal_events;
mod portal_faults;
mod portal_goods;
mod portal_payments;
mod portal_resume;
mod portal_settle;
mod portal_sweep;
mod pull;
mod relay;
mod shop;
mod upgrades;
mod versions;
mod world;
