//! Everything that is wrong, in full, with what to do.

use super::BatchReport;
use super::results::{TaskEnding, TaskResult};
use crate::plan::missing_reason;
use e2m_pipeline::{Status, Verdict};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskProblem {
    /// The task it is about.
    pub task: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub to_do: String,
}

/// Everything that is wrong with a batch, in the order of its tasks.
pub fn problems(report: &BatchReport<'_>) -> Vec<TaskProblem> {
    let mut problems: Vec<TaskProblem> = report.results.iter().filter_map(of_task).collect();
    let missing = report.missing().map(|missing| TaskProblem {
        task: format!(
            "{}/{}",
            missing.sample,
            missing.dye.as_deref().unwrap_or("*")
        ),
        what: format!("left out: {}", missing_reason(missing)),
        to_do: "add or rename the file, then run again; what is complete is kept".into(),
    });
    problems.extend(missing);
    problems
}

fn of_task(result: &TaskResult) -> Option<TaskProblem> {
    let to_do = match (&result.status, result.ending()) {
        (Status::Complete, _) | (_, TaskEnding::NotBegun | TaskEnding::Queued) => return None,
        (Status::Suspect(_), _) if is_of_pair(result) => format!(
            "look at the raw images {} and {}; docs/trust.md tells what each reason means; the record is {}",
            result.post.display(),
            result.pre.display(),
            result
                .manifest
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
        ),
        (Status::Suspect(_), _) if is_of_scale(result) => format!(
            "look at pipeline_output/ratio_histogram….png before you trust the difference; docs/trust.md tells what each reason means; the record is {}",
            result
                .manifest
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
        ),
        (Status::Suspect(_), _) => format!(
            "look at pipeline_output/registration_residual….png and at the aligned images before you trust them; the record is {}",
            result
                .manifest
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
        ),
        (Status::Incomplete(_), _) => "run again; finished stages are kept".into(),
        (Status::Error(why), _) => remedy(why, result),
    };
    Some(TaskProblem {
        task: result.name(),
        what: what(result),
        to_do,
    })
}

/// How it ended, and what an error does not say of the pair.
fn what(result: &TaskResult) -> String {
    let mut what = result.status.to_string();
    if matches!(result.status, Status::Error(_)) {
        for doubt in &result.doubts {
            what.push_str(&format!("; besides, {doubt}"));
        }
    }
    what
}

/// Whether neither alignment nor scale is doubtful: what is then is the pair.
fn is_of_pair(result: &TaskResult) -> bool {
    let is_fine = |verdict: Option<Verdict>| verdict.is_none_or(|v| v == Verdict::Pass);
    !result.doubts.is_empty() && is_fine(result.verdict) && is_fine(result.scale_verdict)
}

/// Whether only the scale is doubtful.
fn is_of_scale(result: &TaskResult) -> bool {
    result.verdict == Some(Verdict::Pass) && result.scale_verdict == Some(Verdict::Suspect)
}

/// What to do about a failed task.
fn remedy(why: &str, result: &TaskResult) -> String {
    let (post, pre) = (result.post.display(), result.pre.display());
    if why.starts_with("internal error") {
        "the other tasks are not affected".into()
    } else if let Some(to_do) = of_worker(why) {
        format!("{to_do}, then run again; what is complete is kept")
    } else if why.contains(" while it was read; ") {
        "wait until nothing writes to the raw images any more, then run again".into()
    } else if why.starts_with("alignment failed") {
        format!(
            "no difference image was made. Check that both images show the same section and are bright enough \
             (`e2m survey` shows their channels): {post} and {pre}"
        )
    } else if [&result.post, &result.pre]
        .iter()
        .any(|path| why.contains(&*path.to_string_lossy()))
    {
        "replace the file, for instance by exporting it again, then run again; what is complete is kept".into()
    } else {
        format!(
            "mend that, then run again; what is complete is kept. The raw images are {post} and {pre}"
        )
    }
}

/// What to do about a worker's end.
fn of_worker(why: &str) -> Option<&'static str> {
    let remedies = [
        (
            "memory limit ",
            "set memory_limit above the peak (on a cluster, memory in [slurm]), or use a smaller pad or fewer threads",
        ),
        (
            "subprocess killed (likely OOM)",
            "use fewer workers (n_workers) or a smaller pad, or close other programs (`e2m check` tells what is needed); on a cluster, set memory in [slurm]",
        ),
        (
            "subprocess timed out",
            "set timeout_per_task higher (on a cluster, time in [slurm]), if the task is to take so long",
        ),
        (
            "subprocess killed by signal",
            "look at what the worker wrote to its standard error (report.html has it); the other tasks are not affected. If it happens again, please report it with the output of -v",
        ),
        (
            "subprocess exited",
            "look at what the worker wrote to its standard error (report.html has it). If it happens again, please report it with the output of -v",
        ),
        (
            "job ended by the cluster",
            "ask SLURM or its administrators why (`sacct` tells more), then submit again; what is complete is kept",
        ),
        (
            "stopped ",
            "close other programs, or set min_available lower or n_workers to fewer",
        ),
    ];
    let known = remedies.iter().find(|(text, _)| why.starts_with(text));
    let too_large = why.contains("ulimit -f") || why.contains("os error 27");
    let disk_full = why.contains("No space left on device") || why.contains("os error 28");
    let over_quota = why.contains("quota exceeded") || why.contains("os error 122");
    let read_only = why.contains("Read-only file system") || why.contains("Permission denied");
    known.map(|(_, to_do)| *to_do).or(match () {
        () if too_large => Some(
            "raise the file size limit of the shell that starts e2m (`ulimit -f unlimited`; on a cluster, that of its jobs), or have it raised",
        ),
        () if over_quota => Some(
            "make room in your quota on the disk of output_dir, or have it raised (`e2m check` tells how much is needed)",
        ),
        () if disk_full => {
            Some("make room on the disk of output_dir (`e2m check` tells how much is needed)")
        }
        () if read_only => Some("make output_dir writable, or name another"),
        () => None,
    })
}
