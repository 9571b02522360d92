//! The worker's side: says hello, performs the tasks it is given, and ends with its scheduler.
//!
//! The main thread performs tasks. A second one reads what the scheduler says, so that the wish to stop arrives while a
//! task runs, and so that a busy worker notices when its scheduler is gone.

mod descriptors;
mod listening;

use crate::crew::threads::{StopCell, guarded};
use crate::protocol::{self, FromWorker, LONGEST_LINE, ToWorker};
use crate::throttle::Throttle;
use crate::{Handler, Reply, ServeError, StopReason, TaskContext};
use descriptors::Descriptors;
use listening::{Ear, Heard, Occupation};
use serde_json::Value;
use signal_hook::consts::SIGTERM;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Performs tasks until the scheduler says that there are no more, or until standard input ends.
///
/// Standard input and output belong to the protocol: from here on this process reads nothing from the one, and what it
/// prints to the other goes to standard error. SIGTERM is a wish to stop, not an end.
///
/// When standard input ends while a task runs, the scheduler is gone, and this process kills itself and its group: nobody
/// would ever learn what the task does.
///
/// # Errors
/// When there is no scheduler at the other end, or one of another version, and when the pipes fail.
pub fn serve(handler: &dyn Handler, version: &str) -> Result<(), ServeError> {
    let terminated = Arc::new(AtomicBool::new(false));
    // Before the greeting: nobody sends a signal to a worker that has no task.
    signal_hook::flag::register(SIGTERM, Arc::clone(&terminated))
        .map_err(|source| ServeError::Pipes { source })?;
    let Descriptors { input, output } =
        Descriptors::take().map_err(|source| ServeError::Pipes { source })?;
    let mouth = Mouth(Arc::new(Mutex::new(output)));
    let mut ear = Ear::new(input);
    greet(&mut ear, &mouth, version)?;
    let occupation = Occupation::default();
    let messages = ear.listen(occupation.clone());
    loop {
        let (id, threads, payload) = match messages.recv() {
            Ok(Ok(Heard::Task {
                id,
                threads,
                payload,
            })) => (id, threads, payload),
            Ok(Ok(Heard::Exit)) | Err(_) => return Ok(()),
            Ok(Err(error)) => return Err(error),
        };
        terminated.store(false, Ordering::SeqCst);
        let mut context = WorkerContext {
            id,
            threads,
            mouth: mouth.clone(),
            stop: occupation.stop_cell(),
            terminated: Arc::clone(&terminated),
            throttle: Throttle::default(),
        };
        let answer = guarded(handler, &payload, &mut context);
        occupation.done(id);
        mouth.answer(id, answer)?;
    }
}

/// The scheduler greets first, and is always answered, so that both sides can name both versions.
fn greet(ear: &mut Ear, mouth: &Mouth, version: &str) -> Result<(), ServeError> {
    let line = ear.line()?.unwrap_or_default();
    let Ok(ToWorker::Hello {
        protocol,
        version: scheduler,
        ..
    }) = serde_json::from_slice(&line)
    else {
        let found = protocol::excerpt(&line);
        return Err(ServeError::NoHandshake { found });
    };
    mouth.say(&FromWorker::Hello {
        protocol: protocol::PROTOCOL,
        version: Cow::Borrowed(version),
    })?;
    protocol::compare(version, protocol, &scheduler).map_err(|mismatch| {
        // `compare` takes its own side for the scheduler's.
        ServeError::VersionMismatch(crate::VersionMismatch {
            version: mismatch.worker_version,
            protocol: mismatch.worker_protocol,
            worker_version: mismatch.version,
            worker_protocol: mismatch.protocol,
        })
    })
}

/// Where messages to the scheduler go.
#[derive(Debug, Clone)]
struct Mouth(Arc<Mutex<File>>);

impl Mouth {
    fn say(&self, message: &FromWorker<'_>) -> Result<(), ServeError> {
        self.write(&protocol::line(message))
    }

    fn write(&self, line: &[u8]) -> Result<(), ServeError> {
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        output
            .write_all(line)
            .map_err(|source| ServeError::Broken { source })
    }

    fn answer(&self, id: u64, answer: Result<Reply, String>) -> Result<(), ServeError> {
        let message = match answer {
            Ok(Reply { value, stopped }) => FromWorker::Reply { id, value, stopped },
            Err(message) => FromWorker::Panicked { id, message },
        };
        let line = protocol::line(&message);
        if line.len() <= LONGEST_LINE {
            return self.write(&line);
        }
        let bytes = line.len();
        self.say(&FromWorker::AnswerTooLong { id, bytes })
    }
}

struct WorkerContext {
    id: u64,
    threads: usize,
    mouth: Mouth,
    stop: StopCell,
    terminated: Arc<AtomicBool>,
    throttle: Throttle,
}

impl TaskContext for WorkerContext {
    fn progress(&mut self, event: Value) {
        if self.throttle.admits(&event, Instant::now()) {
            self.report(event);
        }
    }

    fn report(&mut self, event: Value) {
        let id = self.id;
        let line = protocol::line(&FromWorker::Progress { id, event });
        if line.len() > LONGEST_LINE {
            tracing::warn!(
                bytes = line.len(),
                "a report is too long for a message, and dropped"
            );
            return;
        }
        // When nobody listens any more, the other thread notices and ends this process.
        let _ = self.mouth.write(&line);
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let terminated = self.terminated.load(Ordering::SeqCst);
        self.stop
            .get()
            .or_else(|| terminated.then_some(StopReason::Interrupted))
    }

    fn threads(&self) -> usize {
        self.threads
    }
}
