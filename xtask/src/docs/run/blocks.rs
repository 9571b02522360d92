//! Runs the blocks of a page, one after another.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use super::folder::Folders;
use super::page::{Block, Ground, Kind, Page};
use crate::process::on_path;
use crate::setup::python;
use crate::workspace::Workspace;

/// Lines of what a block said that are shown where it fails.
const SHOWN_LINES: usize = 40;
/// What a batch file needs besides what a part of one shows.
const HEAD: &str =
    "raw_dir = \"raw\"\noutput_dir = \"processed\"\nsamples = \"all\"\ndyes = \"all\"\n";
/// Exit codes of `e2m check`: all is well; refused for want of memory or disk; the images that the file names are not there.
const FITS: i32 = 0;
const BAD_BATCH_FILE: i32 = 2;

/// What pages are run with.
#[derive(Debug)]
pub(crate) struct Blocks {
    folders: Folders,
    programs: PathBuf,
    place: PathBuf,
    python: Option<PathBuf>,
}

impl Blocks {
    pub(crate) fn new(
        workspace: &Workspace,
        programs: &Path,
        place: &Path,
        allow_missing: bool,
    ) -> Result<Self> {
        let named = std::env::var_os(python::VARIABLE).map(PathBuf::from);
        let python = named.or_else(|| python::interpreter(workspace));
        if python.is_none() && !allow_missing {
            bail!(
                "the tests' Python is missing, which `cargo xtask test` makes; --allow-missing leaves out what is written in it"
            );
        }
        let blocks = Self {
            folders: Folders::new(programs, place)?,
            programs: programs.to_owned(),
            place: place.to_owned(),
            python,
        };
        fs::write(blocks.tool("prelude.sh"), include_str!("prelude.sh"))?;
        fs::write(blocks.tool("snippets.py"), include_str!("snippets.py"))?;
        blocks.module(workspace)?;
        Ok(blocks)
    }

    /// A file beside the folders of pages.
    fn tool(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// The module for Python as a package: what was built, beside its files.
    fn module(&self, workspace: &Workspace) -> Result<()> {
        let package = self.place.join("lib/e2m");
        fs::create_dir_all(&package)?;
        let source = workspace.root().join("crates/e2m-python/python/e2m");
        for entry in fs::read_dir(&source).context("the package for Python")? {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                fs::copy(&path, package.join(name))?;
            }
        }
        let [begin, end] = [std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX];
        let library = self.programs.join(format!("{begin}e2m_python{end}"));
        fs::copy(&library, package.join("_e2m.abi3.so"))
            .with_context(|| format!("{} is not there", library.display()))?;
        Ok(())
    }

    /// Checks what is not run, as far as a tool is there; answers with what is wrong.
    pub(crate) fn check(&self, page: &Page) -> Vec<String> {
        let blocks = page.blocks.iter();
        let checked = blocks.filter(|block| block.not_run.is_some() || block.kind == Kind::Json);
        let errors = checked.filter_map(|block| {
            let error = self.check_block(page, block).err()?;
            Some(format!("{}, line {}: {error:#}", page.name, block.line))
        });
        errors.collect()
    }

