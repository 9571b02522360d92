//! Batches on a real cluster of two nodes, started for the test on this machine.
//!
//! `cargo xtask test` names the program that starts it; elsewhere these tests are skipped with a reason, and fail in CI.

#[path = "../common/mod.rs"]
mod common;

mod cluster;
mod refused;
mod restart;
mod scratch;
mod twelve;
