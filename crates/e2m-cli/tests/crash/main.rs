//! Whatever instant a run dies at, or a disk fails at, the next run completes, and what there is then is what an uninterrupted
//! run leaves.
//!
//! Built with the feature `fault-injection`, the program counts every change to a disk and can be made to die or fail at
//! each; see `e2m_io::fault`.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "figures for docs/reliability.md")]

#[path = "../common/mod.rs"]
mod common;
mod failures;
mod instants;
mod order;
mod points;
mod soak;
mod tree;
mod way;
