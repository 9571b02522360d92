//! The ways of running a batch that are tried: each format of checkpoints, serially and by a pool.

use crate::common::{Bench, Run};
use crate::tree::Tree;
use e2m_fixtures::Recipe;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Width of a pair that is about as small as one that can be aligned, as thousands of runs are made of it.
pub(crate) const SMALL: usize = 280;

/// Length of a record in the journal of faults.
pub(crate) const RECORD_BYTES: usize = 512;

/// A batch in a folder of its own.
pub(crate) struct Way {
    pub(crate) bench: Bench,
    formats: &'static str,
    pool: bool,
}

impl Way {
    /// Pairs of this width: one to be run serially with one thread, which makes the order of all changes the same each time;
    /// or two for a pool of two. Only the former look for microbes, as every change to a disk costs a run; what a pool adds has
    /// nothing to do with the stage.
    pub(crate) fn new(formats: &'static str, pool: bool, width: usize) -> Self {
        let bench = Bench::new();
        let recipe = |seed| Recipe {
            width,
            height: width * 7 / 8,
            seed,
            gain: 1.4,
            rotation_deg: 3.0,
            ..Recipe::default()
        };
        bench.pair(&recipe(1), "a", "DAPI");
        if pool {
            bench.pair(&recipe(2), "b", "DAPI");
        }
        let execution = if pool {
            "parallel = true\nn_workers = 2\nthreads = 2"
        } else {
            "threads = 1"
        };
        let detect = !pool;
        bench.batch(&format!(
            "checkpoint_format = \"{formats}\"\n[execution]\n{execution}\n[params]\npad = 20\ncoarse_method = \"features\"\ndetect = {detect}\n"
        ));
        Self {
            bench,
            formats,
            pool,
        }
    }

    pub(crate) fn name(&self) -> String {
        let runner = if self.pool { "pool" } else { "serial" };
        format!("{}, {runner}", self.formats)
    }

    fn journal(&self) -> PathBuf {
        self.bench.path("faults")
    }

    /// The program on the batch, counting its changes, with this fault.
    pub(crate) fn command(&self, fault: Option<&str>) -> Command {
        let _ = std::fs::remove_file(self.journal());
        let mut command = self.bench.command(&["batch.toml"]);
        command
            .env("E2M_FAULT_LOG", self.journal())
            .env("E2M_CPUS", "2")
            .stdin(Stdio::null());
        match fault {
            Some(fault) => command.env("E2M_FAULT", fault),
            None => command.env_remove("E2M_FAULT"),
        };
        command
    }

    pub(crate) fn output(&self, fault: Option<&str>) -> Output {
        self.command(fault).output().expect("the program")
    }

    pub(crate) fn run(&self, fault: Option<&str>) -> Run {
        self.bench.ended(self.output(fault))
    }

    /// Every change to a disk that the last run made, in order: the operation and the path.
    pub(crate) fn changes(&self) -> Vec<(String, String)> {
        let journal = std::fs::read(self.journal()).expect("a journal");
        let record = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let (operation, path) = text.trim_end().split_once(' ').expect("a record");
            (operation.to_owned(), path.to_owned())
        };
        journal.chunks(RECORD_BYTES).map(record).collect()
    }

    /// Removes all results.
    pub(crate) fn clear(&self) {
        let out = self.bench.path("out");
        if out.exists() {
            std::fs::remove_dir_all(out).expect("removes");
        }
    }

    /// What an uninterrupted run leaves, and how many changes to a disk it makes.
    pub(crate) fn uninterrupted(&self) -> (Tree, usize) {
        self.clear();
        let run = self.run(None);
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        let tree = Tree::read(&self.bench);
        (tree, self.changes().len())
    }

    /// Runs again after something went wrong, and compares.
    pub(crate) fn assert_completes(&self, whole: &Tree, after: &str) {
        let run = self.run(None);
        assert_eq!(run.code, 0, "after {after}: {}{}", run.err, run.out);
        let now = Tree::read(&self.bench);
        now.assert_same(whole, &format!("{}, {after}", self.name()));
    }
}

/// Whether a process was ended by SIGKILL.
pub(crate) fn was_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}
