//! Folders of many files that appear whole or not at all.
//!
//! The files go to a folder with a temporary name beside the final one. [`AtomicFolder::commit`] makes all of it durable and
//! renames the folder in one step. A temporary file of [`AtomicFile`] stands guard beside it: as long as its lock is held the folder
//! is being written, and a folder without a guard is what a killed process left.

use crate::atomic::{AtomicError, AtomicFile, folder_of};
use crate::fault::{self, Operation};
use crate::folders::sync_folder;
use crate::hash::{ContentHash, ContentHasher};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What the name of a folder has behind that of its guard.
const FOLDER_SUFFIX: &str = "-folder";
/// Files are read in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// What is in a folder and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderContent {
    /// How many files.
    pub files: usize,
    /// Their lengths together.
    pub bytes: u64,
    /// One hash of the names and contents of all of them.
    pub hash: ContentHash,
}

/// A folder under construction. Unless it is committed, nothing of it remains.
#[derive(Debug)]
pub struct AtomicFolder {
    /// `None` once it is committed.
    guard: Option<AtomicFile>,
    temporary: PathBuf,
    path: PathBuf,
    files: BTreeMap<String, Growing>,
    /// Files that are whole.
    done: FolderContent,
}

/// A file that grows.
#[derive(Debug)]
struct Growing {
    bytes: u64,
    hasher: ContentHasher,
}

impl Growing {
    fn new(name: &str) -> Self {
        let mut hasher = ContentHasher::default();
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        Self { bytes: 0, hasher }
    }

    fn update(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.hasher.update(piece);
    }

    fn add_to(&self, content: &mut FolderContent) {
        content.files += 1;
        content.bytes += self.bytes;
        content.hash = ContentHash::of_all([content.hash, self.hasher.finish()]);
    }
}

fn nothing() -> FolderContent {
    FolderContent {
        files: 0,
        bytes: 0,
        hash: ContentHash::of_all([]),
    }
}

