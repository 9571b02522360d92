//! Reading that can be watched and stopped.

use crate::error::PipelineError;
use std::io::{self, Read};
use std::ops::ControlFlow;

/// Receives how many bytes of a file have been read since the last time, and answers whether to go on.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn reading_is_told_and_stops_when_it_is_to() {
        let (content, reported) = (vec![7; 5000], AtomicU64::new(0));
        let until = |most: u64| {
            let watch = |bytes: u64| {
                if reported.fetch_add(bytes, Ordering::Relaxed) + bytes > most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let mut reader = Watched::new(&content[..], &watch);
            let mut piece = [0; 1000];
            let read: io::Result<()> = (0..5).try_for_each(|_| reader.read_exact(&mut piece));
            reader.outcome(read)
        };
        assert!(matches!(until(5000), Ok(Ok(()))));
        assert_eq!(reported.swap(0, Ordering::Relaxed), 5000);
        assert!(matches!(until(2000), Err(PipelineError::Interrupted)));
    }
}
