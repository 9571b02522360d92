//! One step on the way to the archive: its log, and by what recipe it was done.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::folders::Folders;
use crate::process::shown;

/// A step with a name, which is that of its log and of its stamp.
pub(super) struct Step {
    name: String,
    stamp: PathBuf,
    log: Log,
}

impl Step {
    pub(super) fn new(folders: &Folders, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            stamp: folders.stamps().join(name),
            log: Log {
                path: folders.logs().join(format!("{name}.log")),
            },
        }
    }

    /// Does the work, unless it was done by this very recipe before; `recipe` is all that the result depends on, as text.
    pub(super) fn unless_done(
        &self,
        recipe: &str,
        work: impl FnOnce(&Log) -> Result<()>,
    ) -> Result<()> {
        if fs::read_to_string(&self.stamp).is_ok_and(|done| done == recipe) {
            println!("dist: {} is there", self.name);
            return Ok(());
        }
        if self.stamp.exists() {
            fs::remove_file(&self.stamp)
                .with_context(|| format!("{} could not be removed", self.stamp.display()))?;
        }
        self.always(work)?;
        write(&self.stamp, recipe.as_bytes())
    }

    /// Does the work, which itself knows what is done.
    pub(super) fn always(&self, work: impl FnOnce(&Log) -> Result<()>) -> Result<()> {
        println!("dist: {} (log: {})", self.name, self.log.path.display());
        write(&self.log.path, b"")?;
        let begin = Instant::now();
        work(&self.log)?;
        println!(
            "dist: {} took {:.0} s",
            self.name,
            begin.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

/// A file that commands write to instead of the terminal.
pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    /// Runs a command; an error names it, how it ended, and this log.
    pub(super) fn run(&self, command: &mut Command) -> Result<()> {
        let mut file = self.open()?;
        writeln!(file, "$ {}", shown(command))?;
        let status = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .status()
            .with_context(|| format!("`{}` could not be started", shown(command)))?;
        if !status.success() {
            bail!(
                "{} failed ({status}); the command and what it said are in {}",
                command.get_program().display(),
                self.path.display()
            );
        }
        Ok(())
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)
            .with_context(|| format!("{} could not be opened", self.path.display()))
    }
}

/// Writes a file and the folders above it.
pub(super) fn write(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} could not be made", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("{} could not be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_again_only_by_another_recipe_or_after_a_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = Folders::below(folder.path());
        let step = Step::new(&folders, "zlib");
        let mut done = 0;
        let mut run = |recipe: &str| {
            step.unless_done(recipe, |log| {
                done += 1;
                log.run(Command::new("sh").args(["-c", "echo compiled"]))
            })
            .expect("a step");
            done
        };
        assert_eq!(run("-O2"), 1);
        assert_eq!(run("-O2"), 1);
        assert_eq!(run("-O3"), 2);
        let failed = step.unless_done("-O2", |log| {
            log.run(Command::new("sh").args(["-c", "echo no such header; exit 3"]))
        });
        let message = failed.expect_err("a failure").to_string();
        assert!(message.contains("zlib.log"), "{message}");
        let log = fs::read_to_string(folders.logs().join("zlib.log")).expect("a log");
        assert!(log.contains("no such header"), "{log}");
        let mut again = false;
        step.unless_done("-O3", |_| {
            again = true;
            Ok(())
        })
        .expect("a step");
        assert!(again, "a failure took back what was recorded");
    }
}
