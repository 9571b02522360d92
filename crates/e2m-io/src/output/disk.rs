//! What blocks are written to: a file, or in tests something that fails.

use crate::atomic::Temporary;
use crate::fault::{self, Operation};
use std::fs::File;
use std::io;

/// Bytes that can be written at any position, from any thread.
pub(super) trait Disk: Send + Sync + 'static {
    /// Writes some of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Switches writes past the page cache on or off. Off works wherever on did. Past the page cache, memory, positions and
    /// lengths have to be aligned.
    fn set_direct(&self, direct: bool) -> io::Result<()>;

    /// Waits until what was written is on the disk.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or prolongs it; what is added is zero.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
}

impl Disk for File {
    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn set_direct(&self, direct: bool) -> io::Result<()> {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        let mut flags = fcntl_getfl(self)?;
        flags.set(OFlags::DIRECT, direct);
        Ok(fcntl_setfl(self, flags)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn set_direct(&self, direct: bool) -> io::Result<()> {
        if direct {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }
}

impl Disk for Temporary {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        fault::write(self.path(), bytes, |bytes| {
            Disk::write_at(self.file(), bytes, offset)
        })
    }

    fn set_direct(&self, direct: bool) -> io::Result<()> {
        self.file().set_direct(direct)
    }

    fn sync_data(&self) -> io::Result<()> {
        fault::point(Operation::Sync, self.path())?;
        self.file().sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        fault::point(Operation::Resize, self.path())?;
        self.file().set_len(bytes)
    }
}
