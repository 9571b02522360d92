//! What can go wrong, with the facts, and the sentences that users read.

use crate::amount::Gigabytes;
use crate::{JobEnding, StopReason};
use std::path::PathBuf;

/// Why a task has no answer. The texts are documented: other programs may look for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// SIGKILL, and not from us.
    #[error("subprocess killed (likely OOM)")]
    LikelyOom {
        /// Whether the counter of out-of-memory kills rose meanwhile.
        confirmed: bool,
    },
    /// Another signal.
    #[error("subprocess killed by signal {signal}")]
    KilledBySignal {
        /// Its number.
        signal: i32,
    },
    /// It ended by itself.
    #[error("subprocess exited {code} with no result")]
    ExitedWithoutResult {
        /// The exit code.
        code: i32,
    },
    /// The task took longer than [`Options::timeout`](crate::Options::timeout).
    #[error("subprocess timed out after {seconds}s")]
    TimedOut {
        /// The limit, rounded up to whole seconds.
        seconds: u64,
    },
    /// The worker held more than [`Options::memory_limit_bytes`](crate::Options::memory_limit_bytes).
    #[error("memory limit {} exceeded (peak {})", Gigabytes(*limit_bytes), Gigabytes(*peak_bytes))]
    MemoryLimit {
        /// The limit.
        limit_bytes: u64,
        /// The most that was seen.
        peak_bytes: u64,
    },
    /// It wrote what is no message, or a message out of turn.
    #[error("subprocess broke the protocol: {what}")]
    BrokeProtocol {
        /// What it did.
        what: String,
    },
    /// Its first line was no greeting.
    #[error(
        "subprocess did not say hello but `{found}`; check that {} is a worker of this program",
        program.display()
    )]
    HandshakeMissing {
        /// What was started.
        program: PathBuf,
        /// The beginning of the line.
        found: String,
    },
    /// It lives and says nothing.
    #[error(
        "subprocess did not say hello within {seconds}s; check that {} is a worker of this program and starts on this machine",
        program.display()
    )]
    HandshakeLate {
        /// What was started.
        program: PathBuf,
        /// How long it had, rounded up to whole seconds.
        seconds: u64,
    },
    /// The system could not start it.
    #[error(
        "subprocess could not be started: {}: {reason}; check that it exists and may be executed",
        program.display()
    )]
    NotStarted {
        /// What was to be started.
        program: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The system has no thread for it.
    #[error(
        "no thread could be started for the task: {reason}; end other programs or raise `ulimit -u`"
    )]
    NoThread {
        /// What the system says.
        reason: String,
    },
    /// It closed its pipes, so nobody can talk with it any more.
    #[error("subprocess closed its pipes while it was still running")]
    ClosedPipes,
    /// It has exited, and its exit status went to somebody else.
    #[error("subprocess ended, and how is unknown: {reason}")]
    Lost {
        /// What the system says.
        reason: String,
    },
    /// A job that the cluster ended: cancelled, or its node failed.
    #[error("job ended by the cluster ({state})")]
    EndedByCluster {
        /// SLURM's word for how: `CANCELLED`, `NODE_FAIL`, …
        state: String,
    },
    /// It was asked to stop, said nothing, and was killed.
    #[error("subprocess was asked to stop, did not within {seconds}s, and was killed")]
    Unresponsive {
        /// How long it had since it was asked to stop, whole seconds.
        seconds: u64,
    },
    /// The watchdog gave up on the task.
    #[error(
        "stopped {times} times, the last time because {reason}; use fewer workers or close other programs"
    )]
    LowMemory {
        /// How often it was stopped.
        times: u32,
        /// The numbers of the last time.
        reason: StopReason,
    },
    /// The handler panicked.
    #[error("task panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The task's description is longer than a message may be.
    #[error(
        "the task takes {bytes} bytes to describe, more than the {limit} that a message to a subprocess may have"
    )]
    TaskTooLong {
        /// Its length.
        bytes: usize,
        /// What a message may have.
        limit: usize,
    },
    /// The answer is longer than a message may be.
    #[error(
        "the task's answer has {bytes} bytes, more than the {limit} that a message of a subprocess may have"
    )]
    AnswerTooLong {
        /// Its length.
        bytes: usize,
        /// What a message may have.
        limit: usize,
    },
}

impl WorkerError {
    /// Whether the worker ran out of memory: the only failures after which a task is tried again.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::LikelyOom { .. } | Self::MemoryLimit { .. })
    }
}

/// What each side of a handshake is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the worker is version {worker_version} (protocol {worker_protocol}), this program is version {version} \
     (protocol {protocol}); start both from the same installation"
)]
pub struct VersionMismatch {
    /// The scheduler's version.
    pub version: String,
    /// The scheduler's protocol.
    pub protocol: u32,
    /// The worker's version.
    pub worker_version: String,
    /// The worker's protocol.
    pub worker_protocol: u32,
}

/// Why a batch could not be run to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The runner needs worker processes and was not told how to start them.
    #[error("{runner} runs tasks in worker processes, and no command for them was given")]
    NoWorkerCommand {
        /// The runner's name.
        runner: &'static str,
    },
    /// A worker is another program. No task was given to it, and none was begun any more.
    #[error("{mismatch}")]
    VersionMismatch {
        /// The two versions.
        mismatch: VersionMismatch,
        /// How the jobs ended until then, in their order; those not begun say so.
        endings: Vec<JobEnding>,
    },
}

/// Why a worker ended without a command to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The pipes could not be set up.
    #[error(
        "standard input and output could not be set up for talking with the scheduler: {source}"
    )]
    Pipes {
        /// What the system says.
        source: std::io::Error,
    },
    /// Reading or writing failed.
    #[error("the scheduler cannot be heard or told any more: {source}")]
    Broken {
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no scheduler at the other end.
    #[error(
        "standard input says `{found}` where the scheduler would say hello; a worker is started by a batch, not by hand"
    )]
    NoHandshake {
        /// The beginning of the line; empty at the end of input.
        found: String,
    },
    /// The scheduler said what is no message.
    #[error("the scheduler broke the protocol: {what}")]
    BrokeProtocol {
        /// What it said.
        what: String,
    },
    /// The scheduler is another program.
    #[error("{0}")]
    VersionMismatch(VersionMismatch),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other programs may look for these.
    #[test]
    fn fixed_texts() {
        let texts = [
            (
                WorkerError::LikelyOom { confirmed: true },
                "subprocess killed (likely OOM)",
            ),
            (
                WorkerError::KilledBySignal { signal: 11 },
                "subprocess killed by signal 11",
            ),
            (
                WorkerError::ExitedWithoutResult { code: 3 },
                "subprocess exited 3 with no result",
            ),
            (
                WorkerError::TimedOut { seconds: 1800 },
                "subprocess timed out after 1800s",
            ),
            (
                WorkerError::MemoryLimit {
                    limit_bytes: 4_000_000_000,
                    peak_bytes: 4_125_000_000,
                },
                "memory limit 4.00 GB exceeded (peak 4.12 GB)",
            ),
        ];
        for (error, text) in texts {
            assert_eq!(error.to_string(), text);
        }
    }
}
