//! Gets what was written to the disk while more is being computed.
//!
//! An operating system keeps gigabytes in memory before it begins to write; all of them would have to be waited for when the
//! file is made durable.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes after which the disk is given something to do.
const CHUNK_BYTES: u64 = 32 << 20;

/// Syncs a file from a thread of its own, every 32 MiB unless it is still busy with those before.
#[derive(Debug)]
pub(crate) struct WriteBehind {
    /// `None` for good where no thread or second handle is to be had: then all is written at the end.
    file: Option<File>,
    unsynced: u64,
    worker: Option<Worker>,
}

#[derive(Debug)]
struct Worker {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl WriteBehind {
    /// For `file`, which others write to.
    pub(crate) fn new(file: Option<File>) -> Self {
        Self {
            file,
            unsynced: 0,
            worker: None,
        }
    }

    /// So many bytes have been handed to the operating system.
    pub(crate) fn wrote(&mut self, bytes: u64) {
        self.unsynced += bytes;
        if self.unsynced < CHUNK_BYTES {
            return;
        }
        if self.worker.is_none() {
            self.worker = self.file.take().and_then(Worker::start);
        }
        if let Some(worker) = &self.worker
            && worker.ask.try_send(()).is_ok()
        {
            self.unsynced = 0;
        }
    }

    /// Waits for what was begun, and tells what went wrong with it: the system says that only once.
    pub(crate) fn finish(self) -> io::Result<()> {
        let Some(Worker { ask, thread }) = self.worker else {
            return Ok(());
        };
        drop(ask);
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that syncs has panicked")))
    }
}

impl Worker {
    fn start(file: File) -> Option<Self> {
        let (ask, asked) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("sync".into())
            .spawn(move || asked.iter().try_for_each(|()| file.sync_data()))
            .ok()?;
        Some(Self { ask, thread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_is_written_in_between_is_synced_and_all_is_there() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        let mut file = File::create(&path).expect("creates");
        let mut behind = WriteBehind::new(file.try_clone().ok());
        let block = vec![7u8; CHUNK_BYTES as usize / 2];
        for _ in 0..5 {
            file.write_all(&block).expect("writes");
            behind.wrote(block.len() as u64);
        }
        assert!(behind.worker.is_some());
        behind.finish().expect("syncs");
        assert_eq!(
            path.metadata().expect("is there").len(),
            5 * block.len() as u64
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_synced_is_told() {
        // A pipe can be written to, but there is nothing to sync.
        let (_reader, writer) = io::pipe().expect("a pipe");
        let mut behind = WriteBehind::new(Some(File::from(std::os::fd::OwnedFd::from(writer))));
        behind.wrote(CHUNK_BYTES);
        behind.finish().expect_err("no file");
    }

    #[test]
    fn a_small_file_needs_no_thread() {
        let mut behind = WriteBehind::new(None);
        behind.wrote(CHUNK_BYTES - 1);
        assert!(behind.worker.is_none());
        behind.wrote(1);
        assert!(behind.worker.is_none(), "no handle");
        behind.finish().expect("nothing to do");
    }
}
