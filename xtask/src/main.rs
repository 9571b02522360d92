//! Developer commands: `cargo xtask help` lists them.
//!
//! Each verb is a [`Verb`] value beside its code; this file only finds the one that was asked for. xtask prepares the
//! machine for the build, so it must itself build on a bare one: it depends on no other crate of the workspace and on
//! nothing that needs a system library.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the terminal is what a developer command does"
)]

mod accuracy;
mod bench;
mod demo;
mod deny;
mod detect;
mod dist;
mod docs;
mod fixtures;
mod fuzz;
mod licences;
mod package;
mod pictures;
mod process;
mod setup;
mod slurm;
mod test;
mod tidy;
mod verb;
mod wheel;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};

use verb::Verb;
use workspace::Workspace;

const VERBS: &[Verb] = &[
    setup::VERB,
    demo::VERB,
    test::VERB,
    fixtures::VERB,
    tidy::VERB,
    deny::VERB,
    package::VERB,
    dist::VERB,
    wheel::VERB,
    docs::VERB,
    accuracy::VERB,
    detect::VERB,
    pictures::VERB,
    bench::VERB,
    fuzz::VERB,
    slurm::VERB,
];

fn main() -> ExitCode {
    match dispatch(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut args: Vec<OsString>) -> Result<()> {
    if args.is_empty() {
        args.push("help".into());
    }
    let name = args.remove(0);
    let name = name.to_string_lossy();
    if matches!(&*name, "help" | "--help" | "-h") {
        return help(args.first());
    }
    let verb = find(&name)?;
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{}", verb.help);
        return Ok(());
    }
    (verb.run)(&Workspace::here()?, args)
}

fn help(verb: Option<&OsString>) -> Result<()> {
    if let Some(name) = verb {
        println!("{}", find(&name.to_string_lossy())?.help);
        return Ok(());
    }
    println!("Usage: cargo xtask VERB [ARGUMENTS]\n");
    for verb in VERBS {
        println!("  {:<10}{}", verb.name, verb.summary);
    }
    println!(
        "  {:<10}this list, or the help of one verb: help VERB",
        "help"
    );
    Ok(())
}

fn find(name: &str) -> Result<&'static Verb> {
    VERBS
        .iter()
        .find(|verb| verb.name == name)
        .with_context(|| unknown_verb(name))
}

fn unknown_verb(name: &str) -> String {
    let nearest = VERBS
        .iter()
        .map(|verb| verb.name)
        .min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate))
        .unwrap_or("help");
    format!(
        "there is no verb {name:?}; did you mean {nearest:?}? `cargo xtask help` lists them all"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_verb_names_the_nearest() {
        let message = find("tset")
            .map(|verb| verb.name)
            .expect_err("no such verb")
            .to_string();
        assert!(message.contains(r#"did you mean "test""#), "{message}");
    }

    #[test]
    fn every_verb_has_a_usage_line_and_a_short_summary() {
        for verb in VERBS {
            let usage = format!("Usage: cargo xtask {}", verb.name);
            assert!(verb.help.starts_with(&usage), "{}", verb.name);
            assert!(verb.summary.len() <= 80, "{}", verb.name);
        }
    }
}
