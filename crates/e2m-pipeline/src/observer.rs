//! What a running task tells, and the question whether it should stop.

/// Something that happened in a running task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stage begins.
    StageStarted {
        /// 1 to 4.
        stage: u8,
    },
    /// Rows went by.
    Progress {
        /// 1 to 4.
        stage: u8,
        /// What is being done, in a few words.
        what: &'static str,
        /// Rows done.
        rows: usize,
        /// Rows in all.
        of: usize,
    },
    /// A stage ended.
    StageFinished {
        /// 1 to 4.
        stage: u8,
        /// How long it took.
        seconds: f64,
        /// Whether its checkpoints were there already.
        skipped: bool,
    },
    /// Something the user should know, as a sentence.
    Note(String),
}

/// Watches a task.
pub trait Observer {
    /// Told of every event, from the thread that runs the task.
    fn on_event(&mut self, event: &Event);

    /// Asked between bands: `true` ends the task as interrupted, and nothing half-written remains.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_event(&mut self, _: &Event) {}
}
