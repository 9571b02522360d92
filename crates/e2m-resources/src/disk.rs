//! How much room a disk has, and how fast it takes data.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The disk that a path is on, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its size.
    pub total_bytes: u64,
    /// What an ordinary user may still write.
    pub free_bytes: u64,
    /// The part of the path that exists already, and was asked about.
    pub existing: PathBuf,
}

/// A disk that could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be asked for its free space", path.display())]
pub struct DiskError {
    /// The path, or what exists of it.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Disk {
    /// The disk that holds `path`, which need not exist yet: its nearest existing ancestor decides.
    ///
    /// # Errors
    /// When the system does not tell about it.
    pub fn of(path: &Path) -> Result<Self, DiskError> {
        let failed = |path: &Path, source: io::Error| DiskError {
            path: path.to_path_buf(),
            source,
        };
        let whole = std::path::absolute(path).map_err(|source| failed(path, source))?;
        let mut last = None;
        for ancestor in whole.ancestors() {
            match rustix::fs::statvfs(ancestor).map_err(io::Error::from) {
                Ok(disk) => {
                    return Ok(Self {
                        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
                        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
                        existing: ancestor.to_path_buf(),
                    });
                }
                Err(source) => {
                    let missing = matches!(
                        source.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    );
                    let error = failed(ancestor, source);
                    if !missing {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| failed(path, io::ErrorKind::NotFound.into())))
    }
}

/// How long a name the disk takes that holds `path`, bytes: of its nearest existing ancestor. Nothing where the system does not
/// say; most take 255, encrypted folders 143.
pub fn longest_name(path: &Path) -> Option<usize> {
    let whole = std::path::absolute(path).ok()?;
    let mut disks = whole
        .ancestors()
        .filter_map(|path| rustix::fs::statvfs(path).ok());
    let bytes = usize::try_from(disks.next()?.f_namemax).ok()?;
    (bytes > 0).then_some(bytes)
}

/// How fast a folder takes data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiskSpeed {
    /// What was written.
    pub written_bytes: u64,
    /// From the first write until everything was on the disk.
    pub elapsed: Duration,
}

impl DiskSpeed {
    /// Bytes per second, synced.
    pub fn bytes_per_second(&self) -> f64 {
        // A clock that did not move must not make the disk infinitely fast.
        self.written_bytes as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Much enough to be past the buffers of a disk, little enough to be written within seconds.
const SAMPLE_BYTES: u64 = 256 << 20;
/// What e2m writes at once.
const BLOCK_BYTES: usize = 4 << 20;

/// Writes 256 MiB into a temporary file in `folder` and waits until they are on the disk. The file has no name where the
/// system can do that, and is gone whatever happens.
///
/// # Errors
/// When the file cannot be made or written, for instance because the disk is full.
pub fn disk_speed(folder: &Path) -> io::Result<DiskSpeed> {
    write_sample(tempfile::tempfile_in(folder)?, SAMPLE_BYTES)
}

fn write_sample(mut file: File, bytes: u64) -> io::Result<DiskSpeed> {
    let mut block = noise(BLOCK_BYTES);
    let started = Instant::now();
    let mut written_bytes = 0u64;
    while written_bytes < bytes {
        // No two blocks alike, for disks that recognise copies.
        block[..8].copy_from_slice(&written_bytes.to_le_bytes());
        let length = (bytes - written_bytes).min(BLOCK_BYTES as u64);
        file.write_all(&block[..length as usize])?;
        written_bytes += length;
    }
    file.sync_all()?;
    Ok(DiskSpeed {
        written_bytes,
        elapsed: started.elapsed(),
    })
}

/// Bytes that no file system compresses (xorshift64, Marsaglia 2003).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_yet_lies_on_its_ancestors_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = Disk::of(folder.path()).expect("a disk");
        assert_eq!(here.existing, folder.path());
        assert!(here.free_bytes <= here.total_bytes && here.total_bytes > 0);
        let later = Disk::of(&folder.path().join("a/b/c")).expect("a disk");
        assert_eq!(later.existing, folder.path());
        assert_eq!(later.total_bytes, here.total_bytes);
        // A file in the way: creating the folder will say so; its disk is the same.
        std::fs::write(folder.path().join("file"), "x").expect("writes");
        let file = Disk::of(&folder.path().join("file/below")).expect("a disk");
        assert_eq!(file.existing, folder.path().join("file"));
    }

    #[test]
    fn a_sample_is_written_whole_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = tempfile::tempfile_in(folder.path()).expect("a file");
        let watched = file.try_clone().expect("the same file");
        let bytes = BLOCK_BYTES as u64 * 2 + 5;
        let speed = write_sample(file, bytes).expect("writes");
        assert_eq!(speed.written_bytes, bytes);
        assert_eq!(watched.metadata().expect("exists").len(), bytes);
        assert!(speed.bytes_per_second() > 0.0);
        drop(watched);
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
        assert!(disk_speed(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn samples_do_not_compress() {
        let mut counts = [0usize; 256];
        for byte in noise(1 << 20) {
            counts[usize::from(byte)] += 1;
        }
        // 4,096 each, give or take seven standard deviations.
        assert!(counts.iter().all(|count| count.abs_diff(4096) < 450));
    }
}
