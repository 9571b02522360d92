//! Follows the tasks of a batch: what the runner tells becomes lines on the terminal, in the run log and in `events.jsonl`,
//! and in the end results.

use super::journal::Journal;
use super::told::{Answer, Told};
use crate::human;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::report::results::{Ending, TaskResult};
use crate::terminal::{Show, TaskEnd, TaskView, Terminal};
use e2m_pipeline::{
    Event as TaskEvent, Status, TaskOutcome, TaskSpec, record_failure, remove_leftovers,
};
use e2m_resources::{MemoryLog, process_memory};
use e2m_schedule::{Ending as Ended, Event, Failure, Listener};
use serde_json::{Value, json};

/// Follows the tasks of a plan.
pub(crate) struct Follower<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) terminal: &'a Terminal,
    pub(crate) views: &'a [TaskView],
    /// The task of the plan that each job of the runner is.
    pub(crate) jobs: &'a [usize],
    pub(crate) show: Box<dyn Show>,
    pub(crate) log: &'a mut RunLog,
    pub(crate) journal: &'a mut Journal,
    /// With `memory_debug`.
    pub(crate) memory: Option<MemoryLog>,
    /// By task of the plan.
    pub(crate) results: Vec<Option<TaskResult>>,
    /// The worker that runs each job.
    pub(crate) workers: Vec<usize>,
    /// Each task has a process of its own, and no series of memory goes on from one to the next.
    pub(crate) fresh_processes: bool,
    /// Tasks run in this process, whose memory is that of the task.
    pub(crate) in_process: bool,
}

impl Listener for Follower<'_> {
    fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::TaskStarted {
                job,
                worker,
                attempt,
                threads,
            } => self.started(*job, *worker, *attempt, *threads),
            Event::Progress { job, event } => self.told(*job, event),
            Event::Usage { job, rss_bytes, .. } => {
                let view = self.view(*job);
                self.show.memory(&view, *rss_bytes);
            }
            Event::TaskFinished { job, ending, .. } => self.finished(*job, ending),
            other => self.besides(other),
        }
    }
}

