//! Those who do the work: what the scheduler wants of them, and what they report.
//!
//! A [`Crew`] is a row of workers, counted from 0. Orders to it never block; everything it has to say comes as a
//! [`Report`] through one channel. [`threads`] works in this process, [`processes`] in others. Neither decides anything
//! about jobs: queue, retries and time limits are the scheduler's.

pub(crate) mod processes;
pub(crate) mod threads;

mod attendant;
pub(crate) mod conversation;
mod due;
mod mailbox;
mod memory_limit;
mod pipes;
mod process;
mod spawn;
mod stderr_tail;

use crate::usage::Usage;
use crate::{Reply, StopReason, VersionMismatch, WorkerError};
use serde_json::Value;
use std::time::Duration;

/// How many reports may wait for the scheduler. A crew that is faster than it has to wait, or the memory would fill.
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

/// How long the workers of a crew live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As threads of this process; they cannot be ended.
    Threads,
    /// As processes that take one task after another.
    ManyTasks,
    /// As processes that end after one task.
    OneTask,
}

/// Takes orders.
pub(crate) trait Crew {
    fn lifetime(&self) -> Lifetime;

    /// Whether a worker is there already, waiting.
    fn is_warm(&self, worker: usize) -> bool;

    /// Hands a task to a worker, and starts the worker first if need be.
    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError>;

    /// Asks a task to stop.
    fn stop(&mut self, worker: usize, task: u64, reason: StopReason);

    /// Ends a worker process: SIGTERM to its group, after `grace` SIGKILL. Nothing for threads.
    fn terminate(&mut self, worker: usize, grace: Duration);

    /// A worker said that it is gone.
    fn bury(&mut self, worker: usize);

    /// Lets all workers end in peace, as there is nothing more to do.
    fn retire(&mut self);
}

/// What the scheduler hears.
#[derive(Debug)]
pub(crate) enum Report {
    /// The task was handed over.
    Begun {
        worker: usize,
        task: u64,
        /// What its process uses already, so that the first measurement tells what the task did.
        usage: Option<Usage>,
    },
    /// The task tells something.
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
    /// The task has an answer, or none because the handler broke.
    Answered {
        worker: usize,
        task: u64,
        answer: Result<Reply, WorkerError>,
    },
    /// Something worth telling, as a sentence.
    Note(String),
    /// The worker process is no more; it is reaped, and its group is killed.
    Gone { worker: usize, departure: Departure },
}

/// How a worker process ended.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) cause: Cause,
    pub(crate) stderr: String,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Why a worker process ended.
#[derive(Debug)]
pub(crate) enum Cause {
    /// By itself.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// Because of what it did, or it never came to be.
    Fault(WorkerError),
    /// It is another version.
    Stranger(VersionMismatch),
}
