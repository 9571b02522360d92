//! macOS, through Homebrew.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Result, bail};

use super::needs::{self, Needs};
use crate::process::{on_path, output, run};

/// Installs the formulae that are missing, if any.
pub(super) fn install(needs: &Needs) -> Result<()> {
    if needs.brew.is_empty() {
        return Ok(());
    }
    if !on_path("brew") {
        println!("set-up: Homebrew formulae for {}:", needs.purpose);
        needs::print(needs.brew);
        bail!("Homebrew is not installed; install it, or these packages by other means");
    }
    let listing = output(Command::new("brew").args(["list", "--formula", "-1"]))?;
    let missing = needs::missing(needs.brew, &parse_installed(&listing));
    if missing.is_empty() {
        println!(
            "set-up: every Homebrew formula for {} is there",
            needs.purpose
        );
        return Ok(());
    }
    println!(
        "set-up: Homebrew formulae missing for {}, now being installed:",
        needs.purpose
    );
    needs::print(missing.iter().copied());
    run(Command::new("brew")
        .arg("install")
        .args(missing.iter().map(|formula| formula.name)))
}

/// The names of a listing; a versioned formula such as `python@3.13` serves as well as its plain name.
fn parse_installed(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .map(|line| line.split('@').next().unwrap_or(line).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_versioned_formula_counts() {
        let installed = parse_installed("libtiff\npython@3.13\n");
        assert!(needs::missing(needs::TEST.brew, &installed).is_empty());
        assert_eq!(
            needs::missing(needs::BUILD.brew, &installed).len(),
            needs::BUILD.brew.len()
        );
    }
}
