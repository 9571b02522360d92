//! What is shown of running tasks, however it is shown.

use crate::task_size::TaskSize;
use e2m_pipeline::Event;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// 1 to 4.
    pub(crate) stage: u8,
    /// In a few words.
    pub(crate) what: &'static str,
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
    fn event(&mut self, task: &TaskView, event: &Event);
    /// It has ended: how, in how many seconds, and whether anything had to be done.
    fn task_finished(&mut self, task: &TaskView, how: &str, seconds: f64, worked: bool);
}

/// `stage 3 fine alignment`.
pub(crate) fn stage_name(stage: u8) -> String {
    let name = match stage {
        1 => "padding",
        2 => "coarse alignment",
        3 => "fine alignment",
        _ => "difference",
    };
    format!("stage {stage} {name}")
}

/// The line that ends a task.
pub(crate) fn last_line(
    task: &TaskView,
    how: &str,
    seconds: f64,
    worked: bool,
    left: Option<f64>,
) -> String {
    let took = if worked {
        format!(" in {}", crate::human::seconds(seconds))
    } else {
        ", nothing to do".into()
    };
    let left = left.map_or_else(String::new, |left| {
        format!("; about {} left", crate::human::about(left))
    });
    format!("{}  {how}{took}{left}", task.label())
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
        assert_eq!(
            last_line(&task, "complete", 12.34, true, Some(11.5)),
            "[2/3] CD070/DAPI  complete in 12.3 s; about 12 s left"
        );
        assert_eq!(
            last_line(&task, "complete", 0.01, false, None),
            "[2/3] CD070/DAPI  complete, nothing to do"
        );
    }
}
