//! The types of the batch file's values, one per file: parser, message, tests.

mod auto_count;
mod byte_size;
mod dye_channels;
mod file_path;
mod formats;
mod lines;
mod listed;
mod memory_gate;
mod names;
mod numbers;
mod parallel;
mod wall_time;

pub use auto_count::AutoCount;
pub use byte_size::ByteSize;
pub use dye_channels::DyeChannels;
pub use file_path::FilePath;
pub use lines::Lines;
pub use listed::Listed;
pub use memory_gate::MemoryGate;
pub use names::Names;
pub use numbers::{AtATime, Count, Factor, Seconds, Stage};
pub use parallel::Parallel;
pub use wall_time::WallTime;
