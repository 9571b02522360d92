//! The entry point: what a batch consists of, who works on it, and the call that runs it.

use crate::scheduler::{Hooks, Scheduler};
use crate::worker_pool::processes::{ProcessPool, ProcessSetup};
use crate::worker_pool::threads::{ThreadPool, ThreadSetup};
use crate::worker_pool::{REPORTS, WorkerPool};
use crate::{
    Handler, Interrupt, Job, JobEnding, Options, Runner, RunnerEvent, RunnerListener,
    ScheduleError, WorkerCommand,
};
use std::fmt;
use std::sync::mpsc::sync_channel;

/// A figure of the machine; `None` where nobody knows it.
type Reading<'a> = Box<dyn Fn() -> Option<u64> + 'a>;

/// A batch that is about to run: the jobs, what handles them, and how.
///
/// Only the jobs and the handler are needed. Without more, tasks run one after another in this process, and no event is emitted.
///
/// ```
/// use e2m_schedule::{Job, Reply, Schedule, TaskContext};
/// use serde_json::{Value, json};
///
/// let jobs = [Job { name: "five".to_owned(), payload: json!(5), plan_bytes: 0 }];
/// let handler = |payload: &Value, _: &mut dyn TaskContext| Reply::done(payload.clone());
/// let endings = Schedule::new(&jobs, &handler).run()?;
/// assert_eq!(endings[0].value(), Some(&json!(5)));
/// # Ok::<(), e2m_schedule::ScheduleError>(())
/// ```
#[must_use = "nothing happens before `run`"]
pub struct Schedule<'a> {
    jobs: &'a [Job],
    handler: &'a dyn Handler,
    options: Options,
    available_memory: Reading<'a>,
    oom_kills: Reading<'a>,
    interrupt: Interrupt,
    listener: Option<&'a mut dyn RunnerListener>,
}

impl fmt::Debug for Schedule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule")
            .field("jobs", &self.jobs)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<'a> Schedule<'a> {
    /// A batch of these jobs, each to be handled by `handler`, with the default [`Options`].
    pub fn new(jobs: &'a [Job], handler: &'a dyn Handler) -> Self {
        Self {
            jobs,
            handler,
            options: Options::default(),
            available_memory: Box::new(|| None),
            oom_kills: Box::new(|| None),
            interrupt: Interrupt::default(),
            listener: None,
        }
    }

    /// Where tasks run, with how many threads, and within which limits.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Who answers with the machine's available memory, bytes.
    ///
    /// It is called about twice a second, on the thread that called [`Schedule::run`]. Without it
    /// [`Options::min_available_bytes`] has no effect.
    pub fn available_memory(mut self, read: impl Fn() -> Option<u64> + 'a) -> Self {
        self.available_memory = Box::new(read);
        self
    }

    /// Who answers with the number of processes that the system's out-of-memory killer has ended so far.
    ///
    /// It is called when a task starts and when a worker was killed, on the thread that called [`Schedule::run`]. Without it
    /// a kill for want of memory is likely, never confirmed.
    pub fn oom_kills(mut self, read: impl Fn() -> Option<u64> + 'a) -> Self {
        self.oom_kills = Box::new(read);
        self
    }

    /// The flag that stops the batch: once it is raised no task begins, and those that run are asked to stop.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Self {
        self.interrupt = interrupt.clone();
        self
    }

    /// Who receives the events meanwhile.
    pub fn listener(mut self, listener: &'a mut dyn RunnerListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Runs the jobs and says how each of them ended, in their order.
    ///
    /// All threads and processes that this starts have ended when it returns.
    ///
    /// # Errors
    /// When the runner needs worker processes and has no command for them, and when a worker turns out to be another
    /// version. Whatever goes wrong with a task is its [`JobEnding`].
    pub fn run(self) -> Result<Vec<JobEnding>, ScheduleError> {
        let Self {
            jobs,
            handler,
            options,
            available_memory,
            oom_kills,
            interrupt,
            listener,
        } = self;
        let mut nobody = |_: &RunnerEvent<'_>| {};
        let listener: &mut dyn RunnerListener = match listener {
            Some(listener) => listener,
            None => &mut nobody,
        };
        let kind = PoolKind::of(&options, listener)?;
        let workers = options.runner.workers();
        std::thread::scope(|scope| {
            // Everything that holds the channel or the pool ends inside this closure, also by a panic of the listener:
            // what the scope then waits for notices and ends.
            let (sender, reports) = sync_channel(REPORTS);
            let pool: Box<dyn WorkerPool + '_> = match kind {
                PoolKind::Threads => {
                    let setup = ThreadSetup {
                        jobs,
                        handler,
                        interrupt: &interrupt,
                    };
                    Box::new(ThreadPool::new(scope, workers, setup, sender))
                }
                PoolKind::Processes { command, one_task } => {
                    let setup = ProcessSetup {
                        jobs,
                        options: &options,
                        command,
                        one_task,
                    };
                    Box::new(ProcessPool::new(scope, workers, setup, sender))
                }
            };
            let hooks = Hooks {
                available_memory: &available_memory,
                oom_kills: &oom_kills,
                interrupt: &interrupt,
                listener,
            };
            Scheduler::new(jobs, &options, pool, reports, hooks).run()
        })
    }
}

/// Who will work.
#[derive(Debug, Clone, Copy)]
enum PoolKind<'a> {
    Threads,
    Processes {
        command: &'a WorkerCommand,
        one_task: bool,
    },
}

impl<'a> PoolKind<'a> {
    fn of(options: &'a Options, listener: &mut dyn RunnerListener) -> Result<Self, ScheduleError> {
        let command = |runner| {
            options
                .command
                .as_ref()
                .ok_or(ScheduleError::NoWorkerCommand { runner })
        };
        match options.runner {
            Runner::Serial => Ok(Self::Threads),
            Runner::Threads { workers: 0 | 1 } => {
                let note = "one worker: tasks run one after another".to_owned();
                listener.on_event(&RunnerEvent::Note(note));
                Ok(Self::Threads)
            }
            Runner::Threads { .. } => Ok(Self::Threads),
            Runner::Pool { workers: 0 | 1 } => {
                listener.on_event(&RunnerEvent::Note(single_worker_note(options)));
                Ok(Self::Threads)
            }
            Runner::Pool { .. } => Ok(Self::Processes {
                command: command("a pool")?,
                one_task: false,
            }),
            Runner::Subprocess => Ok(Self::Processes {
                command: command("subprocess")?,
                one_task: true,
            }),
        }
    }
}

fn single_worker_note(options: &Options) -> String {
    let note = "one worker: tasks run one after another in this process";
    let given_up = match (options.timeout, options.memory_limit_bytes) {
        (None, None) => return note.to_owned(),
        (Some(_), None) => "the time limit does",
        (None, Some(_)) => "the memory limit does",
        (Some(_), Some(_)) => "time and memory limit do",
    };
    format!("{note}, where {given_up} not apply; the subprocess runner has them")
}
