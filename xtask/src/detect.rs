//! `cargo xtask detect --peers`: the objects of e2m-detect beside those of other programs, on the same pairs.
//!
//! An example of e2m-detect makes the pairs and searches them; a Python script beside it runs the others.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{cargo, run};
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "detect",
    summary: "hold the microbes found against those of SEP, photutils and blob_log",
    help: "Usage: cargo xtask detect --peers [--seeds N] [--python PATH]

Generates pairs of every kind with known microbes below target/peers, searches them, and has SEP, photutils and scikit-image's
blob_log search the same differences, each at its best threshold. Prints a table of F1 in Markdown. The Python (default:
python3) needs numpy, scipy, sep, photutils and scikit-image; what is missing is left out and named.
--seeds makes every pair so many times (default: 2).",
    run: |workspace, args| compare(workspace, &args),
};

fn compare(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let (mut seeds, mut python) = (OsString::from("2"), OsString::from("python3"));
    let mut is_asked = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned();
        match arg.to_str() {
            Some("--peers") => is_asked = true,
            Some("--seeds") => seeds = value().unwrap_or(seeds),
            Some("--python") => python = value().unwrap_or(python),
            _ => bail!("`detect` does not know {arg:?}"),
        }
    }
    if !is_asked {
        bail!("`detect` does nothing by itself yet; ask for --peers");
    }
    let folder = workspace.target().join("peers");
    let script = workspace
        .root()
        .join("crates/e2m-detect/examples/peers/peers.py");
    let example = [
        "run",
        "--quiet",
        "--release",
        "--package",
        "e2m-detect",
        "--example",
        "peers",
        "--",
    ];
    run(cargo(workspace, example).arg(&folder).arg(seeds))?;
    run(Command::new(python).arg(script).arg(&folder))
}
