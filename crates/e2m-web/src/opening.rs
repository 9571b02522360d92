//! How a task is opened: by its batch, its record, and with every file of it within the folders that are served.

use crate::error::Refusal;
use crate::state::App;
use crate::tasks::{OpenTask, TaskName};
use e2m_batch::TaskSelection;
use e2m_batch::verify::VerifySubject;
use e2m_pipeline::{RecordedTask, TaskImages};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

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
        let mut task = self.recorded(name)?;
        if !name.variant.is_empty() {
            task = self.variant(task, &name.variant)?;
        }
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
