//! Why a job left no answer: from what SLURM says of it, and from its log.

use crate::WorkerError;

/// How a job ended, by what SLURM remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobExit {
    /// SLURM's word: `FAILED`, `OUT_OF_MEMORY`, `TIMEOUT`, …
    pub state: String,
    /// The exit code.
    pub code: i32,
    /// The signal that ended it; 0 for none.
    pub signal: i32,
    /// How long it ran, seconds.
    pub seconds: u64,
}

const SIGKILL: i32 = 9;

/// Why a job ended without an answer, in the words of the other runners.
///
/// `end` is what SLURM remembers, if it does; `log` the end of what stands in the job's log, where the daemon on the node says
/// why it kills; `memory_bytes` what the job was given.
pub fn why_it_ended(end: Option<&JobExit>, log: &str, memory_bytes: u64) -> WorkerError {
    if let Some((peak_bytes, limit_bytes)) = log.lines().rev().find_map(over_limit) {
        return WorkerError::MemoryLimit {
            limit_bytes,
            peak_bytes,
        };
    }
    let state = end.map_or("", |end| end.state.as_str());
    let killed = log.lines().any(tells_of_oom_kill);
    if state == "OUT_OF_MEMORY" || killed {
        return WorkerError::LikelyOom { confirmed: true };
    }
    let seconds = end.map_or(0, |end| end.seconds);
    if state == "TIMEOUT" || log.contains("DUE TO TIME LIMIT") {
        return WorkerError::TimedOut { seconds };
    }
    match (state, end) {
        ("CANCELLED" | "NODE_FAIL" | "BOOT_FAIL" | "PREEMPTED" | "DEADLINE" | "REVOKED", _) => {
            WorkerError::EndedByCluster {
                state: state.to_owned(),
            }
        }
        // The daemon says that it ends the job, but not why.
        (_, None) if log.contains(" CANCELLED AT ") => WorkerError::EndedByCluster {
            state: "CANCELLED".to_owned(),
        },
        (_, Some(end)) if end.signal == SIGKILL && memory_bytes > 0 => {
            WorkerError::LikelyOom { confirmed: false }
        }
        (_, Some(end)) if end.signal != 0 => WorkerError::KilledBySignal { signal: end.signal },
        (_, Some(end)) => WorkerError::ExitedWithoutResult { code: end.code },
        (_, None) => WorkerError::Lost {
            reason: "SLURM does not remember the job".to_owned(),
        },
    }
}

/// `StepId=2.batch exceeded memory limit (433152000 > 209715200), being killed`: what was held, and the limit, bytes.
fn over_limit(line: &str) -> Option<(u64, u64)> {
    let (_, behind) = line.split_once("exceeded memory limit (")?;
    let (numbers, _) = behind.split_once(')')?;
    let (held, limit) = numbers.split_once('>')?;
    Some((held.trim().parse().ok()?, limit.trim().parse().ok()?))
}

/// Whether a line is the daemon's word on a kill by the kernel or by itself for memory, in any of its versions.
fn tells_of_oom_kill(line: &str) -> bool {
    let daemons = line.starts_with("slurmstepd") || line.starts_with("slurmd");
    let words = [
        "oom-kill",
        "oom_kill",
        "out-of-memory handler",
        "Exceeded job memory limit",
        "Exceeded step memory limit",
        "OOM Killed",
    ];
    daemons && words.iter().any(|word| line.contains(word))
}

/// The state in what `scontrol show job --oneliner` answers about one job.
pub(super) fn state_of_scontrol(text: &str) -> Option<String> {
    field(text, "JobState").map(str::to_owned)
}

/// What `scontrol show job --oneliner` answers about an array: how each of its jobs is, by number. Those that wait have one
/// line for many.
pub(super) fn of_scontrol(text: &str) -> Vec<(usize, JobExit)> {
    let of_line = |line: &str| {
        let (code, signal) = exit_code(field(line, "ExitCode")?)?;
        let end = JobExit {
            state: field(line, "JobState")?.to_owned(),
            code,
            signal,
            seconds: field(line, "RunTime").and_then(clock).unwrap_or(0),
        };
        Some((field(line, "ArrayTaskId")?.parse().ok()?, end))
    };
    text.lines().filter_map(of_line).collect()
}

/// Whether the same answer says that the job is being preempted, and not that an earlier start of it was.
pub(super) fn preempted_since_start(text: &str) -> bool {
    // Times of one form are in the order of their texts.
    let is_time = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
    let preempted = field(text, "PreemptTime").filter(is_time);
    let started = field(text, "StartTime").filter(is_time);
    preempted.is_some_and(|preempted| started.is_none_or(|started| preempted >= started))
}

fn field<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let mut words = line.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// What `sacct` answers about an array with `--parsable2 --format=JobID,State,ExitCode,ElapsedRaw`: of jobs that were started
/// more than once the last line counts, which comes last.
pub(super) fn of_sacct(text: &str) -> Vec<(usize, JobExit)> {
    let of_line = |line: &str| {
        let mut fields = line.split('|');
        let number = fields.next()?.split_once('_')?.1.parse().ok()?;
        let state = fields.next()?.split(' ').next()?;
        let (code, signal) = exit_code(fields.next()?)?;
        let end = JobExit {
            state: state.to_owned(),
            code,
            signal,
            seconds: fields.next()?.trim().parse().unwrap_or(0),
        };
        Some((number, end))
    };
    text.lines().filter_map(of_line).collect()
}

