//! A task of a batch, as it is shown.

use crate::task_size::TaskSize;

/// A task of a batch, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// Its index in the batch, from 0.
    pub index: usize,
    /// Tasks in the batch.
    pub of: usize,
    /// `CD070/DAPI`.
    pub name: String,
    /// The sizes of its images, where they can be read.
    pub size: Option<TaskSize>,
}

impl TaskView {
    /// `[2/3] CD070/DAPI`.
    pub fn label(&self) -> String {
        format!("[{}/{}] {}", self.index + 1, self.of, self.name)
    }
}
