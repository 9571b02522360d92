//! What the tests of all crates share: how they ask for what a machine may lack, how they do a part of a long sweep, how
//! they get files that another test has made before ([`made_once`]), and numbers by a seed ([`Random`]).
//!
//! All of it depends on variables, so that the same tests serve three ways of running them:
//!
//! | | something is missing | a long sweep |
//! |---|---|---|
//! | `cargo nextest run` | the test ends early and prints why | all of it |
//! | `cargo xtask test` | the test fails ([`REQUIRE_ALL`]) | a sample, whose seed is printed ([`SAMPLE`]) |
//! | `cargo xtask test --full` | the test fails | all of it |
//!
//! ```
//! use e2m_testing::{prerequisite, sample};
//!
//! # fn find_browser() -> Option<std::path::PathBuf> { Some("/bin/sh".into()) }
//! let Some(browser) = prerequisite("a browser", find_browser()) else {
//!     return;
//! };
//! for width in sample("widths of a window", [320, 800, 1280], 1) {
//!     println!("{} at {width} px", browser.display());
//! }
//! ```
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod made_once;
mod notes;
mod prerequisites;
mod random;
mod samples;

pub use made_once::{FIXTURES, made_once};
pub use notes::NOTES;
pub use prerequisites::{REQUIRE_ALL, prerequisite, python, shared};
pub use random::Random;
pub use samples::{RATES, SAMPLE, is_drawn, is_sampled, sample, sample_of_rates};
