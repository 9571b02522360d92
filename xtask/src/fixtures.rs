//! Synthetic test images, made by the e2m-fixtures binary.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::process::{cargo, run};
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "fixtures",
    summary: "make synthetic pairs with known truth, all or some, at any size",
    help: "Usage: cargo xtask fixtures [NAME…] [--size PX] [--width PX] [--height PX] [--seed N] [--out DIR]
       cargo xtask fixtures list
       cargo xtask fixtures demo [--out DIR]

Makes synthetic pairs with known truth from the recipes under fixtures/: all of them, or those named, in the size of
the recipe or any other. They go to DIR (default: target/fixtures). `list` names the recipes, `demo` makes the raw
folder of the demo batch. The arguments go to e2m-fixtures as they are.",
    run: |workspace, args| make(workspace, args),
};

/// Runs e2m-fixtures, built with optimisation as it renders pixel by pixel.
pub(crate) fn make(workspace: &Workspace, args: Vec<OsString>) -> Result<()> {
    let build = ["run", "--quiet", "--release", "-p", "e2m-fixtures", "--"];
    let here = std::env::current_dir().context("the current folder is gone")?;
    let mut command = cargo(workspace, build);
    // A relative --out is meant from where the user stands.
    run(command.current_dir(here).args(complete(workspace, args)))
}

/// The arguments for e2m-fixtures: its verb and the default folder are added where they are left out.
fn complete(workspace: &Workspace, mut args: Vec<OsString>) -> Vec<OsString> {
    let has_verb = args
        .first()
        .is_some_and(|arg| ["list", "demo", "make"].iter().any(|verb| arg == verb));
    if !has_verb {
        args.insert(0, "make".into());
    }
    let has_out = args
        .iter()
        .any(|arg| arg.to_string_lossy().starts_with("--out"));
    if !has_out {
        args.push("--out".into());
        args.push(workspace.target().join("fixtures").into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(args: &[&str]) -> Vec<String> {
        let workspace = Workspace::here().expect("a workspace");
        complete(&workspace, args.iter().map(OsString::from).collect())
            .into_iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn names_are_made_into_the_target_folder() {
        let args = completed(&["shifted", "--size", "600"]);
        assert_eq!(args[..5], ["make", "shifted", "--size", "600", "--out"]);
        assert!(args[5].ends_with("fixtures"));
    }

    #[test]
    fn what_is_given_stays() {
        assert_eq!(completed(&["demo", "--out=x"]), ["demo", "--out=x"]);
    }
}
