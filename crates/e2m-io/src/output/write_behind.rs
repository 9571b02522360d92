//! Syncs what was written while more is being computed.
//!
//! An operating system keeps gigabytes in memory before it begins to write. Without this, all of them would have to be waited
//! for when the file is made durable.

use super::disk::Disk;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Bytes after which the disk is given something to do.
const CHUNK_BYTES: u64 = 32 << 20;

/// What makes durable whatever has been written so far.
type Sync = Box<dyn Fn() -> io::Result<()> + Send>;

/// Syncs a file from a thread of its own, every 32 MiB unless it is still busy with those before.
pub(super) struct WriteBehind {
    /// `None` once the thread has it.
    sync: Option<Sync>,
    unsynced: u64,
    thread: Option<SyncThread>,
}

/// The thread, and the channel that asks it to sync.
struct SyncThread {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind")
            .field("unsynced", &self.unsynced)
            .finish_non_exhaustive()
    }
}

impl WriteBehind {
    /// For a file that somebody else writes to.
    pub(super) fn new(disk: &Arc<dyn Disk>) -> Self {
        let disk = Arc::clone(disk);
        Self::with(Box::new(move || disk.sync_data()))
    }

    fn with(sync: Sync) -> Self {
        Self {
            sync: Some(sync),
            unsynced: 0,
            thread: None,
        }
    }

    /// Notes that so many bytes have been handed to the operating system. An error is about bytes before them.
    pub(super) fn wrote(&mut self, bytes: u64) -> io::Result<()> {
        self.unsynced += bytes;
        if self.unsynced < CHUNK_BYTES {
            return Ok(());
        }
        if self.thread.is_none() {
            self.thread = self.sync.take().and_then(SyncThread::start);
        }
        match self.thread.as_ref().map(|thread| thread.ask.try_send(())) {
            Some(Ok(())) => self.unsynced = 0,
            Some(Err(TrySendError::Disconnected(()))) => return self.end(),
            Some(Err(TrySendError::Full(()))) | None => {}
        }
        Ok(())
    }

    /// Waits for the sync that was begun. An error is returned once, as the system tells it only once.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(SyncThread { ask, thread }) = self.thread.take() else {
            return Ok(());
        };
        drop(ask);
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that syncs has panicked")))
    }
}

impl Drop for WriteBehind {
    /// Waits for the thread, so that nobody holds the file any longer. Its errors do not matter for a file that is given up.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

impl SyncThread {
    fn start(sync: Sync) -> Option<Self> {
        let (ask, asked) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("sync".into())
            .spawn(move || asked.iter().try_for_each(|()| sync()))
            .ok()?;
        Some(Self { ask, thread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    #[test]
    fn every_chunk_is_synced_unless_the_disk_is_busy() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let mut behind = WriteBehind::with(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }));
        behind.wrote(CHUNK_BYTES - 1).expect("nothing yet");
        assert!(behind.thread.is_none(), "a small file needs no thread");
        for expected in 1..=3 {
            behind.wrote(CHUNK_BYTES).expect("goes on");
            let started = Instant::now();
            while count.load(Ordering::SeqCst) < expected {
                assert!(started.elapsed() < Duration::from_secs(20), "never synced");
                std::thread::yield_now();
            }
        }
        behind.wrote(CHUNK_BYTES / 2).expect("waits for more");
        behind.finish().expect("syncs");
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn what_cannot_be_synced_is_told_before_the_end() {
        let mut behind = WriteBehind::with(Box::new(|| Err(io::Error::other("no space"))));
        let started = Instant::now();
        let error = loop {
            if let Err(error) = behind.wrote(CHUNK_BYTES) {
                break error;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "never told");
            std::thread::yield_now();
        };
        assert_eq!(error.to_string(), "no space");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_is_what_is_synced() {
        // A pipe can be written to, but there is nothing to sync.
        let (_reader, writer) = io::pipe().expect("a pipe");
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
        let disk: Arc<dyn Disk> = Arc::new(file);
        let mut behind = WriteBehind::new(&disk);
        behind.wrote(CHUNK_BYTES).expect("asks");
        behind.finish().expect_err("no file");
    }

    #[test]
    fn whoever_gives_up_waits_for_the_thread() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut behind = WriteBehind::with(Box::new(move || {
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(Arc::strong_count(&held), 2);
            Ok(())
        }));
        behind.wrote(CHUNK_BYTES).expect("asks");
        drop(behind);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
