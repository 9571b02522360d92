//! `cargo xtask test`: all that must hold before a change goes in, in a quick and in a full form.
//!
//! Both run the same tests in the same build. The quick one gives them a seed ([`SAMPLE`]), by which long sweeps do a part of
//! their cases; `e2m-testing` has what the tests do with it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::process::{TEST_FEATURES, cargo, run, succeeds};
use crate::verb::Verb;
use crate::workspace::Workspace;
use crate::{deny, docs, package, setup, slurm, tidy};

pub(crate) const VERB: Verb = Verb {
    name: "test",
    summary: "set up, then check format, house rules, lints and docs, and run the tests",
    help: "Usage: cargo xtask test [--full] [--seed N] [--allow-missing]

Does the set-up, also of what only the tests need, and then checks in this order: format, house rules (`tidy`),
dependencies (`deny`), clippy and rustdoc with warnings as errors, generated documents (`docs --check`), documentation tests,
the commands and snippets of the documents (`docs --run`), all other tests, among them those of crash safety. Stops at the first
failure. Uses cargo-nextest where it is installed.

Long sweeps (places at which a run is killed, damaged files, pairs whose alignment is measured, pairs of many megapixels,
clusters, pages of the documents) do a part of their cases, and of the tests that run whole batches one in eight is run, both drawn
by a seed that is printed; --seed draws the same part again.
--full does all of them, and also lints the build without fault injection, builds e2m-align without OpenCV, and packs the crates.
With --full and --seed every test is run, and sweeps do a part.

What a test needs and this machine lacks is a failure. --allow-missing leaves such tests out, and lists them.",
    run: |workspace, args| all(workspace, &Options::parse(args)?),
};

/// The tests that run whole batches or measure many pairs, as a filter of nextest: an eighth of all tests, nine tenths of their time.
const LONG_TESTS: &str = "binary_id(e2m-cli::suite) | binary_id(e2m-pipeline::suite) | binary_id(e2m-web::suite) \
     | binary_id(e2m-python::module) | binary_id(e2m-align::accuracy)";
/// Of so many long tests the quick form runs one.
const PARTS: u64 = 8;
/// The seed of the samples, for the tests; not set, they do everything.
const SAMPLE: &str = "E2M_TEST_SAMPLE";
/// Makes the tests fail where something is missing that they need.
const REQUIRE_ALL: &str = "E2M_TEST_REQUIRE_ALL";
/// The folder in which they keep what others need as well.
const FIXTURES: &str = "E2M_TEST_FIXTURES";
/// The file to which they add a line for each that ended early or did a part.
const NOTES: &str = "E2M_TEST_NOTES";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Whether every check is to be made.
    full: bool,
    /// The seed of the samples; none where sweeps are to be done whole.
    seed: Option<u64>,
    allow_missing: bool,
}

impl Options {
    fn parse(args: Vec<OsString>) -> Result<Self> {
        use lexopt::prelude::*;
        let (mut full, mut seed, mut allow_missing) = (false, None, false);
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("full") => full = true,
                Long("seed") => seed = Some(parser.value()?.parse::<u64>()?),
                Long("allow-missing") => allow_missing = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Self {
            full,
            seed: seed.or_else(|| (!full).then(by_clock)),
            allow_missing,
        })
    }
}

/// Another seed at each run, short enough to be typed.
fn by_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64 % 1_000_000)
}

type Check = fn(&Workspace, &Options) -> Result<()>;

struct Step {
    name: &'static str,
    /// Whether only `--full` does it.
    full_only: bool,
    check: Check,
}

const fn step(name: &'static str, check: Check) -> Step {
    Step {
        name,
        full_only: false,
        check,
    }
}

const fn full_only(name: &'static str, check: Check) -> Step {
    Step {
        name,
        full_only: true,
        check,
    }
}

/// The documentation tests come before the others, so that the others' summary is what a log ends with.
const STEPS: [Step; 13] = [
    step("set-up", set_up),
    step("format", |workspace, _| {
        run(&mut cargo(workspace, ["fmt", "--all", "--check"]))
    }),
    step("house rules", |workspace, _| tidy::check(workspace)),
    step("dependencies", |workspace, options| {
        deny::check(workspace, options.allow_missing)
    }),
    step("clippy", |workspace, _| clippy(workspace, &TEST_FEATURES)),
    full_only("clippy, as released", |workspace, _| clippy(workspace, &[])),
    step("documentation", documentation),
    step("generated documents", |workspace, _| docs::check(workspace)),
    step("documentation tests", documentation_tests),
    step("what documents show", |workspace, options| {
        let options = docs::run::Options::of_tests(options.seed, options.allow_missing);
        docs::run::all(workspace, &options)
    }),
    full_only("e2m-align without OpenCV", without_opencv),
    full_only("packages", |workspace, _| {
        package::without_building(workspace)
    }),
    step("tests", tests),
];

