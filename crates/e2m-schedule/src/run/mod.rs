//! Running a batch: the entry point, and the scheduler behind it.
//!
//! The scheduler runs on the caller's thread and is the only one who talks to the outside: it asks for memory, hears the
//! interrupt, tells the listener. The crew ([`crate::crew`]) owns threads and processes.

mod answers;
mod clocks;
mod scheduler;

use crate::crew::processes::{Processes, Terms};
use crate::crew::threads::{Threads, Workplace};
use crate::crew::{Crew, REPORTS};
use crate::{
    Ending, Event, Handler, Interrupt, Job, Listener, Options, Runner, ScheduleError, WorkerCommand,
};
use scheduler::{Scheduler, Surroundings};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Runs the jobs and says how each of them ended, in their order.
///
/// `memory` answers with the machine's available memory in bytes, `oom_kills` with how many processes its out-of-memory
/// killer has ended; both are called on this thread, and `None` means that nobody knows. Once `interrupt` is raised no task
/// begins, and those that run are asked to stop.
///
/// All threads and processes that this starts have ended when it returns.
///
/// # Errors
/// When the runner needs worker processes and has no command for them, and when a worker turns out to be another version.
/// Whatever goes wrong with a task is its [`Ending`].
pub fn run(
    jobs: &[Job],
    options: &Options,
    handler: &dyn Handler,
    memory: &dyn Fn() -> Option<u64>,
    oom_kills: &dyn Fn() -> Option<u64>,
    interrupt: &Interrupt,
    listener: &mut dyn Listener,
) -> Result<Vec<Ending>, ScheduleError> {
    let plan = CrewPlan::of(options, listener)?;
    let workers = options.runner.workers();
    std::thread::scope(|scope| {
        // Everything that holds the channel or the crew ends inside this closure, also by a panic of the listener:
        // what the scope then waits for notices and ends.
        let (sender, reports) = sync_channel(REPORTS);
        let crew: Box<dyn Crew + '_> = match plan {
            CrewPlan::Threads => {
                let workplace = Workplace {
                    jobs,
                    handler,
                    interrupt,
                };
                Box::new(Threads::new(scope, workers, workplace, sender))
            }
            CrewPlan::Processes { command, one_task } => {
                let terms = Terms {
                    jobs,
                    options,
                    command,
                    one_task,
                };
                Box::new(Processes::new(scope, workers, terms, sender))
            }
        };
        let surroundings = Surroundings {
            memory,
            oom_kills,
            interrupt,
            listener,
        };
        Scheduler::new(jobs, options, crew, reports, surroundings).run()
    })
}

/// Who will work.
#[derive(Debug, Clone, Copy)]
enum CrewPlan<'a> {
    Threads,
    Processes {
        command: &'a WorkerCommand,
        one_task: bool,
    },
}

impl<'a> CrewPlan<'a> {
    fn of(options: &'a Options, listener: &mut dyn Listener) -> Result<Self, ScheduleError> {
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
                listener.on_event(&Event::Note(note));
                Ok(Self::Threads)
            }
            Runner::Threads { .. } => Ok(Self::Threads),
            Runner::Pool { workers: 0 | 1 } => {
                listener.on_event(&Event::Note(single_worker_note(options)));
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

/// A limit in whole seconds, rounded up, for texts.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
