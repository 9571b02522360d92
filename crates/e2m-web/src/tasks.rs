//! Tasks that are looked at, kept open for a moment, because a view asks for many tiles.

use e2m_pipeline::{RecordedTask, TaskImages};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was read is believed for so long; then it is looked at again.
const BELIEVED: Duration = Duration::from_secs(2);
/// So many tasks are kept open.
const MOST: usize = 64;

/// Which task: the name of its batch file, sample and dye.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize)]
pub(crate) struct TaskName {
    pub(crate) batch: String,
    pub(crate) sample: String,
    pub(crate) dye: String,
    /// The name of its record among those of `e2m compare`; empty for the task itself.
    #[serde(default)]
    pub(crate) variant: String,
}

/// A task that is open.
#[derive(Debug)]
pub(crate) struct OpenTask {
    pub(crate) task: RecordedTask,
    pub(crate) images: TaskImages,
    /// Another where the record is another: what was made of the same version is the same.
    pub(crate) version: u64,
}

/// Those that are kept open.
#[derive(Debug, Default)]
pub(crate) struct OpenTasks(Mutex<HashMap<TaskName, (Instant, Arc<OpenTask>)>>);

impl OpenTasks {
    /// One that was opened a moment ago.
    pub(crate) fn believed(&self, name: &TaskName) -> Option<Arc<OpenTask>> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, task) = tasks.get(name)?;
        (read.elapsed() < BELIEVED).then(|| Arc::clone(task))
    }

    /// Keeps one open.
    pub(crate) fn keep(&self, name: &TaskName, task: &Arc<OpenTask>) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= MOST {
            tasks.retain(|_, (read, _)| read.elapsed() < BELIEVED);
        }
        if tasks.len() < MOST {
            tasks.insert(name.clone(), (Instant::now(), Arc::clone(task)));
        }
    }
}
