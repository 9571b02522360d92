//! `cargo xtask test`: all that must hold before a change goes in.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{cargo, run, succeeds};
use crate::verb::{Verb, no_arguments};
use crate::workspace::Workspace;
use crate::{deny, docs, setup, slurm, tidy};

pub(crate) const VERB: Verb = Verb {
    name: "test",
    summary: "set up, then check format, house rules, lints and docs, and run every test",
    help: "Usage: cargo xtask test

Does the set-up, also of what only the tests need, and then checks in this order: format, house rules (`tidy`),
dependencies (`deny`), clippy and rustdoc with warnings as errors, generated documents (`docs --check`), documentation tests,
tests of crash safety (in a build that can be made to die at every change to a disk), all other tests.
Stops at the first failure. Uses cargo-nextest where it is installed.",
    run: |workspace, args| {
        no_arguments("test", &args)?;
        all(workspace)
    },
};

type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// The documentation tests come before the others, so that the others' summary is what a log ends with.
const STEPS: [Step; 10] = [
    ("set-up", set_up),
    ("format", |workspace| {
        run(&mut cargo(workspace, ["fmt", "--all", "--check"]))
    }),
    ("house rules", tidy::check),
    ("dependencies", deny::check),
    ("clippy", clippy),
    ("documentation", documentation),
    ("generated documents", docs::check),
    ("documentation tests", documentation_tests),
    ("crash tests", crash_tests),
    ("tests", tests),
];

fn all(workspace: &Workspace) -> Result<()> {
    let mut done: Vec<(&str, Duration)> = Vec::new();
    for (number, (name, step)) in STEPS.iter().enumerate() {
        println!("\n=== {} of {}: {name}", number + 1, STEPS.len());
        let start = Instant::now();
        if let Err(error) = step(workspace) {
            let left = STEPS.len() - number - 1;
            bail!(
                "step {name:?} failed after {:.1} s, {left} more not run\n{error:#}",
                start.elapsed().as_secs_f64()
            );
        }
        println!(
            "=== {name}: passed in {:.1} s",
            start.elapsed().as_secs_f64()
        );
        done.push((name, start.elapsed()));
    }
    summarise(&done);
    Ok(())
}

fn summarise(done: &[(&str, Duration)]) {
    println!("\nAll {} steps passed:", done.len());
    for (name, took) in done {
        println!("  {name:<22}{:>8.1} s", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|(_, took)| took).sum();
    println!("  {:<22}{:>8.1} s", "in all", total.as_secs_f64());
}

fn set_up(workspace: &Workspace) -> Result<()> {
    setup::build()?;
    setup::test_extras(workspace)
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run(&mut cargo(workspace, args))
}

fn documentation(workspace: &Workspace) -> Result<()> {
    let args = ["doc", "--workspace", "--no-deps"];
    run(cargo(workspace, args).env("RUSTDOCFLAGS", "-D warnings"))
}

fn documentation_tests(workspace: &Workspace) -> Result<()> {
    run(&mut cargo(workspace, ["test", "--workspace", "--doc"]))
}

/// Of the whole workspace, so that only the crates that the feature concerns are built once more.
fn crash_tests(workspace: &Workspace) -> Result<()> {
    run_tests(
        workspace,
        &["--features", "e2m-cli/fault-injection", "--test", "crash"],
    )
}

/// Some tests start clusters; what is left of those of a test that was killed ends here.
fn tests(workspace: &Workspace) -> Result<()> {
    let done = all_tests(workspace);
    let ended = slurm::stop_all(&slurm::place_of_tests(workspace));
    done.and(ended)
}

fn all_tests(workspace: &Workspace) -> Result<()> {
    if has_nextest(workspace) {
        return run_tests(workspace, &[]);
    }
    println!("cargo-nextest is not installed; using cargo test");
    run_tests(workspace, &["--lib", "--bins", "--tests", "--examples"])
}

fn run_tests(workspace: &Workspace, which: &[&str]) -> Result<()> {
    let runner: &[&str] = if has_nextest(workspace) {
        &["nextest", "run", "--workspace"]
    } else {
        &["test", "--workspace"]
    };
    let mut command = cargo(workspace, runner.iter().chain(which).copied());
    if let Ok(own) = std::env::current_exe() {
        command.env(slurm::VARIABLE, own);
        command.env(slurm::PLACE_VARIABLE, slurm::place_of_tests(workspace));
    }
    run(with_python(workspace, &mut command))
}

fn has_nextest(workspace: &Workspace) -> bool {
    succeeds(&mut cargo(workspace, ["nextest", "--version"]))
}

/// Tells the tests where the Python environment is, if there is one.
fn with_python<'a>(workspace: &Workspace, command: &'a mut Command) -> &'a mut Command {
    match setup::python::interpreter(workspace) {
        Some(python) => command.env(setup::python::VARIABLE, python),
        None => command,
    }
}