    fn check_block(&self, page: &Page, block: &Block) -> Result<()> {
        let file = self.tool("checked");
        fs::write(&file, &block.text)?;
        let mut command = match (block.kind, &self.python) {
            (Kind::Shell, _) if on_path("bash") => {
                let mut command = Command::new("bash");
                command.arg("-n").arg(&file);
                command
            }
            (Kind::Python, Some(python)) => {
                self.snippets(python, "check", page, &[(block.line, &file)])
            }
            (Kind::Json, Some(python)) => {
                let mut command = Command::new(python);
                command.args(["-m", "json.tool"]).arg(&file);
                command
            }
            (Kind::Toml, _) => {
                block.text.parse::<toml::Table>()?;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("the syntax is wrong\n{}", said(&output));
        }
        Ok(())
    }

    /// Runs the blocks of a page in order; answers with their number.
    pub(crate) fn run(&mut self, page: &Page) -> Result<usize> {
        let mut number = 0;
        let mut begin = Ground::Batch;
        let mut at: Option<PathBuf> = None;
        let mut blocks = page.blocks.as_slice();
        while let Some((block, rest)) = blocks.split_first() {
            if let Some(ground) = block.ground {
                (begin, at) = (ground, None);
            }
            blocks = rest;
            if !block.is_run() {
                continue;
            }
            let place = match at.take() {
                Some(place) => place,
                None => self.folders.fresh(&page.name.replace('/', "+"), begin)?,
            };
            // Python goes on where the block before it ended, if nothing was between them.
            let mut together = vec![block];
            while let Some((next, rest)) = blocks.split_first() {
                let both = block.kind == Kind::Python && next.kind == Kind::Python;
                if !both || !next.is_run() || next.ground.is_some() {
                    break;
                }
                together.push(next);
                blocks = rest;
            }
            number += together.len();
            at = Some(match block.kind {
                Kind::Shell => self.shell(page, block, &place)?,
                Kind::Toml => self.batch_file(page, block, place)?,
                _ => self.python(page, &together, place)?,
            });
        }
        Ok(number)
    }

    /// Runs lines of a shell; answers with the folder in which they end.
    fn shell(&self, page: &Page, block: &Block, place: &Path) -> Result<PathBuf> {
        let (script, failed, end) = (
            self.tool("block.sh"),
            self.tool("failed"),
            self.tool("place"),
        );
        let _ = fs::remove_file(&failed);
        let prelude = self.tool("prelude.sh");
        let text = format!(
            ". '{}'{}{}",
            prelude.display(),
            "\n".repeat(block.line - 1),
            typed(&block.text)
        );
        fs::write(&script, text)?;
        let mut command = self.command("bash", place)?;
        command
            .arg(&script)
            .env("E2M_DOCS_FAILED", &failed)
            .env("E2M_DOCS_PLACE", &end);
        let output = command.output().context("bash cannot be started")?;
        if output.status.success() {
            let end = fs::read_to_string(&end).context("the folder in which a block ended")?;
            return Ok(PathBuf::from(end.trim_end()));
        }
        let told = fs::read_to_string(&failed).unwrap_or_default();
        let mut told = told.lines();
        let line = told
            .next()
            .map_or_else(|| block.line.to_string(), str::to_owned);
        let index = line.parse::<usize>().ok();
        let index = index.and_then(|line| line.checked_sub(block.line));
        let command = index.and_then(|index| block.text.lines().nth(index));
        let command = command.unwrap_or("the shell").trim();
        let how = told
            .next()
            .map_or_else(|| output.status.to_string(), str::to_owned);
        let name = &page.name;
        Err(anyhow!(
            "{name}, line {line}: {command}: {how}\n{}",
            said(&output)
        ))
    }

    /// Checks a batch file, whole or a part of one; a whole one is the page's from then on.
    fn batch_file(&self, page: &Page, block: &Block, place: PathBuf) -> Result<PathBuf> {
        let lines: Vec<&str> = block.text.lines().collect();
        let texts = if block.each {
            lines
        } else {
            vec![block.text.as_str()]
        };
        for (index, text) in texts.iter().enumerate() {
            let line = block.line + if block.each { index } else { 0 };
            let at = || format!("{}, line {line}", page.name);
            let table = text.parse::<toml::Table>().with_context(at)?;
            let is_whole = table.contains_key("raw_dir");
            let name = if is_whole { "batch.toml" } else { "part.toml" };
            let head = if is_whole { "" } else { HEAD };
            fs::write(place.join(name), format!("{head}{text}"))?;
            let mut command = self.command("e2m", &place)?;
            let output = command.args(["check", name]).output()?;
            let code = output.status.code();
            let is_right = match code {
                Some(code) if is_whole => code == FITS,
                // Samples that a part names need not be there.
                Some(code) => code != BAD_BATCH_FILE && code != 1,
                None => false,
            };
            if !is_right {
                bail!(
                    "{}: e2m check {name}: {}\n{}",
                    at(),
                    output.status,
                    said(&output)
                );
            }
        }
        Ok(place)
    }

    fn python(&self, page: &Page, blocks: &[&Block], place: PathBuf) -> Result<PathBuf> {
        let Some(python) = &self.python else {
            return Ok(place);
        };
        let files = blocks.iter().map(|block| {
            let file = self.tool(&format!("block{}.py", block.line));
            fs::write(&file, &block.text)?;
            Ok((block.line, file))
        });
        let files: Vec<(usize, PathBuf)> = files.collect::<Result<_>>()?;
        let files: Vec<(usize, &Path)> = files
            .iter()
            .map(|(line, path)| (*line, path.as_path()))
            .collect();
        let mut command = self.snippets(python, "run", page, &files);
        self.settle(&mut command, &place)?;
        let output = command
            .env("PYTHONPATH", self.place.join("lib"))
            .env("E2M_PROGRAM", self.programs.join("e2m"))
            .output()?;
        if !output.status.success() {
            let line = blocks.first().map_or(0, |block| block.line);
            bail!(
                "{}, the Python from line {line} on: {}\n{}",
                page.name,
                output.status,
                said(&output)
            );
        }
        Ok(place)
    }

    fn snippets(
        &self,
        python: &Path,
        what: &str,
        page: &Page,
        blocks: &[(usize, &Path)],
    ) -> Command {
        let mut command = Command::new(python);
        command
            .arg(self.tool("snippets.py"))
            .args([what, &page.name]);
        for (line, path) in blocks {
            command.arg(format!("{line}:{}", path.display()));
        }
        command
    }

    /// A program in a folder, as a user would have it: the built ones come first.
    fn command(&self, program: &str, place: &Path) -> Result<Command> {
        let own = self.programs.join(program);
        let mut command = if own.is_file() {
            Command::new(own)
        } else {
            Command::new(program)
        };
        self.settle(&mut command, place)?;
        Ok(command)
    }

    fn settle(&self, command: &mut Command, place: &Path) -> Result<()> {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![self.programs.clone()];
        folders.extend(std::env::split_paths(&own));
        let path: OsString = std::env::join_paths(folders)?;
        command
            .current_dir(place)
            .stdin(Stdio::null())
            .env("PATH", path)
            // No page may open a browser.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("BROWSER");
        Ok(())
    }
}

/// What is typed of a console's text: with prompts, the lines behind them. As many lines stay.
fn typed(text: &str) -> String {
    if !text.lines().any(|line| line.starts_with("$ ")) {
        return text.to_owned();
    }
    let lines = text
        .lines()
        .map(|line| line.strip_prefix("$ ").unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The last lines of what a program said.
fn said(output: &Output) -> String {
    let both =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    let both = both.concat();
    let lines: Vec<&str> = both.lines().collect();
    let first = lines.len().saturating_sub(SHOWN_LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_console_only_what_is_typed_is_run_on_its_own_line() {
        assert_eq!(typed("$ ls\nfile\n$ pwd\n"), "ls\n\npwd");
        assert_eq!(typed("ls\n"), "ls\n");
    }
}
