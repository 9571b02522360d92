//! `events.jsonl` in output_dir: what happens in a run, one JSON object per line, for other programs.
//!
//! Every line has `time`, `run` (when the run started, the same on all its lines) and `event`; what is about a task has `task`
//! as `sample/dye`. Runs append.

use e2m_io::AppendFile;
use jiff::Zoned;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Its name.
pub(crate) const NAME: &str = "events.jsonl";

/// Appends to the file. What cannot be written is told once, at the end.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    run: String,
    file: Option<AppendFile>,
    failure: Option<std::io::Error>,
}

fn stamp(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

impl Journal {
    /// Opens the file of this output_dir.
    pub(crate) fn open(output_dir: &Path, started: &Zoned) -> Self {
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
    pub(crate) fn failure(&self) -> Option<String> {
        let error = self.failure.as_ref()?;
        Some(format!(
            "{} could not be written: {error}",
            self.path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_objects_and_runs_append() {
        let dir = tempfile::tempdir().expect("a folder");
        for run in 0..2 {
            let mut journal = Journal::open(dir.path(), &Zoned::now());
            journal.add("run_started", None, json!({"tasks": run}));
            journal.add("task_started", Some("a/b"), json!({"worker": 0}));
            assert_eq!(journal.failure(), None);
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
        let mut journal = Journal::open(Path::new("/nowhere/at/all"), &Zoned::now());
        journal.add("run_started", None, json!({}));
        let told = journal.failure().expect("it fails");
        assert!(told.contains("/nowhere/at/all/events.jsonl"), "{told}");
    }
}
