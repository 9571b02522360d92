//! What every runner is given to call: runs one task, in whichever process.

use super::exchange::Exchange;
use super::guarded;
use super::message::{TaskMessage, TaskReply};
use e2m_pipeline::{Observer, TaskEvent, TaskOutcome, TaskSpec};
use e2m_resources::{open_files, process_memory};
use e2m_schedule::{Handler, Reply, ServeError, TaskContext};
use rayon::ThreadPoolBuilder;
use serde_json::Value;
use std::sync::Once;

/// The threads of the process, which can be set once.
static THREADS: Once = Once::new();

/// Limits the threads of this process that compute; the first call counts.
pub(crate) fn use_threads(threads: usize) {
    THREADS.call_once(|| {
        if let Err(error) = ThreadPoolBuilder::new().num_threads(threads).build_global() {
            tracing::warn!(%error, "the number of threads stays as it is");
        }
    });
}

/// Runs tasks for a batch in another process, until that process says that there are no more.
///
/// This is all that a worker program does: standard input and output belong to it from here on. `log` is asked for the lines
/// that were logged since it was asked last; they go to the process that runs the batch.
///
/// # Errors
/// When there is no e2m at the other end, or one of another version, and when the pipes fail.
pub fn serve_tasks(log: &(dyn Fn() -> Option<String> + Sync)) -> Result<(), ServeError> {
    e2m_schedule::serve(&WorkerTaskHandler { log }, env!("CARGO_PKG_VERSION"))
}

/// Runs tasks in a worker process: task and reply come and go as JSON.
struct WorkerTaskHandler<'a> {
    log: &'a (dyn Fn() -> Option<String> + Sync),
}

impl Handler for WorkerTaskHandler<'_> {
    fn handle(&self, payload: &Value, context: &mut dyn TaskContext) -> Reply {
        let threads = context.threads().max(1);
        let mut relay = Relay {
            context,
            route: Route::ToOtherProcess { log: self.log },
        };
        let reply = match serde_json::from_value::<TaskSpec>(payload.clone()) {
            Ok(task) => perform(&task, threads, false, &mut relay),
            Err(error) => reply_with(unreadable(&error)),
        };
        let stopped = reply.outcome.interrupted;
        match serde_json::to_value(&reply) {
            Ok(value) => Reply { value, stopped },
            // Nothing in an outcome refuses to be written.
            Err(error) => Reply {
                value: Value::String(error.to_string()),
                stopped,
            },
        }
    }
}

/// Runs tasks in this process. The payload is the number of the job; task, messages and reply stay what they are.
pub(super) struct InProcessTaskHandler<'a> {
    /// The task of each job.
    pub(super) tasks: &'a [&'a TaskSpec],
    /// Where messages and replies wait.
    pub(super) exchange: &'a Exchange,
    /// Several tasks run at a time, so that each needs threads of its own.
    pub(super) side_by_side: bool,
}

impl Handler for InProcessTaskHandler<'_> {
    fn handle(&self, payload: &Value, context: &mut dyn TaskContext) -> Reply {
        let number = payload.as_u64().and_then(|job| usize::try_from(job).ok());
        let task = number.and_then(|job| Some((job, *self.tasks.get(job)?)));
        let Some((job, task)) = task else {
            // Jobs are numbered where this handler is made; without a reply the task fails, and says so.
            return Reply::done(Value::Null);
        };
        let threads = context.threads().max(1);
        self.exchange.begin(job);
        let mut relay = Relay {
            context,
            route: Route::WithinProcess {
                job,
                exchange: self.exchange,
            },
        };
        let reply = perform(task, threads, self.side_by_side, &mut relay);
        let stopped = reply.outcome.interrupted;
        self.exchange.reply(job, reply);
        Reply {
            value: Value::Null,
            stopped,
        }
    }
}

/// Runs a task with as many compute threads as it was given.
fn perform(
    task: &TaskSpec,
    threads: usize,
    side_by_side: bool,
    relay: &mut Relay<'_>,
) -> TaskReply {
    use_threads(threads);
    relay.emit(TaskMessage::Memory {
        rss_bytes: process_memory().current,
    });
    let outcome = if side_by_side {
        with_own_threads(threads, task, relay)
    } else {
        guarded::run(task, relay)
    };
    relay.pass_log();
    reply_with(outcome)
}

fn reply_with(outcome: TaskOutcome) -> TaskReply {
    TaskReply {
        outcome,
        rss_bytes: process_memory().current,
        open_files: open_files(),
    }
}

fn with_own_threads(threads: usize, task: &TaskSpec, relay: &mut Relay<'_>) -> TaskOutcome {
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| guarded::run(task, relay)),
        Err(error) => {
            tracing::warn!(%error, "the task shares the threads of others");
            guarded::run(task, relay)
        }
    }
}

/// Passes on what happens in a task, and the wish to stop.
struct Relay<'a> {
    context: &'a mut dyn TaskContext,
    route: Route<'a>,
}

/// How messages get to the thread that reports.
enum Route<'a> {
    /// As JSON.
    ToOtherProcess {
        log: &'a (dyn Fn() -> Option<String> + Sync),
    },
    /// As they are; the runner carries the sign that there is one.
    WithinProcess { job: usize, exchange: &'a Exchange },
}

impl Relay<'_> {
    fn emit(&mut self, message: TaskMessage) {
        let is_frequent = message.is_frequent();
        let sign = match &self.route {
            Route::ToOtherProcess { .. } => match serde_json::to_value(message) {
                Ok(value) => value,
                Err(error) => {
                    tracing::warn!(%error, "a message of a task cannot be written");
                    return;
                }
            },
            Route::WithinProcess { job, exchange } => {
                exchange.post(*job, message);
                Value::Null
            }
        };
        if is_frequent {
            self.context.progress(sign);
        } else {
            self.context.report(sign);
        }
    }

    fn pass_log(&mut self) {
        if let Route::ToOtherProcess { log } = &self.route
            && let Some(text) = log()
        {
            self.emit(TaskMessage::Log { text });
        }
    }
}

impl Observer for Relay<'_> {
    fn on_event(&mut self, event: &TaskEvent) {
        self.pass_log();
        self.emit(TaskMessage::Event {
            event: event.clone(),
        });
    }

    fn should_stop(&self) -> bool {
        self.context.stop_reason().is_some()
    }
}

fn unreadable(error: &serde_json::Error) -> TaskOutcome {
    let why = format!(
        "internal error: the task cannot be read: {error}; are all parts of e2m of the same version?"
    );
    TaskOutcome::failed("", "", why)
}
