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

fn new_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("e2m-fuzz-");
    if Path::new(MEMORY).is_dir() {
        builder.tempdir_in(MEMORY)
    } else {
        builder.tempdir()
    }
}
