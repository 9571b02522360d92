//! The types of the batch file's values, one per file: parser, message, tests.

mod auto_count;
mod byte_size;
mod formats;
mod lines;
mod memory_gate;
mod names;
mod numbers;
mod parallel;
mod wall_time;

pub(crate) use auto_count::AutoCount;
pub(crate) use byte_size::ByteSize;
pub(crate) use lines::Lines;
pub(crate) use memory_gate::MemoryGate;
pub(crate) use names::Names;
pub(crate) use numbers::{AtATime, Count, Factor, Seconds, Stage};
pub(crate) use parallel::Parallel;
pub(crate) use wall_time::WallTime;
