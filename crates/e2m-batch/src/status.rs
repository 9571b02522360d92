//! What is there of each task of a batch, and what a run would do.

use crate::cluster::{self, Queue, Whereabouts};
use crate::environment::Environment;
use crate::inspect::{Preview, inspect};
use crate::logs::running::{Running, last_said};
use crate::plan::{Plan, missing_reason, task_name};
use crate::report::last::LastResults;
use e2m_pipeline::{MemoryNeeds, StagePreview, Status, TaskPreview, TaskSpec, is_worked_on};
use serde_json::{Value, json};

/// The layout of the JSON document.
const SCHEMA: u32 = 1;

/// What is there of each task of a batch.
#[derive(Debug)]
pub struct BatchStatus<'a> {
    /// The tasks.
    pub plan: &'a Plan,
    /// What each would do and need, in the order of the plan.
    pub previews: Vec<Preview>,
    /// Where tasks are on a cluster.
    pub queue: Queue,
    /// What each does now; nothing for those that nobody works on.
    pub running: Vec<Option<Running>>,
}

/// Looks at what is there of each task. Nothing is run, and nothing is written.
pub fn status<'a>(plan: &'a Plan, environment: &Environment) -> BatchStatus<'a> {
    let mut previews = inspect(plan);
    let last = LastResults::read(&plan.output_dir);
    for (task, preview) in plan.tasks.iter().zip(&mut previews) {
        if let (Ok(preview), Some(why)) = (preview, last.error_of(task)) {
            add_error(preview, why);
        }
    }
    let mut said = last_said(&plan.output_dir);
    let running = plan.tasks.iter().map(|task| {
        // The lock is the fact; what was said of a task that was killed stays.
        is_worked_on(task).then(|| said.remove(&task_name(task)).unwrap_or_default())
    });
    BatchStatus {
        running: running.collect(),
        plan,
        previews,
        queue: Queue::ask(plan, environment),
    }
}

/// A task may have failed before it had a record of its own, or its job have died before it could say so there.
fn add_error(preview: &mut TaskPreview, why: &str) {
    if !preview.is_finished() && matches!(preview.earlier, None | Some(Status::Incomplete(_))) {
        preview.earlier = Some(Status::Error(why.to_owned()));
    }
}

impl BatchStatus<'_> {
    /// Each task with what it would do and need.
    pub fn tasks(&self) -> impl Iterator<Item = (&TaskSpec, &Preview)> {
        self.plan.tasks.iter().zip(&self.previews)
    }

    /// What a task does now, by its index; nothing where nobody works on it.
    pub fn running(&self, index: usize) -> Option<&Running> {
        self.running.get(index)?.as_ref()
    }

    /// Where a task is on the cluster, or which of its jobs failed.
    pub fn whereabouts(&self, task: &TaskSpec, preview: &Preview) -> Option<&Whereabouts> {
        let finished = preview.as_ref().is_ok_and(TaskPreview::is_finished);
        self.queue.whereabouts(task, finished)
    }

    /// Tasks whose images cannot be read.
    pub fn unreadable(&self) -> usize {
        self.previews
            .iter()
            .filter(|preview| preview.is_err())
            .count()
    }

    /// The same for other programs, and what an engine that runs task by task has to know of each.
    pub fn document(&self) -> Value {
        let (plan, queue) = (self.plan, &self.queue);
        let cpus = cluster::cpus(plan);
        let task = |(index, (task, preview)): (usize, (&TaskSpec, &Preview))| {
            let mut facts = json!({
                "sample": task.sample,
                "dye": task.dye,
                "post": task.post,
                "pre": task.pre,
            });
            let more = match preview {
                Ok(preview) => {
                    let memory = MemoryNeeds {
                        threads: cpus,
                        ..preview.memory
                    };
                    let stages: Vec<Value> = preview.stages.iter().map(stage_facts).collect();
                    json!({
                        "status": preview.finished.as_ref().or(preview.earlier.as_ref()),
                        "finished": preview.is_finished(),
                        "notes": preview.notes,
                        "stages": stages,
                        "to_do": preview.to_do(),
                        "disk_bytes": preview.disk_bytes,
                        "memory_bytes": memory.expected().plan_bytes,
                        "cpus": cpus,
                    })
                }
                Err(error) => json!({"status": format!("error: {error}"), "finished": false}),
            };
            let job = self.whereabouts(task, preview).map(|there| {
                let (state, node) = there.state_and_node();
                json!({"job": there.job, "state": state, "node": node})
            });
            if let (Value::Object(facts), Value::Object(more)) = (&mut facts, more) {
                facts.extend(more);
                facts.insert("cluster".to_owned(), json!(job));
                let running = self.running(index);
                let running = running.map(|now| json!({"stage": now.stage, "since": now.since}));
                facts.insert("running".to_owned(), json!(running));
            }
            facts
        };
        let missing = plan.missing.iter().map(|missing| {
            json!({"sample": missing.sample, "dye": missing.dye, "why": missing_reason(missing)})
        });
        json!({
            "schema": SCHEMA,
            "version": env!("CARGO_PKG_VERSION"),
            "batch": plan.batch_path,
            "output_dir": plan.output_dir,
            "tasks": self.tasks().enumerate().map(task).collect::<Vec<_>>(),
            "missing": missing.collect::<Vec<_>>(),
            "notes": queue.notes,
        })
    }
}

fn stage_facts(stage: &StagePreview) -> Value {
    match stage {
        StagePreview::There => json!("there"),
        StagePreview::New => json!("to do"),
        StagePreview::Again(why) => json!(format!("again: {why}")),
    }
}
