//! Files that appear whole or not at all.
//!
//! The content goes to a temporary in the same folder. [`AtomicFile::commit`] makes the temporary durable and renames it in one
//! step. A crash at any instant leaves either the old file or the new one, and perhaps a temporary. The next run removes that
//! with [`remove_stale_temporaries`].

use crate::fault::{self, Operation};
use crate::folders::sync_folder;
use crate::shortage::shortage;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The ending of every temporary.
const TEMPORARY_SUFFIX: &str = ".e2m-tmp";
/// Longest part of the final name that a temporary repeats, in bytes; file systems allow 255 in all.
const MAX_NAME_PART_BYTES: usize = 200;

/// How often a temporary is created again when it vanishes as soon as it is there.
const CREATE_TRIES: usize = 5;
/// How often the lock of a new temporary is tried: whoever looks for stale temporaries holds it for an instant …
const LOCK_TRIES: usize = 200;
/// … and how long to wait in between.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Numbers the temporaries of this process.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// An error on the way from a temporary to a finished file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", path.display(), shortage(source, *needed_bytes, *written_bytes))]
pub struct AtomicError {
    /// What was being done: `create`, `write`, `sync`, `rename`.
    pub action: &'static str,
    /// To which file; always the final name.
    pub path: PathBuf,
    /// The length that the file was to have; 0 where nobody said.
    pub needed_bytes: u64,
    /// How much of it has been handed to the system.
    pub written_bytes: u64,
    /// What the operating system said.
    pub source: io::Error,
}

impl AtomicError {
    /// The same of a file that was to have this length.
    #[must_use]
    pub(crate) fn of_length(self, needed_bytes: u64) -> Self {
        Self {
            needed_bytes,
            ..self
        }
    }
}

/// A file under construction. Unless it is committed, nothing of it remains.
#[derive(Debug)]
pub struct AtomicFile {
    /// `None` once it is committed.
    file: Option<Arc<Temporary>>,
    temporary: PathBuf,
    path: PathBuf,
}

/// The content of a file under construction, to be written from any thread.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    /// The name that it will have.
    path: PathBuf,
}

impl Temporary {
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl AtomicFile {
    /// Opens a temporary, named like `.name.tiff.1234-0.e2m-tmp`, beside `path`. The folder has to exist.
    ///
    /// The temporary is locked as long as this process lives, which is how others tell that it is not stale.
    pub fn create(path: &Path) -> Result<Self, AtomicError> {
        let failed = |source| AtomicError {
            action: "create",
            path: path.to_owned(),
            needed_bytes: 0,
            written_bytes: 0,
            source,
        };
        if path.file_name().is_none() {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        }
        for turn in 1.. {
            let temporary = temporary_name(path);
            fault::point(Operation::Create, path).map_err(failed)?;
            let mut options = OpenOptions::new();
            match options
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary)
            {
                // Some file systems number their files anew each time they are asked; that cannot go on for ever.
                Ok(file) if is_kept(&file, &temporary) || turn >= CREATE_TRIES => {
                    return Ok(Self {
                        file: Some(Arc::new(Temporary {
                            file,
                            path: path.to_owned(),
                        })),
                        temporary,
                        path: path.to_owned(),
                    });
                }
                // Somebody took it for stale and removed it before it could be locked.
                Ok(_) => {}
                // A dead process with the same number left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
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
    pub(crate) fn shared(&self) -> io::Result<Arc<Temporary>> {
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
                // Nobody knows how much of it has got to the disk.
                needed_bytes: 0,
                written_bytes: 0,
                source,
            }
        };
        self.open()
            .and_then(|temporary| {
                fault::point(Operation::Sync, &self.path)?;
                temporary.file.sync_all()
            })
            .map_err(failed("sync"))?;
        fault::point(Operation::Rename, &self.path)
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .map_err(failed("rename"))?;
        self.file = None;
        sync_folder(folder_of(&self.path)).map_err(failed("sync the folder of"))
    }

    fn open(&self) -> io::Result<&Arc<Temporary>> {
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let temporary = self.open()?;
        fault::write(&self.path, bytes, |bytes| (&temporary.file).write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.open()?.file).flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        (&self.open()?.file).seek(position)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some()
            && let Err(error) = fault::point(Operation::Remove, &self.path)
                .and_then(|()| fs::remove_file(&self.temporary))
        {
            tracing::warn!(path = %self.temporary.display(), %error, "a temporary file could not be removed");
        }
    }
}

/// Writes a small file in one go, atomically.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), AtomicError> {
    let length = bytes.len() as u64;
    let mut file = AtomicFile::create(path).map_err(|error| error.of_length(length))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => {
                return Err(write_failed(
                    io::ErrorKind::WriteZero.into(),
                    path,
                    bytes,
                    rest,
                ));
            }
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(write_failed(error, path, bytes, rest)),
        }
    }
    file.commit()
}

