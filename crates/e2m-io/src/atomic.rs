//! Files that appear whole or not at all.
//!
//! What is written goes to a temporary in the same folder; [`AtomicFile::commit`] makes it durable and gives it its name
//! in one step. A crash at any instant leaves either the old file or the new one, and perhaps a temporary, which the next
//! run removes with [`remove_stale_temporaries`].

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The ending of every temporary.
const TEMPORARY_SUFFIX: &str = ".e2m-tmp";
/// Longest part of the final name that a temporary repeats, in bytes; file systems allow 255 in all.
const MAX_NAME_PART_BYTES: usize = 200;

/// Numbers the temporaries of this process.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// An error on the way from a temporary to a finished file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct AtomicError {
    /// What was being done: `create`, `write`, `sync`, `rename`.
    pub action: &'static str,
    /// To which file; always the final name.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// A file under construction. Unless it is committed, nothing of it remains.
#[derive(Debug)]
pub struct AtomicFile {
    /// `None` once it is committed.
    file: Option<Arc<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary, named like `.name.tiff.1234-0.e2m-tmp`, beside `path`. The folder has to exist.
    ///
    /// The temporary is locked as long as this process lives, which is how others tell that it is not stale.
    pub fn create(path: &Path) -> Result<Self, AtomicError> {
        let failed = |source| AtomicError {
            action: "create",
            path: path.to_owned(),
            source,
        };
        if path.file_name().is_none() {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        }
        loop {
            let temporary = temporary_name(path);
            let mut options = OpenOptions::new();
            match options
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary)
            {
                Ok(file) => {
                    // Some network file systems know no locks; then their temporaries are left alone, not removed.
                    let _ = file.try_lock();
                    return Ok(Self {
                        file: Some(Arc::new(file)),
                        temporary,
                        path: path.to_owned(),
                    });
                }
                // Left behind by a dead process with the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the content is until then: for a library that opens files by name. It has to be done with the file before
    /// [`AtomicFile::commit`].
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The temporary itself, for a thread that writes to it meanwhile and is done before [`AtomicFile::commit`].
    pub(crate) fn shared(&self) -> io::Result<Arc<File>> {
        self.open().cloned()
    }

    /// Writes everything to the disk, then gives the file its name, replacing what had it.
    pub fn commit(mut self) -> Result<(), AtomicError> {
        let path = self.path.clone();
        let failed = |action| {
            let path = path.clone();
            move |source| AtomicError {
                action,
                path,
                source,
            }
        };
        self.open()
            .and_then(|file| file.sync_all())
            .map_err(failed("sync"))?;
        fs::rename(&self.temporary, &self.path).map_err(failed("rename"))?;
        self.file = None;
        sync_folder(&self.path).map_err(failed("sync the folder of"))
    }

    fn open(&self) -> io::Result<&Arc<File>> {
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&**self.open()?).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&**self.open()?).flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        (&**self.open()?).seek(position)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some()
            && let Err(error) = fs::remove_file(&self.temporary)
        {
            tracing::warn!(path = %self.temporary.display(), %error, "a temporary file could not be removed");
        }
    }
}

/// Writes a small file in one go, atomically.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), AtomicError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|source| AtomicError {
        action: "write",
        path: path.to_owned(),
        source,
    })?;
    file.commit()
}

/// Removes the temporaries in `folder` (not below it) that no living process is writing; returns how many.
///
/// A folder that does not exist holds none.
pub fn remove_stale_temporaries(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if !is_temporary(&name.to_string_lossy()) || !entry.file_type()?.is_file() {
            continue;
        }
        if is_abandoned(&entry.path())? {
            match fs::remove_file(entry.path()) {
                Ok(()) => removed += 1,
                // Its writer was quicker.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(removed)
}

/// Whether nobody holds the lock of a temporary.
fn is_abandoned(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Ok(false),
    }
}

/// Whether a file of this name is one under construction, or what was left of one: `.{name}.{process}-{n}.e2m-tmp`.
pub fn is_temporary(name: &str) -> bool {
    let Some(name) = name
        .strip_prefix('.')
        .and_then(|n| n.strip_suffix(TEMPORARY_SUFFIX))
    else {
        return false;
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.rsplit_once('.')
        .and_then(|(_, mark)| mark.split_once('-'))
        .is_some_and(|(process, n)| number(process) && number(n))
}

fn temporary_name(path: &Path) -> PathBuf {
    let n = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = name.floor_char_boundary(MAX_NAME_PART_BYTES);
    let mut temporary = OsString::from(".");
    temporary.push(name.get(..end).unwrap_or_default());
    temporary.push(format!(".{}-{n}{TEMPORARY_SUFFIX}", std::process::id()));
    path.with_file_name(temporary)
}

/// Makes a rename durable. File systems that cannot sync a folder need not.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match File::open(folder)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("folder")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_at_commit_and_replaces_the_old_one() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"old").expect("writes");
        let mut file = AtomicFile::create(&path).expect("creates");
        file.write_all(b"new").expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), b"old");
        file.commit().expect("commits");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let mut file = AtomicFile::create(&folder.path().join("a.txt")).expect("creates");
        file.write_all(b"half").expect("writes");
        assert_eq!(names(folder.path()).len(), 1);
        drop(file);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn only_abandoned_temporaries_are_removed() {
        let folder = tempfile::tempdir().expect("folder");
        let living = AtomicFile::create(&folder.path().join("living.tiff")).expect("creates");
        for name in [
            ".dead.tiff.4242-0.e2m-tmp",
            ".mine.e2m-tmp",
            "x.tiff",
            ".a.1-b.e2m-tmp",
        ] {
            fs::write(folder.path().join(name), b"x").expect("writes");
        }
        assert_eq!(remove_stale_temporaries(folder.path()).expect("removes"), 1);
        assert_eq!(names(folder.path()).len(), 4);
        living.commit().expect("commits");
        assert_eq!(
            names(folder.path()),
            [".a.1-b.e2m-tmp", ".mine.e2m-tmp", "living.tiff", "x.tiff"]
        );
        assert_eq!(
            remove_stale_temporaries(&folder.path().join("none")).expect("no folder"),
            0
        );
    }

    #[test]
    fn long_and_odd_names_work() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["é".repeat(120), "[1:2,3] (x) &.fits".into(), "-".into()] {
            write_atomic(&folder.path().join(&name), b"x").expect("writes");
        }
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().expect("folder");
        let error = write_atomic(&folder.path().join("no/file"), b"x").expect_err("no folder");
        assert_eq!(error.action, "create");
        assert!(error.to_string().contains("no/file"), "{error}");
    }
}
