//! Whole-cycle stories: the real binary against the simulators.

mod crash;
mod cycle;
mod google;
mod misuse;
mod pull;
mod world;
