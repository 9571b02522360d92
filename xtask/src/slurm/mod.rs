//! `cargo xtask slurm`: a SLURM cluster on this machine, for tests and for trying things out.
//!
//! Two nodes are pretended, each with a daemon of its own; all of it runs as the user who starts it, from a folder of its own
//! ([`ClusterFolder`]), on ports that were free, beside whatever SLURM the machine may have otherwise. [`conf`] writes the
//! configuration, [`daemons`] starts what it describes and stops it again, jobs included.

mod conf;
mod daemons;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "slurm",
    summary: "start or stop a SLURM cluster of two nodes on this machine",
    help: "Usage: cargo xtask slurm up|down [--dir DIR]

up    installs Debian's slurm-wlm and munge where they are missing, starts munged, slurmctld and two slurmd that pretend to
      be nodes n1 and n2 (4 CPUs and 4000 MB each), and says which variable to set. A partition `urgent` preempts what runs
      in the usual one, `main`.
down  ends every job and every daemon of it.

DIR holds its configuration, logs and state (default: target/slurm, or a folder in the system's one for temporary files where
that path is too long). Several can run at a time, in folders of their own. The daemons that Debian's packages bring are not
started.",
    run: |workspace, args| {
        let (up, dir) = arguments(args)?;
        let place = ClusterFolder::at(dir.unwrap_or_else(|| workspace.target().join("slurm")));
        if up {
            setup::slurm()?;
            start(&place)
        } else {
            daemons::stop(&place)?;
            println!("Nothing of the cluster in {} runs any more.", place.folder.display());
            Ok(())
        }
    },
};

/// Names to the tests the program that starts clusters for them; where it is not set they are skipped.
pub(crate) const VARIABLE: &str = "E2M_TEST_XTASK";
/// Names to them the folder in which they start them.
pub(crate) const PLACE_VARIABLE: &str = "E2M_TEST_SLURM_DIR";

fn arguments(args: Vec<OsString>) -> Result<(bool, Option<PathBuf>)> {
    use lexopt::prelude::*;
    let (mut up, mut dir) = (None, None);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("dir") => dir = Some(std::path::absolute(PathBuf::from(parser.value()?))?),
            Value(word) if up.is_none() && word == "up" => up = Some(true),
            Value(word) if up.is_none() && word == "down" => up = Some(false),
            other => return Err(other.unexpected().into()),
        }
    }
    let up = up.context("say `up` or `down`; `cargo xtask help slurm` tells more")?;
    Ok((up, dir))
}

/// The longest path that a socket may have, bytes, less what stands behind the folder.
const MAX_FOLDER: usize = 80;

/// Where a cluster keeps its files.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFolder {
    folder: PathBuf,
}

impl ClusterFolder {
    /// The folder, or another one that stands for it: sockets need short paths, and SLURM's configuration knows no spaces.
    fn at(folder: PathBuf) -> Self {
        let text = folder.to_string_lossy();
        if text.len() <= MAX_FOLDER && !text.contains(char::is_whitespace) {
            return Self { folder };
        }
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let name = format!("e2m-slurm-{:016x}", hasher.finish());
        Self {
            folder: std::env::temp_dir().join(name),
        }
    }

    /// A file or folder of it.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its configuration, which `SLURM_CONF` has to name.
    fn conf(&self) -> PathBuf {
        self.path("slurm.conf")
    }
}

fn start(place: &ClusterFolder) -> Result<()> {
    if daemons::any_runs(place) {
        bail!(
            "a cluster runs in {} already; `cargo xtask slurm down` ends it",
            place.folder.display()
        );
    }
    let conf = conf::Conf::on_this_machine(place)?;
    conf.write()?;
    daemons::start(place).map_err(|error| {
        let log = last_lines(&place.path("slurmctld.log"));
        let _ = daemons::stop(place);
        error.context(format!(
            "the cluster does not start; its controller says:\n{log}"
        ))
    })?;
    println!(
        "A cluster of two nodes runs. To use it:\n  export SLURM_CONF={}",
        place.conf().display()
    );
    Ok(())
}

/// Calls a function while a cluster runs, with the place of its configuration.
pub(crate) fn during(folder: &Path, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let place = ClusterFolder::at(folder.to_owned());
    setup::slurm()?;
    start(&place)?;
    let done = work(&place.conf());
    let stopped = daemons::stop(&place);
    done.and(stopped)
}

fn last_lines(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Ends what is left of clusters in the folders below `folder`, for instance of tests that were killed.
pub(crate) fn stop_all(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let place = ClusterFolder::at(entry?.path());
        if place.conf().is_file() {
            daemons::stop(&place)?;
        }
    }
    Ok(())
}

/// Where tests start their clusters.
pub(crate) fn place_of_tests(workspace: &Workspace) -> PathBuf {
    workspace.target().join("slurm-tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_and_down_and_nothing_else() {
        let given = |words: &[&str]| arguments(words.iter().map(OsString::from).collect());
        assert_eq!(given(&["up"]).expect("valid"), (true, None));
        let (up, dir) = given(&["--dir", "/x/y", "down"]).expect("valid");
        assert_eq!((up, dir), (false, Some("/x/y".into())));
        for wrong in [&[][..], &["sideways"], &["up", "down"], &["up", "--fast"]] {
            assert!(given(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_path_that_sockets_or_slurm_cannot_take_is_replaced_by_the_same_other_one() {
        let plain = ClusterFolder::at("/a/b".into());
        assert_eq!(plain.conf(), Path::new("/a/b/slurm.conf"));
        for odd in [format!("/{}", "x".repeat(100)), "/a b/c".to_owned()] {
            let (one, again) = (
                ClusterFolder::at(odd.clone().into()),
                ClusterFolder::at(odd.into()),
            );
            assert_eq!(one.folder, again.folder);
            assert!(one.folder.starts_with(std::env::temp_dir()));
        }
    }
}
