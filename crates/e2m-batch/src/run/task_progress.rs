//! How far a running task is, as its events are passed on.

use super::throughput::Throughput;
use crate::event::{BatchEvent, StageStep};
use crate::reporter::Reporter;
use crate::task_view::TaskView;
use e2m_pipeline::TaskEvent;

/// What is known of a running task.
#[derive(Debug)]
pub(crate) struct TaskProgress {
    /// The process, as the log of its memory counts them.
    series: usize,
    throughput: Throughput,
    rss_bytes: Option<u64>,
}

impl TaskProgress {
    /// A task begins in a process.
    pub(crate) fn begun(series: usize) -> Self {
        Self {
            series,
            throughput: Throughput::new(),
            rss_bytes: None,
        }
    }

    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// Its process holds so much, bytes.
    pub(crate) fn measured(&mut self, rss_bytes: u64) {
        self.rss_bytes = Some(rss_bytes);
    }

    /// Passes an event of the task on.
    pub(crate) fn report(
        &mut self,
        task: &TaskView,
        event: &TaskEvent,
        reporter: &mut dyn Reporter,
    ) {
        reporter.on_event(&match event {
            TaskEvent::StageStarted { stage } => BatchEvent::StageStarted {
                task,
                stage: *stage,
            },
            TaskEvent::Progress {
                stage,
                what,
                rows,
                of,
            } => {
                let step = StageStep {
                    stage: *stage,
                    what,
                    rows: *rows,
                    of: *of,
                };
                BatchEvent::StageProgress {
                    task,
                    step,
                    megapixels_per_second: self.throughput.of(&step, task),
                    rss_bytes: self.rss_bytes,
                }
            }
            TaskEvent::StageFinished {
                stage,
                seconds,
                skipped,
            } => BatchEvent::StageFinished {
                task,
                stage: *stage,
                seconds: *seconds,
                skipped: *skipped,
            },
            TaskEvent::Note { text } => BatchEvent::TaskNote { task, text },
        });
    }
}
