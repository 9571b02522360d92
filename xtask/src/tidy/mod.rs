//! House rules as checks: what the architecture and the habits of this repository demand and the compiler does not.
//!
//! [`layers`] reads the Cargo.toml files, [`sources`] the Rust files, [`exceptions`] what in them the lints forbid, [`tree`]
//! what git tracks. Each checker is a
//! function from a tree to findings, so its tests can show it a tree that breaks the rule.

pub(crate) mod exceptions;
mod layers;
mod sources;
mod tree;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{Verb, no_arguments};

pub(crate) const VERB: Verb = Verb {
    name: "tidy",
    summary: "check the house rules: layering, quiet libraries, file sizes, leftovers",
    help: "Usage: cargo xtask tidy

Checks what the compiler does not: which crate may depend on which, that library crates neither print nor read the
environment nor exit, that every crate has root docs, the workspace's lints and those against panics, that every exception
from them has a reason, that files stay below 600 lines, that no unfinished code is left, and that the top of the repository holds only what belongs there. Also runs as a test.",
    run: |workspace, args| {
        no_arguments("tidy", &args)?;
        check(workspace)?;
        println!("tidy: every house rule holds");
        Ok(())
    },
};

/// A broken rule: where, what, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: PathBuf,
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn in_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: None,
            message: message.into(),
        }
    }

    fn at_line(path: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Fails with every finding, if there are any.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let findings = findings(workspace.root())?;
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    bail!(
        "{} house rules are broken:\n{}",
        lines.len(),
        lines.join("\n")
    )
}

fn findings(root: &Path) -> Result<Vec<Finding>> {
    let crates = crates(root)?;
    let mut findings = layers::check(root, &crates)?;
    findings.extend(sources::check(root, &crates)?);
    findings.extend(exceptions::check(root, &crates)?);
    findings.extend(tree::check(root)?);
    findings.sort();
    Ok(findings)
}

/// A crate of the workspace.
struct Crate {
    name: String,
    /// Relative to the top.
    folder: PathBuf,
    manifest: toml::Table,
}

impl Crate {
    fn manifest_path(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }
}

fn crates(root: &Path) -> Result<Vec<Crate>> {
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

    #[test]
    fn this_repository_keeps_its_house_rules() {
        let workspace = Workspace::here().expect("a workspace");
        if let Err(error) = check(&workspace) {
            panic!("{error:#}");
        }
    }

    #[test]
    fn a_finding_reads_as_file_line_and_message() {
        let finding = Finding::at_line("crates/a/src/lib.rs", 7, "prints; emit a tracing event");
        assert_eq!(
            finding.to_string(),
            "crates/a/src/lib.rs:7: prints; emit a tracing event"
        );
    }
}
