//! Documents that are generated from code: the parameter table, the batch file's keys and its JSON Schema,
//! the page of the pictures, and the list of exceptions from the lints.
//!
//! And what pages show is run: [`run`].
//!
//! That list is made here, and so is the list of licences; for the others the generator is an example of e2m-cli, which knows all of it; xtask cannot call it directly without
//! needing OpenCV to build.

pub(crate) mod run;

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::licences;
use crate::process::{self, TEST_FEATURES, cargo};
use crate::tidy::exceptions;
use crate::verb::{Verb, no_arguments};
use crate::workspace::Workspace;

/// The list of exceptions from the lints.
const EXCEPTIONS: &str = "docs/exceptions.md";

pub(crate) const VERB: Verb = Verb {
    name: "docs",
    summary: "regenerate the docs pages that are made from code; run what docs show",
    help: "Usage: cargo xtask docs [--check]
       cargo xtask docs --run [--seed N] [--allow-missing] [PAGE...]

Regenerates docs/parameters.md, docs/batch-file.md and docs/batch.schema.json from the parameter registry and the
batch-file types, docs/pictures.md from what the report says of its pictures, docs/exceptions.md from the attributes in
the source, and what `e2m licences` prints of crates from their packages.
--check writes nothing and fails if one of them is out of date.

--run runs the commands and snippets of README.md, of docs and of the READMEs of crates, each page in order in a fresh folder with
small synthetic images, in some minutes. What cannot be run here is marked in the page and listed with the reason; its syntax is checked,
and so is whether the programs know its commands and options, also of commands within lines. A failure names page, line, command and
output; what it left lies in target/docs-run. --seed runs some of the pages that take time, drawn by the seed; PAGE is a part of a page's
name, such as running. --allow-missing leaves out what is written in Python where the tests' Python is missing.",
    run: |workspace, args| match args.as_slice() {
        [flag] if flag == "--check" => check(workspace),
        [flag, rest @ ..] if flag == "--run" => {
            let rest: Vec<OsString> = rest.to_vec();
            run::all(workspace, &run::Options::parse(rest)?)
        }
        args => {
            no_arguments("docs", args)?;
            write_exceptions(workspace)?;
            licences::write(workspace)?;
            generate(workspace, &[])
        }
    },
};

/// Fails when a generated document differs from what the code says.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let path = workspace.root().join(EXCEPTIONS);
    let there = fs::read_to_string(path).unwrap_or_default();
    if there.replace("\r\n", "\n") != exceptions::document(workspace)? {
        bail!("{EXCEPTIONS} is not what the source says; run `cargo xtask docs` and commit");
    }
    if generate(workspace, &["--check"]).is_err() {
        bail!(
            "generated documents are out of date or cannot be made; run `cargo xtask docs` and commit"
        );
    }
    licences::check(workspace)
}

fn write_exceptions(workspace: &Workspace) -> Result<()> {
    let path = workspace.root().join(EXCEPTIONS);
    fs::write(&path, exceptions::document(workspace)?)
        .with_context(|| format!("{} could not be written", path.display()))
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
    process::run(cargo(workspace, example).args(TEST_FEATURES))?;
    let generator = workspace.target().join("debug/examples/generate_docs");
    process::run(
        Command::new(generator)
            .current_dir(workspace.root())
            .arg("docs")
            .args(flags),
    )
}
