//! The examples of diagnostic pictures in docs/pictures.
//!
//! An example of e2m-pipeline draws them; xtask cannot call it directly without needing OpenCV to build.

use std::process::Command;

use anyhow::Result;

use crate::process::{built_example, run};
use crate::verb::{Verb, no_arguments};
use crate::workspace::Workspace;

/// Where they are kept, from the top of the workspace.
const FOLDER: &str = "docs/pictures";

pub(crate) const VERB: Verb = Verb {
    name: "pictures",
    summary: "draw the examples of docs/pictures.md again",
    help: "Usage: cargo xtask pictures

Runs e2m, in release mode, on a clean, a hard and a failed pair and keeps small copies of their pictures in
docs/pictures. It takes half a minute once built. Look at them afterwards: what docs/pictures.md says about each is in
crates/e2m-cli/src/documents/examples.rs. The picture of the report, report.png, is taken by hand.",
    run: |workspace, args| {
        no_arguments("pictures", &args)?;
        draw(workspace)
    },
};

fn draw(workspace: &Workspace) -> Result<()> {
    let program = built_example(workspace, "pictures")?;
    run(Command::new(program)
        .current_dir(workspace.root())
        .arg(FOLDER))
}
