//! The page of figures about the alignment, docs/accuracy.md.
//!
//! An example of e2m-align measures them; xtask cannot call it directly without needing OpenCV to build.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{built_example, captured};
use crate::verb::Verb;
use crate::workspace::Workspace;

/// The page, from the top of the workspace.
const PAGE: &str = "docs/accuracy.md";

pub(crate) const VERB: Verb = Verb {
    name: "accuracy",
    summary: "measure the alignment's error on pairs of every kind and write docs/accuracy.md",
    help: "Usage: cargo xtask accuracy [--seeds N] [--width PX]

Aligns some 100 generated pairs with known truth, and the real one where it lies beside the checkout, in release mode,
and writes docs/accuracy.md. It takes a few minutes; the pairs are printed meanwhile.
--seeds makes every pair so many times (default: 1), --width sets the width of most of them (default: 1500).",
    run: |workspace, args| write(workspace, &args),
};

fn write(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let program = built_example(workspace, "accuracy")?;
    let page = captured(
        Command::new(program)
            .current_dir(workspace.root())
            .arg("--markdown")
            .args(args),
    )?;
    let path = workspace.root().join(PAGE);
    std::fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))
}
