//! Starting the daemons of a cluster, and ending them with all that they have started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::ClusterFolder;
use super::conf::NODES;
use crate::process::{output, run, succeeds};

/// So long the nodes may take to report.
const START: Duration = Duration::from_secs(60);
/// So long jobs and daemons are given to end by themselves.
const END: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// Starts munged, the controller and both nodes, and waits until the nodes can take jobs.
pub(super) fn start(place: &ClusterFolder) -> Result<()> {
    let path = |name: &str| place.path(name);
    let option = |name: &str, file: &str| format!("--{name}={}", path(file).display());
    run(Command::new(daemon("munged")).arg("--force").args([
        option("key-file", "munge.key"),
        option("socket", "munge.socket"),
        option("pid-file", "munged.pid"),
        option("log-file", "munged.log"),
        option("seed-file", "munged.seed"),
    ]))?;
    run(Command::new(daemon("slurmctld"))
        .arg("-c")
        .arg("-f")
        .arg(place.conf()))?;
    for node in NODES {
        run(Command::new(daemon("slurmd"))
            .arg("-f")
            .arg(place.conf())
            .args(["-N", node]))?;
    }
    let began = Instant::now();
    while idle_nodes(place) < NODES.len() {
        if began.elapsed() > START {
            bail!("its nodes take no jobs after {} s", START.as_secs());
        }
        sleep(PAUSE);
    }
    Ok(())
}

/// Debian's daemons are in a folder that the PATH of ordinary users lacks.
fn daemon(name: &str) -> PathBuf {
    let usual = Path::new("/usr/sbin").join(name);
    if usual.is_file() { usual } else { name.into() }
}

fn asks(place: &ClusterFolder, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("SLURM_CONF", place.conf());
    command
}

fn idle_nodes(place: &ClusterFolder) -> usize {
    let listing = output(asks(place, "sinfo").args(["-h", "-N", "-p", "main", "-o", "%T"]));
    listing.map_or(0, |listing| {
        listing.lines().filter(|state| *state == "idle").count()
    })
}

/// Whether a daemon of the cluster runs.
pub(super) fn any_runs(place: &ClusterFolder) -> bool {
    !daemons_of(place).is_empty()
}

/// Ends every job and every daemon, and waits for it. Nothing running is no error.
pub(super) fn stop(place: &ClusterFolder) -> Result<()> {
    let daemons = daemons_of(place);
    if daemons
        .iter()
        .any(|pid| name_of(*pid).as_deref() == Some("slurmctld"))
    {
        let _ = succeeds(
            asks(place, "scancel")
                .args(["--quiet", "--state=PENDING", "--user"])
                .arg(user()),
        );
        let _ = succeeds(
            asks(place, "scancel")
                .args(["--quiet", "--user"])
                .arg(user()),
        );
        wait_until(|| {
            output(asks(place, "squeue").arg("-h")).is_ok_and(|jobs| jobs.trim().is_empty())
        });
    }
    // Daemons first: they would start anew what is ended under them. Then what a node left that was killed itself.
    end(&daemons);
    end(&jobs_of(place));
    let left: Vec<i32> = daemons_of(place)
        .into_iter()
        .chain(jobs_of(place))
        .collect();
    if !left.is_empty() {
        bail!(
            "processes of the cluster in {} do not end: {left:?}",
            place.folder.display()
        );
    }
    Ok(())
}

fn user() -> String {
    output(Command::new("id").arg("-un"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Asks processes to end, and makes those that do not.
fn end(pids: &[i32]) {
    for signal in ["-TERM", "-KILL"] {
        let alive = || -> Vec<String> {
            let living = pids.iter().filter(|pid| name_of(**pid).is_some());
            living.map(i32::to_string).collect()
        };
        let living = alive();
        if living.is_empty() {
            return;
        }
        let _ = succeeds(Command::new("kill").arg(signal).args(&living));
        wait_until(|| alive().is_empty());
    }
}

fn wait_until(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() && began.elapsed() < END {
        sleep(PAUSE);
    }
}

/// The name of a process that lives.
fn name_of(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    // A zombie is dead, whoever has not noticed.
    (!rest.trim_start().starts_with('Z')).then(|| name.to_owned())
}

/// The daemons that were started with this configuration or its key.
fn daemons_of(place: &ClusterFolder) -> Vec<i32> {
    let folder = place.folder.to_string_lossy().into_owned();
    let is_ours = |pid: &i32| {
        let is_daemon = name_of(*pid)
            .is_some_and(|name| ["munged", "slurmctld", "slurmd"].contains(&name.as_str()));
        is_daemon && has(*pid, "cmdline", |word| word.contains(&format!("{folder}/")))
    };
    processes().into_iter().filter(is_ours).collect()
}

/// The processes of jobs: they, and what watches them, have the configuration in their environment. A shell in which
/// somebody set it has not the number of a job.
fn jobs_of(place: &ClusterFolder) -> Vec<i32> {
    let conf = format!("SLURM_CONF={}", place.conf().display());
    let is_ours = |pid: &i32| {
        let watches = name_of(*pid).is_some_and(|name| name.starts_with("slurmstepd"));
        let in_job = || has(*pid, "environ", |word| word.starts_with("SLURM_JOB_ID="));
        has(*pid, "environ", |word| word == conf) && (watches || in_job())
    };
    processes().into_iter().filter(is_ours).collect()
}

fn processes() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = std::process::id() as i32;
    entries
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|pid| *pid != own)
        .collect()
}

fn has(pid: i32, file: &str, wanted: impl Fn(&str) -> bool) -> bool {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split('\0').any(wanted)
}
