//! Follows the tasks of a batch: what the runner says becomes events for the reporters, and results.

use super::exchange::Exchange;
use super::message::{TaskMessage, TaskReply};
use super::task_progress::TaskProgress;
use crate::event::{BatchEvent, ProcessFacts};
use crate::plan::Plan;
use crate::report::results::TaskResult;
use crate::reporter::Reporter;
use crate::task_view::TaskView;
use e2m_pipeline::{TaskOutcome, TaskSpec, record_failure, remove_leftovers};
use e2m_resources::{MemoryLog, process_memory};
use e2m_schedule::{Failure, JobEnding, RunnerEvent, RunnerListener};
use serde_json::Value;

/// Follows the tasks of a plan.
pub(super) struct BatchReporting<'a> {
    pub(super) plan: &'a Plan,
    pub(super) views: &'a [TaskView],
    /// The task of the plan that each job of the runner is.
    pub(super) jobs: &'a [usize],
    pub(super) reporter: &'a mut dyn Reporter,
    /// Where tasks of this process leave what they say; none where they run in others.
    pub(super) exchange: Option<&'a Exchange>,
    /// With `memory_debug`.
    pub(super) memory: Option<MemoryLog>,
    /// By task of the plan; none for those that were not begun.
    pub(super) results: Vec<Option<TaskResult>>,
    /// By job.
    pub(super) progress: Vec<TaskProgress>,
    /// Each task has a process of its own, and no series of memory goes on from one to the next.
    pub(super) fresh_processes: bool,
}

impl RunnerListener for BatchReporting<'_> {
    fn on_event(&mut self, event: &RunnerEvent<'_>) {
        match event {
            RunnerEvent::TaskStarted {
                job,
                worker,
                attempt,
                threads,
            } => self.started(*job, *worker, *attempt, *threads),
            RunnerEvent::Progress { job, event } => self.heard(*job, event),
            RunnerEvent::Usage { job, rss_bytes, .. } => {
                self.progress[*job].measured(*rss_bytes);
                self.emit(&BatchEvent::TaskUsage {
                    task: self.view(*job),
                    rss_bytes: *rss_bytes,
                });
            }
            RunnerEvent::TaskFinished { job, ending, .. } => self.finished(*job, ending),
            other => self.besides(other),
        }
    }
}

impl<'a> BatchReporting<'a> {
    fn view(&self, job: usize) -> &'a TaskView {
        &self.views[self.jobs[job]]
    }

    pub(super) fn emit(&mut self, event: &BatchEvent<'_>) {
        self.reporter.on_event(event);
    }

    fn started(&mut self, job: usize, worker: usize, attempt: u32, threads: usize) {
        let as_series = if self.fresh_processes { job } else { worker };
        self.progress[job] = TaskProgress::begun(as_series);
        self.emit(&BatchEvent::TaskStarted {
            task: self.view(job),
            worker,
            attempt,
            threads,
        });
    }

    /// A task says something: here it waits in the exchange, from another process it comes as JSON.
    fn heard(&mut self, job: usize, json: &Value) {
        match self.exchange {
            Some(exchange) => self.take_messages(job, exchange),
            None => {
                // A worker of another version has been refused before.
                if let Ok(message) = serde_json::from_value(json.clone()) {
                    self.message(job, &message);
                }
            }
        }
    }

    fn take_messages(&mut self, job: usize, exchange: &Exchange) {
        for message in exchange.take_messages(job) {
            self.message(job, &message);
        }
    }

    fn message(&mut self, job: usize, message: &TaskMessage) {
        let task = self.view(job);
        match message {
            TaskMessage::Event { event } => {
                if self.exchange.is_some() {
                    // The memory of this process is that of the task.
                    self.progress[job].measured(process_memory().current);
                }
                let progress = &mut self.progress[job];
                progress.report(task, event, self.reporter);
            }
            TaskMessage::Memory { rss_bytes } => {
                let series = self.progress[job].series();
                if let Some(memory) = &mut self.memory {
                    let text = memory.before(series, &task.name, *rss_bytes);
                    self.emit(&BatchEvent::MemoryLine { task, text: &text });
                }
            }
            TaskMessage::Log { text } => self.emit(&BatchEvent::WorkerLog { task, text }),
        }
    }

    fn finished(&mut self, job: usize, ending: &JobEnding) {
        let index = self.jobs[job];
        let task = &self.plan.tasks[index];
        match ending {
            JobEnding::Done(json) | JobEnding::Stopped(json) => match self.reply(job, json) {
                Ok(reply) => self.replied(job, &reply),
                Err(why) => self.end(index, &failed(task, why), None),
            },
            JobEnding::Failed(failure) => {
                clear_up_after(task, failure);
                self.end(index, &outcome_of(task, failure), None);
            }
            // Why it was not, is known when the runner has ended.
            JobEnding::NotBegun => {}
        }
    }

    fn reply(&mut self, job: usize, json: &Value) -> Result<TaskReply, String> {
        let Some(exchange) = self.exchange else {
            return serde_json::from_value(json.clone())
                .map_err(|error| format!("internal error: an answer cannot be read: {error}"));
        };
        self.take_messages(job, exchange);
        let reply = exchange.take_reply(job);
        reply.ok_or_else(|| "internal error: the task left no answer".to_owned())
    }

    fn replied(&mut self, job: usize, reply: &TaskReply) {
        let (task, series) = (self.view(job), self.progress[job].series());
        if let Some(memory) = &mut self.memory {
            let peak = reply.outcome.peak_rss_bytes;
            let text = memory.after(series, &task.name, reply.rss_bytes, peak);
            self.emit(&BatchEvent::MemoryLine { task, text: &text });
        }
        let process = ProcessFacts {
            worker: series,
            rss_bytes: reply.rss_bytes,
            open_files: reply.open_files,
        };
        self.end(self.jobs[job], &reply.outcome, Some(process));
    }

    /// A task has ended.
    pub(super) fn end(
        &mut self,
        index: usize,
        outcome: &TaskOutcome,
        process: Option<ProcessFacts>,
    ) {
        let result = TaskResult::of(&self.plan.tasks[index], outcome, &self.plan.output_dir);
        self.emit(&BatchEvent::TaskEnded {
            task: &self.views[index],
            result: &result,
            process,
        });
        self.results[index] = Some(result);
    }

    /// What is not about the work of a task.
    fn besides(&mut self, event: &RunnerEvent<'_>) {
        match event {
            RunnerEvent::TaskStalled { job, seconds } => self.emit(&BatchEvent::TaskStalled {
                task: self.view(*job),
                seconds: *seconds,
            }),
            RunnerEvent::TaskPostponed { job, reason } => self.emit(&BatchEvent::TaskPostponed {
                task: self.view(*job),
                reason,
            }),
            RunnerEvent::TaskRetried {
                job,
                reason,
                workers,
            } => self.emit(&BatchEvent::TaskRetried {
                task: self.view(*job),
                reason,
                workers: *workers,
            }),
            RunnerEvent::Held { available, min } => self.emit(&BatchEvent::Held {
                available_bytes: *available,
                min_available_bytes: *min,
            }),
            RunnerEvent::Released => self.emit(&BatchEvent::Released),
            RunnerEvent::Note(text) => self.emit(&BatchEvent::Note { text }),
            _ => {}
        }
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
fn outcome_of(task: &TaskSpec, failure: &Failure) -> TaskOutcome {
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