fn write_failed(source: io::Error, path: &Path, bytes: &[u8], rest: &[u8]) -> AtomicError {
    AtomicError {
        action: "write",
        path: path.to_owned(),
        needed_bytes: bytes.len() as u64,
        written_bytes: (bytes.len() - rest.len()) as u64,
        source,
    }
}

/// Removes the temporaries in `folder` (not below it) that no living process is writing, folders of
/// [`AtomicFolder`](crate::AtomicFolder) among them; returns how many.
///
/// A folder that does not exist holds none.
pub fn remove_stale_temporaries(folder: &Path) -> io::Result<usize> {
    let mut removed = crate::atomic_folder::remove_stale(folder)?;
    for temporary in temporaries(folder)? {
        // The temporary is locked while it is removed, so that nobody takes it for a new one. It is opened for writing, as
        // NFS locks nothing else. One that cannot be opened is not ours.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&temporary) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => {
                remove(&temporary)?;
                removed += 1;
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(removed)
}

/// Removes the temporaries in `folder`, whoever made them: for folders that nobody else can be writing to just now. On file
/// systems without locks nothing else tells which are stale.
pub(crate) fn remove_temporaries(folder: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for temporary in temporaries(folder)? {
        remove(&temporary)?;
        removed += 1;
    }
    Ok(removed)
}

/// Whether there are temporaries in `folder`, stale or not.
pub(crate) fn has_temporaries(folder: &Path) -> io::Result<bool> {
    Ok(!temporaries(folder)?.is_empty())
}

fn temporaries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let named = is_temporary(&entry.file_name().to_string_lossy());
        if named && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove(temporary: &Path) -> io::Result<()> {
    // Its writer, or another who looks for stale ones, may be quicker.
    remove_file(temporary)
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// What the system says.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fault::point(Operation::Remove, path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Locks a new temporary, and answers whether it is still there afterwards.
///
/// Some network file systems know no locks. Nobody removes temporaries there as stale.
fn is_kept(file: &File, temporary: &Path) -> bool {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => break,
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
        }
    }
    is_called(file, temporary)
}

/// Whether an open file is the one that has this name.
#[cfg(unix)]
pub(crate) fn is_called(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |about: fs::Metadata| (about.dev(), about.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), Ok(_)) => true,
    }
}

#[cfg(not(unix))]
pub(crate) fn is_called(_: &File, path: &Path) -> bool {
    path.exists()
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

/// Bytes that a name has while its file is written, at most: a temporary repeats a part of it between a dot and numbers.
pub fn name_bytes_on_the_way(name: &OsStr) -> usize {
    // The number of the process has seven digits at most on Linux; ten million files are more than a run makes.
    const NUMBERS: usize = ".1234567-1234567".len();
    let repeated = name.len().min(MAX_NAME_PART_BYTES);
    ".".len() + repeated + NUMBERS + TEMPORARY_SUFFIX.len()
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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
