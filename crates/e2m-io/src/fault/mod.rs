//! Numbered points at which a build for tests fails or dies on purpose.
//!
//! Every change that this crate makes to a disk is such a point: creating a file, a write, a sync, a rename, making a folder,
//! removing a file. Without the feature `fault-injection` the functions here are empty. With it, every point is counted over all
//! processes of a run and written to a journal. At a chosen point the run can be made to die or to fail ([`arm`]); the tests of
//! crash safety go through all of them.

#[cfg(feature = "fault-injection")]
mod armed;

#[cfg(feature = "fault-injection")]
pub use armed::{Fault, FaultError, RECORD_BYTES, arm, is_armed};

#[cfg(not(feature = "fault-injection"))]
use std::{io, path::Path};

/// A change to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A file begins to exist.
    Create,
    /// Bytes go into a file.
    Write,
    /// A file is cut or prolonged.
    Resize,
    /// A file is made durable.
    Sync,
    /// A file gets its name.
    Rename,
    /// The names in a folder are made durable.
    SyncFolder,
    /// A folder begins to exist.
    CreateFolder,
    /// A file ceases to exist.
    Remove,
}

/// Marks the point before an operation on the file that is, or will be, called `path`.
#[cfg(not(feature = "fault-injection"))]
#[expect(clippy::unnecessary_wraps, reason = "it fails in builds for tests")]
pub(crate) fn point(_: Operation, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Does a write, which is a point as well: a run that is to die at it dies half-way.
#[cfg(not(feature = "fault-injection"))]
pub(crate) fn write(
    _: &Path,
    bytes: &[u8],
    write: impl FnOnce(&[u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    write(bytes)
}

#[cfg(feature = "fault-injection")]
pub(crate) use armed::{point, write};
