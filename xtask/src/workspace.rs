//! Where things are in this checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The checkout that xtask was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace this binary belongs to, with the target folder cargo uses now.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?
            .to_path_buf();
        // cargo takes a relative CARGO_TARGET_DIR from the current folder, which for its children here is the root.
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// The top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo builds: `CARGO_TARGET_DIR`, or `target` at the top.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }
}
