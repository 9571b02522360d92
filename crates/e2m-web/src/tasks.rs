//! Tasks that are looked at: opened by their records, and kept open for a moment, because a view asks for many tiles.

use crate::error::Refusal;
use crate::state::App;
use e2m_batch::TaskSelection;
use e2m_batch::verify::VerifySubject;
use e2m_pipeline::{RecordedTask, TaskImages};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
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

impl App {
    /// Opens a task.
    pub(crate) fn task(&self, name: &TaskName) -> Result<Arc<OpenTask>, Refusal> {
        if let Some(task) = self.tasks.believed(name) {
            return Ok(task);
        }
        let task = Arc::new(self.open(name)?);
        self.tasks.keep(name, &task);
        Ok(task)
    }

    fn open(&self, name: &TaskName) -> Result<OpenTask, Refusal> {
        let task = self.recorded(name)?;
        for raw in task.raw.iter().flatten() {
            self.folder.check(raw)?;
        }
        let folder = task.output_dir.join(&task.sample).join(&task.dye);
        self.folder.check_content(&folder, 1)?;
        let images = TaskImages::open(&task)?;
        for raw in images.raw_files() {
            self.folder.check(raw)?;
        }
        let record = serde_json::to_vec(images.manifest()).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        (name, record).hash(&mut hasher);
        Ok(OpenTask {
            task,
            images,
            version: hasher.finish(),
        })
    }

    /// The task of a batch by its name.
    pub(crate) fn recorded(&self, name: &TaskName) -> Result<RecordedTask, Refusal> {
        let batch = self.batch(&name.batch)?;
        let subject = VerifySubject::of(&batch, &batch.path, &TaskSelection::default())?;
        let mut tasks = subject.tasks.into_iter();
        let task = tasks.find(|task| task.sample == name.sample && task.dye == name.dye);
        task.ok_or_else(|| {
            Refusal::nothing(format!(
                "{} has no task {}/{}; go back to the batch and choose one of its list",
                name.batch, name.sample, name.dye
            ))
        })
    }
}

impl OpenTasks {
    fn believed(&self, name: &TaskName) -> Option<Arc<OpenTask>> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, task) = tasks.get(name)?;
        (read.elapsed() < BELIEVED).then(|| Arc::clone(task))
    }

    fn keep(&self, name: &TaskName, task: &Arc<OpenTask>) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= MOST {
            tasks.retain(|_, (read, _)| read.elapsed() < BELIEVED);
        }
        if tasks.len() < MOST {
            tasks.insert(name.clone(), (Instant::now(), Arc::clone(task)));
        }
    }
}
