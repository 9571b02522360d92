//! `cargo xtask package`: the crates that others can depend on, packed as they would be published, and built from that.

use anyhow::{Result, bail, ensure};

use crate::process::{captured, cargo, run};
use crate::tidy;
use crate::verb::Verb;
use crate::workspace::Workspace;

/// What every package holds besides its code.
const CONTENTS: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

pub(crate) const VERB: Verb = Verb {
    name: "package",
    summary: "pack the crates that others can depend on, and build them from the packages",
    help: "Usage: cargo xtask package [--no-verify] [--offline]

Packs every crate of the workspace that is not marked `publish = false` into target/package, checks that README and licences
are inside, and builds each from its package alone, against the packages of the others. Nothing is sent anywhere.
--no-verify only packs, which takes seconds and is part of `cargo xtask test --full`.
--offline asks no registry; what the build needs has to be on the machine.",
    run: |workspace, args| {
        let mut options = Options::default();
        for arg in args {
            match arg.to_str() {
                Some("--no-verify") => options.verify = false,
                Some("--offline") => options.offline = true,
                _ => bail!("`package` takes --no-verify and --offline, but was given {arg:?}"),
            }
        }
        package(workspace, &options)
    },
};

/// How to pack.
struct Options {
    verify: bool,
    offline: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verify: true,
            offline: false,
        }
    }
}

/// Packs without building.
pub(crate) fn without_building(workspace: &Workspace) -> Result<()> {
    let options = Options {
        verify: false,
        ..Options::default()
    };
    package(workspace, &options)
}

fn package(workspace: &Workspace, options: &Options) -> Result<()> {
    let crates = tidy::published(workspace)?;
    for name in &crates {
        let listing = captured(&mut cargo(
            workspace,
            ["package", "--list", "--allow-dirty", "--package", name],
        ))?;
        let missing = missing(&listing);
        ensure!(
            missing.is_empty(),
            "the package of {name} has no {}",
            missing.join(", no ")
        );
    }
    let mut command = cargo(workspace, ["package", "--allow-dirty"]);
    command.args(crates.iter().flat_map(|name| ["--package", name.as_str()]));
    if !options.verify {
        command.arg("--no-verify");
    }
    if options.offline {
        command.arg("--offline");
    }
    run(&mut command)?;
    println!("package: {} crates are packed", crates.len());
    Ok(())
}

/// What of [`CONTENTS`] a listing of a package lacks.
fn missing(listing: &str) -> Vec<&'static str> {
    let files: Vec<&str> = listing.lines().map(str::trim).collect();
    CONTENTS
        .into_iter()
        .filter(|wanted| !files.contains(wanted))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_readme_or_licence_is_found() {
        assert_eq!(
            missing("Cargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n"),
            [""; 0]
        );
        assert_eq!(
            missing("Cargo.toml\nLICENSE-MIT\nsrc/README.md\n"),
            ["README.md", "LICENSE-APACHE"]
        );
    }
}
