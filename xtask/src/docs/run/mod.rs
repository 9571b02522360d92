//! `cargo xtask docs --run`: the commands and snippets of README.md, docs and the READMEs of crates, run.
//!
//! Each page runs in order in a fresh folder with small synthetic images. What cannot be run here is marked, with a reason of
//! [`reasons`]; of it the syntax is checked, and whether the programs know the commands and options. Marks are comments of
//! Markdown; docs/CONTRIBUTING.md has them.

mod blocks;
mod folder;
mod known;
mod page;
mod reasons;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{TEST_FEATURES, cargo, run};
use crate::workspace::Workspace;
use blocks::Blocks;
use known::Known;
use page::{Kind, Page};

/// Pages that run programs, of a sample.
const SAMPLE: usize = 2;
/// What it was in earlier versions is no command of this one.
const HISTORY: &str = "docs/CHANGELOG.md";

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Draws some of the pages that run programs; none for all.
    seed: Option<u64>,
    /// Whether Python may be missing.
    allow_missing: bool,
    /// Names of pages, or parts of them; all where there are none.
    pages: Vec<String>,
}

impl Options {
    /// Of `cargo xtask docs`, without `--run`.
    pub(crate) fn parse(args: Vec<OsString>) -> Result<Self> {
        use lexopt::prelude::*;
        let mut options = Self::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("seed") => options.seed = Some(parser.value()?.parse::<u64>()?),
                Long("allow-missing") => options.allow_missing = true,
                Value(page) => options.pages.push(page.to_string_lossy().into_owned()),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// All pages, or a part by a seed.
    pub(crate) fn of_tests(seed: Option<u64>, allow_missing: bool) -> Self {
        Self {
            seed,
            allow_missing,
            pages: Vec::new(),
        }
    }
}

/// What was done with the blocks and lines of all pages.
#[derive(Debug, Default)]
struct Tally {
    run: usize,
    /// Text, and what other tests run.
    left: usize,
    looked_up: usize,
    /// By reason.
    not_run: BTreeMap<&'static str, Vec<String>>,
    failures: Vec<String>,
}

/// Runs the pages; what fails is an error that names page, line, command and output.
pub(crate) fn all(workspace: &Workspace, options: &Options) -> Result<()> {
    let pages = pages(workspace.root(), &options.pages)?;
    // With an example the features are those of the tests' build, so that nothing is built twice.
    let build = ["build", "--quiet", "--workspace", "--lib", "--bins"];
    let mut build = cargo(workspace, build);
    run(build
        .args(["--example", "generate_docs"])
        .args(TEST_FEATURES))?;
    let programs = workspace.target().join("debug");
    let place = workspace.target().join("docs-run");
    let mut blocks = Blocks::new(workspace, &programs, &place, options.allow_missing)?;
    let mut known = Known::new(&programs, workspace.root());
    let mut tally = Tally::default();
    let drawn = drawn(&pages, options.seed);
    for page in &pages {
        look_up(page, &mut known, &mut tally);
        let failed = blocks.check(page);
        tally.failures.extend(failed);
        count(page, workspace.root(), &mut tally);
        if !drawn.contains(&page.name.as_str()) {
            continue;
        }
        let start = Instant::now();
        match blocks.run(page) {
            Ok(number) => tally.run += number,
            Err(error) => tally.failures.push(format!("{error:#}")),
        }
        tell_time(page, start.elapsed());
    }
    report(&pages, &drawn, &tally);
    if !tally.failures.is_empty() {
        bail!(
            "{} of what the documentation shows does not work:\n\n{}",
            tally.failures.len(),
            tally.failures.join("\n\n")
        );
    }
    // What is left over by a failure is there to be looked at.
    fs::remove_dir_all(&place).with_context(|| format!("{} cannot be removed", place.display()))
}

/// The pages, in order, of which the name holds one of the parts.
fn pages(root: &Path, parts: &[String]) -> Result<Vec<Page>> {
    let mut paths = vec![root.join("README.md"), root.join("fixtures/README.md")];
    paths.extend(markdown_below(&root.join("docs"))?);
    for entry in fs::read_dir(root.join("crates")).context("crates cannot be listed")? {
        let readme = entry?.path().join("README.md");
        if readme.is_file() {
            paths.push(readme);
        }
    }
    paths.sort();
    let pages: Result<Vec<Page>> = paths.iter().map(|path| Page::read(root, path)).collect();
    let mut pages = pages?;
    if !parts.is_empty() {
        pages.retain(|page| parts.iter().any(|part| page.name.contains(part.as_str())));
        if pages.is_empty() {
            bail!("no page is called {}", parts.join(" or "));
        }
    }
    Ok(pages)
}

fn markdown_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(markdown_below(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Which pages are run: all, or by a seed some of those that run programs and all of those that are only checked.
fn drawn(pages: &[Page], seed: Option<u64>) -> Vec<&str> {
    let is_slow = |page: &&Page| {
        let mut run = page.blocks.iter().filter(|block| block.is_run());
        run.any(|block| block.kind != Kind::Toml)
    };
    let (slow, quick): (Vec<&Page>, Vec<&Page>) = pages.iter().partition(is_slow);
    let mut names: Vec<&str> = quick.iter().map(|page| page.name.as_str()).collect();
    let mut left: Vec<&str> = slow.iter().map(|page| page.name.as_str()).collect();
    let Some(seed) = seed else {
        names.extend(left);
        return names;
    };
    // The seed is of few digits: mixed, so that its neighbours draw otherwise.
    let mut state = seed;
    for _ in 0..SAMPLE.min(left.len()) {
        state = (state ^ (state >> 29)).wrapping_add(0x9E37_79B9_7F4A_7C15);
        state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let at = (state >> 33) as usize % left.len();
        names.push(left.swap_remove(at));
    }
    names
}

/// Looks up the commands of a page that are not run: within its lines, and in blocks that are marked.
fn look_up(page: &Page, known: &mut Known, tally: &mut Tally) {
    if page.name == HISTORY {
        return;
    }
    let spans = page.spans.iter().map(|(line, text)| (*line, text.as_str()));
    let blocks = page.blocks.iter();
    let marked = blocks.filter(|block| block.kind == Kind::Shell && block.not_run.is_some());
    let lines = marked.flat_map(|block| {
        let lines = block.text.lines().enumerate();
        lines.map(|(index, text)| (block.line + index, text))
    });
    for (line, text) in spans.chain(lines) {
        tally.looked_up += 1;
        if let Some(wrong) = known.wrong(text) {
            let failure = format!("{}, line {line}: {text}\n{wrong}", page.name);
            tally.failures.push(failure);
        }
    }
}

/// Counts what of a page is not run; code in Rust has to be part of its crate's documentation.
fn count(page: &Page, root: &Path, tally: &mut Tally) {
    for block in &page.blocks {
        if let Some(reason) = block.not_run {
            let place = format!("{}:{}", page.name, block.line);
            tally.not_run.entry(reason).or_default().push(place);
        } else if !block.is_run() {
            tally.left += 1;
        }
        if block.kind == Kind::Rust && !is_documentation(root, &page.name) {
            tally.failures.push(format!(
                "{}, line {}: no test of documentation runs this: src/lib.rs of the crate does not take its README up",
                page.name, block.line
            ));
        }
    }
}

fn is_documentation(root: &Path, page: &str) -> bool {
    let Some(folder) = page.strip_suffix("README.md") else {
        return false;
    };
    let library = fs::read_to_string(root.join(folder).join("src/lib.rs"));
    library.is_ok_and(|text| text.contains("doc = include_str!(\"../README.md\")"))
}

/// A line for a page that has run programs.
fn tell_time(page: &Page, took: Duration) {
    let seconds = took.as_secs_f64();
    if seconds >= 0.5 {
        println!("  {:<34}{seconds:>6.1} s", page.name);
    }
}

fn report(pages: &[Page], drawn: &[&str], tally: &Tally) {
    println!(
        "docs: {} pages; {} blocks run; {} are text or are run by tests of documentation; {} commands looked up",
        pages.len(),
        tally.run,
        tally.left,
        tally.looked_up
    );
    let missing: Vec<&str> = pages
        .iter()
        .map(|page| page.name.as_str())
        .filter(|name| !drawn.contains(name))
        .collect();
    if !missing.is_empty() {
        println!(
            "sampled: not run this time: {}; `cargo xtask docs --run` runs all",
            missing.join(", ")
        );
    }
    for (name, places) in &tally.not_run {
        let reason = reasons::named(name).map_or("", |reason| reason.text);
        println!(
            "not run: {} because {reason} ({})",
            places.len(),
            places.join(", ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_this_checkout_can_be_read_and_every_reason_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a folder");
        let pages = pages(root, &[]).expect("pages");
        assert!(pages.len() > 30);
        for reason in reasons::REASONS {
            let mut blocks = pages.iter().flat_map(|page| &page.blocks);
            let is_used = blocks.any(|block| block.not_run == Some(reason.name));
            assert!(is_used, "no block is marked `not {}`", reason.name);
        }
    }

    #[test]
    fn a_seed_draws_some_of_what_takes_time_and_in_time_all_of_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a folder");
        let pages = pages(root, &[]).expect("pages");
        let all = drawn(&pages, None);
        assert_eq!(all.len(), pages.len());
        let some = drawn(&pages, Some(3));
        assert!(some.len() < all.len());
        assert_eq!(some, drawn(&pages, Some(3)));
        let mut seen: Vec<&str> = (20_261_201..20_261_301)
            .flat_map(|seed| drawn(&pages, Some(seed)))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all.len());
    }
}
