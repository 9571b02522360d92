//! Reading that can be watched and stopped.

use crate::error::PipelineError;
use std::io::{self, Read};
use std::ops::ControlFlow;

/// Is told how many bytes of a file have been read since the last time, and answers whether to go on.
pub type ReadWatch<'a> = &'a (dyn Fn(u64) -> ControlFlow<()> + Sync);

/// A reader that tells a [`ReadWatch`] what goes through it.
pub(super) struct Watched<'a, R> {
    reader: R,
    watch: ReadWatch<'a>,
    stopped: bool,
}

impl<'a, R> Watched<'a, R> {
    pub(super) fn new(reader: R, watch: ReadWatch<'a>) -> Self {
        Self {
            reader,
            watch,
            stopped: false,
        }
    }

    /// [`PipelineError::Interrupted`] where reading failed because it was to stop.
    pub(super) fn outcome<T>(&self, read: io::Result<T>) -> Result<io::Result<T>, PipelineError> {
        if self.stopped {
            Err(PipelineError::Interrupted)
        } else {
            Ok(read)
        }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if (self.watch)(read as u64).is_break() {
            self.stopped = true;
            return Err(io::Error::other("stopped"));
        }
        Ok(read)
    }
}
