//! Where everything lies while the archive is made.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The folders below `target/dist`.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Those of this workspace; `target/dist` is made.
    pub(super) fn of(workspace: &Workspace) -> Result<Self> {
        let root = workspace.target().join("dist");
        let shown = root.display().to_string();
        if shown.contains(|c: char| c.is_whitespace() || ['\'', '"', ';', ','].contains(&c)) {
            // CMake, pkg-config and the variables of the OpenCV binding each have their own way of quoting, or none.
            bail!(
                "{shown} has a blank or a quote in it, which not all tools bear; set CARGO_TARGET_DIR"
            );
        }
        fs::create_dir_all(&root).with_context(|| format!("{shown} could not be made"))?;
        Ok(Self { root })
    }

    /// `target/dist` itself, where the archive goes.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The Python environment with the tools.
    pub(super) fn venv(&self) -> PathBuf {
        self.root.join("venv")
    }

    /// The compilers as programs without arguments.
    pub(super) fn wrappers(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// What the compiler keeps.
    pub(super) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// The package lists of apt-get, apart from those of the system.
    pub(super) fn apt(&self) -> PathBuf {
        self.root.join("apt")
    }

    /// The source packages as they were fetched.
    pub(super) fn packages(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// The unpacked sources.
    pub(super) fn sources(&self) -> PathBuf {
        self.root.join("src")
    }

    /// Where a library is built.
    pub(super) fn build(&self, library: &str) -> PathBuf {
        self.root.join("build").join(library)
    }

    /// The built libraries with their headers.
    pub(super) fn stage(&self) -> PathBuf {
        self.root.join("stage")
    }

    /// Where cargo builds the program.
    pub(super) fn cargo(&self) -> PathBuf {
        self.root.join("cargo")
    }

    /// What steps have said.
    pub(super) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// By what recipe steps were done.
    pub(super) fn stamps(&self) -> PathBuf {
        self.root.join("stamps")
    }

    /// Where a bare system is made to try the archive in.
    pub(super) fn bare_system(&self, release: &str) -> PathBuf {
        self.root.join("bare").join(release)
    }

    /// Folders as if for this root, for tests.
    #[cfg(test)]
    pub(super) fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}
