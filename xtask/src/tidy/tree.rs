//! The top of the repository holds only what belongs there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::finding::Finding;
use crate::process::output;

const PERMITTED: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "crates",
    "docs",
    "fixtures",
    "rust-toolchain.toml",
    "xtask",
];

/// Checks what git tracks at the top.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let listing = output(
        Command::new("git")
            .current_dir(root)
            .args(["ls-files", "-z"]),
    )?;
    ensure!(
        !listing.is_empty(),
        "git lists no files in {}",
        root.display()
    );
    Ok(strays(&listing))
}

/// Findings for a NUL-separated listing of tracked files.
fn strays(listing: &str) -> Vec<Finding> {
    let top: BTreeSet<&str> = listing
        .split_terminator('\0')
        .filter_map(|path| path.split('/').next())
        .collect();
    top.into_iter()
        .filter(|entry| !PERMITTED.contains(entry))
        .map(|entry| {
            let message = "does not belong at the top; move it into a crate, docs/ or fixtures/, or untrack it (git rm --cached)";
            Finding::in_file(entry, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_at_the_top_is_found_once() {
        let found = strays("Cargo.toml\0notes/a.txt\0notes/b.txt\0xtask/src/main.rs\0");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::new("notes"));
    }
}