fn all(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps: Vec<&Step> = STEPS
        .iter()
        .filter(|step| options.full || !step.full_only)
        .collect();
    let mut done: Vec<(&str, Duration)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let name = step.name;
        println!("\n=== {} of {}: {name}", number + 1, steps.len());
        let start = Instant::now();
        if let Err(error) = (step.check)(workspace, options) {
            let left = steps.len() - number - 1;
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
    summarise(&done, options);
    Ok(())
}

fn summarise(done: &[(&str, Duration)], options: &Options) {
    println!("\nAll {} steps passed:", done.len());
    for (name, took) in done {
        println!("  {name:<26}{:>8.1} s", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|(_, took)| took).sum();
    println!("  {:<26}{:>8.1} s", "in all", total.as_secs_f64());
    if let Some(seed) = options.seed {
        println!(
            "Long sweeps and long tests were sampled by the seed {seed}; `cargo xtask test --full` does all of them."
        );
    }
}

fn set_up(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::build()?;
    setup::test_extras(workspace, options.allow_missing)
}

fn clippy(workspace: &Workspace, features: &[&str]) -> Result<()> {
    let mut command = cargo(workspace, ["clippy", "--workspace", "--all-targets"]);
    run(command.args(features).args(["--", "-D", "warnings"]))
}

fn documentation(workspace: &Workspace, _: &Options) -> Result<()> {
    let mut command = cargo(workspace, ["doc", "--workspace", "--no-deps"]);
    run(command
        .args(TEST_FEATURES)
        .env("RUSTDOCFLAGS", "-D warnings"))
}

fn documentation_tests(workspace: &Workspace, _: &Options) -> Result<()> {
    let mut command = cargo(workspace, ["test", "--workspace", "--doc"]);
    run(command.args(TEST_FEATURES))
}

/// Whoever wants refinement, residuals and verdicts alone needs no OpenCV on his machine.
fn without_opencv(workspace: &Workspace, _: &Options) -> Result<()> {
    let args = ["check", "--package", "e2m-align", "--no-default-features"];
    run(&mut cargo(workspace, args))
}

/// Some tests start clusters; what is left of those of a test that was killed ends here.
fn tests(workspace: &Workspace, options: &Options) -> Result<()> {
    if let Some(seed) = options.seed {
        println!(
            "Long sweeps do a part of their cases; the same one again: cargo xtask test --seed {seed}"
        );
    }
    let done = run_tests(workspace, options);
    let ended = slurm::stop_all(&slurm::place_of_tests(workspace));
    done.and(ended)
}

fn run_tests(workspace: &Workspace, options: &Options) -> Result<()> {
    let notes = workspace.target().join("test-notes.txt");
    fs::create_dir_all(workspace.target())
        .and_then(|()| fs::write(&notes, ""))
        .with_context(|| format!("{} cannot be written", notes.display()))?;
    let fixtures = workspace.target().join("test-fixtures");
    empty(&fixtures)?;
    let done = selections(workspace, options)
        .into_iter()
        .try_for_each(|mut command| {
            command
                .args(TEST_FEATURES)
                .env(NOTES, &notes)
                .env(FIXTURES, &fixtures);
            match options.seed {
                Some(seed) => command.env(SAMPLE, seed.to_string()),
                None => command.env_remove(SAMPLE),
            };
            command.env(REQUIRE_ALL, if options.allow_missing { "0" } else { "1" });
            if let Ok(own) = std::env::current_exe() {
                command.env(slurm::VARIABLE, own);
                command.env(slurm::PLACE_VARIABLE, slurm::place_of_tests(workspace));
            }
            run(with_python(workspace, &mut command))
        });
    let emptied = empty(&fixtures);
    println!(
        "\n{}",
        summary(&fs::read_to_string(&notes).unwrap_or_default())
    );
    done.and(emptied)
}

/// The commands that run the tests, one after another: all of them, or the short ones and a part of the long ones.
fn selections(workspace: &Workspace, options: &Options) -> Vec<Command> {
    if !has_nextest(workspace) {
        println!(
            "cargo-nextest is not installed; using cargo test, which runs all of the long tests"
        );
        let targets = ["--lib", "--bins", "--tests", "--examples"];
        let mut command = cargo(workspace, ["test", "--workspace"]);
        command.args(targets);
        return vec![command];
    }
    let config = workspace.root().join("xtask/nextest.toml");
    let nextest = || {
        let mut command = cargo(workspace, ["nextest", "run", "--workspace"]);
        command.arg("--config-file").arg(&config);
        command.args(["--test-threads", &test_threads().to_string()]);
        command
    };
    let Some(part) = part(options) else {
        return vec![nextest()];
    };
    println!("Of the long tests part {part} of {PARTS} is run.");
    let (mut short, mut long) = (nextest(), nextest());
    short.args(["--filterset", &format!("not ({LONG_TESTS})")]);
    long.args(["--filterset", LONG_TESTS]);
    long.args(["--partition", &format!("hash:{part}/{PARTS}")]);
    vec![short, long]
}

/// Which part of the long tests is run, from 1; none where all of them are.
fn part(options: &Options) -> Option<u64> {
    let seed = options.seed.filter(|_| !options.full)?;
    Some(1 + seed % PARTS)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}

/// Two for each processor; xtask/nextest.toml says which tests take both.
fn test_threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the tests noted, each line once.
fn summary(notes: &str) -> String {
    let mut lines: Vec<&str> = notes.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    if lines.is_empty() {
        return "Every test did all of it.".to_owned();
    }
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Options> {
        Options::parse(args.iter().map(OsString::from).collect())
    }

    #[test]
    fn a_part_is_drawn_by_a_seed_that_can_be_given() {
        assert_eq!(parsed(&["--seed", "7"]).expect("valid").seed, Some(7));
        assert!(parsed(&[]).expect("valid").seed.is_some());
        assert_eq!(parsed(&["--full"]).expect("valid").seed, None);
        let both = parsed(&["--full", "--seed", "7"]).expect("valid");
        assert_eq!((both.full, both.seed), (true, Some(7)));
        assert!(parsed(&["--seed", "x"]).is_err());
        assert!(parsed(&["--quick"]).is_err());
    }

    #[test]
    fn only_the_quick_form_runs_a_part_of_the_long_tests() {
        let part_of = |args: &[&str]| part(&parsed(args).expect("valid"));
        let parts: Vec<_> = ["7", "8", "9"]
            .map(|seed| part_of(&["--seed", seed]))
            .into();
        assert_eq!(parts, [Some(8), Some(1), Some(2)]);
        assert_eq!(part_of(&["--full"]), None);
        assert_eq!(part_of(&["--full", "--seed", "7"]), None);
    }

    #[test]
    fn nothing_may_be_missing_unless_that_is_asked_for() {
        assert!(!parsed(&["--full"]).expect("valid").allow_missing);
        assert!(parsed(&["--allow-missing"]).expect("valid").allow_missing);
    }

    #[test]
    fn what_tests_noted_is_told_once() {
        assert_eq!(summary("b\na\nb\n"), "a\nb");
        assert_eq!(summary(""), "Every test did all of it.");
    }

    #[test]
    fn the_variables_are_those_the_tests_read() {
        let workspace = Workspace::here().expect("a workspace");
        let source = |name: &str| {
            let path = workspace.root().join("crates/e2m-testing/src").join(name);
            fs::read_to_string(path).expect("readable")
        };
        for (file, variable) in [
            ("samples.rs", SAMPLE),
            ("prerequisites.rs", REQUIRE_ALL),
            ("prerequisites.rs", setup::python::VARIABLE),
            ("notes.rs", NOTES),
            ("made_once.rs", FIXTURES),
        ] {
            let declared = format!(": &str = \"{variable}\";");
            assert!(source(file).contains(&declared), "{file} {variable}");
        }
    }

    #[test]
    fn full_does_whatever_quick_does() {
        let quick = STEPS.iter().filter(|step| !step.full_only).count();
        assert!(quick < STEPS.len());
        assert_eq!(STEPS.last().map(|step| step.name), Some("tests"));
    }
}
