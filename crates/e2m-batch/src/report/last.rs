//! What the last run left of the batch as a whole: the rows of `e2m_batch.json`.

use super::results::{JSON_NAME, TaskResult};
use e2m_io::{MissingPair, task_dir};
use e2m_pipeline::{Status, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rows that the last run left, by sample and dye.
#[derive(Debug, Default)]
pub(crate) struct LastResults {
    rows: BTreeMap<(String, String), TaskResult>,
    output_dir: PathBuf,
}

impl LastResults {
    /// Reads them; none where there are none, or they cannot be read.
    pub(crate) fn read(output_dir: &Path) -> Self {
        let text = std::fs::read_to_string(output_dir.join(JSON_NAME)).unwrap_or_default();
        let batch: Value = serde_json::from_str(&text).unwrap_or_default();
        let tasks = batch.get("tasks").and_then(Value::as_array);
        let row = |task: &Value| {
            let row: TaskResult = serde_json::from_value(task.clone()).ok()?;
            let name = (row.sample.clone(), row.dye.clone());
            Some((name, row.with_record_in(output_dir)))
        };
        Self {
            rows: tasks.into_iter().flatten().filter_map(row).collect(),
            output_dir: output_dir.to_owned(),
        }
    }

    /// Takes the row of a task.
    pub(super) fn take(&mut self, task: &TaskSpec) -> Option<TaskResult> {
        self.rows.remove(&(task.sample.clone(), task.dye.clone()))
    }

    /// Drops the row of a task whose images are missing: it is told as such.
    pub(super) fn drop_missing(&mut self, missing: &MissingPair) {
        if let Some(dye) = &missing.dye {
            self.rows.remove(&(missing.sample.clone(), dye.clone()));
        }
    }

    /// Why a task failed, if it did.
    pub(crate) fn error_of(&self, task: &TaskSpec) -> Option<&str> {
        let row = self.rows.get(&(task.sample.clone(), task.dye.clone()))?;
        match &row.status {
            Status::Error(why) => Some(why),
            _ => None,
        }
    }

    /// The result of a task that failed, if it did.
    pub(crate) fn failure_of(&self, task: &TaskSpec) -> Option<TaskResult> {
        let status = Status::Error(self.error_of(task)?.to_owned());
        Some(TaskResult::failed(task, status))
    }

    /// The rows that are left whose tasks still have a folder: the batch file does not name them any more, or their raw images
    /// are gone.
    pub(super) fn with_folder(self) -> impl Iterator<Item = TaskResult> {
        let output_dir = self.output_dir;
        let has_folder = move |row: &TaskResult| {
            // No file is trusted: names lead nowhere else.
            task_dir(&output_dir, &row.sample, &row.dye).is_ok_and(|folder| folder.is_dir())
        };
        self.rows.into_values().filter(has_folder)
    }
}
