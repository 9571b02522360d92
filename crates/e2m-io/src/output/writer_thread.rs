//! The thread that writes blocks.

use super::block_writer::BlockWriter;
use super::blocks::AlignedBlock;
use super::disk::Disk;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;

/// Bytes at the beginning of a block, and where they go.
pub(super) struct FullBlock {
    pub(super) block: AlignedBlock,
    pub(super) length: usize,
    pub(super) offset: u64,
}

/// A thread that writes full blocks in the order in which they come, and gives them back.
///
/// After an error it takes no more blocks and ends. When it is dropped it ends as well, and what is left is not written.
pub(super) struct WriterThread {
    /// `None` once nothing more will come.
    full: Option<SyncSender<FullBlock>>,
    empty: Receiver<AlignedBlock>,
    given_up: Arc<AtomicBool>,
    /// `None` once it was waited for.
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl WriterThread {
    /// Starts a thread that takes up to `blocks` blocks at a time.
    pub(super) fn start(disk: &Arc<dyn Disk>, blocks: usize) -> io::Result<Self> {
        let (full, to_write) = sync_channel(blocks);
        let (written, empty) = channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let (disk, stop) = (Arc::clone(disk), Arc::clone(&given_up));
        let thread = std::thread::Builder::new()
            .name("write".into())
            .spawn(move || write_all(BlockWriter::direct(&disk), &to_write, &written, &stop))?;
        Ok(Self {
            full: Some(full),
            empty,
            given_up,
            thread: Some(thread),
        })
    }

    /// Hands over a block. An error says why an earlier one could not be written.
    pub(super) fn send(&mut self, full: FullBlock) -> io::Result<()> {
        let sent = self.full.as_ref().map(|to| to.send(full).is_ok());
        if sent == Some(true) {
            Ok(())
        } else {
            Err(self.failure())
        }
    }

    /// A block that is written, if there is one just now.
    pub(super) fn try_take(&mut self) -> io::Result<Option<AlignedBlock>> {
        match self.empty.try_recv() {
            Ok(block) => Ok(Some(block)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.failure()),
        }
    }

    /// Waits for a block to be written.
    pub(super) fn take(&mut self) -> io::Result<AlignedBlock> {
        match self.empty.recv() {
            Ok(block) => Ok(block),
            Err(_) => Err(self.failure()),
        }
    }

    /// Waits until everything is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.join()
    }

    /// Why the thread has ended early.
    fn failure(&mut self) -> io::Error {
        match self.join() {
            Err(error) => error,
            Ok(()) => io::Error::other("an earlier block could not be written"),
        }
    }

    fn join(&mut self) -> io::Result<()> {
        self.full = None;
        self.thread.take().map_or(Ok(()), |thread| {
            let panicked = |_| Err(io::Error::other("the thread that writes has panicked"));
            thread.join().unwrap_or_else(panicked)
        })
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        // The file is given up, so nobody needs the error.
        let _ = self.join();
    }
}

/// The loop of the thread. Both channels end with it, which is how the other side notices.
fn write_all(
    mut writer: BlockWriter,
    to_write: &Receiver<FullBlock>,
    written: &Sender<AlignedBlock>,
    given_up: &AtomicBool,
) -> io::Result<()> {
    for full in to_write {
        if given_up.load(Ordering::Relaxed) {
            break;
        }
        writer.write(&full.block.bytes()[..full.length], full.offset)?;
        // At the end nobody takes it back.
        let _ = written.send(full.block);
    }
    writer.finish()
}
