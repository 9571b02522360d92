//! How a batch is to be run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// In this process, one at a time.
    Serial,
    /// In this process, several at a time.
    Threads {
        /// How many at a time. One is the same as [`Runner::Serial`], and a note says so.
        workers: usize,
    },
    /// In worker processes that take one task after another.
    Pool {
        /// How many processes. One is the same as [`Runner::Serial`], and a note says so.
        workers: usize,
    },
    /// In a fresh worker process for each task, one at a time.
    Subprocess,
}

impl Runner {
    /// How many tasks run at a time.
    pub fn workers(self) -> usize {
        match self {
            Self::Serial | Self::Subprocess => 1,
            Self::Threads { workers } | Self::Pool { workers } => workers.max(1),
        }
    }
}

/// How a worker process is started. The program has to call [`serve`](crate::serve).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables that it gets besides those of this process.
    pub envs: Vec<(OsString, OsString)>,
}

/// How a batch is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where tasks run.
    pub runner: Runner,
    /// Compute threads in all, divided between the workers; each gets at least one. See [`Options::share`].
    pub threads: usize,
    /// What [`Runner::Pool`] (of two or more) and [`Runner::Subprocess`] start.
    pub command: Option<WorkerCommand>,
    /// The version that workers have to name in the handshake, to the letter.
    pub version: String,
    /// How long a worker process may take to say hello.
    pub handshake_timeout: Duration,
    /// How long a task may take in a worker process; tasks in this process cannot be ended against their will.
    pub timeout: Option<Duration>,
    /// Resident memory of a worker process above which it is killed, bytes.
    pub memory_limit_bytes: Option<u64>,
    /// How often a task is run again after its worker ran out of memory.
    pub retries: u32,
    /// What the plans of all running tasks may add up to, bytes. A task that exceeds it alone runs alone.
    pub memory_budget_bytes: Option<u64>,
    /// How long a worker process that was told to end may take before it is killed.
    pub grace: Duration,
    /// After how long without progress and without processor time a task is reported as stalled.
    pub stall_after: Duration,
    /// Memory that should stay available on the machine, bytes. Below it no task starts, and the youngest is asked to stop.
    pub min_available_bytes: Option<u64>,
    /// Whether the endings that [`Schedule::run`](crate::Schedule::run) returns hold the answers. Without, they hold [`serde_json::Value::Null`]: a listener
    /// has received each answer, and those of a long batch take memory.
    pub keep_answers: bool,
}

impl Default for Options {
    /// Serial, one thread, no limits, 5 s of grace, a stall after 60 s, 30 s for the handshake.
    fn default() -> Self {
        Self {
            runner: Runner::Serial,
            threads: 1,
            command: None,
            version: String::new(),
            handshake_timeout: Duration::from_secs(30),
            timeout: None,
            memory_limit_bytes: None,
            retries: 0,
            memory_budget_bytes: None,
            grace: Duration::from_secs(5),
            stall_after: Duration::from_secs(60),
            min_available_bytes: None,
            keep_answers: true,
        }
    }
}

impl Options {
    /// The compute threads of worker `worker` (from 0): an equal share, the first ones one more where the division leaves
    /// a rest. It does not change while the batch runs, so that a plan made for it holds; worker 0 has the largest.
    pub fn share(&self, worker: usize) -> usize {
        let workers = self.runner.workers();
        let extra = usize::from(worker < self.threads % workers);
        (self.threads / workers + extra).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_threads_or_one_each() {
        for threads in 0..20 {
            for workers in 0..9 {
                let options = Options {
                    runner: Runner::Pool { workers },
                    threads,
                    ..Options::default()
                };
                let count = workers.max(1);
                let sum: usize = (0..count).map(|worker| options.share(worker)).sum();
                assert_eq!(
                    sum,
                    threads.max(count),
                    "{threads} threads, {workers} workers"
                );
                assert!((0..count).all(|worker| options.share(worker) <= options.share(0)));
            }
        }
    }
}
