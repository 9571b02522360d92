//! Files that grow by whole lines: logs.

use crate::fault;
use crate::section::read_exact_at;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that only grows, line by line.
///
/// A line is written in one go, so that lines of two programs do not mix. A line that a killed program left unfinished is ended
/// before the next one.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
}

impl AppendFile {
    /// Opens the file, or makes it. Its folder has to exist.
    ///
    /// # Errors
    /// What the system says; a symbolic link is refused, as what is written would go elsewhere.
    pub fn open(path: &Path) -> io::Result<Self> {
        if std::fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
            return Err(io::Error::other(
                "it is a symbolic link, and e2m writes through none; remove it",
            ));
        }
        if !path.exists() {
            fault::point(fault::Operation::Create, path)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Adds a line; `text` is without its end.
    ///
    /// # Errors
    /// What the system says.
    pub fn add_line(&mut self, text: &str) -> io::Result<()> {
        let start = if self.is_torn()? { "\n" } else { "" };
        let line = format!("{start}{text}\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let mut file = &self.file;
            match fault::write(&self.path, rest, |bytes| file.write(bytes)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the last line has no end: that of another program, perhaps, which was killed just now.
    fn is_torn(&self) -> io::Result<bool> {
        let mut last = [b'\n'];
        if let Some(place) = self.file.metadata()?.len().checked_sub(1) {
            read_exact_at(&self.file, &mut last, place)?;
        }
        Ok(last != [b'\n'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_are_added_and_a_torn_one_is_ended() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let add = |text| AppendFile::open(&path).and_then(|mut log| log.add_line(text));
        add("one").expect("adds");
        add("two").expect("adds");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "one\ntwo\n");
        fs::write(&path, "one\ntw").expect("writes");
        add("three").expect("adds");
        assert_eq!(
            fs::read_to_string(&path).expect("reads"),
            "one\ntw\nthree\n"
        );
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().expect("folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("log"));
        fs::write(&target, "mine\n").expect("writes");
        std::os::unix::fs::symlink(&target, &link).expect("links");
        let error = AppendFile::open(&link).expect_err("a link");
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert_eq!(fs::read_to_string(&target).expect("reads"), "mine\n");
    }
}
