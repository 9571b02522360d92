//! The heartbeat of a lock: a thread that counts up in the record while the lock is held.

use super::record::LockRecord;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How a thread is started; tests put a system in its place that has none left.
pub(super) type SpawnThread = fn(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>;

/// Starts a thread by the system.
pub(super) fn spawn_thread(work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("lock".into()).spawn(work)
}

/// A running heartbeat, which stops when it is dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts to count up in `record`, which `file` holds, once every `interval`.
    ///
    /// # Errors
    /// When the system has no thread left. Nothing shows then that the lock is held, so the lock must not be held.
    pub(super) fn start(
        spawn: SpawnThread,
        file: Arc<File>,
        path: PathBuf,
        mut record: LockRecord,
        interval: Duration,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let token = record.token();
        let thread = spawn(Box::new(move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                // A holder that stood still for too long has lost the lock, and must not overwrite the new record.
                if !LockRecord::read(&file).has_token(&token) {
                    tracing::warn!(path = %path.display(), "another run has taken over the lock of this task");
                    return;
                }
                record.count_up();
                let written = record.write(&file, &path).and_then(|()| file.sync_data());
                if let Err(error) = written {
                    tracing::debug!(path = %path.display(), %error, "the lock does not show that it is held");
                }
            }
        }));
        match thread {
            Ok(thread) => Ok(Self {
                stop: Some(stop),
                thread: Some(thread),
            }),
            Err(error) => Err(io::Error::new(
                error.kind(),
                format!(
                    "no thread could be started that shows other machines that it is held: {error}; end other programs or raise `ulimit -u`"
                ),
            )),
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // The thread does nothing that could panic.
            let _ = thread.join();
        }
    }
}