impl AtomicFolder {
    /// Makes an empty folder, named like `.name.1234-0.e2m-tmp-folder`, beside `path`. The folder around it has to exist.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path) -> Result<Self, AtomicError> {
        let guard = AtomicFile::create(path)?;
        let mut name = guard.temporary().as_os_str().to_owned();
        name.push(FOLDER_SUFFIX);
        let folder = Self {
            guard: Some(guard),
            temporary: PathBuf::from(name),
            path: path.to_owned(),
            files: BTreeMap::new(),
            done: nothing(),
        };
        fault::point(Operation::CreateFolder, &folder.temporary)
            .and_then(|()| fs::create_dir(&folder.temporary))
            .map_err(|source| folder.failed("create", source))?;
        Ok(folder)
    }

    /// The name that the folder will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in one go; `name` is its path below the folder, with `/` between its parts.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), AtomicError> {
        self.append(name, bytes)?;
        if let Some(file) = self.files.remove(name) {
            file.add_to(&mut self.done);
        }
        Ok(())
    }

    /// Adds to the end of a file, which begins to exist where there is none yet, and tells where in the file these bytes begin.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> Result<u64, AtomicError> {
        let path = self.temporary.join(name);
        let first = self.files.get(name).map_or(0, |file| file.bytes);
        self.append_to(&path, bytes)
            .map_err(|source| self.failed("write", source))?;
        let file = self.files.entry(name.to_owned());
        file.or_insert_with(|| Growing::new(name)).update(bytes);
        Ok(first)
    }

    fn append_to(&self, path: &Path, mut bytes: &[u8]) -> io::Result<()> {
        let open = || OpenOptions::new().append(true).create(true).open(path);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = folder_of(path);
                fault::point(Operation::CreateFolder, folder)?;
                fs::create_dir_all(folder)?;
                fault::point(Operation::Create, path)?;
                open()
            }
            opened => opened,
        }?;
        while !bytes.is_empty() {
            match fault::write(path, bytes, |bytes| file.write(bytes)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes everything to the disk, then gives the folder its name. A file or folder that has it is replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn commit(mut self) -> Result<FolderContent, AtomicError> {
        let failed = |action| {
            let path = self.path.clone();
            move |source| error(&path, action, source)
        };
        fault::point(Operation::Sync, &self.temporary)
            .and_then(|()| sync_below(&self.temporary))
            .map_err(failed("sync"))?;
        fault::point(Operation::Rename, &self.path)
            .and_then(|()| take_name(&self.temporary, &self.path))
            .map_err(failed("rename"))?;
        sync_folder(folder_of(&self.path)).map_err(failed("sync the folder of"))?;
        let mut content = self.done;
        for file in self.files.values() {
            file.add_to(&mut content);
        }
        // What had the name before has the temporary one now, and goes with the guard.
        self.remove();
        Ok(content)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> AtomicError {
        error(&self.path, action, source)
    }

    /// Removes what has the temporary name, then the guard.
    fn remove(&mut self) {
        let Some(guard) = self.guard.take() else {
            return;
        };
        if let Err(error) = remove_all(&self.temporary) {
            tracing::warn!(path = %self.temporary.display(), %error, "a temporary folder could not be removed");
        }
        drop(guard);
    }
}

impl Drop for AtomicFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

fn error(path: &Path, action: &'static str, source: io::Error) -> AtomicError {
    AtomicError {
        action,
        path: path.to_owned(),
        needed_bytes: 0,
        written_bytes: 0,
        source,
    }
}

/// Removes a folder and what is in it, or a file.
fn remove_all(path: &Path) -> io::Result<()> {
    fault::point(Operation::Remove, path)?;
    let is_folder = fs::symlink_metadata(path).is_ok_and(|about| about.is_dir());
    let removed = match is_folder {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes everything below a folder durable: in one go, as there may be ten thousands of files.
#[cfg(target_os = "linux")]
fn sync_below(folder: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn sync_below(folder: &Path) -> io::Result<()> {
    for (_, path) in files_below(folder)? {
        File::open(&path)?.sync_all()?;
    }
    sync_folder(folder)
}

/// Gives a folder its name; what has it already gets the temporary one, in the same step where the system can do that.
fn take_name(temporary: &Path, path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return fs::rename(temporary, path);
    }
    if exchange(temporary, path).is_ok() {
        return Ok(());
    }
    remove_all(path)?;
    fs::rename(temporary, path)
}

#[cfg(target_os = "linux")]
fn exchange(temporary: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, temporary, CWD, path, RenameFlags::EXCHANGE).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Removes the folders under construction in `folder` that no living process is writing; their guards are left.
pub(crate) fn remove_stale(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(guard) = name.strip_suffix(FOLDER_SUFFIX) else {
            continue;
        };
        if !crate::is_temporary(guard) || is_guarded(&folder.join(guard)) {
            continue;
        }
        remove_all(&entry.path())?;
        removed += 1;
    }
    Ok(removed)
}

/// Whether somebody may hold the lock of a guard; one that is not there guards nothing.
fn is_guarded(guard: &Path) -> bool {
    match OpenOptions::new().read(true).write(true).open(guard) {
        Ok(file) => matches!(
            file.try_lock(),
            Err(TryLockError::WouldBlock | TryLockError::Error(_))
        ),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// What is in a folder that is there, read from beginning to end. `on_bytes` is told how much, piece by piece; where it fails, so
/// does this.
///
/// # Errors
/// What cannot be read, and what `on_bytes` says.
pub fn folder_content(
    folder: &Path,
    on_bytes: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<FolderContent> {
    let mut content = nothing();
    let mut piece = vec![0; PIECE_BYTES];
    for (name, path) in files_below(folder)? {
        let mut read = Growing::new(&name);
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(bytes) => {
                    read.update(&piece[..bytes]);
                    on_bytes(bytes as u64)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        read.add_to(&mut content);
    }
    Ok(content)
}

/// Every file below a folder: its name with `/` between the parts, and its path.
fn files_below(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((above, folder)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{above}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else {
                files.push((name, entry.path()));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remove_stale_temporaries;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("folder");
        let mut names: Vec<String> = entries
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn write(path: &Path, texts: &[(&str, &str)]) -> FolderContent {
        let mut folder = AtomicFolder::create(path).expect("creates");
        for (name, text) in texts {
            folder.write(name, text.as_bytes()).expect("writes");
        }
        assert_eq!(folder.append("0/c/grows", b"ab").expect("writes"), 0);
        assert_eq!(folder.append("0/c/grows", b"cde").expect("writes"), 2);
        folder.commit().expect("commits")
    }

    #[test]
    fn a_folder_appears_at_commit_and_replaces_what_had_its_name() {
        let work = tempfile::tempdir().expect("folder");
        let path = work.path().join("x.zarr");
        let read = |path: &Path| folder_content(path, &mut |_| Ok(())).expect("reads");
        let first = write(&path, &[("a", "1"), ("0/b", "22")]);
        assert_eq!((first.files, first.bytes), (3, 8));
        assert_eq!(read(&path), first);
        let second = write(&path, &[("a", "3")]);
        assert_ne!(first.hash, second.hash);
        assert_eq!(read(&path), second);
        assert_eq!(names(work.path()), ["x.zarr"]);
        assert_eq!(names(&path), ["0", "a"]);
        // The same bytes under other names are another content.
        fs::rename(path.join("a"), path.join("b")).expect("renames");
        assert_ne!(read(&path).hash, second.hash);
        // A file in its place gives way as well.
        let file = work.path().join("file");
        fs::write(&file, "x").expect("writes");
        write(&file, &[]);
        assert!(file.is_dir());
        assert_eq!(names(work.path()), ["file", "x.zarr"]);
    }

    #[test]
    fn what_is_dropped_leaves_nothing_and_what_was_there() {
        let work = tempfile::tempdir().expect("folder");
        let path = work.path().join("x.zarr");
        let first = write(&path, &[("a", "1")]);
        let mut folder = AtomicFolder::create(&path).expect("creates");
        folder.write("a/b/c", b"half").expect("writes");
        assert_eq!(names(work.path()).len(), 3);
        // Somebody who looks for what killed runs left does not touch it.
        assert_eq!(remove_stale_temporaries(work.path()).expect("looks"), 0);
        drop(folder);
        assert_eq!(names(work.path()), ["x.zarr"]);
        let now = folder_content(&path, &mut |_| Ok(())).expect("reads");
        assert_eq!(now, first);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let work = tempfile::tempdir().expect("folder");
        for name in [
            ".x.zarr.4242-0.e2m-tmp-folder",
            ".y.zarr.4242-1.e2m-tmp-folder",
            "mine-folder",
        ] {
            fs::create_dir_all(work.path().join(name).join("0")).expect("makes");
        }
        fs::write(work.path().join(".x.zarr.4242-0.e2m-tmp"), "").expect("writes");
        assert_eq!(remove_stale_temporaries(work.path()).expect("removes"), 3);
        assert_eq!(names(work.path()), ["mine-folder"]);
    }
}
