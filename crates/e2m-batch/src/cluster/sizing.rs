//! What a job asks for: from the plan of its task, or from `[slurm]`.

use crate::batch_file::SlurmSettings;
use crate::batch_file::values::{AutoCount, Lines, MemoryGate, WallTime};
use crate::inspect::Preview;
use crate::plan::Plan;
use e2m_pipeline::TaskPreview;
use e2m_resources::Need;
use e2m_schedule::slurm::{Demand, Site};

/// Processors of a task where nobody says: a pair takes twice as long with one as with two, and gains little beyond four.
const CPUS: usize = 4;
/// A plan takes no more of a job's memory than this, per cent, so that the check on the node finds it comfortable.
const COMFORTABLE: u64 = 80;
/// Memory is asked for in steps.
const STEP_BYTES: u64 = 64 << 20;
/// Of a task that cannot be looked at: its job will say why.
const UNKNOWN_BYTES: u64 = 512 << 20;

/// Time that every task is given, for starting and for slow file systems, seconds.
const BASE_SECONDS: f64 = 600.0;
/// A file system across a network that many use may write no faster, bytes per second.
const WRITE_BYTES_PER_SECOND: f64 = 20e6;
/// A pixel of the canvas takes one processor so long, seconds; six times what docs/benchmarks.md has.
const PIXEL_SECONDS: f64 = 2e-7;
/// Time is asked for in steps.
const STEP_SECONDS: u64 = 300;
/// So long before its time is up a job is warned, seconds: SLURM may be a minute late …
const WARN_SECONDS: u64 = 120;
/// … but not after more than this part of it.
const WARN_PART: u64 = 4;
/// Memory and time of the job that collects: a report holds the pictures of one task at a time.
const COLLECT_BYTES: u64 = 1 << 30;
const COLLECT_SECONDS: u64 = 1800;
const COLLECT_SECONDS_PER_TASK: u64 = 2;

/// Processors of one task.
pub fn cpus(plan: &Plan) -> usize {
    match (plan.slurm.cpus, plan.execution.threads) {
        (AutoCount::Exactly(count), _) | (AutoCount::Auto, AutoCount::Exactly(count)) => {
            count.get()
        }
        (AutoCount::Auto, AutoCount::Auto) => CPUS,
    }
}

/// What the job of a task asks for.
pub(super) fn demand(plan: &Plan, need: &Need, preview: &Preview, cpus: usize) -> Demand {
    let planned = match plan.resources.memory_gate {
        MemoryGate::Plan => need.plan_bytes,
        MemoryGate::Rule => need.rule_bytes,
    };
    let planned = if preview.is_ok() {
        with_headroom(planned)
    } else {
        UNKNOWN_BYTES
    };
    let seconds = preview.as_ref().map_or(0.0, |preview| {
        let pixels = canvas_pixels(preview) as f64;
        preview.disk_bytes as f64 / WRITE_BYTES_PER_SECOND + pixels * PIXEL_SECONDS / cpus as f64
    });
    let seconds = ((BASE_SECONDS + seconds) as u64).div_ceil(STEP_SECONDS) * STEP_SECONDS;
    Demand {
        memory_bytes: plan.slurm.memory.map_or(planned, |memory| memory.0),
        seconds: plan.slurm.time.as_ref().map_or(seconds, WallTime::seconds),
    }
}

fn with_headroom(bytes: u64) -> u64 {
    let comfortable = bytes.saturating_mul(100).div_ceil(COMFORTABLE);
    comfortable.div_ceil(STEP_BYTES).max(1) * STEP_BYTES
}

/// The limit of a task that died of memory: half as much again.
pub(super) fn raised(memory_bytes: u64) -> u64 {
    memory_bytes.saturating_mul(3) / 2
}

/// So long before its time is up a job is warned: what is under way is finished, which takes as long as a whole file may
/// take to be copied.
pub(super) fn warn_seconds(seconds: u64, file_bytes: u64) -> u64 {
    let copy = (file_bytes as f64 / WRITE_BYTES_PER_SECOND) as u64;
    (WARN_SECONDS + copy).min(seconds / WARN_PART)
}

