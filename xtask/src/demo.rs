//! `cargo xtask demo`: from a bare machine to difference images one can look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{cargo, run, status};
use crate::setup;
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "demo",
    summary: "set up, build e2m, and run `e2m demo`: three synthetic tasks",
    help: "Usage: cargo xtask demo [--out DIR]

Does the set-up, builds the release binary, and runs `e2m demo`, which makes three synthetic tasks, does them and says where
the results are. Everything goes into DIR (default: demo at the top of the repository); a demo that is there goes on.",
    run: |workspace, args| {
        let out = out_folder(workspace, args)?;
        demo(workspace, &out)
    },
};

fn out_folder(workspace: &Workspace, args: Vec<std::ffi::OsString>) -> Result<PathBuf> {
    use lexopt::prelude::*;
    let mut out = workspace.root().join("demo");
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("out") => out = PathBuf::from(parser.value()?),
            other => return Err(other.unexpected().into()),
        }
    }
    // Children run elsewhere, so a relative folder is settled here.
    Ok(std::path::absolute(out)?)
}

fn demo(workspace: &Workspace, out: &Path) -> Result<()> {
    setup::build()?;
    println!(
        "\ndemo: building e2m (the first time takes a few minutes, most of them for the OpenCV binding)"
    );
    run(&mut cargo(
        workspace,
        ["build", "--release", "-p", "e2m-cli"],
    ))?;

    println!("\ndemo: e2m demo {}", out.display());
    let e2m = workspace.target().join("release/e2m");
    let ended = status(Command::new(e2m).arg("demo").arg(out))?;
    if !ended.success() {
        bail!("e2m did not complete the demo ({ended}); what it said is above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_settled_before_children_run_elsewhere() {
        let workspace = Workspace::here().expect("a workspace");
        let out = out_folder(&workspace, vec!["--out".into(), "x".into()]).expect("a folder");
        assert!(out.is_absolute());
        assert!(out_folder(&workspace, vec!["--outt".into()]).is_err());
    }
}