/// `1:9`: the exit code and the signal.
fn exit_code(text: &str) -> Option<(i32, i32)> {
    let (code, signal) = text.split_once(':')?;
    Some((code.parse().ok()?, signal.parse().ok()?))
}

/// `1-02:03:04` or `02:03:04` in seconds.
fn clock(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let days: u64 = days.parse().ok()?;
    let day = rest.split(':').try_fold(0_u64, |sum, part| {
        sum.checked_mul(60)?.checked_add(part.parse().ok()?)
    })?;
    days.checked_mul(86_400)?.checked_add(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(state: &str, code: i32, signal: i32) -> JobExit {
        JobExit {
            state: state.into(),
            code,
            signal,
            seconds: 90,
        }
    }

    #[test]
    fn what_scontrol_remembers() {
        let text = "JobId=2 ArrayJobId=1 ArrayTaskId=1 JobName=j.sh JobState=FAILED Reason=JobLaunchFailure Dependency=(null) Requeue=1 \
                    ExitCode=0:9 RunTime=1-00:00:01 TimeLimit=00:05:00\n\
                    JobId=1 ArrayJobId=1 ArrayTaskId=2-5%2 JobState=PENDING ExitCode=0:0 RunTime=00:00:00\n";
        let end = JobExit {
            state: "FAILED".into(),
            code: 0,
            signal: 9,
            seconds: 86_401,
        };
        assert_eq!(of_scontrol(text), [(1, end)]);
        assert_eq!(state_of_scontrol(text).as_deref(), Some("FAILED"));
        assert_eq!(
            of_scontrol("slurm_load_jobs error: Invalid job id specified"),
            []
        );
    }

    #[test]
    fn preemption_is_told_from_that_of_an_earlier_start() {
        let is_preempted = |preempt: &str| {
            preempted_since_start(&format!(
                "JobId=1 JobState=RUNNING StartTime=2026-11-27T03:02:17 PreemptTime={preempt} End=x"
            ))
        };
        assert!(is_preempted("2026-11-27T03:02:21"));
        assert!(!is_preempted("2026-11-27T03:01:00"));
        assert!(!is_preempted("None"));
    }

    #[test]
    fn what_sacct_remembers() {
        let text =
            "12_3|NODE_FAIL|0:0|12\n12_3|CANCELLED by 1000|0:15|61\n12_[4-7]|PENDING|0:0|0\n";
        let found = of_sacct(text);
        assert_eq!(found.len(), 2);
        let (number, last) = &found[1];
        assert_eq!(
            (*number, last.state.as_str(), last.signal, last.seconds),
            (3, "CANCELLED", 15, 61)
        );
        assert_eq!(of_sacct("Slurm accounting storage is disabled"), []);
    }

    #[test]
    fn the_daemon_that_watches_memory_says_how_much_it_was() {
        let log = "starts\nslurmstepd-n1: error: StepId=2.batch exceeded memory limit (433152000 > 209715200), being killed\n\
                   slurmstepd-n1: error: *** JOB 2 ON n1 CANCELLED AT 2026-11-27T01:33:58 ***\n";
        let why = why_it_ended(Some(&end("FAILED", 0, 9)), log, 209_715_200);
        assert_eq!(
            why,
            WorkerError::MemoryLimit {
                limit_bytes: 209_715_200,
                peak_bytes: 433_152_000
            }
        );
    }

    #[test]
    fn the_kernel_kills_for_memory() {
        let memory = WorkerError::LikelyOom { confirmed: true };
        assert_eq!(
            why_it_ended(Some(&end("OUT_OF_MEMORY", 0, 125)), "", 1),
            memory
        );
        let log = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch. Some of your processes may have been killed by the cgroup out-of-memory handler.";
        assert_eq!(why_it_ended(None, log, 1), memory);
        assert_eq!(
            why_it_ended(Some(&end("FAILED", 0, 9)), "", 1),
            WorkerError::LikelyOom { confirmed: false }
        );
        // What a program prints itself is no evidence.
        let own = "my oom-kill test";
        assert_eq!(
            why_it_ended(Some(&end("FAILED", 3, 0)), own, 1),
            WorkerError::ExitedWithoutResult { code: 3 }
        );
    }

    #[test]
    fn other_ends() {
        let said = |end: &JobExit| why_it_ended(Some(end), "", 1).to_string();
        assert_eq!(
            said(&end("TIMEOUT", 0, 15)),
            "subprocess timed out after 90s"
        );
        assert_eq!(
            said(&end("CANCELLED", 0, 15)),
            "job ended by the cluster (CANCELLED)"
        );
        assert_eq!(
            said(&end("NODE_FAIL", 0, 0)),
            "job ended by the cluster (NODE_FAIL)"
        );
        assert_eq!(
            said(&end("FAILED", 127, 0)),
            "subprocess exited 127 with no result"
        );
        assert_eq!(
            said(&end("FAILED", 0, 11)),
            "subprocess killed by signal 11"
        );
        let log = "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-27T01:33:58 DUE TO TIME LIMIT ***";
        assert_eq!(
            why_it_ended(None, log, 1),
            WorkerError::TimedOut { seconds: 0 }
        );
        assert!(matches!(
            why_it_ended(None, "", 1),
            WorkerError::Lost { .. }
        ));
    }

    #[test]
    fn clocks() {
        assert_eq!(clock("00:01:30"), Some(90));
        assert_eq!(clock("2-01:00:00"), Some(2 * 86_400 + 3600));
        assert_eq!(clock("x"), None);
    }
}
