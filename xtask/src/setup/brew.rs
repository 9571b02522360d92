//! macOS, through Homebrew. The C++ compiler, clang and libclang are those of Apple's command line tools, which Rust
//! needs for linking anyway.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Result, bail};

use super::needs::Need;
use crate::process::{on_path, output, run};

/// Installs the formulae that are missing, if any.
pub(super) fn install(purpose: &str, needs: &[Need]) -> Result<()> {
    let wanted: BTreeSet<&str> = needs.iter().filter_map(|need| need.brew).collect();
    if !on_path("brew") {
        let wanted = Vec::from_iter(wanted).join(" ");
        bail!("{purpose} needs {wanted}; install Homebrew first, or these by other means");
    }
    let listing = output(Command::new("brew").args(["list", "--formula", "-1"]))?;
    let missing = missing(&wanted, &listing);
    if missing.is_empty() {
        println!("set-up: every Homebrew formula for {purpose} is there");
        return Ok(());
    }
    println!("set-up: for {purpose} these Homebrew formulae are missing and will be installed:");
    for formula in &missing {
        println!("  {formula:<26}{}", reasons(needs, formula));
    }
    run(Command::new("brew").arg("install").args(&missing))
}

fn missing<'a>(wanted: &BTreeSet<&'a str>, listing: &str) -> Vec<&'a str> {
    // A versioned formula such as python@3.13 serves as well as its plain name.
    let installed: BTreeSet<&str> = listing
        .lines()
        .map(|line| line.split('@').next().unwrap_or(line))
        .collect();
    wanted
        .iter()
        .filter(|formula| !installed.contains(*formula))
        .copied()
        .collect()
}

fn reasons(needs: &[Need], formula: &str) -> String {
    let reasons = needs.iter().filter(|need| need.brew == Some(formula));
    Vec::from_iter(reasons.map(|need| need.why)).join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::needs;
    use super::*;

    #[test]
    fn components_of_one_formula_are_installed_and_explained_once() {
        let wanted: BTreeSet<&str> = needs::BUILD.iter().filter_map(|need| need.brew).collect();
        assert_eq!(missing(&wanted, "cfitsio\npkgconf\n"), ["opencv"]);
        assert!(reasons(needs::BUILD, "opencv").contains("SIFT"));
    }

    #[test]
    fn a_versioned_formula_counts() {
        let wanted = BTreeSet::from(["python"]);
        assert!(missing(&wanted, "python@3.13\n").is_empty());
    }
}
