//! The file of a checkpoint: bytes come one after another and go to the disk in large blocks, from a thread of their own.
//!
//! ```text
//! writer of a format --bytes--> BlockStream --full blocks--> WriterThread --runs that are not zero--> Disk
//!                               (blocks.rs)  <--empty ones-- (writer_thread.rs)  (block_writer.rs)    (disk.rs)
//! ```
//!
//! Three things make this faster than a buffered file:
//!
//! * Computing and writing overlap: of up to three blocks, the disk has two while one is filled.
//! * Blocks go past the page cache where the file system lets them. A copy in the kernel and the writeback of dirty pages
//!   cost more than the disk itself does. Elsewhere they are ordinary writes, with a sync behind them all along
//!   (`write_behind.rs`).
//! * Long runs of zeros are left out and become holes. The content is the same; a padded canvas is zero to a third
//!   or a half.
//!
//! Ordinary writes follow for the end of a file, which is no multiple of the alignment, and for what is changed afterwards
//! (headers). Nothing here makes a file durable: [`AtomicFile::commit`] does.

mod block_writer;
mod blocks;
mod disk;
mod write_behind;
mod writer_thread;
mod zeros;

#[cfg(test)]
mod tests;

use crate::atomic::AtomicFile;
use blocks::BlockStream;
use std::io::{self, Seek, SeekFrom, Write};

pub(crate) use zeros::is_zero;

/// An [`AtomicFile`] that is written from its beginning to its end, and then perhaps here and there.
///
/// The first [`Seek`] ends the stream. Dropped, it stops its thread and leaves nothing, like the file in it.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// Dropped before the file: nobody else writes to it then. `None` once the stream has ended.
    stream: Option<BlockStream>,
    file: AtomicFile,
}

impl OutputFile {
    /// Takes over an empty file of about `expected_bytes`, which decide how large its blocks are.
    pub(crate) fn new(file: AtomicFile, expected_bytes: u64) -> io::Result<Self> {
        let stream = BlockStream::new(file.shared()?, expected_bytes);
        Ok(Self {
            stream: Some(stream),
            file,
        })
    }

    /// The most that the stream of a file of about `expected_bytes` holds.
    pub(crate) fn memory_bytes(expected_bytes: u64) -> u64 {
        BlockStream::memory_bytes(expected_bytes)
    }

    /// Room for the next bytes, at least one, and a multiple of four where all that came before was; what is filled is
    /// reported by [`OutputFile::advance`]. Answers what went wrong with blocks before.
    pub(crate) fn room(&mut self) -> io::Result<&mut [u8]> {
        match &mut self.stream {
            Some(stream) => stream.room(),
            None => Err(io::Error::other("the stream of this file has ended")),
        }
    }

    /// The first `bytes` of the room are filled.
    pub(crate) fn advance(&mut self, bytes: usize) {
        if let Some(stream) = &mut self.stream {
            stream.advance(bytes);
        }
    }

    /// Ends the stream: hands everything to the operating system and tells what went wrong.
    pub(crate) fn finish(mut self) -> io::Result<AtomicFile> {
        self.end_stream()?;
        Ok(self.file)
    }

    fn end_stream(&mut self) -> io::Result<()> {
        if let Some(stream) = self.stream.take() {
            let length = stream.finish()?;
            self.file.seek(SeekFrom::Start(length))?;
        }
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else {
            return self.file.write(bytes);
        };
        if bytes.is_empty() {
            return Ok(0);
        }
        let room = stream.room()?;
        let taken = room.len().min(bytes.len());
        room[..taken].copy_from_slice(&bytes[..taken]);
        stream.advance(taken);
        Ok(taken)
    }

    /// Blocks go when they are full, whoever is in a hurry.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.end_stream()?;
        self.file.seek(position)
    }
}