impl Follower<'_> {
    fn view(&self, job: usize) -> TaskView {
        self.views[self.jobs[job]].clone()
    }

    fn started(&mut self, job: usize, worker: usize, attempt: u32, threads: usize) {
        let view = self.view(job);
        self.workers[job] = if self.fresh_processes { job } else { worker };
        self.journal.add(
            "task_started",
            Some(&view.name),
            json!({"worker": worker, "attempt": attempt, "threads": threads}),
        );
        self.show.task_started(&view);
    }

    fn told(&mut self, job: usize, value: &Value) {
        let view = self.view(job);
        // A worker of another version has been refused before.
        let Ok(told) = serde_json::from_value::<Told>(value.clone()) else {
            return;
        };
        match told {
            Told::Event { event } => {
                if self.in_process {
                    self.show.memory(&view, process_memory().current);
                }
                self.keep_event(&view, &event);
                self.show.event(&view, &event);
            }
            Told::Memory { rss_bytes } => {
                let worker = self.workers[job];
                if let Some(memory) = &mut self.memory {
                    let line = memory.before(worker, &view.name, rss_bytes);
                    self.say(&line);
                }
            }
            Told::Log { text } => self.terminal.log(&text),
        }
    }

    /// What other programs may want to know; rows going by are not.
    fn keep_event(&mut self, view: &TaskView, event: &TaskEvent) {
        let (name, facts) = match event {
            TaskEvent::StageStarted { stage } => ("stage_started", json!({"stage": stage})),
            TaskEvent::StageFinished {
                stage,
                seconds,
                skipped,
            } => (
                "stage_finished",
                json!({"stage": stage, "seconds": seconds, "skipped": skipped}),
            ),
            TaskEvent::Note { text } => ("note", json!({"text": text})),
            TaskEvent::Progress { .. } => return,
        };
        self.journal.add(name, Some(&view.name), facts);
    }

    fn say(&mut self, line: &str) {
        self.terminal.say(line);
        self.log.line(line);
    }

    fn finished(&mut self, job: usize, ending: &Ended) {
        let index = self.jobs[job];
        let task = &self.plan.tasks[index];
        let outcome = match ending {
            Ended::Done(value) | Ended::Stopped(value) => match self.answered(job, value) {
                Ok(answer) => {
                    let held = json!({
                        "worker": self.workers[job],
                        "rss_bytes": answer.rss_bytes,
                        "open_files": answer.open_files,
                    });
                    return self.end_with(index, Some(&answer.outcome), held);
                }
                Err(error) => Some(failed(
                    task,
                    format!("internal error: an answer cannot be read: {error}"),
                )),
            },
            Ended::Failed(failure) => {
                clear_up_after(task, failure);
                Some(of_failure(task, failure))
            }
            Ended::NotBegun => None,
        };
        self.end(index, outcome.as_ref());
    }

    fn answered(&mut self, job: usize, value: &Value) -> Result<Answer, serde_json::Error> {
        let answer: Answer = serde_json::from_value(value.clone())?;
        let name = self.view(job).name;
        let worker = self.workers[job];
        if let Some(memory) = &mut self.memory {
            let peak = answer.outcome.peak_rss_bytes;
            let line = memory.after(worker, &name, answer.rss_bytes, peak);
            self.say(&line);
        }
        Ok(answer)
    }

    /// A task has ended, or will not begin.
    pub(crate) fn end(&mut self, index: usize, outcome: Option<&TaskOutcome>) {
        self.end_with(index, outcome, json!({}));
    }

    /// The same, with what the process that did it holds now.
    fn end_with(&mut self, index: usize, outcome: Option<&TaskOutcome>, held: Value) {
        let result = TaskResult::of(&self.plan.tasks[index], outcome, &self.plan.output_dir);
        if outcome.is_some() {
            let view = &self.views[index];
            tell(&mut *self.show, view, &result);
            self.log.task(&view.label(), &result);
            let mut facts = json!({
                "status": result.status.to_string(),
                "seconds": result.seconds,
                "peak_rss_bytes": result.peak_rss_bytes,
                "stages_done": result.stages_done,
            });
            if let (Value::Object(facts), Value::Object(held)) = (&mut facts, held) {
                facts.extend(held);
            }
            self.journal.add("task_finished", Some(&view.name), facts);
        }
        self.results[index] = Some(result);
    }

    /// What is not about the work of a task.
    fn besides(&mut self, event: &Event<'_>) {
        let (name, job, text, facts) = match event {
            Event::TaskStalled { job, seconds } => (
                "task_stalled",
                Some(*job),
                format!("no progress and no processor time for {seconds:.0} s; it is left alone"),
                json!({"seconds": seconds}),
            ),
            Event::TaskPostponed { job, reason } => {
                let view = self.view(*job);
                self.show.task_put_back(&view);
                (
                    "task_postponed",
                    Some(*job),
                    format!("stopped and put back: {reason}"),
                    json!({"reason": reason.to_string()}),
                )
            }
            Event::TaskRetried {
                job,
                reason,
                workers,
            } => {
                let view = self.view(*job);
                self.show.task_put_back(&view);
                let at_a_time = human::count(*workers, "worker");
                (
                    "task_retried",
                    Some(*job),
                    format!("{reason}; it is tried again, with {at_a_time}"),
                    json!({"reason": reason.to_string(), "workers": workers}),
                )
            }
            Event::Held { available, min } => (
                "held",
                None,
                format!(
                    "no new task starts: {} of memory is available, min_available is {}",
                    human::bytes(*available),
                    human::bytes(*min)
                ),
                json!({"available_bytes": available, "min_available_bytes": min}),
            ),
            Event::Released => (
                "released",
                None,
                "memory is back, tasks start again".to_owned(),
                json!({}),
            ),
            Event::Note(text) => ("note", None, text.clone(), json!({"text": text})),
            _ => return,
        };
        let view = job.map(|job| self.view(job));
        let label = view.as_ref().map(|view| format!("{}  ", view.label()));
        self.journal
            .add(name, view.as_ref().map(|view| view.name.as_str()), facts);
        self.say(&format!("{}{text}", label.unwrap_or_default()));
    }
}

fn failed(task: &TaskSpec, why: String) -> TaskOutcome {
    TaskOutcome::failed(&task.sample, &task.dye, why)
}

/// Does what a worker that was killed could not do itself.
fn clear_up_after(task: &TaskSpec, failure: &Failure) {
    let removed = remove_leftovers(task).map(|_| ());
    let recorded = record_failure(task, &failure.error.to_string());
    for error in [removed, recorded].into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "what a worker left could not be put in order");
    }
}

/// The outcome of a task whose worker gave none.
fn of_failure(task: &TaskSpec, failure: &Failure) -> TaskOutcome {
    let stderr = failure.stderr.trim();
    let notes = if stderr.is_empty() {
        Vec::new()
    } else {
        vec![format!("standard error of the worker: {stderr}")]
    };
    TaskOutcome {
        seconds: failure.seconds,
        peak_rss_bytes: failure.peak_rss_bytes.unwrap_or(0),
        notes,
        ..failed(task, failure.error.to_string())
    }
}

/// Shows how a task ended.
pub(crate) fn tell(show: &mut dyn Show, task: &TaskView, result: &TaskResult) {
    let how = match result.ending() {
        Ending::Complete => "complete",
        Ending::Suspect => "suspect",
        Ending::Failed => "failed",
        Ending::Interrupted | Ending::NotBegun | Ending::Queued => "interrupted",
    };
    let why = match &result.status {
        Status::Suspect(why) | Status::Error(why) => Some(why.clone()),
        Status::Complete | Status::Incomplete(_) => None,
    };
    let end = TaskEnd {
        how,
        why,
        seconds: result.seconds,
        peak_rss_bytes: result.peak_rss_bytes,
        worked: result.worked(),
        typical: !result.stages_done.is_empty()
            && matches!(result.ending(), Ending::Complete | Ending::Suspect),
    };
    show.task_finished(task, &end);
}
