//! What tasks need, what the machine has, and whether the one fits into the other.
//!
//! - [`Machine::detect`] finds the limits of memory and processors that hold for this process, and where each comes from.
//! - [`assess`] compares the [`Need`]s of a batch with these limits before anything starts.
//! - [`auto_workers`] chooses how many tasks run at once.
//! - [`AvailableMemory`] reads the memory that is left while they run.
//! - [`MemoryLog`] keeps how much memory each process held.
//! - [`rule_bytes`] is the memory rule that users know from the Python program.
//!
//! This crate knows nothing about images but their width and height, and depends on no image crate. It starts, stops and prints
//! nothing: e2m-schedule runs tasks, and programs show the texts. Environment variables come from the caller.
//!
//! ```
//! use e2m_resources::{
//!     AsPlanned, Disk, PreflightPolicy, Machine, Need, PEAK_FACTOR_PER_TASK, Variables, assess, rule_bytes,
//! };
//!
//! // 30,000 x 25,000 px with 2,000 px of padding: one float canvas of 3.9 GB, six times over.
//! let rule = rule_bytes(30_000, 25_000, 2_000, PEAK_FACTOR_PER_TASK);
//! assert_eq!(rule, 23_664_000_000);
//!
//! // A program hands in `std::env::vars()`.
//! let machine = Machine::detect(&Variables::new([("E2M_MEMORY", "1GB"), ("E2M_CPUS", "1")]));
//! let needs = [Need {
//!     name: "CD070/DAPI".into(),
//!     rule_bytes: rule,
//!     plan_bytes: 1_180_000_000,
//!     disk_bytes: 0,
//! }];
//! let workers = machine.workers(needs.len(), &[needs[0].plan_bytes]);
//! assert_eq!(workers.count, 1);
//!
//! let disk = Disk::of("output/that/does/not/exist/yet".as_ref())?;
//! let memory = machine.available_memory();
//! let preflight = assess(&needs, workers.count, memory, &disk, PreflightPolicy::default(), &AsPlanned);
//! assert!(preflight.refused());
//! assert!(preflight.to_string().starts_with("refused: CD070/DAPI needs 1.18 GB as planned; "));
//! # Ok::<(), e2m_resources::DiskError>(())
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

mod allocator;
mod bytes;
mod disk;
mod machine;
mod memory_log;
mod preflight;
mod process;
mod rule;
mod variables;
mod workers;

pub use allocator::{bound_heaps, return_memory};
pub use bytes::{Bytes, BytesError};
pub use disk::{Disk, DiskError, DiskSpeed, disk_speed, longest_name};
pub use machine::{
    AvailableMemory, Cluster, CpuLimit, LimitSource, Machine, MemoryLimit, oom_kills, oom_kills_in,
};
pub use memory_log::{MemoryLog, MemoryPattern, MemorySummary};
pub use preflight::{
    Alternatives, AsPlanned, Assessment, FitLevel, MemoryBasis, Need, Preflight, PreflightPolicy,
    Remedy, Subject, assess,
};
pub use process::{
    ProcessMemory, ProcessUsage, open_files, process_cpu_seconds_of, process_memory,
    process_memory_of, process_usage, reset_peak,
};
pub use rule::{PEAK_FACTOR_PER_TASK, rule_bytes};
pub use variables::{CPUS_VARIABLE, MAX_WORKERS_VARIABLE, MEMORY_VARIABLE, MachineNote, Variables};
pub use workers::{WorkerBound, Workers, auto_workers, threads_per_worker};

/// Makes the example of the README a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
