//! The limits of machines laid out as folders.

mod cpus;
mod fake;
mod memory;
mod now;
mod variables;
