//! What a task leaves for its caller.

use crate::manifest::Manifest;
use crate::stage::Stage;
use crate::status::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The result of one task; there is always one, whatever happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskOutcome {
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// How it ended.
    pub status: Status,
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
