//! Debian and Ubuntu.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::needs::{self, Need};
use crate::process::{on_path, output, run};

/// Installs the packages that are missing, if any.
pub(super) fn install(purpose: &str, needs: &[Need]) -> Result<()> {
    let missing = missing(needs, &installed(needs)?);
    if missing.is_empty() {
        println!("set-up: every system package for {purpose} is there");
        return Ok(());
    }
    println!("set-up: for {purpose} these system packages are missing and will be installed:");
    needs::print(missing.iter().copied());

    let names: Vec<&str> = missing.iter().map(|need| need.apt[0]).collect();
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
            println!("set-up: sudo may ask for your password");
            Ok(Self::Sudo)
        } else {
            bail!(
                "installing packages needs root, and there is no sudo; ask for\n  apt-get install --no-install-recommends {}",
                names.join(" ")
            )
        }
    }

    fn apt_get(self) -> Command {
        let mut command = Command::new(match self {
            Self::Already => "env",
            Self::Sudo => "sudo",
        });
        if matches!(self, Self::Sudo) {
            command.arg("env");
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    }
}

fn installed(needs: &[Need]) -> Result<BTreeSet<String>> {
    let names = needs.iter().flat_map(|need| need.apt);
    let listing = output(
        Command::new("dpkg-query")
            .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
            .args(names),
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

fn missing<'a>(needs: &'a [Need], installed: &BTreeSet<String>) -> Vec<&'a Need> {
    needs
        .iter()
        .filter(|need| !need.apt.iter().any(|name| installed.contains(*name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_names(listing: &str) -> Vec<&'static str> {
        missing(needs::BUILD, &parse_installed(listing))
            .iter()
            .map(|need| need.apt[0])
            .collect()
    }

    #[test]
    fn a_bare_machine_misses_everything() {
        assert_eq!(missing_names("").len(), needs::BUILD.len());
    }

    #[test]
    fn a_removed_package_counts_as_missing() {
        let names = missing_names("g++ installed\nclang config-files\n");
        assert!(!names.contains(&"g++"));
        assert!(names.contains(&"clang"));
    }

    #[test]
    fn any_of_a_needs_names_will_do() {
        assert!(!missing_names("libclang-dev installed\n").contains(&"libclang1"));
    }
}
