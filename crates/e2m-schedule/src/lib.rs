//! Runs tasks, whatever they are: in this process or in others, a few at a time, all night.
//!
//! A task is anything that can be written as JSON and answers with something that can: that is what lets it be handed to
//! another process. Nothing here knows about images.
//!
//! [`run`] takes [`Job`]s and gives each an [`Ending`], in their order, whatever goes wrong; a task that fails, panics,
//! crashes or hangs never takes its siblings along. What performs a task is a [`Handler`], which sees the scheduler
//! through a [`TaskContext`]; it is the same for every [`Runner`], and so are its results. What happens meanwhile is told to
//! a [`Listener`] as [`Event`]s. Worker processes are started by a [`WorkerCommand`] and call [`serve`].
//!
//! ```
//! use e2m_schedule::{Ending, Event, Interrupt, Job, Options, Reply, Runner, TaskContext, run};
//! use serde_json::{Value, json};
//!
//! let jobs: Vec<Job> = (1..=3)
//!     .map(|n| Job { name: format!("square of {n}"), payload: json!(n), plan_bytes: 1000 })
//!     .collect();
//! let options = Options {
//!     runner: Runner::Threads { workers: 2 },
//!     threads: 2,
//!     memory_budget_bytes: Some(2000),
//!     ..Options::default()
//! };
//! let square = |payload: &Value, context: &mut dyn TaskContext| {
//!     if context.stop_reason().is_some() {
//!         return Reply::stopped(Value::Null);
//!     }
//!     context.report(json!("multiplying"));
//!     let n = payload.as_i64().unwrap_or(0);
//!     Reply::done(json!(n * n))
//! };
//! let mut finished = 0;
//! let endings = run(
//!     &jobs,
//!     &options,
//!     &square,
//!     &|| None, // nobody knows how much memory is available
//!     &|| None, // nor how many processes the system killed
//!     &Interrupt::default(),
//!     &mut |event: &Event<'_>| finished += u32::from(matches!(event, Event::TaskFinished { .. })),
//! )?;
//! assert_eq!(endings, [1, 4, 9].map(|square| Ending::Done(json!(square))));
//! assert_eq!(finished, 3);
//! # Ok::<(), e2m_schedule::ScheduleError>(())
//! ```
//!
//! # Which part does what
//!
//! | module | its one idea |
//! |---|---|
//! | `run` | the scheduler: one thread that decides everything and alone talks to the caller |
//! | `queue`, `watchdog`, `pulse` | its decisions without clocks and processes: what fits, is memory low, does it live |
//! | `crew` | who works: threads of this process, or processes with one attendant thread each |
//! | `protocol` | what scheduler and worker process say to each other |
//! | `serve` | the worker's side |
//! | [`slurm`] | the runner that hands its jobs to a cluster and does not wait for them |
//!
//! # What is promised
//!
//! - **Limits.** Time and memory limits hold for worker processes only; a thread cannot be ended against its will. With a
//!   pool of one worker, tasks run in this process, and a note says what that gives up.
//! - **Retries.** Only a death of memory ([`WorkerError::is_memory_death`]) is tried again, after all jobs that wait, with one
//!   worker fewer from then on.
//! - **Admission.** A task starts when its plan fits into [`Options::memory_budget_bytes`] beside the plans of those that run,
//!   or when nothing runs. The first that fits is next, but no job is overtaken more than eight times.
//! - **Watchdog.** When available memory is below [`Options::min_available_bytes`], no task starts; when it still is half a
//!   second later, the youngest is asked to stop, and started again before all others when there is memory. The fifth
//!   time it fails.
//! - **Interrupt.** Tasks that run are asked to stop. A worker process that shows no sign of life is ended after the grace (at
//!   least 2.5 s), one that does after 30 s.
//! - **Results** do not depend on the runner: payloads and answers pass the pipes to the last bit.
//!
//! # What becomes of a worker process
//!
//! It is the leader of its own process group, so that Ctrl-C in a terminal does not reach it, and what it starts ends with
//! it. It dies with the scheduler's process: on Linux by the kernel's hand, elsewhere when its standard input ends. Its
//! attendant waits for its death itself, never for the end of a pipe that someone else may hold. The one thing that
//! escapes is a process that a task moves into a session of its own; nothing waits for it.
//!
//! Half a line before a death is explained by the death. A second answer to a task counts for nothing and is told as a
//! note. An answer about a task that the worker never had, or a line that is no message, ends the worker.
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
mod crew;
mod error;
mod event;
mod interrupt;
mod job;
mod options;
mod overheard;
mod protocol;
mod pulse;
mod queue;
mod run;
mod serve;
pub mod slurm;
mod task;
mod throttle;
mod usage;
mod watchdog;

pub use error::{ScheduleError, ServeError, VersionMismatch, WorkerError};
pub use event::{Event, Listener};
pub use interrupt::Interrupt;
pub use job::{Ending, Failure, Job};
pub use options::{Options, Runner, WorkerCommand};
#[doc(hidden)]
pub use overheard::{Overheard, overhear_scheduler, overhear_worker};
pub use run::run;
pub use serve::serve;
pub use task::{Handler, Reply, StopReason, TaskContext};
