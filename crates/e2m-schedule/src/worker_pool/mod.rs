//! The workers: what the scheduler can ask of them, and what they report.
//!
//! A [`WorkerPool`] owns workers, counted from 0. Its methods never block. It reports through one channel, as
//! [`WorkerReport`]s. The workers of [`threads`] are threads of this process; those of [`processes`] are processes, with one
//! [`supervisor`] thread each. A pool decides nothing about jobs: queue, retries and time limits belong to the scheduler.

pub(crate) mod processes;
pub(crate) mod threads;

mod command_channel;
mod deadlines;
mod memory_limit;
mod pipes;
mod process;
pub(crate) mod protocol_state;
mod spawn;
mod stderr_tail;
mod supervisor;

use crate::usage::Usage;
use crate::{Reply, StopReason, VersionMismatch, WorkerError};
use serde_json::Value;
use std::time::Duration;

/// How many reports may wait for the scheduler. A pool that is faster has to wait, or the reports would fill the memory.
pub(crate) const REPORTS: usize = 256;

/// A task for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Different for each attempt at each job.
    pub(crate) task: u64,
    pub(crate) job: usize,
    /// Compute threads.
    pub(crate) threads: usize,
}

/// How long the workers of a pool live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// They are threads of this process and cannot be killed.
    Threads,
    /// They are processes that take one task after another.
    ManyTasks,
    /// They are processes that exit after one task.
    OneTask,
}

/// Starts workers, gives them tasks, and ends them.
pub(crate) trait WorkerPool {
    /// How long its workers live.
    fn lifetime(&self) -> Lifetime;

    /// Whether a worker is there already, waiting.
    fn is_warm(&self, worker: usize) -> bool;

    /// Gives a task to a worker, and starts the worker first where it is not there.
    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError>;

    /// Asks a task to stop.
    fn stop(&mut self, worker: usize, task: u64, reason: StopReason);

    /// Ends a worker process: SIGTERM to its group, SIGKILL after `grace`. For threads it does nothing.
    fn terminate(&mut self, worker: usize, grace: Duration);

    /// Drops what is kept of a worker that has exited.
    fn remove(&mut self, worker: usize);

    /// Lets all workers exit by themselves: there are no more tasks.
    fn shut_down(&mut self);
}

/// What a pool reports to the scheduler.
#[derive(Debug)]
pub(crate) enum WorkerReport {
    /// The worker was given the task.
    Started {
        worker: usize,
        task: u64,
        /// What the process used before the task, so that the first measurement shows what the task did.
        usage: Option<Usage>,
    },
    /// The task reported progress.
    Progress {
        worker: usize,
        task: u64,
        event: Value,
    },
    /// The task's process was measured.
    Measured {
        worker: usize,
        task: u64,
        usage: Usage,
    },
    /// The task has an answer, or none because the handler panicked.
    Answered {
        worker: usize,
        task: u64,
        answer: Result<Reply, WorkerError>,
    },
    /// Something the user should know, as a sentence.
    Note(String),
    /// The worker process has exited; it is reaped, and its group is killed.
    Exited { worker: usize, exit: WorkerExit },
}

/// How a worker process ended, and what is known besides.
#[derive(Debug)]
pub(crate) struct WorkerExit {
    pub(crate) cause: ExitCause,
    pub(crate) stderr: String,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Why a worker process ended.
#[derive(Debug)]
pub(crate) enum ExitCause {
    /// It exited with this code.
    Exited(i32),
    /// A signal of this number ended it.
    Signalled(i32),
    /// It was killed for what it did, or could not be started.
    Fault(WorkerError),
    /// It is another version.
    VersionMismatch(VersionMismatch),
}
