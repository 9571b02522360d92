//! The worker's side: says hello, handles the tasks it is given, and ends with its scheduler.
//!
//! The main thread handles tasks. A second thread reads what the scheduler sends. So a request to stop arrives while a task
//! runs, and a busy worker notices when its scheduler is gone.

mod descriptors;
mod message_reader;

use crate::protocol::{self, FromWorker, LONGEST_LINE, ToWorker};
use crate::throttle::Throttle;
use crate::worker_pool::threads::{StopCell, handle_guarded};
use crate::{Handler, Reply, ServeError, StopReason, TaskContext};
use descriptors::Descriptors;
use message_reader::{CurrentTask, MessageReader, TaskMessage};
use serde_json::Value;
use signal_hook::consts::SIGTERM;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Handles tasks until the scheduler says that there are no more, or until standard input ends.
///
/// Standard input and output belong to the protocol: from here on this process reads nothing from the one, and what it
/// prints to the other goes to standard error. SIGTERM asks the task to stop; it does not end the process.
///
/// When standard input ends while a task runs, the scheduler is gone, and this process kills itself and its group: nobody
/// would ever learn what became of the task.
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
    let writer = MessageWriter(Arc::new(Mutex::new(output)));
    let mut reader = MessageReader::new(input);
    shake_hands(&mut reader, &writer, version)?;
    let current = CurrentTask::default();
    let messages = reader.spawn(current.clone());
    loop {
        let (id, threads, payload) = match messages.recv() {
            Ok(Ok(TaskMessage::Task {
                id,
                threads,
                payload,
            })) => (id, threads, payload),
            Ok(Ok(TaskMessage::Exit)) | Err(_) => return Ok(()),
            Ok(Err(error)) => return Err(error),
        };
        terminated.store(false, Ordering::SeqCst);
        let mut context = WorkerContext {
            id,
            threads,
            writer: writer.clone(),
            stop: current.stop_cell(),
            terminated: Arc::clone(&terminated),
            throttle: Throttle::default(),
        };
        let answer = handle_guarded(handler, &payload, &mut context);
        current.finish(id);
        writer.answer(id, answer)?;
    }
}

/// Exchanges hellos. The scheduler says it first and is always answered, so that both sides can name both versions.
fn shake_hands(
    reader: &mut MessageReader,
    writer: &MessageWriter,
    version: &str,
) -> Result<(), ServeError> {
    let line = reader.line()?.unwrap_or_default();
    let Ok(ToWorker::Hello {
        protocol,
        version: scheduler,
        ..
    }) = serde_json::from_slice(&line)
    else {
        let found = protocol::excerpt(&line);
        return Err(ServeError::NoHandshake { found });
    };
    writer.send(&FromWorker::Hello {
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

/// Writes messages to the scheduler.
#[derive(Debug, Clone)]
struct MessageWriter(Arc<Mutex<File>>);

impl MessageWriter {
    fn send(&self, message: &FromWorker<'_>) -> Result<(), ServeError> {
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
        self.send(&FromWorker::AnswerTooLong { id, bytes })
    }
}

struct WorkerContext {
    id: u64,
    threads: usize,
    writer: MessageWriter,
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
        // When the scheduler is gone, the reading thread notices and kills this process.
        let _ = self.writer.write(&line);
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
