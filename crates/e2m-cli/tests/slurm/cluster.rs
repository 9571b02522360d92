//! A cluster as long as a test lasts.

use crate::common::Bench;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Tests on a cluster, of which a sample has so many.
const TESTS: [&str; 5] = ["refused", "restart", "scratch", "setup", "twelve"];
const SAMPLE: usize = 2;

/// A cluster; it ends with the test, however that ends.
pub(crate) struct Cluster {
    xtask: PathBuf,
    folder: PathBuf,
    conf: String,
}

impl Cluster {
    /// Starts one for the test of this name; `None`, with a printed reason, where nothing can, and where a sample of the tests
    /// does without this one.
    pub(crate) fn up(name: &str) -> Option<Self> {
        if !e2m_testing::is_drawn("tests on a cluster", name, &TESTS, SAMPLE) {
            return None;
        }
        let (xtask, place) = e2m_testing::prerequisite(
            "a cluster (`cargo xtask test` starts them; or set E2M_TEST_XTASK to the program xtask and E2M_TEST_SLURM_DIR to a folder)",
            std::env::var_os("E2M_TEST_XTASK").zip(std::env::var_os("E2M_TEST_SLURM_DIR")),
        )?;
        let folder = Path::new(&place).join(name);
        let output = Command::new(&xtask)
            .args(["slurm", "up", "--dir"])
            .arg(&folder)
            .output()
            .expect("xtask");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let conf = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("export SLURM_CONF="));
        let conf =
            conf.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
        Some(Self {
            xtask: xtask.into(),
            folder,
            conf: conf.to_owned(),
        })
    }

    /// Its configuration.
    pub(crate) fn conf(&self) -> &str {
        &self.conf
    }

    /// `e2m` with these arguments, in the folder of the bench, as a user of this cluster.
    pub(crate) fn e2m(&self, bench: &Bench, arguments: &[&str]) -> crate::common::Run {
        let mut command = bench.command(arguments);
        let output = command
            .env("SLURM_CONF", &self.conf)
            .output()
            .expect("the program");
        bench.ended(output)
    }

    /// What one of SLURM's programs prints.
    pub(crate) fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("SLURM_CONF", &self.conf)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Jobs that have not ended, a line each: number, state, node, reason.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let listing = self.ask("squeue", &["-h", "-r", "-o", "%i %T %N %r"]);
        listing.lines().map(str::to_owned).collect()
    }

    /// Waits until all jobs have ended. SLURM lets a job that is started again wait two minutes; that is cut short.
    pub(crate) fn wait_for_all(&self) {
        wait_until("all jobs have ended", || {
            self.hurry();
            self.jobs().is_empty()
        });
    }

    /// Lets jobs start now that wait for a time: not before the node has put in order what their last start left, for which
    /// that time is meant.
    pub(crate) fn hurry(&self) {
        let waiting = || -> Vec<String> {
            let jobs = self.jobs().into_iter();
            let late = jobs.filter(|line| line.ends_with(" BeginTime"));
            late.filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
                .collect()
        };
        let before = waiting();
        if before.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_secs(6));
        for job in waiting().iter().filter(|job| before.contains(job)) {
            self.ask(
                "scontrol",
                &["update", &format!("JobId={job}"), "StartTime=now"],
            );
        }
    }

    /// Ends a node as a power cut does: its daemon, what watches its jobs, and these.
    pub(crate) fn kill_node(&self, node: &str) {
        let daemon = std::fs::read_to_string(
            Path::new(&self.conf).with_file_name(format!("slurmd-{node}.pid")),
        )
        .expect("the daemon's number");
        let (conf, name) = (
            format!("SLURM_CONF={}", self.conf),
            format!("SLURMD_NODENAME={node}"),
        );
        let mut jobs = Vec::new();
        let mut watchers = BTreeSet::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let read = |file: &str| {
                let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let environ = read("environ");
            let has = |wanted: &str| environ.split('\0').any(|word| word == wanted);
            if has(&conf) && has(&name) {
                jobs.push(entry.file_name().to_string_lossy().into_owned());
                // What watches a job is its parent, and would report its end.
                let status = read("status");
                let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
                watchers.extend(
                    parent
                        .map(|pid| pid.trim().to_owned())
                        .filter(|pid| pid != "1"),
                );
            }
        }
        let pids: Vec<String> = [daemon.trim().to_owned()]
            .into_iter()
            .chain(watchers)
            .chain(jobs)
            .collect();
        let killed = Command::new("kill")
            .arg("-KILL")
            .args(&pids)
            .status()
            .expect("kill");
        assert!(killed.success(), "{pids:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let down = Command::new(&self.xtask)
            .args(["slurm", "down", "--dir"])
            .arg(&self.folder)
            .status();
        let stopped = down.is_ok_and(|status| status.success());
        if stopped && !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
        assert!(
            stopped || std::thread::panicking(),
            "the cluster does not end"
        );
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// What the jobs of all submissions have written to their logs.
pub(crate) fn logs(bench: &Bench) -> String {
    let files = bench.files("out/.e2m_slurm");
    let logs = files.iter().filter(|(name, _)| name.contains("/logs/"));
    logs.map(|(name, (text, _))| format!("== {name}\n{}", String::from_utf8_lossy(text)))
        .collect()
}
