//! The scale of generated pairs: how accurate it is, and what it does not depend on.
#![expect(
    clippy::print_stdout,
    reason = "the rates are there to be read with --nocapture"
)]

mod accuracy;
mod pairs;
mod robustness;
mod sources;
mod verdict;
