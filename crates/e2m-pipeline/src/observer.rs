//! What a running task tells, and the question whether it should stop.

use crate::stage::Stage;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Something that happened in a running task. As JSON `{"kind": "progress", "stage": 2, …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskEvent {
    /// A stage begins.
    StageStarted {
        /// Which.
        stage: Stage,
    },
    /// Rows went by.
    Progress {
        /// Which.
        stage: Stage,
        /// What is being done, in a few words.
        what: Cow<'static, str>,
        /// Rows done.
        rows: usize,
        /// Rows in all.
        of: usize,
    },
    /// A stage ended.
    StageFinished {
        /// Which.
        stage: Stage,
        /// How long it took.
        seconds: f64,
        /// Whether its checkpoints were there already.
        skipped: bool,
    },
    /// Something the user should know.
    Note {
        /// A sentence.
        text: String,
    },
}

/// Watches a task.
pub trait Observer {
    /// Receives every event, from the thread that runs the task.
    fn on_event(&mut self, event: &TaskEvent);

    /// Asked between bands: `true` ends the task as interrupted, and nothing half-written remains.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_event(&mut self, _: &TaskEvent) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_from_json() {
        let events = [
            TaskEvent::StageStarted { stage: Stage::Pad },
            TaskEvent::Progress {
                stage: Stage::Coarse,
                what: "reading".into(),
                rows: 3,
                of: 4,
            },
            TaskEvent::StageFinished {
                stage: Stage::Fine,
                seconds: 0.1,
                skipped: false,
            },
            TaskEvent::Note { text: "n".into() },
        ];
        for event in events {
            let json = serde_json::to_value(&event).expect("it can be written");
            assert_eq!(
                serde_json::from_value::<TaskEvent>(json).expect("it can be read"),
                event
            );
        }
    }
}
