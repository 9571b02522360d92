//! What is being done just now: the stage that each task is in, by the last lines of `events.jsonl`.

use super::event_log;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The end of the file that is read: some ten thousand events.
const TAIL_BYTES: u64 = 2 << 20;

/// What a task does that somebody works on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Running {
    /// The stage, where a run of the batch has said so.
    pub stage: Option<u64>,
    /// Since when, as the events have it.
    pub since: Option<String>,
}

/// The last that was said of each task, by its name; nothing of those that had ended by then.
pub(crate) fn last_said(output_dir: &Path) -> BTreeMap<String, Running> {
    let mut tasks = BTreeMap::new();
    for line in tail(&output_dir.join(event_log::NAME)).lines() {
        // The first line may be cut, the last may not have ended.
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(task), Some(kind)) = (text("task"), text("event")) else {
            continue;
        };
        match kind.as_str() {
            "task_started" => {
                let running = Running {
                    stage: None,
                    since: text("time"),
                };
                tasks.insert(task, running);
            }
            "stage_started" => {
                let running = Running {
                    stage: event.get("stage").and_then(Value::as_u64),
                    since: text("time"),
                };
                tasks.insert(task, running);
            }
            "task_finished" | "task_postponed" | "task_retried" => {
                tasks.remove(&task);
            }
            _ => {}
        }
    }
    tasks
}

/// The end of a file; nothing where it cannot be read.
fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_stage_that_began_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let line = |event: &str, task: &str, stage: u64| {
            json!({"time": format!("T{stage}"), "event": event, "task": task, "stage": stage})
                .to_string()
        };
        let lines = [
            "cut\"}".to_owned(),
            line("task_started", "a/b", 0),
            line("stage_started", "a/b", 1),
            line("stage_finished", "a/b", 1),
            line("stage_started", "a/b", 2),
            line("task_started", "c/d", 0),
            line("stage_started", "e/f", 3),
            line("task_finished", "e/f", 0),
            "{\"time\": \"unfinis".to_owned(),
        ];
        std::fs::write(dir.path().join(event_log::NAME), lines.join("\n")).expect("writes");
        let said = last_said(dir.path());
        let expected = |stage, since: &str| Running {
            stage,
            since: Some(since.to_owned()),
        };
        assert_eq!(said.get("a/b"), Some(&expected(Some(2), "T2")));
        assert_eq!(said.get("c/d"), Some(&expected(None, "T0")));
        assert_eq!(said.get("e/f"), None);
        assert!(last_said(Path::new("/nowhere")).is_empty());
    }
}
