//! What is shown of running tasks, however it is shown.

use e2m_batch::{BatchEvent, TaskEnding, TaskResult, TaskView, human};
use e2m_pipeline::{Stage, Status};

/// Shows running tasks.
pub(crate) trait Show {
    /// A task begins.
    fn task_started(&mut self, task: &TaskView);
    /// Something happens in a task: a stage begins, goes on or ends, or there is a note.
    fn event(&mut self, event: &BatchEvent<'_>);
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

impl TaskEnd {
    /// Of this result.
    pub(crate) fn of(result: &TaskResult) -> Self {
        let how = match result.ending() {
            TaskEnding::Complete => "complete",
            TaskEnding::Suspect => "suspect",
            TaskEnding::Failed => "failed",
            TaskEnding::Interrupted | TaskEnding::NotBegun | TaskEnding::Queued => "interrupted",
        };
        let why = match &result.status {
            Status::Suspect(why) | Status::Error(why) => Some(why.clone()),
            Status::Complete | Status::Incomplete(_) => None,
        };
        Self {
            how,
            why,
            seconds: result.seconds,
            peak_rss_bytes: result.peak_rss_bytes,
            worked: result.worked(),
            typical: !result.stages_done.is_empty()
                && matches!(result.ending(), TaskEnding::Complete | TaskEnding::Suspect),
        }
    }
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
