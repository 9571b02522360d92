//! `[execution]`: how tasks are run.

use super::section::section;
use super::values::{AutoCount, ByteSize, Count, Parallel, Seconds};

section! {
    /// `[execution]`: how tasks are run.
    pub struct Execution ["execution"] {
        parallel: Parallel = Some(Parallel::No), "false: one task after another; true: several at a time; \"subprocess\": a fresh process per task; \"slurm\": a job array";
        n_workers: AutoCount = Some(AutoCount::Auto), "Tasks at a time";
        threads: AutoCount = Some(AutoCount::Auto), "Compute threads in all, divided between workers; \"auto\": one per processor";
        use_threads: bool = Some(false), "Workers are threads instead of processes";
        timeout_per_task: Seconds = Some(Seconds(1800)), "Seconds after which a task is stopped; process runners only";
        memory_limit: ByteSize = Some(ByteSize(4_000_000_000)), "Memory of one worker process; over it the worker is stopped and the task tried again";
        retries: Count = Some(Count(1)), "Further tries after a task ran out of memory, each with one worker fewer";
        memory_debug: bool = Some(false), "Print the memory in use around each task";
        force_run: bool = Some(false), "Run even if the check before the start says that memory or disk will not do";
    }
}
