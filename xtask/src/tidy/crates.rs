//! The crates of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A crate of the workspace.
pub(super) struct Crate {
    pub(super) name: String,
    /// Relative to the top.
    pub(super) folder: PathBuf,
    pub(super) manifest: toml::Table,
}

impl Crate {
    /// Whether others can depend on it: it is not marked `publish = false`.
    pub(super) fn is_published(&self) -> bool {
        let publish = self
            .manifest
            .get("package")
            .and_then(|package| package.get("publish"));
        publish.and_then(toml::Value::as_bool) != Some(false)
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }
}

/// Every crate, by its folder.
pub(super) fn crates(root: &Path) -> Result<Vec<Crate>> {
    let mut folders = vec![PathBuf::from("xtask")];
    for entry in fs::read_dir(root.join("crates")).context("crates/ could not be read")? {
        let folder = Path::new("crates").join(entry?.file_name());
        if root.join(&folder).join("Cargo.toml").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    folders
        .into_iter()
        .map(|folder| read_crate(root, folder))
        .collect()
}

fn read_crate(root: &Path, folder: PathBuf) -> Result<Crate> {
    let path = root.join(&folder).join("Cargo.toml");
    let read = || -> Result<Crate> {
        let manifest: toml::Table = fs::read_to_string(&path)?.parse()?;
        let name = manifest["package"]["name"]
            .as_str()
            .context("no package.name")?
            .to_owned();
        Ok(Crate {
            name,
            folder,
            manifest,
        })
    };
    read().with_context(|| format!("{} could not be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn what_only_the_workspace_has_is_not_published() {
        let workspace = Workspace::here().expect("a workspace");
        let kept: Vec<String> = crates(workspace.root())
            .expect("readable")
            .into_iter()
            .filter(|krate| !krate.is_published())
            .map(|krate| krate.name)
            .collect();
        assert_eq!(kept, ["e2m-fuzz", "e2m-python", "e2m-testing", "xtask"]);
    }
}
