//! Runs tasks, whatever they are: in this process or in others, a few at a time, for as long as it takes.
//!
//! A task is anything that can be written as JSON and has an answer that can: so it can be handed to another process. This
//! crate knows nothing about images.
//!
//! A [`Schedule`] takes [`Job`]s and a [`Handler`], and gives each job a [`JobEnding`], in their order, whatever goes wrong. A
//! task that fails, panics, crashes or hangs never takes other tasks along. The handler sees the scheduler through a
//! [`TaskContext`]. It is the same for every [`Runner`], and so are its answers. What happens meanwhile is emitted as
//! [`RunnerEvent`]s to a [`RunnerListener`]. Worker processes are started by a [`WorkerCommand`] and call [`serve`].
//!
//! ```
//! use e2m_schedule::{Job, JobEnding, Options, Reply, Runner, Schedule, TaskContext};
//! use serde_json::{Value, json};
//!
//! let jobs: Vec<Job> = (1..=3)
//!     .map(|n| Job { name: format!("square of {n}"), payload: json!(n), plan_bytes: 1000 })
//!     .collect();
//! let square = |payload: &Value, _: &mut dyn TaskContext| {
//!     let n = payload.as_i64().unwrap_or(0);
//!     Reply::done(json!(n * n))
//! };
//! let two_at_a_time = Options { runner: Runner::Threads { workers: 2 }, ..Options::default() };
//! let endings = Schedule::new(&jobs, &square).options(two_at_a_time).run()?;
//! assert_eq!(endings, [1, 4, 9].map(|square| JobEnding::Done(json!(square))));
//! # Ok::<(), e2m_schedule::ScheduleError>(())
//! ```
//!
//! # Which part does what
//!
//! | module | its one idea |
//! |---|---|
//! | `schedule` | the entry point, [`Schedule`] |
//! | `scheduler` | one thread that decides everything, and alone calls the caller |
//! | `queue`, `watchdog`, `liveness` | the scheduler's decisions without clocks and processes: which job fits, whether memory is low, whether a task lives |
//! | `worker_pool` | the workers: threads of this process, or processes with one supervisor thread each |
//! | `protocol` | the messages between scheduler and worker process |
//! | `serve` | the worker's side |
//! | [`slurm`] | the runner that hands its jobs to a cluster and does not wait for them |
//!
//! # What is promised
//!
//! - **Limits.** Time and memory limits hold for worker processes only; a thread cannot be killed. With a pool of one worker,
//!   tasks run in this process, and a note says which limits do not apply.
//! - **Retries.** A task is tried again only if its worker ran out of memory ([`WorkerError::is_out_of_memory`]). It is tried
//!   after all jobs that wait, with one worker fewer from then on.
//! - **Admission.** A task starts when its plan fits into [`Options::memory_budget_bytes`] beside the plans of those that run,
//!   or when nothing runs. The first that fits is next, but no job is overtaken more than eight times.
//! - **Watchdog.** When available memory is below [`Options::min_available_bytes`], no task starts. When it still is half a
//!   second later, the youngest task is asked to stop. It is started again before all others when there is memory. The fifth
//!   time it fails.
//! - **Interrupt.** Tasks that run are asked to stop. A worker process that shows no sign of life is killed after the grace (at
//!   least 2.5 s), one that does after 30 s.
//! - **Results** do not depend on the runner: payloads and answers pass the pipes to the last bit.
//!
//! # How a worker process ends
//!
//! - A worker is the leader of its own process group. Ctrl-C in a terminal does not reach it, and what it starts is killed with
//!   it.
//! - A worker dies with the scheduler's process: on Linux the kernel kills it, elsewhere it notices the end of its standard
//!   input.
//! - Its supervisor waits for the exit of the process itself, never for the end of a pipe that somebody else may hold.
//! - Only a process that a task moves into a session of its own escapes; nothing waits for it.
//! - Half a line before an exit is explained by the exit.
//! - A second answer to a task counts for nothing, and a note says so.
//! - An answer about a task that the worker never had, or a line that is no message, ends the worker.
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

mod amount;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzz_api;
mod interrupt;
mod job;
mod liveness;
mod options;
mod protocol;
mod queue;
mod schedule;
mod scheduler;
mod serve;
pub mod slurm;
mod task;
mod throttle;
mod usage;
mod watchdog;
mod worker_pool;

pub use error::{ScheduleError, ServeError, VersionMismatch, WorkerError};
pub use event::{RunnerEvent, RunnerListener};
pub use interrupt::Interrupt;
pub use job::{Failure, Job, JobEnding};
pub use options::{Options, Runner, WorkerCommand};
pub use schedule::Schedule;
pub use serve::serve;
pub use task::{Handler, Reply, StopReason, TaskContext};

/// Makes the example of the README a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
