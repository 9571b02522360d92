//! What is shown of running tasks, however it is shown.

use crate::human;
use crate::task_size::TaskSize;
use e2m_pipeline::{Stage, TaskEvent};

/// A task, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct TaskView {
    /// Its place in the batch, from 0.
    pub(crate) index: usize,
    /// Tasks in the batch.
    pub(crate) of: usize,
    /// `CD070/DAPI`.
    pub(crate) name: String,
    /// Its images.
    pub(crate) size: Option<TaskSize>,
}

impl TaskView {
    /// `[2/3] CD070/DAPI`.
    pub(crate) fn label(&self) -> String {
        format!("[{}/{}] {}", self.index + 1, self.of, self.name)
    }
}

/// How far a step of a stage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// 1 to 4.
    pub(crate) stage: Stage,
    /// In a few words.
    pub(crate) what: String,
    /// Rows done.
    pub(crate) rows: usize,
    /// Rows in all.
    pub(crate) of: usize,
}

impl Step {
    /// 0 to 100.
    pub(crate) fn percent(&self) -> u64 {
        (100 * self.rows / self.of.max(1)) as u64
    }
}

/// Shows running tasks.
pub(crate) trait Show {
    /// A task begins.
    fn task_started(&mut self, task: &TaskView);
    /// Something happens in it.
    fn event(&mut self, task: &TaskView, event: &TaskEvent);
    /// Memory that the process which runs it holds, bytes.
    fn memory(&mut self, task: &TaskView, rss_bytes: u64);
    /// It was stopped and will begin again.
    fn task_put_back(&mut self, task: &TaskView);
    /// It has ended.
    fn task_finished(&mut self, task: &TaskView, end: &TaskEnd);
}

/// `stage 3 fine alignment`.
pub(crate) fn stage_name(stage: Stage) -> String {
    format!("stage {stage} {}", stage.name())
}

/// How a task has ended, for the line that says so.
#[derive(Debug, Clone)]
pub(crate) struct TaskEnd {
    /// `complete`, `suspect`, …
    pub(crate) how: &'static str,
    /// Why it is not complete.
    pub(crate) why: Option<String>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// The most memory in use.
    pub(crate) peak_rss_bytes: Option<u64>,
    /// Whether it had anything to do.
    pub(crate) worked: bool,
    /// Whether it went all the way, so that others of its size will take about as long.
    pub(crate) typical: bool,
}

/// The line that ends a task.
pub(crate) fn last_line(task: &TaskView, end: &TaskEnd, left: Option<f64>) -> String {
    let mut line = format!("{}  {}", task.label(), end.how);
    if end.worked {
        line.push_str(&format!(" in {}", human::seconds(end.seconds)));
    } else {
        line.push_str(", nothing to do");
    }
    let memory = end.peak_rss_bytes.filter(|_| end.worked);
    let memory = memory.map(|bytes| format!("peak memory {}", human::bytes(bytes)));
    let left = left.map(|left| format!("about {} left", human::about(left)));
    let aside: Vec<String> = memory.into_iter().chain(left).collect();
    if !aside.is_empty() {
        line.push_str(&format!(" ({})", aside.join("; ")));
    }
    if let Some(why) = &end.why {
        line.push_str(&format!(": {why}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines() {
        let task = TaskView {
            index: 1,
            of: 3,
            name: "CD070/DAPI".into(),
            size: None,
        };
        let mut end = TaskEnd {
            how: "complete",
            why: None,
            seconds: 12.34,
            peak_rss_bytes: Some(451_000_000),
            worked: true,
            typical: true,
        };
        assert_eq!(
            last_line(&task, &end, Some(11.5)),
            "[2/3] CD070/DAPI  complete in 12.3 s (peak memory 451 MB; about 12 s left)"
        );
        end.worked = false;
        assert_eq!(
            last_line(&task, &end, None),
            "[2/3] CD070/DAPI  complete, nothing to do"
        );
        let failed = TaskEnd {
            how: "failed",
            why: Some("no".into()),
            peak_rss_bytes: None,
            worked: true,
            ..end
        };
        assert_eq!(
            last_line(&task, &failed, None),
            "[2/3] CD070/DAPI  failed in 12.3 s: no"
        );
    }
}
