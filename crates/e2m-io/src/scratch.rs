//! A folder on a disk of this machine for files under construction. It is removed when it is dropped.

use crate::folders::{FolderError, create_folders};
use crate::lock::{FolderLock, LockError, lock_folder};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How names of the folders begin; a number follows.
const PREFIX: &str = "e2m-scratch-";
/// The file that is locked as long as the folder is in use.
const LOCK: &str = ".lock";
/// How much of what is free may be planned for, per cent.
const COMFORTABLE: u64 = 80;

/// A folder for files under construction.
///
/// It is removed with all that is in it when it is dropped. What a killed process left is removed when the next folder is
/// opened in the same place.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    /// Released before the folder is removed.
    lock: Option<FolderLock>,
}

/// Why a place is no good for files under construction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScratchError {
    /// It is made of memory.
    #[error("{} is in memory, which the files would take from the task", path.display())]
    InMemory {
        /// The place.
        path: PathBuf,
    },
    /// It has too little room.
    #[error(
        "{} has {} MB free, and up to {} MB are to be written; of what is free no more than {COMFORTABLE} % are planned for",
        path.display(),
        free_bytes / 1_000_000,
        needed_bytes / 1_000_000
    )]
    TooSmall {
        /// The place.
        path: PathBuf,
        /// What is free, bytes.
        free_bytes: u64,
        /// What may be needed, bytes.
        needed_bytes: u64,
    },
    /// No folder can be made.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system does not tell about it.
    #[error("{} cannot be looked at: {source}", path.display())]
    Unknown {
        /// The place.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Scratch {
    /// Makes a folder in `place`, itself made where it is not there, for files of `needed_bytes` together.
    ///
    /// # Errors
    /// [`ScratchError`]: a place in memory, one that is too small, or one to which nothing can be written.
    pub fn open(place: &Path, needed_bytes: u64) -> Result<Self, ScratchError> {
        let unknown = |source| ScratchError::Unknown {
            path: place.to_owned(),
            source,
        };
        // Before anything is made there.
        let existing = place
            .ancestors()
            .find(|above| above.is_dir())
            .unwrap_or(place);
        if ScratchDisk::of(existing).map_err(unknown)?.in_memory {
            return Err(ScratchError::InMemory {
                path: place.to_owned(),
            });
        }
        create_folders(place)?;
        remove_abandoned(place);
        let about = ScratchDisk::of(place).map_err(unknown)?;
        if needed_bytes > about.free_bytes / 100 * COMFORTABLE {
            return Err(ScratchError::TooSmall {
                path: place.to_owned(),
                free_bytes: about.free_bytes,
                needed_bytes,
            });
        }
        for turn in 0_u32.. {
            let folder = place.join(format!("{PREFIX}{}-{turn}", std::process::id()));
            match make_own(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => {
                    return Err(FolderError::Make {
                        path: folder,
                        source,
                    }
                    .into());
                }
            }
            // Whoever clears up may hold the lock of a new folder for an instant, and remove the folder; then another is made.
            match lock_folder(&folder.join(LOCK)) {
                Ok(Some(lock)) if folder.join(LOCK).is_file() => {
                    return Ok(Self {
                        folder,
                        lock: Some(lock),
                    });
                }
                Err(error) if error.source.kind() != io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir_all(&folder);
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Err(ScratchError::Unknown {
            path: place.to_owned(),
            source: io::ErrorKind::AlreadyExists.into(),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.lock = None;
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(path = %self.folder.display(), %error, "a scratch folder could not be removed");
        }
    }
}

/// Makes a folder that was not there, and that nobody else can look into: places for scratch are often everybody's.
fn make_own(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes the folders of processes that are dead. A folder that cannot be removed belongs to somebody else.
fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = entry.path().join(LOCK);
        // A folder without a lock file is being made at this moment. The lock is held while the folder is removed, so that
        // nobody takes it for a new one.
        if is_ours
            && lock.is_file()
            && let Ok(Some(_held)) = lock_folder(&lock)
        {
            tracing::info!(path = %entry.path().display(), "a scratch folder that was left is removed");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The disk on which a folder for scratch lies.
struct ScratchDisk {
    in_memory: bool,
    free_bytes: u64,
}

impl ScratchDisk {
    #[cfg(target_os = "linux")]
    fn of(path: &Path) -> io::Result<Self> {
        // tmpfs and ramfs.
        const MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
        let about = rustix::fs::statfs(path)?;
        let block = u64::try_from(about.f_bsize).unwrap_or(0);
        Ok(Self {
            in_memory: MEMORY.contains(&((about.f_type as u64) & 0xffff_ffff)),
            free_bytes: about.f_bavail.saturating_mul(block),
        })
    }

    /// Clusters run Linux; elsewhere whoever names a place knows it.
    #[cfg(not(target_os = "linux"))]
    fn of(_: &Path) -> io::Result<Self> {
        Ok(Self {
            in_memory: false,
            free_bytes: u64::MAX,
        })
    }
}

/// Whether two paths, or what exists of them, are on the same file system, as far as the system tells.
#[cfg(unix)]
pub fn is_same_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| {
        let existing = path.ancestors().find_map(|above| fs::metadata(above).ok());
        existing.map(|about| about.dev())
    };
    device(one) == device(other)
}

/// Whether two paths are on the same file system; not known here.
#[cfg(not(unix))]
pub fn is_same_disk(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_as_long_as_it_is_used() {
        let place = tempfile::tempdir().expect("folder");
        let place = place.path().join("below/of it");
        let scratch = Scratch::open(&place, 1000).expect("a folder");
        let other = Scratch::open(&place, 1000).expect("another");
        assert_ne!(scratch.folder(), other.folder());
        fs::write(scratch.folder().join("x"), b"half").expect("writes");
        drop(other);
        assert!(scratch.folder().join("x").is_file());
        drop(scratch);
        assert_eq!(fs::read_dir(&place).expect("reads").count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().expect("folder");
        let left = place.path().join("e2m-scratch-4242-0");
        let new = place.path().join("e2m-scratch-4243-0");
        let foreign = place.path().join("my data");
        for folder in [&left, &new, &foreign] {
            fs::create_dir(folder).expect("makes");
        }
        for folder in [&left, &foreign] {
            fs::write(folder.join(LOCK), b"").expect("writes");
        }
        let used = Scratch::open(place.path(), 0).expect("a folder");
        let again = Scratch::open(place.path(), 0).expect("a folder");
        assert!(!left.exists());
        assert!(new.exists() && foreign.exists() && used.folder().exists());
        drop(again);
    }

    #[test]
    fn a_place_with_too_little_room_is_refused_with_numbers() {
        let place = tempfile::tempdir().expect("folder");
        let error = Scratch::open(place.path(), u64::MAX).expect_err("too much");
        assert!(matches!(error, ScratchError::TooSmall { .. }), "{error}");
        assert_eq!(fs::read_dir(place.path()).expect("reads").count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_no_disk() {
        let shm = Path::new("/dev/shm");
        let in_memory = ScratchDisk::of(shm).ok().filter(|disk| disk.in_memory);
        if e2m_testing::prerequisite("/dev/shm in memory", in_memory).is_none() {
            return;
        }
        let error = Scratch::open(shm, 0).expect_err("memory");
        assert!(error.to_string().contains("is in memory"), "{error}");
        let here = tempfile::tempdir().expect("folder");
        assert!(!is_same_disk(shm, here.path()));
        assert!(is_same_disk(&here.path().join("not/there"), here.path()));
    }
}
