//! House rules as checks: what the architecture and the habits of this repository demand and the compiler does not.
//!
//! [`layers`] reads the Cargo.toml files, [`cycles`] which module uses which, [`sources`] the Rust files, [`words`] what
//! they call things, [`exceptions`] what in them the lints forbid, [`tree`] what git tracks. Each checker is a function from a tree to findings, so its tests can
//! show it a tree that breaks the rule.

mod crates;
mod cycles;
pub(crate) mod exceptions;
mod finding;
mod layers;
mod sizes;
mod sources;
mod tree;
mod words;

use std::path::Path;

use anyhow::{Result, bail};

use crate::verb::{Verb, no_arguments};
use crate::workspace::Workspace;
use crates::crates;
use finding::Finding;

pub(crate) const VERB: Verb = Verb {
    name: "tidy",
    summary: "check the house rules: layering, quiet libraries, file sizes, leftovers",
    help: "Usage: cargo xtask tidy [--sizes]

Checks what the compiler does not: which crate may depend on which, that no cycle of modules crosses a folder, that library
crates neither print nor read the environment nor exit, that every crate has root docs, the workspace's lints and those
against panics, that every exception from them has a reason, that files stay below 600 lines, that no unfinished code is left,
that words which were given up stay so, and that the top of the repository holds only what belongs there. Also runs as a test.
--sizes prints how large the crates are.",
    run: |workspace, args| match args.as_slice() {
        [flag] if flag == "--sizes" => {
            let root = workspace.root();
            print!("{}", sizes::table(root, &crates(root)?)?);
            Ok(())
        }
        args => {
            no_arguments("tidy", args)?;
            check(workspace)?;
            println!("tidy: every house rule holds");
            Ok(())
        }
    },
};

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

/// The names of the crates that others can depend on.
pub(crate) fn published(workspace: &Workspace) -> Result<Vec<String>> {
    let all = crates(workspace.root())?.into_iter();
    Ok(all
        .filter(crates::Crate::is_published)
        .map(|krate| krate.name)
        .collect())
}

fn findings(root: &Path) -> Result<Vec<Finding>> {
    let crates = crates(root)?;
    let mut findings = layers::check(root, &crates)?;
    findings.extend(cycles::check(root, &crates)?);
    findings.extend(sources::check(root, &crates)?);
    findings.extend(words::check(root, &crates)?);
    findings.extend(exceptions::check(root, &crates)?);
    findings.extend(tree::check(root)?);
    findings.sort();
    Ok(findings)
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
}
