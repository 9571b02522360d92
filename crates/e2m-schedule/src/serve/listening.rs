//! What the scheduler says to a worker.

use crate::crew::threads::StopCell;
use crate::protocol::{self, LineBuffer, ToWorker};
use crate::{ServeError, StopReason};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};
use serde_json::Value;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What concerns the thread that works.
#[derive(Debug)]
pub(super) enum Heard {
    Task {
        id: u64,
        threads: usize,
        payload: Value,
    },
    Exit,
}

/// What the worker has on its desk, known to both of its threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Occupation {
    task: Arc<Mutex<Option<u64>>>,
    stop: StopCell,
}

impl Occupation {
    pub(super) fn stop_cell(&self) -> StopCell {
        self.stop.clone()
    }

    /// The task has its answer.
    pub(super) fn done(&self, id: u64) {
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

/// Reads lines from the scheduler.
#[derive(Debug)]
pub(super) struct Ear {
    input: File,
    buffer: LineBuffer,
}

impl Ear {
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

    /// Listens on a thread of its own from now on.
    pub(super) fn listen(mut self, occupation: Occupation) -> Receiver<Result<Heard, ServeError>> {
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            if let Err(error) = self.follow(&occupation, &sender) {
                let _ = sender.send(Err(error));
            }
            // Nothing will be heard any more. Who is in the middle of a task works for nobody.
            if occupation.lock().is_some() {
                end_with_the_scheduler();
            }
        });
        receiver
    }

    fn follow(
        &mut self,
        occupation: &Occupation,
        sender: &SyncSender<Result<Heard, ServeError>>,
    ) -> Result<(), ServeError> {
        while let Some(line) = self.line()? {
            match ToWorker::parse(&line)? {
                ToWorker::Task {
                    id,
                    threads,
                    payload,
                } => {
                    occupation.begin(id);
                    let task = Heard::Task {
                        id,
                        threads,
                        payload: payload.into_owned(),
                    };
                    if sender.send(Ok(task)).is_err() {
                        return Ok(());
                    }
                }
                ToWorker::Stop { id, reason } => occupation.ask_to_stop(id, reason),
                ToWorker::Exit {} => {
                    let _ = sender.send(Ok(Heard::Exit));
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

/// Ends this process at once, and with it whatever its task started.
fn end_with_the_scheduler() {
    // A worker that somebody started by hand shares the group of a shell, which has done nothing.
    let me = getpid();
    let _ = if getpgrp() == me {
        kill_process_group(me, Signal::KILL)
    } else {
        kill_process(me, Signal::KILL)
    };
}
