//! Folders for results.

use crate::fault::{self, Operation};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that files cannot be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It cannot be made.
    #[error("the folder {} cannot be made: {source}", path.display())]
    Make {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be looked through, or something in it not be removed.
    #[error("the folder {} cannot be cleared of half-written files: {source}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A symbolic link leads elsewhere.
    #[error(
        "the folder {} leads to {}, which is not its place in output_dir; e2m follows links for reading only. Remove the link, \
         or name another output_dir",
        path.display(),
        target.display()
    )]
    Elsewhere {
        /// The folder.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
}

impl FolderError {
    /// The folder that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Make { path, .. } | Self::Read { path, .. } | Self::Elsewhere { path, .. } => {
                path
            }
        }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// Makes a folder and those above it, and has the disk remember them.
///
/// # Errors
/// [`FolderError::Make`] for the one that cannot be made.
pub fn create_folders(path: &Path) -> Result<(), FolderError> {
    let failed = |source| FolderError::Make {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        create_folders(above)?;
    }
    fault::point(Operation::CreateFolder, path).map_err(failed)?;
    match fs::create_dir(path) {
        // Somebody else made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
    .and_then(|()| sync_folder(above.unwrap_or(Path::new("."))))
    .map_err(failed)
}

/// Makes the folder `below` of `root`, folder by folder, and refuses where one of them leads elsewhere by a symbolic link.
///
/// # Errors
/// [`FolderError`].
pub(crate) fn create_folders_below(root: &Path, below: &Path) -> Result<(), FolderError> {
    create_folders(root)?;
    let mut path = root.to_owned();
    for part in below.components() {
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink()) {
            let target = fs::canonicalize(&path).or_else(|_| fs::read_link(&path));
            return Err(FolderError::Elsewhere {
                target: target.unwrap_or_default(),
                path,
            });
        }
        create_folders(&path)?;
    }
    Ok(())
}

/// Makes the names in a folder durable. A file system that has no such operation needs none.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fault::point(Operation::SyncFolder, folder)?;
    match fs::File::open(folder)?.sync_all() {
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
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_found() {
        let root = tempfile::tempdir().expect("folder");
        let deep = root.path().join("a/b/c");
        for _ in 0..2 {
            create_folders(&deep).expect("makes");
            assert!(deep.is_dir());
        }
        fs::write(root.path().join("a/file"), "x").expect("writes");
        let error = create_folders(&root.path().join("a/file/b")).expect_err("a file");
        assert!(error.to_string().contains("a/file"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_is_refused_wherever_it_leads() {
        use std::os::unix::fs::symlink;
        let work = tempfile::tempdir().expect("folder");
        let (root, outside) = (work.path().join("out"), work.path().join("outside"));
        fs::create_dir(&outside).expect("makes");
        create_folders_below(&root, Path::new("real/dye/tiff")).expect("makes");
        symlink(&outside, root.join("away")).expect("links");
        symlink(root.join("real"), root.join("inside")).expect("links");
        symlink("nowhere", root.join("broken")).expect("links");
        for name in ["away", "inside", "broken"] {
            let error = create_folders_below(&root, &Path::new(name).join("dye")).expect_err(name);
            assert!(matches!(error, FolderError::Elsewhere { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(fs::read_dir(&outside).expect("lists").count(), 0);
        // output_dir itself may be a link.
        symlink(&root, work.path().join("link")).expect("links");
        create_folders_below(&work.path().join("link"), Path::new("real/dye")).expect("the same");
    }
}
