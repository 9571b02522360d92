//! A part of a file that is read without a shared cursor, so that several parts can be read at once.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// Reads the bytes `[position, end)` of a file.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Section {
    /// The bytes from `start`, at most `length` of them.
    pub(crate) fn new(file: &Arc<File>, start: u64, length: u64) -> Self {
        Self {
            file: Arc::clone(file),
            position: start,
            end: start.saturating_add(length),
        }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.end.saturating_sub(self.position);
        let wish = buffer
            .len()
            .min(usize::try_from(room).unwrap_or(usize::MAX));
        let read = read_at(&self.file, &mut buffer[..wish], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// Fills `buffer` from byte `offset` on.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
