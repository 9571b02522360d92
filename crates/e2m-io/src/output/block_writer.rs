//! Writes one block after another to the disk: past the page cache where that works, and without zeros.

use super::blocks::ALIGNMENT;
use super::disk::Disk;
use super::write_behind::WriteBehind;
use super::zeros::runs;
use std::io;
use std::sync::Arc;

/// Writes blocks one after another.
pub(super) struct BlockWriter {
    disk: Arc<dyn Disk>,
    direct: bool,
    behind: WriteBehind,
}

impl BlockWriter {
    /// Ordinary writes.
    pub(super) fn ordinary(disk: &Arc<dyn Disk>) -> Self {
        Self {
            disk: Arc::clone(disk),
            direct: false,
            behind: WriteBehind::new(disk),
        }
    }

    /// Writes past the page cache where that works.
    pub(super) fn direct(disk: &Arc<dyn Disk>) -> Self {
        Self {
            direct: disk.set_direct(true).is_ok(),
            ..Self::ordinary(disk)
        }
    }

    /// Writes all of `bytes` but zeros that make holes. Past the page cache `bytes` has to be aligned memory.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        runs(bytes).try_for_each(|run| {
            let start = offset + run.start as u64;
            self.write_run(&bytes[run], start)
        })
    }

    fn write_run(&mut self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            // For example after a write that was cut short.
            let aligned =
                bytes.len().is_multiple_of(ALIGNMENT) && offset.is_multiple_of(ALIGNMENT as u64);
            if !aligned {
                self.leave_direct()?;
            }
            match self.disk.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                    if !self.direct {
                        self.behind.wrote(written as u64)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The system took the flag but refuses such writes, or wants a coarser alignment.
                Err(error) if self.direct && is_refusal(&error) => self.leave_direct()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// From here on writes are ordinary.
    fn leave_direct(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.direct) {
            self.disk.set_direct(false)?;
        }
        Ok(())
    }

    /// Leaves the disk ready for ordinary writes, and answers with the first error of the syncs behind.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.leave_direct()?;
        self.behind.finish()
    }
}

/// Whether a write was refused for what it is, not for want of space or a broken disk.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}
