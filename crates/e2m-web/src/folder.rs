//! The folders that the server was started on: nothing outside of them is read or written, also not through a symbolic link.

use crate::error::Refusal;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The folder that is served, and others that its batches may use.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// Without symbolic links; the first is the one that is served.
    roots: Vec<PathBuf>,
}

impl Folder {
    /// Opens the folder, and those that were named beside it.
    pub(crate) fn open(root: &Path, also: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let all = std::iter::once(root).chain(also.iter().map(PathBuf::as_path));
        let real = |path: &Path| {
            let real = std::fs::canonicalize(path).and_then(|real| {
                std::fs::read_dir(&real)?; // a folder that may be read
                Ok(real)
            });
            real.map_err(|error| (path.to_owned(), error))
        };
        let roots = all.map(real).collect::<Result<_, _>>()?;
        Ok(Self { roots })
    }

    /// The folder that is served.
    pub(crate) fn root(&self) -> &Path {
        self.roots.first().map_or(Path::new("/"), PathBuf::as_path)
    }

    /// The file of a name such as `runs/batch.toml`, as a browser gives it. It need not be there; its folder has to be.
    pub(crate) fn named(&self, name: &str) -> Result<PathBuf, Refusal> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let path = Path::new(name);
        if name.is_empty() || name.contains(['\0', '\\']) || !path.components().all(plain) {
            return Err(Refusal::bad(format!(
                "{name:?} is no name of a file below the folder of this server; it must be like runs/batch.toml"
            )));
        }
        let path = self.root().join(path);
        self.check(&path)?;
        Ok(path)
    }

    /// What a path is called by a browser.
    pub(crate) fn name_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.root()).unwrap_or(path);
        below.to_string_lossy().into_owned()
    }

    /// Refuses a path that leads out of the folders.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Refusal> {
        if self.holds(path) {
            return Ok(());
        }
        let roots: Vec<String> = self
            .roots
            .iter()
            .map(|root| root.display().to_string())
            .collect();
        Err(Refusal::forbidden(format!(
            "{} does not lie in {}, and this server reads and writes nothing else. Start it on a folder that holds both, or name \
             the other folder as well: e2m serve FOLDER --also OTHER",
            path.display(),
            roots.join(" or ")
        )))
    }

    /// Whether a path, which need not be there, leads into one of the folders.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let mut rest = Vec::new();
        let mut there = path;
        loop {
            match std::fs::canonicalize(there) {
                Ok(real) => {
                    let whole = rest.iter().rev().fold(real, |path, part| path.join(part));
                    return self.roots.iter().any(|root| whole.starts_with(root));
                }
                // A link that leads nowhere may lead somewhere tomorrow.
                Err(_) if there.symlink_metadata().is_ok() => return false,
                Err(_) => {}
            }
            let (Some(Component::Normal(name)), Some(parent)) =
                (there.components().next_back(), there.parent())
            else {
                return false;
            };
            rest.push(name.to_owned());
            there = parent;
        }
    }

    /// Refuses a folder with a link in it, or in a folder of it, that leads out.
    pub(crate) fn check_content(&self, folder: &Path, depth: usize) -> Result<(), Refusal> {
        self.check(folder)?;
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_symlink() {
                self.check(&entry.path())?;
            } else if kind.is_dir() && depth > 0 {
                self.check_content(&entry.path(), depth - 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_leads_out() {
        let place = tempfile::tempdir().expect("a folder");
        let (inside, outside) = (place.path().join("in"), place.path().join("out"));
        std::fs::create_dir_all(inside.join("runs")).expect("made");
        std::fs::create_dir_all(&outside).expect("made");
        std::fs::write(outside.join("secret.toml"), "").expect("written");
        symlink(&outside, inside.join("link")).expect("linked");
        symlink(outside.join("not-yet"), inside.join("dangling")).expect("linked");
        symlink(inside.join("runs"), inside.join("own")).expect("linked");
        let folder = Folder::open(&inside, &[]).expect("a folder");
        for good in [
            "batch.toml",
            "runs/batch.toml",
            "new/deep/a.toml",
            "own/x.toml",
            "a b/ü.toml",
        ] {
            assert!(folder.named(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "..",
            "../out/secret.toml",
            "runs/../../out/secret.toml",
            "link/secret.toml",
            "link",
            "dangling",
            "dangling/x",
            "a\0b",
            "..\\out",
            "./../out",
            "link/../runs",
        ] {
            assert!(folder.named(bad).is_err(), "{bad:?}");
        }
        assert!(folder.check_content(&inside, 1).is_err());
        let both = Folder::open(&inside, &[outside]).expect("folders");
        assert!(both.named("link/secret.toml").is_ok());
        assert!(both.named("dangling").is_err());
    }
}
