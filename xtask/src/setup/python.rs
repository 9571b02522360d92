//! The Python environment of the tests: other people's readers and writers of TIFF and FITS, to compare with.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{run, succeeds};
use crate::workspace::Workspace;

/// Names the interpreter to the tests; where it is not set they skip what needs it.
pub(crate) const VARIABLE: &str = "E2M_TEST_PYTHON";

const PACKAGES: [&str; 4] = ["tifffile", "numpy", "astropy", "imagecodecs"];

/// The environment's interpreter, if it is there and has every package.
pub(crate) fn interpreter(workspace: &Workspace) -> Option<PathBuf> {
    let python = folder(workspace).join("bin/python");
    let imports = format!("import {}", PACKAGES.join(", "));
    succeeds(Command::new(&python).args(["-c", &imports])).then_some(python)
}

/// Makes the environment unless it is complete.
pub(super) fn ensure(workspace: &Workspace) -> Result<()> {
    if interpreter(workspace).is_some() {
        println!("set-up: the tests' Python environment is there");
        return Ok(());
    }
    let folder = folder(workspace);
    println!(
        "set-up: making a Python environment with {} in {}",
        PACKAGES.join(", "),
        folder.display()
    );
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))
    .context("the tests' Python environment could not be made")?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    run(Command::new(folder.join("bin/python"))
        .args(pip)
        .args(PACKAGES))
    .context("the tests' Python packages could not be installed")
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("venv")
}
