//! Documents that are generated from code: the parameter table, the batch file's keys and its JSON Schema,
//! and the page of the pictures.
//!
//! The generator is an example of e2m-cli, which knows all of it; xtask cannot call it directly without
//! needing OpenCV to build.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{cargo, run};
use crate::workspace::Workspace;
use crate::{Verb, no_arguments};

pub(crate) const VERB: Verb = Verb {
    name: "docs",
    summary: "regenerate the docs pages that are made from code",
    help: "Usage: cargo xtask docs [--check]

Regenerates docs/parameters.md, docs/batch-file.md and docs/batch.schema.json from the parameter registry and the
batch-file types, and docs/pictures.md from what the report says of its pictures.
--check writes nothing and fails if one of them is out of date.",
    run: |workspace, args| match args.as_slice() {
        [flag] if flag == "--check" => check(workspace),
        args => {
            no_arguments("docs", args)?;
            generate(workspace, &[])
        }
    },
};

/// Fails when a generated document differs from what the code says.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    if generate(workspace, &["--check"]).is_err() {
        bail!(
            "generated documents are out of date or cannot be made; run `cargo xtask docs` and commit"
        );
    }
    Ok(())
}

fn generate(workspace: &Workspace, flags: &[&str]) -> Result<()> {
    // Built as part of the whole workspace, as the tests are: on its own its dependencies would have other features, and
    // OpenCV's binding would be built once more.
    let example = [
        "build",
        "--quiet",
        "--workspace",
        "--example",
        "generate_docs",
    ];
    run(&mut cargo(workspace, example))?;
    let generator = workspace.target().join("debug/examples/generate_docs");
    run(Command::new(generator)
        .current_dir(workspace.root())
        .arg("docs")
        .args(flags))
}
