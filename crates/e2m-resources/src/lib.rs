//! What a task needs and what the machine has.
//!
//! [`rule_bytes`] is the memory rule users know from the Python program; [`process_memory`] is what this process
//! really holds. Neither knows anything about images beyond their width and height, and no image crate is used here.
//!
//! ```
//! use e2m_resources::{PEAK_FACTOR_PER_TASK, rule_bytes};
//!
//! // 30,000 x 25,000 px with 2,000 px of padding: one float canvas of 3.9 GB, six times over.
//! let rule = rule_bytes(30_000, 25_000, 2_000, PEAK_FACTOR_PER_TASK);
//! assert_eq!(rule, 23_664_000_000);
//! ```

mod allocator;
mod process;
mod rule;

pub use allocator::{bound_heaps, return_memory};
pub use process::{ProcessMemory, ProcessUsage, process_memory, process_usage, reset_peak};
pub use rule::{PEAK_FACTOR_PER_TASK, rule_bytes};
