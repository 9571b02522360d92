//! `events.jsonl` in output_dir: what happens in a run, one JSON object per line, for other programs.
//!
//! Every line has `time`, `run` (when the run started, the same on all its lines) and `event`; what is about a task has `task`
//! as `sample/dye`. Runs append.

use crate::admission::Admission;
use crate::event::{BatchEvent, ProcessFacts};
use crate::plan::Plan;
use crate::report::{TaskResult, Unwritten};
use crate::reporter::Reporter;
use e2m_io::AppendFile;
use jiff::Zoned;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Its name.
pub(crate) const NAME: &str = "events.jsonl";

/// Appends to the file. What cannot be written is reported once, at the end.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    run: String,
    file: Option<AppendFile>,
    failure: Option<std::io::Error>,
}

fn stamp(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

impl EventLog {
    /// Opens the file of this output_dir.
    pub fn open(output_dir: &Path, started: &Zoned) -> Self {
        let path = output_dir.join(NAME);
        let (file, failure) = match AppendFile::open(&path) {
            Ok(file) => (Some(file), None),
            Err(error) => (None, Some(error)),
        };
        Self {
            path,
            run: stamp(started),
            file,
            failure,
        }
    }

    /// Adds a line: the fields of `facts` behind those that every line has.
    pub(crate) fn add(&mut self, event: &str, task: Option<&str>, facts: Value) {
        let Some(file) = &mut self.file else {
            return;
        };
        let mut line = Map::new();
        line.insert("time".into(), json!(stamp(&Zoned::now())));
        line.insert("run".into(), json!(self.run));
        line.insert("event".into(), json!(event));
        if let Some(task) = task {
            line.insert("task".into(), json!(task));
        }
        if let Value::Object(facts) = facts {
            line.extend(facts);
        }
        if let Err(error) = file.add_line(&Value::Object(line).to_string()) {
            self.failure.get_or_insert(error);
        }
    }

    /// Why the file is not complete, if it is not.
    pub fn failure(&self) -> Option<Unwritten> {
        let error = self.failure.as_ref()?;
        Some(Unwritten::EventLog {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }
}

impl Reporter for EventLog {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        if let Some((name, facts)) = facts_of(event) {
            self.add(name, event.task().map(|task| task.name.as_str()), facts);
        }
    }
}

/// The name and the facts of what other programs may want to know, as `events.jsonl` has them; rows going by are not.
pub fn facts_of(event: &BatchEvent<'_>) -> Option<(&'static str, Value)> {
    Some(match event {
        BatchEvent::Started {
            plan, admission, ..
        } => ("run_started", start_facts(plan, admission)),
        BatchEvent::TaskStarted {
            worker,
            attempt,
            threads,
            ..
        } => (
            "task_started",
            json!({"worker": worker, "attempt": attempt, "threads": threads}),
        ),
        BatchEvent::StageStarted { stage, .. } => ("stage_started", json!({"stage": stage})),
        BatchEvent::StageFinished {
            stage,
            seconds,
            skipped,
            ..
        } => (
            "stage_finished",
            json!({"stage": stage, "seconds": seconds, "skipped": skipped}),
        ),
        BatchEvent::TaskNote { text, .. } | BatchEvent::Note { text } => {
            ("note", json!({"text": text}))
        }
        BatchEvent::TaskStalled { seconds, .. } => ("task_stalled", json!({"seconds": seconds})),
        BatchEvent::TaskPostponed { reason, .. } => {
            ("task_postponed", json!({"reason": reason.to_string()}))
        }
        BatchEvent::TaskRetried {
            reason, workers, ..
        } => (
            "task_retried",
            json!({"reason": reason.to_string(), "workers": workers}),
        ),
        BatchEvent::TaskEnded {
            result, process, ..
        } => ("task_finished", end_facts(result, process.as_ref())),
        BatchEvent::Held {
            available_bytes,
            min_available_bytes,
        } => (
            "held",
            json!({"available_bytes": available_bytes, "min_available_bytes": min_available_bytes}),
        ),
        BatchEvent::Released => ("released", json!({})),
        BatchEvent::Ended { report, .. } => (
            "run_finished",
            json!({"exit_code": report.ending().code(), "seconds": report.seconds}),
        ),
        _ => return None,
    })
}

fn start_facts(plan: &Plan, admission: &Admission) -> Value {
    let largest = admission.needs().iter().map(|need| need.plan_bytes).max();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "batch": plan.batch_path,
        "tasks": plan.tasks.len(),
        "workers": admission.workers(),
        "threads": admission.threads(),
        "available_bytes": admission.memory().available_bytes,
        "largest_plan_bytes": largest,
        "disk_bytes": admission.disk_bytes(),
        "preflight": admission.lines(),
    })
}

/// How a task ended, and what the process that did it holds now.
pub(crate) fn end_facts(result: &TaskResult, process: Option<&ProcessFacts>) -> Value {
    let mut facts = json!({
        "status": result.status.to_string(),
        "seconds": result.seconds,
        "peak_rss_bytes": result.peak_rss_bytes,
        "stages_done": result.stages_done,
    });
    if let (Value::Object(facts), Some(process)) = (&mut facts, process) {
        facts.insert("worker".into(), json!(process.worker));
        facts.insert("rss_bytes".into(), json!(process.rss_bytes));
        facts.insert("open_files".into(), json!(process.open_files));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_objects_and_runs_append() {
        let dir = tempfile::tempdir().expect("a folder");
        for run in 0..2 {
            let mut log = EventLog::open(dir.path(), &Zoned::now());
            log.add("run_started", None, json!({"tasks": run}));
            log.add("task_started", Some("a/b"), json!({"worker": 0}));
            assert!(log.failure().is_none());
        }
        let text = std::fs::read_to_string(dir.path().join(NAME)).expect("it is there");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an object"))
            .collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2]["tasks"], 1);
        assert_eq!(
            (&lines[1]["event"], &lines[1]["task"]),
            (&json!("task_started"), &json!("a/b"))
        );
        assert_eq!(lines[0]["run"], lines[1]["run"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let mut log = EventLog::open(Path::new("/nowhere/at/all"), &Zoned::now());
        log.add("run_started", None, json!({}));
        let said = log.failure().expect("it fails").to_string();
        assert!(said.contains("/nowhere/at/all/events.jsonl"), "{said}");
    }
}
