//! Debian and Ubuntu.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::needs::{self, Needs};
use crate::process::{on_path, output, run};

/// Installs the packages that are missing, if any.
pub(super) fn install(needs: &Needs) -> Result<()> {
    let missing = needs::missing(needs.apt, &installed(needs)?);
    if missing.is_empty() {
        println!(
            "set-up: every system package for {} is there",
            needs.purpose
        );
        return Ok(());
    }
    println!(
        "set-up: missing for {}, now being installed:",
        needs.purpose
    );
    needs::print(missing.iter().copied());

    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let root = Root::get(&names)?;
    install_packages(root, &names).or_else(|error| {
        println!("set-up: {error:#}; trying once more");
        install_packages(root, &names)
    })
}

fn install_packages(root: Root, names: &[&str]) -> Result<()> {
    // Another repository of the user's that is out of reach fails the update, yet the packages may still be there.
    if let Err(error) = run(root.apt_get().args(["-qq", "update"])) {
        println!("set-up: {error:#}; going on with the package lists as they are");
    }
    let options = [
        "-qq",
        "-o",
        "Dpkg::Use-Pty=0",
        "install",
        "-y",
        "--no-install-recommends",
    ];
    run(root.apt_get().args(options).args(names)).context("the packages could not be installed")
}

/// How apt-get gets its rights.
#[derive(Clone, Copy)]
enum Root {
    Already,
    Sudo,
}

impl Root {
    fn get(names: &[&str]) -> Result<Self> {
        if output(Command::new("id").arg("-u"))?.trim() == "0" {
            Ok(Self::Already)
        } else if on_path("sudo") {
            println!("set-up: this goes through sudo, which may ask for your password");
            Ok(Self::Sudo)
        } else {
            bail!(
                "installing packages needs root, and there is no sudo; ask an administrator for\n  apt-get install --no-install-recommends {}",
                names.join(" ")
            )
        }
    }

    fn apt_get(self) -> Command {
        // Through `env` in both cases, as sudo drops variables.
        let mut command = match self {
            Self::Already => Command::new("env"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.arg("env");
                sudo
            }
        };
        // What looks like single-user mode keeps packages from starting services: files are what is wanted.
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
        command
    }
}

fn installed(needs: &Needs) -> Result<BTreeSet<String>> {
    // It fails when a name is unknown to it, which only means that the package is not installed.
    let listing = output(
        Command::new("dpkg-query")
            .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
            .args(needs.apt.iter().flat_map(needs::Package::names)),
    )?;
    Ok(parse_installed(&listing))
}

fn parse_installed(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_that_left_its_settings_is_not_installed() {
        let installed =
            parse_installed("g++ installed\nclang config-files\nlibclang1 half-installed\n");
        assert_eq!(installed, BTreeSet::from(["g++".to_owned()]));
    }
}
