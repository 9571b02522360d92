//! How a batch ends as a whole.

/// How a batch ended as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnding {
    /// All tasks are complete.
    Complete,
    /// A task failed or was not done, or results could not be written.
    TaskFailed,
    /// All tasks are complete, but the verdict on some has doubts.
    Suspect,
    /// Stopped before all was done.
    Interrupted,
}

impl BatchEnding {
    /// Its number in `e2m_batch.json` and `events.jsonl`, which is also the exit code of the program `e2m`.
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::TaskFailed => 1,
            Self::Suspect => 5,
            Self::Interrupted => 130,
        }
    }
}
