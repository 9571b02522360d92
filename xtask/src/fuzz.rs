//! `cargo xtask fuzz`: feeds the readers with what libFuzzer invents, and keeps the corpora small.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{run, succeeds};
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "fuzz",
    summary: "feed every reader with damaged files for some minutes",
    help: "Usage: cargo xtask fuzz [TARGET...] [--minutes N]

Runs the fuzzers of crates/e2m-fuzz, one after the other, each for N minutes (default: 20): tiff, fits, batch_file, manifest,
suffix, worker_protocol, or those that are named. Each starts from the files in crates/e2m-fuzz/corpus/TARGET; of what it
finds, the least that reaches as much is put back there. An input that breaks a reader goes to crates/e2m-fuzz/crashes/TARGET
and ends the run: mend the reader, keep the file (a test feeds all of them), and run again.

Needs a nightly compiler (rustup toolchain install nightly) and cargo-fuzz (cargo install cargo-fuzz). The first build takes
some minutes, as everything is built with the address sanitizer.",
    run: |workspace, args| fuzz(workspace, Wish::from_args(args)?),
};

/// The fuzzers, and the longest input that each invents: room for what matters, and no more, or most of the time goes by with
/// copying.
const TARGETS: [(&str, u32); 10] = [
    ("tiff", 65_536),
    ("czi", 65_536),
    ("nd2", 65_536),
    ("lif", 65_536),
    ("zarr", 65_536),
    ("fits", 65_536),
    ("batch_file", 16_384),
    ("manifest", 32_768),
    ("suffix", 1024),
    ("worker_protocol", 16_384),
];

/// What no input of that length may take: more is a find. With the sanitizer memory is about twice what it is without, and
/// seconds are those on the wall, of which a busy machine gives only a few to a fuzzer.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=512", "-malloc_limit_mb=256"];

const USUAL_MINUTES: u32 = 20;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    targets: Vec<(&'static str, u32)>,
    minutes: u32,
}

impl Wish {
    fn from_args(args: Vec<OsString>) -> Result<Self> {
        use lexopt::prelude::*;
        let mut wish = Self {
            targets: Vec::new(),
            minutes: USUAL_MINUTES,
        };
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("minutes") => wish.minutes = parser.value()?.parse()?,
                Value(name) => {
                    let name = name.to_string_lossy().into_owned();
                    let known = TARGETS.into_iter().find(|(target, _)| *target == name);
                    let names = TARGETS.map(|(target, _)| target).join(", ");
                    wish.targets.push(known.with_context(|| {
                        format!("there is no fuzzer {name:?}; there are {names}")
                    })?);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(wish.minutes > 0, "--minutes must be 1 or more");
        if wish.targets.is_empty() {
            wish.targets = TARGETS.to_vec();
        }
        Ok(wish)
    }
}

fn fuzz(workspace: &Workspace, wish: Wish) -> Result<()> {
    if !succeeds(Command::new("rustc").args(["+nightly", "--version"])) {
        bail!("fuzzing needs a nightly compiler; install one: rustup toolchain install nightly");
    }
    if !succeeds(Command::new("cargo").args(["+nightly", "fuzz", "--version"])) {
        bail!("fuzzing needs cargo-fuzz; install it: cargo install cargo-fuzz");
    }
    let folder = workspace.root().join("crates/e2m-fuzz");
    for (target, longest) in wish.targets {
        let fuzzer = Fuzzer {
            folder: &folder,
            work: workspace.target().join("fuzz"),
            target,
            longest,
        };
        println!("\n=== {target}: {} minutes", wish.minutes);
        fuzzer.run(wish.minutes)?;
        fuzzer.merge()?;
    }
    Ok(())
}

/// One fuzzer and its folders.
struct Fuzzer<'a> {
    folder: &'a Path,
    work: PathBuf,
    target: &'static str,
    longest: u32,
}

impl Fuzzer<'_> {
    /// Fuzzes; what is found goes to the work folder.
    fn run(&self, minutes: u32) -> Result<()> {
        let crashes = self.made(self.folder.join("crashes").join(self.target))?;
        let found = self.made(self.found())?;
        let kept = self.made(self.kept())?;
        let mut command = self.command();
        command.args([&found, &kept]).arg("--").args(LIMITS);
        command
            .arg(format!("-max_len={}", self.longest))
            .arg(format!("-max_total_time={}", 60 * minutes))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", crashes.display()));
        run(&mut command).with_context(|| {
            let folder = crashes.display();
            format!(
                "{} found an input that breaks a reader; it is in {folder}",
                self.target
            )
        })
    }

    /// Puts the least that reaches as much as all that was found into the kept corpus.
    fn merge(&self) -> Result<()> {
        let kept = self.kept();
        let before = self.work.join("before").join(self.target);
        let _ = fs::remove_dir_all(&before);
        self.made(before.clone())?;
        for entry in fs::read_dir(&kept)? {
            let path = entry?.path();
            let name = path.file_name().context("a file without a name")?;
            // The target folder may lie on another disk.
            fs::copy(&path, before.join(name))?;
            fs::remove_file(&path)?;
        }
        let mut command = self.command();
        command.args([&kept, &before, &self.found()]).arg("--");
        run(command.args(LIMITS).args(["-merge=1"]))
    }

    /// `cargo fuzz run`, with a target folder beside the others: what it builds is no part of the sources.
    fn command(&self) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(self.folder)
            .args([
                "+nightly",
                "fuzz",
                "run",
                "--fuzz-dir",
                "fuzz",
                "--target-dir",
            ])
            .arg(&self.work)
            .arg(self.target);
        command
    }

    fn kept(&self) -> PathBuf {
        self.folder.join("corpus").join(self.target)
    }

    fn found(&self) -> PathBuf {
        self.work.join("found").join(self.target)
    }

    fn made(&self, folder: PathBuf) -> Result<PathBuf> {
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} could not be made", folder.display()))?;
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(args: &[&str]) -> Result<Wish> {
        Wish::from_args(args.iter().map(OsString::from).collect())
    }

    #[test]
    fn all_fuzzers_run_unless_some_are_named() {
        let all = wish(&[]).expect("a wish");
        assert_eq!((all.targets.len(), all.minutes), (10, 20));
        let one = wish(&["suffix", "--minutes", "3"]).expect("a wish");
        assert_eq!((one.targets, one.minutes), (vec![("suffix", 1024)], 3));
    }

    #[test]
    fn a_fuzzer_that_is_not_there_is_refused_with_those_that_are() {
        let error = wish(&["jpeg"]).expect_err("no such fuzzer").to_string();
        assert!(
            error.contains("there are tiff, czi, nd2, lif, zarr, fits"),
            "{error}"
        );
        assert!(wish(&["--minutes", "0"]).is_err());
    }

    #[test]
    fn every_fuzzer_has_a_program() {
        let workspace = Workspace::here().expect("a workspace");
        for (target, _) in TARGETS {
            let program = format!("crates/e2m-fuzz/fuzz/fuzz_targets/{target}.rs");
            assert!(workspace.root().join(program).is_file(), "{target}");
        }
    }
}
