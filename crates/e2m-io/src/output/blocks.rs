//! Collects bytes in aligned blocks.

use super::block_writer::BlockWriter;
use super::disk::Disk;
use super::writer_thread::{FullBlock, WriterThread};
use std::fmt;
use std::io;
use std::sync::Arc;

/// What memory, positions and lengths are multiples of, past the page cache: no sector or page that is in use is larger.
pub(super) const ALIGNMENT: usize = 4096;
/// The largest block. Blocks twice as large are written no faster.
const BLOCK_BYTES: usize = 4 << 20;
/// How many blocks there are: one is filled while another is written and a third waits.
const BLOCKS: usize = 3;

/// Aligned memory of a fixed size.
pub(super) struct AlignedBlock {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBlock {
    fn new(length: usize) -> Self {
        let memory = vec![0; length + ALIGNMENT];
        // Where it cannot be told, direct writes are refused and ordinary ones follow.
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self {
            memory,
            start: if start < ALIGNMENT { start } else { 0 },
            length,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..][..self.length]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..self.length]
    }
}

/// Who writes the blocks.
enum WriteMode {
    /// Nobody yet: no block has been full.
    Unused,
    /// A thread: the usual case.
    Thread(WriterThread),
    /// The calling thread: the system has no other one left.
    Inline(BlockWriter),
    /// Nobody any more: there was an error, and the file is lost.
    Failed,
}

/// A sequence of bytes on its way to a disk, from offset 0 on.
///
/// Less than a block needs no thread and is written in the ordinary way.
pub(super) struct BlockStream {
    disk: Arc<dyn Disk>,
    block_bytes: usize,
    /// `None` between a full block and the next byte, and after an error.
    current: Option<AlignedBlock>,
    filled: usize,
    /// Where the current block goes.
    offset: u64,
    allocated: usize,
    mode: WriteMode,
}

impl fmt::Debug for BlockStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockStream")
            .field("offset", &self.offset)
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}

impl BlockStream {
    pub(super) fn new(disk: Arc<dyn Disk>, expected_bytes: u64) -> Self {
        Self {
            disk,
            block_bytes: block_bytes(expected_bytes),
            current: None,
            filled: 0,
            offset: 0,
            allocated: 0,
            mode: WriteMode::Unused,
        }
    }

    /// The most that is held for `expected_bytes`.
    pub(super) fn memory_bytes(expected_bytes: u64) -> u64 {
        let block = block_bytes(expected_bytes) as u64;
        // One more than expected, for what was not: a file may be a little longer.
        let blocks = (expected_bytes / block + 1).min(BLOCKS as u64);
        blocks * (block + ALIGNMENT as u64)
    }

    /// Room for the next bytes, never empty.
    pub(super) fn room(&mut self) -> io::Result<&mut [u8]> {
        if self.current.is_some() && self.filled == self.block_bytes {
            self.send()?;
        }
        let block = match self.current.take() {
            Some(block) => block,
            None => self.failing(Self::next_block)?,
        };
        let block = self.current.insert(block);
        Ok(&mut block.bytes_mut()[self.filled..])
    }

    /// The first `bytes` of the room are filled.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.block_bytes);
    }

    /// Writes what is left, makes the disk as long as all that came and ready for ordinary writes, and returns that length.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        let length = self.offset + self.filled as u64;
        let whole = self.filled - self.filled % ALIGNMENT;
        let tail = match self.current.take() {
            Some(block) => {
                let tail = block.bytes()[whole..self.filled].to_vec();
                match &self.mode {
                    WriteMode::Unused => {
                        BlockWriter::ordinary(&self.disk).write(&block.bytes()[..whole], 0)?;
                    }
                    _ if whole == 0 => {}
                    _ => self.write(block, whole)?,
                }
                tail
            }
            None => Vec::new(),
        };
        match std::mem::replace(&mut self.mode, WriteMode::Failed) {
            WriteMode::Unused => {}
            WriteMode::Thread(thread) => thread.finish()?,
            WriteMode::Inline(writer) => writer.finish()?,
            WriteMode::Failed => return Err(failed_before()),
        }
        BlockWriter::ordinary(&self.disk).write(&tail, length - tail.len() as u64)?;
        self.disk.set_len(length)?;
        Ok(length)
    }

    /// Hands over the current block, which is full.
    fn send(&mut self) -> io::Result<()> {
        let Some(block) = self.current.take() else {
            return Err(failed_before());
        };
        self.failing(|stream| {
            if matches!(stream.mode, WriteMode::Unused) {
                stream.mode = match WriterThread::start(&stream.disk, BLOCKS) {
                    Ok(thread) => WriteMode::Thread(thread),
                    Err(_) => WriteMode::Inline(BlockWriter::direct(&stream.disk)),
                };
            }
            stream.write(block, stream.block_bytes)
        })?;
        self.offset += self.block_bytes as u64;
        self.filled = 0;
        Ok(())
    }

    fn write(&mut self, block: AlignedBlock, length: usize) -> io::Result<()> {
        let offset = self.offset;
        match &mut self.mode {
            WriteMode::Thread(thread) => thread.send(FullBlock {
                block,
                length,
                offset,
            }),
            WriteMode::Inline(writer) => {
                writer.write(&block.bytes()[..length], offset)?;
                self.current = Some(block);
                Ok(())
            }
            WriteMode::Unused | WriteMode::Failed => Err(failed_before()),
        }
    }

    /// A block that was written, or a new one while there are few.
    fn next_block(&mut self) -> io::Result<AlignedBlock> {
        if matches!(self.mode, WriteMode::Failed) {
            return Err(failed_before());
        }
        if let WriteMode::Thread(thread) = &mut self.mode {
            if let Some(block) = thread.try_take()? {
                return Ok(block);
            }
            if self.allocated >= BLOCKS {
                return thread.take();
            }
        }
        self.allocated += 1;
        Ok(AlignedBlock::new(self.block_bytes))
    }

    /// Runs a step; after an error the stream takes no more bytes.
    fn failing<T>(&mut self, step: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        let result = step(self);
        if result.is_err() {
            self.mode = WriteMode::Failed;
            self.current = None;
        }
        result
    }
}

/// Small files get a small block.
fn block_bytes(expected_bytes: u64) -> usize {
    let wish = usize::try_from(expected_bytes).unwrap_or(BLOCK_BYTES);
    wish.clamp(1, BLOCK_BYTES).next_multiple_of(ALIGNMENT)
}

fn failed_before() -> io::Error {
    io::Error::other("an earlier part of the file could not be written")
}
