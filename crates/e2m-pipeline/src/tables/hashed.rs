//! A writer that knows what went through it.

use e2m_io::{ContentHash, ContentHasher};
use std::io::{Result, Write};

/// Counts and hashes what is written.
pub(super) struct Hashed<W> {
    inner: W,
    bytes: u64,
    hasher: ContentHasher,
}

impl<W: Write> Hashed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            bytes: 0,
            hasher: ContentHasher::default(),
        }
    }

    /// What was written to, how many bytes, and their hash.
    pub(super) fn finish(self) -> (W, u64, ContentHash) {
        (self.inner, self.bytes, self.hasher.finish())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