/// The largest file of a task, bytes.
pub(super) fn file_bytes(preview: &Preview) -> u64 {
    preview
        .as_ref()
        .map_or(0, |preview| 4 * canvas_pixels(preview))
}

fn canvas_pixels(preview: &TaskPreview) -> u64 {
    let (larger, pad) = (preview.post.max(preview.pre), 2 * preview.memory.pad);
    (larger.width + pad) as u64 * (larger.height + pad) as u64
}

/// What the job asks for that collects the results of so many tasks.
pub(super) fn collector(tasks: usize, settings: &SlurmSettings) -> Demand {
    let seconds = COLLECT_SECONDS + COLLECT_SECONDS_PER_TASK * tasks as u64;
    // Where jobs may not take longer than that.
    let longest = settings.time.as_ref().map_or(u64::MAX, WallTime::seconds);
    Demand {
        memory_bytes: COLLECT_BYTES,
        seconds: seconds.min(longest),
    }
}

/// An option of sbatch in `extra` that e2m sets itself, and what to do instead.
pub(super) fn not_extra(settings: &SlurmSettings) -> Option<(String, &'static str)> {
    const OWN: [(&[&str], &str); 8] = [
        (
            &["--mem", "--mem-per-cpu", "--mem-per-gpu"],
            "set memory under [slurm]",
        ),
        (&["--time", "-t"], "set time under [slurm]"),
        (
            &["--cpus-per-task", "-c", "--ntasks", "-n", "--nodes", "-N"],
            "set cpus under [slurm]",
        ),
        (
            &["--array", "-a"],
            "set max_running under [slurm] to limit how many run",
        ),
        (
            &["--output", "-o", "--error", "-e", "--open-mode"],
            "the logs have to be where e2m finds them",
        ),
        (
            &["--signal", "--requeue", "--no-requeue"],
            "jobs would not go on where they were stopped",
        ),
        (
            &["--dependency", "-d", "--wait", "-W", "--wrap"],
            "the last job would not wait for the others",
        ),
        (
            &["--clusters", "-M"],
            "submit from a machine of that cluster",
        ),
    ];
    let mut lines = settings.extra.iter().flat_map(|lines| &lines.0);
    lines.find_map(|line| {
        let mut options = line.trim().trim_start_matches("#SBATCH").split_whitespace();
        options.find_map(|option| {
            let name = option.split('=').next().unwrap_or(option);
            let own = OWN.iter().find(|(names, _)| names.contains(&name));
            own.map(|(_, instead)| (name.to_owned(), *instead))
        })
    })
}

/// What is particular to the cluster.
pub(super) fn site(settings: &SlurmSettings) -> Site {
    let lines = |lines: &Option<Lines>| {
        lines
            .as_ref()
            .map_or_else(Vec::new, |lines| lines.0.clone())
    };
    Site {
        partition: settings.partition.clone(),
        account: settings.account.clone(),
        qos: settings.qos.clone(),
        constraint: settings.constraint.clone(),
        extra: lines(&settings.extra),
        setup: lines(&settings.setup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_comfortable_in_what_is_asked_for() {
        for plan in [0, 1, 120_000_000, 987_654_321, 4_000_000_000] {
            let asked = with_headroom(plan);
            assert!(
                plan <= asked / 100 * COMFORTABLE + COMFORTABLE,
                "{plan} {asked}"
            );
            assert_eq!(asked % STEP_BYTES, 0);
            assert!(asked <= plan * 5 / 4 + STEP_BYTES + 1, "{plan} {asked}");
        }
        assert_eq!(raised(1000), 1500);
    }

    #[test]
    fn a_warning_leaves_most_of_a_short_time() {
        assert_eq!(warn_seconds(7200, 10_000_000), 120);
        assert_eq!(warn_seconds(7200, 4_000_000_000), 320);
        assert_eq!(warn_seconds(240, 4_000_000_000), 60);
    }
}
