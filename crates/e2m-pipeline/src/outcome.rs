//! What a task leaves for its caller.

use crate::error::PipelineError;
use crate::manifest::Manifest;
use crate::stage::Stage;
use crate::status::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a task failed of, for callers that go on differently; the words are in its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A raw image cannot be read, or changed on the way.
    RawImage,
    /// No trustworthy alignment.
    Alignment,
    /// No scale.
    Scale,
    /// Anything else: files, folders, memory, a defect.
    Other,
}

impl FailureKind {
    /// That of an error.
    pub(crate) fn of(error: &PipelineError) -> Self {
        match error {
            PipelineError::Raw(_) | PipelineError::RawChanged { .. } => Self::RawImage,
            PipelineError::Align(_) | PipelineError::AlignmentWrong(_) => Self::Alignment,
            PipelineError::Scale(_) => Self::Scale,
            _ => Self::Other,
        }
    }
}

/// The result of one task; there is always one, whatever happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskOutcome {
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// How it ended.
    pub status: Status,
    /// What it failed of, where it did so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureKind>,
    /// How long it took.
    pub seconds: f64,
    /// Peak memory of the process during the task.
    pub peak_rss_bytes: u64,
    /// Stages that were done, and not skipped.
    pub stages_done: Vec<Stage>,
    /// The messages to the user on the way.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// Where its manifest is, if there is one.
    pub manifest_path: Option<PathBuf>,
    /// What the manifest says.
    pub manifest: Option<Box<Manifest>>,
}

impl TaskOutcome {
    /// That of a task which got nowhere, for a reason outside of it: nothing is measured and nothing was made.
    pub fn failed(sample: &str, dye: &str, why: String) -> Self {
        Self {
            sample: sample.to_owned(),
            dye: dye.to_owned(),
            status: Status::Error(why),
            failure: None,
            seconds: 0.0,
            peak_rss_bytes: 0,
            stages_done: Vec::new(),
            notes: Vec::new(),
            interrupted: false,
            manifest_path: None,
            manifest: None,
        }
    }
}
