//! A file that costs no disk, for readers that take paths.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where Linux keeps files in memory; elsewhere the usual temporary folder has to do.
const MEMORY: &str = "/dev/shm";

thread_local! {
    /// One folder per thread, so that a fuzzer does not make one per input.
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Files of a folder are taken up to here.
const MOST_FILES: usize = 100;

/// Bytes as a file of a given name. Each thread has one of a name at a time.
#[derive(Debug)]
pub struct FileInMemory {
    path: PathBuf,
    name: String,
}

impl FileInMemory {
    /// Writes the file.
    ///
    /// # Panics
    /// When it cannot be written: nothing could be tested then.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let folder = FOLDER.with_borrow_mut(|folder| -> io::Result<PathBuf> {
            let folder = match folder {
                Some(folder) => folder,
                None => folder.insert(new_folder()?),
            };
            Ok(folder.path().to_owned())
        });
        let written = folder.and_then(|folder| {
            let path = folder.join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(&path)?;
            }
            std::fs::write(&path, bytes)?;
            Ok(path)
        });
        match written {
            Ok(path) => Self {
                path,
                name: name.to_owned(),
            },
            Err(error) => panic!("no file {name} could be written to be read: {error}"),
        }
    }

    /// Writes a folder of files, which lie in `bytes` one behind the other: the length of a name in a byte, the name, the length
    /// of its content in four (the least significant first), the content. Names that lead out of the folder are passed over.
    ///
    /// # Panics
    /// As [`FileInMemory::of`].
    pub fn folder_of(name: &str, bytes: &[u8]) -> Self {
        let folder = Self::of(name, &[]);
        let written =
            std::fs::remove_file(&folder.path).and_then(|()| std::fs::create_dir(&folder.path));
        if let Err(error) = written {
            panic!("no folder {name} could be made to be read: {error}");
        }
        for (name, content) in files_in(bytes).into_iter().take(MOST_FILES) {
            let path = folder.path.join(name);
            // A name may be that of a folder by now: then there is no such file.
            if let Some(above) = path.parent()
                && std::fs::create_dir_all(above).is_ok()
            {
                drop(std::fs::write(&path, content));
            }
        }
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a text names it.
    pub fn is_named_in(&self, text: &str) -> bool {
        text.contains(&self.name)
    }

    /// Panics unless an error names the file.
    pub(crate) fn assert_named(&self, error: &str) {
        assert!(
            self.is_named_in(error),
            "an error without the file: {error}"
        );
    }
}

/// The files of a folder; the rest of what is cut is left out.
fn files_in(mut bytes: &[u8]) -> Vec<(&str, &[u8])> {
    let mut files = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let Some((name, rest)) = rest.split_at_checked(length.into()) else {
            break;
        };
        let Some((length, rest)) = rest.split_first_chunk() else {
            break;
        };
        let length = u32::from_le_bytes(*length) as usize;
        let (content, rest) = rest.split_at(length.min(rest.len()));
        bytes = rest;
        let within = |name: &&str| {
            let parts = name.split('/');
            !name.contains('\0') && parts.clone().all(|part| !["", ".", ".."].contains(&part))
        };
        if let Some(name) = std::str::from_utf8(name).ok().filter(within) {
            files.push((name, content));
        }
    }
    files
}

fn new_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("e2m-fuzz-");
    if Path::new(MEMORY).is_dir() {
        builder.tempdir_in(MEMORY)
    } else {
        builder.tempdir()
    }
}
