//! What the tasks of a plan need, as they are or otherwise.

use crate::batch_file::values::{AutoCount, MemoryGate, Parallel};
use crate::inspect::Preview;
use crate::plan::{Plan, task_name};
use e2m_pipeline::{CheckpointFormats, MemoryNeeds, TaskPreview};
use e2m_resources::{Alternatives, Machine, Need, rule_bytes, threads_per_worker};

/// What is asked of the machine, by task.
pub(super) struct PlannedNeeds<'a> {
    pub(super) plan: &'a Plan,
    pub(super) previews: &'a [Preview],
    /// Compute threads in all.
    pub(super) all_threads: usize,
    /// Compute threads of one worker.
    pub(super) threads: usize,
}

impl PlannedNeeds<'_> {
    /// How many tasks at a time, and why, where that was left to e2m.
    pub(super) fn workers(&self, machine: &Machine) -> (usize, Option<String>) {
        let execution = &self.plan.execution;
        if execution.parallel != Parallel::Pool {
            return (1, None);
        }
        let needs = self.needs();
        // What the admission check asks about decides how many it lets run.
        let checked = |need: &Need| match self.plan.resources.memory_gate {
            MemoryGate::Plan => need.plan_bytes,
            MemoryGate::Rule => need.rule_bytes,
        };
        let plans: Vec<u64> = needs
            .iter()
            .map(checked)
            .filter(|bytes| *bytes > 0)
            .collect();
        match execution.n_workers {
            AutoCount::Exactly(count) => (count.get().min(plans.len()).max(1), None),
            AutoCount::Auto => {
                let workers = machine.workers(plans.len(), &plans);
                (workers.count.max(1), Some(workers.because.to_string()))
            }
        }
    }

    /// What each task needs; nothing where all is there, or its images cannot be read.
    pub(super) fn needs(&self) -> Vec<Need> {
        let tasks = self.plan.tasks.iter().zip(self.previews);
        tasks
            .map(|(task, preview)| {
                let need = preview.as_ref().ok().filter(|o| !o.is_finished());
                need.map_or_else(
                    || Need {
                        name: task_name(task),
                        rule_bytes: 0,
                        plan_bytes: 0,
                        disk_bytes: 0,
                    },
                    |preview| self.need(task_name(task), preview, preview.memory.pad, self.threads),
                )
            })
            .collect()
    }

    /// What a task needs with this pad. With another than its own, everything would be written anew.
    fn need(&self, name: String, preview: &TaskPreview, pad: usize, threads: usize) -> Need {
        let memory = MemoryNeeds {
            pad,
            threads,
            ..preview.memory
        };
        let larger = preview.post.max(preview.pre);
        let factor = self.plan.resources.peak_factor.0;
        Need {
            name,
            rule_bytes: rule_bytes(larger.width, larger.height, pad, factor),
            plan_bytes: memory.expected().plan_bytes,
            disk_bytes: preview.disk_bytes_with(pad, preview.memory.formats),
        }
    }
}

impl PlannedNeeds<'_> {
    /// What is known of a task that is not finished.
    fn to_do(&self, task: usize) -> Option<&TaskPreview> {
        let preview = self.previews[task].as_ref().ok()?;
        (!preview.is_finished()).then_some(preview)
    }
}

impl Alternatives for PlannedNeeds<'_> {
    fn pad(&self, task: usize) -> usize {
        self.plan.tasks[task].params.pad
    }

    fn with_pad(&self, task: usize, pad: usize) -> Option<Need> {
        let preview = self.to_do(task)?;
        let name = task_name(&self.plan.tasks[task]);
        Some(self.need(name, preview, pad, self.threads))
    }

    fn with_workers(&self, task: usize, workers: usize) -> Option<Need> {
        let preview = self.to_do(task)?;
        let name = task_name(&self.plan.tasks[task]);
        let threads = threads_per_worker(self.all_threads, workers, 0);
        Some(self.need(name, preview, preview.memory.pad, threads))
    }

    fn other_formats(&self) -> Vec<(String, u64)> {
        let spec = self.plan.tasks.first();
        if spec.is_none_or(|spec| spec.checkpoint_format != CheckpointFormats::Both) {
            return Vec::new();
        }
        let bytes = |preview: &TaskPreview| {
            preview.disk_bytes_with(preview.memory.pad, CheckpointFormats::Tiff)
        };
        let to_do = self.previews.iter().flatten();
        let total = to_do
            .filter(|preview| !preview.is_finished())
            .map(bytes)
            .sum();
        vec![("checkpoint_format = \"tiff\"".to_owned(), total)]
    }
}
