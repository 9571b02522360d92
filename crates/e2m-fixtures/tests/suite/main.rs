//! Pairs whose truth is known: what they hold, and that they can be made again.

mod content;
mod determinism;
mod files;
mod truth;
