//! How a worker reads what the scheduler sends.

use crate::protocol::{self, LineBuffer, ToWorker};
use crate::worker_pool::threads::StopCell;
use crate::{ServeError, StopReason};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};
use serde_json::Value;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A message for the thread that handles tasks.
#[derive(Debug)]
pub(super) enum TaskMessage {
    Task {
        id: u64,
        threads: usize,
        payload: Value,
    },
    Exit,
}

/// The task that the worker has, shared by its two threads.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentTask {
    task: Arc<Mutex<Option<u64>>>,
    stop: StopCell,
}

impl CurrentTask {
    pub(super) fn stop_cell(&self) -> StopCell {
        self.stop.clone()
    }

    /// The task has its answer.
    pub(super) fn finish(&self, id: u64) {
        let mut task = self.lock();
        if *task == Some(id) {
            *task = None;
        }
    }

    fn begin(&self, id: u64) {
        let mut task = self.lock();
        *task = Some(id);
        self.stop.set(None);
    }

    fn ask_to_stop(&self, id: u64, reason: StopReason) {
        let task = self.lock();
        if *task == Some(id) {
            self.stop.set(Some(reason));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads messages from the scheduler.
#[derive(Debug)]
pub(super) struct MessageReader {
    input: File,
    buffer: LineBuffer,
}

impl MessageReader {
    pub(super) fn new(input: File) -> Self {
        Self {
            input,
            buffer: LineBuffer::default(),
        }
    }

    /// The next line; `None` at the end of input.
    pub(super) fn line(&mut self) -> Result<Option<Vec<u8>>, ServeError> {
        let mut chunk = [0; 16 * 1024];
        loop {
            let line = self.buffer.take_line();
            let line = line.map_err(|protocol::TooLong| ServeError::BrokeProtocol {
                what: format!("a line of more than {} bytes", protocol::LONGEST_LINE),
            })?;
            if line.is_some() {
                return Ok(line);
            }
            match self.input.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(read) => self.buffer.push(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(ServeError::Broken { source }),
            }
        }
    }

    /// Reads on a thread of its own from now on.
    pub(super) fn spawn(
        mut self,
        current: CurrentTask,
    ) -> Receiver<Result<TaskMessage, ServeError>> {
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            if let Err(error) = self.read_messages(&current, &sender) {
                let _ = sender.send(Err(error));
            }
            // The scheduler is gone, and nobody waits for the answer of a task that runs.
            if current.lock().is_some() {
                kill_this_process();
            }
        });
        receiver
    }

    fn read_messages(
        &mut self,
        current: &CurrentTask,
        sender: &SyncSender<Result<TaskMessage, ServeError>>,
    ) -> Result<(), ServeError> {
        while let Some(line) = self.line()? {
            match ToWorker::parse(&line)? {
                ToWorker::Task {
                    id,
                    threads,
                    payload,
                } => {
                    current.begin(id);
                    let task = TaskMessage::Task {
                        id,
                        threads,
                        payload: payload.into_owned(),
                    };
                    if sender.send(Ok(task)).is_err() {
                        return Ok(());
                    }
                }
                ToWorker::Stop { id, reason } => current.ask_to_stop(id, reason),
                ToWorker::Exit {} => {
                    let _ = sender.send(Ok(TaskMessage::Exit));
                    return Ok(());
                }
                ToWorker::Hello { .. } => {
                    return Err(ServeError::BrokeProtocol {
                        what: "it said hello twice".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Kills this process at once, and with it whatever its task started.
fn kill_this_process() {
    // A worker that was started by hand may share its group with a shell, which is not to be killed.
    let me = getpid();
    let _ = if getpgrp() == me {
        kill_process_group(me, Signal::KILL)
    } else {
        kill_process(me, Signal::KILL)
    };
}
