//! Exit codes.

use e2m_batch::{BatchEnding, PlanError, StartError};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All tasks are complete.
    Complete,
    /// A task failed.
    TaskFailed,
    /// The arguments or the batch file are wrong.
    BadInput,
    /// The check before the start found that memory or disk will not do.
    Refused,
    /// Raw files are missing or misnamed.
    RawFiles,
    /// All tasks are complete, but the verdict on some has doubts.
    Suspect,
    /// Stopped by the user.
    Interrupted,
}

impl Exit {
    /// All of them, in the order of the docs.
    pub const ALL: [Self; 7] = [
        Self::Complete,
        Self::TaskFailed,
        Self::BadInput,
        Self::Refused,
        Self::RawFiles,
        Self::Suspect,
        Self::Interrupted,
    ];

    /// The code that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete => BatchEnding::Complete.code(),
            Self::TaskFailed => BatchEnding::TaskFailed.code(),
            Self::BadInput => 2,
            Self::Refused => 3,
            Self::RawFiles => 4,
            Self::Suspect => BatchEnding::Suspect.code(),
            Self::Interrupted => BatchEnding::Interrupted.code(),
        }
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Complete => "all tasks are complete",
            Self::TaskFailed => "a task failed; the others went on",
            Self::BadInput => "bad arguments or batch file",
            Self::Refused => "refused before the start: not enough memory or disk",
            Self::RawFiles => "raw files missing or misnamed, nothing was run",
            Self::Suspect => "complete, but some results are suspect",
            Self::Interrupted => "interrupted; run again to go on",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<BatchEnding> for Exit {
    fn from(ending: BatchEnding) -> Self {
        match ending {
            BatchEnding::Complete => Self::Complete,
            BatchEnding::TaskFailed => Self::TaskFailed,
            BatchEnding::Suspect => Self::Suspect,
            BatchEnding::Interrupted => Self::Interrupted,
        }
    }
}

impl From<&PlanError> for Exit {
    fn from(error: &PlanError) -> Self {
        match error {
            PlanError::Layout(_) | PlanError::Missing { .. } | PlanError::Nothing { .. } => {
                Self::RawFiles
            }
            PlanError::BatchFile(_) | PlanError::Stages { .. } | PlanError::TooLong { .. } => {
                Self::BadInput
            }
        }
    }
}

impl From<&StartError> for Exit {
    fn from(error: &StartError) -> Self {
        match error {
            StartError::Refused(_) => Self::Refused,
            StartError::OutputDir(_) => Self::BadInput,
        }
    }
}

/// The table of exit codes in `--help`.
pub(crate) fn help() -> String {
    let lines: Vec<String> = Exit::ALL
        .iter()
        .map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning()))
        .collect();
    let skipped = "With strict_dyes = false, pairs that are missing are left out and listed, and do not change the code.";
    format!("Exit codes:\n{}\n{skipped}", lines.join("\n"))
}
