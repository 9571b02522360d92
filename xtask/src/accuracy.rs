//! The page of figures about the alignment, docs/accuracy.md.
//!
//! An example of e2m-align measures them; xtask cannot call it directly without needing OpenCV to build.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{built_example, captured, cargo, run};
use crate::verb::Verb;
use crate::workspace::Workspace;

/// The page, from the top of the workspace.
const PAGE: &str = "docs/accuracy.md";

pub(crate) const VERB: Verb = Verb {
    name: "accuracy",
    summary: "measure the alignment's error on pairs of every kind and write docs/accuracy.md",
    help: "Usage: cargo xtask accuracy [--seeds N] [--width PX]
       cargo xtask accuracy --peers PAIRS [--python PATH]

Aligns some 100 generated pairs with known truth, and the real one where it lies beside the checkout, in release mode,
and writes docs/accuracy.md. It takes a few minutes; the pairs are printed meanwhile.
--seeds makes every pair so many times (default: 1), --width sets the width of most of them (default: 1500).

--peers aligns the pairs of a folder of real images (pairs.json and belong/NAME/*_PreStain_*.tif, *_PostStain_*.tif) by e2m as it is
released, by OpenCV (SIFT and ECC), ANTs, StackReg and elastix, and prints a table in Markdown. The Python (default: python3) needs
numpy, tifffile, opencv-python-headless, antspyx, pystackreg and itk-elastix; what is missing is left out and named.",
    run: |workspace, args| match args.first().and_then(|arg| arg.to_str()) {
        Some("--peers") => compare(workspace, &args[1..]),
        _ => write(workspace, &args),
    },
};

fn compare(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let (pairs, python) = match args {
        [pairs] => (pairs.clone(), OsString::from("python3")),
        [pairs, flag, python] if flag == "--python" => (pairs.clone(), python.clone()),
        _ => bail!("`accuracy --peers` takes the folder of the pairs, and --python PATH"),
    };
    run(&mut cargo(
        workspace,
        ["build", "--release", "--workspace", "--bins"],
    ))?;
    let program = workspace.target().join("release/e2m");
    let script = workspace
        .root()
        .join("crates/e2m-align/examples/peers/peers.py");
    run(Command::new(python).arg(script).arg(pairs).arg(program))
}

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
