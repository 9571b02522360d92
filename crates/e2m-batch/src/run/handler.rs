//! Performs one task, in whichever process: what every runner is given to call.

use super::guarded;
use super::told::{Answer, Told};
use crate::logging::LogLines;
use e2m_pipeline::{Event, Observer, TaskOutcome, TaskSpec};
use e2m_resources::{open_files, process_memory};
use e2m_schedule::{Handler, Reply, TaskContext};
use rayon::ThreadPoolBuilder;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Once;

/// Performs tasks.
#[derive(Debug, Default)]
pub(crate) struct Performer {
    /// Several tasks run at a time in this process, so that each needs threads of its own.
    pub(crate) side_by_side: bool,
    /// Lines of the log that go to the program which runs the batch.
    pub(crate) log: Option<LogLines>,
}

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

impl Handler for Performer {
    fn handle(&self, payload: &Value, context: &mut dyn TaskContext) -> Reply {
        let threads = context.threads().max(1);
        let relay = Relay {
            context: RefCell::new(context),
            log: self.log.as_ref(),
        };
        let outcome = match serde_json::from_value::<TaskSpec>(payload.clone()) {
            Ok(task) => self.with_threads(threads, &task, relay),
            Err(error) => unreadable(&error),
        };
        let stopped = outcome.interrupted;
        let answer = Answer {
            outcome,
            rss_bytes: process_memory().current,
            open_files: open_files(),
        };
        match serde_json::to_value(&answer) {
            Ok(value) => Reply { value, stopped },
            // Nothing in an outcome refuses to be written.
            Err(error) => Reply {
                value: Value::String(error.to_string()),
                stopped,
            },
        }
    }
}

impl Performer {
    /// Runs a task with as many compute threads as it was given.
    fn with_threads(&self, threads: usize, task: &TaskSpec, mut relay: Relay<'_>) -> TaskOutcome {
        use_threads(threads);
        relay.tell(Told::Memory {
            rss_bytes: process_memory().current,
        });
        let outcome = if self.side_by_side {
            own_threads(threads, task, &mut relay)
        } else {
            guarded::run(task, &mut relay)
        };
        relay.pass_log();
        outcome
    }
}

fn own_threads(threads: usize, task: &TaskSpec, relay: &mut Relay<'_>) -> TaskOutcome {
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
    context: RefCell<&'a mut dyn TaskContext>,
    log: Option<&'a LogLines>,
}

impl Relay<'_> {
    fn tell(&self, told: Told) {
        // Rows going by are told often; the first and the last word on a step have to arrive.
        let often = match &told {
            Told::Event {
                event: Event::Progress { rows, of, .. },
            } => *rows != 0 && rows != of,
            _ => false,
        };
        if let Ok(value) = serde_json::to_value(told) {
            let mut context = self.context.borrow_mut();
            if often {
                context.progress(value);
            } else {
                context.report(value);
            }
        }
    }

    fn pass_log(&self) {
        if let Some(text) = self.log.and_then(LogLines::take) {
            self.tell(Told::Log { text });
        }
    }
}

impl Observer for Relay<'_> {
    fn on_event(&mut self, event: &Event) {
        self.pass_log();
        self.tell(Told::Event {
            event: event.clone(),
        });
    }

    fn should_stop(&self) -> bool {
        self.context.borrow().stop_reason().is_some()
    }
}

fn unreadable(error: &serde_json::Error) -> TaskOutcome {
    let why = format!(
        "internal error: the task cannot be read: {error}; are all parts of e2m of the same version?"
    );
    TaskOutcome::failed("", "", why)
}
