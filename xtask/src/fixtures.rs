//! Synthetic test images, made by the e2m-fixtures binary.

use std::ffi::OsString;

use anyhow::Result;

use crate::Verb;
use crate::process::{cargo, run};
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "fixtures",
    summary: "make synthetic pairs with known truth, all or some, at any size",
    help: "Usage: cargo xtask fixtures [NAME…] [--size PX] [--width W --height H] [--seed N] [--out DIR]
       cargo xtask fixtures list
       cargo xtask fixtures demo --out DIR

Makes synthetic pairs with known truth from the recipes under fixtures/: all of them, or those named.
`list` names the recipes; `demo` writes the raw folder of the demo batch. The arguments go to e2m-fixtures as they are.",
    run: |workspace, args| make(workspace, &args),
};

/// Runs e2m-fixtures, built with optimisation as it renders pixel by pixel.
pub(crate) fn make(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let named = args
        .first()
        .is_some_and(|arg| arg == "list" || arg == "demo" || arg == "make");
    let mut command = cargo(
        workspace,
        ["run", "--quiet", "--release", "-p", "e2m-fixtures", "--"],
    );
    if !named {
        command.arg("make");
    }
    run(command.args(args))
}
