//! What is to be done: a task, where its files go, and its canvas.

use crate::artifact::Image;
use crate::doubts::Doubt;
use crate::params::suffix;
use crate::stage::Stage;
use crate::task::TaskSpec;
use e2m_image::Canvas;
use e2m_io::{CheckpointFormat, TaskPaths};
use std::path::{Path, PathBuf};

/// A task and what follows from it and the sizes of its raw files. It does not change while the task runs.
#[derive(Debug, Clone)]
pub(crate) struct TaskContext<'a> {
    pub(crate) spec: &'a TaskSpec,
    pub(crate) paths: TaskPaths,
    pub(crate) canvas: Canvas,
    /// Micrometres per pixel along x and y, as the file of post says.
    pub(crate) um_per_px: Option<[f64; 2]>,
    /// What speaks against comparing its raw files, as far as that is known.
    pub(crate) doubts: Vec<Doubt>,
    /// Where images are under construction, if not beside their places.
    pub(crate) scratch: Option<&'a Path>,
}

impl TaskContext<'_> {
    /// Whether a stage is to be done whatever is there.
    pub(crate) fn is_forced(&self, stage: Stage) -> bool {
        let from = self.spec.from_stage;
        self.spec.force || from > Stage::Pad && stage >= from
    }

    /// Whether an image is to be there as a file.
    pub(crate) fn keeps(&self, image: Image) -> bool {
        image.is_kept(self.spec.checkpoints, &self.spec.params)
    }

    /// Where an image is.
    pub(crate) fn image_path(&self, image: Image, format: CheckpointFormat) -> PathBuf {
        image.path(&self.paths, &self.spec.params, format)
    }

    /// Where the manifest is.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        let suffix = suffix(&self.spec.params, Stage::LAST);
        self.paths.manifest_path(&suffix)
    }
}
